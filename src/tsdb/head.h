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
#include "tsdb/tsdb.h"

struct head;
struct wal;

struct head_options {
    uint32_t series_max; /* 0 = HEAD_SERIES_MAX */
    uint32_t exemplars_max;
    dur chunk_range; /* 0 = 2 h */
    dur too_old;     /* as in tsdb_options */
    dur too_far;
    enum tsdb_wal_compression wal_compression;
};

/* Slots of series stand in pages of 1024; the list of pages is reserved whole. */
#define HEAD_SERIES_MAX (UINT32_C(1) << 28)

struct head *head_new(const struct head_options *options);
struct head *head_free(struct head *head);
DEFINE_CLEANUP(head_free, struct head)

/* head_set_wal makes commits write there from now on; NULL for none. The head does not own it. */
void head_set_wal(struct head *head, struct wal *wal);

/* head_set_min_valid refuses samples before t: blocks hold that time already. */
void head_set_min_valid(struct head *head, ts t);

/* head_appender is for one thread. head_querier views [mint, maxt]. */
struct appender *head_appender(struct head *head);
int head_querier(struct head *head, ts mint, ts maxt, struct querier **ret, struct baro_error *err);

/* head_time gives the oldest and newest sample; false when there is none. */
bool head_time(struct head *head, ts *ret_mint, ts *ret_maxt);

/* What a replay met. */
struct head_replay {
    struct head *head;
    uint64_t samples;
    uint64_t samples_refused;
    uint64_t series_unknown; /* samples, exemplars and metadata of unknown refs */
    uint64_t records_skipped;
    struct head_replay_state *state;
};

/*
 * head_replay_record applies one record of the WAL; head_replay_done releases what the replay
 * holds. Fails with BARO_ECORRUPT on a damaged record, of which entries before the damage may have
 * been applied. Not beside appenders or queriers.
 */
int head_replay_record(struct head_replay *replay, str record, struct baro_error *err);
void head_replay_done(struct head_replay *replay);

/* The parts of tsdb.h that the head answers. */
void head_stats(struct head *head, struct arena *arena, size_t limit, struct tsdb_stats *ret);
void head_metadata_list(struct head *head, struct arena *arena, str metric,
                        struct tsdb_metadata **ret, size_t *ret_count);
int head_exemplars_select(struct head *head, struct arena *arena, struct matchers matchers,
                          ts start, ts end, struct tsdb_exemplar **ret, size_t *ret_count,
                          struct baro_error *err);

/* head_bytes is the memory of the head by its own accounting. */
size_t head_bytes(struct head *head);

/* head_metrics_publish sets the gauges of client/self.def. */
void head_metrics_publish(struct head *head);
