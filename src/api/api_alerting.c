#include "alerting/am_api.h"
#include "api/api_priv.h"

static struct am *alerting(struct api_call *call)
{
    const struct api_context *context = call->context;

    return context->alerting != NULL ? context->alerting(context->app) : NULL;
}

void api_alerting(struct api_call *call)
{
    const struct am_api_info info = {.version = call->context->build.program_version,
                                     .compiler = call->context->build.compiler};

    am_api_serve(alerting(call), &info, call->request, call->response);
}

void api_alerts_v1(struct api_call *call)
{
    am_api_post_v1(alerting(call), call->request, call->response);
}

void api_notification_history(struct api_call *call)
{
    am_api_history(alerting(call), call->request, call->response);
}

static void write_urls(struct json_writer *json, str key, const str *urls, size_t count)
{
    json_write_key(json, key);
    json_write_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        json_write_object_begin(json);
        json_write_pair_str(json, STR("url"), urls[i]);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

int api_alertmanagers(struct api_call *call)
{
    const struct api_context *context = call->context;
    struct api_alertmanagers found = {0};

    if (context->sources.alertmanagers != NULL) {
        context->sources.alertmanagers(context->app, call->arena, &found);
    }
    json_write_object_begin(&call->json);
    write_urls(&call->json, STR("activeAlertmanagers"), found.active, found.active_count);
    write_urls(&call->json, STR("droppedAlertmanagers"), found.dropped, found.dropped_count);
    json_write_object_end(&call->json);
    return 0;
}
