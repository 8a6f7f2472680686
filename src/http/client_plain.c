#include "http/client_plain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/vec.h"
#include "codec/gzip.h"
#include "http/client.h"
#include "http/client_response.h"
#include "sys/clock.h"
#include "sys/loop.h"

enum {
    BUCKETS = 4096,
    IDLE_MS = 300 * 1000,
    KEPT_BYTES_MAX = 8 << 20,   /* of body buffers that wait for reuse */
    RECEIVES_PER_TURN_MAX = 16, /* so that one fast server cannot starve the others */
};

/* Whom a connection leads to; compared byte by byte, so it has no padding. */
struct endpoint {
    uint8_t address[16];
    uint16_t port;
    uint16_t family;
};
STATIC_ASSERT(sizeof(struct endpoint) == 20, "no padding");

struct connection {
    struct loop_fd fd;
    struct plain_engine *engine;
    struct plain_exchange *exchange; /* NULL = idle */
    struct endpoint endpoint;
    bool is_connecting;
    mono idle_until;
    struct connection *next; /* in its bucket, when idle */
    struct connection **at;
    struct connection *older; /* by the time it became idle */
    struct connection *newer;
};

/* A request on its way, and the buffers it needs. */
struct plain_exchange {
    struct plain_engine *engine;
    struct http_client *client;
    struct http_call *request;
    struct connection *connection;
    struct plain_exchange *next; /* in running or spare */
    struct plain_exchange **at;  /* what points here, in running */
    struct endpoint endpoint;
    struct loop_timer timer; /* the timeout; or, with has_failed, the call of done */
    mono begun;
    mono deadline;
    struct buf head; /* the request */
    size_t sent;
    struct response response;
    struct buf raw; /* decoded body, when it came packed */
    bool follows;
    bool is_reused; /* the connection has carried a request before */
    bool has_failed;
};

struct plain_engine {
    struct loop *loop;
    const char *user_agent;
    uint32_t connections_max;
    struct plain_hooks hooks;
    struct plain_exchange *running;
    struct plain_exchange *spare;
    VEC(struct buf) kept; /* buffers for what comes next */
    size_t kept_bytes;
    struct connection **buckets; /* idle connections by endpoint */
    struct connection *oldest;
    struct connection *newest;
    size_t idle_count;
    struct loop_timer idle_timer;
};

/* ---- URL ---- */

static bool port_parse(str text, uint16_t *ret)
{
    unsigned port = 0;

    if (text.len == 0 || text.len > 5) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
        port = port * 10 + (unsigned)(text.ptr[i] - '0');
    }
    *ret = (uint16_t)port;
    return port > 0 && port <= UINT16_MAX;
}

static bool address_parse(str host, struct plain_url *url)
{
    char text[INET6_ADDRSTRLEN] = "";
    const bool is_six = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';

    host = is_six ? str_slice(host, 1, host.len - 1) : host;
    if (host.len >= sizeof(text)) {
        return false;
    }
    memcpy(text, host.ptr, host.len);
    url->family = is_six ? AF_INET6 : AF_INET;
    return inet_pton(url->family, text, url->address) == 1;
}

static bool authority_parse(str authority, struct plain_url *url)
{
    size_t colon = authority.len;

    while (colon > 0 && authority.ptr[colon - 1] != ':' && authority.ptr[colon - 1] != ']') {
        colon--;
    }
    url->port = 80;
    url->host = authority;
    if (colon > 0 && authority.ptr[colon - 1] == ':') {
        if (!port_parse(str_from_index(authority, colon), &url->port)) {
            return false;
        }
        authority.len = colon - 1;
        /* As libcurl words it: the port of the scheme is not named. */
        url->host = url->port == 80 ? authority : url->host;
    }
    return authority.len > 0 && address_parse(authority, url);
}

static bool target_check(str target)
{
    for (size_t i = 0; i < target.len; i++) {
        if (target.ptr[i] <= ' ' || target.ptr[i] >= 127 || target.ptr[i] == '#' ||
            target.ptr[i] == '\\') {
            return false;
        }
    }
    return !str_contains(str_slice(target, 0, str_index_char(target, '?')), STR("/."));
}

