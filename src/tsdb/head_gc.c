/*
 * Forgetting what is old. A truncation goes over all series once and cuts off chunks that end
 * before the given time; series that are left with nothing die. The dead are marked in their pages,
 * taken out of the shards, the refs, the exemplars and the postings, and last of the count; only
 * then are they handed to the epoch. Each step holds its lock for one stripe, one shard, one run of
 * refs or one list of postings, so that appenders and queries wait for milliseconds at most. A
 * reader may meet a dead series in between: it has no samples.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tsdb/head_priv.h"
#include "tsdb/wal.h"
#include "tsdb/wal_record.h"

enum { RECORD_BYTES_MAX = 1 << 20 };

struct truncation {
    struct head *head;
    ts before; /* what ends before this goes */
    struct head_garbage garbage;
    struct head_truncated *sum;
    uint32_t slot_count;   /* slots at the start; later ones are too young to die */
    uint64_t gone_segment; /* the WAL names the dead up to here */
};

size_t head_slots_alive_locked(const struct head *head, uint32_t *ret)
{
    size_t count = 0;

    for (uint32_t page = 0; page < head->pages_count; page++) {
        for (uint32_t i = 0; head->pages[page] != NULL && i < HEAD_PAGE_SERIES / 64; i++) {
            for (uint64_t word = head->pages[page]->alive[i]; word != 0; word &= word - 1) {
                ret[count++] = (page << HEAD_PAGE_BITS) + i * 64 + (uint32_t)__builtin_ctzll(word);
            }
        }
    }
    ASSERT(count == head->series_count);
    return count;
}

static size_t chain_length(const struct head *head, pool_ref ref)
{
    size_t count = 0;

    for (; ref != 0; count++) {
        ref = head_chunk_older(head_chunk_at(head, ref));
    }
    return count;
}

/* Cuts the closed chunks that end before the time off the series' chain. */
static void cut_chain_locked(struct truncation *truncation, struct head_series *series)
{
    struct head *head = truncation->head;
    struct head_chunk *newer = NULL;
    pool_ref ref = series->closed;

    while (ref != 0) {
        struct head_chunk *chunk = head_chunk_at(head, ref);

        if (head_chunk_maxt(chunk) < truncation->before) {
            break;
        }
        newer = chunk;
        ref = head_chunk_older(chunk);
    }
    if (ref == 0) {
        return;
    }
    if (newer == NULL) {
        series->closed = 0;
    } else {
        atomic_store_explicit(&newer->older, 0, memory_order_release);
    }
    vec_push(&truncation->garbage.chunks, ref);
    truncation->sum->chunks += chain_length(head, ref);
}

/* The open chunk is only looked at under the lock, so it goes at once. */
static void drop_open_locked(struct truncation *truncation, uint32_t slot)
{
    struct head *head = truncation->head;
    const struct head_series *series = head_series_at(head, slot);

    if (series->chunk.count > 0 && series->chunk.t < truncation->before) {
        head_open_drop_locked(head, slot);
        truncation->sum->chunks++;
    }
}

static bool must_die_locked(struct head_series *series)
{
    bool is_touched = (series->flags & SERIES_TOUCHED) != 0;

    series->flags &= (uint8_t)~SERIES_TOUCHED;
    return !is_touched && series->chunk.count == 0 && series->closed == 0 &&
           series->pending_count == 0 && (series->flags & SERIES_OOO) == 0;
}

static void truncate_series(struct truncation *truncation)
{
    struct head *head = truncation->head;
    uint32_t *slots;
    struct lock *held = NULL;
    size_t count;

    rwlock_read(&head->index_lock);
    slots = mem_alloc((head->series_count + 1u) * sizeof(uint32_t));
    count = head_slots_alive_locked(head, slots);
    rwlock_release(&head->index_lock);
    for (size_t i = 0; i < count; i++) {
        struct head_series *series = head_series_at(head, slots[i]);

        head_stripe_hold(head, slots[i], &held);
        drop_open_locked(truncation, slots[i]);
        cut_chain_locked(truncation, series);
        if (truncation->before > head->unfiled_until) {
            series->flags &= (uint8_t)~SERIES_UNFILED;
        }
        if (must_die_locked(series)) {
            series->flags |= SERIES_DEAD;
            head_bit_set(head->pages[slots[i] >> HEAD_PAGE_BITS]->dead, slots[i]);
            vec_push(&truncation->garbage.slots, slots[i]);
        }
    }
    head_stripe_drop(held);
    (void)mem_free(slots);
    atomic_fetch_sub_explicit(&head->chunks, truncation->sum->chunks, memory_order_relaxed);
}

static bool is_dead(const void *context, uint32_t slot)
{
    const struct truncation *truncation = context;

    return head_bit(truncation->head->pages[slot >> HEAD_PAGE_BITS]->dead, slot);
}

static void note_gone(void *context, series_ref ref)
{
    struct truncation *truncation = context;

    vec_push(&truncation->head->gone, (struct head_gone){ref, truncation->gone_segment});
}

