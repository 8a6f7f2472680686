#include "tsdb/wal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/lock.h"
#include "base/mem.h"
#include "base/vec.h"
#include "codec/bytes.h"
#include "codec/crc32c.h"
#include "tsdb/wal_priv.h"

/* An ended segment waits to be synced and closed by wal_sync; with this many waiting, the writer
 * does it itself. */
enum { ENDED_MAX = 4, ENDED_ROOM = 2 * ENDED_MAX + 1 };

enum { PROBE_BYTES = 64 * 1024 }; /* more than most commits take */

struct wal {
    const struct fs *fs;
    char dir[FS_PATH_MAX];
    uint64_t segment_bytes;

    /* Taken around sync and close, before `lock`: only its holder closes a file. */
    struct lock sync_lock;
    /* Around the write itself as well: the order in the file is the order of the commits. */
    struct lock lock;
    fs_file file;             /* lock: wal */
    uint64_t segment;         /* lock: wal */
    uint64_t offset;          /* lock: wal; bytes of good records in the segment */
    bool is_dirty;            /* lock: wal; written since the last sync */
    bool is_torn;             /* lock: wal; a failed write is still to be cut off */
    bool has_failed;          /* lock: wal; the last write */
    _Atomic bool is_unsynced; /* relaxed: the last sync failed; each write looks */
    uint64_t syncs_failed;    /* lock: wal */
    char failure[232];        /* lock: wal */
    struct buf out;           /* lock: wal */
    struct wal_stats sum;     /* lock: wal */
    VEC(fs_file) ended;       /* lock: wal */
};

void wal_batch_reset(struct wal_batch *batch)
{
    buf_reset(&batch->packed);
    batch->count = 0;
    batch->saved_bytes = 0;
}

void wal_batch_done(struct wal_batch *batch)
{
    buf_done(&batch->packed);
    batch->compressor = compressor_free(batch->compressor);
    batch->records = mem_free(batch->records);
    batch->count = batch->capacity = 0;
}

static void batch_push(struct wal_batch *batch, struct wal_batch_record record)
{
    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity == 0 ? 8 : batch->capacity * 2;
        batch->records =
            mem_realloc(batch->records, batch->capacity * sizeof(struct wal_batch_record));
    }
    batch->records[batch->count++] = record;
}

int wal_batch_add(struct wal_batch *batch, str record, struct baro_error *err)
{
    size_t offset = batch->packed.len;
    enum compress_kind kind = batch->compress;

    if (kind != COMPRESS_NONE) {
        int r;

        if (batch->compressor == NULL) {
            batch->compressor = compressor_new();
        }
        r = compressor_pack(batch->compressor, kind, record, &batch->packed, err);
        if (r < 0) {
            return r;
        }
        if (batch->packed.len - offset >= record.len) {
            batch->packed.len = offset;
            kind = COMPRESS_NONE;
        } else {
            batch->saved_bytes += record.len - (batch->packed.len - offset);
        }
    }
    if (kind == COMPRESS_NONE) {
        buf_str(&batch->packed, record);
        if (batch->packed.failed) {
            return error_set(err, BARO_ELIMIT, "no memory for a WAL record of %zu bytes",
                             record.len);
        }
    }
    batch_push(batch, (struct wal_batch_record){offset, batch->packed.len - offset, kind});
    return 0;
}

const char *wal_segment_path(struct arena *arena, const char *dir, uint64_t segment)
{
    return arena_printf(arena, "%s/%08" PRIu64, dir, segment).ptr;
}

/* An empty file in the way is what an earlier attempt has left, which could not remove it. */
static int remove_leftover(const struct fs *fs, const char *path, struct baro_error *err)
{
    fs_file file = FS_FILE_NONE;
    uint64_t bytes = 0;
    int r = fs->open(fs, path, FS_READ, &file, err);

    if (r >= 0) {
        r = fs->size(fs, file, &bytes, err);
        (void)fs->close(fs, file, NULL);
    }
    if (r >= 0 && bytes > 0) {
        r = error_set(err, -EEXIST, "%s is there already", path);
    }
    return r < 0 ? r : fs->remove(fs, path, err);
}

