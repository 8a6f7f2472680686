#include "tsdb/tsdb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/self.h"
#include "client/self_recent.h"
#include "tsdb/block_cache.h"
#include "tsdb/chunks_head.h"
#include "tsdb/head_snapshot.h"
#include "tsdb/tsdb_priv.h"
#include "tsdb/tsdb_replay.h"
#include "tsdb/wal_checkpoint.h"

#define LOCK_NAME "lock"

/* Whether neither another block nor the head has samples in the range of block `index`. The head
 * was opened before: its oldest sample only moves on. */
static bool is_alone(struct tsdb *tsdb, const struct block_list *list, size_t index)
{
    const struct block_meta *meta = block_meta(list->items[index]);
    ts head_mint = 0, head_maxt = 0;

    if (head_time(tsdb->head, &head_mint, &head_maxt) && head_mint < meta->maxt) {
        return false;
    }
    if (head_ooo_time(tsdb->head, &head_mint, &head_maxt) && head_mint < meta->maxt &&
        head_maxt >= meta->mint) {
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct block_meta *other = block_meta(list->items[i]);

        if (i != index && other->mint < meta->maxt && other->maxt > meta->mint) {
            return false;
        }
    }
    return true;
}

static int tsdb_querier(struct queryable *queryable, ts mint, ts maxt, struct querier **ret,
                        struct baro_error *err)
{
    struct tsdb *tsdb = CONTAINER_OF(queryable, struct tsdb, queryable);
    VEC(struct querier *) parts = {0};
    struct querier *head = NULL, *part = NULL;
    struct block_list *list;
    /* The head comes first: a range that moves from the head to a block meanwhile is then in both,
     * and never in neither (head_wait_queriers). */
    int r = head_querier(tsdb->head, mint, maxt, &head, err);

    if (r < 0) {
        return r;
    }
    list = tsdb_blocks_ref(tsdb);
    for (size_t i = 0; r >= 0 && i < list->count; i++) {
        const struct block_meta *meta = block_meta(list->items[i]);

        if (meta->mint <= maxt && meta->maxt > mint) {
            r = block_querier(list->items[i], mint, maxt, &part, err);
            if (r >= 0 && is_alone(tsdb, list, i)) {
                block_querier_allow_reduced(part);
            }
            if (r >= 0) {
                vec_push(&parts, part);
            }
        }
    }
    tsdb_blocks_unref(list);
    /* Last, so that of equal times the head's sample is kept. */
    vec_push(&parts, head);
    if (r >= 0) {
        *ret = querier_merge(parts.items, parts.count);
    }
    for (size_t i = 0; r < 0 && i < parts.count; i++) {
        querier_close(parts.items[i]);
    }
    vec_done(&parts);
    return r < 0 ? r : 0;
}

static struct appender *tsdb_appender(struct appendable *appendable)
{
    return head_appender(CONTAINER_OF(appendable, struct tsdb, appendable)->head);
}

struct queryable *tsdb_queryable(struct tsdb *tsdb)
{
    return &tsdb->queryable;
}

struct appendable *tsdb_appendable(struct tsdb *tsdb)
{
    return &tsdb->appendable;
}

static struct head *new_head(const struct tsdb *tsdb)
{
    return head_new(&(struct head_options){
        .series_max = tsdb->options.series_max,
        .memory_limit = tsdb->options.memory_limit,
        .exemplars_max = tsdb->options.exemplars_max,
        .chunk_range = tsdb->options.chunk_range,
        .too_old = tsdb->options.too_old,
        .too_far = tsdb->options.too_far,
        .wal_compression = tsdb->options.wal_compression,
        .store_starts = tsdb->options.store_starts,
        .newer_chunks = tsdb->options.newer_chunks,
        .log_late = tsdb->options.log_late,
    });
}

