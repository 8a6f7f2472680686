#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "alerting/am.h"
#include "sys/clock.h"
#include "testing/test.h"

/* The real threads, with everybody asking at once; what the thread sanitizer looks at. */

enum { POSTERS = 3, ALERTS_EACH = 60, ROUNDS = 20 };

static const char config[] = "route: {receiver: a, group_by: [alertname], group_wait: 5ms, "
                             "group_interval: 20ms, repeat_interval: 1h}\n"
                             "receivers: [{name: a, webhook_configs: [{url: 'http://x/'}, {url: "
                             "'http://y/'}]}]\n"
                             "inhibit_rules: [{source_matchers: [i=never], target_matchers: "
                             "[alertname=A], equal: [i]}]\n";

struct crowd {
    struct am *am;
    _Atomic int told;
    _Atomic bool ending;
};

static int prepare(void *context, UNUSED const struct am_config *parsed, void **ret,
                   UNUSED struct baro_error *err)
{
    *ret = context;
    return 0;
}

static void release(UNUSED void *prepared)
{
}

/* Every seventh attempt has to be made again. */
static enum am_notify_outcome send(void *prepared, UNUSED const struct am_integration *integration,
                                   const struct am_notification *notification, UNUSED dur timeout,
                                   UNUSED const _Atomic bool *cancel, struct am_receipt *receipt,
                                   struct baro_error *err)
{
    struct crowd *crowd = prepared;

    for (size_t i = 0; i < notification->count; i++) {
        buf_str(&receipt->message, labels_get(notification->alerts[i].labels, STR("alertname")));
    }
    if (atomic_fetch_add(&crowd->told, 1) % 7 == 3) {
        (void)error_set(err, BARO_ENETWORK, "not now");
        return AM_NOTIFY_RETRY;
    }
    return AM_NOTIFY_OK;
}

static void *post(void *context)
{
    struct crowd *crowd = context;
    static _Atomic int next;
    int number = atomic_fetch_add(&next, 1);

    for (int i = 0; i < ALERTS_EACH; i++) {
        char name[32];
        struct label labels[] = {{STR("alertname"), STR_NULL}, {STR("i"), STR("1")}};
        struct am_alert alert = {.labels = {labels, 2}};
        struct am_put_result result = {0};
        struct baro_error err = {0};

        labels[0].value = str_of(name, (size_t)snprintf(name, sizeof(name), "A%d-%d", number, i));
        assert_ok(am_alerts_put(crowd->am, &alert, 1, i % 10 == 0, &result, &err), &err);
        buf_done(&result.message);
    }
    return NULL;
}

