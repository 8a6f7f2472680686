/*
 * head_epoch: who may still look at what was taken out of the head. Queriers and transactions of
 * appenders enter the current epoch and leave it at their end; the truncation, which alone takes
 * things out, hands them to the current epoch and begins the next one. What an epoch holds is freed
 * once nobody is left in it or in an older one; the maintenance thread does that, so that no
 * appender or query ever pays for it. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include "base/vec.h"
#include "tsdb/chunks_head.h"
#include "tsdb/head_labels.h"
#include "tsdb/head_pool.h"

enum head_visitor { HEAD_QUERIER, HEAD_APPENDER, HEAD_VISITOR_COUNT };

/* What was taken out, by kind. */
struct head_garbage {
    VEC(pool_ref) chunks;          /* newest of a chain that is cut off */
    VEC(uint32_t) slots;           /* dead series */
    VEC(uint32_t) pages;           /* pages of dead series only */
    VEC(pair_ref) pairs;           /* label pairs without series */
    VEC(pool_ref) replaced;        /* single chunks, in whose place files are */
    VEC(struct chunks_map *) maps; /* of such files, that others have replaced */
    VEC(void *) memory;            /* to be freed with mem_free */
};

struct head_epoch {
    struct head_epoch *newer;              /* lock: head_epochs; NULL = this one is current */
    uint32_t visitors[HEAD_VISITOR_COUNT]; /* lock: head_epochs */
    struct head_garbage garbage;           /* of the maintenance thread */
};

struct head_epochs {
    struct lock lock;
    pthread_cond_t left;        /* a visitor has left */
    struct head_epoch *oldest;  /* lock: this one */
    struct head_epoch *current; /* lock: this one */
};

void head_epochs_init(struct head_epochs *epochs);

/* head_epochs_done frees the epochs and forgets their garbage: the head goes as a whole. */
void head_epochs_done(struct head_epochs *epochs);

/* head_epoch_enter returns the epoch that head_epoch_leave wants. */
struct head_epoch *head_epoch_enter(struct head_epochs *epochs, enum head_visitor visitor);
void head_epoch_leave(struct head_epochs *epochs, struct head_epoch *epoch,
                      enum head_visitor visitor);

/* head_epoch_advance hands the garbage over and begins a new epoch. */
void head_epoch_advance(struct head_epochs *epochs, struct head_garbage *garbage);

/* head_epoch_wait waits until all visitors of the kind are gone that came before the current epoch;
 * deadline is CLOCK_MONOTONIC ns. False when it passed. */
bool head_epoch_wait(struct head_epochs *epochs, enum head_visitor visitor, int64_t deadline);

/* head_epoch_take takes the oldest epoch whose visitors are gone out of the list, NULL when there
 * is none; the caller frees it with head_epoch_free. */
struct head_epoch *head_epoch_take(struct head_epochs *epochs);
void head_epoch_free(struct head_epoch *epoch);

void head_garbage_done(struct head_garbage *garbage);
