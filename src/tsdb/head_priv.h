/* head_priv: what the parts of the head share. */
#pragma once

#include <stdatomic.h>

#include "base/lock.h"
#include "base/vec.h"
#include "tsdb/chunk.h"
#include "tsdb/chunk_decimal.h"
#include "tsdb/chunk_histogram.h"
#include "tsdb/chunk_xor.h"
#include "tsdb/chunks_head.h"
#include "tsdb/head.h"
#include "tsdb/head_epoch.h"
#include "tsdb/head_exemplars.h"
#include "tsdb/head_labels.h"
#include "tsdb/head_meta.h"
#include "tsdb/head_ooo.h"
#include "tsdb/head_pool.h"
#include "tsdb/head_refs.h"
#include "tsdb/head_slots.h"
#include "tsdb/head_starts.h"

enum {
    HEAD_PAGE_BITS = 10, /* series per page: 1024 */
    HEAD_PAGE_SERIES = 1 << HEAD_PAGE_BITS,
    HEAD_STRIPE_BITS = 6, /* neighbours that share a lock: 64 */
    HEAD_STRIPES = 256,
    HEAD_SHARDS = 64,
    /* A label list is one block of the pool. */
    HEAD_LABELS_MAX = HEAD_POOL_BLOCK_BYTES_MAX / sizeof(pair_ref),
};

enum {
    SERIES_LOGGED = 1,   /* its labels stand in the WAL */
    SERIES_DEAD = 2,     /* taken out by a truncation: whoever comes late must look it up again */
    SERIES_TOUCHED = 4,  /* asked for since the last truncation, which therefore spares it */
    SERIES_UNFILED = 8,  /* what chunks_head has of it was deleted or opened again: its chunks stay
                            in memory until a truncation has passed that */
    SERIES_OOO = 32,     /* has samples out of order, in head.ooo */
    SERIES_STARTS = 128, /* start timestamps of its open chunk are known, and are in head.starts */
    SERIES_DECIMAL = 64, /* its open chunk is one of chunk_decimal */
    SERIES_HISTOGRAM = 16, /* its open chunk has histograms: `open` holds the address of a struct
                              head_open, and of `chunk` t, count, and v_bits (the sum) are set */
};

/* A series with this many pending samples is not counted any more, and stays for good. */
#define SERIES_PENDING_MAX UINT16_MAX

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
    uint16_t open_size;     /* lock: head.stripe; bytes of the block `open` */
    uint16_t pending_count; /* lock: head.stripe; uses by transactions that are not over */
    uint8_t flags;          /* lock: head.stripe */
};
STATIC_ASSERT(sizeof(struct head_series) == 80, "the budget of bytes per series counts on it");

/* A page of series. Slots are never given twice while the head lives, so lists of them rise by
 * appending; a page whose series are all dead is freed. */
struct head_page {
    struct head_series series[HEAD_PAGE_SERIES];
    uint64_t alive[HEAD_PAGE_SERIES / 64]; /* lock: index */
    uint64_t dead[HEAD_PAGE_SERIES / 64];  /* of the truncation */
    /* lock: head.stripe (a word's series share one); has closed chunks in memory */
    uint64_t closed[HEAD_PAGE_SERIES / 64];
    uint32_t alive_count; /* lock: index */
    bool is_retired;      /* of the truncation: it waits to be freed */
};

/* A closed chunk: immutable but for the end of its chain. Its bytes follow it, or a pointer to them
 * when they are more than a block of the pool can have, or they lie in a file of chunks_head: a
 * chain has those in memory first, which are the newer ones. */
struct head_chunk {
    ts mint;
    uint32_t span;          /* ms from there to the last sample */
    _Atomic pool_ref older; /* 0 at the oldest; release, paired with acquire in head_chunk_older:
                               chunks are replaced by such in files, and chains cut, while others
                               walk them; what they may still see is kept until they are gone */
    uint32_t place;         /* in memory: bytes; else the offset in the file */
    uint32_t kind;          /* encoding << 24 | number of the file, 0 = in memory */
};
STATIC_ASSERT(sizeof(struct head_chunk) == 24, "a series has one for every 120 samples");

/* Bytes beyond which a chunk lies outside of the pool: those of histograms with many buckets. */
#define HEAD_CHUNK_NEAR_MAX (HEAD_POOL_BLOCK_BYTES_MAX - sizeof(struct head_chunk))

/* Refs count series one by one; a number from here on is damage, and would end the counting. */
#define HEAD_REF_MAX (UINT64_C(1) << 62)

/* No chunk lasts longer: 49 days. */
#define HEAD_CHUNK_SPAN_MAX ((dur)UINT32_MAX)

/* A chunk out of order that a file has. */
struct head_late_chunk {
    struct chunks_place place;
    ts mint;
    ts maxt;
    uint8_t encoding; /* without CHUNKS_HEAD_OUT_OF_ORDER */
};