/* Full chunks come first: the snapshot and the WAL are read as far as they go beyond them. */
static int open_files(struct tsdb *tsdb, struct baro_error *err)
{
    struct head_files_options options = {
        .fs = tsdb->fs,
        .data_dir = tsdb->path,
        .file_bytes = tsdb->options.chunks_file_size,
        .read_only = tsdb->options.read_only,
    };
    struct chunks_head_report report = {0};
    int r = head_files_open(tsdb->head, &options, &report, err);

    if (report.damages > 0) {
        tsdb->report.chunks_damages = report.damages;
        memcpy(tsdb->report.chunks_damage_text, report.damage_text, sizeof(report.damage_text));
        self_add(SELF_MMAP_CHUNK_CORRUPTIONS, 1);
    }
    tsdb->report.chunks_files = report.files;
    return r;
}

/* One that does not fit may seem to do so later, when files that it names have been made anew: it
 * is gone for good before anything is written. */
static int drop_snapshot(struct tsdb *tsdb, struct baro_error *err)
{
    struct arena arena = {0};
    const char *dir = fs_path(&arena, tsdb->path, HEAD_SNAPSHOT_DIR);
    int r = tsdb->fs->remove(tsdb->fs, fs_path(&arena, dir, HEAD_SNAPSHOT_NAME), err);

    if (r == -ENOENT) {
        r = 0;
    } else if (r >= 0) {
        r = tsdb->fs->sync_dir(tsdb->fs, dir, err);
    }
    arena_done(&arena);
    return r;
}

/* A snapshot fits when the WAL still has the segment that it was taken at, and no checkpoint has
 * replaced that. Another program may have gone on with the directory meanwhile: its segments are
 * replayed behind the snapshot. */
static int load_snapshot(struct tsdb *tsdb, struct tsdb_replay_job *job, struct baro_error *err)
{
    struct head_snapshot_info info = {0};
    struct baro_error why = {0};
    struct wal_listing list = {0};
    struct arena arena = {0};
    uint64_t min = 0;
    int r = wal_list(tsdb->fs, &arena, job->wal_dir, &list, err);

    if (r >= 0 && list.segment_count > 0) {
        min = list.segments[0].index;
        min = list.has_checkpoint && list.checkpoint_index >= min ? list.checkpoint_index + 1 : min;
        r = head_snapshot_load(tsdb->head, tsdb->fs, fs_path(&arena, tsdb->path, HEAD_SNAPSHOT_DIR),
                               min, list.segments[list.segment_count - 1].index, &info, &why);
        job->has_snapshot = r == 1;
        job->from = info.segment;
        tsdb->report.snapshot_series = info.series;
        tsdb->snapshot_bytes = info.bytes;
    }
    if (r < 0 && why.code != 0) {
        (void)snprintf(tsdb->report.snapshot_text, sizeof(tsdb->report.snapshot_text), "%.200s",
                       why.message);
        self_add(SELF_SNAPSHOT_REPLAY_ERRORS, 1);
        (void)head_free(tsdb->head);
        tsdb->head = new_head(tsdb);
        head_set_in_blocks(tsdb->head, tsdb_blocks_maxt(tsdb->blocks));
        r = open_files(tsdb, err);
    }
    if (r >= 0 && !job->has_snapshot && !tsdb->options.read_only) {
        r = drop_snapshot(tsdb, err);
    }
    arena_done(&arena);
    return r < 0 ? r : 0;
}

/* A new directory's name lasts before anything in it is acknowledged. */
int tsdb_make_dir(struct tsdb *tsdb, const char *path, struct baro_error *err)
{
    struct fs_entry *entries = NULL;
    struct arena arena = {0};
    size_t count = 0;
    int r = tsdb->fs->list(tsdb->fs, &arena, path, &entries, &count, NULL);

    arena_done(&arena);
    if (r != -ENOENT) {
        return r < 0 ? error_set(err, r, "%s: %s", path, error_text(r)) : 0;
    }
    r = tsdb->fs->mkdir(tsdb->fs, path, err);
    return r < 0 ? r : tsdb->fs->sync_dir(tsdb->fs, tsdb->path, err);
}

