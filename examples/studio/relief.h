/*
 * relief: a picture and its mask become a height field, and that a closed body: the subject stands
 * out of a plate, or is cut out along its outline. Heights come from how far a place is from the
 * outline (rounding the subject) and from its brightness (detail).
 */
#pragma once

#include "image.h"
#include "mask.h"
#include "mesh.h"

struct relief_options {
    uint32_t cells;   /* along the longer side: 8 to 512 */
    double size_mm;   /* of the longer side: 10 to 300 */
    double relief_mm; /* greatest height over the base: 0.5 to 50 */
    double base_mm;   /* thickness of the base: 0.2 to 20 */
    bool is_cutout;   /* only the subject, no plate */
};

struct relief_repairs {
    unsigned diagonal_bridges; /* cells that touched at a corner only, joined */
    unsigned thin_walls;       /* places thinner than a printer can make, thickened */
};

struct relief {
    struct mesh mesh;
    struct relief_repairs repairs;
    double thickness_mm; /* the least */
    double height_mm;    /* the greatest difference of heights on top */
    double roughness;    /* mean step between neighbours, by the greatest difference */
    double coverage;     /* share of cells that are part of the body */
};

/* What FDM printers can make with a usual nozzle (two walls of 0.4 mm). */
#define RELIEF_THICKNESS_MIN_MM 0.8

/* relief_make: -EDOM when there is no subject to raise. */
int relief_make(const struct image *image, const struct mask *mask,
                const struct relief_options *options, struct relief *ret, struct svc_error *err);
void relief_done(struct relief *relief);

/* relief_score is the quality of the shape, 0 .. 1, with what mesh_check found. */
double relief_score(const struct relief *relief, const struct mesh_report *report);
