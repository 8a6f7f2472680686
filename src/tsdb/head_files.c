/*
 * Full chunks go to files, and come back from them.
 *
 * Every few seconds the maintenance thread collects the closed chunks that are still in memory,
 * syncs the WAL (a power cut must not leave samples in chunks_head that the WAL has lost), writes
 * them, and puts a short entry in the place of each; the bytes are freed when nobody looks at them
 * any more. An appender pays one bit for that.
 *
 * At a start the files are read before the snapshot and the WAL: the chunks of a ref are a chain
 * that waits for its series. Samples of the WAL that are not newer than a series's chain are passed
 * over.
 */
#include <string.h>

#include "base/mem.h"
#include "tsdb/head_late.h"
#include "tsdb/head_priv.h"
#include "tsdb/wal.h"

enum {
    BATCH_BYTES = 4 << 20,
    TRIM_CHUNKS = 4096, /* that go at once: their memory is given back */
};

/* ---- writing ---- */

/* A closed chunk in memory that is to go to a file. */
struct flush_chunk {
    uint32_t slot;
    pool_ref chunk;
};

struct flush {
    struct head *head;
    VEC(struct flush_chunk) chunks; /* of one series in a row, oldest first */
    VEC(struct chunks_item) items;  /* of the batch */
    VEC(pool_ref) chain;
    struct arena arena; /* of the batch: chunks as files have them */
    struct buf renewed;
    struct head_garbage garbage;
};

static void collect_series_locked(struct flush *flush, uint32_t slot)
{
    struct head *head = flush->head;
    const struct head_series *series = head_series_at(head, slot);
    pool_ref ref = series->closed;

    if ((series->flags & (SERIES_UNFILED | SERIES_DEAD)) != 0) {
        return;
    }
    vec_reset(&flush->chain);
    while (ref != 0 && head_chunk_file(head_chunk_at(head, ref)) == 0) {
        vec_push(&flush->chain, ref);
        ref = head_chunk_older(head_chunk_at(head, ref));
    }
    for (size_t i = flush->chain.count; i-- > 0;) {
        vec_push(&flush->chunks, (struct flush_chunk){slot, flush->chain.items[i]});
    }
}

static void collect(struct flush *flush)
{
    struct head *head = flush->head;
    uint32_t slot_count;

    rwlock_read(&head->index_lock);
    slot_count = head->slot_count;
    rwlock_release(&head->index_lock);
    for (uint32_t first = 0; first < slot_count; first += 64) {
        struct head_page *page = head->pages[first >> HEAD_PAGE_BITS];
        uint32_t word = (first & (HEAD_PAGE_SERIES - 1)) / 64;

        if (page == NULL) {
            continue;
        }
        lock_acquire(head_stripe(head, first));
        for (uint64_t bits = page->closed[word]; bits != 0; bits &= bits - 1) {
            collect_series_locked(flush, first + (uint32_t)__builtin_ctzll(bits));
        }
        lock_release(head_stripe(head, first));
    }
}

/* The link that leads to a chunk of the series. */
static void relink_locked(struct head *head, struct head_series *series, pool_ref from, pool_ref to)
{
    struct head_chunk *chunk;
    pool_ref ref = series->closed;

    if (ref == from) {
        series->closed = to;
        return;
    }
    for (;;) {
        chunk = head_chunk_at(head, ref);
        ASSERT(chunk != NULL);
        ref = head_chunk_older(chunk);
        if (ref == from) {
            atomic_store_explicit(&chunk->older, to, memory_order_release);
            return;
        }
    }
}

/* An entry with the place takes the chunk's place in the chain. */
static void swap_locked(struct flush *flush, const struct flush_chunk *item,
                        const struct chunks_item *written)
{
    struct head *head = flush->head;
    struct head_series *series = head_series_at(head, item->slot);
    const struct head_chunk *chunk = head_pool_at(&head->pool, item->chunk);
    pool_ref ref = head_chunk_new_filed(head, chunk->mint, head_chunk_maxt(chunk),
                                        written->encoding, written->place, head_chunk_older(chunk));

    ASSERT((series->flags & SERIES_DEAD) == 0);
    relink_locked(head, series, item->chunk, ref);
    vec_push(&flush->garbage.replaced, item->chunk);
    if (head_chunk_file(head_chunk_at(head, series->closed)) != 0) {
        struct head_page *page = head->pages[item->slot >> HEAD_PAGE_BITS];
        uint32_t at = item->slot & (HEAD_PAGE_SERIES - 1);

        page->closed[at / 64] &= ~(UINT64_C(1) << at % 64);
    }
}

