/* The way of a request: its route, its limits, its body, its handler. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "svc_request.h"

static const struct svc_route builtin_routes[] = {
    {"GET", "/", builtin_index, 0, "what this service offers"},
    {"GET", "/api", builtin_index, 0, "what this service offers"},
    {"GET", "/api/health", builtin_health, 0, "health with components"},
    {"GET", "/health", builtin_health, 0, "health with components"},
};

const char *request_keep(struct request *request, const char *text)
{
    size_t size = strlen(text) + 1;
    struct svc_kept *kept = malloc(sizeof(*kept) + size);

    if (kept == NULL) {
        return NULL;
    }
    memcpy(kept->text, text, size);
    kept->next = request->kept;
    request->kept = kept;
    return kept->text;
}

/* One segment up to '/' or the end; *rest moves behind it. */
static size_t next_segment(const char **rest, const char **ret)
{
    size_t len;

    *ret = *rest + 1; /* over the '/' */
    len = strcspn(*ret, "/");
    *rest = *ret + len;
    return len;
}

/* Compares a path with a template and keeps what ':' segments stand for in ret (start and size). */
static bool route_matches(const char *template, const char *path, const char **ret_start,
                          size_t *ret_len)
{
    size_t params = 0;

    while (*template == '/' && *path == '/') {
        const char *want, *got;
        size_t want_len = next_segment(&template, &want);
        size_t got_len = next_segment(&path, &got);

        if (want_len == 1 && want[0] == '*') { /* the rest, whatever it is */
            ret_start[params] = got;
            ret_len[params] = strlen(got);
            return got_len > 0;
        }
        if (want[0] == ':' && got_len > 0 && params < SVC_PARAMS_MAX) {
            ret_start[params] = got;
            ret_len[params++] = got_len;
        } else if (want_len != got_len || memcmp(want, got, want_len) != 0) {
            return false;
        }
    }
    return *template == '\0' && *path == '\0';
}

static bool method_serves(const char *route, const char *method)
{
    return strcmp(route, method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(route, "GET") == 0);
}

static void take_params(struct request *request, const char *const *starts, const size_t *lens)
{
    char text[256];

    for (size_t i = 0; i < SVC_PARAMS_MAX && starts[i] != NULL; i++) {
        size_t len = lens[i] < sizeof(text) ? lens[i] : sizeof(text) - 1;

        memcpy(text, starts[i], len);
        text[len] = '\0';
        request->public.params[i] = request_keep(request, text);
    }
}

/* Returns the route; NULL when none fits, with the methods that would in request->allow. */
static const struct svc_route *match_in(struct request *request, const struct svc_route *routes,
                                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *starts[SVC_PARAMS_MAX + 1] = {NULL};
        size_t lens[SVC_PARAMS_MAX + 1] = {0};
        size_t used = strlen(request->allow);

        if (!route_matches(routes[i].path, request->public.path, starts, lens)) {
            continue;
        }
        if (method_serves(routes[i].method, request->public.method)) {
            take_params(request, starts, lens);
            return &routes[i];
        }
        (void)snprintf(request->allow + used, sizeof(request->allow) - used, "%s%s",
                       used > 0 ? ", " : "", routes[i].method);
    }
    return NULL;
}

static void find_route(struct request *request)
{
    const struct svc_service *service = request->public.svc->service;
    const char *metrics_path = service->metrics_path != NULL ? service->metrics_path : "/metrics";
    const struct svc_route *route = match_in(request, service->routes, service->route_count);

    if (route == NULL && service->metrics != NULL &&
        strcmp(request->public.path, metrics_path) == 0) {
        request->public.endpoint = metrics_path;
        (void)snprintf(request->allow, sizeof(request->allow), "GET");
        return;
    }
    if (route == NULL) {
        route =
            match_in(request, builtin_routes, sizeof(builtin_routes) / sizeof(builtin_routes[0]));
    }
    request->public.route = route;
    request->public.endpoint = route != NULL ? route->path : "other";
}

static bool is_metrics(const struct request *request)
{
    return request->public.route == NULL && request->public.endpoint[0] == '/' &&
           method_serves("GET", request->public.method);
}

static void client_address(struct MHD_Connection *connection, char *ret, size_t size)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    socklen_t len;

    (void)snprintf(ret, size, "unknown");
    if (info != NULL && info->client_addr != NULL) {
        len = info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                       : sizeof(struct sockaddr_in);
        (void)getnameinfo(info->client_addr, len, ret, (socklen_t)size, NULL, 0, NI_NUMERICHOST);
    }
}

static enum MHD_Result take_part(void *context, enum MHD_ValueKind kind, const char *name,
                                 const char *filename, const char *content_type,
                                 const char *encoding, const char *data, uint64_t offset,
                                 size_t size)
{
    struct request *request = context;
    struct svc_part_building *part;

    (void)kind;
    (void)encoding;
    if (offset == 0 && request->public.part_count < SVC_PARTS_MAX) {
        part = &request->building[request->public.part_count++];
        part->name = request_keep(request, name != NULL ? name : "");
        part->filename = request_keep(request, filename != NULL ? filename : "");
        part->content_type = request_keep(request, content_type != NULL ? content_type : "");
        part->data.max = request->body.max;
    } else if (offset == 0 || request->public.part_count == 0) {
        request->is_form_bad = true;
        return MHD_NO;
    }
    part = &request->building[request->public.part_count - 1];
    svc_bytes_put(&part->data, data, size);
    return part->data.failed || part->name == NULL || part->filename == NULL ||
                   part->content_type == NULL
               ? MHD_NO
               : MHD_YES;
}

