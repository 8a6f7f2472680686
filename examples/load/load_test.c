/* The parts of the load test that need no service. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expose.h"
#include "net.h"
#include "report.h"
#include "run.h"
#include "testing/test.h"

TEST(load_scenarios_are_the_document_s)
{
    static const struct {
        const char *name;
        int users;
        int generations;
        int seconds;
    } cases[] = {{"O-L1", 1, 10, 0},
                 {"O-L2", 5, 0, 600},
                 {"O-L3", 10, 0, 300},
                 {"O-L4", 20, 0, 60},
                 {"O-L5", 3, 0, 3600}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct scenario *scenario = scenario_find(cases[i].name);

        test_row(cases[i].name);
        assert_non_null(scenario);
        assert_int_equal(scenario->users, cases[i].users);
        assert_int_equal(scenario->generations, cases[i].generations);
        assert_int_equal((int)scenario->seconds, cases[i].seconds);
        assert_ptr_equal(scenario_find(scenario->name), scenario);
    }
    test_row(NULL);
    assert_null(scenario_find("none"));
}

TEST(load_scale_keeps_users_and_one_generation)
{
    struct scenario spike = scenario_scaled(scenario_find("spike"), 0.01);
    struct scenario baseline = scenario_scaled(scenario_find("baseline"), 0.001);

    assert_int_equal(spike.users, 20);
    assert_true(fabs(spike.seconds - 0.6) < 1e-9 && fabs(spike.ramp_s - 0.3) < 1e-9);
    assert_int_equal(baseline.generations, 1);
    assert_int_equal(scenario_scaled(scenario_find("baseline"), 0.5).generations, 5);
    assert_true(scenario_user_start(&spike, 0) < 1e-9);
    assert_true(fabs(scenario_user_start(&spike, 19) - 0.3) < 1e-9);
    assert_true(scenario_user_start(&baseline, 0) < 1e-9);
}

TEST(load_reads_expositions)
{
    const char *text = "# HELP a_total b\na_total 3\nb{x=\"1\",y=\"a\\\"}b\"} 4.5 "
                       "123\n\nbroken{x=\"\nc{} +Inf\nnovalue\nd NaN\n";
    struct expose_reader reader = {.at = text};
    struct expose_line line;
    char value[16];

    assert_true(expose_next(&reader, &line));
    assert_true(expose_is(&line, "a_total") && fabs(line.value - 3) < 1e-9);
    assert_true(expose_next(&reader, &line));
    assert_true(expose_is(&line, "b") && fabs(line.value - 4.5) < 1e-9);
    assert_true(expose_label(&line, "y", value, sizeof(value)));
    assert_string_equal(value, "a\"}b");
    assert_true(expose_label(&line, "x", value, sizeof(value)));
    assert_false(expose_label(&line, "z", value, sizeof(value)));
    assert_true(expose_label(&line, "y", value, 3));
    assert_string_equal(value, "a\"");
    assert_true(expose_next(&reader, &line));
    assert_true(expose_is(&line, "c") && isinf(line.value));
    assert_false(expose_next(&reader, &line));
}

TEST(load_parses_places)
{
    static const struct {
        const char *url;
        const char *host; /* NULL = refused */
        const char *port;
    } cases[] = {
        {"http://127.0.0.1:5000", "127.0.0.1", "5000"},
        {"http://host/", "host", "80"},
        {"https://x", NULL, ""},
        {"http://:80", NULL, ""},
        {"http://x:y", NULL, ""},
        {"http://x/path", NULL, ""},
        {"127.0.0.1:80", NULL, ""},
        {"http://x:", NULL, ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct net_place place;
        struct svc_error err = {0};
        int r = net_place_parse(cases[i].url, &place, &err);

        test_row(cases[i].url);
        assert_int_equal(r == 0, cases[i].host != NULL);
        if (r == 0) {
            assert_string_equal(place.host, cases[i].host);
            assert_string_equal(place.port, cases[i].port);
        } else {
            assert_non_null(strstr(err.text, "http://HOST:PORT"));
        }
    }
    test_row(NULL);
}

