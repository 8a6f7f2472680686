/*
 * What goes on by itself. The thread `tsdb` syncs the WAL once a second. The thread `compact` looks
 * every few seconds whether there is long work:
 *   0. Full chunks of the head go to files.
 *   1. A head that spans more than one and a half ranges gives its oldest range to a new block.
 *   2. The block is opened, read back whole and served; then the head forgets the range.
 *   3. A third of the WAL is left; older segments become a checkpoint.
 *   4. Blocks lose what the retention rules no longer keep (tsdb_rules.c).
 *      Blocks are merged by plan; the new one is read back whole before the old ones go.
 *   5. Blocks beyond the retention go.
 *   6. Long blocks are downsampled, when that is asked for (tsdb_downsample.c).
 * Before all that, blocks in which damage was met are salvaged (tsdb_mend.c).
 * Nothing is removed before what replaces it is on the disk and was read back. Whatever fails is
 * tried again in a minute.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "client/self.h"
#include "tsdb/block_cursor.h"
#include "tsdb/block_verify.h"
#include "tsdb/block_writer.h"
#include "tsdb/head_snapshot.h"
#include "tsdb/tsdb_priv.h"

enum {
    SYNC_EVERY_MS = 1000,
    COMPACT_EVERY_MS = 5000,
    RETRY_AFTER_MS = 60000,
    FLOOD_LOOK_MS = 1000,
    FLOOD_BYTES = 16 << 20, /* of full chunks in memory that do not wait for the next round */
    /* Longer than any query may take unless it was told otherwise. */
    QUERIERS_WAIT_MS = 150000,
    SNAPSHOT_WAL_BYTES_MIN = 4 << 20,
    COMPACTIONS_AT_ONCE = 64, /* in one round, before the head is looked at again */
};

int64_t tsdb_mono(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * MONO_PER_SECOND + now.tv_nsec;
}

