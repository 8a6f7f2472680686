#include "promql/parser.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/text.h"
#include "promql/functions.h"
#include "promql/parser_priv.h"

/* Arguments of one call; label_join takes any number of labels. */
enum { CALL_ARGS_MAX = 1024, GROUPING_LABELS_MAX = 1024 };

enum {
    PRECEDENCE_OR = 1,
    PRECEDENCE_AND,
    PRECEDENCE_COMPARISON,
    PRECEDENCE_ADD,
    PRECEDENCE_MUL,
    PRECEDENCE_POW,
};

static const struct {
    int precedence; /* 0: no binary operator */
    enum binary_op op;
} binary_operators[TOKEN_TYPE_COUNT] = {
    [TOKEN_OR] = {PRECEDENCE_OR, OP_OR},
    [TOKEN_AND] = {PRECEDENCE_AND, OP_AND},
    [TOKEN_UNLESS] = {PRECEDENCE_AND, OP_UNLESS},
    [TOKEN_EQLC] = {PRECEDENCE_COMPARISON, OP_EQL},
    [TOKEN_NEQ] = {PRECEDENCE_COMPARISON, OP_NEQ},
    [TOKEN_LTE] = {PRECEDENCE_COMPARISON, OP_LTE},
    [TOKEN_LSS] = {PRECEDENCE_COMPARISON, OP_LSS},
    [TOKEN_GTE] = {PRECEDENCE_COMPARISON, OP_GTE},
    [TOKEN_GTR] = {PRECEDENCE_COMPARISON, OP_GTR},
    [TOKEN_TRIM_UPPER] = {PRECEDENCE_COMPARISON, OP_TRIM_UPPER},
    [TOKEN_TRIM_LOWER] = {PRECEDENCE_COMPARISON, OP_TRIM_LOWER},
    [TOKEN_ADD] = {PRECEDENCE_ADD, OP_ADD},
    [TOKEN_SUB] = {PRECEDENCE_ADD, OP_SUB},
    [TOKEN_MUL] = {PRECEDENCE_MUL, OP_MUL},
    [TOKEN_DIV] = {PRECEDENCE_MUL, OP_DIV},
    [TOKEN_MOD] = {PRECEDENCE_MUL, OP_MOD},
    [TOKEN_ATAN2] = {PRECEDENCE_MUL, OP_ATAN2},
    [TOKEN_POW] = {PRECEDENCE_POW, OP_POW},
};

struct token parser_advance(struct parser *parser)
{
    struct token token = parser->token;

    switch (token.type) {
    case TOKEN_RIGHT_BRACE:
    case TOKEN_RIGHT_PAREN:
    case TOKEN_RIGHT_BRACKET:
    case TOKEN_DURATION:
    case TOKEN_NUMBER:
        parser->last_closing = token_end(&token);
        break;
    default: /* ends no expression by itself */
        break;
    }
    /* An error token stays current, so that whoever meets it reports it. */
    if (token.type != TOKEN_ERROR) {
        parser->token = lexer_next(&parser->lexer);
    }
    return token;
}

bool parser_accept(struct parser *parser, enum token_type type)
{
    if (parser->failed || parser->token.type != type) {
        return false;
    }
    (void)parser_advance(parser);
    return true;
}

struct token parser_peek(const struct parser *parser)
{
    struct lexer ahead = parser->lexer;

    return lexer_next(&ahead);
}

/* record writes the first fault of a parse; later ones follow from it and are dropped. */
static void record(struct parser *parser, int code, uint32_t start, const char *message)
{
    uint32_t line = 1;
    uint32_t column = start + 1;

    if (parser->failed) {
        return;
    }
    parser->failed = true;
    for (uint32_t i = 0; i < start && i < parser->text.len; i++) {
        if (parser->text.ptr[i] == '\n') {
            line++;
            column = start - i;
        }
    }
    (void)error_at_line(parser->err, code, line, column, "%s", message);
    if (parser->err != NULL) {
        parser->err->offset = start;
    }
}

void *parser_fail_at(struct parser *parser, uint32_t start, const char *format, ...)
{
    char message[sizeof(parser->err->message)];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    record(parser, BARO_EPARSE, start, message);
    return NULL;
}

