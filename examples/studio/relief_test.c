#include "relief.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "paint.h"
#include "testing/test.h"
#include "texture.h"

/* A dark disk on a light ground, radius in pixels. */
static void make_disk(uint32_t side, double radius, struct image *ret)
{
    assert_int_equal(image_new(side, side, ret, NULL), 0);
    for (uint32_t y = 0; y < side; y++) {
        for (uint32_t x = 0; x < side; x++) {
            double dx = x - side / 2.0, dy = y - side / 2.0;
            bool in = dx * dx + dy * dy < radius * radius;
            uint8_t *p = image_at(ret, x, y);

            p[0] = in ? 60 : 240;
            p[1] = in ? (uint8_t)(80 + x % 16) : 238;
            p[2] = in ? 200 : 235;
            p[3] = 255;
        }
    }
}

TEST(mask_finds_a_disk)
{
    struct image image = {0};
    struct mask mask = {0};

    make_disk(100, 30, &image);
    assert_int_equal(mask_find(&image, &mask, NULL), 0);
    assert_true(fabs(mask.coverage - 0.2827) < 0.01); /* pi 30^2 of 100^2 */
    assert_true(mask.separation > 0.5);
    assert_true(mask.smoothness > 0.9);
    assert_true(mask_score(&mask) > 0.8);
    assert_int_equal(mask.on[50 * 100 + 50], 1);
    assert_int_equal(mask.on[5 * 100 + 5], 0);
    mask_done(&mask);
    image_done(&image);
}

TEST(mask_uses_transparency_and_cleans)
{
    struct image image = {0};
    struct mask mask = {0};

    make_disk(100, 30, &image);
    for (uint32_t y = 0; y < 100; y++) {
        for (uint32_t x = 0; x < 100; x++) {
            bool on = x > 20 && x < 80 && y > 20 && y < 80 && !(x == 50 && y == 50);

            image_at(&image, x, y)[3] = on || (x == 5 && y == 5) ? 255 : 0;
        }
    }
    assert_int_equal(mask_find(&image, &mask, NULL), 0);
    assert_int_equal(mask.repairs.islands_removed, 1);
    assert_int_equal(mask.repairs.holes_filled, 1);
    assert_int_equal(mask.on[50 * 100 + 50], 1);
    assert_int_equal(mask.on[5 * 100 + 5], 0);
    assert_true(fabs(mask.coverage - 59 * 59 / 10000.0) < 1e-9);
    mask_done(&mask);
    image_done(&image);
}

TEST(mask_of_hostile_pictures_ends)
{
    struct image image = {0};
    struct mask mask = {0};
    uint32_t random = 1;

    /* One colour, one pixel, noise, a chessboard: as many components as there can be. */
    assert_int_equal(image_new(50, 50, &image, NULL), 0);
    assert_int_equal(mask_find(&image, &mask, NULL), 0);
    assert_int_equal((int)mask.coverage, 0);
    mask_done(&mask);
    image_done(&image);
    assert_int_equal(image_new(1, 1, &image, NULL), 0);
    assert_int_equal(mask_find(&image, &mask, NULL), 0);
    mask_done(&mask);
    image_done(&image);
    assert_int_equal(image_new(256, 256, &image, NULL), 0);
    for (uint32_t i = 0; i < 4 * 256 * 256; i++) {
        random = random * 1664525 + 1013904223;
        image.rgba[i] = i % 4 == 3 ? 255 : (uint8_t)(random >> 24);
    }
    assert_int_equal(mask_find(&image, &mask, NULL), 0);
    mask_done(&mask);
    for (uint32_t i = 0; i < 256 * 256; i++) {
        image.rgba[4 * i + 3] = (i + i / 256) % 2 ? 255 : 0;
    }
    assert_int_equal(mask_find(&image, &mask, NULL), 0);
    mask_done(&mask);
    image_done(&image);
}

static struct relief_options usual(bool is_cutout)
{
    return (struct relief_options){
        .cells = 64, .size_mm = 100, .relief_mm = 8, .base_mm = 2, .is_cutout = is_cutout};
}

static void check_relief(const struct image *image, const struct mask *mask,
                         const struct relief_options *options)
{
    struct relief relief = {0};
    struct mesh_report report = {0};
    struct svc_error err = {{0}};

    assert_int_equal(relief_make(image, mask, options, &relief, &err), 0);
    assert_int_equal(mesh_check(&relief.mesh, &report, &err), 0);
    assert_int_equal(report.open_edges, 0);
    assert_int_equal(report.crowded_edges, 0);
    assert_int_equal(report.twisted_edges, 0);
    assert_true(report.is_manifold);
    assert_true(report.volume > 0);
    assert_int_equal(report.flat_triangles, 0);
    assert_true(relief.thickness_mm >= RELIEF_THICKNESS_MIN_MM - 1e-6);
    assert_true(fabsf(report.low[2]) < 1e-6f);
    relief_done(&relief);
}

TEST(relief_of_a_disk_is_closed)
{
    struct image image = {0};
    struct mask mask = {0};
    struct relief_options options;

    make_disk(100, 30, &image);
    assert_int_equal(mask_find(&image, &mask, NULL), 0);
    for (int cutout = 0; cutout <= 1; cutout++) {
        options = usual(cutout);
        check_relief(&image, &mask, &options);
        options.base_mm = 0.2; /* too thin: repaired */
        check_relief(&image, &mask, &options);
        options.cells = 8;
        check_relief(&image, &mask, &options);
    }
    mask_done(&mask);
    image_done(&image);
}

