/*
 * kernel_rate: rate, increase, delta and their like. The formulas are Prometheus's (promql/
 * functions.go, extrapolatedRate and extendedRate), in the same order of operations.
 */
#include <math.h>

#include "promql/engine_priv.h"
#include "promql/scan.h"

struct rate_kind {
    bool counter;
    bool per_second;
};

/* How the difference between the first and the last sample is stretched. Windows over a regularly
 * scraped series lie alike over their samples: what was divided for one is kept for the next. */
struct stretch {
    ts to_start;
    ts to_end;
    ts sampled;
    size_t count;
    double start_seconds; /* that the difference is stretched to the left, if a counter's zero
                             allows */
    double end_seconds;
    double sampled_seconds;
    double factor;
};

/* As Go converts a duration. */
static double range_seconds(dur range)
{
    return (double)(range / 1000) + (double)(range % 1000 * 1000000) / 1e9;
}

static double stretch_by(const struct stretch *stretch, double start_seconds, dur range,
                         struct rate_kind kind)
{
    double factor = (stretch->sampled_seconds + start_seconds + stretch->end_seconds) /
                    stretch->sampled_seconds;

    return kind.per_second ? factor / range_seconds(range) : factor;
}

/* Not to an end that is further than 1.1 sample distances away, but by half a distance then. */
static void stretch_compute(struct stretch *stretch, dur range, struct rate_kind kind)
{
    double distance;

    stretch->start_seconds = (double)stretch->to_start / 1000;
    stretch->end_seconds = (double)stretch->to_end / 1000;
    stretch->sampled_seconds = (double)stretch->sampled / 1000;
    distance = stretch->sampled_seconds / (double)(stretch->count - 1);
    if (stretch->start_seconds >= distance * 1.1) {
        stretch->start_seconds = distance / 2;
    }
    if (stretch->end_seconds >= distance * 1.1) {
        stretch->end_seconds = distance / 2;
    }
    stretch->factor = stretch_by(stretch, stretch->start_seconds, range, kind);
}

/*
 * The order of operations is Prometheus's, so that results are the same to the last bit. A counter
 * is not stretched to below zero; whether that may matter is asked without a division.
 */
static inline double extrapolate(struct stretch *stretch, double increase, double first_v,
                                 ts first_t, ts last_t, size_t count, ts end, dur range,
                                 struct rate_kind kind)
{
    ts to_start = first_t - (end - range);
    ts to_end = end - last_t;
    ts sampled = last_t - first_t;

    if (to_start != stretch->to_start || to_end != stretch->to_end || sampled != stretch->sampled ||
        count != stretch->count) {
        stretch->to_start = to_start;
        stretch->to_end = to_end;
        stretch->sampled = sampled;
        stretch->count = count;
        stretch_compute(stretch, range, kind);
    }
    if (kind.counter && increase > 0 && first_v >= 0 &&
        UNLIKELY(stretch->sampled_seconds * first_v <=
                 stretch->start_seconds * increase * (1 + 1e-9))) {
        double to_zero = stretch->sampled_seconds * (first_v / increase);

        if (to_zero < stretch->start_seconds) {
            return increase * stretch_by(stretch, to_zero, range, kind);
        }
    }
    return increase * stretch->factor;
}

/* The indices of samples that are lower than the one before. Most series have none. */
static size_t find_resets(struct range_call *call, const struct sample_buf *samples,
                          size_t **ret_resets)
{
    size_t capacity = 0;
    size_t found = 0;

    *ret_resets = NULL;
    for (size_t i = scan_fall(samples->v, 1, samples->count); i < samples->count;
         i = scan_fall(samples->v, i + 1, samples->count)) {
        if (found == capacity) {
            capacity = capacity == 0 ? 64 : capacity * 2;
            *ret_resets = range_call_room(call, capacity * sizeof(**ret_resets));
        }
        (*ret_resets)[found++] = i;
    }
    return found;
}

bool kernel_start_reset(const struct sample_buf *samples, size_t index)
{
    const ts *st = samples->st;
    ts before = samples->t[index - 1];

    if (st == NULL || st[index] == 0 || st[index] >= samples->t[index] || st[index] < before) {
        return false;
    }
    if (st[index] > before) {
        return true;
    }
    /* It began right at the sample before: a delta, unless that one has no start of its own. */
    return st[index - 1] != 0 && st[index - 1] < before;
}

