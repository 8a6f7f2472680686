#include "scrape/series_cache.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

enum {
    LOOKAHEAD = 4, /* entries compared before the hash index is asked */
    INDEX_CAPACITY_MIN = 64,
    /* Scratch of a thread beyond this is given back, so that one huge target does not keep it. */
    SCRATCH_ITEMS_KEPT = 1 << 20,
};

void series_cache_done(struct series_cache *cache)
{
    (void)mem_free(cache->entries);
    (void)mem_free(cache->raws);
    *cache = (struct series_cache){0};
}

void series_walk_done(struct series_walk *walk)
{
    vec_done(&walk->fresh);
    buf_done(&walk->fresh_raws);
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
    walk->cache = cache;
    walk->pos = 0;
    walk->has_diverged = false;
    vec_reset(&walk->fresh);
    buf_reset(&walk->fresh_raws);
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

static str raw_of(const struct series_walk *walk, uint32_t id)
{
    const struct series_entry *entry = NULL;

    if (id < walk->cache->count) {
        return series_cache_raw(walk->cache, &walk->cache->entries[id]);
    }
    entry = &walk->fresh.items[id - walk->cache->count];
    return str_of(walk->fresh_raws.ptr + entry->raw_offset,
                  entry->raw_len_flags >> SERIES_FLAG_BITS);
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
        index_put(walk, str_hash(raw_of(walk, id)), id);
    }
}

static uint32_t index_get(const struct series_walk *walk, uint64_t hash, str raw)
{
    const size_t mask = walk->index_capacity - 1;

    for (size_t slot = (size_t)hash & mask; walk->index[slot] != 0; slot = (slot + 1) & mask) {
        uint32_t id = (uint32_t)walk->index[slot] - 1;

        if ((walk->index[slot] ^ hash) >> 32 == 0 && str_eq(raw_of(walk, id), raw)) {
            return id;
        }
    }
    return SERIES_ID_NONE;
}

static uint32_t look_ahead(const struct series_walk *walk, str raw)
{
    uint32_t last =
        walk->cache->count - walk->pos > LOOKAHEAD ? walk->pos + LOOKAHEAD : walk->cache->count;

    for (uint32_t id = walk->pos; id < last; id++) {
        if (str_eq(raw_of(walk, id), raw)) {
            return id;
        }
    }
    return SERIES_ID_NONE;
}

uint32_t series_walk_find(struct series_walk *walk, str raw)
{
    uint32_t id = look_ahead(walk, raw);

    series_walk_diverge(walk);
    if (id == SERIES_ID_NONE && walk->cache->count + walk->fresh.count > 0) {
        if (walk->index_count == 0) {
            index_build(walk);
        }
        id = index_get(walk, str_hash(raw), raw);
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
    const size_t offset = walk->fresh_raws.len;

    series_walk_diverge(walk);
    if (raw.len > SERIES_RAW_BYTES_MAX || id >= SERIES_ID_NONE - 1 ||
        offset + walk->cache->raw_bytes + raw.len > UINT32_MAX) {
        return SERIES_ID_NONE;
    }
    buf_str(&walk->fresh_raws, raw);
    if (walk->fresh_raws.failed) {
        return SERIES_ID_NONE;
    }
    vec_push(&walk->fresh, ((struct series_entry){
                               .ref = ref,
                               .raw_offset = (uint32_t)offset,
                               .raw_len_flags = (uint32_t)raw.len << SERIES_FLAG_BITS | flags,
                           }));
    vec_push(&walk->order, (uint32_t)id);
    if (2 * (walk->index_count + 1) > walk->index_capacity || walk->index_count == 0) {
        index_build(walk);
    } else {
        index_put(walk, str_hash(raw), (uint32_t)id);
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
    struct series_cache next = {0};
    size_t bytes = 0;
    char *at = NULL;

    if (walk->pos < walk->cache->count) {
        series_walk_diverge(walk);
    }
    if (!walk->has_diverged) {
        return;
    }
    for (size_t i = 0; i < walk->order.count; i++) {
        bytes += raw_of(walk, walk->order.items[i]).len;
    }
    /* A body may repeat a series so often that its raws pass what an offset can hold. */
    if (bytes > UINT32_MAX || walk->order.count >= SERIES_ID_NONE) {
        series_cache_done(walk->cache);
        return;
    }
    next.entries = mem_alloc((walk->order.count + 1) * sizeof(*next.entries));
    next.raws = mem_alloc(bytes + 1);
    at = next.raws;
    for (size_t i = 0; i < walk->order.count; i++) {
        const uint32_t id = walk->order.items[i];
        const str raw = raw_of(walk, id);

        memcpy(at, raw.ptr, raw.len);
        next.entries[i] = *series_walk_entry(walk, id);
        next.entries[i].raw_offset = (uint32_t)(at - next.raws);
        at += raw.len;
    }
    next.count = (uint32_t)walk->order.count;
    next.raw_bytes = (uint32_t)bytes;
    series_cache_done(walk->cache);
    *walk->cache = next;
    walk->pos = next.count;
    walk->has_diverged = false;
}
