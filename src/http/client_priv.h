/* client_priv: what the parts of http/client share. Everything belongs to the loop's thread. */
#pragma once

#include <curl/curl.h>

#include "base/buf.h"
#include "http/client.h"
#include "http/client_curl.h"
#include "sys/loop.h"

enum { URL_SHOWN_BYTES = 121 /* in messages */ };

struct socket;

/* A curl multi handle and its timer. */
struct shard {
    CURLM *multi;
    struct http_engine *engine;
    struct loop_timer timer;
};

struct http_engine {
    struct loop *loop;
    struct shard *shards;
    size_t shard_count;
    struct socket *free_sockets;
    struct http_transfer *free_transfers;
    struct http_transfer *running;
    struct loop_timer failure_timer;
    size_t kept_bytes;
    long shuffle;               /* 1 = addresses */
    _Atomic bool has_tls_proxy; /* relaxed: a client is there before its requests */
    char *user_agent;
    struct plain_engine *plain;
    struct buf lines;            /* header lines of a request that is being started */
    struct http_client *granted; /* clients with a grant */
};

struct http_client {
    struct http_engine *engine;
    const struct prom_http *settings;
    struct client_texts texts;
    size_t transfer_count; /* transfers that are set up for it, all running requests included */
    struct client_proxy *proxy;
    struct curl_slist *connect_headers; /* for proxies */
    bool is_freed;
    struct client_grant *grant; /* NULL = without OAuth2 */
    struct buf token;           /* the last request's header line, a C string */
    struct http_client *next;   /* that has a grant, in the engine's list */
    struct http_client **at;
};

struct http_headers {
    struct curl_slist *list;
    struct buf lines; /* the same, each with CRLF */
};

/* An easy handle, its buffers, and the request that it runs. */
struct http_transfer {
    CURL *easy;
    struct http_engine *engine;
    struct http_client *client; /* whose settings the handle has; NULL = none */
    struct http_call *request;
    struct shard *shard;
    struct http_transfer *next; /* in running or free_transfers */
    struct http_transfer **at;  /* what points here, in running */
    struct curl_slist *headers; /* of this request */
    struct buf body;
    struct buf raw; /* decoded body, when it came packed */
    size_t body_bytes_max;
    struct curl_slist *connect_to;
    bool is_packed;
    bool is_too_long;
    bool has_failed; /* before it was started; done is still to be called */
    char error[CURL_ERROR_SIZE];
};

/* ---- client.c ---- */

/* client_release frees a client that was freed, as soon as nothing has its settings any more. */
void client_release(struct http_client *client);

/* client_has_headers says whether the settings or the token add headers to each request. */
bool client_has_headers(const struct http_client *client);

/* client_headers_add is client_settings_headers, with the token. */
int client_headers_add(const struct http_client *client,
                       void (*add)(const char *line, void *context), void *context,
                       struct baro_error *err);

/* client_list_append appends to a list of header lines. */
void client_list_append(struct curl_slist **list, const char *line);

/* client_plain_moved and client_plain_released are struct plain_hooks. */
bool client_plain_moved(struct http_client *client, struct http_call *request, dur left);
void client_plain_released(struct http_client *client);

/* ---- client_transfer.c ---- */

/* client_transfer_start runs the request over libcurl. */
void client_transfer_start(struct http_client *client, struct http_call *request, dur timeout);

/* client_transfer_fail has a request that cannot be started end with `result` at the loop's next
 * turn; its error is set already. */
void client_transfer_fail(struct http_client *client, struct http_call *request, int result);

/* client_transfer_cancel ends a request that runs over libcurl, without calling its done. */
void client_transfer_cancel(struct http_call *request);

/* client_transfer_done hands the outcome out: libcurl is through. */
void client_transfer_done(struct http_transfer *transfer, CURLcode code);

/* client_transfers_hand_out: the timer of those that could not be started. */
void client_transfers_hand_out(struct loop_timer *timer);

/* client_transfers_forget takes a client's settings from the handles that wait for their reuse. */
void client_transfers_forget(struct http_client *client);

/* client_transfers_free frees the handles that wait for their reuse. */
void client_transfers_free(struct http_engine *engine);
