/*
 * self: barograph's own metrics, rows of self.def. A row is one series; counters and gauges alike
 * are doubles that any thread may change without a lock. Until libbaro serves this, it is the whole
 * of the program's self-telemetry.
 */
#pragma once

#include "base/buf.h"

enum self_type { SELF_COUNTER, SELF_GAUGE };

enum self_id {
#define SELF(id, name, type, labels, help) SELF_##id,
#include "client/self.def"
#undef SELF
    SELF_ID_COUNT,
};

/* self_add adds to a row; self_set replaces it; self_get reads it. */
void self_add(enum self_id id, double amount);
void self_set(enum self_id id, double value);
double self_get(enum self_id id);

/* self_write appends all rows as Prometheus text 0.0.4, HELP and TYPE included. */
void self_write(struct buf *buf);