/* Start timestamps must not lie within what was counted before, unless counting goes on. */
static void check_starts(struct range_call *call, const struct sample_buf *samples, size_t low,
                         size_t high)
{
    for (size_t i = low + 1; i < high; i++) {
        if (samples->st[i] != 0 && samples->st[i] < samples->t[i - 1] &&
            samples->st[i] != samples->st[i - 1]) {
            call->starts_overlap = true;
        }
    }
}

/* extrapolated for a series with start timestamps: they show resets that values do not, and when
 * counting began within the window, it began at zero there. */
static double started_window(struct range_call *call, const struct sample_buf *samples, size_t low,
                             size_t high, ts end, struct rate_kind kind)
{
    const ts *t = samples->t;
    const double *v = samples->v;
    bool zero = kernel_start_is_usable(samples, low, end - call->range);
    double increase = v[high - 1] - (zero ? 0 : v[low]);
    double sampled = (double)(t[high - 1] - (zero ? samples->st[low] : t[low]));
    double average;
    double to_end = (double)(end - t[high - 1]);
    struct stretch stretch = {0};

    for (size_t i = low + 1; i < high; i++) {
        increase += v[i] < v[i - 1] || kernel_start_reset(samples, i) ? v[i - 1] : 0;
    }
    if (!zero) {
        return extrapolate(&stretch, increase, v[low], t[low], t[high - 1], high - low, end,
                           call->range, kind);
    }
    average = high - low > 1 ? (double)(t[high - 1] - t[low]) / (double)(high - low - 1) : 0;
    if (to_end >= average * 1.1) {
        to_end = average / 2;
    }
    increase *= (sampled + to_end) / sampled;
    return kind.per_second ? increase / ((double)call->range / 1000) : increase;
}

static void started(struct range_call *call, const struct sample_buf *samples,
                    struct rate_kind kind, double *out)
{
    size_t low = 0;
    size_t high = 0;

    for (size_t i = 0; i < call->line->steps; i++) {
        ts end = range_call_end(call, i);

        while (high < samples->count && samples->t[high] <= end) {
            high++;
        }
        while (low < high && samples->t[low] <= end - call->range) {
            low++;
        }
        eval_samples(call->ev, i, high - low);
        out[i] = value_absent();
        if (range_call_tick(call, high - low)) {
            return;
        }
        if (high - low >= 2 ||
            (high > low && kernel_start_is_usable(samples, low, end - call->range))) {
            check_starts(call, samples, low, high);
            out[i] = started_window(call, samples, low, high, end, kind);
        }
    }
}

/* Whether none of the windows comes near zero: their values rise, so that the first of them is the
 * least, and no increase is more than that of all together. */
static bool is_far_from_zero(const struct stretch *stretch, double least, double most)
{
    return least >= 0 &&
           stretch->sampled_seconds * least > stretch->start_seconds * (most - least) * (1 + 1e-9);
}

/*
 * Windows that lie alike over their samples, without a reset: `first` and `last` are the ends of
 * the one that the stretch was computed for, and each further one lies `stride` samples behind it.
 * Returns how many of `count` were computed; a counter near zero ends it, for there the factor is
 * another one.
 */
static HOT size_t alike(const struct stretch *stretch, struct rate_kind kind, const double *first,
                        const double *last, size_t stride, size_t count, double *out)
{
    double factor = stretch->factor;
    double sampled = stretch->sampled_seconds;
    double start = stretch->start_seconds;

    if (count > 0 &&
        (!kind.counter || is_far_from_zero(stretch, first[stride], last[count * stride]))) {
        for (size_t i = 0; i < count; i++) {
            first += stride;
            last += stride;
            out[i] = (*last - *first) * factor;
        }
        return count;
    }
    for (size_t i = 0; i < count; i++) {
        double first_v = first[(i + 1) * stride];
        double increase = last[(i + 1) * stride] - first_v;

        if (kind.counter && increase > 0 && first_v >= 0 &&
            UNLIKELY(sampled * first_v <= start * increase * (1 + 1e-9))) {
            return i;
        }
        out[i] = increase * factor;
    }
    return count;
}

/* How many steps behind one whose window is [low, high) have windows that lie alike: none is cut
 * short by the end of the samples, or by their beginning. */
