#include "alerting/am_priv.h"
#include "base/assert.h"
#include "base/log.h"

/* The exponential waits of Alertmanager: half a second, half as much again each time, a minute at
 * most, each taken between half and one and a half of it. */
static const double backoff_first_ms = 500;
static const double backoff_factor = 1.5;
static const double backoff_most_ms = 60000;

/* How long an attempt waits for the note of it to be on the disk. */
enum { INTENT_PATIENCE = 2 * DUR_SECOND };

static const double latency_bounds[AM_LATENCY_BUCKETS - 1] = {1, 5, 10, 15, 20};

void am_job_queue_locked(struct am *am, struct am_job *job)
{
    lock_assert_held(&am->lock);
    job->next = NULL;
    *am->last_job = job;
    am->last_job = &job->next;
    am->jobs_waiting++;
    (void)pthread_cond_signal(&am->queued);
}

static enum am_failure failure_of(const struct am_job *job)
{
    return job->err.code == BARO_ETIMEOUT             ? AM_FAILED_DEADLINE
           : job->err.code == BARO_ECANCELED          ? AM_FAILED_CANCELED
           : job->status == 401 || job->status == 403 ? AM_FAILED_AUTH
           : job->status == 429                       ? AM_FAILED_RATE
           : job->status >= 500                       ? AM_FAILED_SERVER
           : job->status >= 400                       ? AM_FAILED_CLIENT
                                                      : AM_FAILED_OTHER;
}

/* Without the lock. */
static void log_failure(const struct am_job *job, enum am_notify_outcome outcome)
{
    const char *kind = job->target->integration->kind->name;

    if (outcome == AM_NOTIFY_FAIL) {
        log_error("notification failed", log_str("receiver", job->target->receiver),
                  log_c("integration", kind), log_str("group", job->flush->group->key),
                  log_int("attempts", job->attempts), log_err(&job->err));
    } else if (outcome == AM_NOTIFY_RETRY) {
        log_warn("notification will be tried again", log_str("receiver", job->target->receiver),
                 log_c("integration", kind), log_str("group", job->flush->group->key),
                 log_int("attempts", job->attempts), log_err(&job->err));
    }
}

static void note_delivery(struct am *am, const struct am_job *job, bool good, str message,
                          dur duration)
{
    const struct am_flush *flush = job->flush;

    if (am->state == NULL) {
        return;
    }
    am_state_delivery(am->state,
                      &(struct am_delivery){
                          .time = am_now(am),
                          .receiver = job->target->receiver,
                          .integration = str_from(job->target->integration->kind->name),
                          .group_key = flush->group->key,
                          .status = flush->firing_count > 0 ? STR("firing") : STR("resolved"),
                          .outcome = good ? STR("ok") : STR("failed"),
                          .error = good ? STR("") : str_from(job->err.message),
                          .message = message,
                          .alerts = (int64_t)job->count,
                          .attempts = job->attempts,
                          .http_status = job->status,
                          .duration = duration,
                      });
}

/* The job is gone afterwards. */
static void end(struct am *am, struct am_job *job, bool good, str message, dur duration)
{
    if (!good) {
        am->counters.notifications_failed[job->target->kind_index][failure_of(job)]++;
    }
    job->target->failed_at = good ? 0 : am_now(am);
    note_delivery(am, job, good, message, duration);
    am_flush_job_ended_locked(am, job, good);
}

void am_job_due_locked(struct am *am, struct am_job *job)
{
    if (am_mono(am) < job->flush->deadline) {
        am_job_queue_locked(am, job);
        return;
    }
    if (job->err.code == 0) {
        (void)error_set(&job->err, BARO_ETIMEOUT, "not sent before the group's next time");
    }
    end(am, job, false, STR(""), 0);
}

void am_jobs_drop_locked(struct am *am)
{
    VEC(struct am_timer *) waiting = {0};
    struct am_job *job = am->first_job;

    lock_assert_held(&am->lock);
    am->first_job = NULL;
    am->last_job = &am->first_job;
    am->jobs_waiting = 0;
    while (job != NULL) {
        struct am_job *next = job->next;

        am_flush_job_ended_locked(am, job, false);
        job = next;
    }
    for (size_t i = 0; i < am->timers.items.count; i++) {
        enum am_timer_kind kind = am->timers.items.items[i]->kind;

        if (kind == AM_TIMER_JOB || kind == AM_TIMER_FLUSH) {
            vec_push(&waiting, am->timers.items.items[i]);
        }
    }
    for (size_t i = 0; i < waiting.count; i++) {
        am_timers_stop(&am->timers, waiting.items[i]);
        if (waiting.items[i]->kind == AM_TIMER_FLUSH) {
            am_flush_drop_locked(am, CONTAINER_OF(waiting.items[i], struct am_flush, timer));
        } else {
            am_flush_job_ended_locked(am, CONTAINER_OF(waiting.items[i], struct am_job, timer),
                                      false);
        }
    }
    vec_done(&waiting);
}

/* The first job whose receiver does not hold half of the workers already: one that does not answer
 * must not stop the others. */
static struct am_job *take_locked(struct am *am)
{
    uint32_t most = am->options.worker_max > 1 ? am->options.worker_max / 2 : 1;
    struct am_job **at = &am->first_job;
    struct am_job *job;

