/* api: the HTTP side of the extraction service: files in, what was found in them out, and progress
 * by WebSocket. */
#pragma once

#include "cache.h"
#include "documents.h"
#include "queue.h"
#include "svc.h"

struct api_options {
    const char *database;
    long pool;
    const char *files;
    const char *redis;  /* NULL = embedded */
    const char *prefix; /* of keys in Redis */
    const struct queue_place *tasks;
    const struct queue_place *search;
    const struct queue_place *events;
};

struct api;

extern const struct svc_route api_routes[];
extern const size_t api_route_count;

/* api_new opens database, cache and queues, and starts the thread that hears of progress. */
int api_new(const struct api_options *options, struct svc *svc, struct api **ret,
            struct svc_error *err);

/* api_stop ends the threads; handlers may still run until api_free. */
void api_stop(struct api *api);
struct api *api_free(struct api *api);

/* api_faults begins those of the faults that need the port to be open. */
void api_faults(struct api *api, struct svc *svc);

/* api_health says whether database and queue answer. */
bool api_health(struct api *api, json_t *components);

/* The handlers' context is the struct api * that this points to: it is made after the routes are
 * known. */
struct api_context {
    struct api *api;
};
