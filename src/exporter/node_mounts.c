#include "exporter/node_mounts.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/lock.h"
#include "base/mem.h"
#include "base/str.h"
#include "sys/clock.h"

/* Held by its owner and by every round that is under way. */
struct node_mounts {
    int (*ask)(const char *path, struct statvfs *ret);
    dur wait;
    struct lock lock; /* of all below, and of what rounds share */
    size_t holders;
    char *stuck[NODE_MOUNTS_STUCK_MAX];
    size_t stuck_count;
};

/* What one thread asks, one after the other; the asker and the thread hold it. */
struct round {
    struct node_mounts *mounts;
    struct node_mount_room *rooms; /* copies, with paths of their own */
    size_t count;
    size_t done;  /* lock: mounts, as all below */
    bool is_left; /* the asker has given the question after `done` up */
    size_t holders;
    pthread_cond_t progress;
};

/* ---- Life ---- */

static void mounts_let_go(struct node_mounts *mounts)
{
    bool is_last;

    lock_acquire(&mounts->lock);
    is_last = --mounts->holders == 0;
    lock_release(&mounts->lock);
    if (is_last) {
        for (size_t i = 0; i < mounts->stuck_count; i++) {
            (void)mem_free(mounts->stuck[i]);
        }
        lock_done(&mounts->lock);
        (void)mem_free(mounts);
    }
}

struct node_mounts *node_mounts_new(int (*ask)(const char *path, struct statvfs *ret), dur wait)
{
    struct node_mounts *mounts = MEM_NEW(struct node_mounts);

    mounts->ask = ask;
    mounts->wait = wait;
    mounts->holders = 1;
    lock_init(&mounts->lock, LOCK_LEAF);
    return mounts;
}

struct node_mounts *node_mounts_free(struct node_mounts *mounts)
{
    if (mounts != NULL) {
        mounts_let_go(mounts);
    }
    return NULL;
}

static struct round *round_new(struct node_mounts *mounts, const struct node_mount_room *rooms,
                               size_t count)
{
    struct round *round = MEM_NEW(struct round);

    round->mounts = mounts;
    round->rooms = mem_alloc_zero(count * sizeof(*round->rooms));
    round->count = count;
    round->holders = 2;
    lock_condition_init(&round->progress);
    for (size_t i = 0; i < count; i++) {
        round->rooms[i].path = str_dup_c(str_from(rooms[i].path));
    }
    lock_acquire(&mounts->lock);
    mounts->holders++;
    lock_release(&mounts->lock);
    return round;
}

static void round_let_go(struct round *round)
{
    struct node_mounts *mounts = round->mounts;
    bool is_last;

    lock_acquire(&mounts->lock);
    is_last = --round->holders == 0;
    lock_release(&mounts->lock);
    if (is_last) {
        for (size_t i = 0; i < round->count; i++) {
            (void)mem_free((char *)(uintptr_t)round->rooms[i].path);
        }
        (void)pthread_cond_destroy(&round->progress);
        (void)mem_free(round->rooms);
        (void)mem_free(round);
        mounts_let_go(mounts);
    }
}

/* ---- Stuck ones ---- */

static size_t stuck_find_locked(const struct node_mounts *mounts, const char *path)
{
    size_t i = 0;

    lock_assert_held(&mounts->lock);
    while (i < mounts->stuck_count && strcmp(mounts->stuck[i], path) != 0) {
        i++;
    }
    return i;
}

static bool is_stuck(struct node_mounts *mounts, const char *path)
{
    bool stuck;

    lock_acquire(&mounts->lock);
    stuck = mounts->stuck_count == NODE_MOUNTS_STUCK_MAX ||
            stuck_find_locked(mounts, path) < mounts->stuck_count;
    lock_release(&mounts->lock);
    return stuck;
}

static void stuck_put_locked(struct node_mounts *mounts, const char *path)
{
    if (mounts->stuck_count < NODE_MOUNTS_STUCK_MAX &&
        stuck_find_locked(mounts, path) == mounts->stuck_count) {
        mounts->stuck[mounts->stuck_count++] = str_dup_c(str_from(path));
    }
}

static void stuck_remove_locked(struct node_mounts *mounts, const char *path)
{
    size_t i = stuck_find_locked(mounts, path);

    if (i < mounts->stuck_count) {
        (void)mem_free(mounts->stuck[i]);
        mounts->stuck[i] = mounts->stuck[--mounts->stuck_count];
    }
}

/* ---- Asking ---- */

/* The thread of a round. When the asker has left, somebody else goes on with what comes behind. */
static void *round_run(void *argument)
{
    struct round *round = argument;
    struct node_mounts *mounts = round->mounts;
    bool goes_on = true;

    for (size_t i = 0; goes_on && i < round->count; i++) {
        struct node_mount_room *room = &round->rooms[i];
        int failed = mounts->ask(room->path, &room->status) == 0 ? 0 : -errno;

        lock_acquire(&mounts->lock);
        room->failed = failed;
        round->done = i + 1;
        goes_on = !round->is_left;
        if (!goes_on) {
            stuck_remove_locked(mounts, room->path);
        }
        (void)pthread_cond_signal(&round->progress);
        lock_release(&mounts->lock);
    }
    round_let_go(round);
    return NULL;
}

static bool round_start(struct round *round)
{
    pthread_attr_t attributes;
    pthread_t thread;
    bool good = pthread_attr_init(&attributes) == 0;

    if (good) {
        good = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0 &&
               pthread_create(&thread, &attributes, round_run, round) == 0;
        (void)pthread_attr_destroy(&attributes);
    }
    return good;
}

/* Waits until all are answered, or one takes too long, which is stuck then. Returns how many are
 * settled. */
static size_t round_wait(struct round *round)
{
    struct node_mounts *mounts = round->mounts;
    size_t done = 0;

    lock_acquire(&mounts->lock);
    while (round->done < round->count && !round->is_left) {
        mono deadline = clock_mono(clock_real()) + mounts->wait * MONO_PER_MS;

        done = round->done;
        while (round->done == done && lock_wait(&mounts->lock, &round->progress, deadline)) {
        }
        if (round->done == done) {
            round->is_left = true;
            stuck_put_locked(mounts, round->rooms[done].path);
        }
    }
    done = round->done + round->is_left;
    lock_release(&mounts->lock);
    return done;
}

/* One thread's worth of questions; returns how many of them are settled, at least one. */
static size_t ask_some(struct node_mounts *mounts, struct node_mount_room *rooms, size_t count)
{
    struct round *round = round_new(mounts, rooms, count);
    size_t settled = 0;

    if (round_start(round)) {
        settled = round_wait(round);
        for (size_t i = 0; i < settled; i++) {
            if (i + 1 == settled && round->is_left) {
                rooms[i].failed = -ETIMEDOUT;
            } else {
                rooms[i].failed = round->rooms[i].failed;
                rooms[i].status = round->rooms[i].status;
            }
        }
    } else {
        round_let_go(round); /* the thread's */
        for (; settled < count; settled++) {
            rooms[settled].failed = -EAGAIN;
        }
    }
    round_let_go(round);
    return settled;
}

void node_mounts_ask(struct node_mounts *mounts, struct node_mount_room *rooms, size_t count)
{
    for (size_t i = 0; i < count;) {
        size_t end = i;

        while (end < count && !is_stuck(mounts, rooms[end].path)) {
            end++;
        }
        if (end > i) {
            i += ask_some(mounts, &rooms[i], end - i);
        } else {
            rooms[i++].failed = -ETIMEDOUT;
        }
    }
}
