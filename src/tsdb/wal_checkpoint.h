/*
 * wal_checkpoint: what is still wanted of the oldest segments of the WAL (and of the checkpoint
 * before), written as a new checkpoint; then those segments go. The new one is written aside,
 * synced and renamed before anything is removed. Format: docs/formats/wal.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "codec/compress.h"
#include "storage/storage.h"

struct fs;

struct wal_checkpoint_job {
    const struct fs *fs;
    const char *dir;        /* of the WAL */
    uint64_t last;          /* the checkpoint covers segments up to this one */
    uint64_t segment_bytes; /* 0 = as the WAL's default */
    enum compress_kind compress;
    ts mint; /* samples before it are dropped */
    /* Whether the series record of a ref is kept. */
    bool (*wants_ref)(void *context, series_ref ref);
    /* Gives the metadata records of now to `put`; old ones are dropped. */
    int (*metadata)(void *context, int (*put)(void *put_context, str record), void *put_context);
    void *context;
    bool salvage; /* damaged records are left out, instead of ending it */
};

struct wal_checkpoint_stats {
    uint64_t records_read;
    uint64_t records_written;
    uint64_t samples_kept;
    uint64_t samples_dropped;
    uint64_t series_dropped;
    uint64_t faults; /* places where records were left out */
    uint64_t bytes_lost;
};

/* wal_checkpoint_run writes the checkpoint. Fails with BARO_ECORRUPT (a segment is damaged, and
 * nothing is salvaged) or -errno; the WAL is as before then. */
int wal_checkpoint_run(const struct wal_checkpoint_job *job, struct wal_checkpoint_stats *ret,
                       struct baro_error *err);

/* wal_drop removes the segments that the newest checkpoint covers, and older checkpoints. */
int wal_drop(const struct fs *fs, const char *dir, struct baro_error *err);

/* wal_drop_unfinished removes what an interrupted checkpoint has left. */
int wal_drop_unfinished(const struct fs *fs, const char *dir, struct baro_error *err);
