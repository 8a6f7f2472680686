/*
 * sketch: quantiles of what was observed in the last while, at most 1 % off: counts in buckets 2 %
 * wide, in slices of time that take turns. Memory follows the number of different magnitudes that
 * were seen, at most SKETCH_BUCKETS_MAX a slice; what is new then counts in its neighbour. One
 * thread.
 */
#pragma once

#include <stdint.h>

#include "base/dur.h"

enum { SKETCH_SLICES = 5, SKETCH_BUCKETS_MAX = 2048 };

struct sketch_bucket {
    int32_t index;
    uint64_t count;
};

struct sketch_slice {
    int64_t period;
    struct sketch_bucket *buckets; /* by index, rising */
    uint32_t count, capacity;
};

struct sketch {
    dur slice_ms;
    struct sketch_slice slices[SKETCH_SLICES];
};

void sketch_init(struct sketch *sketch, dur max_age);
void sketch_done(struct sketch *sketch);

/* sketch_add counts a value `times` times; NaN and infinities are not counted. now_ms rises. */
void sketch_add(struct sketch *sketch, double value, uint64_t times, int64_t now_ms);

/* sketch_quantile is NaN when nothing was observed in max_age. */
double sketch_quantile(const struct sketch *sketch, double quantile, int64_t now_ms);
