/*
 * /api/v1/openapi.yaml: what is served below /api/v1, as OpenAPI 3.1, or 3.2 when that is asked
 * for. It is made of routes.def and openapi.def for each answer, so it cannot be out of date. Names
 * of operations are Prometheus's, for clients that are generated from it.
 */
#include "api/api_priv.h"

enum param_type { STRING, STRINGS, INTEGER, BOOLEAN, TIME, DURATION };

static const struct param {
    const char *path;
    const char *name;
    enum param_type type;
    bool required;
    const char *help;
} params[] = {
#define OPENAPI_PARAM(path, name, type, required, help) {path, name, type, required, help},
#include "api/openapi.def"
#undef OPENAPI_PARAM
};

/* Operations whose names do not follow from their paths. */
static const struct {
    const char *path;
    const char *name;
} names[] = {
    {"/api/v1/metadata", "get-metadata"},
    {"/api/v1/scrape_pools", "get-scrape-pools"},
    {"/api/v1/targets", "get-targets"},
    {"/api/v1/targets/metadata", "get-targets-metadata"},
    {"/api/v1/targets/relabel_steps", "get-targets-relabel-steps"},
    {"/api/v1/status/config", "get-status-config"},
    {"/api/v1/status/runtimeinfo", "get-status-runtimeinfo"},
    {"/api/v1/status/buildinfo", "get-status-buildinfo"},
    {"/api/v1/status/flags", "get-status-flags"},
    {"/api/v1/status/walreplay", "get-status-walreplay"},
    {"/api/v1/status/self_metrics", "get-status-self-metrics"},
    {"/api/v1/notifications", "get-notifications"},
    {"/api/v1/features", "get-features"},
    {"/api/v1/admin/tsdb/delete_series", "deleteSeries"},
    {"/api/v1/admin/tsdb/clean_tombstones", "cleanTombstones"},
    {"/api/v1/admin/tsdb/snapshot", "snapshot"},
};

static bool is_shown(const struct api_route *route)
{
    str path = str_from(route->path);

    return str_has_prefix(path, STR("/api/v1/")) && route->method != HTTP_OPTIONS;
}

/* "/api/v1/label/:name/values" -> "/label/{name}/values" */
static void write_path(struct buf *buf, str path)
{
    str rest = str_from_index(path, STR("/api/v1").len + 1);

    for (str part; str_split_next(&rest, '/', &part);) {
        if (part.len > 0 && part.ptr[0] == ':') {
            buf_printf(buf, "/{%.*s}", STR_ARG(str_from_index(part, 1)));
        } else {
            buf_printf(buf, "/%.*s", STR_ARG(part));
        }
    }
}

static void write_operation_id(struct buf *buf, const struct api_route *route)
{
    const char *path = route->path;
    str rest = str_from_index(str_from(path), STR("/api/v1/").len);
    bool is_put = route->method == HTTP_PUT;

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (strcmp(path, names[i].path) == 0) {
            buf_printf(buf, "%s%s", names[i].name,
                       route->method == HTTP_GET ? "" : (is_put ? "Put" : "Post"));
            return;
        }
    }
    for (str part; str_split_next(&rest, '/', &part);) {
        if (part.ptr[0] == ':') {
            continue;
        }
        buf_c(buf, part.ptr > path + STR("/api/v1/").len ? "-" : "");
        for (size_t i = 0; i < part.len; i++) {
            buf_char(buf, part.ptr[i] == '_' ? '-' : part.ptr[i]);
        }
    }
    buf_c(buf, route->method == HTTP_POST     ? "-post"
               : route->method == HTTP_DELETE ? "-delete"
               : is_put                       ? "-put"
                                              : "");
}

/* "query" of "/api/v1/query_range": the first word. */
static str tag_of(const struct api_route *route)
{
    str rest = str_from_index(str_from(route->path), STR("/api/v1/").len);
    str word = str_slice(rest, 0, str_index_char(rest, '/'));

    return str_slice(word, 0, str_index_char(word, '_'));
}

static void write_schema(struct buf *buf, const struct param *param, const char *indent)
{
    static const char *const forms[] = {
        [STRING] = "{type: string}",
        [STRINGS] = "{type: array, items: {type: string}}",
        [INTEGER] = "{type: integer, format: int64}",
        [BOOLEAN] = "{type: boolean}",
        [TIME] = "{oneOf: [{type: string, format: date-time, description: RFC 3339.}, "
                 "{type: number, description: Unix time in seconds.}]}",
        [DURATION] = "{oneOf: [{type: string, description: 'Such as 1m30s.'}, "
                     "{type: number, description: Seconds.}]}",
    };

    buf_printf(buf, "%s%s\n", indent, forms[param->type]);
}

static bool belongs(const struct param *param, const struct api_route *route)
{
    return strcmp(param->path, route->path) == 0;
}

static bool has_params(const struct api_route *route)
{
    bool has = false;

    for (size_t i = 0; i < ARRAY_COUNT(params) && !has; i++) {
        has = belongs(&params[i], route);
    }
    return has;
}

static void write_in_path(struct buf *buf, const struct api_route *route)
{
    str rest = str_from(route->path);

    for (str part; str_split_next(&rest, '/', &part);) {
        if (part.len > 1 && part.ptr[0] == ':') {
            buf_printf(buf,
                       "        - name: %.*s\n          in: path\n          required: true\n"
                       "          schema: {type: string}\n",
                       STR_ARG(str_from_index(part, 1)));
        }
    }
}

