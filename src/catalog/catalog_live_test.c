#include "catalog/catalog_live.h"

#include "testing/test.h"

static const char catalog_text[] =
    "catalog: c\ngroups:\n- name: g\n  metrics:\n"
    "  - {name: jobs_total, type: counter, help: Jobs., labels: {stage: {values: [a, b]}}}\n"
    "  - {name: temp_celsius, type: gauge, unit: celsius, help: Heat., labels: {who: {max: 2, "
    "pattern: "
    "'[a-z]'}}}\n"
    "  - {name: took_seconds, type: histogram, unit: seconds, help: Time.}\n"
    "  - {name: lag, type: histogram, help: Lag., native: only, stability: experimental}\n"
    "  - {name: size, type: summary, help: Size., series_max: 1, labels: {who: {max: 9}}}\n"
    "  - {name: size_seconds, type: gauge, help: Time., stability: deprecated}\n"
    "  - {name: mode, type: stateset, help: Mode., states: ['on', 'off']}\n"
    "  - {name: c_info, type: info, help: C., stability: experimental, labels: {version: {max: "
    "1}}}\n";

static const struct {
    const char *name;
    const char *body;
    const char *want;
    enum exposition_format format;
    bool complete;
} cases[] = {
    {"good text",
     "# HELP jobs_total Jobs.\n# TYPE jobs_total counter\njobs_total{stage=\"a\"} 1\n"
     "jobs_total{stage=\"__overflow__\"} 1\n# TYPE took_seconds histogram\n"
     "took_seconds_bucket{le=\"+Inf\"} 1\ntook_seconds_sum 1\ntook_seconds_count 1\n"
     "# TYPE mode gauge\nmode{mode=\"on\"} 1\n# TYPE c_info gauge\nc_info{version=\"1\"} 1\n"
     "# TYPE size summary\nsize{who=\"a\",quantile=\"0.5\"} 1\nsize_sum{who=\"a\"} 1\n"
     "process_open_fds 3\njobs_created{stage=\"a\"} 1\n",
     "", EXPOSITION_TEXT, false},
    {"native", "# TYPE lag histogram\nlag_bucket{le=\"+Inf\"} 1\nlag_sum 1\nlag_count 1\n", "",
     EXPOSITION_TEXT, false},
    {"good OpenMetrics",
     "# HELP jobs Jobs.\n# TYPE jobs counter\njobs_total{stage=\"a\"} 1\n# TYPE c info\n"
     "c_info{version=\"1\"} 1\n# TYPE mode stateset\nmode{mode=\"on\"} 1\n"
     "# TYPE temp_celsius gauge\n# UNIT temp_celsius celsius\ntemp_celsius{who=\"a\"} 1\n# EOF\n",
     "", EXPOSITION_OPENMETRICS, false},
    {"unknown", "tempp_celsius 1\n",
     "t:1:1: no catalogue has the metric tempp_celsius; did you mean temp_celsius?\n",
     EXPOSITION_TEXT, false},
    {"unknown once", "x{a=\"1\"} 1\nx{a=\"2\"} 1\n", "t:1:1: no catalogue has the metric x\n",
     EXPOSITION_TEXT, false},
    {"type", "# TYPE jobs_total gauge\n",
     "t:1:8: jobs_total has another type than the catalogue's: counter\n", EXPOSITION_TEXT, false},
    {"info in OpenMetrics", "# TYPE c_info gauge\nc_info{version=\"1\"} 1\n# EOF\n",
     "t:1:8: c_info has another type than the catalogue's: info\n", EXPOSITION_OPENMETRICS, false},
    {"help", "# HELP jobs_total Job.\n",
     "t:1:8: jobs_total has another help than the catalogue's: \"Jobs.\"\n", EXPOSITION_TEXT,
     false},
    {"unit", "# TYPE size_seconds gauge\n# UNIT size_seconds seconds\nsize_seconds 1\n# EOF\n",
     "t:2:8: size_seconds has another unit than the catalogue's: \"\"\n", EXPOSITION_OPENMETRICS,
     false},
    {"missing label", "jobs_total 1\n", "t:1:1: jobs_total has no label stage\n", EXPOSITION_TEXT,
     false},
    {"extra label", "jobs_total{stage=\"a\",x=\"y\"} 1\n",
     "t:1:1: jobs_total has a label x that the catalogue does not have\n", EXPOSITION_TEXT, false},
    {"le elsewhere", "jobs_total{stage=\"a\",le=\"1\"} 1\n",
     "t:1:1: jobs_total has a label le that the catalogue does not have\n", EXPOSITION_TEXT, false},
    {"closed value", "\njobs_total{stage=\"c\"} 1\n",
     "t:2:1: jobs_total: \"c\" is no value of label stage\n", EXPOSITION_TEXT, false},
    {"pattern", "temp_celsius{who=\"A\"} 1\n",
     "t:1:1: temp_celsius: \"A\" of label who does not match [a-z]\n", EXPOSITION_TEXT, false},
    {"values", "temp_celsius{who=\"a\"} 1\ntemp_celsius{who=\"b\"} 1\ntemp_celsius{who=\"c\"} 1\n",
     "t:3:1: temp_celsius: label who has more than 2 values\n", EXPOSITION_TEXT, false},
    {"series",
     "size_sum{who=\"a\"} 1\nsize_count{who=\"a\"} 1\nsize_sum{who=\"b\"} 1\nsize_sum{who=\"c\"} "
     "1\n",
     "t:4:1: size has more than 1 series\n", EXPOSITION_TEXT, false},
    {"state", "mode{mode=\"idle\"} 1\n", "t:1:1: mode: \"idle\" is no state\n", EXPOSITION_TEXT,
     false},
    {"syntax", "jobs_total{ 1\n", "t:1:", EXPOSITION_TEXT, false},
    {"complete",
     "jobs_total{stage=\"a\"} 1\ntemp_celsius{who=\"a\"} 1\nsize_sum{who=\"a\"} "
     "1\nmode{mode=\"on\"} 1\n",
     "t: took_seconds is not exposed\n", EXPOSITION_TEXT, true},
};

TEST(catalog_live_finds_what_differs)
{
    static struct faults faults;
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    CLEANUP(regex_freep) struct regex *process = NULL;
    struct catalog_live_options options = {.catalog_count = 1, .allowed_count = 1, .input = "t"};

    assert_ok(catalog_parse(str_from(catalog_text), "c", &catalog, &faults), &faults.items[0]);
    assert_ok(regex_new(STR("process_.*"), true, &process, NULL), NULL);
    options.catalogs = (const struct catalog *const *)&catalog;
    options.allowed = &process;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out = {0};
        size_t series = 0;
        size_t want_len = strlen(cases[i].want);

        test_row(cases[i].name);
        options.format = cases[i].format;
        options.complete = cases[i].complete;
        size_t found = catalog_live_check(str_from(cases[i].body), &options, &series, &out);
        assert_str_equal(str_slice(buf_view(&out), 0, want_len > 0 ? want_len : out.len),
                         str_from(cases[i].want));
        assert_int_equal(found, want_len > 0 ? 1 : 0);
        buf_done(&out);
    }
    test_row(NULL);
}
