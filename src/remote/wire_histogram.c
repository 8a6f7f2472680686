#include "remote/wire_histogram.h"

#include "codec/protobuf.h"
#include "model/proto_parts.h"
#include "remote/wire_fields.h"

enum histogram_field {
    HISTOGRAM_COUNT = 1,
    HISTOGRAM_COUNT_FLOAT,
    HISTOGRAM_SUM,
    HISTOGRAM_SCHEMA,
    HISTOGRAM_ZERO_THRESHOLD,
    HISTOGRAM_ZERO_COUNT,
    HISTOGRAM_ZERO_COUNT_FLOAT,
    HISTOGRAM_NEGATIVE_SPAN,
    HISTOGRAM_NEGATIVE_DELTA,
    HISTOGRAM_NEGATIVE_COUNT,
    HISTOGRAM_POSITIVE_SPAN,
    HISTOGRAM_POSITIVE_DELTA,
    HISTOGRAM_POSITIVE_COUNT,
    HISTOGRAM_HINT,
    HISTOGRAM_TIMESTAMP,
    HISTOGRAM_CUSTOM,
    HISTOGRAM_START,
    /* The fields of the positive side are those of the negative one and this. */
    POSITIVE_AFTER_NEGATIVE = HISTOGRAM_POSITIVE_SPAN - HISTOGRAM_NEGATIVE_SPAN,
};

/* How many items of each repeated field there are. */
struct counts {
    size_t spans[2]; /* negative, positive */
    size_t deltas[2];
    size_t counts[2];
    size_t custom;
};

static size_t count_items(struct reader *rd, const struct protobuf_field *field,
                          enum protobuf_wire wire)
{
    struct protobuf_items items = protobuf_items(rd, field, wire);
    uint64_t value = 0;
    size_t count = 0;

    while (protobuf_items_next(&items, &value)) {
        count++;
    }
    return count;
}

static bool is_positive(uint32_t number)
{
    return number >= HISTOGRAM_POSITIVE_SPAN;
}

/* What one field adds to the counts; other fields add nothing. */
static void count_field(struct reader *rd, const struct protobuf_field *field, struct counts *ret)
{
    switch (field->number) {
    case HISTOGRAM_NEGATIVE_SPAN:
    case HISTOGRAM_POSITIVE_SPAN:
        ret->spans[is_positive(field->number)]++;
        break;
    case HISTOGRAM_NEGATIVE_DELTA:
    case HISTOGRAM_POSITIVE_DELTA:
        ret->deltas[is_positive(field->number)] += count_items(rd, field, PROTOBUF_VARINT);
        break;
    case HISTOGRAM_NEGATIVE_COUNT:
    case HISTOGRAM_POSITIVE_COUNT:
        ret->counts[is_positive(field->number)] += count_items(rd, field, PROTOBUF_FIXED64);
        break;
    case HISTOGRAM_CUSTOM:
        ret->custom += count_items(rd, field, PROTOBUF_FIXED64);
        break;
    default:
        break;
    }
}

/* The numbers alone; whether the counts are integers is told by the last of their fields. */
static void read_number(struct reader *rd, const struct protobuf_field *field, struct histogram *h,
                        struct sample *sample)
{
    switch (field->number) {
    case HISTOGRAM_COUNT:
        h->count = (double)protobuf_uint(rd, field);
        h->integer = true;
        break;
    case HISTOGRAM_COUNT_FLOAT:
        h->count = protobuf_double(rd, field);
        h->integer = false;
        break;
    case HISTOGRAM_SUM:
        h->sum = protobuf_double(rd, field);
        break;
    case HISTOGRAM_SCHEMA:
        h->schema = protobuf_sint32(rd, field);
        break;
    case HISTOGRAM_ZERO_THRESHOLD:
        h->zero_threshold = protobuf_double(rd, field);
        break;
    case HISTOGRAM_ZERO_COUNT:
        h->zero_count = (double)protobuf_uint(rd, field);
        break;
    case HISTOGRAM_ZERO_COUNT_FLOAT:
        h->zero_count = protobuf_double(rd, field);
        break;
    case HISTOGRAM_HINT:
        /* A value that is not known says nothing of a reset. */
        h->hint = (enum histogram_hint)protobuf_uint(rd, field);
        h->hint = h->hint > HISTOGRAM_HINT_GAUGE ? HISTOGRAM_HINT_UNKNOWN : h->hint;
        break;
    case HISTOGRAM_TIMESTAMP:
        sample->t = protobuf_int(rd, field);
        break;
    case HISTOGRAM_START:
        sample->st = protobuf_int(rd, field);
        break;
    default:
        break;
    }
}

