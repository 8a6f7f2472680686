#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/self.h"
#include "tsdb/head_priv.h"

enum {
    SHARD_FIRST = 64,
    /* Prometheus's sizes: see docs/formats/chunk.md. */
    CHUNK_SAMPLES = 120,
    CHUNK_QUARTERS = 4, /* at that part of them the end is set */
    CHUNK_BYTES_MAX = 1024 - 19,
    CHUNK_FIRST_BYTES = 24, /* header, first sample, and most second ones */
};

struct labels head_series_labels(const struct head *head, const struct head_series *series,
                                 struct label *items)
{
    const pair_ref *pairs = head_series_pairs(head, series);

    for (size_t i = 0; i < series->pair_count; i++) {
        const struct label_pair *pair = label_pair_at(&head->labels, pairs[i]);

        items[i] = (struct label){pair->name->text, label_pair_value(pair)};
    }
    return (struct labels){items, series->pair_count};
}

static bool series_is(const struct head *head, const struct head_series *series, uint32_t hash,
                      struct labels labels)
{
    const pair_ref *pairs;

    if (series->hash != hash || series->pair_count != labels.count) {
        return false;
    }
    pairs = head_series_pairs(head, series);
    for (size_t i = 0; i < labels.count; i++) {
        const struct label_pair *pair = label_pair_at(&head->labels, pairs[i]);

        if (!str_eq(label_pair_value(pair), labels.items[i].value) ||
            !str_eq(pair->name->text, labels.items[i].name)) {
            return false;
        }
    }
    return true;
}

static uint8_t tag_of(uint64_t hash)
{
    return (uint8_t)(hash >> 24 | 1);
}

/* Bits 0-5 choose the shard, 6-23 (and the series' own upper half) the place, 24-31 the tag. */
static size_t place_of(uint32_t hash, size_t capacity)
{
    return (size_t)(hash * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (capacity - 1);
}

static uint32_t shard_find(const struct head *head, const struct head_shard *shard, uint64_t hash,
                           struct labels labels)
{
    uint8_t tag = tag_of(hash);

    if (shard->capacity == 0) {
        return HEAD_SLOT_NONE;
    }
    for (size_t i = place_of((uint32_t)(hash >> 32), shard->capacity);;
         i = (i + 1) & (shard->capacity - 1)) {
        if (shard->tags[i] == 0) {
            return HEAD_SLOT_NONE;
        }
        if (shard->tags[i] == tag && series_is(head, head_series_at(head, shard->slots[i]),
                                               (uint32_t)(hash >> 32), labels)) {
            return shard->slots[i];
        }
    }
}

static void shard_put(struct head_shard *shard, uint32_t hash, uint8_t tag, uint32_t slot)
{
    size_t i = place_of(hash, shard->capacity);

    while (shard->tags[i] != 0) {
        i = (i + 1) & (shard->capacity - 1);
    }
    shard->tags[i] = tag;
    shard->slots[i] = slot;
}

static void shard_grow(const struct head *head, struct head_shard *shard)
{
    struct head_shard old = *shard;

    shard->capacity = old.capacity == 0 ? SHARD_FIRST : old.capacity * 2;
    shard->tags = mem_alloc_zero(shard->capacity);
    shard->slots = mem_alloc(shard->capacity * sizeof(uint32_t));
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.tags[i] != 0) {
            shard_put(shard, head_series_at(head, old.slots[i])->hash, old.tags[i], old.slots[i]);
        }
    }
    (void)mem_free(old.tags);
    (void)mem_free(old.slots);
}

STATIC_ASSERT((int)HEAD_LABELS_MAX == (int)APPENDER_LABELS_MAX, "what receivers count on");

static int check_labels(struct labels labels, struct baro_error *err)
{
    if (labels.count == 0) {
        return error_set(err, BARO_EINVALID, "empty labelset: invalid sample");
    }
    if (labels.count > HEAD_LABELS_MAX) {
        return error_set(err, BARO_ELIMIT, "series has %zu labels, more than %d", labels.count,
                         (int)HEAD_LABELS_MAX);
    }
    for (size_t i = 0; i < labels.count; i++) {
        struct label label = labels.items[i];
        int order = i == 0 ? -1 : str_cmp(labels.items[i - 1].name, label.name);

        if (order == 0) {
            return error_set(err, BARO_EINVALID,
                             "label name \"%.*s\" is not unique: invalid sample",
                             STR_ARG(label.name));
        }
        if (order > 0 || label.name.len == 0) {
            return error_set(err, BARO_EINVALID, "labels are not sorted by name");
        }
        if (label.value.len == 0) {
            return error_set(err, BARO_EINVALID, "label \"%.*s\" has an empty value",
                             STR_ARG(label.name));
        }
    }
    return 0;
}

