#include "discover/discover.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "discover/discover_priv.h"
#include "sys/clock.h"

static void told(struct provider *provider)
{
    struct discover *discover = provider->discover;

    if (!discover->is_applying) {
        discover->changed(discover->context);
    }
}

static struct provider_result *result_find(struct provider *provider, str key)
{
    for (size_t i = 0; i < provider->results.count; i++) {
        if (str_eq(provider->results.items[i].key, key)) {
            return &provider->results.items[i];
        }
    }
    return NULL;
}

static void log_groups(const struct provider *provider, str key, const struct target_groups *groups)
{
    size_t count = 0;

    for (size_t i = 0; i < groups->count; i++) {
        count += groups->items[i].target_count;
    }
    log_debug("targets discovered", log_str("job", provider->job), log_str("source", key),
              log_int("targets", (int64_t)count));
}

void provider_set_consume(struct provider *provider, str key, struct target_groups *groups)
{
    struct provider_result *result = result_find(provider, key);

    log_groups(provider, key, groups);
    key = arena_str(&groups->arena, key);
    if (result == NULL) {
        vec_push(&provider->results, ((struct provider_result){key, groups, true}));
    } else {
        (void)target_groups_free(result->groups);
        *result = (struct provider_result){key, groups, true};
    }
    told(provider);
}

bool provider_keep(struct provider *provider, str key)
{
    struct provider_result *result = result_find(provider, key);

    if (result != NULL) {
        result->is_fresh = true;
    }
    return result != NULL;
}

void provider_sweep(struct provider *provider)
{
    size_t kept = 0;
    size_t count = provider->results.count;

    for (size_t i = 0; i < count; i++) {
        struct provider_result *result = &provider->results.items[i];

        if (result->is_fresh) {
            result->is_fresh = false;
            provider->results.items[kept++] = *result;
        } else {
            (void)target_groups_free(result->groups);
        }
    }
    provider->results.count = kept;
    if (kept != count) {
        told(provider);
    }
}

/* ---- static lists ---- */

static void static_set(struct provider *provider)
{
    const struct prom_sd *sd = provider->sd;
    struct target_groups *groups = target_groups_new();
    struct arena *arena = &groups->arena;

    groups->count = sd->targets.group_count;
    groups->items = ARENA_ARRAY(arena, struct target_group, groups->count + 1);
    for (size_t i = 0; i < groups->count; i++) {
        const struct prom_target_group *from = sd->targets.groups[i];
        struct label *pairs = ARENA_ARRAY(arena, struct label, from->labels.count + 1);

        for (size_t k = 0; k < from->labels.count; k++) {
            pairs[k] = (struct label){from->labels.items[k].name, from->labels.items[k].value};
        }
        groups->items[i] = (struct target_group){
            .source = arena_printf(arena, "%zu", i),
            .labels = labels_from_pairs(arena, pairs, from->labels.count),
            .addresses = from->targets.items,
            .target_count = from->targets.count,
        };
    }
    provider_set_consume(provider, STR("static"), groups);
}

/* ---- providers ---- */

static const struct provider_ops *ops_of(enum prom_sd_kind kind)
{
    switch (kind) {
    case PROM_SD_FILE:
        return &provider_file_ops;
    case PROM_SD_HTTP:
        return &provider_http_ops;
    case PROM_SD_DNS:
        return &provider_dns_ops;
    case PROM_SD_STATIC:
    case PROM_SD_OTHER:
        break;
    }
    return NULL;
}

static void provider_timer(struct loop_timer *timer)
{
    struct provider *provider = CONTAINER_OF(timer, struct provider, timer);
    struct loop *loop = provider->discover->loop;
    dur interval = provider->ops->interval(provider->sd);

    loop_timer_start(loop, timer, clock_mono(loop_clock(loop)) + interval * MONO_PER_MS);
    provider->ops->refresh(provider);
}

static void provider_free(struct provider *provider)
{
    loop_timer_stop(provider->discover->loop, &provider->timer);
    if (provider->ops != NULL) {
        provider->ops->stop(provider);
    }
    for (size_t i = 0; i < provider->results.count; i++) {
        (void)target_groups_free(provider->results.items[i].groups);
    }
    vec_done(&provider->results);
    (void)mem_free(provider);
}

static struct provider *provider_new(struct discover *discover, const struct prom_sd *sd, str job)
{
    struct provider *provider = MEM_NEW(struct provider);

