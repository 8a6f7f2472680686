/* What is done about damage that reading has found: the damaged block is verified, what is good of
 * it becomes a new block, which serves instead, and the damaged one is set aside. */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "client/self.h"
#include "tsdb/block_priv.h"
#include "tsdb/block_salvage.h"
#include "tsdb/block_verify.h"
#include "tsdb/block_writer.h"
#include "tsdb/tsdb_priv.h"

/* Makes the good block and serves it. `old` is NULL for a block that could not be opened. */
static int salvage(struct tsdb *tsdb, const char *ulid, struct block *old, struct baro_error *err)
{
    struct block_salvage_job job = {.fs = tsdb->fs,
                                    .data_dir = tsdb->path,
                                    .ulid = ulid,
                                    .now = tsdb_wall(),
                                    .stop = &tsdb->stop};
    struct block_salvaged found = {0};
    struct block *made = NULL;
    int r = block_salvage_run(&job, &found, err);

    if (r >= 0 && found.ulid[0] != '\0') {
        r = tsdb_blocks_load(tsdb, found.ulid, &made, err);
        if (r < 0) {
            (void)block_remove(tsdb->fs, tsdb->path, found.ulid, NULL);
        }
    }
    if (r < 0) {
        return r;
    }
    if (made != NULL || old != NULL) {
        tsdb_blocks_replace(tsdb, made, &old, old != NULL ? 1 : 0);
    }
    self_add(SELF_BLOCKS_SALVAGED, 1);
    log_error("a damaged block was set aside; what is good of it serves on", log_c("block", ulid),
              log_c("new_block", made != NULL ? found.ulid : "(nothing was left)"),
              log_int("series", (int64_t)found.series), log_int("chunks", (int64_t)found.chunks),
              log_int("chunks_lost", (int64_t)found.chunks_lost),
              log_int("deletions_lost", found.are_deletions_lost));
    return block_set_aside(tsdb->fs, tsdb->path, ulid, err);
}

/* meta.json alone is damaged: it is written anew from what its seal said. */
static int mend_meta(struct tsdb *tsdb, struct block *block, struct baro_error *err)
{
    struct block *renewed = NULL;
    int r = block_meta_replace(tsdb->fs, block_directory(block), block_meta(block), err);

    if (r >= 0) {
        r = block_open(tsdb->fs, block_directory(block), &renewed, err);
    }
    if (r >= 0) {
        block_set_cache(renewed, tsdb->block_cache);
        tsdb_blocks_replace(tsdb, renewed, &block, 1);
        log_error("a damaged meta.json was written anew from its seal",
                  log_c("block", block_meta(block)->ulid));
    }
    return r;
}

static int mend_block(struct tsdb *tsdb, struct block *block, struct baro_error *err)
{
    struct block_verdict verdict;
    struct baro_error fault = {0};
    int r = block_verify(block, &tsdb->stop, &verdict, &fault);

    /* Whatever comes of it: it is looked at again when a query meets damage again. */
    atomic_store_explicit(&block->damage, 0, memory_order_relaxed);
    if (r == BARO_ECANCELED) {
        return error_set(err, r, "%s", fault.message);
    }
    if (r >= 0) {
        return 0;
    }
    log_error("a block is damaged", log_int("faults", (int64_t)verdict.faults), log_err(&fault));
    if (verdict.is_meta_damaged && verdict.faults == 1) {
        return mend_meta(tsdb, block, err);
    }
    return salvage(tsdb, block_meta(block)->ulid, block, err);
}

static int mend_skipped(struct tsdb *tsdb, const char *ulid, struct baro_error *err)
{
    struct block_list *list = tsdb_blocks_ref(tsdb);
    bool has_child = tsdb_block_child(list, ulid) != NULL;

    tsdb_blocks_unref(list);
    return has_child ? block_set_aside(tsdb->fs, tsdb->path, ulid, err)
                     : salvage(tsdb, ulid, NULL, err);
}

/* What cannot be mended stays as it is, and keeps nothing else from being done. */
static int settle(int r, const char *ulid, const struct baro_error *why, struct baro_error *err)
{
    if (r == BARO_ECANCELED) {
        return error_set(err, r, "%s", why->message);
    }
    if (r < 0) {
        log_error("a damaged block cannot be mended: see tsdb verify", log_c("block", ulid),
                  log_err(why));
    }
    return 0;
}

int tsdb_mend(struct tsdb *tsdb, struct baro_error *err)
{
    struct block_list *list = tsdb_blocks_ref(tsdb);
    int r = 0;

    for (size_t i = 0; r >= 0 && i < list->count; i++) {
        struct baro_error why = {0};

        if (block_is_damaged(list->items[i])) {
            r = settle(mend_block(tsdb, list->items[i], &why), block_meta(list->items[i])->ulid,
                       &why, err);
        }
    }
    tsdb_blocks_unref(list);
    while (r >= 0 && tsdb->skipped.count > 0) {
        struct tsdb_skipped skipped = vec_pop(&tsdb->skipped);
        struct baro_error why = {0};

        r = settle(mend_skipped(tsdb, skipped.ulid, &why), skipped.ulid, &why, err);
    }
    return r;
}

bool tsdb_find_damage(struct tsdb *tsdb, struct block *const *blocks, size_t count)
{
    bool has_damage = false;

    for (size_t i = 0; i < count; i++) {
        struct block_verdict verdict;

        if (block_verify(blocks[i], &tsdb->stop, &verdict, NULL) == BARO_ECORRUPT) {
            atomic_fetch_add_explicit(&blocks[i]->damage, verdict.faults, memory_order_relaxed);
            has_damage = true;
        }
    }
    return has_damage;
}
