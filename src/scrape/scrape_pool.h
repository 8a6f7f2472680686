/*
 * scrape_pool: the targets of one job: from the groups that discovery found to targets that the
 * workers scrape. Belongs to the manager's thread; what others read (the lists of targets) changes
 * under the manager's lock.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/lock.h"
#include "base/vec.h"
#include "model/labels_builder.h"
#include "scrape/scrape_worker.h"

struct discover;

struct scrape_pool {
    char *name;
    struct scrape_job *job;
    VEC(struct scrape_target *) targets; /* lock: manager */
    struct arena dropped_arena;          /* of dropped; lock: manager */
    struct labels *dropped;
    size_t dropped_count; /* kept in dropped */
    size_t dropped_total;
    _Atomic uint64_t syncs; /* relaxed: each stands for itself */
    _Atomic uint64_t sync_failed;
};

/* What a sync needs of the manager. */
struct scrape_pool_env {
    struct lock *lock;
    struct scrape_worker **workers;
    size_t worker_count;
    struct labels_builder *builder;
};

struct scrape_pool *scrape_pool_new(struct scrape_job *job);

/* scrape_pool_free drops the targets without a word to the workers, which must have stopped. */
struct scrape_pool *scrape_pool_free(struct scrape_pool *pool);

/*
 * scrape_pool_sync makes the pool's targets those of the groups. `job` becomes the pool's job (a
 * reference is taken): targets that stay get it too, or are replaced when their caches would no
 * longer be right. Targets that are gone are taken from their workers.
 */
void scrape_pool_sync(struct scrape_pool *pool, struct discover *discover, struct scrape_job *job,
                      const struct scrape_pool_env *env);

/* scrape_pool_clear takes all targets away: the job is gone. */
void scrape_pool_clear(struct scrape_pool *pool, const struct scrape_pool_env *env);
