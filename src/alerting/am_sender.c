#include "alerting/am_sender.h"

#include <string.h>

#include "alerting/am_sender_priv.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/num.h"
#include "client/self.h"
#include "codec/json_write.h"
#include "sys/clock.h"

enum { QUEUE_DEFAULT = 10000, BATCH_DEFAULT = 256, ANSWER_BYTES_MAX = 64 << 10 };
#define DRAIN_PATIENCE_NS (10 * MONO_PER_SECOND)

/* ---- Requests ---- */

static void write_labels(struct json_writer *json, str key, struct labels labels)
{
    json_write_key(json, key);
    json_write_object_begin(json);
    for (size_t i = 0; i < labels.count; i++) {
        json_write_pair_str(json, labels.items[i].name, labels.items[i].value);
    }
    json_write_object_end(json);
}

static void write_alert(struct json_writer *json, const struct am_alert *alert,
                        struct labels labels)
{
    json_write_object_begin(json);
    write_labels(json, STR("annotations"), alert->annotations);
    json_write_pair_time(json, STR("endsAt"), alert->ends_at);
    json_write_pair_time(json, STR("startsAt"), alert->starts_at);
    json_write_pair_str(json, STR("generatorURL"), alert->generator_url);
    write_labels(json, STR("labels"), labels);
    json_write_object_end(json);
}

/* The alerts of one request, less those that the set's own relabelling drops. */
static size_t write_batch(struct am_remote *remote, struct am_kept *const *alerts, size_t count)
{
    struct json_writer json = json_write_over(&remote->body);
    struct labels_builder builder = {0};
    struct arena arena = {0};
    size_t written = 0;

    buf_reset(&remote->body);
    json_write_array_begin(&json);
    for (size_t i = 0; i < count; i++) {
        labels_builder_reset(&builder);
        labels_builder_load(&builder, alerts[i]->alert.labels);
        if (relabel_apply(remote->set->alert_rules, &builder, &arena)) {
            write_alert(&json, &alerts[i]->alert, labels_builder_finish(&builder));
            written++;
        }
    }
    json_write_array_end(&json);
    labels_builder_done(&builder);
    arena_done(&arena);
    return written;
}

static void send_next(struct am_remote *remote);

static void end_if_drained(struct am_sender *sender)
{
    bool ending;
    size_t waiting = 0;

    lock_acquire(&sender->lock);
    ending = sender->is_ending;
    for (size_t i = 0; i < sender->remotes.count; i++) {
        waiting += sender->remotes.items[i]->queue.count;
    }
    lock_release(&sender->lock);
    if (ending && sender->calls == 0 && (waiting == 0 || !sender->options.drain)) {
        loop_stop(sender->loop);
    }
}

static void call_done(struct http_call *call)
{
    struct am_remote *remote = CONTAINER_OF(call, struct am_remote, call);
    struct am_sender *sender = remote->sender;
    bool good = call->result >= 0 && call->status / 100 == 2;
    mono spent = clock_mono(sender->options.clock) - remote->begun;

    sender->calls--;
    if (!good && call->result < 0) {
        log_error("alerts were not sent", log_c("alertmanager", remote->url),
                  log_int("alerts", (int64_t)remote->sending), log_err(&call->err));
    } else if (!good) {
        log_error("alerts were refused", log_c("alertmanager", remote->url),
                  log_int("alerts", (int64_t)remote->sending), log_c("status", call->status_text));
    }
    lock_acquire(&sender->lock);
    remote->latency_count++;
    remote->latency_sum += (double)spent / (double)MONO_PER_SECOND;
    remote->sent += remote->sending;
    remote->errors += good ? 0 : remote->sending;
    remote->dropped += good ? 0 : remote->sending;
    lock_release(&sender->lock);
    send_next(remote);
    end_if_drained(sender);
}

/* Takes at most a batch off the queue. */
static size_t take(struct am_remote *remote, struct am_kept **ret, size_t most)
{
    size_t count;

    lock_acquire(&remote->sender->lock);
    count = remote->queue.count < most ? remote->queue.count : most;
    if (count > 0) {
        memcpy(ret, remote->queue.items, count * sizeof(*ret));
        memmove(remote->queue.items, remote->queue.items + count,
                (remote->queue.count - count) * sizeof(*ret));
        remote->queue.count -= count;
    }
    lock_release(&remote->sender->lock);
    return count;
}

