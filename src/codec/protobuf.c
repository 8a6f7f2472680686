#include "codec/protobuf.h"

#include <string.h>

/* Source: protobuf.dev, "Encoding": a tag is number << 3 | wire type, and numbers have 29 bits. */
enum { WIRE_BITS = 3, NUMBER_MAX = (1 << 29) - 1 };

static uint64_t read_le64(struct reader *rd)
{
    return __builtin_bswap64(read_be64(rd));
}

bool protobuf_next(struct reader *rd, struct protobuf_field *ret)
{
    struct protobuf_field field = {0};
    uint64_t tag;

    if (reader_left(rd) == 0) {
        return false;
    }
    tag = read_uvarint(rd);
    if (tag >> WIRE_BITS == 0 || tag >> WIRE_BITS > NUMBER_MAX) {
        rd->failed = true;
        return false;
    }
    field.number = (uint32_t)(tag >> WIRE_BITS);
    field.wire = (enum protobuf_wire)(tag & ((1U << WIRE_BITS) - 1));
    switch ((int)field.wire) {
    case PROTOBUF_VARINT:
        field.value = read_uvarint(rd);
        break;
    case PROTOBUF_FIXED64:
        field.value = read_le64(rd);
        break;
    case PROTOBUF_BYTES:
        field.bytes = read_uvarint_bytes(rd);
        break;
    case PROTOBUF_FIXED32:
        field.value = __builtin_bswap32(read_be32(rd));
        break;
    default:
        rd->failed = true;
        break;
    }
    if (rd->failed) {
        return false;
    }
    *ret = field;
    return true;
}

/* ---- values ---- */

static bool is_wire(struct reader *rd, const struct protobuf_field *field, enum protobuf_wire wire)
{
    rd->failed = rd->failed || field->wire != wire;
    return !rd->failed;
}

uint64_t protobuf_uint(struct reader *rd, const struct protobuf_field *field)
{
    return is_wire(rd, field, PROTOBUF_VARINT) ? field->value : 0;
}

int64_t protobuf_int(struct reader *rd, const struct protobuf_field *field)
{
    return (int64_t)protobuf_uint(rd, field);
}

int64_t protobuf_sint(struct reader *rd, const struct protobuf_field *field)
{
    return unzigzag(protobuf_uint(rd, field));
}

int32_t protobuf_sint32(struct reader *rd, const struct protobuf_field *field)
{
    const int64_t value = protobuf_sint(rd, field);

    rd->failed = rd->failed || value > INT32_MAX || value < INT32_MIN;
    return rd->failed ? 0 : (int32_t)value;
}

uint64_t protobuf_fixed64(struct reader *rd, const struct protobuf_field *field)
{
    return is_wire(rd, field, PROTOBUF_FIXED64) ? field->value : 0;
}

double protobuf_double(struct reader *rd, const struct protobuf_field *field)
{
    return is_wire(rd, field, PROTOBUF_FIXED64) ? protobuf_double_of(field->value) : 0;
}

str protobuf_bytes(struct reader *rd, const struct protobuf_field *field)
{
    return is_wire(rd, field, PROTOBUF_BYTES) ? field->bytes : STR_NULL;
}

double protobuf_double_of(uint64_t value)
{
    double number;

    memcpy(&number, &value, sizeof(number));
    return number;
}

/* ---- repeated numbers ---- */

struct protobuf_items protobuf_items(struct reader *rd, const struct protobuf_field *field,
                                     enum protobuf_wire wire)
{
    struct protobuf_items items = {.message = rd, .wire = wire};

    if (field->wire == PROTOBUF_BYTES) {
        items.packed = reader_over(field->bytes);
    } else if (is_wire(rd, field, wire)) {
        items.value = field->value;
        items.has_value = true;
    }
    return items;
}

bool protobuf_items_next(struct protobuf_items *items, uint64_t *ret)
{
    uint64_t value = items->value;

    if (items->has_value) {
        items->has_value = false;
        *ret = value;
        return true;
    }
    if (reader_left(&items->packed) == 0) {
        return false;
    }
    value =
        items->wire == PROTOBUF_FIXED64 ? read_le64(&items->packed) : read_uvarint(&items->packed);
    if (items->packed.failed) {
        items->message->failed = true;
        return false;
    }
    *ret = value;
    return true;
}

/* ---- writing ---- */

static void put_tag(struct buf *buf, uint32_t number, enum protobuf_wire wire)
{
    ASSERT(number > 0 && number <= NUMBER_MAX);
    write_uvarint(buf, (uint64_t)number << WIRE_BITS | (uint64_t)wire);
}

void protobuf_put_uint(struct buf *buf, uint32_t number, uint64_t value)
{
    put_tag(buf, number, PROTOBUF_VARINT);
    write_uvarint(buf, value);
}

void protobuf_put_int(struct buf *buf, uint32_t number, int64_t value)
{
    protobuf_put_uint(buf, number, (uint64_t)value);
}

void protobuf_put_sint(struct buf *buf, uint32_t number, int64_t value)
{
    protobuf_put_uint(buf, number, zigzag(value));
}

void protobuf_put_fixed64(struct buf *buf, uint32_t number, uint64_t value)
{
    put_tag(buf, number, PROTOBUF_FIXED64);
    write_be64(buf, __builtin_bswap64(value));
}

void protobuf_put_double(struct buf *buf, uint32_t number, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    protobuf_put_fixed64(buf, number, bits);
}

void protobuf_put_bytes(struct buf *buf, uint32_t number, str bytes)
{
    put_tag(buf, number, PROTOBUF_BYTES);
    write_uvarint_bytes(buf, bytes);
}
