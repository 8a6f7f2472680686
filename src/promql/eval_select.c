/*
 * eval_select: selectors and the functions over their ranges. Each series is read once, into a
 * buffer that is reused, and all steps are computed from it. Left ends of look-back and range are
 * exclusive, as in Prometheus since 3.0.
 */
#include "promql/engine_priv.h"
#include "promql/kernel_mixed.h"
#include "promql/scan.h"

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

/*
 * Only the sums and counts of a selector's histograms are wanted: the buckets are left out, and
 * what they tell about resets is noted in the hints, as far as the sample before was read as well.
 */
static int reduce_to_stats(struct eval *ev, struct sample_buf *samples, struct baro_error *err)
{
    const struct histogram *before = NULL;

    for (size_t i = 0; i < samples->count; i++) {
        const struct histogram *h = samples->h[i];
        struct histogram *small;

        if (h == NULL || histogram_is_stale(h)) {
            continue;
        }
        small = arena_try(ev->scratch, sizeof(*small));
        if (small == NULL) {
            return eval_error_memory(err);
        }
        *small = (struct histogram){.schema = h->schema,
                                    .hint = h->hint,
                                    .count = h->count,
                                    .sum = h->sum,
                                    .custom = h->custom,
                                    .custom_count = h->custom_count};
        if (h->hint == HISTOGRAM_HINT_UNKNOWN && before != NULL) {
            small->hint = histogram_has_reset(ev->scratch, h, before) ? HISTOGRAM_HINT_RESET
                                                                      : HISTOGRAM_HINT_NOT_RESET;
        }
        before = h;
        samples->h[i] = small;
    }
    return 0;
}

static int read_samples(struct eval *ev, const struct expr *selector, const struct series *series,
                        ts start, ts end, struct baro_error *err)
{
    struct sample_buf *samples = &ev->samples;
    int r;

    sample_buf_reset(samples);
    r = ev->querier->ops->samples(ev->querier, series, start, end, samples, err);
    if (UNLIKELY(samples->st != NULL) && !ev->options->features.start_timestamps) {
        samples->st = NULL;
    }
    if (r >= 0 && UNLIKELY(samples->h != NULL) && selector->vector.stats_only) {
        r = reduce_to_stats(ev, samples, err);
    }
    return r < 0 ? r : eval_tick(ev, 200 + samples->count / 2, err);
}

