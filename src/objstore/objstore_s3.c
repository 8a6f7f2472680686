/* A bucket of S3, or of what speaks like it. Each request is signed with the hash of its body. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/sha256.h"
#include "conf/prom_config.h"
#include "http/client.h"
#include "objstore/objstore_priv.h"
#include "objstore/s3_sign.h"
#include "sys/clock.h"

enum {
    SMALL_TIMEOUT_MS = 60 * 1000,
    BYTES_A_SECOND_MIN = 64 << 10, /* slower than this is broken */
    ANSWER_BYTES_MAX = 1 << 20,
    HEADERS_MAX = 8,
};

/* One request and its answer. */
struct s3_call {
    const char *method;
    str name;  /* of the object, without prefix */
    str query; /* sorted and escaped */
    str body;  /* ptr NULL = none */
    size_t answer_bytes_max;
    int status;
    char etag[OBJSTORE_ETAG_BYTES];
    struct buf answer;
};

/* The default port of a scheme is not in the header Host. */
static str host_of(struct arena *arena, const struct objstore_config *config)
{
    str endpoint = config->endpoint;
    str port = config->insecure ? STR(":80") : STR(":443");

    if (str_has_suffix(endpoint, port)) {
        endpoint.len -= port.len;
    }
    return config->virtual_hosted
               ? arena_printf(arena, "%.*s.%.*s", STR_ARG(config->bucket), STR_ARG(endpoint))
               : endpoint;
}

static str path_of(struct arena *arena, const struct objstore_config *config, str name)
{
    struct buf path = {0};

    buf_char(&path, '/');
    if (!config->virtual_hosted) {
        s3_escape(&path, config->bucket, false);
        buf_char(&path, '/');
    }
    if (config->prefix.len > 0) {
        s3_escape(&path, config->prefix, false);
        buf_char(&path, '/');
    }
    s3_escape(&path, name, false);
    return text_take(arena, &path);
}

/* The headers that a request has; the last is NULL. */
static size_t make_headers(struct arena *arena, const struct s3_request *request,
                           const struct s3_key *key, const char **ret)
{
    char date[S3_DATE_CHARS + 1];
    struct buf text = {0};
    size_t count = 0;

    s3_date(clock_now(clock_real()), date);
    buf_c(&text, "Authorization: ");
    s3_sign(request, key, date, &text);
    ret[count++] = text_take(arena, &text).ptr;
    ret[count++] = arena_printf(arena, "x-amz-date: %s", date).ptr;
    ret[count++] =
        arena_printf(arena, "x-amz-content-sha256: %.*s", STR_ARG(request->payload_hash)).ptr;
    if (secret_is_set(key->session_token)) {
        ret[count++] = arena_printf(arena, "x-amz-security-token: %.*s",
                                    STR_ARG(secret_reveal(key->session_token)))
                           .ptr;
    }
    ret[count++] = "Content-Type: application/octet-stream";
    ret[count++] = "Expect:"; /* no waiting for 100 Continue */
    return count;
}

static int send_call(struct objstore *store, struct s3_call *call, struct baro_error *err)
{
    const struct objstore_config *config = store->config;
    const struct prom_tls tls = {.ca_file = config->ca_file,
                                 .cert_file = config->cert_file,
                                 .key_file = config->key_file,
                                 .insecure_skip_verify = config->insecure_skip_verify};
    const struct prom_http settings = {
        .tls = config->insecure ? NULL : &tls, .follow_redirects = false, .enable_http2 = false};
    struct arena arena = {0};
    struct buf hash = {0};
    uint8_t digest[SHA256_BYTES];
    const char *lines[HEADERS_MAX];
    struct s3_key key = {config->access_key, config->secret_key, config->session_token,
                         config->region};
    struct s3_request request = {.method = call->method,
                                 .host = host_of(&arena, config),
                                 .path = path_of(&arena, config, call->name),
                                 .query = call->query};
    struct http_call http = {.method = call->method,
                             .post = call->body,
                             .timeout = SMALL_TIMEOUT_MS +
                                        (dur)(call->body.len / BYTES_A_SECOND_MIN) * 1000,
                             .body_bytes_max = call->answer_bytes_max,
                             .cancel = store->cancel};
    struct http_headers *headers;
    int r;

    sha256_digest(call->body, digest);
    sha256_hex(&hash, digest);
    request.payload_hash = buf_view(&hash);
    headers = http_headers_new(lines, make_headers(&arena, &request, &key, lines));
    http.headers = headers;
    http.url = arena_printf(&arena, "http%s://%.*s%.*s%s%.*s", config->insecure ? "" : "s",
                            STR_ARG(request.host), STR_ARG(request.path),
                            call->query.len > 0 ? "?" : "", STR_ARG(call->query))
                   .ptr;
    buf_reset(&call->answer);
    r = http_fetch(&settings, &http, &call->answer);
    call->status = http.status;
    memcpy(call->etag, http.etag, sizeof(call->etag));
    if (r < 0 && err != NULL) {
        *err = http.err;
    }
    (void)http_headers_free(headers);
    buf_done(&hash);
    arena_done(&arena);
    return r < 0 ? r : 0;
}

