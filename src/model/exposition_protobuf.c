#include "model/exposition_protobuf.h"

#include <math.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/num.h"
#include "codec/protobuf.h"
#include "model/exposition_priv.h"
#include "model/exposition_proto_fields.h"
#include "model/proto_parts.h"

enum {
    /* Of one kind in one metric: labels, quantiles, buckets, exemplars. */
    ITEMS_MAX = HISTOGRAM_BUCKETS_MAX,
    REDUCE_STEP = 16, /* schemas at a time: bucket indexes have 32 bits */
};

/* The labels of a metric are part of each of its series: few bytes could make very many. */
#define METRIC_BYTES_MAX ((size_t)64 << 20)

enum step { STEP_FAMILY, STEP_HELP, STEP_TYPE, STEP_UNIT, STEP_METRIC, STEP_PART };

/* The series that a summary or classic histogram begins with. */
enum { PART_COUNT, PART_SUM, PART_FIRST_ITEM };

void exposition_protobuf_init(struct exposition_protobuf *parser, str body,
                              struct exposition_protobuf_options options)
{
    parser->options = options;
    parser->body = reader_over(body);
    parser->step = STEP_FAMILY;
    parser->histogram = NULL;
    parser->exemplar_count = 0;
    parser->exemplar_next = 0;
}

void exposition_protobuf_done(struct exposition_protobuf *parser)
{
    struct protobuf_metric *metric = &parser->metric;
    struct protobuf_side *sides[] = {&metric->negative, &metric->positive};

    buf_done(&metric->labels);
    vec_done(&metric->quantiles);
    vec_done(&metric->buckets);
    vec_done(&metric->exemplars);
    for (size_t i = 0; i < ARRAY_COUNT(sides); i++) {
        vec_done(&sides[i]->spans);
        vec_done(&sides[i]->deltas);
        vec_done(&sides[i]->counts);
    }
    buf_done(&parser->raw);
    arena_done(&parser->arena);
    *parser = (struct exposition_protobuf){0};
}

/* ---- messages ---- */

/* Appends to a bounded list; the message fails beyond the bound. */
#define ITEM_PUSH(rd, vec, ...)                                                                    \
    do {                                                                                           \
        if ((vec)->count == ITEMS_MAX) {                                                           \
            (rd)->failed = true;                                                                   \
        } else {                                                                                   \
            vec_push((vec), __VA_ARGS__);                                                          \
        }                                                                                          \
    } while (0)

/* NaN is what the text formats read: a target cannot send a stale marker. */
static double number(struct reader *rd, const struct protobuf_field *field)
{
    const double value = protobuf_double(rd, field);

    return isnan(value) ? value_from_bits(VALUE_NAN_BITS) : value;
}

static ts read_timestamp(struct reader *outer, str message)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    int64_t seconds = 0;
    int64_t nanos = 0;
    ts t = 0;

    while (protobuf_next(&rd, &field)) {
        if (field.number == TIMESTAMP_SECONDS) {
            seconds = protobuf_int(&rd, &field);
        } else if (field.number == TIMESTAMP_NANOS) {
            nanos = protobuf_int(&rd, &field);
        }
    }
    if (__builtin_mul_overflow(seconds, INT64_C(1000), &t) ||
        __builtin_add_overflow(t, nanos / 1000000, &t)) {
        rd.failed = true;
        t = 0;
    }
    protobuf_fail_with(outer, &rd);
    return t;
}

/* Gauge, Counter or Untyped; only Counter has more than the value. */
static void read_value(struct reader *outer, str message, struct protobuf_metric *metric)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};

    while (protobuf_next(&rd, &field)) {
        if (field.number == VALUE_VALUE) {
            metric->value = number(&rd, &field);
        } else if (field.number == VALUE_EXEMPLAR) {
            metric->exemplar = protobuf_bytes(&rd, &field);
        } else if (field.number == VALUE_CREATED) {
            metric->st = read_timestamp(&rd, protobuf_bytes(&rd, &field));
        }
    }
    protobuf_fail_with(outer, &rd);
}

