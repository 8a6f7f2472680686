#include "tsdb/chunk_decimal.h"

#include <math.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/random.h"
#include "testing/test.h"

enum { SAMPLES = 240 };

struct sequence {
    ts t[SAMPLES];
    double v[SAMPLES];
    size_t count;
};

static const double odd_values[] = {
    0,  -0.0, 1,      1.5,     INFINITY, -INFINITY, NAN,  1e308, 5e-324,     1.0 / 3,
    -1, 1e15, 0x1p50, -0x1p50, 0x1p53,   0.1 + 0.2, 1e-9, 1e-10, 0.123456789};

/* Values as programs have them: whole ones, of few decimals, of many; now and then an odd one. */
static double draw(struct random *random, uint64_t kind, double last)
{
    static const double steps[] = {1, 0.001, 0.25, 1e-6};
    char text[64];

    if (random_below(random, 12) == 0) {
        return odd_values[random_below(random, ARRAY_COUNT(odd_values))];
    }
    if (random_below(random, 6) == 0) {
        return last;
    }
    if (kind < ARRAY_COUNT(steps)) {
        return (double)(int64_t)random_below(random, 100000) * steps[kind];
    }
    if (kind == 4) {
        (void)snprintf(text, sizeof(text), "%.*f", (int)random_below(random, 5),
                       (double)(int64_t)random_below(random, 1000000) / 7 - 50000);
        return strtod(text, NULL);
    }
    return kind == 5 ? last + (double)random_below(random, 3000)
                     : value_from_bits(random_next(random));
}

static void make_sequence(struct random *random, struct sequence *ret)
{
    static const int64_t jitter[] = {1, 3, 8192, 65536, 524288, INT64_C(1) << 40};
    uint64_t times = random_below(random, ARRAY_COUNT(jitter)), kind = random_below(random, 7);
    ts t = (ts)random_below(random, 1000000) - 500000;

    ret->count = 1 + (size_t)random_below(random, SAMPLES);
    for (size_t i = 0; i < ret->count; i++) {
        ret->t[i] = t;
        ret->v[i] = draw(random, kind, i > 0 ? ret->v[i - 1] : 7);
        t +=
            15000 + (ts)random_below(random, (uint64_t)jitter[random_below(random, times + 1)] * 2);
    }
}

/* Into exactly as much memory as is needed, so that an overrun is seen; NULL when it becomes longer
 * than the head would let it. */
static uint8_t *pack(const struct sequence *sequence, struct chunk_xor *ret)
{
    size_t capacity = CHUNK_XOR_HEADER_BYTES;
    uint8_t *data = mem_alloc(capacity);

    chunk_decimal_init(ret, data);
    for (size_t i = 0; i < sequence->count; i++) {
        size_t before = chunk_xor_size(ret);

        while (!chunk_decimal_append(ret, data, capacity, sequence->t[i], sequence->v[i])) {
            assert_int_equal(chunk_xor_size(ret), before);
            capacity++;
            data = mem_realloc(data, capacity);
        }
        assert_true(chunk_xor_size(ret) <= capacity);
        assert_true(chunk_xor_size(ret) <= before + CHUNK_DECIMAL_SAMPLE_BYTES_MAX);
        assert_int_equal(ret->t, sequence->t[i]);
        assert_int_equal(ret->v_bits, value_bits(sequence->v[i]));
        assert_int_equal(chunk_xor_count(str_of((char *)data, 2)), i + 1);
    }
    return data;
}

static void assert_samples(const struct sample_buf *got, const struct sequence *want, size_t first,
                           size_t count)
{
    assert_int_equal(got->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(got->t[i], want->t[first + i]);
        assert_int_equal(value_bits(got->v[i]), value_bits(want->v[first + i]));
    }
}

static void check_ranges(str data, const struct sequence *sequence, struct random *random)
{
    struct sample_buf got = {0};
    struct baro_error err = {0};

    assert_ok(chunk_decimal_decode(data, INT64_MIN, INT64_MAX, &got, &err), &err);
    assert_samples(&got, sequence, 0, sequence->count);
    for (int i = 0; i < 6; i++) {
        size_t first = (size_t)random_below(random, sequence->count);
        size_t last = first + (size_t)random_below(random, sequence->count - first);

        sample_buf_reset(&got);
        assert_ok(chunk_decimal_decode(data, sequence->t[first], sequence->t[last], &got, &err),
                  &err);
        assert_samples(&got, sequence, first, last - first + 1);
    }
    sample_buf_done(&got);
}

/* The bytes are those that chunk_xor would have made, and so is the state. */
static void check_repacked(str data, const struct sequence *sequence)
{
    enum { ROOM = SAMPLES * CHUNK_XOR_SAMPLE_BYTES_MAX + 64 };
    uint8_t want[ROOM], got[ROOM];
    struct chunk_xor plain, state = {0};
    struct baro_error err = {0};

    chunk_xor_init(&plain, want);
    for (size_t i = 0; i < sequence->count; i++) {
        assert_true(chunk_xor_append(&plain, want, sizeof(want), sequence->t[i], sequence->v[i]));
    }
    assert_ok(chunk_decimal_repack(data, got, sizeof(got), &state, &err), &err);
    assert_memory_equal(&state, &plain, sizeof(plain));
    assert_memory_equal(got, want, chunk_xor_size(&plain));
    assert_int_equal(chunk_decimal_repack(data, got, chunk_xor_size(&plain) - 1, &state, &err),
                     BARO_ELIMIT);
}

