/* head_priv: what the parts of the head share. */
#pragma once

#include <stdatomic.h>

#include "base/lock.h"
#include "base/vec.h"
#include "tsdb/chunk_xor.h"
#include "tsdb/head.h"
#include "tsdb/head_exemplars.h"
#include "tsdb/head_labels.h"
#include "tsdb/head_meta.h"
#include "tsdb/head_pool.h"
#include "tsdb/head_refs.h"

enum {
    HEAD_PAGE_BITS = 10, /* series per page: 1024 */
    HEAD_PAGE_SERIES = 1 << HEAD_PAGE_BITS,
    HEAD_STRIPE_BITS = 6, /* neighbours that share a lock: 64 */
    HEAD_STRIPES = 256,
    HEAD_SHARDS = 64,
    /* A label list is one block of the pool. */
    HEAD_LABELS_MAX = HEAD_POOL_BLOCK_BYTES_MAX / sizeof(pair_ref),
};

enum { SERIES_LOGGED = 1 }; /* its labels stand in the WAL */

/*
 * One series. What names it never changes; the rest is behind the stripe lock of its slot. It is
 * the larger part of the head's memory together with its label list (4 bytes a label), its chunk,
 * and 4 bytes a label in postings.
 */
struct head_series {
    series_ref ref;         /* as in the WAL */
    struct chunk_xor chunk; /* lock: head.stripe; of the open chunk; count 0 = no sample yet */
    ts next_at;             /* lock: head.stripe; the open chunk takes samples before this time */
    pool_ref open;          /* lock: head.stripe; bytes of the open chunk */
    pool_ref closed;        /* lock: head.stripe; newest closed chunk */
    uint32_t pending;       /* lock: head.stripe; index in the columns of the appender that took its
                               last sample; a guess that is checked */
    uint32_t meta;          /* lock: head.stripe; number of its metadata; 0 = none */
    uint32_t hash;          /* upper half of labels_hash */
    pool_ref pairs;
    uint16_t pair_count;
    uint16_t open_size; /* lock: head.stripe; bytes of the block `open` */
    uint8_t flags;      /* lock: head.stripe */
};
STATIC_ASSERT(sizeof(struct head_series) == 80, "the budget of bytes per series counts on it");

/* A closed chunk: immutable; the bytes follow. */
struct head_chunk {
    ts mint;
    ts maxt;
    pool_ref older; /* 0 at the oldest */
    uint16_t size;
    uint16_t count;
};

/* Series by labels: open addressing; tags spare the look at series that are others. */
struct head_shard {
    struct lock lock;
    uint8_t *tags;   /* lock: this one; 0 = free */
    uint32_t *slots; /* lock: this one */
    size_t count;
    size_t capacity;
};

struct head {
    struct head_options options;
    struct wal *wal;
    struct head_pool pool;
    struct head_series **pages; /* by slot >> HEAD_PAGE_BITS; an entry is written once */
    struct head_refs refs;
    struct head_shard shards[HEAD_SHARDS];
    struct lock stripes[HEAD_STRIPES];

    struct rwlock index_lock;
    struct head_labels labels;      /* lock: index */
    uint32_t series_count;          /* lock: index; slots in use */
    series_ref last_ref;            /* lock: index */
    size_t pages_count;             /* lock: index */
    struct head_meta meta;          /* has its own lock */
    struct head_exemplars examples; /* has its own lock */

    _Atomic int64_t min_valid; /* relaxed: each appender looks once per transaction */
    _Atomic int64_t mint;      /* relaxed: statistics and the bounds of queries */
    _Atomic int64_t maxt;      /* relaxed: likewise */
    _Atomic uint64_t chunks;
};

static inline struct head_series *head_series_at(const struct head *head, uint32_t slot)
{
    return &head->pages[slot >> HEAD_PAGE_BITS][slot & (HEAD_PAGE_SERIES - 1)];
}

static inline struct lock *head_stripe(struct head *head, uint32_t slot)
{
    return &head->stripes[slot >> HEAD_STRIPE_BITS & (HEAD_STRIPES - 1)];
}

/* head_stripe_hold moves a walk over slots to the stripe of `slot`: *held is the stripe it holds,
 * NULL at the start. Neighbours share a stripe, so most steps take no lock. End with
 * head_stripe_drop. */
static inline void head_stripe_hold(struct head *head, uint32_t slot, struct lock **held)
{
    struct lock *stripe = head_stripe(head, slot);

    if (stripe == *held) {
        return;
    }
    if (*held != NULL) {
        lock_release(*held);
    }
    lock_acquire(stripe);
    *held = stripe;
}

static inline void head_stripe_drop(struct lock *held)
{
    if (held != NULL) {
        lock_release(held);
    }
}

static inline const pair_ref *head_series_pairs(const struct head *head,
                                                const struct head_series *series)
{
    return head_pool_at(&head->pool, series->pairs);
}

/* head_series_labels writes the labels of a series to items (room for pair_count). */
struct labels head_series_labels(const struct head *head, const struct head_series *series,
                                 struct label *items);

#define HEAD_SLOT_NONE UINT32_MAX

/* head_series_get finds or creates a series; ref 0 = give it the next one, else this one (replay).
 * Fails with BARO_EINVALID or BARO_ELIMIT. */
int head_series_get(struct head *head, struct labels labels, series_ref ref, uint32_t *ret_slot,
                    struct baro_error *err);

/* head_series_append adds a sample to the open chunk; false when it is not newer than the last one.
 * The stripe lock is held. */
bool head_series_append_locked(struct head *head, struct head_series *series, ts t, double v);

/* head_note_time widens the time that the head covers. */
void head_note_time(struct head *head, ts mint, ts maxt);

/* head_select gives the slots of the series that match, rising, in the arena. The index lock is
 * held for reading. */
int head_select_locked(struct head *head, struct arena *arena, struct matchers matchers,
                       const struct cancel *cancel, struct postings *ret, struct baro_error *err);

/* head_sort_by_labels sorts slots as labels_cmp orders their series. */
void head_sort_by_labels(struct head *head, struct arena *arena, uint32_t *slots, size_t count);
