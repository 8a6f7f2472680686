#include "model/exposition_protobuf.h"

#include <math.h>

#include "codec/protobuf.h"
#include "model/protobuf_body_test.h"
#include "testing/test.h"

/* ---- reading them ---- */

static void print_series(const struct exposition_protobuf *parser, struct buf *out)
{
    struct labels_builder builder = {0};
    struct arena arena = {0};
    struct labels labels = {0};

    assert_int_equal(exposition_protobuf_labels(parser, &builder, &arena, &labels, NULL), 0);
    labels_format(out, labels);
    labels_builder_done(&builder);
    arena_done(&arena);
}

static void print_exemplars(struct exposition_protobuf *parser, struct buf *out)
{
    struct labels_builder builder = {0};
    struct exposition_exemplar exemplar;

    while (exposition_protobuf_exemplar(parser, &builder, &exemplar, NULL) > 0) {
        buf_c(out, " #");
        for (size_t i = 0; i < exemplar.labels.count; i++) {
            buf_printf(out, " %.*s=%.*s", STR_ARG(exemplar.labels.items[i].name),
                       STR_ARG(exemplar.labels.items[i].value));
        }
        buf_printf(out, " %g", exemplar.value);
        if (exemplar.has_timestamp) {
            buf_printf(out, " %lld", (long long)exemplar.t);
        }
    }
    labels_builder_done(&builder);
}

/* Writes a line an event; a failure is the last line. */
static void print_events(str body, struct exposition_protobuf_options options, struct buf *out)
{
    struct exposition_protobuf parser = {0};
    struct exposition_event event = {0};
    struct baro_error err = {0};
    int kind;

    buf_reset(out);
    exposition_protobuf_init(&parser, body, options);
    while ((kind = exposition_protobuf_next(&parser, &event, &err)) > EXPOSITION_END) {
        if (kind == EXPOSITION_SERIES) {
            print_series(&parser, out);
            buf_printf(out, " %g", event.value);
        } else if (kind == EXPOSITION_HISTOGRAM) {
            print_series(&parser, out);
            buf_c(out, " ");
            histogram_format(out, parser.histogram);
        } else if (kind == EXPOSITION_TYPE) {
            buf_printf(out, "%.*s is a %s", STR_ARG(event.name), metric_type_name(event.type));
        } else {
            buf_printf(out, "%.*s: %.*s", STR_ARG(event.name), STR_ARG(event.text));
        }
        if (kind == EXPOSITION_SERIES || kind == EXPOSITION_HISTOGRAM) {
            if (event.has_timestamp) {
                buf_printf(out, " @%lld", (long long)event.t);
            }
            if (parser.st != 0) {
                buf_printf(out, " since %lld", (long long)parser.st);
            }
            print_exemplars(&parser, out);
        }
        buf_c(out, "\n");
    }
    if (kind < 0) {
        buf_printf(out, "%s: %s\n", error_name(kind), err.message);
    }
    exposition_protobuf_done(&parser);
}

static const struct exposition_protobuf_options native = {.takes_native = true};

TEST(exposition_protobuf_reads_simple_families)
{
    struct buf body = {0};
    struct buf value = {0};
    struct buf time = {0};
    struct buf out = {0};

    protobuf_put_double(&value, 1, 5);
    protobuf_body_exemplar(&value, 2, "x", 0.5, 7);
    protobuf_put_int(&time, 1, 3);
    protobuf_body_message(&value, 3, &time);
    protobuf_body_family(&body, "c_total", 0, &value);
    protobuf_put_double(&value, 1, -1.5);
    protobuf_body_family(&body, "g", 1, &value);
    protobuf_put_double(&value, 1, 2);
    protobuf_body_family(&body, "not a.name", 3, &value);
    print_events(buf_view(&body), native, &out);
    assert_str_equal(buf_view(&out), STR("c_total: help of it\nc_total is a counter\n"
                                         "c_total{a=\"b\"} 5 since 3000 # trace=x 0.5 7005\n"
                                         "g: help of it\ng is a gauge\ng{a=\"b\"} -1.5\n"
                                         "not a.name: help of it\nnot a.name is a unknown\n"
                                         "{\"not a.name\", a=\"b\"} 2\n"));
    buf_done(&body);
    buf_done(&value);
    buf_done(&time);
    buf_done(&out);
}

