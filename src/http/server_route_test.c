#include "http/server_priv.h"
#include "testing/test.h"

static const struct http_route routes[] = {
    {.path = "/hello"},
    {.path = "/label/:name/values"},
    {.path = "/label/fixed/values"},
    {.path = "/echo", .method = HTTP_POST},
    {.path = "/api/*", .method = HTTP_OPTIONS},
};

TEST(server_route_find_prefers_literals)
{
    struct server_routes *table = server_routes_new(routes, ARRAY_COUNT(routes));
    static const struct {
        enum http_method method;
        const char *path;
        int want; /* index of routes, -1 = none */
        const char *param;
        bool has_methods;
    } cases[] = {
        {HTTP_GET, "/hello", 0, "", true},
        {HTTP_HEAD, "/hello", 0, "", true},
        {HTTP_POST, "/hello", -1, "", true},
        {HTTP_GET, "/hello/", -1, "", false},
        {HTTP_GET, "/", -1, "", false},
        {HTTP_GET, "/label/job/values", 1, "job", true},
        {HTTP_GET, "/label/a%2Fb/values", 1, "a%2Fb", true},
        {HTTP_GET, "/label/fixed/values", 2, "", true},
        {HTTP_GET, "/label//values", -1, "", false},
        {HTTP_GET, "/label/a/b/values", -1, "", false},
        {HTTP_GET, "/label/values", -1, "", false},
        {HTTP_GET, "/label/:name/values", 1, ":name", true},
        {HTTP_GET, "/labe", -1, "", false},
        {HTTP_GET, "", -1, "", false},
        {HTTP_OPTIONS, "/api/x", 4, "", false},
        {HTTP_GET, "/api/x", -1, "", false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct server_match match = server_route_find(routes, ARRAY_COUNT(routes), cases[i].method,
                                                      str_from(cases[i].path));

        test_row(cases[i].path);
        assert_ptr_equal(match.route, cases[i].want < 0 ? NULL : &routes[cases[i].want]);
        assert_str_equal(match.param, str_from(cases[i].param));
        assert_int_equal(match.methods != 0, cases[i].has_methods);
        match = server_routes_get(table, cases[i].method, str_from(cases[i].path));
        assert_ptr_equal(match.route, cases[i].want < 0 ? NULL : &routes[cases[i].want]);
        assert_str_equal(match.param, str_from(cases[i].param));
        assert_true(match.route != NULL || (match.methods != 0) == cases[i].has_methods);
    }
    test_row(NULL);
    table = server_routes_free(table);
}

TEST(server_route_find_prefers_longer_tails_and_hides_the_fallback)
{
    static const struct http_route tails[] = {{.path = "/*"},
                                              {.path = "/api/*"},
                                              {.path = "/api/v2/*"},
                                              {.path = "/api/v2/*", .method = HTTP_POST},
                                              {.path = "/metrics"}};
    static const struct {
        enum http_method method;
        const char *path;
        int want;
        bool has_methods;
    } cases[] = {
        {HTTP_GET, "/", 0, false},
        {HTTP_GET, "/explore", 0, false},
        {HTTP_POST, "/explore", -1, false},
        {HTTP_GET, "/api/x", 1, true},
        {HTTP_POST, "/api/x", -1, true},
        {HTTP_GET, "/api/v2/alerts", 2, true},
        {HTTP_POST, "/api/v2/alerts", 3, true},
        {HTTP_GET, "/metrics", 4, true},
        {HTTP_DELETE, "/metrics", -1, true},
    };
    struct server_routes *table = server_routes_new(tails, ARRAY_COUNT(tails));

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct server_match match =
            server_route_find(tails, ARRAY_COUNT(tails), cases[i].method, str_from(cases[i].path));

        test_row(cases[i].path);
        assert_ptr_equal(match.route, cases[i].want < 0 ? NULL : &tails[cases[i].want]);
        assert_int_equal(match.methods != 0, cases[i].has_methods);
        match = server_routes_get(table, cases[i].method, str_from(cases[i].path));
        assert_ptr_equal(match.route, cases[i].want < 0 ? NULL : &tails[cases[i].want]);
        assert_true(match.route != NULL || (match.methods != 0) == cases[i].has_methods);
    }
    test_row(NULL);
    table = server_routes_free(table);
}

TEST(server_accepts_gzip_reads_weights)
{
    static const struct {
        const char *header;
        bool want;
    } cases[] = {
        {"gzip", true},
        {"GZIP", true},
        {"deflate, gzip", true},
        {"deflate,br", false},
        {"", false},
        {"gzip;q=0", false},
        {"gzip; q=0.000", false},
        {"gzip;q=0.1", true},
        {"*", true},
        {"*;q=0", false},
        {"*, gzip;q=0", false},
        {"identity;q=1, *;q=0", false},
        {"gzipped", false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        test_row(cases[i].header);
        assert_int_equal(server_accepts_gzip(str_from(cases[i].header)), cases[i].want);
    }
    test_row(NULL);
    assert_false(server_accepts_gzip(STR_NULL));
}

TEST(server_target_split_takes_absolute_forms)
{
    static const struct {
        const char *target;
        const char *path;
        const char *query;
    } cases[] = {
        {"/a/b", "/a/b", ""},
        {"/a?x=1?2", "/a", "x=1?2"},
        {"http://host:9090/a?x=1", "/a", "x=1"},
        {"http://host", "/", ""},
        {"*", "*", ""},
        {"/a://b", "/a://b", ""},
        {"", "", ""},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        str path = STR_NULL;
        str query = STR_NULL;

        test_row(cases[i].target);
        server_target_split(str_from(cases[i].target), &path, &query);
        assert_str_equal(path, str_from(cases[i].path));
        assert_str_equal(query, str_from(cases[i].query));
    }
    test_row(NULL);
}