/* The text between <tag> and </tag>; empty when there is none. The answers are small and flat. */
static str xml_text(str xml, const char *tag)
{
    char open[40], close[40];
    size_t start, end;

    (void)snprintf(open, sizeof(open), "<%s>", tag);
    (void)snprintf(close, sizeof(close), "</%s>", tag);
    start = str_index(xml, str_from(open));
    if (start == SIZE_MAX) {
        return STR_NULL;
    }
    start += strlen(open);
    end = str_index(str_from_index(xml, start), str_from(close));
    return end == SIZE_MAX ? STR_NULL : str_slice(xml, start, start + end);
}

/* What the store has said, as an error. */
static int refused(const struct objstore *store, const struct s3_call *call, struct baro_error *err)
{
    str answer = buf_view(&call->answer);
    str code = str_slice(xml_text(answer, "Code"), 0, 40);
    str message = str_slice(xml_text(answer, "Message"), 0, 80);
    bool is_later = call->status >= 500 || call->status == 429 || call->status == 408;

    return error_set(err, is_later ? BARO_ENETWORK : BARO_EINVALID,
                     "%s %.60s: %.*s: status %d %.*s: %.*s", call->method, store->url,
                     STR_ARG(str_slice(call->name, 0, 48)), call->status, STR_ARG(code),
                     STR_ARG(message));
}

static int s3_get(struct objstore *store, str name, size_t bytes_max, struct buf *ret,
                  struct baro_error *err)
{
    struct s3_call call = {.method = "GET", .name = name, .answer_bytes_max = bytes_max};
    int r = send_call(store, &call, err);

    if (r >= 0) {
        if (call.status == 200) {
            buf_str(ret, buf_view(&call.answer));
            r = 1;
        } else {
            r = call.status == 404 ? 0 : refused(store, &call, err);
        }
    }
    buf_done(&call.answer);
    return r;
}

static int put_whole(struct objstore *store, str name, str data, struct baro_error *err)
{
    struct s3_call call = {
        .method = "PUT", .name = name, .body = data, .answer_bytes_max = ANSWER_BYTES_MAX};
    int r;

    if (call.body.ptr == NULL) {
        call.body = STR("");
    }
    r = send_call(store, &call, err);
    if (r >= 0 && call.status / 100 != 2) {
        r = refused(store, &call, err);
    }
    buf_done(&call.answer);
    return r;
}

/* ---- parts ---- */

struct multipart {
    struct objstore *store;
    str name;
    str data;
    struct objstore_upload *upload;
};

static int begin(struct multipart *multipart, struct baro_error *err)
{
    struct s3_call call = {.method = "POST",
                           .name = multipart->name,
                           .query = STR("uploads="),
                           .body = STR(""),
                           .answer_bytes_max = ANSWER_BYTES_MAX};
    int r = send_call(multipart->store, &call, err);

    if (r >= 0) {
        str id = xml_text(buf_view(&call.answer), "UploadId");

        if (call.status / 100 != 2 || id.len == 0 || id.len >= sizeof(multipart->upload->id)) {
            r = refused(multipart->store, &call, err);
        } else {
            objstore_upload_done(multipart->upload);
            memcpy(multipart->upload->id, id.ptr, id.len);
        }
    }
    buf_done(&call.answer);
    return r;
}

static str query_of(struct arena *arena, const char *front, const struct objstore_upload *upload)
{
    struct buf query = {0};

    buf_c(&query, front);
    buf_c(&query, "uploadId=");
    s3_escape(&query, str_from(upload->id), true);
    return text_take(arena, &query);
}

/* Sends part `index` (from 0): 1, or 0 when the store has forgotten the upload. */
static int send_part(struct multipart *multipart, struct arena *arena, size_t index,
                     struct baro_error *err)
{
    struct objstore_upload *upload = multipart->upload;
    uint64_t bytes = multipart->store->config->part_bytes;
    size_t start = (size_t)(index * bytes), end = (size_t)((index + 1) * bytes);
    char front[40];
    struct s3_call call = {.method = "PUT",
                           .name = multipart->name,
                           .body = str_slice(multipart->data, start, end),
                           .answer_bytes_max = ANSWER_BYTES_MAX};
    int r;

