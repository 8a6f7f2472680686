#include "promql/functions.h"
#include "promql/promqltest_priv.h"

const struct promql_features script_features = {
    .experimental_functions = true,
    .duration_expressions = true,
    .extended_range = true,
    .binop_fill = true,
    .start_timestamps = true,
    .delayed_name_removal = true,
};

static const struct engine_options script_engine = {
    .lookback = 5 * DUR_MINUTE,
    .timeout = DUR_MINUTE,
    .default_step = DUR_MINUTE,
    .samples_max = 50000000,
    .memory_bytes_max = (size_t)1 << 30,
    .features = {true, true, true, true, true, true, false},
};

/* middle_of cuts a matrix to the points at t, as an instant query would have given them. */
static void middle_of(struct arena *arena, const struct query_result *whole, ts t, bool scalar,
                      struct script_result *ret)
{
    struct result_series *series =
        ARENA_ARRAY(arena, struct result_series, whole->series_count + 1);
    size_t count = 0;

    for (size_t i = 0; i < whole->series_count; i++) {
        for (size_t k = 0; k < whole->series[i].count; k++) {
            if (whole->series[i].points[k].t == t) {
                series[count++] = (struct result_series){.metric = whole->series[i].metric,
                                                         .points = &whole->series[i].points[k],
                                                         .count = 1};
            }
        }
    }
    *ret = (struct script_result){.type = VALUE_VECTOR, .series = series, .count = count};
    if (scalar && count == 1) {
        ret->type = VALUE_SCALAR;
        ret->scalar = series[0].points[0].v;
    }
}

/* How one run differs from the plain one. */
struct variant {
    str query;
    ts t;           /* of an instant eval */
    bool in_range;  /* run from t - 1 m to t + 1 m, compare the middle */
    bool positions; /* the query is as written, so annotations are comparable */
};

/* check_copied compares after the result's strings were copied: wanted and got outlive it. */
static bool check_one(struct arena *arena, const struct script_eval *eval,
                      const struct variant *variant, const struct query_result *result,
                      str *ret_wanted, str *ret_got)
{
    struct script_result view = {.type = result->type,
                                 .scalar = result->scalar,
                                 .string = result->string,
                                 .series = result->series,
                                 .count = result->series_count};
    struct script_eval shifted = *eval;
    bool ok;

    if (variant->in_range) {
        middle_of(arena, result, variant->t, eval->has_scalar, &view);
    }
    if (variant->positions) {
        view.annotations = &result->annotations;
    }
    if (!eval->range) {
        shifted.start = variant->t;
    }
    ok = script_check(arena, &shifted, &view, ret_wanted, ret_got);
    if (!ok) {
        *ret_wanted = arena_str(arena, *ret_wanted);
        *ret_got = arena_str(arena, *ret_got);
    }
    return ok;
}

static bool run_variant(struct arena *arena, const struct script_eval *eval,
                        struct queryable *queryable, const struct variant *variant, str *ret_wanted,
                        str *ret_got)
{
    struct query query = {.text = variant->query, .start = variant->t, .end = variant->t};
    struct query_result result = {0};
    struct baro_error err = {0};
    bool ok;
    int r;

    if (eval->range) {
        query.start = eval->start;
        query.end = eval->end;
        query.step = eval->step;
    } else if (variant->in_range) {
        query.start = variant->t - DUR_MINUTE;
        query.end = variant->t + DUR_MINUTE;
        query.step = DUR_MINUTE;
    }
    r = engine_run(&script_engine, queryable, &query, &result, &err);
    if (eval->fail) {
        ok = script_check_failure(arena, eval, r, err.message, ret_wanted, ret_got);
    } else if (r < 0) {
        *ret_wanted = STR("success");
        *ret_got = arena_printf(arena, "%s", err.message);
        return false;
    } else {
        ok = check_one(arena, eval, variant, &result, ret_wanted, ret_got);
    }
    if (r >= 0) {
        query_result_done(&result);
    }
    return ok;
}

/* Functions whose value depends on the time of evaluation itself: @ cannot pin them. */
static bool depends_on_time(enum function_id id)
{
    switch (id) {
    case FUNCTION_day_of_month:
    case FUNCTION_day_of_week:
    case FUNCTION_day_of_year:
    case FUNCTION_days_in_month:
    case FUNCTION_end:
    case FUNCTION_hour:
    case FUNCTION_minute:
    case FUNCTION_month:
    case FUNCTION_predict_linear:
    case FUNCTION_range:
    case FUNCTION_start:
    case FUNCTION_step:
    case FUNCTION_time:
    case FUNCTION_timestamp:
    case FUNCTION_year:
        return true;
    default: /* all others */
        return false;
    }
}

struct shape {
    bool time;     /* calls a function that depends on the time of evaluation */
    bool boundary; /* speaks of start(), end(), step() or range() */
};

