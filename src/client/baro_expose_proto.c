/*
 * io.prometheus.client.MetricFamily messages, each with its size in front (metrics.proto of
 * prometheus/client_model, fields by number below). A message's size precedes it, so a metric is
 * built in sink->metric, parts of it in sink->part, and the family in sink->message.
 */
#include "client/baro_priv.h"

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2 };

enum {
    FAMILY_NAME = 1,
    FAMILY_HELP = 2,
    FAMILY_TYPE = 3,
    FAMILY_METRIC = 4,
    FAMILY_UNIT = 5,
    METRIC_LABEL = 1,
    METRIC_GAUGE = 2,
    METRIC_COUNTER = 3,
    METRIC_SUMMARY = 4,
    METRIC_UNTYPED = 5,
    METRIC_HISTOGRAM = 7,
    COUNTER_EXEMPLAR = 2,
    COUNTER_CREATED = 3,
    SUMMARY_QUANTILE = 3,
    SUMMARY_CREATED = 4,
    HISTOGRAM_COUNT = 1,
    HISTOGRAM_SUM = 2,
    HISTOGRAM_BUCKET = 3,
    HISTOGRAM_SCHEMA = 5,
    HISTOGRAM_ZERO_THRESHOLD = 6,
    HISTOGRAM_ZERO_COUNT = 7,
    HISTOGRAM_NEGATIVE_SPAN = 9,
    HISTOGRAM_NEGATIVE_DELTA = 10,
    HISTOGRAM_POSITIVE_SPAN = 12,
    HISTOGRAM_POSITIVE_DELTA = 13,
    HISTOGRAM_CREATED = 15,
    HISTOGRAM_EXEMPLAR = 16,
    BUCKET_EXEMPLAR = 3,
};

/* ---- The wire -----------------------------------------------------------------------------------
 */

static void put_varint(struct baro_out *out, uint64_t value)
{
    char *at = baro_out_reserve(out, 10);
    size_t size = 0;

    if (at == NULL) {
        return;
    }
    for (; value >= 0x80; value >>= 7) {
        at[size++] = (char)(value | 0x80);
    }
    at[size++] = (char)value;
    out->size += size;
}

static void put_key(struct baro_out *out, uint32_t field, enum wire wire)
{
    put_varint(out, field << 3 | (uint32_t)wire);
}

static void put_uint(struct baro_out *out, uint32_t field, uint64_t value)
{
    put_key(out, field, WIRE_VARINT);
    put_varint(out, value);
}

static uint64_t zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (0 - ((uint64_t)value >> 63));
}

static void put_sint(struct baro_out *out, uint32_t field, int64_t value)
{
    put_uint(out, field, zigzag(value));
}

static void put_double(struct baro_out *out, uint32_t field, double value)
{
    uint64_t bits = baro_bits_of(value);
    unsigned char bytes[8];

    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(bits >> (8 * i));
    }
    put_key(out, field, WIRE_64);
    baro_out_put(out, bytes, sizeof(bytes));
}

static void put_bytes(struct baro_out *out, uint32_t field, const void *bytes, size_t size)
{
    put_key(out, field, WIRE_BYTES);
    put_varint(out, size);
    baro_out_put(out, bytes, size);
}

static void put_message(struct baro_out *out, uint32_t field, struct baro_out *message)
{
    put_bytes(out, field, message->size == 0 ? "" : message->bytes, message->size);
    if (message->failed != 0 && out->failed == 0) {
        out->failed = message->failed;
    }
    message->size = 0;
}

static size_t varint_size(uint64_t value)
{
    size_t size = 1;

    for (; value >= 0x80; value >>= 7) {
        size++;
    }
    return size;
}

/* google.protobuf.Timestamp: seconds and nanoseconds, each with a key of one byte. */
static void put_time(struct baro_out *out, uint32_t field, int64_t time_ms)
{
    uint64_t seconds = (uint64_t)time_ms / 1000;
    uint64_t nanoseconds = (uint64_t)time_ms % 1000 * 1000000;

    if (time_ms > 0) {
        put_key(out, field, WIRE_BYTES);
        put_varint(out, 2 + varint_size(seconds) + varint_size(nanoseconds));
        put_uint(out, 1, seconds);
        put_uint(out, 2, nanoseconds);
    }
}

/* ---- Families and metrics
 * ------------------------------------------------------------------------ */

static uint32_t type_number(enum baro_type type)
{
    switch (type) {
    case BARO_COUNTER:
        return 0;
    case BARO_GAUGE:
    case BARO_INFO:
    case BARO_STATESET:
        return 1;
    case BARO_SUMMARY:
        return 2;
    case BARO_HISTOGRAM:
        return 4;
    case BARO_UNKNOWN:
        break;
    }
    return 3;
}

