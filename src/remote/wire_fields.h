/*
 * wire_fields: the numbers of the fields of remote write's and remote read's messages, and the
 * pairs of strings that labels are in all but remote write 2.0.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "codec/bytes.h"
#include "model/labels.h"
#include "model/sample.h"

/* prometheus.WriteRequest */
enum { REQUEST1_SERIES = 1, REQUEST1_FAMILY = 3 };
/* io.prometheus.write.v2.Request */
enum { REQUEST2_SYMBOL = 4, REQUEST2_SERIES = 5 };
/* prometheus.TimeSeries, which is also what remote read answers with */
enum { SERIES1_LABEL = 1, SERIES1_SAMPLE, SERIES1_EXEMPLAR, SERIES1_HISTOGRAM };
/* io.prometheus.write.v2.TimeSeries */
enum {
    SERIES2_REFS = 1,
    SERIES2_SAMPLE,
    SERIES2_HISTOGRAM,
    SERIES2_EXEMPLAR,
    SERIES2_METADATA,
};
enum { SAMPLE_VALUE = 1, SAMPLE_TIME, SAMPLE_START };
enum { EXEMPLAR_LABELS = 1, EXEMPLAR_VALUE, EXEMPLAR_TIME };
/* prometheus.MetricMetadata, and the message of 2.0, which has no name and refers to symbols */
enum { FAMILY_TYPE = 1, FAMILY_NAME = 2, FAMILY_HELP = 4, FAMILY_UNIT = 5 };
enum { METADATA_TYPE = 1, METADATA_HELP = 3, METADATA_UNIT = 4 };

/* wire_label_put appends a pair as field `number` of the message around it. */
void wire_label_put(struct buf *buf, uint32_t number, struct label label);

/* wire_sample_put appends a float sample as field `number`; st only when it is not 0. */
void wire_sample_put(struct buf *buf, uint32_t number, const struct sample *sample);

/* wire_sample_read reads the message of a float sample, its start timestamp only when wanted; false
 * when it is damaged. */
bool wire_sample_read(str message, bool with_start, struct sample *ret);

/* wire_bytes_size is how many bytes a field of `size` bytes takes, with its tag (numbers up to 15)
 * and length. */
size_t wire_bytes_size(size_t size);

/* wire_bytes_head appends the tag and length of a field whose bytes follow. */
void wire_bytes_head(struct buf *buf, uint32_t number, size_t size);
