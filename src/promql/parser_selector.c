#include "model/labels.h"
#include "promql/parser_priv.h"

/* Labels of one selector or metric; far more than any series has. */
enum { SELECTOR_MATCHERS_MAX = 1024 };

/* Keywords that may also name a series. */
bool token_is_metric_name(enum token_type type)
{
    switch (type) {
    case TOKEN_IDENTIFIER:
    case TOKEN_METRIC_IDENTIFIER:
    case TOKEN_AND:
    case TOKEN_OR:
    case TOKEN_UNLESS:
    case TOKEN_ANCHORED:
    case TOKEN_BY:
    case TOKEN_FILL:
    case TOKEN_FILL_LEFT:
    case TOKEN_FILL_RIGHT:
    case TOKEN_OFFSET:
    case TOKEN_SMOOTHED:
    case TOKEN_WITHOUT:
    case TOKEN_START:
    case TOKEN_END:
    case TOKEN_STEP:
    case TOKEN_RANGE:
    case TOKEN_MIN_OF:
    case TOKEN_MAX_OF:
        return true;
    default: /* of the rest only the aggregators */
        return token_is_aggregator(type);
    }
}

typedef VEC(struct matcher) matcher_vec;

static bool matcher_op_of(enum token_type type, enum matcher_op *ret)
{
    switch (type) {
    case TOKEN_EQL:
        *ret = MATCHER_EQUAL;
        return true;
    case TOKEN_NEQ:
        *ret = MATCHER_NOT_EQUAL;
        return true;
    case TOKEN_EQL_REGEX:
        *ret = MATCHER_REGEX;
        return true;
    case TOKEN_NEQ_REGEX:
        *ret = MATCHER_NOT_REGEX;
        return true;
    default: /* no match operator */
        return false;
    }
}

static bool add_matcher(struct parser *parser, matcher_vec *matchers, uint32_t pos,
                        enum matcher_op op, str name, str value)
{
    struct matcher matcher;
    struct baro_error err = {0};

    if (parser->failed) {
        return false;
    }
    if (matchers->count >= SELECTOR_MATCHERS_MAX) {
        (void)parser_fail_at(parser, pos, "more than %d label matchers in one selector",
                             SELECTOR_MATCHERS_MAX);
        return false;
    }
    if (matcher_init(&matcher, op, name, value, &err) < 0) {
        (void)parser_fail_at(parser, pos, "%s", err.message);
        return false;
    }
    vec_push(matchers, matcher);
    return true;
}

static bool parse_matcher(struct parser *parser, matcher_vec *matchers)
{
    struct token token = parser->token;
    bool quoted = token.type == TOKEN_STRING;
    enum matcher_op op = MATCHER_EQUAL;
    str name;
    struct token value;

    if (!quoted && token.type != TOKEN_IDENTIFIER) {
        return parser_unexpected_in(parser, "label matching", "identifier or \"}\"") != NULL;
    }
    (void)parser_advance(parser);
    name = quoted ? literal_string(parser, &token) : token.text;
    if (!matcher_op_of(parser->token.type, &op)) {
        if (quoted) {
            return add_matcher(parser, matchers, token.pos, op, LABEL_METRIC_NAME, name);
        }
        return parser_unexpected_in(parser, "label matching", "label matching operator") != NULL;
    }
    (void)parser_advance(parser);
    if (parser->token.type != TOKEN_STRING) {
        return parser_unexpected_in(parser, "label matching", "string") != NULL;
    }
    value = parser_advance(parser);
    return add_matcher(parser, matchers, token.pos, op, name, literal_string(parser, &value));
}

/* parse_matchers reads `{...}` including both braces. */
static bool parse_matchers(struct parser *parser, matcher_vec *matchers)
{
    (void)parser_advance(parser);
    while (!parser_accept(parser, TOKEN_RIGHT_BRACE)) {
        if (!parse_matcher(parser, matchers)) {
            return false;
        }
        if (parser_accept(parser, TOKEN_COMMA)) {
            continue;
        }
        if (parser->token.type != TOKEN_RIGHT_BRACE) {
            return parser_unexpected_in(parser, "label matching", "\",\" or \"}\"") != NULL;
        }
    }
    return true;
}

