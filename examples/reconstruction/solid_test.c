#include "solid.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "carve.h"
#include "testing/test.h"

enum { VIEWS = 24, SIDE = 48, PIXELS = 160 };

struct set {
    struct image photos[VIEWS];
    struct mask masks[VIEWS];
    struct view views[VIEWS];
};

static void take_photos(enum solid_kind kind, double elevation, struct set *set)
{
    for (size_t i = 0; i < VIEWS; i++) {
        set->views[i] = view_of(2 * 3.14159265358979 * (double)i / VIEWS, elevation);
        assert_int_equal(solid_photo(kind, &set->views[i], PIXELS, 3, &set->photos[i], NULL), 0);
        assert_int_equal(mask_find(&set->photos[i], &set->masks[i], NULL), 0);
    }
}

static void set_done(struct set *set)
{
    for (size_t i = 0; i < VIEWS; i++) {
        image_done(&set->photos[i]);
        mask_done(&set->masks[i]);
    }
}

TEST(view_axes_are_orthonormal_and_turn)
{
    for (int i = 0; i < 12; i++) {
        struct view view = view_of(i * 0.5, 0.3);
        double cross[3] = {view.right[1] * view.up[2] - view.right[2] * view.up[1],
                           view.right[2] * view.up[0] - view.right[0] * view.up[2],
                           view.right[0] * view.up[1] - view.right[1] * view.up[0]};
        double length = 0;

        for (size_t k = 0; k < 3; k++) {
            assert_true(fabs(cross[k] + view.forward[k]) < 1e-9); /* right x up looks back at us */
            length += view.right[k] * view.right[k];
        }
        assert_true(fabs(length - 1) < 1e-9);
    }
}

TEST(solid_distance_agrees_with_volumes)
{
    static const double want[SOLID_COUNT] = {4.0 / 3 * 3.14159 * 0.343, 2 * 9.8696 * 0.5 * 0.0484,
                                             1, 0, 0};

    for (int kind = 0; kind < SOLID_COUNT; kind++) {
        double volume = solid_volume((enum solid_kind)kind, 80);
        double outside[3] = {1, 1, 1};

        test_row(solid_name((enum solid_kind)kind));
        assert_int_equal(solid_find(solid_name((enum solid_kind)kind)), kind);
        assert_true(volume > 0.1 && volume < 3);
        assert_true(want[kind] <= 0 || fabs(volume / want[kind] - 1) < 0.02);
        assert_true(solid_distance((enum solid_kind)kind, outside) > 0);
    }
    test_row(NULL);
    assert_int_equal(solid_find("teapot"), SOLID_COUNT);
}

/* The hull holds the body, and is not much larger; its surface lies on the body's. */
static void check_hull(enum solid_kind kind, const struct set *set, double excess_max,
                       double distance_max)
{
    struct volume volume = {0};
    struct cloud cloud = {0};
    struct mesh mesh = {0};
    struct mesh_report report = {0};
    struct svc_error err = {{0}};
    double truth = solid_volume(kind, 96), sum = 0;

    assert_int_equal(volume_carve(set->masks, set->views, VIEWS, SIDE, 1, &volume, &err), 0);
    assert_int_equal(cloud_make(&volume, &cloud, &err), 0);
    assert_int_equal(surface_make(&volume, &mesh, &err), 0);
    assert_int_equal(mesh_check(&mesh, &report, &err), 0);
    assert_true(report.is_manifold);
    assert_int_equal(report.flat_triangles, 0);
    assert_true(report.volume > 0.93 * truth);
    assert_true(report.volume < excess_max * truth);
    for (size_t i = 0; i < cloud.count; i++) {
        double p[3] = {(double)cloud.points[3 * i], (double)cloud.points[3 * i + 1],
                       (double)cloud.points[3 * i + 2]};

        sum += fabs(solid_distance(kind, p));
    }
    assert_true(sum / (double)cloud.count < distance_max);
    volume_done(&volume);
    cloud_done(&cloud);
    mesh_done(&mesh);
}

TEST(carving_finds_known_bodies)
{
    /* What no silhouette shows is not carved: a cube seen from the horizon keeps its corners, a
     * ball seen from there keeps a little at its poles. */
    static const struct {
        enum solid_kind kind;
        double elevation, excess_max, distance_max;
    } cases[] = {
        {SOLID_SPHERE, 0, 1.12, 0.035},  {SOLID_SPHERE, 0.4, 1.12, 0.035},
        {SOLID_CUBE, 0, 1.12, 0.03},     {SOLID_VASE, 0, 1.12, 0.035},
        {SOLID_FIGURE, 0.2, 1.15, 0.04}, {SOLID_TORUS, 0, 1.35, 0.06},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct set *set = calloc(1, sizeof(*set));

        assert_non_null(set);
        test_row(solid_name(cases[i].kind));
        take_photos(cases[i].kind, cases[i].elevation, set);
        check_hull(cases[i].kind, set, cases[i].excess_max, cases[i].distance_max);
        set_done(set);
        free(set);
    }
    test_row(NULL);
}

TEST(surface_of_any_grid_is_closed)
{
    uint32_t random = 5;

    for (unsigned share = 1; share < 16; share += 2) {
        uint8_t filled[16 * 16 * 16];
        struct volume volume = {.side = 16, .filled = filled};
        struct mesh mesh = {0};
        struct mesh_report report = {0};

        for (size_t i = 0; i < sizeof(filled); i++) {
            random = random * 1664525 + 1013904223;
            filled[i] = (random >> 16) % 16 < share;
        }
        assert_int_equal(surface_make(&volume, &mesh, NULL), 0);
        if (mesh.triangle_count > 0) {
            assert_int_equal(mesh_check(&mesh, &report, NULL), 0);
            assert_int_equal(report.open_edges + report.crowded_edges + report.twisted_edges, 0);
            assert_true(report.volume > 0);
        }
        mesh_done(&mesh);
    }
}

TEST(carving_of_strangers_is_refused)
{
    uint8_t left[100] = {0}, right[100] = {0};
    struct mask masks[2] = {{.width = 10, .height = 10, .on = left},
                            {.width = 10, .height = 10, .on = right}};
    struct view views[2] = {view_of(0, 0), view_of(0, 0)};
    struct volume volume = {0};
    struct svc_error err = {{0}};

    left[52] = 1;
    right[57] = 1;
    assert_int_equal(volume_carve(masks, views, 2, 16, 0, &volume, &err), -EDOM);
    assert_non_null(strstr(err.text, "order"));
}

TEST(texture_coordinates_stay_in_their_tile)
{
    struct set *set = calloc(1, sizeof(*set));
    struct volume volume = {0};
    struct mesh mesh = {0}, textured = {0};
    struct image atlas = {0};

    assert_non_null(set);
    take_photos(SOLID_CUBE, 0, set);
    assert_int_equal(volume_carve(set->masks, set->views, VIEWS, 24, 1, &volume, NULL), 0);
    assert_int_equal(surface_make(&volume, &mesh, NULL), 0);
    assert_int_equal(
        surface_texture(&mesh, set->photos, set->views, VIEWS, 64, &textured, &atlas, NULL), 0);
    assert_int_equal(atlas.width, 256);
    assert_int_equal(atlas.height, 128);
    assert_int_equal(textured.vertex_count, 3 * mesh.triangle_count);
    for (size_t i = 0; i < 2 * textured.vertex_count; i++) {
        assert_true(textured.uvs[i] >= 0 && textured.uvs[i] <= 1);
    }
    image_done(&atlas);
    mesh_done(&textured);
    mesh_done(&mesh);
    volume_done(&volume);
    set_done(set);
    free(set);
}
