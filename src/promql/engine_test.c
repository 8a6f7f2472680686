#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "model/histogram.h"
#include "promql/engine.h"
#include "promql/functions.h"
#include "promql/promqltest.h"
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
        /* The sample's time, with and without the feature of start timestamps. */
        {"timestamp(build_info{job=\"a\"})", 12, "{job=\"a\", version=\"1\"} 600"},
        {"timestamp(build_info{job=\"a\"} @ 630)", 12, "{job=\"a\", version=\"1\"} 600"},
        {"vector(1)", 0, "{} 1"},
        {"1 + 2 * 3", 0, "7"},
        {"\"text\"", 0, "text"},
        {"requests_total{job=\"b\"}", 2, "requests_total{job=\"b\", status=\"200\"} 10"},
        {"gone", 2, "gone{job=\"a\"} 3"},
        {"gone", 4, ""},
        {"absent(gone{job=\"a\",x!=\"y\"})", 4, "{job=\"a\"} 1"},
        {"absent(gone{x!=\"y\",x=\"z\",job=\"b\",job=\"b\"})", 4, "{x=\"z\"} 1"},
        {"absent(gone{x=\"z\",x!=\"y\",y=\"\"})", 4, "{} 1"},
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

TEST(engine_answers_range_queries)
{
    static const struct {
        const char *query;
        const char *want; /* minutes 1 to 4, step 1 m */
    } cases[] = {
        {"gone", "gone{job=\"a\"} 2@60 3@120"},
        {"1", "{} 1@60 1@120 1@180 1@240"},
        {"time()", "{} 60@60 120@120 180@180 240@240"},
        {"sum(requests_total{job=\"a\"})", "{} 11@60 22@120 33@180 44@240"},
        {"gone or gone offset 2m", "gone{job=\"a\"} 2@60 3@120 2@180 3@240"},
        {"requests_total{job=\"b\"} > 5 < 20",
         "requests_total{job=\"b\", status=\"200\"} 10@120 15@180"},
        {"requests_total{job=\"b\"} >bool 5", "{job=\"b\", status=\"200\"} 0@60 1@120 1@180 1@240"},
        {"requests_total{status=\"200\"} and on (job) gone",
         "requests_total{job=\"a\", status=\"200\"} 10@60 20@120"},
        {"requests_total{status=\"200\"} unless on (job) gone",
         "requests_total{job=\"a\", status=\"200\"} 30@180 40@240; requests_total{job=\"b\", "
         "status=\"200\"} 5@60 10@120 15@180 20@240"},
        {"gone @ 120", "gone{job=\"a\"} 3@60 3@120 3@180 3@240"},
        {"sum_over_time(gone[2m:30s])", "{job=\"a\"} 4@60 8@120 8@180 3@240"},
        {"count_values(\"v\", requests_total)",
         "{v=\"1\"} 1@60; {v=\"10\"} 1@60 1@120; {v=\"15\"} 1@180; {v=\"2\"} 1@120; {v=\"20\"} "
         "1@120 "
         "1@240; {v=\"3\"} 1@180; {v=\"30\"} 1@180; {v=\"4\"} 1@240; {v=\"40\"} 1@240; {v=\"5\"} "
         "1@60"},
        {"bottomk(1, requests_total)",
         "requests_total{job=\"a\", status=\"500\"} 1@60 2@120 3@180 4@240"},
        {"absent(gone)", "{} 1@180 1@240"},
        {"sum by (job) (gone) + 1", "{job=\"a\"} 3@60 4@120"},
    };
    struct store store = {0};

    store_fill(&store);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct query query = {.text = str_from(cases[i].query),
                              .start = DUR_MINUTE,
                              .end = 4 * DUR_MINUTE,
                              .step = DUR_MINUTE};
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

TEST(engine_fails_as_prometheus_does)
{
    static const struct {
        const char *query;
        int code;
        const char *want;
    } cases[] = {
        {"build_info * requests_total", BARO_EEXEC, NULL},
        {"gone * on (job) requests_total", BARO_EEXEC,
         "found duplicate series for the match group {job=\"a\"} on the right hand-side of the "
         "operation: [{__name__=\"requests_total\", job=\"a\", status=\"200\"}, "
         "{__name__=\"requests_total\", job=\"a\", status=\"500\"}];many-to-many m"},
        {"requests_total * on (job) build_info", BARO_EEXEC,
         "multiple matches for labels: many-to-one matching must be explicit "
         "(group_left/group_right)"},
        {"abs({job=\"a\",status=\"\"})", BARO_EEXEC, NULL},
        {"rate({job=\"a\",status=\"\"}[5m])", BARO_EEXEC, NULL},
        {"label_replace(requests_total, \"status\", \"\", \"\", \"\")", BARO_EEXEC,
         "vector cannot contain metrics with the same labelset"},
        {"label_replace(gone, \"x\", \"\", \"\", \"(\")", BARO_EEXEC,
         "invalid regular expression in label_replace(): ("},
        {"label_join(gone, \"\", \"\", \"job\")", BARO_EEXEC,
         "invalid destination label name in label_join(): "},
        {"topk(NaN, gone)", BARO_EEXEC, "Parameter value is NaN"},
        {"topk(1e30, gone)", BARO_EEXEC, "Scalar value 1e+30 overflows int64"},
        {"limit_ratio(NaN, gone)", BARO_EEXEC, "Ratio value is NaN"},
        {"count_values(\"\", gone)", BARO_EEXEC, "invalid label name \"\""},
        {"max_over_time(gone[1m] smoothed)", BARO_EEXEC,
         "smoothed modifier can only be used with: delta, increase, rate - not with max_over_time"},
        {"absent_over_time(gone[1m] smoothed)", BARO_EEXEC,
         "smoothed modifier can only be used with: delta, increase, rate - not with "
         "absent_over_time"},
        {"gone[5m", BARO_EPARSE, NULL},
    };
    struct store store = {0};

    store_fill(&store);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct query query = {
            .text = str_from(cases[i].query), .start = 2 * DUR_MINUTE, .end = 2 * DUR_MINUTE};
        struct baro_error err = {0};
        struct buf got = {0};
        int r;

        test_row(cases[i].query);
        r = run(&store, &query, &got, &err);
        if (cases[i].want == NULL) {
            assert_true(r == cases[i].code || r >= 0);
        } else {
            assert_int_equal(r, cases[i].code);
            assert_true(str_has_prefix(str_from(cases[i].want), str_from(err.message)) ||
                        str_has_prefix(str_from(err.message), str_from(cases[i].want)));
        }
        buf_done(&got);
    }
    test_row(NULL);
    store_done(&store);
}

