/*
 * engine: evaluates PromQL over a queryable. Each call is self-contained and runs on the calling
 * thread; many may run at once. Memory of a query comes from its own arenas and is bounded by
 * samples_max and memory_bytes_max.
 *
 * A range query evaluates each node over all steps at once: a node's value is a set of series with
 * one float per step (NaN-boxed "absent" bits mark steps without a point). Selectors read each
 * series' samples once and slide over them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/dur.h"
#include "base/error.h"
#include "promql/ast.h"
#include "promql/parser.h"
#include "storage/storage.h"

struct crew;

struct engine_options {
    dur lookback;       /* default 5 m */
    dur timeout;        /* 0 = none */
    dur default_step;   /* of subqueries without a step: the global evaluation interval */
    size_t samples_max; /* samples in memory at once per query (--query.max-samples); BARO_ELIMIT
                           beyond */
    size_t memory_bytes_max; /* of the query's arenas; BARO_ELIMIT beyond */
    bool per_step_stats;     /* queries may ask for samples_per_step */
    struct crew *crew;       /* threads that help; NULL = the query has but its own */
    mono crew_ns;            /* they are asked when a selector has this much left to do; 0 = what
                                pays */
    struct promql_features features;
};

/* start == end and step == 0 is an instant query. */
struct query {
    str text;
    ts start;
    ts end;
    dur step;
    dur lookback;               /* 0 = the engine's */
    bool no_step_invariant;     /* tests: do not wrap */
    const _Atomic bool *cancel; /* either stops the query; NULL = none */
    const _Atomic bool *kill;
    bool explain;        /* fill the result's explain */
    bool per_step_stats; /* fill stats.samples_per_step */
};

/* What a node of the expression has cost, all below it included. A node that runs several times (in
 * a subquery, at a single step) is added up. */
struct explain_node {
    const char *kind; /* "selector", "call", "aggregate" ... */
    str text;         /* as the printer writes it */
    uint64_t runs;
    uint64_t series;       /* that came out of it */
    uint64_t points;       /* likewise */
    uint64_t samples_read; /* from the store */
    uint64_t bytes;        /* of the query's memory */
    mono ns;
    struct explain_node **children;
    size_t child_count;
};

struct point {
    ts t;
    double v;
    const struct histogram *h; /* NULL for floats */
};

struct result_series {
    struct labels metric;
    struct point *points; /* one for VALUE_VECTOR */
    size_t count;
};

/* Warnings and infos, distinct, in the order they were found, e.g. "PromQL warning: ... (1:5)". */
struct annotations {
    str *warnings;
    size_t warning_count;
    str *infos;
    size_t info_count;
};

struct query_stats {
    uint64_t samples_read; /* total, as Prometheus counts: a sample once for each step that looks at
                              it */
    uint64_t samples_peak;
    uint64_t series_read;
    const uint64_t *samples_per_step; /* NULL unless asked for; in the result's arena */
    size_t steps;
    mono prepare_ns;
    mono eval_ns;
};

struct query_result {
    enum value_type type; /* of a range query always VALUE_MATRIX */
    ts t;                 /* for VALUE_SCALAR, VALUE_STRING, VALUE_VECTOR */
    double scalar;
    str string;
    struct result_series *series; /* matrix: sorted by labels */
    size_t series_count;
    struct annotations annotations;
    struct query_stats stats;
    struct explain_node *explain; /* NULL unless asked for */
    struct arena arena;           /* owns all of the above */
    struct querier *querier;      /* pins the label bytes */
};

/* engine_run parses, evaluates and fills *ret, which the caller releases with query_result_done. On
 * failure err->message is what Prometheus answers; codes: BARO_EPARSE (bad_data), BARO_EEXEC and
 * BARO_ELIMIT (execution), BARO_ETIMEOUT, BARO_ECANCELED. */
int engine_run(const struct engine_options *options, struct queryable *queryable,
               const struct query *query, struct query_result *ret, struct baro_error *err);
void query_result_done(struct query_result *result);
