#include "http/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "base/vec.h"
#include "codec/gzip.h"
#include "http/server_priv.h"

enum {
    GZIP_BYTES_MIN = 1024, /* a smaller body fits one packet anyway */
    GZIP_LEVEL = 1,
    CONNECTIONS_MOST = 1 << 24,
    DISCARD_BYTES_MAX = 8 << 20, /* read after an early refusal, so that the client sees it */
    ERROR_TEXT_MAX = ERROR_FORMAT_BYTES + 64,
};
#define DISCARD_TIME (2 * MONO_PER_SECOND)
#define REFUSED_TIME (MONO_PER_SECOND / 2)

/* ---- requests ---- */

str http_request_header(const struct http_request *request, const char *name)
{
    return str_from(MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name));
}

bool http_accepts_gzip(const struct http_request *request)
{
    return server_accepts_gzip(http_request_header(request, "Accept-Encoding"));
}

static bool is_encoded(const struct http_response *response)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (strcmp(response->headers[i].name, "Content-Encoding") == 0) {
            return true;
        }
    }
    return false;
}

static struct gzip *packer_take(struct http_server *server)
{
    struct gzip *packer = NULL;

    lock_acquire(&server->lock);
    if (server->packer_count > 0) {
        packer = server->packers[--server->packer_count];
    }
    lock_release(&server->lock);
    return packer != NULL ? packer : gzip_new(GZIP_LEVEL);
}

static void packer_give(struct http_server *server, struct gzip *packer)
{
    lock_acquire(&server->lock);
    if (server->packer_count < SERVER_PACKERS_MAX) {
        server->packers[server->packer_count++] = packer;
        packer = NULL;
    }
    lock_release(&server->lock);
    (void)gzip_free(packer);
}

static str response_body(const struct http_response *response)
{
    return response->constant_body.ptr != NULL ? response->constant_body
                                               : buf_view(&response->body);
}

/* One line, whatever else the answer varies by: each costs a client that reads it. */
static void vary_by_encoding(struct server_exchange *exchange)
{
    static const char more[] = ", Accept-Encoding";
    struct http_response *response = &exchange->response;

    for (size_t i = 0; i < response->header_count; i++) {
        const char *old = response->headers[i].value;

        if (strcmp(response->headers[i].name, "Vary") == 0 && strcmp(old, more + 2) == 0) {
            return;
        }
        if (strcmp(response->headers[i].name, "Vary") == 0) {
            char *value = arena_alloc(&exchange->arena, strlen(old) + sizeof(more));

            memcpy(value, old, strlen(old));
            memcpy(value + strlen(old), more, sizeof(more));
            response->headers[i].value = value;
            return;
        }
    }
    http_response_header(response, "Vary", "Accept-Encoding");
}

/* Replaces the body by its gzip form when that is wanted and worth it. */
static void encode_body(struct server_exchange *exchange)
{
    struct http_response *response = &exchange->response;
    str raw = response_body(response);
    struct buf packed = {0};
    struct gzip *packer;

    if (raw.len < GZIP_BYTES_MIN || is_encoded(response)) {
        return;
    }
    vary_by_encoding(exchange);
    if (!http_accepts_gzip(&exchange->request)) {
        return;
    }
    packer = packer_take(exchange->server);
    if (packer != NULL && gzip_pack(packer, raw, &packed, NULL) >= 0) {
        buf_done(&response->body);
        response->body = packed;
        response->constant_body = STR_NULL;
        http_response_header(response, "Content-Encoding", "gzip");
    }
    if (packer != NULL) {
        packer_give(exchange->server, packer);
    }
}

static void run_handler(struct server_exchange *exchange)
{
    const struct http_server_options *options = &exchange->server->options;

    exchange->request.route->handler(options->context, &exchange->request, &exchange->response);
    if (exchange->response.again) {
        buf_done(&exchange->response.body);
        exchange->response =
            (struct http_response){.status = 200, .again = exchange->request.brief};
        return;
    }
    if (exchange->response.body.failed) {
        http_response_text(&exchange->response, 500, "no memory for the response\n");
    }
    encode_body(exchange);
}