TEST(engine_refuses_times_that_overflow)
{
    static const char *const queries[] = {
        "gone offset 200y @ 9e15",
        "gone @ 9e14",
        "sum_over_time(gone[1d*1e14])",
        "sum_over_time(gone[100y:1y] @ 9e14)",
        "gone offset (1d*1e15)",
        "max_over_time(max_over_time(gone[1d*5e9:1d*5e9])[1d*5e9:1d*5e9])",
        "max_over_time(gone[1d*5e9:1d*5e9] offset -(1d*5e9))",
    };
    struct store store = {0};

    store_fill(&store);
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++) {
        struct query query = {.text = str_from(queries[i])};
        struct query_result result = {0};

        test_row(queries[i]);
        assert_true(engine_run(&options, memstore_queryable(store.memory), &query, &result, NULL) <
                    0);
    }
    test_row("time of the query");
    for (size_t i = 0; i < 3; i++) {
        static const struct query times[3] = {{.start = INT64_MIN, .end = INT64_MIN},
                                              {.start = 0, .end = INT64_MAX, .step = 1},
                                              {.start = 5, .end = 1, .step = 1}};
        struct query query = times[i];
        struct query_result result = {0};

        query.text = STR("gone");
        assert_int_equal(
            engine_run(&options, memstore_queryable(store.memory), &query, &result, NULL),
            BARO_EINVALID);
    }
    test_row(NULL);
    store_done(&store);
}

