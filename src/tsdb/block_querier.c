#include "base/mem.h"
#include "tsdb/block_priv.h"
#include "tsdb/chunk_cache.h"
#include "tsdb/chunk_histogram.h"
#include "tsdb/chunk_xor.h"

enum { CANCEL_EVERY_SERIES = 1024 };

/* What series.source points to: where the chunk metas of a selected series are. */
struct block_series {
    struct chunk_meta_walk walk; /* at the first chunk that overlaps the querier's range */
    uint32_t ref;
};

struct block_querier {
    struct querier querier;
    struct block *block;
    ts mint;
    ts maxt;
    _Atomic uint64_t damage; /* that was passed over; relaxed, a counter */
    struct arena arena;      /* labels that were handed out */
};

static struct block_querier *block_querier_of(struct querier *querier)
{
    return CONTAINER_OF(querier, struct block_querier, querier);
}

/* pass_over makes of damage something that is not there: the rest of the block goes on serving,
 * and who asked is told of it. Other failures stay. */
static int pass_over(struct block_querier *querier, int r)
{
    if (r != BARO_ECORRUPT) {
        return r;
    }
    (void)atomic_fetch_add_explicit(&querier->damage, 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&querier->block->damage, 1, memory_order_relaxed);
    return 0;
}

static int no_room(struct baro_error *err, size_t bytes)
{
    return error_set(err, BARO_ELIMIT, "no memory for %zu bytes of a selection", bytes);
}

/* decode_labels resolves the symbols of a series entry. Symbols are sorted, so names are in order
 * and distinct when their numbers rise. */
static int decode_labels(struct block_querier *querier, const struct index_series *entry,
                         struct labels *ret, struct baro_error *err)
{
    const struct index_reader *index = querier->block->index;
    struct reader rd = entry->labels;
    size_t bytes = (size_t)entry->label_count * sizeof(struct label);
    struct label *items = arena_try(&querier->arena, bytes > 0 ? bytes : 1);
    uint64_t last = 0;

    if (items == NULL) {
        return no_room(err, bytes);
    }
    for (uint64_t i = 0; i < entry->label_count; i++) {
        uint64_t name = read_uvarint(&rd);
        uint64_t value = read_uvarint(&rd);

        if (rd.failed || (i > 0 && name <= last) ||
            !index_reader_symbol(index, name, &items[i].name) ||
            !index_reader_symbol(index, value, &items[i].value)) {
            return error_set(err, BARO_ECORRUPT, "index: the labels of a series are damaged");
        }
        last = name;
    }
    *ret = (struct labels){items, (size_t)entry->label_count};
    return 0;
}

/* has_samples says (1 or 0) whether a chunk overlaps the querier's range and is not deleted; *ret
 * is then where the first overlapping one is. */
static int has_samples(const struct block_querier *querier, uint32_t ref,
                       const struct index_series *entry, struct chunk_meta_walk *ret,
                       struct baro_error *err)
{
    struct tombstones deleted = tombstones_of(&querier->block->tombstones, ref);
    struct chunk_meta_walk walk = chunk_meta_walk_over(entry->chunks, entry->chunk_count);
    struct chunk_meta_walk before = walk;
    struct chunk_meta meta;
    bool overlaps = false;
    int r;

    while ((r = chunk_meta_next(&walk, &meta, err)) > 0) {
        const struct tombstone *cover;

        if (meta.maxt < querier->mint || meta.mint > querier->maxt) {
            before = walk;
            continue;
        }
        if (!overlaps) {
            *ret = before;
            overlaps = true;
        }
        cover = tombstones_cover(deleted, meta.mint);
        if (cover == NULL || cover->maxt < meta.maxt) {
            return 1;
        }
    }
    return r;
}

/* select_one appends a series to the list when it has samples. */
static int select_one(struct block_querier *querier, uint32_t ref, bool no_labels,
                      struct block_series *source, struct series_list *list, struct baro_error *err)
{
    struct index_series entry;
    struct labels labels = {0};
    int r = index_reader_series(querier->block->index, ref, &entry, err);

    if (r < 0) {
        return r;
    }
    r = has_samples(querier, ref, &entry, &source->walk, err);
    if (r <= 0) {
        return r;
    }
    r = no_labels ? 0 : decode_labels(querier, &entry, &labels, err);
    if (r < 0) {
        return r;
    }
    source->ref = ref;
    list->items[list->count++] = (struct series){labels, source, ref};
    return 0;
}

