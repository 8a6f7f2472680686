#include "rules/rule_missing.h"

#include "rules/rule_group.h"
#include "rules/rule_store.h"
#include "testing/test.h"

#define START INT64_C(1700000040000) /* a whole minute */

/* ---- The driver ---- */

/*
 * One rule over stored series, evaluated once a minute. Series are scripts: at minute k the k-th
 * character is a sample (a digit), a stale marker ('.') or nothing (' ').
 */
struct drive {
    struct rule_store *store;
    struct rule_group *group;
    struct alert_sink sink;
    struct rule_env env;
    const char *rules;
    struct buf told; /* what the sink got: "MINUTE +NAME" or "-NAME" with the label i */
    ts now;
};

/* In order of names: a rule's alerts come in none. */
static void take(struct alert_sink *sink, const struct alert *alerts, size_t count)
{
    static const char *const names[] = {"A", "MissingData"};
    struct drive *drive = CONTAINER_OF(sink, struct drive, sink);

    for (size_t i = 0; i < count * ARRAY_COUNT(names); i++) {
        const struct alert *alert = &alerts[i % count];
        const char *name = names[i / count];

        if (str_is(labels_get(alert->labels, STR("alertname")), name)) {
            buf_printf(&drive->told, "%d%c%s ", (int)((drive->now - START) / DUR_MINUTE),
                       alert->ends_at <= drive->now ? '-' : '+', name);
        }
    }
}

static void load_rules(struct drive *drive)
{
    struct arena arena = {0};
    struct faults faults = {0};
    struct rule_file file = {0};

    assert_ok(rule_file_parse(&arena, STR("r.yml"), str_from(drive->rules),
                              &(const struct promql_features){0}, &file, &faults),
              &faults.items[0]);
    drive->group = rule_group_new(&file.groups[0], STR("r.yml"), DUR_MINUTE);
    arena_done(&arena);
}

static void begin(struct drive *drive, const char *rules, const char *flag)
{
    *drive = (struct drive){.rules = rules, .store = rule_store_new(), .sink = {.send = take}};
    drive->env = (struct rule_env){.queryable = rule_store_queryable(drive->store),
                                   .appendable = rule_store_appendable(drive->store),
                                   .engine = {.lookback = 5 * (dur)DUR_MINUTE,
                                              .samples_max = 1000000,
                                              .memory_bytes_max = (size_t)64 << 20},
                                   .external_url = STR("http://x"),
                                   .resend_delay = 100 * (dur)DUR_MINUTE,
                                   .sink = &drive->sink};
    assert_ok(rule_missing_parse(str_from(flag), &drive->env.missing, NULL), NULL);
    load_rules(drive);
    rule_group_restore(drive->group, &drive->env, START - DUR_MINUTE, DUR_HOUR, 10 * DUR_MINUTE);
}

static void end(struct drive *drive)
{
    drive->group = rule_group_free(drive->group);
    drive->store = rule_store_free(drive->store);
    buf_done(&drive->told);
}

static void store(struct drive *drive, const char *i, char c)
{
    const struct label items[] = {{LABEL_METRIC_NAME, STR("x")}, {STR("i"), str_from(i)}};
    const struct sample sample = {.t = drive->now, .v = c == '.' ? value_stale() : c - '0'};

    if (c != ' ' && c != '\0') {
        assert_ok(rule_store_add(drive->store, (struct labels){items, 2}, &sample, NULL), NULL);
    }
}

/* Minutes [from, to) with the samples of x{i="a"} and x{i="b"}. */
static void run(struct drive *drive, const char *a, const char *b, int from, int to)
{
    for (int k = from; k < to; k++) {
        drive->now = START + (ts)k * DUR_MINUTE;
        store(drive, "a", a[k]);
        store(drive, "b", b[k]);
        assert_int_equal(rule_group_eval(drive->group, &drive->env, drive->now), 0);
    }
}

/* What the API shows: "NAME:STATE" of each alert, '?' behind it while it has no data, then those
 * that ended for want of data as "(NAME MINUTE)", then "none" when the rule reads nothing. */
