#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tsdb/head_priv.h"

enum {
    OPEN_BYTES = 2048,    /* room for an open chunk; those of histograms may need more */
    CANCEL_EVERY = 16384, /* series between two looks at the cancel flag */
    WANTED_MAX = 8,       /* names of labels that a query looks at */
};

struct head_querier {
    struct querier base;
    struct head *head;
    struct head_epoch *epoch;
    ts mint;
    ts maxt;
    _Atomic uint64_t damage; /* that was passed over; relaxed, a counter */
    struct arena arena;      /* labels that were handed out */
};

/* The chunks of a series that a reader looks at, made by view_make. */
struct head_view {
    VEC(const struct head_chunk *) closed; /* newest first */
    str open;                              /* a copy of the open chunk, in one of those below */
    uint8_t open_encoding;
    struct buf far;
    uint8_t near[OPEN_BYTES];
};

static struct head_querier *querier_of(struct querier *querier)
{
    return CONTAINER_OF(querier, struct head_querier, base);
}

static void note_damage(struct head_querier *querier, uint64_t count)
{
    (void)atomic_fetch_add_explicit(&querier->damage, count, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&querier->head->damage, count, memory_order_relaxed);
}

/* A damaged chunk in a file is one that is not there: the rest goes on serving, and who asked is
 * told of it. Other failures stay. */
static int pass_over(struct head_querier *querier, int r)
{
    if (r != BARO_ECORRUPT) {
        return r;
    }
    note_damage(querier, 1);
    return 0;
}

/* Whether the series has a chunk that reaches into [start, end]; by chunks, as Prometheus does. */
static bool has_time_locked(const struct head *head, const struct head_series *series, ts start,
                            ts end)
{
    const struct head_chunk *closed;

    if (series->chunk.count == 0 || series->chunk.t < start) {
        return false;
    }
    if (series->chunk.t <= end) {
        return true;
    }
    if (series->closed == 0) {
        return head_open_mint_locked(head, series) <= end;
    }
    for (closed = head_chunk_at(head, series->closed); closed != NULL;
         closed = head_chunk_at(head, head_chunk_older(closed))) {
        if (head_chunk_maxt(closed) < start) {
            /* The open chunk may still begin before `end`. */
            break;
        }
        if (closed->mint <= end) {
            return true;
        }
    }
    return head_chunk_maxt(head_chunk_at(head, series->closed)) < end;
}

/* Keeps the slots whose series have samples in the time; returns how many. */
static bool has_any_time_locked(const struct head *head, uint32_t slot, ts start, ts end)
{
    const struct head_series *series = head_series_at(head, slot);

    return has_time_locked(head, series, start, end) ||
           ((series->flags & SERIES_OOO) != 0 && head_ooo_overlaps_locked(head, slot, start, end));
}

static size_t filter_time(struct head *head, uint32_t *slots, size_t count, ts start, ts end)
{
    struct lock *held = NULL;
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        head_stripe_hold(head, slots[i], &held);
        if (has_any_time_locked(head, slots[i], start, end)) {
            slots[kept++] = slots[i];
        }
    }
    head_stripe_drop(held);
    return kept;
}

/* The slots that match, copied so that they outlive the index lock. */
static int matching_slots(struct head *head, struct arena *arena, struct matchers matchers,
                          const struct cancel *cancel, uint32_t **ret, size_t *ret_count,
                          struct baro_error *err)
{
    struct postings found = {0};
    uint32_t *copy = NULL;
    int r;

    rwlock_read(&head->index_lock);
    r = head_select_locked(head, arena, matchers, cancel, &found, err);
    if (r >= 0) {
        copy = arena_try(arena, (found.count + 1) * sizeof(uint32_t));
        if (copy == NULL) {
            r = error_set(err, BARO_ELIMIT, "the query needs too much memory");
        } else {
            (void)postings_copy(found, copy);
        }
    }
    rwlock_release(&head->index_lock);
    if (r >= 0) {
        *ret = copy;
        *ret_count = found.count;
    }
    return r;
}

