#include "tsdb/chunk.h"

#include "base/attr.h"
#include "codec/crc32c.h"
#include "testing/test.h"
#include "tsdb/chunk_histogram.h"
#include "tsdb/chunk_sequence_test.h"

/* Sizes and checksums of what Prometheus 3.16 makes of growing histograms at the times, and with
 * the starts, of the sequences 1 to 20: integers, then floats. */
static const struct {
    uint16_t count;
    uint16_t bytes;
    uint32_t crc;
    uint16_t float_bytes;
    uint32_t float_crc;
} golden[] = {
    {91, 1084, 0x45b8b30a, 1524, 0x3c918e59},  {52, 704, 0x7e597b27, 949, 0x8856040a},
    {130, 1438, 0x80727112, 2225, 0xead79fcd}, {148, 1489, 0x8228744f, 2316, 0x0850cdd5},
    {264, 2965, 0x7a1f85a0, 4667, 0xdffa607d}, {187, 2182, 0x04386152, 3456, 0xcb7e6859},
    {247, 3049, 0xfbdb4ad3, 4767, 0xa4cdf9ea}, {206, 2644, 0xa251125f, 3779, 0x33882933},
    {139, 1770, 0x72ab9e27, 2524, 0x0cd448bf}, {94, 872, 0x53d7f699, 1380, 0x577c4c33},
    {190, 2334, 0x98a8cab4, 3334, 0x402a6e36}, {99, 1219, 0xae5dd4a2, 1816, 0xea8cbd48},
    {157, 1566, 0x40da2978, 2721, 0x7229a747}, {67, 750, 0x572d6b3e, 1115, 0x43e779c9},
    {132, 1441, 0xa744d0ec, 2092, 0x5c7e8ecc}, {29, 244, 0x23b6da21, 366, 0xd8c44548},
    {57, 803, 0xa05dc30c, 1074, 0x405e773a},   {11, 149, 0x03252758, 266, 0x1209c35d},
    {54, 533, 0xaff79eaa, 778, 0x9fe460e0},    {212, 2307, 0xe8710209, 3863, 0xab2af210},
};

/* A chunk of a counter that grows, without starts. */
static void pack(struct chunk_histogram *chunk, const struct chunk_sequence *sequence,
                 uint64_t seed, bool is_float)
{
    struct random random = {seed};
    struct histogram_span spans[] = {{-1, 2}, {3, 1}};
    double counts[4] = {0};

    chunk_histogram_begin(chunk, is_float, CHUNK_START_UNKNOWN);
    for (size_t k = 0; k < sequence->count; k++) {
        struct histogram h = {
            .schema = 1, .integer = !is_float, .zero_threshold = 0.001, .sum = (double)k * 1.5};

        for (int i = 0; i < 4; i++) {
            counts[i] += (double)(random_next(&random) % 20);
        }
        if (random_next(&random) % 16 == 0) {
            counts[0] += (double)(random_next(&random) % (UINT64_C(1) << 40));
        }
        h.zero_count = counts[3];
        h.count = counts[0] + counts[1] + counts[2] + counts[3];
        h.positive = (struct histogram_side){spans, counts, 2, 3};
        assert_true(chunk_histogram_append(chunk, sequence->t[k], &h));
    }
}

/* The chunk has the histograms that the one without starts has, and the starts. */
static void check_same(uint8_t encoding, str with, const struct chunk_histogram *plain,
                       const struct chunk_sequence *sequence)
{
    struct sample_buf got = {0}, want = {0};
    struct baro_error err = {0};

    assert_ok(chunk_decode(encoding, with, INT64_MIN, INT64_MAX, &got, &err), &err);
    assert_ok(chunk_histogram_decode(buf_view(&plain->data), plain->is_float, INT64_MIN, INT64_MAX,
                                     &want, &err),
              &err);
    assert_int_equal(got.count, sequence->count);
    assert_int_equal(chunk_samples(encoding, with), sequence->count);
    for (size_t i = 0; i < got.count; i++) {
        assert_int_equal(got.t[i], sequence->t[i]);
        assert_int_equal(got.st != NULL ? got.st[i] : 0, sequence->st[i]);
        assert_true(histogram_eq(got.h[i], want.h[i]));
        assert_int_equal(got.h[i]->hint, want.h[i]->hint);
    }
    sample_buf_done(&got);
    sample_buf_done(&want);
}

static void check_golden(const struct chunk_sequence *sequence, uint64_t seed, bool is_float,
                         size_t bytes, uint32_t crc)
{
    struct chunk_histogram chunk = {0};
    struct buf with = {0};
    struct baro_error err = {0};
    uint8_t encoding = is_float ? CHUNK_FLOAT_HISTOGRAM : CHUNK_HISTOGRAM;

    pack(&chunk, sequence, seed, is_float);
    assert_ok(
        chunk_add_starts(encoding, buf_view(&chunk.data), sequence->st, &with, &encoding, &err),
        &err);
    assert_int_equal(encoding, is_float ? CHUNK_FLOAT_HISTOGRAM_ST : CHUNK_HISTOGRAM_ST);
    assert_int_equal(with.len, bytes);
    assert_int_equal(crc32c(buf_view(&with)), crc);
    check_same(encoding, buf_view(&with), &chunk, sequence);
    buf_done(&with);
    chunk_histogram_done(&chunk);
}

