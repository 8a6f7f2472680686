/*
 * kernel: the functions over ranges of one series. Each slides two indices over the samples, so
 * that a sample is looked at once per window that holds it, or less. Sums are never differences of
 * prefix sums: those would lose what the windows have not in common.
 */
#include <math.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/assert.h"
#include "promql/engine_priv.h"
#include "promql/scan.h"

void *range_call_room(struct range_call *call, size_t bytes)
{
    if (call->room_bytes < bytes) {
        call->room = mem_realloc(call->room, bytes);
        call->room_bytes = bytes;
    }
    return call->room;
}

bool range_call_tick(struct range_call *call, size_t work)
{
    if (eval_tick(call->ev, work, NULL) < 0) {
        call->stopped = 1;
    }
    return call->stopped != 0;
}

void kernel_slide(struct range_call *call, const struct sample_buf *samples,
                  window_function function, double *out)
{
    dur before = call->range + (call->anchored || call->smoothed ? call->ev->lookback : 0);
    dur after = call->smoothed ? call->ev->lookback : 0;
    struct scan_seek low_seek = {0};
    struct scan_seek high_seek = {0};

    for (size_t i = 0; i < call->line->steps; i++) {
        struct window window = {.step = i, .call = call, .samples = samples};
        ts end = range_call_end(call, i);

        size_t high = scan_past(&high_seek, samples->t, samples->count, end + after);
        size_t low = scan_past(&low_seek, samples->t, high, end - before);

        out[i] = value_absent();
        if (low == high || before == 0) {
            continue;
        }
        window.t = samples->t + low;
        window.v = samples->v + low;
        window.count = high - low;
        window.start = end - call->range;
        window.end = end;
        eval_samples(call->ev, i, window.count);
        if (range_call_tick(call, window.count / 4 + 1)) {
            return;
        }
        out[i] = function(&window);
    }
}

/* ---- windows ---- */

/* Of how many stored samples those of the window tell. */
static inline size_t window_counted(const struct window *w)
{
    size_t low = (size_t)(w->t - w->samples->t);

    return samples_counted(w->samples, low, low + w->count);
}

/* Each value is the sum of several; should they overflow together, their shares of the mean do not.
 */
static double window_avg_of_sums(const struct window *w)
{
    double count = (double)window_counted(w);
    double sum = 0, c = 0;

    for (size_t i = 0; i < w->count; i++) {
        kahan_add(w->v[i], &sum, &c);
    }
    if (!isinf(sum)) {
        return sum / count + c / count;
    }
    sum = c = 0;
    for (size_t i = 0; i < w->count; i++) {
        kahan_add(w->v[i] / count, &sum, &c);
    }
    return sum + c;
}

static double window_avg(const struct window *w)
{
    double sum = w->v[0];
    double c = 0;
    double mean = 0;
    bool incremental = false;

    if (UNLIKELY(w->samples->n != NULL)) {
        return window_avg_of_sums(w);
    }
    for (size_t i = 1; i < w->count; i++) {
        double count = (double)(i + 1);
        double q = (count - 1) / count;

        if (!incremental) {
            double new_sum = sum;
            double new_c = c;

            kahan_add(w->v[i], &new_sum, &new_c);
            if (!isinf(new_sum)) {
                sum = new_sum;
                c = new_c;
                continue;
            }
            /* The sum overflows: the mean goes on incrementally. */
            incremental = true;
            mean = sum / (count - 1);
            c /= count - 1;
        }
        mean *= q;
        c *= q;
        kahan_add(w->v[i] / count, &mean, &c);
    }
    return incremental ? mean + c : sum / (double)w->count + c / (double)w->count;
}

static double window_sum(const struct window *w)
{
    double sum = 0;
    double c = 0;

    for (size_t i = 0; i < w->count; i++) {
        kahan_add(w->v[i], &sum, &c);
    }
    return isinf(sum) ? sum : sum + c;
}

static double window_count(const struct window *w)
{
    return (double)window_counted(w);
}

static double window_present(UNUSED const struct window *w)
{
    return 1;
}

static double window_first(const struct window *w)
{
    return w->v[0];
}

static double window_last(const struct window *w)
{
    return w->v[w->count - 1];
}

static double window_first_ts(const struct window *w)
{
    return (double)w->t[0] / 1000;
}

