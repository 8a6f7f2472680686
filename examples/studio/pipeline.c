/*
 * The work of a job. A 3D generation, in five stages: the picture is loaded, its background
 * removed, a relief raised, a texture made, the mesh checked and written. Each stage can be found
 * in the cache by the hash of what goes into it, and the whole result too.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "studio.h"

/* By quality: cells of the relief and pixels of the texture, along the longer side. */
static const struct {
    uint32_t cells, pixels;
} levels[QUALITY_COUNT] = {{64, 128}, {128, 256}, {256, 512}};

/* Everything that one generation holds. */
struct work {
    struct studio *studio;
    struct job *job;
    struct svc_bytes file; /* as uploaded */
    struct image image;    /* scaled */
    struct mask mask;
    struct relief relief;
    struct mesh_report report;
    struct image texture;
    struct texture_report texture_report;
    struct svc_bytes png;
    struct job_scores scores;
    struct job_file files[JOB_FILES_MAX];
    size_t file_count;
    size_t held; /* counted into studio->held_bytes */
};

/* ---- results in the cache: a head, the names, the bytes ---- */

struct model_head {
    struct job_scores scores;
    uint64_t file_count;
    struct job_file files[JOB_FILES_MAX];
};

static void hold(struct work *work, size_t bytes)
{
    work->held += bytes;
    work->studio->held_bytes += bytes;
}

/* A code of a failure as a word for labels. */
static const char *error_word(int code)
{
    switch (code) {
    case -ENOENT:
        return "image_missing";
    case -ENOTSUP:
        return "unknown_format";
    case -EINVAL:
        return "image_broken";
    case -EFBIG:
        return "too_large";
    case -EDOM:
        return "no_subject";
    case -ENOMEM:
        return "out_of_memory";
    case -ENOSPC:
        return "disk_full";
    case -ECANCELED:
        return "canceled";
    case -EREMOTEIO:
        return "injected";
    default:
        return "io";
    }
}

/* What a fault does to a stage: it sleeps, or it fails. A canceled job ends here, too. */
static int stage_faults(struct work *work, orfeas_pipeline_stage stage, struct svc_error *err)
{
    const struct svc_faults *faults = svc_faults(work->studio->svc);
    const char *name = orfeas_pipeline_stage_text(stage);
    double seconds = 0;

    if (svc_fault_on(faults, FAULT_SLOW_STAGE, name, &seconds)) {
        (void)svc_sleep_s(seconds, &work->job->is_cancel_asked);
    }
    if (work->job->is_cancel_asked) {
        return svc_fail(err, -ECANCELED, "canceled");
    }
    if (svc_fault_chance(faults, FAULT_FAIL_STAGE, name)) {
        return svc_fail(err, -EREMOTEIO, "%s: failed by --fault=fail-stage", name);
    }
    return 0;
}

/* ---- the stages ---- */

static int stage_load(struct work *work, struct svc_error *err)
{
    struct image whole = {0};
    int r = image_load(work->file.ptr, work->file.len, &whole, err);

    if (r == 0) {
        hold(work, (size_t)whole.width * whole.height * 4);
        r = image_scale(&whole, levels[work->job->request.quality].pixels, &work->image, err);
    }
    image_done(&whole);
    return r;
}

/* Looks a stage's result up; *ret_key is where to put it otherwise. */
static bool cached(struct work *work, const char *type, struct cache_key *ret_key,
                   struct svc_bytes *ret)
{
    char parameters[64];
    bool is_found;

    (void)snprintf(parameters, sizeof(parameters), "%s %s", type,
                   quality_name(work->job->request.quality));
    *ret_key = cache_key_of(work->file.ptr, work->file.len, parameters);
    is_found = cache_get(work->studio->cache, ret_key, ret);
    if (is_found) {
        orfeas_cache_hits_total_inc(type);
    } else {
        orfeas_cache_misses_total_inc(type);
    }
    return is_found;
}

