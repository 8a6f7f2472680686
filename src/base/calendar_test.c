#include "base/calendar.h"

#include "base/attr.h"
#include "testing/test.h"

static const struct {
    int64_t seconds;
    struct calendar want;
} cases[] = {
    {0, {1970, 1, 1, 1, 4, 0, 0, 0}},
    {-1, {1969, 12, 31, 365, 3, 23, 59, 59}},
    {951782400, {2000, 2, 29, 60, 2, 0, 0, 0}},
    {4107542400, {2100, 3, 1, 60, 1, 0, 0, 0}}, /* no leap year */
    {1435065584, {2015, 6, 23, 174, 2, 13, 19, 44}},
    {-62167219200, {0, 1, 1, 1, 6, 0, 0, 0}},
    {253402300799, {9999, 12, 31, 365, 5, 23, 59, 59}},
};

TEST(calendar_takes_seconds_apart)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct calendar got = calendar_of(cases[i].seconds);
        const struct calendar *want = &cases[i].want;

        assert_int_equal(got.year, want->year);
        assert_int_equal(got.month, want->month);
        assert_int_equal(got.day, want->day);
        assert_int_equal(got.day_of_year, want->day_of_year);
        assert_int_equal(got.day_of_week, want->day_of_week);
        assert_int_equal(got.hour * 3600 + got.minute * 60 + got.second,
                         want->hour * 3600 + want->minute * 60 + want->second);
    }
}

TEST(calendar_days_goes_the_other_way)
{
    for (int64_t day = -800000; day < 800000; day += 37) {
        struct calendar c = calendar_of(day * 86400);

        assert_int_equal(calendar_days(c.year, c.month, c.day), day);
        assert_in_range(c.day, 1, (uintmax_t)calendar_month_days(c.year, c.month));
    }
}
