/* What is printed of an expression parses to the same tree again: over expressions that are made up
 * from the tables of functions and operators. */
#include <stdlib.h>

#include "base/random.h"
#include "promql/ast_json.h"
#include "promql/functions.h"
#include "promql/parser.h"
#include "testing/test.h"

enum { EXPRESSIONS = 20000, DEPTH_MAX = 4 };

static const struct promql_features all_features = {true, true, true, true, true, true, true};

struct writer {
    struct buf text;
    struct random random;
};

static size_t below(struct writer *w, size_t count)
{
    return (size_t)random_below(&w->random, count);
}

static bool once_in(struct writer *w, size_t count)
{
    return below(w, count) == 0;
}

#define WRITE_ONE_OF(w, texts) buf_c(&(w)->text, (texts)[below(w, ARRAY_COUNT(texts))])

static void write_vector(struct writer *w, int depth);
static void write_scalar(struct writer *w, int depth);

static void write_string(struct writer *w)
{
    static const char *const texts[] = {"\"a\"",
                                        "''",
                                        "`r\\w`",
                                        "\"a\\\"b\\\\\"",
                                        "'\\n\\t'",
                                        "\"\\u00e9\"",
                                        "\"caf\xc3\xa9 {x}\"",
                                        "\"$1-$2\"",
                                        "\"(.*)\"",
                                        "'\\x41\\101'"};

    WRITE_ONE_OF(w, texts);
}

static void write_number(struct writer *w)
{
    static const char *const texts[] = {"0",     "1",     "2.5",   "1e-7",  "0x1F",
                                        "1_000", "3e21",  "NaN",   "(Inf)", "0.95",
                                        "5m",    "1h30m", "500ms", ".5",    "123456789.125"};

    WRITE_ONE_OF(w, texts);
}

static void write_name(struct writer *w)
{
    static const char *const names[] = {"up",     "job:up:sum", "m_total", "sum",
                                        "offset", "and",        "end",     "fill",
                                        "by",     "anchored",   "nan_x",   "step"};

    WRITE_ONE_OF(w, names);
}

static void write_label(struct writer *w)
{
    static const char *const names[] = {"job",    "on", "by", "le", "\"la bel\"", "\"caf\xc3\xa9\"",
                                        "offset", "_x"};

    WRITE_ONE_OF(w, names);
}

static void write_labels(struct writer *w)
{
    buf_char(&w->text, '(');
    for (size_t i = below(w, 4); i > 0; i--) {
        write_label(w);
        buf_c(&w->text, i > 1 ? ", " : once_in(w, 4) ? "," : "");
    }
    buf_char(&w->text, ')');
}

static void write_matchers(struct writer *w, bool needs_one)
{
    static const char *const matchers[] = {
        "=\"x\"", "!=\"y z\"", "=~\"a|b.*\"", "!~\"5..\"",
        "=\"\"",  "='it\\'s'", "=~`[a-c]+`",  "!=\"caf\xc3\xa9\""};
    size_t count = below(w, 4);

    if (count == 0 && !needs_one && once_in(w, 2)) {
        return;
    }
    buf_char(&w->text, '{');
    if (needs_one) {
        buf_c(&w->text, once_in(w, 2) ? "\"my metric\"" : "__name__=~\"a.+\"");
    }
    for (size_t i = 0; i < count; i++) {
        buf_c(&w->text, i > 0 || needs_one ? ", " : "");
        write_label(w);
        WRITE_ONE_OF(w, matchers);
    }
    buf_char(&w->text, '}');
}

