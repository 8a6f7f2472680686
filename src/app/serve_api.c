#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "alerting/heartbeat.h"
#include "base/text.h"
#include "app/serve_metrics.h"
#include "app/serve_priv.h"
#include "app/version.h"
#include "client/self.h"
#include "sys/clock.h"

/*
 * A query may hold 16 bytes for each of --query.max-samples, and as much again for labels and
 * results. What small limits would leave is too little for label sets, hence the floor.
 */
enum { QUERY_SAMPLE_BYTES = 32, QUERY_BYTES_MIN = 64 << 20 };

static struct queryable *queryable(void *app)
{
    struct serve *serve = app;

    return atomic_load_explicit(&serve->queryable, memory_order_acquire);
}

void serve_engine_prepare(struct serve *serve)
{
    size_t samples = (size_t)flags_int(&serve->flags, SERVE_FLAG_QUERY_SAMPLES);
    size_t bytes = samples * QUERY_SAMPLE_BYTES;

    serve->engine = (struct engine_options){
        .lookback = flags_duration(&serve->flags, SERVE_FLAG_QUERY_LOOKBACK),
        .timeout = flags_duration(&serve->flags, SERVE_FLAG_QUERY_TIMEOUT),
        .samples_max = samples,
        .memory_bytes_max = bytes > QUERY_BYTES_MIN ? bytes : QUERY_BYTES_MIN,
        .per_step_stats = serve->features.per_step_stats,
        .crew = serve->crew,
        .features = serve->features.promql,
    };
}

void serve_engine(void *app, struct engine_options *ret)
{
    struct serve *serve = app;
    dur interval = atomic_load_explicit(&serve->evaluation_interval, memory_order_relaxed);

    *ret = serve->engine;
    ret->default_step = interval > 0 ? interval : DUR_MINUTE;
}

static bool is_open(const struct serve *serve)
{
    return atomic_load_explicit(&serve->queryable, memory_order_acquire) != NULL;
}

static void targets(void *app, struct arena *arena, str pool, struct scrape_targets *ret)
{
    struct serve *serve = app;

    *ret = (struct scrape_targets){0};
    if (is_open(serve)) {
        scrape_manager_targets(serve->scrape, arena, pool, ret);
    }
}

static void rules(void *app, struct arena *arena, struct rule_group_view **ret, size_t *ret_count)
{
    struct serve *serve = app;

    *ret_count = 0;
    if (is_open(serve)) {
        rule_manager_view(serve->rules, arena, ret, ret_count);
    }
}

static struct am *alerting(void *app)
{
    return atomic_load_explicit(&((struct serve *)app)->am, memory_order_acquire);
}

static void alertmanagers(void *app, struct arena *arena, struct api_alertmanagers *ret)
{
    struct serve *serve = app;
    struct am_sender *sender = atomic_load_explicit(&serve->sender, memory_order_acquire);

    *ret = (struct api_alertmanagers){0};
    if (sender != NULL) {
        am_sender_urls(sender, arena, &ret->active, &ret->active_count, &ret->dropped,
                       &ret->dropped_count);
    }
}

static struct heartbeats *heartbeats(void *app)
{
    struct serve *serve = app;

    return atomic_load_explicit(&serve->beats, memory_order_acquire);
}

static void metrics(void *app, struct buf *ret)
{
    struct serve *serve = app;
    struct am *am = atomic_load_explicit(&serve->am, memory_order_acquire);
    struct am_sender *sender = atomic_load_explicit(&serve->sender, memory_order_acquire);

    serve_metrics_write(serve, ret);
    if (am != NULL) {
        am_metrics_write(am, ret);
    }
    if (sender != NULL) {
        am_sender_metrics_write(sender, ret);
    }
    if (heartbeats(app) != NULL) {
        heartbeats_metrics_write(heartbeats(app), ret);
    }
}

static void metadata(void *app, struct arena *arena, str metric, struct matchers matchers,
                     size_t limit, struct scrape_metadata_list *ret)
{
    struct serve *serve = app;

    *ret = (struct scrape_metadata_list){0};
    if (is_open(serve)) {
        scrape_manager_metadata(serve->scrape, arena, metric, matchers, limit, ret);
    }
}

static int stats(void *app, struct arena *arena, size_t limit, struct tsdb_stats *ret,
                 struct baro_error *err)
{
    struct serve *serve = app;

    if (!is_open(serve)) {
        return error_set(err, BARO_EBUSY, "the write-ahead log is being replayed");
    }
    tsdb_stats(serve->tsdb, arena, limit, ret);
    return 0;
}

static void replay_status(void *app, struct tsdb_replay_status *ret)
{
    struct serve *serve = app;

    lock_acquire(&serve->config_lock);
    *ret = serve->replay;
    lock_release(&serve->config_lock);
}

static bool read_only(void *app, char ret_why[TSDB_READ_ONLY_BYTES])
{
    struct serve *serve = app;

    return is_open(serve) && tsdb_is_read_only(serve->tsdb, ret_why);
}

static int exemplars(void *app, struct arena *arena, struct matchers matchers, ts start, ts end,
                     struct tsdb_exemplar **ret, size_t *ret_count, struct baro_error *err)
{
    struct serve *serve = app;

    if (!is_open(serve)) {
        return error_set(err, BARO_EBUSY, "the write-ahead log is being replayed");
    }
    return tsdb_exemplars_select(serve->tsdb, arena, matchers, start, end, ret, ret_count, err);
}

static int delete_series(void *app, struct matchers matchers, ts start, ts end,
                         struct baro_error *err)
{
    return tsdb_delete(((struct serve *)app)->tsdb, matchers, start, end, err);
}

static int clean_tombstones(void *app, struct baro_error *err)
{
    return tsdb_clean_tombstones(((struct serve *)app)->tsdb, err);
}

