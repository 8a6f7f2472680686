/*
 * scrape_worker: one scrape thread: its loop, its connections, its appender, and the targets that
 * are its share. The manager posts targets to it and takes them away; everything else happens in
 * the thread. A target that is taken away writes its stale markers two intervals later, as
 * Prometheus does, unless the worker is stopped before.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/error.h"
#include "base/lock.h"
#include "http/client.h"
#include "scrape/scrape.h"
#include "scrape/scrape_append.h"
#include "scrape/scrape_target.h"
#include "sys/loop.h"

struct prom_config;
struct prom_scrape;
struct relabel_rules;
struct scrape_worker;

/* A scrape configuration, made ready: shared by the targets of a job. Immutable but for the counts.
 */
struct scrape_job {
    _Atomic uint32_t refs;
    struct prom_config *config; /* referenced */
    const struct prom_scrape *settings;
    struct relabel_rules *target_rules;
    struct relabel_rules *metric_rules;
    char *accept; /* the whole header line */
    bool extra_metrics;
    bool append_metadata;
    bool type_and_unit_labels;
    bool append_exemplars;
    bool keep_starts;
    /* How many targets there are when that is beyond target_limit: then every scrape fails. */
    _Atomic uint64_t targets_over;
};

int scrape_job_new(struct prom_config *config, const struct prom_scrape *settings,
                   const struct scrape_options *options, struct scrape_job **ret,
                   struct baro_error *err);
struct scrape_job *scrape_job_ref(struct scrape_job *job);
struct scrape_job *scrape_job_unref(struct scrape_job *job);

/* scrape_job_keeps_caches says whether series that were cached under `before` are made the same way
 * under `after`. */
bool scrape_job_keeps_caches(const struct scrape_job *before, const struct scrape_job *after);

enum { INTERVAL_TEXT_BYTES = 40 };

enum target_phase {
    TARGET_WAITING,     /* for its next tick */
    TARGET_SCRAPING,    /* a request runs */
    TARGET_ENDING_TICK, /* taken away: for the tick whose time the stale markers get */
    TARGET_ENDING_NEXT, /* for the tick after it, in which a successor would have been scraped */
    TARGET_ENDING_LAST, /* a tenth of the interval more, then the stale markers */
};

/* Shared by manager and worker, counted. `plan` is immutable. */
struct scrape_target {
    _Atomic uint32_t refs;
    struct arena arena; /* of the plan */
    struct target_plan plan;

    struct lock lock;         /* of what follows, up to series */
    struct arena state_arena; /* of discovered */
    struct labels discovered; /* of the last sync */
    struct baro_error last_error;
    ts last_scrape;
    double last_duration_seconds;
    enum scrape_health health;

    struct scrape_series series; /* the worker's; metadata also under the lock */

    /* The worker's. */
    struct scrape_worker *worker;
    struct scrape_job *job;
    struct scrape_job *next_job; /* came while a scrape ran; NULL = none */
    struct http_client *client;
    struct http_headers *headers;
    struct http_call request;
    struct loop_timer timer;
    enum target_phase phase;
    bool is_removed;
    bool was_scraped;
    char interval_text[INTERVAL_TEXT_BYTES]; /* as Go shows it: 1m0s */
    mono first_tick;
    mono tick;       /* of the scrape that waits or runs */
    int64_t aligned; /* wall clock ns that ticks are aligned to; 0 = none yet */
    ts scrape_t;     /* of the scrape that runs */
    mono started;
    ts stale_t;
    size_t place; /* in the worker's list */
};

struct scrape_target *scrape_target_new(void);
struct scrape_target *scrape_target_ref(struct scrape_target *target);
struct scrape_target *scrape_target_unref(struct scrape_target *target);

int scrape_worker_new(struct appendable *appendable, struct clock *clock,
                      const struct scrape_options *options, uint64_t seed,
                      struct scrape_worker **ret, struct baro_error *err);

/* scrape_worker_stop ends the thread; scrapes that run are dropped, no stale markers are written.
 */
void scrape_worker_stop(struct scrape_worker *worker);
struct scrape_worker *scrape_worker_free(struct scrape_worker *worker);

/* scrape_worker_add hands a target over; scrape_worker_reload gives it a new configuration;
 * scrape_worker_remove takes it away, scrape_worker_drop without stale markers. Each keeps
 * references of its own. */
void scrape_worker_add(struct scrape_worker *worker, struct scrape_target *target,
                       struct scrape_job *job);
void scrape_worker_reload(struct scrape_worker *worker, struct scrape_target *target,
                          struct scrape_job *job);
void scrape_worker_remove(struct scrape_worker *worker, struct scrape_target *target);
void scrape_worker_drop(struct scrape_worker *worker, struct scrape_target *target);
