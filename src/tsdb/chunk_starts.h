/*
 * chunk_starts: the start timestamps of a chunk. They differ rarely, so a chunk has none until one
 * is known: a byte of the header tells whether the first sample has one, and from which sample on
 * each has. Format: docs/formats/chunk.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/dur.h"

enum {
    CHUNK_STARTS_FIRST = 0x80,   /* the first sample's is known */
    CHUNK_STARTS_FROM_MAX = 127, /* seven bits: from this sample on each has one, changed or not */
};

struct chunk_starts {
    uint64_t st;   /* of the last sample; 0 = unknown */
    uint64_t diff; /* between the time of the sample before it and st */
    uint8_t from;  /* the first sample behind the first that has one; 0 = none yet */
    bool has_first;
};

/* chunk_starts_of reads the byte of the header. */
static inline struct chunk_starts chunk_starts_of(uint8_t header)
{
    return (struct chunk_starts){.from = header & CHUNK_STARTS_FROM_MAX,
                                 .has_first = (header & CHUNK_STARTS_FIRST) != 0};
}

static inline uint8_t chunk_starts_header(const struct chunk_starts *starts)
{
    return (uint8_t)(starts->from | (starts->has_first ? CHUNK_STARTS_FIRST : 0));
}

/* chunk_starts_has says whether sample `index` brings a number: a varint at the first sample, else
 * a varbit. */
static inline bool chunk_starts_has(const struct chunk_starts *starts, uint32_t index)
{
    return index == 0 ? starts->has_first : starts->from != 0 && index >= starts->from;
}

/* chunk_starts_take takes that number; t is the time of the sample before, of the first sample its
 * own. */
static inline void chunk_starts_take(struct chunk_starts *starts, uint32_t index, uint64_t t,
                                     int64_t number)
{
    starts->diff = index <= starts->from ? (uint64_t)number : starts->diff + (uint64_t)number;
    starts->st = t - starts->diff;
}

/* chunk_starts_give is how a writer tells the start timestamp of sample `index`: true when the
 * chunk gets *ret_number for it. */
static inline bool chunk_starts_give(struct chunk_starts *starts, uint32_t index, uint64_t t, ts st,
                                     int64_t *ret_number)
{
    uint64_t diff = t - (uint64_t)st, before = starts->diff;

    if (index == 0) {
        starts->has_first = st != 0;
        starts->st = (uint64_t)st;
        *ret_number = (int64_t)diff;
        return starts->has_first;
    }
    if (starts->from == 0) {
        if ((uint64_t)st == starts->st && index != CHUNK_STARTS_FROM_MAX) {
            return false;
        }
        starts->from = (uint8_t)index;
        before = 0;
    }
    starts->st = (uint64_t)st;
    starts->diff = diff;
    *ret_number = (int64_t)(diff - before);
    return true;
}
