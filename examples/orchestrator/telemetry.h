/* telemetry: what the pipeline tells, told to the functions that are generated from
 * packs/orchestrator/catalog.yaml. */
#pragma once

#include <stddef.h>

#include "prompt.h"

/* telemetry_start registers all metrics and makes every stage's series visible at 0. 0, or -1 when
 * that fails. */
int telemetry_start(void);

void telemetry_stage_done(enum stage stage, double seconds);
void telemetry_failed(enum stage stage, const char *error);
void telemetry_shed(enum stage stage);
void telemetry_depth(enum stage stage, size_t depth);
void telemetry_tokens(const char *worker, size_t count);
