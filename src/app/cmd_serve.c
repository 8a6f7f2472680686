#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/retention_rules_config.h"
#include "app/serve_alerting.h"
#include "app/serve_heartbeat.h"
#include "app/serve_priv.h"
#include "app/serve_rules.h"
#include "app/version.h"
#include "base/crew.h"
#include "base/log.h"
#include "client/self.h"
#include "http/server.h"
#include "remote/remote_read.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "tsdb/retention_rules.h"

/* Threads beyond these gain little: rows are taken one by one. */
enum { CREW_MAX = 15 };

/* Ten thousand targets and their clients come close to this many open files; fewer are worth a word
 * at the start. */
enum { OPEN_FILES_WANTED = 16384, WAL_SEGMENT_MIN = 10 << 20, WAL_SEGMENT_MAX = 256 << 20 };
enum { EXEMPLARS_WITH_FEATURE = 100000, TIMESTAMPS_AS_THEY_ARE = -1 };

static const struct flag rows[] = {
#define SERVE_FLAG(id, name, kind, initial, state, help)                                           \
    {name, FLAG_##kind, initial, FLAG_##state, help},
#include "app/serve_flags.def"
#undef SERVE_FLAG
};

static const char summary[] =
    "Scrapes targets, keeps their samples, and answers PromQL over Prometheus's HTTP API.\n"
    "Without --config.file, and without a prometheus.yml here, it watches itself and this host.\n"
    "SIGHUP reads the configuration again; SIGTERM and SIGINT end the program.\n"
    "Exit status: 0 ended as it was asked to, 1 could not begin or go on, 2 wrong usage.\n\n"
    "  barograph serve --config.file=prometheus.yml --storage.tsdb.path=/var/lib/barograph\n"
    "  barograph serve --alertmanager.config-file=alertmanager.yml --dashboards.path=boards/";

static int fail(const struct baro_error *err)
{
    char text[ERROR_FORMAT_BYTES];

    error_format(err, text, sizeof(text));
    (void)fprintf(stderr, "barograph: %s\n", text);
    return error_exit_status(err->code);
}

static int set_up_log(const struct flags *flags, struct baro_error *err)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    str level = flags_text(flags, SERVE_FLAG_LOG_LEVEL);
    str format = flags_text(flags, SERVE_FLAG_LOG_FORMAT);

    if (!str_eq(format, STR("logfmt")) && !str_eq(format, STR("json"))) {
        return error_set(err, BARO_EUSAGE, "--log.format: \"%.*s\" is neither logfmt nor json",
                         STR_ARG(format));
    }
    for (size_t i = 0; i < ARRAY_COUNT(levels); i++) {
        if (str_is(level, levels[i])) {
            log_setup((enum log_level)i, str_eq(format, STR("json")) ? LOG_JSON : LOG_LOGFMT);
            return 0;
        }
    }
    return error_set(err, BARO_EUSAGE, "--log.level: \"%.*s\" is none of debug, info, warn, error",
                     STR_ARG(level));
}

static void describe_flags(struct serve *serve)
{
    for (size_t i = 0; i < SERVE_FLAG_COUNT; i++) {
        str value = flags_text(&serve->flags, i);

        serve->flag_texts[i] = (struct api_flag){rows[i].name, arena_str(&serve->arena, value).ptr};
    }
    serve->flag_texts[SERVE_FLAG_WEB_PREFIX].value = serve->prefix[0] != '\0' ? serve->prefix : "/";
}

static void raise_open_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < OPEN_FILES_WANTED) {
        log_warn("few open files are allowed: thousands of targets need more (ulimit -n)",
                 log_int("limit", (int64_t)limit.rlim_cur));
    }
}

/* The values of a flag that may be repeated, in order. */
static size_t flag_values(const struct serve *serve, enum serve_flag row,
                          const char *ret[FLAG_LIST_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < serve->flags.list_count; i++) {
        if (serve->flags.list_row[i] == row) {
            ret[count++] = serve->flags.list[i].ptr;
        }
    }
    return count;
}

static int open_dashboards(struct serve *serve, struct baro_error *err)
{
    const char *paths[FLAG_LIST_MAX];
    struct dash_store_options options = {
        .clock = clock_real(),
        .fs = fs_real(),
        .paths = paths,
        .path_count = flag_values(serve, SERVE_FLAG_DASHBOARDS_PATH, paths),
        .data_dir = flags_text(&serve->flags, SERVE_FLAG_TSDB_PATH).ptr,
    };
    int r = fs_make_path(fs_real(), options.data_dir, err);

    r = r < 0 ? r : dash_store_new(&options, &serve->dash, err);
    return r < 0 ? error_wrap(err, r, "--dashboards.path") : 0;
}

