#include "carve.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool mask_has(const struct mask *mask, const double at[2])
{
    if (!(at[0] >= 0 && at[0] < 1 && at[1] >= 0 && at[1] < 1)) {
        return false;
    }
    return mask->on[(size_t)(at[1] * mask->height) * mask->width + (size_t)(at[0] * mask->width)] !=
           0;
}

/* The middle of cell i along an axis. */
static double middle(uint32_t side, double i)
{
    return (i + 0.5) * 2 / side - 1;
}

static bool is_kept(const struct mask *masks, const struct view *views, size_t count,
                    const double p[3], size_t misses_max)
{
    size_t misses = 0;

    for (size_t i = 0; i < count && misses <= misses_max; i++) {
        double at[2];

        view_project(&views[i], p, at);
        misses += !mask_has(&masks[i], at);
    }
    return misses <= misses_max;
}

int volume_carve(const struct mask *masks, const struct view *views, size_t count, uint32_t side,
                 size_t misses_max, struct volume *ret, struct svc_error *err)
{
    struct volume volume = {.side = side, .filled = calloc((size_t)side * side, side)};
    size_t i = 0;

    if (volume.filled == NULL) {
        return svc_fail(err, -ENOMEM, "carving: out of memory: use a lower resolution");
    }
    for (uint32_t z = 0; z < side; z++) {
        for (uint32_t y = 0; y < side; y++) {
            for (uint32_t x = 0; x < side; x++, i++) {
                double p[3] = {middle(side, x), middle(side, y), middle(side, z)};

                volume.filled[i] = is_kept(masks, views, count, p, misses_max);
                volume.filled_count += volume.filled[i];
            }
        }
    }
    if (volume.filled_count == 0) {
        volume_done(&volume);
        return svc_fail(err, -EDOM,
                        "carving: the silhouettes have nothing in common: check the "
                        "photos' order, angles and elevation");
    }
    *ret = volume;
    return 0;
}

void volume_done(struct volume *volume)
{
    free(volume->filled);
    *volume = (struct volume){0};
}

static const int around[6][3] = {{1, 0, 0},  {-1, 0, 0}, {0, 1, 0},
                                 {0, -1, 0}, {0, 0, 1},  {0, 0, -1}};

/* Whether a cell is at the surface; the way out is the sum of the ways to empty neighbours near it.
 */
static bool is_surface(const struct volume *volume, int64_t x, int64_t y, int64_t z, float ret[3])
{
    bool is_open = false;
    double sum[3] = {0}, length;

    for (size_t k = 0; k < 6; k++) {
        is_open =
            is_open || !volume_at(volume, x + around[k][0], y + around[k][1], z + around[k][2]);
    }
    for (int dz = -2; is_open && dz <= 2; dz++) {
        for (int dy = -2; dy <= 2; dy++) {
            for (int dx = -2; dx <= 2; dx++) {
                if (!volume_at(volume, x + dx, y + dy, z + dz)) {
                    sum[0] += dx;
                    sum[1] += dy;
                    sum[2] += dz;
                }
            }
        }
    }
    length = sqrt(sum[0] * sum[0] + sum[1] * sum[1] + sum[2] * sum[2]);
    for (size_t k = 0; k < 3; k++) {
        ret[k] = length > 0 ? (float)(sum[k] / length) : (k == 2);
    }
    return is_open;
}

static size_t collect(const struct volume *volume, struct cloud *cloud)
{
    int64_t side = volume->side;
    size_t count = 0;

    for (int64_t z = 0; z < side; z++) {
        for (int64_t y = 0; y < side; y++) {
            for (int64_t x = 0; x < side; x++) {
                float normal[3];

                if (!volume_at(volume, x, y, z) || !is_surface(volume, x, y, z, normal)) {
                    continue;
                }
                if (cloud != NULL) {
                    int64_t at[3] = {x, y, z};

                    for (size_t k = 0; k < 3; k++) {
                        /* The surface is half a cell further out than the middle of the last one.
                         */
                        cloud->points[3 * count + k] =
                            (float)middle(volume->side, (double)at[k] + 0.5 * (double)normal[k]);
                        cloud->normals[3 * count + k] = normal[k];
                    }
                }
                count++;
            }
        }
    }
    return count;
}

int cloud_make(const struct volume *volume, struct cloud *ret, struct svc_error *err)
{
    struct cloud cloud = {.count = collect(volume, NULL)};

    cloud.points = calloc(cloud.count + 1, 3 * sizeof(float));
    cloud.normals = calloc(cloud.count + 1, 3 * sizeof(float));
    cloud.colors = calloc(cloud.count + 1, 3);
    if (cloud.points == NULL || cloud.normals == NULL || cloud.colors == NULL) {
        cloud_done(&cloud);
        return svc_fail(err, -ENOMEM, "point cloud: out of memory: use a lower resolution");
    }
    (void)collect(volume, &cloud);
    *ret = cloud;
    return 0;
}

void cloud_done(struct cloud *cloud)
{
    free(cloud->points);
    free(cloud->normals);
    free(cloud->colors);
    *cloud = (struct cloud){0};
}

/* The view that looks most against a normal. */
static size_t best_view(const double normal[3], const struct view *views, size_t count)
{
    double least = INFINITY;
    size_t best = 0;

    for (size_t i = 0; i < count; i++) {
        double facing = 0;

        for (size_t k = 0; k < 3; k++) {
            facing += normal[k] * views[i].forward[k];
        }
        if (facing < least) {
            least = facing;
            best = i;
        }
    }
    return best;
}

static const uint8_t *pixel_at(const struct image *image, const double at[2])
{
    double x = fmax(0, fmin(image->width - 1.0, at[0] * image->width));
    double y = fmax(0, fmin(image->height - 1.0, at[1] * image->height));

    return image_at(image, (uint32_t)x, (uint32_t)y);
}

