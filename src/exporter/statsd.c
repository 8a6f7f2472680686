#include "exporter/statsd.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/loop.h"

/* Datagrams that are read in a row before others have their turn. */
enum { BURST = 64, BACKLOG = 64, SWEEP_MS = 5000 };

/* A socket of datagrams. */
struct datagrams {
    struct loop_fd fd;
    struct statsd_server *server;
    enum statsd_source source;
};

struct connection {
    struct loop_fd fd;
    struct statsd_server *server;
    struct buf line; /* what has come of a line that is not whole */
    mono last;
};

struct statsd_server {
    struct statsd_store *store;
    struct loop *loop;
    struct datagrams udp, unixgram;
    struct loop_fd listener; /* fd -1 = none */
    struct loop_timer sweep;
    struct connection *connections[STATSD_CONNECTIONS_MAX];
    char *unix_path; /* ours to remove */
    pthread_t thread;
    bool has_thread;
    char scratch[STATSD_LINE_BYTES_MAX];
};

/* ---- receiving ---- */

static void datagrams_ready(struct loop_fd *fd, UNUSED unsigned events)
{
    struct datagrams *datagrams = CONTAINER_OF(fd, struct datagrams, fd);
    struct statsd_server *server = datagrams->server;

    for (int i = 0; i < BURST; i++) {
        ssize_t got = recv(fd->fd, server->scratch, sizeof(server->scratch), MSG_DONTWAIT);

        if (got < 0) {
            break;
        }
        statsd_store_lines(server->store, str_of(server->scratch, (size_t)got), datagrams->source,
                           true);
    }
}

static void connection_close(struct connection *connection)
{
    struct statsd_server *server = connection->server;

    for (size_t i = 0; i < STATSD_CONNECTIONS_MAX; i++) {
        if (server->connections[i] == connection) {
            server->connections[i] = NULL;
        }
    }
    (void)loop_fd_watch(server->loop, &connection->fd, 0);
    (void)close(connection->fd.fd);
    buf_done(&connection->line);
    mem_free(connection);
}

/* Whole lines go on; what is behind the last end waits for the rest of it. */
static void lines_take(struct connection *connection)
{
    str text = buf_view(&connection->line);
    size_t end = text.len;

    while (end > 0 && text.ptr[end - 1] != '\n') {
        end--;
    }
    if (end > 0) {
        statsd_store_lines(connection->server->store, str_slice(text, 0, end), STATSD_TCP, false);
        memmove(connection->line.ptr, connection->line.ptr + end, text.len - end);
        connection->line.len = text.len - end;
    }
}

static void connection_ready(struct loop_fd *fd, UNUSED unsigned events)
{
    struct connection *connection = CONTAINER_OF(fd, struct connection, fd);
    struct statsd_server *server = connection->server;
    ssize_t got = recv(fd->fd, server->scratch, sizeof(server->scratch), MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got > 0) {
        connection->last = loop_now(server->loop);
        buf_bytes(&connection->line, server->scratch, (size_t)got);
        lines_take(connection);
        if (connection->line.failed || connection->line.len >= STATSD_LINE_BYTES_MAX) {
            statsd_store_count(server->store, STATSD_TCP_LONG_LINES);
            connection_close(connection);
        }
        return;
    }
    if (got < 0) {
        statsd_store_count(server->store, STATSD_TCP_ERRORS);
    } else if (connection->line.len > 0) { /* a last line without its end */
        statsd_store_lines(server->store, buf_view(&connection->line), STATSD_TCP, false);
    }
    connection_close(connection);
}

