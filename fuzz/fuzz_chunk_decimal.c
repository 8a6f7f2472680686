/* Any bytes as an open chunk: never a read outside, and what is read is read again when it is
 * packed anew, either way. */
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "tsdb/chunk_decimal.h"

static void assert_same(const struct sample_buf *a, const struct sample_buf *b)
{
    ASSERT(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        ASSERT(a->t[i] == b->t[i] && value_bits(a->v[i]) == value_bits(b->v[i]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t packed[UINT16_MAX * CHUNK_XOR_SAMPLE_BYTES_MAX + 64];
    str raw = str_of((const char *)data, size);
    struct sample_buf samples = {0}, again = {0};
    struct chunk_xor chunk;

    if (chunk_decimal_decode(raw, INT64_MIN, INT64_MAX, &samples, NULL) < 0) {
        ASSERT(samples.count == 0);
    } else if (samples.count > 0) {
        ASSERT(chunk_decimal_repack(raw, packed, sizeof(packed), &chunk, NULL) == 0);
        ASSERT(chunk_xor_decode(str_of((char *)packed, chunk_xor_size(&chunk)), INT64_MIN,
                                INT64_MAX, &again, NULL) == 0);
        assert_same(&samples, &again);
        sample_buf_reset(&again);
        chunk_decimal_init(&chunk, packed);
        for (size_t i = 0; i < samples.count && chunk_xor_size(&chunk) < 2000; i++) {
            ASSERT(
                chunk_decimal_append(&chunk, packed, sizeof(packed), samples.t[i], samples.v[i]));
        }
        samples.count = chunk.count;
        ASSERT(chunk_decimal_decode(str_of((char *)packed, chunk_xor_size(&chunk)), INT64_MIN,
                                    INT64_MAX, &again, NULL) == 0);
        assert_same(&samples, &again);
    }
    sample_buf_done(&samples);
    sample_buf_done(&again);
    return 0;
}
