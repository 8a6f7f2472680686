#include "tsdb/block_salvage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/vec.h"
#include "sys/fs.h"
#include "tsdb/block_priv.h"
#include "tsdb/block_verify.h"
#include "tsdb/block_writer.h"
#include "tsdb/chunk.h"
#include "tsdb/frame_mend.h"
#include "tsdb/index_layout.h"

enum {
    SEGMENT_NAME_CHARS = 6,
    TOMBSTONES_BYTES_MAX = 256 << 20,
    TOMBSTONES_HEADER_BYTES = 5,
    /* A longer entry or chunk is not mended: the more bits are tried, the likelier one fits by
       chance. */
    MEND_BYTES_MAX = 16 << 10,
    CHUNK_OFFSET_MIN = 8, /* a segment's header */
};

struct salvage {
    const struct block_salvage_job *job;
    struct arena arena;
    const char *dir;     /* of the damaged block */
    const char *staging; /* the new block is made here */
    struct block_meta meta;
    bool has_meta;
    struct tombstones tombstones;
    struct fs_map index_map;
    char *index_copy; /* of a damaged index, to be mended */
    str index_data;   /* the one or the other */
    struct index_reader *index;
    VEC(struct fs_map) segments; /* by number; an empty one is missing */
    struct block_writer *writer;
    VEC(struct symbol_pair) labels, last_labels;
    VEC(struct tombstone) deletions; /* by number of the new series */
    struct sample_buf samples;
    struct buf chunk_copy; /* of a damaged chunk, to be mended */
    ts mint, maxt;         /* of what was kept, inclusive */
    struct block_salvaged *ret;
};

static void open_segments(struct salvage *salvage)
{
    const struct fs *fs = salvage->job->fs;
    const char *dir = fs_path(&salvage->arena, salvage->dir, "chunks");
    struct fs_entry *entries = NULL;
    size_t count = 0;

    if (fs->list(fs, &salvage->arena, dir, &entries, &count, NULL) < 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t number = 0;
        struct fs_map map = {0};

        if (entries[i].is_dir || entries[i].name.len != SEGMENT_NAME_CHARS ||
            !num_parse_u64(entries[i].name, &number) || number == 0 ||
            number > CHUNK_SEGMENTS_MAX) {
            continue;
        }
        while (salvage->segments.count < number) {
            vec_push(&salvage->segments, (struct fs_map){0});
        }
        if (fs->map(fs, fs_path(&salvage->arena, dir, entries[i].name.ptr), &map, NULL) >= 0) {
            salvage->segments.items[number - 1] = map;
        }
    }
}

static void open_tombstones(struct salvage *salvage)
{
    struct buf fresh = {0};
    str raw = STR_NULL;
    int r = fs_read_all(salvage->job->fs, &salvage->arena,
                        fs_path(&salvage->arena, salvage->dir, "tombstones"), TOMBSTONES_BYTES_MAX,
                        &raw, NULL);

    if (r >= 0) {
        r = tombstones_parse(raw, &salvage->tombstones, NULL);
    }
    if (r < 0 && raw.len > TOMBSTONES_HEADER_BYTES) {
        /* Perhaps only the header, which the checksum does not cover. */
        tombstones_write(&(struct tombstones){0}, &fresh);
        fresh.len = TOMBSTONES_HEADER_BYTES;
        buf_str(&fresh, str_from_index(raw, TOMBSTONES_HEADER_BYTES));
        r = fresh.failed ? r : tombstones_parse(buf_view(&fresh), &salvage->tombstones, NULL);
        buf_done(&fresh);
    }
    salvage->ret->are_deletions_lost = r < 0 && r != -ENOENT;
}

/* A single flipped bit in the symbols or in a series entry is found by the checksum and put back. A
 * series is only looked for where one must be: behind another one, and not in the parts behind the
 * series. */
