/*
 * chunk_cache: decoded float chunks of blocks. A dashboard asks for the same hours again and again,
 * and decoding is most of what such a query costs. Shared by all blocks of a data directory and
 * bounded in bytes; what was not asked for since the hand of the clock last passed goes first. Any
 * thread. Why, and what it gains: docs/decisions/chunk-cache.md.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "storage/storage.h"

/* Some 3.5 million samples. */
#define CHUNK_CACHE_BYTES_MAX ((size_t)48 << 20)

struct chunk_cache;

struct chunk_cache *chunk_cache_new(size_t bytes_max);
/* chunk_cache_free wants all that was got to be given back. */
struct chunk_cache *chunk_cache_free(struct chunk_cache *cache);
DEFINE_CLEANUP(chunk_cache_free, struct chunk_cache)

/* chunk_cache_owner gives a number that no other owner of chunks has or had. */
uint64_t chunk_cache_owner(struct chunk_cache *cache);

/* chunk_cache_read appends the samples of a chunk with start <= t <= end: 1, 0 when the chunk is
 * not cached, or BARO_ELIMIT. */
int chunk_cache_read(struct chunk_cache *cache, uint64_t owner, uint64_t ref, ts start, ts end,
                     struct sample_buf *ret, struct baro_error *err);

/* chunk_cache_last finds the last sample with start <= t <= end of a cached chunk: 1 with *ret, 0
 * when there is none, -1 when the chunk is not cached. */
int chunk_cache_last(struct chunk_cache *cache, uint64_t owner, uint64_t ref, ts start, ts end,
                     struct sample *ret);

/* chunk_cache_put keeps the samples of a whole chunk, whose times rise. It may as well not. */
void chunk_cache_put(struct chunk_cache *cache, uint64_t owner, uint64_t ref, const ts *t,
                     const double *v, size_t count);

struct chunk_cache_stats {
    uint64_t hits;
    uint64_t misses;
    size_t bytes;
    size_t chunks;
};
void chunk_cache_stats(struct chunk_cache *cache, struct chunk_cache_stats *ret);
