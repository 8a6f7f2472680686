/* OTLP's histograms as native ones. */
#include "ingest/otlp_priv.h"

enum {
    GAP_FILLED_MAX = 2, /* so many empty buckets are written rather than a new span */
    SHIFT_MAX = 31,     /* an index has 32 bits */
};

/* OTLP's zero bucket has no width that it tells; Prometheus 3.16 takes this one. */
#define ZERO_THRESHOLD 1e-128

static int damaged(struct baro_error *err)
{
    return error_set(err, BARO_EPARSE, "OTLP: a histogram is damaged, or has more than %d buckets",
                     HISTOGRAM_BUCKETS_MAX);
}

void otlp_histogram_done(struct otlp_histogram *histogram)
{
    vec_done(&histogram->bounds);
    vec_done(&histogram->buckets);
}

/* ---- layout ---- */

/* Buckets being written. */
struct layout {
    struct histogram_side *side;
    int64_t last; /* index of the last bucket */
};

static void put_bucket(struct layout *layout, uint64_t count)
{
    struct histogram_side *side = layout->side;

    side->spans[side->span_count - 1].length++;
    side->buckets[side->bucket_count++] = (double)count;
}

static void put_at(struct layout *layout, int64_t index, uint64_t count)
{
    struct histogram_side *side = layout->side;
    int64_t gap = index - layout->last - 1;

    if (gap > GAP_FILLED_MAX) {
        side->spans[side->span_count++] = (struct histogram_span){.offset = (int32_t)gap};
    } else {
        for (; gap > 0; gap--) {
            put_bucket(layout, 0);
        }
    }
    put_bucket(layout, count);
    layout->last = index;
}

static bool make_room(struct arena *arena, size_t count, struct histogram_side *side)
{
    side->spans = arena_try(arena, (count + 1) * sizeof(*side->spans));
    side->buckets = arena_try(arena, count * (1 + GAP_FILLED_MAX) * sizeof(*side->buckets));
    return side->spans != NULL && side->buckets != NULL;
}

/* Buckets from index `first` on, of which 2^down become one; empty ones are left out, but for the
 * last. Fails when an index has no room in 32 bits. */
static bool lay_out(const uint64_t *counts, size_t count, int64_t offset, int down, int64_t shift,
                    struct arena *arena, struct histogram_side *side)
{
    struct layout layout = {.side = side};
    int64_t index = (offset >> down) + shift;
    uint64_t sum = 0;

    if (count == 0) {
        return true;
    }
    if (!make_room(arena, count, side) || index < INT32_MIN + 1 ||
        ((offset + (int64_t)count) >> down) + shift > INT32_MAX) {
        return false;
    }
    side->spans[side->span_count++] = (struct histogram_span){.offset = (int32_t)index};
    layout.last = index - 1;
    for (size_t i = 0; i < count; i++) {
        const int64_t next = ((offset + (int64_t)i) >> down) + shift;

        if (next != index) {
            if (sum != 0) {
                put_at(&layout, index, sum);
            }
            sum = 0;
            index = next;
        }
        sum += counts[i];
    }
    put_at(&layout, index, sum);
    return true;
}

/* ---- explicit bounds ---- */

/* Numbers of a repeated field, as their bits. */
static void read_numbers(struct reader *rd, const struct protobuf_field *field,
                         enum protobuf_wire wire, otlp_numbers *ret)
{
    struct protobuf_items items = protobuf_items(rd, field, wire);
    uint64_t value = 0;

    while (protobuf_items_next(&items, &value)) {
        if (ret->count == HISTOGRAM_BUCKETS_MAX) {
            rd->failed = true;
            return;
        }
        vec_push(ret, value);
    }
}

int otlp_histogram_read(str message, struct otlp_histogram *ret, struct baro_error *err)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};

    ret->has_sum = false;
    ret->sum = 0;
    ret->count = 0;
    vec_reset(&ret->bounds);
    vec_reset(&ret->buckets);
    while (protobuf_next(&rd, &field)) {
        switch (field.number) {
        case HISTOGRAM_COUNT:
            ret->count = protobuf_fixed64(&rd, &field);
            break;
        case HISTOGRAM_SUM:
            ret->has_sum = true;
            ret->sum = protobuf_double(&rd, &field);
            break;
        case HISTOGRAM_BUCKETS:
            read_numbers(&rd, &field, PROTOBUF_FIXED64, &ret->buckets);
            break;
        case HISTOGRAM_BOUNDS:
            read_numbers(&rd, &field, PROTOBUF_FIXED64, &ret->bounds);
            break;
        default:
            break;
        }
    }
    return rd.failed ? damaged(err) : 0;
}

int otlp_histogram_custom(const struct otlp_histogram *from, bool is_delta, struct arena *arena,
                          struct histogram **ret, struct baro_error *err)
{
    struct histogram *h = arena_try(arena, sizeof(*h));
    double *bounds = arena_try(arena, from->bounds.count * sizeof(*bounds));
    size_t first = 0;