static int block_select(struct querier *base, struct arena *arena, const struct select_hints *hints,
                        struct matchers matchers, const struct cancel *cancel,
                        struct series_list *ret, struct baro_error *err)
{
    struct block_querier *querier = block_querier_of(base);
    struct select_hints wanted = hints != NULL ? *hints : (struct select_hints){0};
    size_t limit = wanted.limit > 0 ? wanted.limit : SIZE_MAX;
    struct postings list = {0};
    struct series_list found = {0};
    struct block_series *sources;
    size_t bytes;
    int r = block_postings(querier->block, arena, matchers, cancel, &list, err);

    if (r < 0) {
        return r;
    }
    bytes = list.count * (sizeof(*found.items) + sizeof(*sources));
    found.items = arena_try(arena, bytes + 1);
    if (found.items == NULL) {
        return no_room(err, bytes);
    }
    sources = (struct block_series *)(void *)(found.items + list.count);
    for (size_t i = 0; i < list.count && found.count < limit; i++) {
        r = i % CANCEL_EVERY_SERIES == 0 ? cancel_check(cancel, err) : 0;
        if (r >= 0) {
            r = pass_over(querier, select_one(querier, postings_at_index(list, i), wanted.no_labels,
                                              &sources[i], &found, err));
        }
        if (r < 0) {
            return r;
        }
    }
    *ret = found;
    return 0;
}

static bool is_histogram_chunk(uint8_t encoding)
{
    return encoding == CHUNK_HISTOGRAM || encoding == CHUNK_FLOAT_HISTOGRAM;
}

/* get_chunk gives encoding and bytes of a chunk: 1, or 0 for an encoding that is passed over. */
static int get_chunk(struct block *block, uint64_t ref, uint8_t *ret_encoding, str *ret,
                     struct baro_error *err)
{
    int r = chunk_reader_get(block->chunks, ref, ret_encoding, ret, err);

    if (r < 0) {
        return r;
    }
    if (*ret_encoding != CHUNK_XOR && !is_histogram_chunk(*ret_encoding)) {
        (void)atomic_fetch_add_explicit(&block->skipped_chunks, 1, memory_order_relaxed);
        return 0;
    }
    return 1;
}

/* drop_not_rising removes what a chunk repeats of its predecessors: chunks of a series follow each
 * other, and readers of a sample_buf rely on it. */
static void drop_not_rising(struct sample_buf *samples, size_t first, size_t middle)
{
    size_t kept = middle;

    if (middle == first || middle == samples->count ||
        samples->t[middle] > samples->t[middle - 1]) {
        return;
    }
    for (size_t i = middle; i < samples->count; i++) {
        if (samples->t[i] > samples->t[kept - 1]) {
            sample_buf_move(samples, kept++, samples, i);
        }
    }
    samples->count = kept;
}

/* keep_range takes out what decoding the whole of a chunk, from `first` on, gave beyond a range. */
static void keep_range(struct sample_buf *samples, size_t first, ts start, ts end)
{
    size_t from = first;
    size_t count;

    while (samples->count > first && samples->t[samples->count - 1] > end) {
        samples->count--;
    }
    while (from < samples->count && samples->t[from] < start) {
        from++;
    }
    count = samples->count - from;
    if (from > first && count > 0) {
        memmove(samples->t + first, samples->t + from, count * sizeof(*samples->t));
        memmove(samples->v + first, samples->v + from, count * sizeof(*samples->v));
    }
    samples->count = first + count;
}

/* append_chunk appends the samples of a chunk within a range; those of a float chunk from the cache
 * or to it. */
static int append_chunk(struct block *block, uint64_t ref, ts start, ts end, struct sample_buf *ret,
                        struct baro_error *err)
{
    size_t first = ret->count;
    uint8_t encoding = CHUNK_NONE;
    str data = STR_NULL;
    int r = 0;

    if (block->cache != NULL) {
        r = chunk_cache_read(block->cache, block->cache_owner, ref, start, end, ret, err);
        if (r != 0) {
            return r;
        }
    }
    r = get_chunk(block, ref, &encoding, &data, err);
    if (r <= 0) {
        return r;
    }
    if (is_histogram_chunk(encoding)) {
        return chunk_histogram_decode(data, encoding == CHUNK_FLOAT_HISTOGRAM, start, end, ret,
                                      err);
    }
    if (block->cache == NULL) {
        return chunk_xor_decode(data, start, end, ret, err);
    }
    r = chunk_xor_decode(data, INT64_MIN, INT64_MAX, ret, err);
    if (r >= 0) {
        chunk_cache_put(block->cache, block->cache_owner, ref, ret->t + first, ret->v + first,
                        ret->count - first);
        keep_range(ret, first, start, end);
    }
    return r;
}

