#include "svc_ws.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "svc_request.h"
#include "svc_ws_frame.h"

enum {
    CLIENTS_MAX = 4096,
    READ_BYTES = 4096,
    FRAME_HEADER_BYTES = 14,
    UNANSWERED_PINGS_MAX = 3,
    CLOSE_WAIT_MS = 1000, /* for the peer to answer our close */
};

struct client {
    int fd;
    struct MHD_UpgradeResponseHandle *handle;
    char topic[SVC_WS_TOPIC_SIZE]; /* lock */
    struct svc_bytes out;          /* lock: what waits to be sent */
    size_t sent;                   /* lock: of out */
    bool is_slow;                  /* lock: its queue was full */
    struct svc_bytes in;
    struct svc_ws_message message;
    int64_t opened_ns, heard_ns, closing_ns;
    int pings;
    bool is_closing; /* written under lock: a close frame is queued */
    bool is_read;    /* what came with the handshake was looked at */
    bool is_dead;
    sem_t ended; /* from here on it is its connection's thread's */
};

struct svc_ws {
    struct svc_ws_options options;
    pthread_mutex_t lock;
    struct client *clients[CLIENTS_MAX]; /* lock */
    size_t count;                        /* lock; changed by the socket thread, and by arrivals */
    int wake_fd;
    _Atomic bool stopping;
    pthread_t thread;
    bool has_thread;                      /* of whoever stops it */
    struct pollfd polls[CLIENTS_MAX + 1]; /* the socket thread's */
};

const char *svc_ws_error_name(enum svc_ws_error error)
{
    static const char *const names[SVC_WS_ERROR_COUNT] = {"handshake", "protocol", "slow_client",
                                                          "connection_lost", "too_many_clients"};

    return names[error];
}

static void report(struct svc_ws *ws, enum svc_ws_error error)
{
    if (ws->options.on_error != NULL) {
        ws->options.on_error(ws->options.context, error);
    }
}

