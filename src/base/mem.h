/*
 * mem: heap memory. mem_alloc and mem_realloc abort when memory is out and are for small sizes of
 * our own making; mem_try is for sizes that come from outside: it returns NULL, and the caller
 * refuses the input with BARO_ELIMIT. Sizes from outside are computed with size_add and size_mul,
 * which report overflow.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));
void *mem_alloc_zero(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));
void *mem_realloc(void *old, size_t size) __attribute__((returns_nonnull, alloc_size(2)));
void *mem_try(size_t size) __attribute__((malloc, alloc_size(1)));
void *mem_try_realloc(void *old, size_t size) __attribute__((alloc_size(2)));

/* For tests: after `count` more calls of mem_try and mem_try_realloc in this thread, one fails;
 * UINT64_MAX = none. mem_fail_due is how many are left until then. */
void mem_fail_after(uint64_t count);
uint64_t mem_fail_due(void);

/* mem_free releases memory of any function above and returns NULL; NULL is accepted. */
void *mem_free(void *memory);

/* MEM_NEW(struct x) is a zeroed x on the heap. */
#define MEM_NEW(type) ((type *)mem_alloc_zero(sizeof(type)))

static inline WARN_UNUSED bool size_add(size_t a, size_t b, size_t *ret)
{
    return !__builtin_add_overflow(a, b, ret);
}

static inline WARN_UNUSED bool size_mul(size_t a, size_t b, size_t *ret)
{
    return !__builtin_mul_overflow(a, b, ret);
}
