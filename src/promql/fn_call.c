/*
 * fn_call: the functions over vectors and scalars. Those that look at one value at a time share
 * map_rows; the rest are rows of `bodies`.
 */
#include <math.h>

#include "base/assert.h"
#include "promql/engine_priv.h"

/* Go's math.Min and math.Max: the infinity that nothing beats wins, then NaN, unlike in C; -0 is
 * below 0. */
static double smaller(double a, double b)
{
    if (isinf(a) || isinf(b)) {
        if (a == -INFINITY || b == -INFINITY) {
            return -INFINITY;
        }
    }
    if (isnan(a) || isnan(b)) {
        return NAN;
    }
    return a < b || (a == b && signbit(a)) ? a : b;
}

static double larger(double a, double b)
{
    return -smaller(-a, -b);
}

static const struct expr *arg_of(const struct expr *call, size_t index)
{
    return call->call.args[index];
}

static int map_rows(struct eval *ev, const struct timeline *line, struct value *value, fn_map map,
                    struct baro_error *err)
{
    for (size_t s = 0; s < value->count; s++) {
        double *v = value->rows[s].v;
        int r;

        value->rows[s].h = NULL; /* histograms are passed over */
        for (size_t i = 0; i < line->steps; i++) {
            v[i] = value_is_absent(v[i]) ? v[i] : map(v[i]);
        }
        r = eval_tick(ev, line->steps, err);
        if (r < 0) {
            return r;
        }
    }
    return value_drop_names(ev, line, value, err);
}

static int scalar_result(struct eval *ev, const struct timeline *line, struct value *ret,
                         struct baro_error *err)
{
    *ret = (struct value){.type = VALUE_SCALAR, .scalar = eval_points(ev, line->steps, err)};
    return ret->scalar == NULL ? BARO_ELIMIT : 0;
}

static int constant(struct eval *ev, const struct timeline *line, double v, struct value *ret,
                    struct baro_error *err)
{
    int r = scalar_result(ev, line, ret, err);

    for (size_t i = 0; r >= 0 && i < line->steps; i++) {
        ret->scalar[i] = v;
    }
    return r;
}

/* One row without labels. */
static int single_row(struct eval *ev, struct labels labels, double *v, struct value *ret,
                      struct baro_error *err)
{
    struct row *row = eval_rows(ev, 1, err);

    if (row == NULL) {
        return BARO_ELIMIT;
    }
    *row = (struct row){.labels = labels, .v = v};
    *ret = (struct value){.type = VALUE_VECTOR, .rows = row, .count = 1};
    return 0;
}

/* ---- scalars ---- */

static int fn_time(struct eval *ev, const struct timeline *line, UNUSED const struct expr *call,
                   struct value *ret, struct baro_error *err)
{
    int r = scalar_result(ev, line, ret, err);

    for (size_t i = 0; r >= 0 && i < line->steps; i++) {
        ret->scalar[i] = (double)timeline_at(line, i) / 1000;
    }
    return r;
}

static int fn_constant(struct eval *ev, const struct timeline *line, const struct expr *call,
                       struct value *ret, struct baro_error *err)
{
    const struct query *query = ev->query;

    switch ((int)call->call.function->id) {
    case FUNCTION_start:
        return constant(ev, line, (double)query->start / 1000, ret, err);
    case FUNCTION_end:
        return constant(ev, line, (double)query->end / 1000, ret, err);
    case FUNCTION_range:
        return constant(ev, line, (double)(query->end - query->start) / 1000, ret, err);
    case FUNCTION_step:
        return constant(ev, line, (double)query->step / 1000, ret, err);
    default:
        return constant(ev, line, M_PI, ret, err);
    }
}

static int fn_extreme_of(struct eval *ev, const struct timeline *line, const struct expr *call,
                         struct value *ret, struct baro_error *err)
{
    bool want_max = call->call.function->id == FUNCTION_max_of;
    double *a = NULL;
    double *b = NULL;
    int r = eval_scalar(ev, line, arg_of(call, 0), &a, err);

    r = r < 0 ? r : eval_scalar(ev, line, arg_of(call, 1), &b, err);
    for (size_t i = 0; r >= 0 && i < line->steps; i++) {
        a[i] = want_max ? larger(a[i], b[i]) : smaller(a[i], b[i]);
    }
    *ret = (struct value){.type = VALUE_SCALAR, .scalar = a};
    return r;
}

