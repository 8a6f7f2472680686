#include "rules/rule_missing.h"

#include <math.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/vec.h"
#include "model/labels_builder.h"
#include "rules/rule_inputs.h"
#include "rules/rule_labels.h"
#include "rules/rule_missing_priv.h"
#include "sys/clock.h"

#define ALERT_NAME_LABEL STR("alertname")
#define RULE_NAME_LABEL  STR("rulename")
#define STAND_IN_NAME    STR("MissingData")
#define ALERT_SERIES     STR("barograph_alert_no_data_timestamp_seconds")
#define RULE_SERIES      STR("barograph_rule_no_data_timestamp_seconds")

#define LISTED_DEFAULT ((dur)DUR_HOUR)
#define KEPT_DEFAULT   ((dur)DUR_DAY)

/* So many alerts of a rule are asked for their inputs at each evaluation; further ones count as if
 * their condition had become false. */
enum { LOOKED_AT_MAX = 10000 };

/* The year 9999, in seconds: what is beyond is no time. */
static const double seconds_max = 253402300799.0;

static const char *const names[] = {
    [RULE_MISSING_RESOLVE] = "resolve",
    [RULE_MISSING_KEEP] = "keep",
    [RULE_MISSING_ALERT] = "alert",
};

const char *rule_missing_name(enum rule_missing_kind kind)
{
    return names[kind];
}

int rule_missing_parse(str text, struct rule_missing *ret, struct baro_error *err)
{
    size_t space = str_index_char(text, ' ');
    str word = str_slice(text, 0, space);
    str rest = space == SIZE_MAX ? STR("") : str_trim(str_from_index(text, space));

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct rule_missing found = {.kind = (enum rule_missing_kind)i};

        if (!str_is(word, names[i])) {
            continue;
        }
        if (rest.len > 0 && (dur_parse(rest, &found.time, NULL) < 0 || found.time <= 0)) {
            break;
        }
        *ret = found;
        return 0;
    }
    return error_set(err, BARO_EINVALID,
                     "\"%.*s\": resolve, keep or alert is wanted, and how long it holds: keep 2h",
                     STR_ARG(text));
}

struct rule_missing rule_missing_of(const struct rule_spec *spec, const struct rule_env *env)
{
    str text = labels_get(spec->annotations, RULE_MISSING_ANNOTATION);
    struct rule_missing missing = env->missing;

    if (text.ptr != NULL) {
        (void)rule_missing_parse(text, &missing, NULL); /* checked when the file was read */
    }
    if (missing.time <= 0) {
        missing.time = missing.kind == RULE_MISSING_RESOLVE ? LISTED_DEFAULT : KEPT_DEFAULT;
    }
    return missing;
}

/* ---- Looking ---- */

/* The labels that the expression gave: what the rule sets may hide one, and is left out. */
static struct labels expr_labels(const struct rule_spec *spec, struct labels labels,
                                 struct arena *arena)
{
    struct label *items = ARENA_ARRAY(arena, struct label, labels.count);
    size_t count = 0;

    for (size_t i = 0; i < labels.count; i++) {
        if (!str_eq(labels.items[i].name, ALERT_NAME_LABEL) &&
            labels_get(spec->labels, labels.items[i].name).ptr == NULL) {
            items[count++] = labels.items[i];
        }
    }
    return (struct labels){items, count};
}

static bool is_to_be_looked_at(const struct rule *rule, const struct rule_alert *alert)
{
    return !alert->stands_in && alert->yielded != rule->round + 1 &&
           (alert->missing_since != 0 ||
            (alert->state != ALERT_INACTIVE && alert->keep_firing_since == 0));
}

static bool any_to_be_looked_at(const struct rule *rule)
{
    size_t index = 0;
    const struct map_entry *entry;

    while ((entry = map_next(&rule->alerts, &index)) != NULL) {
        if (is_to_be_looked_at(rule, entry->value)) {
            return true;
        }
    }
    return false;
}

