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

    bool is_stale; /* the last one is a stale marker */
    ts t;          /* of the last one */

    unsigned free_bits; /* private from here on: unused bits of the last byte */
    int64_t t_delta;
    struct histogram layout;              /* without counts; its arrays are in `room` */
    void *room;                           /* one block for all of the below */
    struct chunk_histogram_field *fields; /* count, zero count, buckets, unless is_float */
    struct chunk_histogram_float *floats; /* sum; with is_float also those of the fields */
    size_t field_count;
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

/* chunk_histogram_can_hold says whether h can stand in a chunk at all: an integer histogram with
 * counts that are not exact in a double cannot. */
bool chunk_histogram_can_hold(const struct histogram *h);

/*
 * chunk_histogram_add adds a histogram behind those that the chunk has, of which there is one, as
 * Prometheus does: 1 when it is in the chunk now, which is packed anew where it brings buckets that
 * the chunk has not; 0 with *ret_start when another chunk must begin for it, and with what. It sees
 * resets itself, by the hint or by counts that fell. Fails with BARO_ELIMIT when memory is out, and
 * with BARO_ECORRUPT.
 */
int chunk_histogram_add(struct chunk_histogram *chunk, ts t, const struct histogram *h,
                        enum chunk_histogram_start *ret_start, struct baro_error *err);

/* chunk_histogram_start_behind says with what a chunk begins that another reason than h has cut
 * behind `before`; NULL when there is none before, or one of another encoding. */
enum chunk_histogram_start chunk_histogram_start_behind(const struct chunk_histogram *before,
                                                        const struct histogram *h);

/* chunk_histogram_last copies the last histogram into the arena; a stale marker when it is one.
 * NULL when memory is out. */
struct histogram *chunk_histogram_last(const struct chunk_histogram *chunk, struct arena *arena);

/* chunk_histogram_resume takes a chunk's bytes, so that more can be added. Fails with BARO_ECORRUPT
 * or BARO_ELIMIT; the chunk must be begun anew then. */
int chunk_histogram_resume(struct chunk_histogram *chunk, str data, bool is_float,
                           struct baro_error *err);

/* chunk_histogram_bytes is the memory that the chunk takes, itself left out. */
size_t chunk_histogram_bytes(const struct chunk_histogram *chunk);

/* chunk_histogram_start_of reads the flags of a chunk's bytes. */
static inline enum chunk_histogram_start chunk_histogram_start_of(str data)
{
    return data.len < 3 ? CHUNK_START_UNKNOWN
                        : (enum chunk_histogram_start)((uint8_t)data.ptr[2] & CHUNK_START_GAUGE);
}

/*
 * chunk_histogram_decode appends the histograms with start <= t <= end to ret, into its arena.
 * Decoding stops behind `end`. Fails with BARO_ECORRUPT, or BARO_ELIMIT when ret cannot grow; ret's
 * count is then as before.
 */
int chunk_histogram_decode(str data, bool is_float, ts start, ts end, struct sample_buf *ret,
                           struct baro_error *err);

/*
 * Chunks with start timestamps (encodings 5, integers, and 6, floats) have a header of their own:
 * the flags are the upper bits of the count, and the third byte tells which samples have one.
 * chunk_histogram_st_decode is chunk_histogram_decode of such; start timestamps go to ret->st,
 * which is made when there is one.
 */
enum { CHUNK_HISTOGRAM_ST_SAMPLES_MAX = 0x3fff };

static inline uint32_t chunk_histogram_st_count(str data)
{
    return data.len < 2 ? 0
                        : (uint32_t)((uint8_t)data.ptr[0] << 8 | (uint8_t)data.ptr[1]) &
                              CHUNK_HISTOGRAM_ST_SAMPLES_MAX;
}

int chunk_histogram_st_decode(str data, bool is_float, ts start, ts end, struct sample_buf *ret,
                              struct baro_error *err);

/* chunk_histogram_add_starts makes such a chunk, in ret, of one without start timestamps and as
 * many of them as it has histograms; 0 = unknown, NULL = all. Fails with BARO_ECORRUPT or
 * BARO_ELIMIT. */
int chunk_histogram_add_starts(str data, bool is_float, const ts *st, struct buf *ret,
                               struct baro_error *err);
