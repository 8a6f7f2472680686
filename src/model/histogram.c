#include "model/histogram.h"

#include <math.h>

#include "base/assert.h"
#include "base/num.h"

/* The least bucket whose bound would be 2^1024 counts numbers up to the greatest one; the bucket
 * behind it counts infinity. */
enum { EXPONENT_MAX = 1024 };

enum { FINEST = 1 << HISTOGRAM_SCHEMA_MAX };
static const double bounds[FINEST] = {
#include "model/histogram_bounds.def"
};

/* ---- buckets ---- */

bool histogram_cursor_next(struct histogram_cursor *cursor)
{
    const struct histogram_side *side = cursor->side;

    if (cursor->bucket >= side->bucket_count) {
        return false;
    }
    while (cursor->in_span == 0) {
        if (cursor->span == side->span_count) {
            return false;
        }
        cursor->next_index += side->spans[cursor->span].offset;
        cursor->in_span = side->spans[cursor->span].length;
        cursor->span++;
    }
    cursor->in_span--;
    cursor->index = cursor->next_index++;
    cursor->count = side->buckets != NULL ? side->buckets[cursor->bucket] : 0;
    cursor->bucket++;
    return true;
}

static double exponential_bound(int32_t index, int32_t schema)
{
    int64_t exponent;
    double fraction = 0.5;

    if (schema < 0) {
        exponent = ((int64_t)index * (INT64_C(1) << -schema)) + 1;
    } else {
        int32_t mask = (1 << schema) - 1;

        fraction = bounds[(index & mask) << (HISTOGRAM_SCHEMA_MAX - schema)];
        exponent = (int64_t)(index >> schema) + 1;
    }
    if (fraction == 0.5 && exponent == EXPONENT_MAX + 1) {
        return 0x1.fffffffffffffp1023;
    }
    exponent = exponent > 2 * EXPONENT_MAX ? 2 * EXPONENT_MAX : exponent;
    exponent = exponent < -2 * EXPONENT_MAX ? -2 * EXPONENT_MAX : exponent;
    return ldexp(fraction, (int)exponent);
}

double histogram_bound(const struct histogram *h, int32_t index)
{
    if (!histogram_is_custom(h)) {
        return exponential_bound(index, h->schema);
    }
    if (index < 0) {
        return -INFINITY;
    }
    return (uint32_t)index < h->custom_count ? h->custom[index] : INFINITY;
}

struct histogram_bucket histogram_bucket_at(const struct histogram *h,
                                            const struct histogram_cursor *cursor, bool negative)
{
    double upper = histogram_bound(h, cursor->index);
    double lower = histogram_bound(h, cursor->index - 1);
    struct histogram_bucket bucket = {.lower = negative ? -upper : lower,
                                      .upper = negative ? -lower : upper,
                                      .count = cursor->count,
                                      .index = cursor->index};

    bucket.lower_inclusive = histogram_is_custom(h) ? cursor->index == 0 : bucket.lower < 0;
    bucket.upper_inclusive = histogram_is_custom(h) || bucket.upper > 0;
    return bucket;
}

static struct histogram_bucket *list_buckets(struct arena *arena, const struct histogram *h,
                                             bool with_zero, size_t *ret_count)
{
    size_t most = (size_t)h->negative.bucket_count + h->positive.bucket_count + 1;
    struct histogram_bucket *list = ARENA_ARRAY(arena, struct histogram_bucket, most);
    struct histogram_cursor at = {.side = &h->negative};
    size_t count = h->negative.bucket_count;
    size_t below = count;

    while (histogram_cursor_next(&at) && below > 0) {
        list[--below] = histogram_bucket_at(h, &at, true);
    }
    ASSERT(below == 0);
    if (with_zero) {
        list[count++] = (struct histogram_bucket){.lower = -h->zero_threshold,
                                                  .upper = h->zero_threshold,
                                                  .count = h->zero_count,
                                                  .lower_inclusive = true,
                                                  .upper_inclusive = true};
    }
    at = (struct histogram_cursor){.side = &h->positive};
    while (histogram_cursor_next(&at)) {
        list[count++] = histogram_bucket_at(h, &at, false);
    }
    *ret_count = count;
    return list;
}