static void show(struct drive *drive, struct buf *ret)
{
    struct arena arena = {0};
    struct rule_group_view view = {0};
    const struct rule_view *rule;

    rule_group_view(drive->group, &arena, &view);
    rule = &view.rules[0];
    for (size_t i = 0; i < rule->alert_count; i++) {
        buf_printf(ret, "%.*s:%s%s ", STR_ARG(labels_get(rule->alerts[i].labels, STR("alertname"))),
                   alert_state_name(rule->alerts[i].state),
                   rule->alerts[i].missing_since != 0 ? "?" : "");
    }
    for (size_t i = 0; i < rule->no_data_count; i++) {
        buf_printf(ret, "(%.*s %d) ",
                   STR_ARG(labels_get(rule->no_data[i].labels, STR("alertname"))),
                   (int)((rule->no_data[i].missing_since - START) / DUR_MINUTE));
    }
    buf_c(ret, rule->has_no_data ? "none" : "");
    arena_done(&arena);
}

/* The value of a series at the drive's time; -1 when there is none. */
static double value_of(struct drive *drive, const char *expr)
{
    struct query_result result = {0};
    const struct query query = {.text = str_from(expr), .start = drive->now, .end = drive->now};
    struct baro_error err = {0};
    double value;

    assert_ok(engine_run(&drive->env.engine, drive->env.queryable, &query, &result, &err), &err);
    value = result.series_count > 0 ? result.series[0].points[0].v : -1;
    query_result_done(&result);
    return value;
}

#define RULE(more) "groups:\n- name: g\n  rules:\n  - {alert: A, expr: x > 5, " more "}\n"

/* ---- The table ---- */

static const struct {
    const char *name;
    const char *rules;
    const char *flag;
    const char *a; /* samples of x{i="a"} and x{i="b"} */
    const char *b;
    const char *told;
    const char *shown; /* at the end */
} cases[] = {
    {"the condition becomes false: nothing of this", RULE("labels: {s: t}"), "keep", "9911", "1111",
     "0+A 2-A ", ""},
    {"resolve: told as Prometheus does, and listed", RULE("labels: {s: t}"), "resolve", "99.   ",
     "111111", "0+A 2-A ", "(A 2) "},
    {"resolve: the condition was true again", RULE("labels: {s: t}"), "resolve", "99.  9", "111111",
     "0+A 2-A 5+A ", "A:firing "},
    {"resolve: it comes back healthy", RULE("labels: {s: t}"), "resolve", "99.  1", "111111",
     "0+A 2-A ", ""},
    {"resolve: listed for a time", RULE("labels: {s: t}"), "resolve 2m", "99.   ", "111111",
     "0+A 2-A ", ""},
    {"resolve: a pending one is listed, and nobody is told", RULE("for: 5m"), "resolve", "99.   ",
     "111111", "", "(A 2) "},
    {"resolve: keep_firing_for counts", RULE("keep_firing_for: 2m"), "resolve", "99.   ", "111111",
     "0+A 4-A ", "(A 2) "},
    {"keep: it goes on", RULE("labels: {s: t}"), "keep", "99.   ", "111111", "0+A ", "A:firing? "},
    {"keep: until the condition is false", RULE("labels: {s: t}"), "keep", "99.  1", "111111",
     "0+A 5-A ", ""},
    {"keep: or for a time", RULE("labels: {s: t}"), "keep 3m", "99.     ", "11111111", "0+A 5-A ",
     ""},
    {"keep: a time, then keep_firing_for, and no second time", RULE("keep_firing_for: 1m"),
     "keep 1m", "99.     ", "11111111", "0+A 4-A ", ""},
    {"keep: a pending one waits, and what passed does not count", RULE("for: 3m"), "keep",
     "99.  9999", "111111111", "6+A ", "A:firing "},
    {"keep: a pending one stays so", RULE("for: 2m"), "keep", "99.     ", "11111111", "",
     "A:pending? "},
    {"alert: another one in its place", RULE("labels: {s: t}"), "alert", "99.   ", "111111",
     "0+A 2-A 2+MissingData ", "MissingData:firing (A 2) "},
    {"alert: it comes back bad", RULE("for: 1m"), "alert", "999.  9", "1111111",
     "1+A 3-A 3+MissingData 6+A 6-MissingData ", "A:firing "},
    {"alert: it comes back good", RULE("labels: {s: t}"), "alert", "99.  1", "111111",
     "0+A 2-A 2+MissingData 5-MissingData ", ""},
    {"alert: for a time", RULE("labels: {s: t}"), "alert 2m", "99.   ", "111111",
     "0+A 2-A 2+MissingData 4-MissingData ", ""},
    {"alert: a pending one goes on waiting as the other", RULE("for: 3m"), "alert", "99.   ",
     "111111", "3+MissingData ", "MissingData:firing (A 2) "},
    {"the annotation is before the flag", RULE("annotations: {barograph_missing_data: keep}"),
     "resolve", "99.   ", "111111", "0+A ", "A:firing? "},
    {"a target that is only late is there", RULE("labels: {s: t}"), "keep", "99   1", "111111",
     "0+A 5-A ", ""},
    {"a label that the rule sets does not hide the series", RULE("labels: {i: other}"), "keep",
     "99.   ", "      ", "0+A ", "A:firing? none"},
    {"the rule has nothing to read", RULE("labels: {s: t}"), "resolve", "11.   ", "11.   ", "",
     "none"},
    {"absent is no input", "groups:\n- name: g\n  rules:\n  - {alert: A, expr: absent(x)}\n",
     "keep", "  11", "    ", "0+A 2-A ", ""},
};

