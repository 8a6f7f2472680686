/* What an administrator asks of the store: deleting series, cleaning up behind that, snapshots. All
 * of it under the compaction's lock; appends and queries go on. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/mem.h"
#include "client/self_histogram.h"
#include "codec/json_write.h"
#include "tsdb/block_cursor.h"
#include "tsdb/block_priv.h"
#include "tsdb/block_writer.h"
#include "tsdb/tsdb_priv.h"

/* ---- deleting ---- */

/* The tombstones that a deletion adds to a block: of each series no more than it has. */
static int find_deletions(const struct block *block, struct matchers matchers, ts start, ts end,
                          struct tombstones *ret, struct baro_error *err)
{
    VEC(struct tombstone) found = {0};
    struct postings list = {0};
    struct arena arena = {0};
    int r = block_postings(block, &arena, matchers, NULL, &list, err);

    for (size_t i = 0; r >= 0 && i < list.count; i++) {
        struct index_series entry = {0};
        struct chunk_meta_walk walk;
        struct chunk_meta chunk = {0};
        struct tombstone item = {
            .ref = postings_at_index(list, i), .mint = INT64_MAX, .maxt = INT64_MIN};

        r = index_reader_series(block->index, (uint32_t)item.ref, &entry, err);
        walk = chunk_meta_walk_over(entry.chunks, entry.chunk_count);
        while (r >= 0 && (r = chunk_meta_next(&walk, &chunk, err)) > 0) {
            item.mint = chunk.mint < item.mint ? chunk.mint : item.mint;
            item.maxt = chunk.maxt > item.maxt ? chunk.maxt : item.maxt;
        }
        item.mint = item.mint > start ? item.mint : start;
        item.maxt = item.maxt < end ? item.maxt : end;
        if (r >= 0 && item.mint <= item.maxt) {
            vec_push(&found, item);
        }
    }
    arena_done(&arena);
    if (r < 0) {
        vec_done(&found);
        return r;
    }
    *ret = (struct tombstones){found.items, found.count};
    return 0;
}

/* The old tombstones and the new ones. */
static struct tombstones unite(const struct tombstones *old, struct tombstones *added)
{
    struct tombstones all = {.count = old->count + added->count};

    all.items = mem_alloc((all.count + 1) * sizeof(*all.items));
    if (old->count > 0) {
        memcpy(all.items, old->items, old->count * sizeof(*all.items));
    }
    memcpy(all.items + old->count, added->items, added->count * sizeof(*all.items));
    tombstones_done(added);
    tombstones_join(&all);
    return all;
}

static int write_tombstones(struct tsdb *tsdb, const struct block *block,
                            const struct tombstones *tombstones, struct baro_error *err)
{
    struct block_meta meta = *block_meta(block);
    struct buf raw = {0};
    int r;

    tombstones_write(tombstones, &raw);
    r = raw.failed
            ? error_set(err, -ENOMEM, "no memory for %zu tombstones", tombstones->count)
            : file_replace(tsdb->fs, block_directory(block), "tombstones", buf_view(&raw), err);
    buf_done(&raw);
    if (r >= 0) {
        meta.tombstone_count = tombstones->count;
        r = block_meta_replace(tsdb->fs, block_directory(block), &meta, err);
    }
    return r;
}

/* A block is immutable: the one with the new tombstones takes its place. */
int tsdb_add_tombstones_consume(struct tsdb *tsdb, struct block *block, struct tombstones *added,
                                struct block **ret_renewed, struct baro_error *err)
{
    struct tombstones all = unite(&block->tombstones, added);
    struct block *renewed = NULL;
    int r = write_tombstones(tsdb, block, &all, err);

    tombstones_done(&all);
    if (r >= 0) {
        r = block_open(tsdb->fs, block_directory(block), &renewed, err);
    }
    if (r >= 0) {
        block_set_cache(renewed, tsdb->block_cache);
        tsdb_blocks_replace(tsdb, renewed, &block, 1);
        *ret_renewed = renewed;
    }
    return r;
}

static int delete_in_block(struct tsdb *tsdb, struct block *block, struct matchers matchers,
                           ts start, ts end, struct baro_error *err)
{
    struct tombstones added = {0};
    struct block *renewed = NULL;
    int r = find_deletions(block, matchers, start, end, &added, err);

    return r < 0 || added.count == 0
               ? r
               : tsdb_add_tombstones_consume(tsdb, block, &added, &renewed, err);
}

static int delete_locked(struct tsdb *tsdb, struct matchers matchers, ts start, ts end,
                         struct baro_error *err)
{
    struct block_list *list;
    bool had_ooo = false;
    int r = head_delete(tsdb->head, matchers, start, end, &had_ooo, err);

    list = tsdb_blocks_ref(tsdb);
    for (size_t i = 0; r >= 0 && i < list->count; i++) {
        const struct block_meta *meta = block_meta(list->items[i]);

        if (meta->mint <= end && meta->maxt > start) {
            r = delete_in_block(tsdb, list->items[i], matchers, start, end, err);
        }
    }
    tsdb_blocks_unref(list);
    head_collect(tsdb->head);
    /* What was deleted stands in the WBL until the rest is in blocks. */
    if (r >= 0 && had_ooo) {
        r = tsdb_ooo_compact(tsdb, err);
    }
    return r;
}

int tsdb_delete(struct tsdb *tsdb, struct matchers matchers, ts start, ts end,
                struct baro_error *err)
{
    int r;

    if (matchers.count == 0) {
        return error_set(err, BARO_EINVALID, "a deletion wants a matcher");
    }
    lock_acquire(&tsdb->compact_lock);
    r = delete_locked(tsdb, matchers, start, end, err);
    lock_release(&tsdb->compact_lock);
    return r < 0 ? r : 0;
}

