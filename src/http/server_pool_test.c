#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "http/server_priv.h"
#include "testing/test.h"

enum { JOBS_MAX = 64 };

struct fixture;

struct test_job {
    struct server_job job;
    struct fixture *fixture;
    char mark;
};

struct fixture {
    struct server_pool *pool;
    struct test_job jobs[JOBS_MAX];
    size_t count;
    _Atomic bool held; /* jobs do not end while it is set */
    _Atomic uint32_t started;
    char order[JOBS_MAX + 1]; /* lock: this, as the count; the marks of jobs as they began */
    size_t ordered;
    struct lock lock;
};

static void run(struct server_job *job)
{
    struct test_job *mine = CONTAINER_OF(job, struct test_job, job);
    struct fixture *fixture = mine->fixture;

    lock_acquire(&fixture->lock);
    fixture->order[fixture->ordered++] = mine->mark;
    lock_release(&fixture->lock);
    (void)atomic_fetch_add(&fixture->started, 1);
    for (int i = 0; i < 20000 && atomic_load(&fixture->held); i++) {
        (void)usleep(1000);
    }
}

static void set_up(struct fixture *fixture, uint32_t threads, uint32_t queue)
{
    *fixture = (struct fixture){.pool = server_pool_new(threads, queue, NULL)};
    assert_non_null(fixture->pool);
    lock_init(&fixture->lock, LOCK_LEAF);
    atomic_store(&fixture->held, true);
}

/* Runs what still waits and ends. */
static void tear_down(struct fixture *fixture)
{
    atomic_store(&fixture->held, false);
    fixture->pool = server_pool_free(fixture->pool);
    assert_int_equal(atomic_load(&fixture->started), fixture->count);
    lock_done(&fixture->lock);
}

static bool add(struct fixture *fixture, const char *address, const char *user, char mark)
{
    struct test_job *job = &fixture->jobs[fixture->count];

    assert_true(fixture->count < JOBS_MAX);
    *job =
        (struct test_job){.job = {.run = run, .address = str_from(address), .user = str_from(user)},
                          .fixture = fixture,
                          .mark = mark};
    if (!server_pool_add(fixture->pool, &job->job)) {
        return false;
    }
    fixture->count++;
    return true;
}

/* How many jobs have started, once there are `wanted` or nothing has changed for long. */
static uint32_t started(struct fixture *fixture, uint32_t wanted)
{
    for (int i = 0; i < 10000 && atomic_load(&fixture->started) < wanted; i++) {
        (void)usleep(1000);
    }
    return atomic_load(&fixture->started);
}

static uint64_t running(struct fixture *fixture)
{
    uint64_t count = 0;
    uint64_t waiting = 0;

    server_pool_load(fixture->pool, &count, &waiting);
    return count;
}

TEST(server_pool_keeps_a_thread_for_newcomers)
{
    struct fixture fixture;

    set_up(&fixture, 4, 100);
    for (int i = 0; i < 20; i++) {
        assert_true(add(&fixture, "10.0.0.1", "", 'a'));
    }
    assert_int_equal(started(&fixture, 3), 3);
    assert_true(add(&fixture, "10.0.0.2", "", 'b'));
    assert_int_equal(started(&fixture, 4), 4); /* though twenty came before */
    assert_int_equal(fixture.order[3], 'b');
    assert_int_equal(running(&fixture), 4);
    tear_down(&fixture);
}

TEST(server_pool_takes_turns)
{
    struct fixture fixture;

    set_up(&fixture, 1, 100);
    assert_true(add(&fixture, "10.0.0.1", "", 'a'));
    assert_int_equal(started(&fixture, 1), 1);
    for (int i = 0; i < 5; i++) {
        assert_true(add(&fixture, "10.0.0.1", "", 'a'));
    }
    for (int i = 0; i < 2; i++) {
        assert_true(add(&fixture, "10.0.0.2", "", 'b'));
    }
    assert_true(add(&fixture, "::1", "", 'c'));
    atomic_store(&fixture.held, false);
    assert_int_equal(started(&fixture, 9), 9);
    assert_str_equal(str_from(fixture.order), STR("aabcabaaa"));
    tear_down(&fixture);
}

/* Behind a proxy all come from one address: turns go round among its users, but a user more is no
 * larger share against other addresses. */
TEST(server_pool_takes_turns_among_the_users_of_an_address)
{
    struct fixture fixture;

    set_up(&fixture, 1, 100);
    assert_true(add(&fixture, "10.0.0.1", "ann", 'a'));
    assert_int_equal(started(&fixture, 1), 1);
    for (int i = 0; i < 3; i++) {
        assert_true(add(&fixture, "10.0.0.1", "ann", 'a'));
        assert_true(add(&fixture, "10.0.0.1", "bob", 'b'));
        assert_true(add(&fixture, "10.0.0.1", "cid", 'c'));
    }
    for (int i = 0; i < 2; i++) {
        assert_true(add(&fixture, "10.0.0.2", "ann", 'A'));
    }
    atomic_store(&fixture.held, false);
    assert_int_equal(started(&fixture, 12), 12);
    assert_str_equal(str_from(fixture.order), STR("aaAbAcabcabc"));
    tear_down(&fixture);
}

TEST(server_pool_keeps_some_of_the_queue)
{
    struct fixture fixture;

    set_up(&fixture, 1, 8);
    assert_true(add(&fixture, "10.0.0.1", "", 'a'));
    assert_int_equal(started(&fixture, 1), 1);
    for (int i = 0; i < 6; i++) {
        assert_true(add(&fixture, "10.0.0.1", "", 'a'));
    }
    assert_false(add(&fixture, "10.0.0.1", "", 'a'));
    assert_false(add(&fixture, "10.0.0.1", "another", 'a'));
    assert_true(add(&fixture, "10.0.0.2", "", 'b'));
    assert_true(add(&fixture, "10.0.0.3", "", 'c'));
    assert_false(add(&fixture, "10.0.0.4", "", 'd')); /* now it is full */
    tear_down(&fixture);
}

/* Many clients on many threads: nothing is lost, nobody is forgotten while something runs. */
TEST(server_pool_runs_everything_once)
{
    struct fixture fixture;

    set_up(&fixture, 5, 1000);
    atomic_store(&fixture.held, false);
    for (int i = 0; i < JOBS_MAX; i++) {
        char user[2] = {(char)('a' + i % 7), '\0'};

        assert_true(add(&fixture, i % 3 == 0 ? "10.0.0.1" : "10.0.0.2", user, user[0]));
    }
    assert_int_equal(started(&fixture, JOBS_MAX), JOBS_MAX);
    tear_down(&fixture);
}