static int append_chunks(struct block_querier *querier, const struct block_series *source, ts start,
                         ts end, struct sample_buf *ret, struct baro_error *err)
{
    struct chunk_meta_walk walk = source->walk;
    size_t first = ret->count;
    struct chunk_meta meta;
    int r;

    while ((r = chunk_meta_next(&walk, &meta, err)) > 0 && meta.mint <= end) {
        size_t middle = ret->count;

        if (meta.maxt < start) {
            continue;
        }
        r = pass_over(querier, append_chunk(querier->block, meta.ref, start, end, ret, err));
        if (r >= 0) {
            drop_not_rising(ret, first, middle);
        }
        if (r < 0) {
            return r;
        }
    }
    return r < 0 ? r : 0;
}

static void clip(const struct block_querier *querier, ts *start, ts *end)
{
    *start = *start < querier->mint ? querier->mint : *start;
    *end = *end > querier->maxt ? querier->maxt : *end;
}

static int block_samples(struct querier *base, const struct series *series, ts start, ts end,
                         struct sample_buf *ret, struct baro_error *err)
{
    struct block_querier *querier = block_querier_of(base);
    const struct block_series *source = series->source;
    size_t first = ret->count;
    int r;

    clip(querier, &start, &end);
    r = append_chunks(querier, source, start, end, ret, err);
    if (r < 0) {
        ret->count = first;
        return r;
    }
    tombstones_apply(tombstones_of(&querier->block->tombstones, source->ref), ret, first);
    return 0;
}

/* last_chunk finds the last chunk that begins at or before `end`: 1, or 0 when there is none. */
static int last_chunk(const struct block_series *source, ts end, struct chunk_meta *ret,
                      struct baro_error *err)
{
    struct chunk_meta_walk walk = source->walk;
    struct chunk_meta meta;
    int found = 0;
    int r;

    while ((r = chunk_meta_next(&walk, &meta, err)) > 0 && meta.mint <= end) {
        *ret = meta;
        found = 1;
    }
    return r < 0 ? r : found;
}

/* last_of_chunk finds the last sample of a chunk within a range: 1, 0, or an error. */
static int last_of_chunk(struct block_querier *querier, uint64_t ref, ts start, ts end,
                         struct arena *arena, struct sample *ret, struct baro_error *err)
{
    struct block *block = querier->block;
    struct sample_buf samples = {0};
    size_t last;
    int r;

    if (block->cache == NULL) {
        uint8_t encoding = CHUNK_NONE;
        str data = STR_NULL;

        r = get_chunk(block, ref, &encoding, &data, err);
        if (r <= 0 || encoding == CHUNK_XOR) {
            return r > 0 ? chunk_xor_last(data, start, end, &ret->t, &ret->v, err) : r;
        }
    } else {
        r = chunk_cache_last(block->cache, block->cache_owner, ref, start, end, ret);
        if (r >= 0) {
            return r;
        }
    }
    r = append_chunk(block, ref, start, end, &samples, err);
    if (r >= 0 && samples.count > 0) {
        last = samples.count - 1;
        *ret = (struct sample){.t = samples.t[last], .v = samples.v[last]};
        if (samples.h != NULL && samples.h[last] != NULL) {
            ret->h = histogram_copy(arena, samples.h[last]);
        }
        r = 1;
    }
    sample_buf_done(&samples);
    return r;
}

/* The newest sample up to `end` is nearly always the answer; a deleted one, or a chunk that is not
 * read, moves `end` before it. */
static int block_last_sample(struct querier *base, const struct series *series, ts start, ts end,
                             struct arena *arena, struct sample *ret, struct baro_error *err)
{
    struct block_querier *querier = block_querier_of(base);
    const struct block_series *source = series->source;
    struct tombstones deleted = tombstones_of(&querier->block->tombstones, source->ref);
    struct chunk_meta meta = {0};
    int r;

    clip(querier, &start, &end);
    while ((r = last_chunk(source, end, &meta, err)) > 0 && meta.maxt >= start) {
        const struct tombstone *cover = NULL;
        struct sample found = {0};

        r = pass_over(querier, last_of_chunk(querier, meta.ref, start, end, arena, &found, err));
        if (r < 0) {
            return r;
        }
        cover = r > 0 ? tombstones_cover(deleted, found.t) : NULL;
        if (r > 0 && cover == NULL) {
            *ret = found;
            return 1;
        }
        end = cover != NULL ? cover->mint : meta.mint;
        if (end <= start) {
            return 0;
        }
        end--;
    }
    return r < 0 ? r : 0;
}

/* strings_from marks which symbols the labels of the matching series have (the names, or the values
 * of one name); symbols are sorted, and so is what comes out. */
