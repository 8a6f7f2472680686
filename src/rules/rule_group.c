#include "rules/rule_group.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/vec.h"
#include "client/self_recent.h"
#include "model/labels_builder.h"
#include "rules/rule_labels.h"
#include "rules/rule_missing_priv.h"
#include "rules/rule_priv.h"
#include "sys/clock.h"

struct rule_group {
    struct arena arena; /* spec and texts */
    str name;
    str file;
    dur interval;
    dur query_offset;
    bool has_query_offset;
    uint64_t limit;
    struct rule *rules;
    size_t count;

    struct lock lock; /* guards what follows, and what struct rule says */
    ts evaluated_at;
    double evaluation_seconds;
    uint64_t evaluations;
    uint64_t failures;
    uint64_t missed;
    uint64_t samples;
};

static struct rule_spec spec_copy(struct arena *arena, const struct rule_spec *from)
{
    return (struct rule_spec){.kind = from->kind,
                              .name = arena_str(arena, from->name),
                              .expr = arena_str(arena, from->expr),
                              .hold = from->hold,
                              .keep_firing = from->keep_firing,
                              .labels = labels_copy(arena, from->labels),
                              .annotations = labels_copy(arena, from->annotations)};
}

struct rule_group *rule_group_new(const struct rule_group_spec *spec, str file,
                                  dur default_interval)
{
    struct rule_group *group = MEM_NEW(struct rule_group);

    lock_init(&group->lock, LOCK_RULE_GROUP);
    group->name = arena_str(&group->arena, spec->name);
    group->file = arena_str(&group->arena, file);
    group->interval = spec->interval > 0 ? spec->interval : default_interval;
    group->query_offset = spec->query_offset;
    group->has_query_offset = spec->has_query_offset;
    group->limit = spec->limit;
    group->count = spec->count;
    group->rules = ARENA_ARRAY(&group->arena, struct rule, spec->count);
    for (size_t i = 0; i < spec->count; i++) {
        group->rules[i].spec = spec_copy(&group->arena, &spec->rules[i]);
    }
    return group;
}

struct rule_group *rule_group_free(struct rule_group *group)
{
    if (group != NULL) {
        for (size_t i = 0; i < group->count; i++) {
            rule_alerts_done(&group->rules[i]);
            rule_series_done(&group->rules[i].series);
            (void)mem_free(group->rules[i].error);
        }
        lock_done(&group->lock);
        arena_done(&group->arena);
    }
    return mem_free(group);
}

str rule_group_name(const struct rule_group *group)
{
    return group->name;
}

str rule_group_file(const struct rule_group *group)
{
    return group->file;
}

dur rule_group_interval(const struct rule_group *group)
{
    return group->interval;
}

size_t rule_group_count(const struct rule_group *group)
{
    return group->count;
}

static bool specs_equal(const struct rule_spec *a, const struct rule_spec *b)
{
    return a->kind == b->kind && str_eq(a->name, b->name) && str_eq(a->expr, b->expr) &&
           a->hold == b->hold && a->keep_firing == b->keep_firing &&
           labels_eq(a->labels, b->labels) && labels_eq(a->annotations, b->annotations);
}

dur rule_group_slot(str file, str name, dur interval)
{
    const struct label names[] = {{STR("file"), file}, {STR("name"), name}};
    uint64_t hash = labels_hash_prometheus((struct labels){names, ARRAY_COUNT(names)});

    ASSERT(interval > 0);
    /* In nanoseconds, as Go has them; there is no interval that they do not fit. */
    if (interval > INT64_MAX / MONO_PER_MS) {
        return 0;
    }
    return (dur)(hash % ((uint64_t)interval * MONO_PER_MS) / MONO_PER_MS);
}

bool rule_group_is_same(const struct rule_group *a, const struct rule_group *b)
{
    bool same = str_eq(a->name, b->name) && str_eq(a->file, b->file) &&
                a->interval == b->interval && a->limit == b->limit && a->count == b->count &&
                a->has_query_offset == b->has_query_offset && a->query_offset == b->query_offset;

    for (size_t i = 0; same && i < a->count; i++) {
        same = specs_equal(&a->rules[i].spec, &b->rules[i].spec);
    }
    return same;
}

/* ---- Evaluation ---- */

