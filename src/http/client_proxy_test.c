#include "http/client_proxy.h"

#include <stdlib.h>

#include "base/attr.h"
#include "base/buf.h"
#include "conf/prom_config.h"
#include "testing/test.h"

static void asked(const char *list, const char *url, bool want)
{
    const struct prom_http settings = {.proxy_url = STR("http://p:1"), .no_proxy = str_from(list)};
    CLEANUP(client_proxy_freep) struct client_proxy *proxy = client_proxy_new(&settings);

    test_row(url);
    assert_int_equal(client_proxy_pick(proxy, url).proxy != NULL, want);
    test_row(NULL);
}

/* What Go's httpproxy says of the same lists and URLs. */
TEST(client_proxy_leaves_out_what_the_list_names)
{
    static const struct {
        const char *list;
        const char *url;
        bool want;
    } cases[] = {
        {"", "http://127.0.0.1/", true},
        {"a", "http://127.0.0.1:8080/", false},
        {"a", "http://127.1.2.3/", false},
        {"a", "https://[::1]:443/", false},
        {"a", "http://[::ffff:127.0.0.1]/", false},
        {"a", "http://localhost:80/x", false},
        {"a", "http://LOCALHOST/", true},
        {"a", "http://u:p@localhost:1/", false},
        {"foo.com", "http://foo.com/", false},
        {"foo.com", "http://bar.foo.com/", false},
        {"foo.com", "http://xfoo.com/", true},
        {"FOO.com", "http://Bar.foo.COM/", false},
        {".y.com", "http://y.com/", true},
        {".y.com", "http://x.y.com/", false},
        {"*.y.com", "http://x.y.com/", false},
        {"*.y.com", "http://y.com/", true},
        {"foo.com:80", "http://foo.com/", false},
        {"foo.com:80", "https://foo.com/", true},
        {"foo.com:443", "https://a.foo.com/", false},
        {"foo.com:8080", "http://foo.com:8080/", false},
        {"foo.com:", "http://foo.com:8080/", false},
        {" a , foo.com ,b", "http://foo.com/", false},
        {"a,*,b", "http://anything/", false},
        {"*a", "http://xa/", true},
        {"10.1.2.3", "http://10.1.2.3:9/", false},
        {"10.1.2.3", "http://10.1.2.4:9/", true},
        {"10.1.2.3:9", "http://10.1.2.3:9/", false},
        {"10.1.2.3:8", "http://10.1.2.3:9/", true},
        {"10.0.0.0/8", "http://10.9.9.9/", false},
        {"10.0.0.0/8", "http://11.9.9.9/", true},
        {"10.16.0.0/12", "http://10.31.0.1/", false},
        {"10.16.0.0/12", "http://10.32.0.1/", true},
        {"0.0.0.0/0", "http://10.32.0.1/", false},
        {"0.0.0.0/0", "http://[2001:db8::1]/", true},
        {"10.0.0.0/33", "http://10.0.0.1/", true},
        {"2001:db8::/32", "http://[2001:db8:1::1]/", false},
        {"2001:db8::/32", "http://[2001:db9::1]/", true},
        {"2001:db8::1", "http://[2001:db8::1]:80/", false},
        {"[2001:db8::1]:80", "http://[2001:db8::1]/", false},
        {"[2001:db8::1]:81", "http://[2001:db8::1]/", true},
        {"::ffff:10.0.0.1", "http://10.0.0.1/", false},
        {":80", "http://foo.com/", true},
        {",,", "http://foo.com/", true},
        {".", "http://foo.com/", true},
        {"1", "http://10.0.0.1/", true},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        asked(cases[i].list, cases[i].url, cases[i].want);
    }
}

static void environment_set(const char *upper, const char *lower, const char *none)
{
    assert_int_equal(setenv("HTTP_PROXY", upper, 1), 0);
    assert_int_equal(setenv("http_proxy", lower, 1), 0);
    assert_int_equal(setenv("https_proxy", "https://user:pass@s", 1), 0);
    assert_int_equal(setenv("NO_PROXY", none, 1), 0);
}

TEST(client_proxy_follows_the_environment)
{
    const struct prom_http settings = {.proxy_from_environment = true};
    CLEANUP(client_proxy_freep) struct client_proxy *proxy = NULL;
    struct client_way way = {0};

    environment_set("plain:8", "http://other", "not.here");
    proxy = client_proxy_new(&settings);
    way = client_proxy_pick(proxy, "http://a/");
    assert_string_equal(way.proxy, "http://plain:8");
    assert_false(way.is_tunnel);
    way = client_proxy_pick(proxy, "https://a/");
    assert_string_equal(way.proxy, "https://user:pass@s");
    assert_int_equal(way.port, 443);
    assert_true(way.is_tunnel);
    assert_null(client_proxy_pick(proxy, "https://x.not.here/").proxy);
    assert_null(client_proxy_pick(proxy, "http://127.0.0.1:9090/").proxy);
    assert_null(client_proxy_pick(proxy, "no URL").proxy);

    /* What is there now counts for those that are made now. */
    environment_set("", "SOCKS5://s", "");
    assert_string_equal(client_proxy_pick(proxy, "http://a/").proxy, "http://plain:8");
    proxy = client_proxy_free(proxy);
    proxy = client_proxy_new(&settings);
    way = client_proxy_pick(proxy, "http://a/");
    assert_string_equal(way.proxy, "socks5h://s");
    assert_int_equal(way.port, 1080);

    environment_set("bad host", "", "");
    proxy = client_proxy_free(proxy);
    proxy = client_proxy_new(&settings);
    assert_null(client_proxy_pick(proxy, "http://a/").proxy);
    for (const char *const *name =
             (const char *const[]){"HTTP_PROXY", "http_proxy", "https_proxy", "NO_PROXY", NULL};
         *name != NULL; name++) {
        assert_int_equal(unsetenv(*name), 0);
    }
}

static void line_keep(const char *line, void *context)
{
    buf_c(context, line);
    buf_char(context, '\n');
}

TEST(client_proxy_headers_are_one_line_each)
{
    struct secret good[] = {secret_from(STR(" a b ")), secret_from(STR(""))};
    struct secret bad[] = {secret_from(STR("a\r\nX-Other: b"))};
    struct prom_header items[] = {{.name = STR("X-Who"), .secrets = good, .secret_count = 2}};
    struct prom_headers headers = {.items = items, .count = 1};
    const struct prom_http settings = {.proxy_connect_header = &headers};
    struct baro_error err = {0};
    struct buf lines = {0};

    assert_int_equal(client_proxy_check(&settings, &err), 0);
    client_proxy_headers(&settings, line_keep, &lines);
    buf_char(&lines, '\0');
    assert_string_equal(lines.ptr, "X-Who: a b\nX-Who;\n");
    buf_done(&lines);
    items[0].secrets = bad;
    items[0].secret_count = 1;
    assert_int_equal(client_proxy_check(&settings, &err), BARO_EINVALID);
    items[0] = (struct prom_header){.name = STR("a:b")};
    assert_int_equal(client_proxy_check(&settings, &err), BARO_EINVALID);
}