static void send_next(struct am_remote *remote)
{
    struct am_sender *sender = remote->sender;
    size_t most = sender->options.batch_max;
    struct am_kept **alerts = mem_alloc(most * sizeof(struct am_kept *));
    size_t count = 1;
    size_t written = 0;

    while (!http_call_is_running(&remote->call) && written == 0 && count > 0) {
        count = take(remote, alerts, most);
        written = write_batch(remote, alerts, count);
        for (size_t i = 0; i < count; i++) {
            am_kept_unref(alerts[i]);
        }
    }
    (void)mem_free(alerts);
    if (written == 0) {
        return;
    }
    if (remote->set->client == NULL) {
        lock_acquire(&sender->lock); /* it could not be made: told when the plan was run */
        remote->dropped += written;
        lock_release(&sender->lock);
        return;
    }
    remote->sending = written;
    remote->begun = clock_mono(sender->options.clock);
    remote->call = (struct http_call){.url = remote->url,
                                      .headers = sender->headers,
                                      .post = buf_view(&remote->body),
                                      .shard = str_hash(str_from(remote->url)),
                                      .timeout = remote->set->raw->timeout,
                                      .body_bytes_max = ANSWER_BYTES_MAX,
                                      .done = call_done};
    sender->calls++;
    http_call_start(remote->set->client, &remote->call);
}

/* ---- The thread ---- */

static void send_all(struct am_sender *sender)
{
    am_remotes remotes = {0};

    lock_acquire(&sender->lock);
    for (size_t i = 0; i < sender->remotes.count; i++) {
        vec_push(&remotes, sender->remotes.items[i]);
    }
    lock_release(&sender->lock);
    for (size_t i = 0; i < remotes.count; i++) {
        if (!http_call_is_running(&remotes.items[i]->call)) {
            send_next(remotes.items[i]);
        }
    }
    vec_done(&remotes);
}

static void found(void *context)
{
    am_remotes_find(context);
}

/* Requests that run keep their remote, whose set is about to go: they are called off, and what they
 * had is counted as dropped. */
static void call_off(struct am_sender *sender)
{
    lock_acquire(&sender->lock);
    for (size_t i = 0; i < sender->remotes.count; i++) {
        struct am_remote *remote = sender->remotes.items[i];

        if (http_call_is_running(&remote->call)) {
            http_call_cancel(&remote->call);
            sender->calls--;
            remote->dropped += remote->sending;
        }
    }
    lock_release(&sender->lock);
}

static void run_plan(struct am_sender *sender, struct am_remote_plan *plan)
{
    struct am_remote_plan *before = sender->plan;
    struct baro_error err = {0};

    for (size_t i = 0; i < plan->count; i++) {
        if (http_client_new(sender->engine, plan->sets[i].raw->http, &plan->sets[i].client, &err) <
            0) {
            log_error("Alertmanagers cannot be reached", log_str("job", plan->sets[i].job),
                      log_err(&err));
        }
    }
    call_off(sender);
    sender->plan = plan;
    if (discover_apply_jobs(sender->discover, plan->config, plan->jobs, plan->count, &err) < 0) {
        log_error("Alertmanagers cannot be discovered", log_err(&err));
    }
    am_remotes_find(sender);
    lock_acquire(&sender->lock);
    sender->current = plan;
    sender->pending = NULL;
    (void)pthread_cond_broadcast(&sender->applied);
    lock_release(&sender->lock);
    (void)am_remote_plan_free(before);
}

static void drain_over(struct loop_timer *timer)
{
    struct am_sender *sender = CONTAINER_OF(timer, struct am_sender, deadline);

    call_off(sender);
    loop_stop(sender->loop);
}

static void woken(void *context)
{
    struct am_sender *sender = context;
    struct am_remote_plan *pending;
    bool ending;

    lock_acquire(&sender->lock);
    pending = sender->pending;
    ending = sender->is_ending;
    lock_release(&sender->lock);
    if (pending != NULL) {
        run_plan(sender, pending);
    }
    if (ending && !sender->options.drain) {
        call_off(sender);
    } else {
        send_all(sender);
    }
    if (ending && sender->deadline.slot == 0) {
        loop_timer_start(sender->loop, &sender->deadline,
                         clock_mono(sender->options.clock) + DRAIN_PATIENCE_NS);
    }
    end_if_drained(sender);
}

static void *run(void *context)
{
    loop_run(((struct am_sender *)context)->loop);
    return NULL;
}

/* ---- Alerts of rules ---- */

static void enqueue_locked(struct am_sender *sender, struct am_kept *kept)
{
    lock_assert_held(&sender->lock);
    for (size_t i = 0; i < sender->remotes.count; i++) {
        struct am_remote *remote = sender->remotes.items[i];

        if (remote->queue.count >= sender->options.queue_max) {
            am_kept_unref(remote->queue.items[0]);
            memmove(remote->queue.items, remote->queue.items + 1,
                    (remote->queue.count - 1) * sizeof(*remote->queue.items));
            remote->queue.count--;
            remote->dropped++;
        }
        vec_push(&remote->queue, am_kept_ref(kept));
    }
}

