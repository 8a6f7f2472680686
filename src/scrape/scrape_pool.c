#include "scrape/scrape_pool.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "client/self.h"
#include "conf/prom_config.h"
#include "discover/discover.h"

/* One sync: what was there, and what becomes of it. */
struct sync {
    struct scrape_pool *pool;
    struct scrape_job *job;
    const struct scrape_pool_env *env;
    struct map before; /* by the bytes of plan.hash; those that are kept are taken out */
    struct map after;
    VEC(struct scrape_target *) targets;
    VEC(struct scrape_target *) added;
    struct arena dropped_arena;
    VEC(struct labels) dropped;
    size_t dropped_total;
    bool job_changed;
};

struct scrape_pool *scrape_pool_new(struct scrape_job *job)
{
    struct scrape_pool *pool = MEM_NEW(struct scrape_pool);

    pool->name = str_dup_c(job->settings->job_name);
    self_add(SELF_SCRAPE_POOLS, 1);
    return pool;
}

struct scrape_pool *scrape_pool_free(struct scrape_pool *pool)
{
    if (pool == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < pool->targets.count; i++) {
        (void)scrape_target_unref(pool->targets.items[i]);
    }
    vec_done(&pool->targets);
    arena_done(&pool->dropped_arena);
    (void)mem_free(pool->dropped);
    (void)scrape_job_unref(pool->job);
    (void)mem_free(pool->name);
    return mem_free(pool);
}

static struct scrape_worker *worker_of(const struct scrape_pool_env *env,
                                       const struct scrape_target *target)
{
    return env->workers[(target->plan.hash >> 32) % env->worker_count];
}

static str hash_key(const struct scrape_target *target)
{
    return str_of((const char *)&target->plan.hash, sizeof(target->plan.hash));
}

static void dropped_note(struct sync *sync, struct labels discovered)
{
    uint64_t kept_max = sync->job->settings->keep_dropped_targets;

    sync->dropped_total++;
    if (kept_max == 0 || sync->dropped.count < kept_max) {
        vec_push(&sync->dropped, labels_copy(&sync->dropped_arena, discovered));
    }
}

static void discovered_keep(struct scrape_target *target, struct labels discovered)
{
    lock_acquire(&target->lock);
    arena_reset(&target->state_arena);
    target->discovered = labels_copy(&target->state_arena, discovered);
    lock_release(&target->lock);
}

/* Takes a target that shall run: the one that ran already, or this one. Consumes the reference. */
static void target_take(struct sync *sync, struct scrape_target *target)
{
    struct scrape_target *old = map_remove(&sync->before, hash_key(target));

    if (map_get(&sync->after, hash_key(target)) != NULL) {
        (void)scrape_target_unref(target);
        return;
    }
    discovered_keep(old != NULL ? old : target, target->plan.discovered);
    if (old != NULL) {
        (void)scrape_target_unref(target);
        target = scrape_target_ref(old);
    } else {
        vec_push(&sync->added, target);
    }
    (void)map_put(&sync->after, hash_key(target), target);
    vec_push(&sync->targets, target);
}

static void group_take(const struct target_group *group, void *context)
{
    struct sync *sync = context;

    for (size_t i = 0; i < group->target_count; i++) {
        struct scrape_target *target = scrape_target_new();
        struct baro_error err = {0};
        int result =
            target_plan_make(&target->arena, sync->env->builder, group, i, sync->job->settings,
                             sync->job->target_rules, &target->plan, &err);

        if (result < 0) {
            atomic_fetch_add_explicit(&sync->pool->sync_failed, 1, memory_order_relaxed);
            log_error("creating target failed", log_c("job", sync->pool->name),
                      log_str("group", group->source), log_int("instance", (int64_t)i),
                      log_err(&err));
            (void)scrape_target_unref(target);
        } else if (target->plan.is_dropped) {
            dropped_note(sync, target->plan.discovered);
            (void)scrape_target_unref(target);
        } else {
            target_take(sync, target);
        }
    }
}

static void limit_check(const struct sync *sync)
{
    const uint64_t limit = sync->job->settings->target_limit;
    const uint64_t count = sync->targets.count;
    const bool is_over = limit > 0 && count > limit;

    if (is_over) {
        self_add(SELF_SCRAPE_TARGET_LIMIT, 1);
    }
    atomic_store_explicit(&sync->job->targets_over, is_over ? count : 0, memory_order_relaxed);
}

/* Tells the workers. What goes comes first, so that a replaced target is not there twice. */
static void workers_tell(struct sync *sync)
{
    const struct scrape_pool_env *env = sync->env;
    struct map_entry *entry = NULL;
    size_t index = 0;

    while ((entry = map_next(&sync->before, &index)) != NULL) {
        scrape_worker_remove(worker_of(env, entry->value), entry->value);
    }
    for (size_t i = 0; i < sync->added.count; i++) {
        scrape_worker_add(worker_of(env, sync->added.items[i]), sync->added.items[i], sync->job);
    }
    if (sync->job_changed) {
        /* Those that were just added are told too: for them nothing changes. */
        for (size_t i = 0; i < sync->targets.count; i++) {
            scrape_worker_reload(worker_of(env, sync->targets.items[i]), sync->targets.items[i],
                                 sync->job);
        }
    }
}

static void targets_swap(struct sync *sync)
{
    struct scrape_pool *pool = sync->pool;

    lock_acquire(sync->env->lock);
    for (size_t i = 0; i < pool->targets.count; i++) {
        (void)scrape_target_unref(pool->targets.items[i]);
    }
    vec_done(&pool->targets);
    arena_done(&pool->dropped_arena);
    (void)mem_free(pool->dropped);
    pool->targets.items = sync->targets.items;
    pool->targets.count = sync->targets.count;
    pool->targets.capacity = sync->targets.capacity;
    pool->dropped_arena = sync->dropped_arena;
    pool->dropped = sync->dropped.items;
    pool->dropped_count = sync->dropped.count;
    pool->dropped_total = sync->dropped_total;
    if (sync->job_changed) {
        (void)scrape_job_unref(pool->job);
        pool->job = scrape_job_ref(sync->job);
    }
    lock_release(sync->env->lock);
}

void scrape_pool_sync(struct scrape_pool *pool, struct discover *discover, struct scrape_job *job,
                      const struct scrape_pool_env *env)
{
    struct sync sync = {.pool = pool, .job = job, .env = env, .job_changed = pool->job != job};
    struct map replaced = {0};
    const bool keeps =
        pool->job == NULL || pool->job == job || scrape_job_keeps_caches(pool->job, job);
    struct map_entry *entry = NULL;
    size_t index = 0;

    for (size_t i = 0; i < pool->targets.count; i++) {
        (void)map_put(keeps ? &sync.before : &replaced, hash_key(pool->targets.items[i]),
                      pool->targets.items[i]);
    }
    discover_each(discover, str_from(pool->name), group_take, &sync);
    limit_check(&sync);
    while ((entry = map_next(&replaced, &index)) != NULL) {
        (void)map_put(&sync.before, entry->key, entry->value);
    }
    workers_tell(&sync);
    targets_swap(&sync);
    atomic_fetch_add_explicit(&pool->syncs, 1, memory_order_relaxed);
    map_done(&sync.before);
    map_done(&sync.after);
    map_done(&replaced);
    vec_done(&sync.added);
}

void scrape_pool_clear(struct scrape_pool *pool, const struct scrape_pool_env *env)
{
    for (size_t i = 0; i < pool->targets.count; i++) {
        scrape_worker_drop(worker_of(env, pool->targets.items[i]), pool->targets.items[i]);
    }
}
