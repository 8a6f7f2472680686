/*
 * histogram_trim: what is left of a histogram above or below a bound. A bucket that the bound cuts
 * is divided by interpolation: exponentially between exponential bounds, linearly in the zero
 * bucket and between custom bounds. Count and sum are estimated anew from what is left, each bucket
 * taken at its middle. Semantics: Prometheus 3.14, the operators </ and >/.
 */
#include <math.h>

#include "model/histogram.h"

struct trim {
    double bound;
    bool upper; /* what is above the bound goes */
    bool changed;
    double count;
    double sum;
};

static double middle_of(double lower, double upper, bool linear)
{
    if (isinf(lower)) {
        return upper;
    }
    if (isinf(upper)) {
        return lower;
    }
    if (linear) {
        return (lower + upper) / 2;
    }
    return lower < 0 ? -sqrt(lower * upper) : sqrt(lower * upper);
}

/* How much of (lower, upper] lies below the bound, which is within. */
static double share_below(double lower, double upper, double bound, bool linear)
{
    if (linear) {
        return (bound - lower) / (upper - lower);
    }
    if (bound > 0) {
        return (log2(bound) - log2(lower)) / (log2(upper) - log2(lower));
    }
    return 1 - (log2(-bound) - log2(-upper)) / (log2(-lower) - log2(-upper));
}

static double keep(struct trim *trim, double count, double middle)
{
    trim->count += count;
    trim->sum += count == 0 ? 0 : count * middle;
    return count;
}

static double drop(struct trim *trim, double count)
{
    trim->changed = trim->changed || count != 0;
    return 0;
}

/* The count that is left of a bucket. */
static double trim_bucket(struct trim *trim, double lower, double upper, double count, bool linear)
{
    double bound = trim->bound;
    double share;

    if (trim->upper ? upper <= bound : lower >= bound) {
        return keep(trim, count, middle_of(lower, upper, linear));
    }
    if (!(trim->upper ? lower < bound : upper > bound)) {
        return drop(trim, count);
    }
    trim->changed = trim->changed || count != 0;
    share = share_below(lower, upper, bound, linear);
    if (trim->upper) {
        return keep(trim, count * share, middle_of(lower, bound, linear));
    }
    return keep(trim, count * (1 - share), middle_of(bound, upper, linear));
}

/*
 * The outer custom buckets are open: nothing tells where in them the observations are. On the side
 * that is cut off, an open bucket goes as a whole once the bound lies in it; on the other side it
 * stays as a whole, its observations taken to be at the bound. The first bucket begins at 0 when it
 * ends above.
 */
static double trim_custom(struct trim *trim, double lower, double upper, double count)
{
    double bound = trim->bound;

    if (isinf(lower) && upper > 0 && !isinf(upper)) {
        if (!trim->upper && bound < 0 && !isinf(bound)) {
            return drop(trim, count);
        }
        lower = 0;
    }
    if (!isinf(lower) && !isinf(upper)) {
        return trim_bucket(trim, lower, upper, count, true);
    }
    if (trim->upper ? upper <= bound : lower >= bound) {
        return keep(trim, count, middle_of(lower, upper, true));
    }
    if (isinf(trim->upper ? upper : lower) || !(trim->upper ? lower < bound : upper > bound)) {
        return drop(trim, count);
    }
    trim->changed = trim->changed || count != 0;
    return keep(trim, count, bound);
}

static void trim_side(struct trim *trim, const struct histogram *h, struct histogram_side *side,
                      bool negative)
{
    struct histogram_cursor at = {.side = side};

    while (histogram_cursor_next(&at)) {
        struct histogram_bucket bucket = histogram_bucket_at(h, &at, negative);

        side->buckets[at.bucket - 1] =
            histogram_is_custom(h)
                ? trim_custom(trim, bucket.lower, bucket.upper, bucket.count)
                : trim_bucket(trim, bucket.lower, bucket.upper, bucket.count, false);
    }
}

static void trim_zero(struct trim *trim, struct histogram *h)
{
    bool below = h->negative.bucket_count > 0 || h->positive.bucket_count == 0;
    bool above = h->positive.bucket_count > 0 || h->negative.bucket_count == 0;

    if (h->zero_count != 0) {
        h->zero_count = trim_bucket(trim, below ? -h->zero_threshold : 0,
                                    above ? h->zero_threshold : 0, h->zero_count, true);
    }
}

void histogram_trim(struct arena *arena, struct histogram *h, double bound, bool upper)
{
    struct trim trim = {.bound = bound, .upper = upper};

    trim_zero(&trim, h);
    trim_side(&trim, h, &h->positive, false);
    trim_side(&trim, h, &h->negative, true);
    if (trim.changed) {
        h->count = trim.count;
        h->sum = trim.sum;
        h->integer = false;
        histogram_compact(arena, h);
    }
}
