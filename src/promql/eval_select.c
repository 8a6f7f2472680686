/*
 * eval_select: selectors and the functions over their ranges. Each series is read once, into a
 * buffer that is reused, and all steps are computed from it. Left ends of look-back and range are
 * exclusive, as in Prometheus since 3.0.
 */
#include "promql/engine_priv.h"

/* ---- reading ---- */

struct selection {
    const struct expr *selector; /* EXPR_VECTOR_SELECTOR */
    ts start;                    /* inclusive */
    ts end;
    dur step;
    dur range;
    bool no_labels;
};

static int select_series(struct eval *ev, const struct selection *selection,
                         struct series_list *ret, struct baro_error *err)
{
    struct select_hints hints = {.start = selection->start,
                                 .end = selection->end,
                                 .step = selection->step,
                                 .range = selection->range,
                                 .no_labels = selection->no_labels};
    struct matchers matchers = {selection->selector->vector.matchers,
                                selection->selector->vector.matcher_count};
    int r =
        ev->querier->ops->select(ev->querier, ev->scratch, &hints, matchers, &ev->cancel, ret, err);

    if (r == BARO_ETIMEOUT || r == BARO_ECANCELED) {
        return error_set(err, r, "query %s in expression evaluation",
                         r == BARO_ETIMEOUT ? "timed out" : "was canceled");
    }
    ev->stats.series_read += r < 0 ? 0 : ret->count;
    return r;
}

static int read_samples(struct eval *ev, const struct series *series, ts start, ts end,
                        struct baro_error *err)
{
    int r;

    sample_buf_reset(&ev->samples);
    r = ev->querier->ops->samples(ev->querier, series, start, end, &ev->samples, err);
    return r < 0 ? r : eval_tick(ev, 200 + ev->samples.count / 2, err);
}

void samples_clean(struct sample_buf *samples)
{
    size_t kept = 0;
    bool dirty = samples->h != NULL;

    for (size_t i = 0; i < samples->count; i++) {
        dirty |= value_is_stale(samples->v[i]) || value_is_absent(samples->v[i]);
    }
    if (!dirty) {
        return;
    }
    for (size_t i = 0; i < samples->count; i++) {
        double v = samples->v[i];

        if ((samples->h != NULL && samples->h[i] != NULL) || value_is_stale(v)) {
            continue;
        }
        samples->t[kept] = samples->t[i];
        samples->v[kept++] = value_is_absent(v) ? value_from_bits(VALUE_NAN_BITS) : v;
    }
    samples->count = kept;
}

/* Where the right end of step 0's window lies, and how far it moves per step. */
static void reference_times(const struct timeline *line, const struct modifier *mod, ts *ret_start,
                            dur *ret_step)
{
    *ret_start = (mod->at != AT_NONE ? mod->at_ts : line->start) - mod->offset;
    *ret_step = mod->at != AT_NONE ? 0 : line->step;
}

/* ---- instant vector selectors ---- */

struct instant {
    ts ref_start;
    dur ref_step;
    dur lookback;
    bool times; /* the samples' times in seconds instead of their values */
};

static bool is_present(double v)
{
    return !value_is_stale(v);
}

static void instant_steps(const struct instant *instant, const struct sample_buf *samples,
                          double *out, size_t steps)
{
    size_t next = 0;

    for (size_t i = 0; i < steps; i++) {
        ts at = instant->ref_start + (ts)i * instant->ref_step;

        while (next < samples->count && samples->t[next] <= at) {
            next++;
        }
        out[i] = value_absent();
        if (next == 0 || samples->t[next - 1] <= at - instant->lookback ||
            !is_present(samples->v[next - 1]) ||
            (samples->h != NULL && samples->h[next - 1] != NULL)) {
            continue;
        }
        if (instant->times) {
            out[i] = (double)samples->t[next - 1] / 1000;
        } else if (UNLIKELY(value_is_absent(samples->v[next - 1]))) {
            out[i] = value_from_bits(VALUE_NAN_BITS);
        } else {
            out[i] = samples->v[next - 1];
        }
    }
}