TEST(exposition_protobuf_spreads_summaries)
{
    struct buf body = {0};
    struct buf value = {0};
    struct buf quantile = {0};
    struct buf out = {0};

    protobuf_put_uint(&value, 1, 7);
    protobuf_put_double(&value, 2, 3.5);
    protobuf_put_double(&quantile, 1, 0.5);
    protobuf_put_double(&quantile, 2, 0.25);
    protobuf_body_message(&value, 3, &quantile);
    protobuf_put_double(&quantile, 1, 1);
    protobuf_put_double(&quantile, 2, NAN);
    protobuf_body_message(&value, 3, &quantile);
    protobuf_body_family(&body, "s", 2, &value);
    print_events(buf_view(&body), native, &out);
    assert_str_equal(buf_view(&out), STR("s: help of it\ns is a summary\n"
                                         "s_count{a=\"b\"} 7\ns_sum{a=\"b\"} 3.5\n"
                                         "s{a=\"b\", quantile=\"0.5\"} 0.25\n"
                                         "s{a=\"b\", quantile=\"1.0\"} nan\n"));
    buf_done(&body);
    buf_done(&value);
    buf_done(&quantile);
    buf_done(&out);
}

/* Classic buckets, an infinite one or not, and the native part. */
static void histogram_body(struct buf *body, bool has_infinity, bool has_native, unsigned type)
{
    struct buf value = {0};

    protobuf_put_uint(&value, 1, 10);
    protobuf_put_double(&value, 2, 12.5);
    protobuf_body_bucket(&value, 1, 4, "one", 9);
    protobuf_body_bucket(&value, 2.5, 8, "two", 0);
    if (has_infinity) {
        protobuf_body_bucket(&value, INFINITY, 10, NULL, 0);
    }
    if (has_native) {
        protobuf_put_sint(&value, 5, 0);
        protobuf_put_double(&value, 6, 0.001);
        protobuf_put_uint(&value, 7, 1);
        protobuf_body_span(&value, 12, 0, 2);
        protobuf_body_span(&value, 12, 1, 1);
        protobuf_put_sint(&value, 13, 4);
        protobuf_put_sint(&value, 13, -2);
        protobuf_put_sint(&value, 13, 1);
    }
    protobuf_body_family(body, "h", type, &value);
    buf_done(&value);
}

TEST(exposition_protobuf_reads_histograms)
{
#define HEAD "h: help of it\nh is a histogram\n"
#define CLASSIC                                                                                    \
    "h_count{a=\"b\"} 10\nh_sum{a=\"b\"} 12.5\n"                                                   \
    "h_bucket{a=\"b\", le=\"1.0\"} 4 # trace=one 0.5 9005\n"                                       \
    "h_bucket{a=\"b\", le=\"2.5\"} 8 # trace=two 1.25\nh_bucket{a=\"b\", le=\"+Inf\"} 10\n"
#define NATIVE                                                                                     \
    "h{a=\"b\"} {count:10, sum:12.5, [-0.001,0.001]:1, (0.5,1]:4, (1,2]:2, (4,8]:3}"               \
    " # trace=one 0.5 9005\n"
    static const struct {
        const char *name;
        bool has_infinity;
        bool has_native;
        struct exposition_protobuf_options options;
        const char *want;
    } cases[] = {
        {"classic", true, false, {true, false}, HEAD CLASSIC},
        {"no infinite bucket", false, false, {true, true}, HEAD CLASSIC},
        {"native", true, true, {true, false}, HEAD NATIVE},
        {"both", true, true, {true, true}, HEAD NATIVE CLASSIC},
        {"native is not wanted", false, true, {false, false}, HEAD CLASSIC},
    };
    struct buf body = {0};
    struct buf out = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        test_row(cases[i].name);
        buf_reset(&body);
        histogram_body(&body, cases[i].has_infinity, cases[i].has_native, 4);
        print_events(buf_view(&body), cases[i].options, &out);
        assert_str_equal(buf_view(&out), str_from(cases[i].want));
    }
    test_row(NULL);
    buf_done(&body);
    buf_done(&out);
}

