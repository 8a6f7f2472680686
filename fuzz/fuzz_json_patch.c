#include "base/assert.h"
#include "codec/json_patch.h"
#include "fuzz/fuzz.h"

/* The input is an old text, a NUL byte and a new one: the patched text means what the new one
 * means, and a patch to what a text says already changes no byte. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str input = str_of((const char *)data, size);
    size_t nul = str_index_char(input, '\0');
    str old_text = str_slice(input, 0, nul);
    str new_text = nul == SIZE_MAX ? STR("") : str_from_index(input, nul + 1);
    struct buf out = {0};

    if (json_patch(old_text, new_text, &out, NULL) >= 0) {
        ASSERT(json_same(buf_view(&out), new_text));
        ASSERT(!json_same(old_text, new_text) || str_eq(buf_view(&out), old_text));
    } else {
        ASSERT(out.len == 0);
    }
    buf_done(&out);
    return 0;
}
