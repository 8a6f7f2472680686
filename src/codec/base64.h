/* base64: RFC 4648, with padding, in the standard alphabet or the one for URLs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

void base64_encode(struct buf *buf, str raw, bool for_url);

/* base64_decode appends the bytes; line breaks in the text are skipped, as Go does. On false,
 * *ret_bad is the first byte that is wrong. */
bool base64_decode(struct buf *buf, str text, bool for_url, size_t *ret_bad);
