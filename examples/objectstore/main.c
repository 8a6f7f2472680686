/*
 * objectstore: a small S3 object store in a directory: buckets, objects, listing, signatures. It
 * tells what it holds and does under the names that MinIO has for it, on MinIO's paths, so that
 * what watches a MinIO can watch it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>

#include <baro/baro.h>

#include "signature.h"
#include "store.h"
#include "svc.h"
#include "svc_metrics.h"

enum { OBJECT_BYTES_MAX = 64 << 20, LIST_MAX = 1000, QUERY_SIZE = 2048 };

/* The calls, by the names that MinIO gives them in its metrics. */
enum api {
    API_DELETE_OBJECT,
    API_GET_OBJECT,
    API_HEAD_BUCKET,
    API_HEAD_OBJECT,
    API_LIST_BUCKETS,
    API_LIST_OBJECTS,
    API_PUT_BUCKET,
    API_PUT_OBJECT,
    API_COUNT,
};
static const char *const api_names[API_COUNT] = {
    "deleteobject", "getobject",     "headbucket", "headobject",
    "listbuckets",  "listobjectsv2", "putbucket",  "putobject",
};

static struct objectstore {
    const char *data;
    const char *buckets;
    const char *access_key, *secret_key; /* of the environment; NULL = anybody may */
    char server[128];
    struct store *store;
    struct baro_registry *cluster, *bucket;
    baro_counter requests[API_COUNT], errors[API_COUNT];
    baro_counter received, sent;
    baro_gauge inflight;
} self = {.data = "objectstore-data", .buckets = ""};

/* ---- metrics ---- */

static void usage_collect(struct baro_sink *sink, void *context)
{
    static const struct baro_label labels[] = {{.name = "bucket"}, {.name = "server"}};
    static const struct baro_desc descs[] = {
        {.name = "minio_bucket_usage_total_bytes",
         .help = "Bytes in a bucket.",
         .type = BARO_GAUGE,
         .labels = labels,
         .label_count = 2},
        {.name = "minio_bucket_usage_object_total",
         .help = "Objects in a bucket.",
         .type = BARO_GAUGE,
         .labels = labels,
         .label_count = 2},
    };
    struct store_usage usage;

    (void)context;
    for (size_t k = 0; k < 2; k++) {
        (void)baro_sink_family(sink, &descs[k]);
        for (size_t i = 0; store_usage(self.store, i, &usage); i++) {
            (void)baro_sink_value(sink, BARO_VALUES(usage.bucket, self.server),
                                  (double)(k == 0 ? usage.bytes : usage.objects));
        }
    }
}

static void single(struct baro_sink *sink, const char *name, const char *help, double value)
{
    static const struct baro_label labels[] = {{.name = "server"}};
    const struct baro_desc desc = {
        .name = name, .help = help, .type = BARO_GAUGE, .labels = labels, .label_count = 1};

    if (baro_sink_family(sink, &desc) == BARO_OK) {
        (void)baro_sink_value(sink, BARO_VALUES(self.server), value);
    }
}

static void cluster_collect(struct baro_sink *sink, void *context)
{
    struct store_usage usage;
    uint64_t bytes = 0, objects = 0, total = 0, available = 0;
    size_t buckets = 0;

    (void)context;
    for (; store_usage(self.store, buckets, &usage); buckets++) {
        bytes += usage.bytes;
        objects += usage.objects;
    }
    single(sink, "minio_cluster_bucket_total", "Buckets.", (double)buckets);
    single(sink, "minio_cluster_usage_object_total", "Objects.", (double)objects);
    single(sink, "minio_cluster_usage_total_bytes", "Bytes in objects.", (double)bytes);
    if (store_space(self.store, &total, &available)) {
        single(sink, "minio_cluster_capacity_usable_total_bytes", "Size of the file system.",
               (double)total);
        single(sink, "minio_cluster_capacity_usable_free_bytes", "What is free of it.",
               (double)available);
    }
}

