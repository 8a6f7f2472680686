/*
 * engine_prepare: what is done to a tree before it is evaluated. Semantics: Prometheus 3.14,
 * promql/engine.go (PreprocessExpr, FindMinMaxTime) and promql/durations.go.
 */
#include <math.h>

#include "promql/engine_priv.h"

struct prepare {
    struct arena *arena;
    const struct query *query;
    struct baro_error *err;
    dur reach; /* ranges and offsets of the subqueries around, added up */
};

/* ---- duration expressions ---- */

static int duration_divide(const struct prepare *prepare, const struct expr *expr, double lhs,
                           double rhs, double *ret)
{
    bool modulo = expr->duration.op == DUR_OP_MOD;

    if (rhs == 0) {
        return error_set(prepare->err, BARO_EEXEC, "%u:%u: %s by zero", expr->pos.start,
                         expr->pos.end, modulo ? "modulo" : "division");
    }
    *ret = modulo ? fmod(lhs, rhs) : lhs / rhs;
    return 0;
}

static double duration_apply(const struct prepare *prepare, enum duration_op op, double literal,
                             double lhs, double rhs)
{
    switch (op) {
    case DUR_OP_LITERAL:
        return literal;
    case DUR_OP_ADD:
        return lhs + rhs;
    case DUR_OP_SUB:
        return lhs - rhs;
    case DUR_OP_MUL:
        return lhs * rhs;
    case DUR_OP_POW:
        return pow(lhs, rhs);
    case DUR_OP_NEG:
        return -rhs;
    case DUR_OP_STEP:
        return (double)prepare->query->step / 1000;
    case DUR_OP_RANGE:
        return (double)(prepare->query->end - prepare->query->start) / 1000;
    case DUR_OP_MIN:
        return fmin(lhs, rhs);
    case DUR_OP_MAX:
        return fmax(lhs, rhs);
    case DUR_OP_DIV:
    case DUR_OP_MOD:
        break;
    }
    return 0;
}

/* Seconds. The depth is limited by the parser. */
static int duration_seconds(const struct prepare *prepare, const struct expr *expr, double *ret)
{
    double lhs = 0;
    double rhs = 0;
    int r;

    if (expr->kind == EXPR_NUMBER) {
        *ret = expr->number.value;
        return 0;
    }
    if (expr->kind == EXPR_PAREN) {
        return duration_seconds(prepare, expr->paren.expr, ret);
    }
    if (expr->duration.lhs != NULL) {
        r = duration_seconds(prepare, expr->duration.lhs, &lhs);
        if (r < 0) {
            return r;
        }
    }
    if (expr->duration.rhs != NULL) {
        r = duration_seconds(prepare, expr->duration.rhs, &rhs);
        if (r < 0) {
            return r;
        }
    }
    if (expr->duration.op == DUR_OP_DIV || expr->duration.op == DUR_OP_MOD) {
        return duration_divide(prepare, expr, lhs, rhs, ret);
    }
    if (expr->duration.op == DUR_OP_NEG && expr->duration.rhs == NULL) {
        rhs = lhs;
    }
    *ret = duration_apply(prepare, expr->duration.op, expr->duration.value, lhs, rhs);
    return 0;
}

static int duration_resolve(const struct prepare *prepare, const struct expr *expr, bool negative,
                            dur *ret)
{
    double seconds = 0;
    int r;

    if (expr == NULL) {
        return 0;
    }
    r = duration_seconds(prepare, expr, &seconds);
    if (r < 0) {
        return r;
    }
    if (seconds <= 0 && !negative) {
        return error_set(prepare->err, BARO_EEXEC, "%u:%u: duration must be greater than 0",
                         expr->pos.start, expr->pos.end);
    }
    if (!(seconds * 1000 < (double)ENGINE_TIME_MAX && seconds * 1000 > -(double)ENGINE_TIME_MAX)) {
        return error_set(prepare->err, BARO_EEXEC, "%u:%u: duration is out of range",
                         expr->pos.start, expr->pos.end);
    }
    *ret = (dur)(seconds * 1000);
    return 0;
}

/* Written durations and times, too, are bounded. */
static int check_bounds(const struct prepare *prepare, const struct expr *expr, int64_t v)
{
    if (v >= -ENGINE_TIME_MAX && v <= ENGINE_TIME_MAX) {
        return 0;
    }
    return error_set(prepare->err, BARO_EEXEC, "%u:%u: duration is out of range", expr->pos.start,
                     expr->pos.end);
}

/* within is how things stand inside a range and offset: nested ones add up, and their sum must
 * leave room for the time of the query. */
static int within(const struct prepare *prepare, const struct expr *expr, dur range, dur offset,
                  struct prepare *ret)
{
    int r = check_bounds(prepare, expr, range);