static double window_last_ts(const struct window *w)
{
    return (double)w->t[w->count - 1] / 1000;
}

static double window_max_ts(const struct window *w)
{
    size_t best = 0;

    for (size_t i = 0; i < w->count; i++) {
        if (w->v[i] >= w->v[best] || isnan(w->v[best])) {
            best = i;
        }
    }
    return (double)w->t[best] / 1000;
}

static double window_min_ts(const struct window *w)
{
    size_t best = 0;

    for (size_t i = 0; i < w->count; i++) {
        if (w->v[i] <= w->v[best] || isnan(w->v[best])) {
            best = i;
        }
    }
    return (double)w->t[best] / 1000;
}

static double window_variance(const struct window *w)
{
    double mean = 0;
    double mean_c = 0;
    double aux = 0;
    double aux_c = 0;

    for (size_t i = 0; i < w->count; i++) {
        double delta = w->v[i] - (mean + mean_c);

        kahan_add(delta / (double)(i + 1), &mean, &mean_c);
        kahan_add(delta * (w->v[i] - (mean + mean_c)), &aux, &aux_c);
    }
    return (aux + aux_c) / (double)w->count;
}

static double window_stddev(const struct window *w)
{
    return sqrt(window_variance(w));
}

/* ---- quantiles ---- */

static bool value_less(double a, double b)
{
    return a < b || (isnan(a) && !isnan(b));
}

static double median_of_three(double a, double b, double c)
{
    double low = a < b ? a : b;
    double high = a < b ? b : a;

    return c < low ? low : c > high ? high : c;
}

/* Moves what is below the pivot (or, with_equal, not above it) to the front, in a loop without
 * branches: which way values fall nobody can foretell. Returns how many there are. */
static HOT size_t divide(double *v, size_t count, double pivot, bool with_equal)
{
    size_t low = 0;

    for (size_t i = 0; i < count; i++) {
        double x = v[i];

        v[i] = v[low];
        v[low] = x;
        low += with_equal ? x <= pivot : x < pivot;
    }
    return low;
}

/* NaN is below every number. */
static size_t divide_nan(double *v, size_t count)
{
    size_t low = 0;

    for (size_t i = 0; i < count; i++) {
        double x = v[i];

        v[i] = v[low];
        v[low] = x;
        low += x != x;
    }
    return low;
}

/* Puts the value of the given rank where it belongs, smaller ones before it. */
static void select_rank(double *v, size_t count, size_t rank)
{
    size_t low = divide_nan(v, count);

    if (rank < low) {
        return;
    }
    while (count > 1) {
        v += low;
        rank -= low;
        count -= low;
        low = 0;
        if (count > 1) {
            double pivot = median_of_three(v[0], v[count / 2], v[count - 1]);

            low = divide(v, count, pivot, false);
            /* Nothing is below the pivot: what equals it goes to the front. */
            if (low == 0) {
                low = divide(v, count, pivot, true);
                if (rank < low) {
                    return;
                }
            } else if (rank < low) {
                count = low;
                low = 0;
            }
        }
    }
}

/* Quantiles near 1 (0.95 of an hour's samples) ask for one of the largest values: those are kept in
 * order, and few others are among them even for a while. */
enum { LARGEST_MAX = 24 };

/* Of the `wanted` largest values the two least ones; none of the values is a NaN. */
static void least_of_largest(const double *values, size_t count, size_t wanted, double *ret_low,
                             double *ret_high)
{
    double largest[LARGEST_MAX]; /* rising */
    size_t held = 0;

    for (size_t i = 0; i < count; i++) {
        double v = values[i];
        size_t at;

        if (held == wanted && v <= largest[0]) {
            continue;
        }
        if (held < wanted) {
            for (at = held++; at > 0 && largest[at - 1] > v; at--) {
                largest[at] = largest[at - 1];
            }
        } else {
            for (at = 0; at + 1 < held && largest[at + 1] < v; at++) {
                largest[at] = largest[at + 1];
            }
        }
        largest[at] = v;
    }
    *ret_low = largest[0];
    *ret_high = wanted > 1 ? largest[1] : largest[0];
}