    (void)snprintf(front, sizeof(front), "partNumber=%zu&", index + 1);
    call.query = query_of(arena, front, upload);
    r = send_call(multipart->store, &call, err);
    if (r >= 0 && call.status == 404) {
        buf_done(&call.answer);
        return 0;
    }
    if (r >= 0 && (call.status / 100 != 2 || call.etag[0] == '\0')) {
        r = refused(multipart->store, &call, err);
    }
    if (r >= 0) {
        upload->etags =
            mem_realloc(upload->etags, (upload->part_count + 1) * sizeof(upload->etags[0]));
        memcpy(upload->etags[upload->part_count++], call.etag, sizeof(call.etag));
        r = 1;
    }
    buf_done(&call.answer);
    return r;
}

/* 1, or 0 when the store has forgotten the upload. */
static int complete(struct multipart *multipart, struct arena *arena, struct baro_error *err)
{
    const struct objstore_upload *upload = multipart->upload;
    struct buf body = {0};
    struct s3_call call = {.method = "POST",
                           .name = multipart->name,
                           .query = query_of(arena, "", upload),
                           .answer_bytes_max = ANSWER_BYTES_MAX};
    int r;

    buf_c(&body, "<CompleteMultipartUpload>");
    for (size_t i = 0; i < upload->part_count; i++) {
        buf_printf(&body, "<Part><PartNumber>%zu</PartNumber><ETag>", i + 1);
        for (const char *at = upload->etags[i]; *at != '\0'; at++) {
            buf_c(&body, *at == '"'   ? "&quot;"
                         : *at == '<' ? "&lt;"
                         : *at == '&' ? "&amp;"
                                      : (char[]){*at, '\0'});
        }
        buf_c(&body, "</ETag></Part>");
    }
    buf_c(&body, "</CompleteMultipartUpload>");
    call.body = buf_view(&body);
    r = send_call(multipart->store, &call, err);
    if (r >= 0 && call.status == 404) {
        r = 0;
    } else if (r >= 0 &&
               (call.status / 100 != 2 || str_contains(buf_view(&call.answer), STR("<Error>")))) {
        /* It may say 200 and fail afterwards. */
        r = refused(multipart->store, &call, err);
    } else if (r >= 0) {
        r = 1;
    }
    buf_done(&call.answer);
    buf_done(&body);
    return r;
}

static int send_parts(struct multipart *multipart, size_t count, objstore_progress *progress,
                      void *context, struct baro_error *err)
{
    struct arena arena = {0};
    int r = 1;

    for (size_t i = multipart->upload->part_count; r > 0 && i < count; i++) {
        r = send_part(multipart, &arena, i, err);
        if (r > 0 && progress != NULL) {
            int kept = progress(context, multipart->upload, err);

            r = kept < 0 ? kept : r;
        }
    }
    if (r > 0) {
        r = complete(multipart, &arena, err);
    }
    arena_done(&arena);
    return r;
}

static int put_parts(struct multipart *multipart, objstore_progress *progress, void *context,
                     struct baro_error *err)
{
    uint64_t bytes = multipart->store->config->part_bytes;
    size_t count = (size_t)((multipart->data.len + bytes - 1) / bytes);
    int r = 0;

    if (count > OBJSTORE_PARTS_MAX) {
        return error_set(err, BARO_ELIMIT, "%.*s has more than %d parts: raise part_size",
                         STR_ARG(multipart->name), (int)OBJSTORE_PARTS_MAX);
    }
    /* An upload that the store has forgotten is begun anew, once. */
    for (int attempt = 0; r == 0 && attempt < 2; attempt++) {
        if (attempt > 0 || multipart->upload->id[0] == '\0' ||
            multipart->upload->part_count > count) {
            r = begin(multipart, err);
        }
        r = r < 0 ? r : send_parts(multipart, count, progress, context, err);
    }
    return r == 0 ? error_set(err, BARO_EINVALID, "%s: the store forgets uploads in parts",
                              multipart->store->url)
                  : r;
}

static int s3_put(struct objstore *store, str name, str data, struct objstore_upload *upload,
                  objstore_progress *progress, void *context, struct baro_error *err)
{
    struct objstore_upload own = {0};
    struct multipart multipart = {
        .store = store, .name = name, .data = data, .upload = upload != NULL ? upload : &own};
    int r;

    if (data.len <= store->config->part_bytes) {
        return put_whole(store, name, data, err);
    }
    r = put_parts(&multipart, progress, context, err);
    objstore_upload_done(&own);
    return r < 0 ? r : 0;
}

const struct objstore_ops s3_ops = {.get = s3_get, .put = s3_put};