struct histogram_bucket *histogram_buckets(struct arena *arena, const struct histogram *h,
                                           size_t *ret_count)
{
    return list_buckets(arena, h, h->zero_count > 0, ret_count);
}

void histogram_side_from_pairs(struct arena *arena, const int32_t *indexes, const double *counts,
                               size_t count, struct histogram_side *ret)
{
    struct histogram_side side = {0};

    if (count > 0) {
        side.spans = arena_alloc(arena, count * sizeof(*side.spans));
        side.buckets = arena_alloc(arena, count * sizeof(*side.buckets));
        memcpy(side.buckets, counts, count * sizeof(*counts));
        side.bucket_count = (uint32_t)count;
    }
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && indexes[i] == indexes[i - 1] + 1) {
            side.spans[side.span_count - 1].length++;
            continue;
        }
        ASSERT(i == 0 || indexes[i] > indexes[i - 1]);
        side.spans[side.span_count++] = (struct histogram_span){
            .offset = i == 0 ? indexes[0] : indexes[i] - indexes[i - 1] - 1, .length = 1};
    }
    *ret = side;
}

/* ---- copies and comparison ---- */

static size_t side_bytes(const struct histogram_side *side)
{
    return side->span_count * sizeof(*side->spans) + side->bucket_count * sizeof(*side->buckets);
}

size_t histogram_bytes(const struct histogram *h)
{
    return sizeof(*h) + side_bytes(&h->positive) + side_bytes(&h->negative) +
           h->custom_count * sizeof(*h->custom);
}

/* One block holds all arrays of a copy: doubles first, for their alignment. */
static char *side_copy(struct histogram_side *side, char *room)
{
    double *buckets = (double *)(void *)room;
    struct histogram_span *spans = (struct histogram_span *)(void *)(buckets + side->bucket_count);

    if (side->bucket_count > 0) {
        memcpy(buckets, side->buckets, side->bucket_count * sizeof(*buckets));
    }
    if (side->span_count > 0) {
        memcpy(spans, side->spans, side->span_count * sizeof(*spans));
    }
    side->buckets = buckets;
    side->spans = spans;
    return (char *)(spans + side->span_count);
}

struct histogram *histogram_copy(struct arena *arena, const struct histogram *h)
{
    char *room = arena_try(arena, histogram_bytes(h));
    struct histogram *copy = (struct histogram *)(void *)room;
    double *custom;

    STATIC_ASSERT(sizeof(struct histogram_span) == sizeof(double), "spans keep the alignment");
    if (room == NULL) {
        return NULL;
    }
    *copy = *h;
    custom = (double *)(void *)(room + sizeof(*copy));
    if (h->custom_count > 0) {
        memcpy(custom, h->custom, h->custom_count * sizeof(*custom));
    }
    copy->custom = custom;
    room = side_copy(&copy->positive, (char *)(custom + h->custom_count));
    (void)side_copy(&copy->negative, room);
    return copy;
}

struct histogram *histogram_new_stale(struct arena *arena)
{
    struct histogram *h = ARENA_NEW(arena, struct histogram);

    h->sum = value_stale();
    return h;
}

bool histogram_bounds_eq(const struct histogram *a, const struct histogram *b)
{
    if (a->custom_count != b->custom_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->custom_count; i++) {
        if (a->custom[i] != b->custom[i]) {
            return false;
        }
    }
    return true;
}