static void listener_ready(struct loop_fd *fd, UNUSED unsigned events)
{
    struct statsd_server *server = CONTAINER_OF(fd, struct statsd_server, listener);
    int client = accept4(fd->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    size_t slot = 0;
    struct connection *connection;

    if (client < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        /* Without descriptors it stays readable: it rests until the sweep, or the loop would spin.
         */
        (void)loop_fd_watch(server->loop, &server->listener, 0);
    }
    if (client < 0) {
        return;
    }
    statsd_store_count(server->store, STATSD_TCP_CONNECTIONS);
    while (slot < STATSD_CONNECTIONS_MAX && server->connections[slot] != NULL) {
        slot++;
    }
    if (slot == STATSD_CONNECTIONS_MAX) {
        statsd_store_count(server->store, STATSD_TCP_ERRORS);
        (void)close(client);
        return;
    }
    connection = MEM_NEW(struct connection);
    connection->server = server;
    connection->last = loop_now(server->loop);
    connection->line.limit = 2 * STATSD_LINE_BYTES_MAX;
    connection->fd = (struct loop_fd){.ready = connection_ready, .fd = client};
    server->connections[slot] = connection;
    if (loop_fd_watch(server->loop, &connection->fd, LOOP_READ) < 0) {
        connection_close(connection);
    }
}

/* Clients that are silent for long are closed, and new ones may come. */
static void sweep(struct loop_timer *timer)
{
    struct statsd_server *server = CONTAINER_OF(timer, struct statsd_server, sweep);
    mono now = loop_now(server->loop);

    for (size_t i = 0; i < STATSD_CONNECTIONS_MAX; i++) {
        if (server->connections[i] != NULL &&
            now - server->connections[i]->last > (mono)STATSD_IDLE_MS * 1000000) {
            connection_close(server->connections[i]);
        }
    }
    if (server->listener.fd >= 0) {
        (void)loop_fd_watch(server->loop, &server->listener, LOOP_READ);
    }
    loop_timer_start(server->loop, timer, now + (mono)SWEEP_MS * 1000000);
}

/* ---- sockets ---- */

static int address_find(str text, int kind, struct addrinfo **ret, struct baro_error *err)
{
    struct addrinfo hints = {.ai_socktype = kind, .ai_flags = AI_PASSIVE};
    char host[256] = "";
    char port[16] = "";
    size_t colon = SIZE_MAX;
    str name;
    int r;

    for (size_t i = 0; i < text.len; i++) {
        colon = text.ptr[i] == ':' ? i : colon;
    }
    name = str_slice(text, 0, colon == SIZE_MAX ? 0 : colon);
    if (name.len > 2 && name.ptr[0] == '[' && name.ptr[name.len - 1] == ']') {
        name = str_slice(name, 1, name.len - 1);
    }
    if (colon == SIZE_MAX || name.len >= sizeof(host) || text.len - colon - 1 >= sizeof(port) ||
        text.len - colon - 1 == 0) {
        return error_set(err, BARO_EUSAGE, "%.*s: give HOST:PORT or :PORT", STR_ARG(text));
    }
    (void)snprintf(host, sizeof(host), "%.*s", STR_ARG(name));
    (void)snprintf(port, sizeof(port), "%.*s", STR_ARG(str_from_index(text, colon + 1)));
    r = getaddrinfo(name.len > 0 ? host : NULL, port, &hints, ret);
    return r == 0 ? 0 : error_set(err, BARO_EINVALID, "%.*s: %s", STR_ARG(text), gai_strerror(r));
}

static int socket_open(str address, int kind, int *ret, struct baro_error *err)
{
    struct addrinfo *found = NULL;
    int on = 1;
    int fd;
    int r = address_find(address, kind, &found, err);

    if (r < 0) {
        return r;
    }
    fd = socket(found->ai_family, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && kind == SOCK_STREAM) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    }
    if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) < 0 ||
        (kind == SOCK_STREAM && listen(fd, BACKLOG) < 0)) {
        r = error_system(err, errno, "listen on %.*s", STR_ARG(address));
        if (fd >= 0) {
            (void)close(fd);
        }
    } else {
        *ret = fd;
    }
    freeaddrinfo(found);
    return r;
}

static int unix_open(struct statsd_server *server, str path, struct baro_error *err)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (path.len >= sizeof(at.sun_path)) {
        (void)close(fd);
        return error_set(err, BARO_EUSAGE, "%.*s: a socket's path has at most %zu bytes",
                         STR_ARG(path), sizeof(at.sun_path) - 1);
    }
    memcpy(at.sun_path, path.ptr, path.len);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
        int r = error_system(err, errno, "listen on %.*s", STR_ARG(path));

        if (fd >= 0) {
            (void)close(fd);
        }
        return r;
    }
    server->unix_path = str_dup_c(path);
    server->unixgram.fd.fd = fd;
    return 0;
}

