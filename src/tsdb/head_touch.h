/*
 * head_touch: a thread that has the kernel find memory for a head that is about to be loaded, so
 * that the loader need not wait for it page by page. A hint: what it finds too much stays with the
 * head for later series, what it does not find in time the loader finds itself. One owner.
 */
#pragma once

#include "tsdb/head_priv.h"

struct head_touch;

/* head_touch_new is NULL when the head will be so small that it does not pay. `pool_bytes` is what
 * the head's pool will have. */
struct head_touch *head_touch_new(struct head *head, uint64_t series_count, uint64_t pool_bytes);

/* head_touch_free ends the thread; NULL is accepted. */
struct head_touch *head_touch_free(struct head_touch *touch);
