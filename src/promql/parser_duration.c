#include <math.h>

#include "promql/parser_priv.h"

enum { DURATION_PRECEDENCE_ADD = 1, DURATION_PRECEDENCE_MUL = 2, DURATION_PRECEDENCE_POW = 3 };

/* The longest duration that Prometheus holds, in seconds: 2^63 ns. */
#define DURATION_SECONDS_MAX 9223372036.854775807

dur duration_literal_ms(double seconds)
{
    double ns = round(seconds * 1e9);

    if (!(ns > -9.2e18)) {
        return -INT64_C(9200000000000);
    }
    return ns < 9.2e18 ? (dur)((int64_t)ns / INT64_C(1000000)) : INT64_C(9200000000000);
}

static struct expr *duration_node(struct parser *parser, enum duration_op op, uint32_t start,
                                  uint32_t end)
{
    struct expr *node = parser_node(parser, EXPR_DURATION, VALUE_SCALAR, start, end);

    node->duration.op = op;
    return node;
}

static bool check_enabled(struct parser *parser, uint32_t pos)
{
    if (!parser->features.duration_expressions) {
        (void)parser_fail_at(parser, pos, "experimental duration expression is not enabled");
        return false;
    }
    return true;
}

static struct expr *parse_literal(struct parser *parser)
{
    struct token token = parser_advance(parser);
    double seconds = literal_seconds(parser, &token);
    struct expr *node;

    if (parser->failed) {
        return NULL;
    }
    if (!(seconds <= DURATION_SECONDS_MAX)) {
        return parser_fail_at(parser, token.pos, "duration out of range");
    }
    node = duration_node(parser, DUR_OP_LITERAL, token.pos, token_end(&token));
    node->duration.value = seconds;
    node->duration.is_duration = token.type == TOKEN_DURATION;
    return node;
}

/* step(), range(), min_of(a, b), max_of(a, b) */
static struct expr *parse_duration_call(struct parser *parser)
{
    struct token token = parser_advance(parser);
    struct expr *lhs = NULL;
    struct expr *rhs = NULL;
    struct expr *node;
    enum duration_op op = token.type == TOKEN_STEP     ? DUR_OP_STEP
                          : token.type == TOKEN_RANGE  ? DUR_OP_RANGE
                          : token.type == TOKEN_MIN_OF ? DUR_OP_MIN
                                                       : DUR_OP_MAX;

    if (!parser_accept(parser, TOKEN_LEFT_PAREN)) {
        return parser_unexpected(parser);
    }
    if (op == DUR_OP_MIN || op == DUR_OP_MAX) {
        lhs = parse_duration(parser, DURATION_PRECEDENCE_ADD);
        if (lhs == NULL || !parser_accept(parser, TOKEN_COMMA)) {
            return parser_unexpected(parser);
        }
        rhs = parse_duration(parser, DURATION_PRECEDENCE_ADD);
        if (rhs == NULL) {
            return NULL;
        }
    }
    if (!parser_accept(parser, TOKEN_RIGHT_PAREN)) {
        return parser_unexpected(parser);
    }
    if (!check_enabled(parser, token.pos)) {
        return NULL;
    }
    node = duration_node(parser, op, token.pos, parser->last_closing);
    node->duration.lhs = lhs;
    node->duration.rhs = rhs;
    if (lhs != NULL && (!parser_grow(parser, node, lhs) || !parser_grow(parser, node, rhs))) {
        return NULL;
    }
    return node;
}

static struct expr *parse_duration_paren(struct parser *parser)
{
    struct expr *inner;

    (void)parser_advance(parser);
    inner = parse_duration(parser, DURATION_PRECEDENCE_ADD);
    if (inner == NULL) {
        return NULL;
    }
    if (!parser_accept(parser, TOKEN_RIGHT_PAREN)) {
        return parser_unexpected(parser);
    }
    if (!check_enabled(parser, inner->pos.start)) {
        return NULL;
    }
    inner->duration.wrapped = true;
    return inner;
}

static struct expr *apply_sign(struct parser *parser, const struct token *sign, struct expr *inner)
{
    struct expr *node;

    if (inner->duration.op == DUR_OP_LITERAL) {
        inner->pos.start = sign->pos;
        if (sign->type == TOKEN_SUB) {
            inner->duration.value = -inner->duration.value;
        }
        return inner;
    }
    if (sign->type == TOKEN_ADD) {
        return inner;
    }
    node = duration_node(parser, DUR_OP_NEG, sign->pos, inner->pos.end);
    node->duration.rhs = inner;
    return parser_grow(parser, node, inner) ? node : NULL;
}

