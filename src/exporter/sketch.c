#include "exporter/sketch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

/* A bucket i holds (GROWTH^(i-1), GROWTH^i]. Magnitudes below 1e-9 are zero; the offset keeps
 * indexes of positive values positive (ln 1e-9 / ln 1.02 = -1046.5), negative ones mirror them. */
static const double growth = 1.02;
enum { OFFSET = 1048 };

void sketch_init(struct sketch *sketch, dur max_age)
{
    *sketch =
        (struct sketch){.slice_ms = max_age / SKETCH_SLICES > 0 ? max_age / SKETCH_SLICES : 1};
}

void sketch_done(struct sketch *sketch)
{
    for (size_t i = 0; i < SKETCH_SLICES; i++) {
        sketch->slices[i].buckets = mem_free(sketch->slices[i].buckets);
        sketch->slices[i].count = sketch->slices[i].capacity = 0;
    }
}

static int32_t index_of(double value)
{
    double magnitude = fabs(value);
    int32_t index = magnitude < 1e-9 ? 0 : (int32_t)ceil(log(magnitude) / log(growth)) + OFFSET;

    return value < 0 ? -index : index;
}

/* The middle of a bucket, which is at most 1 % off all of it. */
static double value_of(int32_t index)
{
    double magnitude =
        index == 0 ? 0 : pow(growth, (double)(abs(index) - OFFSET)) * 2 / (1 + growth);

    return index < 0 ? -magnitude : magnitude;
}

/* Where the index is, or belongs. */
static uint32_t place_of(const struct sketch_slice *slice, int32_t index)
{
    uint32_t low = 0;
    uint32_t high = slice->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (slice->buckets[middle].index < index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void slice_add(struct sketch_slice *slice, int32_t index, uint64_t times)
{
    uint32_t at = place_of(slice, index);

    if (at < slice->count && slice->buckets[at].index == index) {
        slice->buckets[at].count += times;
        return;
    }
    if (slice->count >= SKETCH_BUCKETS_MAX) {
        slice->buckets[at < slice->count ? at : slice->count - 1].count += times;
        return;
    }
    if (slice->count == slice->capacity) {
        slice->capacity = slice->capacity == 0 ? 16 : slice->capacity * 2;
        slice->buckets = mem_realloc(slice->buckets, slice->capacity * sizeof(slice->buckets[0]));
    }
    memmove(&slice->buckets[at + 1], &slice->buckets[at],
            (slice->count - at) * sizeof(slice->buckets[0]));
    slice->buckets[at] = (struct sketch_bucket){index, times};
    slice->count++;
    DASSERT(at == 0 || slice->buckets[at - 1].index < index);
}

void sketch_add(struct sketch *sketch, double value, uint64_t times, int64_t now_ms)
{
    int64_t period = now_ms / sketch->slice_ms;
    struct sketch_slice *slice = &sketch->slices[(uint64_t)period % SKETCH_SLICES];

    if (!isfinite(value)) {
        return;
    }
    if (slice->period != period) {
        slice->period = period;
        slice->count = 0;
    }
    slice_add(slice, index_of(value), times);
}

double sketch_quantile(const struct sketch *sketch, double quantile, int64_t now_ms)
{
    int64_t period = now_ms / sketch->slice_ms;
    const struct sketch_slice *live[SKETCH_SLICES];
    uint32_t at[SKETCH_SLICES] = {0};
    size_t live_count = 0;
    uint64_t total = 0;
    uint64_t before = 0;

    for (size_t i = 0; i < SKETCH_SLICES; i++) {
        const struct sketch_slice *slice = &sketch->slices[i];

        if (slice->count > 0 && period - slice->period < SKETCH_SLICES) {
            live[live_count++] = slice;
            for (uint32_t k = 0; k < slice->count; k++) {
                total += slice->buckets[k].count;
            }
        }
    }
    /* A merge of the slices, smallest index first, until the rank is reached. */
    while (total > 0) {
        int32_t lowest = INT32_MAX;

        for (size_t i = 0; i < live_count; i++) {
            if (at[i] < live[i]->count && live[i]->buckets[at[i]].index < lowest) {
                lowest = live[i]->buckets[at[i]].index;
            }
        }
        for (size_t i = 0; i < live_count; i++) {
            if (at[i] < live[i]->count && live[i]->buckets[at[i]].index == lowest) {
                before += live[i]->buckets[at[i]++].count;
            }
        }
        if ((double)before >= quantile * (double)total || before == total) {
            return value_of(lowest);
        }
    }
    return NAN;
}
