#include "rules/rule_inputs.h"

#include "base/assert.h"
#include "model/histogram.h"
#include "promql/functions.h"

/* What is known on the way down. */
struct scope {
    struct labels labels; /* that a series must have */
    ts t;
    dur window;  /* of subqueries around */
    size_t need; /* samples that a range must have for its function to give something */
};

struct walk {
    const struct rule_inputs_env *env;
    bool ask; /* false: is there a selector at all? Each one counts as present */
    struct baro_error *err;
    int r; /* of the first failure */
};

static enum rule_input walk_expr(struct walk *walk, const struct expr *expr, struct scope scope);

/* ---- Labels ---- */

static bool is_among(str name, const str *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* The labels that are among the names, or those that are not. */
static struct labels keep(const struct walk *walk, struct labels labels, const str *names,
                          size_t count, bool wanted)
{
    struct label *items;
    size_t kept = 0;

    if (labels.count == 0) {
        return labels;
    }
    items = ARENA_ARRAY(walk->env->arena, struct label, labels.count);
    for (size_t i = 0; i < labels.count; i++) {
        if (is_among(labels.items[i].name, names, count) == wanted) {
            items[kept++] = labels.items[i];
        }
    }
    return (struct labels){items, kept};
}

static struct scope without(const struct walk *walk, struct scope scope, const struct expr *name)
{
    if (name->kind == EXPR_STRING) {
        scope.labels = keep(walk, scope.labels, &name->string.value, 1, false);
    }
    return scope;
}

static struct scope no_labels(struct scope scope)
{
    scope.labels = (struct labels){NULL, 0};
    return scope;
}

/* ---- Results ---- */

/* Of parts that are all needed. */
static enum rule_input all_of(enum rule_input a, enum rule_input b)
{
    return a > b ? a : b;
}

/* Of parts of which one is enough; one that reads nothing does not count. */
static enum rule_input one_of(enum rule_input a, enum rule_input b)
{
    if (a == RULE_INPUT_PRESENT || b == RULE_INPUT_PRESENT) {
        return RULE_INPUT_PRESENT;
    }
    return all_of(a, b);
}

STATIC_ASSERT(RULE_INPUT_NONE < RULE_INPUT_PRESENT && RULE_INPUT_PRESENT < RULE_INPUT_MISSING,
              "all_of takes the greater one");

/* ---- Selectors ---- */

static struct matchers matchers_of(const struct walk *walk, const struct expr *selector,
                                   struct labels labels)
{
    size_t own = selector->vector.matcher_count;
    struct matcher *items = ARENA_ARRAY(walk->env->arena, struct matcher, own + labels.count);

    for (size_t i = 0; i < own; i++) {
        items[i] = selector->vector.matchers[i];
    }
    for (size_t i = 0; i < labels.count; i++) {
        items[own + i] =
            (struct matcher){MATCHER_EQUAL, labels.items[i].name, labels.items[i].value, NULL};
    }
    return (struct matchers){items, own + labels.count};
}

/* Whether the series ends within the span with a sample that is no stale marker, and has enough of
 * them. */
static int is_live(struct querier *querier, const struct series *series, ts start, ts end,
                   size_t need, struct arena *arena, struct baro_error *err)
{
    struct sample_buf samples = {0};
    struct sample last = {0};
    size_t count = 0;
    int r = querier->ops->last_sample(querier, series, start, end, arena, &last, err);

    if (r <= 0 || (last.h == NULL && value_is_stale(last.v)) ||
        (last.h != NULL && value_is_stale(last.h->sum))) {
        return r < 0 ? r : 0;
    }
    if (need <= 1) {
        return 1;
    }
    r = querier->ops->samples(querier, series, start, end, &samples, err);
    for (size_t i = 0; r >= 0 && i < samples.count; i++) {
        count += value_is_stale(samples.v[i]) ? 0 : 1;
    }
    sample_buf_done(&samples);
    return r < 0 ? r : count >= need;
}

static int find_live(const struct walk *walk, struct querier *querier, struct matchers matchers,
                     ts start, ts end, size_t need, enum rule_input *ret)
{
    const struct select_hints hints = {.start = start, .end = end, .no_labels = true};
    struct series_list list = {0};
    int r = querier->ops->select(querier, walk->env->arena, &hints, matchers, walk->env->cancel,
                                 &list, walk->err);

    *ret = RULE_INPUT_MISSING;
    for (size_t i = 0; r >= 0 && i < list.count && *ret == RULE_INPUT_MISSING; i++) {
        r = is_live(querier, &list.items[i], start, end, need, walk->env->arena, walk->err);
        if (r > 0) {
            *ret = RULE_INPUT_PRESENT;
        }
    }
    return r;
}

/* Series that are there only while something is wrong: their end is good news. */
static bool tells_of_alerts(const struct expr *selector)
{
    static const str names[] = {
        STR_INIT("ALERTS"),
        STR_INIT("ALERTS_FOR_STATE"),
        STR_INIT("barograph_alert_no_data_timestamp_seconds"),
        STR_INIT("barograph_rule_no_data_timestamp_seconds"),
    };

    return is_among(selector->vector.name, names, ARRAY_COUNT(names));
}

static enum rule_input walk_selector(struct walk *walk, const struct expr *selector, dur range,
                                     struct scope scope)
{
    const struct modifier *mod = &selector->vector.mod;
    ts end = (mod->at != AT_TIMESTAMP ? scope.t : mod->at_ts) - mod->offset;
    dur span = scope.window + (range > 0 ? range : walk->env->lookback);
    CLEANUP(querier_closep) struct querier *querier = NULL;
    enum rule_input found = RULE_INPUT_PRESENT;
    int r;

    if (tells_of_alerts(selector)) {
        return RULE_INPUT_NONE;
    }
    if (!walk->ask || mod->offset_expr != NULL || walk->r < 0) {
        return RULE_INPUT_PRESENT;
    }
    r = walk->env->queryable->querier(walk->env->queryable, end - span + 1, end, &querier,
                                      walk->err);
    r = r < 0 ? r
              : find_live(walk, querier, matchers_of(walk, selector, scope.labels), end - span + 1,
                          end, range > 0 ? scope.need : 1, &found);
    walk->r = r < 0 ? r : 0;
    return found;
}

/* ---- Nodes ---- */

/* Functions that give nothing for a single sample. */
static bool needs_two(enum function_id id)
{
    static const enum function_id ids[] = {
        FUNCTION_rate,           FUNCTION_increase,
        FUNCTION_irate,          FUNCTION_delta,
        FUNCTION_idelta,         FUNCTION_deriv,
        FUNCTION_predict_linear, FUNCTION_double_exponential_smoothing,
    };

    for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
        if (ids[i] == id) {
            return true;
        }
    }
    return false;
}

