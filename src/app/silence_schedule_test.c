#include "app/silence_schedule.h"

#include "testing/test.h"

TEST(silence_schedule_write_makes_intervals)
{
    static const struct {
        const char *words;
        int want;
        const char *text; /* JSON, or the error */
    } cases[] = {
        {"weekdays=saturday,sunday times=22:00-24:00,00:00-06:00 location=Europe/Vienna", 0,
         "{\"weekdays\":[\"saturday\",\"sunday\"],\"times\":[{\"start_time\":\"22:00\","
         "\"end_time\":\"24:00\"},{\"start_time\":\"00:00\",\"end_time\":\"06:00\"}],"
         "\"location\":\"Europe/Vienna\"}"},
        {"  months=1:3  days_of_month=-1 years=2026 ", 0,
         "{\"months\":[\"1:3\"],\"days_of_month\":[\"-1\"],\"years\":[\"2026\"]}"},
        {"{\"weekdays\": [\"monday\"]}", 0, "{\"weekdays\":[\"monday\"]}"},
        {"{", BARO_EUSAGE, "--recurring: "},
        {"times=22:00", BARO_EUSAGE, "HH:MM-HH:MM is wanted"},
        {"hours=1", BARO_EUSAGE, "\"hours\" is none of times"},
        {"weekdays", 0, "{\"weekdays\":[\"\"]}"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf buf = {0};
        struct json_writer json = json_write_over(&buf);
        struct baro_error err = {0};

        test_row(cases[i].words);
        assert_int_equal(silence_schedule_write(&json, str_from(cases[i].words), &err),
                         cases[i].want);
        if (cases[i].want == 0) {
            assert_str_equal(buf_view(&buf), str_from(cases[i].text));
        } else {
            assert_true(str_contains(str_from(err.message), str_from(cases[i].text)));
        }
        buf_done(&buf);
    }
    test_row(NULL);
}
