/* block_priv: what the parts of the block module share. */
#pragma once

#include <stdatomic.h>

#include "sys/fs.h"
#include "tsdb/block.h"
#include "tsdb/chunk_reader.h"
#include "tsdb/downsample.h"
#include "tsdb/index_reader.h"
#include "tsdb/tombstones.h"

struct block {
    _Atomic uint32_t references;
    _Atomic uint64_t skipped_chunks;
    _Atomic uint64_t damage; /* series and chunks; relaxed, a counter */
    bool is_meta_damaged;
    uint64_t rules_mark; /* which retention rules were applied; of the thread that compacts */
    const struct fs *fs;
    char *directory;
    struct block_meta meta;
    struct fs_map index_map;
    struct index_reader *index;
    struct chunk_reader *chunks;
    struct tombstones tombstones;
    _Atomic(struct downsample *) downsampled[DOWNSAMPLE_WINDOWS]; /* NULL = none; set once */
    struct block_cache *cache;                                    /* NULL: nothing is kept */
    uint64_t cache_owner;
};

/* block_read_meta reads meta.json or, where that is damaged, its copy in the seal. */
int block_read_meta(const struct fs *fs, struct arena *arena, const char *directory,
                    struct block_meta *ret, bool *ret_is_damaged, struct baro_error *err);

/* block_postings finds the series that all matchers accept; `ret` may point into the index. Any
 * memory is of the arena. */
int block_postings(const struct block *block, struct arena *arena, struct matchers matchers,
                   const struct cancel *cancel, struct postings *ret, struct baro_error *err);
