#include "base/mem.h"
#include "conf/prom_config.h"
#include "scrape/scrape_append_priv.h"

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
    histogram_columns_done(&scratch->histograms);
    vec_done(&scratch->exemplars);
    exposition_protobuf_done(&scratch->protobuf);
    nhcb_done(&scratch->nhcb);
    scrape_starts_done(&scratch->starts);
    *scratch = (struct scrape_scratch){0};
}

void scrape_columns_reserve(struct scrape_scratch *scratch, size_t wanted)
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

/* ---- health series ---- */

static int report_ref(struct scrape_scratch *scratch, struct scrape_series *series,
                      enum scrape_report which, struct baro_error *err)
{
    struct appender *appender = scratch->appender;
    struct labels_builder *builder = &scratch->builder;
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

static void report_values(const struct scrape_series *series, const struct scrape_answer *answer,
                          const struct scrape_result *result, double ret[SCRAPE_REPORT_COUNT])
{
    ret[SCRAPE_REPORT_UP] = result->code == 0 ? 1 : 0;
    ret[SCRAPE_REPORT_DURATION] = result->duration_seconds;
    ret[SCRAPE_REPORT_SCRAPED] = (double)result->scraped;
    ret[SCRAPE_REPORT_POST_RELABEL] = (double)result->post_relabel;
    ret[SCRAPE_REPORT_ADDED] = (double)result->added;
    ret[SCRAPE_REPORT_TIMEOUT] = (double)series->timeout / DUR_SECOND;
    ret[SCRAPE_REPORT_SAMPLE_LIMIT] = (double)series->settings->sample_limit;
    ret[SCRAPE_REPORT_BODY_SIZE] = answer->body_was_too_long ? -1
                                   : answer->fail != NULL    ? 0
                                                             : (double)answer->body.len;
}

int scrape_report_push(struct scrape_scratch *scratch, struct scrape_series *series,
                       const struct scrape_answer *answer, const struct scrape_result *result,
                       bool is_stale, struct baro_error *err)
{
    const int count = series->extra_metrics ? SCRAPE_REPORT_COUNT : SCRAPE_REPORT_BASIC_COUNT;
    double values[SCRAPE_REPORT_COUNT] = {0};

    if (!is_stale) {
        report_values(series, answer, result, values);
    }
    scrape_columns_reserve(scratch, scratch->count + SCRAPE_REPORT_COUNT);
    for (int i = 0; i < count; i++) {
        int code = report_ref(scratch, series, (enum scrape_report)i, err);

        if (code == BARO_ELIMIT) {
            continue; /* a new target, and no room for its series */
        }
        if (code < 0) {
            return code;
        }
        scrape_columns_push(scratch, series->report[i], answer->t,
                            is_stale ? value_stale() : values[i], SERIES_ID_NONE);
    }
    return 0;
}