bool histogram_side_layout_eq(const struct histogram_side *a, const struct histogram_side *b)
{
    struct histogram_cursor x = {.side = a};
    struct histogram_cursor y = {.side = b};

    if (a->bucket_count != b->bucket_count) {
        return false;
    }
    if (a->span_count == b->span_count &&
        (a->span_count == 0 ||
         memcmp(a->spans, b->spans, a->span_count * sizeof(*a->spans)) == 0)) {
        return true;
    }
    while (histogram_cursor_next(&x) && histogram_cursor_next(&y)) {
        if (x.index != y.index) {
            return false;
        }
    }
    return true;
}

static bool side_eq(const struct histogram_side *a, const struct histogram_side *b)
{
    if (!histogram_side_layout_eq(a, b)) {
        return false;
    }
    for (uint32_t i = 0; i < a->bucket_count; i++) {
        if (a->buckets[i] != b->buckets[i]) {
            return false;
        }
    }
    return true;
}

bool histogram_eq(const struct histogram *a, const struct histogram *b)
{
    return a->schema == b->schema && a->zero_threshold == b->zero_threshold &&
           a->zero_count == b->zero_count && a->count == b->count &&
           value_bits(a->sum) == value_bits(b->sum) && histogram_bounds_eq(a, b) &&
           side_eq(&a->positive, &b->positive) && side_eq(&a->negative, &b->negative);
}

/* ---- checks ---- */

static int check_spans(const struct histogram_side *side, const char *name, struct baro_error *err)
{
    uint64_t buckets = 0;
    int64_t index = 0;

    if (side->bucket_count > HISTOGRAM_BUCKETS_MAX || side->span_count > HISTOGRAM_BUCKETS_MAX) {
        return error_set(err, BARO_ELIMIT, "histogram: %s side: at most %d buckets", name,
                         HISTOGRAM_BUCKETS_MAX);
    }
    for (uint32_t i = 0; i < side->span_count; i++) {
        const struct histogram_span *span = &side->spans[i];

        if (i > 0 && span->offset < 0) {
            return error_set(err, BARO_EINVALID,
                             "histogram: %s side: span number %u with offset %d: only the first "
                             "may be negative",
                             name, i + 1, span->offset);
        }
        buckets += span->length;
        index += (int64_t)span->offset + span->length;
        if (buckets > HISTOGRAM_BUCKETS_MAX || index > INT32_MAX || index < INT32_MIN) {
            return error_set(err, BARO_EINVALID, "histogram: %s side: bucket indexes out of range",
                             name);
        }
    }
    if (buckets != side->bucket_count) {
        return error_set(err, BARO_EINVALID,
                         "histogram: %s side: spans need %llu buckets, have %u buckets", name,
                         (unsigned long long)buckets, side->bucket_count);
    }
    return 0;
}

static int check_counts(const struct histogram_side *side, const char *name, double *total,
                        struct baro_error *err)
{
    for (uint32_t i = 0; i < side->bucket_count; i++) {
        if (side->buckets[i] < 0) {
            return error_set(err, BARO_EINVALID,
                             "histogram: %s side: bucket number %u has a negative count", name,
                             i + 1);
        }
        *total += side->buckets[i];
    }
    return 0;
}

static int check_bounds(const struct histogram *h, struct baro_error *err)
{
    for (uint32_t i = 0; i < h->custom_count; i++) {
        if (!isfinite(h->custom[i]) || (i > 0 && !(h->custom[i] > h->custom[i - 1]))) {
            return error_set(err, BARO_EINVALID,
                             "histogram: custom bound number %u: bounds must be finite and rise",
                             i + 1);
        }
    }
    return 0;
}

static int check_custom(const struct histogram *h, struct baro_error *err)
{
    struct histogram_cursor at = {.side = &h->positive};

    if (h->custom_count > HISTOGRAM_BUCKETS_MAX) {
        return error_set(err, BARO_ELIMIT, "histogram: at most %d custom bounds",
                         HISTOGRAM_BUCKETS_MAX);
    }
    if (h->zero_count != 0 || h->zero_threshold != 0 || h->negative.bucket_count > 0 ||
        h->negative.span_count > 0) {
        return error_set(err, BARO_EINVALID,
                         "histogram: custom buckets have neither a zero bucket nor negative ones");
    }
    while (histogram_cursor_next(&at)) {
        if (at.index < 0 || (uint32_t)at.index > h->custom_count) {
            return error_set(err, BARO_EINVALID,
                             "histogram: %u custom bounds are too few for a bucket with index %d",
                             h->custom_count, at.index);
        }
    }
    return check_bounds(h, err);
}

