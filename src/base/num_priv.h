/* num_priv: the parts of num: digits of doubles (num_shortest.c), and parsing, which comes from the
 * C++ standard library (num_float.cc). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* mantissa * 10^exponent; the mantissa may end in zeros. */
struct num_decimal {
    uint64_t mantissa; /* below 10^17 */
    int exponent;
};

/* num_shortest makes the shortest decimal that reads back as v, which is finite and above zero; of
 * those that are as short the nearest to v. */
struct num_decimal num_shortest(double v);

/* num_shortest_exactly is the slow way of it, which holds for all: the 52 bits of a double's
 * mantissa and its exponent as they are stored. */
struct num_decimal num_shortest_exactly(uint64_t mantissa, int biased);

/* num_float_parse reads all `len` bytes, without sign "+" or prefix "0x"; overflow gives infinity,
 * underflow zero. */
bool num_float_parse(const char *text, size_t len, bool is_hex, double *ret);

#ifdef __cplusplus
}
#endif
