#include "base/crew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/assert.h"
#include "testing/test.h"

enum { ITEMS = 2000, CALLERS = 4, ROUNDS = 50 };

struct work {
    struct crew_call call;
    _Atomic uint32_t next;
    _Atomic uint32_t done[ITEMS];
};

static void labour(struct crew_call *call)
{
    struct work *work = CONTAINER_OF(call, struct work, call);
    uint32_t item;

    while ((item = atomic_fetch_add(&work->next, 1)) < ITEMS) {
        atomic_fetch_add(&work->done[item], 1);
    }
}

static void do_work(struct crew *crew)
{
    struct work work = {.call.help = labour};

    crew_begin(crew, &work.call);
    labour(&work.call);
    crew_end(crew, &work.call);
    for (uint32_t i = 0; i < ITEMS; i++) {
        assert_int_equal(atomic_load(&work.done[i]), 1);
    }
}

static void *call_often(void *crew)
{
    for (int i = 0; i < ROUNDS; i++) {
        do_work(crew);
    }
    return NULL;
}

TEST(crew_does_all_work_once)
{
    for (uint32_t hands = 0; hands < 4; hands++) {
        CLEANUP(crew_freep) struct crew *crew = NULL;

        assert_int_equal(crew_new(hands, &crew, NULL), 0);
        assert_int_equal(crew_size(crew), hands);
        (void)call_often(crew);
    }
}

TEST(crew_serves_several_callers)
{
    CLEANUP(crew_freep) struct crew *crew = NULL;
    pthread_t callers[CALLERS];

    assert_int_equal(crew_new(3, &crew, NULL), 0);
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_create(&callers[i], NULL, call_often, crew), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        (void)pthread_join(callers[i], NULL);
    }
}

struct meeting {
    struct crew_call call;
    _Atomic int present;
};

/* Stays until everybody is there. */
static void meet(struct crew_call *call)
{
    struct meeting *meeting = CONTAINER_OF(call, struct meeting, call);

    atomic_fetch_add(&meeting->present, 1);
    for (int i = 0; i < 20000 && atomic_load(&meeting->present) < 4; i++) {
        (void)usleep(1000);
    }
}

TEST(crew_works_at_the_same_time)
{
    CLEANUP(crew_freep) struct crew *crew = NULL;
    struct meeting meeting = {.call.help = meet};

    assert_int_equal(crew_new(3, &crew, NULL), 0);
    crew_begin(crew, &meeting.call);
    meet(&meeting.call);
    crew_end(crew, &meeting.call);
    assert_int_equal(atomic_load(&meeting.present), 4);
}
