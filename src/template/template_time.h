/*
 * template_time: Go's time.Time and time.Duration as template values, in UTC: printing, Format with
 * Go's layouts, and the methods that templates use. Reference: Go's package time.
 */
#pragma once

#include "template/tvalue.h"

/* template_time_value makes a time.Time of nanoseconds since 1970; it prints as "2006-01-02
 * 15:04:05.9 +0000 UTC". */
struct tvalue template_time_value(struct arena *arena, int64_t ns);

/* template_duration_value makes a time.Duration of nanoseconds; it prints as "1h2m3.5s". */
struct tvalue template_duration_value(int64_t ns);

/* template_time_format appends a time in Go's layout: "2006-01-02T15:04:05Z07:00". */
void template_time_format(struct buf *buf, int64_t ns, str layout);
