/*
 * recorder: an appendable that remembers what was committed, for tests: one text line a sample,
 * "name{labels} value @t", with " since ST" where a start timestamp was given, in order. Any number
 * of appenders in any threads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "storage/appender.h"

struct recorder;

struct recorder *recorder_new(void);
struct recorder *recorder_free(struct recorder *recorder);
struct appendable *recorder_appendable(struct recorder *recorder);

/* recorder_take returns all lines committed since the last call, each with its newline; the caller
 * frees it with mem_free. Stale markers have the value "stale". */
char *recorder_take(struct recorder *recorder);

/* recorder_forget makes the recorder answer APPEND_UNKNOWN to all refs it gave out so far. */
void recorder_forget(struct recorder *recorder);

/* recorder_refuse makes the recorder take no new series (or take them again). */
void recorder_refuse(struct recorder *recorder, bool refuses);

/* recorder_commit_count and recorder_series_calls count commits and calls of appender_ops.series.
 */
size_t recorder_commit_count(struct recorder *recorder);
size_t recorder_series_calls(struct recorder *recorder);

/* recorder_metadata_take returns the metadata lines "name type unit help" given since the last
 * call. */
char *recorder_metadata_take(struct recorder *recorder);
