#include "scrape/series_cache.h"

#include <string.h>
#include <sys/random.h>

#include "base/assert.h"
#include "base/mem.h"
#include "client/self.h"

enum {
    LOOKAHEAD = 4, /* entries compared before the hash index is asked */
    INDEX_CAPACITY_MIN = 64,
    /* Scratch of a thread beyond this is given back, so that one huge target does not keep it. */
    SCRATCH_ITEMS_KEPT = 1 << 20,
};

/* A series's place in the index, and what an entry keeps of its raw bytes. */
static struct series_entry entry_of(const struct series_cache *cache, str raw)
{
    struct str_wide hash = str_hash_wide(raw, cache->seed);

    return (struct series_entry){
        .hash = hash.low,
        .hash_more = (uint32_t)hash.high,
        .raw_len_flags = (uint32_t)raw.len << SERIES_FLAG_BITS,
    };
}

static bool is_same(const struct series_entry *a, const struct series_entry *b)
{
    return a->hash == b->hash && a->hash_more == b->hash_more &&
           series_entry_len(a) == series_entry_len(b);
}

/* Nobody outside can know it, so nobody can make two series that look alike. */
static uint64_t random_seed(void)
{
    uint64_t seed = 0;

    ASSERT(getrandom(&seed, sizeof(seed), 0) == (ssize_t)sizeof(seed));
    return seed | 1;
}

void series_cache_done(struct series_cache *cache)
{
    (void)mem_free(cache->entries);
    *cache = (struct series_cache){0};
}

void series_cache_publish(const struct series_cache *cache, size_t *published)
{
    const size_t bytes = cache->count * sizeof(*cache->entries);

    if (bytes != *published) {
        self_add(SELF_SCRAPE_CACHE, (double)bytes - (double)*published);
        *published = bytes;
    }
}

void series_walk_done(struct series_walk *walk)
{
    vec_done(&walk->fresh);
    vec_done(&walk->order);
    vec_done(&walk->seen);
    (void)mem_free(walk->index);
    *walk = (struct series_walk){0};
}

void series_walk_begin(struct series_walk *walk, struct series_cache *cache)
{
    if (walk->index_capacity > SCRATCH_ITEMS_KEPT && cache->count < SCRATCH_ITEMS_KEPT / 4) {
        series_walk_done(walk);
    }
    if (cache->seed == 0) {
        cache->seed = random_seed();
    }
    walk->cache = cache;
    walk->pos = 0;
    walk->has_diverged = false;
    vec_reset(&walk->fresh);
    vec_reset(&walk->order);
    walk->index_count = 0;
}

void series_walk_diverge(struct series_walk *walk)
{
    const uint32_t count = walk->cache->count;

    if (walk->has_diverged) {
        return;
    }
    walk->has_diverged = true;
    vec_reset(&walk->seen);
    vec_reserve(&walk->seen, count + 1U);
    vec_reserve(&walk->order, count + 1U);
    memset(walk->seen.items, 0, count);
    memset(walk->seen.items, 1, walk->pos);
    for (uint32_t i = 0; i < walk->pos; i++) {
        walk->order.items[i] = i;
    }
    walk->seen.count = count;
    walk->order.count = walk->pos;
}

static void index_put(struct series_walk *walk, uint64_t hash, uint32_t id)
{
    const size_t mask = walk->index_capacity - 1;
    size_t slot = (size_t)hash & mask;

    while (walk->index[slot] != 0) {
        slot = (slot + 1) & mask;
    }
    walk->index[slot] = (hash & ~UINT64_C(0xffffffff)) | (id + 1U);
    walk->index_count++;
}

/* Makes an index of all entries with room for as many again. */
static void index_build(struct series_walk *walk)
{
    const size_t count = walk->cache->count + walk->fresh.count;
    size_t capacity = INDEX_CAPACITY_MIN;

    while (capacity < 4 * (count + 1)) {
        capacity *= 2;
    }
    if (capacity != walk->index_capacity) {
        (void)mem_free(walk->index);
        walk->index = mem_alloc(capacity * sizeof(*walk->index));
        walk->index_capacity = capacity;
    }
    memset(walk->index, 0, capacity * sizeof(*walk->index));
    walk->index_count = 0;
    for (uint32_t id = 0; id < count; id++) {
        index_put(walk, series_walk_entry(walk, id)->hash, id);
    }
}

