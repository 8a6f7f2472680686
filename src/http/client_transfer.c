/* Requests over libcurl: easy handles that are kept, what they are told, and what comes of it. */
#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"
#include "codec/gzip.h"
#include "conf/prom_config.h"
#include "http/client_priv.h"

enum {
    REDIRECTS_MAX = 10,
    IDLE_CONNECTION_SECONDS = 300,
    RECEIVE_BYTES = 128 << 10,
    KEPT_BYTES_MAX = 64 << 20, /* of body buffers that wait for reuse */
};

/* ---- what comes ---- */

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct http_transfer *transfer = context;
    size_t len = size * count;

    if (len >= transfer->body_bytes_max - transfer->body.len) {
        transfer->is_too_long = true;
        return 0;
    }
    buf_bytes(&transfer->body, bytes, len);
    return transfer->body.failed ? 0 : len;
}

static void status_keep(struct http_call *request, str line)
{
    str text = str_trim(str_from_index(line, str_index_char(line, ' ')));

    text = str_slice(text, 0, sizeof(request->status_text) - 1);
    for (size_t i = 0; i < text.len; i++) {
        request->status_text[i] = text.ptr[i] >= ' ' && text.ptr[i] < 127 ? text.ptr[i] : '?';
    }
    request->status_text[text.len] = '\0';
}

/* libcurl may follow a redirect next, and looks at its proxy again then. */
static void redirect_prepare(struct http_transfer *transfer, str location)
{
    const char *from = NULL;
    char *to = NULL;

    (void)curl_easy_getinfo(transfer->easy, CURLINFO_EFFECTIVE_URL, &from);
    to = client_url_join(from, location);
    if (to != NULL) {
        client_way_apply(transfer->easy, client_proxy_pick(transfer->client->proxy, to),
                         transfer->client->connect_headers);
    }
    (void)mem_free(to);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct http_transfer *transfer = context;
    str line = str_of(bytes, size * count);
    str name = str_slice(line, 0, str_index_char(line, ':'));
    str value = str_trim(str_from_index(line, name.len + 1));
    struct http_call *call = transfer->request;

    if (str_has_prefix(line, STR("HTTP/"))) {
        /* A further response (after a redirect or 100 Continue) starts anew. */
        transfer->is_packed = false;
        transfer->body.len = 0;
        status_keep(call, line);
    } else if (str_eq_nocase(name, STR("content-encoding"))) {
        transfer->is_packed = str_eq_nocase(value, STR("gzip"));
    } else if (str_eq_nocase(name, STR("retry-after"))) {
        (void)snprintf(call->retry_after, sizeof(call->retry_after), "%.*s", STR_ARG(value));
    } else if (str_eq_nocase(name, STR("location"))) {
        redirect_prepare(transfer, value);
    } else if (str_eq_nocase(name, STR("etag"))) {
        (void)snprintf(call->etag, sizeof(call->etag), "%.*s", STR_ARG(value));
    }
    return line.len;
}

/* ---- handles ---- */

/* The socket's address and the like never leave curl; these options hold for every request. */
static void easy_setup(struct http_transfer *transfer)
{
    CURL *easy = transfer->easy;

    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, transfer->engine->user_agent);
    (void)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
    /* Names are looked up once per connection, as Go does; a cache would be walked per request. */
    (void)curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_DNS_SHUFFLE_ADDRESSES, transfer->engine->shuffle);
    (void)curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_CONNECTION_SECONDS);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
}

/* Gives the handle the settings of a client, unless it has them already. */
static void transfer_settle(struct http_transfer *transfer, struct http_client *client)
{
    if (transfer->client == client) {
        return;
    }
    if (transfer->client != NULL) {
        transfer->client->transfer_count--;
    }
    curl_easy_reset(transfer->easy);
    easy_setup(transfer);
    client_tls_apply(transfer->easy, client->settings->tls, &client->texts);
    (void)curl_easy_setopt(transfer->easy, CURLOPT_FOLLOWLOCATION,
                           client->settings->follow_redirects ? 1L : 0L);
    transfer->client = client;
    client->transfer_count++;
}

static struct http_transfer *transfer_take(struct http_engine *engine)
{
    struct http_transfer *transfer = engine->free_transfers;

    if (transfer != NULL) {
        engine->free_transfers = transfer->next;
        engine->kept_bytes -= transfer->body.capacity + transfer->raw.capacity;
        transfer->next = NULL;
        return transfer;
    }
    transfer = MEM_NEW(struct http_transfer);
    transfer->engine = engine;
    transfer->easy = curl_easy_init();
    ASSERT(transfer->easy != NULL);
    return transfer;
}

static void transfer_free(struct http_transfer *transfer)
{
    curl_slist_free_all(transfer->headers);
    curl_slist_free_all(transfer->connect_to);
    curl_easy_cleanup(transfer->easy);
    buf_done(&transfer->body);
    buf_done(&transfer->raw);
    (void)mem_free(transfer);
}

