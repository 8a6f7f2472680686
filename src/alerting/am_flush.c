#include <stdlib.h>

#include "alerting/am_peer_priv.h"
#include "alerting/am_priv.h"
#include "base/assert.h"

enum { SUPPRESSED_INHIBITION, SUPPRESSED_SILENCE, SUPPRESSED_MUTE_TIME, SUPPRESSED_ACTIVE_TIME };

static int kept_cmp(const void *a, const void *b)
{
    return am_alerts_cmp(&(*(struct am_kept *const *)a)->alert,
                         &(*(struct am_kept *const *)b)->alert);
}

static const struct am_alert *batch_of(struct am_flush *flush, struct arena *arena)
{
    struct am_alert *batch;

    if (flush->group->route->labels.count == 0) {
        return NULL;
    }
    batch = ARENA_ARRAY(arena, struct am_alert, flush->all_count);
    for (size_t i = 0; i < flush->all_count; i++) {
        batch[i] = flush->all[i]->alert;
    }
    return batch;
}

/* What the group has at this moment, in order. Later reports make new alerts, which are not seen.
 */
static struct am_flush *flush_new(struct am *am, struct am_group *group, ts now)
{
    struct arena arena = {0};
    struct am_flush *flush = ARENA_NEW(&arena, struct am_flush);
    dur time = group->route->group_interval > 10 * DUR_SECOND ? group->route->group_interval
                                                              : (dur)10 * DUR_SECOND;
    size_t index = 0;

    flush->timer.kind = AM_TIMER_FLUSH;
    flush->setup = am_setup_ref(am->setup);
    flush->group = group;
    flush->now = now;
    flush->deadline = am_mono(am) + time * MONO_PER_MS;
    flush->all = ARENA_ARRAY(&arena, struct am_kept *, group->alerts.count);
    for (const struct am_fp_slot *slot; (slot = am_fps_next(&group->alerts, &index)) != NULL;) {
        flush->all[flush->all_count++] = am_kept_ref(slot->value);
    }
    qsort(flush->all, flush->all_count, sizeof(struct am_kept *), kept_cmp);
    flush->batch = batch_of(flush, &arena);
    flush->alerts = ARENA_ARRAY(&arena, struct am_alert, flush->all_count);
    flush->arena = arena;
    group->flush = flush;
    return flush;
}

static void forget_resolved(struct am_group *group, const struct am_flush *flush)
{
    for (size_t i = 0; i < flush->all_count; i++) {
        struct am_kept *kept = flush->all[i];
        uint64_t fp = kept->alert.fingerprint;

        /* It may have fired anew meanwhile. */
        if (am_alert_is_resolved(&kept->alert, flush->now) &&
            am_fps_get(&group->alerts, fp) == kept) {
            (void)am_fps_remove(&group->alerts, fp);
            am_kept_unref(kept);
        }
    }
}

/* The last job has ended. */
static void flush_end_locked(struct am *am, struct am_flush *flush)
{
    struct am_group *group = flush->group;
    struct arena arena = flush->arena;

    ASSERT(flush->jobs_left == 0 && group->flush == flush);
    group->flush = NULL;
    if (!flush->failed) {
        forget_resolved(group, flush);
    }
    for (size_t i = 0; i < flush->all_count; i++) {
        am_kept_unref(flush->all[i]);
    }
    am_setup_unref(flush->setup);
    arena_done(&arena); /* the flush is in it */
    if (group->is_dropped) {
        am_group_free(group);
    } else if (group->is_late) {
        group->is_late = false;
        am_timers_start(&am->timers, &group->timer, am_mono(am));
    }
}

/* ---- What is muted ---- */

bool am_is_silenced_locked(struct am *am, struct am_kept *kept, ts now)
{
    am_silences_refresh(&am->silences, now);
    if (kept->silence_version != am->silences.version) {
        kept->is_silenced = am_silences_match(&am->silences, kept->alert.labels, NULL);
        kept->silence_version = am->silences.version;
    }
    return kept->is_silenced;
}

/* Whether the hours of the route let nothing through. */
static bool is_out_of_hours(struct am *am, struct am_group *group, const struct am_flush *flush,
                            size_t count)
{
    const struct am_route *route = group->route;
    str found = STR_NULL;

    group->muted_by = STR_NULL;
    if (route->active_time_intervals.count > 0 &&
        !am_times_find(&flush->setup->times, route->active_time_intervals, flush->now, &found)) {
        group->muted_by = route->active_time_intervals.items[0];
        am->counters.suppressed[SUPPRESSED_ACTIVE_TIME] += count;
        return true;
    }
    if (am_times_find(&flush->setup->times, route->mute_time_intervals, flush->now, &found)) {
        group->muted_by = found;
        am->counters.suppressed[SUPPRESSED_MUTE_TIME] += count;
        return true;
    }
    return false;
}