/* A mask in the cache is the struct, and its pixels behind it. */
static bool mask_restore(const struct svc_bytes *bytes, struct mask *ret)
{
    struct mask mask;
    size_t count;

    if (bytes->len < sizeof(mask)) {
        return false;
    }
    memcpy(&mask, bytes->ptr, sizeof(mask));
    count = (size_t)mask.width * mask.height;
    mask.on = bytes->len == sizeof(mask) + count ? malloc(count) : NULL;
    if (mask.on == NULL) {
        return false;
    }
    memcpy(mask.on, bytes->ptr + sizeof(mask), count);
    *ret = mask;
    return true;
}

static int stage_preprocess(struct work *work, struct svc_error *err)
{
    struct svc_bytes bytes = {0};
    struct cache_key key;
    int r;

    if (cached(work, "mask", &key, &bytes) && mask_restore(&bytes, &work->mask)) {
        svc_bytes_done(&bytes);
        return 0;
    }
    svc_bytes_done(&bytes);
    r = mask_find(&work->image, &work->mask, err);
    if (r == 0) {
        size_t count = (size_t)work->mask.width * work->mask.height;

        bytes.max = sizeof(work->mask) + count;
        svc_bytes_put(&bytes, &work->mask, sizeof(work->mask));
        svc_bytes_put(&bytes, work->mask.on, count);
        if (!bytes.failed) {
            cache_put(work->studio->cache, &key, bytes.ptr, bytes.len);
        }
        svc_bytes_done(&bytes);
    }
    return r;
}

static int stage_shape(struct work *work, struct svc_error *err)
{
    const struct job_request *request = &work->job->request;
    struct relief_options options = {.cells = levels[request->quality].cells,
                                     .size_mm = request->size_mm,
                                     .relief_mm = request->relief_mm,
                                     .base_mm = request->base_mm,
                                     .is_cutout = request->is_cutout};
    int r = work->mask.coverage > 0
                ? relief_make(&work->image, &work->mask, &options, &work->relief, err)
                : svc_fail(err, -EDOM,
                           "shape: no subject was found: use a picture whose "
                           "background differs from it");

    if (r < 0) {
        return r;
    }
    if (svc_fault_chance(svc_faults(work->studio->svc), FAULT_BAD_MESH, NULL)) {
        work->relief.mesh.triangle_count--; /* a hole */
    }
    hold(work, work->relief.mesh.vertex_count * 20 + work->relief.mesh.triangle_count * 12);
    return mesh_check(&work->relief.mesh, &work->report, err);
}

static int stage_texture(struct work *work, struct svc_error *err)
{
    struct svc_bytes bytes = {0};
    size_t head = sizeof(work->texture_report);
    struct cache_key key;
    int r;

    if (cached(work, "texture", &key, &bytes) && bytes.len > head) {
        memcpy(&work->texture_report, bytes.ptr, head);
        work->png.max = bytes.len;
        svc_bytes_put(&work->png, bytes.ptr + head, bytes.len - head);
        svc_bytes_done(&bytes);
        return work->png.failed ? svc_fail(err, -ENOMEM, "texture: out of memory") : 0;
    }
    svc_bytes_done(&bytes);
    r = texture_make(&work->image, &work->mask, &work->texture, &work->texture_report, err);
    if (r == 0) {
        r = image_png_write(&work->texture, &work->png, err);
    }
    if (r == 0) {
        bytes.max = head + work->png.len;
        svc_bytes_put(&bytes, &work->texture_report, head);
        svc_bytes_put(&bytes, work->png.ptr, work->png.len);
        if (!bytes.failed) {
            cache_put(work->studio->cache, &key, bytes.ptr, bytes.len);
        }
        svc_bytes_done(&bytes);
        hold(work, work->png.len);
    }
    return r;
}

/* Writes one file of the result, and what the cache will want of it. */
static int save(struct work *work, const char *name, const char *type, const struct svc_bytes *file,
                struct svc_bytes *all, struct svc_error *err)
{
    struct job_file *entry = &work->files[work->file_count];
    int r = store_result_write(work->studio->store, work->job->id, name, file->ptr, file->len, err);

