#include "tsdb/dir_verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/num.h"
#include "sys/fs.h"
#include "tsdb/block_priv.h"
#include "tsdb/block_salvage.h"
#include "tsdb/block_verify.h"
#include "tsdb/block_writer.h"
#include "tsdb/head.h"
#include "tsdb/chunks_head.h"
#include "tsdb/head_chunks_check.h"
#include "tsdb/head_snapshot.h"
#include "tsdb/wal.h"
#include "tsdb/wal_salvage.h"

struct walk {
    const struct dir_verify_job *job;
    const struct fs *fs;
    struct arena arena;
    struct dir_verdict *verdict;
    const char *name; /* of the part in work */
    uint64_t done_bytes;
    uint64_t all_bytes;
    ts now;
};

static void read_more(void *context, uint64_t more)
{
    struct walk *walk = context;

    walk->done_bytes += more;
    if (walk->job->progress != NULL) {
        walk->job->progress(walk->job->context, walk->name, walk->done_bytes, walk->all_bytes);
    }
}

PRINTF_LIKE(3, 4)
static void report(struct walk *walk, enum dir_part_state state, const char *format, ...)
{
    struct dir_part part = {.name = walk->name, .state = state};
    va_list args;

    va_start(args, format);
    (void)vsnprintf(part.text, sizeof(part.text), format, args);
    va_end(args);
    walk->verdict->parts++;
    walk->verdict->bad += state >= DIR_PART_DAMAGED;
    walk->verdict->left += state == DIR_PART_DAMAGED;
    if (walk->job->part != NULL) {
        walk->job->part(walk->job->context, &part);
    }
}

static uint64_t file_bytes(struct walk *walk, const char *path)
{
    fs_file file = FS_FILE_NONE;
    uint64_t bytes = 0;

    if (walk->fs->open(walk->fs, path, FS_READ, &file, NULL) >= 0) {
        (void)walk->fs->size(walk->fs, file, &bytes, NULL);
        (void)walk->fs->close(walk->fs, file, NULL);
    }
    return bytes;
}

static uint64_t tree_bytes(struct walk *walk, const char *dir, int depth)
{
    struct fs_entry *entries = NULL;
    size_t count = 0;
    uint64_t bytes = 0;

    if (walk->fs->list(walk->fs, &walk->arena, dir, &entries, &count, NULL) < 0) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        const char *path = fs_path(&walk->arena, dir, entries[i].name.ptr);

        if (!entries[i].is_dir) {
            bytes += file_bytes(walk, path);
        } else if (depth < FS_TREE_DEPTH_MAX && !str_is(entries[i].name, DAMAGED_DIR) &&
                   !str_is(entries[i].name, "snapshots")) {
            bytes += tree_bytes(walk, path, depth + 1);
        }
    }
    return bytes;
}

/* Moves a file to `damaged/`, under a name that tells where it was. */
static int set_file_aside(struct walk *walk, const char *path, bool by_link, struct baro_error *err)
{
    const char *aside = fs_path(&walk->arena, walk->job->path, DAMAGED_DIR);
    char *target = (char *)(uintptr_t)arena_printf(&walk->arena, "%s/%s.%lld", aside, walk->name,
                                                   (long long)walk->now)
                       .ptr;
    int r = walk->fs->mkdir(walk->fs, aside, err);

    for (size_t i = strlen(aside) + 1; target[i] != '\0'; i++) {
        target[i] = target[i] == '/' ? '-' : target[i];
    }
    if (r >= 0) {
        r = by_link ? walk->fs->link(walk->fs, path, target, err)
                    : walk->fs->rename(walk->fs, path, target, err);
    }
    return r < 0 ? r : walk->fs->sync_dir(walk->fs, aside, err);
}

/* ---- blocks ---- */

static void report_salvaged(struct walk *walk, const struct block_salvaged *found,
                            const struct baro_error *why)
{
    if (found->ulid[0] == '\0') {
        report(walk, DIR_PART_LOST, "%s; no chunk of it is good: set aside", why->message);
        return;
    }
    report(walk, DIR_PART_REPAIRED,
           "%s; set aside, %s has %" PRIu64 " series and %" PRIu64 " chunks of it, %" PRIu64
           " chunks%s are lost%s",
           why->message, found->ulid, found->series, found->chunks, found->chunks_lost,
           found->is_series_lost ? " and whole series" : "",
           found->are_deletions_lost ? "; the deletions are lost: delete again" : "");
}