static int metrics_start(struct svc_error *err)
{
    static const struct baro_label labels[] = {
        {.name = "api", .values = api_names, .value_count = API_COUNT},
        {.name = "server"},
        {.name = "type"}};
    static const struct baro_desc descs[] = {
        {.name = "minio_s3_requests_total",
         .help = "S3 requests by API call.",
         .type = BARO_COUNTER,
         .labels = labels,
         .label_count = 3},
        {.name = "minio_s3_requests_errors_total",
         .help = "S3 requests that were refused or failed.",
         .type = BARO_COUNTER,
         .labels = labels,
         .label_count = 3},
    };
    struct baro_family *requests, *errors;

    self.cluster = baro_registry_new(NULL, NULL);
    self.bucket = baro_registry_new(NULL, NULL);
    requests = baro_family_new(self.cluster, &descs[0], NULL);
    errors = baro_family_new(self.cluster, &descs[1], NULL);
    for (size_t i = 0; i < API_COUNT; i++) {
        self.requests[i] =
            baro_counter_with(requests, BARO_VALUES(api_names[i], self.server, "S3"));
        self.errors[i] = baro_counter_with(errors, BARO_VALUES(api_names[i], self.server, "S3"));
    }
    self.received = baro_counter_new(self.cluster, "minio_s3_traffic_received_bytes",
                                     "Bytes of request bodies.");
    self.sent =
        baro_counter_new(self.cluster, "minio_s3_traffic_sent_bytes", "Bytes of answers' bodies.");
    self.inflight = baro_gauge_new(self.cluster, "minio_s3_requests_inflight_total",
                                   "S3 requests that are being answered.");
    if (baro_collector_add(self.cluster, cluster_collect, NULL) < 0 ||
        baro_collector_add(self.bucket, usage_collect, NULL) < 0 ||
        baro_process_collector_add(self.cluster) < 0) {
        return svc_fail(err, -ENOMEM, "metrics: out of memory");
    }
    return 0;
}

static void cluster_metrics(struct svc_request *request)
{
    svc_metrics_answer(request, self.cluster);
}

static void bucket_metrics(struct svc_request *request)
{
    svc_metrics_answer(request, self.bucket);
}

/* ---- answers ---- */

static void answer_xml(struct svc_request *request, int status, struct svc_bytes *body_consume)
{
    if (body_consume->failed) {
        svc_bytes_done(body_consume);
        svc_answer_error(request, 500, "InternalError", "out of memory");
        return;
    }
    svc_answer_bytes(request, status, "application/xml", body_consume->ptr, body_consume->len);
}

/* S3's own way to say no. The type is one of few, and counts as an error. */
static void refuse(struct svc_request *request, int status, const char *code, const char *message)
{
    struct svc_bytes body = {.max = 4096};

    svc_bytes_printf(&body,
                     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code>"
                     "<Message>%s</Message></Error>\n",
                     code, message);
    answer_xml(request, status, &body);
}

static void refuse_result(struct svc_request *request, int result, const struct svc_error *err)
{
    if (result == -ENOENT) {
        refuse(request, 404, "NoSuchKey", err->text);
    } else if (result == -EINVAL) {
        refuse(request, 400, "InvalidArgument", err->text);
    } else if (result == -EEXIST) {
        refuse(request, 409, "BucketAlreadyOwnedByYou", err->text);
    } else if (result == -ENOSPC) {
        refuse(request, 507, "StorageFull", err->text);
    } else {
        refuse(request, 500, "InternalError", err->text);
    }
}

static const char *header_of(void *context, const char *name)
{
    return svc_header(context, name);
}

static enum MHD_Result query_part(void *context, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    struct svc_bytes *query = context;

    (void)kind;
    svc_bytes_put(query, "&", query->len > 0 ? 1 : 0);
    signature_encode(query, name, false);
    svc_bytes_put(query, "=", 1);
    signature_encode(query, value != NULL ? value : "", false);
    return MHD_YES;
}

/* Answers 403 itself when the request may not go on. */
static bool is_allowed(struct svc_request *request)
{
    struct svc_bytes query = {.max = QUERY_SIZE};
    struct signature_request signature = {
        .method = request->method,
        .path = request->path,
        .body = request->body,
        .body_len = request->body_len,
        .authorization = svc_header(request, "Authorization"),
        .header = header_of,
        .context = request,
        .access_key = self.access_key,
        .secret_key = self.secret_key,
        .now_s = time(NULL),
    };
    struct svc_error err = {.text = ""};
    bool good;

    if (self.access_key == NULL) {
        return true;
    }
    (void)MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, query_part, &query);
    svc_bytes_put(&query, "", 1);
    signature.query = query.failed ? "?" : (const char *)query.ptr;
    good = signature_check(&signature, &err) == 0;
    svc_bytes_done(&query);
    if (!good) {
        refuse(request, 403, "AccessDenied", err.text);
    }
    return good;
}

/* ---- the API ---- */

static void put_bucket(struct svc_request *request)
{
    struct svc_error err = {.text = ""};
    int r;

    if (is_allowed(request)) {
        r = store_bucket_make(self.store, request->params[0], &err);
        if (r < 0) {
            refuse_result(request, r, &err);
        } else {
            svc_answer_text(request, 200, "%s", "");
        }
    }
}

