/* regex_priv: what regex.c needs from RE2, in C types; the bodies are in regex_re2.cc. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Why a pattern was refused, in RE2's terms. */
enum regex_fault {
    REGEX_FAULT_NONE,
    REGEX_FAULT_INTERNAL,
    REGEX_FAULT_ESCAPE,
    REGEX_FAULT_CLASS,
    REGEX_FAULT_RANGE,
    REGEX_FAULT_BRACKET,
    REGEX_FAULT_PAREN,
    REGEX_FAULT_UNEXPECTED_PAREN,
    REGEX_FAULT_BACKSLASH,
    REGEX_FAULT_REPEAT_ARGUMENT,
    REGEX_FAULT_REPEAT_SIZE,
    REGEX_FAULT_REPEAT_OP,
    REGEX_FAULT_PERL,
    REGEX_FAULT_UTF8,
    REGEX_FAULT_CAPTURE,
    REGEX_FAULT_TOO_LARGE,
};

struct regex_span {
    const char *ptr; /* NULL when the group did not take part */
    size_t len;
};

/* regex_re2_new compiles with at most bytes_max of program; on failure returns NULL, the fault and
 * up to `size` - 1 bytes of the offending part of the pattern, NUL-terminated. */
void *regex_re2_new(const char *pattern, size_t len, size_t bytes_max, enum regex_fault *ret_fault,
                    char *ret_part, size_t size);
void regex_re2_free(void *re2);

/* regex_re2_match looks from `start` on and fills up to `count` spans (0 = only the verdict). */
bool regex_re2_match(const void *re2, const char *text, size_t len, size_t start, bool anchored,
                     struct regex_span *ret_spans, size_t count);

size_t regex_re2_group_count(const void *re2);

/* regex_re2_group_named returns the number of a named group, 0 when there is none. */
size_t regex_re2_group_named(const void *re2, const char *name, size_t len);

/* regex_re2_word_size returns how many bytes of Unicode letters, digits and '_' text begins with.
 */
size_t regex_re2_word_size(const char *text, size_t len);

/* regex_re2_prefix writes bytes with which every anchored match begins; returns their number. */
size_t regex_re2_prefix(const void *re2, char *ret, size_t size);

#ifdef __cplusplus
}
#endif
