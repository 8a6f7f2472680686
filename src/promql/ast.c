#include "promql/ast.h"

#include "base/assert.h"
#include "promql/parser.h"

const char *value_type_name(enum value_type type)
{
    static const char *const names[] = {
        [VALUE_NONE] = "none",     [VALUE_SCALAR] = "scalar", [VALUE_VECTOR] = "vector",
        [VALUE_MATRIX] = "matrix", [VALUE_STRING] = "string",
    };

    return names[type];
}

const char *value_type_doc(enum value_type type)
{
    switch (type) {
    case VALUE_VECTOR:
        return "instant vector";
    case VALUE_MATRIX:
        return "range vector";
    case VALUE_NONE:
    case VALUE_SCALAR:
    case VALUE_STRING:
        break;
    }
    return value_type_name(type);
}

const char *binary_op_name(enum binary_op op)
{
    static const char *const names[OP_COUNT] = {
#define BINARY(id, name, help) [OP_##id] = (name),
#include "promql/operators.def"
#undef BINARY
    };

    ASSERT(op < OP_COUNT);
    return names[op];
}

const char *aggregate_op_name(enum aggregate_op op)
{
    static const char *const names[AGG_OP_COUNT] = {
#define AGGREGATION(id, name, parameter, stability, help) [AGG_##id] = (name),
#include "promql/operators.def"
#undef AGGREGATION
    };

    ASSERT(op < AGG_OP_COUNT);
    return names[op];
}

const char *duration_op_name(enum duration_op op)
{
    static const char *const names[] = {
        [DUR_OP_LITERAL] = "",    [DUR_OP_ADD] = "+",      [DUR_OP_SUB] = "-",
        [DUR_OP_MUL] = "*",       [DUR_OP_DIV] = "/",      [DUR_OP_MOD] = "%",
        [DUR_OP_POW] = "^",       [DUR_OP_NEG] = "-",      [DUR_OP_STEP] = "step",
        [DUR_OP_RANGE] = "range", [DUR_OP_MIN] = "min_of", [DUR_OP_MAX] = "max_of",
    };

    return names[op];
}

bool promql_expr_walk(struct expr *node, bool (*visit)(struct expr *node, void *context),
                      void *context)
{
    if (node == NULL) {
        return true;
    }
    if (!visit(node, context)) {
        return false;
    }
    switch (node->kind) {
    case EXPR_MATRIX_SELECTOR:
        return promql_expr_walk(node->matrix.vector, visit, context);
    case EXPR_SUBQUERY:
        return promql_expr_walk(node->subquery.expr, visit, context);
    case EXPR_CALL:
        for (size_t i = 0; i < node->call.arg_count; i++) {
            if (!promql_expr_walk(node->call.args[i], visit, context)) {
                return false;
            }
        }
        return true;
    case EXPR_AGGREGATE:
        return promql_expr_walk(node->aggregate.expr, visit, context) &&
               promql_expr_walk(node->aggregate.param, visit, context);
    case EXPR_BINARY:
        return promql_expr_walk(node->binary.lhs, visit, context) &&
               promql_expr_walk(node->binary.rhs, visit, context);
    case EXPR_UNARY:
        return promql_expr_walk(node->unary.expr, visit, context);
    case EXPR_PAREN:
    case EXPR_STEP_INVARIANT:
        return promql_expr_walk(node->paren.expr, visit, context);
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_VECTOR_SELECTOR:
    case EXPR_DURATION:
        break;
    }
    return true;
}

static bool release_matchers(struct expr *node, UNUSED void *context)
{
    if (node->kind == EXPR_VECTOR_SELECTOR) {
        for (size_t i = 0; i < node->vector.matcher_count; i++) {
            matcher_done(&node->vector.matchers[i]);
        }
        node->vector.matcher_count = 0;
    }
    return true;
}

void promql_expr_done(struct expr *expr)
{
    (void)promql_expr_walk(expr, release_matchers, NULL);
}
