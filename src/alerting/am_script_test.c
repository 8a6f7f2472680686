#include "alerting/am_script_test.h"

#include "base/attr.h"
#include "base/num.h"
#include "testing/test.h"

enum { LABELS_MAX = 8 };

/* ---- The receivers ---- */

static int prepare(void *context, const struct am_config *config, void **ret,
                   UNUSED struct baro_error *err)
{
    assert_non_null(config);
    *ret = context;
    return 0;
}

static void release(UNUSED void *prepared)
{
}

static void note(struct am_script *script, const struct am_integration *integration,
                 const struct am_notification *n, const char *outcome)
{
    ts at = clock_now(&script->clock.clock) - AM_SCRIPT_START;

    buf_double(&script->told, (double)at / 1000, NUM_F);
    buf_printf(&script->told, " %.*s/%s %s%.*s:", STR_ARG(n->receiver), integration->kind->name,
               outcome, STR_ARG(n->reason));
    for (size_t i = 0; i < n->count; i++) {
        str name = labels_get(n->alerts[i].labels, STR("alertname"));
        str more = labels_get(n->alerts[i].labels, STR("i"));

        buf_printf(&script->told, " %c%.*s%.*s",
                   am_alert_is_resolved(&n->alerts[i], n->now) ? '-' : '+', STR_ARG(name),
                   STR_ARG(more));
    }
    buf_char(&script->told, '\n');
}

static enum am_notify_outcome send(void *prepared, const struct am_integration *integration,
                                   const struct am_notification *notification, dur timeout,
                                   UNUSED const _Atomic bool *cancel, struct am_receipt *receipt,
                                   struct baro_error *err)
{
    struct am_script *script = prepared;

    assert_true(timeout > 0);
    assert_true(notification->count > 0);
    if (script->refusals > 0) {
        script->refusals--;
        note(script, integration, notification, "refused ");
        receipt->status = 400;
        (void)error_set(err, BARO_EINVALID, "bad request");
        return AM_NOTIFY_FAIL;
    }
    if (script->retries > 0) {
        script->retries--;
        (void)error_set(err, BARO_ENETWORK, "connection refused");
        return AM_NOTIFY_RETRY;
    }
    note(script, integration, notification, "");
    buf_str(&receipt->thread_id, notification->group_key);
    return AM_NOTIFY_OK;
}

static const struct am_sending sending = {prepare, release, send, NULL};

/* ---- The driver ---- */

static void apply(struct am_script *script)
{
    struct am_config *config = NULL;
    struct faults faults = {0};
    struct baro_error err = {0};

    assert_ok(am_config_parse(STR("test.yml"), str_from(script->config), &config, &faults),
              &faults.items[0]);
    assert_ok(am_apply(script->am, config, str_from(script->config), &err), &err);
}

static void start(struct am_script *script)
{
    const struct am_options options = {.clock = &script->clock.clock,
                                       .sending = &sending,
                                       .sending_context = script,
                                       .state_path = script->state_path};
    struct baro_error err = {0};

    assert_ok(am_new(&options, &script->am, &err), &err);
    apply(script);
}

void am_script_begin(struct am_script *script, const char *config, const char *state_path)
{
    *script = (struct am_script){.config = config, .state_path = state_path};
    clock_fake_init(&script->clock, AM_SCRIPT_START);
    start(script);
}

void am_script_end(struct am_script *script)
{
    script->am = am_free(script->am);
    buf_done(&script->told);
}

static void work(struct am_script *script)
{
    while (!script->is_slow && am_work(script->am)) {
    }
}

static void advance(struct am_script *script, ts until)
{
    for (;;) {
        mono next = am_turn(script->am);
        mono now = clock_mono(&script->clock.clock);
        ts left = until - clock_now(&script->clock.clock);

        work(script);
        next = am_turn(script->am);
        if (next <= now) {
            continue;
        }
        if (left <= 0) {
            return;
        }
        next = (next - now + MONO_PER_MS - 1) / MONO_PER_MS;
        clock_fake_advance(&script->clock, next < left ? next : left);
    }
}

static size_t read_labels(str text, struct label *items)
{
    size_t count = 0;

    for (str part; str_split_next(&text, ',', &part);) {
        size_t equals = str_index_char(part, '=');

        assert_true(count < LABELS_MAX);
        items[count++] =
            (struct label){str_slice(part, 0, equals), str_from_index(part, equals + 1)};
    }
    labels_sort(items, count);
    return count;
}

