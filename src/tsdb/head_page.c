#include "base/mem.h"
#include "base/slab.h"
#include "tsdb/head_priv.h"

enum {
    SLAB_PAGES = (SLAB_BYTES - 64) / sizeof(struct head_page),
    SLAB_SERIES = SLAB_PAGES * HEAD_PAGE_SERIES,
    SLABS_SPARSE = 2, /* the first: a small head pays for what it touches */
    PAGES_MAX = (UINT32_MAX >> HEAD_PAGE_BITS) + 1,
    SLABS_MAX = PAGES_MAX / SLAB_PAGES + 1,
};

struct head_page_slab {
    uint32_t in_use; /* pages */
    struct head_page pages[SLAB_PAGES];
};
STATIC_ASSERT(sizeof(struct head_page_slab) <= SLAB_BYTES, "a slab of pages");

void head_pages_init(struct head *head)
{
    /* Reserved whole and as one, so large that it comes from the kernel: untouched memory costs
     * nothing. */
    head->pages =
        mem_alloc_zero(PAGES_MAX * sizeof(*head->pages) + SLABS_MAX * sizeof(*head->page_slabs));
    head->page_slabs = (_Atomic(struct head_page_slab *) *)(head->pages + PAGES_MAX);
}

/* The newest page is not freed before the head is, so a slab whose pages are all free gets no more
 * of them. */
void head_page_free_locked(struct head *head, size_t number)
{
    struct head_page *page = head->pages[number];
    struct head_page_slab *slab;

    if (page == NULL) {
        return;
    }
    head->pages[number] = NULL;
    head->pages_freed++;
    if (BARO_ASAN) {
        (void)mem_free(page);
        return;
    }
    slab = atomic_load_explicit(&head->page_slabs[number / SLAB_PAGES], memory_order_relaxed);
    if (--slab->in_use > 0) {
        slab_forget(page, sizeof(*page));
        return;
    }
    atomic_store_explicit(&head->page_slabs[number / SLAB_PAGES], NULL, memory_order_relaxed);
    slab_free(slab);
}

void head_pages_done(struct head *head)
{
    for (size_t i = 0; i < head->pages_count; i++) {
        head_page_free_locked(head, i);
    }
    /* Those that were touched ahead follow without a gap. */
    for (size_t i = (head->pages_count + SLAB_PAGES - 1) / SLAB_PAGES; i < SLABS_MAX; i++) {
        struct head_page_slab *slab =
            atomic_load_explicit(&head->page_slabs[i], memory_order_relaxed);

        if (slab == NULL) {
            break;
        }
        slab_free(slab);
    }
    (void)mem_free(head->pages); /* and page_slabs behind them */
}

/* What another thread made first is taken instead. */
static struct head_page_slab *publish(struct head *head, size_t number, struct head_page_slab *slab)
{
    struct head_page_slab *there = NULL;

    if (atomic_compare_exchange_strong_explicit(&head->page_slabs[number], &there, slab,
                                                memory_order_acq_rel, memory_order_acquire)) {
        return slab;
    }
    slab_free(slab);
    return there;
}

uint64_t head_page_slabs(uint64_t series_count)
{
    return (series_count + SLAB_SERIES - 1) / SLAB_SERIES;
}

void head_pages_touch(struct head *head, size_t number)
{
    struct head_page_slab *slab;

    if (BARO_ASAN ||
        atomic_load_explicit(&head->page_slabs[number], memory_order_relaxed) != NULL) {
        return;
    }
    slab = slab_alloc(true);
    slab_touch(slab);
    (void)publish(head, number, slab);
}

static struct head_page *new_page_locked(struct head *head)
{
    size_t number = head->pages_count / SLAB_PAGES;
    struct head_page_slab *slab;

    /* So that the sanitizer sees who uses a page that is gone. */
    if (BARO_ASAN) {
        return MEM_NEW(struct head_page);
    }
    slab = atomic_load_explicit(&head->page_slabs[number], memory_order_acquire);
    if (slab == NULL) {
        slab = publish(head, number, slab_alloc(number >= SLABS_SPARSE));
    }
    slab->in_use++;
    return &slab->pages[head->pages_count % SLAB_PAGES];
}

void head_page_add_locked(struct head *head)
{
    head->pages[head->pages_count] = new_page_locked(head);
    head->pages_count++;
}
