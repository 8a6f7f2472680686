/*
 * Request metrics and /metrics for a server that is built on libmicrohttpd. Two lines of the call
 * that starts it change: the handler is wrapped, and its end is noticed.
 *
 *     static struct baro_mhd metrics = {.handler = answer, .endpoint = endpoint_of, .path =
 * "/metrics"};
 *
 *     metrics.http = baro_http_new(NULL, NULL);
 *     MHD_start_daemon(flags, port, NULL, NULL,
 *                      baro_mhd_handler, &metrics,                                        (was:
 * answer, NULL) MHD_OPTION_NOTIFY_COMPLETED, baro_mhd_completed, &metrics,         (new)
 *                      MHD_OPTION_END);
 *
 * Each request then counts in http_requests_total{method,endpoint,status}, its time, sizes and
 * concurrency likewise (baro_http_new in baro.h). Needs libmicrohttpd 0.9.73 or later. The
 * functions are inline: libbaro itself does not link libmicrohttpd.
 */
#ifndef BARO_MHD_H
#define BARO_MHD_H

#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include <baro/baro.h>

#ifdef __cplusplus
extern "C" {
#endif

struct baro_mhd {
    struct baro_http *http;
    MHD_AccessHandlerCallback handler; /* the program's own, */
    void *handler_context;             /* and its first argument */
    /* The endpoint's template for a path, such as "/jobs/{id}"; NULL = unmatched. Without it paths
     * are told apart by their first segment, and endpoints_max bounds how many. The text must live
     * until the request ends. */
    const char *(*endpoint)(void *context, const char *method, const char *path);
    void *endpoint_context;
    MHD_RequestCompletedCallback completed; /* the program's own, or NULL */
    void *completed_context;
    const char *path;               /* "/metrics" is answered here; NULL = it is not */
    struct baro_registry *registry; /* what that shows; NULL = the global one */
};

/* What a request is remembered by; the program's handler has its own pointer in it. */
struct baro_mhd_request {
    struct baro_http_request timing;
    void *own;
    const char *endpoint;
    char segment[64]; /* "/first", where there is no endpoint function */
    char trace_id[33];
    uint64_t received;
    uint64_t sent_before;
    bool is_metrics;
};

static inline int baro_mhd_socket_(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    return info == NULL ? -1 : (int)info->connect_fd;
}

/* The trace id of a W3C traceparent header, "00-<32 digits>-...". */
static inline void baro_mhd_trace_(struct MHD_Connection *connection, char *ret)
{
    const char *parent = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "traceparent");

    ret[0] = '\0';
    if (parent != NULL && strlen(parent) >= 55 && parent[2] == '-' && parent[35] == '-' &&
        strspn(parent + 3, "0123456789abcdef") == 32) {
        memcpy(ret, parent + 3, 32);
        ret[32] = '\0';
    }
}

static inline void baro_mhd_segment_(const char *path, char *ret, size_t size)
{
    size_t length = path[0] == '/' ? 1 + strcspn(path + 1, "/") : 0;

    length = length < size ? length : size - 1;
    memcpy(ret, path, length);
    ret[length] = '\0';
}

static inline struct baro_mhd_request *baro_mhd_begin_(struct baro_mhd *mhd,
                                                       struct MHD_Connection *connection,
                                                       const char *path, const char *method)
{
    struct baro_mhd_request *request = (struct baro_mhd_request *)calloc(1, sizeof(*request));

    if (request == NULL) {
        return NULL;
    }
    request->is_metrics = mhd->path != NULL && strcmp(path, mhd->path) == 0;
    request->sent_before = baro_socket_bytes_sent(baro_mhd_socket_(connection));
    baro_mhd_trace_(connection, request->trace_id);
    if (request->is_metrics) {
        request->endpoint = mhd->path;
    } else if (mhd->endpoint != NULL) {
        request->endpoint = mhd->endpoint(mhd->endpoint_context, method, path);
    } else {
        baro_mhd_segment_(path, request->segment, sizeof(request->segment));
        request->endpoint = request->segment;
    }
    baro_http_begin(mhd->http, method, &request->timing);
    return request;
}

/* baro_mhd_metrics answers a request with the exposition of a registry, in the format and encoding
 * that it asks for. */
static inline enum MHD_Result baro_mhd_metrics(struct MHD_Connection *connection,
                                               struct baro_registry *registry)
{
    struct baro_expose_options options;
    struct MHD_Response *response;
    enum MHD_Result result;
    size_t size = 0;
    char *text;

    memset(&options, 0, sizeof(options));
    options.format =
        baro_format_negotiate(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept"));
    options.gzip = baro_gzip_negotiate(
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept-Encoding"));
    text = baro_expose_alloc(registry, &options, &size);
    if (text == NULL) {
        return MHD_NO;
    }
    response = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text);
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, "Content-Type",
                                  baro_format_content_type(options.format));
    if (options.gzip) {
        (void)MHD_add_response_header(response, "Content-Encoding", "gzip");
    }
    result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

/* baro_mhd_handler is the access handler to start the daemon with; context is the struct baro_mhd.
 * Without memory for a request's record the connection is closed, as libmicrohttpd does itself. */
static inline enum MHD_Result baro_mhd_handler(void *context, struct MHD_Connection *connection,
                                               const char *path, const char *method,
                                               const char *version, const char *upload,
                                               size_t *upload_size, void **memory)
{
    struct baro_mhd *mhd = (struct baro_mhd *)context;
    struct baro_mhd_request *request = (struct baro_mhd_request *)*memory;
    size_t before = *upload_size;
    enum MHD_Result result;

    if (request == NULL) {
        request = baro_mhd_begin_(mhd, connection, path, method);
        *memory = request;
        if (request == NULL) {
            return MHD_NO;
        }
    }
    if (request->is_metrics && strcmp(method, "GET") == 0) {
        return baro_mhd_metrics(connection, mhd->registry);
    }
    result = mhd->handler(mhd->handler_context, connection, path, method, version, upload,
                          upload_size, &request->own);
    request->received += before - *upload_size;
    return result;
}

/* baro_mhd_completed is the callback for MHD_OPTION_NOTIFY_COMPLETED; it calls the program's own. A
 * request that was dropped before it had an answer counts with status 0. Sizes: of the request its
 * body, of the answer what went out, head and all. */
static inline void baro_mhd_completed(void *context, struct MHD_Connection *connection,
                                      void **memory, enum MHD_RequestTerminationCode code)
{
    struct baro_mhd *mhd = (struct baro_mhd *)context;
    struct baro_mhd_request *request = (struct baro_mhd_request *)*memory;
    const union MHD_ConnectionInfo *info;

    if (request == NULL) {
        return;
    }
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_HTTP_STATUS);
    baro_http_end(mhd->http, &request->timing, request->endpoint,
                  info == NULL ? 0 : (int)info->http_status, request->received,
                  baro_socket_bytes_sent(baro_mhd_socket_(connection)) - request->sent_before,
                  request->trace_id);
    if (mhd->completed != NULL) {
        mhd->completed(mhd->completed_context, connection, &request->own, code);
    }
    free(request);
    *memory = NULL;
}

#ifdef __cplusplus
}
#endif

#endif
