#include "scrape/scrape_append.h"

#include "base/assert.h"
#include "base/mem.h"
#include "conf/prom_config.h"
#include "model/exposition.h"
#include "model/relabel.h"
#include "scrape/scrape_append_priv.h"
#include "scrape/scrape_labels.h"
#include "sys/clock.h"

enum {
    SAMPLES_SPARE = 64,          /* room for health series and a few new ones */
    AHEAD_MAX = 10 * DUR_MINUTE, /* samples later than this are out of bounds */
    ATTEMPTS_MAX = 2,            /* the second one resolves forgotten series */
};

/* One attempt to take a body. */
struct attempt {
    struct scrape_scratch *scratch;
    struct scrape_series *series;
    const struct scrape_answer *answer;
    struct scrape_result *result;
    struct exposition parser;
    enum exposition_format format;
    bool converts;               /* classic histograms to native ones */
    bool is_synthetic;           /* the event's raw bytes are no part of the body */
    str family_name;             /* of the last TYPE line; kept with convert_classic_... only */
    const struct family *family; /* of the last metadata line */
    bool family_changed;
    ts latest; /* samples after it are out of bounds */
};

/* ---- series ---- */

/* Whether the raw bytes of the event at hand are no part of a text. */
static bool is_own_raw(const struct attempt *attempt)
{
    return attempt->format == EXPOSITION_PROTOBUF || attempt->is_synthetic;
}

/* The labels that the target gave a series. */
static int labels_read(const struct attempt *attempt, const struct exposition_event *event,
                       struct labels *ret, struct baro_error *err)
{
    struct scrape_scratch *scratch = attempt->scratch;

    if (attempt->is_synthetic) {
        return exposition_raw_labels(event, &scratch->builder, &scratch->arena, ret, err);
    }
    if (attempt->format == EXPOSITION_PROTOBUF) {
        return exposition_protobuf_labels(&scratch->protobuf, &scratch->builder, &scratch->arena,
                                          ret, err);
    }
    return exposition_series_labels(&attempt->parser, event, &scratch->builder, &scratch->arena,
                                    ret, err);
}

/* What series_resolve returns beside negative codes, which fail the scrape. */
enum resolved {
    RESOLVED_SERIES,
    RESOLVED_DROPPED, /* by relabelling */
    RESOLVED_REFUSED, /* the store has no room for new ones: it is asked again by the next scrape */
};

/* Asks the store for a series by its labels, after honor_labels and relabelling. */
static int series_resolve(struct attempt *attempt, const struct exposition_event *event,
                          series_ref *ret, struct baro_error *err)
{
    struct scrape_scratch *scratch = attempt->scratch;
    struct scrape_series *series = attempt->series;
    struct labels labels = {0};
    int result = labels_read(attempt, event, &labels, err);

    if (result < 0) {
        return result;
    }
    if (series->type_and_unit_labels) {
        family_add_labels(attempt->family, labels, is_own_raw(attempt), &scratch->builder);
    }
    scrape_labels_join(&scratch->builder, &scratch->arena, series->labels,
                       series->settings->honor_labels);
    if (!relabel_apply(series->rules, &scratch->builder, &scratch->arena)) {
        return RESOLVED_DROPPED;
    }
    labels = labels_builder_finish(&scratch->builder);
    if (labels.count == 0) {
        return RESOLVED_DROPPED;
    }
    result = scrape_labels_check(labels, series->settings, &attempt->result->label_limit_hit, err);
    if (result < 0) {
        return result;
    }
    result = scratch->appender->ops->series(scratch->appender, labels, ret, err);
    if (result == BARO_ELIMIT) {
        if (attempt->result->series_refused++ == 0) {
            attempt->result->refused_err = *err;
        }
        return RESOLVED_REFUSED;
    }
    if (result >= 0 && series->append_metadata && attempt->family != NULL &&
        family_has(attempt->family, labels_get(labels, LABEL_METRIC_NAME))) {
        const struct metadata metadata = family_metadata(attempt->family);

        /* The scrape does not fail for its metadata. */
        (void)scratch->appender->ops->metadata(scratch->appender, *ret, &metadata, NULL);
    }
    return result < 0 ? result : RESOLVED_SERIES;
}

