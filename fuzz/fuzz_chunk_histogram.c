#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "tsdb/chunk_histogram.h"

/* What is read passes the check; written again and read again it is the same. The first byte picks
 * the encoding. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const bool is_float = size > 0 && (data[0] & 1) != 0;
    const str chunk = size > 0 ? str_of((const char *)data + 1, size - 1) : STR_NULL;
    struct sample_buf first = {0};
    struct sample_buf second = {0};
    struct chunk_histogram again = {0};
    size_t written = 0;

    first.arena.limit_bytes = (size_t)64 << 20;
    if (chunk_histogram_decode(chunk, is_float, INT64_MIN, INT64_MAX, &first, NULL) < 0) {
        ASSERT(first.count == 0);
    }
    chunk_histogram_begin(&again, is_float, CHUNK_START_UNKNOWN);
    while (written < first.count &&
           chunk_histogram_append(&again, first.t[written], first.h[written])) {
        ASSERT(histogram_is_stale(first.h[written]) ||
               histogram_check(first.h[written], NULL) >= 0);
        written++;
    }
    ASSERT(chunk_histogram_decode(buf_view(&again.data), is_float, INT64_MIN, INT64_MAX, &second,
                                  NULL) == 0);
    ASSERT(second.count == written);
    for (size_t i = 0; i < written; i++) {
        ASSERT(second.t[i] == first.t[i]);
        /* A histogram with a count that is NaN does not equal itself. */
        ASSERT(histogram_is_stale(first.h[i]) || histogram_eq(second.h[i], first.h[i]) ||
               !histogram_eq(first.h[i], first.h[i]));
    }
    chunk_histogram_done(&again);
    sample_buf_done(&first);
    sample_buf_done(&second);
    return 0;
}
