#include "scrape/scrape_append.h"

#include "base/attr.h"
#include "base/mem.h"
#include "base/random.h"
#include "conf/prom_config.h"
#include "model/relabel.h"
#include "sys/clock.h"
#include "testing/recorder.h"
#include "testing/test.h"

static const struct label target_labels[] = {{STR_INIT("instance"), STR_INIT("h:1")},
                                             {STR_INIT("job"), STR_INIT("j")}};

/* One target on a recorder, on a clock that stands still. */
struct rig {
    struct recorder *recorder;
    struct clock_fake clock;
    struct lock lock;
    struct prom_scrape settings;
    struct scrape_series series;
    struct scrape_scratch scratch;
    struct scrape_result result;
};

static void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    rig->recorder = recorder_new();
    clock_fake_init(&rig->clock, 1000000);
    lock_init(&rig->lock, LOCK_SCRAPE_TARGET);
    rig->settings.honor_timestamps = true;
    rig->settings.fallback_scrape_protocol = PROM_PROTOCOL_TEXT_0_0_4;
    rig->series.labels = (struct labels){target_labels, ARRAY_COUNT(target_labels)};
    rig->series.settings = &rig->settings;
    rig->series.timeout = 10000;
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
}

/* Scrapes once and returns the lines of the samples, without those of the health series. */
static char *rig_scrape_as(struct rig *rig, const char *type, const char *body, ts t,
                           const struct baro_error *fail)
{
    const struct scrape_answer answer = {.body = str_from(body),
                                         .content_type = str_from(type),
                                         .t = t,
                                         .fail = fail,
                                         .clock = &rig->clock.clock,
                                         .started = clock_mono(&rig->clock.clock)};
    char *lines = NULL;
    char *health = NULL;

    scrape_append_run(&rig->scratch, &rig->series, &answer, &rig->result);
    lines = recorder_take(rig->recorder);
    health = strstr(lines, "up{");
    assert_non_null(health);
    *health = '\0';
    return lines;
}

static char *rig_scrape(struct rig *rig, const char *body, ts t)
{
    return rig_scrape_as(rig, "text/plain", body, t, NULL);
}

#define assert_lines(lines_, want_)                                                                \
    do {                                                                                           \
        char *got_ = (lines_);                                                                     \
        assert_string_equal(got_, want_);                                                          \
        (void)mem_free(got_);                                                                      \
    } while (0)

#define L "instance=\"h:1\", job=\"j\""

TEST(scrape_append_follows_the_body)
{
    struct rig rig;

    rig_init(&rig);
    assert_lines(rig_scrape(&rig, "a 1\nb{x=\"y\"} 2\nc 3\n", 1000),
                 "a{" L "} 1 @1000\nb{" L ", x=\"y\"} 2 @1000\nc{" L "} 3 @1000\n");
    assert_int_equal(rig.result.added, 3);
    assert_int_equal(recorder_series_calls(rig.recorder), 8);
    /* The same again costs no look-up. */
    assert_lines(rig_scrape(&rig, "a 4\nb{x=\"y\"} 5\nc 6\n", 2000),
                 "a{" L "} 4 @2000\nb{" L ", x=\"y\"} 5 @2000\nc{" L "} 6 @2000\n");
    assert_int_equal(rig.result.added, 0);
    assert_int_equal(rig.result.scraped, 3);
    /* One goes, one comes, two change places. */
    assert_lines(rig_scrape(&rig, "c 7\nd 8\na 9\n", 3000),
                 "c{" L "} 7 @3000\nd{" L "} 8 @3000\na{" L "} 9 @3000\n"
                 "b{" L ", x=\"y\"} stale @3000\n");
    assert_int_equal(rig.result.added, 1);
    assert_int_equal(recorder_series_calls(rig.recorder), 9);
    assert_lines(rig_scrape(&rig, "c 1\nd 1\n", 4000),
                 "c{" L "} 1 @4000\nd{" L "} 1 @4000\na{" L "} stale @4000\n");
    assert_lines(rig_scrape(&rig, "c 2\nd 2\n", 5000), "c{" L "} 2 @5000\nd{" L "} 2 @5000\n");
    assert_int_equal(recorder_series_calls(rig.recorder), 9);
    rig_done(&rig);
}

