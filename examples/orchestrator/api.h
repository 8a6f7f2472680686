/* api: the HTTP side of the orchestrator: prompts in, answers out as JSON, server-sent events or
 * WebSocket messages. */
#pragma once

#include "svc.h"
#include "service.h"

extern const struct svc_route api_routes[];
extern const size_t api_route_count;

/* What the handlers are given as their context. */
struct api {
    struct service *service;
    struct svc_ws *ws;
    double limit_s; /* a prompt's */
};

/* api_start opens the WebSocket side and lets it hear of each piece; api_stop closes it. */
int api_start(struct api *api, struct service *service, double limit_s, struct svc_error *err);
void api_stop(struct api *api);

/* api_done releases what requests use, when none is under way any more. */
void api_done(struct api *api);

/* api_health adds the stages to the health report: "healthy", or "full" while a queue is full. */
bool api_health(struct api *api, long queue_max, json_t *components);