struct expr *parse_vector_selector(struct parser *parser)
{
    struct token first = parser->token;
    uint32_t end = token_end(&first);
    str name = STR_NULL;
    matcher_vec matchers = {0};
    struct expr *node = NULL;
    bool ok = true;

    if (first.type != TOKEN_LEFT_BRACE) {
        name = parser_advance(parser).text;
    }
    if (parser->token.type == TOKEN_LEFT_BRACE) {
        ok = parse_matchers(parser, &matchers);
        end = parser->last_closing;
    }
    ok = ok && (name.len == 0 ||
                add_matcher(parser, &matchers, first.pos, MATCHER_EQUAL, LABEL_METRIC_NAME, name));
    if (ok) {
        node = parser_node(parser, EXPR_VECTOR_SELECTOR, VALUE_VECTOR, first.pos, end);
        node->vector.name = name;
        node->vector.matchers = ARENA_ARRAY(parser->arena, struct matcher, matchers.count + 1);
        node->vector.matcher_count = matchers.count;
        for (size_t i = 0; i < matchers.count; i++) {
            node->vector.matchers[i] = matchers.items[i];
        }
        vec_push(&parser->selectors,
                 ((struct matcher_list){node->vector.matchers, matchers.count}));
    } else {
        for (size_t i = 0; i < matchers.count; i++) {
            matcher_done(&matchers.items[i]);
        }
    }
    vec_done(&matchers);
    return node;
}

typedef VEC(struct label) label_vec;

/* set_label stores a pair; the last one of a name counts, an empty value means no label. */
static bool set_label(struct parser *parser, label_vec *labels, uint32_t pos, str name, str value)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (str_eq(labels->items[i].name, name)) {
            labels->items[i] = labels->items[--labels->count];
            break;
        }
    }
    if (labels->count >= SELECTOR_MATCHERS_MAX) {
        (void)parser_fail_at(parser, pos, "more than %d labels", SELECTOR_MATCHERS_MAX);
        return false;
    }
    if (value.len > 0) {
        vec_push(labels, ((struct label){name, value}));
    }
    return true;
}

static bool parse_label(struct parser *parser, label_vec *labels)
{
    struct token token = parser->token;
    bool quoted = token.type == TOKEN_STRING;
    str name;
    struct token value;

    if (!quoted && token.type != TOKEN_IDENTIFIER) {
        return parser_unexpected_in(parser, "label set", "identifier or \"}\"") != NULL;
    }
    (void)parser_advance(parser);
    name = quoted ? literal_string(parser, &token) : token.text;
    if (quoted && parser->token.type != TOKEN_EQL) {
        return set_label(parser, labels, token.pos, LABEL_METRIC_NAME, name);
    }
    if (!parser_accept(parser, TOKEN_EQL)) {
        return parser_unexpected_in(parser, "label set", "\"=\"") != NULL;
    }
    if (parser->token.type != TOKEN_STRING) {
        return parser_unexpected_in(parser, "label set", "string") != NULL;
    }
    value = parser_advance(parser);
    return set_label(parser, labels, token.pos, name, literal_string(parser, &value));
}

static bool parse_label_set(struct parser *parser, label_vec *labels)
{
    while (!parser_accept(parser, TOKEN_RIGHT_BRACE)) {
        if (!parse_label(parser, labels)) {
            return false;
        }
        if (parser_accept(parser, TOKEN_COMMA)) {
            continue;
        }
        if (parser->token.type != TOKEN_RIGHT_BRACE) {
            return parser_unexpected_in(parser, "label set", "\",\" or \"}\"") != NULL;
        }
    }
    return true;
}

bool parse_metric_labels(struct parser *parser, struct labels *ret)
{
    struct token first = parser->token;
    label_vec labels = {0};
    bool named = token_is_metric_name(first.type);
    bool ok = true;

    if (named) {
        (void)parser_advance(parser);
    }
    if (parser_accept(parser, TOKEN_LEFT_BRACE)) {
        ok = parse_label_set(parser, &labels);
    }
    if (ok && named) {
        ok = set_label(parser, &labels, first.pos, LABEL_METRIC_NAME, first.text);
    }
    if (ok && parser->token.type != TOKEN_EOF) {
        ok = parser_unexpected(parser) != NULL;
    }
    if (ok) {
        *ret = labels_from_pairs(parser->arena, labels.items, labels.count);
    }
    vec_done(&labels);
    return ok;
}