/* Runs on the query pool. */
static void run_job(struct server_job *job)
{
    struct server_exchange *exchange = CONTAINER_OF(job, struct server_exchange, job);
    struct MHD_Connection *mhd = exchange->mhd;

    run_handler(exchange);
    /* Release: pairs with the acquire of the event thread, which resume wakes. */
    atomic_store_explicit(&exchange->state, STATE_DONE, memory_order_release);
    MHD_resume_connection(mhd);
}

static mono write_deadline(const struct http_server *server, size_t body_bytes)
{
    return server_now() + server->options.write_timeout * MONO_PER_MS +
           (mono)(body_bytes >> 16) * MONO_PER_SECOND;
}

/* What libmicrohttpd asks a stream's source for at once. */
enum { STREAM_BLOCK_BYTES = 4096 };

/* The web configuration's take the place of a handler's. */
static void add_headers(struct MHD_Response *made, const struct http_response *response,
                        const struct server_web *web)
{
    struct conf_pairs headers = web != NULL ? web->config->headers : (struct conf_pairs){0};

    for (size_t i = 0; i < response->header_count; i++) {
        (void)MHD_add_response_header(made, response->headers[i].name, response->headers[i].value);
    }
    for (size_t i = 0; i < headers.count; i++) {
        const char *name = headers.items[i].name.ptr;

        if (headers.items[i].value.len > 0) {
            const char *old = MHD_get_response_header(made, name);

            if (old != NULL) {
                (void)MHD_del_response_header(made, name, old);
            }
            (void)MHD_add_response_header(made, name, headers.items[i].value.ptr);
        }
    }
}

static struct MHD_Response *make_response(struct server_exchange *exchange, size_t *ret_bytes)
{
    struct http_response *response = &exchange->response;
    struct MHD_Response *made;
    str body = response_body(response);

    *ret_bytes = body.len;
    if (exchange->stream.source.read != NULL) {
        made = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES,
                                                 server_stream_read, exchange, NULL);
    } else if (response->constant_body.ptr != NULL || body.len == 0) {
        made = MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)body.ptr,
                                               MHD_RESPMEM_PERSISTENT);
    } else {
        made = MHD_create_response_from_buffer(body.len, response->body.ptr, MHD_RESPMEM_MUST_FREE);
        if (made != NULL) {
            response->body = (struct buf){0}; /* given away: mem_free is free */
        }
    }
    if (made == NULL) {
        return NULL;
    }
    if (response->content_type != NULL) {
        (void)MHD_add_response_header(made, "Content-Type", response->content_type);
    }
    add_headers(made, response, exchange->web);
    return made;
}

static enum MHD_Result send_response(struct server_exchange *exchange)
{
    struct http_server *server = exchange->server;
    size_t bytes = 0;
    struct MHD_Response *made = make_response(exchange, &bytes);
    bool is_stream = exchange->stream.source.read != NULL;
    enum MHD_Result r;

    if (made == NULL) {
        return MHD_NO;
    }
    server_set_phase(exchange->connection, PHASE_WRITING, write_deadline(server, bytes));
    r = MHD_queue_response(exchange->mhd, (unsigned)exchange->response.status, made);
    MHD_destroy_response(made);
    /* Release: pairs with the acquire of who wakes the stream. */
    atomic_store_explicit(&exchange->state, is_stream ? STATE_STREAMING : STATE_SENT,
                          memory_order_release);
    SERVER_COUNT(server, requests, 1);
    if (server->options.observe != NULL) {
        double seconds = (double)(server_now() - exchange->begin) / (double)MONO_PER_SECOND;

        server->options.observe(server->options.context, exchange->request.route,
                                exchange->response.status, seconds, bytes);
    }
    return r;
}

/* Answers before the body has been read; the connection ends with it. */
static enum MHD_Result refuse(struct server_exchange *exchange, int status, const char *text)
{
    http_response_text(&exchange->response, status, "%s\n", text);
    http_response_header(&exchange->response, "Connection", "close");
    return send_response(exchange);
}

