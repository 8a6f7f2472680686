#include "tsdb/postings.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "codec/bytes.h"

enum {
    GALLOP_RATIO = 16, /* a list this many times longer is searched, not walked */
    BITS_PER_ITEM = 64 /* a union over a range up to this many bits an item goes through a bitmap */
};

size_t postings_copy(struct postings list, uint32_t *ret)
{
    if (!list.is_be) {
        if (list.count > 0) {
            memmove(ret, list.items, list.count * sizeof(*ret));
        }
        return list.count;
    }
    for (size_t i = 0; i < list.count; i++) {
        ret[i] = load_be32((const uint8_t *)list.items + i * sizeof(uint32_t));
    }
    return list.count;
}

/* seek returns the index of the first number >= wanted at or behind `from`: steps that double, then
 * a binary search. */
static size_t seek(struct postings list, size_t from, uint32_t wanted)
{
    size_t step = 1;
    size_t low = from;
    size_t high;

    if (from >= list.count || postings_at_index(list, from) >= wanted) {
        return from;
    }
    while (list.count - low > step && postings_at_index(list, low + step) < wanted) {
        low += step;
        step *= 2;
    }
    high = list.count - low > step ? low + step : list.count;
    while (high - low > 1) { /* postings_at_index(low) < wanted <= postings_at_index(high) */
        size_t middle = low + (high - low) / 2;

        if (postings_at_index(list, middle) < wanted) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

static size_t intersect_seek(struct postings few, struct postings many, uint32_t *ret)
{
    size_t count = 0;
    size_t at = 0;

    for (size_t i = 0; i < few.count; i++) {
        uint32_t wanted = postings_at_index(few, i);

        at = seek(many, at, wanted);
        if (at == many.count) {
            break;
        }
        if (postings_at_index(many, at) == wanted) {
            ret[count++] = wanted;
        }
    }
    return count;
}

/* The forms are constants at each call, so that the walk has no branch on them. */
static inline __attribute__((always_inline)) size_t intersect_walk(struct postings a,
                                                                   struct postings b, uint32_t *ret)
{
    size_t count = 0;
    size_t i = 0;
    size_t k = 0;

    while (i < a.count && k < b.count) {
        uint32_t x = postings_at_index(a, i);
        uint32_t y = postings_at_index(b, k);

        ret[count] = x;
        count += x == y;
        i += x <= y;
        k += y <= x;
    }
    return count;
}

static struct postings as(struct postings list, bool is_be)
{
    list.is_be = is_be;
    return list;
}

size_t postings_intersect(struct postings a, struct postings b, uint32_t *ret)
{
    if (a.count / GALLOP_RATIO > b.count) {
        return intersect_seek(b, a, ret);
    }
    if (b.count / GALLOP_RATIO > a.count) {
        return intersect_seek(a, b, ret);
    }
    if (!a.is_be) {
        return b.is_be ? intersect_walk(as(a, false), as(b, true), ret)
                       : intersect_walk(as(a, false), as(b, false), ret);
    }
    return b.is_be ? intersect_walk(as(a, true), as(b, true), ret)
                   : intersect_walk(as(a, true), as(b, false), ret);
}

size_t postings_without(struct postings a, struct postings b, uint32_t *ret)
{
    size_t count = 0;
    size_t k = 0;

    for (size_t i = 0; i < a.count; i++) {
        uint32_t x = postings_at_index(a, i);

        k = seek(b, k, x);
        ret[count] = x;
        count += k == b.count || postings_at_index(b, k) != x;
    }
    return count;
}

bool postings_is_sorted(struct postings list)
{
    for (size_t i = 1; i < list.count; i++) {
        if (postings_at_index(list, i - 1) >= postings_at_index(list, i)) {
            return false;
        }
    }
    return true;
}

static int no_room(struct baro_error *err, size_t count)
{
    return error_set(err, BARO_ELIMIT, "no memory for %zu postings", count);
}

/* union_bits sets a bit for each number and reads the bits back in order. */
static bool union_bits(struct arena *arena, const struct postings *lists, size_t count,
                       uint32_t least, uint32_t most, uint32_t *ret, size_t *ret_count)
{
    size_t words = (size_t)(most - least) / 64 + 1;
    uint64_t *bits = arena_try(arena, words * sizeof(*bits));
    size_t found = 0;

    if (bits == NULL) {
        return false;
    }
    memset(bits, 0, words * sizeof(*bits));
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < lists[i].count; k++) {
            uint32_t bit = postings_at_index(lists[i], k) - least;

            bits[bit / 64] |= UINT64_C(1) << bit % 64;
        }
    }
    for (size_t i = 0; i < words; i++) {
        for (uint64_t word = bits[i]; word != 0; word &= word - 1) {
            ret[found++] = least + (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(word);
        }
    }
    *ret_count = found;
    return true;
}

static int by_number(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

/* union_sort is for few numbers over a wide range. */
static size_t union_sort(const struct postings *lists, size_t count, uint32_t *ret)
{
    size_t total = 0;
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        total += postings_copy(lists[i], ret + total);
    }
    if (total > 0) {
        qsort(ret, total, sizeof(*ret), by_number);
    }
    for (size_t i = 0; i < total; i++) {
        if (kept == 0 || ret[kept - 1] != ret[i]) {
            ret[kept++] = ret[i];
        }
    }
    return kept;
}

int postings_union(struct arena *arena, const struct postings *lists, size_t count,
                   struct postings *ret, struct baro_error *err)
{
    uint32_t least = UINT32_MAX;
    uint32_t most = 0;
    size_t total = 0;
    size_t kept = 0;
    size_t bytes = 0;
    uint32_t *items;

    if (count == 1) {
        *ret = lists[0];
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (lists[i].count > 0) {
            uint32_t first = postings_at_index(lists[i], 0);
            uint32_t last = postings_at_index(lists[i], lists[i].count - 1);

            /* Lists of an index file are sorted by its writer's word only. */
            if (!postings_is_sorted(lists[i])) {
                return error_set(err, BARO_ECORRUPT, "postings are not sorted");
            }
            least = first < least ? first : least;
            most = last > most ? last : most;
            total += lists[i].count;
        }
    }
    items = size_mul(total, sizeof(*items), &bytes) ? arena_try(arena, bytes + 1) : NULL;
    if (items == NULL) {
        return no_room(err, total);
    }
    if (total == 0 || (most - least) / BITS_PER_ITEM > total) {
        kept = union_sort(lists, count, items);
    } else if (!union_bits(arena, lists, count, least, most, items, &kept)) {
        return no_room(err, total);
    }
    *ret = (struct postings){.items = items, .count = kept};
    return 0;
}

static int by_count(const void *a, const void *b)
{
    const struct postings *left = a;
    const struct postings *right = b;

    return (left->count > right->count) - (left->count < right->count);
}

int postings_intersect_all(struct arena *arena, struct postings *lists, size_t count,
                           struct postings *ret, struct baro_error *err)
{
    struct postings kept;
    uint32_t *items;

    ASSERT(count > 0);
    if (count == 1) {
        *ret = lists[0];
        return 0;
    }
    qsort(lists, count, sizeof(*lists), by_count);
    items = arena_try(arena, lists[0].count * sizeof(*items) + 1);
    if (items == NULL) {
        return no_room(err, lists[0].count);
    }
    kept = lists[0];
    for (size_t i = 1; i < count; i++) {
        kept =
            (struct postings){.items = items, .count = postings_intersect(kept, lists[i], items)};
    }
    *ret = kept;
    return 0;
}
