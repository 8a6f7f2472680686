/* Query strings and form bodies: never a crash, and no more bytes out than came in. */
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "http/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = str_of((const char *)data, size);
    struct arena arena = {0};
    struct form form = {0};
    struct baro_error err = {0};
    str path = STR("");
    size_t bytes = 0;

    if (form_parse(&arena, text, &form, &err) >= 0) {
        for (size_t i = 0; i < form.count; i++) {
            bytes += form.items[i].name.len + form.items[i].value.len;
            ASSERT(form_has(&form, form.items[i].name));
        }
        ASSERT(bytes <= size);
    } else {
        ASSERT(err.message[0] != '\0');
    }
    if (url_path_decode(&arena, text, &path, NULL) >= 0) {
        ASSERT(path.len <= size);
    }
    arena_done(&arena);
    return 0;
}