TEST(engine_keeps_its_limits)
{
    static const char *const queries[] = {
        "requests_total",
        "sum_over_time(requests_total[10m])",
        "rate(requests_total[5m])",
        "requests_total * 2",
        "vector(1)",
        "max_over_time(vector(1)[10000d:1ms])",
        "requests_total + requests_total",
        "count_values(\"v\", requests_total)",
    };
    struct store store = {0};

    store_fill(&store);
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++) {
        struct engine_options small = options;
        struct query query = {.text = str_from(queries[i]),
                              .start = DUR_MINUTE,
                              .end = 10 * DUR_MINUTE,
                              .step = 1000};
        struct query_result result = {0};
        struct baro_error err = {0};

        test_row(queries[i]);
        small.samples_max = 2;
        assert_int_equal(
            engine_run(&small, memstore_queryable(store.memory), &query, &result, &err),
            BARO_ELIMIT);
        assert_string_equal(err.message, "query processing would load too many samples into memory "
                                         "in query execution");
        small.samples_max = 0;
        small.memory_bytes_max = 4000;
        assert_int_equal(
            engine_run(&small, memstore_queryable(store.memory), &query, &result, &err),
            BARO_ELIMIT);
    }
    test_row(NULL);
    store_done(&store);
}

/* What thousands of steps say alike takes memory once: 180,000 times here. */
TEST(engine_annotates_within_its_memory)
{
    static const struct {
        const char *text;
        const char *note;
    } cases[] = {
        {"min(h)", "PromQL info: ignored histogram in min aggregation (1:5)"},
        {"h > 1", "PromQL info: incompatible sample types encountered for binary operator \">\": "
                  "histogram > float (1:1)"},
        {"count(rate(h[2m]))",
         "PromQL warning: this native histogram metric is not a counter: \"h\" (1:12)"},
    };
    struct histogram_span span = {0, 1};
    double buckets[1] = {1};
    struct histogram h = {
        .hint = HISTOGRAM_HINT_GAUGE, .count = 1, .sum = 1, .positive = {&span, buckets, 1, 1}};
    struct engine_options small = options;
    struct store store = {.memory = memstore_new()};

    for (unsigned i = 0; i < 90; i++) {
        struct label items[] = {{STR("__name__"), STR("h")},
                                {STR("i"), arena_printf(&store.arena, "%u", i)}};

        for (ts t = 0; t <= 4 * DUR_MINUTE; t += DUR_MINUTE) {
            struct sample sample = {.t = t, .v = 1, .h = &h};

            assert_ok(
                memstore_append_sample(store.memory, (struct labels){items, 2}, &sample, NULL),
                NULL);
        }
    }
    small.memory_bytes_max = (size_t)12 << 20;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        bool rate = i == 2;
        struct query query = {.text = str_from(cases[i].text),
                              .start = 2 * DUR_MINUTE,
                              .end = 4 * DUR_MINUTE,
                              .step = rate ? 4000 : 60};
        struct query_result result = {0};
        struct baro_error err = {0};
        const struct annotations *notes = &result.annotations;

        test_row(cases[i].text);
        assert_ok(engine_run(&small, memstore_queryable(store.memory), &query, &result, &err),
                  &err);
        assert_int_equal(notes->warning_count + notes->info_count, 1);
        assert_str_equal(rate ? notes->warnings[0] : notes->infos[0], str_from(cases[i].note));
        query_result_done(&result);
    }
    test_row(NULL);
    store_done(&store);
}

TEST(engine_stops_when_told)
{
    struct engine_options slow = options;
    const _Atomic bool stop = true;
    struct query query = {.text =
                              STR("count_values(\"v\", sum_over_time(requests_total[10m:10ms]))"),
                          .start = 0,
                          .end = 10 * DUR_MINUTE,
                          .step = 10,
                          .cancel = &stop};
    struct query_result result = {0};
    struct baro_error err = {0};
    struct store store = {0};

    slow.samples_max = 0;
    store_fill(&store);
    assert_int_equal(engine_run(&slow, memstore_queryable(store.memory), &query, &result, &err),
                     BARO_ECANCELED);
    assert_string_equal(err.message, "query was canceled in expression evaluation");
    query.cancel = NULL;
    slow.timeout = 1;
    assert_int_equal(engine_run(&slow, memstore_queryable(store.memory), &query, &result, &err),
                     BARO_ETIMEOUT);
    assert_string_equal(err.message, "query timed out in expression evaluation");
    store_done(&store);
}

