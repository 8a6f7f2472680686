#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/self.h"
#include "tsdb/block_priv.h"
#include "tsdb/block_cursor.h"
#include "tsdb/block_verify.h"
#include "tsdb/block_writer.h"
#include "tsdb/tsdb_priv.h"

void tsdb_blocks_unref(struct block_list *list)
{
    if (list == NULL || atomic_fetch_sub_explicit(&list->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        (void)block_unref(list->items[i]);
    }
    (void)mem_free(list);
}

struct block_list *tsdb_blocks_ref(struct tsdb *tsdb)
{
    struct block_list *list;

    lock_acquire(&tsdb->blocks_lock);
    list = tsdb->blocks;
    atomic_fetch_add_explicit(&list->refs, 1, memory_order_relaxed);
    lock_release(&tsdb->blocks_lock);
    return list;
}

static int by_mint(const void *a, const void *b)
{
    const struct block_meta *x = block_meta(*(struct block *const *)a);
    const struct block_meta *y = block_meta(*(struct block *const *)b);

    return x->mint != y->mint ? (x->mint > y->mint) - (x->mint < y->mint)
                              : strcmp(x->ulid, y->ulid);
}

static struct block_list *list_new(size_t room)
{
    struct block_list *list = mem_alloc_zero(sizeof(*list) + room * sizeof(struct block *));

    atomic_init(&list->refs, 1);
    return list;
}

static void publish(struct tsdb *tsdb, struct block_list *list)
{
    struct block_list *old;
    uint64_t bytes = 0, symbols = 0;

    if (list->count > 1) {
        qsort(list->items, list->count, sizeof(list->items[0]), by_mint);
    }
    for (size_t i = 0; i < list->count; i++) {
        bytes += block_bytes(list->items[i]);
        symbols += block_symbol_count(list->items[i]);
    }
    lock_acquire(&tsdb->blocks_lock);
    old = tsdb->blocks;
    tsdb->blocks = list;
    lock_release(&tsdb->blocks_lock);
    tsdb_blocks_unref(old);
    self_add(SELF_RELOADS, 1);
    self_set(SELF_BLOCKS_LOADED, (double)list->count);
    self_set(SELF_BLOCKS_BYTES, (double)bytes);
    /* The texts are in the mapped file; their places are in memory. */
    self_set(SELF_SYMBOL_TABLE, (double)(symbols * sizeof(uint32_t)));
}

static bool is_among(const struct block *block, struct block *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == block) {
            return true;
        }
    }
    return false;
}

void tsdb_blocks_replace(struct tsdb *tsdb, struct block *added, struct block *const *gone,
                         size_t gone_count)
{
    struct block_list *old = tsdb_blocks_ref(tsdb);
    struct block_list *list = list_new(old->count + 1);

    for (size_t i = 0; i < old->count; i++) {
        if (!is_among(old->items[i], gone, gone_count)) {
            list->items[list->count++] = block_ref(old->items[i]);
        }
    }
    if (added != NULL) {
        list->items[list->count++] = added;
    }
    tsdb_blocks_unref(old);
    publish(tsdb, list);
}

int tsdb_blocks_load(struct tsdb *tsdb, const char *ulid, struct block **ret,
                     struct baro_error *err)
{
    struct block_verdict verdict;
    struct arena arena = {0};
    struct block *block = NULL;
    int r = block_open(tsdb->fs, fs_path(&arena, tsdb->path, ulid), &block, err);

    if (r >= 0) {
        r = block_verify(block, &tsdb->stop, &verdict, err);
        chunk_reader_cool(block->chunks);
    }
    if (r >= 0) {
        block_set_cache(block, tsdb->block_cache);
    }
    arena_done(&arena);
    if (r < 0) {
        (void)block_unref(block);
        return r;
    }
    *ret = block;
    return 0;
}

ts tsdb_blocks_maxt(const struct block_list *list)
{
    ts maxt = INT64_MIN;

    for (size_t i = 0; i < list->count; i++) {
        const struct block_meta *meta = block_meta(list->items[i]);

        if (!meta->is_out_of_order) {
            maxt = meta->maxt > maxt ? meta->maxt : maxt;
        }
    }
    return maxt;
}

