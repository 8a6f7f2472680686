#include "http/server.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "codec/gzip.h"
#include "http/server_priv.h"
#include "testing/raw_http.h"
#include "testing/test.h"

/* ---- handlers ---- */

struct shared {
    _Atomic int observed;
    _Atomic int last_status;
    _Atomic bool hold; /* blocking handlers wait while it is set */
    _Atomic int held;
    _Atomic int canceled;
};

static void pause_ms(int ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000L};

    (void)nanosleep(&pause, NULL);
}

static void handle_hello(void *context, struct http_request *request,
                         struct http_response *response)
{
    (void)context;
    http_response_text(response, 200, "hello %.*s|%.*s|%.*s\n", STR_ARG(request->path),
                       STR_ARG(request->query), STR_ARG(request->param));
}

static void handle_echo(void *context, struct http_request *request, struct http_response *response)
{
    (void)context;
    response->content_type = "application/octet-stream";
    http_response_header(response, "X-Method", http_method_name(request->method));
    buf_str(&response->body, request->body);
}

static void handle_big(void *context, struct http_request *request, struct http_response *response)
{
    (void)context;
    (void)request;
    response->content_type = "text/plain";
    for (int i = 0; i < 20000; i++) {
        buf_printf(&response->body, "line %d of many\n", i);
    }
}

static void handle_huge(void *context, struct http_request *request, struct http_response *response)
{
    (void)context;
    (void)request;
    buf_zero(&response->body, 64 << 20);
}

/* The first time it takes too long for an event thread. */
static void handle_brief(void *context, struct http_request *request,
                         struct http_response *response)
{
    struct shared *shared = context;

    http_response_header(response, "X-Try", "1");
    response->again = request->brief && atomic_fetch_add(&shared->held, 1) == 0;
    http_response_text(response, 200, request->brief ? "brief\n" : "pooled\n");
}

static bool is_short(void *context, const struct http_request *request)
{
    (void)context;
    return str_is(request->path, "/brief");
}

static void handle_hold(void *context, struct http_request *request, struct http_response *response)
{
    struct shared *shared = context;

    atomic_fetch_add(&shared->held, 1);
    for (int i = 0; i < 5000 && atomic_load(&shared->hold); i++) {
        if (atomic_load(request->cancel)) {
            atomic_fetch_add(&shared->canceled, 1);
            break;
        }
        pause_ms(2);
    }
    http_response_text(response, 200, "held\n");
}

static void observe(void *context, const struct http_route *route, int status, double seconds,
                    size_t body_bytes)
{
    struct shared *shared = context;

    (void)route;
    (void)body_bytes;
    assert_true(seconds >= 0);
    atomic_store(&shared->last_status, status);
    atomic_fetch_add(&shared->observed, 1);
}

static const struct http_route routes[] = {
    {HTTP_GET, "/hello", handle_hello, false},
    {HTTP_GET, "/label/:name/values", handle_hello, false},
    {HTTP_GET, "/label/fixed/values", handle_echo, false},
    {HTTP_GET, "/pooled", handle_hello, true},
    {HTTP_POST, "/echo", handle_echo, false},
    {HTTP_POST, "/pooled-echo", handle_echo, true},
    {HTTP_GET, "/big", handle_big, true},
    {HTTP_GET, "/huge", handle_huge, true},
    {HTTP_GET, "/hold", handle_hold, true},
    {HTTP_OPTIONS, "/api/*", handle_echo, false},
    {HTTP_GET, "/brief", handle_brief, true},
};

static struct http_server *serve(struct shared *shared, struct http_server_options *options)
{
    static const char *const address[] = {"127.0.0.1:0"};
    struct http_server *server = NULL;
    struct baro_error err = {0};

    options->addresses = address;
    options->address_count = 1;
    options->routes = routes;
    options->route_count = ARRAY_COUNT(routes);
    options->context = shared;
    options->observe = observe;
    options->thread_count = options->thread_count == 0 ? 2 : options->thread_count;
    options->query_thread_count =
        options->query_thread_count == 0 ? 2 : options->query_thread_count;
    options->stop_timeout = options->stop_timeout == 0 ? 200 : options->stop_timeout;
    assert_ok(http_server_start(options, &server, &err), &err);
    assert_true(http_server_port(server, 0) > 0);
    return server;
}

