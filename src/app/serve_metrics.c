/* serve_metrics: metrics whose figures other parts have, under Prometheus's names: its own
 * dashboards and alerts ask for them. */
#include "app/serve_metrics.h"

#include "base/num.h"
#include "client/self.h"
#include "client/self_recent.h"
#include "sys/clock.h"

/* ---- rule groups ---- */

/* Prometheus's label of a group: FILE;NAME. */
static void group_line(struct buf *buf, const char *family, const struct rule_group_view *group,
                       double value)
{
    struct buf key = {0};

    buf_printf(&key, "%.*s;%.*s", STR_ARG(group->file), STR_ARG(group->name));
    buf_printf(buf, "%s{rule_group=", family);
    buf_label_value(buf, buf_view(&key));
    buf_c(buf, "} ");
    buf_double(buf, value, NUM_G);
    buf_char(buf, '\n');
    buf_done(&key);
}

static double group_interval(const struct rule_group_view *group)
{
    return (double)group->interval / DUR_SECOND;
}

static double group_duration(const struct rule_group_view *group)
{
    return group->evaluation_seconds;
}

static double group_samples(const struct rule_group_view *group)
{
    return (double)group->samples;
}

static double group_time(const struct rule_group_view *group)
{
    return group->evaluations > 0 ? (double)group->evaluated_at / DUR_SECOND : 0;
}

static double group_rules(const struct rule_group_view *group)
{
    return (double)group->count;
}

static double group_iterations(const struct rule_group_view *group)
{
    return (double)group->evaluations;
}

/* All rules of a group are evaluated each time. */
static double group_evaluations(const struct rule_group_view *group)
{
    return (double)group->evaluations * (double)group->count;
}

static double group_failures(const struct rule_group_view *group)
{
    return (double)group->failures;
}

static double group_missed(const struct rule_group_view *group)
{
    return (double)group->missed;
}

static void write_groups(struct serve *serve, struct buf *buf)
{
    static const struct {
        const char *family;
        const char *type;
        const char *help;
        double (*value)(const struct rule_group_view *group);
    } rows[] = {
        {"prometheus_rule_evaluation_failures_total", "counter", "Rules whose evaluation failed.",
         group_failures},
        {"prometheus_rule_evaluations_total", "counter", "Rules that were evaluated.",
         group_evaluations},
        {"prometheus_rule_group_interval_seconds", "gauge", "Interval of the group.",
         group_interval},
        {"prometheus_rule_group_iterations_missed_total", "counter",
         "Evaluations of rule groups left out, since the one before took too long.", group_missed},
        {"prometheus_rule_group_iterations_total", "counter", "Evaluations of rule groups.",
         group_iterations},
        {"prometheus_rule_group_last_duration_seconds", "gauge", "Time of the last evaluation.",
         group_duration},
        {"prometheus_rule_group_last_evaluation_samples", "gauge",
         "Samples of the last evaluation.", group_samples},
        {"prometheus_rule_group_last_evaluation_timestamp_seconds", "gauge",
         "Unix time of the last evaluation.", group_time},
        {"prometheus_rule_group_rules", "gauge", "Rules of the group.", group_rules},
    };
    struct rule_group_view *groups = NULL;
    struct arena arena = {0};
    size_t count = 0;

    rule_manager_figures(serve->rules, &arena, &groups, &count);
    for (size_t i = 0; i < ARRAY_COUNT(rows) && count > 0; i++) {
        self_head(buf, rows[i].family, rows[i].type, rows[i].help);
        for (size_t k = 0; k < count; k++) {
            group_line(buf, rows[i].family, &groups[k], rows[i].value(&groups[k]));
        }
    }
    arena_done(&arena);
}

/* ---- targets ---- */

static double pool_targets(const struct scrape_pool_info *pool)
{
    return (double)pool->active_count;
}

static double pool_syncs(const struct scrape_pool_info *pool)
{
    return (double)pool->syncs;
}

static double pool_sync_failed(const struct scrape_pool_info *pool)
{
    return (double)pool->sync_failed;
}

static double pool_families(const struct scrape_pool_info *pool)
{
    return (double)pool->families;
}

static void write_discovered(struct buf *buf, const struct scrape_pool_info *pools, size_t count)
{
    self_head(buf, "prometheus_sd_discovered_targets", "gauge",
              "Targets that discovery has found.");
    for (size_t i = 0; i < count; i++) {
        buf_c(buf, "prometheus_sd_discovered_targets{config=");
        buf_label_value(buf, pools[i].name);
        buf_printf(buf, ",name=\"scrape\"} %zu\n", pools[i].active_count + pools[i].dropped_count);
    }
}

