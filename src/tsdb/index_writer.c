#include "tsdb/index_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "tsdb/file_writer.h"

#define INDEX_MAGIC 0xBAAAD700u

enum {
    INDEX_VERSION = 2,
    SERIES_ALIGN = 16,
    SECTION_ALIGN = 4,
    PAIR_PARTS = 2,
    PAIRS_FIRST = 1024,
    /* Postings that are gathered in one walk over the series: 16 MiB. */
    BATCH_POSTINGS = 4 << 20,
};

/* A distinct label pair. */
struct index_pair {
    uint64_t key;    /* name << 32 | value: symbols are sorted, and so are keys */
    uint64_t offset; /* of its postings in the file */
    uint32_t count;  /* of series */
};

/* The sections by their offsets, as the table of contents has them. */
struct index_sections {
    uint64_t symbols;
    uint64_t series;
    uint64_t label_indexes;
    uint64_t label_offsets;
    uint64_t postings;
    uint64_t postings_offsets;
};

struct index_writer {
    struct file_writer out;
    const struct fs *fs;
    char *path;
    struct index_sections sections;
    str *symbols; /* copies of the caller's list; the bytes are the caller's until finish */
    size_t symbol_count;
    struct buf entry;

    /* Pairs by key: open addressing over `pairs`. */
    VEC(struct index_pair) pairs;
    uint32_t *slots; /* index of the pair + 1; 0 = free */
    size_t capacity;

    VEC(uint64_t) label_at; /* offsets of the label indexes, by name */
    uint64_t series_count;
    uint64_t series_end;
    uint64_t all_offset;
    int failure;
};

int index_writer_open(const struct fs *fs, const char *path, struct index_writer **ret,
                      struct baro_error *err)
{
    struct index_writer *writer = MEM_NEW(struct index_writer);
    int r = file_writer_open(&writer->out, fs, path, err);

    if (r < 0) {
        (void)mem_free(writer);
        return r;
    }
    writer->fs = fs;
    writer->path = str_dup_c(str_from(path));
    writer->capacity = PAIRS_FIRST;
    writer->slots = mem_alloc_zero(PAIRS_FIRST * sizeof(uint32_t));
    file_writer_be32(&writer->out, INDEX_MAGIC);
    file_writer_u8(&writer->out, INDEX_VERSION);
    *ret = writer;
    return 0;
}

struct index_writer *index_writer_free(struct index_writer *writer)
{
    if (writer != NULL) {
        file_writer_done(&writer->out);
        buf_done(&writer->entry);
        vec_done(&writer->pairs);
        vec_done(&writer->label_at);
        (void)mem_free(writer->slots);
        (void)mem_free(writer->symbols);
        (void)mem_free(writer->path);
    }
    return mem_free(writer);
}

static size_t uvarint_bytes(uint64_t value)
{
    size_t bytes = 1;

    for (; value >= 0x80; value >>= 7) {
        bytes++;
    }
    return bytes;
}

static size_t str_bytes(str text)
{
    return uvarint_bytes(text.len) + text.len;
}

void index_writer_symbols(struct index_writer *writer, const str *symbols, size_t count)
{
    struct file_writer *out = &writer->out;
    uint64_t bytes = 4;

    ASSERT(writer->sections.symbols == 0);
    writer->symbols = mem_alloc((count + 1) * sizeof(str));
    memcpy(writer->symbols, symbols, count * sizeof(str));
    writer->symbol_count = count;
    for (size_t i = 0; i < count; i++) {
        DASSERT(i == 0 || str_cmp(symbols[i - 1], symbols[i]) < 0);
        bytes += str_bytes(symbols[i]);
    }
    if (bytes > UINT32_MAX || count > UINT32_MAX) {
        writer->failure = BARO_ELIMIT;
        return;
    }
    writer->sections.symbols = file_writer_offset(out);
    file_writer_be32(out, (uint32_t)bytes);
    file_writer_crc_begin(out);
    file_writer_be32(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        file_writer_uvarint_str(out, symbols[i]);
    }
    file_writer_crc_end(out);
    writer->sections.series = file_writer_offset(out);
}

static size_t pair_slot(const struct index_writer *writer, uint64_t key)
{
    size_t mask = writer->capacity - 1;
    size_t i = (size_t)((key ^ key >> 29) * UINT64_C(0x9E3779B97F4A7C15) >> 32) & mask;

    while (writer->slots[i] != 0 && writer->pairs.items[writer->slots[i] - 1].key != key) {
        i = (i + 1) & mask;
    }
    return i;
}