static bool is_whole(const struct block_salvaged *found)
{
    return found->ulid[0] != '\0' && found->chunks_lost == 0 && !found->is_series_lost &&
           !found->are_deletions_lost;
}

/* `must_be_whole`: what tells of another version may be a format of tomorrow, unless all of it
 * reads as one of today. */
static void salvage_block(struct walk *walk, const char *ulid, bool must_be_whole,
                          const struct baro_error *why)
{
    struct block_salvage_job job = {.fs = walk->fs,
                                    .data_dir = walk->job->path,
                                    .ulid = ulid,
                                    .now = walk->now,
                                    .stop = walk->job->stop};
    struct block_salvaged found = {0};
    struct baro_error err = {0};
    int r = block_salvage_run(&job, &found, &err);

    if (must_be_whole && (r < 0 || !is_whole(&found))) {
        if (r >= 0 && found.ulid[0] != '\0') {
            (void)block_remove(walk->fs, walk->job->path, found.ulid, NULL);
        }
        report(walk, DIR_PART_DAMAGED, "%s", why->message);
        return;
    }
    if (r == BARO_ECORRUPT) {
        /* Nothing can be read: at least it is out of the way, whole. */
        found = (struct block_salvaged){0};
        r = 0;
    }
    if (r >= 0) {
        r = block_set_aside(walk->fs, walk->job->path, ulid, &err);
    }
    if (r < 0) {
        report(walk, DIR_PART_DAMAGED, "%s; not repaired: %.120s", why->message, err.message);
    } else {
        report_salvaged(walk, &found, why);
    }
}

static void repair_block(struct walk *walk, const struct block *block, const char *ulid,
                         const struct block_verdict *verdict, const struct baro_error *why)
{
    struct baro_error err = {0};

    if (block != NULL && verdict->is_meta_damaged && verdict->faults == 1) {
        if (block_meta_replace(walk->fs, block_directory(block), block_meta(block), &err) >= 0) {
            report(walk, DIR_PART_REPAIRED, "%s; written anew, nothing is lost", why->message);
        } else {
            report(walk, DIR_PART_DAMAGED, "%s; not repaired: %.120s", why->message, err.message);
        }
        return;
    }
    salvage_block(walk, ulid, why->code == BARO_EUNSUPPORTED, why);
}

static int verify_block(struct walk *walk, const char *ulid, struct baro_error *err)
{
    struct block_watch watch = {.stop = walk->job->stop, .read = read_more, .context = walk};
    struct block_verdict verdict = {0};
    struct baro_error why = {0};
    struct block *block = NULL;
    int r = block_open(walk->fs, fs_path(&walk->arena, walk->job->path, ulid), &block, &why);

    if (r >= 0 && strcmp(block_meta(block)->ulid, ulid) != 0) {
        r = error_set(&why, BARO_ECORRUPT, "meta.json names another block, %s",
                      block_meta(block)->ulid);
    }
    if (r >= 0) {
        r = block_verify_watched(block, &watch, &verdict, &why);
    }
    walk->verdict->blocks++;
    if (r >= 0) {
        report(walk, DIR_PART_GOOD,
               "%" PRIu64 " series, %" PRIu64 " chunks, %" PRIu64 " samples, %.2f bytes a sample",
               verdict.series, verdict.chunks, verdict.samples,
               verdict.samples == 0 ? 0 : (double)verdict.bytes / (double)verdict.samples);
    } else if (r == BARO_ECANCELED) {
        r = error_set(err, r, "%s", why.message);
    } else {
        walk->verdict->blocks_bad++;
        if (walk->job->must_repair) {
            repair_block(walk, block, ulid, &verdict, &why);
        } else {
            report(walk, DIR_PART_DAMAGED, "%" PRIu64 " faults, the first: %s",
                   verdict.faults > 0 ? verdict.faults : 1, why.message);
        }
        r = 0;
    }
    (void)block_unref(block);
    return r;
}

static int verify_blocks(struct walk *walk, struct baro_error *err)
{
    struct fs_entry *entries = NULL;
    size_t count = 0;
    int r = walk->fs->list(walk->fs, &walk->arena, walk->job->path, &entries, &count, err);

    for (size_t i = 0; r >= 0 && i < count; i++) {
        if (entries[i].is_dir && ulid_is_valid(entries[i].name)) {
            walk->name = entries[i].name.ptr;
            r = verify_block(walk, entries[i].name.ptr, err);
        }
    }
    return r;
}

