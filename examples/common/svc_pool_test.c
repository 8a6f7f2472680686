#include "svc_pool.h"

#include <errno.h>

#include <semaphore.h>
#include <stdatomic.h>

#include "testing/test.h"

struct world {
    sem_t go;
    atomic_int ran, dropped;
};

static void run_job(void *context, void *job)
{
    struct world *world = context;

    if (*(int *)job == 1) {
        (void)sem_wait(&world->go);
    }
    world->ran++;
}

static void drop_job(void *context, void *job)
{
    (void)job;
    ((struct world *)context)->dropped++;
}

static struct svc_pool *make_pool(struct world *world, unsigned threads, size_t queue_max)
{
    struct svc_pool_options options = {.name = "test",
                                       .thread_count = threads,
                                       .queue_max = queue_max,
                                       .run = run_job,
                                       .drop = drop_job,
                                       .context = world};
    struct svc_pool *pool = NULL;

    (void)sem_init(&world->go, 0, 0);
    assert_int_equal(svc_pool_new(&options, &pool, NULL), 0);
    return pool;
}

static void wait_running(struct svc_pool *pool, size_t count)
{
    for (int i = 0; i < 1000 && svc_pool_running(pool) != count; i++) {
        (void)svc_sleep_s(0.005, NULL);
    }
    assert_int_equal(svc_pool_running(pool), count);
}

TEST(svc_pool_refuses_when_full_and_drains)
{
    struct world world = {.ran = 0};
    struct svc_pool *pool = make_pool(&world, 1, 2);
    int wait = 1, quick = 0;

    assert_int_equal(svc_pool_submit(pool, &wait), 0);
    wait_running(pool, 1);
    assert_int_equal(svc_pool_submit(pool, &quick), 0);
    assert_int_equal(svc_pool_submit(pool, &quick), 0);
    assert_int_equal(svc_pool_submit(pool, &quick), -EAGAIN);
    assert_int_equal(svc_pool_waiting(pool), 2);
    (void)sem_post(&world.go);
    assert_true(svc_pool_drain(pool, 5));
    assert_int_equal(world.ran, 3);
    assert_int_equal(svc_pool_submit(pool, &quick), -ESHUTDOWN);
    assert_null(svc_pool_free(pool));
    assert_int_equal(world.dropped, 0);
}

TEST(svc_pool_free_drops_what_waits)
{
    struct world world = {.ran = 0};
    struct svc_pool *pool = make_pool(&world, 2, 10);
    int wait = 1, quick = 0;

    assert_int_equal(svc_pool_submit(pool, &wait), 0);
    assert_int_equal(svc_pool_submit(pool, &wait), 0);
    wait_running(pool, 2);
    assert_int_equal(svc_pool_submit(pool, &quick), 0);
    assert_false(svc_pool_drain(pool, 0));
    assert_false(*svc_pool_stopping(pool));
    (void)sem_post(&world.go);
    wait_running(pool, 1);
    (void)sem_post(&world.go);
    svc_pool_stop(pool);
    /* Who comes late is refused, not let down: a request may outlast the threads. */
    assert_int_equal(svc_pool_submit(pool, &quick), -ESHUTDOWN);
    assert_int_equal(svc_pool_waiting(pool), 0);
    svc_pool_stop(pool);
    assert_null(svc_pool_free(pool));
    assert_int_equal(world.ran + world.dropped, 3);
}

TEST(svc_pool_new_checks_its_options)
{
    struct svc_pool_options options = {.name = "test", .thread_count = 0, .queue_max = 1};
    struct svc_pool *pool = NULL;
    struct svc_error err = {{0}};

    assert_int_equal(svc_pool_new(&options, &pool, &err), -EINVAL);
    options.thread_count = 1;
    options.queue_max = 0;
    assert_int_equal(svc_pool_new(&options, &pool, &err), -EINVAL);
    assert_non_null(strstr(err.text, "test"));
    assert_null(svc_pool_free(NULL));
}
