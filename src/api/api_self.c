/*
 * The program's own metrics as JSON, for who has no parser of expositions: the protobuf model of
 * metrics (io.prometheus.client.MetricFamily) in protobuf's JSON form, as Prometheus has it since
 * 3.12. They are read back from the text that /metrics has, so both tell the same.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/api_priv.h"
#include "model/exposition.h"

struct family {
    str name;
    str json;
};

struct gather {
    struct api_call *call;
    struct exposition parser;
    struct labels_builder builder;
    const struct regex *filter; /* NULL = all */
    VEC(struct family) families;

    /* The family that is being read; name.ptr NULL before the first. */
    str name;
    str help;
    enum metric_type type;
    struct buf text;
    struct json_writer json;

    /* The metric of it, when it has several lines. */
    struct labels labels; /* without le and quantile */
    bool is_open;
    double count;
    double sum;
    struct buf parts_text;
    struct json_writer parts; /* its buckets or quantiles */
};

/* ---- writing ---- */

static void write_double(struct json_writer *json, str key, double value)
{
    if (isfinite(value)) {
        json_write_pair_number(json, key, value);
    } else {
        json_write_pair_str(json, key,
                            isnan(value) ? STR("NaN")
                            : value > 0  ? STR("Infinity")
                                         : STR("-Infinity"));
    }
}

/* 64-bit integers are strings in protobuf's JSON. */
static void write_count(struct json_writer *json, str key, double value)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%.0f", value);
    json_write_pair_str(json, key, str_from(text));
}

static void write_labels(struct json_writer *json, struct labels labels)
{
    if (labels.count == 0) {
        return;
    }
    json_write_key(json, STR("label"));
    json_write_array_begin(json);
    for (size_t i = 0; i < labels.count; i++) {
        json_write_object_begin(json);
        json_write_pair_str(json, STR("name"), labels.items[i].name);
        json_write_pair_str(json, STR("value"), labels.items[i].value);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

static void write_single(struct gather *gather, double value)
{
    str key = gather->type == METRIC_COUNTER ? STR("counter")
              : gather->type == METRIC_GAUGE ? STR("gauge")
                                             : STR("untyped");

    json_write_object_begin(&gather->json);
    write_labels(&gather->json, gather->labels);
    json_write_key(&gather->json, key);
    json_write_object_begin(&gather->json);
    write_double(&gather->json, STR("value"), value);
    json_write_object_end(&gather->json);
    json_write_object_end(&gather->json);
}

/* Ends a metric of several lines. */
static void close_metric(struct gather *gather)
{
    bool is_histogram = gather->type == METRIC_HISTOGRAM;
    struct json_writer *json = &gather->json;

    if (!gather->is_open) {
        return;
    }
    gather->is_open = false;
    json_write_array_end(&gather->parts);
    json_write_object_begin(json);
    write_labels(json, gather->labels);
    json_write_key(json, is_histogram ? STR("histogram") : STR("summary"));
    json_write_object_begin(json);
    write_count(json, STR("sampleCount"), gather->count);
    write_double(json, STR("sampleSum"), gather->sum);
    if (gather->parts_text.len > 2) {
        json_write_key(json, is_histogram ? STR("bucket") : STR("quantile"));
        json_write_raw(json, buf_view(&gather->parts_text));
    }
    json_write_object_end(json);
    json_write_object_end(json);
}

/* ---- reading ---- */

static bool is_wanted(const struct gather *gather)
{
    return gather->filter == NULL || regex_match(gather->filter, gather->name);
}

static void close_family(struct gather *gather)
{
    if (gather->name.ptr == NULL) {
        return;
    }
    close_metric(gather);
    json_write_array_end(&gather->json);
    json_write_object_end(&gather->json);
    if (is_wanted(gather)) {
        vec_push(
            &gather->families,
            (struct family){gather->name, arena_str(gather->call->arena, buf_view(&gather->text))});
    }
    gather->name = STR_NULL;
}

/* HELP comes before TYPE in what we write. */
static void open_family(struct gather *gather, str name, enum metric_type type)
{
    static const char *const words[] = {
        [METRIC_COUNTER] = "COUNTER",
        [METRIC_GAUGE] = "GAUGE",
        [METRIC_HISTOGRAM] = "HISTOGRAM",
        [METRIC_SUMMARY] = "SUMMARY",
    };
    const char *word = (size_t)type < ARRAY_COUNT(words) ? words[type] : NULL;

    gather->name = name;
    gather->type = type;
    buf_reset(&gather->text);
    gather->json = json_write_over(&gather->text);
    json_write_object_begin(&gather->json);
    json_write_pair_str(&gather->json, STR("name"), name);
    json_write_pair_str(&gather->json, STR("help"), gather->help);
    json_write_pair_str(&gather->json, STR("type"), str_from(word != NULL ? word : "UNTYPED"));
    json_write_key(&gather->json, STR("metric"));
    json_write_array_begin(&gather->json);
}

/* The labels without the name and without `part` (le, quantile), whose value is told. */
static struct labels base_labels(struct gather *gather, struct labels labels, str part,
                                 str *ret_part)
{
    struct label *items = ARENA_ARRAY(gather->call->arena, struct label, labels.count + 1);
    size_t count = 0;

    *ret_part = STR_NULL;
    for (size_t i = 0; i < labels.count; i++) {
        if (str_eq(labels.items[i].name, part)) {
            *ret_part = labels.items[i].value;
        } else if (!str_eq(labels.items[i].name, LABEL_METRIC_NAME)) {
            items[count++] = labels.items[i];
        }
    }
    return (struct labels){items, count};
}

static void open_metric(struct gather *gather, struct labels base)
{
    if (gather->is_open && labels_eq(base, gather->labels)) {
        return;
    }
    close_metric(gather);
    gather->is_open = true;
    gather->labels = labels_copy(gather->call->arena, base);
    gather->count = 0;
    gather->sum = 0;
    buf_reset(&gather->parts_text);
    gather->parts = json_write_over(&gather->parts_text);
    json_write_array_begin(&gather->parts);
}

/* The bucket of all is the count; the model leaves it out. */
static void add_part(struct gather *gather, str limit, double value)
{
    bool is_histogram = gather->type == METRIC_HISTOGRAM;
    double bound = 0;

    if (!num_parse_double(limit, &bound) || (is_histogram && isinf(bound))) {
        return;
    }
    json_write_object_begin(&gather->parts);
    if (is_histogram) {
        write_count(&gather->parts, STR("cumulativeCount"), value);
        write_double(&gather->parts, STR("upperBound"), bound);
    } else {
        write_double(&gather->parts, STR("quantile"), bound);
        write_double(&gather->parts, STR("value"), value);
    }
    json_write_object_end(&gather->parts);
}

static void take_series(struct gather *gather, struct labels labels, double value)
{
    bool is_histogram = gather->type == METRIC_HISTOGRAM;
    str name = labels_get(labels, LABEL_METRIC_NAME);
    str suffix = str_from_index(name, gather->name.len);
    str part = STR_NULL;
    struct labels base =
        base_labels(gather, labels, is_histogram ? STR("le") : STR("quantile"), &part);

    if (!is_histogram && gather->type != METRIC_SUMMARY) {
        gather->labels = base;
        write_single(gather, value);
        return;
    }
    open_metric(gather, base);
    if (str_eq(suffix, STR("_sum"))) {
        gather->sum = value;
    } else if (str_eq(suffix, STR("_count"))) {
        gather->count = value;
    } else {
        add_part(gather, part, value);
    }
}

static int take_event(struct gather *gather, const struct exposition_event *event, int kind,
                      struct baro_error *err)
{
    struct arena *arena = gather->call->arena;
    struct labels labels = {0};
    int r;

    if (kind == EXPOSITION_HELP) {
        close_family(gather);
        gather->help = exposition_unescape(&gather->parser, event->text, arena);
        return 0;
    }
    if (kind == EXPOSITION_TYPE) {
        close_family(gather);
        open_family(gather, event->name, event->type);
        gather->help = STR("");
        return 0;
    }
    if (kind != EXPOSITION_SERIES || gather->name.ptr == NULL) {
        return 0;
    }
    r = exposition_series_labels(&gather->parser, event, &gather->builder, arena, &labels, err);
    if (r >= 0) {
        take_series(gather, labels, event->value);
    }
    return r;
}

static int gather_all(struct gather *gather, str body, struct baro_error *err)
{
    struct exposition_event event;
    int kind;

    exposition_init(&gather->parser, body, EXPOSITION_TEXT);
    while ((kind = exposition_next(&gather->parser, &event, err)) > EXPOSITION_END) {
        int r = take_event(gather, &event, kind, err);

        if (r < 0) {
            return r;
        }
    }
    close_family(gather);
    return kind;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct family *)a)->name, ((const struct family *)b)->name);
}

