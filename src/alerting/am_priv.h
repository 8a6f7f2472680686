/* am_priv: what the files of the alertmanager share. Everything here is under am->lock, but what a
 * flush and a setup hold once they are made. */
#pragma once

#include <pthread.h>

#include "alerting/am.h"
#include "alerting/am_fps.h"
#include "alerting/am_inhibit.h"
#include "alerting/am_nflog.h"
#include "alerting/am_store.h"
#include "alerting/am_time.h"
#include "base/lock.h"
#include "base/map.h"
#include "base/random.h"
#include "base/vec.h"
#include "sys/clock.h"

enum {
    AM_WORKERS_DEFAULT = 64,
    AM_GROUPS_MAX_DEFAULT = 200000,
    AM_PUT_BATCH = 256, /* alerts that are put while the lock is held once */
    AM_KINDS_MAX = 32,
    AM_LATENCY_BUCKETS = 6,
};

/* A time at which something is to be done: embedded, in the heap of am_timers. */
enum am_timer_kind {
    AM_TIMER_GROUP,
    AM_TIMER_FLUSH,
    AM_TIMER_JOB,
    AM_TIMER_EMPTY,
    AM_TIMER_GC,
    AM_TIMER_ALIVE
};
struct am_timer {
    mono due;
    uint64_t order; /* of those with the same time: as they were started */
    size_t slot;    /* in the heap, from 1; 0 = not started */
    enum am_timer_kind kind;
};

struct am_timers {
    VEC(struct am_timer *) items;
    uint64_t started;
};

/* am_timers_start sets or moves; am_timers_first is the earliest, or NULL. Equal times keep
 * the order in which they were started. */
void am_timers_start(struct am_timers *timers, struct am_timer *timer, mono due);
void am_timers_stop(struct am_timers *timers, struct am_timer *timer);
struct am_timer *am_timers_first(const struct am_timers *timers);
void am_timers_done(struct am_timers *timers);

/* One integration of a receiver of a setup. */
struct am_target {
    const struct am_integration *integration;
    str receiver;
    str suffix;        /* :RECEIVER/KIND/INDEX, the end of the log's keys */
    size_t kind_index; /* in am_kinds */
    bool send_resolved;
    uint32_t running; /* notifications on their way */
    ts failed_at;     /* the last notification was given up then; 0 = it arrived */
};

struct am_targets {
    str receiver;
    struct am_target *items;
    size_t count;
};

/* A configuration in use. Counted: notifications on their way keep theirs. */
struct am_setup {
    struct arena arena;
    uint32_t refs;
    struct am_config *config;
    str text;
    const struct am_sending *sending;
    void *prepared;
    struct am_targets *receivers;
    size_t receiver_count;
    struct am_fps route_ids; /* address of a route -> its number, in struct am_route_id */
    struct am_times times;
    struct am_inhibitor inhibitor;
    dur resolve_timeout;
    _Atomic bool cancel; /* the notifications that are still on their way are to end */
};

int am_setup_new(const struct am_options *options, struct am_config *config, str text,
                 struct am_setup **ret, struct baro_error *err);
struct am_setup *am_setup_ref(struct am_setup *setup);
void am_setup_unref(struct am_setup *setup);
size_t am_setup_route_id(const struct am_setup *setup, const struct am_route *route);
struct am_targets *am_setup_targets(const struct am_setup *setup, str receiver);

struct am_flush;

struct am_group {
    struct arena arena; /* the group is in it, with its texts */
    const struct am_route *route;
    struct am_targets *targets;
    struct labels labels;
    str map_key;          /* ROUTE_NUMBER KEY */
    str key;              /* ROUTE_KEY:LABELS */
    struct am_fps alerts; /* of struct am_kept, a reference each */
    struct am_timer timer;
    struct am_flush *flush; /* that runs; NULL = none */
    bool has_flushed;
    bool is_late;    /* its time came while a flush ran */
    bool is_dropped; /* freed when its flush has ended */
    str muted_by;    /* a time interval's name, at the last flush */
};

/* One telling of one group. Alerts are in Alertmanager's order. */
struct am_flush {
    struct am_timer timer; /* while it waits for peers */
    struct arena arena;
    struct am_setup *setup;
    struct am_group *group;
    struct am_kept **all;
    size_t all_count;
    const struct am_alert *batch; /* all of them, where the route has labels to render; else NULL */
    struct am_alert *alerts;      /* that are not muted */
    size_t count;
    size_t firing_count; /* of them */
    struct am_group_state state;
    ts now;
    mono deadline;
    size_t jobs_left;
    bool failed;
};

/* The part of a flush that goes to one integration. */
struct am_job {
    struct am_timer timer;
    struct am_job *next; /* in the queue */
    struct am_flush *flush;
    struct am_target *target;
    const struct am_alert *alerts; /* what is told; the log learns of all of the flush */
    size_t count;
    struct am_group_state state; /* what the log learns */
    enum am_reason reason;
    bool has_intent; /* in the file, and not yet in the log */
    str thread_id;
    uint32_t attempts;
    double backoff_ms;
    struct baro_error err; /* of the last attempt */
    int status;
};

/* Why a notification failed, as Alertmanager tells it. */
enum am_failure {
    AM_FAILED_OTHER,
    AM_FAILED_CLIENT,
    AM_FAILED_SERVER,
    AM_FAILED_CANCELED,
    AM_FAILED_DEADLINE,
    AM_FAILED_AUTH,
    AM_FAILED_RATE,
    AM_FAILED_COUNT
};

