/*
 * remote_post: one POST to a remote, and what its answer means: accepted, refused for good, or to
 * be tried again after a while that grows (with jitter), or that the remote names (Retry-After).
 * The owner starts each attempt. Belongs to the thread of the event loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/dur.h"
#include "base/random.h"
#include "conf/prom_config.h"
#include "http/client.h"

struct clock;

/* What all posts of a queue share. */
struct remote_endpoint {
    struct http_client *client;
    struct clock *clock;
    const struct prom_queue *queue;
    char *url;
    char *name;      /* of the queue: label remote_name */
    char *shown_url; /* without its password: label url */
    char **lines;    /* "Name: value" */
    size_t line_count;
    struct http_headers *headers; /* of first attempts */
    dur timeout;
    struct random random;
};

enum remote_outcome {
    REMOTE_ACCEPTED,
    REMOTE_REFUSED, /* trying again would not help */
    REMOTE_RETRY,   /* from retry_at on */
};

/* Zeroed, with `endpoint` and `answered` set. */
struct remote_post {
    struct http_call call;
    struct remote_endpoint *endpoint;
    void (*answered)(struct remote_post *post, enum remote_outcome outcome);
    struct http_headers *headers; /* of the attempt, when it is not the first */
    uint32_t attempt;             /* 0 = the first; set to 0 for a new body */
    dur backoff;
    mono begun;
    mono retry_at; /* 0 = nothing waits */
    struct baro_error err;
};

/* remote_endpoint_open needs an engine; the settings are borrowed. Fails as http_client_new. */
int remote_endpoint_open(struct remote_endpoint *endpoint, struct http_engine *engine,
                         const struct prom_remote_write *settings, struct baro_error *err);
void remote_endpoint_close(struct remote_endpoint *endpoint);

/* remote_post_start begins an attempt; the body is borrowed until it is answered. */
void remote_post_start(struct remote_post *post, str body);

/* remote_post_done gives up an attempt that runs. */
void remote_post_done(struct remote_post *post);

static inline bool remote_post_is_running(const struct remote_post *post)
{
    return http_call_is_running(&post->call);
}

/* remote_retry_after reads the value of a Retry-After header: milliseconds, 0 when it has none or
 * names the past. */
dur remote_retry_after(const char *text, ts now);
