#include "studio.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svc_metrics.h"

static struct studio studio = {
    .data = "studio-data",
    .cpu = "host",
    .gpu = "auto",
    .workers = 2,
    .queue_max = 32,
    .jobs_kept = 500,
    .images_kept = 500,
    .cache_mb = 128,
};

static const struct svc_option options[] = {
    {"data", "DIR", SVC_OPTION_TEXT, &studio.data, 0, 0,
     "where pictures, results and jobs are kept"},
    {"workers", "N", SVC_OPTION_INT, &studio.workers, 1, 16, "3D generations at a time"},
    {"queue", "N", SVC_OPTION_INT, &studio.queue_max, 1, 200, "jobs of each kind that may wait"},
    {"keep-jobs", "N", SVC_OPTION_INT, &studio.jobs_kept, 1, 100000, "jobs kept; older ones go"},
    {"keep-images", "N", SVC_OPTION_INT, &studio.images_kept, 1, 100000, "pictures kept"},
    {"cache", "MB", SVC_OPTION_INT, &studio.cache_mb, 1, 4096, "memory for cached results"},
    {"disk-quota", "MB", SVC_OPTION_INT, &studio.disk_quota_mb, 0, 1e9,
     "what DIR may hold, and what disk_usage_bytes is about; 0 = its file system"},
    {"memory-limit", "MB", SVC_OPTION_INT, &studio.memory_limit_mb, 0, 1e9,
     "what memory_usage_bytes of this process is held against; 0 = the host and its memory"},
    {"cpu", "host|simulated", SVC_OPTION_TEXT, &studio.cpu, 0, 0,
     "what cpu_usage_percent is about; simulated processors are as busy as --fault=busy-cpu says"},
    {"gpu", "auto|none|simulated", SVC_OPTION_TEXT, &studio.gpu, 0, 0,
     "GPU gauges: by NVML when there is one, none, or a software device, to see dashboards"},
};

static const char *const stage_names[] = {"image_loading",    "image_preprocessing",
                                          "shape_generation", "texture_synthesis",
                                          "mesh_export",      NULL};

static const struct svc_fault_def faults[FAULT_COUNT] = {
    [FAULT_BAD_MESH] = {"bad-mesh", "share", 0, 1, 1, NULL,
                        "meshes lose a triangle: quality_manifold_rate falls"},
    [FAULT_BUSY_CPU] = {"busy-cpu", "percent", 0, 100, 97, NULL,
                        "that is how busy simulated processors are (see --cpu): HighCPUUsage, "
                        "CriticalCPUUsage"},
    [FAULT_CPU_BURN] = {"cpu-burn", "percent", 1, 100, 100, NULL,
                        "every core works that much: HighCPUUsage, CriticalCPUUsage"},
    [FAULT_CRASH] = {"crash", "seconds", 0.1, 86400, 30, NULL,
                     "the process ends that much later: ApplicationDown"},
    [FAULT_DISK_FILL] = {"disk-fill", "share", 0, 1, 0.9, NULL,
                         "that much of --disk-quota is used up: LowDiskSpace"},
    [FAULT_ERRORS] = {"errors", "share", 0, 1, 0.5, NULL,
                      "requests are answered 500: HighErrorRate, CriticalErrorRate"},
    [FAULT_FAIL_STAGE] = {"fail-stage", "share", 0, 1, 0.5, stage_names,
                          "generations fail: HighGenerationFailureRate"},
    [FAULT_FLOOD] = {"flood", "requests a second", 1, 1000, 50, NULL,
                     "a client asks beyond the rate limit: PossibleDDoS"},
    [FAULT_MEMORY_BALLAST] = {"memory-ballast", "MB", 1, 4096, 256, NULL,
                              "memory is taken (see --memory-limit): HighMemoryUsage, "
                              "CriticalMemoryUsage"},
    [FAULT_SLOW_HTTP] = {"slow-http", "seconds", 0, 300, 35, NULL,
                         "requests take longer: HighLatency, CriticalLatency"},
    [FAULT_SLOW_STAGE] = {"slow-stage", "seconds", 0, 600, 40, stage_names,
                          "stages take longer; with \"wait\" so do requests: HighLatency"},
};

/* ---- the simulated GPU ---- */

static double busy_share(void *context)
{
    struct studio *it = context;

    return it->pools[JOB_GENERATE_3D] == NULL
               ? 0
               : (double)svc_pool_running(it->pools[JOB_GENERATE_3D]) / (double)it->workers;
}