double kernel_quantile(double q, double *values, size_t count)
{
    double rank;
    double weight;
    size_t lower;
    double low;
    double high;

    if (count == 0 || isnan(q)) {
        return NAN;
    }
    if (q < 0 || q > 1) {
        return q < 0 ? -INFINITY : INFINITY;
    }
    rank = q * (double)(count - 1);
    weight = rank - floor(rank);
    lower = (size_t)fmax(0, floor(rank));
    if (count - lower <= LARGEST_MAX && scan_nan(values, 0, count) == count) {
        least_of_largest(values, count, count - lower, &low, &high);
    } else {
        select_rank(values, count, lower);
        low = values[lower];
        high = lower + 1 < count ? values[lower + 1] : low;
        for (size_t i = lower + 2; i < count; i++) {
            high = value_less(values[i], high) ? values[i] : high;
        }
    }
    /* At a rank of its own, what is next does not count: Inf * 0 would. */
    return weight == 0 && isinf(high) ? low : low * (1 - weight) + high * weight;
}

static double window_quantile_window(const struct window *w)
{
    double *room = range_call_room(w->call, w->count * sizeof(*room));

    memcpy(room, w->v, w->count * sizeof(*room));
    return kernel_quantile(w->call->params[0][w->step], room, w->count);
}

static double window_mad(const struct window *w)
{
    double *room = range_call_room(w->call, w->count * sizeof(*room));
    double median;

    memcpy(room, w->v, w->count * sizeof(*room));
    median = kernel_quantile(0.5, room, w->count);
    for (size_t i = 0; i < w->count; i++) {
        if (isnan(w->v[i])) {
            return NAN;
        }
        room[i] = fabs(w->v[i] - median);
    }
    return kernel_quantile(0.5, room, w->count);
}

/* ---- trends ---- */

struct trend {
    double slope;
    double intercept;
};

/* Least squares, the intercept at the given time. Sums are compensated. */
static struct trend linear_regression(const struct window *w, ts intercept_time)
{
    double n = (double)w->count;
    double sum_x = 0, c_x = 0, sum_y = 0, c_y = 0, sum_xy = 0, c_xy = 0, sum_x2 = 0, c_x2 = 0;
    bool constant = true;
    struct trend trend;

    for (size_t i = 0; i < w->count; i++) {
        double x = (double)(w->t[i] - intercept_time) / 1e3;

        constant = constant && w->v[i] == w->v[0];
        kahan_add(x, &sum_x, &c_x);
        kahan_add(w->v[i], &sum_y, &c_y);
        kahan_add(x * w->v[i], &sum_xy, &c_xy);
        kahan_add(x * x, &sum_x2, &c_x2);
    }
    constant = constant || (w->count == 1);
    if (constant) {
        return isinf(w->v[0]) ? (struct trend){NAN, NAN} : (struct trend){0, w->v[0]};
    }
    sum_x += c_x;
    sum_y += c_y;
    trend.slope = (sum_xy + c_xy - sum_x * sum_y / n) / (sum_x2 + c_x2 - sum_x * sum_x / n);
    trend.intercept = sum_y / n - trend.slope * sum_x / n;
    return trend;
}

static double window_deriv(const struct window *w)
{
    return w->count < 2 ? value_absent() : linear_regression(w, w->t[0]).slope;
}

static double window_predict(const struct window *w)
{
    struct trend trend;

    if (w->count < 2) {
        return value_absent();
    }
    trend = linear_regression(w, timeline_at(w->call->line, w->step));
    return trend.slope * w->call->params[0][w->step] + trend.intercept;
}

/* Holt's linear method. */
static double window_smoothing(const struct window *w)
{
    double sf = w->call->params[0][w->step];
    double tf = w->call->params[1][w->step];
    double before = 0;
    double now = w->v[0];
    double trend;

    if (w->count < 2) {
        return value_absent();
    }
    trend = w->v[1] - w->v[0];
    for (size_t i = 1; i < w->count; i++) {
        double x = sf * w->v[i];
        double y;

        if (i > 1) {
            trend = tf * (now - before) + (1 - tf) * trend;
        }
        y = (1 - sf) * (now + trend);
        before = now;
        now = x + y;
    }
    return now;
}

/* ---- extremes ---- */

/* Whether a stays the extreme when b comes after it. NaN yields to every number. */
static inline bool beats(double a, double b, bool want_max)
{
    if (isnan(a)) {
        return isnan(b);
    }
    return isnan(b) || (want_max ? a >= b : a <= b);
}