static int open_segment(struct wal *wal, uint64_t segment, fs_file *ret, struct baro_error *err)
{
    const struct fs *fs = wal->fs;
    struct arena arena = {0};
    const char *path = wal_segment_path(&arena, wal->dir, segment);
    int r = fs->open(fs, path, FS_CREATE_NEW, ret, err);

    if (r == -EEXIST) {
        r = remove_leftover(fs, path, err);
        r = r < 0 ? r : fs->open(fs, path, FS_CREATE_NEW, ret, err);
    }
    if (r >= 0) {
        r = fs->sync_dir(fs, wal->dir, err);
        if (r < 0) {
            (void)fs->close(fs, *ret, NULL);
            (void)fs->remove(fs, path, NULL);
        }
    }
    arena_done(&arena);
    return r;
}

int wal_open(const struct fs *fs, const char *dir, uint64_t segment, uint64_t segment_bytes,
             struct wal **ret, struct baro_error *err)
{
    struct wal *wal;
    int r;

    if (segment_bytes == 0) {
        segment_bytes = WAL_SEGMENT_BYTES_DEFAULT;
    }
    if (segment_bytes % WAL_PAGE_BYTES != 0) {
        return error_set(err, BARO_EINVALID, "WAL segment size %" PRIu64 " is no multiple of %d",
                         segment_bytes, WAL_PAGE_BYTES);
    }
    if (strlen(dir) >= FS_PATH_MAX - WAL_SEGMENT_NAME_DIGITS - 16) {
        return error_set(err, -ENAMETOOLONG, "WAL directory name is too long");
    }
    wal = MEM_NEW(struct wal);
    wal->fs = fs;
    wal->segment_bytes = segment_bytes;
    wal->segment = segment;
    memcpy(wal->dir, dir, strlen(dir) + 1);
    r = open_segment(wal, segment, &wal->file, err);
    if (r < 0) {
        (void)mem_free(wal);
        return r;
    }
    lock_init(&wal->lock, LOCK_WAL);
    lock_init(&wal->sync_lock, LOCK_WAL_SYNC);
    *ret = wal;
    return 0;
}

/* With too many ended files waiting, the oldest is synced here; when that fails, no new one comes.
 */
static int make_room_locked(struct wal *wal, struct baro_error *err)
{
    int r;

    if (wal->ended.count < ENDED_MAX) {
        return 0;
    }
    r = wal->fs->sync(wal->fs, wal->ended.items[0], err);
    if (r >= 0) {
        (void)wal->fs->close(wal->fs, wal->ended.items[0], NULL);
        wal->ended.items[0] = vec_pop(&wal->ended);
    }
    return r;
}

/* Pads the page and begins the next segment; the old file is synced by wal_sync, or here when too
 * many wait. */
static int cut_locked(struct wal *wal, struct baro_error *err)
{
    fs_file file = FS_FILE_NONE;
    int r;

    lock_assert_held(&wal->lock);
    r = make_room_locked(wal, err);
    if (r >= 0) {
        r = open_segment(wal, wal->segment + 1, &file, err);
    }
    if (r < 0) {
        return r;
    }
    vec_push(&wal->ended, wal->file);
    wal->file = file;
    wal->segment++;
    wal->offset = 0;
    wal->is_dirty = true;
    return r;
}

uint32_t wal_frame(struct buf *out, uint32_t *page_used, str packed, enum compress_kind kind)
{
    static const uint8_t flags[COMPRESS_KIND_COUNT] = {
        [COMPRESS_NONE] = 0,
        [COMPRESS_SNAPPY] = WAL_FLAG_SNAPPY,
        [COMPRESS_ZSTD] = WAL_FLAG_ZSTD,
    };
    uint32_t parts = 0;
    bool is_last = false;

    while (!is_last) {
        uint32_t room = WAL_PAGE_BYTES - *page_used;
        uint8_t header[WAL_HEADER_BYTES];
        enum wal_fragment type;
        size_t len;

        if (room <= WAL_HEADER_BYTES && !(room == WAL_HEADER_BYTES && packed.len == 0)) {
            buf_zero(out, room);
            *page_used = 0;
            continue;
        }
        room -= WAL_HEADER_BYTES;
        is_last = packed.len <= room;
        len = is_last ? packed.len : room;
        type = is_last ? (parts == 0 ? WAL_FULL : WAL_LAST) : (parts == 0 ? WAL_FIRST : WAL_MIDDLE);
        header[0] = (uint8_t)((uint8_t)type | flags[kind]);
        header[1] = (uint8_t)(len >> 8);
        header[2] = (uint8_t)len;
        store_be32(header + 3, crc32c(str_of(packed.ptr, len)));
        buf_bytes(out, header, sizeof(header));
        buf_bytes(out, packed.ptr, len);
        packed = str_from_index(packed, len);
        *page_used = (*page_used + WAL_HEADER_BYTES + (uint32_t)len) % WAL_PAGE_BYTES;
        parts++;
    }
    return parts;
}

