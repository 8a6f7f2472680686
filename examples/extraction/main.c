/*
 * extraction: what is in DXF, STEP, IFC and PDF files: an API, workers that extract and one that
 * indexes, in one program and several processes. See README.md.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <baro/baro.h>

#include "api.h"
#include "faults.h"
#include "svc_metrics.h"
#include "telemetry.h"
#include "worker.h"

enum { PATH_SIZE = 400, STOP_S = 10, BODY_BYTES_MAX = 128 << 20, MASTERS = 2 };

static const char *role = "all";
static const char *data = "extraction-data";
static const char *database;
static const char *redis;
static const char *prefix = "pybase";
static const char *worker_listen = "127.0.0.1:9090";
static const char *search_listen = "127.0.0.1:9091";
static long workers = 2;
static long db_pool = 10;

static const struct svc_option options[] = {
    {"role", "NAME", SVC_OPTION_TEXT, &role, 0, 0,
     "what runs: all, api, extraction (workers), search (worker)"},
    {"data", "DIR", SVC_OPTION_TEXT, &data, 0, 0,
     "where files are kept, and the embedded database"},
    {"database", "URL", SVC_OPTION_TEXT, &database, 0, 0,
     "postgresql://... or a file of SQLite; default: in --data"},
    {"redis", "URL", SVC_OPTION_TEXT, &redis, 0, 0,
     "redis://... for queues and cache; default: embedded"},
    {"redis-prefix", "NAME", SVC_OPTION_TEXT, &prefix, 0, 0, "before all keys in Redis"},
    {"workers", "N", SVC_OPTION_INT, &workers, 1, WORKER_COUNT_MAX, "extraction workers"},
    {"worker-listen", "HOST:PORT", SVC_OPTION_TEXT, &worker_listen, 0, 0,
     "where the extraction workers' metrics are"},
    {"search-listen", "HOST:PORT", SVC_OPTION_TEXT, &search_listen, 0, 0,
     "where the search worker's metrics are"},
    {"db-pool", "N", SVC_OPTION_INT, &db_pool, 1, STORE_POOL_MAX,
     "database connections of the API"},
};

static char database_path[PATH_SIZE];
static char files_path[PATH_SIZE];
static char multiprocess_paths[MASTERS + 1][PATH_SIZE];
static struct queue_place tasks = {.name = "extraction"};
static struct queue_place search = {.name = "search"};
static struct queue_place events = {.name = "events"};
static struct worker_config configs[MASTERS];
static pid_t masters[MASTERS];
static struct api_context context;

static bool runs(const char *part)
{
    return strcmp(role, "all") == 0 || strcmp(role, part) == 0;
}

static int directory_make(const char *path, struct svc_error *err)
{
    if (mkdir(path, 0750) < 0 && errno != EEXIST) {
        return svc_fail(err, -errno, "%.150s: %s: give a directory that can be made", path,
                        strerrordesc_np(errno));
    }
    return 0;
}

/*
 * The roles are scraped one by one, so each has a directory of its own:
 * PROMETHEUS_MULTIPROC_DIR/ROLE. One figure stands behind one port, and sums over the three count
 * nothing twice.
 */
static int multiprocess_prepare(struct svc_error *err)
{
    static const char *const names[MASTERS + 1] = {"extraction", "search", "api"};
    const char *given = getenv("PROMETHEUS_MULTIPROC_DIR");
    char base[PATH_SIZE - 16];
    int r;

    given = given != NULL ? given : getenv("prometheus_multiproc_dir");
    if (given != NULL && given[0] != '\0') {
        (void)snprintf(base, sizeof(base), "%s", given);
    } else {
        (void)snprintf(base, sizeof(base), "%.300s/multiprocess", data);
    }
    r = directory_make(base, err);
    for (int i = 0; r == 0 && i <= MASTERS; i++) {
        (void)snprintf(multiprocess_paths[i], PATH_SIZE, "%s/%s", base, names[i]);
        if (runs(names[i])) {
            r = directory_make(multiprocess_paths[i], err);
            if (r == 0 && baro_multiprocess_reset(multiprocess_paths[i], NULL) < 0) {
                svc_log("debug", "no figures of an earlier run", "directory", multiprocess_paths[i],
                        NULL);
            }
        }
    }
    return r;
}

static int places_prepare(struct svc_error *err)
{
    int r = directory_make(data, err);

    (void)snprintf(files_path, sizeof(files_path), "%.300s/files", data);
    r = r < 0 ? r : directory_make(files_path, err);
    if (database == NULL) {
        (void)snprintf(database_path, sizeof(database_path), "%.300s/extraction.sqlite", data);
        database = database_path;
    }
    tasks.redis = search.redis = events.redis = redis;
    tasks.prefix = search.prefix = events.prefix = prefix;
    r = r < 0 ? r : queue_place_init(&tasks, err);
    r = r < 0 ? r : queue_place_init(&search, err);
    r = r < 0 ? r : queue_place_init(&events, err);
    return r < 0 ? r : multiprocess_prepare(err);
}

/* The workers need tables before the API has made them. */
static int tables_prepare(struct svc_error *err)
{
    struct store_options store_options = {.url = database};
    struct store *store = NULL;
    int r = store_open(&store_options, &store, err);

    r = r < 0 ? r : store_migrate(store, err);
    store = store_close(store);
    return r;
}

