#include "tsdb/downsample.h"

#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "codec/bytes.h"
#include "codec/crc32c.h"
#include "sys/fs.h"
#include "tsdb/chunk_xor.h"
#include "tsdb/downsample_priv.h"

enum { CRC_BYTES = 4 };

const dur downsample_windows[DOWNSAMPLE_WINDOWS] = {(dur)5 * DUR_MINUTE, DUR_HOUR};

struct downsample {
    const struct fs *fs;
    struct fs_map map;
    struct downsample_header header;
    const struct downsample_row *rows;
};

const char *downsample_path(struct arena *arena, const char *data_dir, const char *ulid, dur window)
{
    return arena_printf(arena, "%s/" DOWNSAMPLE_DIR "/%s.%" PRId64, data_dir, ulid,
                        window / DUR_SECOND)
        .ptr;
}

static int corrupt(struct baro_error *err, uint64_t offset, const char *what)
{
    return error_at(err, BARO_ECORRUPT, offset, "downsample: %s", what);
}

static int check_header(struct downsample *file, struct baro_error *err)
{
    struct downsample_header *header = &file->header;
    size_t skip = offsetof(struct downsample_header, window);

    if (file->map.size < sizeof(*header)) {
        return corrupt(err, 0, "the file is too short");
    }
    memcpy(header, file->map.ptr, sizeof(*header));
    if (header->magic != DOWNSAMPLE_MAGIC) {
        return corrupt(err, 0, "the magic number differs");
    }
    if (header->version != DOWNSAMPLE_VERSION) {
        return error_set(err, BARO_EUNSUPPORTED, "downsample: version %u is not supported",
                         header->version);
    }
    if (header->crc != crc32c(str_of(file->map.ptr + skip, sizeof(*header) - skip))) {
        return corrupt(err, 0, "the checksum of the header differs");
    }
    if (header->table % 8 != 0 || header->table > file->map.size || header->window <= 0 ||
        header->series != (file->map.size - header->table) / sizeof(struct downsample_row) ||
        (file->map.size - header->table) % sizeof(struct downsample_row) != 0) {
        return corrupt(err, 0, "the table is not where the header says");
    }
    return 0;
}

static int check_table(struct downsample *file, struct baro_error *err)
{
    str table =
        str_of(file->map.ptr + file->header.table, (size_t)(file->map.size - file->header.table));

    if (crc32c(table) != file->header.table_crc) {
        return corrupt(err, file->header.table, "the checksum of the table differs");
    }
    file->rows = (const struct downsample_row *)(const void *)table.ptr;
    for (uint64_t i = 0; i < file->header.series; i++) {
        const struct downsample_row *row = &file->rows[i];
        uint64_t end = row->offset;

        for (int k = 0; k < DOWNSAMPLE_STREAMS; k++) {
            end += row->sizes[k];
        }
        if (row->offset < sizeof(file->header) || row->offset > file->header.table ||
            end > file->header.table || (i > 0 && row->ref <= row[-1].ref)) {
            return corrupt(err, file->header.table, "a row of the table is wrong");
        }
    }
    return 0;
}

int downsample_open(const struct fs *fs, const char *path, struct downsample **ret,
                    struct baro_error *err)
{
    CLEANUP(downsample_freep) struct downsample *file = MEM_NEW(struct downsample);
    int r;

    file->fs = fs;
    r = fs->map(fs, path, &file->map, err);
    if (r >= 0) {
        r = check_header(file, err);
    }
    if (r >= 0) {
        r = check_table(file, err);
    }
    if (r < 0) {
        return error_wrap(err, r, "%s", path);
    }
    *ret = TAKE(file);
    return 0;
}

struct downsample *downsample_free(struct downsample *file)
{
    if (file != NULL && file->map.ptr != NULL) {
        file->fs->unmap(file->fs, file->map);
    }
    return mem_free(file);
}

