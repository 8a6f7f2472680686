#include "promql/promqltest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/num.h"
#include "promql/promqltest_priv.h"
#include "testing/test.h"

static const char *const conformance_scripts[] = {
    "aggregators",    "at_modifier",   "duration_expression", "extended_vectors",
    "fill-modifier",  "functions",     "histograms",          "info",
    "limit",          "literals",      "name_label_dropping", "native_histograms",
    "operators",      "selectors",     "staleness",           "start_timestamps",
    "trig_functions", "type_and_unit",
};

static const struct {
    const char *text;
    const char *want; /* numbers, _ and h, separated by blanks; NULL: refused */
} value_texts[] = {
    {"", ""},
    {"1 2.5 -3 1e3 1_000", "1 2.5 -3 1000 1000"},
    {"1x2", "1 1 1"},
    {"0x3", "0 0 0 0"},
    {"1+1x2 10-2x2", "1 2 3 10 8 6"},
    {"-1-1.5x1", "-1 -2.5"},
    {"_ _x3 1", "_ _ _ _ 1"},
    {"_x0 1", "1"},
    {"Inf -inf +Inf NaN", "+Inf -Inf +Inf NaN"},
    {"1e-3 1E+2", "0.001 100"},
    {"stale", "stale"},
    {"{{}} {{schema:1 sum:-0.3 count:3.1 z_bucket:7.1 z_bucket_w:0.05 offset:-3 "
     "buckets:[5.1 10 7] n_offset:-5 n_buckets:[4.1 5] counter_reset_hint:gauge}}",
     "h h"},
    {"{{schema:-53 custom_values:[5 10] buckets:[1 2 3]}}x2", "h h h"},
    {"{{count:1}}+{{count:2}}x1 4", "h h 4"},
    {"abc", NULL},
    {"1x", NULL},
    {"1x-1", NULL},
    {"1+1", NULL},
    {"1y2", NULL},
    {"_y", NULL},
    {"1x99999999", NULL},
    {"{{", NULL},
    {"{{}", NULL},
    {"{{schema:9}}", NULL},
    {"{{schema:1.5}}", NULL},
    {"{{nothing:1}}", NULL},
    {"{{buckets:[1 x]}}", NULL},
    {"{{counter_reset_hint:maybe}}", NULL},
    {"{{}}y2", NULL},
    {"{{}}+{{}}", NULL},
    {"{{schema:2}}+{{schema:1}}x2", NULL},
};

