/*
 * chunk_xor2: one series' float samples in Prometheus's newer packing (XOR2, encoding 4): times and
 * values share their prefixes, stale markers are short, and samples may have start timestamps. The
 * bytes are the caller's. Format: docs/formats/chunk.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "model/sample.h"
#include "storage/storage.h"
#include "tsdb/chunk_starts.h"

enum {
    CHUNK_XOR2_HEADER_BYTES = 3,
    /* The second sample is the longest: a uvarint (10 bytes), 3 + 5 + 6 + 64 bits, and 72. */
    CHUNK_XOR2_SAMPLE_BYTES_MAX = 29,
    CHUNK_XOR2_SAMPLES_MAX = UINT16_MAX,
};

/* What the appender must know of the bytes written so far. */
struct chunk_xor2 {
    ts t;            /* of the last sample */
    uint64_t delta;  /* between the last two timestamps, modulo 2^64 */
    uint64_t v_bits; /* of the last value that is no stale marker */
    struct chunk_starts starts;
    uint32_t bits;   /* written, header included */
    uint16_t count;  /* samples */
    uint8_t leading; /* zero bits of the current window; CHUNK_XOR2_FRESH before the first */
    uint8_t trailing;
};

#define CHUNK_XOR2_FRESH 0xff

/* chunk_xor2_init starts a chunk in `data`, which has at least CHUNK_XOR2_HEADER_BYTES bytes. */
void chunk_xor2_init(struct chunk_xor2 *chunk, uint8_t *data);

/* chunk_xor2_append adds a sample; st = 0 is an unknown start. False, with chunk and data
 * untouched, when fewer than CHUNK_XOR2_SAMPLE_BYTES_MAX bytes are left of `capacity`, or the chunk
 * has CHUNK_XOR2_SAMPLES_MAX samples. */
bool chunk_xor2_append(struct chunk_xor2 *chunk, uint8_t *data, size_t capacity, ts st, ts t,
                       double v);

/* chunk_xor2_size is the bytes in use. */
static inline size_t chunk_xor2_size(const struct chunk_xor2 *chunk)
{
    return (chunk->bits + 7u) / 8;
}

/* chunk_xor2_has_starts says whether a sample of the chunk has a start timestamp. */
static inline bool chunk_xor2_has_starts(str data)
{
    return data.len >= CHUNK_XOR2_HEADER_BYTES && data.ptr[2] != 0;
}

/* chunk_xor2_decode and chunk_xor2_last are what chunk_xor_decode and chunk_xor_last are; start
 * timestamps go to ret->st, which is made when the chunk has some. */
int chunk_xor2_decode(str data, ts start, ts end, struct sample_buf *ret, struct baro_error *err);
int chunk_xor2_last(str data, ts start, ts end, struct sample *ret, struct baro_error *err);