static struct expr *parse_duration_primary(struct parser *parser)
{
    struct expr *node = NULL;

    if (!parser_enter(parser)) {
        return NULL;
    }
    switch (parser->token.type) {
    case TOKEN_NUMBER:
    case TOKEN_DURATION:
        node = parse_literal(parser);
        break;
    case TOKEN_STEP:
    case TOKEN_RANGE:
    case TOKEN_MIN_OF:
    case TOKEN_MAX_OF:
        node = parse_duration_call(parser);
        break;
    case TOKEN_LEFT_PAREN:
        node = parse_duration_paren(parser);
        break;
    case TOKEN_ADD:
    case TOKEN_SUB: {
        struct token sign = parser_advance(parser);

        /* A sign binds as tightly as '*': -2^2 is -(2^2). */
        node = parse_duration(parser, DURATION_PRECEDENCE_POW);
        node = node != NULL ? apply_sign(parser, &sign, node) : NULL;
        break;
    }
    default: /* nothing else begins a duration */
        node = parser_unexpected(parser);
        break;
    }
    parser_leave(parser);
    return node;
}

static int duration_operator(enum token_type type, enum duration_op *ret)
{
    switch (type) {
    case TOKEN_ADD:
        *ret = DUR_OP_ADD;
        return DURATION_PRECEDENCE_ADD;
    case TOKEN_SUB:
        *ret = DUR_OP_SUB;
        return DURATION_PRECEDENCE_ADD;
    case TOKEN_MUL:
        *ret = DUR_OP_MUL;
        return DURATION_PRECEDENCE_MUL;
    case TOKEN_DIV:
        *ret = DUR_OP_DIV;
        return DURATION_PRECEDENCE_MUL;
    case TOKEN_MOD:
        *ret = DUR_OP_MOD;
        return DURATION_PRECEDENCE_MUL;
    case TOKEN_POW:
        *ret = DUR_OP_POW;
        return DURATION_PRECEDENCE_POW;
    default: /* no operator: ends the expression */
        return 0;
    }
}

/* continue_duration reads the operators behind lhs. Chains are bounded by parser_enter, too: a
 * level is left only at the end. */
static struct expr *continue_duration(struct parser *parser, struct expr *lhs, int precedence_min)
{
    uint32_t depth = parser->depth;

    while (lhs != NULL) {
        enum duration_op op = DUR_OP_LITERAL;
        int precedence = duration_operator(parser->token.type, &op);
        struct token token = parser->token;
        struct expr *rhs;
        struct expr *node;

        if (precedence == 0 || precedence < precedence_min) {
            break;
        }
        if (!parser_enter(parser)) {
            return NULL;
        }
        (void)parser_advance(parser);
        rhs = parse_duration(parser, op == DUR_OP_POW ? precedence : precedence + 1);
        if (rhs == NULL || !check_enabled(parser, lhs->pos.start)) {
            return NULL;
        }
        if ((op == DUR_OP_DIV || op == DUR_OP_MOD) && rhs->duration.op == DUR_OP_LITERAL &&
            rhs->duration.value == 0) {
            return parser_fail_at(parser, token.pos, "%s by zero",
                                  op == DUR_OP_DIV ? "division" : "modulo");
        }
        node = duration_node(parser, op, lhs->pos.start, rhs->pos.end);
        node->duration.lhs = lhs;
        node->duration.rhs = rhs;
        if (!parser_grow(parser, node, lhs) || !parser_grow(parser, node, rhs)) {
            return NULL;
        }
        lhs = node;
    }
    parser->depth = depth;
    return lhs;
}

struct expr *parse_duration(struct parser *parser, int precedence_min)
{
    return continue_duration(parser, parse_duration_primary(parser), precedence_min);
}

struct expr *parse_offset_duration(struct parser *parser)
{
    struct token first = parser->token;
    bool has_sign = first.type == TOKEN_ADD || first.type == TOKEN_SUB;
    struct expr *node;

    /* Only a parenthesis without a sign goes on into operators; all else ends the offset, so that
     * `x offset -2^2` is (x offset -2)^2. */
    if (!has_sign && first.type == TOKEN_LEFT_PAREN) {
        return parse_duration(parser, DURATION_PRECEDENCE_ADD);
    }
    if (has_sign) {
        (void)parser_advance(parser);
        if (parser->token.type == TOKEN_ADD || parser->token.type == TOKEN_SUB) {
            node = parse_duration(parser, DURATION_PRECEDENCE_POW);
        } else {
            node = parse_duration_primary(parser);
        }
        return node != NULL ? apply_sign(parser, &first, node) : NULL;
    }
    return parse_duration_primary(parser);
}