static void refuse_method(struct server_exchange *exchange, uint32_t methods)
{
    struct http_response *response = &exchange->response;
    struct buf allow = {0};

    for (enum http_method method = HTTP_GET; method < HTTP_METHOD_COUNT; method++) {
        bool has = (methods >> method & 1) != 0 || method == HTTP_OPTIONS ||
                   (method == HTTP_HEAD && (methods >> HTTP_GET & 1) != 0);

        if (has) {
            buf_printf(&allow, "%s%s", allow.len > 0 ? ", " : "", http_method_name(method));
        }
    }
    if (exchange->request.method == HTTP_OPTIONS) {
        response->status = 204;
    } else {
        http_response_text(response, 405, "Method Not Allowed\n");
    }
    buf_char(&allow, '\0');
    http_response_header(response, "Allow", arena_str(&exchange->arena, buf_view(&allow)).ptr);
    buf_done(&allow);
}

/* ---- the stages of a request ---- */

struct framing {
    uint32_t length_count;
    uint32_t coding_count;
    uint32_t host_count;
    bool bad; /* a length that is no number, a coding other than chunked */
    uint64_t length;
    size_t bytes; /* of all names and values */
};

static enum MHD_Result look_at_header(void *context, enum MHD_ValueKind kind, const char *key,
                                      const char *value)
{
    struct framing *framing = context;
    str name = str_from(key);

    (void)kind;
    framing->bytes += name.len + str_from(value).len;
    if (str_eq_nocase(name, STR("content-length"))) {
        framing->length_count++;
        framing->bad |= !num_parse_u64(str_from(value), &framing->length);
    } else if (str_eq_nocase(name, STR("transfer-encoding"))) {
        framing->coding_count++;
        framing->bad |= !str_eq_nocase(str_from(value), STR("chunked"));
    } else if (str_eq_nocase(name, STR("host"))) {
        framing->host_count++;
    }
    return MHD_YES;
}

/* The framing must be beyond doubt, or a proxy in front may see other requests than we do. */
static const char *framing_fault(const struct framing *framing, bool is_http_1_1)
{
    if (framing->bad) {
        return "bad Content-Length or Transfer-Encoding";
    }
    if (framing->length_count + framing->coding_count > 1) {
        return "more than one of Content-Length and Transfer-Encoding";
    }
    if (framing->host_count != 1 && (is_http_1_1 || framing->host_count > 1)) {
        return "exactly one Host header is wanted";
    }
    return framing->coding_count > 0 && !is_http_1_1 ? "HTTP/1.0 has no Transfer-Encoding" : NULL;
}

static bool cut_prefix(const char *prefix_text, str *path)
{
    str prefix = str_from(prefix_text);

    if (!str_has_prefix(*path, prefix)) {
        return false;
    }
    *path = str_from_index(*path, prefix.len);
    if (path->len == 0) {
        *path = STR("/");
    }
    return path->ptr[0] == '/';
}

/* Finds the route; otherwise makes the response 404, 405 or a plain OPTIONS answer. */
static void route(struct server_exchange *exchange)
{
    const struct http_server_options *options = &exchange->server->options;
    struct http_request *request = &exchange->request;
    struct server_match match = {0};

    server_target_split(exchange->target, &request->path, &request->query);
    if (cut_prefix(options->prefix, &request->path)) {
        match = server_routes_get(exchange->server->routes, request->method, request->path);
    }
    request->route = match.route;
    request->param = match.param;
    if (match.route == NULL && str_is(request->path, "/") && options->prefix[0] != '\0' &&
        exchange->target.len == 1) {
        http_response_text(&exchange->response, 302, "Found\n");
        http_response_header(&exchange->response, "Location",
                             arena_printf(&exchange->arena, "%s/", options->prefix).ptr);
    } else if (match.route == NULL && match.methods == 0) {
        http_response_text(&exchange->response, 404, "404 page not found\n");
    } else if (match.route == NULL) {
        refuse_method(exchange, match.methods);
    }
}

static void deny(struct server_exchange *exchange)
{
    SERVER_COUNT(exchange->server, refused_unauthorized, 1);
    http_response_text(&exchange->response, 401, "Unauthorized\n");
    http_response_header(&exchange->response, "WWW-Authenticate", "Basic");
}

/* What --web.config.file asks of a request. A password that was not seen lately is let through to
 * run(), for its hash takes long to work out. */
