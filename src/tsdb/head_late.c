#include "tsdb/head_late.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "tsdb/head_append_priv.h"
#include "tsdb/head_priv.h"

enum {
    BATCH_BYTES = 4 << 20, /* of chunks that are written at a time */
    SERIES_TOGETHER = 16,  /* whose markers stand in one write to the WBL */
};

/* ---- writing ---- */

/* A full chunk in memory, and where it went. */
struct late_item {
    uint32_t slot;
    pool_ref chunk;
    uint8_t encoding; /* in the file */
    struct chunks_place place;
};

struct late_flush {
    struct head *head;
    VEC(struct late_item) chunks; /* of one series in a row, oldest first */
    VEC(struct chunks_item) items;
    struct arena arena; /* of the batch: chunks that were packed anew */
    struct buf renewed;
    VEC(pool_ref) chain;
    struct head_garbage *garbage;
    VEC(struct pending_late) again; /* what is in memory of the series in work */
    struct sample_buf samples;
    struct wal_batch batch;
    struct buf record;
};

static void collect_locked(struct late_flush *flush, const struct ooo_series *one)
{
    struct head *head = flush->head;
    pool_ref ref = one->closed;

    vec_reset(&flush->chain);
    while (ref != 0 && head_chunk_file(head_chunk_at(head, ref)) == 0) {
        vec_push(&flush->chain, ref);
        ref = head_chunk_older(head_chunk_at(head, ref));
    }
    for (size_t i = flush->chain.count; i-- > 0;) {
        vec_push(&flush->chunks,
                 ((struct late_item){.slot = one->slot, .chunk = flush->chain.items[i]}));
    }
}

static void collect(struct late_flush *flush)
{
    struct head *head = flush->head;

    for (size_t i = 0; i < HEAD_STRIPES; i++) {
        lock_acquire(&head->stripes[i]);
        for (size_t k = 0; k < head->ooo[i].items.count; k++) {
            collect_locked(flush, ooo_series_of(head->ooo[i].items.items[k]));
        }
        lock_release(&head->stripes[i]);
    }
}

static size_t fill_batch(struct late_flush *flush, size_t first)
{
    struct head *head = flush->head;
    size_t bytes = 0, i;

    vec_reset(&flush->items);
    arena_reset(&flush->arena);
    for (i = first; i < flush->chunks.count && bytes < BATCH_BYTES; i++) {
        struct late_item *from = &flush->chunks.items[i];
        const struct head_chunk *chunk = head_chunk_at(head, from->chunk);
        struct chunks_item item = {
            .ref = head_series_at(head, from->slot)->ref,
            .mint = chunk->mint,
            .maxt = head_chunk_maxt(chunk),
        };

        (void)head_chunk_data(head, chunk, &item.data, NULL);
        from->encoding = head_chunk_encoding(chunk);
        chunk_renew(head_newer_chunks(head), &from->encoding, &item.data, &flush->renewed);
        if (item.data.ptr == flush->renewed.ptr) {
            item.data = arena_str(&flush->arena, item.data);
        }
        item.encoding = from->encoding | CHUNKS_HEAD_OUT_OF_ORDER;
        vec_push(&flush->items, item);
        bytes += item.data.len;
    }
    return i - first;
}

/* An entry with the place takes the chunk's place in the chain. */
static void swap_locked(struct late_flush *flush, const struct late_item *item)
{
    struct head *head = flush->head;
    struct ooo_series *one = head_ooo_at_locked(head, item->slot);
    const struct head_chunk *chunk = head_pool_at(&head->pool, item->chunk);
    pool_ref ref = head_chunk_new_filed(head, chunk->mint, head_chunk_maxt(chunk), item->encoding,
                                        item->place, head_chunk_older(chunk));

    ASSERT(one != NULL);
    one->compacting = one->compacting == item->chunk ? ref : one->compacting;
    if (one->closed == item->chunk) {
        one->closed = ref;
    } else {
        struct head_chunk *newer = head_pool_at(&head->pool, one->closed);

        while (head_chunk_older(newer) != item->chunk) {
            newer = head_pool_at(&head->pool, head_chunk_older(newer));
        }
        atomic_store_explicit(&newer->older, ref, memory_order_release);
    }
    vec_push(&flush->garbage->replaced, item->chunk);
}

