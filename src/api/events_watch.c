#include "api/events_watch.h"

#include <stdio.h>
#include <stdlib.h>

#include "alerting/am.h"
#include "api/api.h"
#include "base/vec.h"
#include "codec/json_write.h"
#include "dash/dash_store.h"

/* One thing that is watched: a target, an alert, a rule. */
struct item {
    uint64_t key;    /* which one it is */
    uint64_t digest; /* what is known of it */
    str names[3];    /* for people; in the list's arena */
    const char *state;
};

enum source {
    SOURCE_TARGETS,
    SOURCE_ALERTS,
    SOURCE_RULES,
    SOURCE_SILENCES,
    SOURCE_DASHBOARDS,
    SOURCE_COUNT,
};

struct list {
    struct arena arena;
    VEC(struct item) items;
    size_t counts[3]; /* by state, for the page's badges */
};

struct events_watch {
    const struct api_context *context;
    struct list lists[SOURCE_COUNT][2]; /* what was seen last, and the one before */
    unsigned turn;                      /* which of the two is being made */
    bool has_seen;
    ts config_time;
    bool config_good;
    bool read_only;
};

/* What the names of a list's items are called in JSON, and its counts. */
static const struct {
    const char *kind;
    const char *names[3];
    const char *counts[3];
} sources[SOURCE_COUNT] = {
    [SOURCE_TARGETS] = {"targets", {"job", "instance", "error"}, {"unknown", "up", "down"}},
    [SOURCE_ALERTS] = {"alerts", {"alertname", "group", NULL}, {"suppressed", "pending", "firing"}},
    [SOURCE_RULES] = {"rules", {"rule", "group", "error"}, {"unknown", "ok", "failing"}},
    [SOURCE_SILENCES] = {"silences", {"id", NULL, NULL}, {"active", "pending", "expired"}},
    [SOURCE_DASHBOARDS] = {"dashboards", {"uid", "title", "version"}, {"dashboards", NULL, NULL}},
};

/* ---- what there is ---- */

static uint64_t mix(uint64_t hash, str text)
{
    return hash * UINT64_C(0x9E3779B97F4A7C15) + str_hash(text);
}

static uint64_t mix_labels(uint64_t hash, struct labels labels)
{
    for (size_t i = 0; i < labels.count; i++) {
        hash = mix(mix(hash, labels.items[i].name), labels.items[i].value);
    }
    return hash;
}

/* Names are copied only where they are told, at most so many bytes. */
enum { NAME_BYTES_MAX = 200 };

static void add(struct list *list, struct item item, size_t which)
{
    for (size_t i = 0; i < ARRAY_COUNT(item.names); i++) {
        item.names[i] = str_slice(item.names[i], 0, NAME_BYTES_MAX);
    }
    list->counts[which]++;
    vec_push(&list->items, item);
}

static void read_targets(struct events_watch *watch, struct list *list)
{
    const struct api_context *context = watch->context;
    struct scrape_targets targets = {0};

    if (context->sources.targets == NULL) {
        return;
    }
    context->sources.targets(context->app, &list->arena, STR_NULL, &targets);
    for (size_t i = 0; i < targets.active_count; i++) {
        const struct scrape_target_info *target = &targets.active[i];

        add(list,
            (struct item){
                .key = mix_labels(mix(str_hash(target->pool), target->scrape_url), target->labels),
                .digest = mix((uint64_t)target->health, target->last_error),
                .names = {labels_get(target->labels, STR("job")),
                          labels_get(target->labels, STR("instance")), target->last_error},
                .state = scrape_health_name(target->health)},
            (size_t)target->health);
    }
}

static void read_rule(const struct rule_group_view *group, const struct rule_view *rule,
                      size_t index, struct list *rules, struct list *alerts)
{
    uint64_t key = mix(mix(str_hash(group->file), group->name), rule->spec->name) + index;

    add(rules,
        (struct item){.key = key,
                      .digest = mix((uint64_t)rule->health, rule->error),
                      .names = {rule->spec->name, group->name, rule->error},
                      .state = rule_health_name(rule->health)},
        (size_t)rule->health);
    for (size_t i = 0; i < rule->alert_count; i++) {
        const struct alert_view *alert = &rule->alerts[i];

        add(alerts,
            (struct item){.key = mix_labels(key, alert->labels),
                          .digest = (uint64_t)alert->state,
                          .names = {rule->spec->name, group->name},
                          .state = alert_state_name(alert->state)},
            (size_t)alert->state);
    }
}

static void read_rules(struct events_watch *watch, struct list *rules, struct list *alerts)
{
    const struct api_context *context = watch->context;
    struct rule_group_view *groups = NULL;
    size_t count = 0;

    if (context->sources.rules == NULL) {
        return;
    }
    context->sources.rules(context->app, &rules->arena, &groups, &count);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < groups[i].count; j++) {
            read_rule(&groups[i], &groups[i].rules[j], j, rules, alerts);
        }
    }
}