static struct protobuf_quantile read_quantile(struct reader *outer, str message)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    struct protobuf_quantile quantile = {0};

    while (protobuf_next(&rd, &field)) {
        if (field.number == QUANTILE_QUANTILE) {
            quantile.at = number(&rd, &field);
        } else if (field.number == QUANTILE_VALUE) {
            quantile.value = number(&rd, &field);
        }
    }
    protobuf_fail_with(outer, &rd);
    return quantile;
}

static void read_summary(struct reader *outer, str message, struct protobuf_metric *metric)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};

    while (protobuf_next(&rd, &field)) {
        switch ((enum summary_field)field.number) {
        case SUMMARY_COUNT:
            metric->count = protobuf_uint(&rd, &field);
            break;
        case SUMMARY_SUM:
            metric->sum = number(&rd, &field);
            break;
        case SUMMARY_QUANTILE:
            ITEM_PUSH(&rd, &metric->quantiles, read_quantile(&rd, protobuf_bytes(&rd, &field)));
            break;
        case SUMMARY_CREATED:
            metric->st = read_timestamp(&rd, protobuf_bytes(&rd, &field));
            break;
        }
    }
    protobuf_fail_with(outer, &rd);
}

static struct protobuf_bucket read_bucket(struct reader *outer, str message)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    struct protobuf_bucket bucket = {0};

    while (protobuf_next(&rd, &field)) {
        switch ((enum bucket_field)field.number) {
        case BUCKET_COUNT:
            bucket.count = protobuf_uint(&rd, &field);
            break;
        case BUCKET_UPPER:
            bucket.upper = number(&rd, &field);
            break;
        case BUCKET_EXEMPLAR:
            bucket.exemplar = protobuf_bytes(&rd, &field);
            break;
        case BUCKET_COUNT_FLOAT:
            bucket.count_float = number(&rd, &field);
            break;
        }
    }
    protobuf_fail_with(outer, &rd);
    return bucket;
}

/* The least offset is left out: a bucket has one below it. */
static void read_span(struct reader *rd, const struct protobuf_field *field,
                      struct protobuf_side *side)
{
    const struct histogram_span span = proto_span_read(rd, protobuf_bytes(rd, field));

    rd->failed = rd->failed || span.offset == INT32_MIN;
    ITEM_PUSH(rd, &side->spans, span);
}

static void read_deltas(struct reader *rd, const struct protobuf_field *field,
                        struct protobuf_side *side)
{
    struct protobuf_items items = protobuf_items(rd, field, PROTOBUF_VARINT);
    uint64_t value = 0;

    while (!rd->failed && protobuf_items_next(&items, &value)) {
        ITEM_PUSH(rd, &side->deltas, unzigzag(value));
    }
}

static void read_counts(struct reader *rd, const struct protobuf_field *field,
                        struct protobuf_side *side)
{
    struct protobuf_items items = protobuf_items(rd, field, PROTOBUF_FIXED64);
    uint64_t value = 0;

    while (!rd->failed && protobuf_items_next(&items, &value)) {
        ITEM_PUSH(rd, &side->counts, protobuf_double_of(value));
    }
}

/* The fields of native histograms. */
static void read_native_field(struct reader *rd, const struct protobuf_field *field,
                              struct protobuf_metric *metric)
{
    struct protobuf_side *side =
        field->number < HISTOGRAM_POSITIVE_SPAN ? &metric->negative : &metric->positive;