static void report(struct am_script *script, str labels, ts starts_at, ts ends_at)
{
    struct label items[LABELS_MAX];
    struct am_alert alert = {.starts_at = starts_at, .ends_at = ends_at};
    struct am_put_result result = {0};
    struct baro_error err = {0};

    alert.labels = (struct labels){items, read_labels(labels, items)};
    assert_ok(am_alerts_put(script->am, &alert, 1, true, &result, &err), &err);
    assert_int_equal(result.invalid, 0);
}

static int64_t number(str text)
{
    int64_t value = 0;

    assert_true(num_parse_i64(text, &value));
    return value;
}

static void silence(struct am_script *script, str matchers, ts ends_at)
{
    struct arena arena = {0};
    am_matchers list = {0};
    struct am_silence_matcher rows[LABELS_MAX];
    struct am_silence_spec spec = {.matchers = rows, .ends_at = ends_at, .comment = STR("test")};
    struct baro_error err = {0};

    assert_ok(am_matchers_parse(&arena, matchers, &list, &err), &err);
    for (size_t i = 0; i < list.count; i++) {
        rows[i] =
            (struct am_silence_matcher){list.items[i].op, list.items[i].name, list.items[i].value};
    }
    spec.matcher_count = list.count;
    assert_ok(am_silence_set(script->am, &spec, script->silence, &err), &err);
    am_matchers_done(&list);
    arena_done(&arena);
}

static void acknowledge(struct am_script *script, str labels, ts ends_at, bool back)
{
    struct label items[LABELS_MAX];
    const struct am_ack ack = {.created_by = STR("me"), .ends_at = ends_at, .is_taken_back = back};
    struct baro_error err = {0};
    bool found = false;
    uint64_t fp = am_fingerprint((struct labels){items, read_labels(labels, items)});

    assert_int_equal(am_ack_set(script->am, &ack, &fp, 1, &found, &err), 1);
    assert_true(found);
}

static void run_step(struct am_script *script, str word, str a, str b, str c)
{
    ts now = clock_now(&script->clock.clock);
    struct baro_error err = {0};

    if (str_is(word, "fire")) {
        dur time = str_is(b, "for") ? number(c) * 1000 : (dur)DUR_DAY;

        report(script, a, now, now + time);
    } else if (str_is(word, "resolve")) {
        report(script, a, 0, now);
    } else if (str_is(word, "post")) {
        report(script, a, 0, 0);
    } else if (str_is(word, "silence")) {
        silence(script, a, now + number(b) * 1000);
    } else if (str_is(word, "unsilence")) {
        assert_ok(am_silence_expire(script->am, str_from(script->silence), &err), &err);
    } else if (str_is(word, "ack") || str_is(word, "unack")) {
        acknowledge(script, a, b.len > 0 ? now + number(b) * 1000 : 0, str_is(word, "unack"));
    } else if (str_is(word, "retry")) {
        script->retries = (int)number(a);
    } else if (str_is(word, "refuse")) {
        script->refusals = (int)number(a);
    } else if (str_is(word, "slow") || str_is(word, "arrive")) {
        script->is_slow = str_is(word, "slow");
    } else if (str_is(word, "reload")) {
        apply(script);
    } else if (str_is(word, "restart")) {
        script->am = am_free(script->am);
        start(script);
    } else {
        assert_str_equal(word, STR("end"));
    }
}

void am_script_run(struct am_script *script, const char *steps)
{
    str rest = str_from(steps);

    for (str line; str_split_next(&rest, '\n', &line);) {
        str words[5] = {STR_NULL, STR_NULL, STR_NULL, STR_NULL, STR_NULL};
        size_t count = 0;

        line = str_trim(line);
        for (str word; count < ARRAY_COUNT(words) && str_split_next(&line, ' ', &word);) {
            words[count++] = word;
        }
        if (count < 2) {
            continue;
        }
        advance(script, AM_SCRIPT_START + number(words[0]) * 1000);
        run_step(script, words[1], words[2], words[3], words[4]);
        advance(script, AM_SCRIPT_START + number(words[0]) * 1000);
    }
}
