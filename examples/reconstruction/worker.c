/* The worker: claims jobs, reconstructs, keeps the results, tells Prometheus and StatsD. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service.h"

#define POLL_S 0.2 /* how late a queued job is noticed */
#define BEAT_S 1.0 /* of signs of life; well below the least lease */

struct workers {
    struct service *service;
    pthread_t threads[WORKERS_MAX];
    size_t count;
    _Atomic bool is_closed, is_canceled; /* no new jobs; end those that run */
    _Atomic int running;
    _Atomic bool is_silent;
    pthread_t beat;
    bool has_beat;
    _Atomic int64_t polled_ns; /* when a thread last asked for work: the sign of life */
};

/* One job's work. */
struct task {
    struct service *service;
    struct db_job job;
    struct request_options options;
    struct svc_bytes photos[PHOTOS_MAX];
    size_t photo_count;
    int64_t start_ns;
    char failed_stage[32];
};

void photo_key(const char *job_id, size_t i, char ret[KEY_SIZE])
{
    (void)snprintf(ret, KEY_SIZE, "jobs/%s/photos/%03zu", job_id, i);
}

void result_key(const char *job_id, const char *name, char ret[KEY_SIZE])
{
    (void)snprintf(ret, KEY_SIZE, "jobs/%s/results/%s", job_id, name);
}

static const char *error_word(int code)
{
    switch (code) {
    case -ENOENT:
        return "photo_missing";
    case -ENOTSUP:
        return "unknown_format";
    case -EINVAL:
        return "photo_broken";
    case -EFBIG:
        return "too_large";
    case -EDOM:
        return "inconsistent";
    case -ENOMEM:
        return "out_of_memory";
    case -ECANCELED:
        return "canceled";
    case -EREMOTEIO:
        return "injected";
    default:
        return "io";
    }
}

/* The process's resident bytes, from the second number of statm. */
static double resident_bytes(void)
{
    struct svc_bytes text = {0};
    char *end = NULL;
    double pages = 0;

    if (svc_file_read("/proc/self/statm", 4096, &text, NULL) == 0) {
        text.max = 4097;
        svc_bytes_put(&text, "", 1);
        (void)strtoull((const char *)text.ptr, &end, 10);
        pages = (double)strtoull(end, NULL, 10);
    }
    svc_bytes_done(&text);
    return pages * (double)sysconf(_SC_PAGESIZE);
}

/* ---- hooks of the stages ---- */

static int on_begin(void *context, e2e3d_stage stage, struct svc_error *err)
{
    struct task *task = context;
    struct workers *workers = task->service->workers;
    const struct svc_faults *faults = svc_faults(task->service->svc);
    const char *name = e2e3d_stage_text(stage);
    double seconds = 0;

    statsd_count(task->service->statsd, "ti.start.reconstruction.%s", name);
    if (svc_fault_on(faults, FAULT_SLOW_STAGE, name, &seconds)) {
        (void)svc_sleep_s(seconds, &workers->is_canceled);
    }
    if (workers->is_canceled) {
        return svc_fail(err, -ECANCELED, "the worker is ending");
    }
    if (svc_fault_chance(faults, FAULT_FAIL_STAGE, name)) {
        return svc_fail(err, -EREMOTEIO, "%s: failed by --fault=fail-stage", name);
    }
    return 0;
}

static void on_end(void *context, e2e3d_stage stage, double seconds, double cpu_seconds)
{
    struct task *task = context;
    const char *name = e2e3d_stage_text(stage);

    track_stage(stage, task->job.dataset_type, seconds, resident_bytes(), cpu_seconds);
    statsd_timing(task->service->statsd, seconds, "dag.reconstruction.%s.duration", name);
    statsd_count(task->service->statsd, "ti.finish.reconstruction.%s.success", name);
    statsd_count(task->service->statsd, "ti_successes");
}

static void on_failed(void *context, e2e3d_stage stage, int code)
{
    struct task *task = context;
    const char *name = e2e3d_stage_text(stage);

    (void)snprintf(task->failed_stage, sizeof(task->failed_stage), "%s", name);
    if (code != -ECANCELED) {
        track_stage_error(stage, error_word(code));
        statsd_count(task->service->statsd, "ti.finish.reconstruction.%s.failed", name);
        statsd_count(task->service->statsd, "ti_failures");
    }
}

/* ---- one job ---- */

