#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"

/* Blocks double from the first size to the last, so a small parse costs one small block and a large
 * query few. */
enum { BLOCK_BYTES_MIN = 4096, BLOCK_BYTES_MAX = 1 << 20, ALIGN = 16 };

struct arena_block {
    struct arena_block *older;
    size_t size; /* of data */
    alignas(ALIGN) char data[];
};

STATIC_ASSERT(alignof(max_align_t) <= ALIGN, "ALIGN serves every type");

void arena_init(struct arena *arena, size_t limit_bytes)
{
    *arena = (struct arena){.limit_bytes = limit_bytes};
}

static void free_blocks(struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *older = block->older;

        (void)mem_free(block);
        block = older;
    }
}

void arena_done(struct arena *arena)
{
    free_blocks(arena->blocks);
    arena_init(arena, arena->limit_bytes);
}

void arena_reset(struct arena *arena)
{
    struct arena_block *kept = arena->blocks;

#if BARO_ASAN
    arena_done(arena);
    return;
#endif
    if (kept == NULL) {
        return;
    }
    free_blocks(kept->older);
    kept->older = NULL;
    arena->next = kept->data;
    arena->end = kept->data + kept->size;
    arena->used_bytes = 0;
}

/* `may_fail`: the size comes from outside. */
static bool add_block(struct arena *arena, size_t least, bool may_fail)
{
    size_t size = arena->blocks == NULL ? BLOCK_BYTES_MIN : arena->blocks->size * 2;
    struct arena_block *block;

    size = size > BLOCK_BYTES_MAX ? BLOCK_BYTES_MAX : size;
#if BARO_ASAN
    size = least;
#endif
    size = size < least ? least : size;
    block = may_fail ? mem_try(sizeof(*block) + size) : mem_alloc(sizeof(*block) + size);
    if (block == NULL) {
        return false;
    }
    block->older = arena->blocks;
    block->size = size;
    arena->blocks = block;
    arena->next = block->data;
    arena->end = block->data + size;
    return true;
}

static void *allocate(struct arena *arena, size_t size, bool may_fail)
{
    size_t rounded;
    char *memory;

    size += size == 0; /* an empty array is no failure, not even in an arena without blocks */
    rounded = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);

    if (UNLIKELY(rounded < size || rounded > SIZE_MAX / 2)) {
        return NULL;
    }
#if BARO_ASAN
    rounded = size;
    if (!add_block(arena, size, may_fail)) {
        return NULL;
    }
#else
    if ((size_t)(arena->end - arena->next) < rounded && !add_block(arena, rounded, may_fail)) {
        return NULL;
    }
#endif
    memory = arena->next;
    arena->next += rounded;
    arena->used_bytes += rounded;
    return memory;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *memory = allocate(arena, size, false);

    ASSERT(memory != NULL);
    return memory;
}

void *arena_alloc_zero(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

void *arena_try(struct arena *arena, size_t size)
{
    size_t total;

    if (!size_add(arena->used_bytes, size, &total) ||
        (arena->limit_bytes != 0 && total > arena->limit_bytes)) {
        return NULL;
    }
    return allocate(arena, size, true);
}

str arena_str(struct arena *arena, str s)
{
    char *copy = arena_alloc(arena, s.len + 1);

    if (s.len > 0) {
        memcpy(copy, s.ptr, s.len);
    }
    copy[s.len] = '\0';
    return (str){copy, s.len};
}

str arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    int size;
    char *text;

    va_copy(again, args);
    size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    ASSERT(size >= 0);
    text = arena_alloc(arena, (size_t)size + 1);
    (void)vsnprintf(text, (size_t)size + 1, format, args);
    return (str){text, (size_t)size};
}

str arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    str text;

    va_start(args, format);
    text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}
