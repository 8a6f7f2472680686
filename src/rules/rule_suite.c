#include "rules/rule_suite.h"

#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/rfc3339.h"
#include "base/text.h"
#include "base/vec.h"
#include "conf/option.h"
#include "promql/promqltest.h"
#include "rules/rule_file.h"
#include "rules/rule_group.h"
#include "rules/rule_store.h"

enum {
    DEFAULT_INTERVAL = DUR_MINUTE,
    STEPS_MAX = 10000000, /* evaluations of one test */
    FILES_MAX = 10000,
    SAMPLES_MAX = 50000000, /* the engine's bound, as promtool has it */
};

/* ---- What stands in a file ---- */

struct suite_text {
    struct conf_strs rule_files;
    dur evaluation_interval;
    struct conf_strs group_eval_order;
    struct option_list tests;
    bool fuzzy_compare;
};

struct test_text {
    str name;
    dur interval;
    str start_timestamp;
    struct option_list input_series;
    struct option_list alert_tests;
    struct option_list expr_tests;
    struct conf_pairs external_labels;
    str external_url;
};

struct series_text {
    str series;
    str values;
};

struct alert_test_text {
    dur eval_time;
    str alertname;
    struct option_list exp_alerts;
};

struct exp_alert_text {
    struct conf_pairs labels;
    struct conf_pairs annotations;
};

struct expr_test_text {
    str expr;
    dur eval_time;
    struct option_list exp_samples;
};

struct exp_sample_text {
    str labels;
    double value;
    str histogram;
};

#define ROW(name, k, type, member, ...)                                                            \
    {                                                                                              \
        .key = (name), .kind = OPTION_##k, .offset = offsetof(type, member), __VA_ARGS__           \
    }
#define OF(type) .detail = &(type), .null_fault = "an item is empty"
#define TYPE(go_name, c_type, table)                                                               \
    {                                                                                              \
        .name = (go_name), .size = sizeof(c_type), .rows = (table), .count = ARRAY_COUNT(table),   \
        .place_offset = OPTION_NO_PLACE                                                            \
    }

static const struct option series_rows[] = {
    ROW("series", STR, struct series_text, series),
    ROW("values", STR, struct series_text, values),
};
static const struct option_type series_type = TYPE("main.series", struct series_text, series_rows);

static const struct option exp_alert_rows[] = {
    ROW("exp_labels", PAIRS, struct exp_alert_text, labels),
    ROW("exp_annotations", PAIRS, struct exp_alert_text, annotations),
};
static const struct option_type exp_alert_type =
    TYPE("main.alert", struct exp_alert_text, exp_alert_rows);

static const struct option alert_test_rows[] = {
    ROW("eval_time", DURATION, struct alert_test_text, eval_time),
    ROW("alertname", STR, struct alert_test_text, alertname),
    ROW("exp_alerts", LIST, struct alert_test_text, exp_alerts, OF(exp_alert_type)),
};
static const struct option_type alert_test_type =
    TYPE("main.alertTestCase", struct alert_test_text, alert_test_rows);

static const struct option exp_sample_rows[] = {
    ROW("labels", STR, struct exp_sample_text, labels),
    ROW("value", DOUBLE, struct exp_sample_text, value),
    ROW("histogram", STR, struct exp_sample_text, histogram),
};
static const struct option_type exp_sample_type =
    TYPE("main.sample", struct exp_sample_text, exp_sample_rows);

static const struct option expr_test_rows[] = {
    ROW("expr", STR, struct expr_test_text, expr),
    ROW("eval_time", DURATION, struct expr_test_text, eval_time),
    ROW("exp_samples", LIST, struct expr_test_text, exp_samples, OF(exp_sample_type)),
};
static const struct option_type expr_test_type =
    TYPE("main.promqlTestCase", struct expr_test_text, expr_test_rows);

