#include "net.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    HEAD_BYTES_MAX = 32768,
    READ_BYTES = 65536,
    WS_WAITING_MAX = 1 << 20,
    OPCODE_TEXT = 1,
    OPCODE_CLOSE = 8,
    OPCODE_PING = 9
};

int net_place_parse(const char *url, struct net_place *ret, struct svc_error *err)
{
    const char *host = url + 7;
    size_t len;
    const char *colon;

    if (strncmp(url, "http://", 7) != 0) {
        return svc_fail(err, -EINVAL, "--url=%.100s: give http://HOST:PORT", url);
    }
    len = strcspn(host, "/");
    colon = memchr(host, ':', len);
    if (len == 0 || host[len + (host[len] == '/' ? 1 : 0)] != '\0' || colon == host) {
        return svc_fail(err, -EINVAL, "--url=%.100s: give http://HOST:PORT, without a path", url);
    }
    (void)snprintf(ret->port, sizeof(ret->port), "%.*s",
                   colon != NULL ? (int)(len - (size_t)(colon - host) - 1) : 2,
                   colon != NULL ? colon + 1 : "80");
    if (colon != NULL) {
        len = (size_t)(colon - host);
    }
    if (len >= sizeof(ret->host) || ret->port[0] == '\0' ||
        strspn(ret->port, "0123456789") != strlen(ret->port)) {
        return svc_fail(err, -EINVAL, "--url=%.100s: give http://HOST:PORT", url);
    }
    (void)snprintf(ret->host, sizeof(ret->host), "%.*s", (int)len, host);
    return 0;
}

static int place_connect(const struct net_place *place, double limit_s)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    struct timeval limit = {.tv_sec = (time_t)limit_s,
                            .tv_usec = (suseconds_t)((limit_s - (double)(time_t)limit_s) * 1e6)};
    int on = 1;
    int fd = -1;

    if (getaddrinfo(place->host, place->port, &hints, &found) != 0) {
        return -EHOSTUNREACH;
    }
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (connect(fd, found->ai_addr, found->ai_addrlen) < 0) {
            int code = -errno;

            (void)close(fd);
            fd = code;
        }
    } else {
        fd = -errno;
    }
    freeaddrinfo(found);
    return fd;
}

static bool all_send(int fd, const void *ptr, size_t len)
{
    const char *at = ptr;

    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

        if (n <= 0) {
            return false;
        }
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* Adds what comes to the bytes: > 0, 0 at the end, < 0 on failure or time-out. */
static ssize_t more_read(int fd, struct svc_bytes *bytes)
{
    char chunk[READ_BYTES];
    ssize_t n = recv(fd, chunk, sizeof(chunk), 0);

    if (n > 0) {
        svc_bytes_put(bytes, chunk, (size_t)n);
        return bytes->failed ? -1 : n;
    }
    return n;
}

/* Where the header ends (behind its blank line), or 0 when it has not come whole. */
static size_t head_end(const struct svc_bytes *bytes)
{
    const uint8_t *end = bytes->len > 3 ? memmem(bytes->ptr, bytes->len, "\r\n\r\n", 4) : NULL;

    return end != NULL ? (size_t)(end - bytes->ptr) + 4 : 0;
}

/* The value of a header, up to its line's end; NULL when it is absent. head ends with a NUL. */
static const char *header_find(const char *head, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':') {
            return line + 3 + len + strspn(line + 3 + len, " \t");
        }
    }
    return NULL;
}

static bool header_has(const char *head, const char *name, const char *word)
{
    const char *value = header_find(head, name);

    return value != NULL && strncasecmp(value, word, strlen(word)) == 0;
}

