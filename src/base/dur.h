/*
 * dur: lengths of time in milliseconds, and their text form as Prometheus writes it: integers with
 * units y w d h m s ms in this order, each at most once ("1h30m", "0"). y = 365 d, w = 7 d. Source:
 * prometheus/common model.ParseDuration.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

typedef int64_t dur;  /* milliseconds */
typedef int64_t ts;   /* milliseconds since 1970-01-01 UTC */
typedef int64_t mono; /* nanoseconds of the monotonic clock */

enum {
    DUR_SECOND = 1000,
    DUR_MINUTE = 60 * DUR_SECOND,
    DUR_HOUR = 60 * DUR_MINUTE,
    DUR_DAY = 24 * DUR_HOUR,
};

#define MONO_PER_MS     INT64_C(1000000)
#define MONO_PER_SECOND INT64_C(1000000000)

/* dur_parse reads all of s. Fails with BARO_EPARSE and the message that Prometheus gives. */
int dur_parse(str s, dur *ret, struct baro_error *err);

/* dur_format appends the shortest form: "1h30m", "0s"; y, w and d only when they divide evenly, as
 * Prometheus does. */
void dur_format(struct buf *buf, dur d);
