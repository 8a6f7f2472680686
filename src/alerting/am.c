#include "alerting/am.h"

#include <string.h>

#include "alerting/am_peer_priv.h"
#include "alerting/am_priv.h"
#include "base/assert.h"
#include "base/log.h"
#include "sys/clock.h"

#define RETENTION_DEFAULT   ((dur)120 * DUR_HOUR)
#define GC_DEFAULT          ((dur)30 * DUR_MINUTE)
#define EMPTY_DEFAULT       ((dur)30 * DUR_SECOND)
#define ALIVE_INTERVAL      ((dur)5 * DUR_SECOND)
#define RESOLVE_DEFAULT     ((dur)5 * DUR_MINUTE)
#define ARRIVAL_PATIENCE_NS (5 * MONO_PER_SECOND)
#define HELD_PAUSE_NS       (100 * MONO_PER_MS)
#define FLUSH_PATIENCE      ((dur)10 * DUR_SECOND)

/* ---- What was kept ---- */

struct loading {
    struct am *am;
    ts alive;
    ts now;
};

static void load_alert(void *context, const struct am_alert *alert, int64_t row)
{
    struct am *am = context;

    (void)am_store_load(&am->store, alert, row);
}

/*
 * An alert that still fired when the program ended is given time to be heard of again: its own end
 * may have passed while nobody could report it, and that is no reason to say that it is resolved.
 */
static void extend_alerts(struct am *am, ts alive, ts now, dur resolve_timeout)
{
    size_t index = 0;

    for (const struct am_fp_slot *slot; (slot = am_fps_next(&am->store.alerts, &index)) != NULL;) {
        struct am_alert *alert = &((struct am_kept *)slot->value)->alert;
        ts seen = alive > alert->updated_at ? alive : alert->updated_at;

        if (alert->ends_at > seen && alert->ends_at < now + resolve_timeout) {
            alert->ends_at = now + resolve_timeout;
            alert->ends_by_time_out = true;
        }
    }
}

static void load_silence(void *context, const struct am_silence_spec *spec)
{
    struct am *am = context;
    struct baro_error err = {0};

    if (am_silences_merge(&am->silences, spec, am_now(am), &err) < 0) {
        log_error("a silence that was kept cannot be read", log_str("id", spec->id), log_err(&err));
    }
}

static void load_ack(void *context, const struct am_ack *ack)
{
    (void)am_acks_put(&((struct am *)context)->acks, ack, NULL);
}

static void load_entry(void *context, const struct am_nflog_entry *entry)
{
    (void)am_nflog_put(&((struct am *)context)->nflog, entry);
}

static int load_state(struct am *am, struct baro_error *err)
{
    const struct am_state_reader reader = {load_alert, load_silence, load_entry, load_ack, am};
    size_t bad = 0;
    int r = am_state_load(am->state, &reader, &am->loaded_alive, &bad, err);

    if (r < 0) {
        return r;
    }
    if (bad > 0) {
        log_error("alerting: rows that cannot be read were left out",
                  log_int("rows", (int64_t)bad));
    }
    log_info("alerting: state read", log_int("alerts", (int64_t)am->store.alerts.count),
             log_int("silences", (int64_t)am->silences.items.count),
             log_int("notifications", (int64_t)am->nflog.entries.count));
    return am_state_start(am->state, err);
}

/* ---- Life cycle ---- */

static void silence_changed(void *context, const struct am_silence *silence, bool gone)
{
    struct am *am = context;

    if (am->state != NULL) {
        am_state_silence(am->state, silence, gone);
    }
    if (!gone) {
        am_peers_changed_locked(am, 's', silence->id);
    }
}

static void sink_send(struct alert_sink *sink, const struct alert *alerts, size_t count);

static void set_defaults(struct am_options *options)
{
    options->worker_max = options->worker_max > 0 ? options->worker_max : AM_WORKERS_DEFAULT;
    options->groups_max = options->groups_max > 0 ? options->groups_max : AM_GROUPS_MAX_DEFAULT;
    options->retention = options->retention > 0 ? options->retention : RETENTION_DEFAULT;
    options->gc_interval = options->gc_interval > 0 ? options->gc_interval : GC_DEFAULT;
    options->empty_group_interval =
        options->empty_group_interval > 0 ? options->empty_group_interval : EMPTY_DEFAULT;
}