static int write_batch(struct late_flush *flush, size_t first, struct baro_error *err)
{
    struct head *head = flush->head;
    struct lock *held = NULL;
    size_t count = fill_batch(flush, first);
    int r = chunks_head_write(head->files, flush->items.items, count, err);

    for (int i = 0; i < r; i++) {
        struct late_item *item = &flush->chunks.items[first + (size_t)i];

        item->place = flush->items.items[i].place;
        head_stripe_hold(head, item->slot, &held);
        swap_locked(flush, item);
    }
    head_stripe_drop(held);
    return r;
}

/* What the series has in memory, as samples that are to be logged. */
static int add_again(struct late_flush *flush, uint32_t slot, struct baro_error *err)
{
    struct head *head = flush->head;
    struct sample_buf *samples = &flush->samples;
    size_t first = samples->count;
    series_ref ref = head_series_at(head, slot)->ref;
    int r;

    lock_acquire(head_stripe(head, slot));
    r = head_ooo_read_memory_locked(head, head_ooo_at_locked(head, slot), samples, err);
    lock_release(head_stripe(head, slot));
    for (size_t i = first; r >= 0 && i < samples->count; i++) {
        vec_push(&flush->again, ((struct pending_late){ref, slot, head_ooo_sample(samples, i)}));
    }
    return r;
}

static int add_record(struct late_flush *flush, struct baro_error *err)
{
    return flush->record.failed ? error_set(err, -ENOMEM, "no memory for a WBL record")
                                : wal_batch_add(&flush->batch, buf_view(&flush->record), err);
}

/* The markers of a few series from `first` on, and what they have in memory behind them; returns
 * how many chunks that were. No late sample is on its way. */
static int mark_some_locked(struct late_flush *flush, size_t first, struct baro_error *err)
{
    struct head *head = flush->head;
    size_t series = 0, i = first;
    int r = 0;

    sample_buf_reset(&flush->samples);
    vec_reset(&flush->again);
    wal_batch_reset(&flush->batch);
    buf_reset(&flush->record);
    wal_put_type(&flush->record, WAL_RECORD_MMAP_MARKERS);
    for (; r >= 0 && i < flush->chunks.count; i++) {
        const struct late_item *item = &flush->chunks.items[i];

        if (i == first || item[-1].slot != item->slot) {
            if (series++ == SERIES_TOGETHER) {
                break;
            }
            r = add_again(flush, item->slot, err);
        }
        write_be64(&flush->record, head_series_at(head, item->slot)->ref);
        write_be64(&flush->record, (uint64_t)item->place.file << 32 | item->place.offset);
    }
    if (r >= 0) {
        r = add_record(flush, err);
    }
    for (size_t k = 0; r >= 0 && k < flush->again.count;) {
        k += head_late_put(&flush->record, flush->again.items, flush->again.count, k,
                           head->options.store_starts || flush->samples.st != NULL);
        r = add_record(flush, err);
    }
    if (r >= 0) {
        r = wal_write(atomic_load_explicit(&head->wbl, memory_order_relaxed), &flush->batch, err);
    }
    return r < 0 ? r : (int)(i - first);
}

static int mark(struct late_flush *flush, struct baro_error *err)
{
    int r = 0;

    for (size_t at = 0; r >= 0 && at < flush->chunks.count; at += (size_t)r) {
        rwlock_write(&flush->head->late_lock);
        r = mark_some_locked(flush, at, err);
        rwlock_release(&flush->head->late_lock);
    }
    return r < 0 ? r : 0;
}

int head_late_flush(struct head *head, struct head_garbage *garbage, const _Atomic bool *stop,
                    struct baro_error *err)
{
    struct late_flush flush = {.head = head, .garbage = garbage};
    size_t written = 0;
    int r = 0;

    if (atomic_load_explicit(&head->wbl, memory_order_acquire) == NULL) {
        return 0;
    }
    collect(&flush);
    while (r >= 0 && written < flush.chunks.count &&
           (stop == NULL || !atomic_load_explicit(stop, memory_order_relaxed))) {
        r = write_batch(&flush, written, err);
        written += r > 0 ? (size_t)r : 0;
    }
    flush.chunks.count = written;
    if (written > 0) {
        int marked = mark(&flush, r < 0 ? NULL : err);

        r = r < 0 ? r : marked;
    }
    vec_done(&flush.chunks);
    vec_done(&flush.items);
    arena_done(&flush.arena);
    buf_done(&flush.renewed);
    vec_done(&flush.chain);
    vec_done(&flush.again);
    sample_buf_done(&flush.samples);
    wal_batch_done(&flush.batch);
    buf_done(&flush.record);
    return r < 0 ? r : 0;
}

