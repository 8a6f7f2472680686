#include <errno.h>

#include "base/mem.h"
#include "tsdb/head_append_priv.h"
#include "tsdb/wal_histogram.h"

enum {
    RECORD_SAMPLES_MAX = 1 << 16, /* per WAL record */
    RECORD_BYTES_MAX = 1 << 20,   /* a record of anything else ends beyond */
};

static int end_record(struct head_appender *appender, struct baro_error *err)
{
    if (appender->record.failed) {
        return error_set(err, -ENOMEM, "no memory for a WAL record");
    }
    return appender->record.len <= 1
               ? 0
               : wal_batch_add(&appender->batch, buf_view(&appender->record), err);
}

static void begin_record(struct head_appender *appender, enum wal_record_type type)
{
    buf_reset(&appender->record);
    wal_put_type(&appender->record, type);
}

static int log_series(struct head_appender *appender, struct baro_error *err)
{
    const struct head *head = appender->head;
    struct label labels[HEAD_LABELS_MAX];

    begin_record(appender, WAL_RECORD_SERIES);
    for (size_t i = 0; i < appender->unlogged.count; i++) {
        const struct head_series *series = head_series_at(head, appender->unlogged.items[i]);

        if (appender->record.len > RECORD_BYTES_MAX) {
            int r = end_record(appender, err);

            if (r < 0) {
                return r;
            }
            begin_record(appender, WAL_RECORD_SERIES);
        }
        wal_put_series(&appender->record, series->ref, head_series_labels(head, series, labels));
    }
    return end_record(appender, err);
}

static int log_metadata(struct head_appender *appender, struct baro_error *err)
{
    struct head *head = appender->head;

    begin_record(appender, WAL_RECORD_METADATA);
    for (size_t i = 0; i < appender->metadata.count; i++) {
        const struct pending_metadata *pending = &appender->metadata.items[i];

        if (appender->record.len > RECORD_BYTES_MAX) {
            int r = end_record(appender, err);

            if (r < 0) {
                return r;
            }
            begin_record(appender, WAL_RECORD_METADATA);
        }
        wal_put_metadata(&appender->record, head_series_at(head, pending->slot)->ref,
                         head_meta_at(&head->meta, pending->number));
    }
    return end_record(appender, err);
}

static bool is_histogram(const struct head_appender *appender, size_t i)
{
    return appender->h != NULL && appender->h[i] != NULL;
}

/* How many samples from `first` on are floats, or are histograms. */
static size_t run_length(const struct head_appender *appender, size_t first)
{
    bool kind = is_histogram(appender, first);
    size_t i = first;

    if (appender->h == NULL) {
        return appender->count - first;
    }
    while (i < appender->count && is_histogram(appender, i) == kind &&
           (i == first || !appender->is_by_sample)) {
        i++;
    }
    return i - first;
}

