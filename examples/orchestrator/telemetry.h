/* telemetry: what the pipeline tells, told to the functions that are generated from
 * packs/orchestrator/catalog.yaml. */
#pragma once

#include <stddef.h>

#include "prompt.h"
#include "svc_util.h"

/* telemetry_start registers all metrics, and shows every stage from the start. 0, or -EINVAL. */
int telemetry_start(struct svc_error *err);

void telemetry_stage_done(enum stage stage, double seconds);
void telemetry_failed(enum stage stage, const char *error);
void telemetry_shed(enum stage stage);
void telemetry_depth(enum stage stage, size_t depth);
void telemetry_tokens(const char *worker, size_t count);

/* telemetry_log writes one line a stage: how the metrics are seen where there is no HTTP server. */
void telemetry_log(void);

/* telemetry_write replaces a file by the exposition, as node_exporter's textfile collector reads
 * it. */
int telemetry_write(const char *path, struct svc_error *err);