    r = r < 0 ? r : check_bounds(prepare, expr, offset);
    if (r < 0) {
        return r;
    }
    *ret = *prepare;
    ret->reach += range + (offset < 0 ? -offset : offset);
    return check_bounds(prepare, expr, ret->reach);
}

/* ---- step invariance ---- */

struct invariance {
    bool invariant; /* the whole subtree is the same at every step */
    bool wrap;      /* and it is worth to be wrapped */
};

static int prepare_node(const struct prepare *prepare, struct expr *expr, struct invariance *ret);

static struct expr *wrap(const struct prepare *prepare, struct expr *expr)
{
    struct expr *node;

    if (prepare->query->no_step_invariant || expr->type == VALUE_STRING) {
        return expr;
    }
    node = ARENA_NEW(prepare->arena, struct expr);
    node->kind = EXPR_STEP_INVARIANT;
    node->type = expr->type;
    node->pos = expr->pos;
    node->paren.expr = expr;
    return node;
}

static void unwrap_paren(struct expr **expr)
{
    while (*expr != NULL && (*expr)->kind == EXPR_PAREN) {
        *expr = (*expr)->paren.expr;
    }
}

static void resolve_at(const struct prepare *prepare, struct modifier *mod)
{
    if (mod->at == AT_START) {
        mod->at_ts = prepare->query->start;
    } else if (mod->at == AT_END) {
        mod->at_ts = prepare->query->end;
    }
}

static bool depends_on_time(enum function_id id)
{
    switch ((int)id) {
    case FUNCTION_days_in_month:
    case FUNCTION_day_of_month:
    case FUNCTION_day_of_week:
    case FUNCTION_day_of_year:
    case FUNCTION_hour:
    case FUNCTION_minute:
    case FUNCTION_month:
    case FUNCTION_year:
    case FUNCTION_predict_linear:
    case FUNCTION_time:
    case FUNCTION_timestamp:
    case FUNCTION_start_timestamp:
        return true;
    default:
        return false;
    }
}

static int prepare_selector(const struct prepare *prepare, struct expr *expr,
                            struct invariance *ret)
{
    struct modifier *mod = &expr->vector.mod;
    struct prepare inside;
    int r = duration_resolve(prepare, mod->offset_expr, true, &mod->offset);

    resolve_at(prepare, mod);
    r = r < 0 ? r : within(prepare, expr, 0, mod->offset, &inside);
    r = r < 0 || mod->at == AT_NONE ? r : check_bounds(prepare, expr, mod->at_ts);
    *ret = (struct invariance){mod->at != AT_NONE, mod->at != AT_NONE};
    return r;
}

static int prepare_subquery(const struct prepare *prepare, struct expr *expr,
                            struct invariance *ret)
{
    struct modifier *mod = &expr->subquery.mod;
    struct invariance inner = {0};
    struct prepare inside;
    int r = duration_resolve(prepare, mod->offset_expr, true, &mod->offset);

    r = r < 0 ? r
              : duration_resolve(prepare, expr->subquery.step_expr, false, &expr->subquery.step);
    r = r < 0 ? r
              : duration_resolve(prepare, expr->subquery.range_expr, false, &expr->subquery.range);
    r = r < 0 ? r : within(prepare, expr, expr->subquery.range, mod->offset, &inside);
    r = r < 0 ? r : prepare_node(&inside, expr->subquery.expr, &inner);
    if (r < 0) {
        return r;
    }
    if (inner.invariant && inner.wrap) {
        expr->subquery.expr = wrap(prepare, expr->subquery.expr);
    }
    resolve_at(prepare, mod);
    r = mod->at == AT_NONE ? 0 : check_bounds(prepare, expr, mod->at_ts);
    r = r < 0 ? r : check_bounds(prepare, expr, expr->subquery.step);
    *ret = (struct invariance){mod->at != AT_NONE, mod->at != AT_NONE};
    return r;
}

static int prepare_binary(const struct prepare *prepare, struct expr *expr, struct invariance *ret)
{
    struct invariance lhs = {0};
    struct invariance rhs = {0};
    int r = prepare_node(prepare, expr->binary.lhs, &lhs);

    r = r < 0 ? r : prepare_node(prepare, expr->binary.rhs, &rhs);
    if (r < 0) {
        return r;
    }
    *ret = (struct invariance){0};
    if (lhs.invariant && rhs.invariant) {
        *ret = (struct invariance){true, true};
        return 0;
    }
    if (lhs.wrap) {
        expr->binary.lhs = wrap(prepare, expr->binary.lhs);
    }
    if (rhs.wrap) {
        expr->binary.rhs = wrap(prepare, expr->binary.rhs);
    }
    return 0;
}

/* Of what looks at different times, or at none, info series are chosen step by step. */
static bool is_info_pinned(const struct expr *call)
{
    struct modifier mod;

    fn_info_reference(call, &mod);
    return mod.at != AT_NONE;
}