/* The family changed in this scrape: its known series get the new metadata. */
static void metadata_renew(struct attempt *attempt, str raw, series_ref ref)
{
    struct appender *appender = attempt->scratch->appender;
    const struct metadata metadata = family_metadata(attempt->family);
    size_t end = str_index_char(raw, '{');
    str name = str_trim(end == SIZE_MAX ? raw : str_slice(raw, 0, end));

    if (!attempt->series->append_metadata) {
        return;
    }
    /* What we make ourselves is always of the family. */
    if (is_own_raw(attempt) || family_has(attempt->family, name)) {
        (void)appender->ops->metadata(appender, ref, &metadata, NULL);
    }
}

static COLD void exemplar_take(struct attempt *attempt, const struct exposition_event *event,
                               series_ref ref, ts t)
{
    struct scrape_scratch *scratch = attempt->scratch;
    struct exemplar exemplar = {.value = event->exemplar_value,
                                .t = event->has_exemplar_timestamp ? event->exemplar_t : t};
    int result = exposition_exemplar_labels(&attempt->parser, event, &scratch->builder,
                                            &scratch->arena, &exemplar.labels, NULL);

    if (result >= 0) {
        result = scratch->appender->ops->exemplar(scratch->appender, ref, &exemplar, NULL);
        attempt->result->exemplars_out_of_order += result == BARO_EOUTOFORDER;
    }
}

/* The native histogram of a series, within the job's limits, and its exemplars. */
static COLD int histogram_take(struct attempt *attempt, const struct histogram *h, series_ref ref,
                               ts t, uint32_t id, struct baro_error *err)
{
    struct histogram_columns *columns = &attempt->scratch->histograms;
    struct histogram *kept = NULL;
    int result = scrape_histogram_admit(&columns->arena, h, attempt->series->settings, &kept, err);

    if (result == BARO_ELIMIT) {
        /* The scrape fails in the end: then it says how many samples there were. */
        attempt->result->bucket_limit_hit = true;
        return 0;
    }
    if (result >= 0) {
        histogram_columns_push(columns, ref, t, attempt->scratch->starts.now, kept, id);
    }
    return result;
}

/* Puts the sample of a series that is in the walk into the columns; h is NULL for a float. */
static inline int sample_take(struct attempt *attempt, const struct exposition_event *event,
                              const struct histogram *h, struct series_entry *entry, uint32_t id,
                              struct baro_error *err)
{
    const struct prom_scrape *settings = attempt->series->settings;
    const bool has_time = event->has_timestamp && settings->honor_timestamps;
    const bool is_tracked = !has_time || settings->track_timestamps_staleness;
    const ts t = has_time ? event->t : attempt->answer->t;

    const unsigned flags = (is_tracked ? (unsigned)SERIES_TRACKED : 0U) |
                           (h != NULL ? (unsigned)SERIES_HISTOGRAM : 0U);

    if (UNLIKELY((series_entry_flags(entry) &
                  ((unsigned)SERIES_TRACKED | (unsigned)SERIES_HISTOGRAM)) != flags)) {
        series_entry_set(entry, SERIES_TRACKED, is_tracked);
        series_entry_set(entry, SERIES_HISTOGRAM, h != NULL);
    }
    attempt->result->post_relabel++;
    if (UNLIKELY(t > attempt->latest)) {
        attempt->result->out_of_bounds++;
        return 0;
    }
    if (h != NULL) {
        return histogram_take(attempt, h, entry->ref, t, id, err);
    }
    scrape_columns_push(attempt->scratch, entry->ref, t, event->value, id);
    if (UNLIKELY(event->exemplar.ptr != NULL) && attempt->series->append_exemplars) {
        exemplar_take(attempt, event, entry->ref, t);
    }
    return 0;
}

/* A series of the walk, expected or found: dropped ones are only counted. */
static inline int known_take(struct attempt *attempt, const struct exposition_event *event,
                             const struct histogram *h, uint32_t id, struct baro_error *err)
{
    struct series_entry *entry = series_walk_entry(&attempt->scratch->walk, id);
    int result = 0;

    attempt->result->scraped++;
    if (UNLIKELY(attempt->family_changed) && attempt->series->type_and_unit_labels) {
        /* It may be called otherwise now, and relabelled otherwise. */
        series_entry_set(entry, SERIES_UNRESOLVED, true);
        series_entry_set(entry, SERIES_DROPPED, false);
    }
    if (UNLIKELY((series_entry_flags(entry) & (SERIES_DROPPED | SERIES_UNRESOLVED)) != 0)) {
        if ((series_entry_flags(entry) & SERIES_DROPPED) != 0) {
            return 0;
        }
        result = series_resolve(attempt, event, &entry->ref, err);
        if (result < 0 || result == RESOLVED_REFUSED) {
            return result < 0 ? result : 0;
        }
        series_entry_set(entry, SERIES_UNRESOLVED, false);
        if (result == RESOLVED_DROPPED) {
            series_entry_set(entry, SERIES_DROPPED, true);
            return 0;
        }
    }
    result = sample_take(attempt, event, h, entry, id, err);
    if (UNLIKELY(attempt->family_changed)) {
        metadata_renew(attempt, event->raw, entry->ref);
    }
    return result;
}

