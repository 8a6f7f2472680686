#include "tsdb/block_cursor.h"

#include "tsdb/block_priv.h"
#include "tsdb/chunk_xor.h"

int block_cursor_open(struct block_cursor *cursor, const struct block *block,
                      struct baro_error *err)
{
    *cursor = (struct block_cursor){.block = block};
    return index_reader_all_postings(block->index, &cursor->all, err);
}

void block_cursor_done(struct block_cursor *cursor)
{
    vec_done(&cursor->labels);
    vec_done(&cursor->chunks);
}

static int damaged(const struct block_cursor *cursor, const char *what, struct baro_error *err)
{
    return error_set(err, BARO_ECORRUPT, "index: series %u: %s", cursor->ref, what);
}

static int read_labels(struct block_cursor *cursor, const struct index_series *entry,
                       struct baro_error *err)
{
    uint32_t symbols = index_reader_symbol_count(cursor->block->index);
    struct reader rd = entry->labels;

    vec_reset(&cursor->labels);
    for (uint64_t i = 0; i < entry->label_count; i++) {
        uint64_t name = read_uvarint(&rd);
        uint64_t value = read_uvarint(&rd);

        if (rd.failed || name >= symbols || value >= symbols ||
            (i > 0 && name <= vec_last(&cursor->labels)->name)) {
            return damaged(cursor, "the labels are damaged", err);
        }
        vec_push(&cursor->labels, (struct symbol_pair){(uint32_t)name, (uint32_t)value});
    }
    return 0;
}

static int read_chunks(struct block_cursor *cursor, const struct index_series *entry,
                       struct baro_error *err)
{
    struct chunk_meta_walk walk = chunk_meta_walk_over(entry->chunks, entry->chunk_count);
    struct chunk_meta meta;
    int r;

    vec_reset(&cursor->chunks);
    while ((r = chunk_meta_next(&walk, &meta, err)) > 0) {
        if (meta.mint > meta.maxt ||
            (cursor->chunks.count > 0 && meta.mint < vec_last(&cursor->chunks)->mint)) {
            return damaged(cursor, "the times of its chunks do not rise", err);
        }
        vec_push(&cursor->chunks, meta);
    }
    return r;
}

int block_cursor_next(struct block_cursor *cursor, struct baro_error *err)
{
    struct index_series entry = {0};
    int r;

    if (cursor->next == cursor->all.count) {
        return 0;
    }
    cursor->ref = postings_at_index(cursor->all, cursor->next++);
    r = index_reader_series(cursor->block->index, cursor->ref, &entry, err);
    if (r >= 0) {
        r = read_labels(cursor, &entry, err);
    }
    if (r >= 0) {
        r = read_chunks(cursor, &entry, err);
    }
    return r < 0 ? r : 1;
}

bool block_symbol(const struct block *block, uint64_t number, str *ret)
{
    return index_reader_symbol(block->index, number, ret);
}

uint32_t block_symbol_count(const struct block *block)
{
    return index_reader_symbol_count(block->index);
}

int block_chunk(const struct block *block, const struct chunk_meta *meta, uint8_t *ret_encoding,
                str *ret_data, uint32_t *ret_samples, struct baro_error *err)
{
    int r = chunk_reader_get(block->chunks, meta->ref, ret_encoding, ret_data, err);

    if (r >= 0) {
        /* Every encoding begins with the count. */
        *ret_samples = chunk_xor_count(*ret_data);
        if (*ret_samples == 0) {
            r = error_set(err, BARO_ECORRUPT, "chunks: a chunk has no samples");
        }
    }
    return r;
}

struct verifier {
    const struct block *block;
    struct block_verdict *verdict;
    struct sample_buf samples;
};

static void note_fault(struct verifier *verifier, const struct baro_error *err)
{
    if (verifier->verdict->faults++ == 0) {
        verifier->verdict->first = *err;
    }
}