int rule_query(const struct rule_env *env, str expr, ts t, struct query_result *ret_result,
               struct rule_result *ret, struct baro_error *err)
{
    struct query query = {.text = expr, .start = t, .end = t, .cancel = env->cancel};
    int r = engine_run(&env->engine, env->queryable, &query, ret_result, err);

    if (r < 0) {
        return r;
    }
    if (ret_result->type == VALUE_SCALAR) {
        ret->scalar_point = (struct point){.t = t, .v = ret_result->scalar};
        ret->scalar = (struct result_series){.points = &ret->scalar_point, .count = 1};
        ret->series = &ret->scalar;
        ret->count = 1;
        return 0;
    }
    if (ret_result->type != VALUE_VECTOR) {
        query_result_done(ret_result);
        return error_set(err, BARO_EEXEC, "rule result is not a vector or scalar");
    }
    ret->series = ret_result->series;
    ret->count = ret_result->series_count;
    return 0;
}

static struct labels recorded_labels(const struct rule_spec *spec, struct labels metric,
                                     struct arena *arena)
{
    struct labels_builder builder = {0};
    struct labels labels;

    labels_builder_load(&builder, metric);
    labels_builder_set(&builder, LABEL_METRIC_NAME, spec->name);
    for (size_t i = 0; i < spec->labels.count; i++) {
        labels_builder_set(&builder, spec->labels.items[i].name, spec->labels.items[i].value);
    }
    labels = labels_copy(arena, labels_builder_finish(&builder));
    labels_builder_done(&builder);
    return labels;
}

