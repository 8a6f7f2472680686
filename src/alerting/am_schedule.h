/*
 * am_schedule: when a recurring silence silences: a list of time intervals in the form that
 * alertmanager.yml has (times, weekdays, days_of_month, months, years, location), written as JSON.
 * A time is in the schedule when one of the intervals has it. Immutable once
 * parsed; lives in the arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"

/* Longer texts, and more intervals, are refused with BARO_ELIMIT. */
enum { AM_SCHEDULE_BYTES_MAX = 16 << 10, AM_SCHEDULE_SPECS_MAX = 20 };

/* How far silences look ahead for their next change: about a millisecond of work at most. */
#define AM_SCHEDULE_LOOK ((dur)6 * DUR_HOUR)

/* How many windows a preview shows, how many days ahead, and how many in a list of silences. */
enum { AM_SCHEDULE_PREVIEW = 5, AM_SCHEDULE_DAYS = 400, AM_SCHEDULE_LIST_DAYS = 32 };

struct am_schedule;

/* am_schedule_parse reads a list of intervals. Fails with BARO_EPARSE,
 * BARO_EINVALID or BARO_ELIMIT: at least one interval is wanted, with something in it. */
int am_schedule_parse(struct arena *arena, str text, const struct am_schedule **ret,
                      struct baro_error *err);

/* am_schedule_text is what was parsed, as JSON without spaces. */
str am_schedule_text(const struct am_schedule *schedule);

bool am_schedule_contains(const struct am_schedule *schedule, ts now);

/* am_schedule_next is the first whole minute after `now` at which the answer of
 * am_schedule_contains changes, or `until` when it does not before that. */
ts am_schedule_next(const struct am_schedule *schedule, ts now, ts until);

/* Half-open: [start, end). */
struct am_window {
    ts start;
    ts end;
};

/* am_schedule_windows lists the first windows that end after `from` and begin before `until`, cut
 * to them, `most` at most. Takes milliseconds for rare ones: not for a lock. */
size_t am_schedule_windows(const struct am_schedule *schedule, ts from, ts until,
                           struct am_window *ret, size_t most);
