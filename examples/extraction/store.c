#include "store.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "faults.h"

struct store {
    struct store_options options;
    const struct store_driver *driver;
    void *connection;
};

static const char *const tables[] = {
    "CREATE TABLE IF NOT EXISTS documents (id TEXT PRIMARY KEY, digest TEXT NOT NULL, type TEXT "
    "NOT NULL, "
    "name TEXT NOT NULL, bytes BIGINT NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL "
    "DEFAULT 0, "
    "error TEXT, summary TEXT, body TEXT, created DOUBLE PRECISION NOT NULL, finished DOUBLE "
    "PRECISION)",
    "CREATE INDEX IF NOT EXISTS documents_digest ON documents (digest, type)",
    "CREATE INDEX IF NOT EXISTS documents_created ON documents (created)",
    "CREATE TABLE IF NOT EXISTS terms (term TEXT NOT NULL, document TEXT NOT NULL, count INTEGER "
    "NOT NULL, "
    "PRIMARY KEY (term, document))",
    "CREATE INDEX IF NOT EXISTS terms_document ON terms (document)",
};

int store_open(const struct store_options *options, struct store **ret, struct svc_error *err)
{
    struct store *store = calloc(1, sizeof(*store));
    int r;

    if (store == NULL) {
        return svc_fail(err, -ENOMEM, "out of memory");
    }
    store->options = *options;
    store->driver = strncmp(options->url, "postgresql://", 13) == 0 ||
                            strncmp(options->url, "postgres://", 11) == 0
                        ? &store_postgres
                        : &store_sqlite;
    r = store->driver->open(options->url, &store->connection, err);
    if (r < 0) {
        free(store);
        return r;
    }
    *ret = store;
    return 0;
}

struct store *store_close(struct store *store)
{
    if (store != NULL) {
        store->driver->close(store->connection);
        free(store);
    }
    return NULL;
}

static int query_misbehave(struct store *store, struct svc_error *err)
{
    const struct svc_faults *faults = store->options.faults;
    double seconds = 0;

    if (faults == NULL) {
        return 0;
    }
    if (svc_fault_on(faults, FAULT_SLOW_DB, NULL, &seconds)) {
        (void)svc_sleep_s(seconds, store->options.stop);
    }
    return svc_fault_chance(faults, FAULT_DB_ERRORS, NULL)
               ? svc_fail(err, -EIO, "database: fault db-errors")
               : 0;
}

int store_run(struct store *store, enum store_operation operation, const char *sql,
              const char *const *params, size_t count, store_row *row, void *context,
              struct svc_error *err)
{
    int64_t begin = svc_mono_ns();
    int r = query_misbehave(store, err);

    if (r == 0) {
        r = store->driver->run(store->connection, sql, params, count, row, context, err);
    }
    if (store->options.observed != NULL) {
        store->options.observed(store->options.context, operation, r >= 0 || r == -EEXIST,
                                svc_since_s(begin));
    }
    return r;
}

int store_begin(struct store *store, struct svc_error *err)
{
    return store->driver->run(store->connection, "BEGIN", NULL, 0, NULL, NULL, err);
}

int store_end(struct store *store, bool keep, struct svc_error *err)
{
    return store->driver->run(store->connection, keep ? "COMMIT" : "ROLLBACK", NULL, 0, NULL, NULL,
                              err);
}

int store_migrate(struct store *store, struct svc_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < sizeof(tables) / sizeof(tables[0]); i++) {
        r = store->driver->run(store->connection, tables[i], NULL, 0, NULL, NULL, err);
    }
    return r < 0 ? r : 0;
}

struct store_pool {
    struct store_options options;
    void (*in_use)(void *context, size_t count);
    pthread_mutex_t lock;
    pthread_cond_t given;
    /* lock: pool.lock */
    struct store *idle[STORE_POOL_MAX];
    size_t idle_count;
    size_t taken;
    size_t max;
};

struct store_pool *store_pool_new(const struct store_options *options, size_t count,
                                  void (*in_use)(void *context, size_t count))
{
    struct store_pool *pool = calloc(1, sizeof(*pool));
    pthread_condattr_t clock;

    if (pool == NULL) {
        return NULL;
    }
    pool->options = *options;
    pool->in_use = in_use;
    pool->max = count < STORE_POOL_MAX ? count : STORE_POOL_MAX;
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&pool->given, &clock);
    (void)pthread_condattr_destroy(&clock);
    return pool;
}

struct store_pool *store_pool_free(struct store_pool *pool)
{
    if (pool != NULL) {
        for (size_t i = 0; i < pool->idle_count; i++) {
            (void)store_close(pool->idle[i]);
        }
        (void)pthread_mutex_destroy(&pool->lock);
        (void)pthread_cond_destroy(&pool->given);
        free(pool);
    }
    return NULL;
}

static void taken_change(struct store_pool *pool, int by)
{
    pool->taken += (size_t)by;
    if (pool->in_use != NULL) {
        pool->in_use(pool->options.context, pool->taken);
    }
}

int store_pool_take(struct store_pool *pool, double seconds, struct store **ret,
                    struct svc_error *err)
{
    int64_t end_ns = svc_mono_ns() + (int64_t)(seconds * 1e9);
    struct timespec end = {.tv_sec = end_ns / 1000000000, .tv_nsec = end_ns % 1000000000};
    struct store *store = NULL;
    int r = 0;

    (void)pthread_mutex_lock(&pool->lock);
    while (pool->taken == pool->max && r == 0) {
        r = pthread_cond_timedwait(&pool->given, &pool->lock, &end);
    }
    if (pool->taken == pool->max) {
        (void)pthread_mutex_unlock(&pool->lock);
        return svc_fail(err, -EAGAIN, "database: all %zu connections are in use: raise --db-pool",
                        pool->max);
    }
    taken_change(pool, 1);
    store = pool->idle_count > 0 ? pool->idle[--pool->idle_count] : NULL;
    (void)pthread_mutex_unlock(&pool->lock);
    r = store == NULL ? store_open(&pool->options, &store, err) : 0;
    if (r < 0) {
        store_pool_give(pool, NULL);
        return r;
    }
    *ret = store;
    return 0;
}

void store_pool_give(struct store_pool *pool, struct store *store)
{
    if (store != NULL && store->driver->is_broken(store->connection)) {
        store = store_close(store);
    }
    (void)pthread_mutex_lock(&pool->lock);
    taken_change(pool, -1);
    if (store != NULL) {
        pool->idle[pool->idle_count++] = store;
    }
    (void)pthread_cond_signal(&pool->given);
    (void)pthread_mutex_unlock(&pool->lock);
}
