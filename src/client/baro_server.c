/*
 * The small HTTP server. One thread polls the listening sockets and at most connections_max
 * connections. A request is a head of at most HEAD_MAX bytes, GET or HEAD; its answer is put
 * together in memory and written as the peer takes it. Each connection has one deadline for its
 * request and answer, so that a slow peer holds a place for timeout_ms at most, and answers one
 * request a turn, so that a quick one leaves the others theirs.
 */
#include "client/baro_server_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LISTENERS_MAX = 16,
    CONNECTIONS_DEFAULT = 64,
    CONNECTIONS_TOP = 4096,
    TIMEOUT_DEFAULT_MS = 10000,
    LISTEN_BACKLOG = 128,
};

/* How long listeners rest when no descriptor is left for a connection. */
static const int64_t accept_rest_ns = 100 * 1000000;

struct baro_server {
    struct baro_server_site site;
    int wake[2]; /* a pipe: its writing end tells the thread to stop */
    int listeners[LISTENERS_MAX];
    size_t listener_count;
    uint16_t port;
    uint32_t connections_max;
    int64_t timeout_ns;
    struct baro_server_connection *connections; /* connections_max of them; fd < 0 = free */
    struct pollfd *polls;
    int64_t accept_ns; /* listeners rest until then */
    pthread_t thread;
    bool is_running;
    pid_t owner; /* the process that the thread is in: a child of fork has the rest alone */
};

/* ---- Listening ---------------------------------------------------------------------------------
 */

static int listen_one(struct baro_server *server, const struct addrinfo *address)
{
    int on = 1;
    int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    address->ai_protocol);

    if (fd < 0) {
        return -errno;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address->ai_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, LISTEN_BACKLOG) < 0) {
        int failed = -errno;

        (void)close(fd);
        return failed;
    }
    server->listeners[server->listener_count++] = fd;
    return 0;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        return 0;
    }
    return ntohs(address.ss_family == AF_INET6
                     ? ((struct sockaddr_in6 *)(void *)&address)->sin6_port
                     : ((struct sockaddr_in *)(void *)&address)->sin_port);
}

/* "localhost" may be in /etc/hosts for both kinds of addresses, and is found twice then. */
static bool is_repeated(const struct addrinfo *found, const struct addrinfo *address)
{
    for (const struct addrinfo *at = found; at != address; at = at->ai_next) {
        if (at->ai_addrlen == address->ai_addrlen &&
            memcmp(at->ai_addr, address->ai_addr, at->ai_addrlen) == 0) {
            return true;
        }
    }
    return false;
}

/* A name may have several addresses, of which one kind may be missing on this host: one that works
 * is enough. But one that is taken would leave some of the clients with another program. */
static int listen_host(struct baro_server *server, const char *host, const char *port,
                       struct baro_why *why)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    size_t before = server->listener_count;
    int failed = getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, &found);
    bool is_taken = false;

    if (failed != 0) {
        return baro_fail(why, BARO_BAD_ARGUMENT, "listen %s:%s: %s", host, port,
                         gai_strerror(failed));
    }
    for (struct addrinfo *at = found; at != NULL && server->listener_count < LISTENERS_MAX;
         at = at->ai_next) {
        int result = is_repeated(found, at) ? 0 : listen_one(server, at);

        failed = result < 0 && !is_taken ? result : failed;
        is_taken |= result == -EADDRINUSE;
    }
    freeaddrinfo(found);
    if (server->listener_count == before || is_taken) {
        return baro_fail(why, BARO_IO, "listen %s:%s: %s", host, port,
                         failed == -EADDRINUSE ? "the address is in use: choose another port"
                         : failed == -EACCES   ? "not allowed: choose a port above 1023"
                                               : "no such address here");
    }
    return BARO_OK;
}

/* "HOST:PORT", "[::1]:9400", ":9400" */
static int listen_entry(struct baro_server *server, char *entry, struct baro_why *why)
{
    char *colon = strrchr(entry, ':');
    char *host = entry;
    size_t size;

    if (colon == NULL || colon[1] == '\0') {
        return baro_fail(why, BARO_BAD_ARGUMENT, "listen %.100s: no port: write HOST:PORT", entry);
    }
    *colon = '\0';
    size = strlen(host);
    if (size >= 2 && host[0] == '[' && host[size - 1] == ']') {
        host[size - 1] = '\0';
        host++;
    }
    return listen_host(server, host, colon + 1, why);
}

