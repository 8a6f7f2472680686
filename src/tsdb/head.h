/*
 * head: the newest samples of every series, in memory.
 * A sample goes to the WAL first and to the open chunk of its series second, so a crash between the
 * two loses nothing that was acknowledged. Any thread may append and query. Formats:
 * docs/formats/wal.md, docs/formats/chunk.md.
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
#include "tsdb/block_meta.h"
#include "tsdb/tsdb.h"

struct fs;
struct head;
struct wal;

struct head_options {
    uint32_t series_max; /* 0 = HEAD_SERIES_MAX */
    uint32_t exemplars_max;
    dur chunk_range; /* 0 = 2 h */
    dur too_old;     /* as in tsdb_options */
    dur too_far;
    enum tsdb_wal_compression wal_compression;
    uint64_t memory_limit; /* as in tsdb_options */
    bool store_starts;     /* as in tsdb_options */
    unsigned newer_chunks; /* as in tsdb_options */
    bool log_late;         /* likewise */
    /* What the process has in RAM, for tests; NULL = as the kernel counts it. */
    uint64_t (*memory_used)(void *context);
    void *memory_context;
};

#define HEAD_SERIES_MAX (UINT32_C(1) << 28)

struct head *head_new(const struct head_options *options);
struct head *head_free(struct head *head);
DEFINE_CLEANUP(head_free, struct head)

/* head_set_wal makes commits write there from now on; NULL for none. The head does not own it. */
void head_set_wal(struct head *head, struct wal *wal);

/* head_set_in_blocks says that blocks hold what is before t: samples of that time are refused. */
void head_set_in_blocks(struct head *head, ts t);

/* head_set_newer_chunks changes what encodings chunks get that are written from now on. */
void head_set_newer_chunks(struct head *head, unsigned newer);

/* head_appender is for one thread. head_querier views [mint, maxt]. */
struct appender *head_appender(struct head *head);
int head_querier(struct head *head, ts mint, ts maxt, struct querier **ret, struct baro_error *err);

/* head_limit_check looks whether memory is short, so that new series are refused, or no more. Any
 * thread; once a second, and after every few hundred new series. */
void head_limit_check(struct head *head);

/* head_time gives the oldest and newest sample; false when there is none. */
bool head_time(struct head *head, ts *ret_mint, ts *ret_maxt);

/* head_is_compactable says whether the head spans more than one and a half chunk ranges, so that
 * its oldest range can become a block; that range is then [*ret_mint, *ret_maxt). */
bool head_is_compactable(struct head *head, ts *ret_mint, ts *ret_maxt);

/* head_skip_empty moves *t, before which the head is about to be truncated, on to the range in
 * which its oldest sample lies, a range before the newest one at most: those in between are empty.
 * Samples before *t are not taken any more then. Fails as head_block_write does; one thread, the
 * same. */
int head_skip_empty(struct head *head, ts *t, struct baro_error *err);

/*
 * head_block_write makes a block of the samples in [mint, maxt): 1 and its name, or 0 when there
 * are none. Appenders are refused samples before maxt from then on, and those at work are waited
 * for (BARO_ETIMEOUT when one does not end). Appending and queries go on meanwhile. One thread, the
 * one that truncates.
 */
struct head_ooo_picked;
struct head_block_job {
    const struct fs *fs;
    const char *data_dir;
    ts mint;
    ts maxt;
    ts now;                 /* for the block's name */
    uint64_t segment_bytes; /* of chunk files; 0 = as Prometheus */
    bool is_copy;           /* the head goes on with this time as before */
    bool is_out_of_order;   /* what head_ooo_pick has picked, instead of what is in order */
    const struct head_ooo_picked *picked;
    const _Atomic bool *stop; /* NULL = never */
};
int head_block_write(struct head *head, const struct head_block_job *job,
                     char ret_ulid[ULID_CHARS + 1], struct baro_error *err);

/*
 * Samples out of order: head_set_ooo takes those that are no older than `window` before the newest
 * sample of the head, from now on; 0 = none. They go to the WBL too, which head_set_wbl sets; the
 * head does not own it. With head_set_log_late they go to the WAL as well. head_ooo_time gives the
 * time that the head has such samples of; false when there are none.
 */
void head_set_ooo(struct head *head, dur window);
void head_set_wbl(struct head *head, struct wal *wbl);
void head_set_log_late(struct head *head, bool log_late);
bool head_ooo_time(struct head *head, ts *ret_mint, ts *ret_maxt);

/*
 * Their way to blocks, by the thread that truncates: head_ooo_pick waits for the appenders that are
 * at work, and gives the series (in the arena) whose samples go, and the time of those;
 * head_block_write makes blocks of them; head_ooo_forget drops them. What comes meanwhile stays.
 */
struct head_ooo_picked {
    uint32_t *slots;
    size_t count;
    ts mint; /* INT64_MAX when there are none */
    ts maxt;
};
int head_ooo_pick(struct head *head, struct arena *arena, struct head_ooo_picked *ret,
                  struct baro_error *err);
/* head_ooo_next is the first time from t on at which a picked chunk has a sample, or may have one;
 * INT64_MAX when there is none. */
ts head_ooo_next(struct head *head, const struct head_ooo_picked *picked, ts t);
void head_ooo_forget(struct head *head, const struct head_ooo_picked *picked);

/* head_delete removes the samples with start <= t <= end of the series that match; they are gone
 * for good when it returns, but for those out of order (*ret_had_ooo), which stand in the WBL until
 * that is dropped. One thread, the one that truncates. */
int head_delete(struct head *head, struct matchers matchers, ts start, ts end, bool *ret_had_ooo,
                struct baro_error *err);

