#include "statsd.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct statsd {
    int fd;
};

int statsd_open(const char *address, struct statsd **ret, struct svc_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    const char *colon = strrchr(address, ':');
    struct statsd *statsd;
    char host[128];
    int r;

    if (address[0] == '\0') {
        *ret = NULL;
        return 0;
    }
    if (colon == NULL || (size_t)(colon - address) >= sizeof(host)) {
        return svc_fail(err, -EINVAL, "--statsd=%.60s: give HOST:PORT", address);
    }
    (void)snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
    r = getaddrinfo(host, colon + 1, &hints, &found);
    if (r != 0) {
        return svc_fail(err, -EINVAL, "--statsd=%.60s: %s", address, gai_strerror(r));
    }
    statsd = calloc(1, sizeof(*statsd));
    r = -ENOMEM;
    if (statsd != NULL) {
        statsd->fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        r = statsd->fd < 0 || connect(statsd->fd, found->ai_addr, found->ai_addrlen) < 0 ? -errno
                                                                                         : 0;
    }
    freeaddrinfo(found);
    if (r < 0) {
        (void)statsd_close(statsd);
        return svc_fail(err, r, "--statsd=%.60s: %s", address, strerrordesc_np(-r));
    }
    *ret = statsd;
    return 0;
}

struct statsd *statsd_close(struct statsd *statsd)
{
    if (statsd != NULL) {
        if (statsd->fd >= 0) {
            (void)close(statsd->fd);
        }
        free(statsd);
    }
    return NULL;
}

static void send_line(struct statsd *statsd, const char *value, const char *format, va_list args)
{
    char line[512] = "airflow.";
    size_t used = strlen(line);
    int len;

    if (statsd == NULL) {
        return;
    }
    len = vsnprintf(line + used, sizeof(line) - used, format, args);
    if (len < 0 || used + (size_t)len + strlen(value) + 1 > sizeof(line)) {
        return;
    }
    used += (size_t)len;
    memcpy(line + used, value, strlen(value));
    (void)send(statsd->fd, line, used + strlen(value), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void statsd_count(struct statsd *statsd, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    send_line(statsd, ":1|c", format, args);
    va_end(args);
}

void statsd_timing(struct statsd *statsd, double seconds, const char *format, ...)
{
    char value[48];
    va_list args;

    (void)snprintf(value, sizeof(value), ":%.3f|ms", seconds * 1000);
    va_start(args, format);
    send_line(statsd, value, format, args);
    va_end(args);
}

void statsd_gauge(struct statsd *statsd, double value, const char *format, ...)
{
    char text[48];
    va_list args;

    (void)snprintf(text, sizeof(text), ":%g|g", value);
    va_start(args, format);
    send_line(statsd, text, format, args);
    va_end(args);
}
