#include "base/mem.h"
#include "base/text.h"
#include "base/vec.h"
#include "codec/url_escape.h"
#include "model/labels_builder.h"
#include "rules/rule_labels.h"
#include "rules/rule_missing_priv.h"
#include "rules/rule_priv.h"
#include "template/template_alert.h"

#define ALERTS_NAME           STR("ALERTS")
#define ALERTS_FOR_STATE_NAME STR("ALERTS_FOR_STATE")
#define ALERT_NAME_LABEL      STR("alertname")
#define ALERT_STATE_LABEL     STR("alertstate")

enum {
    RESOLVED_KEPT = 15 * DUR_MINUTE, /* so that a sink that missed it hears of it again */
    SEND_BATCH = 64,
};

static struct rule_alert *alert_free(struct rule_alert *alert)
{
    if (alert != NULL) {
        rule_labels_free(alert->labels);
        rule_labels_free(alert->annotations);
        (void)mem_free((void *)(uintptr_t)alert->key.ptr);
    }
    return mem_free(alert);
}

void rule_alert_free(struct rule_alert *alert)
{
    (void)alert_free(alert);
}

void rule_alerts_done(struct rule *rule)
{
    size_t index = 0;
    struct map_entry *entry;

    while ((entry = map_next(&rule->alerts, &index)) != NULL) {
        (void)alert_free(entry->value);
    }
    map_done(&rule->alerts);
}

/* ---- Templates ---- */

static int template_run_query(void *context, struct arena *arena, str expr, ts t,
                              struct template_sample **ret, size_t *ret_count,
                              struct baro_error *err)
{
    const struct rule_env *env = context;
    struct query_result query = {0};
    struct rule_result result = {0};
    int r = rule_query(env, expr, t, &query, &result, err);

    if (r < 0) {
        return r;
    }
    *ret = ARENA_ARRAY(arena, struct template_sample, result.count);
    *ret_count = result.count;
    for (size_t i = 0; i < result.count; i++) {
        (*ret)[i] = (struct template_sample){labels_copy(arena, result.series[i].metric),
                                             result.series[i].points[0].v};
    }
    query_result_done(&query);
    return 0;
}

/* What the templates of one rule's evaluation share. */
struct expansion {
    const struct rule_spec *spec;
    struct template_alert alert;
    struct arena *arena;
    str name;
};

/* A template that fails becomes its error's text, as in Prometheus: the alert goes out all the
 * same. */
static str expand(const struct expansion *expansion, str text, struct labels labels, double value)
{
    struct baro_error err = {0};
    struct buf out = {0};

    if (template_alert_expand(&expansion->alert, expansion->arena, expansion->name, text, labels,
                              value, &out, &err) < 0) {
        buf_printf(&out, "<error expanding template: %s>", err.message);
    }
    return text_take(expansion->arena, &out);
}

static struct labels alert_labels(const struct expansion *expansion, struct labels metric,
                                  double value)
{
    const struct rule_spec *spec = expansion->spec;
    struct labels_builder builder = {0};
    struct labels labels;

    labels_builder_load(&builder, metric);
    labels_builder_del(&builder, LABEL_METRIC_NAME);
    for (size_t i = 0; i < spec->labels.count; i++) {
        labels_builder_set(&builder, spec->labels.items[i].name,
                           expand(expansion, spec->labels.items[i].value, metric, value));
    }
    labels_builder_set(&builder, ALERT_NAME_LABEL, spec->name);
    labels = labels_copy(expansion->arena, labels_builder_finish(&builder));
    labels_builder_done(&builder);
    return labels;
}

static struct labels alert_annotations(const struct expansion *expansion, struct labels metric,
                                       double value)
{
    const struct labels *texts = &expansion->spec->annotations;
    struct label *items = ARENA_ARRAY(expansion->arena, struct label, texts->count);

    for (size_t i = 0; i < texts->count; i++) {
        items[i] = (struct label){texts->items[i].name,
                                  expand(expansion, texts->items[i].value, metric, value)};
    }
    return (struct labels){items, texts->count};
}

static struct expansion expansion_of(const struct rule_spec *spec, const struct rule_env *env, ts t,
                                     struct arena *arena)
{
    return (struct expansion){
        .spec = spec,
        .alert = {.query = template_run_query,
                  .query_context = (void *)(uintptr_t)env,
                  .t = t,
                  .external_url = env->external_url,
                  .external_labels = env->external_labels,
                  .cancel = env->cancel},
        .arena = arena,
        .name = arena_printf(arena, "__alert_%.*s", STR_ARG(spec->name)),
    };
}

