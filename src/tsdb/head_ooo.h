/*
 * head_ooo: samples that came out of order, beside the chunks that are in order. A series that has
 * any (SERIES_OOO) has an entry here: up to 32 sorted samples, and closed chunks of such, which may
 * overlap each other. Queries merge them with what is in order, where the sample that was there
 * first wins; a compaction gives all of them to blocks of their own. They are durable in the WBL,
 * which is the write-ahead log of what is out of order. Under the stripe lock of the series unless
 * it says otherwise. Source of the semantics: Prometheus 3, tsdb/ooo_head.go.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/error.h"
#include "model/histogram.h"
#include "storage/storage.h"
#include "tsdb/head_epoch.h"
#include "tsdb/head_pool.h"
#include "tsdb/head_slots.h"

struct head;
struct head_ooo_picked;

enum { OOO_SAMPLES_MAX = 32 }; /* that are not in a chunk: storage.tsdb's cap in Prometheus */

struct ooo_series {
    uint32_t slot;
    uint32_t count;
    pool_ref closed;     /* newest chunk; a chain as that of a series */
    pool_ref compacting; /* of the maintenance thread: this chunk and older ones go to a block */
    struct arena arena;  /* of the samples' histograms */
    struct sample samples[OOO_SAMPLES_MAX];
};

/* ooo_series_of is that of an item of head.ooo. */
static inline struct ooo_series *ooo_series_of(uint32_t *slot)
{
    return CONTAINER_OF(slot, struct ooo_series, slot);
}

/* head_ooo_at gives the entry of a series, NULL when there is none; head_ooo_make makes it. */
struct ooo_series *head_ooo_at_locked(const struct head *head, uint32_t slot);
struct ooo_series *head_ooo_make_locked(struct head *head, uint32_t slot);

/* head_ooo_note_time widens the time of what is out of order. */
void head_ooo_note_time(struct head *head, ts t);

/* head_ooo_read_memory appends the samples that are in no file, sorted, each time once. Fails as
 * head_ooo_read does. */
int head_ooo_read_memory_locked(const struct head *head, const struct ooo_series *one,
                                struct sample_buf *ret, struct baro_error *err);

/* head_ooo_insert takes a sample; false when one of its time is among the sorted ones. */
bool head_ooo_insert_locked(struct head *head, uint32_t slot, const struct sample *sample);

/* head_ooo_sample is number i of a buffer. */
struct sample head_ooo_sample(const struct sample_buf *samples, size_t i);

/* head_ooo_read appends the samples in [start, end], sorted, each time once. It takes the lock
 * itself. Damaged chunks are left out, and counted in *damage. Fails with BARO_ELIMIT. */
int head_ooo_read(struct head *head, uint32_t slot, ts start, ts end, struct sample_buf *ret,
                  uint64_t *damage, struct baro_error *err);

/* head_ooo_overlaps says whether the series may have samples in [start, end]. */
bool head_ooo_overlaps_locked(const struct head *head, uint32_t slot, ts start, ts end);

/* head_ooo_delete drops the samples in [start, end]: 1, or 0 when there are none. */
int head_ooo_delete_locked(struct head *head, uint32_t slot, ts start, ts end,
                           struct head_garbage *garbage, struct baro_error *err);

/*
 * A compaction, by the maintenance thread: head_ooo_begin closes what is there into chunks, and
 * gives the slots that have any in the arena; head_ooo_read_closed reads those chunks of a series;
 * head_ooo_end forgets them, and hands them to the garbage.
 */
void head_ooo_begin(struct head *head, struct arena *arena, struct head_ooo_picked *ret);
int head_ooo_read_closed(struct head *head, uint32_t slot, ts start, ts end, struct sample_buf *ret,
                         struct baro_error *err);
void head_ooo_end(struct head *head, const struct head_ooo_picked *picked,
                  struct head_garbage *garbage);

/* head_ooo_free frees everything. Nobody else is left. */
void head_ooo_free(struct head *head);
