#include "mesh.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int mesh_new(size_t vertices, size_t triangles, bool has_uvs, struct mesh *ret,
             struct svc_error *err)
{
    struct mesh mesh = {.vertex_count = vertices, .triangle_count = triangles};

    if (vertices > MESH_VERTICES_MAX || triangles > MESH_TRIANGLES_MAX) {
        return svc_fail(err, -EFBIG, "mesh: %zu triangles: %d at most: use a lower quality",
                        triangles, MESH_TRIANGLES_MAX);
    }
    mesh.positions = calloc(vertices + 1, 3 * sizeof(float));
    mesh.uvs = has_uvs ? calloc(vertices + 1, 2 * sizeof(float)) : NULL;
    mesh.indices = calloc(triangles + 1, 3 * sizeof(uint32_t));
    if (mesh.positions == NULL || mesh.indices == NULL || (has_uvs && mesh.uvs == NULL)) {
        mesh_done(&mesh);
        return svc_fail(err, -ENOMEM, "mesh: out of memory: use a lower quality");
    }
    *ret = mesh;
    return 0;
}

void mesh_done(struct mesh *mesh)
{
    free(mesh->positions);
    free(mesh->uvs);
    free(mesh->indices);
    *mesh = (struct mesh){0};
}

/* An edge of one triangle: its ends in rising order, and whether the triangle runs it that way. */
struct half_edge {
    uint64_t ends;
    bool is_forward;
};

static int edge_order(const void *a, const void *b)
{
    const struct half_edge *x = a, *y = b;

    return x->ends < y->ends ? -1 : x->ends > y->ends;
}

static struct half_edge *all_edges(const struct mesh *mesh)
{
    struct half_edge *edges = calloc(3 * mesh->triangle_count + 1, sizeof(*edges));

    for (size_t t = 0; edges != NULL && t < mesh->triangle_count; t++) {
        const uint32_t *corners = mesh->indices + 3 * t;

        for (size_t k = 0; k < 3; k++) {
            uint64_t from = corners[k], to = corners[(k + 1) % 3];

            edges[3 * t + k] = (struct half_edge){
                .ends = from < to ? from << 32 | to : to << 32 | from, .is_forward = from < to};
        }
    }
    return edges;
}

static void check_edges(const struct half_edge *edges, size_t count, struct mesh_report *report)
{
    for (size_t i = 0, next; i < count; i = next) {
        size_t forward = 0;

        for (next = i; next < count && edges[next].ends == edges[i].ends; next++) {
            forward += edges[next].is_forward;
        }
        report->edges++;
        report->open_edges += next - i == 1;
        report->crowded_edges += next - i > 2;
        report->twisted_edges += next - i == 2 && forward != 1;
    }
}

static void cross(const float *a, const float *b, const float *c, double ret[3])
{
    double u[3], v[3];

    for (size_t k = 0; k < 3; k++) {
        u[k] = (double)b[k] - a[k];
        v[k] = (double)c[k] - a[k];
    }
    ret[0] = u[1] * v[2] - u[2] * v[1];
    ret[1] = u[2] * v[0] - u[0] * v[2];
    ret[2] = u[0] * v[1] - u[1] * v[0];
}

static double side2(const float *a, const float *b)
{
    double sum = 0;

    for (size_t k = 0; k < 3; k++) {
        double d = (double)a[k] - b[k];

        sum += d * d;
    }
    return sum;
}

static void check_triangle(const struct mesh *mesh, size_t t, struct mesh_report *report)
{
    const float *a = mesh_corner(mesh, t, 0), *b = mesh_corner(mesh, t, 1),
                *c = mesh_corner(mesh, t, 2);
    double normal[3], area2, sides = side2(a, b) + side2(b, c) + side2(c, a);

    cross(a, b, c, normal);
    area2 = sqrt(normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2]);
    report->volume += (a[0] * normal[0] + a[1] * normal[1] + a[2] * normal[2]) / 6;
    report->area += area2 / 2;
    if (area2 < 1e-9) {
        report->flat_triangles++;
    } else {
        report->shape += 2 * sqrt(3) * area2 / sides; /* 4 sqrt(3) area / sum of squared sides */
    }
}

static void check_box(const struct mesh *mesh, struct mesh_report *report)
{
    for (size_t k = 0; k < 3 && mesh->vertex_count > 0; k++) {
        report->low[k] = INFINITY;
        report->high[k] = -INFINITY;
        for (size_t i = 0; i < mesh->vertex_count; i++) {
            report->low[k] = fminf(report->low[k], mesh->positions[3 * i + k]);
            report->high[k] = fmaxf(report->high[k], mesh->positions[3 * i + k]);
        }
    }
}

int mesh_check(const struct mesh *mesh, struct mesh_report *ret, struct svc_error *err)
{
    struct mesh_report report = {0};
    struct half_edge *edges = all_edges(mesh);

    if (edges == NULL) {
        return svc_fail(err, -ENOMEM, "mesh: out of memory: use a lower quality");
    }
    qsort(edges, 3 * mesh->triangle_count, sizeof(*edges), edge_order);
    check_edges(edges, 3 * mesh->triangle_count, &report);
    free(edges);
    for (size_t t = 0; t < mesh->triangle_count; t++) {
        check_triangle(mesh, t, &report);
    }
    if (mesh->triangle_count > 0) {
        report.shape /= (double)mesh->triangle_count;
    }
    check_box(mesh, &report);
    report.is_manifold = mesh->triangle_count > 0 && report.open_edges == 0 &&
                         report.crowded_edges == 0 && report.twisted_edges == 0;
    *ret = report;
    return 0;
}
