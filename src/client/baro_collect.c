#include "client/baro_priv.h"

#include <stdlib.h>

/* ---- Callbacks ---------------------------------------------------------------------------------
 */

/* An exemplar's memory may be there already; a callback takes its place for good. */
static int callback_set_locked(struct baro_family *family, const char *const *values,
                               const struct baro_callback *callback)
{
    struct baro_series *series = baro_series_get_locked(family, values);
    struct baro_callback *copy;
    void *before;

    if (series == NULL) {
        return BARO_BAD_ARGUMENT;
    }
    if (series->has_callback) {
        *(struct baro_callback *)series->extra = *callback;
        return BARO_OK;
    }
    copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        return BARO_NO_MEMORY;
    }
    *copy = *callback;
    series->has_callback = 1;
    before = __atomic_exchange_n(&series->extra, (void *)copy, __ATOMIC_ACQ_REL);
    baro_garbage_add_locked(family->registry, before, NULL);
    return BARO_OK;
}

int baro_callback_add(struct baro_family *family, const char *const *values, baro_read_fn *read,
                      void *context)
{
    struct baro_callback callback = {BARO_EXTRA_CALLBACK, read, context};
    int result;

    if (family == NULL) {
        baro_misuse();
        return BARO_BAD_ARGUMENT;
    }
    if (family->is_inert) {
        return BARO_OK;
    }
    if (family->type != BARO_COUNTER && family->type != BARO_GAUGE &&
        family->type != BARO_UNKNOWN) {
        baro_misuse();
        return BARO_BAD_TYPE;
    }
    if (read == NULL) {
        result = baro_series_remove(family, values);
        (void)pthread_mutex_lock(
            &family->registry->collect_mutex); /* waits for a scrape that is calling it */
        (void)pthread_mutex_unlock(&family->registry->collect_mutex);
        return result;
    }
    (void)pthread_mutex_lock(&family->registry->mutex);
    result = callback_set_locked(family, values, &callback);
    (void)pthread_mutex_unlock(&family->registry->mutex);
    return result;
}

/* ---- Collectors
 * ---------------------------------------------------------------------------------- */

static int collector_add_locked(struct baro_registry *registry, baro_collect_fn *collect,
                                void *context)
{
    struct baro_collector *grown;
    size_t id;

    for (id = 0; id < registry->collector_count && registry->collectors[id].collect != NULL; id++) {
    }
    if (id == registry->collector_count) {
        grown = realloc(registry->collectors, (id + 1) * sizeof(*grown));
        if (grown == NULL) {
            return BARO_NO_MEMORY;
        }
        registry->collectors = grown;
        registry->collector_count = id + 1;
    }
    registry->collectors[id] = (struct baro_collector){collect, context};
    return (int)id;
}

int baro_collector_add(struct baro_registry *registry, baro_collect_fn *collect, void *context)
{
    int id;

    registry = baro_registry_of(registry);
    if (registry == NULL || collect == NULL) {
        baro_misuse();
        return BARO_BAD_ARGUMENT;
    }
    (void)pthread_mutex_lock(&registry->collect_mutex);
    id = collector_add_locked(registry, collect, context);
    (void)pthread_mutex_unlock(&registry->collect_mutex);
    return id;
}

int baro_collector_remove(struct baro_registry *registry, int id)
{
    int result = BARO_BAD_ARGUMENT;

    registry = baro_registry_of(registry);
    if (registry != NULL && id >= 0) {
        (void)pthread_mutex_lock(&registry->collect_mutex);
        if ((size_t)id < registry->collector_count && registry->collectors[id].collect != NULL) {
            registry->collectors[id].collect = NULL;
            result = BARO_OK;
        }
        (void)pthread_mutex_unlock(&registry->collect_mutex);
    }
    return result;
}

