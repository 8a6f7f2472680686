#include <stdlib.h>

#include "base/assert.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "model/histogram.h"
#include "storage/storage.h"

/* Looking at the clock costs about 30 ns, a series about as much. */
enum { CANCEL_EVERY_SERIES = 1024 };

struct memstore_series {
    struct labels labels;
    struct sample_buf samples;
};

struct memstore {
    struct queryable queryable;
    struct arena arena;
    struct map by_key; /* the labels as one string -> struct memstore_series */
    VEC(struct memstore_series *) series;
    struct buf key;
};

struct memstore_querier {
    struct querier querier;
    struct memstore *store;
    ts mint;
    ts maxt;
};

void memstore_clear(struct memstore *store)
{
    for (size_t i = 0; i < store->series.count; i++) {
        sample_buf_done(&store->series.items[i]->samples);
    }
    vec_done(&store->series);
    map_done(&store->by_key);
    arena_done(&store->arena);
}

struct memstore *memstore_free(struct memstore *store)
{
    if (store != NULL) {
        memstore_clear(store);
        buf_done(&store->key);
    }
    return mem_free(store);
}

/* series_key writes the lengths and bytes of all labels, so that distinct sets have distinct keys.
 */
static str series_key(struct memstore *store, struct labels labels)
{
    buf_reset(&store->key);
    for (size_t i = 0; i < labels.count; i++) {
        struct label label = labels.items[i];
        size_t sizes[2] = {label.name.len, label.value.len};

        buf_bytes(&store->key, sizes, sizeof(sizes));
        buf_str(&store->key, label.name);
        buf_str(&store->key, label.value);
    }
    ASSERT(!store->key.failed);
    return buf_view(&store->key);
}

static struct memstore_series *series_get(struct memstore *store, struct labels labels)
{
    str key = series_key(store, labels);
    struct memstore_series *series = map_get(&store->by_key, key);

    if (series == NULL) {
        series = ARENA_NEW(&store->arena, struct memstore_series);
        series->labels = labels_copy(&store->arena, labels);
        (void)map_put(&store->by_key, arena_str(&store->arena, key), series);
        vec_push(&store->series, series);
    }
    return series;
}

/* What is known of the counts of a chunk at its first sample is what came before: nothing. Later
 * samples belong to the same chunk because no counter was reset between them. */
static enum histogram_hint hint_of(struct memstore *store, const struct sample_buf *samples,
                                   const struct histogram *h)
{
    const struct histogram *before =
        samples->count > 0 && samples->h != NULL ? samples->h[samples->count - 1] : NULL;

    if (h->hint == HISTOGRAM_HINT_GAUGE) {
        return HISTOGRAM_HINT_GAUGE;
    }
    if (before == NULL || histogram_is_stale(before) || histogram_is_stale(h) ||
        before->hint == HISTOGRAM_HINT_GAUGE || h->hint == HISTOGRAM_HINT_RESET ||
        before->schema != h->schema || before->zero_threshold != h->zero_threshold ||
        !histogram_bounds_eq(before, h)) {
        return HISTOGRAM_HINT_UNKNOWN;
    }
    return histogram_has_reset(&store->arena,
                               &(struct histogram){.schema = h->schema,
                                                   .zero_threshold = h->zero_threshold,
                                                   .zero_count = h->zero_count,
                                                   .count = h->count,
                                                   .positive = h->positive,
                                                   .negative = h->negative,
                                                   .custom = h->custom,
                                                   .custom_count = h->custom_count},
                               before)
               ? HISTOGRAM_HINT_UNKNOWN
               : HISTOGRAM_HINT_NOT_RESET;
}

static bool put_histogram(struct memstore *store, struct sample_buf *samples,
                          const struct histogram *h)
{
    struct histogram *copy = histogram_copy(&store->arena, h);

    if (copy == NULL || !sample_buf_add_h(samples)) {
        return false;
    }
    copy->hint = hint_of(store, samples, h);
    samples->h[samples->count] = copy;
    return true;
}