void client_transfers_free(struct http_engine *engine)
{
    while (engine->free_transfers != NULL) {
        struct http_transfer *transfer = engine->free_transfers;

        engine->free_transfers = transfer->next;
        transfer_free(transfer);
    }
}

/* The settings are gone or about to go, so the handle must not keep them. */
static void transfer_unsettle(struct http_transfer *transfer)
{
    curl_easy_reset(transfer->easy);
    transfer->client->transfer_count--;
    transfer->client = NULL;
}

void client_transfers_forget(struct http_client *client)
{
    struct http_transfer *transfer = client->engine->free_transfers;

    for (; transfer != NULL; transfer = transfer->next) {
        if (transfer->client == client) {
            transfer_unsettle(transfer);
        }
    }
}

static void transfer_put(struct http_transfer *transfer)
{
    struct http_engine *engine = transfer->engine;
    struct http_client *client = transfer->client;
    size_t bytes = transfer->body.capacity + transfer->raw.capacity;

    transfer->request = NULL;
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    buf_reset(&transfer->body);
    buf_reset(&transfer->raw);
    if (engine->kept_bytes + bytes > KEPT_BYTES_MAX) {
        buf_done(&transfer->body);
        buf_done(&transfer->raw);
        bytes = 0;
    }
    engine->kept_bytes += bytes;
    if (client->is_freed) {
        transfer_unsettle(transfer);
        client_release(client);
    }
    transfer->next = engine->free_transfers;
    engine->free_transfers = transfer;
}

static void running_link(struct http_transfer *transfer)
{
    struct http_engine *engine = transfer->engine;

    transfer->next = engine->running;
    transfer->at = &engine->running;
    if (transfer->next != NULL) {
        transfer->next->at = &transfer->next;
    }
    engine->running = transfer;
}

static void transfer_unlink(struct http_transfer *transfer)
{
    if (!transfer->has_failed) {
        (void)curl_multi_remove_handle(transfer->shard->multi, transfer->easy);
    }
    transfer->has_failed = false;
    *transfer->at = transfer->next;
    if (transfer->next != NULL) {
        transfer->next->at = transfer->at;
    }
    transfer->next = NULL;
}

/* A done may start requests. */
static void transfer_hand_over(struct http_transfer *transfer)
{
    struct http_call *request = transfer->request;

    transfer_unlink(transfer);
    request->transfer = NULL;
    if (request->done != NULL) {
        request->done(request);
    }
    transfer_put(transfer);
}

/* ---- outcome ---- */

static int failure(struct http_transfer *transfer, CURLcode code, struct baro_error *err)
{
    const char *method = transfer->request->post.ptr != NULL ? "Post" : "Get";
    char url[URL_SHOWN_BYTES];
    const char *detail = transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(code);
    long head_bytes = 0;

    (void)client_url_show(transfer->request->url, url, sizeof(url));
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_HEADER_SIZE, &head_bytes);
    if (code == CURLE_RECV_ERROR && head_bytes == 0) {
        /* Nothing of an answer has come: it is the request that failed. */
        code = CURLE_GOT_NOTHING;
    }
    switch ((int)code) {
    case CURLE_OPERATION_TIMEDOUT:
        return error_set(err, BARO_ETIMEOUT, "%s \"%s\": context deadline exceeded", method, url);
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
        return error_set(err, BARO_ENETWORK, "unexpected EOF: %.160s", detail);
    case CURLE_OUT_OF_MEMORY: /* or a header line beyond libcurl's bound of 100 KB */
        return error_set(err, BARO_ELIMIT, "no memory for the response or one of its headers");
    default:
        return error_set(err, BARO_ENETWORK, "%s \"%.100s\": %.100s", method, url, detail);
    }
}

static int body_take(struct http_transfer *transfer)
{
    struct http_call *request = transfer->request;
    int result = 0;

    if (!transfer->is_packed || !request->accept_gzip) {
        request->body = buf_view(&transfer->body);
        return 0;
    }
    result = gzip_unpack(buf_view(&transfer->body), transfer->body_bytes_max - 1, &transfer->raw,
                         &request->err);
    if (result == BARO_ELIMIT) {
        request->body_is_too_long = true;
        return error_set(&request->err, BARO_ELIMIT, "body size limit exceeded");
    }
    request->body = buf_view(&transfer->raw);
    return result;
}

void client_transfer_done(struct http_transfer *transfer, CURLcode code)
{
    struct http_call *request = transfer->request;
    const char *type = NULL;
    long status = 0;

    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &type);
    request->status = (int)status;
    request->content_type = str_from(type);
    if (transfer->is_too_long) {
        request->body_is_too_long = true;
        request->result = error_set(&request->err, BARO_ELIMIT, "body size limit exceeded");
    } else if (code != CURLE_OK) {
        request->result = failure(transfer, code, &request->err);
    } else {
        request->result = body_take(transfer);
    }
    transfer_hand_over(transfer);
}