static void skip_block(struct tsdb *tsdb, const char *name, const struct baro_error *err)
{
    struct tsdb_skipped skipped = {0};

    if (err->code == BARO_ECORRUPT || err->code == BARO_EPARSE || err->code == BARO_EINVALID) {
        memcpy(skipped.ulid, name, ULID_CHARS);
        vec_push(&tsdb->skipped, skipped);
    }
    tsdb->report.blocks_skipped++;
    self_add(SELF_BLOCKS_SKIPPED, 1);
    (void)snprintf(tsdb->report.block_skip_text, sizeof(tsdb->report.block_skip_text),
                   "%.60s: %.150s", name, err->message);
}

/* What a kill has left of a block that was being made or removed. */
static bool is_leftover(str name)
{
    size_t dot = str_index_char(name, '.');

    return dot != SIZE_MAX && ulid_is_valid(str_slice(name, 0, dot)) &&
           (str_has_suffix(name, STR(BLOCK_TMP_CREATION)) ||
            str_has_suffix(name, STR(BLOCK_TMP_DELETION)));
}

struct block *tsdb_block_child(const struct block_list *list, const char *ulid)
{
    for (size_t i = 0; i < list->count; i++) {
        if (block_meta_is_parent(block_meta(list->items[i]), ulid)) {
            return list->items[i];
        }
    }
    return NULL;
}

/* Parents whose child is there as well (a kill came before they were removed) are not served. */
static void set_parents_aside(struct tsdb *tsdb, struct block **blocks, size_t *count)
{
    size_t kept = 0;

    for (size_t i = 0; i < *count; i++) {
        bool has_child = false;

        for (size_t k = 0; k < *count && !has_child; k++) {
            has_child =
                k != i && block_meta_is_parent(block_meta(blocks[k]), block_meta(blocks[i])->ulid);
        }
        if (has_child) {
            vec_push(&tsdb->obsolete, block_ref(blocks[i]));
        }
    }
    for (size_t i = 0; i < *count; i++) {
        if (is_among(blocks[i], tsdb->obsolete.items, tsdb->obsolete.count)) {
            (void)block_unref(blocks[i]);
        } else {
            blocks[kept++] = blocks[i];
        }
    }
    *count = kept;
}

/* One that cannot be read does not keep the others from serving. */
static void open_one(struct tsdb *tsdb, struct arena *arena, str name, struct block **blocks,
                     size_t *count)
{
    struct baro_error why = {0};
    struct block *block = NULL;

    if (block_open(tsdb->fs, fs_path(arena, tsdb->path, name.ptr), &block, &why) < 0) {
        skip_block(tsdb, name.ptr, &why);
        return;
    }
    if (!str_is(name, block_meta(block)->ulid)) {
        (void)error_set(&why, BARO_ECORRUPT, "meta.json names another block, %s",
                        block_meta(block)->ulid);
        skip_block(tsdb, name.ptr, &why);
        (void)block_unref(block);
        return;
    }
    block_set_cache(block, tsdb->block_cache);
    blocks[(*count)++] = block;
}

int tsdb_blocks_open(struct tsdb *tsdb, struct baro_error *err)
{
    struct fs_entry *entries = NULL;
    struct block_list *list;
    struct arena arena = {0};
    size_t count = 0;
    int r = tsdb->fs->list(tsdb->fs, &arena, tsdb->path, &entries, &count, err);

    list = list_new(count);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        if (entries[i].is_dir && is_leftover(entries[i].name)) {
            r = tsdb->options.read_only
                    ? 0
                    : fs_remove_tree(tsdb->fs, fs_path(&arena, tsdb->path, entries[i].name.ptr),
                                     err);
        } else if (entries[i].is_dir && ulid_is_valid(entries[i].name) &&
                   list->count < TSDB_BLOCKS_MAX) {
            open_one(tsdb, &arena, entries[i].name, list->items, &list->count);
        }
    }
    set_parents_aside(tsdb, list->items, &list->count);
    tsdb->report.blocks = list->count;
    publish(tsdb, list);
    arena_done(&arena);
    return r < 0 ? r : 0;
}