bool plain_url_parse(const char *url, struct plain_url *ret)
{
    str rest = str_from(url);
    struct plain_url found = {0};
    size_t end = 0;

    if (!str_has_prefix(rest, STR("http://"))) {
        return false;
    }
    rest = str_from_index(rest, sizeof("http://") - 1);
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?' && rest.ptr[end] != '#') {
        end++;
    }
    found.target = end < rest.len ? str_from_index(rest, end) : STR("/");
    if (found.target.ptr[0] != '/' || !target_check(found.target) ||
        !authority_parse(str_slice(rest, 0, end), &found)) {
        return false;
    }
    *ret = found;
    return true;
}

/* ---- idle connections ---- */

static struct connection **bucket_of(struct plain_engine *engine, const struct endpoint *endpoint)
{
    return &engine->buckets[str_hash(str_of((const char *)endpoint, sizeof(*endpoint))) % BUCKETS];
}

static void idle_unlink(struct connection *connection)
{
    struct plain_engine *engine = connection->engine;

    ASSERT(connection->at != NULL && engine->idle_count > 0);
    *connection->at = connection->next;
    if (connection->next != NULL) {
        connection->next->at = connection->at;
    }
    if (connection->older != NULL) {
        connection->older->newer = connection->newer;
    } else {
        engine->oldest = connection->newer;
    }
    if (connection->newer != NULL) {
        connection->newer->older = connection->older;
    } else {
        engine->newest = connection->older;
    }
    connection->next = connection->older = connection->newer = NULL;
    connection->at = NULL;
    engine->idle_count--;
}

static void connection_close(struct connection *connection)
{
    if (connection->at != NULL) {
        idle_unlink(connection);
    }
    if (connection->exchange != NULL) {
        connection->exchange->connection = NULL;
    }
    (void)loop_fd_watch(connection->engine->loop, &connection->fd, 0);
    (void)close(connection->fd.fd);
    (void)mem_free(connection);
}

static void idle_expire(struct loop_timer *timer)
{
    struct plain_engine *engine = CONTAINER_OF(timer, struct plain_engine, idle_timer);

    while (engine->oldest != NULL && engine->oldest->idle_until <= loop_now(engine->loop)) {
        connection_close(engine->oldest);
    }
    if (engine->oldest != NULL) {
        loop_timer_start(engine->loop, &engine->idle_timer, engine->oldest->idle_until);
    }
}

/* The newest connection to a server is taken first, so that those beyond its need run out. */
static void idle_put(struct connection *connection)
{
    struct plain_engine *engine = connection->engine;
    struct connection **bucket = bucket_of(engine, &connection->endpoint);

    ASSERT(connection->at == NULL && connection->exchange == NULL);
    connection->idle_until = loop_now(engine->loop) + IDLE_MS * MONO_PER_MS;
    connection->next = *bucket;
    connection->at = bucket;
    if (connection->next != NULL) {
        connection->next->at = &connection->next;
    }
    *bucket = connection;
    connection->older = engine->newest;
    if (connection->older != NULL) {
        connection->older->newer = connection;
    } else {
        engine->oldest = connection;
    }
    engine->newest = connection;
    engine->idle_count++;
    if (engine->idle_timer.slot == 0) {
        loop_timer_start(engine->loop, &engine->idle_timer, connection->idle_until);
    }
    if (engine->idle_count > engine->connections_max) {
        connection_close(engine->oldest);
    }
}

static struct connection *idle_take(struct plain_engine *engine, const struct endpoint *endpoint)
{
    struct connection *connection = *bucket_of(engine, endpoint);

    while (connection != NULL && memcmp(&connection->endpoint, endpoint, sizeof(*endpoint)) != 0) {
        connection = connection->next;
    }
    if (connection != NULL) {
        idle_unlink(connection);
    }
    return connection;
}

/* ---- exchanges ---- */

static void exchange_timeout(struct loop_timer *timer);

static struct plain_exchange *exchange_take(struct plain_engine *engine)
{
    struct plain_exchange *exchange = engine->spare;

    if (exchange != NULL) {
        engine->spare = exchange->next;
    } else {
        exchange = MEM_NEW(struct plain_exchange);
        exchange->engine = engine;
        exchange->timer.fire = exchange_timeout;
    }
    exchange->next = engine->running;
    exchange->at = &engine->running;
    if (exchange->next != NULL) {
        exchange->next->at = &exchange->next;
    }
    engine->running = exchange;
    return exchange;
}

