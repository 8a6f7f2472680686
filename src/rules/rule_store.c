#include "rules/rule_store.h"

#include "base/mem.h"
#include "base/vec.h"

struct rule_store {
    struct appendable appendable;
    struct appender appender;
    struct memstore *samples;
    struct arena arena;
    VEC(struct labels) series; /* by reference, less one */
};

static struct rule_store *store_of(struct appender *appender)
{
    return CONTAINER_OF(appender, struct rule_store, appender);
}

static int find_series(struct appender *appender, struct labels labels, series_ref *ret,
                       struct baro_error *err)
{
    struct rule_store *store = store_of(appender);

    (void)err;
    for (size_t i = 0; i < store->series.count; i++) {
        if (labels_eq(store->series.items[i], labels)) {
            *ret = i + 1;
            return 0;
        }
    }
    vec_push(&store->series, labels_copy(&store->arena, labels));
    *ret = store->series.count;
    return 0;
}

static uint8_t add(struct rule_store *store, series_ref ref, const struct sample *sample)
{
    if (ref == 0 || ref > store->series.count) {
        return APPEND_UNKNOWN;
    }
    return memstore_append_sample(store->samples, store->series.items[ref - 1], sample, NULL) < 0
               ? APPEND_OUT_OF_ORDER
               : APPEND_OK;
}

static int add_samples(struct appender *appender, const struct append_batch *batch,
                       struct baro_error *err)
{
    int refused = 0;

    (void)err;
    for (size_t i = 0; i < batch->count; i++) {
        const struct sample sample = {.t = batch->t[i], .v = batch->v[i]};

        batch->status[i] = add(store_of(appender), batch->refs[i], &sample);
        refused += batch->status[i] != APPEND_OK;
    }
    return refused;
}

static int add_histograms(struct appender *appender, const struct append_histograms *batch,
                          struct baro_error *err)
{
    int refused = 0;

    (void)err;
    for (size_t i = 0; i < batch->count; i++) {
        const struct sample sample = {.t = batch->t[i], .v = batch->h[i]->sum, .h = batch->h[i]};

        batch->status[i] = add(store_of(appender), batch->refs[i], &sample);
        refused += batch->status[i] != APPEND_OK;
    }
    return refused;
}

static int commit(struct appender *appender, struct baro_error *err)
{
    (void)appender;
    (void)err;
    return 0;
}

static void nothing(struct appender *appender)
{
    (void)appender;
}

static const struct appender_ops ops = {.series = find_series,
                                        .samples = add_samples,
                                        .histograms = add_histograms,
                                        .commit = commit,
                                        .rollback = nothing,
                                        .free = nothing};

static struct appender *appender_of(struct appendable *appendable)
{
    return &CONTAINER_OF(appendable, struct rule_store, appendable)->appender;
}

struct rule_store *rule_store_new(void)
{
    struct rule_store *store = MEM_NEW(struct rule_store);

    store->appendable.appender = appender_of;
    store->appender.ops = &ops;
    store->samples = memstore_new();
    return store;
}

struct rule_store *rule_store_free(struct rule_store *store)
{
    if (store != NULL) {
        (void)memstore_free(store->samples);
        vec_done(&store->series);
        arena_done(&store->arena);
    }
    return mem_free(store);
}

struct queryable *rule_store_queryable(struct rule_store *store)
{
    return memstore_queryable(store->samples);
}

struct appendable *rule_store_appendable(struct rule_store *store)
{
    return &store->appendable;
}

int rule_store_add(struct rule_store *store, struct labels labels, const struct sample *sample,
                   struct baro_error *err)
{
    return memstore_append_sample(store->samples, labels, sample, err);
}
