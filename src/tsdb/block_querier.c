#include "base/mem.h"
#include "tsdb/block_cache.h"
#include "tsdb/block_priv.h"
#include "tsdb/chunk.h"

enum {
    CANCEL_EVERY_SERIES = 1024,
    KEPT_SERIES_MAX = 1 << 15, /* of a selection that is worth keeping */
    CHUNK_SAMPLES_USUAL = 120,
    FETCH_SERIES = 16, /* of a kept selection, so far ahead */
    FETCH_RUNS = 8,
    /* series.id is the reference in the index (32 bits), then what a wish for fewer samples came
     * to: enum select_reduce, and the number of the window. */
    ID_REDUCE_SHIFT = 32,
    ID_WINDOW_SHIFT = 40,
    ID_BYTE_MASK = 0xff,
};

struct block_querier {
    struct querier querier;
    struct block *block;
    ts mint;
    ts maxt;
    bool may_reduce;
    _Atomic uint64_t damage;    /* that was passed over; relaxed, a counter */
    struct cache_reader reader; /* of the block's cache, if it has one */
    struct arena arena;         /* labels that were handed out */
};

static struct block_querier *block_querier_of(struct querier *querier)
{
    return CONTAINER_OF(querier, struct block_querier, querier);
}

/* pass_over makes of damage something that is not there: the rest of the block goes on serving,
 * and who asked is told of it. Other failures stay. */
static void note_damage(struct block_querier *querier, uint64_t count)
{
    (void)atomic_fetch_add_explicit(&querier->damage, count, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&querier->block->damage, count, memory_order_relaxed);
}

