/* exposition_priv: what the parts of the parser share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/exposition.h"

/* What a byte may be part of. */
enum {
    BYTE_NAME_START = 1, /* of a label name: letters and '_' */
    BYTE_NAME = 2,       /* and digits */
    BYTE_METRIC_START = 4,
    BYTE_METRIC = 8, /* as above and ':' */
};
extern const uint8_t exposition_bytes[256];

static inline bool byte_is(char c, unsigned classes)
{
    return (exposition_bytes[(unsigned char)c] & classes) != 0;
}

/* exposition_fault is error_at_line for the place `at` of the body. */
int exposition_fault(const struct exposition *parser, const char *at, struct baro_error *err,
                     const char *format, ...) PRINTF_LIKE(4, 5) COLD;

/* exposition_block_end returns the byte behind the '}' that closes the block whose inside begins at
 * `at`, NULL when none does; a '}' in quotes does not count. */
const char *exposition_block_end(const char *at, const char *end);

/* exposition_string_end returns the byte behind the quote that closes the string whose inside
 * begins at `at`; NULL when none does. */
const char *exposition_string_end(const char *at, const char *end);

/* exposition_exemplar_check parses an exemplar's label block without keeping it. */
int exposition_exemplar_check(const struct exposition *parser, str block, struct baro_error *err);

/*
 * exposition_number reads a decimal number in its common short forms and returns the byte behind
 * it. Returns NULL for all others, which exposition_number_exact decides on.
 */
const char *exposition_number(const char *at, const char *end, double *ret);

/* exposition_number_exact reads all of text as the exposition formats allow it; false when it is no
 * number or beyond the range of a double. NaN becomes VALUE_NAN_BITS. */
bool exposition_number_exact(str text, double *ret);

/* exposition_seconds_to_ms turns float seconds into milliseconds towards zero; false when they are
 * no time. */
bool exposition_seconds_to_ms(double seconds, ts *ret);

/* exposition_bound_text writes le or quantile as OpenMetrics has it, with a point or an exponent
 * always there, to NUM_TEXT_MAX + 2 bytes, and returns how many. */
size_t exposition_bound_text(double value, char *ret);
