/*
 * client: HTTP/1.1 requests from an event loop, over libcurl; plain GETs to literal addresses go
 * over http/client_plain, which costs less. An engine belongs to one loop and
 * spreads its connections over several curl multi handles, because the bookkeeping of one is linear
 * in its connections. A client is a set of settings (authentication, TLS, proxy, headers) on an
 * engine. Connections are kept alive and reused between requests of one shard. Everything here
 * belongs to the loop's thread, but for http_client_global_init and http_fetch.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"

struct loop;
struct prom_http;
struct http_engine;
struct http_client;
struct http_transfer;
struct plain_exchange;
struct client_grant;

/* A response is refused beyond this many bytes even where no limit is configured. */
#define HTTP_BODY_BYTES_MAX ((size_t)512 << 20)

/* Options of an engine; zeroed = defaults. */
struct http_engine_options {
    uint32_t multi_count;     /* curl multi handles; 0 = 32 */
    uint32_t connections_max; /* idle connections that are kept, over all; 0 = 16384 */
    const char *user_agent;   /* NULL = "barograph" */
    bool shuffle_addresses;   /* each connection goes to any of a name's addresses */
};

/* http_client_global_init prepares libcurl; http_engine_new does it too. Any thread, any number of
 * times. */
void http_client_global_init(void);

/* http_engine_new makes an engine on the loop, which must outlive it. */
int http_engine_new(struct loop *loop, const struct http_engine_options *options,
                    struct http_engine **ret, struct baro_error *err);

/* http_engine_free drops requests that still run (their done is not called) and connections. All
 * clients must have been freed before. */
struct http_engine *http_engine_free(struct http_engine *engine);
DEFINE_CLEANUP(http_engine_free, struct http_engine)

/*
 * http_client_new makes a client with these settings, which must outlive it. Files of credentials
 * and certificates are read again for each request or connection. Fails with BARO_EUNSUPPORTED
 * (references to a secret manager, OAuth2's JWT grant, unknown TLS version) or -errno (a TLS file
 * that cannot be read).
 */
int http_client_new(struct http_engine *engine, const struct prom_http *settings,
                    struct http_client **ret, struct baro_error *err);

/* http_client_free waits for nothing: requests that run keep the client until they are done. */
struct http_client *http_client_free(struct http_client *client);
DEFINE_CLEANUP(http_client_free, struct http_client)

/* http_client_check is http_client_new without an engine: whether the settings can be used. */
int http_client_check(const struct prom_http *settings, struct baro_error *err);

/* What OAuth2's token endpoints gave, for calls of http_fetch that have this in common: any number
 * of threads. (A client has a store of its own.) */
struct http_tokens;
struct http_tokens *http_tokens_new(void);
struct http_tokens *http_tokens_free(struct http_tokens *tokens);
DEFINE_CLEANUP(http_tokens_free, struct http_tokens)

/* A set of request headers ("Name: value"), made once and used for many requests. */
struct http_headers;
struct http_headers *http_headers_new(const char *const *lines, size_t count);
struct http_headers *http_headers_free(struct http_headers *headers);
DEFINE_CLEANUP(http_headers_free, struct http_headers)

/*
 * One request, embedded by the caller and not moved until done. `url`, `headers` and `post` are
 * borrowed until then. The outcome is valid inside done only, whose last act may free or restart
 * the request.
 */
struct http_call {
    const char *url;
    const struct http_headers *headers; /* NULL = none */
    const char *method;                 /* NULL = POST with a body, else GET */
    str post;                           /* body of a POST; ptr NULL makes a GET */
    uint64_t shard;                     /* requests to one server should give the same number */
    dur timeout;                        /* of the whole request; > 0 */
    uint64_t body_bytes_max;            /* of the decoded body; 0 = HTTP_BODY_BYTES_MAX */
    bool accept_gzip;
    const _Atomic bool *cancel; /* of http_fetch alone: becomes true to give up; NULL = never */
    const _Atomic bool *kill;   /* likewise */
    struct http_tokens *tokens; /* of http_fetch alone; NULL = each call asks for its token */
    void (*done)(struct http_call *request);

    int result;            /* 0, or the negative code of err: no usable response */
    int status;            /* HTTP status; 0 when there was none */
    char status_text[64];  /* "404 Not Found", as the server worded it */
    char retry_after[40];  /* the header of that name; empty when absent. Not of plain GETs */
    char etag[80];         /* likewise */
    bool body_is_too_long; /* body_bytes_max was reached */
    str body;
    str content_type; /* empty when absent */
    struct baro_error err;

    struct http_transfer *transfer;  /* private: what runs it over libcurl, */
    struct plain_exchange *exchange; /* or without, */
    struct client_grant *grant;      /* or what it waits for; all NULL = not running */
    struct http_call *next_waiting;
    mono begun; /* to wait */
};

/* http_call_is_running says whether it was started and is neither done nor cancelled. */
static inline bool http_call_is_running(const struct http_call *request)
{
    return request->transfer != NULL || request->exchange != NULL || request->grant != NULL;
}

/*
 * http_call_start runs the request; done is called once from a later turn of the loop, or never
 * when http_call_cancel comes first. A status that is not 2xx is a result of 0: the caller
 * judges it. A body that ends early, is damaged or too long is a failure.
 */
void http_call_start(struct http_client *client, struct http_call *request);

/* http_call_cancel ends a running request without calling done. */
void http_call_cancel(struct http_call *request);

/*
 * http_fetch is one blocking request with a loop of its own. request->done may be NULL; it is
 * called when given, else the body is copied to ret_body (may be NULL). Returns request->result.
 */
struct buf;
int http_fetch(const struct prom_http *settings, struct http_call *request, struct buf *ret_body);
