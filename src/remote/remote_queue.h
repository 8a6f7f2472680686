/*
 * remote_queue: sends what the WAL gets to one remote (remote_write). A thread of its own reads the
 * WAL from files, at its own pace: a slow remote neither slows appends nor takes memory, and what
 * was not sent when the program ended is sent after the next start, as far as the WAL still has it.
 * Source of the behaviour: Prometheus 3.14, storage/remote/queue_manager.go, tsdb/wlog/watcher.go.
 * Recipe: docs/howto/remote.md.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"
#include "conf/prom_config.h"
#include "storage/appender.h"

struct fs;
struct remote_queue;

enum remote_kind { REMOTE_SAMPLE, REMOTE_HISTOGRAM, REMOTE_EXEMPLAR, REMOTE_KIND_COUNT };

enum remote_reason {
    REMOTE_TOO_OLD,
    REMOTE_DROPPED_SERIES,
    REMOTE_UNKNOWN_SERIES,
    REMOTE_CUSTOM_BUCKETS, /* 1.0 has no histograms with custom buckets */
    REMOTE_REASON_COUNT,
};

enum { REMOTE_DURATION_BUCKETS = 15 };

/* What a queue counts, across its restarts by reloads. Written by its thread, read by any; relaxed.
 */
struct remote_stats {
    _Atomic uint64_t sent[REMOTE_KIND_COUNT]; /* each attempt counts */
    _Atomic uint64_t failed[REMOTE_KIND_COUNT];
    _Atomic uint64_t retried[REMOTE_KIND_COUNT];
    _Atomic uint64_t dropped[REMOTE_KIND_COUNT][REMOTE_REASON_COUNT];
    _Atomic uint64_t pending[REMOTE_KIND_COUNT];
    _Atomic uint64_t metadata_sent, metadata_failed, metadata_retried, metadata_bytes;
    _Atomic uint64_t enqueue_retries;
    _Atomic uint64_t bytes;
    _Atomic uint64_t durations[REMOTE_DURATION_BUCKETS + 1]; /* not cumulative; the last is +Inf */
    _Atomic uint64_t duration_ns;
    _Atomic int64_t highest_t; /* ms, taken into a shard */
    _Atomic int64_t highest_sent_t;
    _Atomic uint64_t shards;
    _Atomic double shards_desired;
    _Atomic uint64_t series;
    _Atomic uint64_t records[16];      /* read from the WAL, by type */
    _Atomic uint64_t read_faults;      /* places in the WAL that could not be read */
    _Atomic uint64_t segments_missing; /* gone before they were read */
    _Atomic uint64_t segment;          /* being read */
};

struct remote_metadata_entry {
    str family;
    struct metadata metadata;
};

struct remote_queue_options {
    const struct fs *fs; /* NULL = the real one */
    const char *wal_dir; /* kept by the caller, as all else here */
    const char *position_path;
    const char *name;
    const struct prom_config *config; /* outlives the queue */
    const struct prom_remote_write *settings;
    struct remote_stats *stats;
    const char *user_agent;
    /* Gives the metadata of now, in the arena; may be NULL. */
    void (*metadata)(void *context, struct arena *arena, struct remote_metadata_entry **ret,
                     size_t *ret_count);
    void *context;
};

/* remote_queue_new starts the thread. Fails as http_client_new and relabel_rules_new do, and with
 * -errno. */
int remote_queue_new(const struct remote_queue_options *options, struct remote_queue **ret,
                     struct baro_error *err);

/* remote_queue_stop asks the queue to send what the WAL has, and to end: at once when the remote
 * does not take it, and at the latest after `deadline`. remote_queue_free waits for that. */
void remote_queue_stop(struct remote_queue *queue, dur deadline);
struct remote_queue *remote_queue_free(struct remote_queue *queue);

/* remote_queue_url is the URL without its password; valid as long as the queue. */
const char *remote_queue_url(const struct remote_queue *queue);
