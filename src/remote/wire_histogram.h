/*
 * wire_histogram: the message Histogram of remote write 1.0 and 2.0 and of remote read, which is
 * the same in all of them (1.0 has no start timestamp). Integer histograms carry differences of
 * counts, float histograms counts; which one it is tells the field of `count`. Source: prometheus's
 * prompb/types.proto and prompb/io/prometheus/write/v2/types.proto.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "model/histogram.h"
#include "model/sample.h"

/*
 * wire_histogram_read reads one message: *ret is a sample with h in the arena. What it holds may be
 * nonsense: ask histogram_check. Fails with BARO_EPARSE when the message is damaged or has more
 * than HISTOGRAM_BUCKETS_MAX items of a kind, with BARO_ELIMIT beyond the arena's limit.
 */
int wire_histogram_read(str message, struct arena *arena, struct sample *ret,
                        struct baro_error *err);

/* wire_histogram_put appends the message of a sample whose h is not NULL; st only when it is not 0.
 */
void wire_histogram_put(struct buf *buf, const struct sample *sample);
