#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "tsdb/chunk_histogram.h"

/* One by one, behind bytes that were read back: each is in the chunk, or another one begins. */
static void add_all(struct chunk_histogram *chunk, const struct sample_buf *samples, size_t count,
                    bool is_float)
{
    enum chunk_histogram_start start = CHUNK_START_UNKNOWN;

    for (size_t i = 0, in_chunk = 0; i < count && i < 200; i++) {
        int r = 0;

        if (!chunk_histogram_can_hold(samples->h[i])) {
            return;
        }
        if (in_chunk > 0) {
            struct buf bytes = {0};

            buf_str(&bytes, buf_view(&chunk->data));
            ASSERT(chunk_histogram_resume(chunk, buf_view(&bytes), is_float, NULL) == 0);
            ASSERT(chunk->count == in_chunk && chunk->t == samples->t[i - 1]);
            buf_done(&bytes);
            r = chunk_histogram_add(chunk, samples->t[i], samples->h[i], &start, NULL);
            ASSERT(r >= 0);
        }
        if (r == 0) {
            chunk_histogram_begin(chunk, is_float, start);
            ASSERT(chunk_histogram_append(chunk, samples->t[i], samples->h[i]));
        }
        in_chunk = r == 0 ? 1 : in_chunk + 1;
    }
}

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
    add_all(&again, &first, written, is_float);
    chunk_histogram_done(&again);
    sample_buf_done(&first);
    sample_buf_done(&second);
    return 0;
}