static bool may_enter(struct server_exchange *exchange)
{
    struct server_web *web = exchange->web;

    exchange->verdict = VERDICT_ALLOWED;
    if (web == NULL) {
        return true;
    }
    if (!server_web_may(web, exchange->begin)) {
        SERVER_COUNT(exchange->server, refused_rate, 1);
        http_response_text(&exchange->response, 429, "Too Many Requests\n");
        return false;
    }
    exchange->verdict =
        server_web_verdict(web, http_request_header(&exchange->request, "Authorization"));
    if (exchange->verdict == VERDICT_DENIED) {
        deny(exchange);
    }
    return exchange->verdict != VERDICT_DENIED;
}

/* The headers are complete: refuses what needs no body, or lets the body come. */
static enum MHD_Result begin(struct server_exchange *exchange, const char *method,
                             const char *version)
{
    struct http_server *server = exchange->server;
    bool is_http_1_1 = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;
    struct framing framing = {0};
    const char *fault;

    exchange->request.method = server_method(method);
    (void)MHD_get_connection_values(exchange->mhd, MHD_HEADER_KIND, look_at_header, &framing);
    fault = framing_fault(&framing, is_http_1_1);
    if (fault != NULL || (!is_http_1_1 && strcmp(version, MHD_HTTP_VERSION_1_0) != 0)) {
        SERVER_COUNT(server, refused_bad_request, 1);
        return fault != NULL ? refuse(exchange, 400, fault)
                             : refuse(exchange, 505, "HTTP/1.1 is spoken here");
    }
    if (exchange->target.len > server->options.header_bytes_max) {
        SERVER_COUNT(server, refused_bad_request, 1);
        return refuse(exchange, 414, "the URL is too long; send the parameters by POST");
    }
    if (framing.bytes > server->options.header_bytes_max) {
        SERVER_COUNT(server, refused_bad_request, 1);
        return refuse(exchange, 431, "the request headers are too large");
    }
    if (framing.length > server->options.body_bytes_max) {
        SERVER_COUNT(server, refused_body_size, 1);
        return refuse(exchange, 413, "the request body is too large");
    }
    if (exchange->request.method == HTTP_METHOD_COUNT) {
        return refuse(exchange, 501, "this method is not known");
    }
    if (may_enter(exchange)) {
        route(exchange);
    }
    if (exchange->request.route == NULL && (framing.length > 0 || framing.coding_count > 0)) {
        http_response_header(&exchange->response, "Connection", "close");
        return send_response(exchange);
    }
    atomic_store_explicit(&exchange->state, STATE_BODY, memory_order_relaxed);
    server_set_phase(exchange->connection, PHASE_BODY,
                     server_now() + server->options.body_timeout * MONO_PER_MS);
    return MHD_YES;
}

/*
 * libmicrohttpd takes no response in the middle of an upload. So the refusal is written past it,
 * and what the client still sends is read and dropped for a while: closing at once would reset the
 * connection, and the client would never see the answer.
 */
