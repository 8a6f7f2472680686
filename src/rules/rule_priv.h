/* rule_priv: one rule, as the files of rule_group know it. */
#pragma once

#include "base/lock.h"
#include "base/map.h"
#include "rules/rule_group.h"
#include "rules/rule_series.h"

/* An alert of a rule. The label sets are owned. */
struct rule_alert {
    struct labels labels;
    struct labels annotations;
    str key; /* owned */
    double value;
    enum alert_state state;
    ts active_at;
    ts fired_at;
    ts resolved_at; /* 0 = not */
    ts last_sent_at;
    ts keep_firing_since; /* 0 = not */
    uint64_t round;       /* in which the expression yielded it last */
    ts missing_since;     /* its inputs are gone; 0 = not */
    bool stands_in;       /* for one whose inputs are gone */
    /* Of the evaluating thread alone: the round that yields it, and whether its inputs are gone. */
    uint64_t yielded;
    bool inputs_gone;
};

/* rule_alert_free frees an alert that is not in the map any more. */
void rule_alert_free(struct rule_alert *alert);

struct rule {
    struct rule_spec spec; /* in the group's arena */
    struct rule_series_set series;

    /* Changed by the evaluating thread with the group's lock held, read by it without. */
    struct map alerts; /* key -> struct rule_alert */
    uint64_t round;
    bool restored; /* ALERTS_FOR_STATE is written only once the time before a restart is known */
    enum rule_health health;
    char *error; /* of the last evaluation; NULL = none. Owned */
    ts evaluated_at;
    double evaluation_seconds;
    bool has_no_data; /* the last evaluation read nothing, though the expression reads series */
    bool had_data;
    ts no_data_since; /* 0 = it has data, or never had */
    bool was_judged;  /* of the evaluating thread alone: reads_series is known */
    bool reads_series;
};

/* A query's result as a vector. */
struct rule_result {
    const struct result_series *series;
    size_t count;
    struct result_series scalar; /* where the result was one */
    struct point scalar_point;
};

/* rule_alerts_eval turns a result into alerts and adds their ALERTS samples to the writer; `group`
 * is the name of the rule's group. */
int rule_alerts_eval(struct rule *rule, str group, struct lock *lock, const struct rule_env *env,
                     uint64_t limit, ts t, dur query_offset, const struct rule_result *result,
                     struct rule_writer *writer, struct arena *arena, struct baro_error *err);

/* rule_alert_labels and rule_alert_annotations expand those of an alert that the rule yields at t,
 * in the arena. */
struct labels rule_alert_labels(const struct rule_spec *spec, const struct rule_env *env, ts t,
                                struct arena *arena, struct labels metric, double value);
struct labels rule_alert_annotations(const struct rule_spec *spec, const struct rule_env *env, ts t,
                                     struct arena *arena, struct labels metric, double value);

/* rule_alerts_send hands the alerts that are due to the sink. */
void rule_alerts_send(struct rule *rule, const struct rule_env *env, dur interval, ts t,
                      struct arena *arena);

/* rule_alerts_restore is rule_group_restore for one rule. */
void rule_alerts_restore(struct rule *rule, struct lock *lock, const struct rule_env *env, ts t,
                         dur tolerance, dur grace);

void rule_alerts_done(struct rule *rule);

/* rule_state is the worst state of the rule's alerts. Call with the group's lock held. */
enum alert_state rule_state_locked(const struct rule *rule);

/* rule_query runs an instant query; *ret_result is released by query_result_done. */
int rule_query(const struct rule_env *env, str expr, ts t, struct query_result *ret_result,
               struct rule_result *ret, struct baro_error *err);