int memstore_append_sample(struct memstore *store, struct labels labels,
                           const struct sample *sample, struct baro_error *err)
{
    struct memstore_series *series = series_get(store, labels);
    struct sample_buf *samples = &series->samples;
    size_t at = samples->count;

    if (at > 0 && sample->t <= samples->t[at - 1]) {
        return error_set(err, sample->t == samples->t[at - 1] ? BARO_EDUPLICATE : BARO_EOUTOFORDER,
                         "sample at %lld does not come after the last one of its series",
                         (long long)sample->t);
    }
    if (!sample_buf_reserve(samples, 1) || (sample->st != 0 && !sample_buf_add_st(samples)) ||
        (sample->h != NULL && !put_histogram(store, samples, sample->h))) {
        return error_set(err, BARO_ELIMIT, "no memory for another sample");
    }
    samples->t[at] = sample->t;
    samples->v[at] = sample->h != NULL ? sample->h->sum : sample->v;
    if (samples->h != NULL && sample->h == NULL) {
        samples->h[at] = NULL;
    }
    if (samples->st != NULL) {
        samples->st[at] = sample->st;
    }
    samples->count++;
    return 0;
}

int memstore_append(struct memstore *store, struct labels labels, ts t, double v,
                    struct baro_error *err)
{
    return memstore_append_sample(store, labels, &(struct sample){.t = t, .v = v}, err);
}

/* lower_bound returns the index of the first sample with t >= wanted, or count. */
static size_t lower_bound(const struct sample_buf *samples, ts wanted)
{
    size_t low = 0;
    size_t high = samples->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (samples->t[middle] < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* range_of gives the indexes [*ret_first, *ret_behind) of the samples with start <= t <= end. */
static void range_of(const struct sample_buf *samples, ts start, ts end, size_t *ret_first,
                     size_t *ret_behind)
{
    *ret_first = lower_bound(samples, start);
    *ret_behind = end == INT64_MAX ? samples->count : lower_bound(samples, end + 1);
    *ret_behind = *ret_behind < *ret_first ? *ret_first : *ret_behind;
}

static bool is_selected(const struct memstore_querier *querier,
                        const struct memstore_series *series, struct matchers matchers)
{
    size_t first;
    size_t behind;

    range_of(&series->samples, querier->mint, querier->maxt, &first, &behind);
    return first < behind && matchers_match(matchers, series->labels);
}

static int by_labels(const void *a, const void *b)
{
    const struct series *left = a;
    const struct series *right = b;

    return labels_cmp(left->labels, right->labels);
}

static int memstore_select(struct querier *base, struct arena *arena,
                           const struct select_hints *hints, struct matchers matchers,
                           const struct cancel *cancel, struct series_list *ret,
                           struct baro_error *err)
{
    struct memstore_querier *querier = CONTAINER_OF(base, struct memstore_querier, querier);
    struct memstore *store = querier->store;
    struct series *items = ARENA_ARRAY(arena, struct series, store->series.count);
    size_t count = 0;

    for (size_t i = 0; i < store->series.count; i++) {
        struct memstore_series *series = store->series.items[i];

        if (i % CANCEL_EVERY_SERIES == 0) {
            int r = cancel_check(cancel, err);

            if (r < 0) {
                return r;
            }
        }
        if (is_selected(querier, series, matchers)) {
            items[count++] = (struct series){.labels = series->labels, .source = series, .id = i};
        }
    }
    if (hints != NULL && hints->sorted && count > 1) {
        qsort(items, count, sizeof(*items), by_labels);
    }
    if (hints != NULL && hints->limit > 0 && count > hints->limit) {
        count = hints->limit;
    }
    *ret = (struct series_list){.items = items, .count = count};
    return 0;
}

/* clip narrows [*start, *end] to what the querier sees. */
static void clip(const struct memstore_querier *querier, ts *start, ts *end)
{
    *start = *start < querier->mint ? querier->mint : *start;
    *end = *end > querier->maxt ? querier->maxt : *end;
}

static int memstore_samples(struct querier *base, const struct series *series, ts start, ts end,
                            struct sample_buf *ret, struct baro_error *err)
{
    struct memstore_querier *querier = CONTAINER_OF(base, struct memstore_querier, querier);
    const struct memstore_series *source = series->source;
    size_t first;
    size_t behind;

    clip(querier, &start, &end);
    range_of(&source->samples, start, end, &first, &behind);
    if (!sample_buf_reserve(ret, behind - first) ||
        (source->samples.h != NULL && !sample_buf_add_h(ret)) ||
        (source->samples.st != NULL && !sample_buf_add_st(ret))) {
        return error_set(err, BARO_ELIMIT, "too many samples");
    }
    for (size_t i = first; i < behind; i++) {
        sample_buf_move(ret, ret->count++, &source->samples, i);
    }
    return 0;
}

static int memstore_last_sample(struct querier *base, const struct series *series, ts start, ts end,
                                UNUSED struct arena *arena, struct sample *ret,
                                UNUSED struct baro_error *err)
{
    struct memstore_querier *querier = CONTAINER_OF(base, struct memstore_querier, querier);
    const struct memstore_series *source = series->source;
    size_t first;
    size_t behind;

    clip(querier, &start, &end);
    range_of(&source->samples, start, end, &first, &behind);
    if (behind == first) {
        return 0;
    }
    *ret = (struct sample){
        .t = source->samples.t[behind - 1],
        .v = source->samples.v[behind - 1],
        .h = source->samples.h != NULL ? source->samples.h[behind - 1] : NULL,
        .st = source->samples.st != NULL ? source->samples.st[behind - 1] : 0,
    };
    return 1;
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

/* distinct sorts strings and drops repeats; the count that is left is returned. */
static size_t distinct(str *items, size_t count)
{
    size_t kept = 0;

    if (count > 1) {
        qsort(items, count, sizeof(*items), by_bytes);
    }
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !str_eq(items[kept - 1], items[i])) {
            items[kept++] = items[i];
        }
    }
    return kept;
}

/* collect gathers names (name.ptr NULL) or the values of `name` from all selected series. */
static int collect(struct memstore_querier *querier, struct arena *arena, str name,
                   struct matchers matchers, const struct cancel *cancel, struct str_list *ret,
                   struct baro_error *err)
{
    VEC(str) found = {0};
    str *items;
    int r = cancel_check(cancel, err);

    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < querier->store->series.count; i++) {
        const struct memstore_series *series = querier->store->series.items[i];

        if (!is_selected(querier, series, matchers)) {
            continue;
        }
        for (size_t k = 0; k < series->labels.count; k++) {
            struct label label = series->labels.items[k];

            if (name.ptr == NULL) {
                vec_push(&found, label.name);
            } else if (str_eq(label.name, name)) {
                vec_push(&found, label.value);
            }
        }
    }
    found.count = distinct(found.items, found.count);
    items = ARENA_ARRAY(arena, str, found.count);
    if (found.count > 0) {
        memcpy(items, found.items, found.count * sizeof(*items));
    }
    *ret = (struct str_list){.items = items, .count = found.count};
    vec_done(&found);
    return 0;
}

