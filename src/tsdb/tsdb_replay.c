#include "tsdb/tsdb_replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/self.h"
#include "tsdb/block_salvage.h"
#include "tsdb/block_writer.h"
#include "tsdb/wal.h"
#include "tsdb/wal_salvage.h"

/* Missing segments that an empty one is made for, at most; with more, what is behind them is set
 * aside. */
enum { HOLES_MAX = 1024 };

/* What a segment belongs to. */
struct segment {
    const struct wal_file *file;
    const char *dir;
    bool is_checkpoint;
};

static void tell(struct tsdb_replay_job *job)
{
    if (job->progress != NULL) {
        job->progress(job->progress_context, &job->status);
    }
}

/* Reads one segment. BARO_ECORRUPT with err->offset when a record is damaged. */
static int replay_segment(struct tsdb_replay_job *job, struct head_replay *replay,
                          struct wal_reader *reader, const struct wal_file *file,
                          struct baro_error *err)
{
    struct fs_map map = {0};
    str record = STR_NULL;
    int r = job->fs->map(job->fs, file->path, &map, err);

    if (r < 0) {
        return r;
    }
    wal_reader_over(reader, str_of(map.ptr, map.size));
    while ((r = wal_reader_next(reader, &record, err)) == 1) {
        r = head_replay_record(replay, record, err);
        if (r < 0) {
            if (err != NULL) {
                err->offset = reader->record_start;
            }
            break;
        }
    }
    job->fs->unmap(job->fs, map);
    return r;
}

static void note_damage(struct tsdb_replay_job *job, const struct segment *segment,
                        const struct baro_error *err)
{
    struct tsdb_open_report *report = job->report;

    self_add(SELF_WAL_CORRUPTIONS, 1);
    if (report->wal_repairs++ == 0) {
        (void)snprintf(report->wal_repair_text, sizeof(report->wal_repair_text),
                       "%ssegment %08" PRIu64 " at %" PRIu64 ": %.150s",
                       segment->is_checkpoint ? "checkpoint, " : "", segment->file->index,
                       err->offset, err->message);
    }
}

static const char *aside_path(struct tsdb_replay_job *job, struct arena *arena,
                              const struct wal_file *file, uint64_t offset)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return arena_printf(arena, "%s/%08" PRIu64 ".from-%" PRIu64 ".%lld", job->corrupt_dir,
                        file->index, offset, (long long)now.tv_sec)
        .ptr;
}

/* Writes the bytes of a segment from an offset on to a new file. */
static int copy_from(const struct fs *fs, const char *path, uint64_t offset, const char *to,
                     struct baro_error *err)
{
    fs_file aside = FS_FILE_NONE;
    struct fs_map map = {0};
    int r = fs->map(fs, path, &map, err);

    if (r >= 0 && offset < map.size) {
        r = fs->open(fs, to, FS_CREATE, &aside, err);
        if (r >= 0) {
            r = fs->pwrite(fs, aside, map.ptr + offset, map.size - offset, 0, err);
            if (r >= 0) {
                r = fs->sync(fs, aside, err);
            }
            (void)fs->close(fs, aside, NULL);
        }
    }
    fs->unmap(fs, map);
    return r;
}

/* Copies what stands behind the damage, then cuts it off. */
static int cut_segment(struct tsdb_replay_job *job, struct arena *arena,
                       const struct wal_file *file, uint64_t offset, struct baro_error *err)
{
    const struct fs *fs = job->fs;
    fs_file segment = FS_FILE_NONE;
    int r = fs->mkdir(fs, job->corrupt_dir, err);

    r = r < 0 ? r : copy_from(fs, file->path, offset, aside_path(job, arena, file, offset), err);
    if (r >= 0) {
        r = fs->open(fs, file->path, FS_WRITE, &segment, err);
    }
    if (r >= 0) {
        r = fs->truncate(fs, segment, offset, err);
        if (r >= 0) {
            r = fs->sync(fs, segment, err);
        }
        (void)fs->close(fs, segment, NULL);
    }
    return r;
}

/* The segment as it was goes to `damaged/`, by a link, so that it is never missing; by a copy where
 * the file system has no links. */
