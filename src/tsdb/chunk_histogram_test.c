#include "tsdb/chunk_histogram.h"

#include <math.h>

#include "base/random.h"
#include "testing/test.h"

enum { SPANS = 3, RUN = 4, BUCKETS = SPANS * RUN };

/* A histogram of one of a few layouts, with counts that grow by `step` at random. */
static struct histogram *made(struct arena *arena, struct random *random, int layout, bool integer,
                              const struct histogram *before)
{
    struct histogram *h = ARENA_NEW(arena, struct histogram);
    struct histogram_side *sides[] = {&h->positive, &h->negative};

    h->integer = integer;
    h->schema = layout == 2 ? HISTOGRAM_SCHEMA_CUSTOM : layout;
    h->zero_threshold = layout == 0 ? 0 : layout == 1 ? 0x1p-128 : 0;
    h->zero_count = before != NULL && layout == 1 ? before->zero_count : 0;
    h->zero_count += layout == 1 ? (double)random_below(random, 3) : 0;
    h->count = h->zero_count;
    for (int side = 0; side < (layout == 1 ? 2 : 1); side++) {
        sides[side]->spans = ARENA_ARRAY(arena, struct histogram_span, SPANS);
        sides[side]->span_count = SPANS;
        sides[side]->buckets = ARENA_ARRAY(arena, double, BUCKETS);
        sides[side]->bucket_count = BUCKETS;
        for (int i = 0; i < SPANS; i++) {
            sides[side]->spans[i] = (struct histogram_span){layout == 2 ? 0 : i == 0 ? -3 : 2, RUN};
        }
        for (int i = 0; i < BUCKETS; i++) {
            const double old = before == NULL ? 0
                               : side == 0    ? before->positive.buckets[i]
                                              : before->negative.buckets[i];

            sides[side]->buckets[i] =
                old + (integer ? (double)random_below(random, i % 3 == 0 ? 2 : 100000)
                               : (double)random_below(random, 1000) / 8);
            h->count += sides[side]->buckets[i];
        }
    }
    h->sum = h->count * 1.7;
    if (layout == 2) {
        double *custom = ARENA_ARRAY(arena, double, BUCKETS);

        for (int i = 0; i < BUCKETS - 1; i++) {
            custom[i] = i / 8.0 + (i % 2 == 0 ? 0 : 0x1p-6); /* short and long ones */
        }
        h->custom = custom;
        h->custom_count = BUCKETS - 1;
    }
    return h;
}

TEST(chunk_histogram_reads_what_it_writes)
{
    enum { SAMPLES = 130 };
    struct arena arena = {0};
    struct sample_buf samples = {0};
    struct chunk_histogram chunk = {0};
    struct random random = {11};
    struct baro_error err = {0};

    for (int kind = 0; kind < 6; kind++) {
        const bool is_float = kind >= 3;
        const struct histogram *written[SAMPLES];
        ts times[SAMPLES];
        ts t = -500;

        chunk_histogram_begin(&chunk, is_float, CHUNK_START_UNKNOWN);
        for (int i = 0; i < SAMPLES; i++) {
            t += 15000 + (ts)random_below(&random, 20) * (i % 10 == 0 ? 100000 : 1);
            written[i] = i < SAMPLES - 2 ? made(&arena, &random, kind % 3, !is_float,
                                                i > 0 ? written[i - 1] : NULL)
                                         : histogram_new_stale(&arena);
            times[i] = t;
            assert_true(chunk_histogram_append(&chunk, t, written[i]));
        }
        sample_buf_reset(&samples);
        assert_ok(chunk_histogram_decode(buf_view(&chunk.data), is_float, INT64_MIN, INT64_MAX,
                                         &samples, &err),
                  &err);
        assert_int_equal(samples.count, SAMPLES);
        for (int i = 0; i < SAMPLES; i++) {
            assert_int_equal(samples.t[i], times[i]);
            assert_true(value_bits(samples.v[i]) == value_bits(written[i]->sum));
            assert_int_equal(histogram_is_stale(samples.h[i]), histogram_is_stale(written[i]));
            assert_true(histogram_is_stale(written[i]) || histogram_eq(samples.h[i], written[i]));
            assert_int_equal(samples.h[i]->integer, !is_float);
        }
        /* A part of it. */
        sample_buf_reset(&samples);
        assert_int_equal(chunk_histogram_decode(buf_view(&chunk.data), is_float, times[3], times[5],
                                                &samples, NULL),
                         0);
        assert_int_equal(samples.count, 3);
        assert_int_equal(samples.t[0], times[3]);
    }
    chunk_histogram_done(&chunk);
    sample_buf_done(&samples);
    arena_done(&arena);
}

TEST(chunk_histogram_refuses_another_layout)
{
    struct arena arena = {0};
    struct chunk_histogram chunk = {0};
    struct random random = {1};
    struct histogram *h = made(&arena, &random, 1, true, NULL);
    struct histogram *other;
    size_t bytes;

    chunk_histogram_begin(&chunk, false, CHUNK_START_UNKNOWN);
    assert_false(chunk_histogram_append(&chunk, 1, made(&arena, &random, 1, false, NULL)));
    assert_true(chunk_histogram_append(&chunk, 1, h));
    bytes = chunk.data.len;
    assert_false(chunk_histogram_append(&chunk, 2, made(&arena, &random, 0, true, NULL)));
    assert_false(chunk_histogram_append(&chunk, 2, made(&arena, &random, 2, true, NULL)));
    other = histogram_copy(&arena, h);
    other->zero_threshold *= 2;
    assert_false(chunk_histogram_append(&chunk, 2, other));
    other = histogram_copy(&arena, h);
    other->positive.spans[0].offset++;
    assert_false(chunk_histogram_append(&chunk, 2, other));
    other = histogram_copy(&arena, h);
    other->count = 0x1p60;
    assert_false(chunk_histogram_append(&chunk, 2, other));
    assert_int_equal(chunk.count, 1);
    assert_int_equal(chunk.data.len, bytes);
    assert_true(chunk_histogram_append(&chunk, 2, h));
    chunk_histogram_done(&chunk);
    arena_done(&arena);
}

