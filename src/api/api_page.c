/* The web UI: its files, and index.html for every path that is neither a file nor an API. */
#include <stdlib.h>

#include "api/api_priv.h"
#include "api/assets.h"
#include "base/assert.h"
#include "codec/gzip.h"

/* What stands in web/index.html for the path of --web.external-url. */
#define BASE_PLACEHOLDER "<base href=\"/\""
#define CONTENT_POLICY                                                                             \
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "           \
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"

static const char no_ui[] =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>barograph</title>"
    "<h1>barograph</h1><p>This build has no web UI (it was made with -Dweb=false). The API is "
    "there: <a href=\"metrics\">metrics</a>, <a href=\"api/v1/targets\">targets</a>, "
    "<a href=\"api/v1/query?query=up\">a query</a>.</p></html>\n";

/* Paths of machines: nobody wants a page there. */
static const char *const api_prefixes[] = {"/api/",     "/alertmanager/", "/assets/",
                                           "/-/",       "/v1/",           "/debug/",
                                           "/federate", "/metrics",       "/render/"};

static bool is_for_machines(str path)
{
    for (size_t i = 0; i < ARRAY_COUNT(api_prefixes); i++) {
        if (str_has_prefix(path, str_from(api_prefixes[i]))) {
            return true;
        }
    }
    return false;
}

static int compare_path(const void *key, const void *row)
{
    return str_cmp(*(const str *)key, str_from(((const struct web_asset *)row)->path));
}

static const struct web_asset *find_asset(str path)
{
    return bsearch(&path, web_assets, web_asset_count, sizeof(web_assets[0]), compare_path);
}

static str packed_bytes(const struct web_asset *asset)
{
    return str_of(web_assets_blob + asset->offset, asset->packed_bytes);
}

static void write_escaped(struct buf *buf, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c < ' ' || c == '"' || c == '&' || c == '<' || c == '>' || c == '\'') {
            buf_printf(buf, "&#%u;", c);
        } else {
            buf_char(buf, (char)c);
        }
    }
}

/* "https://host/prom/" -> "/prom"; without a URL the prefix of all paths. */
static str base_path(const struct api_context *context)
{
    str url = str_from(context->external_url);
    str path = str_from(context->prefix);

    if (url.len > 0) {
        size_t scheme = str_index(url, STR("://"));
        str rest = scheme == SIZE_MAX ? url : str_from_index(url, scheme + 3);
        size_t slash = str_index_char(rest, '/');

        path = slash == SIZE_MAX ? STR("") : str_from_index(rest, slash);
    }
    while (path.len > 0 && path.ptr[path.len - 1] == '/') {
        path.len--;
    }
    return path;
}

void api_page_prepare(struct api *api)
{
    const struct web_asset *index = find_asset(STR("/index.html"));
    struct buf raw = {0};
    size_t at;

    if (index == NULL) {
        buf_c(&api->index, no_ui);
        return;
    }
    ASSERT(gzip_unpack(packed_bytes(index), index->raw_bytes, &raw, NULL) >= 0);
    at = str_index(buf_view(&raw), STR(BASE_PLACEHOLDER));
    ASSERT(at != SIZE_MAX);
    buf_str(&api->index, str_slice(buf_view(&raw), 0, at));
    buf_c(&api->index, "<base href=\"");
    write_escaped(&api->index, base_path(&api->context));
    buf_c(&api->index, "/\"");
    buf_str(&api->index, str_from_index(buf_view(&raw), at + sizeof(BASE_PLACEHOLDER) - 1));
    buf_done(&raw);
}

/* Headers of everything that a browser shows: label values from outside must never become a script.
 */
static void add_page_headers(struct http_response *response)
{
    http_response_header(response, "Content-Security-Policy", CONTENT_POLICY);
    http_response_header(response, "X-Content-Type-Options", "nosniff");
    http_response_header(response, "Referrer-Policy", "same-origin");
}

static void send_index(struct api_call *call)
{
    call->response->content_type = "text/html; charset=utf-8";
    call->response->constant_body = buf_view(&call->api->index);
    add_page_headers(call->response);
    http_response_header(call->response, "Cache-Control", "no-cache");
}

static void send_asset(struct api_call *call, const struct web_asset *asset)
{
    struct http_response *response = call->response;
    bool is_hashed = str_has_prefix(str_from(asset->path), STR("/assets/"));

    response->content_type = asset->type;
    add_page_headers(response);
    http_response_header(response, "ETag", asset->etag);
    http_response_header(response, "Cache-Control",
                         is_hashed ? "public, max-age=31536000, immutable" : "no-cache");
    if (str_is(http_request_header(call->request, "If-None-Match"), asset->etag)) {
        response->status = 304;
        return;
    }
    http_response_header(response, "Vary", "Accept-Encoding");
    if (http_accepts_gzip(call->request)) {
        http_response_header(response, "Content-Encoding", "gzip");
        response->constant_body = packed_bytes(asset);
    } else {
        ASSERT(gzip_unpack(packed_bytes(asset), asset->raw_bytes, &response->body, NULL) >= 0);
    }
}

void api_page(struct api_call *call)
{
    str path = call->request->path;
    const struct web_asset *asset = find_asset(path);

    if (asset != NULL && !str_is(path, "/index.html")) {
        send_asset(call, asset);
    } else if (is_for_machines(path)) {
        http_response_text(call->response, 404, "404 page not found\n");
    } else {
        send_index(call);
    }
}
