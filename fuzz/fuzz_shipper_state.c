/* Any bytes as the two files that say what was uploaded: halves, split at the first NUL byte. */
#include "base/assert.h"
#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "objstore/shipper_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shipper_state state = {.dir = str_dup_c(STR("."))};
    str text = str_of((const char *)data, size);
    size_t cut = str_index_char(text, '\0');

    (void)shipper_state_parse(&state, str_slice(text, 0, cut),
                              cut == SIZE_MAX ? STR_NULL : str_from_index(text, cut + 1));
    for (size_t i = 0; i < state.uploaded.count; i++) {
        ASSERT(ulid_is_valid(str_from(state.uploaded.items[i].text)));
    }
    ASSERT(state.upload.part_count <= OBJSTORE_PARTS_MAX);
    shipper_state_done(&state);
    return 0;
}
