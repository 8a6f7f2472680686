/*
 * lock: mutexes and reader-writer locks with a class (locks.def). Debug builds (-DBARO_DEBUG) check
 * that each thread takes classes in rising rank; all builds count how often a thread had to wait.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"

enum lock_class {
#define LOCK_CLASS(name, rank) LOCK_##name,
#include "base/locks.def"
#undef LOCK_CLASS
    LOCK_CLASS_COUNT,
};

struct lock {
    pthread_mutex_t mutex;
    enum lock_class class;
};

struct rwlock {
    pthread_rwlock_t rwlock;
    enum lock_class class;
};

void lock_init(struct lock *lock, enum lock_class class);
void lock_done(struct lock *lock);
void lock_acquire(struct lock *lock);
void lock_release(struct lock *lock);

void rwlock_init(struct rwlock *lock, enum lock_class class);
void rwlock_done(struct rwlock *lock);
void rwlock_read(struct rwlock *lock);
void rwlock_write(struct rwlock *lock);
void rwlock_release(struct rwlock *lock);

/* lock_wait waits on a condition with the lock held; deadline is CLOCK_MONOTONIC ns, 0 = none;
 * false on time-out. */
bool lock_wait(struct lock *lock, pthread_cond_t *condition, int64_t deadline);

/* lock_condition_init makes a condition variable on CLOCK_MONOTONIC, as lock_wait wants. */
void lock_condition_init(pthread_cond_t *condition);

/* lock_class_is_held says whether this thread holds a lock of the class; always true without
 * BARO_DEBUG. */
bool lock_class_is_held(enum lock_class class);
#define lock_assert_held(lock) DASSERT(lock_class_is_held((lock)->class))

/* lock_wait_count returns how often a thread had to wait for a lock of the class; lock_class_name
 * its name. */
uint64_t lock_wait_count(enum lock_class class);
const char *lock_class_name(enum lock_class class);
