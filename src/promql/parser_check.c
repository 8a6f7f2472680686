#include "promql/functions.h"
#include "promql/parser_priv.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* expect_type checks a child and then its type. `context` is what it is in, and `function` its name
 * in quotes; "" for none. */
static void expect_type(struct parser *parser, struct expr *expr, enum value_type want,
                        const char *context, const char *function)
{
    const char *quote = function[0] != '\0' ? "\"" : "";

    check_expr(parser, expr);
    if (!parser->failed && expr->type != want) {
        (void)parser_fail_at(parser, expr->pos.start, "expected type %s in %s%s%s%s, got %s",
                             value_type_doc(want), context, quote, function, quote,
                             value_type_doc(expr->type));
    }
}

static void check_aggregate(struct parser *parser, struct expr *expr)
{
    expect_type(parser, expr->aggregate.expr, VALUE_VECTOR, "aggregation expression", "");
    if (expr->aggregate.param != NULL) {
        expect_type(parser, expr->aggregate.param,
                    expr->aggregate.op == AGG_COUNT_VALUES ? VALUE_STRING : VALUE_SCALAR,
                    "aggregation parameter", "");
    }
}

/* operator_start finds where the operator and its modifiers begin: messages about them point there.
 */
static uint32_t operator_start(const struct parser *parser, const struct expr *expr)
{
    uint32_t start = expr->binary.lhs->pos.end;

    while (start < parser->text.len && is_space(parser->text.ptr[start])) {
        start++;
    }
    return start;
}

static void check_operator(struct parser *parser, struct expr *expr)
{
    struct vector_matching *matching = expr->binary.matching;
    bool comparison = binary_op_is_comparison(expr->binary.op);

    if (expr->binary.return_bool && !comparison) {
        (void)parser_fail_at(parser, operator_start(parser, expr),
                             "bool modifier can only be used on comparison operators");
    }
    if (comparison && !expr->binary.return_bool && expr->type == VALUE_SCALAR) {
        (void)parser_fail_at(parser, operator_start(parser, expr),
                             "comparisons between scalars must use BOOL modifier");
    }
    for (size_t i = 0; matching->on && i < matching->label_count; i++) {
        for (size_t k = 0; k < matching->include_count; k++) {
            if (str_eq(matching->labels[i], matching->include[k])) {
                (void)parser_fail_at(parser, operator_start(parser, expr),
                                     "label %.*s must not occur in ON and GROUP clause at once",
                                     STR_ARG(parser_quote(parser, matching->labels[i])));
                return;
            }
        }
    }
}

static void check_operand(struct parser *parser, const struct expr *operand)
{
    if (operand->type != VALUE_SCALAR && operand->type != VALUE_VECTOR) {
        (void)parser_fail_at(parser, operand->pos.start,
                             "binary expression must contain only scalar and instant vector types");
    }
}

/* check_matching is about the modifiers, once both sides' types are known. */
static void check_matching(struct parser *parser, struct expr *expr)
{
    struct vector_matching *matching = expr->binary.matching;
    bool fill = matching->has_fill_left || matching->has_fill_right;
    bool vectors = expr->binary.lhs->type == VALUE_VECTOR && expr->binary.rhs->type == VALUE_VECTOR;
    uint32_t start = expr->pos.start;
    const char *op = binary_op_name(expr->binary.op);

    if (!vectors) {
        if (matching->label_count > 0) {
            (void)parser_fail_at(parser, start,
                                 "vector matching only allowed between instant vectors");
        }
        if (fill) {
            (void)parser_fail_at(parser, start,
                                 "filling in missing series only allowed between instant vectors");
        }
        expr->binary.matching = NULL;
        if (binary_op_is_set(expr->binary.op)) {
            (void)parser_fail_at(parser, start,
                                 "set operator \"%s\" not allowed in binary scalar expression", op);
        }
        return;
    }
    if (!binary_op_is_set(expr->binary.op)) {
        return;
    }
    if (matching->card != CARD_ONE_TO_ONE) {
        (void)parser_fail_at(parser, start, "no grouping allowed for \"%s\" operation", op);
    }
    if (fill) {
        (void)parser_fail_at(parser, start,
                             "filling in missing series not allowed for set operators");
    }
    matching->card = CARD_MANY_TO_MANY;
}

static void check_binary(struct parser *parser, struct expr *expr)
{
    check_expr(parser, expr->binary.lhs);
    check_expr(parser, expr->binary.rhs);
    if (parser->failed) {
        return;
    }
    check_operator(parser, expr);
    check_operand(parser, expr->binary.lhs);
    check_operand(parser, expr->binary.rhs);
    check_matching(parser, expr);
}