static struct http_server_stats stats_of(struct http_server *server)
{
    struct http_server_stats stats = {0};

    http_server_stats(server, &stats);
    return stats;
}

/* Waits until something holds; fails after half a minute, which a busy machine may take. */
#define WAIT_UNTIL(condition)                                                                      \
    do {                                                                                           \
        for (int turn_ = 0; turn_ < 15000 && !(condition); turn_++) {                              \
            pause_ms(2);                                                                           \
        }                                                                                          \
        assert_true(condition);                                                                    \
    } while (0)

static void wait_for(_Atomic int *value, int wanted)
{
    WAIT_UNTIL(atomic_load(value) >= wanted);
}

/* ---- addresses ---- */

TEST(server_listen_says_what_is_wrong)
{
    static const struct {
        const char *address;
        const char *want;
    } cases[] = {
        {"localhost", "listen on \"localhost\": missing port in address"},
        {"127.0.0.1:", "listen on \"127.0.0.1:\": the port is not 0 to 65535"},
        {"127.0.0.1:65536", "listen on \"127.0.0.1:65536\": the port is not 0 to 65535"},
        {"127.0.0.1:http", "listen on \"127.0.0.1:http\": the port is not 0 to 65535"},
        {"::1:9090", "listen on \"::1:9090\": an IPv6 address stands in brackets, [::1]:9090"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct baro_error err = {0};
        uint16_t port = 0;
        int fd = -1;

        test_row(cases[i].address);
        assert_true(server_listen(cases[i].address, &fd, &port, &err) < 0);
        assert_str_equal(str_from(err.message), str_from(cases[i].want));
        assert_int_equal(fd, -1);
    }
    test_row(NULL);
}

TEST(server_start_names_a_taken_port)
{
    struct shared shared = {0};
    struct http_server_options options = {0};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    struct http_server *second = NULL;
    struct baro_error err = {0};
    char address[64];
    const char *addresses[] = {"127.0.0.1:0", address};

    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", http_server_port(server, 0));
    options.addresses = addresses;
    options.address_count = 2;
    assert_int_equal(http_server_start(&options, &second, &err), -EADDRINUSE);
    assert_null(second);
    assert_true(str_contains(str_from(err.message), STR("the port is taken by another program")));
    assert_true(str_contains(str_from(err.message), str_from(address)));
}

TEST(server_listens_on_several_addresses)
{
    static const char *const addresses[] = {"127.0.0.1:0", "localhost:0", ":0"};
    struct shared shared = {0};
    struct http_server_options options = {.addresses = addresses,
                                          .address_count = 3,
                                          .routes = routes,
                                          .route_count = ARRAY_COUNT(routes),
                                          .context = &shared,
                                          .thread_count = 1,
                                          .query_thread_count = 1};
    CLEANUP(http_server_freep) struct http_server *server = NULL;
    struct baro_error err = {0};

    assert_ok(http_server_start(&options, &server, &err), &err);
    for (size_t i = 0; i < 3; i += 2) {
        struct raw_response response;

        raw_http_get(http_server_port(server, i), "/hello", "", &response);
        assert_int_equal(response.status, 200);
        raw_http_done(&response);
    }
}

/* ---- ordinary requests ---- */

TEST(server_answers_and_keeps_alive)
{
    struct shared shared = {0};
    struct http_server_options options = {0};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    int fd = raw_http_connect(http_server_port(server, 0));
    struct raw_response response;

    for (int i = 0; i < 20; i++) {
        bool pooled = i % 2 == 1;

        assert_true(raw_http_send(fd, pooled
                                          ? STR("GET /pooled?x=%20 HTTP/1.1\r\nHost: a\r\n\r\n")
                                          : STR("GET /hello?a=b&c HTTP/1.1\r\nHost: a\r\n\r\n")));
        raw_http_read(fd, false, &response);
        assert_int_equal(response.status, 200);
        assert_str_equal(buf_view(&response.body),
                         pooled ? STR("hello /pooled|x=%20|\n") : STR("hello /hello|a=b&c|\n"));
        assert_str_equal(raw_http_header(&response, "Content-Type"),
                         STR("text/plain; charset=utf-8"));
        raw_http_done(&response);
    }
    assert_int_equal(stats_of(server).connections_accepted, 1);
    assert_int_equal(stats_of(server).requests, 20);
    assert_int_equal(atomic_load(&shared.observed), 20);
    (void)close(fd);
}

TEST(server_answers_pipelined_requests_in_order)
{
    struct shared shared = {0};
    struct http_server_options options = {0};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    int fd = raw_http_connect(http_server_port(server, 0));
    struct raw_response response;

    assert_true(raw_http_send(fd, STR("GET /pooled?1 HTTP/1.1\r\nHost: a\r\n\r\n"
                                      "GET /hello?2 HTTP/1.1\r\nHost: a\r\n\r\n"
                                      "GET /pooled?3 HTTP/1.1\r\nHost: a\r\n\r\n")));
    for (int i = 0; i < 3; i++) {
        static const char *const want[] = {"hello /pooled|1|\n", "hello /hello|2|\n",
                                           "hello /pooled|3|\n"};

        raw_http_read(fd, false, &response);
        assert_str_equal(buf_view(&response.body), str_from(want[i]));
        raw_http_done(&response);
    }
    (void)close(fd);
}

TEST(server_answers_by_method)
{
    static const struct {
        const char *request;
        bool is_head;
        int status;
        const char *allow;
        const char *body;
    } cases[] = {
        {"GET /label/x%2Fy/values HTTP/1.1\r\nHost: a\r\n\r\n", false, 200, NULL,
         "hello /label/x%2Fy/values||x%2Fy\n"},
        {"HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n", true, 200, NULL, ""},
        {"HEAD /pooled HTTP/1.1\r\nHost: a\r\n\r\n", true, 200, NULL, ""},
        {"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", false, 404, NULL, "404 page not found\n"},
        {"DELETE /hello HTTP/1.1\r\nHost: a\r\n\r\n", false, 405, "GET, HEAD, OPTIONS",
         "Method Not Allowed\n"},
        {"OPTIONS /echo HTTP/1.1\r\nHost: a\r\n\r\n", false, 204, "POST, OPTIONS", ""},
        {"OPTIONS /api/v1/query HTTP/1.1\r\nHost: a\r\n\r\n", false, 200, NULL, ""},
        {"BREW /hello HTTP/1.1\r\nHost: a\r\n\r\n", false, 501, NULL, "this method is not known\n"},
        {"GET http://a/hello HTTP/1.1\r\nHost: a\r\n\r\n", false, 200, NULL, "hello /hello||\n"},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", false, 200, NULL,
         "hello"},
        {"POST /pooled-echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", false, 200,
         NULL, "hello"},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
         "2\r\nde\r\n0\r\n\r\n",
         false, 200, NULL, "abcde"},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
         false, 200, NULL, "ok"},
        {"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", false, 404, NULL,
         "404 page not found\n"},
        {"GET /hello HTTP/1.0\r\n\r\n", false, 200, NULL, "hello /hello||\n"},
    };
    struct shared shared = {0};
    struct http_server_options options = {0};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int fd = raw_http_connect(http_server_port(server, 0));
        struct raw_response response;

        test_row(cases[i].request);
        assert_true(raw_http_send(fd, str_from(cases[i].request)));
        raw_http_read(fd, cases[i].is_head, &response);
        assert_int_equal(response.status, cases[i].status);
        assert_str_equal(raw_http_header(&response, "Allow"), str_from(cases[i].allow));
        assert_str_equal(buf_view(&response.body), str_from(cases[i].body));
        raw_http_done(&response);
        (void)close(fd);
    }
    test_row(NULL);
}

