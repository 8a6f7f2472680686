/*
 * loop: an event loop of one thread: file descriptors (epoll), timers (a binary heap) and wake-ups
 * from other threads. The caller embeds struct loop_fd and struct loop_timer in its own structs, so
 * that nothing is allocated per event. Everything but loop_wake and loop_stop belongs to the thread
 * that runs the loop (or that has not started it yet).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"

struct clock;
struct loop;

enum loop_event { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 };

/* A watched descriptor; `ready` gets the LOOP_ bits that hold. Zeroed = not watched. */
struct loop_fd {
    void (*ready)(struct loop_fd *fd, unsigned events);
    int fd;
    unsigned wanted; /* 0 = not watched; set by loop_fd_watch */
};

/* A one-shot timer. Zeroed = not started. */
struct loop_timer {
    void (*fire)(struct loop_timer *timer);
    mono deadline;
    size_t slot; /* place in the heap from 1; 0 = not started */
};

/* loop_new makes a loop over the clock, which it keeps; `woken` (may be NULL) runs in the loop's
 * thread after loop_wake. Fails with -errno. */
int loop_new(struct clock *clock, void (*woken)(void *context), void *context, struct loop **ret,
             struct baro_error *err);
struct loop *loop_free(struct loop *loop);
DEFINE_CLEANUP(loop_free, struct loop)

/* loop_fd_watch wants `events` (LOOP_READ | LOOP_WRITE; 0 = none) of fd->fd from now on. Returns
 * -errno on failure. */
int loop_fd_watch(struct loop *loop, struct loop_fd *fd, unsigned events);

/* loop_timer_start sets or moves the timer; a deadline in the past fires in the next turn. */
void loop_timer_start(struct loop *loop, struct loop_timer *timer, mono deadline);
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);

/* loop_now is the monotonic time at the start of this turn. */
mono loop_now(const struct loop *loop);

/* loop_clock is the clock that the loop was made with. */
struct clock *loop_clock(const struct loop *loop);

/* loop_run turns until loop_stop; loop_turn once, waiting at most max_wait_ms. */
void loop_run(struct loop *loop);
void loop_turn(struct loop *loop, int max_wait_ms);

/* loop_wake and loop_stop may be called from any thread; several wakes may become one. */
void loop_wake(struct loop *loop);
void loop_stop(struct loop *loop);
