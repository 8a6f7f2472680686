#include "tsdb/wal_checkpoint.h"

#include <errno.h>
#include <inttypes.h>

#include "base/mem.h"
#include "client/self.h"
#include "sys/fs.h"
#include "tsdb/wal.h"
#include "tsdb/wal_histogram.h"
#include "tsdb/wal_record.h"
#include "tsdb/wal_salvage.h"

enum { BATCH_BYTES = 1 << 20, BATCH_RECORDS = 1024 };

struct checkpoint {
    const struct wal_checkpoint_job *job;
    struct wal_checkpoint_stats *stats;
    struct wal *out;
    struct wal_batch batch;
    struct wal_labels labels;
    struct wal_samples samples;
    struct arena arena; /* of one record's histograms */
    struct buf record;
};

static int flush(struct checkpoint *checkpoint, struct baro_error *err)
{
    int r = wal_write(checkpoint->out, &checkpoint->batch, err);

    wal_batch_reset(&checkpoint->batch);
    return r;
}

static int put(struct checkpoint *checkpoint, str record, struct baro_error *err)
{
    int r = wal_batch_add(&checkpoint->batch, record, err);

    checkpoint->stats->records_written++;
    if (r >= 0 &&
        (checkpoint->batch.packed.len > BATCH_BYTES || checkpoint->batch.count >= BATCH_RECORDS)) {
        r = flush(checkpoint, err);
    }
    return r;
}

static int put_made(struct checkpoint *checkpoint, struct baro_error *err)
{
    if (checkpoint->record.failed) {
        return error_set(err, -ENOMEM, "no memory for a WAL record");
    }
    return checkpoint->record.len <= 1 ? 0 : put(checkpoint, buf_view(&checkpoint->record), err);
}

static int keep_series(struct checkpoint *checkpoint, str record, struct baro_error *err)
{
    const struct wal_checkpoint_job *job = checkpoint->job;
    struct reader rd = wal_record_body(record);
    series_ref ref = 0;
    int r;

    buf_reset(&checkpoint->record);
    wal_put_type(&checkpoint->record, WAL_RECORD_SERIES);
    while ((r = wal_next_series(&rd, &ref, &checkpoint->labels, err)) == 1) {
        if (job->wants_ref(job->context, ref)) {
            wal_put_series(&checkpoint->record, ref,
                           (struct labels){checkpoint->labels.items, checkpoint->labels.count});
        } else {
            checkpoint->stats->series_dropped++;
        }
    }
    return r < 0 ? r : put_made(checkpoint, err);
}

/* Moves the wanted samples to the front of the columns. */
static size_t filter_samples(const struct checkpoint *checkpoint)
{
    const struct wal_checkpoint_job *job = checkpoint->job;
    const struct wal_samples *samples = &checkpoint->samples;
    size_t kept = 0;

    for (size_t i = 0; i < samples->count; i++) {
        if (samples->t[i] >= job->mint && job->wants_ref(job->context, samples->refs[i])) {
            samples->refs[kept] = samples->refs[i];
            samples->t[kept] = samples->t[i];
            samples->v[kept] = samples->v[i];
            if (samples->st != NULL) {
                samples->st[kept] = samples->st[i];
            }
            kept++;
        }
    }
    return kept;
}

static int keep_samples(struct checkpoint *checkpoint, str record, struct baro_error *err)
{
    struct wal_samples *samples = &checkpoint->samples;
    int r = wal_read_samples(record, samples, err);
    size_t kept;

    if (r < 0) {
        return r;
    }
    kept = filter_samples(checkpoint);
    checkpoint->stats->samples_kept += kept;
    checkpoint->stats->samples_dropped += samples->count - kept;
    if (kept == 0) {
        return 0;
    }
    if (kept == samples->count) {
        return put(checkpoint, record, err);
    }
    buf_reset(&checkpoint->record);
    if (samples->st != NULL) {
        wal_put_samples_st(&checkpoint->record, samples->refs, samples->t, samples->v, samples->st,
                           kept);
    } else {
        wal_put_samples(&checkpoint->record, samples->refs, samples->t, samples->v, kept);
    }
    return put_made(checkpoint, err);
}

