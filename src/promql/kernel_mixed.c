/*
 * kernel_mixed: range functions over a series that has native histograms, alone or mixed with
 * floats. The kernels for floats compute what the floats give; here the windows are looked at again
 * for what histograms add to that, or make of it. Semantics and annotations: Prometheus 3.14,
 * promql/functions.go.
 */
#include <math.h>

#include "promql/kernel_mixed.h"

/* How a function treats a window. */
enum kind {
    KIND_FLOATS, /* histograms are ignored, with an info when there are floats as well */
    KIND_EITHER, /* all floats or all histograms */
    KIND_ANY,    /* any sample will do */
};

/* One kind of samples of the series, and the window in it. */
struct track {
    const ts *t;
    size_t count;
    size_t low;
    size_t high;
};

struct mixed {
    struct mixed_call *call;
    const struct sample_buf *all;
    struct sample_buf floats;
    struct sample_buf histograms;
    struct track all_window;
    struct track float_window;
    struct track histogram_window;
    struct arena *temp; /* of one step */
    ts start;           /* of the window, exclusive */
    ts end;
    bool extended;
};

static enum kind kind_of(enum function_id id)
{
    switch ((int)id) {
    case FUNCTION_avg_over_time:
    case FUNCTION_delta:
    case FUNCTION_increase:
    case FUNCTION_rate:
    case FUNCTION_sum_over_time:
        return KIND_EITHER;
    case FUNCTION_changes:
    case FUNCTION_count_over_time:
    case FUNCTION_first_over_time:
    case FUNCTION_idelta:
    case FUNCTION_irate:
    case FUNCTION_last_over_time:
    case FUNCTION_present_over_time:
    case FUNCTION_resets:
    case FUNCTION_ts_of_first_over_time:
    case FUNCTION_ts_of_last_over_time:
        return KIND_ANY;
    default:
        return KIND_FLOATS;
    }
}

static void track_slide(struct track *track, ts after, ts until)
{
    while (track->high < track->count && track->t[track->high] <= until) {
        track->high++;
    }
    while (track->low < track->high && track->t[track->low] <= after) {
        track->low++;
    }
}

/* ---- annotations ---- */

static void warn_mixed_types(struct mixed *m)
{
    eval_warn(m->call->range->ev, m->call->pos,
              "encountered a mix of histograms and floats for metric name %s",
              eval_quoted(m->call->range->ev, m->call->name));
}

static void warn_mixed_schemas(struct mixed *m)
{
    eval_warn_mixed_schemas(m->call->range->ev, m->call->pos, m->call->name);
}

static void warn_no_counter(struct mixed *m)
{
    eval_warn(m->call->range->ev, m->call->pos, "this native histogram metric is not a counter: %s",
              eval_quoted(m->call->range->ev, m->call->name));
}

static void warn_no_gauge(struct mixed *m)
{
    eval_warn(m->call->range->ev, m->call->pos, "this native histogram metric is not a gauge: %s",
              eval_quoted(m->call->range->ev, m->call->name));
}

static void note_reconciled(struct mixed *m, const struct histogram_notes *notes,
                            const char *operation)
{
    if (notes->bounds_reconciled) {
        eval_info_reconciled(m->call->range->ev, m->call->pos, operation);
    }
}

/* ---- rates ---- */

static const struct histogram *histogram_at(const struct mixed *m, size_t index)
{
    return m->histograms.h[index];
}

static bool is_counter_function(enum function_id id)
{
    return id != FUNCTION_delta && id != FUNCTION_idelta;
}

/* Whether counting began anew between the histograms before `index` and there. */
static bool is_reset(const struct mixed *m, size_t index)
{
    return kernel_start_reset(&m->histograms, index) ||
           histogram_has_reset(m->temp, histogram_at(m, index), histogram_at(m, index - 1));
}

/* Takes `sub` from h; false (and a warning) when one has custom buckets and the other has not. */
static bool subtract(struct mixed *m, struct histogram *h, const struct histogram *sub)
{
    struct histogram_notes notes = {0};

    if (histogram_sub(m->temp, h, sub, &notes) < 0) {
        warn_mixed_schemas(m);
        return false;
    }
    note_reconciled(m, &notes, "subtraction");
    return true;
}

static bool add(struct mixed *m, struct histogram *h, const struct histogram *more)
{
    struct histogram_notes notes = {0};

    if (histogram_add(m->temp, h, NULL, more, &notes) < 0) {
        warn_mixed_schemas(m);
        return false;
    }
    note_reconciled(m, &notes, "addition");
    return true;
}

