#include "app/expr_known.h"

#include <stdio.h>

#include "testing/test.h"

static const char catalog_text[] =
    "catalog: c\nlabels: {stage: {values: [load, save]}}\ngroups:\n- name: g\n  metrics:\n"
    "  - {name: jobs_total, type: counter, help: h, labels: {stage: stage, who: {max: 5}}}\n"
    "  - {name: temp, type: gauge, help: h, labels: {who: {max: 5}}}\n"
    "  - {name: took_seconds, type: histogram, help: h, labels: {stage: stage}}\n"
    "  - {name: lag_seconds, type: histogram, help: h, native: only}\n"
    "  - {name: size, type: summary, help: h, objectives: {0.5: 0.1}}\n"
    "  - {name: mode, type: stateset, help: h, states: [on, off]}\n"
    "  - {name: c_info, type: info, help: h, labels: {version: {max: 1}}}\n";

static const char *catalog_file(void)
{
    static char path[512];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/c.yaml", test_dir());
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(catalog_text, 1, sizeof(catalog_text) - 1, file),
                     sizeof(catalog_text) - 1);
    assert_int_equal(fclose(file), 0);
    return path;
}

static struct expr_known *make_known(void)
{
    static struct faults faults;
    struct expr_known *known = expr_known_new();
    struct baro_error err;

    assert_ok(expr_known_load(known, catalog_file(), &faults), &faults.items[0]);
    assert_ok(expr_known_allow(known, STR("node_.*"), &err), &err);
    expr_known_record(known, STR("job:jobs:rate5m"));
    expr_known_label(known, STR("zone"));
    return known;
}

static void collect(void *context, uint32_t offset, const char *message)
{
    buf_printf(context, "%u: %s\n", offset, message);
}

static const struct {
    const char *text;
    const char *want; /* all faults, each "OFFSET: MESSAGE\n" */
    bool variables;
} cases[] = {
    {"up == 0 and ALERTS and scrape_duration_seconds", "", false},
    {"sum by (stage, job, zone) (rate(jobs_total{who=\"x\"}[5m]))", "", false},
    {"job:jobs:rate5m{any=\"x\"} + on (y) node_load1", "", false},
    {"took_seconds_sum / took_seconds_count", "", false},
    {"histogram_quantile(0.9, sum by (le) (rate(took_seconds_bucket[5m])))", "", false},
    {"histogram_quantile(0.9, sum(rate(lag_seconds[5m])))", "", false},
    {"size{quantile=\"0.5\"} or size_sum", "", false},
    {"mode{mode=\"on\"} == 1", "", false},
    {"temp * on (job) group_left (version) c_info", "", false},
    {"label_replace(temp, \"x\", \"$1\", \"who\", \"(.*)\") and on (x) temp", "", false},
    {"count_values(\"v\", temp)", "", false},
    {"{__name__=\"temp\"}", "", false},
    {"{__name__=~\"te.*\", nothing=\"x\"}", "", false},
    {"absent(temp{who=\"x\"})", "", false},
    {"time() - 3 > bool 2", "", false},
    {"jobs_totl", "0: no catalogue has the metric 'jobs_totl'; did you mean 'jobs_total'?\n",
     false},
    {"1 + unheard_of", "4: no catalogue has the metric 'unheard_of'\n", false},
    {"{__name__=\"nope_at_all\"}", "11: no catalogue has the metric 'nope_at_all'\n", false},
    {"took_seconds",
     "0: took_seconds is a classic histogram: its series are took_seconds_bucket, _sum and "
     "_count\n",
     false},
    {"lag_seconds_bucket",
     "0: no catalogue has the metric 'lag_seconds_bucket'; did you mean 'took_seconds_bucket'?\n",
     false},
    {"jobs_total{stag=\"load\"}",
     "11: metric jobs_total has no label 'stag'; it has: stage, who, job, instance, zone\n", false},
    {"jobs_total{stage=\"lod\"}", "11: no value of label stage of jobs_total matches \"lod\"\n",
     false},
    {"jobs_total{stage=~\"l.d\"}", "11: no value of label stage of jobs_total matches \"l.d\"\n",
     false},
    {"jobs_total{stage=\"\", who!=\"x\"}", "", false},
    {"sum by (nix) (temp)",
     "8: no series here has the label 'nix' of by (); there is: who, job, instance, zone\n", false},
    {"sum without (nix) (temp)",
     "13: no series here has the label 'nix' of without (); there is: who, job, instance, zone\n",
     false},
    {"sum by (who) (temp) + on (job) sum by (who) (temp)",
     "26: no series here has the label 'job' of on (); there is: who\n", false},
    {"temp * on (job) group_left (nix) c_info",
     "28: no series here has the label 'nix' of group_left or group_right (); there is: version, "
     "job, "
     "instance, zone\n",
     false},
    {"histogram_quantile(0.9, sum by (stage) (rate(took_seconds_bucket[5m])))",
     "0: histogram_quantile of series without the label 'le': aggregate by (le, ...), or use "
     "_bucket\n",
     false},
    {"label_join(temp, \"x\", \"-\", \"who\", \"nix\")",
     "35: no series here has the label 'nix' of label_join; there is: who, job, instance, zone\n",
     false},
    {"sum(", "4: parse error: unclosed left parenthesis\n", false},
    {"temp[5m]\n  + \n foo bar", "19: parse error: unexpected identifier \"bar\"\n", false},
    {" ", "0: the expression is empty\n", false},
    {"$metric{a=\"b\"} + $n", "", true},
    {"sum by ($by) (rate(jobs_total{stage=\"$stage\", who=~\"[[x]]\"}[$__rate_interval]))", "",
     true},
    {"jobs_total{nix=\"$stage\"}",
     "11: metric jobs_total has no label 'nix'; it has: stage, who, job, instance, zone\n", true},
};

