/* chunk_pieces: the bit streams of chunks of floats, most significant bit first: pieces of up to 64
 * bits, and differences of time deltas as Prometheus packs them. Format: docs/formats/chunk.md. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/attr.h"
#include "codec/bytes.h"

/* Sizes of the three short forms of a difference of deltas, by the number of ones in front: those
 * of Prometheus, and those of chunks in memory, where scrapes that are late by milliseconds are
 * cheap. */
enum { CHUNK_DOD_FORMS = 4 };
static const uint8_t chunk_dod_bits[CHUNK_DOD_FORMS] = {0, 14, 17, 20};
UNUSED static const uint8_t chunk_dod_bits_near[CHUNK_DOD_FORMS] = {0, 6, 10, 16};

/* A piece of the bit stream: the low `count` bits of `value`. */
struct chunk_piece {
    uint64_t value;
    uint32_t count;
};

/* What one sample adds, in order; a piece of no bits is skipped. */
struct chunk_addition {
    struct chunk_piece lead;    /* all bytes of a varint, or the 1111 of a long difference */
    struct chunk_piece longer;  /* 64 bits */
    struct chunk_piece header;  /* short difference, and how the value is written */
    struct chunk_piece payload; /* the bits of the value */
};

static inline void chunk_put_piece(uint8_t *data, size_t capacity, uint32_t *bits,
                                   struct chunk_piece piece)
{
    uint8_t *at = data + *bits / 8;
    unsigned used = *bits % 8;
    uint64_t aligned;
    uint64_t word;

    if (piece.count == 0) {
        return;
    }
    aligned = piece.value << (64 - piece.count);
    word = aligned >> used | (used > 0 ? (uint64_t)(*at & ~(0xffu >> used)) << 56 : 0);
    *bits += piece.count;
    if (LIKELY((size_t)(at - data) + 8 <= capacity)) {
        store_be64(at, word);
    } else {
        for (unsigned done = 0; done < used + piece.count && done < 64; done += 8) {
            at[done / 8] = (uint8_t)(word >> (56 - done));
        }
    }
    if (used + piece.count > 64) {
        at[8] = (uint8_t)(aligned << (8 - used));
    }
}

/* chunk_put writes all pieces; false, and nothing, when they do not fit. */
static inline bool chunk_put(uint8_t *data, size_t capacity, uint32_t *bits,
                             const struct chunk_addition *addition)
{
    if ((*bits + addition->lead.count + addition->longer.count + addition->header.count +
         addition->payload.count + 7) /
            8 >
        capacity) {
        return false;
    }
    chunk_put_piece(data, capacity, bits, addition->lead);
    chunk_put_piece(data, capacity, bits, addition->longer);
    chunk_put_piece(data, capacity, bits, addition->header);
    chunk_put_piece(data, capacity, bits, addition->payload);
    return true;
}

static inline bool chunk_fits_signed(int64_t value, unsigned bits)
{
    /* The range is that of the format: one more above than below, unlike two's complement. */
    return value >= 1 - (INT64_C(1) << (bits - 1)) && value <= INT64_C(1) << (bits - 1);
}

static inline void chunk_add_dod(struct chunk_addition *addition, int64_t dod,
                                 const uint8_t sizes[CHUNK_DOD_FORMS])
{
    if (LIKELY(dod == 0)) {
        addition->header = (struct chunk_piece){0, 1};
        return;
    }
    for (unsigned ones = 1; ones < CHUNK_DOD_FORMS; ones++) {
        unsigned bits = sizes[ones];

        if (chunk_fits_signed(dod, bits)) {
            uint64_t prefix = ((UINT64_C(1) << ones) - 1) << 1;

            addition->header.value = prefix << bits | ((uint64_t)dod & ((UINT64_C(1) << bits) - 1));
            addition->header.count = ones + 1 + bits;
            return;
        }
    }
    addition->lead = (struct chunk_piece){0xf, 4};
    addition->longer = (struct chunk_piece){(uint64_t)dod, 64};
}

static inline void chunk_header_more(struct chunk_addition *addition, uint64_t value,
                                     uint32_t count)
{
    addition->header.value = addition->header.value << count | value;
    addition->header.count += count;
}

/* chunk_bits64 loads the 64 bits from any bit on: up to nine bytes. */
static inline uint64_t chunk_bits64(const uint8_t *base, uint64_t bit)
{
    const uint8_t *at = base + bit / 8;
    unsigned used = bit % 8;

    return load_be64(at) << used | at[8] >> (8 - used);
}

/* chunk_bits57 loads at least 57 bits, the others zero: eight bytes. */
static inline uint64_t chunk_bits57(const uint8_t *base, uint64_t bit)
{
    return load_be64(base + bit / 8) << bit % 8;
}

/* chunk_dod_read reads the difference of deltas at *bit and moves behind it. */
static inline uint64_t chunk_dod_read(const uint8_t *base, uint64_t *bit,
                                      const uint8_t sizes[CHUNK_DOD_FORMS])
{
    uint64_t word = chunk_bits57(base, *bit);
    unsigned ones = word == UINT64_MAX ? 4 : (unsigned)__builtin_clzll(~word);
    unsigned bits;
    uint64_t dod;

    if (UNLIKELY(ones >= CHUNK_DOD_FORMS)) {
        dod = chunk_bits64(base, *bit + 4);
        *bit += 68;
        return dod;
    }
    bits = sizes[ones];
    *bit += ones + 1 + bits;
    if (bits == 0) {
        return 0;
    }
    dod = word << (ones + 1) >> (64 - bits);
    return dod - (dod > UINT64_C(1) << (bits - 1) ? UINT64_C(1) << bits : 0);
}
