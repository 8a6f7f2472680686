#include "http/client.h"

#include "base/assert.h"
#include "base/mem.h"
#include "conf/prom_config.h"
#include "http/client_grant.h"
#include "http/client_plain.h"
#include "http/client_priv.h"

/* ---- headers ---- */

/* As libcurl does, a header without a value is not sent. */
static void lines_append(const char *line, void *context)
{
    struct buf *lines = context;
    str text = str_trim(str_from(line));

    if (text.len > 0 && text.ptr[text.len - 1] != ':') {
        buf_str(lines, text);
        buf_c(lines, "\r\n");
    }
}

void client_list_append(struct curl_slist **list, const char *line)
{
    struct curl_slist *grown = curl_slist_append(*list, line);

    if (grown != NULL) {
        *list = grown;
    }
}

struct http_headers *http_headers_new(const char *const *lines, size_t count)
{
    struct http_headers *headers = MEM_NEW(struct http_headers);

    for (size_t i = 0; i < count; i++) {
        struct curl_slist *grown = curl_slist_append(headers->list, lines[i]);

        ASSERT(grown != NULL);
        headers->list = grown;
        lines_append(lines[i], &headers->lines);
    }
    ASSERT(!headers->lines.failed);
    return headers;
}

struct http_headers *http_headers_free(struct http_headers *headers)
{
    if (headers != NULL) {
        curl_slist_free_all(headers->list);
        buf_done(&headers->lines);
    }
    return mem_free(headers);
}

bool client_has_headers(const struct http_client *client)
{
    return client->grant != NULL || client_settings_have_headers(client->settings);
}

int client_headers_add(const struct http_client *client,
                       void (*add)(const char *line, void *context), void *context,
                       struct baro_error *err)
{
    if (client->grant != NULL) {
        add(client->token.ptr, context);
    }
    return client_settings_headers(client->settings, add, context, err);
}

/* ---- clients ---- */

void client_release(struct http_client *client)
{
    if (!client->is_freed || client->transfer_count > 0) {
        return;
    }
    if (client->grant != NULL) {
        *client->at = client->next;
        if (client->next != NULL) {
            client->next->at = client->at;
        }
        client->grant = client_grant_free(client->grant);
    }
    buf_done(&client->token);
    client_texts_close(&client->texts);
    client->proxy = client_proxy_free(client->proxy);
    curl_slist_free_all(client->connect_headers);
    (void)mem_free(client);
}

static void granted(struct http_client *client, struct http_call *request, str line, int result,
                    const struct baro_error *why);

static void grant_attach(struct http_client *client, struct http_tokens *tokens)
{
    struct http_engine *engine = client->engine;

    client->grant = client_grant_new(engine, client->settings->oauth2, tokens, granted, client);
    client->next = engine->granted;
    client->at = &engine->granted;
    engine->granted = client;
    if (client->next != NULL) {
        client->next->at = &client->next;
    }
}

static void connect_header_add(const char *line, void *context)
{
    struct http_client *client = context;

    client_list_append(&client->connect_headers, line);
}

int http_client_new_sharing(struct http_engine *engine, const struct prom_http *settings,
                            struct http_tokens *tokens, struct http_client **ret,
                            struct baro_error *err)
{
    struct http_client *client = NULL;
    struct client_texts texts;
    int result = http_client_check(settings, err);

    result = result < 0 ? result : client_texts_open(settings->tls, &texts, err);
    if (result < 0) {
        return result;
    }
    client = MEM_NEW(struct http_client);
    client->texts = texts;
    client->engine = engine;
    client->settings = settings;
    client->proxy = client_proxy_new(settings);
    if (settings->proxy_from_environment || str_has_prefix(settings->proxy_url, STR("https:"))) {
        atomic_store_explicit(&engine->has_tls_proxy, true, memory_order_relaxed);
    }
    client_proxy_headers(settings, connect_header_add, client);
    if (settings->oauth2 != NULL) {
        grant_attach(client, tokens);
    }
    *ret = client;
    return 0;
}

int http_client_new(struct http_engine *engine, const struct prom_http *settings,
                    struct http_client **ret, struct baro_error *err)
{
    return http_client_new_sharing(engine, settings, NULL, ret, err);
}

