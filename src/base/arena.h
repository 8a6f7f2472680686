/*
 * arena: memory for one piece of work (a scrape, a query, a request, a parse), released all at
 * once. Not thread-safe: one owner at a time. Nothing in it is freed singly; nothing longer-lived
 * points into it. Sanitizer builds give every allocation a block of its own, so that overruns are
 * found.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    char *next;                 /* free bytes of the newest block */
    char *end;
    size_t used_bytes;  /* handed out since the last reset */
    size_t limit_bytes; /* arena_try fails beyond; 0 = no limit */
};

/* arena_init makes an empty arena that allocates nothing yet; a zeroed struct arena is the same
 * without a limit. */
void arena_init(struct arena *arena, size_t limit_bytes);

/* arena_done releases everything; the arena may be used again afterwards. */
void arena_done(struct arena *arena);

/* arena_reset forgets all allocations and keeps one block for reuse. */
void arena_reset(struct arena *arena);

/* arena_alloc returns `size` uninitialised bytes aligned for any type; aborts when memory is out.
 * For sizes of our own. */
void *arena_alloc(struct arena *arena, size_t size)
    __attribute__((malloc, returns_nonnull, alloc_size(2)));

/* arena_alloc_zero is arena_alloc with the bytes zeroed. */
void *arena_alloc_zero(struct arena *arena, size_t size)
    __attribute__((malloc, returns_nonnull, alloc_size(2)));

/* arena_try is arena_alloc that returns NULL beyond limit_bytes or when memory is out. For sizes
 * from outside. */
void *arena_try(struct arena *arena, size_t size) __attribute__((malloc, alloc_size(2)));

#define ARENA_NEW(arena, type) ((type *)arena_alloc_zero(arena, sizeof(type)))
#define ARENA_ARRAY(arena, type, count)                                                            \
    ((type *)arena_alloc_zero(arena, sizeof(type) * (size_t)(count)))

/* arena_str copies s; the copy is followed by a NUL byte that its length leaves out. */
str arena_str(struct arena *arena, str s);

/* arena_printf formats into the arena; NUL-terminated as arena_str. */
str arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
str arena_vprintf(struct arena *arena, const char *format, va_list args) PRINTF_LIKE(2, 0);
