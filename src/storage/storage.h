/*
 * storage: what PromQL, the API and the scrapers see of a store: interfaces and the merging of
 * several queriers.
 *
 * Reading goes series by series, and a series' samples come as whole arrays (timestamps and values
 * apart), so that the kernels of PromQL run over sequential memory: there is no per-sample virtual
 * call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "model/sample.h"

typedef uint64_t series_ref;

/* Decoded samples in rising time. `h` is NULL while the series has float samples only; else h[i] !=
 * NULL marks a histogram sample. Owned by whoever reads; reused from series to series. */
struct sample_buf {
    ts *t;
    double *v;
    struct histogram **h;
    size_t count;
    size_t capacity;
};

void sample_buf_done(struct sample_buf *buf);
static inline void sample_buf_reset(struct sample_buf *buf)
{
    buf->count = 0;
}

/* sample_buf_reserve makes room for `more` samples; false when memory is out or SAMPLE_BUF_MAX is
 * passed. */
#define SAMPLE_BUF_MAX ((size_t)1 << 28)
bool sample_buf_reserve(struct sample_buf *buf, size_t more);

/* What a query wants of a selection; all zero is no wish. */
struct select_hints {
    ts start;       /* inclusive, milliseconds */
    ts end;         /* inclusive */
    dur step;       /* of the query; 0 for instant */
    dur range;      /* of the range selector */
    size_t limit;   /* series at most; 0 = all */
    bool sorted;    /* rising by labels_cmp; otherwise in any order */
    bool no_labels; /* the caller will not look at labels: entry.labels may be left empty when that
                       saves work */
};

/* Checks whether work shall stop; called at least every 10 ms of work. Returns 0 or BARO_ETIMEOUT /
 * BARO_ECANCELED. */
struct cancel;
int cancel_check(const struct cancel *cancel, struct baro_error *err);

struct cancel {
    mono deadline;            /* CLOCK_MONOTONIC ns; 0 = none */
    const _Atomic bool *flag; /* set from another thread to cancel; NULL = none */
};

/* One selected series. `labels` lives as long as the querier. `source` and `id` belong to the
 * querier. */
struct series {
    struct labels labels;
    void *source;
    uint64_t id;
};

struct series_list {
    struct series *items; /* in the arena given to querier_select */
    size_t count;
};

/* Sorted distinct strings, in the arena; their bytes live as long as the querier. */
struct str_list {
    const str *items;
    size_t count;
};

/*
 * querier: a consistent view of [mint, maxt] (both inclusive, ms). One thread at a time. Closing it
 * releases what it pins; labels and strings that it handed out die with it.
 */
struct querier {
    const struct querier_ops *ops;
};

struct querier_ops {
    int (*select)(struct querier *querier, struct arena *arena, const struct select_hints *hints,
                  struct matchers matchers, const struct cancel *cancel, struct series_list *ret,
                  struct baro_error *err);
    /* Appends the samples of `series` with start <= t <= end to ret, stale markers included. */
    int (*samples)(struct querier *querier, const struct series *series, ts start, ts end,
                   struct sample_buf *ret, struct baro_error *err);
    /* The last sample with start <= t <= end (stale markers included): 1 and *ret_t, *ret_v when
     * there is one, else 0. */
    int (*last_sample)(struct querier *querier, const struct series *series, ts start, ts end,
                       ts *ret_t, double *ret_v, struct baro_error *err);
    int (*label_names)(struct querier *querier, struct arena *arena, struct matchers matchers,
                       const struct cancel *cancel, struct str_list *ret, struct baro_error *err);
    int (*label_values)(struct querier *querier, struct arena *arena, str name,
                        struct matchers matchers, const struct cancel *cancel, struct str_list *ret,
                        struct baro_error *err);
    void (*close)(struct querier *querier);
};

static inline void querier_close(struct querier *querier)
{
    querier->ops->close(querier);
}

static inline void querier_closep(struct querier **querier)
{
    if (*querier != NULL) {
        querier_close(*querier);
    }
}

/* A store that can be queried: tsdb, the merged view, a test store. */
struct queryable {
    int (*querier)(struct queryable *queryable, ts mint, ts maxt, struct querier **ret,
                   struct baro_error *err);
};

/*
 * querier_merge makes one view of several queriers (which it owns from then on): equal label sets
 * become one series, samples are merged by time, and of equal timestamps the one of the later
 * querier in `parts` is kept. With one part it returns that part.
 */
struct querier *querier_merge(struct querier **parts, size_t count);

/*
 * memstore: a small store in memory for tests and promqltest scripts: any order of appends per
 * series is refused but rising time. Not thread-safe.
 */
struct memstore;
struct memstore *memstore_new(void);
struct memstore *memstore_free(struct memstore *store);
DEFINE_CLEANUP(memstore_free, struct memstore)
struct queryable *memstore_queryable(struct memstore *store);
int memstore_append(struct memstore *store, struct labels labels, ts t, double v,
                    struct baro_error *err);
void memstore_clear(struct memstore *store);
