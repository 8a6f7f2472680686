/* serve_alerting: alerting of the running program: the alertmanager, the way to others, and their
 * configurations. */
#pragma once

#include "app/serve_priv.h"

/* An alertmanager's configuration, read and checked. */
struct serve_alerting {
    struct am_config *config;
    struct buf text;
};

/* serve_alerting_load reads --alertmanager.config-file, or makes one that notifies nobody. On
 * failure all faults are printed when `print` is set, and err has the first one. */
int serve_alerting_load(const struct serve *serve, bool print, struct serve_alerting *ret,
                        struct baro_error *err);
void serve_alerting_done(struct serve_alerting *alerting);

/* serve_alerting_start opens the state and begins, before the rules do. serve_alerting_apply makes
 * configurations the running ones. Both take the alertmanager's over. */
int serve_alerting_start(struct serve *serve, struct serve_alerting *alerting,
                         struct baro_error *err);
int serve_alerting_apply(struct serve *serve, struct prom_config *config,
                         struct serve_alerting *alerting, struct baro_error *err);

/* serve_alerting_sink is where rules send alerts. */
struct alert_sink *serve_alerting_sink(struct serve *serve);

/* serve_alerting_stop ends the sending, once rules have stopped; serve_alerting_free once the
 * server has. */
void serve_alerting_stop(struct serve *serve);
void serve_alerting_free(struct serve *serve);
