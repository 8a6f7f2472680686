#include "tsdb/wal_tail.h"

#include <errno.h>

#include "base/arena.h"
#include "base/mem.h"

enum {
    WINDOW_BYTES = 512 << 10,
    /* A write is seen in parts for microseconds; what cannot be read for this long is damaged. */
    STUCK_MS = 5000,
    LIST_EVERY_MS = 5000,
};

void wal_tail_open(struct wal_tail *tail, const struct fs *fs, const char *dir,
                   struct wal_place place)
{
    tail->fs = fs;
    tail->dir = str_dup_c(str_from(dir));
    tail->place = place;
    tail->window_bytes = WINDOW_BYTES;
}

static void segment_close(struct wal_tail *tail)
{
    if (tail->is_open) {
        (void)tail->fs->close(tail->fs, tail->file, NULL);
        tail->is_open = false;
    }
    buf_reset(&tail->window);
    wal_reader_over(&tail->reader, STR_NULL);
    tail->window_at = 0;
    tail->stuck_since = 0;
}

void wal_tail_done(struct wal_tail *tail)
{
    segment_close(tail);
    buf_done(&tail->window);
    wal_reader_done(&tail->reader);
    tail->dir = mem_free(tail->dir);
}

/* The oldest segment that is there and not before `least`: 1, or 0. */
static int segment_find(struct wal_tail *tail, uint64_t least, uint64_t *ret,
                        struct baro_error *err)
{
    struct arena arena = {0};
    struct wal_listing listing = {0};
    int r = wal_list(tail->fs, &arena, tail->dir, &listing, err);
    bool found = false;

    for (size_t i = 0; r >= 0 && !found && i < listing.segment_count; i++) {
        if (listing.segments[i].index >= least) {
            *ret = listing.segments[i].index;
            found = true;
        }
    }
    arena_done(&arena);
    return r < 0 ? r : found;
}

static int segment_open(struct wal_tail *tail, uint64_t segment, struct baro_error *err)
{
    struct arena arena = {0};
    int r = tail->fs->open(tail->fs, wal_segment_path(&arena, tail->dir, segment), FS_READ,
                           &tail->file, err);

    tail->is_open = r >= 0;
    arena_done(&arena);
    return r;
}

/* Opens the segment of tail->place, or else the next one that is there: 1; 0 when there is none. */
static int open_here(struct wal_tail *tail, struct baro_error *err)
{
    uint64_t segment = tail->place.segment;
    int r = segment_open(tail, segment, err);

    if (r != -ENOENT) {
        return r < 0 ? r : 1;
    }
    r = segment_find(tail, tail->place.segment, &segment, err);
    if (r <= 0) {
        return r;
    }
    if (segment != tail->place.segment) {
        tail->segments_missing += segment - tail->place.segment;
        tail->place = (struct wal_place){segment, 0};
    }
    r = segment_open(tail, segment, err);
    return r < 0 ? r : 1;
}

/*
 * Reads the window anew, from the page of tail->place on. 1 when there is more of the file behind
 * the place than there was, 0 when not.
 */
static int window_fill(struct wal_tail *tail, struct baro_error *err)
{
    uint64_t end_before = tail->window_at + tail->window.len;
    uint64_t at = tail->place.offset / WAL_PAGE_BYTES * WAL_PAGE_BYTES;
    uint64_t size = 0;
    size_t len = 0;
    char *room;
    int r = tail->fs->size(tail->fs, tail->file, &size, err);

    if (r < 0) {
        return r;
    }
    if (size < tail->place.offset) {
        /* A write that failed was cut off. */
        tail->place.offset = size;
        at = size / WAL_PAGE_BYTES * WAL_PAGE_BYTES;
        end_before = 0;
    }
    buf_reset(&tail->window);
    room = buf_reserve(&tail->window, tail->window_bytes);
    if (room == NULL) {
        return error_set(err, -ENOMEM, "no memory to read the write-ahead log");
    }
    r = tail->fs->pread(tail->fs, tail->file, room, tail->window_bytes, at, &len, err);
    if (r < 0) {
        return r;
    }
    tail->window.len = len;
    tail->window_at = at;
    wal_reader_over(&tail->reader, buf_view(&tail->window));
    tail->reader.offset = (size_t)(tail->place.offset - at);
    tail->reader.record_start = tail->reader.offset;
    return at + len > end_before;
}

/* Makes the window larger, for a record that does not fit; false when it is as large as can be. */
static bool window_grow(struct wal_tail *tail)
{
    if (tail->window.len < tail->window_bytes || tail->window_bytes > WAL_RECORD_BYTES_MAX) {
        return false;
    }
    tail->window_bytes *= 2;
    return true;
}