/* *ret_id stays SERIES_ID_NONE when the store has no room for the series. */
static int new_take(struct attempt *attempt, const struct exposition_event *event,
                    const struct histogram *h, uint32_t *ret_id, struct baro_error *err)
{
    struct scrape_scratch *scratch = attempt->scratch;
    series_ref ref = 0;
    int result = series_resolve(attempt, event, &ref, err);
    uint32_t id = 0;

    *ret_id = SERIES_ID_NONE;
    attempt->result->scraped++;
    if (result < 0) {
        return result;
    }
    if (result == RESOLVED_REFUSED) {
        arena_reset(&scratch->arena);
        return 0;
    }
    id = series_walk_add(&scratch->walk, event->raw, ref,
                         result == RESOLVED_DROPPED ? SERIES_DROPPED : 0);
    if (id == SERIES_ID_NONE) {
        return error_set(err, BARO_ELIMIT, "the names of the series are too long to be kept");
    }
    *ret_id = id;
    arena_reset(&scratch->arena);
    if (result == RESOLVED_DROPPED) {
        return 0;
    }
    attempt->result->added++;
    /* Behind this sample there may be all that the cache still expects, and as many stale marks. */
    scrape_columns_reserve(scratch,
                           scratch->count + 2 * (size_t)scratch->walk.cache->count + SAMPLES_SPARE);
    return sample_take(attempt, event, h, series_walk_entry(&scratch->walk, id), id, err);
}

/* ---- lines ---- */

static void family_note(struct attempt *attempt, const struct exposition_event *event, int kind)
{
    struct target_metadata *metadata = &attempt->series->metadata;
    struct arena *arena = &attempt->scratch->arena;
    const bool has_escapes = attempt->format != EXPOSITION_PROTOBUF;
    str name =
        has_escapes ? exposition_unescape(&attempt->parser, event->name, arena) : event->name;

    if (kind == EXPOSITION_TYPE) {
        attempt->family = target_metadata_type(metadata, name, event->type);
        if (attempt->converts) {
            attempt->family_name = arena_str(&attempt->scratch->histograms.arena, name);
        }
    } else if (kind == EXPOSITION_HELP) {
        attempt->family = target_metadata_help(
            metadata, name,
            has_escapes ? exposition_unescape(&attempt->parser, event->text, arena) : event->text);
    } else if (kind == EXPOSITION_UNIT) {
        attempt->family = target_metadata_unit(metadata, name, event->text);
    }
    attempt->family_changed =
        (attempt->series->append_metadata || attempt->series->type_and_unit_labels) &&
        attempt->family != NULL && attempt->family->changed_at == metadata->scrape;
}

/* A line that is not the expected series. */
static int line_take(struct attempt *attempt, const struct exposition_event *event, int kind,
                     struct baro_error *err)
{
    struct scrape_scratch *scratch = attempt->scratch;
    uint32_t id = 0;

    if (kind != EXPOSITION_SERIES) {
        family_note(attempt, event, kind);
        return 0;
    }
    id = series_walk_find(&scratch->walk, event->raw);
    scrape_columns_reserve(scratch,
                           scratch->count + 2 * (size_t)scratch->walk.cache->count + SAMPLES_SPARE);
    return id != SERIES_ID_NONE ? known_take(attempt, event, NULL, id, err)
                                : new_take(attempt, event, NULL, &id, err);
}

static int body_walk(struct attempt *attempt, struct baro_error *err)
{
    struct series_walk *walk = &attempt->scratch->walk;
    struct series_cache *cache = &attempt->series->cache;
    struct exposition_event event = {0};
    int kind = 0;

    for (;;) {
        if (LIKELY(walk->pos < cache->count)) {
            const struct series_entry *next = &cache->entries[walk->pos];
            str ahead = exposition_ahead(&attempt->parser, series_entry_len(next));

            kind = LIKELY(ahead.ptr != NULL && series_cache_is(cache, next, ahead))
                       ? exposition_accept(&attempt->parser, ahead, &event, err)
                       : 0;
            if (LIKELY(kind == EXPOSITION_SERIES)) {
                uint32_t id = walk->pos;

                series_walk_hit(walk);
                kind = known_take(attempt, &event, NULL, id, err);
                if (LIKELY(kind == 0)) {
                    continue;
                }
            }
            if (kind < 0) {
                return kind;
            }
        }
        kind = exposition_next(&attempt->parser, &event, err);
        if (kind <= EXPOSITION_END) {
            return kind;
        }
        kind = line_take(attempt, &event, kind, err);
        if (kind < 0) {
            return kind;
        }
    }
}