static void fill_slots(struct index_writer *writer)
{
    memset(writer->slots, 0, writer->capacity * sizeof(uint32_t));
    for (size_t i = 0; i < writer->pairs.count; i++) {
        writer->slots[pair_slot(writer, writer->pairs.items[i].key)] = (uint32_t)i + 1;
    }
}

static void count_pair(struct index_writer *writer, struct symbol_pair label)
{
    uint64_t key = (uint64_t)label.name << 32 | label.value;
    size_t slot = pair_slot(writer, key);

    if (writer->slots[slot] == 0) {
        vec_push(&writer->pairs, (struct index_pair){.key = key});
        writer->slots[slot] = (uint32_t)writer->pairs.count;
        if (writer->pairs.count * 2 > writer->capacity) {
            writer->capacity *= 2;
            writer->slots = mem_realloc(writer->slots, writer->capacity * sizeof(uint32_t));
            fill_slots(writer);
            slot = pair_slot(writer, key);
        }
    }
    writer->pairs.items[writer->slots[slot] - 1].count++;
}

static void put_chunks(struct buf *entry, const struct chunk_meta *chunks, size_t count)
{
    write_uvarint(entry, count);
    for (size_t i = 0; i < count; i++) {
        const struct chunk_meta *chunk = &chunks[i];

        if (i == 0) {
            write_varint(entry, chunk->mint);
        } else {
            write_uvarint(entry, (uint64_t)chunk->mint - (uint64_t)chunks[i - 1].maxt);
        }
        write_uvarint(entry, (uint64_t)chunk->maxt - (uint64_t)chunk->mint);
        if (i == 0) {
            write_uvarint(entry, chunk->ref);
        } else {
            write_varint(entry, (int64_t)(chunk->ref - chunks[i - 1].ref));
        }
    }
}

void index_writer_series(struct index_writer *writer, const struct symbol_pair *labels,
                         size_t label_count, const struct chunk_meta *chunks, size_t chunk_count)
{
    struct buf *entry = &writer->entry;

    buf_reset(entry);
    write_uvarint(entry, label_count);
    for (size_t i = 0; i < label_count; i++) {
        ASSERT(labels[i].name < writer->symbol_count && labels[i].value < writer->symbol_count);
        write_uvarint(entry, labels[i].name);
        write_uvarint(entry, labels[i].value);
        count_pair(writer, labels[i]);
    }
    put_chunks(entry, chunks, chunk_count);
    if (entry->failed) {
        writer->failure = -ENOMEM;
        return;
    }
    file_writer_align(&writer->out, SERIES_ALIGN);
    if (file_writer_offset(&writer->out) / SERIES_ALIGN > UINT32_MAX) {
        writer->failure = BARO_ELIMIT;
        return;
    }
    file_writer_uvarint(&writer->out, entry->len);
    file_writer_crc_begin(&writer->out);
    file_writer_bytes(&writer->out, entry->ptr, entry->len);
    file_writer_crc_end(&writer->out);
    writer->series_count++;
    writer->series_end = file_writer_offset(&writer->out);
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const struct index_pair *)a)->key, y = ((const struct index_pair *)b)->key;

    return (x > y) - (x < y);
}

static uint32_t name_of(const struct index_pair *pair)
{
    return (uint32_t)(pair->key >> 32);
}

/* The pairs of one name: [first, returned). */
static size_t name_end(const struct index_writer *writer, size_t first)
{
    size_t end = first;

    while (end < writer->pairs.count &&
           name_of(&writer->pairs.items[end]) == name_of(&writer->pairs.items[first])) {
        end++;
    }
    return end;
}

/* Readers of today pass these over; the writers of today still make them. */
static void put_label_indexes(struct index_writer *writer)
{
    struct file_writer *out = &writer->out;

    writer->sections.label_indexes = file_writer_offset(out);
    for (size_t first = 0, end; first < writer->pairs.count; first = end) {
        end = name_end(writer, first);
        file_writer_align(out, SECTION_ALIGN);
        vec_push(&writer->label_at, file_writer_offset(out));
        file_writer_be32(out, (uint32_t)(8 + (end - first) * 4));
        file_writer_crc_begin(out);
        file_writer_be32(out, 1); /* names in this index */
        file_writer_be32(out, (uint32_t)(end - first));
        for (size_t i = first; i < end; i++) {
            file_writer_be32(out, (uint32_t)writer->pairs.items[i].key);
        }
        file_writer_crc_end(out);
    }
}