static int record(const struct rule *rule, uint64_t limit, ts t, const struct rule_result *result,
                  struct rule_writer *writer, struct arena *arena, struct baro_error *err)
{
    if (limit > 0 && result->count > limit) {
        return error_set(err, BARO_ELIMIT, "exceeded limit of %llu with %zu series",
                         (unsigned long long)limit, result->count);
    }
    for (size_t i = 0; i < result->count; i++) {
        const struct point *point = &result->series[i].points[0];
        const struct sample sample = {.t = t, .v = point->v, .h = point->h};
        int r = rule_writer_add(
            writer, recorded_labels(&rule->spec, result->series[i].metric, arena), &sample, err);

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static dur offset_of(const struct rule_group *group, const struct rule_env *env)
{
    return group->has_query_offset ? group->query_offset : env->query_offset;
}

/* Runs the expression, and writes what it yields. */
static int eval_rule(struct rule_group *group, struct rule *rule, const struct rule_env *env, ts t,
                     struct arena *arena, struct rule_written *ret, struct baro_error *err)
{
    dur offset = offset_of(group, env);
    struct query_result query = {0};
    struct rule_result result = {0};
    struct rule_writer *writer;
    int r = rule_query(env, rule->spec.expr, t - offset, &query, &result, err);

    if (r < 0) {
        return r;
    }
    writer = rule_writer_begin(&rule->series, env->appendable);
    if (rule->spec.kind == RULE_ALERTING) {
        rule_missing_note(rule, &group->lock, env, query.stats.samples_read, t);
        r = rule_alerts_eval(rule, group->name, &group->lock, env, group->limit, t, offset, &result,
                             writer, arena, err);
    } else {
        r = record(rule, group->limit, t - offset, &result, writer, arena, err);
    }
    if (r == 0) {
        r = rule_writer_commit(writer, t - offset, ret, err);
    } else {
        rule_writer_cancel(writer);
    }
    query_result_done(&query);
    return r;
}

static double seconds_since(mono start)
{
    return (double)(clock_mono(clock_real()) - start) / (double)MONO_PER_SECOND;
}

static void note_rule(struct rule_group *group, struct rule *rule, ts t, double seconds, int result,
                      const struct baro_error *err)
{
    self_recent_add(SELF_RECENT_RULE_EVALUATION, seconds, clock_mono(clock_real()));
    lock_acquire(&group->lock);
    rule->health = result < 0 ? RULE_HEALTH_ERR : RULE_HEALTH_OK;
    (void)mem_free(rule->error);
    rule->error = result < 0 ? str_dup_c(str_from(err->message)) : NULL;
    rule->evaluated_at = t;
    rule->evaluation_seconds = seconds;
    lock_release(&group->lock);
}

static void note_group(struct rule_group *group, ts t, double seconds, size_t failed,
                       uint64_t samples)
{
    lock_acquire(&group->lock);
    group->evaluated_at = t;
    group->evaluation_seconds = seconds;
    group->evaluations++;
    group->failures += failed;
    group->samples = samples;
    lock_release(&group->lock);
}

int rule_group_eval(struct rule_group *group, const struct rule_env *env, ts t)
{
    mono start = clock_mono(clock_real());
    uint64_t samples = 0;
    size_t failed = 0;

    for (size_t i = 0; i < group->count; i++) {
        struct rule *rule = &group->rules[i];
        mono rule_start = clock_mono(clock_real());
        struct rule_written written = {0};
        struct baro_error err = {0};
        struct arena arena = {0};
        int r;

        if (env->cancel != NULL && atomic_load_explicit(env->cancel, memory_order_relaxed)) {
            return BARO_ECANCELED;
        }
        r = eval_rule(group, rule, env, t, &arena, &written, &err);
        failed += r < 0;
        samples += written.samples;
        if (r >= 0 && rule->spec.kind == RULE_ALERTING && env->sink != NULL) {
            rule_alerts_send(rule, env, group->interval, t, &arena);
        }
        note_rule(group, rule, t, seconds_since(rule_start), r, &err);
        arena_done(&arena);
    }
    note_group(group, t, seconds_since(start), failed, samples);
    return (int)failed;
}

bool rule_group_is_failing(struct rule_group *group)
{
    size_t failed = 0;

    lock_acquire(&group->lock);
    for (size_t i = 0; i < group->count; i++) {
        failed += group->rules[i].health == RULE_HEALTH_ERR ? 1 : 0;
    }
    lock_release(&group->lock);
    return group->count > 0 && failed == group->count;
}

void rule_group_missed(struct rule_group *group, uint64_t count)
{
    lock_acquire(&group->lock);
    group->missed += count;
    lock_release(&group->lock);
}

/* ---- Reload, end, restore ---- */

/* The rule of `before` that does the same as this one, and was not taken yet. */
static struct rule *find_same(struct rule_group *before, const bool *taken, const struct rule *rule)
{
    for (size_t i = 0; i < before->count; i++) {
        if (!taken[i] && specs_equal(&before->rules[i].spec, &rule->spec)) {
            return &before->rules[i];
        }
    }
    return NULL;
}

static void take_rule(struct rule *rule, struct rule *before)
{
    rule->series = before->series;
    rule->alerts = before->alerts;
    rule->round = before->round;
    rule->restored = before->restored;
    rule->has_no_data = before->has_no_data;
    rule->had_data = before->had_data;
    rule->no_data_since = before->no_data_since;
    rule->health = before->health;
    rule->evaluated_at = before->evaluated_at;
    rule->evaluation_seconds = before->evaluation_seconds;
    rule->error = TAKE(before->error);
    before->series = (struct rule_series_set){0};
    before->alerts = (struct map){0};
}

static void end_rule(const struct rule_group *group, struct rule *rule, const struct rule_env *env,
                     ts t)
{
    if (rule->series.series.count > 0) {
        (void)rule_series_mark_stale(&rule->series, env->appendable, t - offset_of(group, env),
                                     NULL);
    }
}

void rule_group_take(struct rule_group *group, struct rule_group *before,
                     const struct rule_env *env, ts t)
{
    bool *taken = mem_alloc_zero(before->count > 0 ? before->count : 1);

    lock_acquire(&before->lock);
    for (size_t i = 0; i < group->count; i++) {
        struct rule *same = find_same(before, taken, &group->rules[i]);

        if (same != NULL) {
            taken[same - before->rules] = true;
            take_rule(&group->rules[i], same);
        } else {
            group->rules[i].restored =
                true; /* there is nothing from before a restart to wait for */
        }
    }
    group->evaluated_at = before->evaluated_at;
    group->evaluations = before->evaluations;
    group->failures = before->failures;
    group->missed = before->missed;
    lock_release(&before->lock);
    for (size_t i = 0; i < before->count; i++) {
        if (!taken[i]) {
            end_rule(before, &before->rules[i], env, t);
        }
    }
    (void)mem_free(taken);
}

void rule_group_end(struct rule_group *group, const struct rule_env *env, ts t)
{
    for (size_t i = 0; i < group->count; i++) {
        end_rule(group, &group->rules[i], env, t);
    }
}

void rule_group_restore(struct rule_group *group, const struct rule_env *env, ts t, dur tolerance,
                        dur grace)
{
    for (size_t i = 0; i < group->count; i++) {
        struct rule *rule = &group->rules[i];

        if (rule->spec.kind == RULE_ALERTING && !rule->restored) {
            rule_missing_restore(rule, &group->lock, env, t, tolerance);
            rule_alerts_restore(rule, &group->lock, env, t, tolerance, grace);
        }
    }
}

/* ---- What the API shows ---- */

const char *rule_health_name(enum rule_health health)
{
    return health == RULE_HEALTH_OK ? "ok" : health == RULE_HEALTH_ERR ? "err" : "unknown";
}

const char *alert_state_name(enum alert_state state)
{
    return state == ALERT_FIRING ? "firing" : state == ALERT_PENDING ? "pending" : "inactive";
}

static int compare_alerts(const void *a, const void *b)
{
    return labels_cmp(((const struct alert_view *)a)->labels,
                      ((const struct alert_view *)b)->labels);
}

static struct alert_view view_alert(const struct rule_alert *alert, struct arena *arena)
{
    return (struct alert_view){.labels = labels_copy(arena, alert->labels),
                               .annotations = labels_copy(arena, alert->annotations),
                               .state = alert->state,
                               .active_at = alert->active_at,
                               .keep_firing_since = alert->keep_firing_since,
                               .missing_since = alert->missing_since,
                               .had_fired = alert->fired_at != 0,
                               .value = alert->value};
}

static void view_alerts(const struct rule *rule, struct arena *arena, struct rule_view *ret)
{
    size_t index = 0;
    const struct map_entry *entry;

    ret->alerts = ARENA_ARRAY(arena, struct alert_view, rule->alerts.count);
    ret->no_data = ARENA_ARRAY(arena, struct alert_view, rule->alerts.count);
    while ((entry = map_next(&rule->alerts, &index)) != NULL) {
        const struct rule_alert *alert = entry->value;

        if (alert->state != ALERT_INACTIVE) {
            ret->alerts[ret->alert_count++] = view_alert(alert, arena);
        } else if (alert->missing_since != 0) {
            ret->no_data[ret->no_data_count++] = view_alert(alert, arena);
        }
    }
    if (ret->alert_count > 1) {
        qsort(ret->alerts, ret->alert_count, sizeof(*ret->alerts), compare_alerts);
    }
    if (ret->no_data_count > 1) {
        qsort(ret->no_data, ret->no_data_count, sizeof(*ret->no_data), compare_alerts);
    }
}

static void view_rule(const struct rule *rule, struct arena *arena, struct rule_view *ret)
{
    struct rule_spec *spec = ARENA_NEW(arena, struct rule_spec);

    *spec = spec_copy(arena, &rule->spec);
    *ret = (struct rule_view){.spec = spec,
                              .health = rule->health,
                              .state = rule_state_locked(rule),
                              .error = arena_str(arena, str_from(rule->error)),
                              .evaluated_at = rule->evaluated_at,
                              .evaluation_seconds = rule->evaluation_seconds,
                              .has_no_data = rule->has_no_data,
                              .no_data_since = rule->no_data_since};
    view_alerts(rule, arena, ret);
}

static struct rule_group_view figures_locked(const struct rule_group *group, struct arena *arena)
{
    return (struct rule_group_view){.name = arena_str(arena, group->name),
                                    .file = arena_str(arena, group->file),
                                    .interval = group->interval,
                                    .limit = group->limit,
                                    .evaluated_at = group->evaluated_at,
                                    .evaluation_seconds = group->evaluation_seconds,
                                    .evaluations = group->evaluations,
                                    .failures = group->failures,
                                    .missed = group->missed,
                                    .samples = group->samples,
                                    .count = group->count};
}

void rule_group_figures(struct rule_group *group, struct arena *arena, struct rule_group_view *ret)
{
    lock_acquire(&group->lock);
    *ret = figures_locked(group, arena);
    lock_release(&group->lock);
}

void rule_group_view(struct rule_group *group, struct arena *arena, struct rule_group_view *ret)
{
    lock_acquire(&group->lock);
    *ret = figures_locked(group, arena);
    ret->rules = ARENA_ARRAY(arena, struct rule_view, group->count);
    for (size_t i = 0; i < group->count; i++) {
        view_rule(&group->rules[i], arena, &ret->rules[i]);
    }
    lock_release(&group->lock);
}