static int fn_scalar(struct eval *ev, const struct timeline *line, const struct expr *call,
                     struct value *ret, struct baro_error *err)
{
    struct value vector = {0};
    int r = eval_expr(ev, line, arg_of(call, 0), &vector, err);

    r = r < 0 ? r : scalar_result(ev, line, ret, err);
    for (size_t i = 0; r >= 0 && i < line->steps; i++) {
        size_t found = 0;

        ret->scalar[i] = NAN;
        r = eval_tick(ev, vector.count, err);
        for (size_t s = 0; s < vector.count && found < 2; s++) {
            if (!value_is_absent(vector.rows[s].v[i])) {
                ret->scalar[i] = found == 0 ? vector.rows[s].v[i] : NAN;
                found++;
            }
        }
    }
    return r;
}

static int fn_vector(struct eval *ev, const struct timeline *line, const struct expr *call,
                     struct value *ret, struct baro_error *err)
{
    double *v = NULL;
    int r = eval_scalar(ev, line, arg_of(call, 0), &v, err);

    return r < 0 ? r : single_row(ev, (struct labels){0}, v, ret, err);
}

/* ---- vectors and scalars ---- */

static int fn_clamp(struct eval *ev, const struct timeline *line, const struct expr *call,
                    struct value *ret, struct baro_error *err)
{
    enum function_id id = call->call.function->id;
    double *low = NULL;
    double *high = NULL;
    int r = eval_expr(ev, line, arg_of(call, 0), ret, err);
    size_t count = 0;

    if (r >= 0 && id != FUNCTION_clamp_max) {
        r = eval_scalar(ev, line, arg_of(call, 1), &low, err);
    }
    if (r >= 0 && id != FUNCTION_clamp_min) {
        r = eval_scalar(ev, line, arg_of(call, id == FUNCTION_clamp ? 2 : 1), &high, err);
    }
    for (size_t s = 0; r >= 0 && s < ret->count; s++) {
        double *v = ret->rows[s].v;

        for (size_t i = 0; i < line->steps; i++) {
            double least = low != NULL ? low[i] : -INFINITY;
            double most = high != NULL ? high[i] : INFINITY;

            if (!value_is_absent(v[i])) {
                v[i] = most < least ? value_absent() : larger(least, smaller(most, v[i]));
            }
        }
        ret->rows[s].h = NULL;
        if (points_any(v, line->steps)) {
            ret->rows[count++] = ret->rows[s];
        }
        r = eval_tick(ev, line->steps, err);
    }
    ret->count = count;
    return r < 0 ? r : value_drop_names(ev, line, ret, err);
}

static int fn_round(struct eval *ev, const struct timeline *line, const struct expr *call,
                    struct value *ret, struct baro_error *err)
{
    double *nearest = NULL;
    int r = eval_expr(ev, line, arg_of(call, 0), ret, err);

    if (r >= 0 && call->call.arg_count > 1) {
        r = eval_scalar(ev, line, arg_of(call, 1), &nearest, err);
    }
    for (size_t s = 0; r >= 0 && s < ret->count; s++) {
        double *v = ret->rows[s].v;

        for (size_t i = 0; i < line->steps; i++) {
            double inverse = 1 / (nearest != NULL ? nearest[i] : 1);

            v[i] = value_is_absent(v[i]) ? v[i] : floor(v[i] * inverse + 0.5) / inverse;
        }
        ret->rows[s].h = NULL;
        r = eval_tick(ev, line->steps, err);
    }
    return r < 0 ? r : value_drop_names(ev, line, ret, err);
}

/* Without argument, the evaluation time. */
static int fn_date(struct eval *ev, const struct timeline *line, const struct expr *call,
                   struct value *ret, struct baro_error *err)
{
    fn_map map = fn_time_get(call->call.function->id);
    int r;

    if (call->call.arg_count > 0) {
        r = eval_expr(ev, line, arg_of(call, 0), ret, err);
        return r < 0 ? r : map_rows(ev, line, ret, map, err);
    }
    r = fn_time(ev, line, call, ret, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < line->steps; i++) {
        ret->scalar[i] = map(ret->scalar[i]);
    }
    return single_row(ev, (struct labels){0}, ret->scalar, ret, err);
}

/* ---- times of samples ---- */

