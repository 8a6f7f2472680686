#include "api/api.h"

#include <math.h>
#include <unistd.h>

#include "api/api_priv.h"
#include "testing/raw_http.h"
#include "testing/test.h"

/* ---- a program around the API ---- */

static const ts T0 = INT64_C(1700000000000);

struct stage {
    struct memstore *store;
    struct clock_fake clock;
    struct api_context context;
    struct api *api;
    struct http_server *server;
    bool replaying;
    int reloads;
    bool reload_fails;
    int quits;
};

static struct queryable *stage_queryable(void *app)
{
    struct stage *stage = app;

    return stage->replaying ? NULL : memstore_queryable(stage->store);
}

static void stage_engine(void *app, struct engine_options *ret)
{
    (void)app;
    *ret = (struct engine_options){.lookback = 5 * DUR_MINUTE,
                                   .timeout = 10 * DUR_SECOND,
                                   .default_step = DUR_MINUTE,
                                   .samples_max = 1000000,
                                   .memory_bytes_max = 256 << 20};
}

static int stage_reload(void *app, struct baro_error *err)
{
    struct stage *stage = app;

    stage->reloads++;
    return stage->reload_fails ? error_set(err, BARO_EPARSE, "bad file") : 0;
}

static void stage_quit(void *app)
{
    ((struct stage *)app)->quits++;
}

static void stage_targets(void *app, struct arena *arena, str pool, struct scrape_targets *ret)
{
    static const struct label discovered[] = {{STR_INIT("__address__"), STR_INIT("h:1")},
                                              {STR_INIT("job"), STR_INIT("a")}};
    static const struct label labels[] = {{STR_INIT("instance"), STR_INIT("h:1")},
                                          {STR_INIT("job"), STR_INIT("a")}};
    static const struct scrape_target_info active[] = {
        {.discovered = {discovered, 2},
         .labels = {labels, 2},
         .pool = STR_INIT("a"),
         .scrape_url = STR_INIT("http://h:1/metrics"),
         .global_url = STR_INIT("http://h:1/metrics"),
         .last_error = STR_INIT(""),
         .last_scrape = INT64_C(1700000000250),
         .last_duration_seconds = 0.0025,
         .health = SCRAPE_HEALTH_UP,
         .interval = 15 * DUR_SECOND,
         .timeout = 10 * DUR_SECOND}};
    static const struct scrape_dropped_info dropped[] = {
        {.discovered = {discovered, 1}, .pool = STR_INIT("b")}};
    static const struct scrape_pool_info pools[] = {{.name = STR_INIT("a"), .active_count = 1},
                                                    {.name = STR_INIT("b"), .dropped_count = 1}};
    bool has_a = pool.ptr == NULL || str_is(pool, "a");
    bool has_b = pool.ptr == NULL || str_is(pool, "b");

    (void)app;
    (void)arena;
    *ret = (struct scrape_targets){active, has_a ? 1 : 0, dropped, has_b ? 1 : 0, pools, 2};
}

static void stage_metadata(void *app, struct arena *arena, str metric, struct matchers matchers,
                           size_t limit, struct scrape_metadata_list *ret)
{
    static const struct label target[] = {{STR_INIT("job"), STR_INIT("a")}};
    static const struct scrape_metadata_info items[] = {
        {{target, 1}, STR_INIT("up_total"), {METRIC_COUNTER, STR_INIT(""), STR_INIT("Ups.")}},
        {{target, 1}, STR_INIT("temp"), {METRIC_GAUGE, STR_INIT("celsius"), STR_INIT("T.")}},
        {{target, 1}, STR_INIT("up_total"), {METRIC_COUNTER, STR_INIT(""), STR_INIT("Ups.")}},
        {{target, 1}, STR_INIT("up_total"), {METRIC_GAUGE, STR_INIT(""), STR_INIT("Other.")}},
    };

    (void)app;
    (void)arena;
    (void)matchers;
    (void)limit;
    *ret = (struct scrape_metadata_list){items, ARRAY_COUNT(items)};
    if (metric.ptr != NULL) {
        *ret = str_is(metric, "temp") ? (struct scrape_metadata_list){items + 1, 1}
                                      : (struct scrape_metadata_list){0};
    }
}

static void stage_config(void *app, struct buf *ret)
{
    (void)app;
    buf_c(ret, "global:\n  scrape_interval: 15s\n");
}

static void stage_externals(void *app, struct arena *arena, struct labels *ret)
{
    static const struct label items[] = {{STR_INIT("job"), STR_INIT("never")},
                                         {STR_INIT("region"), STR_INIT("eu")}};

    (void)app;
    (void)arena;
    *ret = (struct labels){items, 2};
}

