/*
 * sample: sample values. Stale markers are told apart by bits, never with ==. Source: Prometheus
 * model/value.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/dur.h"

/* The NaN that marks a series as gone, and the ordinary NaN that Prometheus writes. */
#define VALUE_STALE_BITS UINT64_C(0x7ff0000000000002)
#define VALUE_NAN_BITS   UINT64_C(0x7ff8000000000001)

static inline uint64_t value_bits(double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    return bits;
}

static inline double value_from_bits(uint64_t bits)
{
    double v;

    memcpy(&v, &bits, sizeof(v));
    return v;
}

static inline bool value_is_stale(double v)
{
    return value_bits(v) == VALUE_STALE_BITS;
}

static inline double value_stale(void)
{
    return value_from_bits(VALUE_STALE_BITS);
}

struct histogram; /* native histograms: model/histogram.h */

/* One sample: a float, or a histogram where h is not NULL (v is then its sum, so that stale markers
 * of both kinds are found alike). */
struct sample {
    ts t;
    double v;
    const struct histogram *h;
    ts st; /* when the counting behind it began; 0 = unknown */
};

enum metric_type {
    METRIC_UNKNOWN,
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM,
    METRIC_GAUGE_HISTOGRAM,
    METRIC_SUMMARY,
    METRIC_INFO,
    METRIC_STATESET,
    METRIC_TYPE_COUNT,
};

/* metric_type_name is the word of the API and of OpenMetrics: "unknown", "counter", ...,
 * "gaugehistogram". */
const char *metric_type_name(enum metric_type type);
