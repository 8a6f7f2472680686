/* Bodies of Alertmanager's API, alerts and silences, and of its peers. What is taken is kept,
 * grouped and shown. */
#include "alerting/am_api.h"
#include "alerting/am_peer.h"
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "sys/clock.h"

static int prepare(void *context, const struct am_config *config, void **ret,
                   struct baro_error *err)
{
    (void)context, (void)config, (void)err;
    *ret = NULL;
    return 0;
}

static void release(void *prepared)
{
    (void)prepared;
}

static enum am_notify_outcome send(void *prepared, const struct am_integration *integration,
                                   const struct am_notification *notification, dur timeout,
                                   const _Atomic bool *cancel, struct am_receipt *receipt,
                                   struct baro_error *err)
{
    (void)prepared, (void)integration, (void)timeout, (void)cancel, (void)receipt, (void)err;
    ASSERT(notification->count > 0);
    return AM_NOTIFY_OK;
}

static const char config_text[] = "route: {receiver: a, group_by: [a], group_wait: 1s}\n"
                                  "receivers:\n- name: a\n  webhook_configs: [{url: 'http://x'}]\n"
                                  "inhibit_rules: [{source_matchers: ['a=b'], target_matchers: "
                                  "['c=~d.*'], equal: [e]}]\n";

static void put_alerts(struct am *am, struct arena *arena, str text)
{
    struct am_put_result result = {0};
    struct am_alert *alerts = NULL;
    struct baro_error err = {0};
    size_t count = 0;
    int status = 0;
    int code = 0;

    if (am_api_alerts_parse(arena, text, &alerts, &count, &status, &code, &err) >= 0) {
        ASSERT(am_alerts_put(am, alerts, count, false, &result, &err) >= 0);
        ASSERT((result.invalid == 0) == (result.message.len == 0));
    } else {
        ASSERT((status == 400 || status == 422) && err.message[0] != '\0');
    }
    buf_done(&result.message);
}

static void put_silence(struct am *am, struct arena *arena, str text)
{
    char id[AM_SILENCE_ID_BYTES];
    struct am_silence_spec spec = {0};
    struct baro_error err = {0};
    int status = 0;
    int code = 0;

    if (am_api_silence_parse(arena, text, &spec, &status, &code, &err) < 0) {
        ASSERT((status == 400 || status == 422) && err.message[0] != '\0');
    } else if (am_silence_set(am, &spec, id, &err) < 0) {
        ASSERT(err.message[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct am_sending sending = {prepare, release, send, NULL};
    const struct am_filter filter = {.active = true, .silenced = true, .inhibited = true};
    str text = str_of((const char *)data, size);
    struct faults faults = {0};
    struct am_config *config = NULL;
    struct am_alert_view *alerts = NULL;
    struct am_group_view *groups = NULL;
    struct clock_fake clock;
    struct arena arena = {0};
    struct buf answer = {0};
    struct am *am = NULL;
    size_t count = 0;

    clock_fake_init(&clock, INT64_C(1767600000000));
    ASSERT(am_new(&(struct am_options){.clock = &clock.clock, .sending = &sending}, &am, NULL) >=
           0);
    ASSERT(am_config_parse(STR("f"), str_from(config_text), &config, &faults) >= 0);
    ASSERT(am_apply(am, config, str_from(config_text), NULL) >= 0);
    (void)am_peers_take(am, text, &answer, NULL);
    put_silence(am, &arena, text);
    put_alerts(am, &arena, text);
    clock_fake_advance(&clock, 2000);
    (void)am_turn(am);
    for (int i = 0; i < 1000 && am_work(am); i++) {
    }
    am_alerts(am, &filter, &arena, &alerts, &count);
    am_groups(am, &filter, &arena, &groups, &count);
    (void)am_free(am);
    arena_done(&arena);
    buf_done(&answer);
    return 0;
}
