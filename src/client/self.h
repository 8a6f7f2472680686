/*
 * self: barograph's own metrics, declared in self.yaml, from which the build makes the table
 * self.def. A row is one series; counters and gauges alike are doubles that any thread may change
 * without a lock.
 */
#pragma once

#include "base/buf.h"

enum self_type { SELF_COUNTER, SELF_GAUGE, SELF_SUMMARY };

enum self_id {
#define SELF(id, family, type, suffix, labels, help) SELF_##id,
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

/* self_head, self_value and self_one append lines of families whose figures are kept elsewhere:
 * HELP and TYPE; a sample (labels: "" or {a="b"}); both. */
void self_head(struct buf *buf, const char *name, const char *type, const char *help);
void self_value(struct buf *buf, const char *name, const char *labels, double v);
void self_one(struct buf *buf, const char *name, const char *type, const char *help, double v);
