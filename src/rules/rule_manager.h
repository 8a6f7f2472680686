/*
 * rule_manager: the rule groups of the running configuration, and the threads that evaluate them
 * when their time comes. A group is evaluated by one thread at a time, different groups at once.
 * Evaluations stand at fixed places of the interval, the same after every start; those that come
 * too late are left out and counted. Source: Prometheus 3.14, rules/{manager,group}.go.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "model/alert.h"
#include "rules/rule_group.h"

struct clock;
struct rule_manager;

struct rule_manager_options {
    struct clock *clock;
    struct queryable *queryable;
    struct appendable *appendable;
    struct alert_sink *sink;     /* NULL = alerts are only kept */
    const char *external_url;    /* kept */
    size_t thread_count;         /* 0 = 4 */
    dur resend_delay;            /* 0 = 1 m */
    dur outage_tolerance;        /* 0 = 1 h: alerts older than that are not restored */
    struct rule_missing missing; /* of rules that do not say */
    dur grace_period;            /* 0 = 10 m: alerts with a shorter `for` are not restored */
    /* The engine's options of the running configuration. */
    void (*engine)(void *context, struct engine_options *ret);
    void *context;
};

/* What a configuration says of rules. Everything is borrowed for the call. */
struct rule_settings {
    const struct rule_file *files; /* with the path of each */
    const str *paths;
    size_t file_count;
    dur interval; /* of groups that name none */
    dur query_offset;
    struct labels external_labels;
};

/* rule_manager_new starts the threads; there are no groups until rule_manager_apply. */
int rule_manager_new(const struct rule_manager_options *options, struct rule_manager **ret,
                     struct baro_error *err);

/* rule_manager_stop ends running evaluations and the threads; what is known can still be viewed. */
void rule_manager_stop(struct rule_manager *manager);
struct rule_manager *rule_manager_free(struct rule_manager *manager);
DEFINE_CLEANUP(rule_manager_free, struct rule_manager)

/* rule_manager_apply makes these the groups. Groups that stay keep their alerts, what is gone gets
 * stale markers. It waits for running evaluations. One thread at a time. */
void rule_manager_apply(struct rule_manager *manager, const struct rule_settings *settings);

/* rule_manager_is_well: no group is late by more than two intervals and 10 s, and in none all rules
 * fail. Appends which one, else. Any thread. */
bool rule_manager_is_well(struct rule_manager *manager, struct buf *ret_why);

/* rule_manager_figures is rule_manager_view without the rules. */
void rule_manager_figures(struct rule_manager *manager, struct arena *arena,
                          struct rule_group_view **ret, size_t *ret_count);

/* rule_manager_view copies all groups into the arena, sorted by file and name. Any thread. */
void rule_manager_view(struct rule_manager *manager, struct arena *arena,
                       struct rule_group_view **ret, size_t *ret_count);