struct labels rule_alert_labels(const struct rule_spec *spec, const struct rule_env *env, ts t,
                                struct arena *arena, struct labels metric, double value)
{
    const struct expansion expansion = expansion_of(spec, env, t, arena);

    return alert_labels(&expansion, metric, value);
}

struct labels rule_alert_annotations(const struct rule_spec *spec, const struct rule_env *env, ts t,
                                     struct arena *arena, struct labels metric, double value)
{
    const struct expansion expansion = expansion_of(spec, env, t, arena);

    return alert_annotations(&expansion, metric, value);
}

/* ---- Evaluation ---- */

/* An alert that the expression yields now. */
struct found {
    struct labels labels;
    struct labels annotations;
    double value;
    str key;
};

static int find_all(const struct expansion *expansion, const struct rule_result *result,
                    struct found *found, struct baro_error *err)
{
    struct map keys = {0};
    int r = 0;

    for (size_t i = 0; i < result->count && r == 0; i++) {
        const struct result_series *series = &result->series[i];
        double value = series->points[0].v;

        found[i].labels = alert_labels(expansion, series->metric, value);
        found[i].annotations = alert_annotations(expansion, series->metric, value);
        found[i].value = value;
        found[i].key = rule_labels_key(expansion->arena, found[i].labels);
        if (map_put(&keys, found[i].key, &found[i]) != NULL) {
            r = error_set(
                err, BARO_EEXEC,
                "vector contains metrics with the same labelset after applying alert labels");
        }
    }
    map_done(&keys);
    return r;
}

/* An alert that is there already keeps its times; one that is new, or was resolved, begins to be
 * pending. */
static void take_found(struct rule *rule, const struct found *found, enum rule_missing_kind missing,
                       ts t)
{
    struct rule_alert *alert = map_get(&rule->alerts, found->key);

    if (alert != NULL && !rule_missing_returns(alert, missing, t)) {
        (void)map_remove(&rule->alerts, found->key);
        alert = alert_free(alert);
    }
    if (alert == NULL) {
        alert = MEM_NEW(struct rule_alert);
        alert->labels = rule_labels_copy(found->labels);
        alert->annotations = (struct labels){NULL, 0};
        alert->key = str_of(str_dup_c(found->key), found->key.len);
        alert->state = ALERT_PENDING;
        alert->active_at = t;
        (void)map_put(&rule->alerts, alert->key, alert);
    }
    rule_labels_free(alert->annotations);
    alert->annotations = rule_labels_copy(found->annotations);
    alert->value = found->value;
    alert->round = rule->round;
}

/* What an alert becomes that the expression does not yield any more; false when it is to be
 * forgotten. */
static bool let_go(const struct rule *rule, struct rule_alert *alert, bool is_replaced, ts t)
{
    if (alert->state == ALERT_FIRING && rule->spec.keep_firing > 0 && !is_replaced &&
        !alert->stands_in) {
        alert->keep_firing_since = alert->keep_firing_since == 0 ? t : alert->keep_firing_since;
        if (t - alert->keep_firing_since < rule->spec.keep_firing) {
            return true;
        }
    }
    if (alert->missing_since != 0) { /* it is listed until its time is over */
        if (alert->state != ALERT_INACTIVE) {
            alert->resolved_at = alert->state == ALERT_FIRING ? t : 0;
            alert->state = ALERT_INACTIVE;
        }
        return true;
    }
    if (alert->state == ALERT_PENDING || (alert->state == ALERT_INACTIVE && alert->fired_at == 0) ||
        (alert->resolved_at != 0 && t - alert->resolved_at > RESOLVED_KEPT)) {
        return false;
    }
    if (alert->state != ALERT_INACTIVE) {
        alert->state = ALERT_INACTIVE;
        alert->resolved_at = t;
    }
    return true;
}

