#include "paint.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

enum { OCTAVES = 5, LOBES_MAX = 9 };

static const char *const style_names[PAINT_STYLE_COUNT] = {"abstract", "cartoon", "pixel",
                                                           "realistic", "watercolor"};

/* Hues in degrees of words that name or suggest a colour. */
static const struct {
    const char *word;
    double hue;
} hues[] = {
    {"autumn", 25}, {"blue", 220},  {"dragon", 140}, {"fire", 15},   {"forest", 120},
    {"gold", 45},   {"green", 120}, {"ice", 195},    {"night", 250}, {"ocean", 210},
    {"orange", 30}, {"pink", 330},  {"purple", 280}, {"red", 0},     {"rose", 345},
    {"sky", 200},   {"sun", 50},    {"violet", 275}, {"water", 205}, {"yellow", 55},
};

/* What the words say, as numbers. */
struct scene {
    uint32_t seed;
    double hue;
    double center[2];
    double radius;
    int lobes; /* of the outline */
    double phase;
    double depth; /* of the lobes */
};

const char *paint_style_name(enum paint_style style)
{
    return style_names[style];
}

enum paint_style paint_style_find(const char *name)
{
    size_t i = 0;

    while (i < PAINT_STYLE_COUNT && strcmp(style_names[i], name) != 0) {
        i++;
    }
    return (enum paint_style)i;
}

/* A hash of a lattice point that looks like noise (murmur's finalizer). */
static double lattice(uint32_t seed, int32_t x, int32_t y)
{
    uint32_t h = seed ^ (uint32_t)x * 0x85ebca6bu ^ (uint32_t)y * 0xc2b2ae35u;

    h = (h ^ h >> 16) * 0x7feb352du;
    h = (h ^ h >> 15) * 0x846ca68bu;
    return (double)(h ^ h >> 16) / 4294967296.0;
}

static double ease(double t)
{
    return t * t * (3 - 2 * t);
}

static double noise(uint32_t seed, double x, double y)
{
    int32_t ix = (int32_t)floor(x), iy = (int32_t)floor(y);
    double u = ease(x - ix), v = ease(y - iy);
    double top = lattice(seed, ix, iy) * (1 - u) + lattice(seed, ix + 1, iy) * u;
    double low = lattice(seed, ix, iy + 1) * (1 - u) + lattice(seed, ix + 1, iy + 1) * u;

    return top * (1 - v) + low * v;
}

/* Noise of several sizes, 0 .. 1. */
static double cloud(uint32_t seed, double x, double y)
{
    double sum = 0, part = 0.5;

    for (uint32_t i = 0; i < OCTAVES; i++, part /= 2) {
        sum += part * noise(seed + i, x, y);
        x *= 2;
        y *= 2;
    }
    return sum / (1 - part * 2);
}

static struct scene read_prompt(const struct paint_options *options)
{
    uint8_t digest[SVC_SHA256_SIZE];
    struct scene scene;

    svc_sha256(options->prompt, strlen(options->prompt), digest);
    memcpy(&scene.seed, digest, sizeof(scene.seed));
    scene.seed ^= options->seed * 0x9e3779b9u;
    scene.hue = digest[4] * 360.0 / 256;
    scene.center[0] = 0.45 + digest[5] / 2560.0;
    scene.center[1] = 0.45 + digest[6] / 2560.0;
    scene.radius = 0.24 + digest[7] / 2560.0;
    scene.lobes = 2 + digest[8] % (LOBES_MAX - 1);
    scene.phase = digest[9] * 0.0245;
    scene.depth = 0.08 + digest[10] / 1500.0;
    for (size_t i = 0; i < sizeof(hues) / sizeof(hues[0]); i++) {
        if (strcasestr(options->prompt, hues[i].word) != NULL) {
            scene.hue = hues[i].hue;
            break;
        }
    }
    return scene;
}

static void hsv(double hue, double saturation, double value, double ret[3])
{
    for (int c = 0; c < 3; c++) {
        double k = fmod(5 - 2 * c + hue / 60 + 6, 6);

        ret[c] = value - value * saturation * fmax(0, fmin(1, fmin(k, 4 - k)));
    }
}

/* How far inside the body a place is: 1 at its middle, 0 at its outline, negative outside. */
static double body(const struct scene *scene, double x, double y)
{
    double dx = x - scene->center[0], dy = y - scene->center[1];
    double angle = atan2(dy, dx);
    double wobble = cloud(scene->seed + 77, x * 4, y * 4) - 0.5;
    double radius = scene->radius *
                    (1 + scene->depth * sin(scene->lobes * angle + scene->phase) + 0.35 * wobble);

    return 1 - sqrt(dx * dx + dy * dy) / radius;
}

