/*
 * rule_backtest: what rules would have done over a stretch of stored history: for each alert when
 * it would have been pending, firing and over. Expressions are evaluated as range queries, a window
 * of steps at a time, and the life of each alert is walked through the result, so that a month
 * takes seconds. Recording rules are evaluated first, in the order of the files, into memory, where
 * the expressions of later rules see them beside the stored series.
 *
 * Differences from having run the rules: labels are expanded when an alert begins (a template that
 * prints $value would have made a new alert at each step); a rule does not see what a later one
 * records.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/dur.h"
#include "base/error.h"
#include "rules/rule_file.h"
#include "rules/rule_group.h"

enum {
    BACKTEST_STEPS_MAX = 2000000, /* of one rule */
    BACKTEST_ALERTS_MAX = 200000, /* in all; further ones are counted alone */
};

struct backtest_alert {
    str group;
    str rule;
    struct labels labels;
    struct labels annotations;
    double value;
    ts pending_at;
    ts firing_at;   /* 0 = it never fired */
    ts resolved_at; /* 0 = it was there at the end still */
};

struct backtest_options {
    ts start;
    ts end;
    dur interval; /* of groups that name none */
};

struct backtest {
    struct arena arena;
    struct backtest_alert *alerts; /* by when they were pending, then by rule and labels */
    size_t alert_count;
    size_t dropped; /* beyond the bound */
    size_t rule_count;
    size_t evaluations; /* steps of all rules */
};

/*
 * rule_backtest_run fills *ret, which the caller releases. Fails with the first rule's fault, with
 * BARO_ELIMIT when recording rules yield more than the engine's samples_max in all, and as the
 * engine does when env->cancel becomes true. options->end is not before start, interval positive.
 */
int rule_backtest_run(const struct rule_file *files, size_t file_count, const struct rule_env *env,
                      const struct backtest_options *options, struct backtest *ret,
                      struct baro_error *err);
void rule_backtest_done(struct backtest *backtest);
