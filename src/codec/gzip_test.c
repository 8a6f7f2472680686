#include "codec/gzip.h"

#include "testing/test.h"

enum { LINES = 5000 };

static void lines_fill(struct buf *raw)
{
    for (int i = 0; i < LINES; i++) {
        buf_printf(raw, "line %d\n", i);
    }
}

TEST(gzip_round_trips)
{
    static const int levels[] = {1, 6, 12};

    for (size_t i = 0; i < ARRAY_COUNT(levels); i++) {
        CLEANUP(gzip_freep) struct gzip *gzip = gzip_new(levels[i]);
        struct buf raw = {0};
        struct buf packed = {0};
        struct buf back = {0};

        assert_non_null(gzip);
        for (int round = 0; round < 2; round++) {
            buf_reset(&packed);
            buf_reset(&back);
            assert_ok(gzip_pack(gzip, buf_view(&raw), &packed, NULL), NULL);
            assert_ok(gzip_unpack(buf_view(&packed), raw.len, &back, NULL), NULL);
            assert_str_equal(buf_view(&back), buf_view(&raw));
            lines_fill(&raw);
        }
        buf_done(&raw);
        buf_done(&packed);
        buf_done(&back);
    }
}

TEST(gzip_unpack_reads_members_in_a_row)
{
    CLEANUP(gzip_freep) struct gzip *gzip = gzip_new(1);
    struct buf packed = {0};
    struct buf back = {0};

    assert_ok(gzip_pack(gzip, STR("one "), &packed, NULL), NULL);
    assert_ok(gzip_pack(gzip, STR("two"), &packed, NULL), NULL);
    assert_ok(gzip_unpack(buf_view(&packed), 7, &back, NULL), NULL);
    assert_str_equal(buf_view(&back), STR("one two"));
    assert_int_equal(gzip_unpack(buf_view(&packed), 6, &back, NULL), BARO_ELIMIT);
    assert_str_equal(buf_view(&back), STR("one two"));
    buf_done(&packed);
    buf_done(&back);
}

TEST(gzip_unpack_stops_at_a_bomb)
{
    CLEANUP(gzip_freep) struct gzip *gzip = gzip_new(9);
    struct buf raw = {0};
    struct buf packed = {0};
    struct buf back = {0};

    buf_zero(&raw, 4 << 20);
    assert_ok(gzip_pack(gzip, buf_view(&raw), &packed, NULL), NULL);
    assert_true(packed.len < 16384);
    assert_int_equal(gzip_unpack(buf_view(&packed), 1 << 20, &back, NULL), BARO_ELIMIT);
    assert_int_equal(back.len, 0);
    assert_true(back.capacity <= 2 << 20);
    buf_done(&raw);
    buf_done(&packed);
    buf_done(&back);
}

TEST(gzip_unpack_refuses_damage)
{
    CLEANUP(gzip_freep) struct gzip *gzip = gzip_new(6);
    struct buf raw = {0};
    struct buf packed = {0};
    struct buf back = {0};

    lines_fill(&raw);
    assert_ok(gzip_pack(gzip, buf_view(&raw), &packed, NULL), NULL);
    for (size_t cut = 1; cut < packed.len; cut += 97) {
        str torn = str_of(packed.ptr, packed.len - cut);

        assert_int_equal(gzip_unpack(torn, 1 << 20, &back, NULL), BARO_ECORRUPT);
        assert_int_equal(back.len, 0);
    }
    packed.ptr[packed.len / 2] ^= 1;
    assert_int_equal(gzip_unpack(buf_view(&packed), 1 << 20, &back, NULL), BARO_ECORRUPT);
    buf_done(&raw);
    buf_done(&packed);
    buf_done(&back);
}
