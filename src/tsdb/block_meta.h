/* block_meta: meta.json of a block directory. Format: docs/formats/block.md. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"

enum { ULID_CHARS = 26, BLOCK_META_BYTES_MAX = 4 << 20, BLOCK_META_VERSION = 1 };

struct block_meta {
    char ulid[ULID_CHARS + 1];
    ts mint; /* inclusive */
    ts maxt; /* exclusive */
    uint64_t series_count;
    uint64_t sample_count;
    uint64_t chunk_count;
    uint64_t tombstone_count;
    uint32_t level; /* of compaction, from 1 */
};

/* ulid_is_valid: 26 characters of Crockford's base 32, at most 2^128 - 1. */
bool ulid_is_valid(str text);

/* block_meta_parse reads a meta.json. Fails with BARO_EPARSE (no JSON), BARO_EINVALID (a field is
 * missing or wrong) or BARO_EUNSUPPORTED (another version). */
int block_meta_parse(str json, struct block_meta *ret, struct baro_error *err);