static int sockets_open(struct statsd_server *server, const struct statsd_options *options,
                        struct baro_error *err)
{
    int r = 0;

    server->udp = (struct datagrams){{datagrams_ready, -1, 0}, server, STATSD_UDP};
    server->unixgram = (struct datagrams){{datagrams_ready, -1, 0}, server, STATSD_UNIX};
    server->listener = (struct loop_fd){.ready = listener_ready, .fd = -1};
    if (options->udp.len > 0) {
        r = socket_open(options->udp, SOCK_DGRAM, &server->udp.fd.fd, err);
    }
    if (r >= 0 && options->tcp.len > 0) {
        r = socket_open(options->tcp, SOCK_STREAM, &server->listener.fd, err);
    }
    if (r >= 0 && options->unix_path.len > 0) {
        r = unix_open(server, options->unix_path, err);
    }
    return r;
}

static int sockets_watch(struct statsd_server *server)
{
    struct loop_fd *const fds[] = {&server->udp.fd, &server->unixgram.fd, &server->listener};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ARRAY_COUNT(fds); i++) {
        r = fds[i]->fd >= 0 ? loop_fd_watch(server->loop, fds[i], LOOP_READ) : 0;
    }
    loop_timer_start(server->loop, &server->sweep,
                     clock_mono(clock_real()) + (mono)SWEEP_MS * 1000000);
    return r;
}

static void *run(void *context)
{
    struct statsd_server *server = context;

    loop_run(server->loop);
    return NULL;
}

int statsd_server_start(const struct statsd_options *options, struct statsd_server **ret,
                        struct baro_error *err)
{
    struct statsd_server *server = MEM_NEW(struct statsd_server);
    int r = sockets_open(server, options, err);

    server->store = options->store;
    server->sweep.fire = sweep;
    r = r < 0 ? r : loop_new(clock_real(), NULL, NULL, &server->loop, err);
    r = r < 0 ? r : sockets_watch(server);
    if (r >= 0) {
        r = -pthread_create(&server->thread, NULL, run, server);
        server->has_thread = r == 0;
    }
    if (r < 0) {
        if (err != NULL && err->code == 0) {
            (void)error_system(err, -r, "statsd");
        }
        (void)statsd_server_stop(server);
        return r;
    }
    *ret = server;
    return 0;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage at;
    socklen_t size = sizeof(at);
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (fd < 0 || getsockname(fd, (struct sockaddr *)&at, &size) < 0) {
        return 0;
    }
    memcpy(&v4, &at, sizeof(v4));
    memcpy(&v6, &at, sizeof(v6));
    return at.ss_family == AF_INET6 ? ntohs(v6.sin6_port) : ntohs(v4.sin_port);
}

uint16_t statsd_server_udp_port(const struct statsd_server *server)
{
    return port_of(server->udp.fd.fd);
}

uint16_t statsd_server_tcp_port(const struct statsd_server *server)
{
    return port_of(server->listener.fd);
}

struct statsd_server *statsd_server_stop(struct statsd_server *server)
{
    if (server == NULL) {
        return NULL;
    }
    if (server->has_thread) {
        loop_stop(server->loop);
        (void)pthread_join(server->thread, NULL);
    }
    for (size_t i = 0; i < STATSD_CONNECTIONS_MAX; i++) {
        if (server->connections[i] != NULL) {
            connection_close(server->connections[i]);
        }
    }
    if (server->loop != NULL) {
        (void)loop_free(server->loop);
    }
    for (size_t i = 0; i < 3; i++) {
        int fd = i == 0 ? server->udp.fd.fd : i == 1 ? server->unixgram.fd.fd : server->listener.fd;

        if (fd >= 0) {
            (void)close(fd);
        }
    }
    if (server->unix_path != NULL) {
        (void)unlink(server->unix_path);
        mem_free(server->unix_path);
    }
    mem_free(server);
    return NULL;
}
