#include "promql/accumulate.h"

#include <math.h>

#include "base/random.h"
#include "promql/engine_priv.h"
#include "testing/test.h"

enum { STEPS = 67 };

static double any_value(struct random *random)
{
    static const double special[] = {0, -0.0, 1, -1, 1e300, -1e300, 5e-324, 1e16};
    double exponent = (double)random_below(random, 40) - 20;

    if (random_below(random, 8) == 0) {
        return special[random_below(random, ARRAY_COUNT(special))];
    }
    return ((double)random_below(random, 2000) - 1000) * pow(2, exponent);
}

static void assert_same_bits(const double *a, const double *b, size_t count)
{
    assert_memory_equal(a, b, count * sizeof(*a));
}

TEST(accumulate_sum_is_kahan_add)
{
    struct random random = {3};
    double sum[STEPS] = {0}, c[STEPS] = {0}, want_sum[STEPS] = {0}, want_c[STEPS] = {0};
    double v[STEPS];

    sum[4] = want_sum[4] = NAN;
    for (size_t round = 0; round < 500; round++) {
        size_t count = STEPS - round % 4;

        for (size_t i = 0; i < count; i++) {
            v[i] = any_value(&random);
            if (!isinf(want_sum[i] + v[i])) {
                kahan_add(v[i], &want_sum[i], &want_c[i]);
            } else {
                v[i] = 0;
                kahan_add(0, &want_sum[i], &want_c[i]);
            }
        }
        assert_int_equal(accumulate_sum(sum, c, v, count), count);
        assert_same_bits(sum, want_sum, STEPS);
        assert_same_bits(c, want_c, STEPS);
    }
}

TEST(accumulate_sum_stops_at_infinity)
{
    for (size_t at = 0; at < STEPS; at++) {
        double sum[STEPS] = {0}, c[STEPS] = {0}, v[STEPS];
        size_t done;

        for (size_t i = 0; i < STEPS; i++) {
            v[i] = i == at ? (at % 2 == 0 ? INFINITY : 1e308) : 1;
            sum[i] = 1e308;
        }
        done = accumulate_sum(sum, c, v, STEPS);
        assert_int_equal(done, at);
        for (size_t i = 0; i < STEPS; i++) {
            assert_true(sum[i] == (i < at ? 1e308 + 1 : 1e308));
            assert_true(c[i] == (i < at ? 1 : 0));
        }
    }
}

TEST(accumulate_extreme_compares)
{
    struct random random = {5};

    for (int want_max = 0; want_max < 2; want_max++) {
        double got[STEPS] = {0}, want[STEPS] = {0}, v[STEPS];

        got[0] = want[0] = NAN;
        got[66] = want[66] = NAN;
        for (size_t round = 0; round < 200; round++) {
            for (size_t i = 0; i < STEPS; i++) {
                v[i] = any_value(&random);
                if (isnan(want[i]) || (want_max ? want[i] < v[i] : want[i] > v[i])) {
                    want[i] = v[i];
                }
            }
            accumulate_extreme(got, v, STEPS, want_max);
            assert_same_bits(got, want, STEPS);
        }
    }
}