/* External labels stand behind those of the alert; then the rules of all Alertmanagers. */
static bool complete(struct am_sender *sender, const struct alert *from, struct arena *arena,
                     struct labels_builder *builder, struct alert *ret)
{
    const struct am_remote_plan *plan = sender->current;

    lock_assert_held(&sender->lock);
    labels_builder_reset(builder);
    labels_builder_load(builder, from->labels);
    for (size_t i = 0; plan != NULL && i < plan->external_labels.count; i++) {
        struct label label = plan->external_labels.items[i];

        if (labels_builder_get(builder, label.name).ptr == NULL) {
            labels_builder_add(builder, label.name, label.value);
        }
    }
    if (plan != NULL && !relabel_apply(plan->alert_rules, builder, arena)) {
        return false;
    }
    *ret = *from;
    ret->labels = labels_copy(arena, labels_builder_finish(builder));
    return ret->labels.count > 0;
}

static void send(struct alert_sink *sink, const struct alert *alerts, size_t count)
{
    struct am_sender *sender = CONTAINER_OF(sink, struct am_sender, sink);
    struct alert *completed = mem_alloc((count + 1) * sizeof(*completed));
    struct labels_builder builder = {0};
    struct arena arena = {0};
    size_t kept_count = 0;

    lock_acquire(&sender->lock);
    for (size_t i = 0; i < count; i++) {
        if (!complete(sender, &alerts[i], &arena, &builder, &completed[kept_count])) {
            continue;
        }
        if (sender->remotes.count > 0) {
            const struct am_alert alert = {.labels = completed[kept_count].labels,
                                           .annotations = alerts[i].annotations,
                                           .starts_at = alerts[i].starts_at,
                                           .ends_at = alerts[i].ends_at,
                                           .generator_url = alerts[i].generator_url};
            struct am_kept *kept = am_kept_new(&alert);

            enqueue_locked(sender, kept);
            am_kept_unref(kept);
        }
        kept_count++;
    }
    lock_release(&sender->lock);
    loop_wake(sender->loop);
    if (sender->options.local != NULL && kept_count > 0) {
        sender->options.local->send(sender->options.local, completed, kept_count);
    }
    labels_builder_done(&builder);
    arena_done(&arena);
    (void)mem_free(completed);
}

/* ---- Life cycle ---- */

int am_sender_new(const struct am_sender_options *options, struct am_sender **ret,
                  struct baro_error *err)
{
    CLEANUP(am_sender_freep) struct am_sender *sender = MEM_NEW(struct am_sender);
    const struct http_engine_options engine = {.multi_count = 1, .user_agent = options->user_agent};
    static const char *const lines[] = {"Content-Type: application/json"};
    int r;

    sender->options = *options;
    sender->options.queue_max = options->queue_max > 0 ? options->queue_max : QUEUE_DEFAULT;
    sender->options.batch_max = options->batch_max > 0 ? options->batch_max : BATCH_DEFAULT;
    sender->sink.send = send;
    sender->deadline.fire = drain_over;
    lock_init(&sender->lock, LOCK_AM_SENDER);
    lock_condition_init(&sender->applied);
    sender->headers = http_headers_new(lines, ARRAY_COUNT(lines));
    r = loop_new(options->clock, woken, sender, &sender->loop, err);
    r = r < 0 ? r : http_engine_new(sender->loop, &engine, &sender->engine, err);
    r = r < 0 ? r
              : discover_new(sender->loop, sender->engine, found, sender, &sender->discover, err);
    if (r < 0) {
        return r;
    }
    r = pthread_create(&sender->thread, NULL, run, sender);
    if (r != 0) {
        return error_system(err, r, "alertmanagers: no thread");
    }
    sender->is_running = true;
    *ret = TAKE(sender);
    return 0;
}

void am_sender_stop(struct am_sender *sender)
{
    if (!sender->is_running) {
        return;
    }
    lock_acquire(&sender->lock);
    sender->is_ending = true;
    lock_release(&sender->lock);
    loop_wake(sender->loop);
    (void)pthread_join(sender->thread, NULL);
    sender->is_running = false;
}

struct am_sender *am_sender_free(struct am_sender *sender)
{
    if (sender == NULL) {
        return NULL;
    }
    am_sender_stop(sender);
    (void)discover_free(sender->discover);
    for (size_t i = 0; i < sender->remotes.count; i++) {
        am_remote_free(sender->remotes.items[i]);
    }
    vec_done(&sender->remotes);
    for (size_t i = 0; i < sender->dropped_urls.count; i++) {
        (void)mem_free(sender->dropped_urls.items[i]);
    }
    vec_done(&sender->dropped_urls);
    (void)am_remote_plan_free(sender->plan);
    (void)http_engine_free(sender->engine);
    (void)loop_free(sender->loop);
    (void)http_headers_free(sender->headers);
    (void)pthread_cond_destroy(&sender->applied);
    lock_done(&sender->lock);
    return mem_free(sender);
}

