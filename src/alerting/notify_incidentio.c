/* incident.io. Reference: notify/incidentio of Alertmanager 0.34. */
#include "alerting/notifiers.h"
#include "codec/json.h"

enum { BODY_BYTES_MAX = 512 * 1024 };

static const int retry_codes[] = {429, 0};

/* What it did not like, of the answer. */
static enum am_notify_outcome explain(struct am_attempt *sending, enum am_notify_outcome outcome,
                                      const struct am_response *answer)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    const struct json *errors;
    struct buf text = {0};

    if (outcome == AM_NOTIFY_OK || answer->status == 0 ||
        json_doc_parse(answer->body, &root, NULL) < 0) {
        return outcome;
    }
    buf_str(&text, json_text(json_get(root, "message")));
    if (json_text(json_get(root, "error")).len > 0) {
        buf_c(&text, text.len > 0 ? ": " : "");
        buf_str(&text, json_text(json_get(root, "error")));
    }
    errors = json_get(root, "errors");
    for (size_t i = 0; i < json_count(errors); i++) {
        buf_c(&text, i > 0 ? ", " : text.len > 0 ? ": " : "");
        buf_str(&text, json_text(json_at(errors, i)));
    }
    (void)error_set(sending->err, BARO_ENETWORK, "unexpected status code %d%s%.*s", answer->status,
                    text.len > 0 ? ": " : "", STR_ARG(buf_view(&text)));
    buf_done(&text);
    return outcome;
}

enum am_notify_outcome notify_incidentio(struct am_attempt *sending)
{
    str url = am_send_url(sending, "url", "url_file");
    str token = am_send_secret(sending, "alert_source_token", "alert_source_token_file");
    struct am_request request = {.url = url, .retry_codes = retry_codes};
    size_t most = (size_t)am_send_number(sending, "max_alerts");
    struct am_response answer = {0};
    struct buf body = {0};
    struct json_writer json = json_write_over(&body);
    enum am_notify_outcome outcome = AM_NOTIFY_FAIL;

    am_member_webhook(sending, &json, "1", most, 0);
    if (body.len + 1 > BODY_BYTES_MAX) {
        /* The first alert is what an incident is made of. */
        buf_reset(&body);
        json = json_write_over(&body);
        am_member_webhook(sending, &json, "1", most, 1);
    }
    buf_char(&body, '\n');
    am_send_limit(sending, "timeout");
    if (token.len > 0) {
        request.headers[request.header_count++] =
            arena_printf(&sending->arena, "Authorization: Bearer %.*s", STR_ARG(token)).ptr;
    }
    request.body = buf_view(&body);
    if (!am_send_failed(sending, &body)) {
        outcome = explain(sending, am_send_request(sending, &request, &answer), &answer);
    }
    buf_done(&body);
    return outcome;
}
