#include "client/baro_server_priv.h"

#include <strings.h>

/* A request's head: what is used of it. Values point into the connection's buffer and end with NUL.
 */
struct request {
    char *method;
    char *target;
    bool is_http11;
    const char *accept;
    const char *accept_encoding;
    const char *authorization;
    bool closes; /* Connection: close */
    bool has_body;
};

/* Where the head ends (behind its empty line), 0 when it has not come in whole. A bare \n ends a
 * line too. */
static size_t head_end(const char *head, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++) {
        if (head[i] == '\n' && head[i + 1] == '\n') {
            return i + 2;
        }
        if (i + 2 < size && head[i] == '\n' && head[i + 1] == '\r' && head[i + 2] == '\n') {
            return i + 3;
        }
    }
    return 0;
}

/* One of a list: "keep-alive, Close". */
static bool list_has(const char *list, const char *word)
{
    size_t size = strlen(word);

    for (const char *at = list; *at != '\0'; at += strcspn(at, ", \t"), at += strspn(at, ", \t")) {
        if (strncasecmp(at, word, size) == 0 && strchr(", \t", at[size]) != NULL) {
            return true;
        }
    }
    return false;
}

static void header(struct request *request, const char *name, const char *value)
{
    if (strcasecmp(name, "accept") == 0) {
        request->accept = value;
    } else if (strcasecmp(name, "accept-encoding") == 0) {
        request->accept_encoding = value;
    } else if (strcasecmp(name, "authorization") == 0) {
        request->authorization = value;
    } else if (strcasecmp(name, "connection") == 0) {
        request->closes |= list_has(value, "close");
    } else if (strcasecmp(name, "transfer-encoding") == 0) {
        request->has_body = true;
    } else if (strcasecmp(name, "content-length") == 0) {
        request->has_body |= strcmp(value, "0") != 0;
    }
}

static char *line_end(char *line)
{
    char *end = strchr(line, '\n');

    if (end == NULL) {
        return line + strlen(line);
    }
    *end = '\0';
    for (char *last = end; last > line && strchr("\r \t", last[-1]) != NULL; last--) {
        last[-1] = '\0';
    }
    return end + 1;
}

/* METHOD TARGET HTTP/1.x */
static bool request_line(struct request *request, char *line)
{
    char *version;

    request->method = line;
    request->target = strchr(line, ' ');
    if (request->target == NULL) {
        return false;
    }
    *request->target++ = '\0';
    version = strchr(request->target, ' ');
    if (version == NULL || strncmp(version + 1, "HTTP/1.", 7) != 0 || request->target[0] != '/') {
        return false;
    }
    *version++ = '\0';
    request->is_http11 = version[7] != '0';
    request->target[strcspn(request->target, "?#")] = '\0';
    return true;
}

/* The head ends with a NUL in place of its last \n. A name with blanks in it, before the colon or
 * in front as of a folded line, may be read in two ways by two programs: it is refused. */
static bool request_parse(struct request *request, char *head)
{
    char *line = head;
    char *next = line_end(line);

    memset(request, 0, sizeof(*request));
    if (!request_line(request, line)) {
        return false;
    }
    for (line = next; *line != '\0' && strcmp(line, "\r") != 0; line = next) {
        char *colon;

        next = line_end(line);
        colon = strchr(line, ':');
        if (colon == NULL || colon == line) {
            return false;
        }
        *colon = '\0';
        if (line[strcspn(line, " \t\r")] != '\0') {
            return false;
        }
        header(request, line, colon + 1 + strspn(colon + 1, " \t"));
    }
    return true;
}

static const char *reason_of(int status)
{
    return status == 200   ? "OK"
           : status == 400 ? "Bad Request"
           : status == 401 ? "Unauthorized"
           : status == 404 ? "Not Found"
           : status == 405 ? "Method Not Allowed"
           : status == 431 ? "Request Header Fields Too Large"
           : status == 503 ? "Service Unavailable"
                           : "Internal Server Error";
}

struct answer {
    int status;
    const char *type;
    const char *extra; /* whole header lines */
    struct baro_out body;
    bool is_gzip;
    bool is_head;
};

