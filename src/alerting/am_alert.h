/*
 * am_alert: an alert as Alertmanager keeps and sends it: what was received, completed (alertname in
 * the labels, both times set), with the fingerprint that names it. A value type that borrows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/dur.h"
#include "base/str.h"
#include "model/labels.h"

struct am_alert {
    struct labels labels;
    struct labels annotations;
    ts starts_at;
    ts ends_at;
    ts updated_at;
    str generator_url;
    uint64_t fingerprint;  /* am_fingerprint(labels) */
    bool ends_by_time_out; /* ends_at was not given: it is updated_at + resolve_timeout */
};

/* Times beyond the years 1 to 9999 are refused from peers: a sum with one might overflow. */
static inline bool am_time_is_sane(ts t)
{
    return t >= INT64_C(-62135596800000) && t <= INT64_C(253402300799999);
}

/* am_alert_is_resolved: at that time the alert is over. */
static inline bool am_alert_is_resolved(const struct am_alert *alert, ts now)
{
    return alert->ends_at <= now;
}

/*
 * am_fingerprint is prometheus/common's LabelSet.Fingerprint: FNV-1a of 64 bits over each name and
 * value in order of names, a byte 255 behind each. Its text form is %016x.
 */
uint64_t am_fingerprint(struct labels labels);

struct json;

/* am_labels_read reads a JSON object of texts, sorted, all in the arena; false when it is none or
 * has more than `most` members. */
bool am_labels_read(struct arena *arena, const struct json *object, size_t most,
                    struct labels *ret);
