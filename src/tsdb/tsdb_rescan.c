/* Blocks that others put into the directory of a running store, or take out of it. */
#include <string.h>

#include "base/log.h"
#include "tsdb/tsdb_priv.h"

enum { STRANGER_RETRY_MS = 60000, NS_PER_MS = 1000000 };

static bool is_named(const struct block *block, str name)
{
    return str_is(name, block_meta(block)->ulid);
}

static bool are_named(struct block *const *blocks, size_t count, str name)
{
    for (size_t i = 0; i < count; i++) {
        if (is_named(blocks[i], name)) {
            return true;
        }
    }
    return false;
}

static bool is_skipped(const struct tsdb *tsdb, str name)
{
    for (size_t i = 0; i < tsdb->skipped.count; i++) {
        if (str_is(name, tsdb->skipped.items[i].ulid)) {
            return true;
        }
    }
    return false;
}

static struct tsdb_stranger *stranger_of(struct tsdb *tsdb, str name)
{
    for (size_t i = 0; i < tsdb->strangers.count; i++) {
        if (str_is(name, tsdb->strangers.items[i].ulid)) {
            return &tsdb->strangers.items[i];
        }
    }
    return NULL;
}

static void put_off(struct tsdb *tsdb, str name, const struct baro_error *why)
{
    int64_t again = tsdb_mono() + (int64_t)STRANGER_RETRY_MS * NS_PER_MS;
    struct tsdb_stranger *known = stranger_of(tsdb, name), added = {.retry_at = again};

    if (known != NULL) {
        known->retry_at = again;
        return;
    }
    memcpy(added.ulid, name.ptr, ULID_CHARS);
    vec_push(&tsdb->strangers, added);
    log_warn("a block that was put into the directory cannot be read: it is tried again every "
             "minute",
             log_c("block", added.ulid), log_err(why));
}

static void forget_stranger(struct tsdb *tsdb, str name)
{
    struct tsdb_stranger *known = stranger_of(tsdb, name);

    if (known != NULL) {
        *known = vec_pop(&tsdb->strangers);
    }
}

/* A block that a loaded one was made of is not served beside it, and one that a new block was made
 * of no longer; both go when the child has been read back. */
static void serve(struct tsdb *tsdb, struct block *block, const struct block_list *list)
{
    VEC(struct block *) parents = {0};

    if (tsdb_block_child(list, block_meta(block)->ulid) != NULL) {
        vec_push(&tsdb->obsolete, block);
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (block_meta_is_parent(block_meta(block), block_meta(list->items[i])->ulid)) {
            vec_push(&parents, list->items[i]);
            vec_push(&tsdb->obsolete, block_ref(list->items[i]));
        }
    }
    log_info("a block was put into the directory, and serves",
             log_c("block", block_meta(block)->ulid));
    tsdb_blocks_replace(tsdb, block, parents.items, parents.count);
    vec_done(&parents);
}

/* It is read whole before: it may still be on its way into the directory. */
static int take_in(struct tsdb *tsdb, str name, struct baro_error *err)
{
    struct tsdb_stranger *known = stranger_of(tsdb, name);
    struct block_list *list;
    struct block *block = NULL;
    struct baro_error why = {0};
    int r;

    if (known != NULL && tsdb_mono() < known->retry_at) {
        return 0;
    }
    r = tsdb_blocks_load(tsdb, name.ptr, &block, &why);
    if (r >= 0 && !is_named(block, name)) {
        r = error_set(&why, BARO_ECORRUPT, "meta.json names another block, %s",
                      block_meta(block)->ulid);
        (void)block_unref(block);
    }
    if (r == BARO_ECANCELED) {
        return error_set(err, r, "%s", why.message);
    }
    if (r < 0) {
        put_off(tsdb, name, &why);
        return 0;
    }
    forget_stranger(tsdb, name);
    list = tsdb_blocks_ref(tsdb);
    serve(tsdb, block, list);
    tsdb_blocks_unref(list);
    return 0;
}

static bool is_listed(const struct fs_entry *entries, size_t count, const char *ulid)
{
    for (size_t i = 0; i < count; i++) {
        if (str_is(entries[i].name, ulid)) {
            return true;
        }
    }
    return false;
}

static void let_go(struct tsdb *tsdb, const struct fs_entry *entries, size_t count)
{
    struct block_list *list = tsdb_blocks_ref(tsdb);
    VEC(struct block *) gone = {0};

    for (size_t i = 0; i < list->count; i++) {
        if (!is_listed(entries, count, block_meta(list->items[i])->ulid)) {
            log_warn("a block was taken out of the directory, and serves no more",
                     log_c("block", block_meta(list->items[i])->ulid));
            vec_push(&gone, list->items[i]);
        }
    }
    if (gone.count > 0) {
        tsdb_blocks_replace(tsdb, NULL, gone.items, gone.count);
    }
    vec_done(&gone);
    tsdb_blocks_unref(list);
    for (size_t i = tsdb->strangers.count; i-- > 0;) {
        if (!is_listed(entries, count, tsdb->strangers.items[i].ulid)) {
            tsdb->strangers.items[i] = vec_pop(&tsdb->strangers);
        }
    }
}

/* Not one that is known already, in whatever state. */
static bool is_new(struct tsdb *tsdb, const struct fs_entry *entry)
{
    struct block_list *list = tsdb_blocks_ref(tsdb);
    bool is_known = are_named(list->items, list->count, entry->name) ||
                    are_named(tsdb->obsolete.items, tsdb->obsolete.count, entry->name) ||
                    is_skipped(tsdb, entry->name);
    bool has_room = list->count < TSDB_BLOCKS_MAX;

    tsdb_blocks_unref(list);
    return !is_known && has_room;
}

int tsdb_rescan(struct tsdb *tsdb, struct baro_error *err)
{
    struct fs_entry *entries = NULL;
    struct arena arena = {0};
    struct baro_error why = {0};
    size_t count = 0;
    int r = 0;

    if (tsdb->fs->list(tsdb->fs, &arena, tsdb->path, &entries, &count, &why) < 0) {
        log_warn("the directory cannot be read for new blocks", log_err(&why));
    } else {
        let_go(tsdb, entries, count);
    }
    for (size_t i = 0; r >= 0 && i < count; i++) {
        if (entries[i].is_dir && ulid_is_valid(entries[i].name) && is_new(tsdb, &entries[i])) {
            r = take_in(tsdb, entries[i].name, err);
        }
    }
    arena_done(&arena);
    return r;
}