struct am_counters {
    uint64_t received_firing, received_resolved, invalid, refused;
    uint64_t group_limit;
    uint64_t processed;
    uint64_t suppressed[4]; /* inhibition, silence, mute interval, active interval */
    uint64_t nflog_gc, nflog_refused, nflog_queries;
    uint64_t silence_gc;
    uint64_t repeats_held;
    uint64_t notifications[AM_KINDS_MAX];
    uint64_t notifications_failed[AM_KINDS_MAX][AM_FAILED_COUNT];
    uint64_t requests[AM_KINDS_MAX];
    uint64_t requests_failed[AM_KINDS_MAX];
    uint64_t latency_count[AM_KINDS_MAX];
    double latency_sum[AM_KINDS_MAX];
    uint64_t latency[AM_KINDS_MAX][AM_LATENCY_BUCKETS];
};

struct am {
    struct am_options options;
    struct alert_sink sink;
    ts started_at;
    struct am_state *state; /* NULL = nothing is kept */
    ts loaded_alive;        /* when the process whose state was read was last alive */

    struct lock lock;       /* guards all below */
    pthread_cond_t changed; /* timers: the thread looks again */
    pthread_cond_t queued;  /* jobs: a worker wakes */
    pthread_cond_t arrived; /* a notification is not on its way any more */
    struct am_setup *setup; /* NULL before the first am_apply */
    struct am_store store;
    struct am_silences silences;
    struct am_nflog nflog;
    struct am_acks acks;
    struct map groups; /* by map_key */
    struct am_timers timers;
    struct am_peers *peers; /* NULL = none */
    struct am_timer empty_timer, gc_timer, alive_timer;
    struct am_job *first_job; /* that waits for a worker */
    struct am_job **last_job;
    size_t jobs_waiting;
    size_t jobs_running;
    struct random random;
    bool is_held; /* groups are not told: a new configuration waits for what is on its way */
    bool is_stopping;
    struct am_counters counters;

    pthread_t thread;
    bool has_thread;
    pthread_t *workers;
    uint32_t worker_count;
    uint32_t workers_idle;
};

static inline mono am_mono(const struct am *am)
{
    return clock_mono(am->options.clock);
}

static inline ts am_now(const struct am *am)
{
    return clock_now(am->options.clock);
}

/* ---- am_group.c ---- */

/* am_group_insert_locked puts an alert into every group that its routes give it, making them. */
void am_groups_insert_locked(struct am *am, struct am_kept *kept);
/* am_groups_drop_locked forgets all groups; those whose flush runs go when it ends. */
void am_groups_drop_locked(struct am *am);
/* am_groups_empty_locked forgets the groups without alerts. */
void am_groups_empty_locked(struct am *am);
void am_group_free(struct am_group *group);
/* am_alerts_cmp is the order of alerts in a notification. */
int am_alerts_cmp(const struct am_alert *a, const struct am_alert *b);
int am_labels_before_cmp(struct labels a, struct labels b);

/* ---- am_flush.c ---- */

/* am_flush_begin_locked is a group's time: it makes the jobs of a flush, or ends it at once. */
void am_flush_begin_locked(struct am *am, struct am_group *group);
/* am_flush_tell_locked makes the jobs, or ends the flush at once; am_flush_drop_locked ends one
 * that waits for peers. */
void am_flush_tell_locked(struct am *am, struct am_flush *flush);
void am_flush_drop_locked(struct am *am, struct am_flush *flush);
/* am_is_silenced_locked asks the silences, or the alert's own memory of them. */
bool am_is_silenced_locked(struct am *am, struct am_kept *kept, ts now);

/* ---- am_acks.c ---- */

/* am_ack_merge_locked takes what was kept, or a peer's: 1, or 0 when what is there is as young. */
int am_ack_merge_locked(struct am *am, const struct am_ack *ack, struct baro_error *err);
/* am_ack_view_locked copies the one of an alert that is in effect; false when there is none. */
bool am_ack_view_locked(struct am *am, const struct am_alert *alert, ts now, struct arena *arena,
                        struct am_ack *ret);
/* am_acks_cover_locked: every alert of the flush that fires is acknowledged. */
bool am_acks_cover_locked(struct am *am, const struct am_flush *flush);
/* am_acks_hold_locked: a repeat is held back. The entry may be another one afterwards. */
void am_acks_hold_locked(struct am *am, const struct am_flush *flush,
                         const struct am_nflog_entry *entry);
void am_acks_collect_locked(struct am *am);

/* ---- am_job.c ---- */

void am_job_queue_locked(struct am *am, struct am_job *job);
/* am_job_due_locked: the time of its next attempt, or its deadline, has come. */
void am_job_due_locked(struct am *am, struct am_job *job);
/* am_jobs_drop_locked ends all that are not on their way. */
void am_jobs_drop_locked(struct am *am);
/* am_job_run runs the attempt of a job that waits; the lock is held before and after. false = none.
 */
bool am_job_run_locked(struct am *am);
/* am_nflog_record_locked notes what an integration has been told. */
void am_nflog_record_locked(struct am *am, const struct am_flush *flush,
                            const struct am_target *target, const struct am_group_state *state,
                            str thread_id);
/*
 * am_nflog_intend_locked notes in the file that a receiver is about to hear of a group that it
 * knows nothing of: true when that is to be on the disk before the attempt. If the program is
 * killed when the receiver has heard and the log has not, the group's end is told all the same;
 * otherwise it goes with the job, or becomes what was told.
 */
bool am_nflog_intend_locked(struct am *am, struct am_job *job);
/* am_flush_job_ended_locked: the job, and perhaps its flush, is gone afterwards. */
void am_flush_job_ended_locked(struct am *am, struct am_job *job, bool good);
