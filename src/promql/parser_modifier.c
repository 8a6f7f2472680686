#include <math.h>

#include "promql/parser_priv.h"

enum { DURATION_ANY = 1 };

static const char duration_expected[] = "number, duration, step(), or range()";

/* parse_positive reads a range or step: a literal must be above 0. */
static struct expr *parse_positive(struct parser *parser, const char *context, const char *expected)
{
    struct parse_context outer = parser->context;
    struct expr *node;

    parser->context = (struct parse_context){context, expected};
    node = parse_duration(parser, DURATION_ANY);
    parser->context = outer;
    if (node != NULL && node->duration.op == DUR_OP_LITERAL && !(node->duration.value > 0)) {
        return parser_fail_at(parser, node->pos.start, "duration must be greater than 0");
    }
    return node;
}

/* split_duration stores a literal as milliseconds and anything else as an expression. */
static void split_duration(struct expr *node, dur *ret_ms, const struct expr **ret_expr)
{
    if (node == NULL) {
        return;
    }
    if (node->duration.op == DUR_OP_LITERAL) {
        *ret_ms = duration_literal_ms(node->duration.value);
    } else {
        *ret_expr = node;
    }
}

static struct expr *finish_matrix(struct parser *parser, struct expr *vector,
                                  const struct token *bracket, struct expr *range)
{
    struct expr *node;

    if (vector->kind != EXPR_VECTOR_SELECTOR) {
        return parser_fail_at(parser, bracket->pos, "ranges only allowed for vector selectors");
    }
    if (vector->vector.mod.offset != 0 || vector->vector.mod.offset_expr != NULL) {
        return parser_fail_at(parser, bracket->pos, "no offset modifiers allowed before range");
    }
    if (vector->vector.mod.at != AT_NONE) {
        return parser_fail_at(parser, bracket->pos, "no @ modifiers allowed before range");
    }
    node = parser_node(parser, EXPR_MATRIX_SELECTOR, VALUE_MATRIX, vector->pos.start,
                       parser->last_closing);
    node->matrix.vector = vector;
    split_duration(range, &node->matrix.range, &node->matrix.range_expr);
    return parser_grow(parser, node, vector) ? node : NULL;
}

static struct expr *finish_subquery(struct parser *parser, struct expr *expr, struct expr *range,
                                    struct expr *step)
{
    struct expr *node =
        parser_node(parser, EXPR_SUBQUERY, VALUE_MATRIX, expr->pos.start, parser->last_closing);

    node->subquery.expr = expr;
    split_duration(range, &node->subquery.range, &node->subquery.range_expr);
    split_duration(step, &node->subquery.step, &node->subquery.step_expr);
    return parser_grow(parser, node, expr) ? node : NULL;
}

static struct expr *parse_bracket(struct parser *parser, struct expr *expr)
{
    static const char step_expected[] = "number, duration, step(), range(), or \"]\"";
    struct token bracket = parser_advance(parser);
    struct expr *range = parse_positive(parser, "subquery or range selector", duration_expected);
    struct expr *step = NULL;

    if (range == NULL) {
        return NULL;
    }
    if (parser_accept(parser, TOKEN_RIGHT_BRACKET)) {
        return finish_matrix(parser, expr, &bracket, range);
    }
    if (!parser_accept(parser, TOKEN_COLON)) {
        return parser_unexpected_in(parser, "subquery or range", "\":\" or \"]\"");
    }
    if (parser->token.type != TOKEN_RIGHT_BRACKET) {
        step = parse_positive(parser, "subquery selector", step_expected);
        if (step == NULL) {
            return NULL;
        }
    }
    if (!parser_accept(parser, TOKEN_RIGHT_BRACKET)) {
        return parser_unexpected_in(parser, "subquery selector", "\"]\"");
    }
    return finish_subquery(parser, expr, range, step);
}

/* modifier_of finds where an expression keeps its offset and @; NULL when it cannot have any. */
static struct modifier *modifier_of(struct expr *expr)
{
    switch (expr->kind) {
    case EXPR_VECTOR_SELECTOR:
        return &expr->vector.mod;
    case EXPR_MATRIX_SELECTOR:
        return &expr->matrix.vector->vector.mod;
    case EXPR_SUBQUERY:
        return &expr->subquery.mod;
    default: /* values that are no selection */
        return NULL;
    }
}

static struct expr *parse_offset(struct parser *parser, struct expr *expr)
{
    struct parse_context outer = parser->context;
    struct modifier *modifier = modifier_of(expr);
    struct expr *offset;

    (void)parser_advance(parser);
    parser->context = (struct parse_context){"offset", duration_expected};
    offset = parse_offset_duration(parser);
    parser->context = outer;
    if (offset == NULL) {
        return NULL;
    }
    if (modifier == NULL) {
        return parser_fail_at(parser, expr->pos.start,
                              "offset modifier must be preceded by an instant vector selector or "
                              "range vector selector or a subquery");
    }
    if (modifier->offset != 0 || modifier->offset_expr != NULL) {
        return parser_fail_at(parser, expr->pos.start, "offset may not be set multiple times");
    }
    split_duration(offset, &modifier->offset, &modifier->offset_expr);
    expr->pos.end = parser->last_closing;
    return expr;
}

