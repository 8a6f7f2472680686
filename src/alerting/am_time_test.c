#include "alerting/am_time.h"

#include "base/rfc3339.h"
#include "testing/test.h"

static ts at(const char *text)
{
    ts t = 0;

    assert_true(rfc3339_parse(str_from(text), &t));
    return t;
}

#define RANGES(...)                                                                                \
    {                                                                                              \
        (const struct am_range[]){__VA_ARGS__},                                                    \
            sizeof((const struct am_range[]){__VA_ARGS__}) / sizeof(struct am_range)               \
    }

TEST(am_spec_contains_by_every_field)
{
    const struct {
        const char *name;
        struct am_interval_spec spec;
        const char *time;
        bool want;
    } cases[] = {
        {"empty", {.location = STR_NULL}, "2026-01-02T03:04:05Z", true},
        {"minute of begin", {.times = RANGES({540, 1020})}, "2026-01-02T09:00:00Z", true},
        {"minute of end", {.times = RANGES({540, 1020})}, "2026-01-02T17:00:00Z", false},
        {"last minute", {.times = RANGES({540, 1440})}, "2026-01-02T23:59:59Z", true},
        {"second range", {.times = RANGES({0, 1}, {540, 600})}, "2026-01-02T09:30:00Z", true},
        {"friday", {.weekdays = RANGES({1, 5})}, "2026-01-02T09:30:00Z", true},
        {"saturday", {.weekdays = RANGES({1, 5})}, "2026-01-03T09:30:00Z", false},
        {"last day", {.days_of_month = RANGES({-1, -1})}, "2026-02-28T09:30:00Z", true},
        {"not the last day", {.days_of_month = RANGES({-1, -1})}, "2024-02-28T09:30:00Z", false},
        {"clamped", {.days_of_month = RANGES({28, 31})}, "2026-02-28T09:30:00Z", true},
        {"behind the month", {.days_of_month = RANGES({31, 31})}, "2026-02-28T09:30:00Z", false},
        {"from 5th to 3rd last", {.days_of_month = RANGES({5, -3})}, "2026-04-28T00:00:00Z", true},
        {"too late for that", {.days_of_month = RANGES({5, -3})}, "2026-04-29T00:00:00Z", false},
        {"month", {.months = RANGES({4, 6})}, "2026-06-30T23:59:59Z", true},
        {"month after", {.months = RANGES({4, 6})}, "2026-07-01T00:00:00Z", false},
        {"year", {.years = RANGES({2026, 2026})}, "2026-07-01T00:00:00Z", true},
        {"other year", {.years = RANGES({2027, 2030})}, "2026-07-01T00:00:00Z", false},
        {"all but one",
         {.times = RANGES({0, 1440}), .weekdays = RANGES({3, 3}), .years = RANGES({2025, 2025})},
         "2026-07-01T00:00:00Z",
         false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        test_row(cases[i].name);
        assert_int_equal(am_spec_contains(&cases[i].spec, NULL, at(cases[i].time)), cases[i].want);
    }
    test_row(NULL);
}

/* Times on both sides of changes, and beyond what a file lists: then the rule at its end holds. */
TEST(am_zone_keeps_the_hours_of_a_place)
{
    static const struct {
        const char *zone;
        const char *time;
        int32_t want;
        const char *name;
    } cases[] = {
        {"", "2026-07-01T00:00:00Z", 0, "UTC"},
        {"UTC", "2026-07-01T00:00:00Z", 0, "UTC"},
        {"Europe/Vienna", "2026-01-01T00:00:00Z", 3600, "CET"},
        {"Europe/Vienna", "2026-03-29T00:59:59Z", 3600, "CET"},
        {"Europe/Vienna", "2026-03-29T01:00:00Z", 7200, "CEST"},
        {"Europe/Vienna", "2026-10-25T00:59:59Z", 7200, "CEST"},
        {"Europe/Vienna", "2026-10-25T01:00:00Z", 3600, "CET"},
        {"Europe/Vienna", "2100-03-28T00:59:59Z", 3600, "CET"},
        {"Europe/Vienna", "2100-03-28T01:00:00Z", 7200, "CEST"},
        {"America/New_York", "2026-03-08T06:59:59Z", -18000, "EST"},
        {"America/New_York", "2026-03-08T07:00:00Z", -14400, "EDT"},
        {"America/New_York", "2101-11-06T05:59:59Z", -14400, "EDT"},
        {"America/New_York", "2101-11-06T06:00:00Z", -18000, "EST"},
        {"Australia/Sydney", "2026-01-01T00:00:00Z", 39600, "AEDT"},
        {"Australia/Sydney", "2026-06-01T00:00:00Z", 36000, "AEST"},
        {"Australia/Sydney", "2099-12-31T00:00:00Z", 39600, "AEDT"},
        {"America/Sao_Paulo", "2026-06-01T00:00:00Z", -10800, "-03"}, /* none but a number */
        {"Asia/Kolkata", "2090-06-01T00:00:00Z", 19800, "IST"},
    };
    struct arena arena = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct am_zone *zone = NULL;
        struct baro_error err = {0};
        int r = am_zone_load(&arena, str_from(cases[i].zone), &zone, &err);

        if (r == BARO_ENOTFOUND) {
            arena_done(&arena);
            test_skip("no time zones on this machine");
        }
        test_row(cases[i].zone);
        assert_ok(r, &err);
        assert_int_equal(am_zone_offset(zone, at(cases[i].time) / 1000), cases[i].want);
        assert_str_equal(am_zone_abbreviation(zone, at(cases[i].time) / 1000),
                         str_from(cases[i].name));
    }
    test_row(NULL);
    arena_done(&arena);
}