/* Series by labels: open addressing; tags spare the look at series that are others. */
struct head_shard {
    struct lock lock;
    uint8_t *tags;   /* lock: this one; 0 = free */
    uint32_t *slots; /* lock: this one */
    size_t count;
    size_t capacity;
};

/* A reference of a dead series. The WAL up to this segment may still name it. */
struct head_gone {
    series_ref ref;
    uint64_t segment;
};

struct head {
    struct head_options options;
    struct wal *wal;
    struct head_pool pool;
    struct head_page **pages; /* by slot >> HEAD_PAGE_BITS; NULL once it is freed */
    /* What the pages lie in, behind them in memory; NULL = not yet, or freed. */
    _Atomic(struct head_page_slab *) *page_slabs;
    struct head_epochs epochs;
    struct head_refs refs;
    struct head_shard shards[HEAD_SHARDS];
    struct lock stripes[HEAD_STRIPES];
    struct head_slots ooo[HEAD_STRIPES];    /* lock: head.stripe; struct ooo_series */
    struct head_slots starts[HEAD_STRIPES]; /* likewise; struct starts_series */
    struct wal *_Atomic wbl; /* the log of what is out of order; NULL = none is taken */
    /* Appenders hold it while late samples go to the WBL and to the series: under it for writing,
     * the series have all that the WBL has. */
    struct rwlock late_lock;
    VEC(struct head_late_chunk) late_chunks; /* while loading: those that files have, in order */

    struct rwlock index_lock;
    struct head_labels labels;  /* lock: index */
    uint32_t slot_count;        /* lock: index; slots given so far */
    uint32_t series_count;      /* lock: index; those alive */
    series_ref last_ref;        /* lock: index */
    size_t pages_count;         /* lock: index; pages made so far */
    size_t pages_freed;         /* of the maintenance thread */
    VEC(struct head_gone) gone; /* of the maintenance thread */
    struct chunks_head *files;  /* of the maintenance thread, but for reading; NULL = none */
    struct head_refs *chains; /* while loading: ref -> newest chunk of those in files; NULL: none */
    VEC(struct chunks_map *) retired_maps; /* of the maintenance thread */
    bool must_trim;                        /* of the maintenance thread; much will be freed */
    ts unfiled_until;               /* of the maintenance thread; last sample that was taken from
                                       what files hold */
    struct head_meta meta;          /* has its own lock */
    struct head_exemplars examples; /* has its own lock */

    _Atomic uint64_t closed_bytes; /* relaxed: of chunks closed since the last flush; a hint */
    _Atomic bool is_full;          /* relaxed: memory is short, no new series are taken */
    _Atomic int64_t min_valid;     /* relaxed: each appender looks once per transaction */
    _Atomic int64_t in_blocks;     /* relaxed: blocks have what is before; never above min_valid */
    _Atomic int64_t mint;          /* relaxed: statistics and the bounds of queries */
    _Atomic int64_t maxt;          /* relaxed: likewise */
    _Atomic int64_t ooo_mint;      /* relaxed: the same of what is out of order */
    _Atomic int64_t ooo_maxt;      /* relaxed: likewise */
    _Atomic int64_t ooo_window;    /* relaxed: how far behind the newest sample others are taken */
    _Atomic uint64_t chunks;
    _Atomic uint64_t chunks_created; /* relaxed: open chunks that were begun, by a start as well */
    _Atomic uint64_t outside;        /* open chunks of histograms, and closed ones that lie outside
                                        of the pool */
    _Atomic uint64_t outside_bytes;  /* their memory */
    _Atomic bool has_histograms;     /* there has been one */
    _Atomic uint64_t damage;         /* relaxed: chunks that queries had to leave out */
    _Atomic unsigned newer_chunks;   /* relaxed: wishes for what is written */
    atomic_bool log_late;            /* relaxed: what is out of order goes to the WAL, too */
};

/* An open chunk of histograms. */
struct head_open {
    struct chunk_histogram chunk;
    ts mint;
    bool has_end; /* series.next_at was set by the size that the chunk had */
};

void head_pages_init(struct head *head);
void head_pages_done(struct head *head);

/* head_page_add_locked makes room for the next HEAD_PAGE_SERIES slots; head_page_free_locked gives
 * that of a page back whose series are gone, which is not the newest but when the head goes. */
void head_page_add_locked(struct head *head);
void head_page_free_locked(struct head *head, size_t number);

/* head_pages_touch has the memory found, in any thread, for slab `number` of the pages before it is
 * wanted; head_page_slabs is how many slabs so many series need. */
uint64_t head_page_slabs(uint64_t series_count);
void head_pages_touch(struct head *head, size_t number);

