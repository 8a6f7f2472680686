/*
 * Samples out of order on their way into the head. They are not in the columns of the transaction:
 * what is in order does not wait for them. The WBL has them, and the WAL where remotes read it: its
 * replay passes them over.
 */
#include <errno.h>

#include "base/mem.h"
#include "client/self.h"
#include "tsdb/head_append_priv.h"
#include "tsdb/wal_histogram.h"

void head_append_late_begin(struct head_appender *appender)
{
    const struct head *head = appender->head;
    dur window = atomic_load_explicit(&head->ooo_window, memory_order_relaxed);
    ts maxt = atomic_load_explicit(&head->maxt, memory_order_relaxed);

    appender->wbl = window > 0 && maxt != INT64_MIN
                        ? atomic_load_explicit(&head->wbl, memory_order_acquire)
                        : NULL;
    if (__builtin_sub_overflow(maxt, window, &appender->late_from)) {
        appender->late_from = INT64_MIN;
    }
}

enum append_status head_append_late_locked(struct head_appender *appender,
                                           struct head_series *series, uint32_t slot, ts t,
                                           double v, const struct histogram *h)
{
    if ((series->flags & SERIES_LOGGED) == 0) {
        vec_push(&appender->unlogged, slot);
    }
    head_series_pin_locked(series);
    vec_push(&appender->pinned, slot);
    vec_push(&appender->late, ((struct pending_late){series->ref, slot, {.t = t, .v = v, .h = h}}));
    return APPEND_OK;
}

static enum wal_record_type type_of(const struct sample *sample, bool with_starts)
{
    if (sample->h == NULL) {
        return with_starts ? WAL_RECORD_SAMPLES_V2 : WAL_RECORD_SAMPLES;
    }
    return with_starts ? wal_histogram_st_type(!sample->h->integer)
                       : wal_histogram_type(sample->h, !sample->h->integer);
}

size_t head_late_put(struct buf *record, const struct pending_late *items, size_t count,
                     size_t first, bool with_starts)
{
    enum wal_record_type type = type_of(&items[first].sample, with_starts);
    struct wal_histograms histograms = {.type = (uint8_t)type};
    struct wal_samples_at floats = {0};
    series_ref first_ref = items[first].ref;
    ts first_t = items[first].sample.t;
    size_t i = first;

    buf_reset(record);
    wal_put_type(record, type);
    for (; i < count && type_of(&items[i].sample, with_starts) == type; i++) {
        const struct sample *sample = &items[i].sample;

        if (with_starts && sample->h == NULL) {
            wal_put_sample_st(record, &floats, items[i].ref, sample);
        } else if (with_starts) {
            wal_put_histogram_st(record, &histograms, items[i].ref, sample->t, sample->st,
                                 sample->h);
        } else if (sample->h == NULL) {
            wal_put_sample(record, items[i].ref, sample->t, sample->v, first_ref, first_t,
                           i == first);
        } else {
            wal_put_histogram(record, items[i].ref, sample->t, sample->h, first_ref, first_t,
                              i == first);
        }
    }
    return i - first;
}

int head_append_late_records(struct head_appender *appender, size_t first, struct baro_error *err)
{
    int r = 0;

    for (size_t i = first; r >= 0 && i < appender->late.count;) {
        i += head_late_put(&appender->record, appender->late.items, appender->late.count, i,
                           appender->head->options.store_starts);
        r = appender->record.failed
                ? error_set(err, -ENOMEM, "no memory for a record of late samples")
                : wal_batch_add(&appender->batch, buf_view(&appender->record), err);
    }
    return r;
}

int head_append_late_log(struct head_appender *appender, size_t first, struct baro_error *err)
{
    int r;

    wal_batch_reset(&appender->batch);
    r = head_append_late_records(appender, first, err);
    return r < 0 ? r : wal_write(appender->wbl, &appender->batch, err);
}

static void count_late(const size_t taken[2])
{
    static const enum self_id ids[] = {SELF_OOO_SAMPLES_APPENDED_FLOAT,
                                       SELF_OOO_SAMPLES_APPENDED_HISTOGRAM};

    for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
        if (taken[i] > 0) {
            self_add(ids[i], (double)taken[i]);
        }
    }
}

void head_append_late_apply(struct head_appender *appender)
{
    struct head *head = appender->head;
    struct lock *held = NULL;
    size_t taken[2] = {0};

    for (size_t i = 0; i < appender->late.count; i++) {
        const struct pending_late *late = &appender->late.items[i];

        head_stripe_hold(head, late->slot, &held);
        if (head_ooo_insert_locked(head, late->slot, &late->sample)) {
            taken[late->sample.h != NULL]++;
        }
    }
    head_stripe_drop(held);
    count_late(taken);
}

bool head_append_overtaken_locked(struct head_appender *appender, size_t i)
{
    struct pending_late late = {
        appender->refs[i],
        appender->slots[i],
        {
            .t = appender->t[i],
            .v = appender->v[i],
            .h = appender->h != NULL ? appender->h[i] : NULL,
            .st = appender->st != NULL ? appender->st[i] : 0,
        },
    };

    /* What has the time of the series' last sample is no late one. */
    if (appender->wbl == NULL || late.sample.t < appender->late_from ||
        value_is_stale(late.sample.v) ||
        late.sample.t >= head_series_at(appender->head, late.slot)->chunk.t ||
        !head_ooo_insert_locked(appender->head, late.slot, &late.sample)) {
        return false;
    }
    vec_push(&appender->late, late);
    return true;
}
