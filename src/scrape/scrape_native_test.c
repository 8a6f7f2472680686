/* Native histograms on their way from a body to the store: protobuf, and classic ones converted. */
#include <baro/baro.h>
#include <stdlib.h>

#include "base/mem.h"
#include "codec/protobuf.h"
#include "conf/prom_config.h"
#include "scrape/scrape_append.h"
#include "sys/clock.h"
#include "model/protobuf_body_test.h"
#include "testing/recorder.h"
#include "testing/test.h"

static const struct label target_labels[] = {{STR_INIT("instance"), STR_INIT("h:1")}};

/* One target on a recorder, on a clock that stands still. */
struct rig {
    struct recorder *recorder;
    struct clock_fake clock;
    struct lock lock;
    struct prom_scrape settings;
    struct scrape_series series;
    struct scrape_scratch scratch;
    struct scrape_result result;
    struct buf body;
    struct buf value;
};

static void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    rig->recorder = recorder_new();
    clock_fake_init(&rig->clock, 1000000);
    lock_init(&rig->lock, LOCK_SCRAPE_TARGET);
    rig->settings.honor_timestamps = true;
    rig->settings.scrape_native_histograms = CONF_ON;
    rig->series.labels = (struct labels){target_labels, ARRAY_COUNT(target_labels)};
    rig->series.settings = &rig->settings;
    rig->series.append_exemplars = true;
    target_metadata_init(&rig->series.metadata, &rig->lock);
    rig->scratch.appender =
        recorder_appendable(rig->recorder)->appender(recorder_appendable(rig->recorder));
}

static void rig_done(struct rig *rig)
{
    rig->scratch.appender->ops->free(rig->scratch.appender);
    scrape_scratch_done(&rig->scratch);
    scrape_series_done(&rig->series);
    lock_done(&rig->lock);
    recorder_free(rig->recorder);
    buf_done(&rig->body);
    buf_done(&rig->value);
}

/* Scrapes a body and compares what came into the store, the health series left out (which come
 * before the histograms). The body is empty again. */
static void scrape(struct rig *rig, const char *type, ts t, const char *want)
{
    const struct scrape_answer answer = {.body = buf_view(&rig->body),
                                         .content_type = str_from(type),
                                         .t = t,
                                         .clock = &rig->clock.clock,
                                         .started = clock_mono(&rig->clock.clock)};
    struct buf got = {0};
    char *lines = NULL;
    str rest = STR_NULL;
    str line = STR_NULL;

    scrape_append_run(&rig->scratch, &rig->series, &answer, &rig->result);
    assert_int_equal(rig->result.commit_code, 0);
    lines = recorder_take(rig->recorder);
    rest = str_from(lines);
    while (str_split_next(&rest, '\n', &line)) {
        if (line.len > 0 && !str_has_prefix(line, STR("scrape_")) &&
            !str_has_prefix(line, STR("up{"))) {
            buf_str(&got, line);
            buf_char(&got, '\n');
        }
    }
    buf_char(&got, '\0');
    assert_string_equal(got.ptr, want);
    buf_done(&got);
    buf_reset(&rig->body);
    (void)mem_free(lines);
}

static void scrape_text(struct rig *rig, const char *body, ts t, const char *want)
{
    buf_c(&rig->body, body);
    scrape(rig, "text/plain", t, want);
}

static void scrape_protobuf(struct rig *rig, ts t, const char *want)
{
    scrape(rig, "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily", t,
           want);
}

static void put_gauge(struct rig *rig, double value)
{
    protobuf_put_double(&rig->value, 1, value);
    protobuf_body_family(&rig->body, "g", 1, &rig->value);
}

/* A native histogram of `buckets` buckets with one sample each; with classic ones as well. */
static void put_native(struct rig *rig, const char *name, unsigned buckets, bool has_classic)
{
    protobuf_put_uint(&rig->value, 1, buckets);
    protobuf_put_double(&rig->value, 2, 4);
    if (has_classic) {
        protobuf_body_bucket(&rig->value, 1, 1, "one", 7);
        protobuf_body_bucket(&rig->value, 2, buckets, "two", 6);
    }
    protobuf_put_sint(&rig->value, 5, 0);
    protobuf_body_span(&rig->value, 12, 0, buckets);
    for (unsigned i = 0; i < buckets; i++) {
        protobuf_put_sint(&rig->value, 13, i == 0);
    }
    protobuf_body_family(&rig->body, name, 4, &rig->value);
}

