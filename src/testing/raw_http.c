#include "testing/raw_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "testing/test.h"

int raw_http_connect(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

bool raw_http_send(int fd, str text)
{
    size_t sent = 0;

    while (sent < text.len) {
        ssize_t n = send(fd, text.ptr + sent, text.len - sent, MSG_NOSIGNAL);

        if (n <= 0) {
            return false;
        }
        sent += (size_t)n;
    }
    return true;
}

/* Appends what arrives next; false at the end or when nothing comes in time. */
static bool read_more(int fd, struct buf *buf, size_t most)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    char *room = buf_reserve(buf, most);
    ssize_t n;

    assert_non_null(room);
    if (poll(&poller, 1, RAW_HTTP_WAIT_MS) <= 0) {
        return false;
    }
    n = recv(fd, room, most, 0);
    if (n <= 0) {
        return false;
    }
    buf->len += (size_t)n;
    return true;
}

/* Byte by byte up to the empty line, so that nothing of a later response is taken. */
static bool read_head(int fd, struct buf *head)
{
    while (!str_has_suffix(buf_view(head), STR("\r\n\r\n"))) {
        if (!read_more(fd, head, 1)) {
            return false;
        }
    }
    return true;
}

void raw_http_read(int fd, bool is_head, struct raw_response *ret)
{
    uint64_t status = 0;
    uint64_t length = 0;
    str text;

    *ret = (struct raw_response){0};
    if (!read_head(fd, &ret->head)) {
        ret->at_end = true;
        return;
    }
    assert_true(num_parse_u64(str_slice(buf_view(&ret->head), 9, 12), &status));
    ret->status = (int)status;
    if (status == 100) {
        raw_http_done(ret);
        raw_http_read(fd, is_head, ret);
        return;
    }
    text = raw_http_header(ret, "Content-Length");
    if (is_head || status == 204 || !num_parse_u64(text, &length)) {
        return;
    }
    while (ret->body.len < length) {
        if (!read_more(fd, &ret->body, (size_t)(length - ret->body.len))) {
            ret->at_end = true;
            return;
        }
    }
}

void raw_http_done(struct raw_response *response)
{
    buf_done(&response->head);
    buf_done(&response->body);
    response->status = 0;
}

str raw_http_header(const struct raw_response *response, const char *name)
{
    str rest = buf_view(&response->head);

    for (str line; str_split_next(&rest, '\n', &line);) {
        size_t colon = str_index_char(line, ':');

        if (colon != SIZE_MAX && str_eq_nocase(str_slice(line, 0, colon), str_from(name))) {
            return str_trim(str_from_index(line, colon + 1));
        }
    }
    return STR_NULL;
}

bool raw_http_is_closed(int fd, int wait_ms)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    char bytes[1024];

    while (poll(&poller, 1, wait_ms) > 0) {
        if (recv(fd, bytes, sizeof(bytes), 0) <= 0) {
            return true;
        }
    }
    return false;
}

void raw_http_get(uint16_t port, const char *target, const char *headers, struct raw_response *ret)
{
    struct buf text = {0};
    int fd = raw_http_connect(port);

    buf_printf(&text, "GET %s HTTP/1.1\r\nHost: test\r\n%s\r\n", target, headers);
    (void)raw_http_send(fd, buf_view(&text));
    raw_http_read(fd, false, ret);
    (void)close(fd);
    buf_done(&text);
}

void raw_http_form(uint16_t port, const char *target, str body, struct raw_response *ret)
{
    struct buf text = {0};
    int fd = raw_http_connect(port);

    buf_printf(&text,
               "POST %s HTTP/1.1\r\nHost: test\r\n"
               "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n",
               target, body.len);
    buf_str(&text, body);
    (void)raw_http_send(fd, buf_view(&text));
    raw_http_read(fd, false, ret);
    (void)close(fd);
    buf_done(&text);
}