static void answer_put(struct baro_server_connection *c, const struct answer *answer)
{
    struct baro_out *out = &c->answer;

    baro_out_init(out, NULL, NULL, false);
    baro_out_text(out, "HTTP/1.1 ");
    baro_out_u64(out, (uint64_t)answer->status);
    baro_out_text(out, " ");
    baro_out_text(out, reason_of(answer->status));
    baro_out_text(out, "\r\nContent-Type: ");
    baro_out_text(out, answer->type);
    baro_out_text(out, "\r\nContent-Length: ");
    baro_out_u64(out, answer->body.size);
    baro_out_text(out, answer->is_gzip ? "\r\nContent-Encoding: gzip" : "");
    baro_out_text(out, "\r\n");
    baro_out_text(out, answer->extra);
    baro_out_text(out, c->keep_alive ? "\r\n" : "Connection: close\r\n\r\n");
    if (!answer->is_head && answer->body.size > 0) {
        baro_out_put(out, answer->body.bytes, answer->body.size);
    }
    if (answer->body.failed != 0 && out->failed == 0) {
        out->failed = answer->body.failed;
    }
}

static int to_body(void *context, const void *bytes, size_t size)
{
    struct baro_out *body = context;

    baro_out_put(body, bytes, size);
    return body->failed;
}

static void answer_metrics(struct baro_server_site *site, const struct request *request,
                           struct answer *answer)
{
    struct baro_expose_options options = {.format = baro_format_negotiate(request->accept),
                                          .gzip = baro_gzip_negotiate(request->accept_encoding)};
    int result;

    if (site->is_text_only && options.format == BARO_OPENMETRICS) {
        options.format = BARO_TEXT;
    }
    result = baro_expose(site->registry, &options, to_body, &answer->body);
    if (result < 0) {
        answer->body.size = 0;
        answer->status = 503;
        baro_out_text(&answer->body, "metrics: out of memory\n");
        return;
    }
    answer->status = 200;
    answer->type = baro_format_content_type(options.format);
    answer->is_gzip = options.gzip;
}

static void answer_plain(struct answer *answer, int status, const char *text)
{
    answer->status = status;
    baro_out_text(&answer->body, text);
}

static void answer_request(struct baro_server_site *site, const struct request *request,
                           struct answer *answer)
{
    answer->is_head = strcmp(request->method, "HEAD") == 0;
    if (strcmp(request->method, "GET") != 0 && !answer->is_head) {
        answer->extra = "Allow: GET, HEAD\r\n";
        answer_plain(answer, 405, "use GET\n");
    } else if (!baro_web_config_allows(&site->config, request->authorization)) {
        answer->extra = "WWW-Authenticate: Basic realm=\"metrics\", charset=\"UTF-8\"\r\n";
        answer_plain(answer, 401, "a user name and password are needed\n");
    } else if (strcmp(request->target, site->path) == 0) {
        answer_metrics(site, request, answer);
    } else if (strcmp(request->target, site->health_path) == 0) {
        answer->status = baro_health_status(baro_health_put(site->registry, &answer->body));
        answer->type = "application/json";
    } else {
        answer_plain(answer, 404, "metrics are at ");
        baro_out_text(&answer->body, site->path);
        baro_out_text(&answer->body, "\n");
    }
}

size_t baro_server_answer(struct baro_server_site *site, struct baro_server_connection *c)
{
    struct answer answer = {.type = "text/plain; charset=utf-8", .extra = ""};
    struct request request;
    size_t size = head_end(c->head, c->head_size);

    if (size == 0 && c->head_size < sizeof(c->head)) {
        return 0;
    }
    baro_out_init(&answer.body, NULL, NULL, false);
    c->keep_alive = false;
    if (size == 0) {
        size = c->head_size;
        answer_plain(&answer, 431, "the request's head is too long\n");
    } else {
        c->head[size - 1] = '\0';
        if (memchr(c->head, '\0', size - 1) != NULL || !request_parse(&request, c->head) ||
            request.has_body) {
            answer_plain(&answer, 400, "not a request for metrics\n");
        } else {
            c->keep_alive = request.is_http11 && !request.closes;
            answer_request(site, &request, &answer);
        }
    }
    answer_put(c, &answer);
    baro_out_done(&answer.body);
    return size;
}
