/*
 * Any bytes as an index, each list of postings and each series visited. Checksums are made to hold
 * first, where the sections can be found, so that the inside is reached.
 */
#include "base/mem.h"
#include "codec/bytes.h"
#include "codec/crc32c.h"
#include "fuzz/fuzz.h"
#include "tsdb/index_layout.h"
#include "tsdb/index_reader.h"

enum { TOC_BYTES = 52, VISITS_MAX = 1000 };

static void mend(uint8_t *data, size_t size, uint64_t offset, uint64_t length, uint64_t skip)
{
    if (offset < size && skip <= size - offset && length <= size - offset - skip &&
        size - offset - skip - length >= 4) {
        store_be32(data + offset + skip + length,
                   crc32c(str_of((char *)data + offset + skip, (size_t)length)));
    }
}

static void mend_all(uint8_t *data, size_t size)
{
    uint8_t *toc = data + size - TOC_BYTES;

    for (size_t i = 0; i < 6; i++) {
        uint64_t offset = load_be64(toc + i * 8);

        if (i != 1 && size >= 4 &&
            offset <= size - 4) { /* all but the series, which have no length */
            mend(data, size, offset, load_be32(data + offset), 4);
        }
    }
    for (size_t offset = 16; offset < size; offset += 16) { /* short series entries */
        if (offset >= load_be64(toc + 8) && data[offset] < 0x80) {
            mend(data, size, offset, data[offset], 1);
        }
    }
    mend(data, size, size - TOC_BYTES, TOC_BYTES - 4, 0);
}

static void visit_series(const struct index_reader *index, uint32_t ref)
{
    struct index_series series;
    struct chunk_meta_walk walk;
    struct chunk_meta meta;

    if (index_reader_series(index, ref, &series, NULL) >= 0) {
        walk = chunk_meta_walk_over(series.chunks, series.chunk_count);
        while (chunk_meta_next(&walk, &meta, NULL) > 0) {
        }
    }
}

static void visit(const struct index_reader *index)
{
    struct postings list = {0};
    uint32_t visits = 0;

    for (uint32_t name = 0; name < index_reader_name_count(index); name++) {
        (void)index_reader_value_seek(index, name, STR("m"));
        for (uint32_t value = 0; value < index_reader_value_count(index, name); value++) {
            if (visits++ < VISITS_MAX &&
                index_reader_postings(index, name, value, &list, NULL) >= 0) {
                (void)postings_is_sorted(list);
            }
        }
    }
    if (index_reader_all_postings(index, &list, NULL) >= 0) {
        for (size_t i = 0; i < list.count && i < VISITS_MAX; i++) {
            visit_series(index, load_be32((const uint8_t *)list.items + i * 4));
        }
    }
}

/* As salvage does: without tables. */
static void scan(str data)
{
    struct index_reader *index = NULL;
    uint64_t offset = 0;
    uint32_t ref = 0;

    if (index_reader_open_symbols(data, &index, NULL) >= 0) {
        for (int i = 0; i < VISITS_MAX && index_series_scan(data, &offset, &ref, NULL) > 0; i++) {
            visit_series(index, ref);
        }
    }
    (void)index_reader_free(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct index_reader *index = NULL;
    uint8_t *copy = mem_alloc(size);

    memcpy(copy, data, size);
    if (size >= TOC_BYTES) {
        mend_all(copy, size);
    }
    if (index_reader_open(str_of((char *)copy, size), &index, NULL) >= 0) {
        visit(index);
    }
    index = index_reader_free(index);
    (void)index_layout_check(str_of((char *)copy, size), NULL);
    scan(str_of((char *)copy, size));
    (void)mem_free(copy);
    return 0;
}
