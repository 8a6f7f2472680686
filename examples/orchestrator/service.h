/*
 * service: the orchestrator as a whole: engine, pipeline, sessions, the recent prompts and the
 * flood of the faults, with the HTTP handlers on top. The pipeline works without the HTTP side, too
 * (service_batch).
 */
#pragma once

#include <stdio.h>

#include "svc.h"
#include "engine.h"
#include "pipeline.h"

enum { SERVICE_RECENT_MAX = 1024 };

/* What the command line sets. */
struct service_settings {
    const char *corpus;
    const char *blocked;
    const char *template;
    const char *worker;
    long passages;
    long tokens;
    long queue;
    long workers;
    long session_prompts;
    double push_wait_ms;
    double limit_s;
    double token_delay_ms;
};

struct service;

/* service_new loads and starts everything but the port. */
int service_new(const struct service_settings *settings, const struct svc_faults *faults,
                struct service **ret, struct svc_error *err);

/* service_stop ends the threads; look-ups go on until service_free. */
void service_stop(struct service *service);
struct service *service_free(struct service *service);
struct pipeline *service_pipeline(struct service *service);
struct sessions *service_sessions(struct service *service);
const struct engine *service_engine(const struct service *service);

/* What a client asks for; NULL and 0 stand for the presets. */
struct service_ask {
    const char *text;
    const char *session;
    const char *worker;
    size_t tokens_max;
    uint64_t seed;
};

/* service_ask takes a prompt in: the caller gets a reference in *ret, also of one that was shed
 * (-EAGAIN). Other failures: -EBUSY (session), -ENOSPC (sessions), -ESHUTDOWN, -ENOMEM. */
int service_ask(struct service *service, const struct service_ask *ask, struct prompt **ret);

/* service_recent finds a prompt among the last SERVICE_RECENT_MAX: a reference, or NULL. */
struct prompt *service_recent(struct service *service, const char *id);

/* service_on_piece sets who is told of each piece that is streamed; before the first prompt. */
void service_on_piece(struct service *service,
                      void (*piece)(void *context, const struct prompt *prompt, size_t index),
                      void *context);

/* service_batch answers the prompts of `in`, one a line, to `out`, in order: without HTTP. Returns
 * how many failed, or a negative errno. */
int service_batch(struct service *service, FILE *in, FILE *out);
