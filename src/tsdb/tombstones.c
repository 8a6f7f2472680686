#include "tsdb/tombstones.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/vec.h"
#include "codec/bytes.h"
#include "codec/crc32c.h"

#define TOMBSTONES_MAGIC 0x0130BA30u

enum { TOMBSTONES_VERSION = 1, HEADER_BYTES = 5, CRC_BYTES = 4 };

static int by_ref_and_time(const void *a, const void *b)
{
    const struct tombstone *left = a;
    const struct tombstone *right = b;

    if (left->ref != right->ref) {
        return left->ref < right->ref ? -1 : 1;
    }
    return (left->mint > right->mint) - (left->mint < right->mint);
}

void tombstones_join(struct tombstones *tombstones)
{
    size_t kept = 0;

    if (tombstones->count > 1) {
        qsort(tombstones->items, tombstones->count, sizeof(*tombstones->items), by_ref_and_time);
    }
    for (size_t i = 0; i < tombstones->count; i++) {
        struct tombstone item = tombstones->items[i];
        struct tombstone *last = kept > 0 ? &tombstones->items[kept - 1] : NULL;

        if (last != NULL && last->ref == item.ref && item.mint <= last->maxt) {
            last->maxt = item.maxt > last->maxt ? item.maxt : last->maxt;
        } else {
            tombstones->items[kept++] = item;
        }
    }
    tombstones->count = kept;
}

int tombstones_parse(str data, struct tombstones *ret, struct baro_error *err)
{
    VEC(struct tombstone) found = {0};
    struct reader rd;
    str body;

    if (data.len < HEADER_BYTES + CRC_BYTES || load_be32(data.ptr) != TOMBSTONES_MAGIC) {
        return error_at(err, BARO_ECORRUPT, 0, "tombstones: the magic number differs");
    }
    if (data.ptr[4] != TOMBSTONES_VERSION) {
        return error_set(err, BARO_EUNSUPPORTED, "tombstones: version %u is not supported",
                         (unsigned)(uint8_t)data.ptr[4]);
    }
    body = str_of(data.ptr + HEADER_BYTES, data.len - HEADER_BYTES - CRC_BYTES);
    if (load_be32(data.ptr + data.len - CRC_BYTES) != crc32c(body)) {
        return error_at(err, BARO_ECORRUPT, data.len - CRC_BYTES,
                        "tombstones: the checksum differs");
    }
    rd = reader_over(body);
    while (reader_left(&rd) > 0) {
        struct tombstone item = {.ref = read_uvarint(&rd)};

        item.mint = read_varint(&rd);
        item.maxt = read_varint(&rd);
        if (!rd.failed && item.mint <= item.maxt) {
            vec_push(&found, item);
        }
    }
    if (rd.failed) {
        vec_done(&found);
        return error_at(err, BARO_ECORRUPT, rd.offset, "tombstones: an entry ends early");
    }
    *ret = (struct tombstones){found.items, found.count};
    tombstones_join(ret);
    return 0;
}

void tombstones_done(struct tombstones *tombstones)
{
    tombstones->items = mem_free(tombstones->items);
    tombstones->count = 0;
}

void tombstones_write(const struct tombstones *tombstones, struct buf *buf)
{
    size_t body;

    write_be32(buf, TOMBSTONES_MAGIC);
    write_u8(buf, TOMBSTONES_VERSION);
    body = buf->len;
    for (size_t i = 0; i < tombstones->count; i++) {
        write_uvarint(buf, tombstones->items[i].ref);
        write_varint(buf, tombstones->items[i].mint);
        write_varint(buf, tombstones->items[i].maxt);
    }
    write_be32(buf, buf->failed ? 0 : crc32c(str_of(buf->ptr + body, buf->len - body)));
}

struct tombstones tombstones_of(const struct tombstones *all, uint64_t ref)
{
    size_t low = 0;
    size_t high = all->count;
    size_t behind;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (all->items[middle].ref < ref) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (behind = low; behind < all->count && all->items[behind].ref == ref;) {
        behind++;
    }
    return behind > low ? (struct tombstones){all->items + low, behind - low}
                        : (struct tombstones){0};
}

const struct tombstone *tombstones_cover(struct tombstones of, ts t)
{
    for (size_t i = 0; i < of.count && of.items[i].mint <= t; i++) {
        if (t <= of.items[i].maxt) {
            return &of.items[i];
        }
    }
    return NULL;
}

void tombstones_apply(struct tombstones of, struct sample_buf *samples, size_t first)
{
    size_t kept = first;
    size_t k = 0;

    if (of.count == 0) {
        return;
    }
    for (size_t i = first; i < samples->count; i++) {
        ts t = samples->t[i];

        while (k < of.count && of.items[k].maxt < t) {
            k++;
        }
        if (k == of.count || t < of.items[k].mint) {
            sample_buf_move(samples, kept++, samples, i);
        }
    }
    samples->count = kept;
}
