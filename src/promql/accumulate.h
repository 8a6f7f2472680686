/*
 * accumulate: a row of values added to the sums, or compared with the extremes, of a group, over
 * several steps at a time. Neither the row nor the group has a step without a value; results are
 * those of kahan_add and of comparing one by one, to the last bit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* accumulate_sum adds v to sum, with the compensation c, up to the first step whose sum would be
 * infinite; returns its index, or count. */
size_t accumulate_sum(double *restrict sum, double *restrict c, const double *restrict v,
                      size_t count);

/* accumulate_extreme keeps the larger value (or the smaller one) of each step; a NaN among the
 * extremes gives way to whatever comes. */
void accumulate_extreme(double *restrict extreme, const double *restrict v, size_t count,
                        bool want_max);