void *parser_unexpected_in(struct parser *parser, const char *context, const char *expected)
{
    struct buf buf = {0};

    if (parser->token.type == TOKEN_ERROR) {
        return parser_fail_at(parser, parser->token.pos, "%.*s", STR_ARG(parser->token.text));
    }
    buf_c(&buf, "unexpected ");
    token_describe(&buf, &parser->token);
    if (context != NULL && context[0] != '\0') {
        buf_printf(&buf, " in %s", context);
    }
    if (expected != NULL && expected[0] != '\0') {
        buf_printf(&buf, ", expected %s", expected);
    }
    (void)parser_fail_at(parser, parser->token.pos, "%.*s", STR_ARG(buf_view(&buf)));
    buf_done(&buf);
    return NULL;
}

void *parser_unexpected(struct parser *parser)
{
    return parser_unexpected_in(parser, parser->context.name, parser->context.expected);
}

static void *fail_deep(struct parser *parser, const char *what, int limit)
{
    char message[96];

    (void)snprintf(message, sizeof(message), "expression %s more than %d levels deep", what, limit);
    record(parser, BARO_ELIMIT, parser->token.pos, message);
    return NULL;
}

bool parser_enter(struct parser *parser)
{
    if (parser->failed) {
        return false;
    }
    if (parser->depth >= PROMQL_DEPTH_MAX) {
        (void)fail_deep(parser, "nested", PROMQL_DEPTH_MAX);
        return false;
    }
    parser->depth++;
    return true;
}

struct expr *parser_node(struct parser *parser, enum expr_kind kind, enum value_type type,
                         uint32_t start, uint32_t end)
{
    struct expr *node = ARENA_NEW(parser->arena, struct expr);

    node->kind = kind;
    node->type = type;
    node->pos = (struct position_range){start, end};
    return node;
}

bool parser_grow(struct parser *parser, struct expr *node, const struct expr *child)
{
    if (child->height >= node->height) {
        node->height = child->height + 1;
    }
    if (node->height > PROMQL_HEIGHT_MAX) {
        (void)fail_deep(parser, "chained", PROMQL_HEIGHT_MAX);
    }
    return !parser->failed;
}

str parser_quote(struct parser *parser, str text)
{
    return text_quoted(parser->arena, str_slice(text, 0, sizeof(parser->err->message)));
}

typedef VEC(struct expr *) expr_vec;
typedef VEC(str) name_vec;

/* parse_args reads `(a, b)`; false when it failed. */
static bool parse_args(struct parser *parser, expr_vec *args)
{
    if (!parser_accept(parser, TOKEN_LEFT_PAREN)) {
        return parser_unexpected(parser) != NULL;
    }
    if (parser_accept(parser, TOKEN_RIGHT_PAREN)) {
        return true;
    }
    for (;;) {
        struct expr *arg = parse_expr(parser, PRECEDENCE_OR);
        struct token comma;

        if (arg == NULL) {
            return false;
        }
        if (args->count >= CALL_ARGS_MAX) {
            return parser_fail_at(parser, arg->pos.start, "more than %d arguments",
                                  CALL_ARGS_MAX) != NULL;
        }
        vec_push(args, arg);
        if (parser_accept(parser, TOKEN_RIGHT_PAREN)) {
            return true;
        }
        if (parser->token.type != TOKEN_COMMA) {
            return parser_unexpected(parser) != NULL;
        }
        comma = parser_advance(parser);
        if (parser->token.type == TOKEN_RIGHT_PAREN || parser->token.type == TOKEN_COMMA) {
            return parser_fail_at(parser, comma.pos,
                                  "trailing commas not allowed in function call args") != NULL;
        }
    }
}

static struct expr **take_args(struct parser *parser, expr_vec *args)
{
    struct expr **items = ARENA_ARRAY(parser->arena, struct expr *, args->count + 1);

    for (size_t i = 0; i < args->count; i++) {
        items[i] = args->items[i];
    }
    return items;
}

/* Keywords that may also be label names in grouping lists: those that name series, and these. */
static bool token_is_label(enum token_type type)
{
    switch (type) {
    case TOKEN_WITHOUT:
        return false;
    case TOKEN_ATAN2:
    case TOKEN_BOOL:
    case TOKEN_GROUP_LEFT:
    case TOKEN_GROUP_RIGHT:
    case TOKEN_IGNORING:
    case TOKEN_ON:
        return true;
    default: /* as for series */
        return token_is_metric_name(type);
    }
}