static const struct option test_rows[] = {
    ROW("name", STR, struct test_text, name),
    ROW("interval", DURATION, struct test_text, interval),
    ROW("start_timestamp", STR, struct test_text, start_timestamp),
    ROW("input_series", LIST, struct test_text, input_series, OF(series_type)),
    ROW("alert_rule_test", LIST, struct test_text, alert_tests, OF(alert_test_type)),
    ROW("promql_expr_test", LIST, struct test_text, expr_tests, OF(expr_test_type)),
    ROW("external_labels", PAIRS, struct test_text, external_labels),
    ROW("external_url", STR, struct test_text, external_url),
};
static const struct option_type test_type = TYPE("main.testGroup", struct test_text, test_rows);

static const struct option suite_rows[] = {
    ROW("rule_files", STRS, struct suite_text, rule_files),
    ROW("evaluation_interval", DURATION, struct suite_text, evaluation_interval),
    ROW("group_eval_order", STRS, struct suite_text, group_eval_order),
    ROW("tests", LIST, struct suite_text, tests, OF(test_type)),
    ROW("fuzzy_compare", BOOL, struct suite_text, fuzzy_compare),
};
static const struct option_type suite_type =
    TYPE("main.unitTestFile", struct suite_text, suite_rows);

/* ---- Running ---- */

struct group_ref {
    const struct rule_group_spec *spec;
    str file;
    size_t order; /* in group_eval_order; those not named come first, as in promtool */
    size_t index;
};

struct suite {
    str path;
    struct arena arena;
    const struct rule_suite_options *options;
    const struct suite_text *text;
    VEC(struct group_ref) groups;
    struct faults faults;
    struct buf *out;
};

/* An input series, and how far it has been loaded. */
struct input {
    struct labels labels;
    struct promqltest_value *values;
    size_t count;
    size_t loaded;
};

/* One test being run. */
struct test_run {
    struct suite *suite;
    const struct test_text *text;
    struct arena arena;
    struct rule_store *store;
    struct rule_group **groups;
    struct input *inputs;
    ts start;
    dur interval; /* between the samples of the inputs */
    struct rule_env env;
    size_t failures;
    bool headed; /* the line with the test's name is out */
};

static void fail(struct test_run *run, const char *format, ...) PRINTF_LIKE(2, 3);
static void fail(struct test_run *run, const char *format, ...)
{
    va_list args;
    str text;

    if (!run->headed && run->text->name.len > 0) {
        buf_printf(run->suite->out, "    name: %.*s,\n", STR_ARG(run->text->name));
    }
    run->headed = true;
    va_start(args, format);
    text = arena_vprintf(&run->arena, format, args);
    va_end(args);
    buf_str(run->suite->out, text);
    buf_char(run->suite->out, '\n');
    run->failures++;
}

/* ---- Inputs ---- */

static int read_input(struct test_run *run, const struct series_text *text, struct input *ret,
                      struct baro_error *err)
{
    str line = arena_printf(&run->arena, "%.*s %.*s", STR_ARG(text->series), STR_ARG(text->values));

    return promqltest_series_parse(&run->arena, line, &ret->labels, &ret->values, &ret->count, err);
}

static int read_inputs(struct test_run *run)
{
    const struct option_list *list = &run->text->input_series;

    run->inputs = ARENA_ARRAY(&run->arena, struct input, list->count);
    for (size_t i = 0; i < list->count; i++) {
        const struct series_text *text = list->items[i];
        struct baro_error err = {0};

        if (read_input(run, text, &run->inputs[i], &err) < 0) {
            fail(run, "    input series \"%.*s\": %s", STR_ARG(text->series), err.message);
            return BARO_EPARSE;
        }
    }
    return 0;
}

/* Samples enter the store when their time has come, so that no rule looks into the future. */
static int load_until(struct test_run *run, ts t)
{
    for (size_t i = 0; i < run->text->input_series.count; i++) {
        struct input *input = &run->inputs[i];

        for (; input->loaded < input->count && run->start + (ts)input->loaded * run->interval <= t;
             input->loaded++) {
            const struct promqltest_value *value = &input->values[input->loaded];
            struct sample sample = {
                .t = run->start + (ts)input->loaded * run->interval, .v = value->v, .h = value->h};
            struct baro_error err = {0};

            if (!value->omitted && rule_store_add(run->store, input->labels, &sample, &err) < 0) {
                fail(run, "    input series %zu: %s", i + 1, err.message);
                return BARO_EINVALID;
            }
        }
    }
    return 0;
}

