/* rfc3339: times as text, as APIs and configuration files have them: "2026-01-02T03:04:05.678Z". */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/dur.h"
#include "base/str.h"

/* rfc3339_parse reads all of text, with any offset from UTC; what is below a millisecond is cut. */
bool rfc3339_parse(str text, ts *ret);

/* rfc3339_format appends a time in UTC, with milliseconds where it has any, without trailing zeros.
 */
void rfc3339_format(struct buf *buf, ts t);