#define I "a=\"b\", instance=\"h:1\""

TEST(scrape_native_takes_histograms_beside_floats)
{
    struct rig rig;

    rig_init(&rig);
    for (ts t = 1000; t <= 3000; t += 1000) {
        put_gauge(&rig, 5);
        put_native(&rig, "h", 2, false);
        scrape_protobuf(&rig, t,
                        t == 1000   ? "g{" I "} 5 @1000\n"
                                      "h{" I "} {count:2, sum:4, (0.5,1]:1, (1,2]:1} @1000\n"
                        : t == 2000 ? "g{" I "} 5 @2000\n"
                                      "h{" I "} {count:2, sum:4, (0.5,1]:1, (1,2]:1} @2000\n"
                                    : "g{" I "} 5 @3000\n"
                                      "h{" I "} {count:2, sum:4, (0.5,1]:1, (1,2]:1} @3000\n");
        assert_int_equal(rig.result.code, 0);
        assert_int_equal(rig.result.scraped, 2);
        assert_int_equal(rig.result.post_relabel, 2);
        assert_int_equal(rig.result.added, t == 1000 ? 2 : 0);
    }
    /* g, h, five health series: asked for once. */
    assert_int_equal(recorder_series_calls(rig.recorder), 7);
    rig_done(&rig);
}

TEST(scrape_native_marks_gone_histograms_stale)
{
    struct rig rig;

    rig_init(&rig);
    put_native(&rig, "h", 1, false);
    scrape_protobuf(&rig, 1000, "h{" I "} {count:1, sum:4, (0.5,1]:1} @1000\n");
    put_gauge(&rig, 1);
    scrape_protobuf(&rig, 2000, "g{" I "} 1 @2000\nh{" I "} stale histogram @2000\n");
    put_native(&rig, "h", 1, false);
    scrape_protobuf(&rig, 3000,
                    "g{" I "} stale @3000\nh{" I "} {count:1, sum:4, (0.5,1]:1} @3000\n");
    /* A damaged body fails the scrape: nothing of it is stored, and all is stale. */
    put_native(&rig, "h", 1, false);
    buf_c(&rig.body, "\x05");
    scrape_protobuf(&rig, 4000, "h{" I "} stale histogram @4000\n");
    assert_int_equal(rig.result.code, BARO_EPARSE);
    rig_done(&rig);
}

TEST(scrape_native_sends_stale_markers_at_the_end)
{
    struct rig rig;
    char *lines;

    rig_init(&rig);
    put_native(&rig, "h", 1, false);
    scrape_protobuf(&rig, 1000, "h{" I "} {count:1, sum:4, (0.5,1]:1} @1000\n");
    assert_int_equal(scrape_append_end(&rig.scratch, &rig.series, 5000, NULL), 0);
    lines = recorder_take(rig.recorder);
    assert_non_null(strstr(lines, "h{" I "} stale histogram @5000\n"));
    (void)mem_free(lines);
    rig_done(&rig);
}

TEST(scrape_native_exemplars_come_by_time)
{
    struct rig rig;

    rig_init(&rig);
    put_native(&rig, "h", 2, true);
    scrape_protobuf(&rig, 8000,
                    "# exemplar h{" I "} {trace=\"two\"} 1 @6005\n"
                    "# exemplar h{" I "} {trace=\"one\"} 0.5 @7005\n"
                    "h{" I "} {count:2, sum:4, (0.5,1]:1, (1,2]:1} @8000\n");
    rig.series.append_exemplars = false;
    put_native(&rig, "h", 2, true);
    scrape_protobuf(&rig, 9000, "h{" I "} {count:2, sum:4, (0.5,1]:1, (1,2]:1} @9000\n");
    rig_done(&rig);
}