TEST(rule_missing_decides_what_becomes_of_alerts_without_data)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct drive drive;
        struct buf shown = {0};

        test_row(cases[i].name);
        begin(&drive, cases[i].rules, cases[i].flag);
        run(&drive, cases[i].a, cases[i].b, 0, (int)strlen(cases[i].a));
        show(&drive, &shown);
        assert_str_equal(buf_view(&drive.told), str_from(cases[i].told));
        assert_str_equal(buf_view(&shown), str_from(cases[i].shown));
        buf_done(&shown);
        end(&drive);
    }
    test_row(NULL);
}

TEST(rule_missing_writes_series)
{
    static const char alert[] =
        "barograph_alert_no_data_timestamp_seconds{alertname=\"A\",i=\"a\"}";
    static const char rule[] =
        "barograph_rule_no_data_timestamp_seconds{alertname=\"A\",rule_group=\"g\",s=\"t\"}";
    struct drive drive;

    begin(&drive, RULE("labels: {s: t}"), "resolve");
    run(&drive, "99.   9", "1111.  ", 0, 2);
    assert_true(value_of(&drive, alert) < 0);
    run(&drive, "99.   9", "1111.  ", 2, 4);
    assert_true(value_of(&drive, alert) == (double)(START + 2 * DUR_MINUTE) / 1000);
    assert_true(value_of(&drive, rule) < 0);
    run(&drive, "99.   9", "1111.  ", 4, 6);
    assert_true(value_of(&drive, rule) == (double)(START + 4 * DUR_MINUTE) / 1000);
    assert_true(value_of(&drive, "ALERTS{alertname=\"A\"}") < 0);
    run(&drive, "99.   9", "1111.  ", 6, 7);
    assert_true(value_of(&drive, alert) < 0);
    assert_true(value_of(&drive, rule) < 0);
    end(&drive);
}

