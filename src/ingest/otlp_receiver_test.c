/* OTLP requests, as JSON, on their way into a store that remembers. The wanted lines are what
 * Prometheus's own translator makes of the same request. */
#include "ingest/otlp_receiver.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/vec.h"
#include "codec/protobuf.h"
#include "ingest/otlp_json.h"
#include "testing/recorder.h"
#include "testing/test.h"
#include "tsdb/tsdb.h"

/* Every kind of metric of one resource. */
static const char everything[] =
    "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{"
    "\"strin"
    "gValue\":\"shop\"}},{\"key\":\"service.namespace\",\"value\":{\"stringValue\":\"eu\"}},{"
    "\"key\":\"se"
    "rvice.instance.id\",\"value\":{\"stringValue\":\"i-1\"}},{\"key\":\"host.name\",\"value\":{"
    "\"strin"
    "gValue\":\"h1\"}},{\"key\":\"cpu.count\",\"value\":{\"intValue\":\"8\"}}]},\"scopeMetrics\":[{"
    "\"scop"
    "e\":{\"name\":\"lib\",\"version\":\"1.2\",\"attributes\":[{\"key\":\"k.s\",\"value\":{"
    "\"boolValue\":tru"
    "e}}]},\"schemaUrl\":\"http://"
    "s\",\"metrics\":[{\"name\":\"temp\",\"unit\":\"Cel\",\"description\":\"h"
    "ow "
    "warm\",\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":\"1000000000\",\"asDouble\":21.5,\"attrib"
    "utes\":[{\"key\":\"room.name\",\"value\":{\"stringValue\":\"x\"}},{\"key\":\"room_name\","
    "\"value\":{\""
    "stringValue\":\"y\"}},{\"key\":\"list\",\"value\":{\"arrayValue\":{\"values\":[{\"intValue\":"
    "1},{\"s"
    "tringValue\":\"a\"},{\"doubleValue\":0.5}]}}}]}]}},{\"name\":\"jobs.done\",\"unit\":\"1\","
    "\"sum\":{"
    "\"aggregationTemporality\":2,\"isMonotonic\":true,\"dataPoints\":[{\"startTimeUnixNano\":\"50"
    "0000000\",\"timeUnixNano\":\"1700000000\",\"asInt\":\"42\",\"exemplars\":[{\"timeUnixNano\":"
    "\"1600"
    "000000\",\"asDouble\":3,\"traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":\"01020304"
    "05060708\",\"filteredAttributes\":[{\"key\":\"a\",\"value\":{\"stringValue\":\"b\"}}]}]}]}},{"
    "\"nam"
    "e\":\"queue\",\"sum\":{\"aggregationTemporality\":\"AGGREGATION_TEMPORALITY_CUMULATIVE\",\"dat"
    "aPoints\":[{\"timeUnixNano\":1000000000,\"asInt\":-3},{\"timeUnixNano\":\"1000000000\",\"flags"
    "\":1,\"attributes\":[{\"key\":\"gone\",\"value\":{\"boolValue\":true}}]}]}},{\"name\":"
    "\"wait\",\"uni"
    "t\":\"s\",\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":[{\"timeUnixNano\":"
    "\"100000"
    "0000\",\"count\":\"7\",\"sum\":12.5,\"bucketCounts\":[\"0\",\"3\",\"0\",\"4\"],"
    "\"explicitBounds\":[0.1,"
    "0.5,1],\"exemplars\":[{\"timeUnixNano\":\"900000000\",\"asDouble\":0.3},{\"timeUnixNano\":"
    "\"950"
    "000000\",\"asDouble\":5}]}]}},{\"name\":\"size\",\"exponentialHistogram\":{\"aggregationTempor"
    "ality\":2,\"dataPoints\":[{\"timeUnixNano\":\"1000000000\",\"count\":\"15\",\"sum\":99,"
    "\"scale\":9,"
    "\"zeroCount\":\"2\",\"positive\":{\"offset\":-3,\"bucketCounts\":[\"1\",\"2\",\"0\",\"0\","
    "\"0\",\"0\",\"0\","
    "\"0\",\"0\",\"0\",\"0\",\"4\"]},\"negative\":{\"offset\":0,\"bucketCounts\":[\"6\"]}}]}},{"
    "\"name\":\"lat\""
    ",\"summary\":{\"dataPoints\":[{\"timeUnixNano\":\"1000000000\",\"count\":\"4\",\"sum\":2.5,"
    "\"quanti"
    "leValues\":[{\"quantile\":0.5,\"value\":0.25},{\"quantile\":1,\"value\":1}]}]}}]}]}]}";

static const struct otlp_naming escaped = {
    .adds_suffixes = true, .sanitizes_underscore = true, .keeps_underscores = true};

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

/* The lines in order. */
static void sort_lines(char *text, struct buf *ret)
{
    VEC(str) lines = {0};
    str rest = str_from(text);

    for (str line; str_split_next(&rest, '\n', &line);) {
        if (line.len > 0) {
            vec_push(&lines, line);
        }
    }
    if (lines.count > 0) {
        qsort(lines.items, lines.count, sizeof(str), by_text);
    }
    for (size_t i = 0; i < lines.count; i++) {
        buf_str(ret, lines.items[i]);
        buf_char(ret, '\n');
    }
    vec_done(&lines);
}

/* Takes a request of JSON; gives the status and, in `lines`, what was committed. */
static int take(struct otlp_options *options, const char *json, struct buf *lines,
                struct otlp_receipt *receipt)
{
    struct recorder *recorder = recorder_new();
    struct buf message = {0};
    struct baro_error err = {0};
    char *text;

    options->appendable = recorder_appendable(recorder);
    options->now = 2000;
    options->lookback = 5 * DUR_MINUTE;
    assert_ok(otlp_json_metrics(str_from(json), &message, &err), &err);
    otlp_receiver_take(options, buf_view(&message), receipt);
    text = recorder_take(recorder);
    sort_lines(text, lines);
    (void)mem_free(text);
    buf_done(&message);
    (void)recorder_free(recorder);
    return receipt->status;
}

/* Line by line, so that a difference is seen. */
static void want_lines(struct otlp_options *options, const char *json, const char *const *want,
                       size_t count)
{
    struct otlp_receipt receipt = {0};
    struct buf lines = {0};
    str rest, line;

    assert_int_equal(take(options, json, &lines, &receipt), 200);
    assert_str_equal(buf_view(&receipt.message), STR(""));
    rest = buf_view(&lines);
    for (size_t i = 0; i < count; i++) {
        assert_true(str_split_next(&rest, '\n', &line));
        assert_str_equal(line, str_from(want[i]));
    }
    assert_int_equal(rest.len, 0);
    buf_done(&lines);
    otlp_receipt_done(&receipt);
}

static const char *const want_escaped[] = {
    "# exemplar jobs_done_total{host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\"} {a="
    "\"b\", span_id=\"0102030405060708\", trace_id=\"0102030405060708090a0b0c0d0e0f10\"} "
    "3 @1600",
    "# exemplar wait_seconds_bucket{host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\", "
    "le=\"+Inf\"} {} 5 @950",
    "# exemplar wait_seconds_bucket{host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\", "
    "le=\"0.5\"} {} 0.3 @900",
    "jobs_done_total{host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\"} 42 @1700 since "
    "500",
    "lat_count{host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\"} 4 @1000",
    "lat_sum{host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\"} 2.5 @1000",
    "lat{host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\", quantile=\"0.5\"} 0.25 @100"
    "0",
    "lat{host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\", quantile=\"1\"} 1 @1000",
    "queue{gone=\"true\", host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\"} stale @100"
    "0",
    "queue{host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\"} -3 @1000",
    "size{host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\"} {count:15, sum:99, [-1.002"
    "7112750502025,-1):6, [-1e-128,1e-128]:2, (0.9945994234836328,0.9972960560854698]:1, "
    "(0.9972960560854698,1]:2, (1.0108892860517005,1.0136300849514894]:4} @1000",
    "target_info{cpu_count=\"8\", host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\"} 1 "
    "@1000",
    "target_info{cpu_count=\"8\", host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\"} 1 "
    "@1700",
    "temp_celsius{host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\", list=\"[1,\\\"a"
    "\\\",0.5]\", room_name=\"x;y\"} 21.5 @1000",
    "wait_seconds_bucket{host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\", le=\"+Inf\""
    "} 7 @1000",
    "wait_seconds_bucket{host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\", le=\"0.1\"}"
    " 0 @1000",
    "wait_seconds_bucket{host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\", le=\"0.5\"}"
    " 3 @1000",
    "wait_seconds_bucket{host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\", le=\"1\"} 3"
    " @1000",
    "wait_seconds_count{host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\"} 7 @1000",
    "wait_seconds_sum{host_name=\"h1\", instance=\"i-1\", job=\"eu/shop\"} 12.5 @1000",
};

static const char *const want_kept[] = {
    "# exemplar wait_seconds{__type__=\"histogram\", __unit__=\"seconds\", \"cpu.count\"="
    "\"8\", instance=\"i-1\", job=\"eu/shop\", \"otel_scope_k.s\"=\"true\", otel_scope_na"
    "me=\"lib\", otel_scope_schema_url=\"http://s\", otel_scope_version=\"1.2\", \"servic"
    "e.instance.id\"=\"i-1\", \"service.name\"=\"shop\", \"service.namespace\"=\"eu\"} {}"
    " 0.3 @900",
    "# exemplar wait_seconds{__type__=\"histogram\", __unit__=\"seconds\", \"cpu.count\"="
    "\"8\", instance=\"i-1\", job=\"eu/shop\", \"otel_scope_k.s\"=\"true\", otel_scope_na"
    "me=\"lib\", otel_scope_schema_url=\"http://s\", otel_scope_version=\"1.2\", \"servic"
    "e.instance.id\"=\"i-1\", \"service.name\"=\"shop\", \"service.namespace\"=\"eu\"} {}"
    " 5 @950",
    "# exemplar {\"jobs.done_total\", __type__=\"counter\", \"cpu.count\"=\"8\", instance"
    "=\"i-1\", job=\"eu/shop\", \"otel_scope_k.s\"=\"true\", otel_scope_name=\"lib\", ote"
    "l_scope_schema_url=\"http://s\", otel_scope_version=\"1.2\", \"service.instance.id\""
    "=\"i-1\", \"service.name\"=\"shop\", \"service.namespace\"=\"eu\"} {a=\"b\", span_id"
    "=\"0102030405060708\", trace_id=\"0102030405060708090a0b0c0d0e0f10\"} 3 @1600",
    "lat_count{__type__=\"summary\", \"cpu.count\"=\"8\", instance=\"i-1\", job=\"eu/shop"
    "\", \"otel_scope_k.s\"=\"true\", otel_scope_name=\"lib\", otel_scope_schema_url=\"ht"
    "tp://s\", otel_scope_version=\"1.2\", \"service.instance.id\"=\"i-1\", \"service.nam"
    "e\"=\"shop\", \"service.namespace\"=\"eu\"} 4 @1000",
    "lat_sum{__type__=\"summary\", \"cpu.count\"=\"8\", instance=\"i-1\", job=\"eu/shop\""
    ", \"otel_scope_k.s\"=\"true\", otel_scope_name=\"lib\", otel_scope_schema_url=\"http"
    "://s\", otel_scope_version=\"1.2\", \"service.instance.id\"=\"i-1\", \"service.name"
    "\"=\"shop\", \"service.namespace\"=\"eu\"} 2.5 @1000",
    "lat{__type__=\"summary\", \"cpu.count\"=\"8\", instance=\"i-1\", job=\"eu/shop\", \""
    "otel_scope_k.s\"=\"true\", otel_scope_name=\"lib\", otel_scope_schema_url=\"http://s"
    "\", otel_scope_version=\"1.2\", quantile=\"0.5\", \"service.instance.id\"=\"i-1\", "
    "\"service.name\"=\"shop\", \"service.namespace\"=\"eu\"} 0.25 @1000",
    "lat{__type__=\"summary\", \"cpu.count\"=\"8\", instance=\"i-1\", job=\"eu/shop\", \""
    "otel_scope_k.s\"=\"true\", otel_scope_name=\"lib\", otel_scope_schema_url=\"http://s"
    "\", otel_scope_version=\"1.2\", quantile=\"1\", \"service.instance.id\"=\"i-1\", \"s"
    "ervice.name\"=\"shop\", \"service.namespace\"=\"eu\"} 1 @1000",
    "queue{__type__=\"gauge\", \"cpu.count\"=\"8\", gone=\"true\", instance=\"i-1\", job="
    "\"eu/shop\", \"otel_scope_k.s\"=\"true\", otel_scope_name=\"lib\", otel_scope_schema"
    "_url=\"http://s\", otel_scope_version=\"1.2\", \"service.instance.id\"=\"i-1\", \"se"
    "rvice.name\"=\"shop\", \"service.namespace\"=\"eu\"} stale @1000",
    "queue{__type__=\"gauge\", \"cpu.count\"=\"8\", instance=\"i-1\", job=\"eu/shop\", \""
    "otel_scope_k.s\"=\"true\", otel_scope_name=\"lib\", otel_scope_schema_url=\"http://s"
    "\", otel_scope_version=\"1.2\", \"service.instance.id\"=\"i-1\", \"service.name\"=\""
    "shop\", \"service.namespace\"=\"eu\"} -3 @1000",
    "size{__type__=\"histogram\", \"cpu.count\"=\"8\", instance=\"i-1\", job=\"eu/shop\","
    " \"otel_scope_k.s\"=\"true\", otel_scope_name=\"lib\", otel_scope_schema_url=\"http:"
    "//s\", otel_scope_version=\"1.2\", \"service.instance.id\"=\"i-1\", \"service.name\""
    "=\"shop\", \"service.namespace\"=\"eu\"} {count:15, sum:99, [-1.0027112750502025,-1)"
    ":6, [-1e-128,1e-128]:2, (0.9945994234836328,0.9972960560854698]:1, (0.99729605608546"
    "98,1]:2, (1.0108892860517005,1.0136300849514894]:4} @1000",
    "target_info{\"cpu.count\"=\"8\", \"host.name\"=\"h1\", instance=\"i-1\", job=\"eu/sh"
    "op\", \"service.instance.id\"=\"i-1\", \"service.name\"=\"shop\", \"service.namespac"
    "e\"=\"eu\"} 1 @1000",
    "target_info{\"cpu.count\"=\"8\", \"host.name\"=\"h1\", instance=\"i-1\", job=\"eu/sh"
    "op\", \"service.instance.id\"=\"i-1\", \"service.name\"=\"shop\", \"service.namespac"
    "e\"=\"eu\"} 1 @1700",
    "temp_celsius{__type__=\"gauge\", __unit__=\"celsius\", \"cpu.count\"=\"8\", instance"
    "=\"i-1\", job=\"eu/shop\", list=\"[1,\\\"a\\\",0.5]\", \"otel_scope_k.s\"=\"true\", "
    "otel_scope_name=\"lib\", otel_scope_schema_url=\"http://s\", otel_scope_version=\"1."
    "2\", \"room.name\"=\"x\", room_name=\"y\", \"service.instance.id\"=\"i-1\", \"servic"
    "e.name\"=\"shop\", \"service.namespace\"=\"eu\"} 21.5 @1000",
    "wait_seconds{__type__=\"histogram\", __unit__=\"seconds\", \"cpu.count\"=\"8\", inst"
    "ance=\"i-1\", job=\"eu/shop\", \"otel_scope_k.s\"=\"true\", otel_scope_name=\"lib\","
    " otel_scope_schema_url=\"http://s\", otel_scope_version=\"1.2\", \"service.instance."
    "id\"=\"i-1\", \"service.name\"=\"shop\", \"service.namespace\"=\"eu\"} {count:7, sum"
    ":12.5, (0.1,0.5]:3, (1,+Inf]:4} @1000",
    "{\"jobs.done_total\", __type__=\"counter\", \"cpu.count\"=\"8\", instance=\"i-1\", j"
    "ob=\"eu/shop\", \"otel_scope_k.s\"=\"true\", otel_scope_name=\"lib\", otel_scope_sch"
    "ema_url=\"http://s\", otel_scope_version=\"1.2\", \"service.instance.id\"=\"i-1\", "
    "\"service.name\"=\"shop\", \"service.namespace\"=\"eu\"} 42 @1700 since 500",
};

static const str host[] = {STR_INIT("host.name")};

TEST(otlp_receiver_takes_what_prometheus_takes)
{
    struct otlp_options options = {.naming = escaped, .attributes = host, .attribute_count = 1};

    want_lines(&options, everything, want_escaped, ARRAY_COUNT(want_escaped));
}

TEST(otlp_receiver_keeps_names_and_promotes)
{
    struct otlp_options options = {.naming = {.adds_suffixes = true, .allows_utf8 = true},
                                   .promotes_all = true,
                                   .attributes = host,
                                   .attribute_count = 1,
                                   .keeps_identifying = true,
                                   .makes_nhcb = true,
                                   .promotes_scope = true,
                                   .takes_deltas = true,
                                   .type_and_unit_labels = true};

    want_lines(&options, everything, want_kept, ARRAY_COUNT(want_kept));
}

#define SUM(fields, points)                                                                        \
    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\",\"sum\":{" fields      \
    "\"dataPoints\":[" points "]}}]}]}]}"

TEST(otlp_receiver_keeps_what_is_good)
{
    static const struct {
        const char *name;
        const char *json;
        const char *lines;
        const char *told;
    } cases[] = {
        {"a delta",
         SUM("\"aggregationTemporality\":1,", "{\"timeUnixNano\":\"1000000\",\"asInt\":1}"), "",
         "invalid temporality and type combination for metric \"m\""},
        {"no temporality", SUM("", "{\"timeUnixNano\":\"1000000\",\"asInt\":1}"), "",
         "invalid temporality and type combination for metric \"m\""},
        {"out of order",
         SUM("\"aggregationTemporality\":2,", "{\"timeUnixNano\":\"2000000\",\"asInt\":1},{"
                                              "\"timeUnixNano\":\"1000000\",\"asInt\":2}"),
         "m 1 @2\n", "duplicate sample for timestamp for metric \"m\""},
        {"too far ahead",
         SUM("\"aggregationTemporality\":2,", "{\"timeUnixNano\":\"1000000\",\"asInt\":1},{"
                                              "\"timeUnixNano\":\"900000000000000\",\"asInt\":2}"),
         "m 1 @1\n", "too far in the future for metric \"m\""},
        {"an attribute of underscores",
         SUM("\"aggregationTemporality\":2,",
             "{\"timeUnixNano\":\"1000000\",\"asInt\":1},"
             "{\"timeUnixNano\":\"1000000\",\"asInt\":2,\"attributes\":[{\"key\":\"__\",\"value\":{"
             "\"stringValue\":\"x\"}}]}"),
         "m 1 @1\n", "attribute \"__\" cannot be a label for metric \"m\""},
        {"no data", "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\"}]}]}]}",
         "", "unsupported metric type for metric \"m\""},
        {"no name",
         "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"..\",\"gauge\":{}}]}]}"
         "]}",
         "", "nothing is left of the name for metric \"..\""},
        {"too coarse",
         "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\","
         "\"exponentialHistogram\":{\"aggregationTemporality\":2,"
         "\"dataPoints\":[{\"scale\":-5,\"timeUnixNano\":\"1\"}]}}]}]}]}",
         "", "scale must be >= -4, was -5 for metric \"m\""},
    };
    struct otlp_options options = {.naming = escaped};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct otlp_receipt receipt = {0};
        struct buf lines = {0};

        test_row(cases[i].name);
        assert_int_equal(take(&options, cases[i].json, &lines, &receipt), 400);
        assert_true(str_contains(buf_view(&receipt.message), str_from(cases[i].told)));
        assert_str_equal(buf_view(&lines), str_from(cases[i].lines));
        buf_done(&lines);
        otlp_receipt_done(&receipt);
    }
    test_row(NULL);
}

/* Attributes "kNNN" of a resource or point. */
static void put_attributes(struct buf *json, const char *prefix, int count)
{
    buf_c(json, "\"attributes\":[");
    for (int i = 0; i < count; i++) {
        buf_printf(json, "%s{\"key\":\"%s%03d\",\"value\":{\"stringValue\":\"v\"}}",
                   i > 0 ? "," : "", prefix, i);
    }
    buf_c(json, "]");
}

/* Series with more labels than a store has are told of, and the others are kept. */
TEST(otlp_receiver_bounds_labels)
{
    struct otlp_options options = {.naming = escaped, .promotes_all = true};
    struct otlp_receipt receipt = {0};
    struct buf json = {0};
    struct buf lines = {0};
    char *text;

    buf_c(&json, "{\"resourceMetrics\":[{\"resource\":{");
    put_attributes(&json, "r", 400);
    buf_c(&json, "},\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\",\"gauge\":{"
                 "\"dataPoints\":[{\"timeUnixNano\":\"1000000\",\"asInt\":1,");
    put_attributes(&json, "p", 400);
    buf_c(&json, "}]}}]}]},{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"n\",\"gauge\":{"
                 "\"dataPoints\":[{\"timeUnixNano\":\"1000000\",\"asInt\":1}]}}]}]}]}");
    text = buf_take_c(&json);
    assert_int_equal(take(&options, text, &lines, &receipt), 400);
    assert_str_equal(buf_view(&receipt.message), STR("more than 512 labels for metric \"m\""));
    assert_str_equal(buf_view(&lines), STR("n 1 @1\n"));
    /* What they add up to. */
    options.label_bytes_max = 1000;
    buf_reset(&lines);
    assert_int_equal(take(&options, text, &lines, &receipt), 400);
    assert_true(str_contains(buf_view(&receipt.message), STR("send fewer points")));
    assert_int_equal(lines.len, 0);
    (void)mem_free(text);
    buf_done(&lines);
    otlp_receipt_done(&receipt);
}

TEST(otlp_receiver_bounds_names)
{
    for (int i = 0; i < 4; i++) {
        struct otlp_options options = {.naming = escaped};
        struct otlp_receipt receipt = {0};
        struct buf json = {0};
        struct buf lines = {0};
        char *text;

        buf_printf(
            &json,
            "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"gauge\":{\"dataPoints\":"
            "[{}]},%s\":\"",
            i % 2 == 0 ? "\"name" : "\"name\":\"m\",\"unit");
        for (int k = 0; k < OTLP_NAME_BYTES_MAX + i / 2; k++) {
            buf_char(&json, 'u');
        }
        buf_c(&json, "\"}]}]}]}");
        text = buf_take_c(&json);
        assert_int_equal(take(&options, text, &lines, &receipt), i < 2 ? 200 : 400);
        assert_true(i < 2 || str_contains(buf_view(&receipt.message), STR("longer than 4096")));
        (void)mem_free(text);
        buf_done(&lines);
        otlp_receipt_done(&receipt);
    }
}

/* Attributes whose names become the same are joined one by one. */
TEST(otlp_receiver_bounds_what_is_joined)
{
    struct otlp_options options = {.naming = escaped, .label_bytes_max = 4000};
    struct otlp_receipt receipt = {0};
    struct buf json = {0};
    struct buf lines = {0};
    char *text;

    buf_c(&json, "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\","
                 "\"gauge\":{\"dataPoints\":[{\"attributes\":[");
    for (int i = 0; i < 100; i++) {
        buf_printf(&json, "%s{\"key\":\"a%c%c\",\"value\":{\"stringValue\":\"0123456789\"}}",
                   i > 0 ? "," : "", "-+*=.:;,<>"[i / 10], "-+*=.:;,<>"[i % 10]);
    }
    buf_c(&json, "]}]}}]}]}]}");
    text = buf_take_c(&json);
    assert_int_equal(take(&options, text, &lines, &receipt), 400);
    assert_true(str_contains(buf_view(&receipt.message), STR("send fewer points")));
    (void)mem_free(text);
    buf_done(&lines);
    otlp_receipt_done(&receipt);
}

/* Puts a message around what is in `inner`, and leaves it there. */
static void wrap(struct buf *inner, uint32_t number)
{
    struct buf outer = {0};

    protobuf_put_bytes(&outer, number, buf_view(inner));
    buf_done(inner);
    *inner = outer;
}

/* Few bytes each, and many of them. */
TEST(otlp_receiver_bounds_lists)
{
    enum { METRIC_GAUGE_FIELD = 5, EXEMPLARS = 5, ATTRIBUTES = 7, KVLIST = 6 };
    static const struct {
        const char *name;
        uint32_t around[3]; /* from inside to the point; 0 = the end */
        uint32_t item;
        int count;
        int want;
    } cases[] = {
        {"exemplars", {0}, EXEMPLARS, OTLP_EXEMPLARS_MAX, 200},
        {"too many exemplars", {0}, EXEMPLARS, OTLP_EXEMPLARS_MAX + 1, 400},
        {"a map", {KVLIST, 2, ATTRIBUTES}, 1, 1 << 16, 200},
        {"too large a map", {KVLIST, 2, ATTRIBUTES}, 1, (1 << 16) + 1, 400},
        {"attributes", {0}, ATTRIBUTES, OTLP_ATTRIBUTES_MAX + 1, 400},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct recorder *recorder = recorder_new();
        struct otlp_options options = {
            .naming = escaped, .appendable = recorder_appendable(recorder), .now = 2000};
        struct otlp_receipt receipt = {0};
        struct buf body = {0};

        test_row(cases[i].name);
        for (int k = 0; k < cases[i].count; k++) {
            protobuf_put_bytes(&body, cases[i].item, STR(""));
        }
        for (int k = 0; k < 3 && cases[i].around[k] != 0; k++) {
            if (cases[i].around[k] == ATTRIBUTES) {
                protobuf_put_bytes(&body, 1, STR("key"));
            }
            wrap(&body, cases[i].around[k]);
        }
        wrap(&body, 1); /* point, data, metric with a name, scope, resource */
        wrap(&body, METRIC_GAUGE_FIELD);
        protobuf_put_bytes(&body, 1, STR("m"));
        wrap(&body, 2);
        wrap(&body, 2);
        wrap(&body, 1);
        otlp_receiver_take(&options, buf_view(&body), &receipt);
        assert_int_equal(receipt.status, cases[i].want);
        assert_int_equal(receipt.samples, cases[i].want == 200);
        buf_done(&body);
        otlp_receipt_done(&receipt);
        (void)recorder_free(recorder);
    }
    test_row(NULL);
}

TEST(otlp_receiver_takes_nothing_of_a_damaged_request)
{
    struct recorder *recorder = recorder_new();
    struct otlp_options options = {
        .naming = escaped, .appendable = recorder_appendable(recorder), .now = 2000};
    struct otlp_receipt receipt = {0};
    struct buf message = {0};
    char *text;

    assert_ok(otlp_json_metrics(str_from(everything), &message, NULL), NULL);
    for (size_t len = 1; len < message.len; len++) {
        otlp_receiver_take(&options, str_of(message.ptr, len), &receipt);
        assert_int_equal(receipt.status, 400);
        assert_int_equal(receipt.samples, 0);
    }
    text = recorder_take(recorder);
    assert_string_equal(text, "");
    (void)mem_free(text);
    buf_done(&message);
    otlp_receipt_done(&receipt);
    (void)recorder_free(recorder);
}

TEST(otlp_receiver_wants_it_again_when_there_is_no_room)
{
    struct recorder *recorder = recorder_new();
    struct otlp_options options = {
        .naming = escaped, .appendable = recorder_appendable(recorder), .now = 2000};
    struct otlp_receipt receipt = {0};
    struct buf message = {0};

    recorder_refuse(recorder, true);
    assert_ok(otlp_json_metrics(str_from(everything), &message, NULL), NULL);
    otlp_receiver_take(&options, buf_view(&message), &receipt);
    assert_int_equal(receipt.status, 503);
    buf_done(&message);
    otlp_receipt_done(&receipt);
    (void)recorder_free(recorder);
}

/* A target_info from 1970 on has no million samples. */
TEST(otlp_receiver_bounds_target_info)
{
    struct recorder *recorder = recorder_new();
    struct otlp_options options = {.naming = escaped,
                                   .appendable = recorder_appendable(recorder),
                                   .now = INT64_C(1800000000000),
                                   .lookback = 1000};
    struct otlp_receipt receipt = {0};
    struct buf message = {0};

    assert_ok(otlp_json_metrics(STR("{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":"
                                    "\"service.name\",\"value\":{"
                                    "\"stringValue\":\"s\"}},{\"key\":\"x\",\"value\":{"
                                    "\"stringValue\":\"y\"}}]},\"scopeMetrics\":[{"
                                    "\"metrics\":[{\"name\":\"m\",\"gauge\":{\"dataPoints\":[{"
                                    "\"asInt\":1},{\"asInt\":1,"
                                    "\"timeUnixNano\":\"1700000000000000000\"}]}}]}]}]}"),
                                &message, NULL),
              NULL);
    otlp_receiver_take(&options, buf_view(&message), &receipt);
    assert_int_equal(receipt.status, 200);
    assert_int_equal(receipt.samples, 2 + OTLP_TARGET_INFO_MAX + 1);
    buf_done(&message);
    otlp_receipt_done(&receipt);
    (void)recorder_free(recorder);
}

TEST(otlp_json_refuses)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{\"resourceMetrics\":[1]}",
        "{\"resourceMetrics\":[{\"schemaUrl\":1}]}",
        "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"value\":{\"boolValue\":\"x\"}}]}}]"
        "}",
        "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"value\":{\"intValue\":\"x\"}}]}}]"
        "}",
        "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"value\":{\"doubleValue\":\"x\"}}]}"
        "}]}",
        "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"value\":{\"bytesValue\":\"!\"}}]}}"
        "]}",
    };
    struct buf message = {0};
    struct buf deep = {0};

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        test_row(bad[i]);
        assert_int_equal(otlp_json_metrics(str_from(bad[i]), &message, NULL), BARO_EPARSE);
    }
    test_row(NULL);
    buf_c(&deep, "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"value\":");
    for (int i = 0; i < 100; i++) {
        buf_c(&deep, "{\"arrayValue\":{\"values\":[");
    }
    assert_int_equal(otlp_json_metrics(buf_view(&deep), &message, NULL), BARO_EPARSE);
    buf_done(&message);
    buf_done(&deep);
}

/* A text of a few bytes a value takes a hundred times as much when it is read. */
TEST(otlp_json_refuses_what_takes_too_much_memory)
{
    enum { OBJECTS = 2 << 20 };
    struct buf text = {0}, message = {0};
    struct baro_error err = {0};

    buf_c(&text, "{\"x\":[{}");
    for (int i = 0; i < OBJECTS; i++) {
        buf_c(&text, ",{}");
    }
    buf_c(&text, "]}");
    assert_int_equal(otlp_json_metrics(buf_view(&text), &message, &err), BARO_ELIMIT);
    assert_non_null(strstr(err.message, "more than 256 MiB of memory"));
    buf_done(&text);
    buf_done(&message);
}
