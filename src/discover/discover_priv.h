/* discover_priv: what the kinds of discovery share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/vec.h"
#include "conf/prom_config.h"
#include "discover/discover.h"
#include "sys/loop.h"

struct provider;

struct provider_ops {
    /* Begins to watch; results that can be had at once are set before it returns. */
    int (*start)(struct provider *provider, struct baro_error *err);
    void (*refresh)(struct provider *provider);
    void (*stop)(struct provider *provider);
    dur (*interval)(const struct prom_sd *sd); /* between refreshes; NULL = never */
    bool (*is_same)(const struct prom_sd *a, const struct prom_sd *b);
};

extern const struct provider_ops provider_file_ops;
extern const struct provider_ops provider_http_ops;
extern const struct provider_ops provider_dns_ops;

/* What one file, URL or name gave last. */
struct provider_result {
    str key; /* in groups' arena */
    struct target_groups *groups;
    bool is_fresh; /* seen in the running refresh */
};

/* One source of one job. */
struct provider {
    struct discover *discover;
    const struct provider_ops *ops; /* NULL for static lists */
    const struct prom_sd *sd;
    str job;
    VEC(struct provider_result) results;
    struct loop_timer timer;
    void *state; /* of the kind */
};

struct discover {
    struct loop *loop;
    struct http_engine *engine;
    void (*changed)(void *context);
    void *context;
    struct prom_config *config;
    VEC(struct provider *) providers;
    bool is_applying;        /* changes need not be told */
    const char *dns_servers; /* "HOST:PORT,..." instead of resolv.conf; for tests */
};

/* provider_set keeps groups (which it takes) as the result of a key and tells of the change. */
void provider_set_consume(struct provider *provider, str key, struct target_groups *groups);

/* provider_has says whether there is a result for the key, and marks it fresh. */
bool provider_keep(struct provider *provider, str key);

/* provider_sweep drops results that are not fresh, and makes the others stale for the next round.
 */
void provider_sweep(struct provider *provider);
