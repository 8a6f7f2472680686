#include "base/calendar.h"

#include <stdbool.h>

enum {
    DAY_SECONDS = 86400,
    ERA_DAYS = 146097,   /* of 400 years */
    MARCH_DAYS = 719468, /* from 0000-03-01 to 1970-01-01: years are counted from March here, so
                            that the leap day comes last */
};

static const int month_lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int calendar_month_days(int64_t year, int month)
{
    return month_lengths[month - 1] + (month == 2 && is_leap(year));
}

int64_t calendar_days(int64_t year, int month, int day)
{
    int64_t shifted = year - (month <= 2);
    int64_t era = floor_div(shifted, 400);
    int64_t year_of_era = shifted - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * ERA_DAYS + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           MARCH_DAYS;
}

static void set_date(struct calendar *c, int64_t days)
{
    int64_t shifted = days + MARCH_DAYS;
    int64_t era = floor_div(shifted, ERA_DAYS);
    int64_t day = shifted - era * ERA_DAYS;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t rest = day - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * rest + 2) / 153; /* from March */

    c->day = (int)(rest - (153 * month + 2) / 5) + 1;
    c->month = (int)(month < 10 ? month + 3 : month - 9);
    c->year = year + era * 400 + (c->month <= 2);
    c->day_of_week = (int)(((days + 4) % 7 + 7) % 7); /* 1970 began on a Thursday */
    c->day_of_year = (int)(days - calendar_days(c->year, 1, 1)) + 1;
}

struct calendar calendar_of(int64_t seconds)
{
    int64_t days = floor_div(seconds, DAY_SECONDS);
    int rest = (int)(seconds - days * DAY_SECONDS);
    struct calendar c = {.hour = rest / 3600, .minute = rest / 60 % 60, .second = rest % 60};

    set_date(&c, days);
    return c;
}
