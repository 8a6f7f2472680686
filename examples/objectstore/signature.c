#include "signature.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CANONICAL_SIZE = 16384, PARTS_MAX = 64 };

/* The parts of "AWS4-HMAC-SHA256 Credential=KEY/DAY/REGION/s3/aws4_request,SignedHeaders=a;b,
 * Signature=HEX". */
struct credential {
    char key[129], day[9], region[33];
    char scope[80];
    char headers[1024];
    char signature[65];
};

static bool field_take(const char *text, const char *name, char *ret, size_t size)
{
    const char *at = strstr(text, name);
    size_t len;

    if (at == NULL) {
        return false;
    }
    at += strlen(name);
    len = strcspn(at, ", ");
    if (len == 0 || len >= size) {
        return false;
    }
    memcpy(ret, at, len);
    ret[len] = '\0';
    return true;
}

static bool credential_read(const char *text, struct credential *ret)
{
    char full[256], service[16], end[16];

    return strncmp(text, "AWS4-HMAC-SHA256 ", 17) == 0 &&
           field_take(text, "Credential=", full, sizeof(full)) &&
           field_take(text, "SignedHeaders=", ret->headers, sizeof(ret->headers)) &&
           field_take(text, "Signature=", ret->signature, sizeof(ret->signature)) &&
           strlen(ret->signature) == 64 &&
           sscanf(full, "%128[^/]/%8[0-9]/%32[^/]/%15[^/]/%15s", ret->key, ret->day, ret->region,
                  service, end) == 5 &&
           strcmp(service, "s3") == 0 && strcmp(end, "aws4_request") == 0 &&
           snprintf(ret->scope, sizeof(ret->scope), "%s/%s/s3/aws4_request", ret->day,
                    ret->region) > 0;
}

void signature_encode(struct svc_bytes *out, const char *text, bool keep_slash)
{
    for (; *text != '\0'; text++) {
        char c = *text;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~", c) != NULL || (c == '/' && keep_slash)) {
            svc_bytes_put(out, &c, 1);
        } else {
            svc_bytes_printf(out, "%%%02X", (unsigned)(unsigned char)c);
        }
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The query's parts in order; one without '=' gets one. */
static void query_put(struct svc_bytes *out, const char *query)
{
    char copy[2048];
    char *parts[PARTS_MAX];
    size_t count = 0;
    char *rest = copy;

    (void)snprintf(copy, sizeof(copy), "%s", query);
    for (char *part; count < PARTS_MAX && (part = strsep(&rest, "&")) != NULL;) {
        if (part[0] != '\0') {
            parts[count++] = part;
        }
    }
    qsort(parts, count, sizeof(parts[0]), by_text);
    for (size_t i = 0; i < count; i++) {
        svc_bytes_printf(out, "%s%s%s", i > 0 ? "&" : "", parts[i],
                         strchr(parts[i], '=') == NULL ? "=" : "");
    }
}

/* False when a header that is signed is not there. */
static bool headers_put(struct svc_bytes *out, const struct signature_request *request,
                        const char *names)
{
    char copy[1024];
    char *rest = copy;
    bool has_host = false;

    (void)snprintf(copy, sizeof(copy), "%s", names);
    for (char *name; (name = strsep(&rest, ";")) != NULL;) {
        const char *value = request->header(request->context, name);

        if (value == NULL) {
            return false;
        }
        has_host = has_host || strcmp(name, "host") == 0;
        value += strspn(value, " ");
        svc_bytes_printf(out, "%s:%s\n", name, value);
    }
    return has_host;
}

static void key_make(const struct signature_request *request, const struct credential *credential,
                     uint8_t key[SVC_SHA256_SIZE])
{
    char secret[256];

    (void)snprintf(secret, sizeof(secret), "AWS4%.200s", request->secret_key);
    svc_hmac_sha256(secret, strlen(secret), credential->day, strlen(credential->day), key);
    svc_hmac_sha256(key, SVC_SHA256_SIZE, credential->region, strlen(credential->region), key);
    svc_hmac_sha256(key, SVC_SHA256_SIZE, "s3", 2, key);
    svc_hmac_sha256(key, SVC_SHA256_SIZE, "aws4_request", 12, key);
}

/* In the same time whatever differs. */
static bool is_same(const char *a, const char *b, size_t len)
{
    unsigned char differs = 0;

    for (size_t i = 0; i < len; i++) {
        differs = (unsigned char)(differs | (a[i] ^ b[i]));
    }
    return differs == 0;
}

static bool is_now(const char *date, int64_t now_s)
{
    struct tm parts = {0};
    char *end = strptime(date, "%Y%m%dT%H%M%SZ", &parts);

    return end != NULL && *end == '\0' && llabs(timegm(&parts) - now_s) <= SIGNATURE_SKEW_S;
}

int signature_check(const struct signature_request *request, struct svc_error *err)
{
    struct credential credential = {.key = ""};
    struct svc_bytes canonical = {.max = CANONICAL_SIZE};
    const char *date = request->header(request->context, "x-amz-date");
    const char *payload = request->header(request->context, "x-amz-content-sha256");
    char hash[SVC_SHA256_HEX_SIZE], text[512], wanted[2 * SVC_SHA256_SIZE + 1];
    uint8_t key[SVC_SHA256_SIZE];
    bool good;

    if (request->authorization == NULL || !credential_read(request->authorization, &credential)) {
        return svc_fail(err, -EACCES, "the request is not signed (Signature Version 4)");
    }
    if (strcmp(credential.key, request->access_key) != 0) {
        return svc_fail(err, -EACCES, "the access key is not known");
    }
    if (date == NULL || strncmp(date, credential.day, 8) != 0 || !is_now(date, request->now_s)) {
        return svc_fail(err, -EACCES, "x-amz-date is missing, or more than %d s off",
                        SIGNATURE_SKEW_S);
    }
    svc_sha256_hex(request->body, request->body_len, hash);
    if (payload == NULL ||
        (strcmp(payload, hash) != 0 && strcmp(payload, "UNSIGNED-PAYLOAD") != 0)) {
        return svc_fail(err, -EACCES, "x-amz-content-sha256 is not that of the body");
    }
    svc_bytes_printf(&canonical, "%s\n", request->method);
    signature_encode(&canonical, request->path, true);
    svc_bytes_put(&canonical, "\n", 1);
    query_put(&canonical, request->query);
    svc_bytes_put(&canonical, "\n", 1);
    good = headers_put(&canonical, request, credential.headers);
    svc_bytes_printf(&canonical, "\n%s\n%s", credential.headers, payload);
    good = good && !canonical.failed;
    svc_sha256_hex(canonical.ptr, canonical.len, hash);
    svc_bytes_done(&canonical);
    (void)snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, credential.scope,
                   hash);
    key_make(request, &credential, key);
    svc_hmac_sha256(key, sizeof(key), text, strlen(text), key);
    for (size_t i = 0; i < sizeof(key); i++) {
        (void)snprintf(wanted + 2 * i, 3, "%02x", key[i]);
    }
    return good && is_same(wanted, credential.signature, 64)
               ? 0
               : svc_fail(err, -EACCES, "the signature is not right");
}