static size_t alike_count(const struct range_call *call, const struct sample_buf *samples,
                          size_t low, size_t high, ts end, size_t stride, size_t next_reset,
                          size_t steps_left)
{
    size_t limit = samples->count < next_reset ? samples->count : next_reset;
    size_t steps;

    if (stride == 0 || high == samples->count ||
        (low == 0 && samples->t[0] - samples->facts.distance > end - call->range)) {
        return 0;
    }
    steps = scan_steps_left(high, stride, limit);
    return steps < steps_left ? steps : steps_left;
}

static HOT void extrapolated(struct range_call *call, const struct sample_buf *samples,
                             struct rate_kind kind, double *out)
{
    size_t *resets = NULL;
    size_t reset_count =
        kind.counter && !samples->facts.never_falls ? find_resets(call, samples, &resets) : 0;
    size_t stride = scan_stride(samples->facts.distance, call->ref_step);
    const ts *t = samples->t;
    const double *v = samples->v;
    struct scan_seek low_seek = {0};
    struct scan_seek high_seek = {0};
    size_t reset_low = 0;
    struct stretch stretch = {0};

    if (UNLIKELY(samples->st != NULL) && kind.counter) {
        started(call, samples, kind, out);
        return;
    }
    for (size_t i = 0; i < call->line->steps; i++) {
        ts end = range_call_end(call, i);
        size_t high = scan_past(&high_seek, t, samples->count, end);
        size_t low = scan_past(&low_seek, t, high, end - call->range);
        double increase;
        size_t more;

        eval_samples(call->ev, i, high - low);
        if (high - low < 2) {
            out[i] = value_absent();
            continue;
        }
        increase = v[high - 1] - v[low];
        while (reset_low < reset_count && resets[reset_low] <= low) {
            reset_low++;
        }
        for (size_t r = reset_low; r < reset_count && resets[r] < high; r++) {
            increase += v[resets[r] - 1];
        }
        if (reset_low < reset_count && range_call_tick(call, (reset_count - reset_low) / 8)) {
            return;
        }
        out[i] = extrapolate(&stretch, increase, v[low], t[low], t[high - 1],
                             samples_counted(samples, low, high), end, call->range, kind);
        more = alike_count(call, samples, low, high, end, stride,
                           reset_low < reset_count ? resets[reset_low] : SIZE_MAX,
                           call->line->steps - i - 1);
        more = alike(&stretch, kind, v + low, v + high - 1, stride, more, out + i + 1);
        eval_samples_alike(call->ev, i + 1, more, high - low);
        low_seek.at += more * stride;
        high_seek.at += more * stride;
        i += more;
    }
}

struct piece_ends {
    size_t low; /* pieces of the first and the last sample of a window */
    size_t high;
};

/* A sample that is lower than the one before it. */
struct piece_reset {
    size_t at;
    double before;
};

struct piece_resets {
    struct piece_reset *items;
    size_t count;
    size_t capacity;
};

static void piece_resets_add(struct range_call *call, struct piece_resets *resets, size_t at,
                             double before)
{
    if (resets->count == resets->capacity) {
        resets->capacity = resets->capacity == 0 ? 64 : resets->capacity * 2;
        resets->items = range_call_room(call, resets->capacity * sizeof(*resets->items));
    }
    resets->items[resets->count++] = (struct piece_reset){at, before};
}

static void find_piece_resets(struct range_call *call, const struct sample_pieces *pieces,
                              struct piece_resets *ret)
{
    double before = -INFINITY;

    for (size_t p = 0; p < pieces->piece_count; p++) {
        const double *v = pieces->pieces[p].v;
        size_t begin = pieces->pieces[p].begin;
        size_t count = pieces->pieces[p].end - begin;

        if (v[0] < before) {
            piece_resets_add(call, ret, begin, before);
        }
        for (size_t i = pieces->pieces[p].never_falls ? count : scan_fall(v, 1, count); i < count;
             i = scan_fall(v, i + 1, count)) {
            piece_resets_add(call, ret, begin + i, v[i - 1]);
        }
        before = v[count - 1];
    }
}

/* How many steps behind the window [low, high) lie alike, each of its ends within one piece, before
 * the sample `limit`. */
static size_t pieces_alike(const struct sample_pieces *pieces, const struct piece_ends *at,
                           size_t low, size_t high, size_t stride, size_t limit, size_t steps_left)
{
    size_t lows = (pieces->pieces[at->low].end - 1 - low) / stride;
    size_t end = pieces->pieces[at->high].end;
    size_t highs = scan_steps_left(high, stride, end < limit ? end : limit);
    size_t steps = lows < highs ? lows : highs;

    return steps < steps_left ? steps : steps_left;
}

