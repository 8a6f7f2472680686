#include "ingest/otlp_json.h"

#include <math.h>

#include "base/num.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/protobuf.h"
#include "ingest/otlp_fields.h"
#include "model/proto_parts.h"

/* Values hold lists that hold values. */
enum { DEPTH_MAX = 64 };

/* Of a request while it is read: a point takes ten to twenty times its text. */
#define TREE_BYTES_MAX ((size_t)256 << 20)

enum kind {
    KIND_TEXT,
    KIND_BOOL,
    KIND_UINT,  /* uint32, uint64, int64 and enumerations */
    KIND_SINT,  /* sint32 */
    KIND_FIXED, /* fixed64 and sfixed64 */
    KIND_DOUBLE,
    KIND_HEX,
    KIND_BASE64,
    KIND_MESSAGE,
};

struct message;

struct field {
    const char *name;
    const char *snake; /* as in the proto files; NULL where it is the same */
    uint32_t number;
    enum kind kind;
    const struct message *message;
};

struct message {
    const struct field *fields;
    size_t count;
};

#define MESSAGE(name, ...)                                                                         \
    static const struct field name##_fields[] = {__VA_ARGS__};                                     \
    static const struct message name = {name##_fields, ARRAY_COUNT(name##_fields)}

static const struct message any_value;

MESSAGE(key_value, {"key", NULL, PROTO_PAIR_NAME, KIND_TEXT, NULL},
        {"value", NULL, PROTO_PAIR_VALUE, KIND_MESSAGE, &any_value});
MESSAGE(array_value, {"values", NULL, LIST_VALUES, KIND_MESSAGE, &any_value});
MESSAGE(key_values, {"values", NULL, LIST_VALUES, KIND_MESSAGE, &key_value});
static const struct field any_fields[] = {
    {"stringValue", "string_value", ANY_STRING, KIND_TEXT, NULL},
    {"boolValue", "bool_value", ANY_BOOL, KIND_BOOL, NULL},
    {"intValue", "int_value", ANY_INT, KIND_UINT, NULL},
    {"doubleValue", "double_value", ANY_DOUBLE, KIND_DOUBLE, NULL},
    {"arrayValue", "array_value", ANY_ARRAY, KIND_MESSAGE, &array_value},
    {"kvlistValue", "kvlist_value", ANY_KVLIST, KIND_MESSAGE, &key_values},
    {"bytesValue", "bytes_value", ANY_BYTES, KIND_BASE64, NULL},
};
static const struct message any_value = {any_fields, ARRAY_COUNT(any_fields)};

MESSAGE(exemplar,
        {"filteredAttributes", "filtered_attributes", EXEMPLAR_ATTRIBUTES, KIND_MESSAGE,
         &key_value},
        {"timeUnixNano", "time_unix_nano", EXEMPLAR_TIME, KIND_FIXED, NULL},
        {"asDouble", "as_double", EXEMPLAR_DOUBLE, KIND_DOUBLE, NULL},
        {"asInt", "as_int", EXEMPLAR_INT, KIND_FIXED, NULL},
        {"spanId", "span_id", EXEMPLAR_SPAN, KIND_HEX, NULL},
        {"traceId", "trace_id", EXEMPLAR_TRACE, KIND_HEX, NULL});

#define POINT_TIMES                                                                                \
    {"startTimeUnixNano", "start_time_unix_nano", POINT_START, KIND_FIXED, NULL},                  \
    {                                                                                              \
        "timeUnixNano", "time_unix_nano", POINT_TIME, KIND_FIXED, NULL                             \
    }

MESSAGE(number_point, POINT_TIMES,
        {"attributes", NULL, NUMBER_ATTRIBUTES, KIND_MESSAGE, &key_value},
        {"asDouble", "as_double", NUMBER_DOUBLE, KIND_DOUBLE, NULL},
        {"asInt", "as_int", NUMBER_INT, KIND_FIXED, NULL},
        {"exemplars", NULL, NUMBER_EXEMPLARS, KIND_MESSAGE, &exemplar},
        {"flags", NULL, NUMBER_FLAGS, KIND_UINT, NULL});
MESSAGE(histogram_point, POINT_TIMES,
        {"attributes", NULL, HISTOGRAM_ATTRIBUTES, KIND_MESSAGE, &key_value},
        {"count", NULL, HISTOGRAM_COUNT, KIND_FIXED, NULL},
        {"sum", NULL, HISTOGRAM_SUM, KIND_DOUBLE, NULL},
        {"bucketCounts", "bucket_counts", HISTOGRAM_BUCKETS, KIND_FIXED, NULL},
        {"explicitBounds", "explicit_bounds", HISTOGRAM_BOUNDS, KIND_DOUBLE, NULL},
        {"exemplars", NULL, HISTOGRAM_EXEMPLARS, KIND_MESSAGE, &exemplar},
        {"flags", NULL, HISTOGRAM_FLAGS, KIND_UINT, NULL});
MESSAGE(buckets, {"offset", NULL, BUCKETS_OFFSET, KIND_SINT, NULL},
        {"bucketCounts", "bucket_counts", BUCKETS_COUNTS, KIND_UINT, NULL});
MESSAGE(exponential_point, POINT_TIMES,
        {"attributes", NULL, EXPONENTIAL_ATTRIBUTES, KIND_MESSAGE, &key_value},
        {"count", NULL, EXPONENTIAL_COUNT, KIND_FIXED, NULL},
        {"sum", NULL, EXPONENTIAL_SUM, KIND_DOUBLE, NULL},
        {"scale", NULL, EXPONENTIAL_SCALE, KIND_SINT, NULL},
        {"zeroCount", "zero_count", EXPONENTIAL_ZERO_COUNT, KIND_FIXED, NULL},
        {"positive", NULL, EXPONENTIAL_POSITIVE, KIND_MESSAGE, &buckets},
        {"negative", NULL, EXPONENTIAL_NEGATIVE, KIND_MESSAGE, &buckets},
        {"flags", NULL, EXPONENTIAL_FLAGS, KIND_UINT, NULL},
        {"exemplars", NULL, EXPONENTIAL_EXEMPLARS, KIND_MESSAGE, &exemplar});
MESSAGE(quantile, {"quantile", NULL, QUANTILE_QUANTILE, KIND_DOUBLE, NULL},
        {"value", NULL, QUANTILE_VALUE, KIND_DOUBLE, NULL});
MESSAGE(summary_point, POINT_TIMES,
        {"attributes", NULL, SUMMARY_ATTRIBUTES, KIND_MESSAGE, &key_value},
        {"count", NULL, SUMMARY_COUNT, KIND_FIXED, NULL},
        {"sum", NULL, SUMMARY_SUM, KIND_DOUBLE, NULL},
        {"quantileValues", "quantile_values", SUMMARY_QUANTILES, KIND_MESSAGE, &quantile},
        {"flags", NULL, SUMMARY_FLAGS, KIND_UINT, NULL});

#define TEMPORALITY                                                                                \
    {                                                                                              \
        "aggregationTemporality", "aggregation_temporality", DATA_TEMPORALITY, KIND_UINT, NULL     \
    }

MESSAGE(gauge, {"dataPoints", "data_points", DATA_POINTS, KIND_MESSAGE, &number_point});
MESSAGE(sum, {"dataPoints", "data_points", DATA_POINTS, KIND_MESSAGE, &number_point}, TEMPORALITY,
        {"isMonotonic", "is_monotonic", DATA_MONOTONIC, KIND_BOOL, NULL});
MESSAGE(histogram, {"dataPoints", "data_points", DATA_POINTS, KIND_MESSAGE, &histogram_point},
        TEMPORALITY);
MESSAGE(exponential, {"dataPoints", "data_points", DATA_POINTS, KIND_MESSAGE, &exponential_point},
        TEMPORALITY);
MESSAGE(summary, {"dataPoints", "data_points", DATA_POINTS, KIND_MESSAGE, &summary_point});
MESSAGE(metric, {"name", NULL, METRIC_NAME, KIND_TEXT, NULL},
        {"description", NULL, METRIC_DESCRIPTION, KIND_TEXT, NULL},
        {"unit", NULL, METRIC_UNIT, KIND_TEXT, NULL},
        {"gauge", NULL, METRIC_DATA_GAUGE, KIND_MESSAGE, &gauge},
        {"sum", NULL, METRIC_DATA_SUM, KIND_MESSAGE, &sum},
        {"histogram", NULL, METRIC_DATA_HISTOGRAM, KIND_MESSAGE, &histogram},
        {"exponentialHistogram", "exponential_histogram", METRIC_DATA_EXPONENTIAL, KIND_MESSAGE,
         &exponential},
        {"summary", NULL, METRIC_DATA_SUMMARY, KIND_MESSAGE, &summary});
MESSAGE(scope, {"name", NULL, SCOPE_NAME, KIND_TEXT, NULL},
        {"version", NULL, SCOPE_VERSION, KIND_TEXT, NULL},
        {"attributes", NULL, SCOPE_ATTRIBUTES, KIND_MESSAGE, &key_value});
MESSAGE(scope_metrics, {"scope", NULL, SCOPE_METRICS_SCOPE, KIND_MESSAGE, &scope},
        {"metrics", NULL, SCOPE_METRICS_METRICS, KIND_MESSAGE, &metric},
        {"schemaUrl", "schema_url", SCOPE_METRICS_SCHEMA_URL, KIND_TEXT, NULL});
MESSAGE(resource, {"attributes", NULL, RESOURCE_ATTRIBUTES, KIND_MESSAGE, &key_value});
MESSAGE(resource_metrics, {"resource", NULL, RESOURCE_METRICS_RESOURCE, KIND_MESSAGE, &resource},
        {"scopeMetrics", "scope_metrics", RESOURCE_METRICS_SCOPE_METRICS, KIND_MESSAGE,
         &scope_metrics},
        {"schemaUrl", "schema_url", RESOURCE_METRICS_SCHEMA_URL, KIND_TEXT, NULL});
MESSAGE(export_request, {"resourceMetrics", "resource_metrics", EXPORT_RESOURCE_METRICS,
                         KIND_MESSAGE, &resource_metrics});

/* ---- values ---- */

static int bad(struct baro_error *err, const struct field *field, const char *what)
{
    return error_set(err, BARO_EPARSE, "OTLP/JSON: %s: %s", field->name, what);
}

static int read_integer(const struct json *node, const struct field *field, uint64_t *ret,
                        struct baro_error *err)
{
    static const struct {
        const char *name;
        uint64_t value;
    } names[] = {
        {"AGGREGATION_TEMPORALITY_UNSPECIFIED", TEMPORALITY_UNSPECIFIED},
        {"AGGREGATION_TEMPORALITY_DELTA", TEMPORALITY_DELTA},
        {"AGGREGATION_TEMPORALITY_CUMULATIVE", TEMPORALITY_CUMULATIVE},
    };
    const str text = json_text(node);
    int64_t number = 0;

    if (json_int(node, &number) || num_parse_i64(text, &number)) {
        *ret = (uint64_t)number;
        return 0;
    }
    if (num_parse_u64(text, ret)) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (text.ptr != NULL && str_is(text, names[i].name)) {
            *ret = names[i].value;
            return 0;
        }
    }
    return bad(err, field, "an integer is wanted");
}