/* Leaves the list of those that run, and the connection, which is kept when it can be. */
static void exchange_leave(struct plain_exchange *exchange, bool keeps)
{
    struct connection *connection = exchange->connection;

    loop_timer_stop(exchange->engine->loop, &exchange->timer);
    *exchange->at = exchange->next;
    if (exchange->next != NULL) {
        exchange->next->at = exchange->at;
    }
    exchange->next = NULL;
    exchange->connection = NULL;
    exchange->request->exchange = NULL;
    if (connection != NULL) {
        connection->exchange = NULL;
        if (keeps) {
            idle_put(connection);
        } else {
            connection_close(connection);
        }
    }
}

/* Buffers are large, and lent for as long as bytes come: many targets are asked at a time, few
 * answers are being read. */
static void buffer_lend(struct plain_engine *engine, struct buf *ret)
{
    if (ret->capacity == 0 && engine->kept.count > 0) {
        *ret = vec_pop(&engine->kept);
        engine->kept_bytes -= ret->capacity;
    }
}

static void buffer_put(struct plain_engine *engine, struct buf *buf)
{
    buf_reset(buf);
    if (buf->capacity == 0 || engine->kept_bytes + buf->capacity > KEPT_BYTES_MAX) {
        buf_done(buf);
        return;
    }
    engine->kept_bytes += buf->capacity;
    vec_push(&engine->kept, *buf);
    *buf = (struct buf){0};
}

static void exchange_put(struct plain_exchange *exchange)
{
    struct plain_engine *engine = exchange->engine;
    struct http_client *client = exchange->client;

    exchange->request = NULL;
    exchange->client = NULL;
    buffer_put(engine, &exchange->response.bytes);
    buffer_put(engine, &exchange->raw);
    exchange->next = engine->spare;
    engine->spare = exchange;
    engine->hooks.released(client);
}

/* ---- outcome ---- */

static bool is_sent(const struct plain_exchange *exchange)
{
    return exchange->sent == exchange->head.len;
}

static int body_take(struct plain_exchange *exchange)
{
    struct http_call *request = exchange->request;
    struct response *response = &exchange->response;
    const str body = str_slice(buf_view(&response->bytes), response->body_at,
                               response->body_at + response->body_len);
    int result = 0;

    if (!response->is_packed || !request->accept_gzip) {
        request->body = body;
        return 0;
    }
    buffer_lend(exchange->engine, &exchange->raw);
    result = gzip_unpack(body, (size_t)response->body_bytes_max - 1, &exchange->raw, &request->err);
    if (result == BARO_ELIMIT) {
        request->body_is_too_long = true;
        return error_set(&request->err, BARO_ELIMIT, "body size limit exceeded");
    }
    request->body = buf_view(&exchange->raw);
    return result;
}

static void exchange_done(struct plain_exchange *exchange, int result)
{
    struct http_call *request = exchange->request;
    struct response *response = &exchange->response;

    request->status = response->status;
    memcpy(request->status_text, response->status_text, sizeof(request->status_text));
    request->content_type = str_slice(buf_view(&response->bytes), response->type_at,
                                      response->type_at + response->type_len);
    request->body_is_too_long = response->is_too_long;
    request->result = result == 0 ? body_take(exchange) : result;
    exchange_leave(exchange, result == 0 && response->stays_open && is_sent(exchange));
    if (request->done != NULL) {
        request->done(request);
    }
    exchange_put(exchange);
}

