/*
 * client_plain: the short way for the common request: GET over http:// to a literal address, no
 * proxy. http/client decides per request; whatever does not fit goes over libcurl. One engine per
 * event loop, whose thread owns everything here. Idle connections stay watched, so that one that
 * the peer closes is known to be dead without a look at it before each request.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dur.h"
#include "base/str.h"

struct http_client;
struct http_call;
struct loop;
struct plain_engine;

/* What an engine asks of http/client. */
struct plain_hooks {
    /* A redirect is to be followed, within `left` ms: takes the request over, or returns false. */
    bool (*moved)(struct http_client *client, struct http_call *request, dur left);
    /* The request that held the client is over. */
    void (*released)(struct http_client *client);
};

/* plain_engine_new keeps the loop and the texts, which must outlive it. connections_max counts the
 * idle connections that are kept. */
struct plain_engine *plain_engine_new(struct loop *loop, const char *user_agent,
                                      uint32_t connections_max, const struct plain_hooks *hooks);

/* plain_engine_free drops requests that still run: their done is not called, the hook is. */
struct plain_engine *plain_engine_free(struct plain_engine *engine);

/* How a URL is asked for; borrowed from it. */
struct plain_url {
    uint8_t address[16]; /* IPv4 in the first four bytes */
    uint16_t port;
    uint16_t family;
    str host;   /* as the Host header names it */
    str target; /* path and query; "/" when the URL has none */
};

/* plain_url_parse says whether the URL can be asked for here: http, a literal address, and nothing
 * that would have to be rewritten (user names, fragments, dot segments, blanks). */
bool plain_url_parse(const char *url, struct plain_url *ret);

/*
 * plain_start runs the request as http_call_start does; `lines` are whole header lines, copied.
 * A redirect is handed to the moved hook when `follows`. The client is held until the released
 * hook.
 */
void plain_start(struct plain_engine *engine, struct http_client *client, struct http_call *request,
                 const struct plain_url *url, str lines, bool follows);

/* plain_cancel ends a running request without calling done. */
void plain_cancel(struct http_call *request);

/* plain_idle_count is the number of idle connections. */
size_t plain_idle_count(const struct plain_engine *engine);
