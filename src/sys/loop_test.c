#include "sys/loop.h"

#include <pthread.h>
#include <unistd.h>

#include "base/random.h"
#include "sys/clock.h"
#include "testing/test.h"

struct probe {
    struct loop_timer timer;
    struct loop *loop;
    mono *last;
    int fired;
};

static void probe_fire(struct loop_timer *timer)
{
    struct probe *probe = CONTAINER_OF(timer, struct probe, timer);

    assert_true(timer->deadline >= *probe->last);
    *probe->last = timer->deadline;
    probe->fired++;
}

TEST(loop_timers_fire_in_order_of_virtual_time)
{
    enum { PROBES = 200 };
    struct clock_fake fake = {0};
    struct random random = {7};
    static struct probe probes[PROBES];
    struct loop *loop = NULL;
    mono last = 0;
    int fired = 0;

    clock_fake_init(&fake, 1000000);
    assert_ok(loop_new(&fake.clock, NULL, NULL, &loop, NULL), NULL);
    for (int i = 0; i < PROBES; i++) {
        probes[i] = (struct probe){.timer.fire = probe_fire, .loop = loop, .last = &last};
        loop_timer_start(loop, &probes[i].timer,
                         clock_mono(&fake.clock) +
                             (mono)(1 + random_below(&random, 1000)) * MONO_PER_MS);
    }
    for (int i = 0; i < PROBES; i += 3) {
        loop_timer_stop(loop, &probes[i].timer);
    }
    for (int i = 1; i < PROBES; i += 3) {
        loop_timer_start(loop, &probes[i].timer, probes[i].timer.deadline + 5 * MONO_PER_MS);
    }
    loop_turn(loop, 0);
    assert_int_equal(last, 0);
    for (int step = 0; step < 300; step++) {
        clock_fake_advance(&fake, 4);
        loop_turn(loop, 0);
    }
    for (int i = 0; i < PROBES; i++) {
        assert_int_equal(probes[i].fired, i % 3 == 0 ? 0 : 1);
        fired += probes[i].fired;
    }
    assert_int_equal(fired, PROBES - (PROBES + 2) / 3);
    loop_free(loop);
}

static void count_woken(void *context)
{
    (*(int *)context)++;
}

static void *wake_and_stop(void *argument)
{
    loop_wake(argument);
    loop_stop(argument);
    return NULL;
}

TEST(loop_wakes_and_stops_from_another_thread)
{
    struct loop *loop = NULL;
    pthread_t thread;
    int woken = 0;

    assert_ok(loop_new(clock_real(), count_woken, &woken, &loop, NULL), NULL);
    assert_int_equal(pthread_create(&thread, NULL, wake_and_stop, loop), 0);
    loop_run(loop);
    assert_int_equal(pthread_join(thread, NULL), 0);
    loop_turn(loop, 0);
    assert_true(woken >= 1);
    loop_free(loop);
}

struct pipe_end {
    struct loop_fd fd;
    struct loop *loop;
    struct pipe_end *other;
    int ready;
};

static void pipe_ready(struct loop_fd *fd, unsigned events)
{
    struct pipe_end *end = CONTAINER_OF(fd, struct pipe_end, fd);

    assert_true((events & LOOP_READ) != 0);
    end->ready++;
    /* Whoever comes first silences the other, whose event of the same turn must not arrive. */
    (void)loop_fd_watch(end->loop, &end->other->fd, 0);
}

TEST(loop_drops_events_of_a_descriptor_that_is_no_longer_watched)
{
    struct loop *loop = NULL;
    int a[2] = {0};
    int b[2] = {0};

    assert_ok(loop_new(clock_real(), NULL, NULL, &loop, NULL), NULL);
    assert_int_equal(pipe(a), 0);
    assert_int_equal(pipe(b), 0);
    struct pipe_end one = {.fd = {.ready = pipe_ready, .fd = a[0]}, .loop = loop};
    struct pipe_end two = {.fd = {.ready = pipe_ready, .fd = b[0]}, .loop = loop, .other = &one};

    one.other = &two;
    assert_ok(loop_fd_watch(loop, &one.fd, LOOP_READ), NULL);
    assert_ok(loop_fd_watch(loop, &two.fd, LOOP_READ), NULL);
    assert_int_equal(write(a[1], "x", 1), 1);
    assert_int_equal(write(b[1], "x", 1), 1);
    loop_turn(loop, 100);
    assert_int_equal(one.ready + two.ready, 1);
    for (int i = 0; i < 2; i++) {
        (void)close(a[i]);
        (void)close(b[i]);
    }
    loop_free(loop);
}
