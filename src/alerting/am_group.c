#include "alerting/am_priv.h"
#include "base/assert.h"
#include "base/log.h"

/* ---- Order ---- */

/*
 * The order of label sets in Alertmanager: fewer labels first; then, over the names of both in
 * order, the one that lacks a name, or has the smaller value.
 */
int am_labels_before_cmp(struct labels a, struct labels b)
{
    size_t i = 0;

    if (a.count != b.count) {
        return a.count < b.count ? -1 : 1;
    }
    for (; i < a.count; i++) {
        int names = str_cmp(a.items[i].name, b.items[i].name);
        int values = str_cmp(a.items[i].value, b.items[i].value);

        if (names != 0) {
            return names < 0 ? 1 : -1; /* the smaller name is absent on the other side */
        }
        if (values != 0) {
            return values;
        }
    }
    return 0;
}

/* By one label that goes before all others; whoever has it comes first. 0 = it does not decide. */
static int cmp_by(str name, struct labels a, struct labels b)
{
    str x = labels_get(a, name);
    str y = labels_get(b, name);

    if (x.ptr == NULL && y.ptr == NULL) {
        return 0;
    }
    return x.ptr == NULL ? 1 : y.ptr == NULL ? -1 : str_cmp(x, y);
}

int am_alerts_cmp(const struct am_alert *a, const struct am_alert *b)
{
    int order = cmp_by(STR("job"), a->labels, b->labels);

    order = order != 0 ? order : cmp_by(STR("instance"), a->labels, b->labels);
    return order != 0 ? order : am_labels_before_cmp(a->labels, b->labels);
}

/* ---- Making and ending ---- */

static bool is_grouped_by(const struct am_route *route, str name)
{
    for (size_t i = 0; i < route->group_by.count; i++) {
        if (str_eq(route->group_by.items[i], name)) {
            return true;
        }
    }
    return route->group_by_all;
}

static struct labels group_labels(struct arena *arena, const struct am_route *route,
                                  struct labels labels)
{
    struct label *items = ARENA_ARRAY(arena, struct label, labels.count);
    size_t count = 0;

    for (size_t i = 0; i < labels.count; i++) {
        if (is_grouped_by(route, labels.items[i].name)) {
            items[count++] = labels.items[i];
        }
    }
    return (struct labels){items, count};
}

static void write_labels(struct buf *buf, struct labels labels)
{
    buf_char(buf, '{');
    for (size_t i = 0; i < labels.count; i++) {
        buf_c(buf, i > 0 ? ", " : "");
        buf_str(buf, labels.items[i].name);
        buf_char(buf, '=');
        buf_quoted(buf, labels.items[i].value);
    }
    buf_char(buf, '}');
}

static struct am_group *group_new(struct am *am, const struct am_route *route, struct labels labels,
                                  str map_key)
{
    struct arena arena = {0};
    struct am_group *group = ARENA_NEW(&arena, struct am_group);

    group->map_key = arena_str(&arena, map_key);
    group->key = str_from_index(group->map_key, str_index_char(group->map_key, ' ') + 1);
    group->labels = labels_copy(&arena, labels);
    group->route = route;
    group->targets = am_setup_targets(am->setup, route->receiver);
    group->timer.kind = AM_TIMER_GROUP;
    group->arena = arena;
    ASSERT(group->targets != NULL);
    return group;
}

void am_group_free(struct am_group *group)
{
    struct arena arena = group->arena;
    size_t index = 0;

    ASSERT(group->flush == NULL && group->timer.slot == 0);
    for (const struct am_fp_slot *slot; (slot = am_fps_next(&group->alerts, &index)) != NULL;) {
        am_kept_unref(slot->value);
    }
    am_fps_done(&group->alerts);
    arena_done(&arena); /* the group is in it */
}

static void group_drop_locked(struct am *am, struct am_group *group)
{
    am_timers_stop(&am->timers, &group->timer);
    group->is_dropped = true;
    if (group->flush == NULL) {
        am_group_free(group);
    }
}

void am_groups_drop_locked(struct am *am)
{
    struct map groups = am->groups;
    size_t index = 0;

    am->groups = (struct map){0};
    for (struct map_entry *slot; (slot = map_next(&groups, &index)) != NULL;) {
        group_drop_locked(am, slot->value);
    }
    map_done(&groups);
}

void am_groups_empty_locked(struct am *am)
{
    VEC(struct am_group *) empty = {0};
    size_t index = 0;

    for (struct map_entry *slot; (slot = map_next(&am->groups, &index)) != NULL;) {
        struct am_group *group = slot->value;

        if (group->alerts.count == 0) {
            vec_push(&empty, group);
        }
    }
    for (size_t i = 0; i < empty.count; i++) {
        (void)map_remove(&am->groups, empty.items[i]->map_key);
        group_drop_locked(am, empty.items[i]);
    }
    vec_done(&empty);
}

/* ---- Alerts in groups ---- */

/* The group of an alert at one of its routes; NULL when there are too many. */
static struct am_group *group_of(struct am *am, const struct am_route *route, struct labels labels)
{
    struct arena arena = {0};
    struct buf key = {0};
    struct am_group *group;

    labels = group_labels(&arena, route, labels);
    buf_printf(&key, "%zu ", am_setup_route_id(am->setup, route));
    buf_str(&key, route->key);
    buf_char(&key, ':');
    write_labels(&key, labels);
    group = map_get(&am->groups, buf_view(&key));
    if (group == NULL && am->groups.count >= am->options.groups_max) {
        am->counters.group_limit++;
    } else if (group == NULL) {
        group = group_new(am, route, labels, buf_view(&key));
        (void)map_put(&am->groups, group->map_key, group);
        am_timers_start(&am->timers, &group->timer, am_mono(am) + route->group_wait * MONO_PER_MS);
    }
    buf_done(&key);
    arena_done(&arena);
    return group;
}

static void insert(struct am *am, struct am_group *group, struct am_kept *kept, ts now)
{
    am_kept_unref(am_fps_put(&group->alerts, kept->alert.fingerprint, am_kept_ref(kept)));
    /* An alert that has waited long enough elsewhere (before a restart, say) does not wait again.
     */
    if (!group->has_flushed && kept->alert.starts_at + group->route->group_wait < now) {
        am_timers_start(&am->timers, &group->timer, am_mono(am));
    }
}

void am_groups_insert_locked(struct am *am, struct am_kept *kept)
{
    am_routes routes = {0};
    ts now = am_now(am);

    lock_assert_held(&am->lock);
    am_route_match(am->setup->config->route, kept->alert.labels, &routes);
    for (size_t i = 0; i < routes.count; i++) {
        struct am_group *group = group_of(am, routes.items[i], kept->alert.labels);

        if (group != NULL) {
            insert(am, group, kept, now);
        }
    }
    am->counters.processed++;
    vec_done(&routes);
}
