#include "service.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "telemetry.h"

enum { BATCH_LINE_MAX = PROMPT_TEXT_BYTES_MAX, SHEDDING_QUEUE = 4, FLOOD_SESSION_TOKENS = 16 };

struct service {
    struct service_settings settings;
    const struct svc_faults *faults;
    struct engine *engine;
    struct pipeline *pipeline;
    struct sessions *sessions;

    pthread_mutex_t lock;
    struct prompt *recent[SERVICE_RECENT_MAX]; /* lock: service.lock; a ring */
    size_t recent_at;

    void (*piece)(void *context, const struct prompt *prompt, size_t index);
    void *piece_context;

    pthread_t flood;
    bool is_flooding;
    _Atomic bool stopping;
};

static void on_stage_done(void *context, enum stage stage, double seconds)
{
    (void)context;
    telemetry_stage_done(stage, seconds);
}

static void on_failed(void *context, enum stage stage, const char *error)
{
    (void)context;
    telemetry_failed(stage, error);
}

static void on_shed(void *context, enum stage stage)
{
    (void)context;
    telemetry_shed(stage);
}

static void on_depth(void *context, enum stage stage, size_t depth)
{
    (void)context;
    telemetry_depth(stage, depth);
}

static void on_ended(void *context, struct prompt *prompt)
{
    struct service *service = context;
    char *answer = prompt->state == PROMPT_DONE ? prompt_text(prompt) : NULL;

    sessions_end(service->sessions, prompt->session, prompt->text, answer);
    free(answer);
}

static void on_tokens(void *context, const char *worker, size_t count)
{
    (void)context;
    telemetry_tokens(worker, count);
}

static void on_piece(void *context, const struct prompt *prompt, size_t index)
{
    struct service *service = context;

    if (service->piece != NULL) {
        service->piece(service->piece_context, prompt, index);
    }
}

static int pipeline_work(void *context, enum stage stage, struct prompt *prompt,
                         const _Atomic bool *stop, const char **ret_error)
{
    struct service *service = context;

    return engine_work(service->engine, stage, prompt, stop, ret_error);
}

static int engine_start(struct service *service, struct svc_error *err)
{
    const struct service_settings *settings = &service->settings;
    struct engine_options options = {
        .corpus = settings->corpus,
        .blocked = settings->blocked,
        .template = settings->template,
        .passages = (int)settings->passages,
        .token_delay_s = settings->token_delay_ms / 1e3,
        .faults = service->faults,
        .sessions = service->sessions,
        .tokens = on_tokens,
        .piece = on_piece,
        .context = service,
    };

    return engine_new(&options, &service->engine, err);
}

static int pipeline_start(struct service *service, struct svc_error *err)
{
    const struct service_settings *settings = &service->settings;
    struct pipeline_options options = {
        .push_wait_s = settings->push_wait_ms / 1e3,
        .work = pipeline_work,
        .events = {on_stage_done, on_failed, on_shed, on_depth, on_ended},
        .context = service,
    };

    for (enum stage stage = STAGE_RAG; stage < STAGE_COUNT; stage++) {
        options.queue_max[stage] = (size_t)settings->queue;
        options.workers[stage] = (unsigned)settings->workers;
    }
    if (svc_fault_on(service->faults, ENGINE_FAULT_SHEDDING, NULL, NULL)) {
        options.queue_max[STAGE_INFERENCE] = SHEDDING_QUEUE;
    }
    service->pipeline = pipeline_new(&options);
    return service->pipeline != NULL
               ? 0
               : svc_fail(err, -ENOMEM, "pipeline: no threads or memory: lower --workers");
}

static void flood_one(struct service *service, uint64_t number)
{
    struct prompt *prompt = NULL;
    struct service_ask ask = {
        .text = "what does a bounded queue keep when the load rises?",
        .tokens_max = FLOOD_SESSION_TOKENS,
        .seed = number,
    };

    (void)service_ask(service, &ask, &prompt);
    (void)prompt_unref(prompt);
}

/* Prompts of our own: to keep the inference queue at a depth, or to arrive at a rate. */
static void *flood_run(void *context)
{
    struct service *service = context;
    double depth = 0;
    double rate = 0;
    bool keeps_depth = svc_fault_on(service->faults, ENGINE_FAULT_FLOODED_QUEUE, NULL, &depth);
    bool keeps_rate = svc_fault_on(service->faults, ENGINE_FAULT_SHEDDING, NULL, &rate);

    for (uint64_t i = 0; !service->stopping; i++) {
        if (keeps_depth && (double)pipeline_inside(service->pipeline) < depth + 20) {
            flood_one(service, i);
        } else if (keeps_rate) {
            flood_one(service, i);
            (void)svc_sleep_s(1 / rate, &service->stopping);
        } else {
            (void)svc_sleep_s(0.02, &service->stopping);
        }
    }
    return NULL;
}

static int flood_start(struct service *service, struct svc_error *err)
{
    if (!svc_fault_on(service->faults, ENGINE_FAULT_FLOODED_QUEUE, NULL, NULL) &&
        !svc_fault_on(service->faults, ENGINE_FAULT_SHEDDING, NULL, NULL)) {
        return 0;
    }
    if (pthread_create(&service->flood, NULL, flood_run, service) != 0) {
        return svc_fail(err, -EAGAIN, "fault: no thread for the flood");
    }
    service->is_flooding = true;
    return 0;
}

