/* The answers of svc.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "svc_request.h"

void request_answer(struct request *request, int status, struct MHD_Response *response,
                    size_t body_bytes)
{
    if (request->response != NULL) {
        MHD_destroy_response(request->response);
    }
    request->response = response;
    request->status = status;
    request->response_bytes = body_bytes;
    request->error_type = NULL;
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value);
}

void svc_answer_header(struct svc_request *public, const char *name, const char *value)
{
    struct request *request = request_of(public);
    size_t i = request->header_count;

    if (i < HEADERS_MAX) {
        (void)snprintf(request->headers[i].name, sizeof(request->headers[i].name), "%s", name);
        (void)snprintf(request->headers[i].value, sizeof(request->headers[i].value), "%s", value);
        request->header_count++;
    }
}

void svc_answer_bytes(struct svc_request *public, int status, const char *content_type,
                      void *ptr_consume, size_t len)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len, ptr_consume, MHD_RESPMEM_MUST_FREE);

    if (response == NULL) {
        free(ptr_consume);
        return;
    }
    add_header(response, "Content-Type", content_type);
    request_answer(request_of(public), status, response, len);
}

void svc_answer_text(struct svc_request *public, int status, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    int len;

    va_start(args, format);
    len = vasprintf(&text, format, args);
    va_end(args);
    if (len >= 0) {
        svc_answer_bytes(public, status, "text/plain; charset=utf-8", text, (size_t)len);
    }
}

void svc_answer_json(struct svc_request *public, int status, json_t *value_consume)
{
    char *text = value_consume != NULL
                     ? json_dumps(value_consume, JSON_COMPACT | JSON_REAL_PRECISION(9))
                     : NULL;

    json_decref(value_consume);
    if (text != NULL) {
        svc_answer_bytes(public, status, "application/json", text, strlen(text));
    }
}

void svc_answer_error(struct svc_request *public, int status, const char *type, const char *format,
                      ...)
{
    char message[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    svc_answer_json(public, status,
                    json_pack("{s:s, s:s+}", "error", type, "message", message, ""));
    if (request_of(public)->response == NULL) {
        /* The text is not UTF-8: it quotes the client. */
        svc_answer_json(public, status, json_pack("{s:s}", "error", type));
    }
    request_of(public)->error_type = type;
}

void svc_answer_file(struct svc_request *public, const char *content_type, const char *path,
                     const char *filename)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat info;
    struct MHD_Response *response = NULL;
    char disposition[256];

    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
        response = MHD_create_response_from_fd64((uint64_t)info.st_size, fd);
    }
    if (response == NULL) {
        if (fd >= 0) {
            (void)close(fd);
        }
        svc_answer_error(public, 404, "not_found", "the file is gone: generate it again");
        return;
    }
    add_header(response, "Content-Type", content_type);
    if (filename != NULL) {
        (void)snprintf(disposition, sizeof(disposition), "attachment; filename=\"%s\"", filename);
        add_header(response, "Content-Disposition", disposition);
    }
    request_answer(request_of(public), 200, response, (size_t)info.st_size);
}

struct stream {
    ssize_t (*read)(void *context, char *to, size_t max);
    void (*done)(void *context);
    void *context;
};

static ssize_t stream_read(void *context, uint64_t position, char *to, size_t max)
{
    struct stream *stream = context;
    ssize_t got = stream->read(stream->context, to, max);

    (void)position;
    if (got == 0) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    return got > 0 ? got : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void stream_done(void *context)
{
    struct stream *stream = context;

    if (stream->done != NULL) {
        stream->done(stream->context);
    }
    free(stream);
}

void svc_answer_stream(struct svc_request *public, int status, const char *content_type,
                       ssize_t (*read_some)(void *context, char *to, size_t max),
                       void (*done)(void *context), void *context)
{
    enum { BLOCK_BYTES = 4096 };
    struct stream *stream = malloc(sizeof(*stream));
    struct MHD_Response *response = NULL;

    if (stream != NULL) {
        *stream = (struct stream){.read = read_some, .done = done, .context = context};
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, stream_read,
                                                     stream, stream_done);
    }
    if (response == NULL) {
        free(stream);
        if (done != NULL) {
            done(context);
        }
        return;
    }
    add_header(response, "Content-Type", content_type);
    request_answer(request_of(public), status, response, 0);
}

void svc_answer_response(struct svc_request *public, int status,
                         struct MHD_Response *response_consume, size_t body_bytes)
{
    request_answer(request_of(public), status, response_consume, body_bytes);
}

void svc_answered_so_far(const struct svc_request *public, int *ret_status,
                         const char **ret_error_type)
{
    const struct request *request = (const struct request *)public;

    *ret_status = request->response != NULL ? request->status : 500;
    *ret_error_type = request->error_type;
}

enum MHD_Result request_send(struct request *request)
{
    double patience_s = ANSWER_PATIENCE * request->public.svc->settings->patience_s;
    enum MHD_Result result;

    if (request->response == NULL) {
        svc_answer_error(&request->public, 500, "internal",
                         "%s: no answer was made: the log says why", request->public.endpoint);
    }
    if (request->response == NULL) {
        return MHD_NO; /* out of memory: the connection ends */
    }
    for (size_t i = 0; i < request->header_count; i++) {
        add_header(request->response, request->headers[i].name, request->headers[i].value);
    }
    slot_deadline(request->slot, request->status == MHD_HTTP_SWITCHING_PROTOCOLS ? 0 : patience_s);
    result = MHD_queue_response(request->public.connection, (unsigned)request->status,
                                request->response);
    MHD_destroy_response(request->response);
    request->response = NULL;
    if (request->status == MHD_HTTP_SWITCHING_PROTOCOLS) {
        request_observe(request); /* the socket's own life is not the request's time */
    }
    return result;
}

void builtin_health(struct svc_request *public)
{
    struct svc *svc = public->svc;
    const struct svc_service *service = svc->service;
    json_t *components = json_object();
    bool is_well = service->health == NULL || service->health(service->context, components);
    int bad = service->unhealthy_status != 0 ? service->unhealthy_status : 503;
    const char *word = svc->ending ? "draining" : is_well ? "healthy" : "unhealthy";
    char now[SVC_TIME_ISO_SIZE];

    svc_time_iso(now);
    svc_answer_json(public,
                    svc->ending ? 503
                    : is_well   ? 200
                                : bad,
                    json_pack("{s:s, s:s, s:f, s:o, s:s}", "status", word, "service", service->name,
                              "uptime_seconds", svc_since_s(svc->start_ns), "components",
                              components, "timestamp", now));
}

void builtin_index(struct svc_request *public)
{
    const struct svc_service *service = public->svc->service;
    json_t *routes = json_array();

    for (size_t i = 0; i < service->route_count; i++) {
        const struct svc_route *route = &service->routes[i];

        if ((route->flags & SVC_HIDDEN) == 0) {
            (void)json_array_append_new(routes,
                                        json_pack("{s:s, s:s, s:s}", "method", route->method,
                                                  "path", route->path, "help", route->help));
        }
    }
    svc_answer_json(public, 200,
                    json_pack("{s:s, s:s, s:o}", "service", service->name, "summary",
                              service->summary, "routes", routes));
}