static inline struct head_series *head_series_at(const struct head *head, uint32_t slot)
{
    return &head->pages[slot >> HEAD_PAGE_BITS]->series[slot & (HEAD_PAGE_SERIES - 1)];
}

/* A bit per series of a page. */
static inline bool head_bit(const uint64_t *bits, uint32_t slot)
{
    uint32_t at = slot & (HEAD_PAGE_SERIES - 1);

    return (bits[at / 64] >> at % 64 & 1) != 0;
}

static inline void head_bit_set(uint64_t *bits, uint32_t slot)
{
    uint32_t at = slot & (HEAD_PAGE_SERIES - 1);

    bits[at / 64] |= UINT64_C(1) << at % 64;
}

/* head_slots_alive copies the slots of all series, rising, to ret (room for head->series_count);
 * the index lock is held. */
size_t head_slots_alive_locked(const struct head *head, uint32_t *ret);

/* A use of a series by a transaction: it is not taken out before head_series_unpin. */
static inline void head_series_pin_locked(struct head_series *series)
{
    if (series->pending_count < SERIES_PENDING_MAX) {
        series->pending_count++;
    }
}

static inline void head_series_unpin_locked(struct head_series *series)
{
    if (series->pending_count < SERIES_PENDING_MAX) {
        series->pending_count--;
    }
}

static inline pool_ref head_chunk_older(const struct head_chunk *chunk)
{
    return atomic_load_explicit(&chunk->older, memory_order_acquire);
}

static inline ts head_chunk_maxt(const struct head_chunk *chunk)
{
    return chunk->mint + chunk->span;
}

static inline uint8_t head_chunk_encoding(const struct head_chunk *chunk)
{
    return (uint8_t)(chunk->kind >> 24);
}

/* The number of its file, 0 = in memory. */
static inline uint32_t head_chunk_file(const struct head_chunk *chunk)
{
    return chunk->kind & 0xffffff;
}

static inline struct head_chunk *head_chunk_at(const struct head *head, pool_ref ref)
{
    return ref == 0 ? NULL : head_pool_at(&head->pool, ref);
}

/* head_chunk_new makes a closed chunk in memory with a copy of the bytes, head_chunk_new_filed one
 * whose bytes are in a file. head_chunk_free frees one that nobody sees any more. */
pool_ref head_chunk_new(struct head *head, ts mint, ts maxt, uint8_t encoding, str data,
                        pool_ref older);
pool_ref head_chunk_new_filed(struct head *head, ts mint, ts maxt, uint8_t encoding,
                              struct chunks_place place, pool_ref older);
void head_chunk_free(struct head *head, pool_ref ref);

/* head_chain_free frees a chunk and all older ones. */
void head_chain_free(struct head *head, pool_ref ref);

/* head_chunk_data gives the bytes of a closed chunk; they live as long as the chunk itself may be
 * seen. Fails with BARO_ECORRUPT when its file is damaged. */
int head_chunk_data(const struct head *head, const struct head_chunk *chunk, str *ret,
                    struct baro_error *err);

/* head_chunk_decode appends the samples of a chunk of any encoding that the head has. */
int head_chunk_decode(uint8_t encoding, str data, ts start, ts end, struct sample_buf *ret,
                      struct baro_error *err);

/* What an open or closed chunk of chunk_decimal takes as one of chunk_xor, at most: twice 120
 * samples and one. */
enum { HEAD_REPACKED_MAX = 241 * CHUNK_XOR_SAMPLE_BYTES_MAX };

/* head_chunk_read is head_chunk_decode of a closed chunk. */
int head_chunk_read(const struct head *head, const struct head_chunk *chunk, ts start, ts end,
                    struct sample_buf *ret, struct baro_error *err);

/* head_note_closed marks a series that has got a chunk for chunks_head, of so many bytes; the
 * stripe lock is held. */
static inline void head_note_closed_locked(struct head *head, uint32_t slot, size_t bytes)
{
    atomic_fetch_add_explicit(&head->closed_bytes, bytes, memory_order_relaxed);
    head_bit_set(head->pages[slot >> HEAD_PAGE_BITS]->closed, slot);
}

/* While loading: the chunks that files hold of a ref go to the series, in front of which
 * there is nothing newer: true, or false when they do not fit to what it has. */
bool head_chain_attach(struct head *head, struct head_series *series, series_ref ref);

