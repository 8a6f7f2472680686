/* Which blocks have files of downsampled samples: those that are long enough, once they are there.
 * Under the compaction's lock. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "client/self.h"
#include "tsdb/block_priv.h"
#include "tsdb/downsample.h"
#include "tsdb/tsdb_priv.h"

/* Shorter blocks are merged soon, and quick as they are: 18 h, when the head gives 2 h. */
enum { RANGES_MIN = 9 };

static bool is_long(const struct tsdb *tsdb, const struct block *block)
{
    dur least = tsdb->options.chunk_range > 0 ? tsdb->options.chunk_range : (dur)2 * DUR_HOUR;

    return block_meta(block)->maxt - block_meta(block)->mint >= RANGES_MIN * least;
}

static int open_files(struct tsdb *tsdb, struct block *block, struct baro_error *err)
{
    struct arena arena = {0};
    int r = 0;

    for (int i = 0; r >= 0 && i < DOWNSAMPLE_WINDOWS; i++) {
        struct downsample *file = NULL;

        if (atomic_load_explicit(&block->downsampled[i], memory_order_relaxed) != NULL) {
            continue;
        }
        r = downsample_open(
            tsdb->fs,
            downsample_path(&arena, tsdb->path, block_meta(block)->ulid, downsample_windows[i]),
            &file, err);
        if (r >= 0) {
            /* Pairs with the acquire in block_samples; it stays for the block's life. */
            atomic_store_explicit(&block->downsampled[i], file, memory_order_release);
        }
    }
    arena_done(&arena);
    return r;
}

static bool has_files(const struct block *block)
{
    for (int i = 0; i < DOWNSAMPLE_WINDOWS; i++) {
        if (atomic_load_explicit(&block->downsampled[i], memory_order_relaxed) == NULL) {
            return false;
        }
    }
    return true;
}

/* Opens the files of a block, and makes those that are missing or damaged. */
static int serve_block(struct tsdb *tsdb, struct block *block, struct baro_error *err)
{
    struct baro_error why = {0};
    int64_t start = tsdb_mono();
    int r = open_files(tsdb, block, &why);

    if (r >= 0) {
        return 0;
    }
    if (r != -ENOENT) {
        log_warn("downsampled samples are made anew", log_err(&why));
    }
    r = downsample_build(tsdb->fs, tsdb->path, block, &tsdb->stop, err);
    if (r >= 0) {
        r = open_files(tsdb, block, err);
    }
    if (r >= 0) {
        self_add(SELF_BLOCKS_DOWNSAMPLED, 1);
        log_info("block downsampled", log_c("block", block_meta(block)->ulid),
                 log_int("dur_ms", (tsdb_mono() - start) / MONO_PER_MS));
    }
    return r;
}

static bool is_wanted(const struct block_list *list, str name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_has_prefix(name, str_from(block_meta(list->items[i])->ulid)) &&
            !str_has_suffix(name, STR(".tmp"))) {
            return true;
        }
    }
    return false;
}

/* Removes what belongs to no block. */
static void remove_orphans(struct tsdb *tsdb, const struct block_list *list)
{
    struct arena arena = {0};
    const char *dir = fs_path(&arena, tsdb->path, DOWNSAMPLE_DIR);
    struct fs_entry *entries = NULL;
    size_t count = 0;

    if (!tsdb->options.downsample) {
        (void)fs_remove_tree(tsdb->fs, dir, NULL);
    } else if (tsdb->fs->list(tsdb->fs, &arena, dir, &entries, &count, NULL) >= 0) {
        for (size_t i = 0; i < count; i++) {
            if (!is_wanted(list, entries[i].name)) {
                (void)tsdb->fs->remove(tsdb->fs, fs_path(&arena, dir, entries[i].name.ptr), NULL);
            }
        }
    }
    arena_done(&arena);
}

int tsdb_downsample(struct tsdb *tsdb, struct baro_error *err)
{
    struct block_list *list = tsdb_blocks_ref(tsdb);
    int r = 0;

    for (size_t i = 0; r >= 0 && tsdb->options.downsample && i < list->count; i++) {
        struct block *block = list->items[i];

        if (is_long(tsdb, block) && !has_files(block)) {
            r = serve_block(tsdb, block, err);
            if (r == BARO_ECORRUPT) {
                (void)tsdb_find_damage(tsdb, &block, 1);
                r = 0;
            }
        }
    }
    if (tsdb->downsampled_list != (uintptr_t)list) {
        remove_orphans(tsdb, list);
        tsdb->downsampled_list = (uintptr_t)list;
    }
    tsdb_blocks_unref(list);
    return r;
}
