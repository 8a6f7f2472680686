#include "scrape/scrape.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "client/self.h"
#include "client/self_recent.h"
#include "conf/prom_config.h"
#include "discover/discover.h"
#include "http/client.h"
#include "scrape/scrape_pool.h"
#include "scrape/scrape_worker.h"
#include "sys/clock.h"
#include "sys/loop.h"

enum {
    WORKERS_MAX = 256,
    RELOAD_DEFAULT = 5 * DUR_SECOND, /* as Prometheus's discovery manager throttles */
    HOST_NAME_MAX_BYTES = 256,
};

/* A configuration on its way to the manager's thread. */
struct apply {
    struct prom_config *config;
    struct baro_error *err;
    int result;
    bool is_done;
};

struct scrape_manager {
    struct appendable *appendable;
    struct clock *clock;
    struct scrape_options options;
    char *external_url;
    char *user_agent;
    struct scrape_worker *workers[WORKERS_MAX];
    size_t worker_count;

    /* The manager's thread. */
    struct loop *loop;
    struct http_engine *engine;
    struct discover *discover;
    struct labels_builder builder;
    struct loop_timer sync_timer;
    mono last_sync;
    pthread_t thread;
    bool is_running;

    struct lock lock; /* of what follows */
    pthread_cond_t applied;
    struct apply *apply;
    VEC(struct scrape_pool *) pools; /* changed by the manager's thread only */
};

static struct scrape_pool_env pool_env(struct scrape_manager *manager)
{
    return (struct scrape_pool_env){.lock = &manager->lock,
                                    .workers = manager->workers,
                                    .worker_count = manager->worker_count,
                                    .builder = &manager->builder};
}

/* ---- syncing ---- */

static void pool_sync(struct scrape_manager *manager, struct scrape_pool *pool,
                      struct scrape_job *job, const struct scrape_pool_env *env)
{
    mono begin = clock_mono(manager->clock);
    mono end;

    scrape_pool_sync(pool, manager->discover, job, env);
    end = clock_mono(manager->clock);
    self_recent_by(SELF_RECENT_TARGET_SYNC, str_from(pool->name),
                   (double)(end - begin) / (double)MONO_PER_SECOND, end);
}

static void pools_sync(struct loop_timer *timer)
{
    struct scrape_manager *manager = CONTAINER_OF(timer, struct scrape_manager, sync_timer);
    const struct scrape_pool_env env = pool_env(manager);

    self_add(SELF_SD_UPDATES, 1);
    manager->last_sync = clock_mono(manager->clock);
    for (size_t i = 0; i < manager->pools.count; i++) {
        struct scrape_pool *pool = manager->pools.items[i];

        pool_sync(manager, pool, pool->job, &env);
    }
}

/* Many sources may change in a row: they are taken together, discovery_reload after the last. */
static void targets_changed(void *context)
{
    struct scrape_manager *manager = context;

    self_add(SELF_SD_RECEIVED, 1);
    if (manager->sync_timer.slot == 0) {
        loop_timer_start(manager->loop, &manager->sync_timer,
                         manager->last_sync + manager->options.discovery_reload * MONO_PER_MS);
    }
}

static struct scrape_pool *pool_find(struct scrape_manager *manager, str name)
{
    for (size_t i = 0; i < manager->pools.count; i++) {
        if (str_is(name, manager->pools.items[i]->name)) {
            return manager->pools.items[i];
        }
    }
    return NULL;
}

static int pool_order(const void *a, const void *b)
{
    return strcmp((*(struct scrape_pool *const *)a)->name, (*(struct scrape_pool *const *)b)->name);
}

/* ---- applying ---- */

static void jobs_release(struct scrape_job **jobs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)scrape_job_unref(jobs[i]);
    }
    (void)mem_free(jobs);
}

static int jobs_make(struct scrape_manager *manager, struct prom_config *config,
                     struct scrape_job ***ret, struct baro_error *err)
{
    const struct prom_scrapes scrapes = prom_config_scrapes(config);
    struct scrape_job **jobs = mem_alloc_zero((scrapes.count + 1) * sizeof(*jobs));

