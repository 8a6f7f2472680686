#include "alerting/am_api.h"
#include "alerting/am_routes.h"
#include "alerting/heartbeat.h"
#include "api/api_priv.h"
#include "base/rfc3339.h"
#include "model/labels_builder.h"

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

/* Reads every label=NAME=VALUE; the set borrows the builder. */
static int read_labels(struct api_call *call, struct labels_builder *builder)
{
    size_t index = 0;

    for (str pair; form_next(&call->form, STR("label"), &index, &pair);) {
        size_t equals = str_index_char(pair, '=');

        if (equals == SIZE_MAX || equals == 0) {
            return api_fail(call, API_BAD_DATA, "label: \"%.*s\": NAME=VALUE is wanted",
                            STR_ARG(pair));
        }
        labels_builder_set(builder, str_slice(pair, 0, equals), str_from_index(pair, equals + 1));
    }
    return 0;
}

int api_alerting_routes(struct api_call *call)
{
    struct am *am = alerting(call);
    struct labels_builder builder = {0};
    int r = read_labels(call, &builder);

    if (r >= 0 &&
        (am == NULL || !am_routes_write(am, labels_builder_finish(&builder), &call->json))) {
        r = api_fail(call, API_UNAVAILABLE, "alerting has no configuration yet");
    }
    labels_builder_done(&builder);
    return r;
}

static struct heartbeats *heartbeats(struct api_call *call)
{
    const struct api_context *context = call->context;

    return context->heartbeats != NULL ? context->heartbeats(context->app) : NULL;
}

int api_heartbeats(struct api_call *call)
{
    if (heartbeats(call) != NULL) {
        heartbeats_write(heartbeats(call), &call->json);
    } else {
        json_write_object_begin(&call->json);
        json_write_object_end(&call->json);
    }
    return 0;
}

int api_heartbeat(struct api_call *call)
{
    str name = call->request->param;
    struct baro_error err = {0};
    struct buf time = {0};
    ts due = 0;
    int r = heartbeats(call) != NULL
                ? heartbeats_hear(heartbeats(call), name, &due, &err)
                : error_set(&err, BARO_ENOTFOUND,
                            "no heartbeats are expected: there is no --alerting.heartbeat-file");

    if (r < 0) {
        return api_fail(call, r == BARO_ENOTFOUND ? API_NOT_FOUND : API_UNAVAILABLE, "%s",
                        err.message);
    }
    rfc3339_format(&time, due);
    json_write_object_begin(&call->json);
    json_write_pair_str(&call->json, STR("name"), name);
    json_write_pair_str(&call->json, STR("dueAt"), buf_view(&time));
    json_write_object_end(&call->json);
    buf_done(&time);
    return 0;
}
