/*
 * head_snapshot_feed: what a thread does beside the one that loads a snapshot: it checks and
 * unpacks frames ahead of the loader, and behind it enters the loaded series into the postings and
 * the lookup by refs. Whenever the loader would wait it enters some too. A short snapshot has no
 * thread, nor one whose thread does not start: the loader does both then. One owner.
 */
#pragma once

#include "codec/bytes.h"
#include "tsdb/head.h"
#include "tsdb/head_snapshot_priv.h"

struct snapshot_feed;

/* snapshot_feed_new begins at the first frame of a file, `data`, which outlives the feed. */
struct snapshot_feed *snapshot_feed_new(struct head *head, str data);
struct snapshot_feed *snapshot_feed_free(struct snapshot_feed *feed);

/* snapshot_feed_next gives the next frame and a reader over its entries, which hold until the next
 * call: 1, or 0 at the end frame. Fails with BARO_ECORRUPT. */
int snapshot_feed_next(struct snapshot_feed *feed, struct snapshot_frame *ret,
                       struct reader *ret_rd, struct baro_error *err);

/* snapshot_feed_enter says that the series below `end` are whole; snapshot_feed_settle waits until
 * they are in the postings and the lookup by refs. */
void snapshot_feed_enter(struct snapshot_feed *feed, uint32_t end);
void snapshot_feed_settle(struct snapshot_feed *feed);
