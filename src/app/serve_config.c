#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "app/retention_rules_config.h"
#include "app/serve_alerting.h"
#include "app/serve_heartbeat.h"
#include "app/serve_priv.h"
#include "app/serve_rules.h"
#include "base/log.h"
#include "client/self.h"
#include "http/server.h"
#include "sys/clock.h"
#include "tsdb/chunk.h"

/* As Prometheus, when nothing bounds the storage. */
#define RETENTION_DEFAULT ((dur)15 * DUR_DAY)

/* What is watched when nobody said what to watch: this server and its host. */
static const char embedded_format[] =
    "# The configuration that barograph runs when it is given none.\n"
    "global:\n"
    "  scrape_interval: 5s\n"
    "scrape_configs:\n"
    "  - job_name: barograph\n"
    "%s"
    "    metrics_path: %s/metrics\n"
    "    static_configs:\n"
    "      - targets: ['127.0.0.1:%u']\n"
    "  - job_name: node\n"
    "%s"
    "    metrics_path: %s/host/metrics\n"
    "    static_configs:\n"
    "      - targets: ['127.0.0.1:%u']\n";

/* Its own certificate names this host otherwise than 127.0.0.1. */
static const char over_tls[] = "    scheme: https\n"
                               "    tls_config: {insecure_skip_verify: true}\n";

static void print_fault(const struct baro_error *fault)
{
    char text[ERROR_FORMAT_BYTES];

    error_format(fault, text, sizeof(text));
    (void)fprintf(stderr, "%s\n", text);
}

static int report_faults(const struct baro_error *items, size_t count, bool print, int code,
                         struct baro_error *err)
{
    for (size_t i = 0; print && i < count; i++) {
        print_fault(&items[i]);
    }
    if (err != NULL && count > 0) {
        *err = items[0];
    }
    return code;
}

int serve_config_load(struct serve *serve, bool print, struct prom_config **ret,
                      struct baro_error *err)
{
    CLEANUP(prom_config_unrefp) struct prom_config *config = NULL;
    struct faults faults = {0};
    const struct prom_load_options options = {.check_selector = retention_selector_check,
                                              .store_starts = serve->features.st_storage};
    const struct baro_error *unsupported;
    size_t count = 0;
    int r;

    if (serve->config_path != NULL) {
        r = prom_config_load(serve->config_path, &options, &config, &faults);
    } else {
        unsigned port = http_server_port(serve->server, 0);
        const char *scheme = serve->web != NULL && server_web_has_tls(serve->web) ? over_tls : "";
        char text[1024];

        if (serve->web != NULL && server_web_has_users(serve->web)) {
            log_warn("this server cannot scrape itself: --web.config.file asks for a password; "
                     "write a --config.file whose scrape job has basic_auth");
        }
        (void)snprintf(text, sizeof(text), embedded_format, scheme, serve->prefix, port, scheme,
                       serve->prefix, port);
        r = prom_config_parse(str_from(text), "(embedded)", &options, &config, &faults);
    }
    if (r < 0) {
        return report_faults(faults.items, faults.count, print, r, err);
    }
    unsupported = prom_config_unsupported(config, &count);
    if (count > 0) {
        return report_faults(unsupported, count < FAULTS_MAX ? count : FAULTS_MAX, print,
                             BARO_EUNSUPPORTED, err);
    }
    *ret = TAKE(config);
    return 0;
}

void serve_config_set(struct serve *serve, struct prom_config *config)
{
    struct prom_config *before;

    lock_acquire(&serve->config_lock);
    before = serve->config;
    serve->config = config;
    atomic_store_explicit(&serve->evaluation_interval,
                          prom_config_global(config)->evaluation_interval, memory_order_relaxed);
    serve->config_time = clock_now(clock_real());
    serve->config_tried = serve->config_time;
    serve->config_good = true;
    lock_release(&serve->config_lock);
    (void)prom_config_unref(before);
    self_set(SELF_CONFIG_RELOAD_SUCCESS, 1);
    self_set(SELF_CONFIG_RELOAD_SECONDS, (double)(clock_now(clock_real()) / 1000));
}

struct prom_config *serve_config_get(struct serve *serve)
{
    struct prom_config *config;

    lock_acquire(&serve->config_lock);
    config = serve->config != NULL ? prom_config_ref(serve->config) : NULL;
    lock_release(&serve->config_lock);
    return config;
}

