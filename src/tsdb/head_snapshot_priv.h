/* head_snapshot_priv: the file of a snapshot. All numbers are little-endian. Format:
 * docs/formats/head_snapshot.md. */
#pragma once

#include <stdint.h>

#include "base/assert.h"
#include "tsdb/chunk_xor.h"

#define SNAPSHOT_MAGIC UINT64_C(0x3144414548524142) /* "BARHEAD1" */

enum { SNAPSHOT_VERSION = 5, SNAPSHOT_FRAME_BYTES = 1 << 20 };

/* A frame ends behind SNAPSHOT_FRAME_BYTES with the entry that is being written, so none is near
 * this. */
#define SNAPSHOT_FRAME_BYTES_MAX ((uint32_t)1 << 29)

enum snapshot_kind {
    SNAPSHOT_NAMES = 1, /* label names */
    SNAPSHOT_PAIRS,     /* label pairs */
    SNAPSHOT_METADATA,  /* distinct metadata */
    SNAPSHOT_FILES,     /* of chunks_head: what the series do not have here stands there */
    SNAPSHOT_SERIES,
    SNAPSHOT_ALIASES, /* further refs of series */
    SNAPSHOT_EXEMPLARS,
    SNAPSHOT_END,
    SNAPSHOT_STARTS, /* start timestamps of open chunks, where there are any; behind the series */
    SNAPSHOT_KIND_COUNT,
};

struct snapshot_header {
    uint64_t magic;
    uint32_t version;
    uint32_t crc; /* of what follows */
    uint64_t segment;
    uint64_t last_ref;
    int64_t min_valid;
    uint64_t series_count;
    int64_t unfiled_until; /* as in struct head */
};
STATIC_ASSERT(sizeof(struct snapshot_header) == 56, "it is written as it is");

/* Before the entries of one kind; a frame has whole entries. */
struct snapshot_frame {
    uint32_t kind;
    uint32_t count;     /* entries */
    uint32_t raw_bytes; /* of them, a multiple of 8 */
    uint32_t bytes;     /* that follow: packed with zstd, unless they are as many */
    uint32_t zero;
    uint32_t crc; /* of the fields before, and of the bytes that follow */
};
STATIC_ASSERT(sizeof(struct snapshot_frame) == 24, "it is written as it is");

/* A name or pair: this, then the text, padded to 8. */
struct snapshot_text {
    uint32_t name; /* of a pair: number of its name */
    uint32_t len;
    uint32_t count; /* of a pair: series that have it */
    uint32_t zero;
};

struct snapshot_metadata {
    uint32_t type;
    uint32_t unit_len;
    uint32_t help_len; /* the texts follow, padded together */
    uint32_t zero;
};

/* A file of chunks_head as it was. */
struct snapshot_file {
    uint32_t number;
    uint32_t end; /* its last four bytes; 0 = not known */
    uint64_t bytes;
    int64_t maxt;
};

enum {
    SNAPSHOT_SERIES_UNFILED = 1, /* chunks_head does not count for it */
    SNAPSHOT_SERIES_HAS_END = 2, /* of a histogram chunk: as in struct head_open */
};

/* A series: this, its pairs (4 bytes each, padded), its open chunk (padded), its closed chunks that
 * chunks_head does not have, oldest first: each a snapshot_chunk and its bytes (padded). */
struct snapshot_series {
    uint64_t ref;
    struct chunk_xor chunk; /* of histograms: t and count, and the first time in `delta` */
    int64_t next_at;
    uint32_t hash;
    uint32_t meta; /* number, from 1; 0 = none */
    uint32_t closed_count;
    uint16_t pair_count;
    uint16_t zero;
    uint8_t shard;
    uint8_t tag;
    uint8_t flags;
    uint8_t open_encoding;
    uint32_t open_bytes;
};
STATIC_ASSERT(sizeof(struct snapshot_series) == 72, "it is written as it is");

struct snapshot_chunk {
    int64_t mint;
    int64_t maxt;
    uint32_t size;
    uint8_t encoding;
    uint8_t zero[3];
};

struct snapshot_alias {
    uint64_t ref;
    uint64_t series; /* number in the snapshot, from 0 */
};

/* Start timestamps of the open chunk of a series: this, then `count` of struct starts_run. */
struct snapshot_starts {
    uint64_t series;
    uint64_t count;
};

/* An exemplar: this, then per label two lengths (4 bytes each) and two texts, all padded together.
 */
struct snapshot_exemplar {
    uint64_t series;
    int64_t t;
    double value;
    uint32_t label_count;
    uint32_t bytes; /* of the labels, before padding */
};

static inline size_t snapshot_padded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}
