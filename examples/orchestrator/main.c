/*
 * orchestrator: prompts go through five stages (rag, assemble, inference, post, stream) and come
 * back as answers drawn from a corpus of text. See README.md.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "api.h"
#include "svc_metrics.h"
#include "telemetry.h"

static struct service_settings settings = {
    .worker = "ngram",
    .passages = ENGINE_PASSAGES_DEFAULT,
    .tokens = 64,
    .queue = 1000,
    .workers = 2,
    .session_prompts = 8,
    .push_wait_ms = 50,
    .limit_s = 120,
};
static const char *batch;
static const char *metrics_file;

static const struct svc_option options[] = {
    {"corpus", "FILE", SVC_OPTION_TEXT, &settings.corpus, 0, 0,
     "a text to answer from; default: one that is built in"},
    {"blocked-words", "FILE", SVC_OPTION_TEXT, &settings.blocked, 0, 0,
     "words that answers show as stars, one a line"},
    {"template", "FILE", SVC_OPTION_TEXT, &settings.template, 0, 0,
     "the prompt, with {context}, {history} and {question}"},
    {"worker", "NAME", SVC_OPTION_TEXT, &settings.worker, 0, 0,
     "who answers when a prompt does not say: ngram, echo"},
    {"passages", "N", SVC_OPTION_INT, &settings.passages, 0, RETRIEVE_HITS_MAX,
     "passages put into a prompt"},
    {"tokens", "N", SVC_OPTION_INT, &settings.tokens, 1, PROMPT_TOKENS_MAX,
     "length of an answer when a prompt does not say"},
    {"queue", "N", SVC_OPTION_INT, &settings.queue, 1, PIPELINE_QUEUE_MAX,
     "prompts that wait for each stage at most"},
    {"workers", "N", SVC_OPTION_INT, &settings.workers, 1, PIPELINE_WORKERS_MAX,
     "threads of each stage"},
    {"session-prompts", "N", SVC_OPTION_INT, &settings.session_prompts, 1, 1000,
     "prompts of one session that may be under way"},
    {"push-wait-ms", "N", SVC_OPTION_NUMBER, &settings.push_wait_ms, 0, 60000,
     "how long a stage waits for room in the next queue before it sheds"},
    {"limit", "SECONDS", SVC_OPTION_NUMBER, &settings.limit_s, 0.01, 3600, "time for an answer"},
    {"token-delay-ms", "N", SVC_OPTION_NUMBER, &settings.token_delay_ms, 0, 1000,
     "pause before each token of a stream"},
    {"batch", "FILE", SVC_OPTION_TEXT, &batch, 0, 0,
     "answer the prompts of a file, one a line (- = standard input), without HTTP"},
    {"metrics-file", "FILE", SVC_OPTION_TEXT, &metrics_file, 0, 0,
     "where --batch writes the metrics at its end"},
};

static struct service *service;
static struct api api;

static int start(void *context, struct svc *svc, struct svc_error *err)
{
    int r = service_new(&settings, svc_faults(svc), &service, err);

    (void)context;
    r = r < 0 ? r : api_start(&api, service, settings.limit_s, err);
    if (r < 0) {
        service = service_free(service);
    }
    return r;
}

static bool drain(void *context, double seconds)
{
    (void)context;
    return pipeline_drain(service_pipeline(service), seconds);
}

static void stop(void *context)
{
    (void)context;
    service_stop(service);
    api_stop(&api);
}

static void done(void *context)
{
    (void)context;
    api_done(&api);
    service = service_free(service);
}

static bool health(void *context, json_t *components)
{
    (void)context;
    return api_health(&api, settings.queue, components);
}

/* Answers the lines of a file, and leaves the metrics in another. */
static int run_batch(const struct svc_faults *faults)
{
    FILE *in = batch[0] == '-' && batch[1] == '\0' ? stdin : fopen(batch, "r");
    struct svc_error err = {0};
    int failed;

    if (in == NULL || service_new(&settings, faults, &service, &err) < 0) {
        (void)fprintf(stderr, "orchestrator: %s\n",
                      in == NULL ? "--batch: the file cannot be read" : err.text);
        return 1;
    }
    failed = service_batch(service, in, stdout);
    telemetry_log();
    if (metrics_file != NULL && telemetry_write(metrics_file, &err) < 0) {
        (void)fprintf(stderr, "orchestrator: %s\n", err.text);
        failed = failed == 0 ? 1 : failed;
    }
    service = service_free(service);
    if (in != stdin) {
        (void)fclose(in);
    }
    return failed == 0 ? 0 : 1;
}

/* The fault "down": all works, but nobody can reach it. */
static int run_closed(const struct svc_faults *faults)
{
    struct svc_error err = {0};
    sigset_t set;
    int got = 0;

    if (service_new(&settings, faults, &service, &err) < 0) {
        (void)fprintf(stderr, "orchestrator: %s\n", err.text);
        return 1;
    }
    (void)printf("orchestrator: the port stays closed (fault down)\n");
    (void)fflush(stdout);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigwait(&set, &got);
    service = service_free(service);
    return 0;
}

int main(int argc, char **argv)
{
    static struct svc_settings run; /* outlives every thread */
    struct svc_error err = {0};
    const struct svc_service frame = {
        .name = "orchestrator",
        .summary = "answers prompts in five bounded stages, from a corpus of text",
        .examples =
            "  orchestrator --listen=127.0.0.1:9090\n"
            "  curl -d '{\"prompt\": \"what does a queue do?\"}' http://127.0.0.1:9090/v1/prompt\n"
            "  echo 'what is shed?' | orchestrator --batch=-\n",
        .listen = "127.0.0.1:9090",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .faults = engine_faults,
        .fault_count = ENGINE_FAULT_COUNT,
        .routes = api_routes,
        .route_count = api_route_count,
        .context = &api,
        .start = start,
        .drain = drain,
        .stop = stop,
        .done = done,
        .health = health,
        .metrics = svc_metrics_handle,
        .metrics_path = "/metrics",
    };
    int r;

    svc_signals_block();
    r = svc_args(&frame, argc, argv, &run, &err);
    if (r > 0) {
        return 0;
    }
    if (r == 0 && !engine_is_worker(settings.worker)) {
        r = svc_fail(&err, -EINVAL, "--worker=%.40s: there are ngram and echo", settings.worker);
    }
    if (r < 0 || telemetry_start(&err) < 0) {
        (void)fprintf(stderr, "orchestrator: %s\n", err.text);
        return 2;
    }
    if (batch != NULL) {
        return run_batch(&run.faults);
    }
    if (svc_fault_on(&run.faults, ENGINE_FAULT_DOWN, NULL, NULL)) {
        return run_closed(&run.faults);
    }
    return svc_run(&frame, argc, argv);
}
