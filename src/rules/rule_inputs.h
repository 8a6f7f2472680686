/*
 * rule_inputs: whether what an alert was computed from is still there. An alert goes away when its
 * condition becomes false, and when a series that the condition needs is gone; only the store can
 * tell the two apart. The expression is walked down to its selectors with those labels of the alert
 * that must be the series's own (aggregations, matching and label functions take some away), and a
 * selector is present while one series with these labels has a sample.
 *
 * What stands on the right of `unless` or in absent(), and the series of alerts themselves, are no
 * inputs. Of `or` one side is enough;
 * everything else needs all of its parts. Where that cannot be told (durations that are
 * expressions) an input counts as present.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "promql/ast.h"
#include "storage/storage.h"

enum rule_input {
    RULE_INPUT_NONE, /* the expression reads no series */
    RULE_INPUT_PRESENT,
    RULE_INPUT_MISSING,
};

struct rule_inputs_env {
    struct queryable *queryable;
    dur lookback;
    ts t; /* of the evaluation, offset applied */
    const struct cancel *cancel;
    struct arena *arena;
};

/* rule_inputs_find looks for the inputs of an alert with these labels (those that the rule sets
 * left out). Fails as querier's select and samples do. */
int rule_inputs_find(const struct rule_inputs_env *env, const struct expr *expr,
                     struct labels labels, enum rule_input *ret, struct baro_error *err);

/* rule_inputs_any: the expression reads a series that counts as an input. */
bool rule_inputs_any(const struct expr *expr);
