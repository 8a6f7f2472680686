/*
 * Marching tetrahedra (Doi and Koide 1991) over the smoothed grid. Each cube between eight samples
 * is cut into six tetrahedra around its main diagonal, the same way in all cubes, so that
 * neighbours agree on every shared face; the level is never met exactly, so that no vertex falls on
 * a sample. Hence every edge has two triangles, whatever the grid holds.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "carve.h"

/* Samples are sums of 27 cells, 0 to 27: 13.37 is none of them. */
#define LEVEL 13.37f

enum { DIRECTIONS = 7 };

/* One more sample than cells on every side: the outermost ones are empty, so the surface closes. */
struct field {
    uint32_t side; /* samples a side */
    float *samples;
    uint32_t *vertex; /* by sample and direction: 1 + the vertex on that edge; 0 = none yet */
    struct mesh mesh;
    size_t vertices_max, triangles_max;
    double step;
};

static size_t sample_at(const struct field *field, const uint32_t at[3])
{
    return ((size_t)at[2] * field->side + at[1]) * field->side + at[0];
}

static void fill_samples(const struct volume *volume, struct field *field)
{
    size_t i = 0;

    for (int64_t z = 0; z < field->side; z++) {
        for (int64_t y = 0; y < field->side; y++) {
            for (int64_t x = 0; x < field->side; x++, i++) {
                int sum = 0;

                /* Sample s is the middle of cell s - 2. */
                for (int64_t k = 0; k < 27; k++) {
                    sum += volume_at(volume, x - 3 + k % 3, y - 3 + k / 3 % 3, z - 3 + k / 9);
                }
                field->samples[i] = (float)sum;
            }
        }
    }
}

/* The vertex on the edge between two samples, one of which is inside. Bit k of a corner is its step
 * along axis k. */
static uint32_t edge_vertex(struct field *field, const uint32_t cube[3], unsigned a, unsigned b)
{
    unsigned low = a < b ? a : b, high = a < b ? b : a; /* on one way around the diagonal */
    uint32_t from[3] = {cube[0] + (low & 1), cube[1] + (low >> 1 & 1), cube[2] + (low >> 2)};
    uint32_t to[3] = {cube[0] + (high & 1), cube[1] + (high >> 1 & 1), cube[2] + (high >> 2)};
    uint32_t *known = &field->vertex[sample_at(field, from) * DIRECTIONS + ((low ^ high) - 1)];

    if (*known == 0) {
        float here = field->samples[sample_at(field, from)];
        float there = field->samples[sample_at(field, to)];
        double t = ((double)LEVEL - (double)here) / ((double)there - (double)here);
        float *p = field->mesh.positions + 3 * field->mesh.vertex_count;

        for (size_t k = 0; k < 3; k++) {
            double at = from[k] + t * ((double)to[k] - from[k]);

            p[k] = (float)((at - 2 + 0.5) * field->step - 1);
        }
        *known = (uint32_t)++field->mesh.vertex_count;
    }
    return *known - 1;
}

static void add_triangle(struct field *field, uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t *to = field->mesh.indices + 3 * field->mesh.triangle_count++;

    to[0] = a;
    to[1] = b;
    to[2] = c;
}

static bool has_room(struct field *field)
{
    return field->mesh.vertex_count + 4 <= field->vertices_max &&
           field->mesh.triangle_count + 2 <= field->triangles_max;
}

/* One corner is on another side than three: a triangle cuts it off. `out` turns it to the outside.
 */
static void cut_one(struct field *field, const uint32_t cube[3], const unsigned order[4], bool out)
{
    uint32_t a = edge_vertex(field, cube, order[0], order[1]);
    uint32_t b = edge_vertex(field, cube, order[0], order[2]);
    uint32_t c = edge_vertex(field, cube, order[0], order[3]);

    add_triangle(field, a, out ? b : c, out ? c : b);
}

/* Two on each side: a quadrangle between the pairs. */
static void cut_two(struct field *field, const uint32_t cube[3], const unsigned order[4])
{
    uint32_t a = edge_vertex(field, cube, order[0], order[2]);
    uint32_t b = edge_vertex(field, cube, order[0], order[3]);
    uint32_t c = edge_vertex(field, cube, order[1], order[3]);
    uint32_t d = edge_vertex(field, cube, order[1], order[2]);

    add_triangle(field, a, b, c);
    add_triangle(field, a, c, d);
}

