/*
 * serve_priv: what the files of `barograph serve` share: the running program. Owned by the main
 * thread; other threads reach it through the callbacks of serve_api.c and the locks named here.
 */
#pragma once

#include "api/api.h"
#include "alerting/am.h"
#include "alerting/am_sender.h"
#include "app/flags.h"
#include "app/serve_features.h"
#include "base/lock.h"
#include "codec/sha256.h"
#include "conf/prom_config.h"
#include "dash/dash_store.h"
#include "http/server_web.h"
#include "rules/rule_manager.h"
#include "scrape/scrape.h"
#include "tsdb/tsdb.h"

enum serve_flag {
#define SERVE_FLAG(id, name, kind, initial, state, help) SERVE_FLAG_##id,
#include "app/serve_flags.def"
#undef SERVE_FLAG
    SERVE_FLAG_COUNT,
};

/* What the files of the configuration were when they were last loaded, or tried. */
struct serve_watch {
    bool is_known;
    uint8_t digests[2][SHA256_BYTES]; /* of prometheus.yml, of alertmanager.yml */
};

struct serve {
    struct flags flags;
    struct serve_features features;
    struct api_flag flag_texts[SERVE_FLAG_COUNT];
    struct arena arena;        /* texts made from flags */
    const char *config_path;   /* NULL = the embedded configuration */
    const char *prefix;        /* of all paths: "" or "/x" */
    const char *external_path; /* of --web.external-url, while only a path is known */
    const char *external_url;  /* without a slash at its end; set once the server listens */
    ts start_time;
    int quit_fd; /* eventfd: readable = end the program */

    struct server_web *web; /* NULL = no --web.config.file */
    struct http_server *server;
    struct api *api;
    struct crew *crew;                   /* helps queries */
    struct engine_options engine;        /* of the flags; set before the server starts */
    _Atomic int64_t evaluation_interval; /* of the configuration, relaxed; 0 = none yet */
    struct tsdb *tsdb;
    struct objstore_config *objstore; /* NULL = no object storage */
    struct shipper *_Atomic shipper;  /* NULL = none; set once */
    struct scrape_manager *scrape;
    struct rule_manager *rules;
    struct remote_write *_Atomic remote; /* set once, before scraping begins */
    struct remote_read *read;            /* likewise, before `queryable` */
    struct dash_store *dash;
    struct am *_Atomic am; /* set once its state is read; release order, read with acquire */
    struct am_sender *_Atomic sender; /* likewise */
    struct heartbeats *_Atomic beats; /* likewise; NULL = without --alerting.heartbeat-file */

    /* Set once the WAL is replayed; release order, read with acquire by the API's callbacks. */
    struct queryable *_Atomic queryable;

    struct serve_watch watch; /* main thread */

    struct lock query_log_lock;
    struct query_log *query_log; /* lock: the one above */

    struct lock reload_lock; /* one reload at a time */
    bool is_ending;          /* lock: reload_lock; nothing is reloaded any more */
    struct lock config_lock; /* guards what follows */
    struct prom_config *config;
    ts config_time;
    ts config_tried;
    bool config_good;
    struct tsdb_replay_status replay;
};

/*
 * serve_stores_start begins to send to the remotes of serve->config, and makes those known that are
 * read; the tsdb is open, and nothing is appended yet. serve_stores_stop sends what there is:
 * nothing is appended or queried any more.
 */
int serve_stores_start(struct serve *serve, struct baro_error *err);
int serve_stores_apply(struct serve *serve, struct prom_config *config, struct baro_error *err);
void serve_stores_metrics(struct serve *serve, struct buf *buf);
void serve_stores_stop(struct serve *serve);

/* serve_objstore_load reads the flags of object storage, serve_objstore_start starts uploading
 * (after the tsdb is open), serve_objstore_stop ends it (after the tsdb is closed);
 * serve_block_written is for the tsdb's options. */
struct block_meta;
int serve_objstore_load(struct serve *serve, struct baro_error *err);
int serve_objstore_start(struct serve *serve, struct baro_error *err);
void serve_objstore_stop(struct serve *serve);
void serve_block_written(void *context, const char *directory, const struct block_meta *meta);

/* serve_url_read reads --web.external-url and --web.route-prefix; serve_url_complete makes the URL
 * of this host, as Prometheus does, where the flag has none. */
int serve_url_read(struct serve *serve, struct baro_error *err);
void serve_url_complete(struct serve *serve);

/* serve_remote_check refuses flags of remote write that name what is not known;
 * serve_remote_context makes of all of them what the API wants. */
int serve_remote_check(const struct serve *serve, struct baro_error *err);
void serve_remote_context(struct serve *serve, struct api_remote *ret);

/* serve_features_parse reads the --enable-feature lists. Unknown names are warned about, as
 * Prometheus does. */
int serve_features_parse(struct serve *serve, struct baro_error *err);

/*
 * serve_config_load reads the file, or makes the embedded configuration for the port that is
 * served. Each fault is printed to standard error when `print` is set; err has the first one.
 */
int serve_config_load(struct serve *serve, bool print, struct prom_config **ret,
                      struct baro_error *err);

/* serve_config_set makes a configuration the running one, and takes the reference over. */
void serve_config_set(struct serve *serve, struct prom_config *config);

/* serve_config_get returns the running configuration with a reference of its own; NULL before the
 * first. */
struct prom_config *serve_config_get(struct serve *serve);

/* serve_retention is what the configuration file says, else the flags, else 15 days. config may be
 * NULL. */
struct retention serve_retention(const struct serve *serve, const struct prom_config *config);

/* serve_newer_chunks is which encodings chunks get (CHUNK_NEWER_), by the file, or else by the
 * features. config may be NULL. */
unsigned serve_newer_chunks(const struct serve *serve, const struct prom_config *config);

/* serve_log_late says whether samples that came late go to the log that remotes are fed from.
 * config may be NULL. */
bool serve_log_late(const struct prom_config *config);

/* serve_ooo_window is how late samples may come; 0 = not at all. config may be NULL. */
dur serve_ooo_window(const struct prom_config *config);

/* serve_reload reads the configuration again and applies it, or leaves the running one in place.
 * Any thread. */
int serve_reload(struct serve *serve, struct baro_error *err);

/* serve_watch_wait_ms is how long to wait until serve_watch_look, in milliseconds; -1 = for ever.
 * serve_watch_note remembers what the files are now, serve_watch_look loads the configuration when
 * they have changed since. Main thread. */
int serve_watch_wait_ms(const struct serve *serve);
void serve_watch_note(struct serve *serve);
void serve_watch_look(struct serve *serve);

/* serve_query_log appends a line to the file that the running configuration names, if it does. Any
 * thread. */
void serve_query_log(void *app, str line);

/* serve_logs_queries says whether the running configuration names one. Any thread. */
bool serve_logs_queries(void *app);
/* serve_query_log_renew closes the file: the next query opens what then has its name, so that who
 * moved it away gets a new one with a reload, as Prometheus does. */
void serve_query_log_renew(struct serve *serve);
void serve_query_log_done(struct serve *serve);

/* serve_engine_prepare makes what of the engine's options comes from flags: the crew must be there.
 */
void serve_engine_prepare(struct serve *serve);

/* serve_engine fills the engine's options of the running configuration. Any thread. */
void serve_engine(void *serve, struct engine_options *ret);

/* serve_api_context fills what the API asks of the program. */
void serve_api_context(struct serve *serve, struct api_context *ret);