/* ---- events of any format ---- */

static int event_next(struct attempt *attempt, struct exposition_event *ret, struct baro_error *err)
{
    return attempt->format == EXPOSITION_PROTOBUF
               ? exposition_protobuf_next(&attempt->scratch->protobuf, ret, err)
               : exposition_next(&attempt->parser, ret, err);
}

static uint32_t event_find(struct attempt *attempt, str raw)
{
    struct series_walk *walk = &attempt->scratch->walk;
    const struct series_cache *cache = walk->cache;
    const uint32_t id = walk->pos;

    if (id < cache->count && series_cache_is(cache, &cache->entries[id], raw)) {
        series_walk_hit(walk);
        return id;
    }
    return series_walk_find(walk, raw);
}

/* The store wants them in the order of their times. */
static void exemplars_give(struct attempt *attempt, series_ref ref)
{
    struct scrape_scratch *scratch = attempt->scratch;

    for (size_t i = 1; i < scratch->exemplars.count; i++) {
        const struct exemplar exemplar = scratch->exemplars.items[i];
        size_t k = i;

        for (; k > 0 && scratch->exemplars.items[k - 1].t > exemplar.t; k--) {
            scratch->exemplars.items[k] = scratch->exemplars.items[k - 1];
        }
        scratch->exemplars.items[k] = exemplar;
    }
    for (size_t i = 0; i < scratch->exemplars.count; i++) {
        int result = scratch->appender->ops->exemplar(scratch->appender, ref,
                                                      &scratch->exemplars.items[i], NULL);

        attempt->result->exemplars_out_of_order += result == BARO_EOUTOFORDER;
    }
}

/* A series with its sample, which is h unless that is NULL, and the exemplars at hand. */
static int series_take(struct attempt *attempt, const struct exposition_event *event,
                       const struct histogram *h, struct baro_error *err)
{
    struct scrape_scratch *scratch = attempt->scratch;
    struct series_walk *walk = &scratch->walk;
    uint32_t id = event_find(attempt, event->raw);
    int result = 0;

    if (scratch->starts.keeps && attempt->format == EXPOSITION_PROTOBUF) {
        scratch->starts.now = attempt->is_synthetic ? scratch->nhcb.st : scratch->protobuf.st;
    }

    scrape_columns_reserve(scratch,
                           scratch->count + 2 * (size_t)walk->cache->count + SAMPLES_SPARE);
    if (id != SERIES_ID_NONE) {
        result = known_take(attempt, event, h, id, err);
    } else {
        result = new_take(attempt, event, h, &id, err);
    }
    if (result >= 0 && id != SERIES_ID_NONE && scratch->exemplars.count > 0) {
        const struct series_entry *entry = series_walk_entry(walk, id);

        if ((series_entry_flags(entry) & SERIES_DROPPED) == 0) {
            exemplars_give(attempt, entry->ref);
        }
    }
    scratch->starts.now = 0;
    vec_reset(&scratch->exemplars);
    arena_reset(&scratch->arena);
    return result;
}

/* The exemplars of a protobuf event wait for the series. */
static int exemplars_read(struct attempt *attempt, const struct exposition_event *event,
                          struct baro_error *err)
{
    struct scrape_scratch *scratch = attempt->scratch;
    const bool has_time = event->has_timestamp && attempt->series->settings->honor_timestamps;
    const ts t = has_time ? event->t : attempt->answer->t;
    struct exposition_exemplar read;
    int result = 0;

    while (attempt->series->append_exemplars &&
           (result = exposition_protobuf_exemplar(&scratch->protobuf, &scratch->builder, &read,
                                                  err)) > 0) {
        const struct exemplar exemplar = {
            .labels = labels_copy(&scratch->histograms.arena, read.labels),
            .value = read.value,
            .t = read.has_timestamp ? read.t : t,
        };

        vec_push(&scratch->exemplars, exemplar);
    }
    return result;
}

