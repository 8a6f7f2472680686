#include "tsdb/compact.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/self.h"
#include "tsdb/block_cursor.h"
#include "tsdb/block_priv.h"
#include "tsdb/block_writer.h"
#include "tsdb/chunk.h"
#include "tsdb/chunk_pack.h"

enum {
    CHECK_STOP_EVERY = 256, /* series */
};

/* One parent. */
struct compact_source {
    struct block_cursor cursor;
    uint32_t *symbols; /* the new number of each of its symbols */
    bool has_series;   /* the cursor stands on one */
};

/* A chunk of the series in work. */
struct compact_chunk {
    const struct compact_source *source;
    struct chunk_meta meta;
    bool is_cut; /* some of its samples are deleted */
};

struct compaction {
    const struct compact_job *job;
    struct block_writer *writer;
    struct compact_source *sources;
    VEC(struct compact_chunk) chunks;
    struct sample_buf samples;
    struct chunk_pack pack;
};

/* The least symbol that a source has next; false when all are through. */
static bool least_symbol(const struct compaction *compaction, const uint32_t *next, str *ret)
{
    bool is_found = false;

    for (size_t i = 0; i < compaction->job->count; i++) {
        str symbol = STR_NULL;

        if (block_symbol(compaction->job->blocks[i], next[i], &symbol) &&
            (!is_found || str_cmp(symbol, *ret) < 0)) {
            *ret = symbol;
            is_found = true;
        }
    }
    return is_found;
}

/* Merges the symbol tables and notes what became of each number. */
static int merge_symbols(struct compaction *compaction, struct baro_error *err)
{
    size_t count = compaction->job->count;
    uint32_t *next = mem_alloc_zero(count * sizeof(uint32_t));
    VEC(str) merged = {0};
    str least = STR_NULL;
    int r = 0;

    while (r >= 0 && least_symbol(compaction, next, &least)) {
        if (merged.count > 0 && str_cmp(*vec_last(&merged), least) >= 0) {
            r = error_set(err, BARO_ECORRUPT, "index: the symbols are not sorted");
        }
        for (size_t i = 0; i < count; i++) {
            str symbol = STR_NULL;

            if (block_symbol(compaction->job->blocks[i], next[i], &symbol) &&
                str_eq(symbol, least)) {
                compaction->sources[i].symbols[next[i]++] = (uint32_t)merged.count;
            }
        }
        vec_push(&merged, least);
    }
    if (r >= 0) {
        block_writer_symbols(compaction->writer, merged.items, merged.count);
    }
    vec_done(&merged);
    (void)mem_free(next);
    return r;
}

/* Moves a source on, and gives its labels their new numbers. */
static int advance(struct compact_source *source, struct baro_error *err)
{
    int r = block_cursor_next(&source->cursor, err);

    source->has_series = r > 0;
    for (size_t i = 0; r > 0 && i < source->cursor.labels.count; i++) {
        struct symbol_pair *label = &source->cursor.labels.items[i];

        *label = (struct symbol_pair){source->symbols[label->name], source->symbols[label->value]};
    }
    return r;
}

/* As labels_cmp: symbols are sorted, so their numbers tell. */
static int compare_labels(const struct block_cursor *a, const struct block_cursor *b)
{
    size_t shorter = a->labels.count < b->labels.count ? a->labels.count : b->labels.count;

    for (size_t i = 0; i < shorter; i++) {
        struct symbol_pair x = a->labels.items[i], y = b->labels.items[i];

        if (x.name != y.name) {
            return x.name < y.name ? -1 : 1;
        }
        if (x.value != y.value) {
            return x.value < y.value ? -1 : 1;
        }
    }
    return (a->labels.count > b->labels.count) - (a->labels.count < b->labels.count);
}

static const struct compact_source *least_series(const struct compaction *compaction)
{
    const struct compact_source *least = NULL;

    for (size_t i = 0; i < compaction->job->count; i++) {
        const struct compact_source *source = &compaction->sources[i];

        if (source->has_series &&
            (least == NULL || compare_labels(&source->cursor, &least->cursor) < 0)) {
            least = source;
        }
    }
    return least;
}

/* Takes the chunks of a source's series but for those that are deleted whole. */
static void gather(struct compaction *compaction, const struct compact_source *source)
{
    const struct block *block = source->cursor.block;
    struct tombstones deleted = tombstones_of(&block->tombstones, source->cursor.ref);

    for (size_t i = 0; i < source->cursor.chunks.count; i++) {
        struct compact_chunk chunk = {.source = source, .meta = source->cursor.chunks.items[i]};
        const struct tombstone *cover = tombstones_cover(deleted, chunk.meta.mint);

        if (cover != NULL && cover->maxt >= chunk.meta.maxt) {
            continue;
        }
        for (size_t k = 0; k < deleted.count; k++) {
            chunk.is_cut |= deleted.items[k].mint <= chunk.meta.maxt &&
                            deleted.items[k].maxt >= chunk.meta.mint;
        }
        vec_push(&compaction->chunks, chunk);
    }
}

