/*
 * am_time: whether a time is within a configuration's named intervals, in the hours of each one's
 * place. Source: Alertmanager 0.34, timeinterval.
 */
#pragma once

#include <stdbool.h>

#include "alerting/am_interval.h"
#include "alerting/am_zone.h"
#include "base/arena.h"
#include "base/dur.h"
#include "base/error.h"
#include "conf/prom_config.h"

struct am_times {
    const struct am_interval *intervals;
    size_t count;
    const struct am_zone *const **zones; /* of each interval, of each spec; NULL = UTC */
};

/* am_times_init loads the zones into the arena; intervals are borrowed. Fails with the name of an
 * interval whose zone cannot be had. */
int am_times_init(struct am_times *times, struct arena *arena, const struct am_interval *intervals,
                  size_t count, struct baro_error *err);

/* am_times_find says whether `now` is within one of the named intervals, and which is the first. A
 * name that there is not contains nothing. */
bool am_times_find(const struct am_times *times, struct conf_strs names, ts now, str *ret_name);

/* am_spec_contains: all that the spec says holds at that time in that zone. */
bool am_spec_contains(const struct am_interval_spec *spec, const struct am_zone *zone, ts now);