static int keep_exemplars(struct checkpoint *checkpoint, str record, struct baro_error *err)
{
    struct wal_exemplar_base base = {0};
    struct reader rd = wal_record_body(record);
    struct exemplar exemplar = {0};
    series_ref ref = 0, first_ref = 0;
    ts first_t = 0;
    size_t count = 0;
    int r;

    buf_reset(&checkpoint->record);
    wal_put_type(&checkpoint->record, WAL_RECORD_EXEMPLARS);
    while ((r = wal_next_exemplar(&rd, &base, &ref, &exemplar, &checkpoint->labels, err)) == 1) {
        if (exemplar.t < checkpoint->job->mint) {
            continue;
        }
        if (count == 0) {
            first_ref = ref;
            first_t = exemplar.t;
        }
        wal_put_exemplar(&checkpoint->record, ref, &exemplar, first_ref, first_t, count++ == 0);
    }
    return r < 0 ? r : put_made(checkpoint, err);
}

static int keep_tombstones(struct checkpoint *checkpoint, str record, struct baro_error *err)
{
    struct reader rd = wal_record_body(record);
    struct buf *out = &checkpoint->record;

    buf_reset(out);
    wal_put_type(out, WAL_RECORD_TOMBSTONES);
    while (reader_left(&rd) > 0) {
        series_ref ref = read_be64(&rd);
        ts mint = read_varint(&rd);
        ts maxt = read_varint(&rd);

        if (!rd.failed && maxt >= checkpoint->job->mint) {
            write_be64(out, ref);
            write_varint(out, mint);
            write_varint(out, maxt);
        }
    }
    return rd.failed ? error_set(err, BARO_ECORRUPT, "tombstones record ends early")
                     : put_made(checkpoint, err);
}

static bool is_st_type(uint8_t type)
{
    return type == WAL_RECORD_HISTOGRAMS_V2 || type == WAL_RECORD_FLOAT_HISTOGRAMS_V2;
}

/* Writes the wanted histograms of a record into another one: their number, and of all in
 * *ret_count. */
static int filter_histograms(struct checkpoint *checkpoint, str record, size_t *ret_count,
                             struct baro_error *err)
{
    const struct wal_checkpoint_job *job = checkpoint->job;
    struct wal_histograms at = {.type = wal_record_type(record)};
    struct reader rd = wal_record_body(record);
    struct wal_histograms to = at;
    struct wal_histogram one = {0};
    bool has_starts = is_st_type(at.type);
    series_ref first_ref = 0;
    ts first_t = 0;
    int kept = 0, r;

    buf_reset(&checkpoint->record);
    wal_put_type(&checkpoint->record, (enum wal_record_type)at.type);
    *ret_count = 0;
    while ((r = wal_next_histogram(&rd, &at, &checkpoint->arena, &one, err)) == 1) {
        ++*ret_count;
        if (one.t < job->mint || !job->wants_ref(job->context, one.ref)) {
            continue;
        }
        if (has_starts) {
            wal_put_histogram_st(&checkpoint->record, &to, one.ref, one.t, one.st, &one.h);
            kept++;
            continue;
        }
        if (kept == 0) {
            first_ref = one.ref;
            first_t = one.t;
        }
        wal_put_histogram(&checkpoint->record, one.ref, one.t, &one.h, first_ref, first_t,
                          kept++ == 0);
    }
    return r < 0 ? r : kept;
}

static int keep_histograms(struct checkpoint *checkpoint, str record, struct baro_error *err)
{
    size_t count = 0;
    int kept = filter_histograms(checkpoint, record, &count, err);

    arena_reset(&checkpoint->arena);
    if (kept < 0) {
        return kept;
    }
    checkpoint->stats->samples_kept += (size_t)kept;
    checkpoint->stats->samples_dropped += count - (size_t)kept;
    if (kept == 0) {
        return 0;
    }
    return (size_t)kept == count ? put(checkpoint, record, err) : put_made(checkpoint, err);
}

