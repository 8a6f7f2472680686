/* The routes of the studio. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "studio.h"

enum { WAIT_MAX_S = 120, LIST_MAX = 100 };

static struct studio *studio_of(const struct svc_request *request)
{
    return request->context;
}

/* Refuses an input: counted by field and kind, answered 400. */
static void invalid(struct svc_request *request, const char *field, const char *kind,
                    const char *what)
{
    orfeas_validation_errors_total_inc(field, kind);
    svc_answer_error(request, 400, "validation", "%s: %s: %s", field, kind, what);
}

/* ---- fields of a JSON body: each returns false once it has refused ---- */

static bool field_number(struct svc_request *request, const json_t *root, const char *name,
                         double min, double max, double *value)
{
    const json_t *field = json_object_get(root, name);
    char range[64];

    if (field == NULL) {
        return true;
    }
    (void)snprintf(range, sizeof(range), "give a number from %g to %g", min, max);
    if (!json_is_number(field)) {
        invalid(request, name, "wrong_type", range);
        return false;
    }
    if (!(json_number_value(field) >= min && json_number_value(field) <= max)) {
        invalid(request, name, "out_of_range", range);
        return false;
    }
    *value = json_number_value(field);
    return true;
}

static bool field_text(struct svc_request *request, const json_t *root, const char *name,
                       size_t max, bool is_needed, const char **ret)
{
    const json_t *field = json_object_get(root, name);
    char bound[64];

    if (field == NULL && !is_needed) {
        return true;
    }
    (void)snprintf(bound, sizeof(bound), "give a text of 1 to %zu bytes", max);
    if (!json_is_string(field)) {
        invalid(request, name, field == NULL ? "missing" : "wrong_type", bound);
        return false;
    }
    if (json_string_length(field) == 0 || json_string_length(field) > max) {
        invalid(request, name, json_string_length(field) == 0 ? "empty" : "too_long", bound);
        return false;
    }
    *ret = json_string_value(field);
    return true;
}

/* One of `count` words; *value is its index. */
static bool field_word(struct svc_request *request, const json_t *root, const char *name,
                       const char *(*word)(int index), int count, int *value)
{
    const char *text = NULL;
    char known[160] = "give one of";
    size_t used = strlen(known);

    if (!field_text(request, root, name, 32, false, &text)) {
        return false;
    }
    for (int i = 0; i < count && text != NULL; i++) {
        if (strcmp(word(i), text) == 0) {
            *value = i;
            return true;
        }
        used += (size_t)snprintf(known + used, sizeof(known) - used, " %s", word(i));
    }
    if (text != NULL) {
        invalid(request, name, "unknown_value", known);
        return false;
    }
    return true;
}

static const char *style_word(int i)
{
    return paint_style_name((enum paint_style)i);
}

static const char *format_word(int i)
{
    return mesh_format_name((enum mesh_format)i);
}

static const char *quality_word(int i)
{
    return quality_name((enum quality)i);
}

static const char *base_word(int i)
{
    return i == 0 ? "plate" : "cutout";
}

/* ---- uploads ---- */

/* The picture of the body: the part "image", the first part that is a file, or the body itself. */
static bool find_upload(const struct svc_request *request, const uint8_t **ret, size_t *ret_len)
{
    const struct svc_part *part = svc_part(request, "image");

    for (size_t i = 0; i < request->part_count && part == NULL; i++) {
        part = request->parts[i].filename[0] != '\0' ? &request->parts[i] : NULL;
    }
    *ret = part != NULL ? part->ptr : request->body;
    *ret_len = part != NULL ? part->len : request->body_len;
    return *ret_len > 0;
}

/* Whether this request is one that --fault=errors breaks. */
static bool broken_by_fault(struct svc_request *request)
{
    double seconds = 0;

    if (svc_fault_on(svc_faults(request->svc), FAULT_SLOW_HTTP, NULL, &seconds)) {
        (void)svc_sleep_s(seconds, svc_ending(request->svc));
    }
    if (svc_fault_chance(svc_faults(request->svc), FAULT_ERRORS, NULL)) {
        svc_answer_error(request, 500, "injected", "failed by --fault=errors");
        return true;
    }
    return false;
}

static void answer_image(struct svc_request *request, int status, const struct store_image *image)
{
    svc_answer_json(request, status,
                    json_pack("{s:s, s:s, s:i, s:i, s:I}", "image_id", image->id, "format",
                              image->format, "width", (int)image->width, "height",
                              (int)image->height, "bytes", (json_int_t)image->size));
}

