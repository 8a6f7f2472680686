#include "api/body_pipe.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "testing/raw_http.h"
#include "testing/test.h"

enum { PART_BYTES = 1 << 14, WAITING_BYTES = 4 * PART_BYTES, FLOOD = 1 << 20, WAIT_S = 60 };

/* One response, made by a thread: `parts` parts, then the end, or a break. */
struct stage {
    struct body_pipe *pipe;
    pthread_t thread;
    _Atomic bool has_thread;
    int parts;
    bool is_whole;
    dur write_timeout;  /* of the pipe; the server's is far longer */
    _Atomic int result; /* of the maker; 1 = it is at it */
};

static void *make(void *context)
{
    static const char part[PART_BYTES] = "part";
    struct stage *stage = context;
    struct baro_error err = {0};
    int r = 0;

    for (int i = 1; r >= 0 && i < stage->parts; i++) {
        r = body_pipe_put(stage->pipe, str_of(part, sizeof(part)), &err);
    }
    body_pipe_end(stage->pipe, r >= 0 && stage->is_whole);
    atomic_store(&stage->result, r);
    return NULL;
}

static void handle(void *context, struct http_request *request, struct http_response *response)
{
    static const char first[PART_BYTES] = "first";
    struct stage *stage = context;
    const struct body_pipe_options options = {WAITING_BYTES, stage->write_timeout};
    struct baro_error err = {0};

    stage->pipe = body_pipe_new(&options);
    assert_ok(body_pipe_put(stage->pipe, str_of(first, sizeof(first)), &err), &err);
    assert_true(request->write_timeout > 0);
    response->content_type = "text/plain";
    body_pipe_attach(stage->pipe, request);
    assert_int_equal(pthread_create(&stage->thread, NULL, make, stage), 0);
    atomic_store(&stage->has_thread, true);
}

static const struct http_route routes[] = {{HTTP_GET, "/", handle, false}};

static struct http_server *serve(struct stage *stage)
{
    static const char *const address[] = {"127.0.0.1:0"};
    const struct http_server_options options = {.addresses = address,
                                                .address_count = 1,
                                                .routes = routes,
                                                .route_count = 1,
                                                .context = stage,
                                                .thread_count = 1,
                                                .query_thread_count = 1};
    struct http_server *server = NULL;
    struct baro_error err = {0};

    atomic_init(&stage->result, 1);
    assert_ok(http_server_start(&options, &server, &err), &err);
    return server;
}

static void join(struct stage *stage)
{
    enum { STEP_US = 5000, STEPS = WAIT_S * (1000000 / STEP_US) };

    for (int i = 0; i < STEPS && !atomic_load(&stage->has_thread); i++) {
        (void)usleep(STEP_US);
    }
    assert_true(atomic_load(&stage->has_thread));
    assert_int_equal(pthread_join(stage->thread, NULL), 0);
}

static int ask(struct http_server *server)
{
    int fd = raw_http_connect(http_server_port(server, 0));

    assert_true(raw_http_send(fd, STR("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")));
    return fd;
}

/* Reads to the end; returns how much came, and whether the last chunk did. */
static size_t read_all(int fd, bool *ret_is_whole)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    char bytes[4096];
    char tail[6] = "";
    size_t sum = 0;

    while (poll(&poller, 1, WAIT_S * 1000) > 0) {
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

        if (n <= 0) {
            break;
        }
        sum += (size_t)n;
        if ((size_t)n >= sizeof(tail) - 1) {
            memcpy(tail, bytes + n - (sizeof(tail) - 1), sizeof(tail) - 1);
        }
    }
    *ret_is_whole = strcmp(tail, "0\r\n\r\n") == 0;
    return sum;
}

TEST(body_pipe_brings_all_and_tells_half_from_whole)
{
    static const struct {
        const char *name;
        int parts;
        bool is_whole;
    } cases[] = {{"one part", 1, true}, {"many parts", 100, true}, {"broken off", 3, false}};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct stage stage = {
            .parts = cases[i].parts, .is_whole = cases[i].is_whole, .write_timeout = DUR_MINUTE};
        struct http_server *server = serve(&stage);
        bool is_whole = false;
        int fd = ask(server);
        size_t bytes = read_all(fd, &is_whole);

        test_row(cases[i].name);
        assert_int_equal(is_whole, cases[i].is_whole);
        assert_true(!is_whole || bytes > (size_t)cases[i].parts * PART_BYTES);
        join(&stage);
        (void)close(fd);
        (void)http_server_free(server);
    }
    test_row(NULL);
}

TEST(body_pipe_ends_when_its_client_leaves)
{
    struct stage stage = {.parts = FLOOD, .is_whole = true, .write_timeout = DUR_MINUTE};
    struct http_server *server = serve(&stage);
    int fd = ask(server);
    char first;

    assert_int_equal(recv(fd, &first, 1, 0), 1);
    (void)close(fd);
    join(&stage);
    assert_int_equal(atomic_load(&stage.result), BARO_ECANCELED);
    (void)http_server_free(server);
}

/* It takes something again and again, which no time-out of a single write notices. */
TEST(body_pipe_gives_up_a_client_that_takes_little)
{
    enum { PAUSE_US = 20000, TURNS = WAIT_S * (1000000 / PAUSE_US), ROOM = 4096 };
    struct stage stage = {.parts = FLOOD, .is_whole = true, .write_timeout = 300};
    struct http_server *server = serve(&stage);
    const int room = ROOM;
    char bytes[64];
    int fd = ask(server);

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
    for (int i = 0; i < TURNS && atomic_load(&stage.result) == 1; i++) {
        assert_true(recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) != 0);
        (void)usleep(PAUSE_US);
    }
    assert_int_equal(atomic_load(&stage.result), BARO_ETIMEOUT);
    join(&stage);
    (void)close(fd);
    (void)http_server_free(server);
}
