/*
 * block_salvage: makes a new block of what is still good in a damaged one: every series whose entry
 * in the index holds, every chunk of it whose checksum holds and that decodes, the deletions. The
 * damaged block is moved to `damaged/` of the data directory as it is, so nothing is lost that it
 * may be worth to look at again. Prometheus passes that folder by. Not beside a program that serves
 * the block by another list than the caller's.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/dur.h"
#include "base/error.h"
#include "tsdb/block_meta.h"

struct fs;

#define DAMAGED_DIR "damaged"

struct block_salvage_job {
    const struct fs *fs;
    const char *data_dir;
    const char *ulid; /* of the damaged block */
    ts now;           /* goes into the new block's name */
    const _Atomic bool *stop;
};

struct block_salvaged {
    char ulid[ULID_CHARS + 1]; /* of the new block; empty when nothing was left */
    uint64_t series;
    uint64_t chunks;
    uint64_t samples;
    uint64_t chunks_lost;    /* that a readable series names */
    bool is_series_lost;     /* meta.json tells of more series than were found */
    bool are_deletions_lost; /* the tombstones could not be read: deleted samples are back */
};

/*
 * block_salvage_run writes the new block into the data directory and leaves the damaged one where
 * it is: block_set_aside moves it, once the new one serves. Fails with BARO_ECORRUPT when no series
 * can be read (the symbols are damaged), BARO_ECANCELED or -errno; nothing is left behind then.
 */
int block_salvage_run(const struct block_salvage_job *job, struct block_salvaged *ret,
                      struct baro_error *err);

/* block_set_aside moves a block to `damaged/`. */
int block_set_aside(const struct fs *fs, const char *data_dir, const char *ulid,
                    struct baro_error *err);
