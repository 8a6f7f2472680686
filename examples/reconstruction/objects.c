#include "objects.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <curl/curl.h>

enum { PATH_SIZE = 1024, URL_SIZE = 512, TIMEOUT_S = 10 };

struct objects {
    const _Atomic bool *is_lost;
    char directory[PATH_SIZE / 2]; /* "" = S3 */
    char base[URL_SIZE / 2];       /* "http://host:port/bucket" */
    const char *host, *bucket;     /* into base: host up to the '/', bucket with it */
    const char *access_key, *secret_key, *region;
    pthread_mutex_t lock; /* of curl: one transfer at a time, on one kept connection */
    CURL *curl;
};

static bool is_key(const char *key)
{
    return key[0] != '\0' && key[0] != '/' && strlen(key) < 200 && strstr(key, "..") == NULL &&
           strstr(key, "//") == NULL &&
           strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789.-/") == strlen(key);
}

/* ---- Signature Version 4 ---- */

static void hmac_text(const uint8_t *key, size_t key_len, const char *text,
                      uint8_t ret[SVC_SHA256_SIZE])
{
    svc_hmac_sha256(key, key_len, text, strlen(text), ret);
}

void objects_sign(const struct objects_request *request, char *ret)
{
    char canonical[1024], to_sign[512], scope[128], hash[SVC_SHA256_HEX_SIZE], secret[160];
    uint8_t key[SVC_SHA256_SIZE];
    char day[9];
    size_t at;

    (void)snprintf(day, sizeof(day), "%.8s", request->time);
    (void)snprintf(canonical, sizeof(canonical),
                   "%s\n%s\n\nhost:%s\nx-amz-content-sha256:%s\nx-amz-date:%s\n\nhost;"
                   "x-amz-content-sha256;x-amz-date\n%s",
                   request->method, request->path, request->host, request->payload_hash,
                   request->time, request->payload_hash);
    svc_sha256_hex(canonical, strlen(canonical), hash);
    (void)snprintf(scope, sizeof(scope), "%s/%s/s3/aws4_request", day, request->region);
    (void)snprintf(to_sign, sizeof(to_sign), "AWS4-HMAC-SHA256\n%s\n%s\n%s", request->time, scope,
                   hash);
    (void)snprintf(secret, sizeof(secret), "AWS4%s", request->secret_key);
    hmac_text((const uint8_t *)secret, strlen(secret), day, key);
    hmac_text(key, sizeof(key), request->region, key);
    hmac_text(key, sizeof(key), "s3", key);
    hmac_text(key, sizeof(key), "aws4_request", key);
    hmac_text(key, sizeof(key), to_sign, key);
    at = (size_t)snprintf(ret, OBJECTS_SIGNATURE_SIZE,
                          "AWS4-HMAC-SHA256 Credential=%.100s/%s,SignedHeaders=host;"
                          "x-amz-content-sha256;x-amz-date,Signature=",
                          request->access_key, scope);
    for (size_t i = 0; i < sizeof(key); i++) {
        (void)snprintf(ret + at + 2 * i, 3, "%02x", key[i]);
    }
}

/* ---- S3 ---- */

struct body {
    struct svc_bytes bytes;
};

static size_t take_body(char *ptr, size_t size, size_t count, void *context)
{
    struct body *body = context;

    svc_bytes_put(&body->bytes, ptr, size * count);
    return body->bytes.failed ? 0 : size * count;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
    char line[OBJECTS_SIGNATURE_SIZE + 64];

    (void)snprintf(line, sizeof(line), "%s: %s", name, value);
    return curl_slist_append(list, line);
}

/* The headers of one request; the transfer's method and body are set by the caller. */
static struct curl_slist *signed_headers(const struct objects *objects, const char *method,
                                         const char *path, const void *ptr, size_t len)
{
    char now[17], hash[SVC_SHA256_HEX_SIZE], host[128], signature[OBJECTS_SIGNATURE_SIZE];
    struct objects_request request = {.method = method,
                                      .host = host,
                                      .path = path,
                                      .payload_hash = hash,
                                      .time = now,
                                      .access_key = objects->access_key,
                                      .secret_key = objects->secret_key,
                                      .region = objects->region};
    time_t seconds = time(NULL);
    struct tm parts;
    struct curl_slist *list = NULL;

    (void)gmtime_r(&seconds, &parts);
    (void)strftime(now, sizeof(now), "%Y%m%dT%H%M%SZ", &parts);
    (void)snprintf(host, sizeof(host), "%.*s", (int)(objects->bucket - objects->host),
                   objects->host);
    svc_sha256_hex(ptr, len, hash);
    objects_sign(&request, signature);
    list = add_header(list, "x-amz-content-sha256", hash);
    list = add_header(list, "x-amz-date", now);
    list = add_header(list, "Authorization", signature);
    return add_header(list, "Expect", "");
}

