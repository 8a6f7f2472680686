/*
 * chunk_reader: the chunk segments of a block (chunks/000001, ...), mapped. A reference is a
 * segment's number from 0 in the upper half and the chunk's offset in the lower. Each chunk's
 * checksum is verified when it is read. Immutable after open. Format: docs/formats/chunk.md.
 */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/str.h"

struct fs;
struct chunk_reader;

enum { CHUNK_SEGMENTS_MAX = 1 << 16 };

/* chunk_reader_open maps the segments of a directory; `fs` must outlive the reader. Fails with
 * BARO_ECORRUPT (magic number, a gap in the numbering), BARO_EUNSUPPORTED or -errno. */
int chunk_reader_open(const struct fs *fs, const char *directory, struct chunk_reader **ret,
                      struct baro_error *err);
struct chunk_reader *chunk_reader_free(struct chunk_reader *reader);
DEFINE_CLEANUP(chunk_reader_free, struct chunk_reader)

/* chunk_reader_cool gives back the memory that reading all of it has taken; reading goes on. */
void chunk_reader_cool(const struct chunk_reader *reader);

/* chunk_reader_bytes is the size of all segments. */
uint64_t chunk_reader_bytes(const struct chunk_reader *reader);

/* chunk_reader_get gives encoding and bytes of a chunk, which live as long as the reader. Fails
 * with BARO_ECORRUPT. */
int chunk_reader_get(const struct chunk_reader *reader, uint64_t ref, uint8_t *ret_encoding,
                     str *ret_data, struct baro_error *err);

/* chunk_segment_check looks at the header of a segment; chunk_segment_get reads the chunk at an
 * offset of it. */
int chunk_segment_check(str segment, struct baro_error *err);
int chunk_segment_get(str segment, uint64_t offset, uint8_t *ret_encoding, str *ret_data,
                      struct baro_error *err);

/* chunk_reader_check walks through every segment: it has to be chunks whose checksums hold, one
 * behind the other up to its end. Fails with BARO_ECORRUPT. */
int chunk_reader_check(const struct chunk_reader *reader, struct baro_error *err);
