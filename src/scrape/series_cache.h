/*
 * series_cache: what one target exposed at its last good scrape, in that order: how the raw bytes
 * of each series (name and label block) are known again, and what they stand for. Known again
 * means: as long, and the same 96 bits of a hash with a random seed, so that two series are taken
 * for one another with a chance of 2^-96. The next scrape walks body and cache in step, so a series
 * that is still in its place costs one pass over its bytes and no allocation. 24 bytes per series.
 * Belongs to the thread that scrapes the target. The memory that a walk needs beside it stands in
 * struct series_walk, which a thread reuses from target to target.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/str.h"
#include "base/vec.h"
#include "storage/storage.h"

enum series_cache_flag {
    SERIES_DROPPED = 1,    /* by relabelling: there is no ref */
    SERIES_TRACKED = 2,    /* gets a stale marker when it disappears */
    SERIES_UNRESOLVED = 4, /* the store forgot the ref: ask it again */
    SERIES_HISTOGRAM = 8,  /* its last sample was a native histogram: so is its stale marker */
};

enum {
    SERIES_FLAG_BITS = 8,
    SERIES_RAW_BYTES_MAX = (1 << 24) - 1,
};

struct series_entry {
    series_ref ref;
    uint64_t hash; /* of the raw bytes: str_wide.low, and a half of str_wide.high */
    uint32_t hash_more;
    uint32_t raw_len_flags; /* length << SERIES_FLAG_BITS | flags */
};
STATIC_ASSERT(sizeof(struct series_entry) == 24, "the budget of bytes per series counts on it");

/* Zeroed = empty. */
struct series_cache {
    struct series_entry *entries;
    uint64_t seed; /* 0 = none yet */
    uint32_t count;
};

void series_cache_done(struct series_cache *cache);

/* series_cache_publish tells the program's metrics the memory of the cache, instead of *published,
 * which it was when they were told last. */
void series_cache_publish(const struct series_cache *cache, size_t *published);

static inline unsigned series_entry_flags(const struct series_entry *entry)
{
    return entry->raw_len_flags & ((1U << SERIES_FLAG_BITS) - 1);
}

static inline void series_entry_set(struct series_entry *entry, unsigned flags, bool on)
{
    entry->raw_len_flags = on ? entry->raw_len_flags | flags : entry->raw_len_flags & ~flags;
}

static inline size_t series_entry_len(const struct series_entry *entry)
{
    return entry->raw_len_flags >> SERIES_FLAG_BITS;
}

/* series_cache_is says whether an entry stands for these raw bytes. */
static inline bool series_cache_is(const struct series_cache *cache,
                                   const struct series_entry *entry, str raw)
{
    struct str_wide hash;

    if (raw.len != series_entry_len(entry)) {
        return false;
    }
    hash = str_hash_wide(raw, cache->seed);
    return hash.low == entry->hash && (uint32_t)hash.high == entry->hash_more;
}

/*
 * A walk of one scrape over a cache. Entries are named by id: below cache->count those of the
 * cache, from there on those that are new in this scrape.
 */
struct series_walk {
    struct series_cache *cache;
    uint32_t pos;                   /* the entry that is expected next */
    bool has_diverged;              /* order and seen are being kept */
    VEC(struct series_entry) fresh; /* new entries */
    VEC(uint32_t) order;            /* ids in the order of this scrape */
    VEC(uint8_t) seen;              /* per entry of the cache */
    uint64_t *index;                /* slots of upper half of hash << 32 | id + 1; 0 = free */
    size_t index_capacity;
    size_t index_count;
};

#define SERIES_ID_NONE UINT32_MAX

void series_walk_done(struct series_walk *walk);

/* series_walk_begin starts over the cache, which the walk uses until series_walk_finish or the next
 * begin. */
void series_walk_begin(struct series_walk *walk, struct series_cache *cache);

/* series_walk_entry is the entry of an id; valid until the next series_walk_add. */
static inline struct series_entry *series_walk_entry(struct series_walk *walk, uint32_t id)
{
    return id < walk->cache->count ? &walk->cache->entries[id]
                                   : &walk->fresh.items[id - walk->cache->count];
}

/* series_walk_diverge notes that the body no longer follows the cache. */
void series_walk_diverge(struct series_walk *walk);

/* series_walk_hit notes that the expected entry came. */
static inline void series_walk_hit(struct series_walk *walk)
{
    if (UNLIKELY(walk->has_diverged)) {
        walk->seen.items[walk->pos] = 1;
        vec_push(&walk->order, walk->pos);
    }
    walk->pos++;
}

/* series_walk_find looks for a series that was not the expected one: among the next few entries,
 * then by hash. Returns its id, noted as seen, or SERIES_ID_NONE. */
uint32_t series_walk_find(struct series_walk *walk, str raw);

/* series_walk_add takes a series that is not in the cache and returns its id; SERIES_ID_NONE when
 * the raw bytes are too long or the series too many. */
uint32_t series_walk_add(struct series_walk *walk, str raw, series_ref ref, unsigned flags);

/* series_walk_each_gone calls visit with each entry of the cache that did not come. */
void series_walk_each_gone(struct series_walk *walk,
                           void (*visit)(struct series_entry *entry, void *context), void *context);

/* series_walk_finish makes the cache what this scrape had; cheap when nothing diverged. */
void series_walk_finish(struct series_walk *walk);
