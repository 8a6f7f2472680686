#include "api/api_priv.h"
#include "api/assets.h"
#include "base/mem.h"
#include "codec/gzip.h"
#include "testing/raw_http.h"
#include "testing/test.h"

/* A server of the page alone. */
struct stage {
    struct api *api;
    struct http_server *server;
};

static struct queryable *no_store(void *app)
{
    (void)app;
    return NULL;
}

static void stage_start(struct stage *stage, const char *prefix, const char *external_url)
{
    static const char *const addresses[] = {"127.0.0.1:0"};
    struct api_context context = {
        .queryable = no_store, .prefix = prefix, .external_url = external_url};
    struct http_server_options options = {.addresses = addresses, .address_count = 1};
    struct baro_error err = {0};

    assert_true(api_new(&context, &stage->api, &err) >= 0);
    api_serve(stage->api, &options);
    assert_true(http_server_start(&options, &stage->server, &err) >= 0);
}

static void stage_end(struct stage *stage)
{
    stage->server = http_server_free(stage->server);
    stage->api = api_free(stage->api);
}

static void get(struct stage *stage, const char *target, const char *headers,
                struct raw_response *ret)
{
    raw_http_get(http_server_port(stage->server, 0), target, headers, ret);
}

TEST(api_page_answers_every_path_of_people)
{
    static const struct {
        const char *target;
        int status;
        bool is_page;
    } cases[] = {
        {"/", 200, true},
        {"/graph?g0.expr=up", 200, true},
        {"/targets", 200, true},
        {"/d/abc/my-board?var-job=a", 200, true},
        {"/index.html", 200, true},
        {"/../etc/passwd", 200, true}, /* a path like any other: no file is ever opened */
        {"/assets/nothing.js", 404, false},
        {"/api/v1/nothing", 404, false},
        {"/api/v9", 404, false},
        {"/-/nothing", 404, false},
    };
    struct stage stage = {0};

    stage_start(&stage, NULL, NULL);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct raw_response response;

        get(&stage, cases[i].target, "", &response);
        if (response.status != cases[i].status) {
            fail_msg("%s: status %d", cases[i].target, response.status);
        }
        assert_int_equal(str_contains(buf_view(&response.body), STR("<title>barograph</title>")),
                         cases[i].is_page);
        if (cases[i].is_page) {
            str policy = raw_http_header(&response, "Content-Security-Policy");

            assert_true(str_has_prefix(policy, STR("default-src 'self';")));
            assert_false(str_contains(policy, STR("script-src")));
            assert_true(str_is(raw_http_header(&response, "Cache-Control"), "no-cache"));
        }
        raw_http_done(&response);
    }
    stage_end(&stage);
}

TEST(api_page_knows_where_browsers_see_it)
{
    static const struct {
        const char *prefix, *url, *target, *base;
    } cases[] = {
        {NULL, NULL, "/", "<base href=\"/\""},
        {"", "", "/targets", "<base href=\"/\""},
        {"/prom", NULL, "/prom/targets", "<base href=\"/prom/\""},
        {"/prom", "http://host:1/prom/", "/prom", "<base href=\"/prom/\""},
        /* A proxy that cuts the prefix off: --web.route-prefix=/ */
        {"", "https://host/a/b", "/", "<base href=\"/a/b/\""},
        {"", "https://host", "/", "<base href=\"/\""},
        {"", "https://host/\"><script>", "/", "<base href=\"/&#34;&#62;&#60;script&#62;/\""},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases) && web_asset_count > 0; i++) {
        struct stage stage = {0};
        struct raw_response response;

        stage_start(&stage, cases[i].prefix, cases[i].url);
        get(&stage, cases[i].target, "", &response);
        assert_int_equal(response.status, 200);
        if (!str_contains(buf_view(&response.body), str_from(cases[i].base))) {
            fail_msg("case %zu: no %s", i, cases[i].base);
        }
        raw_http_done(&response);
        stage_end(&stage);
    }
}

TEST(api_page_sends_assets_packed_or_plain)
{
    struct stage stage = {0};

    stage_start(&stage, NULL, NULL);
    for (size_t i = 0; i < web_asset_count; i++) {
        const struct web_asset *asset = &web_assets[i];
        struct raw_response packed, plain, same;
        struct buf raw = {0};
        char header[128];

        if (str_is(str_from(asset->path), "/index.html")) {
            continue;
        }
        get(&stage, asset->path, "Accept-Encoding: gzip\r\n", &packed);
        get(&stage, asset->path, "", &plain);
        (void)snprintf(header, sizeof(header), "If-None-Match: %s\r\n", asset->etag);
        get(&stage, asset->path, header, &same);
        assert_true(str_is(raw_http_header(&packed, "Content-Encoding"), "gzip"));
        assert_null(raw_http_header(&plain, "Content-Encoding").ptr);
        assert_true(str_is(raw_http_header(&plain, "Content-Type"), asset->type));
        if (str_has_prefix(str_from(asset->path), STR("/assets/"))) {
            assert_true(str_contains(raw_http_header(&plain, "Cache-Control"), STR("immutable")));
        }
        assert_int_equal(packed.body.len, asset->packed_bytes);
        assert_int_equal(plain.body.len, asset->raw_bytes);
        assert_true(gzip_unpack(buf_view(&packed.body), asset->raw_bytes, &raw, NULL) >= 0);
        assert_true(str_eq(buf_view(&raw), buf_view(&plain.body)));
        assert_int_equal(same.status, 304);
        assert_int_equal(same.body.len, 0);
        buf_done(&raw);
        raw_http_done(&packed);
        raw_http_done(&plain);
        raw_http_done(&same);
    }
    stage_end(&stage);
}

TEST(web_assets_are_sorted_and_lie_in_the_blob)
{
    uint32_t offset = 0;

    for (size_t i = 0; i < web_asset_count; i++) {
        assert_int_equal(web_assets[i].offset, offset);
        offset += web_assets[i].packed_bytes;
        assert_true(i == 0 || strcmp(web_assets[i - 1].path, web_assets[i].path) < 0);
    }
}