static int open_wal(struct tsdb *tsdb, int64_t start, struct baro_error *err)
{
    struct arena arena = {0};
    struct tsdb_replay_job job = {
        .fs = tsdb->fs,
        .wal_dir = fs_path(&arena, tsdb->path, "wal"),
        .data_dir = tsdb->path,
        .corrupt_dir = fs_path(&arena, tsdb->path, "wal.corrupt"),
        .head = tsdb->head,
        .report = &tsdb->report,
        .read_only = tsdb->options.read_only,
        .progress = tsdb->options.progress,
        .progress_context = tsdb->options.progress_context,
    };
    int r = tsdb->options.read_only ? 0 : tsdb_make_dir(tsdb, job.wal_dir, err);

    if (r >= 0 && !tsdb->options.read_only) {
        r = wal_drop_unfinished(tsdb->fs, job.wal_dir, err);
    }
    if (r >= 0) {
        r = open_files(tsdb, err);
    }
    if (r >= 0) {
        r = load_snapshot(tsdb, &job, err);
    }
    if (r >= 0) {
        job.head = tsdb->head;
        r = tsdb_replay_run(&job, err);
    }
    if (r >= 0) {
        r = head_files_settle(tsdb->head, err);
    }
    if (r >= 0) {
        r = tsdb_ooo_open(tsdb, err);
    }
    if (r >= 0 && !tsdb->options.read_only) {
        r = wal_open(tsdb->fs, job.wal_dir, job.next_segment, tsdb->options.wal_segment_size,
                     &tsdb->wal, err);
    }
    if (r >= 0) {
        struct tsdb_stats stats = {0};

        head_set_wal(tsdb->head, tsdb->wal);
        head_stats(tsdb->head, &arena, 0, &stats);
        tsdb->report.series = stats.series;
    }
    tsdb->replay = job.status;
    tsdb->report.duration = (tsdb_mono() - start) / MONO_PER_MS;
    self_set(SELF_REPLAY_SECONDS, (double)tsdb->report.duration / DUR_SECOND);
    arena_done(&arena);
    return r;
}

int tsdb_sync(struct tsdb *tsdb, struct baro_error *err)
{
    int64_t start = tsdb_mono();
    struct wal *wbl = atomic_load_explicit(&tsdb->wbl, memory_order_acquire);
    int r = wal_sync(tsdb->wal, err);

    /* Second: it names series that the WAL must know. */
    if (r >= 0 && wbl != NULL) {
        r = wal_sync(wbl, err);
    }
    self_recent_add(SELF_RECENT_WAL_FSYNC, (double)(tsdb_mono() - start) / MONO_PER_SECOND,
                    tsdb_mono());
    return r;
}

/* Commits need both logs. */
void tsdb_health(struct tsdb *tsdb, struct wal_health *ret)
{
    struct wal *wbl = atomic_load_explicit(&tsdb->wbl, memory_order_acquire);
    struct wal_health more = {0};

    wal_health(tsdb->wal, ret);
    if (wbl != NULL) {
        wal_health(wbl, &more);
        if (more.is_read_only && !ret->is_read_only) {
            ret->is_read_only = true;
            memcpy(ret->text, more.text, sizeof(ret->text));
        }
    }
}

bool tsdb_is_read_only(struct tsdb *tsdb, char ret_why[TSDB_READ_ONLY_BYTES])
{
    struct wal_health health = {0};

    tsdb_health(tsdb, &health);
    STATIC_ASSERT(sizeof(health.text) == TSDB_READ_ONLY_BYTES, "the text is handed on whole");
    memcpy(ret_why, health.text, sizeof(health.text));
    return health.is_read_only;
}

/* The file goes when all went well: one that is there at a start tells of a kill. It goes while the
 * lock is held, so that it is never taken from somebody else. */
static void drop_lock(struct tsdb *tsdb, bool is_clean)
{
    struct arena arena = {0};

    if (tsdb->lock_file == FS_FILE_NONE) {
        return;
    }
    if (is_clean) {
        (void)tsdb->fs->remove(tsdb->fs, fs_path(&arena, tsdb->path, LOCK_NAME), NULL);
    }
    (void)tsdb->fs->close(tsdb->fs, tsdb->lock_file, NULL);
    arena_done(&arena);
}

