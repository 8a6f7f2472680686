/*
 * promqltest: runs scripts in the promqltest language (clear, load, eval; docs/conformance.md says
 * where it is specified) against the engine over a memstore. Source of the language: Prometheus
 * 3.14, promql/promqltest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "base/vec.h"
#include "model/labels.h"

struct promqltest_options {
    bool thorough; /* run instant evals also inside a range and with @ at other times */
};

enum promqltest_outcome {
    PROMQLTEST_PASSED,
    PROMQLTEST_FAILED,
    PROMQLTEST_OUTCOME_COUNT,
};

struct promqltest_eval {
    uint32_t line; /* of the eval command, from 1 */
    enum promqltest_outcome outcome;
    str command; /* the whole eval line */
    str wanted;  /* empty when it passed */
    str got;
};

struct promqltest_report {
    struct arena arena; /* owns the texts */
    VEC(struct promqltest_eval) evals;
    size_t counts[PROMQLTEST_OUTCOME_COUNT];
};

/*
 * promqltest_run runs all commands of `text` and adds to *report, which starts zeroed. Evals that
 * do not pass are no failure of the call; a script that breaks the language's rules is:
 * BARO_EPARSE, with the name and the line in err. Scripts load at most PROMQLTEST_SAMPLES_MAX
 * samples.
 */
enum { PROMQLTEST_SAMPLES_MAX = 10000000 };
int promqltest_run(str name, str text, const struct promqltest_options *options,
                   struct promqltest_report *report, struct baro_error *err);
void promqltest_report_done(struct promqltest_report *report);

/*
 * promqltest_report_print appends "NAME:LINE: COMMAND", what was wanted and what came for every
 * eval that failed, then "NAME: N passed, M failed".
 */
void promqltest_report_print(struct buf *buf, str name, const struct promqltest_report *report);

/* One value of a series line in the notation of `load`: "1+1x5 _ stale {{sum:1 count:2}}". */
struct promqltest_value {
    double v;
    const struct histogram *h; /* NULL for floats; in the arena */
    bool omitted;
};

/* promqltest_series_parse reads `metric values`, as rule unit tests have them too. All in the
 * arena. Fails with BARO_EPARSE. */
int promqltest_series_parse(struct arena *arena, str line, struct labels *ret_labels,
                            struct promqltest_value **ret, size_t *ret_count,
                            struct baro_error *err);
