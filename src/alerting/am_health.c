/* Whether the alertmanager does its work: for heartbeats. */
#include "alerting/am_priv.h"

/* The alerting thread is busy or stuck when it is so late. */
#define LATE_MAX_NS (30 * MONO_PER_SECOND)

static const struct am_target *failing_target(const struct am_setup *setup)
{
    for (size_t i = 0; setup != NULL && i < setup->receiver_count; i++) {
        for (size_t k = 0; k < setup->receivers[i].count; k++) {
            if (setup->receivers[i].items[k].failed_at != 0) {
                return &setup->receivers[i].items[k];
            }
        }
    }
    return NULL;
}

bool am_is_well(struct am *am, bool check_receivers, struct buf *ret_why)
{
    const struct am_timer *first;
    const struct am_target *failing;
    bool good = true;

    lock_acquire(&am->lock);
    first = am_timers_first(&am->timers);
    failing = check_receivers ? failing_target(am->setup) : NULL;
    if (first != NULL && am_mono(am) - first->due > LATE_MAX_NS) {
        buf_c(ret_why, "alerting: groups are not told in time");
        good = false;
    } else if (failing != NULL) {
        buf_printf(ret_why, "receiver %.*s cannot be told over %s", STR_ARG(failing->receiver),
                   failing->integration->kind->name);
        good = false;
    }
    lock_release(&am->lock);
    if (good && am->state != NULL && am_state_is_failing(am->state)) {
        buf_c(ret_why, "alerting: the state cannot be written");
        good = false;
    }
    return good;
}

bool am_alert_is_fresh(struct am *am, str name, dur age)
{
    ts now = am_now(am);
    size_t index = 0;
    bool found = false;

    lock_acquire(&am->lock);
    for (const struct am_fp_slot *slot;
         !found && (slot = am_fps_next(&am->store.alerts, &index)) != NULL;) {
        const struct am_alert *alert = &((const struct am_kept *)slot->value)->alert;
        str have = labels_get(alert->labels, STR("alertname"));

        found = have.ptr != NULL && str_eq(have, name) && !am_alert_is_resolved(alert, now) &&
                now - alert->updated_at <= age;
    }
    lock_release(&am->lock);
    return found;
}
