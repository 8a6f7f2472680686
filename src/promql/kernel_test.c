/* What kernels must do that no script asks for: quantiles of values in every order. */
#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "promql/engine_priv.h"
#include "testing/test.h"

enum { VALUES_MAX = 300 };

static int compare_values(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    if (isnan(x) || isnan(y)) {
        return isnan(y) - isnan(x);
    }
    return (x > y) - (x < y);
}

/* By sorting all of them. */
static double naive_quantile(double q, double *values, size_t count)
{
    double rank = q * (double)(count - 1);
    double weight = rank - floor(rank);
    size_t lower = (size_t)floor(rank);
    size_t upper = lower + 1 < count ? lower + 1 : lower;

    qsort(values, count, sizeof(*values), compare_values);
    return weight == 0 ? values[lower] : values[lower] * (1 - weight) + values[upper] * weight;
}

/* The orders that divide badly, and such as are found in practice. */
static void fill(struct random *random, double *values, size_t count)
{
    unsigned order = (unsigned)random_below(random, 6);
    uint64_t distinct = random_below(random, 2) == 0 ? 4 : 1000;
    uint64_t nans = random_below(random, 4) == 0 ? 5 : 0;

    for (size_t i = 0; i < count; i++) {
        double v = (double)random_below(random, distinct) / 8 - 30;

        v = order == 0 ? (double)i : order == 1 ? (double)(count - i) : order == 2 ? 7 : v;
        v = order == 3 ? (double)(i < count / 2 ? i : count - i) : v;
        values[i] = nans > 0 && random_below(random, nans) == 0 ? NAN : v;
    }
}

TEST(kernel_quantile_is_that_of_sorted_values)
{
    static const double quantiles[] = {0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.999, 1};
    struct random random = {11};
    double values[VALUES_MAX];
    double sorted[VALUES_MAX];

    for (int turn = 0; turn < 4000; turn++) {
        size_t count = 1 + (size_t)random_below(&random, turn % 2 == 0 ? VALUES_MAX : 8);
        double q = quantiles[random_below(&random, ARRAY_COUNT(quantiles))];
        double got;
        double want;

        fill(&random, values, count);
        memcpy(sorted, values, count * sizeof(*sorted));
        got = kernel_quantile(q, values, count);
        want = naive_quantile(q, sorted, count);
        assert_true(got == want || (isnan(got) && isnan(want)));
        qsort(values, count, sizeof(*values), compare_values);
        assert_int_equal(isnan(values[count - 1]), isnan(sorted[count - 1]));
        for (size_t i = 0; i < count; i++) {
            assert_true(values[i] == sorted[i] || isnan(sorted[i])); /* none is lost */
        }
    }
}