struct http_client *http_client_free(struct http_client *client)
{
    if (client == NULL) {
        return NULL;
    }
    client_transfers_forget(client);
    client->is_freed = true;
    client_release(client);
    return NULL;
}

/* ---- requests ---- */

static void outcome_reset(struct http_call *request)
{
    request->status = 0;
    request->status_text[0] = '\0';
    request->body = STR_NULL;
    request->content_type = STR_NULL;
    request->body_is_too_long = false;
    request->result = 0;
    request->err = (struct baro_error){0};
}

bool client_plain_moved(struct http_client *client, struct http_call *request, dur left)
{
    /* The settings of a freed client are gone. */
    if (client->is_freed) {
        return false;
    }
    outcome_reset(request);
    client_transfer_start(client, request, left);
    return true;
}

void client_plain_released(struct http_client *client)
{
    client->transfer_count--;
    client_release(client);
}

/* False when the request needs libcurl, be it only to say what is wrong with the settings. */
static bool plain_try(struct http_client *client, struct http_call *request)
{
    struct http_engine *engine = client->engine;
    const struct prom_http *settings = client->settings;
    str lines = request->headers != NULL ? buf_view(&request->headers->lines) : STR_NULL;
    struct plain_url url;

    if (client_proxy_pick(client->proxy, request->url).proxy != NULL || request->post.ptr != NULL ||
        request->method != NULL || !plain_url_parse(request->url, &url)) {
        return false;
    }
    if (client_has_headers(client)) {
        buf_reset(&engine->lines);
        buf_str(&engine->lines, lines);
        if (client_headers_add(client, lines_append, &engine->lines, NULL) < 0 ||
            engine->lines.failed) {
            return false;
        }
        lines = buf_view(&engine->lines);
    }
    client->transfer_count++;
    plain_start(engine->plain, client, request, &url, lines, settings->follow_redirects);
    return true;
}

static void send_off(struct http_client *client, struct http_call *request, str token, dur timeout)
{
    buf_reset(&client->token);
    buf_str(&client->token, token);
    if (!plain_try(client, request)) {
        client_transfer_start(client, request, timeout);
    }
}

/* A request has waited for its token; with NULL, the asking is over. */
static void granted(struct http_client *client, struct http_call *request, str line, int result,
                    const struct baro_error *why)
{
    struct baro_error late = {0};
    char url[URL_SHOWN_BYTES];
    dur left;

    if (request == NULL) {
        client->transfer_count--;
        client_release(client);
        return;
    }
    left = request->timeout - (loop_now(client->engine->loop) - request->begun) / MONO_PER_MS;
    if (result >= 0 && (client->is_freed || left <= 0)) {
        result = client->is_freed
                     ? error_set(&late, BARO_ECANCELED, "canceled")
                     : error_set(&late, BARO_ETIMEOUT, "\"%s\": context deadline exceeded",
                                 client_url_show(request->url, url, sizeof(url)));
        why = &late;
    }
    if (result >= 0) {
        send_off(client, request, line, left);
        return;
    }
    request->result = result;
    request->err = *why;
    if (request->done != NULL) {
        request->done(request);
    }
}

void http_call_start(struct http_client *client, struct http_call *request)
{
    int state = GRANT_KNOWN;
    str token = STR_NULL;

    ASSERT(!http_call_is_running(request) && request->timeout > 0);
    outcome_reset(request);
    if (client->grant != NULL) {
        request->begun = loop_now(client->engine->loop);
        state = client_grant_begin(client->grant, request, request->begun, &token, &request->err);
        client->transfer_count += state == GRANT_ASKING ? 1 : 0;
    }
    if (state == GRANT_KNOWN) {
        send_off(client, request, token, request->timeout);
    } else if (state < 0) {
        client_transfer_fail(client, request, state);
    }
}

void http_call_cancel(struct http_call *request)
{
    if (request->transfer != NULL) {
        client_transfer_cancel(request);
    }
    plain_cancel(request);
    if (request->grant != NULL) {
        client_grant_forget(request->grant, request);
    }
}