static struct head_series *new_slot_locked(struct head *head, uint32_t *ret_slot)
{
    uint32_t slot = head->slot_count;

    if (slot >> HEAD_PAGE_BITS == head->pages_count) {
        head_page_add_locked(head);
    }
    *ret_slot = slot;
    return head_series_at(head, slot);
}

static void count_slot_locked(struct head *head, uint32_t slot)
{
    struct head_page *page = head->pages[slot >> HEAD_PAGE_BITS];

    head->slot_count++;
    head->series_count++;
    head_bit_set(page->alive, slot);
    page->alive_count++;
}

/* Under the index lock for writing: a reader of the index sees whole series only. */
static int create_locked(struct head *head, struct labels labels, uint64_t hash, series_ref ref,
                         uint32_t *ret_slot, struct baro_error *err)
{
    struct head_series *series;
    pair_ref *pairs;
    uint32_t slot;

    if (atomic_load_explicit(&head->is_full, memory_order_relaxed)) {
        return head_limit_refuse(head, err);
    }
    if (head->series_count >= head->options.series_max) {
        return error_set(err, BARO_ELIMIT, "the head has %u series, as many as it may have",
                         head->series_count);
    }
    if (head->slot_count == HEAD_SLOT_NONE - 1) {
        return error_set(err, BARO_ELIMIT,
                         "the head has had four billion series since the start: restart");
    }
    series = new_slot_locked(head, &slot);
    *series = (struct head_series){
        .hash = (uint32_t)(hash >> 32),
        .pair_count = (uint16_t)labels.count,
        .pairs = head_pool_alloc(&head->pool, labels.count * sizeof(pair_ref), POOL_LABELS),
        .chunk.leading = CHUNK_XOR_FRESH,
        .flags = SERIES_TOUCHED,
    };
    pairs = head_pool_at(&head->pool, series->pairs);
    for (size_t i = 0; i < labels.count; i++) {
        pairs[i] = head_labels_add(&head->labels, labels.items[i].name, labels.items[i].value);
        if (pairs[i] == 0) {
            head_pool_free(&head->pool, series->pairs, labels.count * sizeof(pair_ref),
                           POOL_LABELS);
            return error_set(err, BARO_ELIMIT, "the head has too many distinct label values");
        }
    }
    for (size_t i = 0; i < labels.count; i++) {
        head_labels_post(&head->labels, pairs[i], slot);
    }
    if (ref == 0) {
        ref = head->last_ref + 1;
    }
    head->last_ref = ref > head->last_ref ? ref : head->last_ref;
    series->ref = ref;
    head_refs_add(&head->refs, ref, slot);
    count_slot_locked(head, slot);
    *ret_slot = slot;
    return 0;
}

/* Spares the series at the next truncation; false when one has taken it already. */
static bool touch(struct head *head, uint32_t slot)
{
    struct head_series *series = head_series_at(head, slot);
    bool is_alive;

    lock_acquire(head_stripe(head, slot));
    is_alive = (series->flags & SERIES_DEAD) == 0;
    series->flags |= SERIES_TOUCHED;
    lock_release(head_stripe(head, slot));
    return is_alive;
}

/* The place of a slot in its shard, SIZE_MAX when it is not there. */
static size_t shard_place(const struct head *head, const struct head_shard *shard, uint32_t slot)
{
    size_t i;

    if (shard->capacity == 0) {
        return SIZE_MAX;
    }
    i = place_of(head_series_at(head, slot)->hash, shard->capacity);
    while (shard->tags[i] != 0 && shard->slots[i] != slot) {
        i = (i + 1) & (shard->capacity - 1);
    }
    return shard->tags[i] != 0 ? i : SIZE_MAX;
}

/* Frees a place and moves those behind it up that are not at home. */
static void shard_remove_at(const struct head *head, struct head_shard *shard, size_t hole)
{
    size_t mask = shard->capacity - 1;

    for (size_t i = (hole + 1) & mask; shard->tags[i] != 0; i = (i + 1) & mask) {
        size_t home = place_of(head_series_at(head, shard->slots[i])->hash, shard->capacity);

        if (((i - home) & mask) >= ((i - hole) & mask)) {
            shard->tags[hole] = shard->tags[i];
            shard->slots[hole] = shard->slots[i];
            hole = i;
        }
    }
    shard->tags[hole] = 0;
    shard->count--;
}

void head_shard_purge(struct head *head, struct head_shard *shard)
{
    lock_acquire(&shard->lock);
    for (size_t i = 0; i < shard->capacity;) {
        uint32_t slot = shard->slots[i];

        if (shard->tags[i] != 0 && head_bit(head->pages[slot >> HEAD_PAGE_BITS]->dead, slot)) {
            shard_remove_at(head, shard, i); /* another one may stand here now */
        } else {
            i++;
        }
    }
    lock_release(&shard->lock);
}