/* As Prometheus counts: a sample once for each step that looks at it, a subquery by its windows. */
TEST(engine_counts_samples_by_step)
{
    static const struct {
        const char *text;
        uint64_t each; /* at every one of the steps 3 to 5 m */
    } cases[] = {
        {"vector(1)", 0},
        {"requests_total", 3},
        {"sum(requests_total) / sum(requests_total)", 6},
        {"rate(requests_total[2m])", 6},
        {"max_over_time(requests_total[2m])", 6},
        {"max_over_time(sum(requests_total)[3m:1m])", 3},
        {"requests_total @ 60 + requests_total", 6},
    };
    struct store store = {0};

    store_fill(&store);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct query query = {.text = str_from(cases[i].text),
                              .start = 3 * DUR_MINUTE,
                              .end = 5 * DUR_MINUTE,
                              .step = DUR_MINUTE,
                              .per_step_stats = true};
        struct query_result result = {0};
        struct baro_error err = {0};

        test_row(cases[i].text);
        assert_ok(engine_run(&options, memstore_queryable(store.memory), &query, &result, &err),
                  &err);
        assert_int_equal(result.stats.steps, 3);
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(result.stats.samples_per_step[k], cases[i].each);
        }
        assert_int_equal(result.stats.samples_read, 3 * cases[i].each);
        query_result_done(&result);
        query.per_step_stats = false;
        assert_ok(engine_run(&options, memstore_queryable(store.memory), &query, &result, &err),
                  &err);
        assert_null(result.stats.samples_per_step);
        assert_int_equal(result.stats.samples_read, 3 * cases[i].each);
        query_result_done(&result);
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

static char *read_script(const char *path)
{
    static char text[1 << 20];
    FILE *file = fopen(path, "re");
    size_t size;

    assert_non_null(file);
    size = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    assert_true(size > 0 && size < sizeof(text) - 1);
    text[size] = '\0';
    return text;
}

TEST(functions_all_occur_in_their_script)
{
    const char *script = read_script("tests/promql/functions.test");

    for (size_t i = 0; i < FUNCTION_COUNT; i++) {
        char call[64];
        const char *found = script;
        bool whole = false;

        test_row(function_at((enum function_id)i)->name);
        (void)snprintf(call, sizeof(call), "%s(", function_at((enum function_id)i)->name);
        while (!whole && (found = strstr(found, call)) != NULL) {
            whole = strchr(" (-", found[-1]) != NULL;
            found++;
        }
        assert_true(whole);
    }
    test_row(NULL);
}

TEST(engine_passes_its_scripts)
{
    static const char *const scripts[] = {"functions.test", "native_histograms.test",
                                          "operators.test", "reference.test"};

    for (size_t i = 0; i < ARRAY_COUNT(scripts); i++) {
        struct promqltest_options thorough = {.thorough = true};
        struct promqltest_report report = {0};
        struct baro_error err = {0};
        struct buf text = {0};
        char path[64];

        test_row(scripts[i]);
        (void)snprintf(path, sizeof(path), "tests/promql/%s", scripts[i]);
        assert_ok(promqltest_run(str_from(scripts[i]), str_from(read_script(path)), &thorough,
                                 &report, &err),
                  &err);
        promqltest_report_print(&text, str_from(scripts[i]), &report);
        if (report.counts[PROMQLTEST_PASSED] != report.evals.count) {
            fail_msg("%.*s", STR_ARG(buf_view(&text)));
        }
        assert_true(report.evals.count > 0);
        buf_done(&text);
        promqltest_report_done(&report);
    }
    test_row(NULL);
}

