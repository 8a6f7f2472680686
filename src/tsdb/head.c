#include "tsdb/head.h"

#include "base/mem.h"
#include "client/self.h"
#include "tsdb/head_priv.h"

/* Blocks are two hours long at first, so chunks end there too. */
enum { CHUNK_RANGE_DEFAULT = 2 * DUR_HOUR };

struct head *head_new(const struct head_options *options)
{
    struct head *head = MEM_NEW(struct head);

    head->options = *options;
    if (head->options.series_max == 0 || head->options.series_max > HEAD_SERIES_MAX) {
        head->options.series_max = HEAD_SERIES_MAX;
    }
    if (head->options.chunk_range <= 0) {
        head->options.chunk_range = CHUNK_RANGE_DEFAULT;
    }
    if (head->options.too_old == 0) {
        head->options.too_old = head->options.chunk_range / 2;
    }
    head_pages_init(head);
    head_epochs_init(&head->epochs);
    head_pool_init(&head->pool);
    head_refs_init(&head->refs);
    head_labels_init(&head->labels);
    head_meta_init(&head->meta);
    head_exemplars_init(&head->examples, options->exemplars_max);
    for (size_t i = 0; i < HEAD_SHARDS; i++) {
        lock_init(&head->shards[i].lock, LOCK_HEAD_CREATE);
    }
    for (size_t i = 0; i < HEAD_STRIPES; i++) {
        lock_init(&head->stripes[i], LOCK_HEAD_STRIPE);
    }
    rwlock_init(&head->index_lock, LOCK_HEAD_POSTINGS);
    rwlock_init(&head->late_lock, LOCK_HEAD_LATE);
    atomic_init(&head->min_valid, INT64_MIN);
    atomic_init(&head->in_blocks, INT64_MIN);
    atomic_init(&head->mint, INT64_MAX);
    atomic_init(&head->maxt, INT64_MIN);
    atomic_init(&head->ooo_mint, INT64_MAX);
    atomic_init(&head->ooo_maxt, INT64_MIN);
    atomic_init(&head->newer_chunks, options->newer_chunks);
    atomic_init(&head->log_late, options->log_late);
    head->unfiled_until = INT64_MIN;
    return head;
}

/* The pool goes as a whole; what lies outside of it, series by series. */
static void free_outside(struct head *head)
{
    struct head_garbage none = {0};

    head_ooo_free(head);
    if (atomic_load_explicit(&head->outside, memory_order_relaxed) == 0) {
        return;
    }
    head_epoch_advance(&head->epochs, &none);
    head_collect(head);
    for (uint32_t slot = 0; slot < head->slot_count; slot++) {
        struct head_series *series;

        if (head->pages[slot >> HEAD_PAGE_BITS] == NULL) {
            continue;
        }
        series = head_series_at(head, slot);
        if ((series->flags & SERIES_DEAD) == 0) {
            head_open_drop_locked(head, slot);
            head_chain_free(head, series->closed);
        }
    }
    ASSERT(atomic_load_explicit(&head->outside, memory_order_relaxed) == 0);
}

struct head *head_free(struct head *head)
{
    if (head == NULL) {
        return NULL;
    }
    free_outside(head);
    head_starts_done(head);
    head_pages_done(head);
    vec_done(&head->gone);
    head_epochs_done(&head->epochs);
    for (size_t i = 0; i < head->retired_maps.count; i++) {
        chunks_map_free(head->retired_maps.items[i]);
    }
    vec_done(&head->retired_maps);
    if (head->chains != NULL) {
        head_refs_done(head->chains);
        (void)mem_free(head->chains);
    }
    (void)chunks_head_free(head->files);
    for (size_t i = 0; i < HEAD_SHARDS; i++) {
        (void)mem_free(head->shards[i].tags);
        (void)mem_free(head->shards[i].slots);
        lock_done(&head->shards[i].lock);
    }
    for (size_t i = 0; i < HEAD_STRIPES; i++) {
        lock_done(&head->stripes[i]);
    }
    rwlock_done(&head->index_lock);
    rwlock_done(&head->late_lock);
    vec_done(&head->late_chunks);
    head_exemplars_done(&head->examples);
    head_meta_done(&head->meta);
    head_labels_done(&head->labels);
    head_refs_done(&head->refs);
    head_pool_done(&head->pool);
    return mem_free(head);
}

