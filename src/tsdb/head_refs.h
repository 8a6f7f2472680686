/*
 * head_refs: from a series_ref, which is unique for ever and as it stands in the WAL, to the slot
 * of the series. Refs that were created together share a page. Adding happens under the head's
 * index lock; looking up takes no lock.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "storage/storage.h"

enum { REFS_PAGE_BITS = 8, REFS_PAGE = 1 << REFS_PAGE_BITS };

struct refs_page {
    uint64_t number;                   /* ref >> REFS_PAGE_BITS */
    uint32_t used;                     /* lock: index; entries that are set */
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

/* Where a purge stands; zero at its start. */
struct refs_purge {
    size_t at;
    const struct refs_table *table; /* another one: it has grown, and all begins anew */
};

/* head_refs_purge takes out the refs of a run of pages whose slots `is_gone` names, and gives each
 * to `gone`. False when all is done. Under the index lock, like adding. */
bool head_refs_purge(struct head_refs *refs, struct refs_purge *purge,
                     bool (*is_gone)(const void *context, uint32_t slot),
                     void (*gone)(void *context, series_ref ref), void *context);

/* head_refs_rebuild makes a table without the pages that are empty, and gives the old tables and
 * those pages to `retire`, since readers may still look at them. Under the index lock. */
void head_refs_rebuild(struct head_refs *refs, void (*retire)(void *context, void *memory),
                       void *context);

/* head_refs_walk gives every ref with its slot. Under the index lock. */
void head_refs_walk(const struct head_refs *refs,
                    void (*visit)(void *context, series_ref ref, uint32_t slot), void *context);

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
