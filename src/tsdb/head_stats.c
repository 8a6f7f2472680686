#include <stdlib.h>

#include "base/mem.h"
#include "tsdb/head_priv.h"

/* The `limit` greatest of what is offered: a small heap with the least at its root. */
struct top {
    struct tsdb_stat *items;
    size_t count;
    size_t limit;
};

static bool is_less(struct tsdb_stat a, struct tsdb_stat b)
{
    return a.value != b.value ? a.value < b.value : str_cmp(a.name, b.name) > 0;
}

static void sift_down(struct top *top)
{
    for (size_t i = 0;;) {
        size_t least = i;

        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < top->count; child++) {
            least = is_less(top->items[child], top->items[least]) ? child : least;
        }
        if (least == i) {
            return;
        }
        struct tsdb_stat swap = top->items[i];

        top->items[i] = top->items[least];
        top->items[least] = swap;
        i = least;
    }
}

static void offer(struct top *top, str name, uint64_t value)
{
    struct tsdb_stat stat = {name, value};
    size_t i;

    if (top->count == top->limit) {
        if (top->limit > 0 && is_less(top->items[0], stat)) {
            top->items[0] = stat;
            sift_down(top);
        }
        return;
    }
    for (i = top->count++; i > 0 && is_less(stat, top->items[(i - 1) / 2]); i = (i - 1) / 2) {
        top->items[i] = top->items[(i - 1) / 2];
    }
    top->items[i] = stat;
}

static int by_value(const void *a, const void *b)
{
    const struct tsdb_stat *x = a, *y = b;

    return is_less(*x, *y) ? 1 : is_less(*y, *x) ? -1 : 0;
}

static struct tsdb_stat_list finish(struct top *top)
{
    qsort(top->items, top->count, sizeof(top->items[0]), by_value);
    return (struct tsdb_stat_list){top->items, top->count};
}

static struct top top_new(struct arena *arena, size_t limit)
{
    return (struct top){.items = ARENA_ARRAY(arena, struct tsdb_stat, limit + 1), .limit = limit};
}

static void stat_pairs(const struct head *head, struct arena *arena, size_t limit,
                       struct tsdb_stats *ret)
{
    struct top metrics = top_new(arena, limit), pairs = top_new(arena, limit);
    struct tsdb_stat *items;

    for (pair_ref ref = 1; ref < head->labels.pair_count; ref++) {
        const struct label_pair *pair = label_pair_at(&head->labels, ref);

        if (pair->count == 0) {
            continue; /* a number that is free */
        }
        /* The name is joined to the value only for those that stay. */
        offer(&pairs, str_of((const char *)pair, 0), pair->count);
        if (str_eq(pair->name->text, LABEL_METRIC_NAME)) {
            offer(&metrics, label_pair_value(pair), pair->count);
        }
    }
    ret->series_by_metric = finish(&metrics);
    items = pairs.items;
    for (size_t i = 0; i < pairs.count; i++) {
        const struct label_pair *pair = (const struct label_pair *)(const void *)items[i].name.ptr;

        items[i].name = arena_printf(arena, "%.*s=%.*s", STR_ARG(pair->name->text),
                                     STR_ARG(label_pair_value(pair)));
    }
    ret->series_by_pair = finish(&pairs);
}

void head_stats(struct head *head, struct arena *arena, size_t limit, struct tsdb_stats *ret)
{
    struct top values = top_new(arena, limit), bytes = top_new(arena, limit);

    rwlock_read(&head->index_lock);
    ret->series = head->series_count;
    ret->label_pairs = head->labels.pair_count - 1 - head->labels.free_count;
    for (size_t i = 0; i < head->labels.names.count; i++) {
        const struct label_name *name = head->labels.names.items[i];
        uint64_t total = 0;

        for (size_t k = 0; k < name->pairs.count; k++) {
            const struct label_pair *pair = label_pair_at(&head->labels, name->pairs.items[k]);

            total += (uint64_t)pair->count * pair->value_len;
        }
        if (name->pairs.count == 0) {
            continue;
        }
        offer(&values, name->text, name->pairs.count);
        /* As Prometheus counts: the bytes of the value for each series that has it. */
        offer(&bytes, name->text, total);
    }
    ret->values_by_label = finish(&values);
    ret->bytes_by_label = finish(&bytes);
    stat_pairs(head, arena, limit, ret);
    rwlock_release(&head->index_lock);
    ret->chunks = atomic_load_explicit(&head->chunks, memory_order_relaxed);
    ret->mint = INT64_MAX;
    ret->maxt = INT64_MIN;
    (void)head_time(head, &ret->mint, &ret->maxt);
    ret->head_bytes = head_bytes(head);
}

