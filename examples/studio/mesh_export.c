/* The file formats of mesh.h. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mesh.h"

enum { FILE_BYTES_MAX = 512 << 20 };

static int finish(struct svc_bytes *bytes, const char *format, struct svc_bytes *ret,
                  struct svc_error *err)
{
    if (bytes->failed) {
        svc_bytes_done(bytes);
        return svc_fail(err, -ENOMEM, "%s: out of memory: use a lower quality", format);
    }
    *ret = *bytes;
    return 0;
}

int mesh_obj_write(const struct mesh *mesh, const char *mtl_name, struct svc_bytes *ret,
                   struct svc_error *err)
{
    struct svc_bytes out = {.max = FILE_BYTES_MAX};
    bool has_uvs = mesh->uvs != NULL;

    svc_bytes_printf(&out, "# millimetres, z up\n");
    if (mtl_name != NULL) {
        svc_bytes_printf(&out, "mtllib %s\nusemtl surface\n", mtl_name);
    }
    for (size_t i = 0; i < mesh->vertex_count; i++) {
        const float *p = mesh->positions + 3 * i;

        svc_bytes_printf(&out, "v %.4f %.4f %.4f\n", (double)p[0], (double)p[1], (double)p[2]);
    }
    for (size_t i = 0; has_uvs && i < mesh->vertex_count; i++) {
        svc_bytes_printf(&out, "vt %.5f %.5f\n", (double)mesh->uvs[2 * i],
                         1 - (double)mesh->uvs[2 * i + 1]); /* OBJ counts v from the bottom */
    }
    for (size_t t = 0; t < mesh->triangle_count; t++) {
        uint32_t a = mesh->indices[3 * t] + 1, b = mesh->indices[3 * t + 1] + 1,
                 c = mesh->indices[3 * t + 2] + 1;

        if (has_uvs) {
            svc_bytes_printf(&out, "f %u/%u %u/%u %u/%u\n", a, a, b, b, c, c);
        } else {
            svc_bytes_printf(&out, "f %u %u %u\n", a, b, c);
        }
    }
    return finish(&out, "OBJ", ret, err);
}

int mesh_mtl_write(const char *png_name, struct svc_bytes *ret, struct svc_error *err)
{
    struct svc_bytes out = {.max = 4096};

    svc_bytes_printf(&out, "newmtl surface\nKd 1 1 1\nillum 1\nmap_Kd %s\n", png_name);
    return finish(&out, "MTL", ret, err);
}

static void stl_triangle(struct svc_bytes *out, const float *const corners[3])
{
    float u[3], v[3], n[3], len;

    for (size_t k = 0; k < 3; k++) {
        u[k] = corners[1][k] - corners[0][k];
        v[k] = corners[2][k] - corners[0][k];
    }
    n[0] = u[1] * v[2] - u[2] * v[1];
    n[1] = u[2] * v[0] - u[0] * v[2];
    n[2] = u[0] * v[1] - u[1] * v[0];
    len = sqrtf(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]);
    for (size_t k = 0; k < 3; k++) {
        svc_bytes_float(out, len > 0 ? n[k] / len : 0);
    }
    for (size_t c = 0; c < 3; c++) {
        for (size_t k = 0; k < 3; k++) {
            svc_bytes_float(out, corners[c][k]);
        }
    }
    svc_bytes_le16(out, 0);
}

int mesh_stl_write(const struct mesh *mesh, struct svc_bytes *ret, struct svc_error *err)
{
    struct svc_bytes out = {.max = FILE_BYTES_MAX};
    char header[80] = "binary STL, millimetres"; /* must not begin with "solid" */

    svc_bytes_put(&out, header, sizeof(header));
    svc_bytes_le32(&out, (uint32_t)mesh->triangle_count);
    for (size_t t = 0; t < mesh->triangle_count; t++) {
        const float *corners[3] = {mesh_corner(mesh, t, 0), mesh_corner(mesh, t, 1),
                                   mesh_corner(mesh, t, 2)};

        stl_triangle(&out, corners);
    }
    return finish(&out, "STL", ret, err);
}

/* glTF's y is up and its unit is the metre. */
static void glb_position(const float *p, float ret[3])
{
    ret[0] = p[0] / 1000;
    ret[1] = p[2] / 1000;
    ret[2] = -p[1] / 1000;
}

struct glb_layout {
    size_t indices, positions, uvs, png, size; /* offsets in the binary chunk */
    float low[3], high[3];
};

