#include "http/client_proxy.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/prom_config.h"
#include "conf/url.h"

enum {
    ADDRESS_BYTES = 16,
    V4_AT = 12, /* of an IPv4 address in the form of IPv6 */
    HTTP_PORT = 80,
    HTTPS_PORT = 443,
    SOCKS_PORT = 1080,
};

static const uint8_t v4_head[V4_AT] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

/* What is not proxied. */
struct exception {
    bool is_address;
    uint8_t address[ADDRESS_BYTES];
    unsigned bits; /* of the address that count */
    char *domain;  /* else: with a dot in front, in lower case */
    bool has_host; /* the domain's own name counts too */
    str port;      /* of the text below; empty = any */
};

struct client_proxy {
    char *by_http;  /* for http:// URLs; NULL = none */
    char *by_https; /* for https:// URLs */
    bool is_always; /* loopback and exceptions do not count */
    bool is_never;  /* the list is "*" */
    char *list;     /* in lower case; the exceptions borrow from it */
    struct exception *exceptions;
    size_t count;
};

/* ---- texts ---- */

static char *text_lower(str text)
{
    char *copy = str_dup_c(text);

    for (char *c = copy; *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    }
    return copy;
}

static bool address_parse(str text, uint8_t *ret)
{
    char copy[INET6_ADDRSTRLEN];

    if (text.len >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, ret + V4_AT) == 1) {
        memcpy(ret, v4_head, V4_AT);
        return true;
    }
    return inet_pton(AF_INET6, copy, ret) == 1;
}

static bool address_is_v4(const uint8_t *address)
{
    return memcmp(address, v4_head, V4_AT) == 0;
}

static bool address_is_loopback(const uint8_t *address)
{
    static const uint8_t v6[ADDRESS_BYTES] = {[ADDRESS_BYTES - 1] = 1};

    return address_is_v4(address) ? address[V4_AT] == 127 : memcmp(address, v6, sizeof(v6)) == 0;
}

static bool address_starts_with(const uint8_t *address, const uint8_t *prefix, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned rest = bits % 8;
    unsigned mask = 0xFFU << (8 - rest) & 0xFFU;

    return memcmp(address, prefix, whole) == 0 &&
           (rest == 0 || ((address[whole] ^ prefix[whole]) & mask) == 0);
}

/* As net.SplitHostPort: false where there is no port, or more than one colon outside of brackets.
 */
static bool split_port(str text, str *ret_host, str *ret_port)
{
    size_t bracket = text.len > 0 && text.ptr[0] == '[' ? str_index_char(text, ']') : SIZE_MAX;
    size_t colon = bracket != SIZE_MAX ? bracket + 1 : str_index_char(text, ':');

    if (colon == SIZE_MAX || colon >= text.len || text.ptr[colon] != ':' ||
        str_index_char(str_from_index(text, colon + 1), ':') != SIZE_MAX) {
        return false;
    }
    *ret_host = bracket != SIZE_MAX ? str_slice(text, 1, bracket) : str_slice(text, 0, colon);
    *ret_port = str_from_index(text, colon + 1);
    return true;
}

/* ---- the list ---- */

static bool prefix_parse(str text, struct exception *ret)
{
    size_t slash = str_index_char(text, '/');
    str digits = slash != SIZE_MAX ? str_from_index(text, slash + 1) : STR_NULL;
    unsigned bits = 0;

    if (digits.len == 0 || digits.len > 3 ||
        !address_parse(str_slice(text, 0, slash), ret->address)) {
        return false;
    }
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9') {
            return false;
        }
        bits = bits * 10 + (unsigned)(digits.ptr[i] - '0');
    }
    /* An IPv4 prefix has a colon only when it is written as IPv6. */
    if (str_index_char(text, ':') == SIZE_MAX) {
        bits += 8 * V4_AT;
    }
    ret->is_address = true;
    ret->bits = bits;
    return bits <= 8 * ADDRESS_BYTES;
}

