#include "model/sample.h"

#include "base/assert.h"

static const char *const names[METRIC_TYPE_COUNT] = {
    [METRIC_UNKNOWN] = "unknown", [METRIC_COUNTER] = "counter",
    [METRIC_GAUGE] = "gauge",     [METRIC_HISTOGRAM] = "histogram",
    [METRIC_SUMMARY] = "summary", [METRIC_GAUGE_HISTOGRAM] = "gaugehistogram",
    [METRIC_INFO] = "info",       [METRIC_STATESET] = "stateset",
};

const char *metric_type_name(enum metric_type type)
{
    ASSERT(type < METRIC_TYPE_COUNT);
    return names[type];
}
