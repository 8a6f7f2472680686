#include <stdatomic.h>

#include "base/assert.h"
#include "base/mem.h"
#include "storage/storage.h"

/* Where one merged series gets its samples: a run of these, in the order of the parts, stands
 * behind series.source, and series.id is how many. */
struct merge_source {
    struct querier *querier;
    struct series series;
};

struct merge_querier {
    struct querier querier;
    size_t count;
    struct querier *parts[];
};

/* What all parts have selected. */
struct merge_input {
    struct series_list *lists; /* by part */
    size_t total;
    size_t filled_count; /* parts that have any series */
    size_t filled_last;  /* the last such part */
};

static struct merge_querier *merge_of(struct querier *querier)
{
    return CONTAINER_OF(querier, struct merge_querier, querier);
}

static int select_parts(struct merge_querier *merge, struct arena *arena,
                        const struct select_hints *hints, struct matchers matchers,
                        const struct cancel *cancel, struct merge_input *ret,
                        struct baro_error *err)
{
    struct select_hints wanted = hints != NULL ? *hints : (struct select_hints){0};

    /* Series are matched by their labels. A part may be cut short only when all of them are cut in
     * one order, or a series that is kept would miss the samples of a part that dropped it. */
    wanted.no_labels = false;
    wanted.name_count = 0;
    wanted.limit = wanted.sorted ? wanted.limit : 0;
    ret->lists = ARENA_ARRAY(arena, struct series_list, merge->count);
    for (size_t i = 0; i < merge->count; i++) {
        struct querier *part = merge->parts[i];
        int r = part->ops->select(part, arena, &wanted, matchers, cancel, &ret->lists[i], err);

        if (r < 0) {
            return r;
        }
        if (ret->lists[i].count > 0) {
            ret->total += ret->lists[i].count;
            ret->filled_count++;
            ret->filled_last = i;
        }
    }
    return 0;
}

/* wrap_single is the common case of a selection that only one part knows. */
static void wrap_single(struct merge_querier *merge, struct arena *arena,
                        const struct merge_input *input, struct series_list *ret)
{
    struct series_list list = input->lists[input->filled_last];
    struct merge_source *sources = ARENA_ARRAY(arena, struct merge_source, list.count);

    for (size_t i = 0; i < list.count; i++) {
        sources[i] = (struct merge_source){merge->parts[input->filled_last], list.items[i]};
        list.items[i].source = &sources[i];
        list.items[i].id = 1;
    }
    *ret = list;
}

/* merge_sorted walks all parts at once, taking the least label set that is left. */
static void merge_sorted(struct merge_querier *merge, struct arena *arena,
                         const struct merge_input *input, struct series_list *ret)
{
    struct merge_source *sources = ARENA_ARRAY(arena, struct merge_source, input->total);
    struct series *items = ARENA_ARRAY(arena, struct series, input->total);
    size_t *next = ARENA_ARRAY(arena, size_t, merge->count);
    size_t taken = 0;
    size_t count = 0;

    while (taken < input->total) {
        const struct series *least = NULL;
        size_t first = taken;

        for (size_t i = 0; i < merge->count; i++) {
            const struct series *candidate = &input->lists[i].items[next[i]];

            if (next[i] < input->lists[i].count &&
                (least == NULL || labels_cmp(candidate->labels, least->labels) < 0)) {
                least = candidate;
            }
        }
        for (size_t i = 0; i < merge->count; i++) {
            const struct series *candidate = &input->lists[i].items[next[i]];

            if (next[i] < input->lists[i].count && labels_eq(candidate->labels, least->labels)) {
                sources[taken++] = (struct merge_source){merge->parts[i], *candidate};
                next[i]++;
            }
        }
        ASSERT(taken > first);
        items[count++] = (struct series){
            .labels = least->labels, .source = &sources[first], .id = taken - first};
    }
    *ret = (struct series_list){items, count};
}

/* The table of merge_hashed: which merged series has a label set. Slots hold an index from 1. */
struct merge_table {
    uint32_t *slots;
    uint64_t *hashes; /* by merged series */
    size_t mask;
};

static _Atomic uint64_t sames; /* numbers that were given */

/* Relaxed, all of it: whatever number is read was given to equal labels. */
static bool is_same(_Atomic uint64_t *a, _Atomic uint64_t *b)
{
    uint64_t number = a != NULL && b != NULL ? atomic_load_explicit(a, memory_order_relaxed) : 0;

    return number != 0 && number == atomic_load_explicit(b, memory_order_relaxed);
}