    if (h == NULL || (bounds == NULL && from->bounds.count > 0)) {
        return error_set(err, BARO_ELIMIT, "no memory for a histogram");
    }
    *h = (struct histogram){
        .schema = HISTOGRAM_SCHEMA_CUSTOM,
        .hint = is_delta ? HISTOGRAM_HINT_GAUGE : HISTOGRAM_HINT_UNKNOWN,
        .integer = true,
        .sum = from->sum,
        .count = (double)from->count,
        .custom = from->bounds.count > 0 ? bounds : NULL,
        .custom_count = (uint32_t)from->bounds.count,
    };
    for (size_t i = 0; i < from->bounds.count; i++) {
        bounds[i] = protobuf_double_of(from->bounds.items[i]);
    }
    while (first < from->buckets.count && from->buckets.items[first] == 0) {
        first++;
    }
    if (first < from->buckets.count &&
        !lay_out(from->buckets.items + first, from->buckets.count - first, (int64_t)first, 0, 0,
                 arena, &h->positive)) {
        return error_set(err, BARO_ELIMIT, "no memory for a histogram");
    }
    *ret = h;
    return 0;
}

/* ---- exponential ---- */

/* One side as it comes. */
struct raw_side {
    int64_t offset;
    otlp_numbers counts;
};

static void read_side(struct reader *outer, str message, struct raw_side *ret)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};

    while (protobuf_next(&rd, &field)) {
        if (field.number == BUCKETS_OFFSET) {
            ret->offset = protobuf_sint(&rd, &field);
        } else if (field.number == BUCKETS_COUNTS) {
            read_numbers(&rd, &field, PROTOBUF_VARINT, &ret->counts);
        }
    }
    outer->failed =
        outer->failed || rd.failed || ret->offset > INT32_MAX || ret->offset < INT32_MIN;
}

static bool read_exponential(str message, struct histogram *h, int64_t *ret_scale,
                             struct raw_side sides[2])
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};

    while (protobuf_next(&rd, &field)) {
        switch (field.number) {
        case EXPONENTIAL_COUNT:
            h->count = (double)protobuf_fixed64(&rd, &field);
            break;
        case EXPONENTIAL_SUM:
            h->sum = protobuf_double(&rd, &field);
            break;
        case EXPONENTIAL_SCALE:
            *ret_scale = protobuf_sint(&rd, &field);
            break;
        case EXPONENTIAL_ZERO_COUNT:
            h->zero_count = (double)protobuf_fixed64(&rd, &field);
            break;
        case EXPONENTIAL_NEGATIVE:
            read_side(&rd, protobuf_bytes(&rd, &field), &sides[0]);
            break;
        case EXPONENTIAL_POSITIVE:
            read_side(&rd, protobuf_bytes(&rd, &field), &sides[1]);
            break;
        default:
            break;
        }
    }
    return !rd.failed;
}

static int make_exponential(const struct raw_side sides[2], int64_t scale, struct arena *arena,
                            struct histogram *h, struct baro_error *err)
{
    int64_t down = scale > HISTOGRAM_SCHEMA_MAX ? scale - HISTOGRAM_SCHEMA_MAX : 0;

    if (scale < HISTOGRAM_SCHEMA_MIN) {
        return error_set(err, BARO_EINVALID,
                         "cannot convert exponential to native histogram: scale must be >= %d, was "
                         "%lld",
                         HISTOGRAM_SCHEMA_MIN, (long long)scale);
    }
    down = down < SHIFT_MAX ? down : SHIFT_MAX;
    h->schema =
        (int32_t)(scale - (scale > HISTOGRAM_SCHEMA_MAX ? scale - HISTOGRAM_SCHEMA_MAX : 0));
    for (int i = 0; i < 2; i++) {
        if (!lay_out(sides[i].counts.items, sides[i].counts.count, sides[i].offset, (int)down, 1,
                     arena, i == 1 ? &h->positive : &h->negative)) {
            return error_set(err, BARO_EINVALID,
                             "the buckets of an exponential histogram are beyond 32 bits");
        }
    }
    return 0;
}

int otlp_histogram_exponential(str message, bool is_delta, struct arena *arena,
                               struct histogram **ret, struct baro_error *err)
{
    struct histogram *h = arena_try(arena, sizeof(*h));
    struct raw_side sides[2] = {0};
    int64_t scale = 0;
    int r;

    if (h == NULL) {
        return error_set(err, BARO_ELIMIT, "no memory for a histogram");
    }
    *h = (struct histogram){
        .hint = is_delta ? HISTOGRAM_HINT_GAUGE : HISTOGRAM_HINT_UNKNOWN,
        .integer = true,
        .zero_threshold = ZERO_THRESHOLD,
    };
    r = read_exponential(message, h, &scale, sides) ? make_exponential(sides, scale, arena, h, err)
                                                    : damaged(err);
    vec_done(&sides[0].counts);
    vec_done(&sides[1].counts);
    if (r >= 0) {
        *ret = h;
    }
    return r;
}
