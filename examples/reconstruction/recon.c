#include "recon.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    WORK_PIXELS = 256, /* photos are worked on at this size */
    SPARSE_SIDE = 24,  /* of the coarse carving */
    TILE_PIXELS = 256, /* of one photo in the atlas */
};

struct work {
    const struct svc_bytes *encoded;
    size_t count;
    const struct recon_options *options;
    struct image photos[PHOTOS_MAX];
    struct mask masks[PHOTOS_MAX];
    struct view views[PHOTOS_MAX];
    struct volume sparse, dense;
    struct cloud cloud;
    struct mesh mesh, textured;
    struct image atlas;
    struct recon_result result;
};

/* Photos are square for the camera: shorter sides are filled up with the border's colour. */
static int make_square(struct image *image, struct svc_error *err)
{
    uint32_t side = image->width > image->height ? image->width : image->height;
    struct image square = {0};
    int r = image->width == image->height ? 1 : image_new(side, side, &square, err);

    if (r != 0) {
        return r < 0 ? r : 0;
    }
    for (uint32_t y = 0; y < side; y++) {
        for (uint32_t x = 0; x < side; x++) {
            int64_t u = (int64_t)x - (side - image->width) / 2;
            int64_t v = (int64_t)y - (side - image->height) / 2;

            u = u < 0 ? 0 : u >= image->width ? image->width - 1 : u;
            v = v < 0 ? 0 : v >= image->height ? image->height - 1 : v;
            memcpy(image_at(&square, x, y), image_at(image, (uint32_t)u, (uint32_t)v), 4);
        }
    }
    image_done(image);
    *image = square;
    return 0;
}

static int load_photo(struct work *work, size_t i, struct svc_error *err)
{
    struct image whole = {0};
    struct svc_error why = {{0}};
    int r = image_load(work->encoded[i].ptr, work->encoded[i].len, &whole, &why);

    r = r < 0 ? r : make_square(&whole, &why);
    r = r < 0 ? r : image_scale(&whole, WORK_PIXELS, &work->photos[i], &why);
    r = r < 0 ? r : mask_find(&work->photos[i], &work->masks[i], &why);
    image_done(&whole);
    if (r == 0 && (work->masks[i].coverage < 0.002 || work->masks[i].coverage > 0.98)) {
        r = svc_fail(&why, -EDOM, "no body stands out from the background");
    }
    return r < 0 ? svc_fail(err, r, "photo %zu: %.200s", i + 1, why.text) : 0;
}

static int stage_features(struct work *work, struct svc_error *err)
{
    int r = 0;

    for (size_t i = 0; i < work->count && r == 0; i++) {
        r = load_photo(work, i, err);
    }
    return r;
}

/* The silhouette's rows from the top and from the bottom, as shares of the height. */
static void extent(const struct mask *mask, double ret[2])
{
    size_t first = mask->height, last = 0;

    for (size_t i = 0; i < (size_t)mask->width * mask->height; i++) {
        if (mask->on[i]) {
            size_t row = i / mask->width;

            first = row < first ? row : first;
            last = row;
        }
    }
    ret[0] = (double)first / mask->height;
    ret[1] = (double)last / mask->height;
}

/*
 * On a turntable with the camera on the horizon, every silhouette reaches as high and as low as
 * every other; with an elevation they move by what leans to the camera. What exceeds that says that
 * the camera moved, or that the photos are of different bodies.
 */
static int stage_matching(struct work *work, struct svc_error *err)
{
    double least[2] = {1, 1}, most[2] = {0, 0};
    double lean = fabs(sin(work->options->elevation_deg * 3.14159265358979 / 180));
    double spread;

    for (size_t i = 0; i < work->count; i++) {
        double angle = 2 * 3.14159265358979 * (double)i / (double)work->count;
        double rows[2];

        work->views[i] = view_of(work->options->is_clockwise ? -angle : angle,
                                 work->options->elevation_deg * 3.14159265358979 / 180);
        extent(&work->masks[i], rows);
        for (size_t k = 0; k < 2; k++) {
            least[k] = fmin(least[k], rows[k]);
            most[k] = fmax(most[k], rows[k]);
        }
    }
    spread = fmax(most[0] - least[0], most[1] - least[1]);
    work->result.consistency = fmax(0, 1 - fmax(0, spread - lean) / 0.25);
    if (work->result.consistency <= 0) {
        return svc_fail(err, -EDOM,
                        "matching: the silhouettes' heights differ by %.0f %%: keep the "
                        "camera still, and send photos of one turn of one body",
                        100 * spread);
    }
    return 0;
}

static int stage_sparse(struct work *work, struct svc_error *err)
{
    /* Generous: it is to find out whether there is a body at all. */
    return volume_carve(work->masks, work->views, work->count, SPARSE_SIDE, work->count / 8,
                        &work->sparse, err);
}

static int stage_dense(struct work *work, struct svc_error *err)
{
    /* One photo of sixteen may be wrong at a place (a reflection, a hole in its mask). */
    int r = volume_carve(work->masks, work->views, work->count, work->options->resolution,
                         work->count / 16, &work->dense, err);

    return r < 0 ? r : cloud_make(&work->dense, &work->cloud, err);
}

static int stage_meshing(struct work *work, struct svc_error *err)
{
    struct mesh_report report;
    int r = surface_make(&work->dense, &work->mesh, err);

    r = r < 0 ? r : mesh_check(&work->mesh, &report, err);
    if (r == 0) {
        work->result.is_closed = report.is_manifold && report.volume > 0;
        work->result.volume = report.volume;
        work->result.mesh_quality = report.shape;
    }
    return r == 0 && work->mesh.triangle_count == 0
               ? svc_fail(err, -EDOM, "meshing: the body is too thin: use a higher resolution")
               : r;
}

