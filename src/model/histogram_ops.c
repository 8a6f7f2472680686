/*
 * histogram_ops: what changes histograms. Two layouts are brought together by walking both in
 * rising index; equal layouts, by far the usual case, are plain loops over arrays.
 */
#include <math.h>

#include "base/assert.h"
#include "model/histogram.h"

/* Neumaier's sum, as Prometheus's kahansum.Inc. */
static inline void sum_add(double v, double *sum, double *c)
{
    double t = *sum + v;

    if (isinf(t)) {
        *c = 0;
    } else if (fabs(*sum) >= fabs(v)) {
        *c += (*sum - t) + v;
    } else {
        *c += (v - t) + *sum;
    }
    *sum = t;
}

static inline void add_to(double v, double *sum, double *c)
{
    if (c == NULL) {
        *sum += v;
    } else {
        sum_add(v, sum, c);
    }
}

/* Buckets as lists, while a side is made anew. */
struct bucket_list {
    int32_t *indexes;
    double *counts;
    size_t count;
};

static struct bucket_list list_new(struct arena *arena, size_t most)
{
    return (struct bucket_list){arena_alloc(arena, (most + 1) * sizeof(int32_t)),
                                arena_alloc(arena, (most + 1) * sizeof(double)), 0};
}

static void list_put(struct bucket_list *list, int32_t index, double count)
{
    if (list->count > 0 && list->indexes[list->count - 1] == index) {
        list->counts[list->count - 1] += count;
        return;
    }
    list->indexes[list->count] = index;
    list->counts[list->count++] = count;
}

static void list_side(struct arena *arena, const struct bucket_list *list,
                      struct histogram_side *ret)
{
    histogram_side_from_pairs(arena, list->indexes, list->counts, list->count, ret);
}

/* ---- schemas ---- */

/* Bucket i of a schema lies in this bucket of the schema that is `by` coarser. */
static int32_t coarser_index(int32_t index, int by)
{
    return ((index - 1) >> by) + 1;
}

static void side_reduce(struct arena *arena, struct histogram_side *side, int by)
{
    struct bucket_list list = list_new(arena, side->bucket_count);
    struct histogram_cursor at = {.side = side};

    while (histogram_cursor_next(&at)) {
        list_put(&list, coarser_index(at.index, by), at.count);
    }
    list_side(arena, &list, side);
}

void histogram_reduce(struct arena *arena, struct histogram *h, int32_t schema)
{
    int by = h->schema - schema;

    ASSERT(!histogram_is_custom(h) && by >= 0);
    if (by > 0) {
        side_reduce(arena, &h->positive, by);
        side_reduce(arena, &h->negative, by);
        h->schema = schema;
    }
}

/* ---- zero buckets ---- */

/*
 * What the zero bucket counts when it is widened to `wanted`, or further: a bucket that is not
 * empty is not cut in two. The new threshold is in *threshold.
 */
static double zero_count_within(const struct histogram *h, double *threshold)
{
    struct histogram_cursor at;
    double count;

    for (;;) {
        double before = *threshold;

        count = h->zero_count;
        at = (struct histogram_cursor){.side = &h->positive};
        while (histogram_cursor_next(&at) && histogram_bound(h, at.index - 1) < *threshold) {
            double upper = histogram_bound(h, at.index);

            count += at.count;
            if (upper > *threshold) {
                *threshold = at.count != 0 ? upper : *threshold;
                break;
            }
        }
        at = (struct histogram_cursor){.side = &h->negative};
        while (histogram_cursor_next(&at) && histogram_bound(h, at.index - 1) < *threshold) {
            double upper = histogram_bound(h, at.index);

            count += at.count;
            if (upper > *threshold) {
                *threshold = at.count != 0 ? upper : *threshold;
                break;
            }
        }
        if (*threshold == before) {
            return count;
        }
    }
}

static void side_clear_below(const struct histogram *h, struct histogram_side *side,
                             double threshold)
{
    struct histogram_cursor at = {.side = side};

    while (histogram_cursor_next(&at) && histogram_bound(h, at.index - 1) < threshold) {
        side->buckets[at.bucket - 1] = 0;
    }
}