/* The labels that a query looks at; the names are looked up once. */
struct wanted_labels {
    const struct label_name *names[WANTED_MAX];
    size_t count;
    bool all;
};

static struct wanted_labels wanted_of(struct head *head, const struct select_hints *hints)
{
    struct wanted_labels wanted = {.all = true};

    if (hints == NULL || hints->name_count == 0 || hints->name_count > WANTED_MAX) {
        return wanted;
    }
    wanted.all = false;
    rwlock_read(&head->index_lock);
    for (size_t i = 0; i < hints->name_count; i++) {
        const struct label_name *name = head_labels_name(&head->labels, hints->names[i]);

        if (name != NULL) {
            wanted.names[wanted.count++] = name;
        }
    }
    rwlock_release(&head->index_lock);
    return wanted;
}

static bool is_wanted(const struct wanted_labels *wanted, const struct label_name *name)
{
    for (size_t i = 0; i < wanted->count; i++) {
        if (wanted->names[i] == name) {
            return true;
        }
    }
    return false;
}

static struct labels make_labels(struct head_querier *querier, const struct head_series *series,
                                 const struct wanted_labels *wanted)
{
    const struct head *head = querier->head;
    size_t room =
        wanted->all || wanted->count > series->pair_count ? series->pair_count : wanted->count;
    struct label *items = arena_alloc(&querier->arena, room * sizeof(struct label));
    const pair_ref *pairs = head_series_pairs(head, series);
    size_t count = 0;

    if (wanted->all) {
        return head_series_labels(head, series, items);
    }
    for (size_t i = 0; i < series->pair_count && count < room; i++) {
        const struct label_pair *pair = label_pair_at(&head->labels, pairs[i]);

        if (is_wanted(wanted, pair->name)) {
            items[count++] = (struct label){pair->name->text, label_pair_value(pair)};
        }
    }
    return (struct labels){items, count};
}

static int querier_select(struct querier *base, struct arena *arena,
                          const struct select_hints *hints, struct matchers matchers,
                          const struct cancel *cancel, struct series_list *ret,
                          struct baro_error *err)
{
    struct head_querier *querier = querier_of(base);
    struct head *head = querier->head;
    ts start = querier->mint, end = querier->maxt;
    struct wanted_labels wanted = wanted_of(head, hints);
    struct series *items;
    uint32_t *slots = NULL;
    size_t count = 0;
    int r = matching_slots(head, arena, matchers, cancel, &slots, &count, err);

    if (r < 0) {
        return r;
    }
    if (hints != NULL && (hints->start != 0 || hints->end != 0)) {
        start = hints->start > start ? hints->start : start;
        end = hints->end < end ? hints->end : end;
    }
    count = filter_time(head, slots, count, start, end);
    if (hints != NULL && hints->sorted && count > 1) {
        head_sort_by_labels(head, arena, slots, count);
    }
    if (hints != NULL && hints->limit > 0 && count > hints->limit) {
        count = hints->limit;
    }
    items = arena_try(arena, (count + 1) * sizeof(struct series));
    if (items == NULL) {
        return error_set(err, BARO_ELIMIT, "the query needs too much memory");
    }
    for (size_t i = 0; i < count; i++) {
        struct head_series *series = head_series_at(head, slots[i]);

        items[i] = (struct series){.source = querier, .id = slots[i]};
        if (hints == NULL || !hints->no_labels) {
            items[i].labels = make_labels(querier, series, &wanted);
        }
        if (i % CANCEL_EVERY == CANCEL_EVERY - 1) {
            r = cancel_check(cancel, err);
            if (r < 0) {
                return r;
            }
        }
    }
    *ret = (struct series_list){items, count};
    return 0;
}

static void view_done(struct head_view *view)
{
    vec_done(&view->closed);
    buf_done(&view->far);
}

/* Copies the open chunk, if the series has samples from `start` on, and gives the newest closed
 * one. Nothing is allocated under the lock. */
