#include "http/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/vec.h"
#include "codec/gzip.h"
#include "conf/prom_config.h"
#include "http/client_curl.h"
#include "http/client_grant.h"
#include "http/client_plain.h"
#include "sys/clock.h"
#include "sys/loop.h"

enum {
    MULTIS_DEFAULT = 32,
    CONNECTIONS_DEFAULT = 16384,
    REDIRECTS_MAX = 10,
    IDLE_CONNECTION_SECONDS = 300,
    RECEIVE_BYTES = 128 << 10,
    URL_SHOWN_BYTES = 121,     /* in messages */
    KEPT_BYTES_MAX = 64 << 20, /* of body buffers that wait for reuse */
};

/* A curl multi handle and its timer. */
struct shard {
    CURLM *multi;
    struct http_engine *engine;
    struct loop_timer timer;
};

/* A socket that curl wants watched. */
struct socket {
    struct loop_fd fd;
    struct shard *shard;
    struct socket *next_free;
};

struct http_engine {
    struct loop *loop;
    struct shard *shards;
    size_t shard_count;
    struct socket *free_sockets;
    struct http_transfer *free_transfers;
    struct http_transfer *running;
    struct loop_timer failure_timer;
    size_t kept_bytes;
    long shuffle;               /* 1 = addresses */
    _Atomic bool has_tls_proxy; /* relaxed: a client is there before its requests */
    char *user_agent;
    struct plain_engine *plain;
    struct buf lines;            /* header lines of a request that is being started */
    struct http_client *granted; /* clients with a grant */
};

struct http_client {
    struct http_engine *engine;
    const struct prom_http *settings;
    struct client_texts texts;
    size_t transfer_count; /* transfers that are set up for it, all running requests included */
    struct client_proxy *proxy;
    struct curl_slist *connect_headers; /* for proxies */
    bool is_freed;
    struct client_grant *grant; /* NULL = without OAuth2 */
    struct buf token;           /* the last request's header line, a C string */
    struct http_client *next;   /* that has a grant, in the engine's list */
    struct http_client **at;
};

struct http_headers {
    struct curl_slist *list;
    struct buf lines; /* the same, each with CRLF */
};

