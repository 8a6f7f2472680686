/*
 * api: Prometheus's HTTP API, its own metrics, the health and lifecycle paths, and the web UI.
 * It knows the rest of the program only through struct api_context: the app fills it once, before
 * the server starts, and keeps it valid until the server has stopped. Callbacks are called from any
 * thread, several at once. What is served where: routes.def.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "http/server.h"
#include "promql/engine.h"
#include "rules/rule_group.h"
#include "scrape/scrape.h"
#include "storage/appender.h"
#include "storage/storage.h"
#include "sys/clock.h"
#include "tsdb/tsdb.h"

struct api_build {
    const char *version; /* Prometheus's version whose API is spoken: clients branch on it */
    const char *revision;
    const char *branch;
    const char *user;
    const char *date;
    const char *compiler;
    const char *program_version;  /* barograph's own */
    const char *program_revision; /* empty: not known */
};

/* A flag as /api/v1/status/flags lists it, without dashes. */
struct api_flag {
    const char *name;
    const char *value;
};

/* What /api/v1/status/runtimeinfo tells. Strings live in the arena given, or for ever. */
struct api_runtime {
    ts start_time;
    ts last_config_time; /* of the last good reload */
    bool reload_success; /* of the last try */
    ts last_try;         /* of a reload */
    uint64_t corruption_count;
    str storage_retention; /* "15d", "15d or 1GiB" */
    str working_directory;
    str hostname;
    str external_url; /* under which others reach this server: what its alerts' links begin with */
};

struct dash_store;
struct prom_config;
struct am;
struct json_writer;

/* The Alertmanagers that alerts go to beside the one in the program, and those dropped. */
struct api_alertmanagers {
    str *active;
    size_t active_count;
    str *dropped;
    size_t dropped_count;
};

/* Where scraped samples have come from and gone: NULL members are answered with empty results. */
struct api_sources {
    /* All targets, or those of one pool when pool.ptr is not NULL; as scrape_manager_targets. */
    void (*targets)(void *app, struct arena *arena, str pool, struct scrape_targets *ret);
    /* As scrape_manager_metadata. */
    void (*metadata)(void *app, struct arena *arena, str metric, struct matchers matchers,
                     size_t limit, struct scrape_metadata_list *ret);
    /* As tsdb_stats; fails with BARO_EBUSY while the WAL is replayed. */
    int (*tsdb_stats)(void *app, struct arena *arena, size_t limit, struct tsdb_stats *ret,
                      struct baro_error *err);
    void (*replay_status)(void *app, struct tsdb_replay_status *ret);
    /* As tsdb_is_read_only. */
    bool (*read_only)(void *app, char ret_why[TSDB_READ_ONLY_BYTES]);
    /* As tsdb_exemplars_select. */
    int (*exemplars)(void *app, struct arena *arena, struct matchers matchers, ts start, ts end,
                     struct tsdb_exemplar **ret, size_t *ret_count, struct baro_error *err);
    /* Appends the running configuration as YAML, secrets hidden. */
    void (*config)(void *app, struct buf *ret);
    /* The running configuration with a reference of its own; NULL before the first. */
    struct prom_config *(*running)(void *app);
    /* Appends further metrics in Prometheus's text format; runs for each /metrics. */
    void (*metrics)(void *app, struct buf *ret);
    void (*runtime)(void *app, struct arena *arena, struct api_runtime *ret);
    /* Writes the meta.json of every block as an array. */
    void (*blocks)(void *app, struct json_writer *json);
    /* Labels of global.external_labels, for /federate. In the arena. */
    void (*external_labels)(void *app, struct arena *arena, struct labels *ret);
    void (*alertmanagers)(void *app, struct arena *arena, struct api_alertmanagers *ret);
    /* As rule_manager_view. */
    void (*rules)(void *app, struct arena *arena, struct rule_group_view **ret, size_t *ret_count);
};