static void move_states(struct rule *rule, enum rule_missing_kind missing, ts t)
{
    VEC(struct rule_alert *) gone = {0};
    size_t index = 0;
    struct map_entry *entry;

    while ((entry = map_next(&rule->alerts, &index)) != NULL) {
        struct rule_alert *alert = entry->value;

        if (alert->round == rule->round) {
            alert->keep_firing_since = 0;
        } else if (!let_go(rule, alert, alert->missing_since != 0 && missing == RULE_MISSING_ALERT,
                           t)) {
            vec_push(&gone, alert);
            continue;
        }
        if (alert->state == ALERT_PENDING && alert->missing_since == 0 &&
            t - alert->active_at >= rule->spec.hold) {
            alert->state = ALERT_FIRING;
            alert->fired_at = t;
        }
    }
    for (size_t i = 0; i < gone.count; i++) {
        (void)map_remove(&rule->alerts, gone.items[i]->key);
        (void)alert_free(gone.items[i]);
    }
    vec_done(&gone);
}

static size_t active_count(const struct rule *rule)
{
    size_t count = 0;
    size_t index = 0;
    const struct map_entry *entry;

    while ((entry = map_next(&rule->alerts, &index)) != NULL) {
        count += ((const struct rule_alert *)entry->value)->state != ALERT_INACTIVE;
    }
    return count;
}

/* The samples ALERTS{alertstate} and ALERTS_FOR_STATE of one alert. */
static int write_alert(const struct rule_alert *alert, struct rule_writer *writer, ts t,
                       struct arena *arena, struct baro_error *err)
{
    struct labels named = labels_with(arena, alert->labels, LABEL_METRIC_NAME, ALERTS_NAME);
    struct labels stated =
        labels_with(arena, named, ALERT_STATE_LABEL, str_from(alert_state_name(alert->state)));
    struct labels since =
        labels_with(arena, alert->labels, LABEL_METRIC_NAME, ALERTS_FOR_STATE_NAME);
    const struct sample one = {.t = t, .v = 1};
    const struct sample start = {.t = t, .v = (double)(alert->active_at / 1000)};
    int result = rule_writer_add(writer, stated, &one, err);

    return result == 0 ? rule_writer_add(writer, since, &start, err) : result;
}

static int write_alerts(const struct rule *rule, struct rule_writer *writer, ts t,
                        struct arena *arena, struct baro_error *err)
{
    size_t index = 0;
    const struct map_entry *entry;
    int result = 0;

    while (result == 0 && rule->restored && (entry = map_next(&rule->alerts, &index)) != NULL) {
        const struct rule_alert *alert = entry->value;

        if (alert->state != ALERT_INACTIVE) {
            result = write_alert(alert, writer, t, arena, err);
        }
    }
    return result;
}

/* Marks the alerts that the expression yields in the round to come. */
static void mark_found(struct rule *rule, const struct found *found, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct rule_alert *alert = map_get(&rule->alerts, found[i].key);

        if (alert != NULL) {
            alert->yielded = rule->round + 1;
        }
    }
}

int rule_alerts_eval(struct rule *rule, str group, struct lock *lock, const struct rule_env *env,
                     uint64_t limit, ts t, dur query_offset, const struct rule_result *result,
                     struct rule_writer *writer, struct arena *arena, struct baro_error *err)
{
    const struct expansion expansion = expansion_of(&rule->spec, env, t - query_offset, arena);
    enum rule_missing_kind missing = rule_missing_of(&rule->spec, env).kind;
    struct found *found = ARENA_ARRAY(arena, struct found, result->count);
    size_t active;
    int r = find_all(&expansion, result, found, err);

    if (r < 0) {
        return r;
    }
    mark_found(rule, found, result->count);
    rule_missing_look(rule, env, t - query_offset);
    lock_acquire(lock);
    rule->round++;
    for (size_t i = 0; i < result->count; i++) {
        take_found(rule, &found[i], missing, t);
    }
    rule_missing_apply_locked(rule, env, t, arena);
    move_states(rule, missing, t);
    active = active_count(rule);
    if (limit > 0 && active > limit) {
        rule_alerts_done(rule);
    }
    lock_release(lock);
    if (limit > 0 && active > limit) {
        return error_set(err, BARO_ELIMIT, "exceeded limit of %llu with %zu alerts",
                         (unsigned long long)limit, active);
    }
    r = write_alerts(rule, writer, t - query_offset, arena, err);
    return r == 0 ? rule_missing_write(rule, group, writer, t - query_offset, arena, err) : r;
}

/* ---- Sending ---- */

static bool is_due(const struct rule_alert *alert, dur resend_delay, ts t)
{
    if (alert->state == ALERT_PENDING || alert->fired_at == 0) {
        return false;
    }
    /* One that was resolved after it was sent goes out at once. */
    return alert->resolved_at > alert->last_sent_at || alert->last_sent_at + resend_delay < t;
}

