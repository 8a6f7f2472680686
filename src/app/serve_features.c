#include <stddef.h>

#include "app/serve_features.h"
#include "app/serve_priv.h"
#include "base/log.h"

enum feature_state { FEATURE_RUN, FEATURE_PENDING, FEATURE_NOOP };

#define AT(field) offsetof(struct serve_features, field)

/* Keep sorted. Names: Prometheus 3.14's feature flags. What PENDING names is refused, NOOP has no
 * meaning here. */
static const struct {
    const char *name;
    enum feature_state state;
    size_t offset;
} rows[] = {
    {"agent", FEATURE_PENDING, 0},
    {"auto-gomaxprocs", FEATURE_NOOP, 0},
    {"auto-gomemlimit", FEATURE_NOOP, 0},
    {"auto-reload-config", FEATURE_RUN, AT(auto_reload)},
    {"concurrent-rule-eval", FEATURE_NOOP, 0},
    {"created-timestamp-zero-ingestion", FEATURE_PENDING, 0},
    {"delayed-compaction", FEATURE_NOOP, 0},
    {"event-recorder", FEATURE_PENDING, 0}, /* Alertmanager's */
    {"exemplar-storage", FEATURE_RUN, AT(exemplar_storage)},
    {"expand-external-labels", FEATURE_NOOP, 0},
    {"extra-scrape-metrics", FEATURE_RUN, AT(extra_scrape_metrics)},
    {"fast-startup", FEATURE_NOOP, 0},
    {"histograms-st-encoding", FEATURE_RUN, AT(newer_histograms)},
    {"memory-snapshot-on-shutdown", FEATURE_NOOP, 0},
    {"metadata-wal-records", FEATURE_RUN, AT(metadata_wal_records)},
    {"native-histograms", FEATURE_NOOP, 0},
    {"new-service-discovery-manager", FEATURE_NOOP, 0},
    {"no-default-scrape-port", FEATURE_NOOP, 0},
    {"old-ui", FEATURE_NOOP, 0},
    {"ooo-native-histograms", FEATURE_NOOP, 0},
    {"otlp-deltatocumulative", FEATURE_PENDING, 0},
    {"otlp-native-delta-ingestion", FEATURE_RUN, AT(otlp_deltas)},
    {"otlp-write-receiver", FEATURE_RUN, AT(otlp_receiver)},
    {"promql-at-modifier", FEATURE_NOOP, 0},
    {"promql-binop-fill-modifiers", FEATURE_RUN, AT(promql.binop_fill)},
    {"promql-delayed-name-removal", FEATURE_RUN, AT(promql.delayed_name_removal)},
    {"promql-duration-expr", FEATURE_NOOP, 0},
    {"promql-experimental-functions", FEATURE_RUN, AT(promql.experimental_functions)},
    {"promql-extended-range-selectors", FEATURE_RUN, AT(promql.extended_range)},
    {"promql-negative-offset", FEATURE_NOOP, 0},
    {"promql-per-step-stats", FEATURE_RUN, AT(per_step_stats)},
    {"remote-write-receiver", FEATURE_RUN, AT(write_receiver)},
    {"search-api", FEATURE_RUN, AT(search_api)},
    {"st-storage", FEATURE_RUN, AT(st_storage)},
    {"type-and-unit-labels", FEATURE_RUN, AT(promql.type_and_unit_labels)},
    {"use-start-timestamps", FEATURE_RUN, AT(promql.start_timestamps)},
    {"use-uncached-io", FEATURE_NOOP, 0},
    {"xor2-encoding", FEATURE_RUN, AT(newer_floats)},
    {"zstd-scrape", FEATURE_NOOP, 0}, /* targets are asked for gzip */
};

static int parse_one(struct serve_features *features, str name, struct baro_error *err)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (!str_is(name, rows[i].name)) {
            continue;
        }
        if (rows[i].state == FEATURE_PENDING) {
            return error_set(err, BARO_EUNSUPPORTED,
                             "--enable-feature: '%s' is not supported yet: leave it out",
                             rows[i].name);
        }
        if (rows[i].state == FEATURE_RUN) {
            *(bool *)((char *)features + rows[i].offset) = true;
        }
        return 0;
    }
    log_warn("unknown name in --enable-feature", log_str("option", name));
    return 0;
}

void serve_features_init(struct serve_features *features)
{
    *features = (struct serve_features){.promql = {.duration_expressions = true}};
}

int serve_features_add(struct serve_features *features, str names, struct baro_error *err)
{
    for (str name; str_split_next(&names, ',', &name);) {
        int r = name.len > 0 ? parse_one(features, name, err) : 0;

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int serve_features_parse(struct serve *serve, struct baro_error *err)
{
    serve_features_init(&serve->features);
    for (size_t i = 0; i < serve->flags.list_count; i++) {
        int r = serve->flags.list_row[i] == SERVE_FLAG_ENABLE_FEATURE
                    ? serve_features_add(&serve->features, serve->flags.list[i], err)
                    : 0;

        if (r < 0) {
            return r;
        }
    }
    return 0;
}
