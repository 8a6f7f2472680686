#include <stdlib.h>
#include <string.h>

#include "alerting/am_priv.h"

/* ---- Alerts ---- */

static void copy_alert(struct arena *arena, const struct am_alert *from, struct am_alert *ret)
{
    *ret = *from;
    ret->labels = labels_copy(arena, from->labels);
    ret->annotations = labels_copy(arena, from->annotations);
    ret->generator_url = arena_str(arena, from->generator_url);
}

static void view_silences(struct am *am, struct am_kept *kept, ts now, struct arena *arena,
                          struct am_alert_view *ret)
{
    am_strs ids = {0};
    str *copies;

    if (!am_is_silenced_locked(am, kept, now)) {
        return;
    }
    (void)am_silences_match(&am->silences, kept->alert.labels, &ids);
    copies = ARENA_ARRAY(arena, str, ids.count);
    for (size_t i = 0; i < ids.count; i++) {
        copies[i] = arena_str(arena, ids.items[i]);
    }
    ret->silenced_by = copies;
    ret->silenced_count = ids.count;
    vec_done(&ids);
}

/* Whether it is wanted; then it is copied, without its receivers. */
static bool view_alert(struct am *am, struct am_kept *kept, const struct am_filter *filter, ts now,
                       struct arena *arena, struct am_alert_view *ret)
{
    struct labels labels = kept->alert.labels;

    *ret = (struct am_alert_view){0};
    if (kept->alert.ends_at < now ||
        (filter->matchers != NULL && !am_matchers_match(filter->matchers, labels))) {
        return false;
    }
    (void)am_inhibitor_mutes(&am->setup->inhibitor, labels, now, &ret->inhibited_by);
    view_silences(am, kept, now, arena, ret);
    ret->status =
        ret->silenced_count > 0 || ret->inhibited_by != 0 ? AM_STATUS_SUPPRESSED : AM_STATUS_ACTIVE;
    if ((!filter->active && ret->status == AM_STATUS_ACTIVE) ||
        (!filter->silenced && ret->silenced_count > 0) ||
        (!filter->inhibited && ret->inhibited_by != 0)) {
        return false;
    }
    copy_alert(arena, &kept->alert, &ret->alert);
    ret->is_acknowledged = am_ack_view_locked(am, &kept->alert, now, arena, &ret->ack);
    return true;
}

/* Whether a receiver's labels are wanted. */
static bool is_owned(const struct am *am, str receiver, const struct am_filter *filter)
{
    const struct am_config *config = am->setup->config;

    for (size_t i = 0; filter->receiver_matchers != NULL && i < config->receiver_count; i++) {
        if (str_eq(config->receivers[i].name, receiver)) {
            return am_matchers_match(filter->receiver_matchers, config->receivers[i].labels);
        }
    }
    return filter->receiver_matchers == NULL;
}

/* The receivers of an alert; whether one of them is wanted. */
static bool view_receivers(struct am *am, struct am_kept *kept, const struct am_filter *filter,
                           struct arena *arena, const str **ret, size_t *ret_count)
{
    am_routes routes = {0};
    bool wanted = filter->receiver == NULL;
    bool owned = false;
    str *names;

    am_route_match(am->setup->config->route, kept->alert.labels, &routes);
    names = ARENA_ARRAY(arena, str, routes.count);
    for (size_t i = 0; i < routes.count; i++) {
        names[i] = arena_str(arena, routes.items[i]->receiver);
        wanted = wanted || filter->receiver(filter->context, names[i]);
        owned = owned || is_owned(am, names[i], filter);
    }
    *ret = names;
    *ret_count = routes.count;
    vec_done(&routes);
    return wanted && (owned || filter->receiver_matchers == NULL);
}

static int cmp_fingerprints(const void *a, const void *b)
{
    uint64_t x = ((const struct am_alert_view *)a)->alert.fingerprint;
    uint64_t y = ((const struct am_alert_view *)b)->alert.fingerprint;

    return x < y ? -1 : x > y;
}

void am_alerts(struct am *am, const struct am_filter *filter, struct arena *arena,
               struct am_alert_view **ret, size_t *ret_count)
{
    ts now = am_now(am);
    size_t index = 0;
    size_t count = 0;
    struct am_alert_view *views;

    lock_acquire(&am->lock);
    views = ARENA_ARRAY(arena, struct am_alert_view, am->store.alerts.count + 1);
    for (const struct am_fp_slot *slot;
         am->setup != NULL && (slot = am_fps_next(&am->store.alerts, &index)) != NULL;) {
        struct am_alert_view *view = &views[count];
        const str *names;
        size_t name_count;

        if (view_receivers(am, slot->value, filter, arena, &names, &name_count) &&
            view_alert(am, slot->value, filter, now, arena, view)) {
            view->receivers = names;
            view->receiver_count = name_count;
            count++;
        }
    }
    lock_release(&am->lock);
    qsort(views, count, sizeof(*views), cmp_fingerprints);
    *ret = views;
    *ret_count = count;
}