static void note_same(_Atomic uint64_t *a, _Atomic uint64_t *b)
{
    uint64_t known = 0;
    uint64_t number;

    if (a == NULL || b == NULL) {
        return;
    }
    number = atomic_fetch_add_explicit(&sames, 1, memory_order_relaxed) + 1;
    if (!atomic_compare_exchange_strong_explicit(a, &known, number, memory_order_relaxed,
                                                 memory_order_relaxed)) {
        number = known;
    }
    atomic_store_explicit(b, number, memory_order_relaxed);
}

/* Labels lie apart in each part, and comparing them reads most of them from memory: once for two
 * series that are kept. */
static bool has_same_labels(const struct series *a, const struct series *b)
{
    if (is_same(a->same, b->same)) {
        return true;
    }
    if (!labels_eq(a->labels, b->labels)) {
        return false;
    }
    note_same(a->same, b->same);
    return true;
}

static uint32_t table_find(struct merge_table *table, struct series *items, size_t *count,
                           const struct series *series)
{
    uint64_t hash = series->hash != 0 ? series->hash : labels_hash(series->labels);
    size_t slot = hash & table->mask;

    for (; table->slots[slot] != 0; slot = (slot + 1) & table->mask) {
        uint32_t index = table->slots[slot] - 1;

        if (table->hashes[index] == hash && has_same_labels(&items[index], series)) {
            return index;
        }
    }
    table->hashes[*count] = hash;
    items[*count] = (struct series){.labels = series->labels, .same = series->same};
    table->slots[slot] = (uint32_t)++ * count;
    return (uint32_t)(*count - 1);
}

/* lay_out gives each merged series its run in sources (series.id is its length on entry), and then
 * fills the runs in the order of the parts. */
static void lay_out(struct merge_querier *merge, const struct merge_input *input,
                    const uint32_t *index_of, struct series_list merged,
                    struct merge_source *sources)
{
    size_t offset = 0;
    size_t position = 0;

    for (size_t i = 0; i < merged.count; i++) {
        merged.items[i].source = &sources[offset];
        offset += merged.items[i].id;
        merged.items[i].id = 0;
    }
    for (size_t part = 0; part < merge->count; part++) {
        for (size_t i = 0; i < input->lists[part].count; i++) {
            struct series *series = &merged.items[index_of[position++]];
            struct merge_source *run = series->source;

            run[series->id++] =
                (struct merge_source){merge->parts[part], input->lists[part].items[i]};
        }
    }
    ASSERT(offset == input->total && position == input->total);
}

static int merge_hashed(struct merge_querier *merge, struct arena *arena,
                        const struct merge_input *input, struct series_list *ret,
                        struct baro_error *err)
{
    struct series *items = ARENA_ARRAY(arena, struct series, input->total);
    uint32_t *index_of = ARENA_ARRAY(arena, uint32_t, input->total);
    struct merge_table table = {.mask = 1};
    size_t count = 0;
    size_t position = 0;

    if (input->total >= UINT32_MAX / 2) {
        return error_set(err, BARO_ELIMIT, "%zu series are too many for one query", input->total);
    }
    while (table.mask < input->total * 2) {
        table.mask = table.mask * 2 + 1;
    }
    table.slots = ARENA_ARRAY(arena, uint32_t, table.mask + 1);
    table.hashes = ARENA_ARRAY(arena, uint64_t, input->total);
    for (size_t part = 0; part < merge->count; part++) {
        for (size_t i = 0; i < input->lists[part].count; i++) {
            uint32_t index = table_find(&table, items, &count, &input->lists[part].items[i]);

            items[index].id++;
            index_of[position++] = index;
        }
    }
    *ret = (struct series_list){items, count};
    lay_out(merge, input, index_of, *ret, ARENA_ARRAY(arena, struct merge_source, input->total));
    return 0;
}

static int merge_select(struct querier *base, struct arena *arena, const struct select_hints *hints,
                        struct matchers matchers, const struct cancel *cancel,
                        struct series_list *ret, struct baro_error *err)
{
    struct merge_querier *merge = merge_of(base);
    struct merge_input input = {0};
    struct series_list merged = {0};
    int r = select_parts(merge, arena, hints, matchers, cancel, &input, err);