static int strings_from(struct block_querier *querier, struct arena *arena, str name,
                        struct matchers matchers, const struct cancel *cancel, struct str_list *ret,
                        struct baro_error *err)
{
    const struct index_reader *index = querier->block->index;
    size_t words = (size_t)index_reader_symbol_count(index) / 64 + 1;
    uint64_t *marks = ARENA_ARRAY(arena, uint64_t, words);
    struct postings list = {0};
    size_t count = 0;
    str *items;
    int r = block_postings(querier->block, arena, matchers, cancel, &list, err);

    for (size_t i = 0; i < list.count && r >= 0; i++) {
        struct index_series entry = {0};

        r = i % CANCEL_EVERY_SERIES == 0 ? cancel_check(cancel, err) : 0;
        r = r < 0 ? r
                  : pass_over(querier,
                              index_reader_series(index, postings_at_index(list, i), &entry, err));
        for (uint64_t k = 0; k < entry.label_count && r >= 0; k++) {
            uint64_t name_ref = read_uvarint(&entry.labels);
            uint64_t value_ref = read_uvarint(&entry.labels);
            uint64_t mark = name.ptr == NULL ? name_ref : value_ref;
            str text;

            if (mark < index_reader_symbol_count(index) &&
                (name.ptr == NULL ||
                 (index_reader_symbol(index, name_ref, &text) && str_eq(text, name)))) {
                marks[mark / 64] |= UINT64_C(1) << mark % 64;
            }
        }
    }
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < words; i++) {
        count += (size_t)__builtin_popcountll(marks[i]);
    }
    items = ARENA_ARRAY(arena, str, count);
    count = 0;
    for (size_t i = 0; i < words; i++) {
        for (uint64_t word = marks[i]; word != 0; word &= word - 1) {
            (void)index_reader_symbol(index, i * 64 + (size_t)__builtin_ctzll(word),
                                      &items[count++]);
        }
    }
    *ret = (struct str_list){items, count};
    return 0;
}

static int block_label_names(struct querier *base, struct arena *arena, struct matchers matchers,
                             const struct cancel *cancel, struct str_list *ret,
                             struct baro_error *err)
{
    struct block_querier *querier = block_querier_of(base);
    uint32_t count = index_reader_name_count(querier->block->index);
    str *items;

    if (matchers.count > 0) {
        return strings_from(querier, arena, STR_NULL, matchers, cancel, ret, err);
    }
    items = ARENA_ARRAY(arena, str, count);
    for (uint32_t i = 0; i < count; i++) {
        items[i] = index_reader_name(querier->block->index, i);
    }
    *ret = (struct str_list){items, count};
    return 0;
}

static int block_label_values(struct querier *base, struct arena *arena, str name,
                              struct matchers matchers, const struct cancel *cancel,
                              struct str_list *ret, struct baro_error *err)
{
    struct block_querier *querier = block_querier_of(base);
    const struct index_reader *index = querier->block->index;
    uint32_t number = 0;
    uint32_t count;
    str *items;

    if (!index_reader_name_find(index, name, &number)) {
        *ret = (struct str_list){0};
        return 0;
    }
    if (matchers.count > 0) {
        return strings_from(querier, arena, index_reader_name(index, number), matchers, cancel, ret,
                            err);
    }
    count = index_reader_value_count(index, number);
    items = ARENA_ARRAY(arena, str, count);
    for (uint32_t i = 0; i < count; i++) {
        items[i] = index_reader_value(index, number, i);
    }
    *ret = (struct str_list){items, count};
    return 0;
}

static uint64_t block_querier_damage(struct querier *base)
{
    return atomic_load_explicit(&block_querier_of(base)->damage, memory_order_relaxed);
}

static void block_close(struct querier *base)
{
    struct block_querier *querier = block_querier_of(base);

    arena_done(&querier->arena);
    (void)block_unref(querier->block);
    (void)mem_free(querier);
}

static const struct querier_ops block_ops = {
    .select = block_select,
    .samples = block_samples,
    .last_sample = block_last_sample,
    .label_names = block_label_names,
    .label_values = block_label_values,
    .close = block_close,
    .damage = block_querier_damage,
};

int block_querier(struct block *block, ts mint, ts maxt, struct querier **ret,
                  UNUSED struct baro_error *err)
{
    struct block_querier *querier = MEM_NEW(struct block_querier);

    querier->querier.ops = &block_ops;
    querier->block = block_ref(block);
    querier->mint = mint;
    querier->maxt = maxt;
    *ret = &querier->querier;
    return 0;
}
