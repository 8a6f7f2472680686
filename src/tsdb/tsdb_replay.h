/*
 * tsdb_replay: reading a WAL directory into the head at start, and mending a damaged end. What is
 * behind a damaged record cannot be used (later records may depend on it), so it is moved into
 * `wal.corrupt/` beside the WAL, and the WAL ends before it.
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
