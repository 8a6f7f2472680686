#include "tsdb/index_reader.h"

#include <stdatomic.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/vec.h"
#include "codec/crc32c.h"

#define INDEX_MAGIC 0xBAAAD700u

enum {
    INDEX_VERSION = 2,
    HEADER_BYTES = 5,
    CRC_BYTES = 4,
    TOC_BYTES = 6 * 8 + CRC_BYTES,
    SERIES_ALIGN = 16,
    PAIR_PARTS = 2, /* what each entry of the postings offset table begins with */
};

/* Sections by their offset in the file; 0 = absent. */
struct index_toc {
    uint64_t symbols;
    uint64_t series;
    uint64_t label_indexes;
    uint64_t label_offsets;
    uint64_t postings;
    uint64_t postings_offsets;
};

struct index_name {
    str name;
    uint32_t first; /* of its values in value_offsets */
    uint32_t count;
    _Atomic(str *) values; /* release: pairs with the acquire of readers; NULL until asked for */
    _Atomic uint64_t same; /* struct str_list has it, of the values */
};

struct index_reader {
    str data;
    struct index_toc toc;
    str symbols;         /* the section's content behind its counters */
    uint32_t *symbol_at; /* offsets of all symbols in `symbols` */
    uint32_t symbol_count;
    str table; /* the postings offset table's content */
    VEC(struct index_name) names;
    VEC(uint32_t) value_at; /* offsets of all values in `table`, by name and value */
    bool has_all;
    uint64_t all_offset; /* of the postings of all series */
};

static int corrupt(struct baro_error *err, uint64_t offset, const char *what)
{
    return error_at(err, BARO_ECORRUPT, offset, "index: %s", what);
}

/* section reads a length, that many bytes of content and their checksum. */
static int section(str data, uint64_t offset, str *ret, struct baro_error *err)
{
    struct reader rd = reader_over(data);
    str content;
    uint32_t crc;

    if (offset > data.len) {
        return corrupt(err, offset, "a section begins behind the end");
    }
    rd.offset = (size_t)offset;
    content = read_bytes(&rd, read_be32(&rd));
    crc = read_be32(&rd);
    if (rd.failed) {
        return corrupt(err, offset, "a section ends behind the end");
    }
    if (crc != crc32c(content)) {
        return corrupt(err, offset, "the checksum of a section differs");
    }
    *ret = content;
    return 0;
}

static int read_toc(str data, struct index_toc *ret, struct baro_error *err)
{
    str raw = str_of(data.ptr + data.len - TOC_BYTES, TOC_BYTES);
    struct reader rd = reader_over(raw);

    if (load_be32(raw.ptr + TOC_BYTES - CRC_BYTES) !=
        crc32c(str_of(raw.ptr, TOC_BYTES - CRC_BYTES))) {
        return corrupt(err, data.len - TOC_BYTES, "the checksum of the table of contents differs");
    }
    ret->symbols = read_be64(&rd);
    ret->series = read_be64(&rd);
    ret->label_indexes = read_be64(&rd);
    ret->label_offsets = read_be64(&rd);
    ret->postings = read_be64(&rd);
    ret->postings_offsets = read_be64(&rd);
    return 0;
}

static int read_symbols(struct index_reader *index, struct baro_error *err)
{
    struct reader rd;
    uint32_t count;
    str content = STR_NULL;
    int r = section(index->data, index->toc.symbols, &content, err);

    if (r < 0) {
        return r;
    }
    rd = reader_over(content);
    count = read_be32(&rd);
    if (rd.failed || count > reader_left(&rd)) { /* a symbol has at least one byte */
        return corrupt(err, index->toc.symbols, "the symbol count is wrong");
    }
    index->symbols = content;
    index->symbol_at = mem_try((size_t)count * sizeof(uint32_t) + 1);
    if (index->symbol_at == NULL) {
        return error_set(err, BARO_ELIMIT, "no memory for %u symbols", (unsigned)count);
    }
    for (uint32_t i = 0; i < count; i++) {
        index->symbol_at[i] = (uint32_t)rd.offset;
        (void)read_uvarint_bytes(&rd);
    }
    if (rd.failed) {
        return corrupt(err, index->toc.symbols, "the symbols end early");
    }
    index->symbol_count = count;
    return 0;
}

/* add_pair enters one row of the postings offset table; rows come sorted by name and value. */
static int add_pair(struct index_reader *index, str name, str value, uint32_t value_at,
                    uint64_t offset, str last_value, struct baro_error *err)
{
    struct index_name *last = index->names.count > 0 ? vec_last(&index->names) : NULL;
    int order = last != NULL ? str_cmp(last->name, name) : -1;

    if (name.len == 0 && value.len == 0 && !index->has_all) {
        index->has_all = true;
        index->all_offset = offset;
        return 0;
    }
    if (order > 0 || (order == 0 && str_cmp(last_value, value) >= 0)) {
        return corrupt(err, index->toc.postings_offsets, "the postings table is not sorted");
    }
    if (order < 0) {
        vec_push(&index->names,
                 ((struct index_name){.name = name, .first = (uint32_t)index->value_at.count}));
    }
    vec_push(&index->value_at, value_at);
    vec_last(&index->names)->count++;
    return 0;
}

