/*
 * ast: the parsed form of a PromQL expression. Nodes live in the arena given to the parser and are
 * never changed after promql_parse returned, but for the fields marked "engine" below, which
 * promql_prepare fills. Source of the grammar: Prometheus 3.14, promql/parser.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "model/labels.h"
#include "model/matcher.h"

enum value_type { VALUE_NONE, VALUE_SCALAR, VALUE_VECTOR, VALUE_MATRIX, VALUE_STRING };

/* value_type_name: "none", "scalar", "vector", "matrix", "string", as the API has it;
 * value_type_doc: "instant vector", "range vector" and so on, as error messages have it. */
const char *value_type_name(enum value_type type);
const char *value_type_doc(enum value_type type);

/* Bytes [start, end) of the expression's text. */
struct position_range {
    uint32_t start;
    uint32_t end;
};

enum expr_kind {
    EXPR_NUMBER,
    EXPR_STRING,
    EXPR_VECTOR_SELECTOR,
    EXPR_MATRIX_SELECTOR,
    EXPR_SUBQUERY,
    EXPR_CALL,
    EXPR_AGGREGATE,
    EXPR_BINARY,
    EXPR_UNARY,
    EXPR_PAREN,
    EXPR_STEP_INVARIANT, /* wrapped by promql_prepare around what is the same at every step */
    EXPR_DURATION,       /* a duration expression (experimental): stands only in duration fields */
};

/* @ modifier of a selector or subquery. */
enum at_kind { AT_NONE, AT_TIMESTAMP, AT_START, AT_END };

enum binary_op {
#define BINARY(id, name, help) OP_##id,
#include "promql/operators.def"
#undef BINARY
    OP_COUNT,
};

enum aggregate_op {
#define AGGREGATION(id, name, parameter, stability, help) AGG_##id,
#include "promql/operators.def"
#undef AGGREGATION
    AGG_OP_COUNT,
};

const char *binary_op_name(enum binary_op op);       /* "+", "and", "<=" ... */
const char *aggregate_op_name(enum aggregate_op op); /* "avg", ... */

static inline bool binary_op_is_comparison(enum binary_op op)
{
    return op >= OP_EQL && op <= OP_GTR;
}

static inline bool binary_op_is_set(enum binary_op op)
{
    return op >= OP_AND && op <= OP_UNLESS;
}

enum match_card { CARD_ONE_TO_ONE, CARD_MANY_TO_ONE, CARD_ONE_TO_MANY, CARD_MANY_TO_MANY };

struct vector_matching {
    enum match_card card;
    bool on; /* labels are those to match on; else those to ignore */
    const str *labels;
    size_t label_count;
    const str *include; /* group_left(...) / group_right(...) */
    size_t include_count;
    bool has_fill_left; /* fill / fill_left (experimental) */
    bool has_fill_right;
    bool fill_both; /* written as fill(...): prints so */
    double fill_left;
    double fill_right;
};

struct expr;

/* The offset/@ part that selectors and subqueries share. Durations in ms. */
struct modifier {
    dur offset;                     /* as written; engine: original offset */
    const struct expr *offset_expr; /* EXPR_DURATION, when it was not a plain literal */
    enum at_kind at;
    ts at_ts; /* for AT_TIMESTAMP; engine: set for AT_START and AT_END too */
    struct position_range at_pos;
};

struct function; /* a row of functions.def; see functions.h */

/* Operators inside duration expressions. */
enum duration_op {
    DUR_OP_LITERAL,
    DUR_OP_ADD,
    DUR_OP_SUB,
    DUR_OP_MUL,
    DUR_OP_DIV,
    DUR_OP_MOD,
    DUR_OP_POW,
    DUR_OP_NEG,
    DUR_OP_STEP,
    DUR_OP_RANGE,
    DUR_OP_MIN,
    DUR_OP_MAX
};

struct expr {
    enum expr_kind kind;
    enum value_type type; /* of what it evaluates to */
    struct position_range pos;
    uint32_t height; /* levels below: at most PROMQL_HEIGHT_MAX */
    /* Of the engine: where the node's costs are added up, when the query is explained, and the
     * value of an aggregation that stands in the tree several times. NULL = nothing. */
    struct explain_node *explain;
    struct shared_value *shared;
    union {
        struct {
            double value;
            bool is_duration; /* written as a duration (5m): prints as one */
        } number;
        struct {
            str value; /* unquoted */
        } string;
        struct {
            str name; /* metric name when written before the braces or alone; else empty */
            struct matcher *matchers; /* the __name__ matcher included */
            size_t matcher_count;
            struct modifier mod;
            bool anchored;   /* experimental */
            bool smoothed;   /* experimental */
            bool stats_only; /* engine: only count and sum of histograms are looked at */
        } vector;
        struct {
            struct expr *vector; /* EXPR_VECTOR_SELECTOR; offset and @ stand there */
            dur range;
            const struct expr *range_expr;
        } matrix;
        struct {
            struct expr *expr;
            dur range;
            const struct expr *range_expr;
            dur step; /* 0 = the default evaluation interval */
            const struct expr *step_expr;
            struct modifier mod;
        } subquery;
        struct {
            const struct function *function;
            struct expr **args;
            size_t arg_count;
        } call;
        struct {
            enum aggregate_op op;
            struct expr *expr;
            struct expr *param; /* NULL when the operator takes none */
            const str *grouping;
            size_t grouping_count;
            bool without;
        } aggregate;
        struct {
            enum binary_op op;
            struct expr *lhs;
            struct expr *rhs;
            struct vector_matching *matching; /* NULL unless both sides are vectors */
            bool return_bool;
        } binary;
        struct {
            bool negative; /* -x; else +x */
            struct expr *expr;
        } unary;
        struct {
            struct expr *expr;
        } paren; /* also EXPR_STEP_INVARIANT */
        struct {
            enum duration_op op;
            double value;           /* DUR_OP_LITERAL: seconds */
            bool is_duration;       /* DUR_OP_LITERAL: written as a duration */
            const struct expr *lhs; /* NULL for unary */
            const struct expr *rhs;
            bool wrapped; /* in parentheses */
        } duration;
    };
};

/* duration_op_name: "+", "-" ... for the arithmetic ones, "step", "range", "min_of", "max_of". */
const char *duration_op_name(enum duration_op op);

/* promql_expr_walk calls visit(node, context) for node and all below, parents first; stops when
 * visit returns false. */
bool promql_expr_walk(struct expr *node, bool (*visit)(struct expr *node, void *context),
                      void *context);
