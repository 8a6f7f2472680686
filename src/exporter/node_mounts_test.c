#include "exporter/node_mounts.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "exporter/exporter_test.h"
#include "exporter/node.h"
#include "sys/clock.h"
#include "testing/test.h"

enum { WAIT_MS = 1000, SOON_MS = 20000 };

/* A file server that has gone: "/dead" is answered once for each sem_post. */
static sem_t server;
static _Atomic int dead_asked;
static _Atomic int all_asked;

static int fake_ask(const char *path, struct statvfs *ret)
{
    if (strcmp(path, "/dead") == 0) {
        dead_asked++;
        while (sem_wait(&server) < 0) {
        }
    }
    all_asked++;
    *ret = (struct statvfs){.f_blocks = strlen(path)};
    errno = ENOENT;
    return strcmp(path, "/gone") == 0 ? -1 : 0;
}

static void setup(void)
{
    assert_int_equal(sem_init(&server, 0, 0), 0);
    dead_asked = 0;
    all_asked = 0;
}

/* Asks for four mount points, of which one has gone; `dead` is what must be said of /dead. */
static void ask_four(struct node_mounts *mounts, int dead)
{
    struct node_mount_room rooms[] = {
        {.path = "/a"}, {.path = "/dead"}, {.path = "/gone"}, {.path = "/abc"}};

    node_mounts_ask(mounts, rooms, ARRAY_COUNT(rooms));
    assert_int_equal(rooms[0].failed, 0);
    assert_int_equal(rooms[0].status.f_blocks, 2);
    assert_int_equal(rooms[1].failed, dead);
    assert_int_equal(rooms[2].failed, -ENOENT);
    assert_int_equal(rooms[3].failed, 0);
    assert_int_equal(rooms[3].status.f_blocks, 4);
}

static void wait_all_asked(int count)
{
    mono deadline = clock_mono(clock_real()) + SOON_MS * MONO_PER_MS;

    while (all_asked < count && clock_mono(clock_real()) < deadline) {
        (void)usleep(1000);
    }
    assert_int_equal(all_asked, count);
}

TEST(node_mounts_do_not_wait_for_a_server_that_has_gone)
{
    struct node_mounts *mounts;
    struct node_mount_room dead = {.path = "/dead", .failed = -ETIMEDOUT};

    setup();
    mounts = node_mounts_new(fake_ask, WAIT_MS);
    ask_four(mounts, -ETIMEDOUT);
    ask_four(mounts, -ETIMEDOUT);
    assert_int_equal(dead_asked, 1); /* one thread hangs, however often the others are asked */
    assert_int_equal(sem_post(&server), 0);
    assert_int_equal(sem_post(&server), 0);
    wait_all_asked(3 + 3 + 1);
    for (int i = 0; i < SOON_MS && dead.failed != 0; i++) {
        (void)usleep(1000);
        node_mounts_ask(mounts, &dead, 1);
    }
    assert_int_equal(dead.failed, 0);
    assert_int_equal(dead.status.f_blocks, 5);
    assert_int_equal(dead_asked, 2);
    assert_null(node_mounts_free(mounts));
}

TEST(node_mounts_answered_in_time_are_asked_by_one_thread)
{
    struct node_mounts *mounts;

    setup();
    mounts = node_mounts_new(fake_ask, SOON_MS);
    assert_int_equal(sem_post(&server), 0);
    ask_four(mounts, 0);
    node_mounts_ask(mounts, NULL, 0);
    assert_int_equal(all_asked, 4);
    assert_null(node_mounts_free(mounts));
}

/* The owner goes first; the question's end frees what is left, which the leak check sees. */
TEST(node_mounts_free_does_not_wait_for_stuck_questions)
{
    struct node_mounts *mounts;

    setup();
    mounts = node_mounts_new(fake_ask, WAIT_MS);
    ask_four(mounts, -ETIMEDOUT);
    assert_null(node_mounts_free(mounts));
    assert_int_equal(sem_post(&server), 0);
    wait_all_asked(3 + 1);
}

TEST(node_says_which_file_systems_do_not_answer)
{
    const char *root = test_dir();
    struct node_mounts *mounts;
    struct node_options options = {.root = root};
    struct buf out = {0};
    str text;

    setup();
    mounts = node_mounts_new(fake_ask, WAIT_MS);
    options.mounts = mounts;
    exporter_put(root, "/proc/self/mounts",
                 "one /a ext4 rw 0 0\nserver:/x /dead nfs4 rw 0 0\ntwo /abc ext4 rw 0 0\n");
    node_metrics_write(&out, &options);
    text = buf_view(&out);
    assert_true(str_contains(text, STR("\nnode_filesystem_device_error{device=\"server:/x\","
                                       "fstype=\"nfs4\",mountpoint=\"/dead\"} 1\n")));
    assert_true(str_contains(text, STR("\nnode_filesystem_device_error{device=\"two\","
                                       "fstype=\"ext4\",mountpoint=\"/abc\"} 0\n")));
    assert_true(str_contains(text, STR("\nnode_filesystem_size_bytes{device=\"two\","
                                       "fstype=\"ext4\",mountpoint=\"/abc\"} ")));
    assert_false(str_contains(text, STR("node_filesystem_size_bytes{device=\"server:/x\"")));
    buf_done(&out);
    assert_null(node_mounts_free(mounts));
    assert_int_equal(sem_post(&server), 0);
    wait_all_asked(2 + 1);
}