int tsdb_close(struct tsdb *tsdb, struct baro_error *err)
{
    int r;

    if (tsdb == NULL) {
        return 0;
    }
    tsdb_maintain_stop(tsdb);
    if (tsdb->wal != NULL && !tsdb->options.no_snapshot) {
        /* A start without it takes longer; nothing else. */
        (void)tsdb_snapshot_head(tsdb, false, NULL);
    }
    r = wal_close(tsdb->wal, err);
    if (tsdb->wbl != NULL) {
        int closed = wal_close(tsdb->wbl, r < 0 ? NULL : err);

        r = r < 0 ? r : closed;
    }
    (void)head_free(tsdb->head);
    tsdb_blocks_unref(tsdb->blocks);
    for (size_t i = 0; i < tsdb->obsolete.count; i++) {
        (void)block_unref(tsdb->obsolete.items[i]);
    }
    vec_done(&tsdb->obsolete);
    vec_done(&tsdb->skipped);
    vec_done(&tsdb->strangers);
    compact_delay_done(&tsdb->delay);
    (void)retention_rules_unref(tsdb->rules);
    (void)block_cache_free(tsdb->block_cache);
    drop_lock(tsdb, r >= 0);
    (void)pthread_cond_destroy(&tsdb->wake);
    lock_done(&tsdb->lock);
    lock_done(&tsdb->blocks_lock);
    lock_done(&tsdb->compact_lock);
    (void)mem_free(tsdb->path);
    (void)mem_free(tsdb);
    return r;
}

struct tsdb *tsdb_free(struct tsdb *tsdb)
{
    (void)tsdb_close(tsdb, NULL);
    return NULL;
}

static struct tsdb *tsdb_new(const char *path, const struct tsdb_options *options)
{
    struct tsdb *tsdb = MEM_NEW(struct tsdb);

    if (options != NULL) {
        tsdb->options = *options;
    }
    tsdb->queryable.querier = tsdb_querier;
    tsdb->appendable.appender = tsdb_appender;
    tsdb->fs = tsdb->options.fs != NULL ? tsdb->options.fs : fs_real();
    tsdb->path = str_dup_c(str_from(path));
    tsdb->delay = (struct compact_delay){.fs = tsdb->fs, .path = tsdb->options.delay_compact_path};
    tsdb->lock_file = FS_FILE_NONE;
    tsdb->block_cache = block_cache_new(BLOCK_CACHE_RUN_BYTES_MAX, BLOCK_CACHE_SERIES_BYTES_MAX);
    lock_init(&tsdb->lock, LOCK_TSDB);
    lock_init(&tsdb->blocks_lock, LOCK_TSDB_BLOCKS);
    lock_init(&tsdb->compact_lock, LOCK_TSDB_COMPACT);
    tsdb->truncate_to = tsdb->checkpoint_to = INT64_MIN;
    atomic_init(&tsdb->newer_chunks, tsdb->options.newer_chunks);
    tsdb->retention = (struct retention){tsdb->options.retention, tsdb->options.retention_bytes,
                                         tsdb->options.retention_percentage};
    tsdb->rules = retention_rules_ref(tsdb->options.retention_rules);
    lock_condition_init(&tsdb->wake);
    tsdb->head = new_head(tsdb);
    return tsdb;
}

static bool has_lock_file(const struct tsdb *tsdb)
{
    struct fs_entry *entries = NULL;
    struct arena arena = {0};
    size_t count = 0;
    bool is_there = false;

    if (tsdb->fs->list(tsdb->fs, &arena, tsdb->path, &entries, &count, NULL) >= 0) {
        for (size_t i = 0; i < count && !is_there; i++) {
            is_there = str_is(entries[i].name, LOCK_NAME);
        }
    }
    arena_done(&arena);
    return is_there;
}

static int take_lock(struct tsdb *tsdb, struct baro_error *err)
{
    bool was_there = has_lock_file(tsdb);
    struct arena arena = {0};
    int r = tsdb->fs->lock(tsdb->fs, fs_path(&arena, tsdb->path, LOCK_NAME), &tsdb->lock_file, err);

    arena_done(&arena);
    if (r >= 0) {
        self_set(SELF_CLEAN_START, was_there ? 0 : 1);
    }
    return r == BARO_EBUSY ? error_wrap(err, r, "the data directory is in use") : r;
}