/* Series with resets, gaps, stale markers and NaN, at uneven distances. */
static void store_random(struct store *store, uint32_t seed)
{
    static const char *const names[] = {"m_total{i=\"0\"}", "m_total{i=\"1\"}", "m_total{i=\"2\"}"};

    store->memory = memstore_new();
    for (size_t s = 0; s < ARRAY_COUNT(names); s++) {
        struct labels labels = {0};
        struct baro_error err = {0};
        double v = 0;
        ts t = 0;

        assert_ok(promql_parse_metric(&store->arena, str_from(names[s]), &labels, &err), &err);
        for (size_t i = 0; i < 300; i++) {
            uint32_t dice;

            seed = seed * 1664525 + 1013904223;
            dice = seed >> 24;
            t += 5000 + (dice & 7) * 2000 + (dice > 250 ? 10 * DUR_MINUTE : 0);
            v = dice < 8 ? 0 : v + (double)(dice & 15);
            assert_ok(memstore_append(store->memory, labels, t,
                                      dice == 20   ? value_stale()
                                      : dice == 21 ? NAN
                                                   : v,
                                      &err),
                      &err);
        }
    }
}

static bool same_value(double a, double b)
{
    return value_bits(a) == value_bits(b) || (isnan(a) && isnan(b)) ||
           fabs(a - b) <= 1e-12 * fmax(fabs(a), fabs(b));
}

static void compare_step(const struct query_result *range, const struct query_result *instant,
                         ts at)
{
    size_t found = 0;

    for (size_t s = 0; s < range->series_count; s++) {
        const struct result_series *series = &range->series[s];

        for (size_t i = 0; i < series->count; i++) {
            bool equal = false;

            if (series->points[i].t != at) {
                continue;
            }
            found++;
            for (size_t k = 0; k < instant->series_count; k++) {
                equal |= labels_eq(instant->series[k].metric, series->metric) &&
                         same_value(instant->series[k].points[0].v, series->points[i].v);
            }
            assert_true(equal);
        }
    }
    assert_int_equal(found, instant->series_count);
}

TEST(engine_range_queries_equal_instant_queries)
{
    static const char *const queries[] = {
        "m_total",
        "rate(m_total[2m])",
        "increase(m_total[45s])",
        "delta(m_total[5m] offset 1m)",
        "irate(m_total[1m])",
        "resets(m_total[10m])",
        "changes(m_total[10m])",
        "max_over_time(m_total[7m])",
        "min_over_time(m_total[7m])",
        "avg_over_time(m_total[3m])",
        "sum_over_time(m_total[30s])",
        "quantile_over_time(0.7, m_total[5m])",
        "stddev_over_time(m_total[5m])",
        "deriv(m_total[5m])",
        "predict_linear(m_total[5m], 60)",
        "rate(m_total[1m] anchored)",
        "increase(m_total[1m] smoothed)",
        "m_total smoothed",
        "timestamp(m_total)",
        "sum(m_total) - avg(m_total)",
        "m_total{i=\"0\"} or m_total{i=\"1\"} > 100",
        "m_total / ignoring (i) group_left sum(m_total)",
        "max_over_time(rate(m_total[1m])[10m:20s])",
        "topk(2, m_total)",
        "absent(m_total{i=\"2\"})",
    };
    struct store store = {0};

    store_random(&store, 7);
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++) {
        struct query query = {
            .text = str_from(queries[i]), .start = 0, .end = 70 * DUR_MINUTE, .step = 37000};
        struct query_result range = {0};
        struct baro_error err = {0};

        test_row(queries[i]);
        assert_ok(engine_run(&options, memstore_queryable(store.memory), &query, &range, &err),
                  &err);
        for (ts at = query.start; at <= query.end; at += query.step) {
            struct query once = {.text = query.text, .start = at, .end = at};
            struct query_result instant = {0};

            assert_ok(engine_run(&options, memstore_queryable(store.memory), &once, &instant, &err),
                      &err);
            compare_step(&range, &instant, at);
            query_result_done(&instant);
        }
        query_result_done(&range);
    }
    test_row(NULL);
    store_done(&store);
}

/* ---- killing ---- */

enum { KILL_SERIES = 30000 };

struct killed {
    struct memstore *store;
    struct query query;
    _Atomic bool kill;
    _Atomic bool done;
    _Atomic int result;
    _Atomic int64_t cpu_at_end;
};

