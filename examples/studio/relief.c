#include "relief.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The grid: (columns + 1) x (rows + 1) points with heights, columns x rows cells between them. */
struct grid {
    uint32_t columns, rows;
    double step_mm;
    float *height;    /* of points, over the base's top */
    float *inside;    /* of points: distance to the outline in points */
    uint8_t *solid;   /* of cells */
    uint32_t *vertex; /* of points: 1 + the top's vertex; the bottom's stands behind it; 0 = none */
    size_t vertices;
};

static size_t point_count(const struct grid *grid)
{
    return (size_t)(grid->columns + 1) * (grid->rows + 1);
}

static size_t point_at(const struct grid *grid, uint32_t x, uint32_t y)
{
    return (size_t)y * (grid->columns + 1) + x;
}

static bool is_solid(const struct grid *grid, int64_t x, int64_t y)
{
    return x >= 0 && y >= 0 && x < grid->columns && y < grid->rows &&
           grid->solid[(size_t)y * grid->columns + (size_t)x] != 0;
}

/* The picture's pixel for a grid point. */
static size_t pixel_of(const struct grid *grid, const struct image *image, uint32_t x, uint32_t y)
{
    uint64_t px = (uint64_t)x * (image->width - 1) / grid->columns;
    uint64_t py = (uint64_t)y * (image->height - 1) / grid->rows;

    return (size_t)(py * image->width + px);
}

/* Two sweeps of a chamfer (3-4 by 3): within 8 % of the Euclidean distance. */
static void sweep_distance(const struct grid *grid, bool is_forward)
{
    const float straight = 1, diagonal = 1.3333f;
    int64_t width = grid->columns + 1, height = grid->rows + 1, step = is_forward ? 1 : -1;

    for (int64_t j = 0; j < height; j++) {
        for (int64_t i = 0; i < width; i++) {
            int64_t x = is_forward ? i : width - 1 - i, y = is_forward ? j : height - 1 - j;
            float *here = &grid->inside[y * width + x];
            const struct {
                int64_t x, y;
                float cost;
            } near[4] = {{x - step, y, straight},
                         {x, y - step, straight},
                         {x - step, y - step, diagonal},
                         {x + step, y - step, diagonal}};

            for (size_t k = 0; k < 4; k++) {
                bool is_in =
                    near[k].x >= 0 && near[k].x < width && near[k].y >= 0 && near[k].y < height;
                float there = is_in ? grid->inside[near[k].y * width + near[k].x] : 0;

                *here = fminf(*here, there + near[k].cost);
            }
        }
    }
}

static float greatest(const float *values, size_t count)
{
    float most = 0;

    for (size_t i = 0; i < count; i++) {
        most = fmaxf(most, values[i]);
    }
    return most;
}

/* Three by three means, so that pixel noise does not become spikes. */
static void smooth(const struct grid *grid, float *spare)
{
    int64_t width = grid->columns + 1, height = grid->rows + 1;

    for (int64_t y = 0; y < height; y++) {
        for (int64_t x = 0; x < width; x++) {
            float sum = 0, count = 0;

            for (int64_t v = y > 0 ? y - 1 : 0; v <= y + 1 && v < height; v++) {
                for (int64_t u = x > 0 ? x - 1 : 0; u <= x + 1 && u < width; u++) {
                    sum += grid->height[v * width + u];
                    count++;
                }
            }
            spare[y * width + x] = sum / count;
        }
    }
    memcpy(grid->height, spare, point_count(grid) * sizeof(*spare));
}

static double luminance(const uint8_t *p)
{
    return (0.2126 * p[0] + 0.7152 * p[1] + 0.0722 * p[2]) / 255;
}

