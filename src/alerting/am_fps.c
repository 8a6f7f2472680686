#include "alerting/am_fps.h"

#include <stdbool.h>

#include "base/assert.h"
#include "base/mem.h"

enum { CAPACITY_MIN = 8 };

/* Fingerprints may be chosen by whoever sends alerts; the multiplication (2^64 / golden ratio)
 * spreads runs of them. */
static size_t home(const struct am_fps *fps, uint64_t fp)
{
    return (size_t)((fp * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & (fps->capacity - 1);
}

static size_t find(const struct am_fps *fps, uint64_t fp)
{
    size_t index = home(fps, fp);

    while (fps->slots[index].value != NULL && fps->slots[index].fp != fp) {
        index = (index + 1) & (fps->capacity - 1);
    }
    return index;
}

static void grow(struct am_fps *fps)
{
    struct am_fps grown = {.capacity = fps->capacity > 0 ? 2 * fps->capacity : CAPACITY_MIN,
                           .count = fps->count};

    grown.slots = mem_alloc_zero(grown.capacity * sizeof(*grown.slots));
    for (size_t i = 0; i < fps->capacity; i++) {
        if (fps->slots[i].value != NULL) {
            grown.slots[find(&grown, fps->slots[i].fp)] = fps->slots[i];
        }
    }
    (void)mem_free(fps->slots);
    *fps = grown;
}

void am_fps_done(struct am_fps *fps)
{
    (void)mem_free(fps->slots);
    *fps = (struct am_fps){0};
}

void *am_fps_get(const struct am_fps *fps, uint64_t fp)
{
    return fps->count > 0 ? fps->slots[find(fps, fp)].value : NULL;
}

void *am_fps_put(struct am_fps *fps, uint64_t fp, void *value)
{
    struct am_fp_slot *slot;
    void *before;

    ASSERT(value != NULL);
    if (4 * (fps->count + 1) > 3 * fps->capacity) {
        grow(fps);
    }
    slot = &fps->slots[find(fps, fp)];
    before = slot->value;
    fps->count += before == NULL ? 1 : 0;
    *slot = (struct am_fp_slot){fp, value};
    return before;
}

/* Whether the entry at `from`, whose probing began at `begin`, may move back to the hole at `to`.
 */
static bool may_move(size_t begin, size_t to, size_t from)
{
    return to <= from ? begin <= to || begin > from : begin <= to && begin > from;
}

void *am_fps_remove(struct am_fps *fps, uint64_t fp)
{
    size_t mask = fps->capacity - 1;
    size_t hole;
    void *value;

    if (fps->count == 0) {
        return NULL;
    }
    hole = find(fps, fp);
    value = fps->slots[hole].value;
    if (value == NULL) {
        return NULL;
    }
    for (size_t next = (hole + 1) & mask; fps->slots[next].value != NULL;
         next = (next + 1) & mask) {
        if (may_move(home(fps, fps->slots[next].fp), hole, next)) {
            fps->slots[hole] = fps->slots[next];
            hole = next;
        }
    }
    fps->slots[hole].value = NULL;
    fps->count--;
    return value;
}

const struct am_fp_slot *am_fps_next(const struct am_fps *fps, size_t *index)
{
    while (*index < fps->capacity) {
        const struct am_fp_slot *slot = &fps->slots[(*index)++];

        if (slot->value != NULL) {
            return slot;
        }
    }
    return NULL;
}
