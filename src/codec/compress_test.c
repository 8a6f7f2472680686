#include "codec/compress.h"

#include "base/mem.h"
#include "base/random.h"
#include "testing/test.h"

static void fill(struct buf *raw, size_t size)
{
    struct random random = {size};

    buf_reset(raw);
    for (size_t i = 0; i < size; i++) {
        buf_char(raw, (char)('a' + random_below(&random, 3)));
    }
}

TEST(compress_gives_back_what_was_packed)
{
    static const size_t sizes[] = {0, 1, 100, 32768, 131071, 131072, 131073, 1000000};
    CLEANUP(compressor_freep) struct compressor *compressor = compressor_new();
    struct buf raw = {0};
    struct buf packed = {0};
    struct buf again = {0};
    struct baro_error err = {0};

    for (enum compress_kind kind = COMPRESS_NONE; kind < COMPRESS_KIND_COUNT; kind++) {
        for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
            fill(&raw, sizes[i]);
            buf_reset(&packed);
            buf_reset(&again);
            buf_c(&again, "before");
            assert_ok(compressor_pack(compressor, kind, buf_view(&raw), &packed, &err), &err);
            assert_ok(
                compressor_unpack(compressor, kind, buf_view(&packed), sizes[i], &again, &err),
                &err);
            assert_str_equal(str_from_index(buf_view(&again), 6), buf_view(&raw));
            if (sizes[i] > 0) {
                assert_int_equal(compressor_unpack(compressor, kind, buf_view(&packed),
                                                   sizes[i] - 1, &again, NULL),
                                 BARO_ELIMIT);
                assert_int_equal(again.len, sizes[i] + 6);
            }
        }
    }
    buf_done(&raw);
    buf_done(&packed);
    buf_done(&again);
}

/* Damage never yields more than the limit, and every cut is noticed. */
TEST(compress_refuses_cut_input)
{
    CLEANUP(compressor_freep) struct compressor *compressor = compressor_new();
    struct buf raw = {0};
    struct buf packed = {0};
    struct buf again = {0};

    fill(&raw, 5000);
    for (enum compress_kind kind = COMPRESS_SNAPPY; kind < COMPRESS_KIND_COUNT; kind++) {
        buf_reset(&packed);
        assert_int_equal(compressor_pack(compressor, kind, buf_view(&raw), &packed, NULL), 0);
        for (size_t size = kind == COMPRESS_ZSTD ? 1 : 0; size < packed.len; size++) {
            assert_int_equal(
                compressor_unpack(compressor, kind, str_of(packed.ptr, size), 5000, &again, NULL),
                BARO_ECORRUPT);
            assert_int_equal(again.len, 0);
        }
    }
    buf_done(&raw);
    buf_done(&packed);
    buf_done(&again);
}

/* Several frames in a row are one content, as the writers of Go's libraries may produce. */
TEST(compress_zstd_frames_follow_each_other)
{
    CLEANUP(compressor_freep) struct compressor *compressor = compressor_new();
    struct buf packed = {0};
    struct buf again = {0};

    assert_int_equal(compressor_pack(compressor, COMPRESS_ZSTD, STR("one "), &packed, NULL), 0);
    assert_int_equal(compressor_pack(compressor, COMPRESS_ZSTD, STR("two"), &packed, NULL), 0);
    assert_int_equal(
        compressor_unpack(compressor, COMPRESS_ZSTD, buf_view(&packed), 7, &again, NULL), 0);
    assert_str_equal(buf_view(&again), STR("one two"));
    buf_done(&packed);
    buf_done(&again);
}

TEST(compress_snappy_claims_are_bounded)
{
    struct buf ret = {0};

    /* Four gigabytes claimed by six bytes. */
    assert_int_equal(snappy_unpack(STR("\xff\xff\xff\xff\x0f\x00"), SIZE_MAX, &ret, NULL),
                     BARO_ECORRUPT);
    assert_int_equal(snappy_unpack(STR(""), 10, &ret, NULL), BARO_ECORRUPT);
    assert_int_equal(ret.capacity, 0);
}
