/*
 * target_group: what a discovery found: sets of labels (with __address__) that share further
 * labels. Read from JSON or YAML as file and HTTP discovery have it: a list of {targets: [...],
 * labels:
 * {...}}. Immutable once made; owned by the list it stands in.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/error.h"
#include "base/str.h"
#include "model/labels.h"

struct target_group {
    str source;                 /* names the group in messages and error texts */
    struct labels labels;       /* of all targets; a target's own come first */
    const str *addresses;       /* __address__ of each target */
    const struct labels *extra; /* further labels of each target; NULL = none */
    size_t target_count;
};

/* Groups that were found together; they and all bytes are in the arena. */
struct target_groups {
    struct arena arena;
    struct target_group *items;
    size_t count;
};

struct target_groups *target_groups_new(void);
struct target_groups *target_groups_free(struct target_groups *groups);
DEFINE_CLEANUP(target_groups_free, struct target_groups)

/* More targets or labels than this in one text are refused with BARO_ELIMIT. */
enum { TARGET_GROUPS_MAX = 1 << 20 };

/*
 * target_groups_read_json and _yaml read a list of groups; each gets the source "NAME:INDEX" and
 * the label `meta` = name. Unknown keys and label names that are not UTF-8 are refused. Fail with
 * BARO_EPARSE or BARO_ELIMIT; line and column where they are known.
 */
int target_groups_read_json(str text, str name, str meta, struct target_groups **ret,
                            struct baro_error *err);
int target_groups_read_yaml(str text, str name, str meta, struct target_groups **ret,
                            struct baro_error *err);
