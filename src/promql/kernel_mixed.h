/* kernel_mixed: range functions over series that have native histograms; a part of the engine. */
#pragma once

#include "model/histogram.h"
#include "promql/engine_priv.h"

struct mixed_call {
    struct range_call *range;
    range_kernel kernel; /* for floats */
    enum function_id id;
    struct position_range pos; /* of annotations */
    str name;                  /* the series' metric name */
};

/* kernel_mixed gives one value or histogram per step; histograms are in the scratch arena. */
int kernel_mixed(struct mixed_call *call, const struct sample_buf *samples, double *out,
                 const struct histogram **h, struct baro_error *err);

/* kernel_interpolate is a histogram between two, as smoothed selectors and rates want it: counters
 * begin at zero after a reset. NULL when one has custom buckets and the other has not. */
struct histogram *kernel_interpolate(struct arena *arena, const struct histogram *a,
                                     const struct histogram *b, double fraction, bool counter,
                                     struct histogram_notes *notes);
