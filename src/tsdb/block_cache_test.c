#include "tsdb/block_cache.h"

#include <math.h>
#include <pthread.h>

#include "base/mem.h"
#include "testing/test.h"

enum { SAMPLES = 120 };

/* Times of even series lie at one distance. */
static void fill(ts *t, double *v, uint32_t ref)
{
    for (int i = 0; i < SAMPLES; i++) {
        t[i] = (ts)(ref % 2) * 1000000 + i * 15000 + (ref % 2 != 0 && i % 3 == 1);
        v[i] = (double)ref + i / 128.0;
    }
}

static const struct label pairs[] = {{STR_INIT("__name__"), STR_INIT("m")},
                                     {STR_INIT("a"), STR_INIT("b")}};

static const struct cached_selection *keep(struct block_cache *cache, uint64_t owner,
                                           const char *key, uint32_t first, size_t count)
{
    struct found_series *found = mem_alloc_zero(count * sizeof(*found));
    const struct cached_selection *selection;

    for (size_t i = 0; i < count; i++) {
        found[i] = (struct found_series){
            .ref = first + (uint32_t)i, .labels = {pairs, 2}, .mint = 0, .maxt = 100};
    }
    selection = block_cache_keep(cache, owner, str_from(key), found, count, 7);
    (void)mem_free(found);
    return selection;
}

static const struct cached_run *put(struct block_cache *cache, struct cached_series *series)
{
    ts t[SAMPLES];
    double v[SAMPLES];

    fill(t, v, series->ref);
    return block_cache_put(cache, series, t, v, SAMPLES, t[0], t[SAMPLES - 1]);
}

static struct block_cache_stats stats_of(struct block_cache *cache)
{
    struct block_cache_stats stats;

    block_cache_stats(cache, &stats);
    return stats;
}

static void check_run(const struct cached_run *run, uint32_t ref)
{
    ts t[SAMPLES];
    double v[SAMPLES];

    fill(t, v, ref);
    assert_int_equal(run->count, SAMPLES);
    assert_memory_equal(run->times->t, t, sizeof(t));
    assert_memory_equal(run->v, v, sizeof(v));
}

TEST(block_cache_slices_runs)
{
    CLEANUP(block_cache_freep) struct block_cache *cache = block_cache_new(1 << 20, 1 << 20);
    const struct cached_selection *selection = keep(cache, 1, "k", 0, 2);
    ts t[SAMPLES];
    double v[SAMPLES];
    size_t first = 0;

    for (uint32_t ref = 0; ref < 2; ref++) {
        const struct cached_run *run = put(cache, selection->series[ref]);

        assert_non_null(run);
        check_run(run, ref);
        assert_false(run->has_nan);
        assert_int_equal(run->times->distance, ref == 0 ? 15000 : 0);
        fill(t, v, ref);
        for (size_t from = 0; from < SAMPLES; from++) {
            for (size_t to = from; to < SAMPLES; to += 7) {
                for (ts wide = 0; wide < 2; wide++) {
                    assert_int_equal(cached_run_slice(run, t[from] - wide, t[to] + wide, &first),
                                     to - from + 1);
                    assert_int_equal(first, from);
                }
            }
        }
        assert_int_equal(cached_run_slice(run, INT64_MIN, INT64_MAX, &first), SAMPLES);
        assert_int_equal(cached_run_slice(run, t[3] + 1, t[4] - 1, &first), 0);
        assert_int_equal(cached_run_slice(run, INT64_MIN, t[0] - 1, &first), 0);
        assert_int_equal(cached_run_slice(run, t[SAMPLES - 1] + 1, INT64_MAX, &first), 0);
        assert_int_equal(cached_run_slice(run, t[5], t[4], &first), 0);
    }
}

