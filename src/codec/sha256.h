/* sha256: the SHA-256 digest (FIPS 180-4) and HMAC over it (RFC 2104). */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum { SHA256_BYTES = 32 };

void sha256_digest(str data, uint8_t ret[SHA256_BYTES]);
void sha256_hmac(str key, str data, uint8_t ret[SHA256_BYTES]);

/* sha256_hex appends a digest as 64 hexadecimal digits. */
void sha256_hex(struct buf *buf, const uint8_t digest[SHA256_BYTES]);