static int64_t thread_cpu(clockid_t clock)
{
    struct timespec now = {0};

    (void)clock_gettime(clock, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void *run_to_be_killed(void *argument)
{
    struct killed *killed = argument;
    struct query_result result = {0};
    struct engine_options wide = options;
    int r;

    wide.samples_max = 50000000;
    wide.memory_bytes_max = (size_t)1600 << 20;
    r = engine_run(&wide, memstore_queryable(killed->store), &killed->query, &result, NULL);
    atomic_store(&killed->result, r);
    atomic_store(&killed->cpu_at_end, thread_cpu(CLOCK_THREAD_CPUTIME_ID));
    query_result_done(&result);
    atomic_store(&killed->done, true);
    while (!atomic_load(&killed->kill)) {
        (void)usleep(100); /* its clock must live until it was read */
    }
    return NULL;
}

/* Kills a query after it has used `after` ns; returns the processor time that it went on for, 0
 * when it was over. */
static int64_t kill_after(struct killed *killed, int64_t after)
{
    pthread_t thread;
    clockid_t clock;
    int64_t at_kill = 0;

    atomic_store(&killed->kill, false);
    atomic_store(&killed->done, false);
    killed->query.kill = &killed->kill;
    assert_int_equal(pthread_create(&thread, NULL, run_to_be_killed, killed), 0);
    assert_int_equal(pthread_getcpuclockid(thread, &clock), 0);
    while (!atomic_load(&killed->done) && (at_kill = thread_cpu(clock)) < after) {
        (void)usleep(100);
    }
    atomic_store(&killed->kill, true);
    (void)pthread_join(thread, NULL);
    return atomic_load(&killed->result) < 0 ? atomic_load(&killed->cpu_at_end) - at_kill : 0;
}

/* 50 ms is what is promised; what a sanitizer or a slow machine may make of it is left out of the
 * bound. */
TEST(engine_stops_soon_when_killed)
{
    static const char *const texts[] = {
        "m",
        "sort(m)",
        "sort_by_label(m, \"pod\")",
        "topk(15000, m)",
        "quantile by (pod) (0.5, m)",
        "m * on (pod) m",
        "count_values(\"v\", m)",
        "sum by (pod) (m)",
        "label_replace(m, \"x\", \"$1\", \"pod\", \"(.*)\")",
        /* rows of ten million points */
        "sum_over_time(sum_over_time(sum_over_time(vector(1)[1h:1ms])[1h:1s])[1h:1s])",
        "max_over_time((sum(vector(1)) + 1 > 0)[9000s:1ms])",
    };
    struct killed killed = {.store = memstore_new()};
    int64_t worst = 0;
    const size_t wide = ARRAY_COUNT(texts) * 2 - 4;

    for (int i = 0; i < KILL_SERIES; i++) {
        char pod[24];
        struct label pairs[2] = {{STR("__name__"), STR("m")}, {STR("pod"), STR_NULL}};

        (void)snprintf(pod, sizeof(pod), "%u", (unsigned)i * 2654435761u);
        pairs[1].value = str_from(pod);
        assert_int_equal(
            memstore_append(killed.store, (struct labels){pairs, 2}, 0, i * 7919 % 1000, NULL), 0);
    }
    for (size_t i = 0; i < ARRAY_COUNT(texts) * 2; i++) {
        killed.query = (struct query){.text = str_from(texts[i / 2]), .step = i % 2 == 0 ? 0 : 1};
        killed.query.end = i % 2 == 0 ? 0 : 2;
        for (int64_t after = i < wide ? 4000000 : 75000000;
             after < (i < wide ? 65000000 : 400000000); after *= i < wide ? 4 : 5) {
            int64_t took = kill_after(&killed, after);

            if (took > worst) {
                worst = took;
                print_message("%s, killed at %lld ms: went on for %.1f ms\n", texts[i / 2],
                              (long long)after / 1000000, (double)took / 1e6);
            }
        }
    }
    assert_true(worst < (BARO_TSAN || BARO_ASAN ? 10 : 1) * INT64_C(500000000));
    killed.store = memstore_free(killed.store);
}
