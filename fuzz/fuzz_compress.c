/* The first byte says how the rest is packed; unpacking never passes the limit. */
#include "base/assert.h"
#include "codec/compress.h"
#include "fuzz/fuzz.h"

enum { LIMIT = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct compressor *compressor = compressor_new();
    struct buf ret = {0};

    if (size > 0) {
        enum compress_kind kind = (enum compress_kind)(data[0] % COMPRESS_KIND_COUNT);
        int r = compressor_unpack(compressor, kind, str_of((const char *)data + 1, size - 1), LIMIT,
                                  &ret, NULL);

        ASSERT(ret.len <= LIMIT && (r == 0 || ret.len == 0));
    }
    buf_done(&ret);
    (void)compressor_free(compressor);
    return 0;
}