void head_set_wal(struct head *head, struct wal *wal)
{
    head->wal = wal;
}

void head_set_newer_chunks(struct head *head, unsigned newer)
{
    atomic_store_explicit(&head->newer_chunks, newer, memory_order_relaxed);
}

static void lower(_Atomic int64_t *bound, int64_t t)
{
    int64_t seen = atomic_load_explicit(bound, memory_order_relaxed);

    while (t < seen && !atomic_compare_exchange_weak_explicit(bound, &seen, t, memory_order_relaxed,
                                                              memory_order_relaxed)) {
    }
}

static void raise(_Atomic int64_t *bound, int64_t t)
{
    int64_t seen = atomic_load_explicit(bound, memory_order_relaxed);

    while (t > seen && !atomic_compare_exchange_weak_explicit(bound, &seen, t, memory_order_relaxed,
                                                              memory_order_relaxed)) {
    }
}

void head_set_in_blocks(struct head *head, ts t)
{
    raise(&head->min_valid, t);
    raise(&head->in_blocks, t);
}

void head_note_time(struct head *head, ts mint, ts maxt)
{
    lower(&head->mint, mint);
    raise(&head->maxt, maxt);
}

void head_set_ooo(struct head *head, dur window)
{
    atomic_store_explicit(&head->ooo_window, window, memory_order_relaxed);
}

void head_set_log_late(struct head *head, bool log_late)
{
    atomic_store_explicit(&head->log_late, log_late, memory_order_relaxed);
}

void head_set_wbl(struct head *head, struct wal *wbl)
{
    atomic_store_explicit(&head->wbl, wbl, memory_order_release);
}

bool head_ooo_time(struct head *head, ts *ret_mint, ts *ret_maxt)
{
    *ret_mint = atomic_load_explicit(&head->ooo_mint, memory_order_relaxed);
    *ret_maxt = atomic_load_explicit(&head->ooo_maxt, memory_order_relaxed);
    return *ret_mint <= *ret_maxt;
}

bool head_time(struct head *head, ts *ret_mint, ts *ret_maxt)
{
    ts mint = atomic_load_explicit(&head->mint, memory_order_relaxed);
    ts maxt = atomic_load_explicit(&head->maxt, memory_order_relaxed);

    if (mint > maxt) {
        return false;
    }
    *ret_mint = mint;
    *ret_maxt = maxt;
    return true;
}

uint64_t head_take_damage(struct head *head)
{
    return atomic_exchange_explicit(&head->damage, 0, memory_order_relaxed);
}

bool head_has_histograms(struct head *head)
{
    return atomic_load_explicit(&head->has_histograms, memory_order_relaxed);
}

static size_t shards_bytes(struct head *head)
{
    size_t bytes = 0;

    for (size_t i = 0; i < HEAD_SHARDS; i++) {
        lock_acquire(&head->shards[i].lock);
        bytes += head->shards[i].capacity * (sizeof(uint32_t) + 1);
        lock_release(&head->shards[i].lock);
    }
    return bytes;
}