/* ---- logs ---- */

/* The good records take the place of the segment; the segment as it was is in `damaged/`. */
static int replace_segment(struct walk *walk, const char *dir, const char *name, str good,
                           struct baro_error *err)
{
    int r = set_file_aside(walk, fs_path(&walk->arena, dir, name), true, err);

    return r < 0 ? r : file_replace(walk->fs, dir, name, good, err);
}

static void judge_segment(struct walk *walk, const char *dir, const char *name, bool is_last,
                          const struct wal_verdict *verdict, str good)
{
    struct baro_error err = {0};

    if (verdict->faults == 0) {
        report(walk, DIR_PART_GOOD, "%" PRIu64 " records", verdict->records);
    } else if (is_last && verdict->is_torn && !walk->job->must_repair) {
        report(walk, DIR_PART_NOTED,
               "%" PRIu64
               " records; the end is torn, as a kill leaves it: the next start cuts %" PRIu64
               " bytes",
               verdict->records, verdict->bytes_lost);
    } else if (!walk->job->must_repair) {
        report(walk, DIR_PART_DAMAGED,
               "%" PRIu64 " faults, %" PRIu64 " records are good; the first: %s", verdict->faults,
               verdict->records, verdict->first.message);
    } else if (replace_segment(walk, dir, name, good, &err) < 0) {
        report(walk, DIR_PART_DAMAGED, "%s; not repaired: %.120s", verdict->first.message,
               err.message);
    } else {
        report(walk, DIR_PART_REPAIRED,
               "%s; %" PRIu64 " records are kept, %" PRIu64 " bytes are lost",
               verdict->first.message, verdict->records, verdict->bytes_lost);
    }
}

static int verify_segment(struct walk *walk, const char *dir, const char *name, bool is_last,
                          struct baro_error *err)
{
    const char *path = fs_path(&walk->arena, dir, name);
    struct wal_verdict verdict = {0};
    struct fs_map map = {0};
    struct buf good = {0};
    int r = walk->fs->map(walk->fs, path, &map, err);

    if (r < 0) {
        return r;
    }
    r = wal_salvage_segment(str_of(map.ptr, map.size), &verdict,
                            walk->job->must_repair ? &good : NULL, err);
    read_more(walk, map.size);
    walk->fs->unmap(walk->fs, map);
    if (r >= 0) {
        judge_segment(walk, dir, name, is_last, &verdict, buf_view(&good));
    }
    buf_done(&good);
    return r;
}

/* Segments have names of digits; checkpoints are directories of segments. */
static int verify_log(struct walk *walk, const char *name, int depth, struct baro_error *err)
{
    const char *dir = fs_path(&walk->arena, walk->job->path, name);
    struct fs_entry *entries = NULL;
    size_t count = 0, last = 0;
    int r = walk->fs->list(walk->fs, &walk->arena, dir, &entries, &count, err);
    uint64_t number = 0;

    for (size_t i = 0; r >= 0 && i < count; i++) {
        last = !entries[i].is_dir && num_parse_u64(entries[i].name, &number) ? i : last;
    }
    for (size_t i = 0; r >= 0 && i < count; i++) {
        const char *part = arena_printf(&walk->arena, "%s/%s", name, entries[i].name.ptr).ptr;

        walk->name = part;
        if (walk->job->stop != NULL &&
            atomic_load_explicit(walk->job->stop, memory_order_relaxed)) {
            return error_set(err, BARO_ECANCELED, "the verification was stopped");
        }
        if (entries[i].is_dir && depth == 0 && wal_checkpoint_index(entries[i].name, &number)) {
            r = verify_log(walk, part, 1, err);
        } else if (!entries[i].is_dir && num_parse_u64(entries[i].name, &number)) {
            r = verify_segment(walk, dir, entries[i].name.ptr, depth == 0 && i == last, err);
        }
    }
    return r == -ENOENT ? 0 : r;
}

/* ---- what the head keeps for a quick start ---- */

/* None of these files is a source of truth: the log has it all. A damaged one is set aside. */
static void judge_head_file(struct walk *walk, const char *path, int r,
                            const struct baro_error *why)
{
    struct baro_error err = {0};

    if (r >= 0) {
        report(walk, DIR_PART_GOOD, "every checksum holds");
    } else if (!walk->job->must_repair) {
        report(walk, DIR_PART_DAMAGED, "%s; the next start passes it by and reads the log instead",
               why->message);
    } else if (set_file_aside(walk, path, false, &err) < 0) {
        report(walk, DIR_PART_DAMAGED, "%s; not set aside: %.120s", why->message, err.message);
    } else {
        report(walk, DIR_PART_REPAIRED, "%s; set aside, the log has what it held", why->message);
    }
}

