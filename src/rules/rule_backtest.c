#include "rules/rule_backtest.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/vec.h"
#include "model/labels_builder.h"
#include "rules/rule_labels.h"
#include "rules/rule_priv.h"

enum { WINDOW_STEPS = 4096 }; /* of one query: bounds its memory */

/* Times and steps beyond are refused, so that their sums have room. */
#define TIME_MAX (INT64_C(1) << 59)

/* One series of an alerting rule's expression, and the alert that it makes now. */
struct track {
    struct labels metric;
    ts pending_at; /* 0 = there is none */
    ts firing_at;
    ts absent_since; /* with keep_firing_for; 0 = present */
    ts window;       /* in which it was present last */
    struct backtest_alert alert;
};

/* The stored series and those recorded here as one store. */
struct joined {
    struct queryable queryable;
    struct queryable *stored;
    struct queryable *recorded;
};

struct run {
    const struct backtest_options *options;
    struct rule_env env;
    struct memstore *recorded;
    struct joined joined;
    struct backtest *result;
    VEC(struct backtest_alert) alerts;
    size_t recorded_samples;
    struct baro_error *err;
};

/* ---- Stored and recorded ---- */

static int joined_querier(struct queryable *queryable, ts mint, ts maxt, struct querier **ret,
                          struct baro_error *err)
{
    struct joined *joined = (struct joined *)(void *)queryable;
    struct querier *parts[2] = {NULL, NULL};
    int r = joined->stored->querier(joined->stored, mint, maxt, &parts[0], err);

    if (r < 0) {
        return r;
    }
    r = joined->recorded->querier(joined->recorded, mint, maxt, &parts[1], err);
    if (r < 0) {
        querier_close(parts[0]);
        return r;
    }
    *ret = querier_merge(parts, 2);
    return 0;
}

/* ---- Recording rules ---- */

static struct labels recorded_labels(const struct rule_spec *spec, struct labels metric,
                                     struct labels_builder *builder)
{
    labels_builder_load(builder, metric);
    labels_builder_set(builder, LABEL_METRIC_NAME, spec->name);
    for (size_t i = 0; i < spec->labels.count; i++) {
        labels_builder_set(builder, spec->labels.items[i].name, spec->labels.items[i].value);
    }
    return labels_builder_finish(builder);
}

/* A series that is not yielded any more ends with a stale marker, as rules write it. */
static int record(struct run *run, const struct rule_spec *spec, const struct query_result *result,
                  ts last, dur step)
{
    struct labels_builder builder = {0};
    int r = 0;

    for (size_t i = 0; i < result->series_count && r >= 0; i++) {
        const struct result_series *series = &result->series[i];
        struct labels labels = recorded_labels(spec, series->metric, &builder);

        for (size_t k = 0; k < series->count && r >= 0; k++) {
            ts t = series->points[k].t;
            bool ends =
                k + 1 < series->count ? series->points[k + 1].t > t + step : t + step <= last;
            const struct sample sample = {
                .t = t, .v = series->points[k].v, .h = series->points[k].h};

            if (run->env.engine.samples_max > 0 &&
                ++run->recorded_samples > run->env.engine.samples_max) {
                r = error_set(run->err, BARO_ELIMIT,
                              "the recording rules yield more than %zu samples: choose a shorter "
                              "range or a longer interval",
                              run->env.engine.samples_max);
                break;
            }
            r = memstore_append_sample(run->recorded, labels, &sample, run->err);
            if (r >= 0 && ends) {
                r = memstore_append(run->recorded, labels, t + step, value_stale(), run->err);
            }
        }
    }
    labels_builder_done(&builder);
    return r;
}

/* ---- Alerting rules ---- */

static void keep_alert(struct run *run, const struct track *track, ts resolved_at)
{
    struct backtest_alert alert = track->alert;

    if (run->alerts.count >= BACKTEST_ALERTS_MAX) {
        run->result->dropped++;
        return;
    }
    alert.pending_at = track->pending_at;
    alert.firing_at = track->firing_at;
    alert.resolved_at = resolved_at;
    vec_push(&run->alerts, alert);
}

