#include "tsdb/chunk_xor2.h"

#include "base/attr.h"
#include "base/mem.h"
#include "codec/crc32c.h"
#include "testing/test.h"
#include "tsdb/chunk_sequence_test.h"
#include "tsdb/chunk_xor.h"

#define ROOM (SEQUENCE_SAMPLES * CHUNK_XOR2_SAMPLE_BYTES_MAX + CHUNK_XOR2_HEADER_BYTES)

static str pack(const struct chunk_sequence *sequence, uint8_t *data)
{
    struct chunk_xor2 chunk;

    chunk_xor2_init(&chunk, data);
    for (size_t i = 0; i < sequence->count; i++) {
        assert_true(
            chunk_xor2_append(&chunk, data, ROOM, sequence->st[i], sequence->t[i], sequence->v[i]));
    }
    return str_of((char *)data, chunk_xor2_size(&chunk));
}

/* Sizes and checksums of what Prometheus 3.16 makes of the sequences 1 to 40. */
static const struct {
    uint16_t count;
    uint16_t bytes;
    uint32_t crc;
} golden[] = {
    {91, 240, 0x978ff2da},   {52, 292, 0x90539d92},   {130, 1040, 0xb1037a1e},
    {148, 548, 0x1a37e8ad},  {264, 998, 0x8f2f56b9},  {187, 1710, 0x559f3685},
    {247, 1273, 0xc21d87bc}, {206, 1936, 0x428fd30c}, {139, 1021, 0x6b683d9f},
    {94, 465, 0xd1177c88},   {190, 1415, 0x972ef91e}, {99, 392, 0x41d08a76},
    {157, 1101, 0xd432ff49}, {67, 433, 0x691f6a70},   {132, 348, 0x5cc41a2d},
    {29, 65, 0x64f14da6},    {57, 483, 0x8bd86090},   {11, 37, 0xdc63f4cb},
    {54, 344, 0x47bdef74},   {212, 1680, 0x1cd57092}, {216, 1166, 0x322fc1a2},
    {284, 2130, 0x5dd012ea}, {211, 895, 0x2a1cc230},  {19, 157, 0x7604ed2a},
    {272, 1043, 0xa5e26fe3}, {213, 940, 0xa9a25151},  {24, 178, 0x705caf96},
    {278, 2028, 0xd85d08ad}, {56, 311, 0x3af7f80f},   {297, 1147, 0xaa12d3fb},
    {114, 256, 0xdc8b0be6},  {210, 767, 0xc612367f},  {134, 800, 0xd78ac943},
    {38, 360, 0x71f26da4},   {228, 1641, 0x24876ec0}, {282, 2262, 0xd2120b67},
    {187, 1536, 0x70110637}, {48, 449, 0xf1c040fb},   {211, 785, 0x8b2e0e6a},
    {261, 1422, 0xccded8ea},
};

TEST(chunk_xor2_writes_the_bytes_of_prometheus)
{
    static uint8_t data[ROOM];
    struct chunk_sequence sequence;

    for (size_t i = 0; i < ARRAY_COUNT(golden); i++) {
        str raw;

        sequence_draw(&sequence, i + 1);
        raw = pack(&sequence, data);
        assert_int_equal(sequence.count, golden[i].count);
        assert_int_equal(raw.len, golden[i].bytes);
        assert_int_equal(crc32c(raw), golden[i].crc);
    }
}

static void assert_samples(const struct sample_buf *got, size_t at,
                           const struct chunk_sequence *want, size_t first, size_t count)
{
    assert_int_equal(got->count, at + count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(got->t[at + i], want->t[first + i]);
        assert_int_equal(value_bits(got->v[at + i]), value_bits(want->v[first + i]));
        assert_int_equal(got->st != NULL ? got->st[at + i] : 0, want->st[first + i]);
    }
}

static void check_ranges(str raw, const struct chunk_sequence *sequence, struct random *random)
{
    struct sample_buf got = {0};
    struct baro_error err = {0};

    for (int i = 0; i < 8; i++) {
        size_t first = (size_t)random_below(random, sequence->count);
        size_t last = first + (size_t)random_below(random, sequence->count - first);
        struct sample one = {0};

        sample_buf_reset(&got);
        assert_ok(chunk_xor2_decode(raw, sequence->t[first], sequence->t[last], &got, &err), &err);
        assert_samples(&got, 0, sequence, first, last - first + 1);
        assert_int_equal(
            chunk_xor2_last(raw, sequence->t[first], sequence->t[last] + 1, &one, &err), 1);
        assert_int_equal(one.t, sequence->t[last]);
        assert_int_equal(one.st, sequence->st[last]);
        assert_int_equal(value_bits(one.v), value_bits(sequence->v[last]));
        assert_int_equal(
            chunk_xor2_last(raw, sequence->t[last] + 1, sequence->t[last] + 1, &one, &err), 0);
    }
    assert_int_equal(chunk_xor2_last(raw, INT64_MIN, sequence->t[0] - 1, &(struct sample){0}, &err),
                     0);
    sample_buf_done(&got);
}

