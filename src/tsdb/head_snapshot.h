/*
 * head_snapshot: the head as one file, so that a start reads that instead of the WAL up to where it
 * was taken. It is no source of truth: the WAL is kept as if there were none, and a snapshot that
 * is damaged, or does not fit to the WAL beside it, is passed over. Prometheus does not see it.
 *
 * It is taken while appends go on: the WAL begins segment N, the transactions at work are waited
 * for, then every series is copied under its lock. So everything before N is in it; what of N and
 * later is in it as well is met again by the replay and passed over, since it is not newer. Format:
 * docs/formats/head_snapshot.md.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"
#include "tsdb/head.h"

/* Within the data directory. */
#define HEAD_SNAPSHOT_DIR  "barograph_head"
#define HEAD_SNAPSHOT_NAME "snapshot"

/* head_snapshot_write takes a snapshot into `dir` (made when missing), replacing the last one, and
 * returns its size in bytes through `ret_bytes`. `must_sync` makes it last against a power cut.
 * BARO_ETIMEOUT when a transaction does not end. */
int head_snapshot_write(struct head *head, const struct fs *fs, const char *dir, bool must_sync,
                        const _Atomic bool *stop, uint64_t *ret_bytes, struct baro_error *err);

/* What a snapshot has brought. */
struct head_snapshot_info {
    uint64_t segment; /* the WAL is to be replayed from this one on */
    uint64_t series;
    uint64_t chunks;
    uint64_t bytes;
};

/*
 * head_snapshot_load fills an empty head: 1, or 0 when there is no snapshot or its segment is not
 * in [segment_min, segment_max]. Chunks that end before the head's min_valid are left out. Fails
 * with BARO_ECORRUPT, BARO_EUNSUPPORTED or -errno; the head is to be thrown away then. Not beside
 * appenders or queriers.
 */
int head_snapshot_load(struct head *head, const struct fs *fs, const char *dir,
                       uint64_t segment_min, uint64_t segment_max, struct head_snapshot_info *ret,
                       struct baro_error *err);