TEST(scrape_append_writes_health)
{
    struct rig rig;
    char *lines = NULL;
    const struct scrape_answer answer = {.body = STR("a 1\nb 2\n"),
                                         .content_type = STR("text/plain"),
                                         .t = 1000,
                                         .clock = &rig.clock.clock,
                                         .started = MONO_PER_SECOND / 2};

    rig_init(&rig);
    rig.series.extra_metrics = true;
    rig.settings.sample_limit = 7;
    scrape_append_run(&rig.scratch, &rig.series, &answer, &rig.result);
    lines = recorder_take(rig.recorder);
    assert_string_equal(strstr(lines, "up{"),
                        "up{" L "} 1 @1000\nscrape_duration_seconds{" L "} 0.5 @1000\n"
                        "scrape_samples_scraped{" L "} 2 @1000\n"
                        "scrape_samples_post_metric_relabeling{" L "} 2 @1000\n"
                        "scrape_series_added{" L "} 2 @1000\n"
                        "scrape_timeout_seconds{" L "} 10 @1000\n"
                        "scrape_sample_limit{" L "} 7 @1000\n"
                        "scrape_body_size_bytes{" L "} 8 @1000\n");
    (void)mem_free(lines);
    rig_done(&rig);
}

TEST(scrape_append_marks_all_stale_on_failure)
{
    struct rig rig;
    struct baro_error fail = {.code = BARO_ETIMEOUT};

    rig_init(&rig);
    (void)mem_free(rig_scrape(&rig, "a 1\nb 2\n", 1000));
    assert_lines(rig_scrape_as(&rig, "text/plain", "", 2000, &fail),
                 "a{" L "} stale @2000\nb{" L "} stale @2000\n");
    assert_int_equal(rig.result.code, BARO_ETIMEOUT);
    /* Once is enough. */
    assert_lines(rig_scrape_as(&rig, "text/plain", "", 3000, &fail), "");
    /* The series are still known. */
    assert_lines(rig_scrape(&rig, "a 1\nb 2\n", 4000), "a{" L "} 1 @4000\nb{" L "} 2 @4000\n");
    assert_int_equal(recorder_series_calls(rig.recorder), 7);
    /* Nothing of a body that breaks off is kept. */
    assert_lines(rig_scrape(&rig, "a 5\nz 1\nb{", 5000),
                 "a{" L "} stale @5000\nb{" L "} stale @5000\n");
    assert_int_equal(rig.result.code, BARO_EPARSE);
    assert_lines(rig_scrape(&rig, "a 1\n", 6000), "a{" L "} 1 @6000\n");
    /* An empty body is a good scrape of nothing. */
    assert_lines(rig_scrape(&rig, "", 7000), "a{" L "} stale @7000\n");
    assert_int_equal(rig.result.code, 0);
    rig_done(&rig);
}

TEST(scrape_append_judges_content_types)
{
    static const struct {
        const char *type;
        enum prom_protocol fallback;
        const char *body;
        int want;
    } cases[] = {
        {"text/plain; version=0.0.4", PROM_PROTOCOL_NONE, "a 1\n", 0},
        {"", PROM_PROTOCOL_NONE, "a 1\n", BARO_EINVALID},
        {"", PROM_PROTOCOL_TEXT_0_0_4, "a 1\n", 0},
        {"text/html", PROM_PROTOCOL_NONE, "a 1\n", BARO_EINVALID},
        {"application/openmetrics-text; version=1.0.0", PROM_PROTOCOL_NONE, "a 1\n# EOF\n", 0},
        {"application/openmetrics-text", PROM_PROTOCOL_NONE, "a 1\n", BARO_EPARSE},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct rig rig;

        rig_init(&rig);
        test_row(cases[i].type);
        rig.settings.fallback_scrape_protocol = cases[i].fallback;
        (void)mem_free(rig_scrape_as(&rig, cases[i].type, cases[i].body, 1000, NULL));
        assert_int_equal(rig.result.code, cases[i].want);
        rig_done(&rig);
    }
    test_row(NULL);
}