static void verify_chunk(struct verifier *verifier, const struct chunk_meta *meta)
{
    struct baro_error err = {0};
    uint8_t encoding = CHUNK_NONE;
    str data = STR_NULL;
    uint32_t count = 0;
    int r = block_chunk(verifier->block, meta, &encoding, &data, &count, &err);

    if (r >= 0 && encoding == CHUNK_XOR) {
        struct sample_buf *samples = &verifier->samples;

        sample_buf_reset(samples);
        r = chunk_xor_decode(data, INT64_MIN, INT64_MAX, samples, &err);
        if (r >= 0 && (samples->count != count || samples->t[0] != meta->mint ||
                       samples->t[count - 1] != meta->maxt)) {
            r = error_set(&err, BARO_ECORRUPT, "a chunk is not what the index says of it");
        }
    }
    if (r < 0) {
        note_fault(verifier, &err);
        return;
    }
    verifier->verdict->chunks++;
    verifier->verdict->samples += count;
    verifier->verdict->bytes += data.len;
}

static void verify_postings(struct verifier *verifier)
{
    const struct index_reader *index = verifier->block->index;

    for (uint32_t name = 0; name < index_reader_name_count(index); name++) {
        for (uint32_t value = 0; value < index_reader_value_count(index, name); value++) {
            struct baro_error err = {0};
            struct postings list = {0};
            int r = index_reader_postings(index, name, value, &list, &err);

            if (r >= 0 && !postings_is_sorted(list)) {
                r = error_set(&err, BARO_ECORRUPT, "index: postings are not sorted");
            }
            if (r < 0) {
                note_fault(verifier, &err);
            }
        }
    }
}

static void verify_sums(struct verifier *verifier)
{
    const struct block_meta *meta = &verifier->block->meta;
    const struct block_verdict *found = verifier->verdict;
    struct baro_error err = {0};

    if (found->series != meta->series_count || found->chunks != meta->chunk_count ||
        found->samples != meta->sample_count) {
        (void)error_set(&err, BARO_ECORRUPT,
                        "meta.json tells of %llu series, %llu chunks, %llu samples; there are "
                        "%llu, %llu, %llu",
                        (unsigned long long)meta->series_count,
                        (unsigned long long)meta->chunk_count,
                        (unsigned long long)meta->sample_count, (unsigned long long)found->series,
                        (unsigned long long)found->chunks, (unsigned long long)found->samples);
        note_fault(verifier, &err);
    }
}

static int verify_series(struct verifier *verifier, const _Atomic bool *stop,
                         struct baro_error *err)
{
    struct block_cursor cursor;
    struct baro_error fault = {0};
    int r = block_cursor_open(&cursor, verifier->block, &fault);

    while (r >= 0) {
        if (stop != NULL && atomic_load_explicit(stop, memory_order_relaxed)) {
            block_cursor_done(&cursor);
            return error_set(err, BARO_ECANCELED, "the verification was stopped");
        }
        r = block_cursor_next(&cursor, &fault);
        if (r == 0) {
            break;
        }
        if (r < 0) {
            note_fault(verifier, &fault);
            r = 0;
            continue;
        }
        verifier->verdict->series++;
        for (size_t i = 0; i < cursor.chunks.count; i++) {
            verify_chunk(verifier, &cursor.chunks.items[i]);
        }
    }
    if (r < 0) {
        note_fault(verifier, &fault);
    }
    block_cursor_done(&cursor);
    return 0;
}

int block_verify(const struct block *block, const _Atomic bool *stop, struct block_verdict *ret,
                 struct baro_error *err)
{
    struct verifier verifier = {.block = block, .verdict = ret};
    int r;

    *ret = (struct block_verdict){0};
    r = verify_series(&verifier, stop, err);
    if (r >= 0) {
        verify_postings(&verifier);
        verify_sums(&verifier);
    }
    sample_buf_done(&verifier.samples);
    if (r >= 0 && ret->faults > 0) {
        if (err != NULL) {
            *err = ret->first;
        }
        return error_wrap(err, BARO_ECORRUPT, "block %s", block->meta.ulid);
    }
    return r;
}
