/*
 * The WAL is shortened: what is still wanted of its oldest segments becomes a checkpoint, and they
 * go. Damage in them, which would only be met at a start, is met here; what is lost by it the head
 * still has, so that a snapshot of the head comes first, and the checkpoint does without.
 */
#include "base/log.h"
#include "client/self.h"
#include "tsdb/tsdb_priv.h"
#include "tsdb/wal_checkpoint.h"

struct checkpoint_context {
    struct head *head;
    uint64_t last;
};

static bool checkpoint_wants(void *context, series_ref ref)
{
    struct checkpoint_context *checkpoint = context;

    return head_wants_ref(checkpoint->head, ref, checkpoint->last);
}

static int checkpoint_metadata(void *context, int (*put)(void *put_context, str record),
                               void *put_context)
{
    struct checkpoint_context *checkpoint = context;

    return head_metadata_records(checkpoint->head, put, put_context);
}

static int pass_over_damage(struct tsdb *tsdb, struct wal_checkpoint_job *job,
                            struct wal_checkpoint_stats *stats, struct baro_error *err)
{
    struct baro_error why = *err;
    int r = tsdb_snapshot_head(tsdb, true, err);

    job->salvage = true;
    r = r < 0 ? r : wal_checkpoint_run(job, stats, err);
    if (r >= 0) {
        self_add(SELF_WAL_CORRUPTIONS, (double)stats->faults);
        self_add(SELF_WAL_LOST_BYTES, (double)stats->bytes_lost);
        log_error("the write-ahead log was damaged: the head's snapshot has what is lost in it",
                  log_int("bytes_lost", (int64_t)stats->bytes_lost), log_err(&why));
    }
    return r;
}

/* The first two thirds of the segments become a checkpoint, as in Prometheus: so a segment is
 * rewritten a bounded number of times. */
int tsdb_checkpoint(struct tsdb *tsdb, ts mint, struct baro_error *err)
{
    struct baro_error local = {0};
    static const enum compress_kind kinds[] = {
        [TSDB_WAL_SNAPPY] = COMPRESS_SNAPPY,
        [TSDB_WAL_NONE] = COMPRESS_NONE,
        [TSDB_WAL_ZSTD] = COMPRESS_ZSTD,
    };
    struct checkpoint_context context = {.head = tsdb->head};
    struct wal_checkpoint_stats stats = {0};
    struct wal_listing list = {0};
    struct arena arena = {0};
    struct wal_checkpoint_job job = {
        .fs = tsdb->fs,
        .dir = fs_path(&arena, tsdb->path, "wal"),
        .segment_bytes = tsdb->options.wal_segment_size,
        .compress = kinds[tsdb->options.wal_compression],
        .mint = mint,
        .wants_ref = checkpoint_wants,
        .metadata = checkpoint_metadata,
        .context = &context,
    };
    uint64_t first, last;
    int r;

    err = err != NULL ? err : &local;
    r = wal_cut(tsdb->wal, err);
    if (r >= 0) {
        r = wal_list(tsdb->fs, &arena, job.dir, &list, err);
    }
    if (r < 0 || list.segment_count < 2) {
        arena_done(&arena);
        return r;
    }
    first = list.segments[0].index;
    last = list.segments[list.segment_count - 1].index - 1; /* never the one that is written */
    job.last = context.last = first + (last - first) * 2 / 3;
    if (job.last > first) {
        int64_t start = tsdb_mono();

        self_add(SELF_CHECKPOINTS, 1);
        r = wal_checkpoint_run(&job, &stats, err);
        if (r == BARO_ECORRUPT) {
            r = pass_over_damage(tsdb, &job, &stats, err);
        }
        self_add(SELF_CHECKPOINTS_FAILED, r < 0 ? 1 : 0);
        if (r >= 0) {
            r = wal_drop(tsdb->fs, job.dir, err);
        }
        if (r >= 0) {
            head_forget_refs(tsdb->head, job.last);
            self_add(SELF_WAL_TRUNCATE_COUNT, 1);
            self_add(SELF_WAL_TRUNCATE_SUM, (double)(tsdb_mono() - start) / MONO_PER_SECOND);
            log_info("WAL checkpoint written", log_int("last", (int64_t)job.last),
                     log_int("samples_kept", (int64_t)stats.samples_kept),
                     log_int("samples_dropped", (int64_t)stats.samples_dropped),
                     log_int("dur_ms", (tsdb_mono() - start) / MONO_PER_MS));
        }
    }
    arena_done(&arena);
    return r;
}
