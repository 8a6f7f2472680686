/*
 * head_pool: the head's many small byte blocks (open and closed chunks, label lists) without a
 * header each: size classes of 8 bytes, carved from pages that hold one class. A page whose blocks
 * are all free serves any class again, so chunks that grow in lockstep do not leave their former
 * sizes behind. Blocks are named by 32-bit handles. Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/slab.h"

typedef uint32_t pool_ref; /* 0 = none */

enum {
    HEAD_POOL_GRAIN = 8,
    HEAD_POOL_PAGE_BYTES = 16 * 1024,
    HEAD_POOL_SLAB_PAGES = SLAB_BYTES / HEAD_POOL_PAGE_BYTES,
    HEAD_POOL_BLOCK_BYTES_MAX = 2048,
    HEAD_POOL_INDEX_BITS = 11, /* 16 KiB / 8 */
};
/* 2^21 pages of 16 KiB: 32 GiB. */
enum { HEAD_POOL_PAGES_MAX = 1 << 21 };

struct head_pool {
    char **slabs; /* by page / HEAD_POOL_SLAB_PAGES; entries are written once */
    struct head_pool_state *state;
};

/* What a block is for: its bytes are counted apart. */
enum head_pool_use { POOL_LABELS, POOL_OPEN, POOL_CLOSED, POOL_USE_COUNT };

void head_pool_init(struct head_pool *pool);
void head_pool_done(struct head_pool *pool);

/* head_pool_alloc returns a block of `size` bytes (1 to HEAD_POOL_BLOCK_BYTES_MAX), aligned to 8;
 * aborts when memory is out. */
pool_ref head_pool_alloc(struct head_pool *pool, size_t size, enum head_pool_use use);

/* head_pool_alloc_many writes so many blocks of one size to ret, with the lock taken once. */
void head_pool_alloc_many(struct head_pool *pool, size_t size, enum head_pool_use use, size_t count,
                          pool_ref *ret);

/* head_pool_grow adds a slab whose memory is there already. */
void head_pool_grow(struct head_pool *pool);

/* head_pool_free gives back a block that was allocated with this size, for this use. */
void head_pool_free(struct head_pool *pool, pool_ref block, size_t size, enum head_pool_use use);

/* head_pool_bytes is the memory that the pool holds; head_pool_used what is handed out of it, and
 * head_pool_used_for what of that is for one use. */
size_t head_pool_bytes(struct head_pool *pool);
size_t head_pool_used(struct head_pool *pool);
size_t head_pool_used_for(struct head_pool *pool, enum head_pool_use use);

/* head_pool_trim gives the memory of pages that are free back to the kernel: after many blocks went
 * at once, until they are needed again. */
void head_pool_trim(struct head_pool *pool);

/* head_pool_size is the room that a request of `size` bytes really gets. */
static inline size_t head_pool_size(size_t size)
{
    return (size + HEAD_POOL_GRAIN - 1) & ~(size_t)(HEAD_POOL_GRAIN - 1);
}

/* head_pool_at is the address of a block; it does not move. */
static inline void *head_pool_at(const struct head_pool *pool, pool_ref block)
{
    uint32_t page = block >> HEAD_POOL_INDEX_BITS;
    uint32_t index = block & ((1u << HEAD_POOL_INDEX_BITS) - 1);

    return pool->slabs[page / HEAD_POOL_SLAB_PAGES] +
           (size_t)(page % HEAD_POOL_SLAB_PAGES) * HEAD_POOL_PAGE_BYTES +
           (size_t)index * HEAD_POOL_GRAIN;
}
