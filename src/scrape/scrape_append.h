/*
 * scrape_append: takes what one target answered into the store: body, the health series (up,
 * scrape_duration_seconds ...) and stale markers, as one transaction. Series that the target
 * exposed before are known by their raw bytes (series_cache); others are parsed, relabelled and
 * asked of the appender. No clock but for the duration, no network: the body is given.
 *
 * A failed scrape is an empty one with stale markers for everything that was there, and up = 0.
 * Source of the semantics: Prometheus 3, scrape/scrape.go.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/dur.h"
#include "base/error.h"
#include "model/labels.h"
#include "model/labels_builder.h"
#include "model/exposition_protobuf.h"
#include "scrape/scrape_histograms.h"
#include "scrape/scrape_starts.h"
#include "scrape/series_cache.h"
#include "scrape/target_metadata.h"
#include "storage/appender.h"

struct clock;
struct prom_scrape;
struct relabel_rules;

enum scrape_report {
    SCRAPE_REPORT_UP,
    SCRAPE_REPORT_DURATION,
    SCRAPE_REPORT_SCRAPED,
    SCRAPE_REPORT_POST_RELABEL,
    SCRAPE_REPORT_ADDED,
    SCRAPE_REPORT_TIMEOUT,
    SCRAPE_REPORT_SAMPLE_LIMIT,
    SCRAPE_REPORT_BODY_SIZE,
    SCRAPE_REPORT_COUNT,
    SCRAPE_REPORT_BASIC_COUNT = SCRAPE_REPORT_TIMEOUT,
};

/* What is kept of a target between scrapes, and what its samples are made with. */
struct scrape_series {
    struct labels labels; /* of the target, for each series; no name starts with "__" */
    const struct prom_scrape *settings;
    const struct relabel_rules *rules; /* metric_relabel_configs; NULL = none */
    bool extra_metrics;
    bool append_metadata;
    bool type_and_unit_labels;
    bool append_exemplars;
    bool keep_starts; /* start timestamps go to the store */
    dur timeout;
    struct series_cache cache;
    size_t cache_bytes; /* as the gauge has it */
    struct target_metadata metadata;
    bool has_report[SCRAPE_REPORT_COUNT];
    series_ref report[SCRAPE_REPORT_COUNT];
};

/* One thread's reusable memory, and its appender (borrowed). */
struct scrape_scratch {
    struct appender *appender;
    struct series_walk walk;
    struct labels_builder builder;
    struct arena arena;
    series_ref *refs;
    ts *t;
    double *v;
    uint8_t *status;
    uint32_t *ids; /* of the entry a sample belongs to; SERIES_ID_NONE = none */
    size_t count;
    size_t capacity;
    struct histogram_columns histograms;
    VEC(struct exemplar) exemplars; /* of the sample at hand; in the histograms' arena */
    struct exposition_protobuf protobuf;
    struct nhcb nhcb;
    struct scrape_starts starts;
};

void scrape_scratch_done(struct scrape_scratch *scratch);

struct scrape_answer {
    str body;
    str content_type;
    ts t;                          /* of samples without a timestamp */
    const struct baro_error *fail; /* the scrape failed with this; NULL = there is a body */
    bool body_was_too_long;
    struct clock *clock;
    mono started;
};

/* What became of it, for the target's state and for the counters. */
struct scrape_result {
    int code;                /* 0, or the negative code of err: the target is down */
    struct baro_error err;   /* of the scrape or of the append */
    uint64_t series_refused; /* new ones that the store has no room for; the others are stored */
    struct baro_error refused_err; /* why, when there are any */
    int warning;                   /* 1 when the fallback protocol was used; `warned` says why */
    struct baro_error warned;
    int commit_code; /* 0, or negative: nothing was stored, commit_err says why */
    struct baro_error commit_err;
    double duration_seconds;
    uint64_t scraped;
    uint64_t post_relabel;
    uint64_t added;
    uint64_t out_of_order;
    uint64_t duplicates;
    uint64_t out_of_bounds;
    uint64_t exemplars_out_of_order;
    bool sample_limit_hit;
    bool label_limit_hit;
    bool bucket_limit_hit;
};

/* scrape_append_run appends and commits; ret says what happened, always filled. */
void scrape_append_run(struct scrape_scratch *scratch, struct scrape_series *series,
                       const struct scrape_answer *answer, struct scrape_result *ret);

/* scrape_append_end writes stale markers at `t` for everything that the target had, its health
 * series included: the target is gone. */
int scrape_append_end(struct scrape_scratch *scratch, struct scrape_series *series, ts t,
                      struct baro_error *err);

/* scrape_series_done frees cache and metadata. */
void scrape_series_done(struct scrape_series *series);
