#include "base/mem.h"
#include "promql/promqltest_priv.h"

void script_store_init(struct script_store *store)
{
    *store = (struct script_store){.store = memstore_new()};
}

void script_store_clear(struct script_store *store)
{
    for (size_t i = 0; i < store->series.count; i++) {
        mem_free(store->series.items[i].t);
        mem_free(store->series.items[i].v);
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
static void insert(struct loaded_series *series, ts t, double v)
{
    size_t at = series->count;

    while (at > 0 && series->t[at - 1] >= t) {
        at--;
    }
    if (at < series->count && series->t[at] == t) {
        series->v[at] = v;
        return;
    }
    if (series->count == series->capacity) {
        series->capacity = series->capacity > 0 ? 2 * series->capacity : 16;
        series->t = mem_realloc(series->t, series->capacity * sizeof(*series->t));
        series->v = mem_realloc(series->v, series->capacity * sizeof(*series->v));
    }
    memmove(series->t + at + 1, series->t + at, (series->count - at) * sizeof(*series->t));
    memmove(series->v + at + 1, series->v + at, (series->count - at) * sizeof(*series->v));
    series->t[at] = t;
    series->v[at] = v;
    series->count++;
}

/* mark_nhcb marks the native histogram X that the bucket series X_bucket{le} takes part in. */
static void mark_nhcb(struct script_store *store, struct labels labels)
{
    str name = labels_get(labels, LABEL_METRIC_NAME);
    struct labels histogram;

    if (!str_has_suffix(name, STR("_bucket")) || labels_get(labels, STR("le")).ptr == NULL) {
        return;
    }
    name.len -= STR("_bucket").len;
    histogram = labels_without(&store->arena, labels, STR("le"));
    histogram = labels_with(&store->arena, histogram, LABEL_METRIC_NAME, name);
    series_get(store, histogram)->histograms = true;
}

int script_store_load(struct script_store *store, struct labels labels, const script_values *values,
                      dur step, bool with_nhcb, struct baro_error *err)
{
    struct loaded_series *series = series_get(store, labels);

    store->samples += values->count;
    if (store->samples > PROMQLTEST_SAMPLES_MAX) {
        return error_set(err, BARO_ELIMIT, "more than %d samples loaded", PROMQLTEST_SAMPLES_MAX);
    }
    for (size_t i = 0; i < values->count; i++) {
        const struct script_value *value = &values->items[i];
        ts t;

        if (__builtin_mul_overflow((ts)i, step, &t)) {
            return error_set(err, BARO_EPARSE, "the series ends beyond the end of time");
        }
        if (value->histogram) {
            series->histograms = true;
        } else if (!value->omitted) {
            insert(series, t, value->v);
        }
    }
    store->stale = true;
    if (with_nhcb) {
        mark_nhcb(store, labels);
    }
    return 0;
}

void script_store_mark_starts(struct script_store *store, struct labels labels)
{
    series_get(store, labels)->starts = true;
}

int script_store_queryable(struct script_store *store, struct queryable **ret,
                           struct baro_error *err)
{
    int r = 0;

    if (store->stale) {
        memstore_clear(store->store);
        for (size_t i = 0; i < store->series.count; i++) {
            const struct loaded_series *series = &store->series.items[i];

            for (size_t k = 0; k < series->count && r >= 0; k++) {
                r = memstore_append(store->store, series->labels, series->t[k], series->v[k], err);
            }
        }
        store->stale = false;
    }
    *ret = memstore_queryable(store->store);
    return r;
}

struct touch {
    const struct script_store *store;
    bool histograms;
    bool starts;
};

static bool visit_selector(struct expr *node, void *context)
{
    struct touch *touch = context;
    struct matchers matchers;

    if (node->kind != EXPR_VECTOR_SELECTOR) {
        return true;
    }
    matchers = (struct matchers){node->vector.matchers, node->vector.matcher_count};
    for (size_t i = 0; i < touch->store->series.count; i++) {
        const struct loaded_series *series = &touch->store->series.items[i];

        if ((series->histograms || series->starts) && matchers_match(matchers, series->labels)) {
            touch->histograms = touch->histograms || series->histograms;
            touch->starts = touch->starts || series->starts;
        }
    }
    return true;
}

void script_store_touches(const struct script_store *store, str query, bool *ret_histograms,
                          bool *ret_starts)
{
    struct touch touch = {.store = store};
    struct arena arena = {0};
    struct expr *expr = NULL;

    if (promql_parse(&arena, query, &script_features, &expr, NULL) >= 0) {
        (void)promql_expr_walk(expr, visit_selector, &touch);
        promql_expr_done(expr);
    }
    arena_done(&arena);
    *ret_histograms = touch.histograms;
    *ret_starts = touch.starts;
}
