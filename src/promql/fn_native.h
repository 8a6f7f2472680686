/* fn_native: quantiles and fractions of native histograms; a part of the engine. */
#pragma once

#include "model/histogram.h"
#include "promql/engine_priv.h"

struct native_call {
    struct eval *ev;
    struct position_range pos; /* of annotations */
    str name;                  /* the metric's; empty when unknown */
    struct arena *temp;
};

double native_quantile(const struct native_call *call, const struct histogram *h, double q);
double native_fraction(const struct native_call *call, const struct histogram *h, double lower,
                       double upper);