TEST(exposition_protobuf_reads_gauge_histograms)
{
    struct exposition_protobuf parser = {0};
    struct exposition_event event = {0};
    struct buf body = {0};

    histogram_body(&body, true, true, 5);
    exposition_protobuf_init(&parser, buf_view(&body), native);
    while (exposition_protobuf_next(&parser, &event, NULL) != EXPOSITION_HISTOGRAM) {
        assert_true(event.type == METRIC_GAUGE_HISTOGRAM);
    }
    assert_int_equal(parser.histogram->hint, HISTOGRAM_HINT_GAUGE);
    assert_true(parser.histogram->integer);
    assert_int_equal(exposition_protobuf_next(&parser, &event, NULL), EXPOSITION_END);
    exposition_protobuf_done(&parser);
    buf_done(&body);
}

TEST(exposition_protobuf_reads_float_histograms)
{
    struct buf body = {0};
    struct buf value = {0};
    struct buf counts = {0};
    struct buf out = {0};
    uint64_t half;

    /* Counts as packed doubles; exemplars of its own, one without a time. */
    protobuf_put_double(&value, 4, 4.5);
    protobuf_put_double(&value, 2, 1);
    protobuf_put_sint(&value, 5, 1);
    protobuf_body_span(&value, 9, -1, 2);
    memcpy(&half, &(double){0.5}, sizeof(half));
    write_be64(&counts, __builtin_bswap64(half));
    write_be64(&counts, 0);
    protobuf_put_bytes(&value, 11, buf_view(&counts));
    protobuf_body_span(&value, 12, 2, 1);
    protobuf_put_double(&value, 14, 4);
    protobuf_body_exemplar(&value, 16, "untimed", 1, 0);
    protobuf_body_exemplar(&value, 16, "timed", 2, 4);
    protobuf_body_family(&body, "f", 4, &value);
    print_events(buf_view(&body), native, &out);
    assert_true(str_has_prefix(buf_view(&out), STR("f: help of it\nf is a histogram\nf{a=\"b\"} "
                                                   "{count:4.5, sum:1, [")));
    assert_true(str_contains(buf_view(&out), STR("):0.5, (")));
    assert_true(str_has_suffix(buf_view(&out), STR("]:4} # trace=timed 2 4005\n")));
    buf_done(&body);
    buf_done(&value);
    buf_done(&counts);
    buf_done(&out);
}

TEST(exposition_protobuf_reduces_fine_schemas)
{
    struct exposition_protobuf parser = {0};
    struct exposition_event event = {0};
    struct buf body = {0};
    struct buf value = {0};

    protobuf_put_uint(&value, 1, 3);
    protobuf_put_sint(&value, 5, 40);
    protobuf_body_span(&value, 12, 5, 3);
    protobuf_put_sint(&value, 13, 1);
    protobuf_put_sint(&value, 13, 0);
    protobuf_put_sint(&value, 13, 0);
    protobuf_body_family(&body, "h", 4, &value);
    exposition_protobuf_init(&parser, buf_view(&body), native);
    while (exposition_protobuf_next(&parser, &event, NULL) != EXPOSITION_HISTOGRAM) {
    }
    assert_int_equal(parser.histogram->schema, HISTOGRAM_SCHEMA_MAX);
    assert_int_equal(parser.histogram->positive.bucket_count, 1);
    assert_true(parser.histogram->positive.buckets[0] == 3);
    exposition_protobuf_done(&parser);
    buf_done(&body);
    buf_done(&value);
}

