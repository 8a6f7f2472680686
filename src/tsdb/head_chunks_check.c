#include "tsdb/head_chunks_check.h"

#include "codec/bytes.h"
#include "codec/crc32c.h"

#define HEAD_CHUNKS_MAGIC 0x0130BC91u

enum { HEAD_CHUNKS_VERSION = 1, HEADER_BYTES = 8, HEADER_USED_BYTES = 5, CHUNK_HEAD_BYTES = 24 };

static int corrupt(struct baro_error *err, size_t offset, const char *what)
{
    return error_at(err, BARO_ECORRUPT, offset, "chunks_head: %s", what);
}

static bool is_zero(str data, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (data.ptr[i] != 0) {
            return false;
        }
    }
    return true;
}

int head_chunks_check(str data, struct baro_error *err)
{
    struct reader rd = {.data = data, .offset = HEADER_BYTES};

    if (data.len == 0 || is_zero(data, 0, data.len)) {
        return 0; /* made, and nothing written yet */
    }
    if (data.len < HEADER_BYTES || load_be32(data.ptr) != HEAD_CHUNKS_MAGIC ||
        data.ptr[4] != HEAD_CHUNKS_VERSION || !is_zero(data, HEADER_USED_BYTES, HEADER_BYTES)) {
        return corrupt(err, 0, "the header of a file is damaged");
    }
    while (reader_left(&rd) > 0) {
        size_t start = rd.offset, end;
        uint32_t crc;

        /* No chunk is of series 0: from here on the file is not filled. */
        if (data.len - start < CHUNK_HEAD_BYTES || load_be64(data.ptr + start) == 0) {
            return is_zero(data, start, data.len)
                       ? 0
                       : corrupt(err, start, "there are bytes behind the last chunk");
        }
        (void)read_bytes(&rd, CHUNK_HEAD_BYTES);
        (void)read_u8(&rd); /* the encoding */
        (void)read_uvarint_bytes(&rd);
        end = rd.offset;
        crc = read_be32(&rd);
        if (rd.failed) {
            return corrupt(err, start, "a chunk ends behind its file");
        }
        if (crc != crc32c(str_slice(data, start, end))) {
            return corrupt(err, start, "the checksum of a chunk differs");
        }
    }
    return 0;
}
