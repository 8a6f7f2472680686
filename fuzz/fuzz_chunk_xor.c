/* Any bytes as a chunk: never a read outside, and what the three readers say agrees. */
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "tsdb/chunk_xor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str raw = str_of((const char *)data, size);
    struct sample_buf samples = {0};
    struct chunk_xor state;
    ts t = 0;
    double v = 0;
    int decoded = chunk_xor_decode(raw, INT64_MIN, INT64_MAX, &samples, NULL);
    int last = chunk_xor_last(raw, INT64_MIN, INT64_MAX, &t, &v, NULL);
    int resumed = chunk_xor_resume(raw, &state, NULL);

    ASSERT((decoded < 0) == (resumed < 0) && (decoded < 0) == (last < 0));
    if (decoded == 0) {
        ASSERT(samples.count == chunk_xor_count(raw) && (last == 1) == (samples.count > 0));
    }
    if (last == 1) {
        ASSERT(t == samples.t[samples.count - 1]);
        ASSERT(value_bits(v) == value_bits(samples.v[samples.count - 1]));
        ASSERT(state.t == t && state.v_bits == value_bits(v));
    }
    sample_buf_done(&samples);
    return 0;
}