    if (r == 0) {
        (void)snprintf(entry->name, sizeof(entry->name), "%s", name);
        entry->size = file->len;
        work->file_count++;
        orfeas_generated_file_size_bytes_observe(type, (double)file->len);
        svc_bytes_put(all, file->ptr, file->len);
    }
    return r;
}

static int export_files(struct work *work, struct svc_bytes *all, struct svc_error *err)
{
    const struct mesh *mesh = &work->relief.mesh;
    enum mesh_format format = work->job->request.format;
    const char *type = mesh_format_name(format);
    struct svc_bytes file = {0}, mtl = {0};
    char name[16];
    int r = 0;

    (void)snprintf(name, sizeof(name), "model.%s", type);
    switch (format) {
    case MESH_GLB:
        r = mesh_glb_write(mesh, &work->png, &file, err);
        break;
    case MESH_OBJ:
        r = mesh_obj_write(mesh, "model.mtl", &file, err);
        r = r == 0 ? mesh_mtl_write("texture.png", &mtl, err) : r;
        r = r == 0 ? save(work, "model.mtl", "mtl", &mtl, all, err) : r;
        r = r == 0 ? save(work, "texture.png", "png", &work->png, all, err) : r;
        break;
    case MESH_STL:
    case MESH_FORMAT_COUNT:
        r = mesh_stl_write(mesh, &file, err);
        break;
    }
    if (r == 0) {
        r = save(work, name, type, &file, all, err);
    }
    svc_bytes_done(&mtl);
    svc_bytes_done(&file);
    return r;
}

static struct cache_key model_key(const struct work *work)
{
    const struct job_request *request = &work->job->request;
    char parameters[128];

    (void)snprintf(parameters, sizeof(parameters), "model %s %s %.6g %.6g %.6g %d",
                   mesh_format_name(request->format), quality_name(request->quality),
                   request->size_mm, request->relief_mm, request->base_mm, request->is_cutout);
    return cache_key_of(work->file.ptr, work->file.len, parameters);
}

static int stage_export(struct work *work, struct svc_error *err)
{
    const struct quality_input input = {.mask = &work->mask,
                                        .relief = &work->relief,
                                        .mesh = &work->report,
                                        .texture = &work->texture_report};
    struct svc_bytes all = {.max = (size_t)1 << 30}, value = {.max = (size_t)1 << 30};
    struct model_head head;
    struct cache_key key = model_key(work);
    int r = export_files(work, &all, err);

    if (r == 0) {
        quality_judge(work->studio, &input, &work->scores);
        work->scores.triangles = work->relief.mesh.triangle_count;
        memset(&head, 0, sizeof(head)); /* padding too: it is hashed by nobody, but leaves memory */
        head.scores = work->scores;
        head.file_count = work->file_count;
        memcpy(head.files, work->files, sizeof(head.files));
        svc_bytes_put(&value, &head, sizeof(head));
        svc_bytes_put(&value, all.ptr, all.len);
        if (!all.failed && !value.failed && work->report.is_manifold) {
            cache_put(work->studio->cache, &key, value.ptr, value.len);
        }
    }
    svc_bytes_done(&all);
    svc_bytes_done(&value);
    return r;
}

static int run_stages(struct work *work, struct svc_error *err)
{
    static int (*const stages[ORFEAS_PIPELINE_STAGE_COUNT])(struct work *, struct svc_error *) = {
        stage_load, stage_preprocess, stage_shape, stage_texture, stage_export};

    for (size_t i = 0; i < ORFEAS_PIPELINE_STAGE_COUNT; i++) {
        orfeas_pipeline_stage stage = orfeas_pipeline_stage_at(i);
        int64_t start_ns = svc_mono_ns();
        int r;

        progress_stage_begin(work->studio, work->job, stage);
        r = stage_faults(work, stage, err);
        r = r == 0 ? stages[i](work, err) : r;
        if (r < 0) {
            progress_stage_failed(work->studio, work->job, stage, error_word(r));
            return r;
        }
        progress_stage_end(work->studio, work->job, stage, start_ns);
    }
    return 0;
}

