/*
 * Open chunks of native histograms. They are cut where Prometheus cuts them: by bytes, since a
 * histogram may take as many as a hundred floats do, but not before they have a few samples.
 * Source: Prometheus 3, tsdb/head_append.go, histogramsAppendPreprocessor.
 */
#include <string.h>

#include "base/mem.h"
#include "tsdb/head_priv.h"

enum {
    TARGET_BYTES = 1024, /* of a chunk */
    SAMPLES_MIN = 10,
};

struct head_open *head_open_at(const struct head *head, const struct head_series *series)
{
    struct head_open *open = NULL;

    ASSERT(head_series_is_histogram(series));
    memcpy(&open, head_pool_at(&head->pool, series->open), sizeof(struct head_open *));
    return open;
}

str head_open_data_locked(const struct head *head, const struct head_series *series,
                          uint8_t *ret_encoding)
{
    const struct head_open *open;

    if (!head_series_is_histogram(series)) {
        *ret_encoding = (series->flags & SERIES_DECIMAL) != 0 ? CHUNK_DECIMAL : CHUNK_XOR;
        return series->chunk.count == 0 ? STR_NULL
                                        : str_of(head_pool_at(&head->pool, series->open),
                                                 chunk_xor_size(&series->chunk));
    }
    open = head_open_at(head, series);
    *ret_encoding = open->chunk.is_float ? CHUNK_FLOAT_HISTOGRAM : CHUNK_HISTOGRAM;
    return buf_view(&open->chunk.data);
}

void head_open_drop_locked(struct head *head, uint32_t slot)
{
    struct head_series *series = head_series_at(head, slot);

    head_starts_drop_locked(head, slot);
    if (head_series_is_histogram(series)) {
        struct head_open *open = head_open_at(head, series);

        atomic_fetch_sub_explicit(&head->outside_bytes, head_open_bytes(open),
                                  memory_order_relaxed);
        atomic_fetch_sub_explicit(&head->outside, 1, memory_order_relaxed);
        chunk_histogram_done(&open->chunk);
        (void)mem_free(open);
        series->flags &= (uint8_t)~SERIES_HISTOGRAM;
    }
    if (series->open != 0) {
        head_pool_free(&head->pool, series->open, series->open_size, POOL_OPEN);
    }
    series->flags &= (uint8_t)~SERIES_DECIMAL;
    series->open = 0;
    series->open_size = 0;
    series->chunk = (struct chunk_xor){.leading = CHUNK_XOR_FRESH};
}

struct head_open *head_open_new_locked(struct head *head, struct head_series *series)
{
    struct head_open *open = MEM_NEW(struct head_open);

    ASSERT(series->open == 0 && !head_series_is_histogram(series));
    series->open_size = sizeof(struct head_open *);
    series->open = head_pool_alloc(&head->pool, series->open_size, POOL_OPEN);
    memcpy(head_pool_at(&head->pool, series->open), &open, sizeof(struct head_open *));
    series->flags |= SERIES_HISTOGRAM;
    atomic_store_explicit(&head->has_histograms, true, memory_order_relaxed);
    atomic_fetch_add_explicit(&head->outside, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&head->outside_bytes, head_open_bytes(open), memory_order_relaxed);
    return open;
}

size_t head_open_bytes(const struct head_open *open)
{
    return sizeof(*open) + chunk_histogram_bytes(&open->chunk);
}

/* The series shows of the chunk what it shows of one of floats. */
void head_open_show_locked(struct head_series *series, const struct head_open *open, double sum)
{
    series->chunk = (struct chunk_xor){.t = open->chunk.t,
                                       .v_bits = value_bits(sum),
                                       .count = open->chunk.count,
                                       .leading = CHUNK_XOR_FRESH};
}

static ts range_end(const struct head *head, ts t)
{
    dur range = head->options.chunk_range;
    ts end;

    return __builtin_add_overflow(t / range * range, range, &end) ? INT64_MAX : end;
}

/* Puts what is open into the chain of closed chunks. */
void head_open_close_locked(struct head *head, uint32_t slot)
{
    struct head_series *series = head_series_at(head, slot);
    uint8_t encoding = CHUNK_NONE;
    str data = head_open_data_locked(head, series, &encoding);
    struct buf with_starts = {0};

    if (head_starts_pack_locked(head, slot, data, &encoding, &with_starts)) {
        data = buf_view(&with_starts);
    }
    series->closed = head_chunk_new(head, head_open_mint_locked(head, series), series->chunk.t,
                                    encoding, data, series->closed);
    head_open_drop_locked(head, slot);
    head_note_closed_locked(head, slot, data.len);
    buf_done(&with_starts);
}

