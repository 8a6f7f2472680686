#include "base/dur.h"

static const struct {
    str unit;
    dur ms;
    bool only_whole; /* written only when the whole duration divides by it */
} units[] = {
    {STR_INIT("y"), INT64_C(365) * DUR_DAY, true},
    {STR_INIT("w"), INT64_C(7) * DUR_DAY, true},
    {STR_INIT("d"), DUR_DAY, true},
    {STR_INIT("h"), DUR_HOUR, false},
    {STR_INIT("m"), DUR_MINUTE, false},
    {STR_INIT("s"), DUR_SECOND, false},
    {STR_INIT("ms"), 1, false},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t unit_size(str s)
{
    size_t size = 0;

    while (size < s.len && !is_digit(s.ptr[size])) {
        size++;
    }
    return size;
}

/* Where in the table, from `first` on, the unit is; its end when nowhere. */
static size_t unit_index(str unit, size_t first)
{
    while (first < ARRAY_COUNT(units) && !str_eq(units[first].unit, unit)) {
        first++;
    }
    return first;
}

int dur_parse(str s, dur *ret, struct baro_error *err)
{
    str rest = s;
    int64_t total = 0;
    size_t next_unit = 0;

    if (s.len == 0) {
        return error_set(err, BARO_EPARSE, "empty duration string");
    }
    if (str_is(s, "0")) {
        *ret = 0;
        return 0;
    }
    while (rest.len > 0) {
        int64_t count = 0;
        size_t digits = 0;
        bool too_big = false;
        str unit;

        while (digits < rest.len && is_digit(rest.ptr[digits])) {
            too_big |= __builtin_mul_overflow(count, 10, &count);
            too_big |= __builtin_add_overflow(count, rest.ptr[digits] - '0', &count);
            digits++;
        }
        rest = str_from_index(rest, digits);
        unit = str_slice(rest, 0, unit_size(rest));
        rest = str_from_index(rest, unit.len);
        if (digits > 0 && unit.len > 0 && unit_index(unit, 0) == ARRAY_COUNT(units)) {
            return error_set(err, BARO_EPARSE, "unknown unit \"%.*s\" in duration \"%.*s\"",
                             STR_ARG(unit), STR_ARG(s));
        }
        next_unit = unit_index(unit, next_unit);
        if (digits == 0 || next_unit == ARRAY_COUNT(units)) {
            return error_set(err, BARO_EPARSE, "not a valid duration string: \"%.*s\"", STR_ARG(s));
        }
        /* Go keeps durations in int64 nanoseconds; the same range holds here. */
        too_big |= __builtin_mul_overflow(count, units[next_unit].ms, &count);
        too_big |= __builtin_add_overflow(total, count, &total);
        if (too_big || total > INT64_MAX / MONO_PER_MS) {
            return error_set(err, BARO_EPARSE, "duration out of range");
        }
        next_unit++;
    }
    *ret = total;
    return 0;
}

void dur_format(struct buf *buf, dur d)
{
    if (d == 0) {
        buf_str(buf, STR("0s"));
        return;
    }
    if (d < 0) {
        buf_char(buf, '-');
        d = -d;
    }
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        int64_t count = d / units[i].ms;

        if (count > 0 && (!units[i].only_whole || d % units[i].ms == 0)) {
            buf_printf(buf, "%lld%.*s", (long long)count, STR_ARG(units[i].unit));
            d -= count * units[i].ms;
        }
    }
}
