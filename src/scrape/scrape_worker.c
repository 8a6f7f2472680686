#include "scrape/scrape_worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/vec.h"
#include "client/self.h"
#include "client/self_recent.h"
#include "conf/prom_config.h"
#include "sys/clock.h"

enum { TOLERANCE_DEFAULT_MS = 2 };

enum command_kind { COMMAND_ADD, COMMAND_RELOAD, COMMAND_REMOVE, COMMAND_DROP };

struct command {
    enum command_kind kind;
    struct scrape_target *target; /* referenced */
    struct scrape_job *job;       /* referenced; NULL when it goes */
};

/* The HTTP client of a job in this thread. */
struct job_client {
    struct scrape_job *job; /* referenced */
    struct http_client *client;
    size_t users;
};

struct scrape_worker {
    struct clock *clock;
    struct appendable *appendable;
    struct loop *loop;
    struct http_engine *engine;
    struct scrape_scratch scratch;
    VEC(struct scrape_target *) targets;
    size_t targets_expected; /* targets.count when the commands at hand are done */
    VEC(struct job_client) clients;
    uint64_t seed;
    int64_t tolerance_ns; /* < 0 = no alignment */
    pthread_t thread;
    bool is_running;

    struct lock lock; /* of commands */
    VEC(struct command) commands;
};

/* ---- clients ---- */

static struct http_client *client_take(struct scrape_worker *worker, struct scrape_job *job)
{
    struct http_client *client = NULL;

    for (size_t i = 0; i < worker->clients.count; i++) {
        if (worker->clients.items[i].job == job) {
            worker->clients.items[i].users++;
            return worker->clients.items[i].client;
        }
    }
    /* A file may have vanished since the configuration was checked: such scrapes fail, not we. */
    (void)http_client_new(worker->engine, job->settings->http, &client, NULL);
    vec_push(&worker->clients, ((struct job_client){scrape_job_ref(job), client, 1}));
    return client;
}

static void client_put(struct scrape_worker *worker, const struct scrape_job *job)
{
    for (size_t i = 0; i < worker->clients.count; i++) {
        struct job_client *item = &worker->clients.items[i];

        if (item->job == job && --item->users == 0) {
            (void)http_client_free(item->client);
            (void)scrape_job_unref(item->job);
            *item = *vec_last(&worker->clients);
            worker->clients.count--;
            return;
        }
    }
}

/* ---- a target's settings ---- */

static void target_let_go(struct scrape_target *target)
{
    if (target->job != NULL) {
        client_put(target->worker, target->job);
        target->job = scrape_job_unref(target->job);
    }
    target->headers = http_headers_free(target->headers);
    target->client = NULL;
}

/* "1h0m0s", "1m0s", "15s", "1.5s", "500ms": as Go prints durations, for the label `interval`. */
static void interval_text(dur interval, char ret[INTERVAL_TEXT_BYTES])
{
    dur hours = interval / DUR_HOUR;
    dur minutes = interval / DUR_MINUTE % 60;
    double seconds = (double)(interval % DUR_MINUTE) / DUR_SECOND;

    if (interval < DUR_SECOND) {
        (void)snprintf(ret, INTERVAL_TEXT_BYTES, "%lldms", (long long)interval);
    } else if (hours > 0) {
        (void)snprintf(ret, INTERVAL_TEXT_BYTES, "%lldh%lldm%gs", (long long)hours,
                       (long long)minutes, seconds);
    } else if (minutes > 0) {
        (void)snprintf(ret, INTERVAL_TEXT_BYTES, "%lldm%gs", (long long)minutes, seconds);
    } else {
        (void)snprintf(ret, INTERVAL_TEXT_BYTES, "%gs", seconds);
    }
}