int tsdb_clean_tombstones(struct tsdb *tsdb, struct baro_error *err)
{
    struct block_list *list;
    int64_t start;
    int r = 0;

    lock_acquire(&tsdb->compact_lock);
    start = tsdb_mono();
    list = tsdb_blocks_ref(tsdb);
    for (size_t i = 0; r >= 0 && i < list->count; i++) {
        if (list->items[i]->tombstones.count > 0) {
            r = tsdb_merge_blocks(tsdb, &list->items[i], 1, err);
        }
    }
    tsdb_blocks_unref(list);
    self_histogram_add(SELF_HISTOGRAM_TOMBSTONE_CLEANUP,
                       (double)(tsdb_mono() - start) / MONO_PER_SECOND);
    lock_release(&tsdb->compact_lock);
    return r < 0 ? r : 0;
}

/* ---- snapshots ---- */

static void make_name(char ret[TSDB_SNAPSHOT_NAME_BYTES])
{
    uint64_t random = 0;
    time_t now = tsdb_wall() / 1000;
    struct tm parts;

    (void)gmtime_r(&now, &parts);
    (void)getrandom(&random, sizeof(random), 0);
    (void)snprintf(ret, TSDB_SNAPSHOT_NAME_BYTES, "%04d%02d%02dT%02d%02d%02dZ-%016llx",
                   (parts.tm_year + 1900) % 10000, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                   parts.tm_min, parts.tm_sec, (unsigned long long)random);
}

/* Links every file of a directory into another one: the files never change. */
static int link_tree(const struct fs *fs, const char *from, const char *to, struct baro_error *err)
{
    struct fs_entry *entries = NULL;
    struct arena arena = {0};
    size_t count = 0;
    int r = fs->mkdir(fs, to, err);

    if (r >= 0) {
        r = fs->list(fs, &arena, from, &entries, &count, err);
    }
    for (size_t i = 0; r >= 0 && i < count; i++) {
        const char *source = fs_path(&arena, from, entries[i].name.ptr);
        const char *target = fs_path(&arena, to, entries[i].name.ptr);

        r = entries[i].is_dir ? link_tree(fs, source, target, err)
                              : fs->link(fs, source, target, err);
    }
    if (r >= 0) {
        r = fs->sync_dir(fs, to, err);
    }
    arena_done(&arena);
    return r;
}

static int copy_blocks(struct tsdb *tsdb, struct arena *arena, const char *dir,
                       struct baro_error *err)
{
    struct block_list *list = tsdb_blocks_ref(tsdb);
    int r = 0;

    for (size_t i = 0; r >= 0 && i < list->count; i++) {
        const struct block *block = list->items[i];

        r = link_tree(tsdb->fs, block_directory(block),
                      fs_path(arena, dir, block_meta(block)->ulid), err);
    }
    tsdb_blocks_unref(list);
    return r;
}

static int copy_head(struct tsdb *tsdb, const char *dir, struct baro_error *err)
{
    struct head_block_job job = {
        .fs = tsdb->fs, .data_dir = dir, .now = tsdb_wall(), .is_copy = true, .stop = &tsdb->stop};
    struct head_ooo_picked picked = {0};
    struct arena arena = {0};
    char ulid[ULID_CHARS + 1];
    int r = 0;

    if (head_time(tsdb->head, &job.mint, &job.maxt)) {
        job.maxt += job.maxt < INT64_MAX;
        r = head_block_write(tsdb->head, &job, ulid, err);
    }
    if (r >= 0 && tsdb->wbl != NULL) {
        r = head_ooo_pick(tsdb->head, &arena, &picked, err);
    }
    if (r >= 0 && picked.count > 0) {
        r = tsdb_ooo_write_blocks(tsdb, &picked, dir, err);
    }
    arena_done(&arena);
    return r;
}

static int snapshot_locked(struct tsdb *tsdb, bool skip_head, const char *name,
                           struct baro_error *err)
{
    const struct fs *fs = tsdb->fs;
    struct arena arena = {0};
    const char *all = fs_path(&arena, tsdb->path, "snapshots"), *dir = fs_path(&arena, all, name);
    int r = fs->mkdir(fs, all, err);

    if (r >= 0) {
        r = fs->mkdir(fs, dir, err);
    }
    if (r >= 0) {
        r = copy_blocks(tsdb, &arena, dir, err);
    }
    if (r >= 0 && !skip_head) {
        r = copy_head(tsdb, dir, err);
    }
    if (r >= 0) {
        r = fs->sync_dir(fs, all, err);
    } else {
        (void)fs_remove_tree(fs, dir, NULL);
    }
    arena_done(&arena);
    return r;
}

int tsdb_snapshot(struct tsdb *tsdb, bool skip_head, char ret_name[TSDB_SNAPSHOT_NAME_BYTES],
                  struct baro_error *err)
{
    int r;

    make_name(ret_name);
    lock_acquire(&tsdb->compact_lock);
    r = snapshot_locked(tsdb, skip_head, ret_name, err);
    lock_release(&tsdb->compact_lock);
    return r < 0 ? error_wrap(err, r, "snapshot %s", ret_name) : 0;
}

void tsdb_blocks_write(struct tsdb *tsdb, struct json_writer *json)
{
    struct block_list *list = tsdb_blocks_ref(tsdb);
    struct buf text = {0};

    json_write_array_begin(json);
    for (size_t i = 0; i < list->count; i++) {
        buf_reset(&text);
        block_meta_write(block_meta(list->items[i]), &text);
        json_write_raw(json, buf_view(&text));
    }
    json_write_array_end(json);
    json->buf->failed |= text.failed;
    buf_done(&text);
    tsdb_blocks_unref(list);
}
