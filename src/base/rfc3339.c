#include "base/rfc3339.h"

#include <inttypes.h>

#include "base/num.h"

/* Days since 1970-01-01 of a Gregorian date (Hinnant, "chrono-compatible low-level date
 * algorithms"). */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    int64_t era;
    int64_t year_of_era;
    int64_t day_of_year;

    year -= month <= 2 ? 1 : 0;
    era = (year >= 0 ? year : year - 399) / 400;
    year_of_era = year - era * 400;
    day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static bool digits(str *rest, size_t count, int64_t least, int64_t most, int64_t *ret)
{
    uint64_t value = 0;

    if (rest->len < count || !num_parse_u64(str_slice(*rest, 0, count), &value) ||
        (int64_t)value < least || (int64_t)value > most) {
        return false;
    }
    *rest = str_from_index(*rest, count);
    *ret = (int64_t)value;
    return true;
}

static bool literal(str *rest, char c)
{
    if (rest->len == 0 || rest->ptr[0] != c) {
        return false;
    }
    *rest = str_from_index(*rest, 1);
    return true;
}

static bool fraction(str *rest, int64_t *ret_ms)
{
    int64_t scale = 100;
    size_t count = 0;

    while (count < rest->len && rest->ptr[count] >= '0' && rest->ptr[count] <= '9') {
        *ret_ms += (rest->ptr[count] - '0') * scale;
        scale /= 10;
        count++;
    }
    *rest = str_from_index(*rest, count);
    return count > 0;
}

static bool zone(str *rest, int64_t *ret_ms)
{
    int64_t sign = rest->len > 0 && rest->ptr[0] == '-' ? -1 : 1;
    int64_t hours = 0;
    int64_t minutes = 0;

    if (literal(rest, 'Z')) {
        return true;
    }
    if (!literal(rest, '+') && !literal(rest, '-')) {
        return false;
    }
    if (!digits(rest, 2, 0, 24, &hours) || !literal(rest, ':') ||
        !digits(rest, 2, 0, 59, &minutes)) {
        return false;
    }
    *ret_ms = sign * (hours * DUR_HOUR + minutes * DUR_MINUTE);
    return true;
}

static int64_t days_of_month(int64_t year, int64_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

bool rfc3339_parse(str text, ts *ret)
{
    str rest = text;
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;
    int64_t ms = 0;
    int64_t offset = 0;

    if (!digits(&rest, 4, 0, 9999, &year) || !literal(&rest, '-') ||
        !digits(&rest, 2, 1, 12, &month) || !literal(&rest, '-') ||
        !digits(&rest, 2, 1, days_of_month(year, month), &day) || !literal(&rest, 'T') ||
        !digits(&rest, 2, 0, 23, &hour) || !literal(&rest, ':') ||
        !digits(&rest, 2, 0, 59, &minute) || !literal(&rest, ':') ||
        !digits(&rest, 2, 0, 59, &second) || (literal(&rest, '.') && !fraction(&rest, &ms)) ||
        !zone(&rest, &offset) || rest.len > 0) {
        return false;
    }
    *ret = days_from_civil(year, month, day) * DUR_DAY + hour * DUR_HOUR + minute * DUR_MINUTE +
           second * DUR_SECOND + ms - offset;
    return true;
}

void rfc3339_format(struct buf *buf, ts t)
{
    int64_t days = t / DUR_DAY - (t % DUR_DAY < 0 ? 1 : 0);
    int64_t ms = t - days * DUR_DAY;
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_index = (5 * day_of_year + 2) / 153;
    int64_t month = month_index < 10 ? month_index + 3 : month_index - 9;
    int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);

    buf_printf(buf,
               "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64 ":%02" PRId64,
               year, month, day_of_year - (153 * month_index + 2) / 5 + 1, ms / DUR_HOUR,
               ms / DUR_MINUTE % 60, ms / DUR_SECOND % 60);
    if (ms % 1000 != 0) {
        buf_printf(buf, ".%03" PRId64, ms % 1000);
        while (buf->len > 0 && buf->ptr[buf->len - 1] == '0') {
            buf->len--;
        }
    }
    buf_char(buf, 'Z');
}