/* Photos of a known body, as PNG, as if they had been sent. */
static int draw_photos(struct task *task, struct svc_error *err)
{
    enum { SIDE = 192 };
    const struct request_options *options = &task->options;
    int r = 0;

    for (long i = 0; i < options->views && i < PHOTOS_MAX && r == 0; i++) {
        double angle = 2 * 3.14159265358979 * (double)i / (double)options->views;
        double elevation = options->recon.elevation_deg * 3.14159265358979 / 180;
        struct view view = view_of(options->recon.is_clockwise ? -angle : angle, elevation);
        struct image image = {0};

        if (task->service->workers->is_canceled) {
            return svc_fail(err, -ECANCELED, "the worker is ending");
        }
        r = solid_photo(options->solid, &view, SIDE, options->noise, &image, err);
        r = r < 0 ? r : image_png_write(&image, &task->photos[i], err);
        image_done(&image);
        task->photo_count += r == 0;
    }
    return r;
}

static int fetch_photos(struct task *task, struct svc_error *err)
{
    char key[KEY_SIZE];
    int r = 0;

    for (size_t i = 0; i < task->options.photo_count && i < PHOTOS_MAX && r == 0; i++) {
        photo_key(task->job.id, i, key);
        r = objects_get(task->service->objects, key, PHOTO_BYTES_MAX, &task->photos[i], err);
        task->photo_count += r == 0;
    }
    return r;
}

static int keep_results(struct task *task, struct recon_result *result, struct svc_error *err)
{
    char key[KEY_SIZE];
    int r = 0;

    for (size_t i = 0; i < result->file_count && r == 0; i++) {
        const struct svc_bytes *bytes = &result->files[i].bytes;

        result_key(task->job.id, result->files[i].name, key);
        r = objects_put(task->service->objects, key, bytes->ptr, bytes->len, err);
    }
    return r;
}

static json_t *result_json(const struct task *task, const struct recon_result *result)
{
    json_t *files = json_array();

    for (size_t i = 0; i < result->file_count; i++) {
        char url[128];

        (void)snprintf(url, sizeof(url), "/api/job/%s/files/%s", task->job.id,
                       result->files[i].name);
        (void)json_array_append_new(
            files, json_pack("{s:s, s:I, s:s}", "name", result->files[i].name, "bytes",
                             (json_int_t)result->files[i].bytes.len, "url", url));
    }
    return json_pack("{s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:b, s:f, s:o}", "photos",
                     (json_int_t)result->photos, "points", (json_int_t)result->points, "faces",
                     (json_int_t)result->faces, "volume", result->volume, "consistency",
                     result->consistency, "agreement", result->agreement, "mesh_quality",
                     result->mesh_quality, "quality", result->quality, "closed", result->is_closed,
                     "seconds", svc_since_s(task->start_ns), "files", files);
}

static void observe_result(const struct task *task, const struct recon_result *result)
{
    const char *type = task->job.dataset_type;

    e2e3d_reconstruction_point_cloud_size_observe(type, (double)result->points);
    e2e3d_reconstruction_mesh_face_count_observe(type, (double)result->faces);
    e2e3d_reconstruction_quality_score_observe(type, result->quality);
    e2e3d_reconstruction_mesh_quality_score_observe(type, result->mesh_quality);
    e2e3d_reconstruction_texture_resolution_pixels_observe(type, (double)result->texture_pixels);
    e2e3d_reconstruction_point_cloud_density_observe(type, (double)result->points / 1000);
}

static int reconstruct(struct task *task, struct svc_error *err)
{
    const struct recon_hooks hooks = {
        .begin = on_begin, .end = on_end, .failed = on_failed, .context = task};
    struct recon_result result = {0};
    int r = task->options.photo_count == 0 ? draw_photos(task, err) : fetch_photos(task, err);

    r = r < 0 ? r
              : recon_run(task->photos, task->photo_count, &task->options.recon, &hooks, &result,
                          err);
    r = r < 0 ? r : keep_results(task, &result, err);
    if (r == 0) {
        observe_result(task, &result);
        json_decref(task->job.result);
        task->job.result = result_json(task, &result);
    }
    recon_result_done(&result);
    return r;
}

/* Tells the database, Prometheus and StatsD how it ended. A canceled job goes back into the queue.
 */
