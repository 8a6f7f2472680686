#include "exporter/statsd_store.h"

#include <math.h>
#include <string.h>

#include "base/lock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "exporter/sketch.h"
#include "sys/clock.h"

/* What a family holds: its first event says, and events of another kind are conflicts. */
enum kind { KIND_COUNTER, KIND_GAUGE, KIND_SUMMARY, KIND_HISTOGRAM };

struct series {
    char *key; /* labels as "name\0value\0..." */
    size_t key_len;
    struct statsd_tag tags[STATSD_TAGS_MAX]; /* into key */
    size_t tag_count;
    ts updated;
    dur ttl;
    double value; /* of counters and gauges; the sum of observers */
    uint64_t count;
    struct sketch sketch;
    uint64_t *buckets;
};

struct family {
    char *name;
    const char *help; /* lives as long as the map */
    enum kind kind;
    const struct statsd_observer *observer;
    struct map by_key;
    VEC(struct series *) series;
};

enum error { ERROR_NEGATIVE, ERROR_NO_NAME, ERROR_TOO_MANY, ERROR_COUNT };

struct statsd_store {
    struct lock lock; /* all below */
    const struct statsd_map *map;
    struct clock *clock;
    struct arena arena; /* of one event */
    struct map by_name;
    VEC(struct family *) families;
    size_t series_count;
    uint64_t packets[STATSD_SOURCE_COUNT];
    uint64_t counts[STATSD_COUNT_COUNT];
    uint64_t lines, samples, tags, unmapped, dropped, mapped;
    uint64_t events[STATSD_TYPE_COUNT];
    uint64_t conflicts[STATSD_TYPE_COUNT];
    uint64_t faults[STATSD_FAULT_COUNT];
    uint64_t errors[ERROR_COUNT];
};

struct statsd_store *statsd_store_new(const struct statsd_map *map, struct clock *clock)
{
    struct statsd_store *store = MEM_NEW(struct statsd_store);

    lock_init(&store->lock, LOCK_METRICS);
    store->map = map;
    store->clock = clock;
    return store;
}

static void series_free(struct series *series)
{
    sketch_done(&series->sketch);
    mem_free(series->buckets);
    mem_free(series->key);
    mem_free(series);
}

static void family_free(struct family *family)
{
    for (size_t i = 0; i < family->series.count; i++) {
        series_free(family->series.items[i]);
    }
    vec_done(&family->series);
    map_done(&family->by_key);
    mem_free(family->name);
    mem_free(family);
}

struct statsd_store *statsd_store_free(struct statsd_store *store)
{
    if (store != NULL) {
        for (size_t i = 0; i < store->families.count; i++) {
            family_free(store->families.items[i]);
        }
        vec_done(&store->families);
        map_done(&store->by_name);
        arena_done(&store->arena);
        lock_done(&store->lock);
        mem_free(store);
    }
    return NULL;
}

/* ---- events in ---- */

static enum kind kind_of(const struct statsd_event *event, const struct statsd_observer *observer)
{
    return event->type == STATSD_COUNTER ? KIND_COUNTER
           : event->type == STATSD_GAUGE ? KIND_GAUGE
           : observer->is_histogram      ? KIND_HISTOGRAM
                                         : KIND_SUMMARY;
}

static struct family *family_get_locked(struct statsd_store *store,
                                        const struct statsd_mapped *mapped, enum kind kind)
{
    struct family *family = map_get(&store->by_name, mapped->name);

    if (family == NULL && store->series_count < STATSD_SERIES_MAX) {
        family = MEM_NEW(struct family);
        family->name = str_dup_c(mapped->name);
        family->help = mapped->help;
        family->kind = kind;
        family->observer = mapped->observer;
        vec_push(&store->families, family);
        (void)map_put(&store->by_name, str_from(family->name), family);
    }
    return family;
}

