#include "tsdb/head_touch.h"

#include "base/mem.h"

enum { PAYS_SERIES = 100000 };

struct head_touch {
    struct head *head;
    uint64_t page_slabs;
    uint64_t pool_slabs;
    _Atomic bool stopping;
    pthread_t thread;
};

/* In the order of use: a series takes of both. */
static void *touch_loop(void *argument)
{
    struct head_touch *touch = argument;
    uint64_t pages = 0, pool = 0;

    while (pages < touch->page_slabs || pool < touch->pool_slabs) {
        if (atomic_load_explicit(&touch->stopping, memory_order_relaxed)) {
            break;
        }
        if (pages * touch->pool_slabs <= pool * touch->page_slabs && pages < touch->page_slabs) {
            head_pages_touch(touch->head, pages++);
        } else {
            head_pool_grow(&touch->head->pool);
            pool++;
        }
    }
    return NULL;
}

struct head_touch *head_touch_new(struct head *head, uint64_t series_count, uint64_t pool_bytes)
{
    struct head_touch *touch;

    if (series_count < PAYS_SERIES) {
        return NULL;
    }
    touch = MEM_NEW(struct head_touch);
    touch->head = head;
    touch->page_slabs = head_page_slabs(series_count);
    touch->pool_slabs = pool_bytes / SLAB_BYTES;
    if (pthread_create(&touch->thread, NULL, touch_loop, touch) != 0) {
        return mem_free(touch);
    }
    (void)pthread_setname_np(touch->thread, "touch");
    return touch;
}

struct head_touch *head_touch_free(struct head_touch *touch)
{
    if (touch != NULL) {
        atomic_store_explicit(&touch->stopping, true, memory_order_relaxed);
        (void)pthread_join(touch->thread, NULL);
    }
    return mem_free(touch);
}
