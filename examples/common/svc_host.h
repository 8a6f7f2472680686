/*
 * svc_host: a simulated host, as a node exporter would show it, for the alerts about hosts: these
 * can be seen to begin and to end whatever the real machine is doing. Its processors are as busy,
 * and its file system is as full, as the service's faults say; nothing is burnt or filled.
 */
#pragma once

#include "svc.h"

struct svc_host {
    int64_t since_ns; /* its counters begin there */
    double busy;      /* of its processors, 0 to 1 */
    double disk_free; /* of its file system, 0 to 1 */
};

/* What a host is like about which nothing is said. */
#define SVC_HOST_BUSY      0.05
#define SVC_HOST_DISK_FREE 0.6

/* Where a service shows it. */
#define SVC_HOST_PATH "/simulated-host"

/* svc_host_write writes its metrics, as they are so many seconds after its begin. */
void svc_host_write(const struct svc_host *host, double seconds, struct svc_bytes *ret);

/* svc_host_answer answers with its metrics of now. */
void svc_host_answer(struct svc_request *request, const struct svc_host *host);
