/* s3_sign: signatures of version 4 for S3 (AWS's "Authenticating Requests"). Pure. */
#pragma once

#include "base/buf.h"
#include "base/dur.h"
#include "base/str.h"
#include "conf/secret.h"

struct s3_request {
    const char *method;
    str host;         /* as it is sent */
    str path;         /* from '/', escaped by s3_escape */
    str query;        /* "a=b&c=d", sorted and escaped; empty without */
    str payload_hash; /* hexadecimal SHA-256 of the body */
};

struct s3_key {
    str access_key;
    struct secret secret_key;
    struct secret session_token; /* may be empty */
    str region;
};

enum { S3_DATE_CHARS = 16 };

/* s3_date writes a time as 20060102T150405Z, with a NUL. */
void s3_date(ts now, char ret[S3_DATE_CHARS + 1]);

/* s3_sign appends the value of the header Authorization. `date` is by s3_date, and goes into
 * x-amz-date; x-amz-content-sha256 has the payload's hash, x-amz-security-token the session's. */
void s3_sign(const struct s3_request *request, const struct s3_key *key, const char *date,
             struct buf *ret);

/* s3_escape appends a name for a path ('/' stays) or, with is_query, for a query. */
void s3_escape(struct buf *buf, str text, bool is_query);