TEST(server_serves_below_a_prefix)
{
    static const struct {
        const char *target;
        int status;
    } cases[] = {{"/prom/hello", 200}, {"/hello", 404}, {"/promhello", 404}, {"/prom", 404}};
    struct shared shared = {0};
    struct http_server_options options = {.prefix = "/prom"};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct raw_response response;

        test_row(cases[i].target);
        raw_http_get(http_server_port(server, 0), cases[i].target, "", &response);
        assert_int_equal(response.status, cases[i].status);
        raw_http_done(&response);
    }
    test_row(NULL);
}

TEST(server_packs_when_asked)
{
    struct shared shared = {0};
    struct http_server_options options = {0};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    uint16_t port = http_server_port(server, 0);
    struct raw_response plain;
    struct raw_response packed;
    struct raw_response small;
    struct buf raw = {0};
    struct baro_error err = {0};

    raw_http_get(port, "/big", "", &plain);
    raw_http_get(port, "/big", "Accept-Encoding: br, gzip\r\n", &packed);
    raw_http_get(port, "/hello", "Accept-Encoding: gzip\r\n", &small);
    assert_null(raw_http_header(&plain, "Content-Encoding").ptr);
    assert_str_equal(raw_http_header(&plain, "Vary"), STR("Accept-Encoding"));
    assert_str_equal(raw_http_header(&packed, "Content-Encoding"), STR("gzip"));
    assert_true(packed.body.len < plain.body.len / 4);
    assert_ok(gzip_unpack(buf_view(&packed.body), 1 << 20, &raw, &err), &err);
    assert_str_equal(buf_view(&raw), buf_view(&plain.body));
    assert_null(raw_http_header(&small, "Content-Encoding").ptr);
    buf_done(&raw);
    raw_http_done(&plain);
    raw_http_done(&packed);
    raw_http_done(&small);
}

