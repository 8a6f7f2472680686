/*
 * fn_sort: the order of instant vectors. Range queries answer by labels, so that sorting does
 * nothing there.
 */
#include <math.h>

#include "promql/engine_priv.h"

struct sorting {
    struct eval *ev;
    bool (*before)(const struct sorting *sorting, const struct row *a, const struct row *b);
    bool descending;
    const struct expr *call;
    struct baro_error *err;
};

static bool row_before(void *context, const void *a, const void *b)
{
    const struct sorting *sorting = context;

    return sorting->before(sorting, a, b);
}

static int sort_rows(struct sorting *sorting, struct value *value)
{
    struct eval_order order = {row_before, sorting};
    void *rows = value->rows;
    int r = eval_sort(sorting->ev, &rows, value->count, sizeof(struct row), &order, sorting->err);

    value->rows = rows;
    return r;
}

static bool value_before(const struct sorting *sorting, const struct row *a, const struct row *b)
{
    double x = a->v[0];
    double y = b->v[0];

    if (isnan(x) || isnan(y)) {
        return !isnan(x);
    }
    return sorting->descending ? x > y : x < y;
}

/* Histograms have no order: they are left out. */
static void keep_floats(const struct timeline *line, struct value *value)
{
    size_t kept = 0;

    for (size_t i = 0; i < value->count; i++) {
        if (value->rows[i].h != NULL && !points_any(value->rows[i].v, line->steps)) {
            continue;
        }
        value->rows[i].h = NULL;
        value->rows[kept++] = value->rows[i];
    }
    value->count = kept;
}

/* Of a range query, which answers by labels, the order of rows is lost. */
static int sort_if_instant(struct sorting *sorting, const struct timeline *line, struct value *ret)
{
    if (line->is_range) {
        eval_warn(
            sorting->ev, sorting->call->pos,
            "sort is ineffective for range queries since results are always ordered by labels");
        return 0;
    }
    return line->steps == 1 ? sort_rows(sorting, ret) : 0;
}

int fn_sort(struct eval *ev, const struct timeline *line, const struct expr *call,
            struct value *ret, struct baro_error *err)
{
    struct sorting sorting = {.ev = ev, .before = value_before, .call = call, .err = err};
    int r = eval_expr(ev, line, call->call.args[0], ret, err);

    sorting.descending = call->call.function->id == FUNCTION_sort_desc;
    if (r >= 0) {
        keep_floats(line, ret);
    }
    return r < 0 ? r : sort_if_instant(&sorting, line, ret);
}

/* ---- by labels, in natural order ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The next run of digits or of other bytes. */
static str next_run(str s)
{
    size_t size = 1;

    if (s.len == 0) {
        return s;
    }
    while (size < s.len && is_digit(s.ptr[size]) == is_digit(s.ptr[0])) {
        size++;
    }
    return str_of(s.ptr, size);
}

static str without_zeros(str digits)
{
    while (digits.len > 1 && digits.ptr[0] == '0') {
        digits = str_from_index(digits, 1);
    }
    return digits;
}

/* Runs of digits compare as numbers ("node9" before "node10"), all else by bytes. */
static int natural_cmp(str a, str b)
{
    while (a.len > 0 && b.len > 0) {
        str x = next_run(a);
        str y = next_run(b);
        int order;

        if (is_digit(x.ptr[0]) && is_digit(y.ptr[0])) {
            str n = without_zeros(x);
            str m = without_zeros(y);

            order = n.len != m.len ? (n.len < m.len ? -1 : 1) : str_cmp(n, m);
            order = order != 0 ? order : (x.len > y.len) - (x.len < y.len);
        } else {
            order = str_cmp(x, y);
        }
        if (order != 0) {
            return order;
        }
        a = str_from_index(a, x.len);
        b = str_from_index(b, y.len);
    }
    return (a.len > 0) - (b.len > 0);
}

static bool labels_before(const struct sorting *sorting, const struct row *a, const struct row *b)
{
    int order = 0;

    for (size_t i = 1; order == 0 && i < sorting->call->call.arg_count; i++) {
        str name = expr_unwrap(sorting->call->call.args[i])->string.value;

        order = natural_cmp(labels_get(a->labels, name), labels_get(b->labels, name));
    }
    order = order != 0 ? order : labels_cmp(a->labels, b->labels);
    return sorting->descending ? order > 0 : order < 0;
}

int fn_sort_by_label(struct eval *ev, const struct timeline *line, const struct expr *call,
                     struct value *ret, struct baro_error *err)
{
    struct sorting sorting = {.ev = ev, .before = labels_before, .call = call, .err = err};
    int r = eval_expr(ev, line, call->call.args[0], ret, err);

    sorting.descending = call->call.function->id == FUNCTION_sort_by_label_desc;
    return r < 0 ? r : sort_if_instant(&sorting, line, ret);
}
