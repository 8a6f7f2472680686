#include "base/attr.h"
#include "codec/protobuf.h"
#include "model/exposition_proto_fields.h"
#include "model/exposition_write.h"
#include "model/proto_parts.h"

void exposition_proto_done(struct exposition_proto *proto)
{
    buf_done(&proto->family);
    buf_done(&proto->metric);
    buf_done(&proto->value);
    buf_done(&proto->part);
}

/* Puts a message into another one; it is empty again. */
static void put_message(struct buf *out, uint32_t number, struct buf *message)
{
    protobuf_put_bytes(out, number, buf_view(message));
    out->failed |= message->failed;
    buf_reset(message);
}

void exposition_proto_begin(struct exposition_proto *proto, str name,
                            enum exposition_proto_type type)
{
    buf_reset(&proto->family);
    protobuf_put_bytes(&proto->family, FAMILY_NAME, name);
    protobuf_put_uint(&proto->family, FAMILY_TYPE, (uint64_t)type);
}

static void begin_metric(struct exposition_proto *proto, struct labels labels)
{
    buf_reset(&proto->metric);
    for (size_t i = 0; i < labels.count; i++) {
        if (str_eq(labels.items[i].name, LABEL_METRIC_NAME)) {
            continue;
        }
        protobuf_put_bytes(&proto->part, PROTO_PAIR_NAME, labels.items[i].name);
        protobuf_put_bytes(&proto->part, PROTO_PAIR_VALUE, labels.items[i].value);
        put_message(&proto->metric, METRIC_FIELD_LABEL, &proto->part);
    }
}

void exposition_proto_float(struct exposition_proto *proto, struct labels labels, double v, ts t)
{
    begin_metric(proto, labels);
    protobuf_put_double(&proto->value, VALUE_VALUE, v);
    put_message(&proto->metric, METRIC_FIELD_UNTYPED, &proto->value);
    protobuf_put_int(&proto->metric, METRIC_FIELD_TIMESTAMP_MS, t);
    put_message(&proto->family, FAMILY_METRIC, &proto->metric);
}

static void put_side(struct exposition_proto *proto, const struct histogram_side *side,
                     uint32_t span_number, uint32_t count_number)
{
    for (uint32_t i = 0; i < side->span_count; i++) {
        protobuf_put_sint(&proto->part, PROTO_SPAN_OFFSET, side->spans[i].offset);
        protobuf_put_uint(&proto->part, PROTO_SPAN_LENGTH, side->spans[i].length);
        put_message(&proto->value, span_number, &proto->part);
    }
    for (uint32_t i = 0; i < side->bucket_count; i++) {
        protobuf_put_double(&proto->value, count_number, side->buckets[i]);
    }
}

static void put_native(struct exposition_proto *proto, const struct histogram *h)
{
    protobuf_put_double(&proto->value, HISTOGRAM_COUNT_FLOAT, h->count);
    protobuf_put_sint(&proto->value, HISTOGRAM_SCHEMA, h->schema);
    protobuf_put_double(&proto->value, HISTOGRAM_ZERO_THRESHOLD, h->zero_threshold);
    protobuf_put_double(&proto->value, HISTOGRAM_ZERO_COUNT_FLOAT, h->zero_count);
    put_side(proto, &h->negative, HISTOGRAM_NEGATIVE_SPAN, HISTOGRAM_NEGATIVE_COUNT);
    put_side(proto, &h->positive, HISTOGRAM_POSITIVE_SPAN, HISTOGRAM_POSITIVE_COUNT);
}

static void put_classic(struct exposition_proto *proto, const struct histogram *h)
{
    struct exposition_bounds bounds = exposition_bounds_over(h);
    double bound = 0, count = 0;

    protobuf_put_double(&proto->value, HISTOGRAM_COUNT_FLOAT, h->count);
    while (exposition_bounds_next(&bounds, &bound, &count)) {
        protobuf_put_double(&proto->part, BUCKET_UPPER, bound);
        protobuf_put_double(&proto->part, BUCKET_COUNT_FLOAT, count);
        put_message(&proto->value, HISTOGRAM_BUCKET, &proto->part);
    }
}

void exposition_proto_histogram(struct exposition_proto *proto, struct labels labels,
                                const struct histogram *h, ts t)
{
    begin_metric(proto, labels);
    protobuf_put_double(&proto->value, HISTOGRAM_SUM, h->sum);
    if (histogram_is_custom(h)) {
        put_classic(proto, h);
    } else {
        put_native(proto, h);
    }
    protobuf_put_int(&proto->metric, METRIC_FIELD_TIMESTAMP_MS, t);
    put_message(&proto->metric, METRIC_FIELD_HISTOGRAM, &proto->value);
    put_message(&proto->family, FAMILY_METRIC, &proto->metric);
}

void exposition_proto_end(struct exposition_proto *proto, struct buf *out)
{
    write_uvarint(out, proto->family.len);
    buf_str(out, buf_view(&proto->family));
    out->failed |= proto->family.failed;
    buf_reset(&proto->family);
}