    while (*at != NULL && (*at)->target->running >= most) {
        at = &(*at)->next;
    }
    job = *at;
    if (job != NULL) {
        *at = job->next;
        if (am->last_job == &job->next) {
            am->last_job = at;
        }
        am->jobs_waiting--;
    }
    return job;
}

static void count_request(struct am *am, const struct am_job *job, bool good, double seconds)
{
    size_t kind = job->target->kind_index;
    size_t bucket = 0;

    am->counters.requests[kind]++;
    am->counters.requests_failed[kind] += good ? 0 : 1;
    am->counters.latency_count[kind]++;
    am->counters.latency_sum[kind] += seconds;
    while (bucket < AM_LATENCY_BUCKETS - 1 && seconds > latency_bounds[bucket]) {
        bucket++;
    }
    am->counters.latency[kind][bucket]++;
}

static void try_again(struct am *am, struct am_job *job, dur retry_after)
{
    double spread = (double)random_below(&am->random, 1001) / 1000; /* 0 to 1 */
    double wait;
    mono due;

    job->backoff_ms = job->backoff_ms > 0 ? job->backoff_ms : backoff_first_ms;
    wait = job->backoff_ms * (0.5 + spread);
    wait = (double)retry_after > wait ? (double)retry_after : wait;
    job->backoff_ms *= backoff_factor;
    job->backoff_ms = job->backoff_ms < backoff_most_ms ? job->backoff_ms : backoff_most_ms;
    due = am_mono(am) + (mono)(wait * (double)MONO_PER_MS);
    due = due < job->flush->deadline ? due : job->flush->deadline;
    am_timers_start(&am->timers, &job->timer, due);
    (void)pthread_cond_signal(&am->changed);
}

/* The disk is not waited for when it is known to be broken: better told twice than not at all. */
static void intent_keep(struct am *am)
{
    struct baro_error err = {0};

    if (!am_state_is_failing(am->state)) {
        (void)am_state_flush(am->state, INTENT_PATIENCE, &err);
    }
}

static enum am_notify_outcome attempt(struct am *am, struct am_job *job, mono now,
                                      struct am_receipt *receipt)
{
    const struct am_flush *flush = job->flush;
    const struct am_group *group = flush->group;
    const struct am_notification notification = {
        .receiver = job->target->receiver,
        .group_key = group->key,
        .group_labels = group->labels,
        .alerts = job->alerts,
        .count = job->count,
        .now = flush->now,
        .repeat_interval = group->route->repeat_interval,
        .reason = str_from(am_reason_text(job->reason)),
        .route_labels = group->route->labels,
        .batch = flush->batch,
        .batch_count = flush->all_count,
        .thread_id = job->thread_id,
    };
    dur timeout = (flush->deadline - now) / MONO_PER_MS;
    const bool has_intent = am_nflog_intend_locked(am, job);
    enum am_notify_outcome outcome;

    lock_release(&am->lock);
    if (has_intent && job->attempts == 1) {
        intent_keep(am);
    }
    job->err = (struct baro_error){0};
    outcome = flush->setup->sending->send(flush->setup->prepared, job->target->integration,
                                          &notification, timeout > 0 ? timeout : 1,
                                          &flush->setup->cancel, receipt, &job->err);
    log_failure(job, outcome);
    lock_acquire(&am->lock);
    return outcome;
}

/* What follows from an attempt; the job may be gone afterwards. */
static void judge_locked(struct am *am, struct am_job *job, enum am_notify_outcome outcome,
                         const struct am_receipt *receipt, dur duration)
{
    bool dropped = job->flush->group->is_dropped || am->is_stopping;

    switch (outcome) {
    case AM_NOTIFY_OK:
        am_nflog_record_locked(am, job->flush, job->target, &job->state,
                               buf_view(&receipt->thread_id));
        end(am, job, true, buf_view(&receipt->message), duration);
        return;
    case AM_NOTIFY_RETRY:
        if (!dropped && am_mono(am) < job->flush->deadline) {
            try_again(am, job, receipt->retry_after);
            return;
        }
        break;
    case AM_NOTIFY_FAIL:
        break;
    }
    end(am, job, false, buf_view(&receipt->message), duration);
}

bool am_job_run_locked(struct am *am)
{
    struct am_job *job = take_locked(am);
    struct am_receipt receipt = {0};
    struct am_target *target;
    struct am_setup *setup;
    enum am_notify_outcome outcome;
    mono begin;
    mono end_at;

    lock_assert_held(&am->lock);
    if (job == NULL) {
        return false;
    }
    begin = am_mono(am);
    if (begin >= job->flush->deadline) {
        am_job_due_locked(am, job);
        return true;
    }
    target = job->target;
    setup = am_setup_ref(job->flush->setup); /* the target is in it */
    target->running++;
    am->jobs_running++;
    job->attempts++;
    outcome = attempt(am, job, begin, &receipt);
    end_at = am_mono(am);
    target->running--;
    am->jobs_running--;
    job->status = receipt.status;
    count_request(am, job, outcome == AM_NOTIFY_OK,
                  (double)(end_at - begin) / (double)MONO_PER_SECOND);
    judge_locked(am, job, outcome, &receipt, (end_at - begin) / MONO_PER_MS);
    am_setup_unref(setup);
    buf_done(&receipt.message);
    buf_done(&receipt.thread_id);
    if (am->first_job != NULL) {
        (void)pthread_cond_signal(&am->queued); /* its receiver may take another now */
    }
    (void)pthread_cond_broadcast(&am->arrived);
    return true;
}