static enum rule_input walk_args(struct walk *walk, const struct expr *call, struct scope scope)
{
    enum rule_input found = RULE_INPUT_NONE;

    scope.need = needs_two(call->call.function->id) ? 2 : 1;
    for (size_t i = 0; i < call->call.arg_count; i++) {
        const struct expr *arg = call->call.args[i];

        found = all_of(found,
                       walk_expr(walk, arg, arg->type == VALUE_SCALAR ? no_labels(scope) : scope));
    }
    return found;
}

static enum rule_input walk_call(struct walk *walk, const struct expr *call, struct scope scope)
{
    static const str identifying[] = {STR_INIT("instance"), STR_INIT("job")};
    enum function_id id = call->call.function->id;
    struct expr *const *args = call->call.args;
    enum rule_input found;

    if (id == FUNCTION_absent || id == FUNCTION_absent_over_time) {
        return RULE_INPUT_NONE;
    }
    if (id == FUNCTION_vector) { /* a number is always there */
        found = walk_expr(walk, args[0], no_labels(scope));
        return found == RULE_INPUT_NONE && walk->ask ? RULE_INPUT_PRESENT : found;
    }
    if (id == FUNCTION_label_replace || id == FUNCTION_label_join ||
        id == FUNCTION_histogram_quantiles) {
        return walk_args(walk, call, without(walk, scope, args[1]));
    }
    if (id == FUNCTION_info) {
        scope.labels = keep(walk, scope.labels, identifying, ARRAY_COUNT(identifying), true);
        return walk_expr(walk, args[0], scope);
    }
    return walk_args(walk, call, id == FUNCTION_scalar ? no_labels(scope) : scope);
}

static enum rule_input walk_aggregate(struct walk *walk, const struct expr *expr,
                                      struct scope scope)
{
    enum aggregate_op op = expr->aggregate.op;
    const struct expr *param = expr->aggregate.param;
    bool keeps_series =
        op == AGG_TOPK || op == AGG_BOTTOMK || op == AGG_LIMITK || op == AGG_LIMIT_RATIO;
    enum rule_input found = RULE_INPUT_NONE;

    if (op == AGG_COUNT_VALUES) {
        scope = without(walk, scope, param);
    } else if (param != NULL) {
        found = walk_expr(walk, param, no_labels(scope));
    }
    if (!keeps_series) {
        scope.labels = keep(walk, scope.labels, expr->aggregate.grouping,
                            expr->aggregate.grouping_count, !expr->aggregate.without);
    }
    return all_of(found, walk_expr(walk, expr->aggregate.expr, scope));
}

/* The labels that both sides of a matching have. */
static struct labels matched(const struct walk *walk, struct labels labels,
                             const struct vector_matching *matching)
{
    return keep(walk, labels, matching->labels, matching->label_count, matching->on);
}