int baro_process_collector_add(struct baro_registry *registry)
{
    int id = 0;

    registry = baro_registry_of(registry);
    if (registry == NULL) {
        return BARO_NO_MEMORY;
    }
    (void)pthread_mutex_lock(&registry->collect_mutex);
    if (!registry->has_process) {
        id = collector_add_locked(registry, baro_process_collect, NULL);
        registry->has_process = id >= 0;
    }
    (void)pthread_mutex_unlock(&registry->collect_mutex);
    return id < 0 ? id : BARO_OK;
}

/* ---- What collectors call
 * -------------------------------------------------------------------------- */

static void family_end(struct baro_sink *sink)
{
    if (sink->family != NULL) {
        if (sink->is_wanted) {
            baro_emit_family_end(sink);
        }
        baro_family_free(sink->family);
        sink->family = NULL;
    }
}

static bool name_is_seen(const struct baro_sink *sink, const char *name)
{
    bool is_registered;

    for (size_t i = 0; i < sink->seen_count; i++) {
        if (strcmp(sink->seen[i], name) == 0) {
            return true;
        }
    }
    (void)pthread_mutex_lock(&sink->registry->mutex);
    is_registered = baro_family_find_locked(sink->registry, name) != NULL;
    (void)pthread_mutex_unlock(&sink->registry->mutex);
    return is_registered;
}

static bool name_note(struct baro_sink *sink, const char *name)
{
    char **seen = realloc(sink->seen, (sink->seen_count + 1) * sizeof(*seen));

    if (seen == NULL) {
        return false;
    }
    sink->seen = seen;
    seen[sink->seen_count] = baro_text_copy(name);
    if (seen[sink->seen_count] == NULL) {
        return false;
    }
    sink->seen_count++;
    return true;
}

int baro_sink_family(struct baro_sink *sink, const struct baro_desc *desc)
{
    int result;

    if (sink == NULL) {
        baro_misuse();
        return BARO_BAD_ARGUMENT;
    }
    family_end(sink);
    if (baro_desc_check(sink->registry, desc, NULL) < 0) {
        baro_misuse();
        return BARO_BAD_ARGUMENT;
    }
    sink->family = baro_family_build(sink->registry, desc);
    if (sink->family == NULL) {
        return BARO_NO_MEMORY;
    }
    result = name_is_seen(sink, sink->family->name) ? BARO_CONFLICT
             : name_note(sink, sink->family->name)  ? BARO_OK
                                                    : BARO_NO_MEMORY;
    if (result < 0) {
        if (result == BARO_CONFLICT) {
            baro_misuse();
        }
        baro_family_free(sink->family);
        sink->family = NULL;
        return result;
    }
    sink->is_wanted = baro_expose_wants(sink->options, sink->family->name);
    if (sink->is_wanted) {
        baro_emit_family(sink, sink->family);
    }
    return BARO_OK;
}

/* The sample of values that a collector gives; released by the caller with baro_out_done(text). */
static int sample_of(struct baro_sink *sink, const char *const *values, struct baro_out *text,
                     struct baro_sample *ret)
{
    struct baro_family *family = sink == NULL ? NULL : sink->family;
    struct baro_out key;
    uint32_t key_size;
    bool ok;

    baro_out_init(text, NULL, NULL, false);
    if (family == NULL) {
        baro_misuse();
        return BARO_BAD_ARGUMENT;
    }
    baro_out_init(&key, NULL, NULL, false);
    for (uint32_t i = 0; i < family->label_count; i++) {
        if (values == NULL || values[i] == NULL) {
            baro_misuse();
            baro_out_done(&key);
            return BARO_BAD_ARGUMENT;
        }
        baro_out_put(&key, values[i], baro_utf8_cut(values[i], BARO_VALUE_BYTES_MAX));
        baro_out_put(&key, "", 1);
    }
    key_size = (uint32_t)key.size;
    ok =
        key.failed == 0 && baro_labels_text(family, key_size == 0 ? "" : key.bytes, key_size, text);
    baro_out_done(&key);
    if (!ok) {
        return BARO_NO_MEMORY;
    }
    memset(ret, 0, sizeof(*ret));
    ret->key = text->bytes;
    ret->labels = text->bytes + key_size;
    ret->labels_size = (uint32_t)text->size - key_size - 1;
    return BARO_OK;
}