TEST(chunk_of_histograms_with_starts_has_the_bytes_of_prometheus)
{
    struct chunk_sequence sequence;

    for (size_t i = 0; i < ARRAY_COUNT(golden); i++) {
        sequence_draw(&sequence, i + 1);
        assert_int_equal(sequence.count, golden[i].count);
        check_golden(&sequence, 1001 + i, false, golden[i].bytes, golden[i].crc);
        check_golden(&sequence, 1001 + i, true, golden[i].float_bytes, golden[i].float_crc);
    }
}

/* The flags of the first histogram move into the count. */
TEST(chunk_with_starts_keeps_gauges_and_resets)
{
    static const enum chunk_histogram_start starts[] = {CHUNK_START_UNKNOWN, CHUNK_START_NOT_RESET,
                                                        CHUNK_START_RESET, CHUNK_START_GAUGE};
    const ts st[] = {5, 5};

    for (size_t i = 0; i < ARRAY_COUNT(starts); i++) {
        struct chunk_histogram chunk = {0};
        struct histogram h = {.count = 1, .zero_count = 1, .integer = true};
        struct sample_buf got = {0};
        struct buf with = {0};
        uint8_t encoding = 0;

        chunk_histogram_begin(&chunk, false, starts[i]);
        assert_true(chunk_histogram_append(&chunk, 10, &h));
        assert_true(chunk_histogram_append(&chunk, 20, &h));
        assert_int_equal(
            chunk_add_starts(CHUNK_HISTOGRAM, buf_view(&chunk.data), st, &with, &encoding, NULL),
            0);
        assert_int_equal((uint8_t)with.ptr[0], starts[i]);
        assert_int_equal(with.ptr[1], 2);
        assert_int_equal(chunk_decode(encoding, buf_view(&with), 0, 99, &got, NULL), 0);
        assert_int_equal(got.count, 2);
        assert_int_equal(got.h[1]->hint, starts[i] == CHUNK_START_GAUGE ? HISTOGRAM_HINT_GAUGE
                                                                        : HISTOGRAM_HINT_NOT_RESET);
        sample_buf_done(&got);
        buf_done(&with);
        chunk_histogram_done(&chunk);
    }
}

TEST(chunk_last_is_the_last_of_what_chunk_decode_gives)
{
    struct chunk_sequence sequence;
    struct random random = {7};

    for (uint64_t seed = 1; seed < 30; seed++) {
        struct chunk_histogram chunk = {0};
        struct buf with = {0};
        uint8_t encoding = 0;
        ts t;

        sequence_draw(&sequence, seed);
        t = sequence.t[random_below(&random, sequence.count)];
        pack(&chunk, &sequence, seed, seed % 2 == 0);
        encoding = seed % 2 == 0 ? CHUNK_FLOAT_HISTOGRAM : CHUNK_HISTOGRAM;
        for (int round = 0; round < 2; round++) {
            str data = round == 0 ? buf_view(&chunk.data) : buf_view(&with);
            struct sample_buf all = {0};
            struct arena arena = {0};
            struct sample last = {0};

            assert_int_equal(chunk_decode(encoding, data, INT64_MIN, t, &all, NULL), 0);
            assert_int_equal(chunk_last(encoding, data, INT64_MIN, t, &arena, &last, NULL), 1);
            assert_int_equal(last.t, t);
            assert_true(histogram_eq(last.h, all.h[all.count - 1]));
            assert_int_equal(last.st, all.st != NULL ? all.st[all.count - 1] : 0);
            arena_done(&arena);
            sample_buf_done(&all);
            if (round == 0) {
                assert_int_equal(
                    chunk_add_starts(encoding, data, sequence.st, &with, &encoding, NULL), 0);
            }
        }
        buf_done(&with);
        chunk_histogram_done(&chunk);
    }
}

TEST(chunk_of_an_unknown_encoding_is_refused)
{
    struct sample_buf got = {0};
    struct baro_error err = {0};
    struct buf with = {0};
    uint8_t encoding = 0;

    assert_int_equal(chunk_decode(7, STR("abcdef"), 0, 1, &got, &err), BARO_EUNSUPPORTED);
    assert_string_equal(err.message, "a chunk has the unknown encoding 7");
    assert_int_equal(chunk_add_starts(CHUNK_XOR2, STR("abcdef"), NULL, &with, &encoding, NULL),
                     BARO_EUNSUPPORTED);
    assert_false(chunk_is_known(CHUNK_NONE) || chunk_is_known(7));
    assert_true(chunk_is_histogram(CHUNK_HISTOGRAM_ST) && !chunk_is_histogram(CHUNK_XOR2));
    assert_true(chunk_is_plain(CHUNK_XOR2, STR("\0\1\0")));
    assert_false(chunk_is_plain(CHUNK_XOR2, STR("\0\1\1")));
}