TEST(scrape_append_honors_timestamps_and_tracks_staleness)
{
    struct rig rig;

    rig_init(&rig);
    assert_lines(rig_scrape(&rig, "a 1 500\nb 2\n", 1000), "a{" L "} 1 @500\nb{" L "} 2 @1000\n");
    /* A series with timestamps of its own gets no stale marker. */
    assert_lines(rig_scrape(&rig, "# nothing\n", 2000), "b{" L "} stale @2000\n");
    rig.settings.track_timestamps_staleness = true;
    (void)mem_free(rig_scrape(&rig, "a 1 2500\n", 3000));
    assert_lines(rig_scrape(&rig, "# nothing\n", 4000), "a{" L "} stale @4000\n");
    rig.settings.honor_timestamps = false;
    assert_lines(rig_scrape(&rig, "a 1 4500\n", 5000), "a{" L "} 1 @5000\n");
    rig_done(&rig);
}

TEST(scrape_append_counts_what_is_refused)
{
    struct rig rig;
    char far[64];

    rig_init(&rig);
    (void)mem_free(rig_scrape(&rig, "a 1 500\nb 1 500\nc 1 500\n", 1000));
    (void)snprintf(far, sizeof(far), "a 1 400\nb 2 500\nc 1 %d\n", 1000000 + 11 * 60000);
    assert_lines(rig_scrape(&rig, far, 2000), "");
    assert_int_equal(rig.result.out_of_order, 1);
    assert_int_equal(rig.result.duplicates, 1);
    assert_int_equal(rig.result.out_of_bounds, 1);
    assert_int_equal(rig.result.post_relabel, 3);
    assert_int_equal(rig.result.code, 0);
    /* A series that stands in the body twice. */
    assert_lines(rig_scrape(&rig, "d 1\nd 2\n", 3000), "d{" L "} 1 @3000\n");
    assert_int_equal(rig.result.duplicates, 1);
    assert_lines(rig_scrape(&rig, "d 3\n", 4000), "d{" L "} 3 @4000\n");
    rig_done(&rig);
}