static int by_time(const void *a, const void *b)
{
    const struct compact_chunk *x = a, *y = b;

    if (x->meta.mint != y->meta.mint) {
        return x->meta.mint < y->meta.mint ? -1 : 1;
    }
    if (x->source != y->source) {
        return x->source < y->source ? -1 : 1;
    }
    return (x->meta.ref > y->meta.ref) - (x->meta.ref < y->meta.ref);
}

static int copy_chunk(struct compaction *compaction, const struct compact_chunk *chunk,
                      struct baro_error *err)
{
    uint8_t encoding = CHUNK_NONE;
    uint32_t samples = 0;
    str data = STR_NULL;
    int r = block_chunk(chunk->source->cursor.block, &chunk->meta, &encoding, &data, &samples, err);

    return r < 0 ? r
                 : block_writer_chunk(compaction->writer, encoding, data, chunk->meta.mint,
                                      chunk->meta.maxt, samples, err);
}

/* Adds the samples of a chunk that are not deleted; of equal times those of the later chunk are
 * kept. */
static int decode_chunk(struct compaction *compaction, const struct compact_chunk *chunk,
                        struct baro_error *err)
{
    const struct block_cursor *cursor = &chunk->source->cursor;
    struct tombstones deleted = tombstones_of(&cursor->block->tombstones, cursor->ref);
    struct sample_buf *all = &compaction->samples;
    size_t middle = all->count;
    uint8_t encoding = CHUNK_NONE;
    uint32_t samples = 0;
    str data = STR_NULL;
    int r = block_chunk(cursor->block, &chunk->meta, &encoding, &data, &samples, err);

    if (r >= 0 && (!chunk_is_known(encoding))) {
        r = error_set(err, BARO_EUNSUPPORTED,
                      "chunks of encoding %u overlap or are deleted in part, and cannot be "
                      "merged yet",
                      encoding);
    }
    if (r < 0) {
        return r;
    }
    r = chunk_decode(encoding, data, INT64_MIN, INT64_MAX, all, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = middle + 1; i < all->count; i++) {
        if (all->t[i] <= all->t[i - 1]) {
            return error_set(err, BARO_ECORRUPT, "chunks: the times of a chunk do not rise");
        }
    }
    tombstones_apply(deleted, all, middle);
    return sample_buf_merge(all, 0, middle)
               ? 0
               : error_set(err, BARO_ELIMIT, "no memory for the samples of a series");
}

/* Decodes the chunks [first, end), which overlap or have deletions, and packs them anew. */
static int repack(struct compaction *compaction, size_t first, size_t end, struct baro_error *err)
{
    int r = 0;

    sample_buf_reset(&compaction->samples);
    for (size_t i = first; r >= 0 && i < end; i++) {
        r = decode_chunk(compaction, &compaction->chunks.items[i], err);
    }
    return r < 0 ? r
                 : chunk_pack_write(&compaction->pack, &compaction->samples, end - first == 1,
                                    compaction->writer, err);
}

static int write_chunks(struct compaction *compaction, struct baro_error *err)
{
    struct compact_chunk *chunks = compaction->chunks.items;
    size_t count = compaction->chunks.count;
    int r = 0;

    if (count > 1) {
        qsort(chunks, count, sizeof(chunks[0]), by_time);
    }
    for (size_t first = 0, end; r >= 0 && first < count; first = end) {
        ts maxt = chunks[first].meta.maxt;

        for (end = first + 1; end < count && chunks[end].meta.mint <= maxt; end++) {
            maxt = chunks[end].meta.maxt > maxt ? chunks[end].meta.maxt : maxt;
        }
        r = end - first == 1 && !chunks[first].is_cut ? copy_chunk(compaction, &chunks[first], err)
                                                      : repack(compaction, first, end, err);
    }
    return r;
}

/* One series: what all sources have of it; then those sources move on. */
static int merge_series(struct compaction *compaction, const struct compact_source *least,
                        struct baro_error *err)
{
    size_t count = compaction->job->count;
    bool *has_it = mem_alloc_zero(count * sizeof(bool));
    int r;

    vec_reset(&compaction->chunks);
    for (size_t i = 0; i < count; i++) {
        struct compact_source *source = &compaction->sources[i];

        has_it[i] = source->has_series && compare_labels(&source->cursor, &least->cursor) == 0;
        if (has_it[i]) {
            gather(compaction, source);
        }
    }
    block_writer_begin(compaction->writer, least->cursor.labels.items, least->cursor.labels.count);
    r = write_chunks(compaction, err);
    block_writer_end(compaction->writer);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        if (has_it[i]) {
            r = advance(&compaction->sources[i], err);
        }
    }
    (void)mem_free(has_it);
    return r;
}