static pool_ref copy_open(struct head *head, uint32_t slot, ts start, struct head_view *view)
{
    const struct head_series *series = head_series_at(head, slot);
    pool_ref closed = 0;
    bool is_done = false;

    while (!is_done && !view->far.failed) {
        size_t room = view->far.capacity > 0 ? view->far.capacity : sizeof(view->near);
        char *to = view->far.capacity > 0 ? view->far.ptr : (char *)view->near;
        str data = STR_NULL;

        lock_acquire(head_stripe(head, slot));
        if (series->chunk.count > 0 && series->chunk.t >= start) {
            closed = series->closed;
            data = head_open_data_locked(head, series, &view->open_encoding);
        }
        /* Start timestamps are packed with it, which takes memory of the chunk's size. */
        if (data.len > 0 &&
            head_starts_pack_locked(head, slot, data, &view->open_encoding, &view->far)) {
            view->open = buf_view(&view->far);
            lock_release(head_stripe(head, slot));
            return closed;
        }
        is_done = data.len <= room;
        if (is_done && data.len > 0) {
            memcpy(to, data.ptr, data.len);
            view->open = str_of(to, data.len);
        }
        lock_release(head_stripe(head, slot));
        if (!is_done) {
            (void)buf_reserve(&view->far, data.len * 2);
        }
    }
    return closed;
}

/* Copies the open chunk and notes the closed ones that reach into the time. Closed chunks do not
 * change, so they are read without the lock. End with view_done. */
static int view_make(struct head_querier *querier, uint32_t slot, ts start, struct head_view *view,
                     struct baro_error *err)
{
    struct head *head = querier->head;
    pool_ref closed;

    memset(&view->closed, 0, sizeof(view->closed));
    view->far = (struct buf){0};
    view->open = STR_NULL;
    closed = copy_open(head, slot, start, view);
    if (view->far.failed) {
        return error_set(err, BARO_ELIMIT, "no memory for a chunk of the head");
    }
    if (view->open.len == 0) {
        return 0;
    }
    for (const struct head_chunk *chunk = head_chunk_at(head, closed);
         chunk != NULL && head_chunk_maxt(chunk) >= start;
         chunk = head_chunk_at(head, head_chunk_older(chunk))) {
        vec_push(&view->closed, chunk);
    }
    return 0;
}

static int in_order_samples(struct head_querier *querier, uint32_t slot, ts start, ts end,
                            struct sample_buf *ret, struct baro_error *err)
{
    struct head_view view;
    int r = view_make(querier, slot, start, &view, err);

    for (size_t i = view.closed.count; r >= 0 && i-- > 0;) {
        const struct head_chunk *chunk = view.closed.items[i];

        if (chunk->mint <= end) {
            r = pass_over(querier, head_chunk_read(querier->head, chunk, start, end, ret, err));
        }
    }
    if (r >= 0 && view.open.len > 0 &&
        (view.closed.count == 0 || head_chunk_maxt(view.closed.items[0]) < end)) {
        r = head_chunk_decode(view.open_encoding, view.open, start, end, ret, err);
    }
    view_done(&view);
    return r;
}

static bool has_ooo(struct head *head, uint32_t slot)
{
    bool has_it;

    lock_acquire(head_stripe(head, slot));
    has_it = (head_series_at(head, slot)->flags & SERIES_OOO) != 0;
    lock_release(head_stripe(head, slot));
    return has_it;
}

static int querier_samples(struct querier *base, const struct series *series, ts start, ts end,
                           struct sample_buf *ret, struct baro_error *err)
{
    struct head_querier *querier = querier_of(base);
    uint32_t slot = (uint32_t)series->id;
    size_t first = ret->count, middle;
    uint64_t damage = 0;
    int r = 0;