static void set_cached(struct studio *studio, struct job *job)
{
    jobs_lock(studio->jobs);
    job->is_cached = true;
    jobs_unlock(studio->jobs);
}

/* A result that was made before: its files are written again for this job. */
static int use_cached(struct work *work, const struct svc_bytes *value, struct svc_error *err)
{
    struct model_head head;
    size_t at = sizeof(head);
    int r = 0;

    if (value->len < sizeof(head)) {
        return svc_fail(err, -EIO, "cache: damaged");
    }
    memcpy(&head, value->ptr, sizeof(head));
    for (size_t i = 0; i < head.file_count && i < JOB_FILES_MAX && r == 0; i++) {
        r = store_result_write(work->studio->store, work->job->id, head.files[i].name,
                               value->ptr + at, head.files[i].size, err);
        at += head.files[i].size;
    }
    work->scores = head.scores;
    work->file_count = head.file_count;
    memcpy(work->files, head.files, sizeof(work->files));
    return r;
}

static void work_done(struct work *work)
{
    work->studio->held_bytes -= work->held;
    svc_bytes_done(&work->file);
    svc_bytes_done(&work->png);
    image_done(&work->image);
    image_done(&work->texture);
    mask_done(&work->mask);
    relief_done(&work->relief);
}

static int generate_3d(struct studio *studio, struct job *job, struct svc_error *err)
{
    struct work work = {.studio = studio, .job = job};
    struct svc_bytes value = {0};
    int r = store_image_read(studio->store, job->request.image_id, &work.file, err);

    if (r == 0) {
        struct cache_key key = model_key(&work);

        if (cache_get(studio->cache, &key, &value)) {
            set_cached(studio, job);
            orfeas_cache_hits_total_inc("model");
            r = use_cached(&work, &value, err);
        } else {
            orfeas_cache_misses_total_inc("model");
            r = run_stages(&work, err);
        }
    }
    if (r == 0) {
        quality_publish(studio, &work.scores);
        jobs_lock(studio->jobs);
        job->scores = work.scores;
        job->file_count = work.file_count;
        memcpy(job->files, work.files, sizeof(job->files));
        jobs_unlock(studio->jobs);
    }
    svc_bytes_done(&value);
    work_done(&work);
    return r;
}

static int paint_png(const struct job_request *request, struct svc_bytes *ret,
                     struct svc_error *err)
{
    struct paint_options options = {.prompt = request->prompt,
                                    .style = request->style,
                                    .width = request->width,
                                    .height = request->height,
                                    .seed = request->seed};
    struct image image = {0};
    int r = paint(&options, &image, err);

    if (r == 0) {
        r = image_png_write(&image, ret, err);
    }
    image_done(&image);
    return r;
}

static int text_to_image(struct studio *studio, struct job *job, struct svc_error *err)
{
    const struct job_request *request = &job->request;
    struct svc_bytes png = {0};
    struct store_image image;
    struct cache_key key;
    char parameters[96];
    double seconds = 0;
    int r = 0;

    (void)snprintf(parameters, sizeof(parameters), "image %s %ux%u %u",
                   paint_style_name(request->style), request->width, request->height,
                   request->seed);
    key = cache_key_of(request->prompt, strlen(request->prompt), parameters);
    if (svc_fault_on(svc_faults(studio->svc), FAULT_SLOW_STAGE, NULL, &seconds)) {
        (void)svc_sleep_s(seconds, &job->is_cancel_asked);
    }
    if (cache_get(studio->cache, &key, &png)) {
        set_cached(studio, job);
        orfeas_cache_hits_total_inc("image");
    } else {
        orfeas_cache_misses_total_inc("image");
        r = svc_fault_chance(svc_faults(studio->svc), FAULT_FAIL_STAGE, NULL)
                ? svc_fail(err, -EREMOTEIO, "image: failed by --fault=fail-stage")
                : paint_png(request, &png, err);
    }
    if (r == 0) {
        cache_put(studio->cache, &key, png.ptr, png.len);
        r = store_image_put(studio->store, png.ptr, png.len, "png", request->width, request->height,
                            &image, err);
    }
    if (r >= 0) {
        orfeas_generated_file_size_bytes_observe("png", (double)png.len);
        jobs_lock(studio->jobs);
        (void)snprintf(job->request.image_id, sizeof(job->request.image_id), "%s", image.id);
        jobs_unlock(studio->jobs);
    }
    svc_bytes_done(&png);
    return r < 0 ? r : 0;
}

