/* The API: photo sets in, states and files out, health with components (E-P9, E-P10). */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service.h"

enum { WAIT_MAX_S = 60, LIST_MAX = 100 };

/* What jobs may say that they are about; it becomes a label. */
static const char *const dataset_types[] = {"object", "figure", "vessel", "synthetic", NULL};

static struct service *service_of(const struct svc_request *request)
{
    return request->context;
}

/* ---- options ---- */

json_t *options_json(const struct request_options *options)
{
    json_t *root =
        json_pack("{s:I, s:f, s:b, s:I}", "resolution", (json_int_t)options->recon.resolution,
                  "elevation", options->recon.elevation_deg, "clockwise",
                  options->recon.is_clockwise, "photos", (json_int_t)options->photo_count);

    if (root != NULL && options->photo_count == 0) {
        (void)json_object_set_new(root, "shape", json_string(solid_name(options->solid)));
        (void)json_object_set_new(root, "views", json_integer(options->views));
        (void)json_object_set_new(root, "noise", json_real(options->noise));
    }
    return root;
}

static double number_or(const json_t *root, const char *name, double preset, double min, double max)
{
    const json_t *field = json_object_get(root, name);
    double value = json_is_number(field) ? json_number_value(field) : preset;

    return value >= min && value <= max ? value : preset;
}

void options_read(const json_t *root, struct request_options *ret)
{
    const char *shape = json_string_value(json_object_get(root, "shape"));

    *ret = (struct request_options){
        .recon = {.resolution =
                      (uint32_t)number_or(root, "resolution", 64, CARVE_SIDE_MIN, CARVE_SIDE_MAX),
                  .elevation_deg = number_or(root, "elevation", 0, -60, 60),
                  .is_clockwise = json_is_true(json_object_get(root, "clockwise"))},
        .photo_count = (size_t)number_or(root, "photos", 0, 0, PHOTOS_MAX),
        .solid = shape != NULL ? solid_find(shape) : SOLID_COUNT,
        .views = (long)number_or(root, "views", 24, PHOTOS_MIN, PHOTOS_MAX),
        .noise = number_or(root, "noise", 0, 0, 64),
    };
}

/* ---- taking a job ---- */

/* Refuses what lies outside; what options_read would quietly replace, a person should hear of. */
static int check_number(const json_t *root, const char *name, double min, double max,
                        struct svc_error *err)
{
    const json_t *field = json_object_get(root, name);

    if (field != NULL && !(json_is_number(field) && json_number_value(field) >= min &&
                           json_number_value(field) <= max)) {
        return svc_fail(err, -EINVAL, "%s: give a number from %g to %g", name, min, max);
    }
    return 0;
}

static int check_type(const char *type, struct svc_error *err)
{
    for (size_t i = 0; dataset_types[i] != NULL; i++) {
        if (strcmp(dataset_types[i], type) == 0) {
            return 0;
        }
    }
    return svc_fail(err, -EINVAL, "dataset_type: give one of object, figure, vessel, synthetic");
}

/* Options of a form come as parts of text, and become JSON like the others. */
static json_t *form_options(const struct svc_request *request)
{
    static const char *const numbers[] = {"resolution", "elevation"};
    const struct svc_part *type = svc_part(request, "dataset_type");
    const struct svc_part *clockwise = svc_part(request, "clockwise");
    json_t *root = json_object();

    for (size_t i = 0; i < 2; i++) {
        const struct svc_part *part = svc_part(request, numbers[i]);
        char *end = NULL;

        if (part != NULL) {
            double value = strtod((const char *)part->ptr, &end);
            bool is_number = end != (const char *)part->ptr && *end == '\0' && isfinite(value);

            (void)json_object_set_new(root, numbers[i],
                                      is_number ? json_real(value) : json_string("?"));
        }
    }
    if (type != NULL) {
        (void)json_object_set_new(root, "dataset_type", json_string((const char *)type->ptr));
    }
    if (clockwise != NULL) {
        (void)json_object_set_new(root, "clockwise",
                                  json_boolean(strcmp((const char *)clockwise->ptr, "true") == 0));
    }
    return root;
}

