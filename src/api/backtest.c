#include "api/backtest.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "alerting/am.h"
#include "api/api_priv.h"
#include "base/mem.h"
#include "base/vec.h"
#include "codec/json_write.h"
#include "sys/clock.h"

enum {
    AFTER_END = 2 * DUR_HOUR, /* how long what is over is still told of */
    TURNS_MAX = 20 * 1000 * 1000,
};

/* The dispatcher on a clock of its own. */
struct stage {
    struct clock_fake clock;
    struct am *am;
    struct backtest_notifications *told;
    VEC(struct backtest_notification) list;
    size_t turns;
    const _Atomic bool *cancel;
};

/* ---- The receivers ---- */

static int prepare(void *context, UNUSED const struct am_config *config, void **ret,
                   UNUSED struct baro_error *err)
{
    *ret = context;
    return 0;
}

static void release(UNUSED void *prepared)
{
}

static enum am_notify_outcome note(void *prepared, const struct am_integration *integration,
                                   const struct am_notification *from, UNUSED dur timeout,
                                   UNUSED const _Atomic bool *cancel,
                                   UNUSED struct am_receipt *receipt, UNUSED struct baro_error *err)
{
    struct stage *stage = prepared;
    struct arena *arena = &stage->told->arena;
    struct backtest_notification one = {.at = from->now};

    if (stage->list.count >= BACKTEST_NOTIFICATIONS_MAX) {
        stage->told->dropped++;
        return AM_NOTIFY_OK;
    }
    for (size_t i = 0; i < from->count; i++) {
        if (am_alert_is_resolved(&from->alerts[i], from->now)) {
            one.resolved++;
        } else {
            one.firing++;
        }
    }
    one.receiver = arena_str(arena, from->receiver);
    one.kind = str_from(integration->kind->name);
    one.group_key = arena_str(arena, from->group_key);
    one.reason = arena_str(arena, from->reason);
    vec_push(&stage->list, one);
    return AM_NOTIFY_OK;
}

static const struct am_sending sending = {prepare, release, note, NULL};

/* ---- Running ---- */

/* Does all that is due up to a time. */
static int advance(struct stage *stage, ts until, struct baro_error *err)
{
    while (stage->turns < TURNS_MAX) {
        mono next = am_turn(stage->am);
        mono now = clock_mono(&stage->clock.clock);
        ts left = until - clock_now(&stage->clock.clock);

        stage->turns++;
        if (stage->cancel != NULL && atomic_load_explicit(stage->cancel, memory_order_relaxed)) {
            return error_set(err, BARO_ECANCELED, "canceled");
        }
        while (am_work(stage->am)) {
        }
        next = am_turn(stage->am);
        if (next <= now) {
            continue;
        }
        if (left <= 0) {
            return 0;
        }
        next = (next - now + MONO_PER_MS - 1) / MONO_PER_MS;
        clock_fake_advance(&stage->clock, next < left ? next : left);
    }
    return error_set(err, BARO_ELIMIT, "the notifications of this range take too long to work out");
}

static int firing_compare(const void *a, const void *b)
{
    const struct backtest_alert *x = *(const struct backtest_alert *const *)a;
    const struct backtest_alert *y = *(const struct backtest_alert *const *)b;

    return x->firing_at != y->firing_at
               ? (x->firing_at > y->firing_at) - (x->firing_at < y->firing_at)
               : (x > y) - (x < y);
}

/* An alert is handed over when it fires, with the end that is known already. */
static int post(struct stage *stage, const struct backtest_alert *alert, ts end,
                struct baro_error *err)
{
    const struct am_alert one = {
        .labels = alert->labels,
        .annotations = alert->annotations,
        .starts_at = alert->firing_at,
        .ends_at = alert->resolved_at != 0 ? alert->resolved_at : end + AFTER_END + DUR_HOUR,
    };
    struct am_put_result result = {0};
    int r = advance(stage, alert->firing_at, err);

    if (r >= 0) {
        r = am_alerts_put(stage->am, &one, 1, false, &result, err);
    }
    buf_done(&result.message);
    return r;
}

static int play(struct stage *stage, const struct backtest *alerts, ts end, struct baro_error *err)
{
    const struct backtest_alert **order =
        mem_alloc_zero((alerts->alert_count + 1) * sizeof(*order));
    size_t count = 0;
    int r = 0;

    for (size_t i = 0; i < alerts->alert_count; i++) {
        if (alerts->alerts[i].firing_at != 0) {
            order[count++] = &alerts->alerts[i];
        }
    }
    qsort(order, count, sizeof(*order), firing_compare);
    for (size_t i = 0; i < count && r >= 0; i++) {
        r = post(stage, order[i], end, err);
    }
    (void)mem_free(order);
    return r < 0 ? r : advance(stage, end + AFTER_END, err);
}