/* The extreme of values one after the other; NaN where there are only NaNs. */
static double extreme_of_careful(const double *v, size_t count, bool want_max)
{
    double best = v[0];

    for (size_t i = 1; i < count; i++) {
        best = beats(best, v[i], want_max) ? best : v[i];
    }
    return best;
}

/* Extremes of as many fours as there are, by comparisons that NaN never wins: the better of the two
 * is that of all. Returns how many values that were. */
#if defined(__x86_64__)
enum { WIDE_MIN = 32 };

__attribute__((target("avx2"))) static HOT size_t extremes_of_fours(const double *v, size_t count,
                                                                    bool want_max, double *ret_a,
                                                                    double *ret_b)
{
    __m256d best[4];
    double lanes[4];
    size_t i = 0;

    for (size_t k = 0; k < 4; k++) {
        best[k] = _mm256_set1_pd(*ret_a);
    }
    for (; want_max && i + 16 <= count; i += 16) {
        best[0] = _mm256_max_pd(_mm256_loadu_pd(v + i), best[0]);
        best[1] = _mm256_max_pd(_mm256_loadu_pd(v + i + 4), best[1]);
        best[2] = _mm256_max_pd(_mm256_loadu_pd(v + i + 8), best[2]);
        best[3] = _mm256_max_pd(_mm256_loadu_pd(v + i + 12), best[3]);
    }
    for (; !want_max && i + 16 <= count; i += 16) {
        best[0] = _mm256_min_pd(_mm256_loadu_pd(v + i), best[0]);
        best[1] = _mm256_min_pd(_mm256_loadu_pd(v + i + 4), best[1]);
        best[2] = _mm256_min_pd(_mm256_loadu_pd(v + i + 8), best[2]);
        best[3] = _mm256_min_pd(_mm256_loadu_pd(v + i + 12), best[3]);
    }
    for (; i + 4 <= count; i += 4) {
        __m256d four = _mm256_loadu_pd(v + i);

        best[0] = want_max ? _mm256_max_pd(four, best[0]) : _mm256_min_pd(four, best[0]);
    }
    best[0] = want_max ? _mm256_max_pd(best[0], best[1]) : _mm256_min_pd(best[0], best[1]);
    best[2] = want_max ? _mm256_max_pd(best[2], best[3]) : _mm256_min_pd(best[2], best[3]);
    best[0] = want_max ? _mm256_max_pd(best[0], best[2]) : _mm256_min_pd(best[0], best[2]);
    _mm256_storeu_pd(lanes, best[0]);
    for (size_t k = 0; k < 4; k++) {
        double *to = k % 2 == 0 ? ret_a : ret_b;

        *to = (want_max ? lanes[k] > *to : lanes[k] < *to) ? lanes[k] : *to;
    }
    return i;
}
#endif

/*
 * The same by comparisons that NaN never wins, in four lanes. What they cannot tell is told by the
 * careful way: whether there was anything but NaN, and which zero of two signs came first.
 */
static double extreme_of(const double *v, size_t count, bool want_max)
{
    double edge = want_max ? -INFINITY : INFINITY;
    double a = edge;
    double b = edge;
    double c = edge;
    double d = edge;
    size_t i = 0;

#if defined(__x86_64__)
    if (count >= WIDE_MIN && __builtin_cpu_supports("avx2")) {
        i = extremes_of_fours(v, count, want_max, &a, &b);
    }
#endif
    if (want_max) {
        for (; i + 4 <= count; i += 4) {
            a = v[i] > a ? v[i] : a;
            b = v[i + 1] > b ? v[i + 1] : b;
            c = v[i + 2] > c ? v[i + 2] : c;
            d = v[i + 3] > d ? v[i + 3] : d;
        }
        for (; i < count; i++) {
            a = v[i] > a ? v[i] : a;
        }
        a = b > a ? b : a;
        c = d > c ? d : c;
        a = c > a ? c : a;
    } else {
        for (; i + 4 <= count; i += 4) {
            a = v[i] < a ? v[i] : a;
            b = v[i + 1] < b ? v[i + 1] : b;
            c = v[i + 2] < c ? v[i + 2] : c;
            d = v[i + 3] < d ? v[i + 3] : d;
        }
        for (; i < count; i++) {
            a = v[i] < a ? v[i] : a;
        }
        a = b < a ? b : a;
        c = d < c ? d : c;
        a = c < a ? c : a;
    }
    return a == edge || a == 0 ? extreme_of_careful(v, count, want_max) : a;
}

