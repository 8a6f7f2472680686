/*
 * am_api: Alertmanager's API v2 (openapi of 0.34) over an am, and what else of alerting is served
 * as JSON: v1's way to post alerts, the history of notifications. Handlers block on the disk: they
 * belong on the query pool. Any thread.
 */
#pragma once

#include "alerting/am.h"

struct http_request;
struct http_response;

struct am_api_info {
    const char *version; /* of this program */
    const char *compiler;
};

/* am_api_serve answers a request for a path that ends in /api/v2/...; everything else is 404. am
 * NULL: 503, it has not started yet. */
void am_api_serve(struct am *am, const struct am_api_info *info, struct http_request *request,
                  struct http_response *response);

/* am_api_post_v1 is POST /api/v1/alerts: Alertmanager's first API, which ended with 0.27. */
void am_api_post_v1(struct am *am, struct http_request *request, struct http_response *response);

/* am_api_history is GET /api/v1/notifications/history?receiver=&group=&start=&end=&limit=. */
void am_api_history(struct am *am, struct http_request *request, struct http_response *response);

/* am_api_alerts_parse reads a body of POST /alerts into the arena; for tests and fuzzing too. On
 * failure *ret_status is 400 or 422 and *ret_code what go-openapi calls the fault. */
int am_api_alerts_parse(struct arena *arena, str body, struct am_alert **ret, size_t *ret_count,
                        int *ret_status, int *ret_code, struct baro_error *err);

/* am_api_silence_parse reads a body of POST /silences likewise. */
int am_api_silence_parse(struct arena *arena, str body, struct am_silence_spec *ret,
                         int *ret_status, int *ret_code, struct baro_error *err);
