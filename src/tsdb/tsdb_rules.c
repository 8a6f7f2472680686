/* The retention rules put to work on the blocks: chunks that a rule no longer keeps get tombstones,
 * and a block of which that is a share worth the work is rewritten without them. Under the
 * compaction's lock. */
#include "base/log.h"
#include "base/mem.h"
#include "client/self.h"
#include "tsdb/block_cursor.h"
#include "tsdb/block_priv.h"
#include "tsdb/retention_rules.h"
#include "tsdb/tsdb_priv.h"

/* A block is rewritten when one chunk in twenty goes. */
enum { REWRITE_SHARE = 20, CHECK_STOP_EVERY = 1024 };

/* What of one block goes. */
struct expiry {
    const struct retention_rules *rules;
    const struct block *block;
    ts *cutoffs; /* by rule; the last is the store's own */
    VEC(struct label) labels;
    VEC(struct tombstone) found;
    uint64_t chunks; /* that are gone, those of earlier tombstones included */
    uint64_t series; /* with new tombstones */
};

/* The cutoffs as one number, which tells whether there is anything new to do. Never 0. */
static uint64_t mark_of(uint64_t generation, const ts *cutoffs, size_t count)
{
    uint64_t mark = generation * UINT64_C(0x9e3779b97f4a7c15) + 1;

    for (size_t i = 0; i < count; i++) {
        mark = (mark ^ (uint64_t)cutoffs[i]) * UINT64_C(0x100000001b3);
    }
    return mark == 0 ? 1 : mark;
}

static struct labels labels_of(struct expiry *expiry, const struct block_cursor *cursor)
{
    vec_reset(&expiry->labels);
    for (size_t i = 0; i < cursor->labels.count; i++) {
        struct label label = {0};

        (void)block_symbol(expiry->block, cursor->labels.items[i].name, &label.name);
        (void)block_symbol(expiry->block, cursor->labels.items[i].value, &label.value);
        vec_push(&expiry->labels, label);
    }
    return (struct labels){expiry->labels.items, expiry->labels.count};
}

/* Only whole chunks go: then a rewrite copies, and never packs anew. */
static void expire_series(struct expiry *expiry, const struct block_cursor *cursor)
{
    size_t rule = retention_rules_find(expiry->rules, labels_of(expiry, cursor));
    size_t count = retention_rules_count(expiry->rules), gone = 0;
    ts cutoff = expiry->cutoffs[rule == RETENTION_RULE_NONE ? count : rule];
    const struct tombstone *cover;
    struct tombstone item = {.ref = cursor->ref};

    while (gone < cursor->chunks.count && cursor->chunks.items[gone].maxt < cutoff) {
        gone++;
    }
    if (gone == 0) {
        return;
    }
    item.mint = cursor->chunks.items[0].mint;
    item.maxt = cursor->chunks.items[gone - 1].maxt;
    expiry->chunks += gone;
    cover = tombstones_cover(tombstones_of(&expiry->block->tombstones, cursor->ref), item.mint);
    if (cover == NULL || cover->maxt < item.maxt) {
        vec_push(&expiry->found, item);
        expiry->series++;
    }
}

static int expire_all(struct tsdb *tsdb, struct expiry *expiry, struct baro_error *err)
{
    struct block_cursor cursor;
    size_t done = 0;
    int r = block_cursor_open(&cursor, expiry->block, err);

    while (r >= 0 && (r = block_cursor_next(&cursor, err)) > 0) {
        expire_series(expiry, &cursor);
        if (++done % CHECK_STOP_EVERY == 0 &&
            atomic_load_explicit(&tsdb->stop, memory_order_relaxed)) {
            r = error_set(err, BARO_ECANCELED, "the retention rules were stopped");
        }
    }
    block_cursor_done(&cursor);
    return r;
}

