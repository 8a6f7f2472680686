#include "cache.h"

#include <stdlib.h>

#include "testing/test.h"

static struct cache_key key_of(int number)
{
    return cache_key_of(&number, sizeof(number), "test");
}

TEST(cache_keys_depend_on_all)
{
    struct cache_key a = cache_key_of("ab", 2, "c"), b = cache_key_of("a", 1, "bc");
    struct cache_key c = cache_key_of("ab", 2, "c");

    assert_true(memcmp(&a, &b, sizeof(a)) != 0);
    assert_memory_equal(&a, &c, sizeof(a));
}

TEST(cache_keeps_what_was_used_last)
{
    struct cache *cache = cache_new(10000);
    static uint8_t value[1000];
    struct svc_bytes got = {0};
    struct cache_key key;

    for (int i = 0; i < 9; i++) {
        key = key_of(i);
        memset(value, i, sizeof(value));
        cache_put(cache, &key, value, sizeof(value));
        key = key_of(0);
        assert_true(cache_get(cache, &key, &got)); /* keeps 0 young */
        assert_int_equal(got.ptr[999], 0);
        svc_bytes_done(&got);
    }
    assert_true(cache_bytes(cache) <= 10000);
    key = key_of(20);
    cache_put(cache, &key, value, sizeof(value));
    key = key_of(1);
    assert_false(cache_get(cache, &key, &got));
    key = key_of(0);
    assert_true(cache_get(cache, &key, &got));
    svc_bytes_done(&got);
    assert_null(cache_free(cache));
}

TEST(cache_replaces_and_refuses)
{
    struct cache *cache = cache_new(10000);
    static uint8_t large[2000];
    struct svc_bytes got = {0};
    struct cache_key key = key_of(1);

    cache_put(cache, &key, "a", 1);
    cache_put(cache, &key, "bc", 2);
    assert_true(cache_get(cache, &key, &got));
    assert_int_equal(got.len, 2);
    assert_memory_equal(got.ptr, "bc", 2);
    svc_bytes_done(&got);
    key = key_of(2);
    cache_put(cache, &key, large, sizeof(large)); /* more than an eighth */
    assert_false(cache_get(cache, &key, &got));
    cache_put(cache, &key, "", 0);
    assert_true(cache_get(cache, &key, &got));
    assert_int_equal(got.len, 0);
    svc_bytes_done(&got);
    assert_null(cache_free(cache));
    assert_null(cache_free(NULL));
}