static bool visit_shape(struct expr *node, void *context)
{
    struct shape *shape = context;

    if (node->kind == EXPR_CALL) {
        enum function_id id = node->call.function->id;

        shape->time = shape->time || depends_on_time(id);
        shape->boundary = shape->boundary || id == FUNCTION_start || id == FUNCTION_end ||
                          id == FUNCTION_step || id == FUNCTION_range;
    } else if (node->kind == EXPR_VECTOR_SELECTOR) {
        shape->boundary = shape->boundary || node->vector.mod.at == AT_START ||
                          node->vector.mod.at == AT_END || node->vector.mod.offset_expr != NULL;
    } else if (node->kind == EXPR_MATRIX_SELECTOR) {
        shape->boundary = shape->boundary || node->matrix.range_expr != NULL;
    } else if (node->kind == EXPR_SUBQUERY) {
        shape->boundary = shape->boundary || node->subquery.mod.at == AT_START ||
                          node->subquery.mod.at == AT_END || node->subquery.range_expr != NULL ||
                          node->subquery.step_expr != NULL ||
                          node->subquery.mod.offset_expr != NULL;
    }
    return true;
}

static void pin(struct modifier *modifier, ts t)
{
    if (modifier->at == AT_NONE) {
        modifier->at = AT_TIMESTAMP;
        modifier->at_ts = t;
    }
}

/* pin_all puts `@ t` on every outermost subquery and every selector outside subqueries. */
static void pin_all(struct expr *node, ts t)
{
    switch (node->kind) {
    case EXPR_VECTOR_SELECTOR:
        pin(&node->vector.mod, t);
        break;
    case EXPR_MATRIX_SELECTOR:
        pin(&node->matrix.vector->vector.mod, t);
        break;
    case EXPR_SUBQUERY:
        pin(&node->subquery.mod, t);
        break;
    case EXPR_CALL:
        for (size_t i = 0; i < node->call.arg_count; i++) {
            /* The second argument of info() is no selection of its own. */
            if (node->call.function->id != FUNCTION_info || i == 0) {
                pin_all(node->call.args[i], t);
            }
        }
        break;
    case EXPR_AGGREGATE:
        pin_all(node->aggregate.expr, t);
        if (node->aggregate.param != NULL) {
            pin_all(node->aggregate.param, t);
        }
        break;
    case EXPR_BINARY:
        pin_all(node->binary.lhs, t);
        pin_all(node->binary.rhs, t);
        break;
    case EXPR_UNARY:
        pin_all(node->unary.expr, t);
        break;
    case EXPR_PAREN:
    case EXPR_STEP_INVARIANT:
        pin_all(node->paren.expr, t);
        break;
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_DURATION:
        break;
    }
}

static bool run_pinned(struct arena *arena, const struct script_eval *eval,
                       struct queryable *queryable, struct expr *expr, str *ret_wanted,
                       str *ret_got)
{
    ts t = eval->start;
    const ts times[] = {t == 0 ? -DUR_SECOND : -10 * t, 0, t / 5, t, t == 0 ? DUR_SECOND : 10 * t};
    struct buf text = {0};
    bool ok = true;

    pin_all(expr, t);
    promql_print(&text, expr);
    for (size_t i = 0; i < ARRAY_COUNT(times) && ok; i++) {
        struct variant variant = {.query = buf_view(&text), .t = times[i]};

        ok = run_variant(arena, eval, queryable, &variant, ret_wanted, ret_got);
        if (!ok) {
            *ret_got = arena_printf(arena, "%.*s (with %.*s at %lld ms)", STR_ARG(*ret_got),
                                    STR_ARG(variant.query), (long long)variant.t);
        }
    }
    buf_done(&text);
    return ok;
}

static bool run_thorough(struct arena *arena, const struct script_eval *eval,
                         struct queryable *queryable, str *ret_wanted, str *ret_got)
{
    struct arena tree = {0};
    struct expr *expr = NULL;
    struct shape shape = {0};
    struct variant middle = {.query = eval->query, .t = eval->start, .in_range = true};
    bool ok = true;

    if (eval->range || eval->fail || eval->has_string || eval->matrix ||
        promql_parse(&tree, eval->query, &script_features, &expr, NULL) < 0) {
        arena_done(&tree);
        return true;
    }
    (void)promql_expr_walk(expr, visit_shape, &shape);
    if (!eval->ordered && !shape.boundary) {
        ok = run_variant(arena, eval, queryable, &middle, ret_wanted, ret_got);
        if (!ok) {
            *ret_got = arena_printf(arena, "%.*s (inside a range)", STR_ARG(*ret_got));
        }
    }
    if (ok && !shape.time && !shape.boundary) {
        ok = run_pinned(arena, eval, queryable, expr, ret_wanted, ret_got);
    }
    promql_expr_done(expr);
    arena_done(&tree);
    return ok;
}

bool script_eval_run(struct arena *arena, const struct script_eval *eval,
                     struct script_store *store, bool thorough, str *ret_wanted, str *ret_got)
{
    struct variant plain = {.query = eval->query, .t = eval->start, .positions = true};
    struct queryable *queryable = NULL;
    struct baro_error err = {0};

    if (script_store_queryable(store, &queryable, &err) < 0) {
        *ret_wanted = STR("the samples loaded");
        *ret_got = arena_printf(arena, "%s", err.message);
        return false;
    }
    return run_variant(arena, eval, queryable, &plain, ret_wanted, ret_got) &&
           (!thorough || run_thorough(arena, eval, queryable, ret_wanted, ret_got));
}
