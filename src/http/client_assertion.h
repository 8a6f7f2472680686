/*
 * client_assertion: the signed text with which OAuth2's JWT bearer grant asks for a token (RFC
 * 7523, 2.1): a JSON Web Token (RFC 7519) under an RSA key, as Prometheus's clients make it.
 */
#pragma once

#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"

struct prom_oauth2;

#define CLIENT_ASSERTION_GRANT "urn:ietf:params:oauth:grant-type:jwt-bearer"

/* client_assertion_make appends HEADER.CLAIMS.SIGNATURE, good for ten minutes from `now`; `key` is
 * PEM, PKCS #1 or #8. Fails with BARO_EINVALID when the key cannot be used. */
int client_assertion_make(const struct prom_oauth2 *oauth2, str key, ts now, struct buf *ret,
                          struct baro_error *err);
