#include "tsdb/block_cache.h"

#include <math.h>
#include <string.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/vec.h"

/* A refresh of a dashboard, or one query over several blocks, is a few visits. */
enum { HAND_STEPS = 4, RECENT_VISITS = 4 };
enum { SERIES_BUCKETS = 1 << 14, SELECTION_BUCKETS = 1 << 8, TIMES_BUCKETS = 1 << 10 };

struct block_cache {
    size_t run_bytes_max;
    size_t series_bytes_max;
    _Atomic uint64_t owners;
    struct lock lock;                  /* of all below */
    uint64_t epoch;                    /* counts what was retired */
    uint32_t visit;                    /* counts readers */
    struct cache_reader *first_reader; /* the one that came first */
    struct cache_reader *last_reader;
    struct cached_memory *first_retired;
    struct cached_memory *last_retired;
    size_t retired_bytes;
    struct cached_series *series[SERIES_BUCKETS];
    size_t series_count;
    struct cached_selection *selections[SELECTION_BUCKETS];
    struct cached_selection *newest;
    struct cached_selection *oldest;
    size_t selection_count;
    size_t series_bytes; /* of selections and what they hold */
    struct cached_times *times[TIMES_BUCKETS];
    VEC(struct cached_series *) ring; /* those with runs */
    size_t hand;
    size_t run_bytes;
};