/* The labels one behind the other, each text with a NUL. */
static str key_make(struct statsd_store *store, const struct statsd_mapped *mapped)
{
    size_t len = 0;
    char *key;

    for (size_t i = 0; i < mapped->tag_count; i++) {
        len += mapped->tags[i].name.len + mapped->tags[i].value.len + 2;
    }
    key = arena_alloc_zero(&store->arena, len + 1);
    len = 0;
    for (size_t i = 0; i < mapped->tag_count; i++) {
        memcpy(key + len, mapped->tags[i].name.ptr, mapped->tags[i].name.len);
        len += mapped->tags[i].name.len + 1;
        memcpy(key + len, mapped->tags[i].value.ptr, mapped->tags[i].value.len);
        len += mapped->tags[i].value.len + 1;
    }
    return (str){key, len};
}

static struct series *series_get_locked(struct statsd_store *store, struct family *family,
                                        const struct statsd_mapped *mapped)
{
    str key = key_make(store, mapped);
    struct series *series = map_get(&family->by_key, key);
    size_t at = 0;

    if (series != NULL || store->series_count >= STATSD_SERIES_MAX) {
        return series;
    }
    series = MEM_NEW(struct series);
    series->key = mem_alloc(key.len + 1);
    memcpy(series->key, key.ptr, key.len + 1);
    series->key_len = key.len;
    for (size_t i = 0; i < mapped->tag_count; i++) {
        series->tags[i].name = str_from(series->key + at);
        at += series->tags[i].name.len + 1;
        series->tags[i].value = str_from(series->key + at);
        at += series->tags[i].value.len + 1;
    }
    series->tag_count = mapped->tag_count;
    sketch_init(&series->sketch, family->observer->max_age);
    if (family->kind == KIND_HISTOGRAM) {
        series->buckets =
            mem_alloc_zero((family->observer->bucket_count + 1) * sizeof(series->buckets[0]));
    }
    vec_push(&family->series, series);
    (void)map_put(&family->by_key, str_of(series->key, series->key_len), series);
    store->series_count++;
    return series;
}

static void observe(struct family *family, struct series *series, double value, size_t times,
                    ts now)
{
    size_t bucket = 0;

    series->value += value * (double)times;
    series->count += times;
    if (family->kind == KIND_SUMMARY) {
        sketch_add(&series->sketch, value, times, now);
        return;
    }
    while (bucket < family->observer->bucket_count &&
           !(value <= family->observer->buckets[bucket])) {
        bucket++;
    }
    series->buckets[bucket] += times;
}

static void event_apply_locked(struct statsd_store *store, const struct statsd_event *event,
                               const struct statsd_mapped *mapped)
{
    enum kind kind = kind_of(event, mapped->observer);
    double value = event->value * mapped->scale;
    ts now = clock_now(store->clock);
    struct family *family;
    struct series *series;

    /* Before there is a family for it: what has no series is bounded by nothing. */
    if (kind == KIND_COUNTER && value < 0) {
        store->errors[ERROR_NEGATIVE]++;
        return;
    }
    family = family_get_locked(store, mapped, kind);
    if (family != NULL && family->kind != kind) {
        store->conflicts[event->type]++;
        return;
    }
    series = family != NULL ? series_get_locked(store, family, mapped) : NULL;
    if (series == NULL) {
        store->errors[ERROR_TOO_MANY]++;
        return;
    }
    series->updated = now;
    series->ttl = mapped->ttl;
    if (kind == KIND_COUNTER || (kind == KIND_GAUGE && event->is_relative)) {
        series->value += value;
    } else if (kind == KIND_GAUGE) {
        series->value = value;
    } else {
        observe(family, series, value, event->repeats, now);
    }
}

static void on_event(void *context, const struct statsd_event *event)
{
    struct statsd_store *store = context;
    struct statsd_mapped mapped;

    lock_assert_held(&store->lock);
    store->samples++;
    store->tags += event->tag_count;
    store->events[event->type]++;
    arena_reset(&store->arena);
    statsd_map_find(store->map, event, &store->arena, &mapped);
    store->unmapped += mapped.is_mapped ? 0 : 1;
    if (mapped.is_dropped) {
        store->dropped++;
    } else if (mapped.name.len == 0 || mapped.name.len >= BARO_NAME_BYTES_MAX) {
        store->errors[ERROR_NO_NAME]++;
    } else {
        store->mapped += mapped.is_mapped ? 1 : 0;
        event_apply_locked(store, event, &mapped);
    }
}

static void on_fault(void *context, enum statsd_fault fault)
{
    struct statsd_store *store = context;

    store->faults[fault]++;
}

