#include "scrape/scrape_target.h"

#include "conf/prom_config.h"
#include "discover/target_group.h"
#include "model/relabel.h"
#include "scrape/scrape_worker.h"
#include "testing/test.h"

static const struct prom_http plain = {.follow_redirects = true};

/* A job as the configuration's defaults make it. */
static struct prom_scrape job_default(void)
{
    return (struct prom_scrape){
        .job_name = STR("j"),
        .scrape_interval = 15000,
        .scrape_timeout = 10000,
        .metrics_path = STR("/metrics"),
        .scheme = STR("http"),
        .http = &plain,
    };
}

static int plan(struct arena *arena, const struct prom_scrape *settings,
                const struct relabel_rules *rules, str address, struct labels labels,
                struct target_plan *ret, struct baro_error *err)
{
    const struct target_group group = {
        .source = STR("g"), .labels = labels, .addresses = &address, .target_count = 1};
    struct labels_builder builder = {0};
    int result = target_plan_make(arena, &builder, &group, 0, settings, rules, ret, err);

    labels_builder_done(&builder);
    return result;
}

static const struct {
    const char *name;
    const char *address;
    struct label label;
    int want;
    const char *text; /* the labels, or part of the message */
} plans[] = {
    {"plain",
     "h:1",
     {STR_INIT("zone"), STR_INIT("z")},
     0,
     "{__address__=\"h:1\", __metrics_path__=\"/metrics\", __scheme__=\"http\", "
     "__scrape_interval__=\"15s\", __scrape_timeout__=\"10s\", instance=\"h:1\", job=\"j\", "
     "zone=\"z\"}"},
    {"no port is added",
     "h",
     {STR_INIT("job"), STR_INIT("mine")},
     0,
     "{__address__=\"h\", __metrics_path__=\"/metrics\", __scheme__=\"http\", "
     "__scrape_interval__=\"15s\", __scrape_timeout__=\"10s\", instance=\"h\", job=\"mine\"}"},
    {"meta labels go",
     "h",
     {STR_INIT("__meta_x"), STR_INIT("1")},
     0,
     "{__address__=\"h\", __metrics_path__=\"/metrics\", __scheme__=\"http\", "
     "__scrape_interval__=\"15s\", __scrape_timeout__=\"10s\", instance=\"h\", job=\"j\"}"},
    {"instance is kept",
     "h",
     {STR_INIT("instance"), STR_INIT("i")},
     0,
     "{__address__=\"h\", __metrics_path__=\"/metrics\", __scheme__=\"http\", "
     "__scrape_interval__=\"15s\", __scrape_timeout__=\"10s\", instance=\"i\", job=\"j\"}"},
    {"no address", "", {STR_INIT("a"), STR_INIT("b")}, BARO_EINVALID, "no address"},
    {"a path",
     "h/x",
     {STR_INIT("a"), STR_INIT("b")},
     BARO_EINVALID,
     "\"h/x\" is not a valid hostname"},
    {"a line break",
     "h\r\nX: y",
     {STR_INIT("a"), STR_INIT("b")},
     BARO_EINVALID,
     "is not a valid hostname"},
    {"bad scheme",
     "h",
     {STR_INIT("__scheme__"), STR_INIT("ftp")},
     BARO_EINVALID,
     "invalid scheme: \"ftp\""},
    {"bad interval",
     "h",
     {STR_INIT("__scrape_interval__"), STR_INIT("x")},
     BARO_EPARSE,
     "error parsing scrape interval: "},
    {"no interval",
     "h",
     {STR_INIT("__scrape_interval__"), STR_INIT("0s")},
     BARO_EINVALID,
     "scrape interval cannot be 0"},
    {"no timeout",
     "h",
     {STR_INIT("__scrape_timeout__"), STR_INIT("0s")},
     BARO_EINVALID,
     "scrape timeout cannot be 0"},
    {"too long",
     "h",
     {STR_INIT("__scrape_timeout__"), STR_INIT("16s")},
     BARO_EINVALID,
     "scrape timeout cannot be greater than scrape interval (\"16s\" > \"15s\")"},
};

