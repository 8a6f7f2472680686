#include "tsdb/head_refs.h"

#include "base/mem.h"

enum {
    TABLE_FIRST = 64,
    PURGE_PAGES = 1024, /* looked at under one hold of the lock: a quarter of a million refs */
};

static struct refs_table *table_new(size_t capacity)
{
    struct refs_table *table = mem_alloc_zero(sizeof(*table) + capacity * sizeof(table->pages[0]));

    table->capacity = capacity;
    return table;
}

void head_refs_init(struct head_refs *refs)
{
    atomic_init(&refs->table, table_new(TABLE_FIRST));
}

void head_refs_done(struct head_refs *refs)
{
    struct refs_table *table = atomic_load_explicit(&refs->table, memory_order_relaxed);

    for (size_t i = 0; table != NULL && i < table->capacity; i++) {
        (void)mem_free(atomic_load_explicit(&table->pages[i], memory_order_relaxed));
    }
    while (table != NULL) {
        struct refs_table *older = table->older;

        (void)mem_free(table);
        table = older;
    }
    atomic_store_explicit(&refs->table, NULL, memory_order_relaxed);
}

static size_t first_slot(const struct refs_table *table, uint64_t number)
{
    return (size_t)(number * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (table->capacity - 1);
}

/* The slot of the table where the page is, or the free one where it belongs. */
static size_t find(const struct refs_table *table, uint64_t number, struct refs_page **ret)
{
    size_t i = first_slot(table, number);

    for (;; i = (i + 1) & (table->capacity - 1)) {
        *ret = atomic_load_explicit(&table->pages[i], memory_order_acquire);
        if (*ret == NULL || (*ret)->number == number) {
            return i;
        }
    }
}

const struct refs_page *head_refs_page(const struct head_refs *refs, uint64_t number)
{
    struct refs_page *page = NULL;

    (void)find(atomic_load_explicit(&refs->table, memory_order_acquire), number, &page);
    return page;
}

static struct refs_table *grow(struct head_refs *refs, struct refs_table *old)
{
    struct refs_table *table = table_new(old->capacity * 2);

    for (size_t i = 0; i < old->capacity; i++) {
        struct refs_page *page = atomic_load_explicit(&old->pages[i], memory_order_relaxed);
        struct refs_page *none = NULL;

        if (page != NULL) {
            size_t slot = find(table, page->number, &none);

            atomic_store_explicit(&table->pages[slot], page, memory_order_relaxed);
        }
    }
    table->count = old->count;
    table->older = old;
    atomic_store_explicit(&refs->table, table, memory_order_release);
    return table;
}

void head_refs_add(struct head_refs *refs, series_ref ref, uint32_t slot)
{
    struct refs_table *table = atomic_load_explicit(&refs->table, memory_order_relaxed);
    uint64_t number = ref >> REFS_PAGE_BITS;
    struct refs_page *page = NULL;
    size_t i = find(table, number, &page);

    if (page == NULL) {
        if (table->count * 2 >= table->capacity) {
            table = grow(refs, table);
            i = find(table, number, &page);
        }
        page = MEM_NEW(struct refs_page);
        page->number = number;
        atomic_store_explicit(&table->pages[i], page, memory_order_release);
        table->count++;
    }
    page->used +=
        atomic_load_explicit(&page->slots[ref & (REFS_PAGE - 1)], memory_order_relaxed) == 0;
    atomic_store_explicit(&page->slots[ref & (REFS_PAGE - 1)], slot + 1, memory_order_release);
}

static void purge_page(struct refs_page *page, bool (*is_gone)(const void *context, uint32_t slot),
                       void (*gone)(void *context, series_ref ref), void *context)
{
    for (size_t i = 0; i < REFS_PAGE; i++) {
        uint32_t slot = atomic_load_explicit(&page->slots[i], memory_order_relaxed);

        if (slot != 0 && is_gone(context, slot - 1)) {
            atomic_store_explicit(&page->slots[i], 0, memory_order_relaxed);
            page->used--;
            gone(context, page->number << REFS_PAGE_BITS | i);
        }
    }
}

bool head_refs_purge(struct head_refs *refs, struct refs_purge *purge,
                     bool (*is_gone)(const void *context, uint32_t slot),
                     void (*gone)(void *context, series_ref ref), void *context)
{
    struct refs_table *table = atomic_load_explicit(&refs->table, memory_order_relaxed);
    size_t end;

    if (purge->table != table) {
        *purge = (struct refs_purge){.table = table};
    }
    end = purge->at + PURGE_PAGES < table->capacity ? purge->at + PURGE_PAGES : table->capacity;
    for (; purge->at < end; purge->at++) {
        struct refs_page *page =
            atomic_load_explicit(&table->pages[purge->at], memory_order_relaxed);

        if (page != NULL) {
            purge_page(page, is_gone, gone, context);
        }
    }
    return purge->at < table->capacity;
}

void head_refs_rebuild(struct head_refs *refs, void (*retire)(void *context, void *memory),
                       void *context)
{
    struct refs_table *old = atomic_load_explicit(&refs->table, memory_order_relaxed);
    struct refs_table *table = table_new(old->capacity);
    struct refs_page *none = NULL;

    for (size_t i = 0; i < old->capacity; i++) {
        struct refs_page *page = atomic_load_explicit(&old->pages[i], memory_order_relaxed);

        if (page != NULL && page->used > 0) {
            atomic_store_explicit(&table->pages[find(table, page->number, &none)], page,
                                  memory_order_relaxed);
            table->count++;
        } else if (page != NULL) {
            retire(context, page);
        }
    }
    atomic_store_explicit(&refs->table, table, memory_order_release);
    while (old != NULL) {
        struct refs_table *older = old->older;

        retire(context, old);
        old = older;
    }
}

void head_refs_walk(const struct head_refs *refs,
                    void (*visit)(void *context, series_ref ref, uint32_t slot), void *context)
{
    const struct refs_table *table = atomic_load_explicit(&refs->table, memory_order_relaxed);

    for (size_t i = 0; i < table->capacity; i++) {
        const struct refs_page *page = atomic_load_explicit(&table->pages[i], memory_order_relaxed);

        for (size_t k = 0; page != NULL && k < REFS_PAGE; k++) {
            uint32_t slot = atomic_load_explicit(&page->slots[k], memory_order_relaxed);

            if (slot != 0) {
                visit(context, page->number << REFS_PAGE_BITS | k, slot - 1);
            }
        }
    }
}

size_t head_refs_bytes(const struct head_refs *refs)
{
    const struct refs_table *table = atomic_load_explicit(&refs->table, memory_order_relaxed);
    size_t bytes = table->count * sizeof(struct refs_page);

    for (; table != NULL; table = table->older) {
        bytes += table->capacity * sizeof(void *);
    }
    return bytes;
}
