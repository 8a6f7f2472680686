/* Microsoft Teams by a connector. Reference: notify/msteams of Alertmanager 0.34. */
#include "alerting/notifiers.h"

static const struct am_field rows[] = {
    {"title", "title", 0, true}, {"summary", "summary", 0, true}, {"text", "text", 0, true}};

enum am_notify_outcome notify_msteams(struct am_attempt *sending)
{
    str url = am_send_url(sending, "webhook_url", "webhook_url_file");
    struct buf body = {0};
    struct json_writer json = json_write_over(&body);

    json_write_object_begin(&json);
    am_member(&json, "@context", STR("http://schema.org/extensions"));
    am_member(&json, "type", STR("MessageCard"));
    am_member_fields(sending, &json, sending->type, sending->options, rows, ARRAY_COUNT(rows));
    am_member(&json, "themeColor", sending->is_resolved ? STR("2DC72D") : STR("8C1A1A"));
    json_write_object_end(&json);
    return am_send_json(sending, url, &body, NULL, NULL);
}
