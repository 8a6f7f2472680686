#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "http/server_priv.h"

/*
 * Which job is next: of the address with the fewest jobs running, and of those the one that has
 * waited longest for a turn; within an address the same between its users. So that a newcomer finds
 * a free thread, nobody takes the last ones: who runs something already may have GREED times as
 * many as stand idle, and as much of the queue.
 */
enum { GREED = 3 };

struct pool_address {
    struct pool_address *next;
    str name; /* behind the structure */
    uint32_t running;
    uint32_t waiting;
    uint64_t turn; /* when it had its last turn, or came */
};

/* What one user at one address asks for. */
struct pool_client {
    struct pool_client *next;
    struct pool_address *address;
    str user; /* behind the structure */
    struct server_job *first;
    struct server_job *last;
    uint32_t running;
    uint32_t waiting;
    uint64_t turn;
};

struct server_pool {
    struct lock lock;
    pthread_cond_t wake;
    struct pool_address *addresses; /* lock: pool.lock, as all below; those that wait or run */
    struct pool_client *clients;
    uint64_t turns;
    uint32_t waiting;
    uint32_t running;
    uint32_t queue_max;
    bool stopping;
    uint32_t thread_count; /* that were started: one, and more as jobs come */
    uint32_t thread_max;   /* constant after server_pool_new */
    pthread_t *threads;
};

/* ---- who asks ---- */

static struct pool_address *address_get_locked(struct server_pool *pool, str name)
{
    struct pool_address *address = pool->addresses;

    while (address != NULL && !str_eq(address->name, name)) {
        address = address->next;
    }
    if (address == NULL) {
        address = mem_alloc_zero(sizeof(*address) + name.len);
        address->name = str_of((char *)(address + 1), name.len);
        if (name.len > 0) {
            memcpy(address + 1, name.ptr, name.len);
        }
        address->turn = ++pool->turns;
        address->next = pool->addresses;
        pool->addresses = address;
    }
    return address;
}

static struct pool_client *client_get_locked(struct server_pool *pool, const struct server_job *job)
{
    struct pool_client *client = pool->clients;

    while (client != NULL &&
           (!str_eq(client->user, job->user) || !str_eq(client->address->name, job->address))) {
        client = client->next;
    }
    if (client == NULL) {
        client = mem_alloc_zero(sizeof(*client) + job->user.len);
        client->user = str_of((char *)(client + 1), job->user.len);
        if (job->user.len > 0) {
            memcpy(client + 1, job->user.ptr, job->user.len);
        }
        client->address = address_get_locked(pool, job->address);
        client->turn = ++pool->turns;
        client->next = pool->clients;
        pool->clients = client;
    }
    return client;
}

/* Forgets who neither waits nor runs: there are never more of them than jobs. */
static void client_settle_locked(struct server_pool *pool, struct pool_client *client)
{
    struct pool_address *address = client->address;

    if (client->waiting + client->running == 0) {
        struct pool_client **at = &pool->clients;

        while (*at != client) {
            at = &(*at)->next;
        }
        *at = client->next;
        (void)mem_free(client);
    }
    if (address->waiting + address->running == 0) {
        struct pool_address **at = &pool->addresses;

        while (*at != address) {
            at = &(*at)->next;
        }
        *at = address->next;
        (void)mem_free(address);
    }
}

/* ---- whose turn it is ---- */

/* Whether who has `mine` may have one more of the `left`. */
static bool may_take(uint32_t mine, uint32_t left)
{
    return mine == 0 || mine < GREED * (left - (left > 0));
}

static bool is_before(const struct pool_client *a, const struct pool_client *b)
{
    if (a->address != b->address) {
        return a->address->running != b->address->running
                   ? a->address->running < b->address->running
                   : a->address->turn < b->address->turn;
    }
    return a->running != b->running ? a->running < b->running : a->turn < b->turn;
}