/* Labels as the rule has them at this time; annotations when it fires. */
static void begin_alert(struct run *run, const struct rule_spec *spec, struct track *track, ts t,
                        double value)
{
    track->pending_at = t;
    track->firing_at = 0;
    track->absent_since = 0;
    track->alert.value = value;
    track->alert.labels =
        rule_alert_labels(spec, &run->env, t, &run->result->arena, track->metric, value);
    track->alert.annotations = (struct labels){NULL, 0};
}

static void is_present(struct run *run, const struct rule_spec *spec, struct track *track, ts t,
                       double value)
{
    track->absent_since = 0;
    if (track->pending_at == 0) {
        begin_alert(run, spec, track, t, value);
    }
    if (track->firing_at == 0 && t - track->pending_at >= spec->hold) {
        track->firing_at = t;
        track->alert.value = value;
        track->alert.annotations =
            rule_alert_annotations(spec, &run->env, t, &run->result->arena, track->metric, value);
    }
}

static void is_absent(struct run *run, const struct rule_spec *spec, struct track *track, ts t)
{
    if (track->pending_at == 0) {
        return;
    }
    if (track->firing_at != 0 && spec->keep_firing > 0) {
        track->absent_since = track->absent_since == 0 ? t : track->absent_since;
        if (t - track->absent_since < spec->keep_firing) {
            return;
        }
    }
    keep_alert(run, track, t);
    track->pending_at = 0;
}

/* The steps (from, to) at which the series was not there. Only two of them matter: the first, and
 * with keep_firing_for the one at which that is over. */
static void absent_between(struct run *run, const struct rule_spec *spec, struct track *track,
                           ts from, ts to, dur step)
{
    ts first = from + step;
    ts over = first;

    if (first >= to || track->pending_at == 0) {
        return;
    }
    is_absent(run, spec, track, first);
    if (track->pending_at != 0 && track->absent_since != 0 &&
        spec->keep_firing < to - track->absent_since) {
        over = track->absent_since + (spec->keep_firing + step - 1) / step * step;
        if (over < to) {
            is_absent(run, spec, track, over);
        }
    }
}

static struct track *track_find(struct map *tracks, struct run *run, const struct rule_spec *spec,
                                str group, struct labels metric)
{
    struct arena *arena = &run->result->arena;
    str key = rule_labels_key(arena, metric);
    struct track *track = map_get(tracks, key);

    if (track == NULL) {
        track = ARENA_NEW(arena, struct track);
        track->metric = labels_copy(arena, metric);
        track->alert.group = group;
        track->alert.rule = spec->name;
        (void)map_put(tracks, key, track);
    }
    return track;
}

/* One window, [first, last]. Tracks that the result does not name were absent in all of it. */
static void walk(struct run *run, const struct rule_spec *spec, str group, struct map *tracks,
                 const struct query_result *result, ts first, ts last, dur step)
{
    struct map_entry *entry;
    size_t index = 0;

    for (size_t i = 0; i < result->series_count; i++) {
        const struct result_series *series = &result->series[i];
        struct track *track = track_find(tracks, run, spec, group, series->metric);
        ts before = first - step;

        for (size_t k = 0; k < series->count; k++) {
            absent_between(run, spec, track, before, series->points[k].t, step);
            is_present(run, spec, track, series->points[k].t, series->points[k].v);
            before = series->points[k].t;
        }
        absent_between(run, spec, track, before, last + step, step);
        track->window = first;
    }
    while ((entry = map_next(tracks, &index)) != NULL) {
        struct track *track = entry->value;

        if (track->window != first) {
            absent_between(run, spec, track, first - step, last + step, step);
        }
    }
}

/* ---- Rules ---- */

static int run_window(struct run *run, const struct rule_spec *spec, str group, struct map *tracks,
                      ts first, ts last, dur step)
{
    struct query_result result = {0};
    const struct query query = {
        .text = spec->expr, .start = first, .end = last, .step = step, .cancel = run->env.cancel};
    int r = engine_run(&run->env.engine, run->env.queryable, &query, &result, run->err);

    if (r < 0) {
        return r;
    }
    run->result->evaluations += (size_t)((last - first) / step) + 1;
    if (spec->kind == RULE_RECORDING) {
        r = record(run, spec, &result, last, step);
    } else {
        walk(run, spec, group, tracks, &result, first, last, step);
    }
    query_result_done(&result);
    return r;
}