TEST(exposition_protobuf_escapes_what_it_is_given)
{
    struct exposition_protobuf parser = {0};
    struct labels_builder builder = {0};
    struct exposition_event event = {0};
    struct arena arena = {0};
    struct labels labels = {0};
    struct buf body = {0};
    struct buf family = {0};
    struct buf metric = {0};

    protobuf_body_label(&metric, "a \"quoted\\ label", "line\nfeed\"\\");
    protobuf_body_label(&metric, "", "x");
    protobuf_body_label(&metric, "b", "");
    protobuf_put_bytes(&family, 1, STR("n\"a{me"));
    protobuf_body_message(&family, 4, &metric);
    write_uvarint_bytes(&body, buf_view(&family));
    exposition_protobuf_init(&parser, buf_view(&body), native);
    assert_int_equal(exposition_protobuf_next(&parser, &event, NULL), EXPOSITION_TYPE);
    assert_int_equal(exposition_protobuf_next(&parser, &event, NULL), EXPOSITION_SERIES);
    assert_true(exposition_protobuf_labels(&parser, &builder, &arena, &labels, NULL) < 0);
    exposition_protobuf_done(&parser);

    /* The same without the label that has no name. */
    buf_reset(&family);
    buf_reset(&body);
    protobuf_body_label(&metric, "a \"quoted\\ label", "line\nfeed\"\\");
    protobuf_body_label(&metric, "b", "");
    protobuf_put_bytes(&family, 1, STR("n\"a{me"));
    protobuf_body_message(&family, 4, &metric);
    write_uvarint_bytes(&body, buf_view(&family));
    exposition_protobuf_init(&parser, buf_view(&body), native);
    assert_int_equal(exposition_protobuf_next(&parser, &event, NULL), EXPOSITION_TYPE);
    assert_int_equal(exposition_protobuf_next(&parser, &event, NULL), EXPOSITION_SERIES);
    assert_int_equal(exposition_protobuf_labels(&parser, &builder, &arena, &labels, NULL), 0);
    assert_int_equal(labels.count, 2);
    assert_str_equal(labels_get(labels, LABEL_METRIC_NAME), STR("n\"a{me"));
    assert_str_equal(labels_get(labels, STR("a \"quoted\\ label")), STR("line\nfeed\"\\"));
    exposition_protobuf_done(&parser);
    labels_builder_done(&builder);
    arena_done(&arena);
    buf_done(&body);
    buf_done(&family);
    buf_done(&metric);
}

/* Appends a family of raw bytes behind a good one. */
static void refuse(const char *name, str family, const char *want)
{
    struct buf body = {0};
    struct buf value = {0};
    struct buf out = {0};

    test_row(name);
    protobuf_put_double(&value, 1, 1);
    protobuf_body_family(&body, "g", 1, &value);
    write_uvarint_bytes(&body, family);
    print_events(buf_view(&body), native, &out);
    if (!str_contains(buf_view(&out), str_from(want))) {
        print_error("%.*s", STR_ARG(buf_view(&out)));
        fail();
    }
    assert_true(str_has_prefix(buf_view(&out), STR("g: help of it\ng is a gauge\ng{a=\"b\"} 1\n")));
    buf_done(&body);
    buf_done(&value);
    buf_done(&out);
    test_row(NULL);
}