/* In brackets, or behind "offset" when it is in parentheses there. */
static void write_duration(struct writer *w, int depth)
{
    static const char *const plain[] = {"5m",  "1h30m", "1w",    "90s", "300",
                                        "1.5", "0x10",  "1d12h", "15ms"};
    static const char *const operators[] = {" + ", " * ", "-", " / ", " % ", "^"};

    if (depth <= 0 || once_in(w, 2)) {
        WRITE_ONE_OF(w, plain);
    } else if (once_in(w, 3)) {
        buf_c(&w->text, once_in(w, 2) ? "step()" : "range()");
    } else if (once_in(w, 3)) {
        buf_c(&w->text, once_in(w, 2) ? "min_of(" : "max_of(");
        write_duration(w, depth - 1);
        buf_c(&w->text, ", ");
        write_duration(w, depth - 1);
        buf_char(&w->text, ')');
    } else if (once_in(w, 3)) {
        buf_char(&w->text, '(');
        write_duration(w, depth - 1);
        buf_char(&w->text, ')');
    } else {
        write_duration(w, 0);
        WRITE_ONE_OF(w, operators);
        write_duration(w, depth - 1);
    }
}

static void write_at(struct writer *w)
{
    static const char *const times[] = {" @ start()", " @ end()", " @ 100",
                                        " @ -1.5",    " @ 1.7e9", " @ 5m"};

    WRITE_ONE_OF(w, times);
}

static void write_offset(struct writer *w)
{
    static const char *const offsets[] = {" offset 5m", " offset -1h", " offset 60", " OFFSET 1d"};

    if (once_in(w, 4)) {
        buf_c(&w->text, " offset (");
        write_duration(w, 2);
        buf_char(&w->text, ')');
    } else {
        WRITE_ONE_OF(w, offsets);
    }
}

static void write_modifiers(struct writer *w)
{
    bool at_first = once_in(w, 2);

    if (at_first && once_in(w, 4)) {
        write_at(w);
    }
    if (once_in(w, 4)) {
        write_offset(w);
    }
    if (!at_first && once_in(w, 4)) {
        write_at(w);
    }
}

static void write_selector(struct writer *w)
{
    bool has_name = !once_in(w, 4);

    if (has_name) {
        write_name(w);
    }
    write_matchers(w, !has_name);
}

static void write_extended(struct writer *w)
{
    if (once_in(w, 8)) {
        buf_c(&w->text, once_in(w, 2) ? " anchored" : " smoothed");
    }
}

static void write_matrix(struct writer *w, int depth)
{
    bool is_subquery = depth > 0 && once_in(w, 3);

    if (is_subquery) {
        buf_char(&w->text, '(');
        write_vector(w, depth - 1);
        buf_char(&w->text, ')');
    } else {
        write_selector(w);
    }
    buf_char(&w->text, '[');
    write_duration(w, once_in(w, 4) ? 2 : 0);
    if (is_subquery) {
        buf_char(&w->text, ':');
        if (once_in(w, 2)) {
            write_duration(w, once_in(w, 4) ? 2 : 0);
        }
    }
    buf_char(&w->text, ']');
    if (!is_subquery) {
        write_extended(w);
    }
    write_modifiers(w);
}

static void write_argument(struct writer *w, enum value_type type, int depth)
{
    switch (type) {
    case VALUE_SCALAR:
        write_scalar(w, depth);
        break;
    case VALUE_VECTOR:
        write_vector(w, depth);
        break;
    case VALUE_MATRIX:
        write_matrix(w, depth);
        break;
    case VALUE_STRING:
    case VALUE_NONE:
        write_string(w);
        break;
    }
}

static size_t argument_count(struct writer *w, const struct function *function)
{
    if (function->variadic == 0) {
        return function->arg_count;
    }
    return function->arg_count - 1 +
           below(w, function->variadic < 0 ? 4 : (size_t)function->variadic + 1);
}

static void write_call(struct writer *w, enum value_type result, int depth)
{
    const struct function *function;
    size_t count;

    do {
        function = function_at((enum function_id)below(w, FUNCTION_COUNT));
    } while (function->result != result);
    count = argument_count(w, function);
    buf_printf(&w->text, "%s(", function->name);
    for (size_t i = 0; i < count; i++) {
        size_t known = i < function->arg_count ? i : function->arg_count - 1;

        buf_c(&w->text, i > 0 ? ", " : "");
        if (function->id == FUNCTION_info && i == 1) {
            write_matchers(w, true);
        } else {
            write_argument(w, function->args[known], depth - 1);
        }
    }
    buf_char(&w->text, ')');
}

