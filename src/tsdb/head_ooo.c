#include "tsdb/head_ooo.h"

#include <string.h>

#include "base/mem.h"
#include "tsdb/head_priv.h"

static struct head_slots *list_of(const struct head *head, uint32_t slot)
{
    return &((struct head *)(uintptr_t)head)->ooo[slot >> HEAD_STRIPE_BITS & (HEAD_STRIPES - 1)];
}

struct ooo_series *head_ooo_at_locked(const struct head *head, uint32_t slot)
{
    return (head_series_at(head, slot)->flags & SERIES_OOO) != 0
               ? ooo_series_of(*head_slots_find(list_of(head, slot), slot))
               : NULL;
}

struct ooo_series *head_ooo_make_locked(struct head *head, uint32_t slot)
{
    struct ooo_series *one = head_ooo_at_locked(head, slot);

    if (one != NULL) {
        return one;
    }
    one = MEM_NEW(struct ooo_series);
    one->slot = slot;
    head_slots_add(list_of(head, slot), &one->slot);
    head_series_at(head, slot)->flags |= SERIES_OOO;
    atomic_fetch_add_explicit(&head->outside_bytes, sizeof(*one), memory_order_relaxed);
    return one;
}

static void drop_locked(struct head *head, struct ooo_series *one)
{
    head_slots_remove(list_of(head, one->slot), one->slot);
    head_series_at(head, one->slot)->flags &= (uint8_t)~SERIES_OOO;
    atomic_fetch_sub_explicit(&head->outside_bytes, sizeof(*one), memory_order_relaxed);
    arena_done(&one->arena);
    (void)mem_free(one);
}

/* ---- closing ---- */

/* How many samples from `first` on are of its kind, and not too far from it. */
static size_t run_length(const struct ooo_series *one, size_t first)
{
    const struct histogram *h = one->samples[first].h;
    size_t i = first;

    while (i < one->count && (one->samples[i].h != NULL) == (h != NULL) &&
           (h == NULL || one->samples[i].h->integer == h->integer) &&
           (uint64_t)one->samples[i].t - (uint64_t)one->samples[first].t <=
               (uint64_t)HEAD_CHUNK_SPAN_MAX) {
        i++;
    }
    return i - first;
}

/* Makes the chunk of the samples [first, end): with their start timestamps, if there are any. */
static void push_samples(struct head *head, struct ooo_series *one, size_t first, size_t end,
                         uint8_t encoding, str data)
{
    struct buf with_starts = {0};
    ts st[OOO_SAMPLES_MAX] = {0};
    bool has_starts = false;

    for (size_t i = first; i < end; i++) {
        st[i - first] = one->samples[i].st;
        has_starts |= one->samples[i].st != 0;
    }
    /* Should memory be out, the samples are kept without. */
    if (has_starts && chunk_add_starts(encoding, data, st, &with_starts, &encoding, NULL) >= 0) {
        data = buf_view(&with_starts);
    }
    one->closed = head_chunk_new(head, one->samples[first].t, one->samples[end - 1].t, encoding,
                                 data, one->closed);
    buf_done(&with_starts);
}

static void close_floats(struct head *head, struct ooo_series *one, size_t first, size_t count)
{
    uint8_t packed[OOO_SAMPLES_MAX * CHUNK_XOR_SAMPLE_BYTES_MAX + 64];
    struct chunk_xor chunk;

    chunk_xor_init(&chunk, packed);
    for (size_t i = first; i < first + count; i++) {
        bool fits =
            chunk_xor_append(&chunk, packed, sizeof(packed), one->samples[i].t, one->samples[i].v);

        ASSERT(fits);
    }
    push_samples(head, one, first, first + count, CHUNK_XOR,
                 str_of((const char *)packed, chunk_xor_size(&chunk)));
}

