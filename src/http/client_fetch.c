/* client_fetch: requests that block, each with an event loop of its own. */
#include <stdatomic.h>

#include "base/assert.h"
#include "base/buf.h"
#include "http/client.h"
#include "http/client_grant.h"
#include "sys/clock.h"
#include "sys/loop.h"

enum { CANCEL_CHECK_MS = 100 };

struct fetch {
    struct http_call *request;
    void (*done)(struct http_call *request);
    struct buf *body;
    bool is_done;
};

static _Thread_local struct fetch *current_fetch;

static void fetch_done(struct http_call *request)
{
    struct fetch *fetch = current_fetch;

    ASSERT(fetch != NULL && fetch->request == request);
    fetch->is_done = true;
    if (request->result == 0 && fetch->body != NULL) {
        buf_str(fetch->body, request->body);
        if (fetch->body->failed) {
            request->result =
                error_set(&request->err, BARO_ELIMIT, "no memory to keep the response");
        }
    }
    if (fetch->done != NULL) {
        fetch->done(request);
    }
    request->body = STR_NULL;
    request->content_type = STR_NULL;
}

static bool is_set(const _Atomic bool *flag)
{
    return flag != NULL && atomic_load_explicit(flag, memory_order_relaxed);
}

static bool fetch_is_cancelled(const struct http_call *request)
{
    return is_set(request->cancel) || is_set(request->kill);
}

int http_fetch(const struct prom_http *settings, struct http_call *request, struct buf *ret_body)
{
    struct fetch fetch = {.request = request, .done = request->done, .body = ret_body};
    const struct http_engine_options options = {.multi_count = 1};
    CLEANUP(loop_freep) struct loop *loop = NULL;
    CLEANUP(http_engine_freep) struct http_engine *engine = NULL;
    struct http_client *client = NULL;
    int result = loop_new(clock_real(), NULL, NULL, &loop, &request->err);

    if (result == 0) {
        result = http_engine_new(loop, &options, &engine, &request->err);
    }
    if (result == 0) {
        result = http_client_new_sharing(engine, settings, request->tokens, &client, &request->err);
    }
    if (result < 0) {
        request->result = result;
        return result;
    }
    current_fetch = &fetch;
    request->done = fetch_done;
    http_call_start(client, request);
    /* Bounded: every request has a timeout. */
    while (!fetch.is_done && !fetch_is_cancelled(request)) {
        loop_turn(loop, request->cancel != NULL || request->kill != NULL ? CANCEL_CHECK_MS : 1000);
    }
    if (!fetch.is_done) {
        http_call_cancel(request);
        request->result = error_set(&request->err, BARO_ECANCELED, "canceled");
    }
    request->done = fetch.done;
    current_fetch = NULL;
    (void)http_client_free(client);
    return request->result;
}