static void fill_alert(const struct rule_alert *from, dur valid, ts t, str url, struct alert *ret)
{
    *ret = (struct alert){.labels = from->labels,
                          .annotations = from->annotations,
                          .starts_at = from->fired_at,
                          .ends_at = from->resolved_at != 0 ? from->resolved_at : t + valid,
                          .generator_url = url};
}

static str generator_url(const struct rule *rule, str external_url, struct arena *arena)
{
    struct buf url = {0};

    buf_str(&url, external_url);
    buf_c(&url, "/graph?g0.expr=");
    url_query_escape(&url, rule->spec.expr);
    buf_c(&url, "&g0.tab=1");
    return text_take(arena, &url);
}

void rule_alerts_send(struct rule *rule, const struct rule_env *env, dur interval, ts t,
                      struct arena *arena)
{
    /* A receiver that hears nothing for four rounds takes the alert as resolved. */
    dur valid = 4 * (interval > env->resend_delay ? interval : env->resend_delay);
    str url = generator_url(rule, env->external_url, arena);
    struct alert batch[SEND_BATCH];
    size_t count = 0;
    size_t index = 0;
    struct map_entry *entry;

    while ((entry = map_next(&rule->alerts, &index)) != NULL) {
        struct rule_alert *alert = entry->value;

        if (!is_due(alert, env->resend_delay, t)) {
            continue;
        }
        alert->last_sent_at = t;
        fill_alert(alert, valid, t, url, &batch[count++]);
        if (count == SEND_BATCH) {
            env->sink->send(env->sink, batch, count);
            count = 0;
        }
    }
    if (count > 0) {
        env->sink->send(env->sink, batch, count);
    }
}

/* ---- After a restart ---- */

/* Gives an alert the time since which it was active before, less the time that nobody looked. */
static void restore_alert(const struct rule *rule, struct rule_alert *alert,
                          const struct point *last, ts t, dur grace)
{
    ts down_at = last->t;
    ts active_at = (ts)last->v * 1000;
    dur spent = down_at - active_at;
    dur remaining = rule->spec.hold - spent;

    if (remaining <= 0) {
        alert->active_at = active_at; /* it was firing, or was about to */
    } else if (remaining < grace) {
        alert->active_at = t + grace - rule->spec.hold;
    } else {
        alert->active_at = t - spent; /* the outage does not count */
    }
}

static void restore_from(struct rule *rule, const struct rule_result *result, ts t, dur grace)
{
    struct arena arena = {0};

    for (size_t i = 0; i < result->count; i++) {
        const struct result_series *series = &result->series[i];
        struct labels labels = labels_without(&arena, series->metric, LABEL_METRIC_NAME);
        struct rule_alert *alert = map_get(&rule->alerts, rule_labels_key(&arena, labels));

        if (alert != NULL) {
            restore_alert(rule, alert, &series->points[series->count - 1], t, grace);
        }
        arena_reset(&arena);
    }
    arena_done(&arena);
}

void rule_alerts_restore(struct rule *rule, struct lock *lock, const struct rule_env *env, ts t,
                         dur tolerance, dur grace)
{
    struct query_result query = {0};
    struct baro_error err = {0};
    struct buf expr = {0};
    struct query what = {.start = t, .end = t, .cancel = env->cancel};

    if (rule->spec.hold >= grace && rule->alerts.count > 0) {
        struct rule_result result;

        buf_c(&expr, "ALERTS_FOR_STATE{alertname=");
        buf_quoted(&expr, rule->spec.name);
        buf_printf(&expr, "}[%llds]", (long long)(tolerance / 1000));
        what.text = buf_view(&expr);
        if (engine_run(&env->engine, env->queryable, &what, &query, &err) >= 0) {
            result = (struct rule_result){.series = query.series, .count = query.series_count};
            lock_acquire(lock);
            restore_from(rule, &result, t, grace);
            lock_release(lock);
            query_result_done(&query);
        }
        buf_done(&expr);
    }
    rule->restored = true;
}

enum alert_state rule_state_locked(const struct rule *rule)
{
    enum alert_state worst = ALERT_INACTIVE;
    size_t index = 0;
    const struct map_entry *entry;

    while ((entry = map_next(&rule->alerts, &index)) != NULL) {
        enum alert_state state = ((const struct rule_alert *)entry->value)->state;

        worst = state > worst ? state : worst;
    }
    return worst;
}
