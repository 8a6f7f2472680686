/*
 * texture: the picture that is laid over a mesh. The subject's colours are stretched to the whole
 * range of brightness, and grow outwards over the background, so that no background shows at the
 * outline.
 */
#pragma once

#include "image.h"
#include "mask.h"

struct texture_report {
    double coverage;  /* share of pixels that had a colour of their own */
    double contrast;  /* 0 .. 1: spread of brightness */
    double sharpness; /* 0 .. 1: how much the brightness changes from pixel to pixel */
    unsigned filled;  /* pixels whose colour came from a neighbour */
};

/* texture_make: image and mask have the same size. */
int texture_make(const struct image *image, const struct mask *mask, struct image *ret,
                 struct texture_report *ret_report, struct svc_error *err);

double texture_score(const struct texture_report *report);
