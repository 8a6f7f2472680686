/*
 * signature: whether a request is signed as AWS's Signature Version 4 has it ("Signing AWS API
 * requests", the Authorization header). Pure: the request is given in parts.
 */
#pragma once

#include "svc_util.h"

enum { SIGNATURE_HEADERS_MAX = 32, SIGNATURE_SKEW_S = 900 };

struct signature_request {
    const char *method;
    const char *path;  /* decoded */
    const char *query; /* "a=b&c=d", encoded as signature_encode does */
    const void *body;
    size_t body_len;
    const char *authorization;                              /* NULL = absent */
    const char *(*header)(void *context, const char *name); /* NULL = absent */
    void *context;
    const char *access_key, *secret_key;
    int64_t now_s; /* since 1970 */
};

/* signature_encode appends text with all but letters, digits, -._~ (and '/') as %XX. */
void signature_encode(struct svc_bytes *out, const char *text, bool keep_slash);

/* signature_check: 0, or -EACCES with the reason. The body's hash must be that of the body, or
 * UNSIGNED-PAYLOAD; the time at most SIGNATURE_SKEW_S off. */
int signature_check(const struct signature_request *request, struct svc_error *err);