/* What the alertmanager adds: alerts of others, and which are muted. */
static void read_alerting(struct am *am, struct list *alerts, struct list *silences)
{
    const struct am_filter all = {
        .active = true, .silenced = true, .inhibited = true, .muted = true};
    struct am_alert_view *views = NULL;
    struct am_silence_view *muting = NULL;
    size_t count = 0;

    am_alerts(am, &all, &alerts->arena, &views, &count);
    for (size_t i = 0; i < count; i++) {
        bool muted = views[i].status == AM_STATUS_SUPPRESSED;
        struct item item = {.key = mix_labels(1, views[i].alert.labels),
                            .digest = (uint64_t)views[i].status + views[i].silenced_count * 2,
                            .names = {labels_get(views[i].alert.labels, STR("alertname"))},
                            .state = muted ? "suppressed" : "active"};

        vec_push(&alerts->items, item);
        alerts->counts[0] += muted ? 1 : 0;
    }
    am_silence_list(am, STR_NULL, &silences->arena, &muting, &count);
    for (size_t i = 0; i < count; i++) {
        add(silences,
            (struct item){.key = str_hash(muting[i].id),
                          .digest = (uint64_t)muting[i].updated_at * 4 + (uint64_t)muting[i].state,
                          .names = {muting[i].id},
                          .state = am_silence_state_name(muting[i].state)},
            (size_t)muting[i].state);
    }
}

static void read_dashboards(struct events_watch *watch, struct list *list)
{
    CLEANUP(dash_set_unrefp) struct dash_set *set = NULL;

    if (watch->context->dash == NULL) {
        return;
    }
    set = dash_store_set(watch->context->dash);
    for (size_t i = 0; i < set->count; i++) {
        const struct dash_board *board = set->boards[i];
        uint64_t digest = mix((uint64_t)board->file_mtime_ns, board->folder_uid);

        add(list,
            (struct item){.key = str_hash(board->uid),
                          .digest = digest + (uint64_t)board->version + board->file_size,
                          .names = {arena_str(&list->arena, board->uid),
                                    arena_str(&list->arena, board->title),
                                    arena_printf(&list->arena, "%lld", (long long)board->version)},
                          .state = "here"},
            0);
    }
}

/* ---- what is different ---- */

static int by_key(const void *a, const void *b)
{
    const struct item *left = a;
    const struct item *right = b;

    return (left->key > right->key) - (left->key < right->key);
}

static void write_item(struct json_writer *json, enum source source, const struct item *item,
                       const char *state)
{
    json_write_object_begin(json);
    for (size_t i = 0; i < ARRAY_COUNT(item->names); i++) {
        if (sources[source].names[i] != NULL && item->names[i].len > 0) {
            json_write_pair_str(json, str_from(sources[source].names[i]), item->names[i]);
        }
    }
    json_write_pair_str(json, STR("state"), str_from(state));
    json_write_object_end(json);
}

static void write_counts(struct json_writer *json, enum source source, const struct list *list)
{
    for (size_t i = 0; i < ARRAY_COUNT(list->counts); i++) {
        if (sources[source].counts[i] != NULL) {
            json_write_pair_u64(json, str_from(sources[source].counts[i]), list->counts[i]);
        }
    }
}

/* Both lists are sorted. Writes the first ones that differ; returns how many do. */
static size_t write_changes(struct json_writer *json, enum source source, const struct list *old,
                            const struct list *new)
{
    size_t changed = 0;

    for (size_t i = 0, j = 0; i < old->items.count || j < new->items.count;) {
        const struct item *was = i < old->items.count ? &old->items.items[i] : NULL;
        const struct item *is = j < new->items.count ? &new->items.items[j] : NULL;
        int order = was == NULL ? 1 : is == NULL ? -1 : by_key(was, is);
        bool differs = order != 0 || was->digest != is->digest;

        if (differs && ++changed <= EVENTS_WATCH_NAMED) {
            write_item(json, source, order < 0 ? was : is, order < 0 ? "gone" : is->state);
        }
        i += order <= 0 ? 1 : 0;
        j += order >= 0 ? 1 : 0;
    }
    return changed;
}

static void post_changes(struct events_watch *watch, struct events *events, enum source source)
{
    const struct list *new = &watch->lists[source][watch->turn];
    const struct list *old = &watch->lists[source][1 - watch->turn];
    struct buf text = {0};
    struct json_writer json = json_write_over(&text);
    size_t changed;

    json_write_object_begin(&json);
    write_counts(&json, source, new);
    json_write_key(&json, STR("changed"));
    json_write_array_begin(&json);
    changed = write_changes(&json, source, old, new);
    json_write_array_end(&json);
    json_write_pair_u64(&json, STR("changes"), changed);
    json_write_object_end(&json);
    if (changed > 0) {
        events_post(events, sources[source].kind, buf_view(&text));
    }
    buf_done(&text);
}

/* ---- the configuration, and what is to be noticed ---- */