uint32_t head_late_first_file(struct head *head)
{
    uint32_t first = UINT32_MAX;

    for (size_t i = 0; i < HEAD_STRIPES; i++) {
        lock_acquire(&head->stripes[i]);
        for (size_t k = 0; k < head->ooo[i].items.count; k++) {
            for (pool_ref ref = ooo_series_of(head->ooo[i].items.items[k])->closed; ref != 0;) {
                const struct head_chunk *chunk = head_chunk_at(head, ref);
                uint32_t file = head_chunk_file(chunk);

                first = file > 0 && file < first ? file : first;
                ref = head_chunk_older(chunk);
            }
        }
        lock_release(&head->stripes[i]);
    }
    return first;
}

/* ---- loading ---- */

void head_late_note(struct head *head, const struct chunks_item *item)
{
    uint8_t encoding = item->encoding & (uint8_t)~CHUNKS_HEAD_OUT_OF_ORDER;

    if (chunk_is_known(encoding)) {
        vec_push(&head->late_chunks,
                 ((struct head_late_chunk){item->place, item->mint, item->maxt, encoding}));
    }
}

void head_late_loaded(struct head *head)
{
    vec_done(&head->late_chunks);
}

static int compare_places(struct chunks_place a, struct chunks_place b)
{
    return a.file != b.file ? (a.file > b.file) - (a.file < b.file)
                            : (a.offset > b.offset) - (a.offset < b.offset);
}

static const struct head_late_chunk *find_chunk(const struct head *head, struct chunks_place place)
{
    size_t low = 0, high = head->late_chunks.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_places(head->late_chunks.items[middle].place, place);

        if (order == 0) {
            return &head->late_chunks.items[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

static bool has_place(const struct head *head, const struct ooo_series *one,
                      struct chunks_place place)
{
    for (pool_ref ref = one->closed; ref != 0;) {
        const struct head_chunk *chunk = head_chunk_at(head, ref);

        if (head_chunk_file(chunk) == place.file && chunk->place == place.offset) {
            return true;
        }
        ref = head_chunk_older(chunk);
    }
    return false;
}

/* Frees what is in memory; nobody reads yet. */
static void forget_memory_locked(struct head *head, struct ooo_series *one)
{
    while (one->closed != 0 && head_chunk_file(head_chunk_at(head, one->closed)) == 0) {
        pool_ref older = head_chunk_older(head_chunk_at(head, one->closed));

        head_chunk_free(head, one->closed);
        one->closed = older;
    }
    one->count = 0;
    arena_done(&one->arena);
}

/* Puts back what was in memory and is not in the chunk; both are sorted. */
static void insert_others_locked(struct head *head, uint32_t slot, const struct sample_buf *memory,
                                 const struct sample_buf *chunk)
{
    for (size_t i = 0, k = 0; i < memory->count; i++) {
        while (k < chunk->count && chunk->t[k] < memory->t[i]) {
            k++;
        }
        if (k == chunk->count || chunk->t[k] != memory->t[i]) {
            struct sample sample = head_ooo_sample(memory, i);

            (void)head_ooo_insert_locked(head, slot, &sample);
        }
    }
}

int head_late_marked_locked(struct head *head, uint32_t slot, struct chunks_place place,
                            struct baro_error *err)
{
    const struct head_late_chunk *found = find_chunk(head, place);
    struct sample_buf memory = {0}, chunk = {0};
    struct ooo_series *one;
    uint8_t encoding = 0;
    str data = STR_NULL;
    int r = 0;

    if (found == NULL || found->maxt < found->mint ||
        (uint64_t)found->maxt - (uint64_t)found->mint > HEAD_CHUNK_SPAN_MAX ||
        chunks_head_get(head->files, place, &encoding, &data, NULL) < 0 ||
        encoding != found->encoding ||
        head_chunk_decode(encoding, data, INT64_MIN, INT64_MAX, &chunk, NULL) < 0) {
        sample_buf_done(&chunk);
        return 0; /* the WBL has its samples as well */
    }
    one = head_ooo_make_locked(head, slot);
    if (!has_place(head, one, place)) {
        r = head_ooo_read_memory_locked(head, one, &memory, err);
        if (r >= 0) {
            forget_memory_locked(head, one);
            one->closed = head_chunk_new_filed(head, found->mint, found->maxt, found->encoding,
                                               place, one->closed);
            head_ooo_note_time(head, found->mint);
            head_ooo_note_time(head, found->maxt);
            insert_others_locked(head, slot, &memory, &chunk);
        }
    }
    sample_buf_done(&memory);
    sample_buf_done(&chunk);
    return r;
}