/* A chunk as a file has it; false when that cannot be made. */
static bool make_item(struct flush *flush, const struct flush_chunk *from, struct chunks_item *ret)
{
    struct head *head = flush->head;
    const struct head_chunk *chunk = head_chunk_at(head, from->chunk);
    uint8_t packed[HEAD_REPACKED_MAX];
    struct chunk_xor state;

    *ret = (struct chunks_item){
        .ref = head_series_at(head, from->slot)->ref,
        .mint = chunk->mint,
        .maxt = head_chunk_maxt(chunk),
        .encoding = head_chunk_encoding(chunk),
    };
    (void)head_chunk_data(head, chunk, &ret->data, NULL);
    if (ret->encoding == CHUNK_DECIMAL) {
        if (chunk_decimal_repack(ret->data, packed, sizeof(packed), &state, NULL) < 0) {
            return false;
        }
        ret->encoding = CHUNK_XOR;
        ret->data = str_of((char *)packed, chunk_xor_size(&state));
    }
    chunk_renew(head_newer_chunks(head), &ret->encoding, &ret->data, &flush->renewed);
    if (ret->data.ptr == (char *)packed || ret->data.ptr == flush->renewed.ptr) {
        ret->data = arena_str(&flush->arena, ret->data);
    }
    return true;
}

/* A series with a chunk that no file can have: it and those behind it stay in memory. */
static void leave_series(struct flush *flush, size_t i)
{
    struct head *head = flush->head;
    const uint32_t slot = flush->chunks.items[i].slot;
    size_t end = i;

    while (end < flush->chunks.count && flush->chunks.items[end].slot == slot) {
        end++;
    }
    memmove(&flush->chunks.items[i], &flush->chunks.items[end],
            (flush->chunks.count - end) * sizeof(flush->chunks.items[0]));
    flush->chunks.count -= end - i;
    lock_acquire(head_stripe(head, slot));
    head_series_at(head, slot)->flags |= SERIES_UNFILED;
    lock_release(head_stripe(head, slot));
}

static size_t fill_batch(struct flush *flush, size_t first)
{
    size_t bytes = 0, i = first;

    vec_reset(&flush->items);
    arena_reset(&flush->arena);
    while (i < flush->chunks.count && bytes < BATCH_BYTES) {
        struct chunks_item item;

        if (!make_item(flush, &flush->chunks.items[i], &item)) {
            leave_series(flush, i);
            continue;
        }
        vec_push(&flush->items, item);
        bytes += item.data.len;
        i++;
    }
    return i - first;
}

static int write_batch(struct flush *flush, size_t first, struct baro_error *err)
{
    struct head *head = flush->head;
    struct lock *held = NULL;
    size_t count = fill_batch(flush, first);
    int r = chunks_head_write(head->files, flush->items.items, count, err);

    for (int i = 0; i < r; i++) {
        const struct flush_chunk *item = &flush->chunks.items[first + (size_t)i];

        head_stripe_hold(head, item->slot, &held);
        swap_locked(flush, item, &flush->items.items[i]);
    }
    head_stripe_drop(held);
    return r;
}

/* Mappings that were replaced go with the rest. */
static void flush_end(struct head *head, struct head_garbage *garbage)
{
    for (size_t i = 0; i < head->retired_maps.count; i++) {
        vec_push(&garbage->maps, head->retired_maps.items[i]);
    }
    vec_done(&head->retired_maps);
    head_epoch_advance(&head->epochs, garbage);
}

