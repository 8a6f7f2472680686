#include "alerting/am_api.h"

#include <stdarg.h>
#include <stdio.h>

#include "alerting/am_api_priv.h"
#include "alerting/am_peer.h"
#include "base/calendar.h"
#include "base/num.h"
#include "base/rfc3339.h"

/* Alertmanager's version whose API is spoken. */
#define AM_SPEAKS "0.34.0"

/* Go's zero time, 0001-01-01T00:00:00Z, in ms. */
#define GO_ZERO_TIME (INT64_C(-62135596800) * 1000)

enum { HISTORY_DEFAULT = 100, HISTORY_MAX = 1000, ANSWER_BYTES_MAX = 1 << 30 };

/* ---- Answers ---- */

static void begin(struct am_call *call)
{
    buf_reset(&call->response->body);
    call->response->body.limit = ANSWER_BYTES_MAX;
    call->response->content_type = "application/json";
    call->json = json_write_over(&call->response->body);
}

void am_call_text(struct am_call *call, int status, const char *format, ...)
{
    va_list args;

    begin(call);
    call->response->status = status;
    va_start(args, format);
    json_write_str(&call->json, arena_vprintf(call->arena, format, args));
    va_end(args);
    buf_char(&call->response->body, '\n');
}

void am_call_fault(struct am_call *call, int status, int code, const char *format, ...)
{
    va_list args;

    begin(call);
    call->response->status = status;
    va_start(args, format);
    json_write_object_begin(&call->json);
    json_write_pair_i64(&call->json, STR("code"), code);
    json_write_pair_str(&call->json, STR("message"), arena_vprintf(call->arena, format, args));
    json_write_object_end(&call->json);
    va_end(args);
}

void am_call_time(struct json_writer *json, str key, ts t)
{
    int64_t seconds = t / 1000 - (t % 1000 < 0 ? 1 : 0);
    struct calendar date = calendar_of(seconds);
    char text[64];
    int len = snprintf(text, sizeof(text), "%04lld-%02d-%02dT%02d:%02d:%02d.%03dZ",
                       (long long)date.year, date.month, date.day, date.hour, date.minute,
                       date.second, (int)(t - seconds * 1000));

    json_write_pair_str(json, key, str_of(text, (size_t)len));
}

void am_call_labels(struct json_writer *json, str key, struct labels labels)
{
    json_write_key(json, key);
    json_write_object_begin(json);
    for (size_t i = 0; i < labels.count; i++) {
        /* Names are escaped as values are: json_write_key would leave < and > as they are. */
        json_write_str(json, labels.items[i].name);
        buf_char(json->buf, ':');
        json->need_comma = false;
        json_write_str(json, labels.items[i].value);
    }
    json_write_object_end(json);
}

/* ---- Parameters ---- */

bool am_call_bool(struct am_call *call, const char *name, bool *ret)
{
    str value = form_get(&call->form, str_from(name));

    if (value.len == 0) {
        return true;
    }
    if (str_is(value, "true") || str_is(value, "1")) {
        *ret = true;
    } else if (str_is(value, "false") || str_is(value, "0")) {
        *ret = false;
    } else {
        am_call_fault(call, 422, AM_FAULT_TYPE, "%s in query must be of type boolean: \"%.*s\"",
                      name, STR_ARG(value));
        return false;
    }
    return true;
}

bool am_call_matchers(struct am_call *call, const char *key, const char *complaint,
                      am_matchers *ret)
{
    size_t index = 0;

    for (str text; form_next(&call->form, str_from(key), &index, &text);) {
        struct baro_error err = {0};

        if (am_matchers_parse(call->arena, text, ret, &err) < 0) {
            am_call_text(call, 400, "%s%s", complaint, err.message);
            return false;
        }
    }
    return true;
}

bool am_call_parse_time(const struct json *node, ts *ret)
{
    str text = json_text(node);

    *ret = 0;
    if (json_kind_of(node) == JSON_KIND_NULL || (text.ptr != NULL && text.len == 0)) {
        return true;
    }
    if (text.ptr == NULL || !rfc3339_parse(text, ret)) {
        return false;
    }
    *ret = *ret <= GO_ZERO_TIME ? 0 : *ret;
    return true;
}

/* ---- Status and receivers ---- */

static void write_version(struct am_call *call)
{
    struct json_writer *json = &call->json;

    json_write_key(json, STR("versionInfo"));
    json_write_object_begin(json);
    json_write_pair_str(json, STR("branch"), STR(""));
    json_write_pair_str(json, STR("buildDate"), STR(""));
    json_write_pair_str(json, STR("buildUser"),
                        arena_printf(call->arena, "barograph %s", call->info->version));
    json_write_pair_str(json, STR("goVersion"), str_from(call->info->compiler));
    json_write_pair_str(json, STR("revision"), STR(""));
    json_write_pair_str(json, STR("version"), STR(AM_SPEAKS));
    json_write_object_end(json);
}

