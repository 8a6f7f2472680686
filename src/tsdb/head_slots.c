#include "tsdb/head_slots.h"

#include <string.h>

#include "base/assert.h"

/* Where a slot stands, or would. */
static size_t place_of(const struct head_slots *list, uint32_t slot)
{
    size_t low = 0, high = list->items.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (*list->items.items[middle] < slot) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t **head_slots_find(const struct head_slots *list, uint32_t slot)
{
    size_t at = place_of(list, slot);

    ASSERT(at < list->items.count && *list->items.items[at] == slot);
    return &list->items.items[at];
}

void head_slots_add(struct head_slots *list, uint32_t *slot)
{
    size_t at = place_of(list, *slot);

    vec_push(&list->items, slot);
    memmove(list->items.items + at + 1, list->items.items + at,
            (list->items.count - 1 - at) * sizeof(slot));
    list->items.items[at] = slot;
}

void head_slots_remove(struct head_slots *list, uint32_t slot)
{
    uint32_t **place = head_slots_find(list, slot);

    list->items.count--;
    memmove(place, place + 1,
            (size_t)(list->items.items + list->items.count - place) * sizeof(*place));
}
