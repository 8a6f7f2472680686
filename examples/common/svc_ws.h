/*
 * svc_ws: WebSockets (RFC 6455) for progress messages. A route answers with svc_ws_answer; from
 * then on one thread serves all sockets: it sends queued text frames, answers pings, pings silent
 * peers, and reads small text messages, of which {"subscribe": TOPIC} and {"unsubscribe": true} are
 * its own. A client with a topic gets that topic's messages only, one without gets all. Everything
 * is bounded: clients, message size, bytes that wait for a slow client (which is dropped, not
 * waited for). The connection's own thread of libmicrohttpd waits beside, and closes at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "svc.h"
#include "svc_util.h"

struct svc_ws;

enum svc_ws_error {
    SVC_WS_ERROR_HANDSHAKE, /* not an upgrade request, or of another version */
    SVC_WS_ERROR_PROTOCOL,  /* a malformed, unmasked, oversized or fragmented-beyond-bound frame */
    SVC_WS_ERROR_SLOW,      /* the client did not take its messages in time */
    SVC_WS_ERROR_LOST,      /* the connection broke, or pings were not answered */
    SVC_WS_ERROR_LIMIT,     /* there were too many clients */
    SVC_WS_ERROR_COUNT,
};

/* svc_ws_error_name is "handshake" and so on. */
const char *svc_ws_error_name(enum svc_ws_error error);

enum { SVC_WS_TOPIC_SIZE = 64 };

/* Zero means the default. Callbacks run on the socket thread (errors of a handshake on the
 * request's), must be short, and may be NULL. */
struct svc_ws_options {
    unsigned clients_max;     /* default 200 */
    size_t message_bytes_max; /* of one message from a client; default 16 KiB */
    size_t waiting_bytes_max; /* to one client; default 1 MiB */
    double ping_s;            /* silence after which a client is pinged; after three it is lost;
                                 default 20 s */
    void (*on_open)(void *context);
    void (*on_close)(void *context, double seconds); /* how long it was open */
    void (*on_message)(void *context, const char *text, size_t len);
    void (*on_error)(void *context, enum svc_ws_error error);
    void *context;
};

int svc_ws_new(const struct svc_ws_options *options, struct svc_ws **ret, struct svc_error *err);

/* svc_ws_answer answers the request with the handshake, or with 400 or 503; topic "" = all. */
void svc_ws_answer(struct svc_ws *ws, struct svc_request *request, const char *topic);

/* svc_ws_send queues a text message for all clients of that topic; returns for how many. Any
 * thread; never blocks. */
size_t svc_ws_send(struct svc_ws *ws, const char *topic, const char *text, size_t len);

/* svc_ws_count is the number of open clients. */
size_t svc_ws_count(struct svc_ws *ws);

/* svc_ws_stop says goodbye (1001) to all, closes them, and refuses handshakes from then on; it must
 * be called before the service's listener ends, which svc_run's `stop` hook is. Requests that are
 * under way may go on using ws. Takes NULL. */
void svc_ws_stop(struct svc_ws *ws);

/* svc_ws_free stops, if that has not been done, and releases: when no request is under way any
 * more, which svc_run's `done` hook is. Takes NULL; returns NULL. */
struct svc_ws *svc_ws_free(struct svc_ws *ws);