/* With the query's own thread as many as there are cores. */
static int start_crew(struct serve *serve, struct baro_error *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t helpers = cores < 2 ? 0 : (uint32_t)cores - 1;

    return crew_new(helpers < CREW_MAX ? helpers : CREW_MAX, &serve->crew, err);
}

static int load_web(struct serve *serve, struct baro_error *err)
{
    str path = flags_text(&serve->flags, SERVE_FLAG_WEB_CONFIG);
    struct faults *faults;
    int r;

    if (path.len == 0) {
        return 0;
    }
    faults = MEM_NEW(struct faults);
    r = server_web_load(path.ptr, &serve->web, faults);
    for (uint32_t i = 0; i < faults->count; i++) {
        (void)fail(&faults->items[i]);
    }
    (void)mem_free(faults);
    return r < 0 ? error_set(err, r, "--web.config.file: not started: %s has faults", path.ptr) : 0;
}

/* Who asks for passwords may be reached from everywhere, as Prometheus. */
static const char *default_address(const struct serve *serve)
{
    return serve->web != NULL && server_web_has_users(serve->web)
               ? "0.0.0.0:9090"
               : flags_text(&serve->flags, SERVE_FLAG_WEB_LISTEN).ptr;
}

static int start_server(struct serve *serve, struct baro_error *err)
{
    const char *addresses[FLAG_LIST_MAX] = {default_address(serve)};
    struct http_server_options options = {
        .web = serve->web,
        .addresses = addresses,
        .connections_max = (uint32_t)flags_int(&serve->flags, SERVE_FLAG_WEB_CONNECTIONS),
        .query_thread_count = (uint32_t)flags_int(&serve->flags, SERVE_FLAG_QUERY_CONCURRENCY),
        .idle_timeout = flags_duration(&serve->flags, SERVE_FLAG_WEB_TIMEOUT),
    };
    struct api_context context;
    int r;

    options.address_count = flag_values(serve, SERVE_FLAG_WEB_LISTEN, addresses);
    options.address_count = options.address_count > 0 ? options.address_count : 1;
    /* --web.read-timeout bounds every wait for a client; the server's own bounds are tighter where
     * they can be. */
    if (serve->flags.given[SERVE_FLAG_WEB_TIMEOUT]) {
        options.body_timeout = options.idle_timeout;
        options.header_timeout = options.idle_timeout < 10 * DUR_SECOND ? options.idle_timeout : 0;
    }
    r = start_crew(serve, err);
    if (r < 0) {
        return r;
    }
    serve_engine_prepare(serve);
    serve_api_context(serve, &context);
    r = api_new(&context, &serve->api, err);
    if (r < 0) {
        return error_wrap(err, r, "--web.cors.origin");
    }
    api_serve(serve->api, &options);
    r = http_server_start(&options, &serve->server, err);
    if (r >= 0) {
        serve_url_complete(serve);
        api_attach(serve->api, serve->server);
    }
    return r;
}

static void note_replay(void *context, const struct tsdb_replay_status *status)
{
    struct serve *serve = context;

    lock_acquire(&serve->config_lock);
    serve->replay = *status;
    lock_release(&serve->config_lock);
    if (status->max > 0 && !status->done) {
        log_info("replaying the write-ahead log", log_int("segment", status->current),
                 log_int("last", status->max));
    }
}

static const char *given_text(const struct flags *flags, size_t row)
{
    str text = flags_text(flags, row);

    return text.len > 0 ? text.ptr : NULL;
}

