/* catalog_nearest: the nearest of some names, for "did you mean". */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct catalog_nearest {
    str name; /* what was written; the rest begins as zero */
    str best;
    size_t distance;
};

/* catalog_nearest_try offers a candidate; catalog_nearest_found says whether the best one is near
 * enough to be meant. */
void catalog_nearest_try(struct catalog_nearest *nearest, str candidate);
bool catalog_nearest_found(const struct catalog_nearest *nearest);
