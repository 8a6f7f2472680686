#include "api/api_priv.h"

/* ---- health ---- */

void api_healthy(struct api_call *call)
{
    http_response_text(call->response, 200, "Prometheus Server is Healthy.\n");
}

void api_ready(struct api_call *call)
{
    const struct api_context *context = call->context;
    char why[TSDB_READ_ONLY_BYTES] = "";

    if (call->queryable == NULL) {
        http_response_header(call->response, "X-Prometheus-Stopping", "false");
        http_response_text(call->response, 503, "Service Unavailable");
    } else if (context->sources.read_only != NULL &&
               context->sources.read_only(context->app, why)) {
        /* Still ready: queries go on. */
        http_response_text(call->response, 200,
                           "Prometheus Server is Ready.\nstorage: read-only: %s: free space on the "
                           "disk or mend it; it goes on by itself\n",
                           why);
    } else {
        http_response_text(call->response, 200, "Prometheus Server is Ready.\n");
    }
}

void api_options(struct api_call *call)
{
    call->response->status = 204;
}

/* ---- life cycle ---- */

static bool is_lifecycle_off(struct api_call *call)
{
    if (!call->context->enable_lifecycle) {
        http_response_text(call->response, 403, "Lifecycle API is not enabled.");
    }
    return !call->context->enable_lifecycle;
}

void api_lifecycle_method(struct api_call *call)
{
    http_response_header(call->response, "Allow", "POST, PUT");
    http_response_text(call->response, 405, "Only POST or PUT requests allowed");
}

void api_reload(struct api_call *call)
{
    struct baro_error err = {0};
    char text[ERROR_FORMAT_BYTES];

    if (is_lifecycle_off(call)) {
        return;
    }
    if (call->context->reload(call->context->app, &err) < 0) {
        error_format(&err, text, sizeof(text));
        http_response_text(call->response, 500, "failed to reload config: %s\n", text);
    }
}

void api_quit(struct api_call *call)
{
    if (!is_lifecycle_off(call)) {
        http_response_text(call->response, 200, "Requesting termination... Goodbye!");
        call->context->quit(call->context->app);
    }
}