TEST(load_parses_metrics_places)
{
    static struct run run;
    struct svc_error err = {0};

    assert_int_equal(
        run_metrics_parse(&run, "http://a:1", "{url}/m,http://b:2/x/y,http://c:3", &err), 0);
    assert_int_equal(run.metrics_count, 3);
    assert_string_equal(run.metrics[0].place.host, "a");
    assert_string_equal(run.metrics[0].path, "/m");
    assert_string_equal(run.metrics[1].path, "/x/y");
    assert_string_equal(run.metrics[2].path, "/metrics");
    assert_true(run_metrics_parse(&run, "http://a:1", "nonsense", &err) < 0);
    assert_true(run_metrics_parse(&run, "http://a:1", "{url},{url},{url},{url},{url},{url},{url}",
                                  &err) < 0);
}

TEST(load_reads_frames_of_servers)
{
    static const struct {
        uint8_t bytes[12];
        size_t len;
        long want;
        int opcode;
    } cases[] = {
        {{0x81, 2, 'h', 'i', 0x89}, 5, 4, 1},
        {{0x89, 0}, 2, 2, 9},
        {{0x81, 5, 'h'}, 3, 0, 0},
        {{0x81}, 1, 0, 0},
        {{0x81, 0x82, 1}, 3, -1, 0},
        {{0xc1, 0}, 2, -1, 0},
        {{0x81, 126, 0}, 3, 0, 0},
        {{0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 10, -1, 0},
        {{0x81, 126, 0, 1, 'x'}, 5, 5, 1},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int opcode = 0;
        size_t payload = 0;

        assert_int_equal(net_frame_read(cases[i].bytes, cases[i].len, &opcode, &payload),
                         cases[i].want);
        if (cases[i].want > 0) {
            assert_int_equal(opcode, cases[i].opcode);
        }
    }
}

TEST(load_undoes_chunks)
{
    static const struct {
        const char *in;
        long want;
        const char *body;
    } cases[] = {
        {"5\r\nhello\r\n0\r\n\r\n", 15, "hello"},
        {"1;x=y\r\na\r\n2\r\nbc\r\n0\r\n\r\n", 22, "abc"},
        {"5\r\nhel", 0, ""},
        {"5", 0, ""},
        {"", 0, ""},
        {"zz\r\n", -1, ""},
        {"fffffff\r\nx", 0, ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct svc_bytes bytes = {.max = 100};
        struct svc_bytes body = {.max = 100};

        test_row(cases[i].in);
        svc_bytes_put(&bytes, cases[i].in, strlen(cases[i].in));
        assert_int_equal(net_chunks_read(&bytes, 0, &body), cases[i].want);
        assert_int_equal(body.len, strlen(cases[i].body));
        assert_true(body.len == 0 || memcmp(body.ptr, cases[i].body, body.len) == 0);
        svc_bytes_done(&bytes);
        svc_bytes_done(&body);
    }
    test_row(NULL);
}

/* Two looks at a service, and requests of which one failed. */
static void watch_fill(struct watch *watch, double gpu, size_t requests)
{
    char text[512];
    struct watch_point point = watch_point_empty(0, 1);

    assert_int_equal(watch_init(watch), 0);
    watch_exposition(watch, &point,
                     "pipeline_stage_duration_seconds_sum{stage=\"shape\"} 10\n"
                     "pipeline_stage_duration_seconds_count{stage=\"shape\"} "
                     "10\ncache_hits_total{cache_type=\"a\"} 5\n");
    watch_point_add(watch, &point);
    point = watch_point_empty(1, 2);
    watch->stages[0].sum = watch->stages[0].count = 0;
    (void)snprintf(text, sizeof(text),
                   "pipeline_stage_duration_seconds_sum{stage=\"shape\"} 16\n"
                   "pipeline_stage_duration_seconds_count{stage=\"shape\"} 12\n"
                   "pipeline_stage_duration_seconds_sum{stage=\"export\"} 1\n"
                   "pipeline_stage_duration_seconds_count{stage=\"export\"} 2\n"
                   "cache_hits_total{cache_type=\"a\"} 14\ncache_misses_total{cache_type=\"b\"} 3\n"
                   "gpu_usage_percent{gpu_id=\"0\"} %g\njob_queue_size{type=\"x\"} "
                   "2\njob_queue_size{type=\"y\"} 3\n"
                   "websocket_connections_active{client_type=\"browser\"} 4\n",
                   gpu);
    watch_exposition(watch, &point, text);
    watch_point_add(watch, &point);
    for (size_t i = 1; i <= requests; i++) {
        watch_request(watch, (double)i / 100, (double)i / 100, i == 1, "GET /x: 500");
    }
    watch_generation(watch, false);
}

TEST(load_report_judges_by_the_document_s_limits)
{
    static struct watch watch;
    struct report report;

    watch_fill(&watch, 50, 200);
    report_make(&report, scenario_find("peak"), &watch, 2);
    assert_true(report_passes(&report));
    assert_true(fabs(report.figures[REPORT_HTTP_P95].value - 1.9) < 1e-5);
    assert_true(fabs(report.figures[REPORT_ERRORS].value - 0.5) < 1e-9);
    assert_true(fabs(report.figures[REPORT_STAGES].value - 3) < 1e-9);
    assert_string_equal(report.figures[REPORT_STAGES].note, "shape 3.0000 s, export 0.5000 s");
    assert_true(fabs(report.figures[REPORT_QUEUE].value - 5) < 1e-9);
    assert_true(fabs(report.figures[REPORT_CACHE].value - 75) < 1e-9);
    assert_int_equal(report.figures[REPORT_GPU_HEAT].verdict, REPORT_NOT_EXPOSED);
    assert_int_equal(report.figures[REPORT_WEBSOCKETS].verdict, REPORT_WATCH);
    watch_done(&watch);
    watch_fill(&watch, 97, 50);
    report_make(&report, scenario_find("peak"), &watch, 2);
    assert_false(report_passes(&report));
    assert_int_equal(report.figures[REPORT_GPU].verdict, REPORT_FAIL);
    assert_int_equal(report.figures[REPORT_ERRORS].verdict, REPORT_FAIL);
    watch_done(&watch);
}

TEST(load_report_as_table_json_and_picture)
{
    static struct watch watch;
    struct report report;
    char path[256];
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct svc_bytes picture = {0};
    struct svc_error err = {0};
    json_t *json;

    watch_fill(&watch, 97, 50);
    report_make(&report, scenario_find("spike"), &watch, 2);
    report_print(&report, out);
    (void)fclose(out);
    assert_non_null(strstr(text, "O-L4 spike: 20 users"));
    assert_non_null(strstr(text, "FAIL"));
    assert_non_null(strstr(text, "advice: GPU utilisation"));
    assert_non_null(strstr(text, "not exposed"));
    free(text);
    json = report_json(&report);
    assert_string_equal(json_string_value(json_object_get(json, "id")), "O-L4");
    assert_true(json_is_false(json_object_get(json, "pass")));
    assert_int_equal(json_array_size(json_object_get(json, "figures")), REPORT_FIGURE_COUNT);
    assert_int_equal(json_object_size(json_object_get(json, "stages")), 2);
    json_decref(json);
    (void)snprintf(path, sizeof(path), "%s/plot.svg", test_dir());
    assert_int_equal(report_plot(&report, 1, path), 0);
    assert_int_equal(svc_file_read(path, 1 << 20, &picture, &err), 0);
    svc_bytes_put(&picture, "", 1);
    assert_non_null(strstr((const char *)picture.ptr, "class=\"bad\""));
    assert_non_null(strstr((const char *)picture.ptr, "class=\"queue\" d=\"M"));
    svc_bytes_done(&picture);
    assert_int_equal(report_plot(&report, 1, "/nowhere/plot.svg"), -1);
    watch_done(&watch);
}