static void mend_index(struct salvage *salvage)
{
    struct fs_map map = salvage->index_map;
    uint64_t at = INDEX_HEADER_BYTES, end, size;
    char *copy = map.size > 0 ? mem_try(map.size) : NULL;

    if (copy == NULL) {
        return;
    }
    memcpy(copy, map.ptr, map.size);
    salvage->index_copy = copy;
    salvage->index_data = str_of(copy, map.size);
    end = index_series_end(salvage->index_data);
    size = frame_size(salvage->index_data, at, FRAME_BE32, 0);
    if (size == 0 && frame_mend(copy, map.size, at, FRAME_BE32, 0, map.size)) {
        size = frame_size(salvage->index_data, at, FRAME_BE32, 0);
    }
    while (size > 0) {
        at = (at + size + INDEX_SERIES_ALIGN - 1) / INDEX_SERIES_ALIGN * INDEX_SERIES_ALIGN;
        if (at >= end) {
            break;
        }
        size = frame_size(salvage->index_data, at, FRAME_UVARINT, 0);
        if (size == 0 && frame_mend(copy, end, at, FRAME_UVARINT, 0, MEND_BYTES_MAX)) {
            size = frame_size(salvage->index_data, at, FRAME_UVARINT, 0);
        }
    }
}

static int open_parts(struct salvage *salvage, struct baro_error *err)
{
    const struct fs *fs = salvage->job->fs;
    bool is_damaged = false;
    int r;

    salvage->has_meta =
        block_read_meta(fs, &salvage->arena, salvage->dir, &salvage->meta, &is_damaged, NULL) >= 0;
    open_tombstones(salvage);
    open_segments(salvage);
    r = fs->map(fs, fs_path(&salvage->arena, salvage->dir, "index"), &salvage->index_map, err);
    if (r >= 0) {
        salvage->index_data = str_of(salvage->index_map.ptr, salvage->index_map.size);
        if (index_layout_check(salvage->index_data, NULL) < 0) {
            mend_index(salvage);
        }
        r = index_reader_open_symbols(salvage->index_data, &salvage->index, err);
    }
    return r;
}

/* All symbols keep their numbers. */
static int write_symbols(struct salvage *salvage, struct baro_error *err)
{
    uint32_t count = index_reader_symbol_count(salvage->index);
    str *symbols = mem_alloc((count + 1u) * sizeof(str));
    int r = 0;

    for (uint32_t i = 0; i < count; i++) {
        (void)index_reader_symbol(salvage->index, i, &symbols[i]);
        if (i > 0 && str_cmp(symbols[i - 1], symbols[i]) >= 0) {
            r = error_set(err, BARO_ECORRUPT, "index: the symbols are not sorted");
        }
    }
    if (r >= 0) {
        block_writer_symbols(salvage->writer, symbols, count);
    }
    (void)mem_free(symbols);
    return r;
}

/* Reads the labels; false when they are none. */
static bool read_labels(struct salvage *salvage, const struct index_series *entry)
{
    uint32_t symbols = index_reader_symbol_count(salvage->index);
    struct reader rd = entry->labels;

    vec_reset(&salvage->labels);
    for (uint64_t i = 0; i < entry->label_count; i++) {
        uint64_t name = read_uvarint(&rd);
        uint64_t value = read_uvarint(&rd);

        if (rd.failed || name >= symbols || value >= symbols ||
            (i > 0 && name <= vec_last(&salvage->labels)->name)) {
            return false;
        }
        vec_push(&salvage->labels, (struct symbol_pair){(uint32_t)name, (uint32_t)value});
    }
    return salvage->labels.count > 0;
}

/* Series must rise by their labels, as in every index. */
static bool is_behind_last(const struct salvage *salvage)
{
    for (size_t i = 0; i < salvage->labels.count && i < salvage->last_labels.count; i++) {
        struct symbol_pair x = salvage->labels.items[i], y = salvage->last_labels.items[i];

        if (x.name != y.name) {
            return x.name > y.name;
        }
        if (x.value != y.value) {
            return x.value > y.value;
        }
    }
    return salvage->labels.count > salvage->last_labels.count;
}

