#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "conf/prom_config.h"
#include "http/client.h"
#include "model/relabel.h"
#include "scrape/scrape_worker.h"

static struct scrape_job *job_free(struct scrape_job *job)
{
    job->target_rules = relabel_rules_free(job->target_rules);
    job->metric_rules = relabel_rules_free(job->metric_rules);
    job->config = prom_config_unref(job->config);
    (void)mem_free(job->accept);
    return mem_free(job);
}

int scrape_job_new(struct prom_config *config, const struct prom_scrape *settings,
                   const struct scrape_options *options, struct scrape_job **ret,
                   struct baro_error *err)
{
    struct scrape_job *job = MEM_NEW(struct scrape_job);
    const bool is_legacy = settings->metric_name_validation_scheme == PROM_VALIDATION_LEGACY;
    struct buf accept = {0};
    int result = http_client_check(settings->http, err);

    atomic_init(&job->refs, 1);
    job->config = prom_config_ref(config);
    job->settings = settings;
    job->extra_metrics = options->extra_metrics || settings->extra_scrape_metrics == CONF_ON;
    job->append_metadata = options->metadata_append;
    job->type_and_unit_labels = options->type_and_unit_labels;
    job->append_exemplars = options->exemplar_append;
    job->keep_starts = options->keep_starts;
    buf_c(&accept, "Accept: ");
    target_accept_header(&accept, settings);
    job->accept = buf_take_c(&accept);
    if (result >= 0) {
        result = relabel_rules_new(settings->relabel_configs, is_legacy, &job->target_rules, err);
    }
    if (result >= 0) {
        result =
            relabel_rules_new(settings->metric_relabel_configs, is_legacy, &job->metric_rules, err);
    }
    if (result < 0) {
        (void)job_free(job);
        return error_wrap(err, result, "job %.*s", STR_ARG(settings->job_name));
    }
    *ret = job;
    return 0;
}

struct scrape_job *scrape_job_ref(struct scrape_job *job)
{
    (void)atomic_fetch_add_explicit(&job->refs, 1, memory_order_relaxed);
    return job;
}

struct scrape_job *scrape_job_unref(struct scrape_job *job)
{
    /* The last one to let go must see what the others wrote. */
    if (job != NULL && atomic_fetch_sub_explicit(&job->refs, 1, memory_order_acq_rel) == 1) {
        return job_free(job);
    }
    return NULL;
}

static bool strs_equal(struct conf_strs a, struct conf_strs b)
{
    if (a.count != b.count) {
        return false;
    }
    for (size_t i = 0; i < a.count; i++) {
        if (!str_eq(a.items[i], b.items[i])) {
            return false;
        }
    }
    return true;
}

static bool relabels_equal(struct prom_relabels a, struct prom_relabels b)
{
    if (a.count != b.count) {
        return false;
    }
    for (size_t i = 0; i < a.count; i++) {
        const struct prom_relabel *one = a.items[i];
        const struct prom_relabel *two = b.items[i];

        if (one->action != two->action || one->modulus != two->modulus ||
            !str_eq(one->separator, two->separator) || !str_eq(one->regex, two->regex) ||
            !str_eq(one->target_label, two->target_label) ||
            !str_eq(one->replacement, two->replacement) ||
            !strs_equal(one->source_labels, two->source_labels)) {
            return false;
        }
    }
    return true;
}

bool scrape_job_keeps_caches(const struct scrape_job *before, const struct scrape_job *after)
{
    const struct prom_scrape *a = before->settings;
    const struct prom_scrape *b = after->settings;

    return a->honor_labels == b->honor_labels && a->label_limit == b->label_limit &&
           a->label_name_length_limit == b->label_name_length_limit &&
           a->label_value_length_limit == b->label_value_length_limit &&
           a->metric_name_validation_scheme == b->metric_name_validation_scheme &&
           relabels_equal(a->metric_relabel_configs, b->metric_relabel_configs);
}

struct scrape_target *scrape_target_new(void)
{
    struct scrape_target *target = MEM_NEW(struct scrape_target);

    atomic_init(&target->refs, 1);
    lock_init(&target->lock, LOCK_SCRAPE_TARGET);
    target->last_scrape = INT64_MIN;
    target_metadata_init(&target->series.metadata, &target->lock);
    return target;
}

struct scrape_target *scrape_target_ref(struct scrape_target *target)
{
    (void)atomic_fetch_add_explicit(&target->refs, 1, memory_order_relaxed);
    return target;
}

struct scrape_target *scrape_target_unref(struct scrape_target *target)
{
    if (target == NULL || atomic_fetch_sub_explicit(&target->refs, 1, memory_order_acq_rel) != 1) {
        return NULL;
    }
    ASSERT(target->job == NULL && target->headers == NULL && target->timer.slot == 0);
    scrape_series_done(&target->series);
    lock_done(&target->lock);
    arena_done(&target->arena);
    arena_done(&target->state_arena);
    return mem_free(target);
}
