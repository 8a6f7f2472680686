/*
 * calendar: dates of the proleptic Gregorian calendar in UTC, from days or seconds since 1970 and
 * back. Source: Howard Hinnant, "chrono-compatible low-level date algorithms".
 */
#pragma once

#include <stdint.h>

struct calendar {
    int64_t year;
    int month;       /* 1 to 12 */
    int day;         /* 1 to 31 */
    int day_of_year; /* 1 to 366 */
    int day_of_week; /* 0 = Sunday */
    int hour, minute, second;
};

/* calendar_of takes seconds since 1970, before it too. */
struct calendar calendar_of(int64_t seconds);

/* calendar_days is the days from 1970-01-01 to a date; month and day must be in their ranges. */
int64_t calendar_days(int64_t year, int month, int day);

/* calendar_month_days is 28 to 31. */
int calendar_month_days(int64_t year, int month);