static int fn_timestamp(struct eval *ev, const struct timeline *line, const struct expr *call,
                        struct value *ret, struct baro_error *err)
{
    const struct expr *arg = arg_of(call, 0);
    struct row_collector collector;
    int r;

    arg = arg->kind == EXPR_STEP_INVARIANT ? arg->paren.expr : arg;
    if (arg->kind == EXPR_VECTOR_SELECTOR && line->steps > 0) {
        row_collector_init(&collector, ev, line->steps);
        r = eval_vector_selector(ev, line, arg, SELECT_TIMES, &collector.sink, err);
        *ret =
            (struct value){.type = VALUE_VECTOR, .rows = collector.rows, .count = collector.count};
        return r < 0 ? r : value_drop_names(ev, line, ret, err);
    }
    r = eval_expr(ev, line, arg_of(call, 0), ret, err);
    for (size_t s = 0; r >= 0 && s < ret->count; s++) {
        double *v = ret->rows[s].v;

        for (size_t i = 0; i < line->steps; i++) {
            v[i] = row_has(&ret->rows[s], i) ? (double)timeline_at(line, i) / 1000 : v[i];
        }
        ret->rows[s].h = NULL;
    }
    return r < 0 ? r : value_drop_names(ev, line, ret, err);
}

/* The start timestamps of a selector's samples, 0 where a sample has none; those of anything else
 * are not known. */
static int fn_start_timestamp(struct eval *ev, const struct timeline *line, const struct expr *call,
                              struct value *ret, struct baro_error *err)
{
    const struct expr *arg = arg_of(call, 0);
    struct row_collector collector;
    int r;

    arg = arg->kind == EXPR_STEP_INVARIANT ? arg->paren.expr : arg;
    if (arg->kind == EXPR_VECTOR_SELECTOR && line->steps > 0 &&
        ev->options->features.start_timestamps) {
        row_collector_init(&collector, ev, line->steps);
        r = eval_vector_selector(ev, line, arg, SELECT_STARTS, &collector.sink, err);
        *ret =
            (struct value){.type = VALUE_VECTOR, .rows = collector.rows, .count = collector.count};
        return r < 0 ? r : value_drop_names(ev, line, ret, err);
    }
    r = eval_expr(ev, line, arg_of(call, 0), ret, err);
    *ret = (struct value){.type = VALUE_VECTOR};
    return r;
}

/* ---- absence ---- */

/* Whether an equality matcher of the same name stands before this one. */
static bool is_repeated(const struct matcher *matchers, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (matchers[i].op == MATCHER_EQUAL && str_eq(matchers[i].name, matchers[index].name)) {
            return true;
        }
    }
    return false;
}

/* The labels that the selector's equality matchers fix. As in Prometheus a name that is matched
 * again is left out, but for the first equality behind other matchers of it. */
static struct labels absent_labels(struct eval *ev, const struct expr *arg)
{
    const struct expr *selector = arg->kind == EXPR_MATRIX_SELECTOR ? arg->matrix.vector : arg;
    struct label *pairs;
    size_t count = 0;

    if (selector->kind != EXPR_VECTOR_SELECTOR) {
        return (struct labels){0};
    }
    pairs = ARENA_ARRAY(ev->keep, struct label, selector->vector.matcher_count + 1);
    for (size_t i = 0; i < selector->vector.matcher_count; i++) {
        const struct matcher *matcher = &selector->vector.matchers[i];

        if (str_eq(matcher->name, LABEL_METRIC_NAME)) {
            continue;
        }
        for (size_t k = 0; k < count; k++) {
            if (str_eq(pairs[k].name, matcher->name)) {
                pairs[k] = pairs[--count];
                break;
            }
        }
        if (matcher->op == MATCHER_EQUAL && matcher->value.len > 0 &&
            !is_repeated(selector->vector.matchers, i)) {
            pairs[count++] = (struct label){matcher->name, matcher->value};
        }
    }
    return labels_from_pairs(ev->keep, pairs, count);
}

struct absence {
    double *v; /* 1 where nothing has been seen */
    size_t steps;
};

static int absence_row(void *context, const struct row *row, UNUSED struct baro_error *err)
{
    const struct absence *absence = context;

    for (size_t i = 0; i < absence->steps; i++) {
        if (row_has(row, i)) {
            absence->v[i] = value_absent();
        }
    }
    return 0;
}