static bool parse_grouping_label(struct parser *parser, name_vec *names)
{
    struct token token = parser->token;
    str name = token.text;

    if (token.type != TOKEN_STRING && !token_is_label(token.type)) {
        return parser_unexpected_in(parser, "grouping opts", "label") != NULL;
    }
    (void)parser_advance(parser);
    if (token.type == TOKEN_STRING) {
        name = literal_string(parser, &token);
    }
    if (name.len == 0 || !utf8_is_valid(name)) {
        return parser_fail_at(parser, token.pos, "invalid label name for grouping: %.*s",
                              STR_ARG(parser_quote(parser, name))) != NULL;
    }
    if (names->count >= GROUPING_LABELS_MAX) {
        return parser_fail_at(parser, token.pos, "more than %d labels", GROUPING_LABELS_MAX) !=
               NULL;
    }
    vec_push(names, name);
    return true;
}

static bool parse_label_list(struct parser *parser, name_vec *names)
{
    if (!parser_accept(parser, TOKEN_LEFT_PAREN)) {
        return parser_unexpected_in(parser, "grouping opts", "\"(\"") != NULL;
    }
    while (!parser_accept(parser, TOKEN_RIGHT_PAREN)) {
        if (!parse_grouping_label(parser, names)) {
            return false;
        }
        if (parser_accept(parser, TOKEN_COMMA)) {
            continue;
        }
        if (parser->token.type != TOKEN_RIGHT_PAREN) {
            return parser_unexpected_in(parser, "grouping opts", "\",\" or \")\"") != NULL;
        }
    }
    return true;
}

/* parse_labels reads `(a, "b")` into an arena array; false when it failed. */
static bool parse_labels(struct parser *parser, const str **ret, size_t *ret_count)
{
    name_vec names = {0};
    bool ok = parse_label_list(parser, &names);
    str *items;

    if (ok) {
        items = ARENA_ARRAY(parser->arena, str, names.count + 1);
        for (size_t i = 0; i < names.count; i++) {
            items[i] = names.items[i];
        }
        *ret = items;
        *ret_count = names.count;
    }
    vec_done(&names);
    return ok;
}

static bool aggregate_takes_param(enum aggregate_op op)
{
    return op == AGG_BOTTOMK || op == AGG_COUNT_VALUES || op == AGG_LIMITK ||
           op == AGG_LIMIT_RATIO || op == AGG_QUANTILE || op == AGG_TOPK;
}

static bool parse_aggregate_modifier(struct parser *parser, struct expr *node)
{
    enum token_type type = parser->token.type;

    if (type != TOKEN_BY && type != TOKEN_WITHOUT) {
        return true;
    }
    (void)parser_advance(parser);
    node->aggregate.without = type == TOKEN_WITHOUT;
    return parse_labels(parser, &node->aggregate.grouping, &node->aggregate.grouping_count);
}

/* set_aggregate_args checks number and kind; its messages are about the whole aggregation. */
static struct expr *set_aggregate_args(struct parser *parser, struct expr *node,
                                       const expr_vec *args)
{
    bool has_param = aggregate_takes_param(node->aggregate.op);
    size_t wanted = has_param ? 2 : 1;

    if (args->count == 0) {
        return parser_fail_at(parser, node->pos.start,
                              "no arguments for aggregate expression provided");
    }
    if ((node->aggregate.op == AGG_LIMITK || node->aggregate.op == AGG_LIMIT_RATIO) &&
        !parser->features.experimental_functions) {
        return parser_fail_at(parser, node->pos.start,
                              "%s() is experimental and must be enabled with "
                              "--enable-feature=promql-experimental-functions",
                              aggregate_op_name(node->aggregate.op));
    }
    if (args->count != wanted) {
        return parser_fail_at(parser, node->pos.start,
                              "wrong number of arguments for aggregate expression provided, "
                              "expected %zu, got %zu",
                              wanted, args->count);
    }
    node->aggregate.param = has_param ? args->items[0] : NULL;
    node->aggregate.expr = args->items[wanted - 1];
    for (size_t i = 0; node != NULL && i < wanted; i++) {
        node = parser_grow(parser, node, args->items[i]) ? node : NULL;
    }
    return node;
}

static struct expr *parse_aggregate(struct parser *parser)
{
    struct parse_context outer = parser->context;
    struct token token = parser_advance(parser);
    struct expr *node = parser_node(parser, EXPR_AGGREGATE, VALUE_VECTOR, token.pos, token.pos);
    expr_vec args = {0};
    bool before = parser->token.type != TOKEN_LEFT_PAREN;
    bool ok;

