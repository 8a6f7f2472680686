/*
 * compact_delay: merges that wait for uploads (--storage.tsdb.delay-compact-file.path). A program
 * beside us that uploads blocks, as Thanos's sidecar, lists those that it has in a JSON file,
 * {"uploaded": ["<ULID>", ...]}; a block of the head that is not listed yet is not merged, and
 * neither is one that was made later. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/dur.h"
#include "base/error.h"
#include "base/vec.h"
#include "tsdb/block_meta.h"

struct fs;

struct compact_delay_name {
    char ulid[ULID_CHARS + 1];
};

/* Zeroed but for fs and path. */
struct compact_delay {
    const struct fs *fs;
    const char *path; /* NULL = nothing waits; borrowed */
    bool was_read;
    bool is_known; /* it could be read */
    mono read_at;
    VEC(struct compact_delay_name) uploaded; /* sorted */
};

void compact_delay_done(struct compact_delay *delay);

/* compact_delay_refresh reads the file, when that was a minute ago or never. One that cannot be
 * read, or is none, holds nothing up: *err says why, and the code is returned. */
int compact_delay_refresh(struct compact_delay *delay, mono now, struct baro_error *err);

/* compact_delay_keep writes the indexes of the blocks that may be merged to ret (room for count),
 * and returns how many. */
size_t compact_delay_keep(const struct compact_delay *delay, const struct block_meta *const *blocks,
                          size_t count, size_t *ret);