static uint64_t held_bytes(void *context)
{
    return ((struct studio *)context)->held_bytes;
}

/* ---- life ---- */

static int find_gpu_mode(enum gpu_mode *ret, struct svc_error *err)
{
    static const char *const names[] = {"auto", "none", "simulated"};

    for (size_t i = 0; i < 3; i++) {
        if (strcmp(studio.gpu, names[i]) == 0) {
            *ret = (enum gpu_mode)i;
            return 0;
        }
    }
    return svc_fail(err, -EINVAL, "--gpu=%.40s: give auto, none or simulated", studio.gpu);
}

/* What simulated processors show; below 0 where it is about the host's. */
static int find_cpu_percent(double *ret, struct svc_error *err)
{
    enum { CALM_PERCENT = 5 };

    if (strcmp(studio.cpu, "host") != 0 && strcmp(studio.cpu, "simulated") != 0) {
        return svc_fail(err, -EINVAL, "--cpu=%.40s: give host or simulated", studio.cpu);
    }
    *ret = CALM_PERCENT;
    (void)svc_fault_on(svc_faults(studio.svc), FAULT_BUSY_CPU, NULL, ret);
    *ret = strcmp(studio.cpu, "host") == 0 ? -1 : *ret;
    return 0;
}

static int start_metrics(struct svc_error *err)
{
    struct baro_why why = {{0}};

    if (orfeas_register_why(NULL, &why) < 0 && baro_enabled()) {
        return svc_fail(err, -EINVAL, "metrics: %.200s", why.text);
    }
    orfeas_app_info_set("studio", BARO_VERSION);
    /* What may be seen as zero from the start. */
    orfeas_quality_manifold_rate_set(0);
    orfeas_quality_printable_rate_set(0);
    for (size_t i = 0; i < ORFEAS_JOB_TYPE_COUNT; i++) {
        orfeas_active_jobs_set(orfeas_job_type_at(i), 0);
        orfeas_job_queue_size_set(orfeas_job_type_at(i), 0);
    }
    return 0;
}

static int start_pool(enum job_type type, const char *name, unsigned threads, struct svc_error *err)
{
    struct svc_pool_options pool = {.name = name,
                                    .thread_count = threads,
                                    .queue_max = (size_t)studio.queue_max,
                                    .run = pipeline_run,
                                    .drop = pipeline_drop,
                                    .context = &studio};

    return svc_pool_new(&pool, &studio.pools[type], err);
}

static int start_store(enum gpu_mode gpu, struct svc_error *err)
{
    struct store_options store = {.directory = studio.data,
                                  .quota_bytes = (uint64_t)studio.disk_quota_mb << 20,
                                  .jobs_kept = studio.jobs_kept,
                                  .images_kept = studio.images_kept};
    struct gauges_options gauges = {.cpu_percent = -1,
                                    .gpu = gpu,
                                    .memory_limit_bytes = (uint64_t)studio.memory_limit_mb << 20,
                                    .busy = busy_share,
                                    .held = held_bytes,
                                    .context = &studio};
    int r = find_cpu_percent(&gauges.cpu_percent, err);

    r = r < 0 ? r : store_open(&store, &studio.store, err);
    gauges.store = studio.store;
    r = r < 0 ? r : gauges_new(&gauges, &studio.gauges, err);
    studio.jobs = jobs_new();
    studio.cache = cache_new((size_t)studio.cache_mb << 20);
    if (r == 0 && (studio.jobs == NULL || studio.cache == NULL)) {
        return svc_fail(err, -ENOMEM, "studio: out of memory");
    }
    return r;
}

static void stop(void *context)
{
    (void)context;
    chaos_stop(&studio);
    if (studio.jobs != NULL) {
        jobs_cancel_all(studio.jobs); /* what did not end in the time for draining */
    }
    for (size_t i = 0; i < JOB_TYPE_COUNT; i++) {
        svc_pool_stop(studio.pools[i]);
    }
    svc_ws_stop(studio.ws);
}

static void done(void *context)
{
    (void)context;
    for (size_t i = 0; i < JOB_TYPE_COUNT; i++) {
        studio.pools[i] = svc_pool_free(studio.pools[i]);
    }
    studio.ws = svc_ws_free(studio.ws);
    studio.gauges = gauges_free(studio.gauges);
    studio.cache = cache_free(studio.cache);
    studio.jobs = jobs_free(studio.jobs);
    studio.store = store_close(studio.store);
}