/* Puts back a single flipped bit of a chunk, in a copy. */
static int mend_chunk(struct salvage *salvage, struct fs_map map, uint64_t offset,
                      uint8_t *ret_encoding, str *ret)
{
    uint64_t size = offset < map.size ? map.size - offset : 0;

    size = size < MEND_BYTES_MAX ? size : MEND_BYTES_MAX;
    /* In front of the copy is as much as a segment has before its first chunk. */
    buf_reset(&salvage->chunk_copy);
    buf_zero(&salvage->chunk_copy, CHUNK_OFFSET_MIN);
    buf_bytes(&salvage->chunk_copy, map.ptr + (size > 0 ? offset : 0), (size_t)size);
    if (size == 0 || salvage->chunk_copy.failed ||
        !frame_mend(salvage->chunk_copy.ptr, salvage->chunk_copy.len, CHUNK_OFFSET_MIN,
                    FRAME_UVARINT, 1, MEND_BYTES_MAX)) {
        return BARO_ECORRUPT;
    }
    return chunk_segment_get(buf_view(&salvage->chunk_copy), CHUNK_OFFSET_MIN, ret_encoding, ret,
                             NULL);
}

static int read_chunk(struct salvage *salvage, const struct chunk_meta *meta, uint8_t *ret_encoding,
                      str *ret)
{
    uint64_t segment = meta->ref >> 32;
    struct fs_map map;
    int r;

    if (segment >= salvage->segments.count) {
        return BARO_ECORRUPT;
    }
    map = salvage->segments.items[segment];
    r = chunk_segment_get(str_of(map.ptr, map.size), meta->ref & UINT32_MAX, ret_encoding, ret,
                          NULL);
    if (r < 0) {
        r = mend_chunk(salvage, map, meta->ref & UINT32_MAX, ret_encoding, ret);
    }
    return r < 0 ? r : block_chunk_check(*ret_encoding, *ret, meta, &salvage->samples, NULL);
}

/* Writes the good chunks of a series; returns how many, or an error of the disk. */
static int write_chunks(struct salvage *salvage, const struct index_series *entry,
                        struct baro_error *err)
{
    struct chunk_meta_walk walk = chunk_meta_walk_over(entry->chunks, entry->chunk_count);
    struct chunk_meta meta = {0};
    ts last = INT64_MIN;
    int kept = 0;

    while (chunk_meta_next(&walk, &meta, NULL) > 0) {
        uint8_t encoding = CHUNK_NONE;
        str data = STR_NULL;
        int r;

        if (meta.mint > meta.maxt || (kept > 0 && meta.mint <= last) ||
            read_chunk(salvage, &meta, &encoding, &data) < 0) {
            salvage->ret->chunks_lost++;
            continue;
        }
        r = block_writer_chunk(salvage->writer, encoding, data, meta.mint, meta.maxt,
                               chunk_samples(encoding, data), err);
        if (r < 0) {
            return r;
        }
        last = meta.maxt;
        salvage->mint = meta.mint < salvage->mint ? meta.mint : salvage->mint;
        salvage->maxt = meta.maxt > salvage->maxt ? meta.maxt : salvage->maxt;
        salvage->ret->samples += chunk_samples(encoding, data);
        kept++;
    }
    salvage->ret->chunks += (uint64_t)kept;
    return kept;
}

