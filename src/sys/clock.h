/*
 * clock: the time, behind an interface with a real and a fake body, so that tests run in virtual
 * time. Any thread.
 */
#pragma once

#include "base/dur.h"

struct clock {
    const struct clock_ops *ops;
};

struct clock_ops {
    ts (*now)(struct clock *clock);         /* wall clock, milliseconds since 1970 */
    mono (*mono)(struct clock *clock);      /* never goes back, nanoseconds */
    int64_t (*now_ns)(struct clock *clock); /* wall clock, nanoseconds since 1970 */
};

static inline ts clock_now(struct clock *clock)
{
    return clock->ops->now(clock);
}

static inline int64_t clock_now_ns(struct clock *clock)
{
    return clock->ops->now_ns(clock);
}

static inline mono clock_mono(struct clock *clock)
{
    return clock->ops->mono(clock);
}

/* clock_real is the system's clock. */
struct clock *clock_real(void);

/* A clock that stands still until it is told; both readings move together. */
struct clock_fake {
    struct clock clock;
    _Atomic int64_t now_ns;
    _Atomic int64_t mono_ns;
};

/* clock_fake_init starts at `now` (ms); clock_fake_advance moves it on. */
void clock_fake_init(struct clock_fake *fake, ts now);
void clock_fake_advance(struct clock_fake *fake, dur by);