/* One step, or the same time at every step, needs the newest sample only. */
static int instant_last(struct eval *ev, const struct instant *instant, const struct series *series,
                        double *out, size_t steps, struct baro_error *err)
{
    struct sample last = {0};
    double v;
    int r = ev->querier->ops->last_sample(ev->querier, series,
                                          instant->ref_start - instant->lookback + 1,
                                          instant->ref_start, ev->scratch, &last, err);

    if (r < 0) {
        return r;
    }
    v = last.v;
    if (r == 0 || !is_present(v) || last.h != NULL) {
        v = value_absent();
    } else if (instant->times) {
        v = (double)last.t / 1000;
    } else if (UNLIKELY(value_is_absent(v))) {
        v = value_from_bits(VALUE_NAN_BITS);
    }
    for (size_t i = 0; i < steps; i++) {
        out[i] = v;
    }
    return eval_tick(ev, 10 + steps, err);
}

/* A value at each step by interpolation between neighbours up to the look-back apart. */
static void smoothed_steps(const struct instant *instant, const struct sample_buf *samples,
                           double *out, size_t steps)
{
    size_t next = 0; /* first sample at or after the step */

    for (size_t i = 0; i < steps; i++) {
        ts at = instant->ref_start + (ts)i * instant->ref_step;
        bool before;
        bool after;

        while (next < samples->count && samples->t[next] < at) {
            next++;
        }
        before = next > 0 && samples->t[next - 1] > at - instant->lookback;
        after = next < samples->count && samples->t[next] <= at + instant->lookback;
        if (after && samples->t[next] == at) {
            out[i] = samples->v[next];
        } else if (before && after) {
            ts t0 = samples->t[next - 1];
            double v0 = samples->v[next - 1];

            out[i] =
                v0 + (samples->v[next] - v0) * (double)(at - t0) / (double)(samples->t[next] - t0);
        } else {
            out[i] = before ? samples->v[next - 1] : value_absent();
        }
    }
}

static int instant_series(struct eval *ev, const struct instant *instant,
                          const struct series *series, bool smoothed, double *out, size_t steps,
                          struct baro_error *err)
{
    ts last = instant->ref_start + (ts)(steps - 1) * instant->ref_step;
    int r;

    if (last == instant->ref_start && !smoothed) {
        return instant_last(ev, instant, series, out, steps, err);
    }
    r = read_samples(ev, series, instant->ref_start - instant->lookback + 1,
                     smoothed ? last + instant->lookback : last, err);
    if (r < 0) {
        return r;
    }
    if (smoothed) {
        samples_clean(&ev->samples);
        smoothed_steps(instant, &ev->samples, out, steps);
    } else {
        instant_steps(instant, &ev->samples, out, steps);
    }
    return 0;
}

int eval_vector_selector(struct eval *ev, const struct timeline *line, const struct expr *selector,
                         bool times, struct row_sink *sink, struct baro_error *err)
{
    struct instant instant = {.lookback = ev->lookback, .times = times};
    struct series_list list = {0};
    struct selection selection = {
        .selector = selector, .step = line->step, .no_labels = sink->no_labels};
    double *out = eval_alloc(ev, line->steps, sizeof(*out), err);
    bool smoothed = selector->vector.smoothed;
    int r;

    if (out == NULL) {
        return BARO_ELIMIT;
    }
    reference_times(line, &selector->vector.mod, &instant.ref_start, &instant.ref_step);
    selection.start = instant.ref_start - instant.lookback + 1;
    selection.end = instant.ref_start + (ts)(line->steps - 1) * instant.ref_step +
                    (smoothed ? instant.lookback : 0);
    r = select_series(ev, &selection, &list, err);
    for (size_t s = 0; r >= 0 && s < list.count; s++) {
        struct row row = {.labels = list.items[s].labels, .v = out};

        r = instant_series(ev, &instant, &list.items[s], smoothed, out, line->steps, err);
        if (r >= 0 && points_any(out, line->steps)) {
            ev->stats.samples_read += line->steps;
            r = sink->row(sink->context, &row, err);
        }
    }
    return r;
}

/* ---- range functions ---- */

