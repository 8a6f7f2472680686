#include "http/client_plain.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "conf/prom_config.h"
#include "http/client.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "testing/fake_server.h"
#include "testing/test.h"

TEST(client_plain_takes_only_what_it_can_ask_for)
{
    static const struct {
        const char *url;
        const char *host; /* NULL = not here */
        const char *target;
        uint16_t port;
    } cases[] = {
        {"http://127.0.0.1:9100/metrics?a=b/../c", "127.0.0.1:9100", "/metrics?a=b/../c", 9100},
        {"http://127.0.0.1", "127.0.0.1", "/", 80},
        {"http://127.0.0.1:80/", "127.0.0.1", "/", 80},
        {"http://[::1]:9100/m", "[::1]:9100", "/m", 9100},
        {"http://[fe80::1]/m", "[fe80::1]", "/m", 80},
        {"https://127.0.0.1/", NULL, NULL, 0},
        {"http://localhost/", NULL, NULL, 0},
        {"http://a:b@127.0.0.1/", NULL, NULL, 0},
        {"http://127.1/", NULL, NULL, 0},
        {"http://127.0.0.01/", NULL, NULL, 0},
        {"http://::1/", NULL, NULL, 0},
        {"http://[::1/", NULL, NULL, 0},
        {"http://[fe80::1%25eth0]/", NULL, NULL, 0},
        {"http://127.0.0.1:/", NULL, NULL, 0},
        {"http://127.0.0.1:0/", NULL, NULL, 0},
        {"http://127.0.0.1:65536/", NULL, NULL, 0},
        {"http://127.0.0.1:9x/", NULL, NULL, 0},
        {"http:///m", NULL, NULL, 0},
        {"http://127.0.0.1?a", NULL, NULL, 0},
        {"http://127.0.0.1/a#b", NULL, NULL, 0},
        {"http://127.0.0.1/a/../b", NULL, NULL, 0},
        {"http://127.0.0.1/a b", NULL, NULL, 0},
        {"http://127.0.0.1/a\r\nX: y", NULL, NULL, 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct plain_url url = {0};

        test_row(cases[i].url);
        assert_int_equal(plain_url_parse(cases[i].url, &url), cases[i].host != NULL);
        if (cases[i].host != NULL) {
            assert_true(str_is(url.host, cases[i].host));
            assert_true(str_is(url.target, cases[i].target));
            assert_int_equal(url.port, cases[i].port);
        }
    }
    test_row(NULL);
}

#define GOOD "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"

/* What the server does is told by the path; the connection's end by what is returned. */
static bool answer(int fd, const char *head, void *context)
{
    static const char chunks[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "1\r\ng\r\n3\r\nood\r\n0\r\n\r\n";
    atomic_int *seen = context;
    const int count = atomic_fetch_add(seen, 1);

    if (strncmp(head, "GET /drip", 9) == 0) {
        for (size_t i = 0; i < sizeof(chunks) - 1; i++) {
            (void)fake_send(fd, chunks + i, 1);
            (void)usleep(500);
        }
        return true;
    }
    if (strncmp(head, "GET /behind", 11) == 0) {
        return fake_send(fd, GOOD "HTTP/1.1 200 OK\r\n", sizeof(GOOD) - 1 + 17);
    }
    if (strncmp(head, "GET /once", 9) == 0 && count > 0) {
        /* The second request on this connection finds it closed. */
        atomic_store(seen, 0);
        return false;
    }
    if (strncmp(head, "GET /silent", 11) == 0) {
        return true;
    }
    if (strncmp(head, "GET /part", 9) == 0) {
        return fake_send(fd, GOOD, sizeof(GOOD) - 3);
    }
    if (strncmp(head, "GET /end", 8) == 0) {
        return false;
    }
    if (strncmp(head, "GET /moved", 10) == 0) {
        return fake_send(fd, "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 55);
    }
    return fake_send(fd, GOOD, sizeof(GOOD) - 1);
}

struct bench {
    atomic_int seen;
    struct fake_server *server;
    struct loop *loop;
    struct http_engine *engine;
    struct http_client *client;
    struct prom_http settings;
    struct http_call request;
    char url[64];
    char body[64];
    int done;
};

static void bench_done(struct http_call *request)
{
    struct bench *bench = CONTAINER_OF(request, struct bench, request);

    bench->done++;
    (void)snprintf(bench->body, sizeof(bench->body), "%.*s", STR_ARG(request->body));
}

static void bench_init(struct bench *bench)
{
    const struct http_engine_options options = {.multi_count = 1, .connections_max = 8};

    *bench = (struct bench){.settings = {.follow_redirects = true}};
    bench->server = fake_server_new(answer, &bench->seen);
    assert_ok(loop_new(clock_real(), NULL, NULL, &bench->loop, NULL), NULL);
    assert_ok(http_engine_new(bench->loop, &options, &bench->engine, NULL), NULL);
    assert_ok(http_client_new(bench->engine, &bench->settings, &bench->client, NULL), NULL);
}

static void bench_end(struct bench *bench)
{
    (void)http_client_free(bench->client);
    (void)http_engine_free(bench->engine);
    (void)loop_free(bench->loop);
    (void)fake_server_free(bench->server);
}

static void bench_start(struct bench *bench, uint16_t port, const char *path, dur timeout)
{
    (void)snprintf(bench->url, sizeof(bench->url), "http://127.0.0.1:%d%s", port, path);
    bench->done = 0;
    bench->request = (struct http_call){.url = bench->url, .timeout = timeout, .done = bench_done};
    http_call_start(bench->client, &bench->request);
    assert_int_equal(bench->done, 0);
    assert_true(http_call_is_running(&bench->request));
}

static int bench_get(struct bench *bench, const char *path, dur timeout)
{
    bench_start(bench, fake_server_port(bench->server), path, timeout);
    assert_non_null(bench->request.exchange);
    for (int turn = 0; turn < 2000 && bench->done == 0; turn++) {
        loop_turn(bench->loop, 100);
    }
    assert_int_equal(bench->done, 1);
    assert_false(http_call_is_running(&bench->request));
    return bench->request.result;
}

TEST(client_plain_uses_connections_again)
{
    static const struct {
        const char *path;
        int want;
        unsigned connections; /* so far */
        const char *text;     /* the body, or what the error says */
    } steps[] = {
        {"/a", 0, 1, "good"},
        {"/a", 0, 1, "good"},
        {"/drip", 0, 1, "good"},
        {"/behind", 0, 1, "good"},
        {"/a", 0, 2, "good"},
        {"/moved", 0, 3, "good"}, /* over libcurl from there on */
        {"/a", 0, 3, "good"},
        {"/silent", BARO_ETIMEOUT, 3, "context deadline exceeded"},
        {"/part", BARO_ETIMEOUT, 4, "context deadline exceeded"},
        {"/end", BARO_ENETWORK, 5, "Empty reply from server"},
        {"/a", 0, 6, "good"},
        {"/end", BARO_ENETWORK, 7, "Empty reply from server"},
    };
    struct bench bench;

    bench_init(&bench);
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        test_row(steps[i].path);
        assert_int_equal(
            bench_get(&bench, steps[i].path, steps[i].want == BARO_ETIMEOUT ? 50 : 5000),
            steps[i].want);
        if (steps[i].want == 0) {
            assert_string_equal(bench.body, steps[i].text);
        } else {
            assert_true(str_contains(str_from(bench.request.err.message), str_from(steps[i].text)));
        }
        /* On a busy machine a request may run out of time before the server's thread looks. */
        for (int ms = 0; ms < 5000 && fake_server_connections(bench.server) < steps[i].connections;
             ms++) {
            (void)usleep(1000);
        }
        assert_int_equal(fake_server_connections(bench.server), steps[i].connections);
    }
    test_row(NULL);
    bench_end(&bench);
}

TEST(client_plain_asks_again_when_a_kept_connection_is_dead)
{
    struct bench bench;

    bench_init(&bench);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(bench_get(&bench, "/once", 5000), 0);
        assert_string_equal(bench.body, "good");
        assert_int_equal(fake_server_connections(bench.server), 1 + i);
    }
    bench_end(&bench);
}

TEST(client_plain_says_that_nobody_listens)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    struct bench bench;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    /* Bound but not listening: the port refuses. */
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    bench_init(&bench);
    bench_start(&bench, ntohs(address.sin_port), "/", 5000);
    for (int turn = 0; turn < 100 && bench.done == 0; turn++) {
        loop_turn(bench.loop, 100);
    }
    assert_int_equal(bench.request.result, BARO_ENETWORK);
    assert_true(str_contains(str_from(bench.request.err.message),
                             STR("Failed to connect to 127.0.0.1 port ")));
    bench_end(&bench);
    (void)close(fd);
}

