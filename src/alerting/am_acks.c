/* am's acknowledgements: set and taken back by requests and peers, seen by flushes and views. */
#include "alerting/am_peer_priv.h"
#include "alerting/am_priv.h"

#define FLUSH_PATIENCE ((dur)10 * DUR_SECOND)

/* One request is written down for so many of its alerts. */
enum { HISTORY_ROWS_MAX = 100 };

/* ---- Changes ---- */

static int put_locked(struct am *am, const struct am_ack *ack, struct baro_error *err)
{
    int r = am_acks_put(&am->acks, ack, err);

    if (r > 0 && am->state != NULL) {
        am_state_ack(am->state, am_acks_get(&am->acks, ack->fingerprint), false);
    }
    return r;
}

static void tell_peers_locked(struct am *am, uint64_t fingerprint)
{
    struct buf key = {0};

    buf_printf(&key, "%016llx", (unsigned long long)fingerprint);
    am_peers_changed_locked(am, 'a', buf_view(&key));
    buf_done(&key);
}

static void note_history(struct am *am, const struct am_kept *kept, const struct am_ack *ack)
{
    struct buf labels = {0};
    struct buf message = {0};

    if (am->state == NULL) {
        return;
    }
    labels_format(&labels, kept->alert.labels);
    buf_printf(&message, "%.*s: %.*s", STR_ARG(ack->created_by), STR_ARG(ack->comment));
    am_state_delivery(am->state,
                      &(struct am_delivery){.time = ack->updated_at,
                                            .receiver = STR(""),
                                            .integration = STR("acknowledgement"),
                                            .group_key = buf_view(&labels),
                                            .status = ack->is_taken_back ? STR("taken back")
                                                                         : STR("acknowledged"),
                                            .outcome = STR("ok"),
                                            .error = STR(""),
                                            .message = buf_view(&message),
                                            .alerts = 1});
    buf_done(&labels);
    buf_done(&message);
}

/* One alert; 0 when no such alert fires. */
static int set_one_locked(struct am *am, const struct am_ack *wanted, bool is_noted,
                          struct baro_error *err)
{
    const struct am_kept *kept = am_store_get(&am->store, wanted->fingerprint);
    const struct am_ack *before = am_acks_get(&am->acks, wanted->fingerprint);
    struct am_ack ack = *wanted;
    int r;

    if (kept == NULL || am_alert_is_resolved(&kept->alert, am_now(am)) ||
        (ack.is_taken_back && am_acks_find(&am->acks, &kept->alert, am_now(am)) == NULL)) {
        return 0;
    }
    ack.created_at = am_now(am);
    ack.updated_at = ack.created_at;
    if (before != NULL && before->updated_at >= ack.updated_at) {
        ack.updated_at = before->updated_at + 1;
    }
    /* What begins in the future has begun for this. */
    if (kept->alert.starts_at > ack.created_at) {
        ack.created_at = kept->alert.starts_at;
    }
    r = put_locked(am, &ack, err);
    if (r > 0) {
        tell_peers_locked(am, ack.fingerprint);
        if (is_noted) {
            note_history(am, kept, &ack);
        }
    }
    return r;
}

int am_ack_set(struct am *am, const struct am_ack *wanted, const uint64_t *fingerprints,
               size_t count, bool *ret_found, struct baro_error *err)
{
    size_t found = 0;
    int r = 0;

    lock_acquire(&am->lock);
    for (size_t i = 0; i < count && r >= 0; i++) {
        struct am_ack one = *wanted;

        one.fingerprint = fingerprints[i];
        r = set_one_locked(am, &one, found < HISTORY_ROWS_MAX, err);
        ret_found[i] = r > 0;
        found += r > 0 ? 1 : 0;
    }
    lock_release(&am->lock);
    r = r >= 0 && am->state != NULL ? am_state_flush(am->state, FLUSH_PATIENCE, err) : r;
    return r < 0 ? r : (int)found;
}

int am_ack_merge_locked(struct am *am, const struct am_ack *ack, struct baro_error *err)
{
    lock_assert_held(&am->lock);
    return put_locked(am, ack, err);
}

/* ---- Questions ---- */

void am_ack_list(struct am *am, struct arena *arena, struct am_ack_view **ret, size_t *ret_count)
{
    ts now = am_now(am);
    size_t index = 0;
    size_t count = 0;

    lock_acquire(&am->lock);
    *ret = ARENA_ARRAY(arena, struct am_ack_view, am->acks.items.count + 1);
    for (const struct am_fp_slot *slot; (slot = am_fps_next(&am->acks.items, &index)) != NULL;) {
        const struct am_kept *kept = am_store_get(&am->store, slot->fp);

        if (kept != NULL && am_acks_find(&am->acks, &kept->alert, now) != NULL) {
            am_ack_view_locked(am, &kept->alert, now, arena, &(*ret)[count].ack);
            (*ret)[count++].labels = labels_copy(arena, kept->alert.labels);
        }
    }
    lock_release(&am->lock);
    *ret_count = count;
}

bool am_ack_view_locked(struct am *am, const struct am_alert *alert, ts now, struct arena *arena,
                        struct am_ack *ret)
{
    const struct am_ack *ack = am_acks_find(&am->acks, alert, now);

    lock_assert_held(&am->lock);
    if (ack == NULL) {
        return false;
    }
    *ret = *ack;
    ret->created_by = arena_str(arena, ack->created_by);
    ret->comment = arena_str(arena, ack->comment);
    return true;
}

/* ---- What it is for ---- */

bool am_acks_cover_locked(struct am *am, const struct am_flush *flush)
{
    bool all = flush->firing_count > 0;

    lock_assert_held(&am->lock);
    for (size_t i = 0; i < flush->count && all; i++) {
        all = am_alert_is_resolved(&flush->alerts[i], flush->now) ||
              am_acks_find(&am->acks, &flush->alerts[i], flush->now) != NULL;
    }
    return all;
}

/* The log forgets after two repeat intervals what was told, and the group would be told as a new
 * one: an entry that holds a repeat back is kept for longer, with the time at which it was told. */
void am_acks_hold_locked(struct am *am, const struct am_flush *flush,
                         const struct am_nflog_entry *entry)
{
    dur expiry = 2 * flush->group->route->repeat_interval;
    struct am_nflog_entry longer = *entry;
    const struct am_nflog_entry *taken;

    lock_assert_held(&am->lock);
    am->counters.repeats_held++;
    expiry = expiry > 0 && expiry < am->options.retention ? expiry : am->options.retention;
    if (entry->expires_at - flush->now > expiry / 2) {
        return;
    }
    longer.expires_at = flush->now + expiry;
    taken = am_nflog_put(&am->nflog, &longer);
    if (taken != NULL && am->state != NULL) {
        am_state_entry(am->state, taken, false);
    }
}

/* ---- Forgetting ---- */

static bool is_over(void *context, const struct am_ack *ack)
{
    struct am *am = context;
    const struct am_kept *kept = am_store_get(&am->store, ack->fingerprint);

    return kept == NULL || am_acks_find(&am->acks, &kept->alert, am_now(am)) == NULL;
}

static void ack_gone(void *context, const struct am_ack *ack)
{
    struct am *am = context;

    if (am->state != NULL) {
        am_state_ack(am->state, ack, true);
    }
}

void am_acks_collect_locked(struct am *am)
{
    lock_assert_held(&am->lock);
    (void)am_acks_gc(&am->acks, am_now(am) - am->options.retention, is_over, ack_gone, am);
}