    node->aggregate.op = (enum aggregate_op)(token.type - TOKEN_AVG);
    parser->context = (struct parse_context){"aggregation", ""};
    ok = (!before || parse_aggregate_modifier(parser, node)) && parse_args(parser, &args) &&
         (before || parse_aggregate_modifier(parser, node));
    parser->context = outer;
    node->pos.end = parser->last_closing;
    node = ok ? set_aggregate_args(parser, node, &args) : NULL;
    vec_done(&args);
    return node;
}

static struct expr *parse_call(struct parser *parser)
{
    struct token token = parser_advance(parser);
    const struct function *function = function_get(token.text);
    struct expr *node = NULL;
    expr_vec args = {0};

    if (!parse_args(parser, &args)) {
        vec_done(&args);
        return NULL;
    }
    if (function == NULL) {
        (void)parser_fail_at(parser, token.pos, "unknown function with name %.*s",
                             STR_ARG(parser_quote(parser, token.text)));
    } else if (function->experimental && !parser->features.experimental_functions) {
        (void)parser_fail_at(parser, token.pos, "function %.*s is not enabled",
                             STR_ARG(parser_quote(parser, token.text)));
    } else {
        node = parser_node(parser, EXPR_CALL, function->result, token.pos, parser->last_closing);
        node->call.function = function;
        node->call.args = take_args(parser, &args);
        node->call.arg_count = args.count;
        for (size_t i = 0; node != NULL && i < args.count; i++) {
            node = parser_grow(parser, node, args.items[i]) ? node : NULL;
        }
    }
    vec_done(&args);
    return node;
}

static struct expr *parse_paren(struct parser *parser)
{
    struct token open = parser_advance(parser);
    struct expr *inner = parse_expr(parser, PRECEDENCE_OR);
    struct expr *node;

    if (inner == NULL) {
        return NULL;
    }
    if (!parser_accept(parser, TOKEN_RIGHT_PAREN)) {
        return parser_unexpected(parser);
    }
    node = parser_node(parser, EXPR_PAREN, inner->type, open.pos, parser->last_closing);
    node->paren.expr = inner;
    return parser_grow(parser, node, inner) ? node : NULL;
}

static struct expr *parse_number(struct parser *parser)
{
    struct token token = parser_advance(parser);
    struct expr *node =
        parser_node(parser, EXPR_NUMBER, VALUE_SCALAR, token.pos, token_end(&token));

    node->number.value = literal_seconds(parser, &token);
    node->number.is_duration = token.type == TOKEN_DURATION;
    return parser->failed ? NULL : node;
}

static struct expr *parse_string(struct parser *parser)
{
    struct token token = parser_advance(parser);
    struct expr *node =
        parser_node(parser, EXPR_STRING, VALUE_STRING, token.pos, token_end(&token));

    node->string.value = literal_string(parser, &token);
    return node;
}

static bool token_can_call(enum token_type type)
{
    return type == TOKEN_IDENTIFIER || (type >= TOKEN_START && type <= TOKEN_MAX_OF);
}

static struct expr *parse_primary(struct parser *parser)
{
    enum token_type type = parser->token.type;

    switch (type) {
    case TOKEN_LEFT_PAREN:
        return parse_paren(parser);
    case TOKEN_STRING:
        return parse_string(parser);
    case TOKEN_NUMBER:
    case TOKEN_DURATION:
        return parse_number(parser);
    case TOKEN_LEFT_BRACE:
        return parse_vector_selector(parser);
    default: /* names, told apart by what follows */
        break;
    }
    if (token_is_aggregator(type)) {
        enum token_type next = parser_peek(parser).type;

        if (next == TOKEN_LEFT_PAREN || next == TOKEN_BY || next == TOKEN_WITHOUT) {
            return parse_aggregate(parser);
        }
    }
    if (token_can_call(type) && parser_peek(parser).type == TOKEN_LEFT_PAREN) {
        return parse_call(parser);
    }
    return token_is_metric_name(type) ? parse_vector_selector(parser) : parser_unexpected(parser);
}

/* A sign takes what binds tighter than '*': -1^2 is -(1^2). It melts into a number. */
static struct expr *parse_unary(struct parser *parser)
{
    struct token sign;
    struct expr *inner;
    struct expr *node;

