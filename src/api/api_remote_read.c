/*
 * POST /api/v1/read: samples that others read from here (remote read). A response of samples is
 * made as a whole; one of chunks is made by a thread of its own, which waits while the client is
 * slower than the store. So many requests run at once as --storage.remote.read-concurrent-limit
 * says; others wait for their turn.
 */
#include <pthread.h>

#include "api/api_priv.h"
#include "api/api_read_gate.h"
#include "base/lock.h"
#include "base/log.h"
#include "codec/compress.h"
#include "remote/read_server.h"

/* Of a request, unpacked, as in Prometheus. */
#define BODY_BYTES_MAX         ((size_t)32 << 20)
#define RESPONSE_BYTES_DEFAULT ((size_t)1 << 30)

/* Frames that wait for the client. */
#define WAITING_BYTES_MAX ((size_t)4 << 20)

/*
 * One response of chunks. Two owners: the thread that makes it, and the connection; the last one to
 * leave frees it.
 */
struct reading {
    struct read_server *server; /* the thread's */
    struct api_read_gate *gate;
    struct http_stream *stream;
    struct lock lock;
    pthread_cond_t room;
    struct buf waiting;  /* lock: this one */
    size_t sent;         /* lock: of `waiting`, from its front */
    bool is_made;        /* lock: nothing comes any more */
    bool is_broken;      /* lock: and not all has come */
    bool is_left;        /* lock: the client takes no more */
    int owners;          /* lock */
    _Atomic bool cancel; /* the client has left; relaxed: looked at now and then */
};

static void release(struct reading *reading)
{
    bool is_last;

    lock_acquire(&reading->lock);
    is_last = --reading->owners == 0;
    lock_release(&reading->lock);
    if (is_last) {
        lock_done(&reading->lock);
        (void)pthread_cond_destroy(&reading->room);
        buf_done(&reading->waiting);
        (void)mem_free(reading);
    }
}

/* ---- the connection's side ---- */

static ptrdiff_t read_frames(void *context, char *ret, size_t size)
{
    struct reading *reading = context;
    size_t left;

    lock_acquire(&reading->lock);
    left = reading->waiting.len - reading->sent;
    if (left == 0 && reading->is_made) {
        lock_release(&reading->lock);
        return reading->is_broken ? HTTP_STREAM_BROKEN : HTTP_STREAM_END;
    }
    size = size < left ? size : left;
    if (size > 0) {
        memcpy(ret, reading->waiting.ptr + reading->sent, size);
        reading->sent += size;
    }
    if (reading->sent == reading->waiting.len) {
        buf_reset(&reading->waiting);
        reading->sent = 0;
        (void)pthread_cond_signal(&reading->room);
    }
    lock_release(&reading->lock);
    return (ptrdiff_t)size;
}

static void leave(void *context)
{
    struct reading *reading = context;

    atomic_store_explicit(&reading->cancel, true, memory_order_relaxed);
    lock_acquire(&reading->lock);
    reading->is_left = true;
    (void)pthread_cond_signal(&reading->room);
    lock_release(&reading->lock);
    release(reading);
}

/* ---- the thread's side ---- */

/* Waits until there is room, and hands the frames over; false when the client takes no more. */
static bool hand_over(struct reading *reading, const struct buf *frames)
{
    bool goes_on;

    lock_acquire(&reading->lock);
    while (!reading->is_left && reading->waiting.len > WAITING_BYTES_MAX) {
        (void)lock_wait(&reading->lock, &reading->room, 0);
    }
    goes_on = !reading->is_left;
    if (goes_on) {
        buf_str(&reading->waiting, buf_view(frames));
        reading->is_broken = reading->waiting.failed;
        http_stream_wake(reading->stream);
    }
    goes_on = goes_on && !reading->is_broken;
    lock_release(&reading->lock);
    return goes_on;
}

static void *make_frames(void *context)
{
    struct reading *reading = context;
    struct buf frames = {0};
    struct baro_error err = {0};
    int r;

    while ((r = read_server_frames(reading->server, &frames, &err)) > 0 &&
           hand_over(reading, &frames)) {
        buf_reset(&frames);
    }
    if (r < 0 && err.code != BARO_ECANCELED) {
        log_error("a response of remote read was broken off", log_err(&err));
    }
    lock_acquire(&reading->lock);
    reading->is_made = true;
    reading->is_broken = reading->is_broken || r < 0;
    if (!reading->is_left) {
        http_stream_wake(reading->stream);
    }
    lock_release(&reading->lock);
    buf_done(&frames);
    reading->server = read_server_free(reading->server);
    api_read_gate_leave(reading->gate);
    release(reading);
    return NULL;
}

