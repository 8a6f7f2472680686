/* plot: lines drawn in the terminal with braille dots, for `barograph query range --plot`. */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/dur.h"

struct plot_series {
    const ts *t; /* rising */
    const double *v;
    size_t count;
};

enum { PLOT_COLUMNS_MAX = 400, PLOT_ROWS_MAX = 100, PLOT_COLORS = 6 };

/* plot_draw appends `rows` lines of `columns` characters, with an axis left and below; series i has
 * color i when `color`. */
void plot_draw(struct buf *buf, const struct plot_series *series, size_t count, size_t columns,
               size_t rows, bool color);

/* plot_color appends the escape that starts series i's color, or ends colors when i is SIZE_MAX. */
void plot_color(struct buf *buf, size_t i);