/* No room for the series: its exemplars belong to nobody. */
TEST(scrape_native_drops_exemplars_of_series_that_are_refused)
{
    struct rig rig;

    rig_init(&rig);
    recorder_refuse(rig.recorder, true);
    put_native(&rig, "h", 2, true);
    scrape_protobuf(&rig, 8000, "");
    assert_int_equal(rig.result.series_refused, 1);
    recorder_refuse(rig.recorder, false);
    put_gauge(&rig, 1);
    scrape_protobuf(&rig, 9000, "g{" I "} 1 @9000\n");
    recorder_refuse(rig.recorder, true);
    put_gauge(&rig, 1);
    put_native(&rig, "h", 2, true);
    scrape_protobuf(&rig, 10000, "g{" I "} 1 @10000\n");
    rig_done(&rig);
}

TEST(scrape_native_and_classic_by_setting)
{
#define CLASSIC(t)                                                                                 \
    "h_count{" I "} 2 @" #t "\nh_sum{" I "} 4 @" #t "\nh_bucket{" I ", le=\"1.0\"} 1 @" #t "\n"    \
    "h_bucket{" I ", le=\"2.0\"} 2 @" #t "\nh_bucket{" I ", le=\"+Inf\"} 2 @" #t "\n"
    struct rig rig;

    rig_init(&rig);
    rig.series.append_exemplars = false;
    rig.settings.always_scrape_classic_histograms = CONF_ON;
    put_native(&rig, "h", 2, true);
    scrape_protobuf(&rig, 1000,
                    CLASSIC(1000) "h{" I "} {count:2, sum:4, (0.5,1]:1, (1,2]:1} @1000\n");
    rig.settings.scrape_native_histograms = CONF_OFF;
    put_native(&rig, "h", 2, true);
    scrape_protobuf(&rig, 2000, CLASSIC(2000) "h{" I "} stale histogram @2000\n");
    rig_done(&rig);
}

TEST(scrape_native_keeps_the_bucket_limits)
{
    struct rig rig;

    rig_init(&rig);
    rig.settings.native_histogram_bucket_limit = 2;
    put_native(&rig, "h", 4, false);
    scrape_protobuf(&rig, 1000, "h{" I "} {count:4, sum:4, (0.0625,1]:1, (1,16]:3} @1000\n");
    rig.settings.native_histogram_bucket_limit = 1;
    put_gauge(&rig, 1);
    put_native(&rig, "h", 4, false);
    scrape_protobuf(&rig, 2000, "h{" I "} stale histogram @2000\n");
    assert_int_equal(rig.result.code, BARO_ELIMIT);
    assert_true(rig.result.bucket_limit_hit);
    assert_string_equal(rig.result.err.message, "histogram bucket limit exceeded");
    assert_int_equal(rig.result.scraped, 2);
    rig_done(&rig);
}

TEST(scrape_native_finds_forgotten_series_again)
{
    struct rig rig;

    rig_init(&rig);
    put_native(&rig, "h", 1, false);
    scrape_protobuf(&rig, 1000, "h{" I "} {count:1, sum:4, (0.5,1]:1} @1000\n");
    recorder_forget(rig.recorder);
    put_native(&rig, "h", 1, false);
    scrape_protobuf(&rig, 2000, "h{" I "} {count:1, sum:4, (0.5,1]:1} @2000\n");
    assert_int_equal(rig.result.code, 0);
    rig_done(&rig);
}

TEST(scrape_native_counts_what_the_store_refuses)
{
    struct rig rig;

    rig_init(&rig);
    put_native(&rig, "h", 1, false);
    scrape_protobuf(&rig, 2000, "h{" I "} {count:1, sum:4, (0.5,1]:1} @2000\n");
    put_native(&rig, "h", 1, false);
    scrape_protobuf(&rig, 1000, "");
    assert_int_equal(rig.result.out_of_order, 1);
    rig_done(&rig);
}

