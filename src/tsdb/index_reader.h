/*
 * index_reader: the index file of a block (version 2) over its mapped bytes: symbols, series,
 * postings. Nothing is copied but two tables of offsets; strings and postings that it hands out
 * point into the file. Whatever the bytes are, no read leaves them: checksums of the tables are
 * verified at open, those of a series or of a postings list when it is read. Immutable after open.
 * Format: docs/formats/index.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "codec/bytes.h"
#include "tsdb/postings.h"

struct index_reader;

/* A chunk as the index describes it. mint and maxt are inclusive. */
struct chunk_meta {
    ts mint;
    ts maxt;
    uint64_t ref; /* segment number (from 0) << 32 | offset in the segment */
};

/* A series entry whose checksum holds; the two parts are still to be decoded. */
struct index_series {
    struct reader labels; /* pairs of symbol numbers */
    uint64_t label_count;
    struct reader chunks;
    uint64_t chunk_count;
};

/* Walks the chunk metas of a series. */
struct chunk_meta_walk {
    struct reader rd;
    uint64_t left;
    bool started;
    struct chunk_meta last;
};

/* index_reader_open reads the tables of `data`, which must outlive the reader. Fails with
 * BARO_ECORRUPT, BARO_EUNSUPPORTED (another version) or BARO_ELIMIT. */
int index_reader_open(str data, struct index_reader **ret, struct baro_error *err);

/* index_reader_open_symbols reads no more than the symbols and lets any series be read: for salvage
 * where the tables are damaged. There are no names and no postings then. */
int index_reader_open_symbols(str data, struct index_reader **ret, struct baro_error *err);
struct index_reader *index_reader_free(struct index_reader *index);
DEFINE_CLEANUP(index_reader_free, struct index_reader)

/* index_reader_symbol gives symbol `ref`; false when there is none. Symbols are sorted. */
bool index_reader_symbol(const struct index_reader *index, uint64_t ref, str *ret);
uint32_t index_reader_symbol_count(const struct index_reader *index);

/* index_reader_series reads the entry at 16 * ref. Fails with BARO_ECORRUPT. */
int index_reader_series(const struct index_reader *index, uint32_t ref, struct index_series *ret,
                        struct baro_error *err);

/* chunk_meta_walk_over starts a walk; chunk_meta_next gives the next meta: 1, 0 at the end, or
 * BARO_ECORRUPT. */
struct chunk_meta_walk chunk_meta_walk_over(struct reader chunks, uint64_t count);
int chunk_meta_next(struct chunk_meta_walk *walk, struct chunk_meta *ret, struct baro_error *err);

/* Label names are numbered in their order, values within a name in theirs. */
uint32_t index_reader_name_count(const struct index_reader *index);
str index_reader_name(const struct index_reader *index, uint32_t name);

/* index_reader_name_find gives the number of a label name; false when no series has it. */
bool index_reader_name_find(const struct index_reader *index, str name, uint32_t *ret);

uint32_t index_reader_value_count(const struct index_reader *index, uint32_t name);
str index_reader_value(const struct index_reader *index, uint32_t name, uint32_t value);

/* index_reader_values gives all values of a name, sorted, for as long as the reader lives; they are
 * kept, and with them what struct str_list has as `same`. NULL when they are more than
 * INDEX_VALUES_KEPT_MAX. Any thread. */
enum { INDEX_VALUES_KEPT_MAX = 4096 };
const str *index_reader_values(const struct index_reader *index, uint32_t name,
                               _Atomic uint64_t **ret_same);

/* index_reader_value_seek gives the number of the first value >= wanted (the count when all are
 * smaller). */
uint32_t index_reader_value_seek(const struct index_reader *index, uint32_t name, str wanted);

/* index_reader_postings gives the series with a label value, in place. Fails with BARO_ECORRUPT. */
int index_reader_postings(const struct index_reader *index, uint32_t name, uint32_t value,
                          struct postings *ret, struct baro_error *err);

/* index_reader_all_postings gives all series. */
int index_reader_all_postings(const struct index_reader *index, struct postings *ret,
                              struct baro_error *err);