/*
 * A tetrahedron with corners in right-handed order. `order` puts the corners that are inside first
 * by even permutations, so that the hand stays, and with it the side that triangles show.
 */
static void cut(struct field *field, const uint32_t cube[3], const unsigned corners[4],
                unsigned inside)
{
    /* By the bits of the corners inside: an even permutation that puts the lone one, or the pair,
     * first. */
    static const uint8_t orders[16][4] = {
        [1] = {0, 1, 2, 3},  [2] = {1, 0, 3, 2},  [4] = {2, 0, 1, 3},  [8] = {3, 0, 2, 1},
        [14] = {0, 1, 2, 3}, [13] = {1, 0, 3, 2}, [11] = {2, 0, 1, 3}, [7] = {3, 0, 2, 1},
        [3] = {0, 1, 2, 3},  [5] = {0, 2, 3, 1},  [9] = {0, 3, 1, 2},  [6] = {1, 2, 0, 3},
        [10] = {3, 1, 0, 2}, [12] = {2, 3, 0, 1},
    };
    unsigned order[4];

    if (inside == 0 || inside == 15) {
        return;
    }
    for (size_t k = 0; k < 4; k++) {
        order[k] = corners[orders[inside][k]];
    }
    switch (inside) {
    case 1:
    case 2:
    case 4:
    case 8:
        cut_one(field, cube, order, true);
        break;
    case 7:
    case 11:
    case 13:
    case 14:
        cut_one(field, cube, order, false);
        break;
    default:
        cut_two(field, cube, order);
        break;
    }
}

static int cut_cube(struct field *field, const uint32_t cube[3], struct svc_error *err)
{
    /* Six ways from corner 0 to corner 7, one axis after the other; each is right-handed. */
    static const uint8_t tetrahedra[6][4] = {{0, 1, 3, 7}, {0, 3, 2, 7}, {0, 2, 6, 7},
                                             {0, 6, 4, 7}, {0, 4, 5, 7}, {0, 5, 1, 7}};

    for (size_t t = 0; t < 6; t++) {
        unsigned corners[4], inside = 0;

        for (unsigned k = 0; k < 4; k++) {
            unsigned c = tetrahedra[t][k];
            uint32_t at[3] = {cube[0] + (c & 1), cube[1] + (c >> 1 & 1), cube[2] + (c >> 2)};

            corners[k] = c;
            inside |= (field->samples[sample_at(field, at)] > LEVEL ? 1u : 0u) << k;
        }
        if (!has_room(field)) {
            return svc_fail(err, -EFBIG, "meshing: more than %d triangles: use a lower resolution",
                            MESH_TRIANGLES_MAX);
        }
        cut(field, cube, corners, inside);
    }
    return 0;
}

static int cut_all(struct field *field, struct svc_error *err)
{
    int r = 0;

    for (uint32_t z = 0; z + 1 < field->side && r == 0; z++) {
        for (uint32_t y = 0; y + 1 < field->side && r == 0; y++) {
            for (uint32_t x = 0; x + 1 < field->side && r == 0; x++) {
                r = cut_cube(field, (uint32_t[3]){x, y, z}, err);
            }
        }
    }
    return r;
}

int surface_make(const struct volume *volume, struct mesh *ret, struct svc_error *err)
{
    struct field field = {.side = volume->side + 4,
                          .vertices_max = MESH_VERTICES_MAX,
                          .triangles_max = MESH_TRIANGLES_MAX,
                          .step = 2.0 / volume->side};
    size_t count = (size_t)field.side * field.side * field.side;
    int r = mesh_new(field.vertices_max, field.triangles_max, false, &field.mesh, err);

    field.samples = calloc(count, sizeof(*field.samples));
    field.vertex = calloc(count * DIRECTIONS, sizeof(*field.vertex));
    if (r == 0 && (field.samples == NULL || field.vertex == NULL)) {
        r = svc_fail(err, -ENOMEM, "meshing: out of memory: use a lower resolution");
    }
    if (r == 0) {
        field.mesh.vertex_count = 0; /* both count up again */
        field.mesh.triangle_count = 0;
        fill_samples(volume, &field);
        r = cut_all(&field, err);
    }
    free(field.samples);
    free(field.vertex);
    if (r < 0) {
        mesh_done(&field.mesh);
        return r;
    }
    *ret = field.mesh;
    return 0;
}