static int put_double(const struct json *node, const struct field *field, struct buf *out,
                      struct baro_error *err)
{
    const str text = json_text(node);
    double value = json_double(node);

    if (json_kind_of(node) != JSON_KIND_NUMBER &&
        (text.ptr == NULL || !num_parse_decimal(text, &value))) {
        /* Protobuf's JSON has "Infinity" and "NaN" too. */
        if (!str_is(text, "Infinity") && !str_is(text, "-Infinity")) {
            return bad(err, field, "a number is wanted");
        }
        value = text.ptr[0] == '-' ? -INFINITY : INFINITY;
    }
    protobuf_put_double(out, field->number, value);
    return 0;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static int put_hex(const struct json *node, const struct field *field, struct buf *out,
                   struct baro_error *err)
{
    enum { ID_BYTES_MAX = 16 };
    const str text = json_text(node);
    char bytes[ID_BYTES_MAX];

    if (text.ptr == NULL || text.len % 2 != 0 || text.len / 2 > ID_BYTES_MAX) {
        return bad(err, field, "hexadecimal digits are wanted");
    }
    for (size_t i = 0; i < text.len; i += 2) {
        const int high = hex_digit(text.ptr[i]), low = hex_digit(text.ptr[i + 1]);

        if (high < 0 || low < 0) {
            return bad(err, field, "hexadecimal digits are wanted");
        }
        bytes[i / 2] = (char)(high << 4 | low);
    }
    protobuf_put_bytes(out, field->number, str_of(bytes, text.len / 2));
    return 0;
}

static int put_base64(const struct json *node, const struct field *field, struct buf *out,
                      struct baro_error *err)
{
    const str text = json_text(node);
    struct buf bytes = {0};
    size_t at = 0;
    int r = 0;

