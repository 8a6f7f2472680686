#include "http/server.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "codec/gzip.h"
#include "http/server_mhd.h"

enum { CONNECTIONS_MOST = 1 << 24 };

/* ---- connections ---- */

/* The handshake has not begun: the session is given what the files of the web configuration are
 * now. */
static void begin_tls(struct http_server *server, struct server_connection *connection,
                      struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);

    connection->web = server_web_current(server);
    connection->tls_session = info != NULL ? info->tls_session : NULL;
    if (connection->tls_session == NULL ||
        !server_tls_begin(connection->web->tls, connection->tls_session)) {
        (void)shutdown(connection->fd, SHUT_RDWR);
    }
}

/* The descriptor is still open in both calls, so it names the same connection in both. */
static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http_server *server = context;
    const union MHD_ConnectionInfo *info;

    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*socket_context != NULL) {
            server_connection_free(server, *socket_context);
        }
        *socket_context = NULL;
        return;
    }
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info == NULL) {
        return;
    }
    lock_acquire(&server->lock);
    if ((size_t)info->connect_fd < server->by_fd_count) {
        *socket_context = server->by_fd[info->connect_fd];
    }
    lock_release(&server->lock);
    if (*socket_context != NULL && server->has_tls) {
        begin_tls(server, *socket_context, mhd);
    }
}

bool server_admit(struct http_server *server, int fd, const struct sockaddr_storage *address,
                  socklen_t address_bytes)
{
    server->daemon_next = (server->daemon_next + 1) % server->daemon_count;
    return MHD_add_connection(server->daemons[server->daemon_next], fd,
                              (const struct sockaddr *)address, address_bytes) == MHD_YES;
}

/* ---- start and stop ---- */

static size_t keep_escapes(void *context, struct MHD_Connection *mhd, char *text)
{
    (void)context;
    (void)mhd;
    return strlen(text);
}

#define DEFAULT(field, value) ((field) = (field) == 0 ? (value) : (field))

static void fill_defaults(struct http_server_options *options)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    DEFAULT(options->thread_count, cores < 1 ? 1U : (uint32_t)cores);
    DEFAULT(options->query_thread_count, 20);
    DEFAULT(options->query_queue_max, 1000);
    DEFAULT(options->connections_max, 512);
    /* More could not be counted below; libmicrohttpd hangs at its own limit, which is higher. */
    options->connections_max =
        options->connections_max < CONNECTIONS_MOST ? options->connections_max : CONNECTIONS_MOST;
    DEFAULT(options->connections_per_client_max, (options->connections_max * 3 + 3) / 4);
    DEFAULT(options->header_bytes_max, (size_t)16 << 10);
    DEFAULT(options->body_bytes_max, (size_t)10 << 20);
    DEFAULT(options->body_bytes_total_max, (size_t)256 << 20);
    DEFAULT(options->header_timeout, 10 * DUR_SECOND);
    DEFAULT(options->body_timeout, 30 * DUR_SECOND);
    DEFAULT(options->idle_timeout, 5 * DUR_MINUTE);
    DEFAULT(options->write_timeout, DUR_MINUTE);
    DEFAULT(options->stop_timeout, 5 * DUR_SECOND);
    options->prefix = options->prefix == NULL ? "" : options->prefix;
    if (options->thread_count > SERVER_THREADS_MAX) {
        options->thread_count = SERVER_THREADS_MAX;
    }
}

static int start_daemon(struct http_server *server, struct baro_error *err)
{
    const struct http_server_options *options = &server->options;
    /* Twice the bound: libmicrohttpd keeps lists beside the bytes, and its own refusals (which
     * garble their text) shall be left for what is far beyond. Only pages that are used become
     * resident. */
    size_t memory = options->header_bytes_max * 2;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, NULL},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME;
    struct MHD_Daemon *started;

    if (server->has_tls) {
        /* Over epoll libmicrohttpd (0.9.75) asks again and again, without a pause, for the rest of
         * a handshake that a client has begun. */
        flags |= MHD_USE_TLS | MHD_USE_POLL_INTERNAL_THREAD;
        tls[0].ptr_value = (void *)(uintptr_t)server->web->config->cert.ptr;
        tls[1].ptr_value = (void *)(uintptr_t)secret_reveal(server->web->config->key).ptr;
    } else {
        flags |= MHD_USE_EPOLL_INTERNAL_THREAD;
        tls[0].option = MHD_OPTION_END;
    }
    started = MHD_start_daemon(
        flags, 0, NULL, NULL, server_request_step, server, MHD_OPTION_NOTIFY_COMPLETED,
        server_request_free, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
        MHD_OPTION_URI_LOG_CALLBACK, server_request_new, server, MHD_OPTION_UNESCAPE_CALLBACK,
        keep_escapes, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 0, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        memory, MHD_OPTION_CONNECTION_LIMIT, (unsigned)(options->connections_max + 16),
        MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (started == NULL) {
        return error_system(err, errno, "start an HTTP thread");
    }
    server->daemons[server->daemon_count++] = started;
    return 0;
}

