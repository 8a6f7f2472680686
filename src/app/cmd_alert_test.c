/* barograph alert test-receiver: sends a made-up alert to a receiver, or shows what would be sent.
 */
#include <stdio.h>

#include "alerting/am_config.h"
#include "alerting/am_notify.h"
#include "app/commands.h"
#include "app/files.h"
#include "app/flags.h"
#include "app/version.h"
#include "codec/json.h"
#include "base/rfc3339.h"
#include "base/text.h"
#include "sys/clock.h"

enum test_flag {
    TEST_CONFIG,
    TEST_ALERTS,
    TEST_ANNOTATION,
    TEST_GROUP_BY,
    TEST_RESOLVED,
    TEST_DRY_RUN,
    TEST_TIMEOUT,
    TEST_EXTERNAL_URL,
};

static const struct flag rows[] = {
    {"config.file", FLAG_TEXT, "", FLAG_RUN, "the configuration, as Alertmanager reads it"},
    {"alerts", FLAG_TEXT, "", FLAG_RUN,
     "a file with alerts as Alertmanager's API takes them, instead of one of the labels given"},
    {"annotation", FLAG_LIST, "", FLAG_RUN, "NAME=VALUE; may be given several times"},
    {"group-by", FLAG_TEXT, "alertname", FLAG_RUN, "labels of the group, separated by commas"},
    {"resolved", FLAG_BOOL, "false", FLAG_RUN, "the alert is over"},
    {"dry-run", FLAG_BOOL, "false", FLAG_RUN, "print what would be sent, without secrets"},
    {"timeout", FLAG_DURATION, "10s", FLAG_RUN, "of each attempt"},
    {"web.external-url", FLAG_TEXT, "http://localhost:9090", FLAG_RUN, "for links"},
};
static const char summary[] =
    "Sends an alert to every integration of a receiver, and says what came of it.\n"
    "Exit status: 0 all went well, 1 something did not, 2 wrong usage.\n\n"
    "  barograph alert test-receiver --config.file=alertmanager.yml team-x severity=critical";

enum { ALERTS_MAX = 10000 };

/* What is to be sent. */
struct made {
    struct arena arena;
    struct am_alert *alerts;
    size_t count;
    struct labels group;
    str key;
};

static bool split_pair(str text, struct label *ret)
{
    size_t equals = str_index_char(text, '=');

    *ret = (struct label){str_slice(text, 0, equals), str_from_index(text, equals + 1)};
    return equals != SIZE_MAX && equals > 0;
}

/* Pairs of the words that a predicate takes. */
static int read_pairs(struct arena *arena, const str *words, size_t count, struct labels *ret,
                      struct baro_error *err)
{
    struct label *items = ARENA_ARRAY(arena, struct label, count);

    for (size_t i = 0; i < count; i++) {
        if (!split_pair(words[i], &items[i])) {
            return error_set(err, BARO_EUSAGE, "'%.*s': write NAME=VALUE", STR_ARG(words[i]));
        }
    }
    *ret = labels_from_pairs(arena, items, count);
    return 0;
}

static int one_alert(const struct flags *flags, struct made *made, ts now, struct baro_error *err)
{
    static str words[FLAGS_MAX + FLAG_ARGS_MAX];
    struct am_alert *alert = ARENA_NEW(&made->arena, struct am_alert);
    size_t count = 0;
    int result;

    for (size_t i = 0; i < flags->list_count; i++) {
        words[count++] = flags->list[i];
    }
    result = read_pairs(&made->arena, words, count, &alert->annotations, err);
    count = 0;
    for (size_t i = 1; i < flags->arg_count; i++) {
        words[count++] = flags->args[i];
    }
    if (result == 0) {
        result = read_pairs(&made->arena, words, count, &alert->labels, err);
    }
    if (labels_get(alert->labels, STR("alertname")).ptr == NULL) {
        alert->labels =
            labels_with(&made->arena, alert->labels, STR("alertname"), STR("TestAlert"));
    }
    alert->starts_at = now - 60000;
    alert->ends_at = flags_bool(flags, TEST_RESOLVED) ? now : now + 300000;
    made->alerts = alert;
    made->count = 1;
    return result;
}