static void look_at(struct rule *rule, const struct rule_env *env, const struct expr *expr, ts t)
{
    const struct cancel cancel = {.deadline = env->engine.timeout > 0
                                                  ? clock_mono(clock_real()) +
                                                        env->engine.timeout * MONO_PER_MS
                                                  : 0,
                                  .flag = env->cancel};
    struct arena arena = {0};
    const struct rule_inputs_env inputs = {
        .queryable = env->queryable,
        .lookback = env->engine.lookback > 0 ? env->engine.lookback : 5 * (dur)DUR_MINUTE,
        .t = t,
        .cancel = &cancel,
        .arena = &arena};
    size_t index = 0;
    size_t left = LOOKED_AT_MAX;
    struct map_entry *entry;

    while ((entry = map_next(&rule->alerts, &index)) != NULL) {
        struct rule_alert *alert = entry->value;
        enum rule_input found = RULE_INPUT_PRESENT;

        alert->inputs_gone = false;
        if (!is_to_be_looked_at(rule, alert) || left == 0) {
            continue;
        }
        left--;
        arena_reset(&arena);
        /* A store that cannot answer is no reason to say that the data is gone. */
        alert->inputs_gone =
            rule_inputs_find(&inputs, expr, expr_labels(&rule->spec, alert->labels, &arena), &found,
                             NULL) >= 0 &&
            found == RULE_INPUT_MISSING;
    }
    arena_done(&arena);
}

void rule_missing_look(struct rule *rule, const struct rule_env *env, ts t)
{
    struct arena arena = {0};
    struct expr *expr = NULL;

    if (any_to_be_looked_at(rule) &&
        promql_parse(&arena, rule->spec.expr, &env->engine.features, &expr, NULL) >= 0) {
        look_at(rule, env, expr, t);
        promql_expr_done(expr);
    }
    arena_done(&arena);
}

void rule_missing_note(struct rule *rule, struct lock *lock, const struct rule_env *env,
                       uint64_t samples_read, ts t)
{
    struct arena arena = {0};
    struct expr *expr = NULL;

    if (samples_read == 0 && !rule->was_judged &&
        promql_parse(&arena, rule->spec.expr, &env->engine.features, &expr, NULL) >= 0) {
        rule->reads_series = rule_inputs_any(expr);
        rule->was_judged = true;
        promql_expr_done(expr);
    }
    arena_done(&arena);
    lock_acquire(lock);
    rule->has_no_data = samples_read == 0 && rule->reads_series;
    rule->had_data = rule->had_data || samples_read > 0;
    if (!rule->has_no_data) {
        rule->no_data_since = 0;
    } else if (rule->no_data_since == 0 && rule->had_data) {
        rule->no_data_since = t;
    }
    lock_release(lock);
}

/* ---- States ---- */

static void annotate(struct rule_alert *alert, struct arena *arena, ts since)
{
    struct labels annotations =
        labels_with(arena, alert->annotations, STR("no_data_since"), text_time(arena, since));
    struct labels copy = rule_labels_copy(annotations);

    rule_labels_free(alert->annotations);
    alert->annotations = copy;
}

bool rule_missing_returns(struct rule_alert *alert, enum rule_missing_kind kind, ts t)
{
    bool was_missing = alert->missing_since != 0;

    if (!was_missing || kind == RULE_MISSING_RESOLVE) {
        alert->missing_since = 0;
        return alert->state != ALERT_INACTIVE;
    }
    if (alert->state == ALERT_INACTIVE) {
        alert->state = alert->fired_at != 0 ? ALERT_FIRING : ALERT_PENDING;
        alert->fired_at = alert->fired_at != 0 ? t : 0; /* after the end that was told */
        alert->resolved_at = 0;
        alert->last_sent_at = 0;
    }
    if (alert->state == ALERT_PENDING) {
        alert->active_at += t - alert->missing_since; /* nobody knows what was in between */
    }
    alert->missing_since = 0;
    return true;
}