ts tsdb_wall(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (ts)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void set_log_metrics(struct tsdb *tsdb)
{
    static const enum self_id saved[] = {
        [TSDB_WAL_SNAPPY] = SELF_WAL_SAVED_BYTES_SNAPPY,
        [TSDB_WAL_NONE] = SELF_WAL_SAVED_BYTES_SNAPPY,
        [TSDB_WAL_ZSTD] = SELF_WAL_SAVED_BYTES_ZSTD,
    };
    struct wal *wbl = atomic_load_explicit(&tsdb->wbl, memory_order_acquire);
    struct wal_stats stats = {0}, late = {0};

    wal_stats(tsdb->wal, &stats);
    self_set(SELF_WAL_SEGMENT, (double)stats.segment);
    self_set(SELF_WAL_PAGES, (double)stats.pages);
    self_set(SELF_WAL_PARTS, (double)stats.parts);
    self_set(SELF_WAL_BYTES, (double)stats.bytes);
    self_set(SELF_WAL_WRITES_FAILED, (double)stats.writes_failed);
    self_set(saved[tsdb->options.wal_compression], (double)stats.saved_bytes);
    if (wbl != NULL) {
        wal_stats(wbl, &late);
    }
    self_set(SELF_WBL_SEGMENT, wbl != NULL ? (double)late.segment : -1);
    self_set(SELF_WBL_PAGES, (double)late.pages);
    self_set(SELF_WBL_WRITES_FAILED, (double)late.writes_failed);
}

bool tsdb_lowest_time(struct tsdb *tsdb, ts *ret)
{
    struct block_list *list = tsdb_blocks_ref(tsdb);
    ts mint = 0, maxt = 0;
    bool found = true;

    if (list->count > 0) {
        mint = block_meta(list->items[0])->mint;
    } else {
        found = head_time(tsdb->head, &mint, &maxt);
    }
    tsdb_blocks_unref(list);
    *ret = mint;
    return found;
}

static void set_lowest_time(struct tsdb *tsdb)
{
    ts lowest = 0;

    (void)tsdb_lowest_time(tsdb, &lowest);
    self_set(SELF_LOWEST_TIME, (double)lowest);
}

static void set_metrics(struct tsdb *tsdb)
{
    set_log_metrics(tsdb);
    set_lowest_time(tsdb);
    self_set(SELF_HEAD_CHUNKS_STORAGE, (double)head_files_bytes(tsdb->head));
    head_limit_check(tsdb->head);
    head_metrics_publish(tsdb->head);
}

/* ---- the head ---- */

/* Snapshots of Prometheus tell of a head before this truncation: should it come back, it must not
 * believe them. All that they hold stands in the WAL or in blocks. */
static int drop_foreign(struct tsdb *tsdb, struct baro_error *err)
{
    struct fs_entry *entries = NULL;
    struct arena arena = {0};
    size_t count = 0;
    int r = tsdb->fs->list(tsdb->fs, &arena, tsdb->path, &entries, &count, err);

    for (size_t i = 0; r >= 0 && i < count; i++) {
        if (entries[i].is_dir && str_has_prefix(entries[i].name, STR("chunk_snapshot."))) {
            r = fs_remove_tree(tsdb->fs, fs_path(&arena, tsdb->path, entries[i].name.ptr), err);
        }
    }
    arena_done(&arena);
    return r;
}

/* The head forgets what a block serves, once no query is left that does not know the block. */
int tsdb_wait_queriers(struct tsdb *tsdb, struct baro_error *err)
{
    dur wait = tsdb->options.querier_wait > 0 ? tsdb->options.querier_wait : QUERIERS_WAIT_MS;

    if (!head_wait_queriers(tsdb->head, tsdb_mono() + wait * MONO_PER_MS)) {
        return error_set(err, BARO_ETIMEOUT,
                         "the head is not truncated: a query has been open for %lld ms",
                         (long long)wait);
    }
    return 0;
}

static int truncate_head(struct tsdb *tsdb, struct baro_error *err)
{
    struct head_truncated sum = {0};
    ts before = tsdb->truncate_to;
    int64_t start;
    int r = tsdb_wait_queriers(tsdb, err);

    if (r < 0) {
        self_add(SELF_HEAD_TRUNCATIONS_FAILED, 1);
        return r;
    }
    start = tsdb_mono();
    head_truncate(tsdb->head, before, &sum);
    head_collect(tsdb->head);
    self_add(SELF_HEAD_GC_COUNT, 1);
    self_add(SELF_HEAD_GC_SUM, (double)(tsdb_mono() - start) / MONO_PER_SECOND);
    tsdb->truncate_to = INT64_MIN;
    tsdb->checkpoint_to = before;
    self_add(SELF_HEAD_TRUNCATIONS, 1);
    self_add(SELF_HEAD_SERIES_REMOVED, (double)sum.series);
    self_add(SELF_HEAD_CHUNKS_REMOVED, (double)sum.chunks);
    log_info("head truncated", log_int("before", before), log_int("chunks", (int64_t)sum.chunks),
             log_int("series", (int64_t)sum.series),
             log_int("dur_ms", (tsdb_mono() - start) / MONO_PER_MS));
    r = head_files_truncate(tsdb->head, before, err);
    r = r < 0 ? r : drop_foreign(tsdb, err);
    self_add(SELF_HEAD_TRUNCATIONS_FAILED, r < 0 ? 1 : 0);
    return r;
}

static int write_head_block(struct tsdb *tsdb, ts mint, ts maxt, struct baro_error *err)
{
    struct head_block_job job = {
        .fs = tsdb->fs,
        .data_dir = tsdb->path,
        .mint = mint,
        .maxt = maxt,
        .now = tsdb_wall(),
        .segment_bytes = tsdb->options.block_segment_size,
        .stop = &tsdb->stop,
    };
    char ulid[ULID_CHARS + 1] = "";
    struct block *block = NULL;
    int64_t start = tsdb_mono();
    int r = head_block_write(tsdb->head, &job, ulid, err);

    if (r == 1) {
        r = tsdb_blocks_load(tsdb, ulid, &block, err);
        if (r < 0) {
            /* What does not read back is no block; the head still has it all. */
            (void)block_remove(tsdb->fs, tsdb->path, ulid, NULL);
        }
    }
    if (r < 0) {
        return r;
    }
    if (block != NULL) {
        const struct block_meta *meta = block_meta(block);

        log_info("block written", log_c("block", ulid), log_int("mint", mint),
                 log_int("maxt", maxt), log_int("series", (int64_t)meta->series_count),
                 log_int("samples", (int64_t)meta->sample_count),
                 log_int("dur_ms", (tsdb_mono() - start) / MONO_PER_MS));
        if (tsdb->options.block_written != NULL) {
            tsdb->options.block_written(tsdb->options.block_context, block_directory(block), meta);
        }
        tsdb_blocks_replace(tsdb, block, NULL, 0);
    }
    if (block == NULL) {
        /* One sample of 1970 does not make us look at every two hours since. */
        r = head_skip_empty(tsdb->head, &maxt, err);
    }
    if (r >= 0) {
        tsdb->truncate_to = maxt;
    }
    return r < 0 ? r : 0;
}

static int compact_head(struct tsdb *tsdb, struct baro_error *err)
{
    ts mint = 0, maxt = 0;
    int r = 0;

    if (tsdb->truncate_to != INT64_MIN) {
        r = truncate_head(tsdb, err);
    }
    while (r >= 0 && !atomic_load_explicit(&tsdb->stop, memory_order_relaxed) &&
           head_is_compactable(tsdb->head, &mint, &maxt)) {
        r = write_head_block(tsdb, mint, maxt, err);
        if (r >= 0) {
            r = truncate_head(tsdb, err);
        }
    }
    if (r >= 0 && tsdb->checkpoint_to != INT64_MIN) {
        r = tsdb_ooo_compact(tsdb, err);
    }
    /* Once for all ranges that were written: it goes through what is left of the WAL. */
    if (r >= 0 && tsdb->checkpoint_to != INT64_MIN) {
        r = tsdb_checkpoint(tsdb, tsdb->checkpoint_to, err);
        tsdb->checkpoint_to = r < 0 ? tsdb->checkpoint_to : INT64_MIN;
    }
    return r;
}

/* ---- blocks ---- */

/* Parents that a kill has left beside their child: they go once the child is read back whole. A
 * child that does not read back goes itself, and they serve again. */
static int settle_obsolete(struct tsdb *tsdb, struct baro_error *err)
{
    int r = 0;

    while (r >= 0 && tsdb->obsolete.count > 0) {
        struct block *parent = *vec_last(&tsdb->obsolete);
        struct block_list *list = tsdb_blocks_ref(tsdb);
        const struct block *child = tsdb_block_child(list, block_meta(parent)->ulid);
        struct block_verdict verdict;
        int verified = child != NULL ? block_verify(child, &tsdb->stop, &verdict, err) : 0;

        if (child == NULL || verified == BARO_ECORRUPT) {
            struct block *gone = (struct block *)(uintptr_t)child;

            log_error("a merged block is damaged: its parents serve instead",
                      log_c("parent", block_meta(parent)->ulid), log_err(err));
            tsdb_blocks_replace(tsdb, block_ref(parent), &gone, child != NULL ? 1 : 0);
            r = child != NULL ? block_remove(tsdb->fs, tsdb->path, block_meta(child)->ulid, err)
                              : 0;
        } else {
            r = verified < 0 ? verified
                             : block_remove(tsdb->fs, tsdb->path, block_meta(parent)->ulid, err);
        }
        tsdb_blocks_unref(list);
        if (r >= 0) {
            (void)block_unref(vec_pop(&tsdb->obsolete));
        }
    }
    return r;
}

/* Serves the new block instead of its parents, and removes them. */
static int replace_blocks(struct tsdb *tsdb, struct block *merged, struct block **parents,
                          size_t count, struct baro_error *err)
{
    int r = 0;

    tsdb_blocks_replace(tsdb, merged, parents, count);
    for (size_t i = 0; i < count; i++) {
        int one =
            block_remove(tsdb->fs, tsdb->path, block_meta(parents[i])->ulid, r < 0 ? NULL : err);

        r = r < 0 ? r : one;
    }
    return r;
}

static void mark_failed(struct block **parents, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)block_set_failed(parents[i], NULL);
    }
}