static bool takes_scalar(enum aggregate_op op)
{
    return op == AGG_TOPK || op == AGG_BOTTOMK || op == AGG_QUANTILE || op == AGG_LIMITK ||
           op == AGG_LIMIT_RATIO;
}

static void write_aggregate(struct writer *w, int depth)
{
    enum aggregate_op op = (enum aggregate_op)below(w, AGG_OP_COUNT);
    size_t grouping = below(w, 4); /* none, before, behind, behind */

    buf_c(&w->text, aggregate_op_name(op));
    if (grouping == 1) {
        buf_c(&w->text, once_in(w, 2) ? " by " : " without");
        write_labels(w);
    }
    buf_c(&w->text, " (");
    if (op == AGG_COUNT_VALUES) {
        buf_c(&w->text, "\"v\", ");
    } else if (takes_scalar(op)) {
        write_scalar(w, depth - 1);
        buf_c(&w->text, ", ");
    }
    write_vector(w, depth - 1);
    buf_char(&w->text, ')');
    if (grouping > 1) {
        buf_c(&w->text, once_in(w, 2) ? " by" : " without ");
        write_labels(w);
    }
}

static void write_fill(struct writer *w)
{
    static const char *const fills[] = {" fill(0)", " fill_left (-1)", " fill_right(2.5)",
                                        " fill_left(1) fill_right (1e6)", " fill(NaN)"};

    if (once_in(w, 4)) {
        WRITE_ONE_OF(w, fills);
    }
}

static void write_matching(struct writer *w, enum binary_op op)
{
    bool is_set = binary_op_is_set(op);

    if (binary_op_is_comparison(op) && once_in(w, 2)) {
        buf_c(&w->text, " bool");
    }
    if (once_in(w, 2)) {
        bool may_group = !is_set;

        if (once_in(w, 2)) {
            buf_c(&w->text, once_in(w, 2) ? " on(job, \"caf\xc3\xa9\")" : " on ()");
        } else {
            buf_c(&w->text, once_in(w, 2) ? " ignoring (le,)" : " ignoring()");
        }
        if (may_group && once_in(w, 2)) {
            buf_c(&w->text, once_in(w, 2) ? " group_left" : " group_right ");
            buf_c(&w->text, once_in(w, 2) ? "(version, \"la bel\")" : "()");
        }
    }
    if (!is_set) {
        write_fill(w);
    }
    buf_char(&w->text, ' ');
}

/* A side is in parentheses now and then: precedence does the rest. */
static void write_side(struct writer *w, bool is_vector, int depth)
{
    bool wrapped = once_in(w, 3);

    buf_c(&w->text, wrapped ? "(" : "");
    if (is_vector) {
        write_vector(w, depth);
    } else {
        write_scalar(w, depth);
    }
    buf_c(&w->text, wrapped ? ")" : "");
}

static void write_binary(struct writer *w, int depth)
{
    enum binary_op op = (enum binary_op)below(w, OP_COUNT);
    bool both = binary_op_is_set(op) || once_in(w, 2);
    bool left = both || once_in(w, 2);

    write_side(w, left, depth - 1);
    buf_printf(&w->text, " %s", binary_op_name(op));
    if (both) {
        write_matching(w, op);
    } else {
        buf_c(&w->text, binary_op_is_comparison(op) && once_in(w, 2) ? " bool " : " ");
    }
    write_side(w, both || !left, depth - 1);
}