void statsd_store_lines(struct statsd_store *store, str text, enum statsd_source source,
                        bool is_packet)
{
    const struct statsd_sink sink = {on_event, on_fault, store};

    lock_acquire(&store->lock);
    store->packets[source] += is_packet ? 1 : 0;
    for (str line; str_split_next(&text, '\n', &line);) {
        line = str_trim(line);
        if (line.len > 0) {
            store->lines++;
            statsd_line_parse(line, &sink);
        }
    }
    lock_release(&store->lock);
}

void statsd_store_count(struct statsd_store *store, enum statsd_count count)
{
    lock_acquire(&store->lock);
    store->counts[count]++;
    lock_release(&store->lock);
}

/* ---- metrics out ---- */

static void expire_locked(struct statsd_store *store, struct family *family, ts now)
{
    size_t kept = 0;

    for (size_t i = 0; i < family->series.count; i++) {
        struct series *series = family->series.items[i];

        if (series->ttl > 0 && now - series->updated > series->ttl) {
            (void)map_remove(&family->by_key, str_of(series->key, series->key_len));
            series_free(series);
            store->series_count--;
        } else {
            family->series.items[kept++] = series;
        }
    }
    family->series.count = kept;
}

/* The label names of all series of a family, NULL-terminated; a series without one of them shows it
 * empty, which is as good as absent. */
static size_t label_names(struct emit *emit, const struct family *family,
                          const char *ret[EMIT_LABELS_MAX + 1])
{
    size_t count = 0;

    for (size_t i = 0; i < family->series.count; i++) {
        const struct series *series = family->series.items[i];

        for (size_t t = 0; t < series->tag_count; t++) {
            bool known = false;

            for (size_t k = 0; k < count && !known; k++) {
                known = str_is(series->tags[t].name, ret[k]);
            }
            if (!known && count < EMIT_LABELS_MAX) {
                ret[count++] = arena_str(&emit->arena, series->tags[t].name).ptr;
            }
        }
    }
    ret[count] = NULL;
    return count;
}

static str tag_value(const struct series *series, const char *name)
{
    for (size_t i = 0; i < series->tag_count; i++) {
        if (str_is(series->tags[i].name, name)) {
            return series->tags[i].value;
        }
    }
    return STR("");
}

static void observer_emit(struct emit *emit, const struct family *family,
                          const struct series *series, const str *values, ts now)
{
    const struct statsd_observer *observer = family->observer;

    if (family->kind == KIND_HISTOGRAM) {
        const struct baro_histogram_data data = {series->count, series->value, observer->buckets,
                                                 series->buckets, observer->bucket_count};

        (void)baro_sink_histogram(emit->sink, emit_values(emit, values), &data);
    } else {
        double found[STATSD_QUANTILES_MAX];
        const struct baro_summary_data data = {series->count, series->value, observer->quantiles,
                                               found, observer->quantile_count};

        for (size_t i = 0; i < observer->quantile_count; i++) {
            found[i] = sketch_quantile(&series->sketch, observer->quantiles[i], now);
        }
        (void)baro_sink_summary(emit->sink, emit_values(emit, values), &data);
    }
}

static void family_emit(struct emit *emit, const struct family *family, ts now)
{
    static const enum baro_type types[] = {[KIND_COUNTER] = BARO_COUNTER,
                                           [KIND_GAUGE] = BARO_GAUGE,
                                           [KIND_SUMMARY] = BARO_SUMMARY,
                                           [KIND_HISTOGRAM] = BARO_HISTOGRAM};
    const char *names[EMIT_LABELS_MAX + 1];
    size_t count = label_names(emit, family, names);

    emit_family(emit, family->name, types[family->kind], family->help, names);
    for (size_t i = 0; emit->is_open && i < family->series.count; i++) {
        const struct series *series = family->series.items[i];
        str values[EMIT_LABELS_MAX];

        for (size_t k = 0; k < count; k++) {
            values[k] = tag_value(series, names[k]);
        }
        if (family->kind == KIND_COUNTER || family->kind == KIND_GAUGE) {
            emit_value(emit, series->value, values);
        } else {
            observer_emit(emit, family, series, values, now);
        }
    }
}