int tsdb_merge_blocks(struct tsdb *tsdb, struct block **parents, size_t count,
                      struct baro_error *err)
{
    struct compact_job job = {
        .fs = tsdb->fs,
        .data_dir = tsdb->path,
        .blocks = parents,
        .count = count,
        .now = tsdb_wall(),
        .segment_bytes = tsdb->options.block_segment_size,
        .newer_chunks = atomic_load_explicit(&tsdb->newer_chunks, memory_order_relaxed),
        .keep_level = count == 1,
        .stop = &tsdb->stop,
    };
    char ulid[ULID_CHARS + 1] = "";
    struct block *merged = NULL;
    int64_t start = tsdb_mono();
    int r = compact_run(&job, ulid, err);

    if (r == 1) {
        r = tsdb_blocks_load(tsdb, ulid, &merged, err);
        if (r < 0) {
            (void)block_remove(tsdb->fs, tsdb->path, ulid, NULL);
        }
    }
    if (r == BARO_EUNSUPPORTED || (r == BARO_ECORRUPT && !tsdb_find_damage(tsdb, parents, count))) {
        /* Trying again would not help; the blocks serve on as they are. */
        mark_failed(parents, count);
    }
    if (r < 0) {
        return r;
    }
    log_info("blocks merged", log_c("block", merged != NULL ? ulid : "(empty)"),
             log_int("parents", (int64_t)count),
             log_int("dur_ms", (tsdb_mono() - start) / MONO_PER_MS));
    return replace_blocks(tsdb, merged, parents, count, err);
}

