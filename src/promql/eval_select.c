/*
 * eval_select: reading series, and instant vector selectors. Each series is read once, where it
 * lies or into a buffer that is reused, and all steps are computed from it. The left end of the
 * look-back is exclusive, as in Prometheus since 3.0.
 */
#include "promql/engine_priv.h"
#include "promql/eval_spread.h"
#include "promql/kernel_mixed.h"
#include "promql/scan.h"

/* ---- reading ---- */

/* The metric name is looked at for annotations. */
enum { NAMES_MAX = 8 };

static size_t wanted_names(const struct label_choice *by, str names[NAMES_MAX])
{
    if (by == NULL || by->count >= NAMES_MAX) {
        return 0;
    }
    for (size_t i = 0; i < by->count; i++) {
        names[i] = by->names[i];
    }
    names[by->count] = LABEL_METRIC_NAME;
    return by->count + 1;
}

int eval_select_series(struct eval *ev, const struct selection *selection, struct series_list *ret,
                       struct baro_error *err)
{
    str names[NAMES_MAX];
    struct select_hints hints = {.start = selection->start,
                                 .end = selection->end,
                                 .step = selection->step,
                                 .range = selection->range,
                                 .no_labels = selection->no_labels,
                                 .names = names,
                                 .name_count = wanted_names(selection->by, names),
                                 .reduce = selection->reduction.reduce,
                                 .window = selection->reduction.window};
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

int eval_read_samples(struct eval *ev, const struct expr *selector, const struct series *series,
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
    size_t first;
    size_t kept;

    if (samples->facts.no_nan) {
        return;
    }
    first = scan_nan(samples->v, 0, samples->count);
    kept = first;
    samples->facts = first == samples->count ? samples->facts : (struct sample_facts){0};
    if (UNLIKELY(samples->n != NULL)) {
        (void)sample_buf_add_n(samples); /* to the end: there is room */
    }
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
    samples->n_count = samples->n != NULL ? kept : 0;
}

/* The columns of a view are only read. */
static void take_view(struct eval *ev, const struct sample_view *view)
{
    ev->view = (struct sample_buf){.t = (ts *)(uintptr_t)view->t,
                                   .v = (double *)(uintptr_t)view->v,
                                   .count = view->count,
                                   .facts = view->facts};
}

static int copy_view(struct eval *ev, const struct sample_view *view, struct baro_error *err)
{
    struct sample_buf *samples = &ev->samples;

    sample_buf_reset(samples);
    if (!sample_buf_reserve(samples, view->count)) {
        return eval_error_memory(err);
    }
    memcpy(samples->t, view->t, view->count * sizeof(*view->t));
    memcpy(samples->v, view->v, view->count * sizeof(*view->v));
    samples->count = view->count;
    return 0;
}

/* Stale markers included. */
static int read_raw(struct eval *ev, const struct expr *selector, const struct series *series,
                    ts start, ts end, const struct sample_buf **ret, struct baro_error *err)
{
    struct sample_view view = {0};

    if (ev->querier->ops->view != NULL &&
        ev->querier->ops->view(ev->querier, series, start, end, &view) > 0) {
        take_view(ev, &view);
        *ret = &ev->view;
        return eval_tick(ev, 100 + view.count / 8, err);
    }
    *ret = &ev->samples;
    return eval_read_samples(ev, selector, series, start, end, err);
}

int eval_read(struct eval *ev, const struct expr *selector, const struct series *series, ts start,
              ts end, const struct sample_buf **ret, struct baro_error *err)
{
    struct querier *querier = ev->querier;
    struct sample_view view = {0};
    int r;

    if (querier->ops->view != NULL && querier->ops->view(querier, series, start, end, &view) > 0) {
        if (LIKELY(view.facts.no_nan) || scan_nan(view.v, 0, view.count) == view.count) {
            take_view(ev, &view);
            *ret = &ev->view;
            return eval_tick(ev, 100 + view.count / 8, err);
        }
        r = copy_view(ev, &view, err);
        r = r < 0 ? r : eval_tick(ev, 200 + view.count / 2, err);
    } else {
        r = eval_read_samples(ev, selector, series, start, end, err);
    }
    if (r >= 0) {
        samples_clean(&ev->samples);
        samples_rank(&ev->samples);
        *ret = &ev->samples;
    }
    return r;
}

void eval_reference_times(const struct timeline *line, const struct modifier *mod, ts *ret_start,
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
    return (double)(instant->what == SELECT_STARTS ? st : t) / 1000;
}

static double instant_value(const struct instant *instant, const struct sample_buf *samples,
                            size_t index)
{
    double v = samples->v[index];

    if (!is_present(v)) {
        return value_absent();
    }
    if (UNLIKELY(instant->what != SELECT_VALUES)) {
        return instant_time(instant, samples->t[index],
                            samples->st != NULL ? samples->st[index] : 0);
    }
    return UNLIKELY(value_is_absent(v)) ? value_from_bits(VALUE_NAN_BITS) : v;
}

/* Over samples that are equally far apart, steps that are a multiple of that find each the sample
 * so many behind: whether the look-back reaches it is the same for all. */
static void instant_steps(const struct instant *instant, const struct sample_buf *samples,
                          double *out, size_t steps)
{
    size_t stride = scan_stride(samples->facts.distance, instant->ref_step);
    struct scan_seek seek = {0};

    for (size_t i = 0; i < steps; i++) {
        ts at = instant->ref_start + (ts)i * instant->ref_step;
        size_t next = scan_past(&seek, samples->t, samples->count, at);
        size_t more;

        out[i] = value_absent();
        if (next == 0 || samples->t[next - 1] <= at - instant->lookback) {
            continue;
        }
        out[i] = instant_value(instant, samples, next - 1);
        if (stride == 0) {
            continue;
        }
        more = scan_steps_left(next, stride, samples->count);
        more = more < steps - i - 1 ? more : steps - i - 1;
        for (size_t k = 1; k <= more; k++) {
            out[i + k] = instant_value(instant, samples, next - 1 + k * stride);
        }
        seek.at += more * stride;
        i += more;
    }
}

/* Takes every `stride`th value. */
static HOT void copy_every(double *restrict to, const double *restrict from, size_t stride,
                           size_t count)
{
    size_t i = 0;
    size_t at = 0;

    for (; i + 4 <= count; i += 4, at += 4 * stride) {
        to[i] = from[at];
        to[i + 1] = from[at + stride];
        to[i + 2] = from[at + 2 * stride];
        to[i + 3] = from[at + 3 * stride];
    }
    for (; i < count; i++, at += stride) {
        to[i] = from[at];
    }
}

/* The same over samples in pieces: only those that are the answer are looked at. Values alone. */
static bool instant_pieces(struct eval *ev, const struct instant *instant,
                           const struct series *series, ts last, struct row *row, size_t steps)
{
    double *out = row->v;
    struct querier *querier = ev->querier;
    struct sample_pieces pieces = {0};
    size_t piece = 0;
    int64_t until;
    int64_t stride;

    if (querier->ops->pieces == NULL || instant->what != SELECT_VALUES ||
        querier->ops->pieces(querier, series, instant->ref_start - instant->lookback + 1, last,
                             &pieces) <= 0 ||
        scan_stride(pieces.distance, instant->ref_step) == 0) {
        return false;
    }
    until = scan_pieces_until(&pieces, instant->ref_start);
    stride = instant->ref_step / pieces.distance;
    row->is_whole = true;
    for (size_t i = 0; i < steps; i++) {
        ts at = instant->ref_start + (ts)i * instant->ref_step;
        size_t next = scan_within(until + (int64_t)i * stride, pieces.count);
        const double *v;
        size_t more;

        out[i] = value_absent();
        if (next == 0 ||
            pieces.first + (ts)(next - 1) * pieces.distance <= at - instant->lookback) {
            row->is_whole = false;
            continue;
        }
        v = scan_piece_at(&pieces, &piece, next - 1);
        out[i] = *v;
        more = next == pieces.count ? 0 : (pieces.pieces[piece].end - next) / (size_t)stride;
        more = more < steps - i - 1 ? more : steps - i - 1;
        if (more > 0) {
            copy_every(out + i + 1, v + stride, (size_t)stride, more);
        }
        i += more;
    }
    return true;
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
        v = instant_time(instant, last.t, last.st);
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
struct smoothed_state {
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
                          const struct smoothed_state *series, ts at, struct sample *ret,
                          struct baro_error *err)
{
    const struct sample_buf *samples = &ev->samples;
    size_t next = series->next;
    bool before = next > 0 && samples->t[next - 1] > at - instant->lookback;
    bool after = next < samples->count && samples->t[next] <= at + instant->lookback;
    struct histogram_notes notes = {0};
    const struct histogram *a = before ? samples->h[next - 1] : NULL;
    const struct histogram *b = after ? samples->h[next] : NULL;
    struct histogram *h;

    *ret = (struct sample){.v = value_absent()};
    if (series->has_floats && series->has_histograms) {
        eval_warn(ev, series->pos, "encountered a mix of histograms and floats for metric name %s",
                  eval_quoted(ev, series->name));
        return 0;
    }
    if (after && samples->t[next] == at) {
        ret->v = samples->v[next];
        ret->h = b;
    } else if (before && !after) {
        ret->v = samples->v[next - 1];
        ret->h = a;
    } else if (before && b == NULL) {
        ret->v = samples->v[next - 1] + (samples->v[next] - samples->v[next - 1]) *
                                            (double)(at - samples->t[next - 1]) /
                                            (double)(samples->t[next] - samples->t[next - 1]);
    } else if (before) {
        if (histogram_is_custom(a) == histogram_is_custom(b)) {
            bool counter = a->hint != HISTOGRAM_HINT_GAUGE || b->hint != HISTOGRAM_HINT_GAUGE;

            ret->h = kernel_interpolate(ev->scratch, a, b,
                                        (double)(at - samples->t[next - 1]) /
                                            (double)(samples->t[next] - samples->t[next - 1]),
                                        counter, &notes);
        }
        if (ret->h == NULL) {
            eval_warn_mixed_schemas(ev, series->pos, series->name);
        } else if (notes.bounds_reconciled) {
            eval_info_reconciled(ev, series->pos, "addition");
        }
        return eval_tick(ev, 100, err);
    }
    if (ret->h != NULL) {
        h = histogram_copy(ev->scratch, ret->h);
        if (h == NULL) {
            return eval_error_memory(err);
        }
        /* A hint is about two neighbours, not about the value that is carried on. */
        h->hint = after ? h->hint : HISTOGRAM_HINT_UNKNOWN;
        ret->h = h;
    }
    return 0;
}

static int smoothed_histograms(struct eval *ev, const struct instant *instant,
                               const struct expr *selector, struct row *row, size_t steps,
                               struct baro_error *err)
{
    const struct sample_buf *samples = &ev->samples;
    struct smoothed_state series = {.pos = selector->pos,
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

static int smoothed_series(struct eval *ev, const struct instant *instant,
                           const struct expr *selector, const struct series *series,
                           struct row *row, const struct histogram **h, size_t steps,
                           struct baro_error *err)
{
    ts last = instant->ref_start + (ts)(steps - 1) * instant->ref_step;
    int r = eval_read_samples(ev, selector, series, instant->ref_start - instant->lookback + 1,
                              last + instant->lookback, err);

    if (r < 0) {
        return r;
    }
    samples_clean(&ev->samples);
    if (LIKELY(ev->samples.h == NULL)) {
        smoothed_steps(instant, &ev->samples, row->v, steps);
        return 0;
    }
    row->h = h;
    return smoothed_histograms(ev, instant, selector, row, steps, err);
}

static int instant_series(struct eval *ev, const struct instant *instant,
                          const struct expr *selector, const struct series *series, struct row *row,
                          const struct histogram **h, size_t steps, struct baro_error *err)
{
    ts last = instant->ref_start + (ts)(steps - 1) * instant->ref_step;
    bool smoothed = selector->vector.smoothed;
    const struct sample_buf *samples = NULL;
    int r;

    if (last == instant->ref_start && !smoothed) {
        r = instant_last(ev, instant, series, row, h, steps, err);
        /* What the hint is made of is the samples before. */
        if (r < 0 || row->h == NULL || !selector->vector.stats_only ||
            h[0]->hint != HISTOGRAM_HINT_UNKNOWN) {
            return r;
        }
    }
    if (smoothed) {
        return smoothed_series(ev, instant, selector, series, row, h, steps, err);
    }
    if (instant_pieces(ev, instant, series, last, row, steps)) {
        return eval_tick(ev, 100 + steps * 2, err);
    }
    r = read_raw(ev, selector, series, instant->ref_start - instant->lookback + 1, last, &samples,
                 err);
    if (r < 0) {
        return r;
    }
    instant_steps(instant, samples, row->v, steps);
    if (LIKELY(samples->h == NULL)) {
        return 0;
    }
    row->h = h;
    if (instant->what == SELECT_TIMES || instant->what == SELECT_STARTS) {
        row->h = NULL;
        return 0;
    }
    return instant_histograms(ev, instant, samples, row, steps, err);
}

static void count_points(struct eval *ev, const struct row *row, size_t steps)
{
    size_t count = 0;

    if (LIKELY(ev->samples_per_step == NULL)) {
        for (size_t i = 0; !row->is_whole && i < steps; i++) {
            count += row_has(row, i);
        }
        count = row->is_whole ? steps : count;
        ev->stats.samples_read += count;
        return;
    }
    for (size_t i = 0; i < steps; i++) {
        eval_samples(ev, i, row_has(row, i));
    }
}

struct instant_eval {
    struct eval *ev;
    struct instant instant;
    const struct expr *selector;
    struct series_list list;
    struct row_sink *sink;
    size_t steps;
    double *out;
    const struct histogram **h;
};

static int selector_series(struct instant_eval *eval, size_t index, struct baro_error *err)
{
    const struct series *series = &eval->list.items[index];
    struct row row = {.labels = series->labels, .v = eval->out};
    int r = instant_series(eval->ev, &eval->instant, eval->selector, series, &row, eval->h,
                           eval->steps, err);

    if (r >= 0 && row_any(&row, eval->steps)) {
        count_points(eval->ev, &row, eval->steps);
        r = eval->sink->row(eval->sink->context, &row, err);
    }
    return r;
}

static int compute_series(void *context, struct spread_worker *worker, size_t index, double *out,
                          struct spread_row *ret, struct baro_error *err)
{
    struct instant_eval *eval = context;
    struct row row = {.v = out};
    int r;

    if (worker->h == NULL) {
        worker->h = eval_histograms(&worker->ev, eval->steps, err);
        if (worker->h == NULL) {
            return BARO_ELIMIT;
        }
    }
    r = instant_series(&worker->ev, &eval->instant, eval->selector, &eval->list.items[index], &row,
                       worker->h, eval->steps, err);
    if (r < 0) {
        return r;
    }
    if (row.h != NULL) {
        ret->kind = SPREAD_HARD;
        return 0;
    }
    for (size_t i = 0; !row.is_whole && i < eval->steps; i++) {
        ret->points += !value_is_absent(out[i]);
    }
    ret->is_whole = row.is_whole;
    ret->points = row.is_whole ? eval->steps : ret->points;
    ret->kind = ret->points > 0 ? SPREAD_ROW : SPREAD_EMPTY;
    return 0;
}

static int take_series(void *context, size_t index, double *out, const struct spread_row *computed,
                       struct baro_error *err)
{
    struct instant_eval *eval = context;
    struct row row = {
        .labels = eval->list.items[index].labels, .v = out, .is_whole = computed->is_whole};

    if (computed->kind == SPREAD_HARD) {
        return selector_series(eval, index, err);
    }
    eval->ev->stats.samples_read += computed->points;
    return eval->sink->row(eval->sink->context, &row, err);
}

static int each_series(struct instant_eval *eval, struct baro_error *err)
{
    struct spread spread = {.compute = compute_series,
                            .take = take_series,
                            .context = eval,
                            .count = eval->list.count,
                            .steps = eval->steps};
    struct spread_watch watch =
        spread_watch_begin(eval->ev, eval->selector->vector.smoothed ? 0 : eval->list.count);
    int r = 0;

    for (size_t s = 0; r >= 0 && s < eval->list.count; s++) {
        if (eval_spread_pays(eval->ev, &watch, &spread, s)) {
            return eval_spread(eval->ev, &spread, err);
        }
        r = selector_series(eval, s, err);
    }
    return r;
}

int eval_vector_selector(struct eval *ev, const struct timeline *line, const struct expr *selector,
                         enum select_what what, struct row_sink *sink, struct baro_error *err)
{
    struct instant_eval eval = {.ev = ev,
                                .instant = {.lookback = ev->lookback, .what = what},
                                .selector = selector,
                                .sink = sink,
                                .steps = line->steps};
    struct selection selection = {
        .selector = selector, .step = line->step, .no_labels = sink->no_labels, .by = sink->by};
    bool smoothed = selector->vector.smoothed;
    int r;

    eval.out = eval_alloc(ev, line->steps, sizeof(*eval.out), err);
    eval.h = eval_histograms(ev, line->steps, err);
    if (eval.out == NULL || eval.h == NULL) {
        return BARO_ELIMIT;
    }
    eval_reference_times(line, &selector->vector.mod, &eval.instant.ref_start,
                         &eval.instant.ref_step);
    selection.start = eval.instant.ref_start - ev->lookback + 1;
    selection.end = eval.instant.ref_start + (ts)(line->steps - 1) * eval.instant.ref_step +
                    (smoothed ? ev->lookback : 0);
    if (!smoothed) {
        selection.reduction = reduction_of_instant(eval.instant.ref_start, eval.instant.ref_step,
                                                   eval.instant.lookback);
    }
    r = eval_select_series(ev, &selection, &eval.list, err);
    return r < 0 ? r : each_series(&eval, err);
}
