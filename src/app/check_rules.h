/*
 * check_rules: rule files for `check rules`. rules/rule_file reads and checks them; this adds what
 * only a check knows: with catalogues every metric and label that expressions and annotations name,
 * labels that a result has not, and rules that are there twice.
 */
#pragma once

#include "app/expr_known.h"
#include "base/buf.h"
#include "promql/parser.h"

struct rule_counts {
    size_t groups;
    size_t recording;
    size_t alerting;
    size_t lints; /* rules that are there twice: lines with "lint: ", no faults */
};

/* check_rules_record adds the names of a file's recording rules to what is known; faults wait for
 * check_rules. */
void check_rules_record(str text, struct expr_known *known);

struct check_rules_options {
    const struct promql_features *features;
    const struct expr_known *known;
    bool lint;           /* lines for rules that are there twice */
    bool ignore_unknown; /* fields of rules and groups that are not known are no faults */
};

/* check_rules appends a line "FILE:LINE:COL: MESSAGE" for each fault and returns their number. */
size_t check_rules(str text, const char *file, const struct check_rules_options *options,
                   struct rule_counts *ret_counts, struct buf *out);