static int read_postings_table(struct index_reader *index, struct baro_error *err)
{
    struct reader rd;
    uint32_t count;
    str last_value = STR_NULL;
    int r = section(index->data, index->toc.postings_offsets, &index->table, err);

    if (r < 0) {
        return r;
    }
    rd = reader_over(index->table);
    count = read_be32(&rd);
    for (uint32_t i = 0; i < count && !rd.failed; i++) {
        uint64_t parts = read_uvarint(&rd);
        str name = read_uvarint_bytes(&rd);
        uint32_t value_at = (uint32_t)rd.offset;
        str value = read_uvarint_bytes(&rd);
        uint64_t offset = read_uvarint(&rd);

        if (rd.failed || parts != PAIR_PARTS) {
            break;
        }
        r = add_pair(index, name, value, value_at, offset, last_value, err);
        if (r < 0) {
            return r;
        }
        last_value = value;
        if (i + 1 == count) {
            return 0;
        }
    }
    return count == 0 && !rd.failed
               ? 0
               : corrupt(err, index->toc.postings_offsets, "the postings table is damaged");
}

static int open_tables(struct index_reader *index, struct baro_error *err)
{
    int r = read_toc(index->data, &index->toc, err);

    if (r < 0) {
        return r;
    }
    r = read_symbols(index, err);
    return r < 0 ? r : read_postings_table(index, err);
}

int index_reader_open(str data, struct index_reader **ret, struct baro_error *err)
{
    CLEANUP(index_reader_freep) struct index_reader *index = NULL;
    int r;

    if (data.len < HEADER_BYTES + TOC_BYTES) {
        return corrupt(err, data.len, "the file is too short");
    }
    if (load_be32(data.ptr) != INDEX_MAGIC) {
        return corrupt(err, 0, "this is no index: the magic number differs");
    }
    if (data.ptr[4] != INDEX_VERSION) {
        return error_set(err, BARO_EUNSUPPORTED, "index: version %u is not supported, only %u is",
                         (unsigned)(uint8_t)data.ptr[4], (unsigned)INDEX_VERSION);
    }
    index = MEM_NEW(struct index_reader);
    index->data = data;
    r = open_tables(index, err);
    if (r >= 0) {
        *ret = TAKE(index);
    }
    return r;
}

int index_reader_open_symbols(str data, struct index_reader **ret, struct baro_error *err)
{
    CLEANUP(index_reader_freep) struct index_reader *index = NULL;
    int r;

    if (data.len < HEADER_BYTES + TOC_BYTES) {
        return corrupt(err, data.len, "the file is too short");
    }
    index = MEM_NEW(struct index_reader);
    index->data = data;
    index->toc.symbols = HEADER_BYTES;
    index->toc.series = HEADER_BYTES;
    r = read_symbols(index, err);
    if (r >= 0) {
        *ret = TAKE(index);
    }
    return r;
}

struct index_reader *index_reader_free(struct index_reader *index)
{
    if (index != NULL) {
        (void)mem_free(index->symbol_at);
        for (size_t i = 0; i < index->names.count; i++) {
            (void)mem_free(
                atomic_load_explicit(&index->names.items[i].values, memory_order_relaxed));
        }
        vec_done(&index->names);
        vec_done(&index->value_at);
    }
    return mem_free(index);
}

/* prefixed reads the length and bytes at an offset where open has found them complete. */
static inline str prefixed(str content, uint32_t offset)
{
    struct reader rd = {.data = content, .offset = offset};

    return read_uvarint_bytes(&rd);
}

uint32_t index_reader_symbol_count(const struct index_reader *index)
{
    return index->symbol_count;
}

bool index_reader_symbol(const struct index_reader *index, uint64_t ref, str *ret)
{
    if (ref >= index->symbol_count) {
        return false;
    }
    *ret = prefixed(index->symbols, index->symbol_at[ref]);
    return true;
}

int index_reader_series(const struct index_reader *index, uint32_t ref, struct index_series *ret,
                        struct baro_error *err)
{
    uint64_t offset = (uint64_t)ref * SERIES_ALIGN;
    struct reader rd = reader_over(index->data);
    struct index_series series = {0};
    str content;
    uint32_t crc;

    if (offset < index->toc.series || offset > index->data.len - TOC_BYTES) {
        return corrupt(err, offset, "a series lies outside of the series section");
    }
    rd.offset = (size_t)offset;
    content = read_uvarint_bytes(&rd);
    crc = read_be32(&rd);
    if (rd.failed || crc != crc32c(content)) {
        return corrupt(err, offset, "the checksum of a series differs");
    }
    rd = reader_over(content);
    series.label_count = read_uvarint(&rd);
    series.labels = rd;
    if (series.label_count > content.len) {
        return corrupt(err, offset, "a series has too many labels");
    }
    for (uint64_t i = 0; i < 2 * series.label_count; i++) {
        (void)read_uvarint(&rd);
    }
    series.chunk_count = read_uvarint(&rd);
    series.chunks = rd;
    if (rd.failed) {
        return corrupt(err, offset, "the labels of a series end early");
    }
    *ret = series;
    return 0;
}