/* Widens h's zero bucket; `c` has the same buckets and goes along. */
static void zero_widen(struct histogram *h, struct histogram *c, double threshold)
{
    h->zero_count = zero_count_within(h, &threshold);
    if (c != NULL) {
        double same = threshold;

        c->zero_count = zero_count_within(c, &same);
        side_clear_below(h, &c->positive, threshold);
        side_clear_below(h, &c->negative, threshold);
        c->zero_threshold = threshold;
    }
    side_clear_below(h, &h->positive, threshold);
    side_clear_below(h, &h->negative, threshold);
    h->zero_threshold = threshold;
}

/* Makes h's zero bucket as wide as `other`'s, and gives what the latter counts within that. */
static double zero_reconcile(struct histogram *h, struct histogram *c,
                             const struct histogram *other)
{
    double count = other->zero_count;
    double threshold = other->zero_threshold;

    while (threshold != h->zero_threshold) {
        if (h->zero_threshold > threshold) {
            threshold = h->zero_threshold;
            count = zero_count_within(other, &threshold);
        }
        if (threshold > h->zero_threshold) {
            zero_widen(h, c, threshold);
        }
    }
    return count;
}

/* ---- adding ---- */

/* What is added to a side: its buckets, less those within the zero bucket, brought to h's schema.
 */
struct addend {
    const struct histogram_side *side;
    double sign;
};

static uint32_t buckets_below(const struct histogram *h, const struct histogram_side *side)
{
    struct histogram_cursor at = {.side = side};

    while (!histogram_is_custom(h) && histogram_cursor_next(&at)) {
        if (histogram_bound(h, at.index) > h->zero_threshold) {
            return at.bucket - 1;
        }
    }
    return histogram_is_custom(h) ? 0 : side->bucket_count;
}

static void side_add_same(struct histogram_side *side, struct histogram_side *c,
                          struct addend addend, uint32_t first)
{
    const double *from = addend.side->buckets;

    if (c == NULL) {
        for (uint32_t i = first; i < side->bucket_count; i++) {
            side->buckets[i] += addend.sign * from[i];
        }
        return;
    }
    for (uint32_t i = first; i < side->bucket_count; i++) {
        sum_add(addend.sign * from[i], &side->buckets[i], &c->buckets[i]);
    }
}

/* Two layouts become one. */
static void side_add_other(struct arena *arena, struct histogram_side *side,
                           struct histogram_side *c, struct addend addend, uint32_t skip)
{
    size_t most = (size_t)side->bucket_count + addend.side->bucket_count;
    struct bucket_list sums = list_new(arena, most);
    struct bucket_list lost = list_new(arena, c == NULL ? 0 : most);
    struct histogram_cursor a = {.side = side};
    struct histogram_cursor b = {.side = addend.side};
    bool has_a = histogram_cursor_next(&a);
    bool has_b = histogram_cursor_next(&b);

    while (has_a || has_b) {
        bool take_a = has_a && (!has_b || a.index <= b.index);
        bool take_b = has_b && (!has_a || b.index <= a.index);
        double sum = take_a ? a.count : 0;
        double rest = take_a && c != NULL ? c->buckets[a.bucket - 1] : 0;

        if (take_a || b.bucket > skip) {
            if (take_b && b.bucket > skip) {
                add_to(addend.sign * b.count, &sum, c == NULL ? NULL : &rest);
            }
            list_put(&sums, take_a ? a.index : b.index, sum);
            if (c != NULL) {
                list_put(&lost, take_a ? a.index : b.index, rest);
            }
        }
        has_a = take_a ? histogram_cursor_next(&a) : has_a;
        has_b = take_b ? histogram_cursor_next(&b) : has_b;
    }
    list_side(arena, &sums, side);
    if (c != NULL) {
        list_side(arena, &lost, c);
    }
}

static void side_add(struct arena *arena, const struct histogram *h, struct histogram_side *side,
                     struct histogram_side *c, struct addend addend)
{
    uint32_t skip = buckets_below(h, addend.side);

    if (addend.side->bucket_count == skip) {
        return;
    }
    if (histogram_side_layout_eq(side, addend.side)) {
        side_add_same(side, c, addend, skip);
    } else {
        side_add_other(arena, side, c, addend, skip);
    }
}

/* ---- custom bounds ---- */

static void bounds_intersect(struct arena *arena, const struct histogram *a,
                             const struct histogram *b, struct histogram *ret)
{
    double *common = ARENA_ARRAY(arena, double, a->custom_count + 1);
    uint32_t count = 0;

    for (uint32_t i = 0, k = 0; i < a->custom_count && k < b->custom_count;) {
        if (a->custom[i] == b->custom[k]) {
            common[count++] = a->custom[i++];
            k++;
        } else if (a->custom[i] < b->custom[k]) {
            i++;
        } else {
            k++;
        }
    }
    ret->custom = common;
    ret->custom_count = count;
}