static const char classic_text[] =
    "# TYPE c counter\nc 1\n"
    "# TYPE h histogram\n"
    "h_bucket{x=\"1\",le=\"1\"} 1\nh_bucket{x=\"1\",le=\"+Inf\"} 3\nh_sum{x=\"1\"} 5\n"
    "h_count{x=\"1\"} 3\n"
    "h_bucket{x=\"2\",le=\"1\"} 2\nh_bucket{x=\"2\",le=\"+Inf\"} 2\nh_sum{x=\"2\"} 1\n"
    "h_count{x=\"2\"} 2\n"
    "h_other 7\n";

#define X(n) "instance=\"h:1\", x=\"" #n "\""
#define CONVERTED(t)                                                                               \
    "h{" X(1) "} {count:3, sum:5, [-Inf,1]:1, (1,+Inf]:2} @" #t "\n"                               \
              "h{" X(2) "} {count:2, sum:1, [-Inf,1]:2} @" #t "\n"

TEST(scrape_converts_classic_histograms)
{
    struct rig rig;

    rig_init(&rig);
    rig.settings.convert_classic_histograms_to_nhcb = CONF_ON;
    scrape_text(&rig, classic_text, 1000,
                "c{instance=\"h:1\"} 1 @1000\nh_other{instance=\"h:1\"} 7 @1000\n" CONVERTED(1000));
    assert_int_equal(rig.result.scraped, 4);
    assert_int_equal(rig.result.added, 4);
    scrape_text(&rig, classic_text, 2000,
                "c{instance=\"h:1\"} 1 @2000\nh_other{instance=\"h:1\"} 7 @2000\n" CONVERTED(2000));
    assert_int_equal(rig.result.added, 0);
    /* c, h_other, two of h, five health series. */
    assert_int_equal(recorder_series_calls(rig.recorder), 9);
    /* The last of a body is complete with its end. */
    scrape_text(&rig, "# TYPE h histogram\nh_bucket{x=\"2\",le=\"1\"} 4\nh_count{x=\"2\"} 4\n",
                3000,
                "c{instance=\"h:1\"} stale @3000\nh_other{instance=\"h:1\"} stale @3000\n"
                "h{" X(2) "} {count:4, sum:0, [-Inf,1]:4} @3000\n"
                          "h{" X(1) "} stale histogram @3000\n");
    rig_done(&rig);
}

TEST(scrape_converts_and_keeps_classic_histograms)
{
    struct rig rig;

    rig_init(&rig);
    rig.settings.convert_classic_histograms_to_nhcb = CONF_ON;
    rig.settings.always_scrape_classic_histograms = CONF_ON;
    scrape_text(&rig,
                "# TYPE h histogram\nh_bucket{x=\"2\",le=\"1\"} 4\nh_count{x=\"2\"} 4\n"
                "# TYPE g gauge\ng 1\n",
                1000,
                "h_bucket{instance=\"h:1\", le=\"1.0\", x=\"2\"} 4 @1000\nh_count{" X(
                    2) "} 4 @1000\n"
                       "g{instance=\"h:1\"} 1 @1000\n"
                       "h{" X(2) "} {count:4, sum:0, [-Inf,1]:4} @1000\n");
    rig_done(&rig);
}

TEST(scrape_converts_nothing_that_contradicts_itself)
{
    struct rig rig;

    rig_init(&rig);
    rig.settings.convert_classic_histograms_to_nhcb = CONF_ON;
    scrape_text(&rig,
                "# TYPE h histogram\nh_bucket{le=\"1\"} 4\nh_bucket{le=\"2\"} 3\nh_count 4\ng 1\n",
                1000, "g{instance=\"h:1\"} 1 @1000\n");
    assert_int_equal(rig.result.code, 0);
    rig_done(&rig);
}