static void write_vector(struct writer *w, int depth)
{
    size_t what = depth <= 0 ? 0 : below(w, 9);

    if (what == 0) {
        write_selector(w);
    } else if (what == 1) {
        buf_char(&w->text, '('); /* what follows an offset would go on with its duration */
        write_selector(w);
        write_modifiers(w);
        buf_char(&w->text, ')');
    } else if (what < 5) {
        write_call(w, VALUE_VECTOR, depth);
    } else if (what == 5) {
        write_aggregate(w, depth);
    } else if (what == 6) {
        buf_c(&w->text, once_in(w, 2) ? "-" : "+");
        write_side(w, true, depth - 1);
    } else {
        /* Where precedence would take it apart, it would be another expression, and maybe none. */
        buf_char(&w->text, '(');
        write_binary(w, depth);
        buf_char(&w->text, ')');
    }
}

static void write_scalar(struct writer *w, int depth)
{
    static const char *const operators[] = {" + ", " - ",     "*",         " / ",     " % ",
                                            " ^ ", " atan2 ", " == bool ", " < bool "};
    size_t what = depth <= 0 ? 0 : below(w, 6);

    if (what < 3) {
        write_number(w);
    } else if (what == 3) {
        write_call(w, VALUE_SCALAR, depth);
    } else if (what == 4) {
        buf_char(&w->text, '-');
        write_side(w, false, depth - 1);
    } else {
        write_side(w, false, depth - 1);
        WRITE_ONE_OF(w, operators);
        write_side(w, false, depth - 1);
    }
}

static int compare_matchers(const void *a, const void *b)
{
    const struct matcher *x = a;
    const struct matcher *y = b;
    int order = str_cmp(x->name, y->name);

    order = order != 0 ? order : (int)x->op - (int)y->op;
    return order != 0 ? order : str_cmp(x->value, y->value);
}

/* The printer sorts them, and their order means nothing. */
static bool sort_matchers(struct expr *node, void *context)
{
    (void)context;
    if (node->kind == EXPR_VECTOR_SELECTOR && node->vector.matcher_count > 1) {
        qsort(node->vector.matchers, node->vector.matcher_count, sizeof(*node->vector.matchers),
              compare_matchers);
    }
    return true;
}

static void assert_survives(str text)
{
    struct arena arena = {0};
    struct baro_error err = {0};
    struct expr *expr = NULL;
    struct expr *again = NULL;
    struct buf printed[2] = {0};
    struct buf trees[2] = {0};

    assert_ok(promql_parse(&arena, text, &all_features, &expr, &err), &err);
    promql_print(&printed[0], expr);
    (void)promql_expr_walk(expr, sort_matchers, NULL);
    promql_ast_json(&trees[0], expr);
    assert_ok(promql_parse(&arena, buf_view(&printed[0]), &all_features, &again, &err), &err);
    promql_print(&printed[1], again);
    (void)promql_expr_walk(again, sort_matchers, NULL);
    promql_ast_json(&trees[1], again);
    assert_str_equal(buf_view(&printed[1]), buf_view(&printed[0]));
    assert_str_equal(buf_view(&trees[1]), buf_view(&trees[0]));
    promql_expr_done(expr);
    promql_expr_done(again);
    for (int i = 0; i < 2; i++) {
        buf_done(&printed[i]);
        buf_done(&trees[i]);
    }
    arena_done(&arena);
}

TEST(parser_reads_what_it_prints)
{
    struct writer writer = {.random = {11}};

    for (int i = 0; i < EXPRESSIONS; i++) {
        buf_reset(&writer.text);
        if (i % 20 == 0) {
            write_scalar(&writer, DEPTH_MAX);
        } else if (i % 20 == 1) {
            write_matrix(&writer, DEPTH_MAX);
        } else {
            write_vector(&writer, DEPTH_MAX);
        }
        buf_char(&writer.text, '\0');
        writer.text.len--;
        test_row(writer.text.ptr);
        assert_survives(buf_view(&writer.text));
    }
    test_row(NULL);
    buf_done(&writer.text);
}