void baro_proto_family(struct baro_sink *sink, const struct baro_family *family)
{
    struct baro_out *out = &sink->message;

    out->size = 0;
    if (family->type == BARO_INFO && family->base_size == family->name_size) {
        put_key(out, FAMILY_NAME, WIRE_BYTES);
        put_varint(out, family->name_size + 5);
        baro_out_put(out, family->name, family->name_size);
        baro_out_text(out, "_info");
    } else {
        put_bytes(out, FAMILY_NAME, family->name, family->name_size);
    }
    put_bytes(out, FAMILY_HELP, family->help, strlen(family->help));
    put_uint(out, FAMILY_TYPE, type_number(family->type));
    if (family->unit[0] != '\0') {
        put_bytes(out, FAMILY_UNIT, family->unit, strlen(family->unit));
    }
}

void baro_proto_family_end(struct baro_sink *sink)
{
    struct baro_out *message = &sink->message;

    if (message->failed != 0 && sink->out->failed == 0) {
        sink->out->failed = message->failed;
    }
    put_varint(sink->out, message->size);
    baro_out_put(sink->out, message->bytes, message->size);
    message->size = 0;
}

/* LabelPair: name and value, each with a key of one byte. */
static void put_label(struct baro_sink *sink, const char *name, const char *value)
{
    size_t name_size = strlen(name);
    size_t value_size = strlen(value);

    put_key(&sink->metric, METRIC_LABEL, WIRE_BYTES);
    put_varint(&sink->metric,
               2 + varint_size(name_size) + name_size + varint_size(value_size) + value_size);
    put_bytes(&sink->metric, 1, name, name_size);
    put_bytes(&sink->metric, 2, value, value_size);
}

static void metric_start(struct baro_sink *sink, const struct baro_family *family,
                         const struct baro_sample *sample)
{
    const char *value = sample->key;

    sink->metric.size = 0;
    if (sample->pid != 0) {
        char pid[BARO_NUMBER_BYTES];

        pid[baro_number_u64(sample->pid, pid)] = '\0';
        put_label(sink, "pid", pid);
    }
    for (size_t i = 0; i < family->registry->pair_count; i++) {
        put_label(sink, family->registry->pairs[i].name, family->registry->pairs[i].value);
    }
    for (uint32_t i = 0; i < family->label_count; i++) {
        put_label(sink, family->labels[i].name, value);
        value += strlen(value) + 1;
    }
}

static void metric_end(struct baro_sink *sink)
{
    put_message(&sink->message, FAMILY_METRIC, &sink->metric);
}

/* The labels are kept rendered: name="value", with \\, \n and \" escaped. */
static const char *exemplar_label(struct baro_out *out, const char *at, const char *end)
{
    struct baro_out pair;
    const char *equals = memchr(at, '=', (size_t)(end - at));
    struct baro_out value;

    if (equals == NULL) {
        return end;
    }
    baro_out_init(&pair, NULL, NULL, false);
    baro_out_init(&value, NULL, NULL, false);
    put_bytes(&pair, 1, at, (size_t)(equals - at));
    for (at = equals + 2; at < end && *at != '"'; at++) {
        if (*at == '\\' && at + 1 < end) {
            at++;
            baro_out_put(&value, *at == 'n' ? "\n" : at, 1);
        } else {
            baro_out_put(&value, at, 1);
        }
    }
    put_bytes(&pair, 2, value.size == 0 ? "" : value.bytes, value.size);
    put_message(out, 1, &pair);
    baro_out_done(&pair);
    baro_out_done(&value);
    return at + 2 < end ? at + 2 : end;
}

static void put_exemplar(struct baro_out *out, uint32_t field, const struct baro_sample *sample,
                         uint32_t bucket)
{
    struct baro_exemplar_kept kept;
    struct baro_out message;

    if (sample->series == NULL || !baro_exemplar_read(sample->series, bucket, &kept)) {
        return;
    }
    baro_out_init(&message, NULL, NULL, false);
    for (const char *at = kept.labels, *end = kept.labels + kept.size; at < end;) {
        at = exemplar_label(&message, at, end);
    }
    put_double(&message, 2, kept.value);
    put_time(&message, 3, kept.time_ms);
    put_message(out, field, &message);
    baro_out_done(&message);
}

void baro_proto_value(struct baro_sink *sink, const struct baro_family *family,
                      const struct baro_sample *sample, double value)
{
    struct baro_out *part = &sink->part;
    uint32_t field = family->type == BARO_COUNTER   ? METRIC_COUNTER
                     : family->type == BARO_UNKNOWN ? METRIC_UNTYPED
                                                    : METRIC_GAUGE;

    metric_start(sink, family, sample);
    put_double(part, 1, value);
    if (family->type == BARO_COUNTER) {
        put_exemplar(part, COUNTER_EXEMPLAR, sample, 0);
        put_time(part, COUNTER_CREATED, sample->created_ms);
    }
    put_message(&sink->metric, field, part);
    metric_end(sink);
}

void baro_proto_state(struct baro_sink *sink, const struct baro_family *family,
                      const struct baro_sample *sample, const char *state, bool on)
{
    metric_start(sink, family, sample);
    put_label(sink, family->name, state);
    put_double(&sink->part, 1, on);
    put_message(&sink->metric, METRIC_GAUGE, &sink->part);
    metric_end(sink);
}