TEST(scrape_converts_with_exemplars_and_times)
{
    struct rig rig;

    rig_init(&rig);
    rig.settings.convert_classic_histograms_to_nhcb = CONF_ON;
    buf_c(&rig.body, "# TYPE h histogram\n"
                     "h_bucket{le=\"1.0\"} 1 0.9 # {t=\"later\"} 0.5 0.8\n"
                     "h_bucket{le=\"2.0\"} 2 0.9 # {t=\"earlier\"} 1.5 0.7\n"
                     "h_bucket{le=\"+Inf\"} 2 0.9 # {t=\"untimed\"} 1.5\n"
                     "h_count 2 0.9\nh_sum 3 0.9\n# EOF\n");
    scrape(&rig, "application/openmetrics-text", 1000,
           "# exemplar h{instance=\"h:1\"} {t=\"earlier\"} 1.5 @700\n"
           "# exemplar h{instance=\"h:1\"} {t=\"later\"} 0.5 @800\n"
           "h{instance=\"h:1\"} {count:2, sum:3, [-Inf,1]:1, (1,2]:1} @900\n");
    rig_done(&rig);
}

TEST(scrape_converts_classic_protobuf_histograms)
{
    struct rig rig;

    rig_init(&rig);
    rig.settings.convert_classic_histograms_to_nhcb = CONF_ON;
    protobuf_put_uint(&rig.value, 1, 5);
    protobuf_put_double(&rig.value, 2, 6);
    protobuf_body_bucket(&rig.value, 1, 2, "one", 7);
    protobuf_body_family(&rig.body, "h", 4, &rig.value);
    /* One that is native as well stays what it is. */
    put_native(&rig, "n", 2, true);
    scrape_protobuf(&rig, 8000,
                    "# exemplar h{" I "} {trace=\"one\"} 0.5 @7005\n"
                    "# exemplar n{" I "} {trace=\"two\"} 1 @6005\n"
                    "# exemplar n{" I "} {trace=\"one\"} 0.5 @7005\n"
                    "h{" I "} {count:5, sum:6, [-Inf,1]:2, (1,+Inf]:3} @8000\n"
                    "n{" I "} {count:2, sum:4, (0.5,1]:1, (1,2]:1} @8000\n");
    rig_done(&rig);
}

TEST(scrape_native_metadata_is_kept)
{
    struct rig rig;
    char *lines;

    rig_init(&rig);
    rig.series.append_metadata = true;
    put_native(&rig, "h", 1, false);
    scrape_protobuf(&rig, 1000, "h{" I "} {count:1, sum:4, (0.5,1]:1} @1000\n");
    lines = recorder_metadata_take(rig.recorder);
    assert_string_equal(lines, "h{" I "} histogram  help of it\n");
    (void)mem_free(lines);
    rig_done(&rig);
}

/* The families of our own client library, as text and as protobuf: the same floats, and a native
 * histogram whose buckets are where the values are. */
TEST(scrape_native_reads_what_libbaro_exposes)
{
    static const double buckets[] = {0.5, 2};
    static const struct baro_desc both = {.name = "took_seconds",
                                          .help = "Time.",
                                          .unit = "seconds",
                                          .type = BARO_HISTOGRAM,
                                          .buckets = buckets,
                                          .bucket_count = ARRAY_COUNT(buckets),
                                          .native = {.on = true, .schema = 2}};
    static const struct baro_desc requests = {
        .name = "requests_total", .help = "Requests.", .type = BARO_COUNTER};
    struct baro_registry *registry = baro_registry_new(NULL, NULL);
    baro_histogram took = baro_histogram_with(baro_family_new(registry, &both, NULL), NULL);
    char *lines[2];
    struct rig rig;

    baro_counter_add(baro_counter_with(baro_family_new(registry, &requests, NULL), NULL), 7);
    for (int i = 1; i <= 4; i++) {
        baro_histogram_observe(took, i * 0.4);
    }
    for (int i = 0; i < 2; i++) {
        const struct baro_expose_options options = {.format = i == 0 ? BARO_TEXT : BARO_PROTOBUF};
        struct scrape_answer answer = {.t = 1000, .clock = &rig.clock.clock};
        size_t size = 0;
        char *body = baro_expose_alloc(registry, &options, &size);

        rig_init(&rig);
        rig.settings.always_scrape_classic_histograms = CONF_ON;
        rig.series.append_exemplars = false;
        answer.body = str_of(body, size);
        answer.content_type = str_from(baro_format_content_type(options.format));
        scrape_append_run(&rig.scratch, &rig.series, &answer, &rig.result);
        assert_int_equal(rig.result.code, 0);
        lines[i] = recorder_take(rig.recorder);
        rig_done(&rig);
        free(body);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_non_null(strstr(lines[i], "requests_total{instance=\"h:1\"} 7 @1000\n"));
        assert_non_null(strstr(lines[i], "took_seconds_count{instance=\"h:1\"} 4 @1000\n"));
        assert_non_null(
            strstr(lines[i], "took_seconds_bucket{instance=\"h:1\", le=\"0.5\"} 1 @1000\n"));
        assert_non_null(
            strstr(lines[i], "took_seconds_bucket{instance=\"h:1\", le=\"+Inf\"} 4 @1000\n"));
    }
    assert_null(strstr(lines[0], "took_seconds{"));
    assert_non_null(strstr(lines[1], "took_seconds{instance=\"h:1\"} {count:4, sum:4, "
                                     "(0.35355339059327373,0.4204482076268572]:1, "));
    (void)mem_free(lines[0]);
    (void)mem_free(lines[1]);
    (void)baro_registry_free(registry);
}

