#include "svc.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "svc_priv.h"
#include "svc_request.h"

enum {
    IDLE_S = 75, /* without any byte */
    STACK_BYTES = 512 * 1024,
    CONNECTION_BYTES = 64 * 1024, /* of libmicrohttpd for one connection: request line, headers */
};

void slot_deadline(struct svc_slot *slot, double seconds)
{
    if (slot != NULL) {
        (void)pthread_mutex_lock(&slot->svc->lock);
        slot->deadline_ns = seconds > 0 ? svc_mono_ns() + (int64_t)(seconds * 1e9) : 0;
        (void)pthread_mutex_unlock(&slot->svc->lock);
    }
}

static struct svc_slot *slot_take(struct svc *svc, int fd)
{
    struct svc_slot *slot = NULL;

    (void)pthread_mutex_lock(&svc->lock);
    for (size_t i = 0; i < svc->slot_count && slot == NULL; i++) {
        if (svc->slots[i].fd < 0) {
            slot = &svc->slots[i];
            slot->fd = fd;
            slot->deadline_ns = svc_mono_ns() + (int64_t)(svc->settings->patience_s * 1e9);
        }
    }
    (void)pthread_mutex_unlock(&svc->lock);
    return slot;
}

/* libmicrohttpd calls this before it closes the descriptor, so a slot never names a foreign one. */
static void on_connection(void *context, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode code)
{
    struct svc *svc = context;
    const union MHD_ConnectionInfo *info;
    struct svc_slot *slot = *state;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *state = info != NULL ? slot_take(svc, info->connect_fd) : NULL;
    } else if (slot != NULL) {
        (void)pthread_mutex_lock(&svc->lock);
        slot->fd = -1;
        slot->deadline_ns = 0;
        (void)pthread_mutex_unlock(&svc->lock);
        *state = NULL;
    }
}

/* Ends the connections of clients that drip: libmicrohttpd's own limit is on silence only. */
static void *sweep(void *context)
{
    struct svc *svc = context;
    struct timespec until;

    (void)pthread_mutex_lock(&svc->lock);
    while (!svc->closing) {
        int64_t now_ns = svc_mono_ns();

        for (size_t i = 0; i < svc->slot_count; i++) {
            struct svc_slot *slot = &svc->slots[i];

            if (slot->fd >= 0 && slot->deadline_ns != 0 && slot->deadline_ns < now_ns) {
                (void)shutdown(slot->fd, SHUT_RDWR);
                slot->deadline_ns = 0;
            }
        }
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec++;
        (void)pthread_cond_timedwait(&svc->wake, &svc->lock, &until);
    }
    (void)pthread_mutex_unlock(&svc->lock);
    return NULL;
}

/* Splits "HOST:PORT", "[HOST]:PORT" or ":PORT". */
static int split_listen(const char *listen_on, char *host, size_t size, const char **ret_port)
{
    const char *colon = strrchr(listen_on, ':');
    const char *start = listen_on;
    size_t len;

    if (colon == NULL || colon[1] == '\0' || strspn(colon + 1, "0123456789") != strlen(colon + 1)) {
        return -EINVAL;
    }
    len = (size_t)(colon - listen_on);
    if (len >= 2 && start[0] == '[' && start[len - 1] == ']') {
        start++;
        len -= 2;
    }
    if (len >= size || strtoul(colon + 1, NULL, 10) > 65535) {
        return -EINVAL;
    }
    memcpy(host, start, len);
    host[len] = '\0';
    *ret_port = colon + 1;
    return 0;
}

static int listen_at(const struct addrinfo *at)
{
    enum { BACKLOG = 128 };
    int on = 1;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r;

    if (fd < 0) {
        return -errno;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
        r = -errno;
        (void)close(fd);
        return r;
    }
    return fd;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof(bound);

    (void)getsockname(fd, (struct sockaddr *)&bound, &len);
    return ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                             : ((struct sockaddr_in *)&bound)->sin_port);
}

int svc_listen_socket(const char *listen_on, uint16_t *ret_port, struct svc_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    char host[256];
    const char *port = NULL;
    int fd = split_listen(listen_on, host, sizeof(host), &port);
    int r;

    if (fd < 0) {
        return svc_fail(err, fd, "--listen=%.100s: give HOST:PORT, as in 127.0.0.1:5000",
                        listen_on);
    }
    r = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &found);
    if (r != 0) {
        return svc_fail(err, -EADDRNOTAVAIL, "--listen=%.100s: %s", listen_on, gai_strerror(r));
    }
    fd = listen_at(found);
    freeaddrinfo(found);
    if (fd == -EADDRINUSE) {
        return svc_fail(err, fd,
                        "--listen=%.100s: the port is taken: end what holds it, or give "
                        "another port (0 picks a free one)",
                        listen_on);
    }
    if (fd < 0) {
        return svc_fail(err, fd, "--listen=%.100s: %s", listen_on, strerrordesc_np(-fd));
    }
    *ret_port = bound_port(fd);
    return fd;
}

static struct svc *svc_new(const struct svc_service *service, const struct svc_settings *settings)
{
    struct svc *svc = calloc(1, sizeof(*svc));
    pthread_condattr_t monotonic;