static void get_status(struct am_call *call)
{
    struct json_writer *json = &call->json;

    json_write_object_begin(json);
    json_write_key(json, STR("cluster"));
    am_peers_write_status(call->am, json);
    json_write_key(json, STR("config"));
    json_write_object_begin(json);
    json_write_pair_str(json, STR("original"), am_config_text(call->am, call->arena));
    json_write_object_end(json);
    am_call_time(json, STR("uptime"), am_started_at(call->am));
    write_version(call);
    json_write_object_end(json);
}

static void get_receivers(struct am_call *call)
{
    am_matchers matchers = {0};
    struct labels *receivers = NULL;
    size_t count = 0;

    if (am_call_matchers(call, "receiver_matchers",
                         "failed to parse receiver_matchers param: ", &matchers)) {
        am_receiver_list(call->am, &matchers, call->arena, &receivers, &count);
        json_write_array_begin(&call->json);
        for (size_t i = 0; i < count; i++) {
            json_write_object_begin(&call->json);
            am_call_labels(&call->json, STR("labels"), receivers[i]);
            json_write_pair_str(&call->json, STR("name"), labels_get(receivers[i], STR("name")));
            json_write_object_end(&call->json);
        }
        json_write_array_end(&call->json);
    }
    am_matchers_done(&matchers);
}

static void post_peer(struct am_call *call)
{
    struct baro_error err = {0};

    if (!am_peers_any(call->am)) {
        am_call_fault(call, 403, 403,
                      "this program has no peers: start it with --alertmanager.peer of the sender");
    } else if (am_peers_take(call->am, call->request->body, &call->response->body, &err) < 0) {
        am_call_fault(call, 400, 400, "%s", err.message);
    }
}

/* ---- Requests ---- */

static const struct {
    enum http_method method;
    const char *path;
    void (*run)(struct am_call *call);
    bool has_body;
} routes[] = {
    {HTTP_DELETE, "/ack/", am_api_delete_ack, false},
    {HTTP_GET, "/acks", am_api_get_acks, false},
    {HTTP_POST, "/acks", am_api_post_acks, true},
    {HTTP_GET, "/alerts", am_api_get_alerts, false},
    {HTTP_POST, "/alerts", am_api_post_alerts, true},
    {HTTP_GET, "/alerts/groups", am_api_get_groups, false},
    {HTTP_POST, "/peer", post_peer, true},
    {HTTP_GET, "/receivers", get_receivers, false},
    {HTTP_GET, "/silence/", am_api_get_silence, false},
    {HTTP_DELETE, "/silence/", am_api_delete_silence, false},
    {HTTP_GET, "/silences", am_api_get_silences, false},
    {HTTP_POST, "/silences", am_api_post_silences, true},
    {HTTP_POST, "/silences/preview", am_api_preview_silence, true},
    {HTTP_GET, "/status", get_status, false},
};

static bool fits(str path, const char *pattern)
{
    str want = str_from(pattern);

    return str_has_suffix(want, STR("/")) ? str_has_prefix(path, want) : str_eq(path, want);
}

static bool is_json(const struct http_request *request)
{
    str type = http_request_header(request, "Content-Type");

    type = str_trim(str_slice(type, 0, str_index_char(type, ';')));
    return type.len == 0 || str_eq_nocase(type, STR("application/json"));
}

static void run(struct am_call *call, str path)
{
    enum http_method method = call->request->method == HTTP_HEAD ? HTTP_GET : call->request->method;
    struct baro_error err = {0};

    if (form_parse(call->arena, call->request->query, &call->form, &err) < 0) {
        am_call_fault(call, 400, 400, "%s", err.message);
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(routes); i++) {
        if (routes[i].method != method || !fits(path, routes[i].path)) {
            continue;
        }
        if (routes[i].has_body && !is_json(call->request)) {
            str type = http_request_header(call->request, "Content-Type");

            am_call_fault(call, 415, 415,
                          "unsupported media type \"%.*s\", only [application/json] are allowed",
                          STR_ARG(type));
            return;
        }
        call->rest = str_from_index(path, strlen(routes[i].path));
        routes[i].run(call);
        return;
    }
    am_call_fault(call, 404, 404, "path %.*s was not found", STR_ARG(path));
}

static void finish(struct am_call *call)
{
    if (call->response->body.failed) {
        am_call_text(call, 500, "the answer would be too large: ask for fewer alerts");
    }
    http_response_header(call->response, "Cache-Control", "no-store");
}

void am_api_serve(struct am *am, const struct am_api_info *info, struct http_request *request,
                  struct http_response *response)
{
    struct am_call call = {
        .am = am, .info = info, .request = request, .response = response, .arena = request->arena};
    size_t at = str_index(request->path, STR("/api/v2"));

