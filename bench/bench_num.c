/* Doubles as text: what answers and exposition are made of. */
#include "base/mem.h"
#include "base/num.h"
#include "base/random.h"
#include "bench/bench.h"

enum { VALUES = 10000 };

static void write_all(void *context)
{
    const double *values = context;
    char text[NUM_TEXT_MAX];

    for (int i = 0; i < VALUES; i++) {
        (void)num_format_double(values[i], NUM_JSON, text);
        bench_keep(text);
    }
}

BENCH(num)
{
    double *values = mem_alloc(VALUES * sizeof(*values));
    struct random random = {.state = 1};

    for (int i = 0; i < VALUES; i++) {
        values[i] = (double)(random_next(&random) >> 36);
    }
    bench_measure("double as text, whole", write_all, values, VALUES, 0);
    for (int i = 0; i < VALUES; i++) {
        values[i] = (double)(random_next(&random) >> 46) / 1000;
    }
    bench_measure("double as text, three decimals", write_all, values, VALUES, 0);
    for (int i = 0; i < VALUES; i++) {
        values[i] = (double)(random_next(&random) >> 44) / 1e6;
    }
    bench_measure("double as text, six decimals", write_all, values, VALUES, 0);
    for (int i = 0; i < VALUES; i++) {
        values[i] = (double)random_next(&random) / 1e17;
    }
    bench_measure("double as text, 16 to 17 digits", write_all, values, VALUES, 0);
    (void)mem_free(values);
}
