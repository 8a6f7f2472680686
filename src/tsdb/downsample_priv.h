/* downsample_priv: the layout of a file of downsampled samples. All numbers are little-endian and
 * lie at multiples of their size. Format: docs/formats/downsample.md. */
#pragma once

#include <stdint.h>

#include "base/assert.h"

#define DOWNSAMPLE_MAGIC UINT64_C(0x314e574f44524142) /* "BARDOWN1" */

enum { DOWNSAMPLE_VERSION = 1, DOWNSAMPLE_STREAMS = 5, DOWNSAMPLE_SERIES_SAMPLES_MAX = 65535 };

struct downsample_header {
    uint64_t magic;
    uint32_t version;
    uint32_t crc; /* of what follows in the header */
    int64_t window;
    int64_t mint; /* of the block */
    int64_t maxt;
    uint64_t table; /* offset of the rows */
    uint64_t series;
    uint32_t table_crc;
    uint32_t zero;
};
STATIC_ASSERT(sizeof(struct downsample_header) == 64, "it is written as it is");

/* A row of the table, which is sorted by ref. */
struct downsample_row {
    uint32_t ref;                       /* of the series in the block's index */
    uint32_t sizes[DOWNSAMPLE_STREAMS]; /* bytes of the streams, one behind the other */
    uint64_t offset;                    /* of the first */
};
STATIC_ASSERT(sizeof(struct downsample_row) == 32, "it is written as it is");

/*
 * A stream: CRC32C of the rest (4, little-endian), bytes of the samples (uvarint), the samples as
 * an XOR chunk, then, where the stream has counts, runs of uvarint count and uvarint length.
 */
