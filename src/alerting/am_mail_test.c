#include "alerting/am_mail.h"
#include "alerting/am_send.h"
#include "testing/test.h"

TEST(am_mail_word_adds_no_header)
{
    /* Go's mime.QEncoding. */
    static const struct {
        const char *value;
        const char *want;
    } cases[] = {
        {"", ""},
        {"plain = text?", "plain = text?"},
        {"a\r\nBcc: x@y", "=?utf-8?q?a=0D=0ABcc:_x@y?="},
        {"\xC3\xA9_?=", "=?utf-8?q?=C3=A9=5F=3F=3D?="},
        {"\xFF", "=?utf-8?q?=FF?="},
        {"\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC"
         "\xE2\x82\xAC",
         "=?utf-8?q?=E2=82=AC=E2=82=AC=E2=82=AC=E2=82=AC=E2=82=AC=E2=82=AC=E2=82=AC?=\r\n "
         "=?utf-8?q?=E2=82=AC?="},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out = {0};

        test_row(cases[i].value);
        am_mail_word(&out, str_from(cases[i].value));
        assert_str_equal(buf_view(&out), str_from(cases[i].want));
        buf_done(&out);
    }
    test_row(NULL);
}

TEST(am_mail_quoted_as_go_writes_it)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"", ""},
        {"a=b\nc \r\nd\t\re", "a=3Db\r\nc=20\r\nd=09\r\ne"},
        {"\xC3\xA9.", "=C3=A9."},
        {"x ", "x=20"},
        {"012345678901234567890123456789012345678901234567890123456789012345678901234567",
         "012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n567"},
        {"0123456789012345678901234567890123456789012345678901234567890123456789012=x",
         "0123456789012345678901234567890123456789012345678901234567890123456789012=\r\n=3Dx"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out = {0};

        test_row(cases[i].text);
        am_mail_quoted(&out, str_from(cases[i].text));
        assert_str_equal(buf_view(&out), str_from(cases[i].want));
        buf_done(&out);
    }
    test_row(NULL);
}

TEST(am_mail_addresses_are_bare)
{
    static const struct {
        const char *list;
        const char *want; /* with spaces between; NULL = refused */
    } cases[] = {
        {"a@b.c", "a@b.c"},
        {"Ops <ops@x.y>, \"Last, First\" <l@x.y> ,c@d", "ops@x.y l@x.y c@d"},
        {"", NULL},
        {"a", NULL},
        {"a@", NULL},
        {"@b", NULL},
        {"a@b,", NULL},
        {"a@b@c", NULL},
        {"a b@c", NULL},
        {"a@b\r\nRCPT TO:<x@y>", NULL},
        {"x <a@b\r\nDATA>", NULL},
        {"a@b>", NULL},
        {"<a@b> x", NULL},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        struct baro_error err = {0};
        const str *found = NULL;
        struct buf out = {0};
        size_t count = 0;
        int result;

        test_row(cases[i].list);
        result = am_mail_addresses(&arena, str_from(cases[i].list), &found, &count, &err);
        assert_int_equal(result < 0, cases[i].want == NULL);
        for (size_t k = 0; result == 0 && k < count; k++) {
            buf_c(&out, k > 0 ? " " : "");
            buf_str(&out, found[k]);
        }
        if (result == 0) {
            assert_str_equal(buf_view(&out), str_from(cases[i].want));
        }
        buf_done(&out);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(am_mail_names_are_canonical)
{
    struct arena arena = {0};
    str name = STR("");

    assert_true(am_mail_name(&arena, STR("message-ID"), &name));
    assert_str_equal(name, STR("Message-Id"));
    assert_false(am_mail_name(&arena, STR("a\nb"), &name));
    assert_false(am_mail_name(&arena, STR("a:b"), &name));
    assert_false(am_mail_name(&arena, STR(""), &name));
    arena_done(&arena);
}

TEST(am_cut_keeps_characters_whole)
{
    static const struct {
        const char *text;
        size_t most;
        const char *runes;
        const char *bytes;
    } cases[] = {
        {"abcdef", 6, "abcdef", "abcdef"},
        {"abcdefg", 6, "abcde\xE2\x80\xA6", "abc\xE2\x80\xA6"},
        {"abcd", 3, "abc", "\xE2\x80\xA6"},
        {"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9", 4, "\xC3\xA9\xC3\xA9\xC3\xA9\xE2\x80\xA6",
         "\xE2\x80\xA6"},
        {"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9", 7, "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9",
         "\xC3\xA9\xC3\xA9\xE2\x80\xA6"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};

        test_row(cases[i].text);
        assert_str_equal(am_cut_runes(&arena, str_from(cases[i].text), cases[i].most),
                         str_from(cases[i].runes));
        assert_str_equal(am_cut_bytes(&arena, str_from(cases[i].text), cases[i].most),
                         str_from(cases[i].bytes));
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(am_url_add_puts_path_and_query_in_place)
{
    struct arena arena = {0};

    assert_str_equal(am_url_add(&arena, STR("http://h"), STR("v2/a b"), STR("x=1")),
                     STR("http://h/v2/a%20b?x=1"));
    assert_str_equal(am_url_add(&arena, STR("http://h/p/?k=v"), STR("q?r"), STR("x=1")),
                     STR("http://h/p/q%3Fr?k=v&x=1"));
    assert_str_equal(am_url_add(&arena, STR("http://h/p"), STR(""), STR("")), STR("http://h/p"));
    arena_done(&arena);
}
