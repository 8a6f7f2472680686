/*
 * chunk_decimal: one series' float samples while their chunk is open, packed closer than Prometheus
 * packs them where values have few decimals, as most have: differences of whole multiples of a
 * power of ten, in bits. What is read back is the same to the bit; values that are no such multiple
 * stand as they are, and where there are many of those, chunk_xor is the better one. It is for the
 * memory of the head and its snapshot alone: what goes to files is chunk_xor. Begins as that does:
 * a count of two bytes, and the first time as a varint. Format: docs/formats/chunk.md.
 */
#pragma once

#include "tsdb/chunk_xor.h"

/* An encoding beside those of files. */
#define CHUNK_DECIMAL ((uint8_t)0x40)

enum {
    /* The first one takes 10 + 9 bytes at most, others 4 + 64 and 4 + 64 bits. */
    CHUNK_DECIMAL_SAMPLE_BYTES_MAX = 20,
    CHUNK_DECIMAL_BYTES_MAX = 2048, /* a longer one is damage */
};

/*
 * The state is that of chunk_xor, used otherwise: `leading` is the exponent, with
 * CHUNK_DECIMAL_WHOLE when the last value stands as it is; `trailing` is the width of differences.
 */
enum { CHUNK_DECIMAL_WHOLE = 0x80 };

/* chunk_decimal_suits says whether a chunk that begins with v should be one of these. */
bool chunk_decimal_suits(double v);

/* chunk_decimal_init starts a chunk in `data`, which has at least CHUNK_XOR_HEADER_BYTES bytes. */
void chunk_decimal_init(struct chunk_xor *chunk, uint8_t *data);

/* chunk_decimal_append adds a sample, as chunk_xor_append does. */
bool chunk_decimal_append(struct chunk_xor *chunk, uint8_t *data, size_t capacity, ts t, double v);

/* chunk_decimal_is_poor says, now and then, that chunk_xor would probably take less. */
bool chunk_decimal_is_poor(const struct chunk_xor *chunk);

/* chunk_decimal_is_sound says whether a state, which comes from a file, can be one. */
bool chunk_decimal_is_sound(const struct chunk_xor *chunk);

/* chunk_decimal_decode appends the samples with start <= t <= end to ret, as chunk_xor_decode does.
 */
int chunk_decimal_decode(str data, ts start, ts end, struct sample_buf *ret,
                         struct baro_error *err);

/* chunk_decimal_repack packs the same samples as chunk_xor does into `to`; *ret is the state. Fails
 * with BARO_ECORRUPT, and with BARO_ELIMIT when they do not fit into `room` bytes. */
int chunk_decimal_repack(str data, uint8_t *to, size_t room, struct chunk_xor *ret,
                         struct baro_error *err);