    switch ((enum histogram_field)field->number) {
    case HISTOGRAM_SCHEMA:
        metric->schema = protobuf_sint32(rd, field);
        break;
    case HISTOGRAM_ZERO_THRESHOLD:
        metric->zero_threshold = number(rd, field);
        break;
    case HISTOGRAM_ZERO_COUNT:
        metric->zero_count = protobuf_uint(rd, field);
        break;
    case HISTOGRAM_ZERO_COUNT_FLOAT:
        metric->zero_count_float = number(rd, field);
        break;
    case HISTOGRAM_NEGATIVE_SPAN:
    case HISTOGRAM_POSITIVE_SPAN:
        read_span(rd, field, side);
        break;
    case HISTOGRAM_NEGATIVE_DELTA:
    case HISTOGRAM_POSITIVE_DELTA:
        read_deltas(rd, field, side);
        break;
    case HISTOGRAM_NEGATIVE_COUNT:
    case HISTOGRAM_POSITIVE_COUNT:
        read_counts(rd, field, side);
        break;
    case HISTOGRAM_COUNT:
    case HISTOGRAM_SUM:
    case HISTOGRAM_BUCKET:
    case HISTOGRAM_COUNT_FLOAT:
    case HISTOGRAM_CREATED:
    case HISTOGRAM_EXEMPLARS:
        break;
    }
}

static void read_histogram(struct reader *outer, str message, struct protobuf_metric *metric)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};

    while (protobuf_next(&rd, &field)) {
        switch (field.number) {
        case HISTOGRAM_COUNT:
            metric->count = protobuf_uint(&rd, &field);
            break;
        case HISTOGRAM_COUNT_FLOAT:
            metric->count_float = number(&rd, &field);
            break;
        case HISTOGRAM_SUM:
            metric->sum = number(&rd, &field);
            break;
        case HISTOGRAM_BUCKET:
            ITEM_PUSH(&rd, &metric->buckets, read_bucket(&rd, protobuf_bytes(&rd, &field)));
            break;
        case HISTOGRAM_CREATED:
            metric->st = read_timestamp(&rd, protobuf_bytes(&rd, &field));
            break;
        case HISTOGRAM_EXEMPLARS:
            ITEM_PUSH(&rd, &metric->exemplars, protobuf_bytes(&rd, &field));
            break;
        default:
            read_native_field(&rd, &field, metric);
            break;
        }
    }
    protobuf_fail_with(outer, &rd);
}

static void metric_reset(struct protobuf_metric *metric)
{
    struct protobuf_side *sides[] = {&metric->negative, &metric->positive};

    buf_reset(&metric->labels);
    vec_reset(&metric->quantiles);
    vec_reset(&metric->buckets);
    vec_reset(&metric->exemplars);
    for (size_t i = 0; i < ARRAY_COUNT(sides); i++) {
        vec_reset(&sides[i]->spans);
        vec_reset(&sides[i]->deltas);
        vec_reset(&sides[i]->counts);
    }
    metric->value = 0;
    metric->has_timestamp = false;
    metric->st = 0;
    metric->exemplar = STR_NULL;
    metric->count = 0;
    metric->count_float = 0;
    metric->sum = 0;
    metric->schema = 0;
    metric->zero_threshold = 0;
    metric->zero_count = 0;
    metric->zero_count_float = 0;
}

static bool is_histogram(enum metric_type type)
{
    return type == METRIC_HISTOGRAM || type == METRIC_GAUGE_HISTOGRAM;
}

/* Reads what the type of the family asks for; the rest of a metric has no meaning. */
static void read_metric(struct reader *outer, str message, enum metric_type type,
                        struct protobuf_metric *metric)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};

    metric_reset(metric);
    while (protobuf_next(&rd, &field)) {
        if (field.number == METRIC_FIELD_LABEL) {
            write_uvarint_bytes(&metric->labels, protobuf_bytes(&rd, &field));
        } else if (field.number == METRIC_FIELD_TIMESTAMP_MS) {
            metric->t = protobuf_int(&rd, &field);
            metric->has_timestamp = metric->t != 0;
        } else if (field.number == METRIC_FIELD_HISTOGRAM && is_histogram(type)) {
            read_histogram(&rd, protobuf_bytes(&rd, &field), metric);
        } else if (field.number == METRIC_FIELD_SUMMARY && type == METRIC_SUMMARY) {
            read_summary(&rd, protobuf_bytes(&rd, &field), metric);
        } else if ((field.number == METRIC_FIELD_GAUGE && type == METRIC_GAUGE) ||
                   (field.number == METRIC_FIELD_COUNTER && type == METRIC_COUNTER) ||
                   (field.number == METRIC_FIELD_UNTYPED && type == METRIC_UNKNOWN)) {
            read_value(&rd, protobuf_bytes(&rd, &field), metric);
        }
    }
    protobuf_fail_with(outer, &rd);
}