static struct labels stand_in_labels(const struct rule_alert *alert, struct arena *arena)
{
    str name = labels_get(alert->labels, ALERT_NAME_LABEL);

    return labels_with(arena, labels_with(arena, alert->labels, RULE_NAME_LABEL, name),
                       ALERT_NAME_LABEL, STAND_IN_NAME);
}

static struct labels stand_in_annotations(const struct rule_alert *alert, struct arena *arena)
{
    str name = labels_get(alert->labels, ALERT_NAME_LABEL);
    str since = text_time(arena, alert->missing_since);
    struct labels labels = labels_with(
        arena, alert->annotations, STR("summary"),
        arena_printf(arena, "No data for %.*s since %.*s", STR_ARG(name), STR_ARG(since)));

    return labels_with(
        arena, labels, STR("description"),
        arena_printf(arena,
                     "%.*s was %s when the series that it is computed from went away. It is not "
                     "known whether its condition holds.",
                     STR_ARG(name), alert->fired_at != 0 ? "firing" : "pending"));
}

/* The alert in the place of one without data: it goes on from how far that had come. */
static void stand_in(struct rule *rule, const struct rule_alert *alert, struct arena *arena)
{
    struct labels labels = stand_in_labels(alert, arena);
    str key = rule_labels_key(arena, labels);
    struct rule_alert *other = map_get(&rule->alerts, key);

    if (other != NULL && (!other->stands_in || other->state != ALERT_INACTIVE)) {
        other->round = other->stands_in ? rule->round : other->round;
        return;
    }
    if (other != NULL) { /* told as resolved a while ago */
        (void)map_remove(&rule->alerts, key);
        rule_alert_free(other);
    }
    other = MEM_NEW(struct rule_alert);
    other->labels = rule_labels_copy(labels);
    other->annotations = rule_labels_copy(stand_in_annotations(alert, arena));
    other->key = str_of(str_dup_c(key), key.len);
    other->value = alert->value;
    other->state = ALERT_PENDING;
    other->active_at = alert->active_at;
    other->round = rule->round;
    other->stands_in = true;
    (void)map_put(&rule->alerts, other->key, other);
}

void rule_missing_apply_locked(struct rule *rule, const struct rule_env *env, ts t,
                               struct arena *arena)
{
    struct rule_missing policy = rule_missing_of(&rule->spec, env);
    VEC(struct rule_alert *) without = {0};
    size_t index = 0;
    struct map_entry *entry;

    while ((entry = map_next(&rule->alerts, &index)) != NULL) {
        struct rule_alert *alert = entry->value;
        bool was_missing = alert->missing_since != 0;

        if (alert->stands_in || alert->round == rule->round) {
            continue;
        }
        if (!alert->inputs_gone || (was_missing && t - alert->missing_since >= policy.time)) {
            alert->missing_since = 0;
            alert->inputs_gone = false;
            continue;
        }
        if (!was_missing && alert->state == ALERT_INACTIVE) {
            continue;
        }
        if (!was_missing) {
            alert->missing_since = t;
        }
        if (policy.kind == RULE_MISSING_KEEP) {
            alert->round = rule->round;
            if (!was_missing) {
                annotate(alert, arena, t);
            }
        } else if (policy.kind == RULE_MISSING_ALERT) {
            vec_push(&without, alert);
        }
    }
    for (size_t i = 0; i < without.count; i++) {
        stand_in(rule, without.items[i], arena);
    }
    vec_done(&without);
}

/* ---- Series ---- */

/* The labels of the rule that are no templates. */
static struct labels rule_labels_of(const struct rule_spec *spec, str group, struct arena *arena)
{
    struct labels_builder builder = {0};
    struct labels labels;

    for (size_t i = 0; i < spec->labels.count; i++) {
        if (!str_contains(spec->labels.items[i].value, STR("{{"))) {
            labels_builder_set(&builder, spec->labels.items[i].name, spec->labels.items[i].value);
        }
    }
    labels_builder_set(&builder, LABEL_METRIC_NAME, RULE_SERIES);
    labels_builder_set(&builder, ALERT_NAME_LABEL, spec->name);
    labels_builder_set(&builder, STR("rule_group"), group);
    labels = labels_copy(arena, labels_builder_finish(&builder));
    labels_builder_done(&builder);
    return labels;
}

