#include "job.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct jobs {
    pthread_mutex_t lock; /* of all below, and of the jobs' fields */
    pthread_cond_t changed;
    struct job *items[JOBS_MAX];
    size_t next; /* where to look for room: the slots are used round and round */
};

orfeas_job_type job_type_label(enum job_type type)
{
    switch (type) {
    case JOB_TEXT_TO_IMAGE:
        return ORFEAS_JOB_TYPE_TEXT_TO_IMAGE;
    case JOB_GENERATE_3D:
        return ORFEAS_JOB_TYPE_GENERATE_3D;
    case JOB_UPLOAD:
    case JOB_TYPE_COUNT:
        break;
    }
    return ORFEAS_JOB_TYPE_UPLOAD;
}

const char *job_type_name(enum job_type type)
{
    return orfeas_job_type_text(job_type_label(type));
}

const char *job_state_name(enum job_state state)
{
    static const char *const names[JOB_STATE_COUNT] = {"queued", "running", "done", "failed",
                                                       "canceled"};

    return names[state];
}

const char *quality_name(enum quality quality)
{
    static const char *const names[QUALITY_COUNT] = {"draft", "standard", "high"};

    return names[quality];
}

const char *mesh_format_name(enum mesh_format format)
{
    static const char *const names[MESH_FORMAT_COUNT] = {"glb", "obj", "stl"};

    return names[format];
}

struct jobs *jobs_new(void)
{
    struct jobs *jobs = calloc(1, sizeof(*jobs));
    pthread_condattr_t monotonic;

    if (jobs != NULL) {
        (void)pthread_mutex_init(&jobs->lock, NULL);
        (void)pthread_condattr_init(&monotonic);
        (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&jobs->changed, &monotonic);
        (void)pthread_condattr_destroy(&monotonic);
    }
    return jobs;
}

struct jobs *jobs_free(struct jobs *jobs)
{
    if (jobs != NULL) {
        for (size_t i = 0; i < JOBS_MAX; i++) {
            free(jobs->items[i]);
        }
        (void)pthread_mutex_destroy(&jobs->lock);
        (void)pthread_cond_destroy(&jobs->changed);
        free(jobs);
    }
    return NULL;
}

static bool has_ended(const struct job *job)
{
    return job->state >= JOB_DONE;
}

/* A slot that is free, or whose job ended; the oldest comes first. */
static struct job **find_room_locked(struct jobs *jobs)
{
    for (size_t i = 0; i < JOBS_MAX; i++) {
        struct job **slot = &jobs->items[(jobs->next + i) % JOBS_MAX];

        if (*slot == NULL || has_ended(*slot)) {
            jobs->next = (jobs->next + i + 1) % JOBS_MAX;
            free(*slot);
            *slot = NULL;
            return slot;
        }
    }
    return NULL;
}

struct job *jobs_add(struct jobs *jobs, enum job_type type, const struct job_request *request)
{
    struct job *job = calloc(1, sizeof(*job));
    struct job **slot = NULL;

    if (job == NULL) {
        return NULL;
    }
    svc_random_hex(job->id, sizeof(job->id));
    svc_time_iso(job->created);
    job->type = type;
    job->request = *request;
    jobs_lock(jobs);
    slot = find_room_locked(jobs);
    if (slot != NULL) {
        *slot = job;
    }
    jobs_unlock(jobs);
    if (slot == NULL) {
        free(job);
        return NULL;
    }
    return job;
}

void jobs_lock(struct jobs *jobs)
{
    (void)pthread_mutex_lock(&jobs->lock);
}

void jobs_unlock(struct jobs *jobs)
{
    (void)pthread_cond_broadcast(&jobs->changed);
    (void)pthread_mutex_unlock(&jobs->lock);
}

void jobs_remove(struct jobs *jobs, struct job *job)
{
    jobs_lock(jobs);
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (jobs->items[i] == job) {
            jobs->items[i] = NULL;
        }
    }
    jobs_unlock(jobs);
    free(job);
}

static struct job *find_locked(struct jobs *jobs, const char *id)
{
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (jobs->items[i] != NULL && strcmp(jobs->items[i]->id, id) == 0) {
            return jobs->items[i];
        }
    }
    return NULL;
}

bool jobs_get(struct jobs *jobs, const char *id, struct job *ret)
{
    struct job *job;

    (void)pthread_mutex_lock(&jobs->lock);
    job = find_locked(jobs, id);
    if (job != NULL) {
        *ret = *job;
    }
    (void)pthread_mutex_unlock(&jobs->lock);
    return job != NULL;
}

bool jobs_wait(struct jobs *jobs, const char *id, double seconds, const _Atomic bool *stop,
               struct job *ret)
{
    int64_t start_ns = svc_mono_ns();
    struct timespec until;
    struct job *job;

    (void)pthread_mutex_lock(&jobs->lock);
    while ((job = find_locked(jobs, id)) != NULL && !has_ended(job) &&
           svc_since_s(start_ns) < seconds && (stop == NULL || !*stop)) {
        /* A quarter of a second is how late the caller's end or ours may be seen. */
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += 250000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        (void)pthread_cond_timedwait(&jobs->changed, &jobs->lock, &until);
    }
    if (job != NULL) {
        *ret = *job;
    }
    (void)pthread_mutex_unlock(&jobs->lock);
    return job != NULL;
}

bool jobs_cancel(struct jobs *jobs, const char *id)
{
    struct job *job;
    bool asked = false;

    jobs_lock(jobs);
    job = find_locked(jobs, id);
    if (job != NULL && !has_ended(job)) {
        job->is_cancel_asked = true;
        asked = true;
    }
    jobs_unlock(jobs);
    return asked;
}

void jobs_cancel_all(struct jobs *jobs)
{
    jobs_lock(jobs);
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (jobs->items[i] != NULL && !has_ended(jobs->items[i])) {
            jobs->items[i]->is_cancel_asked = true;
        }
    }
    jobs_unlock(jobs);
}
