/* A webhook: the notification's data as JSON, or a payload that is a template. Reference:
 * notify/webhook of Alertmanager 0.34. */
#include "alerting/notifiers.h"

enum am_notify_outcome notify_webhook(struct am_attempt *sending)
{
    const struct yaml_node *payload = option_slot_ptr(sending->type, sending->options, "payload");
    struct buf body = {0};
    struct json_writer json = json_write_over(&body);
    str url;

    am_member_webhook(sending, &json, "4", (size_t)am_send_number(sending, "max_alerts"), 0);
    if (payload != NULL) {
        buf_reset(&body);
        json = json_write_over(&body);
        am_member_node(sending, &json, payload);
    }
    url = am_send_render(sending, am_send_url(sending, "url", "url_file"));
    if (sending->failed == 0 && url.len == 0) {
        buf_done(&body);
        return am_send_fault(sending, "webhook URL is empty after templating");
    }
    am_send_limit(sending, "timeout");
    return am_send_json(sending, url, &body, NULL, NULL);
}