static int merge_all(struct compaction *compaction, struct baro_error *err)
{
    const _Atomic bool *stop = compaction->job->stop;
    const struct compact_source *least;
    size_t done = 0;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < compaction->job->count; i++) {
        r = advance(&compaction->sources[i], err);
    }
    while (r >= 0 && (least = least_series(compaction)) != NULL) {
        if (done++ % CHECK_STOP_EVERY == 0 && stop != NULL &&
            atomic_load_explicit(stop, memory_order_relaxed)) {
            return error_set(err, BARO_ECANCELED, "the compaction was stopped");
        }
        r = merge_series(compaction, least, err);
    }
    return r;
}

static int by_ulid(const void *a, const void *b)
{
    return strcmp(((const struct block_parent *)a)->ulid, ((const struct block_parent *)b)->ulid);
}

static void unite_sources(struct block_parents *sources)
{
    size_t kept = 0;

    if (sources->count > 1) {
        qsort(sources->items, sources->count, sizeof(sources->items[0]), by_ulid);
    }
    for (size_t i = 0; i < sources->count; i++) {
        if (kept == 0 || by_ulid(&sources->items[kept - 1], &sources->items[i]) != 0) {
            sources->items[kept++] = sources->items[i];
        }
    }
    sources->count = kept;
}

static struct block_meta meta_of(const struct compact_job *job)
{
    struct block_meta meta = {.mint = INT64_MAX, .maxt = INT64_MIN, .is_out_of_order = true};

    for (size_t i = 0; i < job->count; i++) {
        const struct block_meta *parent = block_meta(job->blocks[i]);

        meta.mint = parent->mint < meta.mint ? parent->mint : meta.mint;
        meta.maxt = parent->maxt > meta.maxt ? parent->maxt : meta.maxt;
        meta.level = parent->level > meta.level ? parent->level : meta.level;
        meta.is_out_of_order &= parent->is_out_of_order;
        block_parents_add(&meta.parents, parent->ulid, parent->mint, parent->maxt);
        for (size_t k = 0; k < parent->sources.count; k++) {
            block_parents_add(&meta.sources, parent->sources.items[k].ulid, 0, 0);
        }
    }
    unite_sources(&meta.sources);
    meta.level += job->keep_level ? 0 : 1;
    return meta;
}

/* Whether a block reaches into the time of one before it; they are sorted by mint. */
static bool do_overlap(const struct compact_job *job)
{
    ts maxt = block_meta(job->blocks[0])->maxt;

    for (size_t i = 1; i < job->count; i++) {
        const struct block_meta *meta = block_meta(job->blocks[i]);

        if (meta->mint < maxt) {
            return true;
        }
        maxt = meta->maxt > maxt ? meta->maxt : maxt;
    }
    return false;
}

static int open_sources(struct compaction *compaction, struct baro_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < compaction->job->count; i++) {
        const struct block *block = compaction->job->blocks[i];
        struct compact_source *source = &compaction->sources[i];

        source->symbols = mem_alloc_zero((block_symbol_count(block) + 1u) * sizeof(uint32_t));
        r = block_cursor_open(&source->cursor, block, err);
    }
    return r;
}

int compact_run(const struct compact_job *job, char ret_ulid[ULID_CHARS + 1],
                struct baro_error *err)
{
    CLEANUP(block_writer_freep) struct block_writer *writer = NULL;
    struct compaction *compaction = MEM_NEW(struct compaction);
    int r = block_writer_open(job->fs, job->data_dir, job->now, job->segment_bytes, &writer, err);

    ASSERT(job->count > 0);
    self_add(SELF_VERTICAL_COMPACTIONS, do_overlap(job) ? 1 : 0);
    compaction->job = job;
    compaction->pack.newer = job->newer_chunks;
    compaction->writer = writer;
    compaction->sources = mem_alloc_zero(job->count * sizeof(struct compact_source));
    if (r >= 0) {
        r = open_sources(compaction, err);
    }
    if (r >= 0) {
        r = merge_symbols(compaction, err);
    }
    if (r >= 0) {
        r = merge_all(compaction, err);
    }
    if (r >= 0 && block_writer_series(writer) > 0) {
        struct block_meta meta = meta_of(job);

        r = block_writer_finish(writer, &meta, err);
        if (r >= 0) {
            memcpy(ret_ulid, meta.ulid, sizeof(meta.ulid));
            r = 1;
        }
        block_meta_done(&meta);
    }
    for (size_t i = 0; i < job->count; i++) {
        block_cursor_done(&compaction->sources[i].cursor);
        (void)mem_free(compaction->sources[i].symbols);
    }
    (void)mem_free(compaction->sources);
    vec_done(&compaction->chunks);
    sample_buf_done(&compaction->samples);
    chunk_pack_done(&compaction->pack);
    (void)mem_free(compaction);
    return r;
}
