/* HTTP responses, in parts whose size is the first byte: the same outcome as in one piece. */
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "http/client_response.h"

enum { BODY_BYTES_MAX = 4096 };

static int feed(struct response *response, str text, size_t size, struct baro_error *err)
{
    int result = 0;

    response_reset(response, BODY_BYTES_MAX);
    for (size_t i = 0; i < text.len && result == 0; i += size) {
        buf_str(&response->bytes, str_slice(text, i, i + size));
        result = response_advance(response, err);
        ASSERT(response->body_at + response->body_len <= response->bytes.len);
    }
    return result != 0 ? result : response_end(response, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t part = size > 0 && data[0] > 0 ? data[0] : 1;
    const str text = str_from_index(str_of((const char *)data, size), 1);
    struct response whole = {0};
    struct response parts = {0};
    struct baro_error err = {0};
    const int result = feed(&parts, text, part, &err);

    ASSERT(result >= 0 || err.message[0] != '\0');
    ASSERT(feed(&whole, text, text.len + 1, NULL) == result);
    if (result >= 0) {
        ASSERT(parts.body_len == whole.body_len && parts.body_len < BODY_BYTES_MAX);
        ASSERT(parts.status == whole.status && parts.status >= 200);
        ASSERT(str_eq(str_of(parts.bytes.ptr + parts.body_at, parts.body_len),
                      str_of(whole.bytes.ptr + whole.body_at, whole.body_len)));
    }
    response_done(&whole);
    response_done(&parts);
    return 0;
}
