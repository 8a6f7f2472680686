#include "api/api_priv.h"

#include <stdarg.h>

#include "api/api_read_gate.h"
#include "api/events.h"
#include "api/events_watch.h"
#include "base/assert.h"
#include "exporter/node_mounts.h"

static const struct {
    const char *word;
    int status;
} faults[API_FAULT_COUNT] = {
    [API_BAD_DATA] = {"bad_data", 400},    [API_CANCELED] = {"canceled", 499},
    [API_DISABLED] = {"unavailable", 500}, [API_EXECUTION] = {"execution", 422},
    [API_INTERNAL] = {"internal", 500},    [API_NOT_FOUND] = {"not_found", 404},
    [API_TIMEOUT] = {"timeout", 503},      [API_UNAVAILABLE] = {"unavailable", 503},
};

#define ROW_JSON(handler)       API_JSON, handler, NULL
#define ROW_JSON_EARLY(handler) API_JSON_EARLY, handler, NULL
#define ROW_TEXT(handler)       API_TEXT, NULL, handler
#define ROW_TEXT_EARLY(handler) API_TEXT_EARLY, NULL, handler

static const struct api_route rows[] = {
#define ROUTE(method, path, kind, handler, blocking, help)                                         \
    {HTTP_##method, path, ROW_##kind(handler), blocking, help},
#include "api/routes.def"
#undef ROUTE
};
STATIC_ASSERT(sizeof(rows) / sizeof(rows[0]) < API_ROUTES_MAX, "counters for every route");

enum { RESPONSE_BYTES_MAX_DEFAULT = 1 << 30 };

size_t api_route_count(void)
{
    return ARRAY_COUNT(rows);
}

const struct api_route *api_routes(void)
{
    return rows;
}

const struct api_route *api_route_at(const struct api *api, const struct http_route *route)
{
    return route != NULL ? &rows[route - api->routes] : NULL;
}

size_t api_route_index(const struct api_route *route)
{
    return route != NULL ? (size_t)(route - rows) : API_ROUTES_MAX - 1;
}

/* ---- faults ---- */

int api_fail(struct api_call *call, enum api_fault fault, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    call->message = arena_vprintf(call->arena, format, args);
    va_end(args);
    call->fault = fault;
    return BARO_EINVALID;
}

int api_fail_query(struct api_call *call, const struct baro_error *err)
{
    enum api_fault fault = API_EXECUTION;

    switch (err->code) {
    case BARO_ETIMEOUT:
        fault = API_TIMEOUT;
        break;
    case BARO_ECANCELED:
        fault = API_CANCELED;
        break;
    case BARO_EPARSE:
        fault = API_BAD_DATA;
        break;
    case BARO_EBUSY:
        fault = API_UNAVAILABLE;
        break;
    case BARO_ECORRUPT:
        fault = API_INTERNAL;
        break;
    default:
        fault = err->code > -5000 ? API_INTERNAL : API_EXECUTION; /* -errno: the disk */
        break;
    }
    return api_fail(call, fault, "%s", err->message);
}

void api_warn(struct api_call *call, str warning)
{
    vec_push(&call->warnings, warning);
}

static void write_strs(struct json_writer *json, str key, const api_strs *strs)
{
    if (strs->count == 0) {
        return;
    }
    json_write_key(json, key);
    json_write_array_begin(json);
    for (size_t i = 0; i < strs->count; i++) {
        json_write_str(json, strs->items[i]);
    }
    json_write_array_end(json);
}

void api_write_fault(struct api_call *call)
{
    struct json_writer *json = &call->json;

    call->response->content_type = "application/json";
    buf_reset(&call->response->body);
    *json = json_write_over(&call->response->body);
    call->response->status = faults[call->fault].status;
    json_write_object_begin(json);
    json_write_pair_str(json, STR("status"), STR("error"));
    json_write_pair_str(json, STR("errorType"), str_from(faults[call->fault].word));
    json_write_pair_str(json, STR("error"), call->message);
    write_strs(json, STR("warnings"), &call->warnings);
    write_strs(json, STR("infos"), &call->infos);
    json_write_object_end(json);
}

/* ---- requests ---- */

/* Values of the body stand before those of the URL, as in Go. */
int api_parse_form(struct api_call *call, struct baro_error *err)
{
    const struct http_request *request = call->request;
    int r = 0;

    if (request->body.len > 0) {
        str type = http_request_header(request, "Content-Type");

        type = str_trim(str_slice(type, 0, str_index_char(type, ';')));
        if (str_eq_nocase(type, STR("application/x-www-form-urlencoded"))) {
            r = form_parse(call->arena, request->body, &call->form, err);
        }
    }
    return r < 0 ? r : form_parse(call->arena, request->query, &call->form, err);
}

static void run_json(struct api_call *call, const struct api_route *route)
{
    struct buf *body = &call->response->body;
    size_t limit = call->context->response_bytes_max;
    struct baro_error err = {0};
    int r;

    call->response->content_type = "application/json";
    body->limit = limit > 0 ? limit : RESPONSE_BYTES_MAX_DEFAULT;
    if (call->short_key != 0) {
        api_short_reserve(call->api, call->short_key, body);
    }
    call->json = json_write_over(body);
    json_write_object_begin(&call->json);
    json_write_pair_str(&call->json, STR("status"), STR("success"));
    json_write_key(&call->json, STR("data"));
    r = api_parse_form(call, &err);
    if (r < 0) {
        r = api_fail(call, API_BAD_DATA, "error parsing form values: %s", err.message);
    } else {
        r = route->json(call);
    }
    if (r < 0 || call->message.ptr != NULL) {
        ASSERT(call->message.ptr != NULL);
        api_write_fault(call);
        return;
    }
    if (call->response->status == 204) {
        buf_reset(body);
        return;
    }
    write_strs(&call->json, STR("warnings"), &call->warnings);
    write_strs(&call->json, STR("infos"), &call->infos);
    json_write_object_end(&call->json);
    if (body->failed) {
        (void)api_fail(call, API_EXECUTION,
                       "the answer would have more than %zu bytes: ask for less time, a longer "
                       "step, or fewer series",
                       body->limit);
        api_write_fault(call);
    }
}

/* As Prometheus, of the APIs alone: pages of other sites shall not read the rest. */
static void set_cors(struct api_call *call)
{
    const struct api *api = call->api;
    str path = call->request->path;
    str origin = http_request_header(call->request, "Origin");

    if (!str_has_prefix(path, STR("/api/")) && !str_has_prefix(path, STR("/alertmanager/api/"))) {
        return;
    }
    http_response_header(call->response, "Vary", "Origin");
    if (api->no_cors || origin.ptr == NULL || origin.len == 0) {
        return;
    }
    if (api->cors == NULL) {
        http_response_header(call->response, "Access-Control-Allow-Origin", "*");
    } else if (regex_match(api->cors, origin)) {
        http_response_header(call->response, "Access-Control-Allow-Origin",
                             arena_str(call->arena, origin).ptr);
    } else {
        return;
    }
    http_response_header(call->response, "Access-Control-Allow-Headers",
                         "Accept, Authorization, Content-Type, Origin");
    http_response_header(call->response, "Access-Control-Allow-Methods", "GET, POST, OPTIONS");
    http_response_header(call->response, "Access-Control-Expose-Headers", "Date");
}

bool api_can_be_short(const struct api_route *route)
{
    return route->json == api_query || route->json == api_query_range ||
           route->json == api_label_names || route->json == api_label_values ||
           route->json == api_series;
}

static void handle(void *context, struct http_request *request, struct http_response *response)
{
    struct api *api = context;
    const struct api_route *route = api_route_at(api, request->route);
    struct api_call call = {.api = api,
                            .context = &api->context,
                            .request = request,
                            .response = response,
                            .arena = request->arena};
    bool is_early = route->kind == API_JSON_EARLY || route->kind == API_TEXT_EARLY;
    mono begin = 0;

    if (api_can_be_short(route)) {
        call.short_key = api_short_key(request);
        begin = api_cost_clock(request);
    }
    call.queryable = api->context.queryable(api->context.app);
    set_cors(&call);
    if (call.queryable == NULL && !is_early) {
        http_response_header(response, "X-Prometheus-Stopping", "false");
        http_response_text(response, 503, "Service Unavailable");
    } else if (route->json != NULL) {
        run_json(&call, route);
    } else {
        route->text(&call);
    }
    vec_done(&call.warnings);
    vec_done(&call.infos);
    if (call.short_key != 0) {
        api_short_note(api, call.short_key, request, response, api_cost_clock(request) - begin);
    }
}

static void observe(void *context, const struct http_route *route, int status, double seconds,
                    size_t body_bytes)
{
    api_count(context, route, status, seconds, body_bytes);
}

/* ---- life cycle ---- */

int api_new(const struct api_context *context, struct api **ret, struct baro_error *err)
{
    CLEANUP(api_freep) struct api *api = MEM_NEW(struct api);
    str cors = str_from(context->cors_origin);

    api->context = *context;
    api->queries = query_registry_new();
    api->no_cors = cors.ptr != NULL && cors.len == 0;
    if (cors.len > 0 && !str_is(cors, ".*")) {
        int r = regex_new(cors, true, &api->cors, err);

        if (r < 0) {
            return error_wrap(err, r, "web.cors.origin");
        }
    }
    api->routes = mem_alloc_zero(ARRAY_COUNT(rows) * sizeof(*api->routes));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        api->routes[i] = (struct http_route){.method = rows[i].method,
                                             .path = rows[i].path,
                                             .handler = handle,
                                             .blocking = rows[i].blocking};
    }
    api_page_prepare(api);
    api->watch = events_watch_new(&api->context);
    api->events = events_new(
        &(struct events_options){.look = events_watch_look,
                                 .context = api->watch,
                                 .boot = context->clock != NULL ? clock_now(context->clock) : 0,
                                 .interval = EVENTS_LOOK_MS});
    api->read_gate = api_read_gate_new(context->remote.read_concurrent);
    api->mounts = node_mounts_new(statvfs, NODE_MOUNTS_WAIT_MS);
    *ret = TAKE(api);
    return 0;
}

struct api *api_free(struct api *api)
{
    if (api != NULL) {
        api->read_gate = api_read_gate_free(api->read_gate);
        (void)events_free(api->events);
        (void)node_mounts_free(api->mounts);
        (void)events_watch_free(api->watch);
        (void)regex_free(api->cors);
        (void)query_registry_free(api->queries);
        (void)mem_free(api->routes);
        buf_done(&api->index);
        (void)mem_free(api);
    }
    return NULL;
}

void api_serve(struct api *api, struct http_server_options *options)
{
    options->routes = api->routes;
    options->route_count = ARRAY_COUNT(rows);
    options->context = api;
    options->prefix = api->context.prefix;
    options->observe = observe;
    options->is_short = api_is_short;
}

void api_attach(struct api *api, struct http_server *server)
{
    /* Release: pairs with the acquire in api_counters_write. */
    atomic_store_explicit(&api->server, server, memory_order_release);
}