static void add(struct stage *stage, const char *name, const char *instance, ts t, double v)
{
    struct arena arena = {0};
    struct label pairs[] = {{LABEL_METRIC_NAME, str_from(name)},
                            {STR("instance"), str_from(instance)},
                            {STR("job"), STR("a")}};
    struct labels labels = labels_from_pairs(&arena, pairs, 3);

    assert_ok(memstore_append(stage->store, labels, t, v, NULL), NULL);
    arena_done(&arena);
}

static const struct api_flag stage_flags[] = {{"web.enable-lifecycle", "true"},
                                              {"config.file", "prometheus.yml"}};

static void stage_start(struct stage *stage)
{
    static const char *const address[] = {"127.0.0.1:0"};
    struct http_server_options options = {
        .addresses = address, .address_count = 1, .thread_count = 1, .query_thread_count = 2};
    struct baro_error err = {0};

    stage->store = memstore_new();
    for (int i = 0; i <= 10; i++) {
        add(stage, "up", "h:1", T0 + i * 15000, 1);
        add(stage, "up", "h:2", T0 + i * 15000, i % 2);
        add(stage, "load", "h:1", T0 + i * 15000, i == 10 ? 1e21 : i * 0.25);
    }
    clock_fake_init(&stage->clock, T0 + 150000);
    stage->context.app = stage;
    stage->context.clock = &stage->clock.clock;
    stage->context.queryable = stage_queryable;
    stage->context.engine = stage_engine;
    stage->context.reload = stage_reload;
    stage->context.quit = stage_quit;
    stage->context.flags = stage_flags;
    stage->context.flag_count = ARRAY_COUNT(stage_flags);
    stage->context.sources = (struct api_sources){.targets = stage_targets,
                                                  .metadata = stage_metadata,
                                                  .config = stage_config,
                                                  .external_labels = stage_externals};
    stage->context.build = (struct api_build){.version = "3.14.0",
                                              .revision = "abc",
                                              .branch = "main",
                                              .user = "u",
                                              .date = "d",
                                              .compiler = "cc",
                                              .program_version = "0.1.0",
                                              .program_revision = "r"};
    assert_ok(api_new(&stage->context, &stage->api, &err), &err);
    api_serve(stage->api, &options);
    assert_ok(http_server_start(&options, &stage->server, &err), &err);
    api_attach(stage->api, stage->server);
}

static void stage_end(struct stage *stage)
{
    stage->server = http_server_free(stage->server);
    stage->api = api_free(stage->api);
    stage->store = memstore_free(stage->store);
}

static uint16_t port(const struct stage *stage)
{
    return http_server_port(stage->server, 0);
}

struct exchange_case {
    const char *target;
    int status;
    const char *body;
};

static void check_cases(struct stage *stage, const struct exchange_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct raw_response response;

        test_row(cases[i].target);
        raw_http_get(port(stage), cases[i].target, "", &response);
        assert_str_equal(buf_view(&response.body), str_from(cases[i].body));
        assert_int_equal(response.status, cases[i].status);
        raw_http_done(&response);
    }
    test_row(NULL);
}

#define OK(data)     200, "{\"status\":\"success\",\"data\":" data "}"
#define BAD(message) 400, ERROR_BODY("bad_data", message)
#define ERROR_BODY(type, message)                                                                  \
    "{\"status\":\"error\",\"errorType\":\"" type "\",\"error\":\"" message "\"}"
#define UP1  "{\"__name__\":\"up\",\"instance\":\"h:1\",\"job\":\"a\"}"
#define UP2  "{\"__name__\":\"up\",\"instance\":\"h:2\",\"job\":\"a\"}"
#define LOAD "{\"__name__\":\"load\",\"instance\":\"h:1\",\"job\":\"a\"}"

