#include "tsdb/retention.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

uint64_t retention_bytes(const struct retention *retention, uint64_t disk_bytes)
{
    uint64_t bytes = retention->bytes;

    if (retention->percentage > 0 && disk_bytes > 0) {
        uint64_t share = (uint64_t)((double)disk_bytes * retention->percentage / 100);

        bytes = bytes == 0 || share < bytes ? share : bytes;
    }
    return bytes;
}

struct by_age {
    struct retention_block block;
    size_t index;
};

static int newest_first(const void *a, const void *b)
{
    const struct by_age *x = a, *y = b;

    if (x->block.maxt != y->block.maxt) {
        return x->block.maxt < y->block.maxt ? 1 : -1;
    }
    return (x->index > y->index) - (x->index < y->index);
}

size_t retention_plan(const struct retention *retention, const struct retention_block *blocks,
                      size_t count, uint64_t head_bytes, uint64_t disk_bytes,
                      enum retention_verdict *ret)
{
    uint64_t limit = retention_bytes(retention, disk_bytes), total = head_bytes;
    struct by_age *order = mem_alloc((count + 1) * sizeof(*order));
    size_t gone = 0;
    bool is_full = false;

    for (size_t i = 0; i < count; i++) {
        order[i] = (struct by_age){blocks[i], i};
    }
    if (count > 1) {
        qsort(order, count, sizeof(*order), newest_first);
    }
    for (size_t i = 0; i < count; i++) {
        bool is_old =
            i > 0 && retention->time > 0 &&
            (double)order[0].block.maxt - (double)order[i].block.maxt >= (double)retention->time;

        total += order[i].block.bytes;
        is_full = is_full || (limit > 0 && total > limit);
        ret[order[i].index] = is_old ? RETENTION_OLD : is_full ? RETENTION_LARGE : RETENTION_KEEP;
        gone += is_old || is_full;
    }
    (void)mem_free(order);
    return gone;
}
