#include <pthread.h>

#include "base/mem.h"
#include "http/server_priv.h"

struct server_pool {
    struct lock lock;
    pthread_cond_t wake;
    struct server_job *first; /* lock: pool.lock, as all below */
    struct server_job *last;
    uint32_t waiting;
    uint32_t running;
    uint32_t queue_max;
    bool stopping;
    uint32_t thread_count; /* constant after server_pool_new */
    pthread_t *threads;
};

static struct server_job *next_job_locked(struct server_pool *pool)
{
    struct server_job *job = pool->first;

    lock_assert_held(&pool->lock);
    if (job != NULL) {
        pool->first = job->next;
        pool->last = pool->first == NULL ? NULL : pool->last;
        pool->waiting--;
        pool->running++;
    }
    return job;
}

static void *work(void *argument)
{
    struct server_pool *pool = argument;

    lock_acquire(&pool->lock);
    for (;;) {
        struct server_job *job = next_job_locked(pool);

        if (job != NULL) {
            lock_release(&pool->lock);
            job->run(job);
            lock_acquire(&pool->lock);
            pool->running--;
        } else if (pool->stopping) {
            break;
        } else {
            (void)lock_wait(&pool->lock, &pool->wake, 0);
        }
    }
    lock_release(&pool->lock);
    return NULL;
}

struct server_pool *server_pool_new(uint32_t thread_count, uint32_t queue_max,
                                    struct baro_error *err)
{
    struct server_pool *pool = MEM_NEW(struct server_pool);

    lock_init(&pool->lock, LOCK_QUERY_POOL);
    lock_condition_init(&pool->wake);
    pool->queue_max = queue_max;
    pool->threads = mem_alloc_zero(thread_count * sizeof(*pool->threads));
    for (; pool->thread_count < thread_count; pool->thread_count++) {
        int r = pthread_create(&pool->threads[pool->thread_count], NULL, work, pool);

        if (r != 0) {
            (void)error_system(err, r, "start query thread %u of %u", pool->thread_count + 1,
                               thread_count);
            return server_pool_free(pool);
        }
        (void)pthread_setname_np(pool->threads[pool->thread_count], "query");
    }
    return pool;
}

bool server_pool_add(struct server_pool *pool, struct server_job *job)
{
    bool taken;

    job->next = NULL;
    lock_acquire(&pool->lock);
    /* A job may wait only when all threads are busy with others that came before it. */
    taken = !pool->stopping &&
            (pool->waiting < pool->queue_max || pool->running + pool->waiting < pool->thread_count);
    if (taken) {
        if (pool->last != NULL) {
            pool->last->next = job;
        } else {
            pool->first = job;
        }
        pool->last = job;
        pool->waiting++;
        (void)pthread_cond_signal(&pool->wake);
    }
    lock_release(&pool->lock);
    return taken;
}

void server_pool_load(struct server_pool *pool, uint64_t *ret_running, uint64_t *ret_waiting)
{
    lock_acquire(&pool->lock);
    *ret_running = pool->running;
    *ret_waiting = pool->waiting;
    lock_release(&pool->lock);
}

void server_pool_stop(struct server_pool *pool)
{
    lock_acquire(&pool->lock);
    pool->stopping = true;
    (void)pthread_cond_broadcast(&pool->wake);
    lock_release(&pool->lock);
    for (uint32_t i = 0; i < pool->thread_count; i++) {
        (void)pthread_join(pool->threads[i], NULL);
    }
    pool->thread_count = 0;
}

struct server_pool *server_pool_free(struct server_pool *pool)
{
    if (pool == NULL) {
        return NULL;
    }
    server_pool_stop(pool);
    (void)pthread_cond_destroy(&pool->wake);
    lock_done(&pool->lock);
    (void)mem_free(pool->threads);
    (void)mem_free(pool);
    return NULL;
}
