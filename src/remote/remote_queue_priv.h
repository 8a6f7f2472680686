/*
 * remote_queue_priv: what the files of one remote write queue share. A queue is one thread with an
 * event loop: remote_feed.c reads the WAL and hands its items to shards, remote_shard.c sends what
 * the shards hold, remote_rate.c says how many shards there should be, remote_metadata.c sends
 * metadata (1.0), remote_queue.c is the thread and its turns. Only the atomics of remote_stats and
 * what says so are seen by other threads.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/vec.h"
#include "model/relabel.h"
#include "remote/remote_post.h"
#include "remote/remote_position.h"
#include "remote/remote_queue.h"
#include "remote/remote_series.h"
#include "remote/wire_out.h"
#include "storage/appender.h"
#include "tsdb/wal_histogram.h"
#include "tsdb/wal_record.h"
#include "tsdb/wal_tail.h"

/* ---- what is sent ---- */

/* One sample, histogram or exemplar. */
struct remote_item {
    ts t;
    ts st;
    union {
        double v;
        const struct histogram *h; /* in the batch's arena */
        const struct exemplar *exemplar;
    };
    uint32_t series; /* its number in remote_series */
    enum remote_kind kind;
};

/* What goes into one request. */
struct remote_batch {
    VEC(struct remote_item) items;
    size_t kinds[REMOTE_KIND_COUNT]; /* items of each */
    struct remote_place begin;       /* the first item */
    struct remote_place end;         /* behind the last item */
    struct arena arena;
    mono first_at; /* when the first item came */
    ts lowest;
    ts highest;
    bool is_cut; /* nothing is added any more */
};

/* Items of some of the series, sent one batch at a time, so that the order of each series is kept.
 * `batches` is a ring: the oldest is sent, the newest filled. */
struct remote_shard {
    struct remote_post post;
    struct remote_queue *queue;
    uint32_t number;
    struct remote_batch *batches;
    size_t first;
    size_t used;
    struct buf body;             /* of the oldest batch, packed */
    ts body_lowest;              /* the oldest item in it */
    size_t body_count;           /* items in it */
    mono sent_since;             /* first attempt of the oldest batch */
    struct remote_place skip_to; /* after a start: items before it were answered */
    struct remote_place cut_at;  /* after a start: where the first batch ends */
    bool has_cut;
};

/* An average that follows, as Prometheus has it. */
struct remote_rate {
    double events; /* since the last tick */
    double rate;   /* a second */
    bool is_set;
};

/* Where the reading of the WAL stands. */
struct remote_feed {
    struct wal_tail tail;
    struct wal_place since; /* records before it are old unless their time is later than since_t */
    ts since_t;
    struct remote_place resume; /* where items begin to be looked at */
    struct remote_place caught; /* behind all that may have been sent before the start */
    bool is_resuming;           /* before `caught` */
    bool is_loaded;             /* the checkpoint was read */
    bool has_checkpoint;
    uint64_t checkpoint; /* the newest that was read or swept by */
    mono looked;         /* for a newer checkpoint */
    uint64_t missing;    /* segments that were gone before they were read */

    /* The record that is being handed on. */
    bool has_record;
    struct wal_place record;
    enum remote_kind kind;
    uint32_t count;
    uint32_t next;
    struct wal_samples samples;
    struct wal_labels labels;
    struct arena arena;
    struct wal_histogram *histograms;
    struct remote_wal_exemplar *exemplars;
};

struct remote_wal_exemplar {
    series_ref ref;
    struct exemplar exemplar;
};

struct remote_queue {
    struct remote_queue_options options;
    const struct prom_remote_write *settings;
    struct remote_stats *stats; /* = options.stats */
    struct clock *clock;
    struct loop *loop;
    struct http_engine *engine;
    struct remote_endpoint endpoint;
    struct relabel_rules *rules;
    struct remote_series *series;
    struct remote_position *position;
    mono position_synced;
    bool position_changed;
    struct wire_out wire;
    VEC(uint32_t) guests; /* of the batch that is packed */
    struct remote_feed feed;

    struct remote_shard *shards;
    uint32_t shard_count;
    uint32_t shards_wanted; /* != shard_count: drained, then changed */
    size_t batches_max;     /* of one shard */
    size_t batch_items_max;
    bool is_blocked; /* a shard was full */

    struct remote_rate in, out, dropped, out_seconds;
    double appended_seen; /* of the head's counter */
    mono rates_ticked;
    mono last_answer;
    mono no_reshard_until;

    struct remote_post metadata_post;
    struct remote_metadata_entry *metadata; /* in metadata_arena */
    size_t metadata_count;
    size_t metadata_next;
    size_t metadata_sending;
    struct arena metadata_arena;
    struct buf metadata_body;
    mono metadata_due;

    pthread_t thread;
    bool has_thread;
    bool is_flushed; /* the WAL was read to its end, after stop */
    bool gave_up;    /* something is to be tried again, after stop: the next start does it */
    _Atomic int64_t stop_at; /* 0 = run; else the mono time at which to end */
};

/* Relaxed: it is looked at in every turn. */
static inline bool remote_queue_is_stopping(const struct remote_queue *queue)
{
    return atomic_load_explicit(&queue->stop_at, memory_order_relaxed) != 0;
}

/* ---- remote_feed.c ---- */

/* remote_feed_begin says where to read: from the position file, or from the end of the WAL. */
int remote_feed_begin(struct remote_queue *queue, struct baro_error *err);
void remote_feed_done(struct remote_feed *feed);

/* remote_feed_turn reads for a while: true when there is more to read at once. */
bool remote_feed_turn(struct remote_queue *queue);

/* ---- remote_shard.c ---- */

void remote_shards_start(struct remote_queue *queue, uint32_t count);
void remote_shards_free(struct remote_queue *queue);

/* remote_shard_room returns the batch that an item goes into, NULL when the shard is full;
 * remote_shard_added is to be called with it when the item is in. */
struct remote_batch *remote_shard_room(struct remote_shard *shard, struct remote_place place,
                                       enum remote_kind kind);
void remote_shard_added(struct remote_shard *shard, struct remote_batch *batch,
                        struct remote_place place);

/* remote_shards_cut ends all batches that are being filled. */
void remote_shards_cut(struct remote_queue *queue);

/* remote_shards_turn begins requests that are due; returns when it wants to be called next. */
mono remote_shards_turn(struct remote_queue *queue, mono now);
bool remote_shards_are_empty(const struct remote_queue *queue);

/* ---- remote_rate.c ---- */

/* remote_rate_turn says, every ten seconds, how many shards are wanted. */
void remote_rate_turn(struct remote_queue *queue, mono now);

/* ---- remote_metadata.c ---- */

mono remote_metadata_turn(struct remote_queue *queue, mono now);
void remote_metadata_done(struct remote_queue *queue);
