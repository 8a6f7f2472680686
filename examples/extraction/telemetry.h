/* telemetry: what happens in the extraction service, told to the functions generated from
 * packs/pybase/catalog.yaml. */
#pragma once

#include <stdbool.h>

#include "doc.h"
#include "store.h"

/* telemetry_start registers all metrics in this process. 0, or -EINVAL. */
int telemetry_start(struct svc_error *err);

/* telemetry_show_... make series visible at 0 before the first event: those of the API, or of a
 * worker. */
void telemetry_show_api(long pool_max);
void telemetry_show_worker(const char *worker);

void telemetry_request(const char *method, const char *endpoint, int status, double seconds);
void telemetry_cache(const char *operation,
                     int found); /* "get", "set", "delete"; found < 0 = the cache failed: a miss */
void telemetry_websocket(int by);
void telemetry_pool(size_t in_use);
void telemetry_queue(const char *queue, long depth);
void telemetry_retry(enum doc_type type);
/* `aged_s`: it counts as begun so much earlier. */
void telemetry_task_start(enum doc_type type, const char *worker, double aged_s);
void telemetry_task_end(enum doc_type type, const char *worker, bool good, double seconds);

/* telemetry_query is store_options.observed. */
void telemetry_query(void *context, enum store_operation operation, bool good, double seconds);
