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

/*
 * Decoded samples in rising time. `h` is NULL while there are float samples only; else h[i] != NULL
 * marks a histogram sample, and v[i] is its sum. `st` is NULL while no sample has a start
 * timestamp; else 0 is an unknown one. Histograms live in `arena`, or as long as the querier that
 * gave them. Owned by whoever reads; reused from series to series.
 *
 * Who appends sets count last, and fills h and st too where they are not NULL; sample_buf_add_h and
 * sample_buf_add_st make those columns, with nothing in the samples that are there.
 */
/* What is known of float samples without looking at them; all zero = nothing. */
struct sample_facts {
    dur distance;     /* of all neighbours */
    bool no_nan;      /* so no stale markers either */
    bool never_falls; /* no value is below the one before */
};

struct sample_buf {
    ts *t;
    double *v;
    const struct histogram **h;
    ts *st;
    size_t count;
    size_t capacity;
    struct arena arena;              /* of the histograms that were decoded for this buffer */
    const struct histogram **h_room; /* kept while h is NULL */
    ts *st_room;
    struct sample_buf *aside; /* of sample_buf_merge, made when it is needed */
    /* Of how many stored samples each one tells, where a wish for fewer (select_hints.reduce) was
     * granted; NULL = each of itself. The first n_count are set, the others are 1. */
    uint32_t *n;
    size_t n_count;
    uint32_t *n_room;
    struct sample_facts facts;
};

void sample_buf_done(struct sample_buf *buf);
static inline void sample_buf_reset(struct sample_buf *buf)
{
    buf->count = 0;
    buf->st = NULL;
    buf->n = NULL;
    buf->n_count = 0;
    buf->facts = (struct sample_facts){0};
    if (buf->h != NULL) {
        buf->h = NULL;
        arena_reset(&buf->arena);
    }
}

/* These return false when memory is out. */
bool sample_buf_add_h(struct sample_buf *buf);
bool sample_buf_add_st(struct sample_buf *buf);
/* sample_buf_add_n makes the column n, and sets it for all samples that are there. */
bool sample_buf_add_n(struct sample_buf *buf);

/*
 * sample_buf_merge makes one rising run of two: [first, middle), and what follows it, which wins at
 * equal times. A histogram that gets another predecessor loses what its hint knows of a reset.
 * False when memory is out.
 */
bool sample_buf_merge(struct sample_buf *buf, size_t first, size_t middle);

/* sample_buf_join is sample_buf_merge when the facts of [first, middle) were `before`, and of what
 * follows are buf->facts: what holds for both holds for all, if it does where they meet. */
bool sample_buf_join(struct sample_buf *buf, size_t first, size_t middle,
                     struct sample_facts before);

/* sample_buf_move copies one sample within a buffer or between two; `to` must have the columns that
 * `from` has. */
static inline void sample_buf_move(struct sample_buf *to, size_t to_index,
                                   const struct sample_buf *from, size_t from_index)
{
    to->t[to_index] = from->t[from_index];
    to->v[to_index] = from->v[from_index];
    if (to->h != NULL) {
        to->h[to_index] = from->h != NULL ? from->h[from_index] : NULL;
    }
    if (to->st != NULL) {
        to->st[to_index] = from->st != NULL ? from->st[from_index] : 0;
    }
    if (to->n != NULL) {
        to->n[to_index] = from->n != NULL && from_index < from->n_count ? from->n[from_index] : 1;
    }
}

/* sample_buf_trim gives back what there is room for behind the samples, when no more will come. */
void sample_buf_trim(struct sample_buf *buf);

/* sample_buf_bytes is the memory of the columns and of the histograms, about. */
size_t sample_buf_bytes(const struct sample_buf *buf);

/* sample_buf_reserve makes room for `more` samples; false when memory is out or SAMPLE_BUF_MAX is
 * passed. */
#define SAMPLE_BUF_MAX ((size_t)1 << 28)
bool sample_buf_reserve(struct sample_buf *buf, size_t more);

/*
 * What a query can do with instead of all samples: for each window (k * hints.window, (k + 1) *
 * hints.window] as many samples as the name says. A store may grant the wish for some series and
 * times, and give all samples for others.
 */
enum select_reduce {
    REDUCE_NONE,
    REDUCE_LAST,  /* the last one, and a stale marker behind it */
    REDUCE_SUM,   /* one with the sum (stale markers left out); n is the count */
    REDUCE_MIN,   /* one with the least value */
    REDUCE_MAX,   /* one with the greatest value */
    REDUCE_EDGES, /* the first, the last, and those before and behind each fall; n tells how far
                     from the one before */
    REDUCE_KINDS, /* how many there are */
};

/* What a query wants of a selection; all zero is no wish. */
struct select_hints {
    enum select_reduce reduce;
    dur window;   /* with reduce */
    ts start;     /* inclusive, milliseconds */
    ts end;       /* inclusive */
    dur step;     /* of the query; 0 for instant */
    dur range;    /* of the range selector */
    size_t limit; /* series at most; 0 = all */
    bool sorted;  /* rising by labels_cmp; otherwise in any order */
    /* Labels that the caller will look at: others may be left out. 0 = it may look at all. */
    const str *names;
    size_t name_count;
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
    const _Atomic bool *kill; /* likewise */
};