static void target_settle(struct scrape_target *target, struct scrape_job *job)
{
    struct buf timeout = {0};
    const char *lines[3] = {job->accept, NULL, NULL};

    /* The new client is taken first, so that an unchanged job keeps its connections. */
    struct http_client *client = client_take(target->worker, job);

    target_let_go(target);
    target->job = scrape_job_ref(job);
    target->client = client;
    buf_c(&timeout, "X-Prometheus-Scrape-Timeout-Seconds: ");
    buf_double(&timeout, (double)target->plan.timeout / DUR_SECOND, NUM_F);
    buf_char(&timeout, '\0');
    lines[1] = timeout.ptr;
    lines[2] =
        job->settings->enable_compression ? "Accept-Encoding: gzip" : "Accept-Encoding: identity";
    target->headers = http_headers_new(lines, ARRAY_COUNT(lines));
    buf_done(&timeout);
    target->series.labels = target->plan.shown;
    target->series.settings = job->settings;
    target->series.rules = job->metric_rules;
    target->series.extra_metrics = job->extra_metrics;
    target->series.append_metadata = job->append_metadata;
    target->series.type_and_unit_labels = job->type_and_unit_labels;
    target->series.append_exemplars = job->append_exemplars;
    target->series.keep_starts = job->keep_starts;
    target->series.timeout = target->plan.timeout;
    interval_text(target->plan.interval, target->interval_text);
}

static void target_drop(struct scrape_target *target)
{
    struct scrape_worker *worker = target->worker;
    struct scrape_target *last = *vec_last(&worker->targets);

    loop_timer_stop(worker->loop, &target->timer);
    http_call_cancel(&target->request);
    target->next_job = scrape_job_unref(target->next_job);
    target_let_go(target);
    worker->targets.items[target->place] = last;
    last->place = target->place;
    worker->targets.count--;
    (void)scrape_target_unref(target);
}

/* ---- time ---- */

/* The first tick behind `after` in the grid of this target. */
static mono tick_after(const struct scrape_target *target, mono after)
{
    const mono interval = target->plan.interval * MONO_PER_MS;

    return after < target->first_tick
               ? target->first_tick
               : target->first_tick + ((after - target->first_tick) / interval + 1) * interval;
}

/*
 * The timestamp of a scrape that starts now. One that starts within the tolerance after its tick
 * gets the time of the tick: regular timestamps take less room. Source: Prometheus, scrape loop.
 */
static ts scrape_time(struct scrape_target *target)
{
    const struct scrape_worker *worker = target->worker;
    const int64_t interval = target->plan.interval * MONO_PER_MS;
    const int64_t now = clock_now_ns(worker->clock);
    const int64_t tolerance =
        worker->tolerance_ns < interval / 100 ? worker->tolerance_ns : interval / 100;

    if (target->aligned == 0 || now < target->aligned) {
        target->aligned = now;
    }
    target->aligned += (now - target->aligned) / interval * interval;
    return (now - target->aligned <= tolerance ? target->aligned : now) / MONO_PER_MS;
}

static void timer_set(struct scrape_target *target, mono at)
{
    loop_timer_start(target->worker->loop, &target->timer, at);
}

/* ---- the outcome of a scrape ---- */

static void outcome_count(const struct scrape_result *result, bool body_was_too_long)
{
    static const struct {
        enum self_id id;
        size_t offset;
    } counts[] = {
        {SELF_SCRAPES_OUT_OF_ORDER, offsetof(struct scrape_result, out_of_order)},
        {SELF_SCRAPES_DUPLICATE, offsetof(struct scrape_result, duplicates)},
        {SELF_SCRAPES_OUT_OF_BOUNDS, offsetof(struct scrape_result, out_of_bounds)},
        {SELF_SCRAPES_EXEMPLAR_OUT_OF_ORDER,
         offsetof(struct scrape_result, exemplars_out_of_order)},
    };

    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        uint64_t count = 0;

        memcpy(&count, (const char *)result + counts[i].offset, sizeof(count));
        if (count > 0) {
            self_add(counts[i].id, (double)count);
        }
    }
    if (body_was_too_long) {
        self_add(SELF_SCRAPES_BODY_SIZE_LIMIT, 1);
    }
    if (result->sample_limit_hit) {
        self_add(SELF_SCRAPES_SAMPLE_LIMIT, 1);
    }
    if (result->bucket_limit_hit) {
        self_add(SELF_SCRAPES_BUCKET_LIMIT, 1);
    }
    if (result->label_limit_hit) {
        self_add(SELF_SCRAPES_LABEL_LIMITS, 1);
    }
}

