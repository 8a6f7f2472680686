/*
 * eval_spread: the rows of a selector, computed on several threads and taken in their order on the
 * query's own. Which thread computes a row changes nothing of it, and sums are added up in the
 * order of the series: an answer is the same to the last bit however many threads there are. Why,
 * and what it gains: docs/decisions/query-crew.md.
 */
#pragma once

#include "promql/engine_priv.h"

enum spread_kind {
    SPREAD_EMPTY,
    SPREAD_ROW,  /* out has a value per step */
    SPREAD_HARD, /* it needs what only the query's own thread has: the taker computes it */
};

struct spread_row {
    enum spread_kind kind;
    bool is_whole;  /* as in struct row */
    size_t points;  /* in the row */
    size_t samples; /* that were read for it */
};

/* What a thread computes with. */
struct spread_worker {
    struct eval ev; /* its samples, work and statistics are the worker's own */
    struct range_call call;
    const struct histogram **h; /* one per step, for whoever needs it */
    struct arena arena;
};

struct spread {
    /* Computes row `index`; on any thread. */
    int (*compute)(void *context, struct spread_worker *worker, size_t index, double *out,
                   struct spread_row *ret, struct baro_error *err);
    /* Takes it; on the calling thread, in rising order. `out` may be changed. */
    int (*take)(void *context, size_t index, double *out, const struct spread_row *row,
                struct baro_error *err);
    void *context;
    size_t count; /* rows */
    size_t steps;
    size_t samples;                /* of a row, about */
    const struct range_call *call; /* that workers begin with; NULL = none */
};

/* eval_spread_pays says whether so many rows are worth several threads. */
bool eval_spread_pays(const struct eval *ev, size_t count, size_t steps, size_t samples);

int eval_spread(struct eval *ev, const struct spread *spread, struct baro_error *err);