/* ---- start timestamps ---- */

static void scrape_openmetrics(struct rig *rig, const char *body, ts t, const char *want)
{
    buf_c(&rig->body, body);
    scrape(rig, "application/openmetrics-text; version=1.0.0", t, want);
    assert_int_equal(rig->result.code, 0);
}

#define O "instance=\"h:1\""

/* The line belongs to the samples before it that have its labels, and is no series; what has
 * another type keeps its name. */
TEST(scrape_starts_of_openmetrics_are_lines_of_their_own)
{
    static const char body[] = "# TYPE c counter\n"
                               "c_total{a=\"x\"} 1\n"
                               "c_created{a=\"x\"} 12.5\n"
                               "c_total{a=\"y\"} 2\n"
                               "c_total{a=\"z\"} 3\n"
                               "c_created{a=\"z\"} 13\n"
                               "# TYPE s summary\n"
                               "s{quantile=\"0.5\"} 4\n"
                               "s_count 5\n"
                               "s_sum 6\n"
                               "s_created 14\n"
                               "# TYPE h histogram\n"
                               "h_bucket{le=\"+Inf\"} 7\n"
                               "h_count 7\n"
                               "h_sum 8\n"
                               "h_created 15\n"
                               "# TYPE g gauge\n"
                               "g_created 16\n"
                               "# EOF\n";
    struct rig rig;

    rig_init(&rig);
    rig.series.keep_starts = true;
    for (ts t = 100000; t <= 300000; t += 100000) {
        char want[1024];

        (void)snprintf(want, sizeof(want),
                       "c_total{a=\"x\", " O "} 1 @%lld since 12500\n"
                       "c_total{a=\"y\", " O "} 2 @%lld\n"
                       "c_total{a=\"z\", " O "} 3 @%lld since 13000\n"
                       "s{" O ", quantile=\"0.5\"} 4 @%lld since 14000\n"
                       "s_count{" O "} 5 @%lld since 14000\n"
                       "s_sum{" O "} 6 @%lld since 14000\n"
                       "h_bucket{" O ", le=\"+Inf\"} 7 @%lld since 15000\n"
                       "h_count{" O "} 7 @%lld since 15000\n"
                       "h_sum{" O "} 8 @%lld since 15000\n"
                       "g_created{" O "} 16 @%lld\n",
                       (long long)t, (long long)t, (long long)t, (long long)t, (long long)t,
                       (long long)t, (long long)t, (long long)t, (long long)t, (long long)t);
        scrape_openmetrics(&rig, body, t, want);
        assert_int_equal(rig.result.scraped, 10);
    }
    /* What is gone gets a stale marker, without a start. */
    scrape_openmetrics(&rig, "# TYPE c counter\nc_total{a=\"x\"} 1\n# EOF\n", 400000,
                       "c_total{a=\"x\", " O "} 1 @400000\n"
                       "c_total{a=\"y\", " O "} stale @400000\n"
                       "c_total{a=\"z\", " O "} stale @400000\n"
                       "s{" O ", quantile=\"0.5\"} stale @400000\n"
                       "s_count{" O "} stale @400000\n"
                       "s_sum{" O "} stale @400000\n"
                       "h_bucket{" O ", le=\"+Inf\"} stale @400000\n"
                       "h_count{" O "} stale @400000\n"
                       "h_sum{" O "} stale @400000\n"
                       "g_created{" O "} stale @400000\n");
    rig_done(&rig);
}