static int event_take(struct attempt *attempt, const struct exposition_event *event, int kind,
                      struct baro_error *err)
{
    struct scrape_scratch *scratch = attempt->scratch;
    struct labels labels = {0};
    int result = 0;

    if (kind != EXPOSITION_SERIES && kind != EXPOSITION_HISTOGRAM) {
        family_note(attempt, event, kind);
        return 0;
    }
    if (kind == EXPOSITION_HISTOGRAM && attempt->converts) {
        result = labels_read(attempt, event, &labels, err);
        if (result >= 0) {
            nhcb_note_native(&scratch->nhcb, labels);
        }
    }
    if (result >= 0 && attempt->format == EXPOSITION_PROTOBUF) {
        result = exemplars_read(attempt, event, err);
    }
    return result < 0
               ? result
               : series_take(attempt, event,
                             kind == EXPOSITION_HISTOGRAM ? scratch->protobuf.histogram : NULL,
                             err);
}

/* ---- classic histograms that become native ones ---- */

/* The histogram that was being collected is complete. */
static int nhcb_give(struct attempt *attempt, struct baro_error *err)
{
    struct scrape_scratch *scratch = attempt->scratch;
    struct nhcb *nhcb = &scratch->nhcb;
    const struct histogram *h = NULL;
    struct exposition_event event = {.type = METRIC_HISTOGRAM};
    int result = 0;

    if (!nhcb->is_collecting) {
        return 0;
    }
    h = nhcb_make(nhcb, &scratch->histograms.arena);
    if (h == NULL) {
        return 0;
    }
    event.raw = buf_view(&nhcb->key);
    event.t = nhcb->t;
    event.has_timestamp = nhcb->has_timestamp;
    for (size_t i = 0; i < nhcb->exemplars.count; i++) {
        vec_push(&scratch->exemplars, nhcb->exemplars.items[i]);
    }
    attempt->is_synthetic = true;
    result = series_take(attempt, &event, h, err);
    attempt->is_synthetic = false;
    return result;
}

/* A bucket's exemplar is one of the histogram; without a time it is none. */
static void nhcb_exemplar(struct attempt *attempt, const struct exposition_event *event)
{
    struct scrape_scratch *scratch = attempt->scratch;
    struct exposition_exemplar read = {0};
    struct exemplar exemplar = {0};
    int result = 0;

    if (!attempt->series->append_exemplars) {
        return;
    }
    if (attempt->format == EXPOSITION_PROTOBUF) {
        result = exposition_protobuf_exemplar(&scratch->protobuf, &scratch->builder, &read, NULL);
        exemplar = (struct exemplar){read.labels, read.value, read.t};
    } else if (event->exemplar.ptr != NULL) {
        result = exposition_exemplar_labels(&attempt->parser, event, &scratch->builder,
                                            &scratch->arena, &exemplar.labels, NULL);
        result = result < 0 ? result : 1;
        exemplar.value = event->exemplar_value;
        exemplar.t = event->exemplar_t;
        read.has_timestamp = event->has_exemplar_timestamp;
    }
    if (result > 0 && read.has_timestamp) {
        exemplar.labels = labels_copy(&scratch->histograms.arena, exemplar.labels);
        vec_push(&scratch->nhcb.exemplars, exemplar);
    }
}

/* Looks at a series before it is taken: returns 1 when it went into a histogram and stays out of
 * the store itself, else 0. */
static int nhcb_series(struct attempt *attempt, const struct exposition_event *event,
                       struct baro_error *err)
{
    struct nhcb *nhcb = &attempt->scratch->nhcb;
    struct labels labels = {0};
    enum nhcb_part part = NHCB_NONE;
    int result = 0;

    if (event->type == METRIC_HISTOGRAM && attempt->family_name.len > 0) {
        result = labels_read(attempt, event, &labels, err);
        part = result < 0 ? NHCB_NONE : nhcb_look(nhcb, labels, attempt->family_name);
    }
    if (result >= 0 && (part == NHCB_NONE || nhcb_is_next(nhcb))) {
        result = nhcb_give(attempt, err);
        if (result >= 0 && part != NHCB_NONE) {
            /* The memory of the labels served for the histogram. */
            result = labels_read(attempt, event, &labels, err);
        }
    }
    if (result < 0 || part == NHCB_NONE || nhcb_is_native(nhcb)) {
        return result;
    }
    nhcb_take(nhcb, part, labels, event);
    nhcb->st = attempt->format == EXPOSITION_PROTOBUF ? attempt->scratch->protobuf.st : 0;
    if (part == NHCB_BUCKET) {
        nhcb_exemplar(attempt, event);
    }
    arena_reset(&attempt->scratch->arena);
    return attempt->series->settings->always_scrape_classic_histograms != CONF_ON;
}

