#include <string.h>

#include "alerting/am_sender_priv.h"
#include "base/log.h"
#include "base/map.h"

enum { REMOTES_MAX = 1000, LABELS_MAX = 1000 };

/* ---- Plans ---- */

static int set_init(struct am_remote_plan *plan, size_t index, bool is_legacy,
                    struct baro_error *err)
{
    struct am_remote_set *set = &plan->sets[index];
    int r = http_client_check(set->raw->http, err);

    if (r >= 0 && set->raw->sigv4 != NULL) {
        r = error_set(err, BARO_EUNSUPPORTED, "'sigv4' is not supported yet");
    }
    r = r < 0 ? r
              : relabel_rules_new(set->raw->relabel_configs, is_legacy, &set->target_rules, err);
    r = r < 0
            ? r
            : relabel_rules_new(set->raw->alert_relabel_configs, is_legacy, &set->alert_rules, err);
    for (size_t i = 0; r >= 0 && i < set->raw->sds.count; i++) {
        if (set->raw->sds.items[i].kind == PROM_SD_OTHER) {
            r = error_set(err, BARO_EUNSUPPORTED, "'%s' is not supported yet",
                          set->raw->sds.items[i].key);
        }
    }
    return r < 0 ? error_wrap(err, r, "alerting.alertmanagers[%zu]", index) : 0;
}

static void set_external_labels(struct am_remote_plan *plan)
{
    struct conf_pairs pairs = prom_config_global(plan->config)->external_labels;
    struct label *items = ARENA_ARRAY(&plan->arena, struct label, pairs.count);

    for (size_t i = 0; i < pairs.count; i++) {
        items[i] = (struct label){pairs.items[i].name, pairs.items[i].value};
    }
    plan->external_labels = labels_from_pairs(&plan->arena, items, pairs.count);
}

int am_remote_plan_new(struct prom_config *config, struct am_remote_plan **ret,
                       struct baro_error *err)
{
    CLEANUP(am_remote_plan_freep) struct am_remote_plan *plan = MEM_NEW(struct am_remote_plan);
    const struct alerting_raw *raw = prom_config_alerting(config);
    bool is_legacy =
        prom_config_global(config)->metric_name_validation_scheme == PROM_VALIDATION_LEGACY;
    int r;

    plan->config = prom_config_ref(config);
    plan->count = raw->alertmanagers.count;
    plan->sets = ARENA_ARRAY(&plan->arena, struct am_remote_set, plan->count);
    plan->jobs = ARENA_ARRAY(&plan->arena, struct discover_job, plan->count);
    set_external_labels(plan);
    r = relabel_rules_new(raw->alert_relabel_configs, is_legacy, &plan->alert_rules, err);
    for (size_t i = 0; i < plan->count && r >= 0; i++) {
        plan->sets[i].raw = raw->alertmanagers.items[i];
        plan->sets[i].job = arena_printf(&plan->arena, "config-%zu", i);
        plan->jobs[i] = (struct discover_job){plan->sets[i].job, plan->sets[i].raw->sds};
        r = set_init(plan, i, is_legacy, err);
    }
    if (r < 0) {
        return r;
    }
    *ret = TAKE(plan);
    return 0;
}

struct am_remote_plan *am_remote_plan_free(struct am_remote_plan *plan)
{
    if (plan == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < plan->count; i++) {
        (void)http_client_free(plan->sets[i].client);
        (void)relabel_rules_free(plan->sets[i].target_rules);
        (void)relabel_rules_free(plan->sets[i].alert_rules);
    }
    (void)relabel_rules_free(plan->alert_rules);
    (void)prom_config_unref(plan->config);
    arena_done(&plan->arena);
    return mem_free(plan);
}

/* ---- What discovery has ---- */

struct finding {
    struct am_sender *sender;
    struct am_remote_set *set;
    struct arena arena;
    struct map active; /* URL -> set */
    struct map dropped;
};

void am_remote_free(struct am_remote *remote)
{
    for (size_t i = 0; i < remote->queue.count; i++) {
        am_kept_unref(remote->queue.items[i]);
    }
    vec_done(&remote->queue);
    buf_done(&remote->body);
    (void)mem_free(remote->url);
    (void)mem_free(remote);
}

static str path_of(struct arena *arena, str prefix)
{
    while (str_has_suffix(prefix, STR("/"))) {
        prefix.len--;
    }
    return arena_printf(arena, "%s%.*s/api/v2/alerts",
                        prefix.len > 0 && prefix.ptr[0] != '/' ? "/" : "", STR_ARG(prefix));
}

