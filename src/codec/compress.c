#include "codec/compress.h"

#include <snappy-c.h>
#include <zstd.h>

#include "base/mem.h"

/* A frame that asks for a larger window than this is refused: zstd's own default bound for streams
 * is the same (2^27). */
enum { ZSTD_WINDOW_LOG_MAX_ACCEPTED = 27 };

struct compressor {
    ZSTD_CCtx *packing;
    ZSTD_DCtx *unpacking;
};

struct compressor *compressor_new(void)
{
    return MEM_NEW(struct compressor);
}

struct compressor *compressor_free(struct compressor *compressor)
{
    if (compressor != NULL) {
        (void)ZSTD_freeCCtx(compressor->packing);
        (void)ZSTD_freeDCtx(compressor->unpacking);
    }
    return mem_free(compressor);
}

static int no_room(struct baro_error *err, size_t bytes)
{
    return error_set(err, BARO_ELIMIT, "no memory for %zu bytes of compression", bytes);
}

size_t snappy_pack_bytes_max(size_t raw_bytes)
{
    return snappy_max_compressed_length(raw_bytes);
}

int snappy_pack(str raw, struct buf *ret, struct baro_error *err)
{
    size_t size = snappy_max_compressed_length(raw.len);
    char *room = raw.len <= UINT32_MAX ? buf_reserve(ret, size) : NULL;

    if (room == NULL) {
        return no_room(err, size);
    }
    if (snappy_compress(raw.len > 0 ? raw.ptr : "", raw.len, room, &size) != SNAPPY_OK) {
        return error_set(err, BARO_EINVALID, "snappy cannot pack %zu bytes", raw.len);
    }
    ret->len += size;
    return 0;
}

int snappy_unpack(str packed, size_t raw_bytes_max, struct buf *ret, struct baro_error *err)
{
    size_t size = 0;
    char *room;

    if (packed.len == 0 || snappy_uncompressed_length(packed.ptr, packed.len, &size) != SNAPPY_OK) {
        return error_at(err, BARO_ECORRUPT, 0, "snappy: the length is missing or too large");
    }
    if (size > raw_bytes_max) {
        return error_set(err, BARO_ELIMIT, "snappy: %zu bytes when unpacked, %zu are allowed", size,
                         raw_bytes_max);
    }
    /* A block of snappy holds at most 64 bytes per three of its own (a copy tag with its offset),
     * so a claim far beyond that is refused before memory is taken for it. */
    if (size / 64 > packed.len) {
        return error_at(err, BARO_ECORRUPT, 0, "snappy: %zu bytes cannot come from %zu", size,
                        packed.len);
    }
    room = buf_reserve(ret, size > 0 ? size : 1);
    if (room == NULL) {
        return no_room(err, size);
    }
    if (snappy_uncompress(packed.ptr, packed.len, room, &size) != SNAPPY_OK) {
        return error_set(err, BARO_ECORRUPT, "snappy: corrupt input");
    }
    ret->len += size;
    return 0;
}

static int zstd_pack(struct compressor *compressor, str raw, struct buf *ret,
                     struct baro_error *err)
{
    size_t bound = ZSTD_compressBound(raw.len);
    char *room = buf_reserve(ret, bound);
    size_t size;

    if (compressor->packing == NULL) {
        compressor->packing = ZSTD_createCCtx();
    }
    if (room == NULL || compressor->packing == NULL) {
        return no_room(err, bound);
    }
    size = ZSTD_compressCCtx(compressor->packing, room, bound, raw.ptr, raw.len, 1);
    if (ZSTD_isError(size)) {
        return error_set(err, BARO_EINVALID, "zstd: %s", ZSTD_getErrorName(size));
    }
    ret->len += size;
    return 0;
}

static int zstd_start(struct compressor *compressor, struct baro_error *err)
{
    if (compressor->unpacking == NULL) {
        compressor->unpacking = ZSTD_createDCtx();
    }
    if (compressor->unpacking == NULL) {
        return no_room(err, 0);
    }
    (void)ZSTD_DCtx_reset(compressor->unpacking, ZSTD_reset_session_only);
    (void)ZSTD_DCtx_setParameter(compressor->unpacking, ZSTD_d_windowLogMax,
                                 ZSTD_WINDOW_LOG_MAX_ACCEPTED);
    return 0;
}

