#include "app/demo_config.h"

#include "testing/test.h"

static const struct demo_target targets[] = {
    {"api", NULL, 1234},
    {"node", "/host/metrics", 99},
    {"absent", NULL, 0},
};

TEST(demo_scrape_jobs_keeps_what_runs_and_moves_it)
{
    static const struct {
        const char *name;
        const char *yaml;
        size_t jobs;
        const char *want;
    } cases[] = {
        {"nothing", "", 0, ""},
        {"a foreign job",
         "scrape_configs:\n  - job_name: other\n    static_configs:\n      - targets: "
         "['localhost:1']\n",
         0, ""},
        {"a job that is not there",
         "  - job_name: absent\n    static_configs:\n      - targets: ['localhost:1']\n", 0, ""},
        {"a port",
         "# head\nscrape_configs:\n  - job_name: api\n    static_configs:\n      - targets: "
         "['localhost:5000']\n",
         1, "  - job_name: api\n    static_configs:\n      - targets: ['127.0.0.1:1234']\n"},
        {"an interval, a comment and a path that stays",
         "scrape_configs:\n  - job_name: api\n    scrape_interval: 5s  # often\n    # why\n    "
         "metrics_path: /m\n\n"
         "    static_configs:\n      - targets: ['localhost:5000']\n",
         1,
         "  - job_name: api\n    metrics_path: /m\n    static_configs:\n      - targets: "
         "['127.0.0.1:1234']\n"},
        {"a path in place of another",
         "scrape_configs:\n  - job_name: node\n    metrics_path: /m\n    static_configs:\n      - "
         "targets: ['localhost:9100']\n",
         1,
         "  - job_name: node\n    metrics_path: /host/metrics\n    static_configs:\n      - "
         "targets: ['127.0.0.1:99']\n"},
        {"between others",
         "scrape_configs:\n  - job_name: x\n    a: b\n  - job_name: api\n    c: d\n  - job_name: "
         "y\n    e: f\n",
         1, "  - job_name: api\n    c: d\n"},
        {"a quote that does not end", "  - job_name: api\n      - targets: ['localhost:1]\n", 1,
         "  - job_name: api\n      - targets: ['localhost:1]\n"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out = {0};

        test_row(cases[i].name);
        assert_int_equal(
            demo_scrape_jobs(&out, str_from(cases[i].yaml), targets, ARRAY_COUNT(targets)),
            cases[i].jobs);
        assert_str_equal(buf_view(&out), str_from(cases[i].want));
        buf_done(&out);
    }
    test_row(NULL);
}

TEST(demo_config_names_rules_only_when_asked)
{
    static const char *const rules[] = {"/p/a/rules", "/p/b/rules"};
    struct buf out = {0};

    demo_config(&out, "1s", 9091, NULL, 0);
    assert_false(str_contains(buf_view(&out), STR("rule_files")));
    assert_true(str_contains(buf_view(&out), STR("targets: ['127.0.0.1:9091']")));
    buf_reset(&out);
    demo_config(&out, "1s", 9091, rules, ARRAY_COUNT(rules));
    assert_true(str_contains(buf_view(&out),
                             STR("rule_files:\n  - '/p/a/rules/*.yml'\n  - '/p/b/rules/*.yml'\n")));
    buf_done(&out);
}