/* The most bytes that a record of `len` bytes takes wherever it begins, padding included. */
static uint64_t framed_bytes_max(uint64_t len)
{
    uint64_t pages = len / (WAL_PAGE_BYTES - WAL_HEADER_BYTES) + 2;

    return len + pages * 2 * WAL_HEADER_BYTES;
}

static uint64_t batch_bytes_max(const struct wal_batch *batch)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < batch->count; i++) {
        bytes += framed_bytes_max(batch->records[i].len);
    }
    return bytes;
}

static int write_locked(struct wal *wal, const struct wal_batch *batch, struct baro_error *err)
{
    uint32_t page_used = (uint32_t)(wal->offset % WAL_PAGE_BYTES);
    uint32_t parts = 0;
    int r;

    lock_assert_held(&wal->lock);
    buf_reset(&wal->out);
    for (size_t i = 0; i < batch->count; i++) {
        const struct wal_batch_record *record = &batch->records[i];

        parts += wal_frame(&wal->out, &page_used,
                           str_of(batch->packed.ptr + record->offset, record->len), record->kind);
    }
    if (wal->out.failed) {
        return error_set(err, -ENOMEM, "no memory to frame %zu WAL records", batch->count);
    }
    r = wal->fs->pwrite(wal->fs, wal->file, wal->out.ptr, wal->out.len, wal->offset, err);
    if (r < 0) {
        /* What was written of it must not be read back, not even as a torn record in front of later
         * ones: as long as it cannot be cut off, nothing is written behind it. */
        wal->is_torn = wal->fs->truncate(wal->fs, wal->file, wal->offset, NULL) < 0;
        return error_wrap(err, r, "WAL segment %08" PRIu64, wal->segment);
    }
    wal->sum.pages += (wal->offset + wal->out.len) / WAL_PAGE_BYTES - wal->offset / WAL_PAGE_BYTES;
    wal->offset += wal->out.len;
    wal->sum.bytes += wal->out.len;
    wal->sum.parts += parts;
    wal->sum.saved_bytes += batch->saved_bytes;
    wal->is_dirty = true;
    return 0;
}

/* Cuts off what a failed write has left, if that could not be done at once. */
static int mend_locked(struct wal *wal, struct baro_error *err)
{
    int r = 0;

    if (wal->is_torn) {
        r = wal->fs->truncate(wal->fs, wal->file, wal->offset, err);
        wal->is_torn = r < 0;
    }
    return r < 0 ? error_wrap(err, r, "WAL segment %08" PRIu64, wal->segment) : 0;
}

static void note_write_locked(struct wal *wal, int r, const struct baro_error *err)
{
    wal->has_failed = r < 0;
    if (r < 0) {
        wal->sum.writes_failed++;
        (void)snprintf(wal->failure, sizeof(wal->failure), "%.230s", err->message);
    }
}

int wal_write(struct wal *wal, const struct wal_batch *batch, struct baro_error *err)
{
    struct baro_error local = {0};
    int r = 0;

    if (batch->count == 0) {
        return 0;
    }
    err = err != NULL ? err : &local;
    if (UNLIKELY(atomic_load_explicit(&wal->is_unsynced, memory_order_relaxed))) {
        r = wal_sync(wal, err);
        if (r < 0) {
            return error_wrap(err, r, "the write-ahead log cannot be synced");
        }
    }
    lock_acquire(&wal->lock);
    r = mend_locked(wal, err);
    if (r >= 0 && wal->offset > 0 && wal->offset + batch_bytes_max(batch) > wal->segment_bytes) {
        r = cut_locked(wal, err);
    }
    if (r >= 0) {
        r = write_locked(wal, batch, err);
    }
    note_write_locked(wal, r, err);
    lock_release(&wal->lock);
    return r;
}

