#include "image.h"

#include <errno.h>
#include <stdlib.h>

#include "testing/test.h"

TEST(image_format_find_looks_at_first_bytes)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum image_format want;
    } cases[] = {
        {"\x89PNG\r\n\x1a\n", 8, IMAGE_PNG},
        {"\x89PNG\r\n\x1a", 7, IMAGE_FORMAT_COUNT},
        {"\xff\xd8\xff\xe0", 4, IMAGE_JPEG},
        {"P6 1 1", 6, IMAGE_PNM},
        {"P2\n#", 4, IMAGE_PNM},
        {"P4 1 1", 6, IMAGE_FORMAT_COUNT},
        {"P6x", 3, IMAGE_FORMAT_COUNT},
        {"GIF89a", 6, IMAGE_FORMAT_COUNT},
        {"", 0, IMAGE_FORMAT_COUNT},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(image_format_find((const uint8_t *)cases[i].bytes, cases[i].len),
                         cases[i].want);
    }
}

TEST(image_pnm_reads_all_kinds)
{
    static const struct {
        const char *name, *bytes;
        size_t len;
        uint8_t want[4]; /* of the last pixel */
    } cases[] = {
        {"plain grey", "P2 2 1 255 0 51", 15, {51, 51, 51, 255}},
        {"plain grey of 4 bits", "P2\n# two\n2 1\n15\n0\n3\n", 20, {51, 51, 51, 255}},
        {"plain colour", "P3 1 1 255 1 2 3", 16, {1, 2, 3, 255}},
        {"raw grey", "P5 2 1 255 \x01\x02", 13, {2, 2, 2, 255}},
        {"raw colour", "P6 1 1 255 \x01\x02\x03", 14, {1, 2, 3, 255}},
        {"raw grey of 16 bits", "P5 1 1 65535 \xff\xff", 15, {255, 255, 255, 255}},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct image image = {0};
        struct svc_error err = {{0}};

        test_row(cases[i].name);
        assert_int_equal(image_load((const uint8_t *)cases[i].bytes, cases[i].len, &image, &err),
                         0);
        assert_memory_equal(image_at(&image, image.width - 1, image.height - 1), cases[i].want, 4);
        image_done(&image);
    }
    test_row(NULL);
}

TEST(image_load_refuses)
{
    static const struct {
        const char *name, *bytes;
        size_t len;
        int want;
    } cases[] = {
        {"nothing", "", 0, -ENOTSUP},
        {"a text", "hello", 5, -ENOTSUP},
        {"header only", "P6", 2, -ENOTSUP},
        {"no size", "P6 ", 3, -EINVAL},
        {"no pixels", "P6 1 1 255", 10, -EINVAL},
        {"one byte short", "P6 1 1 255 \x01\x02", 13, -EINVAL},
        {"zero wide", "P6 0 1 255 ", 11, -EFBIG},
        {"a bomb", "P5 8192 8192 255 ", 17, -EFBIG},
        {"too wide", "P5 8193 1 255 ", 14, -EFBIG},
        {"absurdly wide", "P5 99999999999999999999 1 255 ", 30, -EINVAL},
        {"greatest value 0", "P5 1 1 0 \x01", 10, -EINVAL},
        {"beyond the greatest value", "P5 1 1 1 \x02", 10, -EINVAL},
        {"negative", "P2 1 1 255 -1", 13, -EINVAL},
        {"PNG without a header", "\x89PNG\r\n\x1a\n", 8, -EINVAL},
        {"PNG with a broken header", "\x89PNG\r\n\x1a\n\0\0\0\rIHDRxxxxxxxxxxxxxxxxx", 33, -EINVAL},
        {"JPEG without anything", "\xff\xd8\xff\xe0", 4, -EINVAL},
        {"JPEG of noise", "\xff\xd8\xff\xdb\0\x05\1\2\3\xff\xd9", 11, -EINVAL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct image image = {0};
        struct svc_error err = {{0}};

        test_row(cases[i].name);
        assert_int_equal(image_load((const uint8_t *)cases[i].bytes, cases[i].len, &image, &err),
                         cases[i].want);
        assert_true(err.text[0] != '\0');
        assert_null(image.rgba);
    }
    test_row(NULL);
}

static void make_gradient(struct image *ret)
{
    assert_int_equal(image_new(30, 20, ret, NULL), 0);
    for (uint32_t y = 0; y < 20; y++) {
        for (uint32_t x = 0; x < 30; x++) {
            uint8_t *p = image_at(ret, x, y);

            p[0] = (uint8_t)(8 * x);
            p[1] = (uint8_t)(10 * y);
            p[2] = (uint8_t)(x * y);
            p[3] = (uint8_t)(255 - x);
        }
    }
}

TEST(image_png_survives_a_round_trip_and_no_cut)
{
    struct image image = {0}, back = {0};
    struct svc_bytes png = {0};
    struct svc_error err = {{0}};

    make_gradient(&image);
    assert_int_equal(image_png_write(&image, &png, &err), 0);
    assert_int_equal(image_load(png.ptr, png.len, &back, &err), 0);
    assert_int_equal(back.width, 30);
    assert_memory_equal(back.rgba, image.rgba, 4 * 30 * 20);
    image_done(&back);
    for (size_t len = 8; len + 12 < png.len; len += 7) { /* IEND's 12 bytes may be missing */
        int r = image_load(png.ptr, len, &back, &err);

        assert_int_equal(r, -EINVAL);
        assert_null(back.rgba);
    }
    svc_bytes_done(&png);
    image_done(&image);
}

TEST(image_scale_averages)
{
    struct image image = {0}, scaled = {0};

    assert_int_equal(image_new(4, 2, &image, NULL), 0);
    for (uint32_t i = 0; i < 8; i++) {
        image.rgba[4 * i] = (uint8_t)(i % 2 * 100);
        image.rgba[4 * i + 3] = 255;
    }
    assert_int_equal(image_scale(&image, 2, &scaled, NULL), 0);
    assert_int_equal(scaled.width, 2);
    assert_int_equal(scaled.height, 1);
    assert_int_equal(scaled.rgba[0], 50);
    assert_int_equal(scaled.rgba[3], 255);
    image_done(&scaled);
    assert_int_equal(image_scale(&image, 100, &scaled, NULL), 0);
    assert_int_equal(scaled.width, 4);
    image_done(&scaled);
    image_done(&image);
}