/* Decodes to be sure that it can be, and stores. */
static int take_upload(struct studio *studio, const uint8_t *ptr, size_t len,
                       struct store_image *ret, struct svc_error *err)
{
    struct image image = {0};
    int r = image_load(ptr, len, &image, err);

    if (r == 0) {
        r = store_image_put(studio->store, ptr, len, image_format_name(image_format_find(ptr, len)),
                            image.width, image.height, ret, err);
    }
    if (r >= 0 && r == 1) {
        orfeas_cache_hits_total_inc("upload");
    } else if (r == 0) {
        orfeas_cache_misses_total_inc("upload");
    }
    image_done(&image);
    return r;
}

static const char *upload_fault(int code)
{
    return code == -ENOTSUP  ? "unknown_format"
           : code == -EFBIG  ? "too_large"
           : code == -ENOSPC ? "disk_full"
           : code == -EINVAL ? "image_broken"
                             : "io";
}

static void upload(struct svc_request *request)
{
    struct studio *studio = studio_of(request);
    struct store_image image;
    struct svc_error err = {{0}};
    const uint8_t *ptr = NULL;
    size_t len = 0;
    const char *format;
    int r;

    if (broken_by_fault(request)) {
        return;
    }
    if (!find_upload(request, &ptr, &len)) {
        invalid(request, "image", "missing",
                "send the picture as multipart part \"image\", or as the body");
        return;
    }
    format = image_format_name(image_format_find(ptr, len));
    r = take_upload(studio, ptr, len, &image, &err);
    orfeas_image_uploads_total_inc(format,
                                   r >= 0 ? ORFEAS_OUTCOME_SUCCESS : ORFEAS_OUTCOME_FAILURE);
    if (r >= 0) {
        answer_image(request, r == 1 ? 200 : 201, &image);
    } else if (r == -EINVAL || r == -ENOTSUP || r == -EFBIG) {
        orfeas_validation_errors_total_inc("image", upload_fault(r));
        svc_answer_error(request,
                         r == -ENOTSUP ? 415
                         : r == -EFBIG ? 413
                                       : 400,
                         upload_fault(r), "%s", err.text);
    } else {
        svc_answer_error(request, r == -ENOSPC ? 507 : 500, upload_fault(r), "%s", err.text);
    }
}

/* An upload is a job that is done at once: it counts while it runs, and how it ends. */
static void post_upload(struct svc_request *request)
{
    int64_t start_ns = svc_mono_ns();
    const char *error_type = NULL;
    int status = 0;

    track_generation_start(ORFEAS_JOB_TYPE_UPLOAD);
    upload(request);
    svc_answered_so_far(request, &status, &error_type);
    track_generation_end(ORFEAS_JOB_TYPE_UPLOAD, status < 400, svc_since_s(start_ns),
                         error_type != NULL ? error_type : "");
}

/* ---- jobs ---- */

static void answer_job(struct svc_request *request, int status, const struct job *job)
{
    char location[64];

    (void)snprintf(location, sizeof(location), "/api/jobs/%s", job->id);
    svc_answer_header(request, "Location", location);
    svc_answer_json(request, status, job_json(job));
}

/* Queues a job and answers 202, or, after "wait" seconds, with how it ended. */
static void submit(struct svc_request *request, enum job_type type,
                   const struct job_request *wanted, double wait_s)
{
    struct studio *studio = studio_of(request);
    struct svc_pool *pool = studio_pool(studio, type);
    struct job *job = jobs_add(studio->jobs, type, wanted);
    struct svc_error err = {{0}};
    struct job copy;
    int r = job == NULL ? -EAGAIN : 0;

    if (r == 0 && store_job_put(studio->store, job, &err) < 0) {
        jobs_remove(studio->jobs, job);
        svc_answer_error(request, 500, "database", "%s", err.text);
        return;
    }
    if (r == 0) {
        copy = *job;
        r = svc_pool_submit(pool, job);
    }
    if (r < 0) {
        if (job != NULL) {
            copy.state = JOB_FAILED;
            (void)snprintf(copy.error_type, sizeof(copy.error_type), "queue_full");
            (void)store_job_put(studio->store, &copy, NULL);
            jobs_remove(studio->jobs, job);
        }
        svc_answer_header(request, "Retry-After", "5");
        svc_answer_error(request, 503, r == -ESHUTDOWN ? "draining" : "queue_full",
                         "the queue is full: try again later");
        return;
    }
    orfeas_job_queue_size_set(job_type_label(type), (double)svc_pool_waiting(pool));
    if (wait_s > 0) {
        (void)jobs_wait(studio->jobs, copy.id, wait_s, NULL, &copy);
    }
    answer_job(request, copy.state >= JOB_DONE ? 200 : 202, &copy);
}