/* extrapolated for samples in pieces: of each window only the ends are looked at, and the resets
 * between them. */
static HOT void extrapolated_pieces(struct range_call *call, const struct sample_pieces *pieces,
                                    struct rate_kind kind, double *out)
{
    int64_t stride = call->ref_step / pieces->distance;
    int64_t until_high = scan_pieces_until(pieces, range_call_end(call, 0));
    int64_t until_low = scan_pieces_until(pieces, range_call_end(call, 0) - call->range);
    struct stretch stretch = {0};
    struct piece_ends at = {0};
    struct piece_resets resets = {0};
    size_t next = 0; /* the first reset behind the window's first sample */

    if (kind.counter && !pieces->never_falls) {
        find_piece_resets(call, pieces, &resets);
    }
    for (size_t i = 0; i < call->line->steps; i++) {
        size_t high = scan_within(until_high + (int64_t)i * stride, pieces->count);
        size_t low = scan_within(until_low + (int64_t)i * stride, high);
        bool is_cut = until_low + (int64_t)i * stride < 0;
        const double *first;
        const double *last;
        double increase;
        size_t more;

        eval_samples(call->ev, i, high - low);
        if (high - low < 2) {
            out[i] = value_absent();
            continue;
        }
        first = scan_piece_at(pieces, &at.low, low);
        last = scan_piece_at(pieces, &at.high, high - 1);
        increase = *last - *first;
        while (next < resets.count && resets.items[next].at <= low) {
            next++;
        }
        for (size_t r = next; r < resets.count && resets.items[r].at < high; r++) {
            increase += resets.items[r].before;
        }
        if (next < resets.count && range_call_tick(call, (resets.count - next) / 8)) {
            return;
        }
        out[i] = extrapolate(&stretch, increase, *first, pieces->first + (ts)low * pieces->distance,
                             pieces->first + (ts)(high - 1) * pieces->distance, high - low,
                             range_call_end(call, i), call->range, kind);
        more = is_cut || high == pieces->count
                   ? 0
                   : pieces_alike(pieces, &at, low, high, (size_t)stride,
                                  next < resets.count ? resets.items[next].at : SIZE_MAX,
                                  call->line->steps - i - 1);
        more = alike(&stretch, kind, first, last, (size_t)stride, more, out + i + 1);
        eval_samples_alike(call->ev, i + 1, more, high - low);
        i += more;
    }
}

bool kernel_rate_pieces(enum function_id id, struct range_call *call,
                        const struct sample_pieces *pieces, double *out)
{
    struct rate_kind kind = {.counter = id != FUNCTION_delta, .per_second = id == FUNCTION_rate};

    if (scan_stride(pieces->distance, call->ref_step) == 0) {
        return false;
    }
    extrapolated_pieces(call, pieces, kind, out);
    return true;
}

/* ---- anchored and smoothed ---- */

static double interpolate(const struct window *w, size_t index, ts at, bool counter)
{
    double v0 = w->v[index];
    double v1 = w->v[index + 1];

    if (counter && v1 < v0) {
        v0 = 0; /* the counter is taken to start anew at the earlier sample */
    }
    return v0 + (v1 - v0) * (double)(at - w->t[index]) / (double)(w->t[index + 1] - w->t[index]);
}

static size_t first_after(const struct window *w, size_t limit, ts at)
{
    size_t i = 0;

    while (i < limit && w->t[i] <= at) {
        i++;
    }
    return i;
}

static double extended_window(const struct window *w, struct rate_kind kind)
{
    bool smoothed = w->call->smoothed;
    size_t last = w->count - 1;
    size_t first = first_after(w, last, w->start);
    double left;
    double right;
    double result;

    first -= first > 0;
    if (smoothed) {
        size_t i = 0;

        while (i < last && w->t[i] < w->end) {
            i++;
        }
        last = i;
    }
    /* Samples that are all before or all after the range tell nothing about it. */
    if (w->t[last] <= w->start || w->t[first] > w->end) {
        return value_absent();
    }
    left = smoothed && w->t[first] < w->start ? interpolate(w, first, w->start, kind.counter)
                                              : w->v[first];
    right = smoothed && last > 0 && w->t[last] > w->end
                ? interpolate(w, last - 1, w->end, kind.counter)
                : w->v[last];
    result = right - left;
    if (kind.counter) {
        double before = left;
        size_t from = first + (w->t[first] <= w->start);
        size_t to = last + 1 - (w->t[last] >= w->end);

        for (size_t i = from; i < to; i++) {
            result += w->v[i] < before ? before : 0;
            before = w->v[i];
        }
        result += right < before ? before : 0;
    }
    return kind.per_second ? result / ((double)w->call->range / 1000) : result;
}

