/*
 * head_refs: from a series_ref, which is unique for ever and as it stands in the WAL, to the slot
 * of the series. Refs that were created together share a page. Adding happens under the head's
 * index lock; looking up takes no lock.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "storage/storage.h"

enum { REFS_PAGE_BITS = 8, REFS_PAGE = 1 << REFS_PAGE_BITS };

struct refs_page {
    uint64_t number;                   /* ref >> REFS_PAGE_BITS */
    _Atomic uint32_t slots[REFS_PAGE]; /* slot + 1; release, paired with acquire in refs_find */
};

struct refs_table {
    struct refs_table *older; /* replaced ones, kept for readers that still look at them */
    size_t capacity;          /* a power of two */
    size_t count;
    _Atomic(struct refs_page *) pages[];
};

struct head_refs {
    _Atomic(struct refs_table *) table; /* release, paired with acquire in head_refs_page */
};

void head_refs_init(struct head_refs *refs);
void head_refs_done(struct head_refs *refs);
void head_refs_add(struct head_refs *refs, series_ref ref, uint32_t slot);
size_t head_refs_bytes(const struct head_refs *refs);

/* head_refs_page returns the page of a ref, or NULL. */
const struct refs_page *head_refs_page(const struct head_refs *refs, uint64_t number);

/* refs_find returns the slot or UINT32_MAX; *page remembers the last page of this caller (NULL at
 * first). */
static inline uint32_t refs_find(const struct head_refs *refs, const struct refs_page **page,
                                 series_ref ref)
{
    uint64_t number = ref >> REFS_PAGE_BITS;

    if (UNLIKELY(*page == NULL || (*page)->number != number)) {
        *page = head_refs_page(refs, number);
        if (*page == NULL) {
            return UINT32_MAX;
        }
    }
    return atomic_load_explicit(&(*page)->slots[ref & (REFS_PAGE - 1)], memory_order_acquire) - 1;
}