static void outcome_log(const struct scrape_target *target, const struct scrape_result *result)
{
    const str job = target->job->settings->job_name;
    const str url = target->plan.url;

    if (result->commit_code < 0) {
        log_error("scrape commit failed", log_str("job", job), log_str("target", url),
                  log_err(&result->commit_err));
    }
    if (result->code < 0) {
        log_debug("scrape failed", log_str("job", job), log_str("target", url),
                  log_err(&result->err));
    }
    if (result->warning > 0) {
        log_debug("scrape used the fallback protocol", log_str("job", job), log_str("target", url),
                  log_err(&result->warned));
    }
    if (result->series_refused > 0) {
        log_warn("new series refused", log_str("job", job), log_str("target", url),
                 log_int("count", (int64_t)result->series_refused), log_err(&result->refused_err));
    }
    if (result->out_of_order + result->duplicates + result->out_of_bounds > 0) {
        log_warn("samples refused", log_str("job", job), log_str("target", url),
                 log_int("out_of_order", (int64_t)result->out_of_order),
                 log_int("duplicate_timestamp", (int64_t)result->duplicates),
                 log_int("out_of_bounds", (int64_t)result->out_of_bounds));
    }
}

static void outcome_keep(struct scrape_target *target, const struct scrape_result *result)
{
    lock_acquire(&target->lock);
    target->health = result->code == 0 ? SCRAPE_HEALTH_UP : SCRAPE_HEALTH_DOWN;
    target->last_error = result->code == 0 ? (struct baro_error){0} : result->err;
    if (result->code == 0 && result->series_refused > 0) {
        /* The target is up, and what was there before is stored. */
        target->last_error = result->refused_err;
        (void)error_wrap(&target->last_error, BARO_ELIMIT, "%llu new series of this scrape refused",
                         (unsigned long long)result->series_refused);
    }
    target->last_scrape = target->scrape_t;
    target->last_duration_seconds = result->duration_seconds;
    lock_release(&target->lock);
}

static void target_next(struct scrape_target *target);

/* Appends what a scrape brought; `fail` is NULL when there is a body. */
static void scrape_finish(struct scrape_target *target, const struct http_call *response,
                          const struct baro_error *fail)
{
    struct scrape_worker *worker = target->worker;
    struct scrape_answer answer = {
        .t = target->scrape_t, .fail = fail, .clock = worker->clock, .started = target->started};
    struct scrape_result result;

    if (response != NULL) {
        answer.body = response->body;
        answer.content_type = response->content_type;
        answer.body_was_too_long = response->body_is_too_long;
    }
    scrape_append_run(&worker->scratch, &target->series, &answer, &result);
    target->was_scraped = true;
    outcome_count(&result, answer.body_was_too_long);
    outcome_log(target, &result);
    outcome_keep(target, &result);
    target_next(target);
}

static void scrape_done(struct http_call *request)
{
    struct scrape_target *target = CONTAINER_OF(request, struct scrape_target, request);
    struct baro_error err = {0};

    ASSERT(target->phase == TARGET_SCRAPING);
    if (request->result < 0) {
        err = request->err;
    } else if (request->status != 200) {
        (void)error_set(&err, BARO_ENETWORK, "server returned HTTP status %s",
                        request->status_text);
    }
    scrape_finish(target, request, err.code != 0 ? &err : NULL);
}

static void note_start(struct scrape_target *target, mono now)
{
    if (target->started != 0) {
        self_recent_by(SELF_RECENT_TARGET_INTERVAL, str_from(target->interval_text),
                       (double)(now - target->started) / (double)MONO_PER_SECOND, now);
    }
    target->started = now;
}

static void scrape_start(struct scrape_target *target)
{
    struct scrape_worker *worker = target->worker;
    const struct prom_scrape *settings = target->job->settings;
    uint64_t over = atomic_load_explicit(&target->job->targets_over, memory_order_relaxed);
    struct baro_error err = {0};

    target->phase = TARGET_SCRAPING;
    target->scrape_t = scrape_time(target);
    note_start(target, clock_mono(worker->clock));
    if (over > 0) {
        (void)error_set(&err, BARO_ELIMIT,
                        "target_limit exceeded (number of targets: %llu, limit: %llu)",
                        (unsigned long long)over, (unsigned long long)settings->target_limit);
    } else if (target->client == NULL) {
        (void)error_set(&err, BARO_EINVALID, "the HTTP client of the job cannot be set up");
    }
    if (err.code != 0) {
        scrape_finish(target, NULL, &err);
        return;
    }
    target->request.url = target->plan.url.ptr;
    target->request.headers = target->headers;
    target->request.shard = target->plan.hash >> 8;
    target->request.timeout = target->plan.timeout;
    target->request.body_bytes_max = settings->body_size_limit;
    target->request.accept_gzip = settings->enable_compression;
    target->request.done = scrape_done;
    http_call_start(target->client, &target->request);
}

