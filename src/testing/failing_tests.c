/* Tests that fail in every way, of a binary of its own: tests/unit looks at what the runner of
 * test_main.c makes of them. Those that begin with `good_` pass. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/mem.h"
#include "testing/test.h"

TEST(good_first)
{
    assert_int_equal(1, 1);
}

struct frame {
    atomic_uint beats;
    uint32_t words[64];
};

/* Writes to a frame for as long as the process lives. */
static void *beat(void *argument)
{
    struct frame *frame = argument;

    for (uint32_t i = 0;; i++) {
        frame->words[i % ARRAY_COUNT(frame->words)] = i;
        atomic_fetch_add(&frame->beats, 1);
    }
    return NULL;
}

TEST(fails_with_a_thread_on_its_frame)
{
    struct frame frame = {0};
    pthread_t thread;

    test_row("the second");
    assert_int_equal(pthread_create(&thread, NULL, beat, &frame), 0);
    while (atomic_load(&frame.beats) == 0) {
    }
    assert_int_equal(1, 2);
}

/* On the frame that the test above had, and long enough for its thread to write there. */
TEST(good_with_its_own_frame)
{
    volatile struct frame frame = {0};

    (void)usleep(100 * 1000);
    assert_int_equal(atomic_load(&frame.beats), 0);
    for (size_t i = 0; i < ARRAY_COUNT(frame.words); i++) {
        assert_int_equal(frame.words[i], 0);
    }
}

TEST(aborts_with_a_directory)
{
    print_message("directory %s\n", test_dir());
    abort();
}

TEST(good_with_a_directory)
{
    print_message("directory %s\n", test_dir());
}

static int *volatile nowhere;

static void *write_nowhere(void *argument)
{
    (void)argument;
    *nowhere = 1; /* NOLINT(clang-analyzer-core.NullDereference): that is what it is for */
    return NULL;
}

TEST(crashes)
{
    (void)write_nowhere(NULL);
}

TEST(crashes_on_a_thread)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, write_nowhere, NULL), 0);
    (void)pthread_join(thread, NULL);
}

TEST(exits_as_if_all_were_well)
{
    exit(0);
}

TEST(is_late)
{
    (void)raise(SIGALRM);
}

TEST(good_but_skipped)
{
    char reason[] = "what it needs is not there";

    test_skip(reason);
}

static void *volatile kept;

TEST(leaks)
{
    kept = mem_alloc(100);
    kept = NULL;
}

TEST(overruns)
{
    char *volatile bytes = mem_alloc(8);

    bytes[8] = 1;
    (void)mem_free(bytes);
}

TEST(fails_last)
{
    fail();
}