/* A run of samples between two neighbouring borders of windows, or its extreme alone. */
struct run {
    size_t begin;
    double best;
};

/* What windows slide over: samples with any times, or pieces of regular ones. */
struct extreme_slide {
    const struct sample_buf *samples; /* NULL: pieces */
    const struct sample_pieces *pieces;
    size_t piece;        /* of the sample that was looked at last */
    size_t stride;       /* pieces: samples that borders move by at each step; 0 = it differs */
    int64_t until_right; /* with a stride: the borders at step 0, beyond the samples too */
    int64_t until_left;
    struct run *queue; /* runs that may still hold the extreme of a window, best first */
    size_t head;
    size_t tail;
    bool want_max;
};

/* How many samples lie before the right (or left) end of a step's window; each kind of border has a
 * seek of its own. */
static inline size_t slide_border(const struct extreme_slide *slide, const struct range_call *call,
                                  struct scan_seek *seek, size_t step, bool is_left)
{
    ts at = range_call_end(call, step) - (is_left ? call->range : 0);
    int64_t until;

    if (slide->samples != NULL) {
        return scan_past(seek, slide->samples->t, slide->samples->count, at);
    }
    until = slide->stride == 0 ? scan_pieces_until(slide->pieces, at)
                               : (is_left ? slide->until_left : slide->until_right) +
                                     (int64_t)(step * slide->stride);
    return scan_within(until, slide->pieces->count);
}

/* A run that no later window will want goes when a better one comes behind it. */
static void slide_push_run(struct extreme_slide *slide, size_t begin, const double *v, size_t count)
{
    struct run run = {begin, extreme_of(v, count, slide->want_max)};

    while (slide->tail > slide->head &&
           !beats(slide->queue[slide->tail - 1].best, run.best, slide->want_max)) {
        slide->tail--;
    }
    slide->queue[slide->tail++] = run;
}

static void slide_push(struct extreme_slide *slide, size_t begin, size_t end)
{
    while (begin < end) {
        size_t stop = end;
        const double *v;

        if (slide->samples != NULL) {
            v = slide->samples->v + begin;
        } else {
            v = scan_piece_at(slide->pieces, &slide->piece, begin);
            stop = slide->pieces->pieces[slide->piece].end;
            stop = stop < end ? stop : end;
        }
        slide_push_run(slide, begin, v, stop - begin);
        begin = stop;
    }
}

/*
 * Windows overlap: between two borders (right ends of this and earlier windows, left ends of this
 * and later ones) all samples share their fate, so that only the extreme of such a run counts, and
 * each sample is looked at once, however long the windows are.
 */
static void slide_extreme(struct range_call *call, struct extreme_slide *slide, double *out)
{
    size_t steps = call->line->steps;
    size_t low = 0;
    size_t high = 0;
    size_t cut = 0; /* the next left end that lies before `high` */
    struct scan_seek next_seek = {0};
    struct scan_seek low_seek = {0};
    struct scan_seek cut_seek = {0};

    slide->queue =
        range_call_room(call, (2 * steps + 2 + SAMPLE_PIECES_MAX) * sizeof(*slide->queue));
    for (size_t i = 0; i < steps; i++) {
        size_t next = slide_border(slide, call, &next_seek, i, false);

        low = slide_border(slide, call, &low_seek, i, true);
        low = low > next ? next : low;
        high = high < low ? low : high;
        /* Left ends of this and later windows that fall between the last right end and this one. */
        for (; cut < steps; cut++) {
            size_t cut_low = slide_border(slide, call, &cut_seek, cut, true);

            if (cut_low > next) {
                break;
            }
            if (cut_low > high) {
                slide_push(slide, high, cut_low);
                high = cut_low;
            }
        }
        slide_push(slide, high, next);
        high = next;
        while (slide->head < slide->tail && slide->queue[slide->head].begin < low) {
            slide->head++;
        }
        eval_samples(call->ev, i, high - low);
        out[i] = slide->head < slide->tail ? slide->queue[slide->head].best : value_absent();
        if (range_call_tick(call, 1 + (next - low) / 64)) {
            return;
        }
    }
}

static void kernel_max(struct range_call *call, const struct sample_buf *samples, double *out)
{
    slide_extreme(call, &(struct extreme_slide){.samples = samples, .want_max = true}, out);
}

