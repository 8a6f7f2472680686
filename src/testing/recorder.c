#include "testing/recorder.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/vec.h"

struct recorded {
    struct labels labels;
    ts newest;
    double value;
    bool has_sample;
    bool is_forgotten;
};

struct pending {
    series_ref ref;
    ts t;
    double v;
    str histogram; /* printed; ptr NULL for a float */
    ts st;
};

struct recorder {
    struct appendable appendable;
    struct lock lock;
    struct arena arena;
    VEC(struct recorded) series;
    struct buf lines;
    struct buf metadata;
    size_t commits;
    size_t series_calls;
    bool refuses; /* lock: this one */
};

struct recording_appender {
    struct appender appender;
    struct recorder *recorder;
    VEC(struct pending) pending;
};

static struct recording_appender *of(struct appender *appender)
{
    return CONTAINER_OF(appender, struct recording_appender, appender);
}

static int rec_series(struct appender *appender, struct labels labels, series_ref *ret,
                      struct baro_error *err)
{
    struct recorder *recorder = of(appender)->recorder;
    size_t i = 0;

    lock_acquire(&recorder->lock);
    recorder->series_calls++;
    while (i < recorder->series.count && (recorder->series.items[i].is_forgotten ||
                                          !labels_eq(recorder->series.items[i].labels, labels))) {
        i++;
    }
    if (i == recorder->series.count && recorder->refuses) {
        lock_release(&recorder->lock);
        return error_set(err, BARO_ELIMIT, "no new series are taken");
    }
    if (i == recorder->series.count) {
        vec_push(&recorder->series,
                 ((struct recorded){.labels = labels_copy(&recorder->arena, labels)}));
    }
    lock_release(&recorder->lock);
    *ret = i + 1;
    return 0;
}

static uint8_t judge(struct recording_appender *self, series_ref ref, ts t, double v)
{
    struct recorded *series = &self->recorder->series.items[ref - 1];

    if (series->is_forgotten) {
        return APPEND_UNKNOWN;
    }
    for (size_t i = 0; i < self->pending.count; i++) {
        if (self->pending.items[i].ref == ref && self->pending.items[i].t >= t) {
            return value_bits(self->pending.items[i].v) == value_bits(v) ? APPEND_OK
                                                                         : APPEND_DUPLICATE;
        }
    }
    if (series->has_sample && t < series->newest) {
        return APPEND_OUT_OF_ORDER;
    }
    if (series->has_sample && t == series->newest) {
        return value_bits(series->value) == value_bits(v) ? APPEND_OK : APPEND_DUPLICATE;
    }
    return APPEND_OK;
}

static int rec_samples(struct appender *appender, const struct append_batch *batch,
                       struct baro_error *err)
{
    struct recording_appender *self = of(appender);
    int refused = 0;

    (void)err;
    lock_acquire(&self->recorder->lock);
    for (size_t i = 0; i < batch->count; i++) {
        ASSERT(batch->refs[i] >= 1 && batch->refs[i] <= self->recorder->series.count);
        batch->status[i] = judge(self, batch->refs[i], batch->t[i], batch->v[i]);
        if (batch->status[i] == APPEND_OK) {
            vec_push(&self->pending,
                     ((struct pending){batch->refs[i], batch->t[i], batch->v[i], STR_NULL,
                                       batch->st != NULL ? batch->st[i] : 0}));
        } else {
            refused++;
        }
    }
    lock_release(&self->recorder->lock);
    return refused;
}

static int rec_histograms(struct appender *appender, const struct append_histograms *batch,
                          struct baro_error *err)
{
    struct recording_appender *self = of(appender);
    struct buf text = {0};
    int refused = 0;

    (void)err;
    lock_acquire(&self->recorder->lock);
    for (size_t i = 0; i < batch->count; i++) {
        const struct histogram *h = batch->h[i];

        ASSERT(batch->refs[i] >= 1 && batch->refs[i] <= self->recorder->series.count);
        ASSERT(histogram_is_stale(h) || histogram_check(h, NULL) >= 0);
        batch->status[i] = judge(self, batch->refs[i], batch->t[i], h->sum);
        if (batch->status[i] != APPEND_OK) {
            refused++;
            continue;
        }
        buf_reset(&text);
        if (histogram_is_stale(h)) {
            buf_c(&text, "stale histogram");
        } else {
            histogram_format(&text, h);
        }
        vec_push(&self->pending,
                 ((struct pending){batch->refs[i], batch->t[i], h->sum,
                                   arena_str(&self->recorder->arena, buf_view(&text)),
                                   batch->st != NULL ? batch->st[i] : 0}));
    }
    lock_release(&self->recorder->lock);
    buf_done(&text);
    return refused;
}

static int rec_exemplar(struct appender *appender, series_ref ref, const struct exemplar *exemplar,
                        struct baro_error *err)
{
    struct recorder *recorder = of(appender)->recorder;

