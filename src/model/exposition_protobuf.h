/*
 * exposition_protobuf: the protobuf format of targets: MetricFamily messages of
 * io.prometheus.client, each behind its length. It is the only one that carries native histograms.
 *
 * It yields the events of the text formats, one metric after the other, and EXPOSITION_HISTOGRAM
 * for a native histogram. Series come with `raw` bytes that name them (no text), so that a scrape
 * loop knows them again; they live in the parser until the next event, as histograms do. Labels are
 * not looked at until exposition_protobuf_labels is called. Summaries and classic histograms are
 * spread into their series in the order _count, _sum, quantiles or buckets; a missing +Inf bucket
 * is made. Source: Prometheus 3, model/textparse; docs/formats/exposition-protobuf.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/vec.h"
#include "codec/bytes.h"
#include "model/exposition.h"
#include "model/histogram.h"
#include "model/labels_builder.h"

struct exposition_protobuf_options {
    bool takes_native;  /* native histograms are read; otherwise they count as classic ones */
    bool keeps_classic; /* the buckets of native histograms that have classic ones as well come too
                         */
};

/* What a metric says, by the kind of its family; private. */
struct protobuf_quantile {
    double at;
    double value;
};

struct protobuf_bucket {
    double upper;
    uint64_t count;
    double count_float;
    str exemplar;
};

struct protobuf_side {
    VEC(struct histogram_span) spans;
    VEC(int64_t) deltas;
    VEC(double) counts;
};

struct protobuf_metric {
    struct buf labels; /* its LabelPair messages, each behind its length */
    double value;
    bool has_timestamp;
    ts t;
    ts st; /* created; 0 = unknown */
    str exemplar;
    uint64_t count;
    double count_float;
    double sum;
    VEC(struct protobuf_quantile) quantiles;
    VEC(struct protobuf_bucket) buckets;
    VEC(str) exemplars;
    int32_t schema;
    double zero_threshold;
    uint64_t zero_count;
    double zero_count_float;
    struct protobuf_side negative;
    struct protobuf_side positive;
};

/* Zeroed, then exposition_protobuf_init; reusable. `histogram` and `st` belong to the last event.
 */
struct exposition_protobuf {
    const struct histogram *histogram; /* of EXPOSITION_HISTOGRAM */
    ts st;                             /* when the counting began; 0 = unknown */

    struct exposition_protobuf_options options; /* private from here on */
    struct reader body;
    struct reader family; /* the metrics of the family at hand */
    str name;
    str help;
    str unit;
    enum metric_type type;
    bool has_help;
    int step;
    size_t part;            /* the series of the metric that is next */
    str suffix;             /* of the series at hand, behind the name of the family */
    const char *bound_name; /* its label le or quantile; NULL = neither */
    double bound;
    struct protobuf_metric metric;
    struct buf raw;
    struct arena arena; /* of the histogram */
    const str *exemplars;
    size_t exemplar_count;
    size_t exemplar_next;
};

/* exposition_protobuf_init starts at the first family of body, which is borrowed. */
void exposition_protobuf_init(struct exposition_protobuf *parser, str body,
                              struct exposition_protobuf_options options);
void exposition_protobuf_done(struct exposition_protobuf *parser);

/* exposition_protobuf_next gives the next event: its enum exposition_kind, or BARO_EPARSE with the
 * offset of the family that is damaged, or BARO_EINVALID for a histogram that nobody can have
 * counted. */
int exposition_protobuf_next(struct exposition_protobuf *parser, struct exposition_event *ret,
                             struct baro_error *err);

/* exposition_protobuf_labels is exposition_series_labels for the series or histogram at hand. */
int exposition_protobuf_labels(const struct exposition_protobuf *parser,
                               struct labels_builder *builder, struct arena *arena,
                               struct labels *ret, struct baro_error *err);

struct exposition_exemplar {
    struct labels labels; /* the builder's; valid until its next change */
    double value;
    bool has_timestamp;
    ts t;
};

/* exposition_protobuf_exemplar gives the next exemplar of the event at hand: 1, or 0 when there are
 * no more; fails with BARO_EPARSE. Those of native histograms all have a timestamp. */
int exposition_protobuf_exemplar(struct exposition_protobuf *parser, struct labels_builder *builder,
                                 struct exposition_exemplar *ret, struct baro_error *err);
