/*
 * block: one immutable block directory (meta.json, index, chunks/, tombstones), mapped into memory
 * and counted: the data directory's owner holds one reference, each querier another. Any thread may
 * query; checksums are verified when bytes are first touched. Format: docs/formats/block.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"
#include "storage/storage.h"
#include "tsdb/block_meta.h"

struct block;
struct fs;

/* block_open opens a directory (by `fs`; NULL is the real file system) with one reference for the
 * caller. Fails with the codes of block_meta_parse, with BARO_ECORRUPT, BARO_EUNSUPPORTED (index
 * version 1) or -errno. */
int block_open(const struct fs *fs, const char *directory, struct block **ret,
               struct baro_error *err);

/* block_ref takes a reference and returns block; block_unref gives one back and returns NULL. The
 * last one unmaps the files. */
struct block *block_ref(struct block *block);
struct block *block_unref(struct block *block);
DEFINE_CLEANUP(block_unref, struct block)

/* block_set_cache lets queries keep decoded chunks, in a cache that outlives the block. Before the
 * block is shared. */
struct block_cache;
void block_set_cache(struct block *block, struct block_cache *cache);

/* block_meta lives as long as the block. */
const struct block_meta *block_meta(const struct block *block);

/* block_set_failed notes in meta.json that a compaction of the block failed, so that none is tried
 * again. The thread that compacts. */
int block_set_failed(struct block *block, struct baro_error *err);

/* block_directory is the path that was opened. */
const char *block_directory(const struct block *block);

/* block_bytes is the size of the mapped files, those of downsampled samples included. */
uint64_t block_bytes(const struct block *block);

/* block_skipped_chunks counts the chunks of encodings that are not read yet, which queries passed
 * over. */
uint64_t block_skipped_chunks(const struct block *block);

/* block_damage counts the damaged series and chunks that queries came upon and passed over;
 * block_is_damaged says whether there were any, or whether meta.json had to be read from its seal.
 */
uint64_t block_damage(const struct block *block);
bool block_is_damaged(const struct block *block);

/* block_querier opens a view of [mint, maxt], both inclusive; it holds a reference until closed.
 * Labels and strings it hands out point into the mapped index. */
int block_querier(struct block *block, ts mint, ts maxt, struct querier **ret,
                  struct baro_error *err);

/* block_querier_allow_reduced lets a block's querier grant wishes for fewer samples
 * (select_hints.reduce): nothing else that is queried beside it may have samples in the block's
 * range, or they would count twice. */
void block_querier_allow_reduced(struct querier *querier);
