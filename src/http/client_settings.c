#include "http/client_settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/mem.h"
#include "codec/base64.h"
#include "conf/prom_config.h"
#include "http/client.h"
#include "http/client_grant.h"
#include "http/client_proxy.h"

enum { SECRET_FILE_BYTES_MAX = 1 << 20 };

int client_tls_version(str name)
{
    static const char *const names[] = {"", "TLS10", "TLS11", "TLS12", "TLS13"};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (str_is(name, names[i])) {
            return (int)i;
        }
    }
    return -1;
}

static int file_read(str name, struct buf *ret, struct baro_error *err)
{
    char *path = str_dup_c(name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 0;
    int result = 0;

    if (fd < 0) {
        result = error_system(err, errno, "unable to read file %s", path);
        (void)mem_free(path);
        return result;
    }
    do {
        char *room = buf_reserve(ret, 4096);

        got = room != NULL ? read(fd, room, 4096) : 0;
        ret->len += got > 0 ? (size_t)got : 0;
    } while (got > 0 && ret->len < SECRET_FILE_BYTES_MAX);
    if (got < 0) {
        result = error_system(err, errno, "unable to read file %s", path);
    } else if (got > 0 || ret->failed) {
        result = error_set(err, BARO_ELIMIT, "file %s is too long", path);
    }
    (void)close(fd);
    (void)mem_free(path);
    return result;
}

static int file_readable(str name, struct baro_error *err)
{
    struct buf content = {0};
    int result = name.len == 0 ? 0 : file_read(name, &content, err);

    buf_done(&content);
    return result;
}

static int tls_check(const struct prom_tls *tls, struct baro_error *err)
{
    int result = 0;

    if (tls->ca_ref.len + tls->cert_ref.len + tls->key_ref.len > 0) {
        return error_set(err, BARO_EUNSUPPORTED, "TLS references are not supported yet");
    }
    if (client_tls_version(tls->min_version) < 0 || client_tls_version(tls->max_version) < 0) {
        return error_set(err, BARO_EINVALID, "unknown TLS version");
    }
    result = file_readable(tls->ca_file, err);
    if (result >= 0) {
        result = file_readable(tls->cert_file, err);
    }
    if (result >= 0) {
        result = file_readable(tls->key_file, err);
    }
    return result;
}

/* ---- texts as files ---- */

static int text_open(str text, int *ret, struct baro_error *err)
{
    int fd;

    if (text.len == 0) {
        return 0;
    }
    fd = memfd_create("tls_config", MFD_CLOEXEC);
    if (fd < 0) {
        return error_system(err, errno, "keep a text of tls_config");
    }
    *ret = fd;
    for (size_t done = 0; done < text.len;) {
        ssize_t n = write(fd, text.ptr + done, text.len - done);

        if (n < 0 && errno != EINTR) {
            return error_system(err, errno, "keep a text of tls_config");
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int client_texts_open(const struct prom_tls *tls, struct client_texts *ret, struct baro_error *err)
{
    int result = 0;

    *ret = (struct client_texts){-1, -1, -1};
    if (tls != NULL) {
        result = text_open(tls->ca, &ret->ca, err);
        result = result < 0 ? result : text_open(tls->cert, &ret->cert, err);
        result = result < 0 ? result : text_open(secret_reveal(tls->key), &ret->key, err);
    }
    if (result < 0) {
        client_texts_close(ret);
    }
    return result;
}

void client_texts_close(struct client_texts *texts)
{
    int *const all[] = {&texts->ca, &texts->cert, &texts->key};

    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        if (*all[i] >= 0) {
            (void)close(*all[i]);
        }
        *all[i] = -1;
    }
}

char *client_texts_name(int text, str file)
{
    struct buf name = {0};

    if (text >= 0) {
        buf_printf(&name, "/proc/self/fd/%d", text);
        return buf_take_c(&name);
    }
    return file.len > 0 ? str_dup_c(file) : NULL;
}

/* ---- the settings ---- */

int http_client_check(const struct prom_http *settings, struct baro_error *err)
{
    int result = settings->oauth2 != NULL ? client_grant_check(settings->oauth2, err) : 0;

    if (result < 0) {
        return result;
    }
    if ((settings->basic_auth != NULL &&
         settings->basic_auth->username_ref.len + settings->basic_auth->password_ref.len > 0) ||
        (settings->authorization != NULL && settings->authorization->credentials_ref.len > 0)) {
        return error_set(err, BARO_EUNSUPPORTED, "secret references are not supported yet");
    }
    result = client_proxy_check(settings, err);
    return result >= 0 && settings->tls != NULL ? tls_check(settings->tls, err) : result;
}

bool client_settings_have_headers(const struct prom_http *settings)
{
    return settings->basic_auth != NULL || settings->authorization != NULL ||
           (settings->http_headers != NULL && settings->http_headers->count > 0);
}

/* Where headers go, and the line that is being made. */
struct sink {
    void (*add)(const char *line, void *context);
    void *context;
    struct buf line;
    struct baro_error *err;
};

/* A line break inside a value would let it add headers of its own. */
static int sink_flush(struct sink *sink, const char *what)
{
    str line = buf_view(&sink->line);
    int result = 0;

    if (str_index_char(line, '\n') != SIZE_MAX || str_index_char(line, '\r') != SIZE_MAX ||
        str_index_char(line, '\0') != SIZE_MAX || sink->line.failed) {
        result = error_set(sink->err, BARO_EINVALID, "%s holds a line break", what);
    } else {
        buf_char(&sink->line, '\0');
        sink->add(sink->line.ptr, sink->context);
    }
    buf_reset(&sink->line);
    return result;
}

int client_settings_value(struct buf *buf, str text, str file, struct baro_error *err)
{
    struct buf content = {0};
    int result = 0;

    if (file.len == 0) {
        buf_str(buf, text);
        return 0;
    }
    result = file_read(file, &content, err);
    if (result >= 0) {
        buf_str(buf, str_trim(buf_view(&content)));
    }
    buf_done(&content);
    return result;
}

static int basic_auth_add(struct sink *sink, const struct prom_basic_auth *auth)
{
    struct buf pair = {0};
    int result = client_settings_value(&pair, auth->username, auth->username_file, sink->err);

    buf_char(&pair, ':');
    if (result >= 0) {
        result = client_settings_value(&pair, secret_reveal(auth->password), auth->password_file,
                                       sink->err);
    }
    buf_c(&sink->line, "Authorization: Basic ");
    base64_encode(&sink->line, buf_view(&pair), false);
    buf_done(&pair);
    return result < 0 ? result : sink_flush(sink, "basic_auth");
}

static int authorization_add(struct sink *sink, const struct prom_authorization *auth)
{
    int result = 0;

    buf_printf(&sink->line, "Authorization: %.*s ", STR_ARG(auth->type));
    result = client_settings_value(&sink->line, secret_reveal(auth->credentials),
                                   auth->credentials_file, sink->err);
    return result < 0 ? result : sink_flush(sink, "authorization");
}

static int header_value_add(struct sink *sink, str name, str text, str file)
{
    int result = 0;

    buf_printf(&sink->line, "%.*s: ", STR_ARG(name));
    result = client_settings_value(&sink->line, text, file, sink->err);
    return result < 0 ? result : sink_flush(sink, "http_headers");
}

static int header_add(struct sink *sink, const struct prom_header *header)
{
    int result = 0;

    for (size_t i = 0; i < header->values.count && result >= 0; i++) {
        result = header_value_add(sink, header->name, header->values.items[i], STR_NULL);
    }
    for (size_t i = 0; i < header->secret_count && result >= 0; i++) {
        result = header_value_add(sink, header->name, secret_reveal(header->secrets[i]), STR_NULL);
    }
    for (size_t i = 0; i < header->files.count && result >= 0; i++) {
        result = header_value_add(sink, header->name, STR_NULL, header->files.items[i]);
    }
    return result;
}

int client_settings_headers(const struct prom_http *settings,
                            void (*add)(const char *line, void *context), void *context,
                            struct baro_error *err)
{
    struct sink sink = {.add = add, .context = context, .err = err};
    int result = 0;

    if (settings->basic_auth != NULL) {
        result = basic_auth_add(&sink, settings->basic_auth);
    }
    if (settings->authorization != NULL && result >= 0) {
        result = authorization_add(&sink, settings->authorization);
    }
    for (size_t i = 0;
         settings->http_headers != NULL && i < settings->http_headers->count && result >= 0; i++) {
        result = header_add(&sink, &settings->http_headers->items[i]);
    }
    buf_done(&sink.line);
    return result;
}

const char *client_url_show(const char *url, char *ret, size_t size)
{
    str text = str_from(url);
    size_t scheme = str_index(text, STR("://"));
    size_t start = scheme == SIZE_MAX ? 0 : scheme + 3;
    size_t colon = SIZE_MAX;
    size_t at = SIZE_MAX;

    for (size_t i = start; i < text.len && strchr("/?#", text.ptr[i]) == NULL; i++) {
        at = text.ptr[i] == '@' ? i : at;
        colon = text.ptr[i] == ':' && colon == SIZE_MAX ? i : colon;
    }
    if (at == SIZE_MAX || colon > at) {
        (void)snprintf(ret, size, "%s", url);
    } else {
        (void)snprintf(ret, size, "%.*s:***%s", (int)colon, url, url + at);
    }
    return ret;
}

void client_detour_make(const char *url, str name, struct client_detour *ret)
{
    static const char scheme[] = "https://";
    str rest = str_from(url);
    struct buf text = {0};
    size_t end = 0;
    size_t colon = SIZE_MAX;
    str host;
    str port = STR("443");

    if (!str_has_prefix(rest, STR("https://"))) {
        return;
    }
    rest = str_from_index(rest, sizeof(scheme) - 1);
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?') {
        colon = rest.ptr[end] == ':' ? end : rest.ptr[end] == ']' ? SIZE_MAX : colon;
        end++;
    }
    host = str_slice(rest, 0, colon != SIZE_MAX ? colon : end);
    if (colon != SIZE_MAX) {
        port = str_slice(rest, colon + 1, end);
    }
    buf_printf(&text, "https://%.*s:%.*s%.*s", STR_ARG(name), STR_ARG(port),
               STR_ARG(str_from_index(rest, end)));
    ret->url = buf_take_c(&text);
    buf_printf(&text, "%.*s:%.*s:%.*s:%.*s", STR_ARG(name), STR_ARG(port), STR_ARG(host),
               STR_ARG(port));
    ret->connect_to = buf_take_c(&text);
    buf_printf(&text, "Host: %.*s", STR_ARG(str_slice(rest, 0, end)));
    ret->host_header = buf_take_c(&text);
}

void client_detour_done(struct client_detour *detour)
{
    (void)mem_free(detour->url);
    (void)mem_free(detour->connect_to);
    (void)mem_free(detour->host_header);
    *detour = (struct client_detour){0};
}