/* The client whose job may start now and is next; NULL when there is none. */
static struct pool_client *next_client_locked(struct server_pool *pool)
{
    uint32_t idle = pool->thread_max - pool->running;
    struct pool_client *best = NULL;

    lock_assert_held(&pool->lock);
    for (struct pool_client *client = pool->clients; idle > 0 && client != NULL;
         client = client->next) {
        if (client->waiting > 0 &&
            (pool->stopping ||
             (may_take(client->address->running, idle) && may_take(client->running, idle))) &&
            (best == NULL || is_before(client, best))) {
            best = client;
        }
    }
    return best;
}

static struct server_job *next_job_locked(struct server_pool *pool)
{
    struct pool_client *client = next_client_locked(pool);
    struct server_job *job;

    if (client == NULL) {
        return NULL;
    }
    job = client->first;
    client->first = job->next;
    client->last = client->first == NULL ? NULL : client->last;
    client->waiting--;
    client->running++;
    client->turn = ++pool->turns;
    client->address->waiting--;
    client->address->running++;
    client->address->turn = pool->turns;
    pool->waiting--;
    pool->running++;
    job->client = client;
    /* Who was woken for one job passes on the word of another. */
    if (pool->waiting > 0 && next_client_locked(pool) != NULL) {
        (void)pthread_cond_signal(&pool->wake);
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
            struct pool_client *client = job->client;

            lock_release(&pool->lock);
            job->run(job); /* which is gone then */
            lock_acquire(&pool->lock);
            pool->running--;
            client->running--;
            client->address->running--;
            client_settle_locked(pool, client);
        } else if (pool->stopping) {
            break;
        } else {
            (void)lock_wait(&pool->lock, &pool->wake, 0);
        }
    }
    lock_release(&pool->lock);
    return NULL;
}

static int start_thread_locked(struct server_pool *pool)
{
    int r = pthread_create(&pool->threads[pool->thread_count], NULL, work, pool);

    if (r == 0) {
        (void)pthread_setname_np(pool->threads[pool->thread_count++], "query");
    }
    return r;
}

struct server_pool *server_pool_new(uint32_t thread_count, uint32_t queue_max,
                                    struct baro_error *err)
{
    struct server_pool *pool = MEM_NEW(struct server_pool);
    int r;

    lock_init(&pool->lock, LOCK_QUERY_POOL);
    lock_condition_init(&pool->wake);
    pool->queue_max = queue_max;
    pool->thread_max = thread_count;
    pool->threads = mem_alloc_zero(thread_count * sizeof(*pool->threads));
    lock_acquire(&pool->lock);
    r = start_thread_locked(pool);
    lock_release(&pool->lock);
    if (r != 0) {
        (void)error_system(err, r, "start a query thread");
        return server_pool_free(pool);
    }
    return pool;
}

/* A job may wait only when all threads are busy with others that came before it, or are kept for
 * others. */
static bool has_room_locked(const struct server_pool *pool, const struct pool_client *client)
{
    uint32_t left = pool->queue_max > pool->waiting ? pool->queue_max - pool->waiting : 0;

    if (pool->stopping) {
        return false;
    }
    return pool->running + pool->waiting < pool->thread_max ||
           (left > 0 && may_take(client->address->waiting, left) &&
            may_take(client->waiting, left));
}

bool server_pool_add(struct server_pool *pool, struct server_job *job)
{
    struct pool_client *client;
    bool taken;

    job->next = NULL;
    lock_acquire(&pool->lock);
    client = client_get_locked(pool, job);
    taken = has_room_locked(pool, client);
    if (taken) {
        if (client->last != NULL) {
            client->last->next = job;
        } else {
            client->first = job;
        }
        client->last = job;
        client->waiting++;
        client->address->waiting++;
        pool->waiting++;
        if (pool->running + pool->waiting > pool->thread_count &&
            pool->thread_count < pool->thread_max) {
            (void)start_thread_locked(pool); /* when it fails, the others do the work */
        }
        (void)pthread_cond_signal(&pool->wake);
    }
    client_settle_locked(pool, client);
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
