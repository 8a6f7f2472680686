/* am_sender_priv: what the files of the sender share. */
#pragma once

#include <pthread.h>

#include "alerting/am_sender.h"
#include "alerting/am_store.h"
#include "base/lock.h"
#include "base/vec.h"
#include "conf/prom_config_priv.h"
#include "discover/discover.h"
#include "http/client.h"
#include "model/relabel.h"
#include "sys/loop.h"

/* An Alertmanager that was found. */
struct am_remote {
    struct am_sender *sender;
    struct am_remote_set *set;
    char *url; /* with path */
    struct http_call call;
    struct buf body;
    size_t sending; /* alerts of the request that runs */
    mono begun;

    /* lock: sender */
    VEC(struct am_kept *) queue; /* oldest first */
    uint64_t sent;
    uint64_t errors;
    uint64_t dropped;
    uint64_t latency_count;
    double latency_sum;
};

typedef VEC(struct am_remote *) am_remotes;

/* One entry of alerting.alertmanagers. Of the thread. */
struct am_remote_set {
    const struct alertmanager_raw *raw;
    str job; /* config-0 */
    struct relabel_rules *target_rules;
    struct relabel_rules *alert_rules;
    struct http_client *client;
};

/* What a configuration makes of it. */
struct am_remote_plan {
    struct arena arena;
    struct prom_config *config;
    struct am_remote_set *sets;
    struct discover_job *jobs;
    size_t count;
    struct labels external_labels;
    struct relabel_rules *alert_rules; /* of all */
};

struct am_sender {
    struct am_sender_options options;
    struct alert_sink sink;
    struct loop *loop;
    struct http_engine *engine;
    struct discover *discover;
    struct http_headers *headers;
    pthread_t thread;
    bool is_running;
    struct am_remote_plan *plan; /* of the thread; NULL = none yet */
    size_t calls;                /* requests that run; of the thread */
    struct loop_timer deadline;  /* of the drain */

    struct lock lock; /* guards all below, and the queues */
    pthread_cond_t applied;
    struct am_remote_plan *pending; /* to be made the running one */
    struct am_remote_plan *current; /* external labels and rules for send(), under the lock */
    bool is_ending;
    am_remotes remotes;
    VEC(char *) dropped_urls;
    uint64_t dropped_before; /* of remotes that are gone */
};

/* am_remotes_find_locked makes the remotes be those that discovery has now. Of the thread. */
void am_remotes_find(struct am_sender *sender);
void am_remote_free(struct am_remote *remote);

int am_remote_plan_new(struct prom_config *config, struct am_remote_plan **ret,
                       struct baro_error *err);
struct am_remote_plan *am_remote_plan_free(struct am_remote_plan *plan);
DEFINE_CLEANUP(am_remote_plan_free, struct am_remote_plan)
