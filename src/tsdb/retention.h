/* retention: which blocks are old enough, or too many, and go. Decides only; deletes nothing. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/dur.h"

struct retention {
    dur time;          /* 0 = for ever */
    uint64_t bytes;    /* of blocks and head on disk; 0 = no bound */
    double percentage; /* of the file system's size; 0 = no bound */
};

struct retention_block {
    ts maxt;
    uint64_t bytes;
};

/* Why a block goes. */
enum retention_verdict { RETENTION_KEEP, RETENTION_OLD, RETENTION_LARGE };

/*
 * retention_plan sets ret[i] for each block (any order), and returns how many go. A block
 * goes when it ends `time` or more before the newest block's end, or when it does not fit into the
 * bytes beside the head's files (`head_bytes`) and all newer blocks. `disk_bytes` is the size of
 * the file system.
 */
size_t retention_plan(const struct retention *retention, const struct retention_block *blocks,
                      size_t count, uint64_t head_bytes, uint64_t disk_bytes,
                      enum retention_verdict *ret);

/* retention_bytes is the bound in bytes of both limits; 0 = none. */
uint64_t retention_bytes(const struct retention *retention, uint64_t disk_bytes);
