/*
 * eval_range: functions over ranges, subqueries, and range vectors as results. Left ends of ranges
 * are exclusive, as in Prometheus since 3.0.
 */
#include "promql/engine_priv.h"
#include "promql/eval_spread.h"
#include "promql/kernel_mixed.h"

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
    bool is_told; /* whether the metric might not be a counter */
    bool guarded; /* series may become equal when they lose their names */
    struct label_index seen;
    str warned_name;
    str fixed_name; /* that the selector's matchers demand */
    double *out;
    const struct histogram **h;
    struct series_list list; /* of the selector */
    ts start;                /* of what is read; both inclusive */
    ts end;
};

/* The metric name that an equality matcher demands; ptr NULL without one. */
static str fixed_name(const struct expr *selector)
{
    for (size_t i = 0; i < selector->vector.matcher_count; i++) {
        const struct matcher *matcher = &selector->vector.matchers[i];

        if (matcher->op == MATCHER_EQUAL && str_eq(matcher->name, LABEL_METRIC_NAME)) {
            return matcher->value;
        }
    }
    return STR_NULL;
}

static void warn_if_no_counter(struct range_eval *eval, struct labels labels)
{
    str name = labels_get(labels, LABEL_METRIC_NAME);
    str type = labels_get(labels, LABEL_TYPE);

    if (eval->ev->options->features.type_and_unit_labels) {
        if (!str_is(type, "counter") && !str_is(type, "histogram")) {
            eval_info(eval->ev, eval->arg->pos,
                      "metric might not be a counter, __type__ label is not set to \"counter\" or "
                      "\"histogram\", got %s: %s",
                      eval_quoted(eval->ev, type), eval_quoted(eval->ev, name));
        }
        return;
    }
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

static void warn_overlap(struct range_eval *eval, struct labels labels)
{
    str name = labels_get(labels, LABEL_METRIC_NAME);

    eval->state.starts_overlap = false;
    eval_warn(eval->ev, eval->arg->pos,
              "sample has start time that overlaps with previous sample timestamp for metric %s",
              eval_quoted(eval->ev, name.ptr != NULL ? name : eval->fixed_name));
}

static int range_compute(struct range_eval *eval, const struct sample_buf *samples,
                         struct labels labels, struct row *row, struct baro_error *err)
{
    struct eval *ev = eval->ev;
    struct mixed_call mixed = {.range = &eval->state,
                               .kernel = eval->kernel,
                               .id = eval->call->call.function->id,
                               .pos = eval->call->call.args[0]->pos,
                               .name = labels_get(labels, LABEL_METRIC_NAME)};

    if (LIKELY(samples->h == NULL)) {
        eval->kernel(&eval->state, samples, eval->out);
        return eval->state.stopped != 0 ? eval_tick_slow(ev, err) : 0;
    }
    if (eval->h == NULL) {
        eval->h = eval_histograms(ev, eval->line->steps, err);
        if (eval->h == NULL) {
            return BARO_ELIMIT;
        }
    }
    if (labels.count == 0) {
        mixed.name = eval->fixed_name;
    }
    row->h = eval->h;
    return kernel_mixed(&mixed, samples, eval->out, eval->h, err);
}

/* Hands on a row that has points. */
static int range_emit(struct range_eval *eval, struct row *row, struct baro_error *err)
{
    struct eval *ev = eval->ev;
    uint32_t ordinal;
    int r;

    if (eval->is_counter_function && row->labels.count > 0 && !eval->is_told &&
        (row->h == NULL || points_any(row->v, eval->line->steps))) {
        warn_if_no_counter(eval, row->labels);
        /* One name needs one look. */
        eval->is_told = eval->fixed_name.ptr != NULL && !ev->options->features.type_and_unit_labels;
    }
    if (eval->drop_name) {
        row->drop_name = true;
        if (!ev->delayed_name_removal) {
            row->labels = labels_drop_meta(ev->keep, row->labels);
        }
    }
    if (eval->guarded) {
        r = label_index_put(&eval->seen, ev->scratch, row->labels, &ordinal, err);
        if (r <= 0) {
            return r < 0 ? r : eval_error_same_labels(err);
        }
    }
    return eval->sink->row(eval->sink->context, row, err);
}

static int range_row(struct range_eval *eval, const struct sample_buf *samples,
                     struct labels labels, bool drop_name, struct baro_error *err)
{
    struct row row = {.labels = labels, .v = eval->out, .drop_name = drop_name};
    int r = range_compute(eval, samples, labels, &row, err);

    if (r >= 0 && UNLIKELY(eval->state.starts_overlap)) {
        warn_overlap(eval, labels);
    }
    return r < 0 || !row_any(&row, eval->line->steps) ? r : range_emit(eval, &row, err);
}

static int check_held(struct eval *ev, size_t samples, struct baro_error *err)
{
    size_t held = ev->held + samples;

    if (held > ev->stats.samples_peak) {
        ev->stats.samples_peak = held;
    }
    return held > ev->options->samples_max && ev->options->samples_max != 0
               ? eval_error_samples(err)
               : 0;
}

/* Rates need two samples. */
static size_t samples_needed(enum function_id id)
{
    return id == FUNCTION_min_over_time || id == FUNCTION_max_over_time ? 1 : 2;
}

/* Windows that move by whole samples over several blocks: the samples are not put together. The
 * number of samples, or 0 when they must be read. */
static size_t compute_pieces(const struct range_eval *eval, struct range_call *call,
                             const struct series *series, double *out, bool *ret_is_whole)
{
    struct querier *querier = eval->ev->querier;
    enum function_id id = eval->call->call.function->id;
    struct sample_pieces pieces = {0};

    if (querier->ops->pieces == NULL || call->ref_step == 0 || call->anchored || call->smoothed ||
        !kernel_takes_pieces(id) ||
        querier->ops->pieces(querier, series, eval->start, eval->end, &pieces) <= 0 ||
        !kernel_pieces(id, call, &pieces, out)) {
        return 0;
    }
    *ret_is_whole = pieces_fill(call, &pieces, samples_needed(id));
    return pieces.count;
}

static int range_row_of_pieces(struct range_eval *eval, const struct series *series, size_t samples,
                               bool is_whole, struct baro_error *err)
{
    struct row row = {.labels = series->labels, .v = eval->out, .is_whole = is_whole};
    int r = check_held(eval->ev, samples, err);

    if (r >= 0 && eval->state.stopped != 0) {
        r = eval_tick_slow(eval->ev, err);
    }
    if (r >= 0 && points_any(eval->out, eval->line->steps)) {
        r = range_emit(eval, &row, err);
    }
    return r < 0 ? r : eval_tick(eval->ev, 100 + eval->line->steps * 2, err);
}

/* One series, on the query's own thread. */
static int range_series(struct range_eval *eval, const struct series *series,
                        struct baro_error *err)
{
    struct eval *ev = eval->ev;
    const struct sample_buf *samples = NULL;
    bool is_whole = false;
    size_t in_pieces = compute_pieces(eval, &eval->state, series, eval->out, &is_whole);
    int r;

    if (in_pieces > 0) {
        return range_row_of_pieces(eval, series, in_pieces, is_whole, err);
    }
    r = eval_read(ev, eval->arg->matrix.vector, series, eval->start, eval->end, &samples, err);
    if (r < 0) {
        return r;
    }
    r = samples->count == 0 ? 0 : check_held(ev, samples->count, err);
    if (r >= 0 && samples->count > 0) {
        r = range_row(eval, samples, series->labels, false, err);
    }
    return r < 0 ? r : eval_tick(ev, eval->line->steps * 2, err);
}

static int compute_series(void *context, struct spread_worker *worker, size_t index, double *out,
                          struct spread_row *ret, struct baro_error *err)
{
    struct range_eval *eval = context;
    const struct sample_buf *samples = NULL;
    const struct series *series = &eval->list.items[index];
    size_t steps = eval->line->steps;
    int r;

    ret->samples = compute_pieces(eval, &worker->call, series, out, &ret->is_whole);
    if (ret->samples > 0) {
        ret->kind = points_any(out, steps) ? SPREAD_ROW : SPREAD_EMPTY;
        return worker->call.stopped != 0 ? eval_tick_slow(&worker->ev, err)
                                         : eval_tick(&worker->ev, 100 + steps * 2, err);
    }
    r = eval_read(&worker->ev, eval->arg->matrix.vector, series, eval->start, eval->end, &samples,
                  err);
    if (r < 0 || samples->count == 0) {
        return r;
    }
    ret->samples = samples->count;
    if (samples->h != NULL || samples->st != NULL) {
        ret->kind = SPREAD_HARD;
        return 0;
    }
    eval->kernel(&worker->call, samples, out);
    ret->kind = points_any(out, steps) ? SPREAD_ROW : SPREAD_EMPTY;
    return worker->call.stopped != 0 ? eval_tick_slow(&worker->ev, err)
                                     : eval_tick(&worker->ev, steps * 2, err);
}

static int take_series(void *context, size_t index, double *out, const struct spread_row *computed,
                       struct baro_error *err)
{
    struct range_eval *eval = context;
    struct row row = {
        .labels = eval->list.items[index].labels, .v = out, .is_whole = computed->is_whole};
    int r;

    if (computed->kind == SPREAD_HARD) {
        return range_series(eval, &eval->list.items[index], err);
    }
    r = check_held(eval->ev, computed->samples, err);
    return r < 0 ? r : range_emit(eval, &row, err);
}

static int each_series(struct range_eval *eval, struct baro_error *err)
{
    struct eval *ev = eval->ev;
    struct spread spread = {.compute = compute_series,
                            .take = take_series,
                            .context = eval,
                            .count = eval->list.count,
                            .steps = eval->line->steps,
                            .call = &eval->state};
    bool is_alone = eval->state.anchored || eval->state.smoothed;
    struct spread_watch watch = spread_watch_begin(ev, is_alone ? 0 : eval->list.count);
    int r = 0;

    for (size_t s = 0; r >= 0 && s < eval->list.count; s++) {
        if (eval_spread_pays(ev, &watch, &spread, s)) {
            return eval_spread(ev, &spread, err);
        }
        r = range_series(eval, &eval->list.items[s], err);
    }
    return r;
}

static int range_selector(struct range_eval *eval, struct baro_error *err)
{
    struct eval *ev = eval->ev;
    const struct expr *selector = eval->arg->matrix.vector;
    struct range_call *state = &eval->state;
    dur before = state->anchored || state->smoothed ? ev->lookback : 0;
    dur after = state->smoothed ? ev->lookback : 0;
    struct selection selection = {.selector = selector, .step = eval->line->step};
    int r;

    eval_reference_times(eval->line, &selector->vector.mod, &state->ref_start, &state->ref_step);
    eval->fixed_name = fixed_name(selector);
    eval->guarded = eval->fixed_name.ptr == NULL && eval->drop_name && !ev->delayed_name_removal;
    selection.by = eval->guarded ? NULL : eval->sink->by;
    selection.no_labels =
        eval->sink->no_labels && eval->fixed_name.ptr != NULL && !eval->is_counter_function;
    selection.range = state->range;
    selection.start = state->ref_start - state->range - before + 1;
    selection.end = range_call_end(state, eval->line->steps - 1) + after;
    selection.reduction = reduction_of_range(eval->call->call.function->id, state);
    eval->start = selection.start;
    eval->end = selection.end;
    r = eval_select_series(ev, &selection, &eval->list, err);
    return r < 0 ? r : each_series(eval, err);
}

/* What a hint says is about the stored sample before, which a subquery may have passed over. */
static const struct histogram *without_hint(struct sample_buf *samples, const struct histogram *h)
{
    struct histogram *same;

    if (h->hint == HISTOGRAM_HINT_UNKNOWN) {
        return h;
    }
    same = arena_alloc(&samples->arena, sizeof(*same));
    *same = *h;
    same->hint = HISTOGRAM_HINT_UNKNOWN;
    return same;
}

enum { STEPS_PER_TICK = 1 << 15 };

static int fill_from_row(struct eval *ev, const struct timeline *line, const struct row *row,
                         struct baro_error *err)
{
    struct sample_buf *samples = &ev->samples;

    sample_buf_reset(samples);
    if (!sample_buf_reserve(samples, line->steps) ||
        (row->h != NULL && !sample_buf_add_h(samples))) {
        return eval_error_memory(err);
    }
    for (size_t i = 0; i < line->steps; i++) {
        const struct histogram *h = row->h != NULL ? row->h[i] : NULL;

        if (!row_has(row, i)) {
            continue;
        }
        if (h != NULL && h->hint != HISTOGRAM_HINT_GAUGE) {
            h = without_hint(samples, h);
        }
        if (i % STEPS_PER_TICK == STEPS_PER_TICK - 1) {
            int r = eval_tick(ev, STEPS_PER_TICK / 2, err);

            if (r < 0) {
                return r;
            }
        }
        samples->t[samples->count] = timeline_at(line, i);
        samples->v[samples->count] = h != NULL ? h->sum : row->v[i];
        if (samples->h != NULL) {
            samples->h[samples->count] = h;
        }
        samples->count++;
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

    eval_reference_times(eval->line, &subquery->subquery.mod, &eval->state.ref_start,
                         &eval->state.ref_step);
    eval->guarded = eval->drop_name && !ev->delayed_name_removal;
    for (size_t s = 0; r >= 0 && s < value.count; s++) {
        r = fill_from_row(ev, &inner, &value.rows[s], err);
        if (r >= 0 && ev->samples.count > 0) {
            samples_clean(&ev->samples);
            r = range_row(eval, &ev->samples, value.rows[s].labels, value.rows[s].drop_name, err);
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
    uint64_t samples_read;
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
    samples_read = ev->stats.samples_read;
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
    if (r >= 0 && id == FUNCTION_quantile_over_time && ev->stats.samples_read > samples_read) {
        warn_quantiles(&eval, call->call.args[0]);
    }
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
    uint64_t *per_step = ev->samples_per_step;
    uint64_t samples_read = ev->stats.samples_read;
    int r;

    step = step > 0 ? step : DUR_MINUTE;
    eval_reference_times(line, &subquery->subquery.mod, &first, &ref_step);
    last = line->steps == 0 ? first - 1 : first + (ts)(line->steps - 1) * ref_step;
    left = first - subquery->subquery.range;
    /* Steps are multiples of the step, counted from the epoch, and the left end is exclusive. */
    *ret_line = (struct timeline){.start = left / step * step, .step = step};
    if (ret_line->start <= left) {
        ret_line->start += step;
    }
    ret_line->is_range = last != ret_line->start;
    ret_line->steps = last < ret_line->start ? 0 : (size_t)((last - ret_line->start) / step) + 1;
    if (ret_line->steps == 0) {
        *ret = (struct value){.type = VALUE_VECTOR};
        return 0;
    }
    /* What a subquery reads is counted when the windows over it are. */
    ev->samples_per_step = NULL;
    r = eval_expr(ev, ret_line, subquery->subquery.expr, ret, err);
    ev->samples_per_step = per_step;
    ev->stats.samples_read = samples_read;
    return r;
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
        if (ev->samples.h != NULL && ev->samples.h[i] != NULL) {
            points[i].h = histogram_copy(&ret->arena, ev->samples.h[i]);
            if (points[i].h == NULL) {
                return eval_error_memory(err);
            }
        }
    }
    ev->held += ev->samples.count;
    ret->series[ret->series_count++] =
        (struct result_series){.metric = labels, .points = points, .count = ev->samples.count};
    return check_held(ev, ev->samples.count, err);
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

    eval_reference_times(line, &selector->vector.mod, &end, &step);
    selection.end = end + (selector->vector.smoothed ? ev->lookback : 0);
    selection.start = end - matrix->matrix.range + 1 - (extended ? ev->lookback : 0);
    r = eval_select_series(ev, &selection, &list, err);
    for (size_t s = 0; r >= 0 && s < list.count; s++) {
        r = eval_read_samples(ev, selector, &list.items[s], selection.start, selection.end, err);
        if (r < 0) {
            return r;
        }
        samples_clean(&ev->samples);
        if (extended && ev->samples.count > 0) {
            samples_extend(&ev->samples, end - matrix->matrix.range, end,
                           selector->vector.smoothed);
        }
        if (ev->samples.count > 0) {
            eval_samples(ev, 0, ev->samples.count);
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

        r = fill_from_row(ev, &inner, &value.rows[s], err);
        if (r >= 0 && ev->samples.count > 0) {
            labels = value.rows[s].drop_name ? labels_drop_meta(ev->keep, labels) : labels;
            r = matrix_row(ev, labels, ret, &capacity, err);
        }
    }
    return r;
}