static int verify_head_chunks(struct walk *walk, struct baro_error *err)
{
    const char *dir = fs_path(&walk->arena, walk->job->path, "chunks_head");
    struct fs_entry *entries = NULL;
    size_t count = 0;
    bool was_bad = false;
    int r = walk->fs->list(walk->fs, &walk->arena, dir, &entries, &count, NULL);

    if (r < 0) {
        return 0;
    }
    for (size_t i = 0; r >= 0 && i < count; i++) {
        const char *path = fs_path(&walk->arena, dir, entries[i].name.ptr);
        struct baro_error why = {0};
        struct fs_map map = {0};
        uint64_t number = 0;
        int checked;

        if (entries[i].is_dir || !num_parse_u64(entries[i].name, &number)) {
            continue;
        }
        walk->name = arena_printf(&walk->arena, "chunks_head/%s", entries[i].name.ptr).ptr;
        r = walk->fs->map(walk->fs, path, &map, err);
        if (r < 0) {
            return r;
        }
        checked = head_chunks_check(str_of(map.ptr, map.size), &why);
        read_more(walk, map.size);
        walk->fs->unmap(walk->fs, map);
        if (checked >= 0 && was_bad && walk->job->must_repair) {
            /* A hole in the numbers would be damage of its own. */
            checked = error_set(&why, BARO_ECORRUPT, "a file before it is damaged");
        }
        was_bad |= checked < 0;
        judge_head_file(walk, path, checked, &why);
    }
    return 0;
}

static void verify_snapshot(struct walk *walk)
{
    const char *dir = fs_path(&walk->arena, walk->job->path, HEAD_SNAPSHOT_DIR);
    const char *path = fs_path(&walk->arena, dir, HEAD_SNAPSHOT_NAME);
    CLEANUP(head_freep) struct head *head = head_new(&(struct head_options){0});
    const struct head_files_options files = {
        .fs = walk->fs, .data_dir = walk->job->path, .read_only = true};
    struct chunks_head_report report = {0};
    struct head_snapshot_info info = {0};
    struct baro_error why = {0};
    int r = head_files_open(head, &files, &report, &why);

    /* A snapshot fits to the full chunks that stand in files. */
    if (r >= 0) {
        r = head_snapshot_load(head, walk->fs, dir, 0, UINT64_MAX, &info, &why);
    }
    if (r == 0) {
        return;
    }
    walk->name = HEAD_SNAPSHOT_DIR "/" HEAD_SNAPSHOT_NAME;
    read_more(walk, file_bytes(walk, path));
    judge_head_file(walk, path, r, &why);
}

static ts wall_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (ts)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int walk_all(struct walk *walk, struct baro_error *err)
{
    int r;

    walk->all_bytes = tree_bytes(walk, walk->job->path, 0);
    r = verify_blocks(walk, err);
    if (r >= 0) {
        r = verify_log(walk, "wal", 0, err);
    }
    if (r >= 0) {
        r = verify_log(walk, "wbl", 0, err);
    }
    if (r >= 0) {
        r = verify_head_chunks(walk, err);
    }
    if (r >= 0) {
        verify_snapshot(walk);
    }
    return r < 0 ? r : 0;
}

int dir_verify_run(const struct dir_verify_job *job, struct dir_verdict *ret,
                   struct baro_error *err)
{
    struct walk walk = {
        .job = job, .fs = job->fs != NULL ? job->fs : fs_real(), .verdict = ret, .now = wall_now()};
    fs_file lock = FS_FILE_NONE;
    int r = 0;

    *ret = (struct dir_verdict){0};
    if (job->must_repair) {
        r = walk.fs->lock(walk.fs, fs_path(&walk.arena, job->path, "lock"), &lock, err);
        r = r == BARO_EBUSY ? error_wrap(err, r, "stop the server before a repair") : r;
    }
    if (r >= 0) {
        r = walk_all(&walk, err);
    }
    if (lock != FS_FILE_NONE) {
        (void)walk.fs->close(walk.fs, lock, NULL);
    }
    arena_done(&walk.arena);
    return r;
}