/* One selected series. `labels` lives as long as the querier. `source` and `id` belong to the
 * querier. `hash` is labels_hash(labels) where the store knows it already, or 0. `same` is there
 * when the store keeps the series beyond the query, and at first 0: who has found the labels of two
 * such series to be equal gives both the same number, so that they need not be compared again. */
struct series {
    struct labels labels;
    void *source;
    uint64_t id;
    uint64_t hash;
    _Atomic uint64_t *same;
};

struct series_list {
    struct series *items; /* in the arena given to querier_select */
    size_t count;
};

/* Float samples where they lie, in rising time. */
struct sample_view {
    const ts *t;
    const double *v;
    size_t count;
    struct sample_facts facts;
};

/* Samples that are equally far apart, none of them a NaN, in several pieces: the one at index i is
 * at first + i * distance. */
enum { SAMPLE_PIECES_MAX = 16 };
struct sample_pieces {
    ts first;
    dur distance;
    size_t count; /* of all pieces; at least 1 */
    bool never_falls;
    size_t piece_count;
    struct {
        const double *v;
        size_t begin;     /* index of its first sample */
        size_t end;       /* and behind its last one */
        bool never_falls; /* within it */
    } pieces[SAMPLE_PIECES_MAX];
};

/* Sorted distinct strings, in the arena; their bytes live as long as the querier. `same` is for
 * them what it is for labels. */
struct str_list {
    const str *items;
    size_t count;
    _Atomic uint64_t *same;
};

/*
 * querier: a consistent view of [mint, maxt] (both inclusive, ms). One thread at a time, but for
 * samples(), view() and last_sample(): those may run on several threads at once, beside nothing
 * else, each with a buffer or arena of its own. Closing it releases what it pins; labels and
 * strings that it handed out die with it.
 */
struct querier {
    const struct querier_ops *ops;
};

struct querier_ops {
    int (*select)(struct querier *querier, struct arena *arena, const struct select_hints *hints,
                  struct matchers matchers, const struct cancel *cancel, struct series_list *ret,
                  struct baro_error *err);
    /* Appends the samples of `series` with start <= t <= end to ret, stale markers included.
     * ret->facts, all zero before, may then tell what is known of these. */
    int (*samples)(struct querier *querier, const struct series *series, ts start, ts end,
                   struct sample_buf *ret, struct baro_error *err);
    /* What samples() would give, without copying: 1, and valid until the querier is closed; 0 when
     * that cannot be done. NULL: never. On several threads as samples(). */
    int (*view)(struct querier *querier, const struct series *series, ts start, ts end,
                struct sample_view *ret);
    /* view() for samples that do not lie in one piece, but regularly: 1, or 0. NULL: never. */
    int (*pieces)(struct querier *querier, const struct series *series, ts start, ts end,
                  struct sample_pieces *ret);
    /* The last sample with start <= t <= end (stale markers included): 1 and *ret when there is
     * one, else 0. A histogram is in the arena, or lives as long as the querier. */
    int (*last_sample)(struct querier *querier, const struct series *series, ts start, ts end,
                       struct arena *arena, struct sample *ret, struct baro_error *err);
    int (*label_names)(struct querier *querier, struct arena *arena, struct matchers matchers,
                       const struct cancel *cancel, struct str_list *ret, struct baro_error *err);
    int (*label_values)(struct querier *querier, struct arena *arena, str name,
                        struct matchers matchers, const struct cancel *cancel, struct str_list *ret,
                        struct baro_error *err);
    void (*close)(struct querier *querier);
    /* How many damaged series and chunks were passed over so far; NULL when that never happens. */
    uint64_t (*damage)(struct querier *querier);
    /* What went wrong without ending the query, from index 0 on, NULL behind the last; it lives as
     * long as the querier. NULL when nothing ever does. */
    const char *(*warning)(struct querier *querier, size_t index);
};

static inline uint64_t querier_damage(struct querier *querier)
{
    return querier->ops->damage != NULL ? querier->ops->damage(querier) : 0;
}

static inline const char *querier_warning(struct querier *querier, size_t index)
{
    return querier->ops->warning != NULL ? querier->ops->warning(querier, index) : NULL;
}

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
    struct queryable *local; /* what of it is in this process; NULL = all */
};

/* queryable_local leaves out what other processes have. */
static inline struct queryable *queryable_local(struct queryable *queryable)
{
    return queryable->local != NULL ? queryable->local : queryable;
}

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
/* memstore_append_sample takes a sample of any kind; a histogram is copied, and gets the reset hint
 * that a chunk would give it: gauge, unknown where a chunk begins, else not reset. */
int memstore_append_sample(struct memstore *store, struct labels labels,
                           const struct sample *sample, struct baro_error *err);
void memstore_clear(struct memstore *store);