/* ---- families ---- */

static int damaged(const struct exposition_protobuf *parser, struct baro_error *err,
                   const char *what)
{
    const size_t at = parser->family.data.ptr != NULL
                          ? (size_t)(parser->family.data.ptr - parser->body.data.ptr)
                          : parser->body.offset;

    return error_at(err, BARO_EPARSE, at, "protobuf: the metric family at byte %zu: %s", at, what);
}

static int family_type(uint64_t raw, enum metric_type *ret)
{
    static const enum metric_type types[] = {METRIC_COUNTER,   METRIC_GAUGE,
                                             METRIC_SUMMARY,   METRIC_UNKNOWN,
                                             METRIC_HISTOGRAM, METRIC_GAUGE_HISTOGRAM};

    if (raw >= ARRAY_COUNT(types)) {
        return BARO_EPARSE;
    }
    *ret = types[raw];
    return 0;
}

/* Reads all but the metrics, which may stand before what they need. */
static int read_family(struct exposition_protobuf *parser, struct baro_error *err)
{
    struct reader rd;
    struct protobuf_field field = {0};
    uint64_t type = 0;

    parser->family = reader_over(STR_NULL);
    rd = reader_over(read_uvarint_bytes(&parser->body));
    if (parser->body.failed) {
        return damaged(parser, err, "the body ends inside it");
    }
    parser->family = rd;
    parser->name = parser->help = parser->unit = STR("");
    parser->has_help = false;
    while (protobuf_next(&rd, &field)) {
        if (field.number == FAMILY_NAME) {
            parser->name = protobuf_bytes(&rd, &field);
        } else if (field.number == FAMILY_HELP) {
            parser->help = protobuf_bytes(&rd, &field);
            parser->has_help = true;
        } else if (field.number == FAMILY_TYPE) {
            type = protobuf_uint(&rd, &field);
        } else if (field.number == FAMILY_UNIT) {
            parser->unit = protobuf_bytes(&rd, &field);
        }
    }
    if (rd.failed) {
        return damaged(parser, err, "it is damaged");
    }
    if (parser->name.len == 0) {
        return damaged(parser, err, "it has no name");
    }
    if (!utf8_is_valid(parser->name) || !utf8_is_valid(parser->help) ||
        !utf8_is_valid(parser->unit)) {
        return damaged(parser, err, "name, help or unit is not valid UTF-8");
    }
    return family_type(type, &parser->type) < 0 ? damaged(parser, err, "unknown type") : 0;
}

/* ---- native histograms ---- */

/* A histogram is native when it has one thing that classic ones never have. Clients that have
 * counted nothing yet send a span of no length to say so. */
static bool is_native(const struct protobuf_metric *metric)
{
    return metric->positive.spans.count > 0 || metric->negative.spans.count > 0 ||
           metric->zero_threshold > 0 || metric->zero_count > 0;
}

/* Makes absolute counts; false when they leave 64 bits. */
static bool make_side(struct arena *arena, const struct protobuf_side *side, bool is_float,
                      struct histogram_side *ret)
{
    const size_t count = is_float ? side->counts.count : side->deltas.count;
    int64_t at = 0;

    ret->span_count = (uint32_t)side->spans.count;
    ret->spans = ARENA_ARRAY(arena, struct histogram_span, side->spans.count + 1);
    for (size_t i = 0; i < side->spans.count; i++) {
        ret->spans[i] = side->spans.items[i];
    }
    ret->bucket_count = (uint32_t)count;
    ret->buckets = ARENA_ARRAY(arena, double, count + 1);
    for (size_t i = 0; i < count; i++) {
        if (is_float) {
            ret->buckets[i] = side->counts.items[i];
        } else if (__builtin_add_overflow(at, side->deltas.items[i], &at)) {
            return false;
        } else {
            ret->buckets[i] = (double)at;
        }
    }
    return true;
}