/* In Alertmanager's order: inhibition, hours, silences. */
static void select_alerts(struct am *am, struct am_group *group, struct am_flush *flush)
{
    struct am_kept **left = ARENA_ARRAY(&flush->arena, struct am_kept *, flush->all_count);
    size_t count = 0;

    for (size_t i = 0; i < flush->all_count; i++) {
        uint64_t by = 0;

        if (am_inhibitor_mutes(&flush->setup->inhibitor, flush->all[i]->alert.labels, flush->now,
                               &by)) {
            am->counters.suppressed[SUPPRESSED_INHIBITION]++;
        } else {
            left[count++] = flush->all[i];
        }
    }
    if (is_out_of_hours(am, group, flush, count)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (am_is_silenced_locked(am, left[i], flush->now)) {
            am->counters.suppressed[SUPPRESSED_SILENCE]++;
        } else {
            flush->alerts[flush->count++] = left[i]->alert;
            flush->firing_count += am_alert_is_resolved(&left[i]->alert, flush->now) ? 0 : 1;
        }
    }
}

/* ---- What is told to whom ---- */

static struct am_group_state state_of(struct am_flush *flush)
{
    uint64_t *hashes = ARENA_ARRAY(&flush->arena, uint64_t, flush->count);
    size_t firing = 0;
    size_t resolved = flush->firing_count;

    for (size_t i = 0; i < flush->count; i++) {
        bool over = am_alert_is_resolved(&flush->alerts[i], flush->now);

        hashes[over ? resolved++ : firing++] = flush->alerts[i].fingerprint;
    }
    return (struct am_group_state){.firing = hashes,
                                   .firing_count = flush->firing_count,
                                   .resolved = hashes + flush->firing_count,
                                   .resolved_count = flush->count - flush->firing_count};
}

static void set_alerts(struct am_flush *flush, struct am_job *job)
{
    struct am_alert *firing;

    job->alerts = flush->alerts;
    job->count = flush->count;
    if (job->target->send_resolved || flush->firing_count == flush->count) {
        return;
    }
    firing = ARENA_ARRAY(&flush->arena, struct am_alert, flush->firing_count);
    job->count = 0;
    for (size_t i = 0; i < flush->count; i++) {
        if (!am_alert_is_resolved(&flush->alerts[i], flush->now)) {
            firing[job->count++] = flush->alerts[i];
        }
    }
    job->alerts = firing;
}

/* What the log is to learn; the key is in the buffer. */
static struct am_nflog_entry entry_of(struct am *am, const struct am_flush *flush,
                                      const struct am_target *target,
                                      const struct am_group_state *state, struct buf *key)
{
    dur expiry = 2 * flush->group->route->repeat_interval;
    ts now = am_now(am);

    buf_str(key, flush->group->key);
    buf_str(key, target->suffix);
    expiry = expiry > 0 && expiry < am->options.retention ? expiry : am->options.retention;
    return (struct am_nflog_entry){.key = buf_view(key),
                                   .timestamp = now,
                                   .expires_at = now + expiry,
                                   .firing = state->firing,
                                   .firing_count = state->firing_count,
                                   .resolved = state->resolved,
                                   .resolved_count = state->resolved_count};
}

void am_nflog_record_locked(struct am *am, const struct am_flush *flush,
                            const struct am_target *target, const struct am_group_state *state,
                            str thread_id)
{
    struct buf key = {0};
    struct am_nflog_entry entry = entry_of(am, flush, target, state, &key);
    const struct am_nflog_entry *taken;

    entry.thread_id = thread_id;
    taken = am_nflog_put(&am->nflog, &entry);
    if (taken == NULL) {
        am->counters.nflog_refused++;
    } else if (am->state != NULL) {
        am_state_entry(am->state, taken, false);
    }
    am_peers_changed_locked(am, 'n', entry.key);
    buf_done(&key);
}

