#include "alerting/am_config_priv.h"
#include "alerting/am_priv.h"
#include "base/num.h"
#include "client/self.h"

/* One line a kind of integration. */
static void by_kind(struct buf *buf, const char *name, const char *help, const uint64_t *counts)
{
    self_head(buf, name, "counter", help);
    for (size_t i = 0; i < am_kind_count; i++) {
        buf_printf(buf, "%s{integration=\"%s\"} %llu\n", name, am_kinds[i].name,
                   (unsigned long long)counts[i]);
    }
}

static void failures(struct buf *buf, const struct am_counters *counters)
{
    static const char *const reasons[AM_FAILED_COUNT] = {
        [AM_FAILED_OTHER] = "other",
        [AM_FAILED_CLIENT] = "clientError",
        [AM_FAILED_SERVER] = "serverError",
        [AM_FAILED_CANCELED] = "contextCanceled",
        [AM_FAILED_DEADLINE] = "contextDeadlineExceeded",
        [AM_FAILED_AUTH] = "authError",
        [AM_FAILED_RATE] = "rateLimited",
    };
    const char *name = "alertmanager_notifications_failed_total";

    self_head(buf, name, "counter", "Notifications that failed for good, by reason.");
    for (size_t i = 0; i < am_kind_count; i++) {
        for (size_t k = 0; k < ARRAY_COUNT(reasons); k++) {
            buf_printf(buf, "%s{integration=\"%s\",reason=\"%s\"} %llu\n", name, am_kinds[i].name,
                       reasons[k], (unsigned long long)counters->notifications_failed[i][k]);
        }
    }
}

static void latency(struct buf *buf, const struct am_counters *counters)
{
    static const char *const bounds[AM_LATENCY_BUCKETS] = {"1", "5", "10", "15", "20", "+Inf"};
    const char *name = "alertmanager_notification_latency_seconds";

    self_head(buf, name, "histogram", "Time that attempts to notify took.");
    for (size_t i = 0; i < am_kind_count; i++) {
        uint64_t sum = 0;

        for (size_t k = 0; k < AM_LATENCY_BUCKETS; k++) {
            sum += counters->latency[i][k];
            buf_printf(buf, "%s_bucket{integration=\"%s\",le=\"%s\"} %llu\n", name,
                       am_kinds[i].name, bounds[k], (unsigned long long)sum);
        }
        buf_printf(buf, "%s_sum{integration=\"%s\"} ", name, am_kinds[i].name);
        buf_double(buf, counters->latency_sum[i], NUM_G);
        buf_printf(buf, "\n%s_count{integration=\"%s\"} %llu\n", name, am_kinds[i].name,
                   (unsigned long long)counters->latency_count[i]);
    }
}

static void alerts_locked(struct am *am, struct buf *buf, ts now)
{
    size_t active = 0;
    size_t suppressed = 0;
    size_t index = 0;

    lock_assert_held(&am->lock);
    for (const struct am_fp_slot *slot; (slot = am_fps_next(&am->store.alerts, &index)) != NULL;) {
        struct am_kept *kept = slot->value;
        uint64_t by = 0;
        bool muted;

        if (am_alert_is_resolved(&kept->alert, now)) {
            continue;
        }
        muted = am_is_silenced_locked(am, kept, now) ||
                (am->setup != NULL &&
                 am_inhibitor_mutes(&am->setup->inhibitor, kept->alert.labels, now, &by));
        suppressed += muted ? 1 : 0;
        active += muted ? 0 : 1;
    }
    self_head(buf, "alertmanager_alerts", "gauge", "Alerts that are not over, by state.");
    self_value(buf, "alertmanager_alerts", "{state=\"active\"}", (double)active);
    self_value(buf, "alertmanager_alerts", "{state=\"suppressed\"}", (double)suppressed);
    self_value(buf, "alertmanager_alerts", "{state=\"unprocessed\"}", 0);
}

static void silences_locked(struct am *am, struct buf *buf, ts now)
{
    static const char *const labels[] = {"{state=\"active\"}", "{state=\"pending\"}",
                                         "{state=\"expired\"}"};
    size_t counts[3] = {0};

    lock_assert_held(&am->lock);
    for (size_t i = 0; i < am->silences.items.count; i++) {
        counts[am_silence_state_of(am->silences.items.items[i], now)]++;
    }
    self_head(buf, "alertmanager_silences", "gauge", "Silences by state.");
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        self_value(buf, "alertmanager_silences", labels[i], (double)counts[i]);
    }
}

