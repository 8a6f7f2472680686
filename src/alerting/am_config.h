/*
 * am_config: alertmanager.yml as Alertmanager 0.34 reads it: global defaults, the routing tree,
 * receivers, inhibition rules, time intervals. Reading checks all that can be checked without
 * running or opening files, every fault with its place. Options of receivers stand in tables
 * (am_kinds*.c), read by key through option_slot_*. Source of format and wording:
 * Alertmanager's documentation, "Configuration". Immutable once read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alerting/am_interval.h"
#include "alerting/am_matcher.h"
#include "alerting/am_route.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "conf/option.h"

/* One way to notify, and a table of its options. */
struct am_kind {
    const char *name; /* "email" */
    const char *key;  /* "email_configs" */
    const struct option_type *type;
    bool has_http; /* it has the option http_config */
    /* Inherits from global what is not set, and checks what depends on it. */
    void (*finish)(struct option_reader *rd, const void *global, void *options,
                   const struct yaml_node *node);
};

struct am_integration {
    const struct am_kind *kind;
    const void *options;          /* of kind->type */
    const struct prom_http *http; /* NULL = defaults, or no HTTP */
};

struct am_receiver {
    str name;
    struct labels labels; /* `name` among them */
    const struct am_integration *integrations;
    size_t count;
};

struct am_inhibit_rule {
    str name;
    am_matchers source;
    am_matchers target;
    struct conf_strs equal;
};

struct am_config {
    struct arena arena;
    const void *global;         /* of am_global_type */
    struct conf_strs templates; /* patterns of file names, joined with the file's directory */
    struct am_route *route;     /* the root */
    struct am_inhibit_rule *inhibit_rules;
    size_t inhibit_rule_count;
    struct am_receiver *receivers;
    size_t receiver_count;
    struct am_interval *intervals; /* time_intervals and mute_time_intervals */
    size_t interval_count;
    option_notes unsupported; /* what is read, and run by nothing */
};

extern const struct option_type am_global_type;

/*
 * am_config_parse reads a file's text; `path` names it in messages, and names of files in it are
 * relative to its directory. On success *ret is the caller's (am_config_free) and keeps nothing of
 * text; else the code of the first fault is returned, all stand in `faults`, and *ret is NULL.
 */
int am_config_parse(str path, str text, struct am_config **ret, struct faults *faults);
struct am_config *am_config_free(struct am_config *config);
DEFINE_CLEANUP(am_config_free, struct am_config)