struct chunk_meta_walk chunk_meta_walk_over(struct reader chunks, uint64_t count)
{
    return (struct chunk_meta_walk){.rd = chunks, .left = count};
}

int chunk_meta_next(struct chunk_meta_walk *walk, struct chunk_meta *ret, struct baro_error *err)
{
    uint64_t mint;
    uint64_t maxt;
    uint64_t ref;

    if (walk->left == 0) {
        return 0;
    }
    if (!walk->started) {
        mint = (uint64_t)read_varint(&walk->rd);
        maxt = mint + read_uvarint(&walk->rd);
        ref = read_uvarint(&walk->rd);
    } else {
        mint = (uint64_t)walk->last.maxt + read_uvarint(&walk->rd);
        maxt = mint + read_uvarint(&walk->rd);
        ref = walk->last.ref + (uint64_t)read_varint(&walk->rd);
    }
    if (walk->rd.failed) {
        return corrupt(err, walk->rd.offset, "the chunks of a series end early");
    }
    walk->started = true;
    walk->left--;
    walk->last = (struct chunk_meta){(ts)mint, (ts)maxt, ref};
    *ret = walk->last;
    return 1;
}

uint32_t index_reader_name_count(const struct index_reader *index)
{
    return (uint32_t)index->names.count;
}

str index_reader_name(const struct index_reader *index, uint32_t name)
{
    ASSERT(name < index->names.count);
    return index->names.items[name].name;
}

bool index_reader_name_find(const struct index_reader *index, str name, uint32_t *ret)
{
    size_t low = 0;
    size_t high = index->names.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(index->names.items[middle].name, name);

        if (order == 0) {
            *ret = (uint32_t)middle;
            return true;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return false;
}

uint32_t index_reader_value_count(const struct index_reader *index, uint32_t name)
{
    ASSERT(name < index->names.count);
    return index->names.items[name].count;
}

static uint32_t value_offset(const struct index_reader *index, uint32_t name, uint32_t value)
{
    ASSERT(name < index->names.count && value < index->names.items[name].count);
    return index->value_at.items[index->names.items[name].first + value];
}

str index_reader_value(const struct index_reader *index, uint32_t name, uint32_t value)
{
    return prefixed(index->table, value_offset(index, name, value));
}

const str *index_reader_values(const struct index_reader *index, uint32_t name,
                               _Atomic uint64_t **ret_same)
{
    struct index_name *of = &index->names.items[name];
    str *values = atomic_load_explicit(&of->values, memory_order_acquire);
    str *known = NULL;

    *ret_same = &of->same;
    if (values != NULL || of->count > INDEX_VALUES_KEPT_MAX) {
        return values;
    }
    values = mem_alloc(of->count * sizeof(*values));
    for (uint32_t i = 0; i < of->count; i++) {
        values[i] = index_reader_value(index, name, i);
    }
    if (!atomic_compare_exchange_strong_explicit(&of->values, &known, values, memory_order_acq_rel,
                                                 memory_order_acquire)) {
        (void)mem_free(values); /* another thread was first */
        return known;
    }
    return values;
}

uint32_t index_reader_value_seek(const struct index_reader *index, uint32_t name, str wanted)
{
    uint32_t low = 0;
    uint32_t high = index_reader_value_count(index, name);

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (str_cmp(index_reader_value(index, name, middle), wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int postings_at(const struct index_reader *index, uint64_t offset, struct postings *ret,
                       struct baro_error *err)
{
    str content = STR_NULL;
    uint32_t count;
    int r = section(index->data, offset, &content, err);

    if (r < 0) {
        return r;
    }
    count = content.len >= 4 ? load_be32(content.ptr) : 0;
    if (content.len != 4 + (uint64_t)count * 4) {
        return corrupt(err, offset, "the postings count is wrong");
    }
    *ret = (struct postings){
        .items = (const uint32_t *)(const void *)(content.ptr + 4), .count = count, .is_be = true};
    return 0;
}

int index_reader_postings(const struct index_reader *index, uint32_t name, uint32_t value,
                          struct postings *ret, struct baro_error *err)
{
    struct reader rd = {.data = index->table, .offset = value_offset(index, name, value)};

    (void)read_uvarint_bytes(&rd);
    return postings_at(index, read_uvarint(&rd), ret, err);
}

int index_reader_all_postings(const struct index_reader *index, struct postings *ret,
                              struct baro_error *err)
{
    if (!index->has_all) {
        *ret = (struct postings){0};
        return 0;
    }
    return postings_at(index, index->all_offset, ret, err);
}
