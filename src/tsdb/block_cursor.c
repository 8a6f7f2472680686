#include "tsdb/block_cursor.h"

#include "tsdb/block_priv.h"
#include "tsdb/chunk.h"

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
        *ret_samples = chunk_samples(*ret_encoding, *ret_data);
        if (*ret_samples == 0) {
            r = error_set(err, BARO_ECORRUPT, "chunks: a chunk has no samples");
        }
    }
    return r;
}
