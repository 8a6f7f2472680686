/* parser_priv: what the parts of the parser share. Only parser*.c include it. */
#pragma once

#include "base/vec.h"
#include "promql/lexer.h"
#include "promql/parser.h"

/* What an error found inside a construct says about it: "unexpected X in CONTEXT, expected ...". */
struct parse_context {
    const char *name;     /* empty: nothing is said */
    const char *expected; /* empty: nothing is said */
};

struct matcher_list {
    struct matcher *items;
    size_t count;
};

/*
 * One parse. It ends at the first error: `failed` is then set, err written, and every function
 * returns NULL, false or its failure value until the top is reached. Nodes under construction are
 * not reachable from a root then, so selectors are also listed in `selectors`, by which a failed
 * parse releases their matchers.
 */
struct parser {
    struct arena *arena;
    str text;
    struct promql_features features;
    struct lexer lexer;
    struct token token;    /* the next one, not consumed */
    uint32_t last_closing; /* end of the last consumed token that can end an expression */
    uint32_t depth;
    struct parse_context context;
    bool failed;
    struct baro_error *err;
    VEC(struct matcher_list) selectors;
};

/* parser_advance consumes the current token and returns it. */
struct token parser_advance(struct parser *parser);
bool parser_accept(struct parser *parser, enum token_type type);
struct token parser_peek(const struct parser *parser);

/* parser_fail_at records a message about the text from `start` on; parser_unexpected one about the
 * current token in the current context, parser_unexpected_in in the given one. All return NULL. */
void *parser_fail_at(struct parser *parser, uint32_t start, const char *format, ...)
    PRINTF_LIKE(3, 4) COLD;
void *parser_unexpected(struct parser *parser) COLD;
void *parser_unexpected_in(struct parser *parser, const char *context, const char *expected) COLD;

/* parser_enter counts a level of nesting; false (and failed) when it is one too many. */
bool parser_enter(struct parser *parser);
static inline void parser_leave(struct parser *parser)
{
    parser->depth--;
}

struct expr *parser_node(struct parser *parser, enum expr_kind kind, enum value_type type,
                         uint32_t start, uint32_t end);

/* parser_grow makes child a part of node: false (and failed) when the tree becomes too high. */
bool parser_grow(struct parser *parser, struct expr *node, const struct expr *child);

/* parser_quote returns text in the quotes and escapes of Go's %q, for messages; bounded in size. */
str parser_quote(struct parser *parser, str text);

static inline uint32_t token_end(const struct token *token)
{
    return token->pos + (uint32_t)token->text.len;
}

/* parser.c */
struct expr *parse_expr(struct parser *parser, int precedence_min);

/* parser_literal.c: the value of a NUMBER, DURATION (in seconds) or STRING token. */
double literal_number(struct parser *parser, const struct token *token);
double literal_seconds(struct parser *parser, const struct token *token);
str literal_string(struct parser *parser, const struct token *token);

/* parser_selector.c */
bool token_is_metric_name(enum token_type type);
struct expr *parse_vector_selector(struct parser *parser);
bool parse_metric_labels(struct parser *parser, struct labels *ret);

/* parser_modifier.c: [range], [range:step], offset, @, anchored, smoothed behind an expression. */
struct expr *parse_modifiers(struct parser *parser, struct expr *expr);

/* parser_duration.c: both return an EXPR_DURATION node; DUR_OP_LITERAL stands for a plain number or
 * duration. The offset form ends earlier: `x offset 5m + 1` adds 1 to x. */
struct expr *parse_duration(struct parser *parser, int precedence_min);
struct expr *parse_offset_duration(struct parser *parser);
dur duration_literal_ms(double seconds);

/* parser_check.c: types, matching, arguments; sets failed at the first fault. */
void check_expr(struct parser *parser, struct expr *expr);
