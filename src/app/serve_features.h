/* serve_features: what --enable-feature switches on, for `serve` and for the commands that parse
 * expressions. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "promql/parser.h"

/* Switches of --enable-feature. */
struct serve_features {
    struct promql_features promql;
    bool auto_reload; /* the old name of --config.auto-reload */
    bool exemplar_storage;
    bool extra_scrape_metrics;
    bool metadata_wal_records;
    bool otlp_deltas;
    bool otlp_receiver; /* the old names of the flags of the receivers */
    bool write_receiver;
    bool per_step_stats;
    bool search_api;
    bool st_storage;
    bool newer_floats;     /* xor2-encoding: unless the file says which */
    bool newer_histograms; /* histograms-st-encoding */
};

/* serve_features_init sets what is on without a flag: Prometheus 3.14 has taken duration
 * expressions out of the experimental ones, and keeps the flag's name without a meaning. */
void serve_features_init(struct serve_features *features);

/* serve_features_add reads a comma-separated list of names. Unknown names are warned about, as
 * Prometheus does. Fails with BARO_EUNSUPPORTED on what is known but not run. */
int serve_features_add(struct serve_features *features, str names, struct baro_error *err);
