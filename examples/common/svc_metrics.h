/* svc_metrics: the metrics path of a service whose telemetry is libbaro's: svc_service.metrics. */
#pragma once

#include "svc.h"

/* svc_metrics_handle answers with all metrics of the global registry, in the format and coding that
 * the client asks for. */
void svc_metrics_handle(struct svc_request *request);

/* svc_metrics_answer does the same for a registry, NULL = the global one. */
struct baro_registry;
void svc_metrics_answer(struct svc_request *request, struct baro_registry *registry);

/* svc_metrics_path is METRICS_ENDPOINT of the environment when it is a path, or the preset. */
const char *svc_metrics_path(const char *preset);
