/*
 * tsdb_priv: what the parts of the data directory's owner share. tsdb.c opens, closes and answers;
 * tsdb_blocks.c keeps the list of blocks; tsdb_maintain.c syncs, compacts and deletes.
 */
#pragma once

#include <stdatomic.h>

#include "base/lock.h"
#include "base/vec.h"
#include "sys/fs.h"
#include "tsdb/block.h"
#include "tsdb/compact.h"
#include "tsdb/compact_delay.h"
#include "tsdb/head.h"
#include "tsdb/retention.h"
#include "tsdb/retention_rules.h"
#include "tsdb/tombstones.h"
#include "tsdb/tsdb.h"
#include "tsdb/wal.h"

enum { TSDB_BLOCKS_MAX = 100000 };

/* The blocks as one immutable list: a reader takes a reference, a change makes a new list. */
struct block_list {
    _Atomic uint32_t refs;
    size_t count;
    struct block *items[]; /* by mint */
};

/* A block of the directory that could not be opened because it is damaged. */
struct tsdb_skipped {
    char ulid[ULID_CHARS + 1];
};

/* A block that others put there and that cannot be read, maybe not yet. */
struct tsdb_stranger {
    char ulid[ULID_CHARS + 1];
    int64_t retry_at; /* monotonic, ns */
};

struct tsdb {
    struct queryable queryable;
    struct appendable appendable;
    struct tsdb_options options;
    const struct fs *fs;
    char *path;
    fs_file lock_file;
    struct head *head;
    struct wal *wal;
    struct wal *_Atomic wbl;         /* of samples out of order; NULL while none are taken */
    struct block_cache *block_cache; /* of the blocks, which it outlives */

    struct lock blocks_lock;
    struct block_list *blocks; /* lock: blocks */

    struct tsdb_open_report report;
    struct tsdb_replay_status replay;

    /* Compaction and everything else that changes the directory: one thread at a time. Held for as
     * long as that takes; appends and queries never wait for it. */
    struct lock compact_lock;
    VEC(struct block *) obsolete; /* lock: compact; parents whose child is loaded, not served */
    struct compact_delay delay;   /* lock: compact */
    uintptr_t downsampled_list;   /* lock: compact; the list of blocks that was looked at last */
    VEC(struct tsdb_skipped) skipped;    /* lock: compact; what can be salvaged of them is */
    VEC(struct tsdb_stranger) strangers; /* lock: compact */
    ts truncate_to;          /* lock: compact; a block is written up to here, but the head not
                                truncated yet; INT64_MIN = nothing to do */
    ts checkpoint_to;        /* lock: compact; the same for the WAL */
    uint64_t snapshot_bytes; /* lock: compact; size of the head's last snapshot */
    uint64_t snapshot_at;    /* lock: compact; bytes of the WAL when it was taken */
    uint64_t snapshot_syncs_failed; /* lock: compact; failed syncs of the WAL until then */
    uint64_t wbl_syncs_failed;      /* lock: compact; of those that were made good */
    struct retention retention;     /* lock: tsdb */
    _Atomic unsigned newer_chunks;  /* relaxed: wishes for what is written */
    struct retention_rules *rules;  /* lock: tsdb; NULL = none */
    uint64_t rules_generation;      /* lock: tsdb; changes with the rules */

    /* The threads: `tsdb` syncs the WAL, `compact` does the long work. */
    struct lock lock;
    pthread_cond_t wake;
    pthread_t sync_thread;
    pthread_t compact_thread;
    bool has_sync_thread;
    bool has_compact_thread;
    bool must_stop;     /* lock: this one */
    bool was_read_only; /* of the thread that syncs: what it has told of */
    _Atomic bool stop;  /* the same for long work; relaxed: it is looked at again and again */
};

/* tsdb_blocks_open opens every block of the directory and removes what was left half-made or
 * half-removed. */
int tsdb_blocks_open(struct tsdb *tsdb, struct baro_error *err);

/* tsdb_blocks_ref gives the list with a reference for the caller. */
struct block_list *tsdb_blocks_ref(struct tsdb *tsdb);
void tsdb_blocks_unref(struct block_list *list);

/* tsdb_blocks_replace makes a new list: with `added` (NULL = none; the reference is taken over),
 * without the `gone`. */
void tsdb_blocks_replace(struct tsdb *tsdb, struct block *added, struct block *const *gone,
                         size_t gone_count);