/* Zeros behind the last record are padding to whoever reads them. */
int wal_probe(struct wal *wal, struct baro_error *err)
{
    struct baro_error local = {0};
    char *zeros;
    int r;

    err = err != NULL ? err : &local;
    if (atomic_load_explicit(&wal->is_unsynced, memory_order_relaxed)) {
        r = wal_sync(wal, err);
        if (r < 0) {
            return r;
        }
    }
    zeros = mem_alloc_zero(PROBE_BYTES);
    lock_acquire(&wal->lock);
    r = mend_locked(wal, err);
    if (r >= 0) {
        r = wal->fs->pwrite(wal->fs, wal->file, zeros, PROBE_BYTES, wal->offset, err);
        wal->is_torn = true;
        if (r >= 0) {
            r = mend_locked(wal, err);
        } else {
            (void)mend_locked(wal, NULL);
        }
    }
    note_write_locked(wal, r, err);
    lock_release(&wal->lock);
    (void)mem_free(zeros);
    return r;
}

void wal_health(struct wal *wal, struct wal_health *ret)
{
    lock_acquire(&wal->lock);
    *ret = (struct wal_health){
        .is_read_only =
            wal->has_failed || atomic_load_explicit(&wal->is_unsynced, memory_order_relaxed),
        .syncs_failed = wal->syncs_failed,
    };
    if (ret->is_read_only) {
        memcpy(ret->text, wal->failure, sizeof(ret->text));
    }
    lock_release(&wal->lock);
}

int wal_cut(struct wal *wal, struct baro_error *err)
{
    int r;

    lock_acquire(&wal->lock);
    r = mend_locked(wal, err);
    if (r >= 0 && wal->offset > 0) {
        r = cut_locked(wal, err);
    }
    lock_release(&wal->lock);
    return r;
}

/* Syncs and closes the ended files; those that fail wait for the next time. */
static int sync_ended(struct wal *wal, const fs_file *ended, size_t count, struct baro_error *err)
{
    int r = 0;

    for (size_t i = 0; i < count; i++) {
        int one = wal->fs->sync(wal->fs, ended[i], r < 0 ? NULL : err);

        if (one >= 0) {
            (void)wal->fs->close(wal->fs, ended[i], NULL);
        } else {
            lock_acquire(&wal->lock);
            vec_push(&wal->ended, ended[i]);
            lock_release(&wal->lock);
        }
        r = r < 0 ? r : one;
    }
    return r;
}

static int sync_held(struct wal *wal, struct baro_error *err)
{
    fs_file ended[ENDED_ROOM];
    size_t ended_count;
    fs_file file;
    bool is_dirty;
    int r;

    lock_acquire(&wal->lock);
    ended_count = wal->ended.count;
    ASSERT(ended_count <= ENDED_ROOM);
    for (size_t i = 0; i < ended_count; i++) {
        ended[i] = wal->ended.items[i];
    }
    vec_reset(&wal->ended);
    file = wal->file;
    is_dirty = wal->is_dirty;
    wal->is_dirty = false;
    lock_release(&wal->lock);

    r = sync_ended(wal, ended, ended_count, err);
    if (is_dirty) {
        int one = wal->fs->sync(wal->fs, file, r < 0 ? NULL : err);

        if (one < 0) {
            lock_acquire(&wal->lock);
            wal->is_dirty = true;
            lock_release(&wal->lock);
        }
        r = r < 0 ? r : one;
    }
    return r;
}

int wal_sync(struct wal *wal, struct baro_error *err)
{
    struct baro_error local = {0};
    int r;

    err = err != NULL ? err : &local;
    lock_acquire(&wal->sync_lock);
    r = sync_held(wal, err);
    if (r < 0) {
        lock_acquire(&wal->lock);
        wal->syncs_failed++;
        (void)snprintf(wal->failure, sizeof(wal->failure), "%.230s", err->message);
        lock_release(&wal->lock);
    }
    atomic_store_explicit(&wal->is_unsynced, r < 0, memory_order_relaxed);
    lock_release(&wal->sync_lock);
    return r;
}

int wal_close(struct wal *wal, struct baro_error *err)
{
    int r, closed;

    if (wal == NULL) {
        return 0;
    }
    r = wal_sync(wal, err);
    for (size_t i = 0; i < wal->ended.count; i++) {
        (void)wal->fs->close(wal->fs, wal->ended.items[i], NULL);
    }
    closed = wal->fs->close(wal->fs, wal->file, r < 0 ? NULL : err);
    buf_done(&wal->out);
    vec_done(&wal->ended);
    lock_done(&wal->lock);
    lock_done(&wal->sync_lock);
    (void)mem_free(wal);
    return r < 0 ? r : closed;
}

void wal_stats(struct wal *wal, struct wal_stats *ret)
{
    lock_acquire(&wal->lock);
    *ret = wal->sum;
    ret->segment = wal->segment;
    lock_release(&wal->lock);
}