static int pass_over(struct block_querier *querier, int r)
{
    if (r != BARO_ECORRUPT) {
        return r;
    }
    note_damage(querier, 1);
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

/* has_samples says (1 or 0) whether a chunk overlaps the querier's range and is not deleted. */
static int has_samples(const struct block_querier *querier, uint32_t ref,
                       struct chunk_meta_walk walk, struct baro_error *err)
{
    struct tombstones deleted = tombstones_of(&querier->block->tombstones, ref);
    struct chunk_meta meta;
    int r;

    while ((r = chunk_meta_next(&walk, &meta, err)) > 0) {
        const struct tombstone *cover;

        if (meta.maxt < querier->mint || meta.mint > querier->maxt) {
            continue;
        }
        cover = tombstones_cover(deleted, meta.mint);
        if (cover == NULL || cover->maxt < meta.maxt) {
            return 1;
        }
    }
    return r;
}

/* ---- selections that are not kept ---- */

/* select_one appends a series to the list when it has samples. */
static int select_one(struct block_querier *querier, uint32_t ref, bool no_labels,
                      struct cached_series *source, struct series_list *list,
                      struct baro_error *err)
{
    struct index_series entry;
    int r = index_reader_series(querier->block->index, ref, &entry, err);

    if (r < 0) {
        return r;
    }
    *source =
        (struct cached_series){.ref = ref,
                               .is_plain = true,
                               .chunks = chunk_meta_walk_over(entry.chunks, entry.chunk_count)};
    r = has_samples(querier, ref, source->chunks, err);
    if (r <= 0) {
        return r;
    }
    r = no_labels ? 0 : decode_labels(querier, &entry, &source->labels, err);
    if (r < 0) {
        return r;
    }
    list->items[list->count++] =
        (struct series){.labels = source->labels, .source = source, .id = ref};
    return 0;
}

static int select_fresh(struct block_querier *querier, struct arena *arena,
                        const struct select_hints *hints, struct postings list,
                        const struct cancel *cancel, struct series_list *ret,
                        struct baro_error *err)
{
    size_t limit = hints->limit > 0 ? hints->limit : SIZE_MAX;
    size_t bytes = list.count * (sizeof(*ret->items) + sizeof(struct cached_series));
    struct series_list found = {.items = arena_try(arena, bytes + 1)};
    struct cached_series *sources;

    if (found.items == NULL) {
        return no_room(err, bytes);
    }
    sources = (struct cached_series *)(void *)(found.items + list.count);
    for (size_t i = 0; i < list.count && found.count < limit; i++) {
        int r = i % CANCEL_EVERY_SERIES == 0 ? cancel_check(cancel, err) : 0;

        if (r >= 0) {
            r = pass_over(querier, select_one(querier, postings_at_index(list, i), hints->no_labels,
                                              &sources[i], &found, err));
        }
        if (r < 0) {
            return r;
        }
    }
    *ret = found;
    return 0;
}

/* ---- selections that are kept ---- */

/* Sizes stand before texts, so that distinct matchers have distinct keys. */
static void write_key(struct matchers matchers, struct buf *key)
{
    for (size_t i = 0; i < matchers.count; i++) {
        const struct matcher *matcher = &matchers.items[i];
        uint64_t sizes[3] = {matcher->op, matcher->name.len, matcher->value.len};

        buf_bytes(key, sizes, sizeof(sizes));
        buf_str(key, matcher->name);
        buf_str(key, matcher->value);
    }
}

static int find_one(struct block_querier *querier, uint32_t ref, struct found_series *ret,
                    struct baro_error *err)
{
    struct index_series entry;
    struct chunk_meta meta;
    struct chunk_meta_walk walk;
    int r = index_reader_series(querier->block->index, ref, &entry, err);

    if (r < 0) {
        return r;
    }
    walk = chunk_meta_walk_over(entry.chunks, entry.chunk_count);
    *ret = (struct found_series){.ref = ref, .chunks = walk, .mint = INT64_MAX, .maxt = INT64_MIN};
    while ((r = chunk_meta_next(&walk, &meta, err)) > 0) {
        ret->mint = meta.mint < ret->mint ? meta.mint : ret->mint;
        ret->maxt = meta.maxt > ret->maxt ? meta.maxt : ret->maxt;
    }
    return r < 0 ? r : decode_labels(querier, &entry, &ret->labels, err);
}

/* All that a selection is kept from; damaged series are left out and counted. */
struct finding {
    struct found_series *items;
    size_t count;
    uint64_t damage;
};

static int find_all(struct block_querier *querier, struct arena *arena, struct postings list,
                    const struct cancel *cancel, struct finding *ret, struct baro_error *err)
{
    size_t bytes = list.count * sizeof(struct found_series);
    struct finding found = {.items = arena_try(arena, bytes + 1)};

    if (found.items == NULL) {
        return no_room(err, bytes);
    }
    for (size_t i = 0; i < list.count; i++) {
        int r = i % CANCEL_EVERY_SERIES == 0 ? cancel_check(cancel, err) : 0;

        r = r < 0 ? r
                  : find_one(querier, postings_at_index(list, i), &found.items[found.count], err);
        if (r < 0 && r != BARO_ECORRUPT) {
            return r;
        }
        found.count += r >= 0;
        found.damage += r < 0;
    }
    *ret = found;
    return 0;
}

/* Whether a kept series has samples in the querier's range: 1 or 0. Nearly always its ends, or what
 * is decoded of it, tell. */
static int is_in_time(const struct block_querier *querier, struct cached_series *series,
                      struct baro_error *err)
{
    const struct cached_run *run;
    size_t behind;

    if (series->maxt < querier->mint || series->mint > querier->maxt) {
        return 0;
    }
    if (querier->block->tombstones.count == 0) {
        if (querier->mint <= series->mint || querier->maxt >= series->maxt) {
            return 1;
        }
        run = block_cache_run(series, querier->reader.visit);
        behind = run != NULL ? cached_run_before(run, querier->maxt) : 0;
        if (behind > 0 && run->times->t[behind - 1] >= querier->mint) {
            __builtin_prefetch(&run->v[behind - 1]); /* often the one that is asked for */
            return 1;
        }
    }
    return has_samples(querier, series->ref, series->chunks, err);
}

static int select_kept(struct block_querier *querier, struct arena *arena,
                       const struct select_hints *hints, const struct cached_selection *selection,
                       const struct cancel *cancel, struct series_list *ret, struct baro_error *err)
{
    size_t limit = hints->limit > 0 ? hints->limit : SIZE_MAX;
    size_t bytes = selection->count * sizeof(*ret->items);
    struct series_list found = {.items = arena_try(arena, bytes + 1)};

    if (found.items == NULL) {
        return no_room(err, bytes);
    }
    note_damage(querier, selection->damage);
    for (size_t i = 0; i < selection->count && found.count < limit; i++) {
        struct cached_series *series = selection->series[i];
        int r = i % CANCEL_EVERY_SERIES == 0 ? cancel_check(cancel, err) : 0;

        if (i + FETCH_SERIES < selection->count) {
            block_cache_fetch(selection->series[i + FETCH_SERIES]);
            block_cache_fetch_run(selection->series[i + FETCH_RUNS]);
        }
        r = r < 0 ? r : pass_over(querier, is_in_time(querier, series, err));
        if (r < 0) {
            return r;
        }
        if (r > 0) {
            found.items[found.count++] =
                (struct series){series->labels, series, series->ref, series->hash, &series->same};
        }
    }
    *ret = found;
    return 0;
}

/* select_new finds what is not known yet, and keeps it when it is not too large. */
static int select_new(struct block_querier *querier, struct arena *arena,
                      const struct select_hints *hints, struct matchers matchers, str key,
                      const struct cancel *cancel, struct series_list *ret, struct baro_error *err)
{
    struct block *block = querier->block;
    const struct cached_selection *selection = NULL;
    struct finding found = {0};
    struct postings list = {0};
    int r = block_postings(block, arena, matchers, cancel, &list, err);

    if (r >= 0 && key.len > 0 && list.count <= KEPT_SERIES_MAX) {
        r = find_all(querier, arena, list, cancel, &found, err);
        if (r >= 0) {
            selection = block_cache_keep(block->cache, block->cache_owner, key, found.items,
                                         found.count, found.damage);
        }
    }
    if (r < 0) {
        return r;
    }
    return selection != NULL ? select_kept(querier, arena, hints, selection, cancel, ret, err)
                             : select_fresh(querier, arena, hints, list, cancel, ret, err);
}

/* Notes what may be given instead of all samples. */
static void set_reduction(const struct block_querier *querier, const struct select_hints *wanted,
                          struct series_list *found)
{
    for (uint64_t window = 0; window < DOWNSAMPLE_WINDOWS; window++) {
        if (!querier->may_reduce || wanted->reduce == REDUCE_NONE ||
            wanted->window != downsample_windows[window]) {
            continue;
        }
        for (size_t k = 0; k < found->count; k++) {
            found->items[k].id |=
                (uint64_t)wanted->reduce << ID_REDUCE_SHIFT | window << ID_WINDOW_SHIFT;
        }
    }
}

static int block_select(struct querier *base, struct arena *arena, const struct select_hints *hints,
                        struct matchers matchers, const struct cancel *cancel,
                        struct series_list *ret, struct baro_error *err)
{
    struct block_querier *querier = block_querier_of(base);
    struct select_hints wanted = hints != NULL ? *hints : (struct select_hints){0};
    const struct cached_selection *selection = NULL;
    struct block *block = querier->block;
    struct buf key = {0};
    int r;

    if (block->cache != NULL) {
        write_key(matchers, &key);
        selection = block_cache_find(block->cache, block->cache_owner, buf_view(&key));
    }
    r = selection != NULL
            ? select_kept(querier, arena, &wanted, selection, cancel, ret, err)
            : select_new(querier, arena, &wanted, matchers, buf_view(&key), cancel, ret, err);
    buf_done(&key);
    if (r >= 0) {
        set_reduction(querier, &wanted, ret);
    }
    return r;
}

/* Samples that were summed up before, if the series has them: 1, or 0 when all must be read. Damage
 * costs nothing but time. */
static int append_reduced(const struct block *block, uint64_t id, ts start, ts end,
                          struct sample_buf *ret, struct baro_error *err)
{
    enum select_reduce reduce = (enum select_reduce)(id >> ID_REDUCE_SHIFT & ID_BYTE_MASK);
    const struct downsample *file = atomic_load_explicit(
        &block->downsampled[id >> ID_WINDOW_SHIFT & ID_BYTE_MASK], memory_order_acquire);
    uint32_t ref = (uint32_t)id;
    int r;

    if (file == NULL || tombstones_of(&block->tombstones, ref).count > 0) {
        return 0;
    }
    r = downsample_read(file, ref, reduce, start, end, ret, err);
    return r == BARO_ECORRUPT ? 0 : r;
}

/* get_chunk gives encoding and bytes of a chunk: 1, or 0 for an encoding that is passed over. */
static int get_chunk(struct block *block, uint64_t ref, uint8_t *ret_encoding, str *ret,
                     struct baro_error *err)
{
    int r = chunk_reader_get(block->chunks, ref, ret_encoding, ret, err);

    if (r < 0) {
        return r;
    }
    if (!chunk_is_known(*ret_encoding)) {
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

/* append_chunk appends the samples of a chunk within a range. */
static int append_chunk(struct block *block, uint64_t ref, ts start, ts end, struct sample_buf *ret,
                        struct baro_error *err)
{
    uint8_t encoding = CHUNK_NONE;
    str data = STR_NULL;
    int r = get_chunk(block, ref, &encoding, &data, err);

    return r <= 0 ? r : chunk_decode(encoding, data, start, end, ret, err);
}

static int append_chunks(struct block_querier *querier, const struct cached_series *source,
                         ts start, ts end, struct sample_buf *ret, struct baro_error *err)
{
    struct chunk_meta_walk walk = source->chunks;
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

/* ---- runs ---- */

/* decode_run decodes all chunks of a series that reach into a range, and tells from when to when
 * nothing else lies between. 0 when they are none, too many, or not to be kept. */
static int decode_run(struct block *block, struct cached_series *series, ts start, ts end,
                      struct sample_buf *ret, ts *ret_from, ts *ret_to)
{
    struct chunk_meta_walk walk = series->chunks;
    struct chunk_meta meta;

    *ret_from = INT64_MIN;
    *ret_to = INT64_MAX;
    while (chunk_meta_next(&walk, &meta, NULL) > 0) {
        size_t middle = ret->count;
        uint8_t encoding = CHUNK_NONE;
        str data = STR_NULL;

        if (meta.maxt < start) {
            *ret_from = meta.maxt + 1;
            continue;
        }
        if (meta.mint > end) {
            *ret_to = meta.mint - 1;
            break;
        }
        if (chunk_reader_get(block->chunks, meta.ref, &encoding, &data, NULL) < 0 ||
            !chunk_is_plain(encoding, data) ||
            chunk_decode(encoding, data, INT64_MIN, INT64_MAX, ret, NULL) < 0) {
            atomic_store_explicit(&series->is_plain, true, memory_order_relaxed);
            return 0;
        }
        drop_not_rising(ret, 0, middle);
        if (ret->count > BLOCK_CACHE_RUN_SAMPLES_MAX) {
            return 0;
        }
    }
    return ret->count > 0;
}

static size_t chunks_within(const struct cached_series *series, ts start, ts end)
{
    struct chunk_meta_walk walk = series->chunks;
    struct chunk_meta meta;
    size_t count = 0;

    while (chunk_meta_next(&walk, &meta, NULL) > 0 && meta.mint <= end) {
        count += meta.maxt >= start;
    }
    return count;
}

/* Whether so many chunks are worth a run: a longer one would not be kept. */
static bool fits_run(size_t chunks)
{
    return chunks > 0 && chunks <= BLOCK_CACHE_RUN_SAMPLES_MAX / CHUNK_SAMPLES_USUAL;
}

/* make_run decodes a range, together with what was decoded before: windows that move stay within
 * one run. */
static const struct cached_run *make_run(struct block *block, struct cached_series *series,
                                         ts start, ts end)
{
    const struct cached_run *run = atomic_load_explicit(&series->run, memory_order_acquire);
    struct sample_buf samples = {0};
    size_t chunks;
    ts from;
    ts to;

    chunks = chunks_within(series, start, end);
    if (!fits_run(chunks) || !block_cache_has_room(block->cache, chunks * CHUNK_SAMPLES_USUAL)) {
        return NULL;
    }
    if (run != NULL) {
        ts first = run->times->t[0];
        ts last = run->times->t[run->count - 1];
        ts wider_start = first < start ? first : start;
        ts wider_end = last > end ? last : end;

        if (fits_run(chunks_within(series, wider_start, wider_end))) {
            start = wider_start;
            end = wider_end;
        }
    }
    run = NULL;
    if (decode_run(block, series, start, end, &samples, &from, &to) > 0) {
        run = block_cache_put(block->cache, series, samples.t, samples.v, samples.count, from, to);
    }
    sample_buf_done(&samples);
    return run;
}

/* run_over gives a run that has all samples of a range; NULL when the chunks must be read one by
 * one. */
static const struct cached_run *run_over(const struct block_querier *querier,
                                         struct cached_series *series, ts start, ts end)
{
    struct block *block = querier->block;
    const struct cached_run *run;

    if (end < start || atomic_load_explicit(&series->is_plain, memory_order_relaxed) ||
        (block->tombstones.count > 0 && tombstones_of(&block->tombstones, series->ref).count > 0)) {
        return NULL;
    }
    run = block_cache_run(series, querier->reader.visit);
    return LIKELY(run != NULL && run->from <= start && end <= run->to)
               ? run
               : make_run(block, series, start, end);
}

static int view_all(struct block_querier *querier, const struct series *series, ts start, ts end,
                    struct sample_view *ret)
{
    const struct cached_run *run;
    size_t first = 0;

    clip(querier, &start, &end);
    run = run_over(querier, series->source, start, end);
    if (run == NULL) {
        return 0;
    }
    ret->count = cached_run_slice(run, start, end, &first);
    ret->t = run->times->t + first;
    ret->v = run->v + first;
    ret->facts = (struct sample_facts){
        .distance = run->times->distance, .no_nan = !run->has_nan, .never_falls = run->never_falls};
    return 1;
}

/* What may be had as fewer samples is not viewed: block_samples sees to it. */
static int block_view(struct querier *base, const struct series *series, ts start, ts end,
                      struct sample_view *ret)
{
    struct block_querier *querier = block_querier_of(base);
    uint64_t window = series->id >> ID_WINDOW_SHIFT & ID_BYTE_MASK;

    if (series->id >> ID_REDUCE_SHIFT != 0 &&
        atomic_load_explicit(&querier->block->downsampled[window], memory_order_acquire) != NULL) {
        return 0;
    }
    return view_all(querier, series, start, end, ret);
}

static int append_view(const struct sample_view *view, struct sample_buf *ret,
                       struct baro_error *err)
{
    if (!sample_buf_reserve(ret, view->count)) {
        return error_set(err, BARO_ELIMIT, "no memory for %zu more samples", view->count);
    }
    if (view->count > 0) {
        memcpy(ret->t + ret->count, view->t, view->count * sizeof(*view->t));
        memcpy(ret->v + ret->count, view->v, view->count * sizeof(*view->v));
    }
    if (ret->h != NULL) {
        memset(ret->h + ret->count, 0, view->count * sizeof(*ret->h));
    }
    if (ret->st != NULL) {
        memset(ret->st + ret->count, 0, view->count * sizeof(*ret->st));
    }
    ret->facts = view->facts;
    ret->count += view->count;
    return 0;
}

static int block_samples(struct querier *base, const struct series *series, ts start, ts end,
                         struct sample_buf *ret, struct baro_error *err)
{
    struct block_querier *querier = block_querier_of(base);
    const struct cached_series *source = series->source;
    struct sample_view view = {0};
    size_t first = ret->count;
    int r;

    if (series->id >> ID_REDUCE_SHIFT != 0) {
        r = append_reduced(querier->block, series->id, start, end, ret, err);
        if (r != 0) {
            return r < 0 ? r : 0;
        }
    }
    if (view_all(querier, series, start, end, &view) > 0) {
        return append_view(&view, ret, err);
    }
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
static int last_chunk(const struct cached_series *source, ts end, struct chunk_meta *ret,
                      struct baro_error *err)
{
    struct chunk_meta_walk walk = source->chunks;
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
    uint8_t encoding = CHUNK_NONE;
    str data = STR_NULL;
    int r = get_chunk(querier->block, ref, &encoding, &data, err);

    return r <= 0 ? r : chunk_last(encoding, data, start, end, arena, ret, err);
}

/* last_of_run is block_view for the last sample alone. */
static int last_of_run(struct block_querier *querier, struct cached_series *series, ts start,
                       ts end, struct sample_view *ret)
{
    const struct cached_run *run;
    size_t behind;

    clip(querier, &start, &end);
    run = run_over(querier, series, start, end);
    if (run == NULL) {
        return 0;
    }
    behind = cached_run_before(run, end);
    ret->count = behind > 0 && run->times->t[behind - 1] >= start ? 1 : 0;
    if (ret->count > 0) {
        ret->t = run->times->t + behind - 1;
        ret->v = run->v + behind - 1;
    }
    return 1;
}

/* The newest sample up to `end` is nearly always the answer; a deleted one, or a chunk that is not
 * read, moves `end` before it. */
static int block_last_sample(struct querier *base, const struct series *series, ts start, ts end,
                             struct arena *arena, struct sample *ret, struct baro_error *err)
{
    struct block_querier *querier = block_querier_of(base);
    struct cached_series *source = series->source;
    struct tombstones deleted;
    struct sample_view view = {0};
    struct chunk_meta meta = {0};
    int r;

    if (last_of_run(querier, source, start, end, &view) > 0) {
        if (view.count > 0) {
            *ret = (struct sample){.t = *view.t, .v = *view.v};
        }
        return view.count > 0;
    }
    deleted = tombstones_of(&querier->block->tombstones, source->ref);
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
    *ret = (struct str_list){.items = items, .count = count};
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
    *ret = (struct str_list){.items = items, .count = count};
    return 0;
}

static int block_label_values(struct querier *base, struct arena *arena, str name,
                              struct matchers matchers, const struct cancel *cancel,
                              struct str_list *ret, struct baro_error *err)
{
    struct block_querier *querier = block_querier_of(base);
    const struct index_reader *index = querier->block->index;
    _Atomic uint64_t *same = NULL;
    const str *kept;
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
    kept = index_reader_values(index, number, &same);
    if (kept != NULL) {
        *ret = (struct str_list){kept, count, same};
        return 0;
    }
    items = arena_alloc(arena, count * sizeof(*items));
    for (uint32_t i = 0; i < count; i++) {
        items[i] = index_reader_value(index, number, i);
    }
    *ret = (struct str_list){.items = items, .count = count};
    return 0;
}

static uint64_t block_querier_damage(struct querier *base)
{
    return atomic_load_explicit(&block_querier_of(base)->damage, memory_order_relaxed);
}

static void block_close(struct querier *base)
{
    struct block_querier *querier = block_querier_of(base);

    if (querier->block->cache != NULL) {
        block_cache_leave(querier->block->cache, &querier->reader);
    }
    arena_done(&querier->arena);
    (void)block_unref(querier->block);
    (void)mem_free(querier);
}

static const struct querier_ops block_ops = {
    .select = block_select,
    .samples = block_samples,
    .last_sample = block_last_sample,
    .view = block_view,
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
    if (block->cache != NULL) {
        block_cache_enter(block->cache, &querier->reader);
    }
    querier->mint = mint;
    querier->maxt = maxt;
    *ret = &querier->querier;
    return 0;
}

void block_querier_allow_reduced(struct querier *querier)
{
    ASSERT(querier->ops == &block_ops);
    block_querier_of(querier)->may_reduce = true;
}
