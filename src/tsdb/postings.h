/*
 * postings: sets of series as sorted distinct numbers, and the operations that matchers are made
 * of. Two forms: arrays in host order, and the big-endian arrays of an index file, read in place.
 * Intersection gallops, so a short list against a long one costs the short one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "codec/bytes.h"

/* Rising numbers without repeats; big-endian and of any alignment when is_be. */
struct postings {
    const uint32_t *items;
    size_t count;
    bool is_be;
};

/* postings_at_index gives one number of the list. */
static inline uint32_t postings_at_index(struct postings list, size_t index)
{
    return list.is_be ? load_be32((const uint8_t *)list.items + index * sizeof(uint32_t))
                      : list.items[index];
}

/* postings_copy writes the numbers in host order to ret (room for list.count) and returns how many.
 */
size_t postings_copy(struct postings list, uint32_t *ret);

/* postings_intersect keeps what is in both; ret has room for the shorter count and may be
 * a.items when a is in host order. */
size_t postings_intersect(struct postings a, struct postings b, uint32_t *ret);

/* postings_without keeps what is in a and not in b; ret has room for a.count and may be a.items
 * when a is in host order. */
size_t postings_without(struct postings a, struct postings b, uint32_t *ret);

/*
 * postings_union makes the set of all numbers of `count` lists, in the arena. One list is returned
 * as it is. Fails with BARO_ELIMIT when the arena refuses.
 */
int postings_union(struct arena *arena, const struct postings *lists, size_t count,
                   struct postings *ret, struct baro_error *err);

/* postings_intersect_all intersects `count` lists (at least one), shortest first, in the arena. */
int postings_intersect_all(struct arena *arena, struct postings *lists, size_t count,
                           struct postings *ret, struct baro_error *err);

/* postings_is_sorted says whether the numbers rise; for what comes from a file. */
bool postings_is_sorted(struct postings list);
