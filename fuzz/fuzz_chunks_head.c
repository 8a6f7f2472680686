/* A file of chunks_head: whatever the bytes, whole chunks come out in their order, or the reader
 * says where it ended; the bytes get good checksums first, so that what they protect is reached. */
#include "fuzz/fuzz.h"

#include "base/assert.h"
#include "base/mem.h"
#include "codec/bytes.h"
#include "codec/crc32c.h"
#include "tsdb/chunks_head.h"

/* Mends the checksum of the chunk at an offset; returns where the next one begins. */
static size_t mend(char *data, size_t size, size_t offset)
{
    struct reader rd = reader_over(str_of(data, size));

    rd.offset = offset;
    (void)reader_take(&rd, 25);
    (void)read_bytes(&rd, read_uvarint(&rd));
    if (rd.failed || reader_left(&rd) < 4) {
        return size;
    }
    store_be32(data + rd.offset, crc32c(str_of(data + offset, rd.offset - offset)));
    return rd.offset + 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chunks_item item = {0};
    struct baro_error err = {0};
    size_t offset = 0, before = 0;
    char *copy = mem_alloc(size);
    int r;

    memcpy(copy, data, size);
    for (size_t at = 0; size > 0 && (data[0] & 1) != 0 && at < size;) {
        at = mend(copy, size, at);
    }
    while ((r = chunks_head_next(str_of(copy, size), &offset, &item, &err)) == 1) {
        ASSERT(offset > before && offset <= size && item.mint <= item.maxt && item.ref != 0);
        ASSERT(item.data.ptr >= copy && item.data.ptr + item.data.len <= copy + offset);
        before = offset;
    }
    ASSERT(r == 0 || (r == BARO_ECORRUPT && err.offset == before && offset == before));
    (void)mem_free(copy);
    return 0;
}
