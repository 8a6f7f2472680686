#include "tsdb/head_touch.h"

#include "base/attr.h"
#include "testing/test.h"

TEST(head_touch_is_not_for_small_heads)
{
    struct head *head = head_new(&(struct head_options){0});

    assert_null(head_touch_new(head, 1000, 64 << 20));
    assert_null(head_touch_free(NULL));
    (void)head_free(head);
}

/* Pages are taken while the thread is at it: each slab is there once, whoever made it. */
TEST(head_touch_beside_a_loader)
{
    enum { SERIES = 400000, POOL = 20 << 20 };

    for (int round = 0; round < 4; round++) {
        struct head *head = head_new(&(struct head_options){0});
        struct head_touch *touch = head_touch_new(head, SERIES, POOL);

        assert_non_null(touch);
        for (int i = 0; i < SERIES / HEAD_PAGE_SERIES; i++) {
            struct head_page *page;

            head_page_add_locked(head);
            page = head->pages[i];
            assert_int_equal(page->alive_count, 0);
            page->series[0].ref = (series_ref)i;
            page->series[HEAD_PAGE_SERIES - 1].ref = (series_ref)i;
            (void)head_pool_alloc(&head->pool, 2000, POOL_OPEN);
        }
        (void)head_touch_free(touch);
        for (int i = 0; i < SERIES / HEAD_PAGE_SERIES; i++) {
            assert_int_equal(head->pages[i]->series[0].ref, i);
            assert_int_equal(head->pages[i]->series[HEAD_PAGE_SERIES - 1].ref, i);
        }
        assert_true(head_pool_bytes(&head->pool) < (size_t)POOL + 2 * SLAB_BYTES);
        (void)head_free(head);
    }
}

/* Freed pages of a slab go one by one, the slab with the last of them; the newest stays. */
TEST(head_pages_are_freed_with_their_slab)
{
    struct head *head = head_new(&(struct head_options){0});

    for (int i = 0; i < 100; i++) {
        head_page_add_locked(head);
        head->pages[i]->series[7].ref = 7;
    }
    for (size_t i = 0; i < 99; i++) {
        head_page_free_locked(head, (i * 37 + 5) % 99);
        head_page_free_locked(head, (i * 37 + 5) % 99); /* once more changes nothing */
    }
    assert_int_equal(head->pages_freed, 99);
    assert_int_equal(head->pages[99]->series[7].ref, 7);
    head_page_add_locked(head);
    assert_int_equal(head->pages[100]->series[7].ref, 0);
    (void)head_free(head);
}