    begin(&call);
    if (am == NULL) {
        am_call_text(&call, 503, "alerting has not started yet: try again when /-/ready says so");
    } else {
        run(&call, at == SIZE_MAX ? STR("") : str_from_index(request->path, at + 7));
    }
    finish(&call);
}

/* ---- What is not of API v2 ---- */

static void write_v1(struct am_call *call, int status, const char *fault, str message)
{
    struct json_writer *json = &call->json;

    begin(call);
    call->response->status = status;
    json_write_object_begin(json);
    json_write_pair_str(json, STR("status"), fault == NULL ? STR("success") : STR("error"));
    if (fault != NULL) {
        json_write_pair_str(json, STR("errorType"), str_from(fault));
        json_write_pair_str(json, STR("error"), message);
    }
    json_write_key(json, STR("warnings"));
    json_write_array_begin(json);
    json_write_str(json, STR("Alertmanager's API v1 ended with 0.27: POST /api/v2/alerts is "
                             "current, with the same body"));
    json_write_array_end(json);
    json_write_object_end(json);
}

void am_api_post_v1(struct am *am, struct http_request *request, struct http_response *response)
{
    struct am_call call = {
        .am = am, .request = request, .response = response, .arena = request->arena};
    struct am_put_result result = {0};
    struct am_alert *alerts = NULL;
    struct baro_error err = {0};
    size_t count = 0;
    int status = 0;
    int code = 0;

    if (am == NULL) {
        write_v1(&call, 503, "unavailable", STR("alerting has not started yet"));
    } else if (am_api_alerts_parse(call.arena, request->body, &alerts, &count, &status, &code,
                                   &err) < 0) {
        write_v1(&call, 400, "bad_data", str_from(err.message));
    } else if (am_alerts_put(am, alerts, count, true, &result, &err) < 0) {
        write_v1(&call, 500, "server_error", str_from(err.message));
    } else if (result.invalid > 0) {
        write_v1(&call, 400, "bad_data", buf_view(&result.message));
    } else {
        write_v1(&call, 200, NULL, STR_NULL);
    }
    buf_done(&result.message);
}

static void write_delivery(void *context, const struct am_delivery *d)
{
    struct json_writer *json = context;

    json_write_object_begin(json);
    am_call_time(json, STR("time"), d->time);
    json_write_pair_str(json, STR("receiver"), d->receiver);
    json_write_pair_str(json, STR("integration"), d->integration);
    json_write_pair_str(json, STR("groupKey"), d->group_key);
    json_write_pair_str(json, STR("status"), d->status);
    json_write_pair_str(json, STR("outcome"), d->outcome);
    json_write_pair_str(json, STR("error"), d->error);
    json_write_pair_i64(json, STR("alerts"), d->alerts);
    json_write_pair_i64(json, STR("attempts"), d->attempts);
    json_write_pair_i64(json, STR("httpStatus"), d->http_status);
    json_write_pair_i64(json, STR("durationMs"), d->duration);
    json_write_pair_str(json, STR("message"), d->message);
    json_write_object_end(json);
}

static bool read_history_filter(struct am_call *call, struct am_delivery_filter *ret)
{
    str start = form_get(&call->form, STR("start"));
    str end = form_get(&call->form, STR("end"));
    str limit = form_get(&call->form, STR("limit"));
    uint64_t number = HISTORY_DEFAULT;

    *ret = (struct am_delivery_filter){.receiver = form_get(&call->form, STR("receiver")),
                                       .group_key = form_get(&call->form, STR("group")),
                                       .since = INT64_MIN,
                                       .until = INT64_MAX};
    if ((start.len > 0 && !rfc3339_parse(start, &ret->since)) ||
        (end.len > 0 && !rfc3339_parse(end, &ret->until)) ||
        (limit.len > 0 && !num_parse_u64(limit, &number)) || number > HISTORY_MAX) {
        return false;
    }
    ret->limit = (size_t)number;
    return true;
}

void am_api_history(struct am *am, struct http_request *request, struct http_response *response)
{
    struct am_call call = {
        .am = am, .request = request, .response = response, .arena = request->arena};
    struct am_delivery_filter filter = {0};
    struct baro_error err = {0};

    begin(&call);
    if (form_parse(call.arena, request->query, &call.form, &err) < 0 ||
        !read_history_filter(&call, &filter)) {
        am_call_fault(&call, 400, 400,
                      "start and end must be times (RFC 3339), limit a number up to %d",
                      HISTORY_MAX);
        return;
    }
    json_write_object_begin(&call.json);
    json_write_pair_str(&call.json, STR("status"), STR("success"));
    json_write_key(&call.json, STR("data"));
    json_write_array_begin(&call.json);
    if (am != NULL && am_state_of(am) != NULL &&
        am_state_deliveries(am_state_of(am), &filter, write_delivery, &call.json, &err) < 0) {
        am_call_fault(&call, 500, 500, "%s", err.message);
        return;
    }
    json_write_array_end(&call.json);
    json_write_object_end(&call.json);
    finish(&call);
}