static void close_histograms(struct head *head, struct ooo_series *one, size_t first, size_t count)
{
    struct chunk_histogram chunk = {0};
    enum chunk_histogram_start start = CHUNK_START_UNKNOWN;
    uint8_t encoding = one->samples[first].h->integer ? CHUNK_HISTOGRAM : CHUNK_FLOAT_HISTOGRAM;
    size_t begin = first;

    for (size_t i = first; i < first + count; i++) {
        const struct sample *sample = &one->samples[i];
        int r = 0;

        if (i > first) {
            r = chunk_histogram_add(&chunk, sample->t, sample->h, &start, NULL);
        }
        if (i > first && r <= 0) {
            push_samples(head, one, begin, i, encoding, buf_view(&chunk.data));
        }
        if (r <= 0) {
            start = sample->h->hint == HISTOGRAM_HINT_GAUGE ? CHUNK_START_GAUGE : start;
            chunk_histogram_begin(&chunk, encoding == CHUNK_FLOAT_HISTOGRAM, start);
            (void)chunk_histogram_append(&chunk, sample->t, sample->h);
            begin = i;
        }
    }
    push_samples(head, one, begin, first + count, encoding, buf_view(&chunk.data));
    chunk_histogram_done(&chunk);
}

/* Packs the sorted samples into chunks. */
static void close_locked(struct head *head, struct ooo_series *one)
{
    size_t length;

    for (size_t i = 0; i < one->count; i += length) {
        length = run_length(one, i);
        if (one->samples[i].h == NULL) {
            close_floats(head, one, i, length);
        } else {
            close_histograms(head, one, i, length);
        }
    }
    one->count = 0;
    arena_done(&one->arena);
}

void head_ooo_note_time(struct head *head, ts t)
{
    int64_t seen = atomic_load_explicit(&head->ooo_mint, memory_order_relaxed);

    while (t < seen && !atomic_compare_exchange_weak_explicit(
                           &head->ooo_mint, &seen, t, memory_order_relaxed, memory_order_relaxed)) {
    }
    seen = atomic_load_explicit(&head->ooo_maxt, memory_order_relaxed);
    while (t > seen && !atomic_compare_exchange_weak_explicit(
                           &head->ooo_maxt, &seen, t, memory_order_relaxed, memory_order_relaxed)) {
    }
}

struct sample head_ooo_sample(const struct sample_buf *samples, size_t i)
{
    return (struct sample){
        .t = samples->t[i],
        .v = samples->v[i],
        .h = samples->h != NULL ? samples->h[i] : NULL,
        .st = samples->st != NULL ? samples->st[i] : 0,
    };
}

bool head_ooo_insert_locked(struct head *head, uint32_t slot, const struct sample *sample)
{
    const struct histogram *h = sample->h;
    ts t = sample->t;
    struct ooo_series *one;
    uint32_t at;

    if (h != NULL && !chunk_histogram_can_hold(h)) {
        return false;
    }
    one = head_ooo_make_locked(head, slot);
    at = one->count;
    while (at > 0 && one->samples[at - 1].t > t) {
        at--;
    }
    if (at > 0 && one->samples[at - 1].t == t) {
        return false;
    }
    if (one->count == OOO_SAMPLES_MAX) {
        close_locked(head, one);
        at = 0;
    }
    memmove(one->samples + at + 1, one->samples + at, (one->count - at) * sizeof(one->samples[0]));
    one->samples[at] = *sample;
    if (h != NULL) {
        one->samples[at].h = histogram_copy(&one->arena, h);
    }
    one->count++;
    head_ooo_note_time(head, t);
    return true;
}

/* ---- reading ---- */

static bool add_sample(struct sample_buf *ret, const struct sample *sample)
{
    const struct histogram *copy = NULL;

    if (!sample_buf_reserve(ret, 1) || (sample->h != NULL && !sample_buf_add_h(ret)) ||
        (sample->st != 0 && !sample_buf_add_st(ret))) {
        return false;
    }
    if (sample->h != NULL) {
        copy = histogram_copy(&ret->arena, sample->h);
        if (copy == NULL) {
            return false;
        }
    }
    ret->t[ret->count] = sample->t;
    ret->v[ret->count] = sample->v;
    if (ret->h != NULL) {
        ret->h[ret->count] = copy;
    }
    if (ret->st != NULL) {
        ret->st[ret->count] = sample->st;
    }
    ret->count++;
    return true;
}

static int no_memory(struct baro_error *err)
{
    return error_set(err, BARO_ELIMIT, "no memory for the samples of a series");
}

/* Of equal times what is read last wins: the older chunk. Damage fails, unless it is to be counted.
 */
static int read_chain(const struct head *head, pool_ref ref, ts start, ts end, size_t first,
                      struct sample_buf *ret, uint64_t *damage, struct baro_error *err)
{
    int r = 0;