static void retire(void *context, void *memory)
{
    struct truncation *truncation = context;

    vec_push(&truncation->garbage.memory, memory);
}

static int by_ref(const void *a, const void *b)
{
    const struct head_gone *x = a, *y = b;

    return (x->ref > y->ref) - (x->ref < y->ref);
}

static void purge_refs(struct truncation *truncation)
{
    struct head *head = truncation->head;
    struct refs_purge purge = {0};
    bool has_more = true;

    while (has_more) {
        rwlock_write(&head->index_lock);
        has_more = head_refs_purge(&head->refs, &purge, is_dead, note_gone, truncation);
        rwlock_release(&head->index_lock);
    }
    rwlock_write(&head->index_lock);
    head_refs_rebuild(&head->refs, retire, truncation);
    rwlock_release(&head->index_lock);
    if (head->gone.count > 1) {
        qsort(head->gone.items, head->gone.count, sizeof(head->gone.items[0]), by_ref);
    }
}

/* The pairs that dead series have, each once. */
static pair_ref *pairs_of_dead(const struct truncation *truncation, size_t *ret_count)
{
    struct head *head = truncation->head;
    VEC(pair_ref) pairs = {0};
    uint64_t *seen;
    uint32_t pair_count;

    rwlock_read(&head->index_lock);
    pair_count = head->labels.pair_count;
    rwlock_release(&head->index_lock);
    seen = mem_alloc_zero((pair_count / 64 + 1u) * sizeof(uint64_t));
    for (size_t i = 0; i < truncation->garbage.slots.count; i++) {
        const struct head_series *series = head_series_at(head, truncation->garbage.slots.items[i]);
        const pair_ref *items = head_series_pairs(head, series);

        for (size_t k = 0; k < series->pair_count; k++) {
            if ((seen[items[k] / 64] >> items[k] % 64 & 1) == 0) {
                seen[items[k] / 64] |= UINT64_C(1) << items[k] % 64;
                vec_push(&pairs, items[k]);
            }
        }
    }
    (void)mem_free(seen);
    *ret_count = pairs.count;
    return pairs.items;
}

static void purge_postings(struct truncation *truncation)
{
    struct head *head = truncation->head;
    size_t count = 0, names;
    pair_ref *pairs = pairs_of_dead(truncation, &count);

    for (size_t i = 0; i < count; i++) {
        rwlock_write(&head->index_lock);
        if (head_labels_filter(&head->labels, pairs[i], is_dead, truncation) == 1) {
            vec_push(&truncation->garbage.pairs, pairs[i]);
        }
        rwlock_release(&head->index_lock);
    }
    (void)mem_free(pairs);
    rwlock_read(&head->index_lock);
    names = head->labels.names.count;
    rwlock_release(&head->index_lock);
    for (size_t i = 0; truncation->garbage.pairs.count > 0 && i < names; i++) {
        rwlock_write(&head->index_lock);
        head_labels_tidy(&head->labels, head->labels.names.items[i]);
        rwlock_release(&head->index_lock);
    }
}

/* Takes the dead out of the count, and whole pages of them out of use. */
static void uncount(struct truncation *truncation)
{
    struct head *head = truncation->head;

    rwlock_write(&head->index_lock);
    for (size_t i = 0; i < truncation->garbage.slots.count; i++) {
        uint32_t slot = truncation->garbage.slots.items[i];
        struct head_page *page = head->pages[slot >> HEAD_PAGE_BITS];
        uint32_t at = slot & (HEAD_PAGE_SERIES - 1);

        page->alive[at / 64] &= ~(UINT64_C(1) << at % 64);
        page->dead[at / 64] &= ~(UINT64_C(1) << at % 64);
        page->alive_count--;
        head->series_count--;
    }
    /* The last page still gets series. */
    for (size_t i = 0; i + 1 < head->pages_count; i++) {
        struct head_page *page = head->pages[i];

        if (page != NULL && page->alive_count == 0 && !page->is_retired) {
            page->is_retired = true;
            vec_push(&truncation->garbage.pages, (uint32_t)i);
        }
    }
    rwlock_release(&head->index_lock);
}

static void bury(struct truncation *truncation)
{
    struct head *head = truncation->head;

    for (size_t i = 0; i < HEAD_SHARDS; i++) {
        head_shard_purge(head, &head->shards[i]);
    }
    purge_refs(truncation);
    head_exemplars_forget(&head->examples, is_dead, truncation);
    purge_postings(truncation);
    uncount(truncation);
}

