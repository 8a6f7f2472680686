/*
 * tsdb: a time series database in one directory, in Prometheus's own layout: `lock`, `wal/`, and a
 * directory per block. The newest samples live in the head (memory, made durable by the WAL); older
 * ones in blocks. Queries see one merged view.
 *
 * tsdb_open replays the WAL and starts two maintenance threads: one syncs the WAL every second, the
 * other writes blocks, merges them and deletes old ones.
 * Any thread may take appenders and queriers; one appender or querier serves one thread at a time.
 * Close all of them before tsdb_close. Format of the WAL: docs/formats/wal.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "storage/appender.h"
#include "storage/storage.h"
#include "tsdb/retention.h"

struct tsdb;
struct fs;
struct retention_rules;
struct block_meta;

/* How the pages of the WAL are packed. Reading takes all three, whatever this says. */
enum tsdb_wal_compression {
    TSDB_WAL_SNAPPY, /* as Prometheus does unless told otherwise */
    TSDB_WAL_NONE,
    TSDB_WAL_ZSTD,
};

/* Where the replay stands: segment numbers as in /api/v1/status/walreplay. */
struct tsdb_replay_status {
    int64_t min;     /* first segment, a checkpoint's included; 0 while unknown */
    int64_t max;     /* last segment */
    int64_t current; /* the segment that was read last */
    bool done;
};

struct tsdb_options {
    dur retention;               /* blocks that end this long before the newest go; 0 = none */
    uint64_t retention_bytes;    /* blocks beyond it go, oldest first; 0 = no bound */
    double retention_percentage; /* the same as a share of the file system; 0 = no bound */
    uint64_t wal_segment_size;   /* bytes, a multiple of 32 KiB; 0 = 128 MiB */
    uint64_t block_segment_size; /* of chunk files in blocks; 0 = 512 MiB */
    uint64_t chunks_file_size;   /* of files of full chunks of the head; 0 = 128 MiB */
    enum tsdb_wal_compression wal_compression;
    uint32_t series_max;    /* in the head; 0 = 2^32 - 2 */
    uint64_t memory_limit;  /* of the process, in bytes, but for mapped files: when it is reached,
                               new  series are refused with BARO_ELIMIT; 0 = none */
    uint32_t exemplars_max; /* ring of the newest exemplars; 0 = none are kept */
    dur block_max;          /* longest block that is made; 0 = as Prometheus, by the retention */
    const char *delay_compact_path; /* JSON file of uploaded blocks: those of the head that are not
                                       in it are not merged yet (tsdb/compact_delay); NULL = none */
    dur chunk_range;                /* chunks never cross a multiple of it; 0 = 2 h */
    dur too_old;         /* samples older than the head's newest by more than this are out of
                            bounds; 0 = half of chunk_range, as in Prometheus; < 0 = no check */
    dur too_far;         /* samples later than the wall clock by more than this are APPEND_TOO_FAR;
                            0 = no check (the scraper checks for itself, as in Prometheus) */
    dur ooo_window;      /* samples are taken out of order that are no older than this before the
                            newest of the head; 0 = none */
    bool log_late;       /* those stand in the WAL as well, for who reads it as it grows */
    dur querier_wait;    /* how long a head truncation waits for queries that are open; 0 = 150 s */
    bool read_only;      /* for tools: no lock, no threads, nothing is written or mended, and
                            appends go nowhere; damage of the WAL ends the reading there */
    bool no_snapshot;    /* the head is not written out for the next start */
    bool no_sync_thread; /* no maintenance threads: for tests, and for reading tools */
    const struct fs *fs; /* NULL = the real file system */
    /* Called during tsdb_open at the start of the replay, after each segment, and at its end. */
    void (*progress)(void *context, const struct tsdb_replay_status *status);
    void *progress_context;
    /* By selector; NULL = none. tsdb_open takes a reference of its own. */
    struct retention_rules *retention_rules;
    /* Called for each new block of the head, before anything else happens to it. Must not call the
     * tsdb. */
    void (*block_written)(void *context, const char *directory, const struct block_meta *meta);
    void *block_context;
    bool store_starts; /* start timestamps of samples are kept: in newer records of the WAL, and in
                          chunks of encodings 4 to 6 (--enable-feature=st-storage) */
    unsigned newer_chunks; /* encodings of chunks that are written (tsdb/chunk): CHUNK_NEWER_ */
    bool downsample; /* blocks of 18 h and longer (nine times chunk_range) get files of windows */
};

