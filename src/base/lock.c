#include "base/lock.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

static const struct {
    const char *name;
    int rank;
} classes[] = {
#define LOCK_CLASS(name, rank) {#name, rank},
#include "base/locks.def"
#undef LOCK_CLASS
};

static _Atomic uint64_t wait_counts[LOCK_CLASS_COUNT];

#ifdef BARO_DEBUG
static _Thread_local uint32_t held_count[LOCK_CLASS_COUNT];

static void note_acquire(enum lock_class class)
{
    for (int other = 0; other < LOCK_CLASS_COUNT; other++) {
        ASSERT(held_count[other] == 0 || classes[other].rank < classes[class].rank);
    }
    held_count[class]++;
}

static void note_release(enum lock_class class)
{
    ASSERT(held_count[class] > 0);
    held_count[class]--;
}

bool lock_class_is_held(enum lock_class class)
{
    return held_count[class] > 0;
}
#else
static void note_acquire(enum lock_class class)
{
    (void)class;
}

static void note_release(enum lock_class class)
{
    (void)class;
}

bool lock_class_is_held(enum lock_class class)
{
    (void)class;
    return true;
}
#endif

static void count_wait(enum lock_class class)
{
    atomic_fetch_add_explicit(&wait_counts[class], 1, memory_order_relaxed);
}

void lock_init(struct lock *lock, enum lock_class class)
{
    int r = pthread_mutex_init(&lock->mutex, NULL);

    ASSERT(r == 0);
    lock->class = class;
}

void lock_done(struct lock *lock)
{
    int r = pthread_mutex_destroy(&lock->mutex);

    ASSERT(r == 0);
}

void lock_acquire(struct lock *lock)
{
    note_acquire(lock->class);
    if (pthread_mutex_trylock(&lock->mutex) != 0) {
        int r;

        count_wait(lock->class);
        r = pthread_mutex_lock(&lock->mutex);
        ASSERT(r == 0);
    }
}

/* Whoever takes a lock after us may free it, so it is not looked at once it is open. */
void lock_release(struct lock *lock)
{
    int r;

    note_release(lock->class);
    r = pthread_mutex_unlock(&lock->mutex);
    ASSERT(r == 0);
}

void rwlock_init(struct rwlock *lock, enum lock_class class)
{
    int r = pthread_rwlock_init(&lock->rwlock, NULL);

    ASSERT(r == 0);
    lock->class = class;
}

void rwlock_done(struct rwlock *lock)
{
    int r = pthread_rwlock_destroy(&lock->rwlock);

    ASSERT(r == 0);
}

void rwlock_read(struct rwlock *lock)
{
    note_acquire(lock->class);
    if (pthread_rwlock_tryrdlock(&lock->rwlock) != 0) {
        int r;

        count_wait(lock->class);
        r = pthread_rwlock_rdlock(&lock->rwlock);
        ASSERT(r == 0);
    }
}

void rwlock_write(struct rwlock *lock)
{
    note_acquire(lock->class);
    if (pthread_rwlock_trywrlock(&lock->rwlock) != 0) {
        int r;

        count_wait(lock->class);
        r = pthread_rwlock_wrlock(&lock->rwlock);
        ASSERT(r == 0);
    }
}

void rwlock_release(struct rwlock *lock)
{
    int r;

    note_release(lock->class);
    r = pthread_rwlock_unlock(&lock->rwlock);
    ASSERT(r == 0);
}

void lock_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int r = pthread_condattr_init(&attributes);

    ASSERT(r == 0);
    r = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    ASSERT(r == 0);
    r = pthread_cond_init(condition, &attributes);
    ASSERT(r == 0);
    (void)pthread_condattr_destroy(&attributes);
}

bool lock_wait(struct lock *lock, pthread_cond_t *condition, int64_t deadline)
{
    int r;

    lock_assert_held(lock);
    if (deadline == 0) {
        r = pthread_cond_wait(condition, &lock->mutex);
    } else {
        struct timespec until = {.tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000};

        r = pthread_cond_timedwait(condition, &lock->mutex, &until);
    }
    ASSERT(r == 0 || r == ETIMEDOUT);
    return r == 0;
}

uint64_t lock_wait_count(enum lock_class class)
{
    return atomic_load_explicit(&wait_counts[class], memory_order_relaxed);
}

const char *lock_class_name(enum lock_class class)
{
    return classes[class].name;
}
