#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/num.h"
#include "promql/functions.h"
#include "promql/parser.h"

/* Expressions longer than this are split over lines, as Prometheus does it. */
enum { PRETTY_COLUMNS = 100 };

static void print_label_list(struct buf *buf, const str *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buf_c(buf, ", ");
        }
        if (label_name_is_legacy(names[i])) {
            buf_str(buf, names[i]);
        } else {
            buf_quoted(buf, names[i]);
        }
    }
}

static void print_seconds(struct buf *buf, double seconds)
{
    double ms = round(seconds * 1e3);

    if (ms < 0) {
        buf_char(buf, '-');
    }
    dur_format(buf, (dur)fabs(ms));
}

static void print_duration(struct buf *buf, const struct expr *expr)
{
    const struct expr *lhs = expr->duration.lhs;
    const struct expr *rhs = expr->duration.rhs;
    const char *name = duration_op_name(expr->duration.op);

    if (expr->duration.wrapped) {
        buf_char(buf, '(');
    }
    switch (expr->duration.op) {
    case DUR_OP_LITERAL:
        if (expr->duration.is_duration) {
            print_seconds(buf, expr->duration.value);
        } else {
            buf_double(buf, expr->duration.value, NUM_F);
        }
        break;
    case DUR_OP_STEP:
    case DUR_OP_RANGE:
        buf_printf(buf, "%s()", name);
        break;
    case DUR_OP_MIN:
    case DUR_OP_MAX:
        buf_printf(buf, "%s(", name);
        print_duration(buf, lhs);
        buf_c(buf, ", ");
        print_duration(buf, rhs);
        buf_char(buf, ')');
        break;
    case DUR_OP_NEG:
        buf_char(buf, '-');
        print_duration(buf, rhs);
        break;
    case DUR_OP_ADD:
    case DUR_OP_SUB:
    case DUR_OP_MUL:
    case DUR_OP_DIV:
    case DUR_OP_MOD:
    case DUR_OP_POW:
        print_duration(buf, lhs);
        buf_printf(buf, " %s ", name);
        print_duration(buf, rhs);
        break;
    }
    if (expr->duration.wrapped) {
        buf_char(buf, ')');
    }
}

static void print_length(struct buf *buf, dur length, const struct expr *expr)
{
    if (expr != NULL) {
        print_duration(buf, expr);
    } else {
        dur_format(buf, length);
    }
}

static void print_at(struct buf *buf, const struct modifier *mod)
{
    switch (mod->at) {
    case AT_NONE:
        break;
    case AT_TIMESTAMP: {
        uint64_t ms = mod->at_ts < 0 ? 0 - (uint64_t)mod->at_ts : (uint64_t)mod->at_ts;

        buf_printf(buf, " @ %s%llu.%03u", mod->at_ts < 0 ? "-" : "",
                   (unsigned long long)(ms / 1000), (unsigned)(ms % 1000));
        break;
    }
    case AT_START:
        buf_c(buf, " @ start()");
        break;
    case AT_END:
        buf_c(buf, " @ end()");
        break;
    }
}

static void print_offset(struct buf *buf, const struct modifier *mod)
{
    if (mod->offset_expr != NULL) {
        buf_c(buf, " offset ");
        print_duration(buf, mod->offset_expr);
    } else if (mod->offset != 0) {
        buf_c(buf, mod->offset < 0 ? " offset -" : " offset ");
        dur_format(buf, mod->offset < 0 ? -mod->offset : mod->offset);
    }
}

static void print_extended(struct buf *buf, const struct expr *vector)
{
    if (vector->vector.anchored) {
        buf_c(buf, " anchored");
    } else if (vector->vector.smoothed) {
        buf_c(buf, " smoothed");
    }
}