void head_memory(struct head *head, size_t ret[HEAD_PART_COUNT])
{
    size_t pool = head_pool_bytes(&head->pool), used = head_pool_used(&head->pool);

    ret[HEAD_PART_LABEL_LISTS] = head_pool_used_for(&head->pool, POOL_LABELS);
    ret[HEAD_PART_OPEN_CHUNKS] = head_pool_used_for(&head->pool, POOL_OPEN);
    ret[HEAD_PART_CLOSED_CHUNKS] = head_pool_used_for(&head->pool, POOL_CLOSED) +
                                   atomic_load_explicit(&head->outside_bytes, memory_order_relaxed);
    ret[HEAD_PART_FREE] = pool > used ? pool - used : 0;
    ret[HEAD_PART_LOOKUP] = shards_bytes(head);
    rwlock_read(&head->index_lock);
    ret[HEAD_PART_SERIES] = (head->pages_count - head->pages_freed) * sizeof(struct head_page);
    ret[HEAD_PART_POSTINGS] = head_labels_postings_bytes(&head->labels);
    ret[HEAD_PART_LABEL_PAIRS] = head_labels_bytes(&head->labels) - ret[HEAD_PART_POSTINGS];
    ret[HEAD_PART_LOOKUP] += head_refs_bytes(&head->refs);
    rwlock_release(&head->index_lock);
    ret[HEAD_PART_OTHER] = head_meta_bytes(&head->meta) + head_exemplars_bytes(&head->examples);
}

size_t head_bytes(struct head *head)
{
    size_t parts[HEAD_PART_COUNT], bytes = 0;

    head_memory(head, parts);
    for (size_t i = 0; i < HEAD_PART_COUNT; i++) {
        bytes += parts[i];
    }
    return bytes;
}

static void publish_memory(struct head *head)
{
    static const enum self_id rows[HEAD_PART_COUNT] = {
        [HEAD_PART_SERIES] = SELF_HEAD_MEMORY_SERIES,
        [HEAD_PART_LABEL_LISTS] = SELF_HEAD_MEMORY_LABEL_LISTS,
        [HEAD_PART_LABEL_PAIRS] = SELF_HEAD_MEMORY_LABEL_PAIRS,
        [HEAD_PART_POSTINGS] = SELF_HEAD_MEMORY_POSTINGS,
        [HEAD_PART_LOOKUP] = SELF_HEAD_MEMORY_LOOKUP,
        [HEAD_PART_OPEN_CHUNKS] = SELF_HEAD_MEMORY_OPEN_CHUNKS,
        [HEAD_PART_CLOSED_CHUNKS] = SELF_HEAD_MEMORY_CLOSED_CHUNKS,
        [HEAD_PART_FREE] = SELF_HEAD_MEMORY_FREE,
        [HEAD_PART_OTHER] = SELF_HEAD_MEMORY_OTHER,
    };
    size_t parts[HEAD_PART_COUNT];

    head_memory(head, parts);
    for (size_t i = 0; i < HEAD_PART_COUNT; i++) {
        self_set(rows[i], (double)parts[i]);
    }
}

static void publish_exemplars(struct head *head)
{
    struct head_exemplars_figures figures = head_exemplars_figures(&head->examples);

    self_set(SELF_EXEMPLARS_MAX, head->examples.max);
    self_set(SELF_EXEMPLARS_STORED, figures.count);
    self_set(SELF_EXEMPLARS_SERIES, figures.series);
    self_set(SELF_EXEMPLARS_OLDEST_SECONDS, (double)figures.oldest / DUR_SECOND);
}

void head_metrics_publish(struct head *head)
{
    ts mint = 0, maxt = 0;
    uint32_t series;

    (void)head_time(head, &mint, &maxt);
    rwlock_read(&head->index_lock);
    series = head->series_count;
    rwlock_release(&head->index_lock);
    self_set(SELF_HEAD_SERIES, (double)series);
    self_set(SELF_MEMORY_LIMIT, (double)head->options.memory_limit);
    self_set(SELF_HEAD_CHUNKS, (double)atomic_load_explicit(&head->chunks, memory_order_relaxed));
    self_set(SELF_HEAD_CHUNKS_CREATED,
             (double)atomic_load_explicit(&head->chunks_created, memory_order_relaxed));
    self_set(SELF_HEAD_MIN_TIME, (double)mint);
    self_set(SELF_HEAD_MAX_TIME, (double)maxt);
    publish_memory(head);
    publish_exemplars(head);
}
