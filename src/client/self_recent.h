/*
 * self_recent: summaries of barograph's own times with quantiles over the last ten minutes, as
 * Prometheus keeps them (prometheus_engine_query_duration_seconds). Any thread. Quantiles come from
 * buckets that grow by a tenth, so they are within 5 % of the truth.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "sys/clock.h"

enum self_recent {
    SELF_RECENT_QUERY_INNER_EVAL,
    SELF_RECENT_QUERY_PREPARE_TIME,
    SELF_RECENT_WAL_FSYNC,
    SELF_RECENT_RULE_EVALUATION,
    SELF_RECENT_FILE_SCAN,
    SELF_RECENT_COUNT,
};

/* Summaries that have a series for each value of a label. */
enum self_recent_family {
    SELF_RECENT_TARGET_INTERVAL, /* by interval */
    SELF_RECENT_TARGET_SYNC,     /* by scrape_job */
    SELF_RECENT_FAMILY_COUNT,
};

enum { SELF_RECENT_VALUES_MAX = 1000, SELF_RECENT_VALUE_BYTES = 256 };

/* self_recent_add notes a time, in seconds, at a moment of the monotonic clock. */
void self_recent_add(enum self_recent id, double seconds, mono now);

/* self_recent_by notes a time under a value of the family's label; more than SELF_RECENT_VALUES_MAX
 * of them, or a longer one, are not told. self_recent_forget takes a value out. */
void self_recent_by(enum self_recent_family family, str value, double seconds, mono now);
void self_recent_forget(enum self_recent_family family, str value);

/* self_recent_write appends the summaries as Prometheus text. */
void self_recent_write(struct buf *buf, mono now);
