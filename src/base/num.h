/*
 * num: numbers as text, without the locale. Doubles are parsed exactly (nearest, ties to even) and
 * printed with the fewest digits that read back the same, in the forms that Go's strconv has and
 * Prometheus therefore shows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* NUM_TEXT_MAX bytes hold any number that the functions below write (1e308 as 'f' has 309 digits).
 */
enum { NUM_TEXT_MAX = 352 };

/*
 * num_parse_double reads all of s as Go's strconv.ParseFloat does: decimal with exponent,
 * hexadecimal float (0x1p-2), inf, +Inf, -infinity, nan in any case; no underscores, no white
 * space. Values beyond the range become infinities, as sample values do. Returns false when s is no
 * number; *ret is then untouched.
 */
bool num_parse_double(str s, double *ret);

/* num_parse_decimal is num_parse_double without hexadecimal forms: what the exposition formats
 * accept. */
bool num_parse_decimal(str s, double *ret);

/* num_parse_i64 and num_parse_u64 read all of s in base 10; false when it is no integer or out of
 * range. */
bool num_parse_i64(str s, int64_t *ret);
bool num_parse_u64(str s, uint64_t *ret);

/*
 * How a double is written. NaN, +Inf and -Inf are written as such in every form.
 * NUM_G: Go's %v, FormatFloat(v, 'g', -1): 1e+06, 1.5, 1e-05; an exponent when it is < -4 or >= 6.
 * NUM_F: FormatFloat(v, 'f', -1): never an exponent.
 * NUM_E: FormatFloat(v, 'e', -1): always an exponent of at least two digits.
 * NUM_JSON: Prometheus's API: as NUM_F, but as NUM_E below 1e-6 and from 1e21 on.
 */
enum num_form { NUM_G, NUM_F, NUM_E, NUM_JSON };

/* num_format_double writes v to ret without a NUL and returns the bytes written, at most
 * NUM_TEXT_MAX. */
size_t num_format_double(double v, enum num_form form, char ret[NUM_TEXT_MAX]);

/* num_format_value is num_format_double as NUM_JSON, quicker for what most samples are. */
size_t num_format_value(double v, char ret[NUM_TEXT_MAX]);
size_t num_format_i64(int64_t v, char ret[NUM_TEXT_MAX]);
size_t num_format_u64(uint64_t v, char ret[NUM_TEXT_MAX]);

/* buf_double and the like append the same text. */
void buf_double(struct buf *buf, double v, enum num_form form);
void buf_i64(struct buf *buf, int64_t v);
void buf_u64(struct buf *buf, uint64_t v);
