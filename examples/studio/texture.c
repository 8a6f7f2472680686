#include "texture.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GROW_PIXELS = 12 }; /* more than any filter of a viewer reaches */

static int brightness(const uint8_t *p)
{
    return (54 * p[0] + 183 * p[1] + 19 * p[2]) >> 8;
}

/* The brightness below which a share of the subject's pixels lies. */
static int percentile(const size_t histogram[256], size_t count, double share)
{
    size_t below = 0;
    int level = 0;

    while (level < 255 && (double)(below + histogram[level]) <= share * (double)count) {
        below += histogram[level++];
    }
    return level;
}

static void stretch(struct image *image, const struct mask *mask, int *ret_spread)
{
    size_t histogram[256] = {0}, count = 0;
    int low, high;

    for (size_t i = 0; i < (size_t)image->width * image->height; i++) {
        if (mask->on[i]) {
            histogram[brightness(image->rgba + 4 * i)]++;
            count++;
        }
    }
    low = percentile(histogram, count, 0.01);
    high = percentile(histogram, count, 0.99);
    *ret_spread = high - low;
    for (size_t i = 0; i < (size_t)image->width * image->height && high - low > 16; i++) {
        for (size_t c = 0; c < 3; c++) {
            int value = (image->rgba[4 * i + c] - low) * 255 / (high - low);

            image->rgba[4 * i + c] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
    }
}

/* The mean of the known neighbours; false when there are none. */
static bool neighbour_mean(const struct image *image, const uint8_t *known, uint32_t x, uint32_t y,
                           uint8_t *ret)
{
    unsigned sum[3] = {0}, count = 0;

    for (int dy = -1; dy <= 1; dy++) {
        for (int dx = -1; dx <= 1; dx++) {
            int64_t u = (int64_t)x + dx, v = (int64_t)y + dy;
            size_t at;

            if (u < 0 || v < 0 || u >= image->width || v >= image->height) {
                continue;
            }
            at = (size_t)v * image->width + (size_t)u;
            if (known[at] == 1) {
                for (size_t c = 0; c < 3; c++) {
                    sum[c] += image->rgba[4 * at + c];
                }
                count++;
            }
        }
    }
    for (size_t c = 0; c < 3 && count > 0; c++) {
        ret[c] = (uint8_t)(sum[c] / count);
    }
    return count > 0;
}

/* One ring of pixels more; 2 marks what is new in this round. */
static unsigned grow(struct image *image, uint8_t *known)
{
    unsigned filled = 0;

    for (uint32_t y = 0; y < image->height; y++) {
        for (uint32_t x = 0; x < image->width; x++) {
            size_t at = (size_t)y * image->width + x;

            if (known[at] == 0 && neighbour_mean(image, known, x, y, image_at(image, x, y))) {
                known[at] = 2;
                filled++;
            }
        }
    }
    for (size_t i = 0; i < (size_t)image->width * image->height; i++) {
        known[i] = known[i] != 0;
    }
    return filled;
}

static double sharpness(const struct image *image, const struct mask *mask)
{
    double sum = 0;
    size_t count = 0;

    for (size_t i = 1; i < (size_t)image->width * image->height; i++) {
        if (mask->on[i] && mask->on[i - 1]) {
            sum += abs(brightness(image->rgba + 4 * i) - brightness(image->rgba + 4 * (i - 1)));
            count++;
        }
    }
    /* Four levels a pixel on average is a picture full of detail. */
    return count > 0 ? fmin(1, sum / (double)count / 4) : 0;
}

int texture_make(const struct image *image, const struct mask *mask, struct image *ret,
                 struct texture_report *ret_report, struct svc_error *err)
{
    static const uint8_t plain[3] = {200, 198, 192}; /* of the plate */
    size_t count = (size_t)image->width * image->height;
    struct image made = {0};
    uint8_t *known = malloc(count);
    int spread = 0;
    int r = known == NULL ? svc_fail(err, -ENOMEM, "texture: out of memory: use a smaller image")
                          : image_new(image->width, image->height, &made, err);

    if (r < 0) {
        free(known);
        return r;
    }
    memcpy(made.rgba, image->rgba, 4 * count);
    memcpy(known, mask->on, count);
    stretch(&made, mask, &spread);
    *ret_report = (struct texture_report){.coverage = mask->coverage,
                                          .contrast = fmin(1, spread / 160.0),
                                          .sharpness = sharpness(&made, mask)};
    for (int i = 0; i < GROW_PIXELS; i++) {
        ret_report->filled += grow(&made, known);
    }
    for (size_t i = 0; i < count; i++) {
        if (!known[i]) {
            memcpy(made.rgba + 4 * i, plain, sizeof(plain));
        }
        made.rgba[4 * i + 3] = 255;
    }
    free(known);
    *ret = made;
    return 0;
}

double texture_score(const struct texture_report *report)
{
    return 0.5 * report->contrast + 0.3 * report->sharpness + 0.2 * fmin(1, report->coverage / 0.2);
}
