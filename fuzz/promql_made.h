/*
 * promql_made: what the fuzz targets of the engine share: expressions made of bytes, nearly all of
 * them well-typed, over the series c, g, h and b_bucket; and when two points are the same.
 */
#pragma once

#include <math.h>

#include "base/assert.h"
#include "base/attr.h"
#include "base/buf.h"
#include "model/histogram.h"
#include "promql/engine.h"
#include "promql/functions.h"

enum { DEPTH_MAX = 5 };

struct bytes {
    const uint8_t *at;
    size_t left;
};

static inline unsigned take(struct bytes *from, unsigned below)
{
    if (from->left == 0) {
        return 0;
    }
    from->left--;
    return *from->at++ % below;
}

#define PICK(from, words) ((words)[take((from), ARRAY_COUNT(words))])

static inline void put_vector(struct buf *text, struct bytes *from, int depth);

static inline void put_argument(struct buf *text, struct bytes *from, enum value_type type,
                                int depth)
{
    static const char *const matrices[] = {"c[2m]",         "g[3m] offset 30s", "h[2m30s]",
                                           "b_bucket[5m]",  "{a=~\".+\"}[90s]", "c[4m] anchored",
                                           "g[2m] smoothed"};
    static const char *const scalars[] = {"0.5", "2",      "-1",        "NaN",
                                          "Inf", "time()", "scalar(g)", "1e3"};
    static const char *const strings[] = {"\"a\"", "\"le\"", "\"$1\"", "\"(.*)\"", "\"\""};

    switch (type) {
    case VALUE_MATRIX:
        if (take(from, 3) == 1) {
            buf_c(text, "(");
            put_vector(text, from, depth + 1);
            buf_c(text, ")[3m:45s]");
        } else {
            buf_c(text, PICK(from, matrices));
        }
        return;
    case VALUE_SCALAR:
        buf_c(text, PICK(from, scalars));
        return;
    case VALUE_STRING:
        buf_c(text, PICK(from, strings));
        return;
    case VALUE_NONE:
    case VALUE_VECTOR:
        put_vector(text, from, depth + 1);
        return;
    }
}

static inline void put_call(struct buf *text, struct bytes *from, int depth)
{
    const struct function *f = function_at(take(from, FUNCTION_COUNT));
    size_t count = f->arg_count;

    /* Those that speak of the query's own range differ by design. */
    if (f->id == FUNCTION_start || f->id == FUNCTION_end || f->id == FUNCTION_range ||
        f->id == FUNCTION_step || f->result == VALUE_STRING) {
        f = function_at(FUNCTION_abs);
        count = 1;
    }
    if (f->variadic != 0 && take(from, 2) == 0) {
        count--;
    }
    buf_printf(text, f->result == VALUE_SCALAR ? "vector(%s(" : "%s(", f->name);
    for (size_t i = 0; i < count; i++) {
        buf_c(text, i > 0 ? ", " : "");
        if (f->id == FUNCTION_info && i == 1) {
            buf_c(text, "{b=~\".+\"}");
        } else {
            put_argument(text, from, f->args[i], depth);
        }
    }
    buf_c(text, f->result == VALUE_SCALAR ? "))" : ")");
}

static inline void put_aggregate(struct buf *text, struct bytes *from, int depth)
{
    static const char *const groupings[] = {"", " by (a)", " without (b, le)", " by (__name__)"};
    enum aggregate_op op = take(from, AGG_OP_COUNT);

    buf_printf(text, "%s%s (", aggregate_op_name(op), PICK(from, groupings));
    if (op == AGG_COUNT_VALUES) {
        buf_c(text, "\"v\", ");
    } else if (op == AGG_BOTTOMK || op == AGG_TOPK || op == AGG_LIMITK || op == AGG_QUANTILE ||
               op == AGG_LIMIT_RATIO) {
        put_argument(text, from, VALUE_SCALAR, depth);
        buf_c(text, ", ");
    }
    put_vector(text, from, depth + 1);
    buf_c(text, ")");
}

static inline void put_binary(struct buf *text, struct bytes *from, int depth)
{
    static const char *const matchings[] = {"",
                                            "on (a)",
                                            "ignoring (b)",
                                            "on (a, b)",
                                            "on (a) group_left (b)",
                                            "ignoring (b) fill (1)"};
    enum binary_op op = take(from, OP_COUNT);
    bool set = binary_op_is_set(op);
    bool with_scalar = !set && take(from, 2) == 1;

    buf_c(text, "(");
    put_vector(text, from, depth + 1);
    buf_printf(text, " %s %s ", binary_op_name(op),
               binary_op_is_comparison(op) && take(from, 2) == 1 ? "bool" : "");
    if (with_scalar) {
        put_argument(text, from, VALUE_SCALAR, depth);
    } else {
        buf_printf(text, "%s ", matchings[take(from, set ? 4 : ARRAY_COUNT(matchings))]);
        put_vector(text, from, depth + 1);
    }
    buf_c(text, ")");
}

static inline void put_vector(struct buf *text, struct bytes *from, int depth)
{
    static const char *const selectors[] = {"c",         "g",           "h",       "b_bucket",
                                            "{a=\"1\"}", "c offset 1m", "g @ 120", "h offset -30s"};

    switch (depth < DEPTH_MAX ? take(from, 6) : 0) {
    case 1:
    case 2:
        put_call(text, from, depth);
        return;
    case 3:
        put_aggregate(text, from, depth);
        return;
    case 4:
        put_binary(text, from, depth);
        return;
    case 5:
        buf_c(text, "-");
        put_vector(text, from, depth + 1);
        return;
    default:
        buf_c(text, PICK(from, selectors));
        return;
    }
}

/* NaN is NaN, whatever its sign. */
static inline bool point_eq(const struct point *a, const struct point *b)
{
    struct buf texts[2] = {0};
    bool eq = a->h != NULL && b->h != NULL;

    if (!eq) {
        return a->h == b->h &&
               (value_bits(a->v) == value_bits(b->v) || (isnan(a->v) && isnan(b->v)));
    }
    histogram_format(&texts[0], a->h);
    histogram_format(&texts[1], b->h);
    eq = a->h->schema == b->h->schema && str_eq(buf_view(&texts[0]), buf_view(&texts[1]));
    buf_done(&texts[0]);
    buf_done(&texts[1]);
    return eq;
}

static inline const struct point *point_at(const struct query_result *range, struct labels metric,
                                           ts t)
{
    for (size_t i = 0; i < range->series_count; i++) {
        for (size_t k = 0; k < range->series[i].count; k++) {
            if (range->series[i].points[k].t == t && labels_eq(range->series[i].metric, metric)) {
                return &range->series[i].points[k];
            }
        }
    }
    return NULL;
}

/* check_step: what a range query has at a time is the instant query's answer. */
static inline void check_step(const struct query_result *range, const struct query_result *instant,
                              ts t)
{
    size_t count = 0;

    for (size_t i = 0; i < range->series_count; i++) {
        for (size_t k = 0; k < range->series[i].count; k++) {
            count += range->series[i].points[k].t == t;
        }
    }
    ASSERT(count == instant->series_count);
    for (size_t i = 0; i < instant->series_count; i++) {
        const struct point *point = point_at(range, instant->series[i].metric, t);

        ASSERT(point != NULL && point_eq(point, &instant->series[i].points[0]));
    }
}
