/*
 * am_inhibit: inhibition: alerts that match a rule's target are muted while one that matches its
 * source fires with equal labels. Sources are indexed by the values of those labels. Source:
 * Alertmanager 0.34, inhibit/. Lock: the alertmanager's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alerting/am_config.h"
#include "alerting/am_fps.h"
#include "alerting/am_store.h"

struct am_inhibitor {
    const struct am_inhibit_rule *rules;
    size_t count;
    struct am_fps *sources; /* of each rule: hash of the equal labels -> struct am_fps of alerts */
};

/* am_inhibitor_init borrows the rules. */
void am_inhibitor_init(struct am_inhibitor *inhibitor, const struct am_inhibit_rule *rules,
                       size_t count);
void am_inhibitor_done(struct am_inhibitor *inhibitor);

/* am_inhibitor_put takes notice of an alert, which replaces the one with its fingerprint and must
 * stay until am_inhibitor_remove or the next put. */
void am_inhibitor_put(struct am_inhibitor *inhibitor, struct am_kept *kept);
void am_inhibitor_remove(struct am_inhibitor *inhibitor, const struct am_kept *kept);

/* am_inhibitor_mutes says whether the labels are inhibited, and by which alert. */
bool am_inhibitor_mutes(const struct am_inhibitor *inhibitor, struct labels labels, ts now,
                        uint64_t *ret_by);