static struct labels read_object(struct arena *arena, const struct json *object)
{
    size_t most = json_kind_of(object) == JSON_KIND_OBJECT ? json_count(object) : 0;
    struct label *items = ARENA_ARRAY(arena, struct label, most);
    const struct json *value = NULL;
    void *iterator = NULL;
    size_t count = 0;
    str name;

    while (count < most && json_member(object, &iterator, &name, &value)) {
        items[count++] = (struct label){arena_str(arena, name), arena_str(arena, json_text(value))};
    }
    return labels_from_pairs(arena, items, count);
}

static int read_alerts(const struct flags *flags, struct made *made, ts now, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct buf text = {0};
    int result = file_read(flags_text(flags, TEST_ALERTS).ptr, &text, err);

    if (result >= 0) {
        result = json_doc_parse(buf_view(&text), &root, err);
    }
    made->count = json_kind_of(root) == JSON_KIND_ARRAY ? json_count(root) : 0;
    if (result >= 0 && (made->count == 0 || made->count > ALERTS_MAX)) {
        result = error_set(err, BARO_EINVALID, "a list of 1 to %d alerts is wanted", ALERTS_MAX);
    }
    made->alerts = ARENA_ARRAY(&made->arena, struct am_alert, result >= 0 ? made->count : 0);
    for (size_t i = 0; result >= 0 && i < made->count; i++) {
        const struct json *node = json_at(root, i);
        struct am_alert *alert = &made->alerts[i];

        alert->labels = read_object(&made->arena, json_get(node, "labels"));
        alert->annotations = read_object(&made->arena, json_get(node, "annotations"));
        alert->generator_url = arena_str(&made->arena, json_text(json_get(node, "generatorURL")));
        alert->starts_at = now;
        (void)rfc3339_parse(json_text(json_get(node, "startsAt")), &alert->starts_at);
        alert->ends_at = now + 300000;
        (void)rfc3339_parse(json_text(json_get(node, "endsAt")), &alert->ends_at);
    }
    buf_done(&text);
    return result;
}

/* The group's labels, which are the first alert's, and its key. */
static void make_group(const struct flags *flags, struct made *made)
{
    str rest = flags_text(flags, TEST_GROUP_BY);
    struct label pairs[FLAGS_MAX];
    struct buf key = {0};
    size_t count = 0;

    for (str name; count < FLAGS_MAX && str_split_next(&rest, ',', &name);) {
        str value = labels_get(made->alerts[0].labels, name);

        if (value.ptr != NULL) {
            pairs[count++] = (struct label){name, value};
        }
    }
    made->group = labels_from_pairs(&made->arena, pairs, count);
    buf_c(&key, "{}:{");
    for (size_t i = 0; i < made->group.count; i++) {
        buf_printf(&key, "%s%.*s=", i > 0 ? ", " : "", STR_ARG(made->group.items[i].name));
        buf_quoted(&key, made->group.items[i].value);
    }
    buf_char(&key, '}');
    made->key = text_take(&made->arena, &key);
}

static const struct am_receiver *find_receiver(const struct am_config *config, str name)
{
    for (size_t i = 0; i < config->receiver_count; i++) {
        if (str_eq(config->receivers[i].name, name)) {
            return &config->receivers[i];
        }
    }
    return NULL;
}