int am_sender_apply(struct am_sender *sender, struct prom_config *config, struct baro_error *err)
{
    struct am_remote_plan *plan = NULL;
    int r = am_remote_plan_new(config, &plan, err);

    if (r < 0) {
        return r;
    }
    lock_acquire(&sender->lock);
    ASSERT(sender->pending == NULL && !sender->is_ending);
    sender->pending = plan;
    loop_wake(sender->loop);
    while (sender->pending != NULL) {
        (void)lock_wait(&sender->lock, &sender->applied, 0);
    }
    lock_release(&sender->lock);
    return 0;
}

struct alert_sink *am_sender_sink(struct am_sender *sender)
{
    return &sender->sink;
}

/* ---- What there is to see ---- */

void am_sender_urls(struct am_sender *sender, struct arena *arena, str **ret_active,
                    size_t *ret_active_count, str **ret_dropped, size_t *ret_dropped_count)
{
    lock_acquire(&sender->lock);
    *ret_active_count = sender->remotes.count;
    *ret_active = ARENA_ARRAY(arena, str, sender->remotes.count + 1);
    for (size_t i = 0; i < sender->remotes.count; i++) {
        (*ret_active)[i] = arena_str(arena, str_from(sender->remotes.items[i]->url));
    }
    *ret_dropped_count = sender->dropped_urls.count;
    *ret_dropped = ARENA_ARRAY(arena, str, sender->dropped_urls.count + 1);
    for (size_t i = 0; i < sender->dropped_urls.count; i++) {
        (*ret_dropped)[i] = arena_str(arena, str_from(sender->dropped_urls.items[i]));
    }
    lock_release(&sender->lock);
}

static void line(struct buf *buf, const char *name, const struct am_remote *remote, double value)
{
    buf_printf(buf, "%s{alertmanager=", name);
    buf_label_value(buf, str_from(remote->url));
    buf_c(buf, "} ");
    buf_double(buf, value, NUM_G);
    buf_char(buf, '\n');
}

static void latency_locked(struct am_sender *sender, struct buf *buf)
{
    lock_assert_held(&sender->lock);
    self_head(buf, "prometheus_notifications_latency_seconds", "summary",
              "Time that requests to Alertmanagers took.");
    for (size_t i = 0; i < sender->remotes.count; i++) {
        const struct am_remote *remote = sender->remotes.items[i];

        line(buf, "prometheus_notifications_latency_seconds_sum", remote, remote->latency_sum);
        line(buf, "prometheus_notifications_latency_seconds_count", remote,
             (double)remote->latency_count);
    }
}

void am_sender_metrics_write(struct am_sender *sender, struct buf *buf)
{
    uint64_t dropped;

    lock_acquire(&sender->lock);
    dropped = sender->dropped_before;
    self_head(buf, "prometheus_notifications_alertmanagers_discovered", "gauge",
              "Alertmanagers that alerts are sent to.");
    buf_printf(buf, "prometheus_notifications_alertmanagers_discovered %zu\n",
               sender->remotes.count);
    self_head(buf, "prometheus_notifications_errors_total", "counter",
              "Alerts that an Alertmanager did not take.");
    for (size_t i = 0; i < sender->remotes.count; i++) {
        line(buf, "prometheus_notifications_errors_total", sender->remotes.items[i],
             (double)sender->remotes.items[i]->errors);
        dropped += sender->remotes.items[i]->dropped;
    }
    self_head(buf, "prometheus_notifications_sent_total", "counter",
              "Alerts that were sent to an Alertmanager.");
    for (size_t i = 0; i < sender->remotes.count; i++) {
        line(buf, "prometheus_notifications_sent_total", sender->remotes.items[i],
             (double)sender->remotes.items[i]->sent);
    }
    self_head(buf, "prometheus_notifications_queue_length", "gauge",
              "Alerts that wait for an Alertmanager.");
    for (size_t i = 0; i < sender->remotes.count; i++) {
        line(buf, "prometheus_notifications_queue_length", sender->remotes.items[i],
             (double)sender->remotes.items[i]->queue.count);
    }
    latency_locked(sender, buf);
    lock_release(&sender->lock);
    self_head(
        buf, "prometheus_notifications_dropped_total", "counter",
        "Alerts that were dropped; the queue was full, or an Alertmanager did not take them.");
    buf_printf(buf, "prometheus_notifications_dropped_total %llu\n", (unsigned long long)dropped);
    self_head(buf, "prometheus_notifications_queue_capacity", "gauge",
              "Alerts that may wait for one Alertmanager.");
    buf_printf(buf, "prometheus_notifications_queue_capacity %zu\n", sender->options.queue_max);
}
