/*
 * The quantiles of a summary: counts in buckets 2 % wide, in slices of time that take turns, so
 * that a quantile is of the last max_age and at most 1 % off. The buckets cover 1e-9 to 1e+9 of
 * both signs, which is wide enough for seconds and for bytes; what is beyond counts in the
 * outermost one.
 */
#include "client/baro_priv.h"

#include <stdlib.h>

enum {
    SLICES = 5,
    SCHEMA = 5,          /* a factor of 2^(1/32) = 1.0219 */
    INDEX_MAX = 32 * 30, /* 2^30 = 1.07e9 */
    SIDE = 2 * INDEX_MAX + 1,
    BUCKETS = 2 * SIDE + 1, /* negative, zero, positive */
};

struct slice {
    uint64_t period; /* which turn of time its counts are of; atomic */
    uint32_t counts[BUCKETS];
};

struct window {
    int64_t slice_ns;
    struct slice slices[SLICES];
};

void *baro_summary_window_new(const struct baro_family *family)
{
    struct window *window = calloc(1, sizeof(*window));

    if (window != NULL) {
        window->slice_ns = (int64_t)family->max_age_s * 1000000000 / SLICES;
    }
    return window;
}

static uint32_t bucket_of(double value)
{
    double magnitude = value < 0 ? -value : value;
    int32_t index;

    if (magnitude == 0) {
        return SIDE;
    }
    index = magnitude > 1e300 ? INDEX_MAX : baro_native_index(magnitude, SCHEMA);
    index = index > INDEX_MAX ? INDEX_MAX : index < -INDEX_MAX ? -INDEX_MAX : index;
    index += INDEX_MAX;
    return value < 0 ? (uint32_t)(SIDE - 1 - index) : (uint32_t)(SIDE + 1 + index);
}

/* The first one to come into a new period clears the slice. Whoever counts in it just then may be
 * counted in neither. */
void baro_summary_record(struct baro_series *series, double value)
{
    struct window *window = __atomic_load_n(&series->extra, __ATOMIC_ACQUIRE);
    uint64_t period;
    uint64_t there;
    struct slice *slice;

    if (window == NULL || value != value) {
        return;
    }
    period = (uint64_t)(baro_now_ns() / window->slice_ns);
    slice = &window->slices[period % SLICES];
    there = __atomic_load_n(&slice->period, __ATOMIC_RELAXED);
    if (BARO_UNLIKELY(there != period) &&
        __atomic_compare_exchange_n(&slice->period, &there, period, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED)) {
        for (uint32_t i = 0; i < BUCKETS; i++) {
            __atomic_store_n(&slice->counts[i], 0, __ATOMIC_RELAXED);
        }
    }
    (void)__atomic_fetch_add(&slice->counts[bucket_of(value)], 1, __ATOMIC_RELAXED);
}

/* 2^(x/32), x = 0..31: the middle of a bucket is its upper bound less half its width. */
static double bound_of(int32_t index)
{
    static const double step = 1.0218971486541166; /* 2^(1/32) */
    double value = 1;
    int32_t whole = index >> SCHEMA;

    for (int32_t i = whole * 32; i < index; i++) {
        value *= step;
    }
    return value * baro_double_of((uint64_t)(1023 + whole) << 52);
}

static double value_of(uint32_t bucket)
{
    int32_t index;
    double middle;

    if (bucket == SIDE) {
        return 0;
    }
    index = bucket > SIDE ? (int32_t)(bucket - SIDE - 1) : (int32_t)(SIDE - 1 - bucket);
    middle = (bound_of(index - INDEX_MAX - 1) + bound_of(index - INDEX_MAX)) / 2;
    return bucket > SIDE ? middle : -middle;
}

double baro_summary_quantile_of(const struct baro_series *series, double quantile)
{
    struct window *window = __atomic_load_n(&series->extra, __ATOMIC_ACQUIRE);
    const double none = baro_double_of((uint64_t)0x7FF8 << 48);
    uint64_t period;
    uint64_t total = 0;
    uint64_t before = 0;
    uint64_t counts[SLICES];

    if (window == NULL || !(quantile >= 0 && quantile <= 1)) {
        return none;
    }
    period = (uint64_t)(baro_now_ns() / window->slice_ns);
    for (int s = 0; s < SLICES; s++) {
        counts[s] = 0;
        if (period - __atomic_load_n(&window->slices[s].period, __ATOMIC_RELAXED) < SLICES) {
            for (uint32_t i = 0; i < BUCKETS; i++) {
                counts[s] += __atomic_load_n(&window->slices[s].counts[i], __ATOMIC_RELAXED);
            }
        }
        total += counts[s];
    }
    for (uint32_t i = 0; total > 0 && i < BUCKETS; i++) {
        for (int s = 0; s < SLICES; s++) {
            if (counts[s] > 0) {
                before += __atomic_load_n(&window->slices[s].counts[i], __ATOMIC_RELAXED);
            }
        }
        if (before > 0 && (double)before >= quantile * (double)total) {
            return value_of(i);
        }
    }
    return none;
}