static int prepare_call(const struct prepare *prepare, struct expr *expr, struct invariance *ret)
{
    bool invariant = !depends_on_time(expr->call.function->id);
    bool *wraps = ARENA_ARRAY(prepare->arena, bool, expr->call.arg_count + 1);

    for (size_t i = 0; i < expr->call.arg_count; i++) {
        struct invariance arg = {0};
        int r;

        unwrap_paren(&expr->call.args[i]);
        r = prepare_node(prepare, expr->call.args[i], &arg);
        if (r < 0) {
            return r;
        }
        wraps[i] = arg.wrap;
        invariant = invariant && arg.invariant;
    }
    if (expr->call.function->id == FUNCTION_info) {
        invariant = invariant && is_info_pinned(expr);
    }
    *ret = (struct invariance){invariant, invariant};
    for (size_t i = 0; !invariant && i < expr->call.arg_count; i++) {
        if (wraps[i] && expr->call.args[i]->type != VALUE_MATRIX) {
            expr->call.args[i] = wrap(prepare, expr->call.args[i]);
        }
    }
    return 0;
}

static int prepare_aggregate(const struct prepare *prepare, struct expr *expr,
                             struct invariance *ret)
{
    struct invariance param = {.invariant = true};
    int r;

    unwrap_paren(&expr->aggregate.expr);
    unwrap_paren(&expr->aggregate.param);
    if (expr->aggregate.param != NULL) {
        r = prepare_node(prepare, expr->aggregate.param, &param);
        if (r < 0) {
            return r;
        }
    }
    r = prepare_node(prepare, expr->aggregate.expr, ret);
    if (r >= 0 && ret->invariant && !param.invariant) {
        if (ret->wrap) {
            expr->aggregate.expr = wrap(prepare, expr->aggregate.expr);
        }
        *ret = (struct invariance){0};
    }
    return r;
}

static int prepare_matrix(const struct prepare *prepare, struct expr *expr, struct invariance *ret)
{
    struct prepare inside;
    int r = duration_resolve(prepare, expr->matrix.range_expr, false, &expr->matrix.range);

    r = r < 0 ? r : within(prepare, expr, expr->matrix.range, 0, &inside);
    r = r < 0 ? r : prepare_node(&inside, expr->matrix.vector, ret);
    ret->wrap = false;
    return r;
}

static int prepare_node(const struct prepare *prepare, struct expr *expr, struct invariance *ret)
{
    switch (expr->kind) {
    case EXPR_VECTOR_SELECTOR:
        return prepare_selector(prepare, expr, ret);
    case EXPR_MATRIX_SELECTOR:
        return prepare_matrix(prepare, expr, ret);
    case EXPR_SUBQUERY:
        return prepare_subquery(prepare, expr, ret);
    case EXPR_CALL:
        return prepare_call(prepare, expr, ret);
    case EXPR_AGGREGATE:
        return prepare_aggregate(prepare, expr, ret);
    case EXPR_BINARY:
        return prepare_binary(prepare, expr, ret);
    case EXPR_UNARY:
        return prepare_node(prepare, expr->unary.expr, ret);
    case EXPR_PAREN:
    case EXPR_STEP_INVARIANT:
        return prepare_node(prepare, expr->paren.expr, ret);
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_DURATION:
        break;
    }
    *ret = (struct invariance){.invariant = true};
    return 0;
}

/* ---- histograms of which only count and sum are wanted ---- */

enum stats_use { STATS_NO, STATS_ONLY, STATS_NEVER };

static enum stats_use use_below(enum function_id id, enum stats_use use)
{
    switch ((int)id) {
    case FUNCTION_histogram_count:
    case FUNCTION_histogram_sum:
    case FUNCTION_histogram_avg:
        return use == STATS_NO ? STATS_ONLY : use;
    case FUNCTION_changes: /* looks at buckets as well */
    case FUNCTION_histogram_fraction:
    case FUNCTION_histogram_quantile:
    case FUNCTION_histogram_quantiles:
    case FUNCTION_histogram_stddev:
    case FUNCTION_histogram_stdvar:
        return STATS_NEVER;
    default:
        return use;
    }
}