/* Forgets the window, so that it is read anew. */
static void window_drop(struct wal_tail *tail)
{
    buf_reset(&tail->window);
    wal_reader_over(&tail->reader, STR_NULL);
    tail->window_at = 0;
}

static void note_fault(struct wal_tail *tail)
{
    tail->faults += !tail->is_resyncing;
    tail->is_resyncing = true;
    tail->stuck_since = 0;
}

/* Goes to the next page behind what cannot be read; false when the segment ends there. */
static bool skip_page(struct wal_tail *tail)
{
    uint64_t at = tail->window_at + tail->reader.offset;
    uint64_t next = (at / WAL_PAGE_BYTES + 1) * WAL_PAGE_BYTES;
    uint64_t size = 0;

    tail->stuck_since = 0;
    if (tail->fs->size(tail->fs, tail->file, &size, NULL) < 0 || next >= size) {
        return false;
    }
    note_fault(tail);
    window_drop(tail);
    tail->place.offset = next;
    return true;
}

/* The segment behind this one: 1; 0 when this is the newest. Numbers have holes only where segments
 * were removed while this one was read. */
static int next_segment(struct wal_tail *tail, mono now, uint64_t *ret, struct baro_error *err)
{
    struct arena arena = {0};
    fs_file file = FS_FILE_NONE;
    int r = tail->fs->open(tail->fs, wal_segment_path(&arena, tail->dir, tail->place.segment + 1),
                           FS_READ, &file, err);

    arena_done(&arena);
    if (r >= 0) {
        (void)tail->fs->close(tail->fs, file, NULL);
        *ret = tail->place.segment + 1;
        return 1;
    }
    if (r != -ENOENT || now - tail->listed < LIST_EVERY_MS * MONO_PER_MS) {
        return r == -ENOENT ? 0 : r;
    }
    tail->listed = now;
    return segment_find(tail, tail->place.segment + 1, ret, err);
}

/* At the end of what the file has, `broken` when a record begins there that cannot be read: 1 to go
 * on reading, 0 when there is nothing now. */
static int at_end(struct wal_tail *tail, bool broken, mono now, struct baro_error *err)
{
    uint64_t next = 0;
    int r = next_segment(tail, now, &next, err);

    if (r < 0) {
        return r;
    }
    if (r == 0) {
        /* The newest: it may still be written. */
        if (!broken) {
            return 0;
        }
        tail->stuck_since = tail->stuck_since == 0 ? now : tail->stuck_since;
        return now - tail->stuck_since < STUCK_MS * MONO_PER_MS ? 0 : skip_page(tail);
    }
    /* It may have grown before the next one was begun. */
    r = window_fill(tail, err);
    if (r != 0) {
        return r;
    }
    if (!broken || !skip_page(tail)) {
        if (broken) {
            note_fault(tail);
        }
        tail->segments_missing += next - tail->place.segment - 1;
        segment_close(tail);
        tail->place = (struct wal_place){next, 0};
    }
    return 1;
}

/* Goes on behind what is damaged for certain; false when it may only be incomplete. */
static bool pass_damage(struct wal_tail *tail)
{
    struct wal_reader *reader = &tail->reader;
    size_t page_end = (reader->offset / WAL_PAGE_BYTES + 1) * WAL_PAGE_BYTES;

    if (reader->offset == reader->part_start) {
        return page_end <= tail->window.len && skip_page(tail);
    }
    if (reader->offset == tail->window.len) {
        return false;
    }
    /* A fragment that is good and does not follow the one before: a record may begin with it. */
    if (reader->part_start > reader->record_start) {
        reader->offset = reader->part_start;
    }
    note_fault(tail);
    return true;
}

static int more(struct wal_tail *tail, bool broken, mono now, struct baro_error *err)
{
    int r;

    if (tail->window.len > 0) {
        tail->place.offset =
            tail->window_at + (broken ? tail->reader.record_start : tail->reader.offset);
    }
    if (broken && pass_damage(tail)) {
        return 1;
    }
    r = window_fill(tail, err);
    if (r == 0) {
        r = broken && window_grow(tail) ? 1 : at_end(tail, broken, now, err);
    }
    return r;
}

int wal_tail_next(struct wal_tail *tail, mono now, str *ret, struct wal_place *ret_place,
                  struct baro_error *err)
{
    for (;;) {
        int r = tail->is_open ? 1 : open_here(tail, err);

        if (r <= 0) {
            return r;
        }
        r = wal_reader_next(&tail->reader, ret, NULL);
        if (r > 0) {
            *ret_place = (struct wal_place){tail->place.segment,
                                            tail->window_at + tail->reader.record_start};
            tail->place.offset = tail->window_at + tail->reader.offset;
            tail->stuck_since = 0;
            tail->is_resyncing = false;
            return 1;
        }
        r = more(tail, r < 0, now, err);
        if (r <= 0) {
            return r;
        }
    }
}
