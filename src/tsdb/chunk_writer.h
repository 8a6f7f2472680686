/*
 * chunk_writer: writes the chunk segments of a block (chunks/000001, ...), as chunk_reader reads
 * them. One thread. Format: docs/formats/chunk.md.
 */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/str.h"

struct fs;
struct chunk_writer;

/* As Prometheus. */
#define CHUNK_SEGMENT_BYTES_DEFAULT (UINT64_C(512) << 20)

/* chunk_writer_open makes the directory; segment_bytes 0 = CHUNK_SEGMENT_BYTES_DEFAULT. */
int chunk_writer_open(const struct fs *fs, const char *directory, uint64_t segment_bytes,
                      struct chunk_writer **ret, struct baro_error *err);
struct chunk_writer *chunk_writer_free(struct chunk_writer *writer);
DEFINE_CLEANUP(chunk_writer_free, struct chunk_writer)

/* chunk_writer_add appends a chunk and gives its reference. Fails with -errno or BARO_ELIMIT. */
int chunk_writer_add(struct chunk_writer *writer, uint8_t encoding, str data, uint64_t *ret_ref,
                     struct baro_error *err);

/* chunk_writer_finish syncs the files and the directory. */
int chunk_writer_finish(struct chunk_writer *writer, struct baro_error *err);

/* chunk_writer_bytes is the size of all segments so far. */
uint64_t chunk_writer_bytes(const struct chunk_writer *writer);
