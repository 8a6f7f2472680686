/* eval_sort: a merge sort that looks at the clock and the kill flag now and then: of a million
 * label sets it takes a second. Stable. */
#include "promql/engine_priv.h"

enum { MERGED_PER_TICK = 512, WORK_PER_MERGED = 20 };

struct merging {
    struct eval *ev;
    const struct eval_order *order;
    size_t size; /* of an item */
    const char *from;
    char *to;
};

static const char *item_at(const struct merging *merging, size_t index)
{
    return merging->from + index * merging->size;
}

static int merge(const struct merging *merging, size_t start, size_t middle, size_t end,
                 struct baro_error *err)
{
    const struct eval_order *order = merging->order;
    size_t left = start;
    size_t right = middle;

    for (size_t i = start; i < end; i++) {
        bool take_right =
            left == middle || (right < end && order->before(order->context, item_at(merging, right),
                                                            item_at(merging, left)));

        memcpy(merging->to + i * merging->size, item_at(merging, take_right ? right++ : left++),
               merging->size);
        if (i % MERGED_PER_TICK == 0) {
            int r = eval_tick(merging->ev, (size_t)MERGED_PER_TICK * WORK_PER_MERGED, err);

            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}

int eval_sort(struct eval *ev, void **items, size_t count, size_t size,
              const struct eval_order *order, struct baro_error *err)
{
    struct merging merging = {.ev = ev, .order = order, .size = size};
    char *from = *items;
    char *room;

    if (count < 2) {
        return 0;
    }
    room = eval_alloc(ev, count, size, err);
    if (room == NULL) {
        return BARO_ELIMIT;
    }
    for (size_t width = 1; width < count; width *= 2) {
        char *kept = from;

        merging.from = from;
        merging.to = room;
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = start + width < count ? start + width : count;
            size_t end = middle + width < count ? middle + width : count;
            int r = merge(&merging, start, middle, end, err);

            if (r < 0) {
                return r;
            }
        }
        from = room;
        room = kept;
    }
    *items = from;
    return 0;
}
