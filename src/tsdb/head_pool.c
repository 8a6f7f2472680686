#include "tsdb/head_pool.h"

#include <string.h>

#include "base/lock.h"
#include "base/mem.h"
#include "base/vec.h"

enum {
    CLASS_COUNT = HEAD_POOL_BLOCK_BYTES_MAX / HEAD_POOL_GRAIN + 1,
    SLABS_MAX = HEAD_POOL_PAGES_MAX / HEAD_POOL_SLAB_PAGES,
    SLABS_SPARSE = 8, /* the first: a small head pays for what it touches */
    NONE = 0,         /* page 0 is never used, so that no handle is 0 */
    FREE_END = 0xffff,
    TRIM_PAGES = 128, /* given back under one hold of the lock */
};

/* A page is in its class's list while it has a free block, or in the list of free pages. */
struct page {
    uint32_t next; /* NONE at the end */
    uint32_t prev;
    uint16_t class;
    uint16_t used;  /* blocks handed out */
    uint16_t fresh; /* blocks carved so far */
    uint16_t free; /* index of the first freed block, which holds the index of the next; FREE_END */
};

struct head_pool_state {
    struct lock lock;
    VEC(struct page) pages;            /* lock: this one */
    uint32_t free_page;                /* lock: this one */
    uint32_t partial[CLASS_COUNT];     /* lock: this one */
    size_t used_bytes[POOL_USE_COUNT]; /* lock: this one */
};

void head_pool_init(struct head_pool *pool)
{
    pool->slabs = mem_alloc_zero(SLABS_MAX * sizeof(char *));
    pool->state = MEM_NEW(struct head_pool_state);
    lock_init(&pool->state->lock, LOCK_LEAF);
}

void head_pool_done(struct head_pool *pool)
{
    if (pool->state == NULL) {
        return;
    }
    for (size_t i = 0; i < SLABS_MAX && pool->slabs[i] != NULL; i++) {
        slab_free(pool->slabs[i]);
    }
    pool->slabs = mem_free(pool->slabs);
    vec_done(&pool->state->pages);
    lock_done(&pool->state->lock);
    pool->state = mem_free(pool->state);
}

static uint16_t blocks_per_page(uint16_t class)
{
    return (uint16_t)(HEAD_POOL_PAGE_BYTES / ((size_t) class * HEAD_POOL_GRAIN));
}

static void list_push(struct head_pool_state *state, uint32_t *list, uint32_t number)
{
    struct page *page = &state->pages.items[number];

    page->next = *list;
    page->prev = NONE;
    if (*list != NONE) {
        state->pages.items[*list].prev = number;
    }
    *list = number;
}

static void list_remove(struct head_pool_state *state, uint32_t *list, uint32_t number)
{
    struct page *page = &state->pages.items[number];

    if (page->prev != NONE) {
        state->pages.items[page->prev].next = page->next;
    } else {
        ASSERT(*list == number);
        *list = page->next;
    }
    if (page->next != NONE) {
        state->pages.items[page->next].prev = page->prev;
    }
}

/* The memory is not touched here: pages that are never carved cost no resident memory. */
static void add_slab_locked(struct head_pool *pool, void *slab)
{
    struct head_pool_state *state = pool->state;
    size_t first = state->pages.count;

    ASSERT(first < HEAD_POOL_PAGES_MAX);
    pool->slabs[first / HEAD_POOL_SLAB_PAGES] = slab;
    for (size_t i = 0; i < HEAD_POOL_SLAB_PAGES; i++) {
        vec_push(&state->pages, (struct page){0});
    }
    for (size_t i = first + HEAD_POOL_SLAB_PAGES; i-- > first;) {
        if (i != NONE) {
            list_push(state, &state->free_page, (uint32_t)i);
        }
    }
}

void head_pool_grow(struct head_pool *pool)
{
    void *slab = slab_alloc(true);

    slab_touch(slab);
    lock_acquire(&pool->state->lock);
    add_slab_locked(pool, slab);
    lock_release(&pool->state->lock);
}

static uint32_t take_page_locked(struct head_pool *pool, uint16_t class)
{
    struct head_pool_state *state = pool->state;
    uint32_t number;

    if (state->free_page == NONE) {
        add_slab_locked(
            pool, slab_alloc(state->pages.count >= (size_t)SLABS_SPARSE * HEAD_POOL_SLAB_PAGES));
    }
    number = state->free_page;
    list_remove(state, &state->free_page, number);
    state->pages.items[number] = (struct page){.class = class, .free = FREE_END};
    list_push(state, &state->partial[class], number);
    return number;
}

static pool_ref block_ref(uint32_t page, uint16_t class, uint16_t block)
{
    return page << HEAD_POOL_INDEX_BITS | (uint32_t)block * class;
}