TEST(api_query_answers_as_prometheus)
{
    static const struct exchange_case cases[] = {
        {"/api/v1/query?query=up&time=1700000000",
         OK("{\"resultType\":\"vector\",\"result\":[{\"metric\":" UP1
            ",\"value\":[1700000000,\"1\"]},{\"metric\":" UP2 ",\"value\":[1700000000,\"0\"]}]}")},
        {"/api/v1/query?query=load", /* now, by the clock */
         OK("{\"resultType\":\"vector\",\"result\":[{\"metric\":" LOAD
            ",\"value\":[1700000150,\"1e+21\"]}]}")},
        {"/api/v1/query?query=1.5&time=1700000000.123",
         OK("{\"resultType\":\"scalar\",\"result\":[1700000000.123,\"1.5\"]}")},
        {"/api/v1/query?query=%22a%3Cb%22&time=0",
         OK("{\"resultType\":\"string\",\"result\":[0,\"a\\u003cb\"]}")},
        {"/api/v1/query?query=1e21&time=1700000000.5",
         OK("{\"resultType\":\"scalar\",\"result\":[1700000000.5,\"1000000000000000000000\"]}")},
        {"/api/v1/query?query=nothing&time=0", OK("{\"resultType\":\"vector\",\"result\":[]}")},
        {"/api/v1/query?query=load%5B31s%5D&time=2023-11-14T22:13:50Z",
         OK("{\"resultType\":\"matrix\",\"result\":[{\"metric\":" LOAD
            ",\"values\":[[1700000000,\"0\"],[1700000015,\"0.25\"],[1700000030,\"0.5\"]]}]}")},
        {"/api/v1/query?query=up&time=1700000000&limit=1", 200,
         "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":" UP1
         ",\"value\":[1700000000,\"1\"]}]},"
         "\"warnings\":[\"results truncated due to limit\"]}"},
        {"/api/v1/query?query=up&time=1700000000&lookback_delta=1s&limit=0",
         OK("{\"resultType\":\"vector\",\"result\":[{\"metric\":" UP1
            ",\"value\":[1700000000,\"1\"]},{\"metric\":" UP2 ",\"value\":[1700000000,\"0\"]}]}")},
        {"/api/v1/query?query=up%7B&time=0",
         BAD("invalid parameter \\\"query\\\": 1:4: parse error: unexpected end of input inside "
             "braces")},
        {"/api/v1/query?query=up&time=x",
         BAD("invalid parameter \\\"time\\\": Invalid time value for 'time': cannot parse "
             "\\\"x\\\" to a valid timestamp")},
        {"/api/v1/query?query=up&timeout=x",
         BAD("invalid parameter \\\"timeout\\\": cannot parse \\\"x\\\" to a valid duration")},
        {"/api/v1/query?query=up&limit=x",
         BAD("invalid parameter \\\"limit\\\": strconv.Atoi: parsing \\\"x\\\": invalid syntax")},
        {"/api/v1/query?query=up&limit=-1",
         BAD("invalid parameter \\\"limit\\\": limit must be non-negative")},
        {"/api/v1/query?query=up&lookback_delta=y",
         BAD("error parsing lookback delta duration: cannot parse \\\"y\\\" to a valid duration")},
        {"/api/v1/query?query=%zz",
         BAD("error parsing form values: invalid URL escape \\\"%zz\\\"")},
    };
    struct stage stage = {0};

    stage_start(&stage);
    check_cases(&stage, cases, ARRAY_COUNT(cases));
    stage_end(&stage);
}

TEST(api_query_range_answers_as_prometheus)
{
    static const struct exchange_case cases[] = {
        {"/api/v1/query_range?query=load&start=1700000000&end=1700000030&step=15",
         OK("{\"resultType\":\"matrix\",\"result\":[{\"metric\":" LOAD
            ",\"values\":[[1700000000,\"0\"],[1700000015,\"0.25\"],[1700000030,\"0.5\"]]}]}")},
        {"/api/v1/query_range?query=1&start=1700000000&end=1700000001&step=500ms",
         OK("{\"resultType\":\"matrix\",\"result\":[{\"metric\":{},\"values\":[[1700000000,"
            "\"1\"],[1700000000.500,\"1\"],[1700000001,\"1\"]]}]}")},
        {"/api/v1/query_range?query=up&end=1&step=1",
         BAD("invalid parameter \\\"start\\\": cannot parse \\\"\\\" to a valid timestamp")},
        {"/api/v1/query_range?query=up&start=1&end=z&step=1",
         BAD("invalid parameter \\\"end\\\": cannot parse \\\"z\\\" to a valid timestamp")},
        {"/api/v1/query_range?query=up&start=2&end=1&step=1",
         BAD("invalid parameter \\\"end\\\": end timestamp must not be before start time")},
        {"/api/v1/query_range?query=up&start=1&end=2",
         BAD("invalid parameter \\\"step\\\": cannot parse \\\"\\\" to a valid duration")},
        {"/api/v1/query_range?query=up&start=1&end=2&step=0",
         BAD("invalid parameter \\\"step\\\": zero or negative query resolution step widths are "
             "not accepted. Try a positive integer")},
        {"/api/v1/query_range?query=up&start=1&end=2&step=1e300",
         BAD("invalid parameter \\\"step\\\": cannot parse \\\"1e300\\\" to a valid duration. It "
             "overflows int64")},
        {"/api/v1/query_range?query=up&start=0&end=11001&step=1",
         BAD("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the "
             "query resolution (?step=XX)")},
        {"/api/v1/query_range?query=up%5B5m%5D&start=0&end=1&step=1",
         BAD("invalid parameter \\\"query\\\": invalid expression type \\\"range vector\\\" for "
             "range query, must be Scalar or instant Vector")},
    };
    struct stage stage = {0};

    stage_start(&stage);
    check_cases(&stage, cases, ARRAY_COUNT(cases));
    stage_end(&stage);
}