/* An easy handle, its buffers, and the request that it runs. */
struct http_transfer {
    CURL *easy;
    struct http_engine *engine;
    struct http_client *client; /* whose settings the handle has; NULL = none */
    struct http_call *request;
    struct shard *shard;
    struct http_transfer *next; /* in running or free_transfers */
    struct http_transfer **at;  /* what points here, in running */
    struct curl_slist *headers; /* of this request */
    struct buf body;
    struct buf raw; /* decoded body, when it came packed */
    size_t body_bytes_max;
    struct curl_slist *connect_to;
    bool is_packed;
    bool is_too_long;
    bool has_failed; /* before it was started; done is still to be called */
    char error[CURL_ERROR_SIZE];
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;

static void global_init(void)
{
    ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

void http_client_global_init(void)
{
    ASSERT(pthread_once(&global_once, global_init) == 0);
}

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

static void list_append(struct curl_slist **list, const char *line)
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

/* ---- transfers ---- */

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

static void client_release(struct http_client *client)
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

/* Forgets a client that was freed: its settings are gone, so the handle must not keep them. */
static void transfer_unsettle(struct http_transfer *transfer)
{
    struct http_client *client = transfer->client;

    curl_easy_reset(transfer->easy);
    transfer->client = NULL;
    client->transfer_count--;
    client_release(client);
}

static void transfer_put(struct http_transfer *transfer)
{
    struct http_engine *engine = transfer->engine;
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
    if (transfer->client->is_freed) {
        transfer_unsettle(transfer);
    }
    transfer->next = engine->free_transfers;
    engine->free_transfers = transfer;
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

static void transfer_done(struct http_transfer *transfer, CURLcode code)
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
    transfer_unlink(transfer);
    request->transfer = NULL;
    if (request->done != NULL) {
        request->done(request);
    }
    transfer_put(transfer);
}

/* Hands out what has finished. A done may start requests on this shard: curl is not inside a call
 * of ours then. */
static void shard_reap(struct shard *shard)
{
    CURLMsg *message = NULL;
    int left = 0;

    while ((message = curl_multi_info_read(shard->multi, &left)) != NULL) {
        struct http_transfer *transfer = NULL;
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        transfer_done(transfer, code);
    }
}

/* ---- sockets and timers ---- */

static void socket_ready(struct loop_fd *fd, unsigned events)
{
    struct socket *socket = CONTAINER_OF(fd, struct socket, fd);
    struct shard *shard = socket->shard;
    int mask = ((events & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0) |
               ((events & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0) |
               ((events & LOOP_HANGUP) != 0 ? CURL_CSELECT_ERR : 0);
    bool has_tls_proxy = atomic_load_explicit(&shard->engine->has_tls_proxy, memory_order_relaxed);
    int running = 0;

    (void)curl_multi_socket_action(shard->multi, fd->fd, mask, &running);
    /* Behind a session ticket of the far server libcurl forgets what the TLS of the proxy has
     * unpacked already, and would wait for bytes that have come. A server sends two tickets. */
    for (int i = 0; has_tls_proxy && i < 2; i++) {
        (void)curl_multi_socket_action(shard->multi, fd->fd, CURL_CSELECT_IN, &running);
    }
    shard_reap(shard);
}

static void shard_timer(struct loop_timer *timer)
{
    struct shard *shard = CONTAINER_OF(timer, struct shard, timer);
    int running = 0;

    (void)curl_multi_socket_action(shard->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    shard_reap(shard);
}

static struct socket *socket_take(struct shard *shard, curl_socket_t fd)
{
    struct http_engine *engine = shard->engine;
    struct socket *socket = engine->free_sockets;

    if (socket != NULL) {
        engine->free_sockets = socket->next_free;
    } else {
        socket = MEM_NEW(struct socket);
    }
    *socket = (struct socket){.fd = {.ready = socket_ready, .fd = fd}, .shard = shard};
    (void)curl_multi_assign(shard->multi, fd, socket);
    return socket;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    struct shard *shard = context;
    struct socket *socket = socket_context;
    unsigned events = what == CURL_POLL_IN    ? (unsigned)LOOP_READ
                      : what == CURL_POLL_OUT ? (unsigned)LOOP_WRITE
                                              : (unsigned)LOOP_READ | (unsigned)LOOP_WRITE;

    (void)easy;
    if (what != CURL_POLL_REMOVE) {
        socket = socket != NULL ? socket : socket_take(shard, fd);
        return loop_fd_watch(shard->engine->loop, &socket->fd, events) < 0 ? -1 : 0;
    }
    if (socket != NULL) {
        (void)loop_fd_watch(shard->engine->loop, &socket->fd, 0);
        (void)curl_multi_assign(shard->multi, fd, NULL);
        socket->next_free = shard->engine->free_sockets;
        shard->engine->free_sockets = socket;
    }
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct shard *shard = context;
    struct loop *loop = shard->engine->loop;

    (void)multi;
    if (timeout_ms < 0) {
        loop_timer_stop(loop, &shard->timer);
    } else {
        loop_timer_start(loop, &shard->timer,
                         clock_mono(loop_clock(loop)) + timeout_ms * MONO_PER_MS);
    }
    return 0;
}

/* ---- engine ---- */

static void failures_hand_out(struct loop_timer *timer);
static bool plain_moved(struct http_client *client, struct http_call *request, dur left);
static void plain_released(struct http_client *client);

int http_engine_new(struct loop *loop, const struct http_engine_options *options,
                    struct http_engine **ret, struct baro_error *err)
{
    CLEANUP(http_engine_freep) struct http_engine *engine = MEM_NEW(struct http_engine);
    uint32_t count =
        options != NULL && options->multi_count > 0 ? options->multi_count : MULTIS_DEFAULT;
    uint32_t connections = options != NULL && options->connections_max > 0
                               ? options->connections_max
                               : CONNECTIONS_DEFAULT;

    http_client_global_init();
    engine->loop = loop;
    engine->shuffle = options != NULL && options->shuffle_addresses;
    engine->failure_timer.fire = failures_hand_out;
    engine->user_agent = str_dup_c(str_from(
        options != NULL && options->user_agent != NULL ? options->user_agent : "barograph"));
    engine->plain = plain_engine_new(loop, engine->user_agent, connections,
                                     &(struct plain_hooks){plain_moved, plain_released});
    engine->shards = mem_alloc_zero(count * sizeof(*engine->shards));
    for (uint32_t i = 0; i < count; i++) {
        struct shard *shard = &engine->shards[i];

        shard->engine = engine;
        shard->timer.fire = shard_timer;
        shard->multi = curl_multi_init();
        if (shard->multi == NULL) {
            return error_set(err, BARO_ELIMIT, "no memory for a curl handle");
        }
        engine->shard_count++;
        (void)curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        (void)curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, shard);
        (void)curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION, on_timer);
        (void)curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, shard);
        (void)curl_multi_setopt(shard->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
        (void)curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS,
                                (long)(connections / count + 1));
    }
    *ret = TAKE(engine);
    return 0;
}

struct http_engine *http_engine_free(struct http_engine *engine)
{
    if (engine == NULL) {
        return NULL;
    }
    while (engine->granted != NULL) { /* the settings of these are gone; none of them is done */
        engine->granted->transfer_count--;
        client_release(engine->granted);
    }
    engine->plain = plain_engine_free(engine->plain);
    while (engine->running != NULL) {
        http_call_cancel(engine->running->request);
    }
    while (engine->free_transfers != NULL) {
        struct http_transfer *transfer = engine->free_transfers;

        engine->free_transfers = transfer->next;
        transfer_free(transfer);
    }
    for (size_t i = 0; i < engine->shard_count; i++) {
        (void)curl_multi_cleanup(engine->shards[i].multi);
        loop_timer_stop(engine->loop, &engine->shards[i].timer);
    }
    while (engine->free_sockets != NULL) {
        struct socket *socket = engine->free_sockets;

        engine->free_sockets = socket->next_free;
        (void)mem_free(socket);
    }
    loop_timer_stop(engine->loop, &engine->failure_timer);
    (void)mem_free(engine->shards);
    buf_done(&engine->lines);
    (void)mem_free(engine->user_agent);
    return mem_free(engine);
}

/* ---- clients ---- */

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

    list_append(&client->connect_headers, line);
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
    struct http_transfer *transfer = NULL;

    if (client == NULL) {
        return NULL;
    }
    for (transfer = client->engine->free_transfers; transfer != NULL; transfer = transfer->next) {
        if (transfer->client == client) {
            curl_easy_reset(transfer->easy);
            transfer->client = NULL;
            client->transfer_count--;
        }
    }
    client->is_freed = true;
    client_release(client);
    return NULL;
}

/* ---- requests ---- */

static bool have_headers(const struct http_client *client)
{
    return client->grant != NULL || client_settings_have_headers(client->settings);
}

/* As client_settings_headers, with the token. */
static int headers_add(const struct http_client *client,
                       void (*add)(const char *line, void *context), void *context,
                       struct baro_error *err)
{
    if (client->grant != NULL) {
        add(client->token.ptr, context);
    }
    return client_settings_headers(client->settings, add, context, err);
}

static void append_line(const char *line, void *context)
{
    struct http_transfer *transfer = context;

    list_append(&transfer->headers, line);
}

/* The handle takes one list: where the settings add headers, a list of this request is made. */
static int headers_setup(struct http_transfer *transfer, const struct http_headers *headers,
                         const struct client_detour *detour, struct baro_error *err)
{
    const struct http_client *client = transfer->client;
    struct curl_slist *list = headers != NULL ? headers->list : NULL;
    int result = 0;

    if (detour->host_header != NULL || have_headers(client)) {
        for (const struct curl_slist *item = list; item != NULL; item = item->next) {
            append_line(item->data, transfer);
        }
        if (detour->host_header != NULL) {
            append_line(detour->host_header, transfer);
        }
        result = headers_add(client, append_line, transfer, err);
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

static void failures_hand_out(struct loop_timer *timer)
{
    struct http_engine *engine = CONTAINER_OF(timer, struct http_engine, failure_timer);
    struct http_transfer *transfer = engine->running;

    /* A done may change the list, so the walk starts anew after each. */
    while (transfer != NULL) {
        if (transfer->has_failed) {
            struct http_call *request = transfer->request;

            transfer_unlink(transfer);
            request->transfer = NULL;
            if (request->done != NULL) {
                request->done(request);
            }
            transfer_put(transfer);
            transfer = engine->running;
        } else {
            transfer = transfer->next;
        }
    }
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

static void curl_start(struct http_client *client, struct http_call *request, dur timeout)
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

/* ---- the plain way ---- */

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

static bool plain_moved(struct http_client *client, struct http_call *request, dur left)
{
    /* The settings of a freed client are gone. */
    if (client->is_freed) {
        return false;
    }
    outcome_reset(request);
    curl_start(client, request, left);
    return true;
}

static void plain_released(struct http_client *client)
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
    if (have_headers(client)) {
        buf_reset(&engine->lines);
        buf_str(&engine->lines, lines);
        if (headers_add(client, lines_append, &engine->lines, NULL) < 0 || engine->lines.failed) {
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
        curl_start(client, request, timeout);
    }
}

static void fail_later(struct http_client *client, struct http_call *request, int result)
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
        fail_later(client, request, state);
    }
}

void http_call_cancel(struct http_call *request)
{
    struct http_transfer *transfer = request->transfer;

    if (transfer != NULL) {
        transfer_unlink(transfer);
        request->transfer = NULL;
        transfer_put(transfer);
    }
    plain_cancel(request);
    if (request->grant != NULL) {
        client_grant_forget(request->grant, request);
    }
}
