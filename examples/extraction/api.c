#include "api.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client_ws.h"
#include "faults.h"
#include "svc_chaos.h"
#include "svc_host.h"
#include "svc_ws.h"
#include "telemetry.h"

enum { NAME_BYTES_MAX = 200, WS_CLIENTS_MAX = 4000, POOL_HELD_MAX = STORE_POOL_MAX };
static const double POOL_WAIT_S = 2;

struct api {
    struct api_options options;
    const struct svc_faults *faults;
    struct svc_host host; /* simulated */
    struct store_pool *pool;
    struct cache *cache;
    struct svc_ws *ws;
    struct queue *events; /* of the events thread alone */
    pthread_mutex_t lock;
    struct queue *tasks; /* lock: api.lock, as search */
    struct queue *search;
    pthread_t events_thread;
    bool has_events_thread;
    _Atomic bool stopping;
    struct client_ws *clients; /* of the fault websockets */
    struct store *held[POOL_HELD_MAX];
    size_t held_count;
    int fill_fd; /* of the fault disk-fill; 0 = none */
};

static struct api *api_of(const struct svc_request *request)
{
    return ((struct api_context *)request->context)->api;
}

/* The faults of a request: true when it has been answered. */
static bool misbehave(struct svc_request *request)
{
    const struct api *api = api_of(request);
    double seconds = 0;

    if (svc_fault_on(api->faults, FAULT_SLOW_API, NULL, &seconds)) {
        (void)svc_sleep_s(seconds, &api->stopping);
    }
    if (svc_fault_chance(api->faults, FAULT_API_ERRORS, NULL)) {
        svc_answer_error(request, 500, "fault", "fault api-errors");
        return true;
    }
    return false;
}

/* A connection of the pool, or NULL when it has answered why there is none. */
static struct store *store_take(struct svc_request *request)
{
    struct svc_error err = {0};
    struct store *store = NULL;

    if (store_pool_take(api_of(request)->pool, POOL_WAIT_S, &store, &err) < 0) {
        svc_answer_header(request, "Retry-After", "2");
        svc_answer_error(request, 503, "database", "%s", err.text);
    }
    return store;
}

static void store_give(struct svc_request *request, struct store *store)
{
    store_pool_give(api_of(request)->pool, store);
}

static void database_failed(struct svc_request *request, const struct svc_error *err)
{
    svc_answer_error(request, 500, "database", "%s", err->text);
}

static void key_of(char ret[CACHE_KEY_SIZE], const char *kind, const char *type, const char *digest)
{
    (void)snprintf(ret, CACHE_KEY_SIZE, "%s:%s:%s", kind, type, digest);
}

/* What came: the part "file" of a form, or the body with ?name=. */
struct upload {
    const uint8_t *ptr;
    size_t len;
    char name[NAME_BYTES_MAX + 1];
    enum doc_type type;
    char digest[SVC_SHA256_HEX_SIZE];
};

static enum doc_type type_of(const struct svc_request *request, const struct upload *upload)
{
    const char *wanted = svc_query(request, "type");
    const char *dot = strrchr(upload->name, '.');
    char ending[8] = "";
    enum doc_type type = DOC_TYPE_COUNT;

    if (wanted != NULL) {
        return doc_type_find(wanted);
    }
    if (dot != NULL && strlen(dot + 1) < sizeof(ending)) {
        for (size_t i = 0; dot[i + 1] != '\0'; i++) {
            ending[i] = (char)(dot[i + 1] | 0x20);
            ending[i + 1] = '\0';
        }
        type = strcmp(ending, "stp") == 0 ? DOC_STEP : doc_type_find(ending);
    }
    return type < DOC_TYPE_COUNT ? type : doc_type_guess(upload->ptr, upload->len);
}

static bool upload_take(struct svc_request *request, struct upload *upload)
{
    const struct svc_part *part = svc_part(request, "file");
    const char *name = part != NULL ? part->filename : svc_query(request, "name");

    upload->ptr = part != NULL ? part->ptr : request->body;
    upload->len = part != NULL ? part->len : request->body_len;
    if (upload->len == 0) {
        svc_answer_error(request, 400, "no_file",
                         "give a file: as the form's part \"file\", or as the body");
        return false;
    }
    name = name != NULL && name[0] != '\0' ? name : "unnamed";
    char text[2 * NAME_BYTES_MAX + 1];
    size_t len = strlen(name);
    (void)doc_utf8(name, len < NAME_BYTES_MAX / 2 ? len : NAME_BYTES_MAX / 2, text);
    (void)snprintf(upload->name, sizeof(upload->name), "%.*s", (int)sizeof(upload->name) - 1, text);
    upload->type = type_of(request, upload);
    if (upload->type == DOC_TYPE_COUNT) {
        svc_answer_error(request, 415, "unknown_type",
                         "neither PDF, DXF, IFC nor STEP: ?type= says which it is");
        return false;
    }
    svc_sha256_hex(upload->ptr, upload->len, upload->digest);
    return true;
}