static void raise_heights(const struct grid *grid, const struct image *image,
                          const struct mask *mask, double relief_mm)
{
    const double rounding = 0.6; /* the rest is detail */
    float deepest;

    for (uint32_t y = 0; y <= grid->rows; y++) {
        for (uint32_t x = 0; x <= grid->columns; x++) {
            bool on = mask->on[pixel_of(grid, image, x, y)] != 0;

            grid->inside[point_at(grid, x, y)] = on ? INFINITY : 0;
        }
    }
    sweep_distance(grid, true);
    sweep_distance(grid, false);
    deepest = fmaxf(1, greatest(grid->inside, point_count(grid)));
    for (uint32_t y = 0; y <= grid->rows; y++) {
        for (uint32_t x = 0; x <= grid->columns; x++) {
            size_t i = point_at(grid, x, y);
            double depth = grid->inside[i] / (double)deepest;
            double light = luminance(image->rgba + 4 * pixel_of(grid, image, x, y));

            grid->height[i] =
                depth > 0 ? (float)(relief_mm * (rounding * sqrt(depth) + (1 - rounding) * light))
                          : 0;
        }
    }
    smooth(grid, grid->inside);
    smooth(grid, grid->inside);
}

/* Which cells are part of the body. */
static void choose_cells(const struct grid *grid, const struct image *image,
                         const struct mask *mask, bool is_cutout)
{
    for (uint32_t y = 0; y < grid->rows; y++) {
        for (uint32_t x = 0; x < grid->columns; x++) {
            grid->solid[(size_t)y * grid->columns + x] =
                !is_cutout || mask->on[pixel_of(grid, image, x, y)] != 0;
        }
    }
}

/* Cells that touch at a corner only would share one upright edge between four walls: fill one of
 * the two others. A filled cell can make a new such place, so this repeats, each time with more
 * cells. */
static unsigned bridge_diagonals(const struct grid *grid)
{
    unsigned bridges = 0, before;

    do {
        before = bridges;
        for (int64_t y = 0; y + 1 < grid->rows; y++) {
            for (int64_t x = 0; x + 1 < grid->columns; x++) {
                bool a = is_solid(grid, x, y), b = is_solid(grid, x + 1, y);
                bool c = is_solid(grid, x, y + 1), d = is_solid(grid, x + 1, y + 1);

                if (a == d && b == c && a != b) {
                    grid->solid[(size_t)y * grid->columns + (size_t)x + (a ? 1 : 0)] = 1;
                    bridges++;
                }
            }
        }
    } while (bridges != before);
    return bridges;
}

static unsigned thicken(const struct grid *grid, double base_mm)
{
    float least = (float)(RELIEF_THICKNESS_MIN_MM - base_mm);
    unsigned repaired = 0;

    for (size_t i = 0; i < point_count(grid); i++) {
        if (grid->height[i] < least) {
            grid->height[i] = least;
            repaired++;
        }
    }
    return repaired;
}

/* Numbers the points that solid cells use. */
static void number_points(struct grid *grid)
{
    for (uint32_t y = 0; y <= grid->rows; y++) {
        for (uint32_t x = 0; x <= grid->columns; x++) {
            bool used = is_solid(grid, (int64_t)x - 1, (int64_t)y - 1) ||
                        is_solid(grid, x, (int64_t)y - 1) || is_solid(grid, (int64_t)x - 1, y) ||
                        is_solid(grid, x, y);

            if (used) {
                grid->vertex[point_at(grid, x, y)] = (uint32_t)grid->vertices + 1;
                grid->vertices += 2;
            }
        }
    }
}

/* The places of a cell's four walls, each as the two points that it stands on, in the order in
 * which the wall is seen from outside from left to right; and the neighbour that would hide it. */
static const struct {
    int dx, dy;
    uint8_t from[2], to[2];
} walls[4] = {
    {0, -1, {1, 0}, {0, 0}},
    {1, 0, {1, 1}, {1, 0}},
    {0, 1, {0, 1}, {1, 1}},
    {-1, 0, {0, 0}, {0, 1}},
};