static uint32_t index_get(struct series_walk *walk, const struct series_entry *wanted)
{
    const size_t mask = walk->index_capacity - 1;
    const uint64_t hash = wanted->hash;

    for (size_t slot = (size_t)hash & mask; walk->index[slot] != 0; slot = (slot + 1) & mask) {
        uint32_t id = (uint32_t)walk->index[slot] - 1;

        if ((walk->index[slot] ^ hash) >> 32 == 0 && is_same(series_walk_entry(walk, id), wanted)) {
            return id;
        }
    }
    return SERIES_ID_NONE;
}

static uint32_t look_ahead(const struct series_walk *walk, const struct series_entry *wanted)
{
    uint32_t last =
        walk->cache->count - walk->pos > LOOKAHEAD ? walk->pos + LOOKAHEAD : walk->cache->count;

    for (uint32_t id = walk->pos; id < last; id++) {
        if (is_same(&walk->cache->entries[id], wanted)) {
            return id;
        }
    }
    return SERIES_ID_NONE;
}

uint32_t series_walk_find(struct series_walk *walk, str raw)
{
    const struct series_entry wanted = entry_of(walk->cache, raw);
    uint32_t id = raw.len <= SERIES_RAW_BYTES_MAX ? look_ahead(walk, &wanted) : SERIES_ID_NONE;

    series_walk_diverge(walk);
    if (raw.len > SERIES_RAW_BYTES_MAX) {
        return id;
    }
    if (id == SERIES_ID_NONE && walk->cache->count + walk->fresh.count > 0) {
        if (walk->index_count == 0) {
            index_build(walk);
        }
        id = index_get(walk, &wanted);
    }
    if (id == SERIES_ID_NONE) {
        return id;
    }
    vec_push(&walk->order, id);
    if (id < walk->cache->count) {
        walk->seen.items[id] = 1;
        walk->pos = id + 1;
    }
    return id;
}

uint32_t series_walk_add(struct series_walk *walk, str raw, series_ref ref, unsigned flags)
{
    const size_t id = walk->cache->count + walk->fresh.count;
    struct series_entry entry;

    series_walk_diverge(walk);
    if (raw.len > SERIES_RAW_BYTES_MAX || id >= SERIES_ID_NONE - 1) {
        return SERIES_ID_NONE;
    }
    entry = entry_of(walk->cache, raw);
    entry.ref = ref;
    entry.raw_len_flags |= flags;
    vec_push(&walk->fresh, entry);
    vec_push(&walk->order, (uint32_t)id);
    if (2 * (walk->index_count + 1) > walk->index_capacity || walk->index_count == 0) {
        index_build(walk);
    } else {
        index_put(walk, entry.hash, (uint32_t)id);
    }
    return (uint32_t)id;
}

void series_walk_each_gone(struct series_walk *walk,
                           void (*visit)(struct series_entry *entry, void *context), void *context)
{
    if (walk->pos < walk->cache->count) {
        series_walk_diverge(walk);
    }
    for (uint32_t id = 0; walk->has_diverged && id < walk->cache->count; id++) {
        if (walk->seen.items[id] == 0) {
            visit(&walk->cache->entries[id], context);
        }
    }
}

void series_walk_finish(struct series_walk *walk)
{
    struct series_cache next = {.seed = walk->cache->seed};

    if (walk->pos < walk->cache->count) {
        series_walk_diverge(walk);
    }
    if (!walk->has_diverged) {
        return;
    }
    if (walk->order.count >= SERIES_ID_NONE) {
        series_cache_done(walk->cache); /* a body may repeat a series very often */
        return;
    }
    next.entries = mem_alloc((walk->order.count + 1) * sizeof(*next.entries));
    for (size_t i = 0; i < walk->order.count; i++) {
        next.entries[i] = *series_walk_entry(walk, walk->order.items[i]);
    }
    next.count = (uint32_t)walk->order.count;
    series_cache_done(walk->cache);
    *walk->cache = next;
    walk->pos = next.count;
    walk->has_diverged = false;
}
