#include "base/mem.h"
#include "promql/promqltest_priv.h"

void script_store_init(struct script_store *store)
{
    *store = (struct script_store){.store = memstore_new()};
}

void script_store_clear(struct script_store *store)
{
    for (size_t i = 0; i < store->series.count; i++) {
        vec_done(&store->series.items[i].samples);
    }
    vec_reset(&store->series);
    memstore_clear(store->store);
    arena_reset(&store->arena);
    store->samples = 0;
    store->stale = false;
}

void script_store_done(struct script_store *store)
{
    script_store_clear(store);
    vec_done(&store->series);
    store->store = memstore_free(store->store);
    arena_done(&store->arena);
}

static struct loaded_series *series_get(struct script_store *store, struct labels labels)
{
    for (size_t i = 0; i < store->series.count; i++) {
        if (labels_eq(store->series.items[i].labels, labels)) {
            return &store->series.items[i];
        }
    }
    vec_push(&store->series,
             ((struct loaded_series){.labels = labels_copy(&store->arena, labels)}));
    return vec_last(&store->series);
}

/* insert keeps the samples in rising time; of equal times the later load counts. */
static void insert(struct loaded_series *series, const struct sample *sample)
{
    size_t at = series->samples.count;

    while (at > 0 && series->samples.items[at - 1].t >= sample->t) {
        at--;
    }
    if (at < series->samples.count && series->samples.items[at].t == sample->t) {
        series->samples.items[at] = *sample;
        return;
    }
    vec_push(&series->samples, *sample);
    memmove(series->samples.items + at + 1, series->samples.items + at,
            (series->samples.count - 1 - at) * sizeof(*sample));
    series->samples.items[at] = *sample;
}

int script_store_load(struct script_store *store, struct labels labels, const script_values *values,
                      const script_values *starts, dur step, struct baro_error *err)
{
    struct loaded_series *series = series_get(store, labels);

    store->samples += values->count;
    if (store->samples > PROMQLTEST_SAMPLES_MAX) {
        return error_set(err, BARO_ELIMIT, "more than %d samples loaded", PROMQLTEST_SAMPLES_MAX);
    }
    for (size_t i = 0; i < values->count; i++) {
        const struct script_value *value = &values->items[i];
        struct sample sample = {.v = value->v};

        if (__builtin_mul_overflow((ts)i, step, &sample.t)) {
            return error_set(err, BARO_EPARSE, "the series ends beyond the end of time");
        }
        if (value->omitted) {
            continue;
        }
        if (value->h != NULL) {
            sample.h = histogram_copy(&store->arena, value->h);
        }
        if (starts != NULL && i < starts->count && !starts->items[i].omitted) {
            sample.st = sample.t + starts->items[i].st;
        }
        insert(series, &sample);
    }
    store->stale = true;
    return 0;
}

int script_store_queryable(struct script_store *store, struct queryable **ret,
                           struct baro_error *err)
{
    int r = 0;

    if (store->stale) {
        memstore_clear(store->store);
        for (size_t i = 0; i < store->series.count; i++) {
            const struct loaded_series *series = &store->series.items[i];

            for (size_t k = 0; k < series->samples.count && r >= 0; k++) {
                r = memstore_append_sample(store->store, series->labels, &series->samples.items[k],
                                           err);
            }
        }
        store->stale = false;
    }
    *ret = memstore_queryable(store->store);
    return r;
}
