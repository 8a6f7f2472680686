#include "alerting/am_matcher.h"

#include "testing/test.h"

static const struct {
    const char *text;
    const char *want; /* sorted and printed; NULL = refused */
} texts[] = {
    {"", "{}"},
    {"{}", "{}"},
    {"a=b", "{a=\"b\"}"},
    {" a = b ", "{a=\"b\"}"},
    {"{a=\"b\",}", "{a=\"b\"}"},
    {"{a=\"b\", c=~\"d|e\"}", "{a=\"b\",c=~\"d|e\"}"},
    {"z!=1, a!~\"x.*\"", "{a!~\"x.*\",z!=\"1\"}"},
    {"a=2,a=1,a!=1", "{a=\"1\",a!=\"1\",a=\"2\"}"},
    {"\"\xC3\xBC x\"=\"y\"", "{\"\xC3\xBC x\"=\"y\"}"},
    {"\xC3\xBC=y", "{\xC3\xBC=\"y\"}"},
    {"a=\"b\\\"c\\\\d\\ne\"", "{a=\"b\\\"c\\\\d\\ne\"}"},
    {"\"a b\"=\"\\x41\\u00fc\\101\\t\"", "{\"a b\"=\"A\xC3\xBC"
                                         "A\\t\"}"},
    {"a=\"b,c\"", "{a=\"b,c\"}"},
    /* only the classic grammar reads these */
    {"a=", "{a=\"\"}"},
    {"a=b c", "{a=\"b c\"}"},
    {"a=b=c", "{a=\"b=c\"}"},
    {"{a=b", "{a=\"b\"}"},
    {"a=~\\d+", "{a=~\"\\\\d+\"}"},
    {"a==~b", "{a=\"=~b\"}"},
    /* both read it, differently: the classic grammar is right */
    {"a=\"\\x41\"", "{a=\"\\\\x41\"}"},
    /* what Go's regular expressions do not know is read by the other one */
    {"a=~\"\\u0041\"", "{a=~\"A\"}"},
    /* spaces, Unicode's too */
    {"{ ", "{}"},
    {" }", "{}"},
    {"\302\240", "{}"},
    {"{}\342\200\250", "{}"},
    {"a=\302\240b", "{a=\"\302\240b\"}"},
    {"a-b=\302\240c", "{a-b=\"c\"}"},
    {"a=b,\n", "{a=\"b\"}"},
    {"\302\240=b", NULL},
    {"a-b=\302\205", NULL},
    /* a backslash hides a quote, but no comma */
    {"a=\\,b=c", "{a=\"\\\\\",b=\"c\"}"},
    {"a=\\,", "{a=\"\\\\\"}"},
    {"a=\"\\\",b=c\"", "{a=\"\\\",b=c\"}"},
    {"a", NULL},
    {"=b", NULL},
    {"a=\"b", NULL},
    {"a=b\"c", NULL},
    {"a=\"b\"c", NULL},
    {"1a=b c", NULL},
    {"a=~\"[\"", NULL},
    {"a=b,,c=d", NULL},
    {"a=\"b\\", NULL},
    {"\"a\"=\"\\ud800\"", NULL},
    {"\"a\"=\"\\8\"", NULL},
    {"a=\"\xFF\"", NULL},
};

TEST(am_matcher_reads_both_grammars)
{
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct arena arena = {0};
        am_matchers matchers = {0};
        struct baro_error err = {0};
        struct buf out = {0};
        int r = am_matchers_parse(&arena, str_from(texts[i].text), &matchers, &err);

        test_row(texts[i].text);
        if (texts[i].want == NULL) {
            assert_true(r < 0);
            assert_int_equal(matchers.count, 0);
            assert_true(err.message[0] != '\0');
        } else {
            assert_ok(r, &err);
            am_matchers_sort(&matchers);
            am_matchers_format(&out, &matchers);
            assert_str_equal(buf_view(&out), str_from(texts[i].want));
        }
        buf_done(&out);
        am_matchers_done(&matchers);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(am_matcher_words_faults_as_alertmanager)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"foo", "bad matcher format: foo"},
        {"a=b\"c", "matcher value contains unescaped double quote: b\"c"},
        {"a=~\"(\"", "error parsing regexp: missing closing ): `^(?:()$`"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        am_matchers matchers = {0};
        struct baro_error err = {0};

        test_row(cases[i].text);
        assert_true(am_matchers_parse(&arena, str_from(cases[i].text), &matchers, &err) < 0);
        assert_str_equal(str_slice(str_from(err.message), 0, strlen(cases[i].want)),
                         str_from(cases[i].want));
        am_matchers_done(&matchers);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(am_matcher_matches)
{
    static const struct label items[] = {{STR_INIT("a"), STR_INIT("x\ny")},
                                         {STR_INIT("b"), STR_INIT("xfoo")}};
    static const struct {
        const char *text;
        bool want;
    } cases[] = {
        {"{}", true},
        {"b=xfoo", true},
        {"b=~foo", false},
        {"b=~\".*foo\"", true},
        {"c=\"\"", true},
        {"c!=\"\"", false},
        {"c=~\"|x\"", true},
        {"c!~\".+\"", true},
        {"b!~foo", true},
        {"b=xfoo,c=d", false},
        {"a=~\"x.y\"", false},
        {"a=~\"(?s)x.y\"", true},
        {"a=~\"x\\\\ny\"", true},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        am_matchers matchers = {0};
        struct baro_error err = {0};

        test_row(cases[i].text);
        assert_ok(am_matchers_parse(&arena, str_from(cases[i].text), &matchers, &err), &err);
        assert_int_equal(am_matchers_match(&matchers, (struct labels){items, 2}), cases[i].want);
        am_matchers_done(&matchers);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(am_matcher_refuses_too_many)
{
    struct arena arena = {0};
    struct buf text = {0};
    am_matchers matchers = {0};
    struct baro_error err = {0};

    for (int i = 0; i <= AM_MATCHERS_MAX; i++) {
        buf_c(&text, "a=b,");
    }
    assert_true(am_matchers_parse(&arena, buf_view(&text), &matchers, &err) == BARO_ELIMIT);
    buf_reset(&text);
    buf_c(&text, "a=");
    for (int i = 0; i < AM_MATCHER_BYTES_MAX; i++) {
        buf_char(&text, 'x');
    }
    assert_true(am_matchers_parse(&arena, buf_view(&text), &matchers, &err) == BARO_ELIMIT);
    assert_int_equal(matchers.count, 0);
    am_matchers_done(&matchers);
    buf_done(&text);
    arena_done(&arena);
}