static int write_series(struct salvage *salvage, uint32_t ref, struct baro_error *err)
{
    struct index_series entry = {0};
    struct tombstones deleted = tombstones_of(&salvage->tombstones, ref);
    int r;

    if (index_reader_series(salvage->index, ref, &entry, NULL) < 0 ||
        !read_labels(salvage, &entry) || !is_behind_last(salvage)) {
        return 0;
    }
    block_writer_begin(salvage->writer, salvage->labels.items, salvage->labels.count);
    r = write_chunks(salvage, &entry, err);
    block_writer_end(salvage->writer);
    if (r <= 0) {
        return r;
    }
    for (size_t i = 0; i < deleted.count; i++) {
        struct tombstone item = deleted.items[i];

        item.ref = salvage->ret->series;
        vec_push(&salvage->deletions, item);
    }
    salvage->ret->series++;
    vec_reset(&salvage->last_labels);
    vec_reserve(&salvage->last_labels, salvage->labels.count);
    memcpy(salvage->last_labels.items, salvage->labels.items,
           salvage->labels.count * sizeof(salvage->labels.items[0]));
    salvage->last_labels.count = salvage->labels.count;
    return 0;
}

static int write_all_series(struct salvage *salvage, struct baro_error *err)
{
    uint64_t offset = 0;
    uint32_t ref = 0;
    int r;

    while ((r = index_series_scan(salvage->index_data, &offset, &ref, err)) > 0) {
        const _Atomic bool *stop = salvage->job->stop;

        if (stop != NULL && atomic_load_explicit(stop, memory_order_relaxed)) {
            return error_set(err, BARO_ECANCELED, "the salvage was stopped");
        }
        r = write_series(salvage, ref, err);
        if (r < 0) {
            return r;
        }
    }
    return r;
}

/* The deletions get the references of the new index. */
static int write_tombstones(struct salvage *salvage, const char *dir, struct block_meta *meta,
                            struct baro_error *err)
{
    struct tombstones all = {salvage->deletions.items, salvage->deletions.count};
    struct block *block = NULL;
    struct postings list = {0};
    struct buf raw = {0};
    int r;

    if (all.count == 0) {
        return 0;
    }
    r = block_open(salvage->job->fs, dir, &block, err);
    if (r >= 0) {
        r = index_reader_all_postings(block->index, &list, err);
    }
    for (size_t i = 0; r >= 0 && i < all.count; i++) {
        ASSERT(all.items[i].ref < list.count);
        all.items[i].ref = postings_at_index(list, all.items[i].ref);
    }
    (void)block_unref(block);
    if (r >= 0) {
        tombstones_write(&all, &raw);
        r = raw.failed ? error_set(err, -ENOMEM, "no memory for %zu tombstones", all.count)
                       : file_replace(salvage->job->fs, dir, "tombstones", buf_view(&raw), err);
        buf_done(&raw);
    }
    if (r >= 0) {
        meta->tombstone_count = all.count;
        r = block_meta_replace(salvage->job->fs, dir, meta, err);
    }
    return r;
}

/* What is known of the old block goes on; what is not follows from the chunks. */
static struct block_meta meta_of(const struct salvage *salvage)
{
    const struct block_meta *old = &salvage->meta;
    struct block_meta meta = {.mint = salvage->mint, .maxt = salvage->maxt + 1, .level = 1};

    if (salvage->has_meta) {
        meta.mint = old->mint < meta.mint ? old->mint : meta.mint;
        meta.maxt = old->maxt > meta.maxt ? old->maxt : meta.maxt;
        meta.level = old->level;
        meta.is_out_of_order = old->is_out_of_order;
        for (size_t i = 0; i < old->sources.count; i++) {
            block_parents_add(&meta.sources, old->sources.items[i].ulid, 0, 0);
        }
    }
    return meta;
}