void samples_clean(struct sample_buf *samples)
{
    size_t first = scan_nan(samples->v, 0, samples->count);
    size_t kept = first;

    /* Stale markers and "absent" are NaNs: before the first NaN there is nothing to do. */
    for (size_t i = first; i < samples->count; i++) {
        if (value_is_stale(samples->v[i])) {
            continue;
        }
        sample_buf_move(samples, kept, samples, i);
        if (value_is_absent(samples->v[kept])) {
            samples->v[kept] = value_from_bits(VALUE_NAN_BITS);
        }
        kept++;
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
    enum select_what what;
};

static bool is_present(double v)
{
    return !value_is_stale(v);
}

/* An unknown start is no value. */
static double instant_time(const struct instant *instant, ts t, ts st)
{
    if (instant->what != SELECT_STARTS) {
        return (double)t / 1000;
    }
    return st == 0 ? value_absent() : (double)st / 1000;
}

static void instant_steps(const struct instant *instant, const struct sample_buf *samples,
                          double *out, size_t steps)
{
    struct scan_seek seek = {0};

    for (size_t i = 0; i < steps; i++) {
        ts at = instant->ref_start + (ts)i * instant->ref_step;
        size_t next = scan_past(&seek, samples->t, samples->count, at);

        out[i] = value_absent();
        if (next == 0 || samples->t[next - 1] <= at - instant->lookback ||
            !is_present(samples->v[next - 1])) {
            continue;
        }
        if (UNLIKELY(instant->what != SELECT_VALUES)) {
            out[i] = instant_time(instant, samples->t[next - 1],
                                  samples->st != NULL ? samples->st[next - 1] : 0);
        } else if (UNLIKELY(value_is_absent(samples->v[next - 1]))) {
            out[i] = value_from_bits(VALUE_NAN_BITS);
        } else {
            out[i] = samples->v[next - 1];
        }
    }
}

/* Puts the histograms in place of their sums, each copied once. */
static int instant_histograms(struct eval *ev, const struct instant *instant,
                              const struct sample_buf *samples, struct row *row, size_t steps,
                              struct baro_error *err)
{
    const struct histogram *source = NULL;
    const struct histogram *copy = NULL;
    size_t next = 0;

    for (size_t i = 0; i < steps; i++) {
        ts at = instant->ref_start + (ts)i * instant->ref_step;

        while (next < samples->count && samples->t[next] <= at) {
            next++;
        }
        row->h[i] = NULL;
        if (value_is_absent(row->v[i]) || samples->h[next - 1] == NULL) {
            continue;
        }
        if (samples->h[next - 1] != source) {
            source = samples->h[next - 1];
            copy = histogram_copy(ev->scratch, source);
            if (copy == NULL) {
                return eval_error_memory(err);
            }
        }
        row->v[i] = value_absent();
        row->h[i] = copy;
    }
    return 0;
}

/* One step, or the same time at every step, needs the newest sample only. */
static int instant_last(struct eval *ev, const struct instant *instant, const struct series *series,
                        struct row *row, const struct histogram **h, size_t steps,
                        struct baro_error *err)
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
    if (r == 0 || !is_present(v)) {
        v = value_absent();
        last.h = NULL;
    } else if (instant->what == SELECT_FLOAT_TIMES && last.h != NULL) {
        v = value_absent();
    } else if (instant->what != SELECT_VALUES) {
        v = instant_time(instant, last.t, ev->options->features.start_timestamps ? last.st : 0);
        last.h = NULL;
    } else if (last.h != NULL || UNLIKELY(value_is_absent(v))) {
        v = last.h != NULL ? value_absent() : value_from_bits(VALUE_NAN_BITS);
    }
    for (size_t i = 0; i < steps; i++) {
        row->v[i] = v;
    }
    for (size_t i = 0; last.h != NULL && i < steps; i++) {
        h[i] = last.h;
        row->h = h;
    }
    return eval_tick(ev, 10 + steps, err);
}

/* What decides the value of one step of a smoothed selector. */
struct smoothed_series {
    struct position_range pos;
    str name;
    size_t next; /* the first sample at or after the step */
    bool has_floats;
    bool has_histograms;
};

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

/* The same for a series that has histograms. */
static int smoothed_point(struct eval *ev, const struct instant *instant,
                          const struct smoothed_series *series, ts at, struct sample *ret,
                          struct baro_error *err)
{
    const struct sample_buf *samples = &ev->samples;
    size_t next = series->next;
    bool before = next > 0 && samples->t[next - 1] > at - instant->lookback;
    bool after = next < samples->count && samples->t[next] <= at + instant->lookback;
    struct histogram_notes notes = {0};
    const struct histogram *a;
    const struct histogram *b;

    *ret = (struct sample){.v = value_absent()};
    if (series->has_floats && series->has_histograms) {
        eval_warn(ev, series->pos, "encountered a mix of histograms and floats for metric name %s",
                  eval_quoted(ev, series->name));
        return 0;
    }
    if ((after && samples->t[next] == at) || (before && !after)) {
        next -= !(after && samples->t[next] == at);
        ret->v = samples->v[next];
        ret->h = samples->h[next];
    } else if (before && samples->h[next] == NULL) {
        ret->v = samples->v[next - 1] + (samples->v[next] - samples->v[next - 1]) *
                                            (double)(at - samples->t[next - 1]) /
                                            (double)(samples->t[next] - samples->t[next - 1]);
    } else if (before) {
        a = samples->h[next - 1];
        b = samples->h[next];
        ret->h = kernel_interpolate(ev->scratch, a, b,
                                    (double)(at - samples->t[next - 1]) /
                                        (double)(samples->t[next] - samples->t[next - 1]),
                                    a->hint != HISTOGRAM_HINT_GAUGE, &notes);
        if (ret->h == NULL) {
            eval_warn_mixed_schemas(ev, series->pos, series->name);
        } else if (notes.bounds_reconciled) {
            eval_info_reconciled(ev, series->pos, "addition");
        }
        return eval_tick(ev, 100, err);
    }
    if (ret->h != NULL) {
        ret->h = histogram_copy(ev->scratch, ret->h);
        return ret->h == NULL ? eval_error_memory(err) : 0;
    }
    return 0;
}