static str url_of(struct arena *arena, const struct labels_builder *labels)
{
    str scheme = labels_builder_get(labels, STR("__scheme__"));
    str address = labels_builder_get(labels, STR("__address__"));
    str path = labels_builder_get(labels, STR("__alerts_path__"));

    if (address.len == 0 || str_index_char(address, '/') != SIZE_MAX) {
        return STR_NULL;
    }
    return arena_printf(arena, "%.*s://%.*s%.*s", STR_ARG(scheme), STR_ARG(address), STR_ARG(path));
}

static void add_labels(struct labels_builder *builder, struct labels labels)
{
    for (size_t i = 0; i < labels.count && builder->count < LABELS_MAX; i++) {
        if (labels_builder_get(builder, labels.items[i].name).ptr == NULL) {
            labels_builder_add(builder, labels.items[i].name, labels.items[i].value);
        }
    }
}

static void visit(const struct target_group *group, void *context)
{
    struct finding *finding = context;
    struct labels_builder builder = {0};

    for (size_t i = 0; i < group->target_count && finding->active.count < REMOTES_MAX; i++) {
        struct map *into = &finding->active;
        str before;
        str url;

        labels_builder_reset(&builder);
        labels_builder_add(&builder, STR("__address__"), group->addresses[i]);
        if (group->extra != NULL) {
            add_labels(&builder, group->extra[i]);
        }
        add_labels(&builder, group->labels);
        labels_builder_set(&builder, STR("__scheme__"), finding->set->raw->scheme);
        labels_builder_set(&builder, STR("__alerts_path__"),
                           path_of(&finding->arena, finding->set->raw->path_prefix));
        before = url_of(&finding->arena, &builder);
        if (!relabel_apply(finding->set->target_rules, &builder, &finding->arena)) {
            into = &finding->dropped;
            url = before;
        } else {
            url = url_of(&finding->arena, &builder);
        }
        if (url.ptr != NULL && map_get(into, url) == NULL) {
            (void)map_put(into, url, finding->set);
        }
    }
    labels_builder_done(&builder);
}

static struct am_remote *remote_at(struct am_sender *sender, str url)
{
    for (size_t i = 0; i < sender->remotes.count; i++) {
        if (str_is(url, sender->remotes.items[i]->url)) {
            return sender->remotes.items[i];
        }
    }
    return NULL;
}

static void remove_lost_locked(struct am_sender *sender, const struct map *active)
{
    size_t kept = 0;
    size_t count = sender->remotes.count;

    lock_assert_held(&sender->lock);
    for (size_t i = 0; i < count; i++) {
        struct am_remote *remote = sender->remotes.items[i];
        struct am_remote_set *set = map_get(active, str_from(remote->url));

        if (set != NULL) {
            remote->set = set;
            sender->remotes.items[kept++] = remote;
            continue;
        }
        sender->dropped_before += remote->dropped + remote->queue.count;
        if (http_call_is_running(&remote->call)) {
            http_call_cancel(&remote->call);
            sender->calls--;
            sender->dropped_before += remote->sending;
        }
        am_remote_free(remote);
    }
    sender->remotes.count = kept;
}

static void keep_dropped_locked(struct am_sender *sender, const struct map *dropped)
{
    size_t index = 0;

    lock_assert_held(&sender->lock);
    while (sender->dropped_urls.count > 0) {
        (void)mem_free(vec_pop(&sender->dropped_urls));
    }
    for (const struct map_entry *slot; (slot = map_next(dropped, &index)) != NULL;) {
        vec_push(&sender->dropped_urls, str_dup_c(slot->key));
    }
}

void am_remotes_find(struct am_sender *sender)
{
    struct finding finding = {.sender = sender};
    size_t index = 0;

    for (size_t i = 0; sender->plan != NULL && i < sender->plan->count; i++) {
        finding.set = &sender->plan->sets[i];
        discover_each(sender->discover, finding.set->job, visit, &finding);
    }
    lock_acquire(&sender->lock);
    remove_lost_locked(sender, &finding.active);
    for (const struct map_entry *slot; (slot = map_next(&finding.active, &index)) != NULL;) {
        struct am_remote *remote;

        if (remote_at(sender, slot->key) != NULL) {
            continue;
        }
        remote = MEM_NEW(struct am_remote);
        remote->sender = sender;
        remote->set = slot->value;
        remote->url = str_dup_c(slot->key);
        vec_push(&sender->remotes, remote);
    }
    keep_dropped_locked(sender, &finding.dropped);
    lock_release(&sender->lock);
    map_done(&finding.active);
    map_done(&finding.dropped);
    arena_done(&finding.arena);
}
