#include "tsdb/chunk_xor.h"

#include <math.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/random.h"
#include "testing/test.h"

enum { SAMPLES = 300 };

struct sequence {
    ts t[SAMPLES];
    double v[SAMPLES];
    size_t count;
};

static const double odd_values[] = {0,   -0.0,  1,      1.5,     INFINITY, -INFINITY,
                                    NAN, 1e308, 5e-324, 1.0 / 3, -1};

/* make_sequence draws times and values of every size that the format tells apart. */
static void make_sequence(struct random *random, struct sequence *ret)
{
    static const int64_t jitter[] = {1, 3, 8192, 65536, 524288, INT64_C(1) << 40};
    uint64_t kind = random_below(random, 6);
    ts t = (ts)random_below(random, 1000000) - 500000;

    ret->count = 1 + (size_t)random_below(random, SAMPLES);
    for (size_t i = 0; i < ret->count; i++) {
        int64_t spread = jitter[random_below(random, kind + 1)];

        ret->t[i] = t;
        t += 15000 + (ts)random_below(random, (uint64_t)spread * 2);
        switch (random_below(random, 5)) {
        case 0:
            ret->v[i] = i > 0 ? ret->v[i - 1] : 7;
            break;
        case 1:
            ret->v[i] = odd_values[random_below(random, ARRAY_COUNT(odd_values))];
            break;
        case 2:
            ret->v[i] = value_stale();
            break;
        case 3:
            ret->v[i] = (double)i;
            break;
        default:
            ret->v[i] = value_from_bits(random_next(random));
            break;
        }
    }
}