static void write_pools(struct serve *serve, struct buf *buf)
{
    static const struct {
        const char *family;
        const char *type;
        const char *help;
        double (*value)(const struct scrape_pool_info *pool);
    } rows[] = {
        {"prometheus_target_metadata_cache_entries", "gauge",
         "Metric families whose metadata are kept.", pool_families},
        {"prometheus_target_scrape_pool_sync_total", "counter",
         "Times that targets were made of what was found.", pool_syncs},
        {"prometheus_target_scrape_pool_targets", "gauge", "Targets that are scraped.",
         pool_targets},
        {"prometheus_target_sync_failed_total", "counter",
         "Found targets that could not be made into targets.", pool_sync_failed},
    };
    struct scrape_pool_info *pools = NULL;
    struct arena arena = {0};
    size_t count = 0;

    scrape_manager_pools(serve->scrape, &arena, &pools, &count);
    if (count > 0) {
        write_discovered(buf, pools, count);
    }
    for (size_t i = 0; i < ARRAY_COUNT(rows) && count > 0; i++) {
        self_head(buf, rows[i].family, rows[i].type, rows[i].help);
        for (size_t k = 0; k < count; k++) {
            buf_printf(buf, "%s{scrape_job=", rows[i].family);
            buf_label_value(buf, pools[k].name);
            buf_c(buf, "} ");
            buf_double(buf, rows[i].value(&pools[k]), NUM_G);
            buf_char(buf, '\n');
        }
    }
    arena_done(&arena);
}

/* What runs is in order: a configuration with a discovery that is not run is refused. */
static void write_discoveries(struct buf *buf)
{
    static const char failures[] = "prometheus_sd_refresh_failures_total";

    self_head(buf, "prometheus_sd_failed_configs", "gauge",
              "Configurations of discovery that could not be put to work.");
    self_value(buf, "prometheus_sd_failed_configs", "{name=\"scrape\"}", 0);
    self_head(buf, failures, "counter", "Look-ups of discoveries that failed.");
    self_value(buf, failures, "{mechanism=\"dns\"}", self_get(SELF_SD_DNS_LOOKUP_FAILURES));
    self_value(buf, failures, "{mechanism=\"file\"}", self_get(SELF_SD_FILE_READ_ERRORS));
    self_value(buf, failures, "{mechanism=\"http\"}", self_get(SELF_SD_HTTP_FAILURES));
}

/* ---- queries and storage ---- */

static void write_engine(struct serve *serve, struct buf *buf)
{
    struct http_server_stats stats = {0};

    http_server_stats(serve->server, &stats);
    self_one(buf, "prometheus_engine_queries", "gauge", "Queries that run or wait.",
             (double)(stats.queries_running + stats.queries_waiting));
    self_one(buf, "prometheus_engine_queries_concurrent_max", "gauge",
             "Queries that may run at once.",
             (double)flags_int(&serve->flags, SERVE_FLAG_QUERY_CONCURRENCY));
    self_one(buf, "prometheus_engine_query_log_enabled", "gauge",
             "1 when queries are logged to a file, else 0.", serve_logs_queries(serve) ? 1 : 0);
    self_recent_write(buf, clock_mono(clock_real()));
}

static void write_times(struct buf *buf)
{
    self_one(buf, "prometheus_tsdb_head_max_time_seconds", "gauge",
             "Unix time of the newest sample in the head.",
             self_get(SELF_HEAD_MAX_TIME) / DUR_SECOND);
    self_one(buf, "prometheus_tsdb_head_min_time_seconds", "gauge",
             "Unix time of the oldest sample in the head.",
             self_get(SELF_HEAD_MIN_TIME) / DUR_SECOND);
    self_one(buf, "prometheus_tsdb_lowest_timestamp_seconds", "gauge",
             "Unix time of the oldest block, or of the head when there is none.",
             self_get(SELF_LOWEST_TIME) / DUR_SECOND);
}

void serve_metrics_write(struct serve *serve, struct buf *buf)
{
    if (atomic_load_explicit(&serve->queryable, memory_order_acquire) == NULL) {
        return;
    }
    write_groups(serve, buf);
    write_pools(serve, buf);
    write_discoveries(buf);
    write_engine(serve, buf);
    write_times(buf);
    serve_stores_metrics(serve, buf);
}
