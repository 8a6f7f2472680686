/* Queue and cache in their embedded form; with a Redis server: tests/examples_extraction. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache.h"
#include "queue.h"
#include "testing/test.h"

TEST(queue_keeps_order_and_refuses_when_full)
{
    struct queue_place place = {.name = "test"};
    struct svc_error err = {0};
    struct queue *queue = NULL;
    char message[QUEUE_MESSAGE_SIZE];
    char longer[QUEUE_MESSAGE_SIZE + 1];
    long pushed = 0;

    assert_int_equal(queue_place_init(&place, &err), 0);
    assert_int_equal(queue_open(&place, &queue, &err), 0);
    assert_int_equal(queue_pop(queue, message, 0.01), 0);
    assert_int_equal(queue_push(queue, "one"), 0);
    assert_int_equal(queue_push(queue, "two"), 0);
    assert_int_equal(queue_depth(queue), 2);
    assert_int_equal(queue_pop(queue, message, 1), 1);
    assert_string_equal(message, "one");
    assert_int_equal(queue_pop(queue, message, 1), 1);
    assert_string_equal(message, "two");
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(queue_push(queue, longer), -EMSGSIZE);
    longer[QUEUE_MESSAGE_SIZE - 1] = '\0';
    assert_int_equal(queue_push(queue, longer), 0);
    assert_int_equal(queue_pop(queue, message, 1), 1);
    assert_string_equal(message, longer);
    while (pushed < QUEUE_MAX + 1 && queue_push(queue, "m") == 0) {
        pushed++;
    }
    assert_true(pushed > 100 && pushed <= QUEUE_MAX); /* a system may allow smaller pipes */
    assert_int_equal(queue_push(queue, "m"), -EAGAIN);
    assert_int_equal(queue_depth(queue), pushed);
    queue = queue_close(queue);
    queue_place_done(&place);
}

/* Four processes take what four others put in: every message once, none torn. */
TEST(queue_between_processes)
{
    enum { PROCESSES = 4, MESSAGES = 500 };
    struct queue_place place = {.name = "test"};
    struct queue_place counts = {.name = "counts"};
    struct svc_error err = {0};
    struct queue *queue = NULL;
    char message[QUEUE_MESSAGE_SIZE];
    long total = 0;
    pid_t pids[PROCESSES * 2];

    assert_int_equal(queue_place_init(&place, &err), 0);
    assert_int_equal(queue_place_init(&counts, &err), 0);
    for (int i = 0; i < PROCESSES * 2; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct queue *mine = NULL;
            struct queue *told = NULL;
            long count = 0;

            (void)queue_open(&place, &mine, NULL);
            (void)queue_open(&counts, &told, NULL);
            for (int k = 0; i < PROCESSES && k < MESSAGES; k++) {
                (void)snprintf(message, sizeof(message), "%d/%d whole", i, k);
                while (queue_push(mine, message) == -EAGAIN) {
                    (void)svc_sleep_s(0.001, NULL);
                }
            }
            while (i >= PROCESSES && queue_pop(mine, message, 0.5) == 1) {
                count += strstr(message, " whole") != NULL ? 1 : -1000000;
            }
            (void)snprintf(message, sizeof(message), "%ld", count);
            (void)queue_push(told, message);
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES * 2; i++) {
        (void)waitpid(pids[i], NULL, 0);
    }
    assert_int_equal(queue_open(&counts, &queue, &err), 0);
    while (queue_pop(queue, message, 0.01) == 1) {
        total += strtol(message, NULL, 10);
    }
    assert_int_equal(total, PROCESSES * MESSAGES);
    queue = queue_close(queue);
    queue_place_done(&place);
    queue_place_done(&counts);
}

TEST(cache_says_whether_the_key_was_there)
{
    struct svc_error err = {0};
    struct cache *cache = NULL;
    char *value = NULL;

    assert_int_equal(cache_new(NULL, "p", &cache, &err), 0);
    assert_int_equal(cache_get(cache, "k", &value), 0);
    assert_int_equal(cache_set(cache, "k", "v"), 0);
    assert_int_equal(cache_set(cache, "k", "w"), 1);
    assert_int_equal(cache_get(cache, "k", &value), 1);
    assert_string_equal(value, "w");
    free(value);
    assert_int_equal(cache_delete(cache, "k"), 1);
    assert_int_equal(cache_delete(cache, "k"), 0);
    assert_int_equal(cache_set(cache, "", "v"), -E2BIG);
    assert_int_equal(cache_get(cache, "", &value), 0);
    assert_true(cache_fill(cache, 0.5, &err) < 0);
    assert_int_equal(cache_drain(cache), 0);
    cache = cache_free(cache);
}

TEST(cache_drops_what_was_used_least_recently)
{
    struct svc_error err = {0};
    struct cache *cache = NULL;
    char *value = NULL;
    char key[32];

    assert_int_equal(cache_new(NULL, "p", &cache, &err), 0);
    for (int i = 0; i < CACHE_ENTRIES_MAX; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        assert_int_equal(cache_set(cache, key, key), 0);
    }
    assert_int_equal(cache_get(cache, "k0", &value), 1);
    free(value);
    assert_int_equal(cache_set(cache, "new", "n"), 0);
    assert_int_equal(cache_get(cache, "k1", &value), 0);
    assert_int_equal(cache_get(cache, "k0", &value), 1);
    free(value);
    cache = cache_free(cache);
}

TEST(redis_urls_are_checked)
{
    static const char *const bad[] = {"http://x", "redis://h:0", "redis://h:x", "redis://h:1/x",
                                      "redis://h:70000"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct cache *cache = NULL;
        struct svc_error err = {0};

        test_row(bad[i]);
        assert_int_equal(cache_new(bad[i], "p", &cache, &err), -EINVAL);
        assert_non_null(strstr(err.text, "redis://HOST:PORT/DB"));
    }
    test_row(NULL);
    struct cache *cache = NULL;
    struct svc_error err = {0};
    assert_int_equal(cache_new("redis://127.0.0.1:1/0", "p", &cache, &err), -EIO);
}
