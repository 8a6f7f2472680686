/*
 * rule_group: rules that are evaluated one after another, at the same times. An evaluation runs
 * each rule's expression; a recording rule writes the result, an alerting rule turns it into alerts
 * that are pending, then firing, then resolved, and writes ALERTS and ALERTS_FOR_STATE. Semantics:
 * Prometheus 3.14, rules/{group,alerting,recording}.go.
 *
 * One thread evaluates a group at a time; rule_group_view may be called from any thread meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"
#include "model/alert.h"
#include "promql/engine.h"
#include "rules/rule_file.h"
#include "rules/rule_missing.h"
#include "storage/appender.h"
#include "storage/storage.h"

/* What an evaluation works on. Everything is borrowed. */
struct rule_env {
    struct queryable *queryable;
    struct appendable *appendable;
    struct engine_options engine;
    struct labels external_labels; /* for templates */
    str external_url;
    dur query_offset;        /* of groups without one */
    dur resend_delay;        /* firing alerts are sent again after so long */
    struct alert_sink *sink; /* NULL = alerts are only kept */
    const _Atomic bool *cancel;
    struct rule_missing missing; /* of rules that do not say */
};

struct rule_group;

/* rule_group_new makes a group that has not been evaluated yet (spec is copied); default_interval
 * is for those that name none. */
struct rule_group *rule_group_new(const struct rule_group_spec *spec, str file,
                                  dur default_interval);
struct rule_group *rule_group_free(struct rule_group *group);
DEFINE_CLEANUP(rule_group_free, struct rule_group)

str rule_group_name(const struct rule_group *group);
str rule_group_file(const struct rule_group *group);
dur rule_group_interval(const struct rule_group *group);
size_t rule_group_count(const struct rule_group *group);

/* rule_group_slot is where in its interval a group is evaluated, from what names it: where
 * Prometheus 3 evaluates it. */
dur rule_group_slot(str file, str name, dur interval);

/* rule_group_is_same tells whether both would do the same: name, file, interval, limit and all
 * rules. */
bool rule_group_is_same(const struct rule_group *a, const struct rule_group *b);

/* rule_group_eval evaluates all rules at t. A rule that fails is marked and the others go on;
 * returns how many failed. BARO_ECANCELED when it was stopped in between. */
int rule_group_eval(struct rule_group *group, const struct rule_env *env, ts t);

/* rule_group_take moves over what `before`, the same group of an earlier configuration, knows:
 * alerts and written series of the rules that are still there. Series of those that are not get
 * stale markers at t. */
void rule_group_take(struct rule_group *group, struct rule_group *before,
                     const struct rule_env *env, ts t);

/* rule_group_end writes stale markers for everything the group wrote: it is gone from the
 * configuration. */
void rule_group_end(struct rule_group *group, const struct rule_env *env, ts t);

/*
 * rule_group_restore brings back for how long alerts have been active before a restart, from
 * ALERTS_FOR_STATE not older than `tolerance`; alerts whose `for` is below `grace` start anew.
 * Called after the first evaluation, at its time.
 */
void rule_group_restore(struct rule_group *group, const struct rule_env *env, ts t, dur tolerance,
                        dur grace);

/* rule_group_is_failing: there are rules, and at the last evaluation each of them failed. */
bool rule_group_is_failing(struct rule_group *group);

/* rule_group_missed counts evaluations that were left out because the one before took too long. */
void rule_group_missed(struct rule_group *group, uint64_t count);

/* ---- What the API shows ---- */

enum rule_health { RULE_HEALTH_UNKNOWN, RULE_HEALTH_OK, RULE_HEALTH_ERR };
enum alert_state { ALERT_INACTIVE, ALERT_PENDING, ALERT_FIRING };

const char *rule_health_name(enum rule_health health);
const char *alert_state_name(enum alert_state state);

struct alert_view {
    struct labels labels;
    struct labels annotations;
    enum alert_state state;
    ts active_at;
    ts keep_firing_since; /* 0 = not */
    ts missing_since;     /* there is no data for it; 0 = not */
    bool had_fired;
    double value;
};

struct rule_view {
    const struct rule_spec *spec;
    enum rule_health health;
    enum alert_state state; /* of the worst alert */
    str error;
    ts evaluated_at; /* 0 = not yet */
    double evaluation_seconds;
    struct alert_view *alerts; /* pending and firing ones */
    size_t alert_count;
    bool has_no_data;           /* the expression reads series, and found none */
    ts no_data_since;           /* 0 = never had any, or has */
    struct alert_view *no_data; /* alerts that ended because their inputs are gone */
    size_t no_data_count;
};

struct rule_group_view {
    str name;
    str file;
    dur interval;
    uint64_t limit;
    ts evaluated_at;
    double evaluation_seconds;
    uint64_t evaluations;
    uint64_t failures;
    uint64_t missed;
    uint64_t samples; /* written by the last evaluation */
    struct rule_view *rules;
    size_t count;
};

/* rule_group_figures copies all but the rules, of which it gives the number; rule_group_view copies
 * everything into the arena. */
void rule_group_figures(struct rule_group *group, struct arena *arena, struct rule_group_view *ret);
void rule_group_view(struct rule_group *group, struct arena *arena, struct rule_group_view *ret);
