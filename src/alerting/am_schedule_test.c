#include "alerting/am_schedule.h"

#include "base/mem.h"
#include "base/rfc3339.h"
#include "testing/test.h"

static ts at(const char *text)
{
    ts t = 0;

    assert_true(rfc3339_parse(str_from(text), &t));
    return t;
}

static const struct am_schedule *parse(struct arena *arena, const char *text)
{
    const struct am_schedule *schedule = NULL;
    struct baro_error err = {0};

    assert_ok(am_schedule_parse(arena, str_from(text), &schedule, &err), &err);
    return schedule;
}

#define NIGHTS                                                                                     \
    "[{\"weekdays\": [\"saturday\", \"sunday\"], \"times\": [{\"start_time\": \"22:00\", "         \
    "\"end_time\": \"24:00\"}], \"location\": \"Europe/Vienna\"}]"

/* Vienna is an hour ahead of UTC, two from 2026-03-29T01:00Z on: a day of 23 hours. */
TEST(am_schedule_windows_keep_the_hours_of_their_place)
{
    static const struct {
        const char *name;
        const char *text;
        const char *from;
        const char *until;
        const char *want;
    } cases[] = {
        {"two nights, and summer time begins", NIGHTS, "2026-03-27T00:00:00Z",
         "2026-04-01T00:00:00Z",
         "2026-03-28T21:00:00Z 2026-03-28T23:00:00Z 2026-03-29T20:00:00Z 2026-03-29T22:00:00Z "},
        {"begins within", NIGHTS, "2026-03-28T22:10:00Z", "2026-03-29T00:00:00Z",
         "2026-03-28T22:10:00Z 2026-03-28T23:00:00Z "},
        {"ends within", NIGHTS, "2026-03-28T00:00:00Z", "2026-03-28T21:30:00Z",
         "2026-03-28T21:00:00Z 2026-03-28T21:30:00Z "},
        {"whole days join", "[{\"weekdays\":[\"saturday:saturday\"]},{\"weekdays\":[\"sunday\"]}]",
         "2026-01-05T00:00:00Z", "2026-01-13T00:00:00Z",
         "2026-01-10T00:00:00Z 2026-01-12T00:00:00Z "},
        {"a quarter of an hour from UTC",
         "[{\"weekdays\":[\"monday\"],\"location\":\"Asia/Kathmandu\"}]", "2026-01-04T00:00:00Z",
         "2026-01-07T00:00:00Z", "2026-01-04T18:15:00Z 2026-01-05T18:15:00Z "},
        {"once a year", "[{\"months\":[\"december\"],\"days_of_month\":[\"-1\"]}]",
         "2026-01-01T00:00:00Z", "2027-06-01T00:00:00Z",
         "2026-12-31T00:00:00Z 2027-01-01T00:00:00Z "},
        {"never", "[{\"years\":[\"1990\"]}]", "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", ""},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct am_window windows[AM_SCHEDULE_PREVIEW];
        struct arena arena = {0};
        struct buf got = {0};
        size_t count;

        test_row(cases[i].name);
        count = am_schedule_windows(parse(&arena, cases[i].text), at(cases[i].from),
                                    at(cases[i].until), windows, ARRAY_COUNT(windows));
        for (size_t k = 0; k < count; k++) {
            rfc3339_format(&got, windows[k].start);
            buf_char(&got, ' ');
            rfc3339_format(&got, windows[k].end);
            buf_char(&got, ' ');
        }
        assert_str_equal(buf_view(&got), str_from(cases[i].want));
        buf_done(&got);
        arena_done(&arena);
    }
    test_row(NULL);
}

/* The quick search against asking every minute. */
TEST(am_schedule_next_misses_no_minute)
{
    static const char *const texts[] = {
        NIGHTS,
        "[{\"times\":[{\"start_time\":\"06:07\",\"end_time\":\"06:08\"}],\"location\":\"Asia/"
        "Kolkata\"},{\"days_of_month\":[\"28:29\"],\"location\":\"America/New_York\"}]",
    };
    ts from = at("2026-03-27T13:00:30Z");

    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct arena arena = {0};
        const struct am_schedule *schedule = parse(&arena, texts[i]);
        ts next = am_schedule_next(schedule, from, from + 4 * (ts)DUR_DAY);
        bool before = am_schedule_contains(schedule, from);
        ts end = at("2026-03-31T00:00:00Z");

        for (ts t = at("2026-03-27T13:01:00Z"); t < end; t += DUR_MINUTE) {
            bool now = am_schedule_contains(schedule, t);

            assert_int_equal(now != before, t == next);
            if (now != before) {
                next = am_schedule_next(schedule, t, t + 4 * (ts)DUR_DAY);
            }
            before = now;
        }
        arena_done(&arena);
    }
}

TEST(am_schedule_refuses_what_is_wrong)
{
    static const struct {
        const char *text;
        int want;
        const char *message;
    } cases[] = {
        {"", BARO_EPARSE, ""},
        {"[", BARO_EPARSE, ""},
        {"{}", BARO_EINVALID, "a list of time intervals is wanted"},
        {"[]", BARO_EINVALID, "a list of time intervals is wanted"},
        {"[{}]", BARO_EINVALID, "time interval 0 is always"},
        {"[{\"location\":\"UTC\"}]", BARO_EINVALID, "time interval 0 is always"},
        {"[{\"weekdays\":[\"noday\"]}]", BARO_EINVALID, "noday is not a valid weekday"},
        {"[{\"hours\":[\"1\"]}]", BARO_EINVALID, "hours"},
        {"[{\"years\":[\"2026\"],\"location\":\"No/Where\"}]", BARO_EINVALID,
         "unknown time zone No/Where"},
        {"[{\"times\":[{\"start_time\":\"22:00\",\"end_time\":\"06:00\"}]}]", BARO_EINVALID,
         "start time cannot be equal or greater than end time"},
        {"[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]", BARO_ELIMIT, "more than 20"},
    };
    struct arena arena = {0};
    char *spaces = mem_alloc(AM_SCHEDULE_BYTES_MAX + 1);

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct am_schedule *schedule = NULL;
        struct baro_error err = {0};

        test_row(cases[i].text);
        assert_int_equal(am_schedule_parse(&arena, str_from(cases[i].text), &schedule, &err),
                         cases[i].want);
        assert_true(str_contains(str_from(err.message), str_from(cases[i].message)));
        assert_null(schedule);
    }
    test_row(NULL);
    memset(spaces, ' ', AM_SCHEDULE_BYTES_MAX + 1);
    assert_int_equal(am_schedule_parse(&arena, str_of(spaces, AM_SCHEDULE_BYTES_MAX + 1),
                                       &(const struct am_schedule *){NULL}, NULL),
                     BARO_ELIMIT);
    (void)mem_free(spaces);
    arena_done(&arena);
}
