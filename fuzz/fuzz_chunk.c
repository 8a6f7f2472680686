/* Any bytes as a chunk of any encoding (the first byte): never a read outside, the readers agree,
 * and what was read is the same after it was packed anew with its start timestamps. */
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "tsdb/chunk.h"
#include "tsdb/chunk_xor2.h"

static void check_same(const struct sample_buf *a, const struct sample_buf *b)
{
    ASSERT(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        ASSERT(a->t[i] == b->t[i] && value_bits(a->v[i]) == value_bits(b->v[i]));
        ASSERT((a->st != NULL ? a->st[i] : 0) == (b->st != NULL ? b->st[i] : 0));
    }
}

static void pack_again(const struct sample_buf *samples)
{
    size_t room = CHUNK_XOR2_HEADER_BYTES + samples->count * CHUNK_XOR2_SAMPLE_BYTES_MAX;
    struct sample_buf again = {0};
    struct chunk_xor2 chunk;
    struct buf data = {0};

    buf_zero(&data, room);
    chunk_xor2_init(&chunk, (uint8_t *)data.ptr);
    for (size_t i = 0; i < samples->count; i++) {
        ASSERT(chunk_xor2_append(&chunk, (uint8_t *)data.ptr, room,
                                 samples->st != NULL ? samples->st[i] : 0, samples->t[i],
                                 samples->v[i]));
    }
    ASSERT(chunk_xor2_decode(str_of(data.ptr, chunk_xor2_size(&chunk)), INT64_MIN, INT64_MAX,
                             &again, NULL) == 0);
    check_same(samples, &again);
    sample_buf_done(&again);
    buf_done(&data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t encoding = size > 0 ? data[0] : 0;
    str raw = size > 0 ? str_of((const char *)data + 1, size - 1) : STR_NULL;
    struct sample_buf samples = {0};
    struct arena arena = {0};
    struct sample last = {0};
    int decoded, found;

    samples.arena.limit_bytes = arena.limit_bytes = (size_t)64 << 20;
    decoded = chunk_decode(encoding, raw, INT64_MIN, INT64_MAX, &samples, NULL);
    found = chunk_last(encoding, raw, INT64_MIN, INT64_MAX, &arena, &last, NULL);
    ASSERT((decoded < 0) == (found < 0));
    if (decoded == 0) {
        ASSERT(samples.count == chunk_samples(encoding, raw));
        ASSERT((found == 1) == (samples.count > 0));
    }
    if (decoded == 0 && encoding == CHUNK_XOR2) {
        pack_again(&samples);
    }
    sample_buf_done(&samples);
    arena_done(&arena);
    return 0;
}