TEST(scrape_append_resolves_clashes_of_labels)
{
    static const struct {
        bool honor;
        const char *body;
        const char *want;
    } cases[] = {
        {false, "a{job=\"mine\"} 1\n", "a{exported_job=\"mine\", " L "} 1 @1000\n"},
        {true, "a{job=\"mine\"} 1\n", "a{instance=\"h:1\", job=\"mine\"} 1 @1000\n"},
        {false, "a{exported_job=\"x\",job=\"y\"} 1\n",
         "a{exported_exported_job=\"y\", exported_job=\"x\", " L "} 1 @1000\n"},
        {false, "a{job=\"\"} 1\n", "a{" L "} 1 @1000\n"},
        {true, "a{job=\"\"} 1\n", "a{" L "} 1 @1000\n"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct rig rig;

        rig_init(&rig);
        rig.settings.honor_labels = cases[i].honor;
        test_row(cases[i].body);
        assert_lines(rig_scrape(&rig, cases[i].body, 1000), cases[i].want);
        rig_done(&rig);
    }
    test_row(NULL);
}

TEST(scrape_append_enforces_limits)
{
    static const struct {
        struct prom_scrape settings;
        const char *body;
        const char *want;
        bool is_label_limit;
    } cases[] = {
        {{.sample_limit = 2}, "a 1\nb 2\nc 3\n", "sample limit exceeded", false},
        {{.label_limit = 3},
         "abc{x=\"1\"} 1\n",
         "label_limit exceeded (metric: abc, number of labels: 4, limit: 3)",
         true},
        {{.label_name_length_limit = 8},
         "abc{xxxxxxxxx=\"1\"} 1\n",
         "label_name_length_limit exceeded (metric: abc, label name: xxxxxxxxx, length: 9, limit: "
         "8)",
         true},
        {{.label_value_length_limit = 4},
         "abc{x=\"12345\"} 1\n",
         "label_value_length_limit exceeded (metric: abc, label name: x, value: \"12345\", length: "
         "5, limit: 4)",
         true},
        {{.metric_name_validation_scheme = PROM_VALIDATION_LEGACY},
         "{\"a.b\"} 1\n",
         "invalid metric name or label names",
         false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct rig rig;

        rig_init(&rig);
        test_row(cases[i].want);
        (void)mem_free(rig_scrape(&rig, "old 1\n", 500));
        rig.settings = cases[i].settings;
        assert_lines(rig_scrape(&rig, cases[i].body, 1000), "old{" L "} stale @1000\n");
        assert_true(str_contains(str_from(rig.result.err.message), str_from(cases[i].want)));
        assert_int_equal(rig.result.label_limit_hit, cases[i].is_label_limit);
        assert_int_equal(rig.result.sample_limit_hit, i == 0);
        rig_done(&rig);
    }
    test_row(NULL);
}

TEST(scrape_append_relabels_and_remembers_what_it_dropped)
{
    struct rig rig;
    const struct prom_relabel drop = {
        .source_labels = {(str[]){STR("__name__")}, 1},
        .separator = STR(";"),
        .regex = STR("go_.*"),
        .replacement = STR("$1"),
        .action = PROM_RELABEL_DROP,
    };
    const struct prom_relabel *const rules[] = {&drop};
    struct relabel_rules *compiled = NULL;
    size_t calls = 0;

    rig_init(&rig);
    assert_ok(relabel_rules_new((struct prom_relabels){rules, 1}, false, &compiled, NULL), NULL);
    rig.series.rules = compiled;
    rig.settings.sample_limit = 1;
    for (int round = 0; round < 2; round++) {
        assert_lines(rig_scrape(&rig, "go_a 1\na 1\ngo_b 2\n", 1000),
                     round == 0 ? "a{" L "} 1 @1000\n" : "a{" L "} 1 @1000\n");
        assert_int_equal(rig.result.scraped, 3);
        assert_int_equal(rig.result.post_relabel, 1);
        calls = round == 0 ? recorder_series_calls(rig.recorder) : calls;
    }
    assert_int_equal(recorder_series_calls(rig.recorder), calls);
    assert_lines(rig_scrape(&rig, "a 1\n", 2000), "a{" L "} 1 @2000\n");
    rig_done(&rig);
    relabel_rules_free(compiled);
}

TEST(scrape_append_asks_again_for_what_the_store_forgot)
{
    struct rig rig;

    rig_init(&rig);
    (void)mem_free(rig_scrape(&rig, "a 1\nb 2\n", 1000));
    recorder_forget(rig.recorder);
    assert_lines(rig_scrape(&rig, "a 3\nb 4\n", 2000), "a{" L "} 3 @2000\nb{" L "} 4 @2000\n");
    assert_lines(rig_scrape(&rig, "a 5\nb 6\n", 3000), "a{" L "} 5 @3000\nb{" L "} 6 @3000\n");
    rig_done(&rig);
}

/* New series are left out and asked for again; those that are there are stored, and the target is
 * up. */
TEST(scrape_append_goes_on_when_the_store_takes_no_new_series)
{
    struct rig rig;

    rig_init(&rig);
    assert_lines(rig_scrape(&rig, "a 1\n", 1000), "a{" L "} 1 @1000\n");
    recorder_refuse(rig.recorder, true);
    for (ts t = 2000; t < 5000; t += 1000) {
        (void)mem_free(rig_scrape(&rig, "b 7\na 2\nc{x=\"1\"} 3\nc{x=\"2\"} 3\n", t));
        assert_int_equal(rig.result.code, 0);
        assert_int_equal(rig.result.commit_code, 0);
        assert_int_equal(rig.result.series_refused, 3);
        assert_int_equal(rig.result.refused_err.code, BARO_ELIMIT);
        assert_int_equal(rig.result.scraped, 4);
        assert_int_equal(rig.result.added, 0);
    }
    assert_lines(rig_scrape(&rig, "b 7\na 5\n", 5000), "a{" L "} 5 @5000\n");
    recorder_refuse(rig.recorder, false);
    assert_lines(rig_scrape(&rig, "b 8\na 6\n", 6000), "b{" L "} 8 @6000\na{" L "} 6 @6000\n");
    assert_int_equal(rig.result.series_refused, 0);
    rig_done(&rig);
}

/* Of a new target nothing is stored, its health included; that is no failure of the commit. */
TEST(scrape_append_has_nothing_to_store_of_a_new_target_without_room)
{
    struct scrape_answer answer = {.body = STR("a 1\n"), .content_type = STR("text/plain")};
    struct rig rig;
    char *lines;

    rig_init(&rig);
    recorder_refuse(rig.recorder, true);
    answer.t = 1000;
    answer.clock = &rig.clock.clock;
    scrape_append_run(&rig.scratch, &rig.series, &answer, &rig.result);
    lines = recorder_take(rig.recorder);
    assert_string_equal(lines, "");
    (void)mem_free(lines);
    assert_int_equal(rig.result.code, 0);
    assert_int_equal(rig.result.commit_code, 0);
    assert_int_equal(rig.result.series_refused, 1);
    rig_done(&rig);
}

TEST(scrape_append_ends_with_stale_markers)
{
    struct rig rig;
    char *lines = NULL;

    rig_init(&rig);
    (void)mem_free(rig_scrape(&rig, "a 1\n", 1000));
    assert_ok(scrape_append_end(&rig.scratch, &rig.series, 2000, NULL), NULL);
    lines = recorder_take(rig.recorder);
    assert_true(
        str_has_prefix(str_from(lines), STR("a{" L "} stale @2000\nup{" L "} stale @2000\n")));
    (void)mem_free(lines);
    rig_done(&rig);
}

/* Feature type-and-unit-labels. */
TEST(scrape_append_names_types_and_units)
{
    static const struct {
        const char *name;
        const char *type; /* of the content */
        const char *body;
        const char *want;
    } cases[] = {
        {"a counter", "text/plain", "# TYPE a counter\na 1\n",
         "a{__type__=\"counter\", " L "} 1 @1000\n"},
        {"no type", "text/plain", "a 1\n", "a{" L "} 1 @1000\n"},
        {"unknown is none", "text/plain", "# TYPE a untyped\na 1\n", "a{" L "} 1 @1000\n"},
        {"another family's", "text/plain", "# TYPE a counter\nb 1\n", "b{" L "} 1 @1000\n"},
        {"parts of a histogram", "text/plain", "# TYPE a histogram\na_count 1\n",
         "a_count{__type__=\"histogram\", " L "} 1 @1000\n"},
        {"the target's own gives way", "text/plain",
         "# TYPE a gauge\na{__type__=\"x\",__unit__=\"y\"} 1\n",
         "a{__type__=\"gauge\", __unit__=\"y\", " L "} 1 @1000\n"},
        {"a unit", "application/openmetrics-text",
         "# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds 1\n# EOF\n",
         "a_seconds{__type__=\"gauge\", __unit__=\"seconds\", " L "} 1 @1000\n"},
        {"a counter of OpenMetrics", "application/openmetrics-text",
         "# TYPE a_bytes counter\n# UNIT a_bytes bytes\na_bytes_total 1\n# EOF\n",
         "a_bytes_total{__type__=\"counter\", __unit__=\"bytes\", " L "} 1 @1000\n"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct rig rig;

        test_row(cases[i].name);
        rig_init(&rig);
        rig.series.type_and_unit_labels = true;
        assert_lines(rig_scrape_as(&rig, cases[i].type, cases[i].body, 1000, NULL), cases[i].want);
        rig_done(&rig);
    }
    test_row(NULL);
}

/* A type that changes makes another series, at once. */
TEST(scrape_append_follows_changes_of_types)
{
    struct rig rig;

    rig_init(&rig);
    rig.series.type_and_unit_labels = true;
    assert_lines(rig_scrape(&rig, "# TYPE a counter\na 1\n", 1000),
                 "a{__type__=\"counter\", " L "} 1 @1000\n");
    assert_lines(rig_scrape(&rig, "# TYPE a counter\na 2\n", 2000),
                 "a{__type__=\"counter\", " L "} 2 @2000\n");
    assert_lines(rig_scrape(&rig, "# TYPE a gauge\na 3\n", 3000),
                 "a{__type__=\"gauge\", " L "} 3 @3000\n");
    assert_lines(rig_scrape(&rig, "# TYPE a gauge\na 4\n", 4000),
                 "a{__type__=\"gauge\", " L "} 4 @4000\n");
    rig_done(&rig);
}

/* And relabelling sees the type of now. */
TEST(scrape_append_drops_and_takes_by_changed_types)
{
    struct rig rig;
    const struct prom_relabel drop = {
        .source_labels = {(str[]){STR("__type__")}, 1},
        .separator = STR(";"),
        .regex = STR("gauge"),
        .replacement = STR("$1"),
        .action = PROM_RELABEL_DROP,
    };
    const struct prom_relabel *const rules[] = {&drop};
    struct relabel_rules *compiled = NULL;

    rig_init(&rig);
    assert_ok(relabel_rules_new((struct prom_relabels){rules, 1}, false, &compiled, NULL), NULL);
    rig.series.rules = compiled;
    rig.series.type_and_unit_labels = true;
    for (ts t = 1000; t < 9000; t += 1000) {
        bool is_gauge = t % 4000 >= 2000;
        char *lines =
            rig_scrape(&rig, is_gauge ? "# TYPE a gauge\na 1\n" : "# TYPE a counter\na 1\n", t);

        assert_int_equal(str_has_prefix(str_from(lines), STR("a{__type__=\"counter\"")), !is_gauge);
        assert_int_equal(rig.result.post_relabel, !is_gauge);
        (void)mem_free(lines);
    }
    rig_done(&rig);
    relabel_rules_free(compiled);
}

TEST(scrape_append_passes_metadata_and_exemplars_on)
{
    struct rig rig;
    char *lines = NULL;

    rig_init(&rig);
    rig.series.append_metadata = true;
    rig.series.append_exemplars = true;
    (void)mem_free(rig_scrape(&rig, "# HELP a old\n# TYPE a counter\na 1\n", 1000));
    assert_lines(recorder_metadata_take(rig.recorder), "a{" L "} counter  old\n");
    (void)mem_free(rig_scrape(&rig, "# HELP a old\n# TYPE a counter\na 1\n", 2000));
    assert_lines(recorder_metadata_take(rig.recorder), "");
    (void)mem_free(rig_scrape(&rig, "# HELP a new\n# TYPE a counter\na 1\n", 3000));
    assert_lines(recorder_metadata_take(rig.recorder), "a{" L "} counter  new\n");
    lines = rig_scrape_as(&rig, "application/openmetrics-text",
                          "b_total 1 # {trace=\"t\"} 0.5\n# EOF\n", 4000, NULL);
    assert_non_null(strstr(lines, "# exemplar b_total{" L "} {trace=\"t\"} 0.5 @4000\n"));
    (void)mem_free(lines);
    rig_done(&rig);
}

/* Whatever changes from scrape to scrape, each series gets its sample and each lost one its mark:
 * compared with a plain model of sets. */
TEST(scrape_append_agrees_with_a_plain_model)
{
    enum { NAMES = 40, ROUNDS = 400 };
    struct random random = {42};
    bool before[NAMES] = {false};
    struct rig rig;

    rig_init(&rig);
    for (int round = 0; round < ROUNDS; round++) {
        bool now[NAMES] = {false};
        bool fails = random_below(&random, 20) == 0;
        struct buf body = {0};
        struct buf want = {0};
        ts t = 1000 + round;
        char *lines = NULL;
        size_t start = random_below(&random, NAMES);

        for (size_t i = 0; i < NAMES; i++) {
            size_t id =
                random_below(&random, 10) == 0 ? random_below(&random, NAMES) : (start + i) % NAMES;

            if (!now[id] && random_below(&random, 8) != 0) {
                now[id] = true;
                buf_printf(&body, "m%zu{a=\"b\"} %zu\n", id, id);
            }
        }
        buf_c(&body, fails ? "broken{" : "");
        buf_char(&body, '\0');
        lines = rig_scrape(&rig, body.ptr, t);
        for (size_t id = 0; id < NAMES; id++) {
            bool wants_stale = before[id] && (fails || !now[id]);

            buf_reset(&want);
            buf_printf(&want, "m%zu{a=\"b\", " L "} %s @%lld\n", id, wants_stale ? "stale" : "",
                       (long long)t);
            if (!wants_stale) {
                buf_reset(&want);
                buf_printf(&want, "m%zu{a=\"b\", " L "} %zu @%lld\n", id, id, (long long)t);
            }
            buf_char(&want, '\0');
            assert_int_equal(strstr(lines, want.ptr) != NULL, wants_stale || (now[id] && !fails));
            before[id] = now[id] && !fails;
        }
        (void)mem_free(lines);
        buf_done(&body);
        buf_done(&want);
    }
    rig_done(&rig);
}
