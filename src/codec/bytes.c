#include "codec/bytes.h"

uint64_t read_uvarint_long(struct reader *rd)
{
    size_t start = rd->offset;
    uint64_t value = 0;

    for (unsigned i = 0; i < UVARINT_BYTES_MAX; i++) {
        uint8_t byte = read_u8(rd);

        if (rd->failed || (i == UVARINT_BYTES_MAX - 1 && byte > 1)) {
            break;
        }
        value |= (uint64_t)(byte & 0x7f) << 7 * i;
        if (byte < 0x80) {
            return value;
        }
    }
    rd->failed = true;
    rd->offset = start;
    return 0;
}

void write_u8(struct buf *buf, uint8_t value)
{
    buf_char(buf, (char)value);
}

void write_be16(struct buf *buf, uint16_t value)
{
    uint8_t raw[2] = {(uint8_t)(value >> 8), (uint8_t)value};

    buf_bytes(buf, raw, sizeof(raw));
}

void write_be32(struct buf *buf, uint32_t value)
{
    value = __builtin_bswap32(value);
    buf_bytes(buf, &value, sizeof(value));
}

void write_be64(struct buf *buf, uint64_t value)
{
    value = __builtin_bswap64(value);
    buf_bytes(buf, &value, sizeof(value));
}

void write_uvarint(struct buf *buf, uint64_t value)
{
    char *room = buf_reserve(buf, UVARINT_BYTES_MAX);

    if (room != NULL) {
        buf->len += (size_t)(put_uvarint((uint8_t *)room, value) - (uint8_t *)room);
    }
}

void write_varint(struct buf *buf, int64_t value)
{
    write_uvarint(buf, zigzag(value));
}

void write_uvarint_bytes(struct buf *buf, str bytes)
{
    write_uvarint(buf, bytes.len);
    buf_str(buf, bytes);
}
