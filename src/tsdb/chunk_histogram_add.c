/*
 * Which histograms share a chunk, and how their buckets are made one layout. A counter stays in its
 * chunk until it was reset; buckets that it gains are put into the older histograms of the chunk
 * with a count of zero, and buckets that it lacks, while nothing was counted there, are put into
 * the new one. Gauges gain and lose buckets freely. Source: Prometheus 3,
 * tsdb/chunkenc/histogram.go and float_histogram.go, AppendHistogram and AppendFloatHistogram.
 */
#include "base/assert.h"
#include "base/mem.h"
#include "base/vec.h"
#include "tsdb/chunk_histogram_priv.h"

/* Most histograms have no more; then nothing is allocated to look at one. */
enum { BUCKETS_FEW = 256 };

/* How the buckets of one side of a new histogram differ from those of the chunk. */
struct side_change {
    bool lacks;  /* some of the chunk's */
    bool brings; /* some that the chunk has not */
};

struct verdict {
    bool fits;
    bool is_reset;
    enum chunk_histogram_start start; /* of the next chunk when it does not fit */
    struct side_change positive;
    struct side_change negative;
};

/* The counts of the last histogram, from `first` on, as absolute numbers. */
static void read_counts(const struct chunk_histogram *chunk, size_t first, uint32_t count,
                        double *ret)
{
    int64_t at = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (chunk->is_float) {
            ret[i] = value_from_bits(chunk->floats[1 + first + i].bits);
        } else {
            at = (int64_t)((uint64_t)at + (uint64_t)chunk->fields[first + i].value);
            ret[i] = (double)at;
        }
    }
}

static double read_field(const struct chunk_histogram *chunk, size_t field)
{
    return chunk->is_float ? value_from_bits(chunk->floats[1 + field].bits)
                           : (double)chunk->fields[field].value;
}

/* The last histogram of the chunk, which is no stale marker, with its counts in `buckets`. */
static struct histogram last_with(const struct chunk_histogram *chunk, double *buckets)
{
    struct histogram h = chunk->layout;

    h.count = read_field(chunk, FIELD_COUNT);
    h.zero_count = read_field(chunk, FIELD_ZERO);
    h.sum = value_from_bits(chunk->floats[0].bits);
    if (chunk_histogram_start_of(buf_view(&chunk->data)) == CHUNK_START_GAUGE) {
        h.hint = HISTOGRAM_HINT_GAUGE;
    }
    h.positive.buckets = buckets;
    h.negative.buckets = buckets + h.positive.bucket_count;
    read_counts(chunk, FIELD_BUCKETS, h.positive.bucket_count, h.positive.buckets);
    read_counts(chunk, FIELD_BUCKETS + (size_t)h.positive.bucket_count, h.negative.bucket_count,
                h.negative.buckets);
    return h;
}

struct histogram *chunk_histogram_last(const struct chunk_histogram *chunk, struct arena *arena)
{
    const size_t count = chunk->field_count - FIELD_BUCKETS;
    struct histogram h = {.sum = value_from_bits(chunk->floats[0].bits),
                          .integer = !chunk->is_float};

    ASSERT(chunk->count > 0);
    if (!chunk->is_stale) {
        double *buckets = arena_try(arena, (count + 1) * sizeof(double));

        if (buckets == NULL) {
            return NULL;
        }
        h = last_with(chunk, buckets);
    }
    return histogram_copy(arena, &h);
}

/* Compares a side with the chunk's; false when a counter has fallen. */
static bool side_compare(const struct histogram_side *old, const struct histogram_side *side,
                         bool is_gauge, struct side_change *ret)
{
    struct histogram_cursor x = {.side = old};
    struct histogram_cursor y = {.side = side};
    bool has_x = histogram_cursor_next(&x);
    bool has_y = histogram_cursor_next(&y);

    while (has_x || has_y) {
        if (has_x && has_y && x.index == y.index) {
            if (!is_gauge && x.count > y.count) {
                return false;
            }
            has_x = histogram_cursor_next(&x);
            has_y = histogram_cursor_next(&y);
        } else if (has_x && (!has_y || x.index < y.index)) {
            if (!is_gauge && x.count != 0) {
                return false;
            }
            ret->lacks = true;
            has_x = histogram_cursor_next(&x);
        } else {
            ret->brings = true;
            has_y = histogram_cursor_next(&y);
        }
    }
    return true;
}

/* A histogram of a layout that the chunk cannot hold. */
static bool is_other_kind(const struct chunk_histogram *chunk, const struct histogram *h)
{
    return h->schema != chunk->layout.schema || h->zero_threshold != chunk->layout.zero_threshold;
}

static struct verdict refused(enum chunk_histogram_start start)
{
    return (struct verdict){.start = start, .is_reset = start == CHUNK_START_RESET};
}