static int keep_record(struct checkpoint *checkpoint, str record, struct baro_error *err)
{
    checkpoint->stats->records_read++;
    switch (wal_record_type(record)) {
    case WAL_RECORD_SERIES:
        return keep_series(checkpoint, record, err);
    case WAL_RECORD_SAMPLES:
    case WAL_RECORD_SAMPLES_V2:
        return keep_samples(checkpoint, record, err);
    case WAL_RECORD_EXEMPLARS:
        return keep_exemplars(checkpoint, record, err);
    case WAL_RECORD_TOMBSTONES:
        return keep_tombstones(checkpoint, record, err);
    case WAL_RECORD_HISTOGRAMS:
    case WAL_RECORD_FLOAT_HISTOGRAMS:
    case WAL_RECORD_CUSTOM_HISTOGRAMS:
    case WAL_RECORD_CUSTOM_FLOAT_HISTOGRAMS:
    case WAL_RECORD_HISTOGRAMS_V2:
    case WAL_RECORD_FLOAT_HISTOGRAMS_V2:
        return keep_histograms(checkpoint, record, err);
    case WAL_RECORD_METADATA:       /* written anew */
    case WAL_RECORD_MIN_VALID_TIME: /* all times before it are dropped here */
        return 0;
    default:
        return put(checkpoint, record, err);
    }
}

static int take_record(void *context, str record, struct baro_error *err)
{
    return keep_record(context, record, err);
}

/* Goes on behind a damaged record, which stands at `from`. */
static int keep_rest(struct checkpoint *checkpoint, str data, uint64_t from, struct baro_error *err)
{
    const struct wal_salvage_taker taker = {take_record, checkpoint};
    struct wal_verdict verdict = {0};
    int r = wal_salvage_rest(data, (size_t)from, &taker, &verdict, NULL, err);

    checkpoint->stats->faults += verdict.faults;
    checkpoint->stats->bytes_lost += verdict.bytes_lost;
    return r;
}

static int keep_file(struct checkpoint *checkpoint, struct wal_reader *reader,
                     const struct wal_file *file, struct baro_error *err)
{
    const struct fs *fs = checkpoint->job->fs;
    struct baro_error local = {0};
    struct fs_map map = {0};
    str record = STR_NULL;
    int r;

    err = err != NULL ? err : &local;
    r = fs->map(fs, file->path, &map, err);
    if (r < 0) {
        return r;
    }
    wal_reader_over(reader, str_of(map.ptr, map.size));
    while ((r = wal_reader_next(reader, &record, err)) == 1) {
        r = keep_record(checkpoint, record, err);
        if (r < 0) {
            err->offset = reader->record_start;
            break;
        }
    }
    if (r == BARO_ECORRUPT && checkpoint->job->salvage) {
        r = keep_rest(checkpoint, str_of(map.ptr, map.size), err->offset, err);
    }
    fs->unmap(fs, map);
    return r < 0 ? error_wrap(err, r, "%s", file->path) : 0;
}

static int keep_all(struct checkpoint *checkpoint, const struct wal_listing *list,
                    struct baro_error *err)
{
    struct wal_reader reader = {0};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < list->checkpoint_count; i++) {
        r = keep_file(checkpoint, &reader, &list->checkpoint[i], err);
    }
    for (size_t i = 0; r >= 0 && i < list->segment_count; i++) {
        uint64_t index = list->segments[i].index;

        if (index <= checkpoint->job->last &&
            (!list->has_checkpoint || index > list->checkpoint_index)) {
            r = keep_file(checkpoint, &reader, &list->segments[i], err);
        }
    }
    wal_reader_done(&reader);
    return r;
}

static int put_metadata(void *context, str record)
{
    return put(context, record, NULL);
}

static int write_checkpoint(struct checkpoint *checkpoint, const struct wal_listing *list,
                            const char *tmp, struct baro_error *err)
{
    const struct wal_checkpoint_job *job = checkpoint->job;
    int r = job->fs->mkdir(job->fs, tmp, err), closed;

    if (r >= 0) {
        r = wal_open(job->fs, tmp, 0, job->segment_bytes, &checkpoint->out, err);
    }
    if (r < 0) {
        return r;
    }
    checkpoint->batch.compress = job->compress;
    r = keep_all(checkpoint, list, err);
    if (r >= 0 && job->metadata != NULL) {
        r = job->metadata(job->context, put_metadata, checkpoint);
    }
    if (r >= 0) {
        r = flush(checkpoint, err);
    }
    closed = wal_close(checkpoint->out, r < 0 ? NULL : err);
    r = r < 0 ? r : closed;
    return r < 0 ? r : job->fs->sync_dir(job->fs, tmp, err);
}

