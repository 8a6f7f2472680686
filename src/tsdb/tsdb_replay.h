/*
 * tsdb_replay: reading a WAL directory into the head at start. Behind damage it goes on with what
 * is good, and mends the segment, so that whoever reads the WAL next finds none: a torn end is cut
 * off (to `wal.corrupt/` beside the WAL); of a segment with good records behind the damage a new
 * one is made, and the old one is set aside in `damaged/`. Why: docs/decisions/damaged-wal.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "sys/fs.h"
#include "tsdb/head.h"
#include "tsdb/tsdb.h"

struct tsdb_replay_job {
    const struct fs *fs;
    const char *wal_dir;
    const char *data_dir;
    const char *corrupt_dir;
    struct head *head;
    struct tsdb_open_report *report;
    void (*progress)(void *context, const struct tsdb_replay_status *status);
    void *progress_context;
    struct tsdb_replay_status status;
    bool is_wbl;       /* it is the log of samples out of order */
    bool read_only;    /* damage is told of, not mended */
    bool has_snapshot; /* the head has everything before segment `from` */
    uint64_t from;
    uint64_t next_segment; /* ret: the one that the WAL shall begin */
};

/* tsdb_replay_run reads everything. Fails only for what is not damage: -errno, or BARO_ELIMIT when
 * the head may not have that many series. */
int tsdb_replay_run(struct tsdb_replay_job *job, struct baro_error *err);