/* Finalizer of SplitMix64: references are far from random. */
static uint64_t mix(uint64_t owner, uint64_t ref)
{
    uint64_t x = owner * UINT64_C(0x9e3779b97f4a7c15) ^ ref;

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

struct block_cache *block_cache_new(size_t run_bytes_max, size_t series_bytes_max)
{
    struct block_cache *cache = MEM_NEW(struct block_cache);

    cache->run_bytes_max = run_bytes_max;
    cache->series_bytes_max = series_bytes_max;
    lock_init(&cache->lock, LOCK_LEAF);
    return cache;
}

uint64_t block_cache_owner(struct block_cache *cache)
{
    return atomic_fetch_add_explicit(&cache->owners, 1, memory_order_relaxed) + 1;
}

/* ---- what waits for readers ---- */

static size_t times_bytes(size_t count)
{
    return sizeof(struct cached_times) + count * sizeof(ts);
}

static size_t run_bytes(size_t count)
{
    return sizeof(struct cached_run) + count * sizeof(double);
}

static void retire_locked(struct block_cache *cache, struct cached_memory *memory)
{
    lock_assert_held(&cache->lock);
    memory->epoch = ++cache->epoch;
    memory->next = NULL;
    if (cache->last_retired != NULL) {
        cache->last_retired->next = memory;
    } else {
        cache->first_retired = memory;
    }
    cache->last_retired = memory;
    cache->retired_bytes += memory->bytes;
}

static void times_release_locked(struct block_cache *cache, struct cached_times *times)
{
    struct cached_times **at = &cache->times[times->hash % TIMES_BUCKETS];

    if (--times->users > 0) {
        return;
    }
    while (*at != times) {
        at = &(*at)->next;
    }
    *at = times->next;
    cache->run_bytes -= times_bytes(times->count);
    (void)mem_free(times);
}

/* Takes out what no reader can see: who came after it was retired never saw it. */
static struct cached_memory *collect_locked(struct block_cache *cache)
{
    uint64_t safe = cache->first_reader != NULL ? cache->first_reader->since : UINT64_MAX;
    struct cached_memory *free_list = NULL;

    while (cache->first_retired != NULL && cache->first_retired->epoch <= safe) {
        struct cached_memory *memory = cache->first_retired;

        cache->first_retired = memory->next;
        cache->last_retired = memory->next == NULL ? NULL : cache->last_retired;
        cache->retired_bytes -= memory->bytes;
        if (memory->is_run) {
            times_release_locked(cache, CONTAINER_OF(memory, struct cached_run, memory)->times);
        }
        memory->next = free_list;
        free_list = memory;
    }
    return free_list;
}

/* The header stands first in everything that is retired. */
static void free_all(struct cached_memory *list)
{
    while (list != NULL) {
        struct cached_memory *next = list->next;

        (void)mem_free(list);
        list = next;
    }
}

void block_cache_enter(struct block_cache *cache, struct cache_reader *reader)
{
    lock_acquire(&cache->lock);
    *reader = (struct cache_reader){
        .before = cache->last_reader, .since = cache->epoch, .visit = ++cache->visit};
    if (cache->last_reader != NULL) {
        cache->last_reader->next = reader;
    } else {
        cache->first_reader = reader;
    }
    cache->last_reader = reader;
    lock_release(&cache->lock);
}

void block_cache_leave(struct block_cache *cache, struct cache_reader *reader)
{
    struct cached_memory *garbage;

    lock_acquire(&cache->lock);
    *(reader->before != NULL ? &reader->before->next : &cache->first_reader) = reader->next;
    *(reader->next != NULL ? &reader->next->before : &cache->last_reader) = reader->before;
    garbage = collect_locked(cache);
    lock_release(&cache->lock);
    free_all(garbage);
}

/* ---- runs ---- */

static void drop_run_locked(struct block_cache *cache, struct cached_series *series)
{
    struct cached_run *run = atomic_load_explicit(&series->run, memory_order_relaxed);
    struct cached_series *last;

    if (run == NULL) {
        return;
    }
    last = vec_pop(&cache->ring);
    if (last != series) {
        cache->ring.items[series->place] = last;
        last->place = series->place;
    }
    atomic_store_explicit(&series->run, NULL, memory_order_relaxed);
    cache->run_bytes -= run_bytes(run->count);
    retire_locked(cache, &run->memory);
}

/* The hand looks at a few runs, and takes out those that nobody has read lately. */
static void evict_runs_locked(struct block_cache *cache, size_t room)
{
    for (int i = 0;
         i < HAND_STEPS && cache->ring.count > 0 && cache->run_bytes + room > cache->run_bytes_max;
         i++) {
        struct cached_series *series;

        cache->hand = cache->hand < cache->ring.count ? cache->hand : 0;
        series = cache->ring.items[cache->hand];
        if (cache->visit - atomic_load_explicit(&series->used_at, memory_order_relaxed) <=
            RECENT_VISITS) {
            cache->hand++;
        } else {
            drop_run_locked(cache, series);
        }
    }
}

static bool has_room_locked(struct block_cache *cache, size_t count)
{
    /* What waits for readers counts as well: a long query must not keep all that it drives out. */
    if (cache->retired_bytes > cache->run_bytes_max / 2) {
        return false;
    }
    evict_runs_locked(cache, run_bytes(count));
    return cache->run_bytes + run_bytes(count) <= cache->run_bytes_max;
}

bool block_cache_has_room(struct block_cache *cache, size_t count)
{
    struct cached_memory *garbage;
    bool has_room;

    lock_acquire(&cache->lock);
    has_room = has_room_locked(cache, count);
    garbage = collect_locked(cache);
    lock_release(&cache->lock);
    free_all(garbage);
    return has_room;
}

static dur distance_of(const ts *t, size_t count)
{
    ts distance = count > 1 ? t[1] - t[0] : 1;

    for (size_t i = 2; i < count; i++) {
        if (t[i] - t[i - 1] != distance) {
            return 0;
        }
    }
    return distance;
}

static struct cached_times *times_get_locked(struct block_cache *cache, const ts *t, size_t count,
                                             uint64_t hash)
{
    struct cached_times **bucket = &cache->times[hash % TIMES_BUCKETS];
    struct cached_times *times = *bucket;

    while (times != NULL && (times->hash != hash || times->count != count ||
                             memcmp(times->t, t, count * sizeof(*t)) != 0)) {
        times = times->next;
    }
    if (times == NULL) {
        times = mem_try(times_bytes(count));
        if (times == NULL) {
            return NULL;
        }
        *times = (struct cached_times){
            .next = *bucket, .hash = hash, .count = count, .distance = distance_of(t, count)};
        memcpy(times->t, t, count * sizeof(*t));
        *bucket = times;
        cache->run_bytes += times_bytes(count);
    }
    times->users++;
    return times;
}

static bool any_nan(const double *v, size_t count)
{
    bool any = false;

    for (size_t i = 0; i < count; i++) {
        any |= isnan(v[i]);
    }
    return any;
}

static bool never_falls(const double *v, size_t count)
{
    bool falls = false;

    for (size_t i = 1; i < count; i++) {
        falls |= !(v[i] >= v[i - 1]);
    }
    return !falls;
}

/* Makes the run visible, unless the series has left the cache: then only its readers hold it, and a
 * run would stay. */
static bool publish_locked(struct block_cache *cache, struct cached_series *series,
                           struct cached_run *run, const ts *t, uint64_t hash)
{
    if (series->selections == 0 || !has_room_locked(cache, run->count)) {
        return false;
    }
    run->times = times_get_locked(cache, t, run->count, hash);
    if (run->times == NULL) {
        return false;
    }
    drop_run_locked(cache, series);
    cache->run_bytes += run_bytes(run->count);
    series->place = cache->ring.count;
    vec_push(&cache->ring, series);
    atomic_store_explicit(&series->used_at, cache->visit, memory_order_relaxed);
    atomic_store_explicit(&series->run, run, memory_order_release);
    return true;
}

const struct cached_run *block_cache_put(struct block_cache *cache, struct cached_series *series,
                                         const ts *t, const double *v, size_t count, ts from, ts to)
{
    struct cached_run *run = NULL;
    struct cached_memory *garbage;
    bool done;

    if (count == 0 || count > BLOCK_CACHE_RUN_SAMPLES_MAX ||
        run_bytes(count) + times_bytes(count) > cache->run_bytes_max / 4) {
        return NULL;
    }
    run = mem_try(run_bytes(count));
    if (run == NULL) {
        return NULL;
    }
    *run = (struct cached_run){.memory = {.bytes = run_bytes(count), .is_run = true},
                               .count = count,
                               .from = from,
                               .to = to,
                               .has_nan = any_nan(v, count),
                               .never_falls = never_falls(v, count)};
    memcpy(run->v, v, count * sizeof(*v));
    lock_acquire(&cache->lock);
    done = publish_locked(cache, series, run, t,
                          str_hash(str_of((const char *)t, count * sizeof(*t))));
    garbage = collect_locked(cache);
    lock_release(&cache->lock);
    free_all(garbage);
    if (!done) {
        (void)mem_free(run);
        return NULL;
    }
    return run;
}

/* The index of the first time that is not before `wanted`. */
static size_t lower(const struct cached_times *times, ts wanted)
{
    size_t low = 0;
    size_t high = times->count;

    if (wanted <= times->t[0] || times->distance > 0) {
        size_t steps =
            wanted <= times->t[0]
                ? 0
                : (size_t)((wanted - times->t[0] + times->distance - 1) / times->distance);

        return steps < high ? steps : high;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        low = times->t[middle] < wanted ? middle + 1 : low;
        high = times->t[middle] < wanted ? high : middle;
    }
    return low;
}

size_t cached_run_before(const struct cached_run *run, ts end)
{
    return end >= run->times->t[run->count - 1] ? run->count : lower(run->times, end + 1);
}

size_t cached_run_slice(const struct cached_run *run, ts start, ts end, size_t *ret_first)
{
    const struct cached_times *times = run->times;
    size_t first;
    size_t behind;

    if (start > times->t[run->count - 1] || end < times->t[0] || end < start) {
        *ret_first = 0;
        return 0;
    }
    first = lower(times, start);
    behind = cached_run_before(run, end);
    *ret_first = first;
    return behind - first;
}

/* ---- series and selections ---- */

static struct cached_series *series_find_locked(struct block_cache *cache, uint64_t owner,
                                                uint32_t ref)
{
    struct cached_series *series = cache->series[mix(owner, ref) % SERIES_BUCKETS];

    while (series != NULL && (series->ref != ref || series->owner != owner)) {
        series = series->next;
    }
    return series;
}

static struct cached_series *series_new(uint64_t owner, const struct found_series *found)
{
    size_t label_bytes = found->labels.count * sizeof(struct label);
    struct cached_series *series = mem_alloc(sizeof(*series) + label_bytes);

    *series = (struct cached_series){.memory.bytes = sizeof(*series) + label_bytes,
                                     .owner = owner,
                                     .ref = found->ref,
                                     .chunks = found->chunks,
                                     .mint = found->mint,
                                     .maxt = found->maxt};
    series->labels = (struct labels){(struct label *)(void *)(series + 1), found->labels.count};
    if (label_bytes > 0) {
        memcpy(series + 1, found->labels.items, label_bytes);
    }
    series->hash = labels_hash(series->labels);
    return series;
}

/* Gives the series that is known, or makes this one known. */
static struct cached_series *series_get_locked(struct block_cache *cache,
                                               struct cached_series *fresh)
{
    struct cached_series *series = series_find_locked(cache, fresh->owner, fresh->ref);

    if (series == NULL) {
        struct cached_series **bucket =
            &cache->series[mix(fresh->owner, fresh->ref) % SERIES_BUCKETS];

        series = fresh;
        series->next = *bucket;
        *bucket = series;
        cache->series_count++;
        cache->series_bytes += series->memory.bytes;
    }
    series->selections++;
    return series;
}

static void series_release_locked(struct block_cache *cache, struct cached_series *series)
{
    struct cached_series **at;

    if (--series->selections > 0) {
        return;
    }
    at = &cache->series[mix(series->owner, series->ref) % SERIES_BUCKETS];
    while (*at != series) {
        at = &(*at)->next;
    }
    *at = series->next;
    cache->series_count--;
    cache->series_bytes -= series->memory.bytes;
    drop_run_locked(cache, series);
    retire_locked(cache, &series->memory);
}

static uint64_t key_hash(uint64_t owner, str key)
{
    return mix(owner, str_hash(key));
}

static void unlink_locked(struct block_cache *cache, struct cached_selection *selection)
{
    *(selection->newer != NULL ? &selection->newer->older : &cache->newest) = selection->older;
    *(selection->older != NULL ? &selection->older->newer : &cache->oldest) = selection->newer;
}

static void link_newest_locked(struct block_cache *cache, struct cached_selection *selection)
{
    selection->newer = NULL;
    selection->older = cache->newest;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = selection;
    cache->newest = selection;
}

static void selection_drop_locked(struct block_cache *cache, struct cached_selection *selection)
{
    struct cached_selection **at = &cache->selections[selection->hash % SELECTION_BUCKETS];

    while (*at != selection) {
        at = &(*at)->next;
    }
    *at = selection->next;
    unlink_locked(cache, selection);
    cache->selection_count--;
    cache->series_bytes -= selection->memory.bytes;
    for (size_t i = 0; i < selection->count; i++) {
        series_release_locked(cache, selection->series[i]);
    }
    retire_locked(cache, &selection->memory);
}

static struct cached_selection *selection_find_locked(struct block_cache *cache, uint64_t owner,
                                                      str key, uint64_t hash)
{
    struct cached_selection *selection = cache->selections[hash % SELECTION_BUCKETS];

    while (selection != NULL &&
           (selection->hash != hash || selection->owner != owner || !str_eq(selection->key, key))) {
        selection = selection->next;
    }
    return selection;
}

const struct cached_selection *block_cache_find(struct block_cache *cache, uint64_t owner, str key)
{
    struct cached_selection *selection;

    lock_acquire(&cache->lock);
    selection = selection_find_locked(cache, owner, key, key_hash(owner, key));
    if (selection != NULL && selection != cache->newest) {
        unlink_locked(cache, selection);
        link_newest_locked(cache, selection);
    }
    lock_release(&cache->lock);
    return selection;
}

static size_t found_bytes(const struct found_series *found, size_t count)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++) {
        bytes += sizeof(struct cached_series) + found[i].labels.count * sizeof(struct label);
    }
    return bytes;
}

