#include "ingest/otlp_names.h"

#include "base/attr.h"
#include "testing/test.h"

/* What Prometheus's otlptranslator makes of the same. */
TEST(otlp_metric_names_are_those_of_prometheus)
{
    static const struct {
        const char *name;
        const char *unit;
        enum otlp_type type;
        const char *escaped; /* with suffixes; NULL = refused */
        const char *short_escaped;
        const char *utf8; /* with suffixes */
    } cases[] = {
        {"http.server.duration", "ms", OTLP_OTHER, "http_server_duration_milliseconds",
         "http_server_duration", "http.server.duration_milliseconds"},
        {"http.requests", "1", OTLP_COUNTER, "http_requests_total", "http_requests",
         "http.requests_total"},
        {"requests_total", "{request}", OTLP_COUNTER, "requests_total", "requests_total",
         "requests_total"},
        {"total.things", "", OTLP_COUNTER, "things_total", "total_things", "total.things_total"},
        {"cpu.usage", "1", OTLP_GAUGE, "cpu_usage_ratio", "cpu_usage", "cpu.usage_ratio"},
        {"cpu_ratio", "1", OTLP_GAUGE, "cpu_ratio", "cpu_ratio", "cpu_ratio"},
        {"net.io", "By/s", OTLP_GAUGE, "net_io_bytes_per_second", "net_io",
         "net.io_bytes_per_second"},
        {"net.io", "By/{conn}", OTLP_GAUGE, "net_io_bytes", "net_io", "net.io_bytes"},
        {"memory_bytes", "By", OTLP_GAUGE, "memory_bytes", "memory_bytes", "memory_bytes"},
        {"2xx.responses", "", OTLP_GAUGE, "_2xx_responses", "_2xx_responses", "2xx.responses"},
        {"a__b", "", OTLP_GAUGE, "a_b", "a__b", "a__b"},
        {"a b\xc3\xa4:c", "", OTLP_SUM, "a_b_:c", "a_b_:c", "a b\xc3\xa4:c"},
        {"speed", "km/h", OTLP_GAUGE, "speed_km_per_hour", "speed", "speed_km_per_hour"},
        {"x", "m\xc2\xb2", OTLP_GAUGE, "x_m_", "x", "x_m\xc2\xb2"},
        {"..", "", OTLP_GAUGE, NULL, NULL, ".."},
        {"", "", OTLP_GAUGE, NULL, NULL, NULL},
    };
    struct arena arena = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const char *wants[] = {cases[i].escaped, cases[i].short_escaped, cases[i].utf8};

        for (size_t k = 0; k < ARRAY_COUNT(wants); k++) {
            const struct otlp_naming naming = {.adds_suffixes = k != 1, .allows_utf8 = k == 2};
            const str got = otlp_metric_name(&arena, &naming, str_from(cases[i].name),
                                             str_from(cases[i].unit), cases[i].type);

            test_row(cases[i].name);
            assert_int_equal(got.ptr == NULL, wants[k] == NULL);
            assert_str_equal(got, str_from(wants[k]));
        }
    }
    test_row(NULL);
    arena_done(&arena);
}

TEST(otlp_label_names_are_those_of_prometheus)
{
    static const struct {
        const char *name;
        const char *kept;      /* underscores are kept; NULL = refused */
        const char *collapsed; /* and not */
    } cases[] = {
        {"http.method", "http_method", "http_method"},
        {"_private", "key_private", "key_private"},
        {"__name", "__name", "key_name"},
        {"__reserved__", "__reserved__", "__reserved__"},
        {"1st", "key_1st", "key_1st"},
        {"a..b", "a__b", "a_b"},
        {"\xc3\xa4x", "key_x", "key_x"},
        {"___", NULL, "key_"},
        {"", NULL, NULL},
    };
    struct arena arena = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (int k = 0; k < 2; k++) {
            const struct otlp_naming naming = {.sanitizes_underscore = true,
                                               .keeps_underscores = k == 0};
            const char *want = k == 0 ? cases[i].kept : cases[i].collapsed;
            const str got = otlp_label_name(&arena, &naming, str_from(cases[i].name));

            test_row(cases[i].name);
            assert_int_equal(got.ptr == NULL, want == NULL);
            assert_str_equal(got, str_from(want));
        }
    }
    test_row(NULL);
    assert_str_equal(
        otlp_label_name(&arena, &(struct otlp_naming){.allows_utf8 = true}, STR("a.b")),
        STR("a.b"));
    assert_str_equal(otlp_unit_name(&arena, STR("By/s"), false), STR("bytes_per_second"));
    assert_str_equal(otlp_unit_name(&arena, STR("{packet}"), false), STR(""));
    assert_str_equal(otlp_unit_name(&arena, STR(" /min"), false), STR("per_min"));
    arena_done(&arena);
}