static struct verdict judge_sides(const struct chunk_histogram *chunk, const struct histogram *h,
                                  bool is_gauge)
{
    struct verdict verdict = {.fits = true, .start = CHUNK_START_NOT_RESET};
    const size_t count = chunk->field_count - FIELD_BUCKETS;
    double few[BUCKETS_FEW];
    double *buckets = count > BUCKETS_FEW ? mem_alloc(count * sizeof(double)) : few;
    const struct histogram last = last_with(chunk, buckets);

    if (!side_compare(&last.positive, &h->positive, is_gauge, &verdict.positive) ||
        !side_compare(&last.negative, &h->negative, is_gauge, &verdict.negative)) {
        verdict = refused(CHUNK_START_RESET);
    }
    if (buckets != few) {
        (void)mem_free(buckets);
    }
    return verdict;
}

static struct verdict judge_counter(const struct chunk_histogram *chunk, const struct histogram *h)
{
    if (chunk_histogram_start_of(buf_view(&chunk->data)) == CHUNK_START_GAUGE) {
        return refused(CHUNK_START_NOT_RESET);
    }
    if (h->hint == HISTOGRAM_HINT_RESET) {
        return refused(CHUNK_START_RESET);
    }
    if (histogram_is_stale(h)) {
        return (struct verdict){.fits = true, .start = CHUNK_START_NOT_RESET};
    }
    if (chunk->is_stale) {
        return refused(CHUNK_START_UNKNOWN);
    }
    if (h->count < read_field(chunk, FIELD_COUNT)) {
        return refused(CHUNK_START_RESET);
    }
    if (is_other_kind(chunk, h)) {
        return refused(CHUNK_START_UNKNOWN);
    }
    if ((histogram_is_custom(h) && !histogram_bounds_eq(h, &chunk->layout)) ||
        h->zero_count < read_field(chunk, FIELD_ZERO)) {
        return refused(CHUNK_START_RESET);
    }
    return judge_sides(chunk, h, false);
}

static struct verdict judge_gauge(const struct chunk_histogram *chunk, const struct histogram *h)
{
    if (chunk_histogram_start_of(buf_view(&chunk->data)) != CHUNK_START_GAUGE) {
        return refused(CHUNK_START_GAUGE);
    }
    if (histogram_is_stale(h)) {
        return (struct verdict){.fits = true};
    }
    if (chunk->is_stale || is_other_kind(chunk, h) ||
        (histogram_is_custom(h) && !histogram_bounds_eq(h, &chunk->layout))) {
        return refused(CHUNK_START_GAUGE);
    }
    return judge_sides(chunk, h, true);
}

enum chunk_histogram_start chunk_histogram_start_behind(const struct chunk_histogram *before,
                                                        const struct histogram *h)
{
    struct verdict verdict;

    if (h->hint == HISTOGRAM_HINT_GAUGE) {
        return CHUNK_START_GAUGE;
    }
    if (h->hint == HISTOGRAM_HINT_RESET) {
        return CHUNK_START_RESET;
    }
    if (before == NULL) {
        return CHUNK_START_UNKNOWN;
    }
    verdict = judge_counter(before, h);
    /* A float chunk knows resets only. */
    return before->is_float ? (verdict.is_reset ? CHUNK_START_RESET : CHUNK_START_NOT_RESET)
                            : verdict.start;
}

/* ---- making layouts one ---- */

/* Puts the counts of a side into the buckets of another layout, which has them all. */
static void side_spread(const struct histogram_side *from, struct histogram_side *to)
{
    struct histogram_cursor x = {.side = from};
    struct histogram_cursor y = {.side = to};

    memset(to->buckets, 0, to->bucket_count * sizeof(double));
    while (histogram_cursor_next(&x)) {
        do {
            bool has_it = histogram_cursor_next(&y);

            ASSERT(has_it);
        } while (y.index != x.index);
        to->buckets[y.bucket - 1] = x.count;
    }
}

/* A side with the buckets of both, and the counts of the second. */
static void side_unite(struct arena *arena, const struct histogram_side *a,
                       const struct histogram_side *b, struct histogram_side *ret)
{
    struct histogram_cursor x = {.side = a};
    struct histogram_cursor y = {.side = b};
    size_t room = (size_t)a->bucket_count + b->bucket_count;
    int32_t *indexes = ARENA_ARRAY(arena, int32_t, room + 1);
    double *counts = ARENA_ARRAY(arena, double, room + 1);
    bool has_x = histogram_cursor_next(&x);
    bool has_y = histogram_cursor_next(&y);
    size_t count = 0;

    while (has_x || has_y) {
        bool take_x = has_x && (!has_y || x.index <= y.index);
        bool take_y = has_y && (!has_x || y.index <= x.index);

        indexes[count] = take_x ? x.index : y.index;
        counts[count++] = take_y ? y.count : 0;
        has_x = take_x ? histogram_cursor_next(&x) : has_x;
        has_y = take_y ? histogram_cursor_next(&y) : has_y;
    }
    histogram_side_from_pairs(arena, indexes, counts, count, ret);
}