/* The blocks that do not wait for their upload: how many, and their numbers in the list. */
static size_t blocks_to_merge(struct tsdb *tsdb, const struct block_meta **metas, size_t count,
                              size_t *numbers)
{
    struct baro_error err = {0};
    size_t kept;

    if (compact_delay_refresh(&tsdb->delay, tsdb_mono(), &err) < 0) {
        log_warn("the file of uploaded blocks cannot be read: merges do not wait", log_err(&err));
    }
    kept = compact_delay_keep(&tsdb->delay, metas, count, numbers);
    for (size_t i = 0; i < kept; i++) {
        metas[i] = metas[numbers[i]];
    }
    return kept;
}

/* One merge by plan: 1, or 0 when there is nothing to do. */
static int compact_once(struct tsdb *tsdb, struct baro_error *err)
{
    dur least = tsdb->options.chunk_range > 0 ? tsdb->options.chunk_range : (dur)2 * DUR_HOUR;
    struct compact_ranges ranges = compact_ranges_for(least, tsdb_retention(tsdb).time);
    struct block_list *list = tsdb_blocks_ref(tsdb);
    const struct block_meta **metas = mem_alloc((list->count + 1) * sizeof(*metas));
    size_t *numbers = mem_alloc((list->count + 1) * sizeof(*numbers)), count;
    struct compact_plan *plan = MEM_NEW(struct compact_plan);
    struct block **parents;
    int r = 0;

    while (tsdb->options.block_max > 0 && ranges.count > 1 &&
           ranges.items[ranges.count - 1] > tsdb->options.block_max) {
        ranges.count--;
    }
    for (size_t i = 0; i < list->count; i++) {
        metas[i] = block_meta(list->items[i]);
    }
    count = blocks_to_merge(tsdb, metas, list->count, numbers);
    compact_plan(metas, count, &ranges, plan);
    parents = mem_alloc((plan->count + 1) * sizeof(struct block *));
    for (size_t i = 0; i < plan->count; i++) {
        parents[i] = list->items[numbers[plan->items[i]]];
    }
    if (plan->count > 0) {
        r = tsdb_merge_blocks(tsdb, parents, plan->count, err);
        r = r < 0 ? r : 1;
    }
    (void)mem_free(parents);
    (void)mem_free(plan);
    (void)mem_free(numbers);
    (void)mem_free(metas);
    tsdb_blocks_unref(list);
    return r;
}

static uint64_t log_bytes(struct tsdb *tsdb, const char *name)
{
    struct wal_listing list = {0};
    struct arena arena = {0};
    uint64_t bytes = 0;

    if (wal_list(tsdb->fs, &arena, fs_path(&arena, tsdb->path, name), &list, NULL) >= 0) {
        for (size_t i = 0; i < list.segment_count; i++) {
            bytes += list.segments[i].bytes;
        }
        for (size_t i = 0; i < list.checkpoint_count; i++) {
            bytes += list.checkpoint[i].bytes;
        }
    }
    arena_done(&arena);
    return bytes;
}

/* What the head takes on the disk. */
static uint64_t head_disk_bytes(struct tsdb *tsdb)
{
    return log_bytes(tsdb, "wal") + log_bytes(tsdb, "wbl") + head_files_bytes(tsdb->head) +
           tsdb->snapshot_bytes;
}

/* Whole blocks go when nothing in them is kept any more. */
static struct retention kept_by_any(struct tsdb *tsdb)
{
    struct retention retention;