TEST(chunk_xor2_reads_back_what_was_written)
{
    static uint8_t data[ROOM];
    struct random random = {1};
    struct chunk_sequence sequence;

    for (uint64_t i = 0; i < 200; i++) {
        str raw;

        sequence_draw(&sequence, i);
        raw = pack(&sequence, data);
        check_ranges(raw, &sequence, &random);
    }
}

/* What was decoded before keeps its columns, and gets them where the chunk brings one. */
TEST(chunk_xor2_decodes_behind_other_samples)
{
    static uint8_t data[ROOM];
    struct sample_buf got = {0};
    struct chunk_sequence none = {.count = 2, .t = {1, 2}, .v = {1, 2}};
    struct chunk_sequence some = {.count = 2, .t = {3, 4}, .v = {1, 2}, .st = {1, 3}};

    assert_int_equal(chunk_xor2_decode(pack(&none, data), INT64_MIN, 9, &got, NULL), 0);
    assert_null(got.st);
    assert_int_equal(chunk_xor2_decode(pack(&some, data), INT64_MIN, 9, &got, NULL), 0);
    assert_samples(&got, 2, &some, 0, 2);
    assert_int_equal(got.st[0] | got.st[1], 0);
    assert_int_equal(chunk_xor2_decode(pack(&none, data), INT64_MIN, 9, &got, NULL), 0);
    assert_samples(&got, 4, &none, 0, 2);
    sample_buf_done(&got);
}

/* The bytes of a small chunk, as the format has them (and as Prometheus writes them). */
TEST(chunk_xor2_bytes_are_those_of_the_format)
{
    static const uint8_t want[] = {
        0x00,
        0x06, /* six samples */
        0x83, /* a first start, others from the fourth on */
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
        0xe8,
        0x07, /* t - 500, zigzag 1000 */
        0x98,
        0x75, /* delta 15000 */
        /* 1.0 ^ 2.0: 110, one leading zero 00001, 11 bits 001011, eleven ones; 110 and a difference
         * of 1 in 13 bits, 0 an unchanged value; 110, -1, 111 a stale marker, and the start 1 ms
         * before the sample before, as 10 001; 10 1 a new window ... */
        0xc1,
        0x2f,
        0xff,
        0xe0,
        0x00,
        0xb7,
        0xff,
        0xfc,
        0x6b,
        0x01,
        0xfc,
        0x1d,
        0x4c,
        0x3e,
        0x0e,
        0xa6,
        0x00,
    };
    static uint8_t data[ROOM];
    struct chunk_sequence sequence = {
        .count = 6,
        .st = {500, 500, 500, 31000, 31000, 31000},
        .t = {1000, 16000, 31001, 46001, 61001, 76001},
        .v = {1, 2, 2, value_stale(), 3, 3},
    };
    str raw = pack(&sequence, data);

    assert_int_equal(raw.len, sizeof(want));
    assert_memory_equal(raw.ptr, want, sizeof(want));
    assert_true(chunk_xor2_has_starts(raw));
}

/* Every prefix of a chunk is refused, and no read leaves it (the copy ends where its block does).
 */
TEST(chunk_xor2_refuses_short_data)
{
    static uint8_t data[ROOM];
    struct chunk_sequence sequence;
    struct sample_buf got = {0};
    str raw;

    sequence_draw(&sequence, 4);
    raw = pack(&sequence, data);
    for (size_t size = 0; size < raw.len; size++) {
        char *copy = mem_alloc(size);
        struct sample one;

        memcpy(copy, data, size);
        assert_int_equal(chunk_xor2_decode(str_of(copy, size), INT64_MIN, INT64_MAX, &got, NULL),
                         BARO_ECORRUPT);
        assert_int_equal(got.count, 0);
        assert_int_equal(chunk_xor2_last(str_of(copy, size), INT64_MIN, INT64_MAX, &one, NULL),
                         BARO_ECORRUPT);
        (void)mem_free(copy);
    }
    sample_buf_done(&got);
}

TEST(chunk_xor2_takes_no_more_than_there_is_room_for)
{
    uint8_t data[CHUNK_XOR2_HEADER_BYTES + 2 * CHUNK_XOR2_SAMPLE_BYTES_MAX];
    struct chunk_xor2 chunk;
    int taken = 0;

    chunk_xor2_init(&chunk, data);
    while (chunk_xor2_append(&chunk, data, sizeof(data), taken - 1, taken * INT64_C(1000000),
                             1.0 / (3 + taken))) {
        taken++;
    }
    assert_true(taken >= 2 && chunk_xor2_size(&chunk) <= sizeof(data));
}