static int by_metric(const void *a, const void *b)
{
    const struct tsdb_metadata *x = a, *y = b;
    int order = str_cmp(x->metric, y->metric);

    if (order == 0) {
        order = (int)x->metadata.type - (int)y->metadata.type;
    }
    if (order == 0) {
        order = str_cmp(x->metadata.unit, y->metadata.unit);
    }
    return order != 0 ? order : str_cmp(x->metadata.help, y->metadata.help);
}

static str metric_of(const struct head *head, const struct head_series *series)
{
    const pair_ref *pairs = head_series_pairs(head, series);

    for (size_t i = 0; i < series->pair_count; i++) {
        const struct label_pair *pair = label_pair_at(&head->labels, pairs[i]);

        if (str_eq(pair->name->text, LABEL_METRIC_NAME)) {
            return label_pair_value(pair);
        }
    }
    return STR("");
}

void head_metadata_list(struct head *head, struct arena *arena, str metric,
                        struct tsdb_metadata **ret, size_t *ret_count)
{
    VEC(struct tsdb_metadata) found = {0};
    struct head_epoch *epoch = head_epoch_enter(&head->epochs, HEAD_QUERIER);
    uint32_t *slots;
    size_t series_count;
    str last = STR_NULL;
    uint32_t last_number = 0;
    size_t kept = 0;

    rwlock_read(&head->index_lock);
    slots = ARENA_ARRAY(arena, uint32_t, head->series_count + 1u);
    series_count = head_slots_alive_locked(head, slots);
    rwlock_release(&head->index_lock);
    for (size_t i = 0; i < series_count; i++) {
        uint32_t slot = slots[i];
        const struct head_series *series = head_series_at(head, slot);
        str name = metric_of(head, series);
        uint32_t number;

        if (metric.len > 0 && !str_eq(name, metric)) {
            continue;
        }
        lock_acquire(head_stripe(head, slot));
        number = series->meta;
        lock_release(head_stripe(head, slot));
        if (number == 0 || (number == last_number && name.ptr == last.ptr)) {
            continue;
        }
        last = name;
        last_number = number;
        vec_push(&found, (struct tsdb_metadata){name, *head_meta_at(&head->meta, number)});
    }
    if (found.count > 1) {
        qsort(found.items, found.count, sizeof(found.items[0]), by_metric);
    }
    *ret = ARENA_ARRAY(arena, struct tsdb_metadata, found.count + 1);
    for (size_t i = 0; i < found.count; i++) {
        if (i == 0 || by_metric(&found.items[i - 1], &found.items[i]) != 0) {
            const struct tsdb_metadata *one = &found.items[i];

            (*ret)[kept++] = (struct tsdb_metadata){
                arena_str(arena, one->metric),
                {one->metadata.type, arena_str(arena, one->metadata.unit),
                 arena_str(arena, one->metadata.help)},
            };
        }
    }
    *ret_count = kept;
    vec_done(&found);
    head_epoch_leave(&head->epochs, epoch, HEAD_QUERIER);
}

static int by_series(const void *a, const void *b)
{
    const struct exemplar_found *x = a, *y = b;

    return x->slot != y->slot ? (x->slot > y->slot) - (x->slot < y->slot)
                              : (x->exemplar.t > y->exemplar.t) - (x->exemplar.t < y->exemplar.t);
}

int head_exemplars_select(struct head *head, struct arena *arena, struct matchers matchers,
                          ts start, ts end, struct tsdb_exemplar **ret, size_t *ret_count,
                          struct baro_error *err)
{
    struct head_epoch *epoch = head_epoch_enter(&head->epochs, HEAD_QUERIER);
    struct exemplar_found *found = NULL;
    struct labels labels = {0};
    struct label items[HEAD_LABELS_MAX];
    size_t count, kept = 0;
    uint32_t last = HEAD_SLOT_NONE;
    bool is_match = false;

    (void)err;
    count = head_exemplars_list(&head->examples, arena, start, end, &found);
    if (count > 1) {
        qsort(found, count, sizeof(found[0]), by_series);
    }
    *ret = ARENA_ARRAY(arena, struct tsdb_exemplar, count + 1);
    for (size_t i = 0; i < count; i++) {
        if (found[i].slot != last) {
            last = found[i].slot;
            labels = head_series_labels(head, head_series_at(head, last), items);
            is_match = matchers_match(matchers, labels);
            labels = is_match ? labels_copy(arena, labels) : labels;
        }
        if (is_match) {
            (*ret)[kept++] = (struct tsdb_exemplar){labels, found[i].exemplar};
        }
    }
    *ret_count = kept;
    head_epoch_leave(&head->epochs, epoch, HEAD_QUERIER);
    return 0;
}
