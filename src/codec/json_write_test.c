#include "codec/json_write.h"

#include <math.h>

#include "testing/test.h"

TEST(json_write_puts_commas)
{
    struct buf buf = {0};
    struct json_writer json = json_write_over(&buf);

    json_write_object_begin(&json);
    json_write_pair_str(&json, STR("a"), STR("x"));
    json_write_key(&json, STR("b"));
    json_write_array_begin(&json);
    json_write_i64(&json, -1);
    json_write_array_begin(&json);
    json_write_array_end(&json);
    json_write_object_begin(&json);
    json_write_object_end(&json);
    json_write_u64(&json, UINT64_MAX);
    json_write_null(&json);
    json_write_array_end(&json);
    json_write_pair_bool(&json, STR("c"), true);
    json_write_pair_i64(&json, STR("d"), INT64_MIN);
    json_write_pair_u64(&json, STR("e"), 7);
    json_write_pair_number(&json, STR("f"), 0.25);
    json_write_object_end(&json);
    assert_false(buf.failed);
    assert_str_equal(buf_view(&buf),
                     STR("{\"a\":\"x\",\"b\":[-1,[],{},18446744073709551615,null],\"c\":true,"
                         "\"d\":-9223372036854775808,\"e\":7,\"f\":0.25}"));
    buf_done(&buf);
}

TEST(json_write_escapes)
{
    static const struct {
        const char *name;
        str in;
        const char *html;
        const char *plain;
    } cases[] = {
        {"empty", STR_INIT(""), "\"\"", "\"\""},
        {"ascii", STR_INIT("up{job=~'a.*'}"), "\"up{job=~'a.*'}\"", "\"up{job=~'a.*'}\""},
        {"quotes", STR_INIT("a\"b\\c"), "\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\""},
        {"control", STR_INIT("\n\r\t\x01\x1f\x00z"), "\"\\n\\r\\t\\u0001\\u001f\\u0000z\"",
         "\"\\n\\r\\t\\u0001\\u001f\\u0000z\""},
        {"html", STR_INIT("<a&b>"), "\"\\u003ca\\u0026b\\u003e\"", "\"<a&b>\""},
        {"utf-8", STR_INIT("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\"",
         "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"line separator", STR_INIT("\xe2\x80\xa8|\xe2\x80\xa9"), "\"\\u2028|\\u2029\"",
         "\"\xe2\x80\xa8|\xe2\x80\xa9\""},
        {"ill-formed", STR_INIT("a\xff\xc3z\xe2\x80"), "\"a\\ufffd\\ufffdz\\ufffd\\ufffd\"",
         "\"a\\ufffd\\ufffdz\\ufffd\\ufffd\""},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf buf = {0};
        struct json_writer json = json_write_over(&buf);

        test_row(cases[i].name);
        json_write_str(&json, cases[i].in);
        assert_str_equal(buf_view(&buf), str_from(cases[i].html));
        buf_reset(&buf);
        json = json_write_over(&buf);
        json_write_str_plain(&json, cases[i].in);
        assert_str_equal(buf_view(&buf), str_from(cases[i].plain));
        buf_done(&buf);
    }
    test_row(NULL);
}

/* Every length around those that are looked at in one piece, and every place in it. */
TEST(json_write_finds_what_must_be_escaped)
{
    static const struct {
        char c;
        const char *html;
        const char *plain;
    } cases[] = {{'"', "\\\"", "\\\""},          {'\\', "\\\\", "\\\\"}, {'\n', "\\n", "\\n"},
                 {'<', "\\u003c", "<"},          {'>', "\\u003e", ">"},  {'&', "\\u0026", "&"},
                 {'\xff', "\\ufffd", "\\ufffd"}, {'~', "~", "~"},        {' ', " ", " "}};
    char text[40];

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (size_t n = 0; n < sizeof(text) * sizeof(text); n++) {
            size_t len = n % sizeof(text) + 1;
            size_t at = n / sizeof(text) % len;
            struct buf got = {0};
            struct buf want = {0};
            struct json_writer json = json_write_over(&got);

            memset(text, 'x', sizeof(text));
            text[at] = cases[i].c;
            json_write_strs(&json, &(str){text, len}, 1);
            json_write_pair_plain(&json, str_of(text, len), str_of(text, len));
            buf_printf(&want, "[\"%.*s%s%.*s\"]", (int)at, text, cases[i].html, (int)(len - at - 1),
                       text + at + 1);
            for (int k = 0; k < 2; k++) {
                buf_printf(&want, "%c\"%.*s%s%.*s\"", k == 0 ? ',' : ':', (int)at, text,
                           cases[i].plain, (int)(len - at - 1), text + at + 1);
            }
            assert_str_equal(buf_view(&got), buf_view(&want));
            buf_done(&got);
            buf_done(&want);
        }
    }
}

TEST(json_write_string_arrays)
{
    static const str items[] = {STR_INIT("a"), STR_INIT(""), STR_INIT("\n\n\n\n\n\n\n\n\n"),
                                STR_INIT("b")};
    struct buf buf = {.limit = 48};
    struct json_writer json = json_write_over(&buf);

    json_write_strs(&json, items, 0);
    json_write_strs(&json, items, 2);
    json_write_strs(&json, items + 1, 3);
    assert_false(buf.failed);
    assert_str_equal(buf_view(&buf),
                     STR("[],[\"a\",\"\"],[\"\",\"\\n\\n\\n\\n\\n\\n\\n\\n\\n\",\"b\"]"));
    json_write_strs(&json, items, 4);
    assert_true(buf.failed);
    buf_done(&buf);
}

