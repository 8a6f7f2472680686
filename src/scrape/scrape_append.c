#include "scrape/scrape_append.h"

#include "base/assert.h"
#include "base/mem.h"
#include "conf/prom_config.h"
#include "model/exposition.h"
#include "model/relabel.h"
#include "scrape/scrape_labels.h"
#include "sys/clock.h"

enum {
    SAMPLES_SPARE = 64,          /* room for health series and a few new ones */
    AHEAD_MAX = 10 * DUR_MINUTE, /* samples later than this are out of bounds */
    ATTEMPTS_MAX = 2,            /* the second one resolves forgotten series */
};

static const char *const report_names[SCRAPE_REPORT_COUNT] = {
    [SCRAPE_REPORT_UP] = "up",
    [SCRAPE_REPORT_DURATION] = "scrape_duration_seconds",
    [SCRAPE_REPORT_SCRAPED] = "scrape_samples_scraped",
    [SCRAPE_REPORT_POST_RELABEL] = "scrape_samples_post_metric_relabeling",
    [SCRAPE_REPORT_ADDED] = "scrape_series_added",
    [SCRAPE_REPORT_TIMEOUT] = "scrape_timeout_seconds",
    [SCRAPE_REPORT_SAMPLE_LIMIT] = "scrape_sample_limit",
    [SCRAPE_REPORT_BODY_SIZE] = "scrape_body_size_bytes",
};

/* One attempt to take a body. */
struct attempt {
    struct scrape_scratch *scratch;
    struct scrape_series *series;
    const struct scrape_answer *answer;
    struct scrape_result *result;
    struct exposition parser;
    const struct family *family; /* of the last metadata line */
    bool family_changed;
    ts latest; /* samples after it are out of bounds */
};

/* ---- columns ---- */

void scrape_scratch_done(struct scrape_scratch *scratch)
{
    series_walk_done(&scratch->walk);
    labels_builder_done(&scratch->builder);
    arena_done(&scratch->arena);
    (void)mem_free(scratch->refs);
    (void)mem_free(scratch->t);
    (void)mem_free(scratch->v);
    (void)mem_free(scratch->status);
    (void)mem_free(scratch->ids);
    *scratch = (struct scrape_scratch){0};
}

static void columns_reserve(struct scrape_scratch *scratch, size_t wanted)
{
    size_t capacity = scratch->capacity + scratch->capacity / 2;

    if (LIKELY(wanted <= scratch->capacity)) {
        return;
    }
    capacity = capacity > wanted ? capacity : wanted;
    scratch->refs = mem_realloc(scratch->refs, capacity * sizeof(*scratch->refs));
    scratch->t = mem_realloc(scratch->t, capacity * sizeof(*scratch->t));
    scratch->v = mem_realloc(scratch->v, capacity * sizeof(*scratch->v));
    scratch->status = mem_realloc(scratch->status, capacity * sizeof(*scratch->status));
    scratch->ids = mem_realloc(scratch->ids, capacity * sizeof(*scratch->ids));
    scratch->capacity = capacity;
}

/* There must be room: columns_reserve came before. */
static inline void columns_push(struct scrape_scratch *scratch, series_ref ref, ts t, double v,
                                uint32_t id)
{
    const size_t i = scratch->count++;

    scratch->refs[i] = ref;
    scratch->t[i] = t;
    scratch->v[i] = v;
    scratch->ids[i] = id;
}

/* ---- series ---- */

/* Asks the store for a series by its labels, after honor_labels and relabelling. Returns 1 when it
 * was dropped, 0 with its ref, or a negative code that fails the scrape. */