static int memstore_label_names(struct querier *base, struct arena *arena, struct matchers matchers,
                                const struct cancel *cancel, struct str_list *ret,
                                struct baro_error *err)
{
    return collect(CONTAINER_OF(base, struct memstore_querier, querier), arena, STR_NULL, matchers,
                   cancel, ret, err);
}

static int memstore_label_values(struct querier *base, struct arena *arena, str name,
                                 struct matchers matchers, const struct cancel *cancel,
                                 struct str_list *ret, struct baro_error *err)
{
    if (name.ptr == NULL) {
        name = STR("");
    }
    return collect(CONTAINER_OF(base, struct memstore_querier, querier), arena, name, matchers,
                   cancel, ret, err);
}

static void memstore_close(struct querier *base)
{
    (void)mem_free(CONTAINER_OF(base, struct memstore_querier, querier));
}

static const struct querier_ops memstore_ops = {
    .select = memstore_select,
    .samples = memstore_samples,
    .last_sample = memstore_last_sample,
    .label_names = memstore_label_names,
    .label_values = memstore_label_values,
    .close = memstore_close,
};

static int memstore_querier(struct queryable *queryable, ts mint, ts maxt, struct querier **ret,
                            UNUSED struct baro_error *err)
{
    struct memstore_querier *querier = MEM_NEW(struct memstore_querier);

    *querier = (struct memstore_querier){
        .querier = {&memstore_ops},
        .store = CONTAINER_OF(queryable, struct memstore, queryable),
        .mint = mint,
        .maxt = maxt,
    };
    *ret = &querier->querier;
    return 0;
}

struct memstore *memstore_new(void)
{
    struct memstore *store = MEM_NEW(struct memstore);

    store->queryable.querier = memstore_querier;
    return store;
}

struct queryable *memstore_queryable(struct memstore *store)
{
    return &store->queryable;
}
