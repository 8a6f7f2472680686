/*
 * assert: what must hold. ASSERT is always compiled in and aborts with expression, place and
 * thread; DASSERT holds the expensive ones and is compiled in with -DBARO_DEBUG (debug, fuzz and
 * sanitizer builds). Never for input from outside.
 */
#pragma once

#include "base/attr.h"

#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (UNLIKELY(!(condition))) {                                                              \
            assert_fail(#condition, __FILE__, __LINE__, __func__);                                 \
        }                                                                                          \
    } while (0)

#ifdef BARO_DEBUG
#define DASSERT(condition) ASSERT(condition)
#else
#define DASSERT(condition)                                                                         \
    do {                                                                                           \
        (void)sizeof(condition);                                                                   \
    } while (0)
#endif

#define STATIC_ASSERT(condition, message) _Static_assert(condition, message)

/* assert_fail prints the failed condition to standard error and aborts. */
NORETURN COLD void assert_fail(const char *condition, const char *file, int line,
                               const char *function);