static int set_aside(struct tsdb_replay_job *job, struct arena *arena,
                     const struct segment *segment, struct baro_error *err)
{
    const struct fs *fs = job->fs;
    const char *dir = fs_path(arena, job->data_dir, DAMAGED_DIR);
    struct timespec now;
    const char *name;
    int r = fs->mkdir(fs, dir, err);

    (void)clock_gettime(CLOCK_REALTIME, &now);
    name = arena_printf(arena, "%s/%s-%s%08" PRIu64 ".%lld", dir, job->is_wbl ? "wbl" : "wal",
                        segment->is_checkpoint ? "checkpoint-" : "", segment->file->index,
                        (long long)now.tv_sec)
               .ptr;
    r = r < 0 ? r : fs->link(fs, segment->file->path, name, err);
    if (r == -EEXIST) {
        r = 0; /* a start that was interrupted within this second has done it */
    } else if (r == -EPERM || r == -EOPNOTSUPP || r == -EMLINK) {
        r = copy_from(fs, segment->file->path, 0, name, err);
    }
    return r < 0 ? r : fs->sync_dir(fs, dir, err);
}

/* Makes the segment anew: what stands before the damage, and the good records behind it. */
static int replace_segment(struct tsdb_replay_job *job, struct arena *arena,
                           const struct segment *segment, uint64_t offset, str good,
                           struct baro_error *err)
{
    const struct fs *fs = job->fs;
    const char *name = arena_printf(arena, "%08" PRIu64, segment->file->index).ptr;
    struct fs_map map = {0};
    struct buf whole = {0};
    int r = set_aside(job, arena, segment, err);

    r = r < 0 ? r : fs->map(fs, segment->file->path, &map, err);
    if (r >= 0) {
        buf_bytes(&whole, map.ptr, (size_t)offset);
        buf_str(&whole, good);
        fs->unmap(fs, map);
        r = whole.failed ? error_set(err, -ENOMEM, "no memory to mend a WAL segment")
                         : file_replace(fs, segment->dir, name, buf_view(&whole), err);
    }
    buf_done(&whole);
    return r;
}

static int take_record(void *context, str record, struct baro_error *err)
{
    return head_replay_record(context, record, err);
}

/* Goes on behind the damage at `offset`, and mends the segment unless nothing may be written. */
static int replay_rest(struct tsdb_replay_job *job, struct head_replay *replay,
                       const struct segment *segment, uint64_t offset, struct baro_error *err)
{
    const struct wal_salvage_taker taker = {take_record, replay};
    struct wal_verdict verdict = {0};
    struct fs_map map = {0};
    struct buf good = {0};
    struct arena arena = {0};
    int r = job->fs->map(job->fs, segment->file->path, &map, err);

    if (r < 0) {
        return r;
    }
    r = wal_salvage_rest(str_of(map.ptr, map.size), (size_t)offset, &taker, &verdict,
                         job->read_only ? NULL : &good, err);
    job->fs->unmap(job->fs, map);
    job->report->wal_bytes_dropped += verdict.bytes_lost;
    job->report->wal_records_behind += verdict.records;
    self_add(SELF_WAL_LOST_BYTES, (double)verdict.bytes_lost);
    if (r >= 0 && !job->read_only) {
        r = verdict.records == 0
                ? cut_segment(job, &arena, segment->file, offset, err)
                : replace_segment(job, &arena, segment, offset, buf_view(&good), err);
        r = r < 0 ? r : job->fs->sync_dir(job->fs, segment->dir, err);
    }
    buf_done(&good);
    arena_done(&arena);
    return r;
}

static int replay_whole(struct tsdb_replay_job *job, struct head_replay *replay,
                        struct wal_reader *reader, const struct segment *segment,
                        struct baro_error *err)
{
    int r = replay_segment(job, replay, reader, segment->file, err);

    if (r != BARO_ECORRUPT) {
        return r;
    }
    note_damage(job, segment, err);
    return replay_rest(job, replay, segment, err->offset, err);
}

static int replay_checkpoint(struct tsdb_replay_job *job, struct arena *arena,
                             struct head_replay *replay, struct wal_reader *reader,
                             const struct wal_listing *list, struct baro_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < list->checkpoint_count; i++) {
        const char *path = list->checkpoint[i].path;
        str dir = str_slice(str_from(path), 0, (size_t)(strrchr(path, '/') - path));
        struct segment segment = {&list->checkpoint[i], arena_str(arena, dir).ptr, true};

        r = replay_whole(job, replay, reader, &segment, err);
    }
    return r;
}

/* Numbers may have no holes, for Prometheus neither: empty segments fill one. */
static int fill_hole(struct tsdb_replay_job *job, struct arena *arena, uint64_t first, uint64_t end,
                     struct baro_error *err)
{
    int r = 0;

    for (uint64_t index = first; r >= 0 && index < end; index++) {
        fs_file file = FS_FILE_NONE;

        r = job->fs->open(job->fs, wal_segment_path(arena, job->wal_dir, index), FS_CREATE, &file,
                          err);
        if (r >= 0) {
            r = job->fs->sync(job->fs, file, err);
            (void)job->fs->close(job->fs, file, NULL);
        }
    }
    return r < 0 ? r : job->fs->sync_dir(job->fs, job->wal_dir, err);
}