/* What `curl -d '{...}'` sends says that it is a form, and is JSON: only multipart is taken apart.
 */
static bool is_form(const char *content_type)
{
    return strncasecmp(content_type, "multipart/form-data", 19) == 0;
}

static struct request *request_new(struct svc *svc, struct MHD_Connection *connection,
                                   const char *path, const char *method)
{
    const union MHD_ConnectionInfo *slot =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct request *request = calloc(1, sizeof(*request));
    const char *type;

    if (request == NULL) {
        return NULL;
    }
    request->public.svc = svc;
    request->public.context = svc->service->context;
    request->public.connection = connection;
    request->public.path = request_keep(request, path);
    request->public.method = request_keep(request, method);
    type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type");
    request->public.content_type = request_keep(request, type != NULL ? type : "");
    request->slot = slot != NULL ? slot->socket_context : NULL;
    request->body.max =
        svc->service->body_bytes_max != 0 ? svc->service->body_bytes_max : (size_t)16 << 20;
    request->start_ns = svc_mono_ns();
    if (request->public.path == NULL || request->public.method == NULL ||
        request->public.content_type == NULL) {
        request_free(request);
        return NULL;
    }
    client_address(connection, request->public.client, sizeof(request->public.client));
    return request;
}

void request_free(struct request *request)
{
    if (request->form != NULL) {
        (void)MHD_destroy_post_processor(request->form);
    }
    if (request->response != NULL) {
        MHD_destroy_response(request->response);
    }
    for (size_t i = 0; i < SVC_PARTS_MAX; i++) {
        svc_bytes_done(&request->building[i].data);
    }
    svc_bytes_done(&request->body);
    for (struct svc_kept *kept = request->kept, *next; kept != NULL; kept = next) {
        next = kept->next;
        free(kept);
    }
    free(request);
}

/* Answers what needs no look at the body: unknown routes, limits. True when it did. */
static bool refuse_early(struct request *request)
{
    struct svc_request *public = &request->public;
    struct svc *svc = public->svc;
    unsigned flags = public->route != NULL ? public->route->flags : 0;
    double wait_s = 0;
    char text[32];

    if (public->route == NULL && !is_metrics(request)) {
        if (request->allow[0] == '\0') {
            svc_answer_error(public, 404, "not_found", "%.200s: no such path: GET /api lists them",
                             public->path);
        } else {
            svc_answer_header(public, "Allow", request->allow);
            svc_answer_error(public, 405, "method_not_allowed", "%.200s: use %s", public->path,
                             request->allow);
        }
        return true;
    }
    if ((flags & SVC_WORK) != 0 && svc->ending) {
        svc_answer_header(public, "Retry-After", "5");
        svc_answer_error(public, 503, "draining", "the service is ending: try again soon");
        return true;
    }
    if ((flags & SVC_LIMITED) != 0 &&
        !svc_limit_take(svc->limit, public->client, request->start_ns, &wait_s)) {
        (void)snprintf(text, sizeof(text), "%ld", (long)wait_s + 1);
        svc_answer_header(public, "Retry-After", text);
        svc_answer_error(public, 429, "rate_limit", "too many requests: try again in %s s", text);
        if (svc->service->limited != NULL) {
            svc->service->limited(public->context, public);
        }
        return true;
    }
    return false;
}