/* Finer schemas than ours are kept coarser, as in Prometheus. */
static int settle_schema(struct arena *arena, struct histogram *h, struct baro_error *err)
{
    const int32_t schema = h->schema;
    int r;

    if (schema < HISTOGRAM_SCHEMA_MIN || schema > HISTOGRAM_SCHEMA_RESERVED_MAX) {
        return error_set(err, BARO_EINVALID, "histogram: schema %d: it must be between %d and %d",
                         schema, HISTOGRAM_SCHEMA_MIN, HISTOGRAM_SCHEMA_RESERVED_MAX);
    }
    h->schema = schema < HISTOGRAM_SCHEMA_MAX ? schema : HISTOGRAM_SCHEMA_MAX;
    r = histogram_check(h, err);
    h->schema = schema;
    while (r >= 0 && h->schema > HISTOGRAM_SCHEMA_MAX) {
        const int32_t next = h->schema - REDUCE_STEP;

        histogram_reduce(arena, h, next > HISTOGRAM_SCHEMA_MAX ? next : HISTOGRAM_SCHEMA_MAX);
    }
    return r;
}

static int make_histogram(struct exposition_protobuf *parser, struct baro_error *err)
{
    const struct protobuf_metric *metric = &parser->metric;
    const bool is_float = metric->count_float > 0 || metric->zero_count_float > 0;
    struct histogram *h;
    bool fits;
    int r;

    arena_reset(&parser->arena);
    h = ARENA_NEW(&parser->arena, struct histogram);
    h->schema = metric->schema;
    h->hint =
        parser->type == METRIC_GAUGE_HISTOGRAM ? HISTOGRAM_HINT_GAUGE : HISTOGRAM_HINT_UNKNOWN;
    h->integer = !is_float;
    h->zero_threshold = metric->zero_threshold;
    h->zero_count = is_float ? metric->zero_count_float : (double)metric->zero_count;
    h->count = is_float ? metric->count_float : (double)metric->count;
    h->sum = metric->sum;
    fits = make_side(&parser->arena, &metric->positive, is_float, &h->positive) &&
           make_side(&parser->arena, &metric->negative, is_float, &h->negative);
    r = fits ? settle_schema(&parser->arena, h, err)
             : error_set(err, BARO_EINVALID, "histogram: bucket counts out of range");
    if (r < 0) {
        return error_wrap(err, r, "protobuf: %.*s", STR_ARG(str_slice(parser->name, 0, 128)));
    }
    histogram_compact(&parser->arena, h);
    parser->histogram = h;
    return 0;
}

/* ---- series ---- */

static size_t part_count(const struct exposition_protobuf *parser)
{
    const struct protobuf_metric *metric = &parser->metric;

    if (parser->type == METRIC_SUMMARY) {
        return PART_FIRST_ITEM + metric->quantiles.count;
    }
    if (is_histogram(parser->type)) {
        const bool has_last =
            metric->buckets.count > 0 && vec_last(&metric->buckets)->upper == (double)INFINITY;

        return PART_FIRST_ITEM + metric->buckets.count + !has_last;
    }
    return 1;
}

/* What names a series among all that a target has; `bound` is the value of le or quantile. The
 * name, which is UTF-8, has no byte 0xff. */
static void put_series(struct exposition_protobuf *parser, str suffix, const char *bound_name,
                       double bound)
{
    struct buf *raw = &parser->raw;

    parser->suffix = suffix;
    parser->bound_name = bound_name;
    parser->bound = bound;
    buf_reset(raw);
    buf_str(raw, parser->name);
    buf_str(raw, suffix);
    buf_char(raw, '\xff');
    if (bound_name != NULL) {
        buf_bytes(raw, &bound, sizeof(bound));
    }
    buf_char(raw, bound_name != NULL ? '1' : '0');
    buf_str(raw, buf_view(&parser->metric.labels));
}