static int masters_start(const struct svc_faults *faults, struct svc_error *err)
{
    for (int i = 0; i < MASTERS; i++) {
        bool is_extraction = i == 0;

        configs[i] = (struct worker_config){
            .role = is_extraction ? WORKER_EXTRACTION : WORKER_SEARCH,
            .listen = is_extraction ? worker_listen : search_listen,
            .count = is_extraction ? workers : 1,
            .database = database,
            .files = files_path,
            .multiprocess = multiprocess_paths[i],
            .tasks = is_extraction ? &tasks : &search,
            .next = is_extraction ? &search : NULL,
            .events = &events,
            .faults = faults,
        };
        if (runs(worker_role_name(configs[i].role))) {
            masters[i] = worker_master_start(&configs[i], err);
            if (masters[i] < 0) {
                return masters[i];
            }
        }
    }
    return 0;
}

/* SIGTERM, some time, SIGKILL. */
static void masters_stop(void)
{
    for (int i = 0; i < MASTERS; i++) {
        (void)(masters[i] > 0 && kill(masters[i], SIGTERM));
    }
    for (int i = 0; i < MASTERS; i++) {
        int64_t begin = svc_mono_ns();

        while (masters[i] > 0 && waitpid(masters[i], NULL, WNOHANG) == 0) {
            if (svc_since_s(begin) > STOP_S) {
                (void)kill(masters[i], SIGKILL);
                (void)waitpid(masters[i], NULL, 0);
                break;
            }
            (void)svc_sleep_s(0.01, NULL);
        }
        masters[i] = 0;
    }
}

static int start(void *unused, struct svc *svc, struct svc_error *err)
{
    struct api_options api_options = {.database = database,
                                      .pool = db_pool,
                                      .files = files_path,
                                      .redis = redis,
                                      .prefix = prefix,
                                      .tasks = &tasks,
                                      .search = &search,
                                      .events = &events};

    (void)unused;
    return api_new(&api_options, svc, &context.api, err);
}

static bool health(void *unused, json_t *components)
{
    bool is_well = api_health(context.api, components);

    (void)unused;
    for (int i = 0; i < MASTERS; i++) {
        if (masters[i] > 0) {
            bool is_alive = kill(masters[i], 0) == 0;

            json_object_set_new(components, worker_role_name(configs[i].role),
                                json_string(is_alive ? "healthy" : "unhealthy"));
            is_well = is_well && is_alive;
        }
    }
    return is_well;
}

static void answered(void *unused, const struct svc_request *request,
                     const struct svc_answered *what)
{
    (void)unused;
    telemetry_request(request->method, request->endpoint, what->status, what->seconds);
}

static const struct svc_service *frame_make(void)
{
    static struct svc_service frame = {
        .name = "extraction",
        .summary = "takes out what is in DXF, STEP, IFC and PDF files",
        .examples = "  extraction --listen=127.0.0.1:8000 --data=/tmp/extraction\n"
                    "  curl -F file=@plan.dxf http://127.0.0.1:8000/api/v1/documents\n"
                    "  extraction --database=postgresql://localhost/pybase "
                    "--redis=redis://localhost:6379/0\n",
        .listen = "127.0.0.1:8000",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .faults = extraction_faults,
        .fault_count = FAULT_COUNT,
        .routes = api_routes,
        .context = &context,
        .body_bytes_max = BODY_BYTES_MAX,
        .start = start,
        .health = health,
        .answered = answered,
        .metrics = svc_metrics_handle,
    };

    frame.route_count = api_route_count;
    frame.metrics_path = svc_metrics_path("/api/v1/metrics");
    return &frame;
}

/* The API: as svc_run, with the faults that need an open port. */
static int api_run(const struct svc_service *frame, const struct svc_settings *settings,
                   struct svc_error *err)
{
    struct svc *svc = NULL;
    int r;

    (void)setenv("PROMETHEUS_MULTIPROC_DIR", multiprocess_paths[MASTERS], 1);
    baro_settings_reload();
    r = telemetry_start(err);
    r = r < 0 ? r : svc_start(frame, settings, &svc, err);
    if (r < 0) {
        return r;
    }
    (void)printf("extraction: listening on port %u\n", svc_port(svc));
    (void)fflush(stdout);
    api_faults(context.api, svc);
    svc_wait(svc);
    svc_finish(svc);
    api_stop(context.api);
    svc = svc_free(svc);
    context.api = api_free(context.api);
    svc_log("info", "ended", NULL);
    return 0;
}

/* Without an API: until a signal comes. */
static void workers_wait(void)
{
    sigset_t set;
    int got = 0;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigwait(&set, &got);
}

static int roles_check(struct svc_error *err)
{
    if (!runs("api") && !runs("extraction") && !runs("search")) {
        return svc_fail(err, -EINVAL, "--role=%.40s: there are all, api, extraction and search",
                        role);
    }
    if (strcmp(role, "all") != 0 && redis == NULL) {
        return svc_fail(err, -EINVAL,
                        "--role=%.40s: a single role needs --redis, by which it reaches the others",
                        role);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct svc_settings settings; /* outlives every thread */
    const struct svc_service *frame = frame_make();
    struct svc_error err = {0};
    int r;

    svc_signals_block();
    r = svc_args(frame, argc, argv, &settings, &err);
    if (r > 0) {
        return 0;
    }
    r = r < 0 ? r : roles_check(&err);
    r = r < 0 ? r : places_prepare(&err);
    r = r < 0 ? r : tables_prepare(&err);
    r = r < 0 ? r : masters_start(&settings.faults, &err);
    if (r == 0 && runs("api")) {
        r = api_run(frame, &settings, &err);
    } else if (r == 0) {
        workers_wait();
    }
    masters_stop();
    queue_place_done(&tasks);
    queue_place_done(&search);
    queue_place_done(&events);
    if (r < 0) {
        (void)fprintf(stderr, "extraction: %s\n", err.text);
        return r == -EINVAL ? 2 : 1;
    }
    return 0;
}
