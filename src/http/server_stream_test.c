#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http/server_priv.h"
#include "testing/raw_http.h"
#include "testing/test.h"

/* ---- a source that says as many lines as it was told ---- */

enum { STREAMS_MAX = 32 };

struct channel {
    struct http_stream *stream; /* lock: stage.lock */
    bool is_open;               /* lock: stage.lock */
};

struct stage {
    struct lock lock;
    struct channel channels[STREAMS_MAX];
    _Atomic int opened;
    _Atomic int done;
    _Atomic int lines;    /* that each stream may say in all */
    _Atomic int flood;    /* whether there is no end to them */
    _Atomic int finished; /* the body ends behind its lines */
    int said[STREAMS_MAX];
};

struct place {
    struct stage *stage;
    int index;
};

static struct stage stage;
static struct place places[STREAMS_MAX];

static ptrdiff_t say(void *context, char *ret, size_t size)
{
    struct place *place = context;
    int *said = &place->stage->said[place->index];

    if (atomic_load(&place->stage->flood) != 0) {
        memset(ret, 'x', size);
        return (ptrdiff_t)size;
    }
    if (*said < atomic_load(&place->stage->lines)) {
        return snprintf(ret, size, "line %d\n", ++*said);
    }
    return atomic_load(&place->stage->finished) != 0 ? -1 : 0;
}

static void end(void *context)
{
    struct place *place = context;

    lock_acquire(&place->stage->lock);
    place->stage->channels[place->index].is_open = false;
    lock_release(&place->stage->lock);
    atomic_fetch_add(&place->stage->done, 1);
}

static void handle(void *context, struct http_request *request, struct http_response *response)
{
    int index = atomic_fetch_add(&stage.opened, 1) % STREAMS_MAX;
    struct http_stream_source source = {.read = say, .done = end, .context = &places[index]};

    (void)context;
    places[index] = (struct place){&stage, index};
    response->content_type = "text/plain";
    lock_acquire(&stage.lock);
    stage.said[index] = 0;
    stage.channels[index].stream = http_response_stream(request, &source);
    stage.channels[index].is_open = true;
    lock_release(&stage.lock);
}

static void wake_all(void)
{
    lock_acquire(&stage.lock);
    for (size_t i = 0; i < STREAMS_MAX; i++) {
        if (stage.channels[i].is_open) {
            http_stream_wake(stage.channels[i].stream);
        }
    }
    lock_release(&stage.lock);
}

static const struct http_route routes[] = {{HTTP_GET, "/stream", handle, false}};

static struct http_server *serve(dur write_timeout)
{
    static const char *const address[] = {"127.0.0.1:0"};
    struct http_server_options options = {.addresses = address,
                                          .address_count = 1,
                                          .routes = routes,
                                          .route_count = 1,
                                          .thread_count = 2,
                                          .query_thread_count = 1,
                                          .write_timeout = write_timeout,
                                          .stop_timeout = 20 * DUR_SECOND};
    struct http_server *server = NULL;
    struct baro_error err = {0};

    memset(&stage, 0, sizeof(stage));
    lock_init(&stage.lock, LOCK_EVENTS);
    assert_ok(http_server_start(&options, &server, &err), &err);
    return server;
}

static void close_stage(struct http_server *server)
{
    (void)http_server_free(server);
    assert_int_equal(atomic_load(&stage.opened), atomic_load(&stage.done));
    lock_done(&stage.lock);
}

static int ask(struct http_server *server, const char *method)
{
    int fd = raw_http_connect(http_server_port(server, 0));
    char text[64];

    (void)snprintf(text, sizeof(text), "%s /stream HTTP/1.1\r\nHost: h\r\n\r\n", method);
    assert_true(raw_http_send(fd, str_from(text)));
    return fd;
}

static void pause_ms(int ms)
{
    struct timespec pause = {.tv_nsec = ms * 1000000L};

    (void)nanosleep(&pause, NULL);
}

static void wait_for(_Atomic int *value, int wanted)
{
    for (int i = 0; i < 4000 && atomic_load(value) < wanted; i++) {
        pause_ms(5);
    }
    assert_true(atomic_load(value) >= wanted);
}