TEST(exposition_protobuf_refuses_damage)
{
    struct buf body = {0};
    struct buf out = {0};

    refuse("a wire type that does not exist", STR("\x0a\x01g\x0f"), "at byte 40: it is damaged");
    refuse("no name", STR("\x18\x01"), "at byte 40: it has no name");
    refuse("a type that does not exist", STR("\x0a\x01g\x18\x06"), "unknown type");
    refuse("a name that is no text", STR("\x0a\x01\xff"), "not valid UTF-8");
    refuse("a metric that ends early", STR("\x0a\x01g\x22\x02\x0a\x05"), "a metric is damaged");
    refuse("a number for a name", STR("\x08\x01"), "it is damaged");
    /* A length that promises more than there is, and one that is no number. */
    print_events(STR("\x05\x0a\x01g"), native, &out);
    assert_str_equal(buf_view(&out), STR("BARO_EPARSE: protobuf: the metric family at byte 1: the "
                                         "body ends inside it\n"));
    print_events(STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), native, &out);
    assert_true(str_has_prefix(buf_view(&out), STR("BARO_EPARSE")));
    print_events(STR(""), native, &out);
    assert_int_equal(out.len, 0);
    buf_done(&body);
    buf_done(&out);
}

TEST(exposition_protobuf_refuses_impossible_histograms)
{
    static const struct {
        const char *name;
        int64_t schema;
        int64_t offset;
        uint64_t length;
        int64_t delta;
        uint64_t count;
        const char *want;
    } cases[] = {
        {"fewer buckets than the span", 0, 0, 2, 1, 1, "spans need 2 buckets, have 1"},
        {"a negative bucket", 0, 0, 1, -1, 1, "negative"},
        {"more in the buckets than in all", 0, 0, 1, 5, 1, "histogram"},
        {"a schema of custom buckets", -53, 0, 1, 1, 1, "schema -53"},
        {"a schema that is too coarse", -5, 0, 1, 1, 1, "schema -5"},
        {"a schema that is too fine", 53, 0, 1, 1, 1, "schema 53"},
        {"a span at the end of all numbers", 0, INT32_MAX, 2, 1, 1, "histogram"},
        {"a span beyond 32 bits", 0, INT64_MIN, 1, 1, 1, "damaged"},
        {"a span of the least number", 0, INT32_MIN, 1, 1, 1, "damaged"},
        {"a span that is too long", 0, 0, 70000, 1, 1, "histogram"},
    };
    struct buf body = {0};
    struct buf value = {0};
    struct buf out = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        test_row(cases[i].name);
        buf_reset(&body);
        protobuf_put_uint(&value, 1, cases[i].count);
        protobuf_put_sint(&value, 5, cases[i].schema);
        protobuf_body_span(&value, 12, cases[i].offset, cases[i].length);
        protobuf_put_sint(&value, 13, cases[i].delta);
        protobuf_body_family(&body, "h", 4, &value);
        print_events(buf_view(&body), native, &out);
        assert_true(str_contains(buf_view(&out), STR("\nBARO_E")));
        assert_true(str_contains(buf_view(&out), str_from(cases[i].want)));
    }
    test_row(NULL);
    buf_done(&body);
    buf_done(&value);
    buf_done(&out);
}

TEST(exposition_protobuf_bounds_what_a_metric_makes)
{
    struct buf body = {0};
    struct buf family = {0};
    struct buf metric = {0};
    struct buf value = {0};
    struct buf text = {0};
    struct buf out = {0};

    /* A label of 1 MiB in the series of 100 buckets would be 100 MiB of text. */
    for (int i = 0; i < 100; i++) {
        protobuf_body_bucket(&value, i, 1, NULL, 0);
    }
    for (size_t i = 0; i < (size_t)1 << 20; i++) {
        buf_char(&text, 'x');
    }
    protobuf_put_bytes(&metric, 1, STR(""));
    buf_reset(&metric);
    buf_char(&text, '\0');
    protobuf_body_label(&metric, "a", text.ptr);
    protobuf_body_message(&metric, 7, &value);
    protobuf_put_bytes(&family, 1, STR("h"));
    protobuf_put_uint(&family, 3, 4);
    protobuf_body_message(&family, 4, &metric);
    write_uvarint_bytes(&body, buf_view(&family));
    print_events(buf_view(&body), native, &out);
    assert_true(str_contains(buf_view(&out), STR("too long for its buckets")));
    buf_done(&body);
    buf_done(&family);
    buf_done(&metric);
    buf_done(&value);
    buf_done(&text);
    buf_done(&out);
}
