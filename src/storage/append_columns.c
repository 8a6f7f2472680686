#include "storage/append_columns.h"

#include <stdlib.h>

#include "base/assert.h"

enum { ATTEMPTS = 2 };

const char *append_status_text(enum append_status status)
{
    static const char *const texts[APPEND_STATUS_COUNT] = {
        [APPEND_OK] = "",
        [APPEND_OUT_OF_ORDER] = "out of order sample",
        [APPEND_DUPLICATE] = "duplicate sample for timestamp",
        [APPEND_OUT_OF_BOUNDS] = "out of bounds",
        [APPEND_TOO_OLD] = "too old sample",
        [APPEND_TOO_FAR] = "out of bounds: timestamp is too far in the future",
        [APPEND_UNKNOWN] = "unknown series",
        [APPEND_INVALID] = "invalid histogram",
    };

    return texts[status];
}

static int give(struct append_columns *columns, struct baro_error *err)
{
    const struct appender_ops *ops = columns->appender->ops;
    const struct append_batch floats = {columns->refs,  columns->t,      columns->v,
                                        columns->count, columns->status, columns->st};
    const struct append_histograms histograms = {columns->refs, columns->t,     columns->h,
                                                 columns->st,   columns->count, columns->status};

    if (!columns->is_histograms) {
        return ops->samples(columns->appender, &floats, err);
    }
    return ops->histograms != NULL
               ? ops->histograms(columns->appender, &histograms, err)
               : error_set(err, BARO_EUNSUPPORTED, "this store takes no native histograms");
}

int append_columns_flush(struct append_columns *columns, struct baro_error *err)
{
    int r = columns->count > 0 ? give(columns, err) : 0;

    for (size_t i = 0; r >= 0 && i < columns->count; i++) {
        const enum append_status status = (enum append_status)columns->status[i];

        if (status == APPEND_UNKNOWN) {
            columns->forgotten = true;
        } else {
            columns->settled(columns->context, columns->tags[i], status, columns->h[i]);
        }
    }
    append_columns_drop(columns);
    return r < 0 ? r : 0;
}

void append_columns_drop(struct append_columns *columns)
{
    columns->count = 0;
    arena_reset(&columns->arena);
}

void append_columns_done(struct append_columns *columns)
{
    arena_done(&columns->arena);
}

int append_columns_kind(struct append_columns *columns, bool is_histograms, struct baro_error *err)
{
    int r = columns->is_histograms != is_histograms ? append_columns_flush(columns, err) : 0;

    columns->is_histograms = is_histograms;
    return r;
}

int append_columns_push(struct append_columns *columns, series_ref ref, const struct sample *sample,
                        uint64_t tag, struct baro_error *err)
{
    const size_t i = columns->count;

    ASSERT((sample->h != NULL) == columns->is_histograms);
    columns->refs[i] = ref;
    columns->t[i] = sample->t;
    columns->st[i] = sample->st;
    columns->v[i] = sample->v;
    columns->h[i] = sample->h;
    columns->tags[i] = tag;
    columns->count++;
    return columns->count == APPEND_COLUMNS_MAX ||
                   columns->arena.used_bytes > APPEND_COLUMNS_BYTES_MAX
               ? append_columns_flush(columns, err)
               : 0;
}

int append_columns_run(struct append_columns *columns,
                       int (*take)(void *context, struct baro_error *err), struct baro_error *err)
{
    struct appender *appender = columns->appender;
    int r = 0;

    for (int i = 0; i < ATTEMPTS; i++) {
        append_columns_drop(columns);
        columns->forgotten = false;
        r = take(columns->context, err);
        r = r < 0 ? r : append_columns_flush(columns, err);
        if (r < 0 || !columns->forgotten) {
            break;
        }
        appender->ops->rollback(appender);
        r = error_set(err, BARO_EBUSY, "series were removed meanwhile: send it again");
    }
    if (r >= 0) {
        return appender->ops->commit(appender, err);
    }
    appender->ops->rollback(appender);
    return r;
}

static int by_time(const void *a, const void *b)
{
    const struct exemplar *left = a;
    const struct exemplar *right = b;

    return left->t != right->t ? (left->t < right->t ? -1 : 1)
                               : (left->value > right->value) - (left->value < right->value);
}

void append_exemplars_sort(struct exemplar *items, size_t count)
{
    if (count > 1) {
        qsort(items, count, sizeof(*items), by_time);
    }
}
