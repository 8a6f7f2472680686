/* am_peer_priv: what the alertmanager and its peers share. All under am->lock, but what says
 * otherwise. */
#pragma once

#include "alerting/am_peer.h"
#include "alerting/am_priv.h"

struct am_peer {
    struct am *am;
    char *url;
    pthread_t thread;
    bool is_running;
    char *name;    /* as it said; NULL = not yet */
    mono heard_at; /* INT64_MIN = never */
    bool was_tried;
    bool is_answering; /* it did, the last time */
    bool needs_all;    /* it may have missed something */
    VEC(char *)
    outbox; /* 's' and a silence's id, 'n' and an entry's key, 'a' and a fingerprint, 'h' and a name
             */
    pthread_cond_t filled;
};

struct am_peer_beat {
    ts heard_at;
    str name; /* behind it */
};

struct am_peers {
    char *name;
    dur peer_timeout;
    dur alive_for;
    struct am_peer *items;
    size_t count;
    mono started_at;
    struct map beats; /* name -> struct am_peer_beat: what is told of heartbeats */
    void (*take_heartbeat)(void *context, str name, ts heard_at);
    void *context;
};

/* am_peers_changed_locked tells the peers of a silence, an entry or an
 * acknowledgement. */
void am_peers_changed_locked(struct am *am, char kind, str key);
/* am_peers_wait_locked is how long this one lets others tell first. */
dur am_peers_wait_locked(const struct am *am);
/* am_peers_settled_locked: every peer was tried once, or a little time has passed. */
bool am_peers_settled_locked(const struct am *am);
