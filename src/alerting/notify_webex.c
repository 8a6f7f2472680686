/* Webex. Reference: notify/webex of Alertmanager 0.34. */
#include "alerting/notifiers.h"

enum { MESSAGE_BYTES_MAX = 7439 };

enum am_notify_outcome notify_webex(struct am_attempt *sending)
{
    str url = arena_str(&sending->arena, am_send_option(sending, "api_url"));
    str message =
        am_cut_bytes(&sending->arena, am_send_text(sending, "message"), MESSAGE_BYTES_MAX);
    struct buf body = {0};
    struct json_writer json = json_write_over(&body);

    json_write_object_begin(&json);
    am_member(&json, "markdown", message);
    am_member_some(&json, "roomId", am_send_text(sending, "room_id"));
    json_write_object_end(&json);
    return am_send_json(sending, url, &body, NULL, NULL);
}
