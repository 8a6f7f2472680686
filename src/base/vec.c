#include "base/vec.h"

#include "base/assert.h"

void *vec_grow_(void *items, size_t *capacity, size_t wanted, size_t item_size)
{
    size_t grown = *capacity < 8 ? 8 : *capacity + *capacity / 2;
    size_t size;
    bool fits;

    grown = grown < wanted ? wanted : grown;
    fits = size_mul(grown, item_size, &size);
    ASSERT(fits);
    *capacity = grown;
    return mem_realloc(items, size);
}
