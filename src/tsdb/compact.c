#include "tsdb/compact.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tsdb/block_cursor.h"
#include "tsdb/block_priv.h"
#include "tsdb/block_writer.h"
#include "tsdb/chunk_xor.h"

enum {
    CHUNK_SAMPLES_MAX = 120,
    CHUNK_BYTES_MAX = CHUNK_SAMPLES_MAX * CHUNK_XOR_SAMPLE_BYTES_MAX + 64,
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
    struct sample_buf part;
    uint8_t packed[CHUNK_BYTES_MAX];
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

/* Merges two runs of rising samples into `samples`; of equal times the newer run's is kept. */
static bool merge_samples(struct sample_buf *samples, const struct sample_buf *newer)
{
    size_t a = samples->count, b = newer->count, at = a + b, kept;

    if (!sample_buf_reserve(samples, b)) {
        return false;
    }
    /* From the end, so that nothing is overwritten that is still wanted. */
    while (b > 0) {
        bool take_newer = a == 0 || newer->t[b - 1] >= samples->t[a - 1];

        if (take_newer && a > 0 && newer->t[b - 1] == samples->t[a - 1]) {
            a--;
        }
        at--;
        samples->t[at] = take_newer ? newer->t[b - 1] : samples->t[a - 1];
        samples->v[at] = take_newer ? newer->v[b - 1] : samples->v[a - 1];
        b -= take_newer;
        a -= !take_newer;
    }
    /* Equal times have left a gap between what was not moved and what was. */
    kept = samples->count + newer->count - at;
    memmove(samples->t + a, samples->t + at, kept * sizeof(samples->t[0]));
    memmove(samples->v + a, samples->v + at, kept * sizeof(samples->v[0]));
    samples->count = a + kept;
    return true;
}

static int decode_chunk(struct compaction *compaction, const struct compact_chunk *chunk,
                        struct baro_error *err)
{
    const struct block_cursor *cursor = &chunk->source->cursor;
    struct tombstones deleted = tombstones_of(&cursor->block->tombstones, cursor->ref);
    uint8_t encoding = CHUNK_NONE;
    uint32_t samples = 0;
    str data = STR_NULL;
    int r = block_chunk(cursor->block, &chunk->meta, &encoding, &data, &samples, err);

    if (r >= 0 && encoding != CHUNK_XOR) {
        r = error_set(err, BARO_EUNSUPPORTED,
                      "chunks of encoding %u overlap or are deleted in part, and cannot be "
                      "merged yet",
                      encoding);
    }
    if (r < 0) {
        return r;
    }
    sample_buf_reset(&compaction->part);
    r = chunk_xor_decode(data, INT64_MIN, INT64_MAX, &compaction->part, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 1; i < compaction->part.count; i++) {
        if (compaction->part.t[i] <= compaction->part.t[i - 1]) {
            return error_set(err, BARO_ECORRUPT, "chunks: the times of a chunk do not rise");
        }
    }
    tombstones_apply(deleted, &compaction->part, 0);
    return merge_samples(&compaction->samples, &compaction->part)
               ? 0
               : error_set(err, BARO_ELIMIT, "no memory for the samples of a series");
}

/* Packs the samples from `first` on into one chunk; returns how many it took. */
static int pack_chunk(struct compaction *compaction, size_t first, struct baro_error *err)
{
    const struct sample_buf *samples = &compaction->samples;
    struct chunk_xor chunk;
    size_t i = first;
    int r;

    chunk_xor_init(&chunk, compaction->packed);
    while (i < samples->count && i - first < CHUNK_SAMPLES_MAX &&
           chunk_xor_append(&chunk, compaction->packed, sizeof(compaction->packed), samples->t[i],
                            samples->v[i])) {
        i++;
    }
    ASSERT(i > first);
    r = block_writer_chunk(compaction->writer, CHUNK_XOR,
                           str_of((const char *)compaction->packed, chunk_xor_size(&chunk)),
                           samples->t[first], samples->t[i - 1], (uint32_t)(i - first), err);
    return r < 0 ? r : (int)(i - first);
}

/* Decodes the chunks [first, end), which overlap or have deletions, and packs them anew. */
static int repack(struct compaction *compaction, size_t first, size_t end, struct baro_error *err)
{
    int r = 0;

    sample_buf_reset(&compaction->samples);
    for (size_t i = first; r >= 0 && i < end; i++) {
        r = decode_chunk(compaction, &compaction->chunks.items[i], err);
    }
    for (size_t at = 0; r >= 0 && at < compaction->samples.count; at += (size_t)r) {
        r = pack_chunk(compaction, at, err);
    }
    return r < 0 ? r : 0;
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
    compaction->job = job;
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
    sample_buf_done(&compaction->part);
    (void)mem_free(compaction);
    return r;
}