/* Words a failure as the other way does: those before a body name the request. */
static void exchange_fail(struct plain_exchange *exchange, int result)
{
    struct baro_error *err = &exchange->request->err;

    if (result == BARO_ENETWORK && !str_has_prefix(str_from(err->message), STR("unexpected EOF"))) {
        const struct baro_error detail = *err;

        (void)error_set(err, result, "Get \"%.100s\": %.100s", exchange->request->url,
                        detail.message);
    }
    exchange_done(exchange, result);
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static dur time_left(const struct plain_exchange *exchange)
{
    const mono left = exchange->deadline - clock_mono(loop_clock(exchange->engine->loop));

    return left > MONO_PER_MS ? left / MONO_PER_MS : 1;
}

static void exchange_complete(struct plain_exchange *exchange)
{
    struct plain_engine *engine = exchange->engine;
    struct http_call *request = exchange->request;

    if (!exchange->follows || !is_redirect(exchange->response.status)) {
        exchange_done(exchange, 0);
        return;
    }
    if (!engine->hooks.moved(exchange->client, request, time_left(exchange))) {
        exchange_fail(exchange, error_set(&request->err, BARO_ECANCELED,
                                          "the settings changed before a redirect"));
        return;
    }
    exchange_leave(exchange, exchange->response.stays_open && is_sent(exchange));
    exchange_put(exchange);
}

static void exchange_timeout(struct loop_timer *timer)
{
    struct plain_exchange *exchange = CONTAINER_OF(timer, struct plain_exchange, timer);
    struct http_call *request = exchange->request;

    if (exchange->has_failed) {
        exchange_fail(exchange, request->err.code);
        return;
    }
    exchange_done(exchange, error_set(&request->err, BARO_ETIMEOUT,
                                      "Get \"%.120s\": context deadline exceeded", request->url));
}

/* ---- the connection of an exchange ---- */

static int connect_failure(struct plain_exchange *exchange)
{
    char text[INET6_ADDRSTRLEN] = "";
    const mono now = clock_mono(loop_clock(exchange->engine->loop));

    (void)inet_ntop(exchange->endpoint.family, exchange->endpoint.address, text, sizeof(text));
    return error_set(&exchange->request->err, BARO_ENETWORK,
                     "Failed to connect to %s port %u after %lld ms: Couldn't connect to server",
                     text, (unsigned)exchange->endpoint.port,
                     (long long)((now - exchange->begun) / MONO_PER_MS));
}

static void connection_ready(struct loop_fd *fd, unsigned events);

static int socket_connect(int fd, const struct endpoint *endpoint)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};
    const int one = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (endpoint->family == AF_INET6) {
        memcpy(&six.sin6_addr, endpoint->address, sizeof(six.sin6_addr));
        return connect(fd, (const struct sockaddr *)&six, sizeof(six));
    }
    memcpy(&four.sin_addr, endpoint->address, sizeof(four.sin_addr));
    return connect(fd, (const struct sockaddr *)&four, sizeof(four));
}

static int connection_open(struct plain_exchange *exchange)
{
    struct plain_engine *engine = exchange->engine;
    struct connection *connection = NULL;
    const int fd = socket(exchange->endpoint.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return error_set(&exchange->request->err, BARO_ENETWORK, "socket: %s", error_text(-errno));
    }
    connection = MEM_NEW(struct connection);
    *connection = (struct connection){.fd = {.ready = connection_ready, .fd = fd},
                                      .engine = engine,
                                      .exchange = exchange,
                                      .endpoint = exchange->endpoint,
                                      .is_connecting = true};
    exchange->connection = connection;
    exchange->is_reused = false;
    if ((socket_connect(fd, &exchange->endpoint) != 0 && errno != EINPROGRESS) ||
        loop_fd_watch(engine->loop, &connection->fd, LOOP_WRITE) < 0) {
        connection_close(connection);
        return connect_failure(exchange);
    }
    return 0;
}

static bool is_would_block(int errno_value)
{
    return errno_value == EAGAIN || errno_value == EWOULDBLOCK;
}

/*
 * A kept connection that the server closed while the request was on its way has not answered: the
 * request goes out again, once, on a fresh connection. GET may be repeated (RFC 9110, 9.2.2).
 */
static int broken(struct plain_exchange *exchange, int errno_value)
{
    if (exchange->is_reused && exchange->response.bytes.len == 0) {
        connection_close(exchange->connection);
        ASSERT(exchange->connection == NULL);
        exchange->sent = 0;
        return connection_open(exchange);
    }
    return error_set(&exchange->request->err, BARO_ENETWORK,
                     "unexpected EOF: Connection failure: %s", error_text(-errno_value));
}

