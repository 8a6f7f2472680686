#include "base/log.h"

#include <unistd.h>

#include "base/buf.h"
#include "testing/test.h"

/* The line that is logged with one hostile value. */
static void line_of(enum log_format format, str value, struct buf *ret)
{
    int ends[2];
    int before = dup(STDERR_FILENO);
    ssize_t got = 0;

    assert_true(before >= 0 && pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    log_setup(LOG_INFO, format);
    log_warn("hostile", log_str("value", value), log_int("last", 7));
    log_setup(LOG_INFO, LOG_LOGFMT);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    (void)close(before);
    (void)close(ends[1]);
    buf_reset(ret);
    do {
        ret->len += (size_t)got;
        got = read(ends[0], buf_reserve(ret, 4096), 4096);
    } while (got > 0);
    (void)close(ends[0]);
}

TEST(log_lines_are_whole_whatever_the_value)
{
    static const struct {
        const char *value;
        const char *json;
        const char *logfmt;
    } cases[] = {
        {"plain", "\"value\":\"plain\",\"last\":\"7\"}\n", "value=plain last=7\n"},
        {"a \"b\"\n", "\"value\":\"a \\\"b\\\"\\n\",", "value=\"a \\\"b\\\"\\n\" last=7\n"},
        {"caf\xc3\xa9", "\"value\":\"caf\xc3\xa9\",", "value=caf\xc3\xa9 last=7\n"},
        {"\xff\xc3", "\"value\":\"\\ufffd\\ufffd\",", "value=\"\\ufffd\\ufffd\" last=7\n"},
        {"\x01", "\"value\":\"\\u0001\",", "value=\"\\u0001\" last=7\n"},
    };
    struct buf line = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        test_row(cases[i].value);
        line_of(LOG_JSON, str_from(cases[i].value), &line);
        assert_true(str_contains(buf_view(&line), str_from(cases[i].json)));
        line_of(LOG_LOGFMT, str_from(cases[i].value), &line);
        assert_true(str_has_suffix(buf_view(&line), str_from(cases[i].logfmt)));
    }
    test_row(NULL);
    buf_done(&line);
}

TEST(log_cuts_a_long_value_and_not_the_line)
{
    struct buf text = {0};
    struct buf line = {0};

    while (text.len < 20000) {
        buf_c(&text, "\xc3\xa9");
    }
    line_of(LOG_JSON, buf_view(&text), &line);
    assert_true(line.len < 9000 && utf8_is_valid(buf_view(&line)));
    assert_true(str_has_suffix(buf_view(&line), STR("\xa9\",\"last\":\"7\"}\n")) ||
                str_has_suffix(buf_view(&line), STR("\xa9\",\"last\":\"\"}\n")));
    line_of(LOG_LOGFMT, buf_view(&text), &line);
    assert_true(line.len < 9000 && utf8_is_valid(buf_view(&line)));
    assert_true(str_contains(buf_view(&line), STR("\xa9\" last=")));
    buf_done(&line);
    buf_done(&text);
}