static bool is_photo(const struct svc_part *part)
{
    return part->filename[0] != '\0' || strcmp(part->name, "photos") == 0;
}

static int check_photos(const struct svc_request *request, size_t *ret_count, struct svc_error *err)
{
    size_t count = 0;

    for (size_t i = 0; i < request->part_count; i++) {
        const struct svc_part *part = &request->parts[i];

        if (!is_photo(part)) {
            continue;
        }
        count++;
        if (part->len > PHOTO_BYTES_MAX ||
            image_format_find(part->ptr, part->len) == IMAGE_FORMAT_COUNT) {
            return svc_fail(err, -EINVAL, "photo %zu: send PNG, JPEG, PGM or PPM of at most %d MiB",
                            count, PHOTO_BYTES_MAX >> 20);
        }
    }
    *ret_count = count;
    return count >= PHOTOS_MIN && count <= PHOTOS_MAX
               ? 0
               : svc_fail(err, -EINVAL, "photos: %zu: send %d to %d of one turn, in order", count,
                          PHOTOS_MIN, PHOTOS_MAX);
}

/* Reads and checks everything; *ret_type is the dataset's. */
static int read_request(const struct svc_request *request, json_t *root,
                        struct request_options *ret, const char **ret_type, struct svc_error *err)
{
    const json_t *synthetic = json_object_get(root, "synthetic");
    const char *type = json_string_value(json_object_get(root, "dataset_type"));
    size_t photos = 0;
    int r = check_number(root, "resolution", CARVE_SIDE_MIN, CARVE_SIDE_MAX, err);

    r = r < 0 ? r : check_number(root, "elevation", -60, 60, err);
    *ret_type = type != NULL ? type : synthetic != NULL ? "synthetic" : "object";
    r = r < 0 ? r : check_type(*ret_type, err);
    if (synthetic == NULL) {
        r = r < 0 ? r : check_photos(request, &photos, err);
    } else {
        r = r < 0 ? r : check_number(synthetic, "views", PHOTOS_MIN, PHOTOS_MAX, err);
        r = r < 0 ? r : check_number(synthetic, "noise", 0, 64, err);
        for (size_t i = 0; i < 3; i++) {
            static const char *const names[] = {"shape", "views", "noise"};
            json_t *field = json_object_get(synthetic, names[i]);

            if (field != NULL) {
                (void)json_object_set(root, names[i], field);
            }
        }
    }
    (void)json_object_set_new(root, "photos", json_integer((json_int_t)photos));
    options_read(root, ret);
    if (r == 0 && synthetic != NULL && ret->solid == SOLID_COUNT) {
        r = svc_fail(err, -EINVAL,
                     "synthetic.shape: give one of sphere, torus, cube, vase, figure");
    }
    return r;
}

static int store_photos(struct service *service, const struct svc_request *request,
                        const char *job_id, struct svc_error *err)
{
    char key[KEY_SIZE];
    size_t count = 0;
    int r = 0;

    for (size_t i = 0; i < request->part_count && r == 0; i++) {
        const struct svc_part *part = &request->parts[i];

        if (is_photo(part)) {
            photo_key(job_id, count++, key);
            r = objects_put(service->objects, key, part->ptr, part->len, err);
        }
    }
    return r;
}

/* The photos are stored before the job is, so that a worker never looks for them too early. */
static int add_job(struct service *service, const struct svc_request *request,
                   const struct request_options *options, const char *type, char ret_id[DB_ID_SIZE],
                   struct svc_error *err)
{
    struct db_job job = {.options = options_json(options)};
    long queued = 0;
    int r = db_job_count(service->db, "queued", &queued, err);

    svc_random_hex(job.id, sizeof(job.id));
    (void)snprintf(job.dataset_type, sizeof(job.dataset_type), "%s", type);
    if (r == 0 && queued >= service->queue_max) {
        r = svc_fail(err, -EAGAIN, "queue: %ld jobs wait: try again later", queued);
    }
    r = r < 0 ? r : store_photos(service, request, job.id, err);
    r = r < 0 ? r : db_job_add(service->db, &job, err);
    (void)snprintf(ret_id, DB_ID_SIZE, "%s", job.id);
    db_job_done(&job);
    return r;
}

