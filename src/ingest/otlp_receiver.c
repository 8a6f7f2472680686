#include "ingest/otlp_receiver.h"

#include "base/mem.h"
#include "ingest/otlp_priv.h"

enum { NS_PER_MS = 1000000 };

static int damaged(struct baro_error *err)
{
    return error_set(err, BARO_EPARSE, "OTLP: the message is damaged");
}

void otlp_receipt_done(struct otlp_receipt *receipt)
{
    buf_done(&receipt->message);
}

/* ---- faults ---- */

void otlp_note(struct otlp_taking *taking, const char *what, str name)
{
    struct buf *message = &taking->receipt->message;

    if (taking->faults++ >= OTLP_FAULTS_MAX) {
        return;
    }
    buf_c(message, message->len > 0 ? "\n" : "");
    buf_printf(message, "%s for metric \"%.*s\"", what, STR_ARG(str_slice(name, 0, 256)));
}

/* The name of the metric that begins at an offset of the body. */
static str name_at(const struct otlp_taking *taking, uint64_t offset)
{
    struct reader rd = reader_over(str_from_index(taking->body, (size_t)offset));
    struct protobuf_field field = {0};

    while (protobuf_next(&rd, &field)) {
        if (field.number == METRIC_NAME) {
            return protobuf_bytes(&rd, &field);
        }
    }
    return STR("");
}

/* Samples of target_info (tag 0) may well be there already, later ones too. */
static void settled(void *context, uint64_t tag, enum append_status status,
                    const struct histogram *h)
{
    struct otlp_taking *taking = context;
    struct baro_error err = {0};

    if (status == APPEND_OK) {
        taking->receipt->samples++;
    } else if (tag != 0) {
        const bool is_told = status == APPEND_INVALID && h != NULL && histogram_check(h, &err) < 0;

        otlp_note(taking, is_told ? err.message : append_status_text(status), name_at(taking, tag));
    }
}

/* ---- metrics ---- */

/* One metric as it comes. */
struct raw_metric {
    str name;
    str description;
    str unit;
    uint32_t kind; /* the field of its data; 0 = none */
    str data;
    uint64_t temporality;
    bool is_monotonic;
};

static bool is_data(uint32_t number)
{
    return number == METRIC_DATA_GAUGE || number == METRIC_DATA_SUM ||
           number == METRIC_DATA_HISTOGRAM || number == METRIC_DATA_EXPONENTIAL ||
           number == METRIC_DATA_SUMMARY;
}

/* Temporality and the like, and the times of the points, which target_info spans. */
static void read_data(struct otlp_taking *taking, struct reader *outer, struct raw_metric *metric)
{
    struct reader rd = reader_over(metric->data);
    struct protobuf_field field = {0};

    while (protobuf_next(&rd, &field)) {
        if (field.number == DATA_TEMPORALITY) {
            metric->temporality = protobuf_uint(&rd, &field);
        } else if (field.number == DATA_MONOTONIC) {
            metric->is_monotonic = protobuf_uint(&rd, &field) != 0;
        } else if (field.number == DATA_POINTS) {
            struct reader point = reader_over(protobuf_bytes(&rd, &field));
            uint64_t time = 0;

            while (protobuf_next(&point, &field)) {
                time = field.number == POINT_TIME ? protobuf_fixed64(&point, &field) : time;
            }
            rd.failed = rd.failed || point.failed;
            taking->first_time = time < taking->first_time ? time : taking->first_time;
            taking->last_time = time > taking->last_time ? time : taking->last_time;
        }
    }
    protobuf_fail_with(outer, &rd);
}

static bool read_metric(struct otlp_taking *taking, str message, struct raw_metric *ret)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};

    *ret = (struct raw_metric){.name = STR(""), .description = STR(""), .unit = STR("")};
    while (protobuf_next(&rd, &field)) {
        if (field.number == METRIC_NAME) {
            ret->name = protobuf_bytes(&rd, &field);
        } else if (field.number == METRIC_DESCRIPTION) {
            ret->description = protobuf_bytes(&rd, &field);
        } else if (field.number == METRIC_UNIT) {
            ret->unit = protobuf_bytes(&rd, &field);
        } else if (is_data(field.number)) {
            ret->kind = field.number;
            ret->data = protobuf_bytes(&rd, &field);
        }
    }
    if (ret->kind != 0) {
        read_data(taking, &rd, ret);
    }
    return !rd.failed;
}

static bool has_temporality(const struct raw_metric *metric)
{
    return metric->kind != METRIC_DATA_GAUGE && metric->kind != METRIC_DATA_SUMMARY;
}

static enum otlp_type naming_type(const struct raw_metric *metric)
{
    return metric->kind == METRIC_DATA_GAUGE ? OTLP_GAUGE
           : metric->kind != METRIC_DATA_SUM ? OTLP_OTHER
           : metric->is_monotonic            ? OTLP_COUNTER
                                             : OTLP_SUM;
}