TEST(promqltest_reads_values)
{
    for (size_t i = 0; i < ARRAY_COUNT(value_texts); i++) {
        script_values values = {0};
        struct baro_error err = {0};
        struct arena arena = {0};
        struct buf text = {0};
        int r;

        test_row(value_texts[i].text);
        r = script_values_parse(&arena, str_from(value_texts[i].text), &values, &err);
        if (value_texts[i].want == NULL) {
            assert_true(r < 0);
        } else {
            assert_ok(r, &err);
            for (size_t k = 0; k < values.count; k++) {
                const struct script_value *value = &values.items[k];

                buf_c(&text, k > 0 ? " " : "");
                if (value->omitted || value->h != NULL) {
                    buf_c(&text, value->omitted ? "_" : "h");
                } else if (value_is_stale(value->v)) {
                    buf_c(&text, "stale");
                } else {
                    buf_double(&text, value->v, NUM_G);
                }
            }
            assert_str_equal(buf_view(&text), str_from(value_texts[i].want));
        }
        buf_done(&text);
        vec_done(&values);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(promqltest_reads_series)
{
    static const struct {
        const char *line;
        const char *metric;
        size_t count;
    } cases[] = {
        {"m 1 2", "m", 2},
        {"m{a=\"b c\", d='}'} 1", "m{a=\"b c\", d=\"}\"}", 1},
        {"{} 5", "{}", 1},
        {"{__name__=\"m\"}\t1", "m", 1},
        {"{\"dotted.name\", a=\"b\"} 1x4", "{\"dotted.name\", a=\"b\"}", 5},
        {"sum 1", "sum", 1},
        {"offset{x=\"\\\"}\"} 1", "offset{x=\"\\\"}\"}", 1},
        {"m", "m", 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        script_values values = {0};
        struct labels labels = {0};
        struct baro_error err = {0};
        struct buf text = {0};

        test_row(cases[i].line);
        assert_ok(script_series_parse(&arena, str_from(cases[i].line), &labels, &values, &err),
                  &err);
        assert_int_equal(values.count, cases[i].count);
        labels_format(&text, labels);
        assert_str_equal(buf_view(&text), str_from(cases[i].metric));
        buf_done(&text);
        vec_done(&values);
        arena_done(&arena);
    }
    test_row(NULL);
}

static void run(const char *text, struct promqltest_report *report, int want)
{
    struct promqltest_options options = {.thorough = true};
    struct baro_error err = {0};

    assert_int_equal(promqltest_run(STR("script"), str_from(text), &options, report, &err), want);
}

TEST(promqltest_refuses_broken_scripts)
{
    static const char *const scripts[] = {
        "walk",
        "load",
        "load 5x",
        "load 5m 6m",
        "loads 5m",
        "load 5m\n  {a=} 1",
        "load 5m\n  a b",
        "eval",
        "eval instant",
        "eval instant at x up",
        "eval range from 0 to 1m step 0 up",
        "eval range from 0 to 1m up",
        "eval_maybe instant at 0 up",
        "eval instant at 0 up\n  expect nothing",
        "eval instant at 0 up\n  expect warn text",
        "eval instant at 0 up\n  expect string up",
        "eval instant at 0 up\n  up 1 2",
        "eval instant at 0 up\n  expect range vector from 0 to 1m",
    };

    for (size_t i = 0; i < ARRAY_COUNT(scripts); i++) {
        struct promqltest_report report = {0};

        test_row(scripts[i]);
        run(scripts[i], &report, BARO_EPARSE);
        assert_int_equal(report.evals.count, 0);
        promqltest_report_done(&report);
    }
    test_row(NULL);
}

static const struct {
    enum promqltest_outcome want;
    const char *eval;
} evals[] = {
    {PROMQLTEST_PASSED, "eval instant at 1m m\n  m{a=\"y\"} 5\n  m{a=\"x\"} 2"},
    {PROMQLTEST_PASSED, "eval instant at 1m m{a=\"x\"}\n  m{a=\"x\"} 2.0000001"},
    {PROMQLTEST_FAILED, "eval instant at 1m m{a=\"x\"}\n  m{a=\"x\"} 2.001"},
    {PROMQLTEST_FAILED, "eval instant at 1m m\n  m{a=\"x\"} 2"},
    {PROMQLTEST_FAILED, "eval instant at 1m m{a=\"x\"}\n  m{a=\"x\"} 2\n  m{a=\"y\"} 5"},
    {PROMQLTEST_PASSED, "eval instant at 3m m{a=\"y\"}"},
    {PROMQLTEST_FAILED, "eval instant at 3m m{a=\"x\"}"},
    {PROMQLTEST_PASSED, "eval instant at 0 1 + 1\n  2"},
    {PROMQLTEST_FAILED, "eval instant at 0 1 + 1\n  {} 2"},
    {PROMQLTEST_PASSED, "eval instant at 0 vector(0x10)\n  {} 16"},
    {PROMQLTEST_FAILED, "eval instant at 0 vector(2)\n  2"},
    {PROMQLTEST_PASSED, "eval instant at 0 \"text\"\n  expect string \"te\\x78t\""},
    {PROMQLTEST_FAILED, "eval instant at 0 \"text\"\n  expect string `next`"},
    {PROMQLTEST_PASSED, "eval instant at 1m sort(m)\n  expect ordered\n  m{a=\"x\"} 2\n  "
                        "m{a=\"y\"} 5"},
    {PROMQLTEST_FAILED, "eval_ordered instant at 1m sort(m)\n  m{a=\"y\"} 5\n  m{a=\"x\"} 2"},
    {PROMQLTEST_PASSED, "eval range from 0 to 2m step 1m m{a=\"x\"}\n  m{a=\"x\"} 1 2 3"},
    {PROMQLTEST_FAILED, "eval range from 0 to 2m step 1m m{a=\"x\"}\n  m{a=\"x\"} 1 2"},
    {PROMQLTEST_PASSED, "eval range from 2m to 3m step 1m m{a=\"y\"}\n  m{a=\"y\"} 6 _"},
    {PROMQLTEST_PASSED, "eval instant at 2m m{a=\"x\"}[2m]\n  expect range vector from 1m to "
                        "2m step 1m\n  m{a=\"x\"} 2 3"},
    {PROMQLTEST_FAILED, "eval instant at 2m m{a=\"x\"}[2m]\n  expect range vector from 1m to "
                        "2m step 1m\n  m{a=\"x\"} 1 2"},
    {PROMQLTEST_PASSED, "eval instant at 0 {}\n  expect fail"},
    {PROMQLTEST_FAILED, "eval instant at 0 m\n  expect fail"},
    {PROMQLTEST_PASSED, "eval instant at 0 {}\n  expect fail msg: 1:1: parse error: vector "
                        "selector must contain at least one non-empty matcher"},
    {PROMQLTEST_FAILED, "eval instant at 0 {}\n  expect fail msg: something"},
    {PROMQLTEST_PASSED, "eval_fail instant at 0 {}\n  expected_fail_regexp non-empty"},
    {PROMQLTEST_FAILED, "eval_fail instant at 0 {}\n  expected_fail_message non-empty"},
    {PROMQLTEST_FAILED, "eval instant at 0 {}"},
    {PROMQLTEST_PASSED, "eval instant at 0 quantile(2, m{a=\"x\"})\n  expect warn\n  expect "
                        "no_info\n  {} Inf"},
    {PROMQLTEST_FAILED, "eval instant at 0 quantile(2, m{a=\"x\"})\n  expect no_warn\n  {} Inf"},
    {PROMQLTEST_PASSED, "eval instant at 0 quantile(2, m{a=\"x\"})\n  expect warn regex: "
                        "quantile value .* got 2 \\(1:10\\)\n  {} Inf"},
    {PROMQLTEST_FAILED,
     "eval instant at 0 quantile(2, m{a=\"x\"})\n  expect warn msg: other\n  {} Inf"},
    {PROMQLTEST_FAILED, "eval instant at 0 m{a=\"x\"}\n  expect warn\n  m{a=\"x\"} 1"},
    {PROMQLTEST_PASSED, "eval instant at 1m h\n  h {{count:1}}"},
    {PROMQLTEST_PASSED, "eval instant at 1m histogram_count(h)\n  {} 1"},
    {PROMQLTEST_FAILED, "eval instant at 1m h\n  h {{count:2}}"},
    {PROMQLTEST_FAILED, "eval instant at 1m h\n  h 1"},
};

/* Each eval of the script stands for itself; "pass", "fail", "hist" or "exp" says what comes. */
TEST(promqltest_judges)
{
    static const char load[] = "load 1m\n"
                               "  m{a=\"x\"} 1 2 3\n"
                               "  m{a=\"y\"} 4+1x2 stale\n"
                               "  h 1 {{count:1}}\n\n";
    for (size_t i = 0; i < ARRAY_COUNT(evals); i++) {
        struct promqltest_report report = {0};
        struct buf script = {0};
        char *text;

        test_row(evals[i].eval);
        buf_c(&script, load);
        buf_c(&script, evals[i].eval);
        text = buf_take_c(&script);
        run(text, &report, 0);
        assert_int_equal(report.evals.count, 1);
        assert_int_equal(report.evals.items[0].line, 6);
        if (report.evals.items[0].outcome != evals[i].want) {
            fail_msg("%s: outcome %d, wanted %.*s, got %.*s", evals[i].eval,
                     (int)report.evals.items[0].outcome, STR_ARG(report.evals.items[0].wanted),
                     STR_ARG(report.evals.items[0].got));
        }
        assert_int_equal(report.evals.items[0].got.len > 0, evals[i].want != PROMQLTEST_PASSED);
        mem_free(text);
        promqltest_report_done(&report);
    }
    test_row(NULL);
}

TEST(promqltest_adds_loads_up)
{
    static const char script[] = "load 1m\n"
                                 "  m 1 2 3 # no comment in a line\n";
    static const char good[] = "# a comment\n"
                               "LOAD 1m\n"
                               "  m 1 2\n"
                               "\n"
                               "load 1m\n"
                               "  m _x2 3 4\n"
                               "  n 7\n"
                               "# ends the block\n"
                               "Eval range from 0 to 3m step 1m m\n"
                               "  m 1 2 3 4\n"
                               "\n"
                               "clear\n"
                               "eval instant at 0 n\n";
    struct promqltest_report report = {0};
    struct buf text = {0};

    run(script, &report, BARO_EPARSE);
    run(good, &report, 0);
    assert_int_equal(report.evals.count, 2);
    assert_int_equal(report.counts[PROMQLTEST_PASSED], 2);
    promqltest_report_print(&text, STR("x.test"), &report);
    assert_str_equal(buf_view(&text), STR("x.test: 2 passed, 0 failed\n"));
    buf_done(&text);
    promqltest_report_done(&report);
}

static char *read_all(const char *path, size_t *ret_len)
{
    struct buf content = {0};
    char chunk[4096];
    FILE *file = fopen(path, "re");
    size_t n;

    assert_non_null(file);
    while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        buf_bytes(&content, chunk, n);
    }
    (void)fclose(file);
    *ret_len = content.len;
    return buf_take_c(&content);
}

TEST(promqltest_conformance)
{
    size_t failed = 0;

    for (size_t i = 0; i < ARRAY_COUNT(conformance_scripts); i++) {
        char name[128];
        struct promqltest_options options = {.thorough = getenv("PROMQLTEST_THOROUGH") != NULL};
        struct promqltest_report report = {0};
        struct baro_error err = {0};
        struct buf text = {0};
        char *script;
        size_t len = 0;

        (void)snprintf(name, sizeof(name), "conformance/promqltest/%s.test",
                       conformance_scripts[i]);
        script = read_all(test_shared(name), &len);
        test_row(name);
        assert_ok(promqltest_run(str_from(conformance_scripts[i]), str_of(script, len), &options,
                                 &report, &err),
                  &err);
        promqltest_report_print(&text, str_from(conformance_scripts[i]), &report);
        if (report.counts[PROMQLTEST_FAILED] > 0) {
            (void)fwrite(text.ptr, 1, text.len, stdout);
        }
        failed += report.counts[PROMQLTEST_FAILED];
        mem_free(script);
        buf_done(&text);
        promqltest_report_done(&report);
    }
    test_row(NULL);
    assert_int_equal(failed, 0);
}