static struct cached_selection *selection_new(uint64_t owner, str key, size_t count)
{
    size_t bytes =
        sizeof(struct cached_selection) + count * sizeof(struct cached_series *) + key.len;
    struct cached_selection *selection = mem_try(bytes);

    if (selection != NULL) {
        char *text = (char *)&selection->series[count];

        *selection = (struct cached_selection){
            .memory.bytes = bytes, .owner = owner, .hash = key_hash(owner, key), .count = count};
        memcpy(text, key.ptr, key.len);
        selection->key = str_of(text, key.len);
    }
    return selection;
}

/* Makes a selection known; gives what is not needed after all: series that were known, or all of
 * it. */
static struct cached_memory *keep_locked(struct block_cache *cache,
                                         struct cached_selection *selection)
{
    struct cached_selection **bucket = &cache->selections[selection->hash % SELECTION_BUCKETS];
    struct cached_memory *unused = NULL;

    for (size_t i = 0; i < selection->count; i++) {
        struct cached_series *fresh = selection->series[i];

        selection->series[i] = series_get_locked(cache, fresh);
        if (selection->series[i] != fresh) {
            fresh->memory.next = unused;
            unused = &fresh->memory;
        }
    }
    selection->next = *bucket;
    *bucket = selection;
    link_newest_locked(cache, selection);
    cache->selection_count++;
    cache->series_bytes += selection->memory.bytes;
    while (cache->series_bytes > cache->series_bytes_max && cache->oldest != selection) {
        selection_drop_locked(cache, cache->oldest);
    }
    return unused;
}