static bool exception_parse(str text, struct exception *ret)
{
    str host = text;
    str port = STR_NULL;
    struct buf domain = {0};

    if (prefix_parse(text, ret)) {
        return true;
    }
    *ret = (struct exception){0};
    (void)split_port(text, &host, &port);
    if (host.len == 0) {
        return false;
    }
    ret->port = port;
    if (address_parse(host, ret->address)) {
        ret->is_address = true;
        ret->bits = 8 * ADDRESS_BYTES;
        return true;
    }
    host = str_has_prefix(host, STR("*.")) ? str_from_index(host, 1) : host;
    ret->has_host = host.ptr[0] != '.';
    buf_c(&domain, ret->has_host ? "." : "");
    buf_str(&domain, host);
    ret->domain = buf_take_c(&domain);
    return true;
}

static void list_parse(struct client_proxy *proxy, str list)
{
    size_t commas = 0;
    str rest;

    proxy->list = text_lower(list);
    rest = str_from(proxy->list);
    for (size_t i = 0; i < rest.len; i++) {
        commas += rest.ptr[i] == ',';
    }
    proxy->exceptions = mem_alloc_zero((commas + 1) * sizeof(*proxy->exceptions));
    for (size_t i = 0; i <= commas && !proxy->is_never; i++) {
        size_t comma = str_index_char(rest, ',');
        str item = str_trim(str_slice(rest, 0, comma != SIZE_MAX ? comma : rest.len));

        rest = comma != SIZE_MAX ? str_from_index(rest, comma + 1) : STR_NULL;
        proxy->is_never = str_is(item, "*");
        if (item.len > 0 && !proxy->is_never &&
            exception_parse(item, &proxy->exceptions[proxy->count])) {
            proxy->count++;
        }
    }
}

static bool exception_holds(const struct exception *exception, str host, str port,
                            const uint8_t *address)
{
    str domain = str_from(exception->domain);

    if (exception->port.len > 0 && !str_eq(exception->port, port)) {
        return false;
    }
    if (address != NULL || exception->is_address) {
        return address != NULL && exception->is_address &&
               address_starts_with(address, exception->address, exception->bits);
    }
    return str_has_suffix(host, domain) ||
           (exception->has_host && str_eq(host, str_from_index(domain, 1)));
}

/* ---- the proxies ---- */

/* Go's SOCKS5 leaves names to the proxy, which libcurl calls socks5h. NULL where there is none, or
 * none that can be read. */
static char *proxy_parse(str text)
{
    struct url url = {0};
    struct buf whole = {0};
    char *scheme = NULL;

    if (text.len == 0) {
        return NULL;
    }
    if (url_parse(text, &url, NULL) < 0 || url.scheme.len == 0 || url.host.len == 0) {
        buf_printf(&whole, "http://%.*s", STR_ARG(text));
        if (url_parse(buf_view(&whole), &url, NULL) < 0) {
            buf_done(&whole);
            return NULL;
        }
        return buf_take_c(&whole);
    }
    scheme = text_lower(url.scheme);
    buf_c(&whole, str_is(str_from(scheme), "socks5") ? "socks5h" : scheme);
    buf_str(&whole, str_from_index(text, url.scheme.len));
    (void)mem_free(scheme);
    return buf_take_c(&whole);
}

static str environment(const char *upper, const char *lower)
{
    const char *value = getenv(upper);

    value = value != NULL && value[0] != '\0' ? value : getenv(lower);
    return str_from(value);
}

struct client_proxy *client_proxy_new(const struct prom_http *settings)
{
    struct client_proxy *proxy = MEM_NEW(struct client_proxy);

    if (settings->proxy_from_environment) {
        proxy->by_http = proxy_parse(environment("HTTP_PROXY", "http_proxy"));
        proxy->by_https = proxy_parse(environment("HTTPS_PROXY", "https_proxy"));
        list_parse(proxy, environment("NO_PROXY", "no_proxy"));
    } else {
        proxy->by_http = proxy_parse(settings->proxy_url);
        proxy->by_https = proxy_parse(settings->proxy_url);
        proxy->is_always = settings->no_proxy.len == 0;
        list_parse(proxy, settings->no_proxy);
    }
    return proxy;
}

