/*
 * solid: bodies of known shape, as signed distance functions, and photos of them as a turntable
 * would give. They are the ground truth that a reconstruction can be checked against, and test data
 * for those who have no turntable at hand.
 */
#pragma once

#include "image.h"

enum solid_kind { SOLID_SPHERE, SOLID_TORUS, SOLID_CUBE, SOLID_VASE, SOLID_FIGURE, SOLID_COUNT };

const char *solid_name(enum solid_kind kind);
enum solid_kind solid_find(const char *name); /* SOLID_COUNT = none */

/* solid_distance is the signed distance (negative inside) of a point; all solids fit into the ball
 * of radius 0.9. z is the turntable's axis. */
double solid_distance(enum solid_kind kind, const double p[3]);

/* solid_volume by counting on a grid of `steps` a side (the cube [-1,1]^3). */
double solid_volume(enum solid_kind kind, unsigned steps);

/*
 * The camera of all photos: orthographic, `elevation` over the horizon, the cube [-1,1]^3 as wide
 * as the picture. At angle 0 it stands on the negative y axis; the turntable turns
 * counter-clockwise seen from above, so photo i of n shows the body turned by i/n.
 */
struct view {
    double right[3], up[3], forward[3]; /* of the camera, in the body's axes */
};
struct view view_of(double angle, double elevation);

/* view_project gives picture coordinates, 0 .. 1 from the left and from the top. */
void view_project(const struct view *view, const double p[3], double ret[2]);

/* solid_photo draws one photo; noise is in grey levels. */
int solid_photo(enum solid_kind kind, const struct view *view, uint32_t side, double noise,
                struct image *ret, struct svc_error *err);