static void finish(struct task *task, int code, const struct svc_error *why)
{
    double seconds = svc_since_s(task->start_ns);
    bool is_done = code == 0;
    struct svc_error err = {{0}};

    (void)snprintf(task->job.state, sizeof(task->job.state), "%s",
                   is_done              ? "done"
                   : code == -ECANCELED ? "queued"
                                        : "failed");
    if (!is_done) {
        json_decref(task->job.result);
        task->job.result =
            code == -ECANCELED
                ? json_object()
                : json_pack("{s:s, s:s, s:s, s:f}", "error", error_word(code), "stage",
                            task->failed_stage, "message", why->text, "seconds", seconds);
    }
    if (code != -ECANCELED) {
        track_job_end(task->job.dataset_type, is_done, seconds);
        statsd_timing(task->service->statsd, seconds, "dagrun.duration.%s.reconstruction",
                      is_done ? "success" : "failed");
    }
    if (db_job_update(task->service->db, &task->job, &err) < 0) {
        svc_log("error", "the job's end is not stored", "job", task->job.id, "error", err.text,
                NULL);
    }
    svc_log(is_done ? "info" : "warn", "job ended", "job", task->job.id, "state", task->job.state,
            "error", is_done ? "" : why->text, NULL);
}

static void do_job(struct service *service, const struct db_job *job)
{
    struct task *task = calloc(1, sizeof(*task));
    struct svc_error err = {{0}};
    int r;

    if (task == NULL) {
        return; /* it stays running in the table until its lease is over */
    }
    task->service = service;
    task->job = *job;
    task->start_ns = svc_mono_ns();
    options_read(job->options, &task->options);
    r = reconstruct(task, &err);
    finish(task, r, &err);
    for (size_t i = 0; i < PHOTOS_MAX; i++) {
        svc_bytes_done(&task->photos[i]);
    }
    db_job_done(&task->job);
    free(task);
}

static void *worker_thread(void *context)
{
    struct workers *workers = context;
    struct service *service = workers->service;

    while (!workers->is_closed) {
        struct db_job job = {.options = NULL};
        struct svc_error err = {{0}};
        int r = db_job_claim(service->db, &job, &err);

        if (r >= 0) {
            workers->polled_ns = svc_mono_ns();
        }
        if (r == 1) {
            workers->running++;
            do_job(service, &job);
            workers->running--;
        } else {
            (void)svc_sleep_s(POLL_S, &workers->is_closed);
        }
    }
    return NULL;
}

/* Says that this process lives, and looks for those of whom nobody hears: once a second. Jobs that
 * are running stay alive to the end of the threads, so that draining is no death. */
static void *beat_thread(void *context)
{
    struct workers *workers = context;
    struct service *service = workers->service;

    while (!workers->is_silent) {
        struct svc_error err = {{0}};

        if (db_beat(service->db, &err) < 0 || db_reclaim(service->db, service->lease_s, &err) < 0) {
            svc_log("warn", "no sign of life", "error", err.text, NULL);
        }
        (void)svc_sleep_s(BEAT_S, &workers->is_silent);
    }
    return NULL;
}

int workers_start(struct service *service, struct svc_error *err)
{
    struct workers *workers = calloc(1, sizeof(*workers));

    if (workers == NULL) {
        return svc_fail(err, -ENOMEM, "workers: out of memory");
    }
    service->workers = workers;
    workers->service = service;
    workers->polled_ns = svc_mono_ns();
    workers->has_beat = pthread_create(&workers->beat, NULL, beat_thread, workers) == 0;
    if (!workers->has_beat) {
        return svc_fail(err, -EAGAIN, "workers: no more threads");
    }
    for (long i = 0; i < service->worker_count; i++) {
        int r = pthread_create(&workers->threads[i], NULL, worker_thread, workers);

        if (r != 0) {
            return svc_fail(err, -r, "workers: no more threads: %s", strerrordesc_np(r));
        }
        workers->count++;
    }
    return 0;
}

bool workers_drain(struct service *service, double drain_s)
{
    struct workers *workers = service->workers;
    int64_t start_ns = svc_mono_ns();

    if (workers == NULL) {
        return true;
    }
    workers->is_closed = true;
    while (workers->running > 0 && svc_since_s(start_ns) < drain_s) {
        (void)svc_sleep_s(0.05, NULL);
    }
    return workers->running == 0;
}

void workers_free(struct service *service)
{
    struct workers *workers = service->workers;

    if (workers == NULL) {
        return;
    }
    workers->is_closed = true;
    workers->is_canceled = true;
    for (size_t i = 0; i < workers->count; i++) {
        (void)pthread_join(workers->threads[i], NULL);
    }
    workers->is_silent = true;
    if (workers->has_beat) {
        (void)pthread_join(workers->beat, NULL);
    }
    free(workers);
    service->workers = NULL;
}

bool workers_are_well(struct service *service)
{
    const double silence_s = 10; /* while none is busy: fifty polls */

    return service->workers != NULL &&
           (service->workers->running > 0 || svc_since_s(service->workers->polled_ns) < silence_s);
}
