/*
 * alert: what a rule hands on when it fires, and the interface of whoever takes it: floors above
 * `model` that make alerts do not know those that send them.
 */
#pragma once

#include <stddef.h>

#include "base/dur.h"
#include "base/str.h"
#include "model/labels.h"

/* One alert as Alertmanager's API has it. Borrowed for the call. */
struct alert {
    struct labels labels; /* alertname among them */
    struct labels annotations;
    ts starts_at;
    ts ends_at; /* in the future while it fires: when to take it as resolved if nothing more is
                   heard */
    str generator_url;
};

struct alert_sink {
    /* Takes alerts that fire, or were resolved since; must not block. Any thread. */
    void (*send)(struct alert_sink *sink, const struct alert *alerts, size_t count);
};
