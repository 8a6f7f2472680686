#include "tsdb/chunk_cache.h"

#include <stdatomic.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/vec.h"

enum { SHARD_COUNT = 16, BUCKETS_MIN = 64, CHUNK_SAMPLES_MAX = 1 << 14 };

/* One chunk. Times at one distance, as regular scrapes have them, take no room; others stand behind
 * the values, as distances from the first in milliseconds. */
struct entry {
    struct entry *next; /* lock: shard; of the same bucket */
    uint64_t owner;
    uint64_t ref;
    size_t place;             /* lock: shard; in the ring */
    _Atomic uint32_t holders; /* the ring is one; the last one frees */
    bool used;                /* lock: shard; since the hand passed */
    uint32_t count;
    uint32_t distance; /* 0: the times are listed */
    ts first;
    double v[];
};

struct shard {
    struct lock lock;
    struct entry **buckets; /* lock: this; a power of two of them */
    size_t bucket_count;
    VEC(struct entry *) ring; /* lock: this */
    size_t hand;
    size_t bytes;
    uint64_t hits;
    uint64_t misses;
};

struct chunk_cache {
    size_t shard_bytes_max;
    _Atomic uint64_t owners;
    struct shard shards[SHARD_COUNT];
};

static size_t bytes_of(size_t count, uint32_t distance)
{
    return sizeof(struct entry) + count * (sizeof(double) + (distance == 0 ? sizeof(uint32_t) : 0));
}

static size_t entry_bytes(const struct entry *entry)
{
    return bytes_of(entry->count, entry->distance);
}

static uint32_t *entry_times(struct entry *entry)
{
    return (uint32_t *)(void *)(entry->v + entry->count);
}

static ts entry_time(struct entry *entry, size_t index)
{
    return entry->first +
           (entry->distance != 0 ? (ts)index * entry->distance : (ts)entry_times(entry)[index]);
}