int head_series_get(struct head *head, struct labels labels, series_ref ref, uint32_t *ret_slot,
                    struct baro_error *err)
{
    uint64_t hash = labels_hash(labels);
    struct head_shard *shard = &head->shards[hash % HEAD_SHARDS];
    uint32_t slot;
    int r;

    lock_acquire(&shard->lock);
    slot = shard_find(head, shard, hash, labels);
    if (slot != HEAD_SLOT_NONE && !touch(head, slot)) {
        /* A truncation is about to take it out of here; the labels get a new series. */
        shard_remove_at(head, shard, shard_place(head, shard, slot));
        slot = HEAD_SLOT_NONE;
    }
    if (slot != HEAD_SLOT_NONE) {
        lock_release(&shard->lock);
        *ret_slot = slot;
        return 0;
    }
    r = check_labels(labels, err);
    if (r >= 0) {
        rwlock_write(&head->index_lock);
        r = create_locked(head, labels, hash, ref, &slot, err);
        rwlock_release(&head->index_lock);
    }
    if (r >= 0) {
        /* Full to three quarters at most. */
        if ((shard->count + 1) * 4 > shard->capacity * 3) {
            shard_grow(head, shard);
        }
        shard_put(shard, (uint32_t)(hash >> 32), tag_of(hash), slot);
        shard->count++;
        *ret_slot = slot;
        r = 1;
    }
    lock_release(&shard->lock);
    return r;
}

void head_shards_reserve(struct head *head, uint64_t series_count)
{
    /* A little more than the even share: shards differ by chance. */
    uint64_t share = series_count / HEAD_SHARDS + series_count / HEAD_SHARDS / 8;
    size_t capacity = SHARD_FIRST;

    while (capacity * 3 < share * 4) {
        capacity *= 2;
    }
    for (size_t i = 0; i < HEAD_SHARDS; i++) {
        struct head_shard *shard = &head->shards[i];

        if (shard->capacity == 0) {
            shard->capacity = capacity;
            shard->tags = mem_alloc_zero(capacity);
            shard->slots = mem_alloc(capacity * sizeof(uint32_t));
        }
    }
}

uint32_t head_series_restore(struct head *head, const struct head_restore *restore)
{
    struct head_series *series;
    uint32_t slot;

    series = new_slot_locked(head, &slot);
    *series = (struct head_series){
        .ref = restore->ref,
        .hash = restore->hash,
        .pair_count = restore->pair_count,
        .pairs = restore->block,
        .chunk.leading = CHUNK_XOR_FRESH,
        .flags = SERIES_LOGGED,
    };
    memcpy(head_pool_at(&head->pool, series->pairs), restore->pairs,
           restore->pair_count * sizeof(pair_ref));
    head->last_ref = restore->ref > head->last_ref ? restore->ref : head->last_ref;
    count_slot_locked(head, slot);
    return slot;
}

/* Pairs that share cache lines mostly share a lane. */
static size_t lane_of(pair_ref pair)
{
    return (uint32_t)((pair >> 3) * 0x9E3779B1u) >> 31;
}

STATIC_ASSERT(HEAD_ENTER_LANES == 2, "one bit tells the lane");

void head_series_enter(struct head *head, uint32_t first, uint32_t end, size_t lane)
{
    for (uint32_t slot = first; slot < end; slot++) {
        const struct head_series *series = head_series_at(head, slot);
        const pair_ref *pairs = head_series_pairs(head, series);

        for (size_t i = 0; i < series->pair_count; i++) {
            if (lane_of(pairs[i]) == lane) {
                head_labels_post(&head->labels, pairs[i], slot);
            }
        }
        if (lane == 0) {
            head_refs_add(&head->refs, series->ref, slot);
        }
    }
}

void head_shard_fill(struct head *head, size_t number, const struct head_placed *items,
                     size_t count)
{
    struct head_shard *shard = &head->shards[number];

    for (size_t i = 0; i < count; i++) {
        if ((shard->count + 1) * 4 > shard->capacity * 3) {
            shard_grow(head, shard);
        }
        shard_put(shard, items[i].hash, items[i].tag, items[i].slot);
        shard->count++;
    }
}

/* The time of the first sample stands at the start of a chunk as a zigzag varint. */
ts head_open_mint_locked(const struct head *head, const struct head_series *series)
{
    const uint8_t *at = (const uint8_t *)head_pool_at(&head->pool, series->open);
    uint64_t raw = 0;

    if (head_series_is_histogram(series)) {
        return head_open_at(head, series)->mint;
    }
    at += CHUNK_XOR_HEADER_BYTES;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        raw |= (uint64_t)(*at & 0x7f) << shift;
        if (*at++ < 0x80) {
            break;
        }
    }
    return (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1);
}