/* ---- Alerts ---- */

struct alert_item {
    struct labels labels;
    struct labels annotations;
};

static int compare_items(const void *a, const void *b)
{
    const struct alert_item *x = a, *y = b;
    int order = labels_cmp(x->labels, y->labels);

    return order != 0 ? order : labels_cmp(x->annotations, y->annotations);
}

static struct labels labels_of(struct arena *arena, struct conf_pairs pairs, str alertname)
{
    struct label *items = ARENA_ARRAY(arena, struct label, pairs.count + 1);
    size_t count = 0;

    for (size_t i = 0; i < pairs.count; i++) {
        if (alertname.len == 0 || !str_is(pairs.items[i].name, "alertname")) {
            items[count++] = (struct label){pairs.items[i].name, pairs.items[i].value};
        }
    }
    if (alertname.len > 0) {
        items[count++] = (struct label){STR("alertname"), alertname};
    }
    labels_sort(items, count);
    return (struct labels){items, count};
}

typedef VEC(struct alert_item) alert_items;

static void firing_alerts(struct test_run *run, str alertname, alert_items *ret)
{
    for (size_t i = 0; i < run->suite->groups.count; i++) {
        struct rule_group_view view;

        rule_group_view(run->groups[i], &run->arena, &view);
        for (size_t k = 0; k < view.count; k++) {
            const struct rule_view *rule = &view.rules[k];

            for (size_t a = 0; a < rule->alert_count && str_eq(rule->spec->name, alertname); a++) {
                if (rule->alerts[a].state == ALERT_FIRING) {
                    vec_push(ret, ((struct alert_item){rule->alerts[a].labels,
                                                       rule->alerts[a].annotations}));
                }
            }
        }
    }
}

static str items_text(struct arena *arena, const alert_items *items)
{
    struct buf buf = {0};

    for (size_t i = 0; i < items->count; i++) {
        buf_printf(&buf, "\n            %zu:\n              Labels:", i);
        labels_format(&buf, items->items[i].labels);
        buf_c(&buf, "\n              Annotations:");
        labels_format(&buf, items->items[i].annotations);
    }
    return text_take(arena, &buf);
}

static bool items_equal(const alert_items *a, const alert_items *b)
{
    bool equal = a->count == b->count;

    for (size_t i = 0; equal && i < a->count; i++) {
        equal = compare_items(&a->items[i], &b->items[i]) == 0;
    }
    return equal;
}

static void sort_items(alert_items *items)
{
    if (items->count > 1) {
        qsort(items->items, items->count, sizeof(*items->items), compare_items);
    }
}

static void check_alerts(struct test_run *run, const struct alert_test_text *test)
{
    alert_items want = {0};
    alert_items got = {0};

    for (size_t i = 0; i < test->exp_alerts.count; i++) {
        const struct exp_alert_text *text = test->exp_alerts.items[i];

        vec_push(&want, ((struct alert_item){labels_of(&run->arena, text->labels, test->alertname),
                                             labels_of(&run->arena, text->annotations, STR(""))}));
    }
    firing_alerts(run, test->alertname, &got);
    sort_items(&want);
    sort_items(&got);
    if (!items_equal(&want, &got)) {
        fail(run,
             "    alertname: %.*s, time: %.*s, \n        exp:[%.*s\n            ], \n        "
             "got:[%.*s\n            ]",
             STR_ARG(test->alertname), STR_ARG(text_dur(&run->arena, test->eval_time)),
             STR_ARG(items_text(&run->arena, &want)), STR_ARG(items_text(&run->arena, &got)));
    }
    vec_done(&want);
    vec_done(&got);
}

/* The tests whose time lies between this evaluation and the next one see what this one left. */
static void check_alerts_at(struct test_run *run, ts t, dur step)
{
    for (size_t i = 0; i < run->text->alert_tests.count; i++) {
        const struct alert_test_text *test = run->text->alert_tests.items[i];

        if (t - run->start <= test->eval_time && test->eval_time < t - run->start + step) {
            check_alerts(run, test);
        }
    }
}

/* ---- Expressions ---- */