/* Adds what was counted before each reset in the window. */
static bool add_resets(struct mixed *m, struct histogram *h, size_t low, size_t high)
{
    for (size_t i = low + 1; i < high; i++) {
        if (is_reset(m, i) && !add(m, h, histogram_at(m, i - 1))) {
            return false;
        }
    }
    return true;
}

/* Schemas are looked at before anything is subtracted; the first sample does not count when a reset
 * follows it. */
static bool check_schemas(struct mixed *m, bool first_counts, int32_t *ret_schema)
{
    size_t low = m->histogram_window.low;
    size_t high = m->histogram_window.high;
    size_t from = is_counter_function(m->call->id) ? low + 1 : high - 1;
    const struct histogram *first = histogram_at(m, first_counts ? low : low + 1);

    *ret_schema = first->schema;
    for (size_t i = from; i < high; i++) {
        const struct histogram *h = histogram_at(m, i);

        if (histogram_is_custom(h) != histogram_is_custom(first)) {
            warn_mixed_schemas(m);
            return false;
        }
        *ret_schema = h->schema < *ret_schema ? h->schema : *ret_schema;
    }
    return true;
}

static void check_hints(struct mixed *m, size_t low, size_t high)
{
    bool first = histogram_at(m, low)->hint == HISTOGRAM_HINT_GAUGE;
    bool last = histogram_at(m, high - 1)->hint == HISTOGRAM_HINT_GAUGE;

    if (!is_counter_function(m->call->id)) {
        if (!first || !last) {
            warn_no_gauge(m);
        }
        return;
    }
    for (size_t i = low; i < high; i++) {
        if (histogram_at(m, i)->hint == HISTOGRAM_HINT_GAUGE) {
            warn_no_counter(m);
            return;
        }
    }
}

/* The increase (or difference) within the window, not stretched yet; NULL when there is none. */
static struct histogram *difference(struct mixed *m)
{
    size_t low = m->histogram_window.low;
    size_t high = m->histogram_window.high;
    bool counter = is_counter_function(m->call->id);
    bool from_zero = counter && (high - low < 2 || is_reset(m, low + 1));
    int32_t schema = 0;
    struct histogram *h;

    check_hints(m, low, high);
    h = histogram_copy(m->temp, histogram_at(m, high - 1));
    if (high - low >= 2) {
        if (!check_schemas(m, !from_zero, &schema)) {
            return NULL;
        }
        if (!histogram_is_custom(h)) {
            histogram_reduce(m->temp, h, schema);
        }
    }
    if (!from_zero && !subtract(m, h, histogram_at(m, low))) {
        return NULL;
    }
    /* A reset behind the first sample is made up for by not subtracting that one. */
    if (counter && high - low >= 2 && !add_resets(m, h, from_zero ? low + 1 : low, high)) {
        return NULL;
    }
    h->hint = HISTOGRAM_HINT_GAUGE;
    return h;
}

/* As `extrapolate` in kernel_rate.c, with the count for the value of a counter. */
static double stretch_factor(const struct mixed *m, double count, bool starts_at_zero)
{
    size_t low = m->histogram_window.low;
    size_t high = m->histogram_window.high;
    const ts *t = m->histograms.t;
    double first_count = histogram_at(m, low)->count;
    double to_start = (double)(t[low] - m->start) / 1000;
    double to_end = (double)(m->end - t[high - 1]) / 1000;
    double sampled = (double)(t[high - 1] - t[low]) / 1000;
    double average = high - low > 1 ? sampled / (double)(high - low - 1) : 0;

    if (to_start >= average * 1.1) {
        to_start = average / 2;
    }
    if (to_end >= average * 1.1) {
        to_end = average / 2;
    }
    if (starts_at_zero) {
        sampled = (double)(t[high - 1] - m->histograms.st[low]) / 1000;
        to_start = 0;
    } else if (is_counter_function(m->call->id) && count > 0 && first_count >= 0) {
        to_start = fmin(to_start, sampled * (first_count / count));
    }
    return (sampled + to_start + to_end) / sampled;
}

static struct histogram *rate(struct mixed *m)
{
    size_t low = m->histogram_window.low;
    bool counter = is_counter_function(m->call->id);
    bool zero = counter && kernel_start_is_usable(&m->histograms, low, m->start);
    struct histogram *h;
    double factor;

    if (m->histogram_window.high - low < 2 && !zero) {
        return NULL;
    }
    h = difference(m);
    if (h == NULL) {
        return NULL;
    }
    /* difference() has taken the first sample off unless a reset follows: put it back in either
     * case, for the series counted from zero within the window. */
    if (zero && m->histogram_window.high - low >= 2 && !add(m, h, histogram_at(m, low))) {
        return NULL;
    }
    histogram_compact(m->temp, h);
    factor = stretch_factor(m, h->count, zero);
    if (m->call->id == FUNCTION_rate) {
        factor /= (double)m->call->range->range / 1000;
    }
    histogram_mul(h, factor);
    return h;
}