/* ---- requests ---- */

/* The matchers and the store have their say before the first byte is sent: their faults are
 * statuses. A sample limit is the client's to heed. */
static void fail(struct api_call *call, const struct baro_error *err)
{
    const int status = err->code == BARO_EPARSE || err->code == BARO_EINVALID ||
                               err->code == BARO_ELIMIT || err->code == BARO_ECORRUPT
                           ? 400
                           : 500;

    http_response_text(call->response, status, "%s\n", err->message);
}

static int start_thread(struct reading *reading)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int r = pthread_attr_init(&attributes);

    if (r == 0) {
        (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        r = pthread_create(&thread, &attributes, make_frames, reading);
        (void)pthread_attr_destroy(&attributes);
    }
    return -r;
}

/* Takes the server and the place at the gate over, when it succeeds. */
static int stream(struct api_call *call, struct read_server *server, struct api_read_gate *gate,
                  struct baro_error *err)
{
    struct reading *reading = MEM_NEW(struct reading);
    struct http_stream_source source = {read_frames, leave, reading};
    int r;

    lock_init(&reading->lock, LOCK_EVENTS);
    lock_condition_init(&reading->room);
    reading->server = server;
    reading->gate = gate;
    reading->owners = 1;
    read_server_set_cancel(server, &reading->cancel);
    r = read_server_frames(server, &reading->waiting, err);
    if (r < 0) {
        release(reading);
        return r;
    }
    call->response->content_type =
        "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
    reading->owners = 2;
    reading->stream = http_response_stream(call->request, &source);
    r = start_thread(reading);
    if (r < 0) {
        /* The connection ends without all of it: the client sees that. */
        log_error("no thread for a response of remote read", log_int("errno", -r));
        reading->is_made = true;
        reading->is_broken = true;
        reading->server = read_server_free(server);
        api_read_gate_leave(gate);
        release(reading);
    }
    return 0;
}

/* True when the place at the gate was handed on. */
static bool answer(struct api_call *call, str body)
{
    const struct api_context *context = call->context;
    const struct read_options options = {
        .queryable = queryable_local(call->queryable),
        .samples_max = context->remote.read_samples_max,
        .frame_bytes_max = context->remote.read_frame_bytes_max,
        .response_bytes_max =
            context->response_bytes_max > 0 ? context->response_bytes_max : RESPONSE_BYTES_DEFAULT,
        .cancel = call->request->cancel,
    };
    struct read_server *server = NULL;
    struct labels externals = {0};
    struct baro_error err = {0};
    int r;

    if (context->sources.external_labels != NULL) {
        context->sources.external_labels(context->app, call->arena, &externals);
    }
    r = read_server_new(&options, body, externals, &server, &err);
    if (r >= 0 && read_server_type(server) == WIRE_RESPONSE_CHUNKS) {
        r = stream(call, server, call->api->read_gate, &err);
        if (r >= 0) {
            return true;
        }
    } else if (r >= 0) {
        r = read_server_samples(server, &call->response->body, &err);
    }
    if (r < 0) {
        fail(call, &err);
    } else {
        call->response->content_type = "application/x-protobuf";
        http_response_header(call->response, "Content-Encoding", "snappy");
    }
    (void)read_server_free(server);
    return false;
}

void api_remote_read(struct api_call *call)
{
    struct api_read_gate *gate = call->api->read_gate;
    struct baro_error err = {0};
    struct buf body = {0};

    if (snappy_unpack(call->request->body, BODY_BYTES_MAX, &body, &err) < 0) {
        http_response_text(call->response, 400, "%s\n", err.message);
    } else if (!api_read_gate_enter(gate, call->request->cancel)) {
        http_response_text(call->response, 499, "the client has left\n");
    } else if (!answer(call, buf_view(&body))) {
        api_read_gate_leave(gate);
    }
    buf_done(&body);
}