static int log_floats(struct head_appender *appender, size_t first, size_t count,
                      struct baro_error *err)
{
    for (size_t i = first; i < first + count; i += RECORD_SAMPLES_MAX) {
        size_t left = first + count - i;
        int r;

        left = left < RECORD_SAMPLES_MAX ? left : RECORD_SAMPLES_MAX;
        buf_reset(&appender->record);
        if (appender->st != NULL) {
            wal_put_samples_st(&appender->record, appender->refs + i, appender->t + i,
                               appender->v + i, appender->st + i, left);
        } else {
            wal_put_samples(&appender->record, appender->refs + i, appender->t + i, appender->v + i,
                            left);
        }
        r = end_record(appender, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* The histograms of one type among [first, first + count). */
static int log_histograms(struct head_appender *appender, enum wal_record_type type, size_t first,
                          size_t count, struct baro_error *err)
{
    size_t base = SIZE_MAX;
    int r;

    for (size_t i = first; i < first + count; i++) {
        const struct histogram *h = appender->h[i];

        if (wal_histogram_type(h, !h->integer) != type) {
            continue;
        }
        if (base != SIZE_MAX && appender->record.len > RECORD_BYTES_MAX) {
            r = end_record(appender, err);
            if (r < 0) {
                return r;
            }
            base = SIZE_MAX;
        }
        if (base == SIZE_MAX) {
            begin_record(appender, type);
        }
        wal_put_histogram(&appender->record, appender->refs[i], appender->t[i], h,
                          appender->refs[base == SIZE_MAX ? i : base],
                          appender->t[base == SIZE_MAX ? i : base], base == SIZE_MAX);
        base = base == SIZE_MAX ? i : base;
    }
    return base == SIZE_MAX ? 0 : end_record(appender, err);
}

/* The same in the newer records: integers or floats, whatever their bounds. */
static int log_histograms_st(struct head_appender *appender, bool is_float, size_t first,
                             size_t count, struct baro_error *err)
{
    struct wal_histograms at = {.type = (uint8_t)wal_histogram_st_type(is_float)};
    int r = 0;

    begin_record(appender, (enum wal_record_type)at.type);
    for (size_t i = first; r >= 0 && i < first + count; i++) {
        const struct histogram *h = appender->h[i];

        if (h->integer == is_float) {
            continue;
        }
        if (appender->record.len > RECORD_BYTES_MAX) {
            r = end_record(appender, err);
            begin_record(appender, (enum wal_record_type)at.type);
            at = (struct wal_histograms){.type = at.type};
        }
        wal_put_histogram_st(&appender->record, &at, appender->refs[i], appender->t[i],
                             appender->st[i], h);
    }
    return r < 0 ? r : end_record(appender, err);
}

static int log_histograms_run(struct head_appender *appender, size_t first, size_t count,
                              struct baro_error *err)
{
    int r = 0;

    if (appender->st != NULL) {
        r = log_histograms_st(appender, false, first, count, err);
        return r < 0 ? r : log_histograms_st(appender, true, first, count, err);
    }
    for (int type = WAL_RECORD_HISTOGRAMS; r >= 0 && type <= WAL_RECORD_CUSTOM_FLOAT_HISTOGRAMS;
         type++) {
        r = log_histograms(appender, (enum wal_record_type)type, first, count, err);
    }
    return r;
}

/* A series' samples stand in the WAL in the order of their times: runs of floats and of histograms
 * follow each other as they came, and a series has one kind of histogram in a run. */
static int log_samples(struct head_appender *appender, struct baro_error *err)
{
    size_t length;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < appender->count; i += length) {
        length = run_length(appender, i);
        r = is_histogram(appender, i) ? log_histograms_run(appender, i, length, err)
                                      : log_floats(appender, i, length, err);
    }
    return r;
}

static int log_exemplars(struct head_appender *appender, struct baro_error *err)
{
    const struct head *head = appender->head;
    series_ref first_ref = 0;
    ts first_t = 0;

    begin_record(appender, WAL_RECORD_EXEMPLARS);
    for (size_t i = 0; i < appender->exemplars.count; i++) {
        const struct pending_exemplar *pending = &appender->exemplars.items[i];
        series_ref ref = head_series_at(head, pending->slot)->ref;

        if (i == 0) {
            first_ref = ref;
            first_t = pending->exemplar.t;
        }
        wal_put_exemplar(&appender->record, ref, &pending->exemplar, first_ref, first_t, i == 0);
    }
    return end_record(appender, err);
}

int head_append_log(struct head_appender *appender, struct baro_error *err)
{
    int r;

    wal_batch_reset(&appender->batch);
    r = log_series(appender, err);
    if (r >= 0) {
        r = log_metadata(appender, err);
    }
    if (r >= 0) {
        r = log_samples(appender, err);
    }
    if (r >= 0 && atomic_load_explicit(&appender->head->log_late, memory_order_relaxed)) {
        r = head_append_late_records(appender, 0, err);
    }
    if (r >= 0) {
        r = log_exemplars(appender, err);
    }
    return r < 0 ? r : wal_write(appender->head->wal, &appender->batch, err);
}