/* ---- limits ---- */

TEST(server_refuses_doubtful_framing)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET /hello HTTP/1.1\r\n\r\n", 400},
        {"GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\n",
         400},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
         400},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\n", 400},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
         400},
    };
    struct shared shared = {0};
    struct http_server_options options = {.header_timeout = 300};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int fd = raw_http_connect(http_server_port(server, 0));
        struct raw_response response;

        test_row(cases[i].request);
        (void)raw_http_send(fd, str_from(cases[i].request));
        raw_http_read(fd, false, &response);
        assert_int_equal(response.status, cases[i].status);
        assert_true(raw_http_is_closed(fd, 5000));
        raw_http_done(&response);
        (void)close(fd);
    }
    test_row(NULL);
}

static int status_of_padded(uint16_t port, const char *before, size_t padding, const char *after)
{
    int fd = raw_http_connect(port);
    struct buf text = {0};
    struct raw_response response;
    int status;

    buf_c(&text, before);
    for (size_t i = 0; i < padding; i++) {
        buf_char(&text, 'a');
    }
    buf_c(&text, after);
    (void)raw_http_send(fd, buf_view(&text));
    raw_http_read(fd, false, &response);
    status = response.status;
    raw_http_done(&response);
    buf_done(&text);
    (void)close(fd);
    return status;
}

TEST(server_bounds_url_and_headers)
{
    static const char tail[] = " HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char head[] = "GET /hello HTTP/1.1\r\nHost: a\r\nX: ";
    struct shared shared = {0};
    struct http_server_options options = {.header_bytes_max = 8 << 10};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    uint16_t port = http_server_port(server, 0);
    struct raw_response response;

    assert_int_equal(status_of_padded(port, "GET /hello?", 6 << 10, tail), 200);
    assert_int_equal(status_of_padded(port, "GET /hello?", 9 << 10, tail), 414);
    assert_int_equal(status_of_padded(port, "GET /hello?", 100 << 10, tail), 414);
    assert_int_equal(status_of_padded(port, head, 4 << 10, "\r\n\r\n"), 200);
    assert_int_equal(status_of_padded(port, head, 9 << 10, "\r\n\r\n"), 431);
    assert_int_equal(status_of_padded(port, head, 100 << 10, "\r\n\r\n"), 431);
    raw_http_get(port, "/hello", "", &response);
    assert_int_equal(response.status, 200);
    raw_http_done(&response);
}

TEST(server_bounds_bodies)
{
    struct shared shared = {0};
    struct http_server_options options = {.body_bytes_max = 100000};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    uint16_t port = http_server_port(server, 0);
    struct buf body = {0};
    struct raw_response response;

    buf_zero(&body, 100000);
    raw_http_form(port, "/echo", buf_view(&body), &response);
    assert_int_equal(response.status, 200);
    assert_int_equal(response.body.len, 100000);
    raw_http_done(&response);
    buf_char(&body, 'x');
    raw_http_form(port, "/echo", buf_view(&body), &response);
    assert_int_equal(response.status, 413);
    assert_int_equal(stats_of(server).refused_body_size, 1);
    raw_http_done(&response);
    buf_done(&body);
}

