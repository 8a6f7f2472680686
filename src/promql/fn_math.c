#include <math.h>

#include "promql/engine_priv.h"

static double sign(double v)
{
    return v < 0 ? -1 : v > 0 ? 1 : v;
}

static double to_radians(double v)
{
    return v * M_PI / 180;
}

static double to_degrees(double v)
{
    return v * 180 / M_PI;
}

static const fn_map maps[FUNCTION_COUNT] = {
    [FUNCTION_abs] = fabs,    [FUNCTION_acos] = acos,   [FUNCTION_acosh] = acosh,
    [FUNCTION_asin] = asin,   [FUNCTION_asinh] = asinh, [FUNCTION_atan] = atan,
    [FUNCTION_atanh] = atanh, [FUNCTION_ceil] = ceil,   [FUNCTION_cos] = cos,
    [FUNCTION_cosh] = cosh,   [FUNCTION_exp] = exp,     [FUNCTION_deg] = to_degrees,
    [FUNCTION_floor] = floor, [FUNCTION_ln] = log,      [FUNCTION_log10] = log10,
    [FUNCTION_log2] = log2,   [FUNCTION_sgn] = sign,    [FUNCTION_rad] = to_radians,
    [FUNCTION_sin] = sin,     [FUNCTION_sinh] = sinh,   [FUNCTION_sqrt] = sqrt,
    [FUNCTION_tan] = tan,     [FUNCTION_tanh] = tanh,
};

fn_map fn_map_get(enum function_id id)
{
    return maps[id];
}

/* ---- dates, UTC ---- */

enum { DAY_SECONDS = 86400 };

struct date {
    int64_t year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
    int day_of_year;
    int days_in_month;
    int day_of_week; /* 0 = Sunday */
    int64_t second;  /* of the day */
};

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

/* Days from 1970 to a date of the proleptic Gregorian calendar, whose eras of 400 years have 146097
 * days; years are counted from March, so that the leap day comes last. */
static struct date date_of(int64_t seconds)
{
    static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t days = floor_div(seconds, DAY_SECONDS);
    int64_t shifted = days + 719468; /* from 0000-03-01 */
    int64_t era = floor_div(shifted, 146097);
    int64_t day = shifted - era * 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t rest = day - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * rest + 2) / 153; /* from March */
    struct date date = {.second = seconds - days * DAY_SECONDS};

    date.day = (int)(rest - (153 * month + 2) / 5) + 1;
    date.month = (int)(month < 10 ? month + 3 : month - 9);
    date.year = year + era * 400 + (date.month <= 2);
    date.day_of_week = (int)(((days + 4) % 7 + 7) % 7);
    date.days_in_month = lengths[date.month - 1] + (date.month == 2 && is_leap(date.year));
    date.day_of_year = date.day;
    for (int m = 0; m < date.month - 1; m++) {
        date.day_of_year += lengths[m] + (m == 1 && is_leap(date.year));
    }
    return date;
}

/* Times beyond this (the year 292 million) are no dates. */
#define DATE_SECONDS_MAX 9.2e15

#define DATE_FUNCTION(name, expression)                                                            \
    static double date_##name(double v)                                                            \
    {                                                                                              \
        struct date date;                                                                          \
                                                                                                   \
        if (!(v < DATE_SECONDS_MAX && v > -DATE_SECONDS_MAX)) {                                    \
            return NAN;                                                                            \
        }                                                                                          \
        date = date_of((int64_t)v);                                                                \
        return (double)(expression);                                                               \
    }
DATE_FUNCTION(day, date.day)
DATE_FUNCTION(day_of_week, date.day_of_week)
DATE_FUNCTION(day_of_year, date.day_of_year)
DATE_FUNCTION(days_in_month, date.days_in_month)
DATE_FUNCTION(hour, date.second / 3600)
DATE_FUNCTION(minute, date.second / 60 % 60)
DATE_FUNCTION(month, date.month)
DATE_FUNCTION(year, date.year)
#undef DATE_FUNCTION

static const fn_map times[FUNCTION_COUNT] = {
    [FUNCTION_day_of_month] = date_day,
    [FUNCTION_day_of_week] = date_day_of_week,
    [FUNCTION_day_of_year] = date_day_of_year,
    [FUNCTION_days_in_month] = date_days_in_month,
    [FUNCTION_hour] = date_hour,
    [FUNCTION_minute] = date_minute,
    [FUNCTION_month] = date_month,
    [FUNCTION_year] = date_year,
};

fn_map fn_time_get(enum function_id id)
{
    return times[id];
}