static void add_histogram(struct stage *stage, ts t)
{
    static const struct label pair = {STR_INIT("__name__"), STR_INIT("lat")};
    static struct histogram_span spans[] = {{0, 1}, {1, 1}};
    static double buckets[] = {1, 3};
    const struct histogram h = {
        .count = 6,
        .sum = 5.5,
        .zero_count = 2,
        .zero_threshold = 0.001,
        .positive = {.spans = spans, .span_count = 2, .buckets = buckets, .bucket_count = 2},
        .negative = {.spans = spans, .span_count = 1, .buckets = buckets, .bucket_count = 1},
    };
    const struct sample sample = {.t = t, .h = &h};

    assert_ok(memstore_append_sample(stage->store, (struct labels){&pair, 1}, &sample, NULL), NULL);
}

#define HISTOGRAM                                                                                  \
    "{\"count\":\"6\",\"sum\":\"5.5\",\"buckets\":[[1,\"-1\",\"-0.5\",\"1\"],[3,\"-0.001\","       \
    "\"0.001\",\"2\"],[0,\"0.5\",\"1\",\"1\"],[0,\"2\",\"4\",\"3\"]]}"

TEST(api_writes_histograms_as_prometheus)
{
    static const struct exchange_case cases[] = {
        {"/api/v1/query?query=lat&time=1700000015",
         OK("{\"resultType\":\"vector\",\"result\":[{\"metric\":{\"__name__\":\"lat\"},"
            "\"histogram\":[1700000015," HISTOGRAM "]}]}")},
        {"/api/v1/query_range?query=lat&start=1700000000&end=1700000015&step=15",
         OK("{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"__name__\":\"lat\"},"
            "\"values\":[[1700000000,\"7\"]],\"histograms\":[[1700000015," HISTOGRAM "]]}]}")},
        {"/api/v1/query?query=histogram_quantile(0.5,lat)&time=1700000015",
         OK("{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1700000015,"
            "\"2\"]}]}")},
    };
    struct stage stage = {0};
    static const struct label pair = {STR_INIT("__name__"), STR_INIT("lat")};

    stage_start(&stage);
    assert_ok(memstore_append(stage.store, (struct labels){&pair, 1}, T0, 7, NULL), NULL);
    add_histogram(&stage, T0 + 15000);
    check_cases(&stage, cases, ARRAY_COUNT(cases));
    stage_end(&stage);
}

TEST(api_finds_labels_and_series)
{
    static const struct exchange_case cases[] = {
        {"/api/v1/labels", OK("[\"__name__\",\"instance\",\"job\"]")},
        {"/api/v1/labels?limit=1", 200,
         "{\"status\":\"success\",\"data\":[\"__name__\"],"
         "\"warnings\":[\"results truncated due to limit\"]}"},
        {"/api/v1/labels?match[]=nothing", OK("[]")},
        {"/api/v1/label/__name__/values", OK("[\"load\",\"up\"]")},
        {"/api/v1/label/U__job/values", OK("[\"a\"]")},
        {"/api/v1/label/instance/values?match%5B%5D=up&match[]=load", OK("[\"h:1\",\"h:2\"]")},
        {"/api/v1/label/instance/values?match[]=load", OK("[\"h:1\"]")},
        {"/api/v1/label/a%20b/values", OK("[]")},
        {"/api/v1/label/%FF/values", BAD("invalid label name: \\\"\\ufffd\\\"")},
        {"/api/v1/series", BAD("no match[] parameter provided")},
        {"/api/v1/series?match[]=up", OK("[" UP1 "," UP2 "]")},
        {"/api/v1/series?match[]=up&match[]=%7Bjob%3D%22a%22%7D", OK("[" LOAD "," UP1 "," UP2 "]")},
        {"/api/v1/series?match[]=up&match[]=load&limit=1", 200,
         "{\"status\":\"success\",\"data\":[" LOAD
         "],\"warnings\":[\"results truncated due to limit\"]}"},
        {"/api/v1/series?match[]=up&start=1600000000&end=1600000001", OK("[]")},
        {"/api/v1/series?match[]=%7Bjob%3D~%22.*%22%7D",
         BAD("invalid parameter \\\"match[]\\\": match[] must contain at least one non-empty "
             "matcher")},
        {"/api/v1/series?match[]=up&start=q",
         BAD("invalid parameter \\\"start\\\": Invalid time value for 'start': cannot parse "
             "\\\"q\\\" to a valid timestamp")},
    };
    struct stage stage = {0};

    stage_start(&stage);
    check_cases(&stage, cases, ARRAY_COUNT(cases));
    stage_end(&stage);
}