/* pack appends all samples into exactly as much memory as they need, so that an overrun is seen. */
static uint8_t *pack(const struct sequence *sequence, struct chunk_xor *ret)
{
    size_t capacity = CHUNK_XOR_HEADER_BYTES;
    uint8_t *data = mem_alloc(capacity);

    chunk_xor_init(ret, data);
    for (size_t i = 0; i < sequence->count; i++) {
        while (!chunk_xor_append(ret, data, capacity, sequence->t[i], sequence->v[i])) {
            capacity++;
            data = mem_realloc(data, capacity);
        }
        assert_true(chunk_xor_size(ret) <= capacity);
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

    assert_ok(chunk_xor_decode(data, INT64_MIN, INT64_MAX, &got, &err), &err);
    assert_samples(&got, sequence, 0, sequence->count);
    for (int i = 0; i < 8; i++) {
        size_t first = (size_t)random_below(random, sequence->count);
        size_t last = first + (size_t)random_below(random, sequence->count - first);
        ts t = 0;
        double v = 0;

        sample_buf_reset(&got);
        assert_ok(chunk_xor_decode(data, sequence->t[first], sequence->t[last], &got, &err), &err);
        assert_samples(&got, sequence, first, last - first + 1);
        assert_int_equal(
            chunk_xor_last(data, sequence->t[first], sequence->t[last] + 1, &t, &v, &err), 1);
        assert_int_equal(t, sequence->t[last]);
        assert_int_equal(value_bits(v), value_bits(sequence->v[last]));
        assert_int_equal(
            chunk_xor_last(data, sequence->t[last] + 1, sequence->t[last] + 1, &t, &v, &err), 0);
    }
    assert_int_equal(
        chunk_xor_last(data, INT64_MIN, sequence->t[0] - 1, &(ts){0}, &(double){0}, &err), 0);
    sample_buf_done(&got);
}

TEST(chunk_xor_reads_back_what_was_written)
{
    struct random random = {1};
    struct sequence sequence;

    for (int i = 0; i < 400; i++) {
        struct chunk_xor chunk;
        uint8_t *data;

        make_sequence(&random, &sequence);
        data = pack(&sequence, &chunk);
        check_ranges(str_of((char *)data, chunk_xor_size(&chunk)), &sequence, &random);
        (void)mem_free(data);
    }
}

/* The bytes of a small chunk, worked out by hand from the format. */
TEST(chunk_xor_bytes_are_those_of_the_format)
{
    static const uint8_t want[] = {
        0x00,
        0x03, /* three samples */
        0xd0,
        0x0f, /* t = 1000, zigzag 2000 */
        0x3f,
        0xf0,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00, /* 1.0 */
        0x98,
        0x75, /* delta 15000 */
        /* 1.0 ^ 2.0 has bits 62 to 52: 1 1, one leading zero 00001, 11 bits 001011, eleven ones;
         * then a difference of 1 is 10 00000000000001, and 0 an unchanged value. */
        0xc2,
        0x5f,
        0xff,
        0x80,
        0x01,
        0x00,
    };
    struct sequence sequence = {.t = {1000, 16000, 31001}, .v = {1, 2, 2}, .count = 3};
    struct chunk_xor chunk;
    uint8_t *data = pack(&sequence, &chunk);

    /* 16 + 16 + 64 + 16 + 24 + 16 + 1 bits */
    assert_int_equal(chunk.bits, 153);
    assert_int_equal(chunk_xor_size(&chunk), 20);
    assert_memory_equal(data, want, sizeof(want));
    (void)mem_free(data);
}

TEST(chunk_xor_resumes_where_it_stopped)
{
    struct random random = {2};
    struct sequence sequence;

    for (int i = 0; i < 200; i++) {
        struct chunk_xor chunk;
        struct chunk_xor again;
        struct baro_error err = {0};
        uint8_t *data;
        uint8_t more[SAMPLES * CHUNK_XOR_SAMPLE_BYTES_MAX + 64];
        size_t all;

        make_sequence(&random, &sequence);
        all = sequence.count;
        sequence.count = 1 + all / 2;
        data = pack(&sequence, &chunk);
        assert_ok(chunk_xor_resume(str_of((char *)data, chunk_xor_size(&chunk)), &again, &err),
                  &err);
        assert_int_equal(again.bits, chunk.bits);
        assert_int_equal(again.t, chunk.t);
        assert_int_equal(again.count, chunk.count);
        memcpy(more, data, chunk_xor_size(&chunk));
        for (; sequence.count < all; sequence.count++) {
            assert_true(chunk_xor_append(&again, more, sizeof(more), sequence.t[sequence.count],
                                         sequence.v[sequence.count]));
        }
        check_ranges(str_of((char *)more, chunk_xor_size(&again)), &sequence, &random);
        (void)mem_free(data);
    }
}

/* Every prefix of a chunk is refused, and no read leaves it (the copy ends where its block does).
 */
TEST(chunk_xor_refuses_short_data)
{
    struct random random = {3};
    struct sequence sequence;
    struct chunk_xor chunk;
    struct sample_buf got = {0};
    uint8_t *data;

    make_sequence(&random, &sequence);
    data = pack(&sequence, &chunk);
    for (size_t size = 0; size < chunk_xor_size(&chunk); size++) {
        char *copy = mem_alloc(size);
        struct chunk_xor again;
        ts t;
        double v;

        memcpy(copy, data, size);
        assert_int_equal(chunk_xor_decode(str_of(copy, size), INT64_MIN, INT64_MAX, &got, NULL),
                         BARO_ECORRUPT);
        assert_int_equal(got.count, 0);
        assert_int_equal(chunk_xor_last(str_of(copy, size), INT64_MIN, INT64_MAX, &t, &v, NULL),
                         BARO_ECORRUPT);
        assert_int_equal(chunk_xor_resume(str_of(copy, size), &again, NULL), BARO_ECORRUPT);
        (void)mem_free(copy);
    }
    sample_buf_done(&got);
    (void)mem_free(data);
}

TEST(chunk_xor_of_no_samples_is_empty)
{
    struct sample_buf got = {0};
    struct chunk_xor chunk;
    uint8_t data[CHUNK_XOR_HEADER_BYTES] = {0};
    str raw = str_of((char *)data, sizeof(data));

    chunk_xor_init(&chunk, data);
    assert_int_equal(chunk_xor_count(raw), 0);
    assert_int_equal(chunk_xor_decode(raw, INT64_MIN, INT64_MAX, &got, NULL), 0);
    assert_int_equal(got.count, 0);
    assert_int_equal(chunk_xor_resume(raw, &chunk, NULL), 0);
    assert_int_equal(chunk.leading, CHUNK_XOR_FRESH);
    assert_false(chunk_xor_append(&chunk, data, sizeof(data), 1, 1));
}
