/* Templates: parsing and executing whatever text over a small value never crashes and stays within
 * its bounds. */
#include "base/arena.h"
#include "fuzz/fuzz.h"
#include "template/template.h"

enum { OUTPUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(template_set_freep) struct template_set *set = template_set_new(NULL, 0);
    struct arena arena = {.limit_bytes = 0};
    struct buf out = {.limit = OUTPUT_MAX};
    struct baro_error err = {0};
    struct template_run run = {.arena = &arena};
    str text = str_of((const char *)data, size < 4096 ? size : 4096);
    str *keys = ARENA_ARRAY(&arena, str, 1);
    struct tvalue *values = ARENA_ARRAY(&arena, struct tvalue, 1);

    keys[0] = STR("A");
    values[0] = tvalue_string(STR("x"));
    if (template_set_parse(set, STR("n"), text, &err) == 0) {
        (void)template_set_execute(
            set, STR("n"), tvalue_map_of(&arena, keys, values, 1, tvalue_none()), &run, &out, &err);
    }
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