    if (text.ptr == NULL || !base64_decode(&bytes, text, false, &at)) {
        r = bad(err, field, "base64 is wanted");
    } else {
        protobuf_put_bytes(out, field->number, buf_view(&bytes));
    }
    buf_done(&bytes);
    return r;
}

/* ---- messages ---- */

static int put_message(const struct json *node, const struct message *message, int depth,
                       struct buf *out, struct baro_error *err);

static int put_sub(const struct json *node, const struct field *field, int depth, struct buf *out,
                   struct baro_error *err)
{
    struct buf sub = {0};
    int r = 0;

    if (depth == DEPTH_MAX) {
        return bad(err, field, "values are nested too deeply");
    }
    r = put_message(node, field->message, depth + 1, &sub, err);
    if (r >= 0) {
        protobuf_put_bytes(out, field->number, buf_view(&sub));
        out->failed = out->failed || sub.failed;
    }
    buf_done(&sub);
    return r;
}

static int put_one(const struct json *node, const struct field *field, int depth, struct buf *out,
                   struct baro_error *err)
{
    const str text = json_text(node);
    uint64_t number = 0;
    int r = 0;

    switch (field->kind) {
    case KIND_TEXT:
        if (text.ptr == NULL) {
            return bad(err, field, "a string is wanted");
        }
        protobuf_put_bytes(out, field->number, text);
        return 0;
    case KIND_BOOL:
        if (json_kind_of(node) != JSON_KIND_BOOL) {
            return bad(err, field, "true or false is wanted");
        }
        protobuf_put_uint(out, field->number, json_is_yes(node));
        return 0;
    case KIND_UINT:
    case KIND_SINT:
    case KIND_FIXED:
        r = read_integer(node, field, &number, err);
        if (r >= 0 && field->kind == KIND_UINT) {
            protobuf_put_uint(out, field->number, number);
        } else if (r >= 0 && field->kind == KIND_SINT) {
            protobuf_put_sint(out, field->number, (int64_t)number);
        } else if (r >= 0) {
            protobuf_put_fixed64(out, field->number, number);
        }
        return r;
    case KIND_DOUBLE:
        return put_double(node, field, out, err);
    case KIND_HEX:
        return put_hex(node, field, out, err);
    case KIND_BASE64:
        return put_base64(node, field, out, err);
    case KIND_MESSAGE:
        return put_sub(node, field, depth, out, err);
    }
    return 0;
}

static const struct field *find_field(const struct message *message, str name)
{
    for (size_t i = 0; i < message->count; i++) {
        const struct field *field = &message->fields[i];

        if (str_is(name, field->name) || (field->snake != NULL && str_is(name, field->snake))) {
            return field;
        }
    }
    return NULL;
}

/* Repeated fields are arrays; null is a field that is absent. */
static int put_message(const struct json *node, const struct message *message, int depth,
                       struct buf *out, struct baro_error *err)
{
    void *iterator = NULL;
    const struct json *value = NULL;
    str name = STR_NULL;
    int r = 0;