static int smoothed_histograms(struct eval *ev, const struct instant *instant,
                               const struct expr *selector, struct row *row, size_t steps,
                               struct baro_error *err)
{
    const struct sample_buf *samples = &ev->samples;
    struct smoothed_series series = {.pos = selector->pos,
                                     .name = labels_get(row->labels, LABEL_METRIC_NAME)};

    for (size_t i = 0; i < steps; i++) {
        ts at = instant->ref_start + (ts)i * instant->ref_step;
        struct sample sample = {0};
        int r;

        while (series.next < samples->count && samples->t[series.next] < at) {
            series.next++;
        }
        series.has_floats = false;
        series.has_histograms = false;
        for (size_t k = 0; k < samples->count; k++) {
            if (samples->t[k] > at - instant->lookback && samples->t[k] <= at + instant->lookback) {
                series.has_floats |= samples->h[k] == NULL;
                series.has_histograms |= samples->h[k] != NULL;
            }
        }
        r = smoothed_point(ev, instant, &series, at, &sample, err);
        r = r < 0 ? r : eval_tick(ev, samples->count, err);
        if (r < 0) {
            return r;
        }
        row->h[i] = sample.h;
        row->v[i] = sample.h != NULL ? value_absent() : sample.v;
    }
    return 0;
}

static int instant_series(struct eval *ev, const struct instant *instant,
                          const struct expr *selector, const struct series *series, struct row *row,
                          const struct histogram **h, size_t steps, struct baro_error *err)
{
    ts last = instant->ref_start + (ts)(steps - 1) * instant->ref_step;
    bool smoothed = selector->vector.smoothed;
    int r;

    if (last == instant->ref_start && !smoothed) {
        r = instant_last(ev, instant, series, row, h, steps, err);
        /* What the hint is made of is the samples before. */
        if (r < 0 || row->h == NULL || !selector->vector.stats_only ||
            h[0]->hint != HISTOGRAM_HINT_UNKNOWN) {
            return r;
        }
    }
    r = read_samples(ev, selector, series, instant->ref_start - instant->lookback + 1,
                     smoothed ? last + instant->lookback : last, err);
    if (r < 0) {
        return r;
    }
    if (LIKELY(ev->samples.h == NULL)) {
        if (smoothed) {
            samples_clean(&ev->samples);
            smoothed_steps(instant, &ev->samples, row->v, steps);
        } else {
            instant_steps(instant, &ev->samples, row->v, steps);
        }
        return 0;
    }
    row->h = h;
    if (smoothed) {
        samples_clean(&ev->samples);
        return smoothed_histograms(ev, instant, selector, row, steps, err);
    }
    instant_steps(instant, &ev->samples, row->v, steps);
    if (instant->what == SELECT_TIMES || instant->what == SELECT_STARTS) {
        row->h = NULL;
        return 0;
    }
    return instant_histograms(ev, instant, &ev->samples, row, steps, err);
}

static void count_points(struct eval *ev, const struct row *row, size_t steps)
{
    size_t count = 0;

    if (LIKELY(ev->samples_per_step == NULL)) {
        for (size_t i = 0; i < steps; i++) {
            count += row_has(row, i);
        }
        ev->stats.samples_read += count;
        return;
    }
    for (size_t i = 0; i < steps; i++) {
        eval_samples(ev, i, row_has(row, i));
    }
}