/* There is no type for deltas. */
static enum metric_type metadata_type(const struct raw_metric *metric)
{
    if (has_temporality(metric) && metric->temporality == TEMPORALITY_DELTA) {
        return METRIC_UNKNOWN;
    }
    switch (metric->kind) {
    case METRIC_DATA_SUM:
        return metric->is_monotonic ? METRIC_COUNTER : METRIC_GAUGE;
    case METRIC_DATA_HISTOGRAM:
    case METRIC_DATA_EXPONENTIAL:
        return METRIC_HISTOGRAM;
    case METRIC_DATA_SUMMARY:
        return METRIC_SUMMARY;
    default:
        return METRIC_GAUGE;
    }
}

/* Names and metadata; false when the metric was refused. */
static bool prepare_metric(struct otlp_taking *taking, const struct raw_metric *metric)
{
    const struct otlp_options *options = taking->options;

    if (metric->kind == 0) {
        otlp_note(taking, "unsupported metric type", metric->name);
        return false;
    }
    if (metric->name.len > OTLP_NAME_BYTES_MAX || metric->unit.len > OTLP_NAME_BYTES_MAX) {
        otlp_note(taking, "name or unit is longer than 4096 bytes", metric->name);
        return false;
    }
    if (has_temporality(metric) && metric->temporality != TEMPORALITY_CUMULATIVE &&
        !(options->takes_deltas && metric->temporality == TEMPORALITY_DELTA)) {
        otlp_note(taking, "invalid temporality and type combination", metric->name);
        return false;
    }
    taking->name = otlp_metric_name(&taking->arena, &options->naming, metric->name, metric->unit,
                                    naming_type(metric));
    if (taking->name.ptr == NULL || !utf8_is_valid(taking->name)) {
        otlp_note(taking, "nothing is left of the name", metric->name);
        return false;
    }
    taking->metadata = (struct metadata){
        .type = metadata_type(metric),
        .unit = otlp_unit_name(&taking->arena, metric->unit, false),
        .help = metric->description,
    };
    taking->is_delta = has_temporality(metric) && metric->temporality == TEMPORALITY_DELTA;
    taking->has_exemplars = metric->kind != METRIC_DATA_GAUGE;
    return true;
}

static int take_metric(struct otlp_taking *taking, str message, struct baro_error *err)
{
    struct raw_metric metric;

    arena_reset(&taking->arena);
    taking->metric_offset = (uint32_t)(message.ptr - taking->body.ptr);
    if (!read_metric(taking, message, &metric)) {
        return damaged(err);
    }
    return prepare_metric(taking, &metric) ? otlp_points_take(taking, metric.kind, metric.data, err)
                                           : 0;
}

/* ---- resources ---- */

/* Scope and schema may stand behind the metrics. */
static int take_scope(struct otlp_taking *taking, str message, struct baro_error *err)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    str scope = STR(""), schema_url = STR("");
    int r;

    while (protobuf_next(&rd, &field)) {
        if (field.number == SCOPE_METRICS_SCOPE) {
            scope = protobuf_bytes(&rd, &field);
        } else if (field.number == SCOPE_METRICS_SCHEMA_URL) {
            schema_url = protobuf_bytes(&rd, &field);
        }
    }
    r = rd.failed ? damaged(err) : otlp_labels_scope(taking, scope, schema_url, err);
    if (r == BARO_EINVALID) {
        otlp_note(taking, err->message, STR("otel_scope_"));
        return 0;
    }
    rd = reader_over(message);
    while (r >= 0 && protobuf_next(&rd, &field)) {
        if (field.number == SCOPE_METRICS_METRICS) {
            const str metric = protobuf_bytes(&rd, &field);

            r = rd.failed ? damaged(err) : take_metric(taking, metric, err);
        }
    }
    return r < 0 ? r : rd.failed ? damaged(err) : 0;
}

static int read_resource(struct otlp_taking *taking, str message, struct baro_error *err)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};

    arena_reset(&taking->resource_arena);
    vec_reset(&taking->resource);
    while (protobuf_next(&rd, &field)) {
        if (field.number == RESOURCE_ATTRIBUTES) {
            (void)otlp_attributes_read(&rd, &field, &taking->resource_arena, &taking->resource);
        }
    }
    return rd.failed ? error_set(err, BARO_EPARSE,
                                 "OTLP: a resource is damaged, or has too many attributes")
                     : otlp_labels_resource(taking, err);
}

static int add_target_sample(struct otlp_taking *taking, ts t, struct baro_error *err)
{
    static const struct label none = {{NULL, 0}, {NULL, 0}};
    const struct sample sample = {.t = t, .v = 1};
    series_ref ref = 0;

    return otlp_series_add(taking, taking->name, none, &sample, &ref, err);
}

/* target_info has samples from the first to the last point of the resource, so close that a query
 * finds one at any time between. */
