/* StatsD mapping files: refused with a place, or good for any name. */
#include "fuzz/fuzz.h"

#include "base/assert.h"
#include "exporter/statsd_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"a.b.c", "a", "", "x-y.z", "1.2.3.4"};
    CLEANUP(statsd_map_freep) struct statsd_map *map = NULL;
    static struct faults faults;

    faults = (struct faults){0};
    if (statsd_map_parse(str_of((const char *)data, size), "map", &map, &faults) < 0) {
        ASSERT(faults.total > 0 && map == NULL);
        return 0;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct statsd_event event = {.name = str_from(names[i]), .repeats = 1};
        struct statsd_mapped mapped;
        struct arena arena = {0};

        statsd_map_find(map, &event, &arena, &mapped);
        ASSERT(mapped.tag_count <= STATSD_TAGS_MAX);
        for (size_t t = 1; t < mapped.tag_count; t++) {
            ASSERT(str_cmp(mapped.tags[t - 1].name, mapped.tags[t].name) < 0);
        }
        arena_done(&arena);
    }
    return 0;
}