static int answer(struct gather *gather)
{
    struct api_call *call = gather->call;
    struct baro_error err = {0};
    struct buf body = {0};
    int r;

    api_metrics_write(call, &body);
    gather->help = STR("");
    r = body.failed ? error_set(&err, BARO_ELIMIT, "no memory")
                    : gather_all(gather, buf_view(&body), &err);
    if (r < 0) {
        r = api_fail(call, API_INTERNAL, "error gathering self metrics: %s", err.message);
    } else {
        if (gather->families.count > 0) {
            qsort(gather->families.items, gather->families.count, sizeof(struct family), by_name);
        }
        json_write_array_begin(&call->json);
        for (size_t i = 0; i < gather->families.count; i++) {
            json_write_raw(&call->json, gather->families.items[i].json);
        }
        json_write_array_end(&call->json);
    }
    buf_done(&body);
    return r;
}

int api_status_self_metrics(struct api_call *call)
{
    CLEANUP(regex_freep) struct regex *filter = NULL;
    str pattern = form_get(&call->form, STR("metric_name_pattern"));
    struct gather gather = {.call = call};
    struct baro_error err = {0};
    int r;

    if (pattern.len > 0 && regex_new(pattern, true, &filter, &err) < 0) {
        return api_fail(call, API_BAD_DATA, "invalid metric_name_pattern: %s", err.message);
    }
    gather.filter = filter;
    r = answer(&gather);
    vec_done(&gather.families);
    buf_done(&gather.text);
    buf_done(&gather.parts_text);
    labels_builder_done(&gather.builder);
    return r;
}