/* Finalizer of SplitMix64: references are far from random. */
static uint64_t mix(uint64_t owner, uint64_t ref)
{
    uint64_t x = owner * UINT64_C(0x9e3779b97f4a7c15) ^ ref;

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static struct shard *shard_of(struct chunk_cache *cache, uint64_t hash)
{
    return &cache->shards[hash >> 60];
}

struct chunk_cache *chunk_cache_new(size_t bytes_max)
{
    struct chunk_cache *cache = MEM_NEW(struct chunk_cache);

    STATIC_ASSERT(SHARD_COUNT == 1 << 4, "the upper four bits of a hash choose the shard");
    cache->shard_bytes_max = bytes_max / SHARD_COUNT;
    for (size_t i = 0; i < SHARD_COUNT; i++) {
        lock_init(&cache->shards[i].lock, LOCK_LEAF);
    }
    return cache;
}

static void entry_release(struct entry *entry)
{
    if (atomic_fetch_sub_explicit(&entry->holders, 1, memory_order_acq_rel) == 1) {
        (void)mem_free(entry);
    }
}

struct chunk_cache *chunk_cache_free(struct chunk_cache *cache)
{
    for (size_t i = 0; cache != NULL && i < SHARD_COUNT; i++) {
        struct shard *shard = &cache->shards[i];

        for (size_t k = 0; k < shard->ring.count; k++) {
            entry_release(shard->ring.items[k]);
        }
        vec_done(&shard->ring);
        (void)mem_free(shard->buckets);
        lock_done(&shard->lock);
    }
    return mem_free(cache);
}

uint64_t chunk_cache_owner(struct chunk_cache *cache)
{
    return atomic_fetch_add_explicit(&cache->owners, 1, memory_order_relaxed) + 1;
}

static struct entry *find_locked(struct shard *shard, uint64_t hash, uint64_t owner, uint64_t ref)
{
    struct entry *entry;

    lock_assert_held(&shard->lock);
    if (shard->bucket_count == 0) {
        return NULL;
    }
    entry = shard->buckets[hash & (shard->bucket_count - 1)];
    while (entry != NULL && (entry->owner != owner || entry->ref != ref)) {
        entry = entry->next;
    }
    return entry;
}

/* get finds a chunk and holds it for the caller, who gives it back with entry_release. */
static struct entry *get(struct chunk_cache *cache, uint64_t owner, uint64_t ref)
{
    uint64_t hash = mix(owner, ref);
    struct shard *shard = shard_of(cache, hash);
    struct entry *entry;

    lock_acquire(&shard->lock);
    entry = find_locked(shard, hash, owner, ref);
    if (entry != NULL) {
        (void)atomic_fetch_add_explicit(&entry->holders, 1, memory_order_relaxed);
        entry->used = true;
        shard->hits++;
    } else {
        shard->misses++;
    }
    lock_release(&shard->lock);
    return entry;
}

/* How many samples are before `t`; `at_or_before` counts one at t as well. */
static uint32_t count_before(struct entry *entry, ts t, bool at_or_before)
{
    uint32_t low = 0;
    uint32_t high = entry->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        ts at = entry_time(entry, middle);

        if (at < t || (at_or_before && at == t)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void append_times(struct entry *entry, uint32_t from, size_t count, ts *t)
{
    const uint32_t *times = entry_times(entry);

    if (entry->distance != 0) {
        ts at = entry_time(entry, from);

        for (size_t i = 0; i < count; i++) {
            t[i] = at;
            at += entry->distance;
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        t[i] = entry->first + times[from + i];
    }
}

static int append(struct entry *entry, ts start, ts end, struct sample_buf *ret,
                  struct baro_error *err)
{
    uint32_t from = start <= entry->first ? 0 : count_before(entry, start, false);
    uint32_t to =
        end >= entry_time(entry, entry->count - 1) ? entry->count : count_before(entry, end, true);
    size_t count = to > from ? to - from : 0;

    if (!sample_buf_reserve(ret, count)) {
        return error_set(err, BARO_ELIMIT, "no memory for %zu more samples", count);
    }
    append_times(entry, from, count, ret->t + ret->count);
    if (count > 0) {
        memcpy(ret->v + ret->count, entry->v + from, count * sizeof(double));
    }
    if (ret->h != NULL) {
        memset(ret->h + ret->count, 0, count * sizeof(*ret->h));
    }
    if (ret->st != NULL) {
        memset(ret->st + ret->count, 0, count * sizeof(*ret->st));
    }
    ret->count += count;
    return 1;
}

int chunk_cache_read(struct chunk_cache *cache, uint64_t owner, uint64_t ref, ts start, ts end,
                     struct sample_buf *ret, struct baro_error *err)
{
    struct entry *entry = get(cache, owner, ref);
    int r = 0;

    if (entry != NULL) {
        r = append(entry, start, end, ret, err);
        entry_release(entry);
    }
    return r;
}

int chunk_cache_last(struct chunk_cache *cache, uint64_t owner, uint64_t ref, ts start, ts end,
                     struct sample *ret)
{
    struct entry *entry = get(cache, owner, ref);
    uint32_t count;
    int r = 0;

    if (entry == NULL) {
        return -1;
    }
    count = count_before(entry, end, true);
    if (count > 0 && entry_time(entry, count - 1) >= start) {
        *ret = (struct sample){.t = entry_time(entry, count - 1), .v = entry->v[count - 1]};
        r = 1;
    }
    entry_release(entry);
    return r;
}

/* ---- keeping ---- */

static void unlink_locked(struct shard *shard, struct entry *entry)
{
    struct entry **link =
        &shard->buckets[mix(entry->owner, entry->ref) & (shard->bucket_count - 1)];
    struct entry *last = shard->ring.items[shard->ring.count - 1];

    while (*link != entry) {
        link = &(*link)->next;
    }
    *link = entry->next;
    shard->ring.items[entry->place] = last;
    last->place = entry->place;
    shard->ring.count--;
    shard->bytes -= entry_bytes(entry);
    entry_release(entry);
}

/* The hand passes over what was used since it came by last, and takes the first that was not. */
static void evict_locked(struct shard *shard, size_t room, size_t bytes_max)
{
    while (shard->ring.count > 0 && shard->bytes + room > bytes_max) {
        struct entry *entry;

        shard->hand = shard->hand < shard->ring.count ? shard->hand : 0;
        entry = shard->ring.items[shard->hand];
        if (entry->used) {
            entry->used = false;
            shard->hand++;
        } else {
            unlink_locked(shard, entry);
        }
    }
}

static void grow_locked(struct shard *shard)
{
    size_t count = shard->bucket_count == 0 ? BUCKETS_MIN : shard->bucket_count * 2;

    if (shard->ring.count < shard->bucket_count) {
        return;
    }
    (void)mem_free(shard->buckets);
    shard->buckets = mem_alloc_zero(count * sizeof(struct entry *));
    shard->bucket_count = count;
    for (size_t i = 0; i < shard->ring.count; i++) {
        struct entry *entry = shard->ring.items[i];
        struct entry **bucket = &shard->buckets[mix(entry->owner, entry->ref) & (count - 1)];

        entry->next = *bucket;
        *bucket = entry;
    }
}

/* The one distance between all times; 0 when there is none. */
static uint32_t distance_of(const ts *t, size_t count)
{
    ts distance = count > 1 ? t[1] - t[0] : 1;

    for (size_t i = 2; i < count; i++) {
        if (t[i] - t[i - 1] != distance) {
            return 0;
        }
    }
    return (uint32_t)distance;
}

static struct entry *entry_new(uint64_t owner, uint64_t ref, const ts *t, const double *v,
                               size_t count)
{
    uint32_t distance = distance_of(t, count);
    struct entry *entry = mem_try(bytes_of(count, distance));

    if (entry == NULL) {
        return NULL;
    }
    *entry = (struct entry){.owner = owner,
                            .ref = ref,
                            .count = (uint32_t)count,
                            .distance = distance,
                            .first = t[0],
                            .holders = 1};
    memcpy(entry->v, v, count * sizeof(double));
    for (size_t i = 0; distance == 0 && i < count; i++) {
        entry_times(entry)[i] = (uint32_t)(t[i] - t[0]);
    }
    return entry;
}

void chunk_cache_put(struct chunk_cache *cache, uint64_t owner, uint64_t ref, const ts *t,
                     const double *v, size_t count)
{
    uint64_t hash = mix(owner, ref);
    struct shard *shard = shard_of(cache, hash);
    struct entry *entry;

    if (count == 0 || count > CHUNK_SAMPLES_MAX || bytes_of(count, 0) > cache->shard_bytes_max ||
        t[count - 1] - t[0] > (ts)UINT32_MAX) {
        return;
    }
    entry = entry_new(owner, ref, t, v, count);
    if (entry == NULL) {
        return;
    }
    lock_acquire(&shard->lock);
    if (find_locked(shard, hash, owner, ref) != NULL) {
        lock_release(&shard->lock);
        entry_release(entry);
        return;
    }
    evict_locked(shard, entry_bytes(entry), cache->shard_bytes_max);
    grow_locked(shard);
    entry->next = shard->buckets[hash & (shard->bucket_count - 1)];
    shard->buckets[hash & (shard->bucket_count - 1)] = entry;
    entry->place = shard->ring.count;
    vec_push(&shard->ring, entry);
    shard->bytes += entry_bytes(entry);
    lock_release(&shard->lock);
}

void chunk_cache_stats(struct chunk_cache *cache, struct chunk_cache_stats *ret)
{
    *ret = (struct chunk_cache_stats){0};
    for (size_t i = 0; i < SHARD_COUNT; i++) {
        struct shard *shard = &cache->shards[i];

        lock_acquire(&shard->lock);
        ret->hits += shard->hits;
        ret->misses += shard->misses;
        ret->bytes += shard->bytes;
        ret->chunks += shard->ring.count;
        lock_release(&shard->lock);
    }
}