TEST(am_zone_refuses_what_is_no_zone)
{
    static const char *const names[] = {"Nowhere/City", "../../etc/passwd", "/etc/localtime"};
    static const str bytes[] = {STR_INIT(""), STR_INIT("TZif"),
                                STR_INIT("TZif2...............\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")};
    struct arena arena = {0};
    const struct am_zone *zone = NULL;
    struct baro_error err = {0};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        assert_int_equal(am_zone_load(&arena, str_from(names[i]), &zone, &err), BARO_ENOTFOUND);
    }
    for (size_t i = 0; i < ARRAY_COUNT(bytes); i++) {
        assert_int_equal(am_zone_parse(&arena, bytes[i], &zone, &err), BARO_ECORRUPT);
    }
    arena_done(&arena);
}

TEST(am_times_find_the_first_interval)
{
    static const struct am_range ranges[] = {{540, 1020}};
    static const struct am_interval_spec specs[] = {
        {.times = {ranges, 1}, .location = STR_INIT("Europe/Vienna")}};
    static const struct am_interval intervals[] = {{STR_INIT("never"), NULL, 0},
                                                   {STR_INIT("work"), specs, 1}};
    static const str names[] = {STR_INIT("gone"), STR_INIT("never"), STR_INIT("work")};
    const struct conf_strs all = {names, ARRAY_COUNT(names)};
    struct am_times times = {0};
    struct arena arena = {0};
    struct baro_error err = {0};
    str found = STR_NULL;

    if (am_times_init(&times, &arena, intervals, ARRAY_COUNT(intervals), &err) < 0) {
        arena_done(&arena);
        test_skip("no time zones on this machine");
    }
    assert_true(am_times_find(&times, all, at("2026-01-05T08:00:00Z"), &found));
    assert_str_equal(found, STR("work"));
    assert_false(am_times_find(&times, all, at("2026-01-05T07:59:00Z"), &found));
    assert_true(am_times_find(&times, all, at("2026-07-05T07:00:00Z"), &found));
    arena_done(&arena);
}