static inline unsigned head_newer_chunks(const struct head *head)
{
    return atomic_load_explicit(&head->newer_chunks, memory_order_relaxed);
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

/* A series as a snapshot has it. */
struct head_restore {
    series_ref ref;
    uint32_t hash; /* upper half of labels_hash */
    const pair_ref *pairs;
    uint16_t pair_count;
    pool_ref block; /* of POOL_LABELS, for the pairs */
};

enum { HEAD_ENTER_LANES = 2 };

/* head_series_restore creates a series that the WAL knows, without samples. head_series_enter adds
 * series to one lane's share of the postings, lane 0 to the lookup by refs too; in each lane every
 * series once, in the order of their slots. Each lane may have a thread of its own, while another
 * one restores the next series. A series is found by its labels once
 * head_shard_fill has put it into its shard, which is done for all series of a shard in a row, so
 * that the shard stays in the caches; head_shards_reserve makes room for so many. Into a head that
 * nobody else sees. */
uint32_t head_series_restore(struct head *head, const struct head_restore *restore);
void head_series_enter(struct head *head, uint32_t first, uint32_t end, size_t lane);

struct head_placed {
    uint32_t hash;
    uint32_t slot;
    uint8_t tag;
};
void head_shards_reserve(struct head *head, uint64_t series_count);
void head_shard_fill(struct head *head, size_t number, const struct head_placed *items,
                     size_t count);

/* head_is_filed_locked says whether chunks_head has brought the sample at t already. */
static inline bool head_is_filed_locked(const struct head *head, const struct head_series *series,
                                        ts t)
{
    return series->chunk.count == 0 && series->closed != 0 &&
           t <= head_chunk_maxt(head_chunk_at(head, series->closed));
}

/* head_series_append adds a sample to the open chunk; false when it is not newer than the last one.
 * The stripe lock of the slot is held. */
bool head_series_append_locked(struct head *head, uint32_t slot, ts t, double v);

/* head_delete_locked packs a series anew without what is in [start, end]: 1, or 0 when it has
 * nothing there. What readers may still see goes to the garbage. */
int head_delete_locked(struct head *head, uint32_t slot, ts start, ts end,
                       struct sample_buf *scratch, struct head_garbage *garbage,
                       struct baro_error *err);

/* head_series_append_histogram does the same with a histogram that histogram_check has passed;
 * false also for one that no chunk can hold. A stale marker is of the kind that the series has. */
bool head_series_append_histogram_locked(struct head *head, uint32_t slot, ts t,
                                         const struct histogram *h);

/* head_series_note_start tells the start of the sample that was appended last, when one is told of
 * it or its series has had one. */
static inline void head_series_note_start_locked(struct head *head, uint32_t slot, ts st)
{
    if (UNLIKELY(st != 0 || (head_series_at(head, slot)->flags & SERIES_STARTS) != 0)) {
        head_starts_note_locked(head, slot, st);
    }
}

/* head_series_put_back appends sample i of a buffer, which was the series' before. */
void head_series_put_back_locked(struct head *head, uint32_t slot, const struct sample_buf *samples,
                                 size_t i);

static inline bool head_series_is_histogram(const struct head_series *series)
{
    return (series->flags & SERIES_HISTOGRAM) != 0;
}

/* The open chunk of a series, under its stripe lock. head_open_at is that of histograms;
 * head_open_data gives the bytes (none without a sample) and encoding of any; head_open_close puts
 * it into the chain of closed ones; head_open_drop frees it. */
struct head_open *head_open_at(const struct head *head, const struct head_series *series);
str head_open_data_locked(const struct head *head, const struct head_series *series,
                          uint8_t *ret_encoding);
void head_open_close_locked(struct head *head, uint32_t slot);
void head_open_drop_locked(struct head *head, uint32_t slot);

/* head_open_new makes an open chunk of histograms for a series without any; head_open_show sets
 * what the series tells of it. */
struct head_open *head_open_new_locked(struct head *head, struct head_series *series);
void head_open_show_locked(struct head_series *series, const struct head_open *open, double sum);
size_t head_open_bytes(const struct head_open *open);

/* head_chunk_even_end is where a chunk should end that is full to 1 / ratio at `now`, so that those
 * left until `end` are equally long. */
ts head_chunk_even_end(ts start, ts now, ts end, double ratio);

/* head_open_mint gives the time of the first sample of the open chunk, of which there is one. */
ts head_open_mint_locked(const struct head *head, const struct head_series *series);

/* head_shard_purge takes the series out that are marked in the `dead` bits of their pages. */
void head_shard_purge(struct head *head, struct head_shard *shard);

/* head_limit_refuse counts a series that is not taken, and says why: BARO_ELIMIT. */
int head_limit_refuse(struct head *head, struct baro_error *err);

/* head_note_time widens the time that the head covers. */
void head_note_time(struct head *head, ts mint, ts maxt);

/* head_select gives the slots of the series that match, rising, in the arena. The index lock is
 * held for reading. */
int head_select_locked(struct head *head, struct arena *arena, struct matchers matchers,
                       const struct cancel *cancel, struct postings *ret, struct baro_error *err);

/* head_sort_by_labels sorts slots as labels_cmp orders their series. */
void head_sort_by_labels(struct head *head, struct arena *arena, uint32_t *slots, size_t count);