/* Start timestamps of OpenMetrics: series wait for the line that tells theirs. 1 for such a line,
 * which goes no further, else 0. */
static int starts_look(struct attempt *attempt, const struct exposition_event *event, int kind,
                       struct baro_error *err)
{
    struct scrape_scratch *scratch = attempt->scratch;
    struct labels labels = {0};
    int result = 0;

    if (!scratch->starts.keeps || attempt->format != EXPOSITION_OPENMETRICS) {
        return 0;
    }
    if (kind != EXPOSITION_SERIES) {
        scrape_starts_family(&scratch->starts);
        return 0;
    }
    result = labels_read(attempt, event, &labels, err);
    if (result >= 0 && scrape_starts_is_created(event, labels_get(labels, LABEL_METRIC_NAME))) {
        result = nhcb_give(attempt, err);
        result = result < 0 ? result : labels_read(attempt, event, &labels, err);
        scrape_starts_created(&scratch->starts, event, labels, scratch->count,
                              scratch->histograms.st, scratch->histograms.count);
        result = result < 0 ? result : 1;
    } else if (result >= 0) {
        scrape_starts_wait(&scratch->starts, event, labels, scratch->count,
                           scratch->histograms.count);
    }
    arena_reset(&scratch->arena);
    return result;
}

/* Walks a body whose events need more than the raw bytes of a line. */
static int events_walk(struct attempt *attempt, struct baro_error *err)
{
    struct exposition_event event = {0};
    int kind = 0;
    int result = 0;

    do {
        kind = event_next(attempt, &event, err);
        if (kind < 0) {
            return kind;
        }
        result = starts_look(attempt, &event, kind, err);
        if (result == 0 && attempt->converts) {
            result = kind == EXPOSITION_SERIES ? nhcb_series(attempt, &event, err)
                                               : nhcb_give(attempt, err);
        }
        if (result == 0 && kind != EXPOSITION_END) {
            result = event_take(attempt, &event, kind, err);
        }
    } while (result >= 0 && kind != EXPOSITION_END);
    return result < 0 ? result : 0;
}

/* ---- bodies ---- */

static int body_read(struct attempt *attempt, str body, enum exposition_format format,
                     struct baro_error *err)
{
    const struct prom_scrape *settings = attempt->series->settings;
    const struct exposition_protobuf_options options = {
        .takes_native = settings->scrape_native_histograms == CONF_ON,
        .keeps_classic = settings->always_scrape_classic_histograms == CONF_ON,
    };

    attempt->format = format;
    attempt->converts = settings->convert_classic_histograms_to_nhcb == CONF_ON;
    if (format == EXPOSITION_PROTOBUF) {
        exposition_protobuf_init(&attempt->scratch->protobuf, body, options);
        return events_walk(attempt, err);
    }
    exposition_init(&attempt->parser, body, format);
    return attempt->converts || (attempt->scratch->starts.keeps && format == EXPOSITION_OPENMETRICS)
               ? events_walk(attempt, err)
               : body_walk(attempt, err);
}

static int body_take(struct attempt *attempt, struct baro_error *err)
{
    const struct scrape_answer *answer = attempt->answer;
    const struct prom_scrape *settings = attempt->series->settings;
    struct scrape_result *result = attempt->result;
    enum exposition_format format = EXPOSITION_TEXT;
    int code = 0;

    /* An answer without content has no format to judge, as in Prometheus. */
    if (answer->body.len > 0) {
        code = exposition_format_from_content_type(
            answer->content_type, str_from(prom_protocol_name(settings->fallback_scrape_protocol)),
            &format, &result->warned);
    }
    if (code < 0) {
        *err = result->warned;
        return code;
    }
    result->warning = code;
    code = answer->body.len > 0 ? body_read(attempt, answer->body, format, err) : 0;
    if (code < 0) {
        return code;
    }
    if (settings->sample_limit > 0 && result->post_relabel > settings->sample_limit) {
        result->sample_limit_hit = true;
        return error_set(err, BARO_ELIMIT, "sample limit exceeded");
    }
    if (result->bucket_limit_hit) {
        return error_set(err, BARO_ELIMIT, "histogram bucket limit exceeded");
    }
    return 0;
}

/* ---- stale markers and health ---- */