#define TARGET                                                                                     \
    "{\"discoveredLabels\":{\"__address__\":\"h:1\",\"job\":\"a\"},\"labels\":{\"instance\":"      \
    "\"h:1\",\"job\":\"a\"},\"scrapePool\":\"a\",\"scrapeUrl\":\"http://h:1/metrics\","            \
    "\"globalUrl\":\"http://h:1/metrics\",\"lastError\":\"\",\"lastScrape\":"                      \
    "\"2023-11-14T22:13:20.25Z\",\"lastScrapeDuration\":0.0025,\"health\":\"up\","                 \
    "\"scrapeInterval\":\"15s\",\"scrapeTimeout\":\"10s\"}"
#define DROPPED "{\"discoveredLabels\":{\"__address__\":\"h:1\"},\"scrapePool\":\"b\"}"
#define UPS     "{\"type\":\"counter\",\"help\":\"Ups.\",\"unit\":\"\"}"
#define TEMP    "{\"type\":\"gauge\",\"help\":\"T.\",\"unit\":\"celsius\"}"

TEST(api_tells_of_targets_and_status)
{
    static const struct exchange_case cases[] = {
        {"/api/v1/targets", OK("{\"activeTargets\":[" TARGET "],\"droppedTargets\":[" DROPPED
                               "],\"droppedTargetCounts\":{\"a\":0,\"b\":1}}")},
        {"/api/v1/targets?state=active",
         OK("{\"activeTargets\":[" TARGET "],\"droppedTargets\":[],\"droppedTargetCounts\":{}}")},
        {"/api/v1/targets?state=Dropped&scrapePool=b",
         OK("{\"activeTargets\":[],\"droppedTargets\":[" DROPPED
            "],\"droppedTargetCounts\":{\"a\":0,\"b\":1}}")},
        {"/api/v1/scrape_pools", OK("{\"scrapePools\":[\"a\",\"b\"]}")},
        {"/api/v1/metadata", OK("{\"temp\":[" TEMP "],\"up_total\":[" UPS
                                ",{\"type\":\"gauge\",\"help\":\"Other.\",\"unit\":\"\"}]}")},
        {"/api/v1/metadata?limit=1", OK("{\"temp\":[" TEMP "]}")},
        {"/api/v1/metadata?limit=0", OK("{}")},
        {"/api/v1/metadata?limit_per_metric=1", OK("{\"temp\":[" TEMP "],\"up_total\":[" UPS "]}")},
        {"/api/v1/metadata?metric=temp", OK("{\"temp\":[" TEMP "]}")},
        {"/api/v1/metadata?metric=none", OK("{}")},
        {"/api/v1/metadata?limit=x", BAD("limit must be a number")},
        {"/api/v1/targets/metadata?metric=temp",
         OK("[{\"target\":{\"job\":\"a\"},\"type\":\"gauge\",\"help\":\"T.\",\"unit\":"
            "\"celsius\"}]")},
        {"/api/v1/targets/metadata?limit=1",
         OK("[{\"target\":{\"job\":\"a\"},\"metric\":\"up_total\",\"type\":\"counter\",\"help\":"
            "\"Ups.\",\"unit\":\"\"}]")},
        {"/api/v1/rules", OK("{\"groups\":[]}")},
        {"/api/v1/rules?type=alert", OK("{\"groups\":[]}")},
        {"/api/v1/rules?type=x",
         BAD("invalid parameter \\\"type\\\": not supported value \\\"x\\\"")},
        {"/api/v1/alerts", OK("{\"alerts\":[]}")},
        {"/api/v1/alertmanagers", OK("{\"activeAlertmanagers\":[],\"droppedAlertmanagers\":[]}")},
        {"/api/v1/query_exemplars?query=up", OK("[]")},
        {"/api/v1/status/config", OK("{\"yaml\":\"global:\\n  scrape_interval: 15s\\n\"}")},
        {"/api/v1/status/flags",
         OK("{\"config.file\":\"prometheus.yml\",\"web.enable-lifecycle\":\"true\"}")},
        {"/api/v1/status/buildinfo",
         OK("{\"version\":\"3.14.0\",\"revision\":\"abc\",\"branch\":\"main\",\"buildUser\":\"u\","
            "\"buildDate\":\"d\",\"goVersion\":\"cc\",\"barographVersion\":\"0.1.0\","
            "\"barographRevision\":\"r\"}")},
        {"/api/v1/status/walreplay", OK("{\"min\":0,\"max\":0,\"current\":0}")},
        {"/api/v1/status/tsdb?limit=0", BAD("limit must be a positive number")},
        {"/api/v1/status/tsdb?limit=10001", BAD("limit must not exceed 10000")},
        {"/api/v1/format_query?query=sum(up)by(job)", OK("\"sum by (job) (up)\"")},
        {"/api/v1/nothing", 404, "404 page not found\n"},
    };
    struct stage stage = {0};

    stage_start(&stage);
    check_cases(&stage, cases, ARRAY_COUNT(cases));
    stage_end(&stage);
}

