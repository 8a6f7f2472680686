/*
 * From the head to a block: the series that have samples in the time, in the order of their labels;
 * closed chunks as they are (they end at multiples of the chunk range, and so do blocks), others
 * cut to the time. Nothing is held while files are written but one stripe lock for the copy of an
 * open chunk.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "client/self_histogram.h"
#include "sys/fs.h"
#include "tsdb/block_writer.h"
#include "tsdb/chunk_pack.h"
#include "tsdb/compact.h"
#include "tsdb/head_priv.h"

enum {
    OPEN_BYTES = 2048, /* room for an open chunk; those of histograms may need more */
    APPENDERS_WAIT_MS = 10000,
    CHECK_STOP_EVERY = 1024, /* series */
};

/* A string of the block and the pair whose value it is; 0 for the name of a label. */
struct block_text {
    str text;
    pair_ref pair;
};

/* The numbers of a pair's symbols. */
struct pair_symbols {
    uint32_t name;
    uint32_t value;
};

struct block_making {
    struct head *head;
    const struct head_block_job *job;
    struct block_writer *writer;
    struct arena arena;
    uint32_t *slots;
    size_t slot_count;
    pair_ref pair_count;
    struct pair_symbols *symbols; /* by pair */
    VEC(const struct head_chunk *) closed;
    VEC(struct symbol_pair) labels;
    struct sample_buf samples;
    struct buf open; /* a copy of the open chunk of the series in work */
    uint8_t open_encoding;
    ts open_mint;
    ts open_maxt;
    struct chunk_pack pack;
    struct buf renewed;
    uint8_t packed[HEAD_REPACKED_MAX]; /* a chunk as blocks have it */
};

bool head_is_compactable(struct head *head, ts *ret_mint, ts *ret_maxt)
{
    dur range = head->options.chunk_range;
    ts mint = 0, maxt = 0;

    if (!head_time(head, &mint, &maxt) || (double)maxt - (double)mint <= 1.5 * (double)range) {
        return false;
    }
    *ret_mint = mint;
    *ret_maxt = compact_range_end(mint, range);
    return true;
}

static int64_t mono_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * MONO_PER_SECOND + now.tv_nsec;
}

/* What is on its way has arrived. */
static int wait_appenders(struct head *head, struct baro_error *err)
{
    struct head_garbage none = {0};

    head_epoch_advance(&head->epochs, &none);
    if (!head_epoch_wait(&head->epochs, HEAD_APPENDER,
                         mono_now() + APPENDERS_WAIT_MS * MONO_PER_MS)) {
        return error_set(err, BARO_ETIMEOUT, "an append has not ended for %d s",
                         APPENDERS_WAIT_MS / 1000);
    }
    return 0;
}

/* No sample before the end of the block is taken any more, and none is on its way. */
static int close_time(struct head *head, ts maxt, struct baro_error *err)
{
    if (maxt > atomic_load_explicit(&head->min_valid, memory_order_relaxed)) {
        atomic_store_explicit(&head->min_valid, maxt, memory_order_relaxed);
    }
    return wait_appenders(head, err);
}

/* The oldest sample in order of all series; INT64_MAX when there is none. */
static ts oldest_sample(struct head *head)
{
    struct lock *held = NULL;
    ts oldest = INT64_MAX;
    uint32_t *slots;
    size_t count;

    rwlock_read(&head->index_lock);
    slots = mem_alloc((head->series_count + 1u) * sizeof(uint32_t));
    count = head_slots_alive_locked(head, slots);
    rwlock_release(&head->index_lock);
    for (size_t i = 0; i < count; i++) {
        const struct head_series *series = head_series_at(head, slots[i]);
        const struct head_chunk *chunk;

        head_stripe_hold(head, slots[i], &held);
        chunk = head_chunk_at(head, series->closed);
        while (chunk != NULL && head_chunk_older(chunk) != 0) {
            chunk = head_chunk_at(head, head_chunk_older(chunk));
        }
        if (chunk != NULL || series->chunk.count > 0) {
            ts mint = chunk != NULL ? chunk->mint : head_open_mint_locked(head, series);

            oldest = mint < oldest ? mint : oldest;
        }
    }
    head_stripe_drop(held);
    (void)mem_free(slots);
    return oldest;
}

