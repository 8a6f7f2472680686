/*
 * client_proxy: which proxy a request goes over. It decides as Go's httpproxy does, which
 * Prometheus asks: proxy_url alone is for every request; with no_proxy, or from the environment
 * (HTTP_PROXY, HTTPS_PROXY, NO_PROXY, or the same in lower case), not for localhost, for loopback
 * addresses and for what the list names. A proxy is immutable: any thread may ask it.
 */
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/error.h"

struct prom_http;
struct client_proxy;

/* client_proxy_new reads the environment now, where the settings want it. Nothing of the settings
 * is kept. */
struct client_proxy *client_proxy_new(const struct prom_http *settings);
struct client_proxy *client_proxy_free(struct client_proxy *proxy);
DEFINE_CLEANUP(client_proxy_free, struct client_proxy)

/* client_proxy_check fails with BARO_EINVALID when a header for the proxy would be more than one
 * line. */
int client_proxy_check(const struct prom_http *settings, struct baro_error *err);

/* The way to a server; texts live as long as the proxy. */
struct client_way {
    const char *proxy; /* its URL; NULL = directly */
    int port;          /* of the proxy where its URL has none */
    bool is_tunnel;    /* it is asked to CONNECT, and given the headers for that */
};

/* client_proxy_pick finds the way to a URL; a URL that cannot be read goes directly. */
struct client_way client_proxy_pick(const struct client_proxy *proxy, const char *url);

/* client_proxy_headers hands each header line for CONNECT to `add`, in libcurl's form: one without
 * a value ends with a semicolon. */
void client_proxy_headers(const struct prom_http *settings,
                          void (*add)(const char *line, void *context), void *context);
