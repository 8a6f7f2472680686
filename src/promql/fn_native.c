/*
 * fn_native: functions over native histograms. Interpolation is exponential between exponential
 * bounds, linear in the zero bucket and between custom bounds. Semantics: Prometheus 3.14, promql/
 * quantile.go and functions.go.
 */
#include <math.h>

#include "promql/fn_native.h"

static bool is_zero_bucket(const struct histogram *h, const struct histogram_bucket *bucket)
{
    return !histogram_is_custom(h) && bucket->lower <= 0 && bucket->upper >= 0;
}

/* With buckets on one side of zero only, nothing was observed on the other. */
static void narrow_zero_bucket(const struct histogram *h, struct histogram_bucket *bucket)
{
    if (h->negative.bucket_count == 0 && h->positive.bucket_count > 0) {
        bucket->lower = 0;
    } else if (h->positive.bucket_count == 0 && h->negative.bucket_count > 0) {
        bucket->upper = 0;
    }
}

/* The value that lies at `fraction` (0 to 1) of a bucket's observations. */
static double value_within(const struct histogram_bucket *bucket, double fraction, bool linear)
{
    double low;
    double high;

    if (linear) {
        return bucket->lower + (bucket->upper - bucket->lower) * fraction;
    }
    low = log2(fabs(bucket->lower));
    high = log2(fabs(bucket->upper));
    if (bucket->lower > 0) {
        return exp2(low + (high - low) * fraction);
    }
    return -exp2(high + (low - high) * (1 - fraction));
}

/* What quantiles skip over: counts from one end up to the bucket that holds the rank. */
struct walk {
    struct histogram_bucket bucket;
    double count; /* up to and with that bucket */
};

static struct walk walk_to(const struct histogram_bucket *list, size_t count, double rank,
                           bool forward)
{
    struct walk walk = {0};

    for (size_t i = 0; i < count; i++) {
        const struct histogram_bucket *bucket = &list[forward ? i : count - 1 - i];

        if (bucket->count == 0) {
            continue;
        }
        walk.bucket = *bucket;
        walk.count += bucket->count;
        if (walk.count >= rank) {
            break;
        }
    }
    return walk;
}

static void note_nan(const struct native_call *call, const char *what)
{
    eval_info(call->ev, call->pos, "input to histogram_quantile has NaN observations, %s%s%s", what,
              call->name.len > 0 ? " for metric name " : "",
              call->name.len > 0 ? eval_quoted(call->ev, call->name) : "");
}

static double count_in(const struct histogram_bucket *list, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += list[i].count;
    }
    return sum;
}

/* Observations of NaN are counted, but lie in no bucket; a sum is NaN after -Inf and +Inf as well.
 */
static double native_rank(const struct native_call *call, const struct histogram *h, double q)
{
    bool nan = isnan(h->sum);
    bool forward = nan || q < 0.5;
    double rank = (forward ? q : 1 - q) * h->count;
    size_t count = 0;
    const struct histogram_bucket *list = histogram_buckets(call->temp, h, &count);
    struct walk walk = walk_to(list, count, rank, forward);

    if (is_zero_bucket(h, &walk.bucket)) {
        narrow_zero_bucket(h, &walk.bucket);
    } else if (histogram_is_custom(h) && isinf(walk.bucket.lower)) {
        if (walk.bucket.upper <= 0) {
            return walk.bucket.upper;
        }
        walk.bucket.lower = 0;
    } else if (histogram_is_custom(h) && isinf(walk.bucket.upper)) {
        return walk.bucket.lower;
    }
    walk.count = fmin(walk.count, h->count);
    if (walk.count < rank) {
        /* The rank is among the NaNs. */
        if (nan) {
            note_nan(call, "result is NaN");
            return NAN;
        }
        return walk.bucket.upper;
    }
    if (nan && count_in(list, count) < h->count) {
        note_nan(call, "result is skewed higher");
    }
    rank = forward ? rank - (walk.count - walk.bucket.count) : walk.count - rank;
    return value_within(&walk.bucket, rank / walk.bucket.count,
                        histogram_is_custom(h) || is_zero_bucket(h, &walk.bucket));
}

double native_quantile(const struct native_call *call, const struct histogram *h, double q)
{
    if (isnan(q) || q < 0 || q > 1) {
        return isnan(q) ? NAN : q < 0 ? -INFINITY : INFINITY;
    }
    return h->count == 0 ? NAN : native_rank(call, h, q);
}