static int series_resolve(struct attempt *attempt, const struct exposition_event *event,
                          series_ref *ret, struct baro_error *err)
{
    struct scrape_scratch *scratch = attempt->scratch;
    struct scrape_series *series = attempt->series;
    struct labels labels = {0};
    int result = exposition_series_labels(&attempt->parser, event, &scratch->builder,
                                          &scratch->arena, &labels, err);

    if (result < 0) {
        return result;
    }
    scrape_labels_join(&scratch->builder, &scratch->arena, series->labels,
                       series->settings->honor_labels);
    if (!relabel_apply(series->rules, &scratch->builder, &scratch->arena)) {
        return 1;
    }
    labels = labels_builder_finish(&scratch->builder);
    if (labels.count == 0) {
        return 1;
    }
    result = scrape_labels_check(labels, series->settings, &attempt->result->label_limit_hit, err);
    if (result < 0) {
        return result;
    }
    result = scratch->appender->ops->series(scratch->appender, labels, ret, err);
    if (result >= 0 && series->append_metadata && attempt->family != NULL &&
        family_has(attempt->family, labels_get(labels, LABEL_METRIC_NAME))) {
        const struct metadata metadata = family_metadata(attempt->family);

        /* The scrape does not fail for its metadata. */
        (void)scratch->appender->ops->metadata(scratch->appender, *ret, &metadata, NULL);
    }
    return result < 0 ? result : 0;
}

