#include "image.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

/* A progressive JPEG of a few bytes can ask for thousands of passes over all its pixels. */
enum { JPEG_SCANS_MAX = 64 };

const char *image_format_name(enum image_format format)
{
    static const char *const names[IMAGE_FORMAT_COUNT + 1] = {"png", "jpeg", "pnm", "unknown"};

    return names[format];
}

enum image_format image_format_find(const uint8_t *ptr, size_t len)
{
    if (len >= 8 && memcmp(ptr, "\x89PNG\r\n\x1a\n", 8) == 0) {
        return IMAGE_PNG;
    }
    if (len >= 3 && memcmp(ptr, "\xff\xd8\xff", 3) == 0) {
        return IMAGE_JPEG;
    }
    if (len >= 3 && ptr[0] == 'P' && memchr("2356", ptr[1], 4) != NULL &&
        memchr(" \t\r\n#", ptr[2], 5) != NULL) {
        return IMAGE_PNM;
    }
    return IMAGE_FORMAT_COUNT;
}

int image_new(uint32_t width, uint32_t height, struct image *ret, struct svc_error *err)
{
    uint8_t *rgba;

    if (width == 0 || height == 0 || width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX ||
        (uint64_t)width * height > IMAGE_PIXELS_MAX) {
        return svc_fail(err, -EFBIG, "image: %u x %u pixels: send at most %d a side and %d in all",
                        width, height, IMAGE_SIDE_MAX, IMAGE_PIXELS_MAX);
    }
    rgba = calloc((size_t)width * height, 4);
    if (rgba == NULL) {
        return svc_fail(err, -ENOMEM, "image: out of memory: try a smaller one");
    }
    *ret = (struct image){.width = width, .height = height, .rgba = rgba};
    return 0;
}

void image_done(struct image *image)
{
    free(image->rgba);
    *image = (struct image){0};
}

static int png_load(const uint8_t *ptr, size_t len, struct image *ret, struct svc_error *err)
{
    png_image png = {.version = PNG_IMAGE_VERSION};
    struct image image = {0};
    int r;

    if (!png_image_begin_read_from_memory(&png, ptr, len)) {
        return svc_fail(err, -EINVAL, "image: broken PNG: %.64s", png.message);
    }
    png.format = PNG_FORMAT_RGBA;
    r = image_new(png.width, png.height, &image, err);
    if (r < 0) {
        png_image_free(&png);
        return r;
    }
    if (!png_image_finish_read(&png, NULL, image.rgba, 0, NULL)) {
        r = svc_fail(err, -EINVAL, "image: broken PNG: %.64s", png.message);
        png_image_free(&png);
        image_done(&image);
        return r;
    }
    *ret = image;
    return 0;
}

struct jpeg_guard {
    struct jpeg_error_mgr manager; /* first: libjpeg hands out a pointer to it */
    struct jpeg_progress_mgr progress;
    jmp_buf back;
    char message[JMSG_LENGTH_MAX];
};

static void jpeg_failed(j_common_ptr info)
{
    struct jpeg_guard *guard = (struct jpeg_guard *)info->err;

    info->err->format_message(info, guard->message);
    longjmp(guard->back, 1);
}

static void jpeg_says_nothing(j_common_ptr info)
{
    (void)info;
}

static void jpeg_watch(j_common_ptr info)
{
    struct jpeg_guard *guard = (struct jpeg_guard *)info->err;

    if (((j_decompress_ptr)info)->input_scan_number > JPEG_SCANS_MAX) {
        (void)snprintf(guard->message, sizeof(guard->message), "more than %d scans",
                       JPEG_SCANS_MAX);
        longjmp(guard->back, 1);
    }
}

static int jpeg_decode(struct jpeg_decompress_struct *info, struct image *image,
                       struct svc_error *err)
{
    int r;

    (void)jpeg_read_header(info, TRUE);
    info->out_color_space = JCS_EXT_RGBA;
    r = image_new(info->image_width, info->image_height, image, err);
    if (r < 0) {
        return r;
    }
    (void)jpeg_start_decompress(info);
    while (info->output_scanline < info->output_height) {
        JSAMPROW row = image_at(image, 0, info->output_scanline);

        (void)jpeg_read_scanlines(info, &row, 1);
    }
    if (info->err->num_warnings > 0) {
        return svc_fail(err, -EINVAL, "image: broken JPEG: it is cut off or damaged");
    }
    (void)jpeg_finish_decompress(info);
    return 0;
}

