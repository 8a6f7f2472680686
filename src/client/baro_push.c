/* Where nobody scrapes: a file for node_exporter's textfile collector, and the Pushgateway. */
#include "client/baro_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Text file
 * ------------------------------------------------------------------------------------- */

static int to_fd(void *context, const void *bytes, size_t size)
{
    int fd = *(const int *)context;
    const char *at = bytes;

    while (size > 0) {
        ssize_t n = write(fd, at, size);

        if (n < 0 && errno != EINTR) {
            return -1;
        }
        at += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* The name of the new file ends with the pid, not with .prom, so that the collector does not read
 * it half written. */
int baro_textfile_write(struct baro_registry *registry, const char *path, struct baro_why *why)
{
    char next[4096];
    int length;
    int fd;
    int result;

    baro_why_clear(why);
    if (path == NULL || path[0] == '\0') {
        baro_misuse();
        return baro_fail(why, BARO_BAD_ARGUMENT, "text file: no path");
    }
    if (!baro_enabled()) {
        return BARO_OK;
    }
    length = snprintf(next, sizeof(next), "%s.%ld", path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof(next)) {
        return baro_fail(why, BARO_BAD_ARGUMENT, "text file: the path is too long");
    }
    fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        return baro_fail(why, BARO_IO, "text file %.150s: cannot be made: is the directory there?",
                         next);
    }
    result = baro_expose(registry, NULL, to_fd, &fd);
    if (close(fd) < 0 || result < 0 || rename(next, path) < 0) {
        (void)unlink(next);
        return baro_fail(why, BARO_IO, "text file %.150s: cannot be written: is the disk full?",
                         path);
    }
    return BARO_OK;
}

/* ---- Pushgateway: a URL
 * ------------------------------------------------------------------------------ */

struct target {
    char host[256];
    char port[8];
    char prefix[512];
};

static int target_parse(const char *url, struct target *ret, struct baro_why *why)
{
    const char *host = url == NULL || strncmp(url, "http://", 7) != 0 ? NULL : url + 7;
    const char *end = host == NULL ? NULL : host + strcspn(host, "/?#");
    const char *colon = NULL;
    const char *prefix;
    size_t prefix_size;
    bool is_cut;

    if (host == NULL || *end == '?' || *end == '#' ||
        memchr(host, '@', (size_t)(end - host)) != NULL) {
        return baro_fail(why, BARO_BAD_ARGUMENT, "push: the URL is not http://host:port[/prefix]");
    }
    for (const char *at = end; at > host && colon == NULL; at--) {
        colon = at[-1] == ':' ? at - 1 : NULL;
        if (at[-1] == ']') {
            break;
        }
    }
    (void)snprintf(ret->port, sizeof(ret->port), "%.*s", colon == NULL ? 2 : (int)(end - colon - 1),
                   colon == NULL ? "80" : colon + 1);
    end = colon == NULL ? end : colon;
    if (*host == '[' && end[-1] == ']') {
        host++;
        end--;
    }
    (void)snprintf(ret->host, sizeof(ret->host), "%.*s", (int)(end - host), host);
    prefix = strchr(url + 7, '/') == NULL ? "" : strchr(url + 7, '/');
    (void)snprintf(ret->prefix, sizeof(ret->prefix), "%s", prefix);
    prefix_size = strlen(ret->prefix);
    is_cut = prefix_size != strlen(prefix) ||
             (colon != NULL && strlen(ret->port) != strlen(colon + 1) - strlen(prefix));
    if (prefix_size > 0 && ret->prefix[prefix_size - 1] == '/') {
        ret->prefix[prefix_size - 1] = '\0';
    }
    if (is_cut || strlen(ret->host) != (size_t)(end - host) || ret->host[0] == '\0' ||
        ret->port[0] == '\0' || ret->prefix[strcspn(ret->prefix, " \t\r\n?#")] != '\0') {
        return baro_fail(why, BARO_BAD_ARGUMENT, "push: the URL's host or path is not one");
    }
    return BARO_OK;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void put_base64(struct baro_out *out, const char *bytes, size_t size, const char *digits)
{
    for (size_t i = 0; i < size; i += 3) {
        uint32_t bits = (uint32_t)(unsigned char)bytes[i] << 16;
        char four[4];

        bits |= i + 1 < size ? (uint32_t)(unsigned char)bytes[i + 1] << 8 : 0;
        bits |= i + 2 < size ? (unsigned char)bytes[i + 2] : 0;
        for (int j = 0; j < 4; j++) {
            four[j] = digits[bits >> (18 - 6 * j) & 63];
        }
        four[2] = i + 1 < size ? four[2] : '=';
        four[3] = i + 2 < size ? four[3] : '=';
        baro_out_put(out, four, 4);
    }
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

/* /name/value; a value that is empty or has a slash goes as name@base64, as the Pushgateway wants
 * it. */
static void put_grouping(struct baro_out *out, const char *name, const char *value)
{
    static const char hex[] = "0123456789ABCDEF";

    baro_out_text(out, "/");
    baro_out_text(out, name);
    if (value[0] == '\0' || strchr(value, '/') != NULL) {
        char digits[65];

        memcpy(digits, base64_digits, sizeof(digits));
        digits[62] = '-';
        digits[63] = '_';
        baro_out_text(out, "@base64/");
        put_base64(out, value, strlen(value), digits);
        baro_out_text(out, value[0] == '\0' ? "=" : "");
        return;
    }
    baro_out_text(out, "/");
    for (const char *at = value; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        char escape[3] = {'%', hex[c >> 4], hex[c & 15]};

        if (is_plain(*at)) {
            baro_out_put(out, at, 1);
        } else {
            baro_out_put(out, escape, 3);
        }
    }
}

static int request_put(struct baro_out *out, const struct baro_push_options *options,
                       const struct target *target, const char *method, size_t body_size)
{
    baro_out_text(out, method);
    baro_out_text(out, " ");
    baro_out_text(out, target->prefix);
    baro_out_text(out, "/metrics");
    put_grouping(out, "job", options->job);
    for (size_t i = 0; i < options->grouping_count; i++) {
        put_grouping(out, options->grouping[i].name, options->grouping[i].value);
    }
    baro_out_text(out, " HTTP/1.1\r\nHost: ");
    baro_out_text(out, strchr(target->host, ':') != NULL ? "[" : "");
    baro_out_text(out, target->host);
    baro_out_text(out, strchr(target->host, ':') != NULL ? "]:" : ":");
    baro_out_text(out, target->port);
    baro_out_text(out, "\r\nUser-Agent: libbaro/" BARO_VERSION
                       "\r\nConnection: close\r\nContent-Type: ");
    baro_out_text(out, baro_format_content_type(BARO_TEXT));
    baro_out_text(out, "\r\nContent-Length: ");
    baro_out_u64(out, body_size);
    if (options->username != NULL) {
        struct baro_out pair;

        baro_out_init(&pair, NULL, NULL, false);
        baro_out_text(&pair, options->username);
        baro_out_text(&pair, ":");
        baro_out_text(&pair, options->password == NULL ? "" : options->password);
        baro_out_text(out, "\r\nAuthorization: Basic ");
        put_base64(out, pair.bytes, pair.size, base64_digits);
        if (pair.failed == 0) {
            memset(pair.bytes, 0, pair.size);
        }
        baro_out_done(&pair);
    }
    baro_out_text(out, "\r\n\r\n");
    return out->failed;
}

/* ---- A connection with one deadline
 * -------------------------------------------------------------------- */

/* A signal of the program's is no end of the wait. */
static bool wait_for(int fd, short events, int64_t deadline_ns)
{
    enum { WAIT_MS_MAX = 1000000 };

    for (;;) {
        struct pollfd poll_fd = {fd, events, 0};
        int64_t left_ms = (deadline_ns - baro_now_ns()) / 1000000;
        int ready;

        if (left_ms < 0) {
            return false;
        }
        ready = poll(&poll_fd, 1, left_ms < WAIT_MS_MAX ? (int)left_ms + 1 : WAIT_MS_MAX);
        if (ready != 0 && !(ready < 0 && errno == EINTR)) {
            return ready > 0;
        }
    }
}

static int connect_one(const struct addrinfo *address, int64_t deadline_ns)
{
    int failed = 0;
    socklen_t size = sizeof(failed);
    int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    address->ai_protocol);

    if (fd < 0) {
        return -1;
    }
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
        return fd;
    }
    if (errno == EINPROGRESS && wait_for(fd, POLLOUT, deadline_ns) &&
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) == 0 && failed == 0) {
        return fd;
    }
    (void)close(fd);
    return -1;
}