    provider->discover = discover;
    provider->ops = ops_of(sd->kind);
    provider->sd = sd;
    provider->job = job;
    provider->timer.fire = provider_timer;
    return provider;
}

static void provider_start(struct provider *provider)
{
    struct baro_error err = {0};

    if (provider->ops == NULL) {
        static_set(provider);
        return;
    }
    if (provider->ops->start(provider, &err) < 0) {
        log_error("discovery cannot be started", log_str("job", provider->job),
                  log_c("kind", provider->sd->key), log_err(&err));
    }
    provider_timer(&provider->timer);
}

/* ---- discovery ---- */

int discover_new(struct loop *loop, struct http_engine *engine, void (*changed)(void *context),
                 void *context, struct discover **ret, struct baro_error *err)
{
    struct discover *discover = MEM_NEW(struct discover);

    (void)err;
    discover->loop = loop;
    discover->engine = engine;
    discover->changed = changed;
    discover->context = context;
    *ret = discover;
    return 0;
}

static void providers_free(struct discover *discover)
{
    for (size_t i = 0; i < discover->providers.count; i++) {
        provider_free(discover->providers.items[i]);
    }
    vec_done(&discover->providers);
}

struct discover *discover_free(struct discover *discover)
{
    if (discover == NULL) {
        return NULL;
    }
    providers_free(discover);
    discover->config = prom_config_unref(discover->config);
    return mem_free(discover);
}

static int kinds_check(const struct discover_job *jobs, size_t count, struct baro_error *err)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < jobs[i].sds.count; k++) {
            if (jobs[i].sds.items[k].kind == PROM_SD_OTHER) {
                return error_set(err, BARO_EUNSUPPORTED, "job %.*s: '%s' is not supported yet",
                                 STR_ARG(jobs[i].name), jobs[i].sds.items[k].key);
            }
        }
    }
    return 0;
}

/* Takes over what the same source had found under the configuration before. */
static void results_inherit(struct provider *provider, struct discover *before)
{
    for (size_t i = 0; i < before->providers.count && provider->ops != NULL; i++) {
        struct provider *old = before->providers.items[i];

        if (old->ops == provider->ops && str_eq(old->job, provider->job) &&
            old->results.count > 0 && provider->ops->is_same(old->sd, provider->sd)) {
            provider->results.items = old->results.items;
            provider->results.count = old->results.count;
            provider->results.capacity = old->results.capacity;
            old->results.items = NULL;
            old->results.count = 0;
            old->results.capacity = 0;
            return;
        }
    }
}

int discover_apply_jobs(struct discover *discover, struct prom_config *config,
                        const struct discover_job *jobs, size_t count, struct baro_error *err)
{
    struct discover before = *discover;
    int result = kinds_check(jobs, count, err);

    if (result < 0) {
        return result;
    }
    memset(&discover->providers, 0, sizeof(discover->providers));
    discover->config = prom_config_ref(config);
    discover->is_applying = true;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < jobs[i].sds.count; k++) {
            struct provider *provider = provider_new(discover, &jobs[i].sds.items[k], jobs[i].name);

            vec_push(&discover->providers, provider);
            results_inherit(provider, &before);
            provider_start(provider);
        }
    }
    discover->is_applying = false;
    providers_free(&before);
    (void)prom_config_unref(before.config);
    return 0;
}

int discover_apply(struct discover *discover, struct prom_config *config, struct baro_error *err)
{
    const struct prom_scrapes scrapes = prom_config_scrapes(config);
    struct discover_job *jobs = mem_alloc_zero((scrapes.count + 1) * sizeof(*jobs));
    int result;

    for (size_t i = 0; i < scrapes.count; i++) {
        jobs[i] = (struct discover_job){scrapes.items[i]->job_name, scrapes.items[i]->sds};
    }
    result = discover_apply_jobs(discover, config, jobs, scrapes.count, err);
    (void)mem_free(jobs);
    return result;
}

void discover_each(struct discover *discover, str job,
                   void (*visit)(const struct target_group *group, void *context), void *context)
{
    for (size_t i = 0; i < discover->providers.count; i++) {
        const struct provider *provider = discover->providers.items[i];

        if (!str_eq(provider->job, job)) {
            continue;
        }
        for (size_t k = 0; k < provider->results.count; k++) {
            const struct target_groups *groups = provider->results.items[k].groups;

            for (size_t g = 0; g < groups->count; g++) {
                visit(&groups->items[g], context);
            }
        }
    }
}
