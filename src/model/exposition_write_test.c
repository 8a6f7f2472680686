#include "model/exposition_write.h"

#include "base/num.h"
#include "model/exposition_protobuf.h"
#include "testing/test.h"

TEST(exposition_write_lines)
{
    static const struct label plain[] = {
        {STR_INIT("__name__"), STR_INIT("x")},
        {STR_INIT("job"), STR_INIT("a\"b\\c\nd")},
        {STR_INIT("instance"), STR_INIT("")},
    };
    static const struct label dotted[] = {{STR_INIT("a.b"), STR_INIT("c")}};
    struct buf out = {0};
    ts t = 1234;

    exposition_write_type(&out, STR("x"), METRIC_UNKNOWN);
    exposition_write_type(&out, STR("x.y"), METRIC_COUNTER);
    exposition_write_type(&out, STR("x"), METRIC_INFO);
    exposition_write_sample(&out, STR("x"), (struct labels){plain, 3}, 1e6, &t);
    exposition_write_sample(&out, STR("x"), (struct labels){plain, 1}, -0.5, NULL);
    exposition_write_sample(&out, STR("x.y"), (struct labels){NULL, 0}, value_stale(), NULL);
    exposition_write_sample(&out, STR("x.y"), (struct labels){dotted, 1}, 1, NULL);
    assert_str_equal(buf_view(&out), STR("# TYPE x untyped\n"
                                         "# TYPE \"x.y\" counter\n"
                                         "# TYPE x untyped\n"
                                         "x{job=\"a\\\"b\\\\c\\nd\",instance=\"\"} 1e+06 1234\n"
                                         "x -0.5\n"
                                         "{\"x.y\"} NaN\n"
                                         "{\"x.y\",\"a.b\"=\"c\"} 1\n"));
    buf_done(&out);
}

static struct histogram_span custom_spans[] = {{1, 1}, {1, 1}};
static double custom_counts[] = {2, 4};
static const double custom_bounds[] = {0.5, 1, 2.5};
static const struct histogram custom = {
    .schema = HISTOGRAM_SCHEMA_CUSTOM,
    .count = 6,
    .sum = 7.5,
    .positive = {custom_spans, custom_counts, 2, 2},
    .custom = custom_bounds,
    .custom_count = 3,
};
static const struct label ab[] = {{STR_INIT("__name__"), STR_INIT("h")},
                                  {STR_INIT("a"), STR_INIT("b")}};

/* Bounds without a bucket have the count of those below; what is beyond the last one is in +Inf. */
TEST(exposition_write_custom_buckets_as_a_classic_histogram)
{
    struct buf out = {0};
    ts t = 1234;

    exposition_write_classic(&out, STR("h"), (struct labels){ab, 2}, &custom, &t);
    exposition_write_classic(&out, STR("h.x"), (struct labels){NULL, 0}, &custom, NULL);
    assert_str_equal(buf_view(&out), STR("h_bucket{a=\"b\",le=\"0.5\"} 0 1234\n"
                                         "h_bucket{a=\"b\",le=\"1\"} 2 1234\n"
                                         "h_bucket{a=\"b\",le=\"2.5\"} 2 1234\n"
                                         "h_bucket{a=\"b\",le=\"+Inf\"} 6 1234\n"
                                         "h_sum{a=\"b\"} 7.5 1234\n"
                                         "h_count{a=\"b\"} 6 1234\n"
                                         "{\"h.x_bucket\",le=\"0.5\"} 0\n"
                                         "{\"h.x_bucket\",le=\"1\"} 2\n"
                                         "{\"h.x_bucket\",le=\"2.5\"} 2\n"
                                         "{\"h.x_bucket\",le=\"+Inf\"} 6\n"
                                         "{\"h.x_sum\"} 7.5\n"
                                         "{\"h.x_count\"} 6\n"));
    buf_done(&out);
}

