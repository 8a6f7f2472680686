/*
 * head_replay_spread: the samples of a replay, appended by several threads. The owner reads records
 * and puts their samples; full batches go to all threads, and each appends those of the stripes
 * that are its own, so that the samples of a series keep their order. Threads start with the first
 * full batch: a short replay has none, and the owner appends. One owner; it may look at series, and
 * create others, while threads append, as an appender may.
 */
#pragma once

#include "base/dur.h"
#include "tsdb/head.h"

struct replay_spread;

/* replay_spread_new makes one for a head; threads_max 0 = as many as there are processors. */
struct replay_spread *replay_spread_new(struct head *head, uint32_t threads_max);
struct replay_spread *replay_spread_free(struct replay_spread *spread);

/* replay_spread_put takes a sample of the series at `slot`; st is its start timestamp, 0 = unknown.
 * Samples that chunks_head has already are passed over; those before the head's least valid time,
 * and those that are not newer than the last one of their series, are refused. */
void replay_spread_put(struct replay_spread *spread, uint32_t slot, ts t, double v, ts st);

/* replay_spread_drain waits until all that was put is in the head, and returns how many samples
 * were refused since the last time. */
uint64_t replay_spread_drain(struct replay_spread *spread);