static uint64_t put_postings(struct file_writer *out, const uint32_t *refs, size_t count)
{
    uint64_t offset;

    file_writer_align(out, SECTION_ALIGN);
    offset = file_writer_offset(out);
    file_writer_be32(out, (uint32_t)(4 + count * 4));
    file_writer_crc_begin(out);
    file_writer_be32(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        file_writer_be32(out, refs[i]);
    }
    file_writer_crc_end(out);
    return offset;
}

/* Walks over the series that are in the file. */
struct series_walk {
    struct reader rd;
    uint64_t end;
    uint64_t left;
};

static struct series_walk walk_from(const struct index_writer *writer, struct fs_map map)
{
    return (struct series_walk){
        .rd = {.data = str_of(map.ptr, map.size), .offset = (size_t)writer->sections.series},
        .end = writer->series_end,
        .left = writer->series_count,
    };
}

/* The next series: its reference, and a reader over its labels. False at the end. */
static bool walk_next(struct series_walk *walk, uint32_t *ret_ref, struct reader *ret)
{
    str entry;

    if (walk->left == 0) {
        return false;
    }
    walk->left--;
    walk->rd.offset = (walk->rd.offset + SERIES_ALIGN - 1) / SERIES_ALIGN * SERIES_ALIGN;
    *ret_ref = (uint32_t)(walk->rd.offset / SERIES_ALIGN);
    entry = read_uvarint_bytes(&walk->rd);
    (void)read_be32(&walk->rd);
    *ret = reader_over(entry);
    return !walk->rd.failed;
}

static int put_all(struct index_writer *writer, struct fs_map map, struct baro_error *err)
{
    struct series_walk walk = walk_from(writer, map);
    uint32_t *refs = mem_try((size_t)(writer->series_count + 1) * sizeof(uint32_t));
    struct reader labels;
    size_t count = 0;

    if (refs == NULL) {
        return error_set(err, -ENOMEM, "no memory for the postings of all series");
    }
    while (walk_next(&walk, &refs[count], &labels)) {
        count++;
    }
    writer->all_offset = put_postings(&writer->out, refs, count);
    (void)mem_free(refs);
    return count == writer->series_count
               ? 0
               : error_set(err, BARO_ECORRUPT, "index: what was written does not read back");
}

/* The pairs [first, end) whose postings fit into one batch; at least one. */
static size_t batch_end(const struct index_writer *writer, size_t first)
{
    size_t total = writer->pairs.items[first].count;
    size_t end = first + 1;

    while (end < writer->pairs.count && total + writer->pairs.items[end].count <= BATCH_POSTINGS) {
        total += writer->pairs.items[end++].count;
    }
    return end;
}

/* Gathers the postings of the pairs [first, end) in one walk and writes them. `next` has room for
 * the place of each pair in `refs`. */
static int put_batch(struct index_writer *writer, struct fs_map map, size_t first, size_t end,
                     struct baro_error *err)
{
    struct index_pair *pairs = writer->pairs.items;
    struct series_walk walk = walk_from(writer, map);
    size_t *next = mem_alloc((end - first + 1) * sizeof(size_t));
    struct reader labels;
    uint32_t *refs;
    uint32_t ref = 0;
    size_t total = 0;

    for (size_t i = first; i < end; i++) {
        next[i - first] = total;
        total += pairs[i].count;
    }
    refs = mem_try((total + 1) * sizeof(uint32_t));
    if (refs == NULL) {
        (void)mem_free(next);
        return error_set(err, -ENOMEM, "no memory for %zu postings", total);
    }
    while (walk_next(&walk, &ref, &labels)) {
        uint64_t count = read_uvarint(&labels);

        for (uint64_t k = 0; k < count && !labels.failed; k++) {
            uint64_t name = read_uvarint(&labels);
            uint64_t key = name << 32 | read_uvarint(&labels);

            if (key >= pairs[first].key && key <= pairs[end - 1].key) {
                size_t i = writer->slots[pair_slot(writer, key)] - 1u;

                ASSERT(i >= first && i < end && next[i - first] < total);
                refs[next[i - first]++] = ref;
            }
        }
    }
    for (size_t i = first, at = 0; i < end; at += pairs[i].count, i++) {
        pairs[i].offset = put_postings(&writer->out, refs + at, pairs[i].count);
    }
    (void)mem_free(refs);
    (void)mem_free(next);
    return 0;
}