struct range_eval {
    struct eval *ev;
    const struct timeline *line;
    const struct expr *call;
    const struct expr *arg; /* the range vector */
    range_kernel kernel;
    struct range_call state;
    struct row_sink *sink;
    bool drop_name;
    bool is_counter_function;
    bool guarded; /* series may become equal when they lose their names */
    struct label_index seen;
    str warned_name;
    double *out;
};

static bool name_is_fixed(const struct expr *selector)
{
    for (size_t i = 0; i < selector->vector.matcher_count; i++) {
        const struct matcher *matcher = &selector->vector.matchers[i];

        if (matcher->op == MATCHER_EQUAL && str_eq(matcher->name, LABEL_METRIC_NAME)) {
            return true;
        }
    }
    return false;
}

static void warn_if_no_counter(struct range_eval *eval, struct labels labels)
{
    str name = labels_get(labels, LABEL_METRIC_NAME);

    if (name.len == 0 || str_has_suffix(name, STR("_total")) || str_has_suffix(name, STR("_sum")) ||
        str_has_suffix(name, STR("_count")) || str_has_suffix(name, STR("_bucket")) ||
        str_eq(name, eval->warned_name)) {
        return;
    }
    eval->warned_name = name;
    eval_info(eval->ev, eval->arg->pos,
              "metric might not be a counter, name does not end in "
              "_total/_sum/_count/_bucket: %s",
              eval_quoted(eval->ev, name));
}

static int range_row(struct range_eval *eval, struct labels labels, bool drop_name,
                     struct baro_error *err)
{
    struct eval *ev = eval->ev;
    struct row row = {.labels = labels, .v = eval->out, .drop_name = drop_name};
    uint32_t ordinal;
    int r;

    eval->kernel(&eval->state, &ev->samples, eval->out);
    if (eval->state.stopped != 0) {
        return eval_tick_slow(ev, err);
    }
    if (!points_any(eval->out, eval->line->steps)) {
        return 0;
    }
    if (eval->is_counter_function && labels.count > 0) {
        warn_if_no_counter(eval, labels);
    }
    if (eval->drop_name) {
        row.drop_name = true;
        if (!ev->delayed_name_removal) {
            row.labels = labels_drop_meta(ev->keep, labels);
        }
    }
    if (eval->guarded) {
        r = label_index_put(&eval->seen, ev->scratch, row.labels, &ordinal, err);
        if (r <= 0) {
            return r < 0 ? r : eval_error_same_labels(err);
        }
    }
    return eval->sink->row(eval->sink->context, &row, err);
}

static int check_held(struct eval *ev, struct baro_error *err)
{
    size_t held = ev->held + ev->samples.count;

    if (held > ev->stats.samples_peak) {
        ev->stats.samples_peak = held;
    }
    return held > ev->options->samples_max && ev->options->samples_max != 0
               ? eval_error_samples(err)
               : 0;
}

static int range_selector(struct range_eval *eval, struct baro_error *err)
{
    struct eval *ev = eval->ev;
    const struct expr *selector = eval->arg->matrix.vector;
    struct range_call *state = &eval->state;
    dur before = state->anchored || state->smoothed ? ev->lookback : 0;
    dur after = state->smoothed ? ev->lookback : 0;
    struct selection selection = {.selector = selector, .step = eval->line->step};
    struct series_list list = {0};
    int r;

    reference_times(eval->line, &selector->vector.mod, &state->ref_start, &state->ref_step);
    eval->guarded = !name_is_fixed(selector) && eval->drop_name && !ev->delayed_name_removal;
    selection.no_labels =
        eval->sink->no_labels && name_is_fixed(selector) && !eval->is_counter_function;
    selection.range = state->range;
    selection.start = state->ref_start - state->range - before + 1;
    selection.end = range_call_end(state, eval->line->steps - 1) + after;
    r = select_series(ev, &selection, &list, err);
    for (size_t s = 0; r >= 0 && s < list.count; s++) {
        r = read_samples(ev, &list.items[s], selection.start, selection.end, err);
        if (r < 0) {
            return r;
        }
        samples_clean(&ev->samples);
        r = ev->samples.count == 0 ? 0 : check_held(ev, err);
        if (r >= 0 && ev->samples.count > 0) {
            r = range_row(eval, list.items[s].labels, false, err);
        }
        r = r < 0 ? r : eval_tick(ev, eval->line->steps * 2, err);
    }
    return r;
}

