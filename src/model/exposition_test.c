#include "model/exposition.h"

#include <math.h>

#include "base/num.h"
#include "testing/test.h"

/* Writes everything that a body yields as one text, a line an event; returns the last result. */
static int dump(str body, enum exposition_format format, struct buf *out, struct baro_error *err)
{
    struct exposition parser;
    struct exposition_event event = {0};
    struct labels_builder builder = {0};
    struct arena arena = {0};
    int kind;

    exposition_init(&parser, body, format);
    while ((kind = exposition_next(&parser, &event, err)) > EXPOSITION_END) {
        struct labels labels = {0};

        switch ((enum exposition_kind)kind) {
        case EXPOSITION_SERIES:
            kind = exposition_series_labels(&parser, &event, &builder, &arena, &labels, err);
            if (kind < 0) {
                goto done;
            }
            labels_format(out, labels);
            buf_char(out, ' ');
            buf_double(out, event.value, NUM_G);
            if (event.has_timestamp) {
                buf_printf(out, " @%lld", (long long)event.t);
            }
            if (event.exemplar.ptr != NULL) {
                assert_ok(
                    exposition_exemplar_labels(&parser, &event, &builder, &arena, &labels, err),
                    err);
                buf_c(out, " # ");
                labels_format(out, labels);
                buf_char(out, ' ');
                buf_double(out, event.exemplar_value, NUM_G);
            }
            if (event.has_exemplar_timestamp) {
                buf_printf(out, " @%lld", (long long)event.exemplar_t);
            }
            break;
        case EXPOSITION_TYPE:
            buf_printf(out, "TYPE %.*s %s", STR_ARG(event.name), metric_type_name(event.type));
            break;
        case EXPOSITION_HELP:
            buf_printf(out, "HELP %.*s ", STR_ARG(event.name));
            buf_str(out, exposition_unescape(&parser, event.text, &arena));
            break;
        case EXPOSITION_UNIT:
            buf_printf(out, "UNIT %.*s %.*s", STR_ARG(event.name), STR_ARG(event.text));
            break;
        case EXPOSITION_COMMENT:
            buf_c(out, "COMMENT");
            break;
        case EXPOSITION_HISTOGRAM:
        case EXPOSITION_END:
            break;
        }
        buf_char(out, '\n');
    }
done:
    labels_builder_done(&builder);
    arena_done(&arena);
    return kind;
}

struct reading {
    const char *body;
    const char *want;
};

static void check_readings(const struct reading *cases, size_t count, enum exposition_format format)
{
    for (size_t i = 0; i < count; i++) {
        struct baro_error err = {0};
        struct buf out = {0};

        test_row(cases[i].body);
        assert_ok(dump(str_from(cases[i].body), format, &out, &err), &err);
        assert_str_equal(buf_view(&out), str_from(cases[i].want));
        buf_done(&out);
    }
    test_row(NULL);
}

