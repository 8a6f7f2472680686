/*
 * bytes: reading and writing binary records. A reader is the bytes, an offset and a sticky failure:
 * every getter checks bounds and returns zero after the first failure, so a record is read straight
 * down and tested once. Writing goes into a buf (which has its own sticky failure), or by the put_
 * functions through a pointer into room that the caller has reserved. Varints are those of Go's
 * encoding/binary: seven bits a byte, least significant first; signed ones zigzag.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

/* A 64-bit varint needs at most ten bytes (nine carry 63 bits, the tenth one bit); an eleventh is
 * corruption, not size. */
enum { UVARINT_BYTES_MAX = 10 };

/* load_be32 and the like read at an address of any alignment; store_ write there. */
static inline uint32_t load_be32(const void *at)
{
    uint32_t raw;

    memcpy(&raw, at, sizeof(raw));
    return __builtin_bswap32(raw);
}

static inline uint64_t load_be64(const void *at)
{
    uint64_t raw;

    memcpy(&raw, at, sizeof(raw));
    return __builtin_bswap64(raw);
}

static inline void store_be32(void *at, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(at, &value, sizeof(value));
}

static inline void store_be64(void *at, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(at, &value, sizeof(value));
}

/* The byte swaps above take the host to be little-endian, as every machine is that we build for. */
STATIC_ASSERT(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "big-endian hosts are not supported");

/* zigzag maps signed to unsigned so that small magnitudes stay small; unzigzag undoes it. */
static inline uint64_t zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static inline int64_t unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

struct reader {
    str data;
    size_t
        offset; /* of the next byte; at the first byte of the field that failed after a failure */
    bool failed;
};

static inline struct reader reader_over(str data)
{
    return (struct reader){.data = data};
}

/* reader_left returns how many bytes are still to be read; 0 after a failure. */
static inline size_t reader_left(const struct reader *rd)
{
    return rd->failed ? 0 : rd->data.len - rd->offset;
}

/* reader_take moves over `size` bytes and returns where they begin, or NULL (and failed) when there
 * are fewer. */
static inline const uint8_t *reader_take(struct reader *rd, uint64_t size)
{
    const uint8_t *at;

    if (UNLIKELY(rd->failed || size > rd->data.len - rd->offset)) {
        rd->failed = true;
        return NULL;
    }
    at = (const uint8_t *)rd->data.ptr + rd->offset;
    rd->offset += (size_t)size;
    return at;
}

/* read_bytes returns the next `size` bytes, borrowed from the data; empty with ptr NULL on failure.
 */
static inline str read_bytes(struct reader *rd, uint64_t size)
{
    const uint8_t *at = reader_take(rd, size);

    return at != NULL ? str_of((const char *)at, (size_t)size) : STR_NULL;
}

static inline uint8_t read_u8(struct reader *rd)
{
    const uint8_t *at = reader_take(rd, 1);

    return at != NULL ? *at : 0;
}

static inline uint16_t read_be16(struct reader *rd)
{
    const uint8_t *at = reader_take(rd, 2);

    return at != NULL ? (uint16_t)((uint32_t)at[0] << 8 | at[1]) : 0;
}

static inline uint32_t read_be32(struct reader *rd)
{
    const uint8_t *at = reader_take(rd, 4);

    return at != NULL ? load_be32(at) : 0;
}

static inline uint64_t read_be64(struct reader *rd)
{
    const uint8_t *at = reader_take(rd, 8);

    return at != NULL ? load_be64(at) : 0;
}

/* read_uvarint_long is the general case of read_uvarint: more than one byte, or a failure. */
uint64_t read_uvarint_long(struct reader *rd);

/* read_uvarint fails when the data end or the number has more than 64 bits. */
static inline uint64_t read_uvarint(struct reader *rd)
{
    if (LIKELY(!rd->failed && rd->offset < rd->data.len &&
               (uint8_t)rd->data.ptr[rd->offset] < 0x80)) {
        return (uint8_t)rd->data.ptr[rd->offset++];
    }
    return read_uvarint_long(rd);
}

static inline int64_t read_varint(struct reader *rd)
{
    return unzigzag(read_uvarint(rd));
}

/* read_uvarint_bytes reads a uvarint length and that many bytes. */
static inline str read_uvarint_bytes(struct reader *rd)
{
    return read_bytes(rd, read_uvarint(rd));
}

/* put_ functions write at `at` and return the address behind what they wrote. put_uvarint needs
 * UVARINT_BYTES_MAX bytes of room. */
static inline uint8_t *put_u8(uint8_t *at, uint8_t value)
{
    *at = value;
    return at + 1;
}

static inline uint8_t *put_be32(uint8_t *at, uint32_t value)
{
    store_be32(at, value);
    return at + 4;
}

static inline uint8_t *put_be64(uint8_t *at, uint64_t value)
{
    store_be64(at, value);
    return at + 8;
}

static inline uint8_t *put_uvarint(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        *at++ = (uint8_t)(value | 0x80);
    }
    *at = (uint8_t)value;
    return at + 1;
}

/* uvarint_size is how many bytes put_uvarint writes. */
static inline size_t uvarint_size(uint64_t value)
{
    uint8_t bytes[UVARINT_BYTES_MAX];

    return (size_t)(put_uvarint(bytes, value) - bytes);
}

static inline uint8_t *put_varint(uint8_t *at, int64_t value)
{
    return put_uvarint(at, zigzag(value));
}

/* write_ functions append to a buf; test buf->failed once at the end. */
void write_u8(struct buf *buf, uint8_t value);
void write_be16(struct buf *buf, uint16_t value);
void write_be32(struct buf *buf, uint32_t value);
void write_be64(struct buf *buf, uint64_t value);
void write_uvarint(struct buf *buf, uint64_t value);
void write_varint(struct buf *buf, int64_t value);

/* write_uvarint_bytes appends a uvarint length and the bytes. */
void write_uvarint_bytes(struct buf *buf, str bytes);
