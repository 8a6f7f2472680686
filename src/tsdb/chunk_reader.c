#include "tsdb/chunk_reader.h"

#include "base/arena.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/vec.h"
#include "codec/bytes.h"
#include "codec/crc32c.h"
#include "sys/fs.h"

#define SEGMENT_MAGIC 0x85BD40DDu

enum {
    SEGMENT_VERSION = 1,
    SEGMENT_VERSION_BYTES = 5, /* magic number and version */
    SEGMENT_HEADER_BYTES = 8,
    SEGMENT_NAME_CHARS = 6,
    CRC_BYTES = 4,
};

struct chunk_reader {
    const struct fs *fs;
    uint64_t bytes;
    VEC(struct fs_map) segments;
};

int chunk_segment_check(str segment, struct baro_error *err)
{
    if (segment.len < SEGMENT_HEADER_BYTES || load_be32(segment.ptr) != SEGMENT_MAGIC) {
        return error_at(err, BARO_ECORRUPT, 0, "chunks: the magic number of a segment differs");
    }
    if (segment.ptr[4] != SEGMENT_VERSION) {
        return error_set(err, BARO_EUNSUPPORTED, "chunks: version %u is not supported, only %u is",
                         (unsigned)(uint8_t)segment.ptr[4], (unsigned)SEGMENT_VERSION);
    }
    return 0;
}

int chunk_segment_get(str segment, uint64_t offset, uint8_t *ret_encoding, str *ret_data,
                      struct baro_error *err)
{
    struct reader rd = reader_over(segment);
    uint64_t size;
    size_t start;
    uint32_t crc;

    if (offset < SEGMENT_HEADER_BYTES || offset > segment.len) {
        return error_at(err, BARO_ECORRUPT, offset, "chunks: a chunk lies outside of its segment");
    }
    rd.offset = (size_t)offset;
    size = read_uvarint(&rd);
    start = rd.offset;
    (void)read_u8(&rd);
    (void)read_bytes(&rd, size);
    crc = read_be32(&rd);
    if (rd.failed) {
        return error_at(err, BARO_ECORRUPT, offset, "chunks: a chunk ends behind its segment");
    }
    if (crc != crc32c(str_of(segment.ptr + start, (size_t)size + 1))) {
        return error_at(err, BARO_ECORRUPT, offset, "chunks: the checksum of a chunk differs");
    }
    *ret_encoding = (uint8_t)segment.ptr[start];
    *ret_data = str_of(segment.ptr + start + 1, (size_t)size);
    return 0;
}

static int map_segment(struct chunk_reader *reader, const char *path, struct baro_error *err)
{
    struct fs_map map = {0};
    int r = reader->fs->map(reader->fs, path, &map, err);

    if (r < 0) {
        return r;
    }
    vec_push(&reader->segments, map);
    reader->bytes += map.size;
    r = chunk_segment_check(str_of(map.ptr, map.size), err);
    return r < 0 ? error_wrap(err, r, "%s", path) : 0;
}

/* map_all maps the files whose names are six digits, which count up from 1; others (as
 * 000001.tmp) are none of ours. */
static int map_all(struct chunk_reader *reader, struct arena *arena, const char *directory,
                   struct baro_error *err)
{
    struct fs_entry *entries = NULL;
    size_t count = 0;
    int r = reader->fs->list(reader->fs, arena, directory, &entries, &count, err);

    for (size_t i = 0; i < count && r >= 0; i++) {
        uint64_t number = 0;

        if (entries[i].is_dir || entries[i].name.len != SEGMENT_NAME_CHARS ||
            !num_parse_u64(entries[i].name, &number)) {
            continue;
        }
        if (number != reader->segments.count + 1 || number > CHUNK_SEGMENTS_MAX) {
            return error_set(err, BARO_ECORRUPT, "%s: segment %zu is missing", directory,
                             reader->segments.count + 1);
        }
        r = map_segment(reader, fs_path(arena, directory, entries[i].name.ptr), err);
    }
    return r;
}

int chunk_reader_open(const struct fs *fs, const char *directory, struct chunk_reader **ret,
                      struct baro_error *err)
{
    CLEANUP(chunk_reader_freep) struct chunk_reader *reader = MEM_NEW(struct chunk_reader);
    struct arena arena = {0};
    int r;

    reader->fs = fs;
    r = map_all(reader, &arena, directory, err);
    arena_done(&arena);
    if (r >= 0) {
        *ret = TAKE(reader);
    }
    return r < 0 ? r : 0;
}

struct chunk_reader *chunk_reader_free(struct chunk_reader *reader)
{
    if (reader != NULL) {
        for (size_t i = 0; i < reader->segments.count; i++) {
            reader->fs->unmap(reader->fs, reader->segments.items[i]);
        }
        vec_done(&reader->segments);
    }
    return mem_free(reader);
}

void chunk_reader_cool(const struct chunk_reader *reader)
{
    for (size_t i = 0; i < reader->segments.count; i++) {
        reader->fs->cool(reader->fs, reader->segments.items[i]);
    }
}

uint64_t chunk_reader_bytes(const struct chunk_reader *reader)
{
    return reader->bytes;
}

int chunk_reader_get(const struct chunk_reader *reader, uint64_t ref, uint8_t *ret_encoding,
                     str *ret_data, struct baro_error *err)
{
    uint64_t segment = ref >> 32;
    struct fs_map map;

    if (segment >= reader->segments.count) {
        return error_set(err, BARO_ECORRUPT, "chunks: there is no segment %llu",
                         (unsigned long long)segment + 1);
    }
    map = reader->segments.items[segment];
    return chunk_segment_get(str_of(map.ptr, map.size), ref & UINT32_MAX, ret_encoding, ret_data,
                             err);
}

/* Chunks stand one behind the other; the header ends with zeros. */
static int check_segment(str segment, struct baro_error *err)
{
    uint64_t offset = SEGMENT_HEADER_BYTES;
    int r = chunk_segment_check(segment, err);

    for (size_t i = SEGMENT_VERSION_BYTES; r >= 0 && i < SEGMENT_HEADER_BYTES; i++) {
        if (segment.ptr[i] != 0) {
            return error_at(err, BARO_ECORRUPT, i, "chunks: the header of a segment is damaged");
        }
    }
    while (r >= 0 && offset < segment.len) {
        uint8_t encoding = 0;
        str data = STR_NULL;

        r = chunk_segment_get(segment, offset, &encoding, &data, err);
        if (r >= 0) {
            offset = (uint64_t)(data.ptr + data.len + CRC_BYTES - segment.ptr);
        }
    }
    return r;
}

int chunk_reader_check(const struct chunk_reader *reader, struct baro_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < reader->segments.count; i++) {
        struct fs_map map = reader->segments.items[i];

        r = check_segment(str_of(map.ptr, map.size), err);
        if (r < 0) {
            r = error_wrap(err, r, "segment %06zu", i + 1);
        }
    }
    return r;
}