static size_t count_walls(const struct grid *grid, size_t *ret_cells)
{
    size_t count = 0;

    *ret_cells = 0;
    for (int64_t y = 0; y < grid->rows; y++) {
        for (int64_t x = 0; x < grid->columns; x++) {
            *ret_cells += is_solid(grid, x, y);
            for (size_t k = 0; k < 4; k++) {
                count += is_solid(grid, x, y) && !is_solid(grid, x + walls[k].dx, y + walls[k].dy);
            }
        }
    }
    return count;
}

/* Two triangles of a quadrangle a, b, c, d, counter-clockwise seen from outside. */
static void add_quad(struct mesh *mesh, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    uint32_t corners[6] = {a, b, c, a, c, d};

    memcpy(mesh->indices + 3 * mesh->triangle_count, corners, sizeof(corners));
    mesh->triangle_count += 2;
}

/* The vertex of a point: is_top or at the bottom. */
static uint32_t vertex_of(const struct grid *grid, int64_t x, int64_t y, bool is_top)
{
    return grid->vertex[point_at(grid, (uint32_t)x, (uint32_t)y)] - 1 + (is_top ? 0 : 1);
}

static void add_cell(const struct grid *grid, int64_t x, int64_t y, struct mesh *mesh)
{
    for (int top = 0; top <= 1; top++) {
        uint32_t a = vertex_of(grid, x, y, top), b = vertex_of(grid, x + 1, y, top),
                 c = vertex_of(grid, x + 1, y + 1, top), d = vertex_of(grid, x, y + 1, top);

        /* Rows run down the picture and y up the body, so the top is seen as d, c, b, a. */
        if (top) {
            add_quad(mesh, d, c, b, a);
        } else {
            add_quad(mesh, a, b, c, d);
        }
    }
    for (size_t k = 0; k < 4; k++) {
        int64_t from[2] = {x + walls[k].from[0], y + walls[k].from[1]};
        int64_t to[2] = {x + walls[k].to[0], y + walls[k].to[1]};

        if (!is_solid(grid, x + walls[k].dx, y + walls[k].dy)) {
            add_quad(mesh, vertex_of(grid, from[0], from[1], false),
                     vertex_of(grid, to[0], to[1], false), vertex_of(grid, to[0], to[1], true),
                     vertex_of(grid, from[0], from[1], true));
        }
    }
}

static void place_vertices(const struct grid *grid, double base_mm, struct mesh *mesh)
{
    for (uint32_t y = 0; y <= grid->rows; y++) {
        for (uint32_t x = 0; x <= grid->columns; x++) {
            size_t i = point_at(grid, x, y);

            for (uint32_t k = 0; k < 2 && grid->vertex[i] != 0; k++) {
                size_t vertex = grid->vertex[i] - 1 + k;
                float *p = mesh->positions + 3 * vertex;

                p[0] = (float)(x * grid->step_mm);
                p[1] = (float)((grid->rows - y) * grid->step_mm);
                p[2] = k == 0 ? (float)base_mm + grid->height[i] : 0;
                mesh->uvs[2 * vertex] = (float)x / (float)grid->columns;
                mesh->uvs[2 * vertex + 1] = (float)y / (float)grid->rows;
            }
        }
    }
}

static int build(struct grid *grid, double base_mm, struct mesh *ret, struct svc_error *err)
{
    size_t cells = 0;
    size_t wall_count = count_walls(grid, &cells);
    struct mesh mesh = {0};
    int r;

    if (cells == 0) {
        return svc_fail(err, -EDOM,
                        "shape: no subject was found: use a picture whose background "
                        "differs from it");
    }
    number_points(grid);
    r = mesh_new(grid->vertices, 4 * cells + 2 * wall_count, true, &mesh, err);
    if (r < 0) {
        return r;
    }
    mesh.triangle_count = 0; /* counts up again as they are added */
    place_vertices(grid, base_mm, &mesh);
    for (int64_t y = 0; y < grid->rows; y++) {
        for (int64_t x = 0; x < grid->columns; x++) {
            if (is_solid(grid, x, y)) {
                add_cell(grid, x, y, &mesh);
            }
        }
    }
    *ret = mesh;
    return 0;
}