/* S2's answers have "status" as well. */
static void answer_failure(struct svc_request *request, int code, const struct svc_error *err)
{
    if (code == -EAGAIN) {
        svc_answer_header(request, "Retry-After", "10");
    }
    svc_answer_error(request,
                     code == -EINVAL   ? 400
                     : code == -ENOENT ? 404
                     : code == -EAGAIN ? 503
                                       : 500,
                     code == -EINVAL   ? "validation"
                     : code == -ENOENT ? "not_found"
                     : code == -EAGAIN ? "queue_full"
                                       : "dependency",
                     "%s", err->text);
}

static void slow_by_fault(const struct svc_request *request)
{
    double seconds = 0;

    if (svc_fault_on(svc_faults(request->svc), FAULT_SLOW_HTTP, NULL, &seconds)) {
        (void)svc_sleep_s(seconds, svc_ending(request->svc));
    }
}

static void post_job(struct svc_request *request)
{
    struct service *service = service_of(request);
    struct request_options options;
    struct svc_error err = {{0}};
    json_t *root = NULL;
    const char *type = NULL;
    char id[DB_ID_SIZE];
    int r = 0;

    slow_by_fault(request);
    if (request->part_count > 0) {
        root = form_options(request);
    } else {
        r = svc_json(request, &root, &err);
    }
    r = r < 0 ? r : read_request(request, root, &options, &type, &err);
    r = r < 0 ? r : add_job(service, request, &options, type, id, &err);
    json_decref(root);
    if (r < 0) {
        answer_failure(request, r, &err);
        return;
    }
    track_job_created();
    svc_answer_json(request, 202, json_pack("{s:s, s:s}", "status", "success", "job_id", id));
}

/* ---- asking for one ---- */

static void get_job(struct svc_request *request)
{
    struct service *service = service_of(request);
    const char *wait = svc_query(request, "wait");
    double wait_s = wait != NULL ? fmin(WAIT_MAX_S, strtod(wait, NULL)) : 0;
    int64_t start_ns = svc_mono_ns();
    struct db_job job = {.options = NULL};
    struct svc_error err = {{0}};
    int r;

    slow_by_fault(request);
    for (;;) {
        r = db_job_get(service->db, request->params[0], &job, &err);
        if (r < 0 || strcmp(job.state, "done") == 0 || strcmp(job.state, "failed") == 0 ||
            !(svc_since_s(start_ns) < wait_s) || !svc_sleep_s(0.1, svc_ending(request->svc))) {
            break;
        }
        db_job_done(&job);
    }
    if (r < 0) {
        answer_failure(request, r, &err);
        return;
    }
    svc_answer_json(request, 200,
                    json_pack("{s:s, s:s, s:s, s:s, s:O, s:O}", "status", "success", "job_id",
                              job.id, "state", job.state, "dataset_type", job.dataset_type,
                              "options", job.options, "result", job.result));
    db_job_done(&job);
}

static void get_jobs(struct svc_request *request)
{
    struct svc_error err = {{0}};
    json_t *rows = NULL;
    int r;

    slow_by_fault(request);
    r = db_jobs(service_of(request)->db, LIST_MAX, &rows, &err);
    if (r < 0) {
        answer_failure(request, r, &err);
    } else {
        svc_answer_json(request, 200, json_pack("{s:o}", "jobs", rows));
    }
}