static int compare_strs(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

/* print_selector prints name and matchers, the latter sorted by their text. */
static void print_selector(struct buf *buf, const struct expr *expr)
{
    size_t count = 0;
    struct buf texts = {0};
    size_t *ends = mem_alloc((expr->vector.matcher_count + 1) * sizeof(*ends));
    str *parts = mem_alloc((expr->vector.matcher_count + 1) * sizeof(*parts));

    for (size_t i = 0; i < expr->vector.matcher_count; i++) {
        const struct matcher *matcher = &expr->vector.matchers[i];

        if (matcher->op == MATCHER_EQUAL && matcher->value.len > 0 &&
            str_eq(matcher->name, LABEL_METRIC_NAME) && str_eq(matcher->value, expr->vector.name)) {
            continue;
        }
        matcher_format(&texts, matcher);
        ends[count++] = texts.len;
    }
    for (size_t i = 0; i < count; i++) {
        size_t start = i > 0 ? ends[i - 1] : 0;

        parts[i] = str_of(texts.ptr + start, ends[i] - start);
    }
    buf_str(buf, expr->vector.name);
    if (count > 0) {
        qsort(parts, count, sizeof(*parts), compare_strs);
        for (size_t i = 0; i < count; i++) {
            buf_char(buf, i == 0 ? '{' : ',');
            buf_str(buf, parts[i]);
        }
        buf_char(buf, '}');
    }
    buf_done(&texts);
    mem_free(ends);
    mem_free(parts);
}

static void print_vector(struct buf *buf, const struct expr *expr)
{
    print_selector(buf, expr);
    print_at(buf, &expr->vector.mod);
    print_extended(buf, expr);
    print_offset(buf, &expr->vector.mod);
}

static void print_matrix(struct buf *buf, const struct expr *expr)
{
    const struct expr *vector = expr->matrix.vector;

    print_selector(buf, vector);
    buf_char(buf, '[');
    print_length(buf, expr->matrix.range, expr->matrix.range_expr);
    buf_char(buf, ']');
    print_extended(buf, vector);
    print_at(buf, &vector->vector.mod);
    print_offset(buf, &vector->vector.mod);
}

static void print_subquery_suffix(struct buf *buf, const struct expr *expr)
{
    buf_char(buf, '[');
    print_length(buf, expr->subquery.range, expr->subquery.range_expr);
    buf_char(buf, ':');
    if (expr->subquery.step != 0 || expr->subquery.step_expr != NULL) {
        print_length(buf, expr->subquery.step, expr->subquery.step_expr);
    }
    buf_char(buf, ']');
    print_at(buf, &expr->subquery.mod);
    print_offset(buf, &expr->subquery.mod);
}

/* print_aggregate_head prints the operator and its modifier, behind which a blank stands. */
static void print_aggregate_head(struct buf *buf, const struct expr *expr)
{
    buf_c(buf, aggregate_op_name(expr->aggregate.op));
    if (expr->aggregate.without || expr->aggregate.grouping_count > 0) {
        buf_c(buf, expr->aggregate.without ? " without (" : " by (");
        print_label_list(buf, expr->aggregate.grouping, expr->aggregate.grouping_count);
        buf_c(buf, ") ");
    }
}

static void print_fill(struct buf *buf, const struct vector_matching *matching)
{
    if (matching->has_fill_left) {
        buf_c(buf, matching->fill_both ? " fill (" : " fill_left (");
        buf_double(buf, matching->fill_left, NUM_G);
        buf_char(buf, ')');
    }
    if (matching->has_fill_right && !matching->fill_both) {
        buf_c(buf, " fill_right (");
        buf_double(buf, matching->fill_right, NUM_G);
        buf_char(buf, ')');
    }
}

static void print_operator(struct buf *buf, const struct expr *expr)
{
    const struct vector_matching *matching = expr->binary.matching;
    bool grouped;

    buf_c(buf, binary_op_name(expr->binary.op));
    if (expr->binary.return_bool) {
        buf_c(buf, " bool");
    }
    if (matching == NULL) {
        return;
    }
    grouped = matching->card == CARD_MANY_TO_ONE || matching->card == CARD_ONE_TO_MANY;
    if (matching->label_count > 0 || matching->on || grouped) {
        buf_c(buf, matching->on ? " on (" : " ignoring (");
        print_label_list(buf, matching->labels, matching->label_count);
        buf_char(buf, ')');
    }
    if (grouped) {
        buf_c(buf, matching->card == CARD_MANY_TO_ONE ? " group_left (" : " group_right (");
        print_label_list(buf, matching->include, matching->include_count);
        buf_char(buf, ')');
    }
    print_fill(buf, matching);
}

static void print_call(struct buf *buf, const struct expr *expr)
{
    buf_c(buf, expr->call.function->name);
    buf_char(buf, '(');
    for (size_t i = 0; i < expr->call.arg_count; i++) {
        if (i > 0) {
            buf_c(buf, ", ");
        }
        promql_print(buf, expr->call.args[i]);
    }
    buf_char(buf, ')');
}

static void print_number(struct buf *buf, const struct expr *expr)
{
    if (expr->number.is_duration) {
        print_seconds(buf, expr->number.value);
    } else {
        buf_double(buf, expr->number.value, NUM_F);
    }
}

void promql_print(struct buf *buf, const struct expr *expr)
{
    if (buf->failed) {
        return;
    }
    switch (expr->kind) {
    case EXPR_NUMBER:
        print_number(buf, expr);
        break;
    case EXPR_STRING:
        buf_quoted(buf, expr->string.value);
        break;
    case EXPR_VECTOR_SELECTOR:
        print_vector(buf, expr);
        break;
    case EXPR_MATRIX_SELECTOR:
        print_matrix(buf, expr);
        break;
    case EXPR_SUBQUERY:
        promql_print(buf, expr->subquery.expr);
        print_subquery_suffix(buf, expr);
        break;
    case EXPR_CALL:
        print_call(buf, expr);
        break;
    case EXPR_AGGREGATE:
        print_aggregate_head(buf, expr);
        buf_char(buf, '(');
        if (expr->aggregate.param != NULL) {
            promql_print(buf, expr->aggregate.param);
            buf_c(buf, ", ");
        }
        promql_print(buf, expr->aggregate.expr);
        buf_char(buf, ')');
        break;
    case EXPR_BINARY:
        promql_print(buf, expr->binary.lhs);
        buf_char(buf, ' ');
        print_operator(buf, expr);
        buf_char(buf, ' ');
        promql_print(buf, expr->binary.rhs);
        break;
    case EXPR_UNARY:
        buf_char(buf, expr->unary.negative ? '-' : '+');
        promql_print(buf, expr->unary.expr);
        break;
    case EXPR_PAREN:
        buf_char(buf, '(');
        promql_print(buf, expr->paren.expr);
        buf_char(buf, ')');
        break;
    case EXPR_STEP_INVARIANT:
        promql_print(buf, expr->paren.expr);
        break;
    case EXPR_DURATION:
        print_duration(buf, expr);
        break;
    }
}

/* A number of levels is at most PROMQL_HEIGHT_MAX; deeper ones are not indented further than this,
 * so that the output stays linear in the input. */
enum { INDENT_LEVELS_MAX = 128 };

static void indent(struct buf *buf, int level)
{
    for (int i = 0; i < level && i < INDENT_LEVELS_MAX; i++) {
        buf_c(buf, "  ");
    }
}

/* needs_split prints into a buffer that gives up at the limit, so it costs a constant. */
static bool needs_split(const struct expr *expr)
{
    struct buf buf = {.limit = PRETTY_COLUMNS};
    bool split;

    promql_print(&buf, expr);
    split = buf.failed;
    buf_done(&buf);
    return split;
}

static void pretty(struct buf *buf, const struct expr *expr, int level);

/* pretty_block prints `(`, the parts on lines of their own, `)`. */
static void pretty_block(struct buf *buf, struct expr *const *parts, size_t count, int level)
{
    buf_c(buf, "(\n");
    for (size_t i = 0; i < count; i++) {
        pretty(buf, parts[i], level + 1);
        buf_c(buf, i + 1 < count ? ",\n" : "\n");
    }
    indent(buf, level);
    buf_char(buf, ')');
}

/* A sign stands straight before its operand, so the operand's indentation is dropped. */
static void pretty_unary(struct buf *buf, const struct expr *expr, int level)
{
    struct buf inner = {0};

    pretty(&inner, expr->unary.expr, level);
    indent(buf, level);
    buf_char(buf, expr->unary.negative ? '-' : '+');
    buf_str(buf, str_trim(buf_view(&inner)));
    buf_done(&inner);
}

static void pretty_split(struct buf *buf, const struct expr *expr, int level)
{
    switch (expr->kind) {
    case EXPR_AGGREGATE: {
        struct expr *parts[2] = {expr->aggregate.param, expr->aggregate.expr};
        bool has_param = parts[0] != NULL;

        indent(buf, level);
        print_aggregate_head(buf, expr);
        pretty_block(buf, has_param ? parts : parts + 1, has_param ? 2 : 1, level);
        break;
    }
    case EXPR_BINARY:
        pretty(buf, expr->binary.lhs, level + 1);
        buf_char(buf, '\n');
        indent(buf, level);
        print_operator(buf, expr);
        buf_char(buf, '\n');
        pretty(buf, expr->binary.rhs, level + 1);
        break;
    case EXPR_CALL:
        indent(buf, level);
        buf_c(buf, expr->call.function->name);
        pretty_block(buf, expr->call.args, expr->call.arg_count, level);
        break;
    case EXPR_PAREN:
        indent(buf, level);
        pretty_block(buf, &expr->paren.expr, 1, level);
        break;
    case EXPR_SUBQUERY:
        pretty(buf, expr->subquery.expr, level);
        print_subquery_suffix(buf, expr);
        break;
    default: /* leaves are never split */
        indent(buf, level);
        promql_print(buf, expr);
        break;
    }
}

static void pretty(struct buf *buf, const struct expr *expr, int level)
{
    if (expr->kind == EXPR_STEP_INVARIANT) {
        pretty(buf, expr->paren.expr, level);
    } else if (expr->kind == EXPR_UNARY) {
        pretty_unary(buf, expr, level);
    } else if (needs_split(expr)) {
        pretty_split(buf, expr, level);
    } else {
        /* Prometheus does not indent a subquery that fits into its line. */
        indent(buf, expr->kind == EXPR_SUBQUERY ? 0 : level);
        promql_print(buf, expr);
    }
}

void promql_pretty(struct buf *buf, const struct expr *expr)
{
    pretty(buf, expr, 0);
}