    if (r < 0) {
        return r;
    }
    if (input.filled_count == 1) {
        wrap_single(merge, arena, &input, &merged);
    } else if (hints != NULL && hints->sorted) {
        merge_sorted(merge, arena, &input, &merged);
    } else if (input.filled_count > 1) {
        r = merge_hashed(merge, arena, &input, &merged, err);
    }
    if (r < 0) {
        return r;
    }
    if (hints != NULL && hints->limit > 0 && merged.count > hints->limit) {
        merged.count = hints->limit;
    }
    *ret = merged;
    return 0;
}

static int merge_samples(UNUSED struct querier *base, const struct series *series, ts start, ts end,
                         struct sample_buf *ret, struct baro_error *err)
{
    const struct merge_source *sources = series->source;
    size_t first = ret->count;

    for (size_t i = 0; i < series->id; i++) {
        struct querier *part = sources[i].querier;
        size_t middle = ret->count;
        struct sample_facts before = ret->facts;
        int r;

        ret->facts = (struct sample_facts){0};
        r = part->ops->samples(part, &sources[i].series, start, end, ret, err);

        if (r < 0) {
            ret->count = first;
            return r;
        }
        if (!sample_buf_join(ret, first, middle, before)) {
            ret->count = first;
            return error_set(err, BARO_ELIMIT, "no memory to merge overlapping samples");
        }
    }
    return 0;
}

/* Only a series that one part has alone lies in one piece. */
static int merge_view(UNUSED struct querier *base, const struct series *series, ts start, ts end,
                      struct sample_view *ret)
{
    const struct merge_source *source = series->source;

    return series->id == 1 && source->querier->ops->view != NULL
               ? source->querier->ops->view(source->querier, &source->series, start, end, ret)
               : 0;
}

static double last_value(const struct sample_pieces *pieces)
{
    size_t last = pieces->piece_count - 1;

    return pieces->pieces[last].v[pieces->count - 1 - pieces->pieces[last].begin];
}

/* Adds what one part has, if it goes on as the others do. */
static bool pieces_add(struct sample_pieces *pieces, const struct sample_view *view)
{
    if (!view->facts.no_nan || view->facts.distance <= 0) {
        return false;
    }
    if (pieces->count == 0) {
        *pieces = (struct sample_pieces){.first = view->t[0],
                                         .distance = view->facts.distance,
                                         .never_falls = view->facts.never_falls};
    } else {
        pieces->never_falls &= view->facts.never_falls && view->v[0] >= last_value(pieces);
    }
    if (view->facts.distance != pieces->distance || pieces->piece_count == SAMPLE_PIECES_MAX ||
        view->t[0] != pieces->first + (ts)pieces->count * pieces->distance) {
        return false;
    }
    pieces->pieces[pieces->piece_count].v = view->v;
    pieces->pieces[pieces->piece_count].begin = pieces->count;
    pieces->pieces[pieces->piece_count].never_falls = view->facts.never_falls;
    pieces->count += view->count;
    pieces->pieces[pieces->piece_count++].end = pieces->count;
    return true;
}

static int merge_pieces(UNUSED struct querier *base, const struct series *series, ts start, ts end,
                        struct sample_pieces *ret)
{
    const struct merge_source *sources = series->source;
    struct sample_pieces pieces = {0};

    for (size_t i = 0; i < series->id; i++) {
        struct querier *part = sources[i].querier;
        struct sample_view view = {0};

        if (part->ops->view == NULL ||
            part->ops->view(part, &sources[i].series, start, end, &view) <= 0 ||
            (view.count > 0 && !pieces_add(&pieces, &view))) {
            return 0;
        }
    }
    *ret = pieces;
    return pieces.count > 0;
}

/* Later parts are asked first: they are newer as a rule, and then older ones need not be read. */
static int merge_last_sample(UNUSED struct querier *base, const struct series *series, ts start,
                             ts end, struct arena *arena, struct sample *ret,
                             struct baro_error *err)
{
    const struct merge_source *sources = series->source;
    int found = 0;

    for (size_t i = series->id; i-- > 0 && start <= end;) {
        struct querier *part = sources[i].querier;
        int r = part->ops->last_sample(part, &sources[i].series, start, end, arena, ret, err);

        if (r < 0) {
            return r;
        }
        if (r > 0) {
            found = 1;
            if (ret->t == INT64_MAX) {
                break;
            }
            start = ret->t + 1;
        }
    }
    return found;
}

