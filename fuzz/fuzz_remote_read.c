/* Requests and responses of remote read: the first byte chooses which. A request that was read is
 * made again, and must then read and be made the same. */
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "model/histogram.h"
#include "remote/wire_read.h"

static void try_request(str body)
{
    struct arena arena = {0};
    struct wire_read_request request = {0};
    struct buf first = {0};
    struct buf second = {0};

    if (wire_read_request_read(body, &arena, &request, NULL) == 0) {
        wire_read_request_put(&first, &request);
        ASSERT(wire_read_request_read(buf_view(&first), &arena, &request, NULL) == 0);
        wire_read_request_put(&second, &request);
        ASSERT(str_eq(buf_view(&first), buf_view(&second)));
    }
    buf_done(&first);
    buf_done(&second);
    arena_done(&arena);
}

static void try_response(str body)
{
    struct wire_response_in in = {0};
    struct arena arena = {.limit_bytes = (size_t)64 << 20};
    struct labels labels;
    struct sample sample;

    wire_response_in_begin(&in, body);
    while (wire_response_in_result(&in)) {
        while (wire_response_in_series(&in, &labels)) {
            while (wire_response_in_sample(&in, &arena, &sample)) {
                ASSERT(sample.h == NULL || sample.h->positive.bucket_count <= body.len);
            }
        }
    }
    wire_response_in_done(&in);
    arena_done(&arena);
}

static void try_stream(str stream)
{
    struct wire_chunks_in in = {0};
    struct labels labels;
    struct wire_chunk chunk;
    str message;

    while (wire_frame_next(&stream, 1 << 20, &message, NULL) > 0) {
        wire_chunks_in_begin(&in, message);
        while (wire_chunks_in_series(&in, &labels)) {
            while (wire_chunks_in_chunk(&in, &chunk)) {
                ASSERT(chunk.data.len <= message.len);
            }
        }
    }
    wire_chunks_in_done(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const str body = size > 0 ? str_of((const char *)data + 1, size - 1) : STR("");

    switch (size > 0 ? data[0] % 3 : 0) {
    case 0:
        try_request(body);
        break;
    case 1:
        try_response(body);
        break;
    default:
        try_stream(body);
        break;
    }
    return 0;
}