int head_skip_empty(struct head *head, ts *t, struct baro_error *err)
{
    dur range = head->options.chunk_range;
    ts mint = 0, maxt = 0, oldest = oldest_sample(head), to;
    int r;

    if (!head_time(head, &mint, &maxt) || __builtin_sub_overflow(maxt, range, &to)) {
        return 0;
    }
    to = compact_range_start(oldest < to ? oldest : to, range);
    if (to <= *t) {
        return 0;
    }
    /* A transaction may have been on its way since the head's time was another one. */
    r = close_time(head, to, err);
    if (r >= 0) {
        oldest = compact_range_start(oldest_sample(head), range);
        to = oldest < to ? oldest : to;
        *t = to > *t ? to : *t;
    }
    return r;
}

static bool has_time_locked(const struct block_making *making, const struct head_series *series)
{
    const struct head *head = making->head;
    ts mint = making->job->mint, maxt = making->job->maxt;

    if (series->chunk.count > 0 && series->chunk.t >= mint &&
        head_open_mint_locked(head, series) < maxt) {
        return true;
    }
    for (pool_ref ref = series->closed; ref != 0;) {
        const struct head_chunk *chunk = head_chunk_at(head, ref);

        if (head_chunk_maxt(chunk) < mint) {
            return false;
        }
        if (chunk->mint < maxt) {
            return true;
        }
        ref = head_chunk_older(chunk);
    }
    return false;
}

static void find_slots(struct block_making *making)
{
    struct head *head = making->head;
    struct lock *held = NULL;
    size_t count;

    rwlock_read(&head->index_lock);
    making->slots = arena_alloc(&making->arena, (head->series_count + 1u) * sizeof(uint32_t));
    count = head_slots_alive_locked(head, making->slots);
    making->pair_count = head->labels.pair_count;
    rwlock_release(&head->index_lock);
    if (making->job->is_out_of_order) {
        const struct head_ooo_picked *picked = making->job->picked;

        making->slots = arena_alloc(&making->arena, (picked->count + 1) * sizeof(uint32_t));
        memcpy(making->slots, picked->slots, picked->count * sizeof(uint32_t));
        making->slot_count = picked->count;
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        head_stripe_hold(head, making->slots[i], &held);
        if (has_time_locked(making, head_series_at(head, making->slots[i]))) {
            making->slots[making->slot_count++] = making->slots[i];
        }
    }
    head_stripe_drop(held);
    head_sort_by_labels(head, &making->arena, making->slots, making->slot_count);
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(((const struct block_text *)a)->text, ((const struct block_text *)b)->text);
}

/* All texts of the pairs that the series have, names as often as they occur. */
static struct block_text *collect_texts(struct block_making *making, size_t *ret_count)
{
    const struct head *head = making->head;
    VEC(struct block_text) texts = {0};

    making->symbols = arena_alloc(&making->arena, making->pair_count * sizeof(*making->symbols));
    memset(making->symbols, 0xff, making->pair_count * sizeof(*making->symbols));
    for (size_t i = 0; i < making->slot_count; i++) {
        const struct head_series *series = head_series_at(head, making->slots[i]);
        const pair_ref *pairs = head_series_pairs(head, series);

        for (size_t k = 0; k < series->pair_count; k++) {
            const struct label_pair *pair = label_pair_at(&head->labels, pairs[k]);

            if (making->symbols[pairs[k]].value == UINT32_MAX) {
                making->symbols[pairs[k]].value = 0;
                vec_push(&texts, (struct block_text){label_pair_value(pair), pairs[k]});
                vec_push(&texts, (struct block_text){pair->name->text, 0});
            }
        }
    }
    if (texts.count > 1) {
        qsort(texts.items, texts.count, sizeof(texts.items[0]), by_text);
    }
    *ret_count = texts.count;
    return texts.items;
}

static uint32_t number_of(const str *symbols, size_t count, str text)
{
    size_t low = 0, high = count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (str_cmp(symbols[middle], text) <= 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (uint32_t)low;
}

static void write_symbols(struct block_making *making)
{
    size_t count = 0, kept = 0;
    struct block_text *texts = collect_texts(making, &count);
    str *symbols = mem_alloc((count + 1) * sizeof(str));

    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !str_eq(symbols[kept - 1], texts[i].text)) {
            symbols[kept++] = texts[i].text;
        }
        if (texts[i].pair != 0) {
            making->symbols[texts[i].pair].value = (uint32_t)kept - 1;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (texts[i].pair != 0) {
            const struct label_pair *pair = label_pair_at(&making->head->labels, texts[i].pair);

            making->symbols[texts[i].pair].name = number_of(symbols, kept, pair->name->text);
        }
    }
    block_writer_symbols(making->writer, symbols, kept);
    (void)mem_free(symbols);
    (void)mem_free(texts);
}

