#include "sys/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/vec.h"
#include "sys/clock.h"

enum { EVENTS_PER_TURN = 128 };

struct loop {
    struct clock *clock;
    void (*woken)(void *context);
    void *context;
    VEC(struct loop_timer *) timers; /* binary heap by deadline; items[0] is the earliest */
    struct loop_fd wake;
    mono now;
    int epoll;
    struct epoll_event *batch; /* events of this turn that were not handed out yet */
    size_t batch_count;
    _Atomic bool stopped;
};

static void wake_ready(struct loop_fd *fd, unsigned events)
{
    struct loop *loop = CONTAINER_OF(fd, struct loop, wake);
    uint64_t count = 0;

    (void)events;
    if (read(fd->fd, &count, sizeof(count)) > 0 && loop->woken != NULL) {
        loop->woken(loop->context);
    }
}

int loop_new(struct clock *clock, void (*woken)(void *context), void *context, struct loop **ret,
             struct baro_error *err)
{
    CLEANUP(loop_freep) struct loop *loop = MEM_NEW(struct loop);
    int result = 0;

    loop->clock = clock;
    loop->woken = woken;
    loop->context = context;
    loop->now = clock_mono(clock);
    loop->wake.ready = wake_ready;
    loop->wake.fd = -1;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) {
        return error_system(err, errno, "epoll");
    }
    loop->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake.fd < 0) {
        return error_system(err, errno, "eventfd");
    }
    result = loop_fd_watch(loop, &loop->wake, LOOP_READ);
    if (result < 0) {
        return error_system(err, -result, "epoll");
    }
    *ret = TAKE(loop);
    return 0;
}

struct loop *loop_free(struct loop *loop)
{
    if (loop == NULL) {
        return NULL;
    }
    if (loop->wake.fd >= 0) {
        (void)close(loop->wake.fd);
    }
    if (loop->epoll >= 0) {
        (void)close(loop->epoll);
    }
    for (size_t i = 0; i < loop->timers.count; i++) {
        loop->timers.items[i]->slot = 0;
    }
    vec_done(&loop->timers);
    return mem_free(loop);
}

/* Events of this turn that stand for a descriptor nobody watches any more must not be delivered. */
static void batch_forget(struct loop *loop, const struct loop_fd *fd)
{
    for (size_t i = 0; i < loop->batch_count; i++) {
        if (loop->batch[i].data.ptr == fd) {
            loop->batch[i].data.ptr = NULL;
        }
    }
}

int loop_fd_watch(struct loop *loop, struct loop_fd *fd, unsigned events)
{
    struct epoll_event event = {.data.ptr = fd};
    int operation = fd->wanted == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    if (fd->wanted == events) {
        return 0;
    }
    event.events =
        ((events & LOOP_READ) != 0 ? EPOLLIN : 0U) | ((events & LOOP_WRITE) != 0 ? EPOLLOUT : 0U);
    if (events == 0) {
        operation = EPOLL_CTL_DEL;
        batch_forget(loop, fd);
    }
    fd->wanted = events;
    return epoll_ctl(loop->epoll, operation, fd->fd, &event) == 0 ? 0 : -errno;
}

static void heap_place(struct loop *loop, struct loop_timer *timer, size_t index)
{
    loop->timers.items[index] = timer;
    timer->slot = index + 1;
}

static void heap_up(struct loop *loop, size_t index)
{
    struct loop_timer *timer = loop->timers.items[index];

    while (index > 0) {
        size_t parent = (index - 1) / 2;

        if (loop->timers.items[parent]->deadline <= timer->deadline) {
            break;
        }
        heap_place(loop, loop->timers.items[parent], index);
        index = parent;
    }
    heap_place(loop, timer, index);
}

