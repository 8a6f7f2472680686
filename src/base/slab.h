/*
 * slab: memory of a store that only grows for long, in pieces of SLAB_BYTES that start at a
 * multiple of their size. What is not touched costs nothing, unless the slab was asked for `dense`:
 * then the kernel may back it whole with one huge page, which takes one page fault instead of 512
 * and fewer TLB entries. For slabs that will be full soon, and that are a small part of what their
 * store has. Sanitizer builds take slabs from their allocator. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { SLAB_BYTES = 2 << 20 };

/* slab_alloc returns a zeroed slab; aborts when memory is out. */
void *slab_alloc(bool is_dense) __attribute__((malloc, returns_nonnull));

/* slab_touch has the kernel find the memory of a slab now, in this thread. */
void slab_touch(void *slab);

/* slab_free gives a slab back to the kernel; NULL is accepted. */
void slab_free(void *slab);

/* slab_forget gives back what lies whole pages in `size` bytes at `at`, a part of a slab. They read
 * as zeros afterwards, or as before where the kernel refuses. */
void slab_forget(void *at, size_t size);