static void stale_push(struct series_entry *entry, void *context)
{
    struct attempt *attempt = context;
    struct histogram_columns *histograms = &attempt->scratch->histograms;

    if ((series_entry_flags(entry) & (SERIES_TRACKED | SERIES_DROPPED)) != SERIES_TRACKED) {
        return;
    }
    if ((series_entry_flags(entry) & SERIES_HISTOGRAM) != 0) {
        histogram_columns_push(histograms, entry->ref, attempt->answer->t, 0,
                               histogram_new_stale(&histograms->arena), SERIES_ID_NONE);
    } else {
        scrape_columns_reserve(attempt->scratch, attempt->scratch->count + SAMPLES_SPARE);
        scrape_columns_push(attempt->scratch, entry->ref, attempt->answer->t, value_stale(),
                            SERIES_ID_NONE);
    }
}

/* ---- giving it to the store ---- */

static int columns_give(struct scrape_scratch *scratch, struct baro_error *err)
{
    const struct append_batch batch = {.refs = scratch->refs,
                                       .t = scratch->t,
                                       .v = scratch->v,
                                       .count = scratch->count,
                                       .status = scratch->status,
                                       .st = scratch->starts.keeps ? scratch->starts.floats : NULL};
    const struct append_histograms histograms = {
        .refs = scratch->histograms.refs,
        .t = scratch->histograms.t,
        .h = scratch->histograms.h,
        .st = scratch->starts.keeps ? scratch->histograms.st : NULL,
        .count = scratch->histograms.count,
        .status = scratch->histograms.status};
    const struct appender_ops *ops = scratch->appender->ops;
    const int refused = ops->samples(scratch->appender, &batch, err);
    int more = 0;

    if (refused < 0 || histograms.count == 0) {
        return refused;
    }
    if (ops->histograms == NULL) {
        return error_set(err, BARO_EUNSUPPORTED, "this store takes no native histograms");
    }
    more = ops->histograms(scratch->appender, &histograms, err);
    return more < 0 ? more : refused + more;
}

static void refused_count(struct attempt *attempt, uint32_t id, enum append_status status)
{
    struct scrape_result *result = attempt->result;

    if (id == SERIES_ID_NONE) {
        /* Stale markers and health series may well meet newer samples of a target that came back.
         */
        return;
    }
    switch (status) {
    case APPEND_OUT_OF_ORDER:
        result->out_of_order++;
        break;
    case APPEND_DUPLICATE:
        result->duplicates++;
        break;
    case APPEND_OUT_OF_BOUNDS:
    case APPEND_TOO_OLD:
    case APPEND_TOO_FAR:
        result->out_of_bounds++;
        break;
    case APPEND_OK:
    case APPEND_INVALID: /* of histograms only */
    case APPEND_UNKNOWN:
    case APPEND_STATUS_COUNT:
        break;
    }
}

/* Notes what the store said of one sample; true when it has forgotten the series. */
static bool status_note(struct attempt *attempt, uint32_t id, enum append_status status, double v)
{
    struct scrape_scratch *scratch = attempt->scratch;

    if (status == APPEND_UNKNOWN && id != SERIES_ID_NONE) {
        series_entry_set(series_walk_entry(&scratch->walk, id), SERIES_UNRESOLVED, true);
        return true;
    }
    if (status == APPEND_UNKNOWN) {
        memset(attempt->series->has_report, 0, sizeof(attempt->series->has_report));
        return !value_is_stale(v);
    }
    refused_count(attempt, id, status);
    return false;
}

/* Notes what the store refused; returns how many of its series it has forgotten. */
static size_t refused_note(struct attempt *attempt)
{
    const struct scrape_scratch *scratch = attempt->scratch;
    const struct histogram_columns *histograms = &scratch->histograms;
    size_t forgotten = 0;

    for (size_t i = 0; i < scratch->count; i++) {
        if (scratch->status[i] != APPEND_OK) {
            forgotten += status_note(attempt, scratch->ids[i],
                                     (enum append_status)scratch->status[i], scratch->v[i]);
        }
    }
    for (size_t i = 0; i < histograms->count; i++) {
        if (histograms->status[i] != APPEND_OK) {
            forgotten +=
                status_note(attempt, histograms->ids[i], (enum append_status)histograms->status[i],
                            histograms->h[i]->sum);
        }
    }
    return forgotten;
}

static void untrack(struct series_cache *cache)
{
    for (uint32_t i = 0; i < cache->count; i++) {
        series_entry_set(&cache->entries[i], SERIES_TRACKED, false);
    }
}

/* Everything that was there gets a stale marker, and stays in the cache: the body is empty, or
 * counts as empty. */
