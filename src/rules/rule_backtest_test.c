#include "rules/rule_backtest.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "promql/engine.h"
#include "testing/recorder.h"
#include "testing/test.h"

#define START INT64_C(1700000040000) /* a whole minute */
#define STEP  DUR_MINUTE

/* A digit is a sample, '.' is a scrape that found nothing, ' ' is none. One a minute. */
static void fill(struct memstore *store, const char *name, const char *samples)
{
    const struct label items[] = {{LABEL_METRIC_NAME, STR("x")}, {STR("i"), str_from(name)}};

    for (size_t k = 0; samples[k] != '\0'; k++) {
        double value = samples[k] == '.' ? value_stale() : samples[k] - '0';

        if (samples[k] != ' ') {
            assert_int_equal(memstore_append(store, (struct labels){items, 2}, START + (ts)k * STEP,
                                             value, NULL),
                             0);
        }
    }
}

static void put(struct buf *out, str i, ts pending, ts firing, ts resolved)
{
    buf_printf(out, "%.*s %d %d %d\n", STR_ARG(i), (int)((pending - START) / STEP),
               firing == 0 ? -1 : (int)((firing - START) / STEP),
               resolved == 0 ? -1 : (int)((resolved - START) / STEP));
}

static int line_compare(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

/* Lines in order. */
static void sort_lines(struct buf *out)
{
    struct buf sorted = {0};
    str lines[200];
    str rest = buf_view(out);
    size_t count = 0;

    for (str line; str_split_next(&rest, '\n', &line);) {
        if (line.len > 0) {
            lines[count++] = line;
        }
    }
    qsort(lines, count, sizeof(lines[0]), line_compare);
    for (size_t i = 0; i < count; i++) {
        buf_str(&sorted, lines[i]);
        buf_char(&sorted, '\n');
    }
    buf_done(out);
    *out = sorted;
}

/* What is known of one alert while the rules run. */
struct seen {
    char i[16];
    ts pending;
    ts firing;
};

/* Runs the group step by step, as the server does, and notes when alerts come and go. */
static void run_group(const struct rule_group_spec *spec, const struct rule_env *env, size_t steps,
                      struct buf *out)
{
    CLEANUP(rule_group_freep) struct rule_group *group = rule_group_new(spec, STR("f"), STEP);
    struct seen seen[16] = {{{0}, 0, 0}};
    size_t count = 0;

    for (size_t k = 0; k < steps; k++) {
        ts t = START + (ts)k * STEP;
        struct rule_group_view view = {0};
        struct arena arena = {0};

        assert_true(rule_group_eval(group, env, t) >= 0);
        rule_group_view(group, &arena, &view);
        for (size_t n = 0; n < count; n++) {
            bool there = false;

            for (size_t a = 0; a < view.rules[0].alert_count; a++) {
                const struct alert_view *alert = &view.rules[0].alerts[a];

                there |= str_is(labels_get(alert->labels, STR("i")), seen[n].i) &&
                         alert->active_at == seen[n].pending && alert->state != ALERT_INACTIVE;
            }
            if (seen[n].pending != 0 && !there) {
                put(out, str_from(seen[n].i), seen[n].pending, seen[n].firing, t);
                seen[n].pending = 0;
            }
        }
        for (size_t a = 0; a < view.rules[0].alert_count; a++) {
            const struct alert_view *alert = &view.rules[0].alerts[a];
            str i = labels_get(alert->labels, STR("i"));
            size_t n = 0;

            if (alert->state == ALERT_INACTIVE) {
                continue;
            }
            while (n < count && !str_is(i, seen[n].i)) {
                n++;
            }
            count += n == count;
            if (seen[n].pending == 0) {
                (void)snprintf(seen[n].i, sizeof(seen[n].i), "%.*s", STR_ARG(i));
                seen[n].pending = alert->active_at;
                seen[n].firing = 0;
            }
            if (alert->state == ALERT_FIRING && seen[n].firing == 0) {
                seen[n].firing = t;
            }
        }
        arena_done(&arena);
    }
    for (size_t n = 0; n < count; n++) {
        if (seen[n].pending != 0) {
            put(out, str_from(seen[n].i), seen[n].pending, seen[n].firing, 0);
        }
    }
}

static void parse(struct arena *arena, const char *text, struct rule_file *ret)
{
    const struct promql_features features = {0};
    struct faults faults = {0};

    if (rule_file_parse(arena, STR("f"), str_from(text), &features, ret, &faults) < 0) {
        fail_msg("%s", faults.items[0].message);
    }
}

/* The life of alerts is that of running the rules one step after the other. */
TEST(rule_backtest_as_if_the_rules_had_run)
{
    static const char *const rules[] = {
        "groups: [{name: g, rules: [{alert: A, expr: x == 1}]}]",
        "groups: [{name: g, rules: [{alert: A, expr: x == 1, for: 2m}]}]",
        "groups: [{name: g, rules: [{alert: A, expr: x == 1, keep_firing_for: 3m}]}]",
        "groups: [{name: g, rules: [{alert: A, expr: x == 1, for: 3m, keep_firing_for: 90s}]}]",
        "groups: [{name: g, rules: [{alert: A, expr: 'rate(x[3m]) > 0', for: 1m}]}]",
    };
    static const char *const samples[] = {
        "0000000000000000000000000000000000000000", "1111111111111111111111111111111111111111",
        "0101101110111101111100011000111000000001", "11.1..11111....1111111.....1     11     ",
        "      1111      1111                1111",
    };
    enum { STEPS = 40 };
    CLEANUP(memstore_freep) struct memstore *store = memstore_new();
    struct recorder *recorder = recorder_new();
    const struct rule_env env = {
        .queryable = memstore_queryable(store),
        .appendable = recorder_appendable(recorder),
        .engine = {.lookback = 5 * DUR_MINUTE, .samples_max = 1000000, .memory_bytes_max = 1 << 28},
    };

    for (size_t i = 0; i < ARRAY_COUNT(samples); i++) {
        char name[2] = {(char)('a' + i), '\0'};

        fill(store, name, samples[i]);
    }
    for (size_t r = 0; r < ARRAY_COUNT(rules); r++) {
        const struct backtest_options options = {START, START + (STEPS - 1) * STEP, STEP};
        struct arena arena = {0};
        struct rule_file file = {0};
        struct backtest result = {0};
        struct baro_error err = {0};
        struct buf want = {0};
        struct buf got = {0};

        test_row(rules[r]);
        parse(&arena, rules[r], &file);
        run_group(&file.groups[0], &env, STEPS, &want);
        assert_ok(rule_backtest_run(&file, 1, &env, &options, &result, &err), &err);
        for (size_t i = 0; i < result.alert_count; i++) {
            const struct backtest_alert *alert = &result.alerts[i];

            put(&got, labels_get(alert->labels, STR("i")), alert->pending_at, alert->firing_at,
                alert->resolved_at);
        }
        sort_lines(&want);
        sort_lines(&got);
        assert_str_equal(buf_view(&got), buf_view(&want));
        assert_true(want.len > 0);
        assert_int_equal(result.evaluations, STEPS);
        buf_done(&want);
        buf_done(&got);
        rule_backtest_done(&result);
        arena_done(&arena);
    }
    test_row(NULL);
    (void)recorder_free(recorder);
}

/* Alerts see what recording rules would have written, also across windows of the range. */
TEST(rule_backtest_records_first)
{
    CLEANUP(memstore_freep) struct memstore *store = memstore_new();
    const struct rule_env env = {
        .queryable = memstore_queryable(store),
        .engine = {.lookback = 5 * DUR_MINUTE,
                   .samples_max = 100000000,
                   .memory_bytes_max = 1 << 30},
    };
    enum { STEPS = 10000 };
    const struct backtest_options options = {START, START + (STEPS - 1) * STEP, STEP};
    char *samples = mem_alloc(STEPS + 1);
    struct arena arena = {0};
    struct rule_file file = {0};
    struct backtest result = {0};
    struct baro_error err = {0};
    const struct backtest_alert *alert;

    /* One trouble, over the border between the first window (4,096 steps) and the next. */
    for (size_t k = 0; k < STEPS; k++) {
        samples[k] = k >= 4090 && k < 4200 ? '1' : '0';
    }
    samples[STEPS] = '\0';
    fill(store, "a", samples);
    (void)mem_free(samples);
    parse(
        &arena,
        "groups: [{name: g, rules: [{alert: A, expr: 'x:double == 2', for: 10m, labels: {who: '{{ "
        "$labels.i }}'}, annotations: {v: '{{ $value }} {{ query \"x:double\" | first | value "
        "}}'}}, "
        "{record: 'x:double', expr: x * 2, labels: {l: m}}]}]",
        &file);
    assert_ok(rule_backtest_run(&file, 1, &env, &options, &result, &err), &err);
    assert_int_equal(result.alert_count, 1);
    alert = &result.alerts[0];
    assert_int_equal((alert->pending_at - START) / STEP, 4090);
    assert_int_equal((alert->firing_at - START) / STEP, 4100);
    assert_int_equal((alert->resolved_at - START) / STEP, 4200);
    assert_str_equal(labels_get(alert->labels, STR("who")), STR("a"));
    assert_str_equal(labels_get(alert->labels, STR("l")), STR("m"));
    assert_str_equal(labels_get(alert->annotations, STR("v")), STR("2 2"));
    rule_backtest_done(&result);
    arena_done(&arena);
}

TEST(rule_backtest_tells_what_fails)
{
    CLEANUP(memstore_freep) struct memstore *store = memstore_new();
    const struct rule_env env = {
        .queryable = memstore_queryable(store),
        .engine = {.lookback = 5 * DUR_MINUTE, .samples_max = 1000000, .memory_bytes_max = 1 << 28},
    };
    struct backtest_options options = {START, START + 10 * STEP, STEP};
    struct arena arena = {0};
    struct rule_file file = {0};
    struct backtest result = {0};
    struct baro_error err = {0};

    fill(store, "a", "1111111111");
    fill(store, "b", "1111111111");
    parse(&arena, "groups: [{name: g, rules: [{alert: A, expr: x + on() x}]}]", &file);
    assert_true(rule_backtest_run(&file, 1, &env, &options, &result, &err) < 0);
    assert_true(str_has_prefix(str_from(err.message), STR("group g, rule A: ")));
    options.end = START + (ts)BACKTEST_STEPS_MAX * STEP;
    assert_int_equal(rule_backtest_run(&file, 1, &env, &options, &result, &err), BARO_ELIMIT);
    arena_done(&arena);
}

/* Ranges and steps at the ends of time end, in an answer or in a refusal. */
TEST(rule_backtest_ends_at_the_ends_of_time)
{
    static const struct {
        ts start;
        ts end;
        dur interval;
        const char *rules;
        int want;
    } cases[] = {
        {INT64_MIN, INT64_MAX, 1, "{alert: A, expr: vector(1)}", BARO_EINVALID},
        {INT64_MIN, INT64_MAX, INT64_MAX, "{alert: A, expr: vector(1)}", BARO_EINVALID},
        {0, INT64_MAX, INT64_MAX / 4096, "{alert: A, expr: vector(1)}", BARO_EINVALID},
        {-(INT64_C(1) << 59), INT64_C(1) << 59, INT64_C(1) << 59,
         "{alert: A, expr: vector(1) > -time(), for: 290y, keep_firing_for: 290y}", 0},
        {0, INT64_C(1) << 59, INT64_C(1) << 52,
         "{alert: A, expr: x == 1, keep_firing_for: 290y}, {record: r, expr: vector(1)}", 0},
        {START, START + 1, INT64_C(1) << 59, "{alert: A, expr: x == 1}", 0},
    };
    CLEANUP(memstore_freep) struct memstore *store = memstore_new();
    const struct rule_env env = {
        .queryable = memstore_queryable(store),
        .engine = {.lookback = 5 * DUR_MINUTE, .samples_max = 1000000, .memory_bytes_max = 1 << 28},
    };

    fill(store, "a", "1111111111");
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct backtest_options options = {cases[i].start, cases[i].end, cases[i].interval};
        struct arena arena = {0};
        struct rule_file file = {0};
        struct backtest result = {0};
        struct baro_error err = {0};
        char text[256];

        test_row(cases[i].rules);
        (void)snprintf(text, sizeof(text), "groups: [{name: g, rules: [%s]}]", cases[i].rules);
        parse(&arena, text, &file);
        assert_int_equal(rule_backtest_run(&file, 1, &env, &options, &result, &err), cases[i].want);
        rule_backtest_done(&result);
        arena_done(&arena);
    }
    test_row(NULL);
}