static size_t common_start(struct str_list a, struct str_list b)
{
    size_t count = a.count < b.count ? a.count : b.count;
    size_t same = 0;

    while (same < count && str_eq(a.items[same], b.items[same])) {
        same++;
    }
    return same;
}

/* unite merges two sorted lists into a new one. Neighbouring blocks nearly always have the same
 * values: then there is nothing to do. */
static struct str_list unite(struct arena *arena, struct str_list a, struct str_list b)
{
    bool same = is_same(a.same, b.same);
    size_t count = same ? a.count : common_start(a, b);
    size_t i = count;
    size_t k = count;
    str *items;

    if (!same && count == a.count && count == b.count) {
        note_same(a.same, b.same);
    }
    if (count == a.count || count == b.count) {
        return count == a.count ? b : a;
    }
    items = arena_alloc(arena, (a.count + b.count - count) * sizeof(*items));
    memcpy(items, a.items, count * sizeof(*items));
    while (i < a.count || k < b.count) {
        int order = i == a.count ? 1 : k == b.count ? -1 : str_cmp(a.items[i], b.items[k]);

        items[count++] = order <= 0 ? a.items[i] : b.items[k];
        i += order <= 0;
        k += order >= 0;
    }
    return (struct str_list){.items = items, .count = count};
}

static int merge_label_names(struct querier *base, struct arena *arena, struct matchers matchers,
                             const struct cancel *cancel, struct str_list *ret,
                             struct baro_error *err)
{
    struct merge_querier *merge = merge_of(base);
    struct str_list all = {0};

    for (size_t i = 0; i < merge->count; i++) {
        struct querier *part = merge->parts[i];
        struct str_list names = {0};
        int r = part->ops->label_names(part, arena, matchers, cancel, &names, err);

        if (r < 0) {
            return r;
        }
        all = unite(arena, all, names);
    }
    *ret = all;
    return 0;
}

static int merge_label_values(struct querier *base, struct arena *arena, str name,
                              struct matchers matchers, const struct cancel *cancel,
                              struct str_list *ret, struct baro_error *err)
{
    struct merge_querier *merge = merge_of(base);
    struct str_list all = {0};

    for (size_t i = 0; i < merge->count; i++) {
        struct querier *part = merge->parts[i];
        struct str_list values = {0};
        int r = part->ops->label_values(part, arena, name, matchers, cancel, &values, err);

        if (r < 0) {
            return r;
        }
        all = unite(arena, all, values);
    }
    *ret = all;
    return 0;
}

static uint64_t merge_damage(struct querier *base)
{
    struct merge_querier *merge = merge_of(base);
    uint64_t damage = 0;

    for (size_t i = 0; i < merge->count; i++) {
        damage += querier_damage(merge->parts[i]);
    }
    return damage;
}

static const char *merge_warning(struct querier *base, size_t index)
{
    struct merge_querier *merge = merge_of(base);

    for (size_t i = 0; i < merge->count; i++) {
        const char *warning;

        for (size_t k = 0; (warning = querier_warning(merge->parts[i], k)) != NULL; k++) {
            if (index == 0) {
                return warning;
            }
            index--;
        }
    }
    return NULL;
}

static void merge_close(struct querier *base)
{
    struct merge_querier *merge = merge_of(base);

    for (size_t i = 0; i < merge->count; i++) {
        querier_close(merge->parts[i]);
    }
    (void)mem_free(merge);
}

static const struct querier_ops merge_ops = {
    .select = merge_select,
    .samples = merge_samples,
    .last_sample = merge_last_sample,
    .view = merge_view,
    .pieces = merge_pieces,
    .label_names = merge_label_names,
    .label_values = merge_label_values,
    .close = merge_close,
    .damage = merge_damage,
    .warning = merge_warning,
};

struct querier *querier_merge(struct querier **parts, size_t count)
{
    struct merge_querier *merge;

    if (count == 1) {
        return parts[0];
    }
    merge = mem_alloc_zero(sizeof(*merge) + count * sizeof(struct querier *));
    merge->querier.ops = &merge_ops;
    merge->count = count;
    for (size_t i = 0; i < count; i++) {
        merge->parts[i] = parts[i];
    }
    return &merge->querier;
}
