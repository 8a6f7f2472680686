#include <math.h>
#include <stdlib.h>

#include "base/num.h"
#include "promql/engine.h"
#include "promql/functions.h"
#include "testing/test.h"

static const struct engine_options options = {.lookback = 5 * DUR_MINUTE,
                                              .default_step = DUR_MINUTE,
                                              .samples_max = 1000000,
                                              .memory_bytes_max = (size_t)256 << 20,
                                              .features = {.experimental_functions = true,
                                                           .duration_expressions = true,
                                                           .extended_range = true,
                                                           .binop_fill = true}};

struct store {
    struct memstore *memory;
    struct arena arena;
};

static void store_done(struct store *store)
{
    store->memory = memstore_free(store->memory);
    arena_done(&store->arena);
}

/* Values one minute apart, from time 0; "_" is a gap, "s" a stale marker. */
static void store_add(struct store *store, const char *metric, const char *values)
{
    struct baro_error err = {0};
    struct labels labels = {0};
    str rest = str_from(values);
    ts t = 0;

    if (store->memory == NULL) {
        store->memory = memstore_new();
    }
    assert_ok(promql_parse_metric(&store->arena, str_from(metric), &labels, &err), &err);
    for (str part; str_split_next(&rest, ' ', &part); t += DUR_MINUTE) {
        double v = value_stale();

        if (str_is(part, "_")) {
            continue;
        }
        assert_true(str_is(part, "s") || num_parse_double(part, &v));
        assert_ok(memstore_append(store->memory, labels, t, v, &err), &err);
    }
}

static void store_fill(struct store *store)
{
    store_add(store, "requests_total{job=\"a\",status=\"200\"}",
              "0 10 20 30 40 50 60 70 80 90 100");
    store_add(store, "requests_total{job=\"a\",status=\"500\"}", "0 1 2 3 4 5 0 1 2 3 4");
    store_add(store, "requests_total{job=\"b\",status=\"200\"}", "0 5 10 15 20 25 30 35 40 45 50");
    store_add(store, "build_info{job=\"a\",version=\"1\"}", "1 1 1 1 1 1 1 1 1 1 1");
    store_add(store, "build_info{job=\"b\",version=\"2\"}", "1 1 1 1 1 1 1 1 1 1 1");
    store_add(store, "gone{job=\"a\"}", "1 2 3 s");
}

/* The result as text: one "labels: v@t v@t" a series. */
static void result_text(struct buf *buf, const struct query_result *result)
{
    if (result->type == VALUE_SCALAR) {
        buf_double(buf, result->scalar, NUM_G);
        return;
    }
    if (result->type == VALUE_STRING) {
        buf_str(buf, result->string);
        return;
    }
    for (size_t s = 0; s < result->series_count; s++) {
        const struct result_series *series = &result->series[s];

        buf_c(buf, s == 0 ? "" : "; ");
        labels_format(buf, series->metric);
        for (size_t i = 0; i < series->count; i++) {
            buf_char(buf, ' ');
            buf_double(buf, series->points[i].v, NUM_G);
            if (result->type == VALUE_MATRIX) {
                buf_printf(buf, "@%lld", (long long)(series->points[i].t / 1000));
            }
        }
    }
}

static int run(const struct store *store, const struct query *query, struct buf *ret,
               struct baro_error *err)
{
    struct query_result result = {0};
    int r = engine_run(&options, memstore_queryable(store->memory), query, &result, err);

    if (r >= 0) {
        result_text(ret, &result);
        for (size_t i = 0; i < result.annotations.warning_count; i++) {
            buf_printf(ret, " | %.*s", STR_ARG(result.annotations.warnings[i]));
        }
        for (size_t i = 0; i < result.annotations.info_count; i++) {
            buf_printf(ret, " | %.*s", STR_ARG(result.annotations.infos[i]));
        }
        query_result_done(&result);
    } else {
        buf_c(ret, err->message);
    }
    return r;
}