/* zstd_chunk makes room for the next bytes: as many as packed ones are left (and more when the
 * stream turns out to hold more), but one byte beyond the limit at most, which shows that the
 * limit is passed. */
static char *zstd_chunk(struct buf *ret, size_t start, size_t raw_bytes_max, size_t packed_left,
                        size_t *ret_size)
{
    size_t done = ret->len - start;
    size_t size = packed_left * 4 > ZSTD_BLOCKSIZE_MAX ? packed_left * 4 : ZSTD_BLOCKSIZE_MAX;

    if (size > raw_bytes_max - done) {
        size = raw_bytes_max - done + 1;
    }
    *ret_size = size;
    return buf_reserve(ret, size);
}

/* The whole input is unpacked as a stream: frames follow each other, and not every writer tells the
 * length in the frame's header. */
static int zstd_unpack(struct compressor *compressor, str packed, size_t raw_bytes_max,
                       struct buf *ret, struct baro_error *err)
{
    ZSTD_inBuffer in = {.src = packed.ptr, .size = packed.len};
    size_t start = ret->len;
    size_t left = 0; /* what the decoder says is still to come of this frame */
    int r = zstd_start(compressor, err);

    if (r < 0) {
        return r;
    }
    for (bool more = packed.len > 0; more;) {
        ZSTD_outBuffer out = {0};

        out.dst = zstd_chunk(ret, start, raw_bytes_max, in.size - in.pos, &out.size);
        if (out.dst == NULL) {
            ret->len = start;
            return no_room(err, out.size);
        }
        left = ZSTD_decompressStream(compressor->unpacking, &out, &in);
        ret->len += out.pos;
        if (ZSTD_isError(left)) {
            ret->len = start;
            return error_at(err, BARO_ECORRUPT, in.pos, "zstd: %s", ZSTD_getErrorName(left));
        }
        if (ret->len - start > raw_bytes_max) {
            ret->len = start;
            return error_set(err, BARO_ELIMIT, "zstd: more than %zu bytes when unpacked",
                             raw_bytes_max);
        }
        more = in.pos < in.size || (left != 0 && out.pos == out.size);
    }
    if (left != 0) {
        ret->len = start;
        return error_at(err, BARO_ECORRUPT, in.pos, "zstd: the input ends early");
    }
    return 0;
}

static int plain_copy(str raw, struct buf *ret, struct baro_error *err)
{
    buf_str(ret, raw);
    return ret->failed ? no_room(err, raw.len) : 0;
}

int compressor_pack(struct compressor *compressor, enum compress_kind kind, str raw,
                    struct buf *ret, struct baro_error *err)
{
    switch (kind) {
    case COMPRESS_NONE:
        return plain_copy(raw, ret, err);
    case COMPRESS_SNAPPY:
        return snappy_pack(raw, ret, err);
    case COMPRESS_ZSTD:
        return zstd_pack(compressor, raw, ret, err);
    case COMPRESS_KIND_COUNT:
        break;
    }
    return error_set(err, BARO_EINVALID, "compression %d is not known", (int)kind);
}

int compressor_unpack(struct compressor *compressor, enum compress_kind kind, str packed,
                      size_t raw_bytes_max, struct buf *ret, struct baro_error *err)
{
    switch (kind) {
    case COMPRESS_NONE:
        if (packed.len > raw_bytes_max) {
            return error_set(err, BARO_ELIMIT, "%zu bytes, %zu are allowed", packed.len,
                             raw_bytes_max);
        }
        return plain_copy(packed, ret, err);
    case COMPRESS_SNAPPY:
        return snappy_unpack(packed, raw_bytes_max, ret, err);
    case COMPRESS_ZSTD:
        return zstd_unpack(compressor, packed, raw_bytes_max, ret, err);
    case COMPRESS_KIND_COUNT:
        break;
    }
    return error_set(err, BARO_EINVALID, "compression %d is not known", (int)kind);
}