static void refuse_upload(struct server_exchange *exchange, const char *status_line,
                          const char *text)
{
    char answer[ERROR_TEXT_MAX];
    int size = snprintf(answer, sizeof(answer),
                        "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                        "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                        status_line, strlen(text), text);

    if (exchange->connection->tls_session != NULL) {
        server_tls_send(exchange->connection->tls_session, answer, (size_t)size);
    } else {
        (void)send(exchange->connection->fd, answer, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    (void)shutdown(exchange->connection->fd, SHUT_WR);
    atomic_store_explicit(&exchange->state, STATE_DISCARD, memory_order_relaxed);
    exchange->discard_left = DISCARD_BYTES_MAX;
    server_set_phase(exchange->connection, PHASE_BODY, server_now() + DISCARD_TIME);
}

static void release_body(struct server_exchange *exchange)
{
    atomic_fetch_sub_explicit(&exchange->server->body_bytes, exchange->body.len,
                              memory_order_relaxed);
    buf_done(&exchange->body);
}

static void take_body(struct server_exchange *exchange, str part)
{
    struct http_server *server = exchange->server;
    size_t total;

    if (exchange->body.len + part.len > server->options.body_bytes_max) {
        SERVER_COUNT(server, refused_body_size, 1);
        release_body(exchange);
        refuse_upload(exchange, "413 Request Entity Too Large", "the request body is too large\n");
        return;
    }
    total = atomic_fetch_add_explicit(&server->body_bytes, part.len, memory_order_relaxed);
    buf_str(&exchange->body, part);
    if (exchange->body.failed || total + part.len > server->options.body_bytes_total_max) {
        if (exchange->body.failed) { /* the part is not in body.len */
            atomic_fetch_sub_explicit(&server->body_bytes, part.len, memory_order_relaxed);
        }
        SERVER_COUNT(server, refused_body_memory, 1);
        release_body(exchange);
        refuse_upload(exchange, "503 Service Unavailable",
                      "too many request bodies at once, try again later\n");
    }
}

static enum MHD_Result discard(struct server_exchange *exchange, size_t *upload_bytes)
{
    if (*upload_bytes == 0 || *upload_bytes > exchange->discard_left) {
        return MHD_NO;
    }
    exchange->discard_left -= *upload_bytes;
    *upload_bytes = 0;
    return MHD_YES;
}

/* Runs the handler at once when that will not take long; false when it must run on the pool. */
static bool run_brief(struct server_exchange *exchange)
{
    const struct http_server_options *options = &exchange->server->options;

    if (exchange->request.route->blocking) {
        exchange->request.brief =
            options->is_short != NULL && options->is_short(options->context, &exchange->request);
        if (!exchange->request.brief) {
            return false;
        }
    }
    run_handler(exchange);
    exchange->request.brief = false;
    if (exchange->response.again) {
        exchange->response.again = false;
        return false;
    }
    return true;
}

static enum MHD_Result hand_to_pool(struct server_exchange *exchange,
                                    void (*job)(struct server_job *job))
{
    struct http_server *server = exchange->server;

    atomic_store_explicit(&exchange->state, STATE_RUNNING, memory_order_relaxed);
    exchange->job.run = job;
    exchange->job.address = str_from(exchange->connection->client);
    exchange->job.user = http_request_header(&exchange->request, "X-Scope-OrgID");
    MHD_suspend_connection(exchange->mhd);
    if (!server_pool_add(server->pool, &exchange->job)) {
        SERVER_COUNT(server, refused_queue_full, 1);
        http_response_text(&exchange->response, 503, "too many queries wait, try again later\n");
        http_response_header(&exchange->response, "Retry-After", "1");
        atomic_store_explicit(&exchange->state, STATE_DONE, memory_order_relaxed);
        MHD_resume_connection(exchange->mhd);
    }
    return MHD_YES;
}

/* Runs on the query pool. Whose password is right goes on where it stopped, on its event thread. */
static void judge_job(struct server_job *job)
{
    struct server_exchange *exchange = CONTAINER_OF(job, struct server_exchange, job);
    struct MHD_Connection *mhd = exchange->mhd;
    bool denied;

    exchange->verdict =
        server_web_judge(exchange->web, http_request_header(&exchange->request, "Authorization"));
    denied = exchange->verdict == VERDICT_DENIED;
    if (denied) {
        deny(exchange);
    }
    /* Release: pairs with the acquire of the event thread, which resume wakes. */
    atomic_store_explicit(&exchange->state, denied ? STATE_DONE : STATE_BODY, memory_order_release);
    MHD_resume_connection(mhd);
}

/* The request is complete. */
static enum MHD_Result run(struct server_exchange *exchange)
{
    if (exchange->request.route == NULL) {
        return send_response(exchange);
    }
    exchange->request.body = buf_view(&exchange->body);
    server_set_phase(exchange->connection, PHASE_RUNNING, 0);
    if (exchange->verdict == VERDICT_UNKNOWN) {
        return hand_to_pool(exchange, judge_job);
    }
    return run_brief(exchange) ? send_response(exchange) : hand_to_pool(exchange, run_job);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_bytes, void **request_context)
{
    struct server_exchange *exchange = *request_context;

    (void)context;
    (void)url;
    if (exchange == NULL) {
        return MHD_NO; /* out of memory when the request line came */
    }
    exchange->mhd = mhd;
    exchange->request.connection = mhd;
    switch (atomic_load_explicit(&exchange->state, memory_order_acquire)) {
    case STATE_NEW:
        return begin(exchange, method, version);
    case STATE_BODY:
        if (*upload_bytes == 0) {
            return run(exchange);
        }
        take_body(exchange, str_of(upload, *upload_bytes));
        *upload_bytes = 0;
        return MHD_YES;
    case STATE_DISCARD:
        return discard(exchange, upload_bytes);
    case STATE_DONE:
        return send_response(exchange);
    case STATE_RUNNING:
    case STATE_SENT:
    case STATE_STREAMING:
        break;
    }
    return MHD_YES;
}

/* ---- life of requests and connections ---- */

/* The request line is there. Called by libmicrohttpd, which wants the exchange back. */
static void *on_request_line(void *context, const char *target, struct MHD_Connection *mhd)
{
    struct http_server *server = context;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct server_connection *connection = info != NULL ? info->socket_context : NULL;
    struct server_exchange *exchange;

    if (connection == NULL) {
        return NULL;
    }
    exchange = MEM_NEW(struct server_exchange);
    arena_init(&exchange->arena, 0);
    exchange->server = server;
    exchange->connection = connection;
    exchange->mhd = mhd;
    exchange->begin = server_now();
    exchange->target = arena_str(&exchange->arena, str_from(target));
    exchange->response.status = 200;
    exchange->request.arena = &exchange->arena;
    exchange->request.cancel = &exchange->cancel;
    exchange->request.client = str_from(connection->client);
    exchange->request.connection = mhd;
    exchange->web = server_web_current(server);
    lock_acquire(&server->lock);
    connection->exchange = exchange;
    lock_release(&server->lock);
    SERVER_COUNT(server, requests_open, 1);
    server_set_phase(connection, PHASE_HEADER,
                     exchange->begin + server->options.header_timeout * MONO_PER_MS);
    return exchange;
}

static void on_request_end(void *context, struct MHD_Connection *mhd, void **request_context,
                           enum MHD_RequestTerminationCode reason)
{
    struct http_server *server = context;
    struct server_exchange *exchange = *request_context;

    (void)mhd;
    (void)reason;
    if (exchange == NULL) {
        return;
    }
    *request_context = NULL;
    lock_acquire(&server->lock);
    exchange->connection->exchange = NULL;
    lock_release(&server->lock);
    if (atomic_load_explicit(&exchange->state, memory_order_relaxed) == STATE_NEW) {
        /* libmicrohttpd refused it, and may forget to close what it promised to close. */
        server_set_phase(exchange->connection, PHASE_HEADER, server_now() + REFUSED_TIME);
    } else {
        server_set_phase(exchange->connection, PHASE_IDLE,
                         server_now() + server->options.idle_timeout * MONO_PER_MS);
    }
    SERVER_COUNT(server, requests_open, -1);
    server_stream_end(&exchange->stream);
    release_body(exchange);
    buf_done(&exchange->response.body);
    (void)server_web_unref(exchange->web);
    arena_done(&exchange->arena);
    (void)mem_free(exchange);
}

/* The handshake has not begun: the session is given what the files of the web configuration are
 * now. */
static void begin_tls(struct http_server *server, struct server_connection *connection,
                      struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);

    connection->web = server_web_current(server);
    connection->tls_session = info != NULL ? info->tls_session : NULL;
    if (connection->tls_session == NULL ||
        !server_tls_begin(connection->web->tls, connection->tls_session)) {
        (void)shutdown(connection->fd, SHUT_RDWR);
    }
}

/* The descriptor is still open in both calls, so it names the same connection in both. */
static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http_server *server = context;
    const union MHD_ConnectionInfo *info;

    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*socket_context != NULL) {
            server_connection_free(server, *socket_context);
        }
        *socket_context = NULL;
        return;
    }
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info == NULL) {
        return;
    }
    lock_acquire(&server->lock);
    if ((size_t)info->connect_fd < server->by_fd_count) {
        *socket_context = server->by_fd[info->connect_fd];
    }
    lock_release(&server->lock);
    if (*socket_context != NULL && server->has_tls) {
        begin_tls(server, *socket_context, mhd);
    }
}

