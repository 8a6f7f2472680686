#include "base/mem.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/attr.h"

void *mem_alloc(size_t size)
{
    void *memory = malloc(size > 0 ? size : 1);

    ASSERT(memory != NULL);
    return memory;
}

void *mem_alloc_zero(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);

    ASSERT(memory != NULL);
    return memory;
}

void *mem_realloc(void *old, size_t size)
{
    void *memory = realloc(old, size > 0 ? size : 1);

    ASSERT(memory != NULL);
    return memory;
}

/* Calls that are still to go well, of tests that want to see one fail; UINT64_MAX = all. */
static _Thread_local uint64_t calls_left = UINT64_MAX;

static bool must_fail(void)
{
    if (LIKELY(calls_left == UINT64_MAX)) {
        return false;
    }
    return calls_left-- == 0;
}

void mem_fail_after(uint64_t count)
{
    calls_left = count;
}

uint64_t mem_fail_due(void)
{
    return calls_left;
}

void *mem_try(size_t size)
{
    return must_fail() ? NULL : malloc(size > 0 ? size : 1);
}

void *mem_try_realloc(void *old, size_t size)
{
    return must_fail() ? NULL : realloc(old, size > 0 ? size : 1);
}

void *mem_free(void *memory)
{
    free(memory);
    return NULL;
}