static int listen_all(struct baro_server *server, const char *list, struct baro_why *why)
{
    char *copy = baro_text_copy(list);
    char *next = copy;
    int result = copy == NULL ? baro_fail(why, BARO_NO_MEMORY, "server: no memory") : BARO_OK;

    while (result == BARO_OK && next != NULL) {
        char *entry = next;

        next = strchr(entry, ',');
        if (next != NULL) {
            *next++ = '\0';
        }
        result = listen_entry(server, entry, why);
    }
    free(copy);
    if (result == BARO_OK) {
        server->port = port_of(server->listeners[0]);
    }
    return result;
}

/* ---- Connections --------------------------------------------------------------------------------
 */

static void connection_close(struct baro_server_connection *c)
{
    baro_tls_session_free(c->tls);
    c->tls = NULL;
    (void)close(c->fd);
    c->fd = -1;
    baro_out_done(&c->answer);
}

/* Without a place left the peer is told so, as far as its socket takes it at once. */
static void refuse(int fd)
{
    static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                               "Retry-After: 1\r\nConnection: close\r\n\r\n";

    (void)!send(fd, busy, sizeof(busy) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)close(fd);
}

static void connection_open(struct baro_server *server, int fd)
{
    int on = 1;

    for (uint32_t i = 0; i < server->connections_max; i++) {
        struct baro_server_connection *c = &server->connections[i];

        if (c->fd < 0) {
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            memset(c, 0, sizeof(*c));
            c->fd = fd;
            c->deadline_ns = baro_now_ns() + server->timeout_ns;
            if (server->site.tls != NULL &&
                (c->tls = baro_tls_session_new(server->site.tls, fd)) == NULL) {
                connection_close(c);
            }
            return;
        }
    }
    refuse(fd);
}

