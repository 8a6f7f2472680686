/*
 * lexer: PromQL text to tokens. A value type that borrows the text: a copy can be run ahead, which
 * is how the parser looks at the token after the current one. What a character means depends on the
 * bracket it stands in ({} keywords are names, [] only durations), as in Prometheus 3.14,
 * promql/parser/lex.go. A fault becomes one TOKEN_ERROR, followed by TOKEN_EOF for ever.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum token_type {
    TOKEN_EOF,
    TOKEN_ERROR, /* text is the message */
    TOKEN_IDENTIFIER,
    TOKEN_METRIC_IDENTIFIER, /* with a colon */
    TOKEN_STRING,            /* with its quotes */
    TOKEN_NUMBER,
    TOKEN_DURATION,
    TOKEN_LEFT_PAREN,
    TOKEN_RIGHT_PAREN,
    TOKEN_LEFT_BRACE,
    TOKEN_RIGHT_BRACE,
    TOKEN_LEFT_BRACKET,
    TOKEN_RIGHT_BRACKET,
    TOKEN_COMMA,
    TOKEN_COLON,
    TOKEN_EQL,
    /* operators */
    TOKEN_ADD,
    TOKEN_SUB,
    TOKEN_MUL,
    TOKEN_DIV,
    TOKEN_MOD,
    TOKEN_POW,
    TOKEN_ATAN2,
    TOKEN_EQLC,
    TOKEN_NEQ,
    TOKEN_LTE,
    TOKEN_LSS,
    TOKEN_GTE,
    TOKEN_GTR,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_UNLESS,
    TOKEN_TRIM_UPPER,
    TOKEN_TRIM_LOWER,
    TOKEN_EQL_REGEX,
    TOKEN_NEQ_REGEX,
    TOKEN_AT,
    /* aggregators, in the order of enum aggregate_op */
    TOKEN_AVG,
    TOKEN_BOTTOMK,
    TOKEN_COUNT,
    TOKEN_COUNT_VALUES,
    TOKEN_GROUP,
    TOKEN_LIMITK,
    TOKEN_LIMIT_RATIO,
    TOKEN_MAX,
    TOKEN_MIN,
    TOKEN_QUANTILE,
    TOKEN_STDDEV,
    TOKEN_STDVAR,
    TOKEN_SUM,
    TOKEN_TOPK,
    /* keywords */
    TOKEN_ANCHORED,
    TOKEN_BOOL,
    TOKEN_BY,
    TOKEN_FILL,
    TOKEN_FILL_LEFT,
    TOKEN_FILL_RIGHT,
    TOKEN_GROUP_LEFT,
    TOKEN_GROUP_RIGHT,
    TOKEN_IGNORING,
    TOKEN_OFFSET,
    TOKEN_ON,
    TOKEN_SMOOTHED,
    TOKEN_WITHOUT,
    /* names of the query's own times */
    TOKEN_START,
    TOKEN_END,
    TOKEN_STEP,
    TOKEN_RANGE,
    TOKEN_MIN_OF,
    TOKEN_MAX_OF,
    TOKEN_TYPE_COUNT,
};

struct token {
    enum token_type type;
    uint32_t pos;
    str text;
};

struct lexer {
    struct arena *arena; /* messages of TOKEN_ERROR */
    str text;
    uint32_t pos;
    uint32_t paren_depth;
    bool brace_open;
    bool bracket_open;
    bool bracket_fresh; /* after '[': nothing but the duration expression's first part may stand */
    bool got_colon;
    bool got_duration;
    bool done; /* an error or the end was handed out */
};

/* lexer_init starts at the first byte of text, which must outlive the lexer and its tokens. */
void lexer_init(struct lexer *lexer, struct arena *arena, str text);

/* lexer_next returns the next token; comments and white space are skipped. */
struct token lexer_next(struct lexer *lexer);

static inline bool token_is_operator(enum token_type type)
{
    return type >= TOKEN_ADD && type <= TOKEN_AT;
}

static inline bool token_is_aggregator(enum token_type type)
{
    return type >= TOKEN_AVG && type <= TOKEN_TOPK;
}

static inline bool token_is_keyword(enum token_type type)
{
    return type >= TOKEN_ANCHORED && type <= TOKEN_WITHOUT;
}

/* token_describe appends a token as messages name it: `identifier "x"`, `<op:+>`, "end of input".
 */
void token_describe(struct buf *buf, const struct token *token);
