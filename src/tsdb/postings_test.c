#include "tsdb/postings.h"

#include "base/mem.h"
#include "base/random.h"
#include "codec/bytes.h"
#include "testing/test.h"

enum { RANGE = 3000 };

/* A set in three forms: flags, host order and big-endian at an odd address. */
struct set {
    bool has[RANGE];
    uint32_t items[RANGE];
    uint8_t raw[RANGE * 4 + 1];
    size_t count;
};

static void draw(struct random *random, uint64_t one_in, struct set *ret)
{
    ret->count = 0;
    for (uint32_t i = 0; i < RANGE; i++) {
        ret->has[i] = random_below(random, one_in) == 0;
        if (ret->has[i]) {
            store_be32(ret->raw + 1 + ret->count * 4, i);
            ret->items[ret->count++] = i;
        }
    }
}

static struct postings view(const struct set *set, bool is_be)
{
    return (struct postings){
        .items = is_be ? (const uint32_t *)(const void *)(set->raw + 1) : set->items,
        .count = set->count,
        .is_be = is_be,
    };
}

static void check(const uint32_t *got, size_t count, const struct set *a, const struct set *b,
                  bool (*wanted)(bool in_a, bool in_b))
{
    size_t at = 0;

    for (uint32_t i = 0; i < RANGE; i++) {
        if (wanted(a->has[i], b->has[i])) {
            assert_true(at < count);
            assert_int_equal(got[at++], i);
        }
    }
    assert_int_equal(at, count);
}

static bool in_both(bool in_a, bool in_b)
{
    return in_a && in_b;
}

static bool only_first(bool in_a, bool in_b)
{
    return in_a && !in_b;
}

static bool in_any(bool in_a, bool in_b)
{
    return in_a || in_b;
}

TEST(postings_sets_agree_with_flags)
{
    static const uint64_t densities[] = {1, 2, 40, 700, 100000};
    struct random random = {11};
    struct set *a = MEM_NEW(struct set);
    struct set *b = MEM_NEW(struct set);
    uint32_t *ret = mem_alloc(RANGE * sizeof(*ret));
    struct arena arena = {0};

    for (size_t i = 0; i < 100; i++) {
        struct postings lists[2];
        struct postings all = {0};

        draw(&random, densities[i % 5], a);
        draw(&random, densities[i / 5 % 5], b);
        lists[0] = view(a, i % 2 == 0);
        lists[1] = view(b, i % 3 == 0);
        check(ret, postings_intersect(lists[0], lists[1], ret), a, b, in_both);
        check(ret, postings_without(lists[0], lists[1], ret), a, b, only_first);
        assert_int_equal(postings_union(&arena, lists, 2, &all, NULL), 0);
        check(all.items, all.count, a, b, in_any);
        assert_int_equal(postings_intersect_all(&arena, lists, 2, &all, NULL), 0);
        ret[0] = 0;
        check(ret, postings_copy(all, ret), a, b, in_both);
        memcpy(ret, a->items, a->count * sizeof(*ret));
        lists[0] = (struct postings){.items = ret, .count = a->count};
        check(ret, postings_intersect(lists[0], view(b, true), ret), a, b, in_both);
        arena_reset(&arena);
    }
    arena_done(&arena);
    (void)mem_free(ret);
    (void)mem_free(a);
    (void)mem_free(b);
}

TEST(postings_union_of_a_wide_range)
{
    static const uint32_t few[] = {1, UINT32_MAX};
    static const uint32_t more[] = {0, 1, 70000};
    static const uint32_t wrong[] = {2, 1};
    struct postings lists[] = {{few, 2, false}, {more, 3, false}};
    struct arena arena = {0};
    struct postings all = {0};

    assert_int_equal(postings_union(&arena, lists, 2, &all, NULL), 0);
    assert_int_equal(all.count, 4);
    assert_int_equal(all.items[3], UINT32_MAX);
    assert_true(postings_is_sorted(all));
    assert_int_equal(postings_union(&arena, lists, 0, &all, NULL), 0);
    assert_int_equal(all.count, 0);
    lists[1] = (struct postings){wrong, 2, false};
    assert_int_equal(postings_union(&arena, lists, 2, &all, NULL), BARO_ECORRUPT);
    arena_done(&arena);
}