static void take_exemplars(struct exposition_protobuf *parser, const str *exemplars, size_t count)
{
    parser->exemplars = exemplars;
    parser->exemplar_count = count;
    parser->exemplar_next = 0;
}

static double summary_part(struct exposition_protobuf *parser, size_t part)
{
    const struct protobuf_metric *metric = &parser->metric;
    const struct protobuf_quantile *quantile;

    if (part < PART_FIRST_ITEM) {
        put_series(parser, part == PART_COUNT ? STR("_count") : STR("_sum"), NULL, 0);
        return part == PART_COUNT ? (double)metric->count : metric->sum;
    }
    quantile = &metric->quantiles.items[part - PART_FIRST_ITEM];
    put_series(parser, STR(""), "quantile", quantile->at);
    return quantile->value;
}

static double histogram_part(struct exposition_protobuf *parser, size_t part)
{
    const struct protobuf_metric *metric = &parser->metric;
    const double count = metric->count_float > 0 ? metric->count_float : (double)metric->count;
    const struct protobuf_bucket *bucket;

    if (part < PART_FIRST_ITEM) {
        put_series(parser, part == PART_COUNT ? STR("_count") : STR("_sum"), NULL, 0);
        return part == PART_COUNT ? count : metric->sum;
    }
    if (part - PART_FIRST_ITEM == metric->buckets.count) {
        put_series(parser, STR("_bucket"), "le", (double)INFINITY);
        return count;
    }
    bucket = &metric->buckets.items[part - PART_FIRST_ITEM];
    put_series(parser, STR("_bucket"), "le", bucket->upper);
    if (bucket->exemplar.ptr != NULL) {
        take_exemplars(parser, &bucket->exemplar, 1);
    }
    return bucket->count_float > 0 ? bucket->count_float : (double)bucket->count;
}

static double value_part(struct exposition_protobuf *parser)
{
    const struct protobuf_metric *metric = &parser->metric;

    put_series(parser, STR(""), NULL, 0);
    if (metric->exemplar.ptr != NULL && parser->type == METRIC_COUNTER) {
        take_exemplars(parser, &metric->exemplar, 1);
    }
    return metric->value;
}

static int series_event(struct exposition_protobuf *parser, double value,
                        struct exposition_event *ret, struct baro_error *err)
{
    if (parser->raw.failed || parser->metric.labels.failed) {
        return error_set(err, BARO_ELIMIT, "protobuf: no memory for a series");
    }
    *ret = (struct exposition_event){
        .raw = buf_view(&parser->raw),
        .value = value,
        .t = parser->metric.t,
        .has_timestamp = parser->metric.has_timestamp,
        .type = parser->type,
    };
    parser->st = parser->metric.st;
    return EXPOSITION_SERIES;
}

static int next_part(struct exposition_protobuf *parser, struct exposition_event *ret,
                     struct baro_error *err)
{
    const size_t part = parser->part++;
    double value;

    if (parser->type == METRIC_SUMMARY) {
        value = summary_part(parser, part);
    } else if (is_histogram(parser->type)) {
        value = histogram_part(parser, part);
    } else {
        value = value_part(parser);
    }
    return series_event(parser, value, ret, err);
}

/* ---- events ---- */

/* The exemplars of a native histogram: its own, or those of its classic buckets. */
static void take_native_exemplars(struct exposition_protobuf *parser)
{
    struct protobuf_metric *metric = &parser->metric;
    const bool has_own = metric->exemplars.count > 0;

    for (size_t i = 0; !has_own && i < metric->buckets.count; i++) {
        if (metric->buckets.items[i].exemplar.ptr != NULL) {
            vec_push(&metric->exemplars, metric->buckets.items[i].exemplar);
        }
    }
    take_exemplars(parser, metric->exemplars.items, metric->exemplars.count);
}