static void measure(const struct grid *grid, double base_mm, struct relief *relief)
{
    float low = INFINITY, high = -INFINITY;
    double steps = 0;
    size_t cells = 0, count = 0;

    for (size_t i = 0; i < point_count(grid); i++) {
        if (grid->vertex[i] != 0) {
            low = fminf(low, grid->height[i]);
            high = fmaxf(high, grid->height[i]);
            if (i % (grid->columns + 1) > 0 && grid->vertex[i - 1] != 0) {
                steps += fabs((double)grid->height[i] - grid->height[i - 1]);
                count++;
            }
        }
    }
    for (size_t i = 0; i < (size_t)grid->columns * grid->rows; i++) {
        cells += grid->solid[i];
    }
    relief->thickness_mm = base_mm + (double)low;
    relief->height_mm = (double)high - (double)low;
    relief->roughness =
        count > 0 && relief->height_mm > 0 ? steps / (double)count / relief->height_mm : 0;
    relief->coverage = (double)cells / ((double)grid->columns * grid->rows);
}

static int grid_new(const struct image *image, const struct relief_options *options,
                    struct grid *ret, struct svc_error *err)
{
    uint32_t longer = image->width > image->height ? image->width : image->height;
    struct grid grid = {.columns = (uint32_t)((uint64_t)options->cells * image->width / longer),
                        .rows = (uint32_t)((uint64_t)options->cells * image->height / longer)};
    size_t points, cells;

    grid.columns = grid.columns > 0 ? grid.columns : 1;
    grid.rows = grid.rows > 0 ? grid.rows : 1;
    grid.step_mm = options->size_mm / options->cells;
    points = point_count(&grid);
    cells = (size_t)grid.columns * grid.rows;
    grid.height = calloc(points, sizeof(*grid.height));
    grid.inside = calloc(points, sizeof(*grid.inside));
    grid.vertex = calloc(points, sizeof(*grid.vertex));
    grid.solid = calloc(cells, 1);
    *ret = grid;
    return grid.height == NULL || grid.inside == NULL || grid.vertex == NULL || grid.solid == NULL
               ? svc_fail(err, -ENOMEM, "shape: out of memory: use a lower quality")
               : 0;
}

static void grid_done(struct grid *grid)
{
    free(grid->height);
    free(grid->inside);
    free(grid->vertex);
    free(grid->solid);
}

int relief_make(const struct image *image, const struct mask *mask,
                const struct relief_options *options, struct relief *ret, struct svc_error *err)
{
    struct relief relief = {0};
    struct grid grid = {0};
    int r = grid_new(image, options, &grid, err);

    if (r == 0) {
        raise_heights(&grid, image, mask, options->relief_mm);
        choose_cells(&grid, image, mask, options->is_cutout);
        relief.repairs.diagonal_bridges = bridge_diagonals(&grid);
        relief.repairs.thin_walls = thicken(&grid, options->base_mm);
        r = build(&grid, options->base_mm, &relief.mesh, err);
    }
    if (r == 0) {
        measure(&grid, options->base_mm, &relief);
        *ret = relief;
    }
    grid_done(&grid);
    return r;
}

void relief_done(struct relief *relief)
{
    mesh_done(&relief->mesh);
    *relief = (struct relief){0};
}

double relief_score(const struct relief *relief, const struct mesh_report *report)
{
    /* Steps between neighbours of a twentieth of the height are as rough as a surface may be. */
    double smoothness = fmax(0, 1 - relief->roughness / 0.05);
    double depth = fmin(1, relief->height_mm / 2); /* two millimetres can be felt and seen */

    return (report->is_manifold ? 0.5 : 0) + 0.25 * smoothness + 0.25 * depth;
}