static int fill_from_row(struct eval *ev, const struct timeline *line, const double *v,
                         struct baro_error *err)
{
    struct sample_buf *samples = &ev->samples;

    sample_buf_reset(samples);
    if (!sample_buf_reserve(samples, line->steps)) {
        return error_set(err, BARO_ELIMIT, "query needs too much memory in query execution");
    }
    for (size_t i = 0; i < line->steps; i++) {
        if (!value_is_absent(v[i])) {
            samples->t[samples->count] = timeline_at(line, i);
            samples->v[samples->count++] = v[i];
        }
    }
    return 0;
}

static int range_subquery(struct range_eval *eval, struct baro_error *err)
{
    struct eval *ev = eval->ev;
    const struct expr *subquery = eval->arg;
    struct timeline inner = {0};
    struct value value = {0};
    size_t held = ev->held;
    int r = eval_subquery(ev, eval->line, subquery, &inner, &value, err);

    reference_times(eval->line, &subquery->subquery.mod, &eval->state.ref_start,
                    &eval->state.ref_step);
    eval->guarded = eval->drop_name && !ev->delayed_name_removal;
    for (size_t s = 0; r >= 0 && s < value.count; s++) {
        r = fill_from_row(ev, &inner, value.rows[s].v, err);
        if (r >= 0 && ev->samples.count > 0) {
            samples_clean(&ev->samples);
            r = range_row(eval, value.rows[s].labels, value.rows[s].drop_name, err);
        }
        r = r < 0 ? r : eval_tick(ev, inner.steps + eval->line->steps, err);
    }
    ev->held = held;
    return r;
}

static int check_extended(const struct range_eval *eval, struct baro_error *err)
{
    enum function_id id = eval->call->call.function->id;
    bool rate = id == FUNCTION_delta || id == FUNCTION_increase || id == FUNCTION_rate;

    if (eval->state.anchored && !rate && id != FUNCTION_changes && id != FUNCTION_resets) {
        return error_set(err, BARO_EEXEC,
                         "anchored modifier can only be used with: changes, delta, increase, rate, "
                         "resets - not with %s",
                         eval->call->call.function->name);
    }
    if (eval->state.smoothed && !rate) {
        return error_set(err, BARO_EEXEC,
                         "smoothed modifier can only be used with: delta, increase, rate - not "
                         "with %s",
                         eval->call->call.function->name);
    }
    return 0;
}

static int smoothing_factors(const struct range_eval *eval, struct baro_error *err)
{
    static const char *const names[2] = {"smoothing factor. Expected: 0 < sf < 1",
                                         "trend factor. Expected: 0 < tf < 1"};

    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; i < eval->line->steps; i++) {
            double v = eval->state.params[p][i];

            if (v <= 0 || v >= 1) {
                return error_set(err, BARO_EEXEC, "invalid %s, got: %f", names[p], v);
            }
        }
    }
    return 0;
}

static void warn_quantiles(const struct range_eval *eval, const struct expr *arg)
{
    for (size_t i = 0; i < eval->line->steps; i++) {
        double q = eval->state.params[0][i];

        if (!(q >= 0 && q <= 1)) {
            eval_warn_quantile(eval->ev, q, arg->pos);
        }
    }
}

static int range_params(struct range_eval *eval, struct baro_error *err)
{
    size_t params = 0;

    for (size_t i = 0; i < eval->call->call.arg_count; i++) {
        const struct expr *arg = eval->call->call.args[i];
        double *v = NULL;
        int r;

        if (arg->type == VALUE_MATRIX) {
            eval->arg = expr_unwrap(arg);
            continue;
        }
        r = eval_scalar(eval->ev, eval->line, arg, &v, err);
        if (r < 0) {
            return r;
        }
        eval->state.params[params++] = v;
    }
    return 0;
}

