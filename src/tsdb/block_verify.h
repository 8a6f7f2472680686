/*
 * block_verify: whether every byte of a block is what it has to be: layout and checksums of the
 * index, every series, every chunk (decoded), the segments between the chunks, postings, the sums
 * of meta.json and its seal. Any thread; the block must outlive the call.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "tsdb/block.h"
#include "tsdb/index_reader.h"

/* What block_verify has found. */
struct block_verdict {
    uint64_t series;
    uint64_t chunks;
    uint64_t samples;
    uint64_t bytes; /* of chunk data */
    uint64_t faults;
    bool is_meta_damaged;    /* meta.json was read from its seal */
    struct baro_error first; /* of the faults */
};

/* Who looks on: both may be NULL. */
struct block_watch {
    const _Atomic bool *stop;                   /* ends the verification */
    void (*read)(void *context, uint64_t more); /* so many bytes more were read */
    void *context;
};

/*
 * block_verify reads every byte. Returns 0, or BARO_ECORRUPT when there was a fault; it goes on
 * behind faults to count them. `stop` (NULL = never) ends it: BARO_ECANCELED.
 */
int block_verify(const struct block *block, const _Atomic bool *stop, struct block_verdict *ret,
                 struct baro_error *err);

/* block_verify_watched is the same for tools that draw a bar. */
int block_verify_watched(const struct block *block, const struct block_watch *watch,
                         struct block_verdict *ret, struct baro_error *err);

/* block_chunk_check decodes a chunk and compares it with what the index says of it. `samples` is
 * room that is used again. An encoding that is not known passes. Fails with BARO_ECORRUPT. */
int block_chunk_check(uint8_t encoding, str data, const struct chunk_meta *meta,
                      struct sample_buf *samples, struct baro_error *err);