/* Lines of a protobuf body as our own parser reads it. */
static void read_back(str body, struct buf *out)
{
    const struct exposition_protobuf_options options = {.takes_native = true};
    struct exposition_protobuf parser = {0};
    struct exposition_event event = {0};
    int kind;

    exposition_protobuf_init(&parser, body, options);
    while ((kind = exposition_protobuf_next(&parser, &event, NULL)) > EXPOSITION_END) {
        if (kind == EXPOSITION_TYPE) {
            buf_printf(out, "%.*s is a %s\n", STR_ARG(event.name), metric_type_name(event.type));
        } else if (kind == EXPOSITION_SERIES || kind == EXPOSITION_HISTOGRAM) {
            struct labels_builder builder = {0};
            struct arena arena = {0};
            struct labels labels = {0};

            assert_int_equal(exposition_protobuf_labels(&parser, &builder, &arena, &labels, NULL),
                             0);
            labels_format(out, labels);
            buf_char(out, ' ');
            if (kind == EXPOSITION_HISTOGRAM) {
                histogram_format(out, parser.histogram);
            } else {
                buf_double(out, event.value, NUM_G);
            }
            buf_printf(out, " @%lld\n", (long long)event.t);
            labels_builder_done(&builder);
            arena_done(&arena);
        }
    }
    assert_int_equal(kind, EXPOSITION_END);
    exposition_protobuf_done(&parser);
}

TEST(exposition_write_protobuf_is_read_back)
{
    static struct histogram_span spans[] = {{-1, 1}, {1, 1}};
    static double counts[] = {1, 2.5};
    const struct histogram native = {
        .schema = 2,
        .zero_threshold = 0.001,
        .zero_count = 0.5,
        .count = 5,
        .sum = -3,
        .positive = {spans, counts, 2, 2},
        .negative = {spans, counts, 1, 1},
    };
    struct exposition_proto proto = {0};
    struct buf out = {0}, text = {0};

    exposition_proto_begin(&proto, STR("g"), EXPOSITION_PROTO_UNTYPED);
    exposition_proto_float(&proto, (struct labels){ab + 1, 1}, 1.5, 1000);
    exposition_proto_float(&proto, (struct labels){NULL, 0}, -2, 2000);
    exposition_proto_end(&proto, &out);
    exposition_proto_begin(&proto, STR("h"), EXPOSITION_PROTO_HISTOGRAM);
    exposition_proto_histogram(&proto, (struct labels){ab, 2}, &native, 3000);
    exposition_proto_end(&proto, &out);
    exposition_proto_begin(&proto, STR("h"), EXPOSITION_PROTO_GAUGE_HISTOGRAM);
    exposition_proto_histogram(&proto, (struct labels){ab, 2}, &custom, 4000);
    exposition_proto_end(&proto, &out);
    assert_false(out.failed);
    read_back(buf_view(&out), &text);
    assert_str_equal(buf_view(&text),
                     STR("g is a unknown\n"
                         "g{a=\"b\"} 1.5 @1000\n"
                         "g -2 @2000\n"
                         "h is a histogram\n"
                         "h{a=\"b\"} {count:5, sum:-3, [-0.8408964152537144,"
                         "-0.7071067811865475):1, [-0.001,0.001]:0.5, (0.7071067811865475,"
                         "0.8408964152537144]:1, (1,1.189207115002721]:2.5} @3000\n"
                         "h is a gaugehistogram\n"
                         "h_count{a=\"b\"} 6 @4000\n"
                         "h_sum{a=\"b\"} 7.5 @4000\n"
                         "h_bucket{a=\"b\", le=\"0.5\"} 0 @4000\n"
                         "h_bucket{a=\"b\", le=\"1.0\"} 2 @4000\n"
                         "h_bucket{a=\"b\", le=\"2.5\"} 2 @4000\n"
                         "h_bucket{a=\"b\", le=\"+Inf\"} 6 @4000\n"));
    exposition_proto_done(&proto);
    buf_done(&out);
    buf_done(&text);
}
