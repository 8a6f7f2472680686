/*
 * net: what a user of the services does on the network: HTTP requests on a kept connection, and a
 * WebSocket that listens. Small and bounded: answers of at most NET_BODY_BYTES_MAX, and every wait
 * has an end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "svc_util.h"

enum { NET_BODY_BYTES_MAX = 64 << 20, NET_HOST_SIZE = 128 };

/* Where a service is: "http://HOST[:PORT]". */
struct net_place {
    char host[NET_HOST_SIZE];
    char port[8];
};

int net_place_parse(const char *url, struct net_place *ret, struct svc_error *err);

/* One connection, used again as long as the server keeps it. */
struct net_http {
    const struct net_place *place;
    int fd; /* -1 = closed */
    double limit_s;
};

struct net_answer {
    int status;            /* 0 = none came: see error */
    struct svc_bytes body; /* a NUL stands behind it */
    double seconds;
    char error[64];
};

struct net_request {
    const char *method;
    const char *path;
    const char *content_type; /* NULL = no body */
    const void *body;
    size_t len;
};

/* net_ask sends a request and reads the answer; release it with net_answer_done. */
void net_ask(struct net_http *http, const struct net_request *request, struct net_answer *ret);
void net_answer_done(struct net_answer *answer);
void net_http_close(struct net_http *http);

/* net_chunks_read undoes the chunks of a body from `at` on: bytes consumed when the last chunk has
 * come, 0 = more are needed, < 0 = not chunks. */
long net_chunks_read(const struct svc_bytes *bytes, size_t at, struct svc_bytes *body);

/* ---- WebSocket ---- */

/* net_ws_open connects and shakes hands: the descriptor, or a negative errno. */
int net_ws_open(const struct net_place *place, const char *path, double limit_s);

/* net_ws_take reads frames that have come, answers pings, and counts messages of text: how many, or
 * a negative errno when the connection has ended. It does not wait. */
int net_ws_take(int fd, struct svc_bytes *waiting);

/* net_frame_read takes one frame of a server: > 0 bytes consumed, 0 = more are needed, < 0 = not a
 * frame. */
long net_frame_read(const uint8_t *ptr, size_t len, int *ret_opcode, size_t *ret_payload);
