#include "codec/bytes.h"

#include "base/attr.h"
#include "testing/test.h"

TEST(bytes_varints_read_back)
{
    static const uint64_t cases[] = {0,     1,          127,        128,           16383,
                                     16384, UINT32_MAX, UINT64_MAX, UINT64_MAX / 2};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf buf = {0};
        struct reader rd;

        write_uvarint(&buf, cases[i]);
        write_varint(&buf, (int64_t)cases[i]);
        write_be16(&buf, (uint16_t)cases[i]);
        write_be32(&buf, (uint32_t)cases[i]);
        write_be64(&buf, cases[i]);
        write_uvarint_bytes(&buf, STR("abc"));
        rd = reader_over(buf_view(&buf));
        assert_true(read_uvarint(&rd) == cases[i]);
        assert_true(read_varint(&rd) == (int64_t)cases[i]);
        assert_int_equal(read_be16(&rd), (uint16_t)cases[i]);
        assert_int_equal(read_be32(&rd), (uint32_t)cases[i]);
        assert_true(read_be64(&rd) == cases[i]);
        assert_str_equal(read_uvarint_bytes(&rd), STR("abc"));
        assert_false(rd.failed);
        assert_int_equal(reader_left(&rd), 0);
        buf_done(&buf);
    }
}

TEST(bytes_reader_fails_and_stays_failed)
{
    static const struct {
        const char *name;
        str data;
    } cases[] = {
        {"nothing", STR_INIT("")},
        {"unfinished", STR_INIT("\x80\x80")},
        {"eleven bytes", STR_INIT("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01")},
        {"65 bits", STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02")},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct reader rd = reader_over(cases[i].data);

        test_row(cases[i].name);
        assert_true(read_uvarint(&rd) == 0);
        assert_true(rd.failed);
        assert_int_equal(rd.offset, 0);
        assert_int_equal(read_u8(&rd), 0);
        assert_null(read_bytes(&rd, 0).ptr);
        assert_int_equal(reader_left(&rd), 0);
    }
    test_row(NULL);
}

TEST(bytes_length_beyond_the_data_is_refused)
{
    struct reader rd = reader_over(STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01zz"));

    assert_null(read_uvarint_bytes(&rd).ptr);
    assert_true(rd.failed);
}
