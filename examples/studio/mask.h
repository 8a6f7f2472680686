/*
 * mask: which pixels are the subject. The colours at the picture's border are what the background
 * looks like (a few clusters), the rest starts as the subject's; a few rounds of clustering and
 * assigning, then flooding from the border, sharpen both. Pictures with transparency say
 * themselves.
 */
#pragma once

#include "image.h"

/* Auto repairs that were made on the way, for the metrics. */
struct mask_repairs {
    unsigned islands_removed, holes_filled;
};

struct mask {
    uint32_t width, height;
    uint8_t *on;       /* 1 = subject */
    double coverage;   /* share of pixels that are on */
    double separation; /* 0 .. 1: how unlike the two sets of colours are */
    double smoothness; /* 0 .. 1: 1 = the outline is as short as a circle's of that area */
    struct mask_repairs repairs;
};

int mask_find(const struct image *image, struct mask *ret, struct svc_error *err);
void mask_done(struct mask *mask);

/* mask_score is the quality of the background's removal, 0 .. 1. */
double mask_score(const struct mask *mask);