    start = start > querier->mint ? start : querier->mint;
    end = end < querier->maxt ? end : querier->maxt;
    if (atomic_load_explicit(&querier->head->ooo_mint, memory_order_relaxed) != INT64_MAX &&
        has_ooo(querier->head, slot)) {
        r = head_ooo_read(querier->head, slot, start, end, ret, &damage, err);
        note_damage(querier, damage);
    }
    /* Of equal times the second is kept: what came in order. */
    middle = ret->count;
    if (r >= 0) {
        r = in_order_samples(querier, slot, start, end, ret, err);
    }
    if (r >= 0 && !sample_buf_merge(ret, first, middle)) {
        r = error_set(err, BARO_ELIMIT, "no memory for the samples of a series");
    }
    if (r < 0) {
        ret->count = first;
    }
    return r;
}

/* The last sample of a chunk within the time: 1, or 0. */
static int last_of_chunk(uint8_t encoding, str data, ts start, ts end, struct arena *arena,
                         struct sample *ret, struct baro_error *err)
{
    struct sample_buf samples = {0};
    int r;

    if (encoding != CHUNK_DECIMAL) {
        return chunk_last(encoding, data, start, end, arena, ret, err);
    }
    r = chunk_decimal_decode(data, start, end, &samples, err);
    if (r >= 0 && samples.count > 0) {
        *ret =
            (struct sample){.t = samples.t[samples.count - 1], .v = samples.v[samples.count - 1]};
        r = 1;
    }
    sample_buf_done(&samples);
    return r;
}

static int last_of_view(struct head_querier *querier, const struct head_view *view, ts start,
                        ts end, struct arena *arena, struct sample *ret, struct baro_error *err)
{
    int r = 0;

    if (view->open.len > 0) {
        r = last_of_chunk(view->open_encoding, view->open, start, end, arena, ret, err);
    }
    for (size_t i = 0; r == 0 && i < view->closed.count; i++) {
        const struct head_chunk *closed = view->closed.items[i];
        str data = STR_NULL;

        if (closed->mint > end) {
            continue;
        }
        r = head_chunk_data(querier->head, closed, &data, err);
        if (r >= 0) {
            r = last_of_chunk(head_chunk_encoding(closed), data, start, end, arena, ret, err);
        }
        r = pass_over(querier, r);
    }
    return r;
}

static int in_order_last(struct head_querier *querier, uint32_t slot, ts start, ts end,
                         struct arena *arena, struct sample *ret, struct baro_error *err)
{
    struct head *head = querier->head;
    struct head_series *at = head_series_at(head, slot);
    struct chunk_xor chunk;
    struct head_view view;
    bool is_histogram;
    ts st;
    int r;

    lock_acquire(head_stripe(head, slot));
    chunk = at->chunk;
    is_histogram = head_series_is_histogram(at);
    st = head_starts_last_locked(head, slot);
    lock_release(head_stripe(head, slot));
    if (chunk.count == 0 || chunk.t < start) {
        return 0;
    }
    if (chunk.t <= end && !is_histogram) {
        *ret = (struct sample){.t = chunk.t, .v = value_from_bits(chunk.v_bits), .st = st};
        return 1;
    }
    r = view_make(querier, slot, start, &view, err);
    if (r >= 0) {
        r = last_of_view(querier, &view, start, end, arena, ret, err);
    }
    view_done(&view);
    return r;
}

/* The last sample out of order, if it is behind the one that was found. */
static int ooo_last(struct head_querier *querier, uint32_t slot, ts start, ts end,
                    struct arena *arena, struct sample *ret, struct baro_error *err)
{
    struct sample_buf samples = {0};
    uint64_t damage = 0;
    int r = head_ooo_read(querier->head, slot, start, end, &samples, &damage, err);

    note_damage(querier, damage);
    if (r >= 0 && samples.count > 0) {
        struct sample last = head_ooo_sample(&samples, samples.count - 1);
        struct histogram *copy = last.h != NULL ? histogram_copy(arena, last.h) : NULL;

        r = last.h != NULL && copy == NULL
                ? error_set(err, BARO_ELIMIT, "no memory for a histogram")
                : 1;
        if (r > 0) {
            last.h = copy;
            *ret = last;
        }
    }
    sample_buf_done(&samples);
    return r;
}