TEST(relief_of_any_mask_is_closed)
{
    struct image image = {0};
    uint32_t random = 7;

    make_disk(60, 20, &image);
    for (int round = 0; round < 20; round++) {
        uint8_t on[60 * 60];
        struct mask mask = {.width = 60, .height = 60, .on = on, .coverage = 0.5};
        struct relief_options options = usual(true);

        options.cells = 59;
        for (size_t i = 0; i < sizeof(on); i++) {
            random = random * 1664525 + 1013904223;
            on[i] = (random >> 16) % 20 < (uint32_t)round + 1;
        }
        check_relief(&image, &mask, &options);
    }
    image_done(&image);
}

TEST(relief_without_a_subject_is_refused)
{
    struct image image = {0};
    uint8_t on[100] = {0};
    struct mask mask = {.width = 10, .height = 10, .on = on};
    struct relief_options options = usual(true);
    struct relief relief = {0};
    struct svc_error err = {{0}};

    assert_int_equal(image_new(10, 10, &image, NULL), 0);
    assert_int_equal(relief_make(&image, &mask, &options, &relief, &err), -EDOM);
    assert_non_null(strstr(err.text, "subject"));
    image_done(&image);
}

TEST(mesh_check_finds_each_fault)
{
    /* A tetrahedron, and what is wrong with it. */
    static const float corners[12] = {0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1};
    static const struct {
        const char *name;
        uint32_t indices[15];
        size_t triangles, open, crowded, twisted;
        bool is_manifold;
    } cases[] = {
        {"whole", {0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3}, 4, 0, 0, 0, true},
        {"a hole", {0, 2, 1, 0, 1, 3, 0, 3, 2}, 3, 3, 0, 0, false},
        {"one turned over", {0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 3, 2}, 4, 0, 0, 3, false},
        {"one twice", {0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3, 1, 2, 3}, 5, 0, 3, 0, false},
        {"nothing", {0}, 0, 0, 0, 0, false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mesh mesh = {0};
        struct mesh_report report = {0};

        test_row(cases[i].name);
        assert_int_equal(mesh_new(4, cases[i].triangles, false, &mesh, NULL), 0);
        memcpy(mesh.positions, corners, sizeof(corners));
        memcpy(mesh.indices, cases[i].indices, cases[i].triangles * 12);
        assert_int_equal(mesh_check(&mesh, &report, NULL), 0);
        assert_int_equal(report.open_edges, cases[i].open);
        assert_int_equal(report.crowded_edges, cases[i].crowded);
        assert_int_equal(report.twisted_edges, cases[i].twisted);
        assert_int_equal(report.is_manifold, cases[i].is_manifold);
        if (i == 0) {
            assert_true(fabs(report.volume - 1.0 / 6) < 1e-6);
        }
        mesh_done(&mesh);
    }
    test_row(NULL);
    assert_int_equal(mesh_new(MESH_VERTICES_MAX + 1, 1, false, &(struct mesh){0}, NULL), -EFBIG);
}

TEST(paint_is_the_same_for_the_same_words)
{
    struct paint_options options = {.prompt = "a red rose", .width = 96, .height = 64};

    for (int style = 0; style < PAINT_STYLE_COUNT; style++) {
        struct image a = {0}, b = {0}, c = {0};
        struct mask mask = {0};

        options.style = (enum paint_style)style;
        test_row(paint_style_name(options.style));
        assert_int_equal(paint_style_find(paint_style_name(options.style)), style);
        options.seed = 0;
        assert_int_equal(paint(&options, &a, NULL), 0);
        assert_int_equal(paint(&options, &b, NULL), 0);
        options.seed = 1;
        assert_int_equal(paint(&options, &c, NULL), 0);
        assert_memory_equal(a.rgba, b.rgba, 4 * 96 * 64);
        assert_true(memcmp(a.rgba, c.rgba, 4 * 96 * 64) != 0);
        assert_int_equal(mask_find(&a, &mask, NULL), 0);
        assert_true(mask.coverage > 0.05 && mask.coverage < 0.7); /* the subject can be found */
        mask_done(&mask);
        image_done(&a);
        image_done(&b);
        image_done(&c);
    }
    test_row(NULL);
    assert_int_equal(paint_style_find("cubist"), PAINT_STYLE_COUNT);
}

TEST(texture_hides_the_background)
{
    struct image image = {0}, texture = {0};
    struct mask mask = {0};
    struct texture_report report = {0};

    make_disk(100, 30, &image);
    assert_int_equal(mask_find(&image, &mask, NULL), 0);
    assert_int_equal(texture_make(&image, &mask, &texture, &report, NULL), 0);
    assert_true(report.filled > 0);
    /* Just outside of the outline there is the subject's blue, far away the plate's grey. */
    assert_true(image_at(&texture, 50, 84)[2] > image_at(&texture, 50, 84)[0]);
    assert_int_equal(image_at(&texture, 2, 2)[0], 200);
    assert_int_equal(image_at(&texture, 2, 2)[3], 255);
    assert_true(texture_score(&report) > 0 && texture_score(&report) <= 1);
    image_done(&texture);
    mask_done(&mask);
    image_done(&image);
}
