#include "promql/engine_priv.h"
#include "sys/clock.h"

/* Nodes deeper than this are not told apart, and texts are cut: the plan is for humans. */
enum { EXPLAIN_DEPTH_MAX = 64, EXPLAIN_TEXT_MAX = 500 };

static const char *const kind_names[] = {
    [EXPR_VECTOR_SELECTOR] = "selector",
    [EXPR_MATRIX_SELECTOR] = "rangeSelector",
    [EXPR_SUBQUERY] = "subquery",
    [EXPR_CALL] = "call",
    [EXPR_AGGREGATE] = "aggregate",
    [EXPR_BINARY] = "binary",
    [EXPR_UNARY] = "unary",
    [EXPR_PAREN] = "parentheses",
    [EXPR_STEP_INVARIANT] = "stepInvariant",
    [EXPR_NUMBER] = "number",
    [EXPR_STRING] = "string",
    [EXPR_DURATION] = "duration",
};

static struct explain_node *explain(struct arena *arena, struct expr *expr, int depth);

static void add_child(struct arena *arena, struct explain_node *node, struct expr *child, int depth)
{
    if (child != NULL && depth < EXPLAIN_DEPTH_MAX) {
        node->children[node->child_count++] = explain(arena, child, depth + 1);
    }
}

static void add_children(struct arena *arena, struct explain_node *node, struct expr *expr,
                         int depth)
{
    switch (expr->kind) {
    case EXPR_CALL:
        for (size_t i = 0; i < expr->call.arg_count; i++) {
            add_child(arena, node, expr->call.args[i], depth);
        }
        break;
    case EXPR_AGGREGATE:
        add_child(arena, node, expr->aggregate.param, depth);
        add_child(arena, node, expr->aggregate.expr, depth);
        break;
    case EXPR_BINARY:
        add_child(arena, node, expr->binary.lhs, depth);
        add_child(arena, node, expr->binary.rhs, depth);
        break;
    case EXPR_SUBQUERY:
        add_child(arena, node, expr->subquery.expr, depth);
        break;
    case EXPR_UNARY:
        add_child(arena, node, expr->unary.expr, depth);
        break;
    case EXPR_PAREN:
    case EXPR_STEP_INVARIANT:
    case EXPR_MATRIX_SELECTOR:
    case EXPR_VECTOR_SELECTOR:
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_DURATION:
        break;
    }
}

static struct explain_node *explain(struct arena *arena, struct expr *expr, int depth)
{
    struct explain_node *node = ARENA_NEW(arena, struct explain_node);
    struct buf text = {0};

    while (expr->kind == EXPR_PAREN) {
        expr = expr->paren.expr;
    }
    promql_print(&text, expr);
    node->kind = kind_names[expr->kind];
    node->text = arena_str(arena, str_slice(buf_view(&text), 0, EXPLAIN_TEXT_MAX));
    node->children = ARENA_ARRAY(arena, struct explain_node *,
                                 expr->kind == EXPR_CALL ? expr->call.arg_count + 1 : 2);
    expr->explain = node;
    buf_done(&text);
    add_children(arena, node, expr, depth);
    return node;
}

struct explain_node *engine_explain(struct arena *arena, struct expr *tree)
{
    return explain(arena, tree, 0);
}

struct explain_mark explain_begin(const struct eval *ev, const struct expr *expr)
{
    return (struct explain_mark){.node = expr->explain,
                                 .begin = clock_mono(clock_real()),
                                 .samples_read = ev->stats.samples_read,
                                 .bytes = ev->scratch->used_bytes + ev->keep->used_bytes};
}

void explain_end(const struct eval *ev, const struct explain_mark *mark, uint64_t series,
                 uint64_t points)
{
    struct explain_node *node = mark->node;

    node->runs++;
    node->series += series;
    node->points += points;
    node->samples_read += ev->stats.samples_read - mark->samples_read;
    node->bytes += ev->scratch->used_bytes + ev->keep->used_bytes - mark->bytes;
    node->ns += clock_mono(clock_real()) - mark->begin;
}