/* One request; body->bytes.max bounds what comes back. Returns the HTTP status, or a negative code.
 */
static long s3_request(struct objects *objects, const char *method, const char *key,
                       const void *ptr, size_t len, struct body *body, struct svc_error *err)
{
    char url[URL_SIZE], path[URL_SIZE];
    struct curl_slist *headers;
    long status = 0;
    CURLcode code;
    CURL *curl = objects->curl;

    (void)snprintf(url, sizeof(url), "%s/%s", objects->base, key);
    (void)snprintf(path, sizeof(path), "%s/%s", objects->bucket, key);
    (void)pthread_mutex_lock(&objects->lock);
    headers = signed_headers(objects, method, path, ptr, len);
    curl_easy_reset(curl);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    if (strcmp(method, "PUT") == 0) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, ptr);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    }
    code = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    (void)pthread_mutex_unlock(&objects->lock);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
        return svc_fail(err, -EIO, "object store: %.100s: %s", objects->base,
                        body->bytes.failed ? "the object is too large" : curl_easy_strerror(code));
    }
    return status;
}

static int s3_put(struct objects *objects, const char *key, const void *ptr, size_t len,
                  struct svc_error *err)
{
    struct body body = {.bytes.max = 65536};
    long status = s3_request(objects, "PUT", key, ptr, len, &body, err);

    svc_bytes_done(&body.bytes);
    if (status < 0) {
        return (int)status;
    }
    return status == 200 ? 0
                         : svc_fail(err, -EIO,
                                    "object store: %.100s answered %ld to a PUT: check "
                                    "the bucket and the keys",
                                    objects->base, status);
}

static int s3_get(struct objects *objects, const char *key, size_t max, struct svc_bytes *ret,
                  struct svc_error *err)
{
    struct body body = {.bytes.max = max};
    long status = s3_request(objects, "GET", key, "", 0, &body, err);

    if (status == 200) {
        *ret = body.bytes;
        return 0;
    }
    svc_bytes_done(&body.bytes);
    if (status < 0) {
        return (int)status;
    }
    return svc_fail(err, status == 404 ? -ENOENT : -EIO,
                    "object store: %.100s answered %ld to a GET", objects->base, status);
}

static int s3_open(const char *url, struct objects *objects, struct svc_error *err)
{
    const char *slashes = strstr(url, "://");

    (void)snprintf(objects->base, sizeof(objects->base), "%s", url);
    objects->host = slashes != NULL ? objects->base + (slashes - url) + 3 : NULL;
    objects->bucket = objects->host != NULL ? strchr(objects->host, '/') : NULL;
    objects->access_key = getenv("AWS_ACCESS_KEY_ID");
    objects->secret_key = getenv("AWS_SECRET_ACCESS_KEY");
    objects->region = getenv("AWS_REGION");
    objects->region = objects->region != NULL ? objects->region : "us-east-1";
    if (strlen(url) >= sizeof(objects->base) || objects->bucket == NULL ||
        !is_key(objects->bucket + 1) || objects->bucket - objects->host > 120) {
        return svc_fail(err, -EINVAL,
                        "--objects: give s3+http://HOST:PORT/BUCKET or s3+https://...");
    }
    if (objects->access_key == NULL || objects->secret_key == NULL ||
        strlen(objects->secret_key) > 128) {
        return svc_fail(err, -EINVAL,
                        "--objects: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY "
                        "in the environment");
    }
    objects->curl = curl_easy_init();
    return objects->curl != NULL ? 0 : svc_fail(err, -ENOMEM, "object store: out of memory");
}

/* ---- a directory ---- */