int rule_missing_write(const struct rule *rule, str group, struct rule_writer *writer, ts t,
                       struct arena *arena, struct baro_error *err)
{
    size_t index = 0;
    const struct map_entry *entry;
    int r = 0;

    if (!rule->restored) {
        return 0;
    }
    if (rule->no_data_since != 0) {
        const struct sample since = {.t = t, .v = (double)rule->no_data_since / 1000};

        r = rule_writer_add(writer, rule_labels_of(&rule->spec, group, arena), &since, err);
    }
    while (r == 0 && (entry = map_next(&rule->alerts, &index)) != NULL) {
        const struct rule_alert *alert = entry->value;
        const struct sample since = {.t = t, .v = (double)alert->missing_since / 1000};

        if (alert->missing_since != 0) {
            r = rule_writer_add(writer,
                                labels_with(arena, alert->labels, LABEL_METRIC_NAME, ALERT_SERIES),
                                &since, err);
        }
    }
    return r;
}

/* ---- After a restart ---- */

/* What is known of an alert from before. */
struct past {
    struct labels labels;
    enum alert_state state; /* INACTIVE: not among ALERTS */
    ts active_at;
    ts missing_since;
};

struct reading {
    const struct rule_env *env;
    struct rule *rule;
    struct arena arena;
    struct map pasts; /* key -> struct past */
    ts start;
    ts end;
};

static struct past *past_of(struct reading *reading, struct labels labels)
{
    str key = rule_labels_key(&reading->arena, labels);
    struct past *past = map_get(&reading->pasts, key);

    if (past == NULL) {
        past = ARENA_NEW(&reading->arena, struct past);
        past->labels = labels;
        (void)map_put(&reading->pasts, key, past);
    }
    return past;
}

static void read_alert(struct reading *reading, str name, struct labels labels, double value)
{
    str state = labels_get(labels, STR("alertstate"));
    struct past *past;

    labels = labels_without(&reading->arena, labels, LABEL_METRIC_NAME);
    if (str_is(name, "ALERTS")) {
        past = past_of(reading, labels_without(&reading->arena, labels, STR("alertstate")));
        past->state = str_is(state, "firing") ? ALERT_FIRING : ALERT_PENDING;
    } else if (str_is(name, "ALERTS_FOR_STATE")) {
        past_of(reading, labels)->active_at = (ts)value * 1000;
    } else {
        past_of(reading, labels)->missing_since = (ts)(value * 1000);
    }
}

/* Calls read_alert for each series of a name and this rule's alerts that had not ended. Returns how
 * many there were of another name: of RULE_SERIES. */
static double read_series(struct reading *reading, str name)
{
    const struct rule_env *env = reading->env;
    const struct matcher items[] = {
        {MATCHER_EQUAL, LABEL_METRIC_NAME, name, NULL},
        {MATCHER_EQUAL, ALERT_NAME_LABEL, reading->rule->spec.name, NULL}};
    const struct select_hints hints = {.start = reading->start, .end = reading->end};
    const struct cancel cancel = {.flag = env->cancel};
    CLEANUP(querier_closep) struct querier *querier = NULL;
    struct series_list list = {0};
    double last_value = NAN;
    int r = env->queryable->querier(env->queryable, reading->start, reading->end, &querier, NULL);

    r = r < 0 ? r
              : querier->ops->select(querier, &reading->arena, &hints,
                                     (struct matchers){items, ARRAY_COUNT(items)}, &cancel, &list,
                                     NULL);
    for (size_t i = 0; r >= 0 && i < list.count; i++) {
        struct sample last = {0};

        r = querier->ops->last_sample(querier, &list.items[i], reading->start, reading->end,
                                      &reading->arena, &last, NULL);
        /* A stale marker, too, is no number; and others may write series of these names. */
        if (r <= 0 || last.h != NULL || !(last.v >= 0 && last.v <= seconds_max)) {
            continue;
        }
        last_value = last.v;
        if (!str_eq(name, RULE_SERIES)) {
            read_alert(reading, name, labels_copy(&reading->arena, list.items[i].labels), last.v);
        }
    }
    return last_value;
}