/* ---- a job's way ---- */

static void count_end(const struct job *job)
{
    bool is_done = job->state == JOB_DONE;
    orfeas_outcome outcome = is_done ? ORFEAS_OUTCOME_SUCCESS : ORFEAS_OUTCOME_FAILURE;

    track_generation_end(job_type_label(job->type), is_done, job->seconds, job->error_type);
    if (job->type == JOB_GENERATE_3D) {
        orfeas_model_3d_generations_total_inc(mesh_format_name(job->request.format),
                                              quality_name(job->request.quality), outcome);
    } else {
        orfeas_text_to_image_generations_total_inc(paint_style_name(job->request.style), outcome);
    }
    if (job->state == JOB_FAILED) {
        orfeas_errors_total_inc(job->error_type, job->type == JOB_GENERATE_3D
                                                     ? "/api/generate-3d"
                                                     : "/api/text-to-image");
    }
}

/* Everything but the state is set and stored before the state, which others wait for. */
static void finish(struct studio *studio, struct job *job, int code, const struct svc_error *why)
{
    struct job ended;
    struct svc_error err = {{0}};

    jobs_lock(studio->jobs);
    job->seconds = svc_since_s(job->started_ns);
    if (code < 0) {
        (void)snprintf(job->error_type, sizeof(job->error_type), "%s", error_word(code));
        (void)snprintf(job->error, sizeof(job->error), "%.*s", (int)sizeof(job->error) - 1,
                       why->text);
    } else {
        job->progress = 100;
    }
    ended = *job;
    jobs_unlock(studio->jobs);
    ended.state = code == 0 ? JOB_DONE : code == -ECANCELED ? JOB_CANCELED : JOB_FAILED;
    count_end(&ended);
    if (store_job_put(studio->store, &ended, &err) < 0) {
        svc_log("error", "job not stored", "job", job->id, "error", err.text, NULL);
    }
    progress_ended(studio, &ended);
    svc_log(code < 0 ? "warn" : "info", "job ended", "job", ended.id, "type",
            job_type_name(ended.type), "state", job_state_name(ended.state), "error",
            ended.error_type, NULL);
    jobs_lock(studio->jobs);
    job->state = ended.state;
    jobs_unlock(studio->jobs);
}

static void set_queue_size(struct studio *studio, enum job_type type)
{
    orfeas_job_queue_size_set(job_type_label(type),
                              (double)svc_pool_waiting(studio_pool(studio, type)));
}

void pipeline_run(void *context, void *item)
{
    struct studio *studio = context;
    struct job *job = item;
    struct svc_error err = {{0}};
    int r;

    set_queue_size(studio, job->type);
    track_generation_start(job_type_label(job->type));
    jobs_lock(studio->jobs);
    job->state = JOB_RUNNING;
    job->started_ns = svc_mono_ns();
    jobs_unlock(studio->jobs);
    (void)store_job_put(studio->store, job, NULL);
    if (job->is_cancel_asked) {
        r = svc_fail(&err, -ECANCELED, "canceled");
    } else {
        r = job->type == JOB_GENERATE_3D ? generate_3d(studio, job, &err)
                                         : text_to_image(studio, job, &err);
    }
    finish(studio, job, r, &err);
}

void pipeline_drop(void *context, void *item)
{
    struct svc_error err = {"the service ended before the job's turn came: ask again"};
    struct job *job = item;

    /* It never began, but its end counts down what runs. */
    track_generation_start(job_type_label(job->type));
    job->started_ns = svc_mono_ns();
    finish(context, job, -ECANCELED, &err);
}