/* The size that the client announces; 0 when it announces none. */
static uint64_t announced_size(struct MHD_Connection *connection)
{
    const char *text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");

    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

static void answer_too_large(struct request *request)
{
    svc_answer_error(&request->public, 413, "too_large", "body: larger than %zu bytes: send less",
                     request->body.max);
}

static enum MHD_Result request_begin(struct request *request)
{
    enum { FORM_BUFFER_BYTES = 4096 };
    const struct svc_service *service = request->public.svc->service;
    uint64_t size = announced_size(request->public.connection);
    bool is_refused;

    find_route(request);
    if (service->begun != NULL) {
        service->begun(request->public.context, &request->public);
    }
    slot_deadline(request->slot, BODY_PATIENCE * request->public.svc->settings->patience_s);
    is_refused = refuse_early(request);
    if (size > request->body.max) {
        if (!is_refused) {
            answer_too_large(request);
        }
        if (size > request->body.max * DISCARD_FACTOR) {
            return request_send(request); /* closes: the body is not worth reading */
        }
    } else if (!is_refused && is_form(request->public.content_type)) {
        request->form = MHD_create_post_processor(request->public.connection, FORM_BUFFER_BYTES,
                                                  take_part, request);
        request->is_form_bad = request->form == NULL;
    }
    return MHD_YES;
}

static enum MHD_Result request_take(struct request *request, const char *data, size_t size)
{
    request->public.received_bytes += size;
    if (request->response == NULL && request->public.received_bytes > request->body.max) {
        answer_too_large(request);
    }
    if (request->response != NULL) {
        request->discarded += size;
        return request->discarded <= request->body.max * DISCARD_FACTOR ? MHD_YES : MHD_NO;
    }
    if (request->form != NULL) {
        if (MHD_post_process(request->form, data, size) != MHD_YES) {
            request->is_form_bad = true;
        }
    } else if (!request->is_form_bad) {
        svc_bytes_put(&request->body, data, size);
    }
    return MHD_YES;
}

/* Gives parts and body their final NUL and their place in the public request. */
static bool finish_body(struct request *request)
{
    struct svc_request *public = &request->public;

    if (request->form != NULL) {
        if (MHD_destroy_post_processor(request->form) != MHD_YES) {
            request->is_form_bad = true;
        }
        request->form = NULL;
    }
    for (size_t i = 0; i < public->part_count; i++) {
        struct svc_part_building *from = &request->building[i];

        from->data.max++;
        svc_bytes_put(&from->data, "", 1);
        if (from->data.failed) {
            return false;
        }
        request->parts[i] = (struct svc_part){.name = from->name,
                                              .filename = from->filename,
                                              .content_type = from->content_type,
                                              .ptr = from->data.ptr,
                                              .len = from->data.len - 1};
    }
    public->parts = request->parts;
    request->body.max++;
    svc_bytes_put(&request->body, "", 1);
    public->body = request->body.ptr;
    public->body_len = request->body.len - (request->body.failed ? 0 : 1);
    return !request->body.failed;
}

static enum MHD_Result request_run(struct request *request)
{
    struct svc_request *public = &request->public;

    if (request->response == NULL) {
        if (!finish_body(request)) {
            svc_answer_error(public, 503, "no_memory", "body: out of memory: try again");
        } else if (request->is_form_bad) {
            svc_answer_error(public, 400, "bad_form",
                             "body: malformed form: send multipart/form-data of at most %d parts",
                             SVC_PARTS_MAX);
        } else {
            slot_deadline(request->slot, 0);
            (public->route != NULL ? public->route->handle : public->svc->service->metrics)(public);
        }
    }
    return request_send(request);
}

enum MHD_Result svc_on_request(void *context, struct MHD_Connection *connection, const char *path,
                               const char *method, const char *version, const char *data,
                               size_t *size, void **state)
{
    struct request *request = *state;

    (void)version;
    if (request == NULL) {
        request = request_new(context, connection, path, method);
        *state = request;
        return request != NULL ? request_begin(request) : MHD_NO;
    }
    if (*size > 0) {
        enum MHD_Result result = request_take(request, data, *size);

        *size = 0;
        return result;
    }
    return request_run(request);
}

void request_observe(struct request *request)
{
    struct svc_request *public = &request->public;
    const struct svc_service *service = public->svc->service;
    struct svc_answered answered = {
        .status = request->status,
        .seconds = svc_since_s(request->start_ns),
        .request_bytes = public->received_bytes,
        .response_bytes = request->response_bytes,
        .error_type = request->error_type,
    };

    if (!request->is_observed && service->answered != NULL && public->endpoint != NULL) {
        /* A client that left before its answer is what other servers log as 499. */
        answered.status = answered.status != 0 ? answered.status : 499;
        service->answered(public->context, public, &answered);
    }
    request->is_observed = true;
}

void svc_on_completed(void *context, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode code)
{
    struct request *request = *state;

    (void)context;
    (void)connection;
    (void)code;
    if (request != NULL) {
        /* A socket that was handed over has its own clock (svc_ws pings). */
        if (request->status != MHD_HTTP_SWITCHING_PROTOCOLS) {
            slot_deadline(request->slot, IDLE_PATIENCE * request->public.svc->settings->patience_s);
        }
        request_observe(request);
        request_free(request);
        *state = NULL;
    }
}

const char *svc_query(const struct svc_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *svc_header(const struct svc_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const struct svc_part *svc_part(const struct svc_request *request, const char *name)
{
    for (size_t i = 0; i < request->part_count; i++) {
        if (strcmp(request->parts[i].name, name) == 0) {
            return &request->parts[i];
        }
    }
    return NULL;
}

int svc_json(const struct svc_request *request, json_t **ret, struct svc_error *err)
{
    json_error_t where;
    json_t *value = NULL;

    if (request->body_len == 0) {
        return svc_fail(err, -EINVAL, "body: empty: send a JSON object");
    }
    value =
        json_loadb((const char *)request->body, request->body_len, JSON_REJECT_DUPLICATES, &where);
    if (value == NULL) {
        return svc_fail(err, -EINVAL, "body:%d:%d: not JSON: %.120s", where.line, where.column,
                        where.text);
    }
    if (!json_is_object(value)) {
        json_decref(value);
        return svc_fail(err, -EINVAL, "body: send a JSON object, {...}");
    }
    *ret = value;
    return 0;
}
