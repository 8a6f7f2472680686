#include "conf/url.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static int refuse(struct baro_error *err, str text, const char *why)
{
    return error_set(err, BARO_EPARSE, "parse \"%.*s\": %s", STR_ARG(text), why);
}

/* Returns the bytes of "scheme:", 0 when there is none, SIZE_MAX when the colon stands first. */
static size_t scheme_size(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == ':') {
            return i == 0 ? SIZE_MAX : i + 1;
        }
        if (!is_letter(c) && (i == 0 || (!is_digit(c) && c != '+' && c != '-' && c != '.'))) {
            return 0;
        }
    }
    return 0;
}

static int check_escapes(str text, str part, struct baro_error *err)
{
    for (size_t i = 0; i < part.len; i++) {
        if (part.ptr[i] == '%' &&
            (i + 2 >= part.len || !is_hex(part.ptr[i + 1]) || !is_hex(part.ptr[i + 2]))) {
            return error_set(err, BARO_EPARSE, "parse \"%.*s\": invalid URL escape \"%.*s\"",
                             STR_ARG(text), STR_ARG(str_slice(part, i, i + 3)));
        }
    }
    return 0;
}

static int check_host(str text, str host, struct baro_error *err)
{
    size_t colon = SIZE_MAX;
    size_t bracket = str_index_char(host, ']');

    if (host.len > 0 && host.ptr[0] == '[' && bracket == SIZE_MAX) {
        return refuse(err, text, "missing ']' in host");
    }
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];

        if (c == ':' && (bracket == SIZE_MAX || i > bracket)) {
            colon = i;
        }
        if (c == ' ' || c == '"' || c == '<' || c == '>' || c == '\\' || c == '^' || c == '`' ||
            c == '{' || c == '|' || c == '}') {
            return error_set(err, BARO_EPARSE,
                             "parse \"%.*s\": invalid character \"%c\" in host name", STR_ARG(text),
                             c);
        }
    }
    for (size_t i = colon != SIZE_MAX ? colon + 1 : host.len; i < host.len; i++) {
        if (!is_digit(host.ptr[i])) {
            return error_set(err, BARO_EPARSE, "parse \"%.*s\": invalid port \"%.*s\" after host",
                             STR_ARG(text), STR_ARG(str_from_index(host, colon)));
        }
    }
    return 0;
}

static int parse_authority(str text, str rest, struct url *url, struct baro_error *err)
{
    size_t end = 0;
    size_t at = SIZE_MAX;

    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?' && rest.ptr[end] != '#') {
        at = rest.ptr[end] == '@' ? end : at;
        end++;
    }
    str authority = str_slice(rest, 0, end);

    url->path = str_from_index(rest, end);
    url->host = authority;
    if (at != SIZE_MAX) {
        url->user = str_slice(authority, 0, at);
        url->host = str_from_index(authority, at + 1);
        url->has_password = str_index_char(url->user, ':') != SIZE_MAX;
    }
    return check_host(text, url->host, err);
}

int url_parse(str text, struct url *ret, struct baro_error *err)
{
    struct url url = {.path = text};
    size_t scheme = scheme_size(text);

    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7F) {
            return refuse(err, text, "net/url: invalid control character in URL");
        }
    }
    if (scheme == SIZE_MAX) {
        return refuse(err, text, "missing protocol scheme");
    }
    str rest = str_from_index(text, scheme);
    url.scheme = str_slice(text, 0, scheme > 0 ? scheme - 1 : 0);
    url.path = rest;
    if (str_has_prefix(rest, STR("//"))) {
        int r = parse_authority(text, str_from_index(rest, 2), &url, err);

        if (r < 0) {
            return r;
        }
    } else if (scheme == 0) {
        size_t colon = str_index_char(rest, ':');

        if (colon != SIZE_MAX && colon < str_index_char(rest, '/')) {
            return refuse(err, text, "first path segment in URL cannot contain colon");
        }
    }
    int r = check_escapes(text, str_slice(url.path, 0, str_index_char(url.path, '?')), err);
    if (r >= 0) {
        *ret = url;
    }
    return r;
}

str url_redacted(struct arena *arena, str text)
{
    struct url url = {0};

    if (url_parse(text, &url, NULL) < 0 || !url.has_password) {
        return text;
    }
    return arena_printf(arena, "%.*s://%.*s:xxxxx@%.*s%.*s", STR_ARG(url.scheme),
                        STR_ARG(str_slice(url.user, 0, str_index_char(url.user, ':'))),
                        STR_ARG(url.host), STR_ARG(url.path));
}