    for (size_t i = 0; i < scrapes.count; i++) {
        int result = scrape_job_new(config, scrapes.items[i], &manager->options, &jobs[i], err);

        if (result < 0) {
            self_add(SELF_SCRAPE_POOLS_FAILED, 1);
            jobs_release(jobs, scrapes.count);
            return result;
        }
    }
    *ret = jobs;
    return 0;
}

static bool job_is_there(struct scrape_job *const *jobs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_is(jobs[i]->settings->job_name, name)) {
            return true;
        }
    }
    return false;
}

/* Pools of jobs that are no longer configured. Their series get no stale markers: Prometheus ends
 * such a pool as it does at shutdown. */
static void pools_drop(struct scrape_manager *manager, struct scrape_job *const *jobs, size_t count)
{
    const struct scrape_pool_env env = pool_env(manager);
    VEC(struct scrape_pool *) gone = {0};
    size_t kept = 0;

    lock_acquire(&manager->lock);
    for (size_t i = 0; i < manager->pools.count; i++) {
        struct scrape_pool *pool = manager->pools.items[i];

        if (job_is_there(jobs, count, pool->name)) {
            manager->pools.items[kept++] = pool;
        } else {
            vec_push(&gone, pool);
        }
    }
    manager->pools.count = kept;
    lock_release(&manager->lock);
    for (size_t i = 0; i < gone.count; i++) {
        scrape_pool_clear(gone.items[i], &env);
        self_recent_forget(SELF_RECENT_TARGET_SYNC, str_from(gone.items[i]->name));
        (void)scrape_pool_free(gone.items[i]);
    }
    vec_done(&gone);
}

static int config_apply(struct scrape_manager *manager, struct prom_config *config,
                        struct baro_error *err)
{
    const struct scrape_pool_env env = pool_env(manager);
    const size_t count = prom_config_scrapes(config).count;
    struct scrape_job **jobs = NULL;
    int result = jobs_make(manager, config, &jobs, err);

    if (result >= 0) {
        result = discover_apply(manager->discover, config, err);
        if (result < 0) {
            jobs_release(jobs, count);
        }
    }
    self_add(SELF_SCRAPE_POOL_RELOADS, 1);
    if (result < 0) {
        self_add(SELF_SCRAPE_POOL_RELOADS_FAILED, 1);
        return result;
    }
    pools_drop(manager, jobs, count);
    for (size_t i = 0; i < count; i++) {
        struct scrape_pool *pool = pool_find(manager, jobs[i]->settings->job_name);

        if (pool == NULL) {
            pool = scrape_pool_new(jobs[i]);
            pool_sync(manager, pool, jobs[i], &env);
            lock_acquire(&manager->lock);
            vec_push(&manager->pools, pool);
            lock_release(&manager->lock);
        } else {
            pool_sync(manager, pool, jobs[i], &env);
        }
    }
    lock_acquire(&manager->lock);
    if (manager->pools.count > 0) {
        qsort(manager->pools.items, manager->pools.count, sizeof(*manager->pools.items),
              pool_order);
    }
    lock_release(&manager->lock);
    manager->last_sync = clock_mono(manager->clock);
    jobs_release(jobs, count);
    return 0;
}

static void manager_woken(void *context)
{
    struct scrape_manager *manager = context;
    struct apply *apply = NULL;

    lock_acquire(&manager->lock);
    apply = manager->apply;
    manager->apply = NULL;
    lock_release(&manager->lock);
    if (apply != NULL) {
        apply->result = config_apply(manager, apply->config, apply->err);
        lock_acquire(&manager->lock);
        apply->is_done = true;
        (void)pthread_cond_broadcast(&manager->applied);
        lock_release(&manager->lock);
    }
}

int scrape_manager_apply(struct scrape_manager *manager, struct prom_config *config,
                         struct baro_error *err)
{
    struct apply apply = {.config = config, .err = err};

    lock_acquire(&manager->lock);
    ASSERT(manager->is_running && manager->apply == NULL);
    manager->apply = &apply;
    loop_wake(manager->loop);
    while (!apply.is_done) {
        (void)lock_wait(&manager->lock, &manager->applied, 0);
    }
    lock_release(&manager->lock);
    return apply.result;
}