static void put_object(struct svc_request *request)
{
    struct svc_error err = {.text = ""};
    int r;

    if (is_allowed(request)) {
        r = store_put(self.store, request->params[0], request->params[1], request->body,
                      request->body_len, &err);
        if (r < 0) {
            refuse_result(request, r, &err);
        } else {
            svc_answer_text(request, 200, "%s", "");
        }
    }
}

static void get_object(struct svc_request *request)
{
    struct svc_bytes bytes = {0};
    struct svc_error err = {.text = ""};
    int r;

    if (is_allowed(request)) {
        r = store_get(self.store, request->params[0], request->params[1], OBJECT_BYTES_MAX, &bytes,
                      &err);
        if (r < 0) {
            refuse_result(request, r, &err);
        } else {
            svc_answer_bytes(request, 200, "application/octet-stream", bytes.ptr, bytes.len);
        }
    }
}

static void delete_object(struct svc_request *request)
{
    struct svc_error err = {.text = ""};
    int r;

    if (is_allowed(request)) {
        r = store_delete(self.store, request->params[0], request->params[1], &err);
        if (r < 0 && r != -ENOENT) { /* deleting what is not there is no error in S3 */
            refuse_result(request, r, &err);
        } else {
            svc_answer_text(request, 204, "%s", "");
        }
    }
}

static void list_buckets(struct svc_request *request)
{
    struct svc_bytes body = {.max = 65536};
    struct store_usage usage;

    if (!is_allowed(request)) {
        return;
    }
    svc_bytes_printf(&body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                            "<ListAllMyBucketsResult><Buckets>");
    for (size_t i = 0; store_usage(self.store, i, &usage); i++) {
        svc_bytes_printf(&body, "<Bucket><Name>%s</Name></Bucket>", usage.bucket);
    }
    svc_bytes_printf(&body, "</Buckets></ListAllMyBucketsResult>\n");
    answer_xml(request, 200, &body);
}

struct listing {
    struct svc_bytes bytes;
    char last[STORE_KEY_SIZE];
};

/* Keys have no letter that XML would want escaped. */
static void list_one(void *context, const char *key, uint64_t bytes)
{
    struct listing *listing = context;

    svc_bytes_printf(&listing->bytes, "<Contents><Key>%s</Key><Size>%llu</Size></Contents>", key,
                     (unsigned long long)bytes);
    (void)snprintf(listing->last, sizeof(listing->last), "%s", key);
}

static void list_objects(struct svc_request *request)
{
    struct listing listing = {.bytes = {.max = 2 << 20}};
    struct listing head = {.bytes = {.max = 3 << 20}};
    const char *prefix = svc_query(request, "prefix");
    const char *after = svc_query(request, "continuation-token");
    const char *max = svc_query(request, "max-keys");
    long limit = max != NULL ? strtol(max, NULL, 10) : LIST_MAX;
    int more;

    if (!is_allowed(request)) {
        return;
    }
    after = after != NULL ? after : svc_query(request, "start-after");
    more = store_list(self.store, request->params[0], prefix != NULL ? prefix : "",
                      after != NULL ? after : "",
                      limit > 0 && limit < LIST_MAX ? (size_t)limit : LIST_MAX, list_one, &listing);
    if (more < 0) {
        refuse(request, 404, "NoSuchBucket", "no such bucket");
    } else {
        svc_bytes_printf(&head.bytes,
                         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult><Name>%s"
                         "</Name><IsTruncated>%s</IsTruncated>",
                         request->params[0], more > 0 ? "true" : "false");
        if (more > 0) {
            svc_bytes_printf(&head.bytes, "<NextContinuationToken>%s</NextContinuationToken>",
                             listing.last);
        }
        svc_bytes_put(&head.bytes, listing.bytes.ptr, listing.bytes.len);
        svc_bytes_printf(&head.bytes, "</ListBucketResult>\n");
        head.bytes.failed = head.bytes.failed || listing.bytes.failed;
        answer_xml(request, 200, &head.bytes);
    }
    svc_bytes_done(&listing.bytes);
}

/* ---- the service ---- */

static bool api_of(const struct svc_request *request, enum api *ret)
{
    svc_handler *handle = request->route != NULL ? request->route->handle : NULL;
    bool is_head = strcmp(request->method, "HEAD") == 0;

    if (handle == put_object || handle == put_bucket) {
        *ret = handle == put_object ? API_PUT_OBJECT : API_PUT_BUCKET;
    } else if (handle == get_object) {
        *ret = is_head ? API_HEAD_OBJECT : API_GET_OBJECT;
    } else if (handle == list_objects) {
        *ret = is_head ? API_HEAD_BUCKET : API_LIST_OBJECTS;
    } else if (handle == delete_object || handle == list_buckets) {
        *ret = handle == delete_object ? API_DELETE_OBJECT : API_LIST_BUCKETS;
    } else {
        return false;
    }
    return true;
}