struct sample_item {
    struct labels labels;
    double value;
    const struct histogram *h;
};

static int compare_samples(const void *a, const void *b)
{
    return labels_cmp(((const struct sample_item *)a)->labels,
                      ((const struct sample_item *)b)->labels);
}

static bool values_equal(double a, double b, bool fuzzy)
{
    if (a == b || (isnan(a) && isnan(b))) {
        return true;
    }
    return fuzzy && nextafter(a, -INFINITY) <= b && nextafter(a, INFINITY) >= b;
}

static bool samples_equal(const struct sample_item *a, const struct sample_item *b, bool fuzzy)
{
    if (!labels_eq(a->labels, b->labels) || (a->h == NULL) != (b->h == NULL)) {
        return false;
    }
    return a->h != NULL ? histogram_eq(a->h, b->h) : values_equal(a->value, b->value, fuzzy);
}

static str samples_text(struct arena *arena, const struct sample_item *items, size_t count)
{
    struct buf buf = {0};
    str text;

    for (size_t i = 0; i < count; i++) {
        buf_c(&buf, i > 0 ? "\n              " : "\n              ");
        labels_format(&buf, items[i].labels);
        buf_char(&buf, ' ');
        if (items[i].h != NULL) {
            histogram_format(&buf, items[i].h);
        } else {
            buf_double(&buf, items[i].value, NUM_E);
        }
    }
    text = count > 0 ? arena_str(arena, buf_view(&buf)) : STR("nil");
    buf_done(&buf);
    return text;
}

/* An expected sample: its labels are a metric, its histogram a value of a series line. */
static int read_expected(struct test_run *run, const struct exp_sample_text *text,
                         struct sample_item *ret, struct baro_error *err)
{
    str metric = text->labels.len > 0 ? text->labels : STR("{}");
    str value = text->histogram.len > 0 ? text->histogram : STR("0");
    str line = arena_printf(&run->arena, "%.*s %.*s", STR_ARG(metric), STR_ARG(value));
    struct promqltest_value *values = NULL;
    size_t count = 0;
    int r = promqltest_series_parse(&run->arena, line, &ret->labels, &values, &count, err);

    if (r < 0) {
        return r;
    }
    if (text->histogram.len > 0 && count != 1) {
        return error_set(err, BARO_EPARSE, "expected 1 value, got %zu", count);
    }
    if (text->histogram.len > 0 && values[0].h == NULL) {
        return error_set(err, BARO_EPARSE, "expected histogram, got \"%.*s\"",
                         STR_ARG(text->histogram));
    }
    ret->value = text->value;
    ret->h = values[0].h;
    return 0;
}

static int read_all_expected(struct test_run *run, const struct expr_test_text *test,
                             struct sample_item *ret)
{
    for (size_t i = 0; i < test->exp_samples.count; i++) {
        const struct exp_sample_text *text = test->exp_samples.items[i];
        struct baro_error err = {0};

        if (read_expected(run, text, &ret[i], &err) < 0) {
            fail(run, "    expr: \"%.*s\", time: %.*s, err: labels %.*s: %s", STR_ARG(test->expr),
                 STR_ARG(text_dur(&run->arena, test->eval_time)), STR_ARG(text->labels),
                 err.message);
            return BARO_EPARSE;
        }
    }
    return 0;
}

static void sort_samples(struct sample_item *items, size_t count)
{
    if (count > 1) {
        qsort(items, count, sizeof(*items), compare_samples);
    }
}

/* The result as samples; a scalar is one without labels. */
static size_t result_samples(struct test_run *run, const struct query_result *result,
                             struct sample_item **ret)
{
    size_t count = result->type == VALUE_SCALAR ? 1 : result->series_count;
    struct sample_item *items = ARENA_ARRAY(&run->arena, struct sample_item, count);

    if (result->type == VALUE_SCALAR) {
        items[0].value = result->scalar;
    }
    for (size_t i = 0; i < result->series_count; i++) {
        const struct result_series *series = &result->series[i];

        items[i] = (struct sample_item){series->metric, series->points[0].v, series->points[0].h};
    }
    *ret = items;
    return count;
}

