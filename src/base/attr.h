/* attr: the compiler attributes and small idioms that gcc and clang share. */
#pragma once

#include <stddef.h>

#define PRINTF_LIKE(format_index, first_arg)                                                       \
    __attribute__((format(printf, format_index, first_arg)))
#define NORETURN                        __attribute__((noreturn))
#define UNUSED                          __attribute__((unused))
#define WARN_UNUSED                     __attribute__((warn_unused_result))
#define HOT                             __attribute__((hot))
#define COLD                            __attribute__((cold, noinline))
#define LIKELY(x)                       __builtin_expect(!!(x), 1)
#define UNLIKELY(x)                     __builtin_expect(!!(x), 0)
#define ARRAY_COUNT(a)                  (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/*
 * CLEANUP(f) runs f(&variable) when the variable leaves its scope; TAKE(variable) hands its pointer
 * on and leaves NULL. CLEANUP(wal_freep) struct wal *wal = NULL;
 *     ...
 *     return TAKE(wal);
 */
#define CLEANUP(function) __attribute__((cleanup(function)))
#define TAKE(variable)                                                                             \
    __extension__({                                                                                \
        __typeof__(variable) taken_ = (variable);                                                  \
        (variable) = NULL;                                                                         \
        taken_;                                                                                    \
    })

/* DEFINE_CLEANUP(wal_free, struct wal) defines wal_freep, the form that CLEANUP wants. */
#define DEFINE_CLEANUP(free_function, type)                                                        \
    static inline UNUSED void free_function##p(type **pointer)                                     \
    {                                                                                              \
        if (*pointer != NULL) {                                                                    \
            (void)free_function(*pointer);                                                         \
        }                                                                                          \
    }

/* BARO_ASAN and BARO_TSAN are 1 in builds with the address or the thread sanitizer, under gcc and
 * clang. */
#if defined(__SANITIZE_ADDRESS__)
#define BARO_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BARO_ASAN 1
#endif
#endif
#ifndef BARO_ASAN
#define BARO_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define BARO_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BARO_TSAN 1
#endif
#endif
#ifndef BARO_TSAN
#define BARO_TSAN 0
#endif
