#include "codec/protobuf.h"

#include "testing/test.h"

TEST(protobuf_reads_what_it_writes)
{
    struct buf buf = {0};
    struct reader rd;
    struct protobuf_field field = {0};

    protobuf_put_uint(&buf, 1, UINT64_MAX);
    protobuf_put_int(&buf, 2, -5);
    protobuf_put_sint(&buf, 3, INT64_MIN);
    protobuf_put_double(&buf, 4, -0.25);
    protobuf_put_bytes(&buf, 536870911, STR("text"));
    assert_false(buf.failed);
    rd = reader_over(buf_view(&buf));
    assert_true(protobuf_next(&rd, &field));
    assert_int_equal(field.number, 1);
    assert_true(protobuf_uint(&rd, &field) == UINT64_MAX);
    assert_true(protobuf_next(&rd, &field));
    assert_int_equal(protobuf_int(&rd, &field), -5);
    assert_true(protobuf_next(&rd, &field));
    assert_true(protobuf_sint(&rd, &field) == INT64_MIN);
    assert_true(protobuf_next(&rd, &field));
    assert_true(protobuf_double(&rd, &field) == -0.25);
    assert_true(protobuf_next(&rd, &field));
    assert_int_equal(field.number, 536870911);
    assert_str_equal(protobuf_bytes(&rd, &field), STR("text"));
    assert_false(protobuf_next(&rd, &field));
    assert_false(rd.failed);
    buf_done(&buf);
}

TEST(protobuf_bounds_sint32)
{
    static const int64_t values[] = {INT32_MIN, INT32_MAX, INT64_C(0) + INT32_MIN - 1,
                                     INT64_C(0) + INT32_MAX + 1};

    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        struct buf buf = {0};
        struct protobuf_field field = {0};
        struct reader rd;

        protobuf_put_sint(&buf, 1, values[i]);
        rd = reader_over(buf_view(&buf));
        assert_true(protobuf_next(&rd, &field));
        assert_int_equal(protobuf_sint32(&rd, &field), i < 2 ? values[i] : 0);
        assert_int_equal(rd.failed, i >= 2);
        buf_done(&buf);
    }
}

TEST(protobuf_refuses_damage)
{
    static const struct {
        const char *name;
        str bytes;
        int fields; /* good ones in front */
    } cases[] = {
        {"number 0", STR_INIT("\x00\x01"), 0},
        {"number of 30 bits", STR_INIT("\x80\x80\x80\x80\x10\x01"), 0},
        {"a tag alone", STR_INIT("\x08"), 0},
        {"a varint that does not end", STR_INIT("\x08\x80\x80"), 0},
        {"a varint of 11 bytes", STR_INIT("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0},
        {"bytes longer than the message",
         STR_INIT("\x0a\x05"
                  "abc"),
         0},
        {"a length beyond 63 bits", STR_INIT("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0},
        {"half a double", STR_INIT("\x09\x00\x00\x00\x00"), 0},
        {"half a fixed32", STR_INIT("\x0d\x00\x00"), 0},
        {"a group", STR_INIT("\x08\x01\x0b\x0c"), 1},
        {"wire type 6", STR_INIT("\x08\x01\x0e\x01"), 1},
        {"wire type 7", STR_INIT("\x08\x01\x0f\x01"), 1},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct reader rd = reader_over(cases[i].bytes);
        struct protobuf_field field = {0};
        int fields = 0;

        test_row(cases[i].name);
        while (protobuf_next(&rd, &field)) {
            fields++;
        }
        assert_true(rd.failed);
        assert_int_equal(fields, cases[i].fields);
        assert_false(protobuf_next(&rd, &field));
    }
    test_row(NULL);
}

TEST(protobuf_getters_check_the_wire_type)
{
    struct buf buf = {0};
    struct protobuf_field number = {.number = 1, .wire = PROTOBUF_VARINT, .value = 7};
    struct protobuf_field text = {.number = 1, .wire = PROTOBUF_BYTES, .bytes = STR("x")};
    struct reader rd;

    rd = reader_over(STR(""));
    assert_int_equal(protobuf_uint(&rd, &text), 0);
    assert_true(rd.failed);
    rd = reader_over(STR(""));
    assert_true(protobuf_double(&rd, &number) == 0);
    assert_true(rd.failed);
    rd = reader_over(STR(""));
    assert_int_equal(protobuf_bytes(&rd, &number).len, 0);
    assert_true(rd.failed);
    rd = reader_over(STR(""));
    assert_int_equal(protobuf_uint(&rd, &number), 7);
    assert_false(rd.failed);
    buf_done(&buf);
}

TEST(protobuf_items_are_packed_or_not)
{
    struct buf packed = {0};
    struct protobuf_field field = {.number = 1, .wire = PROTOBUF_VARINT, .value = 300};
    struct reader rd = reader_over(STR(""));
    struct protobuf_items items = protobuf_items(&rd, &field, PROTOBUF_VARINT);
    uint64_t value = 0;

    assert_true(protobuf_items_next(&items, &value));
    assert_int_equal(value, 300);
    assert_false(protobuf_items_next(&items, &value));
    write_uvarint(&packed, 1);
    write_uvarint(&packed, 300);
    field =
        (struct protobuf_field){.number = 1, .wire = PROTOBUF_BYTES, .bytes = buf_view(&packed)};
    items = protobuf_items(&rd, &field, PROTOBUF_VARINT);
    assert_true(protobuf_items_next(&items, &value));
    assert_int_equal(value, 1);
    assert_true(protobuf_items_next(&items, &value));
    assert_int_equal(value, 300);
    assert_false(protobuf_items_next(&items, &value));
    assert_false(rd.failed);
    /* A double's bytes that end early fail the message around them. */
    field.bytes = STR("\0\0\0\0\0\0\xf0\x3f\0");
    items = protobuf_items(&rd, &field, PROTOBUF_FIXED64);
    assert_true(protobuf_items_next(&items, &value));
    assert_true(protobuf_double_of(value) == 1.0);
    assert_false(protobuf_items_next(&items, &value));
    assert_true(rd.failed);
    /* Another wire type is no item. */
    rd = reader_over(STR(""));
    field = (struct protobuf_field){.number = 1, .wire = PROTOBUF_VARINT, .value = 1};
    items = protobuf_items(&rd, &field, PROTOBUF_FIXED64);
    assert_false(protobuf_items_next(&items, &value));
    assert_true(rd.failed);
    buf_done(&packed);
}