/*
 * tsdb_open opens or creates the directory, takes its lock, reads the blocks and replays the WAL.
 * A torn end of the WAL is repaired; what was dropped is in tsdb_open_report. A block that cannot
 * be read is left out and reported. `options` may be NULL. Fails with BARO_EBUSY when another
 * process holds the lock, else with -errno.
 */
int tsdb_open(const char *path, const struct tsdb_options *options, struct tsdb **ret,
              struct baro_error *err);

/* tsdb_close syncs and closes the WAL and releases the lock; `*err` may be NULL. The tsdb is gone
 * whatever is returned. */
int tsdb_close(struct tsdb *tsdb, struct baro_error *err);

/* tsdb_free is tsdb_close for scopes that cannot report. */
struct tsdb *tsdb_free(struct tsdb *tsdb);
DEFINE_CLEANUP(tsdb_free, struct tsdb)

/* tsdb_queryable is head and blocks as one; tsdb_appendable takes samples. They live as long as the
 * tsdb. */
struct queryable *tsdb_queryable(struct tsdb *tsdb);
struct appendable *tsdb_appendable(struct tsdb *tsdb);

/* tsdb_sync makes everything that was committed safe against a power cut (fsync). */
int tsdb_sync(struct tsdb *tsdb, struct baro_error *err);

/* tsdb_is_read_only says whether commits fail, since the disk is full or broken, and why. Queries
 * go on; so do commits, as soon as the disk takes them. */
enum { TSDB_READ_ONLY_BYTES = 232 };
bool tsdb_is_read_only(struct tsdb *tsdb, char ret_why[TSDB_READ_ONLY_BYTES]);

/*
 * tsdb_compact does now what the compaction thread does by itself: the head gives full ranges to
 * blocks and forgets them, the WAL is shortened, blocks are merged by plan, and those beyond the
 * retention go. Appends and queries go on meanwhile.
 */
int tsdb_compact(struct tsdb *tsdb, struct baro_error *err);

/* tsdb_delete removes the samples with start <= t <= end of the series that match (at least one
 * matcher): at once from the head, by tombstones from blocks, until those are merged anew.
 * tsdb_clean_tombstones rewrites the blocks that have any. */
int tsdb_delete(struct tsdb *tsdb, struct matchers matchers, ts start, ts end,
                struct baro_error *err);
int tsdb_clean_tombstones(struct tsdb *tsdb, struct baro_error *err);

/* tsdb_snapshot makes a copy of the blocks (by links) and, unless it is skipped, of the head as one
 * more block, in snapshots/NAME of the data directory. */
enum { TSDB_SNAPSHOT_NAME_BYTES = 96 };
int tsdb_snapshot(struct tsdb *tsdb, bool skip_head, char ret_name[TSDB_SNAPSHOT_NAME_BYTES],
                  struct baro_error *err);

/* tsdb_blocks_write writes the meta.json of every block as an array. */
struct json_writer;
void tsdb_blocks_write(struct tsdb *tsdb, struct json_writer *json);

/* tsdb_lowest_time is the time of the oldest block, or of the head when there is none; false when
 * there is nothing at all. */
bool tsdb_lowest_time(struct tsdb *tsdb, ts *ret);

/* tsdb_set_ooo_window changes how late samples may come, from now on; 0 = none. Fails with -errno
 * when wbl/ cannot be made; the window is then as before. */
int tsdb_set_ooo_window(struct tsdb *tsdb, dur window, struct baro_error *err);

/* tsdb_set_log_late changes whether samples out of order stand in the WAL as well, from now on. */
void tsdb_set_log_late(struct tsdb *tsdb, bool log_late);

/* tsdb_set_newer_chunks changes the encodings of chunks that are written from now on; those that
 * are there stay as they are. */
void tsdb_set_newer_chunks(struct tsdb *tsdb, unsigned newer);

