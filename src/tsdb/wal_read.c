#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/vec.h"
#include "codec/bytes.h"
#include "codec/crc32c.h"
#include "tsdb/wal.h"
#include "tsdb/wal_priv.h"

void wal_reader_over(struct wal_reader *reader, str data)
{
    reader->data = data;
    reader->offset = 0;
    reader->record_start = 0;
    reader->part_start = 0;
}

void wal_reader_done(struct wal_reader *reader)
{
    buf_done(&reader->joined);
    buf_done(&reader->raw);
    reader->compressor = compressor_free(reader->compressor);
}

/* Moves over the zeros that end a page. */
static int skip_padding(struct wal_reader *reader, struct baro_error *err)
{
    size_t end = (reader->offset / WAL_PAGE_BYTES + 1) * WAL_PAGE_BYTES;

    end = end < reader->data.len ? end : reader->data.len;
    for (size_t i = reader->offset; i < end; i++) {
        if (reader->data.ptr[i] != 0) {
            return error_at(err, BARO_ECORRUPT, reader->record_start,
                            "unexpected non-zero byte at %zu in a padded WAL page", i);
        }
    }
    reader->offset = end;
    return 0;
}

static int read_fragment(struct wal_reader *reader, uint8_t *ret_type, str *ret,
                         struct baro_error *err)
{
    size_t at = reader->offset;
    size_t left = WAL_PAGE_BYTES - at % WAL_PAGE_BYTES;
    struct reader rd = reader_over(str_slice(reader->data, at, at + left));
    uint8_t type = read_u8(&rd);
    uint16_t len = read_be16(&rd);
    uint32_t crc = read_be32(&rd);
    str bytes = read_bytes(&rd, len);

    if (rd.failed) {
        return error_at(err, BARO_ECORRUPT, reader->record_start, "WAL record is torn at %zu", at);
    }
    if (crc != crc32c(bytes)) {
        return error_at(err, BARO_ECORRUPT, reader->record_start,
                        "unexpected checksum of the WAL record at %zu", at);
    }
    reader->offset = at + WAL_HEADER_BYTES + len;
    *ret_type = type;
    *ret = bytes;
    return 0;
}

static int unpack(struct wal_reader *reader, uint8_t type, str packed, str *ret,
                  struct baro_error *err)
{
    enum compress_kind kind = (type & WAL_FLAG_SNAPPY) != 0 ? COMPRESS_SNAPPY : COMPRESS_ZSTD;
    int r;

    if ((type & (WAL_FLAG_SNAPPY | WAL_FLAG_ZSTD)) == 0 || packed.len == 0) {
        *ret = packed;
        return 1;
    }
    if (reader->compressor == NULL) {
        reader->compressor = compressor_new();
    }
    buf_reset(&reader->raw);
    r = compressor_unpack(reader->compressor, kind, packed, WAL_RECORD_BYTES_MAX, &reader->raw,
                          err);
    if (r < 0) {
        r = error_wrap(err, BARO_ECORRUPT, "WAL record");
        if (err != NULL) {
            err->code = BARO_ECORRUPT;
            err->offset = reader->record_start;
        }
        return r;
    }
    *ret = buf_view(&reader->raw);
    return 1;
}

/* Checks that a fragment may follow the ones before, and joins it to them. 1 when the record is
 * whole. */
static int join(struct wal_reader *reader, uint8_t type, size_t index, str bytes, str *ret,
                struct baro_error *err)
{
    enum wal_fragment fragment = (enum wal_fragment)(type & WAL_TYPE_MASK);
    bool is_first = fragment == WAL_FULL || fragment == WAL_FIRST;

    if (fragment > WAL_LAST || is_first != (index == 0)) {
        return error_at(err, BARO_ECORRUPT, reader->record_start,
                        "unexpected WAL fragment type %d as part %zu of a record", (int)fragment,
                        index);
    }
    if (fragment == WAL_FULL) {
        *ret = bytes;
        return 1;
    }
    if (reader->joined.len + bytes.len > WAL_RECORD_BYTES_MAX) {
        return error_at(err, BARO_ECORRUPT, reader->record_start, "WAL record is too long");
    }
    buf_str(&reader->joined, bytes);
    if (reader->joined.failed) {
        return error_at(err, -ENOMEM, reader->record_start, "no memory for a WAL record");
    }
    *ret = buf_view(&reader->joined);
    return fragment == WAL_LAST ? 1 : 0;
}