TEST(chunk_decimal_reads_back_what_was_written)
{
    struct random random = {1};
    struct sequence sequence;
    size_t checked = 0;

    for (int i = 0; i < 600; i++) {
        struct chunk_xor chunk;
        uint8_t *data;

        make_sequence(&random, &sequence);
        data = pack(&sequence, &chunk);
        if (chunk_xor_size(&chunk) <= CHUNK_DECIMAL_BYTES_MAX) {
            str bytes = str_of((char *)data, chunk_xor_size(&chunk));

            check_ranges(bytes, &sequence, &random);
            check_repacked(bytes, &sequence);
            checked++;
        }
        (void)mem_free(data);
    }
    assert_true(checked > 400);
}

/* What it is for: bytes of 120 samples. */
TEST(chunk_decimal_takes_less_for_what_is_usual)
{
    static const struct {
        const char *name;
        double step; /* of the values */
        uint64_t spread;
        bool is_counter;
        size_t bytes_max;
    } cases[] = {
        {"a constant", 1, 1, false, 50},        {"a slow counter", 1, 2, true, 80},
        {"requests", 1, 1000, true, 230},       {"seconds of work", 0.001, 15000, true, 300},
        {"a temperature", 0.1, 20, false, 160}, {"a ratio", 0.001, 1000, false, 230},
    };
    struct random random = {2};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint8_t data[CHUNK_DECIMAL_BYTES_MAX], packed[CHUNK_DECIMAL_BYTES_MAX];
        struct chunk_xor decimal, plain;
        uint64_t number = 123456;

        test_row(cases[i].name);
        chunk_decimal_init(&decimal, data);
        chunk_xor_init(&plain, packed);
        for (int k = 0; k < 120; k++) {
            char text[32];
            double v;

            number =
                (cases[i].is_counter ? number : 123456) + random_below(&random, cases[i].spread);
            (void)snprintf(text, sizeof(text), "%.3f", (double)number * cases[i].step);
            v = strtod(text, NULL);
            assert_true(chunk_decimal_append(&decimal, data, sizeof(data), k * 15000, v));
            assert_true(chunk_xor_append(&plain, packed, sizeof(packed), k * 15000, v));
            assert_false(chunk_decimal_is_poor(&decimal));
        }
        assert_in_range(chunk_xor_size(&decimal), 1, cases[i].bytes_max);
        assert_true(chunk_xor_size(&decimal) <= chunk_xor_size(&plain));
    }
    test_row(NULL);
}

TEST(chunk_decimal_knows_what_does_not_suit_it)
{
    uint8_t data[CHUNK_DECIMAL_BYTES_MAX];
    struct random random = {3};
    struct chunk_xor chunk;
    int poor_at = 0;

    assert_true(chunk_decimal_suits(0));
    assert_true(chunk_decimal_suits(-12.5));
    assert_true(chunk_decimal_suits(0.001));
    assert_true(chunk_decimal_suits(1712345678.123));
    assert_false(chunk_decimal_suits(1.0 / 3));
    assert_false(chunk_decimal_suits(NAN));
    assert_false(chunk_decimal_suits(-0.0));
    assert_false(chunk_decimal_suits(value_stale()));
    assert_false(chunk_decimal_suits(1e16));

    chunk_decimal_init(&chunk, data);
    for (int i = 1; i <= 60 && poor_at == 0; i++) {
        assert_true(chunk_decimal_append(&chunk, data, sizeof(data), i * 1000,
                                         value_from_bits(random_next(&random) >> 2)));
        poor_at = chunk_decimal_is_poor(&chunk) ? i : 0;
    }
    assert_in_range(poor_at, 8, 24);
    /* A stale marker among others is nothing to be poor for. */
    chunk_decimal_init(&chunk, data);
    for (int i = 1; i <= 120; i++) {
        assert_true(chunk_decimal_append(&chunk, data, sizeof(data), i * 1000,
                                         i % 8 == 0 ? value_stale() : i));
        assert_false(chunk_decimal_is_poor(&chunk));
    }
}

TEST(chunk_decimal_refuses_damage)
{
    struct sample_buf got = {0};
    struct random random = {4};
    struct sequence sequence;
    struct chunk_xor chunk;
    struct baro_error err = {0};
    uint8_t *data;

    make_sequence(&random, &sequence);
    sequence.count = 60;
    for (size_t i = 0; i < sequence.count; i++) {
        sequence.t[i] = (ts)i * 15000;
        sequence.v[i] = (double)(i * i) / 8;
    }
    data = pack(&sequence, &chunk);
    for (size_t size = 0; size < chunk_xor_size(&chunk); size++) {
        /* In memory of its own, so that a read behind it is seen. */
        char *cut = mem_alloc(size + 1);

        memcpy(cut, data, size);
        assert_int_equal(chunk_decimal_decode(str_of(cut, size), INT64_MIN, INT64_MAX, &got, &err),
                         BARO_ECORRUPT);
        assert_int_equal(got.count, 0);
        (void)mem_free(cut);
    }
    assert_int_equal(chunk_decimal_decode(STR("\0\0"), INT64_MIN, INT64_MAX, &got, &err), 0);
    assert_int_equal(got.count, 0);
    (void)mem_free(data);
    data = mem_alloc_zero(CHUNK_DECIMAL_BYTES_MAX + 1);
    data[1] = 1;
    assert_int_equal(chunk_decimal_decode(str_of((char *)data, CHUNK_DECIMAL_BYTES_MAX + 1),
                                          INT64_MIN, INT64_MAX, &got, &err),
                     BARO_ECORRUPT);
    (void)mem_free(data);
    sample_buf_done(&got);
}