static int querier_last_sample(struct querier *base, const struct series *series, ts start, ts end,
                               struct arena *arena, struct sample *ret, struct baro_error *err)
{
    struct head_querier *querier = querier_of(base);
    struct head *head = querier->head;
    uint32_t slot = (uint32_t)series->id;
    struct sample found = {0};
    int r, more;

    start = start > querier->mint ? start : querier->mint;
    end = end < querier->maxt ? end : querier->maxt;
    r = in_order_last(querier, slot, start, end, arena, &found, err);
    if (r >= 0 && (r == 0 || found.t < end) &&
        atomic_load_explicit(&head->ooo_mint, memory_order_relaxed) != INT64_MAX &&
        has_ooo(head, slot)) {
        more = ooo_last(querier, slot, r > 0 ? found.t + 1 : start, end, arena, &found, err);
        r = more != 0 ? more : r;
    }
    if (r > 0) {
        *ret = found;
    }
    return r;
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

/* Sorts and returns the list; `items` has no repetitions. */
static void finish_list(str *items, size_t count, struct str_list *ret)
{
    if (count > 1) {
        qsort(items, count, sizeof(items[0]), by_text);
    }
    *ret = (struct str_list){.items = items, .count = count};
}

static bool is_out_of_time(const struct head_querier *querier)
{
    ts mint = 0, maxt = 0;

    if (head_ooo_time(querier->head, &mint, &maxt) && querier->maxt >= mint &&
        querier->mint <= maxt) {
        return false;
    }
    return !head_time(querier->head, &mint, &maxt) || querier->maxt < mint || querier->mint > maxt;
}

/* Which names or values of the matching series occur: a mark per number. */
static int mark_names(struct head_querier *querier, struct arena *arena, struct matchers matchers,
                      const struct cancel *cancel, struct map *ret, struct baro_error *err)
{
    struct head *head = querier->head;
    uint32_t *slots = NULL;
    size_t count = 0;
    int r = matching_slots(head, arena, matchers, cancel, &slots, &count, err);

    for (size_t i = 0; r >= 0 && i < count; i++) {
        const struct head_series *series = head_series_at(head, slots[i]);
        const pair_ref *pairs = head_series_pairs(head, series);

        for (size_t k = 0; k < series->pair_count; k++) {
            const struct label_name *name = label_pair_at(&head->labels, pairs[k])->name;

            (void)map_put(ret, name->text, (void *)(uintptr_t)name);
        }
        if (i % CANCEL_EVERY == CANCEL_EVERY - 1) {
            r = cancel_check(cancel, err);
        }
    }
    return r;
}

static int querier_label_names(struct querier *base, struct arena *arena, struct matchers matchers,
                               const struct cancel *cancel, struct str_list *ret,
                               struct baro_error *err)
{
    struct head_querier *querier = querier_of(base);
    struct head_labels *labels = &querier->head->labels;
    struct map marked = {0};
    str *items = NULL;
    size_t count = 0, index = 0;
    int r = 0;

    *ret = (struct str_list){0};
    if (is_out_of_time(querier)) {
        return 0;
    }
    if (matchers.count > 0) {
        const struct map_entry *entry;

        r = mark_names(querier, arena, matchers, cancel, &marked, err);
        items = ARENA_ARRAY(arena, str, marked.count + 1);
        while (r >= 0 && (entry = map_next(&marked, &index)) != NULL) {
            items[count++] = entry->key;
        }
        map_done(&marked);
    } else {
        rwlock_read(&querier->head->index_lock);
        items = ARENA_ARRAY(arena, str, labels->names.count + 1);
        for (size_t i = 0; i < labels->names.count; i++) {
            if (labels->names.items[i]->pairs.count > 0) {
                items[count++] = labels->names.items[i]->text;
            }
        }
        rwlock_release(&querier->head->index_lock);
    }
    if (r >= 0) {
        finish_list(items, count, ret);
    }
    return r;
}

/* The pair of the series that has this name, or NULL. */
static const struct label_pair *pair_of(const struct head *head, const struct head_series *series,
                                        const struct label_name *name)
{
    const pair_ref *pairs = head_series_pairs(head, series);

    for (size_t i = 0; i < series->pair_count; i++) {
        const struct label_pair *pair = label_pair_at(&head->labels, pairs[i]);

        if (pair->name == name) {
            return pair;
        }
    }
    return NULL;
}

static int values_of_matching(struct head_querier *querier, struct arena *arena,
                              const struct label_name *name, struct matchers matchers,
                              const struct cancel *cancel, struct str_list *ret,
                              struct baro_error *err)
{
    struct head *head = querier->head;
    const struct map_entry *entry;
    struct map marked = {0};
    uint32_t *slots = NULL;
    size_t count = 0, index = 0, found = 0;
    str *items;
    int r = matching_slots(head, arena, matchers, cancel, &slots, &count, err);

