#include "sys/clock.h"

#include <stdatomic.h>
#include <time.h>

#include "base/assert.h"

static int64_t read_ns(clockid_t id)
{
    struct timespec now = {0};

    ASSERT(clock_gettime(id, &now) == 0);
    return now.tv_sec * MONO_PER_SECOND + now.tv_nsec;
}

static int64_t real_now_ns(struct clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_REALTIME);
}

static ts real_now(struct clock *clock)
{
    return real_now_ns(clock) / MONO_PER_MS;
}

static mono real_mono(struct clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_MONOTONIC);
}

static const struct clock_ops real_ops = {
    .now = real_now, .mono = real_mono, .now_ns = real_now_ns};

struct clock *clock_real(void)
{
    static struct clock real = {.ops = &real_ops};

    return &real;
}

static int64_t fake_now_ns(struct clock *clock)
{
    struct clock_fake *fake = CONTAINER_OF(clock, struct clock_fake, clock);

    return atomic_load_explicit(&fake->now_ns, memory_order_relaxed);
}

static ts fake_now(struct clock *clock)
{
    return fake_now_ns(clock) / MONO_PER_MS;
}

static mono fake_mono(struct clock *clock)
{
    struct clock_fake *fake = CONTAINER_OF(clock, struct clock_fake, clock);

    return atomic_load_explicit(&fake->mono_ns, memory_order_relaxed);
}

static const struct clock_ops fake_ops = {
    .now = fake_now, .mono = fake_mono, .now_ns = fake_now_ns};

void clock_fake_init(struct clock_fake *fake, ts now)
{
    fake->clock.ops = &fake_ops;
    atomic_init(&fake->now_ns, now * MONO_PER_MS);
    atomic_init(&fake->mono_ns, MONO_PER_SECOND);
}

void clock_fake_advance(struct clock_fake *fake, dur by)
{
    ASSERT(by >= 0);
    (void)atomic_fetch_add_explicit(&fake->now_ns, by * MONO_PER_MS, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&fake->mono_ns, by * MONO_PER_MS, memory_order_relaxed);
}