bool server_admit(struct http_server *server, int fd, const struct sockaddr_storage *address,
                  socklen_t address_bytes)
{
    server->daemon_next = (server->daemon_next + 1) % server->daemon_count;
    return MHD_add_connection(server->daemons[server->daemon_next], fd,
                              (const struct sockaddr *)address, address_bytes) == MHD_YES;
}

/* ---- start and stop ---- */

static size_t keep_escapes(void *context, struct MHD_Connection *mhd, char *text)
{
    (void)context;
    (void)mhd;
    return strlen(text);
}

#define DEFAULT(field, value) ((field) = (field) == 0 ? (value) : (field))

static void fill_defaults(struct http_server_options *options)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    DEFAULT(options->thread_count, cores < 1 ? 1U : (uint32_t)cores);
    DEFAULT(options->query_thread_count, 20);
    DEFAULT(options->query_queue_max, 1000);
    DEFAULT(options->connections_max, 512);
    /* More could not be counted below; libmicrohttpd hangs at its own limit, which is higher. */
    options->connections_max =
        options->connections_max < CONNECTIONS_MOST ? options->connections_max : CONNECTIONS_MOST;
    DEFAULT(options->connections_per_client_max, (options->connections_max * 3 + 3) / 4);
    DEFAULT(options->header_bytes_max, (size_t)16 << 10);
    DEFAULT(options->body_bytes_max, (size_t)10 << 20);
    DEFAULT(options->body_bytes_total_max, (size_t)256 << 20);
    DEFAULT(options->header_timeout, 10 * DUR_SECOND);
    DEFAULT(options->body_timeout, 30 * DUR_SECOND);
    DEFAULT(options->idle_timeout, 5 * DUR_MINUTE);
    DEFAULT(options->write_timeout, DUR_MINUTE);
    DEFAULT(options->stop_timeout, 5 * DUR_SECOND);
    options->prefix = options->prefix == NULL ? "" : options->prefix;
    if (options->thread_count > SERVER_THREADS_MAX) {
        options->thread_count = SERVER_THREADS_MAX;
    }
}