static int jpeg_load(const uint8_t *ptr, size_t len, struct image *ret, struct svc_error *err)
{
    struct jpeg_decompress_struct info = {0};
    struct jpeg_guard guard = {.progress.progress_monitor = jpeg_watch};
    /* On the heap's side of setjmp: a local that changes between it and longjmp would be lost. */
    struct image *image = calloc(1, sizeof(*image));
    int r;

    if (image == NULL) {
        return svc_fail(err, -ENOMEM, "image: out of memory: try a smaller one");
    }
    info.err = jpeg_std_error(&guard.manager);
    guard.manager.error_exit = jpeg_failed;
    guard.manager.output_message = jpeg_says_nothing;
    if (setjmp(guard.back) != 0) {
        r = svc_fail(err, -EINVAL, "image: broken JPEG: %.150s", guard.message);
    } else {
        jpeg_create_decompress(&info);
        info.progress = &guard.progress;
        jpeg_mem_src(&info, ptr, len);
        r = jpeg_decode(&info, image, err);
    }
    jpeg_destroy_decompress(&info);
    if (r < 0) {
        image_done(image);
    } else {
        *ret = *image;
    }
    free(image);
    return r;
}

int image_load(const uint8_t *ptr, size_t len, struct image *ret, struct svc_error *err)
{
    switch (image_format_find(ptr, len)) {
    case IMAGE_PNG:
        return png_load(ptr, len, ret, err);
    case IMAGE_JPEG:
        return jpeg_load(ptr, len, ret, err);
    case IMAGE_PNM:
        return image_pnm_load(ptr, len, ret, err);
    case IMAGE_FORMAT_COUNT:
        break;
    }
    return svc_fail(err, -ENOTSUP, "image: unknown format: send PNG, JPEG, PGM or PPM");
}

int image_png_write(const struct image *image, struct svc_bytes *ret, struct svc_error *err)
{
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .width = image->width,
                     .height = image->height,
                     .format = PNG_FORMAT_RGBA};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
    uint8_t *ptr = malloc(size);

    if (ptr == NULL) {
        return svc_fail(err, -ENOMEM, "image: out of memory: try a smaller one");
    }
    if (!png_image_write_to_memory(&png, ptr, &size, 0, image->rgba, 0, NULL)) {
        free(ptr);
        return svc_fail(err, -EINVAL, "image: PNG cannot be written: %.64s", png.message);
    }
    *ret = (struct svc_bytes){.ptr = ptr, .len = size, .capacity = size, .max = size};
    return 0;
}

/* The mean of the source pixels that one target pixel covers. */
static void mean_of(const struct image *image, const uint32_t from[2], const uint32_t to[2],
                    uint8_t *ret)
{
    uint64_t sum[4] = {0};
    uint64_t count = (uint64_t)(to[0] - from[0]) * (to[1] - from[1]);

    for (uint32_t y = from[1]; y < to[1]; y++) {
        for (uint32_t x = from[0]; x < to[0]; x++) {
            const uint8_t *p = image_at(image, x, y);

            for (size_t c = 0; c < 4; c++) {
                sum[c] += p[c];
            }
        }
    }
    for (size_t c = 0; c < 4; c++) {
        ret[c] = (uint8_t)((sum[c] + count / 2) / count);
    }
}

int image_scale(const struct image *image, uint32_t side, struct image *ret, struct svc_error *err)
{
    uint32_t longer = image->width > image->height ? image->width : image->height;
    uint64_t to_side = longer < side ? longer : side;
    uint32_t width = (uint32_t)(image->width * to_side / longer);
    uint32_t height = (uint32_t)(image->height * to_side / longer);
    struct image scaled = {0};
    int r = image_new(width > 0 ? width : 1, height > 0 ? height : 1, &scaled, err);

    if (r < 0) {
        return r;
    }
    for (uint32_t y = 0; y < scaled.height; y++) {
        for (uint32_t x = 0; x < scaled.width; x++) {
            uint32_t from[2] = {(uint32_t)((uint64_t)x * image->width / scaled.width),
                                (uint32_t)((uint64_t)y * image->height / scaled.height)};
            uint32_t to[2] = {(uint32_t)((uint64_t)(x + 1) * image->width / scaled.width),
                              (uint32_t)((uint64_t)(y + 1) * image->height / scaled.height)};

            mean_of(image, from, to, image_at(&scaled, x, y));
        }
    }
    *ret = scaled;
    return 0;
}