/* How many observations lie below v, which is within the bucket, when `rank` lie below that. */
static double rank_within(const struct histogram_bucket *bucket, double rank, double v, bool linear)
{
    double low;
    double high;
    double at;

    if (isinf(bucket->lower)) {
        return bucket->count;
    }
    if (linear) {
        return rank + bucket->count * (v - bucket->lower) / (bucket->upper - bucket->lower);
    }
    low = log2(fabs(bucket->lower));
    high = log2(fabs(bucket->upper));
    at = log2(fabs(v));
    return rank +
           bucket->count * (v > 0 ? (at - low) / (high - low) : 1 - (at - high) / (low - high));
}

static double rank_below(const struct histogram *h, const struct histogram_bucket *list,
                         size_t count, double v, double total)
{
    double rank = 0;

    for (size_t i = 0; i < count; i++) {
        struct histogram_bucket bucket = list[i];
        bool zero = is_zero_bucket(h, &bucket);

        if (zero) {
            narrow_zero_bucket(h, &bucket);
        } else if (isinf(bucket.lower) && bucket.upper > 0) {
            bucket.lower = 0;
        }
        if (bucket.lower >= v) {
            return fmin(rank, total);
        }
        if (bucket.upper > v) {
            return fmin(rank_within(&bucket, rank, v, zero || histogram_is_custom(h)), total);
        }
        rank += bucket.count;
    }
    return total;
}

double native_fraction(const struct native_call *call, const struct histogram *h, double lower,
                       double upper)
{
    size_t count = 0;
    const struct histogram_bucket *list;
    double total = h->count;

    if (h->count == 0 || isnan(lower) || isnan(upper)) {
        return NAN;
    }
    if (lower >= upper) {
        return 0;
    }
    list = histogram_buckets(call->temp, h, &count);
    if (isnan(h->sum)) {
        total = count_in(list, count);
    }
    if (total < h->count) {
        eval_info(call->ev, call->pos,
                  "input to histogram_fraction has NaN observations, which are excluded from all "
                  "fractions%s%s",
                  call->name.len > 0 ? " for metric name " : "",
                  call->name.len > 0 ? eval_quoted(call->ev, call->name) : "");
    }
    return (rank_below(h, list, count, upper, total) - rank_below(h, list, count, lower, total)) /
           h->count;
}

/* ---- one number of a histogram ---- */

static double variance(struct arena *temp, const struct histogram *h)
{
    size_t count = 0;
    const struct histogram_bucket *list = histogram_buckets(temp, h, &count);
    double mean = h->sum / h->count;
    double sum = 0;
    double c = 0;

    for (size_t i = 0; i < count; i++) {
        double middle = 0;
        double delta;

        if (list[i].count == 0) {
            continue;
        }
        if (histogram_is_custom(h)) {
            middle = (list[i].upper + list[i].lower) / 2;
        } else if (list[i].lower > 0 || list[i].upper < 0) {
            middle = sqrt(list[i].upper * list[i].lower);
            middle = list[i].upper < 0 ? -middle : middle;
        }
        delta = middle - mean;
        kahan_add(list[i].count * delta * delta, &sum, &c);
    }
    return (sum + c) / h->count;
}

static double stat_of(enum function_id id, struct arena *temp, const struct histogram *h)
{
    switch ((int)id) {
    case FUNCTION_histogram_count:
        return h->count;
    case FUNCTION_histogram_sum:
        return h->sum;
    case FUNCTION_histogram_avg:
        return h->sum / h->count;
    case FUNCTION_histogram_stdvar:
        return variance(temp, h);
    default:
        return sqrt(variance(temp, h));
    }
}

int fn_histogram_stat(struct eval *ev, const struct timeline *line, const struct expr *call,
                      struct value *ret, struct baro_error *err)
{
    struct arena temp = {0};
    size_t kept = 0;
    int r = eval_expr(ev, line, call->call.args[0], ret, err);

    for (size_t s = 0; r >= 0 && s < ret->count; s++) {
        struct row *row = &ret->rows[s];

        if (row->h == NULL) {
            continue;
        }
        for (size_t i = 0; i < line->steps; i++) {
            row->v[i] = row->h[i] != NULL ? stat_of(call->call.function->id, &temp, row->h[i])
                                          : value_absent();
            arena_reset(&temp);
        }
        row->h = NULL;
        ret->rows[kept++] = *row;
        r = eval_tick(ev, line->steps * 10, err);
    }
    arena_done(&temp);
    if (r < 0) {
        return r;
    }
    ret->count = kept;
    return value_drop_names(ev, line, ret, err);
}