static int open_tsdb(struct serve *serve, struct baro_error *err)
{
    const struct flags *flags = &serve->flags;
    int64_t exemplars = flags_int(flags, SERVE_FLAG_TSDB_EXEMPLARS);
    int64_t segment = flags_bytes(flags, SERVE_FLAG_TSDB_WAL_SEGMENT);
    int64_t memory = flags_bytes(flags, SERVE_FLAG_MEMORY_LIMIT);
    bool zstd = str_eq(flags_text(flags, SERVE_FLAG_TSDB_WAL_COMPRESSION_TYPE), STR("zstd"));
    struct retention retention = serve_retention(serve, serve->config);
    dur block_min = flags_duration(flags, SERVE_FLAG_TSDB_BLOCK_MIN);
    dur block_max = flags_duration(flags, SERVE_FLAG_TSDB_BLOCK_MAX);
    struct tsdb_options options = {
        .retention = retention.time,
        .ooo_window = serve_ooo_window(serve->config),
        .retention_bytes = retention.bytes,
        .retention_percentage = retention.percentage,
        .memory_limit = memory > 0 ? (uint64_t)memory : 0,
        .chunk_range = block_min > 0 ? block_min : 0,
        .block_max = block_max > 0 ? block_max : 0,
        .wal_compression = !flags_bool(flags, SERVE_FLAG_TSDB_WAL_COMPRESSION) ? TSDB_WAL_NONE
                           : zstd                                              ? TSDB_WAL_ZSTD
                                                                               : TSDB_WAL_SNAPPY,
        .delay_compact_path = given_text(flags, SERVE_FLAG_TSDB_DELAY_COMPACT),
        .block_written = serve_block_written,
        .block_context = serve,
        .downsample = flags_bool(flags, SERVE_FLAG_TSDB_DOWNSAMPLING),
        .store_starts = serve->features.st_storage,
        .log_late = serve_log_late(serve->config),
        .newer_chunks = serve_newer_chunks(serve, serve->config),
        .exemplars_max =
            (uint32_t)(serve->features.exemplar_storage && exemplars == 0 ? EXEMPLARS_WITH_FEATURE
                                                                          : exemplars),
        .progress = note_replay,
        .progress_context = serve,
    };
    CLEANUP(retention_rules_unrefp)
    struct retention_rules *rules = retention_rules_of(serve->config);
    struct tsdb_open_report report = {0};
    int r;

    if (segment >= 0 && (segment < WAL_SEGMENT_MIN || segment > WAL_SEGMENT_MAX)) {
        return error_set(err, BARO_EUSAGE,
                         "--storage.tsdb.wal-segment-size: must be from 10MB to 256MB");
    }
    options.wal_segment_size = segment > 0 ? (uint64_t)segment : 0;
    options.retention_rules = rules;
    r = tsdb_open(flags_text(flags, SERVE_FLAG_TSDB_PATH).ptr, &options, &serve->tsdb, err);
    if (r < 0) {
        return r;
    }
    tsdb_open_report(serve->tsdb, &report);
    if (report.wal_repairs > 0) {
        log_warn(
            "the write-ahead log was damaged: the bad records are set aside, the others are kept",
            log_c("first", report.wal_repair_text),
            log_int("segments", (int64_t)report.wal_repairs),
            log_int("bytes_lost", (int64_t)report.wal_bytes_dropped),
            log_int("records_behind", (int64_t)report.wal_records_behind),
            log_int("samples_refused", (int64_t)report.samples_refused));
    }
    if (report.chunks_damages > 0) {
        log_warn(
            "full chunks of the head were damaged; they are made anew from the write-ahead log",
            log_c("reason", report.chunks_damage_text));
    }
    if (report.blocks_skipped > 0) {
        log_error("blocks were left out", log_int("count", (int64_t)report.blocks_skipped),
                  log_c("last", report.block_skip_text));
    }
    log_info("storage is open", log_int("series", (int64_t)report.series),
             log_int("samples_replayed", (int64_t)report.samples),
             log_int("blocks", (int64_t)report.blocks), log_int("replay_ms", report.duration));
    return 0;
}

static int start_scraping(struct serve *serve, struct baro_error *err)
{
    const struct scrape_options options = {
        .timestamp_tolerance = flags_bool(&serve->flags, SERVE_FLAG_SCRAPE_ADJUST)
                                   ? flags_duration(&serve->flags, SERVE_FLAG_SCRAPE_TOLERANCE)
                                   : TIMESTAMPS_AS_THEY_ARE,
        .extra_metrics = serve->features.extra_scrape_metrics,
        .metadata_append = serve->features.metadata_wal_records,
        .type_and_unit_labels = serve->features.promql.type_and_unit_labels,
        .exemplar_append = serve->features.exemplar_storage,
        .keep_starts = serve->features.st_storage,
        .discovery_reload = flags_duration(&serve->flags, SERVE_FLAG_SCRAPE_DISCOVERY),
        .external_url = serve->external_url,
        .user_agent = "barograph/" BAROGRAPH_VERSION,
    };
    int r;

    serve->scrape = scrape_manager_new(tsdb_appendable(serve->tsdb), clock_real(), &options, err);
    if (serve->scrape == NULL) {
        return err->code;
    }
    r = scrape_manager_apply(serve->scrape, serve->config, err);
    if (r < 0) {
        return r;
    }
    return 0;
}

/* The rules of the configuration were read before the store was opened: their faults end the start
 * early. */