static int stage_texturing(struct work *work, struct svc_error *err)
{
    cloud_paint(&work->cloud, work->photos, work->views, work->count);
    return surface_texture(&work->mesh, work->photos, work->views, work->count, TILE_PIXELS,
                           &work->textured, &work->atlas, err);
}

static struct svc_bytes *new_file(struct recon_result *result, const char *name)
{
    struct recon_file *file = &result->files[result->file_count++];

    (void)snprintf(file->name, sizeof(file->name), "%s", name);
    return &file->bytes;
}

/* How the body's silhouettes overlap with the photos': intersection over union, over all views. */
static double agreement_of(const struct work *work)
{
    /* Coarser than the grid, so that the surface's points leave no gaps. */
    size_t side = 2 * (size_t)work->options->resolution / 3;
    uint8_t *seen = malloc(side * side);
    double both = 0, either = 0;

    for (size_t v = 0; seen != NULL && v < work->count; v++) {
        memset(seen, 0, side * side);
        for (size_t i = 0; i < work->cloud.count; i++) {
            const float *at = work->cloud.points + 3 * i;
            double p[3] = {(double)at[0], (double)at[1], (double)at[2]}, uv[2];

            view_project(&work->views[v], p, uv);
            if (uv[0] >= 0 && uv[0] < 1 && uv[1] >= 0 && uv[1] < 1) {
                seen[(size_t)(uv[1] * (double)side) * side + (size_t)(uv[0] * (double)side)] = 1;
            }
        }
        for (size_t i = 0; i < side * side; i++) {
            const struct mask *mask = &work->masks[v];
            size_t x = (i % side) * mask->width / side, y = i / side * mask->height / side;
            bool on = mask->on[y * mask->width + x] != 0;

            both += on && seen[i];
            either += on || seen[i];
        }
    }
    free(seen);
    return either > 0 ? both / either : 0;
}

static int stage_export(struct work *work, struct svc_error *err)
{
    struct recon_result *result = &work->result;
    struct svc_bytes png = {0};
    int r = image_png_write(&work->atlas, &png, err);

    r = r < 0 ? r : cloud_ply_write(&work->cloud, new_file(result, "cloud.ply"), err);
    r = r < 0 ? r : mesh_stl_write(&work->mesh, new_file(result, "mesh.stl"), err);
    r = r < 0 ? r : mesh_glb_write(&work->textured, &png, new_file(result, "mesh.glb"), err);
    svc_bytes_done(&png);
    if (r == 0) {
        result->photos = work->count;
        result->points = work->cloud.count;
        result->faces = work->mesh.triangle_count;
        result->texture_pixels = work->atlas.width;
        result->agreement = agreement_of(work);
        result->quality =
            (0.3 * result->consistency + 0.4 * result->agreement + 0.3 * result->mesh_quality) *
            (result->is_closed ? 1 : 0.5);
    }
    return r;
}

static double thread_cpu_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run_stages(struct work *work, const struct recon_hooks *hooks, struct svc_error *err)
{
    static int (*const stages[E2E3D_STAGE_COUNT])(struct work *, struct svc_error *) = {
        stage_features, stage_matching,  stage_sparse, stage_dense,
        stage_meshing,  stage_texturing, stage_export};

    for (size_t i = 0; i < E2E3D_STAGE_COUNT; i++) {
        e2e3d_stage stage = e2e3d_stage_at(i);
        int64_t start_ns = svc_mono_ns();
        double cpu = thread_cpu_s();
        int r = hooks->begin(hooks->context, stage, err);

        r = r < 0 ? r : stages[i](work, err);
        if (r < 0) {
            hooks->failed(hooks->context, stage, r);
            return r;
        }
        hooks->end(hooks->context, stage, svc_since_s(start_ns), thread_cpu_s() - cpu);
    }
    return 0;
}

static void work_free(struct work *work)
{
    for (size_t i = 0; i < PHOTOS_MAX; i++) {
        image_done(&work->photos[i]);
        mask_done(&work->masks[i]);
    }
    volume_done(&work->sparse);
    volume_done(&work->dense);
    cloud_done(&work->cloud);
    mesh_done(&work->mesh);
    mesh_done(&work->textured);
    image_done(&work->atlas);
    recon_result_done(&work->result);
    free(work);
}

int recon_run(const struct svc_bytes *photos, size_t count, const struct recon_options *options,
              const struct recon_hooks *hooks, struct recon_result *ret, struct svc_error *err)
{
    struct work *work = calloc(1, sizeof(*work));
    int r;

    if (work == NULL) {
        return svc_fail(err, -ENOMEM, "reconstruction: out of memory: try again");
    }
    work->encoded = photos;
    work->count = count;
    work->options = options;
    r = count < PHOTOS_MIN || count > PHOTOS_MAX
            ? svc_fail(err, -EINVAL, "photos: %zu: send %d to %d of one turn", count, PHOTOS_MIN,
                       PHOTOS_MAX)
            : run_stages(work, hooks, err);
    if (r == 0) {
        *ret = work->result;
        work->result = (struct recon_result){0};
    }
    work_free(work);
    return r;
}

void recon_result_done(struct recon_result *result)
{
    for (size_t i = 0; i < RECON_FILES_MAX; i++) {
        svc_bytes_done(&result->files[i].bytes);
    }
    *result = (struct recon_result){0};
}
