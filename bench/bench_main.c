#include "bench/bench.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

extern const struct bench_case __start_baro_benches[];
extern const struct bench_case __stop_baro_benches[];

static double cpu_seconds(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void bench_measure(const char *what, void (*work)(void *context), void *context, uint64_t ops,
                   uint64_t bytes)
{
    enum { ROUNDS = 5 };
    const double least_seconds = 0.2;
    double best = 1e300;

    for (int round = 0; round < ROUNDS; round++) {
        double begin = cpu_seconds();
        double end = begin;
        uint64_t calls = 0;

        while (end - begin < least_seconds) {
            work(context);
            calls++;
            end = cpu_seconds();
        }
        if ((end - begin) / (double)calls < best) {
            best = (end - begin) / (double)calls;
        }
    }
    (void)printf("%-56s %12.1f ns/op", what, best * 1e9 / (double)ops);
    if (bytes > 0) {
        (void)printf(" %10.0f MB/s", (double)bytes / best / 1e6);
    }
    (void)printf("\n");
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    for (const struct bench_case *bench = __start_baro_benches; bench < __stop_baro_benches;
         bench++) {
        int wanted = argc < 2;

        for (int i = 1; i < argc; i++) {
            wanted |= strstr(bench->name, argv[i]) != NULL;
        }
        if (wanted) {
            bench->run();
        }
    }
    return 0;
}