void cloud_paint(struct cloud *cloud, const struct image *photos, const struct view *views,
                 size_t count)
{
    for (size_t i = 0; i < cloud->count; i++) {
        double p[3], normal[3], at[2];
        size_t best;

        for (size_t k = 0; k < 3; k++) {
            normal[k] = (double)cloud->normals[3 * i + k];
            /* A little inside, or a pixel of the background would be hit at the outline. */
            p[k] = (double)cloud->points[3 * i + k] - 0.02 * normal[k];
        }
        best = best_view(normal, views, count);
        view_project(&views[best], p, at);
        memcpy(cloud->colors + 3 * i, pixel_at(&photos[best], at), 3);
    }
}

int cloud_ply_write(const struct cloud *cloud, struct svc_bytes *ret, struct svc_error *err)
{
    struct svc_bytes out = {.max = (size_t)1 << 30};

    svc_bytes_printf(&out,
                     "ply\nformat binary_little_endian 1.0\nelement vertex %zu\nproperty float x\n"
                     "property float y\nproperty float z\nproperty float nx\nproperty float ny\n"
                     "property float nz\nproperty uchar red\nproperty uchar green\n"
                     "property uchar blue\nend_header\n",
                     cloud->count);
    for (size_t i = 0; i < cloud->count; i++) {
        for (size_t k = 0; k < 3; k++) {
            svc_bytes_float(&out, cloud->points[3 * i + k]);
        }
        for (size_t k = 0; k < 3; k++) {
            svc_bytes_float(&out, cloud->normals[3 * i + k]);
        }
        svc_bytes_put(&out, cloud->colors + 3 * i, 3);
    }
    if (out.failed) {
        svc_bytes_done(&out);
        return svc_fail(err, -ENOMEM, "PLY: out of memory: use a lower resolution");
    }
    *ret = out;
    return 0;
}

/* ---- texture ---- */

static void lay_out(const struct image *photos, const size_t *chosen, size_t count, uint32_t tile,
                    struct image *atlas)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t left = (uint32_t)(i % ATLAS_COLUMNS) * tile;
        uint32_t top = (uint32_t)(i / ATLAS_COLUMNS) * tile;

        for (uint32_t y = 0; y < tile; y++) {
            for (uint32_t x = 0; x < tile; x++) {
                double at[2] = {(x + 0.5) / tile, (y + 0.5) / tile};

                memcpy(image_at(atlas, left + x, top + y), pixel_at(&photos[chosen[i]], at), 4);
            }
        }
    }
}

static void normal_of(const struct mesh *mesh, size_t triangle, double ret[3])
{
    const float *a = mesh_corner(mesh, triangle, 0), *b = mesh_corner(mesh, triangle, 1),
                *c = mesh_corner(mesh, triangle, 2);
    double u[3], v[3];

    for (size_t k = 0; k < 3; k++) {
        u[k] = (double)b[k] - (double)a[k];
        v[k] = (double)c[k] - (double)a[k];
    }
    ret[0] = u[1] * v[2] - u[2] * v[1];
    ret[1] = u[2] * v[0] - u[0] * v[2];
    ret[2] = u[0] * v[1] - u[1] * v[0];
}

static void map_triangle(const struct mesh *from, size_t t, const struct view *views, size_t count,
                         size_t rows, struct mesh *to)
{
    double normal[3];
    size_t best, row;

    normal_of(from, t, normal);
    best = best_view(normal, views, count);
    row = best / ATLAS_COLUMNS;
    for (size_t c = 0; c < 3; c++) {
        size_t vertex = 3 * t + c;
        const float *at = mesh_corner(from, t, c);
        double p[3] = {(double)at[0], (double)at[1], (double)at[2]}, uv[2];

        view_project(&views[best], p, uv);
        for (size_t k = 0; k < 2; k++) {
            uv[k] = fmax(0.002, fmin(0.998, uv[k])); /* not into the next tile */
        }
        memcpy(to->positions + 3 * vertex, at, 3 * sizeof(float));
        to->uvs[2 * vertex] = (float)(((double)(best % ATLAS_COLUMNS) + uv[0]) / ATLAS_COLUMNS);
        to->uvs[2 * vertex + 1] = (float)(((double)row + uv[1]) / (double)rows);
        to->indices[vertex] = (uint32_t)vertex;
    }
}

int surface_texture(const struct mesh *mesh, const struct image *photos, const struct view *views,
                    size_t count, uint32_t tile, struct mesh *ret, struct image *ret_atlas,
                    struct svc_error *err)
{
    size_t used = count < ATLAS_VIEWS ? count : ATLAS_VIEWS;
    size_t rows = (used + ATLAS_COLUMNS - 1) / ATLAS_COLUMNS;
    size_t chosen[ATLAS_VIEWS] = {0};
    struct view from[ATLAS_VIEWS];
    struct mesh textured = {0};
    struct image atlas = {0};
    int r = image_new(ATLAS_COLUMNS * tile, (uint32_t)rows * tile, &atlas, err);

    r = r < 0 ? r : mesh_new(3 * mesh->triangle_count, mesh->triangle_count, true, &textured, err);
    if (r < 0) {
        image_done(&atlas);
        return r;
    }
    for (size_t i = 0; i < used; i++) {
        chosen[i] = i * count / used;
        from[i] = views[chosen[i]];
    }
    lay_out(photos, chosen, used, tile, &atlas);
    for (size_t t = 0; t < mesh->triangle_count; t++) {
        map_triangle(mesh, t, from, used, rows, &textured);
    }
    *ret = textured;
    *ret_atlas = atlas;
    return 0;
}