/* Takes what was found out of the block. */
static int delete_found(struct tsdb *tsdb, struct block *block, struct expiry *expiry,
                        uint64_t mark, struct baro_error *err)
{
    struct tombstones added = {expiry->found.items, expiry->found.count};
    struct block *renewed = block;
    uint64_t all = block_meta(block)->chunk_count;
    int r = 0;

    if (added.count > 0) {
        expiry->found.items = NULL;
        r = tsdb_add_tombstones_consume(tsdb, block, &added, &renewed, err);
        self_add(SELF_RETENTION_RULE_SERIES, (double)expiry->series);
    }
    if (r >= 0) {
        renewed->rules_mark = mark;
        if (expiry->chunks > 0 && expiry->chunks * REWRITE_SHARE >= all &&
            !block_meta(renewed)->has_failed) {
            log_info("retention rules free space", log_c("block", block_meta(block)->ulid),
                     log_int("chunks", (int64_t)expiry->chunks), log_int("of", (int64_t)all));
            /* It is read until it is removed, and the list of blocks may have the only reference.
             */
            renewed = block_ref(renewed);
            r = tsdb_merge_blocks(tsdb, &renewed, 1, err);
            (void)block_unref(renewed);
        }
    }
    return r;
}

static int expire_block(struct tsdb *tsdb, const struct retention_rules *rules, struct block *block,
                        ts newest, struct baro_error *err)
{
    const struct block_meta *meta = block_meta(block);
    size_t count = retention_rules_count(rules);
    dur least = tsdb->options.chunk_range > 0 ? tsdb->options.chunk_range : (dur)2 * DUR_HOUR;
    struct expiry expiry = {
        .rules = rules, .block = block, .cutoffs = mem_alloc((count + 1) * sizeof(ts))};
    bool is_touched = false;
    uint64_t mark;
    int r = 0;

    for (size_t i = 0; i <= count; i++) {
        dur keep = i < count ? retention_rules_keep(rules, i) : tsdb_retention(tsdb).time;

        expiry.cutoffs[i] = retention_cutoff(keep, meta->mint, meta->maxt, newest, least);
        is_touched |= expiry.cutoffs[i] != INT64_MIN;
    }
    mark = mark_of(tsdb->rules_generation, expiry.cutoffs, count + 1);
    if (is_touched && block->rules_mark != mark) {
        r = expire_all(tsdb, &expiry, err);
        r = r < 0 ? r : delete_found(tsdb, block, &expiry, mark, err);
    }
    vec_done(&expiry.labels);
    vec_done(&expiry.found);
    (void)mem_free(expiry.cutoffs);
    return r;
}

int tsdb_apply_rules(struct tsdb *tsdb, struct baro_error *err)
{
    struct retention_rules *rules;
    struct block_list *list;
    ts newest = INT64_MIN;
    int r = 0;

    lock_acquire(&tsdb->lock);
    rules = retention_rules_ref(tsdb->rules);
    lock_release(&tsdb->lock);
    if (retention_rules_count(rules) == 0) {
        (void)retention_rules_unref(rules);
        return 0;
    }
    list = tsdb_blocks_ref(tsdb);
    for (size_t i = 0; i < list->count; i++) {
        ts maxt = block_meta(list->items[i])->maxt;

        newest = maxt > newest ? maxt : newest;
    }
    for (size_t i = 0; r >= 0 && i < list->count; i++) {
        r = expire_block(tsdb, rules, list->items[i], newest, err);
        /* A damaged block is salvaged in the next round, and keeps the others from nothing. */
        if (r == BARO_ECORRUPT) {
            (void)tsdb_find_damage(tsdb, &list->items[i], 1);
            r = 0;
        }
    }
    tsdb_blocks_unref(list);
    (void)retention_rules_unref(rules);
    return r;
}

void tsdb_set_retention_rules(struct tsdb *tsdb, struct retention_rules *rules)
{
    struct retention_rules *before;

    lock_acquire(&tsdb->lock);
    before = tsdb->rules;
    tsdb->rules = rules;
    tsdb->rules_generation++;
    lock_release(&tsdb->lock);
    (void)retention_rules_unref(before);
}