    if (json_kind_of(node) != JSON_KIND_OBJECT) {
        return error_set(err, BARO_EPARSE, "OTLP/JSON: an object is wanted");
    }
    while (r >= 0 && json_member(node, &iterator, &name, &value)) {
        const struct field *field = find_field(message, name);

        if (field == NULL || json_kind_of(value) == JSON_KIND_NULL) {
            continue;
        }
        if (json_kind_of(value) != JSON_KIND_ARRAY) {
            r = put_one(value, field, depth, out, err);
            continue;
        }
        for (size_t i = 0; r >= 0 && i < json_count(value); i++) {
            r = put_one(json_at(value, i), field, depth, out, err);
        }
    }
    return r;
}

int otlp_json_metrics(str text, struct buf *ret, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    int r;

    if (json_tree_bytes(text) > TREE_BYTES_MAX) {
        return error_set(err, BARO_ELIMIT,
                         "OTLP/JSON: the request would take more than %zu MiB of memory: send less "
                         "at once, or protobuf",
                         TREE_BYTES_MAX >> 20);
    }
    r = json_doc_parse(text, &root, err);
    r = r < 0 ? r : put_message(root, &export_request, 0, ret, err);
    return r >= 0 && ret->failed ? error_set(err, BARO_ELIMIT, "OTLP/JSON: no memory") : r;
}