static int native_event(struct exposition_protobuf *parser, struct exposition_event *ret,
                        struct baro_error *err)
{
    int r = make_histogram(parser, err);

    if (r < 0) {
        return r;
    }
    if (!parser->options.keeps_classic || parser->metric.buckets.count == 0) {
        parser->part = part_count(parser);
    }
    put_series(parser, STR(""), NULL, 0);
    take_native_exemplars(parser);
    r = series_event(parser, parser->histogram->sum, ret, err);
    return r < 0 ? r : EXPOSITION_HISTOGRAM;
}

/* The next metric of the family: its kind of event; 0 when there is none, and with series only. */
static int next_metric(struct exposition_protobuf *parser, struct exposition_event *ret,
                       struct baro_error *err)
{
    struct protobuf_field field = {0};

    do {
        if (!protobuf_next(&parser->family, &field)) {
            parser->step = STEP_FAMILY;
            return 0;
        }
    } while (field.number != FAMILY_METRIC);
    read_metric(&parser->family, protobuf_bytes(&parser->family, &field), parser->type,
                &parser->metric);
    if (parser->family.failed) {
        return damaged(parser, err, "a metric is damaged, or has too many parts");
    }
    if (parser->metric.labels.len * part_count(parser) > METRIC_BYTES_MAX) {
        return damaged(parser, err, "the labels of a metric are too long for its buckets");
    }
    parser->step = STEP_PART;
    parser->part = 0;
    return is_histogram(parser->type) && parser->options.takes_native && is_native(&parser->metric)
               ? native_event(parser, ret, err)
               : 0;
}

static int metadata_event(struct exposition_protobuf *parser, int kind, str text,
                          struct exposition_event *ret)
{
    *ret = (struct exposition_event){.name = parser->name, .text = text, .type = parser->type};
    return kind;
}

/* One step; 0 when it gave no event, EXPOSITION_END only at the end of the body. */
static int take_step(struct exposition_protobuf *parser, struct exposition_event *ret,
                     struct baro_error *err)
{
    const enum step step = (enum step)parser->step;
    int r;

    switch (step) {
    case STEP_FAMILY:
        r = read_family(parser, err);
        parser->step = STEP_HELP;
        return r;
    case STEP_HELP:
        parser->step = STEP_TYPE;
        return parser->has_help ? metadata_event(parser, EXPOSITION_HELP, parser->help, ret) : 0;
    case STEP_TYPE:
        parser->step = STEP_UNIT;
        return metadata_event(parser, EXPOSITION_TYPE, STR(""), ret);
    case STEP_UNIT:
        parser->step = STEP_METRIC;
        return parser->unit.len > 0 ? metadata_event(parser, EXPOSITION_UNIT, parser->unit, ret)
                                    : 0;
    case STEP_METRIC:
        return next_metric(parser, ret, err);
    case STEP_PART:
        if (parser->part == part_count(parser)) {
            parser->step = STEP_METRIC;
            return 0;
        }
        return next_part(parser, ret, err);
    }
    return 0;
}

int exposition_protobuf_next(struct exposition_protobuf *parser, struct exposition_event *ret,
                             struct baro_error *err)
{
    int r = 0;

    STATIC_ASSERT(EXPOSITION_END == 0, "a step without an event looks like it");
    parser->histogram = NULL;
    take_exemplars(parser, NULL, 0);
    /* Bounded: each step reads on in the body or moves to the next state. */
    while (r == 0) {
        if (parser->step == STEP_FAMILY && reader_left(&parser->body) == 0) {
            return EXPOSITION_END;
        }
        r = take_step(parser, ret, err);
    }
    return r;
}

/* ---- labels ---- */

static int bad_labels(const struct exposition_protobuf *parser, struct baro_error *err,
                      const char *what)
{
    return error_set(err, BARO_EPARSE, "protobuf: a series of %.*s: %s",
                     STR_ARG(str_slice(parser->name, 0, 128)), what);
}

