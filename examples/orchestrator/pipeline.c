#include "pipeline.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "svc_util.h"

/* A ring of prompts; all fields but the constants: lock: queue.lock. */
struct queue {
    struct prompt **slots;
    size_t max;
    size_t head;
    size_t count;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    pthread_cond_t drained;
};

struct worker {
    struct pipeline *pipeline;
    enum stage stage;
    pthread_t thread;
};

struct pipeline {
    struct pipeline_options options;
    struct queue queues[STAGE_COUNT];
    struct worker workers[STAGE_COUNT * PIPELINE_WORKERS_MAX];
    size_t worker_count;
    _Atomic bool refusing;
    _Atomic bool stopping;
    atomic_size_t inside;
};

static int queue_init(struct queue *queue, size_t max)
{
    pthread_condattr_t clock;

    queue->max = max;
    queue->slots = calloc(max, sizeof(struct prompt *));
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&queue->filled, &clock);
    (void)pthread_cond_init(&queue->drained, &clock);
    (void)pthread_condattr_destroy(&clock);
    (void)pthread_mutex_init(&queue->lock, NULL);
    return queue->slots == NULL ? -ENOMEM : 0;
}

static void queue_done(struct queue *queue)
{
    free(queue->slots);
    (void)pthread_cond_destroy(&queue->filled);
    (void)pthread_cond_destroy(&queue->drained);
    (void)pthread_mutex_destroy(&queue->lock);
}

static struct timespec time_after(double seconds)
{
    int64_t ns = svc_mono_ns() + (int64_t)(seconds * 1e9);

    return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

static void depth_tell(struct pipeline *pipeline, enum stage stage, size_t depth)
{
    pipeline->options.events.depth(pipeline->options.context, stage, depth);
}

/* Puts a prompt into a stage's queue; waits for room at most that long. False when there is none.
 */
static bool queue_push(struct pipeline *pipeline, enum stage stage, struct prompt *prompt,
                       double wait_s)
{
    struct queue *queue = &pipeline->queues[stage];
    struct timespec end = time_after(wait_s);
    int waited = wait_s > 0 ? 0 : ETIMEDOUT;
    bool fits;

    (void)pthread_mutex_lock(&queue->lock);
    while (queue->count == queue->max && waited != ETIMEDOUT && !pipeline->stopping) {
        waited = pthread_cond_timedwait(&queue->drained, &queue->lock, &end);
    }
    fits = queue->count < queue->max;
    if (fits) {
        queue->slots[(queue->head + queue->count++) % queue->max] = prompt;
        depth_tell(pipeline, stage,
                   queue->count); /* under the lock, so that the last word is the last depth */
        (void)pthread_cond_signal(&queue->filled);
    }
    (void)pthread_mutex_unlock(&queue->lock);
    return fits;
}

/* Takes the oldest prompt; waits for one. NULL when the pipeline stops. */
static struct prompt *queue_pop(struct pipeline *pipeline, enum stage stage)
{
    struct queue *queue = &pipeline->queues[stage];
    struct prompt *prompt = NULL;

    (void)pthread_mutex_lock(&queue->lock);
    while (queue->count == 0 && !pipeline->stopping) {
        (void)pthread_cond_wait(&queue->filled, &queue->lock);
    }
    if (queue->count > 0) {
        prompt = queue->slots[queue->head];
        queue->head = (queue->head + 1) % queue->max;
        queue->count--;
        depth_tell(pipeline, stage, queue->count);
        (void)pthread_cond_signal(&queue->drained);
    }
    (void)pthread_mutex_unlock(&queue->lock);
    return prompt;
}

/* The prompt leaves the pipeline, which lets go of it. */
static void prompt_leave(struct pipeline *pipeline, struct prompt *prompt, enum prompt_state state,
                         enum stage stage, const char *error)
{
    const struct pipeline_events *events = &pipeline->options.events;

