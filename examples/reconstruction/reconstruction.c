#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "service.h"
#include "svc_metrics.h"

static struct service service = {
    .role_name = "all",
    .database = "sqlite:reconstruction.sqlite",
    .store = "reconstruction-objects",
    .statsd_address = "",
    .worker_url = "127.0.0.1:5001",
    .worker_count = 1,
    .queue_max = 200,
    .lease_s = 15,
};
static const char *photos_directory, *photos_shape = "figure";
static long photos_views = 24;
static double photos_elevation;

static const struct svc_option options[] = {
    {"role", "all|api|worker", SVC_OPTION_TEXT, &service.role_name, 0, 0,
     "the API (:5000), workers (:5001 by custom), or both in one process"},
    {"database", "URL", SVC_OPTION_TEXT, &service.database, 0, 0,
     "sqlite:PATH or postgresql://USER@HOST/NAME; API and workers share it"},
    {"objects", "DIR|URL", SVC_OPTION_TEXT, &service.store, 0, 0,
     "a directory, or s3+http://HOST:PORT/BUCKET with keys in AWS_*"},
    {"workers", "N", SVC_OPTION_INT, &service.worker_count, 1, WORKERS_MAX,
     "reconstructions at a time"},
    {"lease", "SECONDS", SVC_OPTION_NUMBER, &service.lease_s, 2, 3600,
     "after which the job of a worker of whom nobody hears is given to another"},
    {"queue", "N", SVC_OPTION_INT, &service.queue_max, 1, 100000, "jobs that may wait"},
    {"worker-url", "HOST:PORT", SVC_OPTION_TEXT, &service.worker_url, 0, 0,
     "whom the API asks for the workers' health"},
    {"statsd", "HOST:PORT", SVC_OPTION_TEXT, &service.statsd_address, 0, 0,
     "where events go as Airflow would send them; none by default"},
    {"make-photos", "DIR", SVC_OPTION_TEXT, &photos_directory, 0, 0,
     "draw a photo set of a known body into DIR, and end"},
    {"shape", "NAME", SVC_OPTION_TEXT, &photos_shape, 0, 0,
     "of it: sphere, torus, cube, vase, figure"},
    {"views", "N", SVC_OPTION_INT, &photos_views, PHOTOS_MIN, PHOTOS_MAX, "photos of it"},
    {"elevation", "DEGREES", SVC_OPTION_NUMBER, &photos_elevation, -60, 60,
     "of the camera over the horizon"},
};

static const char *const stage_names[] = {"feature_extraction",
                                          "feature_matching",
                                          "sparse_reconstruction",
                                          "dense_reconstruction",
                                          "meshing",
                                          "texturing",
                                          "export",
                                          NULL};

static const struct svc_fault_def faults[FAULT_COUNT] = {
    [FAULT_BUSY_HOST] = {"busy-host", "share", 0, 1, 0.97, NULL,
                         "the processors of the simulated host (GET " SVC_HOST_PATH ") are that "
                         "busy: HighCPUUsage"},
    [FAULT_CPU_BURN] = {"cpu-burn", "percent", 1, 100, 100, NULL,
                        "every core works that much: HighCPUUsage"},
    [FAULT_CRASH] = {"crash", "seconds", 0.1, 86400, 30, NULL, "the process ends that much later"},
    [FAULT_FAIL_STAGE] = {"fail-stage", "share", 0, 1, 0.5, stage_names,
                          "jobs fail: JobFailureRateHigh"},
    [FAULT_LOST_DATABASE] = {"lost-database", NULL, 0, 0, 0, NULL,
                             "queries fail: health is 500, jobs are refused"},
    [FAULT_LOST_STORAGE] = {"lost-storage", NULL, 0, 0, 0, NULL,
                            "the object store fails: health is 500, photos are refused"},
    [FAULT_LOST_WORKER] = {"lost-worker", NULL, 0, 0, 0, NULL,
                           "no worker answers: health is 500, jobs wait"},
    [FAULT_SLOW_HTTP] = {"slow-http", "seconds", 0, 60, 2, NULL,
                         "requests take longer: HighAPILatency"},
    [FAULT_SLOW_STAGE] = {"slow-stage", "seconds", 0, 600, 30, stage_names,
                          "stages take longer, jobs pile up"},
};

