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
    size_t first; /* the first that is not computed yet */
    size_t steps;
    mono row_ns;                   /* that a row has taken so far */
    const struct range_call *call; /* that workers begin with; NULL = none */
};

/* How long the first rows take tells whether the others are worth several threads. */
struct spread_watch {
    mono begin;
    mono last;      /* look */
    mono row_ns;    /* the least that a row took between two looks: the rest is another's doing */
    size_t look_at; /* rows done at the next look; 0 = never */
};
struct spread_watch spread_watch_begin(const struct eval *ev, size_t count);

/* eval_spread_pays is asked before each row; when true, *spread is ready for eval_spread, which
 * does all that are left. */
bool eval_spread_pays(const struct eval *ev, struct spread_watch *watch, struct spread *spread,
                      size_t done);

int eval_spread(struct eval *ev, const struct spread *spread, struct baro_error *err);
