/* What a Redis server (or something in its place) answers to INFO. */
#include "fuzz/fuzz.h"

#include "base/assert.h"
#include "exporter/redis_info.h"

static void collect(void *context, struct emit *emit)
{
    redis_info_collect(emit, *(const str *)context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str info = str_of((const char *)data, size);
    const struct emit_collector collector = {collect, &info};
    struct buf text = {0};

    ASSERT(emit_text(&text, &collector));
    ASSERT(str_contains(buf_view(&text), STR("redis_instance_info{")));
    buf_done(&text);
    return 0;
}