static void mark_stats(struct expr *expr, enum stats_use use)
{
    switch (expr->kind) {
    case EXPR_VECTOR_SELECTOR:
        expr->vector.stats_only = use == STATS_ONLY;
        break;
    case EXPR_MATRIX_SELECTOR:
        mark_stats(expr->matrix.vector, use);
        break;
    case EXPR_SUBQUERY:
        mark_stats(expr->subquery.expr, STATS_NEVER);
        break;
    case EXPR_CALL:
        for (size_t i = 0; i < expr->call.arg_count; i++) {
            mark_stats(expr->call.args[i], use_below(expr->call.function->id, use));
        }
        break;
    case EXPR_AGGREGATE:
        use = expr->aggregate.op == AGG_COUNT_VALUES ? STATS_NEVER : use;
        mark_stats(expr->aggregate.expr, use);
        if (expr->aggregate.param != NULL) {
            mark_stats(expr->aggregate.param, use);
        }
        break;
    case EXPR_BINARY:
        if (expr->binary.op == OP_TRIM_LOWER || expr->binary.op == OP_TRIM_UPPER ||
            expr->binary.op == OP_EQL || expr->binary.op == OP_NEQ) {
            use = STATS_NEVER;
        }
        mark_stats(expr->binary.lhs, use);
        mark_stats(expr->binary.rhs, use);
        break;
    case EXPR_UNARY:
        mark_stats(expr->unary.expr, use);
        break;
    case EXPR_PAREN:
    case EXPR_STEP_INVARIANT:
        mark_stats(expr->paren.expr, use);
        break;
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_DURATION:
        break;
    }
}

int engine_prepare(struct arena *arena, const struct query *query, struct expr **tree,
                   struct baro_error *err)
{
    struct prepare prepare = {.arena = arena, .query = query, .err = err};
    struct invariance invariance = {0};
    int r = prepare_node(&prepare, *tree, &invariance);

    mark_stats(*tree, STATS_NO);
    if (r >= 0 && invariance.wrap && (*tree)->type != VALUE_MATRIX) {
        *tree = wrap(&prepare, *tree);
    }
    return r;
}

/* ---- the time that selectors look at ---- */

struct time_range {
    ts start;
    ts end;
    dur lookback;
    ts *ret_start;
    ts *ret_end;
};

static void range_of_selector(const struct expr *expr, struct time_range range, dur window)
{
    const struct modifier *mod = &expr->vector.mod;
    bool extended = expr->vector.anchored || expr->vector.smoothed;

    if (mod->at != AT_NONE) {
        range.start = mod->at_ts;
        range.end = mod->at_ts;
    }
    range.start -= mod->offset + window + (window == 0 || extended ? range.lookback : 0) - 1;
    range.end -= mod->offset - (expr->vector.smoothed ? range.lookback : 0);
    if (range.start < *range.ret_start) {
        *range.ret_start = range.start;
    }
    if (range.end > *range.ret_end) {
        *range.ret_end = range.end;
    }
}

static void range_of_info(const struct expr *call, struct time_range range)
{
    struct expr selector = {.kind = EXPR_VECTOR_SELECTOR};

    fn_info_reference(call, &selector.vector.mod);
    range_of_selector(&selector, range, 0);
}

static void range_of(const struct expr *expr, struct time_range range)
{
    const struct modifier *mod;

    switch (expr->kind) {
    case EXPR_VECTOR_SELECTOR:
        range_of_selector(expr, range, 0);
        break;
    case EXPR_MATRIX_SELECTOR:
        range_of_selector(expr->matrix.vector, range, expr->matrix.range);
        break;
    case EXPR_SUBQUERY:
        mod = &expr->subquery.mod;
        if (mod->at != AT_NONE) {
            range.start = mod->at_ts;
            range.end = mod->at_ts;
        }
        range.start -= mod->offset + expr->subquery.range;
        range.end -= mod->offset;
        range_of(expr->subquery.expr, range);
        break;
    case EXPR_CALL:
        if (expr->call.function->id == FUNCTION_info) {
            range_of_info(expr, range);
        }
        for (size_t i = 0; i < expr->call.arg_count; i++) {
            range_of(expr->call.args[i], range);
        }
        break;
    case EXPR_AGGREGATE:
        range_of(expr->aggregate.expr, range);
        if (expr->aggregate.param != NULL) {
            range_of(expr->aggregate.param, range);
        }
        break;
    case EXPR_BINARY:
        range_of(expr->binary.lhs, range);
        range_of(expr->binary.rhs, range);
        break;
    case EXPR_UNARY:
        range_of(expr->unary.expr, range);
        break;
    case EXPR_PAREN:
    case EXPR_STEP_INVARIANT:
        range_of(expr->paren.expr, range);
        break;
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_DURATION:
        break;
    }
}

void engine_time_range(const struct expr *tree, const struct query *query, dur lookback,
                       ts *ret_start, ts *ret_end)
{
    struct time_range range = {.start = query->start,
                               .end = query->end,
                               .lookback = lookback,
                               .ret_start = ret_start,
                               .ret_end = ret_end};

    *ret_start = INT64_MAX;
    *ret_end = INT64_MIN;
    range_of(tree, range);
    if (*ret_end == INT64_MIN) {
        *ret_start = 0;
        *ret_end = 0;
    }
}
