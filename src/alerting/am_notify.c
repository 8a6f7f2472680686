#include "alerting/am_notify.h"

#include <stdio.h>

#include "alerting/am_templates.h"
#include "alerting/notifiers.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "codec/sha256.h"
#include "http/client.h"

static const struct {
    const char *name;
    am_notify_function *send;
} notifiers[] = {
#define NOTIFIER(name, function) {name, function},
#include "alerting/notifiers.def"
#undef NOTIFIER
};

/* A client's settings that cannot be used are better known when the configuration is read. */
static int check_clients(const struct am_config *config, struct baro_error *err)
{
    int result = 0;

    for (size_t i = 0; i < config->receiver_count && result >= 0; i++) {
        const struct am_receiver *receiver = &config->receivers[i];

        for (size_t k = 0; k < receiver->count && result >= 0; k++) {
            const struct prom_http *http = receiver->integrations[k].http;

            result = http != NULL ? http_client_check(http, err) : 0;
        }
        if (result < 0) {
            return error_wrap(err, result, "receiver %.*s", STR_ARG(receiver->name));
        }
    }
    return result;
}

int am_notifier_new(const struct am_config *config, const struct am_notifier_options *options,
                    struct am_notifier **ret, struct baro_error *err)
{
    CLEANUP(am_notifier_freep) struct am_notifier *notifier = MEM_NEW(struct am_notifier);
    struct buf agent = {0};
    int result = check_clients(config, err);

    lock_init(&notifier->lock, LOCK_LEAF);
    STATIC_ASSERT(ARRAY_COUNT(notifiers) == 18, "a notifier for each kind");
    notifier->config = config;
    notifier->external_url =
        str_dup_c(str_from(options->external_url != NULL ? options->external_url : ""));
    buf_printf(&agent, "User-Agent: barograph/%s",
               options->version != NULL ? options->version : "0");
    notifier->user_agent = buf_take_c(&agent);
    notifier->templates = template_notice_set();
    notifier->oauth2_tokens = http_tokens_new();
    for (size_t i = 0; i < config->templates.count && result >= 0; i++) {
        result = am_templates_load(notifier->templates, config->templates.items[i], err);
    }
    if (result < 0) {
        return result;
    }
    *ret = TAKE(notifier);
    return 0;
}

struct am_notifier *am_notifier_free(struct am_notifier *notifier)
{
    if (notifier != NULL) {
        for (size_t i = 0; i < notifier->tokens.count; i++) {
            (void)mem_free(notifier->tokens.items[i].text);
        }
        vec_done(&notifier->tokens);
        lock_done(&notifier->lock);
        (void)template_set_free(notifier->templates);
        (void)http_tokens_free(notifier->oauth2_tokens);
        (void)mem_free(notifier->external_url);
        (void)mem_free(notifier->user_agent);
    }
    return mem_free(notifier);
}

/* ---- One attempt ---- */

static const struct template_notice_alert *
alerts_take(struct arena *arena, const struct am_alert *from, size_t count, ts now)
{
    struct template_notice_alert *alerts = ARENA_ARRAY(arena, struct template_notice_alert, count);

    for (size_t i = 0; i < count; i++) {
        const struct am_alert *alert = &from[i];
        bool is_resolved = am_alert_is_resolved(alert, now);

        alerts[i] = (struct template_notice_alert){
            .labels = alert->labels,
            .annotations = alert->annotations,
            .starts_at = alert->starts_at,
            .ends_at = is_resolved ? alert->ends_at : 0, /* nobody knows yet */
            .generator_url = alert->generator_url,
            .fingerprint = alert->fingerprint,
            .is_resolved = is_resolved,
        };
    }
    return alerts;
}

static struct template_notice notice_of(const struct am_notifier *notifier,
                                        const struct am_notification *from)
{
    return (struct template_notice){
        .receiver = from->receiver,
        .external_url = str_from(notifier->external_url),
        .reason = from->reason,
        .group_labels = from->group_labels,
        .now = from->now,
        .zone = am_templates_zone,
    };
}