/* The counts of `from` in the spans of `layout`. */
static struct histogram_side side_as(struct arena *arena, const struct histogram_side *layout,
                                     const struct histogram_side *from)
{
    struct histogram_side side = *layout;

    side.buckets = ARENA_ARRAY(arena, double, side.bucket_count + 1);
    side_spread(from, &side);
    return side;
}

/* Widens h by the buckets that it lacks. Spans come out as Prometheus has them, since the next
 * chunk starts with them. */
static void widen(struct arena *arena, const struct chunk_histogram *chunk,
                  const struct verdict *verdict, bool is_gauge, struct histogram *h)
{
    const struct histogram *last = chunk_histogram_last(chunk, arena);
    const bool brings = verdict->positive.brings || verdict->negative.brings;

    if (!verdict->positive.lacks && !verdict->negative.lacks) {
        return;
    }
    ASSERT(last != NULL);
    if (!is_gauge && !brings) {
        h->positive = side_as(arena, &last->positive, &h->positive);
        h->negative = side_as(arena, &last->negative, &h->negative);
        return;
    }
    if (is_gauge || verdict->positive.lacks) {
        side_unite(arena, &last->positive, &h->positive, &h->positive);
    }
    if (is_gauge || verdict->negative.lacks) {
        side_unite(arena, &last->negative, &h->negative, &h->negative);
    }
}

/* Packs the chunk anew with the buckets of h, which has all of the chunk's. */
static int recode(struct chunk_histogram *chunk, const struct histogram *h, struct baro_error *err)
{
    struct chunk_histogram wider = {0};
    struct sample_buf samples = {0};
    int r = chunk_histogram_decode(buf_view(&chunk->data), chunk->is_float, INT64_MIN, INT64_MAX,
                                   &samples, err);

    chunk_histogram_begin(&wider, chunk->is_float,
                          chunk_histogram_start_of(buf_view(&chunk->data)));
    for (size_t i = 0; r >= 0 && i < samples.count; i++) {
        struct histogram old = *samples.h[i];

        old.positive = side_as(&samples.arena, &h->positive, &old.positive);
        old.negative = side_as(&samples.arena, &h->negative, &old.negative);
        if (!chunk_histogram_append(&wider, samples.t[i], &old)) {
            r = error_set(err, BARO_ELIMIT, "no memory for a histogram chunk");
        }
    }
    sample_buf_done(&samples);
    if (r >= 0) {
        struct chunk_histogram old = *chunk;

        *chunk = wider;
        wider = old;
    }
    chunk_histogram_done(&wider);
    return r;
}

static int add_changed(struct chunk_histogram *chunk, ts t, const struct histogram *h,
                       const struct verdict *verdict, bool is_gauge, struct baro_error *err)
{
    struct histogram wide = *h;
    struct arena arena = {0};
    int r = 0;

    widen(&arena, chunk, verdict, is_gauge, &wide);
    if (verdict->positive.brings || verdict->negative.brings) {
        r = recode(chunk, &wide, err);
    }
    if (r >= 0) {
        r = chunk_histogram_append(chunk, t, &wide)
                ? 1
                : error_set(err, BARO_ELIMIT, "no memory for a histogram chunk");
    }
    arena_done(&arena);
    return r;
}

int chunk_histogram_add(struct chunk_histogram *chunk, ts t, const struct histogram *h,
                        enum chunk_histogram_start *ret_start, struct baro_error *err)
{
    const bool is_gauge = h->hint == HISTOGRAM_HINT_GAUGE;
    struct verdict verdict;

    ASSERT(chunk->count > 0);
    if (chunk->count == UINT16_MAX) {
        *ret_start = chunk_histogram_start_behind(chunk, h);
        return 0;
    }
    verdict = is_gauge ? judge_gauge(chunk, h) : judge_counter(chunk, h);
    if (!verdict.fits) {
        *ret_start =
            chunk->is_float && !is_gauge && !verdict.is_reset ? CHUNK_START_UNKNOWN : verdict.start;
        return 0;
    }
    if (verdict.positive.lacks || verdict.negative.lacks || verdict.positive.brings ||
        verdict.negative.brings) {
        return add_changed(chunk, t, h, &verdict, is_gauge, err);
    }
    return chunk_histogram_append(chunk, t, h)
               ? 1
               : error_set(err, BARO_ELIMIT, "no memory for a histogram chunk");
}