TEST(block_cache_notes_nans)
{
    CLEANUP(block_cache_freep) struct block_cache *cache = block_cache_new(1 << 20, 1 << 20);
    const struct cached_selection *selection = keep(cache, 1, "k", 0, 1);
    static const ts t[3] = {1, 2, 4};
    static const double v[3] = {1, NAN, 3};

    assert_true(block_cache_put(cache, selection->series[0], t, v, 3, 0, 9)->has_nan);
    assert_false(block_cache_put(cache, selection->series[0], t, v, 1, 0, 1)->has_nan);
    assert_null(block_cache_put(cache, selection->series[0], t, v, 0, 0, 9));
}

TEST(block_cache_finds_selections)
{
    CLEANUP(block_cache_freep) struct block_cache *cache = block_cache_new(1 << 20, 1 << 20);
    uint64_t one = block_cache_owner(cache);
    uint64_t other = block_cache_owner(cache);
    const struct cached_selection *selection;

    assert_null(block_cache_find(cache, one, STR("k")));
    selection = keep(cache, one, "k", 10, 5);
    assert_ptr_equal(block_cache_find(cache, one, STR("k")), selection);
    assert_null(block_cache_find(cache, other, STR("k")));
    assert_null(block_cache_find(cache, one, STR("kk")));
    assert_ptr_equal(keep(cache, one, "k", 90, 1), selection); /* who was first has made it */
    assert_int_equal(selection->damage, 7);
    assert_int_equal(selection->count, 5);
    assert_str_equal(labels_get(selection->series[4]->labels, STR("a")), STR("b"));
    assert_ptr_equal(keep(cache, one, "more", 14, 2)->series[0], selection->series[4]);
    assert_int_equal(stats_of(cache).series, 6);
    (void)keep(cache, other, "k", 10, 5);
    assert_int_equal(stats_of(cache).series, 11);
    (void)put(cache, selection->series[0]);
    block_cache_forget(cache, one);
    assert_int_equal(stats_of(cache).series, 5);
    assert_int_equal(stats_of(cache).runs, 0);
    assert_null(block_cache_find(cache, one, STR("k")));
    assert_non_null(block_cache_find(cache, other, STR("k")));
    assert_int_equal(stats_of(cache).retired_bytes, 0);
}

TEST(block_cache_keeps_its_bounds_and_what_is_used)
{
    enum { SERIES = 3000, BYTES = 1 << 20 };
    CLEANUP(block_cache_freep) struct block_cache *cache = block_cache_new(BYTES, BYTES);
    const struct cached_selection *selection = keep(cache, 1, "k", 0, 1800);
    const struct cached_selection *small = NULL;
    struct cache_reader reader;
    uint32_t kept = 0;
    uint32_t added = 0;

    /* One visit drives out nothing of its own. */
    block_cache_enter(cache, &reader);
    for (uint32_t i = 0; i < 1800; i++) {
        if (put(cache, selection->series[i]) == NULL) {
            break;
        }
        kept++;
    }
    assert_true(kept > 700 && kept < 1100);
    assert_non_null(block_cache_run(selection->series[0], reader.visit));
    assert_null(put(cache, selection->series[kept]));
    block_cache_leave(cache, &reader);
    /* Later ones do, but not what is read by each of them. */
    for (uint32_t i = kept; i < 1800; i++) {
        block_cache_enter(cache, &reader);
        assert_non_null(block_cache_run(selection->series[0], reader.visit));
        added += put(cache, selection->series[i]) != NULL;
        block_cache_leave(cache, &reader);
    }
    assert_true(added > 700);
    assert_true(stats_of(cache).run_bytes <= BYTES + 8000); /* times are counted after the fact */
    assert_true(stats_of(cache).runs > 700 && stats_of(cache).runs < 1100);
    assert_null(keep(cache, 1, "all", 0, SERIES)); /* more than half */
    for (uint32_t i = 0; i < 100; i++) {
        char key[8];

        (void)snprintf(key, sizeof(key), "%u", i);
        small = keep(cache, 1, key, 10000 + i * 50, 50);
        assert_non_null(small);
        assert_true(stats_of(cache).series_bytes <= BYTES);
        (void)block_cache_find(cache, 1, STR("0"));
    }
    assert_null(block_cache_find(cache, 1, STR("k")));
    assert_null(block_cache_find(cache, 1, STR("1")));
    assert_non_null(block_cache_find(cache, 1, STR("0")));
    assert_non_null(block_cache_find(cache, 1, STR("99")));
}