/* Reads until `wanted` stands in what came; drops it all. */
static void expect(int fd, const char *wanted)
{
    struct buf got = {0};
    bool found = false;

    for (int i = 0; i < 10000 && !found; i++) {
        struct pollfd poller = {.fd = fd, .events = POLLIN};
        char part[256];
        ssize_t n = poll(&poller, 1, RAW_HTTP_WAIT_MS) > 0 ? recv(fd, part, sizeof(part), 0) : 0;

        if (n <= 0) {
            break;
        }
        buf_str(&got, str_of(part, (size_t)n));
        found = str_index(buf_view(&got), str_from(wanted)) != SIZE_MAX;
    }
    if (!found) {
        assert_str_equal(buf_view(&got), str_from(wanted));
    }
    buf_done(&got);
}

TEST(server_stream_says_more_when_it_is_woken_and_ends)
{
    struct http_server *server = serve(0);
    int fd = ask(server, "GET");

    atomic_store(&stage.lines, 1);
    wake_all();
    wait_for(&stage.opened, 1);
    wake_all();
    expect(fd, "line 1\n");
    atomic_store(&stage.lines, 3);
    wake_all();
    expect(fd, "line 3\n");
    atomic_store(&stage.finished, 1);
    wake_all();
    expect(fd, "0\r\n\r\n");
    wait_for(&stage.done, 1);
    (void)close(fd);
    close_stage(server);
}

TEST(server_stream_ends_when_its_client_leaves_while_it_rests)
{
    struct http_server *server = serve(0);
    int fd;

    atomic_store(&stage.lines, 1);
    fd = ask(server, "GET");
    expect(fd, "line 1\n");
    (void)close(fd);
    wait_for(&stage.done, 1);
    close_stage(server);
}

TEST(server_stream_has_no_body_for_head)
{
    struct http_server *server = serve(0);
    int fd = ask(server, "HEAD");

    expect(fd, "\r\n\r\n");
    wait_for(&stage.done, 1);
    (void)close(fd);
    close_stage(server);
}

TEST(server_stream_that_nobody_reads_is_cut)
{
    struct http_server *server = serve(300);
    struct http_server_stats stats = {0};
    int fd;

    atomic_store(&stage.flood, 1);
    fd = ask(server, "GET");
    wait_for(&stage.done, 1);
    http_server_stats(server, &stats);
    assert_int_equal(stats.closed_slow_reader, 1);
    (void)close(fd);
    close_stage(server);
}

TEST(server_stop_ends_streams_that_rest_and_those_that_are_stuck)
{
    struct http_server *server = serve(60 * DUR_SECOND);
    int resting;
    int stuck;
    mono begin;

    atomic_store(&stage.lines, 1);
    resting = ask(server, "GET");
    expect(resting, "line 1\n");
    atomic_store(&stage.flood, 1);
    stuck = ask(server, "GET");
    wait_for(&stage.opened, 2);
    expect(stuck, "xxxx");
    pause_ms(200); /* its buffers fill; whether they are full changes nothing below */
    begin = server_now();
    http_server_stop(server);
    assert_true(server_now() - begin < 15 * MONO_PER_SECOND);
    assert_int_equal(atomic_load(&stage.done), 2);
    (void)close(resting);
    (void)close(stuck);
    close_stage(server);
}

static void *keep_waking(void *context)
{
    const _Atomic int *stop = context;

    for (int i = 0; i < 2000 && atomic_load(stop) == 0; i++) {
        atomic_fetch_add(&stage.lines, 1);
        wake_all();
        pause_ms(1);
    }
    return NULL;
}

TEST(server_streams_come_and_go_while_they_are_woken)
{
    struct http_server *server = serve(0);
    _Atomic int stop = 0;
    pthread_t waker;
    int fds[STREAMS_MAX];

    assert_int_equal(pthread_create(&waker, NULL, keep_waking, &stop), 0);
    for (size_t i = 0; i < STREAMS_MAX; i++) {
        fds[i] = ask(server, "GET");
        if (i % 3 == 2) {
            (void)close(fds[i - 1]);
            fds[i - 1] = -1;
        }
    }
    for (size_t i = 0; i < STREAMS_MAX; i++) {
        if (fds[i] >= 0) {
            expect(fds[i], "line 5\n");
        }
    }
    http_server_stop(server);
    atomic_store(&stop, 1);
    (void)pthread_join(waker, NULL);
    for (size_t i = 0; i < STREAMS_MAX; i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
    close_stage(server);
}
