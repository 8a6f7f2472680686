/*
 * am_peer: other barographs that watch the same and notify as one: each tells the others what it
 * has notified and how it is silenced; who is younger wins. The first of those that are alive, by
 * name, tells receivers at once, the second waits for one peer time-out, and then has usually heard
 * that all is told. Cut off from each other, each tells. Source: Alertmanager 0.34, cluster/ and
 * notify.WaitStage; the messages are our own (docs/formats/alerting.md). A thread for each peer.
 */
#pragma once

#include <stddef.h>

#include "alerting/am.h"
#include "codec/json_write.h"

/* More peers than this are refused. */
enum { AM_PEERS_MAX = 16 };

struct am_peers_options {
    str name;        /* of this one, distinct from the others' */
    const str *urls; /* of the others; path prefixes are fine */
    size_t count;
    dur peer_timeout; /* 0 = 15 s */
    dur alive_for;    /* a peer is alive for so long after it was heard of; 0 = 10 s */
    /* A peer has heard that heartbeat, expected here or not, at that time. May be NULL. */
    void (*take_heartbeat)(void *context, str name, ts heard_at);
    void *context;
};

/* am_peers_start begins to talk, before am_start. The options are copied. */
int am_peers_start(struct am *am, const struct am_peers_options *options, struct baro_error *err);
/* am_peers_stop ends the threads; am_free does it too. */
void am_peers_stop(struct am *am);

/* am_peers_heartbeat: one has come in here; the others are told. */
void am_peers_heartbeat(struct am *am, str name, ts heard_at);
/* am_peers_heard is when one was last heard of, here or by a peer; 0 = not. */
ts am_peers_heard(struct am *am, str name);

/* am_peers_any says whether this program names peers itself; only then does it take messages. */
bool am_peers_any(struct am *am);

/* am_peers_take is a message that a peer has sent: what is younger in it is kept. Appends the
 * answer. Fails with BARO_EPARSE. */
int am_peers_take(struct am *am, str body, struct buf *answer, struct baro_error *err);

/* am_peers_write_status writes the object "cluster" of the API's status. */
void am_peers_write_status(struct am *am, struct json_writer *json);
