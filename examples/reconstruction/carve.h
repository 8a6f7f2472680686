/*
 * carve: silhouettes of a turning body become a body. A cell of a grid stays if it lies inside of
 * every silhouette; what is left is the visual hull, whose surface is the point cloud and, by
 * marching tetrahedra on the smoothed grid, a closed mesh.
 */
#pragma once

#include "mask.h"
#include "mesh.h"
#include "solid.h"

enum { CARVE_SIDE_MIN = 16, CARVE_SIDE_MAX = 128 };

/* A cube of side^3 cells over [-1,1]^3. */
struct volume {
    uint32_t side;
    uint8_t *filled;
    size_t filled_count;
};

/* volume_carve keeps the cells whose middle is inside of all masks but `misses_max`; -EDOM when
 * nothing is left. */
int volume_carve(const struct mask *masks, const struct view *views, size_t count, uint32_t side,
                 size_t misses_max, struct volume *ret, struct svc_error *err);
void volume_done(struct volume *volume);

static inline bool volume_at(const struct volume *volume, int64_t x, int64_t y, int64_t z)
{
    int64_t side = volume->side;

    return x >= 0 && y >= 0 && z >= 0 && x < side && y < side && z < side &&
           volume->filled[(z * side + y) * side + x] != 0;
}

/* Points on the surface, with the way out at each. */
struct cloud {
    float *points;   /* x, y, z of each */
    float *normals;  /* of length 1 */
    uint8_t *colors; /* r, g, b; zero until cloud_paint */
    size_t count;
};

int cloud_make(const struct volume *volume, struct cloud *ret, struct svc_error *err);
void cloud_done(struct cloud *cloud);

/* cloud_paint colours each point from the photo that sees it most from the front. */
void cloud_paint(struct cloud *cloud, const struct image *photos, const struct view *views,
                 size_t count);

/* cloud_ply_write is a binary little-endian PLY. */
int cloud_ply_write(const struct cloud *cloud, struct svc_bytes *ret, struct svc_error *err);

/* surface_make: a closed mesh without texture coordinates. */
int surface_make(const struct volume *volume, struct mesh *ret, struct svc_error *err);

/* surface_texture lays up to ATLAS_VIEWS photos out in one picture and gives each triangle the one
 * that sees it most from the front; corners are not shared between triangles any more. */
enum { ATLAS_VIEWS = 8, ATLAS_COLUMNS = 4 };
int surface_texture(const struct mesh *mesh, const struct image *photos, const struct view *views,
                    size_t count, uint32_t tile, struct mesh *ret, struct image *ret_atlas,
                    struct svc_error *err);
