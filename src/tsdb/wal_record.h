/*
 * wal_record: what stands in the records of the WAL. Writers append one record to a buf; readers
 * walk one that wal_reader_next gave. Numbers are those of Prometheus (tsdb/record). Format:
 * docs/formats/wal.md.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "codec/bytes.h"
#include "model/labels.h"
#include "storage/appender.h"
#include "storage/storage.h"

enum wal_record_type {
    WAL_RECORD_SERIES = 1,
    WAL_RECORD_SAMPLES = 2,
    WAL_RECORD_TOMBSTONES = 3,
    WAL_RECORD_EXEMPLARS = 4,
    WAL_RECORD_MMAP_MARKERS = 5,
    WAL_RECORD_METADATA = 6,
    WAL_RECORD_HISTOGRAMS = 7,
    WAL_RECORD_FLOAT_HISTOGRAMS = 8,
    WAL_RECORD_CUSTOM_HISTOGRAMS = 9,
    WAL_RECORD_CUSTOM_FLOAT_HISTOGRAMS = 10,
    WAL_RECORD_SAMPLES_V2 = 11, /* with start times */
    WAL_RECORD_HISTOGRAMS_V2 = 12,
    WAL_RECORD_FLOAT_HISTOGRAMS_V2 = 13,
    WAL_RECORD_MIN_VALID_TIME = 14, /* in checkpoints only */
};

/* A series or exemplar with more labels than this is taken for corruption. */
enum { WAL_LABELS_MAX = 16384 };

/* wal_record_type returns the first byte, 0 for an empty record. */
static inline uint8_t wal_record_type(str record)
{
    return record.len == 0 ? 0 : (uint8_t)record.ptr[0];
}

/* wal_put_type begins a record of series, exemplars or metadata; the wal_put_ functions below add
 * entries. */
void wal_put_type(struct buf *buf, enum wal_record_type type);
void wal_put_series(struct buf *buf, series_ref ref, struct labels labels);
void wal_put_metadata(struct buf *buf, series_ref ref, const struct metadata *metadata);

/* wal_put_samples writes a whole record of `count` samples, count > 0, in columns. */
void wal_put_samples(struct buf *buf, const series_ref *refs, const ts *t, const double *v,
                     size_t count);

/* wal_put_samples_st writes the newer record, with start timestamps; st may be NULL: all unknown.
 */
void wal_put_samples_st(struct buf *buf, const series_ref *refs, const ts *t, const double *v,
                        const ts *st, size_t count);

/* wal_put_sample_st adds one to such a record, which wal_put_type began; zero *at at the start. */
struct wal_samples_at {
    bool has_one;
    series_ref ref; /* of the one before */
    ts first_t;
    ts first_st;
    ts st; /* of the one before */
};
void wal_put_sample_st(struct buf *buf, struct wal_samples_at *at, series_ref ref,
                       const struct sample *sample);

/* wal_put_start tells, in one of the newer records, the start of a sample that is not the first;
 * `before` is that of the sample before. */
void wal_put_start(struct buf *buf, ts st, ts first, ts before);

/* wal_next_start reads it back. */
ts wal_next_start(struct reader *rd, ts first, ts before);

/* wal_put_sample adds one to a record that wal_put_type began; `first` is the record's first one.
 */
void wal_put_sample(struct buf *buf, series_ref ref, ts t, double v, series_ref first_ref,
                    ts first_t, bool is_first);

/* wal_put_exemplar adds to a record that wal_put_type began; `first` is the record's first one. */
void wal_put_exemplar(struct buf *buf, series_ref ref, const struct exemplar *exemplar,
                      series_ref first_ref, ts first_t, bool is_first);

/* Labels of one entry; the items are reused from entry to entry, the bytes are the record's. */
struct wal_labels {
    struct label *items;
    size_t count;
    size_t capacity;
};
void wal_labels_done(struct wal_labels *labels);

/* wal_record_body is a reader behind the type byte, for the functions below. */
struct reader wal_record_body(str record);

/*
 * The wal_next_ functions read one entry: 1, or 0 at the end of the record. They fail with
 * BARO_ECORRUPT.
 */
int wal_next_series(struct reader *rd, series_ref *ret, struct wal_labels *labels,
                    struct baro_error *err);
int wal_next_metadata(struct reader *rd, series_ref *ret, struct metadata *ret_metadata,
                      struct baro_error *err);

/* Zero it at the start of a record. */
struct wal_exemplar_base {
    bool is_set;
    series_ref ref;
    ts t;
};
int wal_next_exemplar(struct reader *rd, struct wal_exemplar_base *base, series_ref *ret,
                      struct exemplar *ret_exemplar, struct wal_labels *labels,
                      struct baro_error *err);

/* Samples in columns, reused from record to record. */
struct wal_samples {
    series_ref *refs;
    ts *t;
    double *v;
    ts *st; /* start timestamps, 0 = unknown; NULL after a record that has none */
    size_t count;
    size_t capacity;
    ts *st_room;
};
void wal_samples_done(struct wal_samples *samples);

/* wal_read_samples reads a whole record of either version. Fails with BARO_ECORRUPT, or -ENOMEM. */
int wal_read_samples(str record, struct wal_samples *ret, struct baro_error *err);

/* wal_read_min_valid_time reads the time before which a checkpoint holds nothing. */
int wal_read_min_valid_time(str record, ts *ret, struct baro_error *err);
