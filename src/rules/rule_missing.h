/*
 * rule_missing: what becomes of an alert whose inputs are gone. Prometheus resolves it, as if the
 * condition had become false. That is the default here too, but it is seen: the alert is listed
 * with the time since which there is no data, and written as a series of its own. By an annotation
 * of the rule, or a flag for all rules, such an alert goes on instead, or another one takes its
 * place (docs/decisions/missing-data.md).
 */
#pragma once

#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"

enum rule_missing_kind {
    RULE_MISSING_RESOLVE,
    RULE_MISSING_KEEP,  /* it stays as it is; a pending one does not begin to fire */
    RULE_MISSING_ALERT, /* it is resolved, and an alert MissingData takes its place */
};

struct rule_missing {
    enum rule_missing_kind kind;
    dur time; /* for so long; 0 = an hour for resolve (how long it is listed), else a day */
};

/* The annotation of a rule that says it. */
#define RULE_MISSING_ANNOTATION STR("barograph_missing_data")

/* rule_missing_parse reads "resolve", "keep", "alert", with a duration behind it or without:
 * "keep 2h". Fails with BARO_EINVALID. */
int rule_missing_parse(str text, struct rule_missing *ret, struct baro_error *err);

const char *rule_missing_name(enum rule_missing_kind kind);
