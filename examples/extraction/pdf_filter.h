/* pdf_filter: the filters of PDF streams that text is found behind (ISO 32000-1, 7.4). */
#pragma once

#include "svc_util.h"

/* Each decodes src into *ret, which has its bound set (max): 0, -EINVAL for damage, -E2BIG for what
 * exceeds the bound. */
int pdf_flate(const uint8_t *src, size_t len, struct svc_bytes *ret);
int pdf_ascii_hex(const uint8_t *src, size_t len, struct svc_bytes *ret);
int pdf_ascii_85(const uint8_t *src, size_t len, struct svc_bytes *ret);

/* pdf_unpredict undoes a PNG predictor in place: rows of 1 + row_bytes bytes, the first says how;
 * each pixel has pixel_bytes. -EINVAL for damage. */
int pdf_unpredict(struct svc_bytes *bytes, size_t row_bytes, size_t pixel_bytes);
