/* num_priv: the two float conversions that come from the C++ standard library (num_float.cc). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The shortest decimal digits that read back as the same double: text[0].text[1..] * 10^exponent,
 * no NUL. */
struct num_digits {
    char text[24];
    size_t count; /* at least 1; no trailing zeros but for "0" */
    int exponent;
};

/* num_float_digits writes the shortest digits of v, which is finite and not negative. */
void num_float_digits(double v, struct num_digits *ret);

/* num_float_parse reads all `len` bytes, without sign "+" or prefix "0x"; overflow gives infinity,
 * underflow zero. */
bool num_float_parse(const char *text, size_t len, bool is_hex, double *ret);

#ifdef __cplusplus
}
#endif