TEST(expr_check_names_what_no_catalogue_has)
{
    CLEANUP(expr_known_freep) struct expr_known *known = make_known();

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        struct buf out = {0};
        struct expr_labels labels;

        test_row(cases[i].text);
        expr_check(known, &arena, str_from(cases[i].text), cases[i].variables, collect, &out,
                   &labels);
        assert_str_equal(buf_view(&out), str_from(cases[i].want));
        buf_done(&out);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(expr_check_gives_the_labels_of_a_result)
{
    static const struct {
        const char *text;
        const char *want;
    } results[] = {
        {"temp", "who, job, instance, zone"},
        {"sum(temp)", "none"},
        {"sum by (who) (temp)", "who"},
        {"sum without (who, zone) (temp)", "job, instance"},
        {"topk(3, temp)", "who, job, instance, zone"},
        {"histogram_quantile(0.5, sum by (le, stage) (took_seconds_bucket))", "stage"},
        {"absent(temp{who=\"a\"})", "who"},
        {"label_replace(sum(temp), \"x\", \"y\", \"\", \"\")", "x"},
        {"scalar(temp)", "none"},
        {"sum by (who) (temp) or sum by (job) (temp)", "who, job"},
        {"sum by (who) (temp) unless sum by (job) (temp)", "who"},
    };
    CLEANUP(expr_known_freep) struct expr_known *known = make_known();

    for (size_t i = 0; i < ARRAY_COUNT(results); i++) {
        struct arena arena = {0};
        struct buf out = {0};
        struct expr_labels labels;

        test_row(results[i].text);
        expr_check(known, &arena, str_from(results[i].text), false, collect, &out, &labels);
        assert_int_equal(out.len, 0);
        assert_false(labels.any);
        assert_str_equal(expr_labels_text(&arena, &labels), str_from(results[i].want));
        buf_done(&out);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(expr_check_without_catalogue_only_parses)
{
    CLEANUP(expr_known_freep) struct expr_known *known = expr_known_new();
    struct arena arena = {0};
    struct buf out = {0};
    struct expr_labels labels;

    assert_true(expr_known_is_empty(known));
    expr_check(known, &arena, STR("histogram_quantile(0.9, anything{at=\"all\"})"), false, collect,
               &out, &labels);
    assert_int_equal(out.len, 0);
    expr_check(known, &arena, STR("rate(x)"), false, collect, &out, &labels);
    assert_true(out.len > 0);
    buf_done(&out);
    arena_done(&arena);
}

TEST(expr_known_refuses_bad_patterns)
{
    CLEANUP(expr_known_freep) struct expr_known *known = expr_known_new();
    struct baro_error err = {0};

    assert_true(expr_known_allow(known, STR("("), &err) < 0);
}
