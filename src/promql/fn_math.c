#include <math.h>

#include "base/calendar.h"
#include "promql/engine_priv.h"

static double sign(double v)
{
    return v < 0 ? -1 : v > 0 ? 1 : v;
}

/* In Prometheus's order of operations, but where that overflows on the way. */
static double to_radians(double v)
{
    double product = v * M_PI;

    return isinf(product) ? v / 180 * M_PI : product / 180;
}

static double to_degrees(double v)
{
    double product = v * 180;

    return isinf(product) ? v / M_PI * 180 : product / M_PI;
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

/* Times beyond this (the year 292 million) are no dates. */
#define DATE_SECONDS_MAX 9.2e15

#define DATE_FUNCTION(name, expression)                                                            \
    static double date_##name(double v)                                                            \
    {                                                                                              \
        struct calendar date;                                                                      \
                                                                                                   \
        if (!(v < DATE_SECONDS_MAX && v > -DATE_SECONDS_MAX)) {                                    \
            return NAN;                                                                            \
        }                                                                                          \
        date = calendar_of((int64_t)v);                                                            \
        return (double)(expression);                                                               \
    }
DATE_FUNCTION(day, date.day)
DATE_FUNCTION(day_of_week, date.day_of_week)
DATE_FUNCTION(day_of_year, date.day_of_year)
DATE_FUNCTION(days_in_month, calendar_month_days(date.year, date.month))
DATE_FUNCTION(hour, date.hour)
DATE_FUNCTION(minute, date.minute)
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