/* ---- Groups ---- */

static int cmp_alerts(const void *a, const void *b)
{
    return am_alerts_cmp(&((const struct am_alert_view *)a)->alert,
                         &((const struct am_alert_view *)b)->alert);
}

static int cmp_groups(const void *a, const void *b)
{
    const struct am_group_view *x = a;
    const struct am_group_view *y = b;
    int order = am_labels_before_cmp(x->labels, y->labels);

    order = order != 0 ? order : str_cmp(x->receiver, y->receiver);
    return order != 0 ? order : str_cmp(x->key, y->key);
}

/* Copies what its route's labels are rendered from once the lock is released. */
static void view_route_labels(const struct am_group *group, ts now, struct arena *arena,
                              struct am_group_view *ret)
{
    struct am_alert *batch;
    struct am_notification *from;
    size_t index = 0;

    if (group->route->labels.count == 0) {
        return;
    }
    batch = ARENA_ARRAY(arena, struct am_alert, group->alerts.count);
    from = ARENA_NEW(arena, struct am_notification);
    *from = (struct am_notification){.receiver = ret->receiver,
                                     .group_key = ret->key,
                                     .group_labels = ret->labels,
                                     .now = now,
                                     .route_labels = group->route->labels,
                                     .batch = batch};
    for (const struct am_fp_slot *slot; (slot = am_fps_next(&group->alerts, &index)) != NULL;) {
        copy_alert(arena, &((const struct am_kept *)slot->value)->alert,
                   &batch[from->batch_count++]);
    }
    ret->unrendered = from;
}

static void view_group(struct am *am, const struct am_group *group, const struct am_filter *filter,
                       ts now, struct arena *arena, struct am_group_view *ret)
{
    struct am_alert_view *views = ARENA_ARRAY(arena, struct am_alert_view, group->alerts.count);
    size_t index = 0;

    *ret = (struct am_group_view){.alerts = views};
    for (const struct am_fp_slot *slot; (slot = am_fps_next(&group->alerts, &index)) != NULL;) {
        if (view_alert(am, slot->value, filter, now, arena, &views[ret->count])) {
            ret->count++;
        }
    }
    ret->labels = labels_copy(arena, group->labels);
    ret->receiver = arena_str(arena, group->route->receiver);
    ret->key = arena_str(arena, group->key);
    ret->muted_by = arena_str(arena, group->muted_by);
    if (ret->count > 0) {
        view_route_labels(group, now, arena, ret);
    }
}

/* Alerts of several groups have the receivers of all that were looked at, sorted, as Alertmanager
 * has it. */
static void share_receivers(struct am_group_view *groups, size_t count, struct arena *arena)
{
    struct am_fps seen = {0};

    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < groups[i].count; k++) {
            struct am_alert_view *view = (struct am_alert_view *)&groups[i].alerts[k];
            struct am_alert_view *before = am_fps_put(&seen, view->alert.fingerprint, view);
            size_t known = before != NULL ? before->receiver_count : 0;
            str *names = ARENA_ARRAY(arena, str, known + 1);

            size_t at = known;

            while (at > 0 && str_cmp(before->receivers[at - 1], groups[i].receiver) > 0) {
                names[at] = before->receivers[at - 1];
                at--;
            }
            if (at > 0) {
                memcpy(names, before->receivers, at * sizeof(*names));
            }
            names[at] = groups[i].receiver;
            view->receivers = names;
            view->receiver_count = known + 1;
        }
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < groups[i].count; k++) {
            struct am_alert_view *view = (struct am_alert_view *)&groups[i].alerts[k];
            const struct am_alert_view *last = am_fps_get(&seen, view->alert.fingerprint);

            view->receivers = last->receivers;
            view->receiver_count = last->receiver_count;
        }
    }
    am_fps_done(&seen);
}

void am_groups(struct am *am, const struct am_filter *filter, struct arena *arena,
               struct am_group_view **ret, size_t *ret_count)
{
    ts now = am_now(am);
    size_t index = 0;
    size_t count = 0;
    struct am_group_view *views;
    struct am_setup *setup = NULL;

