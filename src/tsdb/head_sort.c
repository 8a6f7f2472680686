/*
 * Sorting series by their labels. Of many series that share few pairs, the pairs are sorted once
 * and numbered by rank; then the series are sorted by counting, from their last label to their
 * first, which looks at no text. A few series are compared directly.
 */
#include <stdlib.h>
#include <string.h>

#include "tsdb/head_priv.h"

enum {
    RANK_SERIES_MIN = 128,
    PAIRS_PER_SERIES_MAX = 16, /* beyond this, the table of ranks would cost more than it saves */
};

static int compare_pair(const struct label_pair *p, const struct label_pair *q)
{
    return p->name != q->name ? str_cmp(p->name->text, q->name->text)
                              : str_cmp(label_pair_value(p), label_pair_value(q));
}

/* Orders as labels_cmp does, but equal pairs are told by their numbers. */
static int by_labels(const void *a, const void *b, void *context)
{
    const struct head *head = context;
    const struct head_series *s = head_series_at(head, *(const uint32_t *)a);
    const struct head_series *t = head_series_at(head, *(const uint32_t *)b);
    const pair_ref *x = head_series_pairs(head, s), *y = head_series_pairs(head, t);
    size_t shorter = s->pair_count < t->pair_count ? s->pair_count : t->pair_count;

    for (size_t i = 0; i < shorter; i++) {
        if (x[i] != y[i]) {
            return compare_pair(label_pair_at(&head->labels, x[i]),
                                label_pair_at(&head->labels, y[i]));
        }
    }
    return (s->pair_count > t->pair_count) - (s->pair_count < t->pair_count);
}

static int by_pair(const void *a, const void *b, void *context)
{
    const struct head *head = context;

    return compare_pair(label_pair_at(&head->labels, *(const pair_ref *)a),
                        label_pair_at(&head->labels, *(const pair_ref *)b));
}

struct ranking {
    uint32_t *ranks;   /* by pair; from 1 */
    uint32_t *buckets; /* by rank; room for rank_count + 2 */
    size_t rank_count;
    size_t columns; /* labels of the longest set */
};

/* Ranks all pairs of the series; false when it would not pay or memory is short. */
static bool rank_pairs(const struct head *head, struct arena *arena, const uint32_t *slots,
                       size_t count, uint32_t pair_count, struct ranking *ret)
{
    pair_ref *used;
    size_t room = pair_count;

    if (count < RANK_SERIES_MIN || pair_count / PAIRS_PER_SERIES_MAX > count) {
        return false;
    }
    ret->ranks = arena_try(arena, room * sizeof(uint32_t));
    used = arena_try(arena, room * sizeof(pair_ref));
    ret->buckets = arena_try(arena, (room + 2) * sizeof(uint32_t));
    if (ret->ranks == NULL || used == NULL || ret->buckets == NULL) {
        return false;
    }
    memset(ret->ranks, 0, room * sizeof(uint32_t));
    ret->rank_count = ret->columns = 0;
    for (size_t i = 0; i < count; i++) {
        const struct head_series *series = head_series_at(head, slots[i]);
        const pair_ref *pairs = head_series_pairs(head, series);

        ret->columns = series->pair_count > ret->columns ? series->pair_count : ret->columns;
        for (size_t k = 0; k < series->pair_count; k++) {
            ASSERT(pairs[k] < pair_count);
            if (ret->ranks[pairs[k]] == 0) {
                ret->ranks[pairs[k]] = 1;
                used[ret->rank_count++] = pairs[k];
            }
        }
    }
    qsort_r(used, ret->rank_count, sizeof(used[0]), by_pair, (void *)(uintptr_t)head);
    for (size_t i = 0; i < ret->rank_count; i++) {
        ret->ranks[used[i]] = (uint32_t)i + 1;
    }
    return true;
}

/* The rank of a series' label in this column; a set that is over comes first. */
static uint32_t rank_at(const struct head *head, const struct ranking *ranking, uint32_t slot,
                        size_t column)
{
    const struct head_series *series = head_series_at(head, slot);

    return column < series->pair_count ? ranking->ranks[head_series_pairs(head, series)[column]]
                                       : 0;
}

/* One stable pass; false when all series agree in this column, and nothing was moved. */
static bool sort_column(const struct head *head, const struct ranking *ranking,
                        const uint32_t *from, uint32_t *to, uint32_t *keys, size_t count,
                        size_t column)
{
    uint32_t least = UINT32_MAX, most = 0;
    uint32_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        keys[i] = rank_at(head, ranking, from[i], column);
        least = keys[i] < least ? keys[i] : least;
        most = keys[i] > most ? keys[i] : most;
    }
    if (least == most) {
        return false;
    }
    memset(ranking->buckets, 0, (most - least + 1u) * sizeof(uint32_t));
    for (size_t i = 0; i < count; i++) {
        ranking->buckets[keys[i] - least]++;
    }
    for (size_t rank = 0; rank <= most - least; rank++) {
        uint32_t here = ranking->buckets[rank];

        ranking->buckets[rank] = sum;
        sum += here;
    }
    for (size_t i = 0; i < count; i++) {
        to[ranking->buckets[keys[i] - least]++] = from[i];
    }
    return true;
}

void head_sort_by_labels(struct head *head, struct arena *arena, uint32_t *slots, size_t count)
{
    struct ranking ranking = {0};
    uint32_t *from = slots, *to, *keys;
    uint32_t pair_count;

    rwlock_read(&head->index_lock);
    pair_count = head->labels.pair_count;
    rwlock_release(&head->index_lock);
    to = arena_try(arena, (count + 1) * sizeof(uint32_t));
    keys = arena_try(arena, (count + 1) * sizeof(uint32_t));
    if (to == NULL || keys == NULL ||
        !rank_pairs(head, arena, slots, count, pair_count, &ranking)) {
        qsort_r(slots, count, sizeof(slots[0]), by_labels, head);
        return;
    }
    for (size_t column = ranking.columns; column-- > 0;) {
        if (sort_column(head, &ranking, from, to, keys, count, column)) {
            uint32_t *swap = from;

            from = to;
            to = swap;
        }
    }
    if (from != slots) {
        memcpy(slots, from, count * sizeof(slots[0]));
    }
}
