/*
 * am_interval: named sets of times that mute or activate routes. A time is in an interval when one
 * of its specs has it; in a spec when every field that is not empty has a range around it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Inclusive at both ends; times of day in minutes, with an exclusive end. */
struct am_range {
    int32_t begin;
    int32_t end;
};

struct am_ranges {
    const struct am_range *items;
    size_t count;
};

struct am_interval_spec {
    struct am_ranges times;         /* minutes of the day, 0 to 1440 */
    struct am_ranges weekdays;      /* 0 = Sunday */
    struct am_ranges days_of_month; /* 1 to 31; -1 = the last one */
    struct am_ranges months;        /* 1 to 12 */
    struct am_ranges years;
    str location; /* of the IANA data base, "Local" or "UTC"; empty = UTC */
};

struct am_interval {
    str name;
    const struct am_interval_spec *specs;
    size_t count;
};