/* A file with the same bytes that was extracted before: its document is the answer. */
static bool cached_answer(struct svc_request *request, const struct upload *upload)
{
    char key[CACHE_KEY_SIZE];
    char *id = NULL;
    int found;

    key_of(key, "result", doc_type_name(upload->type), upload->digest);
    found = cache_get(api_of(request)->cache, key, &id);
    telemetry_cache("get", found);
    if (found > 0) {
        svc_answer_json(request, 200,
                        json_pack("{s:s, s:s, s:b}", "id", id, "status", "done", "cached", 1));
    }
    free(id);
    return found > 0;
}

/* Keeps the bytes, then the row, then asks for the work: in this order, nothing is asked for that
 * is not there. */
static void upload_queue(struct svc_request *request, struct store *store,
                         const struct upload *upload)
{
    struct api *api = api_of(request);
    char id[DOCUMENTS_ID_SIZE];
    char path[512];
    struct svc_error err = {0};
    const struct document_new document = {.id = id,
                                          .digest = upload->digest,
                                          .type = upload->type,
                                          .name = upload->name,
                                          .bytes = upload->len};
    int r;

    svc_random_hex(id, sizeof(id));
    (void)snprintf(path, sizeof(path), "%s/%s", api->options.files, upload->digest);
    r = svc_file_write(path, upload->ptr, upload->len, &err);
    r = r < 0 ? r : documents_insert(store, &document, &err);
    if (r < 0) {
        database_failed(request, &err);
        return;
    }
    (void)pthread_mutex_lock(&api->lock);
    r = queue_push(api->tasks, id);
    (void)pthread_mutex_unlock(&api->lock);
    if (r < 0) {
        (void)documents_fail(store, id, "the queue was full", &err);
        svc_answer_header(request, "Retry-After", "5");
        svc_answer_error(request, 503, "queue_full",
                         "the queue takes no more now: try again later");
        return;
    }
    svc_answer_json(request, 202,
                    json_pack("{s:s, s:s, s:s, s:b}", "id", id, "status", "queued", "type",
                              doc_type_name(upload->type), "cached", 0));
}

static void handle_upload(struct svc_request *request)
{
    struct upload upload = {0};
    struct store *store;

    if (misbehave(request) || !upload_take(request, &upload) || cached_answer(request, &upload)) {
        return;
    }
    store = store_take(request);
    if (store != NULL) {
        upload_queue(request, store, &upload);
        store_give(request, store);
    }
}

static bool id_is_good(struct svc_request *request)
{
    const char *id = request->params[0];

    if (strlen(id) != DOCUMENTS_ID_SIZE - 1 ||
        strspn(id, "0123456789abcdef") != DOCUMENTS_ID_SIZE - 1) {
        svc_answer_error(request, 404, "no_document", "no document of that id");
        return false;
    }
    return true;
}

/* From the database, and into the cache when nothing about it will change any more. */
static void document_load(struct svc_request *request, const char *key)
{
    struct store *store = store_take(request);
    struct svc_error err = {0};
    json_t *document = NULL;
    int r;

    if (store == NULL) {
        return;
    }
    r = documents_get(store, request->params[0], &document, &err);
    store_give(request, store);
    if (r < 0) {
        database_failed(request, &err);
    } else if (document == NULL) {
        svc_answer_error(request, 404, "no_document", "no document of that id");
    } else {
        char *text = strcmp(json_string_value(json_object_get(document, "status")), "done") == 0
                         ? json_dumps(document, JSON_COMPACT)
                         : NULL;

        if (text != NULL) {
            telemetry_cache("set", cache_set(api_of(request)->cache, key, text));
        }
        free(text);
        svc_answer_json(request, 200, document);
        document = NULL;
    }
    json_decref(document);
}

static void handle_document(struct svc_request *request)
{
    char key[CACHE_KEY_SIZE];
    char *text = NULL;
    json_t *document;
    int found;

    if (misbehave(request) || !id_is_good(request)) {
        return;
    }
    key_of(key, "document", "id", request->params[0]);
    found = cache_get(api_of(request)->cache, key, &text);
    telemetry_cache("get", found);
    document = found > 0 ? json_loads(text, 0, NULL) : NULL;
    free(text);
    if (document != NULL) {
        svc_answer_json(request, 200, document);
    } else {
        document_load(request, key);
    }
}

