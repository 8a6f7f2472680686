#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "http/server_priv.h"

enum { HOST_BYTES_MAX = 256, BACKLOG = 1024 };

struct place {
    char host[HOST_BYTES_MAX]; /* empty = all interfaces */
    char port[8];
};

static int split(const char *address, struct place *ret, struct baro_error *err)
{
    str text = str_from(address);
    size_t colon = SIZE_MAX;
    str host;
    str port;
    uint64_t number = 0;

    for (size_t i = 0; i < text.len; i++) {
        colon = text.ptr[i] == ':' ? i : colon;
    }
    if (colon == SIZE_MAX) {
        return error_set(err, BARO_EINVALID, "listen on \"%s\": missing port in address", address);
    }
    host = str_slice(text, 0, colon);
    port = str_from_index(text, colon + 1);
    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']') {
        host = str_slice(host, 1, host.len - 1);
    } else if (str_index_char(host, ':') != SIZE_MAX) {
        return error_set(err, BARO_EINVALID,
                         "listen on \"%s\": an IPv6 address stands in brackets, [::1]:9090",
                         address);
    }
    if (!num_parse_u64(port, &number) || number > UINT16_MAX || host.len >= HOST_BYTES_MAX) {
        return error_set(err, BARO_EINVALID, "listen on \"%s\": the port is not 0 to 65535",
                         address);
    }
    (void)snprintf(ret->host, sizeof(ret->host), "%.*s", STR_ARG(host));
    (void)snprintf(ret->port, sizeof(ret->port), "%u", (unsigned)number);
    return 0;
}

static int open_socket(const struct addrinfo *info, bool dual, int *ret_fd)
{
    int on = 1;
    int off = 0;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    int failed;

    if (fd < 0) {
        return -errno;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (info->ai_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, dual ? &off : &on, sizeof(on));
    }
    if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
        failed = -errno;
        (void)close(fd);
        return failed;
    }
    *ret_fd = fd;
    return 0;
}

static uint16_t bound_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    socklen_t size = sizeof(address);

    if (getsockname(fd, &address.any, &size) < 0) {
        return 0;
    }
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

/* Without a host the IPv6 socket takes IPv4 clients too; a kernel without IPv6 gets an IPv4 one. */
static const struct addrinfo *preferred(const struct addrinfo *list, bool all_interfaces)
{
    for (const struct addrinfo *info = list; info != NULL; info = info->ai_next) {
        if (all_interfaces && info->ai_family == AF_INET6) {
            return info;
        }
    }
    return list;
}

int server_listen(const char *address, int *ret_fd, uint16_t *ret_port, struct baro_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *list = NULL;
    struct place place = {0};
    bool all;
    int r = split(address, &place, err);

    if (r < 0) {
        return r;
    }
    all = place.host[0] == '\0';
    r = getaddrinfo(all ? NULL : place.host, place.port, &hints, &list);
    if (r != 0) {
        return error_set(err, BARO_EINVALID, "listen on \"%s\": %s", address, gai_strerror(r));
    }
    r = open_socket(preferred(list, all), all, ret_fd);
    if (r < 0 && all && preferred(list, false)->ai_family != AF_INET6) {
        r = open_socket(list, false, ret_fd);
    }
    freeaddrinfo(list);
    if (r == -EADDRINUSE) {
        return error_set(err, r,
                         "listen on %s: the port is taken by another program; end that program "
                         "or choose another address with --web.listen-address",
                         address);
    }
    if (r < 0) {
        return error_system(err, -r, "listen on %s", address);
    }
    *ret_port = bound_port(*ret_fd);
    return 0;
}
