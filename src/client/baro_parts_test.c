/* The parts of libbaro that its users do not see. */
#include "client/baro_server_priv.h"

#include <math.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/num.h"
#include "base/random.h"
#include "model/exposition_lint.h"
#include "testing/test.h"

TEST(baro_number_reads_as_go_prints)
{
    static const struct {
        double value;
        const char *want;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {100000, "100000"},
        {1e6, "1e+06"},
        {1234567, "1.234567e+06"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {0.1 + 0.2, "0.30000000000000004"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {9007199254740993.0, "9.007199254740992e+15"},
        {1e23, "1e+23"},
        {-2.5, "-2.5"},
        {INFINITY, "+Inf"},
        {-INFINITY, "-Inf"},
        {NAN, "NaN"},
    };

    assert_true(baro_cells_start());
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[BARO_NUMBER_BYTES];

        test_row(cases[i].want);
        assert_str_equal(str_of(text, baro_number_double(cases[i].value, text)),
                         str_from(cases[i].want));
    }
    test_row(NULL);
}

/* Digits and form must be those of the engine's printing, whose own test compares them with
 * libstdc++. */
TEST(baro_number_is_shortest)
{
    struct random random = {.state = 7};

    assert_true(baro_cells_start());
    for (int i = 0; i < 200000; i++) {
        double value = baro_double_of(random_next(&random));
        char text[BARO_NUMBER_BYTES];
        char want[NUM_TEXT_MAX];

        if (i % 3 == 1) {
            value = (double)(random_next(&random) >> 20) * 1e-6;
        } else if (i % 3 == 2) {
            value = ldexp(1, (int)random_below(&random, 2000) - 1000);
        }
        assert_str_equal(str_of(text, baro_number_double(value, text)),
                         str_of(want, num_format_double(value, NUM_G, want)));
    }
}

TEST(baro_format_is_negotiated)
{
    static const struct {
        const char *accept;
        enum baro_format want;
    } cases[] = {
        {NULL, BARO_TEXT},
        {"", BARO_TEXT},
        {"*/*", BARO_TEXT},
        {"text/html", BARO_TEXT},
        {"text/plain", BARO_TEXT},
        {"application/openmetrics-text", BARO_OPENMETRICS},
        {"application/openmetrics-text; version=1.0.0", BARO_OPENMETRICS},
        {"application/openmetrics-text; version=\"0.0.1\"", BARO_OPENMETRICS},
        {"application/openmetrics-text; version=2.0.0", BARO_TEXT},
        {"APPLICATION/OPENMETRICS-TEXT", BARO_OPENMETRICS},
        {"text/plain;q=0.5,application/openmetrics-text;q=0.4", BARO_TEXT},
        {"text/plain;q=0.5,application/openmetrics-text;q=0.75", BARO_OPENMETRICS},
        {"application/openmetrics-text;q=0", BARO_TEXT},
        {"application/"
         "vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
         BARO_PROTOBUF},
        {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
         BARO_TEXT},
        {"application/vnd.google.protobuf", BARO_TEXT},
        {" , ;;; =,application/openmetrics-text ; q = 0.3", BARO_OPENMETRICS},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        test_row(cases[i].accept == NULL ? "NULL" : cases[i].accept);
        assert_int_equal(baro_format_negotiate(cases[i].accept), cases[i].want);
    }
    test_row(NULL);
    assert_true(baro_gzip_negotiate("gzip"));
    assert_true(baro_gzip_negotiate("deflate, gzip;q=0.1"));
    assert_false(baro_gzip_negotiate("gzip;q=0"));
    assert_false(baro_gzip_negotiate("br"));
    assert_false(baro_gzip_negotiate(NULL));
}

/* Bucket i of schema s holds what is above 2^((i-1) * 2^-s) and at most 2^(i * 2^-s). */
TEST(baro_native_index_is_exact)
{
    struct random random = {.state = 3};

    assert_true(baro_cells_start());
    for (int schema = -4; schema <= 8; schema++) {
        double width = ldexp(1, -schema);

        for (int i = 0; i < 20000; i++) {
            double value = ldexp(1 + (double)(random_next(&random) >> 12) * 0x1p-52,
                                 (int)random_below(&random, 200) - 100);
            int32_t index = baro_native_index(value, schema);

            if (!(value <= exp2(index * width)) || !(value > exp2((index - 1) * width))) {
                print_error("schema %d: %.17g is not in bucket %d\n", schema, value, index);
                fail();
            }
        }
        for (int i = -300; i <= 300; i++) {
            assert_int_equal(baro_native_index(ldexp(1, i), schema),
                             (int32_t)ceil(ldexp(i, schema)));
        }
    }
    assert_int_equal(baro_native_index(5e-324, 0), -1074);
    assert_int_equal(baro_native_index(1.7976931348623157e308, 0), 1024);
}

TEST(baro_web_config_is_read)
{
    static const struct {
        const char *text;
        const char *why; /* "" = good */
    } cases[] = {
        {"", ""},
        {"# nothing\n---\n", ""},
        {"tls_server_config:\n  cert_file: a\n  key_file: 'b'\n", ""},
        {"tls_server_config:\r\n    cert_file: a # c\r\n    key_file: b\r\n", ""},
        {"tls_server_config:\n  cert_file: a\n", "cert_file and key_file go together"},
        {"tls_server_config:\n  cert_file: a\n  key_file: b\n  client_auth_type: "
         "RequireAndVerifyClientCert\n",
         "needs client_ca_file"},
        {"tls_server_config:\n  client_auth_type: Sometimes\n", "line 2: "},
        {"tls_server_config:\n  min_version: TLS10\n", "line 2: "},
        {"basic_auth_users:\n  alice: $2y$10$x\n", ""},
        {"basic_auth_users:\n  alice: plain\n", "line 2: "},
        {"basic_auth_users: {alice: x}\n", "line 1: "},
        {"basic_auth_users:\n  - alice\n", "line 2: "},
        {"basic_auth_users:\n  a: $x\n   b: $y\n", "line 3: "},
        {"other:\n  a: b\n", "line 1: "},
        {"http_server_config:\n  http2: true\n", ""},
        {"http_server_config:\n  headers:\n", "line 2: "},
        {"\"tls_server_config\n", "line 1: "},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct baro_web_config config = {0};
        struct baro_why why = {""};
        int result = baro_web_config_parse(cases[i].text, "/etc", &config, &why);

        test_row(cases[i].text);
        if (cases[i].why[0] == '\0') {
            assert_string_equal(why.text, "");
            assert_int_equal(result, BARO_OK);
            if (config.cert_file != NULL) {
                assert_string_equal(config.cert_file, "/etc/a");
            }
        } else {
            assert_true(result < 0);
            assert_non_null(strstr(why.text, cases[i].why));
        }
        baro_web_config_done(&config);
    }
    test_row(NULL);
}

TEST(baro_base64_is_read)
{
    char text[8];

    assert_true(baro_base64_decode("YWxp", text, sizeof(text)));
    assert_string_equal(text, "ali");
    assert_true(baro_base64_decode("YWw=", text, sizeof(text)));
    assert_string_equal(text, "al");
    assert_false(baro_base64_decode("YWxpY2U6c2VjcmV0", text, sizeof(text)));
    assert_false(baro_base64_decode("YW!p", text, sizeof(text)));
    assert_false(baro_base64_decode("AAAA", text, sizeof(text)));
    assert_false(baro_base64_decode("YW=p", text, sizeof(text)));
}

static void assert_strictly_good(struct baro_registry *registry, enum baro_format format)
{
    const struct baro_expose_options expose = {.format = format};
    const struct exposition_check_options options = {
        .format = format == BARO_TEXT ? EXPOSITION_CHECK_TEXT : EXPOSITION_CHECK_OPENMETRICS};
    struct buf findings = {0};
    size_t size = 0;
    char *text = baro_expose_alloc(registry, &expose, &size);
    int verdict = exposition_check(str_of(text, size), &options, &findings);

    if (verdict == EXPOSITION_CHECK_WRONG) {
        print_error("%.*s\n%s\n", (int)findings.len, findings.ptr, text);
        fail();
    }
    buf_done(&findings);
    free(text);
}

static double seven(void *context)
{
    return *(double *)context;
}

static void collect_twice(struct baro_sink *sink, void *context)
{
    static const struct baro_desc good = {.name = "collected", .type = BARO_GAUGE};
    static const struct baro_desc taken = {.name = "callback", .type = BARO_GAUGE};
    int *conflicts = context;

    assert_int_equal(baro_sink_family(sink, &good), BARO_OK);
    assert_int_equal(baro_sink_value(sink, NULL, 1), BARO_OK);
    assert_int_equal(baro_sink_histogram(sink, NULL, NULL), BARO_BAD_TYPE);
    *conflicts += baro_sink_family(sink, &good) == BARO_CONFLICT;
    *conflicts += baro_sink_family(sink, &taken) == BARO_CONFLICT;
    assert_int_equal(baro_sink_value(sink, NULL, 1), BARO_BAD_ARGUMENT);
}

TEST(baro_callbacks_and_collectors)
{
    const struct baro_registry_options options = {.created_series = true};
    static const struct baro_desc callback = {.name = "callback", .type = BARO_GAUGE};
    struct baro_registry *registry = baro_registry_new(&options, NULL);
    struct baro_family *family = baro_family_new(registry, &callback, NULL);
    double value = 7;
    int conflicts = 0;
    char *text;
    int id;

    assert_int_equal(baro_callback_add(family, NULL, seven, &value), BARO_OK);
    id = baro_collector_add(registry, collect_twice, &conflicts);
    assert_true(id >= 0);
    assert_int_equal(baro_process_collector_add(registry), BARO_OK);
    text = baro_expose_alloc(registry, NULL, NULL);
    assert_non_null(strstr(text, "\ncallback 7\n"));
    assert_non_null(strstr(text, "\ncollected 1\n"));
    free(text);
    assert_int_equal(conflicts, 2);
    assert_strictly_good(registry, BARO_TEXT);
    assert_strictly_good(registry, BARO_OPENMETRICS);
    assert_int_equal(baro_collector_remove(registry, id), BARO_OK);
    assert_int_equal(baro_collector_remove(registry, id), BARO_BAD_ARGUMENT);
    text = baro_expose_alloc(registry, NULL, NULL);
    assert_null(strstr(text, "collected"));
    free(text);
    assert_null(baro_registry_free(registry));
}

TEST(baro_negative_bounds_have_no_sum_in_openmetrics)
{
    static const double bounds[] = {-1, 1e6};
    struct baro_expose_options options = {.format = BARO_OPENMETRICS};
    struct baro_registry *registry = baro_registry_new(NULL, NULL);
    char *text;

    baro_histogram_observe(baro_histogram_new(registry, "h", "", bounds, 2), -5);
    text = baro_expose_alloc(registry, &options, NULL);
    assert_string_equal(text,
                        "# TYPE h histogram\nh_bucket{le=\"-1.0\"} 1\nh_bucket{le=\"1e+06\"} 1\n"
                        "h_bucket{le=\"+Inf\"} 1\n# EOF\n");
    free(text);
    assert_strictly_good(registry, BARO_TEXT);
    assert_strictly_good(registry, BARO_OPENMETRICS);
    assert_null(baro_registry_free(registry));
}

TEST(baro_callback_takes_the_place_of_a_value)
{
    static const struct baro_pair pairs[] = {{"a", "b"}};
    static const struct baro_exemplar exemplar = {pairs, 1, 1500};
    static const struct baro_desc desc = {.name = "c_total", .type = BARO_COUNTER};
    struct baro_expose_options options = {.format = BARO_OPENMETRICS};
    struct baro_registry *registry = baro_registry_new(NULL, NULL);
    struct baro_family *family = baro_family_new(registry, &desc, NULL);
    baro_counter counter = baro_counter_with(family, NULL);
    double value = 7;
    char *text;

    baro_counter_add_exemplar(counter, 2, &exemplar);
    assert_int_equal(baro_callback_add(family, NULL, seven, &value), BARO_OK);
    value = 8;
    baro_counter_add_exemplar(counter, 2, &exemplar);
    text = baro_expose_alloc(registry, &options, NULL);
    assert_string_equal(text, "# TYPE c counter\nc_total 8\n# EOF\n");
    free(text);
    assert_int_equal(baro_callback_add(family, NULL, NULL, NULL), BARO_OK);
    text = baro_expose_alloc(registry, &options, NULL);
    assert_string_equal(text, "# EOF\n");
    free(text);
    assert_null(baro_registry_free(registry));
}

TEST(baro_only_named_families_are_exposed)
{
    static const char *const names[] = {"b", "missing"};
    const struct baro_expose_options options = {.names = names, .name_count = 2};
    struct baro_registry *registry = baro_registry_new(NULL, NULL);
    char *text;

    baro_gauge_set(baro_gauge_new(registry, "a", ""), 1);
    baro_gauge_set(baro_gauge_new(registry, "b", ""), 2);
    text = baro_expose_alloc(registry, &options, NULL);
    assert_string_equal(text, "# TYPE b gauge\nb 2\n");
    free(text);
    assert_null(baro_registry_free(registry));
}

TEST(baro_series_expire)
{
    static const struct baro_label labels[] = {{.name = "id"}};
    static const struct baro_desc desc = {
        .name = "short", .type = BARO_GAUGE, .labels = labels, .label_count = 1, .ttl_s = 10};
    struct baro_registry *registry = baro_registry_new(NULL, NULL);
    struct baro_family *family = baro_family_new(registry, &desc, NULL);
    baro_gauge kept = baro_gauge_with(family, BARO_VALUES("kept"));

    (void)baro_gauge_with(family, BARO_VALUES("idle"));
    (void)pthread_mutex_lock(&registry->mutex);
    baro_series_expire_locked(family, 1000);
    baro_gauge_set(kept, 1);
    baro_series_expire_locked(family, 1009);
    assert_int_equal(family->series_count, 2);
    baro_series_expire_locked(family, 1010);
    assert_int_equal(family->series_count, 1);
    baro_series_expire_locked(family, 1018);
    assert_int_equal(family->series_count, 1);
    baro_series_expire_locked(family, 1019);
    assert_int_equal(family->series_count, 0);
    (void)pthread_mutex_unlock(&registry->mutex);
    assert_null(baro_registry_free(registry));
}

static int stop_at_once(void *context, const void *bytes, size_t size)
{
    (void)bytes;
    *(size_t *)context += size;
    return 1;
}

TEST(baro_writer_can_stop)
{
    struct baro_registry *registry = baro_registry_new(NULL, NULL);
    size_t written = 0;

    baro_counter_inc(baro_counter_new(registry, "a_total", ""));
    assert_int_equal(baro_expose(registry, NULL, stop_at_once, &written), BARO_STOPPED);
    assert_true(written > 0);
    assert_int_equal(baro_expose(registry, NULL, NULL, NULL), BARO_BAD_ARGUMENT);
    assert_null(baro_registry_free(registry));
}

TEST(baro_exemplars_are_bounded)
{
    static const struct baro_pair pairs[] = {{"a", "b"}};
    char long_text[200];
    const struct baro_pair too_long[] = {{"a", long_text}};
    struct baro_registry *registry = baro_registry_new(NULL, NULL);
    baro_counter counter = baro_counter_new(registry, "a_total", "");
    struct baro_exemplar exemplar = {pairs, 1, 1500};
    struct baro_expose_options options = {.format = BARO_OPENMETRICS};
    uint64_t misuses = baro_misuse_count();
    char *text;

    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    baro_counter_add_exemplar(counter, 2, &exemplar);
    exemplar.pairs = too_long;
    baro_counter_add_exemplar(counter, 1, &exemplar);
    assert_int_equal(baro_misuse_count(), misuses + 1);
    text = baro_expose_alloc(registry, &options, NULL);
    assert_string_equal(text, "# TYPE a counter\na_total 3 # {a=\"b\"} 2 1.500\n# EOF\n");
    free(text);
    assert_null(baro_registry_free(registry));
}

TEST(baro_summary_quantiles_are_close)
{
    static const double quantiles[] = {0.5, 0.9};
    static const struct baro_desc desc = {
        .name = "s", .type = BARO_SUMMARY, .quantiles = quantiles, .quantile_count = 2};
    struct baro_registry *registry = baro_registry_new(NULL, NULL);
    baro_summary summary = baro_summary_with(baro_family_new(registry, &desc, NULL), NULL);

    assert_true(isnan(baro_summary_quantile(summary, 0.5)));
    for (int i = 1; i <= 1000; i++) {
        baro_summary_observe(summary, i);
        baro_summary_observe(summary, -i);
    }
    assert_true(fabs(baro_summary_quantile(summary, 0.75) - 500) < 11);
    assert_true(fabs(baro_summary_quantile(summary, 0.25) + 500) < 11);
    assert_int_equal(baro_summary_count(summary), 2000);
    assert_true(baro_summary_sum(summary) == 0);
    assert_null(baro_registry_free(registry));
}

TEST(baro_health_is_json)
{
    struct baro_registry *registry = baro_registry_new(NULL, NULL);
    char text[64];

    assert_int_equal(baro_health_write(registry, text, sizeof(text)), BARO_HEALTHY);
    assert_string_equal(text, "{\"status\":\"healthy\",\"components\":{}}\n");
    assert_int_equal(baro_health_write(registry, text, 10), BARO_NO_MEMORY);
    assert_int_equal(baro_health_status(BARO_DEGRADED), 200);
    assert_int_equal(baro_health_status(BARO_UNHEALTHY), 503);
    assert_null(baro_registry_free(registry));
}
