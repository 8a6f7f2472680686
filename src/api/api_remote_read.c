/*
 * POST /api/v1/read: samples that others read from here (remote read). A response of samples is
 * made as a whole; one of chunks is made by a thread of its own, which waits while the client is
 * slower than the store, but not for ever (body_pipe). So many requests run at once as
 * --storage.remote.read-concurrent-limit says; others wait for their turn.
 */
#include <pthread.h>

#include "api/api_priv.h"
#include "api/api_read_gate.h"
#include "api/body_pipe.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/compress.h"
#include "remote/read_server.h"

/* Of a request, unpacked, as in Prometheus. */
#define BODY_BYTES_MAX         ((size_t)32 << 20)
#define RESPONSE_BYTES_DEFAULT ((size_t)1 << 30)

/* Frames that wait for the client. */
#define WAITING_BYTES_MAX ((size_t)4 << 20)

/* One response of chunks, of the thread that makes it. */
struct reading {
    struct read_server *server;
    struct api_read_gate *gate;
    struct body_pipe *pipe;
};

static void *make_frames(void *context)
{
    struct reading *reading = context;
    struct buf frames = {0};
    struct baro_error err = {0};
    int r;

    while ((r = read_server_frames(reading->server, &frames, &err)) > 0) {
        r = body_pipe_put(reading->pipe, buf_view(&frames), &err);
        if (r < 0) {
            break;
        }
        buf_reset(&frames);
    }
    if (r < 0 && r != BARO_ECANCELED) {
        log_error("a response of remote read was broken off", log_err(&err));
    }
    buf_done(&frames);
    (void)read_server_free(reading->server);
    body_pipe_end(reading->pipe, r >= 0);
    api_read_gate_leave(reading->gate);
    return mem_free(reading);
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

/* The first frames, which tell whether there is an answer at all. */
static int first_frames(struct read_server *server, struct body_pipe *pipe, struct baro_error *err)
{
    struct buf frames = {0};
    int r = read_server_frames(server, &frames, err);

    r = r < 0 ? r : body_pipe_put(pipe, buf_view(&frames), err);
    buf_done(&frames);
    return r;
}

/* Takes the server and the place at the gate over, when it succeeds. */
static int stream(struct api_call *call, struct read_server *server, struct api_read_gate *gate,
                  struct baro_error *err)
{
    const struct body_pipe_options options = {
        .waiting_bytes_max = WAITING_BYTES_MAX,
        .write_timeout = call->request->write_timeout,
    };
    struct body_pipe *pipe = body_pipe_new(&options);
    struct reading *reading;
    int r = first_frames(server, pipe, err);

    if (r < 0) {
        body_pipe_end(pipe, false);
        return r;
    }
    /* The request, and its flag, end before the response does. */
    read_server_set_cancel(server, body_pipe_is_canceled(pipe));
    call->response->content_type =
        "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
    body_pipe_attach(pipe, call->request);
    reading = MEM_NEW(struct reading);
    *reading = (struct reading){server, gate, pipe};
    r = start_thread(reading);
    if (r < 0) {
        /* The connection ends without all of it: the client sees that. */
        log_error("no thread for a response of remote read", log_int("errno", -r));
        (void)read_server_free(server);
        body_pipe_end(pipe, false);
        api_read_gate_leave(gate);
        (void)mem_free(reading);
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
