/*
 * bench: micro-benchmarks that register themselves. BENCH(xor_append) { ... bench_run ... } in a
 * bench/bench_*.c is run by the one bench binary (name filters as arguments), which prints a table.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct bench_case {
    const char *name;
    void (*run)(void);
};

#define BENCH(bench_name)                                                                          \
    static void bench_name(void);                                                                  \
    __attribute__((used, section("baro_benches"),                                                  \
                   aligned(8))) static const struct bench_case bench_case_##bench_name = {         \
        .name = #bench_name, .run = bench_name};                                                   \
    static void bench_name(void)

/*
 * bench_measure calls work(context) until at least 0.2 s have passed, five times, and prints the
 * best: `ops` operations and `bytes` bytes (0 = not told) a call make ns/op and MB/s.
 */
void bench_measure(const char *what, void (*work)(void *context), void *context, uint64_t ops,
                   uint64_t bytes);

/* bench_keep makes a value count as used. */
static inline void bench_keep(const void *value)
{
    __asm__ volatile("" : : "r"(value) : "memory");
}