    lock_acquire(&tsdb->lock);
    retention = tsdb->retention;
    retention.time = retention_rules_longest(tsdb->rules, retention.time);
    lock_release(&tsdb->lock);
    return retention;
}

/* Tells of the blocks that go, and counts them: how many in all. */
static size_t take_beyond(const struct block_list *list, const enum retention_verdict *verdicts,
                          struct block **ret)
{
    static const char *const reasons[] = {
        [RETENTION_KEEP] = "", [RETENTION_OLD] = "age", [RETENTION_LARGE] = "size"};
    size_t counts[ARRAY_COUNT(reasons)] = {0}, count = 0;

    for (size_t i = 0; i < list->count; i++) {
        counts[verdicts[i]]++;
        if (verdicts[i] != RETENTION_KEEP) {
            ret[count++] = list->items[i];
            log_info("block is beyond the retention",
                     log_c("block", block_meta(list->items[i])->ulid),
                     log_c("reason", reasons[verdicts[i]]));
        }
    }
    self_add(SELF_TIME_RETENTIONS, counts[RETENTION_OLD] > 0 ? 1 : 0);
    self_add(SELF_SIZE_RETENTIONS, counts[RETENTION_LARGE] > 0 ? 1 : 0);
    self_add(SELF_RETENTION_DELETIONS, (double)count);
    return count;
}

static int delete_old(struct tsdb *tsdb, struct baro_error *err)
{
    struct retention retention = kept_by_any(tsdb);
    struct block_list *list = tsdb_blocks_ref(tsdb);
    struct retention_block *ages = mem_alloc((list->count + 1) * sizeof(*ages));
    struct block **old = mem_alloc((list->count + 1) * sizeof(struct block *));
    enum retention_verdict *verdicts = mem_alloc((list->count + 1) * sizeof(*verdicts));
    uint64_t disk_bytes = 0;
    int r = 0;

    for (size_t i = 0; i < list->count; i++) {
        ages[i] =
            (struct retention_block){block_meta(list->items[i])->maxt, block_bytes(list->items[i])};
    }
    if (retention.percentage > 0) {
        (void)tsdb->fs->space(tsdb->fs, tsdb->path, &disk_bytes, NULL, NULL);
    }
    if (retention_plan(&retention, ages, list->count, head_disk_bytes(tsdb), disk_bytes, verdicts) >
        0) {
        size_t count = take_beyond(list, verdicts, old);

        r = replace_blocks(tsdb, NULL, old, count, err);
    }
    (void)mem_free(verdicts);
    (void)mem_free(old);
    (void)mem_free(ages);
    tsdb_blocks_unref(list);
    return r;
}

/* ---- the snapshot of the head ---- */

int tsdb_snapshot_head(struct tsdb *tsdb, bool must_sync, struct baro_error *err)
{
    struct wal_stats stats = {0};
    struct arena arena = {0};
    int64_t start = tsdb_mono();
    int r;

    /* What cannot be written to files stands in the snapshot. */
    (void)head_files_flush(tsdb->head, NULL, NULL);
    r = head_snapshot_write(tsdb->head, tsdb->fs, fs_path(&arena, tsdb->path, HEAD_SNAPSHOT_DIR),
                            must_sync, must_sync ? &tsdb->stop : NULL, &tsdb->snapshot_bytes, err);

    wal_stats(tsdb->wal, &stats);
    tsdb->snapshot_at = stats.bytes;
    arena_done(&arena);
    if (r >= 0) {
        struct wal_health health = {0};

        wal_health(tsdb->wal, &health);
        tsdb->snapshot_syncs_failed = health.syncs_failed;
        self_add(SELF_HEAD_SNAPSHOT_COUNT, 1);
        self_add(SELF_HEAD_SNAPSHOT_SUM, (double)(tsdb_mono() - start) / 1e9);
    }
    return r;
}

/* Once the WAL has grown by half of what a snapshot takes (and not for every bit), so that a start
 * after a kill replays little, and writing snapshots costs the disk about twice what the WAL does.
 */