static ts first_time(const struct backtest *alerts, ts end)
{
    return alerts->alert_count > 0 ? alerts->alerts[0].pending_at : end;
}

int backtest_notify(const struct backtest *alerts, ts end, str path, str text,
                    const _Atomic bool *cancel, struct backtest_notifications *ret,
                    struct baro_error *err)
{
    struct faults *faults = MEM_NEW(struct faults);
    struct stage stage = {.told = ret, .cancel = cancel};
    const struct am_options options = {
        .clock = &stage.clock.clock, .sending = &sending, .sending_context = &stage};
    struct am_config *config = NULL;
    int r = am_config_parse(path, text, &config, faults);

    *ret = (struct backtest_notifications){0};
    if (r < 0 && err != NULL) {
        *err = faults->items[0];
    }
    (void)mem_free(faults);
    if (r < 0) {
        return r;
    }
    clock_fake_init(&stage.clock, first_time(alerts, end));
    r = am_new(&options, &stage.am, err);
    if (r < 0) {
        (void)am_config_free(config);
        return r;
    }
    r = am_apply(stage.am, config, text, err);
    if (r >= 0) {
        r = play(&stage, alerts, end, err);
    }
    stage.am = am_free(stage.am);
    ret->items = ARENA_ARRAY(&ret->arena, struct backtest_notification, stage.list.count);
    ret->count = stage.list.count;
    for (size_t i = 0; i < stage.list.count; i++) {
        ret->items[i] = stage.list.items[i];
    }
    vec_done(&stage.list);
    if (r < 0) {
        backtest_notifications_done(ret);
    }
    return r < 0 ? r : 0;
}

void backtest_notifications_done(struct backtest_notifications *notifications)
{
    arena_done(&notifications->arena);
    *notifications = (struct backtest_notifications){0};
}

/* ---- JSON ---- */

static void put_time(struct json_writer *json, str key, ts t)
{
    if (t != 0) {
        json_write_pair_time(json, key, t);
        return;
    }
    json_write_key(json, key);
    json_write_null(json);
}

static void put_alert(struct json_writer *json, const struct backtest_alert *alert)
{
    json_write_object_begin(json);
    json_write_pair_str(json, STR("group"), alert->group);
    json_write_pair_str(json, STR("rule"), alert->rule);
    json_write_key(json, STR("labels"));
    api_write_labels(json, alert->labels);
    json_write_key(json, STR("annotations"));
    api_write_labels(json, alert->annotations);
    json_write_key(json, STR("value"));
    json_write_value(json, alert->value);
    put_time(json, STR("pendingAt"), alert->pending_at);
    put_time(json, STR("firingAt"), alert->firing_at);
    put_time(json, STR("resolvedAt"), alert->resolved_at);
    json_write_object_end(json);
}

static void put_notification(struct json_writer *json, const struct backtest_notification *one)
{
    json_write_object_begin(json);
    put_time(json, STR("at"), one->at);
    json_write_pair_str(json, STR("receiver"), one->receiver);
    json_write_pair_str(json, STR("integration"), one->kind);
    json_write_pair_str(json, STR("groupKey"), one->group_key);
    json_write_pair_str(json, STR("reason"), one->reason);
    json_write_pair_u64(json, STR("firing"), one->firing);
    json_write_pair_u64(json, STR("resolved"), one->resolved);
    json_write_object_end(json);
}

void backtest_write(struct json_writer *json, const struct backtest *alerts,
                    const struct backtest_notifications *notifications)
{
    json_write_object_begin(json);
    json_write_pair_u64(json, STR("rules"), alerts->rule_count);
    json_write_pair_u64(json, STR("evaluations"), alerts->evaluations);
    json_write_key(json, STR("alerts"));
    json_write_array_begin(json);
    for (size_t i = 0; i < alerts->alert_count; i++) {
        put_alert(json, &alerts->alerts[i]);
    }
    json_write_array_end(json);
    json_write_pair_u64(json, STR("droppedAlerts"), alerts->dropped);
    if (notifications != NULL) {
        json_write_key(json, STR("notifications"));
        json_write_array_begin(json);
        for (size_t i = 0; i < notifications->count; i++) {
            put_notification(json, &notifications->items[i]);
        }
        json_write_array_end(json);
        json_write_pair_u64(json, STR("droppedNotifications"), notifications->dropped);
    }
    json_write_object_end(json);
}
