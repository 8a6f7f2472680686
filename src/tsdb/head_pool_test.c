#include "tsdb/head_pool.h"

#include <string.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/random.h"
#include "sys/memory.h"
#include "testing/test.h"

enum { LIVE_MAX = 4000 };

struct live {
    pool_ref ref;
    uint16_t size;
    uint8_t fill;
};

static bool is_filled(const struct head_pool *pool, const struct live *live)
{
    const uint8_t *at = head_pool_at(pool, live->ref);

    for (size_t i = 0; i < live->size; i++) {
        if (at[i] != live->fill) {
            return false;
        }
    }
    return true;
}

TEST(head_pool_keeps_blocks_apart)
{
    static struct live live[LIVE_MAX];
    struct random random = {42};
    struct head_pool pool = {0};

    memset(live, 0, sizeof(live));
    head_pool_init(&pool);
    for (size_t step = 0; step < 60000; step++) {
        struct live *one = &live[random_below(&random, LIVE_MAX)];

        if (one->ref != 0) {
            assert_true(is_filled(&pool, one));
            head_pool_free(&pool, one->ref, one->size, POOL_OPEN);
        }
        one->size = (uint16_t)(1 + random_below(&random, random_below(&random, 8) == 0
                                                             ? HEAD_POOL_BLOCK_BYTES_MAX
                                                             : 200));
        one->fill = (uint8_t)step;
        one->ref = head_pool_alloc(&pool, one->size, POOL_OPEN);
        assert_int_not_equal(one->ref, 0);
        memset(head_pool_at(&pool, one->ref), one->fill, one->size);
    }
    for (size_t i = 0; i < LIVE_MAX; i++) {
        if (live[i].ref != 0) {
            assert_true(is_filled(&pool, &live[i]));
            head_pool_free(&pool, live[i].ref, live[i].size, POOL_OPEN);
        }
    }
    assert_int_equal(head_pool_used_for(&pool, POOL_OPEN), 0);
    head_pool_done(&pool);
}

TEST(head_pool_gives_many_blocks_at_once)
{
    enum { COUNT = 300, SIZE = 100 };
    pool_ref refs[COUNT];
    struct head_pool pool = {0};

    head_pool_init(&pool);
    head_pool_free(&pool, head_pool_alloc(&pool, SIZE, POOL_OPEN), SIZE, POOL_OPEN);
    head_pool_alloc_many(&pool, SIZE, POOL_OPEN, COUNT, refs);
    for (int i = 0; i < COUNT; i++) {
        memset(head_pool_at(&pool, refs[i]), i, SIZE);
    }
    assert_int_equal(head_pool_used_for(&pool, POOL_OPEN), COUNT * head_pool_size(SIZE));
    for (int i = 0; i < COUNT; i++) {
        const uint8_t *at = head_pool_at(&pool, refs[i]);

        assert_int_equal(at[0], (uint8_t)i);
        assert_int_equal(at[SIZE - 1], (uint8_t)i);
        head_pool_free(&pool, refs[i], SIZE, POOL_OPEN);
    }
    assert_int_equal(head_pool_used(&pool), 0);
    head_pool_done(&pool);
}

TEST(head_pool_reuses_pages_of_blocks_that_grow_in_lockstep)
{
    enum { BLOCKS = 50000 };
    static pool_ref refs[BLOCKS];
    struct head_pool pool = {0};

    head_pool_init(&pool);
    for (size_t i = 0; i < BLOCKS; i++) {
        refs[i] = head_pool_alloc(&pool, 32, POOL_OPEN);
    }
    for (size_t size = 32; size < 128; size += 16) {
        for (size_t i = 0; i < BLOCKS; i++) {
            head_pool_free(&pool, refs[i], size, POOL_OPEN);
            refs[i] = head_pool_alloc(&pool, size + 16, POOL_OPEN);
        }
    }
    /* Without reuse, the former sizes would hold 32 + 48 + ... + 112 bytes a block. */
    assert_true(head_pool_bytes(&pool) < (size_t)BLOCKS * 128 * 11 / 10 + (2u << 20));
    head_pool_done(&pool);
}

TEST(head_pool_gives_free_pages_back)
{
    enum { COUNT = 20000, SIZE = 400 };
    pool_ref *blocks = mem_alloc(COUNT * sizeof(pool_ref));
    struct head_pool pool = {0};
    struct memory_use full = {0}, trimmed = {0};

    head_pool_init(&pool);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++) {
            blocks[i] = head_pool_alloc(&pool, SIZE, POOL_OPEN);
            memset(head_pool_at(&pool, blocks[i]), i, SIZE);
        }
        assert_true(memory_use_read(&full));
        for (int i = 0; i < COUNT; i++) {
            const uint8_t *block = head_pool_at(&pool, blocks[i]);

            assert_int_equal(block[0], (uint8_t)i);
            assert_int_equal(block[SIZE - 1], (uint8_t)i);
            /* Those that stay keep their page. */
            if (i % 1000 != 999) {
                head_pool_free(&pool, blocks[i], SIZE, POOL_OPEN);
            }
        }
        head_pool_trim(&pool);
        head_pool_trim(&pool);
        assert_true(memory_use_read(&trimmed));
        if (!BARO_ASAN && !BARO_TSAN) {
            assert_true(full.anonymous_bytes - trimmed.anonymous_bytes > (COUNT / 2) * SIZE);
        }
        for (int i = 999; i < COUNT; i += 1000) {
            const uint8_t *block = head_pool_at(&pool, blocks[i]);

            assert_int_equal(block[0], (uint8_t)i);
            head_pool_free(&pool, blocks[i], SIZE, POOL_OPEN);
        }
    }
    assert_int_equal(head_pool_used_for(&pool, POOL_OPEN), 0);
    head_pool_done(&pool);
    (void)mem_free(blocks);
}