    while (r >= 0 && ref != 0) {
        const struct head_chunk *chunk = head_chunk_at(head, ref);

        ref = head_chunk_older(chunk);
        if (chunk->mint <= end && head_chunk_maxt(chunk) >= start) {
            size_t middle = ret->count;

            r = head_chunk_read(head, chunk, start, end, ret, err);
            if (r == BARO_ECORRUPT && damage != NULL) {
                ++*damage;
                r = 0;
            }
            if (r >= 0 && !sample_buf_merge(ret, first, middle)) {
                r = no_memory(err);
            }
        }
    }
    return r;
}

int head_ooo_read_memory_locked(const struct head *head, const struct ooo_series *one,
                                struct sample_buf *ret, struct baro_error *err)
{
    size_t first = ret->count;
    int r = 0;

    for (uint32_t i = 0; r >= 0 && i < one->count; i++) {
        r = add_sample(ret, &one->samples[i]) ? 0 : no_memory(err);
    }
    for (pool_ref ref = one->closed; r >= 0 && ref != 0;) {
        const struct head_chunk *chunk = head_chunk_at(head, ref);
        size_t middle = ret->count;

        if (head_chunk_file(chunk) != 0) {
            break; /* and so are the older ones */
        }
        ref = head_chunk_older(chunk);
        r = head_chunk_read(head, chunk, INT64_MIN, INT64_MAX, ret, err);
        if (r >= 0 && !sample_buf_merge(ret, first, middle)) {
            r = no_memory(err);
        }
    }
    return r;
}

int head_ooo_read(struct head *head, uint32_t slot, ts start, ts end, struct sample_buf *ret,
                  uint64_t *damage, struct baro_error *err)
{
    const struct ooo_series *one;
    size_t first = ret->count;
    pool_ref closed = 0;
    bool is_good = sample_buf_reserve(ret, OOO_SAMPLES_MAX);

    lock_acquire(head_stripe(head, slot));
    one = head_ooo_at_locked(head, slot);
    if (one != NULL) {
        closed = one->closed;
        for (uint32_t i = 0; is_good && i < one->count; i++) {
            if (one->samples[i].t >= start && one->samples[i].t <= end) {
                is_good = add_sample(ret, &one->samples[i]);
            }
        }
    }
    lock_release(head_stripe(head, slot));
    return is_good ? read_chain(head, closed, start, end, first, ret, damage, err) : no_memory(err);
}

bool head_ooo_overlaps_locked(const struct head *head, uint32_t slot, ts start, ts end)
{
    const struct ooo_series *one = head_ooo_at_locked(head, slot);

    if (one == NULL) {
        return false;
    }
    if (one->count > 0 && one->samples[0].t <= end && one->samples[one->count - 1].t >= start) {
        return true;
    }
    for (pool_ref ref = one->closed; ref != 0;) {
        const struct head_chunk *chunk = head_chunk_at(head, ref);

        if (chunk->mint <= end && head_chunk_maxt(chunk) >= start) {
            return true;
        }
        ref = head_chunk_older(chunk);
    }
    return false;
}

/* ---- deleting ---- */

int head_ooo_delete_locked(struct head *head, uint32_t slot, ts start, ts end,
                           struct head_garbage *garbage, struct baro_error *err)
{
    struct ooo_series *one = head_ooo_at_locked(head, slot);
    struct sample_buf samples = {0};
    int r;

    if (one == NULL || !head_ooo_overlaps_locked(head, slot, start, end)) {
        return 0;
    }
    close_locked(head, one);
    r = read_chain(head, one->closed, INT64_MIN, INT64_MAX, 0, &samples, NULL, err);
    if (r >= 0) {
        vec_push(&garbage->chunks, one->closed);
        one->closed = 0;
        drop_locked(head, one);
        for (size_t i = 0; i < samples.count; i++) {
            if (samples.t[i] < start || samples.t[i] > end) {
                struct sample sample = head_ooo_sample(&samples, i);

                (void)head_ooo_insert_locked(head, slot, &sample);
            }
        }
    }
    sample_buf_done(&samples);
    return r < 0 ? r : 1;
}

/* ---- compaction ---- */