TEST(api_takes_forms_by_post)
{
    static const char want[] =
        "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[5,\"2\"]}}";
    struct stage stage = {0};
    struct raw_response response;

    stage_start(&stage);
    raw_http_form(port(&stage), "/api/v1/query", STR("query=1%2B1&time=5"), &response);
    assert_str_equal(buf_view(&response.body), str_from(want));
    assert_str_equal(raw_http_header(&response, "Content-Type"), STR("application/json"));
    raw_http_done(&response);
    /* The body wins over the URL, as in Go. */
    raw_http_form(port(&stage), "/api/v1/query?time=5&query=3", STR("query=1%2B1"), &response);
    assert_str_equal(buf_view(&response.body), str_from(want));
    raw_http_done(&response);
    stage_end(&stage);
}

TEST(api_answers_503_while_the_wal_is_replayed)
{
    static const struct exchange_case cases[] = {
        {"/api/v1/query?query=up", 503, "Service Unavailable"},
        {"/federate?match[]=up", 503, "Service Unavailable"},
        {"/-/ready", 503, "Service Unavailable"},
        {"/-/healthy", 200, "Prometheus Server is Healthy.\n"},
        {"/api/v1/status/walreplay", OK("{\"min\":0,\"max\":0,\"current\":0}")},
    };
    static const struct exchange_case later[] = {
        {"/-/ready", 200, "Prometheus Server is Ready.\n"},
    };
    struct stage stage = {.replaying = true};

    stage_start(&stage);
    check_cases(&stage, cases, ARRAY_COUNT(cases));
    stage.replaying = false;
    check_cases(&stage, later, ARRAY_COUNT(later));
    stage_end(&stage);
}

TEST(api_federates)
{
    static const struct exchange_case cases[] = {
        {"/federate?match[]=up&match[]=%7B__name__%3D~%22up|load%22%7D", 200,
         "# TYPE load untyped\n"
         "load{instance=\"h:1\",job=\"a\",region=\"eu\"} 1e+21 1700000150000\n"
         "# TYPE up untyped\n"
         "up{instance=\"h:1\",job=\"a\",region=\"eu\"} 1 1700000150000\n"
         "up{instance=\"h:2\",job=\"a\",region=\"eu\"} 0 1700000150000\n"},
        {"/federate", 200, ""},
        {"/federate?match[]=up%7B", 400,
         "1:4: parse error: unexpected end of input inside braces\n"},
    };
    struct stage stage = {0};

    stage_start(&stage);
    check_cases(&stage, cases, ARRAY_COUNT(cases));
    stage_end(&stage);
}

/* Native histograms go out in the protobuf format alone, when the client likes that better. */
TEST(api_federates_histograms_where_they_can_be_said)
{
#define PROTO                                                                                      \
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
    static const struct {
        const char *accept;
        bool is_protobuf;
    } cases[] = {
        {NULL, false},
        {"*/*", false},
        {PROTO, true},
        {PROTO ";q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2", true},
        {"application/openmetrics-text;q=0.9, text/plain ; q=0.4, " PROTO "; q=0.5", true},
        {"text/plain;q=0.5," PROTO ";q=0.4", false},
        {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
         false},
        {"a;;b=,=;q=x,;," PROTO, true},
    };
    struct stage stage = {0};

    stage_start(&stage);
    add_histogram(&stage, T0 + 140000);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct raw_response response;
        char headers[400];
        bool has_it;

        (void)snprintf(headers, sizeof(headers), "Accept: %s\r\n", cases[i].accept);
        raw_http_get(port(&stage), "/federate?match[]=lat", cases[i].accept != NULL ? headers : "",
                     &response);
        assert_int_equal(response.status, 200);
        has_it = str_contains(buf_view(&response.body), STR("lat"));
        if (has_it != cases[i].is_protobuf ||
            str_has_prefix(raw_http_header(&response, "Content-Type"),
                           STR("application/vnd.google.protobuf")) != has_it) {
            print_error("Accept: %s\n", cases[i].accept);
            fail();
        }
        raw_http_done(&response);
    }
    stage_end(&stage);
#undef PROTO
}

static int post(struct stage *stage, const char *target, const char *want)
{
    struct raw_response response;
    int status;

    raw_http_form(port(stage), target, STR(""), &response);
    status = response.status;
    assert_str_equal(buf_view(&response.body), str_from(want));
    raw_http_done(&response);
    return status;
}

