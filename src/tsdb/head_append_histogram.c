#include <errno.h>

#include "base/mem.h"
#include "tsdb/head_append_priv.h"
#include "tsdb/wal_histogram.h"

/* The histogram that a series ends with, as the transaction or the head has it; NULL when it ends
 * with a float. In the scratch arena, or the transaction's. */
static const struct histogram *last_histogram_locked(const struct head_appender *appender,
                                                     const struct head_series *series,
                                                     const struct append_last *last,
                                                     struct arena *scratch)
{
    if (last->index != SIZE_MAX) {
        return appender->h != NULL ? appender->h[last->index] : NULL;
    }
    return head_series_is_histogram(series)
               ? chunk_histogram_last(&head_open_at(appender->head, series)->chunk, scratch)
               : NULL;
}

static bool is_same_locked(const struct head_appender *appender, const struct head_series *series,
                           const struct append_last *last, const struct histogram *h)
{
    struct arena scratch = {0};
    const struct histogram *before = last_histogram_locked(appender, series, last, &scratch);
    bool is_same = before != NULL &&
                   (histogram_is_stale(h) ? histogram_is_stale(before) : histogram_eq(before, h));

    arena_done(&scratch);
    return is_same;
}

/* A series whose histograms change their kind within a transaction. */
static void note_kind(struct head_appender *appender, const struct append_last *last,
                      const struct histogram *h)
{
    const struct histogram *before =
        last->has_one && last->index != SIZE_MAX ? appender->h[last->index] : NULL;

    appender->is_by_sample |= before != NULL && wal_histogram_type(before, !before->integer) !=
                                                    wal_histogram_type(h, !h->integer);
}

static enum append_status keep_locked(struct head_appender *appender, struct head_series *series,
                                      uint32_t slot, ts t, const struct histogram *h,
                                      const struct append_last *last)
{
    struct histogram *copy = histogram_copy(&appender->arena, h);
    bool is_float = false;

    /* The arena has no limit: without memory the program has ended. */
    ASSERT(copy != NULL);
    if (histogram_is_stale(h)) {
        *copy = (struct histogram){.sum = h->sum, .integer = true};
        if (head_append_is_histogram_locked(appender, series, last, &is_float)) {
            copy->integer = !is_float;
        }
    }
    note_kind(appender, last, copy);
    head_append_push_locked(appender, series, slot, t, copy->sum, copy);
    return APPEND_OK;
}

enum append_status head_append_stale_locked(struct head_appender *appender,
                                            struct head_series *series, uint32_t slot, ts t,
                                            bool is_float)
{
    struct histogram *stale;

    if (!head_append_make_h(appender)) {
        return APPEND_INVALID;
    }
    stale = histogram_new_stale(&appender->arena);
    stale->integer = !is_float;
    head_append_push_locked(appender, series, slot, t, stale->sum, stale);
    return APPEND_OK;
}

static enum append_status take_locked(struct head_appender *appender, struct head_series *series,
                                      uint32_t slot, ts t, const struct histogram *h)
{
    struct append_last last = {0};
    enum append_status status = head_append_admit_locked(appender, series, slot, t, &last);

    if (status == APPEND_DUPLICATE) {
        return is_same_locked(appender, series, &last, h) ? APPEND_OK : APPEND_DUPLICATE;
    }
    if (status != APPEND_OK) {
        return last.is_late && !histogram_is_stale(h)
                   ? head_append_late_locked(appender, series, slot, t, h->sum,
                                             histogram_copy(&appender->arena, h))
                   : status;
    }
    return keep_locked(appender, series, slot, t, h, &last);
}

static enum append_status take(struct head_appender *appender, series_ref ref, ts t,
                               const struct histogram *h)
{
    struct head *head = appender->head;
    enum append_status status;
    uint32_t slot;

    if (!histogram_is_stale(h) &&
        (histogram_check(h, NULL) < 0 || !histogram_schema_is_valid(h->schema) ||
         !chunk_histogram_can_hold(h))) {
        return APPEND_INVALID;
    }
    slot = refs_find(&head->refs, &appender->page, ref);
    if (slot == HEAD_SLOT_NONE) {
        return APPEND_UNKNOWN;
    }
    lock_acquire(head_stripe(head, slot));
    status = take_locked(appender, head_series_at(head, slot), slot, t, h);
    lock_release(head_stripe(head, slot));
    return status;
}

int head_append_histograms(struct appender *base, const struct append_histograms *batch,
                           struct baro_error *err)
{
    struct head_appender *appender = head_appender_of(base);
    int refused = 0;

    if (batch->count == 0) {
        return 0;
    }
    if (!head_append_reserve(appender, batch->count, batch->t[0]) ||
        !head_append_make_h(appender)) {
        return error_set(err, -ENOMEM, "no memory for a batch of %zu histograms", batch->count);
    }
    for (size_t i = 0; i < batch->count; i++) {
        size_t before = appender->count, late = appender->late.count;
        enum append_status status = take(appender, batch->refs[i], batch->t[i], batch->h[i]);

        head_append_start(appender, before, late, batch->st, i);
        batch->status[i] = (uint8_t)status;
        refused += status != APPEND_OK;
    }
    if (refused > 0) {
        head_append_count(batch->status, batch->count, true);
    }
    return refused;
}