TEST(exposition_text_is_read_as_prometheus_does)
{
    static const struct reading cases[] = {
        {"", ""},
        {"\n\n", ""},
        {"a 1", "a 1\n"},
        {"a 1\n", "a 1\n"},
        {"a\t1\t\n", "a 1\n"},
        {" \ta 1 \n", "a 1\n"},
        {"a 1 1234\nb 2", "a 1 @1234\nb 2\n"},
        {"a{} 1\n", "a 1\n"},
        {"a{b=\"c\"} 1\n", "a{b=\"c\"} 1\n"},
        {"a{b=\"c\"}1\n", "a{b=\"c\"} 1\n"},
        {"a { b = \"c\" , d= \"e\", } 1\n", "a{b=\"c\", d=\"e\"} 1\n"},
        {"a{b=\"c\" d=\"e\"} 1\n", "a{b=\"c\", d=\"e\"} 1\n"},
        {"a{z=\"1\",b=\"2\"} 1\n", "a{b=\"2\", z=\"1\"} 1\n"},
        {"a{b=\"\",c=\"x\"} 1\n", "a{c=\"x\"} 1\n"},
        {"a{b=\"x}y\"} 1\n", "a{b=\"x}y\"} 1\n"},
        {"a{b=\"x\\\"}y\"} 1\n", "a{b=\"x\\\"}y\"} 1\n"},
        {"a{b=\"x\\\\\"} 1\n", "a{b=\"x\\\\\"} 1\n"},
        {"a{b=\"x\\ny\\t\"} 1\n", "a{b=\"x\\ny\\\\t\"} 1\n"},
        {"a{b=\"x\ny\"} 1\n", "a{b=\"x\\ny\"} 1\n"},
        {"{\"a.b\",c=\"d\"} 1\n", "{\"a.b\", c=\"d\"} 1\n"},
        {"{c=\"d\", \"a.b\"} 1\n", "{\"a.b\", c=\"d\"} 1\n"},
        {"{\"a.b\", \"c.d\"=\"e\"} 1\n", "{\"a.b\", \"c.d\"=\"e\"} 1\n"},
        {"{\"a b\\\"c\"} 1\n", "{\"a b\\\"c\"} 1\n"},
        {"a:b_9 1\n", "a:b_9 1\n"},
        {"# comment\n#\n#HELP x\n# HELPx y\n", "COMMENT\nCOMMENT\nCOMMENT\nCOMMENT\n"},
        {"# HELP a some  text\n", "HELP a some  text\n"},
        {"# HELP a\n", "HELP a \n"},
        {"# HELP a \n", "HELP a \n"},
        {"#\t HELP\ta  b\\nc\\\\d\\\"\n", "HELP a  b\nc\\d\\\"\n"},
        {"# TYPE a counter\n# TYPE b untyped", "TYPE a counter\nTYPE b unknown\n"},
        {"# TYPE \"a.b\" gauge\n", "TYPE a.b gauge\n"},
        {"# TYPE h histogram\nh_bucket{le=\"1\"} 2\n",
         "TYPE h histogram\nh_bucket{le=\"1.0\"} 2\n"},
        {"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\n",
         "TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\n"},
        {"# TYPE s summary\ns{quantile=\"1\",le=\"1\"} 2\n",
         "TYPE s summary\ns{le=\"1\", quantile=\"1.0\"} 2\n"},
        {"# TYPE s gauge\ns{quantile=\"1\"} 2\n", "TYPE s gauge\ns{quantile=\"1\"} 2\n"},
        {"a{b=\"\xC3\xA9\"} 1\n", "a{b=\"\xC3\xA9\"} 1\n"},
    };

    check_readings(cases, ARRAY_COUNT(cases), EXPOSITION_TEXT);
}

TEST(exposition_openmetrics_is_read_as_prometheus_does)
{
    static const struct reading cases[] = {
        {"# EOF", ""},
        {"# EOF\n", ""},
        {"a 1\n# EOF\n", "a 1\n"},
        {"a 1 1.5\n# EOF\n", "a 1 @1500\n"},
        {"a 1 -1\n# EOF\n", "a 1 @-1000\n"},
        {"a 1 1e3\n# EOF\n", "a 1 @1000000\n"},
        {"a{b=\"c\",} 1\n# EOF\n", "a{b=\"c\"} 1\n"},
        {"a{b=\"c\"} 1 # {d=\"e\"} 4\n# EOF\n", "a{b=\"c\"} 1 # {d=\"e\"} 4\n"},
        {"a 1 7 # {d=\"}\"} 4 5.5\n# EOF\n", "a 1 @7000 # {d=\"}\"} 4 @5500\n"},
        {"a 1 # {} 4\n# EOF\n", "a 1 # {} 4\n"},
        {"# TYPE a info\n# EOF\n", "TYPE a info\n"},
        {"# TYPE a gaugehistogram\n# EOF\n", "TYPE a gaugehistogram\n"},
        {"# UNIT a_seconds seconds\n# EOF\n", "UNIT a_seconds seconds\n"},
        {"# UNIT a \n# EOF\n", "UNIT a \n"},
        {"# HELP a b\\\"c\n# EOF\n", "HELP a b\"c\n"},
        {"{\"a.b\",c=\"d\"} 1\n# EOF\n", "{\"a.b\", c=\"d\"} 1\n"},
    };

    check_readings(cases, ARRAY_COUNT(cases), EXPOSITION_OPENMETRICS);
}

static void check_fault(const char *body, size_t len, enum exposition_format format,
                        const char *where)
{
    char got[32];
    struct baro_error err = {0};
    struct buf out = {0};

    test_row(body);
    assert_int_equal(dump(str_of(body, len), format, &out, &err), BARO_EPARSE);
    (void)snprintf(got, sizeof(got), "%u:%u", err.line, err.column);
    assert_str_equal(str_from(got), str_from(where));
    assert_true(err.message[0] != '\0');
    buf_done(&out);
    test_row(NULL);
}

