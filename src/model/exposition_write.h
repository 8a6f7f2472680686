/*
 * exposition_write: Prometheus text 0.0.4 out, for /federate. Lines look as those of Prometheus's
 * own encoder (prometheus/common expfmt). Failure is the sticky one of the buf.
 */
#pragma once

#include "base/buf.h"
#include "base/dur.h"
#include "model/labels.h"
#include "model/sample.h"

/* exposition_write_type appends "# TYPE NAME TYPE"; METRIC_UNKNOWN is "untyped", and the types that
 * only OpenMetrics has too. */
void exposition_write_type(struct buf *buf, str name, enum metric_type type);

/*
 * exposition_write_sample appends one line: name, the labels in the order given (those named
 * __name__ are left out, empty values are written), the value, and the timestamp unless `t` is
 * NULL. Names that are not legacy are quoted: {"name","label"="value"}.
 */
void exposition_write_sample(struct buf *buf, str name, struct labels labels, double value,
                             const ts *t);