/* The counts of `from` within the (fewer) bounds of `to`; all buckets are written out. */
static void side_to_bounds(struct arena *arena, const struct histogram *from,
                           const struct histogram *to, struct histogram_side *ret)
{
    struct bucket_list list = list_new(arena, to->custom_count + 1);
    struct histogram_cursor at = {.side = &from->positive};
    int32_t target = 0;

    while (histogram_cursor_next(&at)) {
        double bound = histogram_bound(from, at.index);

        while ((uint32_t)target < to->custom_count && to->custom[target] < bound) {
            target++;
        }
        list_put(&list, target, at.count);
    }
    list_side(arena, &list, ret);
}

static void add_custom(struct arena *arena, struct histogram *h, struct histogram *c,
                       const struct histogram *other, double sign, struct histogram_notes *notes)
{
    struct histogram_side moved = other->positive;

    if (!histogram_bounds_eq(h, other)) {
        struct histogram common = *h;

        notes->bounds_reconciled = true;
        bounds_intersect(arena, h, other, &common);
        side_to_bounds(arena, other, &common, &moved);
        if (c != NULL) {
            c->custom = h->custom;
            c->custom_count = h->custom_count;
            side_to_bounds(arena, c, &common, &c->positive);
            c->custom = common.custom;
            c->custom_count = common.custom_count;
        }
        side_to_bounds(arena, h, &common, &h->positive);
        h->custom = common.custom;
        h->custom_count = common.custom_count;
    }
    side_add(arena, h, &h->positive, c == NULL ? NULL : &c->positive,
             (struct addend){&moved, sign});
}

static void add_exponential(struct arena *arena, struct histogram *h, struct histogram *c,
                            const struct histogram *other, double sign)
{
    struct histogram coarse = *other;
    double zero = zero_reconcile(h, c, other);

    add_to(sign * zero, &h->zero_count, c == NULL ? NULL : &c->zero_count);
    if (other->schema < h->schema) {
        histogram_reduce(arena, h, other->schema);
        if (c != NULL) {
            histogram_reduce(arena, c, other->schema);
        }
    }
    histogram_reduce(arena, &coarse, h->schema);
    side_add(arena, h, &h->positive, c == NULL ? NULL : &c->positive,
             (struct addend){&coarse.positive, sign});
    side_add(arena, h, &h->negative, c == NULL ? NULL : &c->negative,
             (struct addend){&coarse.negative, sign});
}

static void hint_combine(struct histogram *h, const struct histogram *other,
                         struct histogram_notes *notes)
{
    if (other->hint == h->hint || h->hint == HISTOGRAM_HINT_GAUGE) {
        return;
    }
    if (other->hint == HISTOGRAM_HINT_GAUGE) {
        h->hint = HISTOGRAM_HINT_GAUGE;
        return;
    }
    if (h->hint != HISTOGRAM_HINT_UNKNOWN && other->hint != HISTOGRAM_HINT_UNKNOWN) {
        notes->reset_collision = true;
    }
    h->hint = HISTOGRAM_HINT_UNKNOWN;
}

static int combine(struct arena *arena, struct histogram *h, struct histogram *c,
                   const struct histogram *other, double sign, struct histogram_notes *notes)
{
    if (histogram_is_custom(h) != histogram_is_custom(other)) {
        return BARO_EINVALID;
    }
    hint_combine(h, other, notes);
    h->integer = false;
    if (histogram_is_custom(h)) {
        add_custom(arena, h, c, other, sign, notes);
    } else {
        add_exponential(arena, h, c, other, sign);
    }
    add_to(sign * other->count, &h->count, c == NULL ? NULL : &c->count);
    add_to(sign * other->sum, &h->sum, c == NULL ? NULL : &c->sum);
    return 0;
}

int histogram_add(struct arena *arena, struct histogram *h, struct histogram *c,
                  const struct histogram *other, struct histogram_notes *notes)
{
    return combine(arena, h, c, other, 1, notes);
}

int histogram_sub(struct arena *arena, struct histogram *h, const struct histogram *other,
                  struct histogram_notes *notes)
{
    return combine(arena, h, NULL, other, -1, notes);
}

struct histogram *histogram_zero_like(struct arena *arena, const struct histogram *h)
{
    struct histogram *zero = histogram_copy(arena, h);