static int connect_to(const struct target *target, int64_t deadline_ns, struct baro_why *why)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(target->host, target->port, &hints, &found);
    int fd = -1;

    if (failed != 0) {
        return baro_fail(why, BARO_IO, "push: %.100s: %s", target->host, gai_strerror(failed));
    }
    for (struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next) {
        fd = connect_one(at, deadline_ns);
    }
    freeaddrinfo(found);
    return fd >= 0 ? fd
                   : baro_fail(why, BARO_IO, "push: %.100s:%s: no connection", target->host,
                               target->port);
}

static bool send_all(int fd, const char *bytes, size_t size, int64_t deadline_ns)
{
    while (size > 0) {
        ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return false;
        }
        if (n < 0 && !wait_for(fd, POLLOUT, deadline_ns)) {
            return false;
        }
        bytes += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* A server may leave the connection open though it was asked to close it. */
static bool is_good(const char *answer)
{
    return strncmp(answer, "HTTP/1.", 7) == 0 && strlen(answer) > 9 && answer[9] == '2' &&
           strstr(answer, "\r\n\r\n") != NULL;
}

/* The answer as far as its start tells something: the status and the beginning of the body. */
static void receive(int fd, char *answer, size_t size, int64_t deadline_ns)
{
    size_t have = 0;

    for (answer[0] = '\0'; have + 1 < size && !is_good(answer); answer[have] = '\0') {
        ssize_t n = recv(fd, answer + have, size - 1 - have, MSG_DONTWAIT);

        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            break;
        }
        if (n < 0 && !wait_for(fd, POLLIN, deadline_ns)) {
            break;
        }
        have += n > 0 ? (size_t)n : 0;
    }
    answer[have] = '\0';
}