uint64_t downsample_bytes(const struct downsample *file)
{
    return file->map.size;
}

dur downsample_window(const struct downsample *file)
{
    return file->header.window;
}

static const struct downsample_row *find_row(const struct downsample *file, uint32_t ref)
{
    uint64_t low = 0, high = file->header.series;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (file->rows[middle].ref < ref) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < file->header.series && file->rows[low].ref == ref ? &file->rows[low] : NULL;
}

/* Fills the column n of the samples from `first` on; false when the runs are not of their number.
 */
static bool read_counts(struct reader *rd, struct sample_buf *ret, size_t first, size_t count)
{
    size_t at = first;

    while (at < first + count) {
        uint64_t n = read_uvarint(rd), length = read_uvarint(rd);

        if (rd->failed || n == 0 || n > UINT32_MAX || length == 0 || length > first + count - at) {
            return false;
        }
        for (uint64_t i = 0; i < length; i++) {
            ret->n[at++] = (uint32_t)n;
        }
    }
    return reader_left(rd) == 0;
}

/* Leaves [start, end] of the samples from `first` on. */
static void keep_range(struct sample_buf *ret, size_t first, ts start, ts end)
{
    size_t kept = first;

    for (size_t i = first; i < ret->count; i++) {
        if (ret->t[i] >= start && ret->t[i] <= end) {
            ret->t[kept] = ret->t[i];
            ret->v[kept] = ret->v[i];
            if (ret->n_count > first) {
                ret->n[kept] = ret->n[i];
            }
            kept++;
        }
    }
    ret->count = kept;
    ret->n_count = ret->n_count > first ? kept : ret->n_count;
}

static int read_stream(str stream, bool has_counts, ts start, ts end, struct sample_buf *ret,
                       struct baro_error *err)
{
    struct reader rd = {.data = stream, .offset = CRC_BYTES};
    size_t first = ret->count, n_first = ret->n_count;
    uint32_t crc = 0;
    str chunk;
    int r;

    if (stream.len < CRC_BYTES) {
        return corrupt(err, 0, "a stream is too short");
    }
    memcpy(&crc, stream.ptr, sizeof(crc));
    if (crc != crc32c(str_from_index(stream, CRC_BYTES))) {
        return corrupt(err, 0, "the checksum of a stream differs");
    }
    chunk = read_uvarint_bytes(&rd);
    if (rd.failed) {
        return corrupt(err, 0, "a stream ends early");
    }
    if (!has_counts) {
        return chunk_xor_decode(chunk, start, end, ret, err);
    }
    if (!sample_buf_add_n(ret)) {
        return error_set(err, BARO_ELIMIT, "no memory for the samples of a series");
    }
    r = chunk_xor_decode(chunk, INT64_MIN, INT64_MAX, ret, err);
    if (r >= 0 && !read_counts(&rd, ret, first, ret->count - first)) {
        r = corrupt(err, 0, "the counts of a stream are wrong");
    }
    if (r < 0) {
        ret->count = first;
        ret->n_count = n_first;
        return r;
    }
    ret->n_count = ret->count;
    keep_range(ret, first, start, end);
    return 0;
}

int downsample_read(const struct downsample *file, uint32_t ref, enum select_reduce reduce,
                    ts start, ts end, struct sample_buf *ret, struct baro_error *err)
{
    const struct downsample_row *row = find_row(file, ref);
    uint64_t offset;
    int r;

    ASSERT(reduce > REDUCE_NONE && reduce < REDUCE_KINDS);
    if (row == NULL) {
        return 0;
    }
    offset = row->offset;
    for (int i = 0; i < (int)reduce - 1; i++) {
        offset += row->sizes[i];
    }
    r = read_stream(str_of(file->map.ptr + offset, row->sizes[reduce - 1]),
                    reduce == REDUCE_SUM || reduce == REDUCE_EDGES, start, end, ret, err);
    return r < 0 ? r : 1;
}