/* head_wait_queriers waits until every querier is closed that was opened before the call: what it
 * reads of the head may go then. deadline is CLOCK_MONOTONIC ns; false when it passed. */
bool head_wait_queriers(struct head *head, int64_t deadline);

/* What a truncation has done. */
struct head_truncated {
    uint64_t chunks;
    uint64_t series;
};

/*
 * head_truncate forgets what is older than t: chunks that end before it, and series that are left
 * without any. No lock is held for longer than a few milliseconds. What others still look at is
 * freed by head_collect once they are gone. One thread.
 */
void head_truncate(struct head *head, ts t, struct head_truncated *ret);
void head_collect(struct head *head);

/*
 * Full chunks in files (tsdb/chunks_head). head_files_open comes before the snapshot and the
 * replay, head_files_settle after them. head_files_flush writes the full chunks that are in memory;
 * head_files_truncate removes files that have nothing from t on. One thread, the one that
 * truncates. They fail with -errno; the chunks stay in memory then.
 */
struct chunks_head_report;
struct head_files_options {
    const struct fs *fs;
    const char *data_dir;
    uint64_t file_bytes; /* 0 = as Prometheus */
    bool read_only;
};
int head_files_open(struct head *head, const struct head_files_options *options,
                    struct chunks_head_report *ret, struct baro_error *err);
int head_files_settle(struct head *head, struct baro_error *err);
int head_files_flush(struct head *head, const _Atomic bool *stop, struct baro_error *err);
/* head_files_pending is about how many bytes of full chunks wait in memory. Any thread. */
uint64_t head_files_pending(const struct head *head);
int head_files_truncate(struct head *head, ts t, struct baro_error *err);
int head_files_sync(struct head *head, struct baro_error *err);
uint64_t head_files_bytes(const struct head *head);

/* head_wants_ref says whether a WAL checkpoint up to `segment` must keep the series record of a
 * ref; head_forget_refs drops what need not be known once the WAL up to there is gone. The thread
 * that truncates. */
bool head_wants_ref(struct head *head, series_ref ref, uint64_t segment);
void head_forget_refs(struct head *head, uint64_t segment);

/* head_metadata_records gives WAL records of the metadata of all series, one after the other. */
int head_metadata_records(struct head *head, int (*put)(void *context, str record), void *context);

/* Entries of a log whose series is not known, by what they are. */
enum head_unknown {
    HEAD_UNKNOWN_EXEMPLARS,
    HEAD_UNKNOWN_HISTOGRAMS,
    HEAD_UNKNOWN_MARKERS,
    HEAD_UNKNOWN_METADATA,
    HEAD_UNKNOWN_SAMPLES,
    HEAD_UNKNOWN_TOMBSTONES,
    HEAD_UNKNOWN_COUNT,
};

/* What a replay met. */
struct head_replay {
    struct head *head;
    uint64_t samples;
    uint64_t samples_refused;
    uint64_t series_unknown; /* series that cannot be, and entries of unknown refs */
    uint64_t unknown[HEAD_UNKNOWN_COUNT];
    uint64_t records_skipped;
    bool is_wbl;          /* the records are of samples out of order */
    uint32_t threads_max; /* that append samples; 0 = as many as there are processors */
    struct head_replay_state *state;
};

/*
 * head_replay_record applies one record of the WAL. Samples are appended by threads of its own:
 * they are in the head, and counted as refused, after head_replay_settle. head_replay_done releases
 * what the replay holds. Fails with BARO_ECORRUPT on a damaged record, of which entries before the
 * damage may have been applied. Not beside appenders or queriers.
 */
int head_replay_record(struct head_replay *replay, str record, struct baro_error *err);
void head_replay_settle(struct head_replay *replay);
void head_replay_done(struct head_replay *replay);

/* The parts of tsdb.h that the head answers. */
void head_stats(struct head *head, struct arena *arena, size_t limit, struct tsdb_stats *ret);
void head_metadata_list(struct head *head, struct arena *arena, str metric,
                        struct tsdb_metadata **ret, size_t *ret_count);
int head_exemplars_select(struct head *head, struct arena *arena, struct matchers matchers,
                          ts start, ts end, struct tsdb_exemplar **ret, size_t *ret_count,
                          struct baro_error *err);

/* head_has_histograms says whether the head has ever had a native histogram. */
bool head_has_histograms(struct head *head);

/* head_bytes is the memory of the head by its own accounting; head_memory gives its parts. */
enum head_part {
    HEAD_PART_SERIES,
    HEAD_PART_LABEL_LISTS, /* which pairs a series has */
    HEAD_PART_LABEL_PAIRS, /* names and values */
    HEAD_PART_POSTINGS,    /* which series a pair has */
    HEAD_PART_LOOKUP,      /* from labels and from refs to series */
    HEAD_PART_OPEN_CHUNKS,
    HEAD_PART_CLOSED_CHUNKS, /* in memory, and entries of those in files */
    HEAD_PART_FREE,          /* held for chunks and label lists, partly given back to the kernel */
    HEAD_PART_OTHER,         /* metadata and exemplars */
    HEAD_PART_COUNT,
};
size_t head_bytes(struct head *head);
void head_memory(struct head *head, size_t ret[HEAD_PART_COUNT]);

/* head_take_damage is how many times queries have met a chunk in files that is damaged since it was
 * asked last. They go on without; a start makes such chunks anew from the WAL. */
uint64_t head_take_damage(struct head *head);

/* head_metrics_publish sets the gauges of client/self.yaml. */
void head_metrics_publish(struct head *head);