static int finish(struct salvage *salvage, struct baro_error *err)
{
    const struct fs *fs = salvage->job->fs;
    struct block_meta meta = meta_of(salvage);
    int r = block_writer_finish(salvage->writer, &meta, err);
    const char *made = fs_path(&salvage->arena, salvage->staging, meta.ulid);

    if (r >= 0) {
        r = write_tombstones(salvage, made, &meta, err);
    }
    if (r >= 0) {
        r = fs->rename(fs, made, fs_path(&salvage->arena, salvage->job->data_dir, meta.ulid), err);
    }
    if (r >= 0) {
        r = fs->sync_dir(fs, salvage->job->data_dir, err);
    }
    if (r >= 0) {
        memcpy(salvage->ret->ulid, meta.ulid, sizeof(meta.ulid));
        salvage->ret->is_series_lost =
            !salvage->has_meta || salvage->meta.series_count > salvage->ret->series;
    }
    block_meta_done(&meta);
    return r;
}

static int make_staging(struct salvage *salvage, struct baro_error *err)
{
    const struct fs *fs = salvage->job->fs;
    const char *aside = fs_path(&salvage->arena, salvage->job->data_dir, DAMAGED_DIR);
    int r = fs->mkdir(fs, aside, err);

    salvage->staging = fs_path(&salvage->arena, aside, "new");
    if (r >= 0) {
        r = fs_remove_tree(fs, salvage->staging, err);
    }
    return r < 0 ? r : fs->mkdir(fs, salvage->staging, err);
}

static int salvage_all(struct salvage *salvage, struct baro_error *err)
{
    int r = open_parts(salvage, err);

    if (r >= 0) {
        r = make_staging(salvage, err);
    }
    if (r >= 0) {
        r = block_writer_open(salvage->job->fs, salvage->staging, salvage->job->now, 0,
                              &salvage->writer, err);
    }
    if (r >= 0) {
        r = write_symbols(salvage, err);
    }
    if (r >= 0) {
        r = write_all_series(salvage, err);
    }
    return r < 0 || salvage->ret->series == 0 ? r : finish(salvage, err);
}

int block_salvage_run(const struct block_salvage_job *job, struct block_salvaged *ret,
                      struct baro_error *err)
{
    struct salvage *salvage = MEM_NEW(struct salvage);
    int r;

    *ret = (struct block_salvaged){0};
    salvage->job = job;
    salvage->ret = ret;
    salvage->mint = INT64_MAX;
    salvage->maxt = INT64_MIN;
    salvage->dir = fs_path(&salvage->arena, job->data_dir, job->ulid);
    r = salvage_all(salvage, err);
    (void)block_writer_free(salvage->writer);
    (void)index_reader_free(salvage->index);
    if (salvage->staging != NULL) {
        (void)fs_remove_tree(job->fs, salvage->staging, NULL);
    }
    for (size_t i = 0; i < salvage->segments.count; i++) {
        job->fs->unmap(job->fs, salvage->segments.items[i]);
    }
    if (salvage->index_map.ptr != NULL) {
        job->fs->unmap(job->fs, salvage->index_map);
    }
    (void)mem_free(salvage->index_copy);
    buf_done(&salvage->chunk_copy);
    vec_done(&salvage->segments);
    vec_done(&salvage->labels);
    vec_done(&salvage->last_labels);
    vec_done(&salvage->deletions);
    sample_buf_done(&salvage->samples);
    tombstones_done(&salvage->tombstones);
    block_meta_done(&salvage->meta);
    arena_done(&salvage->arena);
    (void)mem_free(salvage);
    return r < 0 ? error_wrap(err, r, "salvage of block %s", job->ulid) : 0;
}

int block_set_aside(const struct fs *fs, const char *data_dir, const char *ulid,
                    struct baro_error *err)
{
    struct arena arena = {0};
    const char *aside = fs_path(&arena, data_dir, DAMAGED_DIR);
    int r = fs->mkdir(fs, aside, err);

    if (r >= 0) {
        r = fs->rename(fs, fs_path(&arena, data_dir, ulid), fs_path(&arena, aside, ulid), err);
    }
    if (r >= 0) {
        r = fs->sync_dir(fs, aside, err);
    }
    if (r >= 0) {
        r = fs->sync_dir(fs, data_dir, err);
    }
    arena_done(&arena);
    return r;
}