TEST(engine_answers_instant_queries)
{
    static const struct {
        const char *query;
        ts at_minute;
        const char *want;
    } cases[] = {
        {"vector(1)", 0, "{} 1"},
        {"1 + 2 * 3", 0, "7"},
        {"\"text\"", 0, "text"},
        {"requests_total{job=\"b\"}", 2, "requests_total{job=\"b\", status=\"200\"} 10"},
        {"gone", 2, "gone{job=\"a\"} 3"},
        {"gone", 4, ""},
        {"absent(gone{job=\"a\",x!=\"y\"})", 4, "{job=\"a\"} 1"},
        {"sum(requests_total)", 10, "{} 154"},
        {"sum by (job) (requests_total)", 10, "{job=\"a\"} 104; {job=\"b\"} 50"},
        {"count(requests_total > 10)", 10, "{} 2"},
        {"max without (status) (requests_total)", 10, "{job=\"a\"} 100; {job=\"b\"} 50"},
        {"avg(requests_total{job=\"b\"})", 10, "{} 50"},
        {"increase(requests_total{status=\"500\"}[5m])", 5, "{job=\"a\", status=\"500\"} 5"},
        {"rate(requests_total{job=\"b\"}[5m])", 10,
         "{job=\"b\", status=\"200\"} 0.08333333333333333"},
        {"requests_total * on (job) group_left (version) build_info", 1,
         "{job=\"a\", status=\"200\", version=\"1\"} 10; {job=\"a\", status=\"500\", "
         "version=\"1\"} 1; "
         "{job=\"b\", status=\"200\", version=\"2\"} 5"},
        {"topk(1, requests_total)", 10, "requests_total{job=\"a\", status=\"200\"} 100"},
        {"quantile(0.5, requests_total)", 10, "{} 50"},
        {"sort_desc(requests_total{job=\"a\"})", 10,
         "requests_total{job=\"a\", status=\"200\"} 100; requests_total{job=\"a\", status=\"500\"} "
         "4"},
        {"max_over_time(sum(requests_total)[5m:1m])", 10, "{} 154"},
        {"requests_total{job=\"b\"} @ 120 + 1", 10, "{job=\"b\", status=\"200\"} 11"},
        {"rate(gone[5m])", 2,
         "{job=\"a\"} 0.008333333333333333 | PromQL info: metric might not be a counter, name does "
         "not "
         "end in _total/_sum/_count/_bucket: \"gone\" (1:6)"},
        {"label_replace(gone, \"x\", \"<$1>\", \"job\", \"(.)\")", 2,
         "gone{job=\"a\", x=\"<a>\"} 3"},
        {"gone[2m]", 2, "gone{job=\"a\"} 2@60 3@120"},
        {"year(vector(1582934400)) * 10000 + month(vector(1582934400)) * 100 + "
         "day_of_month(vector(1582934400))",
         0, "{} 2.0200229e+07"},
    };
    struct store store = {0};

    store_fill(&store);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct query query = {.text = str_from(cases[i].query),
                              .start = cases[i].at_minute * DUR_MINUTE,
                              .end = cases[i].at_minute * DUR_MINUTE};
        struct baro_error err = {0};
        struct buf got = {0};

        test_row(cases[i].query);
        assert_ok(run(&store, &query, &got, &err), &err);
        assert_str_equal(buf_view(&got), str_from(cases[i].want));
        buf_done(&got);
    }
    test_row(NULL);
    store_done(&store);
}

TEST(functions_table_is_sorted)
{
    for (size_t i = 0; i < FUNCTION_COUNT; i++) {
        const struct function *function = function_at((enum function_id)i);

        test_row(function->name);
        assert_true(i == 0 ||
                    strcmp(function_at((enum function_id)(i - 1))->name, function->name) < 0);
        assert_ptr_equal(function_get(str_from(function->name)), function);
        assert_true(function->help[0] != '\0' && function->arg_count <= FUNCTION_ARGS_MAX);
        assert_int_equal(function->arg_count == 0, function->args[0] == VALUE_NONE);
    }
    test_row(NULL);
    assert_null(function_get(STR("")));
    assert_null(function_get(STR("rat")));
    assert_null(function_get(STR("ratee")));
}