static bool set_timestamp(struct parser *parser, struct expr *expr, struct modifier *modifier,
                          double seconds)
{
    if (!isfinite(seconds)) {
        (void)parser_fail_at(parser, expr->pos.start, "timestamp out of bounds for @ modifier: %s",
                             isnan(seconds) ? "NaN"
                             : seconds > 0  ? "+Inf"
                                            : "-Inf");
        return false;
    }
    if (seconds >= 9223372036854775807.0 || seconds <= -9223372036854775808.0) {
        (void)parser_fail_at(parser, expr->pos.start, "timestamp out of bounds for @ modifier: %f",
                             seconds);
        return false;
    }
    modifier->at = AT_TIMESTAMP;
    seconds = round(seconds * 1000);
    modifier->at_ts = seconds >= 9.2e18 ? INT64_MAX : seconds <= -9.2e18 ? INT64_MIN : (ts)seconds;
    return true;
}

/* parse_at_value reads what stands behind '@': start(), end(), or a number of seconds. */
static bool parse_at_value(struct parser *parser, enum at_kind *ret_kind, double *ret_seconds)
{
    enum token_type type = parser->token.type;
    bool negative = type == TOKEN_SUB;
    struct token number;

    if (type == TOKEN_START || type == TOKEN_END) {
        (void)parser_advance(parser);
        *ret_kind = type == TOKEN_START ? AT_START : AT_END;
        return (parser_accept(parser, TOKEN_LEFT_PAREN) &&
                parser_accept(parser, TOKEN_RIGHT_PAREN)) ||
               parser_unexpected(parser) != NULL;
    }
    if (negative || type == TOKEN_ADD) {
        (void)parser_advance(parser);
    }
    if (parser->token.type != TOKEN_NUMBER && parser->token.type != TOKEN_DURATION) {
        return parser_unexpected(parser) != NULL;
    }
    number = parser_advance(parser);
    *ret_kind = AT_TIMESTAMP;
    *ret_seconds = literal_seconds(parser, &number);
    if (negative) {
        *ret_seconds = -*ret_seconds;
    }
    return !parser->failed;
}

static struct expr *parse_at(struct parser *parser, struct expr *expr)
{
    struct parse_context outer = parser->context;
    struct modifier *modifier = modifier_of(expr);
    struct token at = parser_advance(parser);
    enum at_kind kind = AT_NONE;
    double seconds = 0;
    bool ok;

    parser->context = (struct parse_context){"@", "timestamp"};
    ok = parse_at_value(parser, &kind, &seconds);
    parser->context = outer;
    if (!ok) {
        return NULL;
    }
    if (modifier == NULL) {
        return parser_fail_at(parser, expr->pos.start,
                              "@ modifier must be preceded by an instant vector selector or range "
                              "vector selector or a subquery");
    }
    if (modifier->at != AT_NONE) {
        return parser_fail_at(parser, expr->pos.start,
                              "@ <timestamp> may not be set multiple times");
    }
    if (kind != AT_TIMESTAMP) {
        modifier->at = kind;
    } else if (!set_timestamp(parser, expr, modifier, seconds)) {
        return NULL;
    }
    modifier->at_pos = (struct position_range){at.pos, parser->last_closing};
    expr->pos.end = parser->last_closing;
    return expr;
}

/* parse_extended handles `anchored` and `smoothed`. */
static struct expr *parse_extended(struct parser *parser, struct expr *expr)
{
    bool anchored = parser_advance(parser).type == TOKEN_ANCHORED;
    const char *word = anchored ? "anchored" : "smoothed";
    struct expr *vector = expr->kind == EXPR_MATRIX_SELECTOR ? expr->matrix.vector : expr;

    if (!parser->features.extended_range) {
        return parser_fail_at(parser, expr->pos.start,
                              "%s modifier is experimental and not enabled", word);
    }
    if (expr->kind == EXPR_SUBQUERY) {
        return parser_fail_at(parser, expr->pos.start,
                              "%s modifier is not supported for subqueries", word);
    }
    if (vector->kind != EXPR_VECTOR_SELECTOR) {
        return parser_fail_at(parser, expr->pos.start, "%s modifier not implemented", word);
    }
    vector->vector.anchored = vector->vector.anchored || anchored;
    vector->vector.smoothed = vector->vector.smoothed || !anchored;
    if (vector->vector.anchored && vector->vector.smoothed) {
        return parser_fail_at(parser, expr->pos.start,
                              "anchored and smoothed modifiers cannot be used together");
    }
    return expr;
}

struct expr *parse_modifiers(struct parser *parser, struct expr *expr)
{
    uint32_t depth = parser->depth;

    while (expr != NULL) {
        switch (parser->token.type) {
        case TOKEN_LEFT_BRACKET:
            /* Each subquery is a level of the tree, though not of the recursion. */
            expr = parser_enter(parser) ? parse_bracket(parser, expr) : NULL;
            break;
        case TOKEN_OFFSET:
            expr = parse_offset(parser, expr);
            break;
        case TOKEN_AT:
            expr = parse_at(parser, expr);
            break;
        case TOKEN_ANCHORED:
        case TOKEN_SMOOTHED:
            expr = parse_extended(parser, expr);
            break;
        default: /* no modifier: the expression ends here */
            parser->depth = depth;
            return expr;
        }
    }
    return NULL;
}
