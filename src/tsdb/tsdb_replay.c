#include "tsdb/tsdb_replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "client/self.h"
#include "tsdb/wal.h"

/* Where a damaged record begins. */
struct damage {
    size_t index; /* of the segment in the listing */
    uint64_t offset;
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

static void note_damage(struct tsdb_replay_job *job, const struct wal_file *file,
                        const struct baro_error *err)
{
    struct tsdb_open_report *report = job->report;

    report->wal_repairs++;
    self_add(SELF_WAL_CORRUPTIONS, 1);
    (void)snprintf(report->wal_repair_text, sizeof(report->wal_repair_text),
                   "segment %08" PRIu64 " at %" PRIu64 ": %.150s", file->index, err->offset,
                   err->message);
}

/* A damaged checkpoint is read as far as it goes; the segments after it may repeat what is lost. */
static int replay_checkpoint(struct tsdb_replay_job *job, struct head_replay *replay,
                             struct wal_reader *reader, const struct wal_listing *list,
                             struct baro_error *err)
{
    for (size_t i = 0; i < list->checkpoint_count; i++) {
        int r = replay_segment(job, replay, reader, &list->checkpoint[i], err);

        if (r == BARO_ECORRUPT) {
            note_damage(job, &list->checkpoint[i], err);
            return 0;
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
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

/* Copies what stands behind the damage, then cuts it off. */
static int cut_segment(struct tsdb_replay_job *job, struct arena *arena,
                       const struct wal_file *file, uint64_t offset, struct baro_error *err)
{
    const struct fs *fs = job->fs;
    fs_file segment = FS_FILE_NONE, aside = FS_FILE_NONE;
    struct fs_map map = {0};
    int r = fs->map(fs, file->path, &map, err);

    if (r >= 0 && offset < map.size) {
        r = fs->open(fs, aside_path(job, arena, file, offset), FS_CREATE, &aside, err);
        if (r >= 0) {
            r = fs->pwrite(fs, aside, map.ptr + offset, map.size - offset, 0, err);
            if (r >= 0) {
                r = fs->sync(fs, aside, err);
            }
            (void)fs->close(fs, aside, NULL);
        }
        job->report->wal_bytes_dropped += map.size - offset;
    }
    fs->unmap(fs, map);
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

/* Ends the WAL before the damage. */
static int repair(struct tsdb_replay_job *job, struct arena *arena, const struct wal_listing *list,
                  struct damage damage, struct baro_error *err)
{
    int r = job->fs->mkdir(job->fs, job->corrupt_dir, err);

    if (r >= 0) {
        r = cut_segment(job, arena, &list->segments[damage.index], damage.offset, err);
    }
    for (size_t i = damage.index + 1; r >= 0 && i < list->segment_count; i++) {
        job->report->wal_bytes_dropped += list->segments[i].bytes;
        r = job->fs->rename(job->fs, list->segments[i].path,
                            aside_path(job, arena, &list->segments[i], 0), err);
    }
    if (r >= 0) {
        r = job->fs->sync_dir(job->fs, job->wal_dir, err);
    }
    /* No hole may come between what is left and what is written next. */
    job->next_segment = list->segments[damage.index].index + 1;
    return r;
}

/* Segments that the checkpoint covers are passed over; a hole in the numbers ends the WAL as damage
 * does. Returns 1 when there was damage. */
static int replay_segments(struct tsdb_replay_job *job, struct head_replay *replay,
                           struct wal_reader *reader, const struct wal_listing *list,
                           struct damage *ret, struct baro_error *err)
{
    uint64_t before = 0;
    bool has_before = false;

    for (size_t i = 0; i < list->segment_count; i++) {
        const struct wal_file *file = &list->segments[i];
        int r;

        if ((list->has_checkpoint && file->index <= list->checkpoint_index) ||
            (job->has_snapshot && file->index < job->from)) {
            continue;
        }
        if (has_before && file->index != before + 1) {
            *ret = (struct damage){i - 1, list->segments[i - 1].bytes};
            (void)error_at(err, BARO_ECORRUPT, list->segments[i - 1].bytes,
                           "segment %08" PRIu64 " is missing", before + 1);
            note_damage(job, &list->segments[i - 1], err);
            return 1;
        }
        has_before = true;
        before = file->index;
        r = replay_segment(job, replay, reader, file, err);
        if (r == BARO_ECORRUPT) {
            *ret = (struct damage){i, err->offset};
            note_damage(job, file, err);
            return 1;
        }
        if (r < 0) {
            return r;
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
    struct damage damage = {0};
    int r;

    err = err != NULL ? err : &local;
    r = wal_list(job->fs, &arena, job->wal_dir, &list, err);
    if (r >= 0) {
        init_status(job, &list);
        tell(job);
        r = job->has_snapshot ? 0 : replay_checkpoint(job, &replay, &reader, &list, err);
    }
    if (r >= 0) {
        r = replay_segments(job, &replay, &reader, &list, &damage, err);
        if (r == 1 && !job->read_only) {
            r = repair(job, &arena, &list, damage, err);
        }
    }
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