static void begun(void *context, const struct svc_request *request)
{
    enum api api;

    (void)context;
    if (api_of(request, &api)) {
        baro_gauge_inc(self.inflight);
    }
}

static void answered(void *context, const struct svc_request *request,
                     const struct svc_answered *done)
{
    enum api api;

    (void)context;
    if (api_of(request, &api)) {
        baro_gauge_dec(self.inflight);
        baro_counter_inc(self.requests[api]);
        baro_counter_add(self.received, (double)done->request_bytes);
        baro_counter_add(self.sent, (double)done->response_bytes);
        if (done->status >= 400) {
            baro_counter_inc(self.errors[api]);
        }
    }
}

/* The buckets that --buckets names: "a,b". */
static int buckets_make(struct svc_error *err)
{
    char copy[1024];
    char *rest = copy;
    int r = 0;

    (void)snprintf(copy, sizeof(copy), "%s", self.buckets);
    for (char *name; r >= 0 && (name = strsep(&rest, ",")) != NULL;) {
        if (name[0] != '\0') {
            r = store_bucket_make(self.store, name, err);
            r = r == -EEXIST ? 0 : r;
        }
    }
    return r;
}

static int start(void *context, struct svc *svc, struct svc_error *err)
{
    int r;

    (void)context;
    (void)svc;
    self.access_key = getenv("AWS_ACCESS_KEY_ID");
    self.secret_key = getenv("AWS_SECRET_ACCESS_KEY");
    if ((self.access_key == NULL) != (self.secret_key == NULL)) {
        return svc_fail(err, -EINVAL,
                        "set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither");
    }
    (void)gethostname(self.server, sizeof(self.server) - 1);
    r = store_open(self.data, &self.store, err);
    r = r < 0 ? r : buckets_make(err);
    return r < 0 ? r : metrics_start(err);
}

static void done(void *context)
{
    (void)context;
    self.cluster = baro_registry_free(self.cluster);
    self.bucket = baro_registry_free(self.bucket);
    self.store = store_close(self.store);
}

/* MinIO's own path for it: "/health" could be a bucket here. */
static void live(struct svc_request *request)
{
    uint64_t total, available;

    if (store_space(self.store, &total, &available) && available > OBJECT_BYTES_MAX) {
        svc_answer_text(request, 200, "healthy\n");
    } else {
        svc_answer_error(request, 503, "disk", "the disk is full");
    }
}

int main(int argc, char **argv)
{
    static const struct svc_option options[] = {
        {"data", "DIR", SVC_OPTION_TEXT, &self.data, 0, 0, "where buckets and objects are"},
        {"buckets", "A,B", SVC_OPTION_TEXT, &self.buckets, 0, 0, "buckets to make at the start"},
    };
    static const struct svc_route routes[] = {
        {"GET", "/minio/v2/metrics/cluster", cluster_metrics, 0, "metrics of all of it"},
        {"GET", "/minio/v2/metrics/bucket", bucket_metrics, 0, "metrics of each bucket"},
        {"GET", "/minio/health/live", live, 0, "200 while there is room"},
        {"GET", "/", list_buckets, 0, "the buckets"},
        {"GET", "/:bucket", list_objects, 0,
         "objects: ?prefix, max-keys, start-after, continuation-token"},
        {"PUT", "/:bucket", put_bucket, SVC_WORK, "make a bucket"},
        {"GET", "/:bucket/*", get_object, 0, "an object"},
        {"PUT", "/:bucket/*", put_object, SVC_WORK, "put an object"},
        {"DELETE", "/:bucket/*", delete_object, SVC_WORK, "delete an object"},
    };
    static const struct svc_service service = {
        .name = "objectstore",
        .summary = "a small S3 object store with MinIO's metrics",
        .examples = "objectstore --buckets=photos --data=objects\n"
                    "AWS_ACCESS_KEY_ID=me AWS_SECRET_ACCESS_KEY=... objectstore",
        .listen = "127.0.0.1:9000",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .routes = routes,
        .route_count = sizeof(routes) / sizeof(routes[0]),
        .body_bytes_max = OBJECT_BYTES_MAX,
        .start = start,
        .done = done,
        .begun = begun,
        .answered = answered,
    };

    return svc_run(&service, argc, argv);
}