    if (parser->token.type != TOKEN_ADD && parser->token.type != TOKEN_SUB) {
        return parse_modifiers(parser, parse_primary(parser));
    }
    sign = parser_advance(parser);
    inner = parse_expr(parser, PRECEDENCE_POW);
    if (inner == NULL) {
        return NULL;
    }
    if (inner->kind == EXPR_NUMBER) {
        inner->pos.start = sign.pos;
        if (sign.type == TOKEN_SUB) {
            inner->number.value = -inner->number.value;
        }
        return inner;
    }
    node = parser_node(parser, EXPR_UNARY, inner->type, sign.pos, inner->pos.end);
    node->unary.negative = sign.type == TOKEN_SUB;
    node->unary.expr = inner;
    return parser_grow(parser, node, inner) ? node : NULL;
}

static bool parse_fill_value(struct parser *parser, bool *ret_has, double *ret)
{
    bool negative;
    struct token number;

    (void)parser_advance(parser);
    if (!parser_accept(parser, TOKEN_LEFT_PAREN)) {
        return parser_unexpected(parser) != NULL;
    }
    negative = parser->token.type == TOKEN_SUB;
    if (negative || parser->token.type == TOKEN_ADD) {
        (void)parser_advance(parser);
    }
    if (parser->token.type != TOKEN_NUMBER && parser->token.type != TOKEN_DURATION) {
        return parser_unexpected(parser) != NULL;
    }
    number = parser_advance(parser);
    *ret = literal_seconds(parser, &number);
    if (negative) {
        *ret = -*ret;
    }
    *ret_has = true;
    return !parser->failed &&
           (parser_accept(parser, TOKEN_RIGHT_PAREN) || parser_unexpected(parser) != NULL);
}

/* fill(x), or fill_left(x) and fill_right(x) in either order. */
static bool parse_fill(struct parser *parser, struct vector_matching *matching)
{
    if (parser->token.type == TOKEN_FILL) {
        if (!parse_fill_value(parser, &matching->has_fill_left, &matching->fill_left)) {
            return false;
        }
        matching->has_fill_right = true;
        matching->fill_right = matching->fill_left;
        matching->fill_both = true;
        return true;
    }
    for (;;) {
        enum token_type type = parser->token.type;
        bool ok = true;

        if (type == TOKEN_FILL_LEFT && !matching->has_fill_left) {
            ok = parse_fill_value(parser, &matching->has_fill_left, &matching->fill_left);
        } else if (type == TOKEN_FILL_RIGHT && !matching->has_fill_right) {
            ok = parse_fill_value(parser, &matching->has_fill_right, &matching->fill_right);
        } else {
            return true;
        }
        if (!ok) {
            return false;
        }
    }
}

static bool parse_matching(struct parser *parser, struct expr *node)
{
    struct vector_matching *matching = node->binary.matching;
    enum token_type type;

    node->binary.return_bool = parser_accept(parser, TOKEN_BOOL);
    type = parser->token.type;
    if (type == TOKEN_ON || type == TOKEN_IGNORING) {
        (void)parser_advance(parser);
        matching->on = type == TOKEN_ON;
        if (!parse_labels(parser, &matching->labels, &matching->label_count)) {
            return false;
        }
        type = parser->token.type;
        if (type == TOKEN_GROUP_LEFT || type == TOKEN_GROUP_RIGHT) {
            (void)parser_advance(parser);
            matching->card = type == TOKEN_GROUP_LEFT ? CARD_MANY_TO_ONE : CARD_ONE_TO_MANY;
            if (parser->token.type == TOKEN_LEFT_PAREN &&
                !parse_labels(parser, &matching->include, &matching->include_count)) {
                return false;
            }
        }
    }
    return parse_fill(parser, matching);
}

static struct expr *parse_binary(struct parser *parser, struct expr *lhs)
{
    struct token token = parser_advance(parser);
    int precedence = binary_operators[token.type].precedence;
    struct expr *node = parser_node(parser, EXPR_BINARY, VALUE_VECTOR, lhs->pos.start, 0);
    struct expr *rhs;

    node->binary.op = binary_operators[token.type].op;
    node->binary.matching = ARENA_NEW(parser->arena, struct vector_matching);
    if (!parse_matching(parser, node)) {
        return NULL;
    }
    rhs = parse_expr(parser, token.type == TOKEN_POW ? precedence : precedence + 1);
    if (rhs == NULL) {
        return NULL;
    }
    node->binary.lhs = lhs;
    node->binary.rhs = rhs;
    node->pos.end = rhs->pos.end;
    if (!parser_grow(parser, node, lhs) || !parser_grow(parser, node, rhs)) {
        return NULL;
    }
    if (lhs->type == VALUE_SCALAR && rhs->type == VALUE_SCALAR) {
        node->type = VALUE_SCALAR;
    }
    if (!parser->features.binop_fill &&
        (node->binary.matching->has_fill_left || node->binary.matching->has_fill_right)) {
        return parser_fail_at(parser, node->pos.start,
                              "binop fill modifiers are experimental and not enabled");
    }
    return node;
}

