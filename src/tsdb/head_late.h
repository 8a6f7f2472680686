/*
 * head_late: full chunks of samples out of order go to chunks_head too, and come back from there.
 *
 * The thread that truncates writes them, and then a marker to the WBL: "what stands before this of
 * the series is in that chunk". What the series has in memory at that time is written again behind
 * it, since Prometheus forgets what stands before a marker. A chunk counts only when a marker names
 * it, so those that blocks have, whose WBL segments are gone, do not come back.
 *
 * A replay that meets a marker takes the chunk and keeps of the samples before it those that the
 * chunk does not have: so a torn end of the WBL loses nothing. Formats: docs/formats/wal.md,
 * docs/formats/chunks_head.md.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/dur.h"
#include "base/error.h"
#include "tsdb/chunks_head.h"

struct head;
struct head_garbage;

/* head_late_flush writes the full chunks that are in memory, and their markers. What they leave
 * goes to the garbage. */
int head_late_flush(struct head *head, struct head_garbage *garbage, const _Atomic bool *stop,
                    struct baro_error *err);

/* head_late_first_file is the number of the first file that has such a chunk; UINT32_MAX when none
 * has. */
uint32_t head_late_first_file(struct head *head);

/* While loading: head_late_note remembers a chunk that a file has, in the order of the files;
 * head_late_marked gives it to the series that a marker names (0 also when no file has it, or the
 * series has it already); head_late_loaded forgets the others. Fails with BARO_ELIMIT. */
void head_late_note(struct head *head, const struct chunks_item *item);
int head_late_marked_locked(struct head *head, uint32_t slot, struct chunks_place place,
                            struct baro_error *err);
void head_late_loaded(struct head *head);
