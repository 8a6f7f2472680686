/*
 * crew: threads that lend a hand to whoever has more work than one thread should do, and otherwise
 * wait. Work is never handed over: its owner goes on with it, and with no hand free does all of it.
 * Any thread may call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"

struct crew;

/* Embedded in the work. */
struct crew_call {
    struct crew_call *next; /* lock: crew, as all below */
    struct crew_call *before;
    void (*help)(struct crew_call *call);
    size_t helpers; /* that are at it */
    bool is_over;   /* there was nothing left for one of them */
};

/* crew_new starts `count` threads, which may be 0. */
int crew_new(uint32_t count, struct crew **ret, struct baro_error *err);
struct crew *crew_free(struct crew *crew);
DEFINE_CLEANUP(crew_free, struct crew)

size_t crew_size(const struct crew *crew);

/* crew_begin lets free hands run call->help, each once; it returns when there is nothing left to
 * do. crew_end calls no more of them, and waits for those that are still at it. */
void crew_begin(struct crew *crew, struct crew_call *call);
void crew_end(struct crew *crew, struct crew_call *call);