/* ---- phases ---- */

static void target_end(struct scrape_target *target)
{
    struct baro_error err = {0};

    if (scrape_append_end(&target->worker->scratch, &target->series, target->stale_t, &err) < 0) {
        log_warn("stale markers were not written", log_str("target", target->plan.url),
                 log_err(&err));
    }
    target_drop(target);
}

/* What comes after a scrape, or after the target was taken away while it waited. */
static void target_next(struct scrape_target *target)
{
    const mono now = clock_mono(target->worker->clock);
    const mono interval = target->plan.interval * MONO_PER_MS;

    if (target->next_job != NULL) {
        target_settle(target, target->next_job);
        target->next_job = scrape_job_unref(target->next_job);
    }
    if (target->is_removed) {
        target->phase = TARGET_ENDING_TICK;
        timer_set(target, tick_after(target, now));
        return;
    }
    target->phase = TARGET_WAITING;
    /* A tick that passed while the scrape ran is made up for at once; of several only one. */
    if (target->tick + interval <= now) {
        target->tick = tick_after(target, now) - interval;
        timer_set(target, now);
    } else {
        target->tick += interval;
        timer_set(target, target->tick);
    }
}

static void target_timer(struct loop_timer *timer)
{
    struct scrape_target *target = CONTAINER_OF(timer, struct scrape_target, timer);
    struct scrape_worker *worker = target->worker;
    const mono now = clock_mono(worker->clock);

    switch (target->phase) {
    case TARGET_WAITING:
        scrape_start(target);
        break;
    case TARGET_ENDING_TICK:
        target->stale_t = clock_now(worker->clock);
        target->phase = TARGET_ENDING_NEXT;
        timer_set(target, tick_after(target, now));
        break;
    case TARGET_ENDING_NEXT:
        target->phase = TARGET_ENDING_LAST;
        timer_set(target, now + target->plan.interval * MONO_PER_MS / 10);
        break;
    case TARGET_ENDING_LAST:
        target_end(target);
        break;
    case TARGET_SCRAPING:
        ASSERT(false);
        break;
    }
}

/* ---- commands ---- */

static void command_add(struct scrape_worker *worker, struct scrape_target *target,
                        struct scrape_job *job)
{
    target->worker = worker;
    target->timer.fire = target_timer;
    target->place = worker->targets.count;
    vec_push(&worker->targets, scrape_target_ref(target));
    target_settle(target, job);
    target->phase = TARGET_WAITING;
    target->first_tick =
        clock_mono(worker->clock) +
        target_offset(target->plan.hash, worker->seed, target->plan.interval,
                      target_window_count(worker->targets_expected, target->plan.interval),
                      clock_now_ns(worker->clock));
    target->tick = target->first_tick;
    timer_set(target, target->tick);
}

static void command_remove(struct scrape_target *target)
{
    target->is_removed = true;
    if (target->phase != TARGET_WAITING) {
        return;
    }
    if (target->was_scraped) {
        target_next(target);
    } else {
        target_drop(target);
    }
}

/* A request that runs borrows headers and client: it is let finish first. */
static void target_reload(struct scrape_target *target, struct scrape_job *job)
{
    if (target->phase == TARGET_SCRAPING) {
        (void)scrape_job_unref(target->next_job);
        target->next_job = scrape_job_ref(job);
    } else if (target->phase == TARGET_WAITING) {
        target_settle(target, job);
    }
}

static void command_run(struct scrape_worker *worker, const struct command *command)
{
    switch (command->kind) {
    case COMMAND_ADD:
        command_add(worker, command->target, command->job);
        break;
    case COMMAND_RELOAD:
        target_reload(command->target, command->job);
        break;
    case COMMAND_REMOVE:
        command_remove(command->target);
        break;
    case COMMAND_DROP:
        target_drop(command->target);
        break;
    }
}

static void command_release(struct command *command)
{
    (void)scrape_target_unref(command->target);
    (void)scrape_job_unref(command->job);
}