/* What one side must have: the side of many gives all labels but the included ones. */
static struct scope side_scope(const struct walk *walk, struct scope scope,
                               const struct vector_matching *matching, bool is_left)
{
    bool is_grouped = matching->card == CARD_MANY_TO_ONE || matching->card == CARD_ONE_TO_MANY;
    bool is_many = is_grouped && (matching->card == CARD_MANY_TO_ONE) == is_left;

    if (is_many) {
        scope.labels = keep(walk, scope.labels, matching->include, matching->include_count, false);
    } else if (is_grouped) {
        /* The included ones come from here, but may be empty: they are left open. */
        scope.labels = keep(walk, matched(walk, scope.labels, matching), matching->include,
                            matching->include_count, false);
    } else {
        scope.labels = matched(walk, scope.labels, matching);
    }
    return scope;
}

static enum rule_input walk_binary(struct walk *walk, const struct expr *expr, struct scope scope)
{
    const struct vector_matching *matching = expr->binary.matching;
    const struct expr *lhs = expr->binary.lhs;
    const struct expr *rhs = expr->binary.rhs;
    enum rule_input left = RULE_INPUT_NONE;
    enum rule_input right = RULE_INPUT_NONE;

    if (matching == NULL) {
        left = walk_expr(walk, lhs, lhs->type == VALUE_SCALAR ? no_labels(scope) : scope);
        return all_of(left,
                      walk_expr(walk, rhs, rhs->type == VALUE_SCALAR ? no_labels(scope) : scope));
    }
    if (binary_op_is_set(expr->binary.op)) {
        left = walk_expr(walk, lhs, scope);
        if (expr->binary.op == OP_UNLESS) {
            return left;
        }
        if (expr->binary.op == OP_OR) {
            return one_of(left, walk_expr(walk, rhs, scope));
        }
        scope.labels = matched(walk, scope.labels, matching);
        return all_of(left, walk_expr(walk, rhs, scope));
    }
    /* A side that is filled in where it is missing is not needed. */
    if (!matching->has_fill_left) {
        left = walk_expr(walk, lhs, side_scope(walk, scope, matching, true));
    }
    if (!matching->has_fill_right) {
        right = walk_expr(walk, rhs, side_scope(walk, scope, matching, false));
    }
    return all_of(left, right);
}

static enum rule_input walk_subquery(struct walk *walk, const struct expr *expr, struct scope scope)
{
    const struct modifier *mod = &expr->subquery.mod;

    if (mod->offset_expr != NULL || expr->subquery.range_expr != NULL) {
        return rule_inputs_any(expr->subquery.expr) ? RULE_INPUT_PRESENT : RULE_INPUT_NONE;
    }
    scope.t = (mod->at != AT_TIMESTAMP ? scope.t : mod->at_ts) - mod->offset;
    scope.window += expr->subquery.range;
    scope.need = 1;
    return walk_expr(walk, expr->subquery.expr, scope);
}

/* The depth is bounded by the parser. */
static enum rule_input walk_expr(struct walk *walk, const struct expr *expr, struct scope scope)
{
    switch (expr->kind) {
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_DURATION:
        break;
    case EXPR_VECTOR_SELECTOR:
        return walk_selector(walk, expr, 0, scope);
    case EXPR_MATRIX_SELECTOR:
        return expr->matrix.range_expr != NULL
                   ? RULE_INPUT_PRESENT
                   : walk_selector(walk, expr->matrix.vector, expr->matrix.range, scope);
    case EXPR_SUBQUERY:
        return walk_subquery(walk, expr, scope);
    case EXPR_CALL:
        return walk_call(walk, expr, scope);
    case EXPR_AGGREGATE:
        return walk_aggregate(walk, expr, scope);
    case EXPR_BINARY:
        return walk_binary(walk, expr, scope);
    case EXPR_UNARY:
        return walk_expr(walk, expr->unary.expr, scope);
    case EXPR_PAREN:
    case EXPR_STEP_INVARIANT:
        return walk_expr(walk, expr->paren.expr, scope);
    }
    return RULE_INPUT_NONE;
}

int rule_inputs_find(const struct rule_inputs_env *env, const struct expr *expr,
                     struct labels labels, enum rule_input *ret, struct baro_error *err)
{
    struct walk walk = {.env = env, .ask = true, .err = err};
    const struct scope scope = {.labels = labels, .t = env->t, .need = 1};
    enum rule_input found = walk_expr(&walk, expr, scope);

    if (walk.r < 0) {
        return walk.r;
    }
    *ret = found;
    return 0;
}

bool rule_inputs_any(const struct expr *expr)
{
    struct arena arena = {0};
    const struct rule_inputs_env env = {.arena = &arena};
    struct walk walk = {.env = &env};
    enum rule_input found = walk_expr(&walk, expr, (struct scope){.need = 1});

    arena_done(&arena);
    return found != RULE_INPUT_NONE;
}