int head_files_flush(struct head *head, const _Atomic bool *stop, struct baro_error *err)
{
    struct flush flush = {.head = head};
    int r = 0;

    if (head->files == NULL) {
        return 0;
    }
    atomic_store_explicit(&head->closed_bytes, 0, memory_order_relaxed);
    collect(&flush);
    if (flush.chunks.count > 0 && head->wal != NULL) {
        r = wal_sync(head->wal, err);
    }
    for (size_t first = 0; r >= 0 && first < flush.chunks.count; first += (size_t)r) {
        if (stop != NULL && atomic_load_explicit(stop, memory_order_relaxed)) {
            break;
        }
        r = write_batch(&flush, first, err);
    }
    if (r >= 0) {
        r = head_late_flush(head, &flush.garbage, stop, err);
    }
    if (flush.garbage.replaced.count > TRIM_CHUNKS) {
        head->must_trim = true;
    }
    flush_end(head, &flush.garbage);
    vec_done(&flush.chunks);
    vec_done(&flush.items);
    vec_done(&flush.chain);
    arena_done(&flush.arena);
    buf_done(&flush.renewed);
    return r < 0 ? r : 0;
}

uint64_t head_files_pending(const struct head *head)
{
    return atomic_load_explicit(&head->closed_bytes, memory_order_relaxed);
}

int head_files_truncate(struct head *head, ts t, struct baro_error *err)
{
    struct head_garbage garbage = {0};
    int r = head->files != NULL
                ? chunks_head_truncate(head->files, t, head_late_first_file(head), err)
                : 0;

    flush_end(head, &garbage);
    return r;
}

int head_files_sync(struct head *head, struct baro_error *err)
{
    return head->files != NULL ? chunks_head_sync(head->files, err) : 0;
}

uint64_t head_files_bytes(const struct head *head)
{
    return head->files != NULL ? chunks_head_bytes(head->files) : 0;
}

/* ---- loading ---- */

static pool_ref chain_of(struct head *head, series_ref ref)
{
    const struct refs_page *page = NULL;
    uint32_t found = head->chains != NULL ? refs_find(head->chains, &page, ref) : HEAD_SLOT_NONE;

    return found == HEAD_SLOT_NONE ? 0 : found;
}

/* A chunk that blocks have, or that the head cannot hold, is not loaded: the WAL has it. */
static bool load_chunk(void *context, const struct chunks_item *item)
{
    struct head *head = context;
    pool_ref newest, ref;

    if (item->ref >= HEAD_REF_MAX || (uint64_t)item->maxt - (uint64_t)item->mint > UINT32_MAX) {
        return false;
    }
    /* The ref is taken, even if the WAL should have lost its series. */
    head->last_ref = item->ref > head->last_ref ? item->ref : head->last_ref;
    if ((item->encoding & CHUNKS_HEAD_OUT_OF_ORDER) != 0) {
        head_late_note(head, item);
        return true;
    }
    if (item->maxt < atomic_load_explicit(&head->min_valid, memory_order_relaxed) ||
        !chunk_is_known(item->encoding)) {
        return true;
    }
    newest = chain_of(head, item->ref);
    if (newest != 0 && item->mint <= head_chunk_maxt(head_chunk_at(head, newest))) {
        return false;
    }
    ref = head_chunk_new_filed(head, item->mint, item->maxt, item->encoding, item->place, newest);
    if (head->chains == NULL) {
        head->chains = MEM_NEW(struct head_refs);
        head_refs_init(head->chains);
    }
    head_refs_add(head->chains, item->ref, ref);
    return true;
}

static void retire_map(void *context, struct chunks_map *map)
{
    struct head *head = context;

    vec_push(&head->retired_maps, map);
}

int head_files_open(struct head *head, const struct head_files_options *options,
                    struct chunks_head_report *ret, struct baro_error *err)
{
    struct chunks_head_options wanted = {
        .fs = options->fs,
        .data_dir = options->data_dir,
        .file_bytes = options->file_bytes,
        .read_only = options->read_only,
        .visit = load_chunk,
        .context = head,
        .retire = retire_map,
        .retire_context = head,
    };

    ASSERT(head->files == NULL && head->slot_count == 0);
    return chunks_head_open(&wanted, &head->files, ret, err);
}

/* Takes a ref's chain, without what blocks have; 0 = none. */
static pool_ref take_chain(struct head *head, series_ref ref, ts *ret_mint, size_t *ret_count)
{
    ts min_valid = atomic_load_explicit(&head->min_valid, memory_order_relaxed);
    pool_ref newest = chain_of(head, ref);
    struct head_chunk *last = NULL;

    *ret_count = 0;
    for (pool_ref at = newest; at != 0;) {
        struct head_chunk *chunk = head_chunk_at(head, at);

        if (head_chunk_maxt(chunk) < min_valid) {
            head_chain_free(head, at);
            if (last == NULL) {
                newest = 0;
            } else {
                atomic_store_explicit(&last->older, 0, memory_order_release);
            }
            break;
        }
        *ret_mint = chunk->mint;
        ++*ret_count;
        last = chunk;
        at = head_chunk_older(chunk);
    }
    if (chain_of(head, ref) != 0) {
        head_refs_add(head->chains, ref, 0);
    }
    return newest;
}