/* tsdb_set_retention takes effect with the next compaction; tsdb_retention is what is in force. */
void tsdb_set_retention(struct tsdb *tsdb, const struct retention *retention);
struct retention tsdb_retention(struct tsdb *tsdb);

/* tsdb_set_retention_rules takes a reference of rules over (NULL = none); they take effect with the
 * next compaction. */
void tsdb_set_retention_rules(struct tsdb *tsdb, struct retention_rules *rules);

/* What tsdb_open found and mended. */
struct tsdb_open_report {
    uint64_t series;             /* in the head after the replay */
    uint64_t samples;            /* replayed, those refused included */
    uint64_t samples_refused;    /* older than the blocks reach, unknown series, out of order */
    uint64_t records_skipped;    /* kinds that are not known */
    uint64_t wal_repairs;        /* segments of the WAL that were damaged, or missing */
    uint64_t wal_bytes_dropped;  /* of records that are lost */
    uint64_t wal_records_behind; /* good ones behind damage, in the same segment */
    uint64_t chunks_files;       /* of full chunks of the head */
    uint64_t chunks_damages;     /* 0 or 1: chunks were set aside, and are made anew */
    uint64_t blocks;
    uint64_t blocks_skipped;
    dur duration;                 /* of the start: snapshot and replay */
    uint64_t ooo_samples;         /* out of order, replayed from wbl/ */
    uint64_t snapshot_series;     /* read from the head's snapshot instead of the WAL */
    char snapshot_text[232];      /* why a snapshot was not used; empty when there was no reason */
    char wal_repair_text[232];    /* what was wrong; empty when nothing was */
    char chunks_damage_text[232]; /* likewise of the full chunks */
    char block_skip_text[232];    /* the last block that was left out, and why */
};
void tsdb_open_report(struct tsdb *tsdb, struct tsdb_open_report *ret);

/* tsdb_replay_status may be called from any thread once tsdb_open has returned; during it, see
 * options.progress. */
void tsdb_replay_status(struct tsdb *tsdb, struct tsdb_replay_status *ret);

struct tsdb_stat {
    str name;
    uint64_t value;
};

struct tsdb_stat_list {
    const struct tsdb_stat *items; /* falling by value; in the arena */
    size_t count;
};

/* What /api/v1/status/tsdb tells of the head. */
struct tsdb_stats {
    uint64_t series;
    uint64_t label_pairs;
    uint64_t chunks;
    ts mint; /* INT64_MAX when the head is empty */
    ts maxt; /* INT64_MIN when the head is empty */
    uint64_t blocks;
    uint64_t head_bytes; /* memory of the head by its own accounting */
    struct tsdb_stat_list series_by_metric;
    struct tsdb_stat_list values_by_label;
    struct tsdb_stat_list bytes_by_label;
    struct tsdb_stat_list series_by_pair; /* "name=value" */
};

enum { TSDB_STATS_LIMIT_MAX = 10000 };

/* tsdb_stats fills ret; lists have at most `limit` items (10 in Prometheus unless asked otherwise).
 * Strings and lists are in the arena. */
void tsdb_stats(struct tsdb *tsdb, struct arena *arena, size_t limit, struct tsdb_stats *ret);

/* One distinct (metric name, type, unit, help); strings in the arena. */
struct tsdb_metadata {
    str metric;
    struct metadata metadata;
};

/*
 * tsdb_metadata_list returns the distinct metadata of the head's series, sorted by metric; only of
 * `metric` unless that is empty. (/api/v1/metadata wants what active targets expose: the scraper
 * has that; this is what the store knows, for remote write and for tools.)
 */
void tsdb_metadata_list(struct tsdb *tsdb, struct arena *arena, str metric,
                        struct tsdb_metadata **ret, size_t *ret_count);

/* One stored exemplar with the labels of its series; all in the arena. */
struct tsdb_exemplar {
    struct labels series;
    struct exemplar exemplar;
};

/* tsdb_exemplars_select returns the kept exemplars of series that match, with start <= t <= end,
 * by series and then by time. */
int tsdb_exemplars_select(struct tsdb *tsdb, struct arena *arena, struct matchers matchers,
                          ts start, ts end, struct tsdb_exemplar **ret, size_t *ret_count,
                          struct baro_error *err);