static void handle_text(struct svc_request *request)
{
    struct svc_error err = {0};
    struct store *store = NULL;
    char *text = NULL;
    int r;

    if (misbehave(request) || !id_is_good(request)) {
        return;
    }
    store = store_take(request);
    if (store == NULL) {
        return;
    }
    r = documents_text(store, request->params[0], &text, &err);
    store_give(request, store);
    if (r < 0) {
        database_failed(request, &err);
    } else if (text == NULL) {
        svc_answer_error(request, 404, "no_text", "no text of that document (yet)");
    } else {
        svc_answer_bytes(request, 200, "text/plain; charset=utf-8", text, strlen(text));
        text = NULL;
    }
    free(text);
}

static void handle_list(struct svc_request *request)
{
    const char *wanted = svc_query(request, "limit");
    long limit = wanted != NULL ? strtol(wanted, NULL, 10) : 20;
    struct svc_error err = {0};
    json_t *documents = NULL;
    struct store *store;
    int r;

    if (misbehave(request)) {
        return;
    }
    if (limit < 1 || limit > DOCUMENTS_LIST_MAX) {
        svc_answer_error(request, 400, "bad_limit", "limit: 1 to %d", DOCUMENTS_LIST_MAX);
        return;
    }
    store = store_take(request);
    if (store == NULL) {
        return;
    }
    r = documents_list(store, limit, &documents, &err);
    store_give(request, store);
    if (r < 0) {
        database_failed(request, &err);
    } else {
        svc_answer_json(request, 200, json_pack("{s:o}", "documents", documents));
    }
}

static void handle_delete(struct svc_request *request)
{
    struct api *api = api_of(request);
    struct document_task task = {.type = DOC_TYPE_COUNT};
    struct svc_error err = {0};
    struct store *store = NULL;
    char key[CACHE_KEY_SIZE];
    int r;

    if (misbehave(request) || !id_is_good(request)) {
        return;
    }
    store = store_take(request);
    if (store == NULL) {
        return;
    }
    r = documents_delete(store, request->params[0], &task, &err);
    store_give(request, store);
    if (r < 0) {
        database_failed(request, &err);
        return;
    }
    key_of(key, "document", "id", request->params[0]);
    telemetry_cache("delete", cache_delete(api->cache, key));
    if (task.type < DOC_TYPE_COUNT) {
        key_of(key, "result", doc_type_name(task.type), task.digest);
        telemetry_cache("delete", cache_delete(api->cache, key));
    }
    if (r == 0) {
        svc_answer_error(request, 404, "no_document", "no document of that id");
    } else {
        svc_answer_json(request, 200, json_pack("{s:s}", "deleted", request->params[0]));
    }
}

static void handle_search(struct svc_request *request)
{
    const char *question = svc_query(request, "q");
    struct svc_error err = {0};
    json_t *hits = NULL;
    struct store *store;
    int r;

    if (misbehave(request)) {
        return;
    }
    if (question == NULL || question[0] == '\0') {
        svc_answer_error(request, 400, "no_question", "q: give words to search for");
        return;
    }
    store = store_take(request);
    if (store == NULL) {
        return;
    }
    r = documents_search(store, question, &hits, &err);
    store_give(request, store);
    if (r < 0) {
        database_failed(request, &err);
    } else {
        svc_answer_json(request, 200, json_pack("{s:o}", "results", hits));
    }
}

static long depth_of(struct api *api, struct queue *queue)
{
    long depth;

    (void)pthread_mutex_lock(&api->lock);
    depth = queue_depth(queue);
    (void)pthread_mutex_unlock(&api->lock);
    return depth;
}

static void handle_queues(struct svc_request *request)
{
    struct api *api = api_of(request);

    svc_answer_json(request, 200,
                    json_pack("{s:I, s:I, s:I}", "extraction",
                              (json_int_t)depth_of(api, api->tasks), "search",
                              (json_int_t)depth_of(api, api->search), "websockets",
                              (json_int_t)svc_ws_count(api->ws)));
}

static void handle_ws(struct svc_request *request)
{
    const char *document = svc_query(request, "document");

    if (api_of(request)->stopping) {
        svc_answer_error(request, 503, "ending", "the service is ending");
        return;
    }
    svc_ws_answer(api_of(request)->ws, request,
                  document != NULL && strlen(document) < SVC_WS_TOPIC_SIZE ? document : "");
}