/* A body without a length is refused when it passes the limit, and the client can read why. */
TEST(server_bounds_chunked_bodies)
{
    struct shared shared = {0};
    struct http_server_options options = {.body_bytes_max = 100000};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    int fd = raw_http_connect(http_server_port(server, 0));
    struct raw_response response;
    struct buf chunk = {0};

    buf_c(&chunk, "4000\r\n");
    buf_zero(&chunk, 0x4000);
    buf_c(&chunk, "\r\n");
    assert_true(raw_http_send(fd, STR("POST /echo HTTP/1.1\r\nHost: a\r\n"
                                      "Transfer-Encoding: chunked\r\n\r\n")));
    for (int i = 0; i < 50 && raw_http_send(fd, buf_view(&chunk)); i++) {
    }
    raw_http_read(fd, false, &response);
    assert_int_equal(response.status, 413);
    assert_str_equal(buf_view(&response.body), STR("the request body is too large\n"));
    assert_int_equal(stats_of(server).refused_body_size, 1);
    raw_http_done(&response);
    buf_done(&chunk);
    (void)close(fd);
}

/* Sends without end; the server must stop listening to it by itself. */
TEST(server_ends_endless_bodies)
{
    struct shared shared = {0};
    struct http_server_options options = {.body_bytes_max = 1000};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    int fd = raw_http_connect(http_server_port(server, 0));
    struct buf chunk = {0};
    int sent = 0;

    buf_c(&chunk, "10000\r\n");
    buf_zero(&chunk, 0x10000);
    buf_c(&chunk, "\r\n");
    assert_true(raw_http_send(fd, STR("POST /echo HTTP/1.1\r\nHost: a\r\n"
                                      "Transfer-Encoding: chunked\r\n\r\n")));
    while (sent < 16384 && raw_http_send(fd, buf_view(&chunk))) {
        sent++;
    }
    assert_true(sent < 16384); /* 1 GiB */
    buf_done(&chunk);
    (void)close(fd);
}

TEST(server_bounds_the_memory_of_all_bodies)
{
    struct shared shared = {0};
    struct http_server_options options = {.body_bytes_total_max = 150000};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    uint16_t port = http_server_port(server, 0);
    int waiting = raw_http_connect(port);
    struct raw_response response = {0};
    struct buf body = {0};

    buf_zero(&body, 100000);
    assert_true(raw_http_send(waiting, STR("POST /echo HTTP/1.1\r\nHost: a\r\n"
                                           "Content-Length: 100001\r\n\r\n")));
    assert_true(raw_http_send(waiting, buf_view(&body)));
    WAIT_UNTIL(atomic_load(&server->body_bytes) >= body.len);
    raw_http_form(port, "/echo", buf_view(&body), &response);
    assert_int_equal(response.status, 503);
    assert_int_equal(stats_of(server).refused_body_memory, 1);
    raw_http_done(&response);
    assert_true(raw_http_send(waiting, STR("x")));
    raw_http_read(waiting, false, &response);
    assert_int_equal(response.status, 200);
    raw_http_done(&response);
    raw_http_form(port, "/echo", buf_view(&body), &response);
    assert_int_equal(response.status, 200);
    raw_http_done(&response);
    buf_done(&body);
    (void)close(waiting);
}