/* Writes what the socket takes; it is watched for room only while something is left. */
static int exchange_send(struct plain_exchange *exchange)
{
    struct connection *connection = exchange->connection;

    while (exchange->sent < exchange->head.len) {
        const ssize_t sent = send(connection->fd.fd, exchange->head.ptr + exchange->sent,
                                  exchange->head.len - exchange->sent, MSG_NOSIGNAL);

        if (sent >= 0) {
            exchange->sent += (size_t)sent;
        } else if (is_would_block(errno)) {
            break;
        } else if (errno != EINTR) {
            return broken(exchange, errno);
        }
    }
    (void)loop_fd_watch(exchange->engine->loop, &connection->fd,
                        exchange->sent < exchange->head.len
                            ? (unsigned)LOOP_READ | (unsigned)LOOP_WRITE
                            : (unsigned)LOOP_READ);
    return 0;
}

/* Returns 1 when the response is complete, 0 when more must come. */
static int exchange_end(struct plain_exchange *exchange)
{
    int result = 0;

    if (exchange->is_reused && exchange->response.bytes.len == 0) {
        return broken(exchange, ECONNRESET);
    }
    result = response_end(&exchange->response, &exchange->request->err);
    return result < 0 ? result : 1;
}

static int exchange_receive(struct plain_exchange *exchange)
{
    struct response *response = &exchange->response;
    struct buf *bytes = &response->bytes;

    buffer_lend(exchange->engine, bytes);
    for (int i = 0; i < RECEIVES_PER_TURN_MAX; i++) {
        ssize_t got = 0;
        size_t room = 0;
        int result = 0;

        if (buf_reserve(bytes, response_room(response)) == NULL) {
            return error_set(&exchange->request->err, BARO_ELIMIT, "no memory for the response");
        }
        room = bytes->capacity - bytes->len;
        got = recv(exchange->connection->fd.fd, bytes->ptr + bytes->len, room, 0);
        if (got == 0) {
            return exchange_end(exchange);
        }
        if (got < 0) {
            return is_would_block(errno) || errno == EINTR ? 0 : broken(exchange, errno);
        }
        bytes->len += (size_t)got;
        result = response_advance(response, &exchange->request->err);
        if (result != 0 || (size_t)got < room) {
            return result;
        }
    }
    return 0;
}

static int connected(struct plain_exchange *exchange)
{
    int failed = 0;
    socklen_t size = sizeof(failed);

    if (getsockopt(exchange->connection->fd.fd, SOL_SOCKET, SO_ERROR, &failed, &size) != 0 ||
        failed != 0) {
        return connect_failure(exchange);
    }
    exchange->connection->is_connecting = false;
    return exchange_send(exchange);
}

static void connection_ready(struct loop_fd *fd, unsigned events)
{
    struct connection *connection = CONTAINER_OF(fd, struct connection, fd);
    struct plain_exchange *exchange = connection->exchange;
    int result = 0;

    if (exchange == NULL) {
        /* Its end, or bytes that nobody asked for. */
        connection_close(connection);
        return;
    }
    if (connection->is_connecting) {
        result = connected(exchange);
    } else {
        if (exchange->sent < exchange->head.len && (events & LOOP_WRITE) != 0) {
            result = exchange_send(exchange);
        }
        /* The connection may be another one by now. */
        if (result == 0 && exchange->connection == connection &&
            (events & ((unsigned)LOOP_READ | (unsigned)LOOP_HANGUP)) != 0) {
            result = exchange_receive(exchange);
        }
    }
    if (result > 0) {
        exchange_complete(exchange);
    } else if (result < 0) {
        exchange_fail(exchange, result);
    }
}

/* ---- requests ---- */

/* Whether a line of that name is there; `name` ends with a colon. */
static bool lines_have(str lines, str name)
{
    str line = STR_NULL;

    while (str_split_next(&lines, '\n', &line)) {
        if (str_eq_nocase(str_slice(line, 0, name.len), name)) {
            return true;
        }
    }
    return false;
}