static int start_daemon(struct http_server *server, struct baro_error *err)
{
    const struct http_server_options *options = &server->options;
    /* Twice the bound: libmicrohttpd keeps lists beside the bytes, and its own refusals (which
     * garble their text) shall be left for what is far beyond. Only pages that are used become
     * resident. */
    size_t memory = options->header_bytes_max * 2;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, NULL},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME;
    struct MHD_Daemon *started;

    if (server->has_tls) {
        /* Over epoll libmicrohttpd (0.9.75) asks again and again, without a pause, for the rest of
         * a handshake that a client has begun. */
        flags |= MHD_USE_TLS | MHD_USE_POLL_INTERNAL_THREAD;
        tls[0].ptr_value = (void *)(uintptr_t)server->web->config->cert.ptr;
        tls[1].ptr_value = (void *)(uintptr_t)secret_reveal(server->web->config->key).ptr;
    } else {
        flags |= MHD_USE_EPOLL_INTERNAL_THREAD;
        tls[0].option = MHD_OPTION_END;
    }
    started = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_NOTIFY_COMPLETED, on_request_end,
        server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_URI_LOG_CALLBACK,
        on_request_line, server, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
        MHD_OPTION_STRICT_FOR_CLIENT, 0, MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)(options->connections_max + 16),
        MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (started == NULL) {
        return error_system(err, errno, "start an HTTP thread");
    }
    server->daemons[server->daemon_count++] = started;
    return 0;
}

static int start(struct http_server *server, struct baro_error *err)
{
    const struct http_server_options *options = &server->options;
    int r;

    server->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (server->wake < 0) {
        return error_system(err, errno, "make an eventfd");
    }
    for (size_t i = 0; i < options->address_count; i++) {
        server->listeners[i] = -1;
        r = server_listen(options->addresses[i], &server->listeners[i], &server->ports[i], err);
        if (r < 0) {
            return r;
        }
        server->listener_count = i + 1;
    }
    server->pool = server_pool_new(options->query_thread_count, options->query_queue_max, err);
    if (server->pool == NULL) {
        return -EAGAIN;
    }
    for (uint32_t i = 0; i < options->thread_count; i++) {
        r = start_daemon(server, err);
        if (r < 0) {
            return r;
        }
    }
    r = pthread_create(&server->accept_thread, NULL, server_accept_loop, server);
    if (r != 0) {
        return error_system(err, r, "start the accept thread");
    }
    (void)pthread_setname_np(server->accept_thread, "http accept");
    server->accept_started = true;
    return 0;
}