static void get_file(struct svc_request *request)
{
    static const struct {
        const char *name, *type;
    } files[] = {{"cloud.ply", "application/octet-stream"},
                 {"mesh.stl", "model/stl"},
                 {"mesh.glb", "model/gltf-binary"}};
    struct svc_bytes bytes = {0};
    struct svc_error err = {{0}};
    char key[KEY_SIZE];
    int r = -ENOENT;
    const char *type = NULL;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (strcmp(files[i].name, request->params[1]) == 0 &&
            strspn(request->params[0], "0123456789abcdef") == strlen(request->params[0])) {
            type = files[i].type;
        }
    }
    if (type != NULL) {
        result_key(request->params[0], request->params[1], key);
        r = objects_get(service_of(request)->objects, key, RESULT_BYTES_MAX, &bytes, &err);
    }
    if (r < 0) {
        (void)svc_fail(&err, r, r == -ENOENT ? "no such file" : "the object store does not answer");
        answer_failure(request, r, &err);
        return;
    }
    svc_answer_bytes(request, 200, type, bytes.ptr, bytes.len);
}

/* ---- health ---- */

static int connect_within(const char *host, const char *port, int seconds)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    struct timeval limit = {.tv_sec = seconds};
    int fd;

    if (getaddrinfo(host, port, &hints, &found) != 0) {
        return -1;
    }
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        if (connect(fd, found->ai_addr, found->ai_addrlen) < 0) {
            (void)close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    return fd;
}

/* Asks a worker of another process for its health: 200 within two seconds. */
static bool is_worker_well(const char *address)
{
    static const char text[] = "GET /health HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n";
    const char *colon = strrchr(address, ':');
    char host[128], answer[16] = "";
    bool is_well = false;
    int fd;

    if (colon == NULL || (size_t)(colon - address) >= sizeof(host)) {
        return false;
    }
    (void)snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
    fd = connect_within(host, colon + 1, 2);
    if (fd >= 0) {
        is_well = send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(text) - 1 &&
                  recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL) > 0 &&
                  strncmp(answer, "HTTP/1.1 200", 12) == 0;
        (void)close(fd);
    }
    return is_well;
}

static bool note(json_t *components, e2e3d_health_checks_total_component component, bool is_well)
{
    e2e3d_health_checks_total_status status = is_well ? E2E3D_HEALTH_CHECKS_TOTAL_STATUS_HEALTHY
                                                      : E2E3D_HEALTH_CHECKS_TOTAL_STATUS_UNHEALTHY;

    track_health_check(component, status);
    (void)json_object_set_new(components, e2e3d_health_checks_total_component_text(component),
                              json_string(e2e3d_health_checks_total_status_text(status)));
    return is_well;
}

bool api_health(struct service *service, json_t *components)
{
    bool database = note(components, E2E3D_HEALTH_CHECKS_TOTAL_COMPONENT_DATABASE,
                         db_ping(service->db, NULL) == 0);
    bool store = note(components, E2E3D_HEALTH_CHECKS_TOTAL_COMPONENT_MINIO,
                      objects_ping(service->objects, NULL) == 0);
    bool is_lost = svc_fault_on(svc_faults(service->svc), FAULT_LOST_WORKER, NULL, NULL);
    bool worker = service->role == ROLE_API ? !is_lost && is_worker_well(service->worker_url)
                                            : !is_lost && workers_are_well(service);

    return note(components, E2E3D_HEALTH_CHECKS_TOTAL_COMPONENT_RECONSTRUCTION, worker) &&
           database && store;
}

static void get_host(struct svc_request *request)
{
    const struct service *service = request->context;

    svc_host_answer(request, &service->host);
}

const struct svc_route api_routes[] = {
    {"POST", "/api/job", post_job, SVC_LIMITED | SVC_WORK,
     "multipart photos and dataset_type, resolution, elevation, clockwise; or JSON with synthetic"},
    {"GET", "/api/job/:id", get_job, 0, "one job; ?wait=SECONDS until it has ended"},
    {"GET", "/api/job/:id/files/:name", get_file, 0, "cloud.ply, mesh.stl, mesh.glb"},
    {"GET", "/api/jobs", get_jobs, SVC_LIMITED, "the last jobs"},
    {"GET", SVC_HOST_PATH, get_host, SVC_HIDDEN, "a host's metrics, simulated"},
};
const size_t api_route_count = sizeof(api_routes) / sizeof(api_routes[0]);
