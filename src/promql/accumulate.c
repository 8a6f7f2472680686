#include "promql/accumulate.h"

#include "promql/engine_priv.h"
#include "promql/scan.h"

static inline void put2(double *to, size_t index, scan_double2 v)
{
    *(scan_double2 *)(void *)(to + index) = v;
}

static inline scan_double2 choose2(scan_mask2 mask, scan_double2 yes, scan_double2 no)
{
    return (scan_double2)((mask & (scan_mask2)yes) | (~mask & (scan_mask2)no));
}

static inline scan_double2 magnitude2(scan_double2 v)
{
    return (scan_double2)((scan_mask2)v & INT64_MAX);
}

/* kahan_add for two steps; false, and nothing is done, when a sum is infinite. */
static inline bool add2(double *sum, double *c, const double *v, size_t index)
{
    scan_double2 infinity = {__builtin_inf(), __builtin_inf()};
    scan_double2 s = scan_at(sum, index);
    scan_double2 x = scan_at(v, index);
    scan_double2 t = s + x;
    scan_mask2 is_larger = (scan_mask2)(magnitude2(s) >= magnitude2(x));

    if (UNLIKELY(scan_any((scan_mask2)(magnitude2(t) == infinity)))) {
        return false;
    }
    put2(c, index, scan_at(c, index) + ((choose2(is_larger, s, x) - t) + choose2(is_larger, x, s)));
    put2(sum, index, t);
    return true;
}

HOT size_t accumulate_sum(double *restrict sum, double *restrict c, const double *restrict v,
                          size_t count)
{
    size_t i = 0;

    while (i + 2 <= count && LIKELY(add2(sum, c, v, i))) {
        i += 2;
    }
    while (i < count && !__builtin_isinf(sum[i] + v[i])) {
        kahan_add(v[i], &sum[i], &c[i]);
        i++;
    }
    return i;
}

HOT void accumulate_extreme(double *restrict extreme, const double *restrict v, size_t count,
                            bool want_max)
{
    size_t i = 0;

    for (; i + 2 <= count; i += 2) {
        scan_double2 old = scan_at(extreme, i);
        scan_double2 x = scan_at(v, i);
        scan_mask2 is_better = (scan_mask2)(want_max ? old < x : old > x);

        put2(extreme, i, choose2(is_better | (scan_mask2)(old != old), x, old));
    }
    for (; i < count; i++) {
        double old = extreme[i];

        extreme[i] = old != old || (want_max ? old < v[i] : old > v[i]) ? v[i] : old;
    }
}