/* How the alert goes on; the next evaluation looks at its inputs. */
static struct rule_alert *revive(const struct reading *reading, const struct past *past,
                                 enum rule_missing_kind kind, struct arena *arena, ts t)
{
    const struct rule_spec *spec = &reading->rule->spec;
    ts seen = past->missing_since != 0 ? past->missing_since : t;
    bool had_fired = past->active_at != 0 && seen - past->active_at >= spec->hold;
    struct rule_alert *alert = MEM_NEW(struct rule_alert);
    str key = rule_labels_key(arena, past->labels);

    alert->labels = rule_labels_copy(past->labels);
    alert->annotations =
        rule_labels_copy(rule_alert_annotations(spec, reading->env, t, arena, past->labels, NAN));
    alert->key = str_of(str_dup_c(key), key.len);
    alert->value = NAN;
    alert->active_at = past->active_at != 0 ? past->active_at : seen;
    alert->missing_since = past->missing_since;
    alert->state = past->state;
    if (kind != RULE_MISSING_RESOLVE && (past->state == ALERT_FIRING || had_fired)) {
        alert->fired_at = alert->active_at + spec->hold;
    }
    return alert;
}

/* By default only what has been listed comes back, and is told to nobody. */
static bool is_wanted(const struct past *past, enum rule_missing_kind kind)
{
    switch (kind) {
    case RULE_MISSING_RESOLVE:
        return past->missing_since != 0 && past->state == ALERT_INACTIVE;
    case RULE_MISSING_KEEP:
        return past->state != ALERT_INACTIVE;
    case RULE_MISSING_ALERT:
        break;
    }
    return past->state != ALERT_INACTIVE || past->missing_since != 0;
}

static void revive_all(struct reading *reading, struct lock *lock, ts t)
{
    struct rule *rule = reading->rule;
    enum rule_missing_kind kind = rule_missing_of(&rule->spec, reading->env).kind;
    size_t index = 0;
    const struct map_entry *entry;

    while ((entry = map_next(&reading->pasts, &index)) != NULL) {
        const struct past *past = entry->value;

        if (map_get(&rule->alerts, entry->key) == NULL && is_wanted(past, kind)) {
            struct rule_alert *alert = revive(reading, past, kind, &reading->arena, t);

            if (alert->missing_since != 0 && kind == RULE_MISSING_KEEP) {
                annotate(alert, &reading->arena, alert->missing_since);
            }
            lock_acquire(lock);
            (void)map_put(&rule->alerts, alert->key, alert);
            lock_release(lock);
        }
    }
}

void rule_missing_restore(struct rule *rule, struct lock *lock, const struct rule_env *env, ts t,
                          dur tolerance)
{
    struct reading reading = {.env = env, .rule = rule, .start = t - tolerance + 1, .end = t};
    enum rule_missing_kind kind = rule_missing_of(&rule->spec, env).kind;
    double since;

    (void)read_series(&reading, ALERT_SERIES);
    if (reading.pasts.count > 0 || kind != RULE_MISSING_RESOLVE) {
        (void)read_series(&reading, STR("ALERTS"));
        (void)read_series(&reading, STR("ALERTS_FOR_STATE"));
    }
    revive_all(&reading, lock, t);
    since = read_series(&reading, RULE_SERIES);
    lock_acquire(lock);
    if (isfinite(since) && rule->has_no_data) {
        rule->had_data = true;
        rule->no_data_since = (ts)(since * 1000);
    }
    lock_release(lock);
    map_done(&reading.pasts);
    arena_done(&reading.arena);
}
