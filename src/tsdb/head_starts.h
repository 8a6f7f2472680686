/*
 * head_starts: the start timestamps of the samples in open chunks (`--enable-feature=st-storage`).
 * Open chunks have no room for them, so they stand beside: runs of samples with the same one, since
 * a counter has one for as long as its process lives. A closed chunk has them itself. Under the
 * stripe lock of the series.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/dur.h"
#include "base/str.h"

struct head;

/* From sample `from` of the open chunk on the start is `st`; 0 = unknown. */
struct starts_run {
    ts st;
    uint64_t from;
};

struct starts_series {
    uint32_t slot;
    uint32_t count;
    uint32_t capacity;
    struct starts_run runs[];
};

/* head_starts_note tells the start of the sample that the open chunk got last. */
void head_starts_note_locked(struct head *head, uint32_t slot, ts st);

/* head_starts_last is that of the last sample of the open chunk; 0 = unknown. */
ts head_starts_last_locked(const struct head *head, uint32_t slot);

/* head_starts_runs gives the runs of a series with SERIES_STARTS. */
const struct starts_series *head_starts_runs_locked(const struct head *head, uint32_t slot);

/* head_starts_pack makes, of the bytes of the open chunk, a chunk with the starts, in ret, and
 * gives its encoding; false, when there are none or memory is out. */
bool head_starts_pack_locked(const struct head *head, uint32_t slot, str data, uint8_t *encoding,
                             struct buf *ret);

/* head_starts_set gives a series without any the runs of its open chunk: they begin at 0 and rise,
 * below its count. */
void head_starts_set_locked(struct head *head, uint32_t slot, const struct starts_run *runs,
                            uint32_t count);

/* head_starts_drop forgets them: the open chunk is no more. */
void head_starts_drop_locked(struct head *head, uint32_t slot);

/* head_starts_done frees the lists, which are empty. */
void head_starts_done(struct head *head);