TEST(json_write_points)
{
    static const struct {
        int64_t t;
        double v;
        const char *want;
    } cases[] = {
        {1435781451781, 1, "[1435781451.781,\"1\"]"},
        {1435781451000, 0.5, "[1435781451,\"0.5\"]"},
        {0, 0, "[0,\"0\"]"},
        {1, -0.0, "[0.001,\"-0\"]"},
        {10, 1e-7, "[0.010,\"1e-07\"]"},
        {-1, 1e21, "[-0.001,\"1e+21\"]"},
        {-1500, 1e20, "[-1.500,\"100000000000000000000\"]"},
        {1100, NAN, "[1.100,\"NaN\"]"},
        {99999, INFINITY, "[99.999,\"+Inf\"]"},
        {100000, -INFINITY, "[100,\"-Inf\"]"},
        {5, 999999999999999, "[0.005,\"999999999999999\"]"},
        {5, 1e15, "[0.005,\"1000000000000000\"]"},
        {INT64_MIN, 123456.789, "[-9223372036854775.808,\"123456.789\"]"},
        {INT64_MAX, -5e-324, "[9223372036854775.807,\"-5e-324\"]"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf buf = {0};
        struct json_writer json = json_write_over(&buf);

        test_row(cases[i].want);
        json_write_point(&json, cases[i].t, cases[i].v);
        assert_str_equal(buf_view(&buf), str_from(cases[i].want));
        buf_done(&buf);
    }
    test_row(NULL);
}

TEST(json_write_numbers)
{
    static const struct {
        double v;
        const char *number;
        const char *value;
    } cases[] = {
        {1.5, "1.5", "\"1.5\""},
        {1e-7, "1e-7", "\"1e-07\""},
        {1e-10, "1e-10", "\"1e-10\""},
        {1e21, "1e+21", "\"1e+21\""},
        {NAN, "null", "\"NaN\""},
        {INFINITY, "null", "\"+Inf\""},
        {-2e-300, "-2e-300", "\"-2e-300\""},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf buf = {0};
        struct json_writer json = json_write_over(&buf);

        json_write_number(&json, cases[i].v);
        assert_str_equal(buf_view(&buf), str_from(cases[i].number));
        buf_reset(&buf);
        json = json_write_over(&buf);
        json_write_value(&json, cases[i].v);
        assert_str_equal(buf_view(&buf), str_from(cases[i].value));
        buf_done(&buf);
    }
}

TEST(json_write_fails_once_at_the_limit)
{
    struct buf buf = {.limit = 64};
    struct json_writer json = json_write_over(&buf);

    json_write_array_begin(&json);
    for (int i = 0; i < 100; i++) {
        json_write_point(&json, i, i);
    }
    json_write_array_end(&json);
    assert_true(buf.failed);
    assert_true(buf.len <= 64);
    buf_done(&buf);
}

/* Bytes are looked at eight at a time: whatever stands anywhere comes out as it does alone. */
TEST(json_write_escapes_at_any_place)
{
    for (size_t len = 1; len <= 20; len++) {
        for (size_t at = 0; at < len; at++) {
            for (int byte = 0; byte < 256; byte++) {
                char text[20];
                char one = (char)byte;
                struct buf got = {0};
                struct buf alone = {0};
                struct json_writer json = json_write_over(&got);

                memset(text, 'x', sizeof(text));
                text[at] = one;
                json_write_str(&json, str_of(text, len));
                json_write_pair_plain(&json, str_of(text, len), str_of(text, len));
                json = json_write_over(&alone);
                json_write_str(&json, str_of(&one, 1));
                /* the same, with x before and behind */
                assert_memory_equal(got.ptr + 1 + at, alone.ptr + 1, alone.len - 2);
                assert_int_equal(got.ptr[at + alone.len - 1], at + 1 == len ? '"' : 'x');
                json = json_write_over(&alone);
                buf_reset(&alone);
                json_write_str(&json, str_of(text, len));
                json_write_key(&json, str_of(text, len));
                json_write_str_plain(&json, str_of(text, len));
                assert_str_equal(buf_view(&got), buf_view(&alone));
                buf_done(&got);
                buf_done(&alone);
            }
        }
    }
}

TEST(json_write_points_again)
{
    static struct json_times times;
    static const double values[] = {0, 1, -2.5, 1e21, 1.0 / 3, NAN, INFINITY};

    for (int round = 0; round < 3; round++) {
        for (int64_t i = -3; i < 2000; i++) {
            int64_t t = i == -3   ? INT64_MIN
                        : i == -2 ? INT64_MAX
                        : i == -1 ? JSON_TIME_MAX
                                  : 1700000000000 + i * 777 * (round + 1);
            double v = values[(size_t)(i + 3) % ARRAY_COUNT(values)];
            char a[JSON_WRITE_POINT_MAX];
            char b[JSON_WRITE_POINT_MAX];
            size_t size = (size_t)(json_write_point_at(a, t, v) - a);

            assert_int_equal(json_write_point_again(b, &times, t, v) - b, size);
            assert_memory_equal(a, b, size);
        }
    }
}
