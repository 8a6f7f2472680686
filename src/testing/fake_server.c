#include "testing/fake_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"

enum { CONNECTIONS_MAX = 256, HEAD_BYTES_MAX = 16384 };

struct connection {
    struct fake_server *server;
    pthread_t thread;
    int fd;
};

struct fake_server {
    fake_answer *answer;
    void *context;
    int fd;
    uint16_t port;
    pthread_t acceptor;
    atomic_bool is_stopped;
    atomic_uint accepted;
    struct connection connections[CONNECTIONS_MAX];
};

bool fake_send(int fd, const void *bytes, size_t len)
{
    const char *next = bytes;

    while (len > 0) {
        ssize_t sent = send(fd, next, len, MSG_NOSIGNAL);

        if (sent <= 0) {
            return false;
        }
        next += sent;
        len -= (size_t)sent;
    }
    return true;
}

bool fake_send_response(int fd, const char *content_type, const char *extra, const void *body,
                        size_t len)
{
    char head[1024];
    int size = snprintf(
        head, sizeof(head), "HTTP/1.1 200 OK\r\n%s%s%s%sContent-Length: %zu\r\n\r\n",
        content_type != NULL ? "Content-Type: " : "", content_type != NULL ? content_type : "",
        content_type != NULL ? "\r\n" : "", extra, len);

    return fake_send(fd, head, (size_t)size) && fake_send(fd, body, len);
}

/* Reads one request head; false at the end of the connection. */
static bool head_read(int fd, char *head, size_t size)
{
    size_t len = 0;

    while (len + 1 < size) {
        ssize_t got = recv(fd, head + len, 1, 0);

        if (got <= 0) {
            return false;
        }
        len++;
        head[len] = '\0';
        if (len >= 4 && memcmp(head + len - 4, "\r\n\r\n", 4) == 0) {
            return true;
        }
    }
    return false;
}

static void *connection_run(void *argument)
{
    struct connection *connection = argument;
    struct fake_server *server = connection->server;
    char *head = mem_alloc(HEAD_BYTES_MAX);

    while (!atomic_load(&server->is_stopped) && head_read(connection->fd, head, HEAD_BYTES_MAX) &&
           server->answer(connection->fd, head, server->context)) {
    }
    (void)shutdown(connection->fd, SHUT_RDWR);
    (void)mem_free(head);
    return NULL;
}

static void *acceptor_run(void *argument)
{
    struct fake_server *server = argument;

    while (!atomic_load(&server->is_stopped)) {
        int fd = accept(server->fd, NULL, NULL);
        unsigned index = atomic_load(&server->accepted);
        struct connection *connection = NULL;
        const int one = 1;

        if (fd < 0) {
            break;
        }
        ASSERT(index < CONNECTIONS_MAX);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        connection = &server->connections[index];
        connection->server = server;
        connection->fd = fd;
        /* Counted before it can answer: a test looks at the count when it has the answer. */
        atomic_fetch_add(&server->accepted, 1);
        ASSERT(pthread_create(&connection->thread, NULL, connection_run, connection) == 0);
    }
    return NULL;
}

struct fake_server *fake_server_new(fake_answer *answer, void *context)
{
    struct fake_server *server = MEM_NEW(struct fake_server);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    server->answer = answer;
    server->context = context;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(server->fd >= 0);
    ASSERT(bind(server->fd, (struct sockaddr *)&address, len) == 0);
    ASSERT(listen(server->fd, CONNECTIONS_MAX) == 0);
    ASSERT(getsockname(server->fd, (struct sockaddr *)&address, &len) == 0);
    server->port = ntohs(address.sin_port);
    ASSERT(pthread_create(&server->acceptor, NULL, acceptor_run, server) == 0);
    return server;
}

struct fake_server *fake_server_free(struct fake_server *server)
{
    unsigned count = 0;

    if (server == NULL) {
        return NULL;
    }
    atomic_store(&server->is_stopped, true);
    (void)shutdown(server->fd, SHUT_RDWR);
    ASSERT(pthread_join(server->acceptor, NULL) == 0);
    (void)close(server->fd);
    count = atomic_load(&server->accepted);
    for (unsigned i = 0; i < count; i++) {
        (void)shutdown(server->connections[i].fd, SHUT_RDWR);
        ASSERT(pthread_join(server->connections[i].thread, NULL) == 0);
        (void)close(server->connections[i].fd);
    }
    return mem_free(server);
}

uint16_t fake_server_port(const struct fake_server *server)
{
    return server->port;
}

unsigned fake_server_connections(struct fake_server *server)
{
    return atomic_load(&server->accepted);
}