int wal_reader_next(struct wal_reader *reader, str *ret, struct baro_error *err)
{
    size_t index = 0;
    str packed = STR_NULL;

    buf_reset(&reader->joined);
    reader->record_start = reader->offset;
    reader->part_start = reader->offset;
    while (reader->offset < reader->data.len) {
        str bytes = STR_NULL;
        uint8_t type = (uint8_t)reader->data.ptr[reader->offset];
        int r;

        reader->part_start = reader->offset;
        if ((type & WAL_TYPE_MASK) == WAL_PAGE_END) {
            r = skip_padding(reader, err);
            if (r < 0) {
                return r;
            }
            if (index == 0) {
                reader->record_start = reader->offset;
            }
            continue;
        }
        r = read_fragment(reader, &type, &bytes, err);
        if (r >= 0) {
            r = join(reader, type, index++, bytes, &packed, err);
        }
        if (r != 0) {
            return r < 0 ? r : unpack(reader, type, packed, ret, err);
        }
    }
    if (index > 0) {
        return error_at(err, BARO_ECORRUPT, reader->record_start, "last WAL record is torn");
    }
    return 0;
}

static int by_index(const void *a, const void *b)
{
    uint64_t x = ((const struct wal_file *)a)->index, y = ((const struct wal_file *)b)->index;

    return (x > y) - (x < y);
}

/* Segment names are all digits; Prometheus writes eight of them. */
static bool segment_index(str name, uint64_t *ret)
{
    if (name.len == 0 || name.ptr[0] < '0' || name.ptr[0] > '9') {
        return false;
    }
    return num_parse_u64(name, ret) && *ret < UINT32_MAX;
}

bool wal_checkpoint_index(str name, uint64_t *ret)
{
    return str_has_prefix(name, STR("checkpoint.")) &&
           segment_index(str_from_index(name, strlen("checkpoint.")), ret);
}

static int list_segments(const struct fs *fs, struct arena *arena, const char *dir,
                         struct wal_file **ret, size_t *ret_count, struct baro_error *err)
{
    struct fs_entry *entries = NULL;
    size_t count = 0;
    int r = fs->list(fs, arena, dir, &entries, &count, err);

    if (r < 0) {
        return r;
    }
    *ret = ARENA_ARRAY(arena, struct wal_file, count + 1);
    *ret_count = 0;
    for (size_t i = 0; r >= 0 && i < count; i++) {
        struct wal_file *found = &(*ret)[*ret_count];
        fs_file file = FS_FILE_NONE;

        if (entries[i].is_dir || !segment_index(entries[i].name, &found->index)) {
            continue;
        }
        found->path = fs_path(arena, dir, entries[i].name.ptr);
        r = fs->open(fs, found->path, FS_READ, &file, err);
        if (r >= 0) {
            r = fs->size(fs, file, &found->bytes, err);
            (void)fs->close(fs, file, NULL);
            (*ret_count)++;
        }
    }
    qsort(*ret, *ret_count, sizeof(**ret), by_index);
    return r;
}

int wal_list(const struct fs *fs, struct arena *arena, const char *dir, struct wal_listing *ret,
             struct baro_error *err)
{
    struct wal_listing found = {0};
    struct fs_entry *entries = NULL;
    const char *checkpoint = NULL;
    size_t count = 0;
    int r = fs->list(fs, arena, dir, &entries, &count, err);

    for (size_t i = 0; r >= 0 && i < count; i++) {
        uint64_t index = 0;

        if (!entries[i].is_dir || !wal_checkpoint_index(entries[i].name, &index)) {
            continue;
        }
        if (!found.has_checkpoint || index >= found.checkpoint_index) {
            found.has_checkpoint = true;
            found.checkpoint_index = index;
            checkpoint = fs_path(arena, dir, entries[i].name.ptr);
        }
    }
    if (r >= 0) {
        r = list_segments(fs, arena, dir, &found.segments, &found.segment_count, err);
    }
    if (r >= 0 && checkpoint != NULL) {
        r = list_segments(fs, arena, checkpoint, &found.checkpoint, &found.checkpoint_count, err);
    }
    if (r >= 0) {
        *ret = found;
    }
    return r;
}