static void compare_result(struct test_run *run, const struct expr_test_text *test,
                           const struct query_result *result)
{
    size_t want_count = test->exp_samples.count;
    struct sample_item *want = ARENA_ARRAY(&run->arena, struct sample_item, want_count);
    struct sample_item *got = NULL;
    size_t got_count = result_samples(run, result, &got);
    bool equal = want_count == got_count;

    if (read_all_expected(run, test, want) < 0) {
        return;
    }
    sort_samples(want, want_count);
    sort_samples(got, got_count);
    for (size_t i = 0; equal && i < want_count; i++) {
        equal = samples_equal(&want[i], &got[i], run->suite->text->fuzzy_compare);
    }
    if (!equal) {
        fail(run, "    expr: \"%.*s\", time: %.*s,\n        exp: %.*s\n        got: %.*s",
             STR_ARG(test->expr), STR_ARG(text_dur(&run->arena, test->eval_time)),
             STR_ARG(samples_text(&run->arena, want, want_count)),
             STR_ARG(samples_text(&run->arena, got, got_count)));
    }
}

static void check_expr(struct test_run *run, const struct expr_test_text *test)
{
    ts t = run->start + test->eval_time;
    struct query query = {.text = test->expr, .start = t, .end = t};
    struct query_result result = {0};
    struct baro_error err = {0};

    if (engine_run(&run->env.engine, run->env.queryable, &query, &result, &err) < 0) {
        fail(run, "    expr: \"%.*s\", time: %.*s, err: %s", STR_ARG(test->expr),
             STR_ARG(text_dur(&run->arena, test->eval_time)), err.message);
        return;
    }
    compare_result(run, test, &result);
    query_result_done(&result);
}

/* ---- One test ---- */

static dur end_of(const struct test_text *test)
{
    dur end = 0;

    for (size_t i = 0; i < test->alert_tests.count; i++) {
        const struct alert_test_text *alert = test->alert_tests.items[i];

        end = alert->eval_time > end ? alert->eval_time : end;
    }
    for (size_t i = 0; i < test->expr_tests.count; i++) {
        const struct expr_test_text *expr = test->expr_tests.items[i];

        end = expr->eval_time > end ? expr->eval_time : end;
    }
    return end;
}

/* Evaluates all groups at t; false when a rule failed, which ends the test as in promtool. */
static bool eval_groups(struct test_run *run, ts t)
{
    size_t before = run->failures;

    for (size_t i = 0; i < run->suite->groups.count; i++) {
        struct rule_group_view view;

        if (rule_group_eval(run->groups[i], &run->env, t) == 0) {
            continue;
        }
        rule_group_view(run->groups[i], &run->arena, &view);
        for (size_t k = 0; k < view.count; k++) {
            if (view.rules[k].health == RULE_HEALTH_ERR) {
                fail(run, "    rule: %.*s, time: %.*s, err: %.*s",
                     STR_ARG(view.rules[k].spec->name),
                     STR_ARG(text_dur(&run->arena, t - run->start)), STR_ARG(view.rules[k].error));
            }
        }
    }
    return run->failures == before;
}

static void run_steps(struct test_run *run)
{
    dur step = run->suite->text->evaluation_interval > 0 ? run->suite->text->evaluation_interval
                                                         : DEFAULT_INTERVAL;
    dur end = end_of(run->text);

    for (size_t i = 0; i < run->text->alert_tests.count; i++) {
        const struct alert_test_text *test = run->text->alert_tests.items[i];

        if (test->alertname.len == 0) {
            fail(run,
                 "    an item under alert_rule_test misses required attribute alertname at "
                 "eval_time %.*s",
                 STR_ARG(text_dur(&run->arena, test->eval_time)));
            return;
        }
    }
    if (end / step > STEPS_MAX) {
        fail(run, "    the test wants more than %d evaluations", STEPS_MAX);
        return;
    }
    for (ts t = run->start; t <= run->start + end; t += step) {
        if (load_until(run, t) < 0 || !eval_groups(run, t)) {
            return;
        }
        check_alerts_at(run, t, step);
    }
    if (load_until(run, run->start + end) < 0) {
        return;
    }
    for (size_t i = 0; i < run->text->expr_tests.count; i++) {
        check_expr(run, run->text->expr_tests.items[i]);
    }
}

