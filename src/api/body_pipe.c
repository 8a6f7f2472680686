#include "api/body_pipe.h"

#include <pthread.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/lock.h"
#include "base/mem.h"
#include "sys/clock.h"

struct body_pipe {
    struct body_pipe_options options;
    struct http_stream *stream; /* NULL before body_pipe_attach */
    struct lock lock;
    pthread_cond_t room;
    struct buf waiting;  /* lock: this one */
    size_t sent;         /* lock: of `waiting`, from its front */
    bool is_made;        /* lock: nothing comes any more */
    bool is_broken;      /* lock: and not all has come */
    bool is_left;        /* lock: the client takes no more */
    int owners;          /* lock */
    _Atomic bool cancel; /* as is_left; relaxed: looked at now and then */
};

struct body_pipe *body_pipe_new(const struct body_pipe_options *options)
{
    struct body_pipe *pipe = MEM_NEW(struct body_pipe);

    pipe->options = *options;
    pipe->owners = 1;
    lock_init(&pipe->lock, LOCK_EVENTS);
    lock_condition_init(&pipe->room);
    return pipe;
}

static void release(struct body_pipe *pipe)
{
    bool is_last;

    lock_acquire(&pipe->lock);
    is_last = --pipe->owners == 0;
    lock_release(&pipe->lock);
    if (is_last) {
        lock_done(&pipe->lock);
        (void)pthread_cond_destroy(&pipe->room);
        buf_done(&pipe->waiting);
        (void)mem_free(pipe);
    }
}

/* ---- the connection's side ---- */

static ptrdiff_t read_waiting(void *context, char *ret, size_t size)
{
    struct body_pipe *pipe = context;
    size_t left;

    lock_acquire(&pipe->lock);
    left = pipe->waiting.len - pipe->sent;
    if (left == 0 && pipe->is_made) {
        const bool is_broken = pipe->is_broken;

        lock_release(&pipe->lock);
        return is_broken ? HTTP_STREAM_BROKEN : HTTP_STREAM_END;
    }
    size = size < left ? size : left;
    if (size > 0) {
        memcpy(ret, pipe->waiting.ptr + pipe->sent, size);
        pipe->sent += size;
    }
    if (pipe->sent == pipe->waiting.len) {
        buf_reset(&pipe->waiting);
        pipe->sent = 0;
        (void)pthread_cond_signal(&pipe->room);
    }
    lock_release(&pipe->lock);
    return (ptrdiff_t)size;
}

static void leave(void *context)
{
    struct body_pipe *pipe = context;

    atomic_store_explicit(&pipe->cancel, true, memory_order_relaxed);
    lock_acquire(&pipe->lock);
    pipe->is_left = true;
    (void)pthread_cond_signal(&pipe->room);
    lock_release(&pipe->lock);
    release(pipe);
}

void body_pipe_attach(struct body_pipe *pipe, struct http_request *request)
{
    struct http_stream_source source = {read_waiting, leave, pipe};

    ASSERT(pipe->stream == NULL);
    pipe->owners = 2;
    pipe->stream = http_response_stream(request, &source);
}

/* ---- the maker's side ---- */

const _Atomic bool *body_pipe_is_canceled(const struct body_pipe *pipe)
{
    return &pipe->cancel;
}

/* All that waits is taken before there is room: so a client that takes a little now and then is
 * found out too. */
static int wait_for_room_locked(struct body_pipe *pipe, struct baro_error *err)
{
    const dur most = http_write_time(pipe->options.write_timeout, pipe->waiting.len);
    const mono deadline = clock_mono(clock_real()) + most * MONO_PER_MS;
    bool in_time = true;

    while (in_time && !pipe->is_left && pipe->stream != NULL &&
           pipe->waiting.len > pipe->options.waiting_bytes_max) {
        in_time = lock_wait(&pipe->lock, &pipe->room, deadline);
    }
    return pipe->is_left ? error_set(err, BARO_ECANCELED, "the client has left")
           : in_time     ? 0
                     : error_set(err, BARO_ETIMEOUT, "the client has not taken %zu bytes in time",
                                 pipe->waiting.len);
}

int body_pipe_put(struct body_pipe *pipe, str bytes, struct baro_error *err)
{
    int r;

    lock_acquire(&pipe->lock);
    r = wait_for_room_locked(pipe, err);
    if (r >= 0) {
        buf_str(&pipe->waiting, bytes);
        r = pipe->waiting.failed ? error_set(err, BARO_ELIMIT, "no memory for a response") : 0;
    }
    if (r >= 0 && pipe->stream != NULL) {
        http_stream_wake(pipe->stream);
    }
    lock_release(&pipe->lock);
    return r;
}

void body_pipe_end(struct body_pipe *pipe, bool is_whole)
{
    lock_acquire(&pipe->lock);
    pipe->is_made = true;
    pipe->is_broken = !is_whole;
    if (pipe->is_broken) {
        /* Half of an answer is of no use. */
        buf_done(&pipe->waiting);
        pipe->sent = 0;
    }
    if (pipe->stream != NULL && !pipe->is_left) {
        http_stream_wake(pipe->stream);
    }
    lock_release(&pipe->lock);
    release(pipe);
}