/* Copies the open chunk when it reaches into the time, and gives the newest closed one. Nothing is
 * allocated under the lock. */
static pool_ref copy_open(struct block_making *making, uint32_t slot)
{
    struct head *head = making->head;
    const struct head_series *series = head_series_at(head, slot);
    pool_ref closed = 0;
    bool is_done = false;

    buf_reset(&making->open);
    (void)buf_reserve(&making->open, OPEN_BYTES);
    while (!is_done && !making->open.failed) {
        str data = STR_NULL;

        lock_acquire(head_stripe(head, slot));
        closed = series->closed;
        if (series->chunk.count > 0 && series->chunk.t >= making->job->mint &&
            head_open_mint_locked(head, series) < making->job->maxt) {
            data = head_open_data_locked(head, series, &making->open_encoding);
            making->open_mint = head_open_mint_locked(head, series);
            making->open_maxt = series->chunk.t;
        }
        if (data.len > 0 &&
            head_starts_pack_locked(head, slot, data, &making->open_encoding, &making->open)) {
            lock_release(head_stripe(head, slot));
            return closed;
        }
        is_done = data.len <= making->open.capacity;
        if (is_done) {
            buf_str(&making->open, data);
        }
        lock_release(head_stripe(head, slot));
        if (!is_done) {
            (void)buf_reserve(&making->open, data.len * 2);
        }
    }
    return closed;
}

/* Copies the open chunk and notes the closed ones in the time, newest first. */
static void take_chunks(struct block_making *making, uint32_t slot)
{
    struct head *head = making->head;
    pool_ref ref = copy_open(making, slot);

    vec_reset(&making->closed);
    while (ref != 0) {
        const struct head_chunk *chunk = head_chunk_at(head, ref);

        if (head_chunk_maxt(chunk) < making->job->mint) {
            break;
        }
        if (chunk->mint < making->job->maxt) {
            vec_push(&making->closed, chunk);
        }
        ref = head_chunk_older(chunk);
    }
}

/* Packs what is in the time of a chunk that may reach beyond it. */
static int write_part(struct block_making *making, uint8_t encoding, str data,
                      struct baro_error *err)
{
    struct sample_buf *samples = &making->samples;
    int r;

    sample_buf_reset(samples);
    r = head_chunk_decode(encoding, data, making->job->mint, making->job->maxt - 1, samples, err);
    return r < 0 ? r : chunk_pack_write(&making->pack, samples, true, making->writer, err);
}

/* As in Prometheus the time is in milliseconds, whatever the metric's name says. */
static void count_chunk(str data, ts mint, ts maxt, uint32_t samples)
{
    self_histogram_add(SELF_HISTOGRAM_CHUNK_SIZE, (double)data.len);
    self_histogram_add(SELF_HISTOGRAM_CHUNK_SAMPLES, samples);
    self_histogram_add(SELF_HISTOGRAM_CHUNK_RANGE, (double)(maxt - mint));
}

/* A chunk as it is, or what of it is in the time. */
static int write_chunk(struct block_making *making, uint8_t encoding, str data, ts mint, ts maxt,
                       struct baro_error *err)
{
    if (mint < making->job->mint || maxt >= making->job->maxt) {
        return write_part(making, encoding, data, err);
    }
    if (encoding == CHUNK_DECIMAL) {
        struct chunk_xor chunk;

        if (chunk_decimal_repack(data, making->packed, sizeof(making->packed), &chunk, NULL) < 0) {
            return write_part(making, encoding, data, err);
        }
        encoding = CHUNK_XOR;
        data = str_of((char *)making->packed, chunk_xor_size(&chunk));
    }
    chunk_renew(making->pack.newer, &encoding, &data, &making->renewed);
    count_chunk(data, mint, maxt, chunk_samples(encoding, data));
    return block_writer_chunk(making->writer, encoding, data, mint, maxt,
                              chunk_samples(encoding, data), err);
}

static int write_closed(struct block_making *making, const struct head_chunk *chunk,
                        struct baro_error *err)
{
    str data = STR_NULL;
    int r = head_chunk_data(making->head, chunk, &data, err);

    return r < 0 ? r
                 : write_chunk(making, head_chunk_encoding(chunk), data, chunk->mint,
                               head_chunk_maxt(chunk), err);
}

