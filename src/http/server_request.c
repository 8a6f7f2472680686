/* A request, from its line to its end: libmicrohttpd calls in here each time that more of it is
 * there. */
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/num.h"
#include "http/server_mhd.h"

enum {
    DISCARD_BYTES_MAX = 8 << 20, /* read after an early refusal, so that the client sees it */
    REFUSAL_BYTES = 512,
};
#define DISCARD_TIME (2 * MONO_PER_SECOND)
#define REFUSED_TIME (MONO_PER_SECOND / 2)

str http_request_header(const struct http_request *request, const char *name)
{
    return str_from(MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name));
}

/* ---- the headers ---- */

/* Answers before the body has been read; the connection ends with it. */
static enum MHD_Result refuse(struct server_exchange *exchange, int status, const char *text)
{
    http_response_text(&exchange->response, status, "%s\n", text);
    http_response_header(&exchange->response, "Connection", "close");
    return server_response_send(exchange);
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
    exchange->response.header_count = 0; /* nothing of what the path would have got */
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
    if (exchange->request.route == NULL && exchange->verdict != VERDICT_UNKNOWN &&
        (framing.length > 0 || framing.coding_count > 0)) {
        http_response_header(&exchange->response, "Connection", "close");
        return server_response_send(exchange);
    }
    atomic_store_explicit(&exchange->state, STATE_BODY, memory_order_relaxed);
    server_set_phase(exchange->connection, PHASE_BODY,
                     server_now() + server->options.body_timeout * MONO_PER_MS);
    return MHD_YES;
}

/* ---- the body ---- */

/*
 * libmicrohttpd takes no response in the middle of an upload. So the refusal is written past it,
 * and what the client still sends is read and dropped for a while: closing at once would reset the
 * connection, and the client would never see the answer.
 */
static void refuse_upload(struct server_exchange *exchange, const char *status_line,
                          const char *text)
{
    char answer[REFUSAL_BYTES];
    int size = snprintf(answer, sizeof(answer),
                        "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                        "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                        status_line, strlen(text), text);

    ASSERT(size > 0 && (size_t)size < sizeof(answer));
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

/* ---- the handler ---- */

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
    server_response_encode(exchange);
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
    if (exchange->verdict == VERDICT_UNKNOWN) {
        server_set_phase(exchange->connection, PHASE_RUNNING, 0);
        return hand_to_pool(exchange, judge_job);
    }
    if (exchange->request.route == NULL) {
        return server_response_send(exchange);
    }
    exchange->request.body = buf_view(&exchange->body);
    server_set_phase(exchange->connection, PHASE_RUNNING, 0);
    return run_brief(exchange) ? server_response_send(exchange) : hand_to_pool(exchange, run_job);
}

enum MHD_Result server_request_step(void *context, struct MHD_Connection *mhd, const char *url,
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
        return server_response_send(exchange);
    case STATE_RUNNING:
    case STATE_SENT:
    case STATE_STREAMING:
        break;
    }
    return MHD_YES;
}

/* ---- its life ---- */

void *server_request_new(void *context, const char *target, struct MHD_Connection *mhd)
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
    exchange->request.write_timeout = server->options.write_timeout;
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

void server_request_free(void *context, struct MHD_Connection *mhd, void **request_context,
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