TEST(api_lifecycle_wants_its_flag)
{
    static const struct exchange_case gets[] = {
        {"/-/reload", 405, "Only POST or PUT requests allowed"},
        {"/-/quit", 405, "Only POST or PUT requests allowed"},
    };
    struct stage stage = {0};

    stage_start(&stage);
    check_cases(&stage, gets, ARRAY_COUNT(gets));
    assert_int_equal(post(&stage, "/-/quit", "Lifecycle API is not enabled."), 403);
    assert_int_equal(post(&stage, "/-/reload", "Lifecycle API is not enabled."), 403);
    stage_end(&stage);
    stage = (struct stage){.context = {.enable_lifecycle = true}};
    stage_start(&stage);
    check_cases(&stage, gets, ARRAY_COUNT(gets));
    assert_int_equal(post(&stage, "/-/reload", ""), 200);
    stage.reload_fails = true;
    assert_int_equal(post(&stage, "/-/reload", "failed to reload config: bad file\n"), 500);
    assert_int_equal(stage.reloads, 2);
    assert_int_equal(post(&stage, "/-/quit", "Requesting termination... Goodbye!"), 200);
    assert_int_equal(stage.quits, 1);
    stage_end(&stage);
}

TEST(api_sets_cors_headers)
{
    static const struct {
        const char *name;
        const char *setting;
        const char *origin;
        const char *want;
    } cases[] = {
        {"default", NULL, "http://a.example", "*"},
        {"all", ".*", "http://a.example", "*"},
        {"one", "https?://a\\.example", "http://a.example", "http://a.example"},
        {"other", "https?://a\\.example", "http://a.example.evil", NULL},
        {"off", "", "http://a.example", NULL},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct stage stage = {.context = {.cors_origin = cases[i].setting}};
        struct raw_response response;
        char header[128];

        test_row(cases[i].name);
        stage_start(&stage);
        (void)snprintf(header, sizeof(header), "Origin: %s\r\n", cases[i].origin);
        raw_http_get(port(&stage), "/api/v1/alerts", header, &response);
        assert_str_equal(raw_http_header(&response, "Access-Control-Allow-Origin"),
                         str_from(cases[i].want));
        assert_int_equal(raw_http_header(&response, "Access-Control-Allow-Methods").ptr != NULL,
                         cases[i].want != NULL);
        raw_http_done(&response);
        stage_end(&stage);
    }
    test_row(NULL);
}

TEST(api_bounds_the_answer)
{
    static const struct exchange_case cases[] = {
        {"/api/v1/query?query=up%5B1h%5D", 422,
         ERROR_BODY("execution", "the answer would have more than 300 bytes: ask for less time, a "
                                 "longer step, or fewer series")},
    };
    struct stage stage = {.context = {.response_bytes_max = 300}};

    stage_start(&stage);
    check_cases(&stage, cases, ARRAY_COUNT(cases));
    stage_end(&stage);
}

TEST(api_shows_its_metrics)
{
    struct stage stage = {0};
    struct raw_response response;

    stage_start(&stage);
    assert_int_equal(post(&stage, "/api/v1/query",
                          ERROR_BODY("bad_data", "invalid parameter \\\"query\\\": 1:1: "
                                                 "parse error: no expression found in "
                                                 "input")),
                     400);
    raw_http_get(port(&stage), "/metrics", "", &response);
    assert_int_equal(response.status, 200);
    assert_true(str_contains(
        buf_view(&response.body),
        STR("\nprometheus_http_requests_total{code=\"400\",handler=\"/api/v1/query\"} 1\n")));
    assert_true(str_contains(buf_view(&response.body), STR("\nprocess_resident_memory_bytes ")));
    /* This one, and the first one's as long as its end has not been seen. */
    assert_true(str_contains(buf_view(&response.body), STR("\nbarograph_http_connections ")));
    assert_true(str_contains(buf_view(&response.body), STR("prometheus_build_info{")));
    raw_http_done(&response);
    stage_end(&stage);
}

/* ---- parameters ---- */

TEST(api_parse_time_takes_floats_and_rfc3339)
{
    static const struct {
        const char *text;
        bool ok;
        ts want;
    } cases[] = {
        {"0", true, 0},
        {"1435781451.781", true, 1435781451781},
        {"-1.5", true, -1500},
        {"1e9", true, 1000000000000},
        {"123.123456", true, 123123},
        {"2015-07-01T20:10:51.781Z", true, 1435781451781},
        {"2015-07-01T22:10:51.781+02:00", true, 1435781451781},
        {"2000-02-29T00:00:00Z", true, 951782400000},
        {"1969-12-31T23:59:59.999Z", true, -1},
        {"2001-02-29T00:00:00Z", false, 0},
        {"2015-07-01", false, 0},
        {"2015-07-01 20:10:51Z", false, 0},
        {"2015-07-01T20:10:51", false, 0},
        {"2015-07-01T20:10:51.Z", false, 0},
        {"2015-13-01T20:10:51Z", false, 0},
        {"NaN", false, 0},
        {"Inf", false, 0},
        {"", false, 0},
        {"1e300", true, API_TIME_MAX},
        {"-1e300", true, API_TIME_MIN},
        {"-292273086-05-16T16:47:06Z", true, API_TIME_MIN},
        {"292277025-08-18T07:12:54.999999999Z", true, API_TIME_MAX},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        ts got = 0;

        test_row(cases[i].text);
        assert_int_equal(api_parse_time(str_from(cases[i].text), &got), cases[i].ok);
        assert_int_equal(got, cases[i].want);
    }
    test_row(NULL);
}