/* A running sum wraps where Go's does, and is refused by histogram_check. */
static void read_buckets(struct reader *rd, const struct protobuf_field *field, bool deltas,
                         uint64_t *running, struct histogram_side *side)
{
    struct protobuf_items items =
        protobuf_items(rd, field, deltas ? PROTOBUF_VARINT : PROTOBUF_FIXED64);
    uint64_t value = 0;

    while (protobuf_items_next(&items, &value)) {
        if (deltas) {
            *running += (uint64_t)unzigzag(value);
            side->buckets[side->bucket_count++] = (double)(int64_t)*running;
        } else {
            side->buckets[side->bucket_count++] = protobuf_double_of(value);
        }
    }
}

static void read_custom(struct reader *rd, const struct protobuf_field *field, double *room,
                        struct histogram *h)
{
    struct protobuf_items items = protobuf_items(rd, field, PROTOBUF_FIXED64);
    uint64_t value = 0;

    while (protobuf_items_next(&items, &value)) {
        room[h->custom_count++] = protobuf_double_of(value);
    }
}

/* Fills the arrays, for which there is room. */
static bool read_arrays(str message, double *custom, struct histogram *h)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    uint64_t running[2] = {0};

    while (protobuf_next(&rd, &field)) {
        const bool positive = is_positive(field.number);
        struct histogram_side *side = positive ? &h->positive : &h->negative;

        switch (positive && field.number < HISTOGRAM_HINT ? field.number - POSITIVE_AFTER_NEGATIVE
                                                          : field.number) {
        case HISTOGRAM_NEGATIVE_SPAN:
            side->spans[side->span_count++] = proto_span_read(&rd, protobuf_bytes(&rd, &field));
            break;
        case HISTOGRAM_NEGATIVE_DELTA:
            if (h->integer) {
                read_buckets(&rd, &field, true, &running[positive], side);
            }
            break;
        case HISTOGRAM_NEGATIVE_COUNT:
            if (!h->integer) {
                read_buckets(&rd, &field, false, NULL, side);
            }
            break;
        case HISTOGRAM_CUSTOM:
            read_custom(&rd, &field, custom, h);
            break;
        default:
            break;
        }
    }
    return !rd.failed;
}

static bool make_room(struct arena *arena, size_t spans, size_t buckets,
                      struct histogram_side *side)
{
    side->spans = arena_try(arena, spans * sizeof(*side->spans));
    side->buckets = arena_try(arena, buckets * sizeof(*side->buckets));
    return (side->spans != NULL || spans == 0) && (side->buckets != NULL || buckets == 0);
}

static bool is_within_bounds(const struct counts *counts)
{
    size_t most = counts->custom;

    for (size_t i = 0; i < 2; i++) {
        most = counts->spans[i] > most ? counts->spans[i] : most;
        most = counts->deltas[i] > most ? counts->deltas[i] : most;
        most = counts->counts[i] > most ? counts->counts[i] : most;
    }
    return most <= HISTOGRAM_BUCKETS_MAX;
}

int wire_histogram_read(str message, struct arena *arena, struct sample *ret,
                        struct baro_error *err)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    struct counts counts = {0};
    struct sample sample = {0};
    struct histogram *h = arena_try(arena, sizeof(*h));
    double *custom;
    bool has_room;

    if (h == NULL) {
        return error_set(err, BARO_ELIMIT, "no memory for a histogram");
    }
    *h = (struct histogram){.integer = true};
    while (protobuf_next(&rd, &field)) {
        read_number(&rd, &field, h, &sample);
        count_field(&rd, &field, &counts);
    }
    if (rd.failed || !is_within_bounds(&counts)) {
        return error_set(err, BARO_EPARSE, "a histogram is damaged, or has more than %d buckets",
                         HISTOGRAM_BUCKETS_MAX);
    }
    custom = arena_try(arena, counts.custom * sizeof(*custom));
    has_room = (custom != NULL || counts.custom == 0) &&
               make_room(arena, counts.spans[0], h->integer ? counts.deltas[0] : counts.counts[0],
                         &h->negative) &&
               make_room(arena, counts.spans[1], h->integer ? counts.deltas[1] : counts.counts[1],
                         &h->positive);
    if (!has_room) {
        return error_set(err, BARO_ELIMIT, "no memory for a histogram");
    }
    if (!read_arrays(message, custom, h)) {
        return error_set(err, BARO_EPARSE, "a histogram is damaged");
    }
    h->custom = h->custom_count > 0 ? custom : NULL;
    sample.h = h;
    sample.v = h->sum;
    *ret = sample;
    return 0;
}

