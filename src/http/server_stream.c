/* Bodies that come over time. */
#include <sys/socket.h>

#include "http/server_mhd.h"

struct http_stream *http_response_stream(struct http_request *request,
                                         const struct http_stream_source *source)
{
    struct server_exchange *exchange = CONTAINER_OF(request, struct server_exchange, request);

    ASSERT(exchange->stream.source.read == NULL);
    lock_init(&exchange->stream.lock, LOCK_LEAF);
    exchange->stream.source = *source;
    exchange->stream.mhd = exchange->mhd;
    return &exchange->stream;
}

void http_stream_wake(struct http_stream *stream)
{
    lock_acquire(&stream->lock);
    stream->is_woken = true;
    if (stream->is_suspended) {
        stream->is_suspended = false;
        MHD_resume_connection(stream->mhd);
    }
    lock_release(&stream->lock);
}

/* False when somebody woke the stream since its source was asked. */
static bool stream_rests(struct server_exchange *exchange)
{
    struct http_stream *stream = &exchange->stream;
    bool rests;

    lock_acquire(&stream->lock);
    rests = !stream->is_woken;
    if (rests) {
        stream->is_suspended = true;
        server_set_phase(exchange->connection, PHASE_RUNNING, 0);
        MHD_suspend_connection(stream->mhd);
    }
    lock_release(&stream->lock);
    return rests;
}

ssize_t server_stream_read(void *context, uint64_t position, char *ret, size_t size)
{
    struct server_exchange *exchange = context;
    struct http_server *server = exchange->server;
    struct http_stream *stream = &exchange->stream;
    ptrdiff_t count = 0;

    (void)position;
    while (count == 0) {
        lock_acquire(&stream->lock);
        stream->is_woken = false;
        lock_release(&stream->lock);
        /* Acquire: pairs with the release in http_server_stop, which wakes all streams next. */
        if (atomic_load_explicit(&server->stopping, memory_order_acquire) ||
            atomic_load_explicit(&exchange->cancel, memory_order_relaxed)) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
        count = stream->source.read(stream->source.context, ret, size);
        if (count == 0 && stream_rests(exchange)) {
            return 0;
        }
    }
    server_set_phase(exchange->connection, PHASE_WRITING,
                     server_now() + server->options.write_timeout * MONO_PER_MS);
    if (count < 0) {
        return count == HTTP_STREAM_BROKEN ? MHD_CONTENT_READER_END_WITH_ERROR
                                           : MHD_CONTENT_READER_END_OF_STREAM;
    }
    return (ssize_t)count;
}

void server_stream_end(struct http_stream *stream)
{
    if (stream->source.read != NULL) {
        stream->source.done(stream->source.context);
        lock_done(&stream->lock);
    }
}

void server_streams_end(struct http_server *server)
{
    lock_acquire(&server->lock);
    for (struct server_connection *connection = server->connections; connection != NULL;
         connection = connection->next) {
        struct server_exchange *exchange = connection->exchange;

        /* Acquire: pairs with the release in send_response. */
        if (exchange != NULL &&
            atomic_load_explicit(&exchange->state, memory_order_acquire) == STATE_STREAMING) {
            if (atomic_load_explicit(&connection->phase, memory_order_relaxed) == PHASE_WRITING) {
                connection->is_shut = true;
                (void)shutdown(connection->fd, SHUT_RDWR);
            }
            http_stream_wake(&exchange->stream);
        }
    }
    lock_release(&server->lock);
}