/* The family changed in this scrape: its known series get the new metadata. */
static void metadata_renew(struct attempt *attempt, str raw, series_ref ref)
{
    struct appender *appender = attempt->scratch->appender;
    const struct metadata metadata = family_metadata(attempt->family);
    size_t end = str_index_char(raw, '{');
    str name = str_trim(end == SIZE_MAX ? raw : str_slice(raw, 0, end));

    if (family_has(attempt->family, name)) {
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

/* Puts the sample of a series that is in the walk into the columns. */
static inline void sample_take(struct attempt *attempt, const struct exposition_event *event,
                               struct series_entry *entry, uint32_t id)
{
    const struct prom_scrape *settings = attempt->series->settings;
    const bool has_time = event->has_timestamp && settings->honor_timestamps;
    const bool is_tracked = !has_time || settings->track_timestamps_staleness;
    const ts t = has_time ? event->t : attempt->answer->t;

    if (UNLIKELY(((series_entry_flags(entry) & SERIES_TRACKED) != 0) != is_tracked)) {
        series_entry_set(entry, SERIES_TRACKED, is_tracked);
    }
    attempt->result->post_relabel++;
    if (UNLIKELY(t > attempt->latest)) {
        attempt->result->out_of_bounds++;
        return;
    }
    columns_push(attempt->scratch, entry->ref, t, event->value, id);
    if (UNLIKELY(event->exemplar.ptr != NULL) && attempt->series->append_exemplars) {
        exemplar_take(attempt, event, entry->ref, t);
    }
}

/* A series of the walk, expected or found: dropped ones are only counted. */
static inline int known_take(struct attempt *attempt, const struct exposition_event *event,
                             uint32_t id, struct baro_error *err)
{
    struct series_entry *entry = series_walk_entry(&attempt->scratch->walk, id);

    attempt->result->scraped++;
    if (UNLIKELY((series_entry_flags(entry) & (SERIES_DROPPED | SERIES_UNRESOLVED)) != 0)) {
        int result = 0;

        if ((series_entry_flags(entry) & SERIES_DROPPED) != 0) {
            return 0;
        }
        result = series_resolve(attempt, event, &entry->ref, err);
        if (result < 0) {
            return result;
        }
        series_entry_set(entry, SERIES_UNRESOLVED, false);
    }
    sample_take(attempt, event, entry, id);
    if (UNLIKELY(attempt->family_changed)) {
        metadata_renew(attempt, event->raw, entry->ref);
    }
    return 0;
}

static int new_take(struct attempt *attempt, const struct exposition_event *event,
                    struct baro_error *err)
{
    struct scrape_scratch *scratch = attempt->scratch;
    series_ref ref = 0;
    int result = series_resolve(attempt, event, &ref, err);
    uint32_t id = 0;

    attempt->result->scraped++;
    if (result < 0) {
        return result;
    }
    id = series_walk_add(&scratch->walk, event->raw, ref, result == 1 ? SERIES_DROPPED : 0);
    if (id == SERIES_ID_NONE) {
        return error_set(err, BARO_ELIMIT, "the names of the series are too long to be kept");
    }
    arena_reset(&scratch->arena);
    if (result == 1) {
        return 0;
    }
    attempt->result->added++;
    /* Behind this sample there may be all that the cache still expects, and as many stale marks. */
    columns_reserve(scratch,
                    scratch->count + 2 * (size_t)scratch->walk.cache->count + SAMPLES_SPARE);
    sample_take(attempt, event, series_walk_entry(&scratch->walk, id), id);
    return 0;
}

/* ---- lines ---- */

static void family_note(struct attempt *attempt, const struct exposition_event *event, int kind)
{
    struct target_metadata *metadata = &attempt->series->metadata;
    struct arena *arena = &attempt->scratch->arena;
    str name = exposition_unescape(&attempt->parser, event->name, arena);

    if (kind == EXPOSITION_TYPE) {
        attempt->family = target_metadata_type(metadata, name, event->type);
    } else if (kind == EXPOSITION_HELP) {
        attempt->family = target_metadata_help(
            metadata, name, exposition_unescape(&attempt->parser, event->text, arena));
    } else if (kind == EXPOSITION_UNIT) {
        attempt->family = target_metadata_unit(metadata, name, event->text);
    }
    attempt->family_changed = attempt->series->append_metadata && attempt->family != NULL &&
                              attempt->family->changed_at == metadata->scrape;
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
    columns_reserve(scratch,
                    scratch->count + 2 * (size_t)scratch->walk.cache->count + SAMPLES_SPARE);
    return id != SERIES_ID_NONE ? known_take(attempt, event, id, err)
                                : new_take(attempt, event, err);
}

static int body_walk(struct attempt *attempt, struct baro_error *err)
{
    struct series_walk *walk = &attempt->scratch->walk;
    struct series_cache *cache = &attempt->series->cache;
    struct exposition_event event = {0};
    int kind = 0;

    for (;;) {
        if (LIKELY(walk->pos < cache->count)) {
            kind = exposition_expect(
                &attempt->parser, series_cache_raw(cache, &cache->entries[walk->pos]), &event, err);
            if (LIKELY(kind == EXPOSITION_SERIES)) {
                uint32_t id = walk->pos;

                series_walk_hit(walk);
                kind = known_take(attempt, &event, id, err);
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
    exposition_init(&attempt->parser, answer->body, format);
    code = answer->body.len > 0 ? body_walk(attempt, err) : 0;
    if (code < 0) {
        return code;
    }
    if (settings->sample_limit > 0 && result->post_relabel > settings->sample_limit) {
        result->sample_limit_hit = true;
        return error_set(err, BARO_ELIMIT, "sample limit exceeded");
    }
    return 0;
}

/* ---- stale markers and health ---- */

static void stale_push(struct series_entry *entry, void *context)
{
    struct attempt *attempt = context;

    if ((series_entry_flags(entry) & (SERIES_TRACKED | SERIES_DROPPED)) == SERIES_TRACKED) {
        columns_reserve(attempt->scratch, attempt->scratch->count + SAMPLES_SPARE);
        columns_push(attempt->scratch, entry->ref, attempt->answer->t, value_stale(),
                     SERIES_ID_NONE);
    }
}

static int report_ref(struct attempt *attempt, enum scrape_report which, struct baro_error *err)
{
    struct scrape_series *series = attempt->series;
    struct appender *appender = attempt->scratch->appender;
    struct labels_builder *builder = &attempt->scratch->builder;
    int result = 0;

    if (!series->has_report[which]) {
        labels_builder_load(builder, series->labels);
        labels_builder_set(builder, LABEL_METRIC_NAME, str_from(report_names[which]));
        result = appender->ops->series(appender, labels_builder_finish(builder),
                                       &series->report[which], err);
        series->has_report[which] = result >= 0;
    }
    return result < 0 ? result : 0;
}

static void report_values(const struct attempt *attempt, double ret[SCRAPE_REPORT_COUNT])
{
    const struct scrape_result *result = attempt->result;
    const struct scrape_answer *answer = attempt->answer;

    ret[SCRAPE_REPORT_UP] = result->code == 0 ? 1 : 0;
    ret[SCRAPE_REPORT_DURATION] = result->duration_seconds;
    ret[SCRAPE_REPORT_SCRAPED] = (double)result->scraped;
    ret[SCRAPE_REPORT_POST_RELABEL] = (double)result->post_relabel;
    ret[SCRAPE_REPORT_ADDED] = (double)result->added;
    ret[SCRAPE_REPORT_TIMEOUT] = (double)attempt->series->timeout / DUR_SECOND;
    ret[SCRAPE_REPORT_SAMPLE_LIMIT] = (double)attempt->series->settings->sample_limit;
    ret[SCRAPE_REPORT_BODY_SIZE] = answer->body_was_too_long ? -1
                                   : answer->fail != NULL    ? 0
                                                             : (double)answer->body.len;
}

static int report_push(struct attempt *attempt, bool is_stale, struct baro_error *err)
{
    struct scrape_series *series = attempt->series;
    const int count = series->extra_metrics ? SCRAPE_REPORT_COUNT : SCRAPE_REPORT_BASIC_COUNT;
    double values[SCRAPE_REPORT_COUNT] = {0};

    if (!is_stale) {
        report_values(attempt, values);
    }
    columns_reserve(attempt->scratch, attempt->scratch->count + SCRAPE_REPORT_COUNT);
    for (int i = 0; i < count; i++) {
        int result = report_ref(attempt, (enum scrape_report)i, err);

        if (result < 0) {
            return result;
        }
        columns_push(attempt->scratch, series->report[i], attempt->answer->t,
                     is_stale ? value_stale() : values[i], SERIES_ID_NONE);
    }
    return 0;
}

/* ---- giving it to the store ---- */

static int columns_give(struct scrape_scratch *scratch, struct baro_error *err)
{
    const struct append_batch batch = {.refs = scratch->refs,
                                       .t = scratch->t,
                                       .v = scratch->v,
                                       .count = scratch->count,
                                       .status = scratch->status};

    return scratch->appender->ops->samples(scratch->appender, &batch, err);
}

static void refused_count(struct attempt *attempt, size_t i)
{
    struct scrape_result *result = attempt->result;

    if (attempt->scratch->ids[i] == SERIES_ID_NONE) {
        /* Stale markers and health series may well meet newer samples of a target that came back.
         */
        return;
    }
    switch ((enum append_status)attempt->scratch->status[i]) {
    case APPEND_OUT_OF_ORDER:
        result->out_of_order++;
        break;
    case APPEND_DUPLICATE:
        result->duplicates++;
        break;
    case APPEND_OUT_OF_BOUNDS:
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

/* Notes what the store refused; returns how many of its series it has forgotten. */
static size_t refused_note(struct attempt *attempt)
{
    struct scrape_scratch *scratch = attempt->scratch;
    size_t forgotten = 0;

    for (size_t i = 0; i < scratch->count; i++) {
        if (scratch->status[i] == APPEND_OK) {
            continue;
        }
        if (scratch->status[i] == APPEND_UNKNOWN && scratch->ids[i] != SERIES_ID_NONE) {
            series_entry_set(series_walk_entry(&scratch->walk, scratch->ids[i]), SERIES_UNRESOLVED,
                             true);
            forgotten++;
        } else if (scratch->status[i] == APPEND_UNKNOWN) {
            memset(attempt->series->has_report, 0, sizeof(attempt->series->has_report));
            forgotten += !value_is_stale(scratch->v[i]);
        }
        refused_count(attempt, i);
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
    columns_reserve(scratch, 2 * (size_t)attempt->series->cache.count + SAMPLES_SPARE);
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
    return report_push(attempt, false, &result->commit_err);
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
    if (ret->code == 0 && answer->body.len > 0) {
        series_walk_finish(&scratch->walk);
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
    result = report_push(&attempt, true, err);
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
    target_metadata_done(&series->metadata);
}
