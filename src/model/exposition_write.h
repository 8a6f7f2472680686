/*
 * exposition_write: Prometheus text 0.0.4 and the protobuf format out, for /federate. Lines look as
 * those of Prometheus's own encoder (prometheus/common expfmt). Failure is the sticky one of the
 * buf.
 */
#pragma once

#include "base/buf.h"
#include "base/dur.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/sample.h"

/* exposition_write_type appends "# TYPE NAME TYPE"; METRIC_UNKNOWN is "untyped", and the types that
 * only OpenMetrics has too. */
void exposition_write_type(struct buf *buf, str name, enum metric_type type);

/*
 * exposition_write_sample appends one line: name, the labels in the order given (those named
 * __name__ are left out, empty values are written), the value, and the timestamp unless `t` is
 * NULL. Names that are not legacy are quoted: {"name","label"="value"}.
 */
void exposition_write_sample(struct buf *buf, str name, struct labels labels, double value,
                             const ts *t);

/* exposition_write_classic appends a histogram with custom buckets as a classic one: a line for
 * each bound and +Inf, then _sum and _count. */
void exposition_write_classic(struct buf *buf, str name, struct labels labels,
                              const struct histogram *h, const ts *t);

/* The bounds of a histogram with custom buckets, each with the count up to it, +Inf left out. */
struct exposition_bounds {
    struct histogram_cursor at;
    const struct histogram *h;
    bool has_bucket;
    uint32_t next;
    double count;
};
struct exposition_bounds exposition_bounds_over(const struct histogram *h);
bool exposition_bounds_next(struct exposition_bounds *bounds, double *ret_bound, double *ret_count);

/* The numbers are those of io.prometheus.client.MetricType. */
enum exposition_proto_type {
    EXPOSITION_PROTO_UNTYPED = 3,
    EXPOSITION_PROTO_HISTOGRAM = 4,
    EXPOSITION_PROTO_GAUGE_HISTOGRAM = 5,
};

/* Families of the protobuf format, one after another: begin, metrics, end, which appends it,
 * delimited. Zeroed at first. Histograms go out with counts that are floats, those with custom
 * buckets as classic ones; a label with the name __name__ is left out. */
struct exposition_proto {
    struct buf family; /* private: the messages that are being made */
    struct buf metric;
    struct buf value;
    struct buf part;
};
void exposition_proto_begin(struct exposition_proto *proto, str name,
                            enum exposition_proto_type type);
void exposition_proto_float(struct exposition_proto *proto, struct labels labels, double v, ts t);
void exposition_proto_histogram(struct exposition_proto *proto, struct labels labels,
                                const struct histogram *h, ts t);
void exposition_proto_end(struct exposition_proto *proto, struct buf *out);
void exposition_proto_done(struct exposition_proto *proto);
