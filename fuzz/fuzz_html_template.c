/* Escaped templates: whatever the text, hostile data writes no tag of its own, and work is bounded.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "fuzz/fuzz.h"
#include "template/template.h"

enum { OUTPUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(template_set_freep) struct template_set *set = template_set_new(NULL, 0);
    CLEANUP(template_set_freep) struct template_set *escaped = NULL;
    struct arena arena = {.limit_bytes = 0};
    struct buf out = {.limit = OUTPUT_MAX};
    struct baro_error err = {0};
    struct template_run run = {.arena = &arena};
    str text = str_of((const char *)data, size < 4096 ? size : 4096);
    str keys[2] = {STR("A"), STR("L")};
    struct tvalue items[2] = {tvalue_string(STR("<baro9 x=\"'`>javascript:*/y")), tvalue_int(1)};
    struct tvalue values[2] = {items[0], tvalue_list_of(&arena, items, 2)};

    if (template_set_parse(set, STR("n"), text, &err) == 0 &&
        template_set_escape(set, STR("n"), &escaped, &err) == 0) {
        (void)template_set_execute(escaped, STR("n"),
                                   tvalue_map_of(&arena, keys, values, 2, tvalue_none()), &run,
                                   &out, &err);
        if (!str_contains(text, STR("baro9")) && str_contains(buf_view(&out), STR("<baro9"))) {
            abort();
        }
    }
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
