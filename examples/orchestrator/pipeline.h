/*
 * pipeline: five stages in a row, each a bounded queue and the threads that serve it.
 * A full queue presses back: who hands a prompt on waits for room, at most push_wait_s, and
 * meanwhile takes nothing from the queue before it. Then the prompt is shed, which its reader and
 * the counters see. Nobody waits at the entrance. What a stage does is the caller's; what happens
 * is told to the caller's events, on the threads where it happens.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "prompt.h"

enum { PIPELINE_WORKERS_MAX = 64, PIPELINE_QUEUE_MAX = 100000 };

struct pipeline;

struct pipeline_events {
    void (*stage_done)(void *context, enum stage stage, double seconds);
    void (*failed)(void *context, enum stage stage, const char *error);
    void (*shed)(void *context, enum stage stage);
    void (*depth)(void *context, enum stage stage, size_t depth);
    /* ended is told once for each prompt that entered, after its reader was. */
    void (*ended)(void *context, struct prompt *prompt);
};

struct pipeline_options {
    size_t queue_max[STAGE_COUNT];
    unsigned workers[STAGE_COUNT];
    double push_wait_s;
    /* work does the stage's part: 0, or -1 with the kind of error, a constant of few values. It
     * looks at *stop. */
    int (*work)(void *context, enum stage stage, struct prompt *prompt, const _Atomic bool *stop,
                const char **ret_error);
    struct pipeline_events events;
    void *context;
};

/* pipeline_new starts the threads; NULL when that fails. */
struct pipeline *pipeline_new(const struct pipeline_options *options);

/* pipeline_submit takes a prompt in (the pipeline refs it): 0, or -EAGAIN when the first queue is
 * full (it is shed, and has ended) or -ESHUTDOWN. */
int pipeline_submit(struct pipeline *pipeline, struct prompt *prompt);

size_t pipeline_depth(struct pipeline *pipeline, enum stage stage);

/* pipeline_inside returns how many prompts are anywhere in the pipeline. */
size_t pipeline_inside(struct pipeline *pipeline);

/* pipeline_drain refuses new prompts and waits for those inside; true when all have ended in time.
 */
bool pipeline_drain(struct pipeline *pipeline, double seconds);

/* pipeline_stop ends what still runs or waits (as failed, "shutdown") and joins the threads; the
 * other functions but submit may still be called. */
void pipeline_stop(struct pipeline *pipeline);

/* pipeline_free stops it when need be. Takes NULL; returns NULL. */
struct pipeline *pipeline_free(struct pipeline *pipeline);
