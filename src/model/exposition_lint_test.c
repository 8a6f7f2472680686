#include "model/exposition_lint.h"

#include "codec/json.h"
#include "testing/test.h"

static int check(const char *body, enum exposition_check_format format, struct buf *out)
{
    struct exposition_check_options options = {.format = format};

    return exposition_check(str_from(body), &options, out);
}

static void read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rb");
    char chunk[4096];
    size_t size;

    assert_non_null(file);
    while ((size = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        buf_bytes(out, chunk, size);
    }
    assert_int_equal(fclose(file), 0);
}

/* Whether the verdict on a case is the wanted one. */
static bool judges(const char *path, enum exposition_check_format format, bool wanted)
{
    const struct exposition_check_options options = {.format = format};
    struct buf body = {0};
    struct buf out = {0};
    bool pass;

    read_file(path, &body);
    pass = exposition_check(buf_view(&body), &options, &out) == EXPOSITION_CHECK_OK;
    if (pass != wanted) {
        print_error("%s should %s: %.*s\n", path, wanted ? "pass" : "fail",
                    STR_ARG(buf_view(&out)));
    }
    assert_int_equal(pass, out.len == 0);
    buf_done(&body);
    buf_done(&out);
    return pass == wanted;
}

/* Both with the format named and as `check metrics` without flags finds it. */
TEST(exposition_lint_openmetrics_conformance)
{
    CLEANUP(json_doc_freep) struct json *manifest = NULL;
    struct baro_error err = {0};
    struct buf text = {0};
    const struct json *cases;
    size_t wrong = 0;

    read_file(test_shared("conformance/openmetrics/manifest.json"), &text);
    assert_ok(json_doc_parse(buf_view(&text), &manifest, &err), &err);
    buf_done(&text);
    cases = json_get(manifest, "cases");
    assert_true(json_count(cases) > 100);
    for (size_t i = 0; i < json_count(cases); i++) {
        const struct json *item = json_at(cases, i);
        str file = json_text(json_get(item, "file"));
        str expect = json_text(json_get(item, "expect"));
        const bool wanted = str_is(expect, "pass");
        char path[512];

        (void)snprintf(path, sizeof(path), "conformance/openmetrics/%.*s", STR_ARG(file));
        wrong += !judges(test_shared(path), EXPOSITION_CHECK_OPENMETRICS, wanted);
        wrong += !judges(test_shared(path), EXPOSITION_CHECK_AUTO, wanted);
    }
    assert_int_equal(wrong, 0);
}

TEST(exposition_lint_openmetrics_rules)
{
    static const struct {
        const char *body; /* without # EOF */
        bool pass;
    } cases[] = {
        {"# TYPE a counter\na_total 1\na_total 2\n", false},
        {"# TYPE a counter\na_total 1 1\na_total 2 1\na_total 2 2\n", true},
        {"# TYPE a counter\na_total 1 2\na_total 2 1\n", false},
        {"# TYPE a counter\na_total 1\n# TYPE b gauge\nb 1\na_total 2\n", false},
        {"# TYPE a counter\na_total{x=\"1\"} 1\na_total{x=\"2\"} 1\na_created{x=\"1\"} 1\n", false},
        {"# TYPE a counter\na 1\n", false},
        {"a 1\nb 1\n", true},
        {"a 1\nb 1\na 2\n", false},
        {"# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 1\n", false},
        {"# TYPE a histogram\na_bucket{le=\"1.0\"} 1.5\na_bucket{le=\"+Inf\"} 2\n", false},
        {"# TYPE a histogram\na_bucket{le=\"1.0\"} 1\n", false},
        {"# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_created 5\na_bucket{x=\"1\",le=\"+Inf\"} "
         "3\n",
         true},
        {"# TYPE a histogram\na_bucket{x=\"1\",le=\"+Inf\"} 1\na_count{x=\"1\"} 1\n"
         "a_sum{x=\"1\"} 1\na_created{x=\"2\"} 5\na_bucket{x=\"2\",le=\"0.5\"} 0\n"
         "a_bucket{x=\"2\",le=\"+Inf\"} 0\n",
         true},
        {"# TYPE a stateset\na{x=\"y\"} 1\n", false},
        {"# TYPE a stateset\na{a=\"x\"} 1\na{a=\"y\"} 0\n", true},
        {"# TYPE a summary\na{quantile=\"1.5\"} 1\n", false},
        {"# TYPE a summary\na{quantile=\"0.5\"} 1\na_count 1.5\n", false},
        {"# TYPE a_seconds info\n# UNIT a_seconds seconds\na_seconds_info 1\n", false},
        {"# TYPE a gauge\n# TYPE a_x gauge\na 1\n", false},
        {"# HELP a x\na 1\n", true},
        {"a{b=\"c\",} 1\n", false},
        {"{\"a.b\"} 1\n", true},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf body = {0};
        struct buf out = {0};
        struct exposition_check_options options = {0};

        test_row(cases[i].body);
        buf_c(&body, cases[i].body);
        buf_c(&body, "# EOF\n");
        assert_int_equal(exposition_check(buf_view(&body), &options, &out),
                         cases[i].pass ? EXPOSITION_CHECK_OK : EXPOSITION_CHECK_WRONG);
        buf_done(&body);
        buf_done(&out);
    }
    test_row(NULL);
}