/* Behind a hole that is too wide the WAL ends: what is there is set aside. */
static int end_before(struct tsdb_replay_job *job, struct arena *arena,
                      const struct wal_listing *list, size_t first, struct baro_error *err)
{
    int r = job->read_only ? 0 : job->fs->mkdir(job->fs, job->corrupt_dir, err);

    for (size_t i = first; r >= 0 && i < list->segment_count; i++) {
        job->report->wal_bytes_dropped += list->segments[i].bytes;
        if (!job->read_only) {
            r = job->fs->rename(job->fs, list->segments[i].path,
                                aside_path(job, arena, &list->segments[i], 0), err);
        }
    }
    if (r >= 0 && !job->read_only) {
        r = job->fs->sync_dir(job->fs, job->wal_dir, err);
    }
    job->next_segment = list->segments[first - 1].index + 1;
    return r;
}

/* 1 when the WAL ends before segment i, which does not follow the one before. */
static int pass_hole(struct tsdb_replay_job *job, struct arena *arena,
                     const struct wal_listing *list, size_t i, struct baro_error *err)
{
    const struct wal_file *before = &list->segments[i - 1], *file = &list->segments[i];
    struct segment segment = {before, job->wal_dir, false};
    int r;

    (void)error_at(err, BARO_ECORRUPT, before->bytes, "segment %08" PRIu64 " is missing",
                   before->index + 1);
    note_damage(job, &segment, err);
    if (file->index - before->index > HOLES_MAX) {
        r = end_before(job, arena, list, i, err);
        return r < 0 ? r : 1;
    }
    return job->read_only ? 0 : fill_hole(job, arena, before->index + 1, file->index, err);
}

/* Segments that the checkpoint covers are passed over. */
static int replay_segments(struct tsdb_replay_job *job, struct arena *arena,
                           struct head_replay *replay, struct wal_reader *reader,
                           const struct wal_listing *list, struct baro_error *err)
{
    bool has_before = false;

    for (size_t i = 0; i < list->segment_count; i++) {
        const struct wal_file *file = &list->segments[i];
        struct segment segment = {file, job->wal_dir, false};
        int r = 0;

        if ((list->has_checkpoint && file->index <= list->checkpoint_index) ||
            (job->has_snapshot && file->index < job->from)) {
            continue;
        }
        if (has_before && file->index != list->segments[i - 1].index + 1) {
            r = pass_hole(job, arena, list, i, err);
        }
        has_before = true;
        if (r == 0) {
            r = replay_whole(job, replay, reader, &segment, err);
        }
        if (r != 0) {
            return r < 0 ? r : 0;
        }
        job->status.current = (int64_t)file->index;
        tell(job);
    }
    return 0;
}

static void init_status(struct tsdb_replay_job *job, const struct wal_listing *list)
{
    if (list->has_checkpoint) {
        job->status.min = (int64_t)list->checkpoint_index + 1;
        job->next_segment = list->checkpoint_index + 1;
    } else if (list->segment_count > 0) {
        job->status.min = (int64_t)list->segments[0].index;
    }
    if (job->has_snapshot) {
        job->status.min = (int64_t)job->from;
    }
    job->status.current = job->status.max = job->status.min;
    if (list->segment_count > 0) {
        uint64_t last = list->segments[list->segment_count - 1].index;

        job->status.max = (int64_t)last;
        job->next_segment = last + 1 > job->next_segment ? last + 1 : job->next_segment;
    }
}

int tsdb_replay_run(struct tsdb_replay_job *job, struct baro_error *err)
{
    struct baro_error local = {0};
    struct head_replay replay = {.head = job->head, .is_wbl = job->is_wbl};
    struct wal_reader reader = {0};
    struct wal_listing list = {0};
    struct arena arena = {0};
    int r;

    err = err != NULL ? err : &local;
    r = wal_list(job->fs, &arena, job->wal_dir, &list, err);
    if (r >= 0) {
        init_status(job, &list);
        tell(job);
        r = job->has_snapshot ? 0 : replay_checkpoint(job, &arena, &replay, &reader, &list, err);
    }
    if (r >= 0) {
        r = replay_segments(job, &arena, &replay, &reader, &list, err);
    }
    head_replay_settle(&replay);
    if (r >= 0) {
        job->status.current = job->status.max;
        job->status.done = true;
        tell(job);
        *err = (struct baro_error){0};
    }
    job->report->samples = replay.samples;
    job->report->samples_refused = replay.samples_refused;
    job->report->records_skipped = replay.records_skipped;
    wal_reader_done(&reader);
    head_replay_done(&replay);
    arena_done(&arena);
    return r < 0 ? r : 0;
}