int eval_range_function(struct eval *ev, const struct timeline *line, const struct expr *call,
                        struct row_sink *sink, struct baro_error *err)
{
    enum function_id id = call->call.function->id;
    struct range_eval eval = {.ev = ev, .line = line, .call = call, .sink = sink};
    size_t held = ev->held;
    int r;

    eval.state = (struct range_call){.ev = ev, .line = line};
    eval.kernel = kernel_get(id);
    eval.is_counter_function = id == FUNCTION_rate || id == FUNCTION_increase;
    eval.drop_name = id != FUNCTION_last_over_time && id != FUNCTION_first_over_time;
    eval.out = eval_alloc(ev, line->steps, sizeof(double), err);
    r = eval.out == NULL ? BARO_ELIMIT : range_params(&eval, err);
    if (r >= 0 && id == FUNCTION_double_exponential_smoothing) {
        r = smoothing_factors(&eval, err);
    }
    if (r >= 0 && eval.arg->kind == EXPR_SUBQUERY) {
        eval.state.range = eval.arg->subquery.range;
        r = range_subquery(&eval, err);
    } else if (r >= 0) {
        eval.state.range = eval.arg->matrix.range;
        eval.state.anchored = eval.arg->matrix.vector->vector.anchored;
        eval.state.smoothed = eval.arg->matrix.vector->vector.smoothed;
        r = check_extended(&eval, err);
        r = r < 0 ? r : range_selector(&eval, err);
    }
    if (r >= 0 && id == FUNCTION_quantile_over_time && eval.state.samples_read > 0) {
        warn_quantiles(&eval, call->call.args[0]);
    }
    ev->stats.samples_read += eval.state.samples_read;
    ev->held = held;
    label_index_done(&eval.seen);
    eval.state.room = mem_free(eval.state.room);
    return r;
}

/* ---- subqueries and range vectors as results ---- */

int eval_subquery(struct eval *ev, const struct timeline *line, const struct expr *subquery,
                  struct timeline *ret_line, struct value *ret, struct baro_error *err)
{
    ts first;
    dur ref_step;
    ts last;
    ts left;
    dur step = subquery->subquery.step != 0 ? subquery->subquery.step : ev->options->default_step;

    step = step > 0 ? step : DUR_MINUTE;
    reference_times(line, &subquery->subquery.mod, &first, &ref_step);
    last = line->steps == 0 ? first - 1 : first + (ts)(line->steps - 1) * ref_step;
    left = first - subquery->subquery.range;
    /* Steps are multiples of the step, counted from the epoch, and the left end is exclusive. */
    *ret_line = (struct timeline){.start = left / step * step, .step = step};
    if (ret_line->start <= left) {
        ret_line->start += step;
    }
    ret_line->steps = last < ret_line->start ? 0 : (size_t)((last - ret_line->start) / step) + 1;
    if (ret_line->steps == 0) {
        *ret = (struct value){.type = VALUE_VECTOR};
        return 0;
    }
    return eval_expr(ev, ret_line, subquery->subquery.expr, ret, err);
}

static int matrix_row(struct eval *ev, struct labels labels, struct query_result *ret,
                      size_t *capacity, struct baro_error *err)
{
    struct point *points = arena_try(&ret->arena, (ev->samples.count + 1) * sizeof(*points));

    if (points == NULL) {
        return error_set(err, BARO_ELIMIT, "query needs too much memory in query execution");
    }
    if (ret->series_count == *capacity) {
        struct result_series *series;

        *capacity = *capacity == 0 ? 64 : *capacity * 2;
        series = arena_try(&ret->arena, *capacity * sizeof(*series));
        if (series == NULL) {
            return error_set(err, BARO_ELIMIT, "query needs too much memory in query execution");
        }
        if (ret->series_count > 0) {
            memcpy(series, ret->series, ret->series_count * sizeof(*series));
        }
        ret->series = series;
    }
    for (size_t i = 0; i < ev->samples.count; i++) {
        points[i] = (struct point){.t = ev->samples.t[i], .v = ev->samples.v[i]};
    }
    ev->held += ev->samples.count;
    ret->series[ret->series_count++] =
        (struct result_series){.metric = labels, .points = points, .count = ev->samples.count};
    return check_held(ev, err);
}