TEST(exposition_lint_text_conventions)
{
    static const struct {
        const char *body;
        int status;
        const char *want;
    } cases[] = {
        {"# HELP a_total x\n# TYPE a_total counter\na_total 1\n", 0, ""},
        {"\n", 0, ""},
        {"a 1\n", 3, "stdin:1:1: a no help text\n"},
        {"# HELP a x\n# TYPE a counter\na 1\n", 3,
         "stdin:2:1: a counter metrics should have \"_total\" suffix\n"},
        {"# HELP a_total x\n# TYPE a_total gauge\na_total 1\n", 3,
         "stdin:2:1: a_total non-counter metrics should not have \"_total\" suffix\n"},
        {"# HELP a_milliseconds x\n# TYPE a_milliseconds gauge\na_milliseconds 1\n", 3,
         "stdin:2:1: a_milliseconds use base unit \"seconds\" instead of \"milliseconds\"\n"},
        {"# HELP a_bytes x\n# TYPE a_bytes gauge\na_bytes 1\n", 0, ""},
        {"# HELP a_count x\n# TYPE a_count gauge\na_count{le=\"1\"} 1\n", 3,
         "stdin:2:1: a_count non-histogram and non-summary metrics should not have \"_count\" "
         "suffix\nstdin:2:1: a_count non-histogram metrics should not have \"le\" label\n"},
        {"# HELP a_gauge x\n# TYPE a_gauge gauge\na_gauge 1\n", 3,
         "stdin:2:1: a_gauge metric name should not include type 'gauge'\n"},
        {"# HELP a_gauge_x_total x\n# TYPE a_gauge_x_total counter\na_gauge_x_total 1\n", 3,
         "stdin:2:1: a_gauge_x_total metric name should not include type 'gauge'\n"},
        {"# HELP a:b x\na:b 1\n", 3, "stdin:1:1: a:b metric names should not contain ':'\n"},
        {"# HELP aB x\naB{cD=\"1\"} 1\n", 3,
         "stdin:1:1: aB metric names should be written in 'snake_case' not 'camelCase'\n"
         "stdin:1:1: aB label names should be written in 'snake_case' not 'camelCase'\n"},
        {"# HELP a_ms x\na_ms 1\n", 3,
         "stdin:1:1: a_ms metric names should not contain abbreviated units\n"},
        {"# HELP a x\na 1\na 2\n", 3, "stdin:1:1: a metric not unique\n"},
        {"# HELP h x\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\n"
         "h_count 1\n",
         0, ""},
        {"# HELP a x\n# HELP a x\n", 1, "stdin:2:1: second HELP line for metric name \"a\"\n"},
        {"a 1\n\n# TYPE a gauge\n", 1,
         "stdin:3:1: second TYPE line for metric name \"a\", or TYPE reported after samples\n"},
        {"# TYPE h histogram\nh_bucket{le=\"x\"} 1\n", 1,
         "stdin:2:1: expected float as value for \"le\" label\n"},
        {"a{ 1\n", 1, "stdin:1:2: the labels are not closed by '}'\n"},
        {"# TYPE a meh\n", 1, "stdin:1:10: invalid metric type \"meh\"\n"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out = {0};

        test_row(cases[i].body);
        assert_int_equal(check(cases[i].body, EXPOSITION_CHECK_AUTO, &out), cases[i].status);
        assert_str_equal(buf_view(&out), str_from(cases[i].want));
        buf_done(&out);
    }
    test_row(NULL);
}

TEST(exposition_lint_notes_openmetrics_without_its_end)
{
    static const char note[] = ":1: note: this is OpenMetrics, but the last line is not \"# EOF\": "
                               "the body was checked as "
                               "Prometheus text; --format=openmetrics checks it as OpenMetrics\n";
    static const struct {
        const char *body;
        int status;
        int line; /* of the note; 0 = none */
    } cases[] = {
        {"# HELP a_bytes x\n# UNIT a_bytes bytes\n# TYPE a_bytes gauge\na_bytes 1\n", 0, 2},
        {"# HELP a x\n# TYPE a info\na_info 1\n", 1, 2},
        {"# HELP a x\n# TYPE a stateset\n", 1, 2},
        {"# HELP a x\n# TYPE a gaugehistogram\n", 1, 2},
        {"# HELP a_total x\n# TYPE a_total counter\na_total 1 # {b=\"c\"} 1\n", 1, 3},
        {"# HELP a the info\na 1\n", 0, 0},
        {"# HELP a the # {b}\na 1\n", 0, 0},
        {"# UNITS a bytes\n# HELP a x\na 1\n", 0, 0},
        {"# UNIT a_bytes bytes\n# EOF\n", 0, 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out = {0};
        struct buf want = {0};

        test_row(cases[i].body);
        buf_printf(&want, "stdin:%d%s", cases[i].line, note);
        assert_int_equal(check(cases[i].body, EXPOSITION_CHECK_AUTO, &out), cases[i].status);
        assert_int_equal(str_contains(buf_view(&out), STR("note:")), cases[i].line > 0);
        assert_true(cases[i].line == 0 || str_has_suffix(buf_view(&out), buf_view(&want)));
        buf_reset(&out);
        (void)check(cases[i].body, EXPOSITION_CHECK_TEXT, &out);
        assert_false(str_contains(buf_view(&out), STR("note:")));
        buf_done(&out);
        buf_done(&want);
    }
    test_row(NULL);
}

TEST(exposition_lint_refuses_an_empty_body_of_unknown_format)
{
    struct buf out = {0};

    assert_int_equal(check("", EXPOSITION_CHECK_TEXT, &out), 0);
    assert_str_equal(buf_view(&out), STR(""));
    assert_int_equal(check("", EXPOSITION_CHECK_AUTO, &out), 1);
    assert_true(str_has_prefix(buf_view(&out), STR("stdin:1:1: nothing to check: ")));
    assert_int_equal(check("", EXPOSITION_CHECK_OPENMETRICS, &out), 1);
    buf_done(&out);
}

TEST(exposition_lint_picks_the_format)
{
    struct buf out = {0};

    assert_int_equal(check("# HELP a x\na 1\n# EOF\n", EXPOSITION_CHECK_AUTO, &out), 0);
    assert_int_equal(check("# HELP a x\na 1\n", EXPOSITION_CHECK_OPENMETRICS, &out), 1);
    assert_int_equal(check("# HELP a x\na 1\n# EOF", EXPOSITION_CHECK_TEXT, &out), 0);
    buf_done(&out);
}