struct expr *parse_expr(struct parser *parser, int precedence_min)
{
    struct expr *expr;

    if (!parser_enter(parser)) {
        return NULL;
    }
    expr = parse_unary(parser);
    while (expr != NULL && binary_operators[parser->token.type].precedence >= precedence_min) {
        expr = parse_binary(parser, expr);
    }
    parser_leave(parser);
    return expr;
}

static int parser_start(struct parser *parser, struct arena *arena, str text,
                        const struct promql_features *features, struct baro_error *err)
{
    *parser = (struct parser){.arena = arena, .text = text, .err = err};
    if (features != NULL) {
        parser->features = *features;
    }
    if (text.len > PROMQL_TEXT_MAX) {
        return error_at_line(err, BARO_ELIMIT, 1, 1, "expression is longer than %d bytes",
                             PROMQL_TEXT_MAX);
    }
    lexer_init(&parser->lexer, arena, text);
    parser->token = lexer_next(&parser->lexer);
    return 0;
}

/* parser_finish releases what a failed parse leaves behind, and returns the parse's code. */
static int parser_finish(struct parser *parser, int code)
{
    if (parser->failed) {
        for (size_t i = 0; i < parser->selectors.count; i++) {
            struct matcher_list *list = &parser->selectors.items[i];

            for (size_t k = 0; k < list->count; k++) {
                matcher_done(&list->items[k]);
            }
        }
    }
    vec_done(&parser->selectors);
    return parser->failed ? code : 0;
}

int promql_parse(struct arena *arena, str text, const struct promql_features *features,
                 struct expr **ret, struct baro_error *err)
{
    struct baro_error local = {0};
    struct parser parser;
    struct expr *expr = NULL;

    err = err != NULL ? err : &local;
    if (parser_start(&parser, arena, text, features, err) < 0) {
        return BARO_ELIMIT;
    }
    if (parser.token.type == TOKEN_EOF) {
        (void)parser_fail_at(&parser, 0, "no expression found in input");
        return parser_finish(&parser, err->code);
    }
    expr = parse_expr(&parser, PRECEDENCE_OR);
    if (expr != NULL && parser.token.type != TOKEN_EOF) {
        (void)parser_unexpected(&parser);
    }
    if (!parser.failed) {
        check_expr(&parser, expr);
    }
    if (!parser.failed) {
        *ret = expr;
    }
    return parser_finish(&parser, err->code);
}

int promql_parse_selector(struct arena *arena, str text, struct expr **ret, struct baro_error *err)
{
    struct baro_error local = {0};
    struct parser parser;
    struct expr *expr = NULL;

    err = err != NULL ? err : &local;
    if (parser_start(&parser, arena, text, NULL, err) < 0) {
        return BARO_ELIMIT;
    }
    if (parser.token.type == TOKEN_LEFT_BRACE || token_is_metric_name(parser.token.type)) {
        expr = parse_vector_selector(&parser);
    } else {
        (void)parser_unexpected(&parser);
    }
    if (!parser.failed && parser.token.type != TOKEN_EOF) {
        (void)parser_unexpected(&parser);
    }
    if (!parser.failed) {
        *ret = expr;
    }
    return parser_finish(&parser, err->code);
}

int promql_parse_metric(struct arena *arena, str text, struct labels *ret, struct baro_error *err)
{
    struct baro_error local = {0};
    struct parser parser;

    err = err != NULL ? err : &local;
    if (parser_start(&parser, arena, text, NULL, err) < 0) {
        return BARO_ELIMIT;
    }
    if (!parse_metric_labels(&parser, ret)) {
        ASSERT(parser.failed);
    }
    return parser_finish(&parser, err->code);
}

int promql_error_prefix(int code, struct baro_error *err)
{
    if (code < 0 && err != NULL && err->line > 0) {
        return error_wrap(err, BARO_EPARSE, "%u:%u: parse error", err->line, err->column);
    }
    return code;
}