static pool_ref alloc_locked(struct head_pool *pool, uint16_t class)
{
    struct head_pool_state *state = pool->state;
    uint32_t number = state->partial[class];
    struct page *page;
    pool_ref ref;

    if (number == NONE) {
        number = take_page_locked(pool, class);
    }
    page = &state->pages.items[number];
    if (page->free != FREE_END) {
        ref = block_ref(number, class, page->free);
        memcpy(&page->free, head_pool_at(pool, ref), sizeof(page->free));
    } else {
        ref = block_ref(number, class, page->fresh++);
    }
    page->used++;
    if (page->free == FREE_END && page->fresh == blocks_per_page(class)) {
        list_remove(state, &state->partial[class], number);
    }
    return ref;
}

void head_pool_alloc_many(struct head_pool *pool, size_t size, enum head_pool_use use, size_t count,
                          pool_ref *ret)
{
    struct head_pool_state *state = pool->state;
    uint16_t class = (uint16_t)((size + HEAD_POOL_GRAIN - 1) / HEAD_POOL_GRAIN);

    ASSERT(size > 0 && size <= HEAD_POOL_BLOCK_BYTES_MAX);
    lock_acquire(&state->lock);
    for (size_t i = 0; i < count; i++) {
        ret[i] = alloc_locked(pool, class);
    }
    state->used_bytes[use] += (size_t) class * HEAD_POOL_GRAIN * count;
    lock_release(&state->lock);
}

pool_ref head_pool_alloc(struct head_pool *pool, size_t size, enum head_pool_use use)
{
    pool_ref ref;

    head_pool_alloc_many(pool, size, use, 1, &ref);
    return ref;
}

void head_pool_free(struct head_pool *pool, pool_ref block, size_t size, enum head_pool_use use)
{
    struct head_pool_state *state = pool->state;
    uint16_t class = (uint16_t)((size + HEAD_POOL_GRAIN - 1) / HEAD_POOL_GRAIN);
    uint32_t number = block >> HEAD_POOL_INDEX_BITS;
    struct page *page;

    lock_acquire(&state->lock);
    page = &state->pages.items[number];
    ASSERT(page->class == class && page->used > 0);
    if (page->free == FREE_END && page->fresh == blocks_per_page(class)) {
        list_push(state, &state->partial[class], number);
    }
    memcpy(head_pool_at(pool, block), &page->free, sizeof(page->free));
    page->free = (uint16_t)((block & ((1u << HEAD_POOL_INDEX_BITS) - 1)) / class);
    page->used--;
    if (page->used == 0) {
        list_remove(state, &state->partial[class], number);
        list_push(state, &state->free_page, number);
    }
    state->used_bytes[use] -= (size_t) class * HEAD_POOL_GRAIN;
    lock_release(&state->lock);
}

static char *page_address(const struct head_pool *pool, uint32_t number)
{
    return head_pool_at(pool, number << HEAD_POOL_INDEX_BITS);
}

/* Takes up to `count` free pages that were used out of the list. A page that was given back counts
 * as fresh. */
static size_t take_used_locked(struct head_pool *pool, size_t *at, uint32_t *ret, size_t count)
{
    struct head_pool_state *state = pool->state;
    size_t found = 0;

    for (; *at < state->pages.count && found < count; ++*at) {
        struct page *page = &state->pages.items[*at];

        if (page->used == 0 && page->fresh > 0) {
            list_remove(state, &state->free_page, (uint32_t)*at);
            page->fresh = 0;
            ret[found++] = (uint32_t)*at;
        }
    }
    return found;
}

void head_pool_trim(struct head_pool *pool)
{
    struct head_pool_state *state = pool->state;
    uint32_t taken[TRIM_PAGES];
    size_t at = 1, count;

    do {
        lock_acquire(&state->lock);
        count = take_used_locked(pool, &at, taken, TRIM_PAGES);
        lock_release(&state->lock);
        for (size_t i = 0; i < count; i++) {
            slab_forget(page_address(pool, taken[i]), HEAD_POOL_PAGE_BYTES);
        }
        lock_acquire(&state->lock);
        for (size_t i = 0; i < count; i++) {
            list_push(state, &state->free_page, taken[i]);
        }
        lock_release(&state->lock);
    } while (count == TRIM_PAGES);
}

size_t head_pool_bytes(struct head_pool *pool)
{
    size_t bytes;

    lock_acquire(&pool->state->lock);
    bytes = pool->state->pages.count * (HEAD_POOL_PAGE_BYTES + sizeof(struct page));
    lock_release(&pool->state->lock);
    return bytes;
}

size_t head_pool_used_for(struct head_pool *pool, enum head_pool_use use)
{
    size_t bytes;

    lock_acquire(&pool->state->lock);
    bytes = pool->state->used_bytes[use];
    lock_release(&pool->state->lock);
    return bytes;
}

size_t head_pool_used(struct head_pool *pool)
{
    size_t bytes = 0;

    for (int use = 0; use < POOL_USE_COUNT; use++) {
        bytes += head_pool_used_for(pool, (enum head_pool_use)use);
    }
    return bytes;
}