struct client_proxy *client_proxy_free(struct client_proxy *proxy)
{
    if (proxy == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < proxy->count; i++) {
        (void)mem_free(proxy->exceptions[i].domain);
    }
    (void)mem_free(proxy->exceptions);
    (void)mem_free(proxy->list);
    (void)mem_free(proxy->by_http);
    (void)mem_free(proxy->by_https);
    return mem_free(proxy);
}

static bool is_excepted(const struct client_proxy *proxy, str host, str port)
{
    uint8_t bytes[ADDRESS_BYTES];
    const uint8_t *address = address_parse(host, bytes) ? bytes : NULL;
    char *name = NULL;
    bool found = proxy->is_never || str_is(host, "localhost") ||
                 (address != NULL && address_is_loopback(address));

    name = text_lower(host);
    for (size_t i = 0; i < proxy->count && !found; i++) {
        found = exception_holds(&proxy->exceptions[i], str_from(name), port, address);
    }
    (void)mem_free(name);
    return found;
}

static int default_port(const char *proxy)
{
    str text = str_from(proxy);

    return str_has_prefix(text, STR("http://"))    ? HTTP_PORT
           : str_has_prefix(text, STR("https://")) ? HTTPS_PORT
                                                   : SOCKS_PORT;
}

struct client_way client_proxy_pick(const struct client_proxy *proxy, const char *url)
{
    struct url parts = {0};
    bool is_https = false;
    const char *found = NULL;
    str host;
    str port;

    if ((proxy->by_http == NULL && proxy->by_https == NULL) ||
        url_parse(str_from(url), &parts, NULL) < 0) {
        return (struct client_way){0};
    }
    is_https = str_eq_nocase(parts.scheme, STR("https"));
    found = is_https                                   ? proxy->by_https
            : str_eq_nocase(parts.scheme, STR("http")) ? proxy->by_http
                                                       : NULL;
    host = parts.host;
    port = is_https ? STR("443") : STR("80");
    if (!split_port(parts.host, &host, &port) && host.len > 1 && host.ptr[0] == '[') {
        host = str_slice(host, 1, host.len - 1);
    }
    if (found == NULL || (!proxy->is_always && is_excepted(proxy, host, port))) {
        return (struct client_way){0};
    }
    return (struct client_way){.proxy = found, .port = default_port(found), .is_tunnel = is_https};
}

/* ---- headers for CONNECT ---- */

static bool is_one_line(str text)
{
    return str_index_char(text, '\n') == SIZE_MAX && str_index_char(text, '\r') == SIZE_MAX &&
           str_index_char(text, '\0') == SIZE_MAX;
}

int client_proxy_check(const struct prom_http *settings, struct baro_error *err)
{
    const struct prom_headers *headers = settings->proxy_connect_header;

    for (size_t i = 0; headers != NULL && i < headers->count; i++) {
        const struct prom_header *header = &headers->items[i];
        bool good = header->name.len > 0 && is_one_line(header->name) &&
                    str_index_char(header->name, ':') == SIZE_MAX;

        for (size_t k = 0; k < header->secret_count; k++) {
            good = good && is_one_line(secret_reveal(header->secrets[k]));
        }
        if (!good) {
            return error_set(err, BARO_EINVALID,
                             "proxy_connect_header holds a line break or a name that is none");
        }
    }
    return 0;
}

void client_proxy_headers(const struct prom_http *settings,
                          void (*add)(const char *line, void *context), void *context)
{
    const struct prom_headers *headers = settings->proxy_connect_header;
    struct buf line = {0};

    for (size_t i = 0; headers != NULL && i < headers->count; i++) {
        const struct prom_header *header = &headers->items[i];

        for (size_t k = 0; k < header->secret_count; k++) {
            str value = str_trim(secret_reveal(header->secrets[k]));

            buf_reset(&line);
            buf_str(&line, header->name);
            buf_c(&line, value.len > 0 ? ": " : ";");
            buf_str(&line, value);
            buf_char(&line, '\0');
            if (!line.failed) {
                add(line.ptr, context);
            }
        }
    }
    buf_done(&line);
}