/* ---- life ---- */

static void *manager_run(void *argument)
{
    struct scrape_manager *manager = argument;

    loop_run(manager->loop);
    return NULL;
}

/* Servers that scrape the same targets shall do so at different times. */
static uint64_t offset_seed(void)
{
    char host[HOST_NAME_MAX_BYTES] = "";

    (void)gethostname(host, sizeof(host) - 1);
    return str_hash(str_from(host));
}

static void options_take(struct scrape_manager *manager, const struct scrape_options *options)
{
    if (options != NULL) {
        manager->options = *options;
    }
    if (manager->options.discovery_reload <= 0) {
        manager->options.discovery_reload = RELOAD_DEFAULT;
    }
    if (manager->options.external_url != NULL) {
        manager->external_url = str_dup_c(str_from(manager->options.external_url));
        manager->options.external_url = manager->external_url;
    }
    if (manager->options.user_agent != NULL) {
        manager->user_agent = str_dup_c(str_from(manager->options.user_agent));
        manager->options.user_agent = manager->user_agent;
    }
}

static int workers_start(struct scrape_manager *manager, struct baro_error *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = manager->options.thread_count > 0 ? manager->options.thread_count
                   : cores > 0                       ? (size_t)cores
                                                     : 1;
    int result = 0;

    count = count < WORKERS_MAX ? count : WORKERS_MAX;
    while (manager->worker_count < count && result >= 0) {
        result = scrape_worker_new(manager->appendable, manager->clock, &manager->options,
                                   offset_seed(), &manager->workers[manager->worker_count], err);
        manager->worker_count += result >= 0;
    }
    return result;
}

static int thread_start(struct scrape_manager *manager, struct baro_error *err)
{
    const struct http_engine_options engine = {.multi_count = 1, .user_agent = manager->user_agent};
    int result = loop_new(manager->clock, manager_woken, manager, &manager->loop, err);
    int failed = 0;

    if (result >= 0) {
        result = http_engine_new(manager->loop, &engine, &manager->engine, err);
    }
    if (result >= 0) {
        result = discover_new(manager->loop, manager->engine, targets_changed, manager,
                              &manager->discover, err);
    }
    if (result >= 0) {
        failed = pthread_create(&manager->thread, NULL, manager_run, manager);
        manager->is_running = failed == 0;
        result = failed == 0 ? 0 : error_system(err, failed, "scrape manager thread");
        if (failed == 0) {
            (void)pthread_setname_np(manager->thread, "discover");
        }
    }
    return result;
}

struct scrape_manager *scrape_manager_new(struct appendable *appendable, struct clock *clock,
                                          const struct scrape_options *options,
                                          struct baro_error *err)
{
    CLEANUP(scrape_manager_freep) struct scrape_manager *manager = MEM_NEW(struct scrape_manager);

    manager->appendable = appendable;
    manager->clock = clock;
    manager->sync_timer.fire = pools_sync;
    lock_init(&manager->lock, LOCK_SCRAPE_POOL);
    lock_condition_init(&manager->applied);
    options_take(manager, options);
    if (workers_start(manager, err) < 0 || thread_start(manager, err) < 0) {
        return NULL;
    }
    return TAKE(manager);
}

void scrape_manager_stop(struct scrape_manager *manager)
{
    if (manager->is_running) {
        loop_stop(manager->loop);
        ASSERT(pthread_join(manager->thread, NULL) == 0);
        manager->is_running = false;
    }
    for (size_t i = 0; i < manager->worker_count; i++) {
        scrape_worker_stop(manager->workers[i]);
    }
}

struct scrape_manager *scrape_manager_free(struct scrape_manager *manager)
{
    if (manager == NULL) {
        return NULL;
    }
    scrape_manager_stop(manager);
    for (size_t i = 0; i < manager->worker_count; i++) {
        manager->workers[i] = scrape_worker_free(manager->workers[i]);
    }
    for (size_t i = 0; i < manager->pools.count; i++) {
        (void)scrape_pool_free(manager->pools.items[i]);
    }
    vec_done(&manager->pools);
    (void)discover_free(manager->discover);
    (void)http_engine_free(manager->engine);
    (void)loop_free(manager->loop);
    labels_builder_done(&manager->builder);
    (void)pthread_cond_destroy(&manager->applied);
    lock_done(&manager->lock);
    (void)mem_free(manager->external_url);
    (void)mem_free(manager->user_agent);
    return mem_free(manager);
}

