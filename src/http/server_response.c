/* What is answered: its body packed where that pays, its headers, and the way to libmicrohttpd. */
#include <stdarg.h>
#include <stdio.h>

#include "codec/gzip.h"
#include "http/server_mhd.h"

enum {
    GZIP_BYTES_MIN = 1024, /* a smaller body fits one packet anyway */
    GZIP_LEVEL = 1,
    STREAM_BLOCK_BYTES = 4096, /* what libmicrohttpd asks a stream's source for at once */
};

void http_response_header(struct http_response *response, const char *name, const char *value)
{
    ASSERT(response->header_count < HTTP_RESPONSE_HEADERS_MAX);
    response->headers[response->header_count].name = name;
    response->headers[response->header_count].value = value;
    response->header_count++;
}

void http_response_text(struct http_response *response, int status, const char *format, ...)
{
    char text[ERROR_FORMAT_BYTES + 64];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    response->status = status;
    response->content_type = "text/plain; charset=utf-8";
    response->constant_body = STR_NULL;
    buf_reset(&response->body);
    buf_c(&response->body, text);
}

/* ---- packing ---- */

bool http_accepts_gzip(const struct http_request *request)
{
    return server_accepts_gzip(http_request_header(request, "Accept-Encoding"));
}

static bool is_encoded(const struct http_response *response)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (strcmp(response->headers[i].name, "Content-Encoding") == 0) {
            return true;
        }
    }
    return false;
}

static struct gzip *packer_take(struct http_server *server)
{
    struct gzip *packer = NULL;

    lock_acquire(&server->lock);
    if (server->packer_count > 0) {
        packer = server->packers[--server->packer_count];
    }
    lock_release(&server->lock);
    return packer != NULL ? packer : gzip_new(GZIP_LEVEL);
}

static void packer_give(struct http_server *server, struct gzip *packer)
{
    lock_acquire(&server->lock);
    if (server->packer_count < SERVER_PACKERS_MAX) {
        server->packers[server->packer_count++] = packer;
        packer = NULL;
    }
    lock_release(&server->lock);
    (void)gzip_free(packer);
}

static str response_body(const struct http_response *response)
{
    return response->constant_body.ptr != NULL ? response->constant_body
                                               : buf_view(&response->body);
}

/* One line, whatever else the answer varies by: each costs a client that reads it. */
static void vary_by_encoding(struct server_exchange *exchange)
{
    static const char more[] = ", Accept-Encoding";
    struct http_response *response = &exchange->response;

    for (size_t i = 0; i < response->header_count; i++) {
        const char *old = response->headers[i].value;

        if (strcmp(response->headers[i].name, "Vary") == 0 && strcmp(old, more + 2) == 0) {
            return;
        }
        if (strcmp(response->headers[i].name, "Vary") == 0) {
            char *value = arena_alloc(&exchange->arena, strlen(old) + sizeof(more));

            memcpy(value, old, strlen(old));
            memcpy(value + strlen(old), more, sizeof(more));
            response->headers[i].value = value;
            return;
        }
    }
    http_response_header(response, "Vary", "Accept-Encoding");
}

void server_response_encode(struct server_exchange *exchange)
{
    struct http_response *response = &exchange->response;
    str raw = response_body(response);
    struct buf packed = {0};
    struct gzip *packer;

    if (raw.len < GZIP_BYTES_MIN || is_encoded(response)) {
        return;
    }
    vary_by_encoding(exchange);
    if (!http_accepts_gzip(&exchange->request)) {
        return;
    }
    packer = packer_take(exchange->server);
    if (packer != NULL && gzip_pack(packer, raw, &packed, NULL) >= 0) {
        buf_done(&response->body);
        response->body = packed;
        response->constant_body = STR_NULL;
        http_response_header(response, "Content-Encoding", "gzip");
    }
    if (packer != NULL) {
        packer_give(exchange->server, packer);
    }
}

/* ---- sending ---- */

dur http_write_time(dur write_timeout, size_t bytes)
{
    return write_timeout + (dur)(bytes >> 16) * DUR_SECOND;
}

static mono write_deadline(const struct http_server *server, size_t body_bytes)
{
    return server_now() + http_write_time(server->options.write_timeout, body_bytes) * MONO_PER_MS;
}

/* The web configuration's take the place of a handler's. */
static void add_headers(struct MHD_Response *made, const struct http_response *response,
                        const struct server_web *web)
{
    struct conf_pairs headers = web != NULL ? web->config->headers : (struct conf_pairs){0};

    for (size_t i = 0; i < response->header_count; i++) {
        (void)MHD_add_response_header(made, response->headers[i].name, response->headers[i].value);
    }
    for (size_t i = 0; i < headers.count; i++) {
        const char *name = headers.items[i].name.ptr;

        if (headers.items[i].value.len > 0) {
            const char *old = MHD_get_response_header(made, name);

            if (old != NULL) {
                (void)MHD_del_response_header(made, name, old);
            }
            (void)MHD_add_response_header(made, name, headers.items[i].value.ptr);
        }
    }
}

static struct MHD_Response *make_response(struct server_exchange *exchange, size_t *ret_bytes)
{
    struct http_response *response = &exchange->response;
    struct MHD_Response *made;
    str body = response_body(response);

    *ret_bytes = body.len;
    if (exchange->stream.source.read != NULL) {
        made = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES,
                                                 server_stream_read, exchange, NULL);
    } else if (response->constant_body.ptr != NULL || body.len == 0) {
        made = MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)body.ptr,
                                               MHD_RESPMEM_PERSISTENT);
    } else {
        made = MHD_create_response_from_buffer(body.len, response->body.ptr, MHD_RESPMEM_MUST_FREE);
        if (made != NULL) {
            response->body = (struct buf){0}; /* given away: mem_free is free */
        }
    }
    if (made == NULL) {
        return NULL;
    }
    if (response->content_type != NULL) {
        (void)MHD_add_response_header(made, "Content-Type", response->content_type);
    }
    add_headers(made, response, exchange->web);
    return made;
}

enum MHD_Result server_response_send(struct server_exchange *exchange)
{
    struct http_server *server = exchange->server;
    size_t bytes = 0;
    struct MHD_Response *made = make_response(exchange, &bytes);
    bool is_stream = exchange->stream.source.read != NULL;
    enum MHD_Result r;

    if (made == NULL) {
        return MHD_NO;
    }
    server_set_phase(exchange->connection, PHASE_WRITING, write_deadline(server, bytes));
    r = MHD_queue_response(exchange->mhd, (unsigned)exchange->response.status, made);
    MHD_destroy_response(made);
    /* Release: pairs with the acquire of who wakes the stream. */
    atomic_store_explicit(&exchange->state, is_stream ? STATE_STREAMING : STATE_SENT,
                          memory_order_release);
    SERVER_COUNT(server, requests, 1);
    if (server->options.observe != NULL) {
        double seconds = (double)(server_now() - exchange->begin) / (double)MONO_PER_SECOND;

        server->options.observe(server->options.context, exchange->request.route,
                                exchange->response.status, seconds, bytes);
    }
    return r;
}
