/*
 * worker: the processes behind the API. A master forks workers that take tasks from a queue, and
 * one more process that serves the metrics of all of them; it replaces those that die, and gives
 * their task back to the queue. Masters have one thread each, so that forking is safe at any time.
 */
#pragma once

#include "queue.h"
#include "svc_fault.h"
#include "svc_util.h"

enum { WORKER_COUNT_MAX = 64, WORKER_ATTEMPTS_MAX = 3, WORKER_MEMORY_MIB = 2048 };

enum worker_role { WORKER_EXTRACTION, WORKER_SEARCH };

/* What all processes of a run know; made before the first fork, constant afterwards. */
struct worker_config {
    enum worker_role role;
    const char *listen; /* of the metrics: HOST:PORT */
    long count;
    const char *database;
    const char *files;          /* the directory of uploaded bytes, by digest */
    const char *multiprocess;   /* PROMETHEUS_MULTIPROC_DIR of this role */
    struct queue_place *tasks;  /* what it takes from */
    struct queue_place *next;   /* extraction: where indexing is asked for */
    struct queue_place *events; /* "ID STATE PERCENT" for the API */
    const struct svc_faults *faults;
};

/* worker_master_start forks the master; its process id, or a negative errno. Before the caller has
 * threads. */
int worker_master_start(const struct worker_config *config, struct svc_error *err);

/* worker_role_name is "extraction" or "search", the name of its queue, too. */
const char *worker_role_name(enum worker_role role);
