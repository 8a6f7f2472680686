/*
 * compact: from several blocks one, and from the head one. compact_plan decides (it reads neither
 * clock nor disk), compact_run obeys: it merges the series of the blocks in the order of their
 * labels, copies chunks that overlap nothing as they are, packs those that do anew, and leaves out
 * what is deleted. The parents are not touched: that is the caller's business once the new block
 * is verified. Format: docs/formats/block.md.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dur.h"
#include "base/error.h"
#include "tsdb/block.h"

struct fs;

enum { COMPACT_RANGES_MAX = 10, COMPACT_BLOCKS_MAX = 1024 };

/* compact_range_start is where the range begins that t is in: the multiple of `range` at or before
 * it; compact_range_end is where the next one begins. At the ends of time both stop there. */
ts compact_range_start(ts t, dur range);
ts compact_range_end(ts t, dur range);

/* The lengths that blocks grow to, rising; each is a multiple of the one before. */
struct compact_ranges {
    dur items[COMPACT_RANGES_MAX];
    size_t count;
};

/* compact_ranges_for gives Prometheus's ranges: `least` and its multiples by 3, up to a tenth of
 * the retention and 31 days. retention 0 = for ever. */
struct compact_ranges compact_ranges_for(dur least, dur retention);

/* Which blocks to make into one: indexes into what compact_plan was given. count 0 = none. */
struct compact_plan {
    size_t items[COMPACT_BLOCKS_MAX];
    size_t count;
};

/*
 * compact_plan chooses among blocks that are sorted by mint: first those that overlap; else the
 * smallest range that is complete, never with the newest block; else a large block of which many
 * series have deletions.
 */
void compact_plan(const struct block_meta *const *blocks, size_t count,
                  const struct compact_ranges *ranges, struct compact_plan *ret);

struct compact_job {
    const struct fs *fs;
    const char *data_dir;
    struct block *const *blocks;
    size_t count;
    ts now;                   /* goes into the new block's name */
    uint64_t segment_bytes;   /* of chunk files; 0 = as Prometheus */
    unsigned newer_chunks;    /* encodings for what is packed anew: tsdb/chunk */
    bool keep_level;          /* a block is only cleaned of deletions */
    const _Atomic bool *stop; /* NULL = never */
};

/*
 * compact_run writes the block: 1 and its name, or 0 when nothing is left to write. Fails with
 * BARO_ECORRUPT (a parent is damaged), BARO_EUNSUPPORTED (chunks overlap that cannot be merged
 * yet), BARO_ECANCELED or -errno; nothing is left behind then.
 */
int compact_run(const struct compact_job *job, char ret_ulid[ULID_CHARS + 1],
                struct baro_error *err);
