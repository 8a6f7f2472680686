/*
 * wal_histogram: records of native histograms in the WAL: integers and floats, and each of them
 * with custom bounds, apart, as Prometheus 3 writes them. Format: docs/formats/wal.md.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "codec/bytes.h"
#include "model/histogram.h"
#include "tsdb/wal_record.h"

/* wal_histogram_type is the record that h belongs to. `is_float` tells for stale markers, which do
 * not know. */
enum wal_record_type wal_histogram_type(const struct histogram *h, bool is_float);

/* wal_is_histograms says whether records of a type hold histograms. */
bool wal_is_histograms(uint8_t type);

/* wal_put_histogram adds to a record that wal_put_type began; `first` is the record's first one. */
void wal_put_histogram(struct buf *buf, series_ref ref, ts t, const struct histogram *h,
                       series_ref first_ref, ts first_t, bool is_first);

/* wal_histogram_st_type is the newer record, with start timestamps, that h belongs to; its
 * histograms are added by wal_put_histogram_st, which keeps in *at where the writing stands: zero
 * it, with the record's type, at the start. */
enum wal_record_type wal_histogram_st_type(bool is_float);
struct wal_histograms;
void wal_put_histogram_st(struct buf *buf, struct wal_histograms *at, series_ref ref, ts t, ts st,
                          const struct histogram *h);

/* Where the reading of a record stands. Zero it, with the record's type, at the start. */
struct wal_histograms {
    uint8_t type;
    bool is_set;
    series_ref first_ref;
    ts first_t;
    series_ref ref; /* of the one before; the newer records count from there */
    ts first_st;    /* of the newer records */
    ts st;          /* of the one before */
};

/* One histogram sample; of a stale marker the kind is in h->integer too. */
struct wal_histogram {
    series_ref ref;
    ts t;
    struct histogram h;
    ts st; /* start timestamp; 0 = unknown */
};

/*
 * wal_next_histogram reads the next one, its arrays into the arena: 1, or 0 at the end. Counts are
 * not checked (histogram_check does that). Fails with BARO_ECORRUPT.
 */
int wal_next_histogram(struct reader *rd, struct wal_histograms *at, struct arena *arena,
                       struct wal_histogram *ret, struct baro_error *err);