/* What a reader has seen stays until it leaves, and no longer. */
TEST(block_cache_spares_what_readers_see)
{
    CLEANUP(block_cache_freep) struct block_cache *cache = block_cache_new(1 << 16, 1 << 20);
    struct cache_reader readers[2];
    const struct cached_selection *selection;
    const struct cached_run *run;

    block_cache_enter(cache, &readers[0]);
    selection = keep(cache, 1, "k", 0, 300);
    run = put(cache, selection->series[0]);
    for (uint32_t i = 1; i < 300 && block_cache_has_room(cache, SAMPLES); i++) {
        (void)put(cache, selection->series[i]);
    }
    assert_false(block_cache_has_room(cache, SAMPLES)); /* what waits is bounded as well */
    assert_null(put(cache, selection->series[299]));
    block_cache_enter(cache, &readers[1]);
    block_cache_forget(cache, 1);
    check_run(run, 0);
    assert_int_equal(selection->count, 300);
    assert_int_equal(selection->series[299]->ref, 299);
    block_cache_leave(cache, &readers[0]);
    assert_true(stats_of(cache).retired_bytes > 0); /* the second one came before the end */
    block_cache_leave(cache, &readers[1]);
    assert_int_equal(stats_of(cache).retired_bytes, 0);
    assert_int_equal(stats_of(cache).run_bytes, 0);
}

/* A run for a series that has left the cache would never be freed. */
TEST(block_cache_refuses_runs_of_series_that_have_left)
{
    CLEANUP(block_cache_freep) struct block_cache *cache = block_cache_new(1 << 20, 1 << 20);
    struct cache_reader reader;
    const struct cached_selection *selection;

    block_cache_enter(cache, &reader);
    selection = keep(cache, 1, "k", 0, 1);
    block_cache_forget(cache, 1);
    assert_null(put(cache, selection->series[0]));
    block_cache_leave(cache, &reader);
}

struct visitor {
    struct block_cache *cache;
    uint32_t seed;
};

static void *visit(void *argument)
{
    struct visitor *visitor = argument;
    struct block_cache *cache = visitor->cache;

    for (uint32_t round = 0; round < 300; round++) {
        struct cache_reader reader;
        const struct cached_selection *selection;
        uint32_t number = (visitor->seed + round * 7) % 13;
        char key[8];

        (void)snprintf(key, sizeof(key), "%u", number);
        block_cache_enter(cache, &reader);
        selection = block_cache_find(cache, number % 3, str_from(key));
        if (selection == NULL) {
            selection = keep(cache, number % 3, key, number * 20, 40);
        }
        for (size_t i = 0; selection != NULL && i < selection->count; i++) {
            struct cached_series *series = selection->series[i];
            const struct cached_run *run = block_cache_run(series, reader.visit);

            run = run != NULL ? run : put(cache, series);
            if (run != NULL) {
                check_run(run, series->ref);
            }
        }
        if (round % 50 == 49) {
            block_cache_forget(cache, number % 3);
        }
        block_cache_leave(cache, &reader);
    }
    return NULL;
}

TEST(block_cache_serves_many_threads)
{
    CLEANUP(block_cache_freep) struct block_cache *cache = block_cache_new(1 << 17, 1 << 16);
    struct visitor visitors[4];
    pthread_t threads[4];

    for (uint32_t i = 0; i < 4; i++) {
        visitors[i] = (struct visitor){cache, i * 31};
        assert_int_equal(pthread_create(&threads[i], NULL, visit, &visitors[i]), 0);
    }
    for (uint32_t i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    assert_int_equal(stats_of(cache).retired_bytes, 0);
}