static void received(struct buf *buf, const struct am_counters *counters)
{
    self_head(buf, "alertmanager_alerts_received_total", "counter", "Alerts that were taken.");
    self_value(buf, "alertmanager_alerts_received_total", "{status=\"firing\",version=\"v2\"}",
               (double)counters->received_firing);
    self_value(buf, "alertmanager_alerts_received_total", "{status=\"resolved\",version=\"v2\"}",
               (double)counters->received_resolved);
    self_head(buf, "alertmanager_alerts_invalid_total", "counter", "Alerts that were invalid.");
    self_value(buf, "alertmanager_alerts_invalid_total", "{version=\"v2\"}",
               (double)counters->invalid);
    self_one(buf, "alertmanager_alerts_limited_total", "counter",
             "Alerts refused because too many are known.", (double)counters->refused);
}

static void suppressed(struct buf *buf, const struct am_counters *counters)
{
    static const char *const labels[] = {"{reason=\"inhibition\"}", "{reason=\"silence\"}",
                                         "{reason=\"mute_time_interval\"}",
                                         "{reason=\"active_time_interval\"}"};
    const char *name = "alertmanager_notifications_suppressed_total";

    self_head(buf, name, "counter", "Alerts that were left out of notifications, by reason.");
    for (size_t i = 0; i < ARRAY_COUNT(labels); i++) {
        self_value(buf, name, labels[i], (double)counters->suppressed[i]);
    }
}

static void state(struct am *am, struct buf *buf)
{
    struct am_state_stats stats = {0};

    if (am->state != NULL) {
        am_state_stats(am->state, &stats);
    }
    self_one(buf, "barograph_alerting_state_changes_total", "counter",
             "Changes of alerts, silences and the notification log that were written.",
             (double)stats.changes);
    self_one(buf, "barograph_alerting_state_failures_total", "counter",
             "Transactions of the alerting state that failed.", (double)stats.failures);
    self_one(buf, "barograph_alerting_state_queue_bytes", "gauge",
             "Changes of the alerting state that wait to be written.", (double)stats.queued_bytes);
    self_one(buf, "barograph_alerting_state_refused_total", "counter",
             "Changes of the alerting state that were not kept because too many waited.",
             (double)stats.refused);
    self_one(buf, "barograph_alerting_state_transactions_total", "counter",
             "Transactions of the alerting state.", (double)stats.transactions);
}

static void general_locked(struct am *am, struct buf *buf)
{
    const struct am_counters *counters = &am->counters;
    size_t integrations = 0;

    for (size_t i = 0; am->setup != NULL && i < am->setup->receiver_count; i++) {
        integrations += am->setup->receivers[i].count;
    }
    self_one(buf, "alertmanager_dispatcher_aggregation_groups", "gauge", "Groups of alerts.",
             (double)am->groups.count);
    self_one(buf, "alertmanager_dispatcher_aggregation_group_limit_reached_total", "counter",
             "Alerts that were left out because there are too many groups.",
             (double)counters->group_limit);
    self_one(buf, "alertmanager_integrations", "gauge", "Integrations of all receivers.",
             (double)integrations);
    self_one(buf, "alertmanager_nflog_gc_entries_total", "counter",
             "Entries of the notification log that were forgotten.", (double)counters->nflog_gc);
    self_one(buf, "alertmanager_nflog_queries_total", "counter",
             "Questions to the notification log.", (double)counters->nflog_queries);
    self_one(buf, "alertmanager_nflog_refused_total", "counter",
             "Entries that the notification log did not take.", (double)counters->nflog_refused);
    self_one(buf, "alertmanager_notifications_waiting", "gauge",
             "Notifications that wait for a thread.", (double)am->jobs_waiting);
    self_one(buf, "alertmanager_receivers", "gauge", "Receivers.",
             am->setup != NULL ? (double)am->setup->receiver_count : 0);
    self_one(buf, "barograph_alerting_repeats_held_total", "counter",
             "Repeats that were held back because all alerts of the group are acknowledged.",
             (double)counters->repeats_held);
    self_one(buf, "alertmanager_silences_gc_total", "counter", "Silences that were forgotten.",
             (double)counters->silence_gc);
}

void am_metrics_write(struct am *am, struct buf *buf)
{
    ts now = am_now(am);
    struct am_counters counters;

    lock_acquire(&am->lock);
    alerts_locked(am, buf, now);
    silences_locked(am, buf, now);
    general_locked(am, buf);
    counters = am->counters;
    lock_release(&am->lock);
    received(buf, &counters);
    by_kind(buf, "alertmanager_notifications_total", "Notifications that were begun.",
            counters.notifications);
    failures(buf, &counters);
    by_kind(buf, "alertmanager_notification_requests_total", "Attempts to notify.",
            counters.requests);
    by_kind(buf, "alertmanager_notification_requests_failed_total",
            "Attempts to notify that failed.", counters.requests_failed);
    latency(buf, &counters);
    suppressed(buf, &counters);
    state(am, buf);
}
