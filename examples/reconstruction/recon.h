/*
 * recon: a photo set becomes a point cloud and a textured mesh, in seven stages. The method is the
 * visual hull of a turntable (carve.h): silhouettes, a check that they belong together, a coarse
 * carving for the bounds, a fine one, marching tetrahedra, an atlas of photos, files. It is pure
 * but for the hooks that tell its caller of each stage.
 */
#pragma once

#include <e2e3d.h>

#include "carve.h"

enum { PHOTOS_MIN = 4, PHOTOS_MAX = 72, RECON_FILES_MAX = 4 };

struct recon_options {
    uint32_t resolution;  /* cells a side, CARVE_SIDE_MIN .. CARVE_SIDE_MAX */
    double elevation_deg; /* of the camera over the horizon, -60 .. 60 */
    bool is_clockwise;    /* the turntable turned the other way */
};

/* Hooks; begin returns < 0 to end the work (canceled, or failed by a fault). */
struct recon_hooks {
    int (*begin)(void *context, e2e3d_stage stage, struct svc_error *err);
    void (*end)(void *context, e2e3d_stage stage, double seconds, double cpu_seconds);
    void (*failed)(void *context, e2e3d_stage stage, int code);
    void *context;
};

struct recon_file {
    char name[24];
    struct svc_bytes bytes;
};

struct recon_result {
    size_t photos, points, faces;
    double volume;           /* of the cube [-1,1]^3's 8 */
    double consistency;      /* 0 .. 1: how well the silhouettes agree with each other */
    double agreement;        /* 0 .. 1: overlap of the body's silhouettes with the photos' */
    double mesh_quality;     /* 0 .. 1: the triangles' mean shape */
    double quality;          /* 0 .. 1: all together */
    uint32_t texture_pixels; /* along the longer side */
    bool is_closed;
    struct recon_file files[RECON_FILES_MAX];
    size_t file_count;
};

/* recon_run takes encoded photos in the turntable's order. -EDOM: they do not fit together. */
int recon_run(const struct svc_bytes *photos, size_t count, const struct recon_options *options,
              const struct recon_hooks *hooks, struct recon_result *ret, struct svc_error *err);
void recon_result_done(struct recon_result *result);
