/*
 * index_writer: writes the index file of a block, version 2, byte for byte as Prometheus 2.42 does:
 * first the symbols, then the series in the order of their labels, then everything else from what
 * is already in the file, so that memory is bounded by the distinct label pairs and not by the
 * series. Failure is sticky. One thread. Format: docs/formats/index.md.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/str.h"
#include "tsdb/index_reader.h"

struct fs;
struct index_writer;

/* A label by the numbers of its symbols. */
struct symbol_pair {
    uint32_t name;
    uint32_t value;
};

/* index_writer_open begins the file, which must not exist. Fails with -errno. */
int index_writer_open(const struct fs *fs, const char *path, struct index_writer **ret,
                      struct baro_error *err);

/* index_writer_free closes and forgets; a file that is not finished stays behind. */
struct index_writer *index_writer_free(struct index_writer *writer);
DEFINE_CLEANUP(index_writer_free, struct index_writer)

/* index_writer_symbols writes all symbols: sorted, distinct, once and first. */
void index_writer_symbols(struct index_writer *writer, const str *symbols, size_t count);

/* index_writer_series adds a series; call in the order of their labels. Names rise; chunks are in
 * the order of time. */
void index_writer_series(struct index_writer *writer, const struct symbol_pair *labels,
                         size_t label_count, const struct chunk_meta *chunks, size_t chunk_count);

/* index_writer_finish writes the postings and tables, syncs and closes. Fails with BARO_ELIMIT (the
 * file grew beyond 64 GiB), -ENOMEM or -errno. */
int index_writer_finish(struct index_writer *writer, struct baro_error *err);