TEST(target_plan_fills_defaults_and_checks)
{
    for (size_t i = 0; i < ARRAY_COUNT(plans); i++) {
        const struct prom_scrape settings = job_default();
        const struct labels labels = {&plans[i].label, 1};
        struct arena arena = {0};
        struct target_plan got = {0};
        struct baro_error err = {0};
        struct buf text = {0};

        test_row(plans[i].name);
        assert_int_equal(
            plan(&arena, &settings, NULL, str_from(plans[i].address), labels, &got, &err),
            plans[i].want);
        labels_format(&text, got.labels);
        if (plans[i].want == 0) {
            assert_str_equal(buf_view(&text), str_from(plans[i].text));
        } else {
            assert_true(str_contains(str_from(err.message), str_from(plans[i].text)));
        }
        buf_done(&text);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(target_plan_makes_urls)
{
    struct conf_param params[] = {
        {STR("a"), {(str[]){STR("1"), STR("2")}, 2}},
        {STR("z z"), {(str[]){STR("ä&=")}, 1}},
    };
    static const struct {
        struct label label;
        const char *want;
    } cases[] = {
        {{STR_INIT("x"), STR_INIT("y")}, "http://h:1/metrics?a=1&a=2&z+z=%C3%A4%26%3D"},
        {{STR_INIT("__metrics_path__"), STR_INIT("/a b?c")},
         "http://h:1/a%20b%3Fc?a=1&a=2&z+z=%C3%A4%26%3D"},
        {{STR_INIT("__metrics_path__"), STR_INIT("p")}, "http://h:1/p?a=1&a=2&z+z=%C3%A4%26%3D"},
        {{STR_INIT("__scheme__"), STR_INIT("https")},
         "https://h:1/metrics?a=1&a=2&z+z=%C3%A4%26%3D"},
        {{STR_INIT("__param_m"), STR_INIT("n")}, "http://h:1/metrics?a=1&a=2&m=n&z+z=%C3%A4%26%3D"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct prom_scrape settings = job_default();
        struct arena arena = {0};
        struct target_plan got = {0};

        settings.params = (struct conf_params){params, ARRAY_COUNT(params)};
        test_row(cases[i].want);
        assert_ok(plan(&arena, &settings, NULL, STR("h:1"), (struct labels){&cases[i].label, 1},
                       &got, NULL),
                  NULL);
        assert_str_equal(got.url, str_from(cases[i].want));
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(target_plan_relabels_and_drops)
{
    const struct prom_relabel rename = {
        .source_labels = {(str[]){STR("__meta_host")}, 1},
        .separator = STR(";"),
        .regex = STR("(.+)"),
        .replacement = STR("$1:9100"),
        .target_label = STR("__address__"),
        .action = PROM_RELABEL_REPLACE,
    };
    const struct prom_relabel drop = {
        .source_labels = {(str[]){STR("__meta_host")}, 1},
        .separator = STR(";"),
        .regex = STR("gone"),
        .replacement = STR("$1"),
        .action = PROM_RELABEL_DROP,
    };
    const struct prom_relabel *const list[] = {&rename, &drop};
    const struct prom_scrape settings = job_default();
    struct relabel_rules *rules = NULL;
    struct arena arena = {0};
    struct target_plan got = {0};
    struct label host = {STR("__meta_host"), STR("db")};

    assert_ok(relabel_rules_new((struct prom_relabels){list, 2}, false, &rules, NULL), NULL);
    assert_ok(plan(&arena, &settings, rules, STR("x"), (struct labels){&host, 1}, &got, NULL),
              NULL);
    assert_str_equal(got.url, STR("http://db:9100/metrics"));
    assert_str_equal(labels_get(got.discovered, STR("__address__")), STR("x"));
    assert_str_equal(labels_get(got.discovered, STR("__meta_host")), STR("db"));
    assert_int_equal(got.shown.count, 2);
    host.value = STR("gone");
    assert_ok(plan(&arena, &settings, rules, STR("x"), (struct labels){&host, 1}, &got, NULL),
              NULL);
    assert_true(got.is_dropped);
    assert_str_equal(labels_get(got.discovered, STR("job")), STR("j"));
    relabel_rules_free(rules);
    arena_done(&arena);
}

TEST(target_offset_spreads_over_the_interval)
{
    enum { TARGETS = 1000, BUCKETS = 10 };
    const int64_t interval = 15 * MONO_PER_SECOND;
    int buckets[BUCKETS] = {0};

    for (uint64_t i = 0; i < TARGETS; i++) {
        uint64_t hash = str_hash(str_of((const char *)&i, sizeof(i)));
        int64_t one = target_offset(hash, 5, 15000, 15000, 123456789);
        int64_t two = target_offset(hash, 5, 15000, 15000, 123456789 + interval / 3);

        assert_true(one > 0 && one <= interval);
        buckets[(one - 1) * BUCKETS / interval]++;
        /* Absolute: asked later, the same moments come out. */
        assert_int_equal((123456789 + one) % interval, (123456789 + interval / 3 + two) % interval);
    }
    for (int i = 0; i < BUCKETS; i++) {
        assert_in_range(buckets[i], TARGETS / BUCKETS / 2, TARGETS / BUCKETS * 2);
    }
}

TEST(target_window_count_keeps_windows_small)
{
    static const struct {
        size_t targets;
        dur interval;
        uint64_t want;
    } cases[] = {
        {0, 15000, 8},          {1, 15000, 8},      {64, 15000, 8},
        {65, 15000, 16},        {1000, 15000, 128}, {100000, 15000, 15000},
        {100000, 60000, 16384}, {1000, 5, 5},       {1, 1, 1},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_int_equal(target_window_count(cases[i].targets, cases[i].interval), cases[i].want);
    }
}

TEST(target_offset_brings_the_targets_of_a_window_together)
{
    enum { TARGETS = 1000, WINDOWS = 8, NOW = 123456789 };
    const int64_t interval = 15 * MONO_PER_SECOND;
    int counts[WINDOWS] = {0};

    for (uint64_t i = 0; i < TARGETS; i++) {
        uint64_t hash = str_hash(str_of((const char *)&i, sizeof(i)));
        int64_t offset = target_offset(hash, 5, 15000, WINDOWS, NOW);
        int64_t moment = (NOW + offset) % interval;

        assert_true(offset > 0 && offset <= interval);
        assert_int_equal(moment % (interval / WINDOWS), 0);
        counts[moment * WINDOWS / interval]++;
        /* More windows cut these: nobody moves by more than one of them. */
        assert_in_range((NOW + target_offset(hash, 5, 15000, 4 * (uint64_t)WINDOWS, NOW)) %
                            interval,
                        (uintmax_t)moment, (uintmax_t)(moment + interval / WINDOWS - 1));
    }
    for (int i = 0; i < WINDOWS; i++) {
        assert_in_range(counts[i], TARGETS / WINDOWS / 2, TARGETS / WINDOWS * 2);
    }
}

TEST(target_accept_header_lists_protocols)
{
    const enum prom_protocol protocols[] = {PROM_PROTOCOL_OPENMETRICS_1_0_0, PROM_PROTOCOL_PROTO,
                                            PROM_PROTOCOL_OPENMETRICS_0_0_1,
                                            PROM_PROTOCOL_TEXT_1_0_0, PROM_PROTOCOL_TEXT_0_0_4};
    struct prom_scrape settings = job_default();
    struct buf text = {0};

    settings.scrape_protocols = (struct prom_protocols){protocols, ARRAY_COUNT(protocols)};
    settings.metric_name_escaping_scheme = PROM_ESCAPING_ALLOW_UTF8;
    target_accept_header(&text, &settings);
    assert_str_equal(buf_view(&text),
                     STR("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                         "application/vnd.google.protobuf;proto=io.prometheus.client."
                         "MetricFamily;encoding=delimited;q=0.5,"
                         "application/openmetrics-text;version=0.0.1;q=0.4,"
                         "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
                         "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"));
    buf_done(&text);
}

TEST(target_global_url_replaces_local_hosts)
{
    static const struct {
        const char *url;
        const char *external;
        const char *want;
    } cases[] = {
        {"http://localhost:9090/metrics", "http://mon.example:80/p",
         "http://mon.example:9090/metrics"},
        {"http://127.0.0.1:1/", "https://mon", "http://mon:1/"},
        {"http://[::1]:1/", "https://mon", "http://mon:1/"},
        {"http://localhoster:1/", "https://mon", "http://localhoster:1/"},
        {"http://10.0.0.1:1/", "https://mon", "http://10.0.0.1:1/"},
        {"http://localhost:1/", NULL, "http://localhost:1/"},
    };
    struct arena arena = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        test_row(cases[i].url);
        assert_str_equal(target_global_url(&arena, str_from(cases[i].url), cases[i].external),
                         str_from(cases[i].want));
    }
    test_row(NULL);
    arena_done(&arena);
}

TEST(scrape_job_tells_whether_caches_hold)
{
    struct prom_scrape a = job_default();
    struct prom_scrape b = job_default();
    const struct prom_relabel rule = {.regex = STR("x"), .action = PROM_RELABEL_DROP};
    const struct prom_relabel *const rules[] = {&rule};
    const struct scrape_job one = {.settings = &a};
    const struct scrape_job two = {.settings = &b};

    b.scrape_interval = 1;
    b.sample_limit = 5;
    assert_true(scrape_job_keeps_caches(&one, &two));
    b.metric_relabel_configs = (struct prom_relabels){rules, 1};
    assert_false(scrape_job_keeps_caches(&one, &two));
    a.metric_relabel_configs = b.metric_relabel_configs;
    assert_true(scrape_job_keeps_caches(&one, &two));
    b.honor_labels = true;
    assert_false(scrape_job_keeps_caches(&one, &two));
}