static void *look(void *context)
{
    struct crowd *crowd = context;
    const struct am_filter filter = {
        .active = true, .silenced = true, .inhibited = true, .muted = true};

    while (!atomic_load(&crowd->ending)) {
        struct arena arena = {0};
        struct am_alert_view *alerts = NULL;
        struct am_group_view *groups = NULL;
        struct buf metrics = {0};
        size_t count = 0;

        am_alerts(crowd->am, &filter, &arena, &alerts, &count);
        am_groups(crowd->am, &filter, &arena, &groups, &count);
        am_metrics_write(crowd->am, &metrics);
        buf_done(&metrics);
        arena_done(&arena);
        (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    return NULL;
}

static void apply(struct am *am)
{
    struct am_config *parsed = NULL;
    struct faults faults = {0};
    struct baro_error err = {0};

    assert_ok(am_config_parse(STR("t.yml"), str_from(config), &parsed, &faults), &faults.items[0]);
    assert_ok(am_apply(am, parsed, str_from(config), &err), &err);
}

static void silence_and_expire(struct am *am)
{
    static const struct am_silence_matcher matchers[] = {
        {MATCHER_EQUAL, STR_INIT("alertname"), STR_INIT("nobody")}};
    const struct am_silence_spec spec = {
        .matchers = matchers, .matcher_count = 1, .ends_at = INT64_C(9000000000000)};
    char id[AM_SILENCE_ID_BYTES];
    struct baro_error err = {0};

    assert_ok(am_silence_set(am, &spec, id, &err), &err);
    assert_ok(am_silence_expire(am, str_from(id), &err), &err);
}

/* Everything was told once to both receivers at least: as many notifications as groups. */
static void await_told(struct crowd *crowd, int wanted)
{
    mono limit = clock_mono(clock_real()) + 120 * MONO_PER_SECOND;

    while (atomic_load(&crowd->told) < wanted && clock_mono(clock_real()) < limit) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    assert_true(atomic_load(&crowd->told) >= wanted);
}

TEST(am_threads_tell_while_everybody_asks)
{
    static const struct am_sending sending = {prepare, release, send, NULL};
    struct crowd crowd = {0};
    char path[512];
    const struct am_options options = {.clock = clock_real(),
                                       .sending = &sending,
                                       .sending_context = &crowd,
                                       .state_path = path,
                                       .worker_max = 4};
    struct baro_error err = {0};
    pthread_t threads[POSTERS + 1];

    (void)snprintf(path, sizeof(path), "%s/alerting.db", test_dir());
    assert_ok(am_new(&options, &crowd.am, &err), &err);
    apply(crowd.am);
    assert_ok(am_start(crowd.am, &err), &err);
    assert_int_equal(pthread_create(&threads[POSTERS], NULL, look, &crowd), 0);
    for (int i = 0; i < POSTERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, post, &crowd), 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        silence_and_expire(crowd.am);
        if (i % 5 == 0) {
            apply(crowd.am);
        }
    }
    for (int i = 0; i < POSTERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    await_told(&crowd, 2 * POSTERS * ALERTS_EACH);
    atomic_store(&crowd.ending, true);
    (void)pthread_join(threads[POSTERS], NULL);
    crowd.am = am_free(crowd.am);
}

/* Both receivers refuse it for good, each with its own status. */
static enum am_notify_outcome refuse(void *prepared, const struct am_integration *integration,
                                     UNUSED const struct am_notification *notification,
                                     UNUSED dur timeout, UNUSED const _Atomic bool *cancel,
                                     struct am_receipt *receipt, struct baro_error *err)
{
    struct crowd *crowd = prepared;

    (void)integration;
    receipt->status = 400 + atomic_fetch_add(&crowd->told, 1);
    (void)error_set(err, BARO_ENETWORK, "no");
    return AM_NOTIFY_FAIL;
}

TEST(am_failures_have_alertmanagers_reasons)
{
    static const struct am_sending sending = {prepare, release, refuse, NULL};
    struct crowd crowd = {0};
    const struct am_options options = {
        .clock = clock_real(), .sending = &sending, .sending_context = &crowd, .worker_max = 1};
    struct label name = {STR("alertname"), STR("A")};
    struct am_alert alert = {.labels = {&name, 1}};
    struct am_put_result result = {0};
    struct baro_error err = {0};
    mono limit = clock_mono(clock_real()) + 120 * MONO_PER_SECOND;
    struct buf metrics = {0};

    assert_ok(am_new(&options, &crowd.am, &err), &err);
    apply(crowd.am);
    assert_ok(am_start(crowd.am, &err), &err);
    assert_ok(am_alerts_put(crowd.am, &alert, 1, false, &result, &err), &err);
    /* It is told again at each interval: 400, 401, ... 429, 430. */
    while (!str_contains(buf_view(&metrics), STR("reason=\"rateLimited\"} 1\n"))) {
        assert_true(clock_mono(clock_real()) < limit);
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        buf_reset(&metrics);
        am_metrics_write(crowd.am, &metrics);
    }
    assert_true(str_contains(buf_view(&metrics), STR("reason=\"authError\"} 2\n")));
    assert_false(str_contains(buf_view(&metrics), STR("reason=\"other\"} 1")));
    crowd.am = am_free(crowd.am);
    buf_done(&metrics);
    buf_done(&result.message);
}