/* ---- what others see ---- */

const char *scrape_health_name(enum scrape_health health)
{
    static const char *const names[] = {"unknown", "up", "down"};

    return names[health];
}

/* "line:column: message" of a fault in the body, the message alone of any other. */
static str error_show(struct arena *arena, const struct baro_error *err)
{
    if (err->line == 0) {
        return arena_str(arena, str_from(err->message));
    }
    return arena_printf(arena, "%u:%u: %s", err->line, err->column, err->message);
}

static void target_show(struct scrape_manager *manager, struct arena *arena,
                        struct scrape_target *target, str pool, struct scrape_target_info *ret)
{
    ret->pool = pool;
    ret->labels = labels_copy(arena, target->plan.shown);
    ret->scrape_url = arena_str(arena, target->plan.url);
    ret->global_url = target_global_url(arena, target->plan.url, manager->external_url);
    ret->interval = target->plan.interval;
    ret->timeout = target->plan.timeout;
    lock_acquire(&target->lock);
    ret->discovered = labels_copy(arena, target->discovered);
    ret->last_error = error_show(arena, &target->last_error);
    ret->last_scrape = target->last_scrape;
    ret->last_duration_seconds = target->last_duration_seconds;
    ret->health = target->health;
    lock_release(&target->lock);
}

static int info_order(const void *a, const void *b)
{
    const struct scrape_target_info *one = a;
    const struct scrape_target_info *two = b;
    int order = str_cmp(one->pool, two->pool);

    order = order != 0 ? order : str_cmp(one->scrape_url, two->scrape_url);
    return order != 0 ? order : labels_cmp(one->labels, two->labels);
}

/* How many targets and dropped targets there are, at most. */
static void targets_count_locked(const struct scrape_manager *manager, size_t *ret_active,
                                 size_t *ret_dropped)
{
    lock_assert_held(&manager->lock);
    for (size_t i = 0; i < manager->pools.count; i++) {
        *ret_active += manager->pools.items[i]->targets.count;
        *ret_dropped += manager->pools.items[i]->dropped_count;
    }
}

static struct scrape_pool_info pool_show(const struct scrape_pool *pool, struct arena *arena)
{
    return (struct scrape_pool_info){
        .name = arena_str(arena, str_from(pool->name)),
        .active_count = pool->targets.count,
        .dropped_count = pool->dropped_total,
        .syncs = atomic_load_explicit(&pool->syncs, memory_order_relaxed),
        .sync_failed = atomic_load_explicit(&pool->sync_failed, memory_order_relaxed)};
}

static size_t count_families(const struct scrape_pool *pool)
{
    size_t count = 0;

    for (size_t i = 0; i < pool->targets.count; i++) {
        struct scrape_target *target = pool->targets.items[i];

        lock_acquire(&target->lock);
        count += target->series.metadata.families.count;
        lock_release(&target->lock);
    }
    return count;
}

void scrape_manager_pools(struct scrape_manager *manager, struct arena *arena,
                          struct scrape_pool_info **ret, size_t *ret_count)
{
    lock_acquire(&manager->lock);
    *ret = ARENA_ARRAY(arena, struct scrape_pool_info, manager->pools.count + 1);
    *ret_count = manager->pools.count;
    for (size_t i = 0; i < manager->pools.count; i++) {
        (*ret)[i] = pool_show(manager->pools.items[i], arena);
        (*ret)[i].families = count_families(manager->pools.items[i]);
    }
    lock_release(&manager->lock);
}

void scrape_manager_targets(struct scrape_manager *manager, struct arena *arena, str pool,
                            struct scrape_targets *ret)
{
    struct scrape_target_info *active = NULL;
    struct scrape_dropped_info *dropped = NULL;
    struct scrape_pool_info *pools = NULL;
    struct scrape_targets shown = {0};
    size_t active_max = 0;
    size_t dropped_max = 0;