static int take_target_info(struct otlp_taking *taking, struct baro_error *err)
{
    const dur step = taking->options->lookback / 2;
    const ts end = (ts)(taking->last_time / NS_PER_MS);
    ts t = (ts)(taking->first_time / NS_PER_MS);
    bool has_one = false;
    int r;

    arena_reset(&taking->point_arena);
    taking->metric_offset = 0;
    taking->name = STR("target_info");
    taking->metadata = (struct metadata){METRIC_GAUGE, STR(""), STR("Target metadata")};
    r = otlp_labels_target(taking, &has_one, err);
    r = r < 0 || !has_one ? r : append_columns_kind(&taking->columns, false, err);
    if (r < 0 || !has_one) {
        return r;
    }
    if (step > 0 && end - t > step * OTLP_TARGET_INFO_MAX) {
        t = end - step * OTLP_TARGET_INFO_MAX;
    }
    for (; step > 0 && r >= 0 && t < end; t += step) {
        r = add_target_sample(taking, t, err);
    }
    return r < 0 ? r : add_target_sample(taking, end, err);
}

/* The resource may stand behind its metrics. */
static int take_resource(struct otlp_taking *taking, str message, struct baro_error *err)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    str resource = STR("");
    int r;

    while (protobuf_next(&rd, &field)) {
        if (field.number == RESOURCE_METRICS_RESOURCE) {
            resource = protobuf_bytes(&rd, &field);
        }
    }
    r = rd.failed ? damaged(err) : read_resource(taking, resource, err);
    if (r == BARO_EINVALID) {
        otlp_note(taking, err->message, STR("target_info"));
        return 0;
    }
    taking->first_time = UINT64_MAX;
    taking->last_time = 0;
    rd = reader_over(message);
    while (r >= 0 && protobuf_next(&rd, &field)) {
        if (field.number == RESOURCE_METRICS_SCOPE_METRICS) {
            r = take_scope(taking, protobuf_bytes(&rd, &field), err);
        }
    }
    r = r < 0 ? r : rd.failed ? damaged(err) : 0;
    r = r < 0 || taking->first_time == UINT64_MAX ? r : take_target_info(taking, err);
    if (r == BARO_EINVALID) {
        otlp_note(taking, err->message, taking->name);
        return 0;
    }
    return r;
}

static void receipt_reset(struct otlp_receipt *receipt)
{
    struct buf message = receipt->message;

    buf_reset(&message);
    *receipt = (struct otlp_receipt){.message = message};
}

static int take_body(void *context, struct baro_error *err)
{
    struct otlp_taking *taking = context;
    struct reader rd = reader_over(taking->body);
    struct protobuf_field field = {0};
    int r = taking->body.len >= UINT32_MAX ? damaged(err) : 0;

    receipt_reset(taking->receipt);
    taking->faults = 0;
    taking->label_bytes = 0;
    while (r >= 0 && protobuf_next(&rd, &field)) {
        if (field.number == EXPORT_RESOURCE_METRICS) {
            r = take_resource(taking, protobuf_bytes(&rd, &field), err);
        }
    }
    return r >= 0 && rd.failed ? damaged(err) : r;
}

/* ---- requests ---- */

static void taking_free(struct otlp_taking *taking)
{
    append_columns_done(&taking->columns);
    arena_done(&taking->resource_arena);
    arena_done(&taking->arena);
    arena_done(&taking->point_arena);
    vec_done(&taking->resource);
    vec_done(&taking->promoted);
    vec_done(&taking->scope);
    vec_done(&taking->attributes);
    vec_done(&taking->exemplars);
    labels_builder_done(&taking->base);
    labels_builder_done(&taking->series);
    otlp_histogram_done(&taking->histogram);
    (void)mem_free(taking);
}

static void conclude(struct otlp_taking *taking, int r, const struct baro_error *err)
{
    struct otlp_receipt *receipt = taking->receipt;

    if (r < 0) {
        receipt_reset(receipt);
        receipt->status = r == BARO_EPARSE || r == BARO_EUNSUPPORTED ? 400 : 503;
        buf_c(&receipt->message, err->message);
        return;
    }
    receipt->status = taking->faults > 0 ? 400 : 200;
    if (taking->faults > OTLP_FAULTS_MAX) {
        buf_printf(&receipt->message, "\nand %zu more", taking->faults - OTLP_FAULTS_MAX);
    }
}

void otlp_receiver_take(const struct otlp_options *options, str body, struct otlp_receipt *ret)
{
    struct otlp_taking *taking = MEM_NEW(struct otlp_taking);
    struct appender *appender = options->appendable->appender(options->appendable);
    struct baro_error err = {0};
    int r;

    taking->options = options;
    taking->receipt = ret;
    taking->body = body;
    taking->columns.appender = appender;
    taking->columns.settled = settled;
    taking->columns.context = taking;
    r = append_columns_run(&taking->columns, take_body, &err);
    conclude(taking, r, &err);
    appender->ops->free(appender);
    taking_free(taking);
}