static int start_rules(struct serve *serve, const struct serve_rules *rules, struct baro_error *err)
{
    struct rule_manager_options options = {
        .clock = clock_real(),
        .queryable = remote_read_queryable(serve->read),
        .appendable = tsdb_appendable(serve->tsdb),
        .sink = serve_alerting_sink(serve),
        .external_url = serve->external_url,
        .thread_count = (size_t)flags_int(&serve->flags, SERVE_FLAG_RULES_CONCURRENCY),
        .resend_delay = flags_duration(&serve->flags, SERVE_FLAG_RULES_RESEND),
        .outage_tolerance = flags_duration(&serve->flags, SERVE_FLAG_RULES_TOLERANCE),
        .grace_period = flags_duration(&serve->flags, SERVE_FLAG_RULES_GRACE),
        .engine = serve_engine,
        .context = serve,
    };
    int r = rule_missing_parse(flags_text(&serve->flags, SERVE_FLAG_RULES_MISSING),
                               &options.missing, err);

    r = r < 0 ? error_wrap(err, r, "--rules.missing-data")
              : rule_manager_new(&options, &serve->rules, err);
    if (r < 0) {
        return r;
    }
    serve_rules_apply(serve, serve->config, rules);
    api_track_queries(serve->api, fs_real(),
                      fs_path(&serve->arena, flags_text(&serve->flags, SERVE_FLAG_TSDB_PATH).ptr,
                              "queries.active"));
    atomic_store_explicit(&serve->queryable, remote_read_queryable(serve->read),
                          memory_order_release);
    self_set(SELF_READY, 1);
    return 0;
}

/* Waits for SIGTERM, SIGINT or /-/quit; reloads at SIGHUP and, when asked to, when files change. */
static void wait_for_end(struct serve *serve, int signal_fd)
{
    struct pollfd waits[] = {{.fd = signal_fd, .events = POLLIN},
                             {.fd = serve->quit_fd, .events = POLLIN}};

    for (;;) {
        struct signalfd_siginfo info = {0};

        int ready = poll(waits, ARRAY_COUNT(waits), serve_watch_wait_ms(serve));

        if (ready == 0) {
            serve_watch_look(serve);
        }
        if (ready <= 0) {
            continue;
        }
        if (waits[1].revents != 0) {
            log_info("ending: asked by HTTP");
            return;
        }
        if (waits[0].revents == 0 || read(signal_fd, &info, sizeof(info)) != sizeof(info)) {
            continue;
        }
        if (info.ssi_signo != SIGHUP) {
            log_info("ending: signal received", log_int("signal", info.ssi_signo));
            return;
        }
        serve_watch_note(serve);
        (void)serve_reload(serve, NULL);
    }
}

static int shut_down(struct serve *serve, int status)
{
    struct baro_error err = {0};

    /* A reload that is under way ends first: later ones would find parts that are stopped. */
    lock_acquire(&serve->reload_lock);
    serve->is_ending = true;
    lock_release(&serve->reload_lock);
    serve_heartbeat_stop(serve);
    if (serve->scrape != NULL) {
        scrape_manager_stop(serve->scrape);
    }
    if (serve->rules != NULL) {
        rule_manager_stop(serve->rules);
    }
    serve_alerting_stop(serve);
    serve->server = http_server_free(serve->server);
    serve->web = server_web_unref(serve->web);
    serve->api = api_free(serve->api);
    serve->dash = dash_store_free(serve->dash);
    serve->rules = rule_manager_free(serve->rules);
    serve->crew = crew_free(serve->crew);
    serve_heartbeat_free(serve);
    serve_alerting_free(serve);
    serve_stores_stop(serve);
    serve->scrape = scrape_manager_free(serve->scrape);
    if (serve->tsdb != NULL && tsdb_close(serve->tsdb, &err) < 0) {
        log_error("storage did not close well", log_err(&err));
        status = 1;
    }
    serve_objstore_stop(serve);
    serve->config = prom_config_unref(serve->config);
    (void)close(serve->quit_fd);
    lock_done(&serve->config_lock);
    lock_done(&serve->reload_lock);
    serve_query_log_done(serve);
    lock_done(&serve->query_log_lock);
    arena_done(&serve->arena);
    return status;
}

static int refuse(const struct serve *serve, int code, struct baro_error *err)
{
    return error_set(err, code, "%s: not started: the configuration has faults",
                     serve->config_path);
}

/* A configuration file is read before anything is opened; the embedded one, which has no rules,
 * needs the port. */
