/*
 * block_seal: meta.json is the one file of a block that has no checksum, so a copy of it with one
 * stands beside it, in barograph.seal (Prometheus passes that by). A meta.json that was damaged is
 * told from one that another program has rewritten, and is read from the copy. Format:
 * docs/formats/block.md.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "tsdb/block_meta.h"

#define BLOCK_SEAL_NAME "barograph.seal"

enum { BLOCK_SEAL_HEAD_BYTES_MAX = 64, BLOCK_SEAL_FLIPS_MAX = 16 };

/* block_seal_write appends the bytes of a seal around a meta.json. */
void block_seal_write(str meta_json, struct buf *buf);

/* block_seal_read gives the copy within a seal. Fails with BARO_ECORRUPT. */
int block_seal_read(str seal, str *ret_meta_json, struct baro_error *err);

/*
 * block_seal_judge reads meta.json, or its copy where that is the better one. *ret_is_damaged says
 * that meta.json is to be written anew: it cannot be read, tells of another block, or is of the
 * same length and differs in BLOCK_SEAL_FLIPS_MAX bits at most. What another program has rewritten
 * (Prometheus counts tombstones there and notes failures) is none of that. A `copy` without bytes =
 * no seal. Fails as block_meta_parse.
 */
int block_seal_judge(str meta_json, str copy, struct block_meta *ret, bool *ret_is_damaged,
                     struct baro_error *err);
