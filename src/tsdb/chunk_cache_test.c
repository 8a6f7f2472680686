#include "tsdb/chunk_cache.h"

#include "testing/test.h"

enum { SAMPLES = 120 };

static void fill(ts *t, double *v, uint64_t ref)
{
    for (int i = 0; i < SAMPLES; i++) {
        t[i] = (ts)ref * 1000000 + i * 15000 + (ref % 2 != 0 && i % 3 == 1);
        v[i] = (double)ref + i / 128.0;
    }
}

static void put(struct chunk_cache *cache, uint64_t owner, uint64_t ref)
{
    ts t[SAMPLES];
    double v[SAMPLES];

    fill(t, v, ref);
    chunk_cache_put(cache, owner, ref, t, v, SAMPLES);
}

static void check_chunk(uint64_t ref)
{
    CLEANUP(chunk_cache_freep) struct chunk_cache *cache = chunk_cache_new(1 << 20);
    uint64_t owner = chunk_cache_owner(cache);
    struct sample_buf samples = {0};
    ts t[SAMPLES];
    double v[SAMPLES];

    fill(t, v, ref);
    assert_int_equal(chunk_cache_read(cache, owner, ref, 0, INT64_MAX, &samples, NULL), 0);
    chunk_cache_put(cache, owner, ref, t, v, SAMPLES);
    assert_int_equal(chunk_cache_read(cache, owner + 1, ref, 0, INT64_MAX, &samples, NULL), 0);
    for (int from = 0; from < SAMPLES; from += 13) {
        for (int to = from; to < SAMPLES; to += 17) {
            struct sample last = {0};

            sample_buf_reset(&samples);
            assert_int_equal(
                chunk_cache_read(cache, owner, ref, t[from] - 1, t[to] + 1, &samples, NULL), 1);
            assert_int_equal(samples.count, to - from + 1);
            assert_memory_equal(samples.t, t + from, samples.count * sizeof(ts));
            assert_memory_equal(samples.v, v + from, samples.count * sizeof(double));
            assert_int_equal(chunk_cache_last(cache, owner, ref, t[from], t[to], &last), 1);
            assert_int_equal(last.t, t[to]);
            assert_true(last.v == v[to]);
        }
    }
    sample_buf_reset(&samples);
    assert_int_equal(chunk_cache_read(cache, owner, ref, 0, t[0] - 1, &samples, NULL), 1);
    assert_int_equal(samples.count, 0);
    assert_int_equal(chunk_cache_last(cache, owner, ref, 0, t[0] - 1, &(struct sample){0}), 0);
    assert_int_equal(chunk_cache_last(cache, owner, ref + 1, 0, INT64_MAX, &(struct sample){0}),
                     -1);
    sample_buf_done(&samples);
}

TEST(chunk_cache_reads_any_part_of_a_chunk)
{
    check_chunk(7); /* times at several distances */
    check_chunk(6); /* at one */
}

TEST(chunk_cache_keeps_its_bound_and_what_is_used)
{
    enum { CHUNKS = 5000 };
    const size_t bytes_max = 1 << 20;
    CLEANUP(chunk_cache_freep) struct chunk_cache *cache = chunk_cache_new(bytes_max);
    uint64_t owner = chunk_cache_owner(cache);
    struct chunk_cache_stats stats;
    size_t kept = 0;

    for (uint64_t ref = 0; ref < CHUNKS; ref++) {
        put(cache, owner, ref);
        put(cache, owner, ref);
        kept += chunk_cache_last(cache, owner, 0, 0, INT64_MAX, &(struct sample){0}) == 1;
    }
    assert_int_equal(kept, CHUNKS);
    chunk_cache_stats(cache, &stats);
    assert_true(stats.bytes <= bytes_max);
    assert_true(stats.chunks > 600 && stats.chunks < 1000);
    assert_int_equal(stats.hits, CHUNKS);
}

TEST(chunk_cache_refuses_what_does_not_fit)
{
    CLEANUP(chunk_cache_freep) struct chunk_cache *cache = chunk_cache_new(16 * 1000);
    static const ts wide[2] = {0, (ts)1 << 33};
    static const double v[2] = {1, 2};
    struct chunk_cache_stats stats;

    put(cache, 1, 1); /* above a shard's share */
    chunk_cache_put(cache, 1, 2, wide, v, 2);
    chunk_cache_put(cache, 1, 3, wide, v, 0);
    chunk_cache_stats(cache, &stats);
    assert_int_equal(stats.chunks, 0);
}
