#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "client/self.h"
#include "discover/discover_priv.h"
#include "http/client.h"

#define META_URL STR("__meta_url")

enum { ANSWER_BYTES_MAX = 64 << 20 };

struct http_state {
    struct provider *provider;
    struct http_client *client;
    struct http_headers *headers;
    char *url;
    struct http_call request;
};

static dur http_interval(const struct prom_sd *sd)
{
    return sd->http->refresh_interval;
}

static bool http_is_same(const struct prom_sd *a, const struct prom_sd *b)
{
    return str_eq(a->http->url, b->http->url);
}

/* Prometheus takes application/json, with charset utf-8 at most. */
static bool type_is_json(str type)
{
    size_t end = str_index_char(type, ';');
    str rest = end == SIZE_MAX ? STR("") : str_trim(str_from_index(type, end + 1));

    if (!str_eq_nocase(str_slice(type, 0, end), STR("application/json"))) {
        return false;
    }
    return end == SIZE_MAX || str_eq_nocase(rest, STR("charset=utf-8")) ||
           str_eq_nocase(rest, STR("charset=\"utf-8\""));
}

static int answer_judge(const struct http_call *request, str url, struct target_groups **ret,
                        struct baro_error *err)
{
    if (request->result < 0) {
        *err = request->err;
        return request->result;
    }
    if (request->status != 200) {
        return error_set(err, BARO_ENETWORK, "server returned HTTP status %s",
                         request->status_text);
    }
    if (!type_is_json(request->content_type)) {
        return error_set(err, BARO_EINVALID, "unsupported content type \"%.*s\"",
                         STR_ARG(request->content_type));
    }
    return target_groups_read_json(request->body, url, META_URL, ret, err);
}

static void http_done(struct http_call *request)
{
    struct http_state *state = CONTAINER_OF(request, struct http_state, request);
    struct provider *provider = state->provider;
    const str url = provider->sd->http->url;
    struct target_groups *groups = NULL;
    struct baro_error err = {0};

    if (answer_judge(request, url, &groups, &err) < 0) {
        self_add(SELF_SD_HTTP_FAILURES, 1);
        log_error("HTTP discovery failed", log_str("job", provider->job), log_err(&err));
        return;
    }
    provider_set_consume(provider, url, groups);
}

static void http_refresh(struct provider *provider)
{
    struct http_state *state = provider->state;

    if (state->client != NULL && !http_call_is_running(&state->request)) {
        http_call_start(state->client, &state->request);
    }
}

static int http_start(struct provider *provider, struct baro_error *err)
{
    struct http_state *state = MEM_NEW(struct http_state);
    const struct prom_http_sd *sd = provider->sd->http;
    struct buf line = {0};
    const char *lines[] = {"Accept: application/json", NULL};

    provider->state = state;
    state->provider = provider;
    state->url = str_dup_c(sd->url);
    buf_c(&line, "X-Prometheus-Refresh-Interval-Seconds: ");
    buf_double(&line, (double)sd->refresh_interval / DUR_SECOND, NUM_F);
    buf_char(&line, '\0');
    lines[1] = line.ptr;
    state->headers = http_headers_new(lines, ARRAY_COUNT(lines));
    buf_done(&line);
    state->request = (struct http_call){
        .url = state->url,
        .headers = state->headers,
        .timeout = sd->refresh_interval,
        .body_bytes_max = ANSWER_BYTES_MAX,
        .done = http_done,
    };
    return http_client_new(provider->discover->engine, sd->http, &state->client, err);
}

static void http_stop(struct provider *provider)
{
    struct http_state *state = provider->state;

    if (state != NULL) {
        http_call_cancel(&state->request);
        (void)http_client_free(state->client);
        (void)http_headers_free(state->headers);
        (void)mem_free(state->url);
        provider->state = mem_free(state);
    }
}

const struct provider_ops provider_http_ops = {
    .start = http_start,
    .refresh = http_refresh,
    .stop = http_stop,
    .interval = http_interval,
    .is_same = http_is_same,
};