/* Makes the directories of a key below the base. */
static int make_directories(const struct objects *objects, const char *key, struct svc_error *err)
{
    char path[PATH_SIZE];

    for (const char *slash = key;; slash++) {
        slash = strchr(slash, '/');
        if (slash == NULL) {
            return 0;
        }
        (void)snprintf(path, sizeof(path), "%s/%.*s", objects->directory, (int)(slash - key), key);
        if (mkdir(path, 0755) < 0 && errno != EEXIST) {
            return svc_fail(err, -errno, "object store: %.120s: %s", path, strerrordesc_np(errno));
        }
    }
}

static int disk_put(struct objects *objects, const char *key, const void *ptr, size_t len,
                    struct svc_error *err)
{
    char path[PATH_SIZE];
    int r = make_directories(objects, key, err);

    (void)snprintf(path, sizeof(path), "%s/%s", objects->directory, key);
    return r < 0 ? r : svc_file_write(path, ptr, len, err);
}

static int disk_get(struct objects *objects, const char *key, size_t max, struct svc_bytes *ret,
                    struct svc_error *err)
{
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof(path), "%s/%s", objects->directory, key);
    return svc_file_read(path, max, ret, err);
}

static int disk_open(const char *url, struct objects *objects, struct svc_error *err)
{
    (void)snprintf(objects->directory, sizeof(objects->directory), "%s", url);
    if (url[0] == '\0' || strlen(url) >= sizeof(objects->directory)) {
        return svc_fail(err, -EINVAL, "--objects: give a directory, or s3+http://HOST:PORT/BUCKET");
    }
    if (mkdir(url, 0755) < 0 && errno != EEXIST) {
        return svc_fail(err, -errno, "--objects=%.120s: cannot be made: %s", url,
                        strerrordesc_np(errno));
    }
    return 0;
}

/* ---- both ---- */

int objects_open(const char *url, const _Atomic bool *is_lost, struct objects **ret,
                 struct svc_error *err)
{
    struct objects *objects = calloc(1, sizeof(*objects));
    int r;

    if (objects == NULL) {
        return svc_fail(err, -ENOMEM, "object store: out of memory");
    }
    (void)pthread_mutex_init(&objects->lock, NULL);
    objects->is_lost = is_lost;
    r = strncmp(url, "s3+", 3) == 0 ? s3_open(url + 3, objects, err) : disk_open(url, objects, err);
    if (r < 0) {
        (void)objects_close(objects);
        return r;
    }
    *ret = objects;
    return 0;
}

struct objects *objects_close(struct objects *objects)
{
    if (objects != NULL) {
        curl_easy_cleanup(objects->curl);
        (void)pthread_mutex_destroy(&objects->lock);
        free(objects);
    }
    return NULL;
}

static int check(const struct objects *objects, const char *key, struct svc_error *err)
{
    if (objects->is_lost != NULL && *objects->is_lost) {
        return svc_fail(err, -EIO, "object store: lost by --fault=lost-storage");
    }
    return is_key(key) ? 0 : svc_fail(err, -ENOENT, "object store: not a key");
}

int objects_put(struct objects *objects, const char *key, const void *ptr, size_t len,
                struct svc_error *err)
{
    int r = check(objects, key, err);

    if (r < 0) {
        return r;
    }
    return objects->directory[0] != '\0' ? disk_put(objects, key, ptr, len, err)
                                         : s3_put(objects, key, ptr, len, err);
}

int objects_get(struct objects *objects, const char *key, size_t max, struct svc_bytes *ret,
                struct svc_error *err)
{
    int r = check(objects, key, err);

    if (r < 0) {
        return r;
    }
    return objects->directory[0] != '\0' ? disk_get(objects, key, max, ret, err)
                                         : s3_get(objects, key, max, ret, err);
}

int objects_ping(struct objects *objects, struct svc_error *err)
{
    static const char probe[] = "probe";
    struct svc_bytes back = {0};
    int r = objects_put(objects, "health/probe", probe, sizeof(probe), err);

    r = r < 0 ? r : objects_get(objects, "health/probe", 64, &back, err);
    if (r == 0 && (back.len != sizeof(probe) || memcmp(back.ptr, probe, back.len) != 0)) {
        r = svc_fail(err, -EIO, "object store: it gave back something else than was put");
    }
    svc_bytes_done(&back);
    return r;
}
