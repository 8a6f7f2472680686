/* block_meta: meta.json of a block directory, and the block's name. Format: docs/formats/block.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"

enum {
    ULID_CHARS = 26,
    BLOCK_META_BYTES_MAX = 4 << 20,
    BLOCK_META_VERSION = 1,
    BLOCK_SOURCES_MAX = 100000,
};

/* A block that this one was made of. */
struct block_parent {
    char ulid[ULID_CHARS + 1];
    ts mint;
    ts maxt;
};

struct block_parents {
    struct block_parent *items; /* owned by the meta */
    size_t count;
};

struct block_meta {
    char ulid[ULID_CHARS + 1];
    ts mint; /* inclusive */
    ts maxt; /* exclusive */
    uint64_t series_count;
    uint64_t sample_count;
    uint64_t float_count;     /* of the samples; 0 in blocks that do not tell */
    uint64_t histogram_count; /* likewise */
    uint64_t chunk_count;
    uint64_t tombstone_count;
    uint32_t level;               /* of compaction, from 1 */
    bool is_deletable;            /* it holds nothing: a compaction emptied it */
    bool has_failed;              /* a compaction of it failed: it is left alone */
    bool is_out_of_order;         /* hint: made of samples that came out of order */
    struct block_parents sources; /* the level 1 blocks that it descends from; without times */
    struct block_parents parents; /* what the last compaction made it of */
};

/* block_meta_done releases sources and parents. */
void block_meta_done(struct block_meta *meta);

/* block_meta_is_parent says whether the last compaction made `child` of this block among others. */
bool block_meta_is_parent(const struct block_meta *child, const char *ulid);

/* block_parents_add appends a copy; the times of a source are 0. */
void block_parents_add(struct block_parents *parents, const char *ulid, ts mint, ts maxt);

/* ulid_is_valid: 26 characters of Crockford's base 32, at most 2^128 - 1. */
bool ulid_is_valid(str text);

/* ulid_make writes a new name: 48 bits of time, 80 random bits. */
void ulid_make(ts now, char ret[ULID_CHARS + 1]);

/* ulid_time gives the time that a valid name was made at. */
ts ulid_time(const char *ulid);

/* block_meta_parse reads a meta.json; *ret is to be released. Fails with BARO_EPARSE (no JSON),
 * BARO_EINVALID (a field is missing or wrong) or BARO_EUNSUPPORTED (another version). */
int block_meta_parse(str json, struct block_meta *ret, struct baro_error *err);

/* block_meta_write appends the JSON as Prometheus writes it. */
void block_meta_write(const struct block_meta *meta, struct buf *buf);