static struct cached_memory *discard(struct cached_selection *selection)
{
    struct cached_memory *unused = &selection->memory;

    unused->next = NULL;
    for (size_t i = 0; i < selection->count; i++) {
        selection->series[i]->memory.next = unused;
        unused = &selection->series[i]->memory;
    }
    return unused;
}

const struct cached_selection *block_cache_keep(struct block_cache *cache, uint64_t owner, str key,
                                                const struct found_series *found, size_t count,
                                                uint64_t damage)
{
    struct cached_selection *selection;
    struct cached_selection *kept;
    struct cached_memory *garbage;
    struct cached_memory *unused;

    if (found_bytes(found, count) > cache->series_bytes_max / 2) {
        return NULL;
    }
    selection = selection_new(owner, key, count);
    if (selection == NULL) {
        return NULL;
    }
    selection->damage = damage;
    for (size_t i = 0; i < count; i++) {
        selection->series[i] = series_new(owner, &found[i]);
    }
    lock_acquire(&cache->lock);
    kept = selection_find_locked(cache, owner, key, selection->hash);
    unused = kept != NULL ? discard(selection) : keep_locked(cache, selection);
    garbage = collect_locked(cache);
    lock_release(&cache->lock);
    free_all(unused);
    free_all(garbage);
    return kept != NULL ? kept : selection;
}

