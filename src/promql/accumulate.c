#include "promql/accumulate.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "promql/engine_priv.h"
#include "promql/scan.h"

/* What two values up to this add up to, and all that is computed on the way, is finite. */
#define LARGE 0x1p1020

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

/*
 * kahan_add for two steps; false, and nothing is done, when a value is very large. What rounding
 * takes from a sum is exact, so that it may be had without asking which of the two is larger
 * (Knuth, The Art of Computer Programming 2, 4.2.2, theorem B).
 */
static inline bool add2(double *sum, double *c, const double *v, size_t index)
{
    scan_double2 large = {LARGE, LARGE};
    scan_double2 s = scan_at(sum, index);
    scan_double2 x = scan_at(v, index);
    scan_double2 t = s + x;
    scan_double2 added = t - s;

    if (UNLIKELY(scan_any((scan_mask2)((magnitude2(t) > large) | (magnitude2(x) > large))))) {
        return false;
    }
    put2(c, index, scan_at(c, index) + ((s - (t - added)) + (x - added)));
    put2(sum, index, t);
    return true;
}

/* The same for four, as far as it goes. */
#if defined(__x86_64__)
__attribute__((target("avx2"))) static HOT size_t add_fours(double *restrict sum,
                                                            double *restrict c,
                                                            const double *restrict v, size_t count)
{
    const __m256d sign = _mm256_set1_pd(-0.0);
    const __m256d large = _mm256_set1_pd(LARGE);
    size_t i = 0;

    for (; i + 4 <= count; i += 4) {
        __m256d s = _mm256_loadu_pd(sum + i);
        __m256d x = _mm256_loadu_pd(v + i);
        __m256d t = _mm256_add_pd(s, x);
        __m256d added = _mm256_sub_pd(t, s);
        __m256d lost =
            _mm256_add_pd(_mm256_sub_pd(s, _mm256_sub_pd(t, added)), _mm256_sub_pd(x, added));
        __m256d is_large =
            _mm256_or_pd(_mm256_cmp_pd(_mm256_andnot_pd(sign, t), large, _CMP_GT_OQ),
                         _mm256_cmp_pd(_mm256_andnot_pd(sign, x), large, _CMP_GT_OQ));

        if (UNLIKELY(_mm256_movemask_pd(is_large) != 0)) {
            break;
        }
        _mm256_storeu_pd(c + i, _mm256_add_pd(_mm256_loadu_pd(c + i), lost));
        _mm256_storeu_pd(sum + i, t);
    }
    return i;
}
#endif

HOT size_t accumulate_sum(double *restrict sum, double *restrict c, const double *restrict v,
                          size_t count)
{
    size_t i = 0;

#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        i = add_fours(sum, c, v, count);
    }
#endif
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
