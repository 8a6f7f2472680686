#include "base/map.h"

#include "base/assert.h"
#include "base/mem.h"

enum { SLOTS_MIN = 16 };

void map_done(struct map *map)
{
    (void)mem_free(map->slots);
    *map = (struct map){0};
}

/* The slot that holds the key, or the free slot where it belongs. The load stays at or below 3/4,
 * so one is free. */
static struct map_entry *find_slot(const struct map *map, str key, uint64_t hash)
{
    size_t mask = map->capacity - 1;
    size_t i = (size_t)hash & mask;

    while (map->slots[i].value != NULL &&
           (map->slots[i].hash != hash || !str_eq(map->slots[i].key, key))) {
        i = (i + 1) & mask;
    }
    return &map->slots[i];
}

void *map_get(const struct map *map, str key)
{
    return map->count > 0 ? find_slot(map, key, str_hash(key))->value : NULL;
}

static void grow(struct map *map)
{
    struct map old = *map;
    struct map_entry *entry;
    size_t index = 0;

    map->capacity = old.capacity == 0 ? SLOTS_MIN : old.capacity * 2;
    map->slots = mem_alloc_zero(map->capacity * sizeof(*map->slots));
    while ((entry = map_next(&old, &index)) != NULL) {
        *find_slot(map, entry->key, entry->hash) = *entry;
    }
    (void)mem_free(old.slots);
}

void *map_put(struct map *map, str key, void *value)
{
    uint64_t hash = str_hash(key);
    struct map_entry *slot;
    void *before;

    ASSERT(value != NULL);
    if ((map->count + 1) * 4 > map->capacity * 3) {
        grow(map);
    }
    slot = find_slot(map, key, hash);
    before = slot->value;
    map->count += before == NULL ? 1 : 0;
    *slot = (struct map_entry){.key = key, .hash = hash, .value = value};
    return before;
}

void *map_remove(struct map *map, str key)
{
    struct map_entry *slot;
    void *removed;
    size_t mask = map->capacity - 1;
    size_t hole;

    if (map->count == 0) {
        return NULL;
    }
    slot = find_slot(map, key, str_hash(key));
    removed = slot->value;
    if (removed == NULL) {
        return NULL;
    }
    /* Close the gap: later entries of the same run move up unless that would put them before their
     * home slot. */
    hole = (size_t)(slot - map->slots);
    for (size_t i = (hole + 1) & mask; map->slots[i].value != NULL; i = (i + 1) & mask) {
        size_t home = (size_t)map->slots[i].hash & mask;

        if (((i - home) & mask) >= ((i - hole) & mask)) {
            map->slots[hole] = map->slots[i];
            hole = i;
        }
    }
    map->slots[hole] = (struct map_entry){0};
    map->count--;
    return removed;
}

struct map_entry *map_next(const struct map *map, size_t *index)
{
    while (*index < map->capacity) {
        struct map_entry *entry = &map->slots[(*index)++];

        if (entry->value != NULL) {
            return entry;
        }
    }
    return NULL;
}
