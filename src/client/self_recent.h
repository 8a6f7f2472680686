/*
 * self_recent: summaries of barograph's own times with quantiles over the last ten minutes, as
 * Prometheus keeps them (prometheus_engine_query_duration_seconds). Any thread. Quantiles come from
 * buckets that grow by a tenth, so they are within 5 % of the truth.
 */
#pragma once

#include "base/buf.h"
#include "sys/clock.h"

enum self_recent {
    SELF_RECENT_QUERY_INNER_EVAL,
    SELF_RECENT_QUERY_PREPARE_TIME,
    SELF_RECENT_WAL_FSYNC,
    SELF_RECENT_COUNT,
};

/* self_recent_add notes a time, in seconds, at a moment of the monotonic clock. */
void self_recent_add(enum self_recent id, double seconds, mono now);

/* self_recent_write appends the summaries as Prometheus text. */
void self_recent_write(struct buf *buf, mono now);