static void check_vector(struct parser *parser, struct expr *expr, bool may_be_empty)
{
    size_t count = expr->vector.matcher_count;

    if (expr->vector.name.len > 0) {
        /* The last matcher is the one of the name before the braces. */
        for (size_t i = 0; i + 1 < count; i++) {
            const struct matcher *matcher = &expr->vector.matchers[i];

            if (str_eq(matcher->name, LABEL_METRIC_NAME)) {
                (void)parser_fail_at(parser, expr->pos.start,
                                     "metric name must not be set twice: %.*s or %.*s",
                                     STR_ARG(parser_quote(parser, expr->vector.name)),
                                     STR_ARG(parser_quote(parser, matcher->value)));
                return;
            }
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (!matcher_matches_empty(&expr->vector.matchers[i])) {
            return;
        }
    }
    if (!may_be_empty) {
        (void)parser_fail_at(parser, expr->pos.start,
                             "vector selector must contain at least one non-empty matcher");
    }
}

static void check_arg_count(struct parser *parser, const struct expr *expr)
{
    const struct function *function = expr->call.function;
    size_t count = expr->call.arg_count;
    size_t least = function->arg_count - (function->variadic != 0);
    size_t most = least + (size_t)(function->variadic > 0 ? function->variadic : 0);

    if (function->variadic == 0 && count != function->arg_count) {
        (void)parser_fail_at(parser, expr->pos.start,
                             "expected %zu argument(s) in call to \"%s\", got %zu",
                             function->arg_count, function->name, count);
    } else if (count < least) {
        (void)parser_fail_at(parser, expr->pos.start,
                             "expected at least %zu argument(s) in call to \"%s\", got %zu", least,
                             function->name, count);
    } else if (function->variadic > 0 && count > most) {
        (void)parser_fail_at(parser, expr->pos.start,
                             "expected at most %zu argument(s) in call to \"%s\", got %zu", most,
                             function->name, count);
    }
}

/* The second argument of info() only lists matchers: it selects by what the first one holds. */
static void check_info_arg(struct parser *parser, const struct expr *call, const struct expr *arg)
{
    if (arg->type != VALUE_VECTOR) {
        (void)parser_fail_at(parser, call->pos.start,
                             "expected type %s in call to function \"info\", got %s",
                             value_type_doc(VALUE_VECTOR), value_type_doc(arg->type));
    } else if (arg->kind != EXPR_VECTOR_SELECTOR) {
        (void)parser_fail_at(parser, arg->pos.start, "expected label selectors only");
    } else if (arg->vector.name.len > 0) {
        (void)parser_fail_at(parser, arg->pos.start,
                             "expected label selectors only, got vector selector instead");
    }
}

static void check_call(struct parser *parser, struct expr *expr)
{
    const struct function *function = expr->call.function;
    bool info = function->id == FUNCTION_info;

    check_arg_count(parser, expr);
    for (size_t i = 0; i < expr->call.arg_count && !parser->failed; i++) {
        struct expr *arg = expr->call.args[i];
        size_t row = i < function->arg_count ? i : function->arg_count - 1;

        if (info && i == 1) {
            check_info_arg(parser, expr, arg);
            if (!parser->failed) {
                check_vector(parser, arg, true);
            }
            continue;
        }
        expect_type(parser, arg, function->args[row], "call to function ", function->name);
    }
}

static void check_unary(struct parser *parser, struct expr *expr)
{
    struct expr *inner = expr->unary.expr;

    check_expr(parser, inner);
    if (!parser->failed && inner->type != VALUE_SCALAR && inner->type != VALUE_VECTOR) {
        (void)parser_fail_at(parser, expr->pos.start,
                             "unary expression only allowed on expressions of type scalar or "
                             "instant vector, got \"%s\"",
                             value_type_doc(inner->type));
    }
}

static void check_subquery(struct parser *parser, struct expr *expr)
{
    struct expr *inner = expr->subquery.expr;

    check_expr(parser, inner);
    if (!parser->failed && inner->type != VALUE_VECTOR) {
        (void)parser_fail_at(parser, expr->pos.start,
                             "subquery is only allowed on instant vector, got %s instead",
                             value_type_name(inner->type));
    }
}

void check_expr(struct parser *parser, struct expr *expr)
{
    if (parser->failed) {
        return;
    }
    switch (expr->kind) {
    case EXPR_VECTOR_SELECTOR:
        check_vector(parser, expr, false);
        break;
    case EXPR_MATRIX_SELECTOR:
        check_expr(parser, expr->matrix.vector);
        break;
    case EXPR_SUBQUERY:
        check_subquery(parser, expr);
        break;
    case EXPR_CALL:
        check_call(parser, expr);
        break;
    case EXPR_AGGREGATE:
        check_aggregate(parser, expr);
        break;
    case EXPR_BINARY:
        check_binary(parser, expr);
        break;
    case EXPR_UNARY:
        check_unary(parser, expr);
        break;
    case EXPR_PAREN:
    case EXPR_STEP_INVARIANT:
        check_expr(parser, expr->paren.expr);
        break;
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_DURATION:
        break;
    }
}