/* Parses the body, or refuses. */
static json_t *body_of(struct svc_request *request)
{
    struct svc_error err = {{0}};
    json_t *root = NULL;

    if (svc_json(request, &root, &err) < 0) {
        orfeas_validation_errors_total_inc("body", "not_json");
        svc_answer_error(request, 400, "validation", "%s", err.text);
    }
    return root;
}

static void post_text_to_image(struct svc_request *request)
{
    struct job_request wanted = {.width = 512, .height = 512};
    double width = 512, height = 512, seed = 0, wait_s = 0;
    const char *prompt = NULL;
    int style = PAINT_REALISTIC;
    json_t *root;

    if (broken_by_fault(request)) {
        return;
    }
    root = body_of(request);
    if (root != NULL && field_text(request, root, "prompt", JOB_PROMPT_MAX, true, &prompt) &&
        field_word(request, root, "art_style", style_word, PAINT_STYLE_COUNT, &style) &&
        field_number(request, root, "width", 64, 1024, &width) &&
        field_number(request, root, "height", 64, 1024, &height) &&
        field_number(request, root, "seed", 0, 4294967295.0, &seed) &&
        field_number(request, root, "wait", 0, WAIT_MAX_S, &wait_s)) {
        (void)snprintf(wanted.prompt, sizeof(wanted.prompt), "%s", prompt);
        wanted.style = (enum paint_style)style;
        wanted.width = (uint32_t)width;
        wanted.height = (uint32_t)height;
        wanted.seed = (uint32_t)seed;
        submit(request, JOB_TEXT_TO_IMAGE, &wanted, wait_s);
    }
    json_decref(root);
}

/* The picture that a 3D generation is asked for must be there. */
static bool check_image(struct svc_request *request, const char *id, struct job_request *wanted)
{
    struct store_image image;
    struct svc_error err = {{0}};
    int r = store_image_get(studio_of(request)->store, id, &image, &err);

    if (r == -ENOENT) {
        invalid(request, "image_id", "not_found", "upload the picture first");
        return false;
    }
    if (r < 0) {
        svc_answer_error(request, 500, "database", "%s", err.text);
        return false;
    }
    (void)snprintf(wanted->image_id, sizeof(wanted->image_id), "%s", id);
    return true;
}

static void post_generate_3d(struct svc_request *request)
{
    struct job_request wanted = {.size_mm = 100, .relief_mm = 8, .base_mm = 2};
    const char *image_id = NULL;
    int format = MESH_GLB, quality = QUALITY_STANDARD, base = 0;
    double wait_s = 0;
    json_t *root;

    if (broken_by_fault(request)) {
        return;
    }
    root = body_of(request);
    if (root != NULL &&
        field_text(request, root, "image_id", SVC_SHA256_HEX_SIZE - 1, true, &image_id) &&
        field_word(request, root, "format", format_word, MESH_FORMAT_COUNT, &format) &&
        field_word(request, root, "quality", quality_word, QUALITY_COUNT, &quality) &&
        field_word(request, root, "base", base_word, 2, &base) &&
        field_number(request, root, "size_mm", 10, 300, &wanted.size_mm) &&
        field_number(request, root, "relief_mm", 0.5, 50, &wanted.relief_mm) &&
        field_number(request, root, "base_mm", 0.2, 20, &wanted.base_mm) &&
        field_number(request, root, "wait", 0, WAIT_MAX_S, &wait_s) &&
        check_image(request, image_id, &wanted)) {
        wanted.format = (enum mesh_format)format;
        wanted.quality = (enum quality)quality;
        wanted.is_cutout = base == 1;
        submit(request, JOB_GENERATE_3D, &wanted, wait_s);
    }
    json_decref(root);
}

static void get_jobs(struct svc_request *request)
{
    const char *state = svc_query(request, "state");

    if (broken_by_fault(request)) {
        return;
    }
    svc_answer_json(
        request, 200,
        json_pack("{s:o}", "jobs", store_jobs(studio_of(request)->store, LIST_MAX, state)));
}