ts head_chunk_even_end(ts start, ts now, ts end, double ratio)
{
    double length = (double)end - (double)start;
    double n = length / (((double)now - (double)start + 1) * ratio);

    /* In doubles, since times at the ends of their range would overflow. */
    return n <= 1 || length >= 0x1p62 ? end : start + (ts)(length / (double)(int64_t)n);
}

static void open_chunk_locked(struct head *head, struct head_series *series, ts t, double v)
{
    dur range = head->options.chunk_range;

    series->open_size = CHUNK_FIRST_BYTES;
    series->open = head_pool_alloc(&head->pool, CHUNK_FIRST_BYTES, POOL_OPEN);
    if (chunk_decimal_suits(v)) {
        series->flags |= SERIES_DECIMAL;
        chunk_decimal_init(&series->chunk, head_pool_at(&head->pool, series->open));
    } else {
        chunk_xor_init(&series->chunk, head_pool_at(&head->pool, series->open));
    }
    if (__builtin_add_overflow(t / range * range, range, &series->next_at)) {
        series->next_at = INT64_MAX;
    }
    if (series->next_at > t && series->next_at - 1 - t > HEAD_CHUNK_SPAN_MAX) {
        series->next_at = t + HEAD_CHUNK_SPAN_MAX;
    }
    atomic_fetch_add_explicit(&head->chunks, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&head->chunks_created, 1, memory_order_relaxed);
}

static void grow_chunk_locked(struct head *head, struct head_series *series)
{
    size_t more = series->open_size / 8u > 16 ? series->open_size / 8u : 16;
    size_t size = head_pool_size(series->open_size + more);
    pool_ref grown = head_pool_alloc(&head->pool, size, POOL_OPEN);

    memcpy(head_pool_at(&head->pool, grown), head_pool_at(&head->pool, series->open),
           series->open_size);
    head_pool_free(&head->pool, series->open, series->open_size, POOL_OPEN);
    series->open = grown;
    series->open_size = (uint16_t)size;
}

static bool must_cut_locked(struct head *head, struct head_series *series, ts t)
{
    const struct chunk_xor *chunk = &series->chunk;

    if (chunk_xor_size(chunk) > CHUNK_BYTES_MAX || head_series_is_histogram(series)) {
        return true;
    }
    if (chunk->count == CHUNK_SAMPLES / CHUNK_QUARTERS) {
        series->next_at = head_chunk_even_end(head_open_mint_locked(head, series), chunk->t,
                                              series->next_at, CHUNK_QUARTERS);
    }
    return t >= series->next_at || chunk->count >= 2 * CHUNK_SAMPLES;
}

/* The values do not suit a decimal chunk: the other kind is taken, if that is smaller. */
static COLD void repack_open_locked(struct head *head, struct head_series *series)
{
    uint8_t packed[HEAD_POOL_BLOCK_BYTES_MAX];
    size_t bytes = chunk_xor_size(&series->chunk), size;
    str open = str_of(head_pool_at(&head->pool, series->open), bytes);
    struct chunk_xor chunk;

    if (bytes > sizeof(packed) || chunk_decimal_repack(open, packed, bytes - 1, &chunk, NULL) < 0) {
        return;
    }
    head_pool_free(&head->pool, series->open, series->open_size, POOL_OPEN);
    size = head_pool_size(chunk_xor_size(&chunk) + HEAD_POOL_GRAIN);
    series->open = head_pool_alloc(&head->pool, size, POOL_OPEN);
    series->open_size = (uint16_t)size;
    memcpy(head_pool_at(&head->pool, series->open), packed, chunk_xor_size(&chunk));
    series->chunk = chunk;
    series->flags &= (uint8_t)~SERIES_DECIMAL;
}

static inline bool put_sample_locked(struct head *head, struct head_series *series, ts t, double v)
{
    uint8_t *data = head_pool_at(&head->pool, series->open);

    return (series->flags & SERIES_DECIMAL) != 0
               ? chunk_decimal_append(&series->chunk, data, series->open_size, t, v)
               : chunk_xor_append(&series->chunk, data, series->open_size, t, v);
}

bool head_series_append_locked(struct head *head, uint32_t slot, ts t, double v)
{
    struct head_series *series = head_series_at(head, slot);
    struct chunk_xor *chunk = &series->chunk;

    if (LIKELY(chunk->count > 0)) {
        if (t <= chunk->t) {
            return false;
        }
        if (UNLIKELY(must_cut_locked(head, series, t))) {
            head_open_close_locked(head, slot);
            open_chunk_locked(head, series, t, v);
        }
    } else {
        open_chunk_locked(head, series, t, v);
    }
    while (!put_sample_locked(head, series, t, v)) {
        grow_chunk_locked(head, series);
    }
    if (UNLIKELY((series->flags & SERIES_DECIMAL) != 0 && chunk_decimal_is_poor(chunk))) {
        repack_open_locked(head, series);
    }
    return true;
}
