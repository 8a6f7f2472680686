/*
 * chunk: chunks of any encoding that Prometheus has: which they are, how many samples they hold,
 * their samples, and the same chunk with start timestamps. Format: docs/formats/chunk.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "storage/storage.h"
#include "tsdb/chunk_xor.h"

static inline bool chunk_is_known(uint8_t encoding)
{
    return encoding > CHUNK_NONE && encoding <= CHUNK_FLOAT_HISTOGRAM_ST;
}

static inline bool chunk_is_histogram(uint8_t encoding)
{
    return chunk_is_known(encoding) && encoding != CHUNK_XOR && encoding != CHUNK_XOR2;
}

static inline bool chunk_is_float_histogram(uint8_t encoding)
{
    return encoding == CHUNK_FLOAT_HISTOGRAM || encoding == CHUNK_FLOAT_HISTOGRAM_ST;
}

/* chunk_samples is how many samples the header of a chunk tells of; 0 when it has none. */
uint32_t chunk_samples(uint8_t encoding, str data);

/* chunk_is_plain says whether the samples are floats without start timestamps, as far as the header
 * tells. */
bool chunk_is_plain(uint8_t encoding, str data);

/* chunk_decode appends the samples with start <= t <= end to ret. Decoding stops behind `end`.
 * Fails with BARO_ECORRUPT, BARO_ELIMIT when ret cannot grow, and BARO_EUNSUPPORTED for an encoding
 * that is not known; ret's count is then as before. */
int chunk_decode(uint8_t encoding, str data, ts start, ts end, struct sample_buf *ret,
                 struct baro_error *err);

/* chunk_last finds the last sample with start <= t <= end: 1 and *ret when there is one, else 0. A
 * histogram is in the arena. Fails as chunk_decode does. */
int chunk_last(uint8_t encoding, str data, ts start, ts end, struct arena *arena,
               struct sample *ret, struct baro_error *err);

/* chunk_add_starts makes a chunk in ret that has the samples of one without start timestamps, and a
 * start timestamp for each (0 = unknown; st NULL = all unknown); gives its encoding. Fails with
 * BARO_ECORRUPT, BARO_ELIMIT and BARO_EUNSUPPORTED. */
int chunk_add_starts(uint8_t encoding, str data, const ts *st, struct buf *ret,
                     uint8_t *ret_encoding, struct baro_error *err);

/* Newer encodings that are wished for, whether samples have start timestamps or not. */
enum {
    CHUNK_NEWER_FLOATS = 1,     /* XOR2: storage.tsdb.chunk_encoding.floats */
    CHUNK_NEWER_HISTOGRAMS = 2, /* --enable-feature=histograms-st-encoding */
};

/* chunk_renew packs a chunk anew, in room, when `newer` wishes for another encoding of its samples,
 * and gives that and the bytes; whatever cannot be packed anew stays as it is. */
void chunk_renew(unsigned newer, uint8_t *encoding, str *data, struct buf *room);