/* A document is done: the next upload of the same bytes is answered at once. */
static void done_cache(struct api *api, const char *id)
{
    struct store *store = NULL;
    struct svc_error err = {0};
    json_t *document = NULL;
    char key[CACHE_KEY_SIZE];

    if (store_pool_take(api->pool, POOL_WAIT_S, &store, &err) < 0) {
        return;
    }
    (void)documents_get(store, id, &document, &err);
    store_pool_give(api->pool, store);
    if (document != NULL) {
        key_of(key, "result", json_string_value(json_object_get(document, "type")),
               json_string_value(json_object_get(document, "digest")));
        telemetry_cache("set", cache_set(api->cache, key, id));
    }
    json_decref(document);
}

/* "ID STATE PERCENT" of a worker becomes a message to the clients that follow the document. */
static void event_pass(struct api *api, const char *event)
{
    char id[41];
    char state[33];
    int percent = 0;
    char *text;
    json_t *message;

    if (sscanf(event, "%40s %32s %d", id, state, &percent) != 3) {
        return;
    }
    if (strcmp(state, "done") == 0) {
        done_cache(api, id);
    }
    message = json_pack("{s:s, s:s, s:i}", "document", id, "state", state, "percent", percent);
    text = message != NULL ? json_dumps(message, JSON_COMPACT) : NULL;
    if (text != NULL) {
        (void)svc_ws_send(api->ws, id, text, strlen(text));
    }
    free(text);
    json_decref(message);
}

static void *events_run(void *context)
{
    struct api *api = context;
    char event[QUEUE_MESSAGE_SIZE];

    while (!api->stopping) {
        int r = queue_pop(api->events, event, 0.2);

        if (r == 1) {
            event_pass(api, event);
        } else if (r < 0) {
            (void)svc_sleep_s(1, &api->stopping);
        }
    }
    return NULL;
}

static void ws_opened(void *context)
{
    (void)context;
    telemetry_websocket(1);
}

static void ws_closed(void *context, double seconds)
{
    (void)context;
    (void)seconds;
    telemetry_websocket(-1);
}

static void pool_changed(void *context, size_t in_use)
{
    (void)context;
    telemetry_pool(in_use);
}

/* Makes the tables when they are missing, by the first connection of the pool. */
static int tables_make(struct api *api, struct svc_error *err)
{
    struct store *store = NULL;
    int r = store_pool_take(api->pool, POOL_WAIT_S, &store, err);

    if (r == 0) {
        r = store_migrate(store, err);
        store_pool_give(api->pool, store);
    }
    return r;
}

static int api_open(struct api *api, struct svc *svc, struct svc_error *err)
{
    const struct api_options *options = &api->options;
    struct store_options database = {.url = options->database,
                                     .faults = svc_faults(svc),
                                     .stop = &api->stopping,
                                     .observed = telemetry_query};
    struct svc_ws_options ws = {
        .clients_max = WS_CLIENTS_MAX, .on_open = ws_opened, .on_close = ws_closed};
    int r;

    telemetry_show_api(options->pool);
    api->pool = store_pool_new(&database, (size_t)options->pool, pool_changed);
    r = api->pool != NULL ? tables_make(api, err) : svc_fail(err, -ENOMEM, "out of memory");
    r = r < 0 ? r : cache_new(options->redis, options->prefix, &api->cache, err);
    r = r < 0 ? r : queue_open(options->tasks, &api->tasks, err);
    r = r < 0 ? r : queue_open(options->search, &api->search, err);
    r = r < 0 ? r : queue_open(options->events, &api->events, err);
    r = r < 0 ? r : svc_ws_new(&ws, &api->ws, err);
    if (r == 0 && pthread_create(&api->events_thread, NULL, events_run, api) != 0) {
        return svc_fail(err, -EAGAIN, "no thread for the events");
    }
    api->has_events_thread = r == 0;
    return r;
}

int api_new(const struct api_options *options, struct svc *svc, struct api **ret,
            struct svc_error *err)
{
    struct api *api = calloc(1, sizeof(*api));
    int r;

    if (api == NULL) {
        return svc_fail(err, -ENOMEM, "out of memory");
    }
    api->options = *options;
    api->faults = svc_faults(svc);
    api->host = (struct svc_host){
        .since_ns = svc_mono_ns(), .busy = SVC_HOST_BUSY, .disk_free = SVC_HOST_DISK_FREE};
    (void)svc_fault_on(api->faults, FAULT_LOW_DISK, NULL, &api->host.disk_free);
    (void)pthread_mutex_init(&api->lock, NULL);
    r = api_open(api, svc, err);
    if (r < 0) {
        api_stop(api);
        (void)api_free(api);
        return r;
    }
    *ret = api;
    return 0;
}