TEST(chunk_histogram_tells_hints)
{
    static const struct {
        enum chunk_histogram_start start;
        enum histogram_hint first;
        enum histogram_hint second;
    } cases[] = {
        {CHUNK_START_UNKNOWN, HISTOGRAM_HINT_UNKNOWN, HISTOGRAM_HINT_NOT_RESET},
        {CHUNK_START_RESET, HISTOGRAM_HINT_UNKNOWN, HISTOGRAM_HINT_NOT_RESET},
        {CHUNK_START_NOT_RESET, HISTOGRAM_HINT_UNKNOWN, HISTOGRAM_HINT_NOT_RESET},
        {CHUNK_START_GAUGE, HISTOGRAM_HINT_GAUGE, HISTOGRAM_HINT_GAUGE},
    };
    struct arena arena = {0};
    struct random random = {1};
    struct chunk_histogram chunk = {0};
    struct sample_buf samples = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct histogram *h = made(&arena, &random, 0, true, NULL);

        chunk_histogram_begin(&chunk, false, cases[i].start);
        assert_true(chunk_histogram_append(&chunk, 1, h));
        assert_true(chunk_histogram_append(&chunk, 2, h));
        sample_buf_reset(&samples);
        assert_int_equal(chunk_histogram_decode(buf_view(&chunk.data), false, INT64_MIN, INT64_MAX,
                                                &samples, NULL),
                         0);
        assert_int_equal(samples.h[0]->hint, cases[i].first);
        assert_int_equal(samples.h[1]->hint, cases[i].second);
    }
    chunk_histogram_done(&chunk);
    sample_buf_done(&samples);
    arena_done(&arena);
}

TEST(chunk_histogram_joins_floats_in_a_buffer)
{
    struct arena arena = {0};
    struct random random = {3};
    struct chunk_histogram chunk = {0};
    struct sample_buf samples = {0};

    /* A series may have been floats before. */
    assert_true(sample_buf_reserve(&samples, 1));
    samples.t[0] = 1;
    samples.v[0] = 7;
    samples.count = 1;
    chunk_histogram_begin(&chunk, true, CHUNK_START_UNKNOWN);
    assert_true(chunk_histogram_append(&chunk, 2, made(&arena, &random, 2, false, NULL)));
    assert_int_equal(
        chunk_histogram_decode(buf_view(&chunk.data), true, INT64_MIN, INT64_MAX, &samples, NULL),
        0);
    assert_int_equal(samples.count, 2);
    assert_null(samples.h[0]);
    assert_non_null(samples.h[1]);
    chunk_histogram_done(&chunk);
    sample_buf_done(&samples);
    arena_done(&arena);
}

/* Cut anywhere, or with any bit flipped: an error, or histograms that pass the check. */
TEST(chunk_histogram_survives_damage)
{
    struct arena arena = {0};
    struct random random = {5};
    struct chunk_histogram chunk = {0};
    struct sample_buf samples = {0};

    for (int kind = 0; kind < 6; kind++) {
        const struct histogram *before = NULL;
        struct buf copy = {0};

        chunk_histogram_begin(&chunk, kind >= 3, CHUNK_START_UNKNOWN);
        for (int i = 0; i < 5; i++) {
            before = made(&arena, &random, kind % 3, kind < 3, before);
            assert_true(chunk_histogram_append(&chunk, i, before));
        }
        for (size_t len = 0; len < chunk.data.len; len++) {
            sample_buf_reset(&samples);
            assert_int_equal(chunk_histogram_decode(str_of(chunk.data.ptr, len), kind >= 3,
                                                    INT64_MIN, INT64_MAX, &samples, NULL),
                             BARO_ECORRUPT);
            assert_int_equal(samples.count, 0);
        }
        buf_str(&copy, buf_view(&chunk.data));
        for (size_t bit = 0; bit < copy.len * 8; bit++) {
            int r;

            copy.ptr[bit / 8] = (char)((unsigned char)copy.ptr[bit / 8] ^ 1U << bit % 8);
            sample_buf_reset(&samples);
            r = chunk_histogram_decode(buf_view(&copy), kind >= 3, INT64_MIN, INT64_MAX, &samples,
                                       NULL);
            assert_true(r == 0 || samples.count == 0);
            for (size_t i = 0; i < samples.count; i++) {
                assert_true(histogram_is_stale(samples.h[i]) ||
                            histogram_check(samples.h[i], NULL) == 0);
            }
            copy.ptr[bit / 8] = (char)((unsigned char)copy.ptr[bit / 8] ^ 1U << bit % 8);
        }
        buf_done(&copy);
    }
    chunk_histogram_done(&chunk);
    sample_buf_done(&samples);
    arena_done(&arena);
}