static void wake(struct svc_ws *ws)
{
    uint64_t one = 1;

    while (write(ws->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
}

static void client_close(struct svc_ws *ws, struct client *client, unsigned code)
{
    uint8_t payload[2] = {(uint8_t)(code >> 8), (uint8_t)code};

    if (!client->is_closing) {
        (void)pthread_mutex_lock(&ws->lock);
        svc_ws_frame_write(&client->out, SVC_WS_CLOSE, payload, sizeof(payload));
        client->is_closing = true;
        (void)pthread_mutex_unlock(&ws->lock);
        client->closing_ns = svc_mono_ns();
    }
}

static void set_topic(struct svc_ws *ws, struct client *client, const char *topic)
{
    (void)pthread_mutex_lock(&ws->lock);
    (void)snprintf(client->topic, sizeof(client->topic), "%s", topic);
    (void)pthread_mutex_unlock(&ws->lock);
}

static void client_message(struct svc_ws *ws, struct client *client)
{
    const char *text = (const char *)client->message.bytes.ptr;
    size_t len = client->message.bytes.len;
    json_t *root = len > 0 ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *topic = json_string_value(json_object_get(root, "subscribe"));

    if (topic != NULL && strlen(topic) < SVC_WS_TOPIC_SIZE) {
        set_topic(ws, client, topic);
    } else if (json_is_true(json_object_get(root, "unsubscribe"))) {
        set_topic(ws, client, "");
    } else if (ws->options.on_message != NULL) {
        ws->options.on_message(ws->options.context, len > 0 ? text : "", len);
    }
    json_decref(root);
}

/* Returns 0, or a negated close code. */
static int client_frame(struct svc_ws *ws, struct client *client, const struct svc_ws_frame *frame)
{
    int r;

    switch (frame->opcode) {
    case SVC_WS_CLOSE:
        if (client->is_closing) {
            client->is_dead = true; /* the answer to ours */
        }
        client_close(ws, client,
                     frame->len >= 2 ? (unsigned)(frame->payload[0] << 8 | frame->payload[1])
                                     : 1000);
        client->closing_ns = 0; /* both have said it: end once it is sent */
        return 0;
    case SVC_WS_PING:
        (void)pthread_mutex_lock(&ws->lock);
        svc_ws_frame_write(&client->out, SVC_WS_PONG, frame->payload, frame->len);
        client->is_slow = client->is_slow || client->out.failed;
        (void)pthread_mutex_unlock(&ws->lock);
        return 0;
    case SVC_WS_PONG:
        return 0;
    case SVC_WS_CONTINUATION:
    case SVC_WS_TEXT:
    case SVC_WS_BINARY:
        break;
    }
    r = svc_ws_message_take(&client->message, frame);
    if (r == 1) {
        client_message(ws, client);
    }
    return r < 0 ? r : 0;
}

/* Takes whole frames off what has come. */
static void client_frames(struct svc_ws *ws, struct client *client)
{
    size_t done = 0;
    int64_t r = client->in.len > 0; /* nothing has no address to look at */

    while (r > 0 && !client->is_dead) {
        struct svc_ws_frame frame;

        r = svc_ws_frame_read(client->in.ptr + done, client->in.len - done,
                              ws->options.message_bytes_max, &frame);
        if (r > 0) {
            int told = client->is_closing && frame.opcode != SVC_WS_CLOSE
                           ? 0 /* data behind our close is dropped */
                           : client_frame(ws, client, &frame);

            done += (size_t)r;
            r = told < 0 ? told : r;
        }
    }
    if (r < 0) {
        report(ws, SVC_WS_ERROR_PROTOCOL);
        client_close(ws, client, (unsigned)-r);
        done = client->in.len;
    }
    if (done > 0) {
        memmove(client->in.ptr, client->in.ptr + done, client->in.len - done);
        client->in.len -= done;
    }
}

static void client_lost(struct svc_ws *ws, struct client *client)
{
    if (!client->is_closing) {
        report(ws, SVC_WS_ERROR_LOST);
    }
    client->is_dead = true;
}

static void client_read(struct svc_ws *ws, struct client *client)
{
    uint8_t chunk[READ_BYTES];
    ssize_t got = recv(client->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        client_lost(ws, client);
        return;
    }
    client->heard_ns = svc_mono_ns();
    client->pings = 0;
    svc_bytes_put(&client->in, chunk, (size_t)got);
    if (client->in.failed) {
        client_lost(ws, client);
        return;
    }
    client_frames(ws, client);
}

static bool client_flush_locked(struct client *client)
{
    while (client->sent < client->out.len) {
        ssize_t done = send(client->fd, client->out.ptr + client->sent,
                            client->out.len - client->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return errno == EAGAIN;
        }
        client->sent += (size_t)done;
    }
    client->out.len = 0;
    client->sent = 0;
    return true;
}

static void client_write(struct svc_ws *ws, struct client *client)
{
    bool is_open, is_empty, is_slow;

    (void)pthread_mutex_lock(&ws->lock);
    is_slow = client->is_slow && !client->is_closing;
    client->is_closing = client->is_closing || is_slow;
    is_open = client_flush_locked(client);
    is_empty = client->out.len == 0;
    (void)pthread_mutex_unlock(&ws->lock);
    if (is_slow) {
        report(ws, SVC_WS_ERROR_SLOW);
        client->is_dead = true;
    } else if (!is_open) {
        client_lost(ws, client);
    } else if (client->is_closing && is_empty && client->closing_ns == 0) {
        client->is_dead = true;
    }
}

static void client_clock(struct svc_ws *ws, struct client *client, int64_t now_ns)
{
    double silent_s = (double)(now_ns - client->heard_ns) / 1e9;

    if (client->is_closing && client->closing_ns != 0 &&
        now_ns - client->closing_ns > (int64_t)CLOSE_WAIT_MS * 1000000) {
        client->is_dead = true;
    }
    if (client->is_closing || silent_s < ws->options.ping_s * (client->pings + 1)) {
        return;
    }
    if (client->pings == UNANSWERED_PINGS_MAX) {
        client_lost(ws, client);
        return;
    }
    client->pings++;
    (void)pthread_mutex_lock(&ws->lock);
    svc_ws_frame_write(&client->out, SVC_WS_PING, "", 0);
    (void)pthread_mutex_unlock(&ws->lock);
}

static void client_free(struct client *client)
{
    (void)sem_destroy(&client->ended);
    svc_bytes_done(&client->out);
    svc_bytes_done(&client->in);
    svc_bytes_done(&client->message.bytes);
    free(client);
}

/* Takes a dead client out of the table; NULL when there is none. */
static struct client *take_dead(struct svc_ws *ws)
{
    struct client *dead = NULL;

    (void)pthread_mutex_lock(&ws->lock);
    for (size_t i = 0; i < ws->count && dead == NULL; i++) {
        if (ws->clients[i]->is_dead) {
            dead = ws->clients[i];
            ws->clients[i] = ws->clients[--ws->count];
        }
    }
    (void)pthread_mutex_unlock(&ws->lock);
    return dead;
}

static void reap(struct svc_ws *ws)
{
    for (struct client *client; (client = take_dead(ws)) != NULL;) {
        if (ws->options.on_close != NULL) {
            ws->options.on_close(ws->options.context, svc_since_s(client->opened_ns));
        }
        (void)shutdown(client->fd, SHUT_RDWR);
        (void)sem_post(&client->ended);
    }
}

/* Fills polls, in the order of clients; returns how many clients there are. */
static size_t prepare_polls(struct svc_ws *ws)
{
    size_t count;

    (void)pthread_mutex_lock(&ws->lock);
    count = ws->count;
    for (size_t i = 0; i < count; i++) {
        bool waits = ws->clients[i]->out.len > 0;

        ws->polls[i] = (struct pollfd){.fd = ws->clients[i]->fd,
                                       .events = (short)(POLLIN | (waits ? POLLOUT : 0))};
    }
    (void)pthread_mutex_unlock(&ws->lock);
    ws->polls[count] = (struct pollfd){.fd = ws->wake_fd, .events = POLLIN};
    return count;
}

static void serve_once(struct svc_ws *ws)
{
    enum { POLL_MS = 250 };
    size_t count = prepare_polls(ws);
    uint64_t ignored;
    int64_t now_ns;

    if (poll(ws->polls, count + 1, POLL_MS) < 0 && errno != EINTR) {
        return;
    }
    if ((ws->polls[count].revents & POLLIN) != 0) {
        while (read(ws->wake_fd, &ignored, sizeof(ignored)) < 0 && errno == EINTR) {
        }
    }
    now_ns = svc_mono_ns();
    for (size_t i = 0; i < count; i++) {
        struct client *client = ws->clients[i];

        if (!client->is_read) {
            client->is_read = true;
            client_frames(ws, client);
        }
        if ((ws->polls[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
            client_read(ws, client);
        }
        client_clock(ws, client, now_ns);
        if (!client->is_dead) {
            client_write(ws, client);
        }
    }
    reap(ws);
}

static void *ws_thread(void *context)
{
    struct svc_ws *ws = context;
    int64_t goodbye_ns;
    size_t count;

    while (!ws->stopping) {
        serve_once(ws);
    }
    count = svc_ws_count(ws); /* stopping: none arrives any more */
    for (size_t i = 0; i < count; i++) {
        client_close(ws, ws->clients[i], SVC_WS_CODE_GOING_AWAY);
    }
    goodbye_ns = svc_mono_ns();
    while (svc_ws_count(ws) > 0 && svc_since_s(goodbye_ns) < 2) {
        serve_once(ws);
    }
    count = svc_ws_count(ws);
    for (size_t i = 0; i < count; i++) {
        ws->clients[i]->is_dead = true;
    }
    reap(ws);
    return NULL;
}

static void apply_presets(struct svc_ws_options *options)
{
    options->clients_max = options->clients_max != 0 ? options->clients_max : 200;
    options->clients_max = options->clients_max < CLIENTS_MAX ? options->clients_max : CLIENTS_MAX;
    options->message_bytes_max =
        options->message_bytes_max != 0 ? options->message_bytes_max : 16384;
    options->waiting_bytes_max =
        options->waiting_bytes_max != 0 ? options->waiting_bytes_max : (size_t)1 << 20;
    options->ping_s = options->ping_s > 0 ? options->ping_s : 20;
}

int svc_ws_new(const struct svc_ws_options *options, struct svc_ws **ret, struct svc_error *err)
{
    struct svc_ws *ws = calloc(1, sizeof(*ws));
    int r;

    if (ws == NULL) {
        return svc_fail(err, -ENOMEM, "WebSockets: out of memory");
    }
    ws->options = *options;
    apply_presets(&ws->options);
    (void)pthread_mutex_init(&ws->lock, NULL);
    ws->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r = ws->wake_fd < 0 ? -errno : -pthread_create(&ws->thread, NULL, ws_thread, ws);
    if (r < 0) {
        if (ws->wake_fd >= 0) {
            (void)close(ws->wake_fd);
        }
        (void)pthread_mutex_destroy(&ws->lock);
        free(ws);
        return svc_fail(err, r, "WebSockets: %s", strerrordesc_np(-r));
    }
    ws->has_thread = true;
    (void)pthread_setname_np(ws->thread, "svc ws");
    *ret = ws;
    return 0;
}

static struct client *client_new(const struct svc_ws *ws, const struct request *request, int fd,
                                 struct MHD_UpgradeResponseHandle *handle)
{
    struct client *client = calloc(1, sizeof(*client));
    int64_t now_ns = svc_mono_ns();

    if (client != NULL) {
        (void)sem_init(&client->ended, 0, 0);
        client->fd = fd;
        client->handle = handle;
        client->opened_ns = now_ns;
        client->heard_ns = now_ns;
        client->out.max = ws->options.waiting_bytes_max;
        client->message.bytes.max = ws->options.message_bytes_max;
        /* One whole frame, and what may be read behind it. */
        client->in.max = ws->options.message_bytes_max + FRAME_HEADER_BYTES + READ_BYTES;
        (void)snprintf(client->topic, sizeof(client->topic), "%s", request->upgrade_text);
    }
    return client;
}

/*
 * On the connection's thread: hands the socket over to ours, and stays until that is done with it.
 * libmicrohttpd 0.9.75 resumes a connection when this returns; from then on its daemon frees it as
 * soon as it is marked as closed, which MHD_UPGRADE_ACTION_CLOSE does before it has finished with
 * it. On this thread, before the return, closing is safe: the daemon joins the thread first.
 */
static void upgraded(void *context, struct MHD_Connection *connection, void *state,
                     const char *extra, size_t extra_len, MHD_socket fd,
                     struct MHD_UpgradeResponseHandle *handle)
{
    struct svc_ws *ws = context;
    struct client *client = client_new(ws, state, fd, handle);
    bool taken = false;

    (void)connection;
    if (client != NULL) {
        svc_bytes_put(&client->in, extra, extra_len);
        (void)pthread_mutex_lock(&ws->lock);
        taken = !client->in.failed && !ws->stopping && ws->count < ws->options.clients_max;
        if (taken) {
            ws->clients[ws->count++] = client;
            if (ws->options.on_open != NULL) {
                ws->options.on_open(ws->options.context);
            }
            wake(ws);
        }
        (void)pthread_mutex_unlock(&ws->lock);
    }
    if (taken) {
        while (sem_wait(&client->ended) < 0 && errno == EINTR) {
        }
    } else {
        report(ws, SVC_WS_ERROR_LIMIT);
    }
    if (client != NULL) {
        client_free(client);
    }
    (void)MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}

/* Whether a comma-separated header has that word. */
static bool has_token(const char *header, const char *token)
{
    size_t len = strlen(token);

    while (header != NULL && *header != '\0') {
        header += strspn(header, ", \t");
        if (strncasecmp(header, token, len) == 0 && strchr(", \t", header[len]) != NULL) {
            return true;
        }
        header += strcspn(header, ",");
    }
    return false;
}

static bool check_handshake(struct svc_request *request, char accept[SVC_WS_ACCEPT_SIZE])
{
    const char *version = svc_header(request, "Sec-WebSocket-Version");
    const char *key = svc_header(request, "Sec-WebSocket-Key");

    if (!has_token(svc_header(request, "Upgrade"), "websocket") ||
        !has_token(svc_header(request, "Connection"), "upgrade")) {
        svc_answer_header(request, "Upgrade", "websocket");
        svc_answer_error(request, 426, "handshake", "this is a WebSocket: open it with ws://");
        return false;
    }
    if (version == NULL || strcmp(version, "13") != 0) {
        svc_answer_header(request, "Sec-WebSocket-Version", "13");
        svc_answer_error(request, 426, "handshake", "Sec-WebSocket-Version: use 13");
        return false;
    }
    if (key == NULL || !svc_ws_accept(key, accept)) {
        svc_answer_error(request, 400, "handshake", "Sec-WebSocket-Key: send 16 bytes in base64");
        return false;
    }
    return true;
}

void svc_ws_answer(struct svc_ws *ws, struct svc_request *request, const char *topic)
{
    struct request *inner = request_of(request);
    char accept[SVC_WS_ACCEPT_SIZE] = "";
    struct MHD_Response *response;

    if (!check_handshake(request, accept)) {
        report(ws, SVC_WS_ERROR_HANDSHAKE);
        return;
    }
    if (ws->stopping || svc_ws_count(ws) >= ws->options.clients_max) {
        report(ws, SVC_WS_ERROR_LIMIT);
        svc_answer_error(request, 503, "too_many_clients",
                         "%u WebSockets are open: close one, or try again later",
                         ws->options.clients_max);
        return;
    }
    response = MHD_create_response_for_upgrade(upgraded, ws);
    if (response != NULL) {
        (void)MHD_add_response_header(response, "Upgrade", "websocket");
        (void)MHD_add_response_header(response, "Sec-WebSocket-Accept", accept);
        (void)snprintf(inner->upgrade_text, sizeof(inner->upgrade_text), "%s", topic);
        request_answer(inner, MHD_HTTP_SWITCHING_PROTOCOLS, response, 0);
    }
}

size_t svc_ws_send(struct svc_ws *ws, const char *topic, const char *text, size_t len)
{
    size_t receivers = 0;

    (void)pthread_mutex_lock(&ws->lock);
    for (size_t i = 0; i < ws->count; i++) {
        struct client *client = ws->clients[i];

        if (client->is_closing || client->is_slow ||
            (client->topic[0] != '\0' && strcmp(client->topic, topic) != 0)) {
            continue;
        }
        svc_ws_frame_write(&client->out, SVC_WS_TEXT, text, len);
        client->is_slow = client->out.failed;
        receivers += client->is_slow ? 0 : 1;
    }
    (void)pthread_mutex_unlock(&ws->lock);
    if (receivers > 0) {
        wake(ws);
    }
    return receivers;
}

size_t svc_ws_count(struct svc_ws *ws)
{
    size_t count;

    (void)pthread_mutex_lock(&ws->lock);
    count = ws->count;
    (void)pthread_mutex_unlock(&ws->lock);
    return count;
}

void svc_ws_stop(struct svc_ws *ws)
{
    if (ws != NULL && ws->has_thread) {
        ws->stopping = true;
        wake(ws);
        (void)pthread_join(ws->thread, NULL);
        ws->has_thread = false;
    }
}

struct svc_ws *svc_ws_free(struct svc_ws *ws)
{
    if (ws == NULL) {
        return NULL;
    }
    svc_ws_stop(ws);
    (void)close(ws->wake_fd);
    (void)pthread_mutex_destroy(&ws->lock);
    free(ws);
    return NULL;
}