TEST(api_format_time_reads_back)
{
    static const ts times[] = {
        0, -1, 1, 1435781451781, 951782400000, 4102444800000, -62135596800000};

    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        struct buf text = {0};
        ts back = 0;

        api_format_time(&text, times[i]);
        assert_true(api_parse_time(buf_view(&text), &back));
        assert_int_equal(back, times[i]);
        buf_done(&text);
    }
}

TEST(api_parse_duration_takes_seconds_and_units)
{
    static const struct {
        const char *text;
        bool ok;
        dur want;
    } cases[] = {
        {"15", true, 15000}, {"0.5", true, 500},  {"1m30s", true, 90000}, {"-1", true, -1000},
        {"0.001", true, 1},  {"1e300", false, 0}, {"abc", false, 0},      {"", false, 0},
        {"0.0001", true, 0}, {"NaN", true, -1},   {"1.001", true, 1001},  {"1e999", false, 0},
        {"Inf", false, 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        dur got = 0;

        test_row(cases[i].text);
        assert_int_equal(api_parse_duration(str_from(cases[i].text), &got, NULL) >= 0, cases[i].ok);
        assert_int_equal(got, cases[i].want);
    }
    test_row(NULL);
}

TEST(api_unescape_name_undoes_u_escapes)
{
    static const struct {
        const char *in;
        const char *want;
    } cases[] = {
        {"job", "job"},
        {"U__job", "job"},
        {"U__a__b", "a_b"},
        {"U__http_2e_status", "http.status"},
        {"U___e9_t_e9_", "\xc3\xa9t\xc3\xa9"},
        {"U___1F600_", "\xf0\x9f\x98\x80"},
        {"U__a_zz_", "U__a_zz_"},
        {"U__a_", "U__a_"},
        {"U___d800_", "U___d800_"},
        {"U__", ""},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};

        test_row(cases[i].in);
        assert_str_equal(api_unescape_name(&arena, str_from(cases[i].in)), str_from(cases[i].want));
        arena_done(&arena);
    }
    test_row(NULL);
}

/* What is known of a request holds for the same one at another time. */
TEST(api_short_requests_are_known_by_what_they_ask)
{
    static const struct {
        const char *query;
        bool same; /* as the first row */
    } rows[] = {
        {"query=up&start=100&end=700&step=15", true},
        {"query=up&start=400&end=1000&step=15", true},
        {"query=up&start=400.5&end=1000.5&step=15&_=17", true},
        {"query=up&start=100&end=701&step=15", false},
        {"query=up&start=100&end=700&step=30", false},
        {"query=down&start=100&end=700&step=15", false},
        {"query=up&start=100&end=700&step=15&limit=1", false},
        {"query=up&start=2015-07-01T20:10:51.781Z&end=700&step=15", false},
        {"", false},
    };
    struct http_request request = {.path = STR("/api/v1/query_range"),
                                   .query = str_from(rows[0].query)};
    uint64_t first = api_short_key(&request);

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        request.query = str_from(rows[i].query);
        assert_int_equal(api_short_key(&request) == first, rows[i].same);
        request.body = request.query;
        request.query = STR("");
        assert_int_equal(api_short_key(&request) == first, rows[i].same); /* as a form */
        request.body = STR("");
    }
    request.query = str_from(rows[0].query);
    request.path = STR("/api/v1/query");
    assert_true(api_short_key(&request) != first);
}

TEST(api_short_requests_have_to_prove_it)
{
    struct api *api = MEM_NEW(struct api);
    struct http_request request = {.query = STR("query=1&time=5")};
    struct http_response response = {0};
    struct http_route *routes = mem_alloc_zero(api_route_count() * sizeof(*routes));

    api->routes = routes;
    for (size_t i = 0; i < api_route_count(); i++) {
        const struct api_route *row = &api_routes()[i];

        request.path = str_from(row->path);
        request.route = &routes[i];
        assert_false(api_is_short(api, &request)); /* never seen */
        api_short_note(api, api_short_key(&request), &request, &response, 20000);
        assert_int_equal(api_is_short(api, &request), api_can_be_short(row));
        assert_true(!api_can_be_short(row) || row->blocking);
        api_short_note(api, api_short_key(&request), &request, &response,
                       INT64_C(30) * 1000 * 1000);
        assert_false(api_is_short(api, &request));
        response.again = true;
        api_short_note(api, api_short_key(&request), &request, &response, 0);
        assert_false(api_is_short(api, &request));
        response.again = false;
    }
    (void)mem_free(routes);
    (void)mem_free(api);
}
