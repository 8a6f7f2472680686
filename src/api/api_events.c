#include "api/api_priv.h"
#include "api/events.h"

static ptrdiff_t read_events(void *client, char *ret, size_t size)
{
    return (ptrdiff_t)events_read(client, ret, size);
}

static void leave(void *client)
{
    events_leave(client);
}

static void wake(void *stream)
{
    http_stream_wake(stream);
}

/* A browser sends the header when it connects again by itself; a page that made a new source has
 * only the address. */
static str last_id_of(struct api_call *call)
{
    str id = http_request_header(call->request, "Last-Event-ID");
    struct form form = {0};

    if (id.len == 0 && form_parse(call->arena, call->request->query, &form, NULL) >= 0) {
        id = form_get(&form, STR("lastEventId"));
    }
    return id;
}

void api_events(struct api_call *call)
{
    str last_id = last_id_of(call);
    struct http_stream_source source = {.read = read_events, .done = leave};
    struct events_client *client = NULL;
    struct baro_error err = {0};

    if (events_join(call->api->events, last_id, &client, &err) < 0) {
        http_response_header(call->response, "Retry-After", "10");
        http_response_text(call->response, 503, "%s\n", err.message);
        return;
    }
    source.context = client;
    call->response->content_type = "text/event-stream; charset=utf-8";
    http_response_header(call->response, "Cache-Control", "no-store");
    /* nginx would keep what is small until there is more. */
    http_response_header(call->response, "X-Accel-Buffering", "no");
    events_listen(client, wake, http_response_stream(call->request, &source));
}