TEST(exposition_text_faults_have_places)
{
    static const struct {
        const char *body;
        const char *where;
    } cases[] = {
        {"a", "1:2"},
        {"a\n", "1:2"},
        {"x 1\na\n", "2:2"},
        {"a{b='c'} 1\n", "1:5"},
        {"a{b=\n", "1:2"},
        {"a{\xFF=\"foo\"} 1\n", "1:3"},
        {"a{b=\"\xFF\"} 1\n", "1:6"},
        {"{\"a\", \"b = \"c\"}", "1:1"},
        {"{\"a\",b\\nc=\"d\"} 1", "1:7"},
        {"a true\n", "1:3"},
        {"something_weird{problem=\"", "1:16"},
        {"empty_label_name{=\"\"} 0", "1:18"},
        {"a{\"\"=\"x\"} 0", "1:3"},
        {"foo 1_2\n", "1:5"},
        {"foo 0x1p-3\n", "1:5"},
        {"foo 0x10\n", "1:5"},
        {"foo 1e400\n", "1:5"},
        {"foo 1 1_2\n", "1:8"},
        {"foo 1 -5\n", "1:7"},
        {"foo 1 99999999999999999999\n", "1:7"},
        {"foo 1 2 3\n", "1:9"},
        {"foo 1 # {a=\"b\"} 1\n", "1:7"},
        {"foo 1\r\n", "1:5"},
        {"{a=\"ok\"} 1", "1:1"},
        {"{\"\"} 1", "1:1"},
        {"{\"a\",\"b\"} 1", "1:6"},
        {"a{\"b\"} 1", "1:3"},
        {"a{,b=\"c\"} 1", "1:3"},
        {"a{b=\"c\",,} 1", "1:9"},
        {"a{b=\"c\",b=\"d\"} 1", "1:1"},
        {"a{__name__=\"c\"} 1", "1:1"},
        {"a{b=\"c\"} {} 1", "1:9"},
        {"# TYPE #\n", "1:8"},
        {"# HELP 9a x\n", "1:8"},
        {"# TYPE a counter \n", "1:10"},
        {"# TYPE a  counter\n", "1:10"},
        {"# TYPE a info\n", "1:10"},
        {"# TYPE a\n", "1:9"},
        {"# HELP a \xFF\n", "1:10"},
        {"9a 1\n", "1:1"},
        {"a-b 1\n", "1:2"},
        {"\n\n  = 1\n", "3:3"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        check_fault(cases[i].body, strlen(cases[i].body), EXPOSITION_TEXT, cases[i].where);
    }
    check_fault("a\0 1", 4, EXPOSITION_TEXT, "1:2");
    check_fault("a 0 1\0", 6, EXPOSITION_TEXT, "1:6");
}

TEST(exposition_openmetrics_faults_have_places)
{
    static const struct {
        const char *body;
        const char *where;
    } cases[] = {
        {"", "1:1"},
        {"\n", "1:1"},
        {"metric 1", "1:9"},
        {"metric 1\n", "2:1"},
        {"a 1\n\n# EOF\n", "2:1"},
        {"# EOF\na 1", "1:6"},
        {"# EOF\n\n", "1:6"},
        {"# EOFa", "1:6"},
        {" a 1\n# EOF\n", "1:1"},
        {"a  1\n# EOF\n", "1:3"},
        {"a\t1\n# EOF\n", "1:2"},
        {"a 1\t2\n# EOF\n", "1:4"},
        {"a 1 \n# EOF\n", "1:5"},
        {"a 1 2 \n# EOF\n", "1:6"},
        {"a 1 2 3\n# EOF\n", "1:6"},
        {"a 1 NaN\n# EOF\n", "1:5"},
        {"a 1 -Inf\n# EOF\n", "1:5"},
        {"a 1 1e300\n# EOF\n", "1:5"},
        {"a {b=\"c\"} 1\n# EOF\n", "1:3"},
        {"a{b=\"c\"}  1\n# EOF\n", "1:10"},
        {"a{b=\"c\", d=\"e\"} 1\n# EOF\n", "1:9"},
        {"a{b=\"c\"d=\"e\"} 1\n# EOF\n", "1:8"},
        {"a{b=\"c\nd\"} 1\n# EOF\n", "1:7"},
        {"#TYPE a counter\n# EOF\n", "1:1"},
        {"#  TYPE a counter\n# EOF\n", "1:1"},
        {"# some comment\n# EOF\n", "1:1"},
        {"# TYPE a untyped\n# EOF\n", "1:10"},
        {"# TYPE a\n# EOF\n", "1:9"},
        {"# UNIT metric suffix\n# EOF\n", "1:15"},
        {"# UNIT metricsuffix suffix\n# EOF\n", "1:21"},
        {"a 1 # {aa=bb} 1\n# EOF\n", "1:11"},
        {"a 1 # {aa=\"bb\"}\n# EOF\n", "1:16"},
        {"a 1 # {bb} 1\n# EOF\n", "1:10"},
        {"a 1 # {\"bb\"} 1\n# EOF\n", "1:8"},
        {"a 1 # {aa=\"bb\",,cc=\"dd\"} 1\n# EOF\n", "1:16"},
        {"a 1 # {aa=\"bb\"} true\n# EOF\n", "1:17"},
        {"a 1 # {aa=\"bb\"} 1 NaN\n# EOF\n", "1:19"},
        {"a 1 # {aa=\"bb\"} 1 2 3\n# EOF\n", "1:20"},
        {"a 1 # {aa=\"bb\"} 1", "1:18"},
        {"a 1 # {aa=\"bb\n# EOF\n", "1:7"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        check_fault(cases[i].body, strlen(cases[i].body), EXPOSITION_OPENMETRICS, cases[i].where);
    }
}

TEST(exposition_values_are_exact)
{
    static const char *const values[] = {
        "0",
        "1",
        "-1",
        "+1",
        "123456",
        "12345678",
        "123456789",
        "1234567890123456",
        "12345678901234567",
        "1234567890123456789",
        "12345678901234567890123",
        "0.1",
        "-0.25",
        "3.14159265358979",
        "1.",
        ".5",
        "1e5",
        "1E-5",
        "1.5e+10",
        "9007199254740993",
        "1e22",
        "1e23",
        "1.7976931348623157e308",
        "5e-324",
        "4.9351e-05",
        "0.000000000000000000001",
        "00000000000000000000012",
        "1e-400",
        "Inf",
        "+Inf",
        "-inf",
        "infinity",
        "123456.7890123",
        "-0",
        "1e+09",
        "1520872607.123",
    };

    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        struct exposition parser;
        struct exposition_event event = {0};
        struct baro_error err = {0};
        struct buf body = {0};
        double want = 1;

        test_row(values[i]);
        assert_true(num_parse_decimal(str_from(values[i]), &want));
        buf_printf(&body, "a %s\n", values[i]);
        exposition_init(&parser, buf_view(&body), EXPOSITION_TEXT);
        assert_ok(exposition_next(&parser, &event, &err), &err);
        assert_true(value_bits(event.value) == value_bits(want));
        body.len--; /* the same without a line feed, at the end of the memory */
        exposition_init(&parser, buf_view(&body), EXPOSITION_TEXT);
        assert_ok(exposition_next(&parser, &event, &err), &err);
        assert_true(value_bits(event.value) == value_bits(want));
        buf_done(&body);
    }
    test_row(NULL);
}

TEST(exposition_nan_is_the_ordinary_one)
{
    struct exposition parser;
    struct exposition_event event = {0};

    exposition_init(&parser, STR("a nan\n"), EXPOSITION_TEXT);
    assert_int_equal(exposition_next(&parser, &event, NULL), EXPOSITION_SERIES);
    assert_true(value_bits(event.value) == VALUE_NAN_BITS);
}

TEST(exposition_expect_hits_only_the_same_series)
{
    static const struct {
        const char *body;
        const char *expected;
        int want;
    } cases[] = {
        {"a 1\n", "a", EXPOSITION_SERIES},
        {"a\t1 5\n", "a", EXPOSITION_SERIES},
        {"a{b=\"c\"} 1\n", "a{b=\"c\"}", EXPOSITION_SERIES},
        {"a{b=\"c\"}1\n", "a{b=\"c\"}", 0},
        {"a{b=\"c\"} 1\n", "a", 0},
        {"a {b=\"c\"} 1\n", "a", 0},
        {"ab 1\n", "a", 0},
        {"a", "a", 0},
        {"", "a", 0},
        {"a x\n", "a", BARO_EPARSE},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct exposition parser;
        struct exposition_event event = {0};
        const char *before;

        test_row(cases[i].body);
        exposition_init(&parser, str_from(cases[i].body), EXPOSITION_TEXT);
        before = parser.at;
        assert_int_equal(exposition_expect(&parser, str_from(cases[i].expected), &event, NULL),
                         cases[i].want);
        if (cases[i].want == EXPOSITION_SERIES) {
            assert_str_equal(event.raw, str_from(cases[i].expected));
            assert_true(event.value == 1.0);
        } else {
            assert_ptr_equal(parser.at, before);
        }
    }
    test_row(NULL);
}

TEST(exposition_long_label_blocks_are_scanned)
{
    /* Quotes, braces and backslashes at every place of the 64-byte steps. */
    for (size_t pad = 0; pad < 140; pad++) {
        struct exposition parser;
        struct exposition_event event = {0};
        struct labels_builder builder = {0};
        struct arena arena = {0};
        struct labels labels = {0};
        struct baro_error err = {0};
        struct buf body = {0};

        buf_c(&body, "a{x=\"");
        for (size_t i = 0; i < pad; i++) {
            buf_char(&body, i % 7 == 0 ? '}' : 'v');
        }
        buf_printf(&body, "\",y=\"%s\",z=\"}{\"} 7\nb 1\n", pad % 2 == 0 ? "\\\\\\\"}" : "}");
        exposition_init(&parser, buf_view(&body), EXPOSITION_TEXT);
        assert_int_equal(exposition_next(&parser, &event, &err), EXPOSITION_SERIES);
        assert_true(event.value == 7);
        assert_ok(exposition_series_labels(&parser, &event, &builder, &arena, &labels, &err), &err);
        assert_int_equal(labels.count, pad == 0 ? 3 : 4);
        assert_str_equal(labels_get(labels, STR("y")), pad % 2 == 0 ? STR("\\\"}") : STR("}"));
        assert_int_equal(exposition_next(&parser, &event, &err), EXPOSITION_SERIES);
        assert_str_equal(event.raw, STR("b"));
        buf_done(&body);
        arena_done(&arena);
        labels_builder_done(&builder);
    }
}

TEST(exposition_content_types)
{
    static const struct {
        const char *content_type;
        const char *fallback;
        int want;
        enum exposition_format format;
    } cases[] = {
        {"text/plain", "", 0, EXPOSITION_TEXT},
        {"text/plain; version=0.0.4; charset=utf-8", "", 0, EXPOSITION_TEXT},
        {"Text/Plain;x", "", 0, EXPOSITION_TEXT},
        {"application/openmetrics-text; version=1.0.0", "", 0, EXPOSITION_OPENMETRICS},
        {"", "", BARO_EINVALID, EXPOSITION_TEXT},
        {"", "PrometheusText0.0.4", 1, EXPOSITION_TEXT},
        {"", "OpenMetricsText1.0.0", 1, EXPOSITION_OPENMETRICS},
        {"application/json", "", BARO_EINVALID, EXPOSITION_TEXT},
        {"application/json", "PrometheusText1.0.0", 1, EXPOSITION_TEXT},
        {"te xt/plain", "OpenMetricsText0.0.1", 1, EXPOSITION_OPENMETRICS},
        {"application/vnd.google.protobuf", "", 0, EXPOSITION_PROTOBUF},
        {"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
         "encoding=delimited",
         "", 0, EXPOSITION_PROTOBUF},
        {"", "PrometheusProto", 1, EXPOSITION_PROTOBUF},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        enum exposition_format format = EXPOSITION_TEXT;
        struct baro_error err = {0};

        test_row(cases[i].content_type);
        assert_int_equal(exposition_format_from_content_type(str_from(cases[i].content_type),
                                                             str_from(cases[i].fallback), &format,
                                                             &err),
                         cases[i].want);
        if (cases[i].want >= 0) {
            assert_int_equal(format, cases[i].format);
        }
        assert_int_equal(err.message[0] != '\0', cases[i].want != 0);
    }
    test_row(NULL);
}
