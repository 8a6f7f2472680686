/*
 * otlp_priv: what the parts of the receiver share: otlp_receiver.c walks the request, otlp_labels.c
 * makes labels, otlp_points.c appends numbers, summaries and classic histograms, otlp_histogram.c
 * makes native histograms.
 */
#pragma once

#include "base/vec.h"
#include "codec/protobuf.h"
#include "ingest/otlp_fields.h"
#include "ingest/otlp_receiver.h"
#include "model/labels_builder.h"
#include "storage/append_columns.h"

typedef VEC(struct label) otlp_labels;
typedef VEC(uint64_t) otlp_numbers; /* or doubles, as their bits */

/* A HistogramDataPoint, its attributes and exemplars left out. Zeroed first; reused. */
struct otlp_histogram {
    bool has_sum;
    double sum;
    uint64_t count;
    otlp_numbers bounds;
    otlp_numbers buckets;
};

/* One request on its way. */
struct otlp_taking {
    const struct otlp_options *options;
    struct otlp_receipt *receipt;
    struct append_columns columns;
    size_t faults;
    size_t label_bytes; /* of all series so far */
    str body;

    struct arena resource_arena; /* of the resource and scope */
    otlp_labels resource;        /* attributes as they came */
    otlp_labels promoted;
    str job;
    str instance;
    otlp_labels scope;   /* labels; none when scopes are not promoted */
    uint64_t first_time; /* of all points of the resource, in ns; UINT64_MAX = none */
    uint64_t last_time;

    struct arena arena;     /* of the metric */
    uint32_t metric_offset; /* of the metric in the body; 0 = target_info */
    str name;               /* in Prometheus */
    struct metadata metadata;
    bool is_delta;
    bool has_exemplars; /* all kinds but gauges */

    struct arena point_arena;
    otlp_labels attributes;       /* of the point */
    struct labels_builder base;   /* labels of the point, without name */
    struct labels_builder series; /* of one of its series */
    VEC(struct exemplar) exemplars;
    struct otlp_histogram histogram;
};

/* What all kinds of points have. */
struct otlp_point {
    ts t;
    ts st;
    bool is_stale;
};

/* otlp_note tells of a fault: "WHAT for metric NAME". */
void otlp_note(struct otlp_taking *taking, const char *what, str name);

/* ---- otlp_labels.c ---- */

/* otlp_labels_spend counts what a series or a point has; fails with BARO_EPARSE when
 * that is too much for one request. */
int otlp_labels_spend(struct otlp_taking *taking, size_t bytes, struct baro_error *err);

/* These fail with BARO_EPARSE when a message is damaged, with BARO_EINVALID when a name cannot be a
 * label's. otlp_labels_point makes the labels of a point, without its name, of its attributes. */
int otlp_attributes_read(struct reader *rd, const struct protobuf_field *field, struct arena *arena,
                         otlp_labels *ret);
int otlp_labels_resource(struct otlp_taking *taking, struct baro_error *err);
int otlp_labels_scope(struct otlp_taking *taking, str scope, str schema_url,
                      struct baro_error *err);
int otlp_labels_point(struct otlp_taking *taking, struct baro_error *err);
int otlp_labels_target(struct otlp_taking *taking, bool *ret_has_one, struct baro_error *err);

/* ---- otlp_points.c ---- */

/* otlp_points_take appends the points of one metric, whose data is `kind` (a field of Metric). Only
 * what ends the request fails. */
int otlp_points_take(struct otlp_taking *taking, uint32_t kind, str data, struct baro_error *err);

/* otlp_series_add appends one sample of the series with the point's labels, `name` and one more
 * label when its name is not empty. */
int otlp_series_add(struct otlp_taking *taking, str name, struct label more,
                    const struct sample *sample, series_ref *ret, struct baro_error *err);

/* otlp_value_or_stale is the value of a point, or the stale marker. */
static inline double otlp_value_or_stale(const struct otlp_point *point, double value)
{
    return point->is_stale ? value_stale() : value;
}

/* ---- otlp_histogram.c ---- */

void otlp_histogram_done(struct otlp_histogram *histogram);

/* otlp_histogram_read fails with BARO_EPARSE. */
int otlp_histogram_read(str message, struct otlp_histogram *ret, struct baro_error *err);

/* Native histograms of a HistogramDataPoint and of the message ExponentialHistogramDataPoint, in
 * the arena. Fail with BARO_EPARSE when the message is damaged, with BARO_EINVALID when it cannot
 * be one, with BARO_ELIMIT when memory is out. */
int otlp_histogram_custom(const struct otlp_histogram *from, bool is_delta, struct arena *arena,
                          struct histogram **ret, struct baro_error *err);
int otlp_histogram_exponential(str message, bool is_delta, struct arena *arena,
                               struct histogram **ret, struct baro_error *err);