static int run_rule(struct run *run, const struct rule_spec *spec, str group, dur step)
{
    ts start = run->options->start;
    int64_t steps = (run->options->end - start) / step + 1;
    struct map tracks = {0};
    struct map_entry *entry;
    size_t index = 0;
    int r = 0;

    for (int64_t i = 0; i < steps && r >= 0; i += WINDOW_STEPS) {
        int64_t last = i + WINDOW_STEPS < steps ? i + WINDOW_STEPS - 1 : steps - 1;

        r = run_window(run, spec, group, &tracks, start + i * step, start + last * step, step);
    }
    while (r >= 0 && (entry = map_next(&tracks, &index)) != NULL) {
        if (((struct track *)entry->value)->pending_at != 0) {
            keep_alert(run, entry->value, 0);
        }
    }
    map_done(&tracks);
    return r < 0 ? error_wrap(run->err, r, "group %.*s, rule %.*s", STR_ARG(group),
                              STR_ARG(spec->name))
                 : 0;
}

static int run_kind(struct run *run, const struct rule_file *file, enum rule_kind kind)
{
    int r = 0;

    for (size_t i = 0; i < file->count && r >= 0; i++) {
        const struct rule_group_spec *group = &file->groups[i];
        dur step = group->interval > 0 ? group->interval : run->options->interval;

        if (run->options->start < -TIME_MAX || run->options->end > TIME_MAX || step > TIME_MAX) {
            return error_set(run->err, BARO_EINVALID, "group %.*s: the times are out of range",
                             STR_ARG(group->name));
        }
        if ((run->options->end - run->options->start) / step >= BACKTEST_STEPS_MAX) {
            return error_set(run->err, BARO_ELIMIT,
                             "group %.*s: more than %d steps: choose a shorter range or a longer "
                             "interval",
                             STR_ARG(group->name), BACKTEST_STEPS_MAX);
        }
        for (size_t k = 0; k < group->count && r >= 0; k++) {
            if (group->rules[k].kind == kind) {
                run->result->rule_count++;
                r = run_rule(run, &group->rules[k], group->name, step);
            }
        }
    }
    return r;
}

static int alert_compare(const void *a, const void *b)
{
    const struct backtest_alert *x = a;
    const struct backtest_alert *y = b;
    int order = (x->pending_at > y->pending_at) - (x->pending_at < y->pending_at);

    order = order != 0 ? order : str_cmp(x->rule, y->rule);
    return order != 0 ? order : labels_cmp(x->labels, y->labels);
}

int rule_backtest_run(const struct rule_file *files, size_t file_count, const struct rule_env *env,
                      const struct backtest_options *options, struct backtest *ret,
                      struct baro_error *err)
{
    CLEANUP(memstore_freep) struct memstore *recorded = memstore_new();
    struct run run = {
        .options = options, .env = *env, .recorded = recorded, .result = ret, .err = err};
    int r = 0;

    *ret = (struct backtest){0};
    run.joined =
        (struct joined){{.querier = joined_querier}, env->queryable, memstore_queryable(recorded)};
    run.env.queryable = &run.joined.queryable;
    for (size_t i = 0; i < file_count && r >= 0; i++) {
        r = run_kind(&run, &files[i], RULE_RECORDING);
    }
    for (size_t i = 0; i < file_count && r >= 0; i++) {
        r = run_kind(&run, &files[i], RULE_ALERTING);
    }
    ret->alerts = ARENA_ARRAY(&ret->arena, struct backtest_alert, run.alerts.count);
    ret->alert_count = run.alerts.count;
    for (size_t i = 0; i < run.alerts.count; i++) {
        ret->alerts[i] = run.alerts.items[i];
    }
    if (ret->alert_count > 1) {
        qsort(ret->alerts, ret->alert_count, sizeof(*ret->alerts), alert_compare);
    }
    vec_done(&run.alerts);
    if (r < 0) {
        rule_backtest_done(ret);
    }
    return r < 0 ? r : 0;
}

void rule_backtest_done(struct backtest *backtest)
{
    arena_done(&backtest->arena);
    *backtest = (struct backtest){0};
}