/* Without the feature the lines are series as ever. */
TEST(scrape_starts_are_series_where_they_are_not_kept)
{
    struct rig rig;

    rig_init(&rig);
    scrape_openmetrics(&rig, "# TYPE c counter\nc_total 1\nc_created 12.5\n# EOF\n", 100000,
                       "c_total{" O "} 1 @100000\nc_created{" O "} 12.5 @100000\n");
    rig_done(&rig);
}

/* A classic histogram that becomes a native one takes its start with it. */
TEST(scrape_starts_follow_histograms_that_are_converted)
{
    struct rig rig;

    rig_init(&rig);
    rig.series.keep_starts = true;
    rig.settings.convert_classic_histograms_to_nhcb = CONF_ON;
    scrape_openmetrics(&rig,
                       "# TYPE h histogram\n"
                       "h_bucket{a=\"x\",le=\"1\"} 1\nh_bucket{a=\"x\",le=\"+Inf\"} 2\n"
                       "h_count{a=\"x\"} 2\nh_sum{a=\"x\"} 3\nh_created{a=\"x\"} 15\n"
                       "h_bucket{a=\"y\",le=\"1\"} 1\nh_bucket{a=\"y\",le=\"+Inf\"} 2\n"
                       "h_count{a=\"y\"} 2\nh_sum{a=\"y\"} 3\nh_created{a=\"y\"} 16\n"
                       "# EOF\n",
                       100000,
                       "h{a=\"x\", " O "} {count:2, sum:3, [-Inf,1]:1, (1,+Inf]:1} @100000 since "
                       "15000\n"
                       "h{a=\"y\", " O "} {count:2, sum:3, [-Inf,1]:1, (1,+Inf]:1} @100000 since "
                       "16000\n");
    rig_done(&rig);
}

static void put_start(struct rig *rig, uint32_t number, uint64_t seconds)
{
    struct buf time = {0};

    protobuf_put_uint(&time, 1, seconds);
    protobuf_body_message(&rig->value, number, &time);
    buf_done(&time);
}

TEST(scrape_starts_of_protobuf_stand_with_the_samples)
{
    static const bool keeps[] = {true, false};

    for (size_t i = 0; i < ARRAY_COUNT(keeps); i++) {
        struct rig rig;

        rig_init(&rig);
        rig.series.keep_starts = keeps[i];
        protobuf_put_double(&rig.value, 1, 5);
        put_start(&rig, 3, 12);
        protobuf_body_family(&rig.body, "c_total", 0, &rig.value);
        put_gauge(&rig, 6);
        protobuf_put_uint(&rig.value, 1, 1);
        protobuf_put_double(&rig.value, 2, 4);
        protobuf_put_sint(&rig.value, 5, 0);
        protobuf_body_span(&rig.value, 12, 0, 1);
        protobuf_put_sint(&rig.value, 13, 1);
        put_start(&rig, 15, 13);
        protobuf_body_family(&rig.body, "h", 4, &rig.value);
        scrape_protobuf(&rig, 100000,
                        keeps[i] ? "c_total{" I "} 5 @100000 since 12000\n"
                                   "g{" I "} 6 @100000\n"
                                   "h{" I "} {count:1, sum:4, (0.5,1]:1} @100000 since 13000\n"
                                 : "c_total{" I "} 5 @100000\n"
                                   "g{" I "} 6 @100000\n"
                                   "h{" I "} {count:1, sum:4, (0.5,1]:1} @100000\n");
        rig_done(&rig);
    }
}
