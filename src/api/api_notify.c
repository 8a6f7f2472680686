/* POST /api/v1/receivers/test and /api/v1/templates/preview: what a notification looks like, before
 * there is need of one. */
#include "alerting/am.h"
#include "alerting/am_notify.h"
#include "alerting/am_templates.h"
#include "api/api_priv.h"
#include "sys/clock.h"
#include "sys/fs.h"

enum { LABELS_MAX = 64, TIMEOUT = 10 * DUR_SECOND, CONFIG_BYTES_MAX = 64 << 20 };

/* Parameters of the form NAME=VALUE. */
static int read_pairs(struct api_call *call, const char *name, struct labels *ret)
{
    struct label *items = ARENA_ARRAY(call->arena, struct label, LABELS_MAX + 1);
    size_t index = 0;
    size_t count = 0;

    for (str value; count < LABELS_MAX && form_next(&call->form, str_from(name), &index, &value);) {
        size_t equals = str_index_char(value, '=');

        if (equals == SIZE_MAX || equals == 0) {
            return api_fail(call, API_BAD_DATA, "%s: NAME=VALUE is wanted", name);
        }
        items[count++] =
            (struct label){str_slice(value, 0, equals), str_from_index(value, equals + 1)};
    }
    *ret = labels_from_pairs(call->arena, items, count);
    return 0;
}

static int make_alert(struct api_call *call, ts now, struct am_alert *ret)
{
    bool resolved = str_is(form_get(&call->form, STR("resolved")), "true");
    int r = read_pairs(call, "label", &ret->labels);

    r = r < 0 ? r : read_pairs(call, "annotation", &ret->annotations);
    if (r < 0) {
        return r;
    }
    if (labels_get(ret->labels, STR("alertname")).ptr == NULL) {
        ret->labels = labels_with(call->arena, ret->labels, STR("alertname"), STR("TestAlert"));
    }
    ret->starts_at = now - DUR_MINUTE;
    ret->ends_at = resolved ? now : now + 5 * DUR_MINUTE;
    ret->fingerprint = am_fingerprint(ret->labels);
    return 0;
}

static const char *outcome_name(enum am_notify_outcome outcome, bool dry)
{
    return outcome == AM_NOTIFY_OK      ? dry ? "rendered" : "sent"
           : outcome == AM_NOTIFY_RETRY ? "retry"
                                        : "failed";
}

static void try_one(struct api_call *call, struct am_notifier *notifier,
                    const struct am_integration *integration,
                    const struct am_notification *notification, bool dry)
{
    struct am_receipt receipt = {0};
    struct baro_error err = {0};
    enum am_notify_outcome outcome = AM_NOTIFY_OK;

    if (!dry) {
        outcome =
            am_notifier_send(notifier, integration, notification, TIMEOUT, NULL, &receipt, &err);
    } else if (am_notifier_render(notifier, integration, notification, &receipt, &err) < 0) {
        outcome = AM_NOTIFY_FAIL;
    }
    json_write_object_begin(&call->json);
    json_write_pair_str(&call->json, STR("integration"), str_from(integration->kind->name));
    json_write_pair_str(&call->json, STR("outcome"), str_from(outcome_name(outcome, dry)));
    json_write_pair_i64(&call->json, STR("status"), receipt.status);
    if (outcome != AM_NOTIFY_OK) {
        json_write_pair_str(&call->json, STR("error"), str_from(err.message));
    }
    json_write_pair_str(&call->json, STR("message"), buf_view(&receipt.message));
    json_write_object_end(&call->json);
    buf_done(&receipt.message);
    buf_done(&receipt.thread_id);
}