static int read_start(struct test_run *run)
{
    str text = run->text->start_timestamp;
    double seconds;

    if (text.len == 0) {
        return 0;
    }
    if (num_parse_double(text, &seconds) && fabs(seconds) < 1e12) {
        run->start = (ts)(seconds * 1000);
        return 0;
    }
    if (rfc3339_parse(text, &run->start)) {
        return 0;
    }
    fail(run, "    start_timestamp: \"%.*s\" is neither a time of RFC 3339 nor seconds since 1970",
         STR_ARG(text));
    return BARO_EINVALID;
}

static void set_up(struct test_run *run)
{
    const struct suite *suite = run->suite;

    run->store = rule_store_new();
    run->interval = run->text->interval > 0                ? run->text->interval
                    : suite->text->evaluation_interval > 0 ? suite->text->evaluation_interval
                                                           : DEFAULT_INTERVAL;
    run->env = (struct rule_env){.queryable = rule_store_queryable(run->store),
                                 .appendable = rule_store_appendable(run->store),
                                 .engine = {.lookback = 5 * DUR_MINUTE,
                                            .default_step = DUR_MINUTE,
                                            .samples_max = SAMPLES_MAX,
                                            .features = suite->options->features},
                                 .external_labels =
                                     labels_of(&run->arena, run->text->external_labels, STR("")),
                                 .external_url = run->text->external_url};
    run->groups = ARENA_ARRAY(&run->arena, struct rule_group *, suite->groups.count);
    for (size_t i = 0; i < suite->groups.count; i++) {
        run->groups[i] = rule_group_new(suite->groups.items[i].spec, suite->groups.items[i].file,
                                        DEFAULT_INTERVAL);
        /* Nothing was before: ALERTS_FOR_STATE is written from the first evaluation on. */
        rule_group_restore(run->groups[i], &run->env, run->start, 0, 0);
    }
}

static bool run_test(struct suite *suite, const struct test_text *text)
{
    struct test_run run = {.suite = suite, .text = text};

    set_up(&run);
    if (read_start(&run) == 0 && read_inputs(&run) == 0) {
        run_steps(&run);
    }
    for (size_t i = 0; i < suite->groups.count; i++) {
        (void)rule_group_free(run.groups[i]);
    }
    (void)rule_store_free(run.store);
    arena_done(&run.arena);
    return run.failures == 0;
}

/* ---- The suite ---- */

static int load_rule_file(struct suite *suite, const char *path)
{
    struct buf text = {0};
    struct baro_error err = {0};
    struct rule_file file;
    int r = suite->options->read(path, &text, &err);

    if (r < 0) {
        return faults_add(&suite->faults, r, path, 0, 0, "%s", err.message);
    }
    r = (suite->options->ignore_unknown ? rule_file_parse_lax : rule_file_parse)(
        &suite->arena, str_from(path), buf_view(&text), &suite->options->features, &file,
        &suite->faults);
    buf_done(&text);
    for (size_t i = 0; r == 0 && i < file.count; i++) {
        vec_push(&suite->groups,
                 ((struct group_ref){.spec = &file.groups[i],
                                     .file = arena_str(&suite->arena, str_from(path)),
                                     .index = suite->groups.count}));
    }
    return r;
}

static int load_pattern(struct suite *suite, str pattern)
{
    size_t slash = suite->path.len;
    glob_t found = {0};
    str path;
    int r = 0;

    while (slash > 0 && suite->path.ptr[slash - 1] != '/') {
        slash--;
    }
    path = option_path(&suite->arena, str_slice(suite->path, 0, slash), pattern);
    if (glob(path.ptr, 0, NULL, &found) != 0) {
        globfree(&found);
        buf_printf(suite->out, "  WARNING: no file match pattern %.*s\n", STR_ARG(pattern));
        return 0;
    }
    for (size_t i = 0; i < found.gl_pathc && i < FILES_MAX && r == 0; i++) {
        r = load_rule_file(suite, found.gl_pathv[i]);
    }
    globfree(&found);
    return r;
}