/* What /api/v1/admin/tsdb/ does, as tsdb_delete and the like; NULL members: it is disabled. */
struct api_admin {
    int (*delete_series)(void *app, struct matchers matchers, ts start, ts end,
                         struct baro_error *err);
    int (*clean_tombstones)(void *app, struct baro_error *err);
    int (*snapshot)(void *app, bool skip_head, char ret_name[TSDB_SNAPSHOT_NAME_BYTES],
                    struct baro_error *err);
};

/* What others send to this server, and read from it in bulk. */
struct api_remote {
    /* Where pushed samples go; not NULL once queries are answered. */
    struct appendable *(*appendable)(void *app);
    bool takes_write[2];         /* remote write 1.0 and 2.0 (enum wire_message); none: it is off */
    bool keeps_metadata;         /* of pushed series */
    bool type_and_unit_labels;   /* are made of it */
    size_t read_samples_max;     /* of a remote read that is answered with samples; 0 = none */
    size_t read_frame_bytes_max; /* of one that is answered with chunks */
    bool takes_otlp;
    bool takes_otlp_deltas;   /* as they are */
    uint32_t read_concurrent; /* at once; 0 = no bound */
};

struct api_context {
    void *app; /* handed to every callback */
    struct clock *clock;

    /* What queries read; NULL while the WAL is being replayed: everything then answers 503. */
    struct queryable *(*queryable)(void *app);

    /* The engine's options of the running configuration, which a reload may change. */
    void (*engine)(void *app, struct engine_options *ret);

    struct api_sources sources;
    struct api_admin admin;
    struct api_remote remote;
    struct dash_store *dash; /* dashboards; NULL = there are none: 404 */
    struct api_build build;
    const struct api_flag *flags;
    size_t flag_count;
    const char *cors_origin;   /* regular expression; NULL = ".*"; "" = no CORS headers */
    const char *prefix;        /* of every path, as told to the http server; NULL = "" */
    const char *external_url;  /* under which browsers reach this server; NULL or "" = unknown */
    size_t response_bytes_max; /* a larger answer is an error; 0 = 1 GiB */

    /* Keeps one line of JSON, its end of line included, about a query that has ended; NULL = no
     * log. */
    void (*log_query)(void *app, str line);
    /* Whether log_query keeps anything at present: lines are not made for nothing. NULL = yes. */
    bool (*logs_queries)(void *app);

    /* The alertmanager, NULL until it has started; the member may be NULL: there is none. */
    struct am *(*alerting)(void *app);

    /* Heartbeats, NULL without; the member may be NULL likewise. */
    struct heartbeats *(*heartbeats)(void *app);

    const char *alerting_path; /* of its configuration, whose files are relative to it; NULL or "" =
                                  embedded */

    bool enable_search;      /* /api/v1/search/ */
    size_t search_limit_max; /* of one answer; 0 = none */
    bool enable_lifecycle;
    /* Reloads the configuration: 0, or a code and what was wrong. Blocks until it is done. */
    int (*reload)(void *app, struct baro_error *err);
    /* Asks the program to end; returns at once. */
    void (*quit)(void *app);
};

struct api;

/* api_new copies `context`; what it points to is kept. Fails with BARO_EPARSE when cors_origin is
 * no regular expression. */
int api_new(const struct api_context *context, struct api **ret, struct baro_error *err);
struct api *api_free(struct api *api);

/* api_track_queries keeps the running queries in a file, and logs those that the file says were
 * running when the program last ended. */
struct fs;
void api_track_queries(struct api *api, const struct fs *fs, const char *path);
DEFINE_CLEANUP(api_free, struct api)

/*
 * api_serve fills the routes, context, prefix and observe fields of the server's options; addresses
 * and limits are the app's. Then http_server_start, and api_attach with the server, so that
 * /metrics can tell its counters.
 */
void api_serve(struct api *api, struct http_server_options *options);
void api_attach(struct api *api, struct http_server *server);