static void raise_mint(struct head *head, ts t)
{
    int64_t seen = atomic_load_explicit(&head->mint, memory_order_relaxed);

    while (seen < t && seen != INT64_MAX &&
           !atomic_compare_exchange_weak_explicit(&head->mint, &seen, t, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
}

void head_truncate(struct head *head, ts t, struct head_truncated *ret)
{
    struct truncation truncation = {.head = head, .before = t, .sum = ret};
    struct wal_stats stats = {0};

    *ret = (struct head_truncated){0};
    head_set_in_blocks(head, t);
    if (head->wal != NULL) {
        wal_stats(head->wal, &stats);
    }
    truncation.gone_segment = stats.segment;
    truncate_series(&truncation);
    head->must_trim = true;
    ret->series = truncation.garbage.slots.count;
    if (ret->series > 0) {
        bury(&truncation);
    }
    raise_mint(head, t);
    head_epoch_advance(&head->epochs, &truncation.garbage);
}

bool head_wait_queriers(struct head *head, int64_t deadline)
{
    struct head_garbage none = {0};

    head_epoch_advance(&head->epochs, &none);
    return head_epoch_wait(&head->epochs, HEAD_QUERIER, deadline);
}

void head_chain_free(struct head *head, pool_ref ref)
{
    while (ref != 0) {
        pool_ref older = head_chunk_older(head_chunk_at(head, ref));

        head_chunk_free(head, ref);
        ref = older;
    }
}

static void free_series(struct head *head, uint32_t slot)
{
    struct head_series *series = head_series_at(head, slot);

    if (series->pairs != 0) {
        head_pool_free(&head->pool, series->pairs, series->pair_count * sizeof(pair_ref),
                       POOL_LABELS);
    }
    series->pairs = 0;
    series->pair_count = 0;
}

static void free_garbage(struct head *head, const struct head_garbage *garbage)
{
    for (size_t i = 0; i < garbage->chunks.count; i++) {
        head_chain_free(head, garbage->chunks.items[i]);
    }
    for (size_t i = 0; i < garbage->slots.count; i++) {
        free_series(head, garbage->slots.items[i]);
    }
    for (size_t i = 0; i < garbage->replaced.count; i++) {
        head_chunk_free(head, garbage->replaced.items[i]);
    }
    for (size_t i = 0; i < garbage->maps.count; i++) {
        chunks_map_free(garbage->maps.items[i]);
    }
    for (size_t i = 0; i < garbage->memory.count; i++) {
        (void)mem_free(garbage->memory.items[i]);
    }
    for (size_t i = 0; i < garbage->pages.count; i++) {
        rwlock_write(&head->index_lock);
        head_page_free_locked(head, garbage->pages.items[i]);
        rwlock_release(&head->index_lock);
    }
    for (size_t i = 0; i < garbage->pairs.count; i++) {
        rwlock_write(&head->index_lock);
        head_labels_reuse(&head->labels, garbage->pairs.items[i]);
        rwlock_release(&head->index_lock);
    }
}

void head_collect(struct head *head)
{
    struct head_epoch *epoch;
    bool has_freed = false;

    while ((epoch = head_epoch_take(&head->epochs)) != NULL) {
        free_garbage(head, &epoch->garbage);
        head_epoch_free(epoch);
        has_freed = true;
    }
    if (head->must_trim && has_freed) {
        head->must_trim = false;
        head_pool_trim(&head->pool);
    }
}

bool head_wants_ref(struct head *head, series_ref ref, uint64_t segment)
{
    struct head_gone wanted = {.ref = ref};
    const struct refs_page *page = NULL;
    const struct head_gone *found;

    if (refs_find(&head->refs, &page, ref) != HEAD_SLOT_NONE) {
        return true;
    }
    if (head->gone.count == 0) {
        return false;
    }
    found = bsearch(&wanted, head->gone.items, head->gone.count, sizeof(wanted), by_ref);
    return found != NULL && found->segment > segment;
}

void head_forget_refs(struct head *head, uint64_t segment)
{
    size_t kept = 0;

    for (size_t i = 0; i < head->gone.count; i++) {
        if (head->gone.items[i].segment > segment) {
            head->gone.items[kept++] = head->gone.items[i];
        }
    }
    head->gone.count = kept;
    if (kept == 0) {
        vec_done(&head->gone);
    }
}

int head_metadata_records(struct head *head, int (*put)(void *context, str record), void *context)
{
    struct buf record = {0};
    uint32_t *slots;
    size_t count;
    int r = 0;

    rwlock_read(&head->index_lock);
    slots = mem_alloc((head->series_count + 1u) * sizeof(uint32_t));
    count = head_slots_alive_locked(head, slots);
    rwlock_release(&head->index_lock);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        const struct head_series *series = head_series_at(head, slots[i]);
        uint32_t number;

        lock_acquire(head_stripe(head, slots[i]));
        number = series->meta;
        lock_release(head_stripe(head, slots[i]));
        if (number == 0) {
            continue;
        }
        if (record.len == 0) {
            wal_put_type(&record, WAL_RECORD_METADATA);
        }
        wal_put_metadata(&record, series->ref, head_meta_at(&head->meta, number));
        if (record.len > RECORD_BYTES_MAX) {
            r = put(context, buf_view(&record));
            buf_reset(&record);
        }
    }
    if (r >= 0 && record.len > 0) {
        r = put(context, buf_view(&record));
    }
    buf_done(&record);
    (void)mem_free(slots);
    return r;
}