static int compare_groups(const void *a, const void *b)
{
    const struct group_ref *x = a, *y = b;

    if (x->order != y->order) {
        return x->order < y->order ? -1 : 1;
    }
    return (x->index > y->index) - (x->index < y->index);
}

static int check_order(struct suite *suite)
{
    struct conf_strs order = suite->text->group_eval_order;

    for (size_t i = 0; i < order.count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (str_eq(order.items[i], order.items[k])) {
                return faults_add(&suite->faults, BARO_EINVALID, suite->path.ptr, 0, 0,
                                  "group name repeated in evaluation order: %.*s",
                                  STR_ARG(order.items[i]));
            }
        }
    }
    return 0;
}

static void order_groups(struct suite *suite)
{
    struct conf_strs order = suite->text->group_eval_order;

    for (size_t i = 0; i < suite->groups.count; i++) {
        for (size_t k = 0; k < order.count; k++) {
            if (str_eq(order.items[k], suite->groups.items[i].spec->name)) {
                suite->groups.items[i].order = k + 1;
            }
        }
    }
    if (suite->groups.count > 1) {
        qsort(suite->groups.items, suite->groups.count, sizeof(*suite->groups.items),
              compare_groups);
    }
}

static int read_suite(struct suite *suite, str text)
{
    option_notes notes = {0};
    const struct yaml_node *tree = NULL;
    struct baro_error err = {0};
    struct option_reader rd = {.arena = &suite->arena,
                               .file = suite->path.ptr,
                               .dir = STR("."),
                               .faults = &suite->faults,
                               .unsupported = &notes,
                               .quiet = true};
    bool good = true;

    if (yaml_parse(&suite->arena, text, &tree, &err) < 0) {
        return faults_add(&suite->faults, err.code, suite->path.ptr, err.line, err.column, "%s",
                          err.message);
    }
    suite->text = yaml_is_null(tree) ? option_new(&rd, &suite_type)
                                     : option_read(&rd, &suite_type, tree, &good);
    vec_done(&notes);
    return suite->faults.count > 0 ? suite->faults.items[0].code : 0;
}

static bool is_chosen(const struct suite *suite, const struct test_text *test)
{
    return suite->options->run == NULL || regex_match(suite->options->run, test->name);
}

static bool run_and_tell(struct suite *suite, const struct test_text *test, size_t index)
{
    size_t before = suite->out->len;
    bool passed = run_test(suite, test);

    if (suite->options->on_test != NULL) {
        str name =
            test->name.len > 0 ? test->name : arena_printf(&suite->arena, "unnamed#%zu", index);

        suite->options->on_test(suite->options->context, name,
                                str_from_index(buf_view(suite->out), before));
    }
    return passed;
}

static void run_tests(struct suite *suite, struct rule_suite_result *ret)
{
    for (size_t i = 0; i < suite->text->tests.count; i++) {
        const struct test_text *test = suite->text->tests.items[i];

        if (!is_chosen(suite, test)) {
            continue;
        }
        if (run_and_tell(suite, test, i)) {
            ret->passed++;
        } else {
            ret->failed++;
        }
    }
}

int rule_suite_run(str path, str text, const struct rule_suite_options *options, struct buf *out,
                   struct rule_suite_result *ret)
{
    struct suite suite = {.options = options, .out = out};
    int r;

    *ret = (struct rule_suite_result){0};
    suite.path = arena_str(&suite.arena, path);
    r = read_suite(&suite, text);
    for (size_t i = 0; r == 0 && i < suite.text->rule_files.count; i++) {
        r = load_pattern(&suite, suite.text->rule_files.items[i]);
    }
    if (r == 0) {
        r = check_order(&suite);
    }
    if (r == 0) {
        order_groups(&suite);
        run_tests(&suite, ret);
    }
    for (uint32_t i = 0; i < suite.faults.count; i++) {
        char line[ERROR_FORMAT_BYTES];

        error_format(&suite.faults.items[i], line, sizeof(line));
        buf_printf(out, "    %s\n", line);
    }
    vec_done(&suite.groups);
    arena_done(&suite.arena);
    return r;
}