static void failure_push(struct attempt *attempt)
{
    struct series_cache *cache = &attempt->series->cache;

    attempt->scratch->count = 0;
    histogram_columns_reset(&attempt->scratch->histograms);
    attempt->scratch->appender->ops->rollback(attempt->scratch->appender);
    for (uint32_t i = 0; i < cache->count; i++) {
        stale_push(&cache->entries[i], attempt);
    }
}

/* Fills the columns with all that this scrape writes. */
static int columns_fill(struct attempt *attempt)
{
    struct scrape_scratch *scratch = attempt->scratch;
    const struct scrape_answer *answer = attempt->answer;
    struct scrape_result *result = attempt->result;

    scratch->count = 0;
    histogram_columns_reset(&scratch->histograms);
    nhcb_reset(&scratch->nhcb);
    scrape_starts_begin(&scratch->starts, attempt->series->keep_starts);
    vec_reset(&scratch->exemplars);
    scrape_columns_reserve(scratch, 2 * (size_t)attempt->series->cache.count + SAMPLES_SPARE);
    series_walk_begin(&scratch->walk, &attempt->series->cache);
    if (answer->fail != NULL) {
        result->err = *answer->fail;
        result->code = answer->fail->code;
    } else {
        result->code = body_take(attempt, &result->err);
    }
    if (result->code == 0 && answer->body.len > 0) {
        series_walk_each_gone(&scratch->walk, stale_push, attempt);
    } else {
        failure_push(attempt);
    }
    result->duration_seconds =
        (double)(clock_mono(answer->clock) - answer->started) / (double)MONO_PER_SECOND;
    return scrape_report_push(scratch, attempt->series, answer, result, false, &result->commit_err);
}

static void result_reset(struct scrape_result *result)
{
    result->scraped = 0;
    result->post_relabel = 0;
    result->added = 0;
    result->out_of_order = 0;
    result->duplicates = 0;
    result->out_of_bounds = 0;
    result->exemplars_out_of_order = 0;
    result->series_refused = 0;
    result->bucket_limit_hit = false;
    result->code = 0;
}

void scrape_append_run(struct scrape_scratch *scratch, struct scrape_series *series,
                       const struct scrape_answer *answer, struct scrape_result *ret)
{
    struct attempt attempt = {.scratch = scratch,
                              .series = series,
                              .answer = answer,
                              .result = ret,
                              .latest = clock_now(answer->clock) + AHEAD_MAX};
    struct appender *appender = scratch->appender;
    int result = 0;

    memset(ret, 0, sizeof(*ret));
    for (int i = 0; i < ATTEMPTS_MAX; i++) {
        result_reset(ret);
        attempt.family = NULL;
        attempt.family_changed = false;
        attempt.family_name = STR_NULL;
        result = columns_fill(&attempt);
        if (result >= 0) {
            result = columns_give(scratch, &ret->commit_err);
        }
        if (result <= 0 || refused_note(&attempt) == 0 || i + 1 == ATTEMPTS_MAX) {
            break;
        }
        appender->ops->rollback(appender);
    }
    if (result >= 0) {
        result = appender->ops->commit(appender, &ret->commit_err);
    } else {
        appender->ops->rollback(appender);
    }
    ret->commit_code = result < 0 ? result : 0;
    arena_reset(&scratch->arena);
    histogram_columns_reset(&scratch->histograms);
    if (ret->code == 0 && answer->body.len > 0) {
        series_walk_finish(&scratch->walk);
        series_cache_publish(&series->cache, &series->cache_bytes);
        target_metadata_finish(&series->metadata);
    } else {
        untrack(&series->cache);
    }
}

int scrape_append_end(struct scrape_scratch *scratch, struct scrape_series *series, ts t,
                      struct baro_error *err)
{
    const struct scrape_answer answer = {.t = t};
    struct attempt attempt = {.scratch = scratch, .series = series, .answer = &answer};
    struct appender *appender = scratch->appender;
    int result = 0;

    failure_push(&attempt);
    result = scrape_report_push(scratch, series, attempt.answer, attempt.result, true, err);
    if (result >= 0) {
        result = columns_give(scratch, err);
    }
    if (result < 0) {
        appender->ops->rollback(appender);
        return result;
    }
    untrack(&series->cache);
    return appender->ops->commit(appender, err);
}

void scrape_series_done(struct scrape_series *series)
{
    series_cache_done(&series->cache);
    series_cache_publish(&series->cache, &series->cache_bytes);
    target_metadata_done(&series->metadata);
}
