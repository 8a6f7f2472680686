#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "http/server_priv.h"

enum {
    SWEEP_MS = 100,             /* how late a deadline may be noticed */
    ACCEPTS_PER_TURN_MAX = 256, /* so that a flood of connections cannot starve the sweep */
};

static void client_text(const struct sockaddr_storage *address, char ret[INET6_ADDRSTRLEN])
{
    const void *bytes = address->ss_family == AF_INET6
                            ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)address)->sin_addr;

    if (inet_ntop(address->ss_family, bytes, ret, INET6_ADDRSTRLEN) == NULL) {
        ret[0] = '\0';
    }
}

static uint32_t client_connections(struct http_server *server, const char *client,
                                   uint32_t *ret_total)
{
    uint32_t count = 0;

    *ret_total = 0;
    lock_acquire(&server->lock);
    for (struct server_connection *other = server->connections; other != NULL;
         other = other->next) {
        count += strcmp(other->client, client) == 0 ? 1 : 0;
        (*ret_total)++;
    }
    lock_release(&server->lock);
    return count;
}

/* Says no on a fresh connection without ever waiting for it; in TLS that would take a handshake. */
static void turn_away(int fd, bool has_tls)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                 "Content-Type: text/plain; charset=utf-8\r\n"
                                 "Content-Length: 21\r\nRetry-After: 1\r\n"
                                 "Connection: close\r\n\r\ntoo many connections\n";
    char rest[4096];

    if (!has_tls) {
        (void)send(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    (void)shutdown(fd, SHUT_WR);
    /* Unread bytes would turn the close into a reset, which may overtake the answer. */
    (void)recv(fd, rest, sizeof(rest), MSG_DONTWAIT);
    (void)close(fd);
}

static void connection_remove_locked(struct http_server *server,
                                     struct server_connection *connection)
{
    lock_assert_held(&server->lock);
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        server->connections = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    server->by_fd[connection->fd] = NULL;
}

void server_connection_free(struct http_server *server, struct server_connection *connection)
{
    lock_acquire(&server->lock);
    connection_remove_locked(server, connection);
    lock_release(&server->lock);
    SERVER_COUNT(server, connections_open, -1);
    (void)server_web_unref(connection->web);
    (void)mem_free(connection);
}

/* Of a connection that libmicrohttpd closed without a word. */
static void forget(struct http_server *server, int fd)
{
    struct server_connection *connection = NULL;

    lock_acquire(&server->lock);
    if ((size_t)fd < server->by_fd_count) {
        connection = server->by_fd[fd];
    }
    lock_release(&server->lock);
    if (connection != NULL) {
        server_connection_free(server, connection);
    }
}

static void connection_add(struct http_server *server, struct server_connection *connection)
{
    size_t fd = (size_t)connection->fd;

    forget(server, connection->fd);
    lock_acquire(&server->lock);
    if (fd >= server->by_fd_count) {
        size_t count = fd * 2 + 64;

        server->by_fd = mem_realloc(server->by_fd, count * sizeof(struct server_connection *));
        memset(server->by_fd + server->by_fd_count, 0,
               (count - server->by_fd_count) * sizeof(struct server_connection *));
        server->by_fd_count = count;
    }
    ASSERT(server->by_fd[fd] == NULL);
    server->by_fd[fd] = connection;
    connection->next = server->connections;
    if (connection->next != NULL) {
        connection->next->previous = connection;
    }
    server->connections = connection;
    lock_release(&server->lock);
    SERVER_COUNT(server, connections_open, 1);
}

static void welcome(struct http_server *server, int fd, const struct sockaddr_storage *address,
                    socklen_t address_bytes)
{
    struct server_connection *connection = MEM_NEW(struct server_connection);
    uint32_t total = 0;
    uint32_t count;

    connection->fd = fd;
    client_text(address, connection->client);
    count = client_connections(server, connection->client, &total);
    if (total >= server->options.connections_max ||
        count >= server->options.connections_per_client_max) {
        if (total >= server->options.connections_max) {
            SERVER_COUNT(server, connections_refused, 1);
        } else {
            SERVER_COUNT(server, connections_client_refused, 1);
        }
        turn_away(fd, server->has_tls);
        (void)mem_free(connection);
        return;
    }
    server_set_phase(connection, PHASE_HEADER,
                     server_now() + server->options.header_timeout * MONO_PER_MS);
    connection_add(server, connection);
    SERVER_COUNT(server, connections_accepted, 1);
    if (!server_admit(server, fd, address, address_bytes)) {
        SERVER_COUNT(server, accept_failed, 1);
        forget(server, fd);
    }
}

static void accept_all(struct http_server *server, int listener)
{
    for (int i = 0; i < ACCEPTS_PER_TURN_MAX; i++) {
        struct sockaddr_storage address = {0};
        socklen_t size = sizeof(address);
        int fd =
            accept4(listener, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            welcome(server, fd, &address, size);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            struct timespec pause = {.tv_nsec = 10 * MONO_PER_MS};

            SERVER_COUNT(server, accept_failed, 1);
            (void)nanosleep(&pause, NULL); /* the listener stays readable: do not spin */
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

static void count_overdue(struct http_server *server, enum server_phase phase)
{
    switch (phase) {
    case PHASE_HEADER:
        SERVER_COUNT(server, closed_slow_header, 1);
        break;
    case PHASE_BODY:
        SERVER_COUNT(server, closed_slow_body, 1);
        break;
    case PHASE_WRITING:
        SERVER_COUNT(server, closed_slow_reader, 1);
        break;
    case PHASE_IDLE:
    case PHASE_RUNNING:
        SERVER_COUNT(server, closed_idle, 1);
        break;
    }
}

/* Shutting the socket makes libmicrohttpd see its end and close it; the lock keeps it open here. */
static void close_overdue_locked(struct http_server *server, struct server_connection *connection,
                                 mono now)
{
    mono deadline = atomic_load_explicit(&connection->deadline, memory_order_relaxed);

    if (deadline != 0 && now >= deadline && !connection->is_shut) {
        connection->is_shut = true;
        count_overdue(server, atomic_load_explicit(&connection->phase, memory_order_relaxed));
        (void)shutdown(connection->fd, SHUT_RDWR);
    }
}

/*
 * A client that left is told by the kernel alone where libmicrohttpd does not look: a suspended
 * connection is not watched, and one that it answered with an error of its own may be forgotten
 * until the next event. Idle connections are left out: they are many, and watched.
 */
static void look_for_gone_locked(struct http_server *server, struct server_connection *connection)
{
    struct pollfd poller = {.fd = connection->fd, .events = POLLRDHUP};
    struct server_exchange *exchange = connection->exchange;

    if (connection->is_shut ||
        atomic_load_explicit(&connection->phase, memory_order_relaxed) == PHASE_IDLE ||
        poll(&poller, 1, 0) <= 0) {
        return;
    }
    if (exchange == NULL ||
        atomic_load_explicit(&exchange->state, memory_order_relaxed) == STATE_NEW) {
        connection->is_shut = true;
        (void)shutdown(connection->fd, SHUT_RDWR);
    } else if (atomic_load_explicit(&exchange->state, memory_order_relaxed) == STATE_RUNNING &&
               !atomic_exchange_explicit(&exchange->cancel, true, memory_order_relaxed)) {
        SERVER_COUNT(server, canceled_client_gone, 1);
    } else if (atomic_load_explicit(&exchange->state, memory_order_acquire) == STATE_STREAMING &&
               !atomic_exchange_explicit(&exchange->cancel, true, memory_order_relaxed)) {
        http_stream_wake(&exchange->stream);
    }
}

/* False when no connection is open: only this thread adds one. */
static bool has_connections(struct http_server *server)
{
    bool has = false;

    lock_acquire(&server->lock);
    has = server->connections != NULL;
    lock_release(&server->lock);
    return has;
}

static void sweep(struct http_server *server)
{
    mono now = server_now();

    lock_acquire(&server->lock);
    for (struct server_connection *connection = server->connections; connection != NULL;
         connection = connection->next) {
        close_overdue_locked(server, connection, now);
        look_for_gone_locked(server, connection);
    }
    lock_release(&server->lock);
}

/* ---- the web configuration ---- */

enum { WEB_LOOK_MS = 1000 };

struct server_web *server_web_current(struct http_server *server)
{
    struct server_web *web = NULL;

    lock_acquire(&server->lock);
    if (server->web != NULL) {
        web = server_web_ref(server->web);
    }
    lock_release(&server->lock);
    return web;
}

/* Takes the files over when they have changed and are good; else what is in force stays. Listeners
 * cannot change between TLS and plain text, as in Prometheus. */
static void follow_web(struct http_server *server)
{
    mono now = server_now();
    struct server_web *web = server->web; /* written by this thread alone */
    struct server_web *loaded = NULL;
    struct faults *faults;

    if (web == NULL || now < server->web_looked + WEB_LOOK_MS * MONO_PER_MS) {
        return;
    }
    server->web_looked = now;
    if (!server_web_has_changed(web)) {
        return;
    }
    faults = MEM_NEW(struct faults);
    if (server_web_load(web->config->files.items[0].ptr, &loaded, faults) < 0 ||
        server_web_has_tls(loaded) != server->has_tls) {
        SERVER_COUNT(server, web_config_failed, 1);
        loaded = server_web_unref(loaded);
    }
    (void)mem_free(faults);
    if (loaded != NULL) {
        lock_acquire(&server->lock);
        server->web = loaded;
        lock_release(&server->lock);
        (void)server_web_unref(web);
    }
}

void server_close_listeners(struct http_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        if (server->listeners[i] >= 0) {
            (void)close(server->listeners[i]);
        }
        server->listeners[i] = -1;
    }
}

void *server_accept_loop(void *argument)
{
    struct http_server *server = argument;
    mono next_sweep = server_now() + SWEEP_MS * MONO_PER_MS;

    while (!atomic_load_explicit(&server->ending, memory_order_acquire)) {
        struct pollfd pollers[SERVER_LISTENERS_MAX + 1];
        nfds_t count = (nfds_t)server->listener_count;
        mono now;

        if (atomic_load_explicit(&server->stopping, memory_order_acquire)) {
            server_close_listeners(server);
        }
        for (nfds_t i = 0; i < count; i++) {
            pollers[i] = (struct pollfd){.fd = server->listeners[i], .events = POLLIN};
        }
        pollers[count] = (struct pollfd){.fd = server->wake, .events = POLLIN};
        (void)poll(pollers, count + 1, has_connections(server) ? SWEEP_MS : -1);
        if (pollers[count].revents != 0) {
            eventfd_t value = 0;

            (void)eventfd_read(server->wake, &value);
        }
        follow_web(server);
        for (nfds_t i = 0; i < count; i++) {
            if ((pollers[i].revents & POLLIN) != 0) {
                accept_all(server, server->listeners[i]);
            }
        }
        now = server_now();
        if (now >= next_sweep) {
            sweep(server);
            next_sweep = now + SWEEP_MS * MONO_PER_MS;
        }
    }
    return NULL;
}
