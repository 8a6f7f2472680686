#include "solid.h"

#include <math.h>
#include <string.h>

static const char *const names[SOLID_COUNT] = {"sphere", "torus", "cube", "vase", "figure"};

const char *solid_name(enum solid_kind kind)
{
    return names[kind];
}

enum solid_kind solid_find(const char *name)
{
    size_t i = 0;

    while (i < SOLID_COUNT && strcmp(names[i], name) != 0) {
        i++;
    }
    return (enum solid_kind)i;
}

static double length2(double x, double y)
{
    return sqrt(x * x + y * y);
}

static double sphere(const double p[3], double x, double y, double z, double radius)
{
    return sqrt((p[0] - x) * (p[0] - x) + (p[1] - y) * (p[1] - y) + (p[2] - z) * (p[2] - z)) -
           radius;
}

static double cube(const double p[3])
{
    const double half = 0.5;
    double outside = 0, inside = -INFINITY;

    for (size_t k = 0; k < 3; k++) {
        double d = fabs(p[k]) - half;

        outside += d > 0 ? d * d : 0;
        inside = fmax(inside, d);
    }
    return sqrt(outside) + fmin(inside, 0);
}

/* A body of revolution; its distance is not exact, but never too great by more than the slope. */
static double vase(const double p[3])
{
    double z = p[2];
    double radius = 0.38 + 0.16 * sin(3.4 * z + 0.6);
    double side = (length2(p[0], p[1]) - radius) / sqrt(1 + 0.3);

    return fmax(side, fabs(z) - 0.7);
}

/* Blends two distances into one without an edge. */
static double melt(double a, double b, double width)
{
    double h = fmax(width - fabs(a - b), 0) / width;

    return fmin(a, b) - h * h * width / 4;
}

static double figure(const double p[3])
{
    double body = sphere(p, 0, 0, -0.25, 0.4);
    double head = sphere(p, 0, -0.08, 0.38, 0.24);
    double arm = sphere(p, 0.45, 0.05, 0, 0.17);

    return melt(melt(body, head, 0.25), arm, 0.2);
}

double solid_distance(enum solid_kind kind, const double p[3])
{
    switch (kind) {
    case SOLID_SPHERE:
        return sphere(p, 0, 0, 0, 0.7);
    case SOLID_TORUS: {
        /* Standing upright, so that photos see through it. */
        double ring = length2(p[0], p[2]) - 0.5;

        return length2(ring, p[1]) - 0.22;
    }
    case SOLID_CUBE:
        return cube(p);
    case SOLID_VASE:
        return vase(p);
    case SOLID_FIGURE:
    case SOLID_COUNT:
        break;
    }
    return figure(p);
}

double solid_volume(enum solid_kind kind, unsigned steps)
{
    size_t inside = 0;
    double step = 2.0 / steps;

    for (unsigned z = 0; z < steps; z++) {
        for (unsigned y = 0; y < steps; y++) {
            for (unsigned x = 0; x < steps; x++) {
                double p[3] = {(x + 0.5) * step - 1, (y + 0.5) * step - 1, (z + 0.5) * step - 1};

                inside += solid_distance(kind, p) < 0;
            }
        }
    }
    return (double)inside * step * step * step;
}

struct view view_of(double angle, double elevation)
{
    double ca = cos(angle), sa = sin(angle), ce = cos(elevation), se = sin(elevation);

    /* Turning the body by `angle` is turning the camera by -angle. */
    return (struct view){
        .right = {ca, -sa, 0}, .up = {-se * -sa, se * ca, ce}, .forward = {ce * sa, ce * ca, -se}};
}

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

void view_project(const struct view *view, const double p[3], double ret[2])
{
    ret[0] = (dot(view->right, p) + 1) / 2;
    ret[1] = (1 - dot(view->up, p)) / 2;
}

static void normal_at(enum solid_kind kind, const double p[3], double ret[3])
{
    const double step = 1e-3;
    double length = 0;

    for (size_t k = 0; k < 3; k++) {
        double more[3] = {p[0], p[1], p[2]}, less[3] = {p[0], p[1], p[2]};

        more[k] += step;
        less[k] -= step;
        ret[k] = solid_distance(kind, more) - solid_distance(kind, less);
        length += ret[k] * ret[k];
    }
    for (size_t k = 0; k < 3; k++) {
        ret[k] /= sqrt(length) + 1e-12;
    }
}

/* Walks along the ray; true when it meets the solid, *p is where. */
static bool meet(enum solid_kind kind, const struct view *view, double p[3])
{
    enum { STEPS_MAX = 200 };
    double walked = 0;

    for (int i = 0; i < STEPS_MAX && walked < 4; i++) {
        double d = solid_distance(kind, p);

        if (d < 1e-4) {
            return true;
        }
        d *= 0.8; /* distances may be a little too great */
        walked += d;
        for (size_t k = 0; k < 3; k++) {
            p[k] += d * view->forward[k];
        }
    }
    return false;
}

static uint8_t level(double value, double noise, uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    value += noise * ((*random >> 8) / 8388608.0 - 1);
    return (uint8_t)fmax(0, fmin(255, value));
}

static void shade(enum solid_kind kind, const struct view *view, const double p[3], double ret[3])
{
    static const double light[3] = {-0.4, -0.6, 0.69};
    double normal[3], lit, stripe = sin(9 * p[2] + 4 * atan2(p[1], p[0]));

    (void)view;
    normal_at(kind, p, normal);
    lit = 0.45 + 0.55 * fmax(0, dot(normal, light));
    ret[0] = lit * (150 + 40 * stripe);
    ret[1] = lit * (70 + 30 * p[0]);
    ret[2] = lit * (60 - 25 * stripe);
}

int solid_photo(enum solid_kind kind, const struct view *view, uint32_t side, double noise,
                struct image *ret, struct svc_error *err)
{
    struct image image = {0};
    uint32_t random = side ^ (uint32_t)(int32_t)(view->right[0] * 1e6);
    int r = image_new(side, side, &image, err);

    for (uint32_t y = 0; r == 0 && y < side; y++) {
        for (uint32_t x = 0; x < side; x++) {
            double u = 2 * (x + 0.5) / side - 1, v = 1 - 2 * (y + 0.5) / side;
            double color[3] = {205, 220, 228}; /* the cloth behind */
            uint8_t *pixel = image_at(&image, x, y);
            double p[3];

            for (size_t k = 0; k < 3; k++) {
                p[k] = u * view->right[k] + v * view->up[k] - 2 * view->forward[k];
            }
            if (meet(kind, view, p)) {
                shade(kind, view, p, color);
            }
            for (size_t c = 0; c < 3; c++) {
                pixel[c] = level(color[c], noise, &random);
            }
            pixel[3] = 255;
        }
    }
    if (r == 0) {
        *ret = image;
    }
    return r;
}