    if (zero != NULL) {
        zero->count = 0;
        zero->sum = 0;
        zero->zero_count = 0;
        for (uint32_t i = 0; i < zero->positive.bucket_count; i++) {
            zero->positive.buckets[i] = 0;
        }
        for (uint32_t i = 0; i < zero->negative.bucket_count; i++) {
            zero->negative.buckets[i] = 0;
        }
    }
    return zero;
}

void histogram_add_plain(struct histogram *h, const struct histogram *c)
{
    ASSERT(h->positive.bucket_count == c->positive.bucket_count);
    ASSERT(h->negative.bucket_count == c->negative.bucket_count);
    h->count += c->count;
    h->sum += c->sum;
    h->zero_count += c->zero_count;
    for (uint32_t i = 0; i < h->positive.bucket_count; i++) {
        h->positive.buckets[i] += c->positive.buckets[i];
    }
    for (uint32_t i = 0; i < h->negative.bucket_count; i++) {
        h->negative.buckets[i] += c->negative.buckets[i];
    }
}

/* ---- scaling ---- */

void histogram_mul(struct histogram *h, double factor)
{
    h->integer = false;
    h->zero_count *= factor;
    h->count *= factor;
    h->sum *= factor;
    for (uint32_t i = 0; i < h->positive.bucket_count; i++) {
        h->positive.buckets[i] *= factor;
    }
    for (uint32_t i = 0; i < h->negative.bucket_count; i++) {
        h->negative.buckets[i] *= factor;
    }
    if (factor < 0) {
        h->hint = HISTOGRAM_HINT_GAUGE;
    }
}

static void side_div(struct histogram_side *side, double divisor)
{
    for (uint32_t i = 0; i < side->bucket_count; i++) {
        side->buckets[i] /= divisor;
    }
}

void histogram_div(struct histogram *h, double divisor)
{
    h->integer = false;
    h->zero_count /= divisor;
    h->count /= divisor;
    h->sum /= divisor;
    if (divisor == 0) {
        /* Buckets would all be infinite or NaN: they are left out. */
        h->positive = (struct histogram_side){0};
        h->negative = (struct histogram_side){0};
    }
    side_div(&h->positive, divisor);
    side_div(&h->negative, divisor);
    if (divisor < 0) {
        h->hint = HISTOGRAM_HINT_GAUGE;
    }
}

/* ---- means ---- */

void histogram_mean_start(struct arena *arena, struct histogram_mean *mean,
                          const struct histogram *first)
{
    *mean = (struct histogram_mean){.sum = histogram_copy(arena, first), .count = 1};
    mean->lost = histogram_zero_like(arena, first);
    mean->resets[first->hint] = true;
}

int histogram_mean_add(struct arena *arena, struct histogram_mean *mean, const struct histogram *h)
{
    struct histogram *part;

    mean->count += 1;
    mean->resets[h->hint] = true;
    if (!mean->incremental) {
        struct histogram *sum = histogram_copy(arena, mean->sum);
        struct histogram *lost = histogram_copy(arena, mean->lost);
        int r = histogram_add(arena, sum, lost, h, &mean->notes);

        if (r < 0) {
            return r;
        }
        if (!histogram_has_overflow(sum)) {
            mean->sum = sum;
            mean->lost = lost;
            return 0;
        }
        mean->incremental = true;
        histogram_div(mean->sum, mean->count - 1);
        histogram_div(mean->lost, mean->count - 1);
    }
    histogram_mul(mean->sum, (mean->count - 1) / mean->count);
    histogram_mul(mean->lost, (mean->count - 1) / mean->count);
    part = histogram_copy(arena, h);
    histogram_div(part, mean->count);
    return histogram_add(arena, mean->sum, mean->lost, part, &mean->notes);
}

struct histogram *histogram_mean_finish(struct histogram_mean *mean)
{
    if (!mean->incremental) {
        histogram_div(mean->sum, mean->count);
        histogram_div(mean->lost, mean->count);
    }
    histogram_add_plain(mean->sum, mean->lost);
    return mean->sum;
}

/* ---- shape ---- */

static bool side_is_dense(const struct histogram_side *side)
{
    for (uint32_t i = 0; i < side->bucket_count; i++) {
        if (side->buckets[i] == 0) {
            return false;
        }
    }
    for (uint32_t i = 0; i < side->span_count; i++) {
        if (side->spans[i].length == 0 || (i > 0 && side->spans[i].offset == 0)) {
            return false;
        }
    }
    return true;
}

