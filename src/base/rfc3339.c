#include "base/rfc3339.h"

#include <inttypes.h>

#include "base/calendar.h"
#include "base/num.h"

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
        !digits(&rest, 2, 1, calendar_month_days(year, (int)month), &day) || !literal(&rest, 'T') ||
        !digits(&rest, 2, 0, 23, &hour) || !literal(&rest, ':') ||
        !digits(&rest, 2, 0, 59, &minute) || !literal(&rest, ':') ||
        !digits(&rest, 2, 0, 59, &second) || (literal(&rest, '.') && !fraction(&rest, &ms)) ||
        !zone(&rest, &offset) || rest.len > 0) {
        return false;
    }
    *ret = calendar_days(year, (int)month, (int)day) * DUR_DAY + hour * DUR_HOUR +
           minute * DUR_MINUTE + second * DUR_SECOND + ms - offset;
    return true;
}

void rfc3339_format(struct buf *buf, ts t)
{
    int64_t ms = (t % 1000 + 1000) % 1000;
    struct calendar c = calendar_of((t - ms) / 1000);

    buf_printf(buf, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d", c.year, c.month, c.day, c.hour,
               c.minute, c.second);
    if (ms != 0) {
        buf_printf(buf, ".%03" PRId64, ms);
        while (buf->len > 0 && buf->ptr[buf->len - 1] == '0') {
            buf->len--;
        }
    }
    buf_char(buf, 'Z');
}
