/*
 * statsd: receives StatsD's lines over UDP, TCP and a Unix datagram socket, in one thread of its
 * own, into a statsd_store. Connections, their lines and their silence are bounded.
 */
#pragma once

#include "base/error.h"
#include "exporter/statsd_store.h"

struct statsd_server;

enum { STATSD_CONNECTIONS_MAX = 256, STATSD_IDLE_MS = 10 * 60 * 1000 };

/* Addresses are "HOST:PORT" or ":PORT"; "" = none. Port 0 picks one. */
struct statsd_options {
    str udp, tcp;
    str unix_path;
    struct statsd_store *store; /* kept */
};

/* statsd_server_start opens the sockets and starts the thread. */
int statsd_server_start(const struct statsd_options *options, struct statsd_server **ret,
                        struct baro_error *err);
uint16_t statsd_server_udp_port(const struct statsd_server *server);
uint16_t statsd_server_tcp_port(const struct statsd_server *server);

/* statsd_server_stop ends the thread, closes the sockets, and returns NULL. */
struct statsd_server *statsd_server_stop(struct statsd_server *server);