TEST(server_turns_surplus_connections_away)
{
    enum { LIMIT = 4 };
    struct shared shared = {0};
    struct http_server_options options = {.connections_max = LIMIT,
                                          .connections_per_client_max = LIMIT};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    int fds[LIMIT];
    struct raw_response response;

    for (int i = 0; i < LIMIT; i++) {
        fds[i] = raw_http_connect(http_server_port(server, 0));
        assert_true(raw_http_send(fds[i], STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")));
        raw_http_read(fds[i], false, &response);
        assert_int_equal(response.status, 200);
        raw_http_done(&response);
    }
    raw_http_get(http_server_port(server, 0), "/hello", "", &response);
    assert_int_equal(response.status, 503);
    assert_str_equal(buf_view(&response.body), STR("too many connections\n"));
    assert_int_equal(stats_of(server).connections_refused, 1);
    raw_http_done(&response);
    (void)close(fds[0]);
    WAIT_UNTIL(stats_of(server).connections_open < LIMIT);
    raw_http_get(http_server_port(server, 0), "/hello", "", &response);
    assert_int_equal(response.status, 200);
    raw_http_done(&response);
    for (int i = 1; i < LIMIT; i++) {
        (void)close(fds[i]);
    }
}

TEST(server_bounds_the_connections_of_one_client)
{
    struct shared shared = {0};
    struct http_server_options options = {.connections_max = 8};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    int fds[7];
    struct raw_response response;

    for (size_t i = 0; i < ARRAY_COUNT(fds); i++) {
        fds[i] = raw_http_connect(http_server_port(server, 0));
    }
    raw_http_read(fds[6], false, &response); /* the seventh of at most six */
    assert_int_equal(response.status, 503);
    assert_int_equal(stats_of(server).connections_client_refused, 1);
    raw_http_done(&response);
    for (size_t i = 0; i < ARRAY_COUNT(fds); i++) {
        (void)close(fds[i]);
    }
}

/* ---- slow clients ---- */

/* One byte each 50 ms never lets an inactivity time-out come; only a deadline ends it. */
static bool trickle_until_closed(int fd, str text)
{
    enum { ROUNDS = 600 };

    for (int i = 0; i < ROUNDS; i++) {
        if (raw_http_is_closed(fd, 50) ||
            !raw_http_send(fd, str_slice(text, (size_t)i % text.len, (size_t)i % text.len + 1))) {
            return true;
        }
    }
    return false;
}

TEST(server_closes_slow_headers)
{
    struct shared shared = {0};
    struct http_server_options options = {.header_timeout = 300};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    int fd = raw_http_connect(http_server_port(server, 0));
    int silent = raw_http_connect(http_server_port(server, 0));

    assert_true(raw_http_send(fd, STR("GET /hello HTTP/1.1\r\nHost: a\r\nX: ")));
    assert_true(trickle_until_closed(fd, STR("abcdefgh")));
    assert_true(raw_http_is_closed(silent, RAW_HTTP_WAIT_MS));
    assert_int_equal(stats_of(server).closed_slow_header, 2);
    (void)close(fd);
    (void)close(silent);
}

TEST(server_closes_slow_bodies)
{
    struct shared shared = {0};
    struct http_server_options options = {.body_timeout = 300};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    int fd = raw_http_connect(http_server_port(server, 0));

    assert_true(
        raw_http_send(fd, STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n")));
    assert_true(trickle_until_closed(fd, STR("abcdefgh")));
    assert_int_equal(stats_of(server).closed_slow_body, 1);
    (void)close(fd);
}

TEST(server_closes_idle_connections_and_slow_second_requests)
{
    struct shared shared = {0};
    struct http_server_options options = {.idle_timeout = 400, .header_timeout = 300};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    int fd = raw_http_connect(http_server_port(server, 0));
    struct raw_response response;

    assert_true(raw_http_send(fd, STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")));
    raw_http_read(fd, false, &response);
    assert_int_equal(response.status, 200);
    raw_http_done(&response);
    assert_true(trickle_until_closed(fd, STR("GET /hello")));
    assert_int_equal(stats_of(server).closed_idle, 1);
    (void)close(fd);
}

TEST(server_closes_readers_that_do_not_read)
{
    struct shared shared = {0};
    /* 64 MiB add 1024 seconds: make the rest negative, so that the deadline is near. */
    struct http_server_options options = {.write_timeout = 500 - 1024 * DUR_SECOND};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    int fd = raw_http_connect(http_server_port(server, 0));

    assert_true(raw_http_send(fd, STR("GET /huge HTTP/1.1\r\nHost: a\r\n\r\n")));
    WAIT_UNTIL(stats_of(server).requests > 0 && stats_of(server).connections_open == 0);
    assert_int_equal(stats_of(server).closed_slow_reader, 1);
    (void)close(fd);
}

/* ---- the query pool ---- */

TEST(server_refuses_when_the_queue_is_full)
{
    struct shared shared = {.hold = true};
    struct http_server_options options = {.query_thread_count = 1, .query_queue_max = 1};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    uint16_t port = http_server_port(server, 0);
    int fds[2];
    struct raw_response response;

    for (int i = 0; i < 2; i++) {
        fds[i] = raw_http_connect(port);
        assert_true(raw_http_send(fds[i], STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")));
        WAIT_UNTIL(stats_of(server).queries_running == 1 &&
                   stats_of(server).queries_waiting == (uint64_t)i);
    }
    wait_for(&shared.held, 1);
    raw_http_get(port, "/hold", "", &response);
    assert_int_equal(response.status, 503);
    assert_str_equal(raw_http_header(&response, "Retry-After"), STR("1"));
    raw_http_done(&response);
    raw_http_get(port, "/hello", "", &response); /* short requests go on */
    assert_int_equal(response.status, 200);
    raw_http_done(&response);
    assert_int_equal(stats_of(server).refused_queue_full, 1);
    atomic_store(&shared.hold, false);
    for (int i = 0; i < 2; i++) {
        raw_http_read(fds[i], false, &response);
        assert_int_equal(response.status, 200);
        raw_http_done(&response);
        (void)close(fds[i]);
    }
}

TEST(server_runs_short_requests_where_they_arrive)
{
    struct shared shared = {0};
    struct http_server_options options = {.is_short = is_short, .query_thread_count = 1};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    static const char *const want[] = {"pooled\n", "brief\n", "brief\n"};

    for (size_t i = 0; i < ARRAY_COUNT(want); i++) {
        struct raw_response response;

        raw_http_get(http_server_port(server, 0), "/brief", "", &response);
        assert_int_equal(response.status, 200);
        assert_str_equal(buf_view(&response.body), str_from(want[i]));
        assert_str_equal(raw_http_header(&response, "X-Try"), STR("1"));
        raw_http_done(&response);
    }
    assert_int_equal(atomic_load(&shared.observed), 3);
}

TEST(server_cancels_when_the_client_leaves)
{
    struct shared shared = {.hold = true};
    struct http_server_options options = {0};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    int fd = raw_http_connect(http_server_port(server, 0));

    assert_true(raw_http_send(fd, STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")));
    wait_for(&shared.held, 1);
    (void)close(fd);
    wait_for(&shared.canceled, 1);
    assert_int_equal(stats_of(server).canceled_client_gone, 1);
}

TEST(server_stop_cancels_what_runs_and_answers_it)
{
    struct shared shared = {.hold = true};
    struct http_server_options options = {.stop_timeout = 100};
    struct http_server *server = serve(&shared, &options);
    int fd = raw_http_connect(http_server_port(server, 0));

    assert_true(raw_http_send(fd, STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")));
    wait_for(&shared.held, 1);
    server = http_server_free(server);
    assert_int_equal(atomic_load(&shared.canceled), 1);
    (void)close(fd);
}

TEST(server_stop_lets_requests_end)
{
    struct shared shared = {.hold = true};
    struct http_server_options options = {.stop_timeout = 5000};
    struct http_server *server = serve(&shared, &options);
    int fd = raw_http_connect(http_server_port(server, 0));
    struct raw_response response;

    assert_true(raw_http_send(fd, STR("GET /big HTTP/1.1\r\nHost: a\r\n\r\n")));
    raw_http_read(fd, false, &response);
    http_server_stop(server);
    assert_int_equal(response.status, 200);
    assert_true(response.body.len > 100000);
    assert_int_equal(atomic_load(&shared.canceled), 0);
    server = http_server_free(server);
    raw_http_done(&response);
    (void)close(fd);
}

/* Many connections and requests at once, some of them rude: nothing is lost and nothing leaks. */
TEST(server_survives_rude_clients)
{
    static const char *const rude[] = {
        "\r\n\r\n\r\n",
        "GET",
        "GET / HTTP/9.9\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"};
    struct shared shared = {0};
    struct http_server_options options = {0};
    CLEANUP(http_server_freep) struct http_server *server = serve(&shared, &options);
    struct raw_response response;

    for (int i = 0; i < 200; i++) {
        int fd = raw_http_connect(http_server_port(server, 0));

        (void)raw_http_send(fd, str_from(rude[(size_t)i % ARRAY_COUNT(rude)]));
        (void)close(fd);
    }
    raw_http_get(http_server_port(server, 0), "/hello", "", &response);
    assert_int_equal(response.status, 200);
    raw_http_done(&response);
    WAIT_UNTIL(stats_of(server).connections_open == 0 && stats_of(server).requests_open == 0);
}