static void get_job(struct svc_request *request)
{
    struct studio *studio = studio_of(request);
    struct job job;
    json_t *root;

    if (jobs_get(studio->jobs, request->params[0], &job)) {
        svc_answer_json(request, 200, job_json(&job));
        return;
    }
    root = store_job_get(studio->store, request->params[0]);
    if (root != NULL) {
        svc_answer_json(request, 200, root);
    } else {
        svc_answer_error(request, 404, "not_found", "no such job: GET /api/jobs lists them");
    }
}

static void delete_job(struct svc_request *request)
{
    if (jobs_cancel(studio_of(request)->jobs, request->params[0])) {
        svc_answer_json(request, 202, json_pack("{s:s}", "state", "canceling"));
    } else {
        svc_answer_error(request, 404, "not_found", "no such job waits or runs");
    }
}

static const char *content_type(const char *name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {{".glb", "model/gltf-binary"},
                 {".obj", "model/obj"},
                 {".stl", "model/stl"},
                 {".mtl", "model/mtl"},
                 {".png", "image/png"}};
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (dot != NULL && strcmp(dot, types[i].ending) == 0) {
            return types[i].type;
        }
    }
    return "application/octet-stream";
}

static void get_file(struct svc_request *request)
{
    char path[1024];

    store_result_path(studio_of(request)->store, request->params[0], request->params[1], path,
                      sizeof(path));
    if (path[0] == '\0') {
        svc_answer_error(request, 404, "not_found", "no such file");
        return;
    }
    svc_answer_file(request, content_type(request->params[1]), path, request->params[1]);
}

static void get_image(struct svc_request *request)
{
    struct studio *studio = studio_of(request);
    struct store_image image;
    struct svc_bytes bytes = {0};
    struct svc_error err = {{0}};
    char type[32];

    if (store_image_get(studio->store, request->params[0], &image, &err) < 0 ||
        store_image_read(studio->store, request->params[0], &bytes, &err) < 0) {
        svc_answer_error(request, 404, "not_found", "%s", err.text);
        return;
    }
    (void)snprintf(type, sizeof(type), "image/%s",
                   strcmp(image.format, "pnm") == 0 ? "x-portable-anymap" : image.format);
    svc_answer_bytes(request, 200, type, bytes.ptr, bytes.len);
}

static void get_ws(struct svc_request *request)
{
    const char *topic = svc_query(request, "job");

    svc_ws_answer(studio_of(request)->ws, request, topic != NULL ? topic : "");
}

/* The page for browsers: everything is in it, nothing is loaded from elsewhere. */
static void get_page(struct svc_request *request)
{
    char *copy = malloc(page_html_bytes);

    if (copy == NULL) {
        return; /* answered 500 */
    }
    memcpy(copy, page_html, page_html_bytes);
    svc_answer_header(request, "Content-Security-Policy",
                      "default-src 'self'; img-src 'self' data:; script-src 'unsafe-inline'; "
                      "style-src 'unsafe-inline'; "
                      "connect-src 'self' ws: wss:; frame-ancestors 'none'");
    svc_answer_bytes(request, 200, "text/html; charset=utf-8", copy, page_html_bytes);
}

const struct svc_route studio_routes[] = {
    {"GET", "/", get_page, 0, "a page for browsers"},
    {"POST", "/api/upload-image", post_upload, SVC_LIMITED | SVC_WORK,
     "a PNG, JPEG, PGM or PPM, as multipart part \"image\" or as the body"},
    {"POST", "/api/text-to-image", post_text_to_image, SVC_LIMITED | SVC_WORK,
     "{prompt, art_style, width, height, seed, wait}"},
    {"POST", "/api/generate-3d", post_generate_3d, SVC_LIMITED | SVC_WORK,
     "{image_id, format, quality, base, size_mm, relief_mm, base_mm, wait}"},
    {"GET", "/api/jobs", get_jobs, SVC_LIMITED, "the last jobs; ?state=done"},
    {"GET", "/api/jobs/:id", get_job, 0, "one job"},
    {"DELETE", "/api/jobs/:id", delete_job, 0, "cancels a job"},
    {"GET", "/api/jobs/:id/files/:name", get_file, 0, "a result's file"},
    {"GET", "/api/images/:id", get_image, 0, "a picture, uploaded or made from text"},
    {"GET", "/ws", get_ws, 0, "progress of all jobs, or ?job=ID, by WebSocket"},
};
const size_t studio_route_count = sizeof(studio_routes) / sizeof(studio_routes[0]);