static void heap_down(struct loop *loop, size_t index)
{
    struct loop_timer *timer = loop->timers.items[index];

    for (;;) {
        size_t child = 2 * index + 1;

        if (child >= loop->timers.count) {
            break;
        }
        if (child + 1 < loop->timers.count &&
            loop->timers.items[child + 1]->deadline < loop->timers.items[child]->deadline) {
            child++;
        }
        if (timer->deadline <= loop->timers.items[child]->deadline) {
            break;
        }
        heap_place(loop, loop->timers.items[child], index);
        index = child;
    }
    heap_place(loop, timer, index);
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer, mono deadline)
{
    mono before = timer->deadline;

    timer->deadline = deadline;
    if (timer->slot == 0) {
        vec_push(&loop->timers, timer);
        timer->slot = loop->timers.count;
        heap_up(loop, timer->slot - 1);
    } else if (deadline < before) {
        heap_up(loop, timer->slot - 1);
    } else {
        heap_down(loop, timer->slot - 1);
    }
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
    size_t index = timer->slot - 1;
    struct loop_timer *last = NULL;

    if (timer->slot == 0) {
        return;
    }
    ASSERT(index < loop->timers.count && loop->timers.items[index] == timer);
    timer->slot = 0;
    last = vec_pop(&loop->timers);
    if (last != timer) {
        heap_place(loop, last, index);
        heap_up(loop, index);
        heap_down(loop, last->slot - 1);
    }
}

mono loop_now(const struct loop *loop)
{
    return loop->now;
}

struct clock *loop_clock(const struct loop *loop)
{
    return loop->clock;
}

/* How long epoll may sleep: rounded up, so that a timer is never asked for before its deadline. */
static int wait_ms(const struct loop *loop, int max_wait_ms)
{
    mono left = 0;

    if (loop->timers.count == 0) {
        return max_wait_ms;
    }
    left = loop->timers.items[0]->deadline - clock_mono(loop->clock);
    if (left <= 0) {
        return 0;
    }
    left = (left + MONO_PER_MS - 1) / MONO_PER_MS;
    return max_wait_ms >= 0 && left > max_wait_ms ? max_wait_ms
                                                  : (int)(left < 60000 ? left : 60000);
}

static void fire_due(struct loop *loop)
{
    /* A timer that restarts itself in the past gets its turn after the others and the sockets. */
    for (size_t budget = loop->timers.count; budget > 0 && loop->timers.count > 0; budget--) {
        struct loop_timer *timer = loop->timers.items[0];

        if (timer->deadline > loop->now) {
            break;
        }
        loop_timer_stop(loop, timer);
        timer->fire(timer);
    }
}

static unsigned events_of(uint32_t events)
{
    return ((events & EPOLLIN) != 0 ? (unsigned)LOOP_READ : 0U) |
           ((events & EPOLLOUT) != 0 ? (unsigned)LOOP_WRITE : 0U) |
           ((events & (EPOLLERR | EPOLLHUP)) != 0 ? (unsigned)LOOP_HANGUP : 0U);
}

void loop_turn(struct loop *loop, int max_wait_ms)
{
    struct epoll_event events[EVENTS_PER_TURN];
    int count = epoll_wait(loop->epoll, events, EVENTS_PER_TURN, wait_ms(loop, max_wait_ms));

    loop->now = clock_mono(loop->clock);
    loop->batch = events;
    loop->batch_count = count > 0 ? (size_t)count : 0;
    for (size_t i = 0; i < loop->batch_count; i++) {
        struct loop_fd *fd = events[i].data.ptr;

        if (fd != NULL) {
            fd->ready(fd, events_of(events[i].events));
        }
    }
    loop->batch_count = 0;
    loop->batch = NULL;
    fire_due(loop);
}

void loop_run(struct loop *loop)
{
    while (!atomic_load_explicit(&loop->stopped, memory_order_acquire)) {
        loop_turn(loop, -1);
    }
}

void loop_wake(struct loop *loop)
{
    const uint64_t one = 1;

    /* It only fails when 2^64 - 2 wakes are pending, and then the loop is awake anyway. */
    (void)!write(loop->wake.fd, &one, sizeof(one));
}

void loop_stop(struct loop *loop)
{
    /* Pairs with the acquire in loop_run. */
    atomic_store_explicit(&loop->stopped, true, memory_order_release);
    loop_wake(loop);
}
