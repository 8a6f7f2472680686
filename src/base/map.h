/*
 * map: a hash map from str to pointer, open addressing with linear probing. Keys are borrowed: they
 * must outlive the entry. A zeroed struct map is empty and ready. Not thread-safe. Values are not
 * NULL.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct map_entry {
    str key;
    uint64_t hash;
    void *value; /* NULL = free slot */
};

struct map {
    struct map_entry *slots;
    size_t count;
    size_t capacity; /* 0 or a power of two */
};

void map_done(struct map *map);

/* map_get returns the value or NULL. */
void *map_get(const struct map *map, str key);

/* map_put stores or replaces; returns the value that was there before, or NULL. */
void *map_put(struct map *map, str key, void *value);

/* map_remove returns the value that was removed, or NULL. */
void *map_remove(struct map *map, str key);

/* map_next walks in slot order; start with *index = 0; returns NULL at the end. No changes
 * meanwhile. */
struct map_entry *map_next(const struct map *map, size_t *index);