/* absent_over_time is the absence of last_over_time; faults are those of the name that was called.
 */
static int absence_each(struct eval *ev, const struct timeline *line, const struct expr *call,
                        struct row_sink *sink, struct baro_error *err)
{
    struct function last = *function_at(FUNCTION_last_over_time);
    struct expr present = *call;

    if (call->call.function->id == FUNCTION_absent) {
        return eval_each(ev, line, arg_of(call, 0), sink, err);
    }
    last.name = call->call.function->name;
    present.call.function = &last;
    return line->steps == 0 ? 0 : eval_range_function(ev, line, &present, sink, err);
}

static int fn_absent(struct eval *ev, const struct timeline *line, const struct expr *call,
                     struct value *ret, struct baro_error *err)
{
    struct absence absence = {.v = eval_points(ev, line->steps, err), .steps = line->steps};
    struct row_sink sink = {.row = absence_row, .context = &absence, .no_labels = true};
    const struct expr *arg = arg_of(call, 0);
    int r;

    if (absence.v == NULL) {
        return BARO_ELIMIT;
    }
    for (size_t i = 0; i < line->steps; i++) {
        absence.v[i] = 1;
    }
    r = absence_each(ev, line, call, &sink, err);
    *ret = (struct value){.type = VALUE_VECTOR};
    if (r >= 0 && points_any(absence.v, line->steps)) {
        arg = arg->kind == EXPR_STEP_INVARIANT ? arg->paren.expr : arg;
        r = single_row(ev, absent_labels(ev, arg), absence.v, ret, err);
    }
    return r;
}

/* ---- dispatch ---- */

static const fn_body bodies[FUNCTION_COUNT] = {
    [FUNCTION_absent] = fn_absent,
    [FUNCTION_absent_over_time] = fn_absent,
    [FUNCTION_clamp] = fn_clamp,
    [FUNCTION_clamp_max] = fn_clamp,
    [FUNCTION_clamp_min] = fn_clamp,
    [FUNCTION_end] = fn_constant,
    [FUNCTION_histogram_avg] = fn_histogram_stat,
    [FUNCTION_histogram_count] = fn_histogram_stat,
    [FUNCTION_histogram_fraction] = fn_histogram_fraction,
    [FUNCTION_histogram_quantile] = fn_histogram_quantile,
    [FUNCTION_histogram_quantiles] = fn_histogram_quantiles,
    [FUNCTION_histogram_stddev] = fn_histogram_stat,
    [FUNCTION_histogram_stdvar] = fn_histogram_stat,
    [FUNCTION_histogram_sum] = fn_histogram_stat,
    [FUNCTION_info] = fn_info,
    [FUNCTION_label_join] = fn_label_join,
    [FUNCTION_label_replace] = fn_label_replace,
    [FUNCTION_max_of] = fn_extreme_of,
    [FUNCTION_min_of] = fn_extreme_of,
    [FUNCTION_pi] = fn_constant,
    [FUNCTION_range] = fn_constant,
    [FUNCTION_round] = fn_round,
    [FUNCTION_scalar] = fn_scalar,
    [FUNCTION_sort] = fn_sort,
    [FUNCTION_sort_by_label] = fn_sort_by_label,
    [FUNCTION_sort_by_label_desc] = fn_sort_by_label,
    [FUNCTION_sort_desc] = fn_sort,
    [FUNCTION_start] = fn_constant,
    [FUNCTION_start_timestamp] = fn_start_timestamp,
    [FUNCTION_step] = fn_constant,
    [FUNCTION_time] = fn_time,
    [FUNCTION_timestamp] = fn_timestamp,
    [FUNCTION_vector] = fn_vector,
};

int fn_call(struct eval *ev, const struct timeline *line, const struct expr *call,
            struct value *ret, struct baro_error *err)
{
    enum function_id id = call->call.function->id;
    fn_map map = fn_map_get(id);
    int r;

    if (map != NULL) {
        r = eval_expr(ev, line, arg_of(call, 0), ret, err);
        return r < 0 ? r : map_rows(ev, line, ret, map, err);
    }
    if (fn_time_get(id) != NULL) {
        return fn_date(ev, line, call, ret, err);
    }
    ASSERT(bodies[id] != NULL);
    return bodies[id](ev, line, call, ret, err);
}
