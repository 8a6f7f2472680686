/*
 * am_sender: what becomes of the alerts of rules: they get the external labels, go through
 * alert_relabel_configs, and then to the Alertmanager of this process and to those that
 * alerting.alertmanagers finds, over API v2. Each of these has a queue of its own; what is over the
 * bound, or was not accepted, is dropped and counted: rules send again what still fires. Source:
 * Prometheus 3.14, notifier/. One thread (`alertmanagers`) runs discovery and requests.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/error.h"
#include "model/alert.h"

struct am_sender;
struct clock;
struct prom_config;

struct am_sender_options {
    struct clock *clock;
    struct alert_sink *local; /* NULL = none */
    size_t queue_max;         /* alerts that wait for one Alertmanager; 0 = 10,000 */
    size_t batch_max;         /* alerts in one request; 0 = 256 */
    bool drain;               /* at the end send what waits, for 10 s at most */
    const char *user_agent;   /* kept */
};

int am_sender_new(const struct am_sender_options *options, struct am_sender **ret,
                  struct baro_error *err);

/* am_sender_stop ends the thread, after draining; nothing is sent any more. */
void am_sender_stop(struct am_sender *sender);
struct am_sender *am_sender_free(struct am_sender *sender);
DEFINE_CLEANUP(am_sender_free, struct am_sender)

/* am_sender_apply makes a configuration the running one; keeps a reference. On failure (a regular
 * expression, a certificate, a discovery that is not supported) the one before stays. One thread at
 * a time. */
int am_sender_apply(struct am_sender *sender, struct prom_config *config, struct baro_error *err);

/* am_sender_sink is for rules; valid as long as the sender is. */
struct alert_sink *am_sender_sink(struct am_sender *sender);

/* am_sender_urls copies the URLs of the Alertmanagers that alerts go to, and of those that
 * relabelling dropped. Any thread. */
void am_sender_urls(struct am_sender *sender, struct arena *arena, str **ret_active,
                    size_t *ret_active_count, str **ret_dropped, size_t *ret_dropped_count);

/* am_sender_metrics_write appends prometheus_notifications_*. Any thread. */
void am_sender_metrics_write(struct am_sender *sender, struct buf *buf);
