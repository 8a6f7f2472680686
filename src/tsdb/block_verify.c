#include "tsdb/block_verify.h"

#include "tsdb/block_cursor.h"
#include "tsdb/block_priv.h"
#include "tsdb/chunk.h"
#include "tsdb/index_layout.h"

struct verifier {
    const struct block *block;
    const struct block_watch *watch;
    struct block_verdict *verdict;
    struct sample_buf samples;
};

static void note_fault(struct verifier *verifier, const struct baro_error *err)
{
    if (verifier->verdict->faults++ == 0) {
        verifier->verdict->first = *err;
    }
}

static void tell(const struct verifier *verifier, uint64_t bytes)
{
    if (verifier->watch->read != NULL) {
        verifier->watch->read(verifier->watch->context, bytes);
    }
}

static bool is_stopped(const struct verifier *verifier)
{
    const _Atomic bool *stop = verifier->watch->stop;

    return stop != NULL && atomic_load_explicit(stop, memory_order_relaxed);
}

int block_chunk_check(uint8_t encoding, str data, const struct chunk_meta *meta,
                      struct sample_buf *samples, struct baro_error *err)
{
    uint32_t count = chunk_samples(encoding, data);
    int r;

    if (count == 0) {
        return error_set(err, BARO_ECORRUPT, "chunks: a chunk has no samples");
    }
    if (!chunk_is_known(encoding)) {
        return 0;
    }
    sample_buf_reset(samples);
    r = chunk_decode(encoding, data, INT64_MIN, INT64_MAX, samples, err);
    if (r >= 0 && (samples->count != count || samples->t[0] != meta->mint ||
                   samples->t[count - 1] != meta->maxt)) {
        r = error_set(err, BARO_ECORRUPT, "a chunk is not what the index says of it");
    }
    return r;
}

static void verify_chunk(struct verifier *verifier, const struct chunk_meta *meta)
{
    struct baro_error err = {0};
    uint8_t encoding = CHUNK_NONE;
    str data = STR_NULL;
    uint32_t count = 0;
    int r = block_chunk(verifier->block, meta, &encoding, &data, &count, &err);

    if (r >= 0) {
        r = block_chunk_check(encoding, data, meta, &verifier->samples, &err);
    }
    if (r < 0) {
        note_fault(verifier, &err);
        return;
    }
    verifier->verdict->chunks++;
    verifier->verdict->samples += count;
    verifier->verdict->bytes += data.len;
    tell(verifier, data.len);
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
    if (verifier->block->is_meta_damaged) {
        verifier->verdict->is_meta_damaged = true;
        (void)error_set(&err, BARO_ECORRUPT, "meta.json is not what its seal has a copy of");
        note_fault(verifier, &err);
    }
}

/* What no reader of single entries sees: the bytes between them. Not counted where an entry is
 * known to be damaged, since its damage would be met again. */
static void verify_layout(struct verifier *verifier)
{
    const struct block *block = verifier->block;
    struct baro_error err = {0};

    tell(verifier, block->index_map.size);
    if (verifier->verdict->faults == 0 &&
        (index_layout_check(str_of(block->index_map.ptr, block->index_map.size), &err) < 0 ||
         chunk_reader_check(block->chunks, &err) < 0)) {
        note_fault(verifier, &err);
    }
}

static int verify_series(struct verifier *verifier, struct baro_error *err)
{
    struct block_cursor cursor;
    struct baro_error fault = {0};
    int r = block_cursor_open(&cursor, verifier->block, &fault);

    while (r >= 0) {
        if (is_stopped(verifier)) {
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

int block_verify_watched(const struct block *block, const struct block_watch *watch,
                         struct block_verdict *ret, struct baro_error *err)
{
    struct verifier verifier = {.block = block, .watch = watch, .verdict = ret};
    int r;

    *ret = (struct block_verdict){0};
    r = verify_series(&verifier, err);
    if (r >= 0) {
        verify_postings(&verifier);
        verify_layout(&verifier);
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

int block_verify(const struct block *block, const _Atomic bool *stop, struct block_verdict *ret,
                 struct baro_error *err)
{
    return block_verify_watched(block, &(struct block_watch){.stop = stop}, ret, err);
}