void block_cache_forget(struct block_cache *cache, uint64_t owner)
{
    struct cached_memory *garbage;

    lock_acquire(&cache->lock);
    for (struct cached_selection *next, *selection = cache->oldest; selection != NULL;
         selection = next) {
        next = selection->newer;
        if (selection->owner == owner) {
            selection_drop_locked(cache, selection);
        }
    }
    garbage = collect_locked(cache);
    lock_release(&cache->lock);
    free_all(garbage);
}

struct block_cache *block_cache_free(struct block_cache *cache)
{
    struct cached_memory *garbage;

    if (cache == NULL) {
        return NULL;
    }
    ASSERT(cache->first_reader == NULL);
    lock_acquire(&cache->lock);
    while (cache->oldest != NULL) {
        selection_drop_locked(cache, cache->oldest);
    }
    garbage = collect_locked(cache);
    ASSERT(cache->run_bytes == 0 && cache->series_bytes == 0 && cache->retired_bytes == 0);
    lock_release(&cache->lock);
    free_all(garbage);
    vec_done(&cache->ring);
    lock_done(&cache->lock);
    return mem_free(cache);
}

void block_cache_stats(struct block_cache *cache, struct block_cache_stats *ret)
{
    lock_acquire(&cache->lock);
    *ret = (struct block_cache_stats){.run_bytes = cache->run_bytes,
                                      .runs = cache->ring.count,
                                      .series_bytes = cache->series_bytes,
                                      .selections = cache->selection_count,
                                      .series = cache->series_count,
                                      .retired_bytes = cache->retired_bytes};
    lock_release(&cache->lock);
}
