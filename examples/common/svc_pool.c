#include "svc_pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS_MAX = 64 };

struct svc_pool {
    struct svc_pool_options options;
    pthread_mutex_t lock;
    pthread_cond_t work; /* a job came, or the end */
    pthread_cond_t idle; /* a job is done */
    void **queue;        /* lock: a ring of queue_max */
    size_t head;         /* lock */
    size_t waiting;      /* lock */
    size_t running;      /* lock */
    bool closed;         /* lock: no new jobs */
    _Atomic bool stopping;
    pthread_t threads[THREADS_MAX];
    unsigned thread_count;
};

static void *next_job_locked(struct svc_pool *pool)
{
    void *job;

    while (pool->waiting == 0 && !pool->stopping) {
        (void)pthread_cond_wait(&pool->work, &pool->lock);
    }
    if (pool->stopping) {
        return NULL;
    }
    job = pool->queue[pool->head];
    pool->head = (pool->head + 1) % pool->options.queue_max;
    pool->waiting--;
    pool->running++;
    return job;
}

static void *pool_thread(void *context)
{
    struct svc_pool *pool = context;

    (void)pthread_mutex_lock(&pool->lock);
    for (void *job; (job = next_job_locked(pool)) != NULL;) {
        (void)pthread_mutex_unlock(&pool->lock);
        pool->options.run(pool->options.context, job);
        (void)pthread_mutex_lock(&pool->lock);
        pool->running--;
        (void)pthread_cond_broadcast(&pool->idle);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static int start_threads(struct svc_pool *pool)
{
    for (unsigned i = 0; i < pool->options.thread_count; i++) {
        int r = pthread_create(&pool->threads[i], NULL, pool_thread, pool);

        if (r != 0) {
            return -r;
        }
        (void)pthread_setname_np(pool->threads[i], pool->options.name);
        pool->thread_count++;
    }
    return 0;
}

static void init_conditions(struct svc_pool *pool)
{
    pthread_condattr_t monotonic;

    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&pool->work, &monotonic);
    (void)pthread_cond_init(&pool->idle, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

int svc_pool_new(const struct svc_pool_options *options, struct svc_pool **ret,
                 struct svc_error *err)
{
    struct svc_pool *pool;
    int r;

    if (options->thread_count < 1 || options->thread_count > THREADS_MAX ||
        options->queue_max < 1) {
        return svc_fail(err, -EINVAL, "pool %s: give 1 to %d threads, and room for 1 job or more",
                        options->name, THREADS_MAX);
    }
    pool = calloc(1, sizeof(*pool));
    if (pool != NULL) {
        pool->options = *options;
        pool->queue = calloc(options->queue_max, sizeof(*pool->queue));
    }
    if (pool == NULL || pool->queue == NULL) {
        free(pool);
        return svc_fail(err, -ENOMEM, "pool %s: out of memory", options->name);
    }
    init_conditions(pool);
    r = start_threads(pool);
    if (r < 0) {
        (void)svc_pool_free(pool);
        return svc_fail(err, r, "pool %s: no more threads: %s", options->name, strerrordesc_np(-r));
    }
    *ret = pool;
    return 0;
}

int svc_pool_submit(struct svc_pool *pool, void *job)
{
    int r = 0;

    (void)pthread_mutex_lock(&pool->lock);
    if (pool->closed) {
        r = -ESHUTDOWN;
    } else if (pool->waiting == pool->options.queue_max) {
        r = -EAGAIN;
    } else {
        pool->queue[(pool->head + pool->waiting) % pool->options.queue_max] = job;
        pool->waiting++;
        (void)pthread_cond_signal(&pool->work);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return r;
}

size_t svc_pool_waiting(struct svc_pool *pool)
{
    size_t count;

    (void)pthread_mutex_lock(&pool->lock);
    count = pool->waiting;
    (void)pthread_mutex_unlock(&pool->lock);
    return count;
}

size_t svc_pool_running(struct svc_pool *pool)
{
    size_t count;

    (void)pthread_mutex_lock(&pool->lock);
    count = pool->running;
    (void)pthread_mutex_unlock(&pool->lock);
    return count;
}

bool svc_pool_drain(struct svc_pool *pool, double seconds)
{
    struct timespec end;
    bool done;
    int r = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += (time_t)seconds + 1;
    (void)pthread_mutex_lock(&pool->lock);
    pool->closed = true;
    while (r == 0 && pool->waiting + pool->running > 0) {
        r = pthread_cond_timedwait(&pool->idle, &pool->lock, &end);
    }
    done = pool->waiting + pool->running == 0;
    (void)pthread_mutex_unlock(&pool->lock);
    return done;
}

const _Atomic bool *svc_pool_stopping(const struct svc_pool *pool)
{
    return &pool->stopping;
}

void svc_pool_stop(struct svc_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&pool->lock);
    pool->closed = true;
    pool->stopping = true;
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->thread_count; i++) {
        (void)pthread_join(pool->threads[i], NULL);
    }
    pool->thread_count = 0;
    for (; pool->waiting > 0; pool->waiting--) {
        if (pool->options.drop != NULL) {
            pool->options.drop(pool->options.context, pool->queue[pool->head]);
        }
        pool->head = (pool->head + 1) % pool->options.queue_max;
    }
}

struct svc_pool *svc_pool_free(struct svc_pool *pool)
{
    if (pool == NULL) {
        return NULL;
    }
    svc_pool_stop(pool);
    (void)pthread_cond_destroy(&pool->work);
    (void)pthread_cond_destroy(&pool->idle);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool->queue);
    free(pool);
    return NULL;
}