static int answer_check(const char *answer, struct baro_why *why)
{
    const char *body = strstr(answer, "\r\n\r\n");
    const char *line_end = strstr(answer, "\r\n");

    if (strncmp(answer, "HTTP/1.", 7) != 0 || line_end == NULL || line_end - answer < 12) {
        return baro_fail(why, BARO_IO, "push: the Pushgateway did not answer in time");
    }
    if (answer[9] == '2') {
        return BARO_OK;
    }
    return baro_fail(why, BARO_IO, "push: the Pushgateway refused: %.*s %.120s",
                     (int)(line_end - answer - 9), answer + 9, body == NULL ? "" : body + 4);
}

static int exchange(const struct target *target, const struct baro_out *head, const char *body,
                    size_t body_size, int64_t deadline_ns, struct baro_why *why)
{
    char answer[4096];
    int fd = connect_to(target, deadline_ns, why);
    bool is_sent;
    int result;

    if (fd < 0) {
        return fd;
    }
    is_sent = send_all(fd, head->bytes, head->size, deadline_ns) &&
              send_all(fd, body, body_size, deadline_ns);
    /* Who refuses a body may say so before all of it has come. */
    receive(fd, answer, sizeof(answer), deadline_ns);
    result =
        is_sent || answer[0] != '\0'
            ? answer_check(answer, why)
            : baro_fail(why, BARO_IO, "push: %.100s: the connection ended early", target->host);
    (void)close(fd);
    return result;
}

enum { PUSH_TIMEOUT_MS = 10000 };

static int options_check(const struct baro_push_options *options, struct baro_why *why)
{
    if (options == NULL || options->job == NULL || options->job[0] == '\0' ||
        (options->grouping_count > 0 && options->grouping == NULL)) {
        baro_misuse();
        return baro_fail(why, BARO_BAD_ARGUMENT, "push: no job");
    }
    for (size_t i = 0; i < options->grouping_count; i++) {
        if (!baro_name_is_label(options->grouping[i].name) || options->grouping[i].value == NULL) {
            baro_misuse();
            return baro_fail(why, BARO_BAD_NAME, "push: grouping %zu: not a label", i);
        }
    }
    return BARO_OK;
}

static int push(const struct baro_push_options *options, const char *method, const char *body,
                size_t body_size, struct baro_why *why)
{
    int64_t timeout_ms = options->timeout_ms == 0 ? PUSH_TIMEOUT_MS : options->timeout_ms;
    int64_t deadline_ns = baro_now_ns() + timeout_ms * 1000000;
    struct target target;
    struct baro_out head;
    int result = target_parse(options->url, &target, why);

    if (result < 0) {
        return result;
    }
    baro_out_init(&head, NULL, NULL, false);
    result = request_put(&head, options, &target, method, body_size);
    if (result == BARO_OK) {
        result = exchange(&target, &head, body, body_size, deadline_ns, why);
    } else {
        (void)baro_fail(why, result, "push: no memory");
    }
    baro_out_done(&head);
    return result;
}

int baro_push(struct baro_registry *registry, const struct baro_push_options *options,
              struct baro_why *why)
{
    size_t size = 0;
    char *body;
    int result;

    baro_why_clear(why);
    if (!baro_enabled()) {
        return BARO_OK;
    }
    result = options_check(options, why);
    if (result < 0) {
        return result;
    }
    body = baro_expose_alloc(registry, NULL, &size);
    if (body == NULL) {
        return baro_fail(why, BARO_NO_MEMORY, "push: no memory");
    }
    result = push(options, options->replace ? "PUT" : "POST", body, size, why);
    free(body);
    return result;
}

int baro_push_delete(const struct baro_push_options *options, struct baro_why *why)
{
    int result;

    baro_why_clear(why);
    if (!baro_enabled()) {
        return BARO_OK;
    }
    result = options_check(options, why);
    return result < 0 ? result : push(options, "DELETE", "", 0, why);
}