/* ---- writing ---- */

static void put_span(struct buf *buf, uint32_t number, const struct histogram_span *span)
{
    uint8_t bytes[2 * (1 + UVARINT_BYTES_MAX)];
    uint8_t *at = bytes;

    if (span->offset != 0) {
        *at++ = PROTO_SPAN_OFFSET << 3 | PROTOBUF_VARINT;
        at = put_uvarint(at, zigzag(span->offset));
    }
    if (span->length != 0) {
        *at++ = PROTO_SPAN_LENGTH << 3 | PROTOBUF_VARINT;
        at = put_uvarint(at, span->length);
    }
    protobuf_put_bytes(buf, number, str_of((const char *)bytes, (size_t)(at - bytes)));
}

static void put_doubles(struct buf *buf, uint32_t number, const double *items, size_t count)
{
    if (count == 0) {
        return;
    }
    wire_bytes_head(buf, number, count * sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        write_be64(buf, __builtin_bswap64(value_bits(items[i])));
    }
}

/* Counts of integer histograms are whole and below 2^63. */
static uint64_t delta_at(const struct histogram_side *side, size_t i)
{
    const int64_t before = i > 0 ? (int64_t)side->buckets[i - 1] : 0;

    return zigzag((int64_t)((uint64_t)(int64_t)side->buckets[i] - (uint64_t)before));
}

static void put_deltas(struct buf *buf, uint32_t number, const struct histogram_side *side)
{
    size_t size = 0;

    for (size_t i = 0; i < side->bucket_count; i++) {
        size += uvarint_size(delta_at(side, i));
    }
    if (size == 0) {
        return;
    }
    wire_bytes_head(buf, number, size);
    for (size_t i = 0; i < side->bucket_count; i++) {
        write_uvarint(buf, delta_at(side, i));
    }
}

static void put_side(struct buf *buf, const struct histogram_side *side, bool integer,
                     bool positive)
{
    const uint32_t shift = positive ? POSITIVE_AFTER_NEGATIVE : 0;

    for (size_t i = 0; i < side->span_count; i++) {
        put_span(buf, HISTOGRAM_NEGATIVE_SPAN + shift, &side->spans[i]);
    }
    if (integer) {
        put_deltas(buf, HISTOGRAM_NEGATIVE_DELTA + shift, side);
    } else {
        put_doubles(buf, HISTOGRAM_NEGATIVE_COUNT + shift, side->buckets, side->bucket_count);
    }
}

static void put_count(struct buf *buf, uint32_t integer_field, bool integer, double count)
{
    if (integer) {
        protobuf_put_uint(buf, integer_field, (uint64_t)count);
    } else {
        protobuf_put_double(buf, integer_field + 1, count);
    }
}

void wire_histogram_put(struct buf *buf, const struct sample *sample)
{
    const struct histogram *h = sample->h;

    put_count(buf, HISTOGRAM_COUNT, h->integer, h->count);
    if (value_bits(h->sum) != 0) {
        protobuf_put_double(buf, HISTOGRAM_SUM, h->sum);
    }
    if (h->schema != 0) {
        protobuf_put_sint(buf, HISTOGRAM_SCHEMA, h->schema);
    }
    if (value_bits(h->zero_threshold) != 0) {
        protobuf_put_double(buf, HISTOGRAM_ZERO_THRESHOLD, h->zero_threshold);
    }
    put_count(buf, HISTOGRAM_ZERO_COUNT, h->integer, h->zero_count);
    put_side(buf, &h->negative, h->integer, false);
    put_side(buf, &h->positive, h->integer, true);
    if (h->hint != HISTOGRAM_HINT_UNKNOWN) {
        protobuf_put_uint(buf, HISTOGRAM_HINT, (uint64_t)h->hint);
    }
    if (sample->t != 0) {
        protobuf_put_int(buf, HISTOGRAM_TIMESTAMP, sample->t);
    }
    put_doubles(buf, HISTOGRAM_CUSTOM, h->custom, h->custom_count);
    if (sample->st != 0) {
        protobuf_put_int(buf, HISTOGRAM_START, sample->st);
    }
}
