/*
 * block_cache: what queries have read of blocks, kept for the next one: which series a set of
 * matchers selects, the labels of these series and where their chunks are, and runs of their
 * decoded samples. Blocks never change, so nothing of it gets stale. One cache serves all blocks of
 * a data directory and is bounded in bytes; any thread.
 *
 * Whoever reads is announced (block_cache_enter): what the cache gives stays as long as its reader
 * is there, also when it has left the cache meanwhile. Why, and what it gains:
 * docs/decisions/block-cache.md.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/dur.h"
#include "base/str.h"
#include "model/labels.h"
#include "tsdb/index_reader.h"

/* Some five million samples; and the labels of some 50,000 series. */
#define BLOCK_CACHE_RUN_BYTES_MAX    ((size_t)48 << 20)
#define BLOCK_CACHE_SERIES_BYTES_MAX ((size_t)24 << 20)

enum { BLOCK_CACHE_RUN_SAMPLES_MAX = 1 << 14 };

struct block_cache;

/* What may be freed once no reader can see it any more. */
struct cached_memory {
    struct cached_memory *next;
    uint64_t epoch;
    size_t bytes;
    bool is_run;
};

/* Times that several runs share: all series of a target have the same ones. */
struct cached_times {
    struct cached_times *next; /* lock: cache; of the same bucket */
    uint64_t hash;
    size_t users; /* lock: cache; runs, those included that wait to be freed */
    size_t count;
    dur distance; /* of all neighbours; 0 when they differ */
    ts t[];
};

/* All samples of a series from one time to another, both inclusive, without one that is deleted or
 * damaged. */
struct cached_run {
    struct cached_memory memory;
    struct cached_times *times;
    size_t count;
    ts from;
    ts to;
    bool has_nan; /* stale markers among them */
    bool never_falls;
    double v[];
};

/* A query goes through thousands of them: what it reads of each stands together, first. */
struct cached_series {
    struct cached_memory memory;
    _Atomic(struct cached_run *) run; /* release: pairs with the acquire of readers */
    ts mint;
    ts maxt;
    _Atomic uint32_t used_at; /* relaxed; the visit that read the run last */
    _Atomic bool is_plain;    /* relaxed; a run cannot be made: there are histograms, or damage, or
                                 the series is not kept */
    struct labels labels;
    uint64_t hash;         /* of the labels */
    _Atomic uint64_t same; /* struct series has it */
    uint32_t ref;
    uint64_t owner;
    struct chunk_meta_walk chunks; /* at the first one */
    struct cached_series *next;    /* lock: cache; of the same bucket */
    size_t selections;             /* lock: cache; that hold it */
    size_t place;                  /* lock: cache; in the ring of runs */
};

struct cached_selection {
    struct cached_memory memory;
    struct cached_selection *next;  /* lock: cache; of the same bucket */
    struct cached_selection *newer; /* lock: cache; by use */
    struct cached_selection *older;
    uint64_t owner;
    uint64_t hash;
    str key;
    uint64_t damage; /* series that were passed over */
    size_t count;
    struct cached_series *series[];
};

struct block_cache *block_cache_new(size_t run_bytes_max, size_t series_bytes_max);
/* block_cache_free wants all readers to have left. */
struct block_cache *block_cache_free(struct block_cache *cache);
DEFINE_CLEANUP(block_cache_free, struct block_cache)

/* block_cache_owner gives a number that no other block has or had; block_cache_forget drops what
 * the block left. */
uint64_t block_cache_owner(struct block_cache *cache);
void block_cache_forget(struct block_cache *cache, uint64_t owner);

/* Embedded in whoever reads. */
struct cache_reader {
    struct cache_reader *before;
    struct cache_reader *next;
    uint64_t since;
    uint32_t visit; /* counts readers */
};
void block_cache_enter(struct block_cache *cache, struct cache_reader *reader);
void block_cache_leave(struct block_cache *cache, struct cache_reader *reader);

/* block_cache_find gives the series that a key (matchers as bytes) stands for; NULL when that is
 * not known. */
const struct cached_selection *block_cache_find(struct block_cache *cache, uint64_t owner, str key);

/* A series as it was found; everything is copied but the bytes of the labels, which live as long as
 * the owner. */
struct found_series {
    uint32_t ref;
    struct labels labels;
    struct chunk_meta_walk chunks;
    ts mint;
    ts maxt;
};

/* block_cache_keep keeps a selection; NULL when it is too large to be kept. */
const struct cached_selection *block_cache_keep(struct block_cache *cache, uint64_t owner, str key,
                                                const struct found_series *found, size_t count,
                                                uint64_t damage);

/* block_cache_run is what is decoded of a series; NULL when nothing is. The visit is the reader's.
 */
static inline const struct cached_run *block_cache_run(struct cached_series *series, uint32_t visit)
{
    const struct cached_run *run = atomic_load_explicit(&series->run, memory_order_acquire);

    if (run != NULL && atomic_load_explicit(&series->used_at, memory_order_relaxed) != visit) {
        atomic_store_explicit(&series->used_at, visit, memory_order_relaxed);
    }
    return run;
}

/* block_cache_put replaces the run of a series by these samples, whose times rise; all that there
 * are from `from` to `to`. NULL when there is no room: what was read by the last few visits stays,
 * so that of more than the cache holds at least a part is found again. */
const struct cached_run *block_cache_put(struct block_cache *cache, struct cached_series *series,
                                         const ts *t, const double *v, size_t count, ts from,
                                         ts to);

/* block_cache_has_room says whether block_cache_put would keep a run of so many samples; it makes
 * room. */
bool block_cache_has_room(struct block_cache *cache, size_t count);

/* block_cache_fetch asks the processor for a series that is read soon, block_cache_fetch_run for
 * what is decoded of it, which it must have got by then. */
static inline void block_cache_fetch(const struct cached_series *series)
{
    __builtin_prefetch(series);
    __builtin_prefetch(&series->labels);
}

static inline void block_cache_fetch_run(const struct cached_series *series)
{
    __builtin_prefetch(atomic_load_explicit(&series->run, memory_order_relaxed));
}

/* cached_run_before gives how many samples have t <= end. */
size_t cached_run_before(const struct cached_run *run, ts end);

/* cached_run_slice gives the samples with start <= t <= end: how many, and the index of the first.
 */
size_t cached_run_slice(const struct cached_run *run, ts start, ts end, size_t *ret_first);

struct block_cache_stats {
    size_t run_bytes;
    size_t runs;
    size_t series_bytes;
    size_t selections;
    size_t series;
    size_t retired_bytes; /* that wait for readers */
};
void block_cache_stats(struct block_cache *cache, struct block_cache_stats *ret);
