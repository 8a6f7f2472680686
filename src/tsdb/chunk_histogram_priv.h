/* chunk_histogram_priv: the columns of a chunk that is being written. */
#pragma once

#include <stdint.h>

#include "tsdb/chunk_histogram.h"

enum { FIELD_COUNT = 0, FIELD_ZERO = 1, FIELD_BUCKETS = 2 };

/* A count of an integer chunk: buckets are differences to the bucket before. */
struct chunk_histogram_field {
    int64_t value;
    int64_t delta;
};

struct chunk_histogram_float {
    uint64_t bits;
    uint8_t leading;
    uint8_t trailing;
};
