/*
 * demo_later: one thing that is done some time from now, in a thread of its own. The thread stays
 * until demo_later_free, because a child process ends with the thread that started it.
 */
#pragma once

#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"

struct demo_later;

int demo_later_start(dur after, void (*act)(void *context), void *context, struct demo_later **ret,
                     struct baro_error *err);

/* demo_later_settle returns when it is done, or will not be. */
void demo_later_settle(struct demo_later *later);
struct demo_later *demo_later_free(struct demo_later *later);
DEFINE_CLEANUP(demo_later_free, struct demo_later)