/* ---- anchored and smoothed ---- */

struct histogram *kernel_interpolate(struct arena *arena, const struct histogram *a,
                                     const struct histogram *b, double fraction, bool counter,
                                     struct histogram_notes *notes)
{
    struct histogram *h = histogram_copy(arena, b);

    if (counter && histogram_has_reset(arena, b, a)) {
        histogram_mul(h, fraction);
        return h;
    }
    if (histogram_sub(arena, h, a, notes) < 0) {
        return NULL;
    }
    histogram_mul(h, fraction);
    if (histogram_add(arena, h, NULL, a, notes) < 0) {
        return NULL;
    }
    h->hint = a->hint;
    return h;
}

static struct histogram *interpolate_at(struct mixed *m, size_t index, ts at)
{
    const ts *t = m->histograms.t;
    struct histogram_notes notes = {0};
    struct histogram *h =
        kernel_interpolate(m->temp, histogram_at(m, index), histogram_at(m, index + 1),
                           (double)(at - t[index]) / (double)(t[index + 1] - t[index]),
                           is_counter_function(m->call->id), &notes);

    if (h == NULL) {
        warn_mixed_schemas(m);
    }
    note_reconciled(m, &notes, "addition");
    return h;
}

static struct histogram *extended_rate(struct mixed *m)
{
    const ts *t = m->histograms.t;
    size_t first = m->histogram_window.low;
    size_t last = m->histogram_window.high - 1;
    bool smoothed = m->call->range->smoothed;
    bool from_left;
    struct histogram *left;
    struct histogram *right;

    while (first < last && t[first + 1] <= m->start) {
        first++;
    }
    for (size_t i = first; smoothed && i < last; i++) {
        last = t[i] >= m->end ? i : last;
    }
    if (t[last] <= m->start || t[first] > m->end) {
        return NULL;
    }
    check_hints(m, first, last + 1);
    from_left = smoothed && t[first] < m->start;
    left = from_left ? interpolate_at(m, first, m->start)
                     : histogram_copy(m->temp, histogram_at(m, first));
    right = left == NULL ? NULL
            : smoothed && last > first && t[last] > m->end
                ? interpolate_at(m, last - 1, m->end)
                : histogram_copy(m->temp, histogram_at(m, last));
    if (right == NULL || !subtract(m, right, left)) {
        return NULL;
    }
    /* An interpolated left end has the reset behind it in it already. */
    if (is_counter_function(m->call->id) &&
        !add_resets(m, right, first + (from_left ? 1 : 0), last + 1)) {
        return NULL;
    }
    right->hint = HISTOGRAM_HINT_GAUGE;
    histogram_compact(m->temp, right);
    if (m->call->id == FUNCTION_rate) {
        histogram_div(right, (double)m->call->range->range / 1000);
    }
    return right;
}

/* ---- the last two samples ---- */

static struct histogram *instant_difference(struct mixed *m, size_t last)
{
    const struct sample_buf *all = m->all;
    bool per_second = m->call->id == FUNCTION_irate;
    const struct histogram *a = all->h[last - 1];
    const struct histogram *b = all->h[last];
    struct histogram *h = histogram_copy(m->temp, b);

    if (per_second && (a->hint == HISTOGRAM_HINT_GAUGE || b->hint == HISTOGRAM_HINT_GAUGE)) {
        warn_no_counter(m);
    }
    if (!per_second && (a->hint != HISTOGRAM_HINT_GAUGE || b->hint != HISTOGRAM_HINT_GAUGE)) {
        warn_no_gauge(m);
    }
    if ((!per_second || (!kernel_start_reset(all, last) && !histogram_has_reset(m->temp, b, a))) &&
        !subtract(m, h, a)) {
        return NULL;
    }
    h->hint = HISTOGRAM_HINT_GAUGE;
    histogram_compact(m->temp, h);
    if (per_second) {
        histogram_div(h, (double)(all->t[last] - all->t[last - 1]) / 1000);
    }
    return h;
}

static struct histogram *instant(struct mixed *m, double *v)
{
    size_t last = m->all_window.high - 1;

    if (m->all_window.high - m->all_window.low < 2) {
        return NULL;
    }
    if ((m->all->h[last] != NULL) != (m->all->h[last - 1] != NULL)) {
        *v = value_absent();
        warn_mixed_types(m);
        return NULL;
    }
    if (m->all->h[last] == NULL) {
        return NULL; /* the float kernel has seen the same two samples */
    }
    *v = value_absent();
    return instant_difference(m, last);
}