struct labels am_notifier_route_labels(const struct am_notifier *notifier,
                                       const struct am_notification *from, struct arena *arena)
{
    struct template_notice notice = notice_of(notifier, from);
    struct labels rendered = {0};
    struct baro_error err = {0};
    size_t failed;

    if (from->route_labels.count == 0) {
        return rendered;
    }
    notice.count = from->batch != NULL ? from->batch_count : from->count;
    notice.alerts = alerts_take(arena, from->batch != NULL ? from->batch : from->alerts,
                                notice.count, from->now);
    notice.route_labels = from->route_labels;
    failed = template_notice_route_labels(notifier->templates, &notice, arena, &rendered, &err);
    if (failed > 0) {
        log_warn("labels of a route cannot be rendered", log_str("group", from->group_key),
                 log_int("labels", (int64_t)failed), log_c("err", err.message));
    }
    return rendered;
}

static str key_hash(struct arena *arena, str key)
{
    uint8_t digest[SHA256_BYTES];
    struct buf text = {0};

    sha256_digest(key, digest);
    sha256_hex(&text, digest);
    return text_take(arena, &text);
}

static void sending_init(struct am_attempt *sending)
{
    const struct am_notification *from = sending->notification;

    sending->type = sending->integration->kind->type;
    sending->options = sending->integration->options;
    sending->notice = notice_of(sending->notifier, from);
    sending->notice.cancel = sending->cancel;
    sending->notice.alerts = alerts_take(&sending->arena, from->alerts, from->count, from->now);
    sending->notice.count = from->count;
    sending->notice.route_labels =
        am_notifier_route_labels(sending->notifier, from, &sending->arena);
    sending->data = template_notice_value(&sending->arena, &sending->notice);
    sending->key_hash = key_hash(&sending->arena, from->group_key);
    sending->is_resolved = str_is(template_notice_status(&sending->notice), "resolved");
}

/* The whole attempt's message is free of secrets, whoever wrote it. */
static void hide_in_error(struct am_attempt *sending)
{
    struct buf hidden = {0};

    am_send_hide(sending, &hidden, str_from(sending->err->message));
    (void)snprintf(sending->err->message, sizeof(sending->err->message), "%.*s",
                   STR_ARG(buf_view(&hidden)));
    buf_done(&hidden);
}

static enum am_notify_outcome run(struct am_attempt *sending)
{
    enum am_notify_outcome outcome = AM_NOTIFY_FAIL;

    sending_init(sending);
    for (size_t i = 0; i < ARRAY_COUNT(notifiers); i++) {
        if (strcmp(notifiers[i].name, sending->integration->kind->name) == 0) {
            outcome = notifiers[i].send(sending);
        }
    }
    if (outcome != AM_NOTIFY_OK) {
        hide_in_error(sending);
    }
    vec_done(&sending->secrets);
    arena_done(&sending->arena);
    return outcome;
}

enum am_notify_outcome am_notifier_send(struct am_notifier *notifier,
                                        const struct am_integration *integration,
                                        const struct am_notification *notification, dur timeout,
                                        const _Atomic bool *cancel, struct am_receipt *receipt,
                                        struct baro_error *err)
{
    struct am_receipt unwanted = {0};
    struct baro_error unread = {0};
    struct am_attempt sending = {
        .notifier = notifier,
        .integration = integration,
        .notification = notification,
        .timeout = timeout,
        .cancel = cancel,
        .receipt = receipt != NULL ? receipt : &unwanted,
        .err = err != NULL ? err : &unread,
    };
    enum am_notify_outcome outcome = run(&sending);

    buf_done(&unwanted.message);
    buf_done(&unwanted.thread_id);
    return outcome;
}

int am_notifier_render(struct am_notifier *notifier, const struct am_integration *integration,
                       const struct am_notification *notification, struct am_receipt *receipt,
                       struct baro_error *err)
{
    struct baro_error unread = {0};
    struct am_attempt sending = {
        .notifier = notifier,
        .integration = integration,
        .notification = notification,
        .is_rendering = true,
        .receipt = receipt,
        .err = err != NULL ? err : &unread,
    };

    return run(&sending) == AM_NOTIFY_OK ? 0
           : sending.err->code < 0       ? sending.err->code
                                         : BARO_EINVALID;
}
