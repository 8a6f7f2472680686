/*
 * template_time: Go's time.Time and time.Duration as template values: printing, Format with Go's
 * layouts, and the methods that templates use. Reference: Go's package time.
 */
#pragma once

#include "template/tvalue.h"

/* Go's zero time, which prints as 0001-01-01. */
#define TEMPLATE_TIME_ZERO INT64_MIN

struct template_time {
    int64_t ns;     /* since 1970, or TEMPLATE_TIME_ZERO */
    int32_t offset; /* of its zone: seconds east of UTC */
    str zone;       /* the zone's abbreviation; empty = UTC */
};

/* template_time_value makes a time.Time; it prints as "2006-01-02 15:04:05.9 +0000 UTC". */
struct tvalue template_time_value(struct arena *arena, struct template_time time);

/* template_time_get gives the time of a value that is one. */
bool template_time_get(const struct tvalue *value, struct template_time *ret);

/* template_duration_value makes a time.Duration of nanoseconds; it prints as "1h2m3.5s". */
struct tvalue template_duration_value(int64_t ns);

/* template_time_format appends a time in Go's layout: "2006-01-02T15:04:05Z07:00". */
void template_time_format(struct buf *buf, struct template_time time, str layout);

/* template_time_parse reads a text in Go's layout, as time.ParseInLocation in UTC does. Fails with
 * BARO_EPARSE. */
int template_time_parse(str layout, str text, struct template_time *ret, struct baro_error *err);
