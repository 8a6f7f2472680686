#include "tsdb/tsdb.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "client/self.h"
#include "sys/fs.h"
#include "tsdb/block.h"
#include "tsdb/head.h"
#include "tsdb/tsdb_replay.h"
#include "tsdb/wal.h"

enum { SYNC_EVERY_MS = 1000, BLOCKS_MAX = 100000 };

/* The blocks as one immutable list: a reader takes a reference, a change makes a new list. */
struct block_list {
    _Atomic uint32_t refs;
    size_t count;
    struct block *items[]; /* by mint */
};

struct tsdb {
    struct queryable queryable;
    struct appendable appendable;
    struct tsdb_options options;
    const struct fs *fs;
    char *path;
    fs_file lock_file;
    struct head *head;
    struct wal *wal;

    struct lock blocks_lock;
    struct block_list *blocks; /* lock: blocks */

    struct tsdb_open_report report;
    struct tsdb_replay_status replay;

    /* The maintenance thread. */
    struct lock lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool has_thread;
    bool must_stop; /* lock: this one */
};

static int64_t mono_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * MONO_PER_SECOND + now.tv_nsec;
}

static void list_unref(struct block_list *list)
{
    if (list == NULL || atomic_fetch_sub_explicit(&list->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        (void)block_unref(list->items[i]);
    }
    (void)mem_free(list);
}

static struct block_list *list_ref(struct tsdb *tsdb)
{
    struct block_list *list;

    lock_acquire(&tsdb->blocks_lock);
    list = tsdb->blocks;
    atomic_fetch_add_explicit(&list->refs, 1, memory_order_relaxed);
    lock_release(&tsdb->blocks_lock);
    return list;
}

static int tsdb_querier(struct queryable *queryable, ts mint, ts maxt, struct querier **ret,
                        struct baro_error *err)
{
    struct tsdb *tsdb = CONTAINER_OF(queryable, struct tsdb, queryable);
    struct block_list *list = list_ref(tsdb);
    VEC(struct querier *) parts = {0};
    struct querier *part = NULL;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < list->count; i++) {
        const struct block_meta *meta = block_meta(list->items[i]);

        if (meta->mint <= maxt && meta->maxt > mint) {
            r = block_querier(list->items[i], mint, maxt, &part, err);
            if (r >= 0) {
                vec_push(&parts, part);
            }
        }
    }
    list_unref(list);
    if (r >= 0) {
        r = head_querier(tsdb->head, mint, maxt, &part, err);
        if (r >= 0) {
            /* Last, so that of equal times the head's sample is kept. */
            vec_push(&parts, part);
            *ret = querier_merge(parts.items, parts.count);
        }
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

/* mkdir -p, as Prometheus does. */
static int make_path(const struct fs *fs, const char *path, struct baro_error *err)
{
    char part[FS_PATH_MAX];
    size_t len = strlen(path);
    int r = 0;

    if (len == 0 || len + 64 > sizeof(part)) {
        return error_set(err, -ENAMETOOLONG, "data directory name has %zu bytes", len);
    }
    memcpy(part, path, len + 1);
    for (size_t i = 1; r >= 0 && i <= len; i++) {
        if (path[i] == '/' || path[i] == '\0') {
            part[i] = '\0';
            r = fs->mkdir(fs, part, err);
            part[i] = path[i];
        }
    }
    return r;
}

static int by_mint(const void *a, const void *b)
{
    const struct block_meta *x = block_meta(*(struct block *const *)a);
    const struct block_meta *y = block_meta(*(struct block *const *)b);

    return x->mint != y->mint ? (x->mint > y->mint) - (x->mint < y->mint)
                              : strcmp(x->ulid, y->ulid);
}

static void skip_block(struct tsdb *tsdb, const char *path, const struct baro_error *err)
{
    tsdb->report.blocks_skipped++;
    self_add(SELF_BLOCKS_SKIPPED, 1);
    (void)snprintf(tsdb->report.block_skip_text, sizeof(tsdb->report.block_skip_text),
                   "%.60s: %.150s", path, err->message);
}

/* Opens every directory whose name is a ULID. One that cannot be read does not keep the others from
 * serving. */
static int open_blocks(struct tsdb *tsdb, struct baro_error *err)
{
    VEC(struct block *) found = {0};
    struct fs_entry *entries = NULL;
    struct arena arena = {0};
    size_t count = 0;
    int r = tsdb->fs->list(tsdb->fs, &arena, tsdb->path, &entries, &count, err);

    for (size_t i = 0; r >= 0 && i < count && found.count < BLOCKS_MAX; i++) {
        struct baro_error why = {0};
        struct block *block = NULL;
        const char *path;

        if (!entries[i].is_dir || !ulid_is_valid(entries[i].name)) {
            continue;
        }
        path = fs_path(&arena, tsdb->path, entries[i].name.ptr);
        if (block_open(tsdb->fs, path, &block, &why) < 0) {
            skip_block(tsdb, entries[i].name.ptr, &why);
            continue;
        }
        vec_push(&found, block);
    }
    if (found.count > 1) {
        qsort(found.items, found.count, sizeof(found.items[0]), by_mint);
    }
    tsdb->blocks = mem_alloc_zero(sizeof(*tsdb->blocks) + found.count * sizeof(struct block *));
    atomic_init(&tsdb->blocks->refs, 1);
    tsdb->blocks->count = found.count;
    for (size_t i = 0; i < found.count; i++) {
        tsdb->blocks->items[i] = found.items[i];
    }
    tsdb->report.blocks = found.count;
    self_set(SELF_BLOCKS_LOADED, (double)found.count);
    vec_done(&found);
    arena_done(&arena);
    return r;
}

/* Samples in the time of the blocks are theirs. */
static ts blocks_maxt(const struct block_list *list)
{
    ts maxt = INT64_MIN;

    for (size_t i = 0; i < list->count; i++) {
        const struct block_meta *meta = block_meta(list->items[i]);

        maxt = meta->maxt > maxt ? meta->maxt : maxt;
    }
    return maxt;
}

static int open_wal(struct tsdb *tsdb, struct baro_error *err)
{
    struct arena arena = {0};
    struct tsdb_replay_job job = {
        .fs = tsdb->fs,
        .wal_dir = fs_path(&arena, tsdb->path, "wal"),
        .corrupt_dir = fs_path(&arena, tsdb->path, "wal.corrupt"),
        .head = tsdb->head,
        .report = &tsdb->report,
        .progress = tsdb->options.progress,
        .progress_context = tsdb->options.progress_context,
    };
    int64_t start = mono_now();
    int r = tsdb->fs->mkdir(tsdb->fs, job.wal_dir, err);

    if (r >= 0) {
        r = tsdb_replay_run(&job, err);
    }
    if (r >= 0) {
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
    tsdb->report.duration = (mono_now() - start) / MONO_PER_MS;
    arena_done(&arena);
    return r;
}

int tsdb_sync(struct tsdb *tsdb, struct baro_error *err)
{
    int64_t start = mono_now();
    int r = wal_sync(tsdb->wal, err);

    self_add(SELF_WAL_FSYNCS, 1);
    self_add(SELF_WAL_FSYNC_SECONDS, (double)(mono_now() - start) / 1e9);
    return r;
}

static void *maintain(void *context)
{
    struct tsdb *tsdb = context;

    lock_acquire(&tsdb->lock);
    while (!tsdb->must_stop) {
        struct baro_error err = {0};

        (void)lock_wait(&tsdb->lock, &tsdb->wake, mono_now() + SYNC_EVERY_MS * MONO_PER_MS);
        lock_release(&tsdb->lock);
        if (tsdb_sync(tsdb, &err) < 0) {
            log_error("WAL sync failed", log_err(&err));
        }
        head_metrics_publish(tsdb->head);
        lock_acquire(&tsdb->lock);
    }
    lock_release(&tsdb->lock);
    return NULL;
}

static int start_thread(struct tsdb *tsdb, struct baro_error *err)
{
    int r;

    if (tsdb->options.no_sync_thread) {
        return 0;
    }
    r = pthread_create(&tsdb->thread, NULL, maintain, tsdb);
    if (r != 0) {
        return error_system(err, r, "start the maintenance thread");
    }
    (void)pthread_setname_np(tsdb->thread, "tsdb");
    tsdb->has_thread = true;
    return 0;
}

static void stop_thread(struct tsdb *tsdb)
{
    if (tsdb->has_thread) {
        lock_acquire(&tsdb->lock);
        tsdb->must_stop = true;
        (void)pthread_cond_signal(&tsdb->wake);
        lock_release(&tsdb->lock);
        (void)pthread_join(tsdb->thread, NULL);
    }
}

int tsdb_close(struct tsdb *tsdb, struct baro_error *err)
{
    int r;

    if (tsdb == NULL) {
        return 0;
    }
    stop_thread(tsdb);
    r = wal_close(tsdb->wal, err);
    (void)head_free(tsdb->head);
    list_unref(tsdb->blocks);
    if (tsdb->lock_file != FS_FILE_NONE) {
        (void)tsdb->fs->close(tsdb->fs, tsdb->lock_file, NULL);
    }
    (void)pthread_cond_destroy(&tsdb->wake);
    lock_done(&tsdb->lock);
    lock_done(&tsdb->blocks_lock);
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
    tsdb->lock_file = FS_FILE_NONE;
    lock_init(&tsdb->lock, LOCK_TSDB);
    lock_init(&tsdb->blocks_lock, LOCK_TSDB_BLOCKS);
    lock_condition_init(&tsdb->wake);
    tsdb->head = head_new(&(struct head_options){
        .series_max = tsdb->options.series_max,
        .exemplars_max = tsdb->options.exemplars_max,
        .chunk_range = tsdb->options.chunk_range,
        .too_old = tsdb->options.too_old,
        .too_far = tsdb->options.too_far,
        .wal_compression = tsdb->options.wal_compression,
    });
    return tsdb;
}

static int take_lock(struct tsdb *tsdb, struct baro_error *err)
{
    struct arena arena = {0};
    int r = tsdb->fs->lock(tsdb->fs, fs_path(&arena, tsdb->path, "lock"), &tsdb->lock_file, err);

    arena_done(&arena);
    return r == BARO_EBUSY ? error_wrap(err, r, "the data directory is in use") : r;
}

int tsdb_open(const char *path, const struct tsdb_options *options, struct tsdb **ret,
              struct baro_error *err)
{
    struct tsdb *tsdb;
    int r;

    if (options != NULL && options->wal_segment_size % WAL_PAGE_BYTES != 0) {
        return error_set(err, BARO_EINVALID, "the WAL segment size is no multiple of 32 KiB");
    }
    tsdb = tsdb_new(path, options);
    r = make_path(tsdb->fs, path, err);
    if (r >= 0) {
        r = take_lock(tsdb, err);
    }
    if (r >= 0) {
        r = open_blocks(tsdb, err);
    }
    if (r >= 0) {
        head_set_min_valid(tsdb->head, blocks_maxt(tsdb->blocks));
        r = open_wal(tsdb, err);
    }
    if (r >= 0) {
        r = start_thread(tsdb, err);
    }
    if (r < 0) {
        (void)tsdb_free(tsdb);
        return r;
    }
    self_set(SELF_TSDB_RETENTION_SECONDS, (double)tsdb->options.retention / 1000);
    head_metrics_publish(tsdb->head);
    *ret = tsdb;
    return 0;
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
    struct block_list *list = list_ref(tsdb);

    *ret = (struct tsdb_stats){.blocks = list->count};
    list_unref(list);
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