static size_t align4(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

static struct glb_layout glb_plan(const struct mesh *mesh, const struct svc_bytes *png)
{
    struct glb_layout at = {.low = {INFINITY, INFINITY, INFINITY},
                            .high = {-INFINITY, -INFINITY, -INFINITY}};

    at.positions = at.indices + 12 * mesh->triangle_count;
    at.uvs = at.positions + 12 * mesh->vertex_count;
    at.png = at.uvs + (mesh->uvs != NULL ? 8 * mesh->vertex_count : 0);
    at.size = align4(at.png + (png != NULL ? png->len : 0));
    for (size_t i = 0; i < mesh->vertex_count; i++) {
        float p[3];

        glb_position(mesh->positions + 3 * i, p);
        for (size_t k = 0; k < 3; k++) {
            at.low[k] = fminf(at.low[k], p[k]);
            at.high[k] = fmaxf(at.high[k], p[k]);
        }
    }
    return at;
}

/* The JSON chunk. Nine digits bring a float back exactly, as its bounds must be. */
static void glb_json(const struct mesh *mesh, const struct glb_layout *at,
                     const struct svc_bytes *png, struct svc_bytes *out)
{
    bool has_uvs = mesh->uvs != NULL, has_png = has_uvs && png != NULL;
    size_t vertices = mesh->vertex_count, indices = 3 * mesh->triangle_count;

    svc_bytes_printf(out,
                     "{\"asset\":{\"version\":\"2.0\",\"generator\":\"studio\"},\"scene\":0,"
                     "\"scenes\":[{\"nodes\":[0]}],\"nodes\":[{\"mesh\":0}],\"meshes\":[{"
                     "\"primitives\":[{\"attributes\":{\"POSITION\":1%s},\"indices\":0,"
                     "\"material\":0}]}],",
                     has_uvs ? ",\"TEXCOORD_0\":2" : "");
    svc_bytes_printf(out,
                     "\"materials\":[{\"pbrMetallicRoughness\":{%s\"metallicFactor\":0,"
                     "\"roughnessFactor\":0.9}}],",
                     has_png ? "\"baseColorTexture\":{\"index\":0}," : "");
    if (has_png) {
        svc_bytes_printf(out, "\"textures\":[{\"source\":0}],\"images\":[{\"bufferView\":3,"
                              "\"mimeType\":\"image/png\"}],");
    }
    svc_bytes_printf(out,
                     "\"accessors\":[{\"bufferView\":0,\"componentType\":5125,\"count\":%zu,"
                     "\"type\":\"SCALAR\"},{\"bufferView\":1,\"componentType\":5126,"
                     "\"count\":%zu,\"type\":\"VEC3\",",
                     indices, vertices);
    svc_bytes_printf(out, "\"min\":[%.9g,%.9g,%.9g],\"max\":[%.9g,%.9g,%.9g]}", (double)at->low[0],
                     (double)at->low[1], (double)at->low[2], (double)at->high[0],
                     (double)at->high[1], (double)at->high[2]);
    if (has_uvs) {
        svc_bytes_printf(out,
                         ",{\"bufferView\":2,\"componentType\":5126,\"count\":%zu,\"type\":"
                         "\"VEC2\"}",
                         vertices);
    }
    svc_bytes_printf(out,
                     "],\"bufferViews\":[{\"buffer\":0,\"byteOffset\":0,\"byteLength\":%zu,"
                     "\"target\":34963},{\"buffer\":0,\"byteOffset\":%zu,\"byteLength\":%zu,"
                     "\"target\":34962}",
                     4 * indices, at->positions, 12 * vertices);
    if (has_uvs) {
        svc_bytes_printf(out,
                         ",{\"buffer\":0,\"byteOffset\":%zu,\"byteLength\":%zu,"
                         "\"target\":34962}",
                         at->uvs, 8 * vertices);
    }
    if (has_png) {
        svc_bytes_printf(out, ",{\"buffer\":0,\"byteOffset\":%zu,\"byteLength\":%zu}", at->png,
                         png->len);
    }
    svc_bytes_printf(out, "],\"buffers\":[{\"byteLength\":%zu}]}", at->size);
    while (out->len % 4 != 0 && !out->failed) {
        svc_bytes_put(out, " ", 1);
    }
}

static void glb_binary(const struct mesh *mesh, const struct svc_bytes *png, struct svc_bytes *out)
{
    size_t start = out->len;

    for (size_t i = 0; i < 3 * mesh->triangle_count; i++) {
        svc_bytes_le32(out, mesh->indices[i]);
    }
    for (size_t i = 0; i < mesh->vertex_count; i++) {
        float p[3];

        glb_position(mesh->positions + 3 * i, p);
        for (size_t k = 0; k < 3; k++) {
            svc_bytes_float(out, p[k]);
        }
    }
    for (size_t i = 0; mesh->uvs != NULL && i < 2 * mesh->vertex_count; i++) {
        svc_bytes_float(out, mesh->uvs[i]);
    }
    if (png != NULL) {
        svc_bytes_put(out, png->ptr, png->len);
    }
    while ((out->len - start) % 4 != 0 && !out->failed) {
        svc_bytes_put(out, "", 1);
    }
}

int mesh_glb_write(const struct mesh *mesh, const struct svc_bytes *png, struct svc_bytes *ret,
                   struct svc_error *err)
{
    struct svc_bytes out = {.max = FILE_BYTES_MAX};
    struct svc_bytes json = {.max = 65536};
    struct glb_layout at = glb_plan(mesh, png);

    glb_json(mesh, &at, png, &json);
    svc_bytes_put(&out, "glTF", 4);
    svc_bytes_le32(&out, 2);
    svc_bytes_le32(&out, (uint32_t)(12 + 8 + json.len + 8 + at.size));
    svc_bytes_le32(&out, (uint32_t)json.len);
    svc_bytes_put(&out, "JSON", 4);
    svc_bytes_put(&out, json.ptr, json.len);
    svc_bytes_le32(&out, (uint32_t)at.size);
    svc_bytes_put(&out, "BIN", 4);
    glb_binary(mesh, png, &out);
    out.failed = out.failed || json.failed;
    svc_bytes_done(&json);
    return finish(&out, "GLB", ret, err);
}