static int put_all_postings(struct index_writer *writer, struct baro_error *err)
{
    struct fs_map map = {0};
    int r = file_writer_flush(&writer->out, err);

    if (r >= 0) {
        r = writer->fs->map(writer->fs, writer->path, &map, err);
    }
    if (r < 0) {
        return r;
    }
    file_writer_align(&writer->out, SECTION_ALIGN);
    r = put_all(writer, map, err);
    for (size_t first = 0, end; r >= 0 && first < writer->pairs.count; first = end) {
        end = batch_end(writer, first);
        r = put_batch(writer, map, first, end, err);
    }
    writer->fs->unmap(writer->fs, map);
    return r;
}

static void put_label_offsets(struct index_writer *writer)
{
    struct file_writer *out = &writer->out;
    uint64_t bytes = 4;
    size_t number = 0;

    for (size_t first = 0; first < writer->pairs.count; first = name_end(writer, first)) {
        bytes += 1 + str_bytes(writer->symbols[name_of(&writer->pairs.items[first])]) +
                 uvarint_bytes(writer->label_at.items[number++]);
    }
    writer->sections.label_offsets = file_writer_offset(out);
    file_writer_be32(out, (uint32_t)bytes);
    file_writer_crc_begin(out);
    file_writer_be32(out, (uint32_t)writer->label_at.count);
    number = 0;
    for (size_t first = 0; first < writer->pairs.count; first = name_end(writer, first)) {
        file_writer_uvarint(out, 1);
        file_writer_uvarint_str(out, writer->symbols[name_of(&writer->pairs.items[first])]);
        file_writer_uvarint(out, writer->label_at.items[number++]);
    }
    file_writer_crc_end(out);
}

static int put_postings_offsets(struct index_writer *writer, struct baro_error *err)
{
    struct file_writer *out = &writer->out;
    uint64_t bytes = 4 + 3 + uvarint_bytes(writer->all_offset);

    for (size_t i = 0; i < writer->pairs.count; i++) {
        const struct index_pair *pair = &writer->pairs.items[i];

        bytes += 1 + str_bytes(writer->symbols[name_of(pair)]) +
                 str_bytes(writer->symbols[(uint32_t)pair->key]) + uvarint_bytes(pair->offset);
    }
    if (bytes > UINT32_MAX) {
        return error_set(err, BARO_ELIMIT, "index: the postings table is beyond 4 GiB");
    }
    writer->sections.postings_offsets = file_writer_offset(out);
    file_writer_be32(out, (uint32_t)bytes);
    file_writer_crc_begin(out);
    file_writer_be32(out, (uint32_t)writer->pairs.count + 1);
    file_writer_uvarint(out, PAIR_PARTS);
    file_writer_uvarint_str(out, STR(""));
    file_writer_uvarint_str(out, STR(""));
    file_writer_uvarint(out, writer->all_offset);
    for (size_t i = 0; i < writer->pairs.count; i++) {
        const struct index_pair *pair = &writer->pairs.items[i];

        file_writer_uvarint(out, PAIR_PARTS);
        file_writer_uvarint_str(out, writer->symbols[name_of(pair)]);
        file_writer_uvarint_str(out, writer->symbols[(uint32_t)pair->key]);
        file_writer_uvarint(out, pair->offset);
    }
    file_writer_crc_end(out);
    return 0;
}

static void put_contents(struct index_writer *writer)
{
    struct file_writer *out = &writer->out;

    file_writer_crc_begin(out);
    file_writer_be64(out, writer->sections.symbols);
    file_writer_be64(out, writer->sections.series);
    file_writer_be64(out, writer->sections.label_indexes);
    file_writer_be64(out, writer->sections.label_offsets);
    file_writer_be64(out, writer->sections.postings);
    file_writer_be64(out, writer->sections.postings_offsets);
    file_writer_crc_end(out);
}

int index_writer_finish(struct index_writer *writer, struct baro_error *err)
{
    int r = writer->failure;

    ASSERT(writer->sections.symbols != 0);
    if (r < 0) {
        return error_set(err, r,
                         r == BARO_ELIMIT ? "index: the file would pass 64 GiB"
                                          : "index: no memory for a series");
    }
    if (writer->pairs.count > 1) {
        qsort(writer->pairs.items, writer->pairs.count, sizeof(writer->pairs.items[0]), by_key);
    }
    fill_slots(writer);
    put_label_indexes(writer);
    writer->sections.postings = file_writer_offset(&writer->out);
    r = put_all_postings(writer, err);
    if (r >= 0) {
        put_label_offsets(writer);
        r = put_postings_offsets(writer, err);
    }
    if (r >= 0) {
        put_contents(writer);
        r = file_writer_finish(&writer->out, err);
    }
    return r;
}
