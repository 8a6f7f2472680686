/* promql_engine: random expressions, nearly all well-typed, over random samples: no crash, and
 * a range query's value at a step is the instant query's. The first half of the input chooses the
 * expression, the second half the samples. */
#include <math.h>

#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "model/histogram.h"
#include "promql/engine.h"
#include "promql/functions.h"

enum { STEPS = 8, DEPTH_MAX = 5 };

struct bytes {
    const uint8_t *at;
    size_t left;
};

static unsigned take(struct bytes *from, unsigned below)
{
    if (from->left == 0) {
        return 0;
    }
    from->left--;
    return *from->at++ % below;
}

#define PICK(from, words) ((words)[take((from), ARRAY_COUNT(words))])

static void put_vector(struct buf *text, struct bytes *from, int depth);

static void put_argument(struct buf *text, struct bytes *from, enum value_type type, int depth)
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

static void put_call(struct buf *text, struct bytes *from, int depth)
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

static void put_aggregate(struct buf *text, struct bytes *from, int depth)
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

static void put_binary(struct buf *text, struct bytes *from, int depth)
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

static void put_vector(struct buf *text, struct bytes *from, int depth)
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

static void append_sample(struct memstore *store, struct labels labels, struct bytes *from, ts t)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, 0, -0.0, 1e300, 5e-324, 1e-9};
    static const double bounds[] = {1, 5};
    struct histogram_span span = {(int32_t)take(from, 3), 2};
    double counts[2] = {take(from, 16)};
    struct histogram h = {.schema = span.offset == 2 ? HISTOGRAM_SCHEMA_CUSTOM : 1 - span.offset,
                          .zero_count = 0,
                          .positive = {&span, counts, 1, 2}};
    struct sample sample = {.t = t, .v = take(from, 64) / 4.0 - 4, .st = t / 2};
    unsigned kind = take(from, 8);

    counts[1] = take(from, 16);
    h.count = counts[0] + counts[1];
    h.sum = counts[1] * 3;
    if (h.schema == HISTOGRAM_SCHEMA_CUSTOM) {
        span.offset = 0;
        h.custom = bounds;
        h.custom_count = 2;
    }
    if (kind == 7) {
        return; /* a gap */
    }
    if (kind == 6) {
        sample.v = value_stale();
    } else if (kind == 5) {
        sample.v = PICK(from, odd);
    } else if (kind >= 3) {
        h.hint = kind == 4 ? HISTOGRAM_HINT_GAUGE : HISTOGRAM_HINT_UNKNOWN;
        sample.h = &h;
        sample.v = h.sum;
    }
    (void)memstore_append_sample(store, labels, &sample, NULL);
}

static struct memstore *make_store(struct bytes *from)
{
    static const char *const names[] = {
        "c{a=\"1\"}",
        "c{a=\"2\"}",
        "g{a=\"1\",b=\"x\"}",
        "g{a=\"2\",b=\"y\"}",
        "h{a=\"1\"}",
        "b_bucket{a=\"1\",le=\"1\"}",
        "b_bucket{a=\"1\",le=\"5\"}",
        "b_bucket{a=\"1\",le=\"+Inf\"}",
    };
    struct memstore *store = memstore_new();
    struct arena arena = {0};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct labels labels = {0};
        int r = promql_parse_metric(&arena, str_from(names[i]), &labels, NULL);

        ASSERT(r >= 0);
        for (ts t = 0; t < 2 * STEPS * DUR_MINUTE && from->left > 0; t += 30 * DUR_SECOND) {
            append_sample(store, labels, from, t);
        }
    }
    arena_done(&arena);
    return store;
}

static const struct point *point_at(const struct query_result *range, struct labels metric, ts t)
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

/* NaN is NaN, whatever its sign. */
static bool point_eq(const struct point *a, const struct point *b)
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

static void check_step(const struct query_result *range, const struct query_result *instant, ts t)
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

static void evaluate(struct memstore *store, str text, ts t)
{
    static const struct engine_options options = {.lookback = 2 * DUR_MINUTE,
                                                  .default_step = DUR_MINUTE,
                                                  .samples_max = 100000,
                                                  .memory_bytes_max = (size_t)16 << 20,
                                                  .features = {1, 1, 1, 1, 1, 0, 0}};
    struct query query = {.text = text, .end = (STEPS - 1) * DUR_MINUTE, .step = DUR_MINUTE};
    struct query at = {.text = text, .start = t, .end = t};
    struct query_result range = {0};
    struct query_result instant = {0};
    int r = engine_run(&options, memstore_queryable(store), &query, &range, NULL);
    int one = engine_run(&options, memstore_queryable(store), &at, &instant, NULL);

    ASSERT((r == BARO_EPARSE) == (one == BARO_EPARSE)); /* e.g. rate(x[1m] smoothed) is none */
    ASSERT(r < 0 || one >= 0); /* what works at all steps works at each of them */
    if (r >= 0) {
        check_step(&range, &instant, t);
        query_result_done(&range);
    }
    if (one >= 0) {
        query_result_done(&instant);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes shape = {data, size / 2};
    struct bytes samples = {data + size / 2, size - size / 2};
    struct buf text = {.limit = 4096};
    struct memstore *store;
    ts t = (ts)take(&shape, STEPS) * DUR_MINUTE;

    put_vector(&text, &shape, 0);
    if (!text.failed) {
        store = make_store(&samples);
        evaluate(store, buf_view(&text), t);
        memstore_free(store);
    }
    buf_done(&text);
    return 0;
}