TEST(client_plain_cancels_in_every_phase)
{
    static const char *const paths[] = {"/silent", "/part", "/drip", "/a"};
    struct bench bench;

    bench_init(&bench);
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        for (int turns = 0; turns < 6; turns++) {
            bench_start(&bench, fake_server_port(bench.server), paths[i], 5000);
            for (int turn = 0; turn < turns; turn++) {
                loop_turn(bench.loop, 2);
            }
            http_call_cancel(&bench.request);
            assert_false(http_call_is_running(&bench.request));
            http_call_cancel(&bench.request);
        }
        assert_int_equal(bench_get(&bench, "/a", 5000), 0);
    }
    /* What still runs when the engine goes is dropped, its freed client too. */
    bench_start(&bench, fake_server_port(bench.server), "/silent", 5000);
    bench.client = http_client_free(bench.client);
    loop_turn(bench.loop, 2);
    bench_end(&bench);
    assert_int_equal(bench.done, 0);
}

TEST(client_plain_outlives_its_client)
{
    static const struct {
        const char *path;
        int want;
    } cases[] = {{"/a", 0}, {"/moved", BARO_ECANCELED}};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct bench bench;

        bench_init(&bench);
        bench_start(&bench, fake_server_port(bench.server), cases[i].path, 5000);
        bench.client = http_client_free(bench.client);
        for (int turn = 0; turn < 100 && bench.done == 0; turn++) {
            loop_turn(bench.loop, 100);
        }
        assert_int_equal(bench.done, 1);
        assert_int_equal(bench.request.result, cases[i].want);
        bench_end(&bench);
    }
}