    if (state == PROMPT_FAILED) {
        events->failed(pipeline->options.context, stage, error);
    } else if (state == PROMPT_SHED) {
        events->shed(pipeline->options.context, stage);
    }
    prompt_end(prompt, state, stage, error);
    events->ended(pipeline->options.context, prompt);
    (void)prompt_unref(prompt);
    atomic_fetch_sub(&pipeline->inside, 1);
}

static void prompt_advance(struct pipeline *pipeline, struct prompt *prompt, enum stage stage)
{
    if (stage + 1 == STAGE_COUNT) {
        prompt_leave(pipeline, prompt, PROMPT_DONE, stage, "");
    } else if (!queue_push(pipeline, stage + 1, prompt, pipeline->options.push_wait_s)) {
        prompt_leave(pipeline, prompt, PROMPT_SHED, stage + 1, "shed");
    }
}

static void prompt_process(struct pipeline *pipeline, struct prompt *prompt, enum stage stage)
{
    int64_t begin = svc_mono_ns();
    const char *error = "timeout"; /* of a prompt that waited too long in the queue */
    int r = -1;

    if (pipeline->stopping) {
        error = "shutdown";
    } else if (begin < prompt->deadline_ns) {
        r = pipeline->options.work(pipeline->options.context, stage, prompt, &pipeline->stopping,
                                   &error);
        prompt->seconds[stage] = svc_since_s(begin);
        pipeline->options.events.stage_done(pipeline->options.context, stage,
                                            prompt->seconds[stage]);
        if (r == 0 && svc_mono_ns() >= prompt->deadline_ns && stage != STAGE_STREAM) {
            error = "timeout";
            r = -1;
        }
    }
    if (r < 0) {
        prompt_leave(pipeline, prompt, PROMPT_FAILED, stage, error);
    } else {
        prompt_advance(pipeline, prompt, stage);
    }
}

static void *worker_run(void *argument)
{
    struct worker *worker = argument;
    struct prompt *prompt;

    /* Ends when the pipeline stops and this stage's queue is empty. */
    while ((prompt = queue_pop(worker->pipeline, worker->stage)) != NULL) {
        prompt_process(worker->pipeline, prompt, worker->stage);
    }
    return NULL;
}

static int worker_start(struct pipeline *pipeline, enum stage stage)
{
    struct worker *worker = &pipeline->workers[pipeline->worker_count];
    char name[16];

    *worker = (struct worker){.pipeline = pipeline, .stage = stage};
    if (pthread_create(&worker->thread, NULL, worker_run, worker) != 0) {
        return -EAGAIN;
    }
    (void)snprintf(name, sizeof(name), "%s", stage_name(stage));
    (void)pthread_setname_np(worker->thread, name);
    pipeline->worker_count++;
    return 0;
}

struct pipeline *pipeline_new(const struct pipeline_options *options)
{
    struct pipeline *pipeline = calloc(1, sizeof(*pipeline));
    int r = 0;

    if (pipeline == NULL) {
        return NULL;
    }
    pipeline->options = *options;
    for (enum stage stage = STAGE_RAG; stage < STAGE_COUNT; stage++) {
        r = queue_init(&pipeline->queues[stage], options->queue_max[stage]) < 0 ? -1 : r;
        depth_tell(pipeline, stage, 0);
    }
    for (enum stage stage = STAGE_RAG; stage < STAGE_COUNT; stage++) {
        for (unsigned i = 0; r == 0 && i < options->workers[stage]; i++) {
            r = worker_start(pipeline, stage);
        }
    }
    return r == 0 ? pipeline : pipeline_free(pipeline);
}

int pipeline_submit(struct pipeline *pipeline, struct prompt *prompt)
{
    if (pipeline->refusing) {
        return -ESHUTDOWN;
    }
    (void)prompt_ref(prompt);
    atomic_fetch_add(&pipeline->inside, 1);
    if (!queue_push(pipeline, STAGE_RAG, prompt, 0)) {
        prompt_leave(pipeline, prompt, PROMPT_SHED, STAGE_RAG, "shed");
        return -EAGAIN;
    }
    return 0;
}

size_t pipeline_depth(struct pipeline *pipeline, enum stage stage)
{
    struct queue *queue = &pipeline->queues[stage];
    size_t count;

    (void)pthread_mutex_lock(&queue->lock);
    count = queue->count;
    (void)pthread_mutex_unlock(&queue->lock);
    return count;
}

size_t pipeline_inside(struct pipeline *pipeline)
{
    return atomic_load(&pipeline->inside);
}

bool pipeline_drain(struct pipeline *pipeline, double seconds)
{
    int64_t begin = svc_mono_ns();

    pipeline->refusing = true;
    while (pipeline_inside(pipeline) > 0 && svc_since_s(begin) < seconds) {
        (void)svc_sleep_s(0.01, NULL);
    }
    return pipeline_inside(pipeline) == 0;
}

static void queues_wake(struct pipeline *pipeline)
{
    for (enum stage stage = STAGE_RAG; stage < STAGE_COUNT; stage++) {
        struct queue *queue = &pipeline->queues[stage];

        (void)pthread_mutex_lock(&queue->lock);
        (void)pthread_cond_broadcast(&queue->filled);
        (void)pthread_cond_broadcast(&queue->drained);
        (void)pthread_mutex_unlock(&queue->lock);
    }
}

void pipeline_stop(struct pipeline *pipeline)
{
    pipeline->refusing = true;
    pipeline->stopping = true;
    queues_wake(pipeline);
    for (size_t i = 0; i < pipeline->worker_count; i++) {
        (void)pthread_join(pipeline->workers[i].thread, NULL);
    }
    pipeline->worker_count = 0;
    /* A worker of a later stage may have ended before an earlier one handed it a last prompt. */
    for (enum stage stage = STAGE_RAG; stage < STAGE_COUNT; stage++) {
        struct prompt *prompt;

        while ((prompt = queue_pop(pipeline, stage)) != NULL) {
            prompt_leave(pipeline, prompt, PROMPT_FAILED, stage, "shutdown");
        }
    }
}

struct pipeline *pipeline_free(struct pipeline *pipeline)
{
    if (pipeline != NULL) {
        pipeline_stop(pipeline);
        for (enum stage stage = STAGE_RAG; stage < STAGE_COUNT; stage++) {
            queue_done(&pipeline->queues[stage]);
        }
        free(pipeline);
    }
    return NULL;
}