static void start_timers(struct am *am)
{
    mono now = am_mono(am);

    am->empty_timer.kind = AM_TIMER_EMPTY;
    am->gc_timer.kind = AM_TIMER_GC;
    am->alive_timer.kind = AM_TIMER_ALIVE;
    am_timers_start(&am->timers, &am->empty_timer,
                    now + am->options.empty_group_interval * MONO_PER_MS);
    am_timers_start(&am->timers, &am->gc_timer, now + am->options.gc_interval * MONO_PER_MS);
    if (am->options.state_path != NULL) {
        am_timers_start(&am->timers, &am->alive_timer, now);
    }
}

int am_new(const struct am_options *options, struct am **ret, struct baro_error *err)
{
    CLEANUP(am_freep) struct am *am = MEM_NEW(struct am);
    int r = 0;

    am->options = *options;
    set_defaults(&am->options);
    am->sink.send = sink_send;
    am->started_at = am_now(am);
    lock_init(&am->lock, LOCK_AM);
    lock_condition_init(&am->changed);
    lock_condition_init(&am->queued);
    lock_condition_init(&am->arrived);
    am->last_job = &am->first_job;
    am->random.state = (uint64_t)clock_now_ns(options->clock);
    am_silences_init(&am->silences, (uint64_t)clock_now_ns(options->clock) ^ (uintptr_t)am);
    am->silences.changed = silence_changed;
    am->silences.context = am;
    start_timers(am);
    if (options->state_path != NULL) {
        r = am_state_open(options->state_path, &am->state, err);
        r = r < 0 ? r : load_state(am, err);
    }
    if (r < 0) {
        return error_wrap(err, r, "alerting");
    }
    *ret = TAKE(am);
    return 0;
}

struct am *am_free(struct am *am)
{
    if (am == NULL) {
        return NULL;
    }
    am_stop(am);
    lock_acquire(&am->lock);
    am_groups_drop_locked(am);
    am_jobs_drop_locked(am);
    am_setup_unref(am->setup);
    lock_release(&am->lock);
    (void)am_state_close(am->state);
    map_done(&am->groups);
    am_timers_done(&am->timers);
    am_nflog_done(&am->nflog);
    am_silences_done(&am->silences);
    am_acks_done(&am->acks);
    am_store_done(&am->store);
    (void)pthread_cond_destroy(&am->changed);
    (void)pthread_cond_destroy(&am->queued);
    (void)pthread_cond_destroy(&am->arrived);
    lock_done(&am->lock);
    return mem_free(am);
}

/* Fingerprints of all that receivers believe to be firing. */
static void told_firing(const struct am_nflog *log, struct am_fps *ret)
{
    size_t index = 0;

    for (const struct map_entry *slot; (slot = map_next(&log->entries, &index)) != NULL;) {
        const struct am_nflog_entry *entry = slot->value;

        for (size_t i = 0; i < entry->firing_count; i++) {
            (void)am_fps_put(ret, entry->firing[i], ret);
        }
    }
}

/* Alerts that are over go to their groups only if a receiver has still to hear of it: else it would
 * hear it twice. */
static void feed_locked(struct am *am)
{
    struct am_fps told = {0};
    ts now = am_now(am);
    size_t index = 0;

    told_firing(&am->nflog, &told);
    for (const struct am_fp_slot *slot; (slot = am_fps_next(&am->store.alerts, &index)) != NULL;) {
        struct am_kept *kept = slot->value;

        am_inhibitor_put(&am->setup->inhibitor, kept);
        if (!am_alert_is_resolved(&kept->alert, now) ||
            am_fps_get(&told, kept->alert.fingerprint) != NULL) {
            am_groups_insert_locked(am, kept);
        }
    }
    am_fps_done(&told);
}

/* Waits for what is on its way, so that nobody is told twice. */
static void wait_for_arrivals_locked(struct am *am, struct am_setup *setup)
{
    mono deadline = clock_mono(clock_real()) + ARRIVAL_PATIENCE_NS;

    while (am->jobs_running > 0 && lock_wait(&am->lock, &am->arrived, deadline)) {
    }
    if (setup != NULL) {
        atomic_store_explicit(&setup->cancel, true, memory_order_relaxed);
    }
}

