/*
 * vec: a growing array of any type.
 *     VEC(struct label) labels = {0};
 *     vec_push(&labels, ((struct label){...}));
 *     for (size_t i = 0; i < labels.count; i++) { use(labels.items[i]); }
 *     vec_done(&labels);
 * Growth aborts when memory is out: bound what comes from outside before it is pushed.
 */
#pragma once

#include <stddef.h>

#include "base/mem.h"

#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t count;                                                                              \
        size_t capacity;                                                                           \
    }

/* vec_reserve makes room for `more` items behind count. */
#define vec_reserve(vec, more)                                                                     \
    ((vec)->count + (size_t)(more) > (vec)->capacity                                               \
         ? (void)((vec)->items = vec_grow_((vec)->items, &(vec)->capacity,                         \
                                           (vec)->count + (size_t)(more), sizeof(*(vec)->items)))  \
         : (void)0)

/* vec_push appends one item; vec_pop removes and yields the last one (there must be one). */
#define vec_push(vec, ...)                                                                         \
    do {                                                                                           \
        vec_reserve(vec, 1);                                                                       \
        (vec)->items[(vec)->count++] = __VA_ARGS__;                                                \
    } while (0)
#define vec_pop(vec)   ((vec)->items[--(vec)->count])
#define vec_last(vec)  (&(vec)->items[(vec)->count - 1])
#define vec_reset(vec) ((void)((vec)->count = 0))
#define vec_done(vec)                                                                              \
    do {                                                                                           \
        (vec)->items = mem_free((vec)->items);                                                     \
        (vec)->count = 0;                                                                          \
        (vec)->capacity = 0;                                                                       \
    } while (0)

/* vec_grow_ reallocates to at least `wanted` items; only for the macros above. */
void *vec_grow_(void *items, size_t *capacity, size_t wanted, size_t item_size);