/* ---- photos for those who have no turntable ---- */

static int make_photos(struct svc_error *err)
{
    enum { SIDE = 192 };
    enum solid_kind kind = solid_find(photos_shape);
    int r = kind == SOLID_COUNT
                ? svc_fail(err, -EINVAL, "--shape=%.40s: give sphere, torus, cube, vase or figure",
                           photos_shape)
                : 0;

    if (r == 0 && mkdir(photos_directory, 0755) < 0 && errno != EEXIST) {
        return svc_fail(err, -errno, "--make-photos=%.100s: %s", photos_directory,
                        strerrordesc_np(errno));
    }
    for (long i = 0; i < photos_views && r == 0; i++) {
        struct view view = view_of(2 * 3.14159265358979 * (double)i / (double)photos_views,
                                   photos_elevation * 3.14159265358979 / 180);
        struct image image = {0};
        struct svc_bytes png = {0};
        char path[1024];

        (void)snprintf(path, sizeof(path), "%.900s/photo-%03ld.png", photos_directory, i);
        r = solid_photo(kind, &view, SIDE, 2, &image, err);
        r = r < 0 ? r : image_png_write(&image, &png, err);
        r = r < 0 ? r : svc_file_write(path, png.ptr, png.len, err);
        svc_bytes_done(&png);
        image_done(&image);
    }
    return r;
}

/* ---- life ---- */

static int find_role(enum role *ret)
{
    static const char *const names[ROLE_COUNT] = {"all", "api", "worker"};

    for (size_t i = 0; i < ROLE_COUNT; i++) {
        if (strcmp(names[i], service.role_name) == 0) {
            *ret = (enum role)i;
            return 0;
        }
    }
    return -EINVAL;
}

static double number(enum recon_fault fault)
{
    double value = 0;

    (void)svc_fault_on(svc_faults(service.svc), fault, NULL, &value);
    return value;
}

static int start_faults(struct svc_error *err)
{
    const struct svc_faults *on = svc_faults(service.svc);
    struct svc_chaos_options chaos = {
        .svc = service.svc, .burn_percent = number(FAULT_CPU_BURN), .crash_s = number(FAULT_CRASH)};

    service.host = (struct svc_host){
        .since_ns = svc_mono_ns(), .busy = SVC_HOST_BUSY, .disk_free = SVC_HOST_DISK_FREE};
    (void)svc_fault_on(on, FAULT_BUSY_HOST, NULL, &service.host.busy);
    service.is_database_lost = svc_fault_on(on, FAULT_LOST_DATABASE, NULL, NULL);
    service.is_storage_lost = svc_fault_on(on, FAULT_LOST_STORAGE, NULL, NULL);
    return svc_chaos_start(&chaos, &service.chaos, err);
}

static bool has_workers(void)
{
    return service.role != ROLE_API &&
           !svc_fault_on(svc_faults(service.svc), FAULT_LOST_WORKER, NULL, NULL);
}

static void stop(void *context)
{
    (void)context;
    service.chaos = svc_chaos_stop(service.chaos);
    workers_free(&service);
}

static void done(void *context)
{
    (void)context;
    service.statsd = statsd_close(service.statsd);
    service.objects = objects_close(service.objects);
    service.db = db_close(service.db);
}

static int start(void *context, struct svc *svc, struct svc_error *err)
{
    struct baro_why why = {{0}};
    int r = 0;

    service.svc = svc;
    if (e2e3d_register_why(NULL, &why) < 0 && baro_enabled()) {
        return svc_fail(err, -EINVAL, "metrics: %.200s", why.text);
    }
    r = db_open(service.database, &service.is_database_lost, &service.db, err);
    r = r < 0 ? r : objects_open(service.store, &service.is_storage_lost, &service.objects, err);
    r = r < 0 ? r : statsd_open(service.statsd_address, &service.statsd, err);
    r = r < 0 ? r : start_faults(err);
    if (r == 0 && service.role == ROLE_ALL && !service.is_database_lost) {
        r = db_requeue(service.db, err); /* of a run that ended without a word */
    }
    if (r == 0 && has_workers()) {
        r = workers_start(&service, err);
    }
    if (r < 0) {
        stop(context);
        done(context);
    }
    return r;
}