static void shade_realistic(const struct scene *scene, double x, double y, double in, double ret[3])
{
    double detail = cloud(scene->seed, x * 9, y * 9);
    double round = sqrt(fmax(0, fmin(1, 2 * in)));
    double lit =
        0.35 + 0.65 * fmax(0, fmin(1, round - 0.8 * (x + y - scene->center[0] - scene->center[1])));

    hsv(scene->hue + 30 * (detail - 0.5), 0.7 - 0.3 * detail, (0.55 + 0.45 * detail) * lit, ret);
}

static void shade_cartoon(const struct scene *scene, double x, double y, double in, double ret[3])
{
    double level = floor(4 * cloud(scene->seed, x * 5, y * 5)) / 4;

    hsv(scene->hue + 40 * level, 0.8, in < 0.06 ? 0.1 : 0.5 + 0.5 * level, ret);
}

static void shade_watercolor(const struct scene *scene, double x, double y, double in,
                             double ret[3])
{
    double warp = cloud(scene->seed + 5, x * 6, y * 6);
    double wash = cloud(scene->seed, x * 5 + 2 * warp, y * 5 + warp);
    double paper = 0.94 + 0.06 * noise(scene->seed + 9, x * 180, y * 180);

    hsv(scene->hue + 50 * (wash - 0.5), 0.35 + 0.5 * wash * (1 - 0.5 * in),
        paper * (0.6 + 0.4 * wash), ret);
}

/* The nearest of one random point a lattice cell decides the colour. */
static void shade_abstract(const struct scene *scene, double x, double y, double ret[3])
{
    double px = x * 7, py = y * 7, least = 10;
    double pick = 0;

    for (int32_t dy = -1; dy <= 1; dy++) {
        for (int32_t dx = -1; dx <= 1; dx++) {
            int32_t cx = (int32_t)floor(px) + dx, cy = (int32_t)floor(py) + dy;
            double ux = cx + lattice(scene->seed, cx, cy) - px;
            double uy = cy + lattice(scene->seed + 1, cx, cy) - py;

            if (ux * ux + uy * uy < least) {
                least = ux * ux + uy * uy;
                pick = lattice(scene->seed + 2, cx, cy);
            }
        }
    }
    hsv(scene->hue + 120 * (pick - 0.5), 0.75, 0.4 + 0.6 * pick, ret);
}

static void shade(const struct scene *scene, enum paint_style style, double x, double y,
                  uint8_t ret[4])
{
    double color[3], in;

    if (style == PAINT_PIXEL) {
        x = (floor(x * 32) + 0.5) / 32;
        y = (floor(y * 32) + 0.5) / 32;
    }
    in = body(scene, x, y);
    if (in < 0) {
        /* A pale ground that differs from every body. */
        hsv(scene->hue + 180, 0.08, 0.93 + 0.05 * y, color);
    } else {
        switch (style) {
        case PAINT_ABSTRACT:
            shade_abstract(scene, x, y, color);
            break;
        case PAINT_CARTOON:
        case PAINT_PIXEL:
            shade_cartoon(scene, x, y, in, color);
            break;
        case PAINT_REALISTIC:
            shade_realistic(scene, x, y, in, color);
            break;
        case PAINT_WATERCOLOR:
        case PAINT_STYLE_COUNT:
            shade_watercolor(scene, x, y, in, color);
            break;
        }
    }
    for (size_t c = 0; c < 3; c++) {
        ret[c] = (uint8_t)(255 * fmax(0, fmin(1, color[c])));
    }
    ret[3] = 255;
}

int paint(const struct paint_options *options, struct image *ret, struct svc_error *err)
{
    struct scene scene = read_prompt(options);
    uint32_t longer = options->width > options->height ? options->width : options->height;
    struct image image = {0};
    int r = image_new(options->width, options->height, &image, err);

    if (r < 0) {
        return r;
    }
    for (uint32_t y = 0; y < image.height; y++) {
        for (uint32_t x = 0; x < image.width; x++) {
            double u = (x + 0.5 + (longer - image.width) / 2.0) / longer;
            double v = (y + 0.5 + (longer - image.height) / 2.0) / longer;

            shade(&scene, options->style, u, v, image_at(&image, x, y));
        }
    }
    *ret = image;
    return 0;
}
