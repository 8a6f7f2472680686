#include "objstore/s3_sign.h"

#include <time.h>

#include "codec/sha256.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

enum { DAY_CHARS = 8 };

void s3_date(ts now, char ret[S3_DATE_CHARS + 1])
{
    time_t seconds = (time_t)(now / 1000);
    struct tm parts;

    (void)gmtime_r(&seconds, &parts);
    if (strftime(ret, S3_DATE_CHARS + 1, "%Y%m%dT%H%M%SZ", &parts) != S3_DATE_CHARS) {
        ret[0] = '\0'; /* a year of five digits: the store will refuse it */
    }
}

void s3_escape(struct buf *buf, str text, bool is_query)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~' ||
                        (c == '/' && !is_query);

        if (is_plain) {
            buf_char(buf, c);
        } else {
            buf_printf(buf, "%%%02X", (unsigned)(uint8_t)c);
        }
    }
}

static str of_digest(const uint8_t *digest)
{
    return str_of((const char *)digest, SHA256_BYTES);
}

static const char *signed_headers(const struct s3_key *key)
{
    return secret_is_set(key->session_token)
               ? "host;x-amz-content-sha256;x-amz-date;x-amz-security-token"
               : "host;x-amz-content-sha256;x-amz-date";
}

static void put_canonical(const struct s3_request *request, const struct s3_key *key,
                          const char *date, struct buf *buf)
{
    buf_printf(buf, "%s\n%.*s\n%.*s\nhost:%.*s\nx-amz-content-sha256:%.*s\nx-amz-date:%s\n",
               request->method, STR_ARG(request->path), STR_ARG(request->query),
               STR_ARG(request->host), STR_ARG(request->payload_hash), date);
    if (secret_is_set(key->session_token)) {
        buf_c(buf, "x-amz-security-token:");
        buf_str(buf, secret_reveal(key->session_token));
        buf_char(buf, '\n');
    }
    buf_printf(buf, "\n%s\n%.*s", signed_headers(key), STR_ARG(request->payload_hash));
}

/* The key of the day, region and service. */
static void derive_key(const struct s3_key *key, str day, uint8_t ret[SHA256_BYTES])
{
    struct buf first = {0};

    buf_c(&first, "AWS4");
    buf_str(&first, secret_reveal(key->secret_key));
    sha256_hmac(buf_view(&first), day, ret);
    sha256_hmac(of_digest(ret), key->region, ret);
    sha256_hmac(of_digest(ret), STR("s3"), ret);
    sha256_hmac(of_digest(ret), STR("aws4_request"), ret);
    buf_done(&first);
}

void s3_sign(const struct s3_request *request, const struct s3_key *key, const char *date,
             struct buf *ret)
{
    str day = str_of(date, DAY_CHARS);
    uint8_t digest[SHA256_BYTES], signing[SHA256_BYTES];
    struct buf text = {0};

    put_canonical(request, key, date, &text);
    sha256_digest(buf_view(&text), digest);
    buf_reset(&text);
    buf_printf(&text, ALGORITHM "\n%s\n%.*s/%.*s/s3/aws4_request\n", date, STR_ARG(day),
               STR_ARG(key->region));
    sha256_hex(&text, digest);
    derive_key(key, day, signing);
    sha256_hmac(of_digest(signing), buf_view(&text), digest);
    buf_printf(ret,
               ALGORITHM " Credential=%.*s/%.*s/%.*s/s3/aws4_request, SignedHeaders=%s, "
                         "Signature=",
               STR_ARG(key->access_key), STR_ARG(day), STR_ARG(key->region), signed_headers(key));
    sha256_hex(ret, digest);
    ret->failed |= text.failed;
    buf_done(&text);
}