static void tick(void *context)
{
    long queued = 0;

    (void)context;
    if (db_job_count(service.db, "queued", &queued, NULL) == 0) {
        e2e3d_job_queue_depth_set((double)queued);
        statsd_gauge(service.statsd, (double)queued, "executor.queued_tasks");
    }
}

static bool drain(void *context, double seconds)
{
    (void)context;
    return workers_drain(&service, seconds);
}

/* A worker's health is its own; the API's is of all that it needs. */
static bool health(void *context, json_t *components)
{
    bool is_well;

    (void)context;
    if (service.role != ROLE_WORKER) {
        return api_health(&service, components);
    }
    is_well = workers_are_well(&service);
    (void)json_object_set_new(components, "reconstruction",
                              json_string(is_well ? "healthy" : "unhealthy"));
    return is_well;
}

static void answered(void *context, const struct svc_request *request,
                     const struct svc_answered *how)
{
    e2e3d_method method = E2E3D_METHOD_OTHER;

    (void)context;
    if (service.role == ROLE_WORKER) {
        return; /* a worker's port has no API */
    }
    (void)e2e3d_method_from(request->method, &method);
    track_api_request(method, request->endpoint,
                      how->status < 400 ? E2E3D_API_REQUESTS_TOTAL_STATUS_SUCCESS
                                        : E2E3D_API_REQUESTS_TOTAL_STATUS_ERROR,
                      how->seconds);
}

static struct svc_service frame = {
    .name = "reconstruction",
    .summary = "photos of a turning body become a point cloud and a mesh",
    .examples =
        "  reconstruction --listen=127.0.0.1:5000\n"
        "  reconstruction --make-photos=photos --shape=vase\n"
        "  curl $(for p in photos/*; do echo -F photos=@$p; done) -F dataset_type=vessel \\\n"
        "       http://127.0.0.1:5000/api/job\n"
        "  curl -d '{\"synthetic\": {\"shape\": \"torus\", \"views\": 36}}' "
        "http://127.0.0.1:5000/api/job\n"
        "  curl http://127.0.0.1:5000/api/job/ID?wait=30\n"
        "\nIn two processes:\n"
        "  reconstruction --role=worker --listen=127.0.0.1:5001 --statsd=127.0.0.1:8125\n"
        "  reconstruction --role=api --listen=127.0.0.1:5000 --worker-url=127.0.0.1:5001\n",
    .listen = "127.0.0.1:5000",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .faults = faults,
    .fault_count = FAULT_COUNT,
    .routes = api_routes,
    .context = &service,
    .body_bytes_max = BODY_BYTES_MAX,
    .rate = 50,
    .burst = 100,
    .unhealthy_status = 500,
    .start = start,
    .tick = tick,
    .drain = drain,
    .stop = stop,
    .done = done,
    .health = health,
    .answered = answered,
    .metrics = svc_metrics_handle,
};

static int fail(const struct svc_error *err, int status)
{
    (void)fprintf(stderr, "%s: %s\n", frame.name, err->text);
    return status;
}

int main(int argc, char **argv)
{
    static struct svc_settings settings;
    struct svc_error err = {{0}};
    int r;

    frame.route_count = api_route_count;
    frame.metrics_path = svc_metrics_path(NULL);
    r = svc_args(&frame, argc, argv, &settings, &err);
    if (r != 0) {
        return r > 0 ? 0 : fail(&err, 2);
    }
    if (find_role(&service.role) < 0) {
        (void)svc_fail(&err, -EINVAL, "--role=%.40s: give all, api or worker", service.role_name);
        return fail(&err, 2);
    }
    if (photos_directory != NULL) {
        return make_photos(&err) < 0 ? fail(&err, 1) : 0;
    }
    frame.route_count = service.role == ROLE_WORKER ? 0 : api_route_count;
    return svc_run(&frame, argc, argv);
}