int wal_checkpoint_run(const struct wal_checkpoint_job *job, struct wal_checkpoint_stats *ret,
                       struct baro_error *err)
{
    struct checkpoint checkpoint = {.job = job, .stats = ret};
    struct wal_listing list = {0};
    struct arena arena = {0};
    const char *tmp =
        arena_printf(&arena, "%s/checkpoint.%08" PRIu64 ".tmp", job->dir, job->last).ptr;
    const char *path = arena_printf(&arena, "%s/checkpoint.%08" PRIu64, job->dir, job->last).ptr;
    int r = wal_list(job->fs, &arena, job->dir, &list, err);
    bool is_there;

    *ret = (struct wal_checkpoint_stats){0};
    if (r >= 0) {
        r = fs_remove_tree(job->fs, tmp, err);
    }
    /* One that is there has got its name by an earlier try, which failed to make that last. */
    is_there = list.has_checkpoint && list.checkpoint_index >= job->last;
    if (r >= 0 && !is_there) {
        r = write_checkpoint(&checkpoint, &list, tmp, err);
    }
    if (r >= 0 && !is_there) {
        r = job->fs->rename(job->fs, tmp, path, err);
    }
    if (r >= 0) {
        r = job->fs->sync_dir(job->fs, job->dir, err);
    } else {
        (void)fs_remove_tree(job->fs, tmp, NULL);
    }
    wal_batch_done(&checkpoint.batch);
    wal_labels_done(&checkpoint.labels);
    wal_samples_done(&checkpoint.samples);
    arena_done(&checkpoint.arena);
    buf_done(&checkpoint.record);
    arena_done(&arena);
    return r < 0 ? error_wrap(err, r, "WAL checkpoint %08" PRIu64, job->last) : 0;
}

static int drop_checkpoints(const struct fs *fs, struct arena *arena, const char *dir,
                            uint64_t newest, struct baro_error *err)
{
    struct fs_entry *entries = NULL;
    size_t count = 0;
    int r = fs->list(fs, arena, dir, &entries, &count, err);

    for (size_t i = 0; r >= 0 && i < count; i++) {
        uint64_t index = 0;

        if (entries[i].is_dir && wal_checkpoint_index(entries[i].name, &index) && index < newest) {
            r = fs_remove_tree(fs, fs_path(arena, dir, entries[i].name.ptr), err);
            self_add(SELF_CHECKPOINT_DELETIONS, 1);
            self_add(SELF_CHECKPOINT_DELETIONS_FAILED, r < 0 ? 1 : 0);
        }
    }
    return r;
}

int wal_drop(const struct fs *fs, const char *dir, struct baro_error *err)
{
    struct wal_listing list = {0};
    struct arena arena = {0};
    int r = wal_list(fs, &arena, dir, &list, err);

    /* Oldest first: should this end half-way, no hole comes into the numbers. */
    for (size_t i = 0; r >= 0 && list.has_checkpoint && i < list.segment_count; i++) {
        if (list.segments[i].index <= list.checkpoint_index) {
            r = fs->remove(fs, list.segments[i].path, err);
        }
    }
    self_add(SELF_WAL_TRUNCATIONS, 1);
    self_add(SELF_WAL_TRUNCATIONS_FAILED, r < 0 ? 1 : 0);
    if (r >= 0 && list.has_checkpoint) {
        r = drop_checkpoints(fs, &arena, dir, list.checkpoint_index, err);
    }
    arena_done(&arena);
    return r < 0 ? r : 0;
}

int wal_drop_unfinished(const struct fs *fs, const char *dir, struct baro_error *err)
{
    struct fs_entry *entries = NULL;
    struct arena arena = {0};
    size_t count = 0;
    int r = fs->list(fs, &arena, dir, &entries, &count, err);

    for (size_t i = 0; r >= 0 && i < count; i++) {
        if (entries[i].is_dir && str_has_prefix(entries[i].name, STR("checkpoint.")) &&
            str_has_suffix(entries[i].name, STR(".tmp"))) {
            r = fs_remove_tree(fs, fs_path(&arena, dir, entries[i].name.ptr), err);
        }
    }
    arena_done(&arena);
    return r < 0 ? r : 0;
}
