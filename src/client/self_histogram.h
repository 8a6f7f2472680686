/*
 * self_histogram: classic histograms of barograph's own figures, with the buckets that Prometheus
 * gives them. Any thread; adding takes no lock. Declared in self.yaml without an id.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"

enum self_histogram {
    SELF_HISTOGRAM_CHUNK_RANGE,
    SELF_HISTOGRAM_CHUNK_SAMPLES,
    SELF_HISTOGRAM_CHUNK_SIZE,
    SELF_HISTOGRAM_COMPACTION,
    SELF_HISTOGRAM_OOO_DELTA,
    SELF_HISTOGRAM_TOMBSTONE_CLEANUP,
    SELF_HISTOGRAM_COUNT,
};

/* self_histogram_add notes one figure; self_histogram_count is how many there were. */
void self_histogram_add(enum self_histogram id, double value);
uint64_t self_histogram_count(enum self_histogram id);

/* self_histogram_write appends all of them as Prometheus text. */
void self_histogram_write(struct buf *buf);