    if (svc == NULL) {
        return NULL;
    }
    svc->service = service;
    svc->settings = settings;
    svc->start_ns = svc_mono_ns();
    svc->limit = svc_limit_new(settings->rate, settings->burst);
    svc->slot_count = (size_t)settings->connections_max;
    svc->slots = calloc(svc->slot_count, sizeof(*svc->slots));
    (void)pthread_mutex_init(&svc->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&svc->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    if (svc->limit == NULL || svc->slots == NULL) {
        return svc_free(svc);
    }
    for (size_t i = 0; i < svc->slot_count; i++) {
        svc->slots[i] = (struct svc_slot){.svc = svc, .fd = -1};
    }
    return svc;
}

static struct MHD_Daemon *start_daemon(struct svc *svc, int fd)
{
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                     MHD_USE_POLL | MHD_ALLOW_UPGRADE | MHD_USE_ITC;

    return MHD_start_daemon(
        flags, 0, NULL, NULL, svc_on_request, svc, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_NOTIFY_COMPLETED, svc_on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, svc, MHD_OPTION_CONNECTION_LIMIT, (unsigned)svc->slot_count,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_BYTES, MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

int svc_start(const struct svc_service *service, const struct svc_settings *settings,
              struct svc **ret, struct svc_error *err)
{
    struct svc *svc = svc_new(service, settings);
    uint16_t port = 0;
    int fd;
    int r = svc == NULL ? svc_fail(err, -ENOMEM, "%s: out of memory", service->name) : 0;

    if (r == 0 && service->start != NULL) {
        r = service->start(service->context, svc, err);
    }
    if (r < 0) {
        (void)svc_free(svc);
        return r;
    }
    fd = svc_listen_socket(settings->listen, &port, err);
    svc->port = port;
    if (fd >= 0) {
        svc->daemon = start_daemon(svc, fd);
    }
    if (fd >= 0 && svc->daemon == NULL) {
        (void)close(fd);
        fd = svc_fail(err, -EAGAIN, "%s: the HTTP server does not start", service->name);
    }
    if (fd < 0) {
        if (service->stop != NULL) {
            service->stop(service->context);
        }
        if (service->done != NULL) {
            service->done(service->context);
        }
        (void)svc_free(svc);
        return fd;
    }
    svc->has_sweeper = pthread_create(&svc->sweeper, NULL, sweep, svc) == 0;
    *ret = svc;
    return 0;
}

void svc_finish(struct svc *svc)
{
    svc->ending = true;
}

struct svc *svc_free(struct svc *svc)
{
    if (svc == NULL) {
        return NULL;
    }
    svc->ending = true;
    if (svc->daemon != NULL) {
        MHD_stop_daemon(svc->daemon);
    }
    if (svc->has_sweeper) {
        (void)pthread_mutex_lock(&svc->lock);
        svc->closing = true;
        (void)pthread_cond_signal(&svc->wake);
        (void)pthread_mutex_unlock(&svc->lock);
        (void)pthread_join(svc->sweeper, NULL);
    }
    (void)pthread_mutex_destroy(&svc->lock);
    (void)pthread_cond_destroy(&svc->wake);
    (void)svc_limit_free(svc->limit);
    free(svc->slots);
    free(svc);
    return NULL;
}

uint16_t svc_port(const struct svc *svc)
{
    return svc->port;
}

const struct svc_faults *svc_faults(const struct svc *svc)
{
    return &svc->settings->faults;
}

const _Atomic bool *svc_ending(const struct svc *svc)
{
    return &svc->ending;
}

static sigset_t end_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    return set;
}

void svc_signals_block(void)
{
    sigset_t set = end_signals();

    (void)signal(SIGPIPE, SIG_IGN);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void svc_wait(struct svc *svc)
{
    sigset_t set = end_signals();
    struct timespec second = {.tv_sec = 1};

    for (;;) {
        int got = sigtimedwait(&set, NULL, &second);

        if (got > 0) {
            svc_log("info", "ending", "signal", got == SIGTERM ? "SIGTERM" : "SIGINT", NULL);
            return;
        }
        if (svc->service->tick != NULL) {
            svc->service->tick(svc->service->context);
        }
    }
}

/* A second signal during the end is for one who will not wait. */
static void *second_signal(void *context)
{
    sigset_t set = end_signals();
    int got = 0;

    (void)context;
    (void)sigwait(&set, &got);
    svc_log("warn", "ending at once", NULL);
    _exit(1);
}

static void end(const struct svc_service *service, struct svc *svc)
{
    pthread_t watcher;
    bool done = true;

    if (pthread_create(&watcher, NULL, second_signal, NULL) == 0) {
        (void)pthread_detach(watcher);
    }
    svc_finish(svc);
    if (service->drain != NULL) {
        done = service->drain(service->context, svc->settings->drain_s);
    }
    if (service->stop != NULL) {
        service->stop(service->context);
    }
    (void)svc_free(svc);
    if (service->done != NULL) {
        service->done(service->context);
    }
    svc_log("info", "ended", "jobs_left", done ? "no" : "yes", NULL);
}

int svc_run(const struct svc_service *service, int argc, char **argv)
{
    static struct svc_settings settings; /* outlives every thread */
    struct svc_error err = {{0}};
    struct svc *svc = NULL;
    int r;

    svc_signals_block();
    r = svc_args(service, argc, argv, &settings, &err);
    if (r > 0) {
        return 0;
    }
    if (r == 0) {
        r = svc_start(service, &settings, &svc, &err);
    }
    if (r < 0) {
        (void)fprintf(stderr, "%s: %s\n", service->name, err.text);
        return r == -EINVAL ? 2 : 1;
    }
    (void)printf("%s: listening on port %u\n", service->name, svc_port(svc));
    (void)fflush(stdout);
    svc_wait(svc);
    end(service, svc);
    return 0;
}