    for (size_t i = 0; r >= 0 && i < count; i++) {
        const struct label_pair *pair = pair_of(head, head_series_at(head, slots[i]), name);

        if (pair != NULL) {
            (void)map_put(&marked, label_pair_value(pair), (void *)(uintptr_t)pair);
        }
        if (i % CANCEL_EVERY == CANCEL_EVERY - 1) {
            r = cancel_check(cancel, err);
        }
    }
    if (r >= 0) {
        items = ARENA_ARRAY(arena, str, marked.count + 1);
        while ((entry = map_next(&marked, &index)) != NULL) {
            items[found++] = entry->key;
        }
        finish_list(items, found, ret);
    }
    map_done(&marked);
    return r;
}

static int querier_label_values(struct querier *base, struct arena *arena, str name,
                                struct matchers matchers, const struct cancel *cancel,
                                struct str_list *ret, struct baro_error *err)
{
    struct head_querier *querier = querier_of(base);
    struct head *head = querier->head;
    const struct label_name *found;
    size_t count = 0;
    str *items;

    *ret = (struct str_list){0};
    if (is_out_of_time(querier)) {
        return 0;
    }
    rwlock_read(&head->index_lock);
    found = head_labels_name(&head->labels, name);
    if (found == NULL || matchers.count > 0) {
        rwlock_release(&head->index_lock);
        return found == NULL
                   ? 0
                   : values_of_matching(querier, arena, found, matchers, cancel, ret, err);
    }
    items = ARENA_ARRAY(arena, str, found->pairs.count + 1);
    for (size_t i = 0; i < found->pairs.count; i++) {
        const struct label_pair *pair = label_pair_at(&head->labels, found->pairs.items[i]);

        if (pair->count > 0) {
            items[count++] = label_pair_value(pair);
        }
    }
    rwlock_release(&head->index_lock);
    finish_list(items, count, ret);
    return 0;
}

static uint64_t head_querier_damage(struct querier *base)
{
    return atomic_load_explicit(&querier_of(base)->damage, memory_order_relaxed);
}

static void querier_release(struct querier *base)
{
    struct head_querier *querier = querier_of(base);

    arena_done(&querier->arena);
    head_epoch_leave(&querier->head->epochs, querier->epoch, HEAD_QUERIER);
    (void)mem_free(querier);
}

int head_querier(struct head *head, ts mint, ts maxt, struct querier **ret,
                 UNUSED struct baro_error *err)
{
    static const struct querier_ops ops = {
        .select = querier_select,
        .samples = querier_samples,
        .last_sample = querier_last_sample,
        .label_names = querier_label_names,
        .label_values = querier_label_values,
        .close = querier_release,
        .damage = head_querier_damage,
    };
    struct head_querier *querier = MEM_NEW(struct head_querier);

    querier->base.ops = &ops;
    querier->head = head;
    querier->mint = mint;
    querier->maxt = maxt;
    querier->epoch = head_epoch_enter(&head->epochs, HEAD_QUERIER);
    *ret = &querier->base;
    return 0;
}