    lock_acquire(&am->lock);
    setup = am->setup != NULL ? am_setup_ref(am->setup) : NULL; /* the routes' labels are in it */
    views = ARENA_ARRAY(arena, struct am_group_view, am->groups.count + 1);
    for (const struct map_entry *slot; (slot = map_next(&am->groups, &index)) != NULL;) {
        const struct am_group *group = slot->value;

        if ((filter->receiver != NULL &&
             !filter->receiver(filter->context, group->route->receiver)) ||
            !is_owned(am, group->route->receiver, filter) ||
            (!filter->muted && group->muted_by.len > 0)) {
            continue;
        }
        view_group(am, group, filter, now, arena, &views[count]);
        count += views[count].count > 0 ? 1 : 0;
    }
    lock_release(&am->lock);
    for (size_t i = 0; i < count; i++) {
        qsort((void *)views[i].alerts, views[i].count, sizeof(struct am_alert_view), cmp_alerts);
        if (views[i].unrendered != NULL && setup->sending->route_labels != NULL) {
            views[i].route_labels =
                setup->sending->route_labels(setup->prepared, views[i].unrendered, arena);
        }
    }
    if (setup != NULL) {
        lock_acquire(&am->lock);
        am_setup_unref(setup);
        lock_release(&am->lock);
    }
    qsort(views, count, sizeof(*views), cmp_groups);
    share_receivers(views, count, arena);
    *ret = views;
    *ret_count = count;
}

/* ---- Silences ---- */

static void view_silence(struct arena *arena, const struct am_silence *silence, ts now,
                         struct am_silence_view *ret)
{
    struct am_silence_matcher *matchers =
        ARENA_ARRAY(arena, struct am_silence_matcher, silence->matchers.count);

    for (size_t i = 0; i < silence->matchers.count; i++) {
        matchers[i] = (struct am_silence_matcher){
            silence->matchers.items[i].op, arena_str(arena, silence->matchers.items[i].name),
            arena_str(arena, silence->matchers.items[i].value)};
    }
    *ret = (struct am_silence_view){.id = arena_str(arena, silence->id),
                                    .state = am_silence_state_of(silence, now),
                                    .matchers = matchers,
                                    .matcher_count = silence->matchers.count,
                                    .starts_at = silence->starts_at,
                                    .ends_at = silence->ends_at,
                                    .updated_at = silence->updated_at,
                                    .created_by = arena_str(arena, silence->created_by),
                                    .comment = arena_str(arena, silence->comment),
                                    .annotations = labels_copy(arena, silence->annotations),
                                    .now = now};
    if (silence->schedule != NULL) {
        ret->schedule = arena_str(arena, am_schedule_text(silence->schedule));
    }
}

/* Active ones by end, pending ones by begin, expired ones by end with the last first. */
static int cmp_silences(const void *a, const void *b)
{
    const struct am_silence_view *x = a;
    const struct am_silence_view *y = b;
    ts left = x->state == AM_SILENCE_PENDING ? x->starts_at : x->ends_at;
    ts right = x->state == AM_SILENCE_PENDING ? y->starts_at : y->ends_at;
    int order = left < right ? -1 : left > right;

    if (x->state != y->state) {
        return x->state < y->state ? -1 : 1;
    }
    order = x->state == AM_SILENCE_EXPIRED ? -order : order;
    return order != 0 ? order : str_cmp(x->id, y->id);
}

void am_silence_list(struct am *am, str id, struct arena *arena, struct am_silence_view **ret,
                     size_t *ret_count)
{
    ts now = am_now(am);
    struct am_silence_view *views;
    size_t count = 0;

    lock_acquire(&am->lock);
    views = ARENA_ARRAY(arena, struct am_silence_view, am->silences.items.count + 1);
    for (size_t i = 0; i < am->silences.items.count; i++) {
        const struct am_silence *silence = am->silences.items.items[i];

        if (id.ptr == NULL || str_eq(id, silence->id)) {
            view_silence(arena, silence, now, &views[count++]);
        }
    }
    lock_release(&am->lock);
    qsort(views, count, sizeof(*views), cmp_silences);
    *ret = views;
    *ret_count = count;
}

/* ---- The configuration ---- */

void am_receiver_list(struct am *am, const am_matchers *matchers, struct arena *arena,
                      struct labels **ret, size_t *ret_count)
{
    size_t count = 0;

    lock_acquire(&am->lock);
    *ret = ARENA_ARRAY(arena, struct labels,
                       am->setup != NULL ? am->setup->config->receiver_count + 1 : 1);
    for (size_t i = 0; am->setup != NULL && i < am->setup->config->receiver_count; i++) {
        struct labels labels = am->setup->config->receivers[i].labels;

        if (am_matchers_match(matchers, labels)) {
            (*ret)[count++] = labels_copy(arena, labels);
        }
    }
    lock_release(&am->lock);
    *ret_count = count;
}

str am_config_text(struct am *am, struct arena *arena)
{
    str text;

    lock_acquire(&am->lock);
    text = am->setup != NULL ? arena_str(arena, am->setup->text) : STR("");
    lock_release(&am->lock);
    return text;
}
