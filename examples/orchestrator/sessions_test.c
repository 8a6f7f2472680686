#include "sessions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "testing/test.h"

TEST(sessions_bound_prompts_under_way)
{
    struct sessions *sessions = sessions_new(2);

    assert_non_null(sessions);
    assert_int_equal(sessions_begin(sessions, "a"), 0);
    assert_int_equal(sessions_begin(sessions, "a"), 0);
    assert_int_equal(sessions_begin(sessions, "a"), -EBUSY);
    assert_int_equal(sessions_begin(sessions, "b"), 0);
    assert_int_equal(sessions_begin(sessions, ""), 0);
    sessions_end(sessions, "a", "q", NULL);
    assert_int_equal(sessions_begin(sessions, "a"), 0);
    sessions_end(sessions, "unknown", "q", "a");
    assert_int_equal(sessions_count(sessions), 2);
    sessions = sessions_free(sessions);
    assert_null(sessions_free(NULL));
}

TEST(sessions_remember_the_last_exchanges)
{
    struct sessions *sessions = sessions_new(1);
    char history[4096];
    char question[8];

    assert_int_equal(sessions_history(sessions, "s", history, sizeof(history)), 0);
    assert_int_equal(sessions_history(sessions, "", history, sizeof(history)), 0);
    for (int i = 0; i < 6; i++) {
        (void)snprintf(question, sizeof(question), "q%d", i);
        assert_int_equal(sessions_begin(sessions, "s"), 0);
        sessions_end(sessions, "s", question, i == 5 ? NULL : "yes");
    }
    size_t len = sessions_history(sessions, "s", history, sizeof(history));
    assert_int_equal(len, strlen(history));
    assert_string_equal(history, "Q: q1\nA: yes\nQ: q2\nA: yes\nQ: q3\nA: yes\nQ: q4\nA: yes\n");
    assert_int_equal(sessions_history(sessions, "s", history, 10), 9);
    assert_string_equal(history, "Q: q1\nA: ");
    sessions = sessions_free(sessions);
}

TEST(sessions_let_the_idle_go_and_refuse_when_all_are_busy)
{
    struct sessions *sessions = sessions_new(1);
    char name[32];
    int refused = 0;

    for (int i = 0; i < SESSIONS_MAX * 2; i++) {
        (void)snprintf(name, sizeof(name), "idle-%d", i);
        assert_int_equal(sessions_begin(sessions, name), 0);
        sessions_end(sessions, name, "q", "a");
    }
    assert_true(sessions_count(sessions) <= SESSIONS_MAX);
    for (int i = 0; i < SESSIONS_MAX * 2; i++) {
        (void)snprintf(name, sizeof(name), "busy-%d", i);
        refused += sessions_begin(sessions, name) == -ENOSPC ? 1 : 0;
    }
    assert_true(refused >= SESSIONS_MAX);
    sessions = sessions_free(sessions);
}