static double window_extended_rate(const struct window *w)
{
    return extended_window(w, (struct rate_kind){.counter = true, .per_second = true});
}

static double window_extended_increase(const struct window *w)
{
    return extended_window(w, (struct rate_kind){.counter = true});
}

static double window_extended_delta(const struct window *w)
{
    return extended_window(w, (struct rate_kind){0});
}

static bool is_extended(const struct range_call *call)
{
    return call->anchored || call->smoothed;
}

void kernel_rate(struct range_call *call, const struct sample_buf *samples, double *out)
{
    if (is_extended(call)) {
        kernel_slide(call, samples, window_extended_rate, out);
    } else {
        extrapolated(call, samples, (struct rate_kind){.counter = true, .per_second = true}, out);
    }
}

void kernel_increase(struct range_call *call, const struct sample_buf *samples, double *out)
{
    if (is_extended(call)) {
        kernel_slide(call, samples, window_extended_increase, out);
    } else {
        extrapolated(call, samples, (struct rate_kind){.counter = true}, out);
    }
}

void kernel_delta(struct range_call *call, const struct sample_buf *samples, double *out)
{
    if (is_extended(call)) {
        kernel_slide(call, samples, window_extended_delta, out);
    } else {
        extrapolated(call, samples, (struct rate_kind){0}, out);
    }
}

/* ---- the last two samples ---- */

static bool window_start_reset(const struct window *w, size_t index)
{
    return UNLIKELY(w->samples->st != NULL) &&
           kernel_start_reset(w->samples, (size_t)(w->t - w->samples->t) + index);
}

static double instant_difference(const struct window *w, bool rate)
{
    size_t last = w->count - 1;
    double result;

    if (w->count < 2 || w->t[last] == w->t[last - 1]) {
        return value_absent();
    }
    result = w->v[last];
    if (!rate || !(w->v[last] < w->v[last - 1] || window_start_reset(w, last))) {
        result -= w->v[last - 1];
    }
    return rate ? result / ((double)(w->t[last] - w->t[last - 1]) / 1000) : result;
}

static double window_irate(const struct window *w)
{
    return instant_difference(w, true);
}

static double window_idelta(const struct window *w)
{
    return instant_difference(w, false);
}

void kernel_irate(struct range_call *call, const struct sample_buf *samples, double *out)
{
    kernel_slide(call, samples, window_irate, out);
}

void kernel_idelta(struct range_call *call, const struct sample_buf *samples, double *out)
{
    kernel_slide(call, samples, window_idelta, out);
}

/* ---- counting what happens between neighbours ---- */

/* The first sample that counts: the newest one at or before the left end when anchored. */
static bool window_first(const struct window *w, size_t *ret)
{
    *ret = 0;
    if (!w->call->anchored) {
        return true;
    }
    if (w->t[w->count - 1] <= w->start) {
        return false;
    }
    *ret = first_after(w, w->count - 1, w->start);
    *ret -= *ret > 0;
    return true;
}

static double window_resets(const struct window *w)
{
    size_t count = 0;
    size_t first;

    if (!window_first(w, &first)) {
        return value_absent();
    }
    for (size_t i = first + 1; i < w->count; i++) {
        count += w->v[i] < w->v[i - 1] || window_start_reset(w, i);
    }
    return (double)count;
}

static double window_changes(const struct window *w)
{
    size_t count = 0;
    size_t first;

    if (!window_first(w, &first)) {
        return value_absent();
    }
    for (size_t i = first + 1; i < w->count; i++) {
        count += w->v[i] != w->v[i - 1] && !(isnan(w->v[i]) && isnan(w->v[i - 1]));
    }
    return (double)count;
}

void kernel_resets(struct range_call *call, const struct sample_buf *samples, double *out)
{
    kernel_slide(call, samples, window_resets, out);
}

void kernel_changes(struct range_call *call, const struct sample_buf *samples, double *out)
{
    kernel_slide(call, samples, window_changes, out);
}
