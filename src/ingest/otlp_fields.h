/*
 * otlp_fields: the numbers of the fields of OTLP's metrics, message by message. Source:
 * opentelemetry-proto 1.x, collector/metrics/v1, metrics/v1, common/v1, resource/v1.
 */
#pragma once

enum { EXPORT_RESOURCE_METRICS = 1 };
enum { RESOURCE_METRICS_RESOURCE = 1, RESOURCE_METRICS_SCOPE_METRICS, RESOURCE_METRICS_SCHEMA_URL };
enum { RESOURCE_ATTRIBUTES = 1 };
enum { SCOPE_METRICS_SCOPE = 1, SCOPE_METRICS_METRICS, SCOPE_METRICS_SCHEMA_URL };
enum { SCOPE_NAME = 1, SCOPE_VERSION, SCOPE_ATTRIBUTES };
enum {
    METRIC_NAME = 1,
    METRIC_DESCRIPTION = 2,
    METRIC_UNIT = 3,
    METRIC_DATA_GAUGE = 5,
    METRIC_DATA_SUM = 7,
    METRIC_DATA_HISTOGRAM = 9,
    METRIC_DATA_EXPONENTIAL = 10,
    METRIC_DATA_SUMMARY = 11,
};
/* Gauge, Sum, Histogram, ExponentialHistogram, Summary */
enum { DATA_POINTS = 1, DATA_TEMPORALITY = 2, DATA_MONOTONIC = 3 };
enum { TEMPORALITY_UNSPECIFIED, TEMPORALITY_DELTA, TEMPORALITY_CUMULATIVE };
/* All kinds of points. */
enum { POINT_START = 2, POINT_TIME = 3 };
enum {
    NUMBER_DOUBLE = 4,
    NUMBER_EXEMPLARS = 5,
    NUMBER_INT = 6,
    NUMBER_ATTRIBUTES = 7,
    NUMBER_FLAGS = 8,
};
enum {
    HISTOGRAM_COUNT = 4,
    HISTOGRAM_SUM = 5,
    HISTOGRAM_BUCKETS = 6,
    HISTOGRAM_BOUNDS = 7,
    HISTOGRAM_EXEMPLARS = 8,
    HISTOGRAM_ATTRIBUTES = 9,
    HISTOGRAM_FLAGS = 10,
};
enum {
    EXPONENTIAL_ATTRIBUTES = 1,
    EXPONENTIAL_COUNT = 4,
    EXPONENTIAL_SUM = 5,
    EXPONENTIAL_SCALE = 6,
    EXPONENTIAL_ZERO_COUNT = 7,
    EXPONENTIAL_POSITIVE = 8,
    EXPONENTIAL_NEGATIVE = 9,
    EXPONENTIAL_FLAGS = 10,
    EXPONENTIAL_EXEMPLARS = 11,
};
enum { BUCKETS_OFFSET = 1, BUCKETS_COUNTS = 2 };
enum {
    SUMMARY_COUNT = 4,
    SUMMARY_SUM = 5,
    SUMMARY_QUANTILES = 6,
    SUMMARY_ATTRIBUTES = 7,
    SUMMARY_FLAGS = 8
};
enum { QUANTILE_QUANTILE = 1, QUANTILE_VALUE = 2 };
enum {
    EXEMPLAR_TIME = 2,
    EXEMPLAR_DOUBLE = 3,
    EXEMPLAR_SPAN = 4,
    EXEMPLAR_TRACE = 5,
    EXEMPLAR_INT = 6,
    EXEMPLAR_ATTRIBUTES = 7,
};
/* KeyValue is a pair as model/proto_parts has it. */
enum {
    ANY_STRING = 1,
    ANY_BOOL,
    ANY_INT,
    ANY_DOUBLE,
    ANY_ARRAY,
    ANY_KVLIST,
    ANY_BYTES,
};
enum { LIST_VALUES = 1 };

/* Of a point's flags: there is no value, the series has ended. */
enum { FLAG_NO_RECORDED_VALUE = 1 };