static int try_all(struct api_call *call, const struct am_config *config,
                   const struct am_receiver *receiver)
{
    CLEANUP(am_notifier_freep) struct am_notifier *notifier = NULL;
    const struct am_notifier_options options = {.external_url = call->context->external_url,
                                                .version = call->context->build.program_version};
    bool dry = str_is(form_get(&call->form, STR("dry_run")), "true");
    ts now = clock_now(clock_real());
    struct am_alert alert = {0};
    struct am_notification notification = {
        .receiver = receiver->name, .alerts = &alert, .count = 1, .now = now};
    struct baro_error err = {0};
    struct labels all;

    if (make_alert(call, now, &alert) < 0) {
        return BARO_EINVALID;
    }
    if (am_notifier_new(config, &options, &notifier, &err) < 0) {
        return api_fail(call, API_EXECUTION, "%s", err.message);
    }
    all = labels_with(call->arena, (struct labels){0}, STR("alertname"),
                      labels_get(alert.labels, STR("alertname")));
    notification.group_labels = all;
    notification.group_key =
        arena_printf(call->arena, "{}:{alertname=\"%.*s\"}", STR_ARG(all.items[0].value));
    notification.reason =
        am_alert_is_resolved(&alert, now) ? STR("all alerts resolved") : STR("first notification");
    json_write_array_begin(&call->json);
    for (size_t i = 0; i < receiver->count; i++) {
        try_one(call, notifier, &receiver->integrations[i], &notification, dry);
    }
    json_write_array_end(&call->json);
    return 0;
}

/* The configuration's file as it is now: what the alertmanager tells of the running one has no
 * secrets. */
static int read_config(struct api_call *call, struct am *am, struct am_config **ret)
{
    const char *path = call->context->alerting_path;
    bool has_file = path != NULL && path[0] != '\0';
    struct baro_error err = {0};
    struct faults faults = {0};
    str text = STR("");

    if (has_file && fs_read_all(fs_real(), call->arena, path, CONFIG_BYTES_MAX, &text, &err) < 0) {
        return api_fail(call, API_INTERNAL, "%s", err.message);
    }
    if (!has_file) {
        text = am_config_text(am, call->arena);
    }
    if (am_config_parse(has_file ? str_from(path) : STR("(embedded)"), text, ret, &faults) < 0) {
        return api_fail(call, API_INTERNAL, "%s", faults.items[0].message);
    }
    return 0;
}

/* Whether a page of another site sends it: browsers let any page send a form, and say so.
 * Source: W3C, Fetch Metadata Request Headers. */
static bool is_foreign(const struct http_request *request)
{
    str site = http_request_header(request, "Sec-Fetch-Site");

    return site.len > 0 && !str_is(site, "same-origin") && !str_is(site, "none");
}

int api_test_receiver(struct api_call *call)
{
    CLEANUP(am_config_freep) struct am_config *config = NULL;
    const struct api_context *context = call->context;
    struct am *am = context->alerting != NULL ? context->alerting(context->app) : NULL;
    str name = form_get(&call->form, STR("receiver"));

    if (is_foreign(call->request)) {
        return api_fail(call, API_BAD_DATA,
                        "receivers are not tested by pages of other sites: send it from this "
                        "server's own page, or without a browser");
    }
    if (am == NULL) {
        return api_fail(call, API_UNAVAILABLE, "alerting has not started yet");
    }
    if (read_config(call, am, &config) < 0) {
        return BARO_EINVALID;
    }
    for (size_t i = 0; i < config->receiver_count; i++) {
        if (str_eq(config->receivers[i].name, name)) {
            return try_all(call, config, &config->receivers[i]);
        }
    }
    return api_fail(call, API_NOT_FOUND, "no receiver \"%.*s\"", STR_ARG(name));
}

int api_preview_template(struct api_call *call)
{
    CLEANUP(template_set_freep) struct template_set *set = template_notice_set();
    const struct template_notice notice = {.now = clock_now(clock_real()),
                                           .zone = am_templates_zone};
    str more = form_get(&call->form, STR("templates"));
    str type = form_get(&call->form, STR("type"));
    str data = form_get(&call->form, STR("data"));
    struct tvalue value = tvalue_none();
    struct baro_error err = {0};
    struct buf out = {0};
    int r = more.len > 0 ? template_set_parse(set, STR("templates"), more, &err) : 0;

    r = r < 0 ? r
              : template_notice_read(call->arena,
                                     data.len > 0 ? data : str_from(template_notice_example),
                                     &value, &err);
    if (r >= 0) {
        r = template_notice_run(set, &notice, value, call->arena,
                                form_get(&call->form, STR("text")), str_is(type, "html"), &out,
                                &err);
    }
    if (r >= 0) {
        json_write_object_begin(&call->json);
        json_write_pair_str(&call->json, STR("text"), buf_view(&out));
        json_write_object_end(&call->json);
    }
    buf_done(&out);
    return r < 0 ? api_fail(call, API_BAD_DATA, "%s", err.message) : 0;
}
