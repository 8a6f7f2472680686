/*
 * rule_file: a rule file as Prometheus reads it: groups of recording and alerting rules. Reading
 * checks all that can be checked without running: names, durations, labels, expressions, templates;
 * every fault with its place. Source of the format and of the wording: Prometheus 3.14,
 * model/rulefmt.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "codec/yaml.h"
#include "model/labels.h"
#include "promql/parser.h"

enum rule_kind { RULE_RECORDING, RULE_ALERTING };

struct rule_spec {
    enum rule_kind kind;
    str name;
    str expr; /* as written */
    dur hold; /* `for` */
    dur keep_firing;
    struct labels labels;      /* the group's merged in; of alerts the values are templates */
    struct labels annotations; /* templates */
    const struct yaml_node *node;
};

struct rule_group_spec {
    str name;
    dur interval; /* 0 = the global evaluation_interval */
    dur query_offset;
    bool has_query_offset; /* else the global rule_query_offset */
    uint64_t limit;        /* series or alerts that one rule may yield; 0 = any number */
    struct rule_spec *rules;
    size_t count;
};

struct rule_file {
    struct rule_group_spec *groups;
    size_t count;
    size_t recording_count;
    size_t alerting_count;
};

/*
 * rule_file_parse reads a file's text; what it returns lives in the arena and keeps nothing of
 * text. Faults are added to `faults` with `path` as their input. Returns 0, or the code of the
 * first fault; *ret then has the groups that were good.
 */
int rule_file_parse(struct arena *arena, str path, str text, const struct promql_features *features,
                    struct rule_file *ret, struct faults *faults);

/* rule_file_parse_lax passes over keys that rule files do not have. */
int rule_file_parse_lax(struct arena *arena, str path, str text,
                        const struct promql_features *features, struct rule_file *ret,
                        struct faults *faults);