/* Without NaN among the observations the counts of an integer histogram add up exactly; a float
 * histogram's may differ by rounding, and with NaN `count` may be more. */
static int check_total(const struct histogram *h, double total, struct baro_error *err)
{
    if (h->count < 0 || isnan(h->count)) {
        return error_set(err, BARO_EINVALID, "histogram: the count of observations is negative");
    }
    if (h->integer && (isnan(h->sum) ? total > h->count : total != h->count)) {
        return error_set(err, BARO_EINVALID,
                         "histogram: %g observations in the buckets, but the count is %g", total,
                         h->count);
    }
    return 0;
}

int histogram_check(const struct histogram *h, struct baro_error *err)
{
    double total = h->zero_count;
    int r;

    if (!histogram_schema_is_valid(h->schema)) {
        return error_set(err, BARO_EINVALID,
                         "histogram: schema %d: it must be between %d and %d, or %d", h->schema,
                         HISTOGRAM_SCHEMA_MIN, HISTOGRAM_SCHEMA_MAX, HISTOGRAM_SCHEMA_CUSTOM);
    }
    r = check_spans(&h->negative, "negative", err);
    r = r < 0 ? r : check_spans(&h->positive, "positive", err);
    r = r < 0 ? r : check_counts(&h->negative, "negative", &total, err);
    r = r < 0 ? r : check_counts(&h->positive, "positive", &total, err);
    if (r >= 0 && histogram_is_custom(h)) {
        r = check_custom(h, err);
    } else if (r >= 0 && h->custom_count > 0) {
        r = error_set(err, BARO_EINVALID, "histogram: exponential buckets have no custom bounds");
    }
    if (r >= 0 && (h->zero_count < 0 || h->zero_threshold < 0 || isnan(h->zero_threshold))) {
        r = error_set(err, BARO_EINVALID, "histogram: the zero bucket is negative");
    }
    return r < 0 ? r : check_total(h, total, err);
}

/* ---- text ---- */

static void format_double(struct buf *buf, double v)
{
    char text[NUM_TEXT_MAX];
    size_t size = num_format_double(v, NUM_G, text);

    buf_bytes(buf, text, size);
}

/* Numbers that are whole in Prometheus are printed in full. */
static void format_count(struct buf *buf, bool in_full, double count)
{
    if (in_full && count >= 0 && count <= 0x1p53) {
        buf_i64(buf, (int64_t)count);
    } else {
        format_double(buf, count);
    }
}

static void format(struct buf *buf, const struct histogram *h, bool in_full)
{
    struct arena arena = {0};
    size_t count = 0;
    const struct histogram_bucket *list = list_buckets(&arena, h, h->zero_count != 0, &count);

    buf_c(buf, "{count:");
    format_count(buf, in_full, h->count);
    buf_c(buf, ", sum:");
    format_double(buf, h->sum);
    for (size_t i = 0; i < count; i++) {
        if (list[i].count == 0) {
            continue;
        }
        buf_c(buf, list[i].lower_inclusive ? ", [" : ", (");
        format_double(buf, list[i].lower);
        buf_char(buf, ',');
        format_double(buf, list[i].upper);
        buf_c(buf, list[i].upper_inclusive ? "]:" : "):");
        format_count(buf, in_full, list[i].count);
    }
    buf_char(buf, '}');
    arena_done(&arena);
}

void histogram_format(struct buf *buf, const struct histogram *h)
{
    format(buf, h, false);
}

void histogram_format_stored(struct buf *buf, const struct histogram *h)
{
    format(buf, h, h->integer);
}