/* Evaluations go on over the same store with a new group, which has to find out what was. */
TEST(rule_missing_survives_a_restart)
{
    static const struct {
        const char *name;
        const char *more;
        const char *flag;
        const char *a;
        int down_from; /* no evaluation in [down_from, down_to) */
        int down_to;
        const char *told;
        const char *shown;
    } rows[] = {
        {"listed before: listed afterwards, and nobody is told", "labels: {s: t}", "resolve",
         "99.         ", 5, 8, "0+A 2-A ", "(A 2) "},
        {"kept before: it goes on", "labels: {s: t}", "keep", "99.         ", 5, 8, "0+A 10+A ",
         "A:firing? "},
        {"it vanished meanwhile: kept all the same", "labels: {s: t}", "keep", "99999.      ", 5, 8,
         "0+A 10+A ", "A:firing? "},
        {"it vanished meanwhile, by default", "labels: {s: t}", "resolve", "99999.      ", 5, 8,
         "0+A ", ""},
        {"it became healthy meanwhile", "labels: {s: t}", "keep", "999991111111", 5, 8, "0+A 10-A ",
         ""},
        {"it ended before: it does not come back", "labels: {s: t}", "keep", "99911.      ", 5, 8,
         "0+A 3-A ", ""},
        {"another one in its place", "labels: {s: t}", "alert", "99.         ", 5, 8,
         "0+A 2-A 2+MissingData 10+MissingData ", "MissingData:firing (A 2) "},
        {"the time goes on", "labels: {s: t}", "keep 8m", "99.         ", 5, 8, "0+A 10-A ", ""},
        {"a pending one", "for: 30m", "keep", "99.         ", 5, 8, "", "A:pending? "},
    };
    static const char b[] = "111111111111";

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct drive drive;
        struct buf shown = {0};
        char text[256];

        test_row(rows[i].name);
        (void)snprintf(text, sizeof(text), RULE("%s"), rows[i].more);
        begin(&drive, text, rows[i].flag);
        run(&drive, rows[i].a, b, 0, rows[i].down_from);
        for (int k = rows[i].down_from; k < rows[i].down_to; k++) {
            drive.now = START + (ts)k * DUR_MINUTE;
            store(&drive, "a", rows[i].a[k]);
            store(&drive, "b", b[k]);
        }
        drive.group = rule_group_free(drive.group);
        load_rules(&drive);
        run(&drive, rows[i].a, b, rows[i].down_to, rows[i].down_to + 2);
        rule_group_restore(drive.group, &drive.env, drive.now, DUR_HOUR, 10 * DUR_MINUTE);
        run(&drive, rows[i].a, b, rows[i].down_to + 2, (int)strlen(rows[i].a));
        show(&drive, &shown);
        assert_str_equal(buf_view(&drive.told), str_from(rows[i].told));
        assert_str_equal(buf_view(&shown), str_from(rows[i].shown));
        buf_done(&shown);
        end(&drive);
    }
    test_row(NULL);
}

TEST(rule_missing_parse_reads_policies)
{
    static const struct {
        const char *text;
        int want;
        enum rule_missing_kind kind;
        dur time;
    } rows[] = {
        {"resolve", 0, RULE_MISSING_RESOLVE, 0},
        {"keep", 0, RULE_MISSING_KEEP, 0},
        {"keep 2h", 0, RULE_MISSING_KEEP, 2 * (dur)DUR_HOUR},
        {"alert 1h30m", 0, RULE_MISSING_ALERT, 90 * (dur)DUR_MINUTE},
        {"", BARO_EINVALID, 0, 0},
        {"Keep", BARO_EINVALID, 0, 0},
        {"keep forever", BARO_EINVALID, 0, 0},
        {"keep 0s", BARO_EINVALID, 0, 0},
        {"keep2h", BARO_EINVALID, 0, 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct rule_missing missing = {.kind = RULE_MISSING_RESOLVE};
        struct baro_error err = {0};

        test_row(rows[i].text);
        assert_int_equal(rule_missing_parse(str_from(rows[i].text), &missing, &err), rows[i].want);
        assert_int_equal(missing.kind, rows[i].kind);
        assert_int_equal(missing.time, rows[i].time);
    }
    test_row(NULL);
    assert_str_equal(str_from(rule_missing_name(RULE_MISSING_KEEP)), STR("keep"));
}

TEST(rule_missing_annotation_is_checked_with_the_file)
{
    struct arena arena = {0};
    struct faults faults = {0};
    struct rule_file file = {0};

    assert_true(rule_file_parse(&arena, STR("r.yml"),
                                STR(RULE("annotations: {barograph_missing_data: never}")),
                                &(const struct promql_features){0}, &file, &faults) < 0);
    assert_true(str_contains(str_from(faults.items[0].message),
                             STR("barograph_missing_data: \"never\": resolve, keep or alert")));
    arena_done(&arena);
}
