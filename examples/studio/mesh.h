/*
 * mesh: triangles with a texture's coordinates, the checks that a printer's software makes, and the
 * files: Wavefront OBJ, binary STL, binary glTF 2.0 (docs/formats/ has no own format for them: all
 * three are public ones). Lengths are millimetres, z is up.
 */
#pragma once

#include "svc_util.h"

enum {
    MESH_VERTICES_MAX = 2000000,
    MESH_TRIANGLES_MAX = 4000000,
};

struct mesh {
    float *positions;  /* x, y, z of each vertex */
    float *uvs;        /* u, v of each vertex, v from the top; NULL = none */
    uint32_t *indices; /* three a triangle, counter-clockwise seen from outside */
    size_t vertex_count, triangle_count;
};

/* mesh_new takes memory for that many of each; uvs only if asked for. */
int mesh_new(size_t vertices, size_t triangles, bool has_uvs, struct mesh *ret,
             struct svc_error *err);
void mesh_done(struct mesh *mesh);

/* What a mesh is like. */
struct mesh_report {
    size_t edges;
    size_t open_edges;     /* with one triangle only: a hole */
    size_t crowded_edges;  /* with more than two */
    size_t twisted_edges;  /* whose two triangles look to different sides */
    size_t flat_triangles; /* without area */
    double volume;         /* mm3; negative = inside out */
    double area;           /* mm2 */
    double shape;          /* mean quality of the triangles: 0 = needles, 1 = equilateral */
    float low[3], high[3]; /* the bounding box */
    bool is_manifold;      /* every edge has exactly two triangles, which agree */
};

int mesh_check(const struct mesh *mesh, struct mesh_report *ret, struct svc_error *err);

/* Files. A picture for the texture is a PNG file's bytes, or NULL; an OBJ names its .mtl instead.
 */
int mesh_obj_write(const struct mesh *mesh, const char *mtl_name, struct svc_bytes *ret,
                   struct svc_error *err);
int mesh_mtl_write(const char *png_name, struct svc_bytes *ret, struct svc_error *err);
int mesh_stl_write(const struct mesh *mesh, struct svc_bytes *ret, struct svc_error *err);
int mesh_glb_write(const struct mesh *mesh, const struct svc_bytes *png, struct svc_bytes *ret,
                   struct svc_error *err);

static inline const float *mesh_corner(const struct mesh *mesh, size_t triangle, size_t corner)
{
    return mesh->positions + 3 * (size_t)mesh->indices[3 * triangle + corner];
}