int am_apply(struct am *am, struct am_config *config, str text, struct baro_error *err)
{
    struct am_setup *setup = NULL;
    struct am_setup *before;
    int r = am_setup_new(&am->options, config, text, &setup, err);

    if (r < 0) {
        return r;
    }
    lock_acquire(&am->lock);
    before = am->setup;
    am->setup = setup;
    if (before == NULL) {
        extend_alerts(am, am->loaded_alive, am_now(am), setup->resolve_timeout);
    }
    am->is_held = am->jobs_running > 0;
    am_groups_drop_locked(am);
    am_jobs_drop_locked(am);
    feed_locked(am);
    wait_for_arrivals_locked(am, before);
    am->is_held = false;
    am_setup_unref(before);
    (void)pthread_cond_broadcast(&am->changed);
    lock_release(&am->lock);
    return 0;
}

struct alert_sink *am_sink(struct am *am)
{
    return &am->sink;
}

ts am_started_at(const struct am *am)
{
    return am->started_at;
}

ts am_clock_now(const struct am *am)
{
    return am_now(am);
}

const struct am_state *am_state_of(const struct am *am)
{
    return am->state;
}

/* ---- Work that is due ---- */

static void alert_gone(void *context, struct am_kept *kept)
{
    struct am *am = context;

    if (am->setup != NULL) {
        am_inhibitor_remove(&am->setup->inhibitor, kept);
    }
    if (am->state != NULL) {
        am_state_alert_gone(am->state, kept);
    }
}

static void entry_gone(void *context, const struct am_nflog_entry *entry)
{
    struct am *am = context;

    if (am->state != NULL) {
        am_state_entry(am->state, entry, true);
    }
}

static void collect_locked(struct am *am)
{
    ts now = am_now(am);

    am_store_gc(&am->store, now, alert_gone, am);
    am->counters.nflog_gc += am_nflog_gc(&am->nflog, now, entry_gone, am);
    am_acks_collect_locked(am);
    am->counters.silence_gc += am_silences_gc(&am->silences, now - am->options.retention, now);
}

static void timer_due_locked(struct am *am, struct am_timer *timer, mono now)
{
    am_timers_stop(&am->timers, timer);
    switch (timer->kind) {
    case AM_TIMER_GROUP:
        if (am->is_held || !am_peers_settled_locked(am)) {
            am_timers_start(&am->timers, timer, now + HELD_PAUSE_NS);
        } else {
            am_flush_begin_locked(am, CONTAINER_OF(timer, struct am_group, timer));
        }
        break;
    case AM_TIMER_FLUSH:
        am_flush_tell_locked(am, CONTAINER_OF(timer, struct am_flush, timer));
        break;
    case AM_TIMER_JOB:
        am_job_due_locked(am, CONTAINER_OF(timer, struct am_job, timer));
        break;
    case AM_TIMER_EMPTY:
        am_groups_empty_locked(am);
        am_timers_start(&am->timers, timer, now + am->options.empty_group_interval * MONO_PER_MS);
        break;
    case AM_TIMER_GC:
        collect_locked(am);
        am_timers_start(&am->timers, timer, now + am->options.gc_interval * MONO_PER_MS);
        break;
    case AM_TIMER_ALIVE:
        if (am->state != NULL) {
            am_state_alive(am->state, am_now(am));
        }
        am_timers_start(&am->timers, timer, now + ALIVE_INTERVAL * MONO_PER_MS);
        break;
    }
}

mono am_turn(struct am *am)
{
    mono next = INT64_MAX;

    for (bool more = true; more;) {
        struct am_timer *timer;
        mono now = am_mono(am);

        /* Released between two, so that others come to their turn while a thousand groups flush. */
        lock_acquire(&am->lock);
        timer = am_timers_first(&am->timers);
        more = timer != NULL && timer->due <= now;
        if (more) {
            timer_due_locked(am, timer, now);
        } else if (timer != NULL) {
            next = timer->due;
        }
        lock_release(&am->lock);
    }
    return next;
}

