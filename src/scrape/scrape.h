/*
 * scrape: the manager that keeps targets scraped: it runs discovery, turns target groups into
 * targets by relabelling, gives each target to one of a few scrape threads, and shows their state.
 * A target belongs to one thread (by hash) and is scraped by it alone; samples go to the appendable
 * as one transaction a scrape. Reload keeps targets whose labels and configuration did not change.
 * All functions but new, stop and free may be called from any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "storage/appender.h"

struct clock;
struct prom_config;
struct scrape_manager;

struct scrape_options {
    uint32_t thread_count;     /* 0 = as many as cores */
    dur timestamp_tolerance;   /* scrape times this near to the aligned tick are moved onto it;
                                  < 0 = never; 0 = the default of 2 ms */
    bool extra_metrics;        /* feature extra-scrape-metrics for every job */
    bool metadata_append;      /* feature metadata-wal-records: metadata goes to the appender */
    bool type_and_unit_labels; /* feature of that name: series get __type__ and __unit__ */
    bool keep_starts;          /* feature st-storage: start timestamps go to the appender */
    bool exemplar_append;      /* feature exemplar-storage: exemplars go to the appender */
    dur discovery_reload;      /* target updates are applied this often; 0 = 5 s */
    const char *external_url;  /* http://host:port/prefix, for global_url; NULL = none */
    const char *user_agent;    /* NULL = "barograph/VERSION" */
};

/*
 * scrape_manager_new starts the scrape threads, without targets. Keeps appendable and clock;
 * options are copied. Returns NULL and err when threads or event queues cannot be had.
 */
struct scrape_manager *scrape_manager_new(struct appendable *appendable, struct clock *clock,
                                          const struct scrape_options *options,
                                          struct baro_error *err);

/*
 * scrape_manager_apply makes the scrape configurations of `config` the running ones. Keeps a
 * reference to config until the next apply and the last scrape that uses it. Fails without change
 * when a client cannot be set up (unreadable certificate) or a discovery kind is not supported.
 */
int scrape_manager_apply(struct scrape_manager *manager, struct prom_config *config,
                         struct baro_error *err);

/*
 * scrape_manager_stop ends discovery and scraping, and waits for scrapes that are just being
 * appended. As Prometheus does at shutdown, it writes no stale markers: the targets still exist.
 */
void scrape_manager_stop(struct scrape_manager *manager);

/* scrape_manager_free stops, if that has not been done, and releases. */
struct scrape_manager *scrape_manager_free(struct scrape_manager *manager);
DEFINE_CLEANUP(scrape_manager_free, struct scrape_manager)

enum scrape_health { SCRAPE_HEALTH_UNKNOWN, SCRAPE_HEALTH_UP, SCRAPE_HEALTH_DOWN };

/* scrape_health_name is the word of the API: "unknown", "up", "down". */
const char *scrape_health_name(enum scrape_health health);

/* One active target, as /api/v1/targets shows it. */
struct scrape_target_info {
    struct labels discovered; /* before relabelling */
    struct labels labels;     /* without those that start with "__" */
    str pool;                 /* job_name of the scrape configuration */
    str scrape_url;
    str global_url;
    str last_error; /* empty when the last scrape was good */
    ts last_scrape; /* INT64_MIN before the first scrape */
    double last_duration_seconds;
    enum scrape_health health;
    dur interval;
    dur timeout;
};

struct scrape_dropped_info {
    struct labels discovered;
    str pool;
};

struct scrape_pool_info {
    str name;
    size_t active_count;
    size_t dropped_count; /* all, also those that keep_dropped_targets left out */
    uint64_t syncs;       /* times that targets were made of what was found */
    uint64_t sync_failed; /* targets that could not be made */
    size_t families;      /* whose metadata are kept; of scrape_manager_pools alone */
};

struct scrape_targets {
    const struct scrape_target_info *active; /* by pool, then scrape URL, then labels */
    size_t active_count;
    const struct scrape_dropped_info *dropped; /* by pool */
    size_t dropped_count;
    const struct scrape_pool_info *pools; /* by name */
    size_t pool_count;
};

/* scrape_manager_targets copies the state of all targets (of one pool when pool.ptr is not NULL)
 * into the arena. */
void scrape_manager_targets(struct scrape_manager *manager, struct arena *arena, str pool,
                            struct scrape_targets *ret);

/* scrape_manager_pools copies the numbers of targets of all pools into the arena, by name. */
void scrape_manager_pools(struct scrape_manager *manager, struct arena *arena,
                          struct scrape_pool_info **ret, size_t *ret_count);

/* Type, help and unit of a metric family, as one target exposed it. */
struct scrape_metadata_info {
    struct labels target; /* without those that start with "__" */
    str metric;
    struct metadata metadata;
};

struct scrape_metadata_list {
    const struct scrape_metadata_info *items;
    size_t count;
};

/*
 * scrape_manager_metadata copies the metadata of all active targets into the arena: of one family
 * when metric.ptr is not NULL, of the targets that `matchers` accept, at most `limit` entries
 * (0 = all).
 */
void scrape_manager_metadata(struct scrape_manager *manager, struct arena *arena, str metric,
                             struct matchers matchers, size_t limit,
                             struct scrape_metadata_list *ret);
