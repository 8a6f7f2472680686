#include "tsdb/block_seal.h"

#include <string.h>

#include "base/num.h"
#include "codec/crc32c.h"

#define SEAL_HEAD "barograph seal 1 "

enum { CRC_DIGITS = 8 };

void block_seal_write(str meta_json, struct buf *buf)
{
    buf_printf(buf, SEAL_HEAD "%08x\n", (unsigned)crc32c(meta_json));
    buf_str(buf, meta_json);
}

static bool parse_hex(str digits, uint32_t *ret)
{
    uint32_t value = 0;

    for (size_t i = 0; i < digits.len; i++) {
        const char *at = memchr("0123456789abcdef", digits.ptr[i], 16);

        if (at == NULL) {
            return false;
        }
        value = value << 4 | (uint32_t)(at - (const char *)"0123456789abcdef");
    }
    *ret = value;
    return true;
}

int block_seal_read(str seal, str *ret_meta_json, struct baro_error *err)
{
    size_t head = strlen(SEAL_HEAD) + CRC_DIGITS + 1;
    uint32_t crc = 0;
    str json;

    if (seal.len < head || !str_has_prefix(seal, STR(SEAL_HEAD)) || seal.ptr[head - 1] != '\n' ||
        !parse_hex(str_slice(seal, strlen(SEAL_HEAD), head - 1), &crc)) {
        return error_at(err, BARO_ECORRUPT, 0, BLOCK_SEAL_NAME ": the first line is no seal's");
    }
    json = str_from_index(seal, head);
    if (crc32c(json) != crc) {
        return error_at(err, BARO_ECORRUPT, head, BLOCK_SEAL_NAME ": the checksum differs");
    }
    *ret_meta_json = json;
    return 0;
}

static bool is_same_block(const struct block_meta *a, const struct block_meta *b)
{
    if (strcmp(a->ulid, b->ulid) != 0 || a->mint != b->mint || a->maxt != b->maxt ||
        a->level != b->level || a->series_count != b->series_count ||
        a->sample_count != b->sample_count || a->chunk_count != b->chunk_count ||
        a->sources.count != b->sources.count || a->parents.count != b->parents.count ||
        a->is_out_of_order != b->is_out_of_order) {
        return false;
    }
    for (size_t i = 0; i < a->sources.count; i++) {
        if (strcmp(a->sources.items[i].ulid, b->sources.items[i].ulid) != 0) {
            return false;
        }
    }
    for (size_t i = 0; i < a->parents.count; i++) {
        if (strcmp(a->parents.items[i].ulid, b->parents.items[i].ulid) != 0 ||
            a->parents.items[i].mint != b->parents.items[i].mint ||
            a->parents.items[i].maxt != b->parents.items[i].maxt) {
            return false;
        }
    }
    return true;
}

/* Nobody rewrites a file into one of its length that differs in a few bits only. */
static bool has_few_flips(str a, str b)
{
    unsigned flips = 0;

    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len && flips <= BLOCK_SEAL_FLIPS_MAX; i++) {
        flips += (unsigned)__builtin_popcount((uint8_t)(a.ptr[i] ^ b.ptr[i]));
    }
    return flips > 0 && flips <= BLOCK_SEAL_FLIPS_MAX;
}

int block_seal_judge(str meta_json, str copy, struct block_meta *ret, bool *ret_is_damaged,
                     struct baro_error *err)
{
    struct block_meta meta = {0}, sealed = {0};
    int r = block_meta_parse(meta_json, &meta, err);

    *ret_is_damaged = false;
    if (copy.ptr == NULL || (r >= 0 && str_eq(meta_json, copy)) ||
        block_meta_parse(copy, &sealed, NULL) < 0) {
        if (r >= 0) {
            *ret = meta;
        }
        return r;
    }
    if (r >= 0 && is_same_block(&meta, &sealed) && !has_few_flips(meta_json, copy)) {
        block_meta_done(&sealed);
        *ret = meta;
        return 0;
    }
    block_meta_done(&meta);
    *ret = sealed;
    *ret_is_damaged = true;
    return 0;
}
