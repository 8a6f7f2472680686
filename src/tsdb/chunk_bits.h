/*
 * chunk_bits: the bit stream of chunks that were added with start timestamps: most significant bit
 * first. Reading beyond the end gives zeros; whoever has read looks at chunk_bits_ended. Writing
 * goes into memory of the caller, who has made sure of the room. Format: docs/formats/chunk.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"
#include "codec/bytes.h"

struct chunk_bits {
    const uint8_t *data;
    uint64_t at; /* the next bit */
    uint64_t size;
};

/* chunk_bits_over reads data from a byte on. */
static inline struct chunk_bits chunk_bits_over(str data, size_t first)
{
    return (struct chunk_bits){(const uint8_t *)data.ptr, first * 8, data.len * 8};
}

static inline bool chunk_bits_ended(const struct chunk_bits *bits)
{
    return bits->at > bits->size;
}

/* chunk_bits_peek gives what comes next, at least 57 bits of it, the first one on top. */
static inline uint64_t chunk_bits_peek(const struct chunk_bits *bits)
{
    uint64_t byte = bits->at / 8, word = 0;

    if (LIKELY(byte + 8 <= bits->size / 8)) {
        return load_be64(bits->data + byte) << bits->at % 8;
    }
    for (unsigned i = 0; i < 8 && byte + i < bits->size / 8; i++) {
        word |= (uint64_t)bits->data[byte + i] << (56 - 8 * i);
    }
    return word << bits->at % 8;
}

/* chunk_bits_get takes 1 to 64 bits. */
static inline uint64_t chunk_bits_get(struct chunk_bits *bits, unsigned count)
{
    unsigned low = count > 32 ? count - 32 : 0;
    uint64_t value = chunk_bits_peek(bits) >> (64 - (count - low));

    bits->at += count - low;
    if (low > 0) {
        value = value << low | chunk_bits_peek(bits) >> (64 - low);
        bits->at += low;
    }
    return value;
}

/* chunk_bits_uvarint takes a uvarint, whose bytes need not begin at one; an overlong one ends the
 * stream. */
static inline uint64_t chunk_bits_uvarint(struct chunk_bits *bits)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < UVARINT_BYTES_MAX; i++) {
        uint64_t byte = chunk_bits_get(bits, 8);

        value |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            return value;
        }
    }
    bits->at = bits->size + 1;
    return 0;
}

/* chunk_bits_varint is the same with a sign (zigzag). */
static inline int64_t chunk_bits_varint(struct chunk_bits *bits)
{
    uint64_t value = chunk_bits_uvarint(bits);

    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

/* Sizes of the short forms of a varbit, by the number of ones in front; then 64 bits. */
enum { CHUNK_VARBIT_FORMS = 9 };
static const uint8_t chunk_varbit_bits[CHUNK_VARBIT_FORMS] = {0, 3, 6, 9, 12, 18, 25, 56, 64};

/* chunk_bits_varbit takes a number of variable size. */
static inline int64_t chunk_bits_varbit(struct chunk_bits *bits)
{
    uint64_t word = chunk_bits_peek(bits);
    unsigned ones = word == UINT64_MAX ? 64 : (unsigned)__builtin_clzll(~word);
    unsigned size;
    uint64_t value;

    ones = ones < CHUNK_VARBIT_FORMS ? ones : CHUNK_VARBIT_FORMS - 1;
    size = chunk_varbit_bits[ones];
    /* The longest prefix is eight ones without the zero that ends the others. */
    bits->at += ones == CHUNK_VARBIT_FORMS - 1 ? ones : ones + 1;
    if (size == 0) {
        return 0;
    }
    value = chunk_bits_get(bits, size);
    if (size < 64 && value > UINT64_C(1) << (size - 1)) {
        value -= UINT64_C(1) << size;
    }
    return (int64_t)value;
}

/* chunk_bits_put writes the low `count` bits of value at bit *at; what follows in the last byte is
 * zero. */
static inline void chunk_bits_put(uint8_t *data, uint32_t *at, uint64_t value, unsigned count)
{
    while (count > 0) {
        unsigned used = *at % 8;
        unsigned more = count < 8 - used ? count : 8 - used;
        uint8_t *byte = data + *at / 8;

        count -= more;
        *byte = (uint8_t)((used > 0 ? *byte : 0) | (value >> count & ((1U << more) - 1))
                                                       << (8 - used - more));
        *at += more;
    }
}

/* chunk_bits_put_varbit writes a number of variable size: at most 72 bits. */
static inline void chunk_bits_put_varbit(uint8_t *data, uint32_t *at, int64_t value)
{
    unsigned ones = value == 0 ? 0 : 1;

    while (ones > 0 && ones < CHUNK_VARBIT_FORMS - 1 &&
           (value < 1 - (INT64_C(1) << (chunk_varbit_bits[ones] - 1)) ||
            value > INT64_C(1) << (chunk_varbit_bits[ones] - 1))) {
        ones++;
    }
    if (ones == CHUNK_VARBIT_FORMS - 1) {
        chunk_bits_put(data, at, 0xff, 8);
    } else {
        chunk_bits_put(data, at, (UINT64_C(1) << (ones + 1)) - 2, ones + 1);
    }
    chunk_bits_put(data, at, (uint64_t)value, chunk_varbit_bits[ones]);
}
