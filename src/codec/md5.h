/* md5: the MD5 digest (RFC 1321), for the hashmod of relabelling only: not for secrets. */
#pragma once

#include <stdint.h>

#include "base/str.h"

enum { MD5_BYTES = 16 };

void md5_digest(str data, uint8_t ret[MD5_BYTES]);