/* One integration; true when it went well. */
static bool try_one(struct am_notifier *notifier, const struct am_integration *integration,
                    size_t index, const struct am_notification *notification,
                    const struct flags *flags)
{
    bool dry = flags_bool(flags, TEST_DRY_RUN);
    struct am_receipt receipt = {0};
    struct baro_error err = {0};
    enum am_notify_outcome outcome =
        dry ? am_notifier_render(notifier, integration, notification, &receipt, &err) < 0
                  ? AM_NOTIFY_FAIL
                  : AM_NOTIFY_OK
            : am_notifier_send(notifier, integration, notification,
                               flags_duration(flags, TEST_TIMEOUT), NULL, &receipt, &err);

    (void)printf("%s[%zu]: %s", integration->kind->name, index,
                 outcome != AM_NOTIFY_OK ? err.message
                 : dry                   ? "would be sent"
                                         : "sent");
    if (outcome == AM_NOTIFY_RETRY) {
        (void)printf(" (would be tried again)");
    }
    (void)printf("\n");
    if (dry && outcome == AM_NOTIFY_OK) {
        (void)printf("%.*s\n", STR_ARG(buf_view(&receipt.message)));
    }
    buf_done(&receipt.message);
    buf_done(&receipt.thread_id);
    return outcome == AM_NOTIFY_OK;
}

static int try_all(const struct am_config *config, const struct flags *flags, struct made *made,
                   ts now)
{
    CLEANUP(am_notifier_freep) struct am_notifier *notifier = NULL;
    const struct am_receiver *receiver = find_receiver(config, flags->args[0]);
    const struct am_notifier_options options = {
        .external_url = flags_text(flags, TEST_EXTERNAL_URL).ptr, .version = BAROGRAPH_VERSION};
    struct am_notification notification = {.receiver = flags->args[0],
                                           .group_key = made->key,
                                           .group_labels = made->group,
                                           .alerts = made->alerts,
                                           .count = made->count,
                                           .now = now,
                                           .reason = STR("all alerts resolved")};
    struct baro_error err = {0};
    int status = 0;

    for (size_t i = 0; i < made->count; i++) {
        if (!am_alert_is_resolved(&made->alerts[i], now)) {
            notification.reason = STR("first notification");
        }
    }
    if (receiver == NULL) {
        (void)fprintf(stderr, "barograph: no receiver \"%.*s\"\n", STR_ARG(flags->args[0]));
        return 1;
    }
    if (am_notifier_new(config, &options, &notifier, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return 1;
    }
    for (size_t i = 0; i < receiver->count; i++) {
        status |= !try_one(notifier, &receiver->integrations[i], i, &notification, flags);
    }
    return status;
}

static int run(const struct flags *flags)
{
    CLEANUP(am_config_freep) struct am_config *config = NULL;
    static struct faults faults;
    struct baro_error err = {0};
    struct made made = {0};
    struct buf text = {0};
    ts now = clock_now(clock_real());
    str path = flags_text(flags, TEST_CONFIG);
    int status = 1;
    int result = file_read(path.ptr, &text, &err);

    if (result >= 0 && am_config_parse(path, buf_view(&text), &config, &faults) < 0) {
        result = BARO_EINVALID;
        err = faults.items[0];
    }
    if (result >= 0) {
        result = flags_text(flags, TEST_ALERTS).len > 0 ? read_alerts(flags, &made, now, &err)
                                                        : one_alert(flags, &made, now, &err);
    }
    if (result < 0) {
        char line[ERROR_FORMAT_BYTES];

        error_format(&err, line, sizeof(line));
        (void)fprintf(stderr, "barograph: %s\n", line);
    } else {
        for (size_t i = 0; i < made.count; i++) {
            made.alerts[i].fingerprint = am_fingerprint(made.alerts[i].labels);
        }
        make_group(flags, &made);
        status = try_all(config, flags, &made, now);
    }
    buf_done(&text);
    arena_done(&made.arena);
    return status;
}

int command_alert_test_receiver(int argc, char **argv)
{
    static struct flags flags;
    struct baro_error err = {0};

    if (flags_parse(&flags, rows, ARRAY_COUNT(rows), argc, argv, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return 2;
    }
    if (!flags.help && flags_text(&flags, TEST_CONFIG).len > 0 && flags.arg_count > 0) {
        return run(&flags);
    }
    return flags_usage(
        &flags, "alert test-receiver --config.file=FILE [FLAGS] RECEIVER [NAME=VALUE...]", summary);
}
