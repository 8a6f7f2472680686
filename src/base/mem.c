#include "base/mem.h"

#include <stdlib.h>

#include "base/assert.h"

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

void *mem_try(size_t size)
{
    return malloc(size > 0 ? size : 1);
}

void *mem_try_realloc(void *old, size_t size)
{
    return realloc(old, size > 0 ? size : 1);
}

void *mem_free(void *memory)
{
    free(memory);
    return NULL;
}
