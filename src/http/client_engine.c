/* The engine: curl multi handles, whose sockets and timers an event loop watches. */
#include <pthread.h>

#include "base/assert.h"
#include "base/mem.h"
#include "http/client_plain.h"
#include "http/client_priv.h"
#include "sys/clock.h"

enum { MULTIS_DEFAULT = 32, CONNECTIONS_DEFAULT = 16384 };

/* A socket that curl wants watched. */
struct socket {
    struct loop_fd fd;
    struct shard *shard;
    struct socket *next_free;
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;

static void global_init(void)
{
    ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

void http_client_global_init(void)
{
    ASSERT(pthread_once(&global_once, global_init) == 0);
}

/* ---- sockets and timers ---- */

/* Hands out what has finished. A done may start requests on this shard: curl is not inside a call
 * of ours then. */
static void shard_reap(struct shard *shard)
{
    CURLMsg *message = NULL;
    int left = 0;

    while ((message = curl_multi_info_read(shard->multi, &left)) != NULL) {
        struct http_transfer *transfer = NULL;
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        client_transfer_done(transfer, code);
    }
}

static void socket_ready(struct loop_fd *fd, unsigned events)
{
    struct socket *socket = CONTAINER_OF(fd, struct socket, fd);
    struct shard *shard = socket->shard;
    int mask = ((events & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0) |
               ((events & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0) |
               ((events & LOOP_HANGUP) != 0 ? CURL_CSELECT_ERR : 0);
    bool has_tls_proxy = atomic_load_explicit(&shard->engine->has_tls_proxy, memory_order_relaxed);
    int running = 0;

    (void)curl_multi_socket_action(shard->multi, fd->fd, mask, &running);
    /* Behind a session ticket of the far server libcurl forgets what the TLS of the proxy has
     * unpacked already, and would wait for bytes that have come. A server sends two tickets. */
    for (int i = 0; has_tls_proxy && i < 2; i++) {
        (void)curl_multi_socket_action(shard->multi, fd->fd, CURL_CSELECT_IN, &running);
    }
    shard_reap(shard);
}

static void shard_timer(struct loop_timer *timer)
{
    struct shard *shard = CONTAINER_OF(timer, struct shard, timer);
    int running = 0;

    (void)curl_multi_socket_action(shard->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    shard_reap(shard);
}

static struct socket *socket_take(struct shard *shard, curl_socket_t fd)
{
    struct http_engine *engine = shard->engine;
    struct socket *socket = engine->free_sockets;

    if (socket != NULL) {
        engine->free_sockets = socket->next_free;
    } else {
        socket = MEM_NEW(struct socket);
    }
    *socket = (struct socket){.fd = {.ready = socket_ready, .fd = fd}, .shard = shard};
    (void)curl_multi_assign(shard->multi, fd, socket);
    return socket;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    struct shard *shard = context;
    struct socket *socket = socket_context;
    unsigned events = what == CURL_POLL_IN    ? (unsigned)LOOP_READ
                      : what == CURL_POLL_OUT ? (unsigned)LOOP_WRITE
                                              : (unsigned)LOOP_READ | (unsigned)LOOP_WRITE;

    (void)easy;
    if (what != CURL_POLL_REMOVE) {
        socket = socket != NULL ? socket : socket_take(shard, fd);
        return loop_fd_watch(shard->engine->loop, &socket->fd, events) < 0 ? -1 : 0;
    }
    if (socket != NULL) {
        (void)loop_fd_watch(shard->engine->loop, &socket->fd, 0);
        (void)curl_multi_assign(shard->multi, fd, NULL);
        socket->next_free = shard->engine->free_sockets;
        shard->engine->free_sockets = socket;
    }
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct shard *shard = context;
    struct loop *loop = shard->engine->loop;

    (void)multi;
    if (timeout_ms < 0) {
        loop_timer_stop(loop, &shard->timer);
    } else {
        loop_timer_start(loop, &shard->timer,
                         clock_mono(loop_clock(loop)) + timeout_ms * MONO_PER_MS);
    }
    return 0;
}

/* ---- life ---- */

int http_engine_new(struct loop *loop, const struct http_engine_options *options,
                    struct http_engine **ret, struct baro_error *err)
{
    CLEANUP(http_engine_freep) struct http_engine *engine = MEM_NEW(struct http_engine);
    uint32_t count =
        options != NULL && options->multi_count > 0 ? options->multi_count : MULTIS_DEFAULT;
    uint32_t connections = options != NULL && options->connections_max > 0
                               ? options->connections_max
                               : CONNECTIONS_DEFAULT;

    http_client_global_init();
    engine->loop = loop;
    engine->shuffle = options != NULL && options->shuffle_addresses;
    engine->failure_timer.fire = client_transfers_hand_out;
    engine->user_agent = str_dup_c(str_from(
        options != NULL && options->user_agent != NULL ? options->user_agent : "barograph"));
    engine->plain =
        plain_engine_new(loop, engine->user_agent, connections,
                         &(struct plain_hooks){client_plain_moved, client_plain_released});
    engine->shards = mem_alloc_zero(count * sizeof(*engine->shards));
    for (uint32_t i = 0; i < count; i++) {
        struct shard *shard = &engine->shards[i];

        shard->engine = engine;
        shard->timer.fire = shard_timer;
        shard->multi = curl_multi_init();
        if (shard->multi == NULL) {
            return error_set(err, BARO_ELIMIT, "no memory for a curl handle");
        }
        engine->shard_count++;
        (void)curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        (void)curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, shard);
        (void)curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION, on_timer);
        (void)curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, shard);
        (void)curl_multi_setopt(shard->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
        (void)curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS,
                                (long)(connections / count + 1));
    }
    *ret = TAKE(engine);
    return 0;
}

struct http_engine *http_engine_free(struct http_engine *engine)
{
    if (engine == NULL) {
        return NULL;
    }
    engine->plain = plain_engine_free(engine->plain);
    while (engine->running != NULL) {
        http_call_cancel(engine->running->request);
    }
    while (engine->granted != NULL) {
        /* Freed, and kept by nothing but the token that was on its way. */
        ASSERT(engine->granted->is_freed && engine->granted->transfer_count == 1);
        engine->granted->transfer_count--;
        client_release(engine->granted);
    }
    client_transfers_free(engine);
    for (size_t i = 0; i < engine->shard_count; i++) {
        (void)curl_multi_cleanup(engine->shards[i].multi);
        loop_timer_stop(engine->loop, &engine->shards[i].timer);
    }
    while (engine->free_sockets != NULL) {
        struct socket *socket = engine->free_sockets;

        engine->free_sockets = socket->next_free;
        (void)mem_free(socket);
    }
    loop_timer_stop(engine->loop, &engine->failure_timer);
    (void)mem_free(engine->shards);
    buf_done(&engine->lines);
    (void)mem_free(engine->user_agent);
    return mem_free(engine);
}