static void side_compact(struct arena *arena, struct histogram_side *side)
{
    struct histogram_cursor at = {.side = side};
    struct bucket_list list;

    if (side_is_dense(side)) {
        return;
    }
    list = list_new(arena, side->bucket_count);
    while (histogram_cursor_next(&at)) {
        if (at.count != 0) {
            list_put(&list, at.index, at.count);
        }
    }
    list_side(arena, &list, side);
}

void histogram_compact(struct arena *arena, struct histogram *h)
{
    side_compact(arena, &h->positive);
    side_compact(arena, &h->negative);
}

static bool side_has_overflow(const struct histogram_side *side)
{
    for (uint32_t i = 0; i < side->bucket_count; i++) {
        if (isinf(side->buckets[i])) {
            return true;
        }
    }
    return false;
}

bool histogram_has_overflow(const struct histogram *h)
{
    return isinf(h->zero_count) || isinf(h->count) || isinf(h->sum) ||
           side_has_overflow(&h->positive) || side_has_overflow(&h->negative);
}

/* ---- counter resets ---- */

/* Walks a side in the buckets of a schema that is `by` coarser, above a zero threshold. */
struct coarse_walk {
    struct histogram_cursor at;
    int by;
    bool more; /* `at` stands on a bucket that was not given out yet */
    int32_t index;
    double count;
};

static struct coarse_walk coarse_walk_start(const struct histogram_side *side, int by)
{
    struct coarse_walk walk = {.at = {.side = side}, .by = by};

    walk.more = histogram_cursor_next(&walk.at);
    return walk;
}

static bool coarse_walk_next(struct coarse_walk *walk)
{
    if (!walk->more) {
        return false;
    }
    walk->index = coarser_index(walk->at.index, walk->by);
    walk->count = 0;
    while (walk->more && coarser_index(walk->at.index, walk->by) == walk->index) {
        walk->count += walk->at.count;
        walk->more = histogram_cursor_next(&walk->at);
    }
    return true;
}

/* Whether any bucket of `before` has fallen or gone. Both are walked in h's schema. */
static bool side_has_reset(const struct histogram *h, const struct histogram_side *now,
                           const struct histogram_side *before, int by)
{
    struct coarse_walk a = coarse_walk_start(now, 0);
    struct coarse_walk b = coarse_walk_start(before, by);
    bool has_a = coarse_walk_next(&a);

    while (coarse_walk_next(&b)) {
        if (!histogram_is_custom(h) && histogram_bound(h, b.index) <= h->zero_threshold) {
            continue;
        }
        while (has_a && a.index < b.index) {
            has_a = coarse_walk_next(&a);
        }
        if (has_a && a.index == b.index ? a.count < b.count : b.count != 0) {
            return true;
        }
    }
    return false;
}

/* Custom bounds differ: what lies between the common ones is compared. */
static bool custom_has_reset(struct arena *arena, const struct histogram *h,
                             const struct histogram *before)
{
    struct histogram now = *h;
    struct histogram then = *before;

    bounds_intersect(arena, h, before, &now);
    side_to_bounds(arena, h, &now, &now.positive);
    side_to_bounds(arena, before, &now, &then.positive);
    return side_has_reset(&now, &now.positive, &then.positive, 0);
}

bool histogram_has_reset(struct arena *arena, const struct histogram *h,
                         const struct histogram *before)
{
    double threshold = h->zero_threshold;

    if (h->hint == HISTOGRAM_HINT_RESET || h->hint == HISTOGRAM_HINT_NOT_RESET) {
        return h->hint == HISTOGRAM_HINT_RESET;
    }
    if (h->count < before->count || histogram_is_custom(h) != histogram_is_custom(before)) {
        return true;
    }
    if (histogram_is_custom(h)) {
        return histogram_bounds_eq(h, before)
                   ? side_has_reset(h, &h->positive, &before->positive, 0)
                   : custom_has_reset(arena, h, before);
    }
    if (h->schema > before->schema || h->zero_threshold < before->zero_threshold) {
        return true;
    }
    if (h->zero_count < zero_count_within(before, &threshold) || threshold != h->zero_threshold) {
        return true;
    }
    return side_has_reset(h, &h->positive, &before->positive, before->schema - h->schema) ||
           side_has_reset(h, &h->negative, &before->negative, before->schema - h->schema);
}
