/*
 * svc_pool: a bounded queue of jobs and the threads that do them. A full queue refuses at once
 * (back-pressure is the caller's to tell), and stopping lets queued jobs end within a limit of
 * time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "svc_util.h"

struct svc_pool;

struct svc_pool_options {
    const char *name; /* of the threads, at most 15 characters */
    unsigned thread_count;
    size_t queue_max;                       /* jobs that wait */
    void (*run)(void *context, void *job);  /* owns the job */
    void (*drop)(void *context, void *job); /* owns a job that svc_pool_stop finds in the queue */
    void *context;
};

int svc_pool_new(const struct svc_pool_options *options, struct svc_pool **ret,
                 struct svc_error *err);

/* svc_pool_submit hands a job over: 0, -EAGAIN (the queue is full) or -ESHUTDOWN (it is stopping);
 * on failure the job stays the caller's. */
int svc_pool_submit(struct svc_pool *pool, void *job);

/* How many jobs wait, and how many run, now. */
size_t svc_pool_waiting(struct svc_pool *pool);
size_t svc_pool_running(struct svc_pool *pool);

/* svc_pool_drain refuses new jobs and waits until all are done, at most that long; says if so. */
bool svc_pool_drain(struct svc_pool *pool, double seconds);

/* svc_pool_stopping: a flag that long jobs poll, set by svc_pool_stop. */
const _Atomic bool *svc_pool_stopping(const struct svc_pool *pool);

/* svc_pool_stop sets the flag, drops what waits, waits for what runs; jobs are refused from then
 * on. Takes NULL. svc_pool_free stops, if that has not been done, and releases: when nobody can
 * submit any more. Takes NULL; returns NULL. */
void svc_pool_stop(struct svc_pool *pool);
struct svc_pool *svc_pool_free(struct svc_pool *pool);
