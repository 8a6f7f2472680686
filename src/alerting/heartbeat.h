/*
 * heartbeat: a dead-man's switch, both ways. Out: while rules are evaluated and alerts can be told,
 * a URL is called at an interval, and whoever is behind it raises the alarm when the calls stay
 * away; nothing else can tell that a monitoring system is dead. In: others report at an interval,
 * and an alert fires when they do not. When each was heard of is kept in a file (SQLite), so that a
 * restart is no heartbeat. A thread for each URL, and one that watches. All functions but life
 * cycle: any thread.
 */
#pragma once

#include <stdbool.h>

#include "alerting/heartbeat_config.h"
#include "base/attr.h"
#include "base/buf.h"
#include "codec/json_write.h"
#include "model/alert.h"

struct heartbeats;

struct heartbeat_options {
    struct alert_sink *sink; /* of alerts about those that stay away */
    const char *state_path;  /* NULL = nothing is kept */
    /* Whether all is well enough to say so; appends why not. Runs on the threads of URLs. */
    bool (*is_well)(void *context, const struct heartbeat_send *send, struct buf *ret_why);
    /* One has come in, or is known of from before: for peers. NULL = nobody wants to know. Runs in
     * the threads of heartbeats_hear, _new and _apply. */
    void (*heard)(void *context, str name, ts heard_at);
    void *context;
    dur resend_delay; /* of alerts; 0 = 1 m */
};

/* heartbeats_new begins; takes the configuration over, also when it fails. */
int heartbeats_new(const struct heartbeat_options *options, struct heartbeat_config *config_consume,
                   struct heartbeats **ret, struct baro_error *err);

/* heartbeats_apply goes on with another configuration, which it takes over. Those of the same name
 * keep their state. Waits for requests on their way to end. */
int heartbeats_apply(struct heartbeats *beats, struct heartbeat_config *config_consume,
                     struct baro_error *err);

/* heartbeats_stop ends the threads; heartbeats_free does it too. */
void heartbeats_stop(struct heartbeats *beats);
struct heartbeats *heartbeats_free(struct heartbeats *beats);
DEFINE_CLEANUP(heartbeats_free, struct heartbeats)

/* heartbeats_hear: one has come in. Returns when that is on the disk; *ret_due is when the next one
 * is missed. Fails with BARO_ENOTFOUND, BARO_ETIMEOUT, or with what the disk says. */
int heartbeats_hear(struct heartbeats *beats, str name, ts *ret_due, struct baro_error *err);

/* heartbeats_merge: a peer has heard of one at that time; what lies in the future was just now. It
 * goes to the disk behind. false when no such heartbeat is expected. */
bool heartbeats_merge(struct heartbeats *beats, str name, ts heard_at);

/* heartbeats_ask merges what `known` says of each that is expected, 0 = nothing. In the thread that
 * applies. */
void heartbeats_ask(struct heartbeats *beats, ts (*known)(void *context, str name), void *context);

/* heartbeats_write writes {"send": [...], "expect": [...]}, URLs left out. */
void heartbeats_write(struct heartbeats *beats, struct json_writer *json);

/* heartbeats_metrics_write appends barograph_heartbeat_* in Prometheus's text format. */
void heartbeats_metrics_write(struct heartbeats *beats, struct buf *buf);