long net_chunks_read(const struct svc_bytes *bytes, size_t at, struct svc_bytes *body)
{
    for (;;) {
        const char *line = (const char *)bytes->ptr + at;
        const char *end = bytes->len > at ? memmem(line, bytes->len - at, "\r\n", 2) : NULL;
        size_t digits = 0;
        size_t size = 0;

        if (end == NULL) {
            return 0;
        }
        while (isxdigit((unsigned char)line[digits]) && digits < 8) {
            int c = line[digits++];

            size = size * 16 + (size_t)(isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
        }
        if (digits == 0) {
            return -1;
        }
        at += (size_t)(end - line) + 2;
        if (bytes->len < at + size + 2) {
            return 0;
        }
        svc_bytes_put(body, bytes->ptr + at, size);
        at += size + 2;
        if (size == 0) {
            return (long)at;
        }
    }
}

/* The body behind a whole header. */
static bool body_read(int fd, const char *head, struct svc_bytes *bytes, size_t at,
                      struct svc_bytes *body, bool *ret_keep)
{
    const char *length = header_find(head, "Content-Length");
    size_t wanted = length != NULL ? (size_t)strtoull(length, NULL, 10) : 0;
    ssize_t n = 1;

    *ret_keep = !header_has(head, "Connection", "close");
    if (header_has(head, "Transfer-Encoding", "chunked")) {
        long taken;

        while ((taken = net_chunks_read(bytes, at, body)) == 0 && (n = more_read(fd, bytes)) > 0) {
            body->len = 0;
        }
        return taken > 0;
    }
    if (length == NULL) {
        *ret_keep = false;
        while ((n = more_read(fd, bytes)) > 0) {
        }
        svc_bytes_put(body, bytes->ptr + at, bytes->len - at);
        return n == 0;
    }
    while (bytes->len - at < wanted && (n = more_read(fd, bytes)) > 0) {
    }
    svc_bytes_put(body, bytes->ptr + at, bytes->len - at < wanted ? bytes->len - at : wanted);
    return n > 0;
}

static bool answer_read(struct net_http *http, struct net_answer *answer)
{
    struct svc_bytes bytes = {.max = NET_BODY_BYTES_MAX + HEAD_BYTES_MAX};
    char *head;
    size_t at = 0;
    bool good = false;
    bool keep = false;

    while ((at = head_end(&bytes)) == 0 && bytes.len < HEAD_BYTES_MAX &&
           more_read(http->fd, &bytes) > 0) {
    }
    head = at > 0 ? strndup((const char *)bytes.ptr, at) : NULL;
    if (head != NULL && strncmp(head, "HTTP/1.", 7) == 0 && strlen(head) > 12) {
        answer->status = (int)strtol(head + 9, NULL, 10);
        good = answer->status == 204 || answer->status == 304 ||
               body_read(http->fd, head, &bytes, at, &answer->body, &keep);
    }
    free(head);
    svc_bytes_done(&bytes);
    if (!good) {
        answer->status = 0;
    }
    if (!good || !keep) {
        net_http_close(http);
    }
    return good;
}

static bool request_send(struct net_http *http, const struct net_request *request)
{
    char head[1024];
    int len = snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: %s:%s\r\nAccept: */*\r\n",
                       request->method, request->path, http->place->host, http->place->port);

    if (request->content_type != NULL) {
        len += snprintf(head + len, sizeof(head) - (size_t)len,
                        "Content-Type: %s\r\nContent-Length: %zu\r\n", request->content_type,
                        request->len);
    }
    if (len < 0 || (size_t)len + 3 > sizeof(head)) {
        return false;
    }
    (void)memcpy(head + len, "\r\n", 3);
    return all_send(http->fd, head, (size_t)len + 2) &&
           (request->len == 0 || all_send(http->fd, request->body, request->len));
}

void net_ask(struct net_http *http, const struct net_request *request, struct net_answer *ret)
{
    int64_t begin = svc_mono_ns();
    bool good = false;

    *ret = (struct net_answer){.body = {.max = NET_BODY_BYTES_MAX}};
    /* A kept connection may have been closed by the server: once more on a new one. */
    for (int attempt = 0; !good && attempt < 2; attempt++) {
        bool was_kept = http->fd >= 0;

        if (!was_kept) {
            http->fd = place_connect(http->place, http->limit_s);
        }
        if (http->fd < 0) {
            (void)snprintf(ret->error, sizeof(ret->error), "%s", strerrordesc_np(-http->fd));
            http->fd = -1;
            break;
        }
        errno = 0;
        ret->body.len = 0;
        good = request_send(http, request) && answer_read(http, ret);
        if (!good) {
            (void)snprintf(ret->error, sizeof(ret->error), "%s",
                           errno == EAGAIN ? "no answer in time"
                                           : "the connection ended without an answer");
            net_http_close(http);
        }
        if (!was_kept) {
            break;
        }
    }
    svc_bytes_put(&ret->body, "", 1);
    ret->body.len -= ret->body.len > 0 ? 1 : 0;
    ret->seconds = svc_since_s(begin);
}

void net_answer_done(struct net_answer *answer)
{
    svc_bytes_done(&answer->body);
}

void net_http_close(struct net_http *http)
{
    if (http->fd >= 0) {
        (void)close(http->fd);
    }
    http->fd = -1;
}

int net_ws_open(const struct net_place *place, const char *path, double limit_s)
{
    struct svc_bytes bytes = {.max = HEAD_BYTES_MAX};
    char request[512];
    uint8_t nonce[16];
    char key[32];
    int fd = place_connect(place, limit_s);
    bool good;

    if (fd < 0) {
        return fd;
    }
    for (size_t i = 0; i < sizeof(nonce); i++) {
        nonce[i] = (uint8_t)(svc_mono_ns() >> i); /* it need not be secret, only an own one */
    }
    svc_base64(nonce, sizeof(nonce), key);
    (void)snprintf(request, sizeof(request),
                   "GET %s HTTP/1.1\r\nHost: %s:%s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
                   path, place->host, place->port, key);
    good = all_send(fd, request, strlen(request));
    /* One byte at a time: what follows the header is the first frame's. */
    while (good && head_end(&bytes) == 0) {
        uint8_t c;

        good = recv(fd, &c, 1, 0) == 1;
        svc_bytes_put(&bytes, &c, good ? 1 : 0);
        good = good && !bytes.failed;
    }
    good = good && bytes.len > 12 && memcmp(bytes.ptr, "HTTP/1.1 101", 12) == 0;
    svc_bytes_done(&bytes);
    if (!good) {
        (void)close(fd);
        return -EPROTO;
    }
    return fd;
}

long net_frame_read(const uint8_t *ptr, size_t len, int *ret_opcode, size_t *ret_payload)
{
    size_t at = 2;
    uint64_t size;

    if (len < 2) {
        return 0;
    }
    size = ptr[1] & 0x7f;
    if ((ptr[1] & 0x80) != 0 || (ptr[0] & 0x70) != 0) {
        return -1; /* servers do not mask, and no extension was agreed on */
    }
    if (size >= 126) {
        size_t bytes = size == 126 ? 2 : 8;

        if (len < 2 + bytes) {
            return 0;
        }
        size = 0;
        for (size_t i = 0; i < bytes; i++) {
            size = size << 8 | ptr[2 + i];
        }
        at += bytes;
    }
    if (size > WS_WAITING_MAX) {
        return -1;
    }
    if (len < at + size) {
        return 0;
    }
    *ret_opcode = ptr[0] & 0x0f;
    *ret_payload = at;
    return (long)(at + size);
}

/* Our side's frames are masked, here with zeros. */
static void pong_send(int fd, const uint8_t *payload, size_t len)
{
    uint8_t frame[6 + 125] = {0x8a, 0x80};

    if (len <= 125) {
        frame[1] = (uint8_t)(0x80 | len);
        memcpy(frame + 6, payload, len);
        (void)send(fd, frame, 6 + len, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

int net_ws_take(int fd, struct svc_bytes *waiting)
{
    uint8_t chunk[16384];
    ssize_t n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
    int messages = 0;
    size_t at = 0;
    long taken;
    int opcode = 0;
    size_t payload = 0;

    waiting->max = WS_WAITING_MAX * 2;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        return -ECONNRESET;
    }
    svc_bytes_put(waiting, chunk, n > 0 ? (size_t)n : 0);
    while ((taken = net_frame_read(waiting->ptr + at, waiting->len - at, &opcode, &payload)) > 0) {
        messages += opcode == OPCODE_TEXT ? 1 : 0;
        if (opcode == OPCODE_PING) {
            pong_send(fd, waiting->ptr + at + payload, (size_t)taken - payload);
        } else if (opcode == OPCODE_CLOSE) {
            return -ECONNRESET;
        }
        at += (size_t)taken;
    }
    if (taken < 0 || waiting->failed) {
        return -EPROTO;
    }
    if (at > 0) {
        memmove(waiting->ptr, waiting->ptr + at, waiting->len - at);
        waiting->len -= at;
    }
    return messages;
}
