#include "client_ws.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "svc_util.h"

struct client_ws {
    uint16_t port;
    char path[128];
    size_t count;
    pthread_t thread;
    _Atomic bool stopping;
    struct pollfd *sockets;
    size_t open;
};

/* A connection with its upgrade request sent, or -1. */
static int client_connect(const struct client_ws *clients)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(clients->port)};
    char request[512];
    int len = snprintf(
        request, sizeof(request),
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        clients->path);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
                    send(fd, request, (size_t)len, MSG_NOSIGNAL) != (ssize_t)len)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

/* An empty pong, masked as clients must: keeps the server from thinking that nobody is there. */
static void pong_send(int fd)
{
    static const uint8_t pong[] = {0x8a, 0x80, 0, 0, 0, 0};

    (void)send(fd, pong, sizeof(pong), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Reads and drops what came; pings are answered. A closed connection is made anew. */
static void client_serve(struct client_ws *clients, size_t i)
{
    uint8_t bytes[4096];
    ssize_t n = recv(clients->sockets[i].fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (n > 0) {
        pong_send(clients->sockets[i].fd);
    } else if (n == 0) {
        (void)close(clients->sockets[i].fd);
        clients->sockets[i] = clients->sockets[--clients->open];
    }
}

static void *clients_run(void *context)
{
    struct client_ws *clients = context;

    while (!clients->stopping) {
        int fd = clients->open < clients->count ? client_connect(clients) : -1;

        if (fd >= 0) {
            clients->sockets[clients->open++] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
        if (poll(clients->sockets, (nfds_t)clients->open, fd >= 0 ? 0 : 200) > 0) {
            for (size_t i = clients->open; i > 0; i--) {
                if (clients->sockets[i - 1].revents != 0) {
                    client_serve(clients, i - 1);
                }
            }
        }
    }
    return NULL;
}

struct client_ws *client_ws_new(uint16_t port, const char *path, size_t count)
{
    struct client_ws *clients = calloc(1, sizeof(*clients));

    if (clients == NULL) {
        return NULL;
    }
    clients->port = port;
    clients->count = count < CLIENT_WS_MAX ? count : CLIENT_WS_MAX;
    (void)snprintf(clients->path, sizeof(clients->path), "%s", path);
    clients->sockets = calloc(clients->count + 1, sizeof(*clients->sockets));
    if (clients->sockets == NULL ||
        pthread_create(&clients->thread, NULL, clients_run, clients) != 0) {
        free(clients->sockets);
        free(clients);
        return NULL;
    }
    return clients;
}

struct client_ws *client_ws_free(struct client_ws *clients)
{
    if (clients != NULL) {
        clients->stopping = true;
        (void)pthread_join(clients->thread, NULL);
        for (size_t i = 0; i < clients->open; i++) {
            (void)close(clients->sockets[i].fd);
        }
        free(clients->sockets);
        free(clients);
    }
    return NULL;
}