static int start(void *context, struct svc *svc, struct svc_error *err)
{
    struct svc_ws_options ws = progress_hooks(&studio);
    enum gpu_mode gpu = GPU_AUTO;
    int r = find_gpu_mode(&gpu, err);

    studio.svc = svc;
    r = r < 0 ? r : start_metrics(err);
    r = r < 0 ? r : start_store(gpu, err);
    r = r < 0 ? r : svc_ws_new(&ws, &studio.ws, err);
    r = r < 0 ? r : start_pool(JOB_GENERATE_3D, "studio 3d", (unsigned)studio.workers, err);
    r = r < 0 ? r : start_pool(JOB_TEXT_TO_IMAGE, "studio image", 1, err);
    r = r < 0 ? r : chaos_start(&studio, err);
    if (r < 0) {
        stop(context);
        done(context);
        return r;
    }
    gauges_update(studio.gauges);
    return 0;
}

static void tick(void *context)
{
    (void)context;
    gauges_update(studio.gauges);
}

static bool drain(void *context, double seconds)
{
    int64_t start_ns = svc_mono_ns();
    bool all = true;

    (void)context;
    for (size_t i = 0; i < JOB_TYPE_COUNT; i++) {
        double left_s = fmax(0, seconds - svc_since_s(start_ns));

        all = (studio.pools[i] == NULL || svc_pool_drain(studio.pools[i], left_s)) && all;
    }
    return all;
}

static bool health(void *context, json_t *components)
{
    struct svc_error err = {{0}};
    bool is_well = store_ping(studio.store, &err) == 0;

    (void)context;
    (void)json_object_set_new(components, "database",
                              json_string(is_well ? "healthy" : "unhealthy"));
    (void)json_object_set_new(
        components, "queue",
        json_string(svc_pool_waiting(studio.pools[JOB_GENERATE_3D]) < (size_t)studio.queue_max
                        ? "healthy"
                        : "full"));
    return is_well;
}

/* ---- requests ---- */

static orfeas_method method_label(const char *text)
{
    orfeas_method method = ORFEAS_METHOD_OTHER;

    (void)orfeas_method_from(text, &method);
    return method;
}

static void begun(void *context, const struct svc_request *request)
{
    (void)context;
    track_request_begin(request->endpoint);
}

static void answered(void *context, const struct svc_request *request,
                     const struct svc_answered *how)
{
    char status[8];

    (void)context;
    (void)snprintf(status, sizeof(status), "%d", how->status);
    track_request_metrics(method_label(request->method), request->endpoint, status, how->seconds);
    orfeas_http_request_size_bytes_observe((double)how->request_bytes);
    orfeas_http_response_size_bytes_observe((double)how->response_bytes);
    if (how->status >= 500) {
        orfeas_errors_total_inc(how->error_type != NULL ? how->error_type : "internal",
                                request->endpoint);
    }
}

static void limited(void *context, const struct svc_request *request)
{
    (void)context;
    orfeas_rate_limit_rejections_total_inc(request->endpoint);
}

int main(int argc, char **argv)
{
    const struct svc_service service = {
        .name = "studio",
        .summary = "pictures become reliefs to look at and to print; words become pictures",
        .examples = "  studio --listen=127.0.0.1:5000 --data=/var/tmp/studio\n"
                    "  curl -F image=@cat.png http://127.0.0.1:5000/api/upload-image\n"
                    "  curl -d '{\"prompt\": \"a green dragon\", \"art_style\": \"cartoon\", "
                    "\"wait\": 10}' \\\n"
                    "       http://127.0.0.1:5000/api/text-to-image\n"
                    "  curl -d '{\"image_id\": \"...\", \"format\": \"stl\", \"wait\": 60}' \\\n"
                    "       http://127.0.0.1:5000/api/generate-3d\n"
                    "  studio --fault=slow-stage:shape_generation=40 --fault=errors:0.2\n",
        .listen = "127.0.0.1:5000",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .faults = faults,
        .fault_count = FAULT_COUNT,
        .routes = studio_routes,
        .route_count = studio_route_count,
        .context = &studio,
        .body_bytes_max = (size_t)24 << 20,
        .rate = 20,
        .burst = 40,
        .start = start,
        .tick = tick,
        .drain = drain,
        .stop = stop,
        .done = done,
        .health = health,
        .begun = begun,
        .answered = answered,
        .limited = limited,
        .metrics = svc_metrics_handle,
        .metrics_path = svc_metrics_path(NULL),
    };

    return svc_run(&service, argc, argv);
}
