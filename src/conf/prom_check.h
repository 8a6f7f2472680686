/*
 * prom_check: the work of `barograph check config`: loads configurations, looks at the files they
 * name, and writes what it found as file:line:col: message. Prints nothing itself.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"

/* Exit statuses, as promtool has them. */
enum { PROM_CHECK_OK = 0, PROM_CHECK_FAILED = 1, PROM_CHECK_LINT = 3 };

struct prom_check_options {
    bool syntax_only; /* do not look at files that the configuration names */
    bool agent;       /* the rules of --agent */
    bool strict;      /* what is valid but not supported yet fails, too */
    bool lint_fatal;  /* doubled rules fail with PROM_CHECK_LINT */
    bool no_lint;     /* rules that are there twice are not looked for */
    dur interval_max; /* longer scrape intervals are lint; 0 = not looked at */
    int (*check_selector)(str selector, struct baro_error *err); /* as in prom_load_options */
    /* Judges a rule file, which is above this floor: appends a line for each fault, returns their
     * number. NULL = only its YAML is looked at. */
    size_t (*check_rules)(const void *context, str text, const char *path, struct buf *out);
    const void *context; /* of check_rules */
};

/*
 * prom_config_check checks one file and appends lines to out: faults, warnings ("warning: " before
 * the message), and a last line that says how it went. Returns the exit status.
 */
int prom_config_check(const char *path, const struct prom_check_options *options, struct buf *out);