/* ---- sums ---- */

struct summing {
    struct histogram *sum;
    struct histogram *lost; /* compensation */
    struct histogram_notes notes;
    bool resets[4]; /* by hint: seen */
};

static int sum_add(struct mixed *m, struct summing *s, const struct histogram *h)
{
    s->resets[h->hint] = true;
    return histogram_add(m->temp, s->sum, s->lost, h, &s->notes);
}

static void sum_start(struct mixed *m, struct summing *s, const struct histogram *first)
{
    *s = (struct summing){.sum = histogram_copy(m->temp, first)};
    s->lost = histogram_zero_like(m->temp, s->sum);
    s->resets[first->hint] = true;
}

static void sum_annotate(struct mixed *m, const struct summing *s)
{
    if (s->resets[HISTOGRAM_HINT_RESET] && s->resets[HISTOGRAM_HINT_NOT_RESET]) {
        eval_warn_collision(m->call->range->ev, m->call->pos, "aggregation");
    }
    note_reconciled(m, &s->notes, "aggregation");
}

static struct histogram *sum_over_time(struct mixed *m)
{
    struct summing s;

    sum_start(m, &s, histogram_at(m, m->histogram_window.low));
    for (size_t i = m->histogram_window.low + 1; i < m->histogram_window.high; i++) {
        if (sum_add(m, &s, histogram_at(m, i)) < 0) {
            warn_mixed_schemas(m);
            return NULL;
        }
    }
    sum_annotate(m, &s);
    histogram_add_plain(s.sum, s.lost);
    return s.sum;
}

static struct histogram *avg_over_time(struct mixed *m)
{
    struct histogram_mean mean;

    histogram_mean_start(m->temp, &mean, histogram_at(m, m->histogram_window.low));
    for (size_t i = m->histogram_window.low + 1; i < m->histogram_window.high; i++) {
        if (histogram_mean_add(m->temp, &mean, histogram_at(m, i)) < 0) {
            warn_mixed_schemas(m);
            return NULL;
        }
    }
    if (mean.resets[HISTOGRAM_HINT_RESET] && mean.resets[HISTOGRAM_HINT_NOT_RESET]) {
        eval_warn_collision(m->call->range->ev, m->call->pos, "aggregation");
    }
    note_reconciled(m, &mean.notes, "aggregation");
    return histogram_mean_finish(&mean);
}

/* ---- neighbours ---- */

static bool differs(const struct mixed *m, size_t i)
{
    const struct sample_buf *all = m->all;

    if (all->h[i] != NULL || all->h[i - 1] != NULL) {
        return all->h[i] == NULL || all->h[i - 1] == NULL ||
               !histogram_eq(all->h[i], all->h[i - 1]);
    }
    return all->v[i] != all->v[i - 1] && !(isnan(all->v[i]) && isnan(all->v[i - 1]));
}

static bool resets(const struct mixed *m, size_t i)
{
    const struct sample_buf *all = m->all;

    if (kernel_start_reset(all, i)) {
        return true;
    }
    if (all->h[i] != NULL || all->h[i - 1] != NULL) {
        return all->h[i] == NULL || all->h[i - 1] == NULL ||
               histogram_has_reset(m->temp, all->h[i], all->h[i - 1]);
    }
    return all->v[i] < all->v[i - 1];
}

static double count_pairs(const struct mixed *m)
{
    size_t low = m->all_window.low;
    size_t high = m->all_window.high;
    size_t count = 0;

    if (m->call->range->anchored) {
        if (m->all->t[high - 1] <= m->start) {
            return value_absent();
        }
        while (low + 1 < high && m->all->t[low + 1] <= m->start) {
            low++;
        }
    }
    for (size_t i = low + 1; i < high; i++) {
        count += m->call->id == FUNCTION_changes ? differs(m, i) : resets(m, i);
    }
    return (double)count;
}

/* ---- windows ---- */

static const struct histogram *pick(const struct mixed *m, size_t index, double *v)
{
    *v = m->all->h[index] != NULL ? value_absent() : m->all->v[index];
    return m->all->h[index];
}