/* Closes a series' samples, and widens the time by its chunks. */
static void begin_one_locked(struct head *head, struct ooo_series *one,
                             struct head_ooo_picked *picked)
{
    close_locked(head, one);
    one->compacting = one->closed;
    for (pool_ref ref = one->closed; ref != 0;) {
        const struct head_chunk *chunk = head_chunk_at(head, ref);
        ts maxt = head_chunk_maxt(chunk);

        picked->mint = chunk->mint < picked->mint ? chunk->mint : picked->mint;
        picked->maxt = maxt > picked->maxt ? maxt : picked->maxt;
        ref = head_chunk_older(chunk);
    }
}

void head_ooo_begin(struct head *head, struct arena *arena, struct head_ooo_picked *ret)
{
    VEC(uint32_t) slots = {0};

    *ret = (struct head_ooo_picked){.mint = INT64_MAX, .maxt = INT64_MIN};
    for (size_t i = 0; i < HEAD_STRIPES; i++) {
        lock_acquire(&head->stripes[i]);
        for (size_t k = 0; k < head->ooo[i].items.count; k++) {
            struct ooo_series *one = ooo_series_of(head->ooo[i].items.items[k]);

            begin_one_locked(head, one, ret);
            if (one->closed != 0) {
                vec_push(&slots, one->slot);
            }
        }
        lock_release(&head->stripes[i]);
    }
    ret->slots = arena_alloc(arena, (slots.count + 1) * sizeof(uint32_t));
    if (slots.count > 0) {
        memcpy(ret->slots, slots.items, slots.count * sizeof(uint32_t));
    }
    ret->count = slots.count;
    vec_done(&slots);
}

ts head_ooo_next(struct head *head, const struct head_ooo_picked *picked, ts t)
{
    ts next = INT64_MAX;

    for (size_t i = 0; i < picked->count; i++) {
        const struct ooo_series *one;
        pool_ref ref;

        lock_acquire(head_stripe(head, picked->slots[i]));
        one = head_ooo_at_locked(head, picked->slots[i]);
        ref = one != NULL ? one->compacting : 0;
        lock_release(head_stripe(head, picked->slots[i]));
        while (ref != 0) {
            const struct head_chunk *chunk = head_chunk_at(head, ref);
            ts from = chunk->mint > t ? chunk->mint : t;

            next = head_chunk_maxt(chunk) >= t && from < next ? from : next;
            ref = head_chunk_older(chunk);
        }
    }
    return next;
}

int head_ooo_read_closed(struct head *head, uint32_t slot, ts start, ts end, struct sample_buf *ret,
                         struct baro_error *err)
{
    const struct ooo_series *one;
    pool_ref ref;

    lock_acquire(head_stripe(head, slot));
    one = head_ooo_at_locked(head, slot);
    ref = one != NULL ? one->compacting : 0;
    lock_release(head_stripe(head, slot));
    return read_chain(head, ref, start, end, ret->count, ret, NULL, err);
}

static void forget_closed_locked(struct head *head, struct ooo_series *one,
                                 struct head_garbage *garbage)
{
    pool_ref ref = one->closed;

    vec_push(&garbage->chunks, one->compacting);
    if (ref == one->compacting) {
        one->closed = 0;
    } else {
        struct head_chunk *chunk = head_chunk_at(head, ref);

        while (head_chunk_older(chunk) != one->compacting) {
            chunk = head_chunk_at(head, head_chunk_older(chunk));
        }
        atomic_store_explicit(&chunk->older, 0, memory_order_release);
    }
    one->compacting = 0;
    if (one->closed == 0 && one->count == 0) {
        drop_locked(head, one);
    }
}

void head_ooo_end(struct head *head, const struct head_ooo_picked *picked,
                  struct head_garbage *garbage)
{
    for (size_t i = 0; i < picked->count; i++) {
        uint32_t slot = picked->slots[i];
        struct ooo_series *one;

        lock_acquire(head_stripe(head, slot));
        one = head_ooo_at_locked(head, slot);
        if (one != NULL && one->compacting != 0) {
            forget_closed_locked(head, one, garbage);
        }
        lock_release(head_stripe(head, slot));
    }
}

void head_ooo_free(struct head *head)
{
    for (size_t i = 0; i < HEAD_STRIPES; i++) {
        for (size_t k = 0; k < head->ooo[i].items.count; k++) {
            struct ooo_series *one = ooo_series_of(head->ooo[i].items.items[k]);

            head_chain_free(head, one->closed);
            arena_done(&one->arena);
            (void)mem_free(one);
        }
        vec_done(&head->ooo[i].items);
    }
}
