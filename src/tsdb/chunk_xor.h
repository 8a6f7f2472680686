/*
 * chunk_xor: one series' float samples as Prometheus packs them (Gorilla XOR, encoding 1): a count
 * of two bytes, then a bit stream of timestamp and value differences. The bytes are the caller's;
 * so is the appender's state, which the head keeps per series. Format: docs/formats/chunk.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "storage/storage.h"

/* Encodings as they stand in block and head chunk files; chunk.h reads all of them. */
enum chunk_encoding {
    CHUNK_NONE = 0,
    CHUNK_XOR = 1,
    CHUNK_HISTOGRAM = 2,
    CHUNK_FLOAT_HISTOGRAM = 3,
    CHUNK_XOR2 = 4,
    CHUNK_HISTOGRAM_ST = 5,
    CHUNK_FLOAT_HISTOGRAM_ST = 6,
};

enum {
    CHUNK_XOR_HEADER_BYTES = 2,
    /* The second sample is the longest: a uvarint (10 bytes) and 2 + 5 + 6 + 64 bits. */
    CHUNK_XOR_SAMPLE_BYTES_MAX = 20,
    CHUNK_XOR_SAMPLES_MAX = UINT16_MAX,
};

/* What the appender must know of the bytes written so far. All zero but `leading` = CHUNK_XOR_FRESH
 * for an empty chunk. */
struct chunk_xor {
    ts t;            /* of the last sample */
    uint64_t delta;  /* between the last two timestamps, modulo 2^64 */
    uint64_t v_bits; /* of the last value */
    uint32_t bits;   /* written, header included */
    uint16_t count;  /* samples */
    uint8_t leading; /* zero bits of the current window; CHUNK_XOR_FRESH before the first */
    uint8_t trailing;
};
STATIC_ASSERT(sizeof(struct chunk_xor) == 32, "the head keeps one per series");

#define CHUNK_XOR_FRESH 0xff

/* chunk_xor_init starts a chunk in `data`, which has at least CHUNK_XOR_HEADER_BYTES bytes. */
void chunk_xor_init(struct chunk_xor *chunk, uint8_t *data);

/*
 * chunk_xor_append adds a sample. Returns false, with chunk and data untouched, when its bits do
 * not fit into `capacity` bytes (CHUNK_XOR_SAMPLE_BYTES_MAX more always suffice) or the chunk has
 * CHUNK_XOR_SAMPLES_MAX samples. It writes nothing beyond the bytes that chunk_xor_size then
 * covers, except inside capacity. Time need not rise for the format, but readers here rely on it.
 */
bool chunk_xor_append(struct chunk_xor *chunk, uint8_t *data, size_t capacity, ts t, double v);

/* chunk_xor_size is the bytes in use. */
static inline size_t chunk_xor_size(const struct chunk_xor *chunk)
{
    return (chunk->bits + 7u) / 8;
}

/* chunk_xor_resume rebuilds the appender's state from the bytes of a chunk. Fails with
 * BARO_ECORRUPT. */
int chunk_xor_resume(str data, struct chunk_xor *ret, struct baro_error *err);

/* chunk_xor_count is the sample count that the header tells (0 when there is none). */
static inline uint32_t chunk_xor_count(str data)
{
    return data.len < CHUNK_XOR_HEADER_BYTES
               ? 0
               : (uint32_t)((uint8_t)data.ptr[0] << 8 | (uint8_t)data.ptr[1]);
}

/*
 * chunk_xor_decode appends the samples with start <= t <= end to ret. Decoding stops behind `end`,
 * since time rises. Fails with BARO_ECORRUPT when the bytes end before the count is reached, and
 * BARO_ELIMIT when ret cannot grow; ret's count is then as before.
 */
int chunk_xor_decode(str data, ts start, ts end, struct sample_buf *ret, struct baro_error *err);

/* chunk_xor_last finds the last sample with start <= t <= end: 1 and *ret_t, *ret_v when there is
 * one, else 0. Fails with BARO_ECORRUPT. */
int chunk_xor_last(str data, ts start, ts end, ts *ret_t, double *ret_v, struct baro_error *err);
