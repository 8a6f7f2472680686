#include "codec/gzip.h"

#include <libdeflate.h>
#include <string.h>
#include <zlib.h>

#include "base/assert.h"
#include "base/mem.h"

struct gzip {
    struct libdeflate_compressor *compressor;
};

struct gzip *gzip_new(int level)
{
    struct gzip *gzip = MEM_NEW(struct gzip);

    gzip->compressor = libdeflate_alloc_compressor(level);
    return gzip->compressor != NULL ? gzip : gzip_free(gzip);
}

struct gzip *gzip_free(struct gzip *gzip)
{
    if (gzip != NULL) {
        libdeflate_free_compressor(gzip->compressor);
        (void)mem_free(gzip);
    }
    return NULL;
}

int gzip_pack(struct gzip *gzip, str raw, struct buf *ret, struct baro_error *err)
{
    size_t bound = libdeflate_gzip_compress_bound(gzip->compressor, raw.len);
    char *room = buf_reserve(ret, bound);
    size_t size;

    if (room == NULL) {
        ret->failed = false;
        return error_set(err, BARO_ELIMIT, "no memory to compress %zu bytes", raw.len);
    }
    size = libdeflate_gzip_compress(gzip->compressor, raw.ptr, raw.len, room, bound);
    ASSERT(size > 0 && size <= bound);
    ret->len += size;
    return 0;
}

/* What inflate is given and takes per call; its counters are 32 bits wide. */
enum { STEP_BYTES = 64 << 10 };

/* Grows ret by at most STEP_BYTES within the limit; false when the limit or memory is reached. */
static bool reserve_step(struct buf *ret, size_t start, size_t raw_bytes_max, z_stream *stream)
{
    size_t done = ret->len - start;
    size_t step = raw_bytes_max - done < STEP_BYTES ? raw_bytes_max - done : STEP_BYTES;
    char *room;

    /* One byte more tells data that ends at the limit from data that goes on. */
    room = buf_reserve(ret, step + 1);
    if (room == NULL) {
        ret->failed = false;
        return false;
    }
    stream->next_out = (Bytef *)room;
    stream->avail_out = (uInt)(step + 1);
    return true;
}

static int unpack_members(z_stream *stream, str packed, size_t raw_bytes_max, struct buf *ret,
                          struct baro_error *err)
{
    size_t start = ret->len;
    size_t fed = 0;

    for (;;) {
        uInt room;
        int r;

        if (!reserve_step(ret, start, raw_bytes_max, stream)) {
            return error_set(err, BARO_ELIMIT, "no memory to unpack gzip data");
        }
        if (stream->avail_in == 0 && fed < packed.len) {
            size_t step = packed.len - fed < STEP_BYTES ? packed.len - fed : STEP_BYTES;

            stream->next_in = (Bytef *)(uintptr_t)(packed.ptr + fed);
            stream->avail_in = (uInt)step;
            fed += step;
        }
        room = stream->avail_out;
        r = inflate(stream, Z_NO_FLUSH);
        ret->len += room - stream->avail_out;
        if (ret->len - start > raw_bytes_max) {
            return error_set(err, BARO_ELIMIT, "gzip data unpacks to more than %zu bytes",
                             raw_bytes_max);
        }
        if (r == Z_STREAM_END) {
            if (stream->avail_in == 0 && fed == packed.len) {
                return 0;
            }
            if (inflateReset(stream) == Z_OK) {
                continue; /* another member follows */
            }
        }
        if (r == Z_BUF_ERROR && stream->avail_in == 0 && fed == packed.len) {
            return error_at(err, BARO_ECORRUPT, packed.len, "gzip data ends early");
        }
        if (r != Z_OK && r != Z_BUF_ERROR) {
            return error_at(err, BARO_ECORRUPT, fed - stream->avail_in, "gzip data is damaged");
        }
    }
}

int gzip_unpack(str packed, size_t raw_bytes_max, struct buf *ret, struct baro_error *err)
{
    enum { GZIP_ONLY = 16 }; /* added to the window bits: a gzip header, nothing else */
    z_stream stream = {0};
    size_t start = ret->len;
    int r;

    if (packed.len == 0) {
        return error_at(err, BARO_ECORRUPT, 0, "gzip data ends early");
    }
    if (inflateInit2(&stream, MAX_WBITS + GZIP_ONLY) != Z_OK) {
        return error_set(err, BARO_ELIMIT, "no memory to unpack gzip data");
    }
    r = unpack_members(&stream, packed, raw_bytes_max, ret, err);
    (void)inflateEnd(&stream);
    if (r < 0) {
        ret->len = start;
    }
    return r;
}