static void worker_woken(void *context)
{
    struct scrape_worker *worker = context;
    VEC(struct command) commands = {0};

    lock_acquire(&worker->lock);
    commands.items = worker->commands.items;
    commands.count = worker->commands.count;
    memset(&worker->commands, 0, sizeof(worker->commands));
    lock_release(&worker->lock);
    worker->targets_expected = worker->targets.count;
    for (size_t i = 0; i < commands.count; i++) {
        worker->targets_expected += commands.items[i].kind == COMMAND_ADD;
    }
    for (size_t i = 0; i < commands.count; i++) {
        command_run(worker, &commands.items[i]);
        command_release(&commands.items[i]);
    }
    vec_done(&commands);
}

static void command_post(struct scrape_worker *worker, enum command_kind kind,
                         struct scrape_target *target, struct scrape_job *job)
{
    lock_acquire(&worker->lock);
    vec_push(&worker->commands, ((struct command){kind, scrape_target_ref(target),
                                                  job != NULL ? scrape_job_ref(job) : NULL}));
    lock_release(&worker->lock);
    loop_wake(worker->loop);
}

void scrape_worker_add(struct scrape_worker *worker, struct scrape_target *target,
                       struct scrape_job *job)
{
    command_post(worker, COMMAND_ADD, target, job);
}

void scrape_worker_reload(struct scrape_worker *worker, struct scrape_target *target,
                          struct scrape_job *job)
{
    command_post(worker, COMMAND_RELOAD, target, job);
}

void scrape_worker_remove(struct scrape_worker *worker, struct scrape_target *target)
{
    command_post(worker, COMMAND_REMOVE, target, NULL);
}

void scrape_worker_drop(struct scrape_worker *worker, struct scrape_target *target)
{
    command_post(worker, COMMAND_DROP, target, NULL);
}

/* ---- life ---- */

static void *worker_run(void *argument)
{
    struct scrape_worker *worker = argument;

    worker->scratch.appender = worker->appendable->appender(worker->appendable);
    loop_run(worker->loop);
    while (worker->targets.count > 0) {
        target_drop(worker->targets.items[worker->targets.count - 1]);
    }
    worker->scratch.appender->ops->free(worker->scratch.appender);
    scrape_scratch_done(&worker->scratch);
    return NULL;
}

int scrape_worker_new(struct appendable *appendable, struct clock *clock,
                      const struct scrape_options *options, uint64_t seed,
                      struct scrape_worker **ret, struct baro_error *err)
{
    struct scrape_worker *worker = MEM_NEW(struct scrape_worker);
    const struct http_engine_options engine = {.user_agent = options->user_agent};
    const dur tolerance =
        options->timestamp_tolerance == 0 ? TOLERANCE_DEFAULT_MS : options->timestamp_tolerance;
    int result = 0;

    worker->clock = clock;
    worker->appendable = appendable;
    worker->seed = seed;
    worker->tolerance_ns = tolerance < 0 ? -1 : tolerance * MONO_PER_MS;
    lock_init(&worker->lock, LOCK_LEAF);
    result = loop_new(clock, worker_woken, worker, &worker->loop, err);
    if (result >= 0) {
        result = http_engine_new(worker->loop, &engine, &worker->engine, err);
    }
    if (result >= 0) {
        int failed = pthread_create(&worker->thread, NULL, worker_run, worker);

        worker->is_running = failed == 0;
        result = failed == 0 ? 0 : error_system(err, failed, "scrape thread");
        if (failed == 0) {
            (void)pthread_setname_np(worker->thread, "scrape");
        }
    }
    if (result < 0) {
        (void)scrape_worker_free(worker);
        return result;
    }
    *ret = worker;
    return 0;
}

void scrape_worker_stop(struct scrape_worker *worker)
{
    if (worker->is_running) {
        loop_stop(worker->loop);
        ASSERT(pthread_join(worker->thread, NULL) == 0);
        worker->is_running = false;
    }
}

struct scrape_worker *scrape_worker_free(struct scrape_worker *worker)
{
    if (worker == NULL) {
        return NULL;
    }
    scrape_worker_stop(worker);
    for (size_t i = 0; i < worker->commands.count; i++) {
        command_release(&worker->commands.items[i]);
    }
    vec_done(&worker->commands);
    ASSERT(worker->targets.count == 0 && worker->clients.count == 0);
    vec_done(&worker->targets);
    vec_done(&worker->clients);
    (void)http_engine_free(worker->engine);
    (void)loop_free(worker->loop);
    lock_done(&worker->lock);
    return mem_free(worker);
}