/* The oldest closed chunk of a series, NULL when there is none. */
static struct head_chunk *oldest_of(const struct head *head, const struct head_series *series)
{
    struct head_chunk *chunk = head_chunk_at(head, series->closed);

    while (chunk != NULL && head_chunk_older(chunk) != 0) {
        chunk = head_chunk_at(head, head_chunk_older(chunk));
    }
    return chunk;
}

bool head_chain_attach(struct head *head, struct head_series *series, series_ref ref)
{
    struct head_chunk *oldest = oldest_of(head, series);
    ts mint = INT64_MAX, maxt, first;
    size_t count = 0;
    pool_ref chain;

    if (head->chains == NULL) {
        return true;
    }
    chain = take_chain(head, ref, &mint, &count);
    if (chain == 0 || (series->flags & SERIES_UNFILED) != 0) {
        head_chain_free(head, chain);
        return true;
    }
    maxt = head_chunk_maxt(head_chunk_at(head, chain));
    first = oldest != NULL            ? oldest->mint
            : series->chunk.count > 0 ? head_open_mint_locked(head, series)
                                      : INT64_MAX;
    if (first <= maxt) {
        head_chain_free(head, chain);
        return false;
    }
    if (oldest != NULL) {
        atomic_store_explicit(&oldest->older, chain, memory_order_release);
    } else {
        series->closed = chain;
    }
    head_note_time(head, mint, maxt);
    atomic_fetch_add_explicit(&head->chunks, count, memory_order_relaxed);
    return true;
}

static void free_unknown(void *context, UNUSED series_ref ref, uint32_t chain)
{
    head_chain_free(context, chain);
}

/* A series always has an open chunk beside closed ones. When the WAL has lost what came after the
 * last full chunk, that one is opened again; the files have it already, so what becomes of it stays
 * in memory. */
static int open_again(struct head *head, uint32_t slot, struct sample_buf *scratch,
                      struct baro_error *err)
{
    struct head_series *series = head_series_at(head, slot);
    struct head_chunk *chunk = head_chunk_at(head, series->closed);
    pool_ref ref = series->closed;
    int r;

    ASSERT(chunk != NULL);
    sample_buf_reset(scratch);
    r = head_chunk_read(head, chunk, INT64_MIN, INT64_MAX, scratch, err);
    if (head_chunk_file(chunk) != 0) {
        series->flags |= SERIES_UNFILED;
        head->unfiled_until = head_chunk_maxt(chunk) > head->unfiled_until ? head_chunk_maxt(chunk)
                                                                           : head->unfiled_until;
    }
    series->closed = head_chunk_older(chunk);
    head_chunk_free(head, ref);
    atomic_fetch_sub_explicit(&head->chunks, 1, memory_order_relaxed);
    for (size_t i = 0; i < scratch->count; i++) {
        head_series_put_back_locked(head, slot, scratch, i);
    }
    return r < 0 ? r : 0;
}

int head_files_settle(struct head *head, struct baro_error *err)
{
    struct sample_buf scratch = {0};
    struct lock *held = NULL;
    uint32_t *slots;
    size_t count;
    int r = 0;

    if (head->chains == NULL) {
        return 0;
    }
    head_refs_walk(head->chains, free_unknown, head);
    head_refs_done(head->chains);
    head->chains = mem_free(head->chains);
    slots = mem_alloc((head->series_count + 1u) * sizeof(uint32_t));
    count = head_slots_alive_locked(head, slots);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        head_stripe_hold(head, slots[i], &held);
        while (r >= 0 && head_series_at(head, slots[i])->closed != 0 &&
               head_series_at(head, slots[i])->chunk.count == 0) {
            r = open_again(head, slots[i], &scratch, err);
        }
    }
    head_stripe_drop(held);
    (void)mem_free(slots);
    sample_buf_done(&scratch);
    return r;
}