static const struct histogram *any_sample(struct mixed *m, double *v)
{
    size_t low = m->all_window.low;
    size_t high = m->all_window.high;

    switch ((int)m->call->id) {
    case FUNCTION_count_over_time:
        *v = (double)(high - low);
        return NULL;
    case FUNCTION_present_over_time:
        *v = 1;
        return NULL;
    case FUNCTION_first_over_time:
        return pick(m, low, v);
    case FUNCTION_last_over_time:
        return pick(m, high - 1, v);
    case FUNCTION_ts_of_first_over_time:
        *v = (double)m->all->t[low] / 1000;
        return NULL;
    case FUNCTION_ts_of_last_over_time:
        *v = (double)m->all->t[high - 1] / 1000;
        return NULL;
    case FUNCTION_irate:
    case FUNCTION_idelta:
        return instant(m, v);
    default:
        *v = count_pairs(m);
        return NULL;
    }
}

static const struct histogram *either(struct mixed *m, double *v)
{
    if (m->float_window.high > m->float_window.low) {
        *v = value_absent();
        warn_mixed_types(m);
        return NULL;
    }
    switch ((int)m->call->id) {
    case FUNCTION_sum_over_time:
        return sum_over_time(m);
    case FUNCTION_avg_over_time:
        return avg_over_time(m);
    default:
        return m->extended ? extended_rate(m) : rate(m);
    }
}

/* The window at one step; v holds what the floats gave. */
static const struct histogram *window(struct mixed *m, double *v)
{
    bool floats = m->float_window.high > m->float_window.low;

    if (m->histogram_window.high == m->histogram_window.low) {
        return NULL;
    }
    switch (kind_of(m->call->id)) {
    case KIND_FLOATS:
        if (floats) {
            eval_info(m->call->range->ev, m->call->pos,
                      "ignored histograms in a range containing both floats and histograms for "
                      "metric name %s",
                      eval_quoted(m->call->range->ev, m->call->name));
        }
        return NULL;
    case KIND_EITHER:
        return either(m, v);
    case KIND_ANY:
        break;
    }
    return any_sample(m, v);
}

static bool split(struct mixed *m)
{
    size_t count = m->all->count;

    if (!sample_buf_reserve(&m->floats, count + 1) ||
        !sample_buf_reserve(&m->histograms, count + 1) || !sample_buf_add_h(&m->histograms) ||
        (m->all->st != NULL &&
         (!sample_buf_add_st(&m->floats) || !sample_buf_add_st(&m->histograms)))) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct sample_buf *to = m->all->h[i] != NULL ? &m->histograms : &m->floats;

        sample_buf_move(to, to->count++, m->all, i);
    }
    m->all_window = (struct track){.t = m->all->t, .count = count};
    m->float_window = (struct track){.t = m->floats.t, .count = m->floats.count};
    m->histogram_window = (struct track){.t = m->histograms.t, .count = m->histograms.count};
    return true;
}

static int step(struct mixed *m, size_t i, double *out, const struct histogram **h,
                struct baro_error *err)
{
    struct range_call *range = m->call->range;
    dur lookback = m->extended ? range->ev->lookback : 0;
    const struct histogram *result;
    ts until;

    m->end = range_call_end(range, i);
    m->start = m->end - range->range;
    until = m->end + (range->smoothed ? lookback : 0);
    track_slide(&m->all_window, m->start - lookback, until);
    track_slide(&m->float_window, m->start - lookback, until);
    track_slide(&m->histogram_window, m->start - lookback, until);
    result = window(m, &out[i]);
    if (result != NULL) {
        h[i] = histogram_copy(range->ev->scratch, result);
        if (h[i] == NULL) {
            return eval_error_memory(err);
        }
    }
    eval_samples(range->ev, i, m->histogram_window.high - m->histogram_window.low);
    return eval_tick(range->ev, 20 + 50 * (m->histogram_window.high - m->histogram_window.low),
                     err);
}

int kernel_mixed(struct mixed_call *call, const struct sample_buf *samples, double *out,
                 const struct histogram **h, struct baro_error *err)
{
    struct arena temp = {0};
    struct mixed m = {.call = call, .all = samples, .temp = &temp};
    size_t steps = call->range->line->steps;
    int r = split(&m) ? 0 : eval_error_memory(err);

    m.extended = call->range->anchored || call->range->smoothed;
    for (size_t i = 0; i < steps; i++) {
        out[i] = value_absent();
        h[i] = NULL;
    }
    if (r >= 0 && m.floats.count > 0) {
        call->kernel(call->range, &m.floats, out);
        r = call->range->stopped != 0 ? eval_tick_slow(call->range->ev, err) : 0;
    }
    for (size_t i = 0; i < steps && r >= 0; i++) {
        r = step(&m, i, out, h, err);
        arena_reset(&temp);
    }
    sample_buf_done(&m.floats);
    sample_buf_done(&m.histograms);
    arena_done(&temp);
    return r;
}