static void by_name_emit(struct emit *emit, const char *name, const char *help, const char *label,
                         const char *const *values, const uint64_t *counts, size_t count)
{
    emit_family(emit, name, BARO_COUNTER, help, (const char *const[]){label, NULL});
    for (size_t i = 0; i < count; i++) {
        emit_value(emit, (double)counts[i], (str[]){str_from(values[i])});
    }
}

static void own_emit(struct statsd_store *store, struct emit *emit)
{
    static const char *const types[] = {"counter", "gauge", "observer"};
    static const char *const actions[] = {"drop", "map"};
    static const char *const errors[] = {"illegal_negative_counter", "empty_metric_name",
                                         "too_many_series"};
    const char *faults[STATSD_FAULT_COUNT];
    const struct {
        const char *name;
        enum baro_type type;
        const char *help;
        uint64_t value;
    } rows[] = {
        {"statsd_exporter_lines_total", BARO_COUNTER, "Lines received.", store->lines},
        {"statsd_exporter_samples_total", BARO_COUNTER, "Samples read.", store->samples},
        {"statsd_exporter_tags_total", BARO_COUNTER, "Tags read.", store->tags},
        {"statsd_exporter_events_unmapped_total", BARO_COUNTER, "Events that no rule matched.",
         store->unmapped},
        {"statsd_exporter_loaded_mappings", BARO_GAUGE, "Rules of the mapping file.",
         statsd_map_count(store->map)},
        {"statsd_exporter_series", BARO_GAUGE, "Series kept.", store->series_count},
        {"statsd_exporter_udp_packets_total", BARO_COUNTER, "Datagrams received over UDP.",
         store->packets[STATSD_UDP]},
        {"statsd_exporter_unixgram_packets_total", BARO_COUNTER,
         "Datagrams received over the Unix socket.", store->packets[STATSD_UNIX]},
        {"statsd_exporter_tcp_connections_total", BARO_COUNTER, "Connections accepted.",
         store->counts[STATSD_TCP_CONNECTIONS]},
        {"statsd_exporter_tcp_connection_errors_total", BARO_COUNTER, "Connections that broke.",
         store->counts[STATSD_TCP_ERRORS]},
        {"statsd_exporter_tcp_too_long_lines_total", BARO_COUNTER,
         "Connections closed because of a line that does not end.",
         store->counts[STATSD_TCP_LONG_LINES]},
    };

    for (size_t i = 0; i < STATSD_FAULT_COUNT; i++) {
        faults[i] = statsd_fault_name((enum statsd_fault)i);
    }
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        emit_single(emit, rows[i].name, rows[i].type, rows[i].help, (double)rows[i].value);
    }
    by_name_emit(emit, "statsd_exporter_events_total", "Events read.", "type", types, store->events,
                 STATSD_TYPE_COUNT);
    by_name_emit(emit, "statsd_exporter_events_conflict_total",
                 "Events of another kind than their metric.", "type", types, store->conflicts,
                 STATSD_TYPE_COUNT);
    by_name_emit(emit, "statsd_exporter_events_actions_total", "What rules did.", "action", actions,
                 (const uint64_t[]){store->dropped, store->mapped}, 2);
    by_name_emit(emit, "statsd_exporter_events_error_total", "Events that became no metric.",
                 "reason", errors, store->errors, ERROR_COUNT);
    by_name_emit(emit, "statsd_exporter_sample_errors_total", "Samples that could not be read.",
                 "reason", faults, store->faults, STATSD_FAULT_COUNT);
}

void statsd_store_collect(void *context, struct emit *emit)
{
    struct statsd_store *store = context;
    ts now = clock_now(store->clock);
    size_t kept = 0;

    lock_acquire(&store->lock);
    own_emit(store, emit);
    for (size_t i = 0; i < store->families.count; i++) {
        struct family *family = store->families.items[i];

        expire_locked(store, family, now);
        if (family->series.count > 0) {
            family_emit(emit, family, now);
            store->families.items[kept++] = family;
        } else {
            (void)map_remove(&store->by_name, str_from(family->name));
            family_free(family);
        }
    }
    store->families.count = kept;
    lock_release(&store->lock);
}
