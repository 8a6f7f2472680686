#include "conf/url.h"

#include <string.h>

#include "base/attr.h"
#include "testing/test.h"

TEST(url_parts)
{
    static const struct {
        const char *text;
        const char *scheme;
        const char *user;
        const char *host;
        const char *path;
    } cases[] = {
        {"", "", "", "", ""},
        {"http://h:80/p?q#f", "http", "", "h:80", "/p?q#f"},
        {"https://u:p@h", "https", "u:p", "h", ""},
        {"http://u@x@h/", "http", "u@x", "h", "/"},
        {"http://[::1]:9/", "http", "", "[::1]:9", "/"},
        {"localhost:9090", "localhost", "", "", "9090"},
        {"//h/p", "", "", "h", "/p"},
        {"a/b:c", "", "", "", "a/b:c"},
        {"unix:///var/run/x", "unix", "", "", "/var/run/x"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct url url = {0};
        struct baro_error err;

        test_row(cases[i].text);
        assert_ok(url_parse(str_from(cases[i].text), &url, &err), &err);
        assert_str_equal(url.scheme, str_from(cases[i].scheme));
        assert_str_equal(url.user, str_from(cases[i].user));
        assert_str_equal(url.host, str_from(cases[i].host));
        assert_str_equal(url.path, str_from(cases[i].path));
    }
    test_row(NULL);
}

TEST(url_refusals)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"://x", "parse \"://x\": missing protocol scheme"},
        {"1.2.3.4:80", "first path segment in URL cannot contain colon"},
        {"http://h:a", "invalid port \":a\" after host"},
        {"http://h/%zz", "invalid URL escape \"%zz\""},
        {"http://a b/", "invalid character \" \" in host name"},
        {"http://[::1", "missing ']' in host"},
        {"http://h/\x01", "invalid control character in URL"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct url url = {0};
        struct baro_error err = {0};

        test_row(cases[i].text);
        assert_int_equal(url_parse(str_from(cases[i].text), &url, &err), BARO_EPARSE);
        assert_non_null(strstr(err.message, cases[i].want));
    }
    test_row(NULL);
}

TEST(url_hides_passwords)
{
    struct arena arena = {0};

    assert_str_equal(url_redacted(&arena, STR("http://u:p@h/x")), STR("http://u:xxxxx@h/x"));
    assert_str_equal(url_redacted(&arena, STR("http://u@h/x")), STR("http://u@h/x"));
    assert_str_equal(url_redacted(&arena, STR("://")), STR("://"));
    arena_done(&arena);
}