/* tsdb_blocks_load opens and verifies a new block of the directory. */
int tsdb_blocks_load(struct tsdb *tsdb, const char *ulid, struct block **ret,
                     struct baro_error *err);

/* tsdb_block_child is a block of the list whose last compaction had this one in it; NULL = none. */
struct block *tsdb_block_child(const struct block_list *list, const char *ulid);

/* tsdb_rescan looks for blocks that others have put into the directory, as promtool and backups do,
 * and serves those that read back whole; the others it tries again later. Blocks whose directory
 * is gone serve no more. Under the compact lock. Fails with BARO_ECANCELED only. */
int tsdb_rescan(struct tsdb *tsdb, struct baro_error *err);

/* tsdb_blocks_maxt is the end of what in-order blocks hold: samples before it are theirs. */
ts tsdb_blocks_maxt(const struct block_list *list);

/* tsdb_snapshot_head writes the head out for the next start. Under the compact lock, or when nobody
 * else is left. */
int tsdb_snapshot_head(struct tsdb *tsdb, bool must_sync, struct baro_error *err);

/* tsdb_checkpoint shortens the WAL: the head needs nothing of it before mint. Under the compact
 * lock. */
int tsdb_checkpoint(struct tsdb *tsdb, ts mint, struct baro_error *err);

/* tsdb_make_dir makes a directory within the data directory, unless it is there; its name lasts
 * when it returns. */
int tsdb_make_dir(struct tsdb *tsdb, const char *path, struct baro_error *err);

/* tsdb_health is that of both logs. */
void tsdb_health(struct tsdb *tsdb, struct wal_health *ret);

/* tsdb_wait_queriers waits for the queries that may not know the newest list of blocks. */
int tsdb_wait_queriers(struct tsdb *tsdb, struct baro_error *err);

/*
 * Samples out of order (tsdb_ooo.c): tsdb_ooo_open replays the WBL behind the WAL, and opens it if
 * the options want it or it is there; tsdb_ooo_compact gives what there is to blocks, and drops the
 * WBL up to there (under the compact lock); tsdb_ooo_write_blocks writes the blocks, and serves
 * them when the directory is the store's own.
 */
int tsdb_ooo_open(struct tsdb *tsdb, struct baro_error *err);
int tsdb_ooo_compact(struct tsdb *tsdb, struct baro_error *err);
int tsdb_ooo_write_blocks(struct tsdb *tsdb, const struct head_ooo_picked *picked, const char *dir,
                          struct baro_error *err);

/* tsdb_merge_blocks makes one block of several, serves it and removes them. Under the compact
 * lock. */
int tsdb_merge_blocks(struct tsdb *tsdb, struct block **parents, size_t count,
                      struct baro_error *err);

/* tsdb_add_tombstones_consume adds deletions to a block (`added` is used up) and serves the renewed
 * block, which is lent to the caller, in its place. Under the compact lock. */
int tsdb_add_tombstones_consume(struct tsdb *tsdb, struct block *block, struct tombstones *added,
                                struct block **ret_renewed, struct baro_error *err);

/* tsdb_apply_rules deletes from the blocks what the retention rules no longer keep. Under the
 * compact lock. */
int tsdb_apply_rules(struct tsdb *tsdb, struct baro_error *err);

/* tsdb_downsample makes and opens the files of downsampled samples. Under the compact lock. */
int tsdb_downsample(struct tsdb *tsdb, struct baro_error *err);

/* tsdb_mend salvages the blocks in which damage was met, and sets them aside. Under the compact
 * lock. Fails with BARO_ECANCELED only. */
int tsdb_mend(struct tsdb *tsdb, struct baro_error *err);

/* tsdb_find_damage verifies blocks and marks those that tsdb_mend is to take; whether there were
 * any. */
bool tsdb_find_damage(struct tsdb *tsdb, struct block *const *blocks, size_t count);

/* tsdb_maintain_start starts the threads, unless the options forbid them; tsdb_maintain_stop ends
 * them. */
int tsdb_maintain_start(struct tsdb *tsdb, struct baro_error *err);
void tsdb_maintain_stop(struct tsdb *tsdb);

/* tsdb_mono is CLOCK_MONOTONIC in ns; tsdb_wall the wall clock in ms. */
int64_t tsdb_mono(void);
ts tsdb_wall(void);
