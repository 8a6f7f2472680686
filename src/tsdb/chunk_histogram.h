/*
 * chunk_histogram: one series' native histograms as Prometheus packs them (encodings 2, integers,
 * and 3, floats): a count of two bytes, a byte of flags, the layout that all histograms of the
 * chunk share, then a bit stream of differences. Format: docs/formats/chunk.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "model/histogram.h"
#include "storage/storage.h"

/* The upper two bits of the flags: what is known of the first histogram. */
enum chunk_histogram_start {
    CHUNK_START_UNKNOWN = 0x00,
    CHUNK_START_NOT_RESET = 0x40,
    CHUNK_START_RESET = 0x80,
    CHUNK_START_GAUGE = 0xc0,
};

/* A chunk being written. Zeroed, then chunk_histogram_begin. */
struct chunk_histogram {
    struct buf data; /* the chunk so far */
    bool is_float;
    uint16_t count;

    unsigned free_bits; /* private from here on: unused bits of the last byte */
    struct arena arena; /* of the layout and the columns */
    struct histogram *layout;
    ts t;
    int64_t t_delta;
    struct chunk_histogram_field *fields; /* count, zero count, buckets */
    size_t field_count;
    struct chunk_histogram_float *floats; /* sum; with is_float also those of the fields */
};

/* chunk_histogram_begin starts a chunk of either encoding, for histograms that are `integer` or
 * not. */
void chunk_histogram_begin(struct chunk_histogram *chunk, bool is_float,
                           enum chunk_histogram_start start);
void chunk_histogram_done(struct chunk_histogram *chunk);

/*
 * chunk_histogram_append adds a histogram; false, with the chunk as it was, when it does not fit:
 * another kind, schema, zero threshold, bounds or buckets than the chunk has (begin another one),
 * or the chunk is full. The first one decides the layout. A stale marker fits any chunk. Whether a
 * counter was reset is the caller's to see.
 */
bool chunk_histogram_append(struct chunk_histogram *chunk, ts t, const struct histogram *h);

/*
 * chunk_histogram_decode appends the histograms with start <= t <= end to ret, into its arena.
 * Decoding stops behind `end`. Fails with BARO_ECORRUPT, or BARO_ELIMIT when ret cannot grow; ret's
 * count is then as before.
 */
int chunk_histogram_decode(str data, bool is_float, ts start, ts end, struct sample_buf *ret,
                           struct baro_error *err);