static void post_notice(struct events *events, const char *level, const char *text)
{
    struct buf buf = {0};
    struct json_writer json = json_write_over(&buf);

    json_write_object_begin(&json);
    json_write_pair_str(&json, STR("level"), str_from(level));
    json_write_pair_str(&json, STR("text"), str_from(text));
    json_write_object_end(&json);
    events_post(events, "notice", buf_view(&buf));
    buf_done(&buf);
}

static void look_at_config(struct events_watch *watch, struct events *events)
{
    const struct api_context *context = watch->context;
    struct arena arena = {0};
    struct api_runtime runtime = {0};
    struct buf buf = {0};
    struct json_writer json = json_write_over(&buf);

    if (context->sources.runtime == NULL) {
        return;
    }
    context->sources.runtime(context->app, &arena, &runtime);
    if (watch->has_seen && (runtime.last_config_time != watch->config_time ||
                            runtime.reload_success != watch->config_good)) {
        json_write_object_begin(&json);
        json_write_pair_bool(&json, STR("good"), runtime.reload_success);
        json_write_pair_i64(&json, STR("time"), runtime.last_config_time);
        json_write_object_end(&json);
        events_post(events, "config", buf_view(&buf));
        if (!runtime.reload_success) {
            post_notice(events, "bad",
                        "The configuration was not reloaded: it has faults, see the log. The one "
                        "before goes on.");
        }
    }
    watch->config_time = runtime.last_config_time;
    watch->config_good = runtime.reload_success;
    buf_done(&buf);
    arena_done(&arena);
}

static void look_at_storage(struct events_watch *watch, struct events *events)
{
    const struct api_context *context = watch->context;
    char why[TSDB_READ_ONLY_BYTES] = "";
    char text[TSDB_READ_ONLY_BYTES + 64];
    bool read_only =
        context->sources.read_only != NULL && context->sources.read_only(context->app, why);

    if (read_only && !watch->read_only) {
        (void)snprintf(text, sizeof(text), "The storage takes no samples: %s", why);
        post_notice(events, "bad", text);
    } else if (!read_only && watch->read_only) {
        post_notice(events, "ok", "The storage takes samples again.");
    }
    watch->read_only = read_only;
}

/* ---- a look ---- */

static void forget(struct list *list)
{
    arena_reset(&list->arena);
    vec_reset(&list->items);
    memset(list->counts, 0, sizeof(list->counts));
}

static void read_all(struct events_watch *watch)
{
    const struct api_context *context = watch->context;
    struct am *am = context->alerting != NULL ? context->alerting(context->app) : NULL;
    struct list *lists[SOURCE_COUNT];

    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        lists[i] = &watch->lists[i][watch->turn];
        forget(lists[i]);
    }
    read_targets(watch, lists[SOURCE_TARGETS]);
    read_rules(watch, lists[SOURCE_RULES], lists[SOURCE_ALERTS]);
    if (am != NULL) {
        read_alerting(am, lists[SOURCE_ALERTS], lists[SOURCE_SILENCES]);
    }
    read_dashboards(watch, lists[SOURCE_DASHBOARDS]);
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        if (lists[i]->items.count > 1) {
            qsort(lists[i]->items.items, lists[i]->items.count, sizeof(struct item), by_key);
        }
    }
}

static void tell_state(struct events_watch *watch, struct events *events)
{
    struct buf text = {0};
    struct json_writer json = json_write_over(&text);

    json_write_object_begin(&json);
    json_write_pair_str(&json, STR("version"), str_from(watch->context->build.program_version));
    json_write_pair_bool(&json, STR("configGood"), watch->config_good);
    json_write_pair_bool(&json, STR("readOnly"), watch->read_only);
    for (enum source source = 0; source < SOURCE_COUNT; source++) {
        json_write_key(&json, str_from(sources[source].kind));
        json_write_object_begin(&json);
        write_counts(&json, source, &watch->lists[source][watch->turn]);
        json_write_object_end(&json);
    }
    json_write_object_end(&json);
    events_state(events, buf_view(&text));
    buf_done(&text);
}

void events_watch_look(void *context, struct events *events)
{
    struct events_watch *watch = context;

    watch->turn = 1 - watch->turn;
    read_all(watch);
    for (enum source source = 0; source < SOURCE_COUNT && watch->has_seen; source++) {
        post_changes(watch, events, source);
    }
    look_at_config(watch, events);
    look_at_storage(watch, events);
    tell_state(watch, events);
    watch->has_seen = true;
}

/* ---- life cycle ---- */

struct events_watch *events_watch_new(const struct api_context *context)
{
    struct events_watch *watch = MEM_NEW(struct events_watch);

    watch->context = context;
    return watch;
}

struct events_watch *events_watch_free(struct events_watch *watch)
{
    for (size_t i = 0; watch != NULL && i < SOURCE_COUNT * 2; i++) {
        vec_done(&watch->lists[i / 2][i % 2].items);
        arena_done(&watch->lists[i / 2][i % 2].arena);
    }
    (void)mem_free(watch);
    return NULL;
}
