/*
 * compress: whole records in and out, as the WAL and remote write have them: snappy's block format
 * and one or more zstd frames. Decompression is bounded by the caller: no byte is written beyond
 * the limit, whatever the header claims. A struct compressor keeps the contexts that zstd reuses;
 * one thread at a time.
 */
#pragma once

#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* In the order of the WAL record header's compression bits (docs/formats/wal.md). */
enum compress_kind { COMPRESS_NONE, COMPRESS_SNAPPY, COMPRESS_ZSTD, COMPRESS_KIND_COUNT };

struct compressor;

/* compressor_new allocates nothing but itself; contexts are made at first use. */
struct compressor *compressor_new(void);
struct compressor *compressor_free(struct compressor *compressor);
DEFINE_CLEANUP(compressor_free, struct compressor)

/* compressor_pack appends the packed form of raw to ret. Fails with BARO_ELIMIT when memory is out
 * or ret is full; ret is then as before. */
int compressor_pack(struct compressor *compressor, enum compress_kind kind, str raw,
                    struct buf *ret, struct baro_error *err);

/*
 * compressor_unpack appends the raw form of packed to ret. Fails with BARO_ELIMIT when it would
 * have more than raw_bytes_max bytes, and with BARO_ECORRUPT when packed is damaged; ret is then as
 * before.
 */
int compressor_unpack(struct compressor *compressor, enum compress_kind kind, str packed,
                      size_t raw_bytes_max, struct buf *ret, struct baro_error *err);

/* snappy_pack and snappy_unpack are the same for snappy alone, which needs no context. */
int snappy_pack(str raw, struct buf *ret, struct baro_error *err);
int snappy_unpack(str packed, size_t raw_bytes_max, struct buf *ret, struct baro_error *err);

/* snappy_pack_bytes_max is the room that snappy_pack may need for raw_bytes bytes. */
size_t snappy_pack_bytes_max(size_t raw_bytes);
