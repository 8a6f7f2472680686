/*
 * rule_suite: unit tests of rules, in the format of `promtool test rules`: input series, the alerts
 * that must fire at a time, and the samples that expressions must yield. Source of the format:
 * Prometheus 3.14, cmd/promtool/unittest.go and docs/configuration/unit_testing_rules.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "codec/regex.h"
#include "promql/parser.h"

struct rule_suite_options {
    struct promql_features features;
    const struct regex *run; /* only test groups whose name matches; NULL = all */
    bool ignore_unknown;     /* keys that rule files do not have are passed over */
    /* Called after each test, with what failed in it ("" = nothing). A test without name is
     * "unnamed#INDEX". May be NULL. */
    void (*on_test)(void *context, str name, str failed);
    void *context;
    /* Reads a file that the suite names (path as it stands, joined with the suite's directory) into
     * ret. */
    int (*read)(const char *path, struct buf *ret, struct baro_error *err);
};

struct rule_suite_result {
    size_t passed; /* test groups */
    size_t failed;
};

/*
 * rule_suite_run runs the suite `text` of the file `path`, and appends what failed to out. Returns
 * 0 whether tests failed or not; a suite or a rule file that is malformed is a negative code, with
 * all faults appended to out.
 */
int rule_suite_run(str path, str text, const struct rule_suite_options *options, struct buf *out,
                   struct rule_suite_result *ret);
