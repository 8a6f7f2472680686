#include "client/baro_priv.h"

#include <stdlib.h>

bool baro_expose_wants(const struct baro_expose_options *options, const char *name)
{
    if (options->names == NULL) {
        return true;
    }
    for (size_t i = 0; i < options->name_count; i++) {
        if (options->names[i] != NULL && strcmp(options->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- Formats ----------------------------------------------------------------------------------
 */

void baro_emit_family(struct baro_sink *sink, const struct baro_family *family)
{
    if (sink->format == BARO_PROTOBUF) {
        baro_proto_family(sink, family);
    } else {
        baro_text_family(sink, family);
    }
}

void baro_emit_family_end(struct baro_sink *sink)
{
    if (sink->format == BARO_PROTOBUF) {
        baro_proto_family_end(sink);
    }
}

void baro_emit_value(struct baro_sink *sink, const struct baro_family *family,
                     const struct baro_sample *sample, double value)
{
    if (sink->format == BARO_PROTOBUF) {
        baro_proto_value(sink, family, sample, value);
    } else {
        baro_text_value(sink, family, sample, value);
    }
}

void baro_emit_states(struct baro_sink *sink, const struct baro_family *family,
                      const struct baro_sample *sample, uint64_t states)
{
    for (uint32_t i = 0; i < family->state_count; i++) {
        bool on = (states >> i & 1) != 0;

        if (sink->format == BARO_PROTOBUF) {
            baro_proto_state(sink, family, sample, family->states[i], on);
        } else {
            baro_text_state(sink, family, sample, family->states[i], on);
        }
    }
}

void baro_emit_histogram(struct baro_sink *sink, const struct baro_family *family,
                         const struct baro_sample *sample, const struct baro_histogram_view *view)
{
    if (sink->format == BARO_PROTOBUF) {
        baro_proto_histogram(sink, family, sample, view);
    } else {
        baro_text_histogram(sink, family, sample, view);
    }
}

void baro_emit_summary(struct baro_sink *sink, const struct baro_family *family,
                       const struct baro_sample *sample, const struct baro_summary_data *data)
{
    if (sink->format == BARO_PROTOBUF) {
        baro_proto_summary(sink, family, sample, data);
    } else {
        baro_text_summary(sink, family, sample, data);
    }
}

/* ---- Series ------------------------------------------------------------------------------------
 */

static void expose_histogram(struct baro_sink *sink, const struct baro_sample *sample)
{
    const struct baro_series *series = sample->series;
    const struct baro_family *family = series->family;
    uint64_t buckets[BARO_BUCKETS_MAX + 1];
    struct baro_native_sum native;
    struct baro_histogram_view view = {
        .data = {.bounds = family->bounds, .buckets = buckets, .bound_count = family->bound_count},
        .bound_texts = family->bound_texts[sink->format == BARO_OPENMETRICS],
    };

    baro_classic_read(series, buckets, &view.data.sum);
    for (uint32_t i = 0; i <= family->bound_count; i++) {
        view.data.count += buckets[i];
    }
    if (family->native_cells > 0) {
        if (!baro_native_read(series, &native)) {
            sink->out->failed = BARO_NO_MEMORY;
            return;
        }
        view.native = &native;
        if (!family->has_classic) {
            view.data.count = native.count;
            buckets[0] = native.count;
        }
    }
    baro_emit_histogram(sink, family, sample, &view);
    if (view.native != NULL) {
        baro_native_sum_done(&native);
    }
}

static void expose_summary(struct baro_sink *sink, const struct baro_sample *sample)
{
    const struct baro_series *series = sample->series;
    const struct baro_family *family = series->family;
    uint32_t slot = baro_series_slot(series);
    double values[BARO_QUANTILES_MAX];
    struct baro_summary_data data = {
        .count = baro_cells_sum_u64(slot),
        .sum = baro_cells_sum_double(slot + 1),
        .quantiles = family->quantiles,
        .values = values,
        .quantile_count = family->quantile_count,
    };

    for (uint32_t i = 0; i < family->quantile_count; i++) {
        values[i] = baro_summary_quantile_of(series, family->quantiles[i]);
    }
    baro_emit_summary(sink, family, sample, &data);
}

/* A gauge of which each process has a series of its own: the labels, and the pid in front. */
static void expose_gauge_all(struct baro_sink *sink, const struct baro_sample *sample)
{
    enum { PROCESSES_MAX = 256 };
    struct baro_gauge_part parts[PROCESSES_MAX];
    size_t count = baro_gauge_parts(sample->series, parts, PROCESSES_MAX);
    const struct baro_family *family = sample->series->family;

    for (size_t i = 0; i < count; i++) {
        struct baro_sample own = *sample;
        struct baro_out labels;

        if (!parts[i].is_used) {
            continue;
        }
        baro_out_init(&labels, NULL, NULL, false);
        baro_out_text(&labels, "pid=\"");
        baro_out_u64(&labels, parts[i].owner >> 32);
        baro_out_text(&labels, sample->labels_size > 0 ? "\"," : "\"");
        baro_out_put(&labels, sample->labels, sample->labels_size);
        own.pid = (uint32_t)(parts[i].owner >> 32);
        own.labels = labels.bytes;
        own.labels_size = (uint32_t)labels.size;
        if (labels.failed == 0) {
            baro_emit_value(sink, family, &own, parts[i].value);
        } else {
            sink->out->failed = BARO_NO_MEMORY;
        }
        baro_out_done(&labels);
    }
}

/*
 * The user's function runs without the registry's lock, so that it may use the library, but with
 * collect_mutex: whoever removes a callback waits for that. It is taken before the registry's lock,
 * so what was removed in between is looked at again: by the handle, for the series may be another
 * one's by then.
 */
static void expose_callback(struct baro_sink *sink, const struct baro_sample *sample)
{
    struct baro_registry *registry = sink->registry;
    const struct baro_series *series = sample->series;
    const struct baro_family *family = series->family;
    struct baro_callback callback = {0, NULL, NULL};
    uint64_t ref = baro_series_ref(series);
    struct baro_sample own = *sample;
    struct baro_out labels;
    double value = 0;

    baro_out_init(&labels, NULL, NULL, false);
    baro_out_put(&labels, sample->key, series->key_size + sample->labels_size);
    own.key = labels.bytes == NULL ? "" : labels.bytes;
    own.labels = own.key + series->key_size;
    own.series = NULL;
    (void)pthread_mutex_unlock(&registry->mutex);
    (void)pthread_mutex_lock(&registry->collect_mutex);
    (void)pthread_mutex_lock(&registry->mutex);
    if (baro_series_ref(series) == ref && series->has_callback && series->extra != NULL) {
        callback = *(const struct baro_callback *)series->extra;
    }
    (void)pthread_mutex_unlock(&registry->mutex);
    if (callback.read != NULL) {
        value = callback.read(callback.context);
    }
    (void)pthread_mutex_unlock(&registry->collect_mutex);
    (void)pthread_mutex_lock(&registry->mutex);
    if (labels.failed != 0) {
        sink->out->failed = BARO_NO_MEMORY;
    } else if (callback.read != NULL) {
        baro_emit_value(sink, family, &own, value);
    }
    baro_out_done(&labels);
}

static void expose_series(struct baro_sink *sink, const struct baro_series *series)
{
    const struct baro_family *family = series->family;
    struct baro_sample sample = {
        .series = series,
        .key = series->text,
        .labels = series->text + series->key_size,
        .labels_size = series->labels_size,
        .created_ms = series->created_ms,
    };

    if (series->has_callback) {
        expose_callback(sink, &sample);
        return;
    }
    switch (family->type) {
    case BARO_HISTOGRAM:
        expose_histogram(sink, &sample);
        break;
    case BARO_SUMMARY:
        expose_summary(sink, &sample);
        break;
    case BARO_STATESET:
        baro_emit_states(sink, family, &sample, baro_states_read(series));
        break;
    case BARO_GAUGE:
        if (family->multiprocess == BARO_LIVE_ALL && baro_shared_is_on()) {
            expose_gauge_all(sink, &sample);
            break;
        }
        baro_emit_value(sink, family, &sample, baro_value_of(series));
        break;
    case BARO_COUNTER:
    case BARO_INFO:
        baro_emit_value(sink, family, &sample, baro_value_of(series));
        break;
    case BARO_UNKNOWN: /* callbacks alone have a value */
        break;
    }
}

/* Bytes go out without the lock, because a writer may be slow. The list keeps its places meanwhile
 * (registry.exposing). */
static void expose_flush(struct baro_sink *sink)
{
    if (sink->out->size >= BARO_OUT_CHUNK && sink->out->write != NULL) {
        (void)pthread_mutex_unlock(&sink->registry->mutex);
        baro_out_flush(sink->out, false);
        (void)pthread_mutex_lock(&sink->registry->mutex);
    }
}

static void expose_family_locked(struct baro_sink *sink, struct baro_family *family)
{
    if (family->series_count == 0 || !baro_expose_wants(sink->options, family->name)) {
        return;
    }
    baro_emit_family(sink, family);
    for (uint32_t i = 0; i < family->list_count && sink->out->failed == 0; i++) {
        if (family->list[i] != NULL) {
            expose_series(sink, family->list[i]);
            expose_flush(sink);
        }
    }
    baro_emit_family_end(sink);
    expose_flush(sink);
}

static void expose_families(struct baro_sink *sink)
{
    struct baro_registry *registry = sink->registry;
    uint32_t now_s = (uint32_t)(baro_now_ns() / 1000000000);

    baro_shared_import(registry);
    (void)pthread_mutex_lock(&registry->mutex);
    for (struct baro_family *family = registry->families; family != NULL; family = family->next) {
        baro_series_expire_locked(family, now_s);
    }
    baro_series_reclaim_locked(registry);
    registry->exposing++;
    for (struct baro_family *family = registry->families; family != NULL && sink->out->failed == 0;
         family = family->next) {
        expose_family_locked(sink, family);
    }
    registry->exposing--;
    (void)pthread_mutex_unlock(&registry->mutex);
}

static void sink_done(struct baro_sink *sink)
{
    baro_out_done(&sink->message);
    baro_out_done(&sink->metric);
    baro_out_done(&sink->part);
    for (size_t i = 0; i < sink->seen_count; i++) {
        free(sink->seen[i]);
    }
    free(sink->seen);
    if (sink->family != NULL) {
        baro_family_free(sink->family);
    }
}

static void expose_to(struct baro_registry *registry, const struct baro_expose_options *options,
                      struct baro_out *out)
{
    struct baro_sink sink = {
        .registry = registry, .out = out, .options = options, .format = options->format};

    if (registry != NULL && baro_enabled()) {
        expose_families(&sink);
        baro_expose_collectors(&sink);
    }
    if (options->format == BARO_OPENMETRICS) {
        baro_out_text(out, "# EOF\n");
    }
    sink_done(&sink);
}

static const struct baro_expose_options expose_usual;

int baro_expose(struct baro_registry *registry, const struct baro_expose_options *options,
                baro_write_fn *write, void *context)
{
    struct baro_out out;
    int failed;

    options = options == NULL ? &expose_usual : options;
    if (write == NULL || (unsigned)options->format > BARO_PROTOBUF) {
        baro_misuse();
        return BARO_BAD_ARGUMENT;
    }
    baro_out_init(&out, write, context, options->gzip);
    if (out.failed == 0) {
        expose_to(baro_registry_of(registry), options, &out);
        baro_out_flush(&out, true);
    }
    failed = out.failed;
    baro_out_done(&out);
    return failed;
}

/* Gathers what a writer is given. */
static int gather(void *context, const void *bytes, size_t size)
{
    struct baro_out *all = context;

    baro_out_put(all, bytes, size);
    return all->failed;
}

char *baro_expose_alloc(struct baro_registry *registry, const struct baro_expose_options *options,
                        size_t *ret_size)
{
    struct baro_out all;

    baro_out_init(&all, NULL, NULL, false);
    if (baro_expose(registry, options, gather, &all) < 0) {
        all.failed = BARO_NO_MEMORY;
    }
    baro_out_put(&all, "", 1);
    if (all.failed != 0) {
        baro_out_done(&all);
        return NULL;
    }
    if (ret_size != NULL) {
        *ret_size = all.size - 1;
    }
    return all.bytes;
}
