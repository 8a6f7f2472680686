/* Under which URL others reach this server, and under which prefix its paths stand: Prometheus's
 * --web.external-url and --web.route-prefix. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/serve_priv.h"
#include "conf/url.h"
#include "http/server.h"

/* "/prom/", "prom" -> "/prom"; "" and "/" -> "" */
static const char *tidy_path(struct serve *serve, str path)
{
    while (path.len > 0 && path.ptr[path.len - 1] == '/') {
        path.len--;
    }
    if (path.len == 0) {
        return "";
    }
    return arena_printf(&serve->arena, "%s%.*s", path.ptr[0] == '/' ? "" : "/", STR_ARG(path)).ptr;
}

static bool has_quote(str text)
{
    return strchr("\"'", text.ptr[0]) != NULL || strchr("\"'", text.ptr[text.len - 1]) != NULL;
}

int serve_url_read(struct serve *serve, struct baro_error *err)
{
    str text = flags_text(&serve->flags, SERVE_FLAG_WEB_URL);
    struct url url = {0};
    const char *path;
    str rest;

    if (text.len > 0 && has_quote(text)) {
        return error_set(err, BARO_EUSAGE,
                         "--web.external-url: %.*s begins or ends with a quote: take it off",
                         STR_ARG(text));
    }
    if (text.len > 0 && url_parse(text, &url, err) < 0) {
        return error_wrap(err, BARO_EUSAGE, "--web.external-url");
    }
    rest = url.path;
    path = tidy_path(serve, str_slice(rest, 0, str_index_char(rest, '?')));
    serve->prefix = serve->flags.given[SERVE_FLAG_WEB_PREFIX]
                        ? tidy_path(serve, flags_text(&serve->flags, SERVE_FLAG_WEB_PREFIX))
                        : path;
    if (url.scheme.len > 0 && url.host.len > 0) {
        serve->external_url = arena_printf(&serve->arena, "%.*s://%.*s%s", STR_ARG(url.scheme),
                                           STR_ARG(url.host), path)
                                  .ptr;
    } else {
        serve->external_path = path;
    }
    return 0;
}

void serve_url_complete(struct serve *serve)
{
    bool has_tls = serve->web != NULL && server_web_has_tls(serve->web);
    char host[256] = "localhost";

    if (serve->external_url != NULL) {
        return;
    }
    (void)gethostname(host, sizeof(host) - 1);
    serve->external_url =
        arena_printf(&serve->arena, "%s://%s:%u%s", has_tls ? "https" : "http", host,
                     http_server_port(serve->server, 0), serve->external_path)
            .ptr;
}