int eval_vector_selector(struct eval *ev, const struct timeline *line, const struct expr *selector,
                         enum select_what what, struct row_sink *sink, struct baro_error *err)
{
    struct instant instant = {.lookback = ev->lookback, .what = what};
    struct series_list list = {0};
    struct selection selection = {
        .selector = selector, .step = line->step, .no_labels = sink->no_labels};
    double *out = eval_alloc(ev, line->steps, sizeof(*out), err);
    const struct histogram **h = eval_histograms(ev, line->steps, err);
    bool smoothed = selector->vector.smoothed;
    int r;

    if (out == NULL || h == NULL) {
        return BARO_ELIMIT;
    }
    reference_times(line, &selector->vector.mod, &instant.ref_start, &instant.ref_step);
    selection.start = instant.ref_start - instant.lookback + 1;
    selection.end = instant.ref_start + (ts)(line->steps - 1) * instant.ref_step +
                    (smoothed ? instant.lookback : 0);
    r = select_series(ev, &selection, &list, err);
    for (size_t s = 0; r >= 0 && s < list.count; s++) {
        struct row row = {.labels = list.items[s].labels, .v = out};

        r = instant_series(ev, &instant, selector, &list.items[s], &row, h, line->steps, err);
        if (r >= 0 && row_any(&row, line->steps)) {
            count_points(ev, &row, line->steps);
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
    str fixed_name; /* that the selector's matchers demand */
    double *out;
    const struct histogram **h;
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
    str type = labels_get(labels, STR("__type__"));

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

/* Computes the row of the series in ev->samples. */
static int range_compute(struct range_eval *eval, struct labels labels, struct row *row,
                         struct baro_error *err)
{
    struct eval *ev = eval->ev;
    struct mixed_call mixed = {.range = &eval->state,
                               .kernel = eval->kernel,
                               .id = eval->call->call.function->id,
                               .pos = eval->call->call.args[0]->pos,
                               .name = labels_get(labels, LABEL_METRIC_NAME)};

    if (LIKELY(ev->samples.h == NULL)) {
        eval->kernel(&eval->state, &ev->samples, eval->out);
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
    return kernel_mixed(&mixed, &ev->samples, eval->out, eval->h, err);
}

static int range_row(struct range_eval *eval, struct labels labels, bool drop_name,
                     struct baro_error *err)
{
    struct eval *ev = eval->ev;
    struct row row = {.labels = labels, .v = eval->out, .drop_name = drop_name};
    uint32_t ordinal;
    int r = range_compute(eval, labels, &row, err);

    if (r >= 0 && UNLIKELY(eval->state.starts_overlap)) {
        warn_overlap(eval, labels);
    }
    if (r < 0 || !row_any(&row, eval->line->steps)) {
        return r;
    }
    if (eval->is_counter_function && labels.count > 0 &&
        (row.h == NULL || points_any(row.v, eval->line->steps))) {
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
    eval->fixed_name = fixed_name(selector);
    eval->guarded = eval->fixed_name.ptr == NULL && eval->drop_name && !ev->delayed_name_removal;
    selection.no_labels =
        eval->sink->no_labels && eval->fixed_name.ptr != NULL && !eval->is_counter_function;
    selection.range = state->range;
    selection.start = state->ref_start - state->range - before + 1;
    selection.end = range_call_end(state, eval->line->steps - 1) + after;
    r = select_series(ev, &selection, &list, err);
    for (size_t s = 0; r >= 0 && s < list.count; s++) {
        r = read_samples(ev, selector, &list.items[s], selection.start, selection.end, err);
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

    reference_times(eval->line, &subquery->subquery.mod, &eval->state.ref_start,
                    &eval->state.ref_step);
    eval->guarded = eval->drop_name && !ev->delayed_name_removal;
    for (size_t s = 0; r >= 0 && s < value.count; s++) {
        r = fill_from_row(ev, &inner, &value.rows[s], err);
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
    return check_held(ev, err);
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
        r = read_samples(ev, selector, &list.items[s], selection.start, selection.end, err);
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