    lock_acquire(&manager->lock);
    targets_count_locked(manager, &active_max, &dropped_max);
    active = ARENA_ARRAY(arena, struct scrape_target_info, active_max + 1);
    dropped = ARENA_ARRAY(arena, struct scrape_dropped_info, dropped_max + 1);
    pools = ARENA_ARRAY(arena, struct scrape_pool_info, manager->pools.count + 1);
    for (size_t i = 0; i < manager->pools.count; i++) {
        struct scrape_pool *item = manager->pools.items[i];
        str name;

        if (pool.ptr != NULL && !str_is(pool, item->name)) {
            continue;
        }
        pools[shown.pool_count] = pool_show(item, arena);
        name = pools[shown.pool_count++].name;
        for (size_t k = 0; k < item->targets.count; k++) {
            target_show(manager, arena, item->targets.items[k], name,
                        &active[shown.active_count++]);
        }
        for (size_t k = 0; k < item->dropped_count; k++) {
            dropped[shown.dropped_count++] = (struct scrape_dropped_info){
                .discovered = labels_copy(arena, item->dropped[k]), .pool = name};
        }
    }
    lock_release(&manager->lock);
    if (shown.active_count > 0) {
        qsort(active, shown.active_count, sizeof(*active), info_order);
    }
    shown.active = active;
    shown.dropped = dropped;
    shown.pools = pools;
    *ret = shown;
}

/* Metadata of one target; the list grows by doubling within the arena. */
struct metadata_sink {
    struct arena *arena;
    struct scrape_metadata_info *items;
    size_t count;
    size_t capacity;
    size_t limit;
};

static void sink_add(struct metadata_sink *sink, struct labels target, const struct family *family)
{
    if (sink->count == sink->capacity) {
        size_t capacity = sink->capacity * 2 + 64;
        struct scrape_metadata_info *grown =
            ARENA_ARRAY(sink->arena, struct scrape_metadata_info, capacity);

        if (sink->count > 0) {
            memcpy(grown, sink->items, sink->count * sizeof(*grown));
        }
        sink->items = grown;
        sink->capacity = capacity;
    }
    sink->items[sink->count++] = (struct scrape_metadata_info){
        .target = target,
        .metric = arena_str(sink->arena, str_of(family->name, family->name_len)),
        .metadata = {.type = family->type,
                     .unit = arena_str(sink->arena, str_from(family->unit)),
                     .help = arena_str(sink->arena, str_from(family->help))},
    };
}

static void target_metadata_show(struct metadata_sink *sink, struct scrape_target *target,
                                 str metric)
{
    struct labels labels = {0};

    lock_acquire(&target->lock);
    for (size_t i = 0; i < target->series.metadata.families.count; i++) {
        const struct family *family = target->series.metadata.families.items[i];

        if (sink->limit > 0 && sink->count >= sink->limit) {
            break;
        }
        if (metric.ptr == NULL || str_eq(metric, str_of(family->name, family->name_len))) {
            if (labels.items == NULL) {
                labels = labels_copy(sink->arena, target->plan.shown);
            }
            sink_add(sink, labels, family);
        }
    }
    lock_release(&target->lock);
}

void scrape_manager_metadata(struct scrape_manager *manager, struct arena *arena, str metric,
                             struct matchers matchers, size_t limit,
                             struct scrape_metadata_list *ret)
{
    struct metadata_sink sink = {.arena = arena, .limit = limit};

    lock_acquire(&manager->lock);
    for (size_t i = 0; i < manager->pools.count; i++) {
        struct scrape_pool *pool = manager->pools.items[i];

        for (size_t k = 0; k < pool->targets.count; k++) {
            struct scrape_target *target = pool->targets.items[k];

            if (matchers_match(matchers, target->plan.shown)) {
                target_metadata_show(&sink, target, metric);
            }
        }
    }
    lock_release(&manager->lock);
    *ret = (struct scrape_metadata_list){sink.items, sink.count};
}