static int write_in_order(struct block_making *making, uint32_t slot, struct baro_error *err)
{
    int r = 0;

    take_chunks(making, slot);
    if (making->open.failed) {
        return error_set(err, BARO_ELIMIT, "no memory for a chunk of the head");
    }
    for (size_t i = making->closed.count; r >= 0 && i-- > 0;) {
        r = write_closed(making, making->closed.items[i], err);
    }
    if (r >= 0 && making->open.len > 0) {
        r = write_chunk(making, making->open_encoding, buf_view(&making->open), making->open_mint,
                        making->open_maxt, err);
    }
    return r;
}

static int write_out_of_order(struct block_making *making, uint32_t slot, struct baro_error *err)
{
    struct sample_buf *samples = &making->samples;
    int r;

    sample_buf_reset(samples);
    r = head_ooo_read_closed(making->head, slot, making->job->mint, making->job->maxt - 1, samples,
                             err);
    return r < 0 ? r : chunk_pack_write(&making->pack, samples, false, making->writer, err);
}

static int write_series(struct block_making *making, uint32_t slot, struct baro_error *err)
{
    const struct head_series *series = head_series_at(making->head, slot);
    const pair_ref *pairs = head_series_pairs(making->head, series);
    int r;

    vec_reset(&making->labels);
    for (size_t i = 0; i < series->pair_count; i++) {
        struct pair_symbols symbols = making->symbols[pairs[i]];

        vec_push(&making->labels, ((struct symbol_pair){symbols.name, symbols.value}));
    }
    block_writer_begin(making->writer, making->labels.items, making->labels.count);
    r = making->job->is_out_of_order ? write_out_of_order(making, slot, err)
                                     : write_in_order(making, slot, err);
    block_writer_end(making->writer);
    return r;
}

static int write_all(struct block_making *making, struct baro_error *err)
{
    int r = 0;

    find_slots(making);
    write_symbols(making);
    for (size_t i = 0; r >= 0 && i < making->slot_count; i++) {
        if (i % CHECK_STOP_EVERY == 0 && making->job->stop != NULL &&
            atomic_load_explicit(making->job->stop, memory_order_relaxed)) {
            return error_set(err, BARO_ECANCELED, "the block is not finished: the end has come");
        }
        r = write_series(making, making->slots[i], err);
    }
    return r;
}

int head_block_write(struct head *head, const struct head_block_job *job,
                     char ret_ulid[ULID_CHARS + 1], struct baro_error *err)
{
    CLEANUP(block_writer_freep) struct block_writer *writer = NULL;
    struct block_making *making = MEM_NEW(struct block_making);
    struct block_meta meta = {
        .mint = job->mint, .maxt = job->maxt, .level = 1, .is_out_of_order = job->is_out_of_order};
    int r = job->is_copy || job->is_out_of_order ? 0 : close_time(head, job->maxt, err);

    making->head = head;
    making->job = job;
    making->pack.newer = head_newer_chunks(head);
    if (r >= 0) {
        r = block_writer_open(job->fs, job->data_dir, job->now, job->segment_bytes, &writer, err);
        making->writer = writer;
    }
    if (r >= 0) {
        r = write_all(making, err);
    }
    if (r >= 0 && block_writer_series(writer) > 0) {
        r = block_writer_finish(writer, &meta, err);
        if (r >= 0) {
            memcpy(ret_ulid, meta.ulid, sizeof(meta.ulid));
            r = 1;
        }
    }
    if (head->files != NULL) {
        chunks_head_cool(head->files);
    }
    block_meta_done(&meta);
    vec_done(&making->closed);
    vec_done(&making->labels);
    sample_buf_done(&making->samples);
    buf_done(&making->open);
    chunk_pack_done(&making->pack);
    buf_done(&making->renewed);
    arena_done(&making->arena);
    (void)mem_free(making);
    return r;
}

int head_ooo_pick(struct head *head, struct arena *arena, struct head_ooo_picked *ret,
                  struct baro_error *err)
{
    int r = wait_appenders(head, err);

    if (r >= 0) {
        head_ooo_begin(head, arena, ret);
    }
    return r;
}

void head_ooo_forget(struct head *head, const struct head_ooo_picked *picked)
{
    struct head_garbage garbage = {0};

    head_ooo_end(head, picked, &garbage);
    head_epoch_advance(&head->epochs, &garbage);
}