/* What recording rules yield is kept in memory, and bounded as a query is. */
TEST(rule_backtest_bounds_what_is_recorded)
{
    CLEANUP(memstore_freep) struct memstore *store = memstore_new();
    _Atomic bool cancel = false;
    struct rule_env env = {
        .queryable = memstore_queryable(store),
        .engine = {.lookback = 5 * DUR_MINUTE, .samples_max = 15000, .memory_bytes_max = 1 << 28},
        .cancel = &cancel,
    };
    const struct backtest_options options = {START, START + 20000 * STEP, STEP};
    struct arena arena = {0};
    struct rule_file file = {0};
    struct backtest result = {0};
    struct baro_error err = {0};

    parse(&arena, "groups: [{name: g, rules: [{record: r, expr: vector(1)}]}]", &file);
    assert_int_equal(rule_backtest_run(&file, 1, &env, &options, &result, &err), BARO_ELIMIT);
    assert_non_null(strstr(err.message, "more than 15000 samples"));
    env.engine.samples_max = 50000;
    assert_ok(rule_backtest_run(&file, 1, &env, &options, &result, &err), &err);
    rule_backtest_done(&result);
    atomic_store(&cancel, true);
    assert_int_equal(rule_backtest_run(&file, 1, &env, &options, &result, &err), BARO_ECANCELED);
    arena_done(&arena);
}