    (void)err;
    lock_acquire(&recorder->lock);
    buf_c(&recorder->lines, "# exemplar ");
    labels_format(&recorder->lines, recorder->series.items[ref - 1].labels);
    buf_char(&recorder->lines, ' ');
    labels_format(&recorder->lines, exemplar->labels);
    buf_printf(&recorder->lines, " %g @%lld\n", exemplar->value, (long long)exemplar->t);
    lock_release(&recorder->lock);
    return 0;
}

static int rec_metadata(struct appender *appender, series_ref ref, const struct metadata *metadata,
                        struct baro_error *err)
{
    struct recorder *recorder = of(appender)->recorder;

    (void)err;
    lock_acquire(&recorder->lock);
    labels_format(&recorder->metadata, recorder->series.items[ref - 1].labels);
    buf_printf(&recorder->metadata, " %s %.*s %.*s\n", metric_type_name(metadata->type),
               STR_ARG(metadata->unit), STR_ARG(metadata->help));
    lock_release(&recorder->lock);
    return 0;
}

static int rec_commit(struct appender *appender, struct baro_error *err)
{
    struct recording_appender *self = of(appender);
    struct recorder *recorder = self->recorder;

    (void)err;
    lock_acquire(&recorder->lock);
    recorder->commits++;
    for (size_t i = 0; i < self->pending.count; i++) {
        const struct pending *sample = &self->pending.items[i];
        struct recorded *series = &recorder->series.items[sample->ref - 1];

        series->newest = sample->t;
        series->value = sample->v;
        series->has_sample = true;
        labels_format(&recorder->lines, series->labels);
        buf_char(&recorder->lines, ' ');
        if (sample->histogram.ptr != NULL) {
            buf_str(&recorder->lines, sample->histogram);
        } else if (value_is_stale(sample->v)) {
            buf_c(&recorder->lines, "stale");
        } else {
            buf_double(&recorder->lines, sample->v, NUM_G);
        }
        buf_printf(&recorder->lines, " @%lld", (long long)sample->t);
        if (sample->st != 0) {
            buf_printf(&recorder->lines, " since %lld", (long long)sample->st);
        }
        buf_char(&recorder->lines, '\n');
    }
    vec_reset(&self->pending);
    lock_release(&recorder->lock);
    return 0;
}

static void rec_rollback(struct appender *appender)
{
    vec_reset(&of(appender)->pending);
}

static void rec_free(struct appender *appender)
{
    struct recording_appender *self = of(appender);

    vec_done(&self->pending);
    (void)mem_free(self);
}

static const struct appender_ops recorder_ops = {
    .series = rec_series,
    .samples = rec_samples,
    .histograms = rec_histograms,
    .exemplar = rec_exemplar,
    .metadata = rec_metadata,
    .commit = rec_commit,
    .rollback = rec_rollback,
    .free = rec_free,
};

static struct appender *rec_appender(struct appendable *appendable)
{
    struct recording_appender *self = MEM_NEW(struct recording_appender);

    self->appender.ops = &recorder_ops;
    self->recorder = CONTAINER_OF(appendable, struct recorder, appendable);
    return &self->appender;
}

struct recorder *recorder_new(void)
{
    struct recorder *recorder = MEM_NEW(struct recorder);

    lock_init(&recorder->lock, LOCK_TSDB);
    recorder->appendable.appender = rec_appender;
    return recorder;
}

struct recorder *recorder_free(struct recorder *recorder)
{
    lock_done(&recorder->lock);
    vec_done(&recorder->series);
    arena_done(&recorder->arena);
    buf_done(&recorder->lines);
    buf_done(&recorder->metadata);
    return mem_free(recorder);
}

struct appendable *recorder_appendable(struct recorder *recorder)
{
    return &recorder->appendable;
}

char *recorder_take(struct recorder *recorder)
{
    char *lines = NULL;

    lock_acquire(&recorder->lock);
    lines = buf_take_c(&recorder->lines);
    lock_release(&recorder->lock);
    return lines;
}

char *recorder_metadata_take(struct recorder *recorder)
{
    char *lines = NULL;

    lock_acquire(&recorder->lock);
    lines = buf_take_c(&recorder->metadata);
    lock_release(&recorder->lock);
    return lines;
}

void recorder_forget(struct recorder *recorder)
{
    lock_acquire(&recorder->lock);
    for (size_t i = 0; i < recorder->series.count; i++) {
        recorder->series.items[i].is_forgotten = true;
    }
    lock_release(&recorder->lock);
}

void recorder_refuse(struct recorder *recorder, bool refuses)
{
    lock_acquire(&recorder->lock);
    recorder->refuses = refuses;
    lock_release(&recorder->lock);
}

size_t recorder_commit_count(struct recorder *recorder)
{
    size_t count = 0;

    lock_acquire(&recorder->lock);
    count = recorder->commits;
    lock_release(&recorder->lock);
    return count;
}

size_t recorder_series_calls(struct recorder *recorder)
{
    size_t count = 0;

    lock_acquire(&recorder->lock);
    count = recorder->series_calls;
    lock_release(&recorder->lock);
    return count;
}
