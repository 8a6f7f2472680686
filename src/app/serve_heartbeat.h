/* serve_heartbeat: heartbeats of the running program: their file, and whether all is well. */
#pragma once

#include "alerting/heartbeat.h"
#include "app/serve_priv.h"

/* serve_heartbeat_load reads --alerting.heartbeat-file; *ret is NULL without one. On failure all
 * faults are printed when `print` is set, and err has the first one. */
int serve_heartbeat_load(const struct serve *serve, bool print, struct heartbeat_config **ret,
                         struct baro_error *err);

/* serve_heartbeat_start begins, after alerting and before the rules; serve_heartbeat_apply goes on
 * with another configuration. Both take it over; NULL is fine. */
int serve_heartbeat_start(struct serve *serve, struct heartbeat_config *config_consume,
                          struct baro_error *err);
int serve_heartbeat_apply(struct serve *serve, struct heartbeat_config *config_consume,
                          struct baro_error *err);

/* serve_heartbeat_take: a peer has heard that heartbeat then. `context` is the struct serve. For
 * am_peers_options. */
void serve_heartbeat_take(void *context, str name, ts heard_at);

/* serve_heartbeat_stop ends them before rules and alerting do; serve_heartbeat_free once the server
 * has. */
void serve_heartbeat_stop(struct serve *serve);
void serve_heartbeat_free(struct serve *serve);