static int snapshot_when_due(struct tsdb *tsdb, struct baro_error *err)
{
    uint64_t due = tsdb->snapshot_bytes / 2;
    struct wal_stats stats = {0};
    struct wal_health health = {0};

    wal_health(tsdb->wal, &health);
    if (health.syncs_failed > tsdb->snapshot_syncs_failed && !health.is_read_only) {
        /* The disk may have lost what was written before: only the head has it. */
        return tsdb_snapshot_head(tsdb, true, err);
    }
    wal_stats(tsdb->wal, &stats);
    due = due > SNAPSHOT_WAL_BYTES_MIN ? due : SNAPSHOT_WAL_BYTES_MIN;
    if (tsdb->options.no_snapshot || stats.bytes < tsdb->snapshot_at + due) {
        return 0;
    }
    return tsdb_snapshot_head(tsdb, true, err);
}

/* After a failed sync the disk may have lost what the WBL has: only the head has it. */
static int save_ooo(struct tsdb *tsdb, struct baro_error *err)
{
    struct wal_health health = {0};
    int r;

    if (tsdb->wbl == NULL) {
        return 0;
    }
    wal_health(tsdb->wbl, &health);
    if (health.syncs_failed == tsdb->wbl_syncs_failed || health.is_read_only) {
        return 0;
    }
    r = tsdb_ooo_compact(tsdb, err);
    tsdb->wbl_syncs_failed = r < 0 ? tsdb->wbl_syncs_failed : health.syncs_failed;
    return r;
}

/* What writes: the head to files and blocks, blocks to others. */
static int write_new(struct tsdb *tsdb, struct baro_error *err)
{
    int r = head_files_flush(tsdb->head, &tsdb->stop, err);

    head_collect(tsdb->head);
    if (r >= 0) {
        r = settle_obsolete(tsdb, err);
    }
    if (r >= 0) {
        r = tsdb_mend(tsdb, err);
    }
    if (r >= 0) {
        r = compact_head(tsdb, err);
    }
    if (r >= 0) {
        r = save_ooo(tsdb, err);
    }
    if (r >= 0) {
        /* Before the merges, so that what is gone is not copied. */
        r = tsdb_apply_rules(tsdb, err);
    }
    for (int i = 0; r >= 0 && i < COMPACTIONS_AT_ONCE; i++) {
        r = compact_once(tsdb, err);
        if (r == 0) {
            break;
        }
    }
    return r;
}

/* Queries have met damage in chunks_head. */
static void tell_damage(struct tsdb *tsdb)
{
    uint64_t damage = head_take_damage(tsdb->head);

    if (damage > 0) {
        self_add(SELF_MMAP_CHUNK_CORRUPTIONS, (double)damage);
        log_error("full chunks of the head are damaged, and queries go on without them: restart, "
                  "so that they are made anew from the write-ahead log",
                  log_int("times", (int64_t)damage));
    }
}

static int compact_locked(struct tsdb *tsdb, struct baro_error *err)
{
    int r;

    tell_damage(tsdb);
    r = tsdb_rescan(tsdb, err);
    if (r >= 0) {
        r = write_new(tsdb, err);
    }
    if (r != BARO_ECANCELED) {
        /* Also on a full disk, where nothing else works: it makes room. */
        int gone = delete_old(tsdb, r < 0 ? NULL : err);

        r = r < 0 ? r : gone;
    }
    if (r >= 0) {
        r = tsdb_downsample(tsdb, err);
    }
    return r < 0 ? r : snapshot_when_due(tsdb, err);
}

/* These want the directory to be read, so once a round must do. */
static void set_sizes(struct tsdb *tsdb)
{
    self_set(SELF_WAL_STORAGE, (double)log_bytes(tsdb, "wal"));
    self_set(SELF_WBL_STORAGE, (double)log_bytes(tsdb, "wbl"));
}

int tsdb_compact(struct tsdb *tsdb, struct baro_error *err)
{
    int r;

    lock_acquire(&tsdb->compact_lock);
    self_add(SELF_COMPACTIONS_TRIGGERED, 1);
    r = compact_locked(tsdb, err);
    self_add(SELF_COMPACTIONS_FAILED, r < 0 && r != BARO_ECANCELED ? 1 : 0);
    set_sizes(tsdb);
    lock_release(&tsdb->compact_lock);
    return r < 0 ? r : 0;
}

/* ---- threads ---- */

