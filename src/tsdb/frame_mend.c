#include "tsdb/frame_mend.h"

#include "codec/bytes.h"
#include "codec/crc32c.h"

enum { CRC_BYTES = 4, BE32_BYTES = 4 };

/* Reads a frame without judging its checksum; false when it ends behind the data. */
static bool read_frame(str data, uint64_t offset, enum frame_length length, unsigned extra,
                       str *ret_content, uint32_t *ret_crc)
{
    struct reader rd = reader_over(data);
    uint64_t size;

    if (offset >= data.len) {
        return false;
    }
    rd.offset = (size_t)offset;
    size = length == FRAME_UVARINT ? read_uvarint(&rd) : read_be32(&rd);
    if (rd.failed || size > data.len) {
        return false;
    }
    *ret_content = read_bytes(&rd, size + extra);
    *ret_crc = read_be32(&rd);
    return !rd.failed;
}

uint64_t frame_size(str data, uint64_t offset, enum frame_length length, unsigned extra)
{
    str content = STR_NULL;
    uint32_t crc = 0;

    if (!read_frame(data, offset, length, extra, &content, &crc) || crc32c(content) != crc ||
        content.len == extra) {
        return 0;
    }
    return (uint64_t)(content.ptr - data.ptr) + content.len + CRC_BYTES - offset;
}

static void flip(char *data, uint64_t bit)
{
    data[bit / 8] = (char)(data[bit / 8] ^ 1 << bit % 8);
}

/* The bytes that the length takes as it stands, and one more: a flip may make it longer. */
static uint64_t length_bytes(str data, uint64_t offset, enum frame_length length)
{
    uint64_t bytes = 1;

    if (length == FRAME_BE32) {
        return BE32_BYTES;
    }
    while (offset + bytes <= data.len && bytes < 10 &&
           ((uint8_t)data.ptr[offset + bytes - 1] & 0x80) != 0) {
        bytes++;
    }
    return bytes;
}

bool frame_mend(char *data, uint64_t size, uint64_t offset, enum frame_length length,
                unsigned extra, uint64_t bytes_max)
{
    str all = str_of(data, (size_t)size);
    str content = STR_NULL;
    uint32_t crc = 0;
    uint64_t bit = 0, bytes = length_bytes(all, offset, length);

    if (read_frame(all, offset, length, extra, &content, &crc) && content.len <= bytes_max &&
        crc32c_find_flip(content, crc, &bit)) {
        if (bit < (uint64_t)content.len * 8) {
            flip(data, (uint64_t)(content.ptr - all.ptr) * 8 + bit);
        } else {
            /* The checksum itself: it is written anew. */
            store_be32(data + (content.ptr - all.ptr) + content.len, crc32c(content));
        }
        return true;
    }
    for (bit = offset * 8; bit < (offset + bytes) * 8 && bit / 8 < size; bit++) {
        flip(data, bit);
        if (frame_size(all, offset, length, extra) > 0) {
            return true;
        }
        flip(data, bit);
    }
    return false;
}