static double interpolate(ts t0, double v0, ts t1, double v1, ts at)
{
    return v0 + (v1 - v0) * (double)(at - t0) / (double)(t1 - t0);
}

/* Puts a sample at both ends of the range: interpolated when smoothed, else the nearest one to the
 * left. Samples at or beyond the ends are left out. */
static void extend_samples(struct sample_buf *samples, ts start, ts end, bool smoothed)
{
    size_t last = samples->count - 1;
    size_t first = 0;
    size_t kept = 0;
    double left;
    double right;
    const ts *t = samples->t;
    const double *v = samples->v;

    while (first < last && t[first] <= start) {
        first++;
    }
    first -= first > 0;
    if (smoothed) {
        size_t i = 0;

        while (i < last && t[i] < end) {
            i++;
        }
        last = i;
    }
    if (t[last] <= start) {
        samples->count = 0;
        return;
    }
    left = smoothed && t[first] < start
               ? interpolate(t[first], v[first], t[first + 1], v[first + 1], start)
               : v[first];
    right = smoothed && last > 0 && t[last] > end
                ? interpolate(t[last - 1], v[last - 1], t[last], v[last], end)
                : v[last];
    first += t[first] <= start;
    if (!sample_buf_reserve(samples, 2)) {
        samples->count = 0;
        return;
    }
    kept = last + 1 - (samples->t[last] >= end);
    kept = kept > first ? kept - first : 0;
    memmove(samples->t + 1, samples->t + first, kept * sizeof(*samples->t));
    memmove(samples->v + 1, samples->v + first, kept * sizeof(*samples->v));
    samples->t[0] = start;
    samples->v[0] = left;
    samples->t[kept + 1] = end;
    samples->v[kept + 1] = right;
    samples->count = kept + 2;
}

static int matrix_selector(struct eval *ev, const struct timeline *line, const struct expr *matrix,
                           struct query_result *ret, struct baro_error *err)
{
    const struct expr *selector = matrix->matrix.vector;
    bool extended = selector->vector.anchored || selector->vector.smoothed;
    struct selection selection = {.selector = selector, .range = matrix->matrix.range};
    struct series_list list = {0};
    size_t capacity = 0;
    ts end;
    dur step;
    int r;

    reference_times(line, &selector->vector.mod, &end, &step);
    selection.end = end + (selector->vector.smoothed ? ev->lookback : 0);
    selection.start = end - matrix->matrix.range + 1 - (extended ? ev->lookback : 0);
    r = select_series(ev, &selection, &list, err);
    for (size_t s = 0; r >= 0 && s < list.count; s++) {
        r = read_samples(ev, &list.items[s], selection.start, selection.end, err);
        if (r < 0) {
            return r;
        }
        samples_clean(&ev->samples);
        if (extended && ev->samples.count > 0) {
            extend_samples(&ev->samples, end - matrix->matrix.range, end,
                           selector->vector.smoothed);
        }
        if (ev->samples.count > 0) {
            ev->stats.samples_read += ev->samples.count;
            r = matrix_row(ev, list.items[s].labels, ret, &capacity, err);
        }
    }
    return r;
}

int eval_matrix(struct eval *ev, ts at, const struct expr *matrix, struct query_result *ret,
                struct baro_error *err)
{
    struct timeline line = {.start = at, .step = 1, .steps = 1};
    struct timeline inner = {0};
    struct value value = {0};
    size_t capacity = 0;
    int r;

    matrix = expr_unwrap(matrix);
    if (matrix->kind == EXPR_MATRIX_SELECTOR) {
        return matrix_selector(ev, &line, matrix, ret, err);
    }
    r = eval_subquery(ev, &line, matrix, &inner, &value, err);
    for (size_t s = 0; r >= 0 && s < value.count; s++) {
        struct labels labels = value.rows[s].labels;

        r = fill_from_row(ev, &inner, value.rows[s].v, err);
        if (r >= 0 && ev->samples.count > 0) {
            labels = value.rows[s].drop_name ? labels_drop_meta(ev->keep, labels) : labels;
            r = matrix_row(ev, labels, ret, &capacity, err);
        }
    }
    return r;
}