static int read_labels(const struct exposition_protobuf *parser, struct labels_builder *builder,
                       struct baro_error *err)
{
    struct reader rd = reader_over(buf_view(&parser->metric.labels));

    while (reader_left(&rd) > 0) {
        const struct label label = proto_pair_read(&rd, read_uvarint_bytes(&rd));

        if (rd.failed || builder->count == ITEMS_MAX) {
            return bad_labels(parser, err, "a label is damaged, or there are too many");
        }
        if (label.name.len == 0) {
            return bad_labels(parser, err, "empty label name");
        }
        if (!utf8_is_valid(label.name) || !utf8_is_valid(label.value)) {
            return bad_labels(parser, err, "a label is not valid UTF-8");
        }
        labels_builder_add(builder, label.name, label.value);
    }
    return 0;
}

int exposition_protobuf_labels(const struct exposition_protobuf *parser,
                               struct labels_builder *builder, struct arena *arena,
                               struct labels *ret, struct baro_error *err)
{
    char text[NUM_TEXT_MAX + 2];
    int r;

    labels_builder_reset(builder);
    r = read_labels(parser, builder, err);
    if (r < 0) {
        return r;
    }
    if (parser->bound_name != NULL) {
        const size_t len = exposition_bound_text(parser->bound, text);

        labels_builder_add(builder, str_from(parser->bound_name),
                           arena_str(arena, str_of(text, len)));
    }
    labels_builder_add(
        builder, LABEL_METRIC_NAME,
        parser->suffix.len == 0
            ? parser->name
            : arena_printf(arena, "%.*s%.*s", STR_ARG(parser->name), STR_ARG(parser->suffix)));
    labels_sort(builder->items, builder->count);
    for (size_t i = 1; i < builder->count; i++) {
        if (str_eq(builder->items[i - 1].name, builder->items[i].name)) {
            return bad_labels(parser, err, "a label name is not unique");
        }
    }
    *ret = labels_builder_finish(builder);
    return 0;
}

static void read_exemplar(struct reader *rd, struct labels_builder *builder,
                          struct exposition_exemplar *ret)
{
    struct protobuf_field field = {0};

    labels_builder_reset(builder);
    *ret = (struct exposition_exemplar){0};
    while (protobuf_next(rd, &field)) {
        if (field.number == EXEMPLAR_LABEL) {
            const struct label label = proto_pair_read(rd, protobuf_bytes(rd, &field));

            rd->failed = rd->failed || builder->count == ITEMS_MAX || label.name.len == 0 ||
                         !utf8_is_valid(label.name) || !utf8_is_valid(label.value);
            if (!rd->failed) {
                labels_builder_add(builder, label.name, label.value);
            }
        } else if (field.number == EXEMPLAR_VALUE) {
            ret->value = number(rd, &field);
        } else if (field.number == EXEMPLAR_TIMESTAMP) {
            ret->t = read_timestamp(rd, protobuf_bytes(rd, &field));
            ret->has_timestamp = true;
        }
    }
}

int exposition_protobuf_exemplar(struct exposition_protobuf *parser, struct labels_builder *builder,
                                 struct exposition_exemplar *ret, struct baro_error *err)
{
    while (parser->exemplar_next < parser->exemplar_count) {
        struct exposition_exemplar exemplar;
        struct reader rd = reader_over(parser->exemplars[parser->exemplar_next++]);

        read_exemplar(&rd, builder, &exemplar);
        exemplar.labels = labels_builder_finish(builder);
        for (size_t i = 1; i < exemplar.labels.count; i++) {
            rd.failed = rd.failed ||
                        str_eq(exemplar.labels.items[i - 1].name, exemplar.labels.items[i].name);
        }
        if (rd.failed) {
            return damaged(parser, err, "an exemplar is damaged");
        }
        if (exemplar.has_timestamp || parser->histogram == NULL) {
            *ret = exemplar;
            return 1;
        }
    }
    return 0;
}
