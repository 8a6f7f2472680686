/*
 * block_writer: makes one block directory. Everything is written into `ULID.tmp-for-creation/`,
 * synced, and only then renamed to `ULID/`: whatever ends the program, a block is there whole or
 * not at all. Series come in the order of their labels, their chunks in the order of time. One
 * thread. Format: docs/formats/block.md.
 */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/str.h"
#include "tsdb/block_meta.h"
#include "tsdb/index_writer.h"

struct fs;
struct block_writer;

/* What a half-made and a half-removed block is called until it is gone; Prometheus's own names. */
#define BLOCK_TMP_CREATION ".tmp-for-creation"
#define BLOCK_TMP_DELETION ".tmp-for-deletion"

/* block_writer_open begins a block in `data_dir`; `now` goes into its name. segment_bytes 0 = as
 * Prometheus. Fails with -errno. */
int block_writer_open(const struct fs *fs, const char *data_dir, ts now, uint64_t segment_bytes,
                      struct block_writer **ret, struct baro_error *err);

/* block_writer_free removes what is not finished. */
struct block_writer *block_writer_free(struct block_writer *writer);
DEFINE_CLEANUP(block_writer_free, struct block_writer)

/* block_writer_symbols: all symbols, sorted and distinct, before the first series. */
void block_writer_symbols(struct block_writer *writer, const str *symbols, size_t count);

/* block_writer_begin starts a series; block_writer_chunk adds a chunk of `samples` samples from
 * mint to maxt (both inclusive); block_writer_end ends it: a series without chunks is left out. */
void block_writer_begin(struct block_writer *writer, const struct symbol_pair *labels,
                        size_t count);
int block_writer_chunk(struct block_writer *writer, uint8_t encoding, str data, ts mint, ts maxt,
                       uint32_t samples, struct baro_error *err);
void block_writer_end(struct block_writer *writer);

/* block_writer_series is how many series were kept so far. */
uint64_t block_writer_series(const struct block_writer *writer);

/*
 * block_writer_finish completes `meta` (ulid and statistics; the caller has set mint, maxt, level,
 * sources and parents, of which no sources mean the block itself) and makes the block last. The
 * writer is used up but for block_writer_free.
 */
int block_writer_finish(struct block_writer *writer, struct block_meta *meta,
                        struct baro_error *err);

/* block_meta_replace writes meta.json of a directory anew, in one step. */
int block_meta_replace(const struct fs *fs, const char *directory, const struct block_meta *meta,
                       struct baro_error *err);

/* block_remove takes a block out of the data directory: a rename first, so that it is never seen
 * half removed. That it is missing is fine. */
int block_remove(const struct fs *fs, const char *data_dir, const char *ulid,
                 struct baro_error *err);

/* file_replace writes `bytes` into `name` of the directory by way of a temporary file. */
int file_replace(const struct fs *fs, const char *directory, const char *name, str bytes,
                 struct baro_error *err);