static int start(struct http_server *server, struct baro_error *err)
{
    const struct http_server_options *options = &server->options;
    int r;

    server->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (server->wake < 0) {
        return error_system(err, errno, "make an eventfd");
    }
    for (size_t i = 0; i < options->address_count; i++) {
        server->listeners[i] = -1;
        r = server_listen(options->addresses[i], &server->listeners[i], &server->ports[i], err);
        if (r < 0) {
            return r;
        }
        server->listener_count = i + 1;
    }
    server->pool = server_pool_new(options->query_thread_count, options->query_queue_max, err);
    if (server->pool == NULL) {
        return -EAGAIN;
    }
    for (uint32_t i = 0; i < options->thread_count; i++) {
        r = start_daemon(server, err);
        if (r < 0) {
            return r;
        }
    }
    r = pthread_create(&server->accept_thread, NULL, server_accept_loop, server);
    if (r != 0) {
        return error_system(err, r, "start the accept thread");
    }
    (void)pthread_setname_np(server->accept_thread, "http accept");
    server->accept_started = true;
    return 0;
}

int http_server_start(const struct http_server_options *options, struct http_server **ret,
                      struct baro_error *err)
{
    struct http_server *server;
    int r;

    if (options->address_count == 0 || options->address_count > SERVER_LISTENERS_MAX) {
        return error_set(err, BARO_EINVALID, "1 to %d listen addresses are wanted",
                         SERVER_LISTENERS_MAX);
    }
    server = MEM_NEW(struct http_server);
    server->options = *options;
    server->wake = -1;
    fill_defaults(&server->options);
    lock_init(&server->lock, LOCK_HTTP);
    server->routes = server_routes_new(server->options.routes, server->options.route_count);
    if (options->web != NULL) {
        server->web = server_web_ref(options->web);
        server->has_tls = server_web_has_tls(options->web);
    }
    r = start(server, err);
    if (r < 0) {
        (void)http_server_free(server);
        return r;
    }
    *ret = server;
    return 0;
}

uint16_t http_server_port(const struct http_server *server, size_t index)
{
    ASSERT(index < server->listener_count);
    return server->ports[index];
}

static void wake_accept_thread(struct http_server *server)
{
    if (server->wake >= 0) {
        (void)eventfd_write(server->wake, 1);
    }
}

static void cancel_all(struct http_server *server)
{
    lock_acquire(&server->lock);
    for (struct server_connection *connection = server->connections; connection != NULL;
         connection = connection->next) {
        if (connection->exchange != NULL) {
            atomic_store_explicit(&connection->exchange->cancel, true, memory_order_relaxed);
        }
    }
    lock_release(&server->lock);
}

static void wait_for_requests(struct http_server *server)
{
    mono deadline = server_now() + server->options.stop_timeout * MONO_PER_MS;
    struct http_server_stats stats = {0};

    http_server_stats(server, &stats);
    while (stats.requests_open > 0 && server_now() < deadline) {
        struct timespec pause = {.tv_nsec = 2 * MONO_PER_MS};

        (void)nanosleep(&pause, NULL);
        http_server_stats(server, &stats);
    }
}

/*
 * A connection that was handed over just before its event thread ended is closed by libmicrohttpd
 * without a word, for it never became one there. No other thread is left.
 */
static void forget_connections(struct http_server *server)
{
    while (server->connections != NULL) {
        ASSERT(server->connections->exchange == NULL);
        server_connection_free(server, server->connections);
    }
}

void http_server_stop(struct http_server *server)
{
    if (server->stopped) {
        return;
    }
    server->stopped = true;
    atomic_store_explicit(&server->stopping, true, memory_order_release);
    wake_accept_thread(server);
    server_streams_end(server);
    if (server->accept_started) {
        wait_for_requests(server);
    }
    cancel_all(server);
    if (server->pool != NULL) {
        server_pool_stop(server->pool);
    }
    atomic_store_explicit(&server->ending, true, memory_order_release);
    wake_accept_thread(server);
    if (server->accept_started) {
        (void)pthread_join(server->accept_thread, NULL);
    }
    for (size_t i = 0; i < server->daemon_count; i++) {
        MHD_stop_daemon(server->daemons[i]);
    }
    server->daemon_count = 0;
    forget_connections(server);
    server_close_listeners(server);
}

struct http_server *http_server_free(struct http_server *server)
{
    if (server == NULL) {
        return NULL;
    }
    http_server_stop(server);
    ASSERT(server->connections == NULL);
    server->pool = server_pool_free(server->pool);
    for (size_t i = 0; i < server->packer_count; i++) {
        (void)gzip_free(server->packers[i]);
    }
    if (server->wake >= 0) {
        (void)close(server->wake);
    }
    (void)server_web_unref(server->web);
    lock_done(&server->lock);
    server->routes = server_routes_free(server->routes);
    (void)mem_free(server->by_fd);
    (void)mem_free(server);
    return NULL;
}

void http_server_stats(struct http_server *server, struct http_server_stats *ret)
{
    uint64_t counts[ARRAY_COUNT(server->counts)];

    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        counts[i] = atomic_load_explicit(&server->counts[i], memory_order_relaxed);
    }
    memcpy(ret, counts, sizeof(counts));
    if (server->pool != NULL) {
        server_pool_load(server->pool, &ret->queries_running, &ret->queries_waiting);
    }
}
