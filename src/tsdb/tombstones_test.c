#include "tsdb/tombstones.h"

#include "codec/bytes.h"
#include "codec/crc32c.h"
#include "testing/test.h"

static void file_of(struct buf *buf, const struct tombstone *items, size_t count)
{
    write_be32(buf, 0x0130BA30);
    write_u8(buf, 1);
    for (size_t i = 0; i < count; i++) {
        write_uvarint(buf, items[i].ref);
        write_varint(buf, items[i].mint);
        write_varint(buf, items[i].maxt);
    }
    write_be32(buf, crc32c(str_from_index(buf_view(buf), 5)));
}

TEST(tombstones_cut_samples_out)
{
    static const struct tombstone items[] = {{7, 30, 40}, {3, -5, 5}, {7, 35, 50}, {7, 90, 90}};
    ts t[] = {10, 29, 30, 50, 51, 90, 91};
    double v[] = {1, 2, 3, 4, 5, 6, 7};
    struct sample_buf samples = {.t = t, .v = v, .count = 7, .capacity = 7};
    struct tombstones all = {0};
    struct tombstones of;
    struct buf buf = {0};

    file_of(&buf, items, 4);
    assert_int_equal(tombstones_parse(buf_view(&buf), &all, NULL), 0);
    assert_int_equal(all.count, 3);
    assert_int_equal(tombstones_of(&all, 4).count, 0);
    of = tombstones_of(&all, 7);
    assert_int_equal(of.count, 2);
    assert_int_equal(tombstones_cover(of, 50)->mint, 30);
    assert_null(tombstones_cover(of, 51));
    tombstones_apply(of, &samples, 1);
    assert_int_equal(samples.count, 4);
    assert_int_equal(t[1], 29);
    assert_int_equal(t[2], 51);
    assert_int_equal(t[3], 91);
    assert_true(v[3] == 7);
    tombstones_done(&all);
    buf_done(&buf);
}

TEST(tombstones_damage_is_refused)
{
    static const struct tombstone items[] = {{7, 30, 40}};
    struct tombstones all = {0};
    struct buf buf = {0};

    file_of(&buf, items, 1);
    for (size_t i = 0; i < buf.len; i++) {
        buf.ptr[i] ^= 1;
        assert_true(tombstones_parse(buf_view(&buf), &all, NULL) < 0);
        buf.ptr[i] ^= 1;
        assert_true(tombstones_parse(str_of(buf.ptr, i), &all, NULL) < 0);
    }
    buf_done(&buf);
}