static int snapshot(void *app, bool skip_head, char ret_name[TSDB_SNAPSHOT_NAME_BYTES],
                    struct baro_error *err)
{
    return tsdb_snapshot(((struct serve *)app)->tsdb, skip_head, ret_name, err);
}

static void blocks(void *app, struct json_writer *json)
{
    tsdb_blocks_write(((struct serve *)app)->tsdb, json);
}

static void config_text(void *app, struct buf *ret)
{
    CLEANUP(prom_config_unrefp) struct prom_config *config = serve_config_get(app);

    if (config != NULL) {
        prom_config_print(config, ret);
    }
}

static struct prom_config *running(void *app)
{
    return serve_config_get(app);
}

static str retention_text(struct serve *serve, struct arena *arena)
{
    CLEANUP(prom_config_unrefp) struct prom_config *config = serve_config_get(serve);
    struct retention retention = serve_retention(serve, config);
    struct buf text = {0};

    if (retention.time > 0) {
        dur_format(&text, retention.time);
    }
    if (retention.bytes > 0) {
        str size = config != NULL && prom_config_storage(config)->retention_size > 0
                       ? STR_NULL
                       : flags_text(&serve->flags, SERVE_FLAG_TSDB_RETENTION_SIZE);

        buf_c(&text, text.len > 0 ? " or " : "");
        if (size.len > 0) {
            buf_str(&text, size);
        } else {
            buf_printf(&text, "%lluB", (unsigned long long)retention.bytes);
        }
    }
    if (retention.percentage > 0) {
        buf_printf(&text, "%s%.2f%%", text.len > 0 ? " or " : "", retention.percentage);
    }
    return text_take(arena, &text);
}

static void runtime(void *app, struct arena *arena, struct api_runtime *ret)
{
    struct serve *serve = app;
    char text[4096];

    *ret = (struct api_runtime){.start_time = serve->start_time};
    lock_acquire(&serve->config_lock);
    ret->last_config_time = serve->config_time;
    ret->reload_success = serve->config_good;
    ret->last_try = serve->config_tried;
    lock_release(&serve->config_lock);
    ret->storage_retention = retention_text(serve, arena);
    /* Once queries are answered the URL is complete; until then another thread may write it. */
    if (queryable(serve) != NULL) {
        ret->external_url = str_from(serve->external_url);
    }
    ret->working_directory =
        getcwd(text, sizeof(text)) != NULL ? arena_str(arena, str_from(text)) : STR_NULL;
    if (gethostname(text, sizeof(text)) == 0) {
        text[sizeof(text) - 1] = '\0';
        ret->hostname = arena_str(arena, str_from(text));
    }
}

static void external_labels(void *app, struct arena *arena, struct labels *ret)
{
    CLEANUP(prom_config_unrefp) struct prom_config *config = serve_config_get(app);
    struct conf_pairs pairs =
        config != NULL ? prom_config_global(config)->external_labels : (struct conf_pairs){0};
    struct label *items = ARENA_ARRAY(arena, struct label, pairs.count + 1);

    for (size_t i = 0; i < pairs.count; i++) {
        items[i] = (struct label){arena_str(arena, pairs.items[i].name),
                                  arena_str(arena, pairs.items[i].value)};
    }
    *ret = labels_from_pairs(arena, items, pairs.count);
}

static int reload(void *app, struct baro_error *err)
{
    return serve_reload(app, err);
}

static void quit(void *app)
{
    struct serve *serve = app;

    (void)eventfd_write(serve->quit_fd, 1);
}

void serve_api_context(struct serve *serve, struct api_context *ret)
{
    const char *cors = flags_text(&serve->flags, SERVE_FLAG_WEB_CORS).ptr;

    *ret = (struct api_context){
        .app = serve,
        .clock = clock_real(),
        .queryable = queryable,
        .engine = serve_engine,
        .log_query = serve_query_log,
        .logs_queries = serve_logs_queries,
        .sources = {.targets = targets,
                    .metadata = metadata,
                    .tsdb_stats = stats,
                    .replay_status = replay_status,
                    .read_only = read_only,
                    .exemplars = exemplars,
                    .config = config_text,
                    .running = running,
                    .runtime = runtime,
                    .blocks = blocks,
                    .rules = rules,
                    .alertmanagers = alertmanagers,
                    .metrics = metrics,
                    .external_labels = external_labels},
        .build = {.version = BAROGRAPH_SPEAKS_PROMETHEUS,
                  .revision = "",
                  .branch = "",
                  .user = "",
                  .date = "",
                  .compiler = __VERSION__,
                  .program_version = BAROGRAPH_VERSION,
                  .program_revision = barograph_revision},
        .dash = serve->dash,
        .flags = serve->flag_texts,
        .flag_count = SERVE_FLAG_COUNT,
        .cors_origin = cors,
        .prefix = serve->prefix,
        .external_url = flags_text(&serve->flags, SERVE_FLAG_WEB_URL).ptr,
        .alerting_path = flags_text(&serve->flags, SERVE_FLAG_ALERTMANAGER_CONFIG).ptr,
        .enable_search = serve->features.search_api,
        .search_limit_max = (size_t)flags_int(&serve->flags, SERVE_FLAG_WEB_SEARCH),
        .enable_lifecycle = flags_bool(&serve->flags, SERVE_FLAG_WEB_LIFECYCLE),
        .alerting = alerting,
        .heartbeats = heartbeats,
        .reload = reload,
        .quit = quit,
    };
    serve_remote_context(serve, &ret->remote);
    if (flags_bool(&serve->flags, SERVE_FLAG_WEB_ADMIN)) {
        ret->admin = (struct api_admin){delete_series, clean_tombstones, snapshot};
    }
}