static ssize_t connection_read(struct baro_server_connection *c, char *at, size_t size)
{
    return c->tls != NULL ? baro_tls_read(c->tls, at, size)
                          : recv(c->fd, at, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t connection_write(struct baro_server_connection *c, const char *at, size_t size)
{
    return c->tls != NULL ? baro_tls_write(c->tls, at, size)
                          : send(c->fd, at, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Writes what the peer takes; an answer that is out makes place for the next request of the
 * connection. */
static void connection_send(struct baro_server *server, struct baro_server_connection *c)
{
    while (c->sent < c->answer.size) {
        ssize_t n = connection_write(c, c->answer.bytes + c->sent, c->answer.size - c->sent);

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (n <= 0) {
            connection_close(c);
            return;
        }
        c->sent += (size_t)n;
    }
    if (!c->keep_alive) {
        connection_close(c);
        return;
    }
    baro_out_done(&c->answer);
    c->sent = 0;
    c->is_answering = false;
    c->deadline_ns = baro_now_ns() + server->timeout_ns;
}

/* Answers the first request of the buffer; false when none is whole. */
static bool connection_serve(struct baro_server *server, struct baro_server_connection *c)
{
    size_t used = baro_server_answer(&server->site, c);

    if (used == 0) {
        return false;
    }
    memmove(c->head, c->head + used, c->head_size - used);
    c->head_size -= used;
    c->is_answering = true;
    c->sent = 0;
    if (c->answer.failed != 0) {
        connection_close(c);
    } else {
        connection_send(server, c);
    }
    return true;
}

/* One read, one answer at most. Until a read finds nothing more, the connection has its next turn
 * without an event: poll does not tell of requests in the buffer, nor of bytes that TLS holds. */
static void connection_turn(struct baro_server *server, struct baro_server_connection *c)
{
    ssize_t n;

    if (c->is_answering) {
        connection_send(server, c);
        return;
    }
    if (c->head_size > 0 && connection_serve(server, c)) {
        return;
    }
    n = connection_read(c, c->head + c->head_size, sizeof(c->head) - c->head_size);
    c->has_more = n > 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        connection_close(c);
        return;
    }
    c->head_size += (size_t)n;
    (void)connection_serve(server, c);
}

static bool connection_is_ready(const struct baro_server_connection *c)
{
    return c->has_more && !c->is_answering;
}

/* ---- The thread
 * ------------------------------------------------------------------------------------ */

/* Without descriptors or memory a listener stays readable: it is let alone for a while, or this
 * thread would spin. */
static void accept_all(struct baro_server *server, int listener)
{
    for (uint32_t i = 0; i < server->connections_max; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) {
            connection_open(server, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            server->accept_ns = baro_now_ns() + accept_rest_ns;
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

/* Fills polls and returns how many; each connection remembers its place. */
static nfds_t polls_fill(struct baro_server *server, int *ret_wait_ms)
{
    nfds_t count = 0;
    int64_t now = baro_now_ns();
    int64_t wait_ns = (int64_t)60 * 1000000000;
    bool rests = now < server->accept_ns;
    bool is_ready = false;

    server->polls[count++] = (struct pollfd){server->wake[0], POLLIN, 0};
    for (size_t i = 0; i < server->listener_count; i++) {
        server->polls[count++] = (struct pollfd){rests ? -1 : server->listeners[i], POLLIN, 0};
    }
    wait_ns = rests ? server->accept_ns - now : wait_ns;
    for (uint32_t i = 0; i < server->connections_max; i++) {
        struct baro_server_connection *c = &server->connections[i];

        if (c->fd >= 0 && c->deadline_ns <= now) {
            connection_close(c);
        }
        if (c->fd >= 0) {
            bool writes = c->is_answering || (c->tls != NULL && baro_tls_wants_write(c->tls));

            wait_ns = c->deadline_ns - now < wait_ns ? c->deadline_ns - now : wait_ns;
            is_ready |= connection_is_ready(c);
            c->poll = count;
            server->polls[count++] = (struct pollfd){c->fd, (short)(writes ? POLLOUT : POLLIN), 0};
        }
    }
    *ret_wait_ms = is_ready ? 0 : (int)(wait_ns / 1000000) + 1;
    return count;
}

static void *serve(void *context)
{
    struct baro_server *server = context;

    for (;;) {
        int wait_ms = 0;
        nfds_t count = polls_fill(server, &wait_ms);

        if (poll(server->polls, count, wait_ms) < 0) {
            continue;
        }
        if (server->polls[0].revents != 0) {
            return NULL;
        }
        for (uint32_t i = 0; i < server->connections_max; i++) {
            struct baro_server_connection *c = &server->connections[i];

            if (c->fd >= 0 && (server->polls[c->poll].revents != 0 || connection_is_ready(c))) {
                connection_turn(server, c);
            }
        }
        for (size_t i = 0; i < server->listener_count; i++) {
            if (server->polls[1 + i].revents != 0) {
                accept_all(server, server->listeners[i]);
            }
        }
    }
}

/* ---- Life cycle
 * --------------------------------------------------------------------------------------- */

static int thread_start(struct baro_server *server)
{
    sigset_t all;
    sigset_t before;
    int failed;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    server->owner = getpid();
    failed = pthread_create(&server->thread, NULL, serve, server);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    server->is_running = failed == 0;
    return failed == 0 ? BARO_OK : BARO_IO;
}

static int server_memory(struct baro_server *server, const struct baro_server_options *options)
{
    const char *endpoint = baro_metrics_endpoint();

    server->connections_max = options->connections_max == 0 ? CONNECTIONS_DEFAULT
                              : options->connections_max > CONNECTIONS_TOP
                                  ? CONNECTIONS_TOP
                                  : options->connections_max;
    server->timeout_ns =
        (int64_t)(options->timeout_ms == 0 ? TIMEOUT_DEFAULT_MS : options->timeout_ms) * 1000000;
    server->site.registry = baro_registry_of(options->registry);
    server->site.path = baro_text_copy(options->path != NULL ? options->path
                                       : endpoint != NULL    ? endpoint
                                                             : "/metrics");
    server->site.is_text_only = options->text_only;
    server->site.health_path =
        baro_text_copy(options->health_path != NULL ? options->health_path : "/health");
    server->connections = calloc(server->connections_max, sizeof(*server->connections));
    server->polls =
        calloc(1 + LISTENERS_MAX + (size_t)server->connections_max, sizeof(*server->polls));
    for (uint32_t i = 0; server->connections != NULL && i < server->connections_max; i++) {
        server->connections[i].fd = -1;
    }
    return server->site.registry == NULL || server->site.path == NULL ||
                   server->site.health_path == NULL || server->connections == NULL ||
                   server->polls == NULL
               ? BARO_NO_MEMORY
               : BARO_OK;
}

static int server_open(struct baro_server *server, const struct baro_server_options *options,
                       struct baro_why *why)
{
    int result;

    if (server_memory(server, options) < 0) {
        return baro_fail(why, BARO_NO_MEMORY, "server: no memory");
    }
    if (server->site.path[0] != '/' || server->site.health_path[0] != '/') {
        return baro_fail(why, BARO_BAD_ARGUMENT, "server: path %.100s: begins with no /",
                         server->site.path[0] != '/' ? server->site.path
                                                     : server->site.health_path);
    }
    if (options->web_config_file != NULL) {
        result = baro_web_config_read(options->web_config_file, &server->site.config, why);
        if (result == BARO_OK && server->site.config.cert_file != NULL) {
            server->site.tls = baro_tls_server_new(&server->site.config, why);
            result = server->site.tls == NULL ? BARO_IO : BARO_OK;
        }
        if (result < 0) {
            return result;
        }
    }
    result = listen_all(server, options->listen, why);
    if (result == BARO_OK && pipe2(server->wake, O_CLOEXEC) < 0) {
        result = baro_fail(why, BARO_IO, "server: no pipe: too many open files");
    }
    if (result == BARO_OK && thread_start(server) < 0) {
        result = baro_fail(why, BARO_IO, "server: no thread could be started");
    }
    return result;
}

struct baro_server *baro_server_start(const struct baro_server_options *options,
                                      struct baro_why *why)
{
    struct baro_server *server;

    baro_why_clear(why);
    if (options == NULL || options->listen == NULL || options->listen[0] == '\0') {
        baro_misuse();
        (void)baro_fail(why, BARO_BAD_ARGUMENT, "server: nothing to listen on");
        return NULL;
    }
    server = calloc(1, sizeof(*server));
    if (server == NULL) {
        (void)baro_fail(why, BARO_NO_MEMORY, "server: no memory");
        return NULL;
    }
    server->wake[0] = server->wake[1] = -1;
    if (baro_enabled() && server_open(server, options, why) < 0) {
        return baro_server_stop(server);
    }
    return server;
}

/* A child of fork has no such thread, shares the pipe with the parent's, and what that thread had
 * in hand at the fork may be in pieces: there, connections are but closed. */
static void thread_stop(struct baro_server *server)
{
    bool is_ours = server->owner == getpid();

    if (server->is_running && is_ours) {
        (void)!write(server->wake[1], "", 1);
        (void)pthread_join(server->thread, NULL);
    }
    for (uint32_t i = 0; server->connections != NULL && i < server->connections_max; i++) {
        if (server->connections[i].fd >= 0 && is_ours) {
            connection_close(&server->connections[i]);
        } else if (server->connections[i].fd >= 0) {
            (void)close(server->connections[i].fd);
        }
    }
}

struct baro_server *baro_server_stop(struct baro_server *server)
{
    if (server == NULL) {
        return NULL;
    }
    thread_stop(server);
    for (size_t i = 0; i < server->listener_count; i++) {
        (void)close(server->listeners[i]);
    }
    for (int i = 0; i < 2; i++) {
        if (server->wake[i] >= 0) {
            (void)close(server->wake[i]);
        }
    }
    baro_tls_server_free(server->site.tls);
    baro_web_config_done(&server->site.config);
    free(server->site.path);
    free(server->site.health_path);
    free(server->connections);
    free(server->polls);
    free(server);
    return NULL;
}

uint16_t baro_server_port(const struct baro_server *server)
{
    return server == NULL ? 0 : server->port;
}

struct baro_server *baro_serve(struct baro_registry *registry, const char *listen,
                               struct baro_why *why)
{
    struct baro_server_options options;

    memset(&options, 0, sizeof(options));
    options.registry = registry;
    options.listen = listen;
    return baro_server_start(&options, why);
}