int baro_sink_value(struct baro_sink *sink, const char *const *values, double value)
{
    struct baro_out text;
    struct baro_sample sample;
    int result = sample_of(sink, values, &text, &sample);

    if (result == BARO_OK &&
        (sink->family->type == BARO_HISTOGRAM || sink->family->type == BARO_SUMMARY)) {
        baro_misuse();
        result = BARO_BAD_TYPE;
    } else if (result == BARO_OK && sink->is_wanted) {
        if (sink->family->type == BARO_STATESET) {
            baro_emit_states(sink, sink->family, &sample,
                             value >= 0 && value < BARO_STATES_MAX ? (uint64_t)1 << (int)value : 0);
        } else {
            baro_emit_value(sink, sink->family, &sample, value);
        }
        baro_out_flush_if_full(sink->out);
    }
    baro_out_done(&text);
    return result;
}

static bool bounds_are_good(const struct baro_histogram_data *data)
{
    if (data == NULL || data->buckets == NULL || data->bound_count > BARO_BUCKETS_MAX ||
        (data->bound_count > 0 && data->bounds == NULL)) {
        return false;
    }
    return baro_bounds_are_good(data->bounds, data->bound_count);
}

int baro_sink_histogram(struct baro_sink *sink, const char *const *values,
                        const struct baro_histogram_data *data)
{
    struct baro_bound_text texts[BARO_BUCKETS_MAX + 1];
    struct baro_histogram_view view = {.bound_texts = texts};
    struct baro_out text;
    struct baro_sample sample;
    int result = sample_of(sink, values, &text, &sample);

    if (result == BARO_OK && (sink->family->type != BARO_HISTOGRAM || !bounds_are_good(data))) {
        baro_misuse();
        result = sink->family->type != BARO_HISTOGRAM ? BARO_BAD_TYPE : BARO_BAD_ARGUMENT;
    } else if (result == BARO_OK && sink->is_wanted) {
        view.data = *data;
        baro_bound_texts(data->bounds, data->bound_count, sink->format, texts);
        baro_emit_histogram(sink, sink->family, &sample, &view);
        baro_out_flush_if_full(sink->out);
    }
    baro_out_done(&text);
    return result;
}

int baro_sink_summary(struct baro_sink *sink, const char *const *values,
                      const struct baro_summary_data *data)
{
    struct baro_out text;
    struct baro_sample sample;
    int result = sample_of(sink, values, &text, &sample);

    if (result == BARO_OK &&
        (sink->family->type != BARO_SUMMARY || data == NULL ||
         (data->quantile_count > 0 && (data->quantiles == NULL || data->values == NULL)))) {
        baro_misuse();
        result = sink->family->type != BARO_SUMMARY ? BARO_BAD_TYPE : BARO_BAD_ARGUMENT;
    } else if (result == BARO_OK && sink->is_wanted) {
        baro_emit_summary(sink, sink->family, &sample, data);
        baro_out_flush_if_full(sink->out);
    }
    baro_out_done(&text);
    return result;
}

void baro_expose_collectors(struct baro_sink *sink)
{
    struct baro_registry *registry = sink->registry;

    (void)pthread_mutex_lock(&registry->collect_mutex);
    for (size_t i = 0; i < registry->collector_count; i++) {
        if (registry->collectors[i].collect != NULL && sink->out->failed == 0) {
            registry->collectors[i].collect(sink, registry->collectors[i].context);
            family_end(sink);
        }
    }
    (void)pthread_mutex_unlock(&registry->collect_mutex);
}
