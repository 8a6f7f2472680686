/*
 * chunk_pack: samples of one series, floats and histograms mixed, as chunks of a block. A chunk
 * ends after so many samples, where the kind of the samples changes, and where a histogram does not
 * fit to those before it. Samples with start timestamps get the encodings that have room for them.
 * Source: Prometheus 3, storage/series.go, seriesToChunkEncoder.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "storage/storage.h"
#include "tsdb/chunk_histogram.h"
#include "tsdb/chunk_xor.h"

struct block_writer;

/* Samples of a chunk that is made anew. */
enum { CHUNK_PACK_SAMPLES = 120 };

/* Zeroed but for `newer`; reused from series to series. */
struct chunk_pack {
    unsigned newer; /* encodings that are wished for: tsdb/chunk */
    struct chunk_histogram histogram;
    struct buf renewed;
    uint8_t packed[CHUNK_PACK_SAMPLES * CHUNK_XOR_SAMPLE_BYTES_MAX + 64];
};

void chunk_pack_done(struct chunk_pack *pack);

/* What takes the chunks, one after the other; bytes are valid for the call. A negative result ends
 * the packing. */
typedef int chunk_pack_sink(void *context, uint8_t encoding, str data, ts mint, ts maxt,
                            uint32_t samples, struct baro_error *err);

/* chunk_pack_each gives the chunks of the samples to the sink. Fails as the sink does, with
 * BARO_ELIMIT when memory is out, and with BARO_EUNSUPPORTED for counts beyond 2^53. */
int chunk_pack_each(struct chunk_pack *pack, const struct sample_buf *samples, bool is_one,
                    chunk_pack_sink *sink, void *context, struct baro_error *err);

/* chunk_pack_write gives the chunks to the series that the writer has begun. With `is_one` they are
 * what is left of one chunk: histograms stay together however many they are. Fails as
 * block_writer_chunk does, and with BARO_EUNSUPPORTED for counts beyond 2^53. */
int chunk_pack_write(struct chunk_pack *pack, const struct sample_buf *samples, bool is_one,
                     struct block_writer *writer, struct baro_error *err);
