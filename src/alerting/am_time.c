#include "alerting/am_time.h"

#include "base/calendar.h"

static bool has(struct am_ranges ranges, int64_t value)
{
    for (size_t i = 0; i < ranges.count; i++) {
        if (value >= ranges.items[i].begin && value <= ranges.items[i].end) {
            return true;
        }
    }
    return ranges.count == 0;
}

static bool has_minute(struct am_ranges ranges, int32_t minute)
{
    for (size_t i = 0; i < ranges.count; i++) {
        if (minute >= ranges.items[i].begin && minute < ranges.items[i].end) {
            return true;
        }
    }
    return ranges.count == 0;
}

/* Negative days count from the end of the month. A range that begins behind it has no day. */
static bool has_day(struct am_ranges ranges, const struct calendar *date)
{
    int32_t days = calendar_month_days(date->year, date->month);

    for (size_t i = 0; i < ranges.count; i++) {
        int32_t begin = ranges.items[i].begin;
        int32_t end = ranges.items[i].end;

        begin = begin < 0 ? days + begin + 1 : begin;
        end = end < 0 ? days + end + 1 : end;
        if (begin <= days && date->day >= begin && date->day <= (end < days ? end : days)) {
            return true;
        }
    }
    return ranges.count == 0;
}

bool am_spec_contains(const struct am_interval_spec *spec, const struct am_zone *zone, ts now)
{
    int64_t seconds = now / 1000 - (now % 1000 < 0 ? 1 : 0);
    struct calendar date = calendar_of(seconds + am_zone_offset(zone, seconds));

    return has_minute(spec->times, date.hour * 60 + date.minute) &&
           has_day(spec->days_of_month, &date) && has(spec->months, date.month) &&
           has(spec->weekdays, date.day_of_week) && has(spec->years, date.year);
}

int am_times_init(struct am_times *times, struct arena *arena, const struct am_interval *intervals,
                  size_t count, struct baro_error *err)
{
    const struct am_zone *const **zones = ARENA_ARRAY(arena, const struct am_zone *const *, count);

    for (size_t i = 0; i < count; i++) {
        const struct am_zone **own = ARENA_ARRAY(arena, const struct am_zone *, intervals[i].count);

        for (size_t k = 0; k < intervals[i].count; k++) {
            int r = am_zone_load(arena, intervals[i].specs[k].location, &own[k], err);

            if (r < 0) {
                return error_wrap(err, r, "time interval %.*s", STR_ARG(intervals[i].name));
            }
        }
        zones[i] = own;
    }
    *times = (struct am_times){.intervals = intervals, .count = count, .zones = zones};
    return 0;
}

static bool contains(const struct am_times *times, size_t index, ts now)
{
    const struct am_interval *interval = &times->intervals[index];

    for (size_t i = 0; i < interval->count; i++) {
        if (am_spec_contains(&interval->specs[i], times->zones[index][i], now)) {
            return true;
        }
    }
    return false;
}

bool am_times_find(const struct am_times *times, struct conf_strs names, ts now, str *ret_name)
{
    for (size_t i = 0; i < names.count; i++) {
        for (size_t k = 0; k < times->count; k++) {
            if (str_eq(times->intervals[k].name, names.items[i]) && contains(times, k, now)) {
                *ret_name = times->intervals[k].name;
                return true;
            }
        }
    }
    return false;
}
