/*
 * gzip: whole buffers in and out (RFC 1952). Packing uses libdeflate and keeps its state for reuse;
 * one thread at a time per struct gzip. Unpacking is bounded by the caller and takes several
 * members in a row.
 */
#pragma once

#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct gzip;

/* gzip_new makes a packer; level is 1 (fast) to 12 (small). NULL when memory is out. */
struct gzip *gzip_new(int level);
struct gzip *gzip_free(struct gzip *gzip);
DEFINE_CLEANUP(gzip_free, struct gzip)

/* gzip_pack appends the packed form of raw to ret. Fails with BARO_ELIMIT when memory is out; ret
 * is then as before. */
int gzip_pack(struct gzip *gzip, str raw, struct buf *ret, struct baro_error *err);

/*
 * gzip_unpack appends the raw form of packed to ret. Fails with BARO_ELIMIT when it would have more
 * than raw_bytes_max bytes, and with BARO_ECORRUPT when packed is damaged or ends early; ret is
 * then as before.
 */
int gzip_unpack(str packed, size_t raw_bytes_max, struct buf *ret, struct baro_error *err);