int http_server_start(const struct http_server_options *options, struct http_server **ret,
                      struct baro_error *err)
{
    struct http_server *server;
    int r;

    if (options->address_count == 0 || options->address_count > SERVER_LISTENERS_MAX) {
        return error_set(err, BARO_EINVALID, "1 to %d listen addresses are wanted",
                         SERVER_LISTENERS_MAX);
    }
    server = MEM_NEW(struct http_server);
    server->options = *options;
    server->wake = -1;
    fill_defaults(&server->options);
    lock_init(&server->lock, LOCK_HTTP);
    server->routes = server_routes_new(server->options.routes, server->options.route_count);
    if (options->web != NULL) {
        server->web = server_web_ref(options->web);
        server->has_tls = server_web_has_tls(options->web);
    }
    r = start(server, err);
    if (r < 0) {
        (void)http_server_free(server);
        return r;
    }
    *ret = server;
    return 0;
}

uint16_t http_server_port(const struct http_server *server, size_t index)
{
    ASSERT(index < server->listener_count);
    return server->ports[index];
}

static void wake_accept_thread(struct http_server *server)
{
    if (server->wake >= 0) {
        (void)eventfd_write(server->wake, 1);
    }
}

static void cancel_all(struct http_server *server)
{
    lock_acquire(&server->lock);
    for (struct server_connection *connection = server->connections; connection != NULL;
         connection = connection->next) {
        if (connection->exchange != NULL) {
            atomic_store_explicit(&connection->exchange->cancel, true, memory_order_relaxed);
        }
    }
    lock_release(&server->lock);
}

static void wait_for_requests(struct http_server *server)
{
    mono deadline = server_now() + server->options.stop_timeout * MONO_PER_MS;
    struct http_server_stats stats = {0};

    http_server_stats(server, &stats);
    while (stats.requests_open > 0 && server_now() < deadline) {
        struct timespec pause = {.tv_nsec = 2 * MONO_PER_MS};

        (void)nanosleep(&pause, NULL);
        http_server_stats(server, &stats);
    }
}

/*
 * A connection that was handed over just before its event thread ended is closed by libmicrohttpd
 * without a word, for it never became one there. No other thread is left.
 */
static void forget_connections(struct http_server *server)
{
    while (server->connections != NULL) {
        ASSERT(server->connections->exchange == NULL);
        server_connection_free(server, server->connections);
    }
}

void http_server_stop(struct http_server *server)
{
    if (server->stopped) {
        return;
    }
    server->stopped = true;
    atomic_store_explicit(&server->stopping, true, memory_order_release);
    wake_accept_thread(server);
    server_streams_end(server);
    if (server->accept_started) {
        wait_for_requests(server);
    }
    cancel_all(server);
    if (server->pool != NULL) {
        server_pool_stop(server->pool);
    }
    atomic_store_explicit(&server->ending, true, memory_order_release);
    wake_accept_thread(server);
    if (server->accept_started) {
        (void)pthread_join(server->accept_thread, NULL);
    }
    for (size_t i = 0; i < server->daemon_count; i++) {
        MHD_stop_daemon(server->daemons[i]);
    }
    server->daemon_count = 0;
    forget_connections(server);
    server_close_listeners(server);
}

struct http_server *http_server_free(struct http_server *server)
{
    if (server == NULL) {
        return NULL;
    }
    http_server_stop(server);
    ASSERT(server->connections == NULL);
    server->pool = server_pool_free(server->pool);
    for (size_t i = 0; i < server->packer_count; i++) {
        (void)gzip_free(server->packers[i]);
    }
    if (server->wake >= 0) {
        (void)close(server->wake);
    }
    (void)server_web_unref(server->web);
    lock_done(&server->lock);
    server->routes = server_routes_free(server->routes);
    (void)mem_free(server->by_fd);
    (void)mem_free(server);
    return NULL;
}

void http_server_stats(struct http_server *server, struct http_server_stats *ret)
{
    uint64_t counts[ARRAY_COUNT(server->counts)];

    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        counts[i] = atomic_load_explicit(&server->counts[i], memory_order_relaxed);
    }
    memcpy(ret, counts, sizeof(counts));
    if (server->pool != NULL) {
        server_pool_load(server->pool, &ret->queries_running, &ret->queries_waiting);
    }
}