static int load_config(struct serve *serve, struct serve_rules *rules, struct baro_error *err)
{
    struct prom_config *config = NULL;
    int r = serve_config_load(serve, true, &config, err);

    if (r < 0) {
        return serve->config_path != NULL ? refuse(serve, r, err) : r;
    }
    serve_config_set(serve, config);
    r = serve_rules_load(serve, serve->config, true, rules, err);
    return r < 0 ? refuse(serve, r, err) : 0;
}

/* Everything between the flags and the first target, in floor order. */
static int start(struct serve *serve, struct baro_error *err)
{
    bool has_file = serve->config_path != NULL;
    struct serve_rules rules = {0};
    struct serve_alerting alerting = {0};
    struct heartbeat_config *beats = NULL;
    int r = has_file ? load_config(serve, &rules, err) : 0;

    r = r >= 0 ? serve_alerting_load(serve, true, &alerting, err) : r;
    r = r >= 0 ? serve_heartbeat_load(serve, true, &beats, err) : r;
    r = r >= 0 ? load_web(serve, err) : r;
    r = r >= 0 ? open_dashboards(serve, err) : r;
    r = r >= 0 ? start_server(serve, err) : r;
    r = r >= 0 && !has_file ? load_config(serve, &rules, err) : r;
    r = r >= 0 ? serve_objstore_load(serve, err) : r;
    r = r >= 0 ? open_tsdb(serve, err) : r;
    r = r >= 0 ? serve_objstore_start(serve, err) : r;
    r = r >= 0 ? serve_stores_start(serve, err) : r;
    r = r >= 0 ? start_scraping(serve, err) : r;
    r = r >= 0 ? serve_alerting_start(serve, &alerting, err) : r;
    r = r >= 0 ? serve_heartbeat_start(serve, TAKE(beats), err) : r;
    r = r >= 0 ? start_rules(serve, &rules, err) : r;
    (void)heartbeat_config_free(beats);
    serve_alerting_done(&alerting);
    serve_rules_done(&rules);
    return r;
}

static int serve_until_end(struct serve *serve)
{
    struct baro_error err = {0};
    sigset_t signals;
    int signal_fd;

    /* Blocked before the first thread starts, so that every thread inherits it and the signals wait
     * for us here. */
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    raise_open_files();
    serve_watch_note(serve);
    if (start(serve, &err) < 0) {
        (void)close(signal_fd);
        return shut_down(serve, fail(&err));
    }
    log_info("ready to serve", log_int("port", http_server_port(serve->server, 0)),
             log_c("version", BAROGRAPH_VERSION));
    (void)printf("barograph: %s://127.0.0.1:%u%s/\n",
                 serve->web != NULL && server_web_has_tls(serve->web) ? "https" : "http",
                 http_server_port(serve->server, 0), serve->prefix);
    (void)fflush(stdout);
    wait_for_end(serve, signal_fd);
    (void)close(signal_fd);
    return shut_down(serve, 0);
}

int command_serve(int argc, char **argv)
{
    static struct serve serve;
    struct baro_error err = {0};
    int r = flags_parse(&serve.flags, rows, ARRAY_COUNT(rows), argc, argv, &err);

    if (r >= 0 && serve.flags.help) {
        return flags_usage(&serve.flags, "serve [FLAGS]", summary);
    }
    if (r >= 0 && flags_bool(&serve.flags, SERVE_FLAG_VERSION)) {
        version_print();
        return 0;
    }
    if (r >= 0 && serve.flags.arg_count > 0) {
        r = error_set(&err, BARO_EUSAGE, "unexpected argument \"%.*s\": see barograph serve --help",
                      STR_ARG(serve.flags.args[0]));
    }
    if (r >= 0) {
        r = set_up_log(&serve.flags, &err);
    }
    if (r >= 0) {
        r = serve_features_parse(&serve, &err);
    }
    if (r >= 0) {
        r = serve_remote_check(&serve, &err);
    }
    if (r >= 0) {
        r = serve_url_read(&serve, &err);
    }
    if (r < 0) {
        return fail(&err);
    }
    lock_init(&serve.reload_lock, LOCK_APP);
    lock_init(&serve.query_log_lock, LOCK_LEAF);
    lock_init(&serve.config_lock, LOCK_CONFIG);
    serve.start_time = clock_now(clock_real());
    serve.quit_fd = eventfd(0, EFD_CLOEXEC);
    serve.config_path = flags_text(&serve.flags, SERVE_FLAG_CONFIG_FILE).ptr;
    if (!serve.flags.given[SERVE_FLAG_CONFIG_FILE] && access(serve.config_path, F_OK) != 0) {
        serve.config_path = NULL;
    }
    describe_flags(&serve);
    return serve_until_end(&serve);
}