/* With something firing in the log already, its end is told anyway. */
bool am_nflog_intend_locked(struct am *am, struct am_job *job)
{
    struct buf key = {0};
    struct am_nflog_entry entry = entry_of(am, job->flush, job->target, &job->state, &key);
    const struct am_nflog_entry *known = am_nflog_get(&am->nflog, entry.key);

    if (am->state != NULL && !job->has_intent && job->state.firing_count > 0 &&
        (known == NULL || known->firing_count == 0)) {
        entry.timestamp = AM_NFLOG_INTENT;
        entry.thread_id = job->thread_id;
        am_state_entry(am->state, &entry, false);
        job->has_intent = true;
    }
    buf_done(&key);
    return job->has_intent;
}

/* It was not told: the file gets back what the log has. */
static void intent_drop_locked(struct am *am, struct am_job *job)
{
    struct buf key = {0};
    struct am_nflog_entry entry = entry_of(am, job->flush, job->target, &job->state, &key);
    const struct am_nflog_entry *known = am_nflog_get(&am->nflog, entry.key);

    am_state_entry(am->state, known != NULL ? known : &entry, known == NULL);
    buf_done(&key);
}

void am_flush_job_ended_locked(struct am *am, struct am_job *job, bool good)
{
    struct am_flush *flush = job->flush; /* the job is in its arena */

    ASSERT(flush->jobs_left > 0);
    if (job->has_intent && !good) {
        intent_drop_locked(am, job);
    }
    flush->failed = flush->failed || !good;
    if (--flush->jobs_left == 0) {
        flush_end_locked(am, flush);
    }
}

/* Whether one integration has to be told, and if so its job. */
static void tell(struct am *am, struct am_flush *flush, struct am_target *target,
                 const struct am_group_state *state)
{
    struct buf key = {0};
    const struct am_nflog_entry *entry;
    struct am_job *job;
    enum am_reason reason;

    buf_str(&key, flush->group->key);
    buf_str(&key, target->suffix);
    entry = am_nflog_get(&am->nflog, buf_view(&key));
    buf_done(&key);
    am->counters.nflog_queries++;
    reason = am_nflog_reason(entry, state, target->send_resolved,
                             flush->group->route->repeat_interval, flush->now);
    if (reason == AM_REASON_NONE) {
        return;
    }
    if (reason == AM_REASON_REPEAT && am_acks_cover_locked(am, flush)) {
        am_acks_hold_locked(am, flush, entry);
        return;
    }
    if (!target->send_resolved && flush->firing_count == 0) {
        /* Nothing that it wants to hear; but the log has to know that all is over. */
        am_nflog_record_locked(am, flush, target, state, STR_NULL);
        return;
    }
    job = ARENA_NEW(&flush->arena, struct am_job);
    job->timer.kind = AM_TIMER_JOB;
    job->flush = flush;
    job->target = target;
    job->state = *state;
    job->reason = reason;
    if (entry != NULL && entry->thread_id.len > 0) {
        job->thread_id = arena_str(&flush->arena, entry->thread_id);
    }
    set_alerts(flush, job);
    flush->jobs_left++;
    am->counters.notifications[target->kind_index]++;
    am_job_queue_locked(am, job);
}

void am_flush_tell_locked(struct am *am, struct am_flush *flush)
{
    const struct am_targets *targets = flush->group->targets;

    lock_assert_held(&am->lock);
    flush->jobs_left = 1; /* this one; so that no end comes before the last has begun */
    for (size_t i = 0; i < targets->count && flush->count > 0; i++) {
        tell(am, flush, &targets->items[i], &flush->state);
    }
    if (--flush->jobs_left == 0) {
        flush_end_locked(am, flush);
    }
}

void am_flush_drop_locked(struct am *am, struct am_flush *flush)
{
    flush->failed = true;
    flush_end_locked(am, flush);
}

void am_flush_begin_locked(struct am *am, struct am_group *group)
{
    ts now = am_now(am);
    struct am_flush *flush;
    dur wait;

    lock_assert_held(&am->lock);
    ASSERT(!group->is_dropped);
    if (group->flush != NULL) {
        group->is_late = true;
        return;
    }
    am_timers_start(&am->timers, &group->timer,
                    am_mono(am) + group->route->group_interval * MONO_PER_MS);
    group->has_flushed = true;
    if (group->alerts.count == 0) {
        return;
    }
    flush = flush_new(am, group, now);
    select_alerts(am, group, flush);
    flush->state = state_of(flush);
    wait = flush->count > 0 ? am_peers_wait_locked(am) : 0;
    if (wait > 0) {
        flush->deadline += wait * MONO_PER_MS;
        am_timers_start(&am->timers, &flush->timer, am_mono(am) + wait * MONO_PER_MS);
    } else {
        am_flush_tell_locked(am, flush);
    }
}