/* Everything may stand in the query string, of a POST as well. */
static void write_params(struct buf *buf, const struct api_route *route)
{
    bool has_path = strchr(route->path, ':') != NULL;

    if (!has_path && !has_params(route)) {
        return;
    }
    buf_c(buf, "      parameters:\n");
    write_in_path(buf, route);
    for (size_t i = 0; i < ARRAY_COUNT(params); i++) {
        const struct param *param = &params[i];

        if (belongs(param, route)) {
            buf_printf(buf, "        - name: '%s'\n          in: query\n", param->name);
            buf_printf(buf, "          description: \"%s\"\n          required: %s\n", param->help,
                       param->required && route->method == HTTP_GET ? "true" : "false");
            write_schema(buf, param, "          schema: ");
        }
    }
}

/* Requests without parameters have bodies of their own kinds, which are JSON. */
static void write_body(struct buf *buf, const struct api_route *route)
{
    if (route->method != HTTP_POST) {
        return;
    }
    if (!has_params(route)) {
        buf_c(buf, "      requestBody:\n        content:\n          application/json:\n"
                   "            schema: {type: object}\n");
        return;
    }
    buf_c(buf, "      requestBody:\n        content:\n          "
               "application/x-www-form-urlencoded:\n            schema:\n"
               "              type: object\n              properties:\n");
    for (size_t i = 0; i < ARRAY_COUNT(params); i++) {
        if (belongs(&params[i], route)) {
            buf_printf(buf, "                '%s':\n", params[i].name);
            write_schema(buf, &params[i], "                  allOf: [");
            buf->len--; /* the line's end */
            buf_printf(buf, "]\n                  description: \"%s\"\n", params[i].help);
        }
    }
}

static void write_operation(struct buf *buf, const struct api_route *route)
{
    static const char *const methods[HTTP_METHOD_COUNT] = {
        [HTTP_GET] = "get",         [HTTP_HEAD] = "head",   [HTTP_POST] = "post",
        [HTTP_PUT] = "put",         [HTTP_PATCH] = "patch", [HTTP_DELETE] = "delete",
        [HTTP_OPTIONS] = "options",
    };
    bool is_json = route->json != NULL;

    buf_printf(buf, "    %s:\n      tags: [%.*s]\n      summary: \"%s\"\n      operationId: ",
               methods[route->method], STR_ARG(tag_of(route)), route->help);
    write_operation_id(buf, route);
    buf_char(buf, '\n');
    write_params(buf, route);
    write_body(buf, route);
    buf_printf(buf,
               "      responses:\n"
               "        '200':\n"
               "          description: Answered.\n"
               "%s"
               "        default:\n"
               "          description: Refused or failed.\n"
               "%s",
               is_json ? "          content:\n            application/json:\n"
                         "              schema: {$ref: '#/components/schemas/Success'}\n"
                       : "",
               is_json ? "          content:\n            application/json:\n"
                         "              schema: {$ref: '#/components/schemas/Error'}\n"
                       : "");
}

static void write_head(struct buf *buf, const struct api_context *context, const char *version)
{
    buf_printf(buf,
               "openapi: %s\n"
               "info:\n"
               "  title: barograph's API\n"
               "  description: Prometheus's HTTP API and what barograph adds to it.\n"
               "  license: {name: Apache-2.0, identifier: Apache-2.0}\n"
               "  version: '%s'\n"
               "servers:\n"
               "  - url: %s/api/v1\n"
               "paths:\n",
               version, context->build.program_version, context->prefix);
}

static const char tail[] =
    "components:\n"
    "  schemas:\n"
    "    Success:\n"
    "      type: object\n"
    "      required: [status, data]\n"
    "      properties:\n"
    "        status: {type: string, enum: [success]}\n"
    "        data: {description: What was asked for.}\n"
    "        warnings: {type: array, items: {type: string}}\n"
    "        infos: {type: array, items: {type: string}}\n"
    "    Error:\n"
    "      type: object\n"
    "      required: [status, errorType, error]\n"
    "      properties:\n"
    "        status: {type: string, enum: [error]}\n"
    "        errorType: {type: string, enum: [bad_data, canceled, execution, internal, not_found, "
    "timeout, unavailable]}\n"
    "        error: {type: string, description: For humans.}\n"
    "        warnings: {type: array, items: {type: string}}\n"
    "        infos: {type: array, items: {type: string}}\n";

void api_openapi(struct api_call *call)
{
    struct buf *body = &call->response->body;
    struct form form = {0};
    str version = STR_NULL;
    const char *path = "";

    if (form_parse(call->arena, call->request->query, &form, NULL) >= 0) {
        version = form_get(&form, STR("openapi_version"));
    }
    write_head(body, call->context, str_has_prefix(version, STR("3.2")) ? "3.2.0" : "3.1.0");
    for (size_t i = 0; i < api_route_count(); i++) {
        const struct api_route *route = &api_routes()[i];

        if (!is_shown(route)) {
            continue;
        }
        if (strcmp(path, route->path) != 0) {
            path = route->path;
            buf_c(body, "  ");
            write_path(body, str_from(path));
            buf_c(body, ":\n");
        }
        write_operation(body, route);
    }
    buf_c(body, tail);
    call->response->content_type = "application/yaml; charset=utf-8";
    http_response_header(call->response, "Cache-Control", "no-cache, no-store, must-revalidate");
}
