/* Any bytes as the small files of a block: a tombstones file, a chunk segment, a meta.json and its
 * seal, a file of the head's chunks. */
#include "base/mem.h"
#include "codec/bytes.h"
#include "codec/crc32c.h"
#include "fuzz/fuzz.h"
#include "tsdb/block_meta.h"
#include "tsdb/block_seal.h"
#include "tsdb/chunk_reader.h"
#include "tsdb/head_chunks_check.h"
#include "tsdb/tombstones.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tombstones tombstones = {0};
    struct block_meta meta = {0};
    bool is_damaged = false;
    uint8_t encoding;
    uint8_t *copy = mem_alloc(size);
    str raw = str_of((char *)copy, size);
    str chunk;

    memcpy(copy, data, size);
    if (size > 9) { /* the checksum of tombstones holds, so that the inside is reached */
        store_be32(copy + size - 4, crc32c(str_of((char *)copy + 5, size - 9)));
    }
    if (tombstones_parse(raw, &tombstones, NULL) >= 0) {
        tombstones_done(&tombstones);
    }
    memcpy(copy, data, size);
    (void)block_meta_parse(raw, &meta, NULL);
    block_meta_done(&meta);
    meta = (struct block_meta){0};
    if (block_seal_judge(raw, str_of((char *)copy, size / 2), &meta, &is_damaged, NULL) >= 0) {
        block_meta_done(&meta);
    }
    (void)block_seal_read(raw, &chunk, NULL);
    (void)head_chunks_check(raw, NULL);
    if (chunk_segment_check(raw, NULL) >= 0) {
        for (size_t offset = 0; offset < size; offset++) {
            (void)chunk_segment_get(raw, offset, &encoding, &chunk, NULL);
        }
    }
    (void)mem_free(copy);
    return 0;
}