int tsdb_open(const char *path, const struct tsdb_options *options, struct tsdb **ret,
              struct baro_error *err)
{
    int64_t start = tsdb_mono();
    struct tsdb *tsdb;
    int r;

    if (options != NULL && options->wal_segment_size % WAL_PAGE_BYTES != 0) {
        return error_set(err, BARO_EINVALID, "the WAL segment size is no multiple of 32 KiB");
    }
    tsdb = tsdb_new(path, options);
    r = tsdb->options.read_only ? 0 : fs_make_path(tsdb->fs, path, err);
    if (r >= 0 && !tsdb->options.read_only) {
        r = take_lock(tsdb, err);
    }
    if (r >= 0) {
        r = tsdb_blocks_open(tsdb, err);
    }
    if (r >= 0) {
        head_set_in_blocks(tsdb->head, tsdb_blocks_maxt(tsdb->blocks));
        r = open_wal(tsdb, start, err);
        /* A directory of blocks alone is as good for reading. */
        r = r == -ENOENT && tsdb->options.read_only ? 0 : r;
    }
    if (r >= 0 && !tsdb->options.read_only) {
        r = tsdb_maintain_start(tsdb, err);
    }
    if (r < 0) {
        (void)tsdb_free(tsdb);
        return r;
    }
    tsdb_set_retention(tsdb, &tsdb->retention);
    *ret = tsdb;
    return 0;
}

void tsdb_set_retention(struct tsdb *tsdb, const struct retention *retention)
{
    struct retention wanted = *retention;

    lock_acquire(&tsdb->lock);
    tsdb->retention = wanted;
    lock_release(&tsdb->lock);
    self_set(SELF_TSDB_RETENTION_BYTES, (double)wanted.bytes);
    self_set(SELF_TSDB_RETENTION_PERCENTAGE, wanted.percentage);
    self_set(SELF_TSDB_RETENTION_SECONDS, (double)wanted.time / 1000);
}

void tsdb_set_newer_chunks(struct tsdb *tsdb, unsigned newer)
{
    atomic_store_explicit(&tsdb->newer_chunks, newer, memory_order_relaxed);
    head_set_newer_chunks(tsdb->head, newer);
}

void tsdb_set_log_late(struct tsdb *tsdb, bool log_late)
{
    head_set_log_late(tsdb->head, log_late);
}

struct retention tsdb_retention(struct tsdb *tsdb)
{
    struct retention retention;

    lock_acquire(&tsdb->lock);
    retention = tsdb->retention;
    lock_release(&tsdb->lock);
    return retention;
}

void tsdb_open_report(struct tsdb *tsdb, struct tsdb_open_report *ret)
{
    *ret = tsdb->report;
}

void tsdb_replay_status(struct tsdb *tsdb, struct tsdb_replay_status *ret)
{
    *ret = tsdb->replay;
}

void tsdb_stats(struct tsdb *tsdb, struct arena *arena, size_t limit, struct tsdb_stats *ret)
{
    struct block_list *list = tsdb_blocks_ref(tsdb);

    *ret = (struct tsdb_stats){.blocks = list->count};
    tsdb_blocks_unref(list);
    head_stats(tsdb->head, arena, limit < TSDB_STATS_LIMIT_MAX ? limit : TSDB_STATS_LIMIT_MAX, ret);
}

void tsdb_metadata_list(struct tsdb *tsdb, struct arena *arena, str metric,
                        struct tsdb_metadata **ret, size_t *ret_count)
{
    head_metadata_list(tsdb->head, arena, metric, ret, ret_count);
}

int tsdb_exemplars_select(struct tsdb *tsdb, struct arena *arena, struct matchers matchers,
                          ts start, ts end, struct tsdb_exemplar **ret, size_t *ret_count,
                          struct baro_error *err)
{
    return head_exemplars_select(tsdb->head, arena, matchers, start, end, ret, ret_count, err);
}