bool am_work(struct am *am)
{
    bool found;

    lock_acquire(&am->lock);
    found = am_job_run_locked(am);
    lock_release(&am->lock);
    return found;
}

/* ---- Threads ---- */

static void *work_loop(void *context)
{
    struct am *am = context;

    lock_acquire(&am->lock);
    while (!am->is_stopping) {
        if (!am_job_run_locked(am)) {
            am->workers_idle++;
            (void)lock_wait(&am->lock, &am->queued, 0);
            am->workers_idle--;
        }
    }
    lock_release(&am->lock);
    return NULL;
}

/* Workers are made when there is work for them, and stay. */
static void hire_locked(struct am *am)
{
    pthread_attr_t attributes;

    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, (size_t)1 << 20);
    while (am->worker_count < am->options.worker_max &&
           am->worker_count < am->jobs_running + am->jobs_waiting) {
        if (pthread_create(&am->workers[am->worker_count], &attributes, work_loop, am) != 0) {
            break;
        }
        am->worker_count++;
    }
    (void)pthread_attr_destroy(&attributes);
}

static void *clock_loop(void *context)
{
    struct am *am = context;

    lock_acquire(&am->lock);
    while (!am->is_stopping) {
        const struct am_timer *first;
        mono next;

        lock_release(&am->lock);
        (void)am_turn(am);
        lock_acquire(&am->lock);
        hire_locked(am);
        first = am_timers_first(&am->timers);
        next = first != NULL ? first->due : 0;
        if (!am->is_stopping && (first == NULL || next > am_mono(am))) {
            (void)lock_wait(&am->lock, &am->changed, next);
        }
    }
    lock_release(&am->lock);
    return NULL;
}

int am_start(struct am *am, struct baro_error *err)
{
    int r;

    am->workers = mem_alloc_zero(am->options.worker_max * sizeof(*am->workers));
    r = pthread_create(&am->thread, NULL, clock_loop, am);
    if (r != 0) {
        return error_system(err, r, "alerting: no thread");
    }
    am->has_thread = true;
    return 0;
}

void am_stop(struct am *am)
{
    lock_acquire(&am->lock);
    am->is_stopping = true;
    (void)pthread_cond_broadcast(&am->changed);
    (void)pthread_cond_broadcast(&am->queued);
    if (am->has_thread) {
        wait_for_arrivals_locked(am, am->setup);
    }
    lock_release(&am->lock);
    if (am->has_thread) {
        (void)pthread_join(am->thread, NULL);
        am->has_thread = false;
    }
    for (uint32_t i = 0; i < am->worker_count; i++) {
        (void)pthread_join(am->workers[i], NULL);
    }
    am->worker_count = 0;
    am->workers = mem_free(am->workers);
    am_peers_stop(am);
}

/* ---- Alerts ---- */

static bool has_bad_text(struct labels labels)
{
    for (size_t i = 0; i < labels.count; i++) {
        if (labels.items[i].name.len == 0 || !utf8_is_valid(labels.items[i].name) ||
            !utf8_is_valid(labels.items[i].value)) {
            return true;
        }
    }
    return false;
}

/* Fills in what was not given; false, and why, when the alert is invalid. */
static bool complete(struct am_alert *alert, ts now, dur resolve_timeout, struct buf *why)
{
    const char *fault = NULL;

    alert->updated_at = now;
    if (alert->starts_at == 0) {
        alert->starts_at = alert->ends_at == 0 ? now : alert->ends_at;
    }
    if (alert->ends_at == 0) {
        alert->ends_at = now + resolve_timeout;
        alert->ends_by_time_out = true;
    }
    if (alert->ends_at < alert->starts_at) {
        fault = "start time must be before end time";
    } else if (alert->labels.count == 0) {
        fault = "at least one label pair required";
    } else if (has_bad_text(alert->labels)) {
        fault = "invalid label set: names and values must be UTF-8, names not empty";
    } else if (has_bad_text(alert->annotations)) {
        fault = "invalid annotations: names and values must be UTF-8, names not empty";
    }
    if (fault != NULL && why != NULL) {
        buf_c(why, why->len > 0 ? "\n" : "");
        buf_c(why, fault);
    }
    alert->fingerprint = am_fingerprint(alert->labels);
    return fault == NULL;
}

