/*
 * discover: runs the service discoveries of the scrape configurations on an event loop: static
 * lists, files (watched by inotify and read again after refresh_interval), HTTP and DNS. The last
 * good result of each is kept, whatever fails later. Everything belongs to the loop's thread.
 */
#pragma once

#include <stddef.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/str.h"
#include "conf/prom_config.h"
#include "discover/target_group.h"

struct discover;
struct loop;
struct http_engine;

/*
 * discover_new makes a discovery without sources. `changed` is called from the loop after the
 * groups of some job may have changed (not from within discover_apply).
 */
int discover_new(struct loop *loop, struct http_engine *engine, void (*changed)(void *context),
                 void *context, struct discover **ret, struct baro_error *err);
struct discover *discover_free(struct discover *discover);
DEFINE_CLEANUP(discover_free, struct discover)

/* The sources of one name, which must live as long as the configuration is applied. */
struct discover_job {
    str name;
    struct prom_sds sds;
};

/*
 * discover_apply runs the sources of this configuration (referenced until the next apply) instead
 * of those before. Static lists and files are there on return; a source that stayed the same keeps
 * what it had found. Fails with BARO_EUNSUPPORTED without change when there is a kind that is not
 * run.
 */
int discover_apply(struct discover *discover, struct prom_config *config, struct baro_error *err);

/* discover_apply_jobs is discover_apply for other sources of a configuration than those of its
 * scrape jobs; `jobs` is borrowed for the call, what it points to is the configuration's. */
int discover_apply_jobs(struct discover *discover, struct prom_config *config,
                        const struct discover_job *jobs, size_t count, struct baro_error *err);

/* discover_each calls visit with each group of a job, in the order of the configuration. The group
 * is valid during the call. */
void discover_each(struct discover *discover, str job,
                   void (*visit)(const struct target_group *group, void *context), void *context);
