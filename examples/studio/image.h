/*
 * image: pictures in memory, from PNG, JPEG and PNM files of strangers, and as PNG again. Sizes are
 * checked before pixels are decoded, so that a small file cannot ask for much memory.
 */
#pragma once

#include "svc_util.h"

enum {
    IMAGE_SIDE_MAX = 8192,
    IMAGE_PIXELS_MAX = 16 << 20, /* 64 MiB decoded */
};

enum image_format {
    IMAGE_PNG,
    IMAGE_JPEG,
    IMAGE_PNM, /* PGM and PPM, plain and raw */
    IMAGE_FORMAT_COUNT,
};

/* Eight bits each of red, green, blue, alpha; rows from the top. */
struct image {
    uint32_t width, height;
    uint8_t *rgba;
};

/* image_format_name is "png", "jpeg" or "pnm"; image_format_find looks at the first bytes, and
 * returns IMAGE_FORMAT_COUNT for what is none of them. */
const char *image_format_name(enum image_format format);
enum image_format image_format_find(const uint8_t *ptr, size_t len);

/* image_load decodes; -ENOTSUP (no known format), -EFBIG (too many pixels), -EINVAL (broken or cut
 * off), -ENOMEM. */
int image_load(const uint8_t *ptr, size_t len, struct image *ret, struct svc_error *err);

/* image_png_write encodes as PNG: *ret is malloc'd. */
int image_png_write(const struct image *image, struct svc_bytes *ret, struct svc_error *err);

/* image_new has pixels of zero; image_scale makes the longer side `side` pixels, by averaging, and
 * only copies when it is shorter already. */
int image_new(uint32_t width, uint32_t height, struct image *ret, struct svc_error *err);
int image_scale(const struct image *image, uint32_t side, struct image *ret, struct svc_error *err);
void image_done(struct image *image);

/* image_pnm_load is image_load's part for PNM; *ret is new. */
int image_pnm_load(const uint8_t *ptr, size_t len, struct image *ret, struct svc_error *err);

static inline uint8_t *image_at(const struct image *image, uint32_t x, uint32_t y)
{
    return image->rgba + 4 * ((size_t)y * image->width + x);
}