/* Whether all but the end and the report's time is what is kept already. */
static bool is_touched(const struct am_alert *a, const struct am_alert *b)
{
    return a->starts_at == b->starts_at && str_eq(a->generator_url, b->generator_url) &&
           labels_eq(a->annotations, b->annotations);
}

static void put_locked(struct am *am, const struct am_alert *alert, ts now)
{
    struct am_kept *before = am_store_get(&am->store, alert->fingerprint);
    struct am_kept *kept;

    if (before != NULL) {
        (void)am_kept_ref(before);
    }
    kept = am_store_put(&am->store, alert, now);
    if (kept == NULL) {
        am->counters.refused++;
    } else {
        if (am->state != NULL) {
            am_state_alert(am->state, kept,
                           before != NULL && is_touched(&kept->alert, &before->alert));
        }
        if (am->setup != NULL) {
            am_inhibitor_put(&am->setup->inhibitor, kept);
            am_groups_insert_locked(am, kept);
        }
        if (am_alert_is_resolved(&kept->alert, now)) {
            am->counters.received_resolved++;
        } else {
            am->counters.received_firing++;
        }
    }
    am_kept_unref(before);
}

static size_t put_batch(struct am *am, const struct am_alert *alerts, size_t count, struct buf *why)
{
    ts now = am_now(am);
    size_t invalid = 0;
    dur timeout;

    lock_acquire(&am->lock);
    timeout = am->setup != NULL ? am->setup->resolve_timeout : RESOLVE_DEFAULT;
    for (size_t i = 0; i < count; i++) {
        struct am_alert alert = alerts[i];

        if (complete(&alert, now, timeout, why)) {
            put_locked(am, &alert, now);
        } else {
            am->counters.invalid++;
            invalid++;
        }
    }
    (void)pthread_cond_signal(&am->changed);
    lock_release(&am->lock);
    return invalid;
}

int am_alerts_put(struct am *am, const struct am_alert *alerts, size_t count, bool wait,
                  struct am_put_result *result, struct baro_error *err)
{
    result->invalid = 0;
    for (size_t i = 0; i < count; i += AM_PUT_BATCH) {
        size_t batch = count - i < AM_PUT_BATCH ? count - i : AM_PUT_BATCH;

        result->invalid += put_batch(am, alerts + i, batch, &result->message);
    }
    return wait && am->state != NULL ? am_state_flush(am->state, FLUSH_PATIENCE, err) : 0;
}

static void sink_send(struct alert_sink *sink, const struct alert *alerts, size_t count)
{
    struct am *am = CONTAINER_OF(sink, struct am, sink);

    for (size_t i = 0; i < count; i += AM_PUT_BATCH) {
        struct am_alert batch[AM_PUT_BATCH];
        size_t batch_count = 0;

        while (batch_count < AM_PUT_BATCH && i + batch_count < count) {
            const struct alert *from = &alerts[i + batch_count];

            batch[batch_count++] = (struct am_alert){.labels = from->labels,
                                                     .annotations = from->annotations,
                                                     .starts_at = from->starts_at,
                                                     .ends_at = from->ends_at,
                                                     .generator_url = from->generator_url};
        }
        (void)put_batch(am, batch, batch_count, NULL);
    }
}

/* ---- Silences ---- */

int am_silence_set(struct am *am, const struct am_silence_spec *spec, char *ret_id,
                   struct baro_error *err)
{
    const struct am_silence *silence = NULL;
    int r;

    lock_acquire(&am->lock);
    r = am_silences_set(&am->silences, spec, am_now(am), &silence, err);
    if (r >= 0) {
        memcpy(ret_id, silence->id.ptr, silence->id.len + 1);
    }
    lock_release(&am->lock);
    return r >= 0 && am->state != NULL ? am_state_flush(am->state, FLUSH_PATIENCE, err) : r;
}

int am_silence_expire(struct am *am, str id, struct baro_error *err)
{
    int r;

    lock_acquire(&am->lock);
    r = am_silences_expire(&am->silences, id, am_now(am), err);
    lock_release(&am->lock);
    return r >= 0 && am->state != NULL ? am_state_flush(am->state, FLUSH_PATIENCE, err) : r;
}