static void kernel_min(struct range_call *call, const struct sample_buf *samples, double *out)
{
    slide_extreme(call, &(struct extreme_slide){.samples = samples}, out);
}

/* ---- the table ---- */

#define SLIDING(name)                                                                              \
    static void kernel_##name(struct range_call *call, const struct sample_buf *samples,           \
                              double *out)                                                         \
    {                                                                                              \
        kernel_slide(call, samples, window_##name, out);                                           \
    }
SLIDING(avg)
SLIDING(count)
SLIDING(deriv)
SLIDING(first)
SLIDING(first_ts)
SLIDING(last)
SLIDING(last_ts)
SLIDING(mad)
SLIDING(max_ts)
SLIDING(min_ts)
SLIDING(predict)
SLIDING(present)
SLIDING(quantile_window)
SLIDING(smoothing)
SLIDING(stddev)
SLIDING(sum)
SLIDING(variance)
#undef SLIDING

static const range_kernel kernels[FUNCTION_COUNT] = {
    [FUNCTION_avg_over_time] = kernel_avg,
    [FUNCTION_changes] = kernel_changes,
    [FUNCTION_count_over_time] = kernel_count,
    [FUNCTION_delta] = kernel_delta,
    [FUNCTION_deriv] = kernel_deriv,
    [FUNCTION_double_exponential_smoothing] = kernel_smoothing,
    [FUNCTION_first_over_time] = kernel_first,
    [FUNCTION_idelta] = kernel_idelta,
    [FUNCTION_increase] = kernel_increase,
    [FUNCTION_irate] = kernel_irate,
    [FUNCTION_last_over_time] = kernel_last,
    [FUNCTION_mad_over_time] = kernel_mad,
    [FUNCTION_max_over_time] = kernel_max,
    [FUNCTION_min_over_time] = kernel_min,
    [FUNCTION_predict_linear] = kernel_predict,
    [FUNCTION_present_over_time] = kernel_present,
    [FUNCTION_quantile_over_time] = kernel_quantile_window,
    [FUNCTION_rate] = kernel_rate,
    [FUNCTION_resets] = kernel_resets,
    [FUNCTION_stddev_over_time] = kernel_stddev,
    [FUNCTION_stdvar_over_time] = kernel_variance,
    [FUNCTION_sum_over_time] = kernel_sum,
    [FUNCTION_ts_of_first_over_time] = kernel_first_ts,
    [FUNCTION_ts_of_last_over_time] = kernel_last_ts,
    [FUNCTION_ts_of_max_over_time] = kernel_max_ts,
    [FUNCTION_ts_of_min_over_time] = kernel_min_ts,
};

range_kernel kernel_get(enum function_id id)
{
    return kernels[id];
}

bool kernel_takes_pieces(enum function_id id)
{
    return id == FUNCTION_rate || id == FUNCTION_increase || id == FUNCTION_delta ||
           id == FUNCTION_min_over_time || id == FUNCTION_max_over_time;
}

bool pieces_fill(const struct range_call *call, const struct sample_pieces *pieces, size_t least)
{
    ts first = range_call_end(call, 0);
    ts last = range_call_end(call, call->line->steps - 1);

    /* What lies between has as many as the windows at the ends, or one less. */
    return call->stopped == 0 && pieces->count >= least &&
           call->range >= (dur)least * pieces->distance &&
           pieces->first + (ts)(least - 1) * pieces->distance <= first &&
           pieces->first + (ts)(pieces->count - least) * pieces->distance > last - call->range;
}

bool kernel_pieces(enum function_id id, struct range_call *call, const struct sample_pieces *pieces,
                   double *out)
{
    struct extreme_slide slide = {.pieces = pieces, .want_max = id == FUNCTION_max_over_time};

    ASSERT(kernel_takes_pieces(id));
    if (id != FUNCTION_min_over_time && id != FUNCTION_max_over_time) {
        return kernel_rate_pieces(id, call, pieces, out);
    }
    slide.stride = scan_stride(pieces->distance, call->ref_step);
    slide.until_right = scan_pieces_until(pieces, range_call_end(call, 0));
    slide.until_left = scan_pieces_until(pieces, range_call_end(call, 0) - call->range);
    slide_extreme(call, &slide, out);
    return true;
}