void client_transfers_hand_out(struct loop_timer *timer)
{
    struct http_engine *engine = CONTAINER_OF(timer, struct http_engine, failure_timer);
    size_t count = 0;

    for (struct http_transfer *one = engine->running; one != NULL; one = one->next) {
        count += one->has_failed;
    }
    /* A done may change the list, so the walk starts anew after each; what it starts that fails
     * has started the timer again. */
    for (; count > 0; count--) {
        struct http_transfer *transfer = engine->running;

        while (transfer != NULL && !transfer->has_failed) {
            transfer = transfer->next;
        }
        if (transfer == NULL) {
            return;
        }
        transfer_hand_over(transfer);
    }
}

void client_transfer_fail(struct http_client *client, struct http_call *request, int result)
{
    struct http_transfer *transfer = transfer_take(client->engine);

    transfer_settle(transfer, client);
    transfer->request = request;
    transfer->has_failed = true;
    request->transfer = transfer;
    request->result = result;
    running_link(transfer);
    loop_timer_start(client->engine->loop, &client->engine->failure_timer,
                     loop_now(client->engine->loop));
}

/* ---- requests ---- */

static void append_line(const char *line, void *context)
{
    struct http_transfer *transfer = context;

    client_list_append(&transfer->headers, line);
}

/* The handle takes one list: where the settings add headers, a list of this request is made. */
static int headers_setup(struct http_transfer *transfer, const struct http_headers *headers,
                         const struct client_detour *detour, struct baro_error *err)
{
    const struct http_client *client = transfer->client;
    struct curl_slist *list = headers != NULL ? headers->list : NULL;
    int result = 0;

    if (detour->host_header != NULL || client_has_headers(client)) {
        for (const struct curl_slist *item = list; item != NULL; item = item->next) {
            append_line(item->data, transfer);
        }
        if (detour->host_header != NULL) {
            append_line(detour->host_header, transfer);
        }
        result = client_headers_add(client, append_line, transfer, err);
        list = transfer->headers;
    }
    (void)curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, list);
    return result;
}

/*
 * curl takes the TLS server name from the URL. Where another one is configured the URL gets that
 * name, the connection is directed to the true host, and the Host header names the true host again.
 */
static int target_setup(struct http_transfer *transfer, const struct http_call *request,
                        struct baro_error *err)
{
    const struct prom_tls *tls = transfer->client->settings->tls;
    struct client_detour detour = {0};
    int result = 0;

    if (tls != NULL && tls->server_name.len > 0) {
        client_detour_make(request->url, tls->server_name, &detour);
    }
    result = headers_setup(transfer, request->headers, &detour, err);
    curl_slist_free_all(transfer->connect_to);
    transfer->connect_to =
        detour.connect_to != NULL ? curl_slist_append(NULL, detour.connect_to) : NULL;
    (void)curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO, transfer->connect_to);
    client_way_apply(transfer->easy, client_proxy_pick(transfer->client->proxy, request->url),
                     transfer->client->connect_headers);
    (void)curl_easy_setopt(transfer->easy, CURLOPT_URL,
                           detour.url != NULL ? detour.url : request->url);
    client_detour_done(&detour);
    return result;
}

static void body_setup(struct http_transfer *transfer, const struct http_call *request)
{
    CURL *easy = transfer->easy;

    if (request->post.ptr != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->post.len);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->post.ptr);
    } else {
        (void)curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

void client_transfer_start(struct http_client *client, struct http_call *request, dur timeout)
{
    struct http_engine *engine = client->engine;
    struct http_transfer *transfer = transfer_take(engine);
    uint64_t most = request->body_bytes_max;

    transfer_settle(transfer, client);
    transfer->request = request;
    transfer->shard = &engine->shards[request->shard % engine->shard_count];
    transfer->error[0] = '\0';
    transfer->is_packed = false;
    transfer->is_too_long = false;
    transfer->body_bytes_max =
        most == 0 || most > HTTP_BODY_BYTES_MAX ? HTTP_BODY_BYTES_MAX : (size_t)most;
    request->transfer = transfer;
    body_setup(transfer, request);
    (void)curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, (long)timeout);
    running_link(transfer);
    request->result = target_setup(transfer, request, &request->err);
    if (request->result < 0 ||
        curl_multi_add_handle(transfer->shard->multi, transfer->easy) != CURLM_OK) {
        transfer->has_failed = true;
        request->result = request->result < 0
                              ? request->result
                              : error_set(&request->err, BARO_ELIMIT, "no memory for a request");
        loop_timer_start(engine->loop, &engine->failure_timer, loop_now(engine->loop));
    }
}

void client_transfer_cancel(struct http_call *request)
{
    struct http_transfer *transfer = request->transfer;

    transfer_unlink(transfer);
    request->transfer = NULL;
    transfer_put(transfer);
}
