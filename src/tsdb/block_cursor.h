/*
 * block_cursor: all series of a block in the order of its index, with their chunks, for compaction,
 * verification and tools. One thread; the block must outlive it.
 */
#pragma once

#include "base/vec.h"
#include "tsdb/block.h"
#include "tsdb/index_writer.h"

struct block_cursor {
    const struct block *block;
    struct postings all;
    size_t next;
    uint32_t ref; /* of the series */
    VEC(struct symbol_pair) labels;
    VEC(struct chunk_meta) chunks;
};

/* block_cursor_open starts before the first series. Fails with BARO_ECORRUPT. */
int block_cursor_open(struct block_cursor *cursor, const struct block *block,
                      struct baro_error *err);
void block_cursor_done(struct block_cursor *cursor);

/* block_cursor_next moves on and checks what it reads: 1, 0 at the end, or BARO_ECORRUPT. */
int block_cursor_next(struct block_cursor *cursor, struct baro_error *err);

/* block_symbol gives a symbol of the block's index; false when there is none. */
bool block_symbol(const struct block *block, uint64_t number, str *ret);
uint32_t block_symbol_count(const struct block *block);

/* block_chunk gives encoding, bytes and sample count of a chunk. Fails with BARO_ECORRUPT. */
int block_chunk(const struct block *block, const struct chunk_meta *meta, uint8_t *ret_encoding,
                str *ret_data, uint32_t *ret_samples, struct baro_error *err);