/* Waits for `ms`; false when the end has come. */
static bool pause_for(struct tsdb *tsdb, int64_t ms)
{
    int64_t end = tsdb_mono() + ms * MONO_PER_MS;
    bool goes_on;

    lock_acquire(&tsdb->lock);
    while (!tsdb->must_stop && lock_wait(&tsdb->lock, &tsdb->wake, end)) {
    }
    goes_on = !tsdb->must_stop;
    lock_release(&tsdb->lock);
    return goes_on;
}

/* Tells when commits begin to fail and when they go on; tries the disk when nobody else does. */
static void watch_disk(struct tsdb *tsdb)
{
    struct wal_health health = {0};

    tsdb_health(tsdb, &health);
    if (health.is_read_only) {
        (void)wal_probe(tsdb->wal, NULL);
        if (tsdb->wbl != NULL) {
            (void)wal_probe(tsdb->wbl, NULL);
        }
    }
    if (health.is_read_only && !tsdb->was_read_only) {
        log_error(
            "storage is read-only: nothing is ingested until the disk takes it; queries go on",
            log_c("reason", health.text));
    } else if (!health.is_read_only && tsdb->was_read_only) {
        log_info("storage takes samples again");
    }
    tsdb->was_read_only = health.is_read_only;
    self_set(SELF_READ_ONLY, health.is_read_only ? 1 : 0);
}

static void *sync_loop(void *context)
{
    struct tsdb *tsdb = context;

    while (pause_for(tsdb, SYNC_EVERY_MS)) {
        struct baro_error err = {0};

        if (tsdb_sync(tsdb, &err) < 0) {
            log_error("WAL sync failed", log_err(&err));
        }
        watch_disk(tsdb);
        set_metrics(tsdb);
    }
    return NULL;
}

/* Series that began together fill their chunks together: such a flood does not wait for the next
 * round. */
static void flush_flood(struct tsdb *tsdb)
{
    if (head_files_pending(tsdb->head) >= FLOOD_BYTES) {
        lock_acquire(&tsdb->compact_lock);
        /* What fails is tried again, and told of, by the round. */
        (void)head_files_flush(tsdb->head, &tsdb->stop, NULL);
        head_collect(tsdb->head);
        lock_release(&tsdb->compact_lock);
    }
}

static void *compact_loop(void *context)
{
    struct tsdb *tsdb = context;
    int64_t next = tsdb_mono() + (int64_t)COMPACT_EVERY_MS * MONO_PER_MS;

    while (pause_for(tsdb, FLOOD_LOOK_MS)) {
        struct baro_error err = {0};
        int r;

        flush_flood(tsdb);
        if (tsdb_mono() < next) {
            continue;
        }
        r = tsdb_compact(tsdb, &err);
        next = tsdb_mono() + (int64_t)(r < 0 ? RETRY_AFTER_MS : COMPACT_EVERY_MS) * MONO_PER_MS;
        if (r < 0 && r != BARO_ECANCELED) {
            log_error("compaction failed; it is tried again in a minute", log_err(&err));
        }
    }
    return NULL;
}

int tsdb_maintain_start(struct tsdb *tsdb, struct baro_error *err)
{
    int r;

    set_metrics(tsdb);
    set_sizes(tsdb);
    if (tsdb->options.no_sync_thread) {
        return 0;
    }
    r = pthread_create(&tsdb->sync_thread, NULL, sync_loop, tsdb);
    if (r != 0) {
        return error_system(err, r, "start the maintenance thread");
    }
    (void)pthread_setname_np(tsdb->sync_thread, "tsdb");
    tsdb->has_sync_thread = true;
    r = pthread_create(&tsdb->compact_thread, NULL, compact_loop, tsdb);
    if (r != 0) {
        return error_system(err, r, "start the compaction thread");
    }
    (void)pthread_setname_np(tsdb->compact_thread, "compact");
    tsdb->has_compact_thread = true;
    return 0;
}

void tsdb_maintain_stop(struct tsdb *tsdb)
{
    atomic_store_explicit(&tsdb->stop, true, memory_order_relaxed);
    lock_acquire(&tsdb->lock);
    tsdb->must_stop = true;
    (void)pthread_cond_broadcast(&tsdb->wake);
    lock_release(&tsdb->lock);
    if (tsdb->has_sync_thread) {
        (void)pthread_join(tsdb->sync_thread, NULL);
    }
    if (tsdb->has_compact_thread) {
        (void)pthread_join(tsdb->compact_thread, NULL);
    }
}