void api_stop(struct api *api)
{
    api->stopping = true;
    api->clients = client_ws_free(api->clients);
    if (api->has_events_thread) {
        (void)pthread_join(api->events_thread, NULL);
        api->has_events_thread = false;
    }
    svc_ws_stop(api->ws);
}

struct api *api_free(struct api *api)
{
    if (api != NULL) {
        for (size_t i = 0; i < api->held_count; i++) {
            store_pool_give(api->pool, api->held[i]);
        }
        api->ws = svc_ws_free(api->ws);
        api->events = queue_close(api->events);
        api->search = queue_close(api->search);
        api->tasks = queue_close(api->tasks);
        api->cache = cache_free(api->cache);
        api->pool = store_pool_free(api->pool);
        (void)pthread_mutex_destroy(&api->lock);
        if (api->fill_fd > 0) {
            (void)close(api->fill_fd);
        }
        free(api);
    }
    return NULL;
}

static void pool_hold(struct api *api, double share)
{
    size_t count = (size_t)((double)api->options.pool * share + 0.5);
    struct svc_error err = {0};

    while (api->held_count < count && api->held_count < POOL_HELD_MAX &&
           store_pool_take(api->pool, 0, &api->held[api->held_count], &err) == 0) {
        api->held_count++;
    }
}

void api_faults(struct api *api, struct svc *svc)
{
    struct svc_error err = {0};
    double number = 0;

    if (svc_fault_on(api->faults, FAULT_POOL_EXHAUSTED, NULL, &number)) {
        pool_hold(api, number);
    }
    if (!svc_fault_on(api->faults, FAULT_REDIS_MEMORY, NULL, &number)) {
        (void)cache_drain(api->cache);
    } else if (cache_fill(api->cache, number, &err) < 0) {
        svc_log("warn", "the fault has no effect", "err", err.text, NULL);
    }
    if (svc_fault_on(api->faults, FAULT_DISK_FILL, NULL, &number)) {
        api->fill_fd = svc_disk_fill(api->options.files, number, &err);
        if (api->fill_fd < 0) {
            svc_log("warn", "the fault has no effect", "err", err.text, NULL);
        }
    }
    if (svc_fault_on(api->faults, FAULT_WEBSOCKETS, NULL, &number)) {
        api->clients = client_ws_new(svc_port(svc), "/api/v1/ws", (size_t)number);
    }
}

bool api_health(struct api *api, json_t *components)
{
    struct store *store = NULL;
    struct svc_error err = {0};
    json_t *none = NULL;
    bool database = store_pool_take(api->pool, POOL_WAIT_S, &store, &err) == 0;
    bool queue = depth_of(api, api->tasks) >= 0;

    if (database) {
        database = documents_get(store, "health", &none, &err) >= 0;
        json_decref(none);
        store_pool_give(api->pool, store);
    }
    json_object_set_new(components, "database", json_string(database ? "healthy" : "unhealthy"));
    json_object_set_new(components, "queue", json_string(queue ? "healthy" : "unhealthy"));
    return database && queue;
}

static void handle_host(struct svc_request *request)
{
    const struct api_context *context = request->context;

    svc_host_answer(request, &context->api->host);
}

const struct svc_route api_routes[] = {
    {"POST", "/api/v1/documents", handle_upload, SVC_LIMITED | SVC_WORK,
     "a file, as the form's part \"file\" or as the body with ?name= or ?type="},
    {"GET", "/api/v1/documents", handle_list, 0, "the newest documents; ?limit="},
    {"GET", "/api/v1/documents/:id", handle_document, 0, "what was found in a document"},
    {"GET", "/api/v1/documents/:id/text", handle_text, 0, "its text"},
    {"DELETE", "/api/v1/documents/:id", handle_delete, 0, "forget it"},
    {"GET", "/api/v1/search", handle_search, 0, "documents that have the words of ?q="},
    {"GET", "/api/v1/queues", handle_queues, 0, "how many tasks wait"},
    {"GET", "/api/v1/ws", handle_ws, 0, "WebSocket: progress; of one document with ?document="},
    {"GET", SVC_HOST_PATH, handle_host, SVC_HIDDEN, "a host's metrics, simulated"},
};
const size_t api_route_count = sizeof(api_routes) / sizeof(api_routes[0]);