static void head_make(struct plain_exchange *exchange, const struct plain_url *url, str lines)
{
    struct buf *head = &exchange->head;

    buf_reset(head);
    buf_c(head, "GET ");
    buf_str(head, url->target);
    buf_c(head, " HTTP/1.1\r\n");
    if (!lines_have(lines, STR("Host:"))) {
        buf_c(head, "Host: ");
        buf_str(head, url->host);
        buf_c(head, "\r\n");
    }
    if (!lines_have(lines, STR("User-Agent:"))) {
        buf_c(head, "User-Agent: ");
        buf_c(head, exchange->engine->user_agent);
        buf_c(head, "\r\n");
    }
    if (!lines_have(lines, STR("Accept:"))) {
        buf_c(head, "Accept: */*\r\n");
    }
    buf_str(head, lines);
    buf_c(head, "\r\n");
}

static void endpoint_make(const struct plain_url *url, struct endpoint *ret)
{
    *ret = (struct endpoint){.port = url->port, .family = url->family};
    memcpy(ret->address, url->address, sizeof(ret->address));
}

/* Sends on a kept connection, or begins to connect. */
static int exchange_begin(struct plain_exchange *exchange)
{
    struct connection *connection = NULL;

    if (exchange->head.failed) {
        return error_set(&exchange->request->err, BARO_ELIMIT, "no memory for a request");
    }
    connection = idle_take(exchange->engine, &exchange->endpoint);
    if (connection == NULL) {
        return connection_open(exchange);
    }
    connection->exchange = exchange;
    exchange->connection = connection;
    exchange->is_reused = true;
    return exchange_send(exchange);
}

void plain_start(struct plain_engine *engine, struct http_client *client, struct http_call *request,
                 const struct plain_url *url, str lines, bool follows)
{
    struct plain_exchange *exchange = exchange_take(engine);
    const uint64_t most = request->body_bytes_max;

    ASSERT(request->exchange == NULL && request->timeout > 0);
    request->exchange = exchange;
    exchange->client = client;
    exchange->request = request;
    exchange->follows = follows;
    exchange->has_failed = false;
    exchange->sent = 0;
    exchange->begun = clock_mono(loop_clock(engine->loop));
    exchange->deadline = exchange->begun + request->timeout * MONO_PER_MS;
    endpoint_make(url, &exchange->endpoint);
    response_reset(&exchange->response,
                   most == 0 || most > HTTP_BODY_BYTES_MAX ? HTTP_BODY_BYTES_MAX : most);
    head_make(exchange, url, lines);
    exchange->has_failed = exchange_begin(exchange) < 0;
    /* done is never called from here, so a failure waits for the next turn. */
    loop_timer_start(engine->loop, &exchange->timer,
                     exchange->has_failed ? exchange->begun : exchange->deadline);
}

void plain_cancel(struct http_call *request)
{
    struct plain_exchange *exchange = request->exchange;

    if (exchange != NULL) {
        exchange_leave(exchange, false);
        exchange_put(exchange);
    }
}

/* ---- engine ---- */

struct plain_engine *plain_engine_new(struct loop *loop, const char *user_agent,
                                      uint32_t connections_max, const struct plain_hooks *hooks)
{
    struct plain_engine *engine = MEM_NEW(struct plain_engine);

    engine->loop = loop;
    engine->user_agent = user_agent;
    engine->connections_max = connections_max;
    engine->hooks = *hooks;
    engine->idle_timer.fire = idle_expire;
    engine->buckets = mem_alloc_zero(BUCKETS * sizeof(struct connection *));
    return engine;
}

struct plain_engine *plain_engine_free(struct plain_engine *engine)
{
    if (engine == NULL) {
        return NULL;
    }
    while (engine->running != NULL) {
        plain_cancel(engine->running->request);
    }
    while (engine->oldest != NULL) {
        connection_close(engine->oldest);
    }
    while (engine->spare != NULL) {
        struct plain_exchange *exchange = engine->spare;

        engine->spare = exchange->next;
        response_done(&exchange->response);
        buf_done(&exchange->raw);
        buf_done(&exchange->head);
        (void)mem_free(exchange);
    }
    for (size_t i = 0; i < engine->kept.count; i++) {
        buf_done(&engine->kept.items[i]);
    }
    vec_done(&engine->kept);
    loop_timer_stop(engine->loop, &engine->idle_timer);
    (void)mem_free(engine->buckets);
    return mem_free(engine);
}

size_t plain_idle_count(const struct plain_engine *engine)
{
    return engine->idle_count;
}