struct retention serve_retention(const struct serve *serve, const struct prom_config *config)
{
    const struct flags *flags = &serve->flags;
    dur time = flags_duration(flags, SERVE_FLAG_TSDB_RETENTION_TIME);
    dur old_time = flags_duration(flags, SERVE_FLAG_TSDB_RETENTION);
    int64_t bytes = flags_bytes(flags, SERVE_FLAG_TSDB_RETENTION_SIZE);
    struct retention retention = {.time = time > 0       ? time
                                          : old_time > 0 ? old_time
                                                         : 0,
                                  .bytes = bytes > 0 ? (uint64_t)bytes : 0};

    if (config != NULL) {
        const struct prom_storage *storage = prom_config_storage(config);

        retention.time = storage->retention_time > 0 ? storage->retention_time : retention.time;
        retention.bytes = storage->retention_size > 0 ? storage->retention_size : retention.bytes;
        retention.percentage = storage->retention_percentage;
    }
    if (retention.time == 0 && retention.bytes == 0 && retention.percentage <= 0) {
        retention.time = RETENTION_DEFAULT;
    }
    return retention;
}

dur serve_ooo_window(const struct prom_config *config)
{
    return config != NULL ? prom_config_storage(config)->out_of_order_time_window : 0;
}

bool serve_log_late(const struct prom_config *config)
{
    return config != NULL && prom_config_remote_write(config, 0) != NULL;
}

unsigned serve_newer_chunks(const struct serve *serve, const struct prom_config *config)
{
    str floats = config != NULL ? prom_config_storage(config)->float_encoding : STR_NULL;
    bool newer = floats.len > 0 ? str_is(floats, "xor2") : serve->features.newer_floats;

    return (newer ? CHUNK_NEWER_FLOATS : 0u) |
           (serve->features.newer_histograms ? CHUNK_NEWER_HISTOGRAMS : 0u);
}

static int reload_locked(struct serve *serve, struct baro_error *err)
{
    CLEANUP(prom_config_unrefp) struct prom_config *config = NULL;
    struct serve_rules rules = {0};
    struct serve_alerting alerting = {0};
    CLEANUP(heartbeat_config_freep) struct heartbeat_config *beats = NULL;
    int r;

    lock_assert_held(&serve->reload_lock);
    if (serve->is_ending) {
        return error_set(err, BARO_EBUSY, "the program is ending");
    }
    if (atomic_load_explicit(&serve->sender, memory_order_acquire) == NULL) {
        return error_set(err, BARO_EBUSY,
                         "the write-ahead log is being replayed: try again when /-/ready says so");
    }
    r = serve_config_load(serve, false, &config, err);
    if (r >= 0) {
        r = serve_rules_load(serve, config, false, &rules, err);
    }
    r = r >= 0 ? serve_alerting_load(serve, false, &alerting, err) : r;
    r = r >= 0 ? serve_heartbeat_load(serve, false, &beats, err) : r;
    r = r >= 0 ? serve_alerting_apply(serve, config, &alerting, err) : r;
    r = r >= 0 ? serve_heartbeat_apply(serve, TAKE(beats), err) : r;
    r = r >= 0 ? serve_stores_apply(serve, config, err) : r;
    if (r >= 0) {
        r = scrape_manager_apply(serve->scrape, config, err);
    }
    if (r >= 0) {
        serve_rules_apply(serve, config, &rules);
    }
    serve_alerting_done(&alerting);
    serve_rules_done(&rules);
    if (r >= 0) {
        struct retention retention = serve_retention(serve, config);

        r = tsdb_set_ooo_window(serve->tsdb, serve_ooo_window(config), err);
        tsdb_set_log_late(serve->tsdb, serve_log_late(config));
        tsdb_set_newer_chunks(serve->tsdb, serve_newer_chunks(serve, config));
        tsdb_set_retention(serve->tsdb, &retention);
        tsdb_set_retention_rules(serve->tsdb, retention_rules_of(config));
        serve_config_set(serve, TAKE(config));
        serve_query_log_renew(serve);
    }
    return r;
}

int serve_reload(struct serve *serve, struct baro_error *err)
{
    struct baro_error fault = {0};
    int r;

    lock_acquire(&serve->reload_lock);
    r = reload_locked(serve, &fault);
    lock_release(&serve->reload_lock);
    if (r < 0) {
        lock_acquire(&serve->config_lock);
        serve->config_good = false;
        serve->config_tried = clock_now(clock_real());
        lock_release(&serve->config_lock);
        self_set(SELF_CONFIG_RELOAD_SUCCESS, 0);
        log_error("configuration refused, the running one stays", log_err(&fault));
        if (err != NULL) {
            *err = fault;
        }
        return r;
    }
    log_info("configuration loaded",
             log_c("file", serve->config_path != NULL ? serve->config_path : "(embedded)"));
    return 0;
}