/* Whether the chunk ends before a histogram at t, for its size or its time. */
static bool must_cut(const struct head *head, struct head_series *series, struct head_open *open,
                     ts t)
{
    size_t bytes = open->chunk.data.len;
    /* The end may be one that was set by the size. */
    ts end = open->has_end ? range_end(head, open->mint) : series->next_at;

    if (!open->has_end && bytes >= TARGET_BYTES / 4) {
        series->next_at = head_chunk_even_end(open->mint, open->chunk.t, series->next_at,
                                              (double)TARGET_BYTES / (double)bytes);
        open->has_end = true;
    }
    return (uint64_t)t - (uint64_t)open->mint > (uint64_t)HEAD_CHUNK_SPAN_MAX ||
           ((t >= series->next_at || bytes >= 2 * (size_t)TARGET_BYTES) &&
            (open->chunk.count >= SAMPLES_MIN || t >= end));
}

/* What a new chunk must know of the one before it. */
struct next_chunk {
    bool is_wanted;
    bool is_float;
    bool has_end; /* stays set when a reset cuts, as in Prometheus */
    enum chunk_histogram_start start;
};

static void open_next_locked(struct head *head, uint32_t slot, ts t, const struct histogram *h,
                             const struct next_chunk *next)
{
    struct head_series *series = head_series_at(head, slot);
    struct head_open *open;
    bool fits;

    if (series->chunk.count > 0) {
        head_open_close_locked(head, slot);
    }
    open = head_open_new_locked(head, series);
    open->mint = t;
    open->has_end = next->has_end;
    chunk_histogram_begin(&open->chunk, next->is_float, next->start);
    fits = chunk_histogram_append(&open->chunk, t, h);
    ASSERT(fits);
    series->next_at = range_end(head, t);
    atomic_fetch_add_explicit(&head->chunks, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&head->chunks_created, 1, memory_order_relaxed);
}

/* Adds to the open chunk, or tells what the next one is like. */
static int add_locked(const struct head *head, struct head_series *series, ts t,
                      const struct histogram *h, struct next_chunk *next)
{
    struct head_open *open = head_open_at(head, series);
    int r;

    if (histogram_is_stale(h)) {
        next->is_float = open->chunk.is_float;
    }
    if (next->is_float != open->chunk.is_float) {
        return 0;
    }
    if (must_cut(head, series, open, t)) {
        next->start = chunk_histogram_start_behind(&open->chunk, h);
        return 0;
    }
    r = chunk_histogram_add(&open->chunk, t, h, &next->start, NULL);
    next->has_end = open->has_end;
    return r;
}

bool head_series_append_histogram_locked(struct head *head, uint32_t slot, ts t,
                                         const struct histogram *h)
{
    struct head_series *series = head_series_at(head, slot);
    struct next_chunk next = {.is_float = !h->integer,
                              .start = chunk_histogram_start_behind(NULL, h)};
    const struct head_open *open;
    size_t before = 0;
    int r = 0;

    if (!chunk_histogram_can_hold(h) || (series->chunk.count > 0 && t <= series->chunk.t)) {
        return false;
    }
    if (head_series_is_histogram(series)) {
        before = head_open_bytes(head_open_at(head, series));
        r = add_locked(head, series, t, h, &next);
    }
    if (r < 0) {
        return false;
    }
    if (r == 0) {
        open_next_locked(head, slot, t, h, &next);
        before = sizeof(struct head_open);
    }
    open = head_open_at(head, series);
    if (head_open_bytes(open) != before) {
        atomic_fetch_add_explicit(&head->outside_bytes, head_open_bytes(open) - before,
                                  memory_order_relaxed);
    }
    head_open_show_locked(series, open, h->sum);
    return true;
}

void head_series_put_back_locked(struct head *head, uint32_t slot, const struct sample_buf *samples,
                                 size_t i)
{
    if (samples->h != NULL && samples->h[i] != NULL) {
        (void)head_series_append_histogram_locked(head, slot, samples->t[i], samples->h[i]);
    } else {
        (void)head_series_append_locked(head, slot, samples->t[i], samples->v[i]);
    }
    head_series_note_start_locked(head, slot, samples->st != NULL ? samples->st[i] : 0);
}