int service_new(const struct service_settings *settings, const struct svc_faults *faults,
                struct service **ret, struct svc_error *err)
{
    struct service *service = calloc(1, sizeof(*service));
    int r;

    if (service == NULL) {
        return svc_fail(err, -ENOMEM, "out of memory");
    }
    service->settings = *settings;
    service->faults = faults;
    (void)pthread_mutex_init(&service->lock, NULL);
    service->sessions = sessions_new((unsigned)settings->session_prompts);
    r = service->sessions != NULL ? engine_start(service, err)
                                  : svc_fail(err, -ENOMEM, "out of memory");
    r = r < 0 ? r : pipeline_start(service, err);
    r = r < 0 ? r : flood_start(service, err);
    if (r < 0) {
        service_free(service);
        return r;
    }
    *ret = service;
    return 0;
}

void service_stop(struct service *service)
{
    service->stopping = true;
    if (service->is_flooding) {
        (void)pthread_join(service->flood, NULL);
        service->is_flooding = false;
    }
    if (service->pipeline != NULL) {
        pipeline_stop(service->pipeline);
    }
}

struct service *service_free(struct service *service)
{
    if (service == NULL) {
        return NULL;
    }
    service_stop(service);
    service->pipeline = pipeline_free(service->pipeline);
    for (size_t i = 0; i < SERVICE_RECENT_MAX; i++) {
        (void)prompt_unref(service->recent[i]);
    }
    service->engine = engine_free(service->engine);
    service->sessions = sessions_free(service->sessions);
    (void)pthread_mutex_destroy(&service->lock);
    free(service);
    return NULL;
}

struct pipeline *service_pipeline(struct service *service)
{
    return service->pipeline;
}

struct sessions *service_sessions(struct service *service)
{
    return service->sessions;
}

const struct engine *service_engine(const struct service *service)
{
    return service->engine;
}

void service_on_piece(struct service *service,
                      void (*piece)(void *context, const struct prompt *prompt, size_t index),
                      void *context)
{
    service->piece_context = context;
    service->piece = piece;
}

static void recent_keep(struct service *service, struct prompt *prompt)
{
    struct prompt *old;

    (void)pthread_mutex_lock(&service->lock);
    old = service->recent[service->recent_at];
    service->recent[service->recent_at] = prompt_ref(prompt);
    service->recent_at = (service->recent_at + 1) % SERVICE_RECENT_MAX;
    (void)pthread_mutex_unlock(&service->lock);
    (void)prompt_unref(old);
}

struct prompt *service_recent(struct service *service, const char *id)
{
    struct prompt *found = NULL;

    (void)pthread_mutex_lock(&service->lock);
    for (size_t i = 0; found == NULL && i < SERVICE_RECENT_MAX; i++) {
        struct prompt *prompt = service->recent[i];

        found = prompt != NULL && strcmp(prompt->id, id) == 0 ? prompt_ref(prompt) : NULL;
    }
    (void)pthread_mutex_unlock(&service->lock);
    return found;
}

int service_ask(struct service *service, const struct service_ask *ask, struct prompt **ret)
{
    struct prompt *prompt = prompt_new(ask->text, strlen(ask->text), service->settings.limit_s);
    int r;

    if (prompt == NULL) {
        return -ENOMEM;
    }
    (void)snprintf(prompt->session, sizeof(prompt->session), "%s",
                   ask->session != NULL ? ask->session : "");
    (void)snprintf(prompt->worker, sizeof(prompt->worker), "%s",
                   ask->worker != NULL ? ask->worker : service->settings.worker);
    prompt->tokens_max = ask->tokens_max != 0 ? ask->tokens_max : (size_t)service->settings.tokens;
    prompt->seed = ask->seed;
    r = sessions_begin(service->sessions, prompt->session);
    if (r < 0) {
        (void)prompt_unref(prompt);
        return r;
    }
    r = pipeline_submit(service->pipeline, prompt);
    if (r == -ESHUTDOWN) {
        sessions_end(service->sessions, prompt->session, "", NULL);
        (void)prompt_unref(prompt);
        return r;
    }
    recent_keep(service, prompt);
    *ret = prompt;
    return r;
}

static int batch_line(struct service *service, const char *line, FILE *out)
{
    struct prompt *prompt = NULL;
    struct service_ask ask = {.text = line, .session = "batch"};
    int r = service_ask(service, &ask, &prompt);
    enum prompt_state state =
        prompt != NULL ? prompt_wait(prompt, service->settings.limit_s + 1) : PROMPT_FAILED;
    char *text = state == PROMPT_DONE ? prompt_text(prompt) : NULL;

    if (text != NULL) {
        (void)fprintf(out, "%s\n", text);
    } else if (prompt != NULL) {
        (void)fprintf(out, "(%s in stage %s: %s)\n", state == PROMPT_SHED ? "shed" : "failed",
                      stage_name(prompt->stage), prompt->error);
    } else {
        (void)fprintf(out, "(not taken: %s)\n", strerrordesc_np(-r));
    }
    (void)fflush(out);
    r = text != NULL ? 0 : 1;
    free(text);
    (void)prompt_unref(prompt);
    return r;
}

int service_batch(struct service *service, FILE *in, FILE *out)
{
    char *line = malloc(BATCH_LINE_MAX);
    int failed = 0;

    if (line == NULL) {
        return -ENOMEM;
    }
    while (fgets(line, BATCH_LINE_MAX, in) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[strspn(line, " \t\r")] != '\0') {
            failed += batch_line(service, line, out);
        }
    }
    free(line);
    return failed;
}