void baro_proto_summary(struct baro_sink *sink, const struct baro_family *family,
                        const struct baro_sample *sample, const struct baro_summary_data *data)
{
    struct baro_out *part = &sink->part;
    struct baro_out quantile;

    metric_start(sink, family, sample);
    baro_out_init(&quantile, NULL, NULL, false);
    put_uint(part, 1, data->count);
    put_double(part, 2, data->sum);
    for (size_t i = 0; i < data->quantile_count; i++) {
        put_double(&quantile, 1, data->quantiles[i]);
        put_double(&quantile, 2, data->values[i]);
        put_message(part, SUMMARY_QUANTILE, &quantile);
    }
    put_time(part, SUMMARY_CREATED, sample->created_ms);
    put_message(&sink->metric, METRIC_SUMMARY, part);
    baro_out_done(&quantile);
    metric_end(sink);
}

/* ---- Native histograms
 * ------------------------------------------------------------------------------- */

/* A gap of up to so many empty buckets is cheaper as deltas than as a new span (client_golang has
 * the same border). */
enum { SPAN_GAP_MAX = 2 };

struct spans {
    struct baro_out *part;
    uint32_t field;
    int32_t offset;
    uint32_t length; /* of the open span; 0 = none */
};

static void span_close(struct spans *spans)
{
    struct baro_out span;

    if (spans->length == 0) {
        return;
    }
    baro_out_init(&span, NULL, NULL, false);
    put_sint(&span, 1, spans->offset);
    put_uint(&span, 2, spans->length);
    put_message(spans->part, spans->field, &span);
    baro_out_done(&span);
    spans->length = 0;
}

/* Spans first, then one packed list of the counts, each as the difference to the one before. */
static void put_buckets(struct baro_out *part, const struct baro_native_bucket *buckets,
                        size_t count, uint32_t span_field, uint32_t delta_field)
{
    struct spans spans = {part, span_field, 0, 0};
    struct baro_out deltas;
    uint64_t before = 0;
    int32_t next = 0;

    baro_out_init(&deltas, NULL, NULL, false);
    for (size_t i = 0; i < count; i++) {
        int32_t gap = buckets[i].index - next;

        if (i == 0 || gap > SPAN_GAP_MAX) {
            span_close(&spans);
            spans.offset = gap;
            gap = 0;
        }
        for (; gap > 0; gap--) {
            put_varint(&deltas, zigzag(0 - (int64_t)before));
            before = 0;
            spans.length++;
        }
        put_varint(&deltas, zigzag((int64_t)(buckets[i].count - before)));
        before = buckets[i].count;
        spans.length++;
        next = buckets[i].index + 1;
    }
    span_close(&spans);
    if (count > 0) {
        put_message(part, delta_field, &deltas);
    }
    baro_out_done(&deltas);
}

/* A histogram without buckets shows that it is a native one by an empty span, as client_golang's
 * do. */
static void put_native(struct baro_out *part, const struct baro_native_sum *native)
{
    put_sint(part, HISTOGRAM_SCHEMA, native->schema);
    put_double(part, HISTOGRAM_ZERO_THRESHOLD, native->zero_threshold);
    put_uint(part, HISTOGRAM_ZERO_COUNT, native->zero_count);
    put_buckets(part, native->negative, native->negative_count, HISTOGRAM_NEGATIVE_SPAN,
                HISTOGRAM_NEGATIVE_DELTA);
    put_buckets(part, native->positive, native->positive_count, HISTOGRAM_POSITIVE_SPAN,
                HISTOGRAM_POSITIVE_DELTA);
    if (native->positive_count + native->negative_count == 0) {
        static const unsigned char empty[] = {1 << 3, 0, 2 << 3, 0};

        put_bytes(part, HISTOGRAM_POSITIVE_SPAN, empty, sizeof(empty));
    }
}

void baro_proto_histogram(struct baro_sink *sink, const struct baro_family *family,
                          const struct baro_sample *sample, const struct baro_histogram_view *view)
{
    struct baro_out *part = &sink->part;
    struct baro_out bucket;
    uint64_t total = 0;

    metric_start(sink, family, sample);
    baro_out_init(&bucket, NULL, NULL, false);
    put_uint(part, HISTOGRAM_COUNT, view->data.count);
    put_double(part, HISTOGRAM_SUM, view->data.sum);
    for (size_t i = 0; i < view->data.bound_count; i++) {
        total += view->data.buckets[i];
        put_uint(&bucket, 1, total);
        put_double(&bucket, 2, view->data.bounds[i]);
        put_exemplar(&bucket, BUCKET_EXEMPLAR, sample, (uint32_t)i);
        put_message(part, HISTOGRAM_BUCKET, &bucket);
    }
    if (view->native != NULL) {
        put_native(part, view->native);
        put_exemplar(part, HISTOGRAM_EXEMPLAR, sample, (uint32_t)view->data.bound_count);
    }
    put_time(part, HISTOGRAM_CREATED, sample->created_ms);
    put_message(&sink->metric, METRIC_HISTOGRAM, part);
    baro_out_done(&bucket);
    metric_end(sink);
}
